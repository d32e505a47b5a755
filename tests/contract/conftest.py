"""The real models, fetched once for all that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memo.engines import installed_embedder, installed_language_model
from memo.models import default_models, find, installed, pull
from memo.settings import load

if TYPE_CHECKING:
    from memo.lm import Embedder, LanguageModel


@pytest.fixture(scope="session")
def real_lm() -> LanguageModel:
    """The default chat model."""
    fetch(0)
    return installed_language_model(load())


@pytest.fixture(scope="session")
def real_embedder() -> Embedder:
    """The default embedding model."""
    fetch(1)
    return installed_embedder(load())


def fetch(which: int) -> None:
    settings = load()
    model = find(default_models(settings)[which])
    if not installed(model, settings.models):
        for _ in pull(model, settings.models):
            pass
