"""The commands: parse, call `Memory`, print. The composition root.

Tests give `Engines` with fake models as the context's `obj`; nothing else is replaced.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from memo import settings as choices
from memo.errors import ContextOverflow, MemoError, ModelCrashed, NotKnown, UsageProblem
from memo.front import Commands, Front, piped, with_front
from memo.show import show, show_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from memo.answer import Question
    from memo.memory import AlreadyKnown, ImportEvent, Memory, Summary, Told
    from memo.records import Answer, ChangeId, ChangeSet, DocumentId, Fact, FactId, HeldId

_PARTLY = 3
_LARGEST_ID = 2**63 - 1  # SQLite's
_STATES = ("current", "past", "uncertain", "all")
_ORDERS = ("dmy", "mdy", "ymd")


_ID = click.IntRange(1, _LARGEST_ID)
_LIMIT = click.IntRange(min=1)
_AS_OF = click.option("--as-of", metavar="WHEN", help="Show what was known and held then.")


def _version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            found = metadata.version("memo")
        except metadata.PackageNotFoundError:
            found = "(from a checkout)"
        click.echo(f"memo {found}")
        context.exit()


@click.group("memo", cls=Commands, invoke_without_command=True)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
@click.pass_context
def main(context: click.Context) -> None:
    """A personal memory on your own computer, kept true as your life changes.

    Options of this list may stand before or after the command.
    """
    if context.invoked_subcommand is None:
        if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
            raise UsageProblem("The application needs a terminal; `memo --help` lists commands.")
        context.exit(Front(context).application())


# -- reading -------------------------------------------------------------------------


@main.command()
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


@main.command("import")
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

    with closing(_watched(front, events)) as watched:
        for event in watched:
            match event:
                case Imported():
                    front.changed(event.change)
                case AlreadyKnown() if not sums:
                    _tell_known(front, event)
                case Summary():
                    _sum_up(front, event, sums=sums)


def _watched(
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
        raise click.exceptions.Exit(MemoError.exit_code if nothing else _PARTLY)


# -- asking --------------------------------------------------------------------------


@main.command()
@click.argument("question", required=False)
@click.option("--as-of", metavar="WHEN", help="Answer as it would have been then.")
@click.option("--choice", "choice", multiple=True, metavar="TEXT", help="A possible answer.")
@click.option("--list", "wants_list", is_flag=True, help="The answer is a list.")
@with_front
def ask(
    front: Front,
    question: str | None,
    as_of: str | None,
    choice: tuple[str, ...],
    wants_list: bool,
) -> None:
    """Answer a question, with sources.

    `-` reads a question a line from a pipe: plain text, or JSON.
    """
    from memo.answer import Question

    when = front.at(as_of, end_of_day=True)
    memory = front.memory()
    if question == "-" or (question is None and not sys.stdin.isatty()):
        _ask_lines(front, memory, Question("", when, choice, wants_list))
        return
    text = piped(question, "question").strip()
    if not text:
        raise UsageProblem("The question is blank; write one in quotes.")
    _answer(front, memory, Question(text, when, choice, wants_list))


def _ask_lines(front: Front, memory: Memory, pattern: Question) -> None:
    """A question a line, plain or JSON; a line that is neither is named and passed over."""
    wrong = False
    for number, line in enumerate(sys.stdin.buffer, start=1):
        text = line.decode("utf-8", "replace").strip().removeprefix("\ufeff")
        if not text:
            continue
        try:
            _answer(front, memory, _question(front, text, pattern))
        except (ValueError, UsageProblem, ContextOverflow, ModelCrashed) as error:
            wrong = True
            front.say(f"Skipped line {number}: {error}")
    if wrong:
        raise click.exceptions.Exit(_PARTLY)


def _question(front: Front, line: str, pattern: Question) -> Question:
    """A line of `memo ask -`.

    Raises:
        ValueError: It begins as JSON and is not a question.
        UsageProblem: Its time makes no sense.
    """
    if not line.startswith("{"):
        return replace(pattern, text=line)
    try:
        fields = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    text, wanted, choice = fields.get("question"), fields.get("list"), fields.get("choices")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it has no question")
    if choice is not None and not (
        isinstance(choice, list) and all(isinstance(one, str) for one in choice)
    ):
        raise ValueError("its choices are not a list of texts")
    as_of = fields.get("as_of")
    if as_of is not None and not isinstance(as_of, str):
        raise ValueError("its as_of is not a text such as 2024-03-01")
    return replace(
        pattern,
        text=text,
        id=fields.get("id"),
        as_of=pattern.as_of if as_of is None else front.at(as_of, end_of_day=True),
        choices=pattern.choices if choice is None else tuple(choice),
        wants_list=pattern.wants_list if wanted is None else bool(wanted),
    )


def _answer(front: Front, memory: Memory, question: Question) -> None:
    from memo import contract

    answer = _streamed(front, memory, question)
    if front.json:
        front.data(contract.answer_json(answer, question.id))


def _streamed(front: Front, memory: Memory, question: Question) -> Answer:
    """Ask; for a person, print the text as it comes, then what it rests on."""
    from memo import terminal
    from memo.records import Answer

    with closing(memory.ask(question)) as pieces:
        for piece in pieces:
            if isinstance(piece, Answer):
                answer = piece
            elif not front.json:
                click.echo(show(piece), nl=False)
    if not front.json:
        front.line("")
        for line in terminal.source_lines(answer, front.tz):
            front.line(line)
    return answer


# -- looking -------------------------------------------------------------------------


@main.command()
@click.argument("query", required=False)
@_AS_OF
@click.option("--state", type=click.Choice(_STATES), default="current", show_default=True)
@click.option("--limit", type=_LIMIT, help="How many at most.")
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


@main.command()
@click.argument("fact", type=_ID)
@with_front
def history(front: Front, fact: FactId) -> None:
    """What happened to a fact, oldest first."""
    from memo import contract, terminal

    entries = front.memory().history(fact)
    if not front.json:
        front.line(click.style(show_line(entries[0].text), bold=True))
    lines = terminal.history_lines(entries, front.tz, front.columns)
    front.listed(entries, contract.history_json, lines, "Nothing happened.")


@main.command()
@click.option("--limit", type=_LIMIT, help="How many at most.")
@with_front
def log(front: Front, limit: int | None) -> None:
    """What changed, newest first.

    A change set stands for one document, or one edit of your own.
    """
    from memo import contract, terminal

    changes = front.memory().changes(limit)
    lines = (line for change in changes for line in terminal.change_lines(change, front.tz))
    front.listed(changes, contract.change_json, lines, "Nothing has changed yet.")


@main.command("show")
@click.argument("change", type=_ID)
@with_front
def show_(front: Front, change: ChangeId) -> None:
    """What one change set did."""
    front.changed(front.memory().change(change))


@main.command()
@with_front
def documents(front: Front) -> None:
    """What was read, newest first."""
    from memo import contract, terminal

    found = front.memory().documents()
    lines = terminal.document_lines(found, front.tz, front.columns)
    front.listed(found, contract.document_json, lines, "Nothing was read yet.")


@main.command()
@click.argument("document", type=_ID)
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
    front.changed(change)


# -- changing ------------------------------------------------------------------------


@main.command()
@click.argument("change", type=_ID, required=False)
@click.option("--import", "whole", is_flag=True, help="All that came with the same import.")
@with_front
def undo(front: Front, change: ChangeId | None, whole: bool) -> None:
    """Take a change set back.

    The newest if none is named; what it did never was.
    """
    memory = front.memory()
    front.changed(memory.undo_import(change) if whole else memory.undo(change))


@main.command()
@click.argument("change", type=_ID, required=False)
@with_front
def redo(front: Front, change: ChangeId | None) -> None:
    """Bring an undone change set back.

    The one undone last if none is named.
    """
    front.changed(front.memory().redo(change))


@main.group(invoke_without_command=True)
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


_ITEMS = click.argument("items", nargs=-1, type=_ID)
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


@main.command()
@click.argument("fact", type=_ID)
@click.argument("text")
@click.option("--at", metavar="WHEN", help="Since when it holds; now if not given.")
@with_front
def edit(front: Front, fact: FactId, text: str, at: str | None) -> None:
    """Replace a fact by your own sentence."""
    when = front.at(at)
    front.changed(front.memory().edit(fact, piped(text, "text"), when))


@main.command()
@click.argument("fact", type=_ID)
@click.option("--off", is_flag=True, help="Let it go again.")
@with_front
def pin(front: Front, fact: FactId, off: bool) -> None:
    """Keep a fact from being changed."""
    front.changed(front.memory().pin(fact, not off))


@main.command()
@click.argument("fact", type=_ID, required=False)
@click.option("--document", type=_ID, metavar="D", help="Forget a document.")
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
        front.confirm(f"Forget {count} documents that came from {source}, for good?")
        front.changed(memory.forget_source(source))
    for path in memory.former_stores():
        front.say(f"{path}, kept before a repair or a restore, still holds it: delete that too.")


# -- data in and out -----------------------------------------------------------------


@main.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", type=click.Choice(("jsonl", "markdown")), default="jsonl", show_default=True
)
@with_front
def export(front: Front, path: Path | None, format: str) -> None:
    """Write messages to a file, or all to a Markdown vault.

    Messages as JSON lines that import again as they were; or as Markdown: facts to a file ending
    in .md, facts and documents to a folder that Obsidian opens as a vault.
    """
    from memo.export import markdown, vault

    memory = front.memory()
    lines: Iterator[str]
    to_screen = path is None or str(path) == "-"
    if format == "markdown" and path is not None and not to_screen and path.suffix != ".md":
        facts = memory.facts(state=None)
        _write_vault(path, vault(facts, memory.export_documents(), front.tz))
        front.say(f"Wrote {path}.")
        if front.json:
            front.data({"path": str(path), "format": format})
        return
    if format == "jsonl":
        lines = (json.dumps(line, ensure_ascii=to_screen) for line in memory.export_messages())
    else:
        lines = markdown(memory.facts(state=None), front.tz)
    if path is None or to_screen:
        for line in lines:
            front.line(line)
        return
    if path.is_dir():
        raise MemoError(f"{path} is a folder; name a file, or give --format markdown for a vault.")
    if path.exists():
        front.confirm(f"Replace {path}?")
    _write(path, lines)
    front.say(f"Wrote {path}.")
    if front.json:
        front.data({"path": str(path), "format": format})


def _write_vault(folder: Path, notes: Iterable[tuple[str, list[str]]]) -> None:
    """A new folder, or an empty one, with notes that only their owner can read."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MemoError(f"{folder} is not an empty folder; name a new one for the vault.")
    for part in (folder, folder / "Documents", folder / "Facts"):
        choices.private_folder(part)
    for name, lines in notes:
        _write(folder / name, lines)


