"""Next month's export of each format: only what is new is added, what was forgotten stays so."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from importing import parted, words
from test_fuzz import AT, FORMATS, samples
from test_two_stages import memory_at

from memo.importers import Reading, read_all
from memo.memory import Summary
from memo.records import utc_text

if TYPE_CHECKING:
    from pathlib import Path

    from memo.memory import Memory

NOTES = {"keep", "markdown", "text"}
"""Formats of which a record is a file."""
_RECORD = r"^(?:BEGIN:(?:VEVENT|VCARD)|From \S+ .*\d{4}|\{|\[?\d|\w{3} \d\d, \d{4})"


def written(folder: Path, format: str, drop: int) -> None:
    """A sample, or what it was before its last records came."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = list(samples(format))
    for name, data in files[: len(files) - drop] if format in NOTES else files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if format in NOTES or not drop else shortened(data, drop))


def shortened(data: bytes, drop: int) -> bytes:
    """The file without its last records; lists of names beside the messages stay whole."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text)
    except ValueError:
        begins = [found.start() for found in re.finditer(_RECORD, text, re.MULTILINE)]
        end = "END:VCALENDAR\n" if text.startswith("BEGIN:VCALENDAR") else ""
        return (
            (text[: begins[-drop]] + end).encode("utf-8", "surrogateescape")
            if len(begins) > drop
            else data
        )
    records = _records(value)
    newest_first = bool(records) and bool({"timestamp_ms", "header"} & set(records[0]))
    del records[: drop if newest_first else 0]
    del records[len(records) if newest_first else max(len(records) - drop, 0) :]
    return json.dumps(value).encode()


def _records(value: Any) -> list[Any]:
    """The list of an export's conversations or messages."""
    if isinstance(value, list):
        named = {"mapping", "chat_messages", "ts", "time", "messages", "conversations", "body"}
        return value if value and named & set(value[0]) else []
    for name in ("messages", "conversations", "entries"):
        if isinstance(value.get(name), list):
            found: list[Any] = value[name]
            return found
    return _records(value["chats"]["list"][-1]) if "chats" in value else []


def shorter(folder: Path, format: str) -> int:
    """How many records to drop so that a message is missing."""
    told = Reading(words, 400, at=AT, tz=UTC, me="Jo")
    counts: list[int] = []
    for drop in range(12):
        written(folder, format, drop)
        counts.append(sum(len(one.messages) for one in parted(read_all([folder], told))[0]))
        if counts[drop] < counts[0]:
            return drop
    raise AssertionError(counts)


def imported(memory: Memory, folder: Path) -> Summary:
    *_, summary = memory.import_paths([folder], at=AT, tz=UTC, me="Jo")
    assert isinstance(summary, Summary)
    assert not summary.failed
    return summary


def said(memory: Memory) -> Counter[tuple[str, str | None, str]]:
    """All that is stored, however it is parted into documents."""
    return Counter(
        (utc_text(passage.at), passage.speaker, passage.text)
        for one in memory.documents()
        for passage in memory.document(one.id)[1]
    )


@pytest.mark.parametrize("format", FORMATS)
def test_a_grown_export_adds_only_what_is_new(tmp_path: Path, format: str) -> None:
    folder = tmp_path / "export"
    whole, grown = memory_at(tmp_path / "whole"), memory_at(tmp_path / "grown")
    written(folder, format, shorter(folder, format))
    first = imported(grown, folder)
    before = said(grown)
    written(folder, format, 0)
    second, at_once = imported(grown, folder), imported(whole, folder)
    assert said(grown) == said(whole)
    assert 0 < second.imported == at_once.imported - first.imported
    assert second.already_known == first.imported
    assert imported(grown, folder).imported == 0
    grown.undo_import()
    assert said(grown) == before


@pytest.mark.parametrize("format", FORMATS)
def test_what_was_forgotten_of_an_export_does_not_come_back(tmp_path: Path, format: str) -> None:
    folder, memory = tmp_path / "export", memory_at(tmp_path / "home")
    written(folder, format, 0)
    imported(memory, folder)
    memory.forget_document(memory.documents()[0].id)
    left = said(memory)
    assert imported(memory, folder).imported == 0
    assert said(memory) == left


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_exported_comes_back_as_it_was(tmp_path: Path, format: str) -> None:
    folder = tmp_path / "export"
    memory, other = memory_at(tmp_path / "home"), memory_at(tmp_path / "other")
    written(folder, format, 0)
    imported(memory, folder)
    shutil.rmtree(folder)
    folder.mkdir()
    lines = [json.dumps(line) + "\n" for line in memory.export_messages()]
    (folder / "out.jsonl").write_text("".join(lines))
    assert imported(other, folder).imported == len(lines) > 0
    assert said(other) == said(memory)
    for left, right in zip(memory.documents(), other.documents(), strict=True):
        assert (left.source, left.key, left.title) == (right.source, right.key, right.title)
    assert other.facts(state=None) == memory.facts(state=None)
