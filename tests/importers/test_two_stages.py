"""Everything is stored first, then read: whatever comes between, the store ends the same."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeLM, HashEmbedder, ann
from hypothesis import given, settings
from hypothesis import strategies as st
from test_round_trip import FIRST, LATER, Memo, chat, stored

from memo.engines import Engines
from memo.errors import ModelNotFound
from memo.importers import Skipped
from memo.memory import Begun, Imported, Memory, Stored
from memo.settings import load
from memo.store import Store

if TYPE_CHECKING:
    from memo.records import Document

TELLS = ("I started at Acme.", "I live in Hull.", "I work at Borealis now.")


def memory_at(home: Path, lm: FakeLM | None = None) -> Memory:
    model = lm or ann()
    return Memory(load(home=home), Engines(lambda _: model, lambda _: HashEmbedder()))


def months(folder: Path) -> Path:
    """A chat of a year, a stretch a month, in which what holds changes now and then."""
    lines = []
    for month in range(1, 13):
        said = TELLS[month // 4 % 3] if month % 4 == 1 else f"It rained in month {month}."
        lines += [f"01/{month:02}/2024, 09:0{n} - Ann: {said} Day {n}." for n in (1, 2)]
        lines.append(f"01/{month:02}/2024, 09:03 - Bo: Well, number {month}!")
    return chat(folder, *lines)


def documents(path: Path) -> list[Document]:
    found = memory_at(path.parent / "none").read_paths([path], me="Ann")
    return sorted(
        (one for one in found if not isinstance(one, Skipped)), key=lambda document: document.at
    )


def dump(memory: Memory) -> dict[str, Any]:
    """The store, without when it was written."""
    with Store.open(memory.settings.store) as store:
        assert store.check() == []
        state: dict[str, Any] = json.loads(store.dump())
    for name, place in (("documents", 6), ("events", 8)):
        for row in state[name]:
            row[place] = None
    return state


def story(memory: Memory) -> list[tuple[object, ...]]:
    """What holds and held, without numbers."""
    facts = memory.facts(state=None)
    return sorted((one.text, one.state, one.since, one.until) for one in facts)


@pytest.fixture(scope="module")
def one_stage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Memory]:
    """The chat, and a memory into which its documents went one by one."""
    folder = tmp_path_factory.mktemp("whole")
    path, memory = months(folder), memory_at(folder / "home")
    for document in documents(path):
        memory.ingest(document)
    assert len(memory.facts(state=None)) == 3
    return path, memory


@given(stops=st.lists(st.integers(1, 60), max_size=6))
@settings(max_examples=12, deadline=None)
def test_an_import_ends_the_same_wherever_it_was_interrupted(
    one_stage: tuple[Path, Memory], stops: list[int]
) -> None:
    path, whole = one_stage
    with tempfile.TemporaryDirectory() as home:
        memory = memory_at(Path(home))
        for stop in stops:
            with closing(memory.import_paths([path], me="Ann")) as events:
                assert list(islice(events, stop))
        list(memory.import_paths([path], me="Ann"))
        assert dump(memory) == dump(whole)
        memory.undo_import()
        assert memory.documents() == []
        assert memory.facts(state=None) == []
        assert memory.unread() == {}


def test_what_waits_is_found_and_cited_and_named_before_it_is_read(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "home")
    path = chat(tmp_path, *FIRST, *LATER)

    def unloadable(_: object) -> FakeLM:
        raise ModelNotFound("There is no model.")

    memo.engines = Engines(unloadable, lambda _: HashEmbedder())
    result = memo("import", path, "--me", "Ann")
    assert result.exit_code == 4
    assert "0 of 2 documents are read, the others are stored and wait" in result.stderr
    assert [one["unread"] for one in memo.json("documents")] == [True, True]
    assert memo.json("log") == []
    assert "2 documents wait to be read" in memo("facts").stderr
    assert "2 wait to be read" in memo("doctor").stdout
    shown = memo("document", "1")
    assert "I started at Acme." in shown.stdout
    assert "waits to be read" in shown.stderr
    memo.engines = Engines(lambda _: memo.lm, lambda _: HashEmbedder())
    memo.json("ask", "Who lives in Hull?")
    assert "I live in Hull." in memo.lm.asked[-1]
    *_, summary = memo.json("import", "--resume")
    assert (summary["imported"], summary["already_known"], summary["documents"]) == (4, 0, 2)
    assert memo.facts() != []
    assert "Nothing waits" in memo("import", "--resume").stderr
    assert memo("import", "--resume", path).exit_code == 2
    assert memo("import").exit_code == 2


def test_a_dry_run_tells_what_waits_from_what_is_known(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "home")
    first = chat(tmp_path, *FIRST)
    memo.json("import", first, "--me", "Ann")

    def unloadable(_: object) -> FakeLM:
        raise ModelNotFound("There is no model.")

    memo.engines = Engines(unloadable, lambda _: HashEmbedder())
    grown = chat(tmp_path, *FIRST, *LATER)
    assert memo("import", grown, "--me", "Ann").exit_code == 4
    shown = memo("import", grown, "--dry-run", "--me", "Ann").stdout
    assert (
        "0 new + 2 stored and waiting + 2 already known + 1 skipped = 5 records; 2 documents"
        in shown
    )
    memo.engines = Engines(lambda _: memo.lm, lambda _: HashEmbedder())
    *_, told = memo.json("import", grown, "--dry-run", "--me", "Ann")
    *_, done = memo.json("import", grown, "--me", "Ann")
    for sum_ in ("imported", "already_known", "documents"):
        assert told[sum_] == done[sum_]
    shown = memo("import", grown, "--dry-run", "--me", "Ann").stdout
    assert "0 new + 4 already known + 1 skipped = 5 records; 0 documents" in shown


def test_one_undo_takes_back_an_import_with_what_waits_of_it(tmp_path: Path) -> None:
    path, memory = months(tmp_path), memory_at(tmp_path / "home")
    before = dump(memory)
    with closing(memory.import_paths([path], me="Ann")) as events:
        next(event for event in events if isinstance(event, Imported))
    after, waiting = dump(memory), memory.unread()
    assert len(waiting) == 11
    change = memory.undo_import()
    assert change.title == "Undid an import of 12 documents"
    assert dump(memory) == before
    assert memory.unread() == {}
    memory.redo()
    assert dump(memory) == after
    assert memory.unread() == waiting
    memory.undo_import()
    list(memory.import_paths([path], me="Ann"))
    assert len(memory.documents()) == 12


def test_an_import_of_which_nothing_was_read_is_undone_and_redone(tmp_path: Path) -> None:
    path, memory = months(tmp_path), memory_at(tmp_path / "home")
    with closing(memory.import_paths([path], me="Ann")) as events:
        next(event for event in events if isinstance(event, Begun))
    assert memory.changes() == []
    change = memory.undo_import()
    assert (change.target, memory.documents()) == (None, [])
    assert "import" in memory.redo().title
    assert len(memory.unread()) == 12


def test_what_is_forgotten_while_it_waits_is_never_read(tmp_path: Path) -> None:
    path = months(tmp_path)
    lm = ann()
    memory = memory_at(tmp_path / "home", lm)
    with closing(memory.import_paths([path], me="Ann")) as events:
        next(event for event in events if isinstance(event, Begun))
    hull = [one.id for one in memory.documents() if "Hull" in str(memory.document(one.id)[1])]
    for id_ in hull:
        memory.forget_document(id_)
    assert not set(hull) & memory.unread().keys()
    list(memory.import_paths([path], me="Ann"))
    assert not any("Hull" in asked for asked in lm.asked)
    assert not any("Hull" in one.text for one in memory.facts(state=None))
    assert memory.unread() == {}
    dump(memory)


def test_a_sentence_that_is_forgotten_while_it_waits_elsewhere_is_never_read(
    tmp_path: Path,
) -> None:
    """The same words wait in another document when the fact that they became is forgotten."""
    said = "05/0{}/2024, 09:00 - Ann: I started at Acme in Hull last week."
    path, lm = chat(tmp_path, said.format(1), said.format(2)), ann()
    memory = memory_at(tmp_path / "home", lm)
    with closing(memory.import_paths([path], me="Ann")) as events:
        next(event for event in events if isinstance(event, Imported))
    for fact in memory.facts():
        memory.forget_fact(fact.id)
    lm.asked.clear()
    list(memory.resume())
    assert memory.unread() == {}
    assert not any("Acme" in asked for asked in lm.asked)
    left = b"".join(one.read_bytes() for one in (tmp_path / "home").glob("memo.db*"))
    assert b"Acme" not in left


@pytest.mark.parametrize("grown", [False, True])
def test_the_newest_first_is_the_same_story_in_the_end(
    one_stage: tuple[Path, Memory], tmp_path: Path, grown: bool
) -> None:
    path, whole = one_stage
    memory = memory_at(tmp_path / "home")
    if grown:
        for document in documents(path)[:5]:
            memory.ingest(document)
    read = [
        event.change.at
        for event in memory.import_paths([path], newest_first=True, me="Ann")
        if isinstance(event, Imported)
    ]
    assert read == sorted(read, reverse=True)
    assert len(read) == (7 if grown else 12)
    assert story(memory) == story(whole)


def test_a_document_that_fails_waits_and_does_not_join_a_later_import(tmp_path: Path) -> None:
    failing = True

    def before(asked: str) -> None:
        if failing and "started at Acme" in asked:
            raise ValueError("too much")

    memory = memory_at(tmp_path / "home", ann(before))
    list(memory.import_paths([chat(tmp_path, *FIRST)], me="Ann"))
    assert list(memory.unread().values()) == [2]
    failing = False
    grown = chat(tmp_path, *FIRST, *LATER)
    events = list(memory.import_paths([grown], me="Ann"))
    assert sum(isinstance(event, Imported) for event in events) == 3
    assert memory.unread() == {}
    memory.undo_import()
    assert memory.changes(1)[0].title == "Undid an import of 2 documents"
    assert [passage.text for passage in memory.document(memory.documents()[0].id)[1]] == [
        "I started at Acme.",
        "I live in Hull.",
    ]


def test_what_waits_is_exported(tmp_path: Path) -> None:
    path, memory = months(tmp_path), memory_at(tmp_path / "home")
    with closing(memory.import_paths([path], me="Ann")) as events:
        next(event for event in events if isinstance(event, Begun))
    assert sum(1 for _ in memory.export_messages()) == 36
    assert sum(isinstance(event, Stored) for event in memory.import_paths([path])) == 12


CARD = "BEGIN:VCARD\nUID:1\nFN:Ada Quill\nBDAY:1990-01-02\nEND:VCARD\n"
EVENTS = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:2
SUMMARY:Dentist at noon
DTSTART:20240305T093000Z
LOCATION:Mill Lane at 3
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Choir
DTSTART;VALUE=DATE:20240306
RRULE:FREQ=WEEKLY
LOCATION:Chapel
END:VEVENT
END:VCALENDAR
"""


def test_birthdays_and_appointments_come_back_from_an_export_without_a_model(
    tmp_path: Path,
) -> None:
    def unloadable(_: object) -> FakeLM:
        raise AssertionError

    one, other = Memo(tmp_path / "one"), Memo(tmp_path / "other")
    for memo in (one, other):
        memo.engines = Engines(unloadable, lambda _: HashEmbedder())
    (tmp_path / "people.vcf").write_text(CARD)
    (tmp_path / "plans.ics").write_text(EVENTS)
    for name in ("people.vcf", "plans.ics"):
        one.json("import", tmp_path / name, "--at", "2024-01-01", "--tz", "UTC")
    one.json("export", tmp_path / "out.jsonl")
    *_, summary = other.json("import", tmp_path / "out.jsonl")
    assert summary["imported"] == 3
    assert other.facts() == one.facts()
    assert stored(other.home) == stored(one.home)
    found = {fact["question"]: fact["value"] for fact in other.json("facts", "--state", "all")}
    assert found == {
        "When is Ada Quill's birthday?": "2 January 1990",
        "When is Dentist at noon?": "5 March 2024 at 09:30",
        "When is Choir?": "6 March 2024",
    }
