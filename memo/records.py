"""The nouns that flow between rooms: documents in, edits through, answers out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

FactId = NewType("FactId", int)
DocumentId = NewType("DocumentId", int)
PassageId = NewType("PassageId", int)
ChangeId = NewType("ChangeId", int)
HeldId = NewType("HeldId", int)
ConversationId = NewType("ConversationId", int)
ExchangeId = NewType("ExchangeId", int)


def utc_text(when: datetime) -> str:
    """ISO 8601 in UTC with `Z`: the one form in which times are stored and printed."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def from_utc_text(text: str) -> datetime:
    """The inverse of `utc_text`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass(frozen=True, slots=True)
class Message:
    """What one speaker said at one moment, or one paragraph of a note."""

    text: str
    at: datetime
    """Aware; as the source says, not when we read it."""
    speaker: str | None = None
    """The name to resolve "I" to; None where the source does not say."""
    context: bool = False
    """Said to the person or passed on, as an assistant's words are: no claim is taken from it."""


@dataclass(frozen=True, slots=True)
class Document:
    """The unit of ingestion: one note, or one stretch of a conversation."""

    source: str
    """Where it comes from, e.g. `note` or `native`; `memo forget --source` names it."""
    key: str
    """Stable within the source, so that a second import recognises it."""
    messages: tuple[Message, ...]
    title: str = ""
    records: int = 1
    """How many records of its file begin here, for the sums of an import."""
    thread: str = ""
    """What the keys of all documents of its conversation begin with; "" where it stands alone."""
    claims: tuple[Claim, ...] = ()
    """What its messages state, one a message, where that needs no model: a birthday, a date."""

    @property
    def at(self) -> datetime:
        """When the last of it was said."""
        return max(message.at for message in self.messages)

    @property
    def text(self) -> str:
        """All of it as a person would read it, `Speaker: words` a message."""
        return "\n".join(f"{m.speaker}: {m.text}" if m.speaker else m.text for m in self.messages)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that was said, by whom and when; hexadecimal."""
        said = [[m.speaker, m.text, utc_text(m.at)] for m in self.messages]
        return hashlib.sha256(
            json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
        ).hexdigest()


class State(StrEnum):
    """What a fact is worth now, or was on the day asked about."""

    CURRENT = "current"
    PAST = "past"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a document says, before or after it became a stored fact.

    The question is an open-vocabulary slot (docs/erase.md): facts about one
    subject that answer the same question compete, unless several values may hold.
    """

    text: str
    """One standalone sentence."""
    question: str
    """What it answers, naming the subject: "Where does Mia live?"."""
    value: str
    """The answer in a few words: "Hull"."""
    subjects: tuple[str, ...]
    """The people and things it is about; the first is the grammatical subject."""
    several: bool = False
    """True where several values can hold at once (pets, hobbies, friends)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A stored claim with what its events say of it at the moment asked about."""

    id: FactId
    claim: Claim
    state: State
    since: datetime
    """UTC; start of the newest interval in which it held."""
    until: datetime | None
    """UTC; when it stopped holding or became doubtful. None while current."""
    pinned: bool = False
    by_hand: bool = False
    """Written or edited by the person: never retired by a model."""
    document: DocumentId | None = None
    """The document that first stated it; None if typed by hand."""
    replaced_by: FactId | None = None
    replaces: FactId | None = None

    @property
    def text(self) -> str:
        """The sentence."""
        return self.claim.text


@dataclass(frozen=True, slots=True)
class Candidates:
    """The facts that a document may bear on, in any state, with when each was said to hold."""

    facts: tuple[Fact, ...] = ()
    said: tuple[tuple[datetime, FactId], ...] = ()
    """Event times of all their assertions, the earliest first."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One message, or a piece of a long one, as it stays searchable."""

    id: PassageId
    document: DocumentId
    text: str
    at: datetime
    speaker: str | None = None
    context: bool = False
    """As in `Message`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where in a document an edit's reason stands."""

    quote: str
    """Occurs in the message literally."""
    message: int
    """Index into `Document.messages`."""


@dataclass(frozen=True, slots=True)
class Add:
    """A fact the store did not hold."""

    claim: Claim
    at: datetime
    evidence: Evidence | None = None
    confidence: float | None = None
    superseded_by: FactId | None = None
    """Set when it is old news: a newer value already holds, since `superseded_at`."""
    superseded_at: datetime | None = None
    op: str = field(default="add", init=False)


@dataclass(frozen=True, slots=True)
class Reinforce:
    """The document says again what a fact says; a past fact becomes current if newest."""

    fact: FactId
    at: datetime
    evidence: Evidence | None = None
    confidence: float | None = None
    confirms: bool = False
    """True when it answers a doubt: the fact was uncertain."""
    op: str = field(default="reinforce", init=False)


