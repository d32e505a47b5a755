"""Vectors given later: after something was forgotten, and by another embedder.

Some at a time, each time in a transaction of its own: memory does not grow with the store, and
what is interrupted goes on from there.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from memo.events import FORGOTTEN
from memo.records import DocumentId, PassageId
from memo.store.checking import Checking
from memo.store.codes import PASSAGES
from memo.store.rows import checked_vectors, listed, passage_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from memo.lm import EmbedderIdentity
    from memo.store.rows import Embed

AT_ONCE = 1024
"""Texts between two transactions: a few seconds of a real embedder."""
_WITHOUT = {
    "fact": """
    SELECT f.id, NULL AS speaker, f.question || ' ' || f.text AS text FROM fact f
    WHERE NOT f.forgotten
      AND NOT EXISTS (SELECT 1 FROM fact_vector v WHERE v.fact_id = f.id)
    """,
    "passage": """
    SELECT p.id, p.speaker, p.text FROM passage p
    JOIN document d ON d.id = p.document_id AND NOT d.forgotten
    WHERE p.text <> :forgotten
      AND NOT EXISTS (SELECT 1 FROM passage_vector v WHERE v.passage_id = p.id)
    """,
}
_FORGOTTEN: dict[str, object] = {"forgotten": FORGOTTEN}


class Embedding(Checking):
    """What `memo doctor --repair` does about vectors."""

    def embed_missing(self, embed: Embed) -> int:
        """Give a vector to each fact and passage that has none; how many."""
        filled = 0
        for kind in _WITHOUT:
            after = 0
            missing = self._without_vector(kind, after)
            while self._in_order(after, [id_ for id_, _ in missing]):
                vectors = self._embedded([text for _, text in missing], embed)
                with self._writing():
                    filled += self._fill(kind, dict(missing), vectors)
                after = missing[-1][0]
                missing = self._without_vector(kind, after)
        return filled

    def reembed(self, embedder: EmbedderIdentity, embed: Embed) -> None:
        """Replace all vectors by another embedder's. Open the store without one for this.

        Interrupted, it leaves a store of that embedder in which `embed_missing` has more to do;
        what has no vector yet is found by its words.

        Raises:
            EmbedderMismatch: It gives vectors of another dimension than it says.
            ModelError: It gives what is no vector. Nothing was changed in either case.
        """
        probe = ["probe"]
        checked_vectors(probe, embed(probe), embedder)
        with self._writing():
            self._install(embedder)
        self._embedder = embedder
        self.embed_missing(embed)

    def count_without_vector(self) -> int:
        """How many facts and passages wait for theirs."""
        return sum(
            self._one(f"SELECT count(*) FROM ({_WITHOUT[kind]})", _FORGOTTEN)[0]  # noqa: S608 - a statement of our own
            for kind in _WITHOUT
        )

    def _without_vector(
        self, kind: str, after: int, only: Collection[int] | None = None
    ) -> list[tuple[int, str]]:
        """The next that have none, and what they are found by; undone ones too.

        Args:
            kind: fact or passage.
            after: The id that the last one had.
            only: Look at these alone.
        """
        rows = self._all(
            f"""
            SELECT id, speaker, text FROM ({_WITHOUT[kind]})
            WHERE id > :after
              AND (:only IS NULL OR id IN (SELECT value FROM json_each(:only)))
            ORDER BY id LIMIT :count
            """,  # noqa: S608 - a statement of our own
            {
                "after": after,
                "only": None if only is None else listed(only),
                "count": AT_ONCE,
                **_FORGOTTEN,
            },
        )
        return [
            (id_, text if kind == "fact" else passage_text(speaker, text))
            for id_, speaker, text in rows
        ]

    def _fill(self, kind: str, texts: dict[int, str], vectors: dict[str, bytes]) -> int:
        """Store vectors where one is still missing, and index what may be found."""
        missing = self._without_vector(kind, 0, texts)
        found = {id_: vectors[text] for id_, text in missing if text == texts[id_]}
        self._many(
            f"INSERT INTO {kind}_vector VALUES (:id, :vector)",  # noqa: S608 - our own table names
            ({"id": id_, "vector": vector} for id_, vector in found.items()),
        )
        if kind == PASSAGES:
            self._index_passage_vectors(self._live_among(found))
        else:
            self._index_fact_vectors(found)
        return len(found)

    def _live_among(self, passages: Collection[int]) -> list[PassageId]:
        documents = self._ids(
            """
            SELECT DISTINCT p.document_id FROM json_each(:passages) w
            CROSS JOIN passage p ON p.id = w.value
            """,
            {"passages": listed(passages)},
        )
        live = self._live_passages([DocumentId(document) for document in documents])
        return [passage for passage in live if passage in passages]

    def _index_fact_vectors(self, facts: Collection[int]) -> None:
        """Add the codes of facts, each where its state wants it."""
        rows = self._all(
            """
            SELECT s.state, s.fact_id, s.begins, v.vector FROM json_each(:facts) w
            CROSS JOIN fact_state s ON s.fact_id = w.value
            JOIN fact_vector v ON v.fact_id = s.fact_id ORDER BY s.state, s.fact_id
            """,
            {"facts": listed(facts)},
        )
        for state, codes in groupby(rows, key=lambda row: row[0]):
            self._place_codes(state, [(id_, begin, vector) for _, id_, begin, vector in codes])
