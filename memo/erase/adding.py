"""What no stored fact says yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memo import wording
from memo.claims import (
    names_value,
    repeats,
    restates,
    same_subject,
    says,
)
from memo.erase.endings import ended
from memo.erase.judging import MIN_HELD, MIN_RIGHT
from memo.erase.propagating import Propagating
from memo.records import (
    Add,
    Fact,
    MarkUncertain,
    Reinforce,
    Rewrite,
    State,
)

if TYPE_CHECKING:
    from memo.extract import Said


class Adding(Propagating):
    """Add, in the place that its time gives it."""

    def _add(self) -> None:
        """Add what no stored fact says and no edit has taken up."""
        rewritten = [e.claim for e in self.draft.edits if isinstance(e, Rewrite) and e.claim]
        for i, said in enumerate(self.said):
            if i in self.draft.used or any(repeats(said.claim, c) for c in rewritten):
                continue
            if said.ends and any(
                isinstance(self.draft.settled.get(f.id), Reinforce) and names_value(said.claim, f)
                for f in self.live
                if same_subject(said.claim, f.claim)
            ):
                continue  # the document says in the same breath that it goes on
            if said.ends and self._end_late(said, self.same.get(i, [])):
                continue
            stored = next((f for f in self.facts.values() if restates(said.claim, f.claim)), None)
            settled = stored is not None and stored.id in self.draft.settled
            if stored is not None and not (settled and not says(said.claim, stored.claim)):
                if not settled and (said.ends or said.holds):
                    self._return(stored, said)
                continue
            if any(says(said.claim, f.claim) for f in self.live):
                continue
            rivals = [
                f
                for f in self.same.get(i, [])
                if not f.claim.several
                and not said.claim.several
                and not said.ends
                and f.state is not State.PAST
                and not self.told.replaces_nothing(said.evidence)
            ]
            if rivals:
                self._contest(rivals[0], said)
                continue
            claim = replace(said.claim, several=True) if i in self.beside else said.claim
            self.draft.edits.append(Add(claim, said.at, said.evidence))

    def _end_late(self, said: Said, same: list[Fact]) -> bool:
        """Place an ending that arrives after what came next; False if nothing came next."""
        for fact in self.facts.values():
            if (
                fact.id not in self.draft.settled
                and same_subject(said.claim, fact.claim)
                and not wording.ends_something(fact.text)
                and names_value(said.claim, fact)
                and self._after(self._slot(fact), said.at) is not None
            ):
                claim = ended(fact, said.claim)
                self._supersede(fact, claim, said.at, said.evidence, None, None)
                return True
        for fact in same:  # what ended is not known, what came next is
            after = self._after(self._slot(fact), said.at)
            if after is not None and not fact.claim.several:
                claim = replace(said.claim, question=fact.claim.question)
                self.draft.edits.append(
                    Add(
                        claim,
                        said.at,
                        said.evidence,
                        superseded_by=after[1],
                        superseded_at=after[0],
                    )
                )
                return True
        return False

    def _return(self, stored: Fact, said: Said) -> None:
        """A fact that had ended is said again; time decides whether it holds."""
        rivals = [f for f in self._slot(stored) if f.id != stored.id and f.state is State.CURRENT]
        if rivals and not stored.claim.several:
            self._supersede(rivals[0], stored.claim, said.at, said.evidence, None, None)
        else:
            self._settle(stored, Reinforce(stored.id, said.at, said.evidence))

    def _contest(self, fact: Fact, said: Said) -> None:
        """A claim in a filled slot that the reading did not bear out: never beside the old one."""
        decided = self.draft.settled.get(fact.id)
        if isinstance(decided, Reinforce):
            return
        claim = replace(said.claim, question=fact.claim.question)
        if decided is not None and not isinstance(decided, MarkUncertain):
            self.draft.edits.append(Add(said.claim, said.at, said.evidence))
            return
        right = self._right([claim.text])[claim.text]
        objection = self._objection(fact)
        if right < MIN_RIGHT and not self.told.names(fact, claim.value, said.evidence):
            objection = "only one of two readings says so"
        if right >= MIN_HELD:
            self._supersede(fact, claim, said.at, said.evidence, right, objection)
