"""Lines of text files, numbered, bounded, and decoded one by one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 16 * 2**20
"""Bytes; a longer line is passed over unread, as it would have to be held whole."""
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank."""

    number: int
    text: str | None
    """Without the line end; None where it is longer than can be read."""


def lines(stream: BinaryIO, *, blank: bool = False) -> Iterator[Line]:
    """The lines of a file, numbered from 1; those that are blank too if so wished.

    Each is UTF-8 or, if it is not, Windows-1252: old logs changed their encoding on the way.
    A file that begins with UTF-16's mark is that.
    """
    utf16 = stream.read(2) in (b"\xff\xfe", b"\xfe\xff")
    stream.seek(0)
    if utf16:
        wide = io.TextIOWrapper(stream, "utf-16", errors="replace")
        for number, text in enumerate(iter(lambda: wide.readline(LONGEST_LINE), ""), start=1):
            if blank or text.strip():
                yield Line(number, text.rstrip("\r\n"))
        wide.detach()
        return
    number = 0
    while data := stream.readline(LONGEST_LINE):
        number += 1
        if number == 1:
            data = data.removeprefix(_MARK)
        if len(data) >= LONGEST_LINE and not data.endswith(b"\n"):
            while rest := stream.readline(LONGEST_LINE):
                if rest.endswith(b"\n"):
                    break
            yield Line(number, None)
        elif blank or data.strip():
            yield Line(number, decoded_line(data).rstrip("\r\n"))


def decoded_line(data: bytes) -> str:
    """UTF-8, else Windows-1252 where every byte has a meaning there, else with U+FFFD."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
