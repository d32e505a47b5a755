"""Mutation of `memo doctor`: damage of every kind is found, and what is derived is repaired."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from fakes import HOME, HashEmbedder
from test_cli import Memo, lines
from test_store import raw
from toy import on

from memo.records import Claim, Document, Evidence, FactId, Held, Message, Plan, Rewrite
from memo.store import Store, opening
from memo.trust.head import head_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DERIVED = {
    "fact words gone": "DELETE FROM fact_fts WHERE rowid = 1",
    "fact words of nothing": "INSERT INTO fact_fts (rowid, text) VALUES (99, 'nothing')",
    "fact words changed": "UPDATE fact_fts SET text = 'nothing' WHERE rowid = 1",
    "fact terms gone": "DELETE FROM fact_fts_data WHERE id > 10",
    "fact terms noise": "UPDATE fact_fts_data SET block = randomblob(40) WHERE id > 10",
    "fact words hidden": "UPDATE fact_fts_content SET c0 = 'nothing' WHERE id = 1",
    "fact word counts": "DELETE FROM fact_fts_docsize WHERE id = 1",
    "passage words gone": "DELETE FROM passage_fts WHERE rowid = 1",
    "passage words changed": "UPDATE passage_fts SET text = 'nothing' WHERE rowid = 1",
    "effective event gone": "DELETE FROM live_event WHERE event_id = 2",
    "undone event effective": "INSERT INTO live_event SELECT max(id) FROM event",
    "state": "UPDATE fact_state SET state = 'past' WHERE fact_id = 2",
    "state unheard of": "UPDATE fact_state SET state = 'perhaps' WHERE fact_id = 1",
    "since": "UPDATE fact_state SET since = '2001-01-01T00:00:00Z' WHERE fact_id = 1",
    "begin": "UPDATE fact_state SET begins = '2001-01-01T00:00:00Z' WHERE fact_id = 1",
    "settling": "UPDATE fact_state SET settles = '2001-01-01T00:00:00Z' WHERE fact_id = 1",
    "pin": "UPDATE fact_state SET pinned = NOT pinned",
    "successor": "UPDATE fact_state SET replaced_by = 2 WHERE fact_id = 1",
    "state gone": "DELETE FROM fact_state WHERE fact_id = 2",
    "state of nothing": "PRAGMA foreign_keys = OFF;"
    " INSERT INTO fact_state SELECT 99, state, since, until, pinned, document_id, replaced_by,"
    " begins, settles FROM fact_state LIMIT 1",
    "place gone": "DELETE FROM code_place WHERE kind = 'fact' AND id = 1",
    "place wrong": "UPDATE code_place SET slot = slot + 7 WHERE kind = 'passage' AND id = 1",
    "codes gone": "DELETE FROM code_slots",
    "codes zero": "UPDATE code_slots SET slots = zeroblob(length(slots))",
    "codes short": "UPDATE code_slots SET slots = x'00'",
    "codes noise": "UPDATE code_slots SET slots = randomblob(length(slots))",
    "codes of nothing": "INSERT INTO code_slots VALUES (77, zeroblob(9))",
    "segment count": "UPDATE code_segment SET used = used + 1",
    "segment part": "UPDATE code_segment SET part = 'past' WHERE part = 'current'",
    "segment of no part": "INSERT INTO code_segment (part, used) VALUES ('nothing', 0)",
    "subject gone": "DELETE FROM fact_subject WHERE fact_id = 1",
    "subject more": "INSERT INTO fact_subject VALUES ('nobody', 1)",
    "index gone": "DROP INDEX fact_slot",
    "index else": "DROP INDEX fact_slot; CREATE INDEX fact_slot ON fact (id)",
    "guard gone": "DROP TRIGGER event_stays",
    "foreign trigger": "CREATE TRIGGER spy AFTER INSERT ON fact BEGIN SELECT 1; END",
    "vector gone": "DELETE FROM fact_vector WHERE fact_id = 1",
    "vector short": "UPDATE fact_vector SET vector = x'00' WHERE fact_id = 1",
    "vector NaN": "UPDATE fact_vector SET vector = CAST(x'0000c07f' ||"
    " substr(vector, 5) AS BLOB) WHERE fact_id = 1",
    "vector too long": "UPDATE passage_vector SET vector = CAST(x'0000c842' ||"
    " substr(vector, 5) AS BLOB) WHERE passage_id = 1",
    "passage vector gone": "DELETE FROM passage_vector WHERE passage_id = 1",
    "embedder gone": "DELETE FROM embedder",
}
"""In what can be derived or embedded anew."""
SAID = {
    "event changed": "DROP TRIGGER event_immutable; UPDATE event SET confidence = 0.5 WHERE id = 1",
    "event's hash": "DROP TRIGGER event_immutable; UPDATE event SET hash = 'x' WHERE id = 1",
    "event gone": "PRAGMA foreign_keys = OFF; DROP TRIGGER event_stays;"
    " DELETE FROM event WHERE id = 2",
    "last events gone": "PRAGMA foreign_keys = OFF; DROP TRIGGER event_stays;"
    " DELETE FROM event WHERE id > 2",
    "quote": "DROP TRIGGER event_quote; UPDATE event SET quote = 'else' WHERE id = 1",
    "fact changed": "DROP TRIGGER fact_immutable; UPDATE fact SET text = 'else' WHERE id = 1",
    "fact's question": "DROP TRIGGER fact_immutable; UPDATE fact SET slot = 'else' WHERE id = 1",
    "fact gone": "PRAGMA foreign_keys = OFF; DROP TRIGGER fact_stays;"
    " DELETE FROM fact WHERE id = 1",
    "passage changed": "UPDATE passage SET text = 'else' WHERE id = 1",
    "speaker changed": "UPDATE passage SET speaker = 'Eve' WHERE id = 1",
    "passage gone": "PRAGMA foreign_keys = OFF; DELETE FROM passage WHERE id = 1",
    "passage of nothing": "PRAGMA foreign_keys = OFF;"
    " UPDATE passage SET document_id = 99 WHERE id = 1",
    "document gone": "PRAGMA foreign_keys = OFF; DELETE FROM document WHERE id = 1",
    "change gone": "PRAGMA foreign_keys = OFF; DELETE FROM change_set WHERE id = 1",
    "undone again": "UPDATE change_set SET undone_by = NULL WHERE undone_by NOT NULL",
    "undone by nothing": "UPDATE change_set SET undone_by = 2 WHERE id = 1",
    "held edit": "UPDATE held SET edit = '{'",
    "held edit of no kind": """UPDATE held SET edit = '{"op": "nothing"}'""",
    "secret": "UPDATE meta SET value = randomblob(32) WHERE name = 'secret'",
    "secret gone": "DELETE FROM meta",
    "next number": "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'fact'",
    "column more": "ALTER TABLE fact ADD COLUMN more TEXT",
    "time": "UPDATE passage SET at = 'yesterday' WHERE id = 1",
    "next exchange": "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'exchange'",
    "no memo": "PRAGMA application_id = 7",
    "too new": "PRAGMA user_version = 99",
}
"""In what was said and done, which no repair makes up."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with everything in it: past facts, undone ones, pins, and an edit on hold."""
    memo = Memo(tmp_path_factory.mktemp("whole"))
    memo.tell()
    memo("pin", "2")
    embedder = HashEmbedder()
    with Store.open(memo.home / "memo.db", embedder=embedder.identity) as store:
        said = Document("note", "9", (Message("Perhaps I am in York.", on("2024-08-01"), "Ann"),))
        york = Claim("Ann lives in York.", HOME, "York", ("Ann",))
        moved = Rewrite(FactId(2), on("2024-08-01"), york, None, Evidence("York", 0))
        store.apply(said, Plan(held=(Held(moved, "a guess"),)), embedder.embed)
        last = Document("note", "10", (Message("I am in Leeds.", on("2024-09-01"), "Ann"),))
        leeds = Rewrite(FactId(3), on("2024-09-01"), york, None, Evidence("Leeds", 0))
        store.apply(last, Plan((leeds,)), embedder.embed)
        store.undo()
        store.begin_exchange("Am I well?")
    return memo.home


