"""A run as a picture: accuracy against updates, and accuracy against what it costs; SVG."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLOURS = {
    "erase": "#2563eb",
    "rag": "#d97706",
    "fact-rag": "#059669",
    "full": "#7c3aed",
    "erase-reference": "#dc2626",
    "newest": "#9ca3af",
}
"""Colours of the methods; those without one are not drawn."""
UPDATES = ("0", "1", "2+")
_WIDTH, _HEIGHT = 300, 240
_LEFT, _TOP, _GAP, _KEY = 56, 48, 90, 150


def svg(figures: Sequence[dict[str, Any]]) -> str:
    """Two panels for each group that was read, one below the other."""
    groups = list(dict.fromkeys(one["group"] for one in figures if one.get("a_document")))
    groups = groups or list(dict.fromkeys(one["group"] for one in figures))
    width = _LEFT + 2 * _WIDTH + _GAP + _KEY
    height = len(groups) * (_HEIGHT + _GAP) + _TOP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, group in enumerate(groups):
        mine = [f for f in figures if f["group"] == group and f["method"] in COLOURS]
        top = _TOP + number * (_HEIGHT + _GAP)
        parts += _by_updates(group, mine, top)
        parts += _by_cost(mine, top)
        parts += _key(mine, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _frame(left: float, top: float, title: str) -> Iterator[str]:
    yield f'<text x="{left}" y="{top - 14}" font-weight="bold">{escape(title)}</text>'
    for share in (0, 25, 50, 75, 100):
        y = top + _HEIGHT * (1 - share / 100)
        yield f'<path d="M{left} {y}h{_WIDTH}" stroke="#e5e7eb"/>'
        yield f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{share}%</text>'


def _by_updates(group: str, figures: Sequence[dict[str, Any]], top: float) -> Iterator[str]:
    """Lines with standard errors."""
    yield from _frame(_LEFT, top, f"{group}: right answers by updates so far")
    across = {split: _LEFT + _WIDTH * (n + 0.5) / 3 for n, split in enumerate(UPDATES)}
    for split, x in across.items():
        yield f'<text x="{x}" y="{top + _HEIGHT + 20}" text-anchor="middle">{split}</text>'
    for one in figures:
        colour = COLOURS[one["method"]]
        points = []
        for split, x in across.items():
            found = one["accuracy"][split]
            if found is None:
                continue
            y = _height(found["mean"], top)
            points.append(f"{x:.1f},{y:.1f}")
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
            if found["error"]:
                spread = _HEIGHT * found["error"]
                low, high = y + spread, y - spread
                yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>'
        yield f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}"/>'


def _by_cost(figures: Sequence[dict[str, Any]], top: float) -> Iterator[str]:
    """Points; tokens by powers of ten."""
    left = _LEFT + _WIDTH + _GAP
    yield from _frame(left, top, "right answers by tokens spent an answer")
    priced = [f for f in figures if f.get("tokens_an_answer") and f["accuracy"]["all"]]
    if not priced:
        return
    costs = [f["tokens_an_answer"] for f in priced]
    low, high = floor(log10(min(costs))), max(ceil(log10(max(costs))), floor(log10(min(costs))) + 1)
    for power in range(low, high + 1):
        x = left + _WIDTH * (power - low) / (high - low)
        yield f'<path d="M{x:.1f} {top}v{_HEIGHT}" stroke="#e5e7eb"/>'
        label = f"{10**power:,}"
        yield f'<text x="{x:.1f}" y="{top + _HEIGHT + 20}" text-anchor="middle">{label}</text>'
    for one in priced:
        x = left + _WIDTH * (log10(one["tokens_an_answer"]) - low) / (high - low)
        y = _height(one["accuracy"]["all"]["mean"], top)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLOURS[one["method"]]}"/>'


def _height(share: float, top: float) -> float:
    return top + _HEIGHT * (1 - share)


def _key(figures: Sequence[dict[str, Any]], top: float) -> Iterator[str]:
    left = _LEFT + 2 * _WIDTH + _GAP + 16
    for n, one in enumerate(figures):
        y = top + 16 + 18 * n
        yield f'<circle cx="{left}" cy="{y - 4}" r="5" fill="{COLOURS[one["method"]]}"/>'
        yield f'<text x="{left + 12}" y="{y}">{escape(one["method"])}</text>'
