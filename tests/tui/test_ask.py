"""Claims about the Ask screen, over a real store."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from driver import (
    drive,
    hides,
    lines,
    memory_of,
    rows,
    shows,
    told,
    typed,
    until,
    without_models,
)
from fakes import FakeLM, ann
from textual import events
from textual.widgets import Markdown

from memo.errors import ModelError
from memo.memory import note
from memo.show import show
from memo.tui.app import MemoApp
from memo.tui.ask import asked_and_told
from memo.tui.composer import LONG_PASTE, Composer
from memo.tui.exchange import ChangeLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.lm import Prompt

NEWS = "I live in Hull."


async def say(pilot: Pilot[int], text: str) -> None:
    pilot.app.screen.query_one(Composer).put(text)
    await pilot.press("enter")


def written(pilot: Pilot[int]) -> str:
    return pilot.app.screen.query_one(Composer).text


def test_a_question_is_answered_with_what_it_rests_on(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await typed(pilot, "Where does Ann work?")
        await pilot.press("enter")
        await shows(pilot, "Ann works at Borealis.", "[1]", "current, 2024-06-01")
        await shows(pilot, "nothing to remember")
        await pilot.press("shift+tab", "shift+tab")
        await until(pilot, lambda: "Source" in type(pilot.app.focused).__name__)
        await pilot.press("enter")
        await shows(pilot, "first said")

    memory = told(memory_of(tmp_path))
    drive(memory, story)
    assert len(memory.documents()) == 2


def test_who_comes_back_to_the_talk_comes_to_write(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.focused, Composer))
        await pilot.press("2")
        await shows(pilot, "Search")
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.focused, Composer))

    drive(memory_of(tmp_path), story)


def test_what_is_typed_in_a_burst_is_sent_whole(tmp_path: Path) -> None:
    """As from a terminal that pastes without brackets, or a fast typist's on a slow machine."""
    sent = "Where does Ann work, and since when does she work there?"

    async def story(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.focused, Composer))
        for char in sent:
            pilot.app.post_message(events.Key(char, char))
        pilot.app.post_message(events.Key("enter", "\r"))
        await shows(pilot, sent)
        await until(pilot, lambda: written(pilot) == "")
        assert pilot.app.screen.query_one(Composer).sent == [sent]

    drive(told(memory_of(tmp_path)), story)


def test_what_is_told_is_remembered_and_undone_by_a_key(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, NEWS)
        await shows(pilot, "Noted: Ann lives in Hull.", "+1 · u undo · enter details")
        assert [fact.text for fact in memory.facts()] == ["Ann lives in Hull."]
        await pilot.press("escape", "enter")  # out of the composer, and into what changed
        await shows(pilot, "What changed", "“I live in Hull.”")
        await pilot.press("escape")
        pilot.app.screen.query_one(ChangeLine).focus()
        await pilot.press("enter")
        await shows(pilot, "What changed", "“I live in Hull.”")
        await pilot.press("escape", "u")
        await shows(pilot, "taken back")
        assert memory.facts() == []

    drive(memory, story)


def test_undo_in_the_talk_is_of_what_was_said_and_not_of_what_was_read_meanwhile(
    tmp_path: Path,
) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, NEWS)
        await shows(pilot, "+1 · u undo")
        (document,) = note("I work at Borealis now.", speaker="Ann")
        memory.ingest(document)
        await pilot.press("escape", "u")
        await shows(pilot, "taken back")
        assert [fact.text for fact in memory.facts()] == ["Ann works at Borealis."]

    drive(memory, story)


def test_what_is_undone_elsewhere_is_said_in_the_talk(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, NEWS)
        await shows(pilot, "+1 · u undo")
        await pilot.press("alt+3")
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("x")
        await until(pilot, lambda: not memory.facts())
        await pilot.press("alt+1")
        await shows(pilot, "taken back")

    drive(memory, story)


def test_a_message_that_does_both_is_answered_and_remembered(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, f"{NEWS} Where does Ann work?")
        await shows(pilot, "Ann works at Borealis.", "=1")

    drive(memory, story)
    assert len(memory.documents()) == 3


@pytest.mark.parametrize(
    ("text", "asked", "told"),
    [
        ("Where do I live?", "Where do I live?", ""),
        ("I live in Hull.", "", "I live in Hull."),
        ("I moved. Where do I live?", "Where do I live?", "I moved."),
        ("what is my boss called", "what is my boss called", ""),
        ("Isabel called.\nWill came.", "Will came.", "Isabel called."),
        ("[/red] \x1b[2J", "", "[/red] \x1b[2J"),
    ],
)
def test_messages_ask_and_tell(text: str, asked: str, told: str) -> None:
    assert asked_and_told(text) == (asked, told)


