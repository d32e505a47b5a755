"""The inference engine: the only room that knows llama.cpp.

Prompts that begin alike share their evaluation. A handful of sequences are *kept* between
calls, each holding the tokens of an earlier prompt; a call finds the kept sequence with the
longest common prefix, evaluates what is missing, and forks it (`seq_cp`, no copying of
cells) into one *worker* sequence for each prompt of the batch. All workers are then
evaluated and sampled together, as in llama.cpp's `parallel.cpp`.
"""

from __future__ import annotations

import codecs
import ctypes
import functools
import logging
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np
import psutil

from memo.errors import ContextOverflow, ModelDamaged, UnknownFamily
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
GRAMMAR_SHORTLIST = 40
"""Likeliest tokens tried against a grammar before the whole vocabulary is."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """How one family of models marks turns; ours, never the one inside the GGUF."""

    opening: str
    """Before the text of a turn; `{role}` is replaced."""
    closing: str
    roles: dict[str, str] = field(default_factory=dict)
    """Renamed roles."""
    begin: str = ""
    """Written once, as text that parses to the begin-of-sequence token."""
    system_in_user: bool = False
    """True where the family knows no system turn: it is put before the first user turn."""


TEMPLATES = {
    "chatml": ChatTemplate("<|im_start|>{role}\n", "<|im_end|>\n"),
    "smollm": ChatTemplate("<|im_start|>{role}\n", "<|im_end|>\n"),
    "llama3": ChatTemplate(
        "<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>", begin="<|begin_of_text|>"
    ),
    "gemma": ChatTemplate(
        "<start_of_turn>{role}\n",
        "<end_of_turn>\n",
        roles={"assistant": "model"},
        begin="<bos>",
        system_in_user=True,
    ),
}

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


class LlamaLM:
    """A GGUF chat model behind the `LanguageModel` protocol; one call at a time."""

    def __init__(
        self, path: Path, *, family: str, name: str | None = None, gpu_layers: int = -1
    ) -> None:
        """Load the model.

        Args:
            path: A GGUF file.
            family: A key of `TEMPLATES`.
            name: As in the catalogue; the file's stem if None.
            gpu_layers: Layers to offload where the build has a GPU; -1 for all.

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
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)
        self._kept: OrderedDict[int, list[int]] = OrderedDict(
            (sequence, []) for sequence in range(KEPT_SEQUENCES)
        )
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

    def _tokens(self, prompt: Prompt) -> list[int]:
        template = self._template
        tokens = self._raw_tokens(template.begin, special=True)
        pending_system: list[int] = []
        for turn in prompt:
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
        return tokens

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

    def _evaluate(self, work: list[tuple[int, int, int, bool]]) -> list[np.ndarray[Any, Any]]:
        """Evaluate (token, position, sequence, wanted) rows; logits of the wanted ones."""
        wanted: list[np.ndarray[Any, Any]] = []
        for start in range(0, len(work), BATCH_TOKENS):
            rows = work[start : start + BATCH_TOKENS]
            for i, (token, position, sequence, want) in enumerate(rows):
                self._batch.token[i] = token
                self._batch.pos[i] = position
                self._batch.n_seq_id[i] = 1
                self._batch.seq_id[i][0] = sequence
                self._batch.logits[i] = want
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
                if row[3]:
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

    def _keep(self, tokens: list[int]) -> int:
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
            self._kept[target] = tokens[:common]
            source = target
        else:
            self._forget(source, common)
            self._kept[source] = tokens[:common]
        self._kept.move_to_end(source)
        self._evaluate([(token, i, source, False) for i, token in enumerate(tokens) if i >= common])
        self._kept[source] = tokens
        return source

    def _fork(self, prompts: list[list[int]]) -> tuple[list[int], list[np.ndarray[Any, Any]]]:
        """Workers holding the prompts, and the logits after each one's last token."""
        for tokens in prompts:
            self._prompt += len(tokens)
            if len(tokens) >= self.context_tokens:
                raise ContextOverflow(
                    f"A prompt of {len(tokens)} tokens does not fit the model's "
                    f"{self.context_tokens}; shorten the document."
                )
        shared = functools.reduce(lambda n, t: min(n, _common(prompts[0], t)), prompts, 10**9)
        shared = min(shared, *(len(tokens) - 1 for tokens in prompts), len(prompts[0]) - 1)
        source = self._keep(prompts[0][:shared])
        workers = [KEPT_SEQUENCES + i for i in range(len(prompts))]
        work = []
        for worker, tokens in zip(workers, prompts, strict=True):
            self._forget(worker)
            llama_cpp.llama_memory_seq_cp(self._memory, source, worker, 0, shared)
            work += [
                (token, shared + i, worker, shared + i == len(tokens) - 1)
                for i, token in enumerate(tokens[shared:])
            ]
        return workers, self._evaluate(work)

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
                                score += self._continuation(worker, len(group[i]), answer)
                            scores[start + i, j] = score
                finally:
                    self._release(workers)
            scores -= scores.max(axis=1, keepdims=True)
            chances: Vectors = np.exp(scores)
            chances /= chances.sum(axis=1, keepdims=True)
            return chances

    def _continuation(self, worker: int, position: int, answer: list[int]) -> float:
        """Log probability of `answer[1:]` after `answer[0]` at a position; leaves no trace."""
        rows = [(token, position + i, worker, True) for i, token in enumerate(answer[:-1])]
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
        self, prompts: list[list[int]], max_tokens: int, grammar: str | None, stop: Sequence[str]
    ) -> list[Completion]:
        self._calls += 1
        workers, logits = self._fork(prompts)
        texts = [bytearray() for _ in prompts]
        finished = [False] * len(prompts)
        positions = [len(tokens) for tokens in prompts]
        constraints = [_Grammar(self._vocab, grammar) if grammar else None for _ in prompts]
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
                    work.append((token, positions[i], workers[i], True))
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
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            held = ""
            longest = max((len(s) for s in stop), default=1)
            try:
                for position in range(len(tokens), len(tokens) + max_tokens):
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
                    logits = self._evaluate([(token, position, workers[0], True)])
                    self._evaluated -= 1  # counted as a completion token
                if held:
                    yield held
            finally:
                self._release(workers)

    def _sample(self, logits: np.ndarray[Any, Any], grammar: _Grammar | None) -> int | None:
        """The likeliest token allowed; None at the end of the text."""
        token = int(logits.argmax()) if grammar is None else grammar.pick(logits)
        if llama_cpp.llama_vocab_is_eog(self._vocab, token):
            return None
        return token


