"""An import that is killed again and again ends as one that was not, and is one import."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_round_trip import Memo, stored

KILLED = """
import sys, time
from fakes import HashEmbedder, ann
from memo.cli import main
from memo.engines import Engines
lm = ann(before=lambda _: time.sleep(0.004))
main(sys.argv[1:], obj=Engines(lambda _: lm, lambda _: HashEmbedder()))
"""
MESSAGES = 2000
TELLS = ("I started at Acme.", "I live in Hull.", "I work at Borealis now.")


def long_chat(folder: Path) -> Path:
    """Two thousand messages over two years, with what the fake model understands here and there."""
    path = folder / "WhatsApp Chat with Bo.txt"
    lines = []
    for n in range(MESSAGES):
        day = f"{1 + n // 4 % 28:02}/{1 + n // 112 % 12:02}/{2023 + n // 1344}"
        text = TELLS[n // 211 % 3] if n % 211 == 0 else f"Message {n} about the weather today."
        lines.append(f"{day}, {9 + n % 4:02}:00 - {('Ann', 'Bo')[n % 2]}: {text}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.slow
def test_five_kills_change_nothing(tmp_path: Path) -> None:
    path = long_chat(tmp_path)
    whole, killed = Memo(tmp_path / "whole"), Memo(tmp_path / "killed")
    whole.json("import", path, "--me", "Ann")
    tests = Path(__file__).parent.parent
    environ = {"MEMO_HOME": str(killed.home), "MEMO_MODELS": str(killed.home), "TZ": "UTC"}
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, "import", str(path), "--me", "Ann", "--json"],
            env={**environ, "PYTHONPATH": f"{tests}:{tests.parent}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        for _ in range(40):
            assert process.stdout.readline(), "it ended before it was killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    *_, summary = killed.json("import", path, "--me", "Ann")
    assert summary["already_known"] > 0
    assert summary["imported"] + summary["already_known"] == MESSAGES
    assert stored(killed.home) == stored(whole.home)
    assert killed.facts() == whole.facts() != []
    killed.json("undo", "--import")
    assert stored(killed.home) == []
    assert killed.facts() == []
