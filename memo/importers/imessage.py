"""iMessage as imessage-exporter writes it: text files, one a conversation.

`May 17, 2022  5:29:42 PM (Read by you after 3 seconds)`, the sender, the words, a blank line;
answers within a thread are repeated, indented by four, under the message they answer.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.lines import lines
from memo.importers.moments import believable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memo.importers.files import File
    from memo.records import Document

_STAMP = re.compile(
    r"([A-Z][a-z]{2} \d{2}, \d{4})  ?(\d{1,2}:\d{2}:\d{2})[ \u202f]([AP]M)( \([^()]*\))?( .*)?"
)
_ME = "Me"
_NOTES = re.compile(
    r"(?:Tapbacks:|This message responded to an earlier message\.|.* unsent this message.*"
    r"|Edited .* later:.*|Sent with .*|Attachment missing!?.*|/.*/Attachments/.*|attachments/.*)"
)


class IMessageImporter(OneFile):
    """What people wrote; tapbacks, announcements, attachments and repeated answers are left out."""

    name = "imessage"

    def identify(self, file: File) -> bool:
        """Whether it begins with a stamp as imessage-exporter writes one."""
        first = file.text.lstrip("\ufeff \r\n").split("\n", 1)[0].rstrip("\r")
        return file.suffix == ".txt" and _STAMP.fullmatch(first) is not None

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """The conversation of each file."""
        for file in files:
            said = _messages(file, reading.tz)
            yield from documents(
                self.name, file, [Conversation(file.stem, file.stem, said)], reading
            )


def _messages(file: File, tz: tzinfo | None) -> Iterator[Said | Skipped]:
    block: list[str] = []
    number = 0
    with file.open() as stream:
        for line in lines(stream, blank=True):
            text = line.text or ""
            if _STAMP.fullmatch(text):
                if block:
                    yield _said(f"{file.where}:{number}", block, tz)
                block, number = [text], line.number
            elif block and not text.startswith("    "):
                block.append(text)
    if block:
        yield _said(f"{file.where}:{number}", block, tz)


def _said(where: str, block: list[str], tz: tzinfo | None) -> Said | Skipped:
    found = _STAMP.fullmatch(block[0])
    assert found is not None  # a block begins with one
    if found[5] or len(block) < 2 or not block[1].strip():
        return Skipped(where, "is an announcement", routine=True)
    sender = block[1].strip()
    words = []
    for line in block[2:]:
        if line.strip() == "Tapbacks:":
            break
        if not _NOTES.fullmatch(line.strip()):
            words.append(line)
    mine = sender == _ME
    at = _when(found, tz)
    return Said("\n".join(words).strip("\n"), at, None if mine else sender, mine=mine)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _when(found: re.Match[str], tz: tzinfo | None) -> datetime | None:
    """The stamp's time; written in English whatever this machine speaks."""
    try:
        month = _MONTHS.index(found[1][:3]) + 1
        hour, minute, second = (int(part) for part in found[2].split(":"))
        hour = hour % 12 + (12 if found[3] == "PM" else 0)
        day, year = int(found[1][4:6]), int(found[1][8:])
        naive = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # see below
        return believable(naive.replace(tzinfo=tz) if tz is not None else naive.astimezone())
    except (ValueError, OverflowError, OSError):
        return None
