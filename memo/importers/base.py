"""What every importer shares: the protocol, skipped records, and cutting into documents."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Protocol, TypeVar

from memo.records import Document, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SILENCE = timedelta(hours=8)
"""A conversation pausing this long has ended a document (contract.md)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that could not be read; the rest of its file is not affected."""

    where: str
    """`file:line`, or the file where it has no lines to speak of."""
    reason: str


def _unheard(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person and the model tell an importer about how to read."""

    count_tokens: Callable[[str], int]
    budget: int
    """The most tokens one document may take."""
    at: datetime | None = None
    """When things were said that carry no time of their own."""
    tz: tzinfo | None = None
    """The zone of times written without one; None is this machine's."""
    me: str | None = None
    """Who speaks where the source does not say."""
    warn: Callable[[str], None] = _unheard
    """Receives a sentence about each guess that the person may want to know of."""


class Importer(Protocol):
    """Reads one format; one file, one sample, one golden each."""

    @property
    def name(self) -> str:
        """What `--format` calls it, and the source of its documents."""
        ...

    def identify(self, path: Path) -> bool:
        """Whether the file is of this format, judged by its content."""
        ...

    def read(self, path: Path, reading: Reading) -> Iterator[Document | Skipped]:
        """Every document, and every record that could not become part of one.

        The documents' `records` and the number skipped add up to what the file holds.
        """
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages that fit one document together."""

    messages: tuple[Message, ...]
    records: int
    """How many messages begin here: the later pieces of a long one do not count again."""


def stretches(items: Iterable[T], at: Callable[[T], datetime]) -> Iterator[list[T]]:
    """Cut what is in time order wherever `SILENCE` passes between two neighbours."""
    stretch: list[T] = []
    for item in items:
        if stretch and at(item) - at(stretch[-1]) >= SILENCE:
            yield stretch
            stretch = []
        stretch.append(item)
    if stretch:
        yield stretch


def cut(
    messages: Iterable[Message], count_tokens: Callable[[str], int], budget: int
) -> Iterator[Chunk]:
    """Fill chunks of at most `budget` tokens, each message whole unless it exceeds one.

    Filled from the front, so that what is appended later leaves full chunks as they are.
    """
    chunk: list[Message] = []
    records = used = 0
    for message in messages:
        name_tokens = count_tokens(f"{message.speaker}: ") if message.speaker else 0
        begins = 1
        for part in split_text(message.text, count_tokens, budget - name_tokens):
            if not part.strip():
                continue
            tokens = name_tokens + count_tokens(part)
            if chunk and used + tokens > budget:
                yield Chunk(tuple(chunk), records)
                chunk, records, used = [], 0, 0
            chunk.append(replace(message, text=part))
            records += begins
            used += tokens
            begins = 0
    if chunk:
        yield Chunk(tuple(chunk), records)


_CHARS_PER_TOKEN = 4  # English with Qwen's tokenizer; only a first guess at where to cut
_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (r"\n\s*\n", r"[.!?…]['\")\]]*\s|[。！？]", r"\n", r"\s")  # noqa: RUF001
)


def split_text(text: str, count_tokens: Callable[[str], int], budget: int) -> Iterator[str]:
    """Pieces of at most `budget` tokens which joined are the text, to the character.

    They end at a paragraph, sentence, line or word where the second half of a piece has one.
    """
    start = 0
    while start < len(text):
        size = max(budget, 1) * _CHARS_PER_TOKEN
        while True:
            end = _boundary(text, start, min(start + size, len(text)))
            tokens = count_tokens(text[start:end])
            if tokens <= budget or end - start == 1:
                break
            # A little below the proportion, as a boundary may lie anywhere before it.
            size = max(1, min((end - start) * max(budget, 1) * 9 // (tokens * 10), end - start - 1))
        yield text[start:end]
        start = end


def _boundary(text: str, start: int, limit: int) -> int:
    """The best place in (start, limit] to end a piece."""
    if limit == len(text):
        return limit
    half = start + (limit - start) // 2
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, half, limit)]
        if ends and ends[-1] > start:
            return ends[-1]
    return limit


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with U+FFFD for NUL and lone surrogates, which SQLite or UTF-8 cannot hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def decoded(data: bytes) -> str:
    """Text of a file: UTF-8, or UTF-16 by its mark; what is invalid becomes U+FFFD."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return storable(data.decode(encoding, errors="replace"))


def short_hash(*parts: str) -> str:
    """Sixteen hexadecimal digits that stand for some text."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]


def modified(path: Path) -> datetime | None:
    """When the file was last changed, in UTC; None where its clock makes no sense."""
    try:
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OverflowError, ValueError):
        return None
    return when.replace(microsecond=0) if when.year > 1 else None


def file_documents(
    source: str, path: Path, title: str, messages: Iterable[Message], reading: Reading
) -> Iterator[Document | Skipped]:
    """The documents of a file that is one record, or the reason why there are none."""
    key = path.resolve().as_posix()
    empty = True
    for index, chunk in enumerate(cut(messages, reading.count_tokens, reading.budget)):
        empty = False
        yield Document(
            source=source,
            key=f"{key}+{index}" if index else key,
            messages=chunk.messages,
            title=title,
            records=0 if index else 1,
        )
    if empty:
        yield Skipped(str(path), "holds no text")
