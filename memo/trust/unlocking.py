"""Who holds the key of an encrypted store: asked for once a process, then kept in memory."""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from memo.errors import CipherMissing, StoreDamaged, StoreLocked, WrongPassphrase
from memo.trust import keys
from memo.trust.cipher import opens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ask = Callable[[int], str | None]

_TRIES = 3


class Keyholder:
    """Opens one store with the data key that a passphrase brings out; any thread may call it."""

    def __init__(self, store: Path, ask: Ask | None = None) -> None:
        """Prepare; nothing is asked or derived yet.

        Args:
            store: The file.
            ask: Gives the passphrase, or None where there is none to give; receives how often it
                was wrong.
        """
        self._store = store
        self._ask = ask
        self._lock = threading.Lock()
        self._key: bytes | None = None
        self._seen: tuple[int, int] | None = None
        """The key file for which the key was found to be right."""

    @property
    def locked(self) -> bool:
        """Whether a passphrase is needed before anything can be read."""
        try:
            return bool(self._entries()) and self._held() is None
        except StoreDamaged:
            return True

    def key(self) -> bytes | None:
        """The data key, or None where the store is not encrypted.

        Raises:
            StoreLocked: Nobody gives a passphrase.
            WrongPassphrase: It is another.
            StoreDamaged: The key file cannot be read.
        """
        with self._lock:
            entries = self._entries()
            if not entries:
                self._key = None
                return None
            if (held := self._held()) is not None:
                return held
            for entry in entries:
                found = keys.recalled(entry.id) if entry.keyring else None
                if found is not None and opens(self._store, found):
                    return self._take(found)
            return self._take(self._asked(entries, self._store, self._store))

    def unlock(self, secret: str) -> None:
        """Derive the key from a passphrase or recovery code, and keep it.

        Raises:
            WrongPassphrase: It is neither.
        """
        with self._lock:
            entries = self._entries()
            if entries:
                self._take(_opening(entries, secret, self._store))

    def key_for(self, entries: tuple[keys.Entry, ...], file: Path, called: Path) -> bytes | None:
        """The key of another file: of a backup, by what its seal says of its keys.

        Args:
            entries: What the seal says.
            file: The backup, or a copy of it.
            called: What the person calls it.

        Raises:
            StoreLocked: It is encrypted, and nobody gives its passphrase.
        """
        if opens(file, None):
            return None
        with self._lock:
            if self._key is not None and opens(file, self._key):
                return self._key
            entries = entries or self._entries()
            for entry in entries:
                found = keys.recalled(entry.id) if entry.keyring else None
                if found is not None and opens(file, found):
                    return found
            if not entries:
                raise StoreDamaged(
                    f"{called} is damaged, or encrypted with a key that is not here."
                )
            return self._asked(entries, file, called)

    def take(self, key: bytes | None) -> None:
        """Hold the key under which the store was just written anew."""
        with self._lock:
            self._key = key
            self._seen = None if key is None else self._signature()

    def entry(self) -> keys.Entry:
        """What the key file says of the key that is held.

        Raises:
            StoreLocked: The store is not encrypted, or not opened.
        """
        key = self.key()
        for entry in self._entries():
            if key is not None and entry.id == keys.key_id(key):
                return entry
        raise StoreLocked(f"{self._store} is not encrypted: `memo encrypt` does that.")

    def change_passphrase(self, passphrase: str) -> None:
        """Wrap the key by another passphrase; the store is not rewritten."""
        self._rewrap(lambda entry, key: keys.with_passphrase(entry, key, passphrase))

    def change_code(self) -> str:
        """Wrap the key by another recovery code, which is returned and kept nowhere."""
        code = keys.new_code()
        self._rewrap(lambda entry, key: keys.with_code(entry, key, code))
        return code

    def remember(self, on: bool) -> bool:
        """Let the system's keyring hold the key, or no longer; whether that was done."""
        entry, key = self.entry(), self.key()
        if on and (key is None or not keys.remember(key)):
            return False
        if not on:
            keys.dismiss(entry.id)
        self._rewrap(lambda entry, _: replace(entry, keyring=on))
        return True

    def _rewrap(self, change: Callable[[keys.Entry, bytes], keys.Entry]) -> None:
        entry, key = self.entry(), self.key()
        if key is not None:
            keys.write(keys.key_file(self._store), (change(entry, key),))
            self.take(key)

    def _asked(self, entries: tuple[keys.Entry, ...], file: Path, called: Path) -> bytes:
        for wrong in range(_TRIES):
            secret = None if self._ask is None else self._ask(wrong)
            if secret is None and wrong:
                break
            if secret is None:
                raise StoreLocked(
                    f"{called} is encrypted: give its passphrase at a terminal, with "
                    "--passphrase-file, or in MEMO_PASSPHRASE."
                )
            try:
                return _opening(entries, secret, file)
            except WrongPassphrase:
                continue
        raise WrongPassphrase(
            f"That is neither the passphrase nor the recovery code of {called}: try again."
        )

    def _take(self, key: bytes) -> bytes:
        proven(self._store, key)
        lasting, pending = keys.key_file(self._store), keys.pending_file(self._store)
        if not lasting.exists() and pending.exists() and opens(self._store, key):
            keys.write(lasting, keys.only(keys.entries_of(pending), key))  # what was interrupted
            pending.unlink(missing_ok=True)
        self._key, self._seen = key, self._signature()
        return key

    def _entries(self) -> tuple[keys.Entry, ...]:
        """The keys that may open the store; none where it is plain."""
        lasting, pending = keys.key_file(self._store), keys.pending_file(self._store)
        if lasting.exists():
            return keys.entries_of(lasting)
        if pending.exists() and self._store.exists() and not opens(self._store, None):
            return keys.entries_of(pending)
        return ()

    def _held(self) -> bytes | None:
        """The key, if it was found to be right for the key file that is there now."""
        return self._key if self._key is not None and self._seen == self._signature() else None

    def _signature(self) -> tuple[int, int] | None:
        for path in (keys.key_file(self._store), keys.pending_file(self._store)):
            try:
                found = path.stat()
            except OSError:
                continue
            return found.st_ino, found.st_mtime_ns
        return None


def _opening(entries: tuple[keys.Entry, ...], secret: str, file: Path) -> bytes:
    found = keys.opened(entries, secret)
    if not found:
        raise WrongPassphrase("That is neither the passphrase nor the recovery code.")
    for key in found:
        if opens(file, key):
            return key
    return found[0]  # right, but the file is damaged or missing: opening it says which


def proven(path: Path, key: bytes) -> None:
    """Make sure that a file is encrypted: plain, and with a wrong key, it must not open.

    Raises:
        CipherMissing: It is not.
    """
    if path.exists() and (opens(path, None) or opens(path, secrets.token_bytes(keys.KEY_BYTES))):
        raise CipherMissing(
            f"{path} should be encrypted and is not: `memo encrypt` encrypts it; if it should be "
            f"plain, remove {keys.key_file(path).name}."
        )
