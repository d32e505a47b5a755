"""Samples of every format, mutated: whatever comes, records are accounted for and nothing escapes.

`MEMO_FUZZ=0-200000 python -m pytest -n 4 -m slow tests/importers/test_fuzz.py` runs the inputs with
these numbers, spread over all formats, in processes whose memory is limited: none may take longer
than `LONGEST_S` or more than `MOST_BYTES`. RESULTS.md tells which were run.
"""

from __future__ import annotations

import io
import os
import random
import resource
import signal
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importing import DATA, parted, words

from memo.importers import Reading, read_all
from memo.records import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

FORMATS = sorted(path.name for path in DATA.iterdir() if path.is_dir() and path.name[0] not in "._")
SHARE = 10
FIRST, _, END = os.environ.get("MEMO_FUZZ", "").partition("-")
PARTS = 4  # for `-n`; odd steps through the formats, so that each part meets all
LONGEST_S = 5
MOST_BYTES = 512 * 2**20
AT = datetime(2025, 1, 1, tzinfo=UTC)
TRICKY = [
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\r", b"\n\n", b"\t"),
    *(b'"', b"\\", b"[" * 2000, b"]" * 20, b"{" * 50, b"}" * 20, b'{"a":' * 1500, b",", b":"),
    *(b"9" * 5000, b"-1", b"0", b"1e999", b"NaN", b"null", b"true", b"1741284131000000000"),
    *(b"9999-12-31T23:59:59Z", b"0001-01-01", b"2025-02-30", b"\xe2\x80\x8e", b"\xe2\x80\xaf"),
    *(b"31/12/99, 23:59 - ", b"[1/1/1 1:1:1] ", b"--- Day changed Xyz Foo 99 9999", b"From x 2025"),
    *(b"BEGIN:VEVENT", b"END:VCARD", b": ", b"<", b">", b"a" * 3000, "ß字👩‍🏭\u0661".encode()),
]


def samples(format: str) -> Iterator[tuple[str, bytes]]:
    """The files of a format's sample, by name below its folder."""
    for path in sorted((DATA / format).rglob("*")):
        if path.is_file() and path.name != "golden.json":
            yield path.relative_to(DATA / format).as_posix(), path.read_bytes()


def mutated(data: bytes, seed: int) -> bytes:
    """The bytes with a few pieces cut, doubled, moved, flipped or replaced by something tricky."""
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        start = rng.randrange(len(out) + 1)
        end = min(start + rng.choice((0, 1, 2, 8, 60, 400)), len(out))
        match rng.randrange(6):
            case 0:
                del out[start:end]
            case 1:
                out[start:start] = out[start:end] * rng.choice((1, 2, 20))
            case 2:
                out[start:end] = rng.choice(TRICKY)
            case 3:
                out[start:start] = rng.choice(TRICKY)
            case 4 if start < len(out):
                out[start] ^= 1 << rng.randrange(8)
            case _:
                del out[rng.randrange(len(out) + 1) :]
    return bytes(out)


def read_mutated(folder: Path, format: str, seed: int) -> None:
    """Write a mutated sample, as files or as a zip that may be damaged too, and read it."""
    files = [(name, mutated(data, seed + n)) for n, (name, data) in enumerate(samples(format))]
    rng = random.Random(~seed)
    if rng.random() < 0.2:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files:
                archive.writestr(name, data)
        whole = packed.getvalue()
        if rng.random() < 0.5:
            whole = mutated(whole, seed)
        files = [("export.zip", whole)]
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    at = AT if rng.random() < 0.7 else None
    told = Reading(words, 50, at=at, tz=UTC, me=rng.choice((None, "Jo")))
    documents, skipped = parted(read_all([folder], told))
    for document in documents:
        assert document.messages
        assert document.key
        assert document.text.encode("utf-8")
        assert utc_text(document.at)
        assert document.records >= 0
    assert all(left.reason and len(left.reason) < 400 for left in skipped)


@pytest.fixture
def watched() -> Iterator[None]:
    """An input that takes too long fails by itself."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def clean(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


@pytest.mark.parametrize("format", FORMATS)
def test_a_mutated_sample_is_read_or_skipped(
    tmp_path_factory: pytest.TempPathFactory, format: str
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")

    @settings(max_examples=SHARE, suppress_health_check=list(HealthCheck), database=None)
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        clean(folder)
        read_mutated(folder, format, seed)

    check()


@pytest.mark.slow
@pytest.mark.skipif(not END, reason="MEMO_FUZZ says which inputs, as 0-200000")
@pytest.mark.parametrize("part", range(PARTS))
def test_very_many_mutated_samples_are_read_or_skipped(
    tmp_path: Path, watched: Callable[[], None], part: int
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, hard))
    try:
        for number in range(int(FIRST) + part, int(END), PARTS):
            clean(tmp_path)
            signal.alarm(LONGEST_S)
            format = FORMATS[number % len(FORMATS)]
            try:
                read_mutated(tmp_path, format, number)
            except BaseException as problem:
                problem.add_note(f"{format}, seed {number}")
                raise
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
