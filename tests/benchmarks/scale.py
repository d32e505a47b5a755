"""What size costs: searches, lists and histories over stores from a thousand facts up, imports
into them, and what a start takes. `run.py search growth imports memory start`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import timedelta
from itertools import islice
from statistics import median
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import synthetic
from fakes import FakeLM, HashEmbedder

from memo.engines import Engines
from memo.memory import Imported, Memory
from memo.records import Document, FactId, Message, State
from memo.retrieve import candidates
from memo.settings import Settings
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from memo.lm import Embedder, EmbedderIdentity, Prompt, Vectors
    from memo.records import Claim

K = 10
QUERIES = 60
EXACT = 10
"""Of how many queries the exact neighbours are looked up."""
_NICE = ["nice", "-n", "10"]


class Stores:
    """Synthetic stores by number of facts, in a folder where they are kept from run to run."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._folder, self.embedder = folder, embedder

    def home(self, facts: int, replaced: float = synthetic.REPLACED) -> Path:
        """The home of a store; it is built at the first call."""
        name = str(facts) if replaced == synthetic.REPLACED else f"{facts}-{replaced:.0%}"
        home = self._folder / name
        if not (home / "memo.db").exists():
            unfinished = self._folder / f"{name}.unfinished.db"
            print(f"building a store of {facts} facts…", file=sys.stderr)
            synthetic.build(unfinished, facts, self.embedder, replaced=replaced)
            home.mkdir(mode=0o700)
            unfinished.rename(home / "memo.db")
        return home

    def store(self, facts: int, replaced: float = synthetic.REPLACED) -> Store:
        """One of them, open."""
        return Store.open(self.home(facts, replaced) / "memo.db", embedder=self.embedder.identity)


def timed(action: Callable[[Any], object], inputs: Iterable[Any]) -> dict[str, float]:
    """Median and 95th percentile of milliseconds, and the median of the processor's."""
    wall, busy = [], []
    for value in inputs:
        began, ran = perf_counter(), thread_time()
        action(value)
        busy.append((thread_time() - ran) * 1e3)
        wall.append((perf_counter() - began) * 1e3)
    return {
        "p50_ms": round(median(wall), 3),
        "p95_ms": round(float(np.percentile(wall, 95)), 3),
        "cpu_ms": round(median(busy), 3),
    }


