"""Conversations that branch where a message was edited or an answer asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def branch(leaf: str, parents: Mapping[str, str | None]) -> list[str]:
    """From the beginning of a conversation to a leaf, whatever circles the links run in."""
    path: list[str] = []
    seen: set[str] = set()
    node: str | None = leaf
    while node is not None and node in parents and node not in seen:
        seen.add(node)
        path.append(node)
        node = parents[node]
    return path[::-1]
