"""How far the log of a store had come, written beside it: what is cut off is noticed.

A store that was cut, or whose write-ahead log was, is a whole store of an earlier day to SQLite.
The head is written in place after each commit, into one of two places by turns, each with a
checksum. It is never ahead of the store: a crash between leaves it behind, which proves nothing.
"""

from __future__ import annotations

import logging
import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_LINE = 128  # bytes: a place lies in one sector
_PLACES = 2


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The ends of the two logs of a store, and of what else is kept in the order it came."""

    changes: int = 0
    """The id of the last change set."""
    events: int = 0
    """The id of the last event."""
    hash: str = ""
    """The hash of that event, in which all before it are."""
    documents: int = 0
    """The id of the last document, some of which wait to be read; 0 in what an older memo wrote."""
    exchanges: int = 0
    """The highest id that an exchange of a conversation was given; 0 as above."""


def head_file(store: Path) -> Path:
    """Where the head of a store lies."""
    return store.with_name(f"{store.name}-head")


def read_head(store: Path) -> Head | None:
    """The furthest head written; None where there is none that can be read, which is logged."""
    try:
        content = head_file(store).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("the head of the store could not be read: %s", error.strerror)
        return None
    found = [_parsed(content[place * _LINE :][:_LINE]) for place in range(_PLACES)]
    return max((head for head in found if head is not None), default=None)


def write_head(store: Path, head: Head) -> None:
    """Write how far a store has come; a failure leaves the head that was there, and is logged.

    It is not synced: a head lost with the power leaves one that is behind.
    """
    ends = f"{head.documents} {head.exchanges}"
    line = f"memo {head.changes} {head.events} {head.hash or '-'} {ends}"
    text = f"{line} {zlib.crc32(line.encode()):08x}".ljust(_LINE - 1) + "\n"
    try:
        handle = os.open(head_file(store), os.O_CREAT | os.O_NOFOLLOW | os.O_WRONLY, 0o600)
        try:
            os.pwrite(handle, text.encode(), head.changes % _PLACES * _LINE)
        finally:
            os.close(handle)
    except OSError as error:
        log.warning("the head of the store could not be written: %s", error.strerror)


def renew_head(store: Path, head: Head) -> None:
    """Begin the head anew, whatever it said."""
    head_file(store).unlink(missing_ok=True)
    write_head(store, head)


def head_problem(store: Path) -> str | None:
    """What is wrong with the head file itself."""
    try:
        content = head_file(store).read_bytes()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    places = [content[place * _LINE :][:_LINE] for place in range(_PLACES)]
    if all(not place.strip(b"\0") or _parsed(place) for place in places) and read_head(store):
        return None
    return "is damaged"


def _parsed(line: bytes) -> Head | None:
    try:
        said, _, check = line.decode("ascii").strip().rpartition(" ")
        if int(check, 16) != zlib.crc32(said.encode()):
            return None
        _, changes, events, last, *others = said.split(" ")
        return Head(int(changes), int(events), "" if last == "-" else last, *map(int, others))
    except (ValueError, TypeError):
        return None
