"""From what an export holds to documents: order, speakers, missing times, keys and cutting.

An importer yields conversations, each with its messages in whatever order the file has them. They
are laid aside on disk when they are many, so that memory grows by some bytes a message, put into
time order, and cut at silences and at the token budget.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from memo.importers.base import Skipped, Stretch, cut, short_hash, storable
from memo.importers.shelf import Aside
from memo.records import Document, Message, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memo.importers.base import Reading
    from memo.importers.files import File

_MOST_SPEAKERS = 5_000  # counted; a person is not found among more
_UNTIMED = (
    "messages without a time of their own take that of what stands before, of --at, or of the "
    "file's last change."
)
_FEW = 2  # in a chat of two a person is missed; in a group they may have kept silent


class Said(NamedTuple):
    """One message as an export has it."""

    text: str
    at: datetime | None = None
    """None where the export does not say, or says what cannot be."""
    speaker: str | None = None
    """As the export names them."""
    id: str = ""
    """Stable within the conversation; "" where the format has none."""
    mine: bool = False
    """The export itself says that the person wrote it."""
    context: bool = False
    """An assistant's words, a forward: nobody's claim about themselves."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages that belong together."""

    id: str
    """Stable within the source, so that next month's export is recognised."""
    title: str
    said: Iterable[Said | Skipped]
    since: datetime | None = None
    """For messages at its beginning that carry no time."""
    within: str = ""
    """What it is a part of, where a message can move from one part to another."""


_Kept = tuple[str, str | None, str, bool, bool]
"""A message without its time, which is its number."""


def _again(kept: tuple[float, _Kept]) -> Said:
    at, (text, speaker, id_, mine, context) = kept
    return Said(text, datetime.fromtimestamp(at, UTC), speaker, id_, mine, context)


@dataclass(slots=True)
class _Heard:
    """What went through while a conversation was laid aside."""

    speakers: Counter[str] = field(default_factory=Counter)
    mine: bool = False
    untimed: int = 0


def documents(
    source: str,
    file: File,
    conversations: Iterable[Conversation | Skipped],
    reading: Reading,
) -> Iterator[Document | Skipped]:
    """The documents of conversations, one conversation after the other."""
    for one in conversations:
        if isinstance(one, Skipped):
            yield one
        else:
            yield from _documents(source, file, one, reading)


def _documents(
    source: str, file: File, conversation: Conversation, reading: Reading
) -> Iterator[Document | Skipped]:
    heard = _Heard()
    with Aside[_Kept]() as aside:
        for one in _timed(file, conversation, heard, reading):
            if isinstance(one, Skipped):
                yield one
            else:
                at, said = one
                kept = (said.text, said.speaker, said.id, said.mine, said.context)
                aside.keep(at, kept, len(said.text))
        if heard.untimed:
            where = f"{file.where}, “{conversation.title}”"
            reading.guessed(where, _UNTIMED)
        me = _me(source, conversation.title, heard, reading)
        thread = storable(conversation.id).replace("\n", " ") + "/"
        within = storable(conversation.within).replace("\n", " ") + "/"
        within = within if conversation.within else thread
        title = storable(conversation.title).strip()
        stretch = Stretch[Said](lambda said: said.at)  # type: ignore[arg-type,return-value]
        for _, group in groupby(map(_again, aside.in_order()), stretch):
            first = next(group)
            key = thread + (first.id or _hash(first))
            messages = _messages(first, group, me, reading)  # noqa: B031  # the rest of the group
            chunks = cut(messages, reading.count_tokens, reading.budget)
            for index, chunk in enumerate(chunks):
                yield Document(
                    source=source,
                    key=f"{key}+{index}" if index else key,
                    messages=chunk.messages,
                    title=title,
                    records=chunk.records,
                    thread=within,
                )


def _timed(
    file: File, conversation: Conversation, heard: _Heard, reading: Reading
) -> Iterator[tuple[float, Said] | Skipped]:
    """Messages fit to be kept: with words, with a time, each once."""
    seen: set[int] = set()
    last = conversation.since
    for one in conversation.said:
        if isinstance(one, Skipped):
            yield one
            continue
        text = storable(one.text)
        if not text.strip():
            yield Skipped(_where(file, conversation, one), "holds no words", routine=True)
            continue
        if one.id:
            mark = hash(one.id)
            if mark in seen:
                where = _where(file, conversation, one)
                yield Skipped(where, "repeats the id of one before", routine=True)
                continue
            seen.add(mark)
        at = one.at or last or reading.at or file.modified
        if at is None:
            where = _where(file, conversation, one)
            yield Skipped(where, "has no time; give one with --at")
            continue
        heard.untimed += one.at is None
        last = at = at.astimezone(UTC)
        speaker = storable(one.speaker).strip() if one.speaker else None
        heard.mine |= one.mine
        if speaker and not one.mine and not one.context and len(heard.speakers) < _MOST_SPEAKERS:
            heard.speakers[speaker] += 1
        kept = Said(text, at, speaker, storable(one.id), one.mine, one.context)
        yield at.timestamp(), kept


def _where(file: File, conversation: Conversation, said: Said) -> str:
    """How a message is called where it is left out."""
    where = f"{file.where}, “{conversation.title}”"
    return f"{where}, message {said.id}" if said.id else where


def _me(source: str, title: str, heard: _Heard, reading: Reading) -> str | None:
    """What the person is called in this conversation; None where that is not known."""
    if heard.mine or not heard.speakers:
        return reading.me
    names = [name for name, _ in heard.speakers.most_common()]
    if found := _named(reading.me, names):
        return found
    wanted = reading.who(source, names) or reading.me
    if wanted is None:
        return None
    found = _named(wanted, names)
    if found is None and len(names) <= _FEW:
        others = " and ".join(names)
        reading.guessed(
            f"“{title}”, where {others} speak",
            f"nobody is called {wanted} there, so all of it is context; see --me.",
        )
    return found or wanted


def _named(wanted: str | None, names: Iterable[str]) -> str | None:
    """The speaker of that name, in whatever case."""
    if wanted is None:
        return None
    return next((name for name in names if name.casefold() == wanted.casefold()), None)


def _messages(
    first: Said, others: Iterable[Said], me: str | None, reading: Reading
) -> Iterator[Message]:
    yield _message(first, me, reading)
    for one in others:
        yield _message(one, me, reading)


def _message(said: Said, me: str | None, reading: Reading) -> Message:
    """With its speaker; what others say is context where it is known who the person is."""
    speaker = reading.me if said.mine and reading.me else said.speaker
    others = not said.mine and me is not None and said.speaker not in {me, None}
    assert said.at is not None  # `_timed` saw to it
    return Message(
        said.text,
        said.at,
        speaker or (reading.me if not said.context else None),
        said.context or (others and not reading.everyone),
    )


def _hash(said: Said) -> str:
    """Stands for a message without an id."""
    assert said.at is not None
    return short_hash(said.speaker or "", said.text, utc_text(said.at))
