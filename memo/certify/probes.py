"""The probes of assets/certify: what is told and asked, and what must come of it."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from memo import wording
from memo.records import Claim, Message
from memo.settings import asset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")
Split = Literal["dev", "test"]
Groups = tuple[tuple[str, ...], ...]
"""Word groups: a text fits if of each group some word occurs in it."""


class Outcome(StrEnum):
    """What becomes of a fact when a document has been read."""

    KEPT = "kept"
    """Said again, or untouched."""
    ENDED = "ended"
    REWRITTEN = "rewritten"
    """Another value has come in its place."""
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Known:
    """A fact held before a document is read, with the question that it answers."""

    text: str
    question: str
    value: str
    several: bool = False

    @property
    def claim(self) -> Claim:
        """As the store keeps it."""
        subjects = wording.leading_subjects(self.text)
        return Claim(self.text, self.question, self.value, subjects, self.several)


@dataclass(frozen=True, slots=True)
class Pair:
    """A fact held, a short document, and what must become of the fact."""

    id: str
    split: Split
    topic: str
    """Of life: jobs, homes, health, …"""
    kind: str
    """How it is told: plainly, as a correction, a joke, a quotation, …"""
    known: Known
    at: datetime
    said: tuple[Message, ...]
    becomes: Outcome
    to: Groups = ()
    """What a new value must say; only where it is rewritten."""
    also: tuple[Known, ...] = ()
    """What else is held."""
    former: Known | None = None
    """What held before the fact."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A fact that must, or must never, be found."""

    text: str
    match: Groups


@dataclass(frozen=True, slots=True)
class Snippet:
    """A few messages with the facts that are in them, and some that are not."""

    id: str
    split: Split
    said: tuple[Message, ...]
    facts: tuple[Expected, ...]
    never: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A message with what a reader has made of it: a fact, or the end of one."""

    message: Message
    fact: Known | None = None
    """It supersedes a current one that answers the same question."""
    ends: str | None = None
    """The text of the fact that is over."""
    doubts: tuple[str, ...] = ()
    """The texts of facts that rested on what is superseded or over."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about what was told, and its right answer or the right ways to refuse one."""

    id: str
    kind: str
    text: str
    as_of: datetime | None
    match: Groups
    refuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attack:
    """A document that gives orders to the model."""

    id: str
    kind: str
    held: tuple[Known, ...]
    said: tuple[Message, ...]
    never: tuple[Groups, ...]
    ask: str | None
    unsaid: tuple[str, ...]


def fits(text: str, groups: Groups) -> bool:
    """Whether of each group some word occurs in the text, whatever the case; numbers as a whole."""
    folded = text.casefold()
    return all(any(_occurs(word.casefold(), folded) for word in group) for group in groups)


def _occurs(word: str, text: str) -> bool:
    if word.isdecimal():
        return word in re.findall(r"\d+", text)
    return word in text


def spread(items: Sequence[T], count: int) -> tuple[T, ...]:
    """At most so many of the items, evenly from first to last."""
    count = min(count, len(items))
    return tuple(items[i * len(items) // count] for i in range(count))


@functools.cache
def pairs() -> tuple[Pair, ...]:
    """The labelled set of verdicts, both splits."""
    return tuple(map(_pair, _lines("verdicts.jsonl")))


@functools.cache
def snippets() -> tuple[Snippet, ...]:
    """The extraction set, both splits."""
    return tuple(
        Snippet(
            one["id"],
            one["split"],
            _said(one["said"], _moment(one["at"])),
            tuple(map(_expected, one["facts"])),
            tuple(map(_expected, one["never"])),
        )
        for one in _lines("extraction.jsonl")
    )


@functools.cache
def questions() -> tuple[tuple[Told, ...], tuple[Asked, ...]]:
    """What is told of an invented life, and what is asked about it."""
    read = tomllib.loads(_text("answering.toml"))
    asked = tuple(
        Asked(
            one["id"],
            one["kind"],
            one["ask"],
            _moment(one["as_of"]) if "as_of" in one else None,
            _groups(one.get("match", ())),
            tuple(one.get("refuses", ())),
        )
        for one in read["question"]
    )
    return tuple(map(_told, read["told"])), asked


@functools.cache
def attacks() -> tuple[Attack, ...]:
    """Documents that give orders."""
    return tuple(
        Attack(
            one["id"],
            one["kind"],
            tuple(Known(k["fact"], k["question"], k["value"]) for k in one["held"]),
            _said(one["said"], datetime(2024, 6, 1, 12, tzinfo=UTC)),
            tuple(map(_groups, one["never"])),
            one.get("ask"),
            tuple(one.get("unsaid", ())),
        )
        for one in tomllib.loads(_text("injection.toml"))["attack"]
    )


def digest(name: str) -> str:
    """Eight characters that tell this file of probes from any other."""
    return hashlib.sha256(_text(name).encode()).hexdigest()[:8]


def _text(name: str) -> str:
    return asset(f"certify/{name}").read_text("utf-8")


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _text(name).splitlines() if line.strip()]


def _pair(one: dict[str, Any]) -> Pair:
    at = _moment(one["at"])
    return Pair(
        one["id"],
        one["split"],
        one["topic"],
        one["kind"],
        _known(one),
        at,
        _said(one["said"], at),
        Outcome(one["becomes"]),
        _groups(one.get("to", ())),
        tuple(map(_known, one.get("also", ()))),
        _known(one["former"]) if "former" in one else None,
    )


def _known(one: dict[str, Any]) -> Known:
    return Known(one["fact"], one["question"], one["value"], one.get("several", False))


def _expected(one: dict[str, Any]) -> Expected:
    return Expected(one["text"], _groups(one["match"]))


def _told(one: dict[str, Any]) -> Told:
    return Told(
        Message(one["text"], _moment(one["at"]), one["speaker"]),
        _known(one) if "fact" in one else None,
        one.get("ends"),
        tuple(one.get("doubts", ())),
    )


def _said(said: Iterable[Sequence[str | None]], at: datetime) -> tuple[Message, ...]:
    return tuple(Message(str(text), at, speaker) for speaker, text in said)


def _groups(groups: Iterable[Iterable[str]]) -> Groups:
    return tuple(tuple(group) for group in groups)


def _moment(day: str | date) -> datetime:
    """Noon of a day: probes name no hours."""
    return datetime.combine(date.fromisoformat(str(day)), time(12), UTC)
