"""Putting probes one after another, with progress, the time left, and nothing done twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from memo.certify.figures import Json
    from memo.certify.results import Results

SECONDS = {"extraction": 7.0, "verdicts": 6.0, "answering": 4.0, "injection": 8.0}
"""What a probe of each part takes with a 1.5 B model on two cores: what to expect at first."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to be measured once."""

    part: str
    """A key of SECONDS."""
    id: str
    run: Callable[[], Json]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; comes before each probe."""

    part: str
    id: str
    done: int
    total: int
    eta_s: float


def measure(probes: Sequence[Probe], results: Results) -> Generator[Progress, None, None]:
    """Put every probe that has no result yet; closing the generator stops between two."""
    left = [probe for probe in probes if probe.id not in results.done]
    expected = taken = 0.0
    for number, probe in enumerate(left):
        pace = taken / expected if expected else 1.0
        eta_s = pace * sum(SECONDS[one.part] for one in left[number:])
        yield Progress(probe.part, probe.id, len(probes) - len(left) + number, len(probes), eta_s)
        started = time.monotonic()
        results.add(probe.id, {"part": probe.part, **probe.run()})
        if number > 0:  # the first also evaluates the instructions, once for all
            taken += time.monotonic() - started
            expected += SECONDS[probe.part]
