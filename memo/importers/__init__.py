"""Read other programs' files into documents: find the format, walk the folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.errors import AmbiguousFormat, ImporterError, UnknownFormat
from memo.importers.base import Importer, Reading, Skipped, cut, split_text
from memo.importers.markdown import MarkdownImporter
from memo.importers.native import NativeImporter
from memo.importers.plaintext import PlainTextImporter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from memo.records import Document

__all__ = [
    "IMPORTERS",
    "Importer",
    "Reading",
    "Skipped",
    "cut",
    "identify",
    "read_all",
    "split_text",
]

IMPORTERS: tuple[Importer, ...] = (NativeImporter(), MarkdownImporter(), PlainTextImporter())
_NOT_NOTES = {"Templates", "templates"}  # Obsidian's folder of half-written notes


def identify(path: Path, format: str | None = None) -> Importer:
    """The importer for a file: the one named, or the one that recognises it.

    Raises:
        UnknownFormat: There is none.
        AmbiguousFormat: There are several.
    """
    known = ", ".join(importer.name for importer in IMPORTERS)
    if format is not None:
        for importer in IMPORTERS:
            if importer.name == format:
                return importer
        raise UnknownFormat(f"There is no format {format!r}; choose one of {known}.")
    claims = [importer for importer in IMPORTERS if importer.identify(path)]
    if not claims:
        raise UnknownFormat(
            f"{path} is in no format that memo recognises; name one with --format: {known}."
        )
    if len(claims) > 1:
        names = " and ".join(importer.name for importer in claims)
        raise AmbiguousFormat(f"{path} could be {names}; choose one with --format.")
    return claims[0]


def read_all(
    paths: Sequence[Path], reading: Reading, format: str | None = None
) -> Iterator[Document | Skipped]:
    """Everything in the files and folders, file after file.

    A folder is walked in sorted order, without links, hidden names and Obsidian's templates;
    a file in it that cannot be read is skipped, where one named by itself is an error.

    Raises:
        ImporterError: A path does not exist or is in no one format.
    """
    for path in paths:
        if not path.exists():
            raise ImporterError(f"{path} does not exist; check the spelling.")
        if not path.is_dir():
            try:
                identify(path, format)
            except OSError as problem:
                raise ImporterError(
                    f"{path} cannot be read: {problem.strerror}; check its permissions."
                ) from problem
    for path in paths:
        for file in _files(path):
            if isinstance(file, Skipped):
                yield file
                continue
            try:
                yield from identify(file, format).read(file, reading)
            except ImporterError as problem:
                yield Skipped(str(file), str(problem))
            except OSError as problem:
                yield Skipped(str(file), f"cannot be read: {problem.strerror}")


def _files(path: Path) -> Iterator[Path | Skipped]:
    """The file itself, or those in the folder and its folders."""
    if not path.is_dir():
        yield path
        return
    try:
        entries = sorted(path.iterdir())
    except OSError as problem:
        yield Skipped(str(path), f"cannot be read: {problem.strerror}")
        return
    for entry in entries:
        if entry.is_symlink() or entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.name not in _NOT_NOTES:
                yield from _files(entry)
        elif entry.is_file():
            yield entry
