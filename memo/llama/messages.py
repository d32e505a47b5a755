"""What memo and the process that runs the model say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from memo.llama.placement import Shape
    from memo.records import Usage


@dataclass(frozen=True, slots=True)
class Load:
    """The first message: what to load; the arguments of `LlamaLM`."""

    path: Path
    family: str
    name: str
    shape: Shape | None = None
    gpu_layers: int | None = None
    fast_kernels: bool | None = None
    """As far as that is known: see `llama.kernels`."""
    prefixes: Path | None = None
    idle_s: float | None = None
    """After so long without a call the process ends; None for never."""
    hang_s: float | None = None
    """After so long without a sign of life it is ended, while a call waits; None for never."""


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the `LanguageModel` protocol to be called."""

    id: int
    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody waits for that call any longer."""

    id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""

    context_tokens: int
    placement: str
    fast_kernels: bool


@dataclass(frozen=True, slots=True)
class Alive:
    """It has come further since it said so last."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a stream."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a call returned; None at the end of a stream."""

    id: int
    value: Any
    usage: Usage
    """Since the process began."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What a call raised, or loading, which has the id 0."""

    id: int
    error: Exception
    usage: Usage


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for the log."""

    logger: str
    level: int
    text: str
