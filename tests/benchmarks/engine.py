"""What the engine makes of a machine, each figure a ratio of two things measured in one run.

Both sides of a ratio are measured in turns, so that a machine that grows busy slows both; the
medians are compared. llama-cpp-python brings no `llama-bench`, so the yardstick of `rates` is
its loop, written on the low-level API: the same file, threads and batch, and no sampling at all.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import threading
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import cost
import llama_cpp
import numpy as np

from memo import prompts
from memo.errors import Stopped
from memo.llama import ModelProcess, backend, kernels
from memo.llama.engine import BATCH_TOKENS, LlamaLM
from memo.lm import Segment, Turn, quoted, stop_when

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memo.llama import Load
    from memo.lm import LanguageModel, Prompt

CANDIDATES = 32
ROUNDS = 5
LABELS = [prompts.RIGHT, prompts.WRONG]
PROMPT_TOKENS = 768
GENERATED_TOKENS = 48
LONG_TOKENS = 3000
STOPS = 20
_WORDS = "river house window candle bridge garden letter winter orange paper silver morning".split()


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and everything behind it."""

    value: float
    detail: dict[str, Any]


def engine(load: Load, *, prefixes: Path | None = None, gpu_layers: int | None = None) -> LlamaLM:
    """The model in this process."""
    return LlamaLM(
        load.path,
        family=load.family,
        name=load.name,
        shape=load.shape,
        gpu_layers=load.gpu_layers if gpu_layers is None else gpu_layers,
        prefixes=prefixes,
    )


def verdicts(count: int = CANDIDATES) -> list[Prompt]:
    """Whether a conversation of 900 tokens says each of so many facts."""
    facts = cost.facts()[:count]
    return [prompts.checking(cost.CONVERSATION, fact.text, "bench") for fact in facts]


def readings(count: int = CANDIDATES) -> list[Prompt]:
    """What the conversation answers to the question of each fact."""
    facts = cost.facts()[:count]
    return [prompts.reading(cost.CONVERSATION, fact.claim.question, "bench") for fact in facts]


