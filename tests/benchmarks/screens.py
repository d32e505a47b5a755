"""How quick the terminal application is: first paint, keys while a model works, 100,000 facts.

The models that answer are sleeping fakes: what is measured is the application, not a model. Of a
real one it is measured what typing is like while it writes beside the application.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import synthetic
from textual import events
from textual.widgets import Input, TextArea

from memo.engines import Engines
from memo.lm import Segment, Turn
from memo.memory import Memory
from memo.records import Add, Answer, CitedFact, Claim, Document, Message, Plan
from memo.settings import load
from memo.store import Store
from memo.tui.app import MemoApp
from memo.tui.ask import Ask
from memo.tui.composer import Composer
from memo.tui.exchange import Exchange
from memo.tui.rows import Rows

sys.path.append(str(Path(__file__).parent.parent))
from fakes import FakeLM, HashEmbedder, ann  # beside this folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.pilot import Pilot

    from memo.lm import LanguageModel, Prompt
    from memo.records import ConversationId

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 7
KEYS = 100
TALKS = 60
"""Exchanges of a long conversation: as many as the screen shows."""
FACTS = 100_000
_BATCH = 500
_QUERIES = ("drives an old", "works as a clerk", "holiday with fr")
"""What thousands of the synthetic facts say."""
_AS_TYPED = 16
"""Letters of one fact that is sought."""

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
class Pressed:
    """One key: what was waited, and the event loop's processor time meanwhile, in seconds."""

    waited: float
    spent: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a key to the screen."""

    p50_ms: float
    p95_ms: float
    worst_ms: float
    cpu_p95_ms: float
    """Of the event loop's processor time, which other work on the machine does not change."""


@dataclass(frozen=True, slots=True)
class AtScale:
    """Among many facts."""

    facts: int
    open_s: float
    keys: Latency


@dataclass(frozen=True, slots=True)
class Typed:
    """What typing was like while an answer was written."""

    keys: Latency
    held_ms: float
    """The longest that the event loop was kept from anything else."""
    processor: float
    """Seconds of processor time each second, of all threads."""
    words_a_second: float
    """Of the answer, as shown."""


@dataclass(frozen=True, slots=True)
class WhileThinking:
    """In a new conversation and in a long one."""

    new: Typed
    long: Typed

    @property
    def slowest_ms(self) -> float:
        """Of the two, at the 95th percentile."""
        return max(self.new.keys.p95_ms, self.long.keys.p95_ms)


