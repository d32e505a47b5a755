"""Claims about a store that lives long: a dictionary tells the same, after crashes too."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from toy import embed, fact_of, home, move, moves, on, opened, plan, settle, towns

from memo.errors import NotKnown
from memo.records import ChangeId, State

if TYPE_CHECKING:
    from memo.store import Store

TOWNS = ("Hull", "York", "Leeds", "Goole")
PARTS = 4  # for `-n`
DAYS = tuple(f"2024-{month:02d}-{day:02d}" for month in (1, 2, 3) for day in range(1, 13))


def left_by_a_kill(folder: Path, to: Path) -> None:
    """What is on the disk at this moment: without the memory that SQLite maps into a file."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*-shm"))


class LongLife(RuleBasedStateMachine):
    """Where Ann lived each day, as the store tells it and as a dictionary does."""

    @initialize()
    def begin(self) -> None:
        self.root = tempfile.TemporaryDirectory()
        self.lives = 0
        self.abandoned: list[Store] = []
        self.folder = Path(self.root.name, "0")
        self.folder.mkdir()
        self.store = opened(self.folder)
        self.said: dict[str, str] = {}
        """What was said on which day, and not undone."""
        self.changes: dict[str, ChangeId] = {}
        self.undone: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "root"):
            for store in (self.store, *self.abandoned):
                store.close()
            self.root.cleanup()

    @rule(town=st.sampled_from(TOWNS), day=st.sampled_from(DAYS))
    def tell(self, town: str, day: str) -> None:
        if day not in self.said and day not in self.undone:
            self.changes[day] = ChangeId(move(self.store, town, day))
            self.said[day] = town

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        day = data.draw(st.sampled_from(sorted(self.said)))
        before = self.store.dump()
        document = moves(self.said[day], day)
        self.store.apply(document, settle(self.store, self.said[day], day), embed)
        assert self.store.dump() == before

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        day = data.draw(st.sampled_from(sorted(self.said)))
        self.store.undo(self.changes[day])
        self.undone[day] = self.said.pop(day)

    @precondition(lambda self: self.undone)
    @rule(data=st.data())
    def redo(self, data: st.DataObject) -> None:
        day = data.draw(st.sampled_from(sorted(self.undone)))
        self.store.redo(self.changes[day])
        self.said[day] = self.undone.pop(day)

    @precondition(lambda self: self.said)
    @rule(data=st.data(), on_=st.booleans())
    def pin_and_undo(self, data: st.DataObject, on_: bool) -> None:
        before = self.store.dump()
        town = data.draw(st.sampled_from(sorted(set(self.said.values()))))
        fact = fact_of(self.store, town)
        self.store.pin(fact.id, on=on_ and fact.state is not State.PAST)
        self.store.undo()
        assert self.store.dump() == before

    @rule()
    def rebuild(self) -> None:
        before = self.store.dump()
        self.store.rebuild()
        assert self.store.dump() == before

    @rule()
    def reopen(self) -> None:
        before = self.store.dump()
        self.store.close()
        self.store = opened(self.folder)
        assert self.store.dump() == before

    @rule()
    def crash(self) -> None:
        before = self.store.dump()
        self._move_to_what_is_left()
        assert self.store.dump() == before

    @rule(town=st.sampled_from(TOWNS))
    def crash_while_something_is_written(self, town: str) -> None:
        """Its transaction never ends, so nothing of it is there."""
        before, killed = self.store.dump(), self.store
        with suppress(InterruptedError), killed._writing():
            killed._all("UPDATE change_set SET title = :town", {"town": town})
            self._move_to_what_is_left()
            raise InterruptedError
        assert self.store.dump() == before

    def _move_to_what_is_left(self) -> None:
        self.lives += 1
        left = Path(self.root.name, str(self.lives))
        left_by_a_kill(self.folder, left)
        self.abandoned.append(self.store)
        self.folder, self.store = left, opened(left)

    @rule()
    def go_on_from_a_backup(self) -> None:
        before = self.store.dump()
        self.lives += 1
        folder = Path(self.root.name, str(self.lives))
        folder.mkdir()
        self.store.backup(folder / "memo.db")
        self.store.close()
        self.folder, self.store = folder, opened(folder)
        assert self.store.dump() == before

    @invariant()
    def it_tells_what_the_dictionary_does(self) -> None:
        if not hasattr(self, "store"):
            return
        assert self.store.check() == []
        assert self.store.counts()["documents"] == len(self.said)
        for day in (*DAYS[:: len(DAYS) // 6], "2030-01-01"):
            known = [then for then in self.said if then <= day]
            assert towns(self.store, day) == ([self.said[max(known)]] if known else [])
        assert towns(self.store) == ([self.said[max(self.said)]] if self.said else [])


TestLongLife = LongLife.TestCase
TestLongLife.settings = settings(max_examples=5, stateful_step_count=12)


def fifty_steps(folder: Path, seed: int) -> None:
    """Fifty changes of all kinds, back one by one and forth again: byte-equal at every stop."""
    chance = random.Random(seed)
    with opened(folder) as store:
        dumps = [store.dump()]
        changes: list[ChangeId] = []
        free = list(DAYS)
        chance.shuffle(free)
        while len(changes) < 50:
            kind = chance.choice(("tell", "tell", "pin", "edit")) if changes and free else "tell"
            facts = [fact.id for fact in store.list_facts(None) if fact.state is not State.PAST]
            if kind == "tell" and free:
                day, town = free.pop(), chance.choice(TOWNS)
                try:
                    changes.append(
                        store.apply(moves(town, day), settle(store, town, day), embed).id
                    )
                except (NotKnown, ValueError):  # it would retire what is the person's own
                    changes.append(store.apply(moves(town, day), plan(), embed).id)
            elif kind == "edit":
                claim = home(f"{chance.choice(TOWNS)} {len(changes)}")
                fact = chance.choice(facts)
                changes.append(store.edit_fact(fact, claim, on("2025-01-01"), embed).id)
            else:
                changes.append(store.pin(chance.choice(facts), chance.random() < 0.5).id)
            dumps.append(store.dump())
        for change, dump in zip(reversed(changes), reversed(dumps[:-1]), strict=True):
            store.undo(change)
            assert store.dump() == dump
        for change, dump in zip(changes, dumps[1:], strict=True):
            store.redo(change)
            assert store.dump() == dump
        assert store.check() == []


@pytest.mark.parametrize("seed", range(1))
def test_fifty_changes_go_back_and_forth(tmp_path: Path, seed: int) -> None:
    fifty_steps(tmp_path, seed)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_times_fifty_changes_go_back_and_forth(tmp_path: Path, part: int) -> None:
    for seed in range(part, 10_000, PARTS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        fifty_steps(folder, seed)
        shutil.rmtree(folder)