@pytest.fixture
def memo(whole: Path, tmp_path: Path) -> Memo:
    memo = Memo(tmp_path)
    shutil.copytree(whole, memo.home)
    assert found(memo) == {}
    return memo


def found(memo: Memo) -> dict[str, str]:
    """What `memo doctor` finds amiss, but for the models that tests do without."""
    result = memo("doctor", "--json")
    assert result.exit_code != 0
    checks: list[dict[str, Any]] = lines(result)[0]["checks"]
    amiss = {one["name"]: one["detail"] for one in checks if not one["ok"]}
    ours = ("chat model", "embedding model", "embeddings")  # the tests have none, or fakes
    return {name: said for name, said in amiss.items() if name not in ours}


def content(folder: Path) -> dict[str, bytes]:
    """What is kept; SQLite's own shared memory and the log of this program are not."""
    passing = re.compile(r"-shm|-wal|\.log|^lock$")
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not passing.search(file.name)
    }


def damage(memo: Memo, script: str) -> None:
    with raw(memo.home / "memo.db") as db:
        for _ in db.execute(script):
            pass
        for _ in db.execute("PRAGMA wal_checkpoint(TRUNCATE)"):
            pass


def dump(memo: Memo) -> str:
    with Store.open(memo.home / "memo.db") as store:
        return store.dump()


