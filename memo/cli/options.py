"""What several commands share: options, arguments and an exit code."""

from __future__ import annotations

import click

PARTLY = 3
"""The exit code where some of it was done and some could not be (contract.md)."""

_LARGEST_ID = 2**63 - 1  # SQLite's
ID = click.IntRange(1, _LARGEST_ID)
LIMIT = click.IntRange(min=1)
AS_OF = click.option("--as-of", metavar="WHEN", help="Show what was known and held then.")
