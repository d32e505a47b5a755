"""Claims about encryption: what opens the store, what does not, and what is left in the open."""

from __future__ import annotations

import functools
import os
import random
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import keyring
import pytest
from fakes import ANN
from keyring.backend import KeyringBackend
from keyring.backends import fail
from test_cli import Memo
from toy import TOY, move, opened

from memo.errors import (
    CipherMissing,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreReadOnly,
    WrongPassphrase,
)
from memo.keeping import backups, replacing
from memo.store import Store
from memo.trust import keys
from memo.trust.cipher import give_key
from memo.trust.unlocking import Keyholder, proven

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
WORDS = "correct horse battery staple"
CODE = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WX" + keys._check("0123456789ABCDEFGHJKMNPQRSTVWX")
CHEAP = keys.Cost(memory_kib=64, passes=1, lanes=1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store of two moves."""
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
        move(store, "York", "2024-02-01")
    return tmp_path


@pytest.fixture
def path(home: Path) -> Path:
    """The same, encrypted."""
    replacing.encrypt(home / "memo.db", Keyholder(home / "memo.db"), WORDS, CODE, CHEAP)
    return home / "memo.db"


def dump(path: Path, secret: str | None = WORDS) -> str:
    with Store.open(path, embedder=TOY, key=holder(path, secret).key()) as store:
        assert store.check() == []
        return store.dump()


def holder(path: Path, secret: str | None = WORDS) -> Keyholder:
    return Keyholder(path, lambda wrong: None if wrong else secret)


def in_the_open(folder: Path, *words: bytes) -> list[str]:
    """Files with words or SQLite's header in them."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [
        file.name
        for file in files
        if any(word in file.read_bytes() for word in (b"SQLite format 3", *words))
    ]


# -- what opens it -------------------------------------------------------------------


def test_an_encrypted_store_means_the_same(home: Path) -> None:
    before = dump(home / "memo.db")
    replacing.encrypt(home / "memo.db", Keyholder(home / "memo.db"), WORDS, CODE, CHEAP)
    assert dump(home / "memo.db") == before
    assert in_the_open(home, b"Hull", b"York", b"lives") == []
    replacing.decrypt(home / "memo.db", holder(home / "memo.db"))
    assert dump(home / "memo.db", None) == before
    assert not keys.key_file(home / "memo.db").exists()


def test_what_is_written_later_is_encrypted_in_every_file(path: Path) -> None:
    with Store.open(path, embedder=TOY, key=holder(path).key()) as store:
        move(store, "Quixotown", "2024-03-01")
        assert (path.parent / "memo.db-wal").stat().st_size
        assert in_the_open(path.parent, b"Quixotown", b"quixotown") == []


@pytest.mark.parametrize(
    "secret", ["", "Correct horse battery staple", WORDS + " ", CODE[:-1] + "0"]
)
def test_nothing_else_opens_it(path: Path, secret: str) -> None:
    with pytest.raises(WrongPassphrase):
        holder(path, secret).key()


def test_without_a_passphrase_it_says_how_to_give_one(path: Path) -> None:
    with pytest.raises(StoreLocked, match="--passphrase-file"):
        holder(path, None).key()
    with pytest.raises(StoreLocked, match="passphrase"):
        Store.open(path)


@pytest.mark.parametrize(
    "written",
    [CODE, CODE.lower(), CODE.replace("-", " "), CODE.replace("0", "O").replace("1", "l")],
)
def test_the_recovery_code_opens_it_however_it_is_written(path: Path, written: str) -> None:
    assert holder(path, written).key() == holder(path).key()


def test_no_two_codes_are_alike_and_a_slip_of_the_pen_is_noticed() -> None:
    codes = {keys.new_code() for _ in range(100)}
    assert len(codes) == 100
    slips = 0
    for code in codes:
        assert keys.recovery_code(code) == code
        slips += keys.recovery_code(("1" if code[0] != "1" else "2") + code[1:]) is None
    assert slips > 90  # two signs of check: one slip in a thousand gets by, and opens nothing


def test_a_changed_passphrase_leaves_the_store_untouched(path: Path) -> None:
    before, open_ = path.read_bytes(), holder(path)
    open_.change_passphrase("another")
    assert path.read_bytes() == before
    with pytest.raises(WrongPassphrase):
        holder(path).key()
    assert holder(path, "another").key() == holder(path, CODE).key() == open_.key()


def test_another_recovery_code_takes_the_place_of_the_first(path: Path) -> None:
    code = holder(path).change_code()
    with pytest.raises(WrongPassphrase):
        holder(path, CODE).key()
    assert holder(path, code).key() == holder(path).key()


