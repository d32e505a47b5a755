"""Removing words for good: from documents, facts, events, indexes and free pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memo.errors import NotKnown
from memo.events import FORGOTTEN, edit_of, mentions, squashed, without_sentences
from memo.records import (
    ChangeId,
    ChangeSet,
    Claim,
    DocumentId,
    Edit,
    FactId,
    MarkUncertain,
    PassageId,
)
from memo.store.conversations import Conversations
from memo.store.rows import claims_of, clean, facts_named, telling

if TYPE_CHECKING:
    from collections.abc import Sequence


class Forgetting(Conversations):
    """What is forgotten leaves keyed marks by which an import of it is recognised."""

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
            words: set[str] = set()
            documents: set[int] = set()
            for one in facts:
                told, where = self._strike(one)
                words |= told
                documents |= where
            self._blank_facts(facts)
            self._wipe_indexes()
            self._strike_exchanges(facts, documents, words)
        self._wipe()
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
            {"source": clean(source)},
        )
        if not ids:
            raise NotKnown(f"Nothing came from {source!r}: `memo documents` names the sources.")
        return self._forget_documents(ids, f"Forgot {len(ids)} documents of one source")

    def _forget_documents(self, ids: list[int], title: str) -> ChangeSet:
        with self._writing():
            work = self._begin("forget", title)
            words = self._words_of(ids)
            for document in ids:
                self._blank_document(DocumentId(document))
            facts = self._unsupported(ids)
            words |= {word for fact in facts for word in self._told(fact)}
            self._blank_facts(facts)
            self._refresh(self._facts_of(ids))
            self._wipe_indexes()
            self._strike_exchanges(facts, ids, words)
        self._wipe()
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

    def _told(self, fact: FactId) -> tuple[str, str]:
        """A fact's sentence and its value."""
        text, value = self._one("SELECT text, value FROM fact WHERE id = :fact", {"fact": fact})
        return text, value

    def _words_of(self, documents: list[int]) -> set[str]:
        """All messages of these documents."""
        rows = self._all(
            """
            SELECT text FROM passage
            WHERE document_id IN (SELECT value FROM json_each(:documents))
            """,
            {"documents": json.dumps(documents)},
        )
        return {text for (text,) in rows}

    def _strike(self, fact: FactId) -> tuple[set[str], set[int]]:
        """Bury a fact, and strike the sentences that it stands on out of all passages.

        Returns:
            Its words with those sentences, and the documents that lost one.
        """
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
        words = {word for told in (value, *struck) for word in telling(told)}
        for document in documents:
            self._strike_names(document, words)
        return {text, value, *struck}, documents

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
        if not words.isdisjoint(telling(f"{title} {key}")):
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
        if any(squashed(claim.text) in claims for claim in claims_of([edit])):
            return True
        if not facts.isdisjoint(facts_named(edit)):
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
            "DELETE FROM unread WHERE document_id = :document",
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
