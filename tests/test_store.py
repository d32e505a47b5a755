"""Claims about the store: opening, applying, reading, undoing, reviewing, checking."""

from __future__ import annotations

import ctypes
import json
import os
import stat
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import apsw
import numpy as np
import pytest
import sqlite_vec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy import TOY, add, embed, fact_of, home, move, moves, note, on, opened, plan, settle, towns

from memo.errors import (
    EmbedderMismatch,
    MemoError,
    ModelError,
    NotKnown,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreReadOnly,
    StoreTooNew,
    UsageProblem,
)
from memo.lm import EmbedderIdentity
from memo.records import (
    Add,
    ChangeId,
    Claim,
    Document,
    DocumentId,
    Evidence,
    FactId,
    Held,
    HeldId,
    MakeFalse,
    MarkUncertain,
    Message,
    PassageId,
    Plan,
    Reinforce,
    Rewrite,
    State,
    Usage,
)
from memo.store import Store, codes, opening, search

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from memo.lm import Vectors

ANN_BOSS = Claim("Ann's boss is Raj.", "Who is Ann's boss?", "Raj", ("Ann", "Raj"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as opened_store:
        yield opened_store


@contextmanager
def raw(path: Path) -> Iterator[apsw.Connection]:
    """The file without any of memo's guards, to do damage."""
    db = apsw.Connection(str(path))
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    try:
        yield db
    finally:
        db.close()


@contextmanager
def heeding_modes() -> Iterator[None]:
    """Root may write anywhere: lay that right down for a while (Linux)."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
    rights = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    assert libc.capget(version_3, rights) == 0
    before = rights[0]
    rights[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(version_3, rights) == 0
    try:
        yield
    finally:
        rights[0] = before
        assert libc.capset(version_3, rights) == 0


# -- opening -------------------------------------------------------------------------


def test_a_new_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "home" / "memo.db"
    with Store.open(path, embedder=TOY) as store:
        move(store, "Hull", "2024-01-01")
        modes = {place.name: stat.S_IMODE(place.stat().st_mode) for place in path.parent.iterdir()}
    assert modes == {f"memo.db{end}": 0o600 for end in ("", "-wal", "-shm", "-head")}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StoreError, match="link is not followed"):
        Store.open(tmp_path / "link" / "memo.db")


def test_a_linked_file_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "other.db").symlink_to(tmp_path / "memo.db")
    with pytest.raises(StoreError, match="link is not followed"):
        Store.open(tmp_path / "other.db")


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    else:
        folder = folder.__class__("/")
    with pytest.raises(StoreError, match="belongs to user"):
        Store.open(folder / "memo.db")


@pytest.mark.parametrize("content", [b"hello", b"x" * 20_000])
def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "memo.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match=r"memo\.db"):
        Store.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "memo.db"
    with raw(path) as db:
        db.execute("CREATE TABLE song (title)")
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="not a memo store"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_cut_file_is_called_damaged(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    path = tmp_path / "memo.db"
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(StoreDamaged), Store.open(path) as cut:
        cut.dump()


FORMER = """
DROP TABLE unread; DROP INDEX passage_said;
DROP INDEX document_key; DROP INDEX change_set_import;
ALTER TABLE passage DROP COLUMN context; ALTER TABLE change_set DROP COLUMN import_id;
DROP INDEX fact_state_newest; DROP INDEX change_set_target; DROP INDEX change_set_undone;
ALTER TABLE fact_state DROP COLUMN begins; ALTER TABLE fact_state DROP COLUMN settles;
DROP TABLE exchange_source; DROP TABLE exchange_change; DROP TABLE exchange;
DROP TABLE conversation; DROP INDEX document_twice; DROP INDEX fact_twice;
DROP TABLE code_segment; DROP TABLE code_slots; DROP TABLE code_place;
CREATE VIRTUAL TABLE fact_vec USING vec0 (
    id INTEGER PRIMARY KEY, vector FLOAT[32] distance_metric=cosine);
CREATE VIRTUAL TABLE passage_vec USING vec0 (
    id INTEGER PRIMARY KEY, vector FLOAT[32] distance_metric=cosine);
INSERT INTO fact_vec SELECT v.* FROM fact_vector v JOIN fact_state USING (fact_id);
INSERT INTO passage_vec SELECT * FROM passage_vector;
PRAGMA user_version = 1;
"""
"""Makes of a store what the first memo wrote."""


def former(path: Path) -> None:
    with raw(path) as db:
        for _ in db.execute(FORMER):
            pass


def test_a_store_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        move(store, "York", "2024-02-01")
        before = store.dump()
    former(tmp_path / "memo.db")
    with opened(tmp_path) as store:
        assert store.dump() == before
        assert store.check() == []
        near = store.search_facts_by_vector(embed(["Where does Ann live?"])[0], 5)
        assert {fact for fact, _ in near} == {1, 2}
        assert towns(store, "2024-01-15") == ["Hull"]


def test_an_upgrade_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    """The process ended after the tables had been made and before they were filled."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    former(tmp_path / "memo.db")
    opening.connect(tmp_path / "memo.db")[0].close()
    with pytest.raises(StoreReadOnly, match="brought up to date"):
        Store.open(tmp_path / "memo.db", read_only=True)
    with opened(tmp_path) as store:
        assert store.check() == []


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with raw(tmp_path / "memo.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="99"):
        opened(tmp_path)


def test_a_file_left_empty_by_a_crash_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "memo.db").touch(0o600)
    with opened(tmp_path) as store:
        assert move(store, "Hull", "2024-01-01") == 1


def test_a_locked_store_is_called_busy(tmp_path: Path) -> None:
    opened(tmp_path).close()
    path = tmp_path / "memo.db"
    with raw(path) as db, Store.open(path, embedder=TOY, busy_timeout_ms=20) as store:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="Another program"):
            move(store, "Hull", "2024-01-01")
        db.execute("ROLLBACK")
        assert move(store, "Hull", "2024-01-01") == 1


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        before = store.dump()
        store._all("PRAGMA max_page_count = 1")  # SQLite keeps it at the present size
        with pytest.raises(StoreError, match="full"):
            store.apply(note("word " * 100_000, "2024-02-01"), plan(), embed)
        assert store.dump() == before
        assert store.check() == []


def test_a_store_opened_for_reading_cannot_be_written(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        with Store.open(store.path, embedder=TOY, read_only=True) as reader:
            assert towns(reader) == ["Hull"]
            with pytest.raises(StoreReadOnly, match="reading only"):
                move(reader, "York", "2024-02-01")


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o400), (0o500, 0o600)])
def test_without_write_permission_a_store_opens_for_reading(
    tmp_path: Path, folder_mode: int, file_mode: int
) -> None:
    path = tmp_path / "home" / "memo.db"
    with Store.open(path, embedder=TOY) as store:
        move(store, "Hull", "2024-01-01")
    path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    with heeding_modes(), Store.open(path, embedder=TOY) as reader:
        assert not reader.writable
        assert towns(reader) == ["Hull"]
        assert reader.check() == []
        with pytest.raises(StoreReadOnly):
            reader.pin(FactId(1))
    path.parent.chmod(0o700)


