"""The process that runs the model: `python -m memo.llama.child FD`, started by `ModelProcess`.

It serves one call after the other. A thread listens meanwhile, so that a stop is heard in the
middle of a call, and the end of the pipe, which is the end of the parent however it died, ends
this process at once. Another thread tells whether the work goes on.
"""

from __future__ import annotations

import logging
import os
import queue
import resource
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from memo.errors import EngineUnusable, MemoError, Stopped
from memo.llama.messages import Alive, Call, Done, Failed, Load, Logged, Piece, Ready, Stop
from memo.records import Usage

if TYPE_CHECKING:
    from memo.llama.engine import LlamaLM


_NICENESS = 5
"""What the person types and sees goes before what the model works at, on a machine of few cores."""
_BEATS = 8
"""Signs of life in the time after which their absence is a hang."""
_BEAT_S = 1.0
"""The longest between two."""


class _Sender:
    """The way up; a line of the log may come from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def __call__(self, message: object) -> None:
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(0)  # nobody is there


class _ParentsLog(logging.Handler):
    """Sends what is logged here to the parent, which has the file."""

    def __init__(self, send: _Sender) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Logged(record.name, record.levelno, record.getMessage()))


class _Server:
    """Calls in the order in which they came, each until it ends or is stopped."""

    def __init__(self, send: _Sender) -> None:
        self._send = send
        self._lm: LlamaLM | None = None
        self._waiting: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current = 0
        self._stopped: set[int] = set()

    def beat(self, hang_s: float) -> None:
        """Tell, now and then, that something was done: evaluated, generated, or read from disk.

        What spins does none of it. While it loads, taking memory counts as well.
        """
        last = self._pulse()
        while True:
            time.sleep(min(_BEAT_S, hang_s / _BEATS))
            now = self._pulse()
            if now != last:
                self._send(Alive())
            last = now

    def _pulse(self) -> tuple[object, ...]:
        used, lm = resource.getrusage(resource.RUSAGE_SELF), self._lm
        return used.ru_majflt, used.ru_inblock, lm.pulse if lm else used.ru_minflt

    def listen(self, connection: Connection) -> None:
        """Take what the parent says until it is gone."""
        while True:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            except Exception:  # noqa: BLE001  # what cannot be understood cannot be answered
                os._exit(1)
            if isinstance(message, Call):
                self._waiting.put(message)
            elif isinstance(message, Stop):
                self._stop(message.id)

    def _stop(self, id_: int) -> None:
        with self._lock:
            if id_ == self._current and self._lm is not None:
                self._lm.stop()
            elif id_ > self._current:
                self._stopped.add(id_)

    def serve(self, lm: LlamaLM, idle_s: float | None) -> None:
        """Answer calls until none has come for so long."""
        self._lm = lm
        while True:
            try:
                call = self._waiting.get(timeout=idle_s)
            except queue.Empty:
                return
            self._send(self._answer(lm, call))

    def _answer(self, lm: LlamaLM, call: Call) -> Done | Failed:
        with self._lock:
            lm.resume()
            self._current = call.id
            stopped = call.id in self._stopped
            self._stopped = {id_ for id_ in self._stopped if id_ > call.id}
        try:
            if stopped:
                raise Stopped("The model was stopped.")
            method = getattr(lm, call.method)
            value = method(*call.arguments, **call.options)
            if call.method == "stream":
                for piece in value:
                    self._send(Piece(call.id, piece))
                value = None
        except (MemoError, ValueError) as error:
            return Failed(call.id, error, lm.usage)
        except Exception as error:  # noqa: BLE001  # the parent raises it
            said = RuntimeError(f"{type(error).__name__}: {error}")
            return Failed(call.id, said, lm.usage)
        return Done(call.id, value, lm.usage)


def main() -> None:
    """Load the model that the first message names, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what a Ctrl-C stops
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold a person's words
    os.nice(_NICENESS)
    connection: Connection = Connection(int(sys.argv[1]))
    send = _Sender(connection)
    logger = logging.getLogger("memo")
    logger.addHandler(_ParentsLog(send))
    logger.setLevel(logging.INFO)
    try:
        load = connection.recv()
    except (EOFError, OSError):
        return
    server = _Server(send)
    threading.Thread(target=server.listen, args=(connection,), daemon=True).start()
    if load.hang_s:
        threading.Thread(target=server.beat, args=(load.hang_s,), daemon=True).start()
    try:
        lm = _loaded(load)
    except MemoError as error:
        send(Failed(0, error, Usage()))
        return
    send(Ready(lm.context_tokens, lm.placement.reason, lm.fast_kernels))
    server.serve(lm, load.idle_s)


def _loaded(load: Load) -> LlamaLM:
    try:
        from memo.llama.engine import LlamaLM  # noqa: PLC0415  # a native library
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineUnusable(error) from error
    return LlamaLM(
        load.path,
        family=load.family,
        name=load.name,
        shape=load.shape,
        gpu_layers=load.gpu_layers,
        fast_kernels=load.fast_kernels,
        prefixes=load.prefixes,
    )


if __name__ == "__main__":
    main()
    os._exit(0)  # the model's memory goes with the process; freeing it in order would only wait
