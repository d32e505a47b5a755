"""Where a model's layers go and how many threads evaluate it: arithmetic over what there is."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

CELLS = 8192
"""Key-value cells shared by all sequences of a context."""
RESERVED_BYTES = 640 << 20
"""Left free on each card: logits and activations of one batch, and what the driver takes."""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")

_BUSY = 0.6
"""Share of the processors' time from which a machine counts as busy."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model decides how much memory it takes."""

    bytes: int
    """Its weights."""
    layers: int
    """Of the network; the output counts as one more when layers are placed."""
    cell_bytes: int
    """Keys and values of one token through all layers, at 16 bits."""


@dataclass(frozen=True, slots=True)
class Device:
    """A graphics card that this build of llama.cpp can use."""

    name: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What is used of a machine, and why in words."""

    threads: int
    gpu_layers: int
    """Layers on graphics cards; one more than the network has is all of them, with the output."""
    small_cache: bool
    """Keys and values at 8 bits: where only that brings more layers onto the card."""
    reason: str


def place(shape: Shape, devices: Sequence[Device], threads: int) -> Placement:
    """Put as many layers on graphics cards as fit their free memory, all if they do.

    Args:
        shape: The model's.
        devices: Cards that the build can use; none where it uses the processor alone.
        threads: For what stays on the processor.
    """
    counted = f"{threads} thread{'' if threads == 1 else 's'}, one a processor core"
    if not devices:
        reason = f"{counted}; nothing on a graphics card; {_attention(small=False)}"
        return Placement(threads, 0, False, reason)
    free = sum(max(device.free_bytes - RESERVED_BYTES, 0) for device in devices)
    every = shape.layers + 1
    wide, narrow = (_fitting(shape, free, share) for share in (1.0, 17 / 32))
    small = narrow > wide
    layers = narrow if small else wide
    names = " and ".join(device.name for device in devices)
    gigabytes = sum(device.free_bytes for device in devices) / 1e9
    placed = f"all {every}" if layers == every else f"{layers} of {every}"
    reason = f"{placed} layers on {names}, of whose memory {gigabytes:.1f} GB is free"
    if layers < every:
        reason += f"; {counted} for the rest"
    reason += f"; {_attention(small=small)}"
    return Placement(threads, layers, small, reason)


def _attention(*, small: bool) -> str:
    """How what was read is remembered and looked at; llama.cpp itself tries the latter."""
    bits = "8 bits, so that more layers fit" if small else "16 bits"
    return f"flash attention where the device has it, keys and values at {bits}"


def _fitting(shape: Shape, free: int, cache_share: float) -> int:
    """How many layers fit; `cache_share` is what the cache takes of its 16-bit size."""
    every = shape.layers + 1
    weights = shape.bytes / every
    cache = CELLS * shape.cell_bytes * cache_share / max(shape.layers, 1)
    if every * weights + shape.layers * cache <= free:
        return every
    return min(int(free / (weights + cache)), shape.layers)


def usable_threads() -> int:
    """Physical cores that this process may use: a second thread a core only gets in the way."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed, quota(_QUOTA) or cores))


def quota(file: Path) -> int | None:
    """Whole processors that a container may use; None where there is no limit."""
    try:
        most, period = file.read_text("ascii").split()
        return None if most == "max" else max(1, int(most) // int(period))
    except (OSError, ValueError):
        return None


def waiting(busy: float) -> dict[str, str]:
    """Environment by which OpenMP's threads wait for each other.

    By default they spin for some milliseconds, which is fastest where a processor is free for each
    of them. Where others work, they spin away the time of the one that they wait for: there a
    token took 400 ms and more instead of 31 (smollm2, two cores). Short spins on a free machine
    cost 30 % of the speed of writing.

    Args:
        busy: Share of the processors' time that others take, from 0 to 1.
    """
    return {"GOMP_SPINCOUNT": "1000"} if busy > _BUSY else {}


def own_modules() -> dict[str, str]:
    """Environment by which another Python finds the modules that this one finds."""
    return {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
