"""How the two neural networks come into memory, when first needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.errors import EngineUnusable, ModelNotFound
from memo.llama import Load, ModelProcess, Shape
from memo.llama.placement import place, usable_threads
from memo.models import built_with, default_models, locate, read_gguf

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.llama.placement import Device, Placement
    from memo.lm import Embedder, LanguageModel
    from memo.models import Card, Kind, LocalModel
    from memo.settings import Settings


@dataclass(frozen=True, slots=True)
class Engines:
    """What loads each of them; tests put their fakes here."""

    language_model: Callable[[Settings], LanguageModel]
    embedder: Callable[[Settings], Embedder]


def installed_language_model(
    settings: Settings, announce: Callable[[str], None] = lambda _: None
) -> ModelProcess:
    """Start a process that loads the chosen chat model; a call waits until it has.

    Args:
        settings: Which model, and after what time without a call its process ends.
        announce: Receives a sentence whenever the model has to be loaded anew.

    Raises:
        ModelError: It is not there, not whole, or of a family that we have no template for.
    """
    return ModelProcess(loading(settings), announce)


def loading(settings: Settings) -> Load:
    """What is to be loaded.

    Raises:
        ModelError: As `installed_language_model`.
    """
    found = located(default_models(settings)[0], "chat", settings)
    header = read_gguf(found.path)  # llama.cpp may end its whole process over a damaged file
    return Load(
        found.path,
        family=found.family,
        name=found.name,
        shape=Shape(found.path.stat().st_size, header.layers, header.cell_bytes),
        prefixes=settings.models / ".prefixes",
        idle_s=60 * settings.idle_minutes or None,
        hang_s=60 * settings.hang_minutes or None,
    )


def installed_embedder(settings: Settings) -> Embedder:
    """Load the chosen embedding model.

    Raises:
        ModelError: It is not there, or not whole.
    """
    found = located(default_models(settings)[1], "embedding", settings)

    from memo.embed import FastEmbedder  # noqa: PLC0415  # loads a native library

    return FastEmbedder(found.path, name=found.name, architecture=found.fastembed)


def installed(announce: Callable[[str], None]) -> Engines:
    """The models on this machine; `announce` is told when one has to be loaded anew."""
    return Engines(
        lambda settings: installed_language_model(settings, announce), installed_embedder
    )


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


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the engine can use of this machine."""

    threads: int
    devices: tuple[Device, ...]
    """Graphics cards that the installed build of llama.cpp uses."""
    card: Card | None
    """The roomiest there is, used or not."""
    fast_kernels: bool = True
    """False where those for this processor's matrix unit end the process: see `llama.kernels`."""

    @property
    def slowed(self) -> str:
        """A sentence on kernels that the build has but that fail here."""
        if self.fast_kernels:
            return ""
        whole = built_with("-DCMAKE_CXX_FLAGS='-fno-dse -fno-tree-dse'")
        return (
            "Its kernels for this processor's matrix unit (AMX) fail and are not used: an older "
            f"compiler has built them wrong, as GCC 12.2 does. A build by `{whole}` is up to twice "
            "as fast."
        )

    @property
    def idle(self) -> str:
        """A sentence on the card that the build cannot use, and on the build that could."""
        if self.card is None or self.devices:
            return ""
        return (
            f"This build of llama.cpp cannot use {self.card.name} "
            f"({self.card.free_bytes / 1e9:.1f} GB free); one for {self.card.backend} can: "
            f"`{self.card.build}`."
        )


def hardware(card: Card | None) -> Hardware:
    """Look at this machine through the installed build.

    Raises:
        EngineUnusable: llama.cpp cannot be loaded.
    """
    try:
        from memo.llama.backend import devices, offloads  # noqa: PLC0415  # a native library
        from memo.llama.kernels import trusted  # noqa: PLC0415
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineUnusable(error) from error
    usable = tuple(devices()) if offloads() else ()
    return Hardware(usable_threads(), usable, card, trusted())


def placement(settings: Settings, on: Hardware) -> Placement:
    """Where the chosen chat model would run.

    Raises:
        ModelError: It is not there, or cannot be used.
    """
    shape = loading(settings).shape
    assert shape is not None
    return place(shape, on.devices, on.threads)
