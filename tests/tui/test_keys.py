"""Claims about keys as terminals send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driver import drive, memory_of, until
from textual import events
from textual._xterm_parser import XTermParser

from memo.tui.composer import Composer
from memo.tui.place import PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


def test_alt_and_a_digit_goes_to_a_place_and_writes_nothing(tmp_path: Path) -> None:
    async def story(pilot: Pilot[int]) -> None:
        for number, place in enumerate(PLACES, 1):
            (key,) = XTermParser().feed(f"\x1b{number}")  # as terminals send it
            assert isinstance(key, events.Key)
            pilot.app.post_message(key)
            await until(pilot, lambda: pilot.app.current_mode == place)  # noqa: B023  # at once
        await pilot.press("f2")
        assert pilot.app.screen.query_one(Composer).text == ""

    drive(memory_of(tmp_path), story)
