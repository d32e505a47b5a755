"""Plan the edits that one document makes to the facts it bears on.

ERASE (Li et al. 2024, arXiv:2406.11830) retrieves, judges, rewrites and adds. Small models
cannot judge but can read (docs/erase.md), so each fact carries the question that it answers,
the document is read for that question, and code compares, guards and decides recency:

    extract   sentences that a turn states, each with its slot (question, value)
    judge     the questions of the candidates are put to the document, in one batch
    rewrite   another value than the stored one, guarded, supersedes it
    implied   what said as much as a changed fact falls with it
    propagate what rested on a changed fact becomes uncertain unless read again
    add       extracted claims that no stored fact holds already

A fact is retired only on two witnesses: the reading, and either an extracted sentence or a
check of the new sentence against the document. What has one witness is held for review.

Each file adds one step, and knows only those before it: placing, judging, sharing, endings,
implying, propagating, adding.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from memo import prompts
from memo.erase.adding import Adding
from memo.erase.placing import MAX_CHANGED, MAX_RETIRED, Draft
from memo.erase.propagating import MAX_UNCERTAIN
from memo.extract import extract, spoken_in
from memo.overtaking import overtaken
from memo.records import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memo.lm import Embedder, LanguageModel
    from memo.records import Candidates, Claim, Document

__all__ = ["MAX_CHANGED", "MAX_RETIRED", "MAX_UNCERTAIN", "plan_edits"]


def plan_edits(
    document: Document,
    find: Callable[[Document, Sequence[Claim]], Candidates],
    lm: LanguageModel,
    embedder: Embedder,
    word: str | None = None,
) -> Plan:
    """Decide how a document changes the facts it bears on and what it adds.

    Args:
        document: What was said.
        find: Retrieves candidate facts for the document and the claims extracted from it.
        lm: Reads and writes sentences.
        embedder: Tells whether two questions ask the same.
        word: The fence around the document's words; a random one if None.

    Raises:
        ContextOverflow: The document does not fit the model.
    """
    started, before = time.monotonic(), lm.usage
    draft = Draft()
    word = word or prompts.fence()
    spoken = spoken_in(document)
    said, draft.problems = extract(document, spoken, lm, word)
    candidates = find(document, [s.claim for s in said])
    _Eraser(document, spoken, said, candidates, lm, embedder, word, draft).run()
    return Plan(
        tuple(draft.edits),
        tuple(draft.held),
        tuple(draft.problems),
        lm.usage - before,
        time.monotonic() - started,
    )


class _Eraser(Adding):
    """All steps of the method."""

    def run(self) -> None:
        """Judge, rewrite, propagate, add: the order of the paper."""
        readings, gone = self._read()
        undecided = [
            fact
            for fact in self.live
            if self._restated(fact) is None and not self._is_replaced(fact, readings)
        ]
        self.overtaken = overtaken(self.told, undecided, self.lm, self.exclusion)
        proposals = [
            (fact, *proposal)
            for fact in self.live
            if (proposal := self._compare(fact, readings.get(fact.claim.question))) is not None
        ]
        self._rewrite(proposals)
        self._follow(readings)
        self._end(gone)
        self._part()
        self._fall()
        self._propagate()
        self._add()
