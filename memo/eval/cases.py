"""What an evaluation consists of, whatever its data: cases with chunks, and questions between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from memo.records import Message

UNCHANGED, STATED, DOWNSTREAM = "unchanged", "stated", "downstream"
"""How the answer to a question came about: as at first, said by a chunk, or following from one."""


@dataclass(frozen=True, slots=True)
class Label:
    """Something true of a person before a chunk, and whether it still is after it."""

    person: str
    value: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is read at one go."""

    key: str
    messages: tuple[Message, ...]
    labels: tuple[Label, ...] = ()
    """The ground truth by which a retired fact is judged; empty where the data has none."""

    @property
    def at(self) -> datetime:
        """When the last of it was said."""
        return max(message.at for message in self.messages)

    @property
    def text(self) -> str:
        """All of it as a person would read it."""
        return "\n".join(f"{m.speaker}: {m.text}" if m.speaker else m.text for m in self.messages)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it stands at the moment at which it is asked."""

    id: str
    """The same each time that the question is asked."""
    text: str
    kind: str
    """The relation, or the data's own type of question."""
    accepted: tuple[str, ...]
    """Any of these is right; of a list, all of these together. None where nothing was told."""
    updates: int
    """How often the answer has changed so far."""
    change: str = UNCHANGED
    wants_list: bool = False
    choices: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    """Values that were right once and are not any more."""
    newest: tuple[str, ...] = ()
    """The value last said in so many words: what the free baseline answers."""
    first: tuple[str, ...] = ()
    """The value that was right at first."""
    chance: float = 0.0
    """Probability that a guess among all values seen of its kind is right."""
    group: str = ""
    """Reported under this instead of its case's, where it differs."""
    by_words: bool = False
    """The accepted answer is a phrase: right is what has all its words."""

    @property
    def answerable(self) -> bool:
        """Whether there is an answer other than a refusal."""
        return bool(self.accepted)


@dataclass(frozen=True, slots=True)
class Ask:
    """The questions asked after a chunk."""

    after: int
    """Index of the chunk."""
    at: datetime
    questions: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One memory's life: standard errors are over cases."""

    id: str
    group: str
    """Reported apart, such as `single-hop`."""
    chunks: tuple[Chunk, ...]
    asks: tuple[Ask, ...]

    @property
    def questions(self) -> int:
        """How many answers it takes."""
        return sum(len(ask.questions) for ask in self.asks)
