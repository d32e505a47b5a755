"""Dump, rebuild, and back up."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from memo.errors import StoreDamaged, StoreError
from memo.events import edit_text, squashed
from memo.records import from_utc_text
from memo.store import schema
from memo.store.checking import is_unit
from memo.store.connection import check_pages
from memo.store.embedding import Embedding
from memo.store.rows import utc
from memo.store.snapshot import copy_into, forgets_of, snapshot
from memo.trust.head import renew_head

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from memo.trust.head import Head


class Upkeep(Embedding):
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

    def rebuild(self) -> None:
        """Derive everything that is derived anew; what was said and done stays untouched."""
        with self._writing():
            self._restore_layout()
            self._restore_subjects()
            self._drop_bad_vectors()
            self._derive()
        renew_head(self.path, self.head())

    def _restore_layout(self) -> None:
        """Make indexes and triggers anew that are missing or not as they should be."""
        wanted, found = schema.layout(), self._layout()
        for name, made in wanted.items():
            kind, _, called = name.partition(" ")
            if kind in ("index", "trigger") and found.get(name) != made:
                self._script(f"DROP {kind} IF EXISTS {called}; {made};")
        for name in found.keys() - wanted.keys():
            kind, _, called = name.partition(" ")
            if kind in ("index", "trigger", "view"):
                self._script(f'DROP {kind} "{called}"')

    def _restore_subjects(self) -> None:
        self._all("DELETE FROM fact_subject")
        rows = self._all("SELECT id, subjects FROM fact")
        self._many(
            "INSERT INTO fact_subject VALUES (:name, :fact)",
            (
                {"name": name, "fact": fact}
                for fact, subjects in rows
                for name in sorted({squashed(one) for one in json.loads(subjects)})
            ),
        )

    def _drop_bad_vectors(self) -> None:
        """What is no vector is embedded anew."""
        if self._embedder is None:
            return
        for kind in ("fact", "passage"):
            bad = [
                id_
                for id_, vector in self._each(f"SELECT {kind}_id, vector FROM {kind}_vector")  # noqa: S608 - our own table names
                if not is_unit(vector, self._embedder.dim)
            ]
            self._many(
                f"DELETE FROM {kind}_vector WHERE {kind}_id = :id",  # noqa: S608 - as above
                ({"id": id_} for id_ in bad),
            )

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

    def keep(self, path: Path) -> None:
        """Copy the store as it is, whatever may be wrong with it.

        Raises:
            StoreError: The copy could not be written.
        """
        with self._explained():
            snapshot(self._db, self.path, path, self._key, lambda _: None)

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
        with self._explained():
            return forgets_of(self._db)

    def stored_after(self, head: Head) -> tuple[datetime, datetime] | None:
        """When the first and the last was stored of what came later; None where nothing did."""
        first, last = self._one(
            """
            SELECT min(recorded_at), max(recorded_at) FROM (
                SELECT recorded_at FROM change_set WHERE id > :changes AND id > 0
                UNION ALL SELECT recorded_at FROM document WHERE id > :documents
                UNION ALL SELECT at FROM exchange WHERE id > :exchanges)
            """,
            {
                "changes": head.changes,
                "documents": head.documents,
                "exchanges": head.exchanges,
            },
        )
        return None if first is None else (from_utc_text(first), from_utc_text(last))
