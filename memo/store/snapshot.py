"""A whole copy of an open database, checked and sealed before it has its name."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memo.errors import StoreError
from memo.files import sync
from memo.trust import keys
from memo.trust.cipher import address_with
from memo.trust.head import Head
from memo.trust.seal import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import apsw

_ROOM = 1.1
"""How much of its own size a copy may take at most, with its seal."""


def snapshot(
    db: apsw.Connection, path: Path, target: Path, key: bytes | None, check: Callable[[Path], None]
) -> None:
    """Copy a database; the copy appears under its name only once it is safe.

    Args:
        db: The open database.
        path: Its file, beside which its keys lie.
        target: Where the copy goes; nothing may be there.
        key: Under which it is encrypted; the copy is, too.
        check: Raises where the copy, given by its path, is not whole.

    Raises:
        StoreError: There is no room, or it could not be written or checked.
    """
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        taken: Any = db.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchall()[0][0]
        free = shutil.disk_usage(target.parent).free
        if free < _ROOM * taken:
            raise StoreError(
                f"{target} needs {taken >> 20} MB, {free >> 20} MB are free: make room."
            )
        with fresh(unfinished):
            copy_into(db, unfinished, key)
            check(unfinished)
            entries = keys.entries_of(keys.key_file(path)) if key is not None else ()
            seal(unfinished, head_of(db), forgets_of(db), entries)
            unfinished.rename(target)
            sync(target.parent)
    except OSError as error:
        raise StoreError(f"{target} could not be written ({error.strerror}).") from error


@contextmanager
def fresh(path: Path) -> Iterator[None]:
    """An empty file of our own; it goes at the end unless it was renamed.

    What one that was cut short left beside it goes first: SQLite would roll its journal back.
    """
    _clear(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
    try:
        yield
    finally:
        _clear(path)


def _clear(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal", "-head"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def copy_into(db: apsw.Connection, path: Path, key: bytes | None) -> None:
    """Write all of a database into an empty file, under a key or with None in plain."""
    db.execute("VACUUM INTO :path", {"path": address_with(path, key)}).fetchall()


def head_of(db: apsw.Connection) -> Head:
    """How far the logs of changes and of events, the documents and the exchanges have come."""
    rows: Any = db.execute(
        """
        SELECT ifnull((SELECT max(id) FROM change_set WHERE id > 0), 0), ifnull(max(id), 0),
            ifnull((SELECT hash FROM event ORDER BY id DESC LIMIT 1), ''),
            ifnull((SELECT max(id) FROM document), 0),
            ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'exchange'), 0)
        FROM event
        """
    ).fetchall()
    return Head(*rows[0])


def forgets_of(db: apsw.Connection) -> int:
    """How often something was forgotten."""
    rows: Any = db.execute("SELECT count(*) FROM change_set WHERE kind = 'forget'").fetchall()
    return int(rows[0][0])
