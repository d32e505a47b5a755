"""The key of an encrypted store: random, wrapped by a passphrase and by a recovery code.

The data key never changes while a store stays encrypted; the key file beside the store holds it
twice, hidden under what Argon2id makes of the passphrase and of the code. Each wrapping has a salt
of its own, so its key stream is used once: it is added to the data key by exclusive or, and a
second half of it authenticates the result together with the salt and the cost (encrypt, then
MAC). Without one of the two secrets the file tells nothing but the cost of guessing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from memo.errors import StoreDamaged
from memo.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
_SALT_BYTES = 16
_FORMAT = 1
_MOST_MEMORY_KIB = 4 * 2**20  # more would be a damaged file, not a careful person
_MOST_PASSES = 1000
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_READ_AS = str.maketrans("ILO", "110")
_RANDOM_CHARS, _CHECK_CHARS, _GROUP = 30, 2, 4  # 150 bits


SHORT = 12
"""Characters of a passphrase below which a patient guesser has a chance even against Argon2id."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of a passphrase costs."""

    memory_kib: int = 65536
    passes: int = 3
    lanes: int = 4  # 0.26 s on the machine of docs/reliability.md; RFC 9106's second choice


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key that one secret brings out again."""

    salt: bytes
    cost: Cost
    hidden: bytes
    mark: bytes
    """Authenticates all of the above."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One data key with the two ways to it."""

    id: str
    passphrase: Wrapped
    recovery: Wrapped
    keyring: bool = False
    """Whether the person let the system's keyring hold the data key, too."""


def new_key() -> bytes:
    """A data key."""
    return secrets.token_bytes(KEY_BYTES)


def key_id(key: bytes) -> str:
    """Names a data key without telling anything of it."""
    return hmac.digest(key, b"memo: name of a key", "sha256").hex()[:16]


def new_entry(key: bytes, passphrase: str, code: str, cost: Cost | None = None) -> Entry:
    """Wrap a data key by both secrets."""
    spent = cost or Cost()
    return Entry(key_id(key), wrapped(key, passphrase, spent), wrapped(key, code, spent))


def wrapped(key: bytes, secret: str, cost: Cost | None = None) -> Wrapped:
    """Hide a data key under one secret."""
    salt, spent = secrets.token_bytes(_SALT_BYTES), cost or Cost()
    stream = _derived(secret, salt, spent)
    hidden = _exclusive_or(key, stream)
    return Wrapped(salt, spent, hidden, _mark(stream, salt, spent, hidden))


def unwrapped(one: Wrapped, secret: str) -> bytes | None:
    """The data key; None where the secret is another."""
    stream = _derived(secret, one.salt, one.cost)
    if not hmac.compare_digest(_mark(stream, one.salt, one.cost, one.hidden), one.mark):
        return None
    return _exclusive_or(one.hidden, stream)


def opened(entries: tuple[Entry, ...], secret: str) -> tuple[bytes, ...]:
    """The data keys that a passphrase or recovery code brings out."""
    code = recovery_code(secret)
    found = []
    for entry in entries:
        key = unwrapped(entry.passphrase, secret)
        if key is None and code is not None:
            key = unwrapped(entry.recovery, code)
        if key is not None:
            found.append(key)
    return tuple(found)


def _derived(secret: str, salt: bytes, cost: Cost) -> bytes:
    from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415  # few starts need it

    return hash_secret_raw(
        secret.encode("utf-8", "surrogateescape"),
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=2 * KEY_BYTES,
        type=Type.ID,
    )


def _exclusive_or(text: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, stream[:KEY_BYTES], strict=True))


def _mark(stream: bytes, salt: bytes, cost: Cost, hidden: bytes) -> bytes:
    said = json.dumps([salt.hex(), cost.memory_kib, cost.passes, cost.lanes, hidden.hex()])
    return hmac.digest(stream[KEY_BYTES:], said.encode(), "sha256")


# -- the recovery code ---------------------------------------------------------------


