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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from memo.lm import Embedder, LanguageModel

MAX_RETIRED = 3
"""Facts one document may end by itself; further ones wait for review (reliability.md, 2.3)."""
MIN_WORDS = 4
"""A shorter sentence means nothing by itself."""
MAX_UNCERTAIN = 5
MIN_RIGHT = 0.7
"""Least likelihood of "right" for a new sentence that only the reading witnesses."""
MIN_RIGHT_ECHOED = 0.5
"""The same where an extracted sentence about the subject has the value, in another slot."""
MIN_HELD = 0.35
"""Below this the new sentence is not even held for review."""
SAME_SLOT = 0.80
"""Least cosine of two questions, subject left out, that ask the same; for MiniLM-L6 int8."""
DEPENDENT = 0.30
"""Least cosine of a fact with what usually changes along; for MiniLM-L6 int8, 27 pairs."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One message with its speaker."""

    speaker: str
    """`I` where the source does not say."""
    text: str
    message: int
    """Index into `Document.messages`."""
    context: str | None = None
    """The question that somebody else has just asked."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A claim that a document makes, and where."""

    claim: Claim
    evidence: Evidence
    at: datetime
    ends: bool
    """It says that something is over."""


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
) -> Plan:
    """Decide how a document changes the facts it bears on and what it adds.

    Args:
        document: What was said.
        find: Retrieves candidate facts for the document and the claims extracted from it.
        lm: Reads and writes sentences.
        embedder: Tells whether two questions ask the same.

    Raises:
        ContextOverflow: The document does not fit the model.
    """
    started, before = time.monotonic(), lm.usage
    draft = _Draft()
    word = prompts.fence()
    spoken = _spoken(document)
    said = _extract(document, spoken, lm, word, draft)
    candidates = find(document, [s.claim for s in said])
    _Judge(document, spoken, said, candidates, lm, embedder, word, draft).run()
    return Plan(
        tuple(draft.edits),
        tuple(draft.held),
        tuple(draft.problems),
        lm.usage - before,
        time.monotonic() - started,
    )


def claim_of(text: str, lm: LanguageModel) -> Claim:
    """A sentence that a person typed, with the slot it fills."""
    subjects = wording.leading_subjects(text)
    (reply,) = lm.complete(
        [prompts.slot(text)], max_tokens=prompts.SLOT_TOKENS, grammar=prompts.SLOT_GRAMMAR
    )
    return _claim(text, prompts.parse_slot(reply.text, finished=reply.finished), subjects)


# Extraction


def _spoken(document: Document) -> list[_Spoken]:
    spoken: list[_Spoken] = []
    for i, message in enumerate(document.messages):
        speaker = message.speaker or "I"
        context = None
        if spoken and spoken[-1].speaker != speaker and spoken[-1].text.rstrip().endswith("?"):
            context = wording.sentences(spoken[-1].text)[-1]
        spoken.append(_Spoken(speaker, message.text, i, context))
    return spoken


def _parts(text: str) -> list[str]:
    """The sentences of a message, the shortest joined to the one before."""
    parts: list[str] = []
    for sentence in wording.sentences(text):
        if parts and len(wording.words(sentence)) < MIN_WORDS:
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts.append(sentence)
    return parts


def _signed(turn: _Spoken) -> str:
    return turn.text if turn.speaker == "I" else f"{turn.speaker}: {turn.text}"


