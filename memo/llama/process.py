"""The model in a process of its own: what ends that process is one sentence, not the end of memo.

A bad file, a lack of memory or a fault in native code kills by signal, and a person's stop must
not wait for a prompt to be evaluated. So a child runs `LlamaLM`, and `ModelProcess` passes the
calls on. The child is started at once and loads while the caller goes on; it ends when nobody
has asked for a while, when its parent is gone however that died, and when this object is. One
that gives no sign of life for long while it is waited for is ended. The next call starts another.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING, Any

import psutil

from memo.errors import ModelCrashed, ModelDamaged, ModelHung, Stopped
from memo.llama.messages import Call, Done, Failed, Load, Logged, Piece, Ready, Stop
from memo.llama.placement import own_modules, waiting
from memo.lm import stop_wanted
from memo.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from multiprocessing.connection import Connection

    from memo.lm import Completion, Prompt, Vectors

log = logging.getLogger(__name__)

_TICK_S = 0.05
"""How often a waiting call looks whether it is still wanted."""
_LOOK_S = 0.1
"""For which is looked how busy the machine is."""
_PATIENCE_S = 5
"""For a process that has closed its pipe to end."""
_STOPPING_S = 1.0
"""For a stream that is closed to end: a few operations of the model."""


class _Idle(Exception):
    """The child had gone to rest when the call reached it."""


class _Post:
    """What came from one child, sorted by who waits for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.boxes: dict[int, queue.SimpleQueue[object]] = {}
        self.ready: Ready | None = None
        self.told = threading.Event()
        """Set when the model is loaded, or never will be."""
        self.ended = threading.Event()
        """Set when nothing more comes."""
        self.failure: Exception | None = None
        """Why it could not be loaded."""
        self.status: int | None = None
        """How the process ended, as `Popen.returncode`; None while it runs."""
        self.usage = Usage()
        self.heard = 0
        """How many messages have come; all of them are signs of life."""
        self.hung = False
        """Whether it was ended because none came."""

    def sort(self, message: object) -> None:
        """Put a message where somebody waits for it; what nobody waits for is dropped."""
        self.heard += 1
        match message:
            case Ready():
                self.ready = message
                self.told.set()
            case Failed(id=0):
                self.failure = message.error
            case Logged():
                logging.getLogger(message.logger).log(message.level, "%s", message.text)
            case Done() | Failed() | Piece():
                with self.lock:
                    if not isinstance(message, Piece):
                        self.usage = message.usage
                    if message.id in self.boxes:
                        self.boxes[message.id].put(message)

    def end(self, status: int) -> None:
        """Tell everybody that nothing more comes."""
        with self.lock:
            self.status = status
            for box in self.boxes.values():
                box.put(None)
        self.told.set()
        self.ended.set()


def _receive(connection: Connection, process: subprocess.Popen[bytes], post: _Post) -> None:
    """Sort messages until the child is gone; a thread of its own, which holds on to no model."""
    with connection:
        while True:
            try:
                message = connection.recv()
            except Exception:  # noqa: BLE001  # a message cut short by a kill raises anything
                break
            post.sort(message)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
    post.end(process.wait())


class _Child:
    """One process with the model, from its start to its end."""

    def __init__(self, load: Load) -> None:
        ours, theirs = Pipe()
        environ = {
            **waiting(psutil.cpu_percent(_LOOK_S) / 100),
            **os.environ,
            **own_modules(),
            "GGML_NO_BACKTRACE": "1",  # a failed assertion would start a debugger
        }
        with theirs:
            # Not multiprocessing's own start: that runs the caller's script again, and keeps
            # one more process for resources that we have none of.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "memo.llama.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environ,
                pass_fds=[theirs.fileno()],
                process_group=0,  # a terminal's Ctrl-C is for the parent alone
            )
        self._connection = ours
        self._sending = threading.Lock()
        self.post = _Post()
        self.send(load)
        threading.Thread(
            target=_receive, args=(ours, self._process, self.post), daemon=True, name="memo-model"
        ).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: object) -> None:
        """Say something; what a child that has gone does not hear, its end answers."""
        with self._sending, contextlib.suppress(OSError):
            try:
                self._connection.send(message)
            except KeyboardInterrupt:  # half a message: the child could not make out the next
                self._process.kill()
                raise

    def kill(self) -> None:
        """End it now, without waiting: what hangs in the system may take its time."""
        self._process.kill()

    def end(self) -> None:
        """End it now; nothing in it is worth waiting for."""
        self.kill()
        self._process.wait()


