"""A memory as files: messages that import again, facts for reading, a vault that Obsidian opens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memo.records import State
from memo.show import show_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    from memo.records import Conversation, Fact, KeptExchange, Passage, StoredDocument


def markdown(facts: Iterable[Fact], tz: tzinfo | None) -> Iterator[str]:
    """Lines: a heading for each subject, what holds now, then what held, newest first."""
    by_subject = _by_subject(facts)
    yield "# Memory"
    for subject in sorted(by_subject, key=str.casefold):
        yield ""
        yield f"## {show_line(subject)}"
        yield ""
        yield from _fact_lines(by_subject[subject], tz)


def _by_subject(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    by_subject: dict[str, list[Fact]] = {}
    for fact in facts:
        subject = fact.claim.subjects[0] if fact.claim.subjects else "Everything else"
        by_subject.setdefault(subject, []).append(fact)
    return by_subject


def _fact_lines(facts: Iterable[Fact], tz: tzinfo | None) -> Iterator[str]:
    for fact in sorted(facts, key=lambda fact: fact.state is State.PAST):
        yield f"- {show_line(fact.text)} ({_held(fact, tz)})"


def _held(fact: Fact, tz: tzinfo | None) -> str:
    since = f"since {fact.since.astimezone(tz).date()}"
    if fact.until is None:
        return since
    word = "may be outdated since" if fact.state is State.UNCERTAIN else "until"
    return f"{since}, {word} {fact.until.astimezone(tz).date()}"


Note = tuple[str, list[str]]
"""The name of a file in the vault, and its lines."""


def vault(
    facts: Iterable[Fact],
    documents: Iterable[tuple[StoredDocument, list[Passage]]],
    tz: tzinfo | None,
    conversations: Iterable[tuple[Conversation, list[KeptExchange]]] = (),
) -> Iterator[Note]:
    """A note for each subject, document and conversation; facts link to their documents."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for document, passages in documents:
        day = document.at.astimezone(tz).date().isoformat()
        name = _free(f"{day} {document.title or document.source}", taken)
        names[document.id] = name
        yield f"Documents/{name}.md", [*_document_lines(document, passages, tz)]
    for subject, some in sorted(_by_subject(facts).items()):
        lines = ["---", f"title: {_quoted(subject)}", "---", ""]
        for fact in sorted(some, key=lambda fact: fact.state is State.PAST):
            source = names.get(fact.document) if fact.document is not None else None
            link = f" — [[{source}]]" if source else ""
            lines.append(f"- {show_line(fact.text)} ({_held(fact, tz)}){link}")
        yield f"Facts/{_free(subject, taken)}.md", lines
    for conversation, exchanges in conversations:
        day = conversation.begun.astimezone(tz).date().isoformat()
        name = _free(f"{day} {conversation.title}", taken)
        yield f"Conversations/{name}.md", [*_exchange_lines(conversation, exchanges, tz)]


def _exchange_lines(
    conversation: Conversation, exchanges: Iterable[KeptExchange], tz: tzinfo | None
) -> Iterator[str]:
    yield "---"
    yield f"title: {_quoted(conversation.title)}"
    yield f"date: {conversation.begun.astimezone(tz).isoformat()}"
    yield "---"
    for one in exchanges:
        clock = one.at.astimezone(tz).strftime("%Y-%m-%d %H:%M")
        yield from ("", f"**you** {clock}", "", one.said)
        if one.answer:
            yield from ("", "**memo**", "", one.answer)


def _document_lines(
    document: StoredDocument, passages: Iterable[Passage], tz: tzinfo | None
) -> Iterator[str]:
    yield "---"
    yield f"title: {_quoted(document.title or document.source)}"
    yield f"date: {document.at.astimezone(tz).isoformat()}"
    yield f"source: {_quoted(document.source)}"
    yield "---"
    for passage in passages:
        yield ""
        who = f"**{show_line(passage.speaker)}** " if passage.speaker else ""
        clock = passage.at.astimezone(tz).strftime("%Y-%m-%d %H:%M")
        yield f"{who}{clock}"
        yield ""
        yield passage.text


def _quoted(text: str) -> str:
    """A value of YAML on one line."""
    return '"' + show_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|#^\[\]\x00-\x1f\x7f]+')  # of files, and of links to them
_LONGEST_NAME = 80


def _free(name: str, taken: set[str]) -> str:
    """A name that is good on every system and not taken, whatever case it is written in."""
    good = _NOT_IN_NAMES.sub(" ", show_line(name)).strip(" .")[:_LONGEST_NAME].strip(" .")
    good = good or "untitled"
    free, number = good, 2
    while free.casefold() in taken:
        free, number = f"{good} {number}", number + 1
    taken.add(free.casefold())
    return free
