"""FactConsolidation (MemoryAgentBench, Hu et al. 2025): numbered facts; the newest wins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from memo.eval.cases import STATED, UNCHANGED, Ask, Asked, Case, Chunk
from memo.eval.data import MALFORMED, malformed, read_json
from memo.records import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILES = {
    "single-hop": "factconsolidation_sh_6k.json",
    "multi-hop": "factconsolidation_mh_6k.json",
}
FACTS_A_CHUNK = 20
_FACT = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_WORD = re.compile(r"\w+")
_BEGIN = datetime(2024, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    questions: int | None
    """Of each file; None for all."""
    facts: int | None
    """Facts kept: all that compete for an answer, and others up to so many; None for all."""
    files: tuple[str, ...]


SIZES = {
    "full": Size(None, None, tuple(FILES)),
    "mini": Size(40, None, tuple(FILES)),
    "nano": Size(10, 60, ("single-hop",)),
}


def cases(folder: Path, size: Size, seed: int) -> list[Case]:
    """One memory for each list of facts; the seed chooses questions where not all are asked.

    Raises:
        DataProblem: A file is missing or of another shape.
    """
    lists: dict[tuple[str, ...], list[Asked]] = {}
    for group in size.files:
        found = read_json(folder, FILES[group])
        try:
            facts = tuple(_FACT.findall(found["context"]))
            asked = [(one["question"], tuple(map(str, one["answers"]))) for one in found["qa"]]
            if not facts or not asked:
                raise ValueError("no numbered facts, or no questions")
            if size.questions is not None:
                asked = Random(f"facts {seed}").sample(asked, min(size.questions, len(asked)))
        except MALFORMED as error:
            raise malformed(folder, FILES[group], error) from error
        values = {answer for _, answers in asked for answer in answers}
        lists.setdefault(facts, []).extend(
            _asked(question, answers, facts, group, len(values)) for question, answers in asked
        )
    return [
        _case(f"facts-{seed}-{number}", _kept(facts, asked, size.facts, seed), asked)
        for number, (facts, asked) in enumerate(lists.items())
    ]


def _case(name: str, facts: Sequence[str], asked: Sequence[Asked]) -> Case:
    chunks = tuple(
        Chunk(
            f"{name}-{n}",
            tuple(
                Message(fact, _BEGIN + timedelta(days=n, minutes=minute))
                for minute, fact in enumerate(facts[n : n + FACTS_A_CHUNK])
            ),
        )
        for n in range(0, len(facts), FACTS_A_CHUNK)
    )
    ask = Ask(len(chunks) - 1, chunks[-1].at, tuple(asked))
    return Case(name, "facts", chunks, (ask,))


def _asked(
    question: str, answers: tuple[str, ...], facts: Sequence[str], group: str, values: int
) -> Asked:
    """A question with what the facts once gave as its answer; of several hops that is not known."""
    former: tuple[str, ...] = ()
    if group == "single-hop":
        rivals = [facts[n] for n in _rivals(question, answers, facts)]
        stem = _stem(rivals[-1], answers) if rivals else ""
        former = tuple(dict.fromkeys(fact[len(stem) :].rstrip(".") for fact in rivals[:-1]))
        former = tuple(one for one in former if one not in answers)
    return Asked(
        id=f"{group}/{question}",
        text=question,
        kind=group,
        accepted=answers,
        updates=len(former),
        change=STATED if former else UNCHANGED,
        former=former,
        newest=answers if group == "single-hop" else (),
        first=former or answers if group == "single-hop" else (),
        chance=1 / values,
        group=group,
    )


def _rivals(question: str, answers: tuple[str, ...], facts: Sequence[str]) -> list[int]:
    """Facts that say the answer, and those that begin as the likeliest of these does."""
    asked = set(_WORD.findall(question.casefold()))
    saying = [n for n, fact in enumerate(facts) if _stem(fact, answers)]
    if not saying:
        return []
    alike = {n: len(asked & set(_WORD.findall(facts[n].casefold()))) for n in saying}
    best = max(saying, key=lambda n: (alike[n], n))
    stem = _stem(facts[best], answers)
    return [n for n, fact in enumerate(facts[: best + 1]) if fact.startswith(stem)]


def _stem(fact: str, answers: tuple[str, ...]) -> str:
    """What a fact says before the answer; "" where it does not end with one."""
    said = fact.rstrip(".")
    return next((said[: -len(a)] for a in answers if said.endswith(f" {a.rstrip('.')}")), "")


def _kept(facts: Sequence[str], asked: Sequence[Asked], most: int | None, seed: int) -> list[str]:
    """The facts in their order; where not all, those that compete for an answer and some others."""
    if most is None:
        return list(facts)
    needed = {n for one in asked for n in _rivals(one.text, one.accepted, facts)}
    others = [n for n in range(len(facts)) if n not in needed]
    more = Random(f"facts {seed}").sample(others, min(max(most - len(needed), 0), len(others)))
    return [facts[n] for n in sorted(needed | set(more))]
