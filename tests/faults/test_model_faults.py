"""Claims about a model that talks nonsense, dies, or is not the file it was: no fact suffers."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sys
import threading
from contextlib import closing, suppress
from dataclasses import replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tiny
from acts import ACTS, copied, memory_of, state
from fakes import FakeLM, HashEmbedder
from toy import on

from memo import prompts
from memo.answer import Question
from memo.engines import Engines, installed_language_model
from memo.errors import ContextOverflow, MemoError, ModelCrashed, ModelDamaged
from memo.llama import Load, ModelProcess
from memo.lm import Segment, Turn, quoted
from memo.memory import Failed, Imported, Memory, Summary, note
from memo.models import find as find_model
from memo.models import installed, pull
from memo.settings import load as settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.lm import Completion, LanguageModel, Prompt, Vectors
    from memo.records import Fact, FactId, Usage

SAID = "The garden is lovely. I water it on Sundays with Bo."
LABELS = (
    *(prompts.OVER, prompts.HOLDS, prompts.RIGHT, prompts.WRONG),
    *(prompts.INSTEAD, prompts.BESIDE, prompts.NOT_SAID),
)
STORED = ("Ann works at Acme.", "Ann works at Borealis.", "Ann lives in Hull.", "Bo lives in York.")
_SHAPES = (
    *("{}", "not {}", "do not {}", "never {}!", "{} | {} | one", "{}\n{}\n{}", "1. {}\n2. {}"),
    *("<|im_end|>{}", "<|im_start|>system\n{}<|im_end|>", "[End Input] {}", "```json\n{}\n```"),
    *("\x1b[2J{}\x00", "Ann | {}", "nothing | {}", "\u202e{}"),
)
_WORDS = (*LABELS, *STORED, "make false", "delete fact 1", "Where does Ann live?")
_PLAIN = (
    *("", " ", "\n" * 4000, "{", "}", "[]", "null", "NaN", "-1", "true", '{"op": "make_false"}'),
    *(
        json.dumps({"facts": [1, 2, 3], "op": "rewrite", "text": "Ann lives in York."}),
        '{"a":' * 999,
    ),
    *(
        "a " * 20_000,
        "ha" * 50_000,
        "\ud800\udfff",
        "\x00" * 99,
        "🦭" * 9999,
        "|" * 500,
        "one | " * 99,
    ),
)
GARBAGE = [
    *_PLAIN,
    *(
        shape.replace("{}", word)
        for shape, word in islice(product(_SHAPES, _WORDS), 200 - len(_PLAIN))
    ),
]
CHANCES = (np.nan, np.inf, -np.inf, 0.0, -1.0, 2.0, 1e-30, 0.1)
"""None of them a probability that rows of labels could all have, or none that decides."""


class Garbage(FakeLM):
    """Replies one text to everything, and chances that are none."""

    def __init__(self, text: str, chance: float) -> None:
        super().__init__()
        self._text = text
        self._chance = chance

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        self._count(prompts, completed=0)
        return np.full((len(prompts), len(labels)), self._chance, np.float32)

    def _reply(self, prompt: Prompt) -> str:
        return self._text


def with_model(home: Path, lm: LanguageModel) -> Memory:
    embedder = HashEmbedder()
    settings = settings_of(home=home, environ={"MEMO_MODELS": str(home.parent / "models")})
    return Memory(settings, Engines(lambda _: lm, lambda _: embedder))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which Ann has told everything."""
    home = tmp_path_factory.mktemp("told") / "home"
    next(act for act in ACTS if act.name == "undo").prepare(home)
    return home


def facts(memory: Memory) -> dict[FactId, Fact]:
    return {fact.id: fact for fact in memory.facts(state=None)}


def changed(before: dict[FactId, Fact], after: dict[FactId, Fact]) -> list[str]:
    """Facts that are not what they were."""
    return [fact.text for id_, fact in before.items() if after[id_] != fact]


def unsaid(before: dict[FactId, Fact], after: dict[FactId, Fact]) -> list[str]:
    """New facts of which nobody has said every word."""
    return [after[id_].text for id_ in after.keys() - before.keys() if not _said(after[id_])]


def _said(fact: Fact) -> bool:
    claim = fact.claim
    words = claim.text if claim.value == "yes" else claim.value
    return all(word in f"ann {SAID}'s".casefold() for word in words.casefold().strip(".").split())


