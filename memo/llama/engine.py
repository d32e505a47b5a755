"""A chat model on llama.cpp, in which no token is evaluated twice.

A handful of sequences are *kept* between calls, each holding the tokens of an earlier prompt; a
call finds the kept sequence with the longest common prefix, evaluates what is missing, and forks
it (`seq_cp`, no copying of cells) into one *worker* sequence for each prompt of the batch. What
some of the prompts have in common beyond that, a message asked about sentence by sentence, is
evaluated once as well: a cell can belong to several sequences. All workers are then sampled
together, as in llama.cpp's `parallel.cpp`. The instructions and worked examples that a prompt
begins with are kept on disk, too (`PrefixStates`).
"""

from __future__ import annotations

import codecs
import ctypes
import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np

from memo.errors import ContextOverflow, ModelDamaged, Stopped, UnknownFamily
from memo.llama import backend, kernels
from memo.llama.grammar import Grammar
from memo.llama.placement import CELLS, Placement, Shape, place, usable_threads
from memo.llama.prefixes import PrefixStates
from memo.llama.rows import Row, common, tree
from memo.llama.templates import TEMPLATES
from memo.llama.tokens import Tokenizer
from memo.llama.watch import Watch
from memo.lm import Completion, Prompt, Vectors
from memo.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from memo.llama.tokens import PromptTokens

log = logging.getLogger(__name__)

KEPT_SEQUENCES = 6
"""Prompts whose evaluation survives between calls: reading, extraction, answering, and spares."""
WORKER_SEQUENCES = 32
BATCH_TOKENS = 256
"""Most tokens evaluated at once; a graphics card is stopped between batches."""
_EVERY = 999
"""More layers than any model has."""
LEAST_KEPT_ON_DISK = 128
"""Tokens; a shorter beginning is evaluated sooner than its state is read."""


