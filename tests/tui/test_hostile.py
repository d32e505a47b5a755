"""Claims about text that people, files and models wrote: it is shown, and does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from driver import drive, lines, memory_of, rows, shows, told, until
from fakes import FakeLM
from hostile import PAYLOADS, haunted
from textual import events
from textual.screen import ModalScreen
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock

from memo.models import Recommendation, catalogue
from memo.records import Answer, CitedFact
from memo.show import show, show_line
from memo.tui import models
from memo.tui.app import MemoApp
from memo.tui.choices import bindings
from memo.tui.composer import Composer
from memo.tui.exchange import Exchange
from memo.tui.importing import Files, Import
from memo.tui.markdown import parser
from memo.tui.rows import Rows
from memo.tui.talk import Talk
from memo.tui.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.lm import Prompt

_OURS = re.compile(r"\x1b\[[0-9;]*m")
"""Colours are all that may be in what goes to the terminal."""


def check(pilot: Pilot[int]) -> None:
    """What is on the screen, as text and as it goes to the terminal, obeys nobody."""
    app = pilot.app
    for strip in app.screen._compositor.render_strips():
        assert all(segment.control is None for segment in strip)
        sent = _OURS.sub("", strip.render(app.console))
        assert show(sent) == sent, repr(sent)
        assert "\n" not in sent
        assert "\t" not in sent


@pytest.mark.parametrize("place", [2, 3, 4, 5])
def test_lists_and_what_is_beside_them_show_it_and_do_nothing(tmp_path: Path, place: int) -> None:
    memory = haunted(memory_of(tmp_path))
    before = memory.counts()

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press(f"alt+{place}")
        await until(pilot, lambda: len(rows(pilot).keys) >= len(PAYLOADS) - 4)
        await until(pilot, lambda: rows(pilot).item is not None)
        check(pilot)
        for _ in rows(pilot).keys:
            await pilot.press("down")
            check(pilot)
        await pilot.press("home")
        for y in range(4, 24, 2):
            for x in (6, 30, 70, 90):
                await pilot.click(offset=(x, y))
        await pilot.pause(0.1)
        check(pilot)
        if place == 2:
            await pilot.press("escape", "e")
            await pilot.pause(0.05)
            check(pilot)
            await pilot.press("escape", "delete")
            await pilot.pause(0.05)
            check(pilot)
            await pilot.press("escape")
        await pilot.resize_terminal(60, 20)
        await pilot.pause(0.1)
        check(pilot)

    app = drive(memory, story, (100, 30))
    assert memory.counts() == before
    assert app.return_code in {0, None}


class Parrot(FakeLM):
    """Writes a payload for an answer."""

    payload = ""

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        yield "Borealis | "
        for start in range(0, len(self.payload), 7):
            yield self.payload[start : start + 7]


def test_what_a_model_and_a_person_write_is_shown_and_does_nothing(tmp_path: Path) -> None:
    told(memory_of(tmp_path))
    parrot = Parrot()
    memory = memory_of(tmp_path, parrot)
    before = memory.counts()

    async def story(pilot: Pilot[int]) -> None:
        screen = pilot.app.screen
        await pilot.press("ctrl+r")  # what stands on a line of its own would be remembered
        for number, payload in enumerate(PAYLOADS):
            Parrot.payload = payload.replace("\ud800", "?")
            screen.query_one(Composer).put("/new")
            await pilot.press("enter")
            await until(pilot, lambda: not screen.query(Exchange))
            screen.query_one(Composer).put(f"where does Ann work, {payload} {number} then?")
            check(pilot)
            await pilot.press("enter")
            await until(pilot, lambda: screen.query(Exchange))
            await until(pilot, lambda: screen.query_one(Exchange).answer is not None)
            await pilot.pause()
            check(pilot)
        await pilot.click(offset=(10, 10))
        composer = screen.query_one(Composer)
        for payload in PAYLOADS:
            composer.put("")
            composer.post_message(events.Paste(payload[:1000].replace("\ud800", "?")))
            await pilot.pause()
            check(pilot)

    drive(memory, story, (90, 26))
    assert memory.counts() == before


def test_kept_conversations_show_it_and_do_nothing(tmp_path: Path) -> None:
    memory = haunted(memory_of(tmp_path))
    facts = [CitedFact(n, fact, 0.5) for n, fact in enumerate(memory.facts(limit=3), 1)]
    texts = [payload.replace("\ud800", "?").replace("\x00", "?") for payload in PAYLOADS]
    whole = None
    for text in texts:
        for conversation in (None, whole):  # one of its own, and one of them all
            last, exchange = memory.conversations.begin(text, conversation)
            answer = Answer(text, text, text, facts=tuple(facts))
            memory.conversations.answered(exchange, text, answer, text)
        whole = last
    before = memory.counts()

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(rows(pilot).keys) >= len(PAYLOADS))
        for _ in rows(pilot).keys:
            check(pilot)
            await pilot.press("down")
        await pilot.press("delete")
        await shows(pilot, "Delete this conversation for good?")
        check(pilot)
        await pilot.press("escape", "home", "enter")
        await until(pilot, lambda: len(pilot.app.screen.query(Exchange)) == len(PAYLOADS))
        await until(pilot, lambda: all(e.settled for e in pilot.app.screen.query(Exchange)))
        talk = pilot.app.screen.query_one(Talk)
        while talk.scroll_offset.y > 0:
            check(pilot)
            await pilot.press("pageup")
            await pilot.pause()
        check(pilot)

    app = drive(memory, story, (90, 26))
    assert memory.counts() == before
    assert app.return_code in {0, None}


def test_documents_changes_and_days_show_it_and_do_nothing(tmp_path: Path) -> None:
    memory = haunted(memory_of(tmp_path))
    before = memory.counts()

    async def opened(pilot: Pilot[int], *keys: str) -> None:
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(pilot.app.screen, ModalScreen))
        await pilot.pause()
        check(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ModalScreen))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await until(pilot, lambda: rows(pilot).item is not None)
        timeline = pilot.app.screen.query_one(Timeline)
        for _ in range(0, len(rows(pilot).keys), 4):
            key = rows(pilot).key
            await until(pilot, lambda: timeline.life and timeline.life.fact.id == key)  # noqa: B023
            await opened(pilot, "enter", "end", "enter")  # the document that says so
            await pilot.press("escape", "down", "down", "down", "down")
        await opened(pilot, "home", "space", "space", "m")
        for _ in range(4):
            await pilot.press("left_square_bracket")
            await pilot.pause(0.05)
            check(pilot)

    drive(memory, story, (100, 30))
    assert memory.counts() == before


def test_files_with_hostile_names_and_words_are_previewed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for payload in PAYLOADS:
        name = payload.replace("/", "_").replace("\x00", "_").encode("utf-8", "replace")[:100]
        (folder / (name.decode("utf-8", "ignore") + ".md")).write_bytes(
            b"2024-01-01 " + payload.encode("utf-8", "surrogatepass")
        )
    memory = memory_of(tmp_path / "home")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5")
        pilot.app.screen.post_message(events.Paste(str(folder)))
        await until(pilot, lambda: isinstance(pilot.app.screen, Import))
        await until(pilot, lambda: "new documents" in lines(pilot))
        check(pilot)
        label = pilot.app.screen.query_one(Files).process_label
        assert all(label(payload).plain == show_line(payload) for payload in PAYLOADS)

    drive(memory, story, (140, 60))


def test_a_name_a_status_and_an_error_are_shown_and_do_nothing(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        for payload in PAYLOADS:
            app.tell(payload.replace("\ud800", "?"))
            app.status = payload.replace("\ud800", "?")[:40]
            await pilot.pause()
            check(pilot)
            app.clear_notifications()

    drive(memory_of(tmp_path), story, (100, 30))


def plain_payloads() -> list[str]:
    """Those that a line of a file or a screen can hold."""
    return [one.replace("\ud800", "?").replace("\x00", "?")[:300] for one in PAYLOADS]


@pytest.mark.parametrize("size", [(60, 20), (110, 30)])
def test_models_settings_and_first_run_show_it_and_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """As a catalogue, a settings file, a recommendation and a folder's name would bring it."""
    several = plain_payloads()
    known = catalogue().models[0]
    shown = [
        replace(known, name=f"{n}{one[:40]}", description=one) for n, one in enumerate(several)
    ]
    listed = replace(catalogue(), models=tuple(shown))
    monkeypatch.setattr(models, "catalogue", lambda: listed)
    best = Recommendation(known, known, "".join(several))
    monkeypatch.setattr("memo.tui.welcome.recommend", lambda _: best)
    memory = memory_of(tmp_path)
    keys = {b.id or "": one for b, one in zip(bindings(), several, strict=False)}
    home = tmp_path / several[3].replace("/", "_")
    memory.choose(
        replace(
            memory.settings,
            home=home,
            models=tmp_path / "models",  # one is pulled
            me="".join(several),
            theme=several[20],
        )
    )
    before = memory.settings

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        await pilot.press("alt+6")
        await until(pilot, lambda: len(rows(pilot).keys) == len(several))
        for _ in several:
            await pilot.press("down")
            check(pilot)
        await pilot.press("p", "v", "delete", "enter")
        await pilot.pause(0.1)
        check(pilot)
        await pilot.press("escape", "alt+7")
        app.settings = replace(app.settings, keys=keys, me=several[2], theme=several[22])
        await until(pilot, lambda: app.current_mode == "settings")
        for place in app.screen.query(Rows):
            place.redraw()
        app.screen.renew()  # type: ignore[attr-defined]
        for _ in range(len(keys) + 5):
            await pilot.press("down")
            check(pilot)
        await pilot.press("home", "enter")
        await pilot.pause(0.05)
        check(pilot)
        await pilot.press("escape")
        app.action_welcome()
        await until(pilot, lambda: app.screen.query("#model-line"))
        await pilot.pause(0.2)
        check(pilot)
        app.screen.query_one("#me").post_message(events.Paste("".join(several)))
        await pilot.pause(0.1)
        check(pilot)

    app = drive(memory, story, size)
    assert app.return_code in {0, None}
    assert memory.settings.model == before.model
    assert not before.file.exists()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_formatted_text_leads_nowhere_but_to_citations(payload: str) -> None:
    tokens = parser().parse(show(payload))
    inside = [child for token in tokens for child in token.children or ()]
    hrefs = [child.attrs["href"] for child in inside if child.type == "link_open"]
    assert all(re.fullmatch(r"cite:[0-9]{1,4}", str(href)) for href in hrefs)
    assert not {"image", "html_inline", "html_block"} & {one.type for one in [*tokens, *inside]}
    assert all(show(one.content) == one.content for one in [*tokens, *inside])


