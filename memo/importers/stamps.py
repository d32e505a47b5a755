"""Dates at the beginnings of lines, in whatever order and script a phone's language writes them.

A file is written in one layout; its order of day, month and year is the one in which the dates are
valid and go forward. The layouts are those of whatsapp-chat-parser's tests
(github.com/Pustur/whatsapp-chat-parser).
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import compress, groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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

_M = f"[{MARKS}]{{0,4}}"  # more would take a square of a long run
_S = f"[ \u00a0\u202f{MARKS}]"  # phones put narrow and no-break spaces before AM and PM
_HALF = "|".join(rf"\.?{_S}?".join(word) + r"\.?" for word in _PM + _AM)
_LED = "|".join(_BEFORE_CLOCKS)
_STAMP = re.compile(
    rf"""
    {_M}(?P<open>\[?){_M}
    (?P<a>\d{{1,4}}){_M}(?P<sep>[./\-年]){_S}?{_M}(?P<b>\d{{1,4}}){_M}[./\-月]{_S}?{_M}(?P<c>\d{{1,4}})
    {_M}[.日]?[,،]?{_S}{{0,2}}
    (?:(?P<before>{_HALF}|{_LED}){_S}?)?
    (?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?
    (?:{_S}?(?P<after>{_HALF})(?!\w))?
    (?P<close>{_M}\]|{_S}-|:|){_S}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HALVES = {*_AM, *_PM}
_DAY_S = 86400
_NEXT_YEAR = datetime.now(UTC).year + 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """The beginning of a line that says when."""

    layout: tuple[str, ...]
    """What all stamps of one file have in common."""
    date: Date
    digits: Date
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
    opened, a, sep, b, c, before, hours, minutes, seconds, after, close = found.groups()
    close = close.strip()
    if bool(opened) != close.endswith("]"):
        return None
    half = ""
    for word in (before, after):
        if word and (bare := _bare(word)) in _HALVES:
            half = bare
    hour, minute, second = int(hours), int(minutes), int(seconds or 0)
    if half and hour <= 12:
        hour = hour % 12 + (12 if half in _PM else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    date, digits, longest = _numbers(a, b, c)
    layout = (
        opened,
        close[-1:],
        sep,
        half and ("am/pm" if "." not in (after or ".") else "half"),
        "3" if seconds else "2",
        "," if "," in line[found.end("c") : found.start("hour")] else "",
        longest,
    )
    return Stamp(layout, date, digits, hour, minute, second, found.end())


@lru_cache(maxsize=64)  # the lines of a day have its date in common
def _numbers(a: str, b: str, c: str) -> tuple[Date, Date, str]:
    """The three numbers of a date, their digits, and the place of the one that has four."""
    digits = (len(a), len(b), len(c))
    longest = str(digits.index(4)) if max(digits) == 4 else ""
    return (int(a), int(b), int(c)), digits, longest


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


class Stamps:
    """The stamps of a file, twelve bytes each: of a long chat there are very many."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[tuple[str, ...], Date, Date], int] = {}
        self._first: list[Stamp] = []
        """The first stamp of each kind: a layout, and a day as it is written in it."""
        self._lines = array("I")
        self._kind = array("I")
        self._clock = array("I")
        """Seconds of the day in the upper bits, where the words begin in the lower."""

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: int, one: Stamp) -> None:
        """Add the stamp of a line."""
        kind = self._kinds.setdefault((one.layout, one.date, one.digits), len(self._first))
        if kind == len(self._first):
            self._first.append(one)
        clock = (one.hour * 60 + one.minute) * 60 + one.second
        self._lines.append(line)
        self._kind.append(kind)
        self._clock.append(clock << _END_BITS | min(one.end, _FURTHEST))

    def layout(self) -> tuple[tuple[str, ...], float]:
        """The layout of most, and the share that has it; () where there is no stamp."""
        counts = Counter[tuple[str, ...]]()
        for kind, count in Counter(self._kind).items():
            counts[self._first[kind].layout] += count
        if not counts:
            return (), 0.0
        layout, count = counts.most_common(1)[0]
        return layout, count / counts.total()

    def days(self, layout: tuple[str, ...]) -> list[Stamp]:
        """A stamp of that layout for each day, in the order of the lines."""
        firsts = (self._first[kind] for kind, _ in groupby(self._kind))
        return [one for one in firsts if one.layout == layout]

    def timed(self, layout: tuple[str, ...], order: str, tz: tzinfo | None) -> Timed:
        """Those of that layout that are times in this order, and belong to the chat."""
        dates = [_date(one, order) if one.layout == layout else None for one in self._first]
        found = Timed(array("I"), array("d"), array("H"))
        for line, kind, clock in zip(self._lines, self._kind, self._clock, strict=True):
            if (date := dates[kind]) is None:
                continue
            at = _seconds(date, clock >> _END_BITS, tz)
            if at is not None:
                found.lines.append(line)
                found.seconds.append(at)
                found.ends.append(clock & _FURTHEST)
        return found


_END_BITS = 15  # beside the 17 bits of a day's seconds
_FURTHEST = 2**_END_BITS - 1


class Begin(NamedTuple):
    """Where a message begins."""

    line: int
    at: float
    """Seconds since 1970."""
    end: int
    """Where in the line the stamp ends and the words begin."""


class Timed(NamedTuple):
    """The beginnings of messages, fourteen bytes each; the fields are those of `Begin`."""

    lines: array[int]
    seconds: array[float]
    ends: array[int]

    def belonging(self) -> Iterator[Begin]:
        """Those that do not stand in text that somebody pasted into a message."""
        all_ = map(Begin, self.lines, self.seconds, self.ends)
        return compress(all_, in_sequence(self.seconds))


def _seconds(date: Date, clock: int, tz: tzinfo | None) -> float | None:
    """A time in seconds since 1970; None where there is no such day."""
    hour, rest = divmod(clock, 3600)
    try:
        naive = datetime(*date, hour, *divmod(rest, 60))  # noqa: DTZ001  # see below
        return (naive if tz is None else naive.replace(tzinfo=tz)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def in_sequence(seconds: Sequence[float]) -> bytearray:
    """Which times belong to the longest run that never goes back, or lie within a day of it.

    The others stand in text that somebody pasted into a message.
    """
    earliest = seconds[0] - _DAY_S if seconds else 0.0  # nobody pastes before the first message
    if sum(value < earliest for value in seconds) * 2 > len(seconds):
        earliest = float("-inf")
    tails, ends, before = array("d"), array("i"), array("i")
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
    belongs = bytearray(len(seconds))
    index = ends[-1] if ends else -1
    while index >= 0:
        belongs[index] = True
        index = before[index]
    last: float | None = None
    for index, value in enumerate(seconds):
        if belongs[index]:
            last = value
        elif last is not None and abs(value - last) <= _DAY_S:
            belongs[index] = True
    return belongs
