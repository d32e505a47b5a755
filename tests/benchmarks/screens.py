"""How quick the terminal application is: first paint, keys while a model works, 100,000 facts.

Models are sleeping fakes: what is measured is the application, not a model.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.widgets import Input, TextArea

from memo.engines import Engines
from memo.memory import Memory
from memo.records import Add, Claim, Document, Message, Plan
from memo.settings import load
from memo.store import Store
from memo.tui.app import MemoApp
from memo.tui.composer import Composer
from memo.tui.rows import Rows

sys.path.append(str(Path(__file__).parent.parent))
from fakes import FakeLM, HashEmbedder, ann  # beside this folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.pilot import Pilot

    from memo.lm import Prompt

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 7
KEYS = 60
FACTS = 100_000
_BATCH = 500
_QUERIES = ("garden lamp", "ann works 77", "blue boat", "letter to person 5")

_PAINT = """
import sys, time
sys.path[:0] = [{root!r}, {root!r} + "/tests"]
if {kind!r} == "command":
    import memo.cli
from textual.app import App
if {kind!r} != "empty":
    from pathlib import Path
    from memo.settings import load
    from memo.tui.app import MemoApp
    def opened():
        from memo.engines import INSTALLED
        from memo.memory import Memory
        return Memory(settings, INSTALLED)
    settings = load(home=Path({home!r}))
    base, given = MemoApp, (settings, opened)
else:
    base, given = App, ()
class Timed(base):
    def on_ready(self):
        self.call_after_refresh(self.painted)
    def painted(self):
        print(time.monotonic() - float(sys.argv[1]))
        self.exit()
Timed(*given).run(headless=True)
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a key to the screen."""

    p50_ms: float
    p95_ms: float
    worst_ms: float


@dataclass(frozen=True, slots=True)
class AtScale:
    """Among many facts."""

    facts: int
    open_s: float
    keys: Latency


def latency(seconds: Sequence[float]) -> Latency:
    """The usual three numbers."""
    ordered = sorted(second * 1000 for second in seconds)
    return Latency(
        round(statistics.median(ordered), 1),
        round(ordered[int(len(ordered) * 0.95)], 1),
        round(ordered[-1], 1),
    )


def first_paint() -> tuple[float, dict[str, Any]]:
    """Start to first paint over that of an empty Textual application, turn about.

    Beside it what the command adds, which imports the command line first.
    """
    times: dict[str, list[float]] = {"empty": [], "memo": [], "command": []}
    with tempfile.TemporaryDirectory() as home:
        compiling = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        compiling["PYTHONPYCACHEPREFIX"] = home  # as an installed program has it, and the library
        for number in range(ROUNDS + 1):
            for kind, seconds in times.items():
                code = _PAINT.format(root=str(ROOT), kind=kind, home=home)
                done = subprocess.run(
                    [sys.executable, "-c", code, str(time.monotonic())],
                    env=compiling,
                    capture_output=True,
                    text=True,
                    check=True,
                )
                if number:  # the first makes byte code, and the store
                    seconds.append(float(done.stdout))
    medians = {kind: statistics.median(seconds) for kind, seconds in times.items()}
    detail = {f"{kind}_s": round(median, 3) for kind, median in medians.items()}
    return medians["memo"] / medians["empty"], detail | {"of": ROUNDS}


def keys_while_thinking() -> Latency:
    """Each key on the composer, while a fake model writes an answer."""

    class Sleeper(FakeLM):
        def stream(
            self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()
        ) -> Iterator[str]:
            for number in range(2000):
                time.sleep(0.04)
                yield f" word{number}"

    with tempfile.TemporaryDirectory() as home:
        lm = Sleeper()
        settings = load(home=Path(home), environ={})
        memory = Memory(settings, Engines(lambda _: lm, lambda _: HashEmbedder()))
        fill(memory, 500)

        async def story(pilot: Pilot[int]) -> list[float]:
            composer = pilot.app.screen.query_one(Composer)
            composer.put("Where is the garden lamp of person 5?")
            await pilot.press("enter")
            await pilot.pause(1.0)
            return [await pressed(pilot, key) for key in ("abcdefghij" * KEYS)[:KEYS]]

        return latency(driven(memory, story))


def facts_at_scale(count: int = FACTS) -> AtScale:
    """Open the facts, then type queries: each key to the screen."""

    with tempfile.TemporaryDirectory() as home:
        settings = load(home=Path(home), environ={})
        embedder = HashEmbedder(dim=8)
        memory = Memory(settings, Engines(lambda _: ann(), lambda _: embedder))
        fill(memory, count)
        opened = 0.0

        async def story(pilot: Pilot[int]) -> list[float]:

            nonlocal opened
            started = time.perf_counter()
            await pilot.press("alt+2")
            rows: Rows[Any] = pilot.app.screen.query_one(Rows)
            while rows.item is None:
                await asyncio.sleep(0.005)
            opened = round(time.perf_counter() - started, 3)
            assert len(rows.keys) == count
            await pilot.press("slash")
            seconds: list[float] = []
            for query in _QUERIES:
                for char in query:
                    seconds.append(await pressed(pilot, "space" if char == " " else char))
                    await asyncio.sleep(0.12)  # a quick typist
                await asyncio.sleep(1.0)
                seconds += [await pressed(pilot, "backspace") for _ in query]
            return seconds

        seconds = driven(memory, story)
        return AtScale(count, opened, latency(seconds))


def fill(memory: Memory, count: int) -> None:
    """So many facts, in documents of a few hundred."""

    things = ("garden lamp", "blue boat", "old letter", "small key", "green door", "long table")
    begin = datetime(2010, 1, 1, tzinfo=UTC)
    embedder = memory.embedder()
    assert isinstance(embedder, HashEmbedder)
    with Store.open(memory.settings.store, embedder=embedder.identity) as store:
        for first in range(0, count, _BATCH):
            when = begin + timedelta(hours=first // 20)
            adds = []
            for number in range(first, min(first + _BATCH, count)):
                thing, person = things[number % len(things)], f"Person {number % 997}"
                text = f"{person} has the {thing} number {number}."
                question = f"What is number {number}?"
                adds.append(Add(Claim(text, question, thing, (person,)), when))
            said = Message(f"Inventory {first}", when, "Ann")
            document = Document("bench", str(first), (said,), title=f"Inventory {first}")
            store.apply(document, Plan(tuple(adds)), embedder.embed)


def driven(memory: Memory, story: Any) -> Any:
    """Run the application through a story, noting when it draws."""

    class Drawn(MemoApp):
        drawn = 0.0

        def _display(self, screen: Any, renderable: Any) -> None:
            super()._display(screen, renderable)
            self.drawn = time.perf_counter()

    app = Drawn(memory.settings, lambda: memory)

    async def run() -> Any:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.3)
            return await story(pilot)

    return asyncio.run(run())


async def pressed(pilot: Pilot[int], key: str) -> float:
    """Seconds from a key to the screen that shows it."""

    app: Any = pilot.app
    line = app.focused
    assert isinstance(line, Input | TextArea)

    def text() -> str:
        return line.value if isinstance(line, Input) else line.text

    before, started = text(), time.perf_counter()
    app.post_message(
        events.Key(key, None if key == "backspace" else " " if key == "space" else key)
    )
    while text() == before or app.drawn < started:
        await asyncio.sleep(0)
    return float(app.drawn - started)
