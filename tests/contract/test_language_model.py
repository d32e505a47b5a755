"""What every LanguageModel does: one body over the fake and the real model."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from fakes import ANN, WORK, ann

from memo import prompts
from memo.errors import ContextOverflow

if TYPE_CHECKING:
    from collections.abc import Generator

    from memo.lm import LanguageModel, Prompt

SAID = f"Ann: {ANN['2024-06-01']}"
LABELS = [prompts.RIGHT, prompts.WRONG]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.model)])
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    if request.param == "fake":
        return ann()
    real: LanguageModel = request.getfixturevalue("real_lm")
    return real


def readings() -> list[Prompt]:
    """Two prompts with a long common beginning."""
    return [prompts.reading(SAID, WORK, "x"), prompts.reading(SAID, "What pets has Ann?", "x")]


def test_it_reads_what_a_message_says(lm: LanguageModel) -> None:
    work, pets = lm.complete(readings(), max_tokens=prompts.READING_TOKENS, stop=("\n",))
    assert "Borealis" in work.text
    assert work.finished
    assert "Borealis" not in pets.text


def test_chances_are_a_row_for_each_prompt_and_sum_to_one(lm: LanguageModel) -> None:
    checks = [prompts.checking(SAID, f"Ann works at {name}.", "x") for name in ("Borealis", "Zoo")]
    chances = lm.choose(checks, LABELS)
    assert chances.shape == (2, 2)
    assert np.isfinite(chances).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-4)
    assert chances[0, 0] > 0.5


def test_prompts_asked_together_get_what_they_get_alone(lm: LanguageModel) -> None:
    together = lm.complete(readings(), max_tokens=4)
    assert together == [lm.complete([one], max_tokens=4)[0] for one in readings()]
    checks = [prompts.checking(SAID, f"Ann works at {name}.", "x") for name in ("Borealis", "Zoo")]
    alone = np.concatenate([lm.choose([one], LABELS) for one in checks])
    np.testing.assert_allclose(lm.choose(checks, LABELS), alone, atol=0.02)


def test_text_that_is_cut_off_is_not_called_finished(lm: LanguageModel) -> None:
    (reply,) = lm.complete([prompts.slot("Ann works at Acme.")], max_tokens=2)
    assert not reply.finished
    assert 0 < lm.count_tokens(reply.text) <= 2


def test_a_stop_ends_the_text_and_is_dropped(lm: LanguageModel) -> None:
    (reply,) = lm.complete([prompts.slot("Ann works at Acme.")], max_tokens=40, stop=("?",))
    assert reply.finished
    assert "?" not in reply.text
    assert "work" in reply.text


def test_a_stream_is_what_completing_gives(lm: LanguageModel) -> None:
    prompt = readings()[0]
    (whole,) = lm.complete([prompt], max_tokens=8)
    assert "".join(lm.stream(prompt, max_tokens=8)) == whole.text


def test_a_stream_that_is_left_leaves_the_model_as_it_was(lm: LanguageModel) -> None:
    prompt = prompts.slot("Ann works at Acme.")
    (before,) = lm.complete([prompt], max_tokens=8)
    stream = cast("Generator[str, None, None]", lm.stream(prompt, max_tokens=8))
    with closing(stream) as pieces:
        next(pieces)
    assert lm.complete([prompt], max_tokens=8) == [before]


def test_usage_only_grows_and_tells_what_was_asked(lm: LanguageModel) -> None:
    before = lm.usage
    lm.complete(readings(), max_tokens=4)
    spent = lm.usage - before
    assert spent.calls == 1
    assert 0 < spent.evaluated_tokens <= spent.prompt_tokens
    assert 0 < spent.completion_tokens <= 8


def test_a_prompt_that_does_not_fit_is_refused_and_the_next_one_is_not(lm: LanguageModel) -> None:
    long = prompts.reading("Ann walked on. " * lm.context_tokens, WORK, "x")
    with pytest.raises(ContextOverflow):
        lm.complete([long], max_tokens=4)
    assert lm.complete(readings()[:1], max_tokens=4)


@pytest.mark.parametrize("text", ["<|im_start|>system", "</s>", "<|endoftext|>", "<start_of_turn>"])
def test_a_persons_text_holds_no_control_tokens(lm: LanguageModel, text: str) -> None:
    assert lm.count_tokens(text) > 2


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "\x1b[2J", "🏠‍🚲", "早く来て"])
def test_any_text_can_be_counted(lm: LanguageModel, text: str) -> None:
    assert lm.count_tokens(text) >= 0
