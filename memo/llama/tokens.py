"""What a model sees of a prompt: our marks as its special tokens, a person's words never."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import llama_cpp

if TYPE_CHECKING:
    from memo.llama.templates import ChatTemplate
    from memo.lm import Prompt

_PIECE_BYTES = 256
"""More than any token of the known families spells."""


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """A prompt as the model sees it."""

    tokens: list[int]
    head: int
    """How many of them, from the first, hold nobody's words: instructions and worked examples."""


class Tokenizer:
    """A loaded model's vocabulary, under one chat template."""

    def __init__(self, model: Any, template: ChatTemplate) -> None:
        """Read the vocabulary.

        Args:
            model: llama.cpp's pointer; it must outlive this.
            template: How the model's family marks turns.
        """
        self.vocab = llama_cpp.llama_model_get_vocab(model)
        self.size: int = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self._template = template
        self._pieces: dict[int, bytes] = {}
        self._special = self._special_spellings()

    def ends(self, token: int) -> bool:
        """Whether a token ends a text."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocab, token))

    def piece(self, token: int) -> bytes:
        """What a token spells; a part of a character, perhaps."""
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(_PIECE_BYTES)
            size = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, _PIECE_BYTES, 0, False)
            self._pieces[token] = buffer.raw[: max(size, 0)]
        return self._pieces[token]

    def _special_spellings(self) -> re.Pattern[str]:
        """The spellings of all control and user-defined tokens.

        User-defined ones are matched by the tokenizer even when special tokens are not
        to be parsed (llama-vocab.cpp, `tokenizer_st_partition`), so they must be found first.
        """
        marked = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
        spellings = [
            llama_cpp.llama_vocab_get_text(self.vocab, token).decode("utf-8", "replace")
            for token in range(self.size)
            if llama_cpp.llama_vocab_get_attr(self.vocab, token) & marked
        ]
        return re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len)[::-1]) or "$^")

    def _raw(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) + 8
        buffer = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self.vocab, data, len(data), buffer, room, False, special)
        return list(buffer[:count])

    def plain(self, text: str) -> list[int]:
        """Tokens of somebody's words, in which no special token can appear."""
        pieces, start = [], 0
        for match in self._special.finditer(text):
            # Cutting after its first character breaks the spelling and keeps every character.
            pieces.append(text[start : match.start() + 1])
            start = match.start() + 1
        pieces.append(text[start:])
        return [token for piece in pieces for token in self._raw(piece, special=False)]

    def prompt(self, prompt: Prompt) -> PromptTokens:
        """A prompt under the template, and where its first untrusted words begin."""
        template = self._template
        tokens = self._raw(template.begin, special=True)
        pending_system: list[int] = []
        head: int | None = None
        for turn in prompt:
            if head is None and not all(segment.trusted for segment in turn.segments):
                head = len(tokens)
            words: list[int] = []
            for segment in turn.segments:
                if segment.trusted:
                    words += self._raw(segment.text, special=False)
                else:
                    words += self.plain(segment.text)
            if turn.role == "system" and template.system_in_user:
                pending_system = [*words, *self._raw("\n\n", special=False)]
                continue
            role = template.roles.get(turn.role, turn.role)
            tokens += self._raw(template.opening.format(role=role), special=True)
            tokens += pending_system + words
            pending_system = []
            if turn is not prompt[-1] or turn.role != "assistant":
                tokens += self._raw(template.closing, special=True)
        if prompt[-1].role != "assistant":
            role = template.roles.get("assistant", "assistant")
            tokens += self._raw(template.opening.format(role=role), special=True)
        return PromptTokens(tokens, head or 0)
