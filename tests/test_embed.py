"""Claims about sentence vectors, with the default encoder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memo.embed import FastEmbedder
from memo.errors import ModelDamaged, ModelNotFound
from memo.models import default_models, find, locate, pull
from memo.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from memo.models import LocalModel

pytestmark = pytest.mark.model


@pytest.fixture(scope="session")
def found() -> LocalModel:
    settings = load()
    name = default_models(settings)[1]
    try:
        return locate(name, settings)
    except ModelNotFound:
        for _ in pull(find(name), settings.models):
            pass
        return locate(name, settings)


@pytest.fixture(scope="session")
def embedder(found: LocalModel) -> FastEmbedder:
    return FastEmbedder(found.path, name=found.name, architecture=found.fastembed)


def test_its_identity_tells_which_vectors_compare(
    embedder: FastEmbedder, found: LocalModel
) -> None:
    assert embedder.identity.name == found.name
    assert embedder.identity.dim == found.dim
    assert embedder.identity.sha256 == found.sha256


@pytest.mark.parametrize(
    "texts", [["Ann lives in Hull."], ["", " ", "\x00", "\n"], ["word " * 5000], ["日本語", "🙂"]]
)
def test_vectors_have_unit_length_and_are_finite(embedder: FastEmbedder, texts: list[str]) -> None:
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), embedder.identity.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_no_texts_have_no_vectors(embedder: FastEmbedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.identity.dim)


def test_like_sentences_are_near(embedder: FastEmbedder) -> None:
    ann, similar, other = embedder.embed(
        ["Ann works at the hospital.", "Ann is a nurse in a clinic.", "The bicycle is green."]
    )
    assert ann @ similar > ann @ other


def test_a_batch_agrees_with_one_at_a_time(embedder: FastEmbedder) -> None:
    texts = ["Ann lives in Hull.", "A much longer sentence about the weather of last week.", "No."]
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(embedder.embed(texts), alone, atol=5e-2)


def test_a_folder_without_a_model_is_damaged(tmp_path: Path, found: LocalModel) -> None:
    (tmp_path / "model.onnx").write_bytes(b"This is not a model.")
    with pytest.raises(ModelDamaged, match="memo model pull"):
        FastEmbedder(tmp_path, name=found.name, architecture=found.fastembed)


def test_the_library_is_told_to_stay_offline() -> None:
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert os.environ["HF_HUB_OFFLINE"] == "1"
