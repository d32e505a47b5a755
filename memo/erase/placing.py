"""Edits placed in time: what reinforces, replaces or ends a fact, and what may not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memo import prompts, wording
from memo.claims import (
    is_kinship,
    restates,
    says,
    supplants,
)
from memo.extract import Said, Spoken, people_in
from memo.records import (
    Add,
    Candidates,
    Claim,
    Document,
    Edit,
    Evidence,
    Fact,
    FactId,
    Held,
    MarkUncertain,
    Reinforce,
    Rewrite,
    State,
)
from memo.slots import Exclusion, same_slots
from memo.told import Told, speaks_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memo.lm import Embedder, LanguageModel

MAX_CHANGED = 3
"""Slots in which one document may end facts by itself; the rest waits for review (reliability.md,
2.3). Who moves has left the city, the quarter and the floor: facts of one slot are one thing."""
MAX_RETIRED = 6
"""Facts that it may end in them."""


@dataclass(slots=True)
class Draft:
    """A plan in the making."""

    edits: list[Edit] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    retired: set[FactId] = field(default_factory=set)
    """The facts that it ends."""
    settled: dict[FactId, Edit] = field(default_factory=dict)
    """The edit that decided each candidate."""
    used: set[int] = field(default_factory=set)
    """Positions of the extracted claims that an edit has taken up."""


class Placing:
    """One document against its candidates; fills the draft."""

    def __init__(
        self,
        document: Document,
        spoken: list[Spoken],
        said: list[Said],
        candidates: Candidates,
        lm: LanguageModel,
        embedder: Embedder,
        word: str,
        draft: Draft,
    ) -> None:
        self.said, self.lm, self.embedder, self.draft = said, lm, embedder, draft
        self.assertions = candidates.said
        self.facts = {fact.id: fact for fact in candidates.facts}
        self.live = [
            fact
            for fact in candidates.facts
            if fact.state is not State.PAST and speaks_of(spoken, fact)
        ]
        known = [fact.claim.subjects for fact in self.live]
        people = people_in(spoken, known + [s.claim.subjects for s in said])
        self.told = Told(document, spoken, people, word)
        self.exclusion = Exclusion(lm)
        slots = same_slots(said, candidates.facts, lm, self.exclusion, embedder, word)
        self.same, self.beside = slots.same, slots.beside
        self.overtaken: dict[FactId, Evidence] = {}

    def _restated(self, fact: Fact) -> int | None:
        """An extracted claim that says a fact again."""
        return next(
            (i for i, s in enumerate(self.said) if s.holds and restates(s.claim, fact.claim)),
            None,
        )

    def _rival(self, fact: Fact) -> int | None:
        """An extracted claim that fills the same slot with another value."""
        for i, slotted in self.same.items():
            claim = self.said[i].claim
            if (
                fact in slotted
                and not self.said[i].ends
                and not self.told.replaces_nothing(self.said[i].evidence)
                and not wording.same_value(claim.value, fact.claim.value)
            ):
                return i
        return None

    def _right(self, sentences: Sequence[str]) -> dict[str, float]:
        """How likely the document says each sentence, from 0 to 1."""
        asked = list(dict.fromkeys(sentences))
        if not asked:
            return {}
        chances = self.lm.choose(
            [prompts.checking(self.told.text, text, self.told.word) for text in asked],
            [prompts.RIGHT, prompts.WRONG],
        )
        return {text: float(row[0]) for text, row in zip(asked, chances, strict=True)}

    def _reinforce(self, fact: Fact, evidence: Evidence, claim: int | None) -> None:
        if claim is not None and says(self.said[claim].claim, fact.claim):
            self.draft.used.add(claim)  # else it says more, which is still to be added
        edit = Reinforce(
            fact.id,
            self.told.at(evidence),
            evidence,
            confirms=fact.state is State.UNCERTAIN,
        )
        self._settle(fact, edit)
        after = self._after(self._slot(fact), edit.at)
        if after is None or after[1] == fact.id or fact.claim.several:
            return
        if not fact.pinned and not fact.by_hand:  # old news: it held until the next value was said
            self.draft.edits.append(Rewrite(fact.id, after[0], None, after[1]))

    def _settle(self, fact: Fact, edit: Edit) -> None:
        self.draft.settled[fact.id] = edit
        self.draft.edits.append(edit)

    def _objection(self, fact: Fact, claim: Claim | None = None) -> str | None:
        """Why a fact may not be retired by a model, for a claim if one is given; None if it may."""
        if fact.pinned:
            return "the fact is pinned"
        if fact.by_hand:
            return "the fact was written by hand"
        if is_kinship(fact.claim) and not (claim and supplants(claim, fact.claim)):
            return "kinship does not end"
        return self._excess([fact])

    def _excess(self, more: Sequence[Fact]) -> str | None:
        """Why a document may not end these facts, too; None if it may."""
        ends = [self.facts[id_] for id_ in self.draft.retired]
        ends += [fact for fact in more if fact.id not in self.draft.retired]
        slots = {frozenset(f.id for f in self._slot(fact)) for fact in ends}
        if len(slots) > MAX_CHANGED or len(ends) > MAX_RETIRED:
            return f"the document already ends {len(self.draft.retired)} facts"
        return None

    def _supersede(
        self,
        fact: Fact,
        claim: Claim,
        at: datetime,
        evidence: Evidence,
        confidence: float | None,
        objection: str | None,
    ) -> None:
        """Place a new value in its slot by time: now, back again, or as old news."""
        slot = self._slot(fact)
        stored = next(
            (
                f
                for f in slot
                if f.id != fact.id
                and wording.same_value(f.claim.value, claim.value)
                and wording.ends_something(f.text) == wording.ends_something(claim.text)
            ),
            None,
        )
        if stored is not None and State.PAST not in {stored.state, fact.state}:
            if stored.id not in self.draft.settled:  # both held until now, and so they do
                self._reinforce(stored, evidence, None)
            return
        ids = {f.id for f in slot}
        times = [(when, id_) for when, id_ in self.assertions if id_ in ids]
        before = next((id_ for when, id_ in reversed(times) if when <= at), None)
        after = self._after(slot, at)
        edits: list[Edit] = []
        if stored is not None and after is not None:
            edits.append(Reinforce(stored.id, at, evidence, confidence))
            if after[1] != stored.id:
                edits.append(Rewrite(stored.id, after[0], None, after[1]))
        elif after is not None:
            edits.append(
                Add(claim, at, evidence, confidence, superseded_by=after[1], superseded_at=after[0])
            )
        ended = [before] if before is not None else []
        if after is None:
            ended = [f.id for f in slot if f.state is not State.PAST and not self._decided(f)]
        for id_ in ended:
            if stored is None:
                edits.append(Rewrite(id_, at, claim, None, evidence, confidence))
            elif id_ != stored.id:
                edits.append(Rewrite(id_, at, None, stored.id, evidence, confidence))
        ends = [self.facts[edit.fact] for edit in edits if isinstance(edit, Rewrite)]
        more = [fact for fact in ends if fact.state is not State.PAST]
        objections = [objection, *(self._objection(end, claim) for end in ends)]
        objections.append(self._excess(more))
        if reason := next(filter(None, objections), None):
            self.draft.held += [Held(edit, reason) for edit in edits]
            return
        retired = {edit.fact for edit in edits if isinstance(edit, Rewrite)}
        self.draft.edits = [
            edit
            for edit in self.draft.edits
            if not (isinstance(edit, MarkUncertain) and edit.fact in retired)
        ] + edits
        self.draft.retired |= {fact.id for fact in more}
        for edit in edits:
            key = edit.fact if isinstance(edit, Rewrite) else fact.id
            if key in retired or key not in self.draft.settled:
                self.draft.settled[key] = edit

    def _decided(self, fact: Fact) -> bool:
        """Whether an edit says of a fact what it is; a doubt does not."""
        return not isinstance(self.draft.settled.get(fact.id), MarkUncertain | None)

    def _slot(self, fact: Fact) -> list[Fact]:
        """All candidates that compete with a fact, itself among them."""
        if fact.claim.several:
            return [fact]
        key = wording.content(fact.claim.question)
        return [f for f in self.facts.values() if wording.content(f.claim.question) == key]

    def _after(self, slot: list[Fact], at: datetime) -> tuple[datetime, FactId] | None:
        """The first assertion in a slot after a time."""
        ids = {fact.id for fact in slot}
        return next(
            ((when, id_) for when, id_ in self.assertions if when > at and id_ in ids), None
        )