class _Patience:
    """How long one who waits has heard nothing."""

    def __init__(self, post: _Post, hang_s: float | None) -> None:
        self._post, self._hang_s = post, hang_s
        self._heard, self._silent_s = post.heard, 0.0
        self._looked = time.monotonic()

    def tick(self) -> None:
        """Look again whether the wait is still wanted, and not in vain.

        Raises:
            Stopped: It is not wanted.
            TimeoutError: Nothing was heard for too long.
        """
        if stop_wanted.get()():
            raise Stopped("The model was stopped.")
        now = time.monotonic()
        # Not the whole time: who was asleep himself, by Ctrl-Z, has heard nothing either.
        self._silent_s += min(now - self._looked, 2 * _TICK_S)
        self._looked = now
        if self._post.heard != self._heard:
            self._heard, self._silent_s = self._post.heard, 0.0
        if self._hang_s is not None and self._silent_s > self._hang_s:
            raise TimeoutError


class ModelProcess:
    """The `LanguageModel` protocol over a supervised process; any thread may call.

    Calls are served in the order in which they come. One that is no longer wanted (an exception
    such as Ctrl-C in the waiting thread, a stream that is closed, `memo.lm.stop_when`) ends in
    the child within the time of a few operations, and the next is served.
    """

    def __init__(self, load: Load, announce: Callable[[str], None] = lambda _: None) -> None:
        """Start loading, and return meanwhile.

        Args:
            load: What.
            announce: Receives a sentence whenever the model has to be loaded anew.
        """
        self.name = load.name
        self._load = load
        self._announce = announce
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._before = Usage()
        """Of the processes before this one."""
        self._children = [_Child(load)]
        """The one that serves; a list, because the finalizer may not hold on to us."""
        self._finalizer = weakref.finalize(self, _end, self._children)

    def close(self) -> None:
        """End the process; a later call starts another."""
        _end(self._children)
        self._children[0].post.ended.wait(_PATIENCE_S)

    @property
    def pid(self) -> int:
        """Of the process that serves, or served last."""
        return self._children[0].pid

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._children[0].post.status is None

    @property
    def usage(self) -> Usage:
        """Counters over all processes so far; what a killed one did not report is lost."""
        with self._lock:
            return self._before + self._children[0].post.usage

    @property
    def context_tokens(self) -> int:
        """The longest prompt with completion that one sequence can hold.

        Raises:
            ModelDamaged: The model cannot be loaded.
        """
        return self._loaded().context_tokens

    @property
    def placement(self) -> str:
        """What of this machine is used.

        Raises:
            ModelDamaged: The model cannot be loaded.
        """
        return self._loaded().placement

    def count_tokens(self, text: str) -> int:
        """How many tokens a person's text takes."""
        count: int = self._call("count_tokens", text)
        return count

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        """Probability of each label as the continuation of each prompt; rows sum to 1.

        Raises:
            ModelDamaged: It computes no numbers.
        """
        chances: Vectors = self._call("choose", tuple(prompts), tuple(labels))
        if not math.isfinite(float(chances.sum())):
            raise ModelDamaged(
                f"{self.name} computes no numbers: its file is damaged; `memo model remove "
                f"{self.name}`, then `memo model pull {self.name}`."
            )
        return chances

    def complete(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
    ) -> list[Completion]:
        """Continue each prompt greedily, all in parallel; a repeated line ends a list."""
        options = {"max_tokens": max_tokens, "grammar": grammar, "stop": tuple(stop)}
        completions: list[Completion] = self._call("complete", tuple(prompts), **options)
        return completions

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        """Continue one prompt piece by piece; closing the iterator stops the model."""
        yield from self._replies("stream", prompt, max_tokens=max_tokens, stop=tuple(stop))

    def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        replies = self._replies(method, *arguments, **options)
        try:
            next(replies)
        except StopIteration as end:
            return end.value
        raise AssertionError(f"{method} gave pieces")

    def _replies(self, method: str, *arguments: Any, **options: Any) -> Generator[str, None, Any]:
        """The pieces of a call, then what it returns.

        Raises:
            ModelDamaged: The model cannot be loaded.
            ModelCrashed: Its process ended before the call did.
            ModelHung: It came no further, and was ended.
            Stopped: The call is no longer wanted.
        """
        while True:
            try:
                return (yield from self._attempt(method, arguments, options))
            except _Idle:
                continue

    def _attempt(
        self, method: str, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Generator[str, None, Any]:
        child = self._serving()
        id_ = next(self._ids)
        box: queue.SimpleQueue[object] = queue.SimpleQueue()
        with child.post.lock:
            child.post.boxes[id_] = box
            if child.post.status is not None:
                box.put(None)
        ended = False
        patience = _Patience(child.post, self._load.hang_s)
        try:
            child.send(Call(id_, method, arguments, options))
            while True:
                try:
                    message = _wanted(box, patience)
                except TimeoutError:
                    raise self._hang(child) from None
                ended = not isinstance(message, Piece)
                match message:
                    case Piece():
                        yield message.text
                    case Done():
                        return message.value
                    case Failed():
                        raise message.error
                    case _:
                        raise self._end_of(child.post)
        except GeneratorExit:  # what it took is counted before the next call begins
            child.send(Stop(id_))
            ended = True
            with contextlib.suppress(queue.Empty):
                while isinstance(box.get(timeout=_STOPPING_S), Piece):
                    pass
            raise
        finally:
            with child.post.lock:
                del child.post.boxes[id_]
            if not ended:
                child.send(Stop(id_))

    def _serving(self) -> _Child:
        """The child, after starting another where it has ended."""
        with self._lock:
            child = self._children[0]
            if child.post.status is None and not child.post.hung:
                return child
            self._before += child.post.usage
            if child.post.ready is not None:  # else each start would try them again
                self._load = replace(self._load, fast_kernels=child.post.ready.fast_kernels)
            self._announce(f"Loading {self.name} again…")
            self._children[0] = _Child(self._load)
            return self._children[0]

    def _loaded(self) -> Ready:
        """What the model said when it was loaded."""
        child = self._children[0]
        if child.post.ready is None:
            child = self._serving()
        post = child.post
        patience = _Patience(post, self._load.hang_s)
        while not post.told.wait(_TICK_S):
            try:
                patience.tick()
            except TimeoutError:
                raise self._hang(child) from None
        if post.ready is None:
            raise self._end_of(post)
        return post.ready

    def _hang(self, child: _Child) -> Exception:
        """End a process that gives no sign of life; what the person should be told."""
        child.post.hung = True
        child.kill()
        log.warning("the model's process hung and was ended")
        return self._end_of(child.post)

    def _end_of(self, post: _Post) -> Exception:
        """Why a process has ended, as the person should be told."""
        if post.hung:
            return ModelHung(
                f"The model {self.name} gave no sign of life for {self._load.hang_s or 0:g} "
                "seconds and was ended. Nothing was changed by it; try again, and the model is "
                "loaded anew. Where it only takes that long, raise `hang_minutes` in settings.toml."
            )
        if post.failure is not None:
            return post.failure
        if post.status == 0 and post.ready is not None:
            return _Idle()
        how = _how(post.status or 0)
        log.warning("the model's process ended: %s", how)
        if post.ready is None:
            ended = f"The model's process ended while it loaded {self._load.path} ({how})"
            if post.status == -signal.SIGKILL:
                return ModelDamaged(
                    f"{ended}: close other programs, or choose a smaller model, which "
                    "`memo model recommend` names."
                )
            return ModelDamaged(
                f"{ended}: the file may be damaged, which `memo model pull` mends, or memory may "
                "be too small, for which `memo model recommend` names a model."
            )
        return ModelCrashed(
            f"The process of the model {self.name} ended in the middle of its work ({how}). "
            "Nothing was changed by it; try again, and the model is loaded anew."
        )


def _wanted(box: queue.SimpleQueue[object], patience: _Patience) -> object:
    """The next message of a call.

    Raises:
        Stopped: The call is no longer wanted.
        TimeoutError: The child gives no sign of life.
    """
    while True:
        with contextlib.suppress(queue.Empty):
            return box.get(timeout=_TICK_S)
        patience.tick()


def _how(status: int) -> str:
    """How a process ended, by its return code."""
    if status >= 0:
        return f"exit code {status}"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else str(-status)
    return f"{name}, perhaps for lack of memory" if -status == signal.SIGKILL else name


def _end(children: list[_Child]) -> None:
    children[0].end()
