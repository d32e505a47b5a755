"""What a question asks: of whom, and of which day.

People ask `Where did I work in March?`. What is stored says `Ann works at Acme`, since when and
until when: so the question is put as of that day, of Ann, and in the present.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from memo import wording
from memo.days import typed_day
from memo.errors import UsageProblem
from memo.records import Answer, Usage
from memo.times import spoken_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date, tzinfo

    from memo.answer import Question

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = rf"(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?)?{_MONTH}(?: \d{{4}})?|\d{{4}}(?:-\d{{2}}){{0,2}}"
_DAY = re.compile(
    rf",?\s*\b(?:(?:in|on|during|around) (?:the )?(?P<day>(?:last )?(?:{_DATE}))|"
    rf"(?P<past>last (?:{_MONTH}|week|month|year)|yesterday|\w+ (?:day|week|month|year)s? ago))\b",
    re.IGNORECASE,
)
_THEN = re.compile(r"\s+(?:back then|then|at (?:the|that) time)\b", re.IGNORECASE)
_OPEN = re.compile(r"\b(?:when|since|before|after|until|till|how (?:long|often))\b", re.IGNORECASE)
_OF_NAME = {"do": "does", "don't": "doesn't", "have": "has", "am": "is", "were": "was"}
_OF_ME = re.compile(rf"\b({'|'.join(_OF_NAME)}) (?:I|we)\b", re.IGNORECASE)
_STATES = (
    *wording.HABITS,
    *"have own like love need want know hate prefer owe belong cost look feel".split(),
)
_DID = re.compile(
    rf"\bdid (?P<who>[\w'’ -]{{1,60}}?) (?P<verb>{'|'.join(_STATES)}|do for)\b", re.IGNORECASE
)
_WAS = re.compile(r"\b(was|were)(?P<i> i\b)?", re.IGNORECASE)


def asked(
    question: Question,
    me: str | None,
    zone: tzinfo | None,
    put: Callable[[Question], Iterable[str | Answer]],
) -> Iterator[str | Answer]:
    """The answer to the first reading of a question that has one, piece by piece.

    Args:
        question: As the person asks it.
        me: Whom `I` means; None where nobody said.
        zone: In which days are meant.
        put: Answers one reading.
    """
    *tried, last = readings(question, me, zone)
    spent = Usage()
    for reading in tried:
        text = held = ""
        for piece in put(reading):
            if isinstance(piece, Answer):
                spent += piece.usage
                if piece.abstained is None or text:
                    when = reading.as_of if question.as_of is None else None
                    day = ""
                    if when is not None and piece.abstained is None:
                        day = f" That was so on {spoken_day(when, zone)}."
                    yield held + day
                    said = replace(piece, text=f"{text}{held}{day}", as_of=question.as_of)
                    yield replace(said, question=question.text, usage=spent)
                    return
            else:
                if held:  # a refusal is one piece: with a second one this is an answer
                    yield held
                    text += held
                held = piece
    for piece in put(last):
        if isinstance(piece, Answer):
            piece = replace(piece, question=question.text, usage=spent + piece.usage)
        yield piece


def readings(question: Question, me: str | None, zone: tzinfo | None) -> list[Question]:
    """A question as it can be put to what is stored, the reading to be tried first being first."""
    if me:
        question = replace(question, text=named(question.text, me))
    text = question.text
    if question.as_of is not None:
        bare = text if _OPEN.search(text) else _DAY.sub("", text, count=1)
        present = in_present(bare)
        return [replace(question, text=present), question] if present else [question]
    found = day_in(text, datetime.now(UTC).astimezone(zone).date())
    present = in_present(found[0]) if found else None
    if found is None or present is None:
        return [question]
    end = datetime.combine(found[1] + timedelta(days=1), time(), zone).astimezone(UTC)
    return [replace(question, text=present, as_of=end - timedelta(seconds=1)), question]


def named(question: str, me: str) -> str:
    """A question about `I` as one about a name: `Where does Ann live?`."""
    of_name = _OF_ME.sub(lambda m: f"{_OF_NAME[m[1].casefold()]} {me}", question)
    return wording.resolved(of_name, me)


def day_in(question: str, today: date) -> tuple[str, date] | None:
    """A question without the time that it names, and the last day of that; None without one."""
    match = None if _OPEN.search(question) else _DAY.search(question)
    if match is None:
        return None
    try:
        day = typed_day((match["day"] or match["past"]).replace(" of ", " "), today)
    except UsageProblem:
        return None
    return f"{question[: match.start()]}{question[match.end() :]}", day


def in_present(question: str) -> str | None:
    """A question about how things were as one about how they are; None where it is none."""
    question = _THEN.sub("", question)
    if match := _DID.search(question):
        several = match["who"].casefold() in {"i", "we", "you", "they"} or " and " in match["who"]
        does = "do" if several else "does"
        return f"{question[: match.start()]}{does}{question[match.start() + 3 :]}"
    if _WAS.search(question):
        return _WAS.sub(lambda m: _is(m[1].casefold(), m["i"]), question, count=1)
    return None


def _is(was: str, of_me: str | None) -> str:
    return f"am{of_me}" if of_me else {"was": "is", "were": "are"}[was]
