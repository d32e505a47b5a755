"""The command that writes what memo holds to files of other programs' formats."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memo import settings as choices
from memo.errors import MemoError
from memo.front import Command, Front, with_front

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@click.command(cls=Command)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    type=click.Choice(("jsonl", "markdown")),
    help="markdown if PATH ends in .md, else jsonl, unless given.",
)
@with_front
def export(front: Front, path: Path | None, format: str | None) -> None:
    """Write messages to a file, or all to a Markdown vault.

    Messages as JSON lines that import again as they were. Where PATH ends in .md, facts to read.
    With --format markdown and a new folder for PATH, facts, documents and conversations as a
    vault that Obsidian opens.
    """
    from memo.export import markdown, vault

    memory = front.memory()
    lines: Iterator[str]
    to_screen = path is None or str(path) == "-"
    if format is None:
        format = "markdown" if path is not None and path.suffix == ".md" else "jsonl"
    if format == "markdown" and path is not None and not to_screen and path.suffix != ".md":
        facts = memory.facts(state=None)
        kept = memory.conversations
        talks = ((one, kept.exchanges(one.id)) for one in kept.listed())
        _write_vault(path, vault(facts, memory.export_documents(), front.tz, talks))
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
    for part in (folder, *(folder / name for name in ("Documents", "Facts", "Conversations"))):
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
