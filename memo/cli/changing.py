"""Commands by which a person changes what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from memo.cli.options import ID
from memo.errors import NotKnown, UsageProblem
from memo.front import Command, Commands, Front, piped, with_front
from memo.show import counted, show_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.memory import Memory
    from memo.records import ChangeId, DocumentId, FactId, HeldId


@click.command(cls=Command)
@click.argument("change", type=ID, required=False)
@click.option("--import", "whole", is_flag=True, help="All that came with the same import.")
@with_front
def undo(front: Front, change: ChangeId | None, whole: bool) -> None:
    """Take a change set back.

    The newest if none is named; what it did never was. What was forgotten does not come back.
    """
    memory = front.memory()
    newest = memory.changes(1)
    done = memory.undo_import(change) if whole else memory.undo(change)
    front.changed(done)
    if change is None and newest and newest[0].kind == "forget":
        front.say("Forgetting cannot be undone: this is what came before it.")
    if done.target is not None and not whole:
        taken = memory.change(done.target)
        front.say(f"Taken back: change {taken.id}, “{show_line(taken.title)}”.")


@click.command(cls=Command)
@click.argument("change", type=ID, required=False)
@with_front
def redo(front: Front, change: ChangeId | None) -> None:
    """Bring an undone change set back.

    The one undone last if none is named.
    """
    front.changed(front.memory().redo(change))


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
def review(context: click.Context) -> None:
    """Edits held back as too risky."""
    from memo import contract, terminal

    if context.invoked_subcommand is None:
        front = Front(context)
        held = front.memory().review()
        front.listed(
            held,
            lambda pair: contract.held_json(*pair),
            terminal.review_lines(held),
            "Nothing waits for review.",
        )


_ITEMS = click.argument("items", nargs=-1, type=ID)
_ALL = click.option("--all", "everything", is_flag=True, help="All that wait.")


@review.command()
@_ITEMS
@_ALL
@with_front
def accept(front: Front, items: tuple[HeldId, ...], everything: bool) -> None:
    """Apply held edits."""
    memory = front.memory()
    front.changed(memory.accept(_items(memory, items, everything=everything)))


@review.command()
@_ITEMS
@_ALL
@with_front
def reject(front: Front, items: tuple[HeldId, ...], everything: bool) -> None:
    """Turn held edits down."""
    memory = front.memory()
    front.changed(memory.reject(_items(memory, items, everything=everything)))


def _items(memory: Memory, items: tuple[HeldId, ...], *, everything: bool) -> Sequence[HeldId]:
    if bool(items) == everything:
        raise UsageProblem("Name the items, or give --all.")
    if items:
        return items
    waiting = [edit.item for _, edit in memory.review() if edit.item is not None]
    if not waiting:
        raise NotKnown("Nothing waits for review.")
    return waiting


@click.command(cls=Command)
@click.argument("fact", type=ID)
@click.argument("text")
@click.option("--at", metavar="WHEN", help="Since when it holds; now if not given.")
@with_front
def edit(front: Front, fact: FactId, text: str, at: str | None) -> None:
    """Replace a fact by your own sentence."""
    when = front.at(at)
    front.changed(front.memory().edit(fact, piped(text, "text"), when))


@click.command(cls=Command)
@click.argument("facts", nargs=-1, type=ID, required=True)
@click.option("--text", help="Your own sentence; that of the first fact if not given.")
@with_front
def merge(front: Front, facts: tuple[FactId, ...], text: str | None) -> None:
    """Put one sentence in the place of several.

    As `edit` does with one fact; true since the first of them was.
    """
    memory = front.memory()
    sentence = memory.history(facts[0])[0].text if text is None else piped(text, "text")
    front.changed(memory.merge(facts, sentence))


@click.command(cls=Command)
@click.argument("fact", type=ID)
@click.option("--off", is_flag=True, help="Let it go again.")
@with_front
def pin(front: Front, fact: FactId, off: bool) -> None:
    """Keep a fact from being changed."""
    front.changed(front.memory().pin(fact, not off))


@click.command(cls=Command)
@click.argument("fact", type=ID, required=False)
@click.option("--document", type=ID, metavar="D", help="Forget a document.")
@click.option("--source", metavar="S", help="Forget all that came from a source.")
@with_front
def forget(
    front: Front, fact: FactId | None, document: DocumentId | None, source: str | None
) -> None:
    """Remove words everywhere, for good.

    Another import does not bring them back.
    """
    if [fact, document, source].count(None) != 2:
        raise UsageProblem("Name one thing to forget: a fact, --document D or --source S.")
    memory = front.memory()
    for path in memory.former_stores():
        front.say(f"{path}, kept before a repair or a restore, goes too: it may hold it.")
    if fact is not None:
        text = memory.history(fact)[0].text
        front.confirm(f"Forget “{text}” and the sentences it comes from, for good?")
        front.changed(memory.forget_fact(fact))
    elif document is not None:
        title = memory.document(document)[0].title
        front.confirm(f"Forget the document “{title}” and all that it alone says, for good?")
        front.changed(memory.forget_document(document))
    elif source is not None:
        count = sum(one.source == source for one in memory.documents())
        front.confirm(f"Forget {counted(count, 'document')} that came from {source}, for good?")
        front.changed(memory.forget_source(source))
