"""What is read in the background: messages of the person first, then files being imported."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from memo.errors import MemoError, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memo.importers import Skipped
    from memo.memory import AlreadyKnown, Failed, Imported, Run
    from memo.records import Document, DocumentId
    from memo.tui.desk import Desk, Hand, Stream

    Outcome = Imported | AlreadyKnown | Failed
    Told = Outcome | MemoError | None

_AT_ONCE = 32
"""How many documents are stored before a message of the person may have its turn."""


def _new_run() -> Run:
    from memo.memory import Run  # noqa: PLC0415  # its import waits for the first screen

    return Run()


@dataclass
class Job:
    """Documents that were given together, and how far they are: first all are stored, then read."""

    name: str
    documents: deque[Document]
    """Those that are to be stored yet."""
    run: Run = field(default_factory=_new_run)
    unread: deque[DocumentId] = field(default_factory=deque)
    """Those that are stored and to be read yet."""
    skipped: Sequence[Skipped] = ()
    total: int = 0
    imported: int = 0
    known: int = 0
    failed: list[Failed] = field(default_factory=list)
    elapsed_s: float = 0.0
    paused: bool = False
    stopped: bool = False

    @property
    def done(self) -> int:
        """How many documents are through."""
        return self.imported + self.known + len(self.failed)

    @property
    def running(self) -> bool:
        """Whether there is something left to do."""
        return bool(self.documents or self.unread) and not self.stopped

    @property
    def eta_s(self) -> float | None:
        """How long the rest will take at the rate so far; None before the first."""
        read = self.imported + len(self.failed)
        return self.elapsed_s / read * len(self.unread) if read else None

    @property
    def line(self) -> str:
        """How far it is, in a few words."""
        if not self.running:
            return f"read {self.done} of {self.total}"
        if self.paused:
            return f"paused at {self.done} of {self.total}"
        if self.documents:
            return f"storing {self.total - len(self.documents) + 1} of {self.total}"
        left = "" if self.eta_s is None else f" · {spoken(self.eta_s)} left"
        return f"reading {self.done + 1} of {self.total}{left}"


def spoken(seconds: float) -> str:
    """A length of time in one unit."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


class Reader:
    """Gives one document after another to `Memory`, in a thread of its own.

    All of it but the reading itself runs in the event loop, so that nothing is shared.
    """

    def __init__(self, desk: Desk, hand: Hand, tell: Callable[[Job, Told], None]):
        """Begin with nothing to do.

        Args:
            desk: Has the memory that reads.
            hand: Where it does so.
            tell: Called in the event loop after each document, with the error where the job has
                to wait, and with None when it goes on, pauses or ends.
        """
        self._desk, self._hand, self._tell = desk, hand, tell
        self._said: deque[tuple[Document, Stream, asyncio.Future[Outcome]]] = deque()
        self.jobs: list[Job] = []
        self._wake = asyncio.Event()

    def remember(self, document: Document, stop: Stream) -> asyncio.Future[Outcome]:
        """Read what the person has just said, before anything else.

        The future fails with `Stopped` where that was stopped before anything of it was stored.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._said.append((document, stop, outcome))
        self._wake.set()
        return outcome

    def let_go(self) -> None:
        """End the waiting of what was stopped before its turn came."""
        for _, stop, outcome in self._said:
            if stop.stopped and not outcome.done():
                outcome.set_exception(Stopped("Stopped before it was read."))

    def add(self, job: Job) -> None:
        """Read these when nothing else is waiting."""
        job.total = len(job.documents) + len(job.unread)
        self.jobs.append(job)
        self._wake.set()
        self._tell(job, None)

    def stop(self, job: Job) -> None:
        """Read no more of it; what was read stays."""
        job.stopped = True
        self._tell(job, None)

    def pause(self, job: Job) -> None:
        """Wait with the rest, or go on."""
        job.paused = not job.paused
        self._wake.set()
        self._tell(job, None)

    @property
    def job(self) -> Job | None:
        """The first that is not finished."""
        return next((job for job in self.jobs if job.running), None)

    def _next(self) -> Job | None:
        return next((job for job in self.jobs if job.running and not job.paused), None)

    async def run(self) -> None:
        """Read whatever is given, for ever."""
        while True:
            self._wake.clear()
            if not await self.step():
                await self._wake.wait()

    async def step(self) -> bool:
        """Store some documents, or read one; False where there is none."""
        if self._said:
            document, stop, outcome = self._said.popleft()
            if outcome.done():
                return True
            try:
                result = await asyncio.wrap_future(
                    self._hand.submit(lambda: self._remember(document, stop))
                )
            except MemoError as error:
                if not outcome.done():
                    outcome.set_exception(error)
            else:
                if not outcome.done():
                    outcome.set_result(result)
            return True
        if (job := self._next()) is None:
            return False
        try:
            told = await (self._store(job) if job.documents else self._read(job))
        except MemoError as error:  # no model, a store that cannot be written: all would fail
            job.paused = True
            self._tell(job, error)
        else:
            self._tell(job, told)
        return True

    async def _store(self, job: Job) -> Outcome | None:
        """Store some of a job's documents; the last outcome, if none of it is to be read."""
        from memo.memory import AlreadyKnown  # noqa: PLC0415  # as above

        some = list(islice(job.documents, _AT_ONCE))
        events = await asyncio.wrap_future(
            self._hand.submit(lambda: self._desk.memory.store_some(some, job.run))
        )
        for _ in some:
            job.documents.popleft()
        known = [event for event in events if isinstance(event, AlreadyKnown)]
        job.known += len(known)
        if not job.documents:
            job.unread = deque(job.run.records)
            job.total = job.known + len(job.unread)
        return known[-1] if known and not job.running else None

    async def _read(self, job: Job) -> Outcome:
        """Read the next of a job's documents."""
        from memo.memory import Failed, Imported  # noqa: PLC0415  # as above

        id_, started = job.unread[0], time.monotonic()
        records = job.run.records[id_]
        result = await asyncio.wrap_future(
            self._hand.submit(lambda: self._desk.memory.read_one(id_, records))
        )
        job.unread.popleft()
        job.elapsed_s += time.monotonic() - started
        job.imported += isinstance(result, Imported)
        if isinstance(result, Failed):
            job.failed.append(result)
        return result

    def _remember(self, document: Document, stop: Stream) -> Outcome:
        """Read a message of the person, of which all is stored or nothing."""
        from memo.lm import stop_when  # noqa: PLC0415  # as above
        from memo.memory import AlreadyKnown, Failed, Imported  # noqa: PLC0415

        with stop_when(lambda: stop.stopped):
            try:
                result = self._desk.memory.ingest(document)
            except ValueError as error:
                return Failed(document, str(error))
        return result if isinstance(result, AlreadyKnown) else Imported(document, result)
