"""Read other programs' files into documents: find the format, walk folders and archives."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from memo.errors import AmbiguousFormat, ImporterError, UnknownFormat
from memo.importers.base import Importer, Reading, Skipped, cut, split_text
from memo.importers.cards import CalendarImporter, VCardImporter
from memo.importers.chatgpt import ChatGptImporter
from memo.importers.claude import ClaudeImporter
from memo.importers.dayone import DayOneImporter
from memo.importers.discord import DiscordImporter
from memo.importers.files import DAMAGE, PACKED_WRONG, File, files_in
from memo.importers.gemini import GeminiImporter
from memo.importers.imessage import IMessageImporter
from memo.importers.irc import IrcImporter
from memo.importers.keep import KeepImporter
from memo.importers.mail import MailImporter
from memo.importers.markdown import MarkdownImporter
from memo.importers.meta import MetaImporter
from memo.importers.native import NativeImporter
from memo.importers.plaintext import PlainTextImporter
from memo.importers.roles import OpenAiImporter, ShareGptImporter
from memo.importers.signal import SignalImporter
from memo.importers.slack import SlackImporter
from memo.importers.telegram import TelegramImporter
from memo.importers.whatsapp import WhatsAppImporter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from memo.records import Document

__all__ = [
    "IMPORTERS",
    "File",
    "Importer",
    "Reading",
    "Skipped",
    "cut",
    "identify",
    "read_all",
    "split_text",
]

_SPECIAL: tuple[Importer, ...] = (
    NativeImporter(),
    ChatGptImporter(),
    ClaudeImporter(),
    WhatsAppImporter(),
    TelegramImporter(),
    OpenAiImporter(),
    ShareGptImporter(),
    GeminiImporter(),
    SlackImporter(),
    DiscordImporter(),
    MetaImporter("messenger"),
    MetaImporter("instagram"),
    SignalImporter(),
    IMessageImporter(),
    KeepImporter(),
    DayOneImporter(),
    MailImporter(),
    IrcImporter(),
    VCardImporter(),
    CalendarImporter(),
)
_GENERAL: tuple[Importer, ...] = (MarkdownImporter(), PlainTextImporter())
"""Any text is in these formats; they are taken where no other recognises it."""
IMPORTERS = _SPECIAL + _GENERAL


def identify(file: File, format: str | None = None) -> Importer:
    """The importer for a file: the one named, or the one that recognises it.

    Raises:
        UnknownFormat: There is none.
        AmbiguousFormat: There are several.
        OSError: It cannot be read.
    """
    known = ", ".join(importer.name for importer in IMPORTERS)
    if format is not None:
        for importer in IMPORTERS:
            if importer.name == format:
                return importer
        raise UnknownFormat(f"There is no format {format!r}; choose one of {known}.")
    claims = [importer for importer in _SPECIAL if importer.identify(file)]
    claims = claims or [importer for importer in _GENERAL if importer.identify(file)]
    if not claims and file.suffix in {".html", ".htm"}:
        raise UnknownFormat(
            f"{file.where} is a web page, which memo does not read: export it again as JSON."
        )
    if not claims:
        raise UnknownFormat(
            f"{file.where} is in no format that memo recognises; name one with --format: {known}."
        )
    if len(claims) > 1:
        names = " and ".join(importer.name for importer in claims)
        raise AmbiguousFormat(f"{file.where} could be {names}; choose one with --format.")
    return claims[0]


def read_all(
    paths: Sequence[Path], reading: Reading, format: str | None = None
) -> Iterator[Document | Skipped]:
    """Everything in the files, folders and archives, one after the other.

    What cannot be read in a folder or an archive is skipped, where a file named by itself is an
    error.

    Raises:
        ImporterError: A path does not exist or is in no one format.
    """
    for path in paths:
        if not path.exists():
            raise ImporterError(f"{path} does not exist; check the spelling.")
    with ExitStack() as archives:
        whole = [list(files_in(path, archives)) for path in paths]
        for path, found in zip(paths, whole, strict=True):
            for one in found:
                if isinstance(one, File) and one.where == str(path):
                    _alone(one, format)
        for found in whole:
            for record in _read(found, reading, format):
                yield record.shortened() if isinstance(record, Skipped) else record
    reading.tell_guesses()


def _alone(file: File, format: str | None) -> None:
    """Make sure that a file which the person named can be imported."""
    try:
        identify(file, format)
    except DAMAGE as problem:
        raise ImporterError(
            f"{file.where} cannot be read: {_told(problem)}; check its permissions."
        ) from problem


def _read(
    there: Iterable[File | Skipped], reading: Reading, format: str | None
) -> Iterator[Document | Skipped]:
    """What one path holds, bundle after bundle."""
    bundles: dict[tuple[int, str], list[File]] = {}
    for one in there:
        if isinstance(one, Skipped):
            yield one
            continue
        try:
            importer = identify(one, format)
            bundle = importer.bundle(one)
        except UnknownFormat:
            if format is not None:
                raise
            page = one.suffix in {".html", ".htm"}
            reason = "is a web page: export it as JSON" if page else "is in no format memo reads"
            yield Skipped(one.where, reason, routine=True)
        except ImporterError as problem:
            yield Skipped(one.where, str(problem))
        except DAMAGE as problem:
            yield Skipped(one.where, f"cannot be read: {_told(problem)}")
        else:
            bundles.setdefault((IMPORTERS.index(importer), bundle), []).append(one)
        finally:
            one.let_go()
    for (importer_, _), files in bundles.items():
        found = IMPORTERS[importer_].read(files, reading)
        try:
            if (first := next(found, None)) is None:
                yield Skipped(files[0].where, "holds nothing to read", routine=True)
            else:
                yield first
                yield from found
        except ImporterError as problem:
            yield Skipped(files[0].where, str(problem))
        except DAMAGE as problem:
            yield Skipped(files[0].where, f"cannot be read on: {_told(problem)}")
        for file in files:
            file.let_go()


def _told(problem: BaseException) -> str:
    """What a failure to read says of itself."""
    if isinstance(problem, PACKED_WRONG):
        return "it is damaged"
    return str(getattr(problem, "strerror", None) or str(problem) or type(problem).__name__)
