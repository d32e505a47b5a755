"""The first stage of an import: everything is stored, and can be found and cited at once.

The second stage, reading, takes a model and one document after another (`reader`).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from memo.imports import AlreadyKnown, Stored, parted, waits, without_forgotten
from memo.store.rows import passage_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from memo.lm import Embedder, Vectors
    from memo.records import ChangeId, Document, DocumentId
    from memo.store import Store
    from memo.store.rows import Embed

_PASSAGES = 128
"""How many passages are embedded, and then stored, at once."""
_AHEAD = 2
"""How many such batches are embedded, or being embedded, while one is stored."""


@dataclass(slots=True)
class Run:
    """What one run of an import is to read."""

    records: dict[DocumentId, int] = field(default_factory=dict)
    """Each stored document, and how many records of the files it stands for."""
    came_with: ChangeId | None = None
    """The import under which this run stores; None before its first document that is not read."""
    begun: bool = False
    """Whether that import began with this run; else it goes on."""


def store_all(
    store: Store, embedder: Callable[[], Embedder], documents: Iterable[Document], run: Run
) -> Generator[Stored | AlreadyKnown, None, None]:
    """Store what is new of documents; `run` learns which of them are to be read.

    A document that waits from a run that was stopped is read in this one, and is told as `Stored`
    again: the two are one import.

    Args:
        store: Where to.
        embedder: Gives the embedding model; only called where something is new.
        documents: In the order in which they are to be stored.
        run: Whose documents these are.
    """
    pool = ThreadPoolExecutor(1, "embed")
    ahead: deque[tuple[list[Document], Future[Embed]]] = deque()
    try:
        for batch, texts in _batches(store, documents):
            if texts:
                store.adopt(embedder().identity)
            ahead.append((batch, pool.submit(_embedding, embedder, texts)))
            if len(ahead) > _AHEAD:
                yield from _stored(store, *ahead.popleft(), run)
        while ahead:
            yield from _stored(store, *ahead.popleft(), run)
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(
    store: Store, documents: Iterable[Document]
) -> Iterator[tuple[list[Document], list[str]]]:
    """Some documents at a time, and the passages in them that seem to be new."""
    batch: list[Document] = []
    texts: dict[str, None] = {}
    for document in documents:
        batch.append(document)
        if (new := parted(store, document)[1]) is not None:
            texts |= dict.fromkeys(passage_texts(new))
        if max(len(batch), len(texts)) >= _PASSAGES:
            yield batch, list(texts)
            batch, texts = [], {}
    if batch:
        yield batch, list(texts)


def _embedding(embedder: Callable[[], Embedder], texts: Sequence[str]) -> Embed:
    """Embed texts now, for when their vectors are asked for."""
    vectors = embedder().embed(texts) if texts else ()
    made: dict[str, Vectors] = dict(zip(texts, vectors, strict=True))

    def embed(wanted: Sequence[str]) -> Vectors:
        if not made.keys() >= set(wanted):  # something was taken back since it was looked at
            return embedder().embed(wanted)
        return np.stack([made[text] for text in wanted])

    return embed


def _stored(
    store: Store, batch: list[Document], embed: Future[Embed], run: Run
) -> list[Stored | AlreadyKnown]:
    """Store a batch, all or nothing."""
    vectors = embed.result()
    with store.storing():
        return [event for one in batch for event in _put(store, one, vectors, run)]


def _put(
    store: Store, document: Document, embed: Embed, run: Run
) -> Iterator[Stored | AlreadyKnown]:
    known, new = parted(store, document)
    if known is not None:
        yield from _found(store, known, run)
    if new is None:
        return
    left = without_forgotten(store, new)
    if not left.messages:
        yield AlreadyKnown(new, ())
        return
    if run.came_with is None:
        run.came_with, run.begun = store.begin_import(), True
    run.records[store.put(left, run.came_with, embed)] = left.records
    yield Stored(left)


def _found(store: Store, known: AlreadyKnown, run: Run) -> Iterator[Stored | AlreadyKnown]:
    """What is to be told of something known: parts of it may be stored and wait to be read."""
    waiting = waits(store, known, run.records)
    if not waiting.documents:
        yield known
        return
    if read := known.document.records - waiting.records:
        held = tuple(one for one in known.held if one[0] not in waiting.documents)
        yield AlreadyKnown(replace(known.document, records=read), held)
    run.records |= dict.fromkeys(waiting.documents, 0)
    run.records[waiting.documents[0]] = waiting.records
    stopped = store.interrupted(waiting.documents)
    if run.came_with is None:
        run.came_with = stopped
    elif run.begun and stopped not in (None, run.came_with):
        store.join_imports(run.came_with, stopped)
    yield Stored(known.document)
