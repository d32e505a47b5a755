"""What is stored, and what was forgotten: facts, their histories, changes and documents."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from itertools import groupby
from sys import intern
from typing import TYPE_CHECKING

from memo.errors import NotKnown
from memo.events import FORGOTTEN, Event, Standing, edit_of, squashed, standing
from memo.records import (
    Add,
    ChangeId,
    ChangeSet,
    Claim,
    Document,
    DocumentId,
    EditRecord,
    Fact,
    FactId,
    Held,
    HeldId,
    HistoryEntry,
    MarkUncertain,
    Message,
    Passage,
    PassageId,
    Rewrite,
    State,
    StoredDocument,
    from_utc_text,
    utc_text,
)
from memo.store.connection import Connection
from memo.store.rows import (
    as_change_set,
    as_document,
    as_edit_record,
    as_fact,
    as_history_entry,
    as_passage,
    as_standing,
    clean,
    listed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime


_LATER_PIECE = re.compile(r"\+\d+$")
_EVER = "9999-12-31T23:59:59Z"
_CHUNK = 1000
"""Facts held at a time where there may be a million."""


def _chunks(ids: Sequence[FactId]) -> Iterator[Sequence[FactId]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


class Reading(Connection):
    """Everything that changes nothing."""

    def known(self, document: Document) -> DocumentId | None:
        """The stored document with the same source and the same words, unless undone."""
        rows = self._all(
            """
            SELECT d.id FROM document d JOIN change_set c ON c.id = d.change_id
            WHERE d.digest = :digest AND d.source = :source
              AND c.undone_by IS NULL AND NOT d.forgotten
            """,
            {"digest": document.digest, "source": clean(document.source)},
        )
        return DocumentId(rows[0][0]) if rows else None

    def known_messages(self, document: Document) -> dict[tuple[str, str], list[DocumentId]]:
        """Time and words of those of its messages that are stored of its conversation.

        Of a document that stands alone, what is stored under its own key. Where the same was said
        twice in a moment, it is there twice, each with its document.
        """
        start = document.thread or _LATER_PIECE.sub("", document.key)
        said = dict.fromkeys((utc_text(one.at), clean(one.text)) for one in document.messages)
        rows = self._all(
            """
            SELECT p.at, p.text, d.id
            FROM json_each(:said) w
            CROSS JOIN passage p ON p.at = w.value ->> 0
                AND length(p.text) = length(w.value ->> 1) AND p.text = w.value ->> 1
            CROSS JOIN document d ON d.id = p.document_id
            JOIN change_set c ON c.id = d.change_id
            WHERE d.source = :source AND d.key >= :start AND d.key < :end
              AND c.undone_by IS NULL AND NOT d.forgotten
            ORDER BY p.id
            """,
            {
                "source": clean(document.source),
                "start": clean(start),
                "end": clean(start) + ("\U0010ffff" if document.thread else ","),
                "said": json.dumps(list(said), ensure_ascii=False),
            },
        )
        known: dict[tuple[str, str], list[DocumentId]] = {}
        for at, text, id_ in rows:
            known.setdefault((at, text), []).append(DocumentId(id_))
        return known

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
        return self._mark("document", clean(source), digest)

    def _message_mark(self, source: str, text: str, at: str) -> str:
        """Without the time, except for a few words that anybody may say again."""
        words = squashed(clean(text))
        return self._mark("message", clean(source), words, at if words.count(" ") < 3 else "")

    def _claim_marks(self, claim: Claim) -> tuple[str, str]:
        return (
            self._mark("claim", squashed(clean(claim.text))),
            self._mark("slot", squashed(clean(claim.question)), squashed(clean(claim.value))),
        )

    def _buried(self, mark: str) -> bool:
        return bool(self._all("SELECT 1 FROM tombstone WHERE mark = :mark", {"mark": mark}))

    def _bury(self, mark: str) -> None:
        self._all("INSERT OR IGNORE INTO tombstone VALUES (:mark)", {"mark": mark})

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
        found = {row[0]: as_fact(row, standings[row[0]], replaces.get(row[0])) for row in rows}
        return [found[id_] for id_ in wanted if id_ in found]

    def _standings(
        self, facts: Iterable[FactId], as_of: datetime | None = None
    ) -> dict[FactId, Standing]:
        """How facts stand, or stood then, without those that do not or did not yet exist."""
        rows = self._all(
            """
            SELECT s.fact_id, s.settles <= :when, s.state, s.since, s.until, s.pinned,
                s.document_id, s.replaced_by
            FROM json_each(:facts) wanted CROSS JOIN fact_state s ON s.fact_id = wanted.value
            WHERE s.begins <= :when
            """,
            {"facts": listed(facts), "when": utc_text(as_of) if as_of else _EVER},
        )
        found = {
            FactId(fact): as_standing(standing) for fact, settled, *standing in rows if settled
        }
        unsettled = [FactId(fact) for fact, settled, *_ in rows if not settled]
        return found | self._derived_standings(unsettled, as_of) if unsettled else found

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
        return list(self.each_fact(state, limit, as_of))

    def each_fact(
        self,
        state: State | None = State.CURRENT,
        limit: int | None = None,
        as_of: datetime | None = None,
    ) -> Iterator[Fact]:
        """As `list_facts`, but some at a time, for those that are too many to hold."""
        with self._reading():
            ids = self._newest(state, limit) if as_of is None else self._then(state, limit, as_of)
            for some in _chunks(ids):
                yield from self.facts(some, as_of)

    def _then(self, state: State | None, limit: int | None, as_of: datetime) -> list[FactId]:
        """The facts in a state at a time; those that began last come first."""
        settled = """
            SELECT since, fact_id FROM fact_state
            WHERE state = :state AND since <= :when AND begins <= :when AND settles <= :when
            ORDER BY since DESC, fact_id DESC LIMIT :limit
        """
        bindings = {"when": utc_text(as_of), "limit": -1 if limit is None else limit}
        began: list[tuple[str, int]] = []
        for one in tuple(State) if state is None else (state,):
            began += self._all(settled, {**bindings, "state": one})
        unsettled = self._ids(
            "SELECT fact_id FROM fact_state WHERE begins <= :when AND settles > :when", bindings
        )
        for some in _chunks([FactId(id_) for id_ in unsettled]):
            began += (
                (intern(now.since), fact)
                for fact, now in self._derived_standings(some, as_of).items()
                if state in (None, now.state)
            )
        return [FactId(fact) for _, fact in sorted(began, reverse=True)[:limit]]

    def _newest(self, state: State | None, limit: int | None) -> list[FactId]:
        statement = (
            """
            SELECT fact_id FROM fact_state
            ORDER BY since DESC, fact_id DESC LIMIT :limit
            """
            if state is None
            else """
            SELECT fact_id FROM fact_state WHERE state = :state
            ORDER BY since DESC, fact_id DESC LIMIT :limit
            """
        )
        rows = self._ids(statement, {"state": state, "limit": -1 if limit is None else limit})
        return [FactId(row) for row in rows]

    def current_facts_about(self, names: Iterable[str], limit: int | None = None) -> list[Fact]:
        """Current facts with any of these subjects, the newest `limit` of each, the oldest first.

        Case does not matter.
        """
        ids: set[int] = set()
        for name in {squashed(clean(name)) for name in names}:
            ids |= set(
                self._ids(
                    """
                    SELECT s.fact_id FROM fact_subject s
                    CROSS JOIN fact_state now ON now.fact_id = s.fact_id AND now.state = 'current'
                    WHERE s.name = :name ORDER BY s.fact_id DESC LIMIT :limit
                    """,
                    {"name": name, "limit": -1 if limit is None else limit},
                )
            )
        return self.facts([FactId(id_) for id_ in sorted(ids)])

    def facts_with_question(self, question: str, limit: int | None = None) -> list[Fact]:
        """Facts in any state that answer this question, in the order in which they began.

        With a limit, those that were stored last.
        """
        ids = self._ids(
            """
            SELECT id FROM (
                SELECT f.id, now.since FROM fact f JOIN fact_state now ON now.fact_id = f.id
                WHERE f.slot = :slot ORDER BY f.id DESC LIMIT :limit)
            ORDER BY since, id
            """,
            {"slot": squashed(clean(question)), "limit": -1 if limit is None else limit},
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

        What was undone is flagged, and so are an undoing that was redone, and a redoing that was
        undone.

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
                WITH own AS (
                    SELECT id, undone_by FROM change_set
                    WHERE id IN (SELECT change_id FROM event WHERE fact_id = :fact))
                SELECT e.at, e.recorded_at, e.kind, e.truth, e.change_id, d.id, e.quote,
                    l.event_id IS NULL, e.id, n.id, iif(n.forgotten, :forgotten, n.text)
                FROM event e LEFT JOIN live_event l ON l.event_id = e.id
                LEFT JOIN document d ON d.id = e.document_id AND NOT d.forgotten
                LEFT JOIN fact n ON n.id = e.successor
                WHERE e.fact_id = :fact
                UNION ALL
                SELECT at, recorded_at, 'undone', NULL, id, NULL, NULL,
                    id NOT IN (SELECT undone_by FROM own WHERE undone_by NOT NULL), 0, NULL, NULL
                FROM change_set
                WHERE kind = 'undo' AND (target_id IN (SELECT id FROM own)
                  OR id IN (SELECT undone_by FROM own))
                UNION ALL
                SELECT r.at, r.recorded_at, 'redone', NULL, r.id, NULL, NULL,
                    ifnull(own.undone_by > r.id, 0), 0, NULL, NULL
                FROM change_set r JOIN own ON own.id = r.target_id WHERE r.kind = 'redo'
                ORDER BY 5, 9
                """,
                {"fact": fact, "forgotten": FORGOTTEN},
            )
        return [as_history_entry(row, known[0][0]) for row in rows]

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
                    AND c.id > 0
                WHERE c.id = :change
                """,
                {"change": change},
            )
            if not rows:
                raise NotKnown(f"There is no change {change}: `memo log` lists them.")
            return replace(
                as_change_set(rows[0]),
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
        return tuple(as_edit_record(list(group)) for _, group in groupby(rows, lambda row: row[0]))

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
                "SELECT id FROM change_set WHERE id > 0 ORDER BY id DESC LIMIT :limit",
                {"limit": -1 if limit is None else limit},
            )
            return [self.change(ChangeId(id_)) for id_ in ids]

    def documents(self) -> list[StoredDocument]:
        """What was read and neither undone nor forgotten, newest first."""
        return self._documents("ORDER BY d.at DESC, d.id DESC", {})

    def _documents(self, which: str, bindings: dict[str, object]) -> list[StoredDocument]:
        rows = self._all(
            f"""
            SELECT d.id, d.source, d.title, d.at, d.recorded_at, d.change_id,
                (SELECT count(*) FROM passage p WHERE p.document_id = d.id),
                (SELECT count(*) FROM fact_state s WHERE s.document_id = d.id), d.key,
                d.change_id < 0
            FROM document d JOIN change_set c ON c.id = d.change_id
            WHERE c.undone_by IS NULL AND NOT d.forgotten {which}
            """,  # noqa: S608 - an end of our own
            bindings,
        )
        return [as_document(row) for row in rows]

    def document(self, document: DocumentId) -> tuple[StoredDocument, list[Passage], ChangeSet]:
        """A document, its passages in order, and what it changed.

        Raises:
            NotKnown: There is none, or it was undone or forgotten.
        """
        with self._reading():
            known = self._documents("AND d.id = :document", {"document": document})
            if not known:
                raise NotKnown(f"There is no document {document}: `memo documents` lists them.")
            return known[0], self.passages_of(document), self.change(known[0].change)

    def passages_of(self, document: DocumentId) -> list[Passage]:
        """The passages of a document in its order."""
        ids = self._ids(
            "SELECT id FROM passage WHERE document_id = :document ORDER BY ord",
            {"document": document},
        )
        return self.passages([PassageId(id_) for id_ in ids])

    def passages(self, ids: Iterable[PassageId]) -> list[Passage]:
        """The given passages, without forgotten ones, in the given order."""
        wanted = list(ids)
        rows = self._all(
            """
            SELECT p.id, p.document_id, p.text, p.at, p.speaker, p.context
            FROM passage p JOIN document d ON d.id = p.document_id AND NOT d.forgotten
            WHERE p.id IN (SELECT value FROM json_each(:ids))
            """,
            {"ids": json.dumps(wanted)},
        )
        found = {row[0]: as_passage(row) for row in rows}
        return [found[id_] for id_ in wanted if id_ in found]

    def told_in(self, ids: Iterable[PassageId]) -> dict[PassageId, list[tuple[FactId, str]]]:
        """The facts of which these passages have said that they are so, each with the words."""
        rows = self._all(
            """
            SELECT DISTINCT e.passage_id, e.fact_id, coalesce(e.quote, '') FROM passage p
            JOIN event e ON e.document_id = p.document_id AND e.passage_id = p.id AND e.truth = 1
            JOIN live_event l ON l.event_id = e.id
            WHERE p.id IN (SELECT value FROM json_each(:ids)) ORDER BY 1, 2, 3
            """,
            {"ids": json.dumps(list(ids))},
        )
        told: dict[PassageId, list[tuple[FactId, str]]] = {}
        for passage, fact, quote in rows:
            told.setdefault(PassageId(passage), []).append((FactId(fact), quote))
        return told

    def counts(self) -> dict[str, int]:
        """How many there are of everything, facts by their state."""
        with self._reading():
            counts = {state.value: 0 for state in State}
            counts |= dict(self._all("SELECT state, count(*) FROM fact_state GROUP BY state"))
            counts["documents"] = self._one(
                """
                SELECT count(*) FROM document d JOIN change_set c ON c.id = d.change_id
                WHERE c.undone_by IS NULL AND NOT d.forgotten
                """
            )[0]
            counts["passages"] = len(self._live_passages())
            counts["events"] = self._one("SELECT count(*) FROM event")[0]
            counts["changes"] = self._one("SELECT count(*) FROM change_set WHERE id > 0")[0]
            counts["unread"] = self._one(
                """
                SELECT count(*) FROM unread u JOIN document d ON d.id = u.document_id
                JOIN change_set c ON c.id = d.change_id WHERE c.undone_by IS NULL
                """
            )[0]
            counts["held"] = len(self.held())
        return counts

    def held(
        self, state: str = "open", change: ChangeId | None = None
    ) -> list[tuple[HeldId, ChangeId, Held]]:
        """Edits held back (by one change set): `open`, `accepted` or `rejected` ones."""
        rows = self._all(
            f"""
            SELECT h.id, h.change_id, h.edit, h.reason
            FROM held h JOIN change_set c ON c.id = h.change_id AND c.undone_by IS NULL
            WHERE h.edit IS NOT NULL AND {"true" if change is None else "h.change_id = :change"}
              AND :state = ifnull((
                  SELECT iif(v.accepted, 'accepted', 'rejected') FROM held_decision v
                  JOIN change_set r ON r.id = v.change_id AND r.undone_by IS NULL
                  WHERE v.held_id = h.id), 'open')
            ORDER BY h.id
            """,  # noqa: S608 - a condition of our own
            {"state": state} | ({} if change is None else {"change": change}),
        )
        return [
            (HeldId(id_), ChangeId(held_by), Held(edit_of(edit), reason))
            for id_, held_by, edit, reason in rows
        ]

    # -- from the events -------------------------------------------------------------

    def _live_events(
        self, facts: Iterable[FactId], as_of: datetime | None = None
    ) -> dict[FactId, list[Event]]:
        """Effective events of some facts, by fact; as of a time, those known by then.

        Pins are a person's present wish and hold at any time.
        """
        rows = self._all(
            """
            SELECT e.id, e.fact_id, e.kind, e.truth, e.at, iif(d.forgotten, NULL, d.id),
                iif(s.forgotten, NULL, s.id)
            FROM json_each(:facts) wanted CROSS JOIN event e ON e.fact_id = wanted.value
            JOIN live_event l ON l.event_id = e.id
            JOIN fact f ON f.id = e.fact_id AND NOT f.forgotten
            LEFT JOIN document d ON d.id = e.document_id
            LEFT JOIN fact s ON s.id = e.successor
            WHERE :when IS NULL OR (e.at <= :when AND e.said_at <= :when)
               OR e.kind IN ('pinned', 'unpinned')
            """,
            {
                "facts": listed(facts),
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
        self, facts: Iterable[FactId], as_of: datetime | None = None
    ) -> dict[FactId, Standing]:
        """What the events say of each fact, without those that do not exist."""
        found = {}
        for fact, events in self._live_events(facts, as_of).items():
            if (now := standing(events)) is not None:
                found[fact] = now
        return found

    def _live_passages(self, documents: Iterable[DocumentId] | None = None) -> list[PassageId]:
        """Passages that may be found: of some documents, or all."""
        wanted = "json_each(:documents) w CROSS JOIN document d ON d.id = w.value"
        bindings: dict[str, object] = {"forgotten": FORGOTTEN}
        if documents is not None:
            bindings["documents"] = listed(documents)
        rows = self._ids(
            f"""
            SELECT p.id
            FROM {"document d" if documents is None else wanted}
            JOIN change_set c ON c.id = d.change_id AND c.undone_by IS NULL
            JOIN passage p ON p.document_id = d.id AND p.text <> :forgotten
            WHERE NOT d.forgotten ORDER BY p.id
            """,  # noqa: S608 - tables of our own
            bindings,
        )
        return [PassageId(row) for row in rows]

    def _exists(self, fact: FactId) -> bool:
        return bool(self._all("SELECT 1 FROM fact_state WHERE fact_id = :fact", {"fact": fact}))
