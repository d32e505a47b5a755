"""Files written whole, with the checksums that were taken of them."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memo.errors import PullFailed
from memo.files import alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at once."""


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def hashed_once(path: Path) -> str:
    """The SHA-256 that a file had when it was hashed; "" where it never was."""
    return _read_record(path)[0]


def _read_record(path: Path) -> list[str]:
    """SHA-256, size and modification time; [""] where there is no record."""
    try:
        return _record_path(path).read_text("ascii").split(" ")
    except (FileNotFoundError, UnicodeDecodeError):
        return [""]


def recorded(path: Path) -> str | None:
    """The file's SHA-256, if it has not changed since that was taken."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    sha256, *rest = _read_record(path)
    return sha256 if rest == [str(found.st_size), str(found.st_mtime_ns)] else None


def remember(path: Path, sha256: str) -> None:
    """Record the checksum that a file has now, so that no start need take it again."""
    found = path.stat()
    write(_record_path(path), f"{sha256} {found.st_size} {found.st_mtime_ns}")


def sha256_of(path: Path) -> str:
    """In hexadecimal; about a second per gigabyte."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob(path: Path) -> str:
    """The name that git gives a file's content."""
    digest = hashlib.sha1(f"blob {size(path)}\0".encode(), usedforsecurity=False)
    digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def lock(home: Path, name: str) -> Iterator[None]:
    """Keep other pulls of this model out; the lock goes with the process, however it ends.

    Raises:
        PullFailed: One is at it.
    """
    busy = f"Another memo is pulling {name} right now; wait for it, or stop it first."
    with alone(home / ".lock", PullFailed(busy)):
        yield


def size(path: Path) -> int:
    """Bytes of a file, 0 where there is none (any more)."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def write(path: Path, text: str) -> None:
    """Replace a small file whole."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, "utf-8")
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
