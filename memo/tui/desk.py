"""Where the application's work is done: a few threads around one `Memory`.

Looking, asking and reading files each have a thread of their own, so that a list is drawn while
the model thinks, and a question is answered while an import runs.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from memo.memory import Memory

T = TypeVar("T")
log = logging.getLogger(__name__)


class Hand:
    """A thread that does one thing after another, and does not keep the program from ending.

    What it leaves undone is lost work, never lost data: nothing is stored but whole.
    """

    def __init__(self, name: str) -> None:
        self.busy = False
        """Whether it is at something now."""
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Do it when its turn comes, unless it was cancelled by then."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001  # it is raised where it is awaited
                    future.set_exception(error)

        self._calls.put(run)
        return future

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            self.busy = True
            call()
            self.busy = False


class Stream:
    """Something that a thread makes piece by piece, and that can be stopped at any moment."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Nothing more arrives from now on; the thread ends at its next piece."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped.is_set()


class Desk:
    """The memory with the threads that work on it."""

    def __init__(self, opened: Callable[[], Memory]) -> None:
        self._opened = opened
        self._opening = threading.Lock()
        self._memory: Memory | None = None
        self._looks = Hand("look")
        self._asks = Hand("ask")
        self._files = Hand("files")

    @property
    def memory(self) -> Memory:
        """The memory, opened at the first call."""
        with self._opening:
            if self._memory is None:
                self._memory = self._opened()
            return self._memory

    @property
    def busy(self) -> bool:
        """Whether a thread is at something now."""
        return any(hand.busy for hand in (self._looks, self._asks, self._files))

    async def look(self, call: Callable[[Memory], T]) -> T:
        """What a short call gives, made in the thread for looking.

        A call that is cancelled before it began is never made.
        """
        return await asyncio.wrap_future(self._looks.submit(lambda: call(self.memory)))

    async def think(self, call: Callable[[Memory], T]) -> T:
        """What a call gives that may load or run a model."""
        return await asyncio.wrap_future(self._asks.submit(lambda: call(self.memory)))

    async def read(self, call: Callable[[Memory], T]) -> T:
        """What a call gives that reads files or waits for a network."""
        return await asyncio.wrap_future(self._files.submit(lambda: call(self.memory)))

    async def stream(
        self,
        generate: Callable[[Memory], Generator[T, None, None]],
        stream: Stream,
        hand: Hand | None = None,
    ) -> AsyncGenerator[T, None]:
        """The pieces of a generator that runs in a thread, by default that for asking.

        Stopping is at once: the thread closes its generator as soon as that gives way.
        """
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[T | BaseException | None] = asyncio.Queue()

        def tell(piece: T | BaseException | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def run() -> None:
            try:
                if not stream.stopped:
                    with closing(generate(self.memory)) as generated:
                        for piece in generated:
                            if stream.stopped:
                                break
                            tell(piece)
                tell(None)
            except Exception as error:  # noqa: BLE001  # it is raised where it is awaited
                tell(error)

        (hand or self._asks).submit(run)
        while not stream.stopped:
            try:
                piece = await asyncio.wait_for(pieces.get(), 0.05)
            except TimeoutError:
                continue
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            yield piece
