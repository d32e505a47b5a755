"""What fits this machine."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass

from memo.models.catalogue import Kind, Model, catalogue

_CPU_BYTES = 2_200_000_000
"""Weights are read once a token: beyond this a processor writes slower than a person reads."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The memory that is free now."""

    ram_bytes: int
    vram_bytes: int
    """Of the graphics card with most of it; 0 where there is none."""


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
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Machine(ram_bytes, ram_bytes * 2 // 3)  # shared memory; Metal's default share
    return Machine(ram_bytes, _nvidia_bytes())


def recommend(on: Machine, *, hub: bool = True) -> Recommendation:
    """The best models that fit; with `hub=False` only those that need no Hub."""
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
    chat = fits[0] if fits else min(chats, key=lambda m: m.memory_mb)
    free = (on.vram_bytes if on_gpu else on.ram_bytes) / 1e9
    place = "graphics memory" if on_gpu else "memory"
    reason = (
        f"{chat.name} needs about {chat.memory_mb / 1000:.1f} GB; {free:.1f} GB of {place} is free"
    )
    if not fits:
        reason += ", less than any model wants: it will be slow"
    if not hub:
        reason += "; it needs no access to the Hub"
    return Recommendation(chat, offered("embedding")[0], reason + ".")


def _nvidia_bytes() -> int:
    """Free memory of the roomiest NVIDIA card."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = [int(line) for line in answer.stdout.split() if line.isdecimal()]
    return max(found, default=0) << 20
