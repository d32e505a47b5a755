"""Claims about kept conversations and stopped readings on the Ask screen, over a real store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from driver import drive, hides, lines, memory_of, rows, shows, told, typed, until
from fakes import FakeLM, ann
from textual.widgets import Input

from memo.errors import Stopped
from memo.lm import stop_wanted
from memo.memory import DOCUMENT_TOKENS
from memo.tui.composer import Composer
from memo.tui.conversations import Conversations
from memo.tui.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.lm import Prompt
    from memo.memory import Memory


async def say(pilot: Pilot[int], text: str) -> None:
    pilot.app.screen.query_one(Composer).put(text)
    await pilot.press("enter")


def said(memory: Memory) -> list[list[str]]:
    """What was said in each kept conversation."""
    return [
        [exchange.said for exchange in memory.conversations.exchanges(one.id)]
        for one in memory.conversations.listed()
    ]


def test_a_conversation_is_resumed_after_a_restart_with_all_that_stood_in_it(
    tmp_path: Path,
) -> None:
    memory = memory_of(tmp_path)

    async def talk(pilot: Pilot[int]) -> None:
        await say(pilot, "I live in Hull.")
        await shows(pilot, "Noted: Ann lives in Hull.", "+1")
        await say(pilot, "Where does Ann live?")
        await shows(pilot, "Ann lives in Hull [1]", "nothing to remember")

    async def later(pilot: Pilot[int]) -> None:
        await say(pilot, "Something else?")
        await shows(pilot, "nothing to remember")
        await pilot.press("ctrl+o")
        await shows(pilot, "Conversations", "I live in Hull.")
        await pilot.press("slash")
        await typed(pilot, "hull")
        await hides(pilot, "1  Something else?")
        await until(pilot, lambda: len(rows(pilot).keys) == 1)
        await pilot.press("enter", "enter")
        await shows(pilot, "Noted: Ann lives in Hull.", "+1 · u undo", "Ann lives in Hull [1]")
        assert "Something else?" not in lines(pilot)
        await pilot.press("up")
        assert pilot.app.screen.query_one(Composer).text == "Where does Ann live?"
        await say(pilot, "And now?")
        await until(pilot, lambda: len(said(memory)[0]) == 3)

    drive(memory, talk)
    drive(memory, later)
    assert said(memory) == [
        ["I live in Hull.", "Where does Ann live?", "And now?"],
        ["Something else?"],
    ]


def test_an_answer_is_resumed_with_its_sources_as_they_stand_now(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "[1] ● Ann works at Borealis.")
        await say(pilot, "/new")
        await shows(pilot, "Tell me what happens")
        memory.undo()
        await say(pilot, "/resume")
        await until(pilot, lambda: isinstance(pilot.app.screen, Conversations))
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("enter")
        await shows(pilot, "Where does Ann work?", "Ann works at Borealis.")
        assert "[1] ●" not in lines(pilot)  # what it stood on is taken back

    drive(memory, story)


def test_one_is_deleted_only_after_asking_and_leaves_the_screen(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "I live in Hull.")
        await shows(pilot, "Noted")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("delete")
        await shows(pilot, "Delete this conversation for good?", "stays remembered")
        await pilot.press("enter")
        assert len(said(memory)) == 1
        await pilot.press("delete")
        await shows(pilot, "for good?")
        await pilot.press("y")
        await shows(pilot, "None is kept yet.")
        await pilot.press("escape")
        await shows(pilot, "Tell me what happens")
        assert not pilot.app.screen.query(Exchange)

    drive(memory, story)
    assert said(memory) == []
    assert [fact.text for fact in memory.facts()] == ["Ann lives in Hull."]


def test_what_is_private_or_of_another_day_is_not_kept(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        for command, end in (("/private", "/private"), ("/asof 2024-03-01", "/asof")):
            await say(pilot, command)
            await say(pilot, "Where does Ann work? I live in Hull.")
            await shows(pilot, "private · not remembered")
            await say(pilot, end)
            await say(pilot, "/new")
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "nothing to remember")

    drive(memory, story)
    assert said(memory) == [["Where does Ann work?"]]


def test_what_is_forgotten_leaves_the_conversation_and_the_screen_at_once(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "I started at Acme.")
        await shows(pilot, "Noted: Ann works at Acme.")
        await say(pilot, "I live in Hull.")
        await shows(pilot, "Noted: Ann lives in Hull.")
        await pilot.press("alt+2")
        await until(pilot, lambda: len(rows(pilot).keys) == 2)
        rows(pilot).go(memory.facts("Hull")[0].id)
        await until(pilot, lambda: getattr(rows(pilot).item, "text", "") == "Ann lives in Hull.")
        await pilot.press("delete")
        await shows(pilot, "Forget this for good?")
        await pilot.press("y")
        await shows(pilot, "Forgotten.")
        await pilot.press("alt+1")
        await shows(pilot, "Noted: Ann works at Acme.")
        await hides(pilot, "Hull")
        assert pilot.app.screen.query_one(Composer).sent == ["I started at Acme."]

    drive(memory, story)
    assert said(memory) == [["I started at Acme."]]


def test_another_message_ends_the_answer_before_it_and_both_are_kept(tmp_path: Path) -> None:
    class Endless(FakeLM):
        def stream(self, prompt: Prompt, *, max_tokens: int, stop: object = ()) -> Iterator[str]:
            yield "Borealis | "
            for _ in range(200):
                yield "well, "
                time.sleep(0.1)

    told(memory_of(tmp_path))
    memory = memory_of(tmp_path, Endless())

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "well, well")
        await say(pilot, "Is Ann well?")
        await until(pilot, lambda: len(pilot.app.screen.query(Exchange)) == 2)
        await until(
            pilot, lambda: pilot.app.screen.query(Exchange).first().change_line.words == "stopped"
        )
        await until(pilot, lambda: pilot.app.screen.query(Exchange).last().answered)
        await pilot.press("escape")
        await until(pilot, lambda: len(said(memory)[0]) == 2)

    drive(memory, story)
    (kept,) = memory.conversations.listed()
    first = memory.conversations.exchanges(kept.id)[0]
    assert first.note == "stopped"
    assert first.answer.startswith("well, well, ")


def until_stopped(_: str) -> None:
    """As a real model: waits, and ends when that is no longer wanted."""
    for _second in range(1000):
        if stop_wanted.get()():
            raise Stopped("The model was stopped.")
        time.sleep(0.01)
    raise AssertionError("nobody stopped it")


def test_escape_stops_the_reading_of_a_message_and_gives_it_back(tmp_path: Path) -> None:
    memory = memory_of(tmp_path, ann(before=until_stopped))

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "I live in Hull.")
        await shows(pilot, "remembering… · esc stops")
        await say(pilot, "I started at Acme.")  # waits for its turn
        await until(pilot, lambda: lines(pilot).count("remembering…") == 2)
        await pilot.press("escape")
        await until(pilot, lambda: lines(pilot).count("stopped · not remembered") == 2)
        assert pilot.app.screen.query_one(Composer).text in {
            "I live in Hull.",
            "I started at Acme.",
        }
        assert not [one for one in pilot.app.screen.query(Exchange) if one.reading]
        await until(pilot, lambda: memory.conversations.listed())

    drive(memory, story)
    assert memory.documents() == []
    (kept,) = memory.conversations.listed()
    notes = [one.note for one in memory.conversations.exchanges(kept.id)]
    assert notes == ["stopped · not remembered"] * 2


def test_what_was_read_of_a_long_message_stays_and_the_rest_comes_back(tmp_path: Path) -> None:
    parts: list[str] = []

    def second(last: str) -> None:
        if "Rain again" in last:
            until_stopped(last)

    memory = memory_of(tmp_path, ann(before=second))
    text = "I live in Hull.\n\n" + "It rained. " * (DOCUMENT_TOKENS // 3) + "\n\nRain again."

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, text)
        await until(pilot, lambda: len(memory.documents()) == 1)
        await pilot.press("escape")
        await shows(pilot, "+1 · 1 of 2 parts are remembered, the rest is not · u undo")
        parts.append(pilot.app.screen.query_one(Composer).text)

    drive(memory, story)
    assert parts[0].endswith("Rain again.")
    assert "Hull" not in parts[0]
    assert [fact.text for fact in memory.facts()] == ["Ann lives in Hull."]


@pytest.mark.parametrize("size", [(60, 20), (200, 50)])
def test_the_list_of_conversations_fits_any_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    memory = memory_of(tmp_path)
    for number in range(40):
        memory.conversations.begin(f"{number} " + "long " * 60)

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+o")
        await shows(pilot, "39 long", "Esc close")
        await pilot.press("end")
        await shows(pilot, "0 long")
        await pilot.press("slash", "x")
        await shows(pilot, "No conversation has these words.")
        await pilot.press("escape")
        assert pilot.app.screen.query_one(Input).value == ""

    drive(memory, story, size)
