"""Drive the application over a real store, with the two fakes, without a terminal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fakes import ANN, HOME, HashEmbedder, ann

from memo.engines import Engines
from memo.errors import ModelNotFound
from memo.memory import Memory, note
from memo.records import Claim, Evidence, Held, MakeFalse, Plan, Rewrite
from memo.settings import Settings, load
from memo.store import Store
from memo.tui.app import MemoApp
from memo.tui.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.lm import LanguageModel

    Story = Callable[[Pilot[int]], Awaitable[None]]

_PATIENCE_S = 8.0


def memory_of(home: Path, lm: LanguageModel | None = None) -> Memory:
    """A memory whose models are fakes."""
    settings = replace(load(home=home, environ={}), tz="Europe/London", me="Ann")
    model = lm or ann()
    return Memory(settings, Engines(lambda _: model, lambda _: HashEmbedder()))


def without_models(home: Path) -> Memory:
    """A memory for which no model was fetched."""

    def none(_: Settings) -> Any:
        raise ModelNotFound("No model yet: `memo model pull` fetches one.")

    settings = replace(load(home=home, environ={}), tz="Europe/London", me="Ann")
    return Memory(settings, Engines(none, none))


def told(memory: Memory) -> Memory:
    """After Ann has said what she says."""
    for day, text in ANN.items():
        for document in note(text, datetime.fromisoformat(f"{day}T12:00:00+00:00"), speaker="Ann"):
            memory.ingest(document)
    return memory


def drive(memory: Memory, story: Story, size: tuple[int, int] = (100, 30)) -> MemoApp:
    """Run the application through a story; it must neither crash nor stop by itself."""
    app = MemoApp(memory.settings, lambda: memory)

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            await story(pilot)

    asyncio.run(run())
    assert app.crash is None
    return app


async def until(pilot: Pilot[int], holds: Callable[[], object]) -> None:
    """Wait for something that a thread brings about."""
    waited = 0.0
    while not holds():
        assert waited < _PATIENCE_S, f"never came: {lines(pilot)}"
        await pilot.pause(0.02)
        waited += 0.02


def lines(pilot: Pilot[int]) -> str:
    """What stands on the screen."""
    width, height = pilot.app.size
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in pilot.app.screen._compositor.render_strips()
    )[: (width + 1) * height * 4]


async def shows(pilot: Pilot[int], *words: str) -> None:
    """Wait until the screen shows all of these."""
    await until(pilot, lambda: all(word in lines(pilot) for word in words))


async def hides(pilot: Pilot[int], word: str) -> None:
    """Wait until the screen does not show this any more."""
    await until(pilot, lambda: word not in lines(pilot))


async def typed(pilot: Pilot[int], text: str) -> None:
    """Type, key by key."""
    names = {" ": "space", "/": "slash", ".": "full_stop", "?": "question_mark", "-": "minus"}
    await pilot.press(*(names.get(char, char) for char in text))


def rows(pilot: Pilot[int]) -> Rows[Any]:
    """The list of the screen."""
    return pilot.app.screen.query_one(Rows)


def holding(memory: Memory) -> Memory:
    """After a note that memo did not dare to follow: Ann may have moved, or left Borealis."""
    told(memory)
    facts = {fact.text: fact.id for fact in memory.facts()}
    when = datetime.fromisoformat("2024-08-01T12:00:00+00:00")
    (document,) = note("Perhaps I am in York now, and free.", when, speaker="Ann")
    quote = Evidence("Perhaps I am in York now", 0)
    york = Claim("Ann lives in York.", HOME, "York", ("Ann",))
    moved = Rewrite(facts["Ann lives in Hull."], when, york, None, quote, 0.66)
    left = MakeFalse(facts["Ann works at Borealis."], when, quote, 0.52)
    plan = Plan(held=(Held(moved, "only one of two readings says so"), Held(left, "a guess")))
    embedder = HashEmbedder()
    with Store.open(memory.settings.store, embedder=embedder.identity) as store:
        store.apply(document, plan, embedder.embed)
    return memory