class Slow(FakeLM):
    """Writes one word, then waits."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.closed = threading.Event()

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: object = ()) -> Iterator[str]:
        try:
            yield "Borealis | "
            yield "Somewhere, "
            self.go_on.wait(10)
            yield "surely."
            yield " And more."
        finally:
            self.closed.set()


def test_escape_stops_an_answer_and_keeps_what_was_said(tmp_path: Path) -> None:
    told(memory_of(tmp_path))
    slow = Slow()

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "Somewhere")
        await typed(pilot, "while it thinks")  # the line can be written on meanwhile
        assert written(pilot) == "while it thinks"
        await pilot.resize_terminal(70, 22)
        await shows(pilot, "Somewhere")
        await pilot.press("escape")
        await shows(pilot, "stopped", "Somewhere")
        slow.go_on.set()
        assert slow.closed.wait(5)
        await pilot.pause(0.1)
        assert "surely" not in lines(pilot)

    drive(memory_of(tmp_path, slow), story)


def test_escape_stops_before_the_first_word_and_gives_the_question_back(tmp_path: Path) -> None:
    told(memory_of(tmp_path))
    go_on = threading.Event()

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "thinking…")
        await pilot.press("escape")
        await shows(pilot, "stopped")
        assert written(pilot) == "Where does Ann work?"
        go_on.set()

    def wait(_: str) -> None:
        go_on.wait(10)

    drive(memory_of(tmp_path, ann(before=wait)), story)


def test_a_model_that_dies_gives_the_question_back(tmp_path: Path) -> None:
    told(memory_of(tmp_path))

    def die(_: str) -> None:
        raise ModelError("The model stopped; ask again.")

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "The model stopped; ask again.", "not answered")
        assert written(pilot) == "Where does Ann work?"
        await say(pilot, "I left Acme.")
        await shows(pilot, "not remembered")

    drive(memory_of(tmp_path, ann(before=die)), story)


def test_without_a_model_the_message_comes_back(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, NEWS)
        await shows(pilot, "No model yet", "not remembered")
        assert written(pilot) == NEWS

    drive(without_models(tmp_path), story)


def test_private_says_so_and_remembers_nothing(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "/private")
        await shows(pilot, "PRIVATE")
        await say(pilot, NEWS)
        await shows(pilot, "private · not remembered", "PRIVATE")
        await pilot.press("ctrl+r")
        await hides(pilot, "PRIVATE")

    drive(memory, story)
    assert memory.documents() == []


def test_as_of_asks_about_that_day_and_remembers_nothing(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "/asof 2024-03-01")
        await shows(pilot, "AS OF 2024-03-01", "nothing is remembered")
        await say(pilot, "Where does Ann live?")
        await shows(pilot, "Ann lives in Hull.")
        await say(pilot, "/asof")
        await hides(pilot, "AS OF")
        await say(pilot, "/asof whenever")
        await shows(pilot, "is no day")

    lm = FakeLM(answers={"Where does Ann live?": "Hull | Ann lives in Hull."})
    drive(memory_of(tmp_path, lm), story)
    assert len(memory.documents()) == 2


def test_a_long_paste_is_offered_as_a_document(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    text = "I live in Hull. " + "It rains. " * (LONG_PASTE // 10)

    async def story(pilot: Pilot[int]) -> None:
        pilot.app.screen.query_one(Composer).post_message(events.Paste(text))
        await shows(pilot, "Read as a document")
        await pilot.press("enter")
        await until(pilot, memory.documents)
        await shows(pilot, "read ")
        assert written(pilot) == ""

    drive(memory, story)
    assert "Ann lives in Hull." in {fact.text for fact in memory.facts()}


def test_a_message_is_written_in_the_editor_of_ones_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'and \\033[31mmore' >> $1\n")
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setattr(MemoApp, "suspend", lambda _: nullcontext())  # there is no terminal here

    async def story(pilot: Pilot[int]) -> None:
        pilot.app.screen.query_one(Composer).put("This, ")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "more" in written(pilot))
        assert written(pilot) == show("This, and \x1b[31mmore")

    drive(memory_of(tmp_path / "home"), story)


def test_what_was_sent_comes_back_and_the_draft_is_kept(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "/nonsense")
        await shows(pilot, "is no command")
        assert written(pilot) == "/nonsense"
        pilot.app.screen.query_one(Composer).put("")
        await say(pilot, "/help")
        await typed(pilot, "draft")
        await pilot.press("up")
        assert written(pilot) == "/help"
        await pilot.press("up", "down", "down")
        assert written(pilot) == "draft"
        await pilot.press("ctrl+j")
        assert written(pilot) == "draft\n"

    drive(memory_of(tmp_path), story)


def test_only_citations_are_links(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await say(pilot, "Where does Ann work?")
        await shows(pilot, "nothing to remember")
        markdown = pilot.app.screen.query_one(Markdown)
        markdown.post_message(Markdown.LinkClicked(markdown, "http://evil"))
        markdown.post_message(Markdown.LinkClicked(markdown, "cite:99"))
        await pilot.pause()
        assert pilot.app.current_mode == "ask"
        markdown.post_message(Markdown.LinkClicked(markdown, "cite:1"))
        await until(pilot, lambda: pilot.app.current_mode == "facts")

    drive(told(memory_of(tmp_path)), story)
