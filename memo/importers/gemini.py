"""Gemini in Google's Takeout: `MyActivity.json`, prompts with the answers that were kept.

Google writes no conversations, so a day is one. An entry says that it was a prompt only by a verb
in the account's language; one in an unknown language is left out rather than guessed at.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.jsonfiles import Object, entries, objs, string
from memo.importers.moments import moment
from memo.importers.shelf import Aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File
    from memo.records import Document

_ASSISTANT = "Gemini"
_GEMINI = re.compile(r"(?:Gemini|Bard)\b|Gemini-Apps", re.IGNORECASE)
_PROMPT = re.compile(
    r"(?:Prompted|Asked|Said|Eingegebener Prompt:|Prompt:|Requête\s?:|Petición:|Instrucción:"
    r"|Comando:|Prompt inserito:|Opgegeven prompt:|Prompt wprowadzony:)\s+(?=\S)",
)
_OTHER = re.compile(r"(?:Gave feedback|Used|Selected|Created|Visited|Feedback)\b", re.IGNORECASE)


class GeminiImporter(OneFile):
    """Prompts, and answers as context; feedback and other products' activity are left out."""

    name = "gemini"

    def identify(self, file: File) -> bool:
        """Whether it is a list of Google's activities."""
        return {"[].header", "[].title", "[].time"} <= file.shape

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One conversation a day."""
        for file in files:
            yield from documents(self.name, file, _days(file, reading), reading)


def _days(file: File, reading: Reading) -> Iterator[Conversation | Skipped]:
    with Aside[tuple[str, Said]]() as aside:
        for number, value in enumerate(entries(file), start=1):
            if isinstance(value, Skipped):
                yield value
                continue
            found = _entry(value, f"{file.where}, entry {number}")
            if isinstance(found, Skipped):
                yield found
                continue
            for said in found:
                at = said.at
                assert at is not None  # `_entry` leaves none without
                day = at.astimezone(reading.tz).date().isoformat()
                aside.keep(at.timestamp(), (day, said), len(said.text))
        day, said_then = "", list[Said]()
        for _, (then, said) in aside.in_order():
            if then != day and said_then:
                yield Conversation(day, f"Gemini {day}", said_then)
                said_then = []
            day = then
            said_then.append(said)
        if said_then:
            yield Conversation(day, f"Gemini {day}", said_then)


def _entry(value: Object, where: str) -> list[Said] | Skipped:
    """A prompt and its answer."""
    title = string(value.get("title"))
    if not _GEMINI.match(string(value.get("header"))):
        return Skipped(where, "is another product's activity", routine=True)
    prompt = _PROMPT.match(title)
    if prompt is None:
        known = _OTHER.match(title) is not None
        return Skipped(where, "is no prompt" if known else "has a title of no known kind", known)
    at = moment(value.get("time"))
    if at is None:
        return Skipped(where, f"has no time that can be: {string(value.get('time'))[:40]!r}")
    html = "\n".join(string(part.get("html")) for part in objs(value.get("safeHtmlItem")))
    words = title[prompt.end() :]
    found = [Said(words, at, None, mine=True)]
    if answer := text_of(html):
        found.append(Said(answer, at, _ASSISTANT, context=True))
    return found


_DROPPED = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_ENDS = re.compile(r"</(?:p|div|li|h\d|tr|pre|ul|ol)\s*>|<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")


def text_of(html: str) -> str:
    """The words of a piece of HTML."""
    bare = _TAG.sub("", _ENDS.sub("\n", _DROPPED.sub("", html)))
    return re.sub(r"\n{3,}", "\n\n", unescape(bare)).strip()
