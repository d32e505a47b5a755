"""What is laid aside comes back in order, and takes little memory meanwhile."""

from __future__ import annotations

import tracemalloc
from random import Random

import pytest

from memo.importers.shelf import Aside
from memo.importers.stamps import Stamps, stamp

MANY = 60_000


@pytest.mark.parametrize("count", [100, MANY])
def test_things_come_back_by_number_and_by_the_order_of_their_coming(count: int) -> None:
    shuffled = Random(7)
    numbers = [float(shuffled.randrange(count // 3)) for _ in range(count)]
    with Aside[tuple[int, str]]() as aside:
        for place, number in enumerate(numbers):
            aside.keep(number, (place, "text"), 4)
        back = [(number, place) for number, (place, _) in aside.in_order()]
    assert back == sorted((number, place) for place, number in enumerate(numbers))


def test_a_thing_on_the_disk_takes_some_bytes_of_memory() -> None:
    with Aside[tuple[str, int]]() as aside:
        for number in range(MANY // 2):  # more than is kept near
            aside.keep(number, ("A message of some words.", number), 24)
        tracemalloc.start()
        for number in range(MANY):
            aside.keep(number, ("A message of some words.", number), 24)
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert taken < 40 * MANY


def test_a_stamp_takes_some_bytes_of_memory() -> None:
    stamps = Stamps()
    tracemalloc.start()
    for number in range(MANY):
        found = stamp(f"{1 + number // 3000:02}/03/2024, {number % 24:02}:15 - Ann: hm")
        assert found is not None
        stamps.add(number, found)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 40 * MANY
