"""Telegram Desktop's `result.json`: one chat, or the whole account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, short_hash
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, broken_off, elements, name_of, obj, string
from memo.importers.jsonstream import BadValue, BrokenOff, JsonStream
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memo.importers.files import File
    from memo.records import Document


class TelegramImporter(OneFile):
    """What people wrote; service lines, forwards, stickers and media are left out."""

    name = "telegram"

    def identify(self, file: File) -> bool:
        """Whether messages carry Telegram's second form of the date, or it is an account's data."""
        shape = file.shape
        account = {"personal_information.user_id", "about"} <= shape
        return account or any(
            f"{start}messages[].date_unixtime" in shape
            or {f"{start}messages[].from_id", f"{start}messages[].text"} <= shape
            for start in ("", "chats.list[].")
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One chat after the other, the messages streamed."""
        for file in files:
            yield from documents(self.name, file, _chats(file, reading), reading)


def _chats(file: File, reading: Reading) -> Iterator[Conversation | Skipped]:
    """The chats of a file; a name stands before its messages, as Telegram writes it."""
    with file.open() as stream:
        json = JsonStream(stream)
        try:
            header: Object = {}
            for name in json.members():
                if name == "messages":
                    yield from _chat(file, json, header, reading.tz)
                elif name in {"chats", "left_chats"}:
                    yield from _account(file, json, reading)
                elif name in _HEADER:
                    header[name] = _whole(json)
        except BrokenOff as problem:
            yield from broken_off(file, json, problem)


_HEADER = {"id", "name", "type"}


def _whole(json: JsonStream) -> object:
    try:
        return json.value()
    except BadValue:
        return None


def _account(file: File, json: JsonStream, reading: Reading) -> Iterator[Conversation | Skipped]:
    if json.peek() != "{":
        return
    for name in json.members():
        if name != "list" or json.peek() != "[":
            continue
        for _ in json.elements():
            header: Object = {}
            if json.peek() != "{":
                continue
            for field in json.members():
                if field == "messages":
                    yield from _chat(file, json, header, reading.tz)
                elif field in _HEADER:
                    header[field] = _whole(json)


def _chat(
    file: File, json: JsonStream, header: Object, tz: tzinfo | None
) -> Iterator[Conversation | Skipped]:
    if json.peek() != "[":
        return
    saved = "Saved Messages" if header.get("type") == "saved_messages" else file.folder
    title = string(header.get("name")) or saved
    id_ = name_of(header.get("id")) or short_hash(title)
    yield Conversation(id_, title, _messages(file, json, title, tz))


def _messages(
    file: File, json: JsonStream, title: str, tz: tzinfo | None
) -> Iterator[Said | Skipped]:
    for value in elements(file, json):
        yield value if isinstance(value, Skipped) else _said(value, f"{file.where}, “{title}”", tz)


def _said(value: Object, where: str, tz: tzinfo | None) -> Said | Skipped:
    id_ = name_of(value.get("id"))
    here = f"{where}, message {id_}"
    if string(value.get("type")) != "message":
        return Skipped(here, "is a service line", routine=True)
    if "forwarded_from" in value or "saved_from" in value:
        return Skipped(here, "was forwarded: somebody else's words", routine=True)
    # `date` is the exporting machine's local time, and repeats an hour every autumn.
    at = moment(value.get("date_unixtime")) or moment(value.get("date"), tz)
    speaker = name_of(value.get("from")) or name_of(value.get("from_id"))
    return Said(_text(value.get("text")), at, speaker or "Deleted Account", id_)


def _text(text: object) -> str:
    """A text, or the pieces of one that is partly bold or linked."""
    if isinstance(text, list):
        pieces = [one if isinstance(one, str) else string(obj(one).get("text")) for one in text]
        return "".join(pieces)
    return string(text)
