"""The methods that are compared: each reads chunks and answers questions with the same model.

`rag` and `full` keep what was said, `fact-rag` what memo extracts from it, `erase` is memo as
shipped. `erase-reference`, the published algorithm, is in `published`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from memo import answer as answering
from memo import extract, prompts
from memo.engines import Engines
from memo.errors import ContextOverflow
from memo.eval.score import Reply
from memo.importers import cut
from memo.memory import DOCUMENT_TOKENS, AlreadyKnown, Memory, estimated_tokens
from memo.records import (
    Answer,
    Claim,
    Document,
    Fact,
    FactId,
    State,
    Usage,
    from_utc_text,
    utc_text,
)
from memo.settings import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from memo.eval.cases import Asked, Chunk
    from memo.lm import Embedder, LanguageModel, Prompt
    from memo.records import ChangeSet, Passage
    from memo.settings import Settings

PASSAGE_TOKENS = 200
PASSAGES = 4
"""How many passages `rag` shows: 800 tokens at most, more than memo shows of facts and passages."""
FENCE = "notes"
"""Around the notes of generated data, so that a run can be repeated exactly."""
NOTHING = Usage()
_RETIRING = {"make_false", "rewrite"}


@dataclass(frozen=True, slots=True)
class Read:
    """What reading one chunk came to."""

    usage: Usage = NOTHING
    elapsed_s: float = 0.0
    kept: Any = None
    """JSON from which the method can go on after a stop; None where it needs none."""
    believed: tuple[str, ...] = ()
    """Facts that were current before the chunk."""
    retired: tuple[str, ...] = ()
    """Those of them that it made false or rewrote."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, and what it took."""

    reply: Reply
    usage: Usage = NOTHING
    elapsed_s: float = 0.0
    fits: bool = True
    """False where the method's prompt did not fit the model's context: no reply was made."""


class Method(Protocol):
    """One memory from its beginning on."""

    def read(self, chunk: Chunk) -> Read:
        """Take in what was said."""
        ...

    def restore(self, chunk: Chunk, kept: Any) -> None:
        """Be as after reading a chunk of which `read` gave `kept`, without the model."""
        ...

    def answer(self, asked: Asked, at: datetime) -> Answered:
        """Answer as things stand."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What methods are made from."""

    lm: LanguageModel
    embedder: Embedder
    settings: Settings
    """Of the person; the methods' own homes differ."""
    folder: Path
    """Where a method may keep a home of its own."""


@dataclass(frozen=True, slots=True)
class Note:
    """A numbered line of what a question is answered from."""

    at: datetime
    text: str

    def line(self, n: int) -> str:
        """As answers' prompts show passages."""
        return f'[{n}] {self.at:%Y-%m-%d} "{self.text}"'


class Rag:
    """Passages of what was said, the nearest to a question shown with their dates."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._notes: list[Note] = []
        self._vectors = np.zeros((0, tools.embedder.identity.dim), np.float32)

    def read(self, chunk: Chunk) -> Read:
        """Cut it into passages; no model reads them."""
        started = time.monotonic()
        self.restore(chunk, None)
        return Read(elapsed_s=time.monotonic() - started)

    def restore(self, chunk: Chunk, kept: Any) -> None:
        """The same as reading it."""
        notes = passages(chunk, self._tools.lm, PASSAGE_TOKENS)
        vectors = self._tools.embedder.embed([note.text for note in notes])
        self._notes += notes
        self._vectors = np.concatenate([self._vectors, vectors])

    def answer(self, asked: Asked, at: datetime) -> Answered:
        """From the nearest passages, the oldest of them first."""
        nearest = _nearest(self._tools.embedder, asked.text, self._vectors, PASSAGES)
        notes = sorted((self._notes[n] for n in nearest), key=lambda note: note.at)
        return from_notes(notes, asked, at, self._tools.lm)


class Full:
    """Everything that was said, wherever it fits the model's context."""

    def __init__(self, tools: Tools) -> None:
        self._lm = tools.lm
        self._notes: list[Note] = []

    def read(self, chunk: Chunk) -> Read:
        """Keep it."""
        self.restore(chunk, None)
        return Read()

    def restore(self, chunk: Chunk, kept: Any) -> None:
        """The same as reading it."""
        self._notes += passages(chunk, self._lm, PASSAGE_TOKENS)

    def answer(self, asked: Asked, at: datetime) -> Answered:
        """From all of it."""
        try:
            return from_notes(self._notes, asked, at, self._lm)
        except ContextOverflow:
            return Answered(Reply(abstained=True), fits=False)


