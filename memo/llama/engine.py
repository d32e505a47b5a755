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
import functools
import logging
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import llama_cpp
import numpy as np
import psutil

from memo.errors import ContextOverflow, ModelDamaged, UnknownFamily
from memo.llama.grammar import Grammar
from memo.llama.prefixes import PrefixStates
from memo.llama.templates import TEMPLATES
from memo.lm import Completion, Prompt, Vectors
from memo.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

KEPT_SEQUENCES = 6
"""Prompts whose evaluation survives between calls: reading, extraction, answering, and spares."""
WORKER_SEQUENCES = 32
BATCH_TOKENS = 256
"""Most tokens evaluated at once; a stop or Ctrl-C takes effect between batches."""
CELLS = 8192
"""Key-value cells shared by all sequences."""
LEAST_KEPT_ON_DISK = 128
"""Tokens; a shorter beginning is evaluated sooner than its state is read."""

# Kept alive for the life of the process: llama.cpp holds the pointer.
_LEVELS = {2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _user_data: object) -> None:
    """llama.cpp's own words go to our log file, never to the terminal."""
    log.log(_LEVELS.get(level, logging.DEBUG), text.decode("utf-8", "replace").rstrip())


@functools.cache
def _start_backend() -> None:
    llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


def offloads() -> bool:
    """Whether this build of llama.cpp can use a graphics card."""
    return bool(llama_cpp.llama_supports_gpu_offload())


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A prompt as the model sees it."""

    tokens: list[int]
    head: int
    """How many of them, from the first, hold nobody's words: instructions and worked examples."""


class _Row(NamedTuple):
    """One token to be evaluated."""

    token: int
    position: int
    sequences: Sequence[int]
    wanted: bool
    """Whether what follows it is asked for."""