@pytest.mark.parametrize("kind", DERIVED)
def test_damage_of_what_is_derived_is_found_and_repaired(memo: Memo, kind: str) -> None:
    before = dump(memo)
    damage(memo, DERIVED[kind])
    kept = content(memo.home)
    assert "store" in found(memo)
    assert content(memo.home) == kept, "doctor only looks"
    memo("doctor", "--repair")
    assert found(memo) == {}
    assert dump(memo) == before
    assert len(list(memo.home.glob("memo-before-repair-*.db"))) == 1


@pytest.mark.parametrize("kind", SAID)
def test_damage_of_what_was_said_is_found_and_never_made_up(memo: Memo, kind: str) -> None:
    damage(memo, SAID[kind])
    amiss = found(memo)
    assert "store" in amiss
    assert not re.search("Borealis|Acme|York|Leeds", " ".join(amiss.values()))
    memo("doctor", "--repair")
    if kind not in {"fact changed", "speaker changed"}:
        assert "store" in found(memo), "what is gone stays told"


def test_a_repair_of_a_sound_store_changes_nothing(memo: Memo) -> None:
    before = dump(memo)
    for _ in range(2):
        memo("doctor", "--repair")
        assert dump(memo) == before
        assert found(memo) == {}


FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "head gone": ("head", lambda home: head_file(home / "memo.db").unlink()),
    "head noise": ("head", lambda home: head_file(home / "memo.db").write_bytes(b"noise" * 60)),
    "half a head": ("head", lambda home: flip(head_file(home / "memo.db"), 20)),
    "store readable": ("modes", lambda home: (home / "memo.db").chmod(0o644)),
    "home enterable": ("modes", lambda home: home.chmod(0o755)),
    "backups enterable": ("modes", lambda home: opening.backup_folder(home / "x").chmod(0o755)),
    "backup readable": ("modes", lambda home: backup(home).chmod(0o640)),
    "backup flipped": ("backups", lambda home: flip(backup(home), 5000)),
    "backup cut": ("backups", lambda home: cut(backup(home))),
    "backup unsealed": ("backups", lambda home: flip(backup(home), -3)),
    "unfinished copy": ("leftovers", lambda home: (home / ".memo.db.encrypting").touch(0o600)),
    "unfinished repair": (
        "leftovers",
        lambda home: (home / ".memo-before-repair-1.db.unfinished").touch(0o600),
    ),
    "unfinished backup": ("leftovers", lambda home: left(home).touch(0o600)),
    "store gone": ("store", lambda home: (home / "memo.db").unlink()),
    "store empty": ("store", lambda home: (home / "memo.db").write_bytes(b"")),
    "store cut": ("store", lambda home: cut(home / "memo.db")),
    "store noise": ("store", lambda home: (home / "memo.db").write_bytes(b"noise" * 9000)),
    "earlier store": ("store", lambda home: earlier(home)),
    "log of a conversion": (
        "encryption",
        lambda home: (home / "memo.db-key.new").write_bytes(b"{}"),
    ),
}
"""In files: what is then amiss."""
MENDED = {"head gone", "head noise", "half a head", "unfinished copy", "unfinished backup"}
MENDED |= {"unfinished repair"}
MENDED |= {"backup cut", "backup unsealed"}  # another is made in their place


