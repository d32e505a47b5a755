"""CLARK-News: dated spans of articles, and questions whose answers changed (Li et al. 2024).

Each document is its subject as a headline, then the span; relation and object are hidden. As news
is nearly a test of recency alone, of some subjects the last news is withheld: there the old answer
stays right (`control`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from memo.eval.cases import STATED, UNCHANGED, Ask, Asked, Case, Chunk
from memo.eval.data import MALFORMED, DataProblem, day, malformed, read_json
from memo.records import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

DOCUMENTS, QUESTIONS = "docs_dev.jsonl", "questions_dev.jsonl"
ASKED_ON = ("2021-12-22", "2022-08-31", "2023-01-29", "2023-07-31", "2023-11-21", "2024-04-19")
CONTROL = 0.3
"""Share of subjects of which the last news is withheld."""
NEWS, CONTROLLED = "news", "control"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    pairs: int
    """Subjects with their relation in one memory."""
    cases: int | None
    """How many memories; None for as many as there are pairs for."""
    an_ask: int
    """Most questions on one date, half of them changed."""


SIZES = {"full": Size(22, None, 40), "mini": Size(12, 4, 6), "nano": Size(4, 1, 4)}


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    known: datetime | None
    """From when on; None for ever."""
    outdated: datetime | None
    """Until when; None for ever."""


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    kind: str
    answers: tuple[_Answer, ...]

    def right(self, on: datetime) -> tuple[str, ...]:
        """The answers known to be right on a day."""
        return tuple(
            sorted(
                a.text
                for a in self.answers
                if (a.known is None or a.known <= on) and (a.outdated is None or a.outdated > on)
            )
        )

    def history(self, on: datetime) -> list[tuple[str, ...]]:
        """What was right from the first known answer until a day, each time that it changed."""
        days = sorted(
            {d for a in self.answers for d in (a.known, a.outdated) if d is not None and d <= on}
        )
        found: list[tuple[str, ...]] = []
        for one in [*([days[0] - timedelta(days=1)] if days else []), *days, on]:
            now = self.right(one)
            if now and (not found or now != found[-1]):
                found.append(now)
        return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """One subject in one relation."""

    documents: tuple[tuple[datetime, str], ...]
    questions: tuple[_Question, ...]
    until: datetime | None = None
    """The day before the first withheld document; None where none is."""


def cases(folder: Path, size: Size, seed: int) -> list[Case]:
    """The memories of a seed, which decides what lies together and what is withheld.

    Raises:
        DataProblem: The files are missing or of another shape.
    """
    found, name = read_json(folder, DOCUMENTS), DOCUMENTS
    try:
        grouped = defaultdict(list)
        for one in found:
            headline = f"{one['subject']}\n{one['text']}"
            entry = day(one["date"]), str(one["object"]), headline
            grouped[one["subject"], one["property"]].append(entry)
        found, name = read_json(folder, QUESTIONS), QUESTIONS
        asked = defaultdict(list)
        for one in found:
            asked[one["subject"], one["type"]].append(_read_question(one))
    except MALFORMED as error:
        raise malformed(folder, name, error) from error
    draw = Random(f"news {seed}")
    keys = sorted(set(grouped) & set(asked))
    if not keys:
        raise DataProblem(f"{folder} holds no question about a subject of its documents.")
    draw.shuffle(keys)
    pairs = [_pair(grouped[key], asked[key], draw.random() < CONTROL) for key in keys]
    batches = [pairs[n : n + size.pairs] for n in range(0, len(pairs), size.pairs)]
    drawn = [
        _case(f"{NEWS}-{seed}-{number}", batch, size, draw)
        for number, batch in enumerate(batches[: size.cases])
    ]
    return [case for case in drawn if case.questions]


def _read_question(one: dict[str, Any]) -> _Question:
    return _Question(
        one["question"],
        one["type"],
        tuple(
            _Answer(
                a["answer"],
                day(a["known_from"]) if a["known_from"] else None,
                day(a["known_to"]) if a["known_to"] else None,
            )
            for a in one["answers"]
        ),
    )


def _pair(
    documents: Sequence[tuple[datetime, str, str]], questions: Sequence[_Question], control: bool
) -> _Pair:
    """One subject; in the control arm without any news of what the last of it says."""
    ordered = sorted(documents)
    until = None
    last = ordered[-1][1]
    kept = [one for one in ordered if one[1] != last]
    if control and kept:
        first = min(at for at, told, _ in ordered if told == last)
        until = first - timedelta(days=1)
        ordered = [one for one in kept if one[0] < first] or kept[:1]
    return _Pair(tuple((at, text) for at, _, text in ordered), tuple(questions), until)


def _case(name: str, pairs: Sequence[_Pair], size: Size, draw: Random) -> Case:
    """All news of some subjects in the order of their days, and questions between."""
    documents = sorted({document for pair in pairs for document in pair.documents})
    chunks = tuple(
        Chunk(f"{name}-{n}", (Message(text, at + timedelta(seconds=n)),))
        for n, (at, text) in enumerate(documents)
    )
    asks = []
    before: datetime | None = None
    for date in ASKED_ON:
        on = day(date)
        known = sum(at <= on for at, _ in documents)
        chosen = _chosen(pairs, before, on, size.an_ask, draw) if known else []
        if chosen:
            asks.append(Ask(known - 1, on, tuple(chosen)))
        before = on
    return Case(name, NEWS, chunks, tuple(asks))


def _chosen(
    pairs: Sequence[_Pair], before: datetime | None, on: datetime, most: int, draw: Random
) -> list[Asked]:
    """Questions whose answer changed since the day before, and as many others."""
    changed: list[Asked] = []
    others: list[Asked] = []
    for pair in pairs:
        for question in pair.questions:
            now = min(on, pair.until) if pair.until else on
            if not question.right(now) or not any(at <= on for at, _ in pair.documents):
                continue
            was = question.right(before) if before else ()
            moved = bool(was) and question.right(on) != was  # in the control arm as if told
            (changed if moved else others).append(_asked(question, now, pair.until is not None))
    draw.shuffle(changed)
    draw.shuffle(others)
    changed = changed[: most // 2]
    return changed + others[: max(len(changed), 1)]


def _asked(question: _Question, on: datetime, control: bool) -> Asked:
    history = question.history(on)
    right = history[-1]
    choices = tuple(sorted({a.text for a in question.answers}))
    latest = max(
        (a for a in question.answers if a.text in right),
        key=lambda a: a.known.timestamp() if a.known else 0.0,
    )
    return Asked(
        id=question.text,
        text=question.text,
        kind=CONTROLLED if control else question.kind,
        accepted=right,
        updates=len(history) - 1,
        change=STATED if len(history) > 1 else UNCHANGED,
        choices=choices,
        former=tuple(sorted({one for past in history[:-1] for one in past} - set(right))),
        newest=(latest.text,),
        first=history[0],
        chance=len(right) / len(choices),
        group=CONTROLLED if control else NEWS,
    )
