"""Messenger and Instagram in Meta's download: `message_1.json`, `message_2.json` … a conversation.

Meta writes UTF-8 as if it were Latin-1. That is undone only where it is certain: every character
is one of Latin-1's and together they are valid UTF-8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memo.importers.base import Reading, Skipped, short_hash
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, entries, objects, string
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File
    from memo.records import Document

_NUMBER = re.compile(r"\d+")
_LINES = re.compile(
    r"(?:(?:You|\S.{0,60}) )?(?:sent an attachment\.|sent a (?:photo|video|GIF|voice message)\."
    r"|[Ll]iked a message|reacted .{1,40} to your message"
    r"|started an? (?:audio|video) (?:call|chat)\."
    r"|missed (?:a|your) (?:audio |video )?call\.|left the (?:chat|group)\.?"
    r"|named the group .*|changed the (?:chat )?theme .*|joined the (?:chat|call)\.?)",
    re.DOTALL,
)


class MetaImporter:
    """What people wrote; calls, stickers, pictures and system lines are left out."""

    def __init__(self, name: str) -> None:
        self.name = name

    def identify(self, file: File) -> bool:
        """Whether messages have Meta's fields, and the folders are this program's."""
        shape = file.shape
        ours = {"messages[].sender_name", "messages[].timestamp_ms"} <= shape
        flat = {"participants", "threadName"} <= shape and "messages[].senderName" in shape
        instagram = "instagram" in file.where.casefold()
        return (ours or flat) and instagram == (self.name == "instagram")

    def bundle(self, file: File) -> str:
        """The conversation's folder; end-to-end encrypted ones are a file each."""
        if "messages[].senderName" in file.shape or not file.stem.startswith("message_"):
            return file.name
        return file.path.parent.as_posix()

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """A conversation out of all its files, in time order."""
        ordered = sorted(files, key=lambda file: _last_number(file.stem))
        first = ordered[0]
        head = next((one for one in objects(first) if isinstance(one, dict)), {})
        head = {name: value for name, value in head.items() if name != "messages"}
        people = head.get("participants")
        title = _text(head.get("title")) or _text(head.get("threadName")) or first.folder
        id_ = string(head.get("thread_path")) or string(head.get("threadName"))
        found = [Conversation(id_ or short_hash(title, str(people)), title, _messages(ordered))]
        yield from documents(self.name, first, found, reading)


def _last_number(stem: str) -> int:
    numbers = _NUMBER.findall(stem)
    return int(numbers[-1][:9]) if numbers else 0


def _messages(files: Sequence[File]) -> Iterator[Said | Skipped]:
    """From the last file back and within each from its end: Meta puts the newest first."""
    for file in reversed(files):
        for value in entries(file, "messages"):
            yield value if isinstance(value, Skipped) else _said(value, file)


def _said(value: Object, file: File) -> Said | Skipped:
    stamp = value.get("timestamp_ms", value.get("timestamp"))
    where = f"{file.where}, message of {stamp}"
    if value.get("is_unsent") is True or value.get("isUnsent") is True:
        return Skipped(where, "was taken back", routine=True)
    text = _text(value.get("content", value.get("text")))
    kind = string(value.get("type"))
    if kind in {"Call", "Subscribe", "Unsubscribe"} or "call_duration" in value:
        return Skipped(where, "is a call or a system line", routine=True)
    if _LINES.fullmatch(text):
        return Skipped(where, "is a system line", routine=True)
    speaker = _text(value.get("sender_name")) or _text(value.get("senderName"))
    return Said(text, moment(stamp), speaker or "Somebody")


def _text(value: object) -> str:
    """A text as it was written."""
    text = string(value)
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
