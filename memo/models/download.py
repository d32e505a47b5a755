"""One file on its way to this machine."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memo.errors import PullFailed
from memo.models.files import size, write

if TYPE_CHECKING:
    from pathlib import Path

_MARGIN_BYTES = 256 << 20
"""Disk space that a download leaves free."""


class SourceFailed(Exception):  # caught here, told as PullFailed
    """One source could not deliver; the next is tried."""


@dataclass(slots=True)
class Download:
    """One file on its way: `path` appears only when all of it is there and right.

    Until then `.partial` grows, and `.partial.json` says how far wheels were joined
    and for which checksum, so that a pull that was killed goes on where it was.
    """

    path: Path
    bytes: int
    digest: str
    """SHA-256, or the git blob id by which the Hub names small files; "" until known."""
    exact: bool
    """Whether `bytes` is more than an estimate."""
    wheels: Path
    """A folder for wheels on their way, on the same disk."""
    wanted_later: frozenset[str]
    """Wheels that another file will be taken from."""

    @property
    def partial(self) -> Path:
        """What arrived so far."""
        return self.path.with_name(self.path.name + ".partial")

    @property
    def state(self) -> Path:
        """What `partial` is of."""
        return self.path.with_name(self.path.name + ".partial.json")

    def have(self) -> int:
        """Bytes of the partial file; 0 if it is of a file that is no longer wanted."""
        have = size(self.partial)
        belongs = self.read_state().get("digest") == self.digest and have <= self.bytes
        return have if belongs else 0

    def begin(self) -> int:
        """Make the partial file ready to append to; its size."""
        have = self.have()
        self.partial.touch(mode=0o600)
        os.truncate(self.partial, have)
        if not have:
            self.write_state()
        return have

    def read_state(self) -> dict[str, Any]:
        """What was reached, and for which checksum; {} where nothing was."""
        try:
            state = json.loads(self.state.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write_state(self, **reached: int) -> None:
        """Record what the partial file holds for sure."""
        write(self.state, json.dumps({"digest": self.digest, **reached}))

    def drop(self) -> None:
        """Forget all that arrived."""
        self.partial.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)


def check_space(folder: Path, needed: int, name: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        PullFailed: Fewer than `needed` bytes and a margin are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > 0 and needed + _MARGIN_BYTES > free:
        raise PullFailed(
            f"{name} needs {_gigabytes(needed + _MARGIN_BYTES)} more on the disk of {folder}, and "
            f"{_gigabytes(free)} is free. Make room, or name another folder with MEMO_MODELS."
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
