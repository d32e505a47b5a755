"""The two things memo asks of a neural network: the only seams that tests fake."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memo.records import Usage

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt.

    An untrusted piece (a person's words, a file, earlier model output) is tokenised
    so that no control or user-defined token can appear in it.
    """

    text: str
    trusted: bool = True


def quoted(text: str) -> Segment:
    """Somebody's words, to be read and never obeyed."""
    return Segment(text, trusted=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the chat that a prompt renders to."""

    role: str
    """system, user or assistant; a last assistant turn is continued, not closed."""
    segments: tuple[Segment, ...]


Prompt = tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """Generated text and why it ended."""

    text: str
    finished: bool
    """False when `max_tokens` cut it off: such text is never trusted to be whole."""


class LanguageModel(Protocol):
    """A chat model that can rank given words and continue text."""

    @property
    def name(self) -> str:
        """As in the catalogue, or the file's stem."""
        ...

    @property
    def context_tokens(self) -> int:
        """The longest prompt with completion that one sequence can hold."""
        ...

    @property
    def usage(self) -> Usage:
        """Counters since the model was loaded."""
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens a person's text takes."""
        ...

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        """Probability of each label as the continuation.

        (len(prompts), len(labels)), rows sum to 1.
        """
        ...

    def complete(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
    ) -> list[Completion]:
        """Continue each prompt greedily, in parallel; `stop` strings end it and are dropped."""
        ...

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        """Continue one prompt piece by piece; closing the iterator stops the model."""
        ...


def _never() -> bool:
    return False


stop_wanted: ContextVar[Callable[[], bool]] = ContextVar("stop_wanted", default=_never)
"""What a waiting call of a model looks at; see `stop_when`."""


@contextmanager
def stop_when(wanted: Callable[[], bool]) -> Iterator[None]:
    """Within this, this thread's calls of a model raise `Stopped` soon after `wanted()` is true.

    So does a call that only waits for another thread's; that one goes on undisturbed. In a worker
    of the terminal application: `with stop_when(lambda: worker.is_cancelled): …`.
    """
    token = stop_wanted.set(wanted)
    try:
        yield
    finally:
        stop_wanted.reset(token)


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What must agree for vectors to be comparable."""

    name: str
    sha256: str
    dim: int


class Embedder(Protocol):
    """Sentence vectors."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Name, hash of the model file, and dimension."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim), unit norm, finite."""
        ...
