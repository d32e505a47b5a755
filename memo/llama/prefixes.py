"""The evaluated beginnings of our prompts, kept on disk between runs.

Instructions and worked examples are the same for every document, and evaluating them takes a
small machine half a minute. Their key-value state holds nobody's words and is written once a
model, prompt and build of llama.cpp; a file that does not match its checksum is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

MOST_BYTES = 512 << 20
"""All files together; those not used for longest go first."""
LEAST_FREE = 2 << 30
"""Nothing is written to a disk with less room than this."""
_DIGEST = hashlib.blake2b().digest_size


class PrefixStates:
    """A folder of sequence states, each under the hash of what it belongs to."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Use a folder, made when first written to.

        Args:
            folder: Of the cache: everything in it may be deleted at any time.
            identity: Names the model file and everything else that shapes a state.
        """
        self._folder = folder
        self._identity = identity

    def _file(self, tokens: Sequence[int]) -> Path:
        key = hashlib.blake2b(repr((self._identity, list(tokens))).encode(), digest_size=16)
        return self._folder / f"{key.hexdigest()}.state"

    def read(self, tokens: Sequence[int]) -> bytes | None:
        """The state after these tokens; None if there is none or it is damaged."""
        path = self._file(tokens)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, state = data[:_DIGEST], data[_DIGEST:]
        if hashlib.blake2b(state).digest() != digest:
            log.warning("a kept prefix state is damaged and was deleted")
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return state

    def write(self, tokens: Sequence[int], state: bytes) -> None:
        """Keep a state; a disk that is full or read-only is no error."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < LEAST_FREE + len(state):
                return
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.blake2b(state).digest())
                    file.write(state)
                Path(name).replace(self._file(tokens))
            finally:
                with contextlib.suppress(FileNotFoundError):
                    Path(name).unlink()
            self._trim()
        except OSError as error:
            log.warning("a prefix state could not be kept: %s", error.strerror)

    def _trim(self) -> None:
        """Delete the files used longest ago, and what a killed process left, beyond the limit."""
        files = [(path.stat(), path) for path in self._folder.iterdir()]
        room = MOST_BYTES
        for stat, path in sorted(files, key=lambda f: f[0].st_mtime, reverse=True):
            room -= stat.st_size
            if room < 0:
                path.unlink(missing_ok=True)
