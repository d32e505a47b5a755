"""Read JSON files larger than memory, value by value, past what is damaged.

ijson would stream as fast (both above 100 MB/s here), but stops for good at the first fault: one
conversation nested too deeply, or one number of 5,000 digits, and all that follow are lost. Here
each value is decoded by itself by the standard library, and a bad one is passed over by counting
brackets. Invalid UTF-8 becomes U+FFFD; lone surrogates stay for `storable` to replace.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_VALUE = 16 * 2**20
"""Characters of one conversation or message; a longer one is passed over, as it would be held whole
and can take twenty times as many bytes."""
_CHUNK = 2**20
_LONGEST_INTEGER = 30  # digits; no id or time has more, and int() refuses 4,301
_NEAR = 32  # characters; no number, word or escape is longer, so an error further back is real


class BadValue(Exception):
    """A value that could not be decoded; the stream stands behind it."""


class BrokenOff(Exception):
    """The file is damaged in a way that leaves no telling where the next value begins."""


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float("inf")


_decoder = json.JSONDecoder(parse_int=_integer)


def parsed(text: str) -> object:
    """The value of a whole text.

    Raises:
        BadValue: It is not JSON, or nested too deeply.
    """
    try:
        return _decoder.decode(text)
    except RecursionError as error:
        raise BadValue("nested too deeply") from error
    except ValueError as error:
        raise BadValue(f"not JSON: {error}") from error


_SPACE = re.compile(r"[ \t\r\n]*")
_OUTSIDE = re.compile(r'[^"\[\]{},]+|["\[\]{},]')
_INSIDE = re.compile(r'[^"\\]+|\\.|"', re.DOTALL)


class JsonStream:
    """A cursor in a JSON file: values are taken whole, or entered to take what is in them."""

    def __init__(self, file: BinaryIO) -> None:
        head = file.read(4)
        encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        self._file = file
        self._decode = codecs.getincrementaldecoder(encoding)("replace").decode
        self._buffer = self._decode(head)
        self._at = 0
        self._passed = 0
        self._ended = False
        self.told = False
        """Whether its reader has said that it is broken off."""

    @property
    def position(self) -> int:
        """Characters taken so far."""
        return self._passed + self._at

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill():
                return ""

    def value(self) -> object:
        """Take the next value whole.

        Raises:
            BadValue: It cannot be decoded; it was passed over.
            BrokenOff: There is no end to it.
        """
        first = self.peek()
        if not first:
            raise BrokenOff("it ends too early")
        while True:
            try:
                value, end = _decoder.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                self.skip()
                raise BadValue("nested too deeply") from error
            except json.JSONDecodeError as error:
                cut_off = error.msg.startswith("Unterminated string")
                if not cut_off and error.pos < len(self._buffer) - _NEAR:
                    self.skip()
                    raise BadValue(f"not JSON: {error.msg}") from error
            else:
                length = end - self._at
                if first in '"[{' or end < len(self._buffer) or not self._fill():
                    self._at += length
                    if length > LONGEST_VALUE:
                        raise BadValue(f"longer than {LONGEST_VALUE} characters")
                    return value
                continue  # the digits of a number may go on
            if len(self._buffer) - self._at > LONGEST_VALUE:
                self.skip()
                raise BadValue(f"longer than {LONGEST_VALUE} characters")
            if not self._fill():
                self.skip()
                raise BadValue("not JSON")

    def elements(self) -> Iterator[None]:
        """Enter an array: at each step the cursor stands before an element.

        One that is not taken meanwhile is passed over.

        Raises:
            BrokenOff: What follows is not an array, or it does not end.
        """
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            before = self.position
            yield
            if self.position == before:
                self.skip()
            if self.peek() == "]":
                self._at += 1
                return
            self._expect(",")
            self.peek()

    def members(self) -> Iterator[str]:
        """Enter an object: at each step the cursor stands before the value of the name given.

        One that is not taken meanwhile is passed over.

        Raises:
            BrokenOff: What follows is not an object, or it does not end.
        """
        self._expect("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            try:
                name = self.value()
            except BadValue as error:
                raise BrokenOff(str(error)) from error
            if not isinstance(name, str):
                raise BrokenOff("a name is missing")
            self._expect(":")
            self.peek()
            before = self.position
            yield name
            if self.position == before:
                self.skip()
            if self.peek() == "}":
                self._at += 1
                return
            self._expect(",")

    def skip(self) -> None:
        """Pass over the next value by its brackets, however long or damaged it is.

        Raises:
            BrokenOff: There is no end to it.
        """
        depth = 0
        inside = False
        while True:
            pattern = _INSIDE if inside else _OUTSIDE
            found = pattern.match(self._buffer, self._at)
            if found is None:
                if not self._fill():
                    if depth or inside:
                        raise BrokenOff("it ends too early")
                    return
                continue
            token = found[0]
            if not inside and depth == 0 and token in {",", "]", "}"}:
                return
            self._at = found.end()
            if token == '"':
                inside = not inside
            elif not inside and token in {"[", "{"}:
                depth += 1
            elif not inside and token in {"]", "}"}:
                depth -= 1
            else:
                continue
            if depth == 0 and not inside:
                return

    def _expect(self, mark: str) -> None:
        found = self.peek()
        if found != mark:
            shown = repr(found) if found else "its end"
            raise BrokenOff(f"{mark!r} was expected, and {shown} came")
        self._at += 1

    def _fill(self) -> bool:
        """Read on; the more, the more is kept, so that a long value costs no square."""
        if self._ended:
            return False
        kept = len(self._buffer) - self._at
        data = self._file.read(max(_CHUNK, kept))
        self._ended = not data
        text = self._decode(data, self._ended)
        self._passed += self._at
        self._buffer = self._buffer[self._at :] + text
        self._at = 0
        return bool(text) or not self._ended


_TOKENS = re.compile(r'"((?:[^"\\]|\\.){0,200})"|[\[\]{}:,]|"')
_MOST_DEPTH = 12


def shape(text: str) -> frozenset[str]:
    """Where values stand in the beginning of a JSON text, as `messages[].from`.

    Strings are looked over, so that JSON quoted in a message is not taken for the format.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return frozenset()
    found: set[str] = set()
    path: list[str] = []
    waiting = ""
    position = 0
    while token := _TOKENS.search(text, position):
        position = token.end()
        match token[0]:
            case "{" | "[" as mark:
                step = waiting + ("[]" if mark == "[" else "")
                if len(path) > _MOST_DEPTH:
                    break
                path.append(step)
                waiting = ""
            case "]" | "}":
                if path:
                    path.pop()
                waiting = ""
            case ",":
                waiting = ""
            case ":":
                pass
            case '"':  # a long string, or one that the head cuts off
                end = _end_of_string(text, position)
                if end is None:
                    break
                position = end
            case _:
                if _COLON.match(text, position):
                    waiting = ("." if path and "".join(path) else "") + token[1]
                    found.add("".join(path) + waiting)
    return frozenset(found)


_COLON = re.compile(r"\s*:")
_REST = re.compile(r'[^"\\]+|\\.|(")', re.DOTALL)


def _end_of_string(text: str, position: int) -> int | None:
    while part := _REST.match(text, position):
        position = part.end()
        if part[1]:
            return position
    return None
