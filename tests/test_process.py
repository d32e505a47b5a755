"""Claims about the process that runs the model: real llama.cpp, on a model of random weights."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import tiny
from stuck import Deaf, Sleeping, Spinning

from memo.errors import ContextOverflow, ModelCrashed, ModelDamaged, ModelHung, Stopped
from memo.llama import Load, ModelProcess, kernels, process
from memo.llama.engine import LlamaLM
from memo.llama.process import _Patience
from memo.lm import Segment, Turn, quoted, stop_when

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from memo.lm import Prompt

ROOT = Path(__file__).parent.parent
LONG = 3000
"""Tokens of a prompt that takes many times longer than a stop."""


def ask(text: str) -> Prompt:
    return (Turn("system", (Segment("Answer."),)), Turn("user", (quoted(text),)))


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    path = tiny.write(tmp_path_factory.mktemp("model") / "tiny.gguf", width=128, layers=4)
    return Load(path, family="chatml", name="tiny")


@pytest.fixture(scope="module")
def lm(load: Load) -> Iterator[ModelProcess]:
    with closing(ModelProcess(load)) as process:
        yield process


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what another process does; a machine that is too slow fails, not hangs."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def once(holds: Callable[[], bool], act: Callable[[], None]) -> threading.Thread:
    """Act as soon as something holds, in a thread of its own."""

    def wait() -> None:
        eventually(holds)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True


def busy(lm: ModelProcess) -> bool:
    return bool(lm._children[0].post.boxes)


# -- what it says --------------------------------------------------------------------


def test_it_says_what_the_engine_says(load: Load, lm: ModelProcess) -> None:
    asked = [ask("Where does Ann live?"), ask("Where does Ben live?")]
    with closing(LlamaLM(load.path, family="chatml", name="tiny")) as engine:
        assert lm.name == engine.name
        assert lm.context_tokens == engine.context_tokens
        assert lm.count_tokens("Hull <|im_end|>") == engine.count_tokens("Hull <|im_end|>") == 15
        labels = ["Hull", "York"]
        assert np.allclose(lm.choose(asked, labels), engine.choose(asked, labels), atol=1e-3)
        assert lm.complete(asked, max_tokens=6) == engine.complete(asked, max_tokens=6)
        assert "".join(lm.stream(asked[0], max_tokens=6)) == "".join(
            engine.stream(asked[0], max_tokens=6)
        )


def test_what_the_engine_refuses_is_refused_alike(lm: ModelProcess) -> None:
    with pytest.raises(ContextOverflow):
        lm.complete([ask("x" * lm.context_tokens)], max_tokens=1)
    with pytest.raises(ValueError, match="empty"):
        lm.choose([ask("x")], ["", "y"])
    assert lm.count_tokens("still here") == 10


def test_threads_call_one_after_the_other(lm: ModelProcess) -> None:
    texts = [f"Number {n}." for n in range(8)]
    alone = [lm.complete([ask(text)], max_tokens=4) for text in texts]
    together: dict[str, object] = {}
    threads = [
        threading.Thread(
            target=lambda t=text: together.update({t: lm.complete([ask(t)], max_tokens=4)})
        )
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[text] for text in texts] == alone


# -- stopping ------------------------------------------------------------------------


def test_a_stop_is_heard_while_a_prompt_is_evaluated(lm: ModelProcess) -> None:
    before = lm.complete([ask("Hull")], max_tokens=6)
    start = lm.usage
    with stop_when(lambda: busy(lm)), pytest.raises(Stopped):
        lm.complete([ask("w" * LONG)], max_tokens=1)
    assert lm.complete([ask("Hull")], max_tokens=6) == before
    spent = lm.usage - start
    assert spent.prompt_tokens > LONG
    assert spent.evaluated_tokens < LONG


def test_what_was_evaluated_before_a_stop_is_not_evaluated_again(load: Load) -> None:
    with closing(LlamaLM(load.path, family="chatml")) as engine:
        long = [ask("w" * LONG)]
        whole = engine.complete(long, max_tokens=4)
    with closing(LlamaLM(load.path, family="chatml")) as engine:
        stopper = once(lambda: begun(engine), engine.stop)
        with pytest.raises(Stopped):
            engine.complete(long, max_tokens=4)
        stopper.join()
        stopped = engine.usage
        assert 0 < stopped.evaluated_tokens < LONG
        assert engine.complete(long, max_tokens=4) == whole
        both = engine.usage
        assert both.evaluated_tokens <= both.prompt_tokens // 2 + 1


def begun(engine: LlamaLM) -> bool:
    return engine.usage.evaluated_tokens > 0


def test_a_call_that_only_waits_is_given_up_and_the_other_goes_on(lm: ModelProcess) -> None:
    done: list[object] = []
    other = threading.Thread(
        target=lambda: done.append(lm.complete([ask("v" * LONG)], max_tokens=1))
    )
    other.start()
    eventually(lambda: busy(lm))
    with stop_when(lambda: True), pytest.raises(Stopped):
        lm.complete([ask("Hull")], max_tokens=1)
    other.join()
    assert len(done) == 1


def test_a_closed_stream_stops_the_model(lm: ModelProcess) -> None:
    before = lm.usage
    pieces = cast("Generator[str, None, None]", lm.stream(ask("Hull"), max_tokens=3000))
    with closing(pieces):
        next(pieces)
    spent = lm.usage - before
    assert spent.calls == 1
    assert 0 < spent.completion_tokens < 3000
    lm.count_tokens("served next")
    assert lm.usage - before == spent


INTERRUPTED = """
import signal, sys
from pathlib import Path
import fakes
from memo.cli import main
from memo.engines import Engines
from memo.llama import Load, ModelProcess
from memo.lm import Turn, quoted

