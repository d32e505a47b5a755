"""Conversations as front ends keep them: begun, gone on with, searched, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import storable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from memo.records import (
        Answer,
        ChangeId,
        Conversation,
        ConversationId,
        ExchangeId,
        KeptExchange,
    )
    from memo.store import Store


class Conversations:
    """Each call opens the store for itself, as those of `Memory` do."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Store]]) -> None:
        self._opened = opened

    def begin(
        self, said: str, conversation: ConversationId | None = None
    ) -> tuple[ConversationId, ExchangeId]:
        """Keep what the person said, in a new conversation where none is named, or it has gone."""
        with self._opened() as store:
            return store.begin_exchange(storable(said), conversation)

    def answered(
        self, exchange: ExchangeId, text: str, answer: Answer | None = None, note: str = ""
    ) -> None:
        """Keep what memo said, as far as it came; all goes where its sources were forgotten."""
        with self._opened() as store:
            store.keep_answer(exchange, text, answer, note)

    def remembered(self, exchange: ExchangeId, note: str, changes: Iterable[ChangeId] = ()) -> None:
        """Keep what became of what was told."""
        with self._opened() as store:
            store.keep_outcome(exchange, note, changes)

    def listed(self, words: str = "") -> list[Conversation]:
        """Those in which every word stands, the one spoken in last first."""
        with self._opened() as store:
            return store.conversations(words)

    def exchanges(self, conversation: ConversationId) -> list[KeptExchange]:
        """All of one, the first first.

        Raises:
            NotKnown: There is no such conversation.
        """
        with self._opened() as store:
            return store.exchanges(conversation)

    def delete(self, conversation: ConversationId) -> None:
        """Leave no trace of a conversation; what was told in it stays remembered.

        Raises:
            NotKnown: There is none.
        """
        with self._opened() as store:
            store.delete_conversation(conversation)
