"""Facts and passages by vector and by keyword."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memo.records import FactId, PassageId, State, utc_text
from memo.store.codes import FACTS, PASSAGES, Codes
from memo.store.rows import keywords, listed, query_vector

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from memo.lm import Vectors

COMPARED = 256
"""Vectors compared exactly in any search: up to so many, all."""
COMPARED_EACH = 16
"""Further ones for each that is wanted: recall@10 is above 0.99 (tests/benchmarks)."""
CONSIDERED = 4096
"""How many at most are looked at for how they stood at a time."""
RANKED = 20_000
"""Rows ranked in a keyword search; the words that occur in more are left out."""


class Search(Codes):
    """Ids with scores, best first."""

    def search_facts_by_vector(
        self,
        vector: Vectors,
        k: int,
        states: Collection[State] | None = None,
        as_of: datetime | None = None,
    ) -> list[tuple[FactId, float]]:
        """The k nearest facts with their cosine; as of a time, of `CONSIDERED` ones."""
        states = tuple(State) if states is None else states
        compared = COMPARED + COMPARED_EACH * k
        with self._reading():
            if as_of is None:
                near = self._nearest([state.value for state in states], vector, k, compared)
                return [(FactId(fact), cosine) for fact, cosine in near]
            for count in (compared, max(compared, CONSIDERED)):
                near = self._nearest(FACTS, vector, count, count, as_of)
                found = self._held_then(near, k, states, as_of)
                if len(found) == k or len(near) < count:
                    break
            return found

    def search_facts_by_words(
        self,
        text: str,
        k: int,
        states: Collection[State] | None = None,
        as_of: datetime | None = None,
    ) -> list[tuple[FactId, float]]:
        """The k facts that share the most telling words with any text; more is better."""
        states = tuple(State) if states is None else states
        with self._reading():
            words = self._sought("fact_fts", text)
            rows = self._all(
                """
                SELECT s.fact_id, found.score FROM (
                    SELECT rowid AS id, -rank AS score FROM fact_fts
                    WHERE fact_fts MATCH :words ORDER BY rowid DESC LIMIT :ranked) found
                JOIN fact_state s ON s.fact_id = found.id
                WHERE iif(:when IS NULL, instr(:states, s.state), s.begins <= :when)
                ORDER BY found.score DESC, s.fact_id LIMIT :k
                """,
                {
                    "words": words,
                    "ranked": RANKED,
                    "states": " ".join(states),
                    "when": utc_text(as_of) if as_of else None,
                    "k": CONSIDERED if as_of else k,
                },
            )
            if as_of is None:
                return [(FactId(fact), score) for fact, score in rows]
            return self._held_then(rows, k, states, as_of)

    def _held_then(
        self,
        found: Sequence[tuple[int, float]],
        k: int,
        states: Collection[State],
        as_of: datetime,
    ) -> list[tuple[FactId, float]]:
        """The first k that were in one of these states at a time."""
        fitting: list[tuple[FactId, float]] = []
        step = 4 * k  # a fact's state then follows from all its events: few are looked at
        for start in range(0, len(found), step):
            some = {FactId(fact): score for fact, score in found[start : start + step]}
            then = self._standings(some, as_of)
            fitting += [
                (fact, score)
                for fact, score in some.items()
                if fact in then and then[fact].state in states
            ]
            if len(fitting) >= k:
                break
        return fitting[:k]

    def search_passages_by_vector(
        self, vector: Vectors, k: int, as_of: datetime | None = None
    ) -> list[tuple[PassageId, float]]:
        """The k nearest passages (said by then) with their cosine."""
        with self._reading():
            near = self._nearest([PASSAGES], vector, k, COMPARED + COMPARED_EACH * k, as_of)
        return [(PassageId(passage), cosine) for passage, cosine in near]

    def search_passages_by_words(
        self, text: str, k: int, as_of: datetime | None = None
    ) -> list[tuple[PassageId, float]]:
        """The k passages (said by then) that share the most telling words; more is better."""
        with self._reading():
            words = self._sought("passage_fts", text)
            rows = self._all(
                """
                SELECT p.id, found.score FROM (
                    SELECT rowid AS id, -rank AS score FROM passage_fts
                    WHERE passage_fts MATCH :words ORDER BY rowid DESC LIMIT :ranked) found
                JOIN passage p ON p.id = found.id
                WHERE :when IS NULL OR p.at <= :when
                ORDER BY found.score DESC, p.id LIMIT :k
                """,
                {
                    "words": words,
                    "ranked": RANKED,
                    "when": utc_text(as_of) if as_of else None,
                    "k": k,
                },
            )
        return [(PassageId(passage), score) for passage, score in rows]

    def _nearest(
        self,
        parts: Collection[str],
        vector: Vectors,
        k: int,
        compared: int,
        until: datetime | None = None,
    ) -> list[tuple[int, float]]:
        """The k nearest in these parts by exact cosine, of those whose signs differ least."""
        if self._embedder is None:
            return []
        wanted = query_vector(vector, self._embedder)
        ids = self._near(parts, np.frombuffer(wanted, "<f4")[None], compared, until)
        kind = PASSAGES if PASSAGES in parts else "fact"
        rows = self._all(
            f"""
            SELECT v.{kind}_id, 1 - vec_distance_cosine(v.vector, :vector) AS near
            FROM json_each(:ids) w CROSS JOIN {kind}_vector v ON v.{kind}_id = w.value
            ORDER BY near DESC, v.{kind}_id LIMIT :k
            """,  # noqa: S608 - one of our own table names
            {"ids": listed(sorted(ids)), "vector": wanted, "k": k},
        )
        return [(id_, near) for id_, near in rows]

    def _sought(self, table: str, text: str) -> str:
        """An FTS5 query for the words of a text that tell most; for no text, one of no word.

        The rarest words, as long as no more than `RANKED` rows have any of them. Where even the
        rarest is in more: all words, if any row has them all, else the rarest.
        """
        words = keywords(text)
        if not words:
            return '""'
        counted = sorted((self._occurs(table, word), word) for word in words)
        total, chosen = 0, []
        for rows, word in counted:
            total += rows
            if total > RANKED:
                break
            chosen.append(word)
        if chosen:
            return " OR ".join(chosen)
        every = " AND ".join(words)
        return every if self._occurs(table, every) else counted[0][1]

    def _occurs(self, table: str, words: str) -> int:
        """How many rows a keyword query finds, where it is not more than `RANKED`."""
        return int(
            self._one(
                f"""
                SELECT count(*) FROM (
                    SELECT 1 FROM {table} WHERE {table} MATCH :words LIMIT :most)
                """,  # noqa: S608 - one of our own table names
                {"words": words, "most": RANKED + 1},
            )[0]
        )
