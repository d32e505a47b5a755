"""Properties of the store: any order, any mixture of doing and undoing, real files."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from toy import embed, home, move, moves, note, on, opened, plan, settle, towns

from memo.errors import NotKnown, UsageProblem
from memo.records import Add, Claim, FactId, Held, MakeFalse, MarkUncertain, Plan, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memo.records import Document
    from memo.store import Store

TOWNS = ("Hull", "York", "Leeds", "Goole")
DAYS = tuple(f"2024-{month:02d}-{day:02d}" for month in (1, 2) for day in range(1, 13))


@contextmanager
def fresh() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as store:
        yield store


def story(store: Store) -> list[object]:
    """All that can be seen of the slot, without ids: now, and as of every day."""
    names = {fact.id: fact.claim.value for fact in store.list_facts(None)}
    now = sorted(
        (
            fact.claim.value,
            fact.state.value,
            fact.since,
            fact.until,
            fact.replaced_by and names[fact.replaced_by],
            fact.replaces and names[fact.replaces],
        )
        for fact in store.list_facts(None)
    )
    return [now, *(towns(store, day) for day in DAYS)]


said = st.lists(
    st.tuples(st.sampled_from(TOWNS), st.sampled_from(DAYS)),
    min_size=1,
    max_size=7,
    unique_by=lambda pair: pair[1],
)


@given(said=said, data=st.data())
@settings(max_examples=60)
def test_a_shuffled_import_converges(said: list[tuple[str, str]], data: st.DataObject) -> None:
    with fresh() as one, fresh() as other:
        for town, day in sorted(said, key=lambda pair: pair[1]):
            move(one, town, day)
        for town, day in data.draw(st.permutations(said)):
            move(other, town, day)
        assert story(other) == story(one)
        assert towns(one) == [max(said, key=lambda pair: pair[1])[0]]
        assert other.check() == []


@given(said=said)
@settings(max_examples=40)
def test_as_of_a_day_is_what_had_been_said_by_then(said: list[tuple[str, str]]) -> None:
    with fresh() as store:
        for town, day in said:
            move(store, town, day)
        for day in DAYS:
            before = [pair for pair in said if pair[1] <= day]
            latest = [max(before, key=lambda pair: pair[1])[0]] if before else []
            assert towns(store, day) == latest


@given(said=said)
@settings(max_examples=30)
def test_undoing_everything_backwards_passes_every_earlier_state(
    said: list[tuple[str, str]],
) -> None:
    with fresh() as store:
        dumps = [store.dump()]
        for town, day in said:
            move(store, town, day)
            dumps.append(store.dump())
        for dump in reversed(dumps[:-1]):
            store.undo()
            assert store.dump() == dump
        for dump in dumps[1:]:
            store.redo()
            assert store.dump() == dump
        assert store.check() == []


def relabelled(dump: str) -> object:
    """A dump with ids counted anew, in which gaps left by undone things do not show."""
    state: dict[str, Any] = json.loads(dump)
    ranks: dict[str, dict[int | None, int | None]] = {
        name: {None: None} | {row[0]: rank for rank, row in enumerate(state[name])}
        for name in ("documents", "passages", "events")
    }
    ranks["facts"] = {None: None} | {row["id"]: rank for rank, row in enumerate(state["facts"])}
    changes = sorted({row[7] for row in state["documents"]})
    ranks["changes"] = {change: rank for rank, change in enumerate(changes)}
    columns = {
        "documents": {0: "documents", 7: "changes"},
        "passages": {0: "passages", 1: "documents"},
        "events": {
            0: "events",
            1: "changes",
            3: "facts",
            9: "documents",
            10: "passages",
            13: "events",
            14: "facts",
        },
    }
    for name, places in columns.items():
        for row in state[name]:
            for place, kind in places.items():
                row[place] = ranks[kind][row[place]]
    for row in state["facts"]:
        for name, kind in (("id", "facts"), ("document", "documents")):
            row[name] = ranks[kind][row[name]]
        assert row["replaces"] is row["replaced_by"] is None
    for name in ("fact_words", "fact_vectors"):
        state[name] = [ranks["facts"][id_] for id_ in state[name]]
    for name in ("passage_words", "passage_vectors"):
        state[name] = [ranks["passages"][id_] for id_ in state[name]]
    return state


def hobby(number: int) -> tuple[Document, Plan]:
    """A document of which nothing else speaks."""
    claim = Claim(f"Ann likes hobby {number}.", "What does Ann like?", f"{number}", ("Ann",), True)
    day = DAYS[number]
    return note(f"I like hobby {number}.", day), plan(Add(claim, on(day)))


@given(numbers=st.permutations(range(6)), undone=st.sets(st.integers(0, 5)))
@settings(max_examples=25)
def test_what_was_undone_might_never_have_been(numbers: list[int], undone: set[int]) -> None:
    with fresh() as store, fresh() as never:
        changes = {number: store.apply(*hobby(number), embed).id for number in numbers}
        for number in undone:
            store.undo(changes[number])
        for number in numbers:
            if number not in undone:
                never.apply(*hobby(number), embed)
        assert relabelled(store.dump()) == relabelled(never.dump())


class Life(RuleBasedStateMachine):
    """Everything a person may do with a store, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = opened(Path(self.folder.name))
        self.days = list(DAYS)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.store.close()
            self.folder.cleanup()

    def some_fact(self, data: st.DataObject) -> FactId:
        return data.draw(st.sampled_from([fact.id for fact in self.store.list_facts(None)]))

    @rule(town=st.sampled_from(TOWNS), place=st.integers(0, 23))
    def read_a_document(self, town: str, place: int) -> None:
        day = DAYS[place]
        document, before = moves(town, day), self.store.dump()
        if self.store.known(document) or self.store.is_forgotten_document(document):
            return
        try:
            change = self.store.apply(document, settle(self.store, town, day), embed)
        except (NotKnown, ValueError):  # it would retire what is pinned, or what went
            assert self.store.dump() == before
            return
        after = self.store.dump()
        assert self.store.apply(document, plan(), embed) == change
        assert self.store.dump() == after
        self.store.undo()
        assert self.store.dump() == before
        self.store.redo()
        assert self.store.dump() == after

    @precondition(lambda self: self.store.list_facts(None))
    @rule(data=st.data(), place=st.integers(0, 23), held=st.booleans(), doubt=st.booleans())
    def read_that_it_ended(self, data: st.DataObject, place: int, held: bool, doubt: bool) -> None:
        fact, when = self.some_fact(data), on(DAYS[place])
        edit = MarkUncertain(fact, when, fact) if doubt else MakeFalse(fact, when)
        work = Plan(held=(Held(edit, "why"),)) if held else plan(edit)
        document = note(f"No more {fact} {held} {doubt}.", DAYS[place])
        if self.store.is_forgotten_document(document):
            return
        try:
            self.store.apply(document, work, embed)
        except ValueError:
            assert self.store.fact(fact).pinned or self.store.fact(fact).by_hand

    @precondition(lambda self: self.store.held())
    @rule(data=st.data(), accept=st.booleans())
    def review(self, data: st.DataObject, accept: bool) -> None:
        item = data.draw(st.sampled_from([id_ for id_, _, _ in self.store.held()]))
        before = self.store.dump()
        try:
            if accept:
                self.store.accept_held([item], embed)
            else:
                self.store.reject_held([item])
        except NotKnown:  # its fact was undone meanwhile
            assert self.store.dump() == before

    def refuses(self, act: Callable[[], object]) -> None:
        before = self.store.dump()
        with pytest.raises(UsageProblem, match="is past"):
            act()
        assert self.store.dump() == before

    @precondition(lambda self: self.store.list_facts(None))
    @rule(data=st.data(), on_=st.booleans())
    def pin(self, data: st.DataObject, on_: bool) -> None:
        fact = self.some_fact(data)
        if on_ and self.store.fact(fact).state is State.PAST:
            self.refuses(lambda: self.store.pin(fact))
        else:
            self.store.pin(fact, on=on_)

    @precondition(lambda self: self.store.list_facts(None))
    @rule(data=st.data(), town=st.sampled_from(TOWNS), place=st.integers(0, 23))
    def edit(self, data: st.DataObject, town: str, place: int) -> None:
        before, fact, claim = self.store.dump(), self.some_fact(data), home(f"{town} itself")
        if self.store.fact(fact).state is State.PAST:
            self.refuses(lambda: self.store.edit_fact(fact, claim, on(DAYS[place]), embed))
            return
        self.store.edit_fact(fact, claim, on(DAYS[place]), embed)
        after = self.store.dump()
        self.store.undo()
        assert self.store.dump() == before
        self.store.redo()
        assert self.store.dump() == after

    @rule(data=st.data())
    def undo_anything(self, data: st.DataObject) -> None:
        changes = [
            change.id
            for change in self.store.changes()
            if not change.undone and change.kind not in ("undo", "redo", "forget")
        ]
        if not changes:
            with pytest.raises(NotKnown):
                self.store.undo()
            return
        change, before = data.draw(st.sampled_from(changes)), self.store.dump()
        self.store.undo(change)
        undone = self.store.dump()
        self.store.redo(change)
        assert self.store.dump() == before
        self.store.undo(change)
        assert self.store.dump() == undone

    @rule()
    def redo(self) -> None:
        before = self.store.dump()
        try:
            change = self.store.redo()
        except NotKnown:
            assert self.store.dump() == before
            return
        assert change.target is not None
        after = self.store.dump()
        self.store.undo(change.target)
        assert self.store.dump() == before
        self.store.redo(change.target)
        assert self.store.dump() == after

    @precondition(lambda self: self.store.list_facts(None))
    @rule(data=st.data())
    def forget_a_fact(self, data: st.DataObject) -> None:
        fact = self.store.fact(self.some_fact(data))
        self.store.forget_fact(fact.id)
        assert self.store.is_forgotten_claim(fact.claim)
        assert fact.id not in [one.id for one in self.store.list_facts(None)]

    @precondition(lambda self: self.store.documents())
    @rule(data=st.data())
    def forget_a_document(self, data: st.DataObject) -> None:
        ids = [document.id for document in self.store.documents()]
        self.store.forget_document(data.draw(st.sampled_from(ids)))

    @rule()
    def reopen(self) -> None:
        before = self.store.dump()
        self.store.close()
        self.store = opened(Path(self.folder.name))
        assert self.store.dump() == before

    @rule()
    def rebuild(self) -> None:
        before = self.store.dump()
        self.store.rebuild()
        assert self.store.dump() == before

    @invariant()
    def the_store_is_sound(self) -> None:
        if not hasattr(self, "store"):
            return
        assert self.store.check() == []
        for fact in self.store.list_facts(None):
            assert (fact.until is None) == (fact.state is State.CURRENT)
            assert fact.until is None or fact.until >= fact.since
            assert self.store.facts([fact.id], on("9999-01-01")) == [fact]


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=14)
