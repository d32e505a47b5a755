"""The two protocols without networks: a model that replies from tables, an embedder that hashes.

Prompts are told apart by the builders of `memo.prompts`, so a reworded prompt changes no test.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np

from memo import prompts, wording
from memo.errors import ContextOverflow
from memo.lm import Completion, EmbedderIdentity
from memo.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from memo.lm import Prompt, Vectors

_TOKEN = re.compile(r"\w+|[^\w\s]")
_EXTRACTION = prompts.extraction("", "", None, "")[0]
_RIGHT = prompts.RIGHT
_SLOT = prompts.slot("")[0]
_READING = prompts.reading("", "", "")[0]
_OVERTAKING = prompts.overtaking("", "", "")[0]
_COMPETING = prompts.competing("", "")[0]
_ASPECTS = prompts.aspects("")[0]


def _as_asked(slot: tuple[str, str]) -> tuple[str, str]:
    """A sentence and its slot under the names by which the model is asked."""
    sentence, reply = slot
    lent = wording.renamed(sentence, wording.leading_subjects(sentence))
    for name, common in lent.names:
        reply = re.sub(rf"\b{re.escape(name)}\b", common, reply)
    return lent.text, reply


class FakeLM:
    """A `LanguageModel` that is asked for known things and says so where it is not.

    Args:
        extracts: Words of a sentence to the facts extracted from it; else none.
        slots: A sentence to `question | answer | kind`; else a form that fits nothing.
        readings: Words of a message and a question to what the message answers; else "not said".
        wrong: Statements that no message says; all others are right.
        overtaken: A fact to the words by which any message ends it; else it holds.
        beside: Newer facts that leave any older one true; others exclude what they are put to.
        aspects: What usually changes with anything, with commas.
        answers: Words of any other prompt to the reply; else "".
        before: Called before every call, to fail or to stop there.
    """

    def __init__(
        self,
        *,
        extracts: Mapping[str, Sequence[str]] | None = None,
        slots: Mapping[str, str] | None = None,
        readings: Mapping[tuple[str, str], str] | None = None,
        wrong: Sequence[str] = (),
        right: Mapping[str, float] | None = None,
        overtaken: Mapping[str, str] | None = None,
        beside: Sequence[str] = (),
        aspects: str = "the weather",
        answers: Mapping[str, str] | None = None,
        context_tokens: int = 4096,
        before: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = "fake"
        self.context_tokens = context_tokens
        self.asked: list[str] = []
        """The last turn of every prompt."""
        self._extracts = extracts or {}
        self._slots = dict(map(_as_asked, (slots or {}).items()))
        self._readings = readings or {}
        self._wrong = wrong
        self._right = right or {}
        """How likely `RIGHT` is for statements that are neither right nor wrong."""
        self._overtaken = overtaken or {}
        self._beside = beside
        self._aspects = aspects
        self._answers = answers or {}
        self._before = before
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        return self._usage

    def count_tokens(self, text: str) -> int:
        return len(_TOKEN.findall(text))

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        chances = np.full((len(prompts), len(labels)), 0.1 / max(len(labels) - 1, 1), np.float32)
        for row, prompt in zip(chances, prompts, strict=True):
            reply = self._reply(prompt)
            row[labels.index(reply) if reply in labels else 0] = 0.9
            asked = prompt[-1].segments[-1].text
            if _RIGHT in labels and asked in self._right:
                row[:] = self._right[asked], 1 - self._right[asked]
        self._count(prompts, completed=0)
        chances /= chances.sum(axis=1, keepdims=True)
        return chances

    def complete(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
    ) -> list[Completion]:
        replies = [self._reply(prompt) for prompt in prompts]
        for mark in stop:
            replies = [reply.partition(mark)[0] for reply in replies]
        whole = [Completion(reply, self.count_tokens(reply) <= max_tokens) for reply in replies]
        done = [
            one if one.finished else Completion(self._cut(one.text, max_tokens), False)
            for one in whole
        ]
        self._count(prompts, completed=sum(self.count_tokens(one.text) for one in done))
        return done

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        (reply,) = self.complete([prompt], max_tokens=max_tokens, stop=stop)
        yield from re.findall(r"\s*\S+", reply.text)

    def _cut(self, text: str, tokens: int) -> str:
        ends = [match.end() for match in _TOKEN.finditer(text)]
        return text[: ends[tokens - 1]]

    def _count(self, prompts: Sequence[Prompt], completed: int) -> None:
        tokens = sum(
            self.count_tokens(segment.text)
            for prompt in prompts
            for turn in prompt
            for segment in turn.segments
        )
        used = self._usage
        self._usage = Usage(
            used.calls + 1,
            used.prompt_tokens + tokens,
            used.evaluated_tokens + tokens,
            used.completion_tokens + completed,
        )

    def _reply(self, prompt: Prompt) -> str:
        last = "".join(segment.text for segment in prompt[-1].segments)
        self._before(last)
        self.asked.append(last)
        if self.count_tokens(last) > self.context_tokens:
            raise ContextOverflow(f"A prompt does not fit {self.context_tokens} tokens.")
        match prompt[0]:
            case system if system == _EXTRACTION:
                part = last.rpartition("Sentence: ")[2]
                found = [text for words, text in self._extracts.items() if words in part]
                return "\n".join(line for lines in found for line in lines) or "none"
            case system if system == _SLOT:
                return self._slots.get(last.strip(), "")
            case system if system == _READING and "\nStatement: " in last:
                denied = any(last.endswith(statement) for statement in self._wrong)
                return prompts.WRONG if denied else prompts.RIGHT
            case system if system == _OVERTAKING:
                ends = next((q for f, q in self._overtaken.items() if last.endswith(f)), None)
                return f"{ends} | {prompts.OVER}" if ends else f"nothing | {prompts.HOLDS}"
            case system if system == _READING:
                for (words, question), reply in self._readings.items():
                    if words in last and last.endswith(question):
                        return reply
                return prompts.NOT_SAID
            case system if system == _COMPETING:
                return prompts.BESIDE if last.endswith(tuple(self._beside)) else prompts.INSTEAD
            case system if system == _ASPECTS:
                return self._aspects
        return next((reply for words, reply in self._answers.items() if words in last), "")


class HashEmbedder:
    """An `Embedder` by bag of hashed words: texts with common words are near each other."""

    def __init__(self, name: str = "hash", dim: int = 384) -> None:
        self.identity = EmbedderIdentity(name, hashlib.sha256(name.encode()).hexdigest(), dim)

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.full((len(texts), self.identity.dim), 1e-3, np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()):
                digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
                row[int.from_bytes(digest[:4], "big") % self.identity.dim] += 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


WORK, HOME = "Where does Ann work?", "Where does Ann live?"
ANN = {
    "2024-01-05": "I started at Acme. I live in Hull.",
    "2024-06-01": "I left Acme. I work at Borealis now.",
}
"""What Ann says, and when."""


def ann(before: Callable[[str], None] = lambda _: None, context_tokens: int = 4096) -> FakeLM:
    """A model that understands Ann."""
    return FakeLM(
        extracts={
            "started at Acme": ["Ann works at Acme."],
            "work at Borealis": ["Ann works at Borealis."],
            "live in Hull": ["Ann lives in Hull."],
        },
        slots={
            "Ann works at Acme.": f"{WORK} | Acme | one",
            "Ann works at Borealis.": f"{WORK} | Borealis | one",
            "Ann lives in Hull.": f"{HOME} | Hull | one",
            "Ann lives in York.": f"{HOME} | York | one",
        },
        readings={
            ("started at Acme", WORK): "Acme",
            ("work at Borealis", WORK): "Borealis",
            ("live in Hull", HOME): "Hull",
        },
        answers={
            WORK: "Borealis | Ann works at Borealis.",
            "Where did Ann work before?": "Acme | Ann worked at Acme.",
        },
        before=before,
        context_tokens=context_tokens,
    )
