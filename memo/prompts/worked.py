"""What prompts are made of: worked examples as turns, and a fence around a person's words."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from string import ascii_lowercase

from memo.lm import Prompt, Segment, Turn, quoted

NOT_SAID = "not said"
MAX_FACT_CHARACTERS = 240


def fence() -> str:
    """A word that no document can know beforehand: 23 bits; as hexadecimal, twice the tokens."""
    return "".join(secrets.choice(ascii_lowercase) for _ in range(5))


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: what the user turn holds, and the reply."""

    asked: str
    reply: str


def shots(instruction: str, examples: tuple[Example, ...]) -> Prompt:
    """An instruction with worked examples, to be followed by what is really asked."""
    turns = [Turn("system", (Segment(instruction),))]
    for example in examples:
        turns.append(Turn("user", (Segment(example.asked),)))
        turns.append(Turn("assistant", (Segment(example.reply),)))
    return tuple(turns)


Dialogue = tuple[str, tuple[tuple[str, str], ...]]
"""A text, and what is put to it one after another: what is asked, and the reply."""


def dialogues(samples: tuple[Dialogue, ...], kind: str = "Message") -> tuple[Example, ...]:
    """Worked examples that put several things to one text, which stands before the first."""
    return tuple(
        Example((f"{kind} <sample>\n{text}\n</sample>\n" if i == 0 else "") + asked, reply)
        for text, pairs in samples
        for i, (asked, reply) in enumerate(pairs)
    )


def labelled(label: str, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Pairs of what is asked and the reply, the asked one behind a label."""
    return tuple((f"{label}: {asked}", reply) for asked, reply in pairs)


def message(text: str, word: str) -> tuple[Segment, ...]:
    """A person's words between fences."""
    return (Segment(f"Message <{word}>\n"), quoted(text), Segment(f"\n</{word}>"))
