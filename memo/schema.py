"""How the store's one file is laid out, opened and brought up to date."""

from __future__ import annotations

import functools
import os
import shlex
import stat
from typing import TYPE_CHECKING

import apsw
import sqlite_vec

from memo.cipher import APPLICATION_ID as APPLICATION_ID
from memo.cipher import give_key
from memo.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreReadOnly,
    StoreTooNew,
)
from memo.head import head_file
from memo.keys import key_file, pending_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
    INSERT INTO meta (name, value) VALUES ('secret', randomblob(32));

    CREATE TABLE embedder (name TEXT NOT NULL, sha256 TEXT NOT NULL, dim INTEGER NOT NULL) STRICT;

    CREATE TABLE change_set (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN (
            'document', 'edit', 'pin', 'unpin', 'forget', 'review', 'undo', 'redo')),
        title TEXT NOT NULL,
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        target_id INTEGER REFERENCES change_set (id),
        undone_by INTEGER REFERENCES change_set (id),
        calls INTEGER NOT NULL DEFAULT 0,
        prompt_tokens INTEGER NOT NULL DEFAULT 0,
        evaluated_tokens INTEGER NOT NULL DEFAULT 0,
        completion_tokens INTEGER NOT NULL DEFAULT 0,
        elapsed_s REAL NOT NULL DEFAULT 0,
        problems TEXT NOT NULL DEFAULT '[]'
    ) STRICT;

    CREATE TABLE document (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        title TEXT NOT NULL,
        digest TEXT NOT NULL,
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX document_digest ON document (digest);
    CREATE INDEX document_change ON document (change_id);

    CREATE TABLE passage (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        document_id INTEGER NOT NULL REFERENCES document (id),
        ord INTEGER NOT NULL,
        speaker TEXT,
        at TEXT NOT NULL,
        text TEXT NOT NULL,
        UNIQUE (document_id, ord)
    ) STRICT;

    CREATE TABLE fact (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        question TEXT NOT NULL,
        value TEXT NOT NULL,
        subjects TEXT NOT NULL,
        several INTEGER NOT NULL,
        slot TEXT NOT NULL,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        by_hand INTEGER NOT NULL,
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX fact_slot ON fact (slot);
    CREATE TRIGGER fact_stays BEFORE DELETE ON fact
    BEGIN SELECT RAISE(ABORT, 'facts are never deleted'); END;
    CREATE TRIGGER fact_immutable BEFORE UPDATE ON fact
    WHEN NOT (NEW.forgotten AND NEW.text = '' AND NEW.question = '' AND NEW.value = ''
        AND NEW.subjects = '[]' AND NEW.slot = '' AND NEW.id = OLD.id
        AND NEW.change_id = OLD.change_id)
    BEGIN SELECT RAISE(ABORT, 'facts change only by being forgotten'); END;

    CREATE TABLE fact_subject (
        name TEXT NOT NULL,
        fact_id INTEGER NOT NULL REFERENCES fact (id),
        PRIMARY KEY (name, fact_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX fact_subject_fact ON fact_subject (fact_id);

    CREATE TABLE held (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        edit TEXT,
        reason TEXT NOT NULL
    ) STRICT;
    CREATE INDEX held_change ON held (change_id);
    CREATE TABLE held_decision (
        held_id INTEGER NOT NULL REFERENCES held (id),
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        accepted INTEGER NOT NULL,
        PRIMARY KEY (held_id, change_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        edit INTEGER NOT NULL,
        fact_id INTEGER NOT NULL REFERENCES fact (id),
        kind TEXT NOT NULL CHECK (kind IN (
            'added', 'reinforced', 'confirmed', 'made_false', 'rewritten', 'marked_uncertain',
            'edited', 'pinned', 'unpinned')),
        truth INTEGER CHECK (truth IN (0, 1)),
        at TEXT NOT NULL,
        said_at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        document_id INTEGER REFERENCES document (id),
        passage_id INTEGER REFERENCES passage (id),
        quote TEXT,
        quote_digest TEXT,
        confidence REAL,
        because INTEGER REFERENCES event (id) CHECK (because < id),
        successor INTEGER REFERENCES fact (id),
        held_id INTEGER REFERENCES held (id),
        hash TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_fact ON event (fact_id, at, id);
    CREATE INDEX event_change ON event (change_id);
    CREATE INDEX event_because ON event (because);
    CREATE INDEX event_successor ON event (successor);
    CREATE INDEX event_document ON event (document_id);
    CREATE INDEX event_held ON event (held_id) WHERE held_id NOT NULL;
    CREATE TRIGGER event_stays BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_immutable BEFORE UPDATE OF
        id, change_id, edit, fact_id, kind, truth, at, said_at, recorded_at, document_id,
        passage_id, quote_digest, confidence, because, successor, held_id, hash ON event
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_quote BEFORE UPDATE OF quote ON event WHEN NEW.quote IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a quote can only be forgotten'); END;

    CREATE TABLE tombstone (mark TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

    CREATE TABLE fact_vector (
        fact_id INTEGER PRIMARY KEY REFERENCES fact (id), vector BLOB NOT NULL) STRICT;
    CREATE TABLE passage_vector (
        passage_id INTEGER PRIMARY KEY REFERENCES passage (id), vector BLOB NOT NULL) STRICT;

    -- From here on everything is derived and can be rebuilt.
    CREATE TABLE live_event (event_id INTEGER PRIMARY KEY REFERENCES event (id)) STRICT;
    CREATE TABLE fact_state (
        fact_id INTEGER PRIMARY KEY REFERENCES fact (id),
        state TEXT NOT NULL,
        since TEXT NOT NULL,
        until TEXT,
        pinned INTEGER NOT NULL,
        document_id INTEGER REFERENCES document (id),
        replaced_by INTEGER REFERENCES fact (id)
    ) STRICT;
    CREATE INDEX fact_state_since ON fact_state (state, since);
    CREATE INDEX fact_state_document ON fact_state (document_id);
    """,
    """
    ALTER TABLE passage ADD COLUMN context INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE change_set ADD COLUMN import_id INTEGER REFERENCES change_set (id);
    CREATE INDEX change_set_import ON change_set (import_id) WHERE import_id NOT NULL;
    CREATE INDEX document_key ON document (source, key);
    """,
    # Sign codes in place of vec0, which held every vector twice and looked through all of them.
    """
    DROP TABLE IF EXISTS fact_vec;
    DROP TABLE IF EXISTS passage_vec;
    ALTER TABLE fact_state ADD COLUMN begins TEXT NOT NULL DEFAULT '';
    ALTER TABLE fact_state ADD COLUMN settles TEXT NOT NULL DEFAULT '';
    CREATE TABLE code_segment (
        segment INTEGER PRIMARY KEY,
        part TEXT NOT NULL,
        used INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX code_segment_part ON code_segment (part, segment);
    CREATE TABLE code_slots (segment INTEGER PRIMARY KEY, slots BLOB NOT NULL) STRICT;
    CREATE TABLE code_place (
        kind TEXT NOT NULL,
        id INTEGER NOT NULL,
        segment INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX fact_state_newest ON fact_state (since);
    CREATE INDEX change_set_target ON change_set (target_id) WHERE target_id IS NOT NULL;
    CREATE INDEX change_set_undone ON change_set (undone_by) WHERE undone_by IS NOT NULL;
    INSERT INTO meta (name, value) SELECT 'underived', x'01'
        WHERE EXISTS (SELECT 1 FROM fact_state) OR EXISTS (SELECT 1 FROM passage);
    """,
    # Until a document is read it lies under a change set with a number below zero, its import's.
    """
    CREATE TABLE unread (
        document_id INTEGER PRIMARY KEY REFERENCES document (id),
        records INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX passage_said ON passage (at, length(text));
    """,
    # Conversations, a record beside the facts: nothing is derived from them.
    """
    CREATE TABLE conversation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        begun_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE exchange (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        at TEXT NOT NULL,
        said TEXT NOT NULL,
        answer TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX exchange_conversation ON exchange (conversation_id);
    CREATE TABLE exchange_source (
        exchange_id INTEGER NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        fact_id INTEGER REFERENCES fact (id),
        passage_id INTEGER REFERENCES passage (id),
        PRIMARY KEY (exchange_id, n)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX exchange_source_fact ON exchange_source (fact_id);
    CREATE INDEX exchange_source_passage ON exchange_source (passage_id);
    CREATE TABLE exchange_change (
        exchange_id INTEGER NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        PRIMARY KEY (exchange_id, change_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX exchange_change_change ON exchange_change (change_id);
    """,
)
"""Applied in order; PRAGMA user_version counts those a file has had. Append, never edit."""

FTS = """
DROP TABLE IF EXISTS {name};
CREATE VIRTUAL TABLE {name} USING fts5 (
    text, tokenize = 'porter unicode61 remove_diacritics 2');
INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1);
"""

_INDEXES = ("fact_fts", "passage_fts")
_FOR_NEW_FILES: tuple[tuple[str, str, object], ...] = (("page_size", "8192", 8192),)
_FOR_WRITING: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),  # NORMAL lost acknowledged documents on power loss
    ("fullfsync", "ON", 1),  # macOS: a plain fsync does not reach the platter
    ("secure_delete", "ON", 1),
    ("journal_size_limit", "67108864", 67108864),
)
_ALWAYS = (
    ("foreign_keys", "ON", 1),
    ("temp_store", "MEMORY", 2),
    ("cell_size_check", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("cache_size", "-32768", -32768),
    ("mmap_size", "0", 0),  # cell_size_check looks at a mapped page anew at each visit
)


LAYOUT = """
SELECT type || ' ' || name, ifnull(sql, '') FROM sqlite_schema
WHERE name NOT LIKE 'sqlite_%' ORDER BY 1
"""
"""Everything that a file consists of, and how it was made."""


@functools.cache
def layout() -> dict[str, str]:
    """What `LAYOUT` finds in a file as this memo makes it."""
    db = apsw.Connection(":memory:")
    try:
        for script in (*MIGRATIONS, *(FTS.format(name=name) for name in _INDEXES)):
            run_script(db, script)
        return {str(name): str(sql) for name, sql in db.execute(LAYOUT)}
    finally:
        db.close()


def connect(
    path: Path,
    *,
    key: bytes | None = None,
    read_only: bool = False,
    busy_timeout_ms: int = 5000,
    before_migration: Callable[[apsw.Connection], None] = lambda _: None,
) -> tuple[apsw.Connection, bool]:
    """Open or create the file; the second value tells whether it can be written.

    A file or folder without write permission opens for reading. With a key only an encrypted file
    opens, and without one only a plain one.

    Raises:
        StoreError: The folder or file is a symbolic link or somebody else's.
        StoreReadOnly: There is nothing to read and nothing can be made.
        StoreDamaged: Not a memo store, or its first pages do not check out.
        StoreTooNew: A newer memo wrote it.
        StoreBusy: Another process holds it for longer than `busy_timeout_ms`.
        StoreLocked: It is encrypted, and there is no key, or another.
        CipherMissing: This SQLite cannot encrypt.
    """
    if key is None and key_file(path).exists():
        raise StoreLocked(f"{path} is encrypted: give its passphrase.")
    writable = not read_only and _prepare(path)
    if not path.exists():
        raise StoreReadOnly(
            f"There is no store at {path} and none may be made there: give another --home."
        )
    _refuse_strange(path, stat.S_ISREG, "regular file")
    file = path.stat().st_ino
    try:
        db = _opened(path, writable, busy_timeout_ms, key)
        try:
            _recognised(db, path)
            if path.stat().st_ino != file:  # before anything is written beside another store
                raise apsw.BusyError("replaced")
            _ready(db, path, writable, before_migration)
        except BaseException:
            db.close()
            raise
    except (apsw.Error, OSError) as error:
        if path.exists() and path.stat().st_ino != file:
            raise StoreBusy(f"{path} was replaced just now: try again.") from error
        if isinstance(error, apsw.NotADBError) and key is not None:
            raise StoreLocked(
                f"{path} does not open with its key: it is damaged, or not the store that the key "
                f"file belongs to; {remedy(path)}."
            ) from error
        raise explained(error, path) from error
    return db, writable


_LOST_KEY = (
    " If it was encrypted and lost its key file, `memo doctor --repair` takes that from a backup."
)


def explained(error: Exception, path: Path) -> StoreError:
    """What a failure of SQLite means to the person, and what to do next."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return StoreBusy(
                f"Another program is writing to {path}: wait for it to finish, then try again."
            )
        case apsw.NotADBError() | apsw.CorruptError() | apsw.FormatError() | UnicodeDecodeError():
            lost = isinstance(error, apsw.NotADBError) and not key_file(path).exists()
            return StoreDamaged(
                f"{path} is damaged or not a memo store ({error}): {remedy(path)}."
                f"{_LOST_KEY if lost else ''}"
            )
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            return StoreReadOnly(f"{path} may not be written: check its permissions.")
        case apsw.FullError():
            return StoreError(f"The disk of {path} is full: make room, then try again.")
        case _:
            return StoreError(f"{path} could not be used ({error}): run `memo doctor`.")


def backup_folder(store: Path) -> Path:
    """Where the automatic backups of a store lie."""
    return store.parent / "backups"


def remedy(path: Path) -> str:
    """What to do about a damaged store."""
    kept = sorted(backup_folder(path).glob("memo-*.db"))
    if kept:
        return f"`memo restore {shlex.quote(str(kept[-1]))}` brings back the last good backup"
    return "`memo restore FILE` brings back a backup, if you made one; `memo doctor` tells more"


def _prepare(path: Path) -> bool:
    """Make folder and empty file, ours alone; tell whether both can be written."""
    folder = path.parent
    if not path.exists() and (left := _left_behind(path)):
        raise StoreDamaged(f"{path} is missing, but {left.name} is there: {remedy(path)}.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreReadOnly(
            f"{folder} cannot be made ({error.strerror}): give another --home."
        ) from error
    _refuse_strange(folder, stat.S_ISDIR, "folder")
    if not _may(folder, os.W_OK | os.X_OK):
        return False
    try:
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR, 0o600)
    except FileExistsError:
        return _may(path, os.R_OK | os.W_OK)
    except OSError as error:
        raise StoreError(f"{path} cannot be made ({error.strerror}): check its disk.") from error
    os.close(made)
    return True


def _left_behind(path: Path) -> Path | None:
    """What tells that there was a store here; a new one in its place would hide the loss."""
    for file in (key_file(path), pending_file(path), head_file(path)):
        if file.exists():
            return file
    return None


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _refuse_strange(path: Path, expected: Callable[[int], bool], what: str) -> None:
    """Somebody who owns or redirects the place could read or swap what is kept there."""
    found = path.lstat()
    if not expected(found.st_mode):
        raise StoreError(f"{path} is not a {what} (a link is not followed): give its real place.")
    if found.st_uid != os.geteuid():
        raise StoreError(f"{path} belongs to user {found.st_uid}, not to you: give another --home.")


def _opened(path: Path, writable: bool, busy_timeout_ms: int, key: bytes | None) -> apsw.Connection:
    """A connection; a folder that takes no -shm file is read as it stands."""
    if writable:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        db = apsw.Connection(path.absolute().as_uri(), flags=flags)
        db.set_busy_timeout(busy_timeout_ms)
        give_key(db, key)
        return db
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    address = path.absolute().as_uri()
    db = apsw.Connection(f"{address}?mode=ro", flags=flags)
    db.set_busy_timeout(busy_timeout_ms)
    give_key(db, key)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except (apsw.CantOpenError, apsw.ReadOnlyError) as error:
        db.close()
        for log in (path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-journal")):
            if log.exists() and log.stat().st_size:
                raise StoreReadOnly(
                    f"{log} holds what must be merged first: run `memo facts` where its folder can "
                    "be written."
                ) from error
        db = apsw.Connection(f"{address}?immutable=1", flags=flags)
        give_key(db, key)
    return db


def load_extensions() -> None:
    """Make sure that this SQLite has what a store needs.

    Raises:
        StoreError: It has not.
    """
    db = apsw.Connection(":memory:")
    try:
        _load_vectors(db)
        run_script(db, FTS.format(name="words"))
    except apsw.Error as error:
        raise StoreError(f"SQLite cannot be used ({error}): install memo again.") from error
    finally:
        db.close()


def _load_vectors(db: apsw.Connection) -> None:
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    db.enable_load_extension(False)


def _ready(
    db: apsw.Connection,
    path: Path,
    writable: bool,
    before_migration: Callable[[apsw.Connection], None],
) -> None:
    """Recognise the file, set and read back every pragma, load sqlite-vec, migrate."""
    version = _recognised(db, path)
    if writable:
        for pragma in _FOR_NEW_FILES if version == 0 else ():
            _set(db, *pragma)
        if version == 0 and head_file(path).exists():
            raise StoreDamaged(
                f"{path} is empty, but {head_file(path).name} tells of more: {remedy(path)}."
            )
        for pragma in _FOR_WRITING:
            _set(db, *pragma)
    for pragma in _ALWAYS:
        _set(db, *pragma)
    _load_vectors(db)
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    if version < len(MIGRATIONS):
        if not writable:
            raise StoreReadOnly(
                f"{path} must be brought up to date: run `memo facts` where it can be written."
            )
        if version:
            before_migration(db)
        _migrate(db, path)


def _recognised(db: apsw.Connection, path: Path) -> int:
    """The file's schema version; 0 for one just made."""
    application = _pragma(db, "application_id")
    version = _pragma(db, "user_version")
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreDamaged(f"{path} is a database, but not a memo store: give another --home.")
    if not isinstance(version, int) or version > len(MIGRATIONS):
        raise StoreTooNew(
            f"{path} has schema {version}, this memo knows up to {len(MIGRATIONS)}: update memo."
        )
    return version


def _migrate(db: apsw.Connection, path: Path) -> None:
    """Apply what is missing, all or nothing; another process may have been quicker."""
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _recognised(db, path)
        for script in MIGRATIONS[version:]:
            run_script(db, script)
        if version == 0:
            run_script(db, "".join(FTS.format(name=name) for name in _INDEXES))
        _set(db, "application_id", str(APPLICATION_ID), APPLICATION_ID)
        _set(db, "user_version", str(len(MIGRATIONS)), len(MIGRATIONS))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def run_script(db: apsw.Connection, script: str) -> None:
    """Run every statement: apsw stops at a statement's first row unless it is read on."""
    for _ in db.execute(script):
        pass


def _set(db: apsw.Connection, name: str, value: str, expected: object) -> None:
    """Set a pragma by itself and read it back: an ignored one would cost data later."""
    db.execute(f"PRAGMA {name} = {value}").fetchall()
    if (found := _pragma(db, name)) != expected:
        raise StoreError(f"SQLite refused {name} = {value} (it is {found}): reinstall memo.")


def _pragma(db: apsw.Connection, name: str) -> object:
    rows = db.execute(f"PRAGMA {name}").fetchall()
    return rows[0][0] if rows else None
