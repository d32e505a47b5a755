"""Where memo starts: `memo` and `python -m memo`.

The help is the first thing that anybody asks for. It is kept as click draws it, in
assets/help.txt, so that showing it imports neither click nor a command.
"""

from __future__ import annotations

import os
import sys

_HELP = ("--help",)
_COLUMNS = 80
"""For which assets/help.txt is drawn; click makes no line longer."""


def main() -> None:
    """Show the help, or run a command."""
    text = _drawn_help() if tuple(sys.argv[1:]) == _HELP and _is_wide() else None
    if text is None:
        from memo.cli import main as run  # noqa: PLC0415  # what this file is there to spare

        run()
    else:
        sys.stdout.write(text)


def _is_wide() -> bool:
    """Whether click would draw for 80 columns, too."""
    if os.environ.get("COLUMNS"):
        return False
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns >= _COLUMNS
    except (OSError, ValueError):  # no terminal
        return True


def _drawn_help() -> str | None:
    """What `memo --help` prints; None where the file is missing."""
    package = os.path.dirname(__file__)  # noqa: PTH120  # pathlib alone would double the time
    for folder in (package, os.path.dirname(package)):  # noqa: PTH120
        try:
            with open(os.path.join(folder, "assets", "help.txt"), encoding="ascii") as file:  # noqa: PTH118, PTH123
                return file.read()
        except OSError:
            continue
    return None


if __name__ == "__main__":
    main()
