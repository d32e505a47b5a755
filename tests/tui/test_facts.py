"""Claims about the Facts screen, over a real store."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from driver import drive, hides, memory_of, rows, shows, told, typed, until, without_models
from fakes import HashEmbedder
from textual import events
from textual.widgets import Input, OptionList

from memo.days import typed_day
from memo.errors import UsageProblem
from memo.memory import note
from memo.records import Add, Claim, Plan, State
from memo.store import Store
from memo.tui.app import MemoApp
from memo.tui.dialogs import Lines

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.memory import Memory
    from memo.records import Fact

TODAY = date(2026, 5, 15)


def test_a_fact_is_shown_with_its_life(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.", "first said", "“I work at Borealis now.”")
        await shows(pilot, "replaced Ann works at Acme.")

    drive(told(memory_of(tmp_path)), story, (120, 30))


def test_the_filter_goes_through_the_states(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await until(pilot, lambda: len(rows(pilot).keys) == 2)
        await pilot.press("f")
        await until(pilot, lambda: len(rows(pilot).keys) == 1)
        await shows(pilot, "2024-01-05 – 2024-06-01")  # noqa: RUF001  # as it is shown
        await pilot.press("f")
        await shows(pilot, "No fact is uncertain. f shows others.")
        await pilot.press("f")
        await until(pilot, lambda: len(rows(pilot).keys) == 3)

    drive(told(memory_of(tmp_path)), story)


def test_a_search_narrows_with_every_key_and_escape_ends_it(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2", "slash")
        await typed(pilot, "hul")
        await until(pilot, lambda: shown(pilot)[:1] == ["Ann lives in Hull."])
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(rows(pilot).keys) == 2)
        assert pilot.app.screen.query_one(Input).value == ""

    drive(told(memory_of(tmp_path)), story)


def test_what_is_typed_in_a_burst_is_sought_whole(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.")
        for char in "/seem p/x":  # s, e, m and p are keys of the list
            pilot.app.post_message(events.Key({"/": "slash", " ": "space"}.get(char, char), char))
        await until(pilot, lambda: pilot.app.screen.query_one(Input).value == "seem p/x")
        await shows(pilot, "newest · 0")

    drive(told(memory_of(tmp_path)), story)


def shown(pilot: Pilot[int]) -> list[str]:
    return [fact.text for fact in rows(pilot).items(rows(pilot).keys)]


def test_stepping_back_shows_another_day_unmistakably(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.")
        await pilot.press("left_square_bracket")
        await shows(pilot, "AS OF 2024-01-05", "● ", "Ann works at Acme.")
        await hides(pilot, "Borealis")
        await pilot.press("e")
        await shows(pilot, "The past cannot be changed")
        await pilot.press("right_square_bracket")
        await hides(pilot, "AS OF")
        await shows(pilot, "Ann works at Borealis.")
        await pilot.press("t")
        await shows(pilot, "Show what was known on")
        await typed(pilot, "march of time")
        await pilot.press("enter")
        await shows(pilot, "Show what was known on", "march of time")  # still asked
        await pilot.press(*["backspace"] * len("of time"))
        await typed(pilot, "2024")
        await pilot.press("enter")
        await shows(pilot, "AS OF 2024-03-31", "Ann works at Acme.")
        await pilot.press("escape")
        await hides(pilot, "AS OF")

    drive(told(memory_of(tmp_path)), story)


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo ', in Hull.' >> $1", "Ann works at Borealis., in Hull."), ("exit 3", "failed")],
)
def test_a_fact_is_edited_in_the_editor_of_ones_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    editor = tmp_path / "my editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", shlex.quote(str(editor)))
    monkeypatch.setattr(MemoApp, "suspend", lambda _: nullcontext())  # there is no terminal here
    memory = told(memory_of(tmp_path / "home"))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.")
        await pilot.press("e", "ctrl+e")
        if said == "failed":
            await shows(pilot, said)
            await pilot.press("escape")
            return
        await until(pilot, lambda: "Hull" in pilot.app.screen.query_one(Lines).text)
        await pilot.press("enter")
        await until(pilot, lambda: any("Hull" in f.text for f in memory.facts("Borealis")[:1]))

    drive(memory, story)
    texts = {fact.text.replace("\n", "") for fact in memory.facts()}
    assert (said in texts) == (said != "failed")
    assert ("Ann works at Borealis." in texts) == (said == "failed")


def test_a_fact_is_copied_as_it_is_shown(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.")
        await pilot.press("c")
        await until(pilot, lambda: pilot.app.clipboard == "Ann works at Borealis.")

    drive(told(memory_of(tmp_path)), story)


def test_edit_and_pin_are_undone_by_a_key(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("end")
        await until(pilot, lambda: getattr(rows(pilot).item, "text", "") == "Ann lives in Hull.")
        await pilot.press("e")
        await shows(pilot, "In your words")
        await pilot.press("ctrl+a", "ctrl+k")
        await typed(pilot, "Ann lives in York.")
        await pilot.press("enter")
        await shows(pilot, "Ann lives in York.")
        await pilot.press("u")
        await shows(pilot, "Ann lives in Hull.")
        await pilot.press("p")
        await until(pilot, lambda: any(fact.pinned for fact in memory.facts()))
        await pilot.press("u")
        await until(pilot, lambda: not any(fact.pinned for fact in memory.facts()))

    drive(memory, story)
    assert {fact.text for fact in memory.facts()} == {
        "Ann works at Borealis.",
        "Ann lives in Hull.",
    }


def test_pinned_facts_come_first(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))
    memory.pin(memory.facts("Hull")[0].id)
    facts = memory.facts_by_id(memory.fact_ids(order="newest"))
    assert [fact.text for fact in facts] == ["Ann lives in Hull.", "Ann works at Borealis."]


def test_forgetting_needs_another_key_than_the_one_that_asked(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("delete")
        await shows(pilot, "Forget this for good?")
        await pilot.press("delete", "enter")  # neither confirms; Enter keeps it
        await hides(pilot, "Forget this for good?")
        assert len(memory.facts()) == 2
        await pilot.press("delete")
        await shows(pilot, "Forget this for good?")
        await pilot.press("y")
        await until(pilot, lambda: len(memory.facts()) == 1)

    drive(memory, story)


def test_the_facts_can_be_browsed_without_any_model(tmp_path: Path) -> None:
    told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.")
        await pilot.press("slash")
        await typed(pilot, "hull")
        await until(pilot, lambda: len(rows(pilot).keys) == 1)
        await pilot.press("enter", "e")
        await shows(pilot, "In your words")
        await pilot.press("x", "enter")
        await shows(pilot, "No model yet")

    drive(without_models(tmp_path), story)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 50)])
def test_the_screen_fits(tmp_path: Path, size: tuple[int, int]) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.", "first said", "2 Fac")
        await pilot.resize_terminal(100, 30)
        await shows(pilot, "Ann works at Borealis.", "first said")

    drive(told(memory_of(tmp_path)), story, size)


@pytest.mark.parametrize("as_of", [False, True])
def test_lists_know_states_orders_and_unfinished_words(tmp_path: Path, as_of: bool) -> None:
    memory = told(memory_of(tmp_path))
    when = memory.event_times()[-1] if as_of else None

    def texts(words: str = "", state: State | None = None, order: str = "newest") -> list[str]:
        ids = memory.fact_ids(words, state=state, as_of=when, order=order)
        return [fact.text for fact in memory.facts_by_id(ids, when)]

    assert texts("work bor") == ["Ann works at Borealis."]
    assert texts("ann", State.PAST) == ["Ann works at Acme."]
    assert texts("bor*") == texts('"bor') == ["Ann works at Borealis."]
    assert texts("nobody") == []
    assert texts(order="a to z") == sorted(texts())
    assert texts(order="oldest")[-1] == texts()[0] == "Ann works at Borealis."


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-02", "2024-02-29"),
        ("2023", "2023-12-31"),
        ("March 2024", "2024-03-31"),
        ("last March", "2026-03-31"),
        ("last May", "2025-05-31"),
        ("June", "2025-06-30"),
        ("5th March 2024", "2024-03-05"),
        ("yesterday", "2026-05-14"),
        ("2 weeks ago", "2026-05-01"),
        ("last year", "2025-05-15"),
        ("today", "2026-05-15"),
    ],
)
def test_days_are_read_as_people_type_them(text: str, day: str) -> None:
    assert typed_day(text, TODAY).isoformat() == day


@pytest.mark.parametrize(
    "text", ["", "soon", "31 February 2024", "9999 years ago", "2024-13", "\x1b]"]
)
def test_what_names_no_day_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UsageProblem, match="is no day"):
        typed_day(text, TODAY)


def test_a_fact_is_opened_while_its_list_is_on_its_way(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))
    former = memory.facts("Acme", state=State.PAST)[0].id

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        for _ in range(5):
            app.open_fact(former)
            app.changed()
        await shows(pilot, "Where does Ann work? Acme")

    drive(memory, story, (120, 30))


def doubled(memory: Memory) -> Memory:
    """Where Ann lives is known in two sentences."""
    told(memory)
    when = datetime.fromisoformat("2024-02-01T12:00:00+00:00")
    (document,) = note("I live at 7 Dock Street in Hull.", when, speaker="Ann")
    claim = Claim("Ann's home is 7 Dock Street.", "Where is Ann's home?", "7 Dock Street", ("Ann",))
    embedder = HashEmbedder()
    with Store.open(memory.settings.store, embedder=embedder.identity) as store:
        store.apply(document, Plan((Add(claim, when),)), embedder.embed)
    return memory


@pytest.mark.parametrize("own", [False, True], ids=["picked", "written"])
def test_facts_that_say_the_same_become_one_by_key_and_two_again(tmp_path: Path, own: bool) -> None:
    memory = doubled(memory_of(tmp_path))
    before = {fact.text for fact in memory.facts()}
    kept: list[Fact] = []

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("alt+2")
        await until(pilot, lambda: rows(pilot).item is not None)
        await pilot.press("space", "m")
        await shows(pilot, "Mark two facts or more")
        await pilot.press("escape")
        for fact in memory.facts():
            if "Borealis" not in fact.text:
                rows(pilot).go(fact.id)
                await pilot.press("space")
        await pilot.press("m")
        await shows(pilot, "Merge 2 facts into one sentence", "Ann's home is 7 Dock Street.")
        sentence = "Ann's home is 7 Dock Street."
        if own:
            sentence = "Ann lives in York."  # the fake knows it
            await pilot.press("tab", "ctrl+a", "ctrl+k")
            await typed(pilot, sentence)
        else:
            choices = pilot.app.screen.query_one(OptionList)
            texts = [str(option.prompt) for option in choices.options]
            choices.highlighted = texts.index(sentence)
        await pilot.press("enter")
        await shows(pilot, "One sentence stands for 2 now")
        kept.extend(fact for fact in memory.facts() if "Borealis" not in fact.text)
        await pilot.press("u")
        await until(pilot, lambda: {fact.text for fact in memory.facts()} == before)

    drive(memory, story)
    (one,) = kept
    assert one.by_hand
    assert one.since == datetime.fromisoformat("2024-01-05T12:00:00+00:00")
    assert one.text == ("Ann lives in York." if own else "Ann's home is 7 Dock Street.")


def test_the_editor_opens_by_its_key_and_not_the_end_of_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)

    async def story(pilot: Pilot[int]) -> None:
        await pilot.press("f3")
        await shows(pilot, "Ann works at Borealis.")
        await pilot.press("e")
        await shows(pilot, "Ctrl+E")
        await pilot.press("ctrl+e")
        await shows(pilot, "Set EDITOR")

    drive(told(memory_of(tmp_path)), story)
