"""What a document ends in words that no list of endings holds: `we are square`.

A small model asked for a verdict says what it likes; asked to copy the words that bear on a fact
and then for the verdict, and held to them, it is right more often than not. One such reading ends
nothing: code asks for a second witness (docs/erase.md: two witnesses).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memo import prompts, wording
from memo.claims import core, goes_on, has_slot, whose, without
from memo.slots import exclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.extract import Said
    from memo.lm import Embedder, LanguageModel
    from memo.records import Evidence, Fact, FactId
    from memo.told import Told

AGREEING = 0.70
"""Likelihood of exclusion from which it is a witness."""
LIKELY = 0.60
"""The same where the fact does not pass as one of the document's statements, either."""
NEAREST = 12
"""Pairs of a fact and a claim that are compared, those nearest in meaning."""
MIN_NEAR = 0.25
"""Least cosine of such a pair, names left out; MiniLM-L6 int8."""


def overtaken(
    told: Told,
    facts: Sequence[Fact],
    said: Sequence[Said],
    lm: LanguageModel,
    embedder: Embedder,
) -> dict[FactId, Evidence]:
    """Facts that a document makes false, each with its words that do.

    Asked of facts of whose value the document speaks, and of those that one of its claims
    excludes. The words must be the document's and speak of the value or be those of the claim.
    For a second witness the words or the claim exclude it, or the words are an ending by a list.
    What happened once is not ended by anything.

    Args:
        told: The document.
        facts: Live facts that it may speak of and does not say again.
        said: The document's claims.
        lm: Reads.
        embedder: Tells which claims are near which facts.
    """
    lasting = [
        f
        for f in facts
        if has_slot(f.claim) and goes_on(f.claim) and not wording.ends_something(f.text)
    ]
    spoken_of = wording.telling(told.text)
    rivals = _rivals(lasting, said, lm, embedder)
    asked = [f for f in lasting if f.id in rivals or _value(f) & spoken_of]
    if not asked:
        return {}
    about = {f.id: _value(f) | _said_by(rivals.get(f.id)) for f in asked}
    replies = lm.complete(
        [prompts.overtaking(told.around(about[f.id]), f.text, told.word) for f in asked],
        max_tokens=prompts.OVERTAKING_TOKENS,
        grammar=prompts.OVERTAKING_GRAMMAR,
    )
    found: dict[FactId, Evidence] = {}
    doubtful: list[tuple[Fact, str, Evidence]] = []
    for fact, reply in zip(asked, replies, strict=True):
        quote = prompts.parse_overtaken(reply.text, finished=reply.finished)
        if not quote or quote not in told.text:
            continue
        rival = rivals.get(fact.id)
        if rival is not None and _said_by(rival) & wording.content(quote):
            if not told.replaces_nothing(rival.evidence):
                found[fact.id] = rival.evidence
            continue
        named = " ".join(_value(fact) & wording.content(quote))
        evidence = told.quote(fact, named) if named else None
        if evidence is not None and not told.replaces_nothing(evidence) and told.owns(fact, named):
            doubtful.append((fact, quote, evidence))
    if not doubtful:
        return found
    right = lm.choose(
        [prompts.checking(told.text, fact.text, told.word) for fact, _, _ in doubtful],
        [prompts.RIGHT, prompts.WRONG],
    )
    excluding = exclusion([(fact.text, quote) for fact, quote, _ in doubtful], lm)
    return found | {
        fact.id: evidence
        for (fact, _, evidence), chance, excludes in zip(doubtful, right, excluding, strict=True)
        if chance[0] < 0.5 or excludes >= AGREEING or wording.over(core(fact.claim), evidence.quote)
    }


def _rivals(
    facts: Sequence[Fact], said: Sequence[Said], lm: LanguageModel, embedder: Embedder
) -> dict[FactId, Said]:
    """For facts that a claim excludes, the claim that does so most."""
    if not facts or not said:
        return {}
    near = (
        embedder.embed([_nameless(f.text) for f in facts])
        @ embedder.embed([_nameless(s.claim.text) for s in said]).T
    )
    pairs = [
        (int(i), int(j))
        for i, j in zip(*np.unravel_index(np.argsort(-near, axis=None), near.shape), strict=True)
        if near[i, j] >= MIN_NEAR
        and set(whose(facts[i].claim)) & set(whose(said[j].claim))
        and not wording.same_value(facts[i].claim.value, said[j].claim.value)
    ][:NEAREST]
    chances = exclusion([(facts[i].text, said[j].claim.text) for i, j in pairs], lm)
    best: dict[FactId, tuple[float, Said]] = {}
    for (i, j), chance in zip(pairs, chances, strict=True):
        if chance >= max(AGREEING, best.get(facts[i].id, (0.0,))[0]):
            best[facts[i].id] = (chance, said[j])
    return {id_: claim for id_, (_, claim) in best.items()}


def _nameless(text: str) -> str:
    """A sentence without names, which make sentences alike that are about the same person."""
    return without(text, tuple(wording.names(text)))


def _value(fact: Fact) -> frozenset[str]:
    """The telling stems of a fact's value: neither its subjects nor, if it has others, names."""
    value = core(fact.claim)
    named = wording.telling(value) - wording.content(" ".join(fact.claim.subjects))
    return named - wording.content(" ".join(wording.names(value))) or named


def _said_by(rival: Said | None) -> frozenset[str]:
    """The telling stems of a claim, those of its subjects left out."""
    if rival is None:
        return frozenset()
    claim = rival.claim
    return wording.telling(claim.text) - wording.content(" ".join(claim.subjects))
