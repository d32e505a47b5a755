"""What it takes to check a store, to back it up, to encrypt it, and to use it then: `doctor`."""

from __future__ import annotations

import shutil
import tempfile
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

import synthetic
from fakes import FakeLM

from memo.engines import Engines
from memo.keeping import backups, replacing
from memo.memory import Memory
from memo.records import State
from memo.settings import Settings
from memo.store import Store
from memo.trust import keys
from memo.trust.head import renew_head
from memo.trust.unlocking import Keyholder

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.lm import Embedder

_OPENS = 50
_SEARCHES = 30


def measure(store: Path, embedder: Embedder) -> dict[str, Any]:
    """The processor's seconds and milliseconds over a copy of a store, plain, then encrypted."""
    with tempfile.TemporaryDirectory(dir=store.parent.parent) as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        path = home / "memo.db"
        shutil.copyfile(store, path)
        path.chmod(0o600)
        found: dict[str, Any] = {"mb": round(path.stat().st_size / 1e6)}
        with Store.open(path) as opened:
            found["facts"] = sum(opened.counts()[state.value] for state in State)
            renew_head(path, opened.head())
            found["automatic_backup_s"] = _seconds(lambda: backups.make(opened))
            found["full_backup_s"] = _seconds(lambda: opened.backup(home / "full.db"))
        holder = Keyholder(path, lambda _: "words")
        found["plain"] = _looks(home, embedder, holder)
        found["derive_key_s"] = _seconds(lambda: keys.wrapped(keys.new_key(), "words"))
        code = keys.new_code()
        found["encrypt_s"] = _seconds(lambda: replacing.encrypt(path, holder, "words", code))
        found["encrypted"] = _looks(home, embedder, holder)
    return found


def _looks(home: Path, embedder: Embedder, holder: Keyholder) -> dict[str, float]:
    """`memo doctor`, opening, and a search by meaning, at rest."""
    models = Engines(lambda _: FakeLM(), lambda _: embedder)
    memory = Memory(Settings(home, home / "models"), models, holder=holder)
    store, key = home / "memo.db", holder.key()
    queries = list(islice(synthetic.Sentences(embedder, seed=1).vectors(_SEARCHES), _SEARCHES))
    checks: list[Any] = []
    taken = _seconds(lambda: checks.extend(memory.doctor()))
    amiss = [one.detail for one in checks if not one.ok and "model" not in one.detail]
    if amiss:
        raise RuntimeError(f"doctor found {amiss}")
    opens = [_seconds(lambda: Store.open(store, key=key).close()) for _ in range(_OPENS)]
    with Store.open(store, key=key) as opened:
        searches = []
        for query in queries:
            began = process_time()
            opened.search_facts_by_vector(query, 10, (State.CURRENT,))
            searches.append(process_time() - began)
    return {
        "doctor_s": taken,
        "open_ms": round(median(opens) * 1e3, 3),
        "search_ms": round(median(searches) * 1e3, 2),
    }


def _seconds(action: Callable[[], object]) -> float:
    began = process_time()
    action()
    return round(process_time() - began, 5)
