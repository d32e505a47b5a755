"""A store's file opened: made or recognised, its pragmas proven, brought up to date."""

from __future__ import annotations

import os
import shlex
import stat
import time
from typing import TYPE_CHECKING

import apsw
import sqlite_vec

from memo.errors import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreReadOnly,
    StoreTooNew,
)
from memo.store import schema
from memo.trust.cipher import APPLICATION_ID, give_key
from memo.trust.head import head_file
from memo.trust.keys import key_file, pending_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FOR_NEW_FILES: tuple[tuple[str, str, object], ...] = (("page_size", "8192", 8192),)
_FOR_WRITING: tuple[tuple[str, str, object], ...] = (
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
            _ready(db, path, writable, busy_timeout_ms, before_migration)
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
        schema.run_script(db, schema.FTS.format(name="words"))
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
    busy_timeout_ms: int,
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
        _write_ahead(db, busy_timeout_ms)
        for pragma in _FOR_WRITING:
            _set(db, *pragma)
    for pragma in _ALWAYS:
        _set(db, *pragma)
    _load_vectors(db)
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    if version < len(schema.MIGRATIONS):
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
    if not isinstance(version, int) or version > len(schema.MIGRATIONS):
        known = len(schema.MIGRATIONS)
        raise StoreTooNew(
            f"{path} has schema {version}, this memo knows up to {known}: update memo."
        )
    return version


def _migrate(db: apsw.Connection, path: Path) -> None:
    """Apply what is missing, all or nothing; another process may have been quicker."""
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _recognised(db, path)
        for script in schema.MIGRATIONS[version:]:
            schema.run_script(db, script)
        if version == 0:
            schema.run_script(db, "".join(schema.FTS.format(name=name) for name in schema.INDEXES))
        _set(db, "application_id", str(APPLICATION_ID), APPLICATION_ID)
        _set(db, "user_version", str(len(schema.MIGRATIONS)), len(schema.MIGRATIONS))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _write_ahead(db: apsw.Connection, busy_timeout_ms: int) -> None:
    """Switch a new file to its write-ahead log, beside another process that may be doing so, too.

    SQLite refuses one of the two at once, without its busy timeout: each would wait for the other.
    """
    until = time.monotonic() + busy_timeout_ms / 1000
    while True:
        try:
            return _set(db, "journal_mode", "WAL", "wal")
        except apsw.BusyError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.01)


def _set(db: apsw.Connection, name: str, value: str, expected: object) -> None:
    """Set a pragma by itself and read it back: an ignored one would cost data later."""
    db.execute(f"PRAGMA {name} = {value}").fetchall()
    if (found := _pragma(db, name)) != expected:
        raise StoreError(f"SQLite refused {name} = {value} (it is {found}): reinstall memo.")


def _pragma(db: apsw.Connection, name: str) -> object:
    rows = db.execute(f"PRAGMA {name}").fetchall()
    return rows[0][0] if rows else None
