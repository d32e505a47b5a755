"""What `memo doctor` compares: pages, the logs, what was said, and all that is derived."""

from __future__ import annotations

import json
from itertools import groupby

import numpy as np

from memo.errors import StoreError
from memo.events import FORGOTTEN, chained, edit_of, squashed
from memo.records import Document, Message, from_utc_text
from memo.store import schema
from memo.store.codes import FACTS, PASSAGES
from memo.store.derived import EFFECTIVE, SPAN
from memo.store.forgetting import Forgetting

_UNIT = 1e-3
"""How far the length of a vector may be from 1."""


class Checking(Forgetting):
    """Everything that is compared; nothing is changed."""

    def check(self) -> list[str]:
        """What is wrong with the store, a sentence each without anybody's words."""
        problems: list[str] = []
        checks = (
            self._check_pages,
            self._check_layout,
            self._check_chain,
            self._check_numbers,
            self._check_changes,
            self._check_documents,
            self._check_facts,
            self._check_held,
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
                except (ValueError, TypeError, LookupError, AttributeError) as error:
                    what = check.__name__.removeprefix("_check_")
                    problems.append(f"A row has no meaning ({what}: {type(error).__name__})")
        return problems

    def _check_pages(self) -> list[str]:
        rows = self._all("PRAGMA integrity_check")
        problems = [f"integrity_check: {row[0]}" for row in rows if row[0] != "ok"]
        rows = self._all("PRAGMA foreign_key_check")
        return problems + [f"{table} row {id_} refers to nothing" for table, id_, *_ in rows]

    def _check_layout(self) -> list[str]:
        """Every table, index and trigger is as memo makes it."""
        found = self._layout()
        problems = [
            f"The {name} is not as memo makes it"
            for name, made in schema.layout().items()
            if found.pop(name, None) != made
        ]
        return problems + [f"The {name} is not memo's" for name in found]

    def _layout(self) -> dict[str, str]:
        return {str(name): str(made) for name, made in self._all(schema.LAYOUT)}

    def _check_numbers(self) -> list[str]:
        """No id will be given twice."""
        problems = []
        logs = ("change_set", "document", "passage", "fact", "held", "event")
        for table in (*logs, "conversation", "exchange"):
            last, given = self._one(
                f"""
                SELECT ifnull((SELECT max(id) FROM {table}), 0),
                    ifnull((SELECT seq FROM sqlite_sequence WHERE name = :table), 0)
                """,  # noqa: S608 - our own table names
                {"table": table},
            )
            if given < last:
                problems.append(f"The next number of a {table} was given before")
        return problems

    def _check_changes(self) -> list[str]:
        """What is undone was undone by something, and what undid something still does or not."""
        wrong = self._ids(
            """
            SELECT t.id FROM change_set t JOIN change_set u ON u.id = t.undone_by
            LEFT JOIN change_set said ON said.id = u.target_id
            WHERE u.kind <> 'undo' OR u.id < t.id
              OR (said.id IS NOT t.id AND said.import_id IS NOT t.import_id)
            UNION
            SELECT t.id FROM change_set t JOIN change_set last ON last.id = (
                SELECT max(id) FROM change_set WHERE target_id = t.id AND kind IN ('undo', 'redo'))
            WHERE last.kind = 'undo' AND t.undone_by IS NULL AND NOT EXISTS (
                SELECT 1 FROM change_set r JOIN change_set other ON other.id = r.target_id
                WHERE r.kind = 'redo' AND r.id > last.id AND other.import_id IS t.import_id)
            ORDER BY 1
            """
        )
        return [f"Whether change {change} is undone was changed" for change in wrong]

    def _check_facts(self) -> list[str]:
        """Subjects and slots follow from the facts."""
        listed: dict[int, set[str]] = {}
        for name, fact in self._each("SELECT name, fact_id FROM fact_subject"):
            listed.setdefault(fact, set()).add(name)
        problems = []
        for fact, subjects, question, slot in self._each(
            "SELECT id, subjects, question, slot FROM fact ORDER BY id"
        ):
            if listed.pop(fact, set()) != {squashed(name) for name in json.loads(subjects)}:
                problems.append(f"The subjects of fact {fact} are out of date")
            if squashed(question) != slot:
                problems.append(f"The question of fact {fact} was changed")
        return problems

    def _check_held(self) -> list[str]:
        """What waits for review can still be applied."""
        problems = []
        for held, edit in self._each("SELECT id, edit FROM held WHERE edit IS NOT NULL"):
            try:
                edit_of(edit)
            except (ValueError, TypeError, LookupError):
                problems.append(f"The edit of item {held} was changed")
        return problems

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
        problems += [f"Document {row[0]} has no passages" for row in rows]
        said = self._all(
            """
            SELECT d.id, d.digest, p.speaker, p.text, p.at
            FROM document d JOIN passage p ON p.document_id = d.id
            WHERE NOT d.forgotten ORDER BY d.id, p.ord
            """
        )
        for (document, digest), rows_of in groupby(said, key=lambda row: row[:2]):
            messages = tuple(
                Message(text, from_utc_text(at), speaker) for _, _, speaker, text, at in rows_of
            )
            if _was_cut(messages) or Document("", "", messages).digest == digest:
                continue
            problems.append(f"The words of document {document} were changed")
        return problems

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
        problems += [f"The keyword index has other words for fact {row[0]}" for row in rows]
        rows = self._all(
            """
            SELECT p.id FROM passage p JOIN passage_fts i ON i.rowid = p.id
            WHERE i.text <> iif(ifnull(p.speaker, '') = '', '', p.speaker || ': ') || p.text
            """
        )
        return problems + [
            f"The keyword index has other words for passage {row[0]}" for row in rows
        ]

    def _check_vectors(self) -> list[str]:
        """The vector indexes hold the codes of what may be found, and nothing else."""
        if self._embedder is None:
            stored = self._all("SELECT 1 FROM fact_vector UNION SELECT 1 FROM passage_vector")
            return ["Whose vectors are stored is not known"] if stored else []
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
                if not is_unit(vector, self._embedder.dim)
            ]
        if problems:
            return problems
        return [
            f"The vector index of {kind}s is out of date"
            for kind, parts in (("fact", FACTS), ("passage", [PASSAGES]))
            if not self._check_codes(kind, parts)
        ] + self._check_segments()

    def _check_segments(self) -> list[str]:
        """Every segment is counted, and nothing else lies about."""
        rows = self._all(
            """
            SELECT segment FROM code_slots EXCEPT SELECT segment FROM code_segment
            UNION ALL SELECT segment FROM code_segment WHERE part NOT IN (
                SELECT value FROM json_each(:parts))
            """,
            {"parts": json.dumps([*FACTS, PASSAGES])},
        )
        return [f"Codes {row[0]} belong to nothing" for row in rows]


def is_unit(vector: bytes, dim: int) -> bool:
    """Whether a stored vector is one: of this dimension, finite, of length 1."""
    if len(vector) != 4 * dim:
        return False
    values = np.frombuffer(vector, "<f4")
    return bool(np.isfinite(values).all() and abs(float(values @ values) - 1) < _UNIT)


def _was_cut(messages: tuple[Message, ...]) -> bool:
    """Whether a sentence was struck out, or a sign that SQLite would not hold was replaced."""
    return any(FORGOTTEN in message.text or "\ufffd" in message.text for message in messages)