class LlamaLM:
    """A GGUF chat model behind the `LanguageModel` protocol; one call at a time."""

    def __init__(
        self,
        path: Path,
        *,
        family: str,
        name: str | None = None,
        shape: Shape | None = None,
        gpu_layers: int | None = None,
        fast_kernels: bool | None = None,
        prefixes: Path | None = None,
    ) -> None:
        """Load the model.

        Args:
            path: A GGUF file.
            family: A key of `TEMPLATES`.
            name: As in the catalogue; the file's stem if None.
            shape: By which layers are placed; None to offload all where the build can.
            gpu_layers: Layers to offload; None for as many as fit.
            fast_kernels: Whether `kernels.trusted`; None to find out.
            prefixes: A folder for the evaluated beginnings of prompts; None to keep none on disk.

        Raises:
            UnknownFamily: We have no template for the family.
            ModelDamaged: llama.cpp cannot load the file.
        """
        if family not in TEMPLATES:
            raise UnknownFamily(
                f"The chat family {family!r} of {path.name} is not known; "
                f"known families: {', '.join(sorted(TEMPLATES))}."
            )
        self.name = name or path.stem
        self.placement = _placed(shape, gpu_layers)
        self.fast_kernels = kernels.trusted() if fast_kernels is None else fast_kernels
        self._model, self._context = _loaded(path, self.placement, fast=self.fast_kernels)
        self._stop = Watch()
        asked = ctypes.cast(self._stop.asked, llama_cpp.ggml_abort_callback)
        llama_cpp.llama_set_abort_callback(self._context, asked, self._stop.address)
        self._words = Tokenizer(self._model, TEMPLATES[family])
        self._memory = llama_cpp.llama_get_memory(self._context)
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        self.context_tokens = min(trained, CELLS // 2)
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, WORKER_SEQUENCES)
        self._kept: OrderedDict[int, list[int]] = OrderedDict(
            (sequence, []) for sequence in range(KEPT_SEQUENCES)
        )
        self._states = None
        if prefixes is not None:
            stat = path.stat()
            made_by = (llama_cpp.__version__, bytes(llama_cpp.llama_print_system_info()))
            placed = (self.placement.gpu_layers, self.placement.small_cache)
            model = (self.name, stat.st_size, stat.st_mtime_ns, *placed, self.fast_kernels)
            self._states = PrefixStates(prefixes, repr((made_by, model)))
        self._lock = threading.RLock()
        self._calls = self._prompt = self._evaluated = self._completed = 0

    def close(self) -> None:
        """Free the model; the object is of no use afterwards."""
        with self._lock:
            if self._model:
                llama_cpp.llama_batch_free(self._batch)
                llama_cpp.llama_free(self._context)
                llama_cpp.llama_model_free(self._model)
                self._model = None

    @property
    def usage(self) -> Usage:
        """Counters since loading."""
        return Usage(self._calls, self._prompt, self._evaluated, self._completed)

    @property
    def pulse(self) -> tuple[int, int, int]:
        """Different from what it was before if anything was done since; any thread may look."""
        return self._stop.left, self._evaluated, self._completed

    def stop(self) -> None:
        """From any thread: end the call being worked on, or the next one, with `Stopped`."""
        self._stop.set(True)

    def resume(self) -> None:
        """Take back a stop that found nothing to end."""
        self._stop.set(False)

    @contextmanager
    def _call(self) -> Iterator[None]:
        """One call at a time; whatever breaks it off, the next finds the cells in order."""
        with self._lock:
            try:
                yield
            except BaseException:
                self._settle()
                raise

    def _settle(self) -> None:
        """Forget what an evaluation that was broken off left in the cells."""
        self.resume()
        self._release(range(KEPT_SEQUENCES, KEPT_SEQUENCES + WORKER_SEQUENCES))
        for sequence, tokens in self._kept.items():
            self._forget(sequence, len(tokens))

    def count_tokens(self, text: str) -> int:
        """How many tokens a person's text takes."""
        with self._lock:
            return len(self._words.plain(text))

    # Evaluation

    def _forget(self, sequence: int, start: int = 0) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def _evaluate(self, work: list[Row]) -> list[np.ndarray[Any, Any]]:
        """Evaluate rows, each after what it follows; logits of the wanted ones."""
        wanted: list[np.ndarray[Any, Any]] = []
        for start in range(0, len(work), BATCH_TOKENS):
            rows = work[start : start + BATCH_TOKENS]
            for i, row in enumerate(rows):
                self._batch.token[i] = row.token
                self._batch.pos[i] = row.position
                self._batch.n_seq_id[i] = len(row.sequences)
                for j, sequence in enumerate(row.sequences):
                    self._batch.seq_id[i][j] = sequence
                self._batch.logits[i] = row.wanted
            self._batch.n_tokens = len(rows)
            status = 2 if self._stop else llama_cpp.llama_decode(self._context, self._batch)
            while status == 1 and self._evict():
                status = llama_cpp.llama_decode(self._context, self._batch)
            if status == 2:
                raise Stopped("The model was stopped.")
            if status != 0:
                raise ContextOverflow(
                    f"The model cannot hold a prompt of this size (llama.cpp status {status}, "
                    f"{CELLS} cells); shorten the document."
                )
            self._evaluated += len(rows)
            for i, row in enumerate(rows):
                if row.wanted:
                    pointer = llama_cpp.llama_get_logits_ith(self._context, i)
                    wanted.append(np.ctypeslib.as_array(pointer, (self._words.size,)).copy())
        return wanted

    def _evict(self) -> bool:
        """Empty the kept sequence used longest ago, sparing the newest; False if none is left."""
        for sequence in list(self._kept)[:-1]:
            if self._kept[sequence]:
                self._forget(sequence)
                self._kept[sequence] = []
                return True
        return False

    def _keep(self, tokens: list[int], head: int) -> int:
        """Have some kept sequence hold exactly these tokens; its number."""
        source = max(self._kept, key=lambda s: common(self._kept[s], tokens))
        same = common(self._kept[source], tokens)
        held = self._kept[source]
        if same < len(held) / 2:
            # Most of it would be lost: another prompt's. Copy what is shared elsewhere.
            target = next(s for s in self._kept if s != source)
            self._forget(target)
            if same:
                llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, same)
            source = target
        else:
            self._forget(source, same)
        self._kept[source] = tokens[:same]
        self._kept.move_to_end(source)
        head = min(head, len(tokens))
        if same < head:
            self._begin(source, tokens[:head])
        self._extend(source, tokens[len(self._kept[source]) :])
        return source

    def _extend(self, kept: int, tokens: list[int]) -> None:
        for start in range(0, len(tokens), BATCH_TOKENS):  # a stop costs one batch, not all
            batch, held = tokens[start : start + BATCH_TOKENS], self._kept[kept]
            self._evaluate([Row(t, len(held) + i, (kept,), False) for i, t in enumerate(batch)])
            self._kept[kept] = held + batch

    def _begin(self, kept: int, head: list[int]) -> None:
        """Have a kept sequence hold a prompt's beginning: read from disk, or kept there."""
        states = self._states if len(head) >= LEAST_KEPT_ON_DISK else None
        if states is not None and (state := states.read(head)):
            self._forget(kept)
            self._kept[kept] = []
            buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
            if llama_cpp.llama_state_seq_set_data(self._context, buffer, len(state), kept):
                self._kept[kept] = head
                return
            self._forget(kept)  # no room left, or not what this build writes
        self._extend(kept, head[len(self._kept[kept]) :])
        if states is not None:
            size = llama_cpp.llama_state_seq_get_size(self._context, kept)
            buffer = (ctypes.c_uint8 * size)()
            size = llama_cpp.llama_state_seq_get_data(self._context, buffer, size, kept)
            states.write(head, bytes(memoryview(buffer)[:size]))

    def _fork(self, prompts: list[PromptTokens]) -> tuple[list[int], list[np.ndarray[Any, Any]]]:
        """Workers holding the prompts, and the logits after each one's last token."""
        for prompt in prompts:
            self._prompt += len(prompt.tokens)
            if len(prompt.tokens) >= self.context_tokens:
                raise ContextOverflow(
                    f"A prompt of {len(prompt.tokens)} tokens does not fit the model's "
                    f"{self.context_tokens}; shorten the document."
                )
        first = prompts[0]
        shared = min(common(first.tokens, prompt.tokens) for prompt in prompts)
        shared = min(shared, *(len(prompt.tokens) - 1 for prompt in prompts))
        source = self._keep(first.tokens[:shared], first.head)
        workers = [KEPT_SEQUENCES + i for i in range(len(prompts))]
        for worker in workers:
            self._forget(worker)
            llama_cpp.llama_memory_seq_cp(self._memory, source, worker, 0, shared)
        rows, ends = tree([prompt.tokens for prompt in prompts], workers, shared)
        logits = self._evaluate(rows)
        return workers, [logits[end] for end in ends]

    def _release(self, workers: Iterable[int]) -> None:
        for worker in workers:
            self._forget(worker)

    # The protocol

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        """Probability of each label as the continuation of each prompt; rows sum to 1."""
        with self._call():
            answers = [self._words.plain(label) for label in labels]
            if not all(answers):
                raise ValueError("A label must not be empty.")
            scores = np.zeros((len(prompts), len(labels)), np.float32)
            tokens = [self._words.prompt(prompt) for prompt in prompts]
            for start in range(0, len(tokens), WORKER_SEQUENCES):
                group = tokens[start : start + WORKER_SEQUENCES]
                self._calls += 1
                workers, logits = self._fork(group)
                try:
                    for i, (worker, row) in enumerate(zip(workers, logits, strict=True)):
                        first = _log_softmax(row)
                        for j, answer in enumerate(answers):
                            score = float(first[answer[0]])
                            if len(answer) > 1:
                                score += self._continuation(worker, len(group[i].tokens), answer)
                            scores[start + i, j] = score
                finally:
                    self._release(workers)
            scores -= scores.max(axis=1, keepdims=True)
            chances: Vectors = np.exp(scores)
            chances /= chances.sum(axis=1, keepdims=True)
            return chances

    def _continuation(self, worker: int, position: int, answer: list[int]) -> float:
        """Log probability of `answer[1:]` after `answer[0]` at a position; leaves no trace."""
        rows = [Row(token, position + i, (worker,), True) for i, token in enumerate(answer[:-1])]
        logits = self._evaluate(rows)
        self._forget(worker, position)
        return sum(
            float(_log_softmax(row)[token]) for row, token in zip(logits, answer[1:], strict=True)
        )

    def complete(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
    ) -> list[Completion]:
        """Continue each prompt greedily, all in parallel; a repeated line ends a list."""
        with self._call():
            completions: list[Completion] = []
            tokens = [self._words.prompt(prompt) for prompt in prompts]
            for start in range(0, len(tokens), WORKER_SEQUENCES):
                group = tokens[start : start + WORKER_SEQUENCES]
                completions += self._complete(group, max_tokens, grammar, stop)
            return completions

    def _complete(
        self, prompts: list[PromptTokens], max_tokens: int, grammar: str | None, stop: Sequence[str]
    ) -> list[Completion]:
        self._calls += 1
        workers, logits = self._fork(prompts)
        texts = [bytearray() for _ in prompts]
        finished = [False] * len(prompts)
        positions = [len(prompt.tokens) for prompt in prompts]
        constraints = [Grammar(self._words.vocab, grammar) if grammar else None for _ in prompts]
        running = list(range(len(prompts)))
        stops = [s.encode() for s in stop]
        try:
            for _ in range(max_tokens):
                work, still = [], []
                for i, row in zip(running, logits, strict=True):
                    token = self._sample(row, constraints[i])
                    if token is None:
                        finished[i] = True
                        continue
                    texts[i] += self._words.piece(token)
                    self._completed += 1
                    end = min((at for s in stops if (at := texts[i].find(s)) >= 0), default=-1)
                    if end >= 0:
                        del texts[i][end:]
                        finished[i] = True
                        continue
                    if _loops(texts[i]):
                        finished[i] = True
                        continue
                    work.append(Row(token, positions[i], (workers[i],), True))
                    positions[i] += 1
                    still.append(i)
                running = still
                if not running:
                    break
                logits = self._evaluate(work)
                self._evaluated -= len(work)  # counted as completion tokens
        finally:
            self._release(workers)
            for constraint in constraints:
                if constraint:
                    constraint.close()
        return [
            Completion(text.decode("utf-8", "replace"), done)
            for text, done in zip(texts, finished, strict=True)
        ]

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        """Continue one prompt piece by piece; closing the iterator stops the model."""
        with self._call():
            self._calls += 1
            tokens = self._words.prompt(prompt)
            workers, logits = self._fork([tokens])
            start = len(tokens.tokens)
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            held = ""
            longest = max((len(s) for s in stop), default=1)
            try:
                for position in range(start, start + max_tokens):
                    token = self._sample(logits[0], None)
                    if token is None:
                        break
                    self._completed += 1
                    held += decoder.decode(self._words.piece(token))
                    end = min((at for s in stop if (at := held.find(s)) >= 0), default=-1)
                    if end >= 0:
                        held = held[:end]
                        break
                    if ready := held[: len(held) - longest + 1]:
                        yield ready
                        held = held[len(ready) :]
                    logits = self._evaluate([Row(token, position, (workers[0],), True)])
                    self._evaluated -= 1  # counted as a completion token
                if held:
                    yield held
            finally:
                self._release(workers)

    def _sample(self, logits: np.ndarray[Any, Any], grammar: Grammar | None) -> int | None:
        """The likeliest token allowed; None at the end of the text."""
        token = int(logits.argmax()) if grammar is None else grammar.pick(logits)
        return None if self._words.ends(token) else token


