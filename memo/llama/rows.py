"""Which tokens are to be evaluated, at which position, for which sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Row(NamedTuple):
    """One token to be evaluated."""

    token: int
    position: int
    sequences: Sequence[int]
    wanted: bool
    """Whether what follows it is asked for."""


def tree(prompts: list[list[int]], sequences: list[int], start: int) -> tuple[list[Row], list[int]]:
    """The rows of several prompts, each common beginning once and parents before children.

    Args:
        prompts: At least one token longer than `start`.
        sequences: One for each prompt, holding its first `start` tokens.
        start: How many tokens need no evaluation.

    Returns:
        The rows, and for each prompt which of the wanted ones is its last.
    """
    rows: list[Row] = []
    ends = [0] * len(prompts)
    wanted = 0
    branches = [(start, list(range(len(prompts))))]
    while branches:
        depth, members = branches.pop()
        children: dict[int, list[int]] = {}
        for i in members:
            children.setdefault(prompts[i][depth], []).append(i)
        for token, group in children.items():
            longer = [i for i in group if len(prompts[i]) > depth + 1]
            rows.append(Row(token, depth, [sequences[i] for i in group], len(longer) < len(group)))
            if len(longer) < len(group):
                for i in group:
                    if len(prompts[i]) == depth + 1:
                        ends[i] = wanted
                wanted += 1
            if longer:
                branches.append((depth + 1, longer))
    return rows, ends


def common(a: list[int], b: list[int]) -> int:
    """Length of the longest common prefix."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
