"""What was said of several at once, and changes for all of them."""

from __future__ import annotations

import re
from dataclasses import replace

from memo import wording
from memo.claims import has_slot, without
from memo.erase.judging import Judging
from memo.records import Claim, Fact, Rewrite

_TOGETHER = re.compile(r"\b(?:we|us|our|both|they|them|their)\b", re.IGNORECASE)


class Sharing(Judging):
    """Rewrite, together."""

    def _follow(self, readings: dict[str, str]) -> None:
        """Supersede what was said of others in the same words as a fact that is superseded.

        After `Kate and I are off to Oslo`, `We've booked Rome instead` speaks of Kate, too, and
        does not name her. The reading must give the same answer for her, and the words be of
        more than one.
        """
        for fact in self.live:
            edit = self.draft.settled.get(fact.id)
            if not (isinstance(edit, Rewrite) and edit.claim and edit.evidence):
                continue
            if not _TOGETHER.search(edit.evidence.quote):
                continue
            for other in self.live:
                answer = readings.get(other.claim.question)
                if (
                    answer
                    and other.id not in self.draft.settled
                    and said_together(fact, other)
                    and wording.same_value(answer, edit.claim.value)
                    and (claim := _of(other, edit.claim)) is not None
                ):
                    objection = self._objection(other)
                    self._supersede(other, claim, edit.at, edit.evidence, None, objection)


def said_together(one: Fact, other: Fact) -> bool:
    """Whether two facts come from the same words about several: `Kate and I live in Hull`."""
    return (
        one.id != other.id
        and one.document == other.document
        and one.since == other.since
        and has_slot(one.claim)
        and has_slot(other.claim)
        and one.claim.several == other.claim.several
        and without(one.text, one.claim.subjects) == without(other.text, other.claim.subjects)
    )


def _of(fact: Fact, claim: Claim) -> Claim | None:
    """A claim said of a fact's subject instead; None if it does not begin with its own."""
    if not (claim.subjects and fact.claim.subjects and claim.text.startswith(claim.subjects[0])):
        return None
    text = fact.claim.subjects[0] + claim.text.removeprefix(claim.subjects[0])
    return replace(claim, text=text, question=fact.claim.question, subjects=fact.claim.subjects)
