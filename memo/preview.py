"""What `memo import` asks before it reads, and tells before and after: people, sums, a preview."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from memo import settings, terminal
from memo.records import from_utc_text, utc_text
from memo.show import counted, show, show_line
from memo.times import day, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import tzinfo

    from memo.front import Front
    from memo.importers import Skipped
    from memo.imports import Prospect
    from memo.memory import Memory, Summary
    from memo.records import Document, Message

_EXAMPLES = 5
_SHOWN_SPEAKERS = 12
_PARTLY = 3
_USUAL_S = 17.0
"""Seconds for a document where none was read here yet: the demo's mean on two cores (README)."""


def asker(front: Front) -> Callable[[str, Sequence[str]], str | None]:
    """Asks once a source who the person is in its chats, and keeps the answer in the settings.

    Who they are elsewhere is offered as the answer where somebody of that name speaks.
    """
    known: dict[str, str] = dict(front.settings.speakers)

    def who(source: str, speakers: Sequence[str]) -> str | None:
        if source not in known:
            names = {front.settings.me, *known.values()}
            usual = next((name for name in speakers if name in names), "")
            known[source] = _asked(front, source, speakers, usual)
        return known[source] or None

    return who


def _asked(front: Front, source: str, speakers: Sequence[str], usual: str) -> str:
    if not front.asks or front.yes:
        front.say(
            f"Who are you in {source}? {_listed(speakers)} speak there. Until you say so with "
            "--me, what everybody says of themselves becomes facts."
        )
        return ""
    click.echo(f"Who are you in {source}?", err=True)
    for number, name in enumerate(speakers[:_SHOWN_SPEAKERS], start=1):
        click.echo(f"  {number}  {show_line(name)}", err=True)
    enter, zero = (show_line(usual), "0 for none of them; ") if usual else ("none of them", "")
    asked = f"A number or a name; {zero}Enter for {enter}"
    said = click.prompt(asked, default=usual, show_default=False, err=True)
    answer = str(said).strip()
    if answer.isdigit() and int(answer) <= len(speakers):
        answer = speakers[int(answer) - 1] if int(answer) else ""
    settings.save(front.settings, f"speakers.{source}", answer)
    click.echo(f"Noted in {show(str(front.settings.file))}.", err=True)
    return answer


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_SPEAKERS])
    return f"{shown} and {len(names) - _SHOWN_SPEAKERS} more" if names[_SHOWN_SPEAKERS:] else shown


def left_out(skipped: Iterable[Skipped]) -> Iterator[str]:
    """What was left out as it holds nothing to read, by reason, the commonest first."""
    found = [one for one in skipped if one.routine]
    for reason, count in Counter(one.reason for one in found).most_common():
        if count == 1:
            (where,) = (one.where for one in found if one.reason == reason)
            yield f"Left out {show_line(where)}, as it {reason}"
        else:
            yield f"Left out {count}, as each {reason}"


def sum_line(summary: Summary) -> str:
    """The last line of an import, which adds up."""
    records = summary.imported + summary.already_known + len(summary.skipped) + len(summary.failed)
    return (
        f"{summary.imported} imported + {summary.already_known} already known + "
        f"{len(summary.skipped)} skipped + {len(summary.failed)} failed = "
        f"{counted(records, 'record')}; "
        f"{counted(summary.documents, 'document')}, {summary.elapsed_s:.1f} s"
    )


def summary_json(summary: Summary) -> dict[str, Any]:
    """The end of an import."""
    return {
        "imported": summary.imported,
        "already_known": summary.already_known,
        "skipped": [{"where": s.where, "reason": s.reason} for s in summary.skipped],
        "failed": [{"where": f.where, "reason": f.reason} for f in summary.failed],
        "documents": summary.documents,
        "elapsed_s": round(summary.elapsed_s, 3),
    }


class _Seen:
    """What a preview has counted."""

    def __init__(self) -> None:
        self.new = self.waiting = self.known = self.documents = 0
        self.skipped: list[Skipped] = []
        self.speakers: Counter[str] = Counter()
        self.times: list[str] = []
        self.examples: list[Message] = []

    def count(self, one: Prospect) -> None:
        document, new = one.document, one.new
        fresh = new.records if new is not None else 0
        self.new += fresh
        self.waiting += one.waiting.records
        self.known += document.records - fresh - one.waiting.records
        self.documents += len(one.waiting.documents) + (new is not None)
        for message in document.messages:
            self.speakers[message.speaker or "(unsigned)"] += 1
        first = utc_text(min(message.at for message in document.messages))
        last = utc_text(document.at)
        self.times = [min([first, *self.times[:1]]), max([last, *self.times[1:]])]
        if new is not None:
            room = _EXAMPLES - len(self.examples)
            self.examples += new.messages[:room]


