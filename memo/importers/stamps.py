"""Dates at the beginnings of lines, in whatever order and script a phone's language writes them.

A file is written in one layout; its order of day, month and year is the one in which the dates are
valid and go forward. The layouts are those of whatsapp-chat-parser's tests
(github.com/Pustur/whatsapp-chat-parser).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

Date = tuple[int, int, int]
"""Three numbers as written."""
MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
"""Direction marks and the byte order mark, which may stand between any two parts of a stamp."""
ORDERS = ("dmy", "mdy", "ymd", "ydm", "myd", "dym")
"""In the order of how common they are."""

_PM = "pm 下午 午後 晚上 오후 م μμ бз ip nm ch ptg ف".split()
_AM = "am 上午 午前 凌晨 早上 오전 ص πμ пз ap vm sa pg ق".split()
_BEFORE_CLOCKS = "klo um at kl à às в о u".split()  # noqa: RUF001

_M = f"[{MARKS}]*"
_S = f"[ \u00a0\u202f{MARKS}]"  # phones put narrow and no-break spaces before AM and PM
_HALF = "|".join(rf"\.?{_S}?".join(word) + r"\.?" for word in _PM + _AM)
_LED = "|".join(_BEFORE_CLOCKS)
_STAMP = re.compile(
    rf"""
    {_M}(?P<open>\[?){_M}
    (?P<a>\d{{1,4}}){_M}(?P<sep>[./\-年]){_S}?{_M}(?P<b>\d{{1,4}}){_M}[./\-月]{_S}?{_M}(?P<c>\d{{1,4}})
    {_M}[.日]?[,،]?{_S}{{0,2}}
    (?:(?P<before>{_HALF}|{_LED}){_S}?)?
    (?P<time>\d{{1,2}}[:.]\d{{2}}(?:[:.]\d{{2}})?)
    (?:{_S}?(?P<after>{_HALF})(?!\w))?
    (?P<close>{_M}\]|{_S}-|:|){_S}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HALVES = {*_AM, *_PM}
_CLOCKS = re.compile(r"\D+")
_DAY_S = 86400
_NEXT_YEAR = datetime.now(UTC).year + 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """The beginning of a line that says when."""

    layout: tuple[str, ...]
    """What all stamps of one file have in common."""
    date: Date
    digits: tuple[int, int, int]
    """How many digits each of the three has."""
    hour: int
    minute: int
    second: int
    end: int
    """Where what was said begins."""


