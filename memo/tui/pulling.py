"""Fetching a model while everything else goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.errors import MemoError
from memo.models import pull
from memo.terminal import size
from memo.tui.desk import Hand, Stream
from memo.tui.reader import spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.models import Model, Progress
    from memo.tui.place import MemoBase


def progress_line(model: Model, step: Progress) -> str:
    """How far a pull is, in a few words."""
    share = min(step.done_bytes / max(step.total_bytes, 1), 1.0)
    left = "" if step.eta_s is None else f" · {spoken(step.eta_s)} left"
    return f"{model.name} {share:.0%} of {size(step.total_bytes)} · {size(int(step.rate))}/s{left}"


async def fetch(app: MemoBase, model: Model, stream: Stream, tell: Callable[[str], None]) -> bool:
    """Fetch a model; whether it is here now. A failure is told, a stop is no failure."""
    tell(f"{model.name}: asking the sources…")
    try:
        steps = app.desk.stream(
            lambda memory: pull(model, memory.settings.models), stream, Hand("pull")
        )
        async for step in steps:
            tell(progress_line(model, step))
    except MemoError as error:
        app.complain(error)
        tell("")
        return False
    tell("")
    if stream.stopped:
        app.tell(f"{model.name}: stopped; fetching it again goes on from there.")
        return False
    app.tell(f"{model.name} is on this machine.")
    return True