def preview(front: Front, memory: Memory, found: Iterable[Document | Skipped]) -> None:
    """Show what an import would read."""
    from memo.importers import Skipped  # noqa: PLC0415  # help and completion stay quick

    seen = _Seen()

    def documents() -> Iterator[Document]:
        for one in found:
            if isinstance(one, Skipped):
                seen.skipped.append(one)
                if not one.routine:
                    front.say(f"Would skip {one.where}: {one.reason}")
            else:
                yield one

    rows: list[tuple[str, ...]] = []
    for prospect in memory.prospects(documents()):
        seen.count(prospect)
        if front.json:
            front.data(_document_json(prospect))
        else:
            rows.append(_row(prospect, front.tz))
    pace = memory.pace()
    seconds = seen.documents * (pace if pace is not None else _USUAL_S)
    if front.json:
        front.data(_seen_json(seen, seconds))
    else:
        _show(front, seen, sorted(rows), seconds, measured=pace is not None)
    if any(not one.routine for one in seen.skipped):
        raise click.exceptions.Exit(_PARTLY)


def _row(one: Prospect, tz: tzinfo | None) -> tuple[str, ...]:
    document = one.document
    if one.new is None:
        state = "waits" if one.waiting.documents else "known"
    else:
        state = "new" if one.new is document else "grown"
    return (
        moment(document.at, tz),
        document.source,
        document.title,
        str(len(document.messages)),
        state,
    )


def _show(
    front: Front, seen: _Seen, rows: list[tuple[str, ...]], seconds: float, *, measured: bool
) -> None:
    head = ("last said", "source", "title", "messages", "")
    for line in terminal.table(head, rows, front.columns):
        front.line(line)
    for line in left_out(seen.skipped):
        front.say(line.replace("Left out", "Would leave out"))
    if not seen.times:
        front.say("Nothing would be imported.")
        return
    names = [f"{name} ({count})" for name, count in seen.speakers.most_common()]
    front.line("")
    first, last = (day(from_utc_text(time), front.tz) for time in seen.times)
    front.line(f"From {first} to {last}; speakers: {show_line(_listed(names))}")
    for message in seen.examples:
        text = f"{message.speaker}: {message.text}" if message.speaker else message.text
        front.line(f"  {moment(message.at, front.tz)}  {show_line(text)[:90]}")
    records = seen.new + seen.waiting + seen.known + len(seen.skipped)
    waiting = f"{seen.waiting} stored and waiting + " if seen.waiting else ""
    front.line(
        f"{seen.new} new + {waiting}{seen.known} already known + {len(seen.skipped)} skipped = "
        f"{counted(records, 'record')}; {counted(seen.documents, 'document')} to read, "
        f"about {span(seconds)}" + ("" if measured else " on two cores")
    )


def span(seconds: float) -> str:
    """How long something takes, as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _document_json(one: Prospect) -> dict[str, Any]:
    document = one.document
    return {
        "document": None,
        "source": document.source,
        "title": document.title,
        "at": utc_text(document.at),
        "messages": len(document.messages),
        "already_known": one.new is None and not one.waiting.documents,
        "waiting": bool(one.waiting.documents),
    }


def _seen_json(seen: _Seen, seconds: float) -> dict[str, Any]:
    return {
        "dry_run": True,
        "imported": seen.new + seen.waiting,
        "waiting": seen.waiting,
        "already_known": seen.known,
        "skipped": [{"where": one.where, "reason": one.reason} for one in seen.skipped],
        "failed": [],
        "documents": seen.documents,
        "elapsed_s": 0.0,
        "from": seen.times[0] if seen.times else None,
        "to": seen.times[1] if seen.times else None,
        "speakers": dict(seen.speakers.most_common()),
        "examples": [
            {"at": utc_text(message.at), "speaker": message.speaker, "text": message.text}
            for message in seen.examples
        ],
        "estimated_s": round(seconds, 1),
    }
