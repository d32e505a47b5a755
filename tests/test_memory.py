"""Claims about Memory: reading in time order, idempotence, failure, forgetting, and keeping."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from fakes import ANN, HOME, FakeLM, HashEmbedder, ann
from toy import on

from memo.engines import Engines
from memo.errors import (
    ContextOverflow,
    ModelCrashed,
    ModelNotFound,
    NotKnown,
    StoreBusy,
    StoreDamaged,
    UsageProblem,
)
from memo.importers.base import cut
from memo.memory import (
    DOCUMENT_TOKENS,
    AlreadyKnown,
    Begun,
    Failed,
    Imported,
    Memory,
    Storing,
    Summary,
    estimated_tokens,
    note,
)
from memo.records import FactId, Message, State, utc_text
from memo.settings import load
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from memo.lm import Embedder, LanguageModel
    from memo.memory import ImportEvent
    from memo.records import Document
    from memo.settings import Settings


def memory_of(folder: Path, lm: FakeLM | None = None, busy_timeout_ms: int = 5000) -> Memory:
    """A memory in a folder, with fakes."""
    model, embedder = lm or ann(), HashEmbedder()
    settings = load(home=folder / "home", environ={"MEMO_MODELS": str(folder / "models")})
    engines = Engines(lambda _: model, lambda _: embedder)
    return Memory(settings, engines, busy_timeout_ms=busy_timeout_ms)


def unloadable(folder: Path) -> Memory:
    """A memory whose models must not be needed."""

    def lm(_: Settings) -> LanguageModel:
        raise ModelNotFound("no model")

    def embedder(_: Settings) -> Embedder:
        raise ModelNotFound("no embedder")

    settings = load(home=folder / "home", environ={})
    return Memory(settings, Engines(lm, embedder))


def said(text: str, date: str, speaker: str = "Ann") -> Document:
    (document,) = note(text, on(date), speaker=speaker)
    return document


def story() -> list[Document]:
    return [said(text, date) for date, text in ANN.items()]


def written(folder: Path, *lines: Mapping[str, object] | str) -> Path:
    """A file in the native format; text is a line as it stands."""
    path = folder / "chat.jsonl"
    path.write_text(
        "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    )
    return path


def messages(conversation: str = "kitchen") -> list[dict[str, str]]:
    return [
        {"conversation": conversation, "speaker": "Ann", "text": text, "at": f"{date}T12:00:00Z"}
        for date, text in ANN.items()
    ]


def sums(events: list[ImportEvent]) -> Summary:
    (summary,) = [event for event in events if isinstance(event, Summary)]
    assert summary is events[-1]
    return summary


def texts(memory: Memory, state: State | None = State.CURRENT) -> list[str]:
    return sorted(fact.text for fact in memory.facts(state=state))


def stored(memory: Memory) -> str:
    with Store.open(memory.settings.store) as store:
        assert store.check() == []
        return store.dump()


# -- reading -------------------------------------------------------------------------


def test_a_new_employer_ends_the_old_fact(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    for document in story():
        memory.ingest(document)
    assert texts(memory) == ["Ann lives in Hull.", "Ann works at Borealis."]
    assert texts(memory, State.PAST) == ["Ann works at Acme."]
    then = [fact.text for fact in memory.facts(as_of=on("2024-03-01"))]
    assert sorted(then) == ["Ann lives in Hull.", "Ann works at Acme."]


def test_opening_a_memory_and_looking_around_loads_no_model(tmp_path: Path) -> None:
    memory = unloadable(tmp_path)
    for look in (memory.facts, memory.changes, memory.documents, memory.review):
        assert look() == []
    assert memory.facts("work") == []


def test_documents_are_applied_in_time_order_whatever_the_order_of_the_files(
    tmp_path: Path,
) -> None:
    events = list(memory_of(tmp_path).ingest_all(reversed(story())))
    assert [event for event in events if isinstance(event, Storing | Begun)] == [
        Storing(2),
        Begun(2),
    ]
    applied = [event.change.at for event in events if isinstance(event, Imported)]
    assert applied == sorted(applied)
    assert sums(events).imported == sums(events).documents == 2


def test_a_second_import_changes_nothing_and_needs_no_model(tmp_path: Path) -> None:
    path = written(tmp_path, *messages())
    memory = memory_of(tmp_path)
    assert sums(list(memory.import_paths([path]))).imported == 2
    before = stored(memory)
    again = list(unloadable(tmp_path).import_paths([path]))
    assert sums(again).already_known == 2
    assert sums(again).imported == sums(again).documents == 0
    assert stored(memory) == before


def test_an_import_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    path = written(tmp_path, *messages())
    whole, stopped = memory_of(tmp_path / "a"), memory_of(tmp_path / "b")
    list(whole.import_paths([path]))
    with closing(stopped.import_paths([path])) as events:
        assert any(isinstance(event, Imported) for event in events)
    assert [document.unread for document in stopped.documents()] == [True, False]
    rest = sums(list(stopped.import_paths([path])))
    assert (rest.imported, rest.already_known) == (1, 1)
    assert texts(stopped, None) == texts(whole, None)


@pytest.mark.parametrize("error", [ContextOverflow, ModelCrashed])
def test_a_document_that_fails_is_named_and_the_rest_goes_on(
    tmp_path: Path, error: type[Exception]
) -> None:
    def before(asked: str) -> None:
        if "started at Acme" in asked:
            raise error("A prompt of 9999 tokens does not fit.")

    memory = memory_of(tmp_path, ann(before))
    path = written(tmp_path, *messages(), "not json")
    events = list(memory.import_paths([path]))
    assert [type(event) for event in events if isinstance(event, Failed | Imported)] == [
        Failed,
        Imported,
    ]
    summary = sums(events)
    assert (summary.imported, len(summary.failed), len(summary.skipped)) == (1, 1, 1)
    assert "9999" in summary.failed[0].reason
    assert summary.skipped[0].where == f"{path}:3"
    assert [document.unread for document in memory.documents()] == [False, True]
    assert sums(list(memory_of(tmp_path).import_paths([path]))).imported == 1
    assert memory.unread() == {}


def test_a_model_that_crashes_twice_in_a_row_ends_the_import(tmp_path: Path) -> None:
    asked = []

    def before(text: str) -> None:
        asked.append(text)
        raise ModelCrashed("The model's process ended.")

    memory = memory_of(tmp_path, ann(before))
    path = written(tmp_path, *messages(), {"text": "I sing.", "at": "2024-07-01"})
    with pytest.raises(ModelCrashed):
        list(memory.import_paths([path]))
    assert len(asked) == 2
    assert memory.facts() == []
    assert memory.changes() == []
    assert sums(list(memory_of(tmp_path).resume())).imported == len(memory.documents()) == 3


def test_each_record_is_counted_once_even_where_a_piece_of_it_fails(tmp_path: Path) -> None:
    def before(asked: str) -> None:
        if "word700" in asked:
            raise ContextOverflow("too long")

    long = " ".join(f"word{n}" for n in range(1500))
    path = written(
        tmp_path, {"text": long, "at": "2024-01-01"}, *messages(), {"text": "", "at": "2024-01-01"}
    )
    summary = sums(list(memory_of(tmp_path, ann(before)).import_paths([path])))
    total = summary.imported + summary.already_known + len(summary.skipped) + len(summary.failed)
    assert total == 4
    assert (summary.imported, len(summary.skipped), len(summary.failed)) == (2, 1, 1)


def test_other_memos_can_write_while_the_model_runs(tmp_path: Path) -> None:
    def before(_: str) -> None:
        with Store.open(tmp_path / "home" / "memo.db", busy_timeout_ms=0) as store:
            store.pin(FactId(1))

    memory = memory_of(tmp_path)
    first, second = story()
    memory.ingest(first)
    assert not isinstance(memory_of(tmp_path, FakeLM(before=before)).ingest(second), AlreadyKnown)
    assert memory.facts("Acme")[0].pinned


def test_two_imports_at_once_are_refused(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.counts()
    with (memory.settings.home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy, match="Another memo"):
            memory.ingest(story()[0])
    memory.ingest(story()[0])


def test_what_the_model_spent_is_told_with_the_change(tmp_path: Path) -> None:
    change = memory_of(tmp_path).ingest(story()[0])
    assert not isinstance(change, AlreadyKnown)
    assert change.usage.calls >= 1
    assert change.usage.prompt_tokens >= change.usage.evaluated_tokens > 0


def test_text_of_any_length_is_cut_into_documents_that_fit(tmp_path: Path) -> None:
    text = "Ann walked along the canal to the museum, as usual. " * 4000
    documents = note(text, on("2024-01-01"))
    assert len(documents) > 50
    assert "".join(document.messages[0].text for document in documents) == text
    assert all(estimated_tokens(document.text) <= DOCUMENT_TOKENS for document in documents)
    assert len({document.key for document in documents}) == len(documents)
    assert sum(document.records for document in documents) == 1


@pytest.mark.parametrize(
    "text", ["naïve café " * 400, "早く来て" * 500, "🚲🏠" * 400, "1234567890" * 90]
)
def test_no_script_is_taken_for_shorter_than_it_is(text: str) -> None:
    for chunk in cut([Message(text, on("2024-01-01"))], estimated_tokens, DOCUMENT_TOKENS):
        # A byte-level tokenizer never makes more tokens than bytes; the context holds 4,096.
        assert len(chunk.messages[0].text.encode()) <= 2800


@pytest.mark.parametrize("text", ["", "  ", "\n\t \u2003", "\r\n"])
def test_a_blank_note_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="no text"):
        note(text)


def test_a_note_keeps_its_words_and_loses_what_cannot_be_stored() -> None:
    (document,) = note("nul \0 and half \ud800 of a pair", on("2024-01-01"))
    assert document.text == "nul \ufffd and half \ufffd of a pair"


# -- forgetting ----------------------------------------------------------------------


def test_forgotten_messages_are_not_shown_to_a_model_again(tmp_path: Path) -> None:
    path = written(tmp_path, *messages())
    memory = memory_of(tmp_path)
    list(memory.import_paths([path]))
    for document in memory.documents():
        memory.forget_document(document.id)
    model = ann()
    again = list(memory_of(tmp_path, model).import_paths([path]))
    assert sums(again).already_known == 2
    assert model.asked == []


def test_a_document_comes_back_without_its_forgotten_message(tmp_path: Path) -> None:
    lines = [{**one, "at": "2024-01-05T12:00:00Z"} for one in messages()]
    path = written(tmp_path, *lines)
    memory = memory_of(tmp_path)
    list(memory.import_paths([path]))
    memory.forget_fact(memory.facts("Borealis")[0].id)
    memory.undo(memory.documents()[0].change)
    model = ann()
    other = memory_of(tmp_path, model)
    assert sums(list(other.import_paths([path]))).imported == 2
    assert not any("Borealis" in asked for asked in model.asked)
    assert sums(list(other.import_paths([path]))).already_known == 2
    assert stored(other)


def test_what_is_forgotten_leaves_no_trace_in_any_file(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    for document in story():
        memory.ingest(document)
    memory.forget_fact(memory.facts("Hull")[0].id)
    left = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*.*"))
    assert b"Hull" not in left
    assert b"Borealis" in left


# -- a person's own changes ----------------------------------------------------------


def test_an_edited_fact_takes_the_old_ones_place(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.ingest(story()[0])
    change = memory.edit(memory.facts("Hull")[0].id, " Ann lives in York. ")
    assert [edit.op for edit in change.edits] == ["rewrite"]
    (fact,) = [fact for fact in memory.facts() if fact.by_hand]
    assert (fact.text, fact.claim.question) == ("Ann lives in York.", HOME)
    with pytest.raises(UsageProblem):
        memory.edit(fact.id, " ")
    with pytest.raises(NotKnown, match="99"):
        memory.edit(FactId(99), "Ann lives in York.")


def test_undo_and_redo_go_there_and_back(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.ingest(story()[0])
    before = stored(memory)
    memory.ingest(story()[1])
    after = stored(memory)
    memory.undo()
    assert stored(memory) == before
    memory.redo()
    assert stored(memory) == after


def test_facts_are_found_by_word_where_no_embedding_model_is(tmp_path: Path) -> None:
    memory_of(tmp_path).ingest(story()[0])
    found = unloadable(tmp_path).facts("Hull")
    assert [fact.text for fact in found] == ["Ann lives in Hull."]


# -- data in and out -----------------------------------------------------------------


def test_an_export_imports_into_an_empty_memory(tmp_path: Path) -> None:
    memory = memory_of(tmp_path / "a")
    for document in story():
        memory.ingest(document)
    path = written(tmp_path, *memory.export_messages())
    other = memory_of(tmp_path / "b")
    assert sums(list(other.import_paths([path]))).imported == 2
    kept = ("speaker", "text", "at", "conversation")
    assert [[one.get(name) for name in kept] for one in other.export_messages()] == [
        [one.get(name) for name in kept] for one in memory.export_messages()
    ]
    assert texts(other, None) == texts(memory, None)


def test_a_restored_backup_is_what_was_backed_up(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.ingest(story()[0])
    before = stored(memory)
    memory.backup(tmp_path / "copy.db")
    memory.ingest(story()[1])
    after = stored(memory)
    former = memory.restore(tmp_path / "copy.db")
    assert stored(memory) == before
    assert former is not None
    memory.restore(former)
    assert stored(memory) == after
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "home").iterdir()} == {0}


def test_a_damaged_backup_replaces_nothing(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.ingest(story()[0])
    before = stored(memory)
    (tmp_path / "copy.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged):
        memory.restore(tmp_path / "copy.db")
    assert stored(memory) == before


def test_a_backup_goes_into_an_empty_home(tmp_path: Path) -> None:
    memory = memory_of(tmp_path / "a")
    memory.ingest(story()[0])
    memory.backup(tmp_path / "copy.db")
    other = memory_of(tmp_path / "b")
    assert other.restore(tmp_path / "copy.db") is None
    assert stored(other) == stored(memory)


def test_a_reset_leaves_the_home_without_a_trace_and_the_models_alone(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.ingest(story()[0])
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights").touch()
    assert memory.settings.store in memory.reset()
    assert list(memory.settings.home.iterdir()) == []
    assert (tmp_path / "models" / "weights").exists()
    assert memory.facts(state=None) == []


# -- health --------------------------------------------------------------------------


def failing(memory: Memory) -> set[str]:
    return {check.name for check in memory.doctor() if not check.ok}


def test_the_doctor_tells_what_is_missing_and_changes_nothing(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    assert failing(memory) == {"chat model", "embedding model"}
    assert not memory.settings.home.exists()
    memory.settings.home.mkdir(mode=0o755)
    assert "modes" in failing(memory)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    "damage", ["DELETE FROM fact_state", "DELETE FROM fact_fts", "DELETE FROM code_place"]
)
def test_a_repair_derives_what_is_derived_and_keeps_the_store_as_it_was(
    tmp_path: Path, damage: str
) -> None:
    memory = memory_of(tmp_path)
    for document in story():
        memory.ingest(document)
    before = stored(memory)
    with Store.open(memory.settings.store) as store:
        store._db.execute(damage)
    assert "store" in failing(memory)
    kept = memory.repair()
    assert stored(memory) == before
    assert kept.exists()
    memory.repair()
    assert stored(memory) == before


def test_a_repair_embeds_anew_for_another_embedding_model(tmp_path: Path) -> None:
    memory_of(tmp_path).ingest(story()[0])
    other, model = HashEmbedder("other", 64), ann()
    memory = memory_of(tmp_path)
    memory = Memory(memory.settings, Engines(lambda _: model, lambda _: other))
    memory.repair()
    memory.ingest(story()[1])
    assert memory.facts("Where does Ann work?")[0].text == "Ann works at Borealis."


def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        memory = memory_of(tmp_path)
        memory.ingest(story()[0])
    finally:
        os.umask(old)
    assert memory.settings.home.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in memory.settings.home.iterdir()} == {0}


def test_times_are_kept_in_utc(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    path = written(tmp_path, {"text": "I live in Hull.", "at": "2024-07-01T00:30:00+02:00"})
    list(memory.import_paths([path], me="Ann"))
    assert [utc_text(one.at) for one in memory.documents()] == ["2024-06-30T22:30:00Z"]