class _Grammar:
    """One sequence's place in a GBNF grammar."""

    def __init__(self, vocab: int, grammar: str) -> None:
        self._sampler = llama_cpp.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
        if not self._sampler:
            raise ValueError("llama.cpp refuses the grammar.")

    def pick(self, logits: np.ndarray[Any, Any]) -> int:
        """The likeliest token that the grammar allows next, accepted."""
        # A full-vocabulary check costs more than evaluating a token on a small model.
        shortlist = np.argpartition(logits, -GRAMMAR_SHORTLIST)[-GRAMMAR_SHORTLIST:]
        token = self._best(shortlist, logits)
        if token is None:
            token = self._best(np.arange(len(logits)), logits)
        if token is None:
            raise ValueError("The grammar allows no token.")
        llama_cpp.llama_sampler_accept(self._sampler, token)
        return token

    def _best(self, tokens: np.ndarray[Any, Any], logits: np.ndarray[Any, Any]) -> int | None:
        size = len(tokens)
        rows = np.zeros(size, [("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        rows["id"], rows["logit"] = tokens, logits[tokens]
        array = llama_cpp.llama_token_data_array(
            data=rows.ctypes.data_as(llama_cpp.llama_token_data_p),
            size=size,
            selected=-1,
            sorted=False,
        )
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))
        best = int(rows["logit"].argmax())
        return None if np.isneginf(rows["logit"][best]) else int(rows["id"][best])

    def close(self) -> None:
        llama_cpp.llama_sampler_free(self._sampler)


def _loops(text: bytearray) -> bool:
    """Cut a line that was written before, and say so: greedy decoding never leaves such a loop."""
    if not text.endswith(b"\n"):
        return False
    *earlier, last = bytes(text).rstrip(b"\n").split(b"\n")
    if last not in earlier:
        return False
    del text[len(text.rstrip(b"\n")) - len(last) :]
    return True


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
