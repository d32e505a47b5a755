"""What every importer shares: the protocol, skipped records, and cutting into documents."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from memo.records import Document, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from memo.importers.files import File

SILENCE = timedelta(hours=8)
"""A conversation pausing this long has ended a document (contract.md)."""

LAST_CHANGE = "dated by the file's last change; --at gives another time."
"""What is said of a note in which no date was found."""

_LONGEST = 300  # characters of a message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that could not be read; the rest of its file is not affected."""

    where: str
    """`file:line`, or the file where it has no lines to speak of."""
    reason: str
    routine: bool = False
    """It holds nothing that memo takes: a system line, a sticker, a picture, a tool's output."""

    def shortened(self) -> Skipped:
        """With no more of the file's own words than a person wants to see."""
        where = self.where if len(self.where) <= _LONGEST else self.where[: _LONGEST - 1] + "…"
        reason = self.reason if len(self.reason) <= _LONGEST else self.reason[: _LONGEST - 1] + "…"
        return Skipped(where, reason, self.routine)


def _unheard(_: str) -> None:
    """Nobody listens."""


def _nobody(_source: str, _speakers: Sequence[str]) -> str | None:
    """Nobody can be asked."""
    return None


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
    who: Callable[[str, Sequence[str]], str | None] = _nobody
    """Which of the speakers of a source's chat the person is; asked where `me` is not given."""
    date_order: str | None = None
    """Such as `dmy`, where a file leaves open which number is the day."""
    everyone: bool = False
    """Take facts from what others say, too, where it is known who the person is."""
    guesses: dict[str, list[str]] = field(default_factory=dict)
    """Where each guess was made of which there may be thousands, by what is said of it."""

    def guessed(self, where: str, sentence: str) -> None:
        """Note a guess that is told once, however many files or chats it was made for."""
        self.guesses.setdefault(sentence, []).append(where)

    def tell_guesses(self) -> None:
        """Warn of those noted so far."""
        for sentence, places in self.guesses.items():
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            self.warn(f"{places[0]}{more}: {sentence}")
        self.guesses.clear()


class Importer(Protocol):
    """Reads one format; one file, one sample, one golden each."""

    @property
    def name(self) -> str:
        """What `--format` calls it, and the source of its documents."""
        ...

    def identify(self, file: File) -> bool:
        """Whether the file is of this format, judged by its content."""
        ...

    def bundle(self, file: File) -> str:
        """What files that hold parts of one conversation have in common; else the name."""
        ...

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """Every document of one bundle, and every record that could not become part of one.

        The documents' `records` and the number skipped add up to what the files hold.
        """
        ...


class OneFile:
    """Files of a format in which each stands for itself."""

    def bundle(self, file: File) -> str:
        """The file's name: no two files belong together."""
        return file.name


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages that fit one document together."""

    messages: tuple[Message, ...]
    records: int
    """How many messages begin here: the later pieces of a long one do not count again."""


class Stretch(Generic[T]):
    """Numbers the stretch of each item, in time order."""

    def __init__(self, at: Callable[[T], datetime]) -> None:
        self._at = at
        self._last: datetime | None = None
        self._number = 0

    def __call__(self, item: T) -> int:
        """The number; it grows where `SILENCE` has passed."""
        when = self._at(item)
        if self._last is not None and when - self._last >= SILENCE:
            self._number += 1
        self._last = when
        return self._number


def cut(
    messages: Iterable[Message], count_tokens: Callable[[str], int], budget: int
) -> Iterator[Chunk]:
    """Fill chunks of at most `budget` tokens, each message whole unless it exceeds one.

    Filled from the front, so that what is appended later leaves full chunks as they are.
    """
    chunk: list[Message] = []
    records = used = 0
    signing = cache(lambda speaker: count_tokens(f"{speaker}: ") if speaker else 0)
    for message in messages:
        name_tokens = signing(message.speaker)
        tokens = name_tokens + count_tokens(message.text)
        parts: Iterable[str] = (message.text,)
        if tokens > budget:
            parts = split_text(message.text, count_tokens, budget - name_tokens)
        begins = 1
        for part in parts:
            if not part.strip():
                continue
            if part is not message.text:
                tokens = name_tokens + count_tokens(part)
            if chunk and used + tokens > budget:
                yield Chunk(tuple(chunk), records)
                chunk, records, used = [], 0, 0
            chunk.append(message if part is message.text else replace(message, text=part))
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
    return text if text.isprintable() else _UNSTORABLE.sub("\ufffd", text)


def decoded(data: bytes) -> str:
    """Text of a file: UTF-8, or UTF-16 by its mark; what is invalid becomes U+FFFD."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return storable(data.decode(encoding, errors="replace"))


def short_hash(*parts: str) -> str:
    """Sixteen hexadecimal digits that stand for some text."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]


def note_documents(
    source: str, file: File, title: str, messages: Iterable[Message], reading: Reading
) -> Iterator[Document | Skipped]:
    """The documents of a file that is one record, or the reason why there are none."""
    empty = True
    for index, chunk in enumerate(cut(messages, reading.count_tokens, reading.budget)):
        empty = False
        yield Document(
            source=source,
            key=f"{file.key}+{index}" if index else file.key,
            messages=chunk.messages,
            title=storable(title),
            records=0 if index else 1,
        )
    if empty:
        yield Skipped(file.where, "holds no text", routine=True)
