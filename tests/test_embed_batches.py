"""Claims about which texts are embedded together; the encoder itself is in test_embed.py."""

from __future__ import annotations

import pytest

from memo.embed import BATCH_CHARACTERS, batches


@pytest.mark.parametrize(
    "lengths",
    [[], [5], [2048] * 20, [9] * 5000, [2048, *[30] * 700, 160, 2048], [BATCH_CHARACTERS + 1, 2]],
)
def test_every_text_is_in_one_batch_that_fits_memory(lengths: list[int]) -> None:
    found = list(batches(lengths))
    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    for batch in found:
        longest = max(lengths[number] for number in batch)
        assert len(batch) == 1 or len(batch) * longest <= BATCH_CHARACTERS


def test_a_long_text_does_not_pad_the_short_ones() -> None:
    lengths = [2048, *[32] * 100]
    assert [len(batch) for batch in batches(lengths)] == [100, 1]
