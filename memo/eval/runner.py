"""Run methods over cases: read, ask, judge, write down; go on where an earlier run was stopped."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from memo.eval.methods import Erase, FactRag, Full, Rag
from memo.eval.published import Reference
from memo.eval.score import marked, normalised
from memo.records import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from memo.eval.cases import Ask, Asked, Case, Chunk
    from memo.eval.journal import Journal, Record
    from memo.eval.methods import Answered, Method, Read, Tools

METHODS: Mapping[str, Callable[[Tools], Method]] = {
    "rag": Rag,
    "fact-rag": FactRag,
    "erase": Erase,
    "erase-reference": Reference,
    "full": Full,
}
DEFAULT_METHODS = ("rag", "fact-rag", "erase")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    case: str
    method: str
    done: int
    """Readings and answers that exist."""
    total: int
    eta_s: float | None
    """Seconds that the rest should take; None before anything was measured."""


def run(
    cases: Sequence[Case], methods: Sequence[str], tools: Tools, journal: Journal
) -> Generator[Progress, None, None]:
    """Do everything that the journal does not hold yet; closing the iterator stops."""
    pace = _Pace(cases, methods, journal.records)
    for case in cases:
        for name in methods:
            folder = tools.folder / case.id / name
            for record in _life(case, name, replace(tools, folder=folder), journal):
                pace.note(record)
                yield Progress(case.id, name, pace.done, pace.total, pace.eta_s)
            shutil.rmtree(folder, ignore_errors=True)


def _life(case: Case, name: str, tools: Tools, journal: Journal) -> Iterator[Record]:
    """One memory from its beginning to its end; yields what is new."""
    mine = [r for r in journal.records if r.get("case") == case.id and r.get("method") == name]
    read = {record["chunk"]: record for record in mine if record["is"] == "read"}
    answered = {(r["at"], r["question"]) for r in mine if r["is"] == "answer"}
    if len(read) == len(case.chunks) and len(answered) == case.questions:
        return
    tools.folder.mkdir(parents=True, exist_ok=True)
    method = METHODS[name](tools)
    for number, chunk in enumerate(case.chunks):
        if number in read:
            method.restore(chunk, read[number]["kept"])
        else:
            record = _read_record(case, name, number, chunk, method.read(chunk))
            journal.write(record)
            yield record
        due = [(ask, q) for ask in case.asks if ask.after == number for q in ask.questions]
        for ask, asked in due:
            if (utc_text(ask.at), asked.id) not in answered:
                record = _answer_record(case, name, ask, asked, method.answer(asked, ask.at))
                journal.write(record)
                yield record


def _read_record(case: Case, name: str, number: int, chunk: Chunk, done: Read) -> Record:
    kept, wrong = falsely_retired(chunk, done)
    return {
        "is": "read",
        "case": case.id,
        "group": case.group,
        "method": name,
        "chunk": number,
        "facts_to_keep": kept,
        "falsely_retired": wrong,
        "retired": list(done.retired),
        "kept": done.kept,
        **asdict(done.usage),
        "elapsed_s": round(done.elapsed_s, 3),
    }


def falsely_retired(chunk: Chunk, done: Read) -> tuple[int, list[str]]:
    """How many facts the truth kept, and which of these were retired.

    A fact is told by its words: it names a person of whom something with such a value was true.
    What cannot be told so is left out.
    """
    if not chunk.labels:
        return 0, []
    kept = [text for text in done.believed if _still_true(text, chunk)]
    return len(kept), [text for text in kept if text in done.retired]


def _still_true(text: str, chunk: Chunk) -> bool:
    """Whether all that a sentence can mean among what was true before is true after a chunk."""
    said = f" {normalised(text)} "
    meant = [
        label
        for label in chunk.labels
        if f" {normalised(label.person)} " in said and f" {normalised(label.value)} " in said
    ]
    return bool(meant) and all(label.kept for label in meant)


def _answer_record(case: Case, name: str, ask: Ask, asked: Asked, found: Answered) -> Record:
    mark = marked(asked, found.reply)
    return {
        "is": "answer",
        "case": case.id,
        "group": asked.group or case.group,
        "method": name,
        "after": ask.after,
        "at": utc_text(ask.at),
        "question": asked.id,
        "text": asked.text,
        "kind": asked.kind,
        "updates": asked.updates,
        "change": asked.change,
        "accepted": list(asked.accepted),
        "answer": found.reply.value,
        "items": list(found.reply.items) if asked.wants_list else None,
        "abstained": found.reply.abstained,
        "right": mark.right,
        "overlap": round(mark.overlap, 4),
        "stale": mark.stale,
        "fits": found.fits,
        **asdict(found.usage),
        "elapsed_s": round(found.elapsed_s, 3),
    }


class _Pace:
    """What is left, and how long that takes going by what was done."""

    def __init__(
        self, cases: Sequence[Case], methods: Sequence[str], records: Sequence[Record]
    ) -> None:
        self._left: dict[tuple[str, str], int] = defaultdict(int)
        for case in cases:
            for method in methods:
                self._left[method, "read"] += len(case.chunks)
                self._left[method, "answer"] += case.questions
        self.total = sum(self._left.values())
        self.done = 0
        self._took: dict[tuple[str, str], list[float]] = defaultdict(list)
        for record in records:
            if record["is"] in {"read", "answer"}:
                self.note(record)

    def note(self, record: Record) -> None:
        """One more is done."""
        key = record["method"], record["is"]
        self._left[key] -= 1
        self._took[key].append(record["elapsed_s"])
        self.done += 1

    @property
    def eta_s(self) -> float | None:
        """Each kind by its own mean; what was never done yet by the mean of its kind."""
        if not self._took:
            return None
        total = 0.0
        for (method, kind), left in self._left.items():
            took = self._took.get((method, kind)) or [
                second for (_, k), seconds in self._took.items() if k == kind for second in seconds
            ]
            total += left * (sum(took) / len(took) if took else 0.0)
        return total
