"""Read a day as a person types it: `2024-03-01`, `March 2024`, `last March`, `2 weeks ago`."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from memo.errors import UsageProblem

_MONTHS = {name.casefold()[:3]: n for n, name in enumerate(calendar.month_name) if name}
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_COUNTS = {
    word: n
    for n, words in enumerate("a|an|one two three four five six seven eight nine ten".split(), 1)
    for word in words.split("|")
}
_AGO = re.compile(rf"(?P<n>\d{{1,4}}|{'|'.join(_COUNTS)}) (?P<unit>day|week|month|year)s? ago")
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
_SAID = re.compile(
    rf"(?:last |in )?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)? )?{_MONTH}(?: (?P<year>\d{{4}}))?"
)


def typed_day(text: str, today: date) -> date:
    """The last day of what was named: a month or a year stands for its end.

    Raises:
        UsageProblem: It names no day that memo understands.
    """
    said = " ".join(text.casefold().replace(",", " ").split())
    try:
        found = _relative(said, today) or _written(said, today)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise UsageProblem(
            f"{text[:40]!r} is no day; write 2024-03-01, March 2024, last March or 2 weeks ago."
        )
    return found


def _relative(said: str, today: date) -> date | None:
    if said in {"today", "now"}:
        return today
    if said == "yesterday":
        return today - timedelta(days=1)
    if said in {"last week", "last month", "last year"}:
        said = f"1 {said.split()[1]} ago"
    if match := _AGO.fullmatch(said):
        count = _COUNTS.get(match["n"]) or int(match["n"])
        return today - timedelta(days=count * _UNITS[match["unit"]])
    return None


def _written(said: str, today: date) -> date | None:
    if re.fullmatch(r"\d{4}", said):
        return date(int(said), 12, 31)
    if match := re.fullmatch(r"(\d{4})-(\d{2})", said):
        return _end_of_month(int(match[1]), int(match[2]))
    if match := _SAID.fullmatch(said):
        month = _MONTHS[match["month"]]
        year = int(match["year"]) if match["year"] else today.year
        if not match["year"] and (month, 1) > (today.month, today.day):
            year -= 1
        if not match["year"] and said.startswith("last ") and month == today.month:
            year = today.year - 1
        return date(year, month, int(match["day"])) if match["day"] else _end_of_month(year, month)
    return date.fromisoformat(said)


def _end_of_month(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
