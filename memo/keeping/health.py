"""What `memo doctor` looks at: store, models, the build of llama.cpp, and who may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.engines import hardware, located, placement
from memo.errors import ModelError, StoreError
from memo.keeping.backups import kept, leftovers, overdue, stale
from memo.models import default_models, machine
from memo.records import utc_text
from memo.store.opening import backup_folder, load_extensions, remedy
from memo.trust.head import Head, head_file, head_problem
from memo.trust.keys import key_file, pending_file
from memo.trust.seal import checked_seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
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
    yield _extensions()
    if settings.store.exists() or key_file(settings.store).exists():
        yield from _store(settings, opened)
    elif head_file(settings.store).exists():
        yield Check("store", False, f"{settings.store} is missing; {remedy(settings.store)}", 5)
    else:
        yield Check("store", True, "nothing is stored yet")
    yield _backups(settings.store)
    yield _leftovers(settings.store)
    yield from _models(settings)
    yield _build(settings)
    yield _modes([settings.home, backup_folder(settings.store), *private])


def _extensions() -> Check:
    try:
        load_extensions()
    except StoreError as error:
        return Check("extensions", False, str(error), error.exit_code)
    return Check("extensions", True, "SQLite has FTS5 and loaded sqlite-vec")


def _head(store: Store) -> Check:
    problem = head_problem(store.path) if store.head() != Head() else None
    file = head_file(store.path)
    if problem:
        return Check("head", False, f"{file} {problem}; `memo doctor --repair` writes it anew")
    return Check("head", True, "nothing that was stored is missing")


def _encryption(store: Store) -> Check:
    file = pending_file(store.path)
    if file.exists():
        return Check("encryption", False, f"{file} is left of a conversion; convert once more")
    if store.encrypted:
        return Check("encryption", True, "the store is encrypted")
    return Check("encryption", True, "the store is not encrypted; `memo encrypt` does that")


def _backups(store: Path) -> Check:
    """Every automatic backup is whole, byte by byte."""
    found, broken = kept(store), []
    for one in found:
        try:
            whole = checked_seal(one.path) is not None
        except (StoreError, OSError):
            whole = False
        broken += [] if whole else [str(one.path)]
    if broken:
        names = ", ".join(broken)
        return Check("backups", False, f"damaged: {names}; delete them, others are made")
    if not found:
        return Check("backups", True, "none yet; they make themselves")
    return Check("backups", True, f"{len(found)}, whole; the newest is of {utc_text(found[-1].at)}")


def _no_backup(store: Path, since: datetime) -> str:
    return (
        f"none holds what was stored since {utc_text(since)}: the next command makes one; if it "
        f"can't, make room in {backup_folder(store)} and see who may write there, or "
        "`memo backup FILE` elsewhere"
    )


def _leftovers(store: Path) -> Check:
    found = ", ".join(str(path) for path in leftovers(store))
    if found:
        return Check(
            "leftovers", False, f"{found}: left by a memo that was killed; `--repair` removes them"
        )
    return Check("leftovers", True, "nothing lies about")


def _store(settings: Settings, opened: Opened) -> Iterator[Check]:
    try:
        with opened() as store:
            problems = store.check()
            identity = store.embedder_identity()
            waiting = store.count_without_vector() if identity else 0
            yield Check(
                "store",
                not problems,
                "; ".join(problems[:5]) + "; `memo doctor --repair` may help"
                if problems
                else _sound(store.counts()),
                StoreError.exit_code,
            )
            yield _encryption(store)
            yield _head(store)
            if (since := overdue(store)) is not None:
                yield Check("automatic backups", False, _no_backup(store.path, since))
            old = ", ".join(str(path) for path in stale(store))
            if old:
                yield Check(
                    "forgotten", False, f"{old} may hold what was forgotten or is plain: delete it"
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
    elif waiting:
        yield Check(
            "embeddings",
            False,
            f"{waiting} facts or messages have no vector yet and are found by their words only; "
            "`memo doctor --repair` goes on embedding them",
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
    told = (f"this build {build}; {used}.", found.slowed, found.idle)
    return Check("llama.cpp", True, " ".join(filter(None, told)))


def _modes(paths: Iterable[Path]) -> Check:
    loose = [str(path) for path in paths if path.exists() and path.stat().st_mode & 0o077]
    if loose:
        return Check(
            "modes", False, f"others may read {', '.join(loose)}; `chmod go-rwx` shuts them out"
        )
    return Check("modes", True, "only you can read your data")
