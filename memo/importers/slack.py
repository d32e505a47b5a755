"""Slack's workspace export: a folder a channel, a file a day, and lists of users and channels."""

from __future__ import annotations

import re
from html import unescape
from itertools import chain, groupby
from typing import TYPE_CHECKING

from memo.importers.base import Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, entries, name_of, obj, string
from memo.importers.moments import moment
from memo.importers.shelf import Aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memo.importers.files import File
    from memo.records import Document

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")


class SlackImporter:
    """What people wrote; joins, bots' posts and files without words are left out."""

    name = "slack"

    def identify(self, file: File) -> bool:
        """Whether it is a channel's day."""
        return {"[].ts", "[].type"} <= file.shape and _DAY.fullmatch(file.path.name) is not None

    def bundle(self, file: File) -> str:
        """The channel's folder."""
        return file.path.parent.as_posix()

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """A channel, and each of its threads as a conversation of its own."""
        first = files[0]
        people = _people(_listed(first, "users.json"))
        id_, title = first.folder, first.folder
        for name in _LISTS:
            for channel in _listed(first, name):
                if first.folder in {string(channel.get("name")), string(channel.get("id"))}:
                    id_ = string(channel.get("id")) or id_
                    members = channel.get("members")
                    named = [
                        people.get(one, one)
                        for one in (members if isinstance(members, list) else [])
                        if isinstance(one, str)
                    ]
                    title = string(channel.get("name")) or ", ".join(named) or title
        found = _conversations(files, people, id_, title)
        yield from documents(self.name, first, found, reading)


def _listed(file: File, name: str) -> list[Object]:
    """One of the lists beside the channels' folders."""
    root = file.path.parent.parent / name
    listed = file.others.get(root.as_posix())
    return [one for one in entries(listed) if isinstance(one, dict)] if listed else []


def _people(users: list[Object]) -> dict[str, str]:
    """What each user is called, by id."""
    return {
        string(user.get("id")): _called(obj(user.get("profile")))
        or string(user.get("real_name"))
        or string(user.get("name"))
        or string(user.get("id"))
        for user in users
    }


def _called(profile: Object) -> str:
    return string(profile.get("real_name")) or string(profile.get("display_name"))


def _conversations(
    files: Sequence[File], people: Mapping[str, str], id_: str, title: str
) -> Iterator[Conversation | Skipped]:
    """What is said in the channel itself, then thread after thread: replies lie under their day."""
    ordered = sorted(files, key=lambda one: one.name)
    threads = _threads(ordered)
    with Aside[tuple[str, Said]]() as aside:
        for file in ordered:
            for value in entries(file):
                if isinstance(value, Skipped):
                    yield value
                    continue
                said = _said(value, file, people)
                if isinstance(said, Skipped):
                    yield said
                    continue
                root = string(value.get("thread_ts")) or said.id
                aside.keep(threads.get(root, 0), (root, said), len(said.text))
        for number, group in groupby(aside.in_order(), lambda one: one[0]):
            _, (root, first) = next(group)
            whole = chain([first], (said for _, (_, said) in group))  # noqa: B031  # its rest
            name = f"{id_}/{root}" if number else id_
            yield Conversation(name, title, whole, within=id_)


def _threads(files: Sequence[File]) -> dict[str, int]:
    """A number from 1 for each thread, by the time of what began it."""
    threads: dict[str, int] = {}
    for file in files:
        for value in entries(file):
            if isinstance(value, Skipped):
                continue
            root = string(value.get("thread_ts"))
            if root and root != string(value.get("ts")):
                threads.setdefault(root, len(threads) + 1)
    return threads


def _said(value: Object, file: File, people: Mapping[str, str]) -> Said | Skipped:
    ts = string(value.get("ts"))
    where = f"{file.where}, message {ts}"
    if string(value.get("type")) != "message":
        return Skipped(where, "is no message", routine=True)
    subtype = string(value.get("subtype"))
    if subtype == "bot_message" or (value.get("bot_id") and not value.get("user")):
        return Skipped(where, "was written by a bot", routine=True)
    if subtype not in {"", "thread_broadcast", "me_message", "file_share", "reply_broadcast"}:
        return Skipped(where, f"is a system line ({subtype})", routine=True)
    user = name_of(value.get("user"))
    speaker = people.get(user) or _called(obj(value.get("user_profile"))) or user or "Somebody"
    return Said(plain(string(value.get("text")), people), moment(ts), speaker, ts)


_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def plain(text: str, people: Mapping[str, str]) -> str:
    """The text with names for ids, the words of links, and no escapes."""

    def shown(found: re.Match[str]) -> str:
        target, label = found[1], found[2]
        if target.startswith("@"):
            return "@" + (label or people.get(target[1:], target[1:]))
        if target.startswith("#"):
            return "#" + (label or target[1:])
        if target.startswith("!"):
            return label or "@" + target[1:].partition("^")[0]
        return label or target

    return unescape(_MARKUP.sub(shown, text))
