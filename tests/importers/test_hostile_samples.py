"""Each attack on each format: its sample with one thing replaced, or beside worse in an archive."""

from __future__ import annotations

import random
import re
import signal
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from importing import parted, said, words
from test_fuzz import AT, FORMATS, LONGEST_S, samples

from memo.importers import Reading, read_all
from memo.records import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import FrameType

    from memo.importers import Skipped
    from memo.records import Document

JSON = sorted({*FORMATS} - set("ics imessage irc markdown mbox text vcard whatsapp".split()))
NUMBERLESS = ("text", "openai", "sharegpt")
MOST = 40  # replaced things a file
DEEP = b"[" * 100_000 + b"]" * 100_000


def told() -> Reading:
    return Reading(words, 50, at=AT, tz=UTC, me="Jo")


def survived(found: Iterable[Document | Skipped]) -> list[Document]:
    """The documents, all of which can be stored, beside short reasons."""
    documents, skipped = parted(found)
    for document in documents:
        assert document.messages
        assert document.text.encode("utf-8")
        assert utc_text(document.at)
    assert all(0 < len(left.reason) < 400 for left in skipped)
    assert documents or skipped
    return documents


def replaced(
    folder: Path, format: str, pattern: bytes, by: Iterable[bytes]
) -> Iterator[list[Document]]:
    """What is read of a sample with one match of the pattern replaced, one after the other."""
    files = dict(samples(format))
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name, data in files.items():
        found = list(re.finditer(pattern, data))
        for match in found[:: len(found) // MOST + 1]:
            for value in by:
                start, end = match.span()
                (folder / name).write_bytes(data[:start] + value + data[end:])
                yield survived(read_all([folder], told()))
        (folder / name).write_bytes(data)


def packed(path: Path, format: str, *more: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    """A sample in an archive, with more in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in samples(format):
            archive.writestr(name, data)
        for member, data in more:
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize("format", JSON)
def test_deep_json_in_any_field_stops_no_importer(tmp_path: Path, format: str) -> None:
    tries = list(replaced(tmp_path, format, rb'(?<=[:,])\s*(?:"[^"\\]*"|[\d.]+|null)', [DEEP]))
    assert len(tries) > 3


@pytest.mark.parametrize("format", FORMATS)
def test_huge_numbers_stop_no_importer(tmp_path: Path, format: str) -> None:
    huge = [b"9" * 5000, b"1e999", b"-1"]
    number = rb"\d+" if format not in NUMBERLESS else rb"[A-Z]"
    assert sum(1 for _ in replaced(tmp_path, format, number, huge)) > 3


@pytest.mark.parametrize("format", FORMATS)
def test_lone_surrogates_stop_no_importer(tmp_path: Path, format: str) -> None:
    lone = [rb"\ud800", b"\xed\xa0\x80"]
    assert sum(1 for _ in replaced(tmp_path, format, rb"(?<=[a-z])[a-z](?=[a-z])", lone)) > 3


@pytest.mark.parametrize("format", sorted({*FORMATS} - {"native", "text"}))
def test_absurd_dates_are_believed_by_no_importer(tmp_path: Path, format: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    dates = rb"(?:19|20)\d\d(?!\d)|(?<!\d)\d{10,19}(?!\d)"
    for documents in replaced(tmp_path, format, dates, [b"0000", b"0001", b"9999", b"9" * 25]):
        times = [message.at for document in documents for message in document.messages]
        assert all(datetime(1900, 1, 1, tzinfo=UTC) <= at <= tomorrow for at in times)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16"])
def test_mixed_encodings_stop_no_importer(tmp_path: Path, format: str, encoding: str) -> None:
    for part in (1, 2, 3):
        for name, data in samples(format):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cut = len(data) * part // 4
            rest = data[cut:].decode("utf-8", "replace").encode(encoding, "replace")
            path.write_bytes(data[:cut] + rest)
        survived(read_all([tmp_path], told()))


@pytest.fixture
def processor_time() -> Iterator[None]:
    """What takes too much of it fails, however busy the machine is besides."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("format", FORMATS)
def test_long_runs_of_one_mark_hang_no_importer(
    tmp_path: Path, processor_time: None, format: str
) -> None:
    """A pattern that looks again from each mark on takes minutes for a hundred thousand."""
    for run in ("[", "![", "(- ", "<", " ", "\u200e", "`", "> ", "\\\\", "&", "- ", "On ", "\t"):
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        ends = rb'(?<=[a-z.!?])[a-z.!?](?=["\n\r\\<]|$)'
        tries = replaced(tmp_path, format, ends, [(run * 100_000).encode()])
        assert list(islice(tries, 1))


@pytest.fixture
def plain(tmp_path: Path) -> dict[str, list[tuple[str, str | None, str]]]:
    """What is said in each format's sample where nothing is wrong with its archive."""
    return {
        format: said(read_all([packed(tmp_path / "export.zip", format)], told()))
        for format in FORMATS
    }


def test_a_zip_bomb_beside_it_costs_no_format_anything(
    tmp_path: Path, plain: dict[str, list[tuple[str, str | None, str]]]
) -> None:
    for format in FORMATS:
        # Beside what cannot be packed the archive as a whole is of a usual size.
        bomb, noise = ("bomb.txt", bytes(4 * 2**20)), ("noise.raw", random.randbytes(2**16))
        path = packed(tmp_path / "export.zip", format, bomb, noise)
        documents, skipped = parted(read_all([path], told()))
        assert [left.where[-8:] for left in skipped if "would grow" in left.reason] == ["bomb.txt"]
        assert said(documents) == plain[format]


def test_path_traversal_beside_it_costs_no_format_anything(
    tmp_path: Path, plain: dict[str, list[tuple[str, str | None, str]]]
) -> None:
    for format in FORMATS:
        worse = [(f"../../out/{name}", data) for name, data in samples(format)]
        path = packed(tmp_path / "export.zip", format, *worse)
        documents, skipped = parted(read_all([path], told()))
        seen = [name for name, _ in worse if "Templates" not in name]
        assert sum("leads out" in left.reason for left in skipped) == len(seen)
        assert said(documents) == plain[format]
    assert [one.name for one in tmp_path.iterdir()] == ["export.zip"]


def test_symlinks_beside_it_are_followed_in_no_format(
    tmp_path: Path, plain: dict[str, list[tuple[str, str | None, str]]]
) -> None:
    for format in FORMATS:
        links: list[tuple[zipfile.ZipInfo | str, bytes]] = []
        for name, _ in islice(samples(format), 3):
            link = zipfile.ZipInfo(f"links/{name}")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            links.append((link, b"/etc/passwd"))
        path = packed(tmp_path / "export.zip", format, *links)
        documents, skipped = parted(read_all([path], told()))
        assert sum("is a link" in left.reason for left in skipped) == len(
            [link for link, _ in links if "Templates" not in str(link)]
        )
        assert said(documents) == plain[format]
