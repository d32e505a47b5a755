"""How fast an import stores everything before any of it is read, and in how much memory.

`python tests/benchmarks/backlog.py` prints messages a second and the peak of memory for 30,000 and
for 100,000 WhatsApp lines, each in a process of its own. The embedder is a fake that costs next to
nothing, so that the rate is that of memo itself; with a real one it is the embedder's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import parse

from memo.engines import Engines
from memo.errors import ModelNotFound
from memo.lm import EmbedderIdentity
from memo.memory import Begun, Memory
from memo.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.lm import LanguageModel, Vectors

SMALL, LARGE = 30_000, 100_000


@dataclass(frozen=True, slots=True)
class Stored:
    """One chat, stored once."""

    messages: int
    documents: int
    seconds: float
    """Of the processor, all threads together: other work on the machine does not count."""
    peak_mib: float
    store_mb: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


class Cheap:
    """Vectors that differ from text to text and mean nothing."""

    identity = EmbedderIdentity("cheap", "0" * 64, 384)

    def __init__(self) -> None:
        self._noise = np.random.default_rng(1).normal(size=(4096, 384)).astype(np.float32)
        self._noise /= np.linalg.norm(self._noise, axis=1, keepdims=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._noise[[hash(text) % len(self._noise) for text in texts]]


def _no_model(_: Settings) -> LanguageModel:
    raise ModelNotFound("Storing needs no model.")


def store(lines: int) -> Stored:
    """Store a chat of so many lines in a new home."""
    with tempfile.TemporaryDirectory() as folder:
        chat, home = Path(folder) / "WhatsApp Chat with Ada.txt", Path(folder) / "home"
        parse.whatsapp(chat, lines)
        embedder = Cheap()
        memory = Memory(Settings(home, home), Engines(_no_model, lambda _: embedder))
        began = time.process_time()
        with closing(memory.import_paths([chat], me="Jo")) as events:
            documents = next(one.documents for one in events if isinstance(one, Begun))
        seconds = time.process_time() - began
        peak = parse.peak_mib()
        size = (home / "memo.db").stat().st_size / 1e6
        return Stored(memory.counts()["passages"], documents, seconds, peak, size)


def measure() -> list[Stored]:
    """Each size in a fresh process."""
    return [_apart(lines) for lines in (SMALL, LARGE)]


def _apart(lines: int) -> Stored:
    told = subprocess.run(
        [sys.executable, __file__, str(lines)], capture_output=True, text=True, check=True
    ).stdout
    return Stored(**json.loads(told))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        done = store(int(sys.argv[1]))
        names = ("messages", "documents", "seconds", "peak_mib", "store_mb")
        print(json.dumps({name: getattr(done, name) for name in names}))
    else:
        print(f"{'messages':>9} {'documents':>9} {'a second':>9} {'peak MiB':>9} {'store MB':>9}")
        for one in measure():
            print(
                f"{one.messages:9} {one.documents:9} {one.rate:9.0f} {one.peak_mib:9.0f} "
                f"{one.store_mb:9.0f}"
            )