def filler(lm: LanguageModel, tokens: int, seed: int) -> Prompt:
    """A prompt of at least so many tokens that begins like no other."""
    pieces = itertools.cycle(np.random.default_rng(seed).permutation(_WORDS).tolist())
    text = f"{seed}: "
    while (missing := tokens - lm.count_tokens(text)) > 0:
        text += " ".join(itertools.islice(pieces, missing // 8 + 1)) + " "
    return (Turn("user", (quoted(text),)),)


def endless(lm: LlamaLM) -> LlamaLM:
    """The same, going on past the end of a text as `llama-bench` does: a rate needs tokens."""
    lm._words.ends = lambda _token: False  # type: ignore[method-assign, assignment]
    return lm


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def in_turns(rounds: int, *works: Callable[[int], float]) -> list[list[float]]:
    """Figures of each work, a round after the other."""
    rows = []
    for number in range(rounds):
        rows.append([work(number) for work in works])
        print(*(f"{figure:.4g}" for figure in rows[-1]), file=sys.stderr)
    return [list(column) for column in zip(*rows, strict=True)]


# -- verdicts together and one at a time ----------------------------------------------


def batched(load: Load) -> Measured:
    """How many times faster verdicts are together than one at a time with prefix reuse."""
    asked, read = verdicts(), readings()
    with closing(engine(load)) as lm:
        lm.choose(asked[:1], LABELS)  # instructions and conversation are evaluated before both
        alone, together = in_turns(
            ROUNDS,
            lambda _: seconds(lambda: [lm.choose([one], LABELS) for one in asked]),
            lambda _: seconds(lambda: lm.choose(asked, LABELS)),
        )
        start = lm.usage
        chances = lm.choose(asked, LABELS)
        spent = lm.usage - start
        singly = np.concatenate([lm.choose([one], LABELS) for one in asked])
        replies: dict[str, list[str]] = {}

        def read_all(name: str, groups: Sequence[list[Prompt]]) -> float:
            def work() -> None:
                replies[name] = [
                    completion.text
                    for group in groups
                    for completion in lm.complete(
                        group, max_tokens=prompts.READING_TOKENS, stop=("\n",)
                    )
                ]

            return seconds(work)

        lm.complete(read[:1], max_tokens=1)
        read_alone, read_together = in_turns(
            2,
            lambda _: read_all("alone", [[one] for one in read]),
            lambda _: read_all("together", [read]),
        )
        long = filler(lm, PROMPT_TOKENS, 1)
        start = lm.usage
        taken = seconds(lambda: lm.complete([long], max_tokens=1))
        prompt_rate = (lm.usage - start).evaluated_tokens / taken
    ratio = statistics.median(alone) / statistics.median(together)
    return Measured(
        round(ratio, 2),
        {
            "candidates": len(asked),
            "one_at_a_time_s": alone,
            "together_s": together,
            "evaluated_tokens_together": spent.evaluated_tokens,
            "tokens_per_s_together": round(spent.evaluated_tokens / statistics.median(together), 1),
            "tokens_per_s_of_one_long_prompt": round(prompt_rate, 1),
            "largest_difference_of_chances": float(np.abs(chances - singly).max()),
            "same_verdicts": int((chances.argmax(1) == singly.argmax(1)).sum()),
            "short_answers_one_at_a_time_s": read_alone,
            "short_answers_together_s": read_together,
            "short_answers_ratio": round(
                statistics.median(read_alone) / statistics.median(read_together), 2
            ),
            "same_short_answers": sum(
                a == b for a, b in zip(replies["alone"], replies["together"], strict=True)
            ),
        },
    )


# -- rates against llama.cpp itself ---------------------------------------------------


class _Plain:
    """llama.cpp as `llama-bench` drives it: one sequence, no sampling, no bookkeeping."""

    def __init__(self, load: Load, like: LlamaLM, cells: int) -> None:
        backend.start()
        options = llama_cpp.llama_model_default_params()
        options.n_gpu_layers = like.placement.gpu_layers
        options.use_extra_bufts = kernels.trusted()
        self._model = llama_cpp.llama_model_load_from_file(str(load.path).encode(), options)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = cells
        settings.n_batch = settings.n_ubatch = BATCH_TOKENS
        settings.n_threads = settings.n_threads_batch = like.placement.threads
        settings.no_perf = True
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)

    def close(self) -> None:
        """Free it."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def prompt(self, tokens: list[int]) -> float:
        """Seconds to evaluate a prompt from nothing."""
        memory = llama_cpp.llama_get_memory(self._context)
        llama_cpp.llama_memory_clear(memory, True)
        return seconds(lambda: self._decode(tokens, 0))

    def generate(self, tokens: list[int], start: int) -> float:
        """Seconds to evaluate tokens one by one after a prompt, as generating does."""

        def work() -> None:
            for i, token in enumerate(tokens):
                self._decode([token], start + i)

        return seconds(work)

    def _decode(self, tokens: list[int], start: int) -> None:
        for first in range(0, len(tokens), BATCH_TOKENS):
            batch = tokens[first : first + BATCH_TOKENS]
            for i, token in enumerate(batch):
                self._batch.token[i] = token
                self._batch.pos[i] = start + first + i
                self._batch.n_seq_id[i] = 1
                self._batch.seq_id[i][0] = 0
                self._batch.logits[i] = first + i == len(tokens) - 1
            self._batch.n_tokens = len(batch)
            if llama_cpp.llama_decode(self._context, self._batch):
                raise RuntimeError("llama.cpp refuses the batch")
        llama_cpp.llama_synchronize(self._context)


def rates(load: Load) -> Measured:
    """Our rates over llama.cpp's, of evaluating a prompt and of generating: the worse of both."""
    with closing(endless(engine(load))) as lm:
        asked = [filler(lm, PROMPT_TOKENS, seed) for seed in range(ROUNDS + 1)]
        tokens = [lm._words.prompt(prompt).tokens for prompt in asked]
        with closing(_Plain(load, lm, PROMPT_TOKENS * 2 + GENERATED_TOKENS)) as plain:

            def ours(number: int) -> float:
                spent = -lm.usage.evaluated_tokens
                taken = seconds(lambda: lm.complete([asked[number]], max_tokens=1))
                return (spent + lm.usage.evaluated_tokens) / taken

            def written(number: int) -> float:
                """Generated tokens a second; the prompt's last token is evaluated again."""
                before = lm.usage.completion_tokens
                taken = seconds(lambda: list(lm.stream(asked[number], max_tokens=GENERATED_TOKENS)))
                return (lm.usage.completion_tokens - before) / taken

            def theirs(number: int) -> float:
                return len(tokens[number]) / plain.prompt(tokens[number])

            def their_written(number: int) -> float:
                generated = tokens[number][:GENERATED_TOKENS]
                return len(generated) / plain.generate(generated, len(tokens[number]))

            ours(ROUNDS), theirs(ROUNDS)  # pages of the file are read, threads started
            figures = in_turns(ROUNDS, theirs, ours, their_written, written)
    plain_prompt, prompt, plain_written, generated = map(statistics.median, figures)
    value = min(prompt / plain_prompt, generated / plain_written)
    names = ("plain_prompt", "prompt", "plain_generation", "generation")
    return Measured(
        round(value, 3),
        {
            "prompt_ratio": round(prompt / plain_prompt, 3),
            "generation_ratio": round(generated / plain_written, 3),
            "tokens_per_s": dict(zip(names, figures, strict=True)),
            "prompt_tokens": PROMPT_TOKENS,
            "generated_tokens": GENERATED_TOKENS,
            "batch_tokens": BATCH_TOKENS,
        },
    )


# -- the second start -------------------------------------------------------------------


def restart(load: Load) -> Measured:
    """How many times sooner a new process gives its first verdict with a prefix from disk."""
    asked = [prompts.checking("Ann: I live in Hull now.", "Ann lives in Hull.", "bench")]
    loading: list[float] = []

    def first(prefixes: Path | None) -> float:
        start = perf_counter()
        with closing(engine(load, prefixes=prefixes)) as lm:
            loading.append(perf_counter() - start)
            return seconds(lambda: lm.choose(asked, LABELS))

    with tempfile.TemporaryDirectory() as folder:
        written = first(Path(folder))
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        evaluated, restored = in_turns(ROUNDS, lambda _: first(None), lambda _: first(Path(folder)))
    ratio = statistics.median(evaluated) / statistics.median(restored)
    loads = statistics.median(loading)
    whole = (loads + statistics.median(evaluated)) / (loads + statistics.median(restored))
    return Measured(
        round(ratio, 2),
        {
            "evaluated_s": evaluated,
            "restored_s": restored,
            "evaluated_and_written_s": written,
            "state_bytes": size,
            "loading_s": loads,
            "ratio_with_loading": round(whole, 2),
        },
    )


# -- stopping -----------------------------------------------------------------------------


def stops(load: Load) -> Measured:
    """The 95th percentile of the time from a stop until the model has served another call."""
    with closing(ModelProcess(load)) as lm:
        whole = seconds(lambda: lm.complete([filler(lm, LONG_TOKENS, STOPS)], max_tokens=1))
        told, served, late = [], [], 0
        for number in range(STOPS):
            delay = min(whole * 0.9, 8.0) * (number + 0.5) / STOPS
            raised, free = _stopped(lm, filler(lm, LONG_TOKENS, number), delay)
            if raised is None:
                late += 1  # evaluated before it was stopped: no measurement
                continue
            told.append(raised)
            served.append(free)
            print(f"{raised:.3f} {free:.3f}", file=sys.stderr)
    return Measured(
        round(_p95(served), 3),
        {
            "stops": len(served),
            "prompts_evaluated_before_the_stop": late,
            "whole_prompt_s": whole,
            "until_the_call_ended_s": told,
            "until_the_call_ended_p95_s": round(_p95(told), 3),
            "until_the_next_call_was_served_s": served,
            "until_the_next_call_was_served_max_s": max(served),
        },
    )


def _stopped(lm: ModelProcess, prompt: Prompt, delay: float) -> tuple[float | None, float]:
    """Seconds from a stop until the call ended, None if it had before; and until the next did."""
    wanted = threading.Event()
    asked: list[float] = []

    def stop() -> None:
        asked.append(perf_counter())
        wanted.set()

    timer = threading.Timer(delay, stop)
    timer.start()
    ended = None
    with suppress(Stopped), stop_when(wanted.is_set):
        lm.complete([prompt], max_tokens=1)
        timer.cancel()
        timer.join()
        return None, 0.0
    ended = perf_counter()
    lm.count_tokens("next")
    return ended - asked[0], perf_counter() - asked[0]


def _p95(figures: list[float]) -> float:
    return float(np.percentile(figures, 95)) if figures else float("inf")


# -- the child process ---------------------------------------------------------------------


def process(load: Load) -> Measured:
    """The speed of calls through the child process over that of the same calls without one."""
    asked = verdicts()
    with closing(engine(load)) as inside, closing(ModelProcess(load)) as child:
        story = Segment("Tell me a long story about the sea and a lighthouse.")
        text = (Turn("user", (story,)), Turn("assistant", (Segment("Once upon a time"),)))
        for lm in (inside, child):
            lm.choose(asked, LABELS)
            lm.complete([text], max_tokens=1)

        def chosen(lm: LanguageModel) -> Callable[[int], float]:
            return lambda _: seconds(lambda: lm.choose(asked, LABELS))

        def streamed(lm: LanguageModel) -> Callable[[int], float]:
            return lambda _: seconds(lambda: list(lm.stream(text, max_tokens=GENERATED_TOKENS)))

        def counted(lm: LanguageModel) -> Callable[[int], float]:
            return lambda _: seconds(lambda: [lm.count_tokens("Hull") for _ in range(100)]) / 100

        figures = in_turns(
            ROUNDS,
            *(work(lm) for work in (chosen, streamed, counted) for lm in (inside, child)),
        )
    medians = list(map(statistics.median, figures))
    ratios = [within / through for within, through in zip(medians[::2], medians[1::2], strict=True)]
    names = [
        f"{name}_{where}_s"
        for name in ("verdicts", "stream", "count_tokens")
        for where in ("within", "through_the_child")
    ]
    return Measured(
        round(min(ratios[:2]), 3),
        {
            "verdicts_ratio": round(ratios[0], 3),
            "stream_ratio": round(ratios[1], 3),
            "smallest_call_costs_more_s": medians[5] - medians[4],
            **dict(zip(names, figures, strict=True)),
        },
    )


# -- a graphics card -------------------------------------------------------------------------


def card(load: Load) -> tuple[bool, Measured]:
    """Whether everything runs on the card with the same verdicts, and how much faster.

    The value is the smaller of two ratios, card over processor: of evaluating a prompt and of
    generating. The processor's side uses the card for nothing at all.
    """
    asked = verdicts()
    free = sum(device.free_bytes for device in backend.devices())
    with (
        closing(endless(engine(load))) as fast,
        closing(endless(engine(load, gpu_layers=0))) as slow,
    ):
        taken = free - sum(device.free_bytes for device in backend.devices())
        texts = [filler(fast, PROMPT_TOKENS, seed) for seed in range(ROUNDS + 1)]

        def prompt(lm: LlamaLM) -> Callable[[int], float]:
            return lambda n: seconds(lambda: lm.complete([texts[n]], max_tokens=1))

        def written(lm: LlamaLM) -> Callable[[int], float]:
            def work(number: int) -> float:
                before = lm.usage.completion_tokens
                spent = seconds(lambda: list(lm.stream(texts[number], max_tokens=GENERATED_TOKENS)))
                return spent / (lm.usage.completion_tokens - before)

            return work

        for lm in (fast, slow):
            prompt(lm)(ROUNDS)
        works = (work(lm) for work in (prompt, written) for lm in (fast, slow))
        figures = in_turns(ROUNDS, *works)
        chances = [lm.choose(asked, LABELS) for lm in (fast, slow)]
        placed = fast.placement
        layers = load.shape.layers + 1 if load.shape else placed.gpu_layers
    medians = list(map(statistics.median, figures))
    same = int((chances[0].argmax(1) == chances[1].argmax(1)).sum())
    all_there = placed.gpu_layers >= layers and taken > 0.8 * load.path.stat().st_size
    return all_there and same == len(asked), Measured(
        round(min(medians[1] / medians[0], medians[3] / medians[2]), 2),
        {
            "devices": [asdict(device) for device in backend.devices()],
            "placement": placed.reason,
            "layers": layers,
            "layers_on_the_card": placed.gpu_layers,
            "card_bytes_taken": taken,
            "model_bytes": load.path.stat().st_size,
            "prompt_ratio": round(medians[1] / medians[0], 2),
            "generation_ratio": round(medians[3] / medians[2], 2),
            "prompt_tokens_per_s_card": round(PROMPT_TOKENS / medians[0], 1),
            "prompt_tokens_per_s_processor": round(PROMPT_TOKENS / medians[1], 1),
            "generated_tokens_per_s_card": round(1 / medians[2], 1),
            "generated_tokens_per_s_processor": round(1 / medians[3], 1),
            "verdicts": len(asked),
            "same_verdicts": same,
            "largest_difference_of_chances": float(np.abs(chances[0] - chances[1]).max()),
        },
    )


def without_prefixes(load: Load) -> Load:
    """The same, with nothing kept on disk and no rest."""
    return replace(load, prefixes=None, idle_s=None)
