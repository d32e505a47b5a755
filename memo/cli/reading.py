"""Commands that read: one note, or the exports of other programs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from memo.cli.options import PARTLY
from memo.errors import MemoError, UsageProblem
from memo.front import Command, Front, piped, with_front

if TYPE_CHECKING:
    from collections.abc import Generator

    from memo.memory import AlreadyKnown, ImportEvent, Summary, Told

_ORDERS = ("dmy", "mdy", "ymd")


@click.command(cls=Command)
@click.argument("text", required=False)
@click.option("--at", metavar="WHEN", help="When it was said; now if not given.")
@click.option("--title", default="", help="What to call it.")
@click.option("--speaker", metavar="NAME", help="Who says “I” in it; you if not given.")
@with_front
def add(front: Front, text: str | None, at: str | None, title: str, speaker: str | None) -> None:
    """Read one note or message.

    `-` reads it from a pipe.
    """
    from memo.memory import note

    when = front.at(at)
    who = speaker or front.settings.me
    documents = note(piped(text, "note"), when, title=title, speaker=who)
    _tell_nameless(front, who, f'write me = "Your name" into {front.settings.file}')
    _import(front, front.memory().ingest_all(documents), sums=False)


@click.command("import", cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", metavar="F", help="The files' format; recognised if not given.")
@click.option("--me", metavar="NAME", help="Who you are in these files.")
@click.option("--at", metavar="WHEN", help="When things without a time were said.")
@click.option("--date-order", type=click.Choice(_ORDERS), help="How chats write their dates.")
@click.option("--everyone", is_flag=True, help="Take facts from what others say, too.")
@click.option("--newest-first", is_flag=True, help="Read what was said last before the rest.")
@click.option("--resume", is_flag=True, help="Read what is stored and still waits, without files.")
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
    newest_first: bool,
    resume: bool,
    dry_run: bool,
) -> None:
    """Read files, folders and zip archives that other programs exported.

    The README lists the formats. First everything is stored, and can be found and cited at once;
    then it is read, document by document. Ctrl-C pauses; --resume goes on, and the same command
    does, too. Of an export that has grown only what is new is read.
    """
    from memo.preview import asker, preview

    memory = front.memory()
    if resume:
        if paths or dry_run:
            raise UsageProblem("--resume reads what is stored already: give it no files.")
        _import(front, memory.resume(newest_first=newest_first), sums=True, resumed=True)
        return
    if not paths:
        raise UsageProblem("Name files or folders to import, or give --resume.")
    told: Told = {
        "at": front.at(at),
        "tz": front.tz,
        "me": me,
        "who": asker(front),
        "date_order": date_order,
        "everyone": everyone,
        "warn": front.say,
    }
    _tell_nameless(front, me or front.settings.me, "give --me with your name")
    if dry_run:
        preview(front, memory, memory.read_paths(paths, format=format, **told))
    else:
        events = memory.import_paths(paths, format=format, newest_first=newest_first, **told)
        _import(front, events, sums=True)


def _tell_nameless(front: Front, me: str | None, how: str) -> None:
    """How to say who the person is, before the first words that memo reads."""
    if not me and not front.settings.store.exists():
        front.say(f"memo does not know yet who “I” is: {how}.")


def _import(
    front: Front,
    events: Generator[ImportEvent, None, None],
    *,
    sums: bool,
    resumed: bool = False,
) -> None:
    """Print what happens to each document; the contract's exit code for what went wrong."""
    from memo.memory import AlreadyKnown, Begun, Imported, Summary

    with closing(watched(front, events)) as narrated:
        for event in narrated:
            match event:
                case Begun(0) if resumed:
                    front.say("Nothing waits to be read.")
                case Imported():
                    front.changed(event.change)
                case AlreadyKnown() if not sums:
                    _tell_known(front, event)
                case Summary():
                    _sum_up(front, event, sums=sums, resumed=resumed)


def watched(
    front: Front, events: Generator[ImportEvent, None, None]
) -> Generator[ImportEvent, None, None]:
    """The events, with narration of how far they are and of what goes wrong."""
    from memo.importers import Skipped
    from memo.memory import Failed

    progress = _Progress()
    with closing(events), front.status() as status:
        try:
            for event in events:
                status.clear()
                match event:
                    case Skipped() if not event.routine:
                        front.say(f"Skipped {event.where}: {event.reason}")
                    case Failed():
                        front.say(f"Failed {event.document.key}: {event.reason}")
                yield event
                progress.count(event)
                if line := progress.line:
                    status.update(line)
        except (KeyboardInterrupt, MemoError):
            status.clear()
            if line := progress.rest:
                front.say(line)
            raise


class _Progress:
    """How far an import is, in either stage."""

    def __init__(self) -> None:
        self._doing = ""
        self._total = self._done = 0
        self._started = monotonic()

    def count(self, event: ImportEvent) -> None:
        """Take note of an event."""
        from memo.memory import AlreadyKnown, Begun, Failed, Imported, Stored, Storing

        match event:
            case Storing() | Begun():
                self._doing = "Storing" if isinstance(event, Storing) else "Reading"
                self._total, self._done = event.documents, 0
                self._started = monotonic()
            case Stored() | AlreadyKnown() | Imported() | Failed():
                self._done += 1

    @property
    def line(self) -> str:
        """What is being done, and how long the rest takes; "" where nothing is."""
        from memo.preview import span

        if self._done >= self._total:
            return ""
        left = (monotonic() - self._started) / max(self._done, 1) * (self._total - self._done)
        soon = f", about {span(left)} left; Ctrl-C pauses" if self._done else ""
        return f"{self._doing} {self._done + 1} of {self._total}{soon}…"

    @property
    def rest(self) -> str:
        """What is left to do, and how; "" where nothing is, or nothing is done yet."""
        if self._done >= self._total:
            return ""
        if self._doing == "Reading":
            return (
                f"{self._done} of {self._total} documents are read, the others are stored and "
                "wait: `memo import --resume` goes on from here."
            )
        if not self._done:
            return ""
        return f"{self._done} of {self._total} documents are stored: the same command goes on."


def _tell_known(front: Front, event: AlreadyKnown) -> None:
    if not event.ids:
        front.say("This was forgotten and is not read again.")
        return
    document, _, change = front.memory().document(event.ids[-1])
    if not document.unread:  # else a note repeats itself
        front.say("This was read before.")
        front.changed(change)


def _sum_up(front: Front, summary: Summary, *, sums: bool, resumed: bool) -> None:
    """The end of an import."""
    from memo.preview import left_out, sum_line, summary_json

    if summary.failed:
        front.say("What failed is stored and waits; `memo import --resume` tries it again.")
    if sums:
        for line in left_out(summary.skipped):
            front.say(line)
        if front.json:
            front.data(summary_json(summary))
        elif summary.documents or summary.failed or not resumed:
            front.say(sum_line(summary))
        if not (resumed or summary.imported or summary.already_known or summary.failed):
            raise MemoError("Nothing was imported: no file there holds anything that memo reads.")
    if summary.failed or any(not one.routine for one in summary.skipped):
        nothing = not sums and not summary.documents
        raise click.exceptions.Exit(MemoError.exit_code if nothing else PARTLY)
