"""Change sets: a document's edits become events, all at once."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from memo.errors import NotKnown
from memo.events import FORGOTTEN, chained, edit_text, squashed
from memo.records import (
    Add,
    ChangeId,
    ChangeSet,
    Claim,
    Document,
    DocumentId,
    Edit,
    FactId,
    Held,
    MakeFalse,
    MarkUncertain,
    Message,
    PassageId,
    Plan,
    Reinforce,
    Rewrite,
    utc_text,
)
from memo.store.derived import Derived
from memo.store.rows import (
    RANKS,
    Ground,
    Said,
    Work,
    claims_of,
    clean,
    facts_named,
    indexed,
    passage_text,
    passage_texts,
    said_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memo.store.rows import Embed


class Changes(Derived):
    """One document, one transaction, one change set."""

    def apply(
        self, document: Document, plan: Plan, embed: Embed, first: ChangeId | None = None
    ) -> ChangeSet:
        """Store a document with all that it does to the facts, in one transaction.

        A document that is known already changes nothing: its change set is returned.
        Forgotten messages and claims are left out. A rewrite whose stored successor
        already holds at that time does not reinforce it. `first` is the first change of the
        import that the document belongs to; None where it begins one.

        Raises:
            NotKnown: The document was forgotten, or a fact that the plan names has gone
                since it was made.
            ValueError: The plan would retire a pinned or hand-written fact.
        """
        if (known := self._change_of(document)) is not None:
            return self.change(known)
        texts = passage_texts(document) + [indexed(claim) for claim in claims_of(plan.edits)]
        vectors = self._embedded(texts, embed)
        with self._writing():
            change = self._change_of(document)  # another process may have been quicker
            if change is None:
                change = self._apply(document, plan, vectors, first)
        return self.change(change)

    def _change_of(self, document: Document) -> ChangeId | None:
        known = self.known(document)
        if known is None:
            return None
        rows = self._all("SELECT change_id FROM document WHERE id = :id", {"id": known})
        return ChangeId(rows[0][0])

    def _apply(
        self,
        document: Document,
        plan: Plan,
        vectors: dict[str, bytes],
        first: ChangeId | None,
    ) -> ChangeId:
        work = self._begin("document", clean(document.title), document.at, vectors, plan)
        self._join(work.change, first or work.change)
        ground = self._store_document(work.change, work.recorded_at, document, vectors)
        self._settle(work, ground, plan)
        return work.change

    def _join(self, change: ChangeId, first: ChangeId) -> None:
        """Make a change set part of an import."""
        self._all(
            "UPDATE change_set SET import_id = :first WHERE id = :change",
            {"first": first, "change": change},
        )

    def _settle(self, work: Work, ground: Ground, plan: Plan) -> None:
        """Apply a plan to the facts, without what was forgotten since it was made."""
        allowed = [self._allowed(edit) for edit in plan.edits]
        self._write(
            work,
            [(edit, said_by(number, edit, ground)) for number, edit in enumerate(allowed) if edit],
        )
        for held in plan.held:
            if edit := self._allowed(held.edit):
                self._hold(work.change, Held(edit, held.reason))

    def _begin(
        self,
        kind: str,
        title: str,
        at: datetime | None = None,
        vectors: dict[str, bytes] | None = None,
        plan: Plan | None = None,
        target: ChangeId | None = None,
    ) -> Work:
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
                "problems": json.dumps([clean(line) for line in plan.problems]),
                **asdict(plan.usage),
            },
        )
        last = self._all("SELECT id, hash FROM event ORDER BY id DESC LIMIT 1") or [(0, "")]
        return Work(ChangeId(change), recorded_at, vectors or {}, *last[0])

    def _store_document(
        self, change: ChangeId, recorded_at: str, document: Document, vectors: dict[str, bytes]
    ) -> Ground:
        """Insert a document and its passages, one a message.

        Raises:
            NotKnown: It was forgotten.
        """
        if self.is_forgotten_document(document):
            raise NotKnown("This document was forgotten and is not stored again.")
        (row,) = self._one(
            """
            INSERT INTO document (source, key, title, digest, at, recorded_at, change_id)
            VALUES (:source, :key, :title, :digest, :at, :recorded_at, :change) RETURNING id
            """,
            {
                "source": clean(document.source),
                "key": clean(document.key),
                "title": clean(document.title),
                "digest": document.digest,
                "at": utc_text(document.at),
                "recorded_at": recorded_at,
                "change": change,
            },
        )
        ground = Ground(DocumentId(row), utc_text(document.at), [])
        for number, message in enumerate(document.messages):
            known_again = self.is_forgotten_message(document.source, message)
            text = FORGOTTEN if known_again else clean(message.text)
            passage = self._store_passage(ground.document, number, message, text)
            ground.passages.append((passage, utc_text(message.at), text))
            if text != FORGOTTEN:
                vector = vectors[passage_text(message.speaker, message.text)]
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
            INSERT INTO passage (document_id, ord, speaker, at, text, context)
            VALUES (:document, :ord, :speaker, :at, :text, :context) RETURNING id
            """,
            {
                "document": document,
                "ord": number,
                "speaker": None if message.speaker is None else clean(message.speaker),
                "at": utc_text(message.at),
                "text": text,
                "context": message.context,
            },
        )
        return PassageId(row)

    def _store_fact(self, work: Work, claim: Claim, *, by_hand: bool = False) -> FactId:
        (row,) = self._one(
            """
            INSERT INTO fact (text, question, value, subjects, several, slot, change_id, by_hand)
            VALUES (:text, :question, :value, :subjects, :several, :slot, :change, :by_hand)
            RETURNING id
            """,
            {
                "text": clean(claim.text),
                "question": clean(claim.question),
                "value": clean(claim.value),
                "subjects": json.dumps([clean(name) for name in claim.subjects]),
                "several": claim.several,
                "slot": squashed(clean(claim.question)),
                "change": work.change,
                "by_hand": by_hand,
            },
        )
        fact = FactId(row)
        for name in {squashed(clean(name)) for name in claim.subjects}:
            self._all(
                "INSERT INTO fact_subject VALUES (:name, :fact)", {"name": name, "fact": fact}
            )
        self._all(
            "INSERT INTO fact_vector VALUES (:fact, :vector)",
            {"fact": fact, "vector": work.vectors[indexed(claim)]},
        )
        return fact

    def _append(
        self,
        work: Work,
        fact: FactId,
        kind: str,
        truth: bool | None,
        at: datetime,
        said: Said,
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

    def _write(
        self, work: Work, edits: Iterable[tuple[Edit, Said]], *, guarded: bool = True
    ) -> None:
        """Turn edits into facts and events, then derive what follows."""
        for edit, said in sorted(edits, key=lambda pair: RANKS[type(pair[0])]):
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

    def _write_add(self, work: Work, edit: Add, said: Said) -> None:
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

    def _write_rewrite(self, work: Work, edit: Rewrite, said: Said) -> None:
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
        self, work: Work, target: Claim | FactId, at: datetime, said: Said
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
        """The last line: facts named are there, none is the person's own, chances are chances."""
        if edit.confidence is not None and not 0 <= edit.confidence <= 1:
            raise ValueError(f"an edit is {edit.confidence} sure: the model's file may be damaged")
        for fact in facts_named(edit):
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

    def _ground(self, change: ChangeId) -> Ground:
        """The document of a change set."""
        document, at = self._one(
            "SELECT id, at FROM document WHERE change_id = :change", {"change": change}
        )
        passages = self._all(
            "SELECT id, at, text FROM passage WHERE document_id = :document ORDER BY ord",
            {"document": document},
        )
        return Ground(document, at, [(PassageId(id_), when, text) for id_, when, text in passages])

    def _hold(self, change: ChangeId, held: Held) -> None:
        self._all(
            "INSERT INTO held (change_id, edit, reason) VALUES (:change, :edit, :reason)",
            {
                "change": change,
                "edit": clean(edit_text(held.edit)),
                "reason": clean(held.reason),
            },
        )
