"""Another file in the place of the store: restored, encrypted or decrypted, all at once.

Killed at any moment, the place holds the store that was there or the one that comes, with a key
file that opens it. While which of the two is not certain, the key file has its pending name.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memo.errors import StoreBusy, StoreDamaged, StoreError
from memo.files import overwrite, shred, sync
from memo.keeping import backups
from memo.store import Store
from memo.store.snapshot import fresh
from memo.trust import keys
from memo.trust.cipher import holds_store, opens
from memo.trust.head import head_file, write_head
from memo.trust.seal import checked_seal
from memo.trust.unlocking import proven

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memo.trust.unlocking import Keyholder

    Entries = tuple[keys.Entry, ...]

_CHUNK = 1 << 20


def restore(store: Path, backup: Path, holder: Keyholder) -> Path | None:
    """Put a backup in a store's place; returns where the former store went.

    Into a home that is encrypted a plain backup comes encrypted.

    Raises:
        StoreError: The backup is damaged, or the place cannot be written.
        StoreLocked: Nobody gives the passphrase of the backup.
        StoreBusy: Another memo has the store open.
    """
    arriving = store.with_name(".memo.db.restoring")
    again = store.with_name(".memo.db.encrypting")
    try:
        _clear(store)
        with fresh(arriving), fresh(again):
            seal = checked_seal(backup)
            if seal is None and not _is_database(backup):
                raise StoreDamaged(f"{backup} is no backup of memo: `memo restore` lists some.")
            if seal is None and _is_cut(backup):
                raise StoreDamaged(f"The backup {backup} is cut off: try another.")
            _copy(backup, arriving, seal.size if seal else None)
            beside = keys.key_file(backup)
            entries = seal.entries if seal else ()
            if not entries and beside.exists():
                entries = keys.entries_of(beside)
            key = holder.key_for(entries, arriving, backup)
            if not holds_store(arriving, key):
                raise StoreDamaged(f"{backup} is not a backup of a memo store: give another file.")
            ready = arriving
            with Store.open(arriving, key=key, keep_former=False) as copy:
                problems = copy.check()
                if seal is not None and (less := copy.behind(seal.head)):
                    problems.append(less)
                if problems:
                    raise StoreDamaged(
                        f"The backup {backup} is damaged: {'; '.join(problems[:3])}. "
                        "Nothing was changed; try an older one."
                    )
                if key is None and (own := holder.key()) is not None:
                    key, entries, ready = own, (holder.entry(),), again
                    copy.rewrite(again, key)
            former = backups.free_name(store, "restore") if store.exists() else None
            with _alone(store, holder) as merged:
                _swap(store, ready, keys.only(entries, key), former, merged=merged)
        holder.take(key)
        with Store.open(store, key=key) as whole:
            write_head(store, whole.head())
    except OSError as error:
        raise StoreError(f"Cannot restore to {store}: {error.strerror}.") from error
    return former


def encrypt(
    store: Path, holder: Keyholder, passphrase: str, code: str, cost: keys.Cost | None = None
) -> None:
    """Encrypt a plain store; backups and former stores in plain are replaced by a new backup.

    Raises:
        StoreError: It is encrypted already, or could not be written.
        StoreBusy: Another memo has it open.
    """
    _clear(store)
    if (held := holder.key()) is not None:
        _purge_plain(store, held)  # what one that was cut short left
        raise StoreError(f"{store} is encrypted already: `memo passphrase` changes its passphrase.")
    key = keys.new_key()
    _rewrite(store, holder, key, (keys.new_entry(key, passphrase, code, cost),))
    with Store.open(store, key=key) as encrypted:
        backups.Automatic().purge(encrypted)


def _purge_plain(store: Path, key: bytes) -> None:
    """Replace backups and former stores, where one of them is in plain, by a new backup."""
    copies = [*(one.path for one in backups.kept(store)), *backups.former_stores(store)]
    if any(opens(path, None) for path in copies):
        with Store.open(store, key=key) as encrypted:
            backups.Automatic().purge(encrypted)


def decrypt(store: Path, holder: Keyholder) -> None:
    """Write an encrypted store in plain.

    Raises:
        StoreError: It is not encrypted, or could not be written.
        StoreBusy: Another memo has it open.
    """
    _clear(store)
    entry = holder.entry()
    _rewrite(store, holder, None, ())
    if entry.keyring:
        keys.dismiss(entry.id)


def _rewrite(store: Path, holder: Keyholder, key: bytes | None, entries: Entries) -> None:
    arriving = store.with_name(".memo.db.encrypting")
    former: list[int] = []
    try:
        with Store.open(store, key=holder.key()) as old, fresh(arriving):
            there = [path for path in backups.files_of(store)[:2] if path.exists()]
            former += [os.open(path, os.O_WRONLY | os.O_NOFOLLOW) for path in there]
            old.be_alone()
            head = old.head()
            old.rewrite(arriving, key)
            if key is not None:
                proven(arriving, key)
            _swap(store, arriving, entries, None, merged=True)
            for handle in former:
                overwrite(handle)  # held open until `old` is closed: closing ends SQLite's locks
            write_head(store, head)
    except OSError as error:
        raise StoreError(f"{store} could not be rewritten ({error.strerror}).") from error
    finally:
        for handle in former:
            os.close(handle)
    holder.take(key)


def _clear(store: Path) -> None:
    """Take away the unfinished key files of a conversion that was killed."""
    for left in store.parent.glob(f".{keys.key_file(store).name}.*"):
        shred(left)


@contextmanager
def _alone(store: Path, holder: Keyholder) -> Iterator[bool]:
    """Keep others out of a store, its log merged; False where it is too damaged for that."""
    try:
        key = None if holder.locked else holder.key()
        opened = Store.open(store, key=key, keep_former=False) if store.exists() else None
        if opened is not None:
            opened.be_alone()
    except StoreBusy:
        raise
    except StoreError:
        opened = None
    try:
        yield opened is not None
    finally:
        if opened is not None:
            opened.close()


def _swap(
    store: Path, arriving: Path, entries: Entries, former: Path | None, *, merged: bool
) -> None:
    """Let a file take the place of the store, which `former` names from then on, if anything."""
    lasting, pending, head = keys.key_file(store), keys.pending_file(store), head_file(store)
    aside = former or backups.free_name(store, "restore")
    if former is not None:
        _link(store, former)
        for path, name in ((lasting, keys.key_file(former)), (head, head_file(former))):
            if path.exists():
                _copy(path, name, None)
    if not merged:
        for path, name in zip(backups.files_of(store), backups.files_of(aside), strict=True):
            if path.name.endswith(("-wal", "-shm", "-journal")) and path.exists():
                path.rename(name)
    if entries or lasting.exists():
        keys.write(pending, (*entries, *_readable(lasting)))
        lasting.unlink(missing_ok=True)
    head.unlink(missing_ok=True)
    sync(store.parent)
    sync(arriving)
    arriving.replace(store)
    sync(store.parent)
    if entries:
        keys.write(lasting, entries)
    pending.unlink(missing_ok=True)


_PAGE_SIZES = (1, *(1 << power for power in range(9, 16)))
"""As the file's head says them: powers of two from 512 on, 1 for 65,536."""


