"""What a fact's events say of it: pure functions over the append-only log.

An event is effective when its change set is not undone, the event it happened
because of is effective, and the document it was held back from is not undone.
Only effective events are given to `standing`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from memo.records import (
    Add,
    Claim,
    DocumentId,
    Edit,
    Evidence,
    FactId,
    MakeFalse,
    MarkUncertain,
    Reinforce,
    Rewrite,
    State,
    from_utc_text,
    utc_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORGOTTEN = "[forgotten]"
"""Stands where forgotten words stood."""

_PINS = {"pinned": True, "unpinned": False}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log, as far as it bears on a fact's state."""

    id: int
    fact: FactId
    kind: str
    truth: bool | None
    at: str
    """ISO 8601 in UTC: the time from which it holds, as the source says."""
    document: DocumentId | None = None
    successor: FactId | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A fact's state with its interval."""

    state: State
    since: str
    until: str | None
    pinned: bool
    document: DocumentId | None
    """The first document that says so."""
    replaced_by: FactId | None


def standing(events: Iterable[Event]) -> Standing | None:
    """What one fact's effective events amount to; None where none ever made it true.

    The newest by (time, id) decides. A doubt neither interrupts an interval that
    is confirmed later nor revives what has ended.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.id))
    since: str | None = None
    until: str | None = None
    replaced_by: FactId | None = None
    state = State.CURRENT
    for event in ordered:
        if event.kind in _PINS:
            continue
        if event.truth:
            if since is None or state is State.PAST:
                since = event.at
            state, until, replaced_by = State.CURRENT, None, None
        elif since is not None:
            until = until or event.at
            if event.truth is False:
                replaced_by = replaced_by or event.successor
                state = State.PAST
            elif state is State.CURRENT:
                state = State.UNCERTAIN
    if since is None:
        return None
    by_id = sorted(ordered, key=lambda event: event.id)
    said = [event.document for event in by_id if event.truth and event.document is not None]
    pins = [_PINS[event.kind] for event in by_id if event.kind in _PINS]
    return Standing(
        state, since, until, pins[-1] if pins else False, said[0] if said else None, replaced_by
    )


def chained(previous: str, row: Mapping[str, object]) -> str:
    """The hash of a line of the log, which contains that of the line before it."""
    line = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((previous + line).encode()).hexdigest()


def edit_text(edit: Edit) -> str:
    """An edit as JSON, to be held until the person decides."""
    return json.dumps(asdict(edit), default=_json, ensure_ascii=False, sort_keys=True)


def edit_of(text: str) -> Edit:
    """The inverse of `edit_text`."""
    fields: dict[str, Any] = json.loads(text)
    kind = _EDITS[fields.pop("op")]
    for name in ("at", "superseded_at"):
        if fields.get(name):
            fields[name] = from_utc_text(fields[name])
    if fields.get("claim"):
        fields["claim"]["subjects"] = tuple(fields["claim"]["subjects"])
        fields["claim"] = Claim(**fields["claim"])
    if fields.get("evidence"):
        fields["evidence"] = Evidence(**fields["evidence"])
    return kind(**fields)


_EDITS: dict[str, type[Edit]] = {
    "add": Add,
    "reinforce": Reinforce,
    "make_false": MakeFalse,
    "rewrite": Rewrite,
    "uncertain": MarkUncertain,
}


def _json(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    raise TypeError(f"{type(value).__name__} is no part of an edit")


_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")


def without_sentences(text: str, quotes: Iterable[str]) -> tuple[str, list[str]]:
    """The text with every sentence that a quote touches replaced by `FORGOTTEN`, and those.

    A quote that cannot be found takes the whole text with it: too much is better
    than a trace.
    """
    sentences = _spans(text)
    struck: set[int] = set()
    for quote in quotes:
        places = _places(text, quote)
        if not places:
            return FORGOTTEN, [text]
        struck |= {
            number
            for number, (first, end) in enumerate(sentences)
            if any(first < last and start < end for start, last in places)
        }
    kept: list[str] = []
    at = 0
    for number, (first, end) in enumerate(sentences):
        kept.append(text[at:first])
        kept.append(FORGOTTEN if number in struck else text[first:end])
        at = end
    gone = [text[first:end] for number, (first, end) in enumerate(sentences) if number in struck]
    return "".join(kept) + text[at:], gone


def _spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence begins and ends."""
    spans = []
    at = 0
    for gap in _SENTENCE_END.finditer(text):
        spans.append((at, gap.start()))
        at = gap.end()
    return [*spans, (at, len(text))]


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [text[first:end] for first, end in _spans(text)]


def squashed(text: str) -> str:
    """Text as it is compared: case and white space do not matter."""
    return " ".join(text.casefold().split())


def mentions(text: str, words: str) -> bool:
    """Whether the words occur in a text as whole words; case does not matter."""
    return bool(_places(text, words, whole=True))


def _places(text: str, words: str, *, whole: bool = False) -> list[tuple[int, int]]:
    """Where words occur, as whole words if they do so anywhere; case does not matter."""
    sought = r"\s+".join(re.escape(word) for word in words.split())
    if not sought:
        return []
    found = [m.span() for m in re.finditer(rf"(?<!\w){sought}(?!\w)", text, re.IGNORECASE)]
    if found or whole:
        return found
    return [m.span() for m in re.finditer(sought, text, re.IGNORECASE)]
