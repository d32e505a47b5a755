"""Ids for lists of any length: a screen fetches only the rows that it shows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from memo.records import ChangeId, DocumentId, FactId, State, from_utc_text
from memo.store.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memo.records import ChangeSet

MOST_MATCHES = 1000
"""How many facts a search as one types gives; the most recently recorded ones."""
_ORDERS = {
    "newest": "s.since DESC, s.fact_id DESC",
    "oldest": "s.since, s.fact_id",
    "a to z": "(SELECT text FROM fact f WHERE f.id = s.fact_id) COLLATE NOCASE, s.fact_id",
}
ORDERS = tuple(_ORDERS)


class Browsing(Upkeep):
    """Ordered ids, and records by id."""

    def fact_ids(
        self, words: str = "", state: State | None = State.CURRENT, order: str = "newest"
    ) -> list[FactId]:
        """Facts in one state, or all with None, that hold all words; pinned ones come first.

        The last word may be unfinished.
        """
        match = _unfinished(words)
        among = "" if not match else "AND s.fact_id IN (SELECT value FROM json_each(:among))"
        rows = self._ids(
            f"""
            SELECT s.fact_id FROM fact_state s
            WHERE (:state IS NULL OR s.state = :state) {among}
            ORDER BY s.pinned DESC, {_ORDERS[order]}
            """,  # noqa: S608 - our own clauses
            {
                "state": state and state.value,
                **({"among": json.dumps(self._sharing_all(match, state))} if match else {}),
            },
        )
        return [FactId(row) for row in rows]

    def fact_ids_as_of(
        self, when: datetime, words: str = "", state: State | None = None, order: str = "newest"
    ) -> list[FactId]:
        """As `fact_ids`, of what held, and was known, then."""
        match = _unfinished(words)
        with self._reading():
            among = self._sharing_all(match, None) if match else self._ids("SELECT id FROM fact")
            standings = self._standings([FactId(id_) for id_ in among], when)
            kept = [
                (fact, now)
                for fact, now in standings.items()
                if state is None or now.state is state
            ]
            if order == "a to z":
                names = self._lowered([fact for fact, _ in kept])
                kept.sort(key=lambda pair: (names.get(pair[0], ""), pair[0]))
            else:
                kept.sort(key=lambda pair: (pair[1].since, pair[0]), reverse=order == "newest")
        kept.sort(key=lambda pair: not pair[1].pinned)
        return [fact for fact, _ in kept]

    def _sharing_all(self, match: str, state: State | None) -> list[FactId]:
        """The facts in a state that an FTS5 query finds, the most recent first."""
        rows = self._ids(
            """
            SELECT f.rowid FROM fact_fts f JOIN fact_state s ON s.fact_id = f.rowid
            WHERE fact_fts MATCH :match AND (:state IS NULL OR s.state = :state)
            ORDER BY f.rowid DESC LIMIT :most
            """,
            {"match": match, "state": state and state.value, "most": MOST_MATCHES},
        )
        return [FactId(row) for row in rows]

    def _lowered(self, facts: Iterable[FactId]) -> dict[FactId, str]:
        rows = self._all(
            """
            SELECT id, lower(text) FROM fact WHERE id IN (SELECT value FROM json_each(:facts))
            """,
            {"facts": json.dumps(list(facts))},
        )
        return {FactId(fact): text for fact, text in rows}

    def event_times(self) -> list[datetime]:
        """The times as of which what is known differs, the earliest first."""
        rows = self._all(
            """
            SELECT DISTINCT max(e.at, e.said_at) FROM event e
            JOIN live_event l ON l.event_id = e.id
            WHERE e.kind NOT IN ('pinned', 'unpinned') ORDER BY 1
            """
        )
        return [from_utc_text(row[0]) for row in rows]

    def titles(self, documents: Iterable[DocumentId]) -> dict[DocumentId, str]:
        """What some documents are called: by their title, else by their source."""
        rows = self._all(
            """
            SELECT id, iif(title = '', source, title) FROM document
            WHERE id IN (SELECT value FROM json_each(:documents)) AND NOT forgotten
            """,
            {"documents": json.dumps(list(documents))},
        )
        return {DocumentId(id_): title for id_, title in rows}

    def change_ids(self) -> list[ChangeId]:
        """All change sets, newest first."""
        ids = self._ids("SELECT id FROM change_set WHERE id > 0 ORDER BY id DESC")
        return [ChangeId(id_) for id_ in ids]

    def changes_by_id(self, ids: Iterable[ChangeId]) -> list[ChangeSet]:
        """The given change sets."""
        with self._reading():
            return [self.change(id_) for id_ in ids]


def _unfinished(words: str) -> str:
    """An FTS5 query for all words of a text, the last of which may go on; "" for none."""
    found: list[str] = re.findall(r"\w+", words.casefold())
    return " ".join(f'"{word}"' for word in found[:-1]) + (f' "{found[-1]}"*' if found else "")
