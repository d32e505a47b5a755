"""Claims about the application before an encrypted store: nothing is shown without its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driver import drive, hides, memory_of, shows, told, typed, until
from textual.widgets import Input

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.memory import Memory


def encrypted(home: Path) -> Memory:
    """Ann's story, encrypted; a memory that does not know the words."""
    told(memory_of(home)).encrypt("some words")
    return memory_of(home)


def test_the_passphrase_opens_the_application(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await shows(pilot, "Your memory is encrypted")
        for _ in range(3):
            await typed(pilot, "other words")
            await pilot.press("enter")
            await shows(pilot, "neither the passphrase")
            await until(pilot, lambda: not pilot.app.screen.query_one(Input).disabled)
        await typed(pilot, "some words")
        await hides(pilot, "some words")
        await pilot.press("enter")
        await hides(pilot, "encrypted")
        await pilot.press("f3")
        await shows(pilot, "Ann works at Borealis.")

    drive(encrypted(tmp_path), story)


def test_who_leaves_has_seen_nothing(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        await shows(pilot, "Your memory is encrypted")
        await hides(pilot, "Ann")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app._exit)

    drive(encrypted(tmp_path), story)
