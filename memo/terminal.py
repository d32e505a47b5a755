"""Records as a person reads them in a terminal: lines of text, already safe to print."""

from __future__ import annotations

import shutil
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING

import click

from memo.records import State
from memo.show import show, show_line
from memo.times import day, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from memo.records import (
        Answer,
        ChangeId,
        ChangeSet,
        EditRecord,
        Fact,
        HistoryEntry,
        Passage,
        StoredDocument,
    )

_BLOCK = 1000
"""Rows of a table that are held to align them."""
_CLEARED = "\r\x1b[K"
_MARKS = {
    "add": ("+", "green"),
    "reinforce": ("=", "blue"),
    "make_false": ("✗", "red"),
    "rewrite": ("~", "yellow"),
    "uncertain": ("?", "magenta"),
    "pin": ("*", "cyan"),
    "unpin": ("*", "cyan"),
}
_STATES = {State.CURRENT: "green", State.PAST: "bright_black", State.UNCERTAIN: "magenta"}


def width(text: str) -> int:
    """How many columns a text takes: East Asian wide characters take two, marks none."""
    columns = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return columns


def fitted(text: str, columns: int) -> str:
    """The text, cut with an ellipsis where it is wider than that."""
    if width(text) <= columns:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > columns - 1:
            break
        kept += char
    return kept + "…"


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], columns: int | None = None
) -> Iterator[str]:
    """Lines with aligned columns; numbers stand right.

    Args:
        headings: The first line; none where it is empty.
        rows: Untrusted text, a cell each.
        columns: How wide the terminal is, so that the widest column is cut to fit; None to cut
            nothing, for a pipe.
    """
    cells = [[show_line(cell) for cell in row] for row in rows]
    if not cells:
        return
    everything = [list(headings), *cells] if headings else cells
    widths = [max(width(row[n]) for row in everything) for n in range(len(cells[0]))]
    if columns is not None:
        widest = widths.index(max(widths))
        spare = columns - sum(widths) - 2 * (len(widths) - 1)
        widths[widest] = max(widths[widest] + min(spare, 0), 16)
    right = [all(row[n].isdecimal() for row in cells) for n in range(len(widths))]
    for number, row in enumerate(everything):
        line = []
        for cell, size, rightwards in zip(row, widths, right, strict=True):
            cut = fitted(cell, size)
            padding = " " * (size - width(cut))
            line.append(padding + cut if rightwards else cut + padding)
        text = "  ".join(line).rstrip()
        yield click.style(text, bold=True) if headings and number == 0 else text


def fact_lines(facts: Iterable[Fact], tz: tzinfo | None, columns: int | None) -> Iterator[str]:
    """A table of facts; of very many, each block has columns of its own width."""
    headings: tuple[str, ...] = ("id", "fact", "state", "since", "until")
    left = iter(facts)
    while block := list(islice(left, _BLOCK)):
        rows = [
            (
                str(fact.id),
                f"{'* ' if fact.pinned else ''}{fact.text}",
                fact.state.value,
                day(fact.since, tz),
                day(fact.until, tz),
            )
            for fact in block
        ]
        yield from table(headings, rows, columns)
        headings = ()


def document_lines(
    documents: Sequence[StoredDocument], tz: tzinfo | None, columns: int | None
) -> Iterator[str]:
    """A table of documents."""
    rows = [
        (str(one.id), day(one.at, tz), one.title, one.source, str(one.messages), _facts(one))
        for one in documents
    ]
    return table(("id", "date", "title", "source", "messages", "facts"), rows, columns)


def _facts(document: StoredDocument) -> str:
    """How many facts a document stated first, or that it waits to be read."""
    return "waits" if document.unread else str(document.facts)


def passage_lines(passages: Sequence[Passage], tz: tzinfo | None) -> Iterator[str]:
    """What was said, as it was said."""
    for passage in passages:
        speaker = f"{show_line(passage.speaker)}: " if passage.speaker else ""
        yield click.style(f"{moment(passage.at, tz)}  ", dim=True) + speaker + show(passage.text)


