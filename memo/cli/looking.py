"""Commands that show what is known, what was read, and how both came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from memo.cli.options import AS_OF, ID, LIMIT
from memo.front import Command, Front, with_front
from memo.show import show_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memo.records import ChangeId, DocumentId, Fact, FactId

_STATES = ("current", "past", "uncertain", "all")


@click.command(cls=Command)
@click.argument("query", required=False)
@AS_OF
@click.option("--state", type=click.Choice(_STATES), default="current", show_default=True)
@click.option("--limit", type=LIMIT, help="How many at most.")
@with_front
def facts(
    front: Front, query: str | None, as_of: str | None, state: str, limit: int | None
) -> None:
    """Facts by meaning and keyword.

    Without a query all of them, newest first.
    """
    from memo import contract, terminal
    from memo.records import State

    memory = front.memory()
    wanted = None if state == "all" else State(state)
    when = front.at(as_of, end_of_day=True)
    found: Iterable[Fact]
    if query is None:
        found = memory.each_fact(state=wanted, as_of=when, limit=limit)
    else:
        found = memory.facts(query, state=wanted, as_of=when, limit=limit)
    lines = terminal.fact_lines(found, front.tz, front.columns)
    front.listed(found, contract.fact_json, lines, "No facts.")
    _tell_unread(front, len(memory.unread()))


@click.command(cls=Command)
@click.argument("fact", type=ID)
@with_front
def history(front: Front, fact: FactId) -> None:
    """What happened to a fact, oldest first."""
    from memo import contract, terminal

    entries = front.memory().history(fact)
    if not front.json:
        front.line(click.style(show_line(entries[0].text), bold=True))
    lines = terminal.history_lines(entries, front.tz, front.columns)
    front.listed(entries, contract.history_json, lines, "Nothing happened.")


@click.command(cls=Command)
@click.option("--limit", type=LIMIT, help="How many at most.")
@with_front
def log(front: Front, limit: int | None) -> None:
    """What changed, newest first.

    A change set stands for one document, or one edit of your own.
    """
    from memo import contract, terminal

    changes = front.memory().changes(limit)
    lines = (line for change in changes for line in terminal.change_lines(change, front.tz))
    front.listed(changes, contract.change_json, lines, "Nothing has changed yet.")


@click.command("show", cls=Command)
@click.argument("change", type=ID)
@with_front
def show_(front: Front, change: ChangeId) -> None:
    """What one change set did."""
    front.changed(front.memory().change(change))


@click.command(cls=Command)
@with_front
def documents(front: Front) -> None:
    """What was read, newest first."""
    from memo import contract, terminal

    found = front.memory().documents()
    lines = terminal.document_lines(found, front.tz, front.columns)
    front.listed(found, contract.document_json, lines, "Nothing was read yet.")
    _tell_unread(front, sum(one.unread for one in found))


def _tell_unread(front: Front, count: int) -> None:
    if count:
        waits = "1 document is stored and waits" if count == 1 else f"{count} documents wait"
        front.say(f"{waits} to be read: `memo import --resume` reads what waits.")


@click.command(cls=Command)
@click.argument("document", type=ID)
@with_front
def document(front: Front, document: DocumentId) -> None:
    """One document: what was said, and what it changed."""
    from memo import contract, terminal

    found, passages, change = front.memory().document(document)
    if front.json:
        front.data(contract.whole_document_json(found, passages, change))
        return
    for line in terminal.passage_lines(passages, front.tz):
        front.line(line)
    front.line("")
    if found.unread:
        front.say("It waits to be read: `memo import --resume` reads what waits.")
    else:
        front.changed(change)
