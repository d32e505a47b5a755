"""Claims about changes, review, sources, models, settings and the first run, over a real store."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import tiny
from driver import (
    drive,
    hides,
    holding,
    lines,
    memory_of,
    rows,
    shows,
    told,
    typed,
    until,
    without_models,
)
from fakes import ann
from textual import events
from textual.widgets import Input

from memo.models import catalogue
from memo.models.files import remember, sha256_of
from memo.settings import load
from memo.tui import importing, themes
from memo.tui.app import MemoApp
from memo.tui.choices import bindings
from memo.tui.composer import Composer
from memo.tui.footer import Keys
from memo.tui.importing import Import
from memo.tui.jump import Jump
from memo.tui.place import PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.tui.reader import Job


def chat(path: Path, count: int = 4) -> Path:
    """A file of chats a week apart, with one line that is no message."""
    lines = [
        {"conversation": f"day {n}", "speaker": "Ann", "text": f"I live in Hull, say {n}."}
        | {"at": f"2024-0{1 + n // 28}-{1 + n % 28:02}T12:00:00Z"}
        for n in range(count)
    ]
    path.write_text("\n".join(["nonsense", *map(json.dumps, lines)]), "utf-8")
    return path


# -- changes -------------------------------------------------------------------------


def test_a_change_is_a_readable_diff_and_is_undone_and_redone_by_key(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+3")
        await shows(pilot, "~1", "Ann works at Acme. Borealis.", "“I work at Borealis now.”")
        await pilot.press("x")
        await shows(pilot, "Undid change", "undone")
        assert {f.text for f in memory.facts()} == {"Ann works at Acme.", "Ann lives in Hull."}
        await until(pilot, lambda: len(rows(pilot).keys) == 3)
        await pilot.press("r")
        await shows(pilot, "Redid change")
        assert "Ann works at Borealis." in {fact.text for fact in memory.facts()}

    drive(memory, story, (130, 30))


def test_enter_on_a_change_opens_its_fact(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+3")
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.current_mode == "facts")
        await shows(pilot, "Where does Ann work? Borealis")

    drive(told(memory_of(tmp_path)), story, (130, 30))


# -- review --------------------------------------------------------------------------


def test_the_least_sure_comes_first_and_is_accepted_by_key(tmp_path: Path) -> None:
    memory = holding(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+4")
        await shows(pilot, "4 Review 2", "52%", "a guess")
        await pilot.press("down")
        await shows(pilot, "only one of two readings says so", "Ann lives in Hull. York.")
        await pilot.press("a")
        await shows(pilot, "Accepted 1", "4 Review 1")
        assert "Ann lives in York." in {fact.text for fact in memory.facts()}
        await pilot.press("u")
        await shows(pilot, "4 Review 2")
        assert "Ann lives in Hull." in {fact.text for fact in memory.facts()}

    drive(memory, story, (130, 30))


def test_many_are_rejected_at_once(tmp_path: Path) -> None:
    memory = holding(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+4")
        await until(pilot, lambda: len(rows(pilot).keys) == 2)
        await pilot.press("asterisk", "r")
        await shows(pilot, "Rejected 2", "Nothing waits for your review.")

    drive(memory, story)
    assert memory.review() == []
    assert len(memory.facts()) == 2


# -- sources -------------------------------------------------------------------------


def test_an_import_is_previewed_then_read_in_the_background(tmp_path: Path) -> None:
    memory = memory_of(tmp_path / "home")
    file = chat(tmp_path / "chat.jsonl")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5", "i")
        await until(pilot, lambda: isinstance(pilot.app.screen, Import))
        pilot.app.screen.query_one("#path", Input).value = str(file)
        await pilot.press("enter")
        await shows(pilot, "4 new documents, 0 stored already, 1 skipped", "chat.jsonl:1")
        assert memory.documents() == []
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(memory.documents()) == 4)
        await shows(pilot, "read 4 of 4", "1 not read")
        await pilot.press("o")
        await shows(pilot, "4 new, 0 known already", "chat.jsonl:1")
        await pilot.press("escape")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, Import))
        pilot.app.screen.query_one("#path", Input).value = str(tmp_path / "nowhere")
        await pilot.press("enter")
        await shows(pilot, "nowhere")
        await pilot.press("escape")

    drive(memory, story, (120, 34))


def test_an_import_asks_once_who_one_is_in_its_source(tmp_path: Path) -> None:
    memory = memory_of(tmp_path / "home")
    memory.choose(replace(memory.settings, me=None))
    file = tmp_path / "WhatsApp Chat with Bea.txt"
    file.write_text(
        "05/01/2024, 09:15 - Bea: I live in York.\n05/01/2024, 09:16 - Ann: I live in Hull.\n"
        "25/01/2024, 09:16 - Ann: I like it.\n"
    )

    async def story(pilot: Pilot[int]) -> None:
        for time_ in range(2):
            await pilot.press("alt+5", "i")
            await until(pilot, lambda: isinstance(pilot.app.screen, Import))
            pilot.app.screen.query_one("#path", Input).value = str(file)
            await pilot.press("enter")
            if time_ == 0:
                await shows(pilot, "Who are you in whatsapp?", "Ann", "Bea", "None of them")
                await pilot.press("enter")  # the one who speaks most
            await shows(pilot, "2 new documents, 0 stored already")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, Import))
        assert isinstance(pilot.app, MemoApp)
        assert pilot.app.settings.speakers == {"whatsapp": "Ann"}
        seen = importing.preview(memory, [file], pilot.app.settings)
        context = {one.speaker: one.context for doc in seen.new for one in doc.messages}
        assert context == {"Ann": False, "Bea": True}

    drive(memory, story, (120, 34))
    assert 'whatsapp = "Ann"' in memory.settings.file.read_text("utf-8")


def test_the_report_of_a_waiting_import_counts_what_is_new(tmp_path: Path) -> None:
    memory = memory_of(tmp_path / "home")
    file = chat(tmp_path / "chat.jsonl")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5")
        job = importing.preview(memory, [file], memory.settings).job
        job.paused = True
        assert isinstance(pilot.app, MemoApp)
        pilot.app.reader.add(job)
        await pilot.press("o")
        await shows(pilot, "4 new, 0 known already, 0 failed,")
        await shows(pilot, "1 record skipped; paused at 0 of 4.")

    drive(memory, story, (120, 34))


def test_one_can_chat_pause_and_end_while_an_import_runs(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    asked = threading.Event()

    def before(last: str) -> None:
        asked.set()
        if ", say" in last:
            assert gate.acquire(timeout=10)

    memory = memory_of(tmp_path / "home", ann(before=before))
    file = chat(tmp_path / "chat.jsonl")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5")
        pilot.app.screen.post_message(events.Paste(str(file)))  # a file dropped on the terminal
        await shows(pilot, "4 new documents")
        await pilot.press("ctrl+s")
        await until(pilot, asked.is_set)
        await shows(pilot, "reading 1 of 4")
        await pilot.press("alt+1")
        pilot.app.screen.query_one(Composer).put("I started at Acme.")
        await pilot.press("enter")
        gate.release(50)
        await shows(pilot, "Noted: Ann works at Acme.")
        await pilot.press("alt+5", "p")
        await until(pilot, lambda: pilot.app.screen.query("#jobs"))

    drive(memory, story, (120, 34))
    assert "Ann works at Acme." in {fact.text for fact in memory.facts()}


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40), (200, 50)], ids=str)
def test_the_keys_that_lead_on_are_in_sight_on_every_screen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def story(pilot: Pilot[int]) -> None:
        for number in range(1, len(PLACES) + 1):
            await pilot.press(f"alt+{number}")
            await until(pilot, lambda: "Quit" in lines(pilot)[-size[0] :])
            last = lines(pilot)[-size[0] :]
            assert all(word in last for word in ("F1 Help", "^p Commands", "^q Quit")), last
            assert len(last.split("F1")[0].split()) >= 4, last

    drive(holding(memory_of(tmp_path)), story, size)


def test_a_click_on_a_key_presses_it(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.", "current")
        await pilot.click(Keys, offset=(lines(pilot)[-80:].index("Filter"), 0))
        await shows(pilot, "Ann works at Acme.")
        await pilot.click(Keys, offset=(lines(pilot)[-80:].index("Help"), 0))
        await until(pilot, lambda: pilot.app.screen.query("HelpPanel"))

    drive(told(memory_of(tmp_path)), story, (80, 24))


def test_an_import_pauses_goes_on_and_ends(tmp_path: Path) -> None:
    jobs: list[Job] = []
    ended = threading.Event()

    def hold(_: str) -> None:
        """Let two documents be read, and no more until the person has ended it."""
        if jobs and jobs[0].done >= 2:
            ended.wait(10)

    memory = memory_of(tmp_path / "home", ann(before=hold))
    file = chat(tmp_path / "chat.jsonl", 40)

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5")
        seen = importing.preview(memory, [file], memory.settings)
        job = seen.job
        jobs.append(job)
        job.paused = True
        app = pilot.app
        assert isinstance(app, MemoApp)
        app.reader.add(job)
        await shows(pilot, "paused at 0 of 40")
        await pilot.press("p")
        await until(pilot, lambda: job.done >= 2)
        await pilot.press("x")
        ended.set()
        await until(pilot, lambda: not job.running)
        await shows(pilot, "ended")
        await until(pilot, lambda: not app.busy)  # with the one that was being read

    drive(memory, story, (120, 34))
    assert len(memory.documents()) == 40
    left = len(memory.unread())
    assert 0 < left <= 38

    async def opened_again(pilot: Pilot[int]) -> None:
        await shows(
            pilot, f"paused at 0 of {left}"
        )  # the notice goes again, on a busy machine unseen
        await pilot.press("alt+5")
        await shows(pilot, f"paused at 0 of {left}", "waits")
        await pilot.press("p")
        await until(pilot, lambda: len(memory.unread()) < left)

    drive(memory, opened_again, (120, 34))


def test_an_import_without_a_model_waits_and_says_why(tmp_path: Path) -> None:
    memory = without_models(tmp_path / "home")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5")
        app = pilot.app
        assert isinstance(app, MemoApp)
        file = chat(tmp_path / "chat.jsonl")
        app.reader.add(importing.preview(memory, [file], memory.settings).job)
        await shows(pilot, "No model yet", "paused at 0 of 4")

    drive(memory, story, (120, 34))
    assert memory.documents() == []


def test_a_document_is_forgotten_only_after_asking(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+5")
        await until(pilot, lambda: rows(pilot).item is not None)
        await shows(pilot, "I left Acme. I work at Borealis now.")
        await pilot.press("delete")
        await shows(pilot, "Forget this document for good?")
        await pilot.press("enter")
        await hides(pilot, "for good?")
        assert len(memory.documents()) == 2
        await pilot.press("delete")
        await shows(pilot, "for good?")
        await pilot.press("y")
        await until(pilot, lambda: len(memory.documents()) == 1)

    drive(memory, story)


# -- models and settings -------------------------------------------------------------


def test_models_say_what_fits_and_what_is_not_here(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.choose(replace(memory.settings, models=tmp_path / "models"))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+6")
        await shows(pilot, "qwen2.5-coder-1.5b-instruct", "licence", "fit")
        await pilot.press("enter")
        await shows(pilot, "memo model pull")
        await pilot.press("delete", "v")
        await shows(pilot, "memo model pull")

    drive(memory, story, (140, 30))
    assert not memory.settings.file.exists()


def test_a_model_is_certified_in_the_background_and_stopped_by_the_same_key(
    tmp_path: Path,
) -> None:
    gate = threading.Semaphore(0)

    def hold(_: str) -> None:
        gate.acquire(timeout=10)

    memory = memory_of(tmp_path / "home", ann(before=hold))
    chat, *_ = catalogue().of("chat")
    embedding, *_ = catalogue().of("embedding")
    (tmp_path / chat.name).mkdir()
    file = tiny.write(tmp_path / chat.name / chat.files[0].name)
    remember(file, sha256_of(file))
    memory.choose(replace(memory.settings, models=tmp_path, model=chat.name))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+6")
        names = [one.name for one in catalogue().models]
        rows(pilot).go(names.index(embedding.name))
        await pilot.press("c")
        await shows(pilot, "no chat model")
        rows(pilot).go(names.index(chat.name))
        await pilot.press("c")
        app = pilot.app
        assert isinstance(app, MemoApp)
        await until(pilot, lambda: re.search(r": [a-z]+, 0 of [0-9]+", app.status))
        await pilot.press("alt+2", "alt+6", "c")  # everything else stays usable
        await shows(pilot, "Stopped certifying")
        assert app.status == ""
        gate.release(10_000)

    drive(memory, story, (120, 30))
    assert memory.documents() == []


def test_a_setting_is_searched_changed_checked_and_cleared(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.settings.home.mkdir(exist_ok=True)
    memory.settings.file.write_text("# my own words\n", "utf-8")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+7", "slash")
        await typed(pilot, "zone")
        await until(pilot, lambda: len(rows(pilot).keys) == 1)
        await pilot.press("enter", "enter")
        await shows(pilot, "Zone of times")
        await pilot.press("x", "enter")
        await shows(pilot, "is not a time zone")
        await pilot.press("enter", "ctrl+a", "ctrl+k")
        await typed(pilot, "Asia/Tokyo")
        await pilot.press("enter")
        await shows(pilot, "Asia/Tokyo")
        assert load(home=tmp_path, environ={}).tz == "Asia/Tokyo"
        await pilot.press("delete")
        await hides(pilot, "Asia/Tokyo")

    drive(memory, story, (120, 30))
    assert load(home=tmp_path, environ={}).tz is None
    assert "# my own words" in memory.settings.file.read_text("utf-8")


def test_keys_can_be_given_to_something_else(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))
    memory.choose(replace(memory.settings, keys={"facts.filter": "f9", "go.facts": "f12"}))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("f12")
        await until(pilot, lambda: len(rows(pilot).keys) == 2)
        await pilot.press("f")
        await pilot.pause(0.1)
        assert len(rows(pilot).keys) == 2
        await pilot.press("f9")
        await until(pilot, lambda: len(rows(pilot).keys) == 1)

    drive(memory, story)


def test_every_key_has_a_name_of_its_own() -> None:
    names = [binding.id for binding in bindings()]
    assert len(names) == len(set(names)) > 40


# -- everywhere ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 50)])
def test_every_place_opens_without_models_and_without_facts(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def story(pilot: Pilot[int]) -> None:
        for number, name in enumerate(PLACES, 1):
            await pilot.press(f"alt+{number}")
            await until(pilot, lambda: pilot.app.current_mode == name)  # noqa: B023  # at once
            await pilot.press("f1")
            await until(pilot, lambda: pilot.app.screen.query("HelpPanel"))
            await pilot.press("f1", "escape")
        await pilot.resize_terminal(60, 20)
        await pilot.pause()

    drive(without_models(tmp_path), story, size)


def test_the_command_palette_goes_everywhere(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+p")
        await typed(pilot, "review")
        await shows(pilot, "Go to Review")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.current_mode == "review")

    drive(memory_of(tmp_path), story)


def test_the_mouse_goes_to_a_place_and_to_a_fact(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.click("#tab-facts")
        await until(pilot, lambda: len(rows(pilot).keys) == 2)
        await pilot.click(rows(pilot), offset=(10, 1))
        await shows(pilot, "Where does Ann live? Hull")

    drive(told(memory_of(tmp_path)), story)


def test_a_letter_jumps_to_what_it_stands_on(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, Jump))
        await shows(pilot, " 2 ", " a ")
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.current_mode == "facts")
        await until(pilot, lambda: rows(pilot).has_focus)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, Jump))
        screen = pilot.app.screen
        assert isinstance(screen, Jump)
        letters = {type(widget).__name__: letter for letter, widget in screen.found.items()}
        assert {"PlaceTab", "Line", "Rows", "Timeline"} <= set(letters)
        await pilot.press(letters["Line"])
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, Jump))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))

    drive(told(memory_of(tmp_path)), story)


def test_a_first_run_keeps_the_name_and_can_be_skipped(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.choose(replace(memory.settings, me=None))

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        app.action_welcome()
        await shows(pilot, "Welcome to memo", "Who you are")
        await typed(pilot, "Nell")
        await pilot.press("escape")
        await hides(pilot, "Welcome to memo")
        assert pilot.app.screen.query_one(Composer).has_focus

    drive(memory, story)
    assert load(home=tmp_path, environ={}).me == "Nell"


def test_a_first_run_can_begin_with_the_demo_data(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        app.action_welcome()
        await shows(pilot, "Welcome to memo")
        await pilot.click("#demo")
        await until(pilot, lambda: len(memory.documents()) == 16)
        await shows(pilot, "Tess")

    drive(memory, story, (120, 34))


def test_a_damaged_store_is_told_and_nothing_else_happens(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.settings.store.write_bytes(b"not a store" * 100)

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "memo.db")
        assert "Traceback" not in lines(pilot)

    drive(memory, story)


@pytest.mark.parametrize("theme", themes.NAMES)
def test_every_theme_draws_every_place(tmp_path: Path, theme: str) -> None:
    memory = holding(memory_of(tmp_path))
    memory.choose(replace(memory.settings, theme=theme))

    async def story(pilot: Pilot[int]) -> None:
        assert pilot.app.theme == theme
        for number in range(1, 6):
            await pilot.press(f"alt+{number}")
            await pilot.pause()
        await shows(pilot, "5 Sources", "Ann", "said")

    drive(memory, story)


def test_no_color_leaves_greys_and_the_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2", "f", "f", "f")
        await shows(pilot, "○ ", "● ", "Ann works at Acme.")
        for strip in pilot.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                for colour in (style.color, style.bgcolor) if style else ():
                    if colour is not None and colour.triplet is not None:
                        assert len(set(colour.triplet)) == 1, segment

    drive(told(memory_of(tmp_path)), story)