def _extract(
    document: Document, spoken: list[_Spoken], lm: LanguageModel, word: str, draft: _Draft
) -> list[_Said]:
    """The grounded claims of a document, in its order."""
    parts = [(turn, part) for turn in spoken for part in _parts(turn.text)]
    replies = lm.complete(
        [prompts.extraction(_signed(turn), part, turn.context, word) for turn, part in parts],
        max_tokens=prompts.EXTRACTION_TOKENS,
        grammar=prompts.EXTRACTION_GRAMMAR,
    )
    found: list[tuple[_Spoken, str]] = []
    for (turn, _), reply in zip(parts, replies, strict=True):
        if not reply.text.strip():
            draft.problems.append("The model wrote nothing where facts were asked for.")
        sentences, problems = prompts.parse_sentences(reply.text, finished=reply.finished)
        draft.problems += problems
        found += [
            (turn, s)
            for sentence in sentences
            for s in wording.unfolded(wording.claimed(sentence, turn.speaker))
            if wording.stands_alone(s) and _is_grounded(s, turn, document)
        ]
    if not found:
        return []
    slots = lm.complete(
        [prompts.slot(sentence) for _, sentence in found],
        max_tokens=prompts.SLOT_TOKENS,
        grammar=prompts.SLOT_GRAMMAR,
    )
    people = _people(spoken, [wording.leading_subjects(s) for _, s in found])
    said: list[_Said] = []
    for (turn, sentence), reply in zip(found, slots, strict=True):
        subjects = wording.leading_subjects(sentence)
        slot = prompts.parse_slot(reply.text, finished=reply.finished)
        claim = _claim(sentence, slot, subjects)
        key = claim.value if _has_slot(claim) else sentence
        if not subjects or not wording.may_own(
            subjects[0],
            _anchor(key, sentence, subjects),
            turn.text,
            turn.speaker,
            people,
            frozenset(t.speaker for t in spoken),
        ):
            continue
        if any(wording.content(s.claim.text) == wording.content(sentence) for s in said):
            continue
        evidence = _evidence(claim, turn)
        said.append(
            _Said(
                claim,
                evidence,
                document.messages[evidence.message].at,
                wording.ends_something(sentence),
            )
        )
    return said


def _people(spoken: list[_Spoken], subjects: Iterable[tuple[str, ...]]) -> frozenset[str]:
    """First words of everybody and everything that is spoken of."""
    found = {turn.speaker for turn in spoken} - {"I"}
    for turn in spoken:
        found |= wording.acting(turn.text)
    for named in subjects:
        found |= {word for name in named if name != "I" for word in wording.names(name)}
    return frozenset(found)


def _is_grounded(sentence: str, turn: _Spoken, document: Document) -> bool:
    """Whether names, numbers and most words of a sentence stand in what was said."""
    everything = document.text
    there = wording.content(everything) | wording.content(turn.speaker)
    for name in wording.names(sentence):
        folded = wording.content(name)
        if name not in {"I", "My", "The", "We", "Our"} and not folded <= there:
            return False
    said = wording.content(sentence)
    if any(any(c.isdigit() for c in word) and word not in there for word in said):
        return False
    return len(said & there) >= 0.6 * len(said) > 0


def _claim(sentence: str, slot: prompts.Slot | None, subjects: tuple[str, ...]) -> Claim:
    """The sentence in its slot, or with a yes-or-no question if the slot does not fit."""
    if slot is not None and _fits(slot, sentence, subjects):
        several = slot.kind == "several" or _is_vague(slot.question, subjects)
        return Claim(sentence, slot.question, slot.value, subjects, several)
    statement = sentence.rstrip(".!")
    return Claim(sentence, f"Is it true that {statement}?", "yes", subjects, several=True)


def _fits(slot: prompts.Slot, sentence: str, subjects: tuple[str, ...]) -> bool:
    """Whether a question names the subject and its answer is a quote that is not the subject."""
    if not subjects:
        return False
    subject = set(wording.words(subjects[0]))
    asked = set(wording.words(slot.question))
    named = bool(subject & asked) or (subjects[0] == "I" and bool(asked & {"i", "my", "we", "our"}))
    value = wording.content(slot.value)
    return (
        named
        and bool(value)
        and wording.occurs(slot.value, sentence)
        and not value <= wording.content(" ".join(subjects))
        and not value <= wording.content(slot.question)
    )


_VAGUE = wording.content(
    "what who where when which how do doing happen have has like feel make say go going thing new "
    "condition status"
)


def _is_vague(question: str, subjects: tuple[str, ...]) -> bool:
    """Whether a question asks for nothing in particular: its answers do not compete."""
    asked = wording.content(question) - wording.content(" ".join(subjects))
    return not asked - _VAGUE


