"""Commands that read: one note, or the exports of other programs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from memo.cli.options import PARTLY
from memo.errors import MemoError
from memo.front import Command, Front, piped, with_front

if TYPE_CHECKING:
    from collections.abc import Generator

    from memo.memory import AlreadyKnown, ImportEvent, Summary, Told

_ORDERS = ("dmy", "mdy", "ymd")


@click.command(cls=Command)
@click.argument("text", required=False)
@click.option("--at", metavar="WHEN", help="When it was said; now if not given.")
@click.option("--title", default="", help="What to call it.")
@click.option("--speaker", metavar="NAME", help="Who says “I” in it.")
@with_front
def add(front: Front, text: str | None, at: str | None, title: str, speaker: str | None) -> None:
    """Read one note or message.

    `-` reads it from a pipe.
    """
    from memo.memory import note

    when = front.at(at)
    documents = note(piped(text, "note"), when, title=title, speaker=speaker)
    _import(front, front.memory().ingest_all(documents), sums=False)


@click.command("import", cls=Command)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", metavar="F", help="The files' format; recognised if not given.")
@click.option("--me", metavar="NAME", help="Who you are in these files.")
@click.option("--at", metavar="WHEN", help="When things without a time were said.")
@click.option("--date-order", type=click.Choice(_ORDERS), help="How chats write their dates.")
@click.option("--everyone", is_flag=True, help="Take facts from what others say, too.")
@click.option("--dry-run", is_flag=True, help="Only show what would be read.")
@with_front
def import_(
    front: Front,
    paths: tuple[Path, ...],
    format: str | None,
    me: str | None,
    at: str | None,
    date_order: str | None,
    everyone: bool,
    dry_run: bool,
) -> None:
    """Read files, folders and zip archives that other programs exported.

    The README lists the formats. What was read before is passed over, so an import that was
    stopped, or an export that has grown, can be imported again.
    """
    from memo.preview import asker, preview

    memory = front.memory()
    told: Told = {
        "at": front.at(at),
        "tz": front.tz,
        "me": me,
        "who": asker(front),
        "date_order": date_order,
        "everyone": everyone,
        "warn": front.say,
    }
    if dry_run:
        preview(front, memory, memory.read_paths(paths, format=format, **told))
    else:
        _import(front, memory.import_paths(paths, format=format, **told), sums=True)


def _import(front: Front, events: Generator[ImportEvent, None, None], *, sums: bool) -> None:
    """Print what happens to each document; the contract's exit code for what went wrong."""
    from memo.memory import AlreadyKnown, Imported, Summary

    with closing(watched(front, events)) as narrated:
        for event in narrated:
            match event:
                case Imported():
                    front.changed(event.change)
                case AlreadyKnown() if not sums:
                    _tell_known(front, event)
                case Summary():
                    _sum_up(front, event, sums=sums)


def watched(
    front: Front, events: Generator[ImportEvent, None, None]
) -> Generator[ImportEvent, None, None]:
    """The events, with narration of how far they are and of what goes wrong."""
    from memo.importers import Skipped
    from memo.memory import AlreadyKnown, Begun, Failed, Imported
    from memo.preview import span

    total = done = 0
    started = monotonic()
    with closing(events), front.status() as status:
        try:
            for event in events:
                status.clear()
                match event:
                    case Begun():
                        total = event.documents
                        started = monotonic()
                    case Skipped() if not event.routine:
                        front.say(f"Skipped {event.where}: {event.reason}")
                    case Failed():
                        front.say(f"Failed {event.document.key}: {event.reason}")
                yield event
                done += isinstance(event, Imported | AlreadyKnown | Failed)
                if done < total:
                    left = (monotonic() - started) / max(done, 1) * (total - done)
                    soon = f", about {span(left)} left; Ctrl-C pauses" if done else ""
                    status.update(f"Reading {done + 1} of {total}{soon}…")
        except KeyboardInterrupt:
            status.clear()
            front.say(f"{done} of {total} documents are read; the same command goes on from here.")
            raise


def _tell_known(front: Front, event: AlreadyKnown) -> None:
    if event.id is None:
        front.say("This was forgotten and is not read again.")
        return
    front.say("This was read before.")
    front.changed(front.memory().document(event.id)[2])


def _sum_up(front: Front, summary: Summary, *, sums: bool) -> None:
    """The end of an import."""
    from memo.preview import left_out, sum_line, summary_json

    if sums:
        for line in left_out(summary.skipped):
            front.say(line)
        if front.json:
            front.data(summary_json(summary))
        else:
            front.say(sum_line(summary))
        if not (summary.imported or summary.already_known or summary.failed):
            raise MemoError("Nothing was imported: no file there holds anything that memo reads.")
    if summary.failed or any(not one.routine for one in summary.skipped):
        nothing = not sums and not summary.documents
        raise click.exceptions.Exit(MemoError.exit_code if nothing else PARTLY)
