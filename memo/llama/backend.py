"""llama.cpp itself: started once a process, its words in our log, and what hardware it can use."""

from __future__ import annotations

import ctypes
import functools
import logging
from typing import Any

import llama_cpp
from llama_cpp._ggml import libggml

from memo.llama.placement import Device

log = logging.getLogger(__name__)

_LEVELS = {2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}
_GRAPHICS = {1, 2}
"""ggml_backend_dev_type: cards with memory of their own, and those that share the machine's."""


# Kept alive for the life of the process: llama.cpp holds the pointer.
@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _user_data: object) -> None:
    """llama.cpp's own words go to our log file, never to the terminal."""
    log.log(_LEVELS.get(level, logging.DEBUG), text.decode("utf-8", "replace").rstrip())


@functools.cache
def start() -> None:
    """Prepare llama.cpp; needed before anything else of it."""
    llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


def offloads() -> bool:
    """Whether this build of llama.cpp can use a graphics card."""
    return bool(llama_cpp.llama_supports_gpu_offload())


def devices() -> list[Device]:
    """The graphics cards that this build can use, with their free memory now."""
    start()
    ggml = _declared()
    found = []
    for i in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(i)
        if ggml.ggml_backend_dev_type(device) not in _GRAPHICS:
            continue
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        name = ggml.ggml_backend_dev_description(device).decode("utf-8", "replace")
        found.append(Device(name, free.value))
    return found


@functools.cache
def _declared() -> ctypes.CDLL:
    sized = ctypes.POINTER(ctypes.c_size_t)
    return declare(
        ("backend_dev_count", ctypes.c_size_t, []),
        ("backend_dev_get", ctypes.c_void_p, [ctypes.c_size_t]),
        ("backend_dev_type", ctypes.c_int, [ctypes.c_void_p]),
        ("backend_dev_description", ctypes.c_char_p, [ctypes.c_void_p]),
        ("backend_dev_memory", None, [ctypes.c_void_p, sized, sized]),
    )


def declare(*functions: tuple[str, Any, list[Any]]) -> ctypes.CDLL:
    """Ggml with the types of what is called, of which llama-cpp-python declares none.

    Args:
        functions: Each by its name without `ggml_`, its result and its arguments.
    """
    for name, result, arguments in functions:
        function = getattr(libggml, f"ggml_{name}")
        function.restype, function.argtypes = result, arguments
    library: ctypes.CDLL = libggml
    return library
