"""Memory: everything that a front end may call.

Opening one loads nothing. The chat model and the embedding model are loaded when a call first
needs them; a connection to the store lives for one call, in the thread that makes it. Whatever
takes long is a generator: closing it stops the work, and what was applied stays applied.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Unpack

from memo import answer as answering
from memo import extract, retrieve
from memo.asked import asked
from memo.conversations import Conversations
from memo.engines import INSTALLED, Engines
from memo.errors import (
    EmbedderMismatch,
    ModelError,
    ModelNotFound,
    StoreBusy,
    StoreReadOnly,
    UsageProblem,
)
from memo.events import FORGOTTEN
from memo.files import alone, shred
from memo.importers import Reading, Skipped, cut, read_all
from memo.importers.base import short_hash, storable
from memo.importers.shelf import Shelf
from memo.imports import (
    AlreadyKnown,
    Begun,
    Failed,
    Imported,
    ImportEvent,
    Stored,
    Storing,
    Summary,
    Tally,
    Told,
    parted,
    prospects,
)
from memo.intake import Run, store_all
from memo.keeping import backups, health, replacing, resetting
from memo.reader import Reader
from memo.records import ChangeId, Document, FactId, Message, State, utc_text
from memo.settings import private_folder
from memo.store import Store
from memo.trust import keys
from memo.trust.head import head_file, renew_head
from memo.trust.unlocking import Keyholder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from memo.answer import Question
    from memo.imports import Prospect
    from memo.keeping.health import Check
    from memo.lm import Embedder, LanguageModel
    from memo.records import (
        Answer,
        ChangeSet,
        DocumentId,
        EditRecord,
        Fact,
        HeldId,
        HistoryEntry,
        Passage,
        StoredDocument,
    )
    from memo.settings import Settings

__all__ = [
    "DOCUMENT_TOKENS",
    "AlreadyKnown",
    "Begun",
    "Failed",
    "ImportEvent",
    "Imported",
    "Memory",
    "Run",
    "Stored",
    "Storing",
    "Summary",
    "Told",
    "estimated_tokens",
    "note",
]

log = logging.getLogger(__name__)

DOCUMENT_TOKENS = 600
"""The most that one document may take, by `estimated_tokens`."""
FACTS_FOUND = 20
"""How many facts a search gives where nobody says how many."""
_TITLE_CHARACTERS = 60
_OF_LATE = 50  # change sets


_PIECES = re.compile(r"[A-Za-z]{1,4}|[0-9]|[^\sA-Za-z0-9]")


def estimated_tokens(text: str) -> int:
    """About how many tokens a text takes, rather too many than too few.

    Not the loaded model's own count: documents must be cut alike whichever model is in use, or
    a file would be imported again after a change of model.
    """
    pieces = _PIECES.findall(text)
    if text.isascii():
        return len(pieces)
    return len(pieces) + sum(
        max(len(piece.encode("utf-8", "replace")) - 2, 0) for piece in pieces if not piece.isascii()
    )


class Memory:
    """One person's memory: a store, and the models that read and answer.

    Any thread may call it; each call opens its own connection.
    """

    def __init__(
        self,
        settings: Settings,
        engines: Engines = INSTALLED,
        *,
        busy_timeout_ms: int = 5000,
        fence: str | None = None,
        holder: Keyholder | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare; nothing is opened or loaded yet.

        Args:
            settings: Where things are.
            engines: How the two models are loaded.
            busy_timeout_ms: How long to wait for another process's write.
            fence: The word around untrusted text in prompts, only for text that is known to be
                harmless and must read the same each time; None for a random one each call.
            holder: Has the key of an encrypted store; None for one that is given it by `unlock`.
            warn: Receives a sentence about what went wrong beside what was asked for.
        """
        self.settings = settings
        self.holder = holder or Keyholder(settings.store)
        self.backups = backups.Automatic(warn)
        self._engines = engines
        self._busy_timeout_ms = busy_timeout_ms
        self._fence = fence
        self._reader = Reader(self.language_model, self.embedder, self._store, fence)
        self.conversations = Conversations(self._store)
        self._loading = threading.Lock()
        self._lm: LanguageModel | None = None
        self._embedder: Embedder | None = None

    def choose(self, settings: Settings) -> None:
        """Go on with other choices; a model that is another now is loaded when next needed."""
        with self._loading:
            if (settings.model, settings.models) != (self.settings.model, self.settings.models):
                self._lm = None  # its process ends with the last call that still uses it
            if settings.embedder != self.settings.embedder:
                self._embedder = None
            self.settings = settings

    def language_model(self) -> LanguageModel:
        """The chat model, loaded at the first call.

        Raises:
            ModelError: There is none that can be used.
        """
        with self._loading:
            if self._lm is None:
                self._lm = self._engines.language_model(self.settings)
                log.info("loaded the chat model %s", self._lm.name)
            return self._lm

    def embedder(self) -> Embedder:
        """The embedding model, loaded at the first call.

        Raises:
            ModelError: There is none that can be used.
        """
        with self._loading:
            if self._embedder is None:
                self._embedder = self._engines.embedder(self.settings)
                log.info("loaded the embedding model %s", self._embedder.identity.name)
            return self._embedder

    @contextmanager
    def _store(self, embedder: Embedder | None = None) -> Iterator[Store]:
        with Store.open(
            self.settings.store,
            embedder=embedder.identity if embedder else None,
            key=self.holder.key(),
            busy_timeout_ms=self._busy_timeout_ms,
        ) as store:
            yield store
            self.backups.after(store)

    @contextmanager
    def _reading(self) -> Iterator[Store]:
        """Keep other processes from reading documents into this store, or replacing it.

        Raises:
            StoreBusy: One is at it.
            StoreReadOnly: The store or its folder cannot be written.
        """
        with self._store() as store:  # a store that cannot be used is told before any model loads
            if not store.writable:
                raise StoreReadOnly(f"{store.path} may not be written: check its permissions.")
            with self._locked():
                yield store

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = private_folder(self.settings.home) / "lock"
        busy = f"Another memo is reading documents into {self.settings.store}: wait for it."
        with ExitStack() as held:
            try:
                held.enter_context(alone(path, StoreBusy(busy)))
            except OSError as error:
                raise StoreReadOnly(f"{path} cannot be written: {error.strerror}.") from error
            yield

    # -- reading documents -----------------------------------------------------------

    def ingest(self, document: Document) -> ChangeSet | AlreadyKnown:
        """Read one document at once: nothing of it is stored before its edits are known.

        Raises:
            ContextOverflow: It is too long for the model.
            NotKnown: A fact that the plan names was forgotten meanwhile.
        """
        with self._reading() as store:
            known, new = parted(store, document)
            return known if new is None and known else self._reader.at_once(new or document)

    def ingest_all(
        self, documents: Iterable[Document | Skipped], *, newest_first: bool = False
    ) -> Generator[ImportEvent, None, None]:
        """Store all documents, then read them in the order of their times, or the newest first.

        The last event is the `Summary`.
        """
        started, tally, run = monotonic(), Tally(), Run()
        skipped: list[Skipped] = []
        with Shelf() as shelf:
            for found in documents:
                if isinstance(found, Skipped):
                    skipped.append(found)
                    yield found
                else:
                    shelf.put(found)
            with self._reading() as store:
                yield Storing(len(shelf))
                yield from tally.counting(store_all(store, self.embedder, shelf.by_time(), run))
                yield from tally.counting(
                    self._reader.read_all(store, run.records, newest_first=newest_first)
                )
        yield tally.summary(skipped, monotonic() - started)

    def resume(self, *, newest_first: bool = False) -> Generator[ImportEvent, None, None]:
        """Read whatever is stored and was not read yet; the last event is the `Summary`."""
        started, tally = monotonic(), Tally()
        with self._reading() as store:
            yield from tally.counting(
                self._reader.read_all(store, store.unread(), newest_first=newest_first)
            )
        yield tally.summary([], monotonic() - started)

    def store_some(self, documents: Iterable[Document], run: Run) -> list[Stored | AlreadyKnown]:
        """Store documents in the given order; `run` tells afterwards which are to be read."""
        with self._reading() as store:
            return list(store_all(store, self.embedder, documents, run))

    def read_one(self, id_: DocumentId, records: int) -> Imported | Failed:
        """Read one stored document that stands for so many records."""
        with self._reading() as store:
            return self._reader.outcome(store, id_, records)

    def unread(self) -> dict[DocumentId, int]:
        """What is stored and was not read yet, the oldest first, and how many records each is."""
        with self._store() as store:
            return store.unread()

    def import_paths(
        self,
        paths: Sequence[Path],
        *,
        format: str | None = None,
        newest_first: bool = False,
        **told: Unpack[Told],
    ) -> Generator[ImportEvent, None, None]:
        """Import files and folders; all are stored before the first document is read.

        Raises:
            ImporterError: A path does not exist or is in no one format.
        """
        documents = self.read_paths(paths, format=format, **told)
        yield from self.ingest_all(documents, newest_first=newest_first)

    def read_paths(
        self, paths: Sequence[Path], *, format: str | None = None, **told: Unpack[Told]
    ) -> Iterator[Document | Skipped]:
        """What `import_paths` would read, without a model or a store.

        Args:
            paths: Files, archives, or folders of them.
            format: An importer's name; None to recognise each file.
            told: What the person says about them.
        """
        if name := told.get("me"):
            told["me"] = storable(name).strip()
        return read_all(paths, Reading(estimated_tokens, DOCUMENT_TOKENS, **told), format)

    def known(self, documents: Iterable[Document]) -> list[bool]:
        """Whether nothing of each document is new: it is stored, or it was forgotten."""
        return [one.new is None for one in self.prospects(documents)]

    def prospects(self, documents: Iterable[Document]) -> Iterator[Prospect]:
        """What an import would do with each document."""
        with self._store() as store:
            yield from prospects(store, documents)

    def pace(self) -> float | None:
        """Seconds that reading one document took here of late; None where none was read."""
        taken = [c.elapsed_s for c in self.changes(_OF_LATE) if c.usage.calls and c.document]
        return sum(taken) / len(taken) if taken else None

    @contextmanager
    def _embedding(self) -> Iterator[tuple[Store, Embedder]]:
        embedder = self.embedder()
        with self._store(embedder) as store:
            yield store, embedder

    # -- answering -------------------------------------------------------------------

    def ask(self, question: Question) -> Generator[str | Answer, None, None]:
        """Pieces of text, then the `Answer`; closing the iterator stops the model.

        Raises:
            ModelError: There is no usable model.
        """
        question = replace(
            question,
            text=storable(question.text),
            choices=tuple(storable(choice) for choice in question.choices),
        )
        lm, embedder = self.language_model(), self.embedder()
        me, zone = self.settings.me, self.settings.zone

        def put(reading: Question) -> Iterator[str | Answer]:
            with self._store(embedder) as store:
                evidence = retrieve.evidence(store, embedder, reading.text, reading.as_of)
            return answering.answer(reading, evidence, lm, self._fence, zone, me)

        yield from asked(question, me, zone, put)

    # -- looking ---------------------------------------------------------------------

    def facts(
        self,
        query: str | None = None,
        *,
        state: State | None = State.CURRENT,
        as_of: datetime | None = None,
        limit: int | None = None,
    ) -> list[Fact]:
        """Facts by meaning and keyword, the best first; without a query the newest first.

        Args:
            query: Words to look for.
            state: None for facts in any state.
            as_of: Show what held, and was known, then.
            limit: None for all, or for `FACTS_FOUND` where there is a query.
        """
        if query is None:
            return list(self.each_fact(state=state, as_of=as_of, limit=limit))
        query = storable(query)
        states = None if state is None else {state}
        count = FACTS_FOUND if limit is None else limit
        if count < 1:
            return []
        embedder = self._embedder_of_vectors()
        with self._store(embedder) as store:
            rankings = [store.search_facts_by_words(query, count, states, as_of)]
            if embedder is not None:
                vector = embedder.embed([query])[0]
                rankings.append(store.search_facts_by_vector(vector, count, states, as_of))
            best = retrieve.fuse([fact for fact, _ in ranking] for ranking in rankings)
            return store.facts([FactId(fact) for fact in best][:count], as_of)

    def fact_ids(
        self,
        words: str = "",
        *,
        state: State | None = State.CURRENT,
        as_of: datetime | None = None,
        order: str = "newest",
    ) -> list[FactId]:
        """The facts of a list that is browsed, pinned ones first; the last word may be unfinished.

        Args:
            words: All of them must occur.
            state: None for facts in any state.
            as_of: What held, and was known, then.
            order: newest, oldest or a to z.
        """
        with self._store() as store:
            if as_of is None:
                return store.fact_ids(storable(words), state, order)
            return store.fact_ids_as_of(as_of, storable(words), state, order)

    def facts_by_id(self, ids: Sequence[FactId], as_of: datetime | None = None) -> list[Fact]:
        """Those of the given facts that exist (then), in the given order."""
        with self._store() as store:
            return store.facts(ids, as_of)

    def event_times(self) -> list[datetime]:
        """The times as of which what is known differs, the earliest first."""
        with self._store() as store:
            return store.event_times()

    def titles(self, documents: Sequence[DocumentId]) -> dict[DocumentId, str]:
        """What some documents are called."""
        with self._store() as store:
            return store.titles(documents)

    def waiting(self) -> int:
        """How many edits wait for the person's word."""
        with self._store() as store:
            return len(store.held())

    def change_ids(self) -> list[ChangeId]:
        """All change sets, newest first."""
        with self._store() as store:
            return store.change_ids()

    def changes_by_id(self, ids: Sequence[ChangeId]) -> list[ChangeSet]:
        """The given change sets."""
        with self._store() as store:
            return store.changes_by_id(ids)

    def each_fact(
        self,
        *,
        state: State | None = State.CURRENT,
        as_of: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Fact]:
        """What `facts` gives without a query, without holding all of it."""
        with self._store() as store:
            yield from store.each_fact(state, limit, as_of)

    def _embedder_of_vectors(self) -> Embedder | None:
        """The embedding model, if there is anything to compare with and a model at all."""
        with self._store() as store:
            if store.embedder_identity() is None:
                return None
        try:
            return self.embedder()
        except ModelNotFound:
            return None  # words alone find much already

    def history(self, fact: FactId) -> list[HistoryEntry]:
        """Everything that happened to a fact, oldest first.

        Raises:
            NotKnown: There is no such fact.
        """
        with self._store() as store:
            return store.history(fact)

    def changes(self, limit: int | None = None) -> list[ChangeSet]:
        """Change sets, newest first."""
        with self._store() as store:
            return store.changes(limit)

    def change(self, change: ChangeId) -> ChangeSet:
        """One change set.

        Raises:
            NotKnown: There is none.
        """
        with self._store() as store:
            return store.change(change)

    def documents(self) -> list[StoredDocument]:
        """What was read, newest first."""
        with self._store() as store:
            return store.documents()

    def document(self, document: DocumentId) -> tuple[StoredDocument, list[Passage], ChangeSet]:
        """A document, its passages, and what it changed.

        Raises:
            NotKnown: There is none.
        """
        with self._store() as store:
            return store.document(document)

    def review(self) -> list[tuple[ChangeId, EditRecord]]:
        """Edits that wait for the person's word, oldest first, with the change they came with."""
        with self._store() as store:
            changes = dict.fromkeys(change for _, change, _ in store.held())
            return [(change, record) for change in changes for record in store.change(change).held]

    def counts(self) -> dict[str, int]:
        """How many facts in each state, documents, passages, events, changes and held edits."""
        with self._store() as store:
            return store.counts()

    # -- the person's own changes ----------------------------------------------------

    def undo(self, change: ChangeId | None = None) -> ChangeSet:
        """Take a change set back, by default the newest.

        Raises:
            NotKnown: There is none that can be.
        """
        with self._store() as store:
            return store.undo(change)

    def undo_import(self, change: ChangeId | None = None) -> ChangeSet:
        """Take back everything that one import did, by default the newest.

        Raises:
            NotKnown: There is none that can be.
        """
        with self._store() as store:
            return store.undo_import(change)

    def redo(self, change: ChangeId | None = None) -> ChangeSet:
        """Bring an undone change set back, by default the one undone last.

        Raises:
            NotKnown: There is none that can be.
        """
        with self._store() as store:
            return store.redo(change)

    def accept(self, items: Sequence[HeldId]) -> ChangeSet:
        """Apply edits that were held back.

        Raises:
            NotKnown: One of them does not wait for review.
        """
        embedder = self.embedder()
        with self._store(embedder) as store:
            return store.accept_held(items, embedder.embed)

    def reject(self, items: Sequence[HeldId]) -> ChangeSet:
        """Turn down edits that were held back.

        Raises:
            NotKnown: One of them does not wait for review.
        """
        with self._store() as store:
            return store.reject_held(items)

    def edit(self, fact: FactId, text: str, at: datetime | None = None) -> ChangeSet:
        """Replace a fact by the person's own sentence, true since `at`, else since now.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: The sentence is blank, or the fact no longer holds.
        """
        if not (sentence := storable(text).strip()):
            raise UsageProblem("The new text is blank; write one sentence.")
        with self._store() as store:
            store.holding(fact, "edit")
        lm, embedder = self.language_model(), self.embedder()
        claim = extract.claim_of(sentence, lm)
        with self._store(embedder) as store:
            return store.edit_fact(fact, claim, at or _now(), embedder.embed)

    def merge(self, facts: Sequence[FactId], text: str) -> ChangeSet:
        """Put one sentence in the place of several facts; the model is asked about new words only.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: The sentence is blank, or the facts are not several that hold.
        """
        if not (sentence := storable(text).strip()):
            raise UsageProblem("The merged text is blank; write one sentence.")
        with self._store() as store:
            said = {fact.text: fact.claim for fact in map(store.fact, facts)}
        claim = said.get(sentence) or extract.claim_of(sentence, self.language_model())
        embedder = self.embedder()
        with self._store(embedder) as store:
            return store.merge_facts(facts, claim, embedder.embed)

    def pin(self, fact: FactId, on: bool = True) -> ChangeSet:
        """Keep a fact from being changed by what is read, or let it go again.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: It is to be kept and no longer holds.
        """
        with self._store() as store:
            return store.pin(fact, on)

    def forget_fact(self, fact: FactId) -> ChangeSet:
        """Leave no trace of a fact, nor of the sentences that it stands on.

        Raises:
            NotKnown: There is no such fact.
        """
        with self._store() as store:
            change = store.forget_fact(fact)
        self._heal()
        self._purge()
        return change

    def forget_document(self, document: DocumentId) -> ChangeSet:
        """Leave no trace of a document, nor of facts that nothing else supports.

        Raises:
            NotKnown: There is no such document.
        """
        with self._store() as store:
            change = store.forget_document(document)
        self._purge()
        return change

    def forget_source(self, source: str) -> ChangeSet:
        """Forget every document that came from one source.

        Raises:
            NotKnown: None did.
        """
        with self._store() as store:
            change = store.forget_source(source)
        self._purge()
        return change

    def _purge(self) -> None:
        """Take what was forgotten out of every copy that memo made."""
        with self._store() as store:
            self.backups.purge(store)

    def _heal(self) -> None:
        """Embed anew the passages that lost a sentence; `doctor --repair` does it otherwise."""
        try:
            embedder = self.embedder()
            with self._store(embedder) as store:
                store.embed_missing(embedder.embed)
        except (ModelError, EmbedderMismatch) as error:
            log.warning("passages stay without vectors: %s", type(error).__name__)

    # -- data in and out -------------------------------------------------------------

    def export_messages(self) -> Iterator[dict[str, str | int | bool]]:
        """Every message in the native import format, in time order of the documents.

        Each names its document, so that an import makes the same documents of them again.
        """
        for document, passages in self.export_documents():
            for number, passage in enumerate(passages):
                line: dict[str, str | int | bool] = {
                    "id": f"{document.id}.{number}",
                    "document": document.id,
                    "source": document.source,
                    "key": document.key,
                    "title": document.title,
                    "conversation": document.title or document.source,
                    "text": passage.text,
                    "at": utc_text(passage.at),
                }
                if passage.speaker:
                    line["speaker"] = passage.speaker
                if passage.context:
                    line["context"] = True
                yield line

    def export_documents(self) -> Iterator[tuple[StoredDocument, list[Passage]]]:
        """Every document, the oldest first, with its messages but for those forgotten."""
        with self._store() as store:
            for document in reversed(store.documents()):
                passages = store.passages_of(document.id)
                yield document, [one for one in passages if one.text != FORGOTTEN]

    def backup(self, path: Path) -> None:
        """Write a whole, checked copy of the store.

        Raises:
            StoreError: The name is taken, or the copy could not be written.
        """
        with self._store() as store:
            store.backup(path)

    def restore(self, backup: Path) -> Path | None:
        """Put a backup in the store's place; returns where the former store went.

        Raises:
            StoreError: The backup is damaged, or the place cannot be written.
            StoreLocked: It is encrypted, and nobody gives its passphrase.
            StoreBusy: Another memo is reading documents, or has the store open.
        """
        with self._locked():
            return replacing.restore(self.settings.store, backup, self.holder)

    def former_stores(self) -> list[Path]:
        """What repairs and restores kept aside; `forget` and `encrypt` take it away."""
        return backups.former_stores(self.settings.store)

    def reset_paths(self) -> list[Path]:
        """What `reset` would delete: all of the home, not models, nor backups made elsewhere."""
        return resetting.reset_paths(self.settings)

    def reset(self) -> list[Path]:
        """Delete everything that memo keeps of a person here; returns what was deleted.

        Raises:
            StoreBusy: Another memo is reading documents.
            StoreError: Something could not be deleted.
        """
        with self._locked():
            return resetting.reset(self.settings)

    # -- encryption ------------------------------------------------------------------

    def encrypt(self, passphrase: str) -> str:
        """Encrypt the store; returns the recovery code, which is kept nowhere.

        Raises:
            StoreError: It is encrypted already, is open elsewhere, or could not be written.
        """
        code = keys.new_code()
        with self._locked():
            replacing.encrypt(self.settings.store, self.holder, passphrase, code)
        return code

    def decrypt(self) -> None:
        """Write the store in plain.

        Raises:
            StoreError: It is not encrypted, is open elsewhere, or could not be written.
        """
        with self._locked():
            replacing.decrypt(self.settings.store, self.holder)

    # -- health ----------------------------------------------------------------------

    def doctor(self) -> Iterator[Check]:
        """Look at everything that memo stands on; changes nothing."""
        return health.examine(self.settings, self._looking, self.reset_paths())

    @contextmanager
    def _looking(self) -> Iterator[Store]:
        with Store.open(
            self.settings.store,
            key=self.holder.key(),
            read_only=True,
            busy_timeout_ms=self._busy_timeout_ms,
        ) as store:
            yield store

    def accept_loss(self) -> None:
        """Go on with a store that lost what was stored last."""
        with self._locked():
            head_file(self.settings.store).unlink(missing_ok=True)
        with self._store() as store:
            renew_head(store.path, store.head())

    def repair(self) -> Path:
        """Derive indexes and states anew and embed what has no vector; a backup comes first.

        Returns:
            The backup.

        Raises:
            StoreError: The backup could not be made: what is damaged is not touched.
            ModelError: There is no embedding model.
        """
        settings = self.settings
        backups.recover_key(settings.store)
        kept = backups.free_name(settings.store, "repair")
        with self._reading() as store:
            for left in backups.leftovers(settings.store):
                shred(left)
            store.keep(kept)
            store.rebuild()
            embedder = self.embedder()
            if store.embedder_identity() != embedder.identity:
                store.reembed(embedder.identity, embedder.embed)
            store.embed_missing(embedder.embed)
        return kept


def note(
    text: str, at: datetime | None = None, *, title: str = "", speaker: str | None = None
) -> list[Document]:
    """One note or message as documents: one, or several where it is long.

    Raises:
        UsageProblem: There is no text.
    """
    text = storable(text)
    speaker = storable(speaker).strip() if speaker else None
    if not text.strip():
        raise UsageProblem("There is no text to add; give some, or `-` to read it from a pipe.")
    when = at or _now()
    title = storable(title).strip() or _shortened(text.strip().split("\n")[0].strip())
    key = short_hash(speaker or "", text, utc_text(when))
    chunks = cut([Message(text.strip("\n"), when, speaker)], estimated_tokens, DOCUMENT_TOKENS)
    return [
        Document(
            source="note",
            key=f"{key}+{index}" if index else key,
            messages=chunk.messages,
            title=title,
            records=chunk.records,
        )
        for index, chunk in enumerate(chunks)
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _TITLE_CHARACTERS else text[: _TITLE_CHARACTERS - 1].rstrip() + "…"


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