def stamp(line: str) -> Stamp | None:
    """The stamp with which a line begins."""
    found = _STAMP.match(line)
    if found is None:
        return None
    opened, close = found["open"], found["close"].strip()
    if bool(opened) != close.endswith("]"):
        return None
    half = ""
    for word in (found["before"], found["after"]):
        if word and (bare := _bare(word)) in _HALVES:
            half = bare
    clock = [int(part) for part in _CLOCKS.split(found["time"])]
    hour, minute, second = (*clock, 0)[:3]
    if half and hour <= 12:
        hour = hour % 12 + (12 if half in _PM else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    date = (found["a"], found["b"], found["c"])
    layout = (
        opened,
        close[-1:],
        found["sep"],
        half and ("am/pm" if "." not in (found["after"] or ".") else "half"),
        str(len(clock)),
        "," if "," in line[found.end("c") : found.start("time")] else "",
        str(max(range(3), key=lambda i: len(date[i]))) if max(map(len, date)) == 4 else "",
    )
    return Stamp(
        layout,
        (int(date[0]), int(date[1]), int(date[2])),
        (len(date[0]), len(date[1]), len(date[2])),
        hour,
        minute,
        second,
        found.end(),
    )


def _bare(word: str) -> str:
    return re.sub(rf"[.\s{MARKS}\u00a0\u202f]", "", word).casefold()


@dataclass(frozen=True, slots=True)
class Order:
    """How the dates of a file are to be read."""

    name: str
    """Such as `dmy`."""
    sure: bool
    """False where another order fits as well."""


def order_of(stamps: Sequence[Stamp]) -> Order | None:
    """The order in which a file's dates are valid and go forward; None where none is.

    Months pass more slowly than days, so between two that fit the number that changes more often
    is the day.
    """
    stamps = [next(day) for _, day in groupby(stamps, lambda one: one.date)]
    fitting = [name for name in ORDERS if all(_date(one, name) for one in stamps)]
    if not fitting:
        fitting = [name for name in ORDERS if any(_date(one, name) for one in stamps)]
        if not fitting:
            return None
    ranked = sorted((_backward(stamps, name), ORDERS.index(name), name) for name in fitting)
    least = ranked[0][0]
    best = [name for backward, _, name in ranked if backward == least]
    usual = [name for name in best if name in {"dmy", "mdy", "ymd"}] or best
    if len(usual) == 1:
        return Order(usual[0], True)
    changes = {name: _changes(stamps, name.index("d")) for name in usual}
    most = max(changes.values())
    busiest = [name for name in usual if changes[name] == most]
    if len(busiest) == 1 and most > min(changes.values()):
        return Order(busiest[0], True)
    american = any(one.layout[2:4] == ("/", "am/pm") for one in stamps)
    guess = "mdy" if american and "mdy" in busiest else busiest[0]
    return Order(guess, False)


def _backward(stamps: Sequence[Stamp], order: str) -> int:
    days = [day for one in stamps if (day := _date(one, order))]
    return sum(later < earlier for earlier, later in pairwise(days)) + (len(stamps) - len(days))


def _changes(stamps: Sequence[Stamp], place: int) -> int:
    return sum(a.date[place] != b.date[place] for a, b in pairwise(stamps))


def _date(one: Stamp, order: str) -> Date | None:
    """Year, month and day; None where there is no such day, or it lies ahead."""
    parts = dict(zip(order, one.date, strict=True))
    digits = dict(zip(order, one.digits, strict=True))
    year, month, day = parts["y"], parts["m"], parts["d"]
    if digits["y"] not in {2, 4} or digits["m"] > 2 or digits["d"] > 2:
        return None
    if digits["y"] == 2 and order[2] != "y":  # no phone writes a short year anywhere else
        return None
    year += 2000 if digits["y"] == 2 else 0
    if not (1990 <= year <= _NEXT_YEAR and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    return year, month, day


def when(one: Stamp, order: str, tz: tzinfo | None) -> float | None:
    """The time of a stamp in seconds since 1970; None where there is no such day."""
    if (date := _date(one, order)) is None:
        return None
    try:
        naive = datetime(*date, one.hour, one.minute, one.second)  # noqa: DTZ001  # see below
        return (naive if tz is None else naive.replace(tzinfo=tz)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def layout_of(stamps: Iterable[Stamp]) -> tuple[tuple[str, ...], float] | None:
    """The layout of most stamps, and the share that has it."""
    counts = Counter(one.layout for one in stamps)
    if not counts:
        return None
    layout, count = counts.most_common(1)[0]
    return layout, count / counts.total()


def in_sequence(seconds: Sequence[float]) -> list[bool]:
    """Which times belong to the longest run that never goes back, or lie within a day of it.

    The others stand in text that somebody pasted into a message.
    """
    earliest = seconds[0] - _DAY_S if seconds else 0.0  # nobody pastes before the first message
    if sum(value < earliest for value in seconds) * 2 > len(seconds):
        earliest = float("-inf")
    tails: list[float] = []
    ends: list[int] = []
    before: list[int] = []
    for index, value in enumerate(seconds):
        if value < earliest:
            before.append(-1)
            continue
        place = bisect_right(tails, value)
        before.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[place] = value
            ends[place] = index
    kept = [False] * len(seconds)
    index = ends[-1] if ends else -1
    while index >= 0:
        kept[index] = True
        index = before[index]
    last: float | None = None
    belongs = kept[:]
    for index, value in enumerate(seconds):
        if kept[index]:
            last = value
        elif last is not None and abs(value - last) <= _DAY_S:
            belongs[index] = True
    return belongs
