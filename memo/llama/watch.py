"""What llama.cpp asks between two operations of an evaluation: whether to stop.

The answer comes from a function of the C library, and its being asked is a sign of life: a
callback into Python would take the interpreter's lock 500 times a token.
"""

from __future__ import annotations

import ctypes
import sys

_FULL = 2**31 - 1
"""The most that a semaphore holds; refilled before each call, which makes some thousand tokens."""
_SEM_BYTES = 64
"""More than a `sem_t` takes anywhere."""


class Watch:
    """A semaphore that each operation takes one from: what is left is how far it has come.

    Empty, it refuses, and llama.cpp takes any refusal as the wish to stop. Where the system has
    no such semaphores (macOS) it is a byte, by `strlen`, and only whole batches are counted.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None)
        self._counts = sys.platform == "linux"
        self._state = ctypes.create_string_buffer(_SEM_BYTES)
        self._init, self._value = libc.sem_init, libc.sem_getvalue
        self.asked = libc.sem_trywait if self._counts else libc.strlen
        """What llama.cpp calls with `address`: anything but 0 stops the evaluation."""
        self.address = ctypes.cast(self._state, ctypes.c_void_p)
        self.set(False)

    def set(self, on: bool) -> None:
        """Stop evaluations from now on, or let them go on."""
        if self._counts:  # a plain store of one word, as atomic as the trying is
            self._init(self._state, 0, 0 if on else _FULL)
        else:
            self._state[0] = b"\1" if on else b"\0"

    @property
    def left(self) -> int:
        """How many operations may still be made; changes with each of them."""
        if not self._counts:
            return 0 if self._state[0] != b"\0" else _FULL
        value = ctypes.c_int()
        self._value(self._state, ctypes.byref(value))
        return value.value

    def __bool__(self) -> bool:
        return self.left == 0