def change_lines(change: ChangeSet, tz: tzinfo | None) -> Iterator[str]:
    """A change set as a diff: a headline, then a line for each edit."""
    when, title = day(change.at, tz), show_line(change.title)
    headline = when if title == when else f"{when}  {title}"
    spent = f" · {change.elapsed_s:.1f} s" if change.elapsed_s >= 0.05 else ""
    undone = " · undone" if change.undone else ""
    yield (
        click.style(headline, bold=True)
        + click.style(f"  change {change.id}{spent}{undone}", dim=True)
    )
    for edit in change.edits:
        yield "  " + edit_line(edit)
    for edit in change.held:
        yield "  " + held_line(edit)
    for problem in change.problems:
        yield click.style(f"  ! {show_line(problem)}", fg="yellow")
    if not (change.edits or change.held or change.problems) and change.kind == "document":
        yield click.style("  nothing to note", dim=True)


def edit_line(edit: EditRecord) -> str:
    """`+ added`, `= said again`, `✗ no longer true`, `~ old → new`, `? may be outdated`."""
    mark, colour = _MARKS[edit.op]
    text = show_line(edit.text)
    if edit.op == "rewrite":
        text = f"{text} → {show_line(edit.new_text or '')}"
    elif edit.op == "uncertain":
        text = f"{text} (may be outdated)"
    elif edit.op == "make_false":
        text = f"{text} (no longer true)"
    elif edit.op in {"pin", "unpin"}:
        text = f"{text} ({edit.op}ned)"
    fact = edit.new_fact if edit.new_fact is not None else edit.fact
    number = click.style(f"  #{fact}", dim=True) if fact is not None else ""
    return f"{click.style(f'{mark} {text}', fg=colour)}{number}"


def held_line(edit: EditRecord) -> str:
    """An edit that waits for the person's word, and why."""
    reason = f": {show_line(edit.reason)}" if edit.reason else ""
    held = click.style(f"held for review as item {edit.item}{reason}", fg="yellow")
    return f"{edit_line(edit)}  {held}"


def review_lines(held: Sequence[tuple[ChangeId, EditRecord]]) -> Iterator[str]:
    """Edits that wait, a block each."""
    for change, edit in held:
        yield f"{click.style(str(edit.item), bold=True)}  {edit_line(edit)}"
        if edit.evidence:
            yield f"   “{show_line(edit.evidence)}”"
        yield click.style(f"   change {change}: {show_line(edit.reason or 'held')}", dim=True)


def history_lines(
    entries: Sequence[HistoryEntry], tz: tzinfo | None, columns: int | None
) -> Iterator[str]:
    """A table of what happened to a fact; below what ended it, what came in its place."""
    rows = [
        (
            day(entry.at, tz),
            entry.event.replace("_", " ") + (" (undone)" if entry.undone else ""),
            entry.quote or "",
            str(entry.change),
            "" if entry.document is None else str(entry.document),
        )
        for entry in entries
    ]
    lines = iter(table(("date", "event", "words", "change", "document"), rows, columns))
    yield from islice(lines, 1)
    for line, entry in zip(lines, entries, strict=True):
        yield line
        if entry.new_text is not None:
            number = click.style(f"  #{entry.new_fact}", dim=True)
            yield f"            → {show_line(entry.new_text)}{number}"


def source_lines(answer: Answer, tz: tzinfo | None) -> Iterator[str]:
    """What an answer rests on."""
    for cited in answer.facts:
        fact = cited.fact
        held = f"since {day(fact.since, tz)}"
        if fact.until is not None:
            word = "doubtful since" if fact.state is State.UNCERTAIN else "until"
            held = f"{held}, {word} {day(fact.until, tz)}"
        colour = _STATES[fact.state]
        yield (
            f"  [{cited.n}] {show_line(fact.text)} "
            + click.style(f"({fact.state.value}, {held})", fg=colour)
            + click.style(f"  #{fact.id}", dim=True)
        )
    for said in answer.passages:
        passage = said.passage
        speaker = f"{show_line(passage.speaker)}: " if passage.speaker else ""
        yield (
            f"  [{said.n}] {day(passage.at, tz)} {speaker}{show_line(passage.text)}"
            + click.style(f"  document {passage.document}", dim=True)
        )


def size(count: int) -> str:
    """Bytes as a person says them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.0f} MB"


class Status:
    """One line on stderr that shows how far something is; silent where nobody watches."""

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self._shown = False

    def __enter__(self) -> Status:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def update(self, text: str) -> None:
        """Replace the line."""
        if self.live:
            columns = shutil.get_terminal_size().columns
            click.echo(
                _CLEARED + fitted(show_line(text), columns - 1), nl=False, err=True, color=True
            )
            self._shown = True

    def clear(self) -> None:
        """Leave the line empty, for what is printed next."""
        if self._shown:
            click.echo(_CLEARED, nl=False, err=True, color=True)
            self._shown = False
