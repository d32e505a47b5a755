"""Each screen as a picture: look at it whenever it changes (`--snapshot-update`)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driver import drive, holding, memory_of, rows, shows, until
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from memo.models import Machine
from memo.tui import models
from memo.tui.app import MemoApp
from memo.tui.composer import Composer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syrupy.assertion import SnapshotAssertion
    from textual.pilot import Pilot

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Svg(SingleFileSnapshotExtension):
    """One file a picture."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


async def ask(pilot: Pilot[int]) -> None:
    composer = pilot.app.screen.query_one(Composer)
    composer.put("Where does Ann work?")
    await pilot.press("enter")
    await shows(pilot, "nothing to remember")
    composer.put("I live in Hull.")
    await pilot.press("enter")
    await shows(pilot, "As I knew", "=1")


async def facts(pilot: Pilot[int]) -> None:
    await pilot.press("alt+2", "f", "f", "f")
    await until(pilot, lambda: len(rows(pilot).keys) == 3)
    await shows(pilot, "first said", "I work at Borealis now.")


async def past(pilot: Pilot[int]) -> None:
    await pilot.press("alt+2", "left_square_bracket")
    await shows(pilot, "AS OF 2024-01-05", "Where does Ann live? Hull")


async def changes(pilot: Pilot[int]) -> None:
    await pilot.press("alt+3", "down")
    await shows(pilot, "Ann works at Acme. Borealis.")


async def review(pilot: Pilot[int]) -> None:
    await pilot.press("alt+4", "space")
    await shows(pilot, "66% sure", "Ann lives in Hull. York.")


async def sources(pilot: Pilot[int]) -> None:
    await pilot.press("alt+5")
    await shows(pilot, "Perhaps I am in York now", "Waiting for your review")


async def models_(pilot: Pilot[int]) -> None:
    await pilot.press("alt+6")
    await shows(pilot, "does not fit", "fits", "licence")


async def settings(pilot: Pilot[int]) -> None:
    await pilot.press("alt+7")
    await shows(pilot, "Your name", "Key: ")


async def forget(pilot: Pilot[int]) -> None:
    await pilot.press("alt+2")
    await until(pilot, lambda: rows(pilot).item is not None)
    await pilot.press("delete")
    await shows(pilot, "Forget this for good?")


async def welcome(pilot: Pilot[int]) -> None:
    app = pilot.app
    assert isinstance(app, MemoApp)
    app.action_welcome()
    await shows(pilot, "Welcome to memo", "Who you are")


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
@pytest.mark.parametrize(
    "scene",
    [ask, facts, past, changes, review, sources, models_, settings, forget, welcome],
    ids=lambda scene: scene.__name__.strip("_"),
)
def test_a_screen_looks_as_it_did(
    scene: Callable[[Pilot[int]], Awaitable[None]],
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
) -> None:
    monkeypatch.chdir(tmp_path)
    there = Machine(ram_bytes=8_000_000_000, vram_bytes=0)
    monkeypatch.setattr(models, "machine", lambda: there)
    monkeypatch.setattr("memo.tui.welcome.this_machine", lambda: there)
    memory = memory_of(tmp_path / "home")
    memory.choose(replace(memory.settings, home=Path("home"), models=Path("models")))
    holding(memory)
    pictures: list[str] = []

    async def story(pilot: Pilot[int]) -> None:
        pilot.app.screen.query_one(Composer).cursor_blink = False
        await scene(pilot)
        pilot.app.set_focus(None)
        await pilot.pause(0.3)
        pilot.app.clear_notifications()
        await pilot.pause(0.3)
        pictures.append(_FONTS.sub("", pilot.app.export_screenshot()))

    drive(memory, story, size)
    assert pictures[0] == snapshot(extension_class=Svg)
