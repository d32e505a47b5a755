"""A certificate: one model, five parts, a plain verdict, in under a quarter of an hour.

The probes are the same for every model, so that scores compare: a part of the development split of
the labelled sets, and the short sets of questions and of attacks.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from memo.certify import answering, extraction, injection, verdicts
from memo.certify.figures import Json, Rate, mean
from memo.certify.probes import Outcome, attacks, pairs, questions, snippets, spread
from memo.certify.results import Results
from memo.certify.running import Probe, Progress, measure
from memo.certify.throwaway import FENCE, tell, throwaway
from memo.engines import INSTALLED, Engines, located
from memo.errors import MemoError, UsageProblem
from memo.files import alone
from memo.models import (
    Score,
    default_models,
    file_marks,
    keep_score,
    score_file,
    score_of,
)
from memo.settings import private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from memo.certify.probes import Asked, Attack, Pair, Snippet, Told
    from memo.memory import Memory
    from memo.models import LocalModel
    from memo.settings import Settings

MINUTES = 15
"""What it may take with a 1.5 B model on two cores."""
PARTS = ("extraction", "verdicts", "rewriting", "answering", "injection")
Detail = dict[str, dict[str, Rate]]
"""Rates by part."""
PAIRS = {Outcome.KEPT: 28, Outcome.REWRITTEN: 15, Outcome.ENDED: 9, Outcome.UNCERTAIN: 4}
"""How many pairs of each label a certificate takes."""
SNIPPETS = 18


@dataclass(frozen=True, slots=True)
class Selection:
    """The probes of a certificate."""

    pairs: tuple[Pair, ...]
    snippets: tuple[Snippet, ...]
    told: tuple[Told, ...]
    asked: tuple[Asked, ...]
    attacks: tuple[Attack, ...]

    @property
    def digest(self) -> str:
        """Eight characters that tell these probes from any others."""
        parts = (self.pairs, self.snippets, self.told, self.asked, self.attacks)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def selection() -> Selection:
    """What every model is certified on: the same for all, so that scores compare."""
    told, asked = questions()
    dev = [pair for pair in pairs() if pair.split == "dev"]
    of = {label: [pair for pair in dev if pair.becomes is label] for label in PAIRS}
    return Selection(
        tuple(pair for label, count in PAIRS.items() for pair in spread(of[label], count)),
        spread([snippet for snippet in snippets() if snippet.split == "dev"], SNIPPETS),
        told,
        asked,
        attacks(),
    )


@dataclass(frozen=True, slots=True)
class Certified:
    """The last event: the score, and what it is made of."""

    score: Score
    detail: Detail
    """What the parts are made of; empty where it was measured before."""
    results: Path | None
    """Every single result, as JSON; None where it was measured before, and only looked up."""


def certify(
    settings: Settings,
    engines: Engines = INSTALLED,
    *,
    again: bool = False,
    probes: Selection | None = None,
) -> Generator[Progress | Certified, None, None]:
    """Measure the chosen chat model; closing the generator stops it, and a later one goes on.

    Args:
        settings: With the model to certify; nothing in its home is read or written.
        engines: How its models are loaded, once; `sharing` gives those of a `Memory`.
        again: Drop a score that there is, and measure anew.
        probes: None for those that scores are compared by.

    Raises:
        ModelError: The model is not there, or cannot be used.
        MemoError: Another process certifies it right now.
    """
    chosen = probes or selection()
    found = located(default_models(settings)[0], "chat", settings)
    place = score_file(found.path, settings.models)
    score = score_of(found.path, settings.models)
    begun = place.with_suffix(".part")
    if not again and score is not None and score.probes == chosen.digest:
        yield Certified(score, {}, None)
        return
    with _alone(place, found.name):
        if score is not None:  # what is begun now is gone on with, however it is called again
            place.unlink(missing_ok=True)
            begun.unlink(missing_ok=True)
        results = _begin(begun, found, chosen)
        lm, embedder = engines.language_model(settings), engines.embedder(settings)
        loaded = Engines(lambda _: lm, lambda _: embedder)
        with throwaway(settings, loaded) as told:
            for message in chosen.told:
                tell(told, message)
            yield from measure(_probes(chosen, settings, loaded, told), results)
        score, detail = _score(found, chosen, results)
        keep_score(score, found, settings.models)
        every = begun.replace(place.with_suffix(".results"))
    yield Certified(score, detail, every)


@contextmanager
def _alone(place: Path, name: str) -> Iterator[None]:
    """Keep others from certifying the same model; the lock goes with the process."""
    private_folder(place.parent)
    busy = f"Another memo is certifying {name} right now; wait for it, or stop it first."
    with alone(place.with_suffix(".lock"), MemoError(busy)):
        yield


def _begin(place: Path, found: LocalModel, chosen: Selection) -> Results:
    """What an earlier run of the same model on the same probes has measured, or nothing yet."""
    about = {"model": found.name, "probes": chosen.digest, "file": file_marks(found.path)}
    try:
        return Results(place, about, resume=True)
    except UsageProblem:
        place.unlink(missing_ok=True)
        return Results(place, about)


def _probes(chosen: Selection, settings: Settings, engines: Engines, told: Memory) -> list[Probe]:
    """All of them, in order."""

    def fresh(run: Callable[[Memory], Json], fence: str | None = FENCE) -> Callable[[], Json]:
        def once() -> Json:
            with throwaway(settings, engines, fence) as memory:
                return run(memory)

        return once

    return [
        *(Probe("extraction", s.id, fresh(partial(_extracted, s))) for s in chosen.snippets),
        *(Probe("verdicts", p.id, fresh(partial(_judged, p))) for p in chosen.pairs),
        *(Probe("answering", a.id, partial(answering.answered, a, told)) for a in chosen.asked),
        *(
            Probe("injection", a.id, fresh(partial(injection.withstood, a), None))
            for a in chosen.attacks
        ),
    ]


def _extracted(snippet: Snippet, memory: Memory) -> Json:
    found = extraction.extracted(snippet.id, snippet.said, memory)
    return extraction.snippet_result(snippet, found)


def _judged(pair: Pair, memory: Memory) -> Json:
    return verdicts.judge(pair, memory).json()


def _score(found: LocalModel, chosen: Selection, results: Results) -> tuple[Score, Detail]:
    """The parts of what was measured, and the rates that they come from."""
    of: dict[str, list[Json]] = {part: [] for part in PARTS}
    for result in results.done.values():
        of[str(result["part"])].append(result)
    recall, avoided = extraction.found_and_avoided(of["extraction"])
    stays, changes = verdicts.balanced(of["verdicts"])
    rewritten = verdicts.rewriting(of["verdicts"])
    kinds = {
        kind: Rate.among(bool(one["right"]) for one in of["answering"] if one["kind"] == kind)
        for kind in dict.fromkeys(str(one["kind"]) for one in of["answering"])
    }
    withstood = Rate.among(bool(one["right"]) for one in of["injection"])
    parts = {
        "extraction": (recall.share or 0.0) * (avoided.share or 0.0),
        "verdicts": mean([stays.share, changes.share]),
        "rewriting": rewritten.share or 0.0,
        "answering": mean(rate.share for rate in kinds.values()),
        "injection": withstood.share or 0.0,
    }
    detail = {
        "extraction": {"facts found": recall, "wrong ones avoided": avoided},
        "verdicts": {"kept": stays, "changed": changes},
        "rewriting": {"new values known": rewritten},
        "answering": kinds,
        "injection": {"withstood": withstood},
    }
    parts = {part: round(share, 4) for part, share in parts.items()}
    overall = round(mean(parts.values()), 4)
    seconds = round(sum(float(str(one["seconds"])) for one in results.done.values()), 1)
    now = datetime.now(UTC).replace(microsecond=0)
    score = Score(found.name, overall, parts, now, seconds, chosen.digest, found.path)
    return score, detail