def test_the_key_is_derived_once_a_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[str] = []
    derive = keys._derived

    def counted(secret: str, salt: bytes, cost: keys.Cost) -> bytes:
        derived.append(secret)
        return derive(secret, salt, cost)

    monkeypatch.setattr(keys, "_derived", counted)
    open_ = holder(path)
    for _ in range(5):
        Store.open(path, key=open_.key()).close()
    assert derived == [WORDS]


def test_every_wrapping_has_a_salt_of_its_own() -> None:
    key = keys.new_key()
    entry = keys.new_entry(key, WORDS, CODE, CHEAP)
    again = keys.with_passphrase(entry, key, WORDS, CHEAP)
    salts = {entry.passphrase.salt, entry.recovery.salt, again.passphrase.salt}
    hidden = {entry.passphrase.hidden, entry.recovery.hidden, again.passphrase.hidden}
    assert len(salts) == len(hidden) == 3


# -- what must not pass silently -----------------------------------------------------


def test_a_plain_store_in_an_encrypted_ones_place_is_refused(path: Path) -> None:
    with opened(path.parent / "other") as store:
        move(store, "Leeds", "2024-01-01")
    (path.parent / "other" / "memo.db").replace(path)
    with pytest.raises(CipherMissing, match="should be encrypted"):
        holder(path).key()


def test_a_store_killed_while_its_journal_was_needed_opens_with_its_key(
    path: Path, tmp_path: Path
) -> None:
    """It is neither called plain nor rolled back under another key."""
    before = dump(path)
    db = apsw.Connection(str(path))
    give_key(db, holder(path).key())
    for statement in ("journal_mode = DELETE", "cache_size = 1"):
        db.execute(f"PRAGMA {statement}").fetchall()
    db.execute("BEGIN; CREATE TABLE x (y); INSERT INTO x VALUES (zeroblob(200000))").fetchall()
    killed = tmp_path / "killed"
    killed.mkdir(mode=0o700)
    for file in path.parent.glob("memo.db*"):
        shutil.copyfile(file, killed / file.name)
    db.close()
    left = killed / "memo.db"
    assert (killed / "memo.db-journal").stat().st_size
    for secret in ("another phrase", None):
        with pytest.raises(StoreLocked):
            holder(left, secret).key()
    with pytest.raises(StoreReadOnly, match="merged first"):
        Store.open(left, key=holder(left).key(), read_only=True)
    assert dump(left) == before


def test_a_file_that_is_not_encrypted_is_never_called_so(home: Path) -> None:
    with pytest.raises(CipherMissing):
        proven(home / "memo.db", keys.new_key())


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_lost_store_is_not_replaced_by_an_empty_one(
    home: Path, encrypted: bool, request: pytest.FixtureRequest
) -> None:
    if encrypted:
        request.getfixturevalue("path")
    (home / "memo.db").unlink()
    with pytest.raises(StoreDamaged, match="missing"):
        Store.open(home / "memo.db", key=keys.new_key() if encrypted else None)
    assert not (home / "memo.db").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "cost"])
def test_a_damaged_key_file_is_told(path: Path, damage: str) -> None:
    file = keys.key_file(path)
    content = file.read_bytes()
    file.write_bytes(
        {
            "cut": content[:100],
            "flip": content.replace(b'"hidden": "', b'"hidden": "A', 1),
            "empty": b"",
            "cost": content.replace(b'"memory_kib": 64', b'"memory_kib": 999999999999', 1),
        }[damage]
    )
    with pytest.raises(StoreDamaged, match="key file"):
        holder(path).key()


def test_no_flipped_bit_passes_silently(path: Path) -> None:
    """Every page is authenticated: what was changed does not decrypt."""
    chance, whole, key = random.Random(0), path.read_bytes(), holder(path).key()
    expected, quiet = dump(path), 0
    for _ in range(100):
        place, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            with Store.open(path, key=key, embedder=TOY) as store:
                quiet += store.dump() != expected
        except StoreError:
            continue
        finally:
            for log in path.parent.glob("memo.db-[ws]*"):
                log.unlink()
    assert quiet == 0


def test_an_open_store_is_not_converted_under_somebodys_hands(home: Path) -> None:
    path = home / "memo.db"
    with Store.open(path, embedder=TOY, busy_timeout_ms=0) as store, pytest.raises(StoreBusy):
        store.dump()
        replacing.encrypt(path, Keyholder(path), WORDS, CODE, CHEAP)
    assert dump(path, None)
    assert not list(home.glob(".memo*"))


# -- the command line ----------------------------------------------------------------


@pytest.fixture
def memo(tmp_path: Path) -> Iterator[Memo]:
    """Ann's story, encrypted from the command line; its scripts know the passphrase."""
    memo = Memo(tmp_path)
    memo.tell()
    (tmp_path / "words").write_text(f"{WORDS}\n")
    told = memo.json("encrypt", "--new-passphrase-file", tmp_path / "words")
    memo.environ["MEMO_PASSPHRASE"] = WORDS
    memo.environ["RECOVERY"] = told[0]["recovery_code"]
    yield memo


