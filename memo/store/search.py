"""Facts and passages by vector and by keyword."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memo.records import FactId, PassageId, State, utc_text
from memo.store.reading import Reading
from memo.store.rows import keywords, query_vector, widening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from memo.lm import Vectors
    from memo.store.rows import Row


class Search(Reading):
    """Ids with scores, best first."""

    def search_facts_by_vector(
        self,
        vector: Vectors,
        k: int,
        states: Collection[State] | None = None,
        as_of: datetime | None = None,
    ) -> list[tuple[FactId, float]]:
        """The k nearest facts with their cosine, of the `MOST_NEIGHBOURS` nearest in any state."""
        return self._matching_facts(self._nearest("fact_vec", vector), k, states, as_of)

    def search_facts_by_words(
        self,
        text: str,
        k: int,
        states: Collection[State] | None = None,
        as_of: datetime | None = None,
    ) -> list[tuple[FactId, float]]:
        """The k facts that share the most telling words with any text; more is better."""
        return self._matching_facts(self._sharing("fact_fts", text), k, states, as_of)

    def _matching_facts(
        self,
        fetch: Callable[[int], list[Row]],
        k: int,
        states: Collection[State] | None,
        as_of: datetime | None,
    ) -> list[tuple[FactId, float]]:
        def fits(ids: list[int]) -> set[int]:
            standings = self._standings([FactId(id_) for id_ in ids], as_of)
            return {
                fact for fact, now in standings.items() if states is None or now.state in states
            }

        with self._reading():
            return [(FactId(id_), score) for id_, score in widening(fetch, fits, k)]

    def search_passages_by_vector(
        self, vector: Vectors, k: int, as_of: datetime | None = None
    ) -> list[tuple[PassageId, float]]:
        """The k nearest passages (said by then) with their cosine."""
        return self._matching_passages(self._nearest("passage_vec", vector), k, as_of)

    def search_passages_by_words(
        self, text: str, k: int, as_of: datetime | None = None
    ) -> list[tuple[PassageId, float]]:
        """The k passages (said by then) that share the most telling words; more is better."""
        return self._matching_passages(self._sharing("passage_fts", text), k, as_of)

    def _matching_passages(
        self, fetch: Callable[[int], list[Row]], k: int, as_of: datetime | None
    ) -> list[tuple[PassageId, float]]:
        def fits(ids: list[int]) -> set[int]:
            return set(
                self._ids(
                    """
                    SELECT id FROM passage WHERE id IN (SELECT value FROM json_each(:ids))
                      AND (:when IS NULL OR at <= :when)
                    """,
                    {"ids": json.dumps(ids), "when": utc_text(as_of) if as_of else None},
                )
            )

        with self._reading():
            return [(PassageId(id_), score) for id_, score in widening(fetch, fits, k)]

    def _nearest(self, table: str, vector: Vectors) -> Callable[[int], list[Row]]:
        """The rows of a vector table by cosine; none where the store has no embedder."""
        if self._embedder is None:
            return lambda _: []
        sql = f"""
            SELECT id, 1 - distance FROM {table}
            WHERE vector MATCH :vector AND k = :k ORDER BY distance
        """  # noqa: S608 - one of our own table names
        wanted = query_vector(vector, self._embedder)
        return lambda count: self._all(sql, {"vector": wanted, "k": count})

    def _sharing(self, table: str, text: str) -> Callable[[int], list[Row]]:
        """The rows of a keyword table by how telling the words are that they share with a text."""
        wanted = keywords(text)
        if not wanted:
            return lambda _: []
        sql = f"""
            SELECT rowid, -rank FROM {table}
            WHERE {table} MATCH :words ORDER BY rank, rowid LIMIT :k
        """  # noqa: S608 - one of our own table names
        return lambda count: self._all(sql, {"words": wanted, "k": count})