def _has_slot(claim: Claim) -> bool:
    return not claim.question.startswith("Is it true that ")


def _anchor(key: str, sentence: str, subjects: tuple[str, ...]) -> str:
    """The words of a claim by which its place in the text is found: all but the subject."""
    about = wording.content(" ".join(subjects))
    kept = [w for w in wording.words(key) if wording.stem(w) not in about]
    return " ".join(kept) or sentence


def _evidence(claim: Claim, turn: _Spoken) -> Evidence:
    """The shortest quote with the claim's value, else the sentence most like the claim."""
    for wanted in (claim.value, _anchor(claim.text, claim.text, claim.subjects)):
        if quote := wording.quote_for(wanted, turn.text):
            return Evidence(quote, turn.message)
    words = wording.content(claim.text)
    sentences = wording.sentences(turn.text)
    quote = max(sentences, key=lambda s: len(words & wording.content(s)), default="")
    return Evidence(quote, turn.message)


# Judging


class _Judge:
    """One document against its candidates; fills the draft."""

    def __init__(
        self,
        document: Document,
        spoken: list[_Spoken],
        said: list[_Said],
        candidates: Candidates,
        lm: LanguageModel,
        embedder: Embedder,
        word: str,
        draft: _Draft,
    ) -> None:
        self.document, self.spoken, self.said = document, spoken, said
        self.lm, self.embedder, self.word, self.draft = lm, embedder, word, draft
        self.text = document.text
        self.assertions = candidates.said
        self.facts = {fact.id: fact for fact in candidates.facts}
        self.live = [
            fact
            for fact in candidates.facts
            if fact.state is not State.PAST and self._is_about(fact)
        ]
        self.people = _people(
            spoken, [f.claim.subjects for f in self.live] + [s.claim.subjects for s in said]
        )
        self.present = frozenset(turn.speaker for turn in spoken)
        self.same = self._same_slots()

    def run(self) -> None:
        """Judge, rewrite, propagate, add: the order of the paper."""
        readings, gone = self._read()
        proposals = [
            (fact, *proposal)
            for fact in self.live
            if (proposal := self._compare(fact, readings.get(fact.claim.question))) is not None
        ]
        self._rewrite(proposals)
        self._end(gone)
        self._propagate()
        self._add()

    def _is_about(self, fact: Fact) -> bool:
        subjects = fact.claim.subjects[:1] or ("",)
        return any(wording.is_about(subjects[0], turn.text, turn.speaker) for turn in self.spoken)

    def _same_slots(self) -> dict[int, list[Fact]]:
        """For each extracted claim with a slot, the candidates that answer the same question."""
        slotted = [i for i, s in enumerate(self.said) if _has_slot(s.claim)]
        facts = [fact for fact in self.facts.values() if _has_slot(fact.claim)]
        if not slotted or not facts:
            return {}
        ours = self.embedder.embed([_bare(self.said[i].claim) for i in slotted])
        theirs = self.embedder.embed([_bare(fact.claim) for fact in facts])
        near = ours @ theirs.T
        return {
            i: [
                fact
                for fact, cosine in zip(facts, row, strict=True)
                if cosine >= SAME_SLOT and _same_subject(self.said[i].claim, fact.claim)
            ]
            for i, row in zip(slotted, near, strict=True)
        }

    # judge

    def _read(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """What the document answers to each candidate's question, and what ended for whom."""
        questions = list(dict.fromkeys(f.claim.question for f in self.live if _has_slot(f.claim)))
        subjects = list(dict.fromkeys(f.claim.subjects[0] for f in self.live if f.claim.subjects))
        asked = questions + [prompts.gone_question(subject) for subject in subjects]
        if not asked:
            return {}, {}
        replies = self.lm.complete(
            [prompts.reading(self.text, question, self.word) for question in asked],
            max_tokens=prompts.READING_TOKENS,
            stop=("\n",),
        )
        answers = []
        for reply in replies:
            text = reply.text.strip().rstrip(".")
            usable = reply.finished and text and text.casefold() != prompts.NOT_SAID
            answers.append(text if usable else "")
        readings = dict(zip(questions, answers, strict=False))
        gone = {
            subject: prompts.parse_list(answer)
            for subject, answer in zip(subjects, answers[len(questions) :], strict=True)
        }
        return readings, gone

    def _compare(self, fact: Fact, answer: str | None) -> tuple[str, int | None] | None:
        """Reinforce at once; else the new value with the claim that witnesses it, if any."""
        restated = next(
            (i for i, s in enumerate(self.said) if not s.ends and _restates(s.claim, fact.claim)),
            None,
        )
        if restated is not None:
            self._reinforce(fact, self.said[restated].evidence, restated)
            return None
        if not answer or fact.claim.several:
            return None
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
            evidence = self._quote(fact, answer)
            if (
                evidence is not None
                and not wording.ends_something(evidence.quote)
                and self._owned(fact, answer)
            ):
                self._reinforce(fact, evidence, witness)
                return None
            # The only words about it are of an ending: another claim may fill the slot.
            rival = self._rival(fact)
            return None if rival is None else (self.said[rival].claim.value, rival)
        if self._quote(fact, answer) is None or not self._owned(fact, answer):
            rival = self._rival(fact)
            return None if rival is None else (self.said[rival].claim.value, rival)
        return answer, witness

    def _rival(self, fact: Fact) -> int | None:
        """An extracted claim that fills the same slot with another value."""
        for i, slotted in self.same.items():
            claim = self.said[i].claim
            if (
                fact in slotted
                and not self.said[i].ends
                and not wording.same_value(claim.value, fact.claim.value)
            ):
                return i
        return None

    def _owned(self, fact: Fact, value: str) -> bool:
        subject = fact.claim.subjects[0] if fact.claim.subjects else ""
        return any(
            wording.occurs(value, turn.text)
            and wording.may_own(
                subject,
                _anchor(value, value, fact.claim.subjects),
                turn.text,
                turn.speaker,
                self.people,
                self.present,
            )
            for turn in self.spoken
        )

    def _quote(self, fact: Fact, value: str) -> Evidence | None:
        """Where the document says a value; None if it does not."""
        about = fact.claim.subjects[0] if fact.claim.subjects else ""
        found = [
            Evidence(quote, i)
            for i, message in enumerate(self.document.messages)
            if (quote := wording.quote_for(value, message.text))
        ]
        own = [e for e in found if (self.document.messages[e.message].speaker or "I") == about]
        return next(iter(own or found), None)

    def _reinforce(self, fact: Fact, evidence: Evidence, claim: int | None) -> None:
        if claim is not None:
            self.draft.used.add(claim)
        edit = Reinforce(
            fact.id,
            self._time(evidence),
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

    def _time(self, evidence: Evidence) -> datetime:
        return self.document.messages[evidence.message].at

    # rewrite

    def _rewrite(self, proposals: list[tuple[Fact, str, int | None]]) -> None:
        """Supersede facts whose slot has another value, each on two witnesses."""
        drafts = []
        for fact, value, witness in proposals:
            claim = self._successor(fact, value, witness)
            if claim is not None:
                drafts.append((fact, claim, witness))
        doubtful = [claim.text for _, claim, witness in drafts if witness is None]
        right: dict[str, float] = {}
        if doubtful:
            chances = self.lm.choose(
                [prompts.checking(self.text, text, self.word) for text in doubtful],
                [prompts.RIGHT, prompts.WRONG],
            )
            right = {t: float(c[0]) for t, c in zip(doubtful, chances, strict=True)}
        for fact, claim, witness in drafts:
            if fact.id in self.draft.settled:
                continue  # ended together with another fact in its slot
            confidence = None if witness is not None else right[claim.text]
            evidence = (
                self.said[witness].evidence
                if witness is not None
                else self._quote(fact, claim.value)
            )
            if evidence is None or (confidence is not None and confidence < MIN_HELD):
                continue
            at = self._time(evidence)
            if witness is not None:
                self.draft.used.add(witness)
            reason = self._objection(fact)
            if confidence is not None and confidence < self._least(fact, claim):
                reason = "only one of two readings says so"
            self._supersede(fact, claim, at, evidence, confidence, reason)

    def _least(self, fact: Fact, claim: Claim) -> float:
        """How likely a new sentence must be that no extracted sentence bears out."""
        echoed = any(
            not s.ends
            and _same_subject(s.claim, fact.claim)
            and wording.occurs(claim.value, s.claim.text)
            for s in self.said
        )
        return MIN_RIGHT_ECHOED if echoed else MIN_RIGHT

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
            ended = [
                f.id for f in slot if f.state is not State.PAST and f.id not in self.draft.settled
            ]
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
        self.draft.edits += edits
        self.draft.retired += sum(ended.state is not State.PAST for ended in ends)
        for edit in edits:
            key = edit.fact if isinstance(edit, Rewrite) else fact.id
            self.draft.settled.setdefault(key, edit)

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
                    if s.ends and _same_subject(s.claim, fact.claim) and _names_value(s, fact)
                ),
                None,
            )
            at_end = [
                item
                for item in gone.get(fact.claim.subjects[0] if fact.claim.subjects else "", [])
                if wording.same_value(item, _core(fact.claim))
                or (
                    wording.content(item)
                    and wording.content(item) <= wording.content(fact.claim.value)
                )
            ]
            evidence = None
            if sentence is not None:
                evidence = self.said[sentence].evidence
            elif at_end:
                evidence = self._quote(fact, at_end[0])
            if evidence is None or not wording.ends_something(
                evidence.quote if sentence is None else self.said[sentence].claim.text
            ):
                continue
            if sentence is None and not self._owned(fact, at_end[0]):
                continue
            self._finish(fact, sentence, evidence)

    def _finish(self, fact: Fact, sentence: int | None, evidence: Evidence) -> None:
        at = self._time(evidence)
        edit: Edit = MakeFalse(fact.id, at, evidence)
        if sentence is not None:
            self.draft.used.add(sentence)
            said = self.said[sentence].claim
            edit = Rewrite(
                fact.id,
                at,
                Claim(
                    said.text,
                    fact.claim.question,
                    f"no longer {_core(fact.claim)}",
                    said.subjects or fact.claim.subjects,
                    fact.claim.several,
                ),
                None,
                evidence,
            )
        if any(when > at for when, id_ in self.assertions if id_ == fact.id):
            return  # said again since: late old news does not win
        if (objection := self._objection(fact)) is not None:
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
            if isinstance(edit, Rewrite | MakeFalse) and _has_slot(self.facts[id_].claim)
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
                if _same_subject(f.claim, fact.claim) or whose & set(f.claim.subjects)
            ]
            if not related:
                continue
            (reply,) = self.lm.complete(
                [prompts.aspects(fact.claim.question)],
                max_tokens=prompts.ASPECT_TOKENS,
                stop=("\n",),
            )
            items = [_without(item, fact.claim.subjects) for item in prompts.parse_list(reply.text)]
            if not reply.finished or not items:
                self.draft.problems.append("What else may have changed could not be told.")
                items = []
            near = np.zeros(len(related), np.float32)
            if items:
                sentences = [_without(f.text, f.claim.subjects) for f in related]
                near = (self.embedder.embed(sentences) @ self.embedder.embed(items).T).max(axis=1)
            named = wording.content(" ".join(wording.names(fact.claim.value)))
            for other, cosine in zip(related, near, strict=True):
                mentions = bool(named) and named <= wording.content(other.text)
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
            if i in self.draft.used or any(_repeats(said.claim, c) for c in rewritten):
                continue
            if said.ends and any(
                isinstance(self.draft.settled.get(f.id), Reinforce) and _names_value(said, f)
                for f in self.live
                if _same_subject(said.claim, f.claim)
            ):
                continue  # the document says in the same breath that it goes on
            stored = next((f for f in self.facts.values() if _restates(said.claim, f.claim)), None)
            if stored is not None:
                if stored.id not in self.draft.settled:
                    self._return(stored, said)
                continue
            if any(_says(said.claim, f.claim) for f in self.live):
                continue
            rivals = [
                f
                for f in self.same.get(i, [])
                if not f.claim.several
                and not said.claim.several
                and not said.ends
                and f.state is not State.PAST
            ]
            if rivals:
                self._contest(rivals[0], said)
                continue
            self.draft.edits.append(Add(said.claim, said.at, said.evidence))

    def _return(self, stored: Fact, said: _Said) -> None:
        """A fact that had ended is said again; time decides whether it holds."""
        rivals = [f for f in self._slot(stored) if f.id != stored.id and f.state is State.CURRENT]
        if rivals and not stored.claim.several:
            self._supersede(rivals[0], stored.claim, said.at, said.evidence, None, None)
        else:
            self._settle(stored, Reinforce(stored.id, said.at, said.evidence))

    def _contest(self, fact: Fact, said: _Said) -> None:
        """A claim in a filled slot that the reading did not bear out: never beside the old one."""
        decided = self.draft.settled.get(fact.id)
        if isinstance(decided, Reinforce):
            return
        claim = replace(said.claim, question=fact.claim.question)
        if decided is not None and not isinstance(decided, MarkUncertain):
            self.draft.edits.append(Add(said.claim, said.at, said.evidence))
            return
        chances = self.lm.choose(
            [prompts.checking(self.text, claim.text, self.word)], [prompts.RIGHT, prompts.WRONG]
        )
        right = float(chances[0, 0])
        objection = self._objection(fact)
        if right < MIN_RIGHT:
            objection = "only one of two readings says so"
        if right >= MIN_HELD:
            self._supersede(fact, claim, said.at, said.evidence, right, objection)