def _placed(shape: Shape | None, gpu_layers: int | None) -> Placement:
    """Where the layers go: as asked, else as many as fit on cards that this build can use."""
    backend.start()
    threads = usable_threads()
    if gpu_layers is not None:
        return Placement(threads, gpu_layers, False, f"{gpu_layers} layers on cards, as asked")
    if shape is None:
        return Placement(threads, _EVERY, False, "all layers on a card where there is one")
    return place(shape, backend.devices() if backend.offloads() else [], threads)


def _loaded(path: Path, placement: Placement, *, fast: bool) -> tuple[Any, Any]:
    """Model and context, as llama.cpp's pointers.

    Raises:
        ModelDamaged: llama.cpp cannot load the file, or memory does not suffice.
    """
    options = llama_cpp.llama_model_default_params()
    options.n_gpu_layers = placement.gpu_layers
    options.use_extra_bufts = fast
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
    if not model:
        raise ModelDamaged(
            f"llama.cpp cannot load {path}; the file may be damaged: "
            "`memo model pull` fetches it anew."
        )
    settings = llama_cpp.llama_context_default_params()  # flash attention: where supported
    settings.n_ctx = CELLS
    settings.n_batch = settings.n_ubatch = BATCH_TOKENS
    settings.n_seq_max = KEPT_SEQUENCES + WORKER_SEQUENCES
    settings.kv_unified = True
    settings.no_perf = True
    settings.n_threads = settings.n_threads_batch = placement.threads
    if placement.gpu_layers == 0:
        settings.op_offload = settings.offload_kqv = False  # else large products go to a card
    if placement.small_cache:
        settings.type_k = settings.type_v = llama_cpp.GGML_TYPE_Q8_0
    context = llama_cpp.llama_init_from_model(model, settings)
    if not context:
        llama_cpp.llama_model_free(model)
        raise ModelDamaged(
            f"llama.cpp has not enough memory for {path}: close other programs, or choose a "
            "smaller model with `memo model use`."
        )
    return model, context


def _loops(text: bytearray) -> bool:
    """Cut a line that was written before, and say so: greedy decoding never leaves such a loop."""
    if not text.endswith(b"\n"):
        return False
    *earlier, last = bytes(text).rstrip(b"\n").split(b"\n")
    if last not in earlier:
        return False
    del text[len(text.rstrip(b"\n")) - len(last) :]
    return True


def _log_softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted = logits - logits.max()
    result: np.ndarray[Any, Any] = shifted - np.log(np.exp(shifted).sum())
    return result