def test_no_store_is_made_where_nothing_may_be_written(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly, match="no store"):
        Store.open(tmp_path / "memo.db", read_only=True)
    assert not (tmp_path / "memo.db").exists()


# -- vectors -------------------------------------------------------------------------


def test_another_embedder_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    other = EmbedderIdentity("other", "1" * 64, 8)
    with pytest.raises(EmbedderMismatch, match="embed anew"):
        Store.open(tmp_path / "memo.db", embedder=other)


def test_embedding_anew_lets_another_embedder_in(tmp_path: Path) -> None:
    other = EmbedderIdentity("other", "1" * 64, 64)

    def twice(texts: Sequence[str]) -> Vectors:
        return np.hstack([embed(texts)] * 2) / np.float32(np.sqrt(2))

    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        undone = move(store, "York", "2024-02-01")
        store.undo()
    with Store.open(tmp_path / "memo.db") as store:
        store.reembed(other, twice)
    with Store.open(tmp_path / "memo.db", embedder=other) as store:
        store.redo(ChangeId(undone))
        near = store.search_facts_by_vector(
            twice([f"{home('Hull').question} {home('Hull').text}"])[0], 1
        )
        assert [fact for fact, _ in near] == [fact_of(store, "Hull").id]
        assert store.check() == []


OTHER = EmbedderIdentity("other", "2" * 64, 32)


def test_embedding_anew_goes_on_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memo.store.embedding.AT_ONCE", 2)
    asked: list[int] = []

    def failing(texts: Sequence[str]) -> Vectors:
        asked.append(len(texts))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return embed(texts)

    with opened(tmp_path) as store:
        for month, town in enumerate(("Hull", "York", "Leeds", "Bath", "Ely"), 1):
            move(store, town, f"2024-0{month}-01")
        store.undo()
    with Store.open(tmp_path / "memo.db") as store:
        before = store.dump()
        with pytest.raises(KeyboardInterrupt):
            store.reembed(OTHER, failing)
        assert asked == [1, 2, 2, 1]  # a probe, then facts
        assert store.embedder_identity() == OTHER
    with Store.open(tmp_path / "memo.db", embedder=OTHER) as store:
        waiting = store.count_without_vector()
        assert waiting == 2 * 5 - 4
        assert store.embed_missing(embed) == waiting
        assert store.embed_missing(embed) == store.count_without_vector() == 0
        assert store.check() == []
        assert store.dump() == before


