"""Times as exports write them: numbers of several units, ISO texts; what cannot be is no time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memo.errors import UsageProblem
from memo.times import parse_time

if TYPE_CHECKING:
    from datetime import tzinfo

_FIRST = datetime(1990, 1, 1, tzinfo=UTC)  # no chat is older
_FIRST_S = _FIRST.timestamp()
_AHEAD = timedelta(days=1)  # clocks go wrong by hours, not by years
_UNITS = (1.0, 1e3, 1e6, 1e9)  # seconds, milliseconds, microseconds, nanoseconds


def moment(value: object, tz: tzinfo | None = None) -> datetime | None:
    """The time that a number or a text means; None where it means none that can be.

    A number is seconds since 1970, or whichever finer unit makes it a time between 1990 and now:
    milliseconds read as seconds would lie 50,000 years ahead.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _counted(float(value)) if abs(value) < 1e20 else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    written = value.strip()
    try:
        return _counted(float(written))
    except ValueError:
        pass
    try:
        return believable(parse_time(written, tz))
    except UsageProblem:
        return None


def believable(when: datetime) -> datetime | None:
    """The time itself, if a message can have been sent then."""
    return when if _FIRST <= when.astimezone(UTC) <= datetime.now(UTC) + _AHEAD else None


def _counted(number: float) -> datetime | None:
    latest = time.time() + _AHEAD.total_seconds()
    for unit in _UNITS:
        seconds = number / unit
        if _FIRST_S <= seconds <= latest:
            return datetime.fromtimestamp(int(seconds), UTC)
    return None
