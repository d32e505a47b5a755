"""Verdicts: what memo makes of a fact it holds when it reads a document, against labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo import wording
from memo.certify.figures import Json, Rate
from memo.certify.probes import Outcome, fits
from memo.certify.throwaway import EARLIER, hold, read
from memo.errors import ContextOverflow
from memo.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memo.certify.probes import Pair
    from memo.memory import Memory
    from memo.records import ChangeSet, Fact, FactId


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one pair."""

    topic: str
    kind: str
    expected: Outcome
    found: Outcome
    right: bool
    """The outcome is the expected one and, where rewritten, the new value too."""
    told: bool | None
    """Whether the new value is known and held, whatever became of the old; None without one."""
    held: bool
    """Whether an edit of the fact waits for review."""
    edits: tuple[str, ...]
    evaluated_tokens: int
    completion_tokens: int
    seconds: float

    def json(self) -> Json:
        """For results."""
        return {
            "topic": self.topic,
            "kind": self.kind,
            "expected": self.expected.value,
            "found": self.found.value,
            "right": self.right,
            "told": self.told,
            "held": self.held,
            "edits": list(self.edits),
            "evaluated_tokens": self.evaluated_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": round(self.seconds, 2),
        }


def judge(pair: Pair, memory: Memory) -> Verdict:
    """Hold the fact in an empty memory, read the document, and look what became of the fact."""
    if pair.former is not None:
        hold(memory, pair.former, pair.at - 2 * EARLIER)
    for known in pair.also:
        hold(memory, known, pair.at - EARLIER)
    fact = hold(memory, pair.known, pair.at - EARLIER)
    try:
        change = read(memory, pair.id, pair.said)
    except ContextOverflow:
        change = None
    facts = {one.id: one for one in memory.each_fact(state=None)}
    found = outcome(facts, fact)
    told = _is_told(facts, fact, pair) if pair.to else None
    right = found is pair.becomes
    if pair.becomes is Outcome.REWRITTEN:  # ended, and the new value beside it, comes to the same
        right = found in {Outcome.REWRITTEN, Outcome.ENDED} and bool(told)
    return Verdict(
        pair.topic,
        pair.kind,
        pair.becomes,
        found,
        right,
        told,
        any(edit.fact == fact for edit in change.held) if change else False,
        _lines(change) if change else ("the document is too long for the model",),
        change.usage.evaluated_tokens if change else 0,
        change.usage.completion_tokens if change else 0,
        change.elapsed_s if change else 0.0,
    )


def outcome(facts: Mapping[FactId, Fact], id: FactId) -> Outcome:
    """What became of a fact; one replaced by the news that it is over has ended."""
    fact = facts[id]
    if fact.state is State.CURRENT:
        return Outcome.KEPT
    if fact.state is State.UNCERTAIN:
        return Outcome.UNCERTAIN
    successor = facts.get(fact.replaced_by) if fact.replaced_by is not None else None
    if successor is None or wording.ends_something(successor.text):
        return Outcome.ENDED
    return Outcome.REWRITTEN


def _is_told(facts: Mapping[FactId, Fact], id: FactId, pair: Pair) -> bool:
    return any(
        fits(fact.text, pair.to)
        for fact in facts.values()
        if fact.id != id and fact.state is not State.PAST
    )


def _lines(change: ChangeSet) -> tuple[str, ...]:
    """Every edit, applied or held, in a line."""
    return (
        *(f"{e.op} {e.text}" + (f" -> {e.new_text}" if e.new_text else "") for e in change.edits),
        *(f"held {e.op} {e.text} ({e.reason})" for e in change.held),
        *change.problems,
    )


def figures(results: Iterable[Json]) -> Json:
    """The figures of evaluation.md for verdicts, over what `Verdict.json` gave."""
    listed = list(results)
    kept = [one for one in listed if one["expected"] == Outcome.KEPT]
    ending = (Outcome.ENDED, Outcome.REWRITTEN)
    changed = [one for one in listed if one["expected"] in ending]
    return {
        "accuracy": _right(listed).json(),
        "false_retire": Rate.among(one["found"] in ending for one in kept).json(),
        "false_doubt": Rate.among(one["found"] == Outcome.UNCERTAIN for one in kept).json(),
        "missed_change": Rate.among(one["found"] == Outcome.KEPT for one in changed).json(),
        "held_for_review": Rate.among(bool(one["held"]) for one in changed).json(),
        "new_value": rewriting(listed).json(),
        "by_label": _by("expected", listed),
        "by_topic": _by("topic", listed),
        "by_kind": _by("kind", listed),
    }


def balanced(results: Sequence[Json]) -> tuple[Rate, Rate]:
    """Right among the facts that stay, and right among those that change."""
    return (
        _right(one for one in results if one["expected"] == Outcome.KEPT),
        _right(one for one in results if one["expected"] != Outcome.KEPT),
    )


def rewriting(results: Iterable[Json]) -> Rate:
    """Of the facts with a new value: how often that is known afterwards, and held."""
    return Rate.among(bool(one["told"]) for one in results if one["told"] is not None)


def _right(results: Iterable[Json]) -> Rate:
    return Rate.among(bool(one["right"]) for one in results)


def _by(key: str, results: Sequence[Json]) -> Json:
    names = sorted({str(one[key]) for one in results})
    return {name: _right(one for one in results if one[key] == name).json() for name in names}
