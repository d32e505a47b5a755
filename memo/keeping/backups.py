"""Backups that make themselves, and how one comes back.

One is made when the store changed and the newest is older than `EVERY`; each is verified before it
counts. Of the older ones the newest of each of `DAYS` days and of `WEEKS` weeks stay. What is
forgotten goes from all of them: one new backup takes their place.
"""

from __future__ import annotations

import itertools
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memo.errors import MemoError, StoreBusy, StoreDamaged
from memo.files import alone, shred
from memo.settings import private_folder
from memo.store.opening import backup_folder
from memo.trust import keys
from memo.trust.cipher import opens
from memo.trust.head import Head
from memo.trust.seal import seal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from memo.store import Store
    from memo.trust.seal import Seal

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=30)
DAYS, WEEKS = 7, 4
_NEWEST = 2
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Kept:
    """An automatic backup."""

    path: Path
    at: datetime


def kept(store: Path) -> list[Kept]:
    """The automatic backups of a store, the oldest first."""
    found = []
    for path in backup_folder(store).glob("memo-*.db"):
        try:
            at = datetime.strptime(path.stem.split("-")[1], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue
        found.append(Kept(path, at))
    return sorted(found, key=lambda one: (one.at, one.path.name))


def worth_keeping(times: Collection[datetime]) -> set[datetime]:
    """Which of these stay: the newest, and the newest of each of the last days and weeks."""
    newest = sorted(times, reverse=True)
    days: dict[object, datetime] = {}
    weeks: dict[object, datetime] = {}
    for at in newest:
        days.setdefault(at.date(), at)
        weeks.setdefault(at.isocalendar()[:2], at)
    return {*newest[:_NEWEST], *list(days.values())[:DAYS], *list(weeks.values())[:WEEKS]}


class Automatic:
    """Makes the backups that are due; what stands in their way is told, and spoils nothing."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        """Prepare.

        Args:
            tell: Receives a sentence for the person where a backup could not be made, once until
                one could; `memo doctor` tells it, too.
        """
        self._tell = tell
        self._failing = False
        self._unheard: str | None = None

    def hear(self, tell: Callable[[str], None]) -> None:
        """Tell it to somebody from now on, and what nobody has heard so far."""
        self._tell = tell
        if self._unheard is not None:
            tell(self._unheard)
            self._unheard = None

    def after(self, store: Store) -> None:
        """Make a backup if one is due."""
        with self._telling():
            if store.writable and _due(store):
                make(store)
                self._failing = False

    def purge(self, store: Store) -> None:
        """Let one new backup take the place of all copies that hold what no copy may hold now."""
        outdated = stale(store)
        try:
            if outdated:
                with self._telling():
                    make(store)
        finally:
            for path in [*outdated, *former_stores(store.path)]:
                for part in files_of(path):
                    shred(part)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except StoreBusy as error:  # another memo makes one
            log.warning("no automatic backup: %s", type(error).__name__)
        except (MemoError, OSError) as error:
            log.warning("no automatic backup: %s", type(error).__name__)
            if self._failing:
                return
            self._failing = True
            why = error.strerror if isinstance(error, OSError) else error
            sentence = f"No automatic backup could be made: {str(why).rstrip('.')}."
            if self._tell is None:
                self._unheard = sentence
            else:
                self._tell(sentence)


def make(store: Store) -> Path:
    """Make a backup, and let go of those that are not worth keeping any more.

    Raises:
        StoreBusy: Another memo makes one.
        StoreError: It could not be written or checked.
    """
    folder = private_folder(backup_folder(store.path))
    with alone(folder, StoreBusy(f"Another memo makes a backup in {folder}: wait for it.")):
        return _make(store, folder)


def _make(store: Store, folder: Path) -> Path:
    for left in folder.glob(".memo-*"):  # of one that was killed
        shred(left)
    path = folder / f"memo-{_now():{_STAMP}}.db"
    for number in itertools.count(2):
        if not path.exists():
            break
        path = folder / f"memo-{_now():{_STAMP}}-{number}.db"
    store.backup(path, thorough=False)
    found = kept(store.path)
    stay = worth_keeping([one.at for one in found])
    outdated = set(stale(store))
    for one in found:
        if one.path != path and (one.at not in stay or one.path in outdated):
            shred(one.path)
    log.info("made an automatic backup of %d bytes", path.stat().st_size)
    return path


def stale(store: Store) -> list[Path]:
    """Backups that hold what was forgotten since, or in plain what is encrypted now."""
    forgets, encrypted = store.forgets(), store.encrypted
    seals = [(one.path, seal_of(one.path)) for one in kept(store.path)]
    return [path for path, seal in seals if _is_stale(seal, forgets, encrypted)]


def _is_stale(seal: Seal | None, forgets: int, encrypted: bool) -> bool:
    return seal is None or seal.forgets < forgets or (encrypted and not seal.entries)


def _due(store: Store) -> bool:
    found = kept(store.path)
    if store.wrote and stale(store):
        return True
    if found and _now() - found[-1].at < EVERY:
        return False
    head = store.head()
    seal = seal_of(found[-1].path) if found else None
    return head != Head() and (store.wrote or seal is None or seal.head != head)


def overdue(store: Store) -> datetime | None:
    """Since when something lies in the store alone, where a backup should have been made of it."""
    found = kept(store.path)
    seal = seal_of(found[-1].path) if found else None
    span = store.stored_after(seal.head if seal else Head())
    if span is None:
        return None
    first, last = span
    if found:
        return first if last >= found[-1].at + EVERY else None
    # The first import makes none until it ends: one that was killed just now is no fault.
    folder = backup_folder(store.path)
    hindered = folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK))
    return first if hindered or _now() - first >= EVERY else None


def recover_key(store: Path) -> bool:
    """Take a key file that is lost or damaged from the newest backup; whether that was done."""
    file = keys.key_file(store)
    try:
        needed = not keys.entries_of(file) if file.exists() else not opens(store, None)
    except StoreDamaged:
        needed = True
    if not needed or not store.exists() or keys.pending_file(store).exists():
        return False
    for one in reversed(kept(store)):
        seal = seal_of(one.path)
        if seal is not None and seal.entries:
            keys.write(file, seal.entries)
            return True
    return False


def leftovers(store: Path) -> list[Path]:
    """What was being written when memo was killed."""
    names = [*store.parent.glob(f".{store.stem}*"), *store.parent.glob(".settings.toml.*")]
    return sorted([*names, *backup_folder(store).glob(".memo-*")])


# -- a store with its companions -----------------------------------------------------

_SUFFIXES = ("", "-wal", "-shm", "-journal", "-key", "-key.new", "-head")


def files_of(store: Path) -> list[Path]:
    """A store with what lies beside it: SQLite's log, the key, the head."""
    return [store.with_name(store.name + suffix) for suffix in _SUFFIXES]


def former_stores(store: Path) -> list[Path]:
    """What repairs and restores kept aside; it still holds what was forgotten since."""
    return sorted(store.parent.glob("memo-before-*.db"))


def free_name(store: Path, event: str) -> Path:
    """A name beside the store for what it was before an event."""
    for number in itertools.count(1):
        path = store.with_name(f"memo-before-{event}-{_now():{_STAMP}}-{number}.db")
        if not path.exists():
            break
    return path


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
