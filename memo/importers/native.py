"""memo's own format: JSON lines, one message each (contract.md).

A first pass checks every line and keeps only when and where it stands, so that memory grows by
some bytes a message, not by its text; a second reads each document's lines in time order. Lines
that `memo export` wrote name their document, and become it again.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO

from memo.errors import UsageProblem
from memo.importers.base import OneFile, Reading, Skipped, cut, short_hash, storable
from memo.importers.jsonstream import BadValue, parsed
from memo.importers.places import Places
from memo.importers.veiled import BLOCK, VeiledCopy
from memo.records import Document, Message, utc_text
from memo.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from memo.importers.files import File

LONGEST_LINE = 16 * 2**20
"""Bytes; a longer line is skipped unread, as it would have to be held whole."""
_LOOKED_AT = 50  # lines that may be damaged before the first good one shows the format
_IN_MEMORY = 4 * 2**20  # bytes of a file out of an archive; more goes to a veiled file


class NativeImporter(OneFile):
    """JSON lines with `text` and, optionally, `id`, `conversation`, `speaker` and `at`."""

    name = "native"

    def identify(self, file: File) -> bool:
        """Whether one of its first lines is an object with a `text`, as no other format's are."""
        return any(
            isinstance(found.get("text"), str) and found.keys().isdisjoint(_OTHERS)
            for found in map(_object, islice(file.head.split(b"\n"), _LOOKED_AT))
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """Documents in the order in which they ended, after the lines that cannot be read."""
        for file in files:
            with _seekable(file) as stream:
                yield from self._read(file, stream, reading)

    def _read(self, file: File, stream: BinaryIO, reading: Reading) -> Iterator[Document | Skipped]:
        conversations, exported = Places(), Places()
        for line in _lines(stream):
            try:
                said = _said(line, file, reading)
            except _LineError as problem:
                yield Skipped(f"{file.where}:{line.number}", str(problem))
                continue
            at = said.message.at.timestamp()
            if said.document is None:
                conversations.add(said.conversation, at, said.id, line.number, line.offset)
            else:
                exported.add(str(said.document), at, "", line.number, line.offset)
        repeated = conversations.repeated()
        for index, first in repeated.items():
            where = f"{file.where}:{conversations.line[index]}"
            yield Skipped(where, f"repeats the id of line {conversations.line[first]}")
        for stretch in conversations.stretches(repeated):
            yield from self._documents(
                _again(stream, file, conversations, stretch, reading), reading
            )
        for document in exported.groups():
            yield from self._exported(_again(stream, file, exported, document, reading))

    def _documents(
        self, again: Iterator[_Said | Skipped], reading: Reading
    ) -> Iterator[Document | Skipped]:
        """The documents of one stretch of a conversation."""
        changed: list[Skipped] = []
        said = _good(again, changed)
        if (first := next(said, None)) is not None:
            key = f"{first.conversation}/{first.id or first.hash}"
            messages = (one.message for one in chain([first], said))
            for index, chunk in enumerate(cut(messages, reading.count_tokens, reading.budget)):
                yield Document(
                    source=self.name,
                    key=f"{key}+{index}" if index else key,
                    messages=chunk.messages,
                    title=first.title,
                    records=chunk.records,
                    thread=f"{first.conversation}/",
                )
        yield from changed

    def _exported(self, again: Iterator[_Said | Skipped]) -> Iterator[Document | Skipped]:
        """A document as it was when it was exported."""
        changed: list[Skipped] = []
        if said := list(_good(again, changed)):
            messages = tuple(one.message for one in said)
            first = said[0]
            yield Document(first.source or self.name, first.key, messages, first.title, len(said))
        yield from changed


def _good(found: Iterable[_Said | Skipped], others: list[Skipped]) -> Iterator[_Said]:
    """The good lines among what was found; the others are noted."""
    for one in found:
        if isinstance(one, Skipped):
            others.append(one)
        else:
            yield one


_OTHERS = {"conversation_id", "messages", "author", "sender", "from", "type", "name", "guid"}
"""Fields of messages in other programs' JSON lines, and in no one's who writes for memo."""


def _seekable(file: File) -> BinaryIO:
    """The file, or a copy of what can only be read forward at any speed."""
    stream = file.open()
    if stream.seekable() and hasattr(stream, "fileno") and not hasattr(stream, "peek_zip"):
        try:
            stream.fileno()
        except OSError:
            pass
        else:
            return stream
    with stream:
        begun = stream.read(_IN_MEMORY + 1)
        if len(begun) <= _IN_MEMORY:
            return io.BytesIO(begun)
        return io.BufferedReader(VeiledCopy(begun, stream), BLOCK)


def _again(
    stream: BinaryIO, file: File, places: Places, some: Iterable[int], reading: Reading
) -> Iterator[_Said | Skipped]:
    """What stands at some of the places."""
    for index in some:
        number, offset = places.line[index], places.offset[index]
        stream.seek(offset)
        line = _Line(number, offset, stream.readline(LONGEST_LINE))
        try:
            yield _said(line, file, reading)
        except _LineError as problem:
            yield Skipped(f"{file.where}:{number}", f"changed while being read: {problem}")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is not blank."""

    number: int
    offset: int
    data: bytes | None
    """None where it is longer than can be read."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A good line."""

    id: str
    conversation: str
    title: str
    message: Message
    document: int | None = None
    """Which document of an export it belongs to, with that document's source and key."""
    source: str = ""
    key: str = ""

    @property
    def hash(self) -> str:
        """Stands for a message without an id."""
        message = self.message
        return short_hash(message.speaker or "", message.text, utc_text(message.at))


class _LineError(ValueError):
    """A line that cannot become a message, and why."""


def _lines(file: BinaryIO) -> Iterator[_Line]:
    """The lines that are not blank, numbered from 1; leaves the file at its end."""
    number = offset = 0
    while data := file.readline(LONGEST_LINE):
        number += 1
        start, offset = offset, offset + len(data)
        if len(data) == LONGEST_LINE and not data.endswith(b"\n"):
            while rest := file.readline(LONGEST_LINE):
                offset += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield _Line(number, start, None)
        elif _unmarked(data).strip():
            yield _Line(number, start, data)


def _unmarked(data: bytes) -> bytes:
    """The line without the byte order mark that some editors put before the first."""
    return data.removeprefix(b"\xef\xbb\xbf")


def _object(data: bytes) -> dict[str, object]:
    """The JSON object of a line, or an empty one where there is none."""
    try:
        return _parsed(data)
    except _LineError:
        return {}


def _parsed(data: bytes) -> dict[str, object]:
    """The JSON object of a line; invalid UTF-8 in it becomes U+FFFD."""
    try:
        value = parsed(_unmarked(data).decode("utf-8", errors="replace"))
    except BadValue as error:
        raise _LineError(str(error)) from error
    if not isinstance(value, dict):
        raise _LineError("not a JSON object")
    return value


def _said(line: _Line, file: File, reading: Reading) -> _Said:
    """What a line says.

    Raises:
        _LineError: It says nothing that could be kept, or not when.
    """
    if line.data is None:
        raise _LineError(f"longer than {LONGEST_LINE} bytes")
    value = _parsed(line.data)
    if "text" not in value:
        raise _LineError("has no text")
    if not isinstance(value["text"], str):
        raise _LineError("its text is not a string")
    text = storable(value["text"])
    if not text.strip():
        raise _LineError("its text is blank")
    conversation = _name(value, "conversation")
    document = value.get("document")
    exported = isinstance(document, int) and not isinstance(document, bool)
    speaker = _name(value, "speaker")
    return _Said(
        id=_name(value, "id"),
        conversation=conversation or file.key,
        title=_name(value, "title") if exported else conversation or file.stem,
        message=Message(
            text,
            _when(value.get("at"), reading),
            speaker or (None if exported else reading.me),
            value.get("context") is True,
        ),
        document=document if isinstance(document, int) and exported else None,
        source=_name(value, "source"),
        key=_name(value, "key"),
    )


def _name(value: dict[str, object], field: str) -> str:
    """A short field as text; "" where it is absent. Numbers are names too, 0 included."""
    found = value.get(field)
    if found is None:
        return ""
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str):
        raise _LineError(f"its {field} is not a string")
    return storable(found).strip()


def _when(found: object, reading: Reading) -> datetime:
    """A message's time."""
    if found is None:
        if reading.at is None:
            raise _LineError("has no time; give one with --at")
        return reading.at
    if not isinstance(found, str):
        raise _LineError("its at is not a string such as 2024-06-01T18:30:00+02:00")
    try:
        return parse_time(found, reading.tz)
    except UsageProblem as problem:
        raise _LineError(str(problem)) from problem