class Held:
    """How long the event loop was held at the most."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look every two milliseconds, until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.perf_counter() - before - 0.002)


def latency(keys: Sequence[Pressed]) -> Latency:
    """The usual numbers."""
    waited = sorted(key.waited * 1000 for key in keys)
    spent = sorted(key.spent * 1000 for key in keys)
    worst = int(len(keys) * 0.95)
    return Latency(
        round(statistics.median(waited), 1),
        round(waited[worst], 1),
        round(waited[-1], 1),
        round(spent[worst], 1),
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


def keys_while_thinking() -> WhileThinking:
    """Keys at the pace of a quick typist, while a fake model writes an answer.

    First in a new conversation, then as the next message of one as long as the screen shows.
    """
    with tempfile.TemporaryDirectory() as home:
        memory = _thinking(Path(home))
        kept = _talked(memory, TALKS)

        async def story(pilot: Pilot[int]) -> tuple[Typed, Typed]:
            ask = pilot.app.screen
            assert isinstance(ask, Ask)
            new = await _typed_while_answered(pilot, ask)
            ask.action_stop()
            await pilot.pause(0.5)
            ask.resume(kept)
            while len(ask.query(Exchange)) < TALKS:
                await pilot.pause(0.1)
            await pilot.pause(1.0)
            return new, await _typed_while_answered(pilot, ask)

        return WhileThinking(*driven(memory, story))


@contextmanager
def writing(lm: LanguageModel) -> Iterator[None]:
    """A model that writes on and on meanwhile, in its own process."""
    done = threading.Event()
    story = (Turn("user", (Segment("Tell me a very long story about a lighthouse."),)),)

    def write() -> None:
        while not done.is_set():
            for _ in lm.stream(story, max_tokens=500):
                if done.is_set():
                    break

    for _ in lm.stream(story, max_tokens=1):
        pass  # it is loaded
    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def _thinking(home: Path) -> Memory:
    """A memory whose model never ends: 25 words a second, for each the processor is asked."""

    class Sleeper(FakeLM):
        def stream(
            self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()
        ) -> Iterator[str]:
            yield "garden lamp |"
            for number in itertools.count():
                time.sleep(0.04)
                yield f" word{number}"

    lm = Sleeper()
    memory = Memory(load(home=home, environ={}), Engines(lambda _: lm, lambda _: HashEmbedder()))
    fill(memory, 500)
    return memory


def _talked(memory: Memory, count: int) -> ConversationId:
    """A conversation of so many answered questions, each with four facts it rests on."""
    facts = [CitedFact(n, fact, 0.5) for n, fact in enumerate(memory.facts(limit=4), 1)]
    text = "It is where it was **always**, in the hall [1], beside the letters [2] and keys [3]."
    conversation = None
    for number in range(count):
        said = f"Where is the garden lamp of person {number}?"
        conversation, exchange = memory.conversations.begin(said, conversation)
        answer = Answer(said, "the hall", text, facts=tuple(facts))
        memory.conversations.answered(exchange, text, answer, "a question")
    assert conversation is not None
    return conversation


async def _typed_while_answered(pilot: Pilot[int], ask: Ask) -> Typed:
    """Ask, and type while the answer is written; it must have been, and been shown."""
    composer = ask.query_one(Composer)
    composer.put("Where is the garden lamp of person 5?")
    await pilot.press("enter")
    exchange = ask.query(Exchange).last()
    while "word" not in exchange.text.source:
        await pilot.pause(0.05)
        exchange = ask.query(Exchange).last()
    pace, begun = random.Random(0), len(exchange.text.source.split())
    keys, held = [], Held()
    watching = asyncio.create_task(held.watch())
    started, spent = time.perf_counter(), time.process_time()
    for key in ("abcdefghij" * KEYS)[:KEYS]:
        await asyncio.sleep(pace.uniform(0.03, 0.12))
        keys.append(await pressed(pilot, key))
    spent, waited = time.process_time() - spent, time.perf_counter() - started
    watching.cancel()
    written = len(exchange.text.source.split()) - begun
    assert written > KEYS, f"only {written} words were shown in {waited:.1f} s"
    return Typed(
        latency(keys),
        round(held.longest * 1000, 1),
        round(spent / waited, 3),
        round(written / waited, 1),
    )


def facts_at_scale(count: int = FACTS) -> AtScale:
    """Open the facts, then type queries: each key to the screen."""
    with tempfile.TemporaryDirectory() as home:
        embedder = HashEmbedder(dim=8)
        synthetic.build(Path(home) / "memo.db", count, embedder)
        memory = Memory(
            load(home=Path(home), environ={}), Engines(lambda _: ann(), lambda _: embedder)
        )
        listed = len(memory.fact_ids())  # the first call makes a backup, as is due of a new store
        opened = 0.0

        async def story(pilot: Pilot[int]) -> list[Pressed]:
            nonlocal opened
            started = time.perf_counter()
            await pilot.press("alt+2")
            rows: Rows[Any] = pilot.app.screen.query_one(Rows)
            while rows.item is None:
                await asyncio.sleep(0.005)
            opened = round(time.perf_counter() - started, 3)
            assert len(rows.keys) == listed
            await pilot.press("slash")
            keys: list[Pressed] = []
            for query in (*_QUERIES, rows.item.text.casefold()[:_AS_TYPED]):
                for char in query:
                    keys.append(await pressed(pilot, "space" if char == " " else char))
                    await asyncio.sleep(0.12)  # a quick typist
                await asyncio.sleep(1.0)
                assert 0 < len(rows.keys) < listed
                keys += [await pressed(pilot, "backspace") for _ in query]
            return keys

        return AtScale(count, opened, latency(driven(memory, story)))


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


class Drawn(MemoApp):
    """The application, noting when it draws."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.drawn = 0.0
        self.drawing = asyncio.Event()

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        self.drawn = time.perf_counter()
        self.drawing.set()


def driven(memory: Memory, story: Any) -> Any:
    """Run the application through a story; what that gives."""
    app = Drawn(memory.settings, lambda: memory)

    async def run() -> Any:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.3)
            told = await story(pilot)
        while app.busy:  # with a backup, which a new store is due
            await asyncio.sleep(0.1)
        return told

    return asyncio.run(run())


async def pressed(pilot: Pilot[int], key: str) -> Pressed:
    """Press a key, and wait, without keeping the processor busy, for the screen that shows it."""
    app = pilot.app
    line = app.focused
    assert isinstance(app, Drawn)
    assert isinstance(line, Input | TextArea)

    def text() -> str:
        return line.value if isinstance(line, Input) else line.text

    before, started, spent = text(), time.perf_counter(), time.thread_time()
    app.post_message(
        events.Key(key, None if key == "backspace" else " " if key == "space" else key)
    )
    while text() == before or app.drawn < started:
        app.drawing.clear()
        await app.drawing.wait()
    return Pressed(app.drawn - started, time.thread_time() - spent)
