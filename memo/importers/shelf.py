"""Where what is too much for memory waits for its turn: a nameless file, gone with the process."""

from __future__ import annotations

import pickle
import tempfile
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memo.records import Document

_IN_MEMORY = 4 * 2**20  # bytes; a usual import never touches the disk

T = TypeVar("T")


class Aside(Generic[T]):
    """Things laid aside, taken back in the order of their numbers."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._places: list[tuple[float, int]] = []
        self._ordered = True

    def __enter__(self) -> Aside[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def keep(self, number: float, thing: T) -> None:
        """Lay one aside."""
        if self._places and number < self._places[-1][0]:
            self._ordered = False
        self._places.append((number, self._file.tell()))
        pickle.dump(thing, self._file, pickle.HIGHEST_PROTOCOL)

    def in_order(self) -> Iterator[T]:
        """Take all back; those of one number in the order in which they came."""
        if not self._ordered:
            self._places.sort()
        for _, place in self._places:
            if self._file.tell() != place:
                self._file.seek(place)
            thing: Any = pickle.load(self._file)  # nobody else writes there
            yield thing


class Shelf:
    """Documents that wait to be read in the order of their times."""

    def __init__(self) -> None:
        self._aside: Aside[Document] = Aside()

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *exception: object) -> None:
        self._aside.__exit__(*exception)

    def __len__(self) -> int:
        return len(self._aside)

    def put(self, document: Document) -> None:
        """Add one."""
        self._aside.keep(document.at.timestamp(), document)

    def by_time(self) -> Iterator[Document]:
        """All of them, the oldest first."""
        return self._aside.in_order()
