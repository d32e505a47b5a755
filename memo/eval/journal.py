"""The verdicts of a run, a JSON line each, on disk as soon as they are made."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from memo.errors import MemoError, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]


class Journal:
    """A file that only grows; its first line says what was asked for."""

    def __init__(self, path: Path, asked_for: Record, *, resume: bool) -> None:
        """Begin it, or go on after what it holds.

        Args:
            path: The file.
            asked_for: What a run must agree in to go on with it.
            resume: Whether to.

        Raises:
            UsageProblem: It is there and is not to be gone on with, or was another run.
            MemoError: It cannot be written.
        """
        self.records: list[Record] = []
        try:
            if path.exists() and path.stat().st_size:
                if not resume:
                    raise UsageProblem(
                        f"{path} holds an earlier run: --resume goes on with it; "
                        "--out names another file."
                    )
                self._take_up(path, asked_for)
            self._file = path.open("a", encoding="ascii")
        except OSError as error:
            raise MemoError(
                f"Cannot write {path}: {error.strerror}; name another with --out."
            ) from error
        if not self.records:
            self.write({"is": "run", **asked_for})

    def _take_up(self, path: Path, asked_for: Record) -> None:
        """Read it; a last line that a stop cut off is taken away."""
        whole, _, cut_off = path.read_bytes().rpartition(b"\n")
        if cut_off:
            with path.open("r+b") as file:
                file.truncate(len(whole) + bool(whole))
        try:
            self.records = [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise UsageProblem(
                f"{path} is no journal of a run; name another with --out."
            ) from error
        if not self.records:
            return
        begun = {key: value for key, value in self.records[0].items() if key != "is"}
        differing = [key for key in asked_for if begun.get(key) != asked_for[key]]
        if differing:
            key = differing[0]
            raise UsageProblem(
                f"{path} is of a run with {key} {begun.get(key)}, not {asked_for[key]}; "
                "name another with --out."
            )

    def write(self, record: Record) -> None:
        """Add a line; it outlasts whatever happens next."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.records.append(record)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
