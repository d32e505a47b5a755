"""Where the messages of a file stand, some thirty bytes each: put into order without words."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from memo.importers.base import SILENCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_SILENCE_S = SILENCE.total_seconds()


class Places:
    """The places of messages, each in a group of its own name: a conversation, or a document."""

    def __init__(self) -> None:
        self._groups: dict[str, int] = {}
        self._group, self._at = array("I"), array("d")
        self._mark = array("q")  # stands for the id; 0 where there is none
        self.line, self.offset = array("I"), array("Q")

    def add(self, group: str, at: float, id_: str, line: int, offset: int) -> None:
        """Add the place of a message.

        Args:
            group: What it belongs to.
            at: Seconds since 1970.
            id_: Stable within the group; "" where there is none.
            line: Its number.
            offset: In bytes, where it begins.
        """
        self._group.append(self._groups.setdefault(group, len(self._groups)))
        self._at.append(at)
        self._mark.append((hash(id_) or 1) if id_ else 0)
        self.line.append(line)
        self.offset.append(offset)

    def repeated(self) -> dict[int, int]:
        """Messages whose id an earlier one of their group has, each with the first that has it."""
        group, mark = np.asarray(self._group), np.asarray(self._mark)
        order = np.lexsort((mark, group))
        same = (np.diff(group[order]) == 0) & (np.diff(mark[order]) == 0) & (mark[order[1:]] != 0)
        found: dict[int, int] = {}
        for place in np.flatnonzero(same):
            before, index = int(order[place]), int(order[place + 1])
            found[index] = found.get(before, before)
        return dict(sorted(found.items()))

    def stretches(self, besides: Collection[int]) -> Iterator[list[int]]:
        """Those that follow each other within `SILENCE` in one group, by the time of the last."""
        at, group, names = np.asarray(self._at), np.asarray(self._group), list(self._groups)
        order = np.lexsort((at, group))
        order = order[~np.isin(order, list(besides))]
        ends = (np.diff(group[order]) != 0) | (np.diff(at[order]) >= _SILENCE_S)
        found = [run for run in np.split(order, np.flatnonzero(ends) + 1) if len(run)]
        found.sort(key=lambda run: (at[run[-1]], names[group[run[-1]]]))
        return (run.tolist() for run in found)

    def groups(self) -> Iterator[list[int]]:
        """All of a group, in the order of the lines; the groups by the times of their last."""
        at, group = np.asarray(self._at), np.asarray(self._group)
        order = np.argsort(group, kind="stable")
        ends = np.diff(group[order]) != 0
        found = [run for run in np.split(order, np.flatnonzero(ends) + 1) if len(run)]
        found.sort(key=lambda run: at[run].max())
        return (run.tolist() for run in found)