def backup(home: Path) -> Path:
    return sorted(opening.backup_folder(home / "memo.db").glob("memo-*"))[-1]


def left(home: Path) -> Path:
    return opening.backup_folder(home / "memo.db") / ".memo-1.db.unfinished"


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def earlier(home: Path) -> None:
    """A whole store of some days ago, as a lost write-ahead log leaves it."""
    db = apsw.Connection(str(home / "memo.db"))
    for table in ("live_event", "event", "held", "document", "passage", "change_set"):
        script = f"DROP TRIGGER IF EXISTS {table}_stays; DELETE FROM {table} WHERE rowid > 2"  # noqa: S608 - our own table names
        for _ in db.execute(f"PRAGMA foreign_keys = OFF; {script}"):
            pass
    db.close()


@pytest.mark.parametrize("kind", FILES)
def test_damage_of_files_is_found(memo: Memo, kind: str) -> None:
    check, spoil = FILES[kind]
    spoil(memo.home)
    assert check in found(memo)
    memo("doctor", "--repair")
    assert (check in found(memo)) is (kind not in MENDED)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("document", "key"), ("document", "recorded_at")),
        *(("fact", "value"), ("fact", "text"), ("fact", "question"), ("fact", "subjects")),
    ],
)
def test_a_flipped_bit_in_a_plain_store_is_found(memo: Memo, table: str, column: str) -> None:
    """In what no hash covers, and at the one place that is read."""
    path = memo.home / "memo.db"
    with raw(path) as db:
        statement = (
            f"SELECT rootpage, page_size, {column} FROM sqlite_schema, pragma_page_size, "  # noqa: S608 - our own names
            f"{table} WHERE name = '{table}' AND id = 2"
        )
        ((root, size, said),) = db.execute(statement)
        list(db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    place = path.read_bytes().index(said.encode(), (root - 1) * size)
    assert place < root * size
    flip(path, place + len(said) // 2)
    assert memo("doctor").exit_code == 5


def test_facts_that_lie_out_of_order_are_not_read_forever(memo: Memo) -> None:
    """As one flipped bit in the number of a row leaves them."""
    path = memo.home / "memo.db"
    with raw(path) as db:
        ((root, size),) = db.execute(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'fact'"
        )
        list(db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    content = bytearray(path.read_bytes())
    page = (root - 1) * size
    assert content[page] == 13  # a leaf, so that its cells are rows
    first, second = slice(page + 8, page + 10), slice(page + 10, page + 12)
    content[first], content[second] = content[second], content[first]
    path.write_bytes(content)
    result = memo("doctor")
    assert result.exit_code == 5
    assert "out of order" in result.stdout
    assert memo("doctor", "--repair").exit_code == 5  # what was said is not made up


def test_a_store_that_lost_its_end_is_refused_and_says_what_to_do(memo: Memo) -> None:
    earlier(memo.home)
    result = memo("facts")
    assert result.exit_code == 5
    assert f"memo restore {backup(memo.home)}" in result.stderr
    assert memo("restore", backup(memo.home), "--yes").exit_code == 0
    assert memo("facts").exit_code == 0
    assert found(memo) == {}


def test_a_person_may_go_on_with_what_is_left(memo: Memo) -> None:
    earlier(memo.home)
    memo("doctor", "--accept-loss")
    assert memo("documents").exit_code == 0


def test_the_key_file_comes_back_from_a_backup(memo: Memo) -> None:
    words = memo.folder / "words"
    words.write_text("some words\n")
    assert memo("encrypt", "--new-passphrase-file", words).exit_code == 0
    memo.environ["MEMO_PASSPHRASE"] = "some words"
    for spoil in ("unlink", "noise"):
        key = memo.home / "memo.db-key"
        key.unlink() if spoil == "unlink" else key.write_text("noise")
        assert "store" in found(memo)
        assert "--repair" in memo("facts").stderr
        memo("doctor", "--repair")
        assert found(memo) == {}
        assert memo("facts").exit_code == 0
