"""Claims about what went wrong beside what was asked for: the person sees it, and goes on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from driver import drive, memory_of, shows, told

from memo.store.opening import backup_folder

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


def test_a_backup_that_could_not_be_made_is_told_in_the_corner(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))
    folder = backup_folder(memory.settings.store)
    shutil.rmtree(folder)
    folder.write_text("something in the way")

    async def story(pilot: Pilot[int]) -> None:
        await shows(pilot, "No automatic backup could be")
        await pilot.press("f3")
        await shows(pilot, "Ann works at Borealis.")

    drive(memory, story)
