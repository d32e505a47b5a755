"""Documents that are stored, searchable and citable, before it is known what they say.

Until a document is read it lies under the change set of its import, which has a number below
zero, is never listed, and is undone with the import. Reading gives it a change set of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from memo.errors import NotKnown
from memo.events import FORGOTTEN
from memo.records import ChangeId, Document, DocumentId, Message, from_utc_text, utc_text
from memo.store.caps import Caps
from memo.store.rows import claims_of, clean, indexed, listed, passage_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memo.records import ChangeSet, Plan
    from memo.store.rows import Embed

_AMONG = "json_each(:among) w CROSS JOIN unread u ON u.document_id = w.value"


class Unread(Caps):
    """What the two stages of an import do to the store."""

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Make one transaction of all that is done within."""
        with self._writing():
            yield

    def begin_import(self) -> ChangeId:
        """Begin an import, within `storing`."""
        now = utc_text(self._clock())
        (change,) = self._one(
            """
            INSERT INTO change_set (id, kind, title, at, recorded_at)
            VALUES ((SELECT min(ifnull(min(id), 0), 0) - 1 FROM change_set), 'document', '',
                :now, :now)
            RETURNING id
            """,
            {"now": now},
        )
        self._join(change, change)
        return ChangeId(change)

    def put(self, document: Document, came_with: ChangeId, embed: Embed) -> DocumentId:
        """Store a document of an import that is yet to be read, within `storing`.

        Raises:
            NotKnown: It was forgotten.
        """
        vectors = self._embedded(passage_texts(document), embed)
        recorded_at = utc_text(self._clock())
        id_ = self._store_document(came_with, recorded_at, document, vectors).document
        self._all(
            "INSERT INTO unread (document_id, records) VALUES (:document, :records)",
            {"document": id_, "records": document.records},
        )
        return id_

    def unread(self, among: Iterable[DocumentId] | None = None) -> dict[DocumentId, int]:
        """How many records each document stands for that waits to be read, the oldest first.

        Args:
            among: Only these; None for all.
        """
        some = "unread u" if among is None else _AMONG
        rows = self._all(
            f"""
            SELECT d.id, u.records FROM {some} JOIN document d ON d.id = u.document_id
            JOIN change_set c ON c.id = d.change_id
            WHERE c.undone_by IS NULL ORDER BY d.at, d.id
            """,  # noqa: S608 - tables of our own
            {} if among is None else {"among": listed(among)},
        )
        return {DocumentId(id_): records for id_, records in rows}

    def interrupted(self, documents: Iterable[DocumentId]) -> ChangeId | None:
        """The import that one of these came with and that ended before it was read."""
        rows = self._all(
            f"""
            SELECT d.change_id FROM {_AMONG} JOIN document d ON d.id = u.document_id
            WHERE u.tries = 0 LIMIT 1
            """,  # noqa: S608 - tables of our own
            {"among": listed(documents)},
        )
        return ChangeId(rows[0][0]) if rows else None

    def join_imports(self, first: ChangeId, second: ChangeId) -> None:
        """Make two imports one, the first, within `storing`."""
        for table, column in (("document", "change_id"), ("change_set", "import_id")):
            self._all(
                f"UPDATE {table} SET {column} = :first WHERE {column} = :second",  # noqa: S608 - our own names
                {"first": first, "second": second},
            )

    def unread_document(self, document: DocumentId) -> Document:
        """A stored document, to be read: its messages stand where its passages do.

        A message that was forgotten is context, of which no claim is taken.
        """
        source, key, title, records = self._one(
            """
            SELECT d.source, d.key, d.title, ifnull(u.records, 1)
            FROM document d LEFT JOIN unread u ON u.document_id = d.id WHERE d.id = :document
            """,
            {"document": document},
        )
        rows = self._all(
            """
            SELECT text, at, speaker, context FROM passage WHERE document_id = :document
            ORDER BY ord
            """,
            {"document": document},
        )
        messages = tuple(
            Message(text, from_utc_text(at), speaker, bool(context) or text == FORGOTTEN)
            for text, at, speaker, context in rows
        )
        return Document(source, key, messages, title, records)

    def complete(self, id_: DocumentId, document: Document, plan: Plan, embed: Embed) -> ChangeSet:
        """Apply what reading a stored document gave, in one transaction, as `apply` does.

        What goes beyond the cap of its import is held.

        Raises:
            NotKnown: It was undone, forgotten, or changed since it was read, or a fact that the
                plan names has gone.
            ValueError: The plan would retire a pinned or hand-written fact.
        """
        vectors = self._embedded([indexed(claim) for claim in claims_of(plan.edits)], embed)
        with self._writing():
            if not self.unread([id_]) or document.messages != self.unread_document(id_).messages:
                raise NotKnown(
                    f"Document {id_} was taken back or changed while it was read: import again."
                )
            work = self._begin("document", clean(document.title), document.at, vectors, plan)
            self._all(
                """
                UPDATE change_set SET import_id = (
                    SELECT change_id FROM document WHERE id = :document)
                WHERE id = :change
                """,
                {"document": id_, "change": work.change},
            )
            self._all(
                "UPDATE document SET change_id = :change WHERE id = :document",
                {"document": id_, "change": work.change},
            )
            self._all("DELETE FROM unread WHERE document_id = :document", {"document": id_})
            self._settle(work, self._ground(work.change), self._capped(work.change, plan))
        return self.change(work.change)

    def put_off(self, document: DocumentId) -> None:
        """Note that reading a document failed; it waits for another time."""
        with self._writing():
            self._all(
                "UPDATE unread SET tries = tries + 1 WHERE document_id = :document",
                {"document": document},
            )