class FactRag:
    """What memo extracts, never edited; answered as memo answers, each fact with its day."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._facts: list[Fact] = []
        self._vectors = np.zeros((0, tools.embedder.identity.dim), np.float32)

    def read(self, chunk: Chunk) -> Read:
        """Extract its facts with memo's own prompts and checks."""
        started, before = time.monotonic(), self._tools.lm.usage
        found: list[dict[str, Any]] = []
        for document in documents(chunk):
            said, _ = extract.extract(
                document, extract.spoken_in(document), self._tools.lm, prompts.fence()
            )
            found += [
                {"text": one.claim.text, "value": one.claim.value, "at": utc_text(one.at)}
                for one in said
            ]
        self.restore(chunk, found)
        usage = self._tools.lm.usage - before
        return Read(usage, time.monotonic() - started, found)

    def restore(self, chunk: Chunk, kept: Any) -> None:
        """Know the facts that were extracted."""
        for one in kept:
            claim = Claim(one["text"], "", one["value"], ())
            number = FactId(len(self._facts) + 1)
            at = from_utc_text(one["at"])
            self._facts.append(Fact(number, claim, State.CURRENT, at, None))
        vectors = self._tools.embedder.embed([one["text"] for one in kept])
        self._vectors = np.concatenate([self._vectors, vectors])

    def answer(self, asked: Asked, at: datetime) -> Answered:
        """From the nearest facts, as many as memo's budget of notes holds."""
        nearest = _nearest(self._tools.embedder, asked.text, self._vectors, _FACTS)
        found = _Found(tuple((self._facts[n], 1.0) for n in nearest))
        question = _question(asked, at)
        return _answered(answering.answer(question, found, self._tools.lm, prompts.fence()))


_FACTS = 24
"""Facts offered to an answer; its budget of tokens holds about as many."""


@dataclass(frozen=True, slots=True)
class _Found:
    facts: tuple[tuple[Fact, float], ...] = ()
    passages: tuple[tuple[Passage, float], ...] = ()
    derived: None = None


class Erase:
    """memo as shipped, in a home of its own that outlasts a stop."""

    def __init__(self, tools: Tools) -> None:
        home = private_folder(tools.folder / "home")
        self._memory = Memory(
            replace(tools.settings, home=home),
            Engines(lambda _: tools.lm, lambda _: tools.embedder),
        )

    def read(self, chunk: Chunk) -> Read:
        """Ingest it; what an earlier run already ingested is looked up."""
        started = time.monotonic()
        believed = tuple(fact.text for fact in self._memory.each_fact(state=State.CURRENT))
        changes: list[ChangeSet] = []
        for document in documents(chunk):
            event = self._memory.ingest(document)
            if isinstance(event, AlreadyKnown):
                changes += [self._memory.document(id_)[2] for id_ in event.ids]
            else:
                changes.append(event)
        edits = [edit for change in changes for edit in change.edits]
        return Read(
            sum((change.usage for change in changes), NOTHING),
            max(sum(change.elapsed_s for change in changes), time.monotonic() - started),
            None,
            believed,
            tuple(edit.text for edit in edits if edit.op in _RETIRING),
        )

    def restore(self, chunk: Chunk, kept: Any) -> None:
        """Its store is on disk; what is missing there is read again."""
        for document in documents(chunk):
            self._memory.ingest(document)

    def answer(self, asked: Asked, at: datetime) -> Answered:
        """Ask it."""
        return _answered(self._memory.ask(_question(asked, at)))


