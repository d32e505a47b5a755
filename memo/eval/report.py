"""What a run came to: figures by method and group, with the baselines that cost nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from memo.eval.cases import DOWNSTREAM, STATED
from memo.eval.score import Reply, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memo.eval.cases import Asked, Case
    from memo.eval.journal import Record

SPLITS: dict[str, Callable[[Record], bool]] = {
    "0": lambda r: r["updates"] == 0,
    "1": lambda r: r["updates"] == 1,
    "2+": lambda r: r["updates"] >= 2,
    STATED: lambda r: r["updates"] > 0 and r["change"] == STATED,
    DOWNSTREAM: lambda r: r["updates"] > 0 and r["change"] == DOWNSTREAM,
    "all": lambda _: True,
}
"""How accuracy is split: by updates of the answer so far, and by how the last came about."""
Figures = dict[str, Any]
"""What is known of one method in one group."""
BASELINES = ("chance", "newest", "first")
_DASH = "-"

_COUNTED = ("calls", "prompt_tokens", "evaluated_tokens", "completion_tokens", "elapsed_s")


def counts(record: Record) -> bool:
    """Whether an answer counts towards accuracy.

    What was never told is judged apart, and where a prompt did not fit there is no answer.
    """
    return bool(record["accepted"] or record["updates"]) and record.get("fits", True)


@dataclass(frozen=True, slots=True)
class Share:
    """A mean over cases of the share in each."""

    mean: float
    error: float | None
    """Standard error over cases; None of a single one."""
    cases: int
    answers: int


def share(answers: Sequence[Record], value: Callable[[Record], float]) -> Share | None:
    """The mean over cases of the mean of a value in each; None of no answers."""
    by_case: dict[str, list[float]] = {}
    for record in answers:
        by_case.setdefault(record["case"], []).append(value(record))
    means = [mean(values) for values in by_case.values()]
    if not means:
        return None
    error = stdev(means) / len(means) ** 0.5 if len(means) > 1 else None
    return Share(mean(means), error, len(means), len(answers))


def summary(records: Sequence[Record], cases: Sequence[Case]) -> dict[str, Any]:
    """Everything about a run, as its JSON file holds it."""
    answers = [record for record in records if record["is"] == "answer"]
    reads = [record for record in records if record["is"] == "read"]
    found = answers + list(_baselines(cases))
    pairs = dict.fromkeys((record["method"], record["group"]) for record in [*found, *reads])
    return {
        "run": {key: value for key, value in records[0].items() if key != "is"},
        "figures": [
            _figures(
                method,
                group,
                [r for r in found if (r["method"], r["group"]) == (method, group)],
                [r for r in reads if (r["method"], r["group"]) == (method, group)],
            )
            for method, group in pairs
        ],
        "verdicts": answers,
        "readings": [{k: v for k, v in record.items() if k != "kept"} for record in reads],
    }


def _figures(method: str, group: str, answers: list[Record], reads: list[Record]) -> Figures:
    changed = [r for r in answers if r["updates"]]
    empty = [r for r in answers if not r["accepted"]]
    told = [r for r in answers if r["accepted"]]
    kept = sum(r["facts_to_keep"] for r in reads)
    wrong = sum(len(r["falsely_retired"]) for r in reads)
    found: dict[str, Any] = {
        "method": method,
        "group": group,
        "accuracy": {
            split: _plain(share([r for r in answers if counts(r) and among(r)], _right))
            for split, among in SPLITS.items()
        },
    }
    if method in BASELINES:
        return found
    return found | {
        "overlap": _plain(share(answers, lambda r: r["overlap"])),
        "stale_leak": _plain(share(changed, lambda r: float(r["stale"]))),
        "false_retire": {"retired": wrong, "kept_by_truth": kept, "rate": _ratio(wrong, kept)},
        "refused_unanswerable": _plain(share(empty, lambda r: float(r["right"]))),
        "refused_answerable": _plain(share(told, lambda r: float(r["abstained"]))),
        "did_not_fit": sum(not r["fits"] for r in answers),
        "a_document": _costs(reads),
        "a_question": _costs(answers),
        "tokens_an_answer": round((_tokens(reads) + _tokens(answers)) / max(len(answers), 1), 1),
    }


def _right(record: Record) -> float:
    return float(record["right"])


def _plain(found: Share | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(found).items()}


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _costs(records: Sequence[Record]) -> dict[str, float] | None:
    """Means; None of nothing."""
    if not records:
        return None
    return {name: round(mean(r[name] for r in records), 2) for name in _COUNTED}


def _tokens(records: Sequence[Record]) -> int:
    return sum(r["evaluated_tokens"] + r["completion_tokens"] for r in records)


def _baselines(cases: Sequence[Case]) -> Iterator[Record]:
    """What answers would be worth that cost nothing."""
    for case in cases:
        for ask in case.asks:
            for asked in ask.questions:
                base = {
                    "is": "answer",
                    "case": case.id,
                    "group": asked.group or case.group,
                    "updates": asked.updates,
                    "change": asked.change,
                    "accepted": list(asked.accepted),
                }
                yield {
                    **base,
                    "method": "chance",
                    "right": asked.chance if asked.answerable else 0.0,
                }
                yield {**base, "method": "newest", "right": _would_be_right(asked, asked.newest)}
                yield {**base, "method": "first", "right": _would_be_right(asked, asked.first)}


def _would_be_right(asked: Asked, values: tuple[str, ...]) -> bool:
    said = Reply(values[0] if values else "", values, abstained=not values)
    return marked(asked, said).right


def tables(figures: Sequence[Figures]) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Headings and rows: accuracies in percent, failures of each kind, and costs."""
    groups = list(dict.fromkeys(one["group"] for one in figures))
    ordered = sorted(figures, key=lambda one: groups.index(one["group"]))
    measured = [one for one in ordered if one["method"] not in BASELINES]
    yield (
        ("right, %", "method", "0 updates", "1", "2+", STATED, DOWNSTREAM, "all"),
        [(*_named(one), *(percent(one["accuracy"][split]) for split in SPLITS)) for one in ordered],
    )
    yield (
        (
            "failed, %",
            "method",
            "stale",
            "false retire",
            "refused",
            "wrongly",
            "in part",
            "did not fit",
        ),
        [
            (
                *_named(one),
                percent(one["stale_leak"]),
                _rate(one["false_retire"]),
                percent(one["refused_unanswerable"]),
                percent(one["refused_answerable"]),
                percent(one["overlap"]),
                str(one["did_not_fit"] or _DASH),
            )
            for one in measured
        ],
    )
    yield (
        ("cost", "method", "of", "prompt", "evaluated", "generated", "calls", "seconds"),
        [
            (*_named(one), what.replace("_", " "), *_cost_cells(one[what]))
            for one in measured
            for what in ("a_document", "a_question")
            if one[what] is not None
        ],
    )


def _named(one: Figures) -> tuple[str, str]:
    return one["group"], one["method"]


def _cost_cells(costs: dict[str, float]) -> Iterator[str]:
    yield from (f"{costs[name]:.0f}" for name in _COUNTED[1:4])
    yield f"{costs['calls']:.1f}"
    yield f"{costs['elapsed_s']:.1f}"


def percent(found: dict[str, Any] | None) -> str:
    """`65.3 ± 2.1`, or a dash of nothing."""
    if found is None:
        return _DASH
    error = found["error"]
    return f"{100 * found['mean']:.1f}" + ("" if error is None else f" ± {100 * error:.1f}")


def _rate(found: dict[str, Any] | None) -> str:
    if found is None or found["rate"] is None:
        return _DASH
    return f"{100 * found['rate']:.1f}"
