"""SIGTERM and SIGHUP as an orderly end: they stop what Ctrl-C would, so all is cleaned up."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

INTERRUPTED = 130
"""The exit code after Ctrl-C."""
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Which signal ended the command."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._on_terminal = [n for n in ("stdout", "stderr") if getattr(sys, n).isatty()]

    @property
    def exit_code(self) -> int:
        """128 and the signal, as a shell says it; that of Ctrl-C where none came."""
        return INTERRUPTED if self._received is None else 128 + self._received

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """End as Ctrl-C does, once: nothing cuts the cleaning up short."""
        for one in _ENDING:
            signal.signal(one, signal.SIG_IGN)
        self._received = number
        if number == signal.SIGHUP:  # the terminal has gone: a word to it would be an error
            for name in self._on_terminal:
                setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        raise KeyboardInterrupt


@contextmanager
def orderly() -> Iterator[Ending]:
    """Let both signals raise `KeyboardInterrupt`; one that is ignored, as by nohup, stays so."""
    ending = Ending()
    former = {}
    try:
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                former[number] = signal.signal(number, ending.receive)
    except ValueError:  # in another thread than the main one no signal is received
        pass
    try:
        yield ending
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def as_usual() -> None:
    """Let both signals end the process at once, for what stores nothing that is thrown away."""
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
