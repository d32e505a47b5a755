"""Sentence vectors: the only room that knows fastembed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np

from memo.errors import ModelCrashed, ModelDamaged
from memo.lm import EmbedderIdentity, Vectors

# Both must be set before the import: onnxruntime phones home otherwise, and the hub
# client looks for newer files (docs/reliability.md, 2.6).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

from fastembed import TextEmbedding
from onnxruntime.capi import onnxruntime_pybind11_state as ort  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BROKEN = (
    *(ValueError, RuntimeError, OSError, MemoryError),
    *(ort.Fail, ort.InvalidGraph, ort.InvalidProtobuf, ort.NoSuchFile, ort.RuntimeException),
)
"""onnxruntime's own errors share no base below Exception."""
BATCH_CHARACTERS = 4096
"""Embedded at once, as if all of a batch were as long as its longest: bounds memory, not speed."""


class FastEmbedder:
    """An ONNX sentence encoder in a folder, behind the `Embedder` protocol."""

    def __init__(self, folder: Path, *, name: str, architecture: str) -> None:
        """Load the encoder.

        Args:
            folder: Holds the ONNX file and the tokenizer's files.
            name: As in the catalogue.
            architecture: The name that fastembed knows the encoder by.

        Raises:
            ModelDamaged: onnxruntime cannot load it.
        """
        try:
            self._encoder = TextEmbedding(
                architecture, specific_model_path=str(folder), providers=["CPUExecutionProvider"]
            )
            probe = self._encode(["probe"])
        except _BROKEN as error:
            raise ModelDamaged(
                f"The embedding model in {folder} cannot be loaded ({type(error).__name__}): "
                f"close other programs if memory is short, else fetch it anew with "
                f"`memo model pull {name}`."
            ) from error
        digest = hashlib.sha256()
        for file in sorted(folder.rglob("*.onnx")):
            digest.update(file.read_bytes())
        self.identity = EmbedderIdentity(name, digest.hexdigest(), probe.shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim), unit norm, finite.

        Raises:
            ModelCrashed: Memory does not suffice.
        """
        vectors = np.zeros((len(texts), self.identity.dim), np.float32)
        try:
            for batch in batches([len(text) for text in texts]):
                vectors[batch] = self._encode([texts[n] for n in batch])
        except _BROKEN as error:
            raise ModelCrashed(
                f"The embedding model {self.identity.name} could not go on "
                f"({type(error).__name__}), perhaps for lack of memory: close other programs, "
                "then try again."
            ) from error
        return vectors

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.stack(list(self._encoder.embed(texts, batch_size=len(texts))))
        vectors = vectors.astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, 1e-9)
        return unit


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of texts of so many characters: like ones together, so that little is padded."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if batch and (len(batch) + 1) * lengths[number] > BATCH_CHARACTERS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
