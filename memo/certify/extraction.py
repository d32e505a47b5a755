"""Extraction: which facts memo takes from a few messages, against labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.certify.figures import Json, Rate
from memo.certify.probes import fits
from memo.certify.throwaway import read
from memo.errors import ContextOverflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memo.certify.probes import Snippet
    from memo.memory import Memory
    from memo.records import Message, Usage


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was taken from some messages."""

    facts: tuple[str, ...]
    usage: Usage | None
    """None where they were too long for the model."""
    seconds: float

    def json(self) -> Json:
        """What results of all kinds have in common."""
        return {
            "facts": list(self.facts),
            "evaluated_tokens": self.usage.evaluated_tokens if self.usage else 0,
            "completion_tokens": self.usage.completion_tokens if self.usage else 0,
            "seconds": round(self.seconds, 2),
        }


def extracted(name: str, said: Sequence[Message], memory: Memory) -> Extracted:
    """Read some messages into an empty memory, and look what it knows then."""
    try:
        change = read(memory, name, said)
    except ContextOverflow:
        return Extracted((), None, 0.0)
    facts = sorted(memory.each_fact(state=None), key=lambda fact: fact.id)
    return Extracted(tuple(fact.text for fact in facts), change.usage, change.elapsed_s)


def snippet_result(snippet: Snippet, found: Extracted) -> Json:
    """Which of a snippet's facts were found, and which that are not in it."""
    return {
        "found": [any(fits(fact, one.match) for fact in found.facts) for one in snippet.facts],
        "wrong": [any(fits(fact, one.match) for fact in found.facts) for one in snippet.never],
        "labelled": [any(fits(fact, one.match) for one in snippet.facts) for fact in found.facts],
        **found.json(),
    }


def found_and_avoided(results: Iterable[Json]) -> tuple[Rate, Rate]:
    """Facts found of those there are; wrong facts avoided of those to be feared."""
    listed = list(results)
    return (
        Rate.among(mark for one in listed for mark in _marks(one, "found")),
        Rate.among(not mark for one in listed for mark in _marks(one, "wrong")),
    )


def figures(results: Iterable[Json]) -> Json:
    """Recall, traps avoided, and how many of the facts taken are among the labels."""
    listed = list(results)
    recall, avoided = found_and_avoided(listed)
    taken = Rate.among(mark for one in listed for mark in _marks(one, "labelled"))
    return {"recall": recall.json(), "avoided": avoided.json(), "labelled": taken.json()}


def _marks(result: Json, key: str) -> list[bool]:
    marks = result[key]
    assert isinstance(marks, list)
    return marks