class LlamaLM:
    """A GGUF chat model behind the `LanguageModel` protocol; one call at a time."""

    def __init__(
        self,
        path: Path,
        *,
        family: str,
        name: str | None = None,
        gpu_layers: int = -1,
        prefixes: Path | None = None,
    ) -> None:
        """Load the model.

        Args:
            path: A GGUF file.
            family: A key of `TEMPLATES`.
            name: As in the catalogue; the file's stem if None.
            gpu_layers: Layers to offload where the build has a GPU; -1 for all.
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
        self._template = TEMPLATES[family]
        _start_backend()
        options = llama_cpp.llama_model_default_params()
        options.n_gpu_layers = 999 if gpu_layers < 0 else gpu_layers
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
        if not self._model:
            raise ModelDamaged(
                f"llama.cpp cannot load {path}; the file may be damaged: "
                "`memo model pull` fetches it anew."
            )
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._vocab_size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = CELLS
        settings.n_batch = BATCH_TOKENS
        settings.n_ubatch = BATCH_TOKENS
        settings.n_seq_max = KEPT_SEQUENCES + WORKER_SEQUENCES
        settings.kv_unified = True
        settings.no_perf = True
        threads = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
        settings.n_threads = settings.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        if not self._context:
            raise ModelDamaged(f"llama.cpp has not enough memory for the context of {path}.")
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
            model = (self.name, stat.st_size, stat.st_mtime_ns, options.n_gpu_layers)
            self._states = PrefixStates(prefixes, repr((made_by, model)))
        self._lock = threading.RLock()
        self._calls = self._prompt = self._evaluated = self._completed = 0
        self._special = self._special_spellings()

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

    # Tokens

    def _special_spellings(self) -> re.Pattern[str]:
        """The spellings of all control and user-defined tokens.

        User-defined ones are matched by the tokenizer even when special tokens are not
        to be parsed (llama-vocab.cpp, `tokenizer_st_partition`), so they must be found first.
        """
        marked = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
        spellings = [
            llama_cpp.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace")
            for token in range(self._vocab_size)
            if llama_cpp.llama_vocab_get_attr(self._vocab, token) & marked
        ]
        return re.compile("|".join(re.escape(s) for s in sorted(spellings, key=len)[::-1]) or "$^")

    def _raw_tokens(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) + 8
        buffer = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        return list(buffer[:count])

    def _plain_tokens(self, text: str) -> list[int]:
        """Tokens of somebody's words, in which no special token can appear."""
        pieces, start = [], 0
        for match in self._special.finditer(text):
            # Cutting after its first character breaks the spelling and keeps every character.
            pieces.append(text[start : match.start() + 1])
            start = match.start() + 1
        pieces.append(text[start:])
        return [token for piece in pieces for token in self._raw_tokens(piece, special=False)]

    def _tokens(self, prompt: Prompt) -> _Tokens:
        template = self._template
        tokens = self._raw_tokens(template.begin, special=True)
        pending_system: list[int] = []
        head: int | None = None
        for turn in prompt:
            if head is None and not all(segment.trusted for segment in turn.segments):
                head = len(tokens)
            words: list[int] = []
            for segment in turn.segments:
                if segment.trusted:
                    words += self._raw_tokens(segment.text, special=False)
                else:
                    words += self._plain_tokens(segment.text)
            if turn.role == "system" and template.system_in_user:
                pending_system = [*words, *self._raw_tokens("\n\n", special=False)]
                continue
            role = template.roles.get(turn.role, turn.role)
            tokens += self._raw_tokens(template.opening.format(role=role), special=True)
            tokens += pending_system + words
            pending_system = []
            if turn is not prompt[-1] or turn.role != "assistant":
                tokens += self._raw_tokens(template.closing, special=True)
        if prompt[-1].role != "assistant":
            role = template.roles.get("assistant", "assistant")
            tokens += self._raw_tokens(template.opening.format(role=role), special=True)
        return _Tokens(tokens, head or 0)

    def count_tokens(self, text: str) -> int:
        """How many tokens a person's text takes."""
        with self._lock:
            return len(self._plain_tokens(text))

    @functools.lru_cache(maxsize=8192)  # noqa: B019 - one model lives as long as the process
    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, 256, 0, False)
        return buffer.raw[: max(size, 0)]

    # Evaluation

    def _forget(self, sequence: int, start: int = 0) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def _evaluate(self, work: list[_Row]) -> list[np.ndarray[Any, Any]]:
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
            status = llama_cpp.llama_decode(self._context, self._batch)
            while status == 1 and self._evict():
                status = llama_cpp.llama_decode(self._context, self._batch)
            if status != 0:
                raise ContextOverflow(
                    f"The model cannot hold a prompt of this size (llama.cpp status {status}, "
                    f"{CELLS} cells); shorten the document."
                )
            self._evaluated += len(rows)
            for i, row in enumerate(rows):
                if row.wanted:
                    pointer = llama_cpp.llama_get_logits_ith(self._context, i)
                    wanted.append(np.ctypeslib.as_array(pointer, (self._vocab_size,)).copy())
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
        source = max(self._kept, key=lambda s: _common(self._kept[s], tokens))
        common = _common(self._kept[source], tokens)
        held = self._kept[source]
        if common < len(held) / 2:
            # Most of it would be lost: another prompt's. Copy what is shared elsewhere.
            target = next(s for s in self._kept if s != source)
            self._forget(target)
            if common:
                llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, common)
            source = target
        else:
            self._forget(source, common)
        self._kept[source] = tokens[:common]
        self._kept.move_to_end(source)
        head = min(head, len(tokens))
        if common < head:
            self._begin(source, tokens[:head])
        common = len(self._kept[source])
        self._extend(source, tokens[common:])
        return source

    def _extend(self, kept: int, tokens: list[int]) -> None:
        start = len(self._kept[kept])
        self._evaluate([_Row(t, start + i, (kept,), False) for i, t in enumerate(tokens)])
        self._kept[kept] = self._kept[kept] + tokens

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

    def _fork(self, prompts: list[_Tokens]) -> tuple[list[int], list[np.ndarray[Any, Any]]]:
        """Workers holding the prompts, and the logits after each one's last token."""
        for prompt in prompts:
            self._prompt += len(prompt.tokens)
            if len(prompt.tokens) >= self.context_tokens:
                raise ContextOverflow(
                    f"A prompt of {len(prompt.tokens)} tokens does not fit the model's "
                    f"{self.context_tokens}; shorten the document."
                )
        first = prompts[0]
        shared = min(_common(first.tokens, prompt.tokens) for prompt in prompts)
        shared = min(shared, *(len(prompt.tokens) - 1 for prompt in prompts))
        source = self._keep(first.tokens[:shared], first.head)
        workers = [KEPT_SEQUENCES + i for i in range(len(prompts))]
        for worker in workers:
            self._forget(worker)
            llama_cpp.llama_memory_seq_cp(self._memory, source, worker, 0, shared)
        rows, ends = _tree([prompt.tokens for prompt in prompts], workers, shared)
        logits = self._evaluate(rows)
        return workers, [logits[end] for end in ends]

    def _release(self, workers: list[int]) -> None:
        for worker in workers:
            self._forget(worker)

    # The protocol

    def choose(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Vectors:
        """Probability of each label as the continuation of each prompt; rows sum to 1."""
        with self._lock:
            answers = [self._plain_tokens(label) for label in labels]
            if not all(answers):
                raise ValueError("A label must not be empty.")
            scores = np.zeros((len(prompts), len(labels)), np.float32)
            tokens = [self._tokens(prompt) for prompt in prompts]
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
        rows = [_Row(token, position + i, (worker,), True) for i, token in enumerate(answer[:-1])]
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
        with self._lock:
            completions: list[Completion] = []
            tokens = [self._tokens(prompt) for prompt in prompts]
            for start in range(0, len(tokens), WORKER_SEQUENCES):
                group = tokens[start : start + WORKER_SEQUENCES]
                completions += self._complete(group, max_tokens, grammar, stop)
            return completions

    def _complete(
        self, prompts: list[_Tokens], max_tokens: int, grammar: str | None, stop: Sequence[str]
    ) -> list[Completion]:
        self._calls += 1
        workers, logits = self._fork(prompts)
        texts = [bytearray() for _ in prompts]
        finished = [False] * len(prompts)
        positions = [len(prompt.tokens) for prompt in prompts]
        constraints = [Grammar(self._vocab, grammar) if grammar else None for _ in prompts]
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
                    texts[i] += self._piece(token)
                    self._completed += 1
                    end = min((at for s in stops if (at := texts[i].find(s)) >= 0), default=-1)
                    if end >= 0:
                        del texts[i][end:]
                        finished[i] = True
                        continue
                    if _loops(texts[i]):
                        finished[i] = True
                        continue
                    work.append(_Row(token, positions[i], (workers[i],), True))
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
        with self._lock:
            self._calls += 1
            tokens = self._tokens(prompt)
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
                    held += decoder.decode(self._piece(token))
                    end = min((at for s in stop if (at := held.find(s)) >= 0), default=-1)
                    if end >= 0:
                        held = held[:end]
                        break
                    if ready := held[: len(held) - longest + 1]:
                        yield ready
                        held = held[len(ready) :]
                    logits = self._evaluate([_Row(token, position, (workers[0],), True)])
                    self._evaluated -= 1  # counted as a completion token
                if held:
                    yield held
            finally:
                self._release(workers)

    def _sample(self, logits: np.ndarray[Any, Any], grammar: Grammar | None) -> int | None:
        """The likeliest token allowed; None at the end of the text."""
        token = int(logits.argmax()) if grammar is None else grammar.pick(logits)
        if llama_cpp.llama_vocab_is_eog(self._vocab, token):
            return None
        return token


def _loops(text: bytearray) -> bool:
    """Cut a line that was written before, and say so: greedy decoding never leaves such a loop."""
    if not text.endswith(b"\n"):
        return False
    *earlier, last = bytes(text).rstrip(b"\n").split(b"\n")
    if last not in earlier:
        return False
    del text[len(text.rstrip(b"\n")) - len(last) :]
    return True


def _tree(
    prompts: list[list[int]], sequences: list[int], start: int
) -> tuple[list[_Row], list[int]]:
    """The rows of several prompts, each common beginning once and parents before children.

    Args:
        prompts: At least one token longer than `start`.
        sequences: One for each prompt, holding its first `start` tokens.
        start: How many tokens need no evaluation.

    Returns:
        The rows, and for each prompt which of the wanted ones is its last.
    """
    rows: list[_Row] = []
    ends = [0] * len(prompts)
    wanted = 0
    branches = [(start, list(range(len(prompts))))]
    while branches:
        depth, members = branches.pop()
        children: dict[int, list[int]] = {}
        for i in members:
            children.setdefault(prompts[i][depth], []).append(i)
        for token, group in children.items():
            longer = [i for i in group if len(prompts[i]) > depth + 1]
            rows.append(_Row(token, depth, [sequences[i] for i in group], len(longer) < len(group)))
            if len(longer) < len(group):
                for i in group:
                    if len(prompts[i]) == depth + 1:
                        ends[i] = wanted
                wanted += 1
            if longer:
                branches.append((depth + 1, longer))
    return rows, ends


def _common(a: list[int], b: list[int]) -> int:
    """Length of the longest common prefix."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def _log_softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted = logits - logits.max()
    result: np.ndarray[Any, Any] = shifted - np.log(np.exp(shifted).sum())
    return result
