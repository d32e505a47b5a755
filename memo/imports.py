"""What happens to documents that are imported: events, sums, and what of them is new.

`Memory` reads them; here is what it needs to tell the new from the known and to add up.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict, TypeVar

from memo.importers import Skipped
from memo.records import Document, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from memo.records import ChangeSet, DocumentId, Message
    from memo.store import Store

T = TypeVar("T")
_LATER_PIECE = re.compile(r"\+\d+$")


@dataclass(frozen=True, slots=True)
class AlreadyKnown:
    """A document that was read before, or forgotten: nothing is to be done."""

    document: Document
    held: tuple[tuple[DocumentId, int], ...]
    """Where it is stored, and how many of its messages; nowhere if it was forgotten."""

    @property
    def ids(self) -> tuple[DocumentId, ...]:
        """Where it is stored."""
        return tuple(id_ for id_, _ in self.held)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of something known was stored and not read yet."""

    documents: tuple[DocumentId, ...] = ()
    records: int = 0


@dataclass(frozen=True, slots=True)
class Prospect:
    """What an import would do with a document."""

    document: Document
    new: Document | None
    """What of it is not stored yet."""
    waiting: Waiting
    """What else of it is stored and was not read yet: it would be read now."""


@dataclass(frozen=True, slots=True)
class Storing:
    """All files are looked through; now their documents are stored in the order of their times."""

    documents: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A document is stored, can be found and cited, and waits to be read."""

    document: Document


@dataclass(frozen=True, slots=True)
class Begun:
    """Everything is stored; now it is read, one document after another."""

    documents: int


@dataclass(frozen=True, slots=True)
class Imported:
    """A document was read, and what it says applied."""

    document: Document
    change: ChangeSet


@dataclass(frozen=True, slots=True)
class Failed:
    """A document could not be read; it waits for another time, and the rest goes on."""

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


ImportEvent = Storing | Stored | Begun | Imported | AlreadyKnown | Skipped | Failed | Summary


class Tally:
    """Counts records, so that each is counted once even where it spans documents."""

    def __init__(self) -> None:
        self._counts = {AlreadyKnown: 0, Imported: 0}
        self._documents = 0
        self._failed: list[Skipped] = []
        self._begun: dict[str, type[Imported] | type[AlreadyKnown] | type[Failed]] = {}
        """How the first piece of a long record fared, by its key."""

    def counting(self, events: Iterable[T]) -> Generator[T, None, None]:
        """Pass events on, adding what became of each document."""
        for event in events:
            if isinstance(event, Imported | AlreadyKnown | Failed):
                self._count(event)
            yield event

    def _count(self, event: Imported | AlreadyKnown | Failed) -> None:
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
    of: Counter[DocumentId] = Counter()
    for message in document.messages:
        if same := stored.get((utc_text(message.at), message.text)):
            of[same.pop()] += 1
        else:
            left.append(message)
    if len(left) == len(document.messages):
        return None, document
    if not left:
        return AlreadyKnown(document, tuple(of.items())), None
    records = min(len(document.messages) - len(left), document.records)
    return (
        AlreadyKnown(replace(document, records=records), tuple(of.items())),
        replace(document, messages=tuple(left), records=document.records - records),
    )


def prospects(store: Store, documents: Iterable[Document]) -> Iterator[Prospect]:
    """What an import would do with each document; what waits is named once."""
    named: set[DocumentId] = set()
    for document in documents:
        found, new = parted(store, document)
        waiting = waits(store, found, named) if found else Waiting()
        named.update(waiting.documents)
        yield Prospect(document, new, waiting)


def waits(store: Store, found: AlreadyKnown, besides: Container[DocumentId]) -> Waiting:
    """What of something known waits to be read, in other documents than the ones given."""
    messages = dict(found.held)
    documents = tuple(id_ for id_ in store.unread(messages) if id_ not in besides)
    count = sum(messages[id_] for id_ in documents)
    return Waiting(documents, min(count, found.document.records))


def known(store: Store, document: Document) -> AlreadyKnown | None:
    """Whether the store has it, or has it without what was forgotten, or shall not have it."""
    if (id_ := store.known(document)) is not None:
        return AlreadyKnown(document, ((id_, len(document.messages)),))
    if store.is_forgotten_document(document):
        return AlreadyKnown(document, ())
    left = without_forgotten(store, document)
    if left != document and (id_ := store.known(left)) is not None:
        return AlreadyKnown(document, ((id_, len(left.messages)),))
    return None


def without_forgotten(store: Store, document: Document) -> Document:
    """The document without messages that were forgotten before."""
    left = tuple(
        message
        for message in document.messages
        if not store.is_forgotten_message(document.source, message)
    )
    return document if left == document.messages else replace(document, messages=left)
