"""What a document answers to the questions of its candidates, and what that replaces."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from memo import prompts, wording
from memo.claims import (
    has_slot,
    is_whole,
    restates,
    same_subject,
    supplants,
    whose,
)
from memo.erase.placing import Placing
from memo.records import (
    Claim,
    Evidence,
    Fact,
    State,
)
from memo.slots import AGREEING, COEXISTING, COMPETING

MIN_RIGHT = 0.7
"""Least likelihood of "right" for a new sentence that only the reading witnesses."""
MIN_HELD = 0.5
"""Below this the new sentence is not even held for review."""
CONTRAST, MIN_LIKELIER = 3.0, 0.15
"""How many times likelier than the old sentence, and how likely at least, a new one is that is
not likely by itself: of `on earlies at the works` the document may name only the earlies."""


class Correction(NamedTuple):
    """A fact put right."""

    text: str
    value: str
    word: str
    """The right one."""
    evidence: Evidence


class Judging(Placing):
    """Judge and rewrite."""

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

    def _is_replaced(self, fact: Fact, readings: dict[str, str]) -> bool:
        """Whether reading and statements agree on what takes a fact's place."""
        rival = self._rival(fact)
        answer = readings.get(fact.claim.question)
        return (
            rival is not None
            and answer is not None
            and wording.same_value(answer, self.said[rival].claim.value)
        )

    def _compare(self, fact: Fact, answer: str | None) -> tuple[str, int | None] | None:
        """Reinforce at once; else the new value with the claim that witnesses it, if any."""
        returned = self._returned(fact)
        if returned is not None:
            return self.said[returned].claim.value, returned
        for i, s in enumerate(self.said):
            if s.holds and fact in self.same.get(i, ()) and self._is_elsewhere_now(fact, s.claim):
                return s.claim.value, i
        restated = self._restated(fact)
        if restated is not None:
            self._reinforce(fact, self.said[restated].evidence, restated)
            return None
        supplanting = self._supplanting(fact)
        if supplanting is not None:
            return self.said[supplanting].claim.value, supplanting
        corrected = self._corrected(fact)
        if corrected is not None:
            return corrected.value, None
        if not answer or fact.claim.several or is_whole(fact.claim):
            return None  # that Bo is a colleague of Ann's does not say that he is the only one
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
        if quote is None or not (
            self.told.owns(fact, answer) or self.told.contradicts(fact, quote)
        ):
            rival = self._rival(fact)
            return None if rival is None else (self.said[rival].claim.value, rival)
        return answer, witness

    def _supplanting(self, fact: Fact) -> int | None:
        """A claim that takes the place of a fact by what both say: a whole list, another spouse."""
        return next(
            (
                i
                for i, s in enumerate(self.said)
                if s.holds
                and fact in self.same.get(i, ())
                and supplants(s.claim, fact.claim)
                and not self.told.replaces_nothing(s.evidence)
            ),
            None,
        )

    def _returned(self, fact: Fact) -> int | None:
        """A claim that brings back what was known to be over, and with which a fact is not true.

        `I'm back at Acme` ends `Ann has left Acme`, and that she is at Borealis.
        """
        for i, s in enumerate(self.said):
            if not s.holds or restates(s.claim, fact.claim) or not (former := self._former(i)):
                continue
            pair = (fact.text, s.claim.text)
            if fact in former:
                least = COEXISTING
            elif fact in self.same.get(i, ()) and not wording.ends_something(fact.text):
                least = AGREEING if fact.claim.several else COEXISTING
            else:
                continue
            if self.exclusion([pair])[0] >= least:
                return i
        return None

    def _former(self, i: int) -> list[Fact]:
        """What is known to be over of what a claim says to be so again: in its slot, or left."""
        said = self.said[i]
        if not has_slot(said.claim) or not wording.returns(said.evidence.quote):
            return []
        return [
            fact
            for fact in self.facts.values()
            if (fact.state is State.PAST) != wording.ends_something(fact.text)
            and has_slot(fact.claim)
            and same_subject(said.claim, fact.claim)
            and wording.occurs(said.claim.value, fact.text)
            and (
                fact in self.same.get(i, ())
                or wording.leaves_where(fact.text, said.claim.text, said.claim.value)
            )
        ]

    def _is_elsewhere_now(self, fact: Fact, claim: Claim) -> bool:
        """Whether a claim names another place for the same value, and the fact's own is left.

        `I left Acme. I am a nurse at Borealis` does not say again that Ann is a nurse at Acme.
        """
        places = set(wording.names(fact.text)) - set(wording.names(" ".join(fact.claim.subjects)))
        others = set(wording.names(claim.text)) - set(wording.names(" ".join(claim.subjects)))
        return bool(others and has_slot(claim) and not fact.claim.several) and any(
            said.ends
            and same_subject(said.claim, fact.claim)
            and wording.occurs(said.claim.value, fact.text)
            and set(wording.names(said.claim.value)) <= places - others
            for said in self.said
            if has_slot(said.claim) and wording.names(said.claim.value)
        )

    def _rewrite(self, proposals: list[tuple[Fact, str, int | None]]) -> None:
        """Supersede facts whose slot has another value, each on two witnesses."""
        options = [
            (fact, self._successors(fact, value, witness), witness)
            for fact, value, witness in self._witnessed(proposals)
        ]
        right = self._right(
            [claim.text for _, claims, witness in options if witness is None for claim in claims]
        )
        for fact, claims, witness in options:
            if witness is None and claims and self._corrected(fact):  # the rest is not in question
                right[claims[0].text] = max(right[claim.text] for claim in claims)
        drafts = [
            (fact, _fullest(claims, right), witness) for fact, claims, witness in options if claims
        ]
        unseen = [(fact.text, claim.text) for fact, claim, witness in drafts if witness is None]
        right |= self._right([old for old, new in unseen if right[new] < MIN_HELD])
        excluding = dict(zip(unseen, self.exclusion(unseen), strict=True))
        for fact, claim, witness in drafts:
            if fact.id in self.draft.settled:
                continue  # ended together with another fact in its slot
            if witness is None:
                self._reword(fact, claim, right, excluding[fact.text, claim.text])
                continue
            said = self.said[witness]
            self.draft.used.add(witness)
            objection = self._objection(fact, claim)
            self._supersede(fact, claim, said.at, said.evidence, None, objection)

    def _reword(self, fact: Fact, claim: Claim, right: dict[str, float], excluding: float) -> None:
        """Supersede a fact by a sentence that only the reading and its check bear out."""
        confidence = right[claim.text]
        corrected = self._corrected(fact)
        evidence = corrected.evidence if corrected else self.told.quote(fact, claim.value)
        if evidence is None:
            return
        if wording.is_negative(fact.text) and not corrected:
            return  # of `João can't have pets on the boat` it read `can't have bad films`
        instead = 1.0 if corrected else self._instead(fact, evidence, excluding)
        if instead < COEXISTING:
            return
        if confidence < MIN_HELD:
            likelier = confidence >= max(CONTRAST * right[fact.text], MIN_LIKELIER)
            if corrected or not likelier or instead < AGREEING:
                return
        reason = self._objection(fact)
        if confidence < MIN_RIGHT and instead < AGREEING:
            reason = "only one of two readings says so"
        elif instead < COMPETING:
            reason = "both may be true"
        elif not corrected and not self.told.names(fact, claim.value, evidence):
            reason = "the sentence does not name whom it is about"
        self._supersede(fact, claim, self.told.at(evidence), evidence, confidence, reason)

    def _instead(self, fact: Fact, evidence: Evidence, excluding: float) -> float:
        """Exclusion of a fact by another value; 1 where the document says that the fact is over.

        Unless both can well be true: `I've given up one of my two jobs`.
        """
        told = self._is_contradicted(fact) or wording.comes_instead(evidence.quote)
        return 1.0 if told and excluding >= COEXISTING else excluding

    def _corrected(self, fact: Fact) -> Correction | None:
        """A fact as the document puts it right in so many words: `Wren, not Iris`."""
        for new, old in self.told.corrections:
            text = wording.replaced(fact.text, old, new)
            evidence = self.told.quote(fact, f"{new} {old}")
            named = old in fact.claim.subjects and old != fact.claim.value
            if text and evidence and has_slot(fact.claim) and not named:
                value = wording.replaced(fact.claim.value, old, new) or fact.claim.value
                return Correction(text, value, new, evidence)
        return None

    def _is_contradicted(self, fact: Fact) -> bool:
        """Whether the document says of a fact's value that it is over: `Oslo is off`."""
        quote = self.told.quote(fact, fact.claim.value)
        return quote is not None and self.told.contradicts(fact, quote)

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
        chances = self.exclusion(
            [(proposals[n][0].text, self.said[i].claim.text) for n, i in pairs]
        )
        borne_out = {
            n: i for (n, i), chance in zip(pairs, chances, strict=True) if chance >= AGREEING
        }
        return [
            (fact, value, borne_out.get(n, witness))
            for n, (fact, value, witness) in enumerate(proposals)
        ]

    def _successors(self, fact: Fact, value: str, witness: int | None) -> list[Claim]:
        """Claims that may take a fact's place, the fullest first; of words in the document.

        Who `is a clerk at the depot` and has become a pensioner is one nowhere in particular.
        """
        if witness is not None:
            claim = self.said[witness].claim
            subjects = claim.subjects or fact.claim.subjects
            former = self._former(witness)
            question = former[0].claim.question if former else fact.claim.question
            return [Claim(claim.text, question, value, subjects)]
        corrected = self._corrected(fact)
        if corrected is not None:
            texts = [corrected.text, wording.cut_after(corrected.text, corrected.word)]
        else:
            value = wording.with_article(value, fact.claim.value, self.told.text)
            text = wording.replaced(fact.text, fact.claim.value, value)
            texts = [text, wording.cut_after(text, value)] if text else []
        subjects = tuple(
            value if subject == fact.claim.value else subject for subject in fact.claim.subjects
        )
        return [
            replace(fact.claim, text=words, value=value, subjects=subjects)
            for words in texts
            if words is not None
        ]


def _fullest(claims: list[Claim], right: dict[str, float]) -> Claim:
    """The first claim that is likely enough, else the likeliest."""
    likely = (claim for claim in claims if right.get(claim.text, 1.0) >= MIN_HELD)
    return next(likely, max(claims, key=lambda claim: right.get(claim.text, 1.0)))
