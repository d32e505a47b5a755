"""How the two neural networks come into memory, when first needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.errors import ModelNotFound
from memo.models import default_models, locate, read_gguf

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.lm import Embedder, LanguageModel
    from memo.models import Kind, LocalModel
    from memo.settings import Settings


@dataclass(frozen=True, slots=True)
class Engines:
    """What loads each of them; tests put their fakes here."""

    language_model: Callable[[Settings], LanguageModel]
    embedder: Callable[[Settings], Embedder]


def installed_language_model(settings: Settings) -> LanguageModel:
    """Load the chosen chat model.

    Raises:
        ModelError: It is not there, not whole, or of a family that we have no template for.
    """
    found = located(default_models(settings)[0], "chat", settings)
    read_gguf(found.path)  # llama.cpp may end the whole process over a damaged file

    from memo.llama import LlamaLM  # noqa: PLC0415  # loads a native library

    return LlamaLM(
        found.path, family=found.family, name=found.name, prefixes=settings.models / ".prefixes"
    )


def installed_embedder(settings: Settings) -> Embedder:
    """Load the chosen embedding model.

    Raises:
        ModelError: It is not there, or not whole.
    """
    found = located(default_models(settings)[1], "embedding", settings)

    from memo.embed import FastEmbedder  # noqa: PLC0415  # loads a native library

    return FastEmbedder(found.path, name=found.name, architecture=found.fastembed)


INSTALLED = Engines(installed_language_model, installed_embedder)


def located(name: str, kind: Kind, settings: Settings) -> LocalModel:
    """A model of that kind on this machine.

    Raises:
        ModelError: It is not there, not whole, or of another kind.
    """
    found = locate(name, settings)
    if found.kind != kind:
        raise ModelNotFound(f"{name} is no {kind} model; `memo model list` shows which are.")
    return found
