"""Renew the pictures of the README, from the scenes of the tests: `python tests/tui/pictures.py`.

Look at each of them before it is kept.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from driver import drive, holding, memory_of  # noqa: E402  # beside this file
from test_snapshots import _FONTS, ask, changes, facts, past, review, sources  # noqa: E402

from memo.tui.composer import Composer  # noqa: E402

if TYPE_CHECKING:
    from textual.pilot import Pilot

FOLDER = ROOT / "assets" / "screens"
SIZE = (100, 26)
_SYSTEM_FONTS = "ui-monospace, Menlo, DejaVu Sans Mono, monospace"
"""A README may load no fonts."""


def main() -> None:
    """Draw and write each."""
    for scene in (ask, facts, past, changes, review, sources):

        async def story(pilot: Pilot[int]) -> None:
            pilot.app.screen.query_one(Composer).cursor_blink = False
            await scene(pilot)  # noqa: B023  # at once
            pilot.app.clear_notifications()
            await pilot.pause(0.3)
            picture = _FONTS.sub("", pilot.app.export_screenshot())
            picture = picture.replace("Fira Code, monospace", _SYSTEM_FONTS)
            (FOLDER / f"{scene.__name__}.svg").write_text(picture, "utf-8")  # noqa: B023

        with tempfile.TemporaryDirectory() as home:
            drive(holding(memory_of(Path(home))), story, SIZE)


if __name__ == "__main__":
    main()
