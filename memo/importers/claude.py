"""Claude's data export: `conversations.json`, alone or in the zip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, short_hash
from memo.importers.branches import branch
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, entries, name_of, obj, objs, string
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File
    from memo.records import Document

_ASSISTANT = "Claude"
_PERSON = {"human", "user"}


class ClaudeImporter(OneFile):
    """What was asked by the person and answered by the assistant; no tools, no thinking."""

    name = "claude"

    def identify(self, file: File) -> bool:
        """Whether it has chat messages with senders, or dated messages with roles."""
        shape = file.shape
        return "[].chat_messages" in shape or (
            {"[].messages[].role", "[].created_at"} <= shape
            and "[].messages[].content.content_type" not in shape
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One conversation after the other; one that is damaged is skipped by itself."""
        for file in files:
            yield from documents(self.name, file, _conversations(file), reading)


def _conversations(file: File) -> Iterator[Conversation | Skipped]:
    for value in entries(file, "conversations"):
        if isinstance(value, Skipped):
            yield value
            continue
        title = string(value.get("name")) or string(value.get("title"))
        id_ = name_of(value.get("uuid")) or name_of(value.get("id"))
        where = f"{file.where}, “{title or id_ or 'without a name'}”"
        messages = objs(value.get("chat_messages")) or objs(value.get("messages"))
        if not messages:
            empty = "chat_messages" in value or "messages" in value
            yield Skipped(where, "holds no messages", routine=empty)
            continue
        since = moment(value.get("created_at"))
        yield Conversation(
            id_ or short_hash(title, str(since)), title, _branch(messages, where), since
        )


def _branch(messages: list[Object], where: str) -> Iterator[Said | Skipped]:
    """The messages on the branch that ends with the last, and the others as left out."""
    ids = [_id(message) or f"#{number}" for number, message in enumerate(messages)]
    named = [string(message.get("parent_message_uuid")) for message in messages]
    if any(parent in ids for parent in named):
        parents = {
            id_: parent if parent in ids else None for id_, parent in zip(ids, named, strict=True)
        }
        kept = set(branch(ids[-1], parents))
    else:
        kept = set(ids)  # older exports know no parents
    for id_, message in zip(ids, messages, strict=True):
        if id_ in kept:
            yield _said(message, id_, where)
        else:
            yield Skipped(f"{where}, message {id_}", "is on a branch that was given up", True)


def _id(message: Object) -> str:
    return name_of(message.get("uuid")) or name_of(message.get("id"))


def _said(message: Object, id_: str, where: str) -> Said | Skipped:
    sender = string(message.get("sender")) or string(message.get("role"))
    if sender not in _PERSON | {"assistant"}:
        return Skipped(f"{where}, message {id_}", f"is of the sender {sender!r}", routine=True)
    return Said(
        _text(message),
        moment(message.get("created_at")),
        None if sender in _PERSON else _ASSISTANT,
        id_,
        mine=sender in _PERSON,
        context=sender not in _PERSON,
    )


def _text(message: Object) -> str:
    """Its blocks of text; `text` by itself can be a note that a block cannot be displayed."""
    content = message.get("content")
    if isinstance(content, str) and content.strip():
        return content
    blocks = [block for block in objs(content) if block.get("type", "text") == "text"]
    words = [string(obj(block).get("text")) for block in blocks]
    return "\n\n".join(word for word in words if word.strip()) or string(message.get("text"))
