"""What said as much as a changed fact, and falls with it."""

from __future__ import annotations

from typing import NamedTuple

from memo import prompts, wording
from memo.claims import core, goes_on, has_slot, same_subject
from memo.erase.endings import Ending
from memo.records import Claim, Evidence, Fact, MakeFalse, Rewrite, State

EXCLUDED = 0.50
"""Exclusion by what took the place of a changed fact, from which what implied it is over."""


class Succession(NamedTuple):
    """What took the place of a fact."""

    claim: Claim
    evidence: Evidence


class Implying(Ending):
    """Make false, by inference."""

    def _fall(self) -> None:
        """Make false what answers the question of a changed fact with its former value.

        If Ann no longer works at Acme, she is no longer a tester at Acme. Read, not judged: the
        fact's sentence is a message that is asked the question. What came instead must exclude it,
        too: she may still like the canteen at Acme.
        """
        pairs = [
            (fact, old, edit)
            for old, edit in self._replaced()
            for fact in self.live
            if fact.id not in self.draft.settled
            and same_subject(fact.claim, old.claim)
            and goes_on(fact.claim)
            and not wording.ends_something(fact.text)
            and wording.occurs(core(old.claim), fact.text)
        ]
        if not pairs:
            return
        replies = self.lm.complete(
            [
                prompts.reading(fact.text, old.claim.question, self.told.word)
                for fact, old, _ in pairs
            ],
            max_tokens=prompts.READING_TOKENS,
            stop=("\n",),
        )
        implying = [
            pair
            for pair, reply in zip(pairs, replies, strict=True)
            if reply.finished and wording.same_value(reply.text, pair[1].claim.value)
        ]
        chances = self.exclusion([(fact.text, edit.claim.text) for fact, _, edit in implying])
        for (fact, _, edit), chance in zip(implying, chances, strict=True):
            if chance >= EXCLUDED and fact.id not in self.draft.settled:
                self._finish(fact, None, edit.evidence)

    def _part(self) -> None:
        """Make false the other side of a marriage that has ended."""
        ended = [
            (wed.turned, edit)
            for id_, edit in self.draft.settled.items()
            if id_ in self.draft.retired
            and isinstance(edit, Rewrite | MakeFalse)
            and (wed := wording.marriage(self.facts[id_].text)) is not None
        ]
        for fact in self.facts.values():  # whom the document need not name
            wed = wording.marriage(fact.text)
            for side, edit in ended:
                if fact.state is State.PAST or fact.id in self.draft.settled:
                    continue
                if wed == side and edit.evidence:
                    self._finish(fact, None, edit.evidence)

    def _replaced(self) -> list[tuple[Fact, Succession]]:
        """Facts with one value that lost it to a new one, and what the document says instead."""
        return [
            (fact, Succession(edit.claim, edit.evidence))
            for id_, edit in self.draft.settled.items()
            if isinstance(edit, Rewrite) and edit.claim is not None and edit.evidence is not None
            if has_slot((fact := self.facts[id_]).claim) and not fact.claim.several
        ]
