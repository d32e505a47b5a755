"""Stores of any size with invented facts: generated, seeded, written in bulk, and valid.

People have homes, bosses, dogs; a share of the facts replaces an earlier one, as life goes.
Vectors are those of some thousand generated sentences with noise of the same covariance added,
so that they lie as sentences lie and no two are equal.
"""

from __future__ import annotations

import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from memo.records import Add, Claim, Document, Evidence, FactId, Message, Plan, Reinforce, Rewrite
from memo.store import Store
from memo.store.rows import indexed, passage_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from memo.lm import Embedder, Vectors
    from memo.records import DocumentId, Edit

REPLACED = 0.3
"""The share of facts that replace another."""
REINFORCED = 20
"""How many documents say the first fact again: a history to read."""
_MESSAGES = 2
_FACTS = 5  # a message
_SEEDS = 2048
_NOISE = 0.83  # a cosine of 0.77 with the sentence that it began as
_AT_ONCE = 4096  # vectors: small products of matrices are slow
_BATCH = 500  # documents a transaction
BEGIN = datetime(1990, 1, 1, tzinfo=UTC)
_SYLLABLES = """
ba be bi bo da de di do fa fe ga go ka ke la le li lo ma me mi mo na no pa pe ra re ri ro sa se so
ta te ti to va ve wa wi
""".split()
_SENTENCES = (
    ("Where does {} work?", "{} works at {} as a clerk."),
    ("Where does {} live?", "{} lives in {} near the river."),
    ("What is the name of {}'s dog?", "{} has a dog that is called {}."),
    ("Who is {}'s boss?", "{} has a boss whose name is {}."),
    ("Which car does {} drive?", "{} drives an old {}."),
    ("What does {} study?", "{} studies {} in the evenings."),
    ("Which instrument does {} play?", "{} plays the {} in a band."),
    ("Who is {}'s doctor?", "{} sees Dr {} when something hurts."),
    ("Where does {} go on holiday?", "{} goes to {} on holiday with friends."),
    ("Which team does {} support?", "{} supports {} and sees every match."),
    ("What is {} allergic to?", "{} is allergic to {}."),
    ("Which book does {} read?", "{} is reading a novel about {}."),
)


class Sentences:
    """Endless vectors that lie as an embedder's sentences do."""

    def __init__(self, embedder: Embedder, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        texts = [indexed(claim) for claim in islice(claims(random.Random(seed)), _SEEDS)]
        self._seeds = embedder.embed(texts)
        spread, axes = np.linalg.eigh(np.cov(self._seeds, rowvar=False))
        self._shape = (np.sqrt(spread.clip(0))[:, None] * axes.T).astype(np.float32)
        self._ready: list[Vectors] = []

    def vector(self) -> Vectors:
        """(dim,), unit norm."""
        if not self._ready:
            self._ready = list(self.vectors(_AT_ONCE))
        return self._ready.pop()

    def vectors(self, count: int) -> Vectors:
        """(count, dim), unit norm."""
        noise = self._rng.standard_normal((count, len(self._shape)), np.float32) @ self._shape
        noise *= _NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        found = self._seeds[self._rng.integers(len(self._seeds), size=count)] + noise
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit.astype(np.float32)


def claims(rng: random.Random) -> Iterator[Claim]:
    """Facts of one person after the other, each question once a person."""
    while True:
        person = f"{_word(rng, 2)} {_word(rng)}"
        for question, text in _SENTENCES:
            value = _word(rng)
            yield Claim(text.format(person, value), question.format(person), value, (person, value))


def _word(rng: random.Random, syllables: int = 3) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(syllables)).title()


class Life:
    """Documents with what each says; the facts are numbered as the store will number them."""

    def __init__(self, seed: int = 0, replaced: float = REPLACED) -> None:
        self._rng = random.Random(seed)
        self._claims = claims(self._rng)
        self._replaced = replaced
        self._current: list[tuple[FactId, Claim]] = []
        self.facts = self.documents = 0

    def document(self, facts: int = _MESSAGES * _FACTS) -> tuple[Document, Plan]:
        """The next document: so many facts, the last of which replace earlier ones."""
        self.documents += 1
        at = BEGIN + timedelta(hours=self.documents)
        replacing = sum(self._rng.random() < self._replaced for _ in range(facts))
        old = [self._ended() for _ in range(min(replacing, len(self._current)))]
        new = list(islice(self._claims, facts - len(old))) + [self._changed(one) for _, one in old]
        parts = [new[start : start + _FACTS] for start in range(0, facts, _FACTS)]
        messages = tuple(Message(" ".join(c.text for c in part), at, "Ann") for part in parts)
        document = Document(
            "synthetic", str(self.documents), messages, title=f"day {self.documents}"
        )
        edits: list[Edit] = []
        for number, claim in enumerate(new):
            quote = Evidence(claim.text, number // _FACTS)
            place = number - (facts - len(old))
            edits.append(
                Add(claim, at, quote)
                if place < 0
                else Rewrite(old[place][0], at, claim, evidence=quote)
            )
            self.facts += 1
            if self.facts > 1:  # the first is kept for its history
                self._current.append((FactId(self.facts), claim))
        if 1 < self.documents <= REINFORCED + 1:
            edits.append(Reinforce(FactId(1), at))
        return document, Plan(tuple(edits))

    def _ended(self) -> tuple[FactId, Claim]:
        place = self._rng.randrange(len(self._current))
        self._current[place], self._current[-1] = self._current[-1], self._current[place]
        return self._current.pop()

    def _changed(self, claim: Claim) -> Claim:
        value = _word(self._rng)
        text = claim.text.replace(claim.value, value)
        return Claim(text, claim.question, value, (claim.subjects[0], value))


class _Bulk(Store):
    """A store that derives nothing until `rebuild`."""

    def _refresh(self, facts: Collection[FactId]) -> None:
        pass

    def _index_passages(self, document: DocumentId) -> None:
        pass

    def _exists(self, fact: FactId) -> bool:
        return True

    def _is_protected(self, fact: FactId) -> bool:
        return False


def build(
    path: Path, facts: int, embedder: Embedder, *, replaced: float = REPLACED, seed: int = 0
) -> Life:
    """Write a store with so many facts; returns what may go on from there."""
    sentences, life = Sentences(embedder, seed), Life(seed, replaced)
    store = _Bulk.open(path, embedder=embedder.identity)
    with closing(store):
        while life.facts < facts:
            with store._writing():
                for _ in range(_BATCH):
                    if life.facts == facts:
                        break
                    document, plan = life.document(min(_MESSAGES * _FACTS, facts - life.facts))
                    store._apply(document, plan, _vectors(document, plan, sentences), None)
        store.rebuild()
        store._all("PRAGMA wal_checkpoint(TRUNCATE)")
    return life


def _vectors(document: Document, plan: Plan, sentences: Sentences) -> dict[str, bytes]:
    texts = [passage_text(message.speaker, message.text) for message in document.messages]
    texts += [indexed(e.claim) for e in plan.edits if isinstance(e, Add | Rewrite) and e.claim]
    return {text: sentences.vector().tobytes() for text in texts}