def _write(path: Path, lines: Iterable[str]) -> None:
    """A file that only its owner can read, whole or not at all."""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".memo-export-", encoding="utf-8", delete=False
        ) as file:
            try:
                file.writelines(f"{line}\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            finally:
                Path(file.name).unlink(missing_ok=True)
    except OSError as error:
        raise MemoError(f"Cannot write {path}: {error.strerror}.") from error


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_front
def backup(front: Front, file: Path) -> None:
    """Write a whole, checked copy of the store."""
    front.memory().backup(file.absolute())
    front.say(f"Backed up to {file}.")
    if front.json:
        front.data({"path": str(file)})


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_front
def restore(front: Front, file: Path) -> None:
    """Put a backup in the store's place.

    The former store is kept aside.
    """
    front.confirm(f"Replace the store in {front.settings.home} by {file}?")
    former = front.memory().restore(file.absolute())
    front.say(f"Restored from {file}.")
    if former is not None:
        front.say(f"What was there before is now {former}.")
    if front.json:
        front.data({"restored": str(file), "former": None if former is None else str(former)})


@main.command()
@with_front
def reset(front: Front) -> None:
    """Delete everything that memo keeps of you.

    Models and backups stay.
    """
    memory = front.memory()
    paths = memory.reset_paths()
    for path in paths:
        front.say(str(path))
    if not paths:
        front.say("There is nothing to delete.")
    elif not front.yes:
        if not front.asks:
            raise UsageProblem("reset asks first, and there is no terminal; give --yes to consent.")
        word = click.prompt("These will be deleted. Type reset to go on", err=True, default="")
        if word.strip() != "reset":
            raise MemoError("Nothing was deleted.")
    deleted = memory.reset()
    if front.json:
        front.data({"deleted": [str(path) for path in deleted]})


# -- models --------------------------------------------------------------------------


@main.group("model", no_args_is_help=True)
def model_() -> None:
    """The models that read and answer."""


def _names(_context: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    """Completions: the catalogue's names."""
    from memo.models import catalogue

    return [model.name for model in catalogue().models if model.name.startswith(typed)]


@model_.command("list")
@with_front
def model_list(front: Front) -> None:
    """The catalogue: size, licence, memory need and measured score."""
    from memo import terminal
    from memo.models import catalogue, default_models, installed
    from memo.terminal import size

    used = default_models(front.settings)
    models = catalogue().models
    here = {model.name: installed(model, front.settings.models) for model in models}
    if front.json:
        entries = [
            {
                "name": model.name,
                "kind": model.kind,
                "licence": model.licence,
                "bytes": model.bytes,
                "memory_mb": model.memory_mb,
                "context_tokens": model.context_tokens,
                "score": model.score,
                "needs_hub": model.needs_hub,
                "installed": here[model.name],
                "used": model.name in used,
                "description": model.description,
            }
            for model in models
        ]
        front.data({"models": entries, "used": list(used)})
        return
    rows = [
        (
            "▸" if model.name in used else "",
            model.name,
            model.kind,
            size(model.bytes),
            f"{model.memory_mb / 1000:.1f} GB",
            "" if model.score is None else f"{model.score:.2f}",
            "here" if here[model.name] else "Hub" if model.needs_hub else "pull",
            model.licence,
        )
        for model in models
    ]
    heads = ("", "name", "kind", "size", "memory", "score", "where", "licence")
    for line in terminal.table(heads, rows, front.columns):
        front.line(line)
    for name in used:
        if "/" in name:
            front.line(f"▸ {show_line(name)}")


@model_.command()
@with_front
def recommend(front: Front) -> None:
    """What fits this machine; looks at its memory, goes nowhere."""
    from memo.engines import hardware
    from memo.models import machine, recommend

    here = machine()
    found = hardware(here.card)
    usable = here if found.devices else replace(here, vram_bytes=0)
    best, offline = recommend(usable), recommend(usable, hub=False)
    if front.json:
        front.data(
            {
                "chat": best.chat.name,
                "embedding": best.embedding.name,
                "reason": best.reason,
                "without_hub": {
                    "chat": offline.chat.name,
                    "embedding": offline.embedding.name,
                    "reason": offline.reason,
                },
                "ram_bytes": here.ram_bytes,
                "vram_bytes": here.vram_bytes,
                "threads": found.threads,
                "uses": [device.name for device in found.devices],
                "idle": found.idle or None,
            }
        )
        return
    places = " and ".join(device.name for device in found.devices)
    front.line(f"{best.chat.name} with {best.embedding.name}")
    front.line(f"  {best.reason} It runs on {places or f'the processor, {found.threads} threads'}.")
    if offline != best and best.chat.needs_hub:
        front.line(f"Without the Hub: {offline.chat.name} with {offline.embedding.name}")
        front.line(f"  {offline.reason}")
    if found.idle:
        front.line(f"{found.idle} Then {recommend(here).chat.name} would fit.")


@model_.command("pull")
@click.argument("name", required=False, shell_complete=_names)
@with_front
def model_pull(front: Front, name: str | None) -> None:
    """Fetch a model; without NAME the two that are needed."""
    from memo.models import catalogue, default_models, find, installed

    names = [name] if name else [n for n in default_models(front.settings) if catalogue().find(n)]
    wanted = [find(one) for one in names]
    missing = [model for model in wanted if not installed(model, front.settings.models)]
    if missing:
        front.pull(missing)
    else:
        front.say(f"{' and '.join(names)}: already on this machine.")
    if front.json:
        front.data(
            {
                "models": names,
                "pulled": [m.name for m in missing],
                "folder": str(front.settings.models),
            }
        )


@model_.command("use")
@click.argument("name", metavar="NAME|PATH", shell_complete=_names)
@with_front
def model_use(front: Front, name: str) -> None:
    """Choose a model for this home from now on: of the catalogue, or a GGUF file."""
    from memo.models import use

    found = use(name, front.settings)
    front.say(f"From now on {found.name} is used.")
    if front.json:
        front.data({"model": found.name, "kind": found.kind, "path": str(found.path)})


@model_.command("remove")
@click.argument("name", shell_complete=_names)
@with_front
def model_remove(front: Front, name: str) -> None:
    """Delete a model from this machine."""
    from memo.models import find, remove
    from memo.terminal import size

    front.confirm(f"Delete the model {find(name).name} from this machine?")
    freed = remove(name, front.settings.models)
    front.say(f"Deleted {name}: {size(freed)} freed.")
    if front.json:
        front.data({"removed": name, "bytes": freed})


# -- health --------------------------------------------------------------------------


@main.command()
@click.option("--repair", is_flag=True, help="Derive indexes anew; a backup is made first.")
@with_front
def doctor(front: Front, repair: bool) -> None:
    """Check store, indexes, models and modes.

    Ends with 0 only if all is well.
    """
    memory = front.memory()
    kept = memory.repair() if repair else None
    if kept is not None:
        front.say(f"Repaired what can be derived; the store as it was is {kept}.")
    checks = list(memory.doctor())
    if front.json:
        entries = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
        front.data({"ok": all(check.ok for check in checks), "checks": entries})
    else:
        for check in checks:
            mark = click.style("✓", fg="green") if check.ok else click.style("✗", fg="red")
            front.line(f"{mark} {check.name}: {show_line(check.detail)}")
    codes = [check.exit_code for check in checks if not check.ok]
    if codes:
        raise click.exceptions.Exit(max(codes))


@main.command()
@with_front
def where(front: Front) -> None:
    """The paths in use."""
    settings = front.settings
    paths = {
        "home": settings.home,
        "store": settings.store,
        "models": settings.models,
        "settings": settings.file,
        "log": settings.log,
    }
    if front.json:
        front.data({name: str(path) for name, path in paths.items()})
        return
    for name, path in paths.items():
        front.line(f"{name:<9} {show_line(str(path))}")


# -- demo ----------------------------------------------------------------------------


@main.command()
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the home that the demo makes.",
)
@with_front
def demo(front: Front, keep: Path | None) -> None:
    """The whole job on a bundled sample.

    In a throw-away home: fetches the models if need be, reads chats and notes, shows every edit,
    and asks three questions.
    """
    import tempfile
    import tomllib

    front.fetch_missing()
    script = tomllib.loads((choices.asset("demo") / "questions.toml").read_text("utf-8"))
    front.settings = replace(front.settings, tz=script["zone"])
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise UsageProblem(f"{keep} is not empty; name a new folder.")
        front.settings = replace(front.settings, home=keep.absolute())
        _demo(front, script)
        front.say(f"`memo --home {keep} ask …` goes on with it.")
        return
    with tempfile.TemporaryDirectory(prefix="memo-demo-") as home:
        front.settings = replace(front.settings, home=Path(home))
        _demo(front, script)


def _demo(front: Front, script: dict[str, Any]) -> None:
    """Import the sample, ask its questions, and judge the answers.

    Raises:
        click.exceptions.Exit: With 1 unless every answer is as expected.
    """
    from memo.answer import Question
    from memo.memory import Imported

    folder = choices.asset("demo")
    memory = front.memory(fence="sample")  # our own words: the same transcript each time
    front.say(f"{script['me']}'s chats and notes of two years, oldest first:")
    changes = []
    sources = [folder / "chat.jsonl", folder / "notes"]
    events = memory.import_paths(sources, tz=front.tz, me=script["me"])
    with closing(_watched(front, events)) as watched:
        for event in watched:
            if isinstance(event, Imported):
                changes.append(event.change)
                if not front.json:
                    front.line("")
                    front.changed(event.change)
    answers = [
        _demo_question(front, memory, Question(entry["question"]), entry)
        for entry in script["question"]
    ]
    _demo_sums(front, memory, changes, answers)
    if not all(good for _, good in answers):
        raise click.exceptions.Exit(MemoError.exit_code)


def _demo_question(
    front: Front, memory: Memory, question: Question, entry: dict[str, Any]
) -> tuple[Answer, bool]:
    """Ask one question, and tell whether the answer is the one that the sample wants."""
    if not front.json:
        front.line("")
        front.line(click.style(f"» {question.text}", bold=True))
    answer = _streamed(front, memory, question)
    wanted = entry.get("abstained")
    good = answer.abstained == wanted and (
        wanted is not None
        or any(accepted.casefold() in answer.answer.casefold() for accepted in entry["accept"])
    )
    if not front.json:
        expected = f"expected {wanted or ' or '.join(entry['accept'])}, not {answer.answer!r}"
        front.line(
            click.style("  ✓ as expected", fg="green")
            if good
            else click.style(f"  ✗ {expected}", fg="red")
        )
    return answer, good


def _demo_sums(
    front: Front, memory: Memory, changes: list[ChangeSet], answers: list[tuple[Answer, bool]]
) -> None:
    """What the demo did, in numbers."""
    from memo import contract, terminal

    counts = memory.counts()
    if front.json:
        front.data(
            {
                "changes": [contract.change_json(change) for change in changes],
                "answers": [
                    {**contract.answer_json(answer), "as_expected": good}
                    for answer, good in answers
                ],
                "counts": counts,
            }
        )
        return
    edits = Counter(edit.op for change in changes for edit in change.edits)
    seconds = sum(change.elapsed_s for change in changes)
    rows = [
        ("documents read", str(counts["documents"])),
        ("facts now true", str(counts["current"])),
        ("facts of the past", str(counts["past"])),
        ("facts in doubt", str(counts["uncertain"])),
        ("edits applied", str(sum(edits.values()))),
        ("edits held for review", str(counts["held"])),
        ("calls of the model", str(sum(change.usage.calls for change in changes))),
        ("seconds of reading", f"{seconds:.0f}"),
        ("answers as expected", f"{sum(good for _, good in answers)} of {len(answers)}"),
    ]
    front.line("")
    for line in terminal.table((), rows):
        front.line(line)
    front.say(
        '\nYour own: `memo add "…"`, `memo import PATH`, `memo ask "…"`, `memo facts`, `memo log`.'
    )
