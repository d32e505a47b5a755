"""What happens to documents that are imported: events, sums, and what of them is new.

`Memory` reads them; here is what it needs to tell the new from the known and to add up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from memo.importers import Skipped
from memo.records import ChangeId, Document, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, tzinfo
    from pathlib import Path

    from memo.records import ChangeSet, DocumentId, Message
    from memo.store import Store

UNFINISHED = "importing"
"""A file in the home while an import runs: the number of its first change set."""
_LATER_PIECE = re.compile(r"\+\d+$")


@dataclass(frozen=True, slots=True)
class AlreadyKnown:
    """A document that was read before, or forgotten: nothing is to be done."""

    document: Document
    id: DocumentId | None
    """None where it was forgotten."""


@dataclass(frozen=True, slots=True)
class Begun:
    """All files are read; now the documents are applied in time order."""

    documents: int


@dataclass(frozen=True, slots=True)
class Imported:
    """A document was applied."""

    document: Document
    change: ChangeSet


@dataclass(frozen=True, slots=True)
class Failed:
    """A document could not be applied; it is not stored, and the rest goes on."""

    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The sums of an import; the four kinds of record add up to what the files hold."""

    imported: int
    already_known: int
    skipped: tuple[Skipped, ...]
    failed: tuple[Skipped, ...]
    """One entry for each record that a failed document holds."""
    documents: int
    """How many were applied."""
    elapsed_s: float


class Told(TypedDict, total=False):
    """What a person says about how their files are to be read."""

    at: datetime | None
    """When things were said that carry no time of their own."""
    tz: tzinfo | None
    """The zone of times without one; None is this machine's."""
    me: str | None
    """Who they are in the files, and who speaks where a file does not say."""
    who: Callable[[str, Sequence[str]], str | None]
    """Asked for that where a chat needs it and `me` does not speak there."""
    date_order: str | None
    """Such as `dmy`, for dates that can be read in two ways."""
    everyone: bool
    """Take facts from what others say, too."""
    warn: Callable[[str], None]
    """Receives a sentence about each guess."""


ImportEvent = Begun | Imported | AlreadyKnown | Skipped | Failed | Summary


class Batch:
    """The change sets of one import; one that was killed goes on with its own, for one undo."""

    def __init__(self, marker: Path) -> None:
        self.first: ChangeId | None = None
        self._marker = marker
        try:
            self._killed = int(marker.read_text("ascii"))
        except (OSError, ValueError):
            self._killed = 0

    def note(self, store: Store, event: Imported | AlreadyKnown | Failed) -> None:
        """What a document's event says of the import."""
        if self.first is not None:
            return
        if isinstance(event, Imported):
            self.first = event.change.id
            self._marker.touch(0o600)
            self._marker.write_text(str(self.first), "ascii")
        elif self._killed and isinstance(event, AlreadyKnown) and event.id is not None:
            came_with = store.import_of(event.id)
            self.first = came_with if came_with == self._killed else None

    def finish(self) -> None:
        """Everything was read."""
        self._marker.unlink(missing_ok=True)


class Tally:
    """Counts records, so that each is counted once even where it spans documents."""

    def __init__(self) -> None:
        self._counts = {AlreadyKnown: 0, Imported: 0}
        self._documents = 0
        self._failed: list[Skipped] = []
        self._begun: dict[str, type[Imported] | type[AlreadyKnown] | type[Failed]] = {}
        """How the first piece of a long record fared, by its key."""

    def count(self, event: Imported | AlreadyKnown | Failed) -> None:
        """Add what became of one document."""
        document = event.document
        record = f"{document.source} {_LATER_PIECE.sub('', document.key)}"
        if isinstance(event, Failed):
            self._count_failed(event, record)
        else:
            self._counts[type(event)] += document.records
            self._documents += isinstance(event, Imported)
        self._begun.setdefault(record, type(event))

    def _count_failed(self, event: Failed, record: str) -> None:
        records, key = event.document.records, event.document.key
        if records == 0:
            # A later piece of a record that was counted with its first.
            begun = self._begun.get(record, Failed)
            if begun is Failed:
                return
            self._counts[begun] -= 1
            self._begun[record] = Failed
            records = 1
        self._failed += [
            Skipped(key if records == 1 else f"{key}, message {n}", event.reason)
            for n in range(1, records + 1)
        ]

    def summary(self, skipped: list[Skipped], elapsed_s: float) -> Summary:
        """The sums so far."""
        return Summary(
            imported=self._counts[Imported],
            already_known=self._counts[AlreadyKnown],
            skipped=tuple(skipped),
            failed=tuple(self._failed),
            documents=self._documents,
            elapsed_s=elapsed_s,
        )


def parted(store: Store, document: Document) -> tuple[AlreadyKnown | None, Document | None]:
    """What of a document need not be read, and what of it is new; each counts its records.

    A conversation that has grown repeats messages that an earlier import has stored.
    """
    if (found := known(store, document)) is not None:
        return found, None
    stored = store.known_messages(document) if document.key else {}
    left: list[Message] = []
    of: DocumentId | None = None
    for message in document.messages:
        if same := stored.get((utc_text(message.at), message.text)):
            of = same.pop()
        else:
            left.append(message)
    if len(left) == len(document.messages):
        return None, document
    if not left:
        return AlreadyKnown(document, of), None
    records = min(len(document.messages) - len(left), document.records)
    return (
        AlreadyKnown(replace(document, records=records), of),
        replace(document, messages=tuple(left), records=document.records - records),
    )


def known(store: Store, document: Document) -> AlreadyKnown | None:
    """Whether the store has it, or has it without what was forgotten, or shall not have it."""
    if (id_ := store.known(document)) is not None:
        return AlreadyKnown(document, id_)
    if store.is_forgotten_document(document):
        return AlreadyKnown(document, None)
    left = without_forgotten(store, document)
    if left != document and (id_ := store.known(left)) is not None:
        return AlreadyKnown(document, id_)
    return None


def without_forgotten(store: Store, document: Document) -> Document:
    """The document without messages that were forgotten before."""
    left = tuple(
        message
        for message in document.messages
        if not store.is_forgotten_message(document.source, message)
    )
    return document if left == document.messages else replace(document, messages=left)
