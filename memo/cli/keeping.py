"""Commands that keep the store safe and sound: backups, checks, and its end."""

from __future__ import annotations

from pathlib import Path

import click

from memo.errors import MemoError, UsageProblem
from memo.front import Command, Front, with_front
from memo.show import show_line


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@with_front
def backup(front: Front, file: Path) -> None:
    """Write a whole, checked copy of the store."""
    front.memory().backup(file.absolute())
    front.say(f"Backed up to {file}.")
    if front.json:
        front.data({"path": str(file)})


@click.command(cls=Command)
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False
)
@with_front
def restore(front: Front, file: Path | None) -> None:
    """Put a backup in the store's place.

    The former store is kept aside. Without FILE, list the backups that memo made.
    """
    if file is None:
        _list_backups(front)
        return
    front.confirm(f"Replace the store in {front.settings.home} by {file}?")
    former = front.memory().restore(file.absolute())
    front.say(f"Restored from {file}.")
    if former is not None:
        front.say(f"What was there before is now {former}.")
    if front.json:
        front.data({"restored": str(file), "former": None if former is None else str(former)})


def _list_backups(front: Front) -> None:
    from memo.keeping.backups import kept
    from memo.records import utc_text

    found = kept(front.settings.store)
    front.listed(
        found,
        lambda one: {"path": str(one.path), "at": utc_text(one.at)},
        (f"{utc_text(one.at)}  {show_line(str(one.path))}" for one in found),
        "No backup was made yet.",
    )


@click.command(cls=Command)
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


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help="Derive indexes anew; a backup is made first.")
@click.option(
    "--accept-loss", is_flag=True, help="Go on with a store that lost what was stored last."
)
@with_front
def doctor(front: Front, repair: bool, accept_loss: bool) -> None:
    """Check store, indexes, models and modes.

    Ends with 0 only if all is well.
    """
    memory = front.memory()
    if accept_loss:
        memory.accept_loss()
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


@click.command(cls=Command)
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
