"""Conversations as lists of roles: OpenAI's chat messages and ShareGPT's; they carry no dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, short_hash
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, name_of, objects, objs, string
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File
    from memo.records import Document

_ASSISTANT = "Assistant"
_PERSON = {"user", "human"}
_MACHINE = {"assistant", "gpt", "chatgpt", "bing", "bard", "model"}


class OpenAiImporter(OneFile):
    """`{"messages": [{"role", "content"}]}`: a list of them, one a line, or one alone."""

    name = "openai"

    def identify(self, file: File) -> bool:
        """Whether messages have a role and plain content, and conversations no date."""
        shape = file.shape
        return any(
            f"{start}messages[].role" in shape
            and f"{start}created_at" not in shape
            and f"{start}messages[].content.content_type" not in shape
            for start in ("", "[].")
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One conversation after the other."""
        for file in files:
            found = _conversations(file, "messages", ("role", "content"))
            yield from documents(self.name, file, found, reading)


class ShareGptImporter(OneFile):
    """`{"conversations": [{"from", "value"}]}`: a list of them, one a line, or one alone."""

    name = "sharegpt"

    def identify(self, file: File) -> bool:
        """Whether what is said has a `from` and a `value`."""
        return any(
            {f"{start}conversations[].from", f"{start}conversations[].value"} <= file.shape
            for start in ("", "[].")
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One conversation after the other."""
        for file in files:
            found = _conversations(file, "conversations", ("from", "value"))
            yield from documents(self.name, file, found, reading)


def _conversations(
    file: File, listed: str, names: tuple[str, str]
) -> Iterator[Conversation | Skipped]:
    for number, value in enumerate(objects(file), start=1):
        if isinstance(value, Skipped):
            yield value
            continue
        messages = objs(value.get(listed))
        where = f"{file.where}, conversation {number}"
        if not messages:
            yield Skipped(where, f"has no {listed}")
            continue
        title = string(value.get("title")) or f"{file.stem} {number}"
        said = [_said(message, names, where) for message in messages]
        id_ = name_of(value.get("id")) or short_hash(
            *[one.text for one in said if isinstance(one, Said)][:2]
        )
        yield Conversation(id_, title, said)


def _said(message: Object, names: tuple[str, str], where: str) -> Said | Skipped:
    role = string(message.get(names[0])).casefold()
    if role not in _PERSON | _MACHINE:
        return Skipped(where, f"is of the role {role!r}", routine=True)
    return Said(
        _text(message.get(names[1])),
        moment(message.get("created_at")) or moment(message.get("timestamp")),
        None if role in _PERSON else _ASSISTANT,
        mine=role in _PERSON,
        context=role not in _PERSON,
    )


def _text(content: object) -> str:
    """A text, or the texts among parts."""
    if isinstance(content, list):
        parts = [one if isinstance(one, str) else "" for one in content]
        parts += [string(part.get("text")) for part in objs(content)]
        return "\n".join(part for part in parts if part.strip())
    return string(content)
