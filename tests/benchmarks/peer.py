"""memo beside mem0 (PyPI: mem0ai) without a model: `run.py peer --peer PYTHON`.

Both store the same messages, ten a call, each call safe on disk when it returns, with the same fake
vectors; then both search for messages by what they say, by meaning and by words. The ratio is that
of the processor's time. What needs a model (which of the messages are facts, and which of them
hold) is not compared here, and mem0 does not do the same of it.

mem0 is no dependency: `python -m venv DIR && DIR/bin/pip install mem0ai`, then `--peer
DIR/bin/python`.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import synthetic
from peer_mem0 import DIM, vector

from memo import retrieve
from memo.engines import Engines
from memo.errors import ModelNotFound
from memo.lm import EmbedderIdentity
from memo.memory import Memory, Run
from memo.records import Document, Message, PassageId
from memo.settings import Settings
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memo.lm import LanguageModel, Vectors

MESSAGES, QUERIES = 2000, 100
_A_CALL = 10
K = 10


class Same:
    """The vectors that the other one gets."""

    identity = EmbedderIdentity("same", "0" * 64, DIM)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([vector(text) for text in texts], np.float32).reshape(-1, DIM)


def missing(python: str) -> str | None:
    """Why mem0 cannot be measured with this interpreter; None where it can."""
    try:
        done = subprocess.run([python, "-c", "import mem0"], capture_output=True, check=False)
    except OSError as error:
        return f"{python} cannot be run: {error.strerror}."
    if done.returncode:
        return f"{python} has no mem0: name one with `pip install mem0ai` by --peer PYTHON."
    return None


def measure(python: str) -> dict[str, Any]:
    """Seconds of both for the same work, in turns of one process each."""
    told = [claim.text for claim in islice(synthetic.claims(random.Random(7)), MESSAGES)]
    asked = random.Random(8).sample(told, QUERIES)
    with tempfile.TemporaryDirectory() as folder:
        messages = Path(folder) / "messages.json"
        messages.write_text(json.dumps({"messages": told, "queries": asked}), "utf-8")
        done = subprocess.run(
            [python, str(Path(__file__).with_name("peer_mem0.py")), str(messages), folder],
            capture_output=True,
            text=True,
            check=True,
        )
        theirs = json.loads(done.stdout.splitlines()[-1])
        ours = _memo(Path(folder) / "home", told, asked)
    if not ours["right"] == theirs["right"] == QUERIES:
        raise RuntimeError(f"not all was found: {ours['right']} and {theirs['right']}")
    return {"messages": MESSAGES, "queries": QUERIES, "memo": ours, "mem0": theirs}


def _no_model(_: Settings) -> LanguageModel:
    raise ModelNotFound("Storing needs no model.")


def _memo(home: Path, told: list[str], asked: list[str]) -> dict[str, float]:
    embedder = Same()
    memory = Memory(Settings(home, home), Engines(_no_model, lambda _: embedder))
    documents = [
        Document(
            "chat",
            str(start),
            tuple(Message(text, synthetic.BEGIN, "Ann") for text in told[start : start + _A_CALL]),
        )
        for start in range(0, len(told), _A_CALL)
    ]
    run = Run()
    ran, began = time.process_time(), time.perf_counter()
    for document in documents:
        memory.store_some([document], run)
    add_cpu, add_wall = time.process_time() - ran, time.perf_counter() - began
    ran, began, right = time.process_time(), time.perf_counter(), 0
    for query in asked:
        right += _search(memory, embedder, query) == query
    return {
        "add_cpu_s": add_cpu,
        "add_wall_s": add_wall,
        "search_cpu_s": time.process_time() - ran,
        "search_wall_s": time.perf_counter() - began,
        "right": right,
    }


def _search(memory: Memory, embedder: Same, query: str) -> str:
    """What is nearest, looked up as every call of memo does: with a connection of its own."""
    like = embedder.embed([f"Ann: {query}"])[0]
    with Store.open(memory.settings.store, embedder=embedder.identity) as store:
        near = [found for found, _ in store.search_passages_by_vector(like, K)]
        worded = [found for found, _ in store.search_passages_by_words(query, K)]
        best = [PassageId(one) for one in retrieve.fuse([near, worded])][:K]
        return store.passages(best)[0].text
