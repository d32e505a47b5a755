"""Whether llama.cpp's fastest kernels can be trusted on this machine.

For processors with a matrix unit (AMX) llama.cpp lays the weights out anew and multiplies with
instructions that have to be told the shape of their operands. GCC 12.2 throws most of that shape
away, because its header says that 8 bytes of it are read; what is built so dies at its first
product (llama.cpp issue 20824). `trusted` tries one product in a process that may die of it;
without those kernels the same build works.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import resource
import subprocess
import sys

import llama_cpp
import numpy as np

from memo.llama.backend import declare
from memo.llama.placement import own_modules

log = logging.getLogger(__name__)

_PATIENCE_S = 60
_Q4_0 = 2
"""`ggml_type` of weights that every one of the kernels takes."""
_F32 = 0
_INNER, _OUTER, _COLUMNS = 256, 64, 4
_BLOCK = 32
"""Weights of type Q4_0 that share a scale."""
_ONES = np.float16(1).tobytes() + bytes([0x99]) * (_BLOCK // 2)
"""A block of ones: a scale, and weights of four bits from which eight is taken."""


@functools.cache
def trusted() -> bool:
    """Whether weights may be laid out for the fastest kernels; looks once a process.

    Costs nothing where the processor has no matrix unit, else the start of a small process.
    """
    if b"AMX_INT8 = 1" not in llama_cpp.llama_print_system_info():
        return True
    try:
        tried = subprocess.run(
            [sys.executable, "-P", "-m", "memo.llama.kernels"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | own_modules(),
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("the matrix unit could not be tried: %s", type(error).__name__)
        return False
    if tried.returncode:
        log.warning("the matrix unit is not used: its kernels end with %d", tried.returncode)
    return tried.returncode == 0


class _Parameters(ctypes.Structure):
    """`ggml_init_params`."""

    _fields_ = (
        ("mem_size", ctypes.c_size_t),
        ("mem_buffer", ctypes.c_void_p),
        ("no_alloc", ctypes.c_bool),
    )


_CONTEXT_BYTES = 1 << 20


def multiply() -> None:
    """One small product with each of the layouts that the build has for this processor."""
    ggml = _declared()
    processor = ggml.ggml_backend_dev_by_type(0)
    registered = ggml.ggml_backend_dev_backend_reg(processor)
    address = ggml.ggml_backend_reg_get_proc_address(
        registered, b"ggml_backend_dev_get_extra_bufts"
    )
    layouts = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)(address)(processor)
    backend = ggml.ggml_backend_dev_init(processor, None)
    plain = ggml.ggml_backend_dev_buffer_type(processor)
    for layout in layouts:
        if not layout:
            break
        _multiply(ggml, backend, layout, plain)


def _multiply(ggml: ctypes.CDLL, backend: int, layout: int, plain: int) -> None:
    """Multiply ones by ones.

    Raises:
        ArithmeticError: The sums are wrong.
    """
    held, working = (ggml.ggml_init(_Parameters(_CONTEXT_BYTES, None, True)) for _ in range(2))
    weights = ggml.ggml_new_tensor_2d(held, _Q4_0, _INNER, _OUTER)
    ggml.ggml_backend_alloc_ctx_tensors_from_buft(held, layout)
    _set(ggml, weights, _ONES * (_INNER * _OUTER // _BLOCK))
    activations = ggml.ggml_new_tensor_2d(working, _F32, _INNER, _COLUMNS)
    graph = ggml.ggml_new_graph(working)
    product = ggml.ggml_mul_mat(working, weights, activations)
    ggml.ggml_build_forward_expand(graph, product)
    ggml.ggml_backend_alloc_ctx_tensors_from_buft(working, plain)
    _set(ggml, activations, np.ones(_INNER * _COLUMNS, np.float32).tobytes())
    ggml.ggml_backend_graph_compute(backend, graph)
    sums = np.zeros(_OUTER * _COLUMNS, np.float32)
    ggml.ggml_backend_tensor_get(product, sums.ctypes.data, 0, sums.nbytes)
    if not np.allclose(sums, _INNER, rtol=0.02):
        raise ArithmeticError("The kernels compute something else.")


def _set(ggml: ctypes.CDLL, tensor: int, data: bytes) -> None:
    ggml.ggml_backend_tensor_set(tensor, data, 0, len(data))


def _declared() -> ctypes.CDLL:
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    return declare(
        ("backend_dev_by_type", pointer, [ctypes.c_int]),
        ("backend_dev_backend_reg", pointer, [pointer]),
        ("backend_reg_get_proc_address", pointer, [pointer, ctypes.c_char_p]),
        ("backend_dev_init", pointer, [pointer, ctypes.c_char_p]),
        ("backend_dev_buffer_type", pointer, [pointer]),
        ("init", pointer, [_Parameters]),
        ("new_tensor_2d", pointer, [pointer, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]),
        ("backend_alloc_ctx_tensors_from_buft", pointer, [pointer, pointer]),
        ("backend_tensor_set", None, [pointer, ctypes.c_char_p, size, size]),
        ("backend_tensor_get", None, [pointer, pointer, size, size]),
        ("new_graph", pointer, [pointer]),
        ("mul_mat", pointer, [pointer, pointer, pointer]),
        ("build_forward_expand", None, [pointer, pointer]),
        ("backend_graph_compute", ctypes.c_int, [pointer, pointer]),
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    multiply()
