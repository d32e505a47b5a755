"""What stands behind the last page of a backup: how to prove it whole, and how to open it.

SQLite reads as many pages as the header names, so a sealed file is still a database. One file is
all that a person has to keep: the wrapped keys of an encrypted store are in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import astuple, dataclass
from typing import IO, TYPE_CHECKING

from memo.errors import StoreDamaged
from memo.trust import keys
from memo.trust.head import Head

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"memo sealed v1\n\0"
_LENGTH = 8
_MOST_BYTES = 1 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Seal:
    """What a backup says of itself."""

    size: int
    """Bytes of the database, before the seal."""
    sha256: str
    """Of those bytes."""
    head: Head
    forgets: int
    """How often something had been forgotten; what was forgotten later is still in it."""
    entries: tuple[keys.Entry, ...]
    """The keys of an encrypted one."""


def seal(path: Path, head: Head, forgets: int, entries: tuple[keys.Entry, ...]) -> None:
    """Append a seal to a database that nothing has open, and bring all of it to the disk."""
    with path.open("r+b") as file:
        digest, size = _hashed(file, None)
        told = {
            "size": size,
            "sha256": digest,
            "head": astuple(head),
            "forgets": forgets,
            "keys": keys.as_text(entries).decode(),
        }
        text = json.dumps(told).encode()
        file.write(text + len(text).to_bytes(_LENGTH, "big") + _MAGIC)
        file.flush()
        os.fsync(file.fileno())


def seal_of(path: Path) -> Seal | None:
    """The seal of a backup; None where it has none, or none that can be read."""
    tail = _LENGTH + len(_MAGIC)
    with path.open("rb") as file:
        whole = file.seek(0, os.SEEK_END)
        if whole < tail:
            return None
        file.seek(whole - tail)
        length = int.from_bytes(file.read(_LENGTH), "big")
        if file.read() != _MAGIC or not 0 < length <= min(_MOST_BYTES, whole - tail):
            return None
        file.seek(whole - tail - length)
        text = file.read(length)
    try:
        told = json.loads(text)
        changes, events, last, *others = told["head"]
        found = Seal(
            int(told["size"]),
            str(told["sha256"]),
            Head(int(changes), int(events), str(last), *map(int, others)),
            int(told["forgets"]),
            keys.parsed(told["keys"].encode()),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if found.size == whole - tail - length else None


def checked_seal(path: Path) -> Seal | None:
    """As `seal_of`, after every byte before it was compared with it.

    Raises:
        StoreDamaged: The bytes are not those that were sealed.
    """
    found = seal_of(path)
    if found is not None:
        with path.open("rb") as file:
            digest, _ = _hashed(file, found.size)
        if digest != found.sha256:
            raise StoreDamaged(f"The backup {path} was changed since it was made: try another.")
    return found


def _hashed(file: IO[bytes], size: int | None) -> tuple[str, int]:
    """SHA-256 and length of a file, or of its first bytes."""
    digest, done = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK if size is None else min(_CHUNK, size - done)):
        digest.update(chunk)
        done += len(chunk)
    return digest.hexdigest(), done
