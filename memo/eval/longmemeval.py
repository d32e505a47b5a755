"""LongMemEval (Wu et al. 2025): questions about somebody's chats with an assistant.

Each question is a memory of its own, with its evidence sessions in the order of their days.
Answers are phrases, so right is what has all words of the expected one; what has no expected
answer, only a preference, is left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from memo.eval.cases import Ask, Asked, Case, Chunk
from memo.eval.data import MALFORMED, DataProblem, malformed, read_json
from memo.records import Message

if TYPE_CHECKING:
    from pathlib import Path

FILE = "oracle_dev.json"
ABSTENTION = "abstention"
_UNJUDGED = "single-session-preference"
_STAMP = re.compile(r"(\d{4})/(\d\d)/(\d\d) \(\w+\) (\d\d):(\d\d)")
_ALSO = re.compile(r"\.? (?:Answers ranging|\d+ days? \(including).*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    a_kind: int | None
    """Questions of each kind; None for all."""
    kinds: tuple[str, ...] = ()
    """Which, where nobody says; none for all."""


SIZES = {
    "full": Size(None),
    "mini": Size(8, ("knowledge-update", ABSTENTION)),
    "nano": Size(2, ("knowledge-update",)),
}


def cases(folder: Path, size: Size, kinds: tuple[str, ...] = ()) -> list[Case]:
    """The questions of the chosen kinds.

    Raises:
        DataProblem: The file is missing or of another shape, or has no such kind.
    """
    found = read_json(folder, FILE)
    try:
        by_kind: dict[str, list[Case]] = defaultdict(list)
        for one in found:
            if one["question_type"] != _UNJUDGED:
                case = _case(one)
                by_kind[case.group].append(case)
    except MALFORMED as error:
        raise malformed(folder, FILE, error) from error
    wanted = kinds or size.kinds or tuple(sorted(by_kind))
    for kind in wanted:
        if kind not in by_kind:
            raise DataProblem(
                f"{folder / FILE} has no questions of the kind {kind}; there are "
                f"{', '.join(sorted(by_kind))}."
            )
    return [case for kind in wanted for case in by_kind[kind][: size.a_kind]]


def _case(one: dict[str, Any]) -> Case:
    name = one["question_id"]
    nothing = name.endswith("_abs")
    sessions = sorted(
        zip(one["haystack_dates"], one["haystack_sessions"], strict=True),
        key=lambda session: _stamp(session[0]),
    )
    chunks = tuple(
        Chunk(f"{name}-{n}", _messages(_stamp(date), session))
        for n, (date, session) in enumerate(sessions)
    )
    accepted = () if nothing else (_ALSO.sub("", str(one["answer"])).strip(),)
    group = ABSTENTION if nothing else one["question_type"]
    asked = Asked(name, one["question"], one["question_type"], accepted, 0, by_words=True)
    ask = Ask(len(chunks) - 1, _stamp(one["question_date"]), (asked,))
    return Case(name, group, chunks, (ask,))


def _stamp(text: str) -> datetime:
    found = _STAMP.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no date such as 2023/05/27 (Sat) 13:11")
    year, month, day, hour, minute = map(int, found.groups())
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def _messages(at: datetime, session: list[dict[str, str]]) -> tuple[Message, ...]:
    """The person's words; the assistant's as context, as every importer takes them."""
    return tuple(
        Message(turn["content"], at + timedelta(seconds=n))
        if turn["role"] == "user"
        else Message(turn["content"], at + timedelta(seconds=n), "Assistant", context=True)
        for n, turn in enumerate(session)
        if turn["content"].strip()
    )
