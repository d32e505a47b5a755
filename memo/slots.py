"""Which claims and facts fill the same slot: they answer the same question about the same one.

Questions are open-vocabulary and worded by a model, so that `Where does Ann work?` and `What job
does Ann have?` may ask the same. A small model reads better than it judges (docs/erase.md): where
the questions leave a doubt, each sentence is read for the question of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo import prompts, wording
from memo.claims import bare, has_slot, same_subject, says, supplants, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.extract import Said
    from memo.lm import Embedder, LanguageModel, Vectors
    from memo.records import Claim, Fact

SAME_SLOT = 0.80
"""Cosine of two questions, subject left out, from which one reading is enough; MiniLM-L6 int8."""
NEAR_SLOT = 0.50
"""Least cosine of two questions, or of two sentences, that may be about the same."""
COMPETING = 0.60
"""Likelihood of `INSTEAD` from which two facts with unequal questions compete for a slot."""
COEXISTING = 0.45
"""Likelihood of `INSTEAD` below which even two answers to one question stand beside each other."""
AGREEING = 0.70
"""Likelihood of `INSTEAD` from which it is a witness that an older fact has ended."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Which facts each extracted claim competes with."""

    same: dict[int, list[Fact]]
    """For the index of each claim with a slot, the facts in the same one."""
    beside: frozenset[int]
    """Claims that stand beside another answer to their very question."""


class Exclusion:
    """How likely each newer sentence excludes the older one before it, from 0 to 1.

    For one document, which compares the same two sentences at more than one step: each pair is
    put to the model once.
    """

    def __init__(self, lm: LanguageModel) -> None:
        self._lm = lm
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The likelihoods of pairs of an older and a newer sentence."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if new:
            asked = [prompts.competing(older, newer) for older, newer in new]
            chances = self._lm.choose(asked, [prompts.INSTEAD, prompts.BESIDE])
            self._known |= {pair: float(row[0]) for pair, row in zip(new, chances, strict=True)}
        return [self._known[pair] for pair in pairs]


def same_slots(
    said: Sequence[Said],
    facts: Sequence[Fact],
    lm: LanguageModel,
    exclusion: Exclusion,
    embedder: Embedder,
    word: str,
) -> Slots:
    """Find the facts that fill the slots of extracted claims.

    Args:
        said: What a document says.
        facts: Candidates, in any state.
        lm: Reads.
        exclusion: Tells whether two facts exclude each other.
        embedder: Tells how alike two questions are.
        word: The fence of this document.
    """
    slotted = [i for i, s in enumerate(said) if has_slot(s.claim)]
    known = [fact for fact in facts if has_slot(fact.claim)]
    if not slotted or not known:
        return Slots({i: [] for i in slotted}, frozenset())
    ours, theirs = [said[i].claim for i in slotted], [fact.claim for fact in known]
    asking = _alike(list(map(bare, ours)), list(map(bare, theirs)), embedder)
    telling = _alike(list(map(_told, ours)), list(map(_told, theirs)), embedder)
    equal: list[tuple[int, Fact]] = []
    alike: list[tuple[int, Fact]] = []
    both: list[bool] = []
    """For each of `alike`, whether one reading is not enough."""
    for row, i in enumerate(slotted):
        for column, fact in enumerate(known):
            claim = said[i].claim
            if not same_subject(claim, fact.claim):
                continue
            if wording.content(claim.question) == wording.content(fact.claim.question):
                equal.append((i, fact))
            elif wording.only_happened(claim.text):
                continue  # `has twisted her knee` takes the place of no illness
            elif asking[row, column] >= SAME_SLOT:
                alike.append((i, fact))
                both.append(False)
            elif (
                max(asking[row, column], telling[row, column]) >= NEAR_SLOT
                and not (claim.several or fact.claim.several or said[i].ends)
                and not (says(claim, fact.claim) or says(fact.claim, claim))
            ):
                alike.append((i, fact))
                both.append(True)
    answered = _cross_read([(said[i].claim, fact.claim) for i, fact in alike], both, lm, word)
    read = [pair for pair, is_same in zip(alike, answered, strict=True) if is_same]
    excluding = dict(zip(equal + read, _excluding(said, equal + read, exclusion), strict=True))
    same: dict[int, list[Fact]] = {i: [] for i in slotted}
    for i, fact in equal + read:
        instead = (i, fact) in equal or wording.comes_instead(said[i].evidence.quote)
        least = COEXISTING if instead else COMPETING
        if excluding[i, fact] >= least:
            same[i].append(fact)
    beside = frozenset(i for i, fact in equal if fact not in same[i] and not said[i].claim.several)
    return Slots(same, beside)


def _excluding(
    said: Sequence[Said], pairs: Sequence[tuple[int, Fact]], exclusion: Exclusion
) -> list[float]:
    """`Exclusion` of claims and facts; 1 where they cannot both be said of today anyway."""
    asked = [
        (i, fact)
        for i, fact in pairs
        if not said[i].ends
        and not wording.ends_something(fact.text)
        and not wording.same_value(said[i].claim.value, fact.claim.value)
        and not supplants(said[i].claim, fact.claim)
    ]
    chances = exclusion([(fact.text, said[i].claim.text) for i, fact in asked])
    found = dict(zip(asked, chances, strict=True))
    return [found.get(pair, 1.0) for pair in pairs]


def _told(claim: Claim) -> str:
    return without(claim.text, claim.subjects)


def _alike(some: list[str], others: list[str], embedder: Embedder) -> Vectors:
    return embedder.embed(some) @ embedder.embed(others).T


def _cross_read(
    pairs: list[tuple[Claim, Claim]], both: list[bool], lm: LanguageModel, word: str
) -> list[bool]:
    """Whether one of two claims answers the question of the other with its value, or each does.

    The second is read only where the first has not decided.
    """
    found = _answers(pairs, lm, word)
    open_ = [i for i, yes in enumerate(found) if yes == both[i]]
    again = _answers([pairs[i][::-1] for i in open_], lm, word)
    decided = dict(zip(open_, again, strict=True))
    return [decided.get(i, yes) for i, yes in enumerate(found)]


def _answers(pairs: list[tuple[Claim, Claim]], lm: LanguageModel, word: str) -> list[bool]:
    """Whether the first claim of each pair answers the question of the second."""
    if not pairs:
        return []
    replies = lm.complete(
        [prompts.reading(text.text, about.question, word) for text, about in pairs],
        max_tokens=prompts.READING_TOKENS,
        stop=("\n",),
    )
    return [
        reply.finished and wording.same_value(reply.text, text.value)
        for reply, (text, _) in zip(replies, pairs, strict=True)
    ]
