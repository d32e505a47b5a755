"""Shares with their standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many."""

    hits: int
    of: int

    @classmethod
    def among(cls, marks: Iterable[bool]) -> Rate:
        """How many marks are set."""
        listed = list(marks)
        return cls(sum(listed), len(listed))

    @property
    def share(self) -> float | None:
        """0 to 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def error(self) -> float | None:
        """The standard error of the share, binomial; None of nothing."""
        share = self.share
        return None if share is None else math.sqrt(share * (1 - share) / self.of)

    def json(self) -> Json:
        """For results; shares rounded to four digits."""
        share, error = self.share, self.error
        return {
            "share": None if share is None else round(share, 4),
            "error": None if error is None else round(error, 4),
            "hits": self.hits,
            "of": self.of,
        }

    def __str__(self) -> str:
        if self.share is None or self.error is None:
            return "none"
        return f"{self.share:.1%} ± {100 * self.error:.1f} ({self.hits} of {self.of})"


def mean(shares: Iterable[float | None]) -> float:
    """The mean of the shares that there are; 0 of none."""
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else 0.0
