"""What the tests of importers share: a reading, a file, and what golden files hold."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from memo.importers import File, Reading, Skipped
from memo.importers.files import files_in
from memo.records import Document, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA = Path(__file__).parent
WARSAW = ZoneInfo("Europe/Warsaw")


def words(text: str) -> int:
    """A token counter that a person can follow."""
    return len(text.split())


def reading(budget: int = 1000, **told: Any) -> Reading:
    return Reading(count_tokens=words, budget=budget, tz=WARSAW, **told)


def one(path: Path) -> File:
    """The file of a path."""
    (found,) = files_in(path, ExitStack())
    assert isinstance(found, File)
    return found


def parted(found: Iterable[Document | Skipped]) -> tuple[list[Document], list[Skipped]]:
    documents: list[Document] = []
    skipped: list[Skipped] = []
    for one in found:
        if isinstance(one, Document):
            documents.append(one)
        else:
            skipped.append(one)
    return documents, skipped


def said(found: Iterable[Document | Skipped]) -> list[tuple[str, str | None, str]]:
    """When, who, what: every message, in order."""
    return [
        (utc_text(message.at), message.speaker, message.text)
        for document in parted(found)[0]
        for message in document.messages
    ]


def written(path: Path, *messages: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(message) + "\n" for message in messages), encoding="utf-8")
    return path


def plain(found: Iterable[Document | Skipped]) -> list[object]:
    """What a golden file holds: everything but where this checkout lies."""
    base = DATA.resolve().as_posix() + "/"
    out: list[object] = []
    for one in found:
        if isinstance(one, Skipped):
            left = {"where": one.where.replace(base, ""), "reason": one.reason}
            out.append({**left, **({"routine": True} if one.routine else {})})
        else:
            out.append(
                {
                    "source": one.source,
                    "key": one.key.replace(base, ""),
                    "title": one.title,
                    "records": one.records,
                    "messages": [
                        [utc_text(m.at), m.speaker, m.text, *(["context"] if m.context else [])]
                        for m in one.messages
                    ],
                }
            )
    return out
