"""The published ERASE (Li et al. 2024, as docs/erase.md describes it), as a yardstick.

Written anew with prompts in our own words: the facts nearest to a document are judged one by one
with reasoning, each that was made false is rewritten if that is possible, then the document's
facts are added; questions are answered from facts with their histories.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from memo.eval.methods import Answered, Note, Read, documents, from_notes
from memo.lm import Segment, Turn, quoted
from memo.records import from_utc_text, utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memo.eval.cases import Asked, Chunk
    from memo.eval.methods import Tools
    from memo.lm import LanguageModel, Prompt
    from memo.records import Document

REPLY_TOKENS = 192
"""Most tokens of a reasoned verdict or a rewrite."""
EXTRACTION_TOKENS = 768
CANDIDATES = 35
"""Facts judged for a document: as many as in the published runs."""
SHOWN = 20
"""Facts that an answer sees."""
_NO_REWRITE = "no rewrite possible"

_JUDGE = (
    "You are given a document and a fact that was believed before it was written. Decide what the "
    "document does to the fact. It may reinforce the fact: the document says the fact again, or "
    "makes it more plausible. It may make the fact false: after what the document says, the fact "
    "can no longer hold, or it held only in the past. Or there is no change: the document has "
    "nothing to do with the fact. Think about it step by step first, in a sentence or two: who "
    "and what does the fact speak of, what does the document say of them, and what follows from "
    "that? Close with a last line that holds one verdict only: reinforce, make false or no change."
)
_REWRITE = (
    "After the document, a fact does not hold any more. Write it anew so that it is true, given "
    "the document and the facts that still hold. Change as little as possible and say nothing that "
    f"does not follow from them. If there is no way to do so, say: {_NO_REWRITE}."
)
_EXTRACT = (
    "Write down all facts that the document states about people and things, as they are now. Each "
    "must stand by itself: names instead of pronouns, one short sentence, one fact a line. Leave "
    "out opinions, questions and small talk."
)


def verdicts(
    text: str, facts: Sequence[str], lm: LanguageModel, reply_tokens: int = REPLY_TOKENS
) -> list[str]:
    """What a document does to each fact: a call a fact; `no change` where no verdict is named."""
    found = []
    for fact in facts:
        reply = _one(lm, _ask(_JUDGE, ("Document", text), ("Fact", fact)), reply_tokens)
        last = reply.casefold().strip().rpartition("\n")[2]
        named = [verdict for verdict in ("make false", "reinforce") if verdict in last]
        found.append(named[0] if len(named) == 1 else "no change")
    return found


def rewritten(
    text: str,
    fact: str,
    holding: Sequence[str],
    lm: LanguageModel,
    reply_tokens: int = REPLY_TOKENS,
) -> str | None:
    """The fact as it is true after the document; None where there is no such sentence."""
    parts = (("Document", text), ("Facts that hold", "\n".join(holding)), ("Fact", fact))
    reply = _one(lm, _ask(_REWRITE, *parts), reply_tokens).strip().partition("\n")[0]
    return None if not reply or _NO_REWRITE in reply.casefold() else reply


def extracted(text: str, lm: LanguageModel, reply_tokens: int = EXTRACTION_TOKENS) -> list[str]:
    """The facts that a document states."""
    reply = _one(lm, _ask(_EXTRACT, ("Document", text)), reply_tokens)
    lines = [line.strip(" -*•\t") for line in reply.splitlines()]
    return [line for line in lines if line]


def read_as_published(
    text: str, facts: Sequence[str], lm: LanguageModel, reply_tokens: int
) -> None:
    """One document through the whole flow, for what it costs."""
    said = verdicts(text, facts, lm, reply_tokens)
    false = [f for f, verdict in zip(facts, said, strict=True) if verdict == "make false"]
    holding = [fact for fact in facts if fact not in false]
    for fact in false:
        rewritten(text, fact, holding, lm, reply_tokens)
    extracted(text, lm, reply_tokens)


def _ask(instruction: str, *parts: tuple[str, str]) -> Prompt:
    segments = [Segment(f"{instruction}\n")]
    for label, text in parts:
        segments += [Segment(f"\n{label}: "), quoted(text), Segment("\n")]
    return (Turn("user", tuple(segments)),)


def _one(lm: LanguageModel, prompt: Prompt, reply_tokens: int) -> str:
    (reply,) = lm.complete([prompt], max_tokens=reply_tokens)
    return reply.text


@dataclass(slots=True)
class _Belief:
    """A fact with its history."""

    text: str
    history: list[tuple[datetime, bool]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.history[-1][1]


class Reference:
    """The published algorithm with memo's model, embedder and prompt for answers."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._beliefs: list[_Belief] = []
        self._vectors = np.zeros((0, tools.embedder.identity.dim), np.float32)

    def read(self, chunk: Chunk) -> Read:
        """Retrieve, judge, rewrite, then add."""
        started, before = time.monotonic(), self._tools.lm.usage
        believed = tuple(belief.text for belief in self._beliefs if belief.holds)
        retired = [fact for document in documents(chunk) for fact in self._edit(document)]
        usage = self._tools.lm.usage - before
        elapsed_s = time.monotonic() - started
        return Read(usage, elapsed_s, self._saved(), believed, tuple(retired))

    def _edit(self, document: Document) -> list[str]:
        """One document through the whole flow; the facts that it made false."""
        lm, text, at = self._tools.lm, document.text, document.at
        near = [n for n in self._nearest(text, CANDIDATES) if self._beliefs[n].holds]
        facts = [self._beliefs[n].text for n in near]
        said = verdicts(text, facts, lm)
        holding = [f for f, verdict in zip(facts, said, strict=True) if verdict != "make false"]
        retired, added = [], []
        for n, verdict in zip(near, said, strict=True):
            if verdict == "reinforce":
                self._beliefs[n].history.append((at, True))
            if verdict == "make false":
                self._beliefs[n].history.append((at, False))
                retired.append(self._beliefs[n].text)
                anew = rewritten(text, self._beliefs[n].text, holding, lm)
                if anew is not None:
                    added.append(anew)
        for fact in [*added, *extracted(text, lm)]:
            self._add(fact, at)
        return retired

    def restore(self, chunk: Chunk, kept: Any) -> None:
        """Take over all beliefs as they were then."""
        self._beliefs = [
            _Belief(text, [(from_utc_text(at), truth) for at, truth in history])
            for text, history in kept
        ]
        texts = [belief.text for belief in self._beliefs]
        self._vectors = self._tools.embedder.embed(texts)

    def answer(self, asked: Asked, at: datetime) -> Answered:
        """From the nearest facts, each with all of its history."""
        notes = [
            Note(self._beliefs[n].history[0][0], _with_history(self._beliefs[n]))
            for n in self._nearest(asked.text, SHOWN)
        ]
        return from_notes(notes, asked, at, self._tools.lm)

    def _saved(self) -> list[Any]:
        return [
            [belief.text, [[utc_text(at), truth] for at, truth in belief.history]]
            for belief in self._beliefs
        ]

    def _add(self, fact: str, at: datetime) -> None:
        known = next((belief for belief in self._beliefs if belief.text == fact), None)
        if known is not None:
            known.history.append((at, True))
            return
        self._beliefs.append(_Belief(fact, [(at, True)]))
        vector = self._tools.embedder.embed([fact])
        self._vectors = np.concatenate([self._vectors, vector])

    def _nearest(self, text: str, count: int) -> list[int]:
        if not self._beliefs:
            return []
        scores = self._vectors @ self._tools.embedder.embed([text])[0]
        return [int(n) for n in np.argsort(-scores, kind="stable")[:count]]


def _with_history(belief: _Belief) -> str:
    events = ", ".join(f"{at:%Y-%m-%d}: {truth}" for at, truth in belief.history)
    return f"{belief.text} ({events})"