def new_code() -> str:
    """A recovery code to write down: eight groups of four, the last two signs a check."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARS))
    return _grouped(random + _check(random))


def recovery_code(text: str) -> str | None:
    """The code as it was printed, however it was written; None for what is none."""
    signs = "".join(char for char in text.upper() if char.isalnum()).translate(_READ_AS)
    random, check = signs[:_RANDOM_CHARS], signs[_RANDOM_CHARS:]
    if len(signs) != _RANDOM_CHARS + _CHECK_CHARS or _check(random) != check:
        return None
    return _grouped(signs)


def _check(random: str) -> str:
    digest = hashlib.sha256(random.encode()).digest()
    return _ALPHABET[digest[0] % 32] + _ALPHABET[digest[1] % 32]


def _grouped(signs: str) -> str:
    return "-".join(signs[start : start + _GROUP] for start in range(0, len(signs), _GROUP))


# -- the key file --------------------------------------------------------------------


def key_file(store: Path) -> Path:
    """Where the key of a store lies."""
    return store.with_name(f"{store.name}-key")


def pending_file(store: Path) -> Path:
    """The key file while the store is being replaced: it may hold for it or not yet."""
    return store.with_name(f"{store.name}-key.new")


def entries_of(path: Path) -> tuple[Entry, ...]:
    """What a key file holds.

    Raises:
        StoreDamaged: It cannot be read or was changed.
    """
    try:
        return parsed(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreDamaged(
            f"The key file {path} is damaged ({error}): `memo doctor --repair` takes the key from "
            "a backup."
        ) from error


def parsed(content: bytes) -> tuple[Entry, ...]:
    """What the text of a key file says.

    Raises:
        ValueError: It is none, or was changed.
    """
    try:
        told: dict[str, Any] = json.loads(content)
        if told["memo_key"] != _FORMAT:
            raise ValueError(f"format {told['memo_key']!r}")
        if told["sha256"] != _digest(told["keys"]):
            raise ValueError("its checksum differs")
        return tuple(_entry(one) for one in told["keys"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no key file") from error


def as_text(entries: tuple[Entry, ...]) -> bytes:
    """The text of a key file."""
    keys = [asdict(entry) for entry in entries]
    for one in keys:
        for way in ("passphrase", "recovery"):
            one[way] |= {
                part: base64.b64encode(one[way][part]).decode()
                for part in ("salt", "hidden", "mark")
            }
    told = {"memo_key": _FORMAT, "keys": keys, "sha256": _digest(keys)}
    return (json.dumps(told, indent=1) + "\n").encode()


def write(path: Path, entries: tuple[Entry, ...]) -> None:
    """Replace a key file."""
    write_whole(path, as_text(entries))


def only(entries: tuple[Entry, ...], key: bytes | None) -> tuple[Entry, ...]:
    """The entry of one key; none for no key."""
    return tuple(one for one in entries if key is not None and one.id == key_id(key))


def _digest(keys: object) -> str:
    return hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()


def _entry(told: dict[str, Any]) -> Entry:
    entry = Entry(
        told["id"], _wrapped(told["passphrase"]), _wrapped(told["recovery"]), told["keyring"]
    )
    if not isinstance(entry.id, str) or not isinstance(entry.keyring, bool):
        raise ValueError("no key file")
    return entry


def _wrapped(told: dict[str, Any]) -> Wrapped:
    salt, hidden, mark = (
        base64.b64decode(told[part], validate=True) for part in ("salt", "hidden", "mark")
    )
    cost = Cost(**told["cost"])
    lengths = (len(salt), len(hidden), len(mark)) == (_SALT_BYTES, KEY_BYTES, 32)
    within = (
        8 * cost.lanes <= cost.memory_kib <= _MOST_MEMORY_KIB
        and 1 <= cost.passes <= _MOST_PASSES
        and 1 <= cost.lanes <= 255
    )
    if not (lengths and within):
        raise ValueError("its cost or its lengths cannot be right")
    return Wrapped(salt, cost, hidden, mark)


# -- the system's keyring ------------------------------------------------------------

_SERVICE = "memo"


def remember(key: bytes) -> bool:
    """Let the system's keyring hold a data key; False where there is none that would."""
    try:
        import keyring  # noqa: PLC0415  # optional

        keyring.set_password(_SERVICE, key_id(key), key.hex())
    except Exception:  # noqa: BLE001  # a missing, locked or broken keyring: any error is its own
        return False
    return recalled(key_id(key)) == key


def recalled(name: str) -> bytes | None:
    """The data key of this id from the system's keyring; None where it has or tells none."""
    try:
        import keyring  # noqa: PLC0415  # as above

        key = bytes.fromhex(keyring.get_password(_SERVICE, name) or "")
    except Exception:  # noqa: BLE001  # as above
        return None
    return key if key_id(key) == name else None


def dismiss(name: str) -> None:
    """Take a data key out of the system's keyring."""
    try:
        import keyring  # noqa: PLC0415  # as above

        keyring.delete_password(_SERVICE, name)
    except Exception:  # noqa: BLE001  # as above: what is not there need not go
        pass


def with_passphrase(entry: Entry, key: bytes, passphrase: str, cost: Cost | None = None) -> Entry:
    """The same key under another passphrase."""
    return replace(entry, passphrase=wrapped(key, passphrase, cost))


def with_code(entry: Entry, key: bytes, code: str, cost: Cost | None = None) -> Entry:
    """The same key under another recovery code."""
    return replace(entry, recovery=wrapped(key, code, cost))