signal.signal(signal.SIGINT, signal.default_int_handler)
lm = ModelProcess(Load(Path(sys.argv[1]), family="chatml", name="tiny"))
lm.count_tokens("loaded")
assert "llama_cpp" not in sys.modules

def before(asked):
    print(lm.pid, file=sys.stderr, flush=True)
    while True:
        lm.complete([(Turn("user", (quoted("w" * 3000 + asked),)),)], max_tokens=1000)

model, embedder = fakes.ann(before), fakes.HashEmbedder()
main(sys.argv[2:], obj=Engines(lambda _: model, lambda _: embedder))
"""
"""A command whose model is at work on a long prompt; run as a script that guards no main."""


@pytest.fixture
def working(load: Load, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    with subprocess.Popen(
        [sys.executable, script, load.path, "add", "I live in Hull.", "--speaker", "Ann"],
        env=os.environ
        | {
            "MEMO_HOME": str(tmp_path / "home"),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        yield process, int(process.stderr.readline())
        process.kill()


def test_ctrl_c_ends_the_command_and_its_model(working: tuple[subprocess.Popen[str], int]) -> None:
    process, child = working
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped." in errors
    assert "Traceback" not in errors
    assert gone(child)


def test_a_killed_parent_leaves_no_orphan(working: tuple[subprocess.Popen[str], int]) -> None:
    process, child = working
    assert not gone(child)
    process.kill()
    eventually(lambda: gone(child))


# -- crashing ------------------------------------------------------------------------


CALLS: dict[str, Callable[[ModelProcess], object]] = {
    "complete": lambda lm: lm.complete([ask("Hull")], max_tokens=3000),
    "choose": lambda lm: lm.choose([ask("w" * LONG)], ["a", "b"]),
    "stream": lambda lm: list(lm.stream(ask("Hull"), max_tokens=3000)),
    "count_tokens": lambda lm: lm.count_tokens("Hull"),
}


@pytest.mark.parametrize("method", CALLS)
def test_a_killed_process_is_one_error_and_the_next_call_starts_another(
    load: Load, method: str
) -> None:
    told: list[str] = []
    with closing(ModelProcess(load, told.append)) as lm:
        before = lm.complete([ask("Hull")], max_tokens=6)
        spent, pid = lm.usage, lm.pid
        os.kill(pid, signal.SIGSTOP)  # so that the call is surely not over
        killer = once(lambda: busy(lm), lambda: os.kill(pid, signal.SIGKILL))
        with pytest.raises(ModelCrashed, match=r"tiny .*SIGKILL") as caught:
            CALLS[method](lm)
        killer.join()
        assert caught.value.exit_code == 1
        assert told == []
        assert lm.complete([ask("Hull")], max_tokens=6) == before
        assert told == ["Loading tiny again…"]
        assert lm.usage.calls == spent.calls + 1
        assert lm.pid != pid


def test_what_one_process_found_out_about_kernels_is_told_to_the_next(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Load] = []

    class Noted(process._Child):
        def __init__(self, load: Load) -> None:
            loads.append(load)
            super().__init__(load)

    monkeypatch.setattr(process, "_Child", Noted)
    with closing(ModelProcess(load)) as lm:
        lm.count_tokens("Hello.")
        os.kill(lm.pid, signal.SIGKILL)
        eventually(lambda: not lm.running)
        lm.count_tokens("Hello.")
    assert [one.fast_kernels for one in loads] == [None, kernels.trusted()]


def test_a_crash_of_one_leaves_the_other_alone(load: Load, tmp_path: Path) -> None:
    shared = replace(load, prefixes=tmp_path)
    with closing(ModelProcess(shared)) as one, closing(ModelProcess(shared)) as other:
        said = [lm.complete([ask("Hull")], max_tokens=4) for lm in (one, other)]
        assert said[0] == said[1]
        os.kill(one.pid, signal.SIGKILL)
        assert other.complete([ask("Hull")], max_tokens=4) == said[0]
        assert other.running


def test_a_file_cut_short_is_an_error_and_no_hang(load: Load, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(load.path.read_bytes()[:-5000])
    with closing(ModelProcess(replace(load, path=cut))) as lm:
        with pytest.raises(ModelDamaged, match=r"cut\.gguf") as caught:
            lm.count_tokens("Hull")
        assert caught.value.exit_code == 4
        with pytest.raises(ModelDamaged, match=r"cut\.gguf"):
            _ = lm.context_tokens


def test_a_process_that_dies_while_it_loads_is_an_error_too(load: Load) -> None:
    with closing(ModelProcess(load)) as lm:
        os.kill(lm.pid, signal.SIGKILL)  # long before Python has started in it
        with pytest.raises(ModelDamaged, match=r"SIGKILL.*memo model recommend") as caught:
            lm.count_tokens("Hull")
        assert caught.value.exit_code == 4
        assert lm.count_tokens("Hull") == 4


# -- hanging -------------------------------------------------------------------------

HANG_S = 2.0


@pytest.fixture
def impatient(load: Load) -> Iterator[ModelProcess]:
    with closing(ModelProcess(replace(load, hang_s=60))) as process:
        process.count_tokens("loaded")
        process._load = replace(load, hang_s=HANG_S)  # loading may take longer on a busy machine
        yield process


def is_given_up(lm: ModelProcess, call: Callable[[], object]) -> None:
    """It is one error, the process is gone, and the next call is served by another."""
    pid = lm.pid
    with pytest.raises(ModelHung, match=r"tiny gave no sign of life for 2 seconds") as caught:
        call()
    assert caught.value.exit_code == 1
    eventually(lambda: gone(pid))
    lm._load = replace(lm._load, hang_s=60)
    assert lm.count_tokens("Hull") == 4
    assert lm.pid != pid


@pytest.mark.parametrize("method", CALLS)
def test_a_stopped_process_is_given_up(impatient: ModelProcess, method: str) -> None:
    os.kill(impatient.pid, signal.SIGSTOP)
    is_given_up(impatient, lambda: CALLS[method](impatient))


@pytest.mark.parametrize("text", [Spinning("x"), Deaf("x"), Sleeping("x")], ids=type)
def test_a_process_that_runs_and_does_nothing_is_given_up(
    impatient: ModelProcess, text: str
) -> None:
    is_given_up(impatient, lambda: impatient.count_tokens(text))


def test_all_who_wait_for_a_hanging_process_are_told(impatient: ModelProcess) -> None:
    told: list[Exception] = []

    def wait() -> None:
        try:
            impatient.complete([ask("Hull")], max_tokens=1)
        except ModelHung as error:
            told.append(error)

    os.kill(impatient.pid, signal.SIGSTOP)
    others = [threading.Thread(target=wait) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert len(told) == 3
    assert len({str(error) for error in told}) == 1


def test_a_process_that_hangs_while_it_loads_is_given_up(load: Load) -> None:
    with closing(ModelProcess(replace(load, hang_s=HANG_S))) as lm:
        os.kill(lm.pid, signal.SIGSTOP)
        is_given_up(lm, lambda: lm.context_tokens)


def test_a_slow_process_is_waited_for(load: Load) -> None:
    """It runs a tenth of the time."""
    with closing(ModelProcess(replace(load, hang_s=HANG_S))) as lm:
        lm.count_tokens("loaded")
        began, done = time.monotonic(), threading.Event()
        slow = threading.Thread(target=lambda: slowed(lm.pid, done))
        slow.start()
        size = 250
        while time.monotonic() - began < 2 * HANG_S:
            began, size = time.monotonic(), 2 * size
            lm.choose([ask(f"{n}" * size) for n in range(8)], ["a", "b"])
        done.set()
        slow.join()


def test_life_shows_within_a_batch(load: Load) -> None:
    """Where one takes minutes, that is not taken for a hang."""
    with closing(LlamaLM(load.path, family="chatml")) as engine:
        left, *_ = engine.pulse
        engine.complete([ask("Hull")], max_tokens=1)
        assert left - engine.pulse[0] > 10 * 4  # operations a layer


def slowed(pid: int, done: threading.Event) -> None:
    while not done.wait(0.01):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.09)
        os.kill(pid, signal.SIGCONT)


def test_who_sleeps_himself_takes_nobody_for_hanging(
    impatient: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after Ctrl-Z, or a night in which the computer slept: much time has passed at once."""
    later = iter(range(0, 10**9, 1000))
    patience = _Patience(impatient._children[0].post, HANG_S)
    monkeypatch.setattr("memo.llama.process.time.monotonic", lambda: next(later))
    for _ in range(5):
        patience.tick()


