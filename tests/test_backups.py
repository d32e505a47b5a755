"""Claims about backups: they make themselves, prove themselves, and forget."""

from __future__ import annotations

import json
import os
import random
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from test_cli import Memo
from test_store import raw
from toy import TOY, embed, move, moves, on, opened, towns

from memo.errors import StoreDamaged, StoreError
from memo.keeping import backups
from memo.store import Store, opening, schema
from memo.trust.head import Head, head_file, read_head, write_head
from memo.trust.seal import checked_seal, seal_of

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARK = b"memo sealed v1\n\0"


def aged(path: Path, minutes: float) -> Path:
    """The same backup, as old as that."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    return path.rename(path.with_name(f"memo-{at:%Y%m%dT%H%M%SZ}.db"))


# -- when ----------------------------------------------------------------------------


def test_one_is_made_when_something_changed_and_half_an_hour_went_by(tmp_path: Path) -> None:
    def made() -> int:
        backups.Automatic().after(store)
        return len(backups.kept(store.path))

    with opened(tmp_path) as store:
        assert made() == 0, "there is nothing yet"
        move(store, "Hull", "2024-01-01")
        assert made() == 1
        move(store, "York", "2024-02-01")
        assert made() == 1, "not so soon"
        aged(backups.kept(store.path)[0].path, 31)
        assert made() == 2
    aged(backups.kept(store.path)[-1].path, 30.5)
    with opened(tmp_path) as store:
        assert made() == 2, "nothing changed since"


@pytest.mark.parametrize("days", [1, 5, 40, 400])
def test_the_newest_of_each_day_and_of_each_week_stay(days: int) -> None:
    times = [NOW - timedelta(minutes=30 * n) for n in range(48 * days)]
    stay: set[datetime] = set()
    for at in reversed(times):  # as they are made
        stay = backups.worth_keeping({*stay, at})
    ordered = sorted(stay, reverse=True)
    assert ordered[:2] == [NOW, NOW - timedelta(minutes=30)]
    assert len({at.date() for at in stay}) >= min(days, backups.DAYS)
    assert len({at.isocalendar()[:2] for at in stay}) >= min(days // 7, backups.WEEKS)
    assert len(stay) <= 2 + backups.DAYS + backups.WEEKS


def test_an_update_is_preceded_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:-1])
    schema.layout.cache_clear()
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    monkeypatch.undo()
    schema.layout.cache_clear()
    with opened(tmp_path) as store:
        assert store.check() == []
    (kept,) = backups.kept(tmp_path / "memo.db")
    assert kept.path.name.endswith("before-migration.db")
    assert checked_seal(kept.path) is not None
    with raw(kept.path) as db:
        assert db.execute("PRAGMA user_version").fetchall() == [(len(schema.MIGRATIONS) - 1,)]


def test_what_stands_in_the_way_is_told_once_and_spoils_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    automatic = backups.Automatic(told.append)
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        folder = opening.backup_folder(store.path)
        folder.write_text("something in the way")
        automatic.after(store)
        automatic.after(store)
        assert towns(store) == ["Hull"]
        assert len(told) == 1
        assert str(folder) in told[0]
        folder.unlink()
        automatic.after(store)
        assert len(told) == 1
        assert len(backups.kept(store.path)) == 1


def test_a_command_says_that_no_backup_could_be_made_and_doctor_says_it_too(
    tmp_path: Path,
) -> None:
    memo = Memo(tmp_path)
    memo.home.mkdir(mode=0o700)
    opening.backup_folder(memo.home / "memo.db").write_text("something in the way")
    added = memo("add", "I live in Hull.", "--at", "2024-01-01", "--json")
    assert added.exit_code == 0
    assert added.stderr.count("No automatic backup") == 1
    assert "No automatic backup" not in added.stdout
    told = memo("doctor")
    assert told.exit_code
    assert "✗ automatic backups: none holds what was stored since" in told.stdout
    opening.backup_folder(memo.home / "memo.db").unlink()
    assert "No automatic backup" not in memo("facts").stderr
    assert "automatic backups" not in memo("doctor").stdout


def test_what_was_stored_soon_after_a_backup_is_not_overdue(tmp_path: Path) -> None:
    """No backup is made so soon; one is overdue where a change was made later, without one."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        backups.make(store)
        move(store, "York", "2024-02-01")
        (kept,) = backups.kept(store.path)
        stood_still = on("2026-01-01")
        for minutes, late in ((29, False), (31, True)):
            at = stood_still - timedelta(minutes=minutes)
            kept = backups.Kept(
                kept.path.rename(kept.path.with_name(f"memo-{at:%Y%m%dT%H%M%SZ}.db")), at
            )
            assert (backups.overdue(store) == stood_still) is late