def test_what_is_forgotten_while_it_is_embedded_gets_no_vector(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        move(store, "York", "2024-02-01")

    def forgetting(texts: Sequence[str]) -> Vectors:
        if "Ann lives in Hull." in " ".join(texts):
            with Store.open(tmp_path / "memo.db") as other, suppress(NotKnown):
                other.forget_fact(FactId(1))
        return embed(texts)

    with Store.open(tmp_path / "memo.db") as store:
        store.reembed(OTHER, forgetting)
        store.embed_missing(embed)  # the passage without the sentence
        assert store.check() == []


@pytest.mark.parametrize("bad", ["nan", "narrow"])
def test_an_embedder_that_is_of_no_use_changes_nothing(tmp_path: Path, bad: str) -> None:
    def broken(texts: Sequence[str]) -> Vectors:
        return embed(texts)[:, :16] if bad == "narrow" else embed(texts) * np.float32(np.nan)

    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    with Store.open(tmp_path / "memo.db") as store:
        before = store.dump()
        with pytest.raises((ModelError, EmbedderMismatch)):
            store.reembed(OTHER, broken)
        assert store.dump() == before
        assert store.embedder_identity() == TOY


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_stores_nothing(store: Store, bad: float) -> None:
    def broken(texts: Sequence[str]) -> Vectors:
        vectors = embed(texts)
        vectors[0, 0] = bad
        return vectors

    before = store.dump()
    with pytest.raises(ModelError, match="not finite"):
        store.apply(moves("Hull", "2024-01-01"), plan(add("Hull", "2024-01-01")), broken)
    with pytest.raises(ModelError, match="not finite"):
        store.search_facts_by_vector(broken(["Hull"])[0], 3)
    assert store.dump() == before


def test_no_lock_is_held_while_the_embedder_runs(store: Store) -> None:
    with Store.open(store.path, embedder=TOY, busy_timeout_ms=20) as other:

        def slow(texts: Sequence[str]) -> Vectors:
            move(other, "York", "2024-02-01")
            return embed(texts)

        store.apply(note("Ann has a cat.", "2024-03-01"), plan(), slow)
    assert towns(store) == ["York"]
    assert len(store.documents()) == 2


# -- applying ------------------------------------------------------------------------


def test_a_document_becomes_passages_facts_and_a_change_set(store: Store) -> None:
    document = Document(
        "chat",
        "kitchen",
        (
            Message("I live in Hull.", on("2024-01-01"), "Ann"),
            Message("How nice!", on("2024-01-02"), None),
        ),
        title="kitchen table",
    )
    usage = Usage(3, 812, 431, 96)
    work = Plan((add("Hull", "2024-01-01"),), problems=("no slot",), usage=usage, elapsed_s=4.1)
    change = store.apply(document, work, embed)
    (edit,) = change.edits
    assert (edit.op, edit.fact, edit.text) == ("add", 1, "Ann lives in Hull.")
    assert edit.evidence == "live in Hull"
    assert (change.usage, change.elapsed_s, change.problems) == (usage, 4.1, ("no slot",))
    assert (change.title, change.at) == ("kitchen table", on("2024-01-02"))
    assert change.document is not None
    stored, passages, again = store.document(change.document)
    assert again == change
    assert (stored.source, stored.messages, stored.facts) == ("chat", 2, 1)
    assert [(one.speaker, one.text) for one in passages] == [
        ("Ann", "I live in Hull."),
        (None, "How nice!"),
    ]
    fact = store.fact(FactId(1))
    assert fact.claim == home("Hull")
    assert (fact.state, fact.since, fact.until) == (State.CURRENT, on("2024-01-01"), None)
    assert fact.document == change.document


def test_the_same_document_again_changes_nothing(store: Store) -> None:
    first = store.apply(moves("Hull", "2024-01-01"), plan(add("Hull", "2024-01-01")), embed)
    before = store.dump()
    again = replace(moves("Hull", "2024-01-01"), key="exported anew")
    assert store.known(again) == first.document
    assert store.apply(again, plan(add("Hull", "2024-01-01")), embed) == first
    assert store.dump() == before
    assert len(store.changes()) == 1


def test_a_grown_document_and_another_source_are_new(store: Store) -> None:
    document = moves("Hull", "2024-01-01")
    store.apply(document, plan(), embed)
    grown = replace(
        document, messages=(*document.messages, Message("Rain.", on("2024-01-02"), "Ann"))
    )
    assert store.known(grown) is None
    assert store.known(replace(document, source="chat")) is None


def test_two_imports_at_once_store_a_document_once(tmp_path: Path) -> None:
    opened(tmp_path).close()
    barrier = threading.Barrier(2)
    changes = []

    def meet(texts: Sequence[str]) -> Vectors:
        barrier.wait(10)
        return embed(texts)

    def run() -> None:
        with opened(tmp_path) as store:
            work = plan(add("Hull", "2024-01-01"))
            changes.append(store.apply(moves("Hull", "2024-01-01"), work, meet).id)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert changes == [1, 1]
    with opened(tmp_path) as store:
        assert store.counts()["documents"] == store.counts()["current"] == 1
        assert store.check() == []


def test_a_failing_plan_leaves_no_half_document(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    before = store.dump()
    bad = plan(add("York", "2024-02-01"), MakeFalse(FactId(99), on("2024-02-01")))
    with pytest.raises(NotKnown, match="Fact 99"):
        store.apply(moves("York", "2024-02-01"), bad, embed)
    assert store.dump() == before
    assert store.check() == []


def test_a_new_value_ends_the_old_one(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-03-01")
    old, new = fact_of(store, "Hull"), fact_of(store, "York")
    assert (old.state, old.until, old.replaced_by) == (State.PAST, on("2024-03-01"), new.id)
    assert (new.state, new.since, new.replaces) == (State.CURRENT, on("2024-03-01"), old.id)
    assert towns(store, "2024-02-29") == ["Hull"]
    assert towns(store, "2024-03-01") == ["York"]
    assert towns(store, "2023-12-31") == []


def test_the_world_may_flip_back(store: Store) -> None:
    for town, date in (("Hull", "2024-01-01"), ("York", "2024-03-01"), ("Hull", "2024-05-01")):
        move(store, town, date)
    assert towns(store) == ["Hull"]
    back = fact_of(store, "Hull")
    assert (back.since, back.until, back.replaced_by) == (on("2024-05-01"), None, None)
    assert fact_of(store, "York").replaced_by == back.id
    assert towns(store, "2024-04-01") == ["York"]
    assert towns(store, "2024-02-01") == ["Hull"]


def test_old_news_never_becomes_current(store: Store) -> None:
    move(store, "York", "2024-03-01")
    move(store, "Hull", "2024-01-01")
    assert towns(store) == ["York"]
    assert fact_of(store, "Hull").replaced_by == fact_of(store, "York").id
    assert towns(store, "2024-02-01") == ["Hull"]


def test_rewrites_that_share_a_claim_store_it_once(store: Store) -> None:
    works, lives = home("Hull"), home("Leeds")
    store.apply(
        note("Hull. Leeds.", "2024-01-01"),
        plan(Add(works, on("2024-01-01")), Add(lives, on("2024-01-01"))),
        embed,
    )
    change = store.apply(
        moves("York", "2024-02-01"),
        plan(*(Rewrite(FactId(id_), on("2024-02-01"), home("York")) for id_ in (1, 2))),
        embed,
    )
    assert [(edit.op, edit.fact, edit.new_fact) for edit in change.edits] == [
        ("rewrite", 1, 3),
        ("rewrite", 2, 3),
    ]
    assert towns(store) == ["York"]


def test_a_doubt_shows_until_it_is_answered(store: Store) -> None:
    store.apply(moves("Hull", "2024-01-01"), plan(add("Hull", "2024-01-01")), embed)
    store.apply(note("Raj is my boss.", "2024-01-02"), plan(Add(ANN_BOSS, on("2024-01-02"))), embed)
    change = store.apply(
        moves("York", "2024-03-01"),
        plan(
            MarkUncertain(FactId(2), on("2024-03-01"), FactId(1)),
            Rewrite(FactId(1), on("2024-03-01"), home("York")),
        ),
        embed,
    )
    assert [(edit.op, edit.because) for edit in change.edits] == [
        ("uncertain", 1),
        ("rewrite", None),
    ]
    doubtful = store.fact(FactId(2))
    assert (doubtful.state, doubtful.until) == (State.UNCERTAIN, on("2024-03-01"))
    events = json.loads(store.dump())["events"]
    caused_by = {row[4]: row[13] for row in events}  # kind: because
    assert events[caused_by["marked_uncertain"] - 1][4] == "rewritten"
    sure = plan(Reinforce(FactId(2), on("2024-04-01"), confirms=True))
    store.apply(note("Raj still is.", "2024-04-01"), sure, embed)
    assert store.fact(FactId(2)).state is State.CURRENT
    assert store.fact(FactId(2)).since == on("2024-01-02")
    store.undo()
    assert store.fact(FactId(2)).state is State.UNCERTAIN


def test_what_was_said_later_was_not_known_before(store: Store) -> None:
    """On 1 June Ann says that she has lived in Hull since January."""
    store.apply(moves("Hull", "2024-06-01"), plan(add("Hull", "2024-01-01")), embed)
    assert towns(store, "2024-05-31") == []
    assert towns(store, "2024-06-01") == ["Hull"]
    assert fact_of(store, "Hull").since == on("2024-01-01")


def test_what_ended_is_not_made_doubtful(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-03-01")
    doubt = plan(MarkUncertain(FactId(1), on("2024-04-01"), FactId(2)))
    store.apply(note("Hm.", "2024-04-01"), doubt, embed)
    assert fact_of(store, "Hull").state is State.PAST


def since_march(store: Store) -> ChangeId:
    """On 1 June Ann says that she has lived in York since March."""
    work = settle(store, "York", "2024-03-01")
    return store.apply(note("I live in York since March.", "2024-06-01"), work, embed).id


@pytest.mark.parametrize("known", [(), ("2024-01-01",)])
def test_old_news_ends_only_when_the_newer_was_said(store: Store, known: tuple[str, ...]) -> None:
    """What Ann says of Hull in February arrives last, and held as far as anyone knew in April."""
    for day in known:
        move(store, "Hull", day)
    since_march(store)
    move(store, "Hull", "2024-02-01")
    assert towns(store, "2024-04-01") == ["Hull"]
    assert towns(store, "2024-06-01") == ["York"]


def test_old_news_does_not_vouch_for_what_came_after(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    york = since_march(store)
    move(store, "Hull", "2024-02-01")
    store.undo(york)
    assert [fact.claim.value for fact in store.list_facts(None)] == ["Hull"]
    assert towns(store) == ["Hull"]


@pytest.mark.parametrize("protect", ["pin", "hand"])
def test_a_plan_cannot_retire_what_is_the_persons_own(store: Store, protect: str) -> None:
    move(store, "Hull", "2024-01-01")
    fact = FactId(1)
    if protect == "pin":
        store.pin(fact)
    else:
        (edit,) = store.edit_fact(fact, home("Cottingham"), on("2024-01-02"), embed).edits
        assert edit.new_fact is not None
        fact = edit.new_fact
    when = on("2024-02-01")
    for bad in (
        MakeFalse(fact, when),
        Rewrite(fact, when, home("York")),
        MarkUncertain(fact, when, fact),
    ):
        with pytest.raises(ValueError, match="pinned or written by hand"):
            store.apply(moves("York", "2024-02-01"), plan(bad), embed)
    assert len(store.documents()) == 1


def test_text_that_sqlite_cannot_hold_is_replaced(store: Store) -> None:
    odd = note("Hull \ud800 and \0 York", "2024-01-01")
    claim = Claim("Ann \ud800.", "Who\0?", "\ud800", ("Ann\0",))
    store.apply(odd, plan(Add(claim, on("2024-01-01"), Evidence("Hull \ud800", 0))), embed)
    assert store.known(odd) == 1
    assert store.passages([PassageId(1)])[0].text == "Hull ? and \ufffd York"
    assert store.check() == []


# -- reading -------------------------------------------------------------------------


def test_facts_come_newest_first_and_by_state(store: Store) -> None:
    for town, date in (("Hull", "2024-01-01"), ("York", "2024-03-01"), ("Leeds", "2024-05-01")):
        move(store, town, date)
    assert [fact.claim.value for fact in store.list_facts(None)] == ["Leeds", "York", "Hull"]
    assert [fact.claim.value for fact in store.list_facts(State.PAST, 1)] == ["York"]
    as_of = store.list_facts(None, as_of=on("2024-04-01"))
    assert [(fact.claim.value, fact.state.value) for fact in as_of] == [
        ("York", "current"),
        ("Hull", "past"),
    ]
    assert as_of[1].replaced_by == as_of[0].id
    assert as_of[0].replaces == as_of[1].id


def test_facts_are_found_by_subject_and_by_question(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-03-01")
    store.apply(note("Raj.", "2024-03-02"), plan(Add(ANN_BOSS, on("2024-03-02"))), embed)
    assert [fact.claim.value for fact in store.current_facts_about(["ANN"])] == ["York", "Raj"]
    assert [fact.claim.value for fact in store.current_facts_about(["raj", "nobody"])] == ["Raj"]
    asked = store.facts_with_question("where does  ANN live?")
    assert [fact.claim.value for fact in asked] == ["Hull", "York"]


def test_an_unknown_id_is_named_in_the_message(store: Store) -> None:
    for read in (
        lambda: store.fact(FactId(7)),
        lambda: store.change(ChangeId(7)),
        lambda: store.document(DocumentId(7)),
        lambda: store.history(FactId(7)),
        lambda: store.undo(ChangeId(7)),
        lambda: store.redo(ChangeId(7)),
        lambda: store.pin(FactId(7)),
        lambda: store.forget_fact(FactId(7)),
        lambda: store.forget_document(DocumentId(7)),
        lambda: store.accept_held([HeldId(7)], embed),
    ):
        with pytest.raises(NotKnown, match="7"):
            read()


def test_words_find_facts_and_passages(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-03-01")
    hull, york = fact_of(store, "Hull").id, fact_of(store, "York").id
    assert [fact for fact, _ in store.search_facts_by_words("hull?", 5)] == [hull]
    both = store.search_facts_by_words("living in york", 5)
    assert [fact for fact, _ in both] == [york, hull]
    assert both[0][1] > both[1][1] > 0
    current = store.search_facts_by_words("living", 5, [State.CURRENT])
    assert [fact for fact, _ in current] == [york]
    then = store.search_facts_by_words("living", 5, [State.CURRENT], on("2024-02-01"))
    assert [fact for fact, _ in then] == [hull]
    said = store.search_passages_by_words("What did Ann say?", 5, on("2024-02-01"))
    assert [passage for passage, _ in said] == [1]


def test_vectors_find_facts_and_passages(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-03-01")
    hull, york = fact_of(store, "Hull"), fact_of(store, "York")
    query = embed([f"{hull.claim.question} {hull.text}"])[0]
    (first, score), (second, less) = store.search_facts_by_vector(query, 5)
    assert (first, second) == (hull.id, york.id)
    assert score == pytest.approx(1.0, abs=1e-5)
    assert less < score
    assert [fact for fact, _ in store.search_facts_by_vector(query, 1, [State.CURRENT])] == [
        york.id
    ]
    said = embed(["Ann: I live in Hull now. The weather is fine."])[0]
    assert store.search_passages_by_vector(said, 1)[0][0] == 1
    assert store.search_passages_by_vector(said, 5, on("2023-01-01")) == []


def spread(count: int) -> Vectors:
    """Vectors that lie in no order."""
    vectors = np.random.default_rng(7).standard_normal((count, TOY.dim)).astype("f4")
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def many(store: Store, count: int, date: str = "2024-01-01") -> Vectors:
    """So many facts with vectors that are no words'; facts and rows are numbered alike."""
    vectors = spread(2 * count)
    claims = [Claim(f"Fact {n}.", f"What is {n}?", f"{n}", ("Ann",)) for n in range(count)]
    texts = {f"{claim.question} {claim.text}": row for row, claim in enumerate(claims)}

    def drawn(wanted: Sequence[str]) -> Vectors:
        return np.stack([vectors[texts.get(text, -1)] for text in wanted])

    store.apply(note("Much.", date), plan(*(Add(claim, on(date)) for claim in claims)), drawn)
    return vectors


@pytest.mark.parametrize("slots", [1, 7, 64, 4096])
def test_the_nearest_are_those_of_an_exact_search(
    store: Store, monkeypatch: pytest.MonkeyPatch, slots: int
) -> None:
    monkeypatch.setattr(codes, "SLOTS", slots)
    monkeypatch.setattr(search, "COMPARED", 40)
    vectors = many(store, 300)
    store.apply(
        note("Over.", "2024-02-01"),
        plan(*(MakeFalse(FactId(n), on("2024-02-01")) for n in range(1, 300, 3))),
        embed,
    )
    assert store.check() == []
    right = 0
    for query in vectors[300:330]:
        near = store.search_facts_by_vector(query, 10, [State.CURRENT])
        cosines = vectors[:300] @ query
        assert [cosine for _, cosine in near] == pytest.approx(
            [float(cosines[fact - 1]) for fact, _ in near], abs=1e-5
        )
        exact = [int(row) + 1 for row in np.argsort(-cosines) if row % 3][:10]
        right += len(set(exact) & {fact for fact, _ in near})
    assert right / 300 >= 0.95
    past = store.search_facts_by_vector(vectors[0], 5, [State.PAST])
    assert past[0][0] == 1
    then = store.search_facts_by_vector(vectors[0], 5, [State.CURRENT], on("2024-01-15"))
    assert then[0][0] == 1
    assert store.search_facts_by_vector(vectors[0], 5, None, on("2023-12-31")) == []


def test_a_forgotten_vector_leaves_no_trace(store: Store) -> None:
    vectors = many(store, 20)
    gone = codes.signs(vectors[4:5]).tobytes(), vectors[4].tobytes()
    assert all(trace in store.path.read_bytes() + wal(store) for trace in gone)
    store.forget_fact(FactId(5))
    assert not any(trace in store.path.read_bytes() + wal(store) for trace in gone)
    assert store.check() == []


def wal(store: Store) -> bytes:
    return store.path.with_name("memo.db-wal").read_bytes()


def test_a_search_widens_until_enough_fit(store: Store) -> None:
    """Many past values are nearer than the one current fact."""
    for number in range(40):
        move(store, f"Town{number}", f"2024-01-{number // 2 + 1:02d}T{number % 2:02d}:00:00")
    store.apply(note("Raj.", "2024-03-02"), plan(Add(ANN_BOSS, on("2024-03-02"))), embed)
    query = embed(["Where does Ann live? Ann lives in Town3."])[0]
    found = store.search_facts_by_vector(query, 2, [State.CURRENT])
    assert {fact for fact, _ in found} == {40, 41}
    words = store.search_facts_by_words("Where does Ann live in Town3", 2, [State.CURRENT])
    assert {fact for fact, _ in words} == {40, 41}


@given(text=st.text())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_searched_for(store: Store, text: str) -> None:
    for query in (text, f'"{text}', f"{text} AND (", f"text: {text}*"):
        store.search_facts_by_words(query, 3)
        store.search_passages_by_words(query, 3)


def test_an_empty_store_finds_nothing(store: Store) -> None:
    assert store.search_facts_by_vector(embed(["Hull"])[0], 3) == []
    assert store.search_passages_by_words("Hull", 3) == []
    assert store.list_facts() == []
    assert store.counts()["events"] == 0


# -- undo and redo -------------------------------------------------------------------


def test_undo_restores_exactly_what_was_and_redo_what_had_been(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    before = store.dump()
    change = move(store, "York", "2024-03-01")
    after = store.dump()
    undone = store.undo()
    assert (undone.kind, undone.target) == ("undo", change)
    assert store.dump() == before
    assert store.change(ChangeId(change)).undone
    assert store.search_facts_by_words("York", 3) == []
    assert store.search_passages_by_words("York", 3) == []
    store.redo()
    assert store.dump() == after
    assert store.check() == []


def test_an_undone_document_is_not_known_and_may_come_again(store: Store) -> None:
    first = move(store, "Hull", "2024-01-01")
    store.undo()
    assert store.known(moves("Hull", "2024-01-01")) is None
    move(store, "Hull", "2024-01-01")
    assert towns(store) == ["Hull"]
    with pytest.raises(NotKnown, match="imported anew"):
        store.redo(ChangeId(first))


def test_undoing_an_older_change_set_leaves_the_newer_ones(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    middle = move(store, "York", "2024-03-01")
    move(store, "Leeds", "2024-05-01")
    store.undo(ChangeId(middle))
    assert [fact.claim.value for fact in store.list_facts(None)] == ["Leeds", "Hull"]
    assert store.check() == []


def test_undoing_the_newer_value_revives_old_news(store: Store) -> None:
    """Hull was superseded on arrival by York; without York it holds."""
    newer = move(store, "York", "2024-03-01")
    move(store, "Hull", "2024-01-01")
    store.undo(ChangeId(newer))
    assert towns(store) == ["Hull"]
    store.redo()
    assert towns(store) == ["York"]


def test_undo_goes_back_step_by_step_and_redo_forth(store: Store) -> None:
    dumps = [store.dump()]
    for town, date in (("Hull", "2024-01-01"), ("York", "2024-02-01"), ("Leeds", "2024-03-01")):
        move(store, town, date)
        dumps.append(store.dump())
    for before in reversed(dumps[:-1]):
        store.undo()
        assert store.dump() == before
    with pytest.raises(NotKnown, match="nothing to undo"):
        store.undo()
    for after in dumps[1:]:
        store.redo()
        assert store.dump() == after
    with pytest.raises(NotKnown, match="nothing to redo"):
        store.redo()


def test_what_cannot_be_undone_says_why(store: Store) -> None:
    change = ChangeId(move(store, "Hull", "2024-01-01"))
    with pytest.raises(NotKnown, match="not undone"):
        store.redo(change)
    undo = store.undo(change)
    with pytest.raises(NotKnown, match="undone already"):
        store.undo(change)
    with pytest.raises(NotKnown, match="itself an undo"):
        store.undo(undo.id)
    redo = store.redo(undo.id)
    with pytest.raises(NotKnown, match="itself a redo"):
        store.undo(redo.id)
    forgot = store.forget_fact(FactId(1))
    with pytest.raises(NotKnown, match="for good"):
        store.undo(forgot.id)


def test_pins_and_edits_are_undone_like_documents(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    dumps = [store.dump()]
    store.pin(FactId(1))
    assert store.fact(FactId(1)).pinned
    dumps.append(store.dump())
    store.pin(FactId(1), on=False)
    assert not store.fact(FactId(1)).pinned
    store.undo()
    assert store.dump() == dumps.pop()
    edited = store.edit_fact(FactId(1), home("Cottingham"), on("2024-01-02"), embed)
    new = fact_of(store, "Cottingham")
    assert new.by_hand
    assert new.pinned
    assert new.document is None
    assert [(edit.op, edit.fact, edit.new_fact) for edit in edited.edits] == [
        ("rewrite", 1, new.id),
        ("pin", new.id, None),
    ]
    assert towns(store) == ["Cottingham"]
    store.undo()
    assert towns(store) == ["Hull"]
    store.undo()
    assert store.dump() == dumps.pop()


def test_merged_facts_are_one_since_the_first_of_them_and_two_again(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    said = plan(Add(home("Cottingham"), on("2024-02-01")))
    store.apply(note("Near Hull.", "2024-02-01"), said, embed)
    store.pin(FactId(2))
    before = store.dump()
    merged = store.merge_facts([FactId(2), FactId(1)], home("Cottingham near Hull"), embed)
    assert [(edit.op, edit.fact, edit.new_fact) for edit in merged.edits] == [
        ("rewrite", 2, 3),
        ("rewrite", 1, 3),
        ("pin", 3, None),
    ]
    assert towns(store) == ["Cottingham near Hull"]
    one = store.fact(FactId(3))
    assert (one.since, one.pinned, one.by_hand) == (on("2024-01-01"), True, True)
    assert towns(store, "2024-03-01") == ["Cottingham", "Hull"]  # as was known then
    assert store.check() == []
    store.undo()
    assert store.dump() == before
    store.redo()
    store.forget_fact(FactId(3))
    assert store.list_facts(None) == []


def test_only_several_facts_that_hold_are_merged(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-02-01")
    for facts, problem in (([1, 2], "Fact 1 is past"), ([2, 2], "alone"), ([2, 9], "no fact 9")):
        with pytest.raises(MemoError, match=problem):
            store.merge_facts([FactId(fact) for fact in facts], home("Leeds"), embed)
    assert towns(store) == ["York"]


def test_a_fact_that_ended_without_another_in_its_place_is_not_edited(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    over = plan(MakeFalse(FactId(1), on("2024-02-01")))
    store.apply(note("I left Hull.", "2024-02-01"), over, embed)
    with pytest.raises(UsageProblem, match="Fact 1 is past; only what holds can be edited"):
        store.edit_fact(FactId(1), home("Leeds"), on("2024-03-01"), embed)
    store.undo()
    assert towns(store) == ["Hull"]
    store.edit_fact(FactId(1), home("Leeds"), on("2024-03-01"), embed)
    assert towns(store) == ["Leeds"]


def test_history_tells_everything_in_order(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    change = ChangeId(move(store, "York", "2024-03-01"))
    store.undo(change)
    store.pin(FactId(1))
    told = [(one.event, one.truth, one.change, one.undone) for one in store.history(FactId(1))]
    assert told == [
        ("added", True, 1, False),
        ("rewritten", False, 2, True),
        ("undone", None, 3, False),
        ("pinned", None, 4, False),
    ]
    assert store.history(FactId(1))[0].quote == "live in Hull"
    store.redo()
    told = [(one.event, one.truth, one.change, one.undone) for one in store.history(FactId(1))]
    assert told[1:] == [
        ("rewritten", False, 2, False),
        ("undone", None, 3, True),
        ("pinned", None, 4, False),
        ("redone", None, 5, False),
    ]
    store.undo(change)
    told = [(one.event, one.truth, one.change, one.undone) for one in store.history(FactId(1))]
    assert told[4:] == [("redone", None, 5, True), ("undone", None, 6, False)]


def test_history_tells_what_came_in_the_place_of_a_fact(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-03-01")
    store.edit_fact(FactId(2), home("Leeds"), on("2024-04-01"), embed)
    ends = [store.history(FactId(fact))[-1] for fact in (1, 2)]
    assert [(one.event, one.new_fact, one.new_text) for one in ends] == [
        ("rewritten", 2, store.fact(FactId(2)).text),
        ("edited", 3, home("Leeds").text),
    ]
    assert store.history(FactId(3))[0].new_text is None


# -- review --------------------------------------------------------------------------


def doubted(store: Store) -> HeldId:
    """A move that was held back."""
    move(store, "Hull", "2024-01-01")
    edit = Rewrite(FactId(1), on("2024-02-01"), home("York"), evidence=Evidence("live in York", 0))
    held = Plan(held=(Held(edit, "too sudden"),))
    change = store.apply(moves("York", "2024-02-01"), held, embed)
    assert change.edits == ()
    (record,) = change.held
    assert (record.op, record.fact, record.new_text) == ("rewrite", 1, "Ann lives in York.")
    assert (record.reason, record.evidence) == ("too sudden", "live in York")
    assert store.held() == [(record.item, change.id, Held(edit, "too sudden"))]
    assert record.item is not None
    return record.item


def test_an_accepted_edit_is_applied_where_it_was_said(store: Store) -> None:
    item = doubted(store)
    store.pin(FactId(1))
    before = store.dump()
    change = store.accept_held([item], embed)
    assert change.kind == "review"
    assert [(edit.op, edit.evidence) for edit in change.edits] == [("rewrite", "live in York")]
    assert towns(store) == ["York"]
    assert fact_of(store, "York").document == 2
    assert store.held() == []
    assert [id_ for id_, _, _ in store.held("accepted")] == [item]
    with pytest.raises(NotKnown, match="does not wait"):
        store.reject_held([item])
    store.undo()
    assert store.dump() == before
    assert [id_ for id_, _, _ in store.held()] == [item]


def test_a_rejected_edit_changes_nothing_and_can_be_reconsidered(store: Store) -> None:
    item = doubted(store)
    rejected = store.reject_held([item])
    assert towns(store) == ["Hull"]
    assert [id_ for id_, _, _ in store.held("rejected")] == [item]
    store.undo(rejected.id)
    store.accept_held([item], embed)
    assert towns(store) == ["York"]
    with pytest.raises(NotKnown, match="decided anew"):
        store.redo(rejected.id)


def test_undoing_a_document_takes_its_accepted_edits_along(store: Store) -> None:
    item = doubted(store)
    store.accept_held([item], embed)
    after = store.dump()
    store.undo(ChangeId(2))
    assert towns(store) == ["Hull"]
    assert store.held("accepted") == []
    store.redo(ChangeId(2))
    assert store.dump() == after
    assert store.check() == []


@pytest.mark.parametrize(
    "edit",
    [
        Add(
            home("York"), on("2024-02-01"), superseded_by=FactId(1), superseded_at=on("2024-03-01")
        ),
        Reinforce(FactId(1), on("2024-02-01"), Evidence("Hull", 0), 0.5, confirms=True),
        MakeFalse(FactId(1), on("2024-02-01"), confidence=0.25),
        Rewrite(FactId(1), on("2024-02-01"), None, FactId(1)),
        MarkUncertain(FactId(1), on("2024-02-01"), FactId(1)),
    ],
)
def test_a_held_edit_comes_back_as_it_went(store: Store, edit: Add) -> None:
    move(store, "Hull", "2024-01-01")
    held = Plan(held=(Held(edit, "why"),))
    (record,) = store.apply(note("Hull?", "2024-02-01"), held, embed).held
    assert [one.edit for _, _, one in store.held()] == [edit]
    assert record.op == edit.op


# -- upkeep --------------------------------------------------------------------------

DAMAGES = {
    "chain": (
        "DROP TRIGGER event_immutable; UPDATE event SET confidence = 0.5 WHERE id = 1",
        "log of events",
    ),
    "lost event": (
        "PRAGMA foreign_keys = OFF; DROP TRIGGER event_stays; DELETE FROM event WHERE id = 2",
        "log of events",
    ),
    "quote": (
        "DROP TRIGGER event_quote; UPDATE event SET quote = 'else' WHERE id = 1",
        "quote of event 1",
    ),
    "live": ("DELETE FROM live_event WHERE event_id = 3", "effective"),
    "state": ("UPDATE fact_state SET state = 'current'", "state of fact 1"),
    "words": ("DELETE FROM fact_fts WHERE rowid = 1", "keyword index of facts"),
    "other words": ("UPDATE fact_fts SET text = 'nothing' WHERE rowid = 1", "other words"),
    "passage words": ("DELETE FROM passage_fts WHERE rowid = 1", "keyword index of passages"),
    "terms": ("DELETE FROM fact_fts_data WHERE id > 10", "integrity_check"),
    "places": ("DELETE FROM code_place WHERE kind = 'fact' AND id = 1", "vector index of facts"),
    "passage vectors": (
        "DELETE FROM code_place WHERE kind = 'passage'",
        "vector index of passages",
    ),
    "codes": ("UPDATE code_slots SET slots = zeroblob(length(slots))", "vector index of facts"),
    "lost codes": ("DELETE FROM code_slots", "."),
    "parts": ("UPDATE code_segment SET part = 'past'", "vector index of facts"),
    "begins": ("UPDATE fact_state SET begins = '2020-01-01T00:00:00Z'", "span of fact 1"),
    "settles": ("UPDATE fact_state SET settles = '2020-01-01T00:00:00Z'", "span of fact 1"),
    "a vector": ("UPDATE fact_vector SET vector = zeroblob(3) WHERE fact_id = 1", "fact 1"),
    "lost vector": ("DELETE FROM fact_vector WHERE fact_id = 1", "Fact 1 has no vector"),
}
REBUILT = ("live", "state", "words", "other words", "passage words", "terms", "places",
           "passage vectors", "codes", "lost codes", "parts", "begins",
           "settles")  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_check_finds_damage_and_rebuilding_repairs_what_is_derived(
    tmp_path: Path, damage: str
) -> None:
    script, problem = DAMAGES[damage]
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        move(store, "York", "2024-02-01")
        assert store.check() == []
        dump = store.dump()
    with raw(tmp_path / "memo.db") as db:
        for _ in db.execute(script):
            pass
    with opened(tmp_path) as store:
        problems = store.check()
        assert any(problem in one for one in problems), problems
        assert not any("Hull" in one for one in problems)
        if damage in REBUILT:
            store.rebuild()
            assert store.check() == []
            assert store.dump() == dump


def test_rebuilding_a_sound_store_changes_nothing(store: Store) -> None:
    for town, date in (("Hull", "2024-01-01"), ("York", "2024-02-01"), ("Leeds", "2024-03-01")):
        move(store, town, date)
    store.undo()
    dump = store.dump()
    store.rebuild()
    assert store.dump() == dump
    store.redo()
    assert store.check() == []


def test_the_log_of_events_cannot_be_rewritten(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    for statement in (
        "DELETE FROM event",
        "UPDATE event SET truth = 0",
        "UPDATE event SET quote = 'else'",
        "DELETE FROM fact",
        "UPDATE fact SET text = 'else'",
    ):
        with pytest.raises(StoreError, match=r"only|never"):
            store._all(statement)


def test_a_backup_is_the_same_store(store: Store, tmp_path: Path) -> None:
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-02-01")
    copy = tmp_path / "safe" / "copy.db"
    copy.parent.mkdir(mode=0o700)
    store.backup(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [place.name for place in copy.parent.iterdir()] == ["copy.db"]
    with Store.open(copy, embedder=TOY) as other:
        assert other.dump() == store.dump()
        assert other.check() == []
        other.undo()
        assert towns(other) == ["Hull"]
    with pytest.raises(StoreError, match="exists already"):
        store.backup(copy)
