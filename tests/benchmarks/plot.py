"""Draw assets/scale.svg from what `run.py search --json` measured: `plot.py IN.json OUT.svg`."""

from __future__ import annotations

import json
import sys
from math import floor, log10
from pathlib import Path
from typing import Any

LOOKS = {
    "vector": ("nearest 10 current facts", "#2563eb"),
    "vector as of": ("the same, as of a day", "#7c3aed"),
    "exact": ("the same, all compared", "#9ca3af"),
    "words": ("by keywords", "#d97706"),
    "newest 20": ("newest 20 facts", "#059669"),
    "history": ("history of one fact", "#dc2626"),
}
WIDTH, HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 24, 48


def svg(sizes: list[dict[str, Any]]) -> str:
    """Milliseconds of the processor against the number of facts, both by powers of ten."""
    lines = {
        name: [(one["facts"], max(one["times"][name]["cpu_ms"], 0.01)) for one in sizes]
        for name in LOOKS
        if name in sizes[0]["times"]
    }
    values = [value for line in lines.values() for _, value in line]
    low, high = floor(log10(min(values))), floor(log10(max(values))) + 1
    first, last = log10(sizes[0]["facts"]), log10(sizes[-1]["facts"])

    def at(facts: float, value: float) -> tuple[float, float]:
        across = (log10(facts) - first) / max(last - first, 1)
        up = (log10(value) - low) / (high - low)
        return (
            round(_LEFT + across * (WIDTH - _LEFT - _RIGHT), 1),
            round(HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM), 1),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        x, y = at(sizes[0]["facts"], 10**power)
        parts.append(f'<path d="M{x} {y}H{WIDTH - _RIGHT}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end">{10**power:g} ms</text>')
    for one in sizes:
        x, y = at(one["facts"], 10**low)
        parts.append(f'<text x="{x}" y="{y + 20}" text-anchor="middle">{one["facts"]:,}</text>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">facts</text>')
    ends = sorted((at(*line[-1])[1], name) for name, line in lines.items())
    free = 0.0
    for y, name in ends:
        label, colour = LOOKS[name]
        points = " ".join(f"{x},{y}" for x, y in (at(*point) for point in lines[name]))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        free = max(free + 15, y + 4)
        parts.append(f'<text x="{WIDTH - _RIGHT + 8}" y="{free}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    target.write_text(svg(json.loads(source.read_text("utf-8"))["search"]["detail"]["sizes"]))
