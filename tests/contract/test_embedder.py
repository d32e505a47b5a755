"""What every Embedder does: one body over the fake and the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import HashEmbedder

if TYPE_CHECKING:
    from memo.lm import Embedder


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.model)])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return HashEmbedder()
    real: Embedder = request.getfixturevalue("real_embedder")
    return real


TEXTS = ["", " ", "Ann works at Acme.", "word " * 5000, "\0", "🏠‍🚲", "早く来て", "\u202e"]


def test_vectors_are_unit_finite_and_of_the_stated_dimension(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.identity.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-3)


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.identity.dim)


def test_a_text_gets_the_same_vector_whatever_stands_beside_it(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.99


def test_what_is_alike_is_near(embedder: Embedder) -> None:
    asked, told, other = embedder.embed(
        ["Where does Ann work?", "Ann works at Acme, her work is hard.", "The moon is full."]
    )
    assert asked @ told > asked @ other