def passages(chunk: Chunk, lm: LanguageModel, most: int) -> list[Note]:
    """What was said, in order, in pieces of at most so many of the model's tokens."""
    notes: list[Note] = []
    held: list[str] = []
    at = chunk.at
    for message in chunk.messages:
        signed = f"{message.speaker}: {message.text}" if message.speaker else message.text
        for piece in _pieces(signed, lm, most):
            if held and lm.count_tokens("\n".join([*held, piece])) > most:
                notes.append(Note(at, "\n".join(held)))
                held = []
            held.append(piece)
            at = message.at
    return [*notes, Note(at, "\n".join(held))] if held else notes


def _pieces(text: str, lm: LanguageModel, most: int) -> list[str]:
    """A long message, cut between words."""
    if lm.count_tokens(text) <= most:
        return [text]
    words = text.split()
    if len(words) < 2:
        return [text]
    middle = len(words) // 2
    halves = " ".join(words[:middle]), " ".join(words[middle:])
    return [piece for half in halves for piece in _pieces(half, lm, most)]


def documents(chunk: Chunk) -> list[Document]:
    """A chunk as memo imports it: cut at its budget of tokens."""
    return [
        Document("eval", f"{chunk.key}+{n}", part.messages, records=part.records)
        for n, part in enumerate(cut(list(chunk.messages), estimated_tokens, DOCUMENT_TOKENS))
    ]


def from_notes(notes: Sequence[Note], asked: Asked, at: datetime, lm: LanguageModel) -> Answered:
    """Ask the model with memo's own prompt for answers, over notes that memo did not choose.

    Raises:
        ContextOverflow: They do not fit.
    """
    started, before = time.monotonic(), lm.usage
    lines = [f"Today is {at:%Y-%m-%d}.", *(note.line(n) for n, note in enumerate(notes, 1))]
    shown = "\n".join(lines)
    listed = f"{asked.text} ({' / '.join(asked.choices)})" if asked.choices else asked.text
    prompt = prompts.answering(shown, listed, FENCE)
    if asked.choices:
        chances = lm.choose([prompt], [f"{choice} |" for choice in asked.choices])
        reply = Reply(asked.choices[int(chances[0].argmax())])
    else:
        reply = _written(prompt, asked, lm)
    return Answered(reply, lm.usage - before, time.monotonic() - started)


def _written(prompt: Prompt, asked: Asked, lm: LanguageModel) -> Reply:
    (written,) = lm.complete([prompt], max_tokens=prompts.ANSWER_TOKENS, stop=("\n", "|"))
    value = re.sub(r"\[\d+\]", "", written.text).strip(" .")
    if not value or value.casefold().startswith(prompts.NOT_SAID):
        return Reply(abstained=True)
    return Reply(value, parts(value) if asked.wants_list else ())


def parts(value: str) -> tuple[str, ...]:
    """The items of a list in words."""
    return tuple(part.strip() for part in re.split(r",| and ", value) if part.strip())


def _question(asked: Asked, at: datetime) -> answering.Question:
    return answering.Question(asked.text, end_of_day(at), asked.choices, asked.wants_list, asked.id)


def end_of_day(at: datetime) -> datetime:
    """The last second of a day: evidence may bear a later hour than the question."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1, seconds=-1)


def _answered(pieces: Iterable[str | Answer]) -> Answered:
    """The end of an answer that memo writes."""
    for piece in pieces:
        if isinstance(piece, Answer):
            found = piece
    reply = Reply(found.answer, found.items or (), found.abstained is not None)
    return Answered(reply, found.usage, found.elapsed_s)


def _nearest(embedder: Embedder, text: str, vectors: Any, count: int) -> list[int]:
    if not len(vectors):
        return []
    scores = vectors @ embedder.embed([text])[0]
    return [int(n) for n in np.argsort(-scores, kind="stable")[:count]]
