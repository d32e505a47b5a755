"""Files that must be whole or absent, outlast a power failure, or leave nothing behind."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner only, and there after a power failure."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600)
    try:
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


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