def test_an_answer_is_formatted_as_it_comes_and_its_citation_opens(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))
    cited = CitedFact(1, memory.facts("Borealis")[0], 1.0)
    text = (
        "**Ann** works [1]:\n\n- at *Borealis*\n- in `Hull` ~~York~~\n\n| a | b |\n|---|---|\n| 1 |"
    )

    async def story(pilot: Pilot[int]) -> None:
        exchange = Exchange("Where?")
        await pilot.app.screen.query_one("#talk").mount(exchange)
        stream = Markdown.get_stream(exchange.text)
        for start in range(0, len(text), 3):
            await stream.write(exchange.piece(text[start : start + 3]))
        await stream.stop()
        exchange.answer = Answer("?", "", text, facts=(cited,))
        await shows(pilot, "Ann works [1]:", "• at Borealis", "in Hull York")
        assert exchange.answered == text
        kinds = {type(block).__name__ for block in exchange.text.query(MarkdownBlock)}
        assert {"MarkdownParagraph", "MarkdownBulletList", "MarkdownTable"} <= kinds
        paragraph = exchange.text.query(MarkdownBlock).first()
        await pilot.click(paragraph, offset=(12, 0))
        await until(pilot, lambda: pilot.app.current_mode == "facts")
        await shows(pilot, "Where does Ann work? Borealis")

    drive(memory, story)


def test_a_crash_tells_where_and_none_of_the_persons_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary-in-a-coal-mine"
    told(memory_of(tmp_path))

    class Broken(MemoApp):
        def action_break(self) -> None:
            words = canary
            raise RuntimeError(words)

    memory = memory_of(tmp_path)
    app = Broken(memory.settings, lambda: memory)

    async def story() -> None:
        async with app.run_test() as pilot:
            pilot.app.screen.query_one(Composer).put(canary)
            app.call_later(app.action_break)
            await pilot.pause(0.2)

    with contextlib.suppress(RuntimeError):
        asyncio.run(story())
    assert app.crash is not None
    assert "RuntimeError" in app.crash
    assert "action_break" in app.crash
    out, err = capfd.readouterr()
    assert canary not in app.crash + out + err + caplog.text
    assert not any(canary in path.read_text("utf-8", "ignore") for path in tmp_path.glob("*.log"))