def measure(stores: Stores, facts: int) -> dict[str, Any]:
    """Every look into a store of so many facts, warm, and what its vector search finds."""
    unlike = synthetic.Sentences(stores.embedder, seed=1)
    queries = list(unlike.vectors(QUERIES))
    known = list(islice(synthetic.claims(random.Random(0)), 30))
    strange = list(islice(synthetic.claims(random.Random(1)), 300))
    current = (State.CURRENT,)
    with stores.store(facts) as store:
        documents = len(store.documents())
        then = synthetic.BEGIN + timedelta(hours=documents // 2)
        said = [_message(" ".join(c.text for c in strange[n : n + 10])) for n in range(0, 100, 10)]
        for query in queries[:3]:
            store.search_facts_by_vector(query, K, current)
        nearest: list[list[int]] = []
        looks: dict[str, tuple[Callable[[Any], object], Iterable[Any]]] = {
            "vector": (lambda q: store.search_facts_by_vector(q, K, current), queries),
            "vector as of": (
                lambda q: store.search_facts_by_vector(q, K, current, then),
                queries[:30],
            ),
            "exact": (lambda q: nearest.append(_exact(store, q)), queries[:EXACT]),
            "words": (lambda c: store.search_facts_by_words(c.question, K, current), known),
            "words as of": (
                lambda c: store.search_facts_by_words(c.question, K, current, then),
                known,
            ),
            "candidates": (lambda d: candidates(store, stores.embedder, d, ()), said),
            "newest 20": (lambda _: store.list_facts(State.CURRENT, 20), range(20)),
            "newest 20 as of": (lambda _: store.list_facts(State.CURRENT, 20, then), range(3)),
            "history": (lambda _: store.history(FactId(1)), range(20)),
            "log 20": (lambda _: store.changes(20), range(5)),
        }
        times = {name: timed(action, inputs) for name, (action, inputs) in looks.items()}
        found = [
            len({fact for fact, _ in store.search_facts_by_vector(query, K, current)} & set(exact))
            for query, exact in zip(queries, nearest, strict=False)
        ]
        size = store.path.stat().st_size
    return {
        "facts": facts,
        "recall": round(sum(found) / (K * len(found)), 4),
        "file_mb": round(size / 1e6, 1),
        "times": times,
    }


def _exact(store: Store, query: Vectors) -> list[int]:
    """The nearest of all current facts, each compared by sqlite-vec."""
    return store._ids(
        """
        SELECT v.fact_id FROM fact_state s JOIN fact_vector v ON v.fact_id = s.fact_id
        WHERE s.state = 'current' ORDER BY vec_distance_cosine(v.vector, :vector) LIMIT :k
        """,
        {"vector": query.tobytes(), "k": K},
    )


def _message(text: str) -> Document:
    return Document("synthetic", text, (Message(text, synthetic.BEGIN, "Ann"),))


def past_share(stores: Stores, facts: int) -> dict[str, float]:
    """The processor's milliseconds of a search where nine of ten facts are past, and where none is.

    The number of current facts is the same.
    """
    queries = list(synthetic.Sentences(stores.embedder, seed=1).vectors(QUERIES))
    spent = {}
    with stores.store(facts, 0.9) as store:
        current = store.counts()["current"]
        spent["past"] = _cpu_of_search(store, queries)
    with stores.store(current, 0.0) as store:
        spent["current"] = _cpu_of_search(store, queries)
    return {"facts": facts, "current": current, **spent}


def _cpu_of_search(store: Store, queries: list[Vectors]) -> float:
    def look(query: Vectors) -> object:
        return store.search_facts_by_vector(query, K, (State.CURRENT,))

    timed(look, queries[:3])
    return timed(look, queries)["cpu_ms"]


# -- imports -------------------------------------------------------------------------


class Understanding(FakeLM):
    """A fake that understands the claims it is given, however many, each by its own sentence."""

    def __init__(self, claims: list[Claim]) -> None:
        super().__init__(slots={c.text: f"{c.question} | {c.value} | one" for c in claims})
        self._texts = {claim.text for claim in claims}
        self._said = {claim.question: (claim.text, claim.value) for claim in claims}

    def _reply(self, prompt: Prompt) -> str:
        self.asked.clear()
        last = "".join(segment.text for segment in prompt[-1].segments)
        part = last.rpartition("Sentence: ")[2].strip()
        if part in self._texts:
            return part
        text, value = self._said.get(last.rpartition("Question: ")[2].strip(), ("", ""))
        return value if text and text in last else super()._reply(prompt)


class Hashing(HashEmbedder):
    """A fake embedder under the name of that of a store."""

    def __init__(self, identity: EmbedderIdentity) -> None:
        super().__init__()
        self.identity = identity


def import_into(home: Path, messages: int, seed: int = 99) -> dict[str, Any]:
    """Read so many short messages, ten a document, by fakes; times and memory as it goes on."""
    claims = list(islice(synthetic.claims(random.Random(seed)), messages))
    with Store.open(home / "memo.db") as store:
        identity = store.embedder_identity()
        begin = synthetic.BEGIN + timedelta(hours=len(store.documents()) + 1)
    lm, embedder = Understanding(claims), Hashing(identity or HashEmbedder().identity)
    memory = Memory(
        Settings(home, home / "models"),
        Engines(lambda _: lm, lambda _: embedder),
        fence="bench",
    )
    documents = [
        Document(
            "chat",
            f"{seed}.{start}",
            tuple(
                Message(claim.text, begin + timedelta(hours=start, seconds=n), "Ann")
                for n, claim in enumerate(claims[start : start + 10])
            ),
        )
        for start in range(0, messages, 10)
    ]
    process = psutil.Process()
    spent: list[float] = []
    resident: list[float] = []
    learned = 0
    ran = thread_time()
    for event in memory.ingest_all(documents):
        if isinstance(event, Imported):
            spent.append((thread_time() - ran) * 1e3)
            resident.append(process.memory_info().rss / 1e6)
            learned += len(event.change.edits)
            ran = thread_time()
    tenth = max(len(spent) // 10, 1)
    return {
        "messages": messages,
        "edits": learned,
        "cpu_ms_a_document": round(median(spent), 2),
        "cpu_ms_by_tenths": [
            round(median(spent[n : n + tenth]), 2) for n in range(0, len(spent), tenth)
        ],
        "rss_mb_by_tenths": [
            round(max(resident[n : n + tenth]), 1) for n in range(0, len(spent), tenth)
        ],
    }


# -- processes -----------------------------------------------------------------------


_PEAK = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]))
"""
"""Between us and what is measured: a process begins with the peak of the one it was forked from."""


def peak_mb(arguments: list[str]) -> float:
    """The most memory that a run of memo has in use, in MB."""
    memo = [*_NICE, sys.executable, "-m", "memo", *arguments]
    told = subprocess.run(
        [sys.executable, "-c", _PEAK, *memo], capture_output=True, text=True, check=True
    ).stdout
    ended, peak = json.loads(told)
    if ended:
        raise RuntimeError(f"memo {' '.join(arguments)} ended with {ended}")
    return round(float(peak) / (1e6 if sys.platform == "darwin" else 1e3), 1)


def starts(commands: dict[str, list[str]], rounds: int = 15) -> dict[str, float]:
    """Median milliseconds of each Python command line, taken in turns."""
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            began = perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            spent[name].append((perf_counter() - began) * 1e3)
    return {name: round(median(times), 1) for name, times in spent.items()}
