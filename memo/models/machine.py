"""What fits this machine."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from memo.models.catalogue import Kind, Model, catalogue
from memo.models.scores import UNFIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memo.models.scores import Score

_CPU_BYTES = 2_200_000_000
"""Weights are read once a token: beyond this a processor writes slower than a person reads."""
_CARDS = Path("/sys/class/drm")
_AMD = "0x1002"
_BACKENDS = {"CUDA": "GGML_CUDA", "Metal": "GGML_METAL", "Vulkan": "GGML_VULKAN"}
"""llama.cpp's, and the option that builds it."""


def built_with(options: str) -> str:
    """The command that installs a build of llama.cpp with these options for CMake."""
    version = metadata.version("llama-cpp-python")
    return (
        f'CMAKE_ARGS="{options}" pip install --force-reinstall --no-deps --no-cache-dir '
        f"--no-binary llama-cpp-python llama-cpp-python=={version}"
    )


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card, whether or not the installed build of llama.cpp can use it."""

    name: str
    backend: str
    """What a build of llama.cpp needs for it: a key of `_BACKENDS`."""
    free_bytes: int

    @property
    def build(self) -> str:
        """The command that installs a build of llama.cpp which uses it."""
        return built_with(f"-D{_BACKENDS[self.backend]}=on")


@dataclass(frozen=True, slots=True)
class Machine:
    """The memory that is free now."""

    ram_bytes: int
    vram_bytes: int
    """Of the graphics card with most of it; 0 where there is none."""
    card: Card | None = None
    """That card."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What suits a machine, and why in one sentence."""

    chat: Model
    embedding: Model
    reason: str


def machine() -> Machine:
    """Look at this one."""
    import psutil  # noqa: PLC0415  # only recommending needs it

    ram_bytes = psutil.virtual_memory().available
    found = cards(ram_bytes)
    best = max(found, key=lambda card: card.free_bytes, default=None)
    return Machine(ram_bytes, best.free_bytes if best else 0, best)


def cards(ram_bytes: int) -> list[Card]:
    """The graphics cards there are; `ram_bytes` is what one that shares it may draw on."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return [Card("the Apple GPU", "Metal", ram_bytes * 2 // 3)]  # Metal's default share
    return _nvidia_cards() or amd_cards(_CARDS)


def recommend(
    on: Machine, *, hub: bool = True, measured: Mapping[str, Score] | None = None
) -> Recommendation:
    """The best models that fit.

    Args:
        on: What they must fit.
        hub: False for only those that need no Hub.
        measured: What models scored here, by name.
    """
    scores = measured or {}
    known = catalogue()

    def offered(kind: Kind) -> list[Model]:
        return [model for model in known.of(kind) if hub or not model.needs_hub]

    chats = offered("chat")
    on_gpu = [m for m in chats if m.memory_mb * 1_000_000 <= on.vram_bytes]
    on_cpu = [
        m
        for m in chats
        # As much again stays free for everything else.
        if m.memory_mb * 2_000_000 <= on.ram_bytes and m.bytes <= _CPU_BYTES
    ]
    fits = on_gpu or on_cpu
    chat = _best(fits, scores) if fits else min(chats, key=lambda m: m.memory_mb)
    free = (on.vram_bytes if on_gpu else on.ram_bytes) / 1e9
    place = "graphics memory" if on_gpu else "memory"
    reason = (
        f"{chat.name} needs about {chat.memory_mb / 1000:.1f} GB; {free:.1f} GB of {place} is free"
    )
    if not fits:
        reason += ", less than any model wants: it will be slow"
    if not hub:
        reason += "; it needs no access to the Hub"
    if chat.name in scores:
        reason += f"; measured here: {scores[chat.name].overall:.2f}, {scores[chat.name].verdict}"
    return Recommendation(chat, offered("embedding")[0], reason + ".")


def _best(fits: Sequence[Model], scores: Mapping[str, Score]) -> Model:
    """The catalogue's first that fits, but for what measuring showed.

    One measured as unfit is passed over; one measured gives way to another that scored more.
    """
    usable = [m for m in fits if m.name not in scores or scores[m.name].verdict != UNFIT]
    first = (usable or fits)[0]
    if first.name not in scores:
        return first
    probes = scores[first.name].probes
    rivals = [m for m in usable if m.name in scores and scores[m.name].probes == probes]
    return max(rivals, key=lambda m: scores[m.name].overall, default=first)


def _nvidia_cards() -> list[Card]:
    """What NVIDIA's driver names; its tool answers in well under a second."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.free,name", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return []
    return read_nvidia(answer.stdout)


def read_nvidia(answer: str) -> list[Card]:
    """Cards from lines of `free MiB, name`; a card that does not tell its memory is left out."""
    rows = [line.partition(",") for line in answer.splitlines()]
    return [
        Card(name.strip(), "CUDA", int(free) << 20) for free, _, name in rows if free.isdecimal()
    ]


def amd_cards(folder: Path) -> list[Card]:
    """AMD's cards with memory of their own, as Linux shows them."""
    found = []
    for device in sorted(folder.glob("card[0-9]*/device")):
        try:
            if (device / "vendor").read_text("ascii").strip() != _AMD:
                continue
            total, used = (
                int((device / f"mem_info_vram_{part}").read_text("ascii"))
                for part in ("total", "used")
            )
        except (OSError, ValueError):
            continue
        found.append(Card("the AMD graphics card", "Vulkan", max(total - used, 0)))
    return found
