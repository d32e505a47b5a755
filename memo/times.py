"""Read times and zones as people and files write them, and write them as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from memo.errors import UsageProblem

# No zone's offset pushes a time between these out of what datetime can hold.
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


def parse_time(text: str, tz: tzinfo | None = None, *, end_of_day: bool = False) -> datetime:
    """An ISO 8601 date or date-time as an aware datetime.

    Without a zone it is read in `tz`, else in this machine's zone. A bare date is the start
    of that day, or its last second with `end_of_day`.

    Raises:
        UsageProblem: Not such a date, or outside the years 1 to 9998 in UTC.
    """
    written = text.strip()
    try:
        try:
            day = date.fromisoformat(written)
        except ValueError:
            when = datetime.fromisoformat(written)
        else:
            when = datetime.combine(day, time(23, 59, 59) if end_of_day else time())
    except ValueError as error:
        raise UsageProblem(
            f"{_shortened(text)} is not a time; write it as 2024-06-01 or 2024-06-01T18:30."
        ) from error
    return _sane(when, tz, text)


def parse_zone(name: str) -> tzinfo:
    """The time zone of that IANA name.

    Raises:
        UsageProblem: There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageProblem(
            f"{_shortened(name)} is not a time zone; write it as Europe/London."
        ) from error


def _sane(when: datetime, tz: tzinfo | None, text: str) -> datetime:
    """Aware, and sure to survive every later change of zone."""
    try:
        if when.tzinfo is None:
            when = when.replace(tzinfo=tz) if tz is not None else when.astimezone()
        sane = _FIRST <= when.astimezone(UTC) < _END
    except (ValueError, OverflowError, OSError):
        sane = False
    if not sane:
        raise UsageProblem(f"{_shortened(text)} lies outside the years 1 to 9998.")
    return when


def day(when: datetime | None, tz: tzinfo | None) -> str:
    """A date in the person's zone; "" for none."""
    return when.astimezone(tz).date().isoformat() if when else ""


def spoken_day(when: datetime, tz: tzinfo | None) -> str:
    """A date as people say it: `3 February 2024`."""
    when = when.astimezone(tz)
    return f"{when.day} {when:%B %Y}"


def moment(when: datetime, tz: tzinfo | None) -> str:
    """Date and time in the person's zone."""
    return when.astimezone(tz).strftime("%Y-%m-%d %H:%M")


def _shortened(text: str) -> str:
    """Quoted, and short enough for a message."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
