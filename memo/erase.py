"""Plan the edits that one document makes to the facts it bears on.

ERASE (Li et al. 2024, arXiv:2406.11830) retrieves, judges, rewrites and adds. Small models
cannot judge but can read (docs/erase.md), so each fact carries the question that it answers,
the document is read for that question, and code compares, guards and decides recency:

    extract   sentences that a turn states, each with its slot (question, value)
    judge     the questions of the candidates are put to the document, in one batch
    rewrite   another value than the stored one, guarded, supersedes it
    propagate what rested on a changed fact becomes uncertain unless read again
    add       extracted claims that no stored fact holds already

A fact is retired only on two witnesses: the reading, and either an extracted sentence or a
check of the new sentence against the document. What has one witness is held for review.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from memo import prompts, wording
from memo.claims import (
    core,
    has_slot,
    names_value,
    repeats,
    restates,
    same_subject,
    says,
    whose,
    without,
)
from memo.extract import Said, Spoken, extract, people_in, spoken_in
from memo.overtaking import overtaken
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
    MakeFalse,
    MarkUncertain,
    Plan,
    Reinforce,
    Rewrite,
    State,
)
from memo.slots import AGREEING, COEXISTING, COMPETING, exclusion, same_slots
from memo.told import Told, speaks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from memo.lm import Embedder, LanguageModel

MAX_RETIRED = 3
"""Facts one document may end by itself; further ones wait for review (reliability.md, 2.3)."""
MAX_UNCERTAIN = 5
MIN_RIGHT = 0.7
"""Least likelihood of "right" for a new sentence that only the reading witnesses."""
MIN_HELD = 0.5
"""Below this the new sentence is not even held for review."""
CONTRAST, MIN_LIKELIER = 3.0, 0.15
"""How many times likelier than the old sentence, and how likely at least, a new one is that is
not likely by itself: of `on earlies at the works` the document may name only the earlies."""
DEPENDENT = 0.30
"""Least cosine of a fact with what usually changes along; for MiniLM-L6 int8, 27 pairs."""


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    edits: list[Edit] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    retired: int = 0
    settled: dict[FactId, Edit] = field(default_factory=dict)
    """The edit that decided each candidate."""
    used: set[int] = field(default_factory=set)
    """Positions of the extracted claims that an edit has taken up."""


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
    draft = _Draft()
    word = word or prompts.fence()
    spoken = spoken_in(document)
    said, draft.problems = extract(document, spoken, lm, word)
    candidates = find(document, [s.claim for s in said])
    _Judge(document, spoken, said, candidates, lm, embedder, word, draft).run()
    return Plan(
        tuple(draft.edits),
        tuple(draft.held),
        tuple(draft.problems),
        lm.usage - before,
        time.monotonic() - started,
    )


class _Judge:
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
        draft: _Draft,
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
        slots = same_slots(said, candidates.facts, lm, embedder, word)
        self.same, self.beside = slots.same, slots.beside
        self.overtaken: dict[FactId, Evidence] = {}

    def run(self) -> None:
        """Judge, rewrite, propagate, add: the order of the paper."""
        readings, gone = self._read()
        unsaid = [fact for fact in self.live if self._restated(fact) is None]
        self.overtaken = overtaken(self.told, unsaid, self.lm)
        proposals = [
            (fact, *proposal)
            for fact in self.live
            if (proposal := self._compare(fact, readings.get(fact.claim.question))) is not None
        ]
        self._rewrite(proposals)
        self._end(gone)
        self._propagate()
        self._add()

    # judge

    def _read(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """What the document answers to each candidate's question, and what ended for whom."""
        questions = list(dict.fromkeys(f.claim.question for f in self.live if has_slot(f.claim)))
        subjects = list(dict.fromkeys(f.claim.subjects[0] for f in self.live if f.claim.subjects))
        asked = questions + [prompts.gone_question(subject) for subject in subjects]
        if not asked:
            return {}, {}
        replies = self.lm.complete(
            [prompts.reading(self.told.text, question, self.told.word) for question in asked],
            max_tokens=prompts.READING_TOKENS,
            stop=("\n",),
        )
        answers = []
        useless = 0
        for reply in replies:
            text = reply.text.strip().rstrip(".")
            whole = reply.finished and bool(text)
            useless += not whole
            answers.append(text if whole and text.casefold() != prompts.NOT_SAID else "")
        if useless:
            self.draft.problems.append(
                f"The model gave no whole answer to {useless} question"
                f"{'s' if useless > 1 else ''} about what is known; nothing was changed by "
                f"{'them' if useless > 1 else 'it'}."
            )
        readings = dict(zip(questions, answers, strict=False))
        gone = {
            subject: prompts.parse_list(answer)
            for subject, answer in zip(subjects, answers[len(questions) :], strict=True)
        }
        return readings, gone

    def _compare(self, fact: Fact, answer: str | None) -> tuple[str, int | None] | None:
        """Reinforce at once; else the new value with the claim that witnesses it, if any."""
        restated = self._restated(fact)
        if restated is not None:
            self._reinforce(fact, self.said[restated].evidence, restated)
            return None
        if not answer or fact.claim.several:
            return None
        if wording.names_a_relation(answer) and not wording.names_a_relation(fact.claim.value):
            return None  # of `Ann's uncle` it read `uncle` as what Ann is
        if wording.content(answer) <= wording.content(fact.claim.question):
            return None  # an echo of the question
        witness = next(
            (
                i
                for i, s in enumerate(self.said)
                if not s.ends
                and fact in self.same.get(i, ())
                and wording.occurs(answer, s.claim.text)
            ),
            None,
        )
        if wording.same_value(answer, fact.claim.value):
            if wording.ends_something(fact.text):
                return None  # it says what is over: the value alone does not say it again
            evidence = self.told.quote(fact, answer)
            if (
                evidence is not None
                and fact.id not in self.overtaken
                and not wording.over(answer, evidence.quote)
                and self.told.owns(fact, answer)
            ):
                self._reinforce(fact, evidence, witness)
                return None
            # The only words about it are of an ending: another claim may fill the slot.
            rival = self._rival(fact)
            return None if rival is None else (self.said[rival].claim.value, rival)
        quote = self.told.quote(fact, answer)
        if quote is not None and self.told.replaces_nothing(quote):
            return None
        if quote is None or not self.told.owns(fact, answer):
            rival = self._rival(fact)
            return None if rival is None else (self.said[rival].claim.value, rival)
        return answer, witness

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

    # rewrite

    def _rewrite(self, proposals: list[tuple[Fact, str, int | None]]) -> None:
        """Supersede facts whose slot has another value, each on two witnesses."""
        drafts = []
        for fact, value, witness in self._witnessed(proposals):
            claim = self._successor(fact, value, witness)
            if claim is not None:
                drafts.append((fact, claim, witness))
        unseen = [(fact.text, claim.text) for fact, claim, witness in drafts if witness is None]
        right = self._right([text for pair in unseen for text in pair])
        excluding = dict(zip(unseen, exclusion(unseen, self.lm), strict=True))
        for fact, claim, witness in drafts:
            if fact.id in self.draft.settled:
                continue  # ended together with another fact in its slot
            confidence = None if witness is not None else right[claim.text]
            instead = excluding.get((fact.text, claim.text), 1.0)
            evidence = (
                self.said[witness].evidence
                if witness is not None
                else self.told.quote(fact, claim.value)
            )
            if evidence is None:
                continue
            if confidence is not None and confidence < MIN_HELD:
                likelier = confidence >= max(CONTRAST * right[fact.text], MIN_LIKELIER)
                if not likelier or instead < AGREEING:
                    continue
            if instead < COEXISTING:
                continue
            at = self.told.at(evidence)
            if witness is not None:
                self.draft.used.add(witness)
            reason = self._objection(fact)
            if confidence is not None and confidence < MIN_RIGHT and instead < AGREEING:
                reason = "only one of two readings says so"
            elif instead < COMPETING:
                reason = "both may be true"
            elif witness is None and not self.told.names(fact, evidence):
                reason = "the sentence does not name whom it is about"
            self._supersede(fact, claim, at, evidence, confidence, reason)

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

    def _witnessed(
        self, proposals: list[tuple[Fact, str, int | None]]
    ) -> list[tuple[Fact, str, int | None]]:
        """The proposals, with the claim that gives the same answer in words of another slot.

        `Linh's wedding is at the Old Mill` bears out what was read of where Linh marries, if it
        excludes what is known of that.
        """
        pairs = [
            (n, i)
            for n, (fact, value, witness) in enumerate(proposals)
            if witness is None
            for i, s in enumerate(self.said)
            if s.holds
            and has_slot(s.claim)
            and not s.claim.several
            and wording.same_value(s.claim.value, value)
            and set(whose(s.claim)) & set(whose(fact.claim))
        ]
        chances = exclusion(
            [(proposals[n][0].text, self.said[i].claim.text) for n, i in pairs], self.lm
        )
        borne_out = {
            n: i for (n, i), chance in zip(pairs, chances, strict=True) if chance >= AGREEING
        }
        return [
            (fact, value, borne_out.get(n, witness))
            for n, (fact, value, witness) in enumerate(proposals)
        ]

    def _successor(self, fact: Fact, value: str, witness: int | None) -> Claim | None:
        """The claim that takes a fact's place; it may name only what the document names."""
        if witness is not None:
            claim = self.said[witness].claim
            return Claim(
                claim.text, fact.claim.question, value, claim.subjects or fact.claim.subjects
            )
        text = wording.replaced(fact.text, fact.claim.value, value)
        if text is None:
            return None
        return Claim(text, fact.claim.question, value, fact.claim.subjects)

    def _objection(self, fact: Fact) -> str | None:
        """Why a fact may not be retired by a model; None if it may."""
        if fact.pinned:
            return "the fact is pinned"
        if fact.by_hand:
            return "the fact was written by hand"
        if self.draft.retired >= MAX_RETIRED:
            return f"the document already ends {MAX_RETIRED} facts"
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
        objections = [objection, *map(self._objection, ends)]
        if reason := next(filter(None, objections), None):
            self.draft.held += [Held(edit, reason) for edit in edits]
            return
        retired = {edit.fact for edit in edits if isinstance(edit, Rewrite)}
        self.draft.edits = [
            edit
            for edit in self.draft.edits
            if not (isinstance(edit, MarkUncertain) and edit.fact in retired)
        ] + edits
        self.draft.retired += sum(ended.state is not State.PAST for ended in ends)
        for edit in edits:
            key = edit.fact if isinstance(edit, Rewrite) else fact.id
            if key in retired or key not in self.draft.settled:
                self.draft.settled[key] = edit

    def _decided(self, fact: Fact) -> bool:
        """Whether an edit says of a fact what it is; a doubt does not."""
        return not isinstance(self.draft.settled.get(fact.id), MarkUncertain | None)

    def _slot(self, fact: Fact) -> list[Fact]:
        """All candidates that compete with a fact, itself among them."""
        key = wording.content(fact.claim.question)
        return [f for f in self.facts.values() if wording.content(f.claim.question) == key]

    def _after(self, slot: list[Fact], at: datetime) -> tuple[datetime, FactId] | None:
        """The first assertion in a slot after a time."""
        ids = {fact.id for fact in slot}
        return next(
            ((when, id_) for when, id_ in self.assertions if when > at and id_ in ids), None
        )

    # endings

    def _end(self, gone: dict[str, list[str]]) -> None:
        """Make false what the document says is over, where no new value took its place."""
        for fact in self.live:
            if fact.id in self.draft.settled:
                if not isinstance(self.draft.settled[fact.id], Reinforce):
                    continue
                if not self.draft.settled[fact.id].confirms:  # type: ignore[union-attr]
                    continue
            sentence = next(
                (
                    i
                    for i, s in enumerate(self.said)
                    if (s.ends and same_subject(s.claim, fact.claim) and names_value(s.claim, fact))
                    or (not s.ends and not s.holds and restates(s.claim, fact.claim))
                ),
                None,
            )
            at_end = [
                item
                for item in gone.get(fact.claim.subjects[0] if fact.claim.subjects else "", [])
                if wording.same_value(item, core(fact.claim))
                or (
                    wording.content(item)
                    and wording.content(item) <= wording.content(fact.claim.value)
                )
            ]
            if sentence is not None:
                said = self.said[sentence]
                evidence = self._ending(fact, said) or said.evidence
                witnessed = at_end or fact.id in self.overtaken
                if not witnessed and not wording.ends_something(evidence.quote):
                    continue  # only the model's own words say that it is over
            elif fact.id in self.overtaken:
                evidence = self.overtaken[fact.id]
            elif at_end:
                found = self.told.quote(fact, at_end[0])
                if found is None or not wording.over(at_end[0], found.quote):
                    continue
                if not self.told.owns(fact, at_end[0]):
                    continue
                evidence = found
            else:
                continue
            rival = self._rival(fact)
            if rival is not None and rival not in self.draft.used:
                self.draft.used.add(rival)
                new = self.said[rival]
                claim = replace(new.claim, question=fact.claim.question)
                self._supersede(fact, claim, new.at, new.evidence, None, self._objection(fact))
                continue
            self._finish(fact, sentence, evidence)

    def _ending(self, fact: Fact, said: Said) -> Evidence | None:
        """The sentence of the same message that says of a fact, or of a claim, that it is over."""
        i = said.evidence.message
        for value in (core(fact.claim), said.claim.value):
            for sentence in wording.sentences(self.told.document.messages[i].text):
                if wording.occurs(value, sentence) and wording.over(value, sentence):
                    return Evidence(sentence, i)
        return None

    def _finish(self, fact: Fact, sentence: int | None, evidence: Evidence) -> None:
        at = self.told.at(evidence)
        claim = None
        if sentence is not None:
            self.draft.used.add(sentence)
            if self.said[sentence].ends:
                claim = _ended(fact, self.said[sentence].claim)
        objection = self._objection(fact)
        if any(when > at for when, id_ in self.assertions if id_ == fact.id):
            if claim is not None:  # said again since: it was over for a while
                self._supersede(fact, claim, at, evidence, None, objection)
            return
        edit: Edit = MakeFalse(fact.id, at, evidence)
        if claim is not None:
            edit = Rewrite(fact.id, at, claim, None, evidence)
        if objection is not None:
            self.draft.held.append(Held(edit, objection))
            return
        self.draft.retired += 1
        self._settle(fact, edit)

    # propagate

    def _propagate(self) -> None:
        """Doubt what rested on a changed fact and was not read again."""
        changed = [
            self.facts[id_]
            for id_, edit in self.draft.settled.items()
            if isinstance(edit, Rewrite | MakeFalse) and has_slot(self.facts[id_].claim)
        ]
        others = [
            fact
            for fact in self.facts.values()
            if fact.state is State.CURRENT
            and fact.id not in self.draft.settled
            and not fact.pinned
            and not fact.by_hand
        ]
        doubted = 0
        for fact in changed:
            whose = set(fact.claim.subjects[:1])  # `Ann's boss` rests on what Ann does
            related = [
                f
                for f in others
                if same_subject(f.claim, fact.claim)
                or whose & set(f.claim.subjects)
                or any(wording.occurs(name, f.text) for name in whose)
            ]
            if not related:
                continue
            (reply,) = self.lm.complete(
                [prompts.aspects(fact.claim.question)],
                max_tokens=prompts.ASPECT_TOKENS,
                stop=("\n",),
            )
            items = [without(item, fact.claim.subjects) for item in prompts.parse_list(reply.text)]
            if not reply.finished or not items:
                self.draft.problems.append("What else may have changed could not be told.")
                items = []
            near = np.zeros(len(related), np.float32)
            if items:
                sentences = [without(f.text, f.claim.subjects) for f in related]
                near = (self.embedder.embed(sentences) @ self.embedder.embed(items).T).max(axis=1)
            about = wording.content(" ".join((*fact.claim.subjects, *wording.names(fact.text)[:1])))
            over = wording.telling(fact.claim.value) - about
            for other, cosine in zip(related, near, strict=True):
                mentions = bool(over & wording.content(other.text) - about)
                edit = self.draft.settled[fact.id]
                if (mentions or cosine >= DEPENDENT) and doubted < MAX_UNCERTAIN:
                    if other.id in self.draft.settled:
                        continue
                    doubted += 1
                    self._settle(other, MarkUncertain(other.id, edit.at, fact.id, float(cosine)))

    # add

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
                claim = _ended(fact, said.claim)
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
        if right < MIN_RIGHT and not self.told.names(fact, said.evidence):
            objection = "only one of two readings says so"
        if right >= MIN_HELD:
            self._supersede(fact, claim, said.at, said.evidence, right, objection)


def _ended(fact: Fact, said: Claim) -> Claim:
    """A sentence that says a fact is over, as the next value of its slot."""
    return Claim(
        said.text,
        fact.claim.question,
        f"no longer {core(fact.claim)}",
        said.subjects or fact.claim.subjects,
        fact.claim.several,
    )
