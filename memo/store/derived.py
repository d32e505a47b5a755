"""What follows from the events: standings and indexes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from memo.records import ChangeId, DocumentId, FactId, PassageId
from memo.store.rows import passage_text
from memo.store.search import Search

if TYPE_CHECKING:
    from collections.abc import Collection

    from memo.events import Standing


class Derived(Search):
    """Written in the transaction of the events themselves; can be rebuilt at any time."""

    def _enliven(self, event: int) -> None:
        """Note an event as effective if it is; earlier ones have been noted before."""
        self._all(
            """
            INSERT INTO live_event (event_id)
            SELECT e.id FROM event e JOIN change_set c ON c.id = e.change_id
            LEFT JOIN held h ON h.id = e.held_id LEFT JOIN change_set o ON o.id = h.change_id
            WHERE e.id = :event AND c.undone_by IS NULL AND o.undone_by IS NULL
              AND (e.because IS NULL
                   OR EXISTS (SELECT 1 FROM live_event WHERE event_id = e.because))
            """,
            {"event": event},
        )

    def _rederive(self, change: ChangeId) -> None:
        """Bring everything derived up to date after a change set was undone or redone."""
        rows = self._all(
            """
            WITH RECURSIVE touched (id) AS (
                SELECT e.id FROM event e WHERE e.change_id = :change
                UNION SELECT e.id FROM held h JOIN event e ON e.held_id = h.id
                WHERE h.change_id = :change
                UNION SELECT e.id FROM event e JOIN touched t ON e.because = t.id)
            SELECT e.id, e.fact_id FROM touched t JOIN event e ON e.id = t.id ORDER BY e.id
            """,
            {"change": change},
        )
        for event, _ in rows:
            self._all("DELETE FROM live_event WHERE event_id = :event", {"event": event})
        for event, _ in rows:
            self._enliven(event)
        self._refresh({FactId(fact) for _, fact in rows})
        for document in self._ids(
            "SELECT id FROM document WHERE change_id = :change", {"change": change}
        ):
            self._index_passages(DocumentId(document))

    def _refresh(self, facts: Collection[FactId]) -> None:
        """Derive state and index rows of some facts anew."""
        standings = self._derived_standings(facts)
        for fact in sorted(facts):
            now = standings.get(fact)
            existed = self._exists(fact)
            self._all("DELETE FROM fact_state WHERE fact_id = :fact", {"fact": fact})
            if now is not None:
                self._store_standing(fact, now)
            if existed and now is None:
                self._unindex_fact(fact)
            elif now is not None and not existed:
                self._index_fact(fact)

    def _store_standing(self, fact: FactId, now: Standing) -> None:
        self._all(
            """
            INSERT INTO fact_state (
                fact_id, state, since, until, pinned, document_id, replaced_by)
            VALUES (:fact, :state, :since, :until, :pinned, :document, :replaced_by)
            """,
            {"fact": fact, **asdict(now), "state": now.state.value},
        )

    def _index_fact(self, fact: FactId) -> None:
        self._all(
            """
            INSERT INTO fact_fts (rowid, text)
            SELECT id, question || ' ' || text FROM fact WHERE id = :fact
            """,
            {"fact": fact},
        )
        self._all(
            """
            INSERT INTO fact_vec (id, vector)
            SELECT fact_id, vector FROM fact_vector WHERE fact_id = :fact
            """,
            {"fact": fact},
        )

    def _unindex_fact(self, fact: FactId) -> None:
        self._all("DELETE FROM fact_fts WHERE rowid = :fact", {"fact": fact})
        self._all("DELETE FROM fact_vec WHERE id = :fact", {"fact": fact})

    def _index_passages(self, document: DocumentId) -> None:
        """Index a document's passages anew: none if it is undone or forgotten."""
        for passage in self._ids(
            "SELECT id FROM passage WHERE document_id = :document", {"document": document}
        ):
            self._all("DELETE FROM passage_fts WHERE rowid = :passage", {"passage": passage})
            self._all("DELETE FROM passage_vec WHERE id = :passage", {"passage": passage})
        for passage in self._live_passages([document]):
            self._index_passage(passage)

    def _index_passage(self, passage: PassageId) -> None:
        speaker, text = self._one(
            "SELECT speaker, text FROM passage WHERE id = :passage", {"passage": passage}
        )
        self._all(
            "INSERT INTO passage_fts (rowid, text) VALUES (:passage, :text)",
            {"passage": passage, "text": passage_text(speaker, text)},
        )
        self._all(
            """
            INSERT INTO passage_vec (id, vector)
            SELECT passage_id, vector FROM passage_vector WHERE passage_id = :passage
            """,
            {"passage": passage},
        )
