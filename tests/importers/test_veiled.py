"""Claims about files beside memory: they give back what they were given, and tell nothing."""

from __future__ import annotations

import io
import random
from typing import IO, TYPE_CHECKING

import pytest

from memo.importers.veiled import BLOCK, VeiledCopy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 17])
@pytest.mark.parametrize("begun", [0, 1, BLOCK + 5])
def test_a_copy_reads_as_what_it_was_made_of(size: int, begun: int) -> None:
    content = random.Random(size).randbytes(size)
    with io.BufferedReader(VeiledCopy(content[:begun], io.BytesIO(content[begun:])), BLOCK) as copy:
        assert copy.read() == content
        for place in (0, size // 2, size, max(0, size - 3)):
            copy.seek(place)
            assert copy.read(BLOCK + 9) == content[place:][: BLOCK + 9]
        assert copy.seek(-1, io.SEEK_END) == max(0, size - 1)
        copy.seek(0)
        assert b"".join(copy) == content


def test_what_lies_on_the_disk_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[IO[bytes]] = []

    def named() -> IO[bytes]:
        files.append((tmp_path / "spool").open("w+b"))
        return files[0]

    monkeypatch.setattr("tempfile.TemporaryFile", named)
    canary = b"Ann lives in Hull. "
    with VeiledCopy(b"", io.BytesIO(canary * BLOCK)) as copy:
        files[0].flush()
        lying = (tmp_path / "spool").read_bytes()
        assert len(lying) == len(canary) * BLOCK
        assert canary not in lying
        assert lying[:BLOCK] != lying[BLOCK : 2 * BLOCK]
        assert copy.read(len(canary)) == canary
