"""What several commands share: options, arguments and an exit code."""

from __future__ import annotations

from typing import Any

import click

PARTLY = 3
"""The exit code where some of it was done and some could not be (contract.md)."""

_LARGEST_ID = 2**63 - 1  # SQLite's
_LISTED_BY = {"change": "memo log", "document": "memo documents", "items": "memo review"}


class _Id(click.IntRange):
    """What stands before a fact, a change, a document or a held edit in its list."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            listed = _LISTED_BY.get(param.name or "" if param else "", "memo facts")
            self.fail(f"{value!r} is no id: an id is a number that `{listed}` shows.", param, ctx)


ID = _Id(1, _LARGEST_ID)
LIMIT = click.IntRange(min=1)
AS_OF = click.option("--as-of", metavar="WHEN", help="Show what was known and held then.")
