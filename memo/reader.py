"""The second stage of an import: stored documents are read, and what they say is applied."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from memo import erase, retrieve, voices
from memo.errors import ContextOverflow, ModelCrashed, NotKnown
from memo.importers.cards import stated
from memo.imports import Begun, Failed, Imported, without_forgotten
from memo.records import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from memo.lm import Embedder, LanguageModel
    from memo.records import Candidates, ChangeSet, Claim, Document, DocumentId
    from memo.store import Store

log = logging.getLogger(__name__)


class Reader:
    """Reads one stored document after another; what fails waits for another time."""

    def __init__(
        self,
        language_model: Callable[[], LanguageModel],
        embedder: Callable[[], Embedder],
        opened: Callable[[Embedder], AbstractContextManager[Store]],
        fence: str | None,
    ) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            language_model: Gives the chat model; only called for what needs one.
            embedder: Gives the embedding model.
            opened: Opens the store for writing.
            fence: As of `Memory`.
        """
        self._language_model, self._embedder, self._opened = language_model, embedder, opened
        self._fence = fence
        self._crashed = False
        """Whether the model's process ended in the document read last."""

    def read_all(
        self, store: Store, records: Mapping[DocumentId, int], *, newest_first: bool
    ) -> Generator[Begun | Imported | Failed, None, None]:
        """Read those of the documents that wait, in the order of their times.

        Args:
            store: Where they are.
            records: Documents, and how many records each stands for.
            newest_first: The other way round; event times decide what holds all the same.

        Raises:
            ModelError: There is no usable model, or it crashed twice in a row.
        """
        ids = list(store.unread(records))
        yield Begun(len(ids))
        self._crashed = False
        for id_ in reversed(ids) if newest_first else ids:
            yield self.outcome(store, id_, records[id_])

    def outcome(self, store: Store, id_: DocumentId, records: int) -> Imported | Failed:
        """Read one stored document that stands for so many records, and tell what became of it.

        Raises:
            ModelError: As of `read_all`.
        """
        document = replace(store.unread_document(id_), records=records)
        try:
            change = self.read(store, id_)
        except ModelCrashed as error:
            if self._crashed:  # no one document's fault: the next would fare no better
                raise
            self._crashed = True
            reason = str(error)
        except (ContextOverflow, NotKnown, ValueError) as error:
            # Too long for the model, or a fact was forgotten or pinned while the model ran.
            log.warning("document %d failed: %s", id_, type(error).__name__)
            reason = str(error)
        else:
            self._crashed = False
            return Imported(document, change)
        store.put_off(id_)
        return Failed(document, reason)

    def read(self, store: Store, id_: DocumentId) -> ChangeSet:
        """Plan what a stored document changes, with the model, then apply it at once.

        Raises:
            ContextOverflow: It is too long for the model.
            NotKnown: It was taken back, or a fact that the plan names forgotten, meanwhile.
        """
        if not store.unread([id_]):
            raise NotKnown(f"Document {id_} was taken back or read meanwhile.")
        document = store.unread_document(id_)
        embedder = self._embedder()
        with self._opened(embedder) as writing:
            plan = self._plan(document, writing, embedder)
            change = writing.complete(id_, document, plan, embedder.embed)
        return _noted(change, plan)

    def at_once(self, document: Document) -> ChangeSet:
        """Plan what a document changes that is not stored, then store and apply it at once.

        Raises:
            As of `read`.
        """
        embedder = self._embedder()
        with self._opened(embedder) as store:
            document = without_forgotten(store, document)
            plan = self._plan(document, store, embedder)
            change = store.apply(document, plan, embedder.embed)
        return _noted(change, plan)

    def _plan(self, document: Document, store: Store, embedder: Embedder) -> Plan:
        """What a document changes; no model is asked where nobody's claims are in it."""
        if claims := stated(document):
            return voices.stated(replace(document, claims=claims), store.facts_with_question)
        claiming, places = voices.claiming(document)
        if not places:
            return Plan()

        def find(document: Document, claims: Sequence[Claim]) -> Candidates:
            return retrieve.candidates(store, embedder, document, claims)

        plan = erase.plan_edits(claiming, find, self._language_model(), embedder, self._fence)
        return voices.moved(plan, places)


def _noted(change: ChangeSet, plan: Plan) -> ChangeSet:
    log.info(
        "change %d: %d edits, %d held, %d problems, %d calls, %.1f s",
        change.id,
        len(plan.edits),
        len(plan.held),
        len(plan.problems),
        plan.usage.calls,
        plan.elapsed_s,
    )
    return change
