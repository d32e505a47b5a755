"""Claims about how much one import may end of what was known before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toy import embed, note, on, opened, plan

from memo.records import Add, Claim, Evidence, MakeFalse, MarkUncertain, Rewrite, State
from memo.store import caps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memo.records import ChangeSet, Edit, FactId
    from memo.store import Store

OLD, NEW = "2024-01-01", "2025-01-01"
SAID = "All that was is over now."
QUOTE = Evidence("is over", 0)


def lives(person: int, town: str = "Hull") -> Claim:
    name = f"P{person}"
    return Claim(f"{name} lives in {town}.", f"Where does {name} live?", town, (name,))


def settled(store: Store, people: int) -> list[FactId]:
    """What one document told of so many people."""
    edits = [Add(lives(person), on(OLD), QUOTE) for person in range(people)]
    store.apply(note(SAID, OLD), plan(*edits), embed)
    return [fact.id for fact in sorted(store.list_facts(), key=lambda fact: fact.id)]


def read(store: Store, *plans: Sequence[Edit]) -> list[ChangeSet]:
    """One import of as many documents as there are plans."""
    with store.storing():
        came_with = store.begin_import()
        ids = [
            store.put(note(f"{SAID} ({number})", NEW), came_with, embed)
            for number in range(len(plans))
        ]
    return [
        store.complete(id_, store.unread_document(id_), plan(*edits), embed)
        for id_, edits in zip(ids, plans, strict=True)
    ]


def moved(fact: FactId, person: int) -> Rewrite:
    return Rewrite(fact, on(NEW), lives(person, "York"), evidence=QUOTE)


def past(store: Store) -> int:
    return len(store.list_facts(State.PAST))


@pytest.mark.parametrize(("people", "share", "may"), [(30, 100, 20), (90, 3, 30)])
def test_an_import_ends_no_more_than_its_share_of_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: int, share: int, may: int
) -> None:
    monkeypatch.setattr(caps, "SHARE", share)
    with opened(tmp_path) as store:
        facts = settled(store, people)
        before = store.dump()
        changes = read(store, *([moved(fact, n)] for n, fact in enumerate(facts)))
        assert past(store) == may
        assert [len(change.held) for change in changes] == [0] * may + [1] * (people - may)
        waiting = store.held()
        assert all(f"already ends {may}" in held.reason for _, _, held in waiting)
        assert store.check() == []
        store.accept_held([waiting[0][0]], embed)
        assert past(store) == may + 1, "the person's word is not capped"
        assert len(read(store, [moved(facts[-1], 999)])[0].held) == 0, "nor is another import"
        store.undo()
        store.undo()
        store.undo_import()
        assert store.dump() == before


def test_a_document_beyond_it_ends_nothing_and_doubts_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        facts = settled(store, 25)
        gone = [MakeFalse(fact, on(NEW), QUOTE) for fact in facts[:19]]
        more: list[Edit] = [moved(facts[19], 19), moved(facts[20], 20)]
        doubt = MarkUncertain(facts[22], on(NEW), because=facts[20])
        new = Add(lives(99), on(NEW), QUOTE)
        _, change = read(store, gone, [*more, doubt, new])
        assert past(store) == 19
        assert [record.op for record in change.edits] == ["add"]
        assert [record.op for record in change.held] == ["rewrite", "rewrite", "uncertain"]


def test_what_came_with_the_import_is_not_counted(tmp_path: Path) -> None:
    """An export that begins long ago tells of much that it ends itself."""
    with opened(tmp_path) as store:
        people = range(40)
        with store.storing():
            came_with = store.begin_import()
            first = store.put(note(SAID, OLD), came_with, embed)
            then = store.put(note(SAID, NEW), came_with, embed)
        told = plan(*(Add(lives(person), on(OLD), QUOTE) for person in people))
        store.complete(first, store.unread_document(first), told, embed)
        facts = sorted(fact.id for fact in store.list_facts())
        ends = plan(*(moved(fact, person) for person, fact in enumerate(facts)))
        change = store.complete(then, store.unread_document(then), ends, embed)
        assert change.held == ()
        assert past(store) == len(people)


def test_what_the_import_ended_and_was_undone_is_not_counted(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        facts = settled(store, 25)
        (change,) = read(store, [moved(fact, n) for n, fact in enumerate(facts[:20])])
        store.undo(change.id)
        (again,) = read(store, [moved(fact, n) for n, fact in enumerate(facts[:20])])
        assert again.held == ()
