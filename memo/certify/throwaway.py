"""Throw-away memories over models that are loaded once."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from memo.certify.probes import Told
from memo.engines import Engines
from memo.importers.base import short_hash
from memo.memory import Memory
from memo.records import (
    Add,
    ChangeSet,
    Document,
    Edit,
    Evidence,
    MakeFalse,
    MarkUncertain,
    Message,
    Plan,
    Rewrite,
    State,
    utc_text,
)
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from memo.certify.probes import Known
    from memo.records import Fact, FactId
    from memo.settings import Settings

SOURCE = "certify"
EARLIER = timedelta(days=90)
"""How long before a document the facts were read that it is put to."""
FENCE = "memo"
"""Around the documents of probes that give no orders, so that they read the same each time."""


def sharing(memory: Memory) -> Engines:
    """The models of a memory, loaded when first needed and only once."""
    return Engines(lambda _: memory.language_model(), lambda _: memory.embedder())


@contextmanager
def throwaway(settings: Settings, engines: Engines, fence: str | None = FENCE) -> Iterator[Memory]:
    """A memory in a folder that is gone afterwards.

    Args:
        settings: Whose models are used; its home is left alone.
        engines: Give models that are loaded already.
        fence: None for a random one, as a person's documents have.
    """
    with tempfile.TemporaryDirectory(prefix="memo-") as folder:
        own = replace(settings, home=Path(folder), tz="UTC", me=None)
        yield Memory(own, engines, fence=fence)


def hold(memory: Memory, known: Known, at: datetime) -> FactId:
    """Put a fact into the store, as though a document had been read; its id.

    A current fact that answers the same question with one value is superseded.
    """
    (edit,) = tell(memory, Told(Message(known.text, at), known)).edits
    found = edit.fact if edit.new_fact is None else edit.new_fact
    assert found is not None, "adding and rewriting both name the new fact"
    return found


def tell(memory: Memory, told: Told) -> ChangeSet:
    """Put a message into the store with what a reader has made of it; no model is asked."""
    embedder, message = memory.embedder(), told.message
    evidence = Evidence(message.text, 0)
    edits: list[Edit] = []
    with Store.open(memory.settings.store, embedder=embedder.identity) as store:
        facts = store.list_facts(None)
        named = {fact.text: fact.id for fact in facts}
        if told.fact is not None:
            rival = next((f.id for f in facts if _gives_way(f, told.fact)), None)
            if rival is None:
                edits.append(Add(told.fact.claim, message.at, evidence))
            else:
                edits.append(Rewrite(rival, message.at, told.fact.claim, evidence=evidence))
        if told.ends is not None:
            edits.append(MakeFalse(named[told.ends], message.at, evidence))
        changed = [edit.fact for edit in edits if not isinstance(edit, Add)]
        edits += [MarkUncertain(named[text], message.at, changed[0]) for text in told.doubts]
        key = short_hash(message.speaker or "", message.text, utc_text(message.at))
        return store.apply(Document(SOURCE, key, (message,)), Plan(tuple(edits)), embedder.embed)


def read(memory: Memory, name: str, said: Sequence[Message]) -> ChangeSet:
    """Read a document as a person's is read."""
    change = memory.ingest(Document(SOURCE, name, tuple(said), name))
    assert isinstance(change, ChangeSet), "a throw-away memory has not read this before"
    return change


def _gives_way(fact: Fact, known: Known) -> bool:
    """Whether a stored fact ends where another value of its slot is told."""
    return (
        fact.state is State.CURRENT and not known.several and fact.claim.question == known.question
    )
