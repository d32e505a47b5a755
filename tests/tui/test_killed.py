"""Claims about the application over a real model's process: killed, or chosen away from."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tiny
from driver import drive, lines, memory_of, told, until
from fakes import HashEmbedder

from memo.engines import Engines, loading
from memo.llama import Load, ModelProcess
from memo.memory import Memory
from memo.settings import load
from memo.tui.app import MemoApp
from memo.tui.composer import Composer
from memo.tui.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot


@pytest.fixture(params=["tiny", pytest.param("smollm2-135m-instruct", marks=pytest.mark.model)])
def lm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModelProcess]:
    if request.param == "tiny":
        path = tiny.write(tmp_path / "tiny.gguf", width=128, layers=4)
        chosen = Load(path, family="chatml", name="tiny")
    else:
        chosen = loading(replace(load(home=tmp_path), model=request.param))
    with closing(ModelProcess(chosen)) as process:
        yield process


def kill_when_busy(lm: ModelProcess) -> threading.Thread:
    """Kill the model's process in the middle of a call, as a machine short of memory does."""

    def wait() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            post = lm._children[0].post
            if post.ready is not None and post.boxes:
                break
            time.sleep(0.001)
        os.kill(lm.pid, signal.SIGKILL)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_model_that_is_killed_is_told_in_a_sentence_and_memo_goes_on(
    tmp_path: Path, lm: ModelProcess
) -> None:
    settings = told(memory_of(tmp_path / "home")).settings
    memory = Memory(settings, Engines(lambda _: lm, lambda _: HashEmbedder()))
    lm.count_tokens("It is loaded.")
    first = lm.pid

    told_of: list[str] = []

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        tell = app.tell
        app.tell = lambda text, **how: (told_of.append(text), tell(text, **how))[1]  # type: ignore[method-assign, func-returns-value]
        composer = pilot.app.screen.query_one(Composer)
        for said, then in (
            ("Where does Ann work?", ("not answered", "broken off")),
            ("I moved.", ("not remembered",)),
        ):
            killer = kill_when_busy(lm)
            before = len(pilot.app.screen.query(Exchange))
            composer.put(said)
            await pilot.press("enter")
            await until(pilot, lambda: len(pilot.app.screen.query(Exchange)) > before)  # noqa: B023
            line = pilot.app.screen.query(Exchange).last
            await until(pilot, lambda: line().change_line.words in then)  # noqa: B023  # at once
            killer.join()
            await until(pilot, lambda: composer.text == said)  # noqa: B023  # at once
            assert "Traceback" not in lines(pilot)
            composer.put("")
            (sentence,) = (one for one in told_of if "in the middle of its work" in one)
            assert "try again" in sentence
            told_of.clear()
        composer.put("Where does Ann live?")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.query(Exchange).last().answer is not None)

    drive(memory, story)
    assert lm.pid != first
    assert len(memory.documents()) == 2


def test_a_model_that_is_no_longer_chosen_ends_once_its_last_call_has(tmp_path: Path) -> None:
    path = tiny.write(tmp_path / "tiny.gguf")
    made: list[int] = []

    def started(settings: object) -> ModelProcess:
        process = ModelProcess(Load(path, family="chatml", name="tiny"))
        made.append(process.pid)
        return process

    settings = load(home=tmp_path, environ={})
    memory = Memory(settings, Engines(started, lambda _: HashEmbedder()))
    using = memory.language_model()
    memory.choose(replace(settings, model="another"))
    assert using.count_tokens("It still serves who has it.") > 0
    assert memory.language_model() is not using
    assert not ended(made[0])
    del using
    assert ended(made[0])
    memory.choose(settings)
    assert ended(made[1])


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True
