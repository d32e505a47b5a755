"""Generation within a GBNF grammar."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp
import numpy as np

SHORTLIST = 40
"""Likeliest tokens tried against a grammar before the whole vocabulary is."""


class Grammar:
    """One sequence's place in a GBNF grammar."""

    def __init__(self, vocab: int, grammar: str) -> None:
        """Start at the root.

        Raises:
            ValueError: llama.cpp cannot parse the grammar.
        """
        self._sampler = llama_cpp.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
        if not self._sampler:
            raise ValueError("llama.cpp refuses the grammar.")

    def pick(self, logits: np.ndarray[Any, Any]) -> int:
        """The likeliest token that the grammar allows next, accepted."""
        # A full-vocabulary check costs more than evaluating a token on a small model.
        shortlist = np.argpartition(logits, -SHORTLIST)[-SHORTLIST:]
        token = self._best(shortlist, logits)
        if token is None:
            token = self._best(np.arange(len(logits)), logits)
        if token is None:
            raise ValueError("The grammar allows no token.")
        llama_cpp.llama_sampler_accept(self._sampler, token)
        return token

    def _best(self, tokens: np.ndarray[Any, Any], logits: np.ndarray[Any, Any]) -> int | None:
        size = len(tokens)
        rows = np.zeros(size, [("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        rows["id"], rows["logit"] = tokens, logits[tokens]
        array = llama_cpp.llama_token_data_array(
            data=rows.ctypes.data_as(llama_cpp.llama_token_data_p),
            size=size,
            selected=-1,
            sorted=False,
        )
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))
        best = int(rows["logit"].argmax())
        return None if np.isneginf(rows["logit"][best]) else int(rows["id"][best])

    def close(self) -> None:
        """Free it."""
        llama_cpp.llama_sampler_free(self._sampler)
