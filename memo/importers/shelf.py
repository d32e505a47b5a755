"""Where what is too much for memory waits for its turn: a nameless file, gone with the process.

Nothing can be read from its blocks afterwards: the key is never written down.
"""

from __future__ import annotations

import pickle
import secrets
import tempfile
from array import array
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from memo.importers.veiled import veiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memo.records import Document

_IN_MEMORY = 8 * 2**20  # bytes; a usual import never touches the disk
_OVERHEAD = 400  # bytes that a message takes besides its text

T = TypeVar("T")


class Aside(Generic[T]):
    """Things laid aside, taken back in the order of their numbers.

    Of each that lies on the disk, twenty bytes stay in memory.
    """

    def __init__(self) -> None:
        self._near: list[tuple[float, int, T]] = []
        self._weight = 0
        self._file: IO[bytes] | None = None
        self._numbers, self._places, self._lengths = array("d"), array("Q"), array("I")
        self._key = secrets.token_bytes(32)
        self._ordered = True

    def __enter__(self) -> Aside[T]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return len(self._near) + len(self._places)

    def keep(self, number: float, thing: T, weight: int) -> None:
        """Lay one aside; its weight is about its size in bytes."""
        if self._file is None:
            self._near.append((number, len(self._near), thing))
            self._weight += weight + _OVERHEAD
            if self._weight > _IN_MEMORY:
                self._move()
        else:
            self._put(self._file, number, thing)

    def _move(self) -> None:
        """From memory to the disk: there is too much."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the whole
        for number, _, thing in self._near:
            self._put(self._file, number, thing)
        self._near = []

    def _put(self, file: IO[bytes], number: float, thing: T) -> None:
        if self._numbers and number < self._numbers[-1]:
            self._ordered = False
        place, content = file.tell(), pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
        self._numbers.append(number)
        self._places.append(place)
        self._lengths.append(len(content))
        file.write(veiled(content, self._key, place))

    def in_order(self) -> Iterator[tuple[float, T]]:
        """Take all back with their numbers; those of one number in the order of their coming."""
        if self._file is None:
            self._near.sort(key=lambda entry: entry[:2])
            for number, _, thing in self._near:
                yield number, thing
            return
        order: Iterable[int] = range(len(self._places))
        if not self._ordered:
            order = np.argsort(np.frombuffer(self._numbers), kind="stable")
        self._file.seek(0)
        for index in order:
            place, length = self._places[index], self._lengths[index]
            if not self._ordered:
                self._file.seek(place)
            found: Any = pickle.loads(veiled(self._file.read(length), self._key, place))
            yield self._numbers[index], found


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
        weight = sum(len(message.text) for message in document.messages)
        self._aside.keep(document.at.timestamp(), document, weight)

    def by_time(self) -> Iterator[Document]:
        """All of them, the oldest first."""
        return (document for _, document in self._aside.in_order())