def test_without_any_backup_half_an_hour_is_not_overdue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that was killed has made none; one that could not be written is told at once."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        stood_still = on("2026-01-01")
        for minutes, late in ((29, False), (31, True)):
            monkeypatch.setattr(
                backups, "_now", lambda m=minutes: stood_still + timedelta(minutes=m)
            )
            assert (backups.overdue(store) == stood_still) is late
        opening.backup_folder(store.path).write_text("something in the way")
        monkeypatch.setattr(backups, "_now", lambda: stood_still)
        assert backups.overdue(store) == stood_still


# -- what ----------------------------------------------------------------------------


def test_every_flipped_bit_of_a_backup_is_noticed(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        path = backups.make(store)
    whole, chance = path.read_bytes(), random.Random(0)
    for _ in range(300):
        place, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            assert checked_seal(path) is None, f"byte {place} of {len(whole)}"
        except StoreDamaged:
            continue


@pytest.mark.parametrize(
    "content", [b"", b"x", MARK, b"\xff" * 8 + MARK, b"{}" + bytes(7) + b"\2" + MARK]
)
def test_what_is_no_seal_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "backup.db"
    path.write_bytes(content)
    assert seal_of(path) is None


def test_a_cut_or_flipped_backup_is_not_restored(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    backup = tmp_path / "backup.db"
    memo("backup", backup)
    content, before = backup.read_bytes(), memo("facts").stdout
    for damaged in (content[:-5000], content[:9000] + b"?" + content[9001:], b"", b"noise" * 999):
        backup.write_bytes(damaged)
        assert memo("restore", backup, "--yes").exit_code == 5
        assert memo("facts").stdout == before


def test_a_backup_without_a_seal_is_restored_if_it_checks_out(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    backup = tmp_path / "old.db"
    with raw(memo.home / "memo.db") as db:
        db.execute("VACUUM INTO ?", (str(backup),)).fetchall()
    assert memo("restore", backup, "--yes").exit_code == 0
    with raw(memo.home / "memo.db") as db:
        assert db.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert memo.whole()


def test_a_restored_store_can_be_brought_back(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    backup = tmp_path / "backup.db"
    memo("backup", backup)
    memo("undo")
    (told,) = memo.json("restore", backup, "--yes")
    with_all = memo("facts").stdout
    memo.json("restore", told["former"], "--yes")
    assert memo("facts").stdout != with_all
    assert memo.whole()


def test_a_journal_that_a_killed_restore_left_spoils_no_backup(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    backup = tmp_path / "backup.db"
    memo("backup", backup)
    other = tmp_path / "other.db"
    with raw(other) as db:
        db.execute("PRAGMA page_size = 8192; PRAGMA cache_size = 1; CREATE TABLE x (y)").fetchall()
        db.execute("BEGIN; INSERT INTO x VALUES (zeroblob(100000))").fetchall()
        journal = (tmp_path / "other.db-journal").read_bytes()  # SQLite would roll it back
    (memo.home / ".memo.db.restoring-journal").write_bytes(journal)
    told = memo("restore", backup, "--yes")
    assert told.exit_code == 0, told.stderr
    assert memo.whole()


def test_restore_lists_what_there_is(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    assert memo("restore").exit_code == 0
    memo.tell()
    (listed,) = memo.json("restore")
    assert memo("restore", listed["path"], "--yes").exit_code == 0


def test_what_is_forgotten_goes_from_every_copy(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    memo("doctor", "--repair")
    memo("restore", memo.json("restore")[0]["path"], "--yes")
    aged(backups.kept(memo.home / "memo.db")[0].path, 60 * 24 * 3)
    held = [file for file in memo.home.rglob("*") if b"Hull" in content_of(file)]
    assert len(held) >= 4, held
    facts = memo.json("facts", "--state", "all")
    number = next(one["id"] for one in facts if "Hull" in one["text"])
    assert memo("forget", str(number), "--yes").exit_code == 0
    assert [file for file in memo.home.rglob("*") if b"Hull" in content_of(file)] == []
    assert len(backups.kept(memo.home / "memo.db")) == 1


def content_of(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


# -- the head ------------------------------------------------------------------------


def test_a_lost_log_is_noticed(tmp_path: Path) -> None:
    """Power fails, and what SQLite logged ahead never reached the disk."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    with opened(tmp_path) as store:
        move(store, "York", "2024-02-01")
        whole = (tmp_path / "memo.db").read_bytes()
        logged = (tmp_path / "memo.db-wal").read_bytes()
    for length in range(0, len(logged), len(logged) // 7):
        (tmp_path / "memo.db").write_bytes(whole)
        (tmp_path / "memo.db-wal").write_bytes(logged[:length])
        with pytest.raises(StoreDamaged, match="not whole"):
            Store.open(tmp_path / "memo.db", embedder=TOY)
    (tmp_path / "memo.db").write_bytes(whole)
    (tmp_path / "memo.db-wal").write_bytes(logged)
    with opened(tmp_path) as store:
        assert towns(store) == ["York"]


def test_lost_documents_that_wait_to_be_read_are_noticed(tmp_path: Path) -> None:
    """They are no changes yet, but somebody's words all the same."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    before = (tmp_path / "memo.db").read_bytes()
    with opened(tmp_path) as store, store.storing():
        store.put(moves("York", "2024-02-01"), store.begin_import(), embed)
    (tmp_path / "memo.db").write_bytes(before)
    with pytest.raises(StoreDamaged, match="holds 1 documents, 2 were stored"):
        opened(tmp_path)


def test_a_lost_exchange_is_noticed_and_a_deleted_one_is_none(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        store.begin_exchange("Am I well?")
    before = (tmp_path / "memo.db").read_bytes()
    with opened(tmp_path) as store:
        conversation, _ = store.begin_exchange("And Bob?")
        store.delete_conversation(conversation)
    with opened(tmp_path) as store:
        assert len(store.conversations()) == 1
    (tmp_path / "memo.db").write_bytes(before)
    with pytest.raises(StoreDamaged, match="counted 1 exchanges of conversations, 2 were kept"):
        opened(tmp_path)


def test_a_conversation_alone_is_backed_up(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.begin_exchange("Am I well?")
        backups.Automatic().after(store)
        (kept,) = backups.kept(store.path)
        seal = seal_of(kept.path)
        assert seal is not None
        assert seal.head == store.head() == Head(exchanges=1)


def test_documents_that_wait_are_backed_up(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        with store.storing():
            store.put(moves("York", "2024-02-01"), store.begin_import(), embed)
        backups.Automatic().after(store)
        (kept,) = backups.kept(store.path)
        seal = seal_of(kept.path)
        assert seal is not None
        assert seal.head == store.head() == Head(documents=1)


def test_what_an_older_memo_wrote_of_the_head_is_understood(tmp_path: Path) -> None:
    """It counted neither documents nor exchanges."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        head = store.head()
        line = f"memo {head.changes} {head.events} {head.hash}"
    text = f"{line} {zlib.crc32(line.encode()):08x}".ljust(127) + "\n"
    head_file(tmp_path / "memo.db").write_text(text)
    assert read_head(tmp_path / "memo.db") == replace(head, documents=0, exchanges=0)
    with opened(tmp_path) as store:
        assert towns(store) == ["Hull"]


def test_a_backup_that_an_older_memo_sealed_comes_back(tmp_path: Path) -> None:
    """Its seal counts neither documents nor exchanges."""
    memo = Memo(tmp_path)
    memo.tell()
    backup = tmp_path / "backup.db"
    memo("backup", backup)
    seal = seal_of(backup)
    assert seal is not None
    content = backup.read_bytes()
    told = json.loads(content[seal.size : -len(MARK) - 8])
    assert told["head"].pop() == seal.head.exchanges
    assert told["head"].pop() == seal.head.documents > 0
    text = json.dumps(told).encode()
    backup.write_bytes(content[: seal.size] + text + len(text).to_bytes(8, "big") + MARK)
    assert memo("restore", backup, "--yes").exit_code == 0
    assert memo.whole()


def test_another_history_is_noticed(tmp_path: Path) -> None:
    for name, town in (("one", "Hull"), ("other", "York")):
        with opened(tmp_path / name) as store:
            move(store, town, "2024-01-01")
    (tmp_path / "other" / "memo.db").replace(tmp_path / "one" / "memo.db")
    with pytest.raises(StoreDamaged, match="not the one that was stored"):
        opened(tmp_path / "one")


@pytest.mark.parametrize("kept", range(0, 256, 31))
def test_a_torn_head_leaves_the_one_before(tmp_path: Path, kept: int) -> None:
    store = tmp_path / "memo.db"
    write_head(store, Head(1, 1, "a" * 64))
    write_head(store, Head(2, 5, "b" * 64))
    whole = head_file(store).read_bytes()
    head_file(store).write_bytes(whole[:kept] + os.urandom(256 - kept))
    assert read_head(store) in {Head(1, 1, "a" * 64), Head(2, 5, "b" * 64), None}
    assert kept < 128 or read_head(store) == Head(2, 5, "b" * 64)


def test_a_head_that_cannot_be_written_stops_nothing_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as store:
        head_file(store.path).unlink(missing_ok=True)
        head_file(store.path).mkdir()
        move(store, "Hull", "2024-01-01")
    assert "head of the store could not be written" in caplog.text
    with opened(tmp_path) as store:
        assert towns(store) == ["Hull"]


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        path = backups.make(store)
        with pytest.raises(StoreError, match="exists already"):
            store.backup(path)
