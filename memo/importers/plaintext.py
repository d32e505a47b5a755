"""Plain text: one file, one note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import Reading, Skipped, decoded, file_documents, modified
from memo.importers.native import NativeImporter
from memo.records import Document, Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PlainTextImporter:
    """A text file as one note, titled by its name and dated by `at` or its last change."""

    name = "text"

    def identify(self, path: Path) -> bool:
        """Whether it is called a text file and holds no format of its own."""
        return path.suffix.lower() in {".txt", ".text"} and not NativeImporter().identify(path)

    def read(self, path: Path, reading: Reading) -> Iterator[Document | Skipped]:
        """One document, or several where the text exceeds the budget."""
        at = reading.at
        if at is None:
            at = modified(path)
            if at is None:
                yield Skipped(str(path), "its time of change makes no sense; give one with --at")
                return
            reading.warn(f"{path}: dated by its last change; --at gives another time.")
        message = Message(decoded(path.read_bytes()), at, reading.me)
        yield from file_documents(self.name, path, path.stem, [message], reading)
