"""Certifying a model from the application: in a thread of its own, stopped at any probe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memo.errors import MemoError
from memo.models import default_models
from memo.tui.desk import Hand
from memo.tui.reader import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from memo.certify import Certified, Progress
    from memo.memory import Memory
    from memo.models import Model
    from memo.tui.desk import Stream
    from memo.tui.place import MemoBase


async def certified(
    app: MemoBase, model: Model, stream: Stream, tell: Callable[[str], None]
) -> Certified | None:
    """Measure a model; None where that failed, which is told, or was stopped.

    What was measured by then is kept: the next time goes on from there.
    """
    settings = app.settings

    def steps(memory: Memory) -> Generator[Progress | Certified, None, None]:
        from memo.certify import certify, sharing  # noqa: PLC0415  # only here, in the thread
        from memo.engines import INSTALLED  # noqa: PLC0415

        chosen = model.name in default_models(settings)
        engines = sharing(memory) if chosen else INSTALLED
        return certify(replace(settings, model=model.name), engines)

    from memo.certify import Certified, Progress  # noqa: PLC0415  # by now `Memory` is imported

    try:
        async for step in app.desk.stream(steps, stream, Hand("certify")):
            if isinstance(step, Certified):
                return step
            assert isinstance(step, Progress)
            left = f" · {spoken(step.eta_s)} left" if step.eta_s else ""
            tell(f"certifying {model.name}: {step.part}, {step.done} of {step.total}{left}")
    except MemoError as error:
        app.complain(error)
    return None
