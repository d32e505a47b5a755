"""Claims about large stores that small ones can show: they are valid, and little is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import synthetic
from fakes import HashEmbedder
from toy import HOME, TOY, embed, home, move, moves, on, opened, plan

from memo.records import DocumentId, Evidence, FactId, Held, Plan, Rewrite, State
from memo.retrieve import MAX_CANDIDATES, candidates
from memo.store import Store
from memo.store.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from memo.lm import Vectors
    from memo.store.rows import Row

EMBEDDER = HashEmbedder()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic store of 3000 facts."""
    path = tmp_path_factory.mktemp("large") / "memo.db"
    synthetic.build(path, 3000, EMBEDDER)
    return path


def test_a_store_written_in_bulk_is_like_any_other(large: Path) -> None:
    with Store.open(large, embedder=EMBEDDER.identity) as store:
        assert store.check() == []
        counts = store.counts()
        assert counts["current"] + counts["past"] == 3000
        assert counts["past"] > 500
        dump = store.dump()
        store.undo()
        assert store.check() == []
        store.redo()
        assert store.dump() == dump
        assert len(store.history(FactId(1))) == 1 + synthetic.REINFORCED


def test_lists_of_then_are_the_same_whether_they_are_stored_or_derived(large: Path) -> None:
    with Store.open(large, embedder=EMBEDDER.identity) as store:
        when = store.documents()[150].at
        for state in (None, *State):
            derived = {
                fact
                for facts in store._fact_chunks()
                for fact, now in store._derived_standings(facts, when).items()
                if state in (None, now.state)
            }
            listed = store.list_facts(state, as_of=when)
            assert {fact.id for fact in listed} == derived
            since = [(fact.since, fact.id) for fact in listed]
            assert since == sorted(since, reverse=True)
            assert store.list_facts(state, 7, when) == listed[:7]


def test_one_persons_many_facts_do_not_make_many_candidates(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for n in range(2 * MAX_CANDIDATES + 10):
            move(store, f"Town{n}", f"2025-01-{n // 24 + 1:02d}T{n % 24:02d}:00:00")
        said = moves("Hull", "2026-01-01")
        found = candidates(store, Toy(), said, [home("Hull")])
        assert len(found.facts) <= 2 * MAX_CANDIDATES
        assert store.facts_with_question(HOME)[-1] in found.facts


class Toy:
    """The toy embedder as `Embedder`."""

    identity = TOY

    def embed(self, texts: Sequence[str]) -> Vectors:
        return embed(texts)


LOOKS: dict[str, Callable[[Store], object]] = {
    "a document": lambda store: store.apply(
        moves("Goole", "2024-06-01"),
        plan(Rewrite(FactId(2), on("2024-06-01"), home("Goole"))),
        embed,
    ),
    "history": lambda store: store.history(FactId(1)),
    "one document": lambda store: store.document(DocumentId(1)),
    "one change": lambda store: store.changes(1),
    "newest": lambda store: store.list_facts(State.CURRENT, 5),
    "newest of all": lambda store: store.list_facts(None, 5),
    "undo": lambda store: store.undo(),
    "pin": lambda store: store.pin(FactId(2)),
    "subjects": lambda store: store.current_facts_about(["Ann"], 5),
    "questions": lambda store: store.facts_with_question(HOME, 5),
    "vectors": lambda store: store.search_facts_by_vector(embed(["Hull"])[0], 5),
    "words": lambda store: store.search_facts_by_words("Hull", 5, as_of=on("2024-01-15")),
}


@pytest.mark.parametrize("look", LOOKS)
def test_no_look_at_a_little_reads_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    scans: list[str] = []
    run = Connection._all

    def explained(
        self: Connection, sql: str, bindings: dict[str, object] | None = None
    ) -> list[Row]:
        if re.match(r"\s*(SELECT|WITH)\b", sql) and "LIMIT" not in sql:
            tables = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", sql)) & TABLES
            aliases = {
                alias
                for table, alias in re.findall(r"(?:FROM|JOIN)\s+(\w+)\s+(\w+)", sql)
                if table in TABLES
            }
            steps = [row[3].split() for row in run(self, "EXPLAIN QUERY PLAN " + sql, bindings)]
            scans.extend(
                f"{step[1]}: {sql}"
                for step in steps
                if step[0] == "SCAN" and step[1] in tables | aliases
            )
        return run(self, sql, bindings)

    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        move(store, "York", "2024-02-01")
        edit = Rewrite(
            FactId(2), on("2024-03-01"), home("Leeds"), evidence=Evidence("live in Leeds", 0)
        )
        store.apply(moves("Leeds", "2024-03-01"), Plan(held=(Held(edit, "sudden"),)), embed)
        monkeypatch.setattr(Connection, "_all", explained)
        LOOKS[look](store)
    assert scans == []


TABLES = {
    *("change_set", "document", "passage", "fact", "fact_subject", "event", "live_event"),
    *("fact_state", "fact_vector", "passage_vector", "held", "code_place", "code_slots"),
}
