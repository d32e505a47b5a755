"""Each format's sample reads as its golden file says; both were written for these tests."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from importing import DATA, parted, plain, reading

from memo.importers import IMPORTERS, read_all

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2025, 1, 1, tzinfo=UTC)
SAMPLES = sorted(path for path in DATA.iterdir() if path.is_dir() and path.name[0] not in "._")


def sample_of(folder: Path) -> Path:
    (sample,) = [path for path in folder.iterdir() if path.name != "golden.json"]
    return sample.resolve()


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda path: path.name)
def test_sample_reads_as_its_golden_file_says(folder: Path) -> None:
    at = None if folder.name == "native" else AT
    found = plain(read_all([sample_of(folder)], reading(at=at, me="Jo")))
    golden = folder / "golden.json"
    if os.environ.get("MEMO_GOLDENS") == "write":
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert found == json.loads(golden.read_text("utf-8"))


def test_every_importer_has_a_sample() -> None:
    assert {folder.name for folder in SAMPLES} == {importer.name for importer in IMPORTERS}


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda path: path.name)
def test_records_do_not_depend_on_the_budget(folder: Path) -> None:
    counts = set()
    for budget in (3, 1000):
        documents, skipped = parted(read_all([sample_of(folder)], reading(budget, at=AT, me="Jo")))
        counts.add(sum(document.records for document in documents) + len(skipped))
    assert len(counts) == 1
