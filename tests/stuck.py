"""Texts that a child cuts before it reads them, and gets stuck, each in another way.

It unpickles them from here.
"""

from __future__ import annotations

import ctypes
import re
from typing import SupportsIndex


class Spinning(str):
    """Spins in Python."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        while True:
            pass


class Deaf(str):
    """Spins in native code that lets no other thread run."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        re.match("(a+)+$", "a" * 60 + "b")
        raise AssertionError("that took for ever")


class Sleeping(str):
    """Waits in the system for what never comes, while other threads run."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        ctypes.CDLL(None).pause()
        raise AssertionError("something came")