def _is_database(path: Path) -> bool:
    """Whether a file begins as one of SQLite's, encrypted or not, as far as it goes."""
    with path.open("rb") as file:
        head = file.read(18)
    return not head or int.from_bytes(head[16:18], "big") in _PAGE_SIZES


def _is_cut(path: Path) -> bool:
    """Whether a file ends within a page; SQLite would read zeros there."""
    with path.open("rb") as file:
        head = file.read(18)
    page = int.from_bytes(head[16:18], "big")  # not encrypted, either
    return not page or bool(path.stat().st_size % page)


def _readable(path: Path) -> Entries:
    try:
        return keys.entries_of(path)
    except StoreDamaged:
        return ()


def _link(path: Path, name: Path) -> None:
    try:
        name.hardlink_to(path)
    except OSError:  # a file system without links
        _copy(path, name, None)


def _copy(path: Path, name: Path, size: int | None) -> None:
    """Copy the first `size` bytes of a file, or all, readable by its owner only."""
    handle = os.open(name, os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_WRONLY, 0o600)
    with path.open("rb") as source, os.fdopen(handle, "wb") as target:
        left = path.stat().st_size if size is None else size
        while chunk := source.read(min(_CHUNK, left)):
            target.write(chunk)
            left -= len(chunk)
        target.flush()
        os.fsync(target.fileno())
