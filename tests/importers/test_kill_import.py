"""An import that is killed again and again ends as one that was not, and is one import."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_round_trip import Memo, stored

from memo.store import Store

KILLED = """
import os, signal, sys, time
from fakes import HashEmbedder, ann
from memo.cli import main
from memo.engines import Engines
lm = ann(before=lambda _: time.sleep(0.004))
left = int(sys.argv[1])

class Deadly(HashEmbedder):
    def embed(self, texts):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(texts)

main(sys.argv[2:], obj=Engines(lambda _: lm, lambda _: Deadly()))
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


def killed_import(home: Path, path: Path | None, *, batches: int = 0, documents: int = 0) -> None:
    """Run an import that is killed.

    Args:
        home: Into which store.
        path: Of what; None to go on with what is stored.
        batches: While it embeds this batch of passages, which is in its first stage; or
        documents: Some milliseconds after so many documents were read, in its second.
    """
    tests = Path(__file__).parent.parent
    environ = {"MEMO_HOME": str(home), "MEMO_MODELS": str(home), "TZ": "UTC"}
    what = ["--resume"] if path is None else [str(path), "--me", "Ann"]
    args = [str(batches), "import", *what, "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, *args],
        env={**environ, "PYTHONPATH": f"{tests}:{tests.parent}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        for _ in range(documents):
            assert process.stdout.readline(), "it ended before it was killed"
        if documents:
            time.sleep(random.uniform(0, 0.03))  # a document takes about that long
            process.send_signal(signal.SIGKILL)
        else:
            assert process.stdout.read() == b""
    assert process.returncode == -signal.SIGKILL


def dump(home: Path) -> dict[str, object]:
    """All that a store holds, without when it was written."""
    with Store.open(home / "memo.db") as store:
        assert store.check() == []
        state: dict[str, list[list[object]]] = json.loads(store.dump())
    for name, place in (("documents", 6), ("events", 8)):
        for row in state[name]:
            row[place] = None
    return {**state}


@pytest.mark.slow
def test_five_kills_in_both_stages_change_nothing(tmp_path: Path) -> None:
    path, moments = long_chat(tmp_path), random.Random()
    whole, killed = Memo(tmp_path / "whole"), Memo(tmp_path / "killed")
    whole.json("import", path, "--me", "Ann")
    seen = []
    for _ in range(2):
        # Up to three batches are embedded before the first is stored.
        killed_import(killed.home, path, batches=moments.randint(4, 6))
        seen.append(len(stored(killed.home)))
    for again in (path, None, path):
        killed_import(killed.home, again, documents=moments.randint(1, 60))
    assert 0 < seen[0] <= seen[1] <= len(stored(killed.home)) == len(stored(whole.home))
    *_, summary = killed.json("import", path, "--me", "Ann")
    assert summary["already_known"] > 0
    assert summary["imported"] + summary["already_known"] == MESSAGES
    assert dump(killed.home) == dump(whole.home)
    assert killed.facts() == whole.facts() != []
    killed.json("undo", "--import")
    assert stored(killed.home) == []
    assert killed.facts() == []
