"""Google Keep in Takeout: one JSON file a note; the HTML beside it is the same note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, note_documents, storable
from memo.importers.jsonfiles import Object, objects, objs, string
from memo.importers.markdown import paragraphs
from memo.importers.moments import moment
from memo.records import Document, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File


class KeepImporter(OneFile):
    """Notes and lists; what is in the bin is left out."""

    name = "keep"

    def identify(self, file: File) -> bool:
        """Whether it has Keep's fields."""
        return {"isTrashed", "createdTimestampUsec"} <= file.shape or (
            {"textContent", "userEditedTimestampUsec"} <= file.shape
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document a note."""
        for file in files:
            for value in objects(file):
                if isinstance(value, Skipped):
                    yield value
                else:
                    yield from _note(self.name, file, value, reading)


def _note(source: str, file: File, value: Object, reading: Reading) -> Iterator[Document | Skipped]:
    if value.get("isTrashed") is True:
        yield Skipped(file.where, "is in the bin", routine=True)
        return
    # Zero is "never edited", not 1970.
    created = moment(value.get("createdTimestampUsec"))
    at = moment(value.get("userEditedTimestampUsec")) or created or reading.at or file.modified
    if at is None:
        yield Skipped(file.where, "has no time; give one with --at")
        return
    items = [
        f"- {'done: ' if item.get('isChecked') is True else ''}{string(item.get('text'))}"
        for item in objs(value.get("listContent"))
    ]
    text = "\n".join([string(value.get("textContent")), *items]).strip()
    messages = [Message(part, at, reading.me) for part in paragraphs(storable(text))]
    yield from note_documents(
        source, file, string(value.get("title")) or file.stem, messages, reading
    )
