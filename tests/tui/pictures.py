"""Renew the pictures and the cast of the README: `python tests/tui/pictures.py`; then look at them.

The scenes are the tests' own, with their stand-ins for models: it is the screens that are shown.
"""

from __future__ import annotations

import json
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

ASSETS = ROOT / "assets"
SIZE = (100, 26)
_SYSTEM_FONTS = "ui-monospace, Menlo, DejaVu Sans Mono, monospace"
"""A README may load no fonts."""
_FRAME_S = 3.0
"""How long the cast stays with each screen."""


def cast(frames: list[str]) -> str:
    """Screens one after another, as asciinema plays them (asciicast v2)."""
    columns, lines = SIZE
    head = {"version": 2, "width": columns, "height": lines, "title": "memo"}
    told = [[round(n * _FRAME_S, 1), "o", frame] for n, frame in enumerate([*frames, ""])]
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in (head, *told))


def main() -> None:
    """Draw and write each."""
    frames: list[str] = []
    for scene in (ask, facts, past, changes, review, sources):

        async def story(pilot: Pilot[int]) -> None:
            app = pilot.app
            app.screen.query_one(Composer).cursor_blink = False
            await scene(pilot)  # noqa: B023  # at once
            app.clear_notifications()
            await pilot.pause(0.3)
            picture = _FONTS.sub("", app.export_screenshot())
            picture = picture.replace("Fira Code, monospace", _SYSTEM_FONTS)
            (ASSETS / "screens" / f"{scene.__name__}.svg").write_text(picture, "utf-8")  # noqa: B023
            strips = app.screen._compositor.render_strips()
            frames.append("\x1b[H" + "\r\n".join(one.render(app.console) for one in strips))

        with tempfile.TemporaryDirectory() as home:
            drive(holding(memory_of(Path(home))), story, SIZE)
    (ASSETS / "walk.cast").write_text(cast(frames), "utf-8")


if __name__ == "__main__":
    main()
