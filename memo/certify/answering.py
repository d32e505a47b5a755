"""Answers: what is so now, what was, and what has to be refused, from a memory told by code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.answer import Question
from memo.certify.probes import fits
from memo.records import Answer

if TYPE_CHECKING:
    from memo.certify.figures import Json
    from memo.certify.probes import Asked
    from memo.memory import Memory


def answered(asked: Asked, memory: Memory) -> Json:
    """Ask, and compare the answer with what is right."""
    *_, last = memory.ask(Question(asked.text, asked.as_of))
    assert isinstance(last, Answer)
    if asked.refuses:
        right = last.abstained in asked.refuses
    else:
        right = last.abstained is None and fits(last.answer, asked.match)
    return {
        "kind": asked.kind,
        "right": right,
        "answer": last.answer,
        "text": last.text,
        "abstained": last.abstained,
        "evaluated_tokens": last.usage.evaluated_tokens,
        "completion_tokens": last.usage.completion_tokens,
        "seconds": round(last.elapsed_s, 2),
    }
