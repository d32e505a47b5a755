"""The commands: parse, call `Memory`, print. The composition root; one module a group of commands.

Tests give `Engines` with fake models as the context's `obj`; nothing else is replaced.
"""

from __future__ import annotations

import sys

import click

from memo.cli.asking import ask
from memo.cli.certifying import eval_model, extraction, verdicts
from memo.cli.changing import edit, forget, merge, pin, redo, review, undo
from memo.cli.demo import demo
from memo.cli.evaluating import eval_
from memo.cli.exporting import export
from memo.cli.keeping import backup, doctor, reset, restore, where
from memo.cli.looking import document, documents, facts, history, log, show_
from memo.cli.models import model_
from memo.cli.reading import add, import_
from memo.cli.securing import decrypt, encrypt, passphrase
from memo.errors import UsageProblem
from memo.front import Commands, Front, typing


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
        if not (typing() and sys.stdout.isatty() and sys.stderr.isatty()):
            raise UsageProblem("The application needs a terminal; `memo --help` lists commands.")
        context.exit(Front(context).application())


_IN_ORDER = (
    *(add, import_, ask),
    *(facts, history, log, show_, documents, document),
    *(undo, redo, review, edit, merge, pin, forget),
    *(export, backup, restore, reset),
    *(encrypt, decrypt, passphrase),
    *(model_, doctor, where, demo, eval_),
)
"""As the help lists them, from use to upkeep."""

for _command in _IN_ORDER:
    main.add_command(_command)
for _command in (verdicts, extraction, eval_model):
    eval_.add_command(_command)
