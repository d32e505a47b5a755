"""Discord channels as DiscordChatExporter writes them: one JSON file a channel or thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, broken_off, elements, name_of, obj, string
from memo.importers.jsonstream import BadValue, BrokenOff, JsonStream
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File
    from memo.records import Document

_WRITTEN = {"Default", "Reply", "ThreadStarterMessage", ""}


class DiscordImporter(OneFile):
    """What people wrote; joins, calls, pins and bots are left out."""

    name = "discord"

    def identify(self, file: File) -> bool:
        """Whether it names a guild and a channel."""
        return {"guild", "channel"} <= file.shape and "messages" in file.shape

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """The channel of each file, the messages streamed."""
        for file in files:
            yield from documents(self.name, file, _channel(file), reading)


def _channel(file: File) -> Iterator[Conversation | Skipped]:
    header: dict[str, Object] = {}
    with file.open() as stream:
        json = JsonStream(stream)
        try:
            for name in json.members():
                if name in {"guild", "channel"}:
                    try:
                        header[name] = obj(json.value())
                    except BadValue:
                        continue
                elif name == "messages" and json.peek() == "[":
                    channel = header.get("channel", {})
                    title = string(channel.get("name")) or file.stem
                    guild = string(header.get("guild", {}).get("name"))
                    whole = f"{guild} #{title}" if guild and guild != "Direct Messages" else title
                    id_ = name_of(channel.get("id")) or file.stem
                    yield Conversation(id_, whole, _messages(file, json))
        except BrokenOff as problem:
            yield from broken_off(file, json, problem)


def _messages(file: File, json: JsonStream) -> Iterator[Said | Skipped]:
    for value in elements(file, json):
        yield value if isinstance(value, Skipped) else _said(value, file)


def _said(value: Object, file: File) -> Said | Skipped:
    id_ = name_of(value.get("id"))
    where = f"{file.where}, message {id_}"
    kind = string(value.get("type"))
    author = obj(value.get("author"))
    if author.get("isBot") is True:
        return Skipped(where, "was written by a bot", routine=True)
    if kind not in _WRITTEN:
        return Skipped(where, f"is a system line ({kind})", routine=True)
    if value.get("forwardedMessage") and not string(value.get("content")):
        return Skipped(where, "was forwarded: somebody else's words", routine=True)
    speaker = string(author.get("nickname")) or string(author.get("name"))
    return Said(
        string(value.get("content")), moment(value.get("timestamp")), speaker or "Somebody", id_
    )
