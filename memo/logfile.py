"""The log: ids, counts and seconds, never a person's words."""

from __future__ import annotations

import os
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import io


class PrivateLog(RotatingFileHandler):
    """A rotating log that only its owner can read; every file of it is made so."""

    def _open(self) -> io.TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags | os.O_NOFOLLOW, 0o600)

        return open(self.baseFilename, "a", encoding="utf-8", opener=private)
