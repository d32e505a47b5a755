"""Signal as signal-export writes it: JSON lines, Markdown or text.

Signal's own plaintext export (`main.jsonl`) is not read: nobody has published what it holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, objects, string
from memo.importers.lines import lines
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memo.importers.files import File
    from memo.records import Document

_LINE = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] ([^\n:]{1,80}): ?(.*)")
_REACTIONS = re.compile(r"\(- [^\n]{1,2000}? -\)")  # bounded: a long line must not take a square
_MEDIA = re.compile(r"!?\[[^\[\]]{0,300}\]\([^()\n]{0,1000}\)")
_ME = {"Me", "You"}
_NOBODY = "No-Sender"


class SignalImporter(OneFile):
    """What people wrote; reactions, quotations and media are left out."""

    name = "signal"

    def identify(self, file: File) -> bool:
        """Whether it is one of signal-export's files."""
        if {"sender", "body", "date"} <= file.shape:
            return True
        if file.suffix not in {".txt", ".md"}:
            return False
        first = next((line for line in file.text.split("\n", 20) if line.strip()), "")
        found = _LINE.match(first)
        return found is not None and (
            file.suffix == ".md" or found[2].count(":") == 1 or "] Me:" in file.text
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """The conversation of each file, called as its folder."""
        for file in files:
            named = file.stem if file.stem not in {"chat", "index", "data"} else file.folder
            said = _json(file, reading.tz) if "body" in file.shape else _lines(file, reading.tz)
            yield from documents(self.name, file, [Conversation(named, named, said)], reading)


def _json(file: File, tz: tzinfo | None) -> Iterator[Said | Skipped]:
    for value in objects(file):
        yield value if isinstance(value, Skipped) else _object(value, file, tz)


def _object(value: Object, file: File, tz: tzinfo | None) -> Said | Skipped:
    sender = string(value.get("sender"))
    if sender == _NOBODY:
        return Skipped(file.where, "is a system line", routine=True)
    mine = sender in _ME
    at = moment(value.get("date"), tz)
    return Said(_words(string(value.get("body"))), at, None if mine else sender, mine=mine)


def _lines(file: File, tz: tzinfo | None) -> Iterator[Said | Skipped]:
    """The messages of a text, with the lines that go on one."""
    said: list[str] = []
    head: re.Match[str] | None = None
    with file.open() as stream:
        for line in lines(stream, blank=True):
            found = _LINE.fullmatch(line.text or "")
            if found:
                if head:
                    yield _written(file, head, said, tz)
                head, said = found, [found[4]]
            elif head:
                said.append(line.text or "")
            elif line.text and line.text.strip():
                yield Skipped(f"{file.where}:{line.number}", "stands before the first message")
    if head:
        yield _written(file, head, said, tz)


def _written(file: File, head: re.Match[str], said: list[str], tz: tzinfo | None) -> Said | Skipped:
    sender = head[3].strip()
    if sender == _NOBODY:
        return Skipped(file.where, "is a system line", routine=True)
    # A quotation stands before the answer to it, as Markdown writes one.
    own = [
        line for line in said if not line.startswith(">") and not _REACTIONS.fullmatch(line.strip())
    ]
    mine = sender in _ME
    at = moment(f"{head[1]}T{head[2]}", tz)
    return Said(_words("\n".join(own)), at, None if mine else sender, mine=mine)


def _words(text: str) -> str:
    return _MEDIA.sub("", _REACTIONS.sub("", text)).strip()
