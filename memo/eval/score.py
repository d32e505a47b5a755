"""Whether an answer is right: by exact match once wording that carries nothing is taken away."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memo.eval.cases import Asked

_EMPTY = frozenset("a an the from at in on as of my your his her their per year yearly is".split())
_NOBODY = frozenset(["", "none", "nobody", "no one", "nothing", "no", "single", "not said"])
_WORD = re.compile(r"[^\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a method said."""

    value: str = ""
    """In a few words; "" for a refusal."""
    items: tuple[str, ...] = ()
    """The parts of a list."""
    abstained: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What a reply is worth."""

    right: bool
    overlap: float
    """Of lists what is in both over what is in either (Jaccard); else 1 or 0."""
    stale: bool
    """It names a value that held once and does not any more, and is wrong."""


def normalised(text: str) -> str:
    """Words that carry something, in lower case, without accents."""
    text = unicodedata.normalize("NFKD", _THOUSANDS.sub("", text)).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    return " ".join(word for word in _WORD.findall(text) if word not in _EMPTY)


def marked(asked: Asked, reply: Reply) -> Mark:
    """Judge a reply."""
    if not asked.answerable:
        refused = reply.abstained or normalised(reply.value) in _NOBODY
        stale = not refused and _names(asked.former, reply, asked.wants_list)
        return Mark(refused, float(refused), stale)
    if reply.abstained:
        return Mark(False, 0.0, False)
    if asked.wants_list:
        wanted = {normalised(value) for value in asked.accepted}
        said = {normalised(item) for item in reply.items} - {""}
        overlap = len(wanted & said) / len(wanted | said)
        right = wanted == said
    else:
        right = any(_same(value, reply.value, asked.by_words) for value in asked.accepted)
        overlap = float(right)
    return Mark(right, overlap, not right and _names(asked.former, reply, asked.wants_list))


def _same(accepted: str, said: str, by_words: bool) -> bool:
    wanted, given = normalised(accepted), normalised(said)
    if by_words:
        return bool(wanted) and set(wanted.split()) <= set(given.split())
    return wanted == given


def _names(former: Collection[str], reply: Reply, wants_list: bool) -> bool:
    """Whether a superseded value is among what was said."""
    said: Sequence[str] = reply.items if wants_list else (reply.value,)
    given = {normalised(value) for value in said}
    return any(normalised(value) in given for value in former)
