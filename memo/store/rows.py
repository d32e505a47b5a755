"""What rows and texts become on their way in and out of the store."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from memo.errors import EmbedderMismatch, ModelError, StoreDamaged
from memo.events import FORGOTTEN, Standing
from memo.records import (
    Add,
    ChangeId,
    ChangeSet,
    Claim,
    DocumentId,
    Edit,
    EditRecord,
    Fact,
    FactId,
    HeldId,
    HistoryEntry,
    MakeFalse,
    MarkUncertain,
    Passage,
    PassageId,
    Reinforce,
    Rewrite,
    State,
    StoredDocument,
    Usage,
    from_utc_text,
    utc_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from memo.lm import EmbedderIdentity, Vectors
    from memo.records import Document

    Embed = Callable[[Sequence[str]], Vectors]
    Row = tuple[Any, ...]

P = ParamSpec("P")
T = TypeVar("T")
MOST_TERMS = 64  # a whole document as a keyword query would visit every row
_STOPWORDS = """
a about also am an and any are as at be been but by can could did do does for from had has have he
her him his how i if in into is it its just me my no not of on or our she so some such than that
the their them then there these they this those to up us was we were what when where which who
whom why will with would you your
"""
STOPWORDS = frozenset(_STOPWORDS.split())

OPS = {
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
RANKS: dict[type[Edit], int] = {Add: 0, Reinforce: 0, Rewrite: 1, MakeFalse: 1, MarkUncertain: 2}
"""What makes true goes before what ends, and that before the doubts it raises."""


@dataclass(frozen=True, slots=True)
class Said:
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
class Ground:
    """A stored document, for edits to stand on."""

    document: DocumentId
    at: str
    passages: list[tuple[PassageId, str, str]]
    """Id, time and text of each message, in order."""


@dataclass(slots=True)
class Work:
    """A change set while it is being written."""

    change: ChangeId
    recorded_at: str
    vectors: dict[str, bytes]
    last_event: int
    last_hash: str
    made: dict[Claim, FactId] = field(default_factory=dict)
    """New claims that became facts in this change set."""
    touched: set[FactId] = field(default_factory=set)


def _of_rows(make: Callable[P, T]) -> Callable[P, T]:
    """`make`, where a row that makes no sense is damage: any bit of a disk may flip."""

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return make(*args, **kwargs)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise StoreDamaged(
                f"A row of the store makes no sense ({type(error).__name__}): "
                "run `memo doctor`, or `memo restore` a backup."
            ) from error

    return made


@_of_rows
def as_fact(row: Row, now: Standing, replaces: FactId | None) -> Fact:
    """A row of `fact` with its standing."""
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


@_of_rows
def as_standing(columns: Sequence[Any]) -> Standing:
    """A row of `fact_state`, from the state on."""
    state, since, until, pinned, document, replaced_by = columns
    return Standing(State(state), since, until, bool(pinned), document, replaced_by)


@_of_rows
def as_passage(row: Row) -> Passage:
    """A row of `passage`."""
    id_, document, text, at, speaker, context = row
    when = from_utc_text(at)
    return Passage(PassageId(id_), DocumentId(document), text, when, speaker, bool(context))


@_of_rows
def as_document(row: Row) -> StoredDocument:
    """A row of the documents' listing."""
    id_, source, title, at, recorded_at, change, messages, facts, key, unread = row
    return StoredDocument(
        DocumentId(id_),
        source,
        title,
        from_utc_text(at),
        from_utc_text(recorded_at),
        ChangeId(change),
        messages,
        facts,
        key,
        bool(unread),
    )


@_of_rows
def as_change_set(row: Row) -> ChangeSet:
    """A row of `change_set`, its edits left out."""
    id_, kind, title, at, recorded_at, document, target, undone_by, problems, *usage, elapsed = row
    return ChangeSet(
        ChangeId(id_),
        kind,
        title,
        from_utc_text(at),
        from_utc_text(recorded_at),
        document,
        target if target is None or target > 0 else None,
        undone_by is not None,
        problems=tuple(json.loads(problems)),
        usage=Usage(*usage),
        elapsed_s=elapsed,
    )


@_of_rows
def as_history_entry(row: Row, text: str) -> HistoryEntry:
    """An event of a fact, and what the fact said."""
    at, recorded_at, kind, truth, change, document, quote, undone, _, new, new_text = row
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
        new,
        new_text,
    )


