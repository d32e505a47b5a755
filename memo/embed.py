"""Sentence vectors: the only room that knows onnxruntime."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from memo.errors import ModelCrashed, ModelDamaged
from memo.lm import EmbedderIdentity, Vectors

# Before the import: it phones home otherwise (docs/reliability.md, 2.6).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from memo.lm import Pooling

BATCH_TOKENS = 1024
"""Embedded at once, padding included: bounds memory, not speed."""
FEW = 64
"""So many texts are a few questions; what asks for more goes on asking."""
_FATAL_ONLY = 4
"""What onnxruntime may say on standard error; what it raises is told anyhow."""


class OnnxEmbedder:
    """An ONNX sentence encoder in a folder, behind the `Embedder` protocol.

    Weights of 8 bits are widened as they are used, until more than a few texts have come: a
    question is embedded sooner so, and in half the memory. Then they are widened once for all.
    """

    def __init__(self, folder: Path, *, name: str, pooling: Pooling) -> None:
        """Load the encoder.

        Args:
            folder: Holds the ONNX file and the tokenizer's files.
            name: As in the catalogue.
            pooling: How the vectors of a text's tokens become that of the text.

        Raises:
            ModelDamaged: It cannot be loaded.
        """
        self._pooling = pooling
        self._texts = 0
        self._lock = threading.Lock()
        self._session: Any = None
        try:
            (self._weights,) = folder.rglob("*.onnx")
            self._tokenizer = _tokenizer(folder)
            self._session = _session(self._weights, widened=False)
            self._wanted = {given.name for given in self._session.get_inputs()}
            dim = self._encode([self._tokenizer.encode("probe").ids]).shape[1]
        except Exception as error:  # its errors, and the tokenizer's, share no other base
            raise ModelDamaged(
                f"The embedding model in {folder} cannot be loaded ({type(error).__name__}): "
                f"close other programs if memory is short, else fetch it anew with "
                f"`memo model pull {name}`."
            ) from error
        with self._weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.identity = EmbedderIdentity(name, digest, dim)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim), unit norm, finite.

        Raises:
            ModelCrashed: Memory does not suffice.
        """
        vectors = np.zeros((len(texts), self.identity.dim), np.float32)
        tokens = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        try:
            self._expect(len(texts))
            for batch in batches([len(ids) for ids in tokens]):
                with self._lock:  # a question waits for one batch of an import
                    vectors[batch] = self._encode([tokens[n] for n in batch])
        except Exception as error:  # as above
            raise ModelCrashed(
                f"The embedding model {self.identity.name} could not go on "
                f"({type(error).__name__}), perhaps for lack of memory: close other programs, "
                "then try again."
            ) from error
        return vectors

    def _expect(self, texts: int) -> None:
        """Widen all weights once, when so many more texts make that worth its time."""
        with self._lock:
            before, self._texts = self._texts, self._texts + texts
            if self._session is None or before <= FEW < self._texts:
                self._session = None  # never both of them in memory
                self._session = _session(self._weights, widened=self._texts > FEW)

    def _encode(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = {name: value for name, value in given.items() if name in self._wanted}
        states = self._session.run(None, given)[0]  # (texts, tokens, dim)
        if self._pooling == "first":
            pooled = states[:, 0]
        else:
            weights = mask[:, :, None].astype(np.float32)
            pooled = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        unit: Vectors = (pooled / np.maximum(lengths, 1e-9)).astype(np.float32)
        return unit


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of texts of so many tokens: like ones together, so that little is padded."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if batch and (len(batch) + 1) * lengths[number] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _tokenizer(folder: Path) -> Tokenizer:
    """A tokenizer that cuts what is longer than the encoder reads."""
    config = json.loads((folder / "tokenizer_config.json").read_bytes())
    told = [config.get(name) for name in ("model_max_length", "max_length")]
    # A library that does not know the limit writes 1e30.
    limits = [limit for limit in told if isinstance(limit, int) and 0 < limit < 2**31]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(min(limits))
    tokenizer.no_padding()
    return tokenizer


def _session(weights: Path, *, widened: bool) -> Any:
    """The encoder; with its 8-bit weights as 32-bit ones in memory, or widened at each run."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.enable_cpu_mem_arena = widened  # an arena keeps what a run widened
    return onnxruntime.InferenceSession(
        str(weights),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=[] if widened else ["ConstantFolding"],
    )
