"""Day One's JSON export: the entries of a journal, in the zip or alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, cut, short_hash, storable
from memo.importers.jsonfiles import Object, entries, string
from memo.importers.markdown import paragraphs
from memo.importers.moments import moment
from memo.records import Document, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File

_EMBED = re.compile(r"!\[[^\[\]]{0,300}\]\([^()\n]{0,1000}\)")  # bounded: no square
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!~>|])")


class DayOneImporter(OneFile):
    """Entries, a paragraph a message; pictures are left out."""

    name = "dayone"

    def identify(self, file: File) -> bool:
        """Whether its entries have Day One's dates."""
        return {"entries[].creationDate", "entries[].uuid"} <= file.shape

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document an entry, or several where it is long."""
        for file in files:
            for value in entries(file, "entries"):
                if isinstance(value, Skipped):
                    yield value
                else:
                    yield from _entry(self.name, file, value, reading)


def _entry(
    source: str, file: File, value: Object, reading: Reading
) -> Iterator[Document | Skipped]:
    at = moment(value.get("creationDate"), reading.tz) or reading.at or file.modified
    text = storable(_EMBED.sub("", _ESCAPE.sub(r"\1", string(value.get("text"))))).strip()
    key = string(value.get("uuid")) or short_hash(text, str(at))
    where = f"{file.where}, entry {key}"
    if at is None or not text:
        yield Skipped(where, "holds no words" if at else "has no time", routine=at is not None)
        return
    title = text.splitlines()[0].lstrip("# ").strip()[:60]
    messages = [Message(part, at, reading.me) for part in paragraphs(text)]
    for index, chunk in enumerate(cut(messages, reading.count_tokens, reading.budget)):
        yield Document(
            source=source,
            key=f"{storable(key)}+{index}" if index else storable(key),
            messages=chunk.messages,
            title=title,
            records=0 if index else 1,
        )
