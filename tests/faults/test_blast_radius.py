"""Claims about what hostile documents can do with a model that obeys them: not much."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from acts import copied
from fakes import HashEmbedder
from hostile_corpus import BY_HAND, PINNED, Obedient, corpus, settle_in

from memo.engines import Engines
from memo.erase import MAX_RETIRED
from memo.erase.propagating import MAX_UNCERTAIN
from memo.events import squashed
from memo.memory import Failed, Imported, Memory
from memo.records import State
from memo.settings import load
from memo.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from memo.records import ChangeSet, FactId


def memory_of(home: Path) -> Memory:
    lm, embedder = Obedient(), HashEmbedder()
    settings = load(home=home, environ={"MEMO_MODELS": str(home.parent / "models")})
    return Memory(settings, Engines(lambda _: lm, lambda _: embedder))


def dump(home: Path) -> str:
    with Store.open(home / "memo.db") as store:
        assert store.check() == []
        return store.dump()


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("settled") / "home"
    settle_in(home)
    return home


@pytest.fixture(scope="module")
def attacked(
    settled: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[ChangeSet]]:
    """The home after one import of all two hundred, and what each did."""
    home = copied(settled, tmp_path_factory.mktemp("attacked") / "home")
    events = list(memory_of(home).ingest_all(corpus()))
    assert [event.reason for event in events if isinstance(event, Failed)] == []
    return home, [event.change for event in events if isinstance(event, Imported)]


def test_the_corpus_is_two_hundred_documents_that_the_model_obeys(
    attacked: tuple[Path, list[ChangeSet]],
) -> None:
    """A corpus that changed nothing would prove nothing."""
    _, changes = attacked
    assert len(corpus()) == len({document.digest for document in corpus()}) == 200
    assert sum(bool(_ended(change)) for change in changes) > len(changes) // 4
    assert sum(len(change.held) for change in changes) > len(changes)


def _ended(change: ChangeSet) -> list[FactId]:
    return [
        edit.fact for edit in change.edits if edit.fact and edit.op in ("make_false", "rewrite")
    ]


def test_no_document_goes_beyond_the_cap(attacked: tuple[Path, list[ChangeSet]]) -> None:
    assert max(len(_ended(change)) for change in attacked[1]) <= MAX_RETIRED


def test_no_document_goes_far_beyond_the_caps(attacked: tuple[Path, list[ChangeSet]]) -> None:
    for change in attacked[1]:
        assert len(_ended(change)) <= MAX_RETIRED + 1
        doubted = [edit for edit in change.edits if edit.op == "uncertain"]
        assert len(doubted) <= MAX_UNCERTAIN * max(1, len(_ended(change)))


def test_what_is_pinned_or_written_by_hand_stays(attacked: tuple[Path, list[ChangeSet]]) -> None:
    current = [fact.text for fact in memory_of(attacked[0]).facts(state=State.CURRENT)]
    assert {PINNED, BY_HAND} <= set(current)


def test_every_edit_quotes_its_document(attacked: tuple[Path, list[ChangeSet]]) -> None:
    for change, document in zip(attacked[1], corpus(), strict=False):
        for edit in change.edits:
            if edit.op != "uncertain":
                assert edit.evidence
                assert squashed(edit.evidence) in squashed(document.text)


def test_what_goes_beyond_waits_with_its_reason(attacked: tuple[Path, list[ChangeSet]]) -> None:
    home, _ = attacked
    waiting = memory_of(home).review()
    assert waiting
    with Store.open(home / "memo.db") as store:
        reasons = Counter(held.reason for _, _, held in store.held())
    assert all(reasons)


def test_one_command_takes_the_whole_import_back(
    attacked: tuple[Path, list[ChangeSet]], settled: Path, tmp_path: Path
) -> None:
    home = copied(attacked[0], tmp_path / "home")
    before, after = dump(settled), dump(home)
    assert before != after
    memory_of(home).undo_import()
    assert dump(home) == before
    memory_of(home).redo()
    assert dump(home) == after


def test_accepting_much_by_mistake_can_be_taken_back_too(
    attacked: tuple[Path, list[ChangeSet]], settled: Path, tmp_path: Path
) -> None:
    home = copied(attacked[0], tmp_path / "home")
    memory = memory_of(home)
    for _, record in memory.review()[:20]:
        assert record.item is not None
        memory.accept([record.item])
    memory.undo_import()
    assert dump(home) == dump(settled)
