"""Find the facts that a document may bear on, and the evidence for a question.

Vectors and keywords each give a ranking; reciprocal rank fusion joins them (Cormack et al.
2009). Documents are also matched by whom they are about: the published failures of ERASE are
facts never retrieved (docs/erase.md, 3).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memo import wording
from memo.claims import has_slot
from memo.kin import Derived, Kin
from memo.records import Candidates, Document, Fact, FactId, Passage, PassageId, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from memo.lm import Embedder
    from memo.records import Claim
    from memo.store import Store

RRF_K = 60
"""Reciprocal rank fusion's constant, as published."""
NEAREST = 12
"""Facts fetched for each passage or claim by each of the two searches."""
MAX_CANDIDATES = 40
"""Facts read against one document; each costs about 15 evaluated tokens."""
MAX_FACTS = 8
"""Facts shown as evidence for a question."""
MAX_LINKED = 3
"""Facts shown besides because they name what another names of whom the question is about."""
MAX_BRIDGES = 8
"""Names that are followed: each is a search."""
MAX_PASSAGES = 4
ALL = (State.CURRENT, State.UNCERTAIN, State.PAST)
WIDELY = 64
"""Facts among which those that name the same thing are ordered by nearness to a question."""
LIVE = (State.CURRENT, State.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may answer a question, best first, with scores that sum ranks (RRF)."""

    facts: tuple[tuple[Fact, float], ...] = ()
    passages: tuple[tuple[Passage, float], ...] = ()
    derived: Derived | None = None
    """What follows from some of the facts, where no single one may tell it."""


def fuse(rankings: Iterable[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion: id to score, best first."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, id_ in enumerate(ranking):
            scores[id_] += 1 / (RRF_K + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def candidates(
    store: Store, embedder: Embedder, document: Document, claims: Sequence[Claim]
) -> Candidates:
    """Facts near to the document's passages and claims, and about the same people."""
    texts = [message.text for message in document.messages]
    texts += [f"{claim.question} {claim.text}" for claim in claims]
    rankings: list[list[int]] = []
    for text, vector in zip(texts, embedder.embed(texts), strict=True):
        rankings.append([id_ for id_, _ in store.search_facts_by_vector(vector, NEAREST, ALL)])
        rankings.append([id_ for id_, _ in store.search_facts_by_words(text, NEAREST, ALL)])
    ranked = fuse(rankings)
    people = {message.speaker or "I" for message in document.messages}
    people |= set(wording.names(document.text))
    people |= {subject for claim in claims for subject in claim.subjects}
    about = store.current_facts_about(people, MAX_CANDIDATES)
    ids = [FactId(id_) for id_ in ranked]
    ids = list(dict.fromkeys(ids + [fact.id for fact in about]))[:MAX_CANDIDATES]
    facts = {fact.id: fact for fact in store.facts(ids)}
    for question in dict.fromkeys(fact.claim.question for fact in facts.values()):
        for rival in store.facts_with_question(question, MAX_CANDIDATES):
            facts.setdefault(rival.id, rival)
    return Candidates(tuple(facts.values()), tuple(store.assertions(list(facts))))


def evidence(
    store: Store, embedder: Embedder | None, question: str, as_of: datetime | None = None
) -> Evidence:
    """Facts and passages for a question, as things stood and were known at a time.

    Current facts come first, each followed at the end by the one that it replaced; former
    ones compete only when the question is about the past, or when nothing current is found
    on its subject (so that "not any more" can be told from "never recorded"). Passages all of
    whose facts are over answer nothing about the present; of others the sentences go that said
    only what is over.

    Args:
        store: Where to look.
        embedder: None searches by keyword alone.
        question: In the person's words.
        as_of: None for now.
    """
    search = _Search(store, embedder, question, as_of)
    about_past = wording.asks_about_past(question)
    if about_past:
        scores = search.facts(ALL, MAX_FACTS)
    else:
        # What fills the very slot that is asked for comes first, whatever else is near.
        slot = [fact.id for fact in store.facts_with_question(question, MAX_FACTS)]
        filling = [fact.id for fact in store.facts(slot, as_of) if fact.state in LIVE]
        live = dict.fromkeys(filling, 1.0) | search.facts(LIVE, MAX_FACTS - 2)
        scores = dict(list(live.items())[: MAX_FACTS - 2]) | search.facts((State.PAST,), 2)
    kept = {fact.id: fact for fact in store.facts([FactId(id_) for id_ in scores], as_of)}
    former = [f.replaces for f in list(kept.values())[:2] if f.replaces and f.replaces not in kept]
    kept |= {fact.id: fact for fact in store.facts(former, as_of)}
    linked = search.linked(list(kept.values()))
    kept |= {fact.id: fact for fact in linked}
    for id_ in _of_others(question, list(kept.values())):
        del kept[id_]
    derived = None if about_past else Kin(search.naming).derived(question)
    links = {} if derived is None else {fact.id: fact for fact in derived.facts}
    kept |= links

    texts = search.passages(MAX_PASSAGES)
    spoken = store.passages([PassageId(id_) for id_ in texts])
    if not about_past:
        over = [fact for fact in kept.values() if fact.state is State.PAST]
        spoken = [_without(_stale(p, over), p) for p in _holding(store, spoken, as_of)]
    ordered = [*links, *map(FactId, scores), *(fact.id for fact in linked), *former]
    ordered = list(dict.fromkeys(ordered))
    said = {passage.id: passage for passage in spoken}
    return Evidence(
        tuple((kept[i], scores.get(i, 0.0)) for i in ordered if i in kept),
        tuple((said[PassageId(i)], texts[i]) for i in texts if PassageId(i) in said),
        derived,
    )


class _Search:
    """One question's searches, each by keyword and, with an embedder, by meaning."""

    def __init__(
        self, store: Store, embedder: Embedder | None, question: str, as_of: datetime | None
    ) -> None:
        self._store, self._question, self._as_of = store, question, as_of
        self._vector = embedder.embed([question])[0] if embedder is not None else None

    def facts(self, states: Sequence[State], count: int) -> dict[int, float]:
        """Ids with their scores, the best first."""
        store, wide = self._store, 4 * count
        found = [store.search_facts_by_words(self._question, wide, states, self._as_of)]
        if self._vector is not None:
            found.append(store.search_facts_by_vector(self._vector, wide, states, self._as_of))
        return dict(list(fuse([id_ for id_, _ in ids] for ids in found).items())[:count])

    def passages(self, count: int) -> dict[int, float]:
        """Ids with their scores, the best first."""
        store, wide = self._store, 4 * count
        found = [store.search_passages_by_words(self._question, wide, self._as_of)]
        if self._vector is not None:
            found.append(store.search_passages_by_vector(self._vector, wide, self._as_of))
        return dict(list(fuse([id_ for id_, _ in ids] for ids in found).items())[:count])

    def naming(self, name: str) -> list[Fact]:
        """Facts in any state that have a name in their words; of `I`, those that hold."""
        if name == "I":
            mine = self._store.current_facts_about({name}, WIDELY)
            return self._store.facts([fact.id for fact in mine], self._as_of)
        found = self._store.search_facts_by_words(name, WIDELY, ALL, self._as_of)
        facts = self._store.facts([FactId(id_) for id_, _ in found], self._as_of)
        return [fact for fact in facts if wording.occurs(name, fact.text)]

    def linked(self, found: list[Fact]) -> list[Fact]:
        """Live facts that go on from what was found of those asked about.

        `Who is Ann's boss?` finds `Ann works at Acme`, and from there `Acme's head is Ms Thorne`.
        """
        asked = _names(self._question)
        live = [fact for fact in found if fact.state in LIVE]
        bridges = _reached(asked, live) - asked
        known = {fact.id for fact in found}
        ids = dict.fromkeys(
            FactId(id_)
            for name in sorted(bridges)[:MAX_BRIDGES]
            for id_, _ in self._store.search_facts_by_words(name, NEAREST, LIVE, self._as_of)
        )
        others = [
            fact
            for fact in self._store.facts([id_ for id_ in ids if id_ not in known], self._as_of)
            if bridges & _names(fact.text)
        ]
        if self._vector is None or len(others) <= MAX_LINKED:
            return others[:MAX_LINKED]
        near = self._store.search_facts_by_vector(self._vector, WIDELY, LIVE, self._as_of)
        place = {id_: rank for rank, (id_, _) in enumerate(near)}
        return sorted(others, key=lambda fact: place.get(fact.id, len(place)))[:MAX_LINKED]


def _names(text: str) -> set[str]:
    """Words of names; `Mum` is called otherwise elsewhere."""
    return {
        name
        for name in wording.names(text)
        if wording.content(name) and not wording.names_a_relation(name)
    }


def _reached(asked: set[str], facts: list[Fact]) -> set[str]:
    """Names that stand in facts beside one of those asked about, and these themselves."""
    named = [_names(fact.text) for fact in facts]
    return asked.union(*(names for names in named if names & asked))


def _of_others(question: str, facts: list[Fact]) -> set[FactId]:
    """Facts of somebody whom nothing connects with those asked about: they only mislead a model.

    None where no fact names any of those asked about.
    """
    asked = _names(question)
    if not any(asked & _names(fact.text) for fact in facts):
        return set()
    reached = _reached(asked, facts)
    whose = {fact.id: _names(" ".join(fact.claim.subjects[:1])) for fact in facts}
    return {id_ for id_, names in whose.items() if names and not names & reached}


def _holding(store: Store, spoken: list[Passage], as_of: datetime | None) -> list[Passage]:
    """Passages without the words that said what is over, and none that said nothing else."""
    told = store.told_in(passage.id for passage in spoken)
    holding = []
    for passage in spoken:
        quotes = told.get(passage.id, [])
        known = store.facts([fact for fact, _ in quotes], as_of)
        # None is known yet of what begins later: `from tomorrow`.
        past = {fact.id: fact.state is State.PAST for fact in known}
        if past and all(past.values()):
            continue
        still = {quote for fact, quote in quotes if not past.get(fact)}
        holding.append(_without({quote for _, quote in quotes if quote} - still, passage))
    return holding


def _stale(passage: Passage, former: list[Fact]) -> list[str]:
    """Sentences that were said while a former fact held, and of whom it told, with its value.

    The fact may have been taken from other words: what was said twice is over twice.
    """
    return [
        sentence
        for sentence in wording.sentences(passage.text)
        for fact in former
        if has_slot(fact.claim)
        and (fact.until is None or passage.at < fact.until)
        and wording.occurs(fact.claim.value, sentence)
        and any(
            name == passage.speaker or wording.occurs(name, sentence)
            for name in fact.claim.subjects[:1]
        )
    ]


def _without(quotes: Iterable[str], passage: Passage) -> Passage:
    """A passage in which three dots stand for some of its sentences."""
    text = passage.text
    for quote in quotes:
        text = re.sub(rf"(?<!\w){re.escape(quote)}(?!\w)", "\u2026", text)
    return replace(passage, text=text)
