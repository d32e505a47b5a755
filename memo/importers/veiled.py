"""A file beside memory that tells nothing: nameless, and each block hidden under a key of its own.

Nothing can be read from its blocks afterwards: the key is never written down.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import tempfile
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 16


def veiled(content: bytes, key: bytes, place: int) -> bytes:
    """Content as it lies at a place, and the other way round: no place may be written twice."""
    stream = hashlib.shake_256(key + place.to_bytes(8, "big")).digest(len(content))
    mixed = int.from_bytes(content, "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(len(content), "big")


class VeiledCopy(io.RawIOBase):
    """What a stream holds, to be read from any place."""

    def __init__(self, begun: bytes, stream: BinaryIO) -> None:
        """Copy it.

        Args:
            begun: What was read of the stream already.
            stream: The rest.
        """
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with this
        self._key = secrets.token_bytes(32)
        self._at = self._size = 0
        waiting = bytearray(begun)
        try:
            while more := stream.read(BLOCK):
                waiting += more
                while len(waiting) >= BLOCK:
                    self._put(bytes(waiting[:BLOCK]))
                    del waiting[:BLOCK]
            while waiting:
                self._put(bytes(waiting[:BLOCK]))
                del waiting[:BLOCK]
        except BaseException:
            self.close()
            raise

    def _put(self, block: bytes) -> None:
        self._file.write(veiled(block, self._key, self._size))
        self._size += len(block)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go on reading there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where reading goes on."""
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is left of one block."""
        start = self._at // BLOCK * BLOCK
        self._file.seek(start)
        block = veiled(self._file.read(BLOCK), self._key, start)
        with memoryview(buffer).cast("B") as into:
            part = block[self._at - start :][: len(into)]
            into[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Let go of it: nothing is left."""
        self._file.close()
        super().close()
