"""Commands that decide who can read the store: encrypt, decrypt, change the passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memo.errors import StoreError, UsageProblem
from memo.front import Command, Front, first_line, hidden, with_front
from memo.show import counted
from memo.trust.keys import SHORT

if TYPE_CHECKING:
    from memo.memory import Memory

_NEW = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=False)


@click.command(cls=Command)
@click.option(
    "--new-passphrase-file", "file", type=_NEW, metavar="FILE", help="Its first line is it."
)
@with_front
def encrypt(front: Front, file: Path | None) -> None:
    """Encrypt the store under a passphrase.

    Prints a recovery code, once: it opens the store when the passphrase is lost.
    """
    memory = front.memory()
    if memory.holder.key() is not None:
        raise StoreError("The store is encrypted already: `memo passphrase` changes its words.")
    kept = memory.former_stores()
    if kept:
        names = ", ".join(str(path) for path in kept)
        front.confirm(f"Earlier copies in plain would be deleted ({names}). Go on?")
    code = memory.encrypt(_new(front, file))
    front.say("The store and its automatic backups are encrypted from now on.")
    front.say("Backups and exports that you made elsewhere are as they were: see to them.")
    _tell_older(front, memory)
    _code(front, code)


@click.command(cls=Command)
@with_front
def decrypt(front: Front) -> None:
    """Write the store in plain again."""
    memory = front.memory()
    memory.holder.entry()
    front.confirm("Write everything in plain, for whoever has this disk to read?")
    memory.decrypt()
    front.say("The store is not encrypted any more.")
    _tell_older(front, memory)
    if front.json:
        front.data({"encrypted": False})


@click.command(cls=Command)
@click.option(
    "--new-passphrase-file", "file", type=_NEW, metavar="FILE", help="Its first line is it."
)
@click.option("--new-code", is_flag=True, help="Make another recovery code instead.")
@click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Let the system's keyring open the store instead, or no longer.",
)
@with_front
def passphrase(front: Front, file: Path | None, new_code: bool, keyring: bool | None) -> None:
    """Change the passphrase of an encrypted store."""
    if [file is not None, new_code, keyring is not None].count(True) > 1:
        raise UsageProblem("One thing at a time: a passphrase, a code, or the keyring.")
    holder = front.memory().holder
    holder.entry()
    if new_code:
        _code(front, holder.change_code())
        front.say("The former recovery code opens nothing but older backups.")
        return
    if keyring is None:
        holder.change_passphrase(_new(front, file))
        front.say("The passphrase is changed. Older backups keep the one that they were made with.")
    elif holder.remember(keyring):
        held = "opens the store from now on" if keyring else "does not know the store any more"
        front.say(f"The system's keyring {held}.")
    else:
        raise StoreError(
            "There is no keyring that keeps it: `pip install 'memo[keyring]'` on a desktop, "
            "or go on without."
        )
    if front.json:
        front.data({"encrypted": True})


def _tell_older(front: Front, memory: Memory) -> None:
    """That automatic backups are not encrypted anew."""
    from memo.keeping.backups import kept
    from memo.trust.cipher import opens

    outdated = sum(not opens(one.path, memory.holder.key()) for one in kept(memory.settings.store))
    if outdated:
        front.say(
            f"{counted(outdated, 'automatic backup')} made before "
            f"{'needs' if outdated == 1 else 'need'} the former passphrase, or recovery code."
        )


def _code(front: Front, code: str) -> None:
    """Show the recovery code, the only time."""
    if front.json:
        front.data({"encrypted": True, "recovery_code": code})
        return
    front.say("Recovery code; write it down and keep it away from this machine:")
    front.line(code)


def _new(front: Front, file: Path | None) -> str:
    """The passphrase that will hold."""
    if file is not None:
        found = first_line(file)
    elif front.asks:
        found = hidden("New passphrase")
        if found and hidden("Again") != found:
            raise UsageProblem("The two differ; nothing was changed.")
    else:
        raise UsageProblem("There is no terminal to ask at; give --new-passphrase-file.")
    if not found:
        raise UsageProblem("An empty passphrase protects nothing; give some words.")
    if len(found) < SHORT:
        front.say("That is short: whoever has the disk can try many. Several words are better.")
    return found
