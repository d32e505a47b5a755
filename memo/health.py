"""What `memo doctor` looks at: store, models, the build of llama.cpp, and who may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.engines import hardware, located, placement
from memo.errors import ModelError, StoreError
from memo.models import default_models, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from memo.models import Kind
    from memo.settings import Settings
    from memo.store import Store

    Opened = Callable[[], AbstractContextManager[Store]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `memo doctor` looked at."""

    name: str
    ok: bool
    detail: str
    exit_code: int = 1
    """What a failure of this kind ends the program with."""


def examine(settings: Settings, opened: Opened, private: Iterable[Path]) -> Iterator[Check]:
    """Look at everything, and change nothing.

    Args:
        settings: Which store and models.
        opened: Opens the store.
        private: Files that only their owner may read.
    """
    yield from _store(settings, opened)
    yield from _models(settings)
    yield _build(settings)
    yield _modes([settings.home, *private])


def _store(settings: Settings, opened: Opened) -> Iterator[Check]:
    try:
        with opened() as store:
            yield Check("extensions", True, "SQLite has FTS5 and loaded sqlite-vec")
            problems = store.check()
            identity = store.embedder_identity()
            yield Check(
                "store",
                not problems,
                "; ".join(problems[:5]) + "; `memo doctor --repair` may help"
                if problems
                else _sound(store.counts()),
                StoreError.exit_code,
            )
    except StoreError as error:
        yield Check("store", False, str(error), error.exit_code)
        return
    name = default_models(settings)[1]
    if identity is None:
        yield Check("embeddings", True, "none yet")
    elif identity.name != name:
        yield Check(
            "embeddings",
            False,
            f"the store has vectors of {identity.name}, in use is {name}; "
            "`memo doctor --repair` embeds anew",
            StoreError.exit_code,
        )
    else:
        yield Check("embeddings", True, f"{identity.name}, {identity.dim} dimensions")


def _sound(counts: dict[str, int]) -> str:
    waiting = counts["unread"]
    unread = f" ({waiting} wait to be read: `memo import --resume`)" if waiting else ""
    return f"{counts['documents']} documents{unread}, events and indexes agree"


def _models(settings: Settings) -> Iterator[Check]:
    chat, embedding = default_models(settings)
    named: tuple[tuple[Kind, str], ...] = (("chat", chat), ("embedding", embedding))
    for kind, name in named:
        try:
            found = located(name, kind, settings)
        except ModelError as error:
            yield Check(f"{kind} model", False, str(error), ModelError.exit_code)
        else:
            yield Check(f"{kind} model", True, f"{found.name} in {found.path}")


def _build(settings: Settings) -> Check:
    try:
        found = hardware(machine().card)
    except ModelError as error:
        return Check("llama.cpp", False, str(error), error.exit_code)
    build = "uses graphics cards" if found.devices else "uses the processor alone"
    try:
        used = f"{default_models(settings)[0]}: {placement(settings, found).reason}"
    except ModelError:
        used = f"{found.threads} threads"  # what is wrong with the model is told above
    return Check("llama.cpp", True, f"this build {build}; {used}. {found.idle}".strip())


def _modes(paths: Iterable[Path]) -> Check:
    loose = [str(path) for path in paths if path.exists() and path.stat().st_mode & 0o077]
    if loose:
        return Check(
            "modes", False, f"others may read {', '.join(loose)}; `chmod go-rwx` shuts them out"
        )
    return Check("modes", True, "only you can read your data")
