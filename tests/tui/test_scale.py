"""Claims about the Facts screen among 100,000 facts, over a real store of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import synthetic
from driver import drive, lines, rows, shows, typed, until
from fakes import HashEmbedder, ann

from memo.engines import Engines
from memo.memory import Memory
from memo.records import FactId, State
from memo.settings import load
from memo.store.browsing import MOST_MATCHES
from memo.times import day
from memo.tui.app import MemoApp
from memo.tui.timeline import Timeline

if TYPE_CHECKING:
    from textual.pilot import Pilot

FACTS = 100_000


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    """A memory of a lifetime: facts of 10,000 days, three of ten replaced since."""
    home = tmp_path_factory.mktemp("lifetime")
    embedder = HashEmbedder(dim=8)
    synthetic.build(home / "memo.db", FACTS, embedder)
    settings = load(home=home, environ={})
    return Memory(settings, Engines(lambda _: ann(), lambda _: embedder))


def text(memory: Memory, fact: FactId) -> str:
    return memory.facts_by_id([fact])[0].text


@pytest.mark.slow
def test_a_lifetime_of_facts_is_listed_to_its_end_and_each_has_its_life(memory: Memory) -> None:
    ids = memory.fact_ids()

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, text(memory, ids[0]), f"newest · {len(ids):,}")
        assert list(rows(pilot).keys) == ids
        await pilot.press("end")
        await shows(pilot, *(text(memory, fact) for fact in ids[-10:]))
        await pilot.press("pageup", "pageup")
        await until(pilot, lambda: rows(pilot).item is not None)
        assert text(memory, ids[rows(pilot).cursor]) in lines(pilot)
        await pilot.press("f")  # what is past
        past = memory.fact_ids(state=State.PAST)
        await shows(pilot, f"newest · {len(past):,}")
        await pilot.press("f", "f", "s", "home")  # all, the oldest first: the first was said often
        await until(pilot, lambda: rows(pilot).key == 1 and rows(pilot).item)
        await pilot.press("enter")
        timeline = pilot.app.screen.query_one(Timeline)
        history = memory.history(FactId(1))
        await until(pilot, lambda: timeline.life and timeline.life.entries == history)
        assert len(history) == 1 + synthetic.REINFORCED
        await pilot.press("end", "enter")  # the last event's document
        document = history[-1].document
        assert document is not None
        await shows(pilot, memory.titles([document])[document])

    drive(memory, story, (140, 40))


@pytest.mark.slow
def test_a_lifetime_of_facts_is_searched_as_one_types_and_shown_as_of_any_day(
    memory: Memory,
) -> None:
    ids = memory.fact_ids()
    sought = memory.facts_by_id([ids[len(ids) // 2]])[0]

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        await pilot.press("alt+2", "slash")
        await typed(pilot, "near the")  # what thousands say
        await until(pilot, lambda: list(rows(pilot).keys)[:MOST_MATCHES] == several)
        await shows(pilot, f"· {MOST_MATCHES:,}", text(memory, several[0]))
        for _ in "near the":
            await pilot.press("backspace")
        await typed(pilot, sought.text.rstrip(".").lower())
        await until(pilot, lambda: list(rows(pilot).keys)[:1] == [sought.id])
        await shows(pilot, sought.text, "first said")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(rows(pilot).keys) == len(ids))
        for steps in range(1, 4):
            was = app.as_of
            await pilot.press("left_square_bracket")
            await until(pilot, lambda: app.as_of not in {None, was})  # noqa: B023  # at once
            then = memory.fact_ids(as_of=app.as_of)
            await until(pilot, lambda: list(rows(pilot).keys) == then)  # noqa: B023  # at once
            await shows(pilot, f"AS OF {day(app.as_of, app.tz)}", f"{len(then):,}")
            assert len(then) < len(ids), steps

    several = memory.fact_ids("near the")
    assert len(several) == MOST_MATCHES
    drive(memory, story, (140, 40))
