"""Whether a fact that was found is the one that a label means.

Two sentences are the same if their words that carry meaning overlap (Dice's coefficient of stems)
or, where there is an embedding model, their vectors are near. Both limits were fitted on the 44
pairs of assets/certify/matching.jsonl, labelled by hand: words alone are right on 40 of them (F1
0.90), with vectors of all-MiniLM-L6-v2 42 (F1 0.95); in neither case is any wrong pair taken.
A label that says several things is found too if the facts that are parts of it say it together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.lm import Embedder

WORDS = 0.61
"""Least overlap of words, 0 to 1."""
NEAR = 0.84
"""Least cosine, for all-MiniLM-L6-v2 int8; refit it for another embedding model."""
PART = 0.75
"""Least share of a fact's words that stand in a label of which it is a part."""


def overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """Dice's coefficient: 1 for equal sets, 0 for strangers."""
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 0.0


def units(text: str) -> frozenset[str]:
    """What of a text is compared: stems, and pairs of signs in scripts without spaces."""
    found: set[str] = set()
    for stem in wording.content(text):
        if stem.isascii() or stem.isdigit() or not _is_dense(stem):
            found.add(stem)
        else:
            found |= {stem[i : i + 2] for i in range(max(len(stem) - 1, 1))}
    return frozenset(found)


def _is_dense(word: str) -> bool:
    """Chinese, Japanese or Korean: words stick together, or take endings."""
    return any("\u3040" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7a3" for sign in word)


def matched(
    labels: Sequence[str], facts: Sequence[str], embedder: Embedder | None
) -> tuple[list[bool], list[bool]]:
    """Which labels were found, and which facts are, or are part of, a label.

    Args:
        labels: What there is to be found, a sentence each.
        facts: What was found.
        embedder: None compares words alone.
    """
    if not labels or not facts:
        return [False] * len(labels), [False] * len(facts)
    wanted, got = [units(text) for text in labels], [units(text) for text in facts]
    near = [[False] * len(facts) for _ in labels]
    if embedder is not None:
        cosines = embedder.embed(labels) @ embedder.embed(facts).T
        near = (cosines >= NEAR).tolist()
    found, right = [False] * len(labels), [False] * len(facts)
    for i, label in enumerate(wanted):
        parts = [j for j, fact in enumerate(got) if fact and len(fact & label) >= PART * len(fact)]
        union = frozenset().union(*(got[j] for j in parts))
        whole = [j for j, fact in enumerate(got) if near[i][j] or overlap(label, fact) >= WORDS]
        if overlap(label, union) >= WORDS:
            whole += parts
        for j in whole:
            found[i] = right[j] = True
    return found, right