@pytest.fixture(scope="module")
def harm(told: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What two hundred garbage outputs did to facts, and which facts they made up."""
    harm: dict[str, list[str]] = {"changed": [], "unsaid": []}
    folder = tmp_path_factory.mktemp("garbage")
    for number, (text, chance) in enumerate(zip(GARBAGE, cycle(CHANCES), strict=False)):
        memory = with_model(copied(told, folder / "home"), Garbage(text, chance))
        before = facts(memory)
        *_, summary = memory.ingest_all(note(SAID, on("2024-10-01"), speaker="Ann"))
        assert isinstance(summary, Summary)
        after = facts(memory)
        harm["changed"] += changed(before, after)
        harm["unsaid"] += unsaid(before, after)
        if summary.failed:  # it is read once the model talks sense
            again = memory_of(folder / "home")
            events = list(again.ingest_all(note(SAID, on("2024-10-01"), speaker="Ann")))
            assert not any(isinstance(event, Failed) for event in events)
        if number % 10 == 0:
            state(folder / "home")
    return harm


def test_two_hundred_garbage_outputs_change_no_fact(harm: dict[str, list[str]]) -> None:
    assert len(set(GARBAGE)) == 200
    assert harm["changed"] == []


def test_two_hundred_garbage_outputs_make_no_fact_up(harm: dict[str, list[str]]) -> None:
    assert harm["unsaid"] == []


@pytest.mark.parametrize("text", GARBAGE[:: len(GARBAGE) // 25])
def test_a_garbage_answer_is_an_answer_or_one_sentence(told: Path, text: str) -> None:
    memory = with_model(told, Garbage(text, 0.1))
    try:
        list(memory.ask(Question("Where does Ann live?")))
    except MemoError as error:
        assert str(error)


# -- the process of the model --------------------------------------------------------


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    path = tiny.write(tmp_path_factory.mktemp("model") / "tiny.gguf")
    return Load(path, family="chatml", name="tiny")


def asked(text: str) -> Prompt:
    return (Turn("system", (Segment("Answer."),)), Turn("user", (quoted(text),)))


class Terse:
    """A model that sees the end of each prompt: memo's own are too long for one of bytes."""

    def __init__(self, lm: ModelProcess) -> None:
        self._lm = lm
        self.name = lm.name
        self.context_tokens = 4096

    @property
    def usage(self) -> Usage:
        return self._lm.usage

    def count_tokens(self, text: str) -> int:
        return self._lm.count_tokens(text)

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        return self._lm.choose([_end(prompt) for prompt in prompts], labels)

    def complete(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
    ) -> list[Completion]:
        ends = [_end(prompt) for prompt in prompts]
        return self._lm.complete(ends, max_tokens=min(max_tokens, 20), grammar=grammar, stop=stop)

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        return self._lm.stream(_end(prompt), max_tokens=max_tokens, stop=stop)


def _end(prompt: Prompt) -> Prompt:
    return asked("".join(segment.text for segment in prompt[-1].segments)[-100:])


def outlives_kills(
    home: Path, lm: ModelProcess, model: LanguageModel, kills: int, longest_s: float
) -> None:
    """Kill the model at any moment of an import, again and again; then let it end in peace."""
    memory = with_model(home, model)
    before, chance, failed = facts(memory), random.Random(kills), 0
    for number in range(kills):
        document = note(f"{SAID} {number}", on("2024-10-01"), speaker="Ann")
        killer = threading.Timer(chance.uniform(0, longest_s), lambda: _kill(lm))
        killer.start()
        try:
            events = list(memory.ingest_all(document))
            failed += any(isinstance(event, Failed) for event in events)
        except (ModelCrashed, ModelDamaged) as error:
            assert str(error)
            failed += 1
        killer.join()
        assert all(facts(memory)[id_] == fact for id_, fact in before.items())
        events = list(memory.ingest_all(document))  # the same again: nothing is doubled or lost
        assert not any(isinstance(event, Failed) for event in events)
    assert memory.counts()["documents"] == kills + 3
    state(home)


def _kill(lm: ModelProcess) -> None:
    with suppress(ProcessLookupError):
        os.kill(lm.pid, signal.SIGKILL)


def test_an_import_outlives_kills_of_the_model(tmp_path: Path, told: Path, load: Load) -> None:
    with closing(ModelProcess(load)) as lm:
        outlives_kills(copied(told, tmp_path / "home"), lm, Terse(lm), 4, 0.3)


@pytest.mark.full
def test_an_import_outlives_a_hundred_kills_of_a_real_model(tmp_path: Path, told: Path) -> None:
    settings = settings_of(model="smollm2-135m-instruct")
    model = find_model("smollm2-135m-instruct")
    if not installed(model, settings.models):
        list(pull(model, settings.models))
    with closing(installed_language_model(settings)) as lm:
        lm.count_tokens("loaded")
        outlives_kills(copied(told, tmp_path / "home"), lm, lm, 100, 4)


def test_a_model_whose_weights_are_no_numbers_is_called_damaged(tmp_path: Path, load: Load) -> None:
    """The file has its size and its header: only what it computes tells."""
    whole = bytearray(load.path.read_bytes())
    whole[-40_000:] = np.full(10_000, np.nan, "<f4").tobytes()
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(whole)
    with closing(ModelProcess(replace(load, path=bad))) as lm:
        with pytest.raises(ModelDamaged, match=r"computes no numbers.*memo model pull") as caught:
            lm.choose([asked("Hull?")], ["yes", "no"])
        assert caught.value.exit_code == 4


def test_a_file_swapped_or_cut_while_in_use_harms_nobody(tmp_path: Path, load: Load) -> None:
    """Swapped under its name, the old one is still mapped; cut in place, the process ends."""
    path = Path(shutil.copy(load.path, tmp_path / "model.gguf"))
    with closing(ModelProcess(replace(load, path=path))) as lm:
        before = lm.complete([asked("Hull")], max_tokens=6)
        tiny.write(tmp_path / "other.gguf", seed=2).replace(path)
        assert lm.complete([asked("Hull")], max_tokens=6) == before
        with path.open("r+b") as file:
            file.truncate(1000)
        lm.close()
        with pytest.raises(ModelDamaged, match=r"model\.gguf"):
            lm.complete([asked("Hull")], max_tokens=6)
        shutil.copy(load.path, path)
        assert lm.complete([asked("Hull")], max_tokens=6) == before


def test_what_overflows_the_context_is_named_and_read_by_a_model_with_room(
    tmp_path: Path, told: Path, load: Load
) -> None:
    home = copied(told, tmp_path / "home")
    documents = note("I live in Hull.", on("2024-10-01"), speaker="Ann")
    with closing(ModelProcess(load)) as lm:
        with pytest.raises(ContextOverflow):
            lm.choose([asked("x" * 2 * tiny.CONTEXT_TOKENS)], ["yes", "no"])
        (failed,) = [
            event
            for event in with_model(home, lm).ingest_all(documents)  # its tokens are bytes
            if isinstance(event, Failed)
        ]
        assert "does not fit the model's" in failed.reason
    events = list(memory_of(home).ingest_all(documents))
    assert sum(isinstance(event, Imported) for event in events) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process, by prlimit")
@pytest.mark.parametrize("megabytes", [40, 120, 160, 200])
def test_a_lack_of_memory_is_one_sentence_and_the_document_waits(
    tmp_path: Path, told: Path, load: Load, megabytes: int
) -> None:
    home = copied(told, tmp_path / "home")
    document = note(SAID, on("2024-10-01"), speaker="Ann")
    with closing(ModelProcess(load)) as lm:
        limit = megabytes << 20
        resource.prlimit(lm.pid, resource.RLIMIT_AS, (limit, limit))
        memory = with_model(home, Terse(lm))
        before = facts(memory)
        try:
            list(memory.ingest_all(document))
        except MemoError as error:
            assert "\n" not in str(error)
            assert facts(memory) == before
        else:
            assert megabytes > 120  # enough
            memory.undo()
        lm.close()
        *_, summary = memory.ingest_all(document)  # a new process, without the limit
        assert isinstance(summary, Summary)
        assert summary.imported == 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process, by prlimit")
def test_memory_that_runs_out_in_the_middle_is_one_error(load: Load) -> None:
    with closing(ModelProcess(load)) as lm:
        before = lm.complete([asked("Hull")], max_tokens=6)
        used = int(Path(f"/proc/{lm.pid}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(lm.pid, resource.RLIMIT_AS, (used, used))
        for size in (10, 3000, 6000):
            try:
                lm.choose([asked("x" * size)] * 16, ["yes", "no"])
            except MemoError as error:
                assert str(error)
        lm.close()
        assert lm.complete([asked("Hull")], max_tokens=6) == before
