"""Which claims and facts fill the same slot: they answer the same question about the same one.

Questions are open-vocabulary and worded by a model, so that `Where does Ann work?` and `What job
does Ann have?` may ask the same. A small model reads better than it judges (docs/erase.md): where
the questions leave a doubt, each sentence is read for the question of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo import prompts, wording
from memo.claims import bare, has_slot, same_subject, says, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.extract import Said
    from memo.lm import Embedder, LanguageModel, Vectors
    from memo.records import Claim, Fact

SAME_SLOT = 0.80
"""Cosine of two questions, subject left out, from which one reading is enough; MiniLM-L6 int8."""
NEAR_SLOT = 0.50
"""Least cosine of two questions, or of two sentences, that may be about the same."""


def same_slots(
    said: Sequence[Said],
    facts: Sequence[Fact],
    lm: LanguageModel,
    embedder: Embedder,
    word: str,
) -> dict[int, list[Fact]]:
    """For the index of each extracted claim with a slot, the facts in the same one.

    Args:
        said: What a document says.
        facts: Candidates, in any state.
        lm: Reads.
        embedder: Tells how alike two questions are.
        word: The fence of this document.
    """
    slotted = [i for i, s in enumerate(said) if has_slot(s.claim)]
    known = [fact for fact in facts if has_slot(fact.claim)]
    same: dict[int, list[Fact]] = {i: [] for i in slotted}
    if not slotted or not known:
        return same
    ours, theirs = [said[i].claim for i in slotted], [fact.claim for fact in known]
    asking = _alike(list(map(bare, ours)), list(map(bare, theirs)), embedder)
    telling = _alike(list(map(_told, ours)), list(map(_told, theirs)), embedder)
    doubtful: list[tuple[int, Fact]] = []
    needed: list[int] = []
    for row, i in enumerate(slotted):
        for column, fact in enumerate(known):
            claim = said[i].claim
            if not same_subject(claim, fact.claim):
                continue
            if wording.content(claim.question) == wording.content(fact.claim.question):
                same[i].append(fact)
            elif asking[row, column] >= SAME_SLOT:
                doubtful.append((i, fact))
                needed.append(1)
            elif (
                max(asking[row, column], telling[row, column]) >= NEAR_SLOT
                and not (claim.several or fact.claim.several or said[i].ends)
                and not (says(claim, fact.claim) or says(fact.claim, claim))
            ):
                doubtful.append((i, fact))
                needed.append(2)
    answered = _cross_read([(said[i].claim, fact.claim) for i, fact in doubtful], lm, word)
    for (i, fact), least, count in zip(doubtful, needed, answered, strict=True):
        if count >= least:
            same[i].append(fact)
    return same


def _told(claim: Claim) -> str:
    return without(claim.text, claim.subjects)


def _alike(some: list[str], others: list[str], embedder: Embedder) -> Vectors:
    return embedder.embed(some) @ embedder.embed(others).T


def _cross_read(pairs: list[tuple[Claim, Claim]], lm: LanguageModel, word: str) -> list[int]:
    """How many of two claims answer the question of the other with their value: 0 to 2."""
    if not pairs:
        return []
    asked = [(text, about) for a, b in pairs for text, about in ((a, b), (b, a))]
    replies = lm.complete(
        [prompts.reading(text.text, about.question, word) for text, about in asked],
        max_tokens=prompts.READING_TOKENS,
        stop=("\n",),
    )
    answers = [
        reply.finished and wording.same_value(reply.text, text.value)
        for reply, (text, _) in zip(replies, asked, strict=True)
    ]
    return [a + b for a, b in zip(answers[::2], answers[1::2], strict=True)]