# Comparing claims


def _principals(claim: Claim) -> list[list[str]]:
    """The words of each subject, without whoever only possesses one: `Ann's mum`, not `Ann`."""
    first = wording.words(claim.subjects[0]) if claim.subjects else []
    named = [wording.words(subject) for subject in claim.subjects]
    return [name for name in named if name and (name == first or name != first[: len(name)])]


def _same_subject(a: Claim, b: Claim) -> bool:
    """Whether two claims share a subject; `the baby` is `Ann's baby`."""
    return any(
        x == y or (x[-1] == y[-1] and (set(x) <= set(y) or set(y) <= set(x)))
        for x in _principals(a)
        for y in _principals(b)
    )


def _restates(new: Claim, stored: Claim) -> bool:
    """Whether a claim says all that a stored one says: same subject, value and predicate."""
    return _says(stored, new)


def _says(little: Claim, much: Claim) -> bool:
    """Whether the first claim says nothing that the second does not."""
    if not _same_subject(little, much):
        return False
    if wording.ends_something(little.text) != wording.ends_something(much.text):
        return False
    a, b = wording.content(little.text), wording.content(much.text)
    if a <= b:
        return True
    same_question = wording.content(little.question) == wording.content(much.question)
    value = wording.content(little.value)
    return same_question and _has_slot(little) and value <= wording.content(much.value)


def _repeats(new: Claim, written: Claim) -> bool:
    """Whether a claim only says again what a rewrite has just said."""
    return _same_subject(new, written) and (
        wording.content(new.text) == wording.content(written.text)
        or (_has_slot(new) and wording.same_value(new.value, written.value))
    )


def _core(claim: Claim) -> str:
    """The value, or for a fact without a slot all that it says of its subject."""
    return claim.value if _has_slot(claim) else _without(claim.text, claim.subjects)


def _names_value(said: _Said, fact: Fact) -> bool:
    """Whether a sentence that ends something names what the fact says."""
    value = wording.content(_core(fact.claim)) - wording.content(" ".join(fact.claim.subjects))
    return bool(value) and value <= wording.content(said.claim.text)


def _bare(claim: Claim) -> str:
    """A question without its subject, so that names do not make questions alike."""
    return _without(claim.question, claim.subjects)


def _without(text: str, subjects: tuple[str, ...]) -> str:
    gone = {word for subject in subjects for word in wording.words(subject)}
    kept = [w for w in text.split() if not set(wording.words(w)) & gone or not wording.words(w)]
    return " ".join(kept) or text
