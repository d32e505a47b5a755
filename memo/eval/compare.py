"""Two runs question by question: what the difference is worth."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from random import Random
from statistics import mean
from typing import TYPE_CHECKING, Any

from memo.errors import MemoError, UsageProblem
from memo.eval.report import SPLITS, counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from memo.eval.journal import Record

RESAMPLED = 5000
CONFIDENCE = 0.95
_NEEDED = frozenset("case at question method group updates change accepted right".split())
"""What a verdict must hold to be compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the second is than the first, over the questions that both answered."""

    group: str
    split: str
    answers: int
    cases: int
    first: float
    second: float
    """Accuracy: means over cases, as in the runs' own tables."""
    difference: float
    low: float | None
    high: float | None
    """Bounds of the confidence interval from resampling cases; None where there is one."""
    only_first: int
    only_second: int
    """Questions that only one answered right."""


def load(path: Path) -> dict[str, Any]:
    """A run's JSON file.

    Raises:
        UsageProblem: It is none.
        MemoError: It cannot be read.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        complete = all(set(one) >= _NEEDED for one in found["verdicts"])
    except OSError as error:
        raise MemoError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        complete = False
    if not complete:
        raise UsageProblem(f"{path} is no result of `memo eval`; name its JSON file.")
    assert isinstance(found, dict)
    return found


def methods(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that a run has verdicts of."""
    return tuple(dict.fromkeys(one["method"] for one in run["verdicts"]))


def paired(
    one: Mapping[str, Any], other: Mapping[str, Any], first: str, second: str
) -> list[tuple[Record, Record]]:
    """The verdicts of two methods on the same questions.

    Raises:
        UsageProblem: There is no question that both were asked.
    """
    mine = {_key(r): r for r in one["verdicts"] if r["method"] == first}
    theirs = {_key(r): r for r in other["verdicts"] if r["method"] == second}
    both = [(mine[key], theirs[key]) for key in mine if key in theirs]
    if not both:
        raise UsageProblem(f"No question was asked of both {first} and {second} in these runs.")
    return both


def _key(record: Record) -> tuple[str, str, str]:
    return record["case"], record["at"], record["question"]


def differences(pairs: Sequence[tuple[Record, Record]]) -> Iterator[Difference]:
    """By group and split; the same pairs give the same intervals."""
    pairs = [pair for pair in pairs if all(map(counts, pair))]
    groups = dict.fromkeys(first["group"] for first, _ in pairs)
    for group in groups:
        for split, among in SPLITS.items():
            some = [pair for pair in pairs if pair[0]["group"] == group and among(pair[0])]
            if some:
                yield _difference(group, split, some)


def _difference(group: str, split: str, pairs: Sequence[tuple[Record, Record]]) -> Difference:
    by_case: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for first, second in pairs:
        by_case[first["case"]].append((first["right"], second["right"]))
    firsts = [mean(a for a, _ in case) for case in by_case.values()]
    seconds = [mean(b for _, b in case) for case in by_case.values()]
    gains = [b - a for a, b in zip(firsts, seconds, strict=True)]
    low, high = interval(gains) if len(gains) > 1 else (None, None)
    return Difference(
        group,
        split,
        len(pairs),
        len(by_case),
        mean(firsts),
        mean(seconds),
        mean(gains),
        low,
        high,
        sum(a["right"] and not b["right"] for a, b in pairs),
        sum(b["right"] and not a["right"] for a, b in pairs),
    )


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The bootstrap's percentile interval of a mean (Efron 1979)."""
    draw = Random(len(values))
    means = sorted(mean(draw.choices(values, k=len(values))) for _ in range(RESAMPLED))
    cut = round(RESAMPLED * (1 - CONFIDENCE) / 2)
    return means[cut], means[-cut - 1]


HEADINGS = ("group", "split", "answers", "A", "B", "B - A", "95% interval", "only A", "only B")


def rows(found: Sequence[Difference]) -> Iterator[tuple[str, ...]]:
    """A line a difference, in percentage points."""
    for one in found:
        bounds = "-" if one.low is None or one.high is None else _bounds(one.low, one.high)
        yield (
            one.group,
            one.split,
            str(one.answers),
            f"{100 * one.first:.1f}",
            f"{100 * one.second:.1f}",
            f"{100 * one.difference:+.1f}",
            bounds,
            str(one.only_first),
            str(one.only_second),
        )


def _bounds(low: float, high: float) -> str:
    return f"{100 * low:+.1f} to {100 * high:+.1f}"
