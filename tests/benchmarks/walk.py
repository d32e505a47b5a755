"""Record a walk through the application as assets/walk.cast: `python tests/benchmarks/walk.py`.

A pseudo-terminal is driven key by key; what the application writes to it is kept with its times, as
asciinema plays it (asciicast v2). The models are the tests' stand-ins: it is the screens that are
shown, not what a model is worth.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import select
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CAST = ROOT / "assets" / "walk.cast"
COLUMNS, LINES = 90, 26
_LONGEST_PAUSE_S = 1.2
"""Between two frames, however slow the machine was that recorded them."""
_QUIET_S = 0.6
"""Without a word from the application, after which a key counts as answered."""
_PATIENCE_S = 200

_APPLICATION = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {root!r} + "/tests", {root!r} + "/tests/tui"]
from driver import holding, memory_of
from memo.tui.app import run
memory = memory_of(Path({home!r}))
holding(memory)
run(memory.settings, lambda: memory)
"""

Step = tuple[str, str]
"""What is typed, and what then must be on the screen."""

WALK: tuple[Step, ...] = (
    ("Where does Ann work?", ""),
    ("\r", "nothing to remember"),
    ("I live in Hull.", ""),
    ("\r", "As I knew"),
    ("\x1b2", "first said"),
    ("[", "AS OF"),
    ("\x1b", ""),
    ("\x1b3", "change 3"),
    ("\x1b4", "66% sure"),
    ("\x1b1", "Ann works at Borealis"),
    ("\x0f", "Conversations"),
    ("\x1b", ""),
    ("\x11", ""),
)


def recorded() -> list[tuple[float, str, str]]:
    """Play the walk; each piece that was written, with the second it came at."""
    with tempfile.TemporaryDirectory() as home:
        code = _APPLICATION.format(root=str(ROOT), home=str(Path(home) / "home"))
        pid, master = pty.fork()
        if pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execv(sys.executable, [sys.executable, "-c", code])
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)
        frames: list[tuple[float, str, str]] = []
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        _until(master, frames, decoder, "Tell me what happens")
        for typed, wanted in WALK:
            keys = typed if len(typed) > 3 else [typed]
            for key in keys:
                os.write(master, key.encode())
                if len(typed) > 3:
                    _until(master, frames, decoder, "", quiet=0.05)
            if not _until(master, frames, decoder, wanted):
                break
        os.waitpid(pid, 0)
        os.close(master)
    return frames


def _until(
    master: int,
    frames: list[tuple[float, str, str]],
    decoder: codecs.IncrementalDecoder,
    wanted: str,
    quiet: float = _QUIET_S,
) -> bool:
    """Read until some words came and nothing follows; False where the application has ended."""
    begun, seen = time.monotonic(), ""
    while time.monotonic() - begun < _PATIENCE_S:
        ready, _, _ = select.select([master], [], [], quiet)
        if not ready:
            if all(word in seen for word in wanted.split()):
                return True
            continue
        try:
            text = decoder.decode(os.read(master, 65536))
        except OSError:
            return False
        seen += text
        frames.append((time.monotonic(), "o", text))
    raise SystemExit(f"{wanted!r} never came")


def as_cast(frames: list[tuple[float, str, str]]) -> str:
    """The lines of an asciicast v2, without the waiting of a slow machine."""
    head = {"version": 2, "width": COLUMNS, "height": LINES, "title": "memo"}
    lines, at = [json.dumps(head)], 0.0
    before = frames[0][0]
    for when, kind, text in frames:
        at += min(when - before, _LONGEST_PAUSE_S)
        before = when
        lines.append(json.dumps([round(at, 3), kind, text], ensure_ascii=False))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    CAST.write_text(as_cast(recorded()), "utf-8")
    print(f"{CAST}: {CAST.stat().st_size} bytes")
