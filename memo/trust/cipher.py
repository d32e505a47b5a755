"""Looking at a file as a database that may be encrypted; what holds for any schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from memo.errors import CipherMissing

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID = 0x6D656D6F  # "memo": tells our file from any other SQLite database
CIPHER = "chacha20"
"""With Poly1305: a page that was changed does not decrypt. Ciphers without that are not used."""


def give_key(db: apsw.Connection, key: bytes | None) -> None:
    """Let a connection decrypt and encrypt.

    Raises:
        CipherMissing: It would not: where a plain `apsw` lies beside, a key means nothing to it.
    """
    if key is None:
        return
    named = db.execute(f"PRAGMA cipher = '{CIPHER}'").fetchall()
    taken = db.execute(f"PRAGMA key = 'raw:{key.hex()}'").fetchall()
    if named != [(CIPHER,)] or taken != [("ok",)]:
        raise CipherMissing(
            "This SQLite cannot encrypt: `pip uninstall apsw`, then "
            "`pip install --force-reinstall apsw-sqlite3mc`."
        )


def address_with(path: Path, key: bytes | None) -> str:
    """What VACUUM INTO takes as a file that is encrypted with a key, or with None plain."""
    secret = "key=" if key is None else f"cipher={CIPHER}&key=raw:{key.hex()}"
    return f"{path.absolute().as_uri()}?{secret}"


def opens(path: Path, key: bytes | None) -> bool:
    """Whether a file is a database in this key, or a plain one; SQLite looks, as only it may.

    Opening and closing the file by other means would end the locks of this process on it.
    """
    try:
        return _reads(path, key, "mode=ro")
    except apsw.Error:
        pass  # busy, or a journal is to be rolled back, which only the right key may do
    try:
        return _reads(path, key, "immutable=1")
    except apsw.CantOpenError:
        return False
    except apsw.Error:
        return True  # damaged further on: the header made sense


def _reads(path: Path, key: bytes | None, how: str) -> bool:
    db = _looking(path, how)
    try:
        give_key(db, key)
        db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.NotADBError:
        return False
    finally:
        db.close()
    return True


def holds_store(path: Path, key: bytes | None) -> bool:
    """Whether a file is a memo store, of whatever schema; a new file is none yet."""
    try:
        db = _looking(path)
        try:
            give_key(db, key)
            return db.execute("PRAGMA application_id").fetchall() == [(APPLICATION_ID,)]
        finally:
            db.close()
    except apsw.Error:
        return False


def broken_page(path: Path, key: bytes | None) -> str | None:
    """What is wrong with the pages of a file, or None; it need not be of this schema."""
    try:
        db = _looking(path)
        try:
            give_key(db, key)
            found = db.execute("PRAGMA integrity_check(1)").fetchall()[0][0]
        finally:
            db.close()
    except apsw.Error as error:
        return str(error)
    return None if found == "ok" else str(found)


def _looking(path: Path, how: str = "mode=ro") -> apsw.Connection:
    address = f"{path.absolute().as_uri()}?{how}"
    return apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
