"""Files that must be whole or absent, outlast a power failure, or leave nothing behind."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memo.errors import MemoError

IN_MEMORY = ("/dev/shm",)
"""Where Linux keeps files in memory."""
_CHUNK = 1 << 20


@contextmanager
def alone(path: Path, busy: MemoError) -> Iterator[None]:
    """Keep other processes out; the lock goes with the process, however it ends.

    Args:
        path: A folder, or a file that is made where it is missing.
        busy: Raised where another process holds the lock.

    Raises:
        OSError: The file cannot be written.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_CREAT | os.O_RDWR
    handle = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy from error
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Make what is in a file, or which names a folder has, outlast a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner only, and there after a power failure."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:  # unlike os.write never short without an error
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)


def overwrite(handle: int) -> None:
    """Write zeros over all of an open file.

    A disk that moves blocks (an SSD, a file system that copies on write) may keep the old ones.
    """
    size = os.fstat(handle).st_size
    zeros = bytes(_CHUNK)
    for start in range(0, size, _CHUNK):
        os.pwrite(handle, zeros[: size - start], start)
    os.fsync(handle)


def shred(path: Path) -> None:
    """Overwrite a file and remove it; harmless where there is none."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        path.unlink()
        overwrite(handle)
    finally:
        os.close(handle)


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder of our own for what another program must find by name, and only for now.

    It is in memory where the system keeps one there for each user, or for all; whatever is in it at
    the end is overwritten and removed. What the other program writes elsewhere is its own.
    """
    with tempfile.TemporaryDirectory(prefix="memo-", dir=_in_memory()) as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            for path in folder.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    shred(path)


def _in_memory() -> str | None:
    """A place for files that no disk holds; None where there is none that is known."""
    for place in (os.environ.get("XDG_RUNTIME_DIR", ""), *IN_MEMORY):
        if place and Path(place).is_dir() and os.access(place, os.W_OK | os.X_OK):
            return place
    return None