@dataclass(frozen=True, slots=True)
class MakeFalse:
    """The document says that a fact no longer holds, and names no successor."""

    fact: FactId
    at: datetime
    evidence: Evidence | None = None
    confidence: float | None = None
    op: str = field(default="make_false", init=False)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A fact is superseded: by a new claim, or by a stored one that holds (again)."""

    fact: FactId
    at: datetime
    claim: Claim | None
    """The successor when it is new to the store."""
    successor: FactId | None = None
    """The successor when it is stored already; exactly one of the two is set."""
    evidence: Evidence | None = None
    confidence: float | None = None
    op: str = field(default="rewrite", init=False)


@dataclass(frozen=True, slots=True)
class MarkUncertain:
    """A fact that rested on a changed one may be outdated."""

    fact: FactId
    at: datetime
    because: FactId
    """The changed fact."""
    confidence: float | None = None
    op: str = field(default="uncertain", init=False)


Edit = Add | Reinforce | MakeFalse | Rewrite | MarkUncertain


@dataclass(frozen=True, slots=True)
class Held:
    """An edit too risky to apply by itself, waiting for `memo review`."""

    edit: Edit
    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model was asked to do."""

    calls: int = 0
    prompt_tokens: int = 0
    """What the prompts hold."""
    evaluated_tokens: int = 0
    """What really had to be evaluated after prefix reuse."""
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.evaluated_tokens + other.evaluated_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        """What happened between two readings of a counter."""
        return Usage(
            self.calls - other.calls,
            self.prompt_tokens - other.prompt_tokens,
            self.evaluated_tokens - other.evaluated_tokens,
            self.completion_tokens - other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What one document does to the facts: data, not yet applied."""

    edits: tuple[Edit, ...] = ()
    held: tuple[Held, ...] = ()
    problems: tuple[str, ...] = ()
    """Model output that was refused (empty, over-long, ungrounded), one sentence each."""
    usage: Usage = Usage()
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EditRecord:
    """An applied or held edit as it is shown: contract.md's `edits` entries."""

    op: str
    fact: FactId | None
    text: str
    new_fact: FactId | None = None
    new_text: str | None = None
    because: FactId | None = None
    confidence: float | None = None
    evidence: str | None = None
    item: HeldId | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """All that one document or one manual edit did; the unit of undo."""

    id: ChangeId
    kind: str
    """document, edit, pin, unpin, forget, review, undo or redo."""
    title: str
    at: datetime
    recorded_at: datetime
    document: DocumentId | None = None
    target: ChangeId | None = None
    """The change set that an undo or redo acted on."""
    undone: bool = False
    edits: tuple[EditRecord, ...] = ()
    held: tuple[EditRecord, ...] = ()
    problems: tuple[str, ...] = ()
    usage: Usage = Usage()
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to a fact."""

    at: datetime
    recorded_at: datetime
    event: str
    truth: bool | None
    text: str
    change: ChangeId
    document: DocumentId | None
    quote: str | None
    undone: bool = False
    new_fact: FactId | None = None
    """What came in its place, where something did."""
    new_text: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as listed: `memo documents`."""

    id: DocumentId
    source: str
    title: str
    at: datetime
    recorded_at: datetime
    change: ChangeId
    messages: int
    facts: int
    """Facts that it first stated."""
    key: str = ""
    """Stable within the source."""
    unread: bool = False
    """Whether it is only stored yet: what it says is not known before it is read."""


@dataclass(frozen=True, slots=True)
class CitedFact:
    """A fact shown to the model as evidence number `n`."""

    n: int
    fact: Fact
    score: float


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage shown to the model as evidence number `n`."""

    n: int
    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What memory says to a question, with where it stands."""

    question: str
    answer: str
    """The value in a few words; "" where abstained."""
    text: str
    """A sentence with citations [n]."""
    items: tuple[str, ...] | None = None
    abstained: str | None = None
    """None, "never recorded", "retracted" or "uncertain"."""
    as_of: datetime | None = None
    facts: tuple[CitedFact, ...] = ()
    passages: tuple[CitedPassage, ...] = ()
    usage: Usage = Usage()
    first_token_s: float = 0.0
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said in one go, or gone on with later, as it is listed."""

    id: ConversationId
    title: str
    """The beginning of what was said first."""
    begun: datetime
    last: datetime
    """When something was said in it last."""
    exchanges: int


@dataclass(frozen=True, slots=True)
class KeptExchange:
    """One thing that the person said in a conversation, with what came of it."""

    id: ExchangeId
    at: datetime
    said: str
    answer: str
    """As far as it was said; "" where nothing was asked."""
    note: str
    """What stood under it, where no change set says it."""
    facts: tuple[CitedFact, ...] = ()
    """As they stand today."""
    passages: tuple[CitedPassage, ...] = ()
    changes: tuple[ChangeSet, ...] = ()
