"""Claims about what of a machine the engine uses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import llama_cpp
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from memo.engines import Hardware, placement
from memo.llama import kernels
from memo.llama.placement import (
    RESERVED_BYTES,
    Device,
    Shape,
    place,
    quota,
    usable_threads,
    waiting,
)
from memo.models import Card, read_gguf
from memo.settings import load

if TYPE_CHECKING:
    from pathlib import Path

GB = 1_000_000_000
LARGE = Shape(bytes=4_700_000_000, layers=28, cell_bytes=57_344)
"""Of Qwen2.5 7B, whose context takes 470 MB."""


def test_without_a_card_all_stays_on_the_processor() -> None:
    placed = place(LARGE, [], 4)
    assert (placed.gpu_layers, placed.threads, placed.small_cache) == (0, 4, False)
    assert placed.reason == (
        "4 threads, one a processor core; nothing on a graphics card; "
        "flash attention where the device has it, keys and values at 16 bits"
    )


def test_all_layers_go_on_a_card_that_holds_them() -> None:
    placed = place(LARGE, [Device("Big", 24 * GB)], 4)
    assert (placed.gpu_layers, placed.small_cache) == (29, False)
    assert placed.reason == (
        "all 29 layers on Big, of whose memory 24.0 GB is free; "
        "flash attention where the device has it, keys and values at 16 bits"
    )


def test_as_many_layers_go_on_a_card_as_fit_and_the_rest_is_told() -> None:
    placed = place(LARGE, [Device("Small", 4 * GB)], 4)
    assert 12 < placed.gpu_layers < 22
    assert f"{placed.gpu_layers} of 29 layers on Small" in placed.reason
    assert "4 threads" in placed.reason


def test_threads_spin_unless_others_need_the_processors() -> None:
    assert waiting(0.1) == {}
    assert int(waiting(1.0)["GOMP_SPINCOUNT"]) < 10_000


def test_cards_are_used_together() -> None:
    cards = [Device("One", 4 * GB), Device("Two", 4 * GB)]
    assert place(LARGE, cards, 4).gpu_layers == 29


def test_keys_and_values_shrink_where_that_puts_everything_on_the_card() -> None:
    needed = LARGE.bytes + 8192 * LARGE.cell_bytes + RESERVED_BYTES
    assert not place(LARGE, [Device("Just", needed)], 4).small_cache
    tight = place(LARGE, [Device("Tight", needed - 100_000_000)], 4)
    assert tight.small_cache
    assert tight.gpu_layers == 29
    assert tight.reason.endswith("keys and values at 8 bits, so that more layers fit")


@given(st.integers(0, 80 * GB), st.integers(0, 80), st.integers(0, 1 << 40))
def test_never_more_is_placed_than_is_free(free: int, layers: int, size: int) -> None:
    placed = place(Shape(size, layers, layers * 2048), [Device("Any", free)], 1)
    assert 0 <= placed.gpu_layers <= layers + 1
    share = placed.gpu_layers / (layers + 1)
    assert size * share <= max(free - RESERVED_BYTES, 0) + 1


def test_threads_are_those_that_this_process_may_use() -> None:
    assert 1 <= usable_threads() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", None), ("200000 100000", 2), ("50000 100000", 1), ("", None), ("x y", None)],
)
def test_a_containers_share_of_processors_is_kept_to(
    tmp_path: Path, text: str, cores: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert quota(tmp_path / "cpu.max") == cores
    assert quota(tmp_path / "nowhere") is None


def test_the_size_of_a_model_is_read_from_its_file(tmp_path: Path) -> None:
    header = read_gguf(tiny.write(tmp_path / "tiny.gguf", width=64, layers=3))
    assert header.layers == 3
    assert header.cell_bytes == 3 * 2 * 64 * 2  # layers, keys and values, width, 16 bits


def test_the_chosen_model_is_placed_on_the_cards_that_the_build_uses(tmp_path: Path) -> None:
    path = tiny.write(tmp_path / "tiny.gguf", layers=3)
    chosen = load(home=tmp_path, model=str(path), environ={})
    assert placement(chosen, Hardware(2, (), None)).gpu_layers == 0
    assert placement(chosen, Hardware(2, (Device("Big", 24 * GB),), None)).gpu_layers == 4


def dies_of(number: int, folder: Path) -> str:
    """A program in Python's place that ends by a signal, or well for 0."""
    program = folder / f"python-{number}"
    program.write_text(f"#!/bin/sh\n[ {number} = 0 ] || kill -{number} $$\n")
    program.chmod(0o700)
    return str(program)


@pytest.mark.parametrize(("number", "trusted"), [(0, True), (11, False), (4, False)])
def test_kernels_of_a_matrix_unit_are_used_only_where_a_product_with_them_comes_back(
    number: int, trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_cpp, "llama_print_system_info", lambda: b"CPU : AMX_INT8 = 1 | ")
    monkeypatch.setattr(sys, "executable", dies_of(number, tmp_path))
    assert kernels.trusted.__wrapped__() is trusted


def test_without_a_matrix_unit_nothing_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_cpp, "llama_print_system_info", lambda: b"CPU : AVX2 = 1 | ")
    monkeypatch.setattr(sys, "executable", dies_of(11, tmp_path))
    assert kernels.trusted.__wrapped__()


def test_the_product_that_is_tried_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run([sys.executable, "-m", "memo.llama.kernels"], check=False)
    monkeypatch.setattr(llama_cpp, "llama_print_system_info", lambda: b"CPU : AMX_INT8 = 1 | ")
    assert kernels.trusted.__wrapped__() is (done.returncode == 0)
    # What GCC 12.2 leaves undefined ends in the one or the other, on such a processor.
    assert done.returncode in {0, -signal.SIGSEGV, -signal.SIGILL}


def test_kernels_that_fail_are_named_with_the_build_that_has_better_ones() -> None:
    assert Hardware(2, (), None).slowed == ""
    assert "-fno-dse" in Hardware(2, (), None, fast_kernels=False).slowed


def test_a_card_that_the_build_cannot_use_is_named_with_the_build_that_can() -> None:
    card = Card("Voodoo", "Vulkan", 8 * GB)
    assert "Voodoo (8.0 GB free)" in Hardware(2, (), card).idle
    assert "-DGGML_VULKAN=on" in Hardware(2, (), card).idle
    assert Hardware(2, (Device("Voodoo", 8 * GB),), card).idle == ""
    assert Hardware(2, (), None).idle == ""
