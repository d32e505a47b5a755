"""What a document ends in words that no list of endings holds: `we are square`.

A small model asked for a verdict says what it likes; asked to copy the words that bear on a fact
and then for the verdict, and held to them, it is right more often than not. One such reading ends
nothing: code asks for a second witness (docs/erase.md: two witnesses).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memo import prompts, wording
from memo.claims import core, goes_on, has_slot, is_kinship
from memo.slots import AGREEING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.lm import LanguageModel
    from memo.records import Evidence, Fact, FactId
    from memo.slots import Exclusion
    from memo.told import Told

LIKELY = 0.60
"""Exclusion that is a witness where the fact does not pass as said by the document, either."""


def overtaken(
    told: Told, facts: Sequence[Fact], lm: LanguageModel, exclusion: Exclusion
) -> dict[FactId, Evidence]:
    """Facts that a document makes false, each with its words that do.

    Asked of facts of whose value the document speaks. The words must be the document's and speak
    of the value. For a second witness they exclude the fact, or are an ending by a list. What
    happened once is not ended by anything. (Asked also of facts that only a claim of the document
    excludes, the model ended a fight over damaged books for a twisted knee.)

    Args:
        told: The document.
        facts: Live facts that it may speak of and does not say again.
        lm: Reads.
        exclusion: Tells whether its words exclude a fact.
    """
    spoken_of = wording.telling(told.text)
    asked = [
        fact
        for fact in facts
        if has_slot(fact.claim)
        and goes_on(fact.claim)
        and not is_kinship(fact.claim)
        and not wording.ends_something(fact.text)
        and _value(fact) & spoken_of
        and _is_named(fact, told.text)
    ]
    if not asked:
        return {}
    replies = lm.complete(
        [prompts.overtaking(told.around(_value(fact)), fact.text, told.word) for fact in asked],
        max_tokens=prompts.OVERTAKING_TOKENS,
        grammar=prompts.OVERTAKING_GRAMMAR,
    )
    found: list[tuple[Fact, str, Evidence]] = []
    for fact, reply in zip(asked, replies, strict=True):
        quote = prompts.parse_overtaken(reply.text, finished=reply.finished)
        named = " ".join(_value(fact) & wording.content(quote or ""))
        if not quote or not named or quote not in told.text or wording.partly(quote):
            continue
        if not _is_named(fact, quote) or _lasts(quote):
            continue
        evidence = told.quote(fact, named)
        if evidence is None or wording.is_imagined(f"{quote} {evidence.quote}"):
            continue
        if not told.replaces_nothing(evidence) and told.owns(fact, named):
            found.append((fact, quote, evidence))
    if not found:
        return {}
    right = lm.choose(
        [prompts.checking(told.text, fact.text, told.word) for fact, _, _ in found],
        [prompts.RIGHT, prompts.WRONG],
    )
    excluding = exclusion([(fact.text, quote) for fact, quote, _ in found])
    return {
        fact.id: evidence
        for (fact, _, evidence), chance, excludes in zip(found, right, excluding, strict=True)
        if excludes >= (LIKELY if chance[0] < 0.5 else AGREEING)
        or wording.over(core(fact.claim), evidence.quote)
    }


def _lasts(quote: str) -> bool:
    """Whether words say that something still is: `I'm still on the number 12`."""
    return "still" in wording.words(quote) and not wording.ends_something(quote)


_UNITS = wording.content(
    "second minute hour am pm day week weekend month year pound euro dollar penny cent kilo km mile"
)


def _value(fact: Fact) -> frozenset[str]:
    """The telling stems of a fact's value: neither its subjects nor, if it has others, names."""
    value = core(fact.claim)
    named = wording.telling(value) - wording.content(" ".join(fact.claim.subjects))
    if any(word[0].isdigit() for word in wording.words(value)):
        named -= _UNITS  # of `33,000 a year` a year is in half of all sentences
    return named - wording.content(" ".join(wording.names(value))) or named


def _is_named(fact: Fact, text: str) -> bool:
    """Whether a text has a name of a value that is nothing else: `Booked!` is not Lantern Books."""
    named = [
        name for name in wording.names(core(fact.claim)) if wording.content(name) <= _value(fact)
    ]
    return not named or any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in named
    )
