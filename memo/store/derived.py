"""What follows from the events: standings and indexes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from memo.errors import StoreReadOnly
from memo.records import ChangeId, DocumentId, FactId, PassageId
from memo.store import schema
from memo.store.codes import PASSAGES
from memo.store.rows import listed, passage_text
from memo.store.search import Search

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from memo.events import Standing


EFFECTIVE = """
WITH RECURSIVE
standing (id, because) AS (
    SELECT e.id, e.because FROM event e JOIN change_set c ON c.id = e.change_id
    LEFT JOIN held h ON h.id = e.held_id LEFT JOIN change_set o ON o.id = h.change_id
    WHERE c.undone_by IS NULL AND o.undone_by IS NULL),
effective (id) AS (
    SELECT id FROM standing WHERE because IS NULL
    UNION SELECT s.id FROM standing s JOIN effective e ON s.because = e.id)
"""
"""The events that are effective, derived all at once."""
SPAN = """
(SELECT min(max(e.at, e.said_at)) FILTER (WHERE e.truth = 1), max(max(e.at, e.said_at))
 FROM event e JOIN live_event l ON l.event_id = e.id
 WHERE e.fact_id = fact_state.fact_id AND e.kind NOT IN ('pinned', 'unpinned'))
"""
"""From when on a fact is in any state, and from when on in that of today."""
_CHUNK = 10_000


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
                UNION SELECT e.id FROM held h CROSS JOIN event e ON e.held_id = h.id
                WHERE h.change_id = :change
                UNION SELECT e.id FROM touched t CROSS JOIN event e ON e.because = t.id)
            SELECT e.id, e.fact_id FROM touched t CROSS JOIN event e ON e.id = t.id ORDER BY e.id
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
            existed = self._part(fact)
            self._all("DELETE FROM fact_state WHERE fact_id = :fact", {"fact": fact})
            if now is not None:
                self._store_standings({fact: now})
            if existed and now is None:
                self._all("DELETE FROM fact_fts WHERE rowid = :fact", {"fact": fact})
            elif now is not None and not existed:
                self._index_words(fact)
            if self._part(fact) != existed:
                self._remove_code("fact", fact)
                self._index_vector(fact)

    def _part(self, fact: FactId) -> tuple[str, str] | None:
        """Among which codes that of a fact lies, and since when; None for one not in force."""
        rows = self._all(
            "SELECT state, begins FROM fact_state WHERE fact_id = :fact", {"fact": fact}
        )
        return rows[0] if rows else None

    def _store_standings(self, standings: Mapping[FactId, Standing]) -> None:
        self._many(
            """
            INSERT INTO fact_state (fact_id, state, since, until, pinned, document_id, replaced_by)
            VALUES (:fact, :state, :since, :until, :pinned, :document, :replaced_by)
            """,
            (
                {"fact": fact, **asdict(now), "state": now.state.value}
                for fact, now in standings.items()
            ),
        )
        self._all(
            f"""
            UPDATE fact_state SET (begins, settles) = {SPAN}
            WHERE fact_id IN (SELECT value FROM json_each(:facts))
            """,  # noqa: S608 - a statement of our own
            {"facts": listed(standings)},
        )

    def _index_words(self, fact: FactId) -> None:
        self._all(
            """
            INSERT INTO fact_fts (rowid, text)
            SELECT id, question || ' ' || text FROM fact WHERE id = :fact
            """,
            {"fact": fact},
        )

    def _index_vector(self, fact: FactId) -> None:
        """Add the code of a fact where its state wants it; nothing where it has none."""
        for code in self._all(
            """
            SELECT s.state, s.fact_id, s.begins, v.vector FROM fact_state s
            JOIN fact_vector v ON v.fact_id = s.fact_id WHERE s.fact_id = :fact
            """,
            {"fact": fact},
        ):
            self._place_code(*code)

    def _index_passages(self, document: DocumentId) -> None:
        """Index a document's passages anew: none if it is undone or forgotten."""
        for passage in self._ids(
            "SELECT id FROM passage WHERE document_id = :document", {"document": document}
        ):
            self._all("DELETE FROM passage_fts WHERE rowid = :passage", {"passage": passage})
            self._remove_code(PASSAGES, passage)
        live = self._live_passages([document])
        for passage in live:
            self._index_passage_words(passage)
        self._index_passage_vectors(live)

    def _index_passage_words(self, passage: PassageId) -> None:
        speaker, text = self._one(
            "SELECT speaker, text FROM passage WHERE id = :passage", {"passage": passage}
        )
        self._all(
            "INSERT INTO passage_fts (rowid, text) VALUES (:passage, :text)",
            {"passage": passage, "text": passage_text(speaker, text)},
        )

    def _index_passage_vectors(self, passages: Iterable[PassageId]) -> None:
        """Add the codes of passages, those aside that have no vector."""
        codes = self._all(
            """
            SELECT p.id, p.at, v.vector FROM json_each(:passages) w
            CROSS JOIN passage p ON p.id = w.value
            JOIN passage_vector v ON v.passage_id = p.id ORDER BY p.id
            """,
            {"passages": listed(passages)},
        )
        self._place_codes(PASSAGES, codes)

    # -- all of it -------------------------------------------------------------------

    def _derive(self) -> None:
        """Everything that is derived, anew."""
        self._script("DELETE FROM live_event; DELETE FROM fact_state;")
        self._all(f"INSERT INTO live_event {EFFECTIVE} SELECT id FROM effective ORDER BY id")  # noqa: S608 - a statement of our own
        for facts in self._fact_chunks():
            self._store_standings(self._derived_standings(facts))
        for name in ("fact_fts", "passage_fts"):
            self._script(schema.FTS.format(name=name))
        self._all(
            """
            INSERT INTO fact_fts (rowid, text)
            SELECT f.id, f.question || ' ' || f.text
            FROM fact_state s JOIN fact f ON f.id = s.fact_id
            """
        )
        for passage in self._live_passages():
            self._index_passage_words(passage)
        self._pack_codes()

    def _fact_chunks(self) -> Iterator[list[FactId]]:
        """The ids of all facts, some at a time: what is derived of all at once fits no memory."""
        after = 0
        statement = "SELECT id FROM fact WHERE id > :after ORDER BY id LIMIT :count"
        while self._in_order(after, ids := self._ids(statement, {"after": after, "count": _CHUNK})):
            yield [FactId(id_) for id_ in ids]
            after = ids[-1]

    def _catch_up(self) -> None:
        """Derive what a migration left to be derived.

        Raises:
            StoreReadOnly: It cannot be written.
        """
        if not self.writable:
            raise StoreReadOnly(f"{self.path} must be brought up to date: make it writable once.")
        with self._writing():
            if self._all("DELETE FROM meta WHERE name = 'underived' RETURNING value"):
                self._all(f"UPDATE fact_state SET (begins, settles) = {SPAN}")  # noqa: S608 - a statement of our own
                self._pack_codes()
