"""Plain text: one file, one note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import LAST_CHANGE, OneFile, Reading, Skipped, decoded, note_documents
from memo.records import Document, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File


class PlainTextImporter(OneFile):
    """A text file as one note, titled by its name and dated by `at` or its last change."""

    name = "text"

    def identify(self, file: File) -> bool:
        """Whether it is called a text file."""
        return file.suffix in {".txt", ".text"}

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document, or several where the text exceeds the budget."""
        for file in files:
            at = reading.at or file.modified
            if at is None:
                yield Skipped(file.where, "its time of change makes no sense; give one with --at")
                continue
            message = Message(decoded(file.bytes()), at, reading.me)
            if reading.at is None and message.text.strip():
                reading.guessed(file.where, LAST_CHANGE)
            yield from note_documents(self.name, file, file.stem, [message], reading)
