"""Sentence vectors: the only room that knows fastembed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np

from memo.errors import ModelDamaged
from memo.lm import EmbedderIdentity, Vectors

# Both must be set before the import: onnxruntime phones home otherwise, and the hub
# client looks for newer files (docs/reliability.md, 2.6).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

from fastembed import TextEmbedding
from onnxruntime.capi import onnxruntime_pybind11_state as ort  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_UNLOADABLE = (
    *(ValueError, RuntimeError, OSError),
    *(ort.Fail, ort.InvalidGraph, ort.InvalidProtobuf, ort.NoSuchFile, ort.RuntimeException),
)
"""onnxruntime's own errors share no base below Exception."""
BATCH = 64
"""Texts embedded at once: bounds memory, not speed."""


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
        except _UNLOADABLE as error:
            raise ModelDamaged(
                f"The embedding model in {folder} cannot be loaded ({type(error).__name__}); "
                f"fetch it anew with `memo model pull {name}`."
            ) from error
        weights = b"".join(file.read_bytes() for file in sorted(folder.rglob("*.onnx")))
        digest = hashlib.sha256(weights).hexdigest()
        self.identity = EmbedderIdentity(name, digest, probe.shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim), unit norm, finite."""
        if not texts:
            return np.zeros((0, self.identity.dim), np.float32)
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.stack(list(self._encoder.embed(list(texts), batch_size=BATCH)))
        vectors = vectors.astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, 1e-9)
        return unit
