"""The store: documents, facts and their events in one SQLite file.

Events are the truth. What a fact is worth now, the keyword and the vector indexes
are derived from them inside the same transaction, and can be rebuilt at any time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import apsw
import numpy as np

from memo import schema
from memo.errors import (
    EmbedderMismatch,
    ModelError,
    NotKnown,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreReadOnly,
)
from memo.events import (
    FORGOTTEN,
    Event,
    Standing,
    chained,
    edit_of,
    edit_text,
    mentions,
    squashed,
    standing,
    without_sentences,
)
from memo.lm import EmbedderIdentity
from memo.records import (
    Add,
    ChangeId,
    ChangeSet,
    Claim,
    Document,
    DocumentId,
    Edit,
    EditRecord,
    Fact,
    FactId,
    Held,
    HeldId,
    HistoryEntry,
    MakeFalse,
    MarkUncertain,
    Message,
    Passage,
    PassageId,
    Plan,
    Reinforce,
    Rewrite,
    State,
    StoredDocument,
    Usage,
    from_utc_text,
    utc_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from memo.lm import Vectors

    Embed = Callable[[Sequence[str]], Vectors]
    Row = tuple[Any, ...]

MOST_NEIGHBOURS = 4096  # vec0's own limit on k (sqlite-vec#157)
MOST_TERMS = 64  # a whole document as a keyword query would visit every row
_STOPWORDS = """
a about also am an and any are as at be been but by can could did do does for from had has have he
her him his how i if in into is it its just me my no not of on or our she so some such than that
the their them then there these they this those to up us was we were what when where which who
whom why will with would you your
"""
STOPWORDS = frozenset(_STOPWORDS.split())

_OPS = {
    "added": "add",
    "reinforced": "reinforce",
    "confirmed": "reinforce",
    "made_false": "make_false",
    "rewritten": "rewrite",
    "edited": "rewrite",
    "marked_uncertain": "uncertain",
    "pinned": "pin",
    "unpinned": "unpin",
}
_RANKS: dict[type[Edit], int] = {Add: 0, Reinforce: 0, Rewrite: 1, MakeFalse: 1, MarkUncertain: 2}
"""What makes true goes before what ends, and that before the doubts it raises."""


@dataclass(frozen=True, slots=True)
class _Said:
    """Where an edit stands: what its events record besides the truth."""

    edit: int
    """Position of the edit in its plan."""
    said_at: str
    document: DocumentId | None = None
    passage: PassageId | None = None
    quote: str | None = None
    confidence: float | None = None
    held: HeldId | None = None


@dataclass(frozen=True, slots=True)
class _Ground:
    """A stored document, for edits to stand on."""

    document: DocumentId
    at: str
    passages: list[tuple[PassageId, str, str]]
    """Id, time and text of each message, in order."""


@dataclass(slots=True)
class _Work:
    """A change set while it is being written."""

    change: ChangeId
    recorded_at: str
    vectors: dict[str, bytes]
    last_event: int
    last_hash: str
    made: dict[Claim, FactId] = field(default_factory=dict)
    """New claims that became facts in this change set."""
    touched: set[FactId] = field(default_factory=set)


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """One person's memory on disk; a context manager.

    A connection belongs to one operation in one thread. Whatever fails inside a
    writing method leaves the store as it was.
    """

    def __init__(
        self, db: apsw.Connection, path: Path, *, writable: bool, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._clock = clock
        self.path = path
        self.writable = writable
        """False where the file or its folder may only be read."""
        self._secret: bytes = self._one("SELECT value FROM meta WHERE name = 'secret'")[0]
        self._embedder = self._stored_embedder()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        embedder: EmbedderIdentity | None = None,
        read_only: bool = False,
        busy_timeout_ms: int = 5000,
        clock: Callable[[], datetime] = _now,
    ) -> Store:
        """Open the file, making it and its folder where there are none.

        Raises:
            EmbedderMismatch: The stored vectors came from another embedder.
            StoreError: As in `schema.connect`.
        """
        db, writable = schema.connect(path, read_only=read_only, busy_timeout_ms=busy_timeout_ms)
        try:
            store = cls(db, path, writable=writable, clock=clock)
            if embedder is not None:
                store._adopt(embedder)
        except BaseException:
            db.close()
            raise
        return store

    def close(self) -> None:
        """Release the file; harmless when done twice."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- statements and transactions -------------------------------------------------

    def _all(self, sql: str, bindings: dict[str, object] | None = None) -> list[Row]:
        try:
            return self._db.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise schema.explained(error, self.path) from error

    def _one(self, sql: str, bindings: dict[str, object] | None = None) -> Row:
        return self._all(sql, bindings)[0]

    def _ids(self, sql: str, bindings: dict[str, object] | None = None) -> list[int]:
        return [row[0] for row in self._all(sql, bindings)]

    def _script(self, sql: str) -> None:
        try:
            schema.run_script(self._db, sql)
        except apsw.Error as error:
            raise schema.explained(error, self.path) from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One snapshot for several statements."""
        if self._db.in_transaction:
            yield
            return
        self._all("BEGIN")
        try:
            yield
        finally:
            if self._db.in_transaction:
                self._all("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All or nothing, holding the write lock from the first read on."""
        if not self.writable:
            raise StoreReadOnly(f"{self.path} is open for reading only: check its permissions.")
        self._all("BEGIN IMMEDIATE")
        try:
            yield
            self._all("COMMIT")
        finally:
            if self._db.in_transaction:  # a full disk has already rolled back
                self._all("ROLLBACK")

    # -- the embedder ----------------------------------------------------------------

    def embedder_identity(self) -> EmbedderIdentity | None:
        """Whose vectors are stored; None before the first."""
        return self._embedder

    def _stored_embedder(self) -> EmbedderIdentity | None:
        rows = self._all("SELECT name, sha256, dim FROM embedder")
        return EmbedderIdentity(*rows[0]) if rows else None

    def _adopt(self, embedder: EmbedderIdentity) -> None:
        """Take the embedder for this store, or refuse another than the stored one."""
        if self._embedder is None and self.writable:
            with self._writing():
                if self._stored_embedder() is None:
                    self._install(embedder)
            self._embedder = self._stored_embedder()
        if self._embedder is not None and self._embedder != embedder:
            raise EmbedderMismatch(
                f"The vectors in {self.path} came from {self._embedder.name} "
                f"({self._embedder.sha256[:12]}), not from {embedder.name} "
                f"({embedder.sha256[:12]}): use that one, or run `memo doctor` to embed anew."
            )

    def _install(self, embedder: EmbedderIdentity) -> None:
        """Begin empty vector tables for an embedder."""
        self._script("DELETE FROM fact_vector; DELETE FROM passage_vector; DELETE FROM embedder;")
        self._all("INSERT INTO embedder VALUES (:name, :sha256, :dim)", asdict(embedder))
        self._new_vector_indexes(embedder)

    def _new_vector_indexes(self, embedder: EmbedderIdentity) -> None:
        for name in ("fact_vec", "passage_vec"):
            self._script(schema.VEC.format(name=name, dim=embedder.dim))

    def _embedded(self, texts: Iterable[str], embed: Embed) -> dict[str, bytes]:
        """The vector of each text, checked: vec0 would take NaN and return it as nearest.

        Raises:
            EmbedderMismatch: The dimension is not the stored embedder's, or there is none.
            ModelError: A vector is not finite.
        """
        wanted = list(dict.fromkeys(texts))
        if not wanted:
            return {}
        if self._embedder is None:
            raise EmbedderMismatch(f"{self.path} has no embedder yet: open it with one.")
        return _checked(wanted, embed(wanted), self._embedder)

    # -- what is known and what is forgotten -----------------------------------------

    def known(self, document: Document) -> DocumentId | None:
        """The stored document with the same source and the same words, unless undone."""
        rows = self._all(
            """
            SELECT d.id FROM document d JOIN change_set c ON c.id = d.change_id
            WHERE d.digest = :digest AND d.source = :source
              AND c.undone_by IS NULL AND NOT d.forgotten
            """,
            {"digest": document.digest, "source": _clean(document.source)},
        )
        return DocumentId(rows[0][0]) if rows else None

    def is_forgotten_document(self, document: Document) -> bool:
        """Whether it, or every message of it, was forgotten."""
        return self._buried(self._document_mark(document.source, document.digest)) or all(
            self.is_forgotten_message(document.source, message) for message in document.messages
        )

    def is_forgotten_message(self, source: str, message: Message) -> bool:
        """Whether these words from this source were forgotten."""
        return self._buried(self._message_mark(source, message.text, utc_text(message.at)))

    def is_forgotten_claim(self, claim: Claim) -> bool:
        """Whether a fact with this text, or with this question and value, was forgotten."""
        return any(self._buried(mark) for mark in self._claim_marks(claim))

    def _mark(self, *parts: str) -> str:
        """Recognises forgotten words without holding them."""
        said = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()

    def _document_mark(self, source: str, digest: str) -> str:
        return self._mark("document", _clean(source), digest)

    def _message_mark(self, source: str, text: str, at: str) -> str:
        """Without the time, except for a few words that anybody may say again."""
        words = squashed(_clean(text))
        return self._mark("message", _clean(source), words, at if words.count(" ") < 3 else "")

    def _claim_marks(self, claim: Claim) -> tuple[str, str]:
        return (
            self._mark("claim", squashed(_clean(claim.text))),
            self._mark("slot", squashed(_clean(claim.question)), squashed(_clean(claim.value))),
        )

    def _buried(self, mark: str) -> bool:
        return bool(self._all("SELECT 1 FROM tombstone WHERE mark = :mark", {"mark": mark}))

    def _bury(self, mark: str) -> None:
        self._all("INSERT OR IGNORE INTO tombstone VALUES (:mark)", {"mark": mark})

    # -- change sets -----------------------------------------------------------------

    def apply(self, document: Document, plan: Plan, embed: Embed) -> ChangeSet:
        """Store a document with all that it does to the facts, in one transaction.

        A document that is known already changes nothing: its change set is returned.
        Forgotten messages and claims are left out. A rewrite whose stored successor
        already holds at that time does not reinforce it.

        Raises:
            NotKnown: The document was forgotten, or a fact that the plan names has gone
                since it was made.
            ValueError: The plan would retire a pinned or hand-written fact.
        """
        if (known := self._change_of(document)) is not None:
            return self.change(known)
        texts = [_passage_text(message.speaker, message.text) for message in document.messages]
        texts += [_indexed(claim) for claim in _claims(plan.edits)]
        vectors = self._embedded(texts, embed)
        with self._writing():
            change = self._change_of(document)  # another process may have been quicker
            if change is None:
                change = self._apply(document, plan, vectors)
        return self.change(change)

    def _change_of(self, document: Document) -> ChangeId | None:
        known = self.known(document)
        if known is None:
            return None
        rows = self._all("SELECT change_id FROM document WHERE id = :id", {"id": known})
        return ChangeId(rows[0][0])

    def _apply(self, document: Document, plan: Plan, vectors: dict[str, bytes]) -> ChangeId:
        if self.is_forgotten_document(document):
            raise NotKnown("This document was forgotten and is not stored again.")
        work = self._begin("document", _clean(document.title), document.at, vectors, plan)
        ground = self._store_document(work, document)
        allowed = [self._allowed(edit) for edit in plan.edits]
        self._write(
            work,
            [(edit, _said(number, edit, ground)) for number, edit in enumerate(allowed) if edit],
        )
        for held in plan.held:
            if edit := self._allowed(held.edit):
                self._hold(work.change, Held(edit, held.reason))
        return work.change

    def _begin(
        self,
        kind: str,
        title: str,
        at: datetime | None = None,
        vectors: dict[str, bytes] | None = None,
        plan: Plan | None = None,
        target: ChangeId | None = None,
    ) -> _Work:
        """Insert a change set; everything else of it refers to this row."""
        plan = plan or Plan()
        recorded_at = utc_text(self._clock())
        (change,) = self._one(
            """
            INSERT INTO change_set (kind, title, at, recorded_at, target_id, calls, prompt_tokens,
                evaluated_tokens, completion_tokens, elapsed_s, problems)
            VALUES (:kind, :title, :at, :recorded_at, :target, :calls, :prompt_tokens,
                :evaluated_tokens, :completion_tokens, :elapsed_s, :problems)
            RETURNING id
            """,
            {
                "kind": kind,
                "title": title,
                "at": utc_text(at) if at else recorded_at,
                "recorded_at": recorded_at,
                "target": target,
                "elapsed_s": float(plan.elapsed_s),
                "problems": json.dumps([_clean(line) for line in plan.problems]),
                **asdict(plan.usage),
            },
        )
        last = self._all("SELECT id, hash FROM event ORDER BY id DESC LIMIT 1") or [(0, "")]
        return _Work(ChangeId(change), recorded_at, vectors or {}, *last[0])

    def _store_document(self, work: _Work, document: Document) -> _Ground:
        """Insert a document and its passages, one a message."""
        (row,) = self._one(
            """
            INSERT INTO document (source, key, title, digest, at, recorded_at, change_id)
            VALUES (:source, :key, :title, :digest, :at, :recorded_at, :change) RETURNING id
            """,
            {
                "source": _clean(document.source),
                "key": _clean(document.key),
                "title": _clean(document.title),
                "digest": document.digest,
                "at": utc_text(document.at),
                "recorded_at": work.recorded_at,
                "change": work.change,
            },
        )
        ground = _Ground(DocumentId(row), utc_text(document.at), [])
        for number, message in enumerate(document.messages):
            known_again = self.is_forgotten_message(document.source, message)
            text = FORGOTTEN if known_again else _clean(message.text)
            passage = self._store_passage(ground.document, number, message, text)
            ground.passages.append((passage, utc_text(message.at), text))
            if text != FORGOTTEN:
                vector = work.vectors[_passage_text(message.speaker, message.text)]
                self._all(
                    "INSERT INTO passage_vector VALUES (:id, :vector)",
                    {"id": passage, "vector": vector},
                )
        self._index_passages(ground.document)
        return ground

    def _store_passage(
        self, document: DocumentId, number: int, message: Message, text: str
    ) -> PassageId:
        (row,) = self._one(
            """
            INSERT INTO passage (document_id, ord, speaker, at, text)
            VALUES (:document, :ord, :speaker, :at, :text) RETURNING id
            """,
            {
                "document": document,
                "ord": number,
                "speaker": None if message.speaker is None else _clean(message.speaker),
                "at": utc_text(message.at),
                "text": text,
            },
        )
        return PassageId(row)

    def _store_fact(self, work: _Work, claim: Claim, *, by_hand: bool = False) -> FactId:
        (row,) = self._one(
            """
            INSERT INTO fact (text, question, value, subjects, several, slot, change_id, by_hand)
            VALUES (:text, :question, :value, :subjects, :several, :slot, :change, :by_hand)
            RETURNING id
            """,
            {
                "text": _clean(claim.text),
                "question": _clean(claim.question),
                "value": _clean(claim.value),
                "subjects": json.dumps([_clean(name) for name in claim.subjects]),
                "several": claim.several,
                "slot": squashed(_clean(claim.question)),
                "change": work.change,
                "by_hand": by_hand,
            },
        )
        fact = FactId(row)
        for name in {squashed(_clean(name)) for name in claim.subjects}:
            self._all(
                "INSERT INTO fact_subject VALUES (:name, :fact)", {"name": name, "fact": fact}
            )
        self._all(
            "INSERT INTO fact_vector VALUES (:fact, :vector)",
            {"fact": fact, "vector": work.vectors[_indexed(claim)]},
        )
        return fact

    def _append(
        self,
        work: _Work,
        fact: FactId,
        kind: str,
        truth: bool | None,
        at: datetime,
        said: _Said,
        *,
        because: int | None = None,
        successor: FactId | None = None,
    ) -> int:
        """Add a line to the log; returns its id."""
        row = {
            "id": work.last_event + 1,
            "change_id": work.change,
            "edit": said.edit,
            "fact_id": fact,
            "kind": kind,
            "truth": None if truth is None else int(truth),
            "at": utc_text(at),
            "said_at": said.said_at,
            "recorded_at": work.recorded_at,
            "document_id": said.document,
            "passage_id": said.passage,
            "quote_digest": self._mark("quote", said.quote) if said.quote else None,
            "confidence": said.confidence,
            "because": because,
            "successor": successor,
            "held_id": said.held,
        }
        work.last_event += 1
        work.last_hash = chained(work.last_hash, row)
        self._all(
            """
            INSERT INTO event (id, change_id, edit, fact_id, kind, truth, at, said_at, recorded_at,
                document_id, passage_id, quote, quote_digest, confidence, because, successor,
                held_id, hash)
            VALUES (:id, :change_id, :edit, :fact_id, :kind, :truth, :at, :said_at, :recorded_at,
                :document_id, :passage_id, :quote, :quote_digest, :confidence, :because,
                :successor, :held_id, :hash)
            """,
            {**row, "quote": said.quote or None, "hash": work.last_hash},
        )
        self._enliven(work.last_event)
        work.touched.add(fact)
        return work.last_event

    # -- edits -----------------------------------------------------------------------

    def _write(
        self, work: _Work, edits: Iterable[tuple[Edit, _Said]], *, guarded: bool = True
    ) -> None:
        """Turn edits into facts and events, then derive what follows."""
        for edit, said in sorted(edits, key=lambda pair: _RANKS[type(pair[0])]):
            self._check_edit(edit, guarded=guarded)
            match edit:
                case Add():
                    self._write_add(work, edit, said)
                case Reinforce():
                    kind = "confirmed" if edit.confirms else "reinforced"
                    self._append(work, edit.fact, kind, True, edit.at, said)
                case MakeFalse():
                    self._append(work, edit.fact, "made_false", False, edit.at, said)
                case Rewrite():
                    self._write_rewrite(work, edit, said)
                case MarkUncertain():
                    because = self._latest_event(edit.because, work.change)
                    self._append(
                        work, edit.fact, "marked_uncertain", None, edit.at, said, because=because
                    )
        self._refresh(work.touched)

    def _write_add(self, work: _Work, edit: Add, said: _Said) -> None:
        fact, _ = self._make_true(work, edit.claim, edit.at, said)
        if edit.superseded_by is not None and edit.superseded_at is not None:
            because, known_at = self._start_event(edit.superseded_by, edit.superseded_at)
            self._append(
                work,
                fact,
                "rewritten",
                False,
                edit.superseded_at,
                replace(said, said_at=known_at, quote=None),
                because=because,
                successor=edit.superseded_by,
            )

    def _write_rewrite(self, work: _Work, edit: Rewrite, said: _Said) -> None:
        target = edit.claim if edit.successor is None else edit.successor
        if target is None:
            raise ValueError(f"the rewrite of fact {edit.fact} names no successor")
        successor, because = self._make_true(work, target, edit.at, said)
        change, known_at = self._one(
            "SELECT change_id, said_at FROM event WHERE id = :id", {"id": because}
        )
        if change != work.change:  # an earlier document said what ends this fact
            said = replace(said, said_at=known_at)
        self._append(
            work,
            edit.fact,
            "rewritten",
            False,
            edit.at,
            said,
            because=because,
            successor=successor,
        )

    def _make_true(
        self, work: _Work, target: Claim | FactId, at: datetime, said: _Said
    ) -> tuple[FactId, int]:
        """A fact that holds at that time, and the event that makes it so."""
        if isinstance(target, Claim):
            if target not in work.made:
                fact = work.made[target] = self._store_fact(work, target)
                return fact, self._append(work, fact, "added", True, at, said)
            target = work.made[target]
        holding = self._holding_event(target, at)
        if holding is None:
            holding = self._append(work, target, "reinforced", True, at, said)
        return target, holding

    def _check_edit(self, edit: Edit, *, guarded: bool) -> None:
        """The last line: every fact named is there, and none is the person's own."""
        for fact in _named(edit):
            if not self._exists(fact):
                raise NotKnown(f"Fact {fact} has gone since this was decided: import again.")
        if isinstance(edit, MakeFalse | Rewrite | MarkUncertain) and (
            guarded and self._is_protected(edit.fact)
        ):
            raise ValueError(f"fact {edit.fact} is pinned or written by hand: hold the edit")

    def _allowed(self, edit: Edit) -> Edit | None:
        """The edit without a claim that was forgotten: it may still end a fact."""
        match edit:
            case Add() if self.is_forgotten_claim(edit.claim):
                return None
            case Rewrite(claim=Claim() as claim) if self.is_forgotten_claim(claim):
                return MakeFalse(edit.fact, edit.at, edit.evidence, edit.confidence)
            case _:
                return edit

    def _exists(self, fact: FactId) -> bool:
        return bool(self._all("SELECT 1 FROM fact_state WHERE fact_id = :fact", {"fact": fact}))

    def _is_protected(self, fact: FactId) -> bool:
        return bool(
            self._all(
                """
                SELECT 1 FROM fact f JOIN fact_state s ON s.fact_id = f.id
                WHERE f.id = :fact AND (f.by_hand OR s.pinned)
                """,
                {"fact": fact},
            )
        )

    def _holding_event(self, fact: FactId, at: datetime) -> int | None:
        """The event by which a fact holds at a time; None if it does not."""
        rows = self._all(
            """
            SELECT e.id, e.truth FROM event e JOIN live_event l ON l.event_id = e.id
            WHERE e.fact_id = :fact AND e.at <= :at AND e.kind NOT IN ('pinned', 'unpinned')
            ORDER BY e.at DESC, e.id DESC LIMIT 1
            """,
            {"fact": fact, "at": utc_text(at)},
        )
        return rows[0][0] if rows and rows[0][1] else None

    def _start_event(self, fact: FactId, at: datetime) -> tuple[int, str]:
        """The event nearest to a time that made a fact true; when that was said."""
        row = self._one(
            """
            SELECT e.id, e.said_at FROM event e JOIN live_event l ON l.event_id = e.id
            WHERE e.fact_id = :fact AND e.truth = 1
            ORDER BY abs(julianday(e.at) - julianday(:at)), e.id LIMIT 1
            """,
            {"fact": fact, "at": utc_text(at)},
        )
        return row[0], row[1]

    def _latest_event(self, fact: FactId, change: ChangeId) -> int | None:
        """The newest event of a fact, one of this change set before any other."""
        rows = self._all(
            """
            SELECT e.id FROM event e JOIN live_event l ON l.event_id = e.id
            WHERE e.fact_id = :fact ORDER BY e.change_id = :change DESC, e.id DESC LIMIT 1
            """,
            {"fact": fact, "change": change},
        )
        return rows[0][0] if rows else None

    # -- derived tables --------------------------------------------------------------

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

    def _live_events(
        self, facts: Iterable[FactId] | None = None, as_of: datetime | None = None
    ) -> dict[FactId, list[Event]]:
        """Effective events by fact, of all facts or some; as of a time, those known by then.

        Pins are a person's present wish and hold at any time.
        """
        rows = self._all(
            """
            SELECT e.id, e.fact_id, e.kind, e.truth, e.at, iif(d.forgotten, NULL, d.id),
                iif(s.forgotten, NULL, s.id)
            FROM json_each(coalesce(:facts, (SELECT json_group_array(id) FROM fact))) wanted
            CROSS JOIN event e ON e.fact_id = wanted.value
            JOIN live_event l ON l.event_id = e.id
            JOIN fact f ON f.id = e.fact_id AND NOT f.forgotten
            LEFT JOIN document d ON d.id = e.document_id
            LEFT JOIN fact s ON s.id = e.successor
            WHERE :when IS NULL OR (e.at <= :when AND e.said_at <= :when)
               OR e.kind IN ('pinned', 'unpinned')
            """,
            {
                "facts": _listed(facts),
                "when": utc_text(as_of) if as_of else None,
            },
        )
        found: dict[FactId, list[Event]] = {}
        for id_, fact, kind, truth, at, document, successor in rows:
            truth = None if truth is None else bool(truth)
            event = Event(id_, fact, kind, truth, at, document, successor)
            found.setdefault(fact, []).append(event)
        return found

    def _derived_standings(
        self, facts: Iterable[FactId] | None = None, as_of: datetime | None = None
    ) -> dict[FactId, Standing]:
        """What the events say of each fact, without those that do not exist."""
        found = {}
        for fact, events in self._live_events(facts, as_of).items():
            if (now := standing(events)) is not None:
                found[fact] = now
        return found

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

    def _live_passages(self, documents: Iterable[DocumentId] | None = None) -> list[PassageId]:
        """Passages that may be found: of some documents, or all."""
        rows = self._ids(
            """
            SELECT p.id
            FROM json_each(coalesce(:documents, (SELECT json_group_array(id) FROM document))) wanted
            CROSS JOIN document d ON d.id = wanted.value AND NOT d.forgotten
            JOIN change_set c ON c.id = d.change_id AND c.undone_by IS NULL
            JOIN passage p ON p.document_id = d.id AND p.text <> :forgotten
            ORDER BY p.id
            """,
            {"documents": _listed(documents), "forgotten": FORGOTTEN},
        )
        return [PassageId(row) for row in rows]

    def _index_passage(self, passage: PassageId) -> None:
        speaker, text = self._one(
            "SELECT speaker, text FROM passage WHERE id = :passage", {"passage": passage}
        )
        self._all(
            "INSERT INTO passage_fts (rowid, text) VALUES (:passage, :text)",
            {"passage": passage, "text": _passage_text(speaker, text)},
        )
        self._all(
            """
            INSERT INTO passage_vec (id, vector)
            SELECT passage_id, vector FROM passage_vector WHERE passage_id = :passage
            """,
            {"passage": passage},
        )

    # -- a person's own changes ------------------------------------------------------

    def edit_fact(self, fact: FactId, claim: Claim, at: datetime, embed: Embed) -> ChangeSet:
        """Replace a fact's words by the person's own, true since `at`; a pin moves along.

        Raises:
            NotKnown: There is no such fact.
        """
        vectors = self._embedded([_indexed(claim)], embed)
        with self._writing():
            old = self.fact(fact)
            work = self._begin("edit", f"Edited fact {fact}", at, vectors)
            said = _Said(0, utc_text(at))
            new = self._store_fact(work, claim, by_hand=True)
            because = self._append(work, new, "added", True, at, said)
            self._append(work, fact, "edited", False, at, said, because=because, successor=new)
            if old.pinned:
                self._append(work, new, "pinned", None, at, replace(said, edit=1))
            self._refresh(work.touched)
        return self.change(work.change)

    def pin(self, fact: FactId, on: bool = True) -> ChangeSet:
        """Keep a fact from being changed by what is read, or let it go again."""
        with self._writing():
            self.fact(fact)
            kind, title = ("pin", "Pinned") if on else ("unpin", "Unpinned")
            work = self._begin(kind, f"{title} fact {fact}")
            said = _Said(0, work.recorded_at)
            event = "pinned" if on else "unpinned"
            self._append(work, fact, event, None, from_utc_text(work.recorded_at), said)
            self._refresh(work.touched)
        return self.change(work.change)

    def undo(self, change: ChangeId | None = None) -> ChangeSet:
        """Take a change set back, by default the newest, so that its effects never were.

        Raises:
            NotKnown: There is none, it is undone already, or it cannot be undone.
        """
        with self._writing():
            target = self._undoable(change)
            work = self._begin("undo", f"Undid change {target}", target=target)
            self._all(
                "UPDATE change_set SET undone_by = :undo WHERE id = :target",
                {"undo": work.change, "target": target},
            )
            self._rederive(target)
        return self.change(work.change)

    def _undoable(self, change: ChangeId | None) -> ChangeId:
        if change is None:
            rows = self._all(
                """
                SELECT id FROM change_set
                WHERE undone_by IS NULL AND kind NOT IN ('undo', 'redo', 'forget')
                ORDER BY id DESC LIMIT 1
                """
            )
            if not rows:
                raise NotKnown("There is nothing to undo.")
            return ChangeId(rows[0][0])
        kind, undone_by, target = self._change_row(change)
        if kind == "forget":
            raise NotKnown(f"Change {change} forgot something for good: it cannot be undone.")
        if kind in ("undo", "redo"):
            raise NotKnown(
                f"Change {change} is itself an {kind}: undo or redo change {target} instead."
                if kind == "undo"
                else f"Change {change} is itself a redo: undo change {target} instead."
            )
        if undone_by is not None:
            raise NotKnown(f"Change {change} is undone already: `memo redo` brings it back.")
        return change

    def redo(self, change: ChangeId | None = None) -> ChangeSet:
        """Bring an undone change set back, by default the one undone last.

        Raises:
            NotKnown: There is none, it is not undone, or what it did was done anew since.
        """
        with self._writing():
            target = self._redoable(change)
            work = self._begin("redo", f"Redid change {target}", target=target)
            self._all(
                "UPDATE change_set SET undone_by = NULL WHERE id = :target", {"target": target}
            )
            self._rederive(target)
        return self.change(work.change)

    def _redoable(self, change: ChangeId | None) -> ChangeId:
        if change is None:
            rows = self._all(
                "SELECT id FROM change_set WHERE undone_by IS NOT NULL ORDER BY undone_by DESC"
            )
            if not rows:
                raise NotKnown("There is nothing to redo.")
            change = ChangeId(rows[0][0])
        kind, undone_by, target = self._change_row(change)
        if kind == "undo":
            return self._redoable(ChangeId(target))
        if undone_by is None:
            raise NotKnown(f"Change {change} is not undone.")
        if self._imported_anew(change):
            raise NotKnown(
                f"The document of change {change} was imported anew since: nothing to redo."
            )
        if self._decided_anew(change):
            raise NotKnown(f"What change {change} decided was decided anew since: nothing to redo.")
        return change

    def _change_row(self, change: ChangeId) -> Row:
        rows = self._all(
            "SELECT kind, undone_by, target_id FROM change_set WHERE id = :change",
            {"change": change},
        )
        if not rows:
            raise NotKnown(f"There is no change {change}: `memo log` lists them.")
        return rows[0]

    def _imported_anew(self, change: ChangeId) -> bool:
        return bool(
            self._all(
                """
                SELECT 1 FROM document mine
                JOIN document other ON other.digest = mine.digest AND other.source = mine.source
                JOIN change_set c ON c.id = other.change_id
                WHERE mine.change_id = :change AND NOT mine.forgotten AND NOT other.forgotten
                  AND other.id <> mine.id AND c.undone_by IS NULL
                """,
                {"change": change},
            )
        )

    def _decided_anew(self, change: ChangeId) -> bool:
        return bool(
            self._all(
                """
                SELECT 1 FROM held_decision mine
                JOIN held_decision other ON other.held_id = mine.held_id
                JOIN change_set c ON c.id = other.change_id
                WHERE mine.change_id = :change AND other.change_id <> :change
                  AND c.undone_by IS NULL
                """,
                {"change": change},
            )
        )

    # -- review ----------------------------------------------------------------------

    def held(
        self, state: str = "open", change: ChangeId | None = None
    ) -> list[tuple[HeldId, ChangeId, Held]]:
        """Edits held back (by one change set): `open`, `accepted` or `rejected` ones."""
        rows = self._all(
            """
            SELECT h.id, h.change_id, h.edit, h.reason
            FROM held h JOIN change_set c ON c.id = h.change_id AND c.undone_by IS NULL
            LEFT JOIN (
                SELECT v.held_id, v.accepted FROM held_decision v
                JOIN change_set r ON r.id = v.change_id AND r.undone_by IS NULL
            ) decided ON decided.held_id = h.id
            WHERE h.edit IS NOT NULL AND h.change_id = coalesce(:change, h.change_id)
              AND :state = CASE decided.accepted
                  WHEN 1 THEN 'accepted' WHEN 0 THEN 'rejected' ELSE 'open' END
            ORDER BY h.id
            """,
            {"state": state, "change": change},
        )
        return [
            (HeldId(id_), ChangeId(held_by), Held(edit_of(edit), reason))
            for id_, held_by, edit, reason in rows
        ]

    def accept_held(self, ids: Sequence[HeldId], embed: Embed) -> ChangeSet:
        """Apply held edits as the person's decision, which pins do not stop.

        Raises:
            NotKnown: One of them does not wait for review, or its fact has gone.
        """
        edits = [held.edit for _, _, held in self._waiting(ids)]
        vectors = self._embedded([_indexed(claim) for claim in _claims(edits)], embed)
        with self._writing():
            work = self._begin("review", _decided("Accepted", ids), vectors=vectors)
            said = []
            for number, (id_, change, held) in enumerate(self._waiting(ids)):
                ground = self._ground(change)
                said.append((held.edit, _said(number, held.edit, ground, id_)))
                self._decide(id_, work.change, accepted=True)
            self._write(work, said, guarded=False)
        return self.change(work.change)

    def reject_held(self, ids: Sequence[HeldId]) -> ChangeSet:
        """Turn held edits down.

        Raises:
            NotKnown: One of them does not wait for review.
        """
        with self._writing():
            work = self._begin("review", _decided("Rejected", ids))
            for id_, _, _ in self._waiting(ids):
                self._decide(id_, work.change, accepted=False)
        return self.change(work.change)

    def _hold(self, change: ChangeId, held: Held) -> None:
        self._all(
            "INSERT INTO held (change_id, edit, reason) VALUES (:change, :edit, :reason)",
            {
                "change": change,
                "edit": _clean(edit_text(held.edit)),
                "reason": _clean(held.reason),
            },
        )

    def _waiting(self, ids: Sequence[HeldId]) -> list[tuple[HeldId, ChangeId, Held]]:
        waiting = {id_: (id_, change, held) for id_, change, held in self.held()}
        for id_ in ids:
            if id_ not in waiting:
                raise NotKnown(f"Item {id_} does not wait for review: `memo review` lists them.")
        return [waiting[id_] for id_ in dict.fromkeys(ids)]

    def _decide(self, held: HeldId, change: ChangeId, *, accepted: bool) -> None:
        self._all(
            "INSERT INTO held_decision VALUES (:held, :change, :accepted)",
            {"held": held, "change": change, "accepted": accepted},
        )

    def _ground(self, change: ChangeId) -> _Ground:
        document, at = self._one(
            "SELECT id, at FROM document WHERE change_id = :change", {"change": change}
        )
        passages = self._all(
            "SELECT id, at, text FROM passage WHERE document_id = :document ORDER BY ord",
            {"document": document},
        )
        return _Ground(document, at, [(PassageId(id_), when, text) for id_, when, text in passages])

    # -- reading facts ---------------------------------------------------------------

    def fact(self, fact: FactId, as_of: datetime | None = None) -> Fact:
        """One fact, as it stands now or stood then.

        Raises:
            NotKnown: There is none, or there was none then.
        """
        found = self.facts([fact], as_of)
        if not found:
            when = f" as of {utc_text(as_of)}" if as_of else ""
            raise NotKnown(f"There is no fact {fact}{when}: `memo facts` lists them.")
        return found[0]

    def facts(self, ids: Iterable[FactId], as_of: datetime | None = None) -> list[Fact]:
        """Those of the given facts that exist (then), in the given order.

        As of a time means: true from then or before, and said by then.
        """
        wanted = list(ids)
        with self._reading():
            standings = self._standings(wanted, as_of)
            replaces = self._replaces(wanted, as_of)
            rows = self._all(
                """
                SELECT id, text, question, value, subjects, several, by_hand
                FROM fact WHERE id IN (SELECT value FROM json_each(:ids))
                """,
                {"ids": json.dumps(list(standings))},
            )
        found = {row[0]: _fact(row, standings[row[0]], replaces.get(row[0])) for row in rows}
        return [found[id_] for id_ in wanted if id_ in found]

    def _standings(
        self, facts: Iterable[FactId] | None, as_of: datetime | None
    ) -> dict[FactId, Standing]:
        """State of facts that exist, all or some: stored for now, derived for then."""
        if as_of is not None:
            return self._derived_standings(facts, as_of)
        rows = self._all(
            """
            SELECT s.fact_id, s.state, s.since, s.until, s.pinned, s.document_id, s.replaced_by
            FROM json_each(coalesce(
                :facts, (SELECT json_group_array(fact_id) FROM fact_state))) wanted
            CROSS JOIN fact_state s ON s.fact_id = wanted.value
            """,
            {"facts": _listed(facts)},
        )
        return {
            FactId(fact): Standing(State(state), since, until, bool(pinned), document, by)
            for fact, state, since, until, pinned, document, by in rows
        }

    def _replaces(self, facts: list[FactId], as_of: datetime | None) -> dict[FactId, FactId]:
        """Of each fact that took another's place: whose, the latest of them."""
        candidates = self._ids(
            """
            SELECT DISTINCT e.fact_id FROM event e JOIN live_event l ON l.event_id = e.id
            WHERE e.successor IN (SELECT value FROM json_each(:facts))
            """,
            {"facts": json.dumps(facts)},
        )
        standings = self._standings([FactId(fact) for fact in candidates], as_of)
        ordered = sorted(standings.items(), key=lambda pair: (pair[1].until or "", pair[0]))
        return {now.replaced_by: fact for fact, now in ordered if now.replaced_by is not None}

    def list_facts(
        self,
        state: State | None = State.CURRENT,
        limit: int | None = None,
        as_of: datetime | None = None,
    ) -> list[Fact]:
        """Facts in one state, or all with None; those that began last come first."""
        with self._reading():
            if as_of is None:
                return self.facts(self._newest(state, limit))
            ordered = sorted(
                (
                    (now.since, fact)
                    for fact, now in self._derived_standings(as_of=as_of).items()
                    if state in (None, now.state)
                ),
                reverse=True,
            )
            return self.facts([fact for _, fact in ordered[:limit]], as_of)

    def _newest(self, state: State | None, limit: int | None) -> list[FactId]:
        rows = self._ids(
            """
            SELECT fact_id FROM fact_state WHERE :state IS NULL OR state = :state
            ORDER BY since DESC, fact_id DESC LIMIT :limit
            """,
            {"state": state and state.value, "limit": -1 if limit is None else limit},
        )
        return [FactId(row) for row in rows]

    def current_facts_about(self, names: Iterable[str]) -> list[Fact]:
        """Current facts with any of these subjects; case does not matter."""
        ids = self._ids(
            """
            SELECT DISTINCT s.fact_id
            FROM json_each(:names) wanted CROSS JOIN fact_subject s ON s.name = wanted.value
            CROSS JOIN fact_state now ON now.fact_id = s.fact_id AND now.state = 'current'
            ORDER BY s.fact_id
            """,
            {"names": json.dumps([squashed(_clean(name)) for name in names])},
        )
        return self.facts([FactId(id_) for id_ in ids])

    def facts_with_question(self, question: str) -> list[Fact]:
        """Facts in any state that answer this question, in the order in which they began."""
        ids = self._ids(
            """
            SELECT f.id FROM fact f JOIN fact_state now ON now.fact_id = f.id
            WHERE f.slot = :slot ORDER BY now.since, f.id
            """,
            {"slot": squashed(_clean(question))},
        )
        return self.facts([FactId(id_) for id_ in ids])

    def assertions(self, facts: Iterable[FactId]) -> list[tuple[datetime, FactId]]:
        """When each of some facts was said to hold, by event time, the earliest first.

        What a late document needs to find its place among competing facts.
        """
        events = [event for found in self._live_events(facts).values() for event in found]
        said = sorted((event.at, event.id, event.fact) for event in events if event.truth)
        return [(from_utc_text(at), fact) for at, _, fact in said]

    def history(self, fact: FactId) -> list[HistoryEntry]:
        """Everything that happened to a fact in the order in which it was recorded.

        What was undone is flagged, and so is an undoing that was redone.

        Raises:
            NotKnown: There is no such fact, or it was forgotten.
        """
        with self._reading():
            known = self._all(
                "SELECT text FROM fact WHERE id = :fact AND NOT forgotten", {"fact": fact}
            )
            if not known:
                raise NotKnown(f"There is no fact {fact}: `memo facts` lists them.")
            rows = self._all(
                """
                SELECT e.at, e.recorded_at, e.kind, e.truth, e.change_id, d.id, e.quote,
                    l.event_id IS NULL, e.id
                FROM event e LEFT JOIN live_event l ON l.event_id = e.id
                LEFT JOIN document d ON d.id = e.document_id AND NOT d.forgotten
                WHERE e.fact_id = :fact
                UNION ALL
                SELECT u.at, u.recorded_at, 'undone', NULL, u.id, NULL, NULL,
                    t.undone_by IS NOT u.id, 0
                FROM change_set u JOIN change_set t ON t.id = u.target_id
                WHERE u.kind = 'undo'
                  AND u.target_id IN (SELECT change_id FROM event WHERE fact_id = :fact)
                ORDER BY 5, 9
                """,
                {"fact": fact},
            )
        return [_history_entry(row, known[0][0]) for row in rows]

    # -- reading changes and documents -----------------------------------------------

    def change(self, change: ChangeId) -> ChangeSet:
        """All that one change set did, and which of its edits still wait for review.

        Raises:
            NotKnown: There is none.
        """
        with self._reading():
            rows = self._all(
                """
                SELECT c.id, c.kind, c.title, c.at, c.recorded_at, d.id, c.target_id, c.undone_by,
                    c.problems, c.calls, c.prompt_tokens, c.evaluated_tokens, c.completion_tokens,
                    c.elapsed_s
                FROM change_set c LEFT JOIN document d ON d.change_id = c.id AND NOT d.forgotten
                WHERE c.id = :change
                """,
                {"change": change},
            )
            if not rows:
                raise NotKnown(f"There is no change {change}: `memo log` lists them.")
            return replace(
                _change_set(rows[0]),
                edits=self._edits(change),
                held=tuple(
                    self._held_record(id_, held) for id_, _, held in self.held(change=change)
                ),
            )

    def _edits(self, change: ChangeId) -> tuple[EditRecord, ...]:
        rows = self._all(
            """
            SELECT e.edit, e.kind, e.fact_id, f.text, f.forgotten, e.successor, s.text, s.forgotten,
                b.fact_id, e.confidence, e.quote
            FROM event e JOIN fact f ON f.id = e.fact_id
            LEFT JOIN fact s ON s.id = e.successor LEFT JOIN event b ON b.id = e.because
            WHERE e.change_id = :change ORDER BY e.edit, e.id
            """,
            {"change": change},
        )
        return tuple(_edit_record(list(group)) for _, group in groupby(rows, lambda row: row[0]))

    def _held_record(self, id_: HeldId, held: Held) -> EditRecord:
        edit = held.edit
        record = EditRecord(
            edit.op, None, "", confidence=edit.confidence, item=id_, reason=held.reason
        )
        if isinstance(edit, Add):
            record = replace(record, text=edit.claim.text)
        else:
            record = replace(record, fact=edit.fact, text=self._text(edit.fact))
        if isinstance(edit, MarkUncertain):
            return replace(record, because=edit.because)
        if isinstance(edit, Rewrite):
            new = edit.claim.text if edit.claim else self._text(edit.successor)
            record = replace(record, new_fact=edit.successor, new_text=new)
        return replace(record, evidence=edit.evidence.quote if edit.evidence else None)

    def _text(self, fact: FactId | None) -> str:
        rows = self._all("SELECT text, forgotten FROM fact WHERE id = :fact", {"fact": fact})
        return rows[0][0] if rows and not rows[0][1] else FORGOTTEN

    def changes(self, limit: int | None = None) -> list[ChangeSet]:
        """Change sets, newest first."""
        with self._reading():
            ids = self._ids(
                "SELECT id FROM change_set ORDER BY id DESC LIMIT :limit",
                {"limit": -1 if limit is None else limit},
            )
            return [self.change(ChangeId(id_)) for id_ in ids]

    def documents(self) -> list[StoredDocument]:
        """What was read and neither undone nor forgotten, newest first."""
        rows = self._all(
            """
            SELECT d.id, d.source, d.title, d.at, d.recorded_at, d.change_id,
                (SELECT count(*) FROM passage p WHERE p.document_id = d.id),
                (SELECT count(*) FROM fact_state s WHERE s.document_id = d.id)
            FROM document d JOIN change_set c ON c.id = d.change_id
            WHERE c.undone_by IS NULL AND NOT d.forgotten
            ORDER BY d.at DESC, d.id DESC
            """
        )
        return [_document(row) for row in rows]

    def document(self, document: DocumentId) -> tuple[StoredDocument, list[Passage], ChangeSet]:
        """A document, its passages in order, and what it changed.

        Raises:
            NotKnown: There is none, or it was undone or forgotten.
        """
        with self._reading():
            for found in self.documents():
                if found.id == document:
                    ids = self._ids(
                        "SELECT id FROM passage WHERE document_id = :document ORDER BY ord",
                        {"document": document},
                    )
                    passages = self.passages([PassageId(id_) for id_ in ids])
                    return found, passages, self.change(found.change)
        raise NotKnown(f"There is no document {document}: `memo documents` lists them.")

    def passages(self, ids: Iterable[PassageId]) -> list[Passage]:
        """The given passages, without forgotten ones, in the given order."""
        wanted = list(ids)
        rows = self._all(
            """
            SELECT p.id, p.document_id, p.text, p.at, p.speaker
            FROM passage p JOIN document d ON d.id = p.document_id AND NOT d.forgotten
            WHERE p.id IN (SELECT value FROM json_each(:ids))
            """,
            {"ids": json.dumps(wanted)},
        )
        found = {row[0]: _passage(row) for row in rows}
        return [found[id_] for id_ in wanted if id_ in found]

    def counts(self) -> dict[str, int]:
        """How many facts in each state, documents, passages, events, changes, open items."""
        with self._reading():
            counts = {state.value: 0 for state in State}
            counts |= dict(self._all("SELECT state, count(*) FROM fact_state GROUP BY state"))
            counts["documents"] = len(self.documents())
            counts["passages"] = len(self._live_passages())
            counts["events"] = self._one("SELECT count(*) FROM event")[0]
            counts["changes"] = self._one("SELECT count(*) FROM change_set")[0]
            counts["held"] = len(self.held())
        return counts

    # -- search ----------------------------------------------------------------------

    def search_facts_by_vector(
        self,
        vector: Vectors,
        k: int,
        states: Collection[State] | None = None,
        as_of: datetime | None = None,
    ) -> list[tuple[FactId, float]]:
        """The k nearest facts with their cosine, of the `MOST_NEIGHBOURS` nearest in any state."""
        if self._embedder is None:
            return []
        wanted = _query_vector(vector, self._embedder)

        def nearest(count: int) -> list[Row]:
            return self._all(
                """
                SELECT id, 1 - distance FROM fact_vec
                WHERE vector MATCH :vector AND k = :k ORDER BY distance
                """,
                {"vector": wanted, "k": count},
            )

        return self._matching_facts(nearest, k, states, as_of)

    def search_facts_by_words(
        self,
        text: str,
        k: int,
        states: Collection[State] | None = None,
        as_of: datetime | None = None,
    ) -> list[tuple[FactId, float]]:
        """The k facts that share the most telling words with any text; more is better."""
        wanted = _keywords(text)

        def best(count: int) -> list[Row]:
            return self._all(
                """
                SELECT rowid, -rank FROM fact_fts
                WHERE fact_fts MATCH :words ORDER BY rank, rowid LIMIT :k
                """,
                {"words": wanted, "k": count},
            )

        return self._matching_facts(best, k, states, as_of) if wanted else []

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
            return [(FactId(id_), score) for id_, score in _widening(fetch, fits, k)]

    def search_passages_by_vector(
        self, vector: Vectors, k: int, as_of: datetime | None = None
    ) -> list[tuple[PassageId, float]]:
        """The k nearest passages (said by then) with their cosine."""
        if self._embedder is None:
            return []
        wanted = _query_vector(vector, self._embedder)

        def nearest(count: int) -> list[Row]:
            return self._all(
                """
                SELECT id, 1 - distance FROM passage_vec
                WHERE vector MATCH :vector AND k = :k ORDER BY distance
                """,
                {"vector": wanted, "k": count},
            )

        return self._matching_passages(nearest, k, as_of)

    def search_passages_by_words(
        self, text: str, k: int, as_of: datetime | None = None
    ) -> list[tuple[PassageId, float]]:
        """The k passages (said by then) that share the most telling words; more is better."""
        wanted = _keywords(text)

        def best(count: int) -> list[Row]:
            return self._all(
                """
                SELECT rowid, -rank FROM passage_fts
                WHERE passage_fts MATCH :words ORDER BY rank, rowid LIMIT :k
                """,
                {"words": wanted, "k": count},
            )

        return self._matching_passages(best, k, as_of) if wanted else []

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
            return [(PassageId(id_), score) for id_, score in _widening(fetch, fits, k)]

    # -- forgetting ------------------------------------------------------------------

    def forget_fact(self, fact: FactId) -> ChangeSet:
        """Leave no trace of a fact's words, nor of the sentences that they stand on.

        The wordings that a person edited into it go along. Neither the fact nor the
        messages come back with another import. It cannot be undone.

        Raises:
            NotKnown: There is no such fact.
            StoreBusy: Forgotten, but another reader keeps the file from being cleaned.
        """
        with self._writing():
            facts = self._wordings(fact)
            if not facts:
                raise NotKnown(f"There is no fact {fact}: `memo facts` lists them.")
            work = self._begin("forget", f"Forgot fact {fact}")
            for one in facts:
                self._strike(one)
            self._blank_facts(facts)
            self._wipe_indexes()
        self._truncate_log()
        return self.change(work.change)

    def forget_document(self, document: DocumentId) -> ChangeSet:
        """Leave no trace of a document, nor of facts that nothing else supports.

        What it made false stays past. It cannot be undone.

        Raises:
            NotKnown: There is no such document.
            StoreBusy: Forgotten, but another reader keeps the file from being cleaned.
        """
        ids = self._ids(
            "SELECT id FROM document WHERE id = :id AND NOT forgotten", {"id": document}
        )
        if not ids:
            raise NotKnown(f"There is no document {document}: `memo documents` lists them.")
        return self._forget_documents(ids, f"Forgot document {document}")

    def forget_source(self, source: str) -> ChangeSet:
        """Forget every document that came from one source, as `forget_document` does."""
        ids = self._ids(
            "SELECT id FROM document WHERE source = :source AND NOT forgotten",
            {"source": _clean(source)},
        )
        if not ids:
            raise NotKnown(f"Nothing came from {source!r}: `memo documents` names the sources.")
        return self._forget_documents(ids, f"Forgot {len(ids)} documents of one source")

    def _forget_documents(self, ids: list[int], title: str) -> ChangeSet:
        with self._writing():
            work = self._begin("forget", title)
            for document in ids:
                self._blank_document(DocumentId(document))
            self._blank_facts(self._unsupported(ids))
            self._refresh(self._facts_of(ids))
            self._wipe_indexes()
        self._truncate_log()
        return self.change(work.change)

    def _wordings(self, fact: FactId) -> list[FactId]:
        """A fact and what a person edited into it."""
        rows = self._ids(
            """
            WITH RECURSIVE wording (id) AS (
                SELECT :fact
                UNION SELECT e.fact_id FROM event e JOIN wording w ON e.successor = w.id
                WHERE e.kind = 'edited')
            SELECT f.id FROM wording w JOIN fact f ON f.id = w.id WHERE NOT f.forgotten
            """,
            {"fact": fact},
        )
        return [FactId(row) for row in rows] if fact in rows else []

    def _strike(self, fact: FactId) -> None:
        """Bury a fact, and strike the sentences that it stands on out of all passages."""
        text, question, value = self._one(
            "SELECT text, question, value FROM fact WHERE id = :fact", {"fact": fact}
        )
        for mark in self._claim_marks(Claim(text, question, value, ())):
            self._bury(mark)
        struck: set[str] = set()
        documents = set(
            self._ids(
                "SELECT document_id FROM event WHERE fact_id = :fact AND document_id NOT NULL",
                {"fact": fact},
            )
        )
        for passage, found in self._quotes(fact, (text, value)).items():
            struck |= self._redact(passage, found, documents)
        for sentence in struck:
            if sentence.count(" ") >= 3:  # fewer words may well be somebody else's
                for id_ in self._ids(
                    "SELECT id FROM passage WHERE instr(text, :sentence)", {"sentence": sentence}
                ):
                    self._redact(PassageId(id_), {sentence}, documents)
        words = {word for told in (value, *struck) for word in _telling(told)}
        for document in documents:
            self._strike_names(document, words)

    def _quotes(self, fact: FactId, words: tuple[str, ...]) -> dict[PassageId, set[str]]:
        """What a fact stands on, by passage: quotes; words where a document gave no quote."""
        rows = self._all(
            """
            SELECT document_id, passage_id, quote, quote_digest IS NOT NULL FROM event
            WHERE fact_id = :fact AND truth NOT NULL AND document_id NOT NULL
            """,
            {"fact": fact},
        )
        quotes: dict[PassageId, set[str]] = {}
        for _, passage, quote, _ in rows:
            if quote is not None:
                quotes.setdefault(passage, set()).add(quote)
        quoting = {document for document, _, _, quoted in rows if quoted}
        for document in {row[0] for row in rows} - quoting:
            for passage, text in self._all(
                "SELECT id, text FROM passage WHERE document_id = :document",
                {"document": document},
            ):
                if found := {word for word in words if mentions(text, word)}:
                    quotes.setdefault(passage, set()).update(found)
        return quotes

    def _redact(self, passage: PassageId, quotes: set[str], documents: set[int]) -> set[str]:
        """Strike sentences out of a passage and what was derived from it; returns them.

        The passage's document joins `documents`.
        """
        text, at, document, source = self._one(
            """
            SELECT p.text, p.at, p.document_id, d.source
            FROM passage p JOIN document d ON d.id = p.document_id WHERE p.id = :passage
            """,
            {"passage": passage},
        )
        left, struck = without_sentences(text, quotes)
        self._bury(self._message_mark(source, text, at))
        self._all(
            "UPDATE passage SET text = :left WHERE id = :passage",
            {"left": left, "passage": passage},
        )
        self._all("DELETE FROM passage_vector WHERE passage_id = :passage", {"passage": passage})
        self._all(
            """
            UPDATE event SET quote = NULL
            WHERE passage_id = :passage AND quote IS NOT NULL AND NOT instr(:left, quote)
            """,
            {"left": left, "passage": passage},
        )
        self._index_passages(document)
        documents.add(document)
        return set(struck)

    def _strike_names(self, document: int, words: set[str]) -> None:
        """Blank a title or key that shares a word with what was struck, as its beginning would."""
        title, key, change = self._one(
            "SELECT title, key, change_id FROM document WHERE id = :document",
            {"document": document},
        )
        if not words.isdisjoint(_telling(f"{title} {key}")):
            self._all(
                "UPDATE document SET title = :title, key = '' WHERE id = :document",
                {"title": FORGOTTEN, "document": document},
            )
            self._blank_change(change)
        self._all("UPDATE change_set SET problems = '[]' WHERE id = :change", {"change": change})

    def _blank_change(self, change: int) -> None:
        self._all(
            "UPDATE change_set SET title = :title, problems = '[]' WHERE id = :change",
            {"title": FORGOTTEN, "change": change},
        )

    def _blank_facts(self, facts: Sequence[FactId]) -> None:
        """Empty the rows of facts and of whatever held edit speaks of them."""
        claims = set()
        for fact in facts:
            (text,) = self._one("SELECT text FROM fact WHERE id = :fact", {"fact": fact})
            claims.add(squashed(text))
            for statement in (
                "DELETE FROM fact_subject WHERE fact_id = :fact",
                "DELETE FROM fact_vector WHERE fact_id = :fact",
                "UPDATE event SET quote = NULL WHERE fact_id = :fact",
                """
                UPDATE change_set SET problems = '[]'
                WHERE id IN (SELECT change_id FROM event WHERE fact_id = :fact)
                """,
                """
                UPDATE fact SET text = '', question = '', value = '', subjects = '[]', slot = '',
                    forgotten = 1 WHERE id = :fact
                """,
            ):
                self._all(statement, {"fact": fact})
        for held, change, edit in self._all(
            "SELECT id, change_id, edit FROM held WHERE edit IS NOT NULL"
        ):
            if self._speaks_of(edit_of(edit), ChangeId(change), set(facts), claims):
                self._all(
                    "UPDATE held SET edit = NULL, reason = '' WHERE id = :held", {"held": held}
                )
        followed = self._ids(
            """
            SELECT DISTINCT fact_id FROM event
            WHERE successor IN (SELECT value FROM json_each(:facts))
            """,
            {"facts": json.dumps(list(facts))},
        )
        self._refresh({*facts, *(FactId(fact) for fact in followed)})

    def _speaks_of(
        self, edit: Edit, change: ChangeId, facts: set[FactId], claims: set[str]
    ) -> bool:
        """Whether a held edit names or repeats what is being forgotten."""
        if any(squashed(claim.text) in claims for claim in _claims([edit])):
            return True
        if not facts.isdisjoint(_named(edit)):
            return True
        if isinstance(edit, MarkUncertain) or edit.evidence is None:
            return False
        texts = [text for _, _, text in self._ground(change).passages]
        return not any(edit.evidence.quote in text for text in texts)

    def _blank_document(self, document: DocumentId) -> None:
        """Empty a document, its passages and all that its change set says of them."""
        source, digest, change = self._one(
            "SELECT source, digest, change_id FROM document WHERE id = :document",
            {"document": document},
        )
        self._bury(self._document_mark(source, digest))
        for passage, text, at in self._all(
            "SELECT id, text, at FROM passage WHERE document_id = :document",
            {"document": document},
        ):
            self._bury(self._message_mark(source, text, at))
            self._all("DELETE FROM passage_vector WHERE passage_id = :id", {"id": passage})
        for statement in (
            """
            UPDATE passage SET text = :forgotten, speaker = NULL WHERE document_id = :document
            """,
            "UPDATE event SET quote = NULL WHERE document_id = :document",
            """
            UPDATE document SET source = '', key = '', title = '', digest = '', forgotten = 1
            WHERE id = :document
            """,
            """
            UPDATE held SET edit = NULL, reason = ''
            WHERE change_id = (SELECT change_id FROM document WHERE id = :document)
            """,
        ):
            self._all(statement, {"document": document, "forgotten": FORGOTTEN})
        self._blank_change(change)
        self._index_passages(document)

    def _facts_of(self, documents: list[int]) -> set[FactId]:
        """Facts of which these documents say anything."""
        rows = self._ids(
            """
            SELECT DISTINCT fact_id FROM event
            WHERE document_id IN (SELECT value FROM json_each(:documents))
            """,
            {"documents": json.dumps(documents)},
        )
        return {FactId(row) for row in rows}

    def _unsupported(self, documents: list[int]) -> list[FactId]:
        """Facts stated by these forgotten documents and, effectively, by nothing else."""
        rows = self._ids(
            """
            SELECT DISTINCT f.id FROM fact f JOIN event mine ON mine.fact_id = f.id
            WHERE mine.document_id IN (SELECT value FROM json_each(:documents))
              AND mine.truth = 1 AND NOT f.forgotten
              AND NOT EXISTS (
                  SELECT 1 FROM event e JOIN live_event l ON l.event_id = e.id
                  LEFT JOIN document d ON d.id = e.document_id
                  WHERE e.fact_id = f.id AND e.truth = 1 AND d.forgotten IS NOT 1)
            """,
            {"documents": json.dumps(documents)},
        )
        return [FactId(row) for row in rows]

    def _wipe_indexes(self) -> None:
        """Write the keyword indexes anew: a deleted term can stay behind where a page begins."""
        self._all("INSERT INTO fact_fts (fact_fts) VALUES ('rebuild')")
        self._all("INSERT INTO passage_fts (passage_fts) VALUES ('rebuild')")

    def _truncate_log(self) -> None:
        """Empty the write-ahead log, where pages keep what they held before."""
        if self._one("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
            raise StoreBusy(
                f"It is forgotten, but {self.path}-wal still holds the words while another "
                "program reads: close every other memo."
            )

    # -- upkeep ----------------------------------------------------------------------

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
                "held": [[*ids, edit_text(held.edit), held.reason] for *ids, held in self.held()],
                "fact_words": self._ids("SELECT rowid FROM fact_fts ORDER BY rowid"),
                "passage_words": self._ids("SELECT rowid FROM passage_fts ORDER BY rowid"),
                "fact_vectors": self._vector_ids("fact"),
                "passage_vectors": self._vector_ids("passage"),
            }
        return json.dumps(state, sort_keys=True, ensure_ascii=False, default=_utc)

    def _table(self, sql: str) -> list[list[object]]:
        return [list(row) for row in self._all(sql)]

    def _vector_ids(self, kind: str) -> list[int]:
        if self._embedder is None:
            return []
        statement = {
            "fact": "SELECT id FROM fact_vec ORDER BY id",
            "passage": "SELECT id FROM passage_vec ORDER BY id",
        }
        return self._ids(statement[kind])

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
        rows = self._all(
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
        rows = self._all(
            "SELECT id FROM document WHERE id NOT IN (SELECT document_id FROM passage)"
        )
        return problems + [f"Document {row[0]} has no passages" for row in rows]

    def _check_derived(self) -> list[str]:
        """What is derived equals what the events say."""
        expected = self._ids(
            """
            WITH RECURSIVE
            standing (id, because) AS (
                SELECT e.id, e.because FROM event e JOIN change_set c ON c.id = e.change_id
                LEFT JOIN held h ON h.id = e.held_id LEFT JOIN change_set o ON o.id = h.change_id
                WHERE c.undone_by IS NULL AND o.undone_by IS NULL),
            effective (id) AS (
                SELECT id FROM standing WHERE because IS NULL
                UNION SELECT s.id FROM standing s JOIN effective e ON s.because = e.id)
            SELECT id FROM effective
            """
        )
        problems = []
        if set(expected) != set(self._ids("SELECT event_id FROM live_event")):
            problems.append("Which events are effective is out of date")
        derived, stored = self._derived_standings(), self._standings(None, None)
        problems += [
            f"The state of fact {fact} is out of date"
            for fact in sorted(derived.keys() | stored.keys())
            if derived.get(fact) != stored.get(fact)
        ]
        return problems

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
        """The vector indexes hold the stored vectors of what may be found, and find them."""
        if self._embedder is None:
            return []
        facts = self._ids("SELECT fact_id FROM fact_state ORDER BY fact_id")
        vectors = {*self._ids("SELECT passage_id FROM passage_vector")}
        live = {
            "fact": facts,
            "passage": [id_ for id_ in self._live_passages() if id_ in vectors],
        }
        problems = [
            f"The vector index of {kind}s is out of date"
            for kind, ids in live.items()
            if ids != self._vector_ids(kind)
        ]
        for kind, statement in (
            (
                "fact",
                "SELECT i.id, i.vector, v.vector FROM fact_vec i JOIN fact_vector v"
                " ON v.fact_id = i.id ORDER BY i.id",
            ),
            (
                "passage",
                "SELECT i.id, i.vector, v.vector FROM passage_vec i JOIN passage_vector v"
                " ON v.passage_id = i.id ORDER BY i.id",
            ),
        ):
            rows = self._all(statement)
            problems += [
                f"The vector index holds another vector for {kind} {id_}"
                for id_, indexed, stored in rows
                if indexed != stored or not np.isfinite(np.frombuffer(stored, "<f4")).all()
            ]
            problems += [
                f"The vector index does not find {kind} {id_}"
                for id_, _, stored in rows[:: max(1, len(rows) // 16)]
                if not self._finds(kind, id_, stored)
            ]
        return problems

    def _finds(self, kind: str, id_: int, vector: bytes) -> bool:
        """Whether a search for a stored vector finds it or one as near."""
        statement = {
            "fact": "SELECT id, distance FROM fact_vec WHERE vector MATCH :vector AND k = 1",
            "passage": "SELECT id, distance FROM passage_vec WHERE vector MATCH :vector AND k = 1",
        }
        rows = self._all(statement[kind], {"vector": vector})
        return bool(rows) and (rows[0][0] == id_ or rows[0][1] is None or rows[0][1] < 1e-3)

    def rebuild(self) -> None:
        """Derive everything that is derived anew; what was said and done stays untouched."""
        with self._writing():
            self._script("DELETE FROM live_event; DELETE FROM fact_state;")
            for event in self._ids("SELECT id FROM event ORDER BY id"):
                self._enliven(event)
            for name in ("fact_fts", "passage_fts"):
                self._script(schema.FTS.format(name=name))
            if self._embedder is not None:
                self._new_vector_indexes(self._embedder)
            for fact, now in self._derived_standings().items():
                self._store_standing(fact, now)
                self._index_fact(fact)
            for passage in self._live_passages():
                self._index_passage(passage)

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
        vectors = _checked(texts, embed(texts), embedder) if texts else {}
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
            ("passage", id_, _passage_text(speaker, text)) for id_, speaker, text in passages
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
                if self._exists(FactId(id_)):
                    self._all("INSERT INTO fact_vec (id, vector) VALUES (:id, :vector)", row)
            else:
                self._all("INSERT INTO passage_vector VALUES (:id, :vector)", row)
                if id_ in live:
                    self._all("INSERT INTO passage_vec (id, vector) VALUES (:id, :vector)", row)
        return filled

    def backup(self, path: Path) -> None:
        """Write a whole, checked copy; it appears under its name only once it is safe.

        Raises:
            StoreError: The name is taken, or the copy could not be written or checked.
        """
        if path.exists():
            raise StoreError(f"{path} exists already: give another name.")
        unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            unfinished.unlink(missing_ok=True)
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            self._all("VACUUM INTO :path", {"path": str(unfinished)})
            with Store.open(unfinished, read_only=True) as copy:
                problems = copy.check()
            if problems:
                raise StoreDamaged(f"The copy {path} is not whole: {'; '.join(problems[:3])}")
            unfinished.rename(path)
            _sync(path.parent)
        except OSError as error:
            raise StoreError(f"{path} could not be written ({error.strerror}).") from error
        finally:
            unfinished.unlink(missing_ok=True)


# -- rows and texts ------------------------------------------------------------------


def _fact(row: Row, now: Standing, replaces: FactId | None) -> Fact:
    id_, text, question, value, subjects, several, by_hand = row
    return Fact(
        FactId(id_),
        Claim(text, question, value, tuple(json.loads(subjects)), bool(several)),
        now.state,
        from_utc_text(now.since),
        from_utc_text(now.until) if now.until else None,
        now.pinned,
        bool(by_hand),
        None if by_hand else now.document,
        now.replaced_by,
        replaces,
    )


def _passage(row: Row) -> Passage:
    id_, document, text, at, speaker = row
    return Passage(PassageId(id_), DocumentId(document), text, from_utc_text(at), speaker)


def _document(row: Row) -> StoredDocument:
    id_, source, title, at, recorded_at, change, messages, facts = row
    return StoredDocument(
        DocumentId(id_),
        source,
        title,
        from_utc_text(at),
        from_utc_text(recorded_at),
        ChangeId(change),
        messages,
        facts,
    )


def _change_set(row: Row) -> ChangeSet:
    id_, kind, title, at, recorded_at, document, target, undone_by, problems, *usage, elapsed = row
    return ChangeSet(
        ChangeId(id_),
        kind,
        title,
        from_utc_text(at),
        from_utc_text(recorded_at),
        document,
        target,
        undone_by is not None,
        problems=tuple(json.loads(problems)),
        usage=Usage(*usage),
        elapsed_s=elapsed,
    )


def _history_entry(row: Row, text: str) -> HistoryEntry:
    at, recorded_at, kind, truth, change, document, quote, undone, _ = row
    return HistoryEntry(
        from_utc_text(at),
        from_utc_text(recorded_at),
        kind,
        None if truth is None else bool(truth),
        text,
        ChangeId(change),
        document,
        quote,
        bool(undone),
    )


def _edit_record(rows: list[Row]) -> EditRecord:
    """The events that one edit left, as the edit: the fact that it names is the last one's."""
    _, kind, fact, text, forgotten, successor, new_text, new_forgotten, because, sure, quote = rows[
        -1
    ]
    text = FORGOTTEN if forgotten else text
    if kind == "rewritten" and rows[0][2] == fact and len(rows) > 1:  # added as old news
        return EditRecord("add", fact, text, confidence=sure, evidence=rows[0][-1])
    record = EditRecord(_OPS[kind], fact, text, confidence=sure, evidence=quote)
    if successor is not None:
        return replace(
            record, new_fact=successor, new_text=FORGOTTEN if new_forgotten else new_text
        )
    return replace(record, because=because)


def _said(number: int, edit: Edit, ground: _Ground, held: HeldId | None = None) -> _Said:
    """Where in a stored document an edit stands."""
    sure = None if edit.confidence is None else float(edit.confidence)
    evidence = None if isinstance(edit, MarkUncertain) else edit.evidence
    if evidence is None:
        return _Said(number, ground.at, ground.document, confidence=sure, held=held)
    passage, at, text = ground.passages[evidence.message]
    quote = None if text == FORGOTTEN else _clean(evidence.quote)
    return _Said(number, at, ground.document, passage, quote, sure, held)


def _claims(edits: Iterable[Edit]) -> list[Claim]:
    """The claims that edits would make facts of."""
    return [
        edit.claim for edit in edits if isinstance(edit, Add | Rewrite) and edit.claim is not None
    ]


def _named(edit: Edit) -> list[FactId]:
    """The stored facts that an edit names."""
    match edit:
        case Add():
            named = [edit.superseded_by]
        case Rewrite():
            named = [edit.fact, edit.successor]
        case MarkUncertain():
            named = [edit.fact, edit.because]
        case _:
            named = [edit.fact]
    return [fact for fact in named if fact is not None]


def _decided(verb: str, ids: Sequence[HeldId]) -> str:
    noun = "item" if len(ids) == 1 else "items"
    return f"{verb} {noun} {', '.join(str(id_) for id_ in ids)}"


def _listed(ids: Iterable[int] | None) -> str | None:
    """Ids as `json_each` reads them; None stands for all."""
    return None if ids is None else json.dumps(list(ids))


def _utc(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    raise TypeError(f"{type(value).__name__} is no part of a dump")


def _sync(folder: Path) -> None:
    """Make a new name in a folder outlast a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _clean(text: str) -> str:
    """Text that SQLite stores whole: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _indexed(claim: Claim) -> str:
    """What a fact is found by, in words and as a vector."""
    return _clean(f"{claim.question} {claim.text}")


def _passage_text(speaker: str | None, text: str) -> str:
    """What a passage is found by: the speaker is who "I" means."""
    return _clean(f"{speaker}: {text}" if speaker else text)


def _keywords(text: str) -> str:
    """An FTS5 query for any of a text's telling words; "" where there is no word at all."""
    return " OR ".join(f'"{word}"' for word in _telling(text)[:MOST_TERMS])


def _telling(text: str) -> list[str]:
    """The words of a text, without the commonest unless it has no other."""
    words = list(dict.fromkeys(re.findall(r"\w+", text.casefold())))
    return [word for word in words if word not in STOPWORDS] or words


def _checked(
    texts: Sequence[str], vectors: Vectors, embedder: EmbedderIdentity
) -> dict[str, bytes]:
    vectors = np.ascontiguousarray(vectors, dtype="<f4")
    if vectors.shape != (len(texts), embedder.dim):
        raise EmbedderMismatch(
            f"{embedder.name} gave vectors of shape {vectors.shape}, not "
            f"({len(texts)}, {embedder.dim}): run `memo doctor`."
        )
    if not np.isfinite(vectors).all():
        raise ModelError(f"{embedder.name} gave a vector that is not finite: run `memo doctor`.")
    return {text: vector.tobytes() for text, vector in zip(texts, vectors, strict=True)}


def _query_vector(vector: Vectors, embedder: EmbedderIdentity) -> bytes:
    return _checked([""], np.reshape(vector, (1, -1)), embedder)[""]


def _widening(
    fetch: Callable[[int], list[Row]], fits: Callable[[list[int]], set[int]], k: int
) -> list[tuple[int, float]]:
    """The best k rows that fit, asking for more until there are enough or no more."""
    count = min(k, MOST_NEIGHBOURS)
    while True:
        rows = [row for row in fetch(count) if row[1] is not None]
        good = fits([row[0] for row in rows])
        found = [(row[0], row[1]) for row in rows if row[0] in good]
        if len(found) >= k or len(rows) < count or count == MOST_NEIGHBOURS:
            return found[:k]
        count = min(count * 4, MOST_NEIGHBOURS)
