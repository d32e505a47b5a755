"""Claims about a store whose bytes changed while nobody looked, and about two memos at once."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest
from acts import ACTS, copied, memory_of, state, story
from toy import on, opened
from writer import DOCUMENTS

from memo.errors import MemoError, StoreBusy, StoreError
from memo.keeping import backups
from memo.memory import Imported
from memo.records import FactId
from memo.store import Store

TESTS = Path(__file__).parents[1]


@pytest.fixture
def logged(tmp_path: Path) -> tuple[Path, list[str]]:
    """A home whose last documents are in the log only, and the states before each of them."""
    whole = next(act for act in ACTS if act.name == "undo")
    home = tmp_path / "before"
    whole.prepare(home)
    states = [state(home)]
    with Store.open(home / "memo.db") as keeper:  # as long as it is open, nothing is merged
        memory = memory_of(home)
        for place in range(6):
            memory.pin(FactId(place % 2 + 2), place < 3)
            states.append(keeper.dump())
        shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("*-shm"))
    return tmp_path / "home", [one.partition("\n")[0] for one in states]


def judged(home: Path, states: list[str]) -> str:
    """What became of the store: whole, shorter, or named as damaged; anything else is wrong."""
    try:
        found = state(home).partition("\n")[0]
    except (MemoError, AssertionError):
        return "named"
    assert found in states, "a state that never was"
    return "whole" if found == states[-1] else "shorter"


def cuts(size: int, count: int) -> list[int]:
    return [size * number // count for number in range(count)]


def damaged_logs(logged: tuple[Path, list[str]], count: int) -> Counter[str]:
    home, states = logged
    log = home / "memo.db-wal"
    whole = log.read_bytes()
    chance = random.Random(count)
    came: Counter[str] = Counter()
    for place in cuts(len(whole), count):
        log.write_bytes(whole[:place])
        came["cut: " + judged(copied(home, home.parent / "cut"), states)] += 1
        bit = chance.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        log.write_bytes(flipped)
        came["flipped: " + judged(copied(home, home.parent / "cut"), states)] += 1
    return came


def test_a_damaged_log_loses_nothing_in_silence(logged: tuple[Path, list[str]]) -> None:
    """SQLite goes on with what it held before the damage; the head beside the store tells."""
    came = damaged_logs(logged, 25)
    assert came.total() == 50
    assert came["cut: named"] > 0
    assert came["cut: shorter"] == came["flipped: shorter"] == 0


@pytest.mark.full
def test_a_log_damaged_in_many_places_loses_nothing_in_silence(
    logged: tuple[Path, list[str]],
) -> None:
    came = damaged_logs(logged, 1000)
    assert came.total() == 2000
    assert came["cut: shorter"] == came["flipped: shorter"] == 0


def test_encrypting_that_was_cut_short_leaves_no_plain_backup_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypt = next(act for act in ACTS if act.name == "encrypt")
    home = tmp_path / "home"
    encrypt.prepare(home)
    with monkeypatch.context() as killed:
        killed.setattr(backups.Automatic, "purge", lambda _, store: None)
        encrypt.run(home, lambda: None)
    assert any(map(in_plain, home.rglob("*.db")))
    with pytest.raises(StoreError, match="encrypted already"):
        encrypt.run(home, lambda: None)
    assert not any(map(in_plain, home.rglob("*.db")))


def in_plain(path: Path) -> bool:
    return path.read_bytes().startswith(b"SQLite format 3")


def test_a_bit_that_flips_in_a_conversation_is_found(tmp_path: Path) -> None:
    """No hash covers what was said in one; in a plain store it stands twice."""
    with opened(tmp_path) as store:
        _, exchange = store.begin_exchange("Is the zanzibarite blue?")
        store.keep_answer(exchange, "It flobbers.", note="nothing new")
    path = tmp_path / "memo.db"
    whole = path.read_bytes()
    for words in (b"zanzibarite", b"flobbers", b"nothing new"):
        places = [match.start() for match in re.finditer(words, whole)]
        assert len(places) == 2, words
        for place in places:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with opened(tmp_path) as store:
                assert store.check() != []


# -- two at once ---------------------------------------------------------------------


def test_two_writers_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(TESTS / "faults" / "writer.py"), str(tmp_path)]
    paths = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PATH": ""}
    writers = [subprocess.Popen(command, env=paths, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        out, _ = writer.communicate()
        assert writer.returncode == 0
        assert len(out.splitlines()) == DOCUMENTS + 1
    with opened(tmp_path) as store:
        assert store.check() == []
        days = [document.at for document in store.documents()]
        assert len(days) == len(set(days)) == DOCUMENTS


def test_a_store_that_another_is_just_making_is_waited_for(tmp_path: Path) -> None:
    """SQLite's own patience does not cover the switch to the write-ahead log."""
    path = tmp_path / "memo.db"
    path.touch(0o600)
    maker = apsw.Connection(str(path))
    maker.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as other:
        opening = other.submit(opened, tmp_path)
        with pytest.raises(TimeoutError):  # it waits, where it used to give up at once
            opening.result(timeout=0.3)
        maker.execute("COMMIT")
        opening.result().close()


def test_the_person_may_change_things_while_an_import_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(0o700)
    memory = memory_of(home)
    for event in memory.ingest_all(story()):
        if isinstance(event, Imported):
            other = memory_of(home)
            for fact in other.facts():
                other.pin(fact.id)
                other.pin(fact.id, on=False)
            with pytest.raises(StoreBusy):
                list(other.ingest_all(story()))
    assert memory.counts()["documents"] == len(story())
    assert memory.counts()["changes"] > 3
    state(home)
    assert [fact.text for fact in memory.facts(as_of=on("2024-03-01"))]
