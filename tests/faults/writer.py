"""Import a stream of documents into the store of a folder, acknowledging each on stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from toy import move, opened

DOCUMENTS = 120
TOWNS = ("Hull", "York", "Leeds", "Goole")


def stream() -> list[tuple[str, str]]:
    """Moves in an order of their own, so that old news arrives late."""
    days = [f"{2000 + number % 20}-{number // 20 + 1:02d}-01" for number in range(DOCUMENTS)]
    return [(TOWNS[number * 7 % 4], day) for number, day in enumerate(days)]


def main(folder: Path) -> None:
    with opened(folder) as store:
        sys.stdout.write("open\n")
        sys.stdout.flush()
        for town, day in stream():
            move(store, town, day)
            sys.stdout.write(f"{day}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
