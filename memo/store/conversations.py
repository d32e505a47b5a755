"""Conversations: what a person said and what memo answered, kept to go on with.

They are a record beside the facts. What was told in them lives on as documents, so an exchange
that touches anything forgotten goes as a whole.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from memo.errors import NotKnown, StoreBusy, StoreError
from memo.events import mentions, sentences
from memo.records import (
    ChangeId,
    CitedFact,
    CitedPassage,
    Conversation,
    ConversationId,
    ExchangeId,
    FactId,
    KeptExchange,
    PassageId,
    from_utc_text,
    utc_text,
)
from memo.store.decisions import Decisions
from memo.store.rows import STOPWORDS, clean, telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memo.records import Answer

_TITLE_CHARACTERS = 80
_TELLING_LETTERS = 3
"""Of a word that can give something away by itself."""
_SENTENCE_SPACES = 3  # as `forgetting`: fewer words may well be somebody else's


class Conversations(Decisions):
    """Kept until the person deletes them, or forgets what they speak of."""

    def begin_exchange(
        self, said: str, conversation: ConversationId | None = None
    ) -> tuple[ConversationId, ExchangeId]:
        """Keep what the person said, in a new conversation where none is named, or it has gone."""
        now = utc_text(self._clock())
        with self._writing():
            if conversation is None or not self._all(
                "SELECT 1 FROM conversation WHERE id = :id", {"id": conversation}
            ):
                (row,) = self._one(
                    "INSERT INTO conversation (begun_at) VALUES (:now) RETURNING id", {"now": now}
                )
                conversation = ConversationId(row)
            (row,) = self._one(
                """
                INSERT INTO exchange (conversation_id, at, said)
                VALUES (:conversation, :now, :said) RETURNING id
                """,
                {"conversation": conversation, "now": now, "said": clean(said)},
            )
        return conversation, ExchangeId(row)

    def keep_answer(
        self, exchange: ExchangeId, text: str, answer: Answer | None = None, note: str = ""
    ) -> None:
        """Keep what memo said to it; where what that rests on was forgotten meanwhile, all goes.

        Args:
            exchange: Nothing is kept where it has gone.
            text: As far as it was said.
            answer: With what it rests on; None where it was stopped.
            note: What stands under it.
        """
        cited = answer.facts if answer else ()
        quoted = answer.passages if answer else ()
        with self._writing():
            facts = self.facts([one.fact.id for one in cited])
            passages = self.passages([one.passage.id for one in quoted])
            whole = len(facts) == len(cited) and [one.text for one in passages] == [
                one.passage.text for one in quoted
            ]
            if not whole:
                self._all("DELETE FROM exchange WHERE id = :id", {"id": exchange})
            if not self._all(
                "UPDATE exchange SET answer = :text, note = :note WHERE id = :id RETURNING id",
                {"text": clean(text), "note": note, "id": exchange},
            ):
                return
            self._all("DELETE FROM exchange_source WHERE exchange_id = :id", {"id": exchange})
            for n, fact, passage in [
                *((one.n, one.fact.id, None) for one in cited),
                *((one.n, None, one.passage.id) for one in quoted),
            ]:
                self._all(
                    "INSERT INTO exchange_source VALUES (:exchange, :n, :fact, :passage)",
                    {"exchange": exchange, "n": n, "fact": fact, "passage": passage},
                )

    def keep_outcome(
        self, exchange: ExchangeId, note: str, changes: Iterable[ChangeId] = ()
    ) -> None:
        """Keep what became of what was told in it."""
        with self._writing():
            if self._all(
                "UPDATE exchange SET note = :note WHERE id = :id RETURNING id",
                {"note": note, "id": exchange},
            ):
                self._many(
                    "INSERT OR IGNORE INTO exchange_change VALUES (:exchange, :change)",
                    [{"exchange": exchange, "change": change} for change in changes],
                )

    def conversations(self, words: str = "") -> list[Conversation]:
        """Those in which every word stands, the one spoken in last first."""
        wanted = words.casefold().split()
        rows = self._all(
            """
            SELECT c.id, c.begun_at, e.at, e.said, e.answer
            FROM conversation c JOIN exchange e ON e.conversation_id = c.id ORDER BY e.id
            """
        )
        spoken: dict[int, list[tuple[str, str, str, str]]] = {}
        for id_, *exchange in rows:  # times are of seconds, and a clock may go back: rows do not
            exchanges = spoken.pop(id_, [])
            exchanges.append(tuple(exchange))
            spoken[id_] = exchanges
        found = []
        for id_, exchanges in spoken.items():
            text = "\n".join(f"{said}\n{answer}" for *_, said, answer in exchanges).casefold()
            if all(word in text for word in wanted):
                begun, _, said, _ = exchanges[0]
                title = said.strip().split("\n")[0][:_TITLE_CHARACTERS]
                last = from_utc_text(exchanges[-1][1])
                found.append(
                    Conversation(
                        ConversationId(id_), title, from_utc_text(begun), last, len(exchanges)
                    )
                )
        return found[::-1]

    def exchanges(self, conversation: ConversationId) -> list[KeptExchange]:
        """All of one, the first first, with their sources as these stand today.

        Raises:
            NotKnown: There is no such conversation.
        """
        with self._reading():
            rows = self._all(
                """
                SELECT id, at, said, answer, note FROM exchange
                WHERE conversation_id = :id ORDER BY id
                """,
                {"id": conversation},
            )
            if not rows:
                raise NotKnown(f"There is no conversation {conversation}.")
            return [
                KeptExchange(
                    ExchangeId(id_),
                    from_utc_text(at),
                    said,
                    answer,
                    note,
                    *self._sources(id_),
                    tuple(self.change(ChangeId(change)) for change in self._changes_of(id_)),
                )
                for id_, at, said, answer, note in rows
            ]

    def _sources(self, exchange: int) -> tuple[tuple[CitedFact, ...], tuple[CitedPassage, ...]]:
        rows = self._all(
            "SELECT n, fact_id, passage_id FROM exchange_source WHERE exchange_id = :id ORDER BY n",
            {"id": exchange},
        )
        numbers = {(fact, passage): n for n, fact, passage in rows}
        facts = self.facts(FactId(fact) for _, fact, _ in rows if fact is not None)
        passages = self.passages(PassageId(one) for *_, one in rows if one is not None)
        return (
            tuple(CitedFact(numbers[one.id, None], one, 0.0) for one in facts),
            tuple(CitedPassage(numbers[None, one.id], one, 0.0) for one in passages),
        )

    def _changes_of(self, exchange: int) -> list[int]:
        return self._ids(
            "SELECT change_id FROM exchange_change WHERE exchange_id = :id ORDER BY change_id",
            {"id": exchange},
        )

    def delete_conversation(self, conversation: ConversationId) -> None:
        """Leave no trace of a conversation; what was told in it stays remembered.

        Raises:
            NotKnown: There is none.
            StoreBusy: Deleted, but another reader keeps the file from being cleaned.
        """
        with self._writing():
            if not self._all(
                "DELETE FROM conversation WHERE id = :id RETURNING id", {"id": conversation}
            ):
                raise NotKnown(f"There is no conversation {conversation}.")
        self._wipe()

    def _wipe(self) -> None:
        """Write the file anew, and empty the write-ahead log, where pages keep what they held.

        `secure_delete` zeroes what is deleted, but not what SQLite copies between pages of a tree
        when it balances them: the old cells stay in the room that is free then.

        Raises:
            StoreError: There is no room for it.
            StoreBusy: Another program reads or writes.
        """
        try:
            self._all("VACUUM")
        except StoreError as error:
            raise type(error)(
                f"It is gone, but {self.path} could not be written anew, and may still hold the "
                f"words in free room: make room, close every other memo, and forget it again or "
                f"anything else. {error}"
            ) from error
        if self._one("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
            raise StoreBusy(
                f"It is gone, but {self.path}-wal still holds the words while another "
                "program reads: close every other memo."
            )

    # -- forgetting ------------------------------------------------------------------

    def _strike_exchanges(
        self, facts: Iterable[FactId], documents: Iterable[int], words: Iterable[str]
    ) -> None:
        """Delete what speaks of something forgotten; the indexes no longer hold that by now.

        These are the exchanges that cite it or told it, and those in which its words stand: a
        value, a sentence, or a word that is now nowhere else in the store.

        Args:
            facts: Forgotten.
            documents: Forgotten, or with a sentence struck out.
            words: Texts and values of the facts, and what was struck out of the documents.
        """
        struck = set(
            self._ids(
                """
                SELECT exchange_id FROM exchange_source s
                LEFT JOIN passage p ON p.id = s.passage_id
                WHERE s.fact_id IN (SELECT value FROM json_each(:facts))
                   OR p.document_id IN (SELECT value FROM json_each(:documents))
                UNION
                SELECT x.exchange_id FROM exchange_change x
                LEFT JOIN document d ON d.change_id = x.change_id
                LEFT JOIN event e ON e.change_id = x.change_id
                WHERE d.id IN (SELECT value FROM json_each(:documents))
                   OR e.fact_id IN (SELECT value FROM json_each(:facts))
                """,
                {"facts": json.dumps(list(facts)), "documents": json.dumps(list(documents))},
            )
        )
        kept = {
            id_: f"{said}\n{answer}"
            for id_, said, answer in self._all("SELECT id, said, answer FROM exchange")
            if id_ not in struck
        }
        if kept:
            struck |= self._speaking_of(kept, set(words))
        for exchange in struck:
            self._all("DELETE FROM exchange WHERE id = :id", {"id": exchange})
        self._all("DELETE FROM conversation WHERE id NOT IN (SELECT conversation_id FROM exchange)")

    def _speaking_of(self, kept: dict[int, str], words: set[str]) -> set[int]:
        """The exchanges in which these words stand."""
        phrases = {word for word in words if _gives_away(word)}
        phrases |= {
            one for word in words for one in sentences(word) if one.count(" ") >= _SENTENCE_SPACES
        }
        tokens = {id_: set(re.findall(r"\w+", text.casefold())) for id_, text in kept.items()}
        spoken = set().union(*tokens.values())
        gone = {
            word
            for word in spoken & {one for text in words for one in telling(text)}
            if not any(self._occurs(table, f'"{word}"') for table in ("fact_fts", "passage_fts"))
        }
        return {
            id_
            for id_, text in kept.items()
            if tokens[id_] & gone or any(mentions(text, phrase) for phrase in phrases)
        }


def _gives_away(value: str) -> bool:
    """Whether a text says something where it stands alone, as "6" or "yes" do not."""
    words = re.findall(r"\w+", value.casefold())
    return any(len(word) >= _TELLING_LETTERS and word not in STOPWORDS for word in words)
