"""IRC logs as irssi and WeeChat write them: a channel a file."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.lines import lines
from memo.importers.moments import believable, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memo.importers.files import File
    from memo.records import Document

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = re.compile(
    r"--- (?:Log opened|Day changed|Log closed) \w{3} (\w{3}) (\d\d)(?: \d\d:\d\d:\d\d)? (\d{4})"
)
_IRSSI = re.compile(
    r"(\d\d):(\d\d)(?::(\d\d))? (?:<[ @+%&~]?([^>\s]+)> ?(.*)|(-!-|\* |<).*| ?\* .*)"
)
_WEECHAT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\t([^\t]*)\t(.*)")
_SYSTEM = {"-->", "<--", "--", "=!=", "", "*", " *"}


class IrcImporter(OneFile):
    """What people wrote; joins, parts, modes and actions are left out."""

    name = "irc"

    def identify(self, file: File) -> bool:
        """Whether its first lines are irssi's or WeeChat's."""
        first = [line.rstrip("\r") for line in file.text.split("\n", 20)[:20] if line.strip()]
        if not first or file.suffix not in {".log", ".txt", ".weechatlog", ""}:
            return False
        return bool(_DAY.match(first[0])) or all(_WEECHAT.fullmatch(line) for line in first[:3])

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """The channel of each file."""
        for file in files:
            said = _messages(file, reading.tz)
            yield from documents(
                self.name, file, [Conversation(file.stem, file.stem, said)], reading
            )


def _messages(file: File, tz: tzinfo | None) -> Iterator[Said | Skipped]:
    """Lines with a clock take the day that was named last."""
    day: date | None = None
    with file.open() as stream:
        for line in lines(stream):
            where = f"{file.where}:{line.number}"
            text = line.text or ""
            if found := _DAY.match(text):
                day = _date(found)
                yield Skipped(where, "is a system line", routine=True)
            elif found := _WEECHAT.fullmatch(text):
                yield _weechat(where, found, tz)
            elif found := _IRSSI.fullmatch(text):
                yield _irssi(where, found, day, tz)
            else:
                yield Skipped(where, "is no line of a log")


def _date(found: re.Match[str]) -> date | None:
    try:
        return date(int(found[3]), _MONTHS.index(found[1]) + 1, int(found[2]))
    except ValueError:
        return None


def _weechat(where: str, found: re.Match[str], tz: tzinfo | None) -> Said | Skipped:
    nick = found[2].strip()
    if nick in _SYSTEM:
        return Skipped(where, "is a system line", routine=True)
    return Said(found[3], moment(found[1], tz), nick.lstrip("@+%&~"))


def _irssi(where: str, found: re.Match[str], day: date | None, tz: tzinfo | None) -> Said | Skipped:
    if found[4] is None:
        return Skipped(where, "is a system line", routine=True)
    return Said(found[5], _at(found, day, tz), found[4])


def _at(found: re.Match[str], day: date | None, tz: tzinfo | None) -> datetime | None:
    if day is None:
        return None
    try:
        naive = datetime.combine(day, time(int(found[1]), int(found[2]), int(found[3] or 0)))
        return believable(naive.replace(tzinfo=tz) if tz is not None else naive.astimezone())
    except (ValueError, OverflowError, OSError):
        return None
