"""What holds for all tests, and the real models, fetched once for all that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from memo.engines import installed_embedder, installed_language_model
from memo.models import default_models, find, installed, pull
from memo.settings import load

if TYPE_CHECKING:
    from memo.lm import Embedder, LanguageModel

settings.register_profile("memo", deadline=None)  # a busy machine is no failure
settings.load_profile("memo")


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
    chosen = load()
    model = find(default_models(chosen)[which])
    if not installed(model, chosen.models):
        for _ in pull(model, chosen.models):
            pass
