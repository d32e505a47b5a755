"""The files that an import finds: in folders and zip archives, opened one by one, never unpacked.

A zip is read in place. A member that is a link, leads out of the archive, is locked, or would grow
beyond all proportion is named and passed over.
"""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from memo.errors import ImporterError
from memo.importers.base import Skipped
from memo.importers.jsonstream import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

HEAD_BYTES = 64 * 1024
"""How much of a file is looked at to recognise its format."""
MOST_FILES = 200_000
"""In one folder or archive."""
LARGEST_TEXT = 16 * 2**20
"""Bytes of a file that has to be held whole, as a note has."""
_LARGEST_RATIO = 200  # text packs to a fiftieth at best; the classic bombs reach 1000
_SMALL = 2**20  # bytes that can do no harm, however well they were packed
DAILY_NOTES = ".obsidian/daily-notes.json"
"""Where a vault says how the names of its daily notes are written; no file to import."""
_NOT_NOTES = {"Templates", "templates", "__MACOSX"}  # Obsidian's half-written notes, Apple's marks

PACKED_WRONG = (EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What is raised where bytes of an archive are not what was packed."""
DAMAGE = (OSError, *PACKED_WRONG, NotImplementedError)
"""What reading a file may raise: the disk's errors and those of a damaged archive."""


@dataclass(eq=False)
class File:
    """One file, in a folder or in an archive."""

    name: str
    """With its folders, below what the person named; `/` between them."""
    where: str
    """How messages call it."""
    key: str
    """Tells it from all other files."""
    size: int
    modified: datetime | None
    """None where the clock makes no sense."""
    opened: Callable[[], BinaryIO]
    others: dict[str, File] = field(default_factory=dict, repr=False)
    """All files of the same folder or archive by name, this one too."""
    container: str = ""
    """What the person named, without its ending: the archive or folder around."""

    @property
    def path(self) -> PurePosixPath:
        """The name in parts."""
        return PurePosixPath(self.name)

    @property
    def suffix(self) -> str:
        """The ending, in small letters: `.txt`."""
        return self.path.suffix.lower()

    @property
    def stem(self) -> str:
        """The last part of the name without its ending."""
        return self.path.stem

    @property
    def folder(self) -> str:
        """What the folder around it is called, or the archive."""
        return self.path.parent.name or self.container

    def open(self) -> BinaryIO:
        """A stream of its bytes from the beginning.

        Raises:
            OSError: It cannot be read.
            BadZipFile: It is damaged.
        """
        try:
            return self.opened()
        except (NotImplementedError, RuntimeError) as problem:
            raise OSError(None, str(problem)) from problem

    @cached_property
    def head(self) -> bytes:
        """Its first bytes."""
        with self.open() as stream:
            return stream.read(HEAD_BYTES)

    @cached_property
    def text(self) -> str:
        """Its first characters, whatever they are encoded in."""
        return decoded_head(self.head)

    @cached_property
    def shape(self) -> frozenset[str]:
        """Where JSON values stand in its first bytes, as `messages[].text`; empty if not JSON."""
        return shape(self.text)

    def let_go(self) -> None:
        """Keep nothing of what was read: of many files each held a beginning."""
        for name in ("head", "text", "shape"):
            self.__dict__.pop(name, None)

    def bytes(self) -> bytes:
        """All of it.

        Raises:
            ImporterError: It is too large to be held whole.
        """
        if self.size > LARGEST_TEXT:
            raise ImporterError(
                f"It has {self.size} bytes; memo reads notes of up to {LARGEST_TEXT}: split it."
            )
        with self.open() as stream:
            return stream.read(LARGEST_TEXT + 1)

    def beside(self, name: str) -> File | None:
        """The file of that name in the same folder."""
        return self.others.get((self.path.parent / name).as_posix())

    def above(self, name: str) -> File | None:
        """The file of that name in the nearest of the folders around it."""
        return next(
            (one for at in self.path.parents if (one := self.others.get((at / name).as_posix()))),
            None,
        )


def decoded_head(head: bytes) -> str:
    """Text of a file's beginning; what is invalid becomes U+FFFD."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[: len(head) & ~1].decode("utf-16", errors="replace")
    return head.decode("utf-8-sig", errors="replace")


def files_in(path: Path, archives: ExitStack) -> Iterator[File | Skipped]:
    """The file itself, or what a folder or an archive holds, in the order of the names.

    Links, hidden names and Obsidian's templates are left aside; archives in folders are looked
    into, archives in archives are not.

    Args:
        path: What the person named.
        archives: Keeps the archives open for as long as the files are used.

    Raises:
        ImporterError: There are too many.
    """
    if not path.is_dir():
        yield from _file_or_archive(path, path.name, {}, archives)
        return
    others: dict[str, File] = {}
    found: list[File | Skipped] = []
    for entry in _walk(path):
        if isinstance(entry, Skipped):
            found.append(entry)
            continue
        name = entry.relative_to(path).as_posix()
        if name.endswith(DAILY_NOTES):
            list(_file_or_archive(entry, name, others, archives))  # for those beside it
            continue
        found += _file_or_archive(entry, name, others, archives, path.resolve().name)
        if len(found) > MOST_FILES:
            raise ImporterError(f"{path} holds over {MOST_FILES} files; import its parts.")
    yield from found


def _walk(folder: Path) -> Iterator[Path | Skipped]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as problem:
        yield Skipped(str(folder), f"cannot be read: {problem.strerror}")
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        if entry.name.startswith("."):
            settings = entry.parent / DAILY_NOTES
            if entry == settings.parent and settings.is_file() and not settings.is_symlink():
                yield settings
            continue
        if entry.is_dir():
            if entry.name not in _NOT_NOTES:
                yield from _walk(entry)
        elif entry.is_file():
            yield entry


def _file_or_archive(
    path: Path,
    name: str,
    others: dict[str, File],
    archives: ExitStack,
    container: str = "",
) -> Iterator[File | Skipped]:
    try:
        if path.suffix.lower() == ".zip":
            if zipfile.is_zipfile(path):
                yield from _members(path, archives)
            else:
                yield Skipped(str(path), "is a damaged zip: its end is missing")
            return
        found = path.stat()
    except OSError as problem:
        yield Skipped(str(path), f"cannot be read: {problem.strerror}")
        return
    file = File(
        name,
        str(path),
        path.resolve().as_posix(),
        found.st_size,
        _moment(found.st_mtime),
        lambda: path.open("rb"),
        others,
        container or path.resolve().parent.name,
    )
    others[name] = file
    yield file


def _moment(seconds: float) -> datetime | None:
    try:
        when = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return when.replace(microsecond=0) if when.year > 1 else None


def _members(path: Path, archives: ExitStack) -> Iterator[File | Skipped]:
    """What a zip holds, in the order of the names."""
    try:
        archive = archives.enter_context(zipfile.ZipFile(path))
        infos = sorted(archive.infolist(), key=lambda info: info.filename)
    except (*DAMAGE, ValueError) as problem:
        yield Skipped(str(path), f"is a damaged zip: {problem}")
        return
    if len(infos) > MOST_FILES:
        raise ImporterError(f"{path} holds over {MOST_FILES} files; import its parts.")
    if problem_ := _overgrown(infos, path.stat().st_size):
        yield Skipped(str(path), problem_)
        return
    others: dict[str, File] = {}
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        settings = info.filename.endswith(DAILY_NOTES)
        hidden = any((p.startswith(".") and p != "..") or p in _NOT_NOTES for p in parts)
        if info.filename.endswith("/") or (hidden and not settings):
            continue
        where = f"{path}/{info.filename}"
        if not parts:  # `ZipInfo.is_dir` fails on it, too
            yield Skipped(where, "has no name")
            continue
        if reason := _refused(info, parts):
            yield Skipped(where, reason)
            continue
        name = "/".join(parts)
        others[name] = File(
            name,
            where,
            f"{path.resolve().as_posix()}/{name}",
            info.file_size,
            _packed(info),
            _opener(archive, info),
            others,
            path.stem,
        )
        if not settings:
            yield others[name]


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", archive.open(info))


def _packed(info: zipfile.ZipInfo) -> datetime | None:
    """When a member was last changed; zip keeps no zone, so it is this machine's."""
    try:
        return datetime(*info.date_time).astimezone(UTC)  # made aware here
    except (ValueError, OverflowError, OSError):
        return None


def _overgrown(infos: Sequence[zipfile.ZipInfo], packed: int) -> str | None:
    """Why an archive as a whole is not to be trusted: its members share their bytes."""
    size = sum(info.file_size for info in infos)
    if size > _SMALL and size > _LARGEST_RATIO * packed:
        return f"would grow from {packed} to {size} bytes, which no export does; it was not opened"
    return None


def _refused(info: zipfile.ZipInfo, parts: Sequence[str]) -> str | None:
    """Why a member is not to be opened."""
    if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[:1]:
        return "its name leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is locked with a password; unpack it yourself first"
    if info.file_size > _SMALL and info.file_size > _LARGEST_RATIO * max(info.compress_size, 1):
        return (
            f"would grow from {info.compress_size} to {info.file_size} bytes, which no export does"
        )
    return None
