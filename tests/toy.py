"""A toy embedder and short ways to say claims and documents, for the store's tests."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from memo.lm import EmbedderIdentity
from memo.records import Add, Claim, Document, Evidence, Message, Plan, Reinforce, Rewrite
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memo.lm import Vectors
    from memo.records import Edit, Fact, FactId

TOY = EmbedderIdentity("toy", "0" * 64, 32)
HOME = "Where does Ann live?"


def embed(texts: Sequence[str]) -> Vectors:
    """A bag of hashed words: texts with common words are near each other."""
    vectors = np.full((len(texts), TOY.dim), 0.01, "f4")
    for row, text in zip(vectors, texts, strict=True):
        for word in text.casefold().split():
            row[hashlib.sha256(word.encode("utf-8", "replace")).digest()[0] % TOY.dim] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def opened(folder: Path) -> Store:
    """The store of a test, with the toy embedder and a clock that stands still."""
    return Store.open(folder / "memo.db", embedder=TOY, clock=lambda: on("2026-01-01"))


def on(date: str) -> datetime:
    return datetime.fromisoformat(date).replace(tzinfo=UTC)


def home(town: str) -> Claim:
    return Claim(f"Ann lives in {town}.", HOME, town, ("Ann",))


def note(text: str, date: str, source: str = "note") -> Document:
    return Document(source, text, (Message(text, on(date), "Ann"),), title=text)


def moves(town: str, date: str) -> Document:
    """What Ann says on the day she moves."""
    return note(f"I live in {town} now. The weather is fine.", date)


def plan(*edits: Edit) -> Plan:
    return Plan(tuple(edits))


def add(town: str, date: str) -> Add:
    return Add(home(town), on(date), Evidence(f"live in {town}", 0))


def settle(store: Store, town: str, date: str) -> Plan:
    """What erase plans for one single-valued slot, whenever the document arrives."""
    when, quote = on(date), Evidence(f"live in {town}", 0)
    facts = store.facts_with_question(HOME)
    same: FactId | None = next((fact.id for fact in facts if fact.claim.value == town), None)
    said = store.assertions([fact.id for fact in facts])
    before = next((fact for at, fact in reversed(said) if at <= when), None)
    after = next(((at, fact) for at, fact in said if at > when), None)
    edits: list[Edit] = []
    if same is not None:
        edits.append(Reinforce(same, when, quote))
        if after is not None and after[1] != same:
            edits.append(Rewrite(same, after[0], None, after[1]))
    elif after is not None:
        edits.append(Add(home(town), when, quote, superseded_by=after[1], superseded_at=after[0]))
    elif before is None:
        edits.append(Add(home(town), when, quote))
    if before is not None and before != same:
        claim = None if same is not None else home(town)
        edits.append(Rewrite(before, when, claim, same, evidence=quote))
    return plan(*edits)


def move(store: Store, town: str, date: str) -> int:
    """Import the document of a move; returns its change."""
    return store.apply(moves(town, date), settle(store, town, date), embed).id


def fact_of(store: Store, town: str) -> Fact:
    """The one fact with this value."""
    (found,) = [fact for fact in store.list_facts(None) if fact.claim.value == town]
    return found


def towns(store: Store, as_of: str | None = None) -> list[str]:
    """Where Ann lives, or lived then, as far as was known."""
    facts = store.list_facts(as_of=on(as_of) if as_of else None)
    return sorted(fact.claim.value for fact in facts)