@_of_rows
def as_edit_record(rows: list[Row]) -> EditRecord:
    """The events that one edit left, as the edit: the fact that it names is the last one's."""
    _, kind, fact, text, forgotten, successor, new_text, new_forgotten, because, sure, quote = rows[
        -1
    ]
    text = FORGOTTEN if forgotten else text
    if kind == "rewritten" and rows[0][2] == fact and len(rows) > 1:  # added as old news
        return EditRecord("add", fact, text, confidence=sure, evidence=rows[0][-1])
    record = EditRecord(OPS[kind], fact, text, confidence=sure, evidence=quote)
    if successor is not None:
        return replace(
            record, new_fact=successor, new_text=FORGOTTEN if new_forgotten else new_text
        )
    return replace(record, because=because)


def said_by(number: int, edit: Edit, ground: Ground, held: HeldId | None = None) -> Said:
    """Where in a stored document an edit stands."""
    sure = None if edit.confidence is None else float(edit.confidence)
    evidence = None if isinstance(edit, MarkUncertain) else edit.evidence
    if evidence is None:
        return Said(number, ground.at, ground.document, confidence=sure, held=held)
    passage, at, text = ground.passages[evidence.message]
    quote = None if text == FORGOTTEN else clean(evidence.quote)
    return Said(number, at, ground.document, passage, quote, sure, held)


def claims_of(edits: Iterable[Edit]) -> list[Claim]:
    """The claims that edits would make facts of."""
    return [
        edit.claim for edit in edits if isinstance(edit, Add | Rewrite) and edit.claim is not None
    ]


def facts_named(edit: Edit) -> list[FactId]:
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


def decision_title(verb: str, ids: Sequence[HeldId]) -> str:
    """What a change set by a person's decision is called: `accept items 1, 2`."""
    noun = "item" if len(ids) == 1 else "items"
    return f"{verb} {noun} {', '.join(str(id_) for id_ in ids)}"


def listed(ids: Iterable[int]) -> str:
    """Ids as `json_each` reads them."""
    return json.dumps(list(ids))


def utc(value: object) -> str:
    """Times within a dump, for `json.dumps`."""
    if isinstance(value, datetime):
        return utc_text(value)
    raise TypeError(f"{type(value).__name__} is no part of a dump")


def clean(text: str) -> str:
    """Text that SQLite stores whole: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def indexed(claim: Claim) -> str:
    """What a fact is found by, in words and as a vector."""
    return clean(f"{claim.question} {claim.text}")


def passage_text(speaker: str | None, text: str) -> str:
    """What a passage is found by: the speaker is who "I" means."""
    return clean(f"{speaker}: {text}" if speaker else text)


def passage_texts(document: Document) -> list[str]:
    """What the passages of a document are found by."""
    return [passage_text(message.speaker, message.text) for message in document.messages]


def keywords(text: str) -> list[str]:
    """An FTS5 query for each of a text's telling words."""
    return [f'"{word}"' for word in telling(text)[:MOST_TERMS]]


def telling(text: str) -> list[str]:
    """The words of a text, without the commonest unless it has no other."""
    words = list(dict.fromkeys(re.findall(r"\w+", text.casefold())))
    return [word for word in words if word not in STOPWORDS] or words


def checked_vectors(
    texts: Sequence[str], vectors: Vectors, embedder: EmbedderIdentity
) -> dict[str, bytes]:
    """The stored form of each text's vector.

    Raises:
        EmbedderMismatch: They are not of the embedder's dimension.
        ModelError: One is not finite.
    """
    vectors = np.ascontiguousarray(vectors, dtype="<f4")
    if vectors.shape != (len(texts), embedder.dim):
        raise EmbedderMismatch(
            f"{embedder.name} gave vectors of shape {vectors.shape}, not "
            f"({len(texts)}, {embedder.dim}): run `memo doctor`."
        )
    if not np.isfinite(vectors).all():
        raise ModelError(f"{embedder.name} gave a vector that is not finite: run `memo doctor`.")
    return {text: vector.tobytes() for text, vector in zip(texts, vectors, strict=True)}


def query_vector(vector: Vectors, embedder: EmbedderIdentity) -> bytes:
    """One vector as it is stored, checked."""
    return checked_vectors([""], np.reshape(vector, (1, -1)), embedder)[""]
