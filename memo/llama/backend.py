"""llama.cpp itself: started once a process, its words in our log, and what hardware it can use."""

from __future__ import annotations

import ctypes
import functools
import logging

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
    """The library with the types of what is called: llama-cpp-python declares none of it."""
    sized = ctypes.POINTER(ctypes.c_size_t)
    for name, result, arguments in (
        ("count", ctypes.c_size_t, []),
        ("get", ctypes.c_void_p, [ctypes.c_size_t]),
        ("type", ctypes.c_int, [ctypes.c_void_p]),
        ("description", ctypes.c_char_p, [ctypes.c_void_p]),
        ("memory", None, [ctypes.c_void_p, sized, sized]),
    ):
        function = getattr(libggml, f"ggml_backend_dev_{name}")
        function.restype, function.argtypes = result, arguments
    library: ctypes.CDLL = libggml
    return library
