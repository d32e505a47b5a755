"""Compare what the importers read with what other programs' tests expect, file by file.

`python tests/benchmarks/agreement.py FOLDER` prints a line a file; the folder holds exports and,
beside some of them, `target.json`: a list of `timestamp`, `author` and `message`. Lists of single
lines (`*_line_formats.txt`) are read a line a file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memo.errors import ImporterError
from memo.importers import Reading, read_all
from memo.memory import DOCUMENT_TOKENS, estimated_tokens
from memo.records import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = tuple[datetime, str, str]

EXCEPTIONS = {
    "chat-miner/telegram/test_single_export.json": "joins pieces of a text with a space; Telegram "
    "writes the spaces where they are",
    "chat-miner/telegram/test_batch_export.json": "joins pieces of a text with a space, too",
}
"""Files whose expectation is followed but for what is said here."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of one file."""

    name: str
    source: str
    messages: int
    skipped: int
    agreed: int
    expected: int | None
    """None where nobody says what it should be."""
    note: str = ""


def compare(folder: Path) -> list[Compared]:
    """Every file of a folder and its folders."""
    found: list[Compared] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name == "target.json" or "/expected/" in name:
            continue
        if path.name.endswith("_line_formats.txt"):
            found += _lines(path, name)
        else:
            found.append(_file(path, name))
    return found


def _reading() -> Reading:
    return Reading(estimated_tokens, DOCUMENT_TOKENS, tz=UTC)


def _file(path: Path, name: str) -> Compared:
    documents, skipped, refusal = _read(path)
    source = documents[0].source if documents else "-"
    rows = _rows(documents)
    target = path.parent / "target.json"
    if not target.exists():
        return Compared(name, source, len(rows), skipped, 0, None, refusal)
    expected = _expected(target)
    agreed = _agreeing(rows, expected, spaces=name not in EXCEPTIONS)
    return Compared(name, source, len(rows), skipped, agreed, len(expected), refusal)


def _read(path: Path) -> tuple[list[Document], int, str]:
    """Documents, how many records were skipped, and the sentence of refusal if there is one."""
    documents: list[Document] = []
    skipped = 0
    reason = ""
    try:
        for one in read_all([path], _reading()):
            if isinstance(one, Document):
                documents.append(one)
            else:
                skipped += 1
                reason = one.reason
    except ImporterError as problem:
        return [], 0, str(problem).partition("; name one")[0].rpartition("/")[2]
    return documents, skipped, "" if documents else reason


def _rows(documents: Iterable[Document]) -> list[Row]:
    return [(m.at, m.speaker or "", _squashed(m.text)) for d in documents for m in d.messages]


def _squashed(text: str) -> str:
    return " ".join(text.split())


def _expected(target: Path) -> list[tuple[datetime, str, str]]:
    return [
        (
            datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC),
            row["author"],
            _squashed(row["message"]),
        )
        for row in json.loads(target.read_text("utf-8"))
    ]


def _agreeing(rows: Sequence[Row], expected: Sequence[Row], *, spaces: bool) -> int:
    """How many rows agree, with their spaces or without, less those that nobody expects."""

    def bare(row: Row) -> Row:
        return (row[0].astimezone(UTC), row[1], row[2] if spaces else row[2].replace(" ", ""))

    left = Counter(bare(row) for row in rows)
    wanted = Counter(bare(row) for row in expected)
    return (left & wanted).total() - (left - wanted).total()


LINES = {"a": "m", "Luke": "Hey!"}
"""Whoever speaks in the single lines, and what they say; all but one are of 3 or 13 June 2018."""


def _lines(path: Path, name: str) -> list[Compared]:
    found: list[Compared] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        with tempfile.TemporaryDirectory() as folder:
            alone = Path(folder) / "_chat.txt"
            alone.write_text(line + "\n", "utf-8")
            documents, skipped, refusal = _read(alone)
        rows = _rows(documents)
        is_system = "created group" in line
        right = [row for row in rows if _plausible(row)]
        ok = (skipped == 1 and not rows) if is_system else len(right) == 1
        source = documents[0].source if documents else "whatsapp"
        found.append(
            Compared(f"{name}:{number}", source, len(rows), skipped, int(ok), 1, refusal[:40])
        )
    return found


def _plausible(row: Row) -> bool:
    day = (row[0].year, row[0].month, row[0].day)
    days = {(2018, 6, d) for d in (3, 13, 23)} | {(2018, 3, 6)}
    return LINES.get(row[1]) == row[2] and day in days


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a file and the sum; 1 where a message, speaker or time differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    found = compare(parser.parse_args(arguments).folder)
    print(f"{'file':78} {'format':10} {'messages':>8} {'skipped':>7}  agree")
    for one in found:
        agree = "-" if one.expected is None else f"{one.agreed} of {one.expected}"
        print(
            f"{one.name[-78:]:78} {one.source:10} {one.messages:8} {one.skipped:7}  {agree:9}"
            f" {one.note}"
        )
    agreed = sum(one.agreed for one in found)
    expected = sum(one.expected or 0 for one in found)
    for name, why in EXCEPTIONS.items():
        print(f"exception  {name}: what is expected {why}; compared without spaces")
    print(f"{agreed} of {expected} expected messages agree in {len(found)} files")
    return 0 if agreed == expected else 1


if __name__ == "__main__":
    sys.exit(main())
