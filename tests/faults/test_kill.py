"""Claims about being killed: what was acknowledged stays, nothing is half there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy import moves, opened
from writer import DOCUMENTS, main, stream

TESTS = Path(__file__).parents[1]


def run_and_kill(folder: Path, chance: random.Random) -> list[str]:
    """Let the writer run for a while, kill it; returns what it acknowledged."""
    patience = chance.choice([0, 0, 1, 2, 5, 10])
    with subprocess.Popen(
        [sys.executable, TESTS / "faults" / "writer.py", folder],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
    ) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(patience)]
        # it starts up for some tenths of a second, then writes a document in milliseconds
        time.sleep(chance.uniform(0, 0.02 if patience else 0.5))
        writer.kill()
        told += writer.stdout.readlines()
    return [line.strip() for line in told if line.endswith("\n") and line != "open\n"]


def outlives(folder: Path, rounds: int, seed: int) -> None:
    """Kill an import again and again, then finish it, and compare with an undisturbed one."""
    chance = random.Random(seed)
    towns = {day: town for town, day in stream()}
    for _ in range(rounds):
        acknowledged = run_and_kill(folder, chance)
        with opened(folder) as store:
            assert store.check() == []
            days = [document.at for document in store.documents()]
            assert len(days) == len(set(days))
            for day in acknowledged:
                assert store.known(moves(towns[day], day)) is not None
    main(folder)
    (folder / "calm").mkdir()
    main(folder / "calm")
    with opened(folder) as store, opened(folder / "calm") as calm:
        assert store.counts()["documents"] == DOCUMENTS
        assert store.dump() == calm.dump()


def test_a_killed_import_loses_and_doubles_nothing(tmp_path: Path) -> None:
    outlives(tmp_path, rounds=10, seed=1)


@pytest.mark.slow
def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outlives(folder, rounds=10, seed=seed)
