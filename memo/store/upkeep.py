"""Dump, check, rebuild, embed anew, and back up."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from memo.errors import StoreBusy, StoreDamaged, StoreError
from memo.events import FORGOTTEN, chained, edit_text
from memo.records import FactId, PassageId
from memo.store.codes import FACTS, PASSAGES
from memo.store.connection import check_pages
from memo.store.derived import EFFECTIVE, SPAN
from memo.store.forgetting import Forgetting
from memo.store.rows import checked_vectors, passage_text, utc
from memo.store.snapshot import copy_into, forgets_of, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from memo.lm import EmbedderIdentity
    from memo.store.rows import Embed


class Upkeep(Forgetting):
    """What `memo doctor` and `memo backup` do to a store."""

    def dump(self) -> str:
        """The logical state as canonical JSON: equal exactly where two stores mean the same.

        Without what was undone or forgotten, and without the log of undoing itself.
        """
        with self._reading():
            documents = self._table(
                """
                SELECT d.id, d.source, d.key, d.title, d.digest, d.at, d.recorded_at, d.change_id
                FROM document d JOIN change_set c ON c.id = d.change_id AND c.undone_by IS NULL
                WHERE NOT d.forgotten ORDER BY d.id
                """
            )
            passages = self._table(
                """
                SELECT p.id, p.document_id, p.ord, p.speaker, p.at, p.text FROM passage p
                JOIN document d ON d.id = p.document_id AND NOT d.forgotten
                JOIN change_set c ON c.id = d.change_id AND c.undone_by IS NULL ORDER BY p.id
                """
            )
            events = self._table(
                """
                SELECT e.id, e.change_id, e.edit, e.fact_id, e.kind, e.truth, e.at, e.said_at,
                    e.recorded_at, e.document_id, e.passage_id, e.quote, e.confidence, e.because,
                    e.successor, e.held_id
                FROM event e JOIN live_event l ON l.event_id = e.id ORDER BY e.id
                """
            )
            facts = sorted(self.list_facts(None), key=lambda fact: fact.id)
            state = {
                "documents": documents,
                "passages": passages,
                "facts": [asdict(fact) for fact in facts],
                "events": events,
                "conversations": self._table(
                    "SELECT id, conversation_id, at, said, answer, note FROM exchange ORDER BY id"
                ),
                "held": [[*ids, edit_text(held.edit), held.reason] for *ids, held in self.held()],
                "fact_words": self._ids("SELECT rowid FROM fact_fts ORDER BY rowid"),
                "passage_words": self._ids("SELECT rowid FROM passage_fts ORDER BY rowid"),
                "fact_vectors": self._vector_ids("fact"),
                "passage_vectors": self._vector_ids("passage"),
            }
        return json.dumps(state, sort_keys=True, ensure_ascii=False, default=utc)

    def _table(self, sql: str) -> list[list[object]]:
        return [list(row) for row in self._all(sql)]

    def _vector_ids(self, kind: str) -> list[int]:
        return self._ids("SELECT id FROM code_place WHERE kind = :kind ORDER BY id", {"kind": kind})

    def check(self) -> list[str]:
        """What is wrong with the store, a sentence each without anybody's words."""
        problems: list[str] = []
        checks = (
            self._check_pages,
            self._check_chain,
            self._check_documents,
            self._check_derived,
            self._check_words,
            self._check_vectors,
        )
        with self._reading():
            for check in checks:
                try:
                    problems += check()
                except StoreError as error:  # a damaged page: the other checks still tell more
                    problems.append(str(error))
        return problems

    def _check_pages(self) -> list[str]:
        rows = self._all("PRAGMA integrity_check")
        problems = [f"integrity_check: {row[0]}" for row in rows if row[0] != "ok"]
        rows = self._all("PRAGMA foreign_key_check")
        return problems + [f"{table} row {id_} refers to nothing" for table, id_, *_ in rows]

    def _check_chain(self) -> list[str]:
        """Every event has the hash of its predecessor, every quote its digest."""
        columns = (
            "id, change_id, edit, fact_id, kind, truth, at, said_at, recorded_at, document_id, "
            "passage_id, quote_digest, confidence, because, successor, held_id"
        )
        rows = self._each(
            """
            SELECT id, change_id, edit, fact_id, kind, truth, at, said_at, recorded_at,
                document_id, passage_id, quote_digest, confidence, because, successor, held_id,
                quote, hash
            FROM event ORDER BY id
            """
        )
        problems = []
        last = ""
        for number, (*values, quote, found) in enumerate(rows, start=1):
            row = dict(zip(columns.split(", "), values, strict=True))
            last = chained(last, row)
            if last != found or row["id"] != number:
                problems.append(f"The log of events was changed at event {row['id']}")
                last = found
            if quote is not None and self._mark("quote", quote) != row["quote_digest"]:
                problems.append(f"The quote of event {row['id']} was changed")
        return problems

    def _check_documents(self) -> list[str]:
        rows = self._all(
            """
            SELECT min(d.id), max(d.id)
            FROM document d JOIN change_set c ON c.id = d.change_id AND c.undone_by IS NULL
            WHERE NOT d.forgotten GROUP BY d.source, d.digest HAVING count(*) > 1
            """
        )
        problems = [f"Documents {first} and {last} are the same" for first, last in rows]
        problems += [
            f"Document {id_} is neither read nor waits for it"
            for id_ in self._ids(
                """
                SELECT id FROM document
                WHERE (change_id < 0 AND NOT forgotten) <> (id IN (SELECT document_id FROM unread))
                """
            )
        ]
        rows = self._all(
            "SELECT id FROM document WHERE id NOT IN (SELECT document_id FROM passage)"
        )
        return problems + [f"Document {row[0]} has no passages" for row in rows]

    def _check_derived(self) -> list[str]:
        """What is derived equals what the events say."""
        problems = []
        stored = "SELECT event_id FROM live_event"
        for one, other in (
            ("SELECT id FROM effective", stored),
            (stored, "SELECT id FROM effective"),
        ):
            if self._all(f"{EFFECTIVE} SELECT * FROM ({one} EXCEPT {other}) LIMIT 1"):  # noqa: S608 - statements of our own
                problems.append("Which events are effective is out of date")
                break
        for facts in self._fact_chunks():
            derived, found = self._derived_standings(facts), self._standings(facts)
            problems += [
                f"The state of fact {fact} is out of date"
                for fact in facts
                if derived.get(fact) != found.get(fact)
            ]
        rows = self._ids(f"SELECT fact_id FROM fact_state WHERE (begins, settles) IS NOT {SPAN}")  # noqa: S608 - a statement of our own
        return problems + [f"The span of fact {fact} is out of date" for fact in rows]

    def _check_words(self) -> list[str]:
        """The keyword indexes hold what may be found, and nothing else."""
        facts = self._ids("SELECT fact_id FROM fact_state ORDER BY fact_id")
        problems = []
        if facts != self._ids("SELECT rowid FROM fact_fts ORDER BY rowid"):
            problems.append("The keyword index of facts is out of date")
        if self._live_passages() != self._ids("SELECT rowid FROM passage_fts ORDER BY rowid"):
            problems.append("The keyword index of passages is out of date")
        rows = self._all(
            """
            SELECT f.id FROM fact f JOIN fact_fts i ON i.rowid = f.id
            WHERE i.text <> f.question || ' ' || f.text
            """
        )
        return problems + [f"The keyword index has other words for fact {row[0]}" for row in rows]

    def _check_vectors(self) -> list[str]:
        """The vector indexes hold the codes of what may be found, and nothing else."""
        if self._embedder is None:
            return []
        missing = self._ids(
            """
            SELECT fact_id FROM fact_state s
            WHERE NOT EXISTS (SELECT 1 FROM fact_vector v WHERE v.fact_id = s.fact_id)
            """
        )
        problems = [f"Fact {fact} has no vector" for fact in missing]
        for kind in ("fact", "passage"):
            rows = self._each(f"SELECT {kind}_id, vector FROM {kind}_vector")  # noqa: S608 - our own table names
            problems += [
                f"The vector of {kind} {id_} is no vector"
                for id_, vector in rows
                if len(vector) != 4 * self._embedder.dim
                or not np.isfinite(np.frombuffer(vector, "<f4")).all()
            ]
        if problems:
            return problems
        return [
            f"The vector index of {kind}s is out of date"
            for kind, parts in (("fact", FACTS), ("passage", [PASSAGES]))
            if not self._check_codes(kind, parts)
        ]

    def rebuild(self) -> None:
        """Derive everything that is derived anew; what was said and done stays untouched."""
        with self._writing():
            self._derive()

    def embed_missing(self, embed: Embed) -> int:
        """Give a vector to each passage that lost it with a forgotten sentence; how many."""
        missing = self._without_vector()
        vectors = self._embedded([text for _, _, text in missing], embed)
        with self._writing():
            return self._fill(vectors)

    def reembed(self, embedder: EmbedderIdentity, embed: Embed) -> None:
        """Replace all vectors by another embedder's. Open the store without one for this.

        Raises:
            StoreBusy: Another program stored something meanwhile.
        """
        texts = list(dict.fromkeys(text for _, _, text in self._texts()))
        vectors = checked_vectors(texts, embed(texts), embedder) if texts else {}
        with self._writing():
            self._install(embedder)
            self._fill(vectors)
            if self._without_vector():
                raise StoreBusy(f"{self.path} was written to while it was embedded: try again.")
        self._embedder = embedder

    def _texts(self) -> list[tuple[str, int, str]]:
        """What facts and passages are found by; undone ones too, as they may be redone."""
        facts = self._all("SELECT id, question || ' ' || text FROM fact WHERE NOT forgotten")
        passages = self._all(
            """
            SELECT p.id, p.speaker, p.text
            FROM passage p JOIN document d ON d.id = p.document_id AND NOT d.forgotten
            WHERE p.text <> :forgotten
            """,
            {"forgotten": FORGOTTEN},
        )
        return [("fact", id_, text) for id_, text in facts] + [
            ("passage", id_, passage_text(speaker, text)) for id_, speaker, text in passages
        ]

    def _without_vector(self) -> list[tuple[str, int, str]]:
        have = {
            "fact": set(self._ids("SELECT fact_id FROM fact_vector")),
            "passage": set(self._ids("SELECT passage_id FROM passage_vector")),
        }
        return [(kind, id_, text) for kind, id_, text in self._texts() if id_ not in have[kind]]

    def _fill(self, vectors: dict[str, bytes]) -> int:
        """Store these vectors where one is missing, and index what may be found."""
        live = set(self._live_passages())
        filled = 0
        for kind, id_, text in self._without_vector():
            if text not in vectors:
                continue
            filled += 1
            row = {"id": id_, "vector": vectors[text]}
            if kind == "fact":
                self._all("INSERT INTO fact_vector VALUES (:id, :vector)", row)
                self._index_vector(FactId(id_))
            else:
                self._all("INSERT INTO passage_vector VALUES (:id, :vector)", row)
                if id_ in live:
                    self._index_passage_vectors([PassageId(id_)])
        return filled

    def backup(self, path: Path, *, thorough: bool = True) -> None:
        """Write a whole, checked and sealed copy, encrypted where the store is.

        Args:
            path: It appears under this name only once it is safe.
            thorough: Compare everything derived, too; else only that every page is whole.

        Raises:
            StoreError: The name is taken, or the copy could not be written or checked.
        """
        if path.exists():
            raise StoreError(f"{path} exists already: give another name.")

        def check(copy: Path) -> None:
            if thorough:
                self._check_copy(copy, self._key)
            else:
                check_pages(copy, self._key)

        with self._explained():
            snapshot(self._db, self.path, path, self._key, check)

    def rewrite(self, path: Path, key: bytes | None) -> None:
        """Write a checked copy under another key, or with None in plain, ready to be used.

        Raises:
            StoreError: It could not be written or checked.
        """
        with self._explained():
            copy_into(self._db, path, key)
        self._check_copy(path, key)
        with type(self).open(path, key=key):
            pass  # makes it log ahead, as a store in use does

    def _check_copy(self, path: Path, key: bytes | None) -> None:
        with type(self).open(path, key=key, read_only=True) as copy:
            problems = copy.check()
            if copy.head() != self.head():
                problems.append("something was stored meanwhile")
        if problems:
            raise StoreDamaged(
                f"The copy {path} is not whole: {'; '.join(problems[:3])}. "
                "`memo doctor --repair` may help."
            )

    def forgets(self) -> int:
        """How often something was forgotten."""
        return forgets_of(self._db)
