"""ChatGPT's data export: `conversations.json`, or shards of it, alone or in the zip.

A conversation is a tree, as each edited question and repeated answer began a branch; only the
branch on which it ended is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, short_hash
from memo.importers.branches import branch
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, entries, name_of, obj, objects, objs, string
from memo.importers.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memo.importers.files import File
    from memo.records import Document

_ASSISTANT = "ChatGPT"
_WORDS = {"text", "multimodal_text"}


class ChatGptImporter(OneFile):
    """What was asked by the person and answered by the assistant; no tools, no reasoning."""

    name = "chatgpt"

    def identify(self, file: File) -> bool:
        """Whether its conversations are trees, or their messages have typed content."""
        return not file.shape.isdisjoint(
            {
                "[].mapping",
                "conversations[].mapping",
                "mapping",
                "[].messages[].content.content_type",
                "conversations[].messages[].content.content_type",
            }
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One conversation after the other; one that is damaged is skipped by itself."""
        for file in files:
            yield from documents(self.name, file, _conversations(file), reading)


def _conversations(file: File) -> Iterator[Conversation | Skipped]:
    alone = "mapping" in file.shape
    for value in objects(file) if alone else entries(file, "conversations"):
        if isinstance(value, Skipped):
            yield value
            continue
        title = string(value.get("title")) or string(value.get("name"))
        since = moment(value.get("create_time")) or moment(value.get("created_at"))
        id_ = name_of(value.get("conversation_id")) or name_of(value.get("id"))
        where = f"{file.where}, “{title or id_ or 'without a title'}”"
        said: Iterator[Said | Skipped]
        if nodes := obj(value.get("mapping")):
            said = _tree(value, nodes, where)
        elif messages := objs(value.get("messages")):
            said = (_said(message, name_of(message.get("id")), where) for message in messages)
        else:
            yield Skipped(where, "holds no messages")
            continue
        yield Conversation(id_ or short_hash(title, str(since)), title, said, since)


def _tree(value: Object, nodes: Object, where: str) -> Iterator[Said | Skipped]:
    """The messages on the branch that ends at the current node, and the others as left out."""
    parents = _parents(nodes)
    leaf = string(value.get("current_node"))
    if leaf not in nodes:
        leaf = _newest_leaf(nodes, parents)
    path = branch(leaf, parents)
    for id_ in path:
        message = obj(obj(nodes[id_]).get("message"))
        if message:
            yield _said(message, id_, where)
    for id_ in nodes.keys() - set(path):
        if obj(obj(nodes[id_]).get("message")):
            yield Skipped(f"{where}, message {id_}", "is on a branch that was given up", True)


def _parents(nodes: Object) -> dict[str, str | None]:
    """Each node's parent, by its own word or else by its parent's: either may be missing."""
    parents: dict[str, str | None] = dict.fromkeys(nodes)
    for id_, node in nodes.items():
        children = obj(node).get("children")
        for child in children if isinstance(children, list) else ():
            if isinstance(child, str) and child in parents:
                parents[child] = id_
    for id_, node in nodes.items():
        if (parent := string(obj(node).get("parent"))) in nodes:
            parents[id_] = parent
    return parents


def _newest_leaf(nodes: Object, parents: Mapping[str, str | None]) -> str:
    """The leaf said last; the file's last where no time is known."""
    inner = set(parents.values())
    leaves = [id_ for id_ in nodes if id_ not in inner] or list(nodes)

    def age(id_: str) -> float:
        at = moment(obj(obj(nodes[id_]).get("message")).get("create_time"))
        return at.timestamp() if at else 0.0

    return max(reversed(leaves), key=age)


def _said(message: Object, id_: str, where: str) -> Said | Skipped:
    """A node's message, if it is one that people see."""
    content = message.get("content")
    typed = obj(content)
    kind = string(typed.get("content_type")) or "text"
    role = string(obj(message.get("author")).get("role")) or string(message.get("role"))
    hidden = obj(message.get("metadata")).get("is_visually_hidden_from_conversation") is True
    here = f"{where}, message {id_}"
    if kind == "user_editable_context":
        return Skipped(here, "holds your custom instructions: `memo add` what is still so", True)
    if role not in {"user", "assistant"} or hidden:
        return Skipped(here, f"is the program's own ({role or 'no'} role)", routine=True)
    if kind not in _WORDS or string(message.get("recipient")) not in {"", "all"}:
        return Skipped(here, f"is {kind}, not conversation", routine=True)
    return Said(
        _text(content),
        moment(message.get("create_time")) or moment(message.get("created_at")),
        None if role == "user" else _ASSISTANT,
        id_,
        mine=role == "user",
        context=role != "user",
    )


def _text(content: object) -> str:
    """What is written or spoken in a message; pictures and files have no words."""
    if isinstance(content, str):
        return content
    typed = obj(content)
    parts = typed.get("parts")
    if not isinstance(parts, list):
        return string(typed.get("text"))
    words = [part if isinstance(part, str) else string(obj(part).get("text")) for part in parts]
    return "\n".join(word for word in words if word.strip())