def test_every_command_goes_on_with_the_passphrase(memo: Memo) -> None:
    assert "Borealis" in memo("facts").stdout
    assert memo("undo").exit_code == 0
    assert memo("redo").exit_code == 0
    assert (
        in_the_open(memo.home, *(word.encode() for text in ANN.values() for word in [text])) == []
    )


def test_without_it_every_command_ends_with_5(memo: Memo) -> None:
    del memo.environ["MEMO_PASSPHRASE"]
    for args in (["facts"], ["doctor"], ["export"], ["decrypt", "--yes"], ["encrypt"]):
        result = memo(*args)
        assert result.exit_code == 5, args
    memo.environ["MEMO_PASSPHRASE"] = "wrong"
    result = memo("facts")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "neither the passphrase nor the recovery code" in result.stderr


def test_the_recovery_code_directly_follows_its_colon(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    (tmp_path / "words").write_text(f"{WORDS}\n")
    told = memo("encrypt", "--new-passphrase-file", tmp_path / "words")
    assert told.exit_code == 0
    before, code = told.output.splitlines()[-2:]
    assert before.endswith(":")
    assert told.stdout == f"{code}\n"
    assert told.stderr.splitlines()[-1] == before


def test_older_backups_keep_their_passphrase_and_that_is_said(memo: Memo) -> None:
    made = backups.kept(memo.home / "memo.db")
    result = memo("decrypt", "--yes")
    assert f"{len(made)} automatic backup" in result.stderr
    assert "the former passphrase, or recovery code" in result.stderr
    memo.environ["MEMO_PASSPHRASE"] = "wrong"
    result = memo("restore", made[0].path, "--yes")
    assert result.exit_code == 5
    assert f"nor the recovery code of {made[0].path}" in result.stderr
    (memo.folder / "others").write_text("other words and more\n")
    again = memo("encrypt", "--yes", "--new-passphrase-file", memo.folder / "others")
    assert again.exit_code == 0
    assert made[0] in backups.kept(memo.home / "memo.db")
    assert "1 automatic backup made before needs the former passphrase" in again.stderr


@pytest.mark.parametrize("way", ["option", "variable", "code"])
def test_scripts_give_it_in_a_file_or_a_variable(memo: Memo, way: str) -> None:
    del memo.environ["MEMO_PASSPHRASE"]
    words = memo.folder / "words"
    if way == "option":
        assert memo("facts", "--passphrase-file", words).exit_code == 0
    elif way == "variable":
        memo.environ["MEMO_PASSPHRASE_FILE"] = str(words)
        assert memo("facts").exit_code == 0
    else:
        memo.environ["MEMO_PASSPHRASE"] = memo.environ["RECOVERY"]
        assert memo("facts").exit_code == 0
    assert memo("facts", "--passphrase-file", memo.folder / "none").exit_code == 2


def test_an_open_descriptor_serves_as_the_file(memo: Memo) -> None:
    given, words = os.pipe()
    os.write(words, f"{WORDS}\n".encode())
    os.close(words)
    done = subprocess.run(
        [sys.executable, "-m", "memo", "facts", "--passphrase-file", f"/dev/fd/{given}"],
        env=os.environ | {"MEMO_HOME": str(memo.home), "MEMO_MODELS": str(memo.folder)},
        pass_fds=[given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(given)
    assert "Borealis" in done.stdout


def test_backups_are_encrypted_and_carry_their_own_key(memo: Memo, tmp_path: Path) -> None:
    backup = tmp_path / "elsewhere.db"
    assert memo("backup", backup).exit_code == 0
    assert not re.search(rb"SQLite format 3|Borealis", backup.read_bytes())
    other = Memo(tmp_path / "other")
    assert other("restore", backup, "--yes").exit_code == 5
    other.environ["MEMO_PASSPHRASE"] = WORDS
    assert other("restore", backup, "--yes").exit_code == 0
    assert other("facts").stdout == memo("facts").stdout
    assert in_the_open(other.home, b"Borealis") == []


def test_a_plain_backup_comes_encrypted_into_an_encrypted_home(memo: Memo, tmp_path: Path) -> None:
    plain = Memo(tmp_path / "plain")
    plain.tell()
    backup = tmp_path / "plain.db"
    plain("backup", backup)
    assert memo("restore", backup, "--yes").exit_code == 0
    assert memo("facts").stdout == plain("facts").stdout
    assert in_the_open(memo.home, b"Borealis") == []


def test_a_passphrase_is_changed_from_the_command_line(memo: Memo) -> None:
    words = memo.folder / "others"
    words.write_text("other words\nnot these\n")
    assert memo("passphrase", "--new-passphrase-file", words).exit_code == 0
    assert memo("facts").exit_code == 5
    assert memo("facts", "--passphrase-file", words).exit_code == 0
    del memo.environ["MEMO_PASSPHRASE"]
    (told,) = memo.json("passphrase", "--new-code", "--passphrase-file", words)
    memo.environ["MEMO_PASSPHRASE"] = told["recovery_code"]
    assert memo("decrypt", "--yes").exit_code == 0
    del memo.environ["MEMO_PASSPHRASE"]
    assert memo("facts").exit_code == 0
    assert memo("passphrase", "--new-code").exit_code == 5


@pytest.mark.parametrize("given", [b"", b"\n", b"\nwords\n"])
def test_an_empty_passphrase_is_refused(tmp_path: Path, given: bytes) -> None:
    memo = Memo(tmp_path)
    memo.tell()
    (tmp_path / "words").write_bytes(given)
    assert memo("encrypt", "--new-passphrase-file", tmp_path / "words").exit_code == 2
    assert memo("encrypt").exit_code == 2  # nobody to ask
    assert memo("facts").exit_code == 0


class Wallet(KeyringBackend):
    """A keyring as one is written for the library."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_the_systems_keyring_opens_it_where_the_person_lets_it(memo: Memo) -> None:
    before = keyring.get_keyring()
    wallet = Wallet()
    keyring.set_keyring(wallet)
    try:
        assert memo("passphrase", "--keyring").exit_code == 0
        del memo.environ["MEMO_PASSPHRASE"]
        assert memo("facts").exit_code == 0
        ((_, name),) = wallet.kept
        wallet.kept["memo", name] = "00" * 32  # another key under this name
        assert memo("facts").exit_code == 5
        memo.environ["MEMO_PASSPHRASE"] = WORDS
        assert memo("passphrase", "--no-keyring").exit_code == 0
        assert wallet.kept == {}
    finally:
        keyring.set_keyring(before)


def test_a_machine_without_a_keyring_goes_on_without(memo: Memo) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        assert memo("passphrase", "--keyring").exit_code == 5
        assert memo("facts").exit_code == 0
    finally:
        keyring.set_keyring(before)


def test_no_core_is_dumped(tmp_path: Path) -> None:
    command = "import resource; from memo.cli import main\ntry: main(['where'])\nfinally: "
    done = subprocess.run(
        [sys.executable, "-c", f"{command}print(resource.getrlimit(resource.RLIMIT_CORE))"],
        env=os.environ | {"MEMO_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "(0, 0)"


# -- killed in the middle ------------------------------------------------------------

CALLS = ("open", "replace", "rename", "unlink", "link", "fsync", "pwrite", "write")


def killed(action: Callable[[], object], call: int) -> bool:
    """Run an action in a process that dies before its nth call that touches a file; if it died."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child does not go on as a test
        child = os.fork()
    if child == 0:
        left = call

        def dying(made: Callable[..., Any]) -> Callable[..., Any]:
            def run(*args: Any, **kwargs: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return made(*args, **kwargs)

            return run

        for name in CALLS:
            setattr(os, name, dying(getattr(os, name)))
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def plain_copy(home: Path) -> Path:
    with Store.open(home / "memo.db", embedder=TOY) as store:
        store.undo()
        store.backup(home / "copy.db")
        store.redo()
    return home / "copy.db"


@pytest.mark.parametrize("conversion", ["encrypt", "decrypt", "restore", "restore encrypted"])
def test_a_conversion_killed_at_any_call_leaves_a_whole_store(
    home: Path, tmp_path_factory: pytest.TempPathFactory, conversion: str
) -> None:
    copy = plain_copy(home)
    before = dump(home / "memo.db")
    if conversion in ("decrypt", "restore encrypted"):
        replacing.encrypt(home / "memo.db", Keyholder(home / "memo.db"), WORDS, CODE, CHEAP)

    def convert(path: Path) -> None:
        if conversion == "encrypt":
            replacing.encrypt(path, holder(path), WORDS, CODE, CHEAP)
        elif conversion == "decrypt":
            replacing.decrypt(path, holder(path))
        else:
            replacing.restore(path, path.parent / copy.name, holder(path))

    deaths = 0
    ends = set()
    while True:
        folder = tmp_path_factory.mktemp("killed") / "home"
        shutil.copytree(home, folder)
        path = folder / "memo.db"
        if not killed(functools.partial(convert, path), deaths):
            break
        deaths += 1
        ends.add(dump(path))
        if Keyholder(path).locked == (conversion == "decrypt"):
            convert(path)  # the same command goes on from there
            ends.add(dump(path))
            assert list(folder.glob(".memo*")) == []
    assert deaths > 20
    assert before in ends
    assert len(ends) == (1 if conversion in ("encrypt", "decrypt") else 2)