# -- coming and going ----------------------------------------------------------------


def test_an_idle_process_goes_and_the_next_call_brings_it_back(load: Load) -> None:
    told: list[str] = []
    with closing(ModelProcess(replace(load, idle_s=0.05), told.append)) as lm:
        before = lm.complete([ask("Hull")], max_tokens=6)
        context, pid = lm.context_tokens, lm.pid
        eventually(lambda: not lm.running)
        assert gone(pid)
        assert lm.context_tokens == context
        assert told == []  # nothing was asked of the model
        assert lm.complete([ask("Hull")], max_tokens=6) == before
        assert told == ["Loading tiny again…"]
        assert lm.usage.calls == 2


def test_a_call_that_meets_a_leaving_process_is_served_by_the_next(load: Load) -> None:
    with closing(ModelProcess(replace(load, idle_s=0.01))) as lm:
        for n in range(6):
            assert lm.count_tokens("x" * n) == n
            time.sleep(0.002 * n)  # around the moment of leaving


def test_what_is_closed_or_forgotten_leaves_no_process(load: Load) -> None:
    lm = ModelProcess(load)
    lm.count_tokens("loaded")
    lm.close()
    assert gone(lm.pid)
    other = ModelProcess(load)
    pid = other.pid
    del other  # while it loads
    gc.collect()
    eventually(lambda: gone(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_can_dump_no_core_and_has_no_terminal(lm: ModelProcess) -> None:
    lm.count_tokens("loaded")
    limits = Path(f"/proc/{lm.pid}/limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if "core file" in line]
    assert core[4:6] == ["0", "0"]
    streams = {str(Path(f"/proc/{lm.pid}/fd/{n}").readlink()) for n in range(3)}
    assert streams == {"/dev/null"}
    assert os.getpgid(lm.pid) != os.getpgid(0)
