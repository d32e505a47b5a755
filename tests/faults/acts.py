"""What memo does to a person's files, each from a given beginning, so that it can be disturbed.

An act runs on a home that `prepare` has made and calls `told` after everything that the person is
told is done. `state` says what a home then holds, as text that is equal where it means the same.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import apsw
import sqlite_vec
from fakes import ANN, HashEmbedder, ann
from toy import on

from memo.engines import Engines
from memo.errors import ModelNotFound
from memo.imports import Imported, Stored
from memo.keeping import replacing
from memo.memory import Memory, note
from memo.records import ChangeId, ConversationId, DocumentId, FactId, HeldId
from memo.settings import load
from memo.store import Store, schema
from memo.trust import keys
from memo.trust.cipher import APPLICATION_ID
from memo.trust.head import read_head, renew_head
from memo.trust.unlocking import Keyholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from memo.records import Document
    from memo.settings import Settings

ABSENT = "no store"
CANARY = "Borealis"
"""What the acts that forget must leave no trace of."""
LATER = "2024-09-01"
PASSPHRASE, CODE = "seven tired otters", keys.new_code()
CHEAP = keys.Cost(memory_kib=64, passes=1, lanes=1)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that memo does."""

    name: str
    prepare: Callable[[Path], None]
    run: Callable[[Path, Callable[[], None]], None]
    again: bool = True
    """Whether doing it twice is doing it once."""
    forgets: bool = False
    destroys: bool = False
    """Whether a store that is half there is what it makes on its way."""
    overcomes: bool = False
    """Whether a store or a copy that cannot be read is what it is there for."""


def stand_still() -> None:
    """Give every store a clock that stands still: what is told at once is equal twice."""
    defaults = Store.open.__func__.__kwdefaults__  # type: ignore[attr-defined]  # of a classmethod
    defaults["clock"] = lambda: on("2026-01-01")


def memory_of(home: Path) -> Memory:
    """The memory in a home, with fake models; it knows the passphrase."""
    lm, embedder = ann(), HashEmbedder()
    settings = load(home=home, environ={"MEMO_MODELS": str(home.parent / "models")})

    def embedding(settings: Settings) -> HashEmbedder:
        if settings.embedder == "none":
            raise ModelNotFound("no embedding model")
        return embedder

    holder = Keyholder(settings.store, lambda wrong: None if wrong else PASSPHRASE)
    return Memory(settings, Engines(lambda _: lm, embedding), busy_timeout_ms=200, holder=holder)


def state(home: Path) -> str:
    """What a home holds, told by the store itself; a backup in it, too.

    Raises:
        AssertionError: The store is not sound.
        StoreError: It cannot be opened.
    """
    holder = memory_of(home).holder
    return "\n".join(_state(home / name, holder) for name in ("memo.db", "kept.db"))


def _state(path: Path, holder: Keyholder) -> str:
    if not path.exists() or not path.stat().st_size:
        return ABSENT
    ours = path.name == "memo.db"
    key = holder.key() if ours else holder.key_for((), path, path)
    with Store.open(path, key=key, read_only=not ours) as store:  # a backup is sealed
        assert store.check() == []
        return store.dump() if store.documents() else ABSENT


def story(*days: str) -> list[Document]:
    """What Ann says on these days, or on all."""
    said = ANN | {LATER: "The garden is lovely. Nothing else is new."}
    return [one for day in days or said for one in note(said[day], on(day), speaker="Ann")]


def _import(home: Path, told: Callable[[], None], documents: Iterable[Document]) -> None:
    for event in memory_of(home).ingest_all(documents):
        if isinstance(event, Stored | Imported):
            told()


def _encrypt(home: Path) -> None:
    store = home / "memo.db"
    replacing.encrypt(store, memory_of(home).holder, PASSPHRASE, CODE, CHEAP)


def _nothing(home: Path) -> None:
    home.mkdir(mode=0o700)


def _begun(home: Path) -> None:
    """Ann has started at Acme."""
    _nothing(home)
    _import(home, lambda: None, story("2024-01-05"))


def _whole(home: Path) -> None:
    """Ann has told everything, in two imports, and talked about it."""
    _begun(home)
    _import(home, lambda: None, story("2024-06-01", LATER))
    _ask(memory_of(home))
    _answer(home, lambda: None)


def _ask(memory: Memory) -> None:
    """In the conversation that there is, or a new one."""
    last = next((one.id for one in memory.conversations.listed()), None)
    memory.conversations.begin("Is the garden lovely?", last)


def _asked(home: Path) -> None:
    _whole(home)
    _ask(memory_of(home))


def _answer(home: Path, told: Callable[[], None]) -> None:
    """What was asked last."""
    conversations = memory_of(home).conversations
    (conversation,) = conversations.listed()
    exchange = conversations.exchanges(conversation.id)[-1].id
    conversations.answered(exchange, "It is, says Ann.")
    told()
    conversations.remembered(exchange, "nothing new")
    told()


def _undone(home: Path) -> None:
    _whole(home)
    memory_of(home).undo_import()


def _held(home: Path) -> None:
    """What would end a pinned fact waits for review."""
    _begun(home)
    memory = memory_of(home)
    for fact in memory.facts():
        memory.pin(fact.id)
    _import(home, lambda: None, story("2024-06-01"))
    assert memory.waiting() == 1


def _backed_up(home: Path) -> None:
    _begun(home)
    memory_of(home).backup(home / "kept.db")
    _import(home, lambda: None, story("2024-06-01"))


def _of_schema(version: int) -> Callable[[Path], None]:
    """A golden store: what the memo whose schema had this number would have written."""

    def prepare(home: Path) -> None:
        _whole(home)
        store = home / "memo.db"
        now = store.rename(home / "now.db")
        db = apsw.Connection(str(store))
        db.enable_load_extension(True)
        db.load_extension(sqlite_vec.loadable_path())
        db.execute("PRAGMA page_size = 8192")
        db.execute("PRAGMA journal_mode = WAL").fetchall()
        for script in (*schema.MIGRATIONS[:version], *map(_words, ("fact", "passage"))):
            schema.run_script(db, script)
        db.execute("DELETE FROM meta")
        db.execute("ATTACH :now AS now", {"now": str(now)})
        ours = "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
        for (table,) in db.execute(
            f"{ours} AND name NOT GLOB '*_fts*' AND name <> 'sqlite_sequence'"
        ):
            columns = ", ".join(
                name
                for (name,) in db.execute(
                    "SELECT name FROM pragma_table_info(:table, 'main') "
                    "INTERSECT SELECT name FROM pragma_table_info(:table, 'now')",
                    {"table": table},
                )
            )
            every = f"SELECT {columns} FROM now.{table}"  # noqa: S608 - our own names
            db.execute(f"INSERT INTO main.{table} ({columns}) {every}")
        for kind in ("fact", "passage"):
            every = f"SELECT rowid, text FROM now.{kind}_fts"  # noqa: S608 - our own names
            db.execute(f"INSERT INTO main.{kind}_fts (rowid, text) {every}")
        if version < 3:
            _add_vec0(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        db.close()
        for path in home.glob("now.db*"):
            path.unlink()
        store.chmod(0o600)
        head = read_head(store)
        assert head is not None
        renew_head(store, replace(head, exchanges=0))  # a former memo did not count them

    return prepare


def _words(kind: str) -> str:
    return schema.FTS.format(name=f"{kind}_fts")


def _add_vec0(db: apsw.Connection) -> None:
    """Before the third schema vectors lay in vec0, too."""
    for kind, live in (("fact", "JOIN fact_state USING (fact_id)"), ("passage", "")):
        schema.run_script(
            db,
            f"""
            CREATE VIRTUAL TABLE {kind}_vec USING vec0 (
                id INTEGER PRIMARY KEY, vector FLOAT[384] distance_metric=cosine);
            INSERT INTO {kind}_vec SELECT v.* FROM {kind}_vector v {live};
            """,  # noqa: S608 - our own names
        )


def _done(act: Callable[[Memory], object]) -> Callable[[Path, Callable[[], None]], None]:
    """An act that is told once, at its end."""

    def run(home: Path, told: Callable[[], None]) -> None:
        act(memory_of(home))
        told()

    return run


def _forget_fact(home: Path, told: Callable[[], None]) -> None:
    """Where no embedding model is: the passages that lost a sentence get vectors by a repair."""
    memory = memory_of(home)
    memory.choose(replace(memory.settings, embedder="none"))
    memory.forget_fact(FactId(3))
    told()


def _encrypted(home: Path, told: Callable[[], None]) -> None:
    _encrypt(home)
    told()


def _sealed(home: Path) -> None:
    _whole(home)
    _encrypt(home)


def _restore(memory: Memory) -> None:
    memory.restore(memory.settings.home / "kept.db")


ACTS = (
    Act("first", _nothing, lambda home, told: _import(home, told, story())),
    Act("ingest", _begun, lambda home, told: _import(home, told, story())),
    Act("undo", _whole, _done(lambda memory: memory.undo(ChangeId(2)))),
    Act("undo-import", _whole, _done(lambda memory: memory.undo_import(ChangeId(2)))),
    Act("redo", _undone, _done(lambda memory: memory.redo(ChangeId(4)))),
    Act("pin", _whole, _done(lambda memory: memory.pin(FactId(2))), again=False),
    Act(
        "edit",
        _whole,
        _done(lambda memory: memory.edit(FactId(2), "Ann lives in York.", on("2025-01-01"))),
        again=False,
    ),
    Act("accept", _held, _done(lambda memory: memory.accept([HeldId(1)]))),
    Act("reject", _held, _done(lambda memory: memory.reject([HeldId(1)]))),
    Act("forget-fact", _whole, _forget_fact, forgets=True),
    Act(
        "forget-document",
        _whole,
        _done(lambda memory: memory.forget_document(DocumentId(2))),
        forgets=True,
    ),
    *(
        Act(f"migrate-{version}", _of_schema(version), _done(lambda memory: memory.facts()))
        for version in range(1, len(schema.MIGRATIONS))
    ),
    Act("backup", _whole, _done(lambda memory: memory.backup(memory.settings.home / "kept.db"))),
    Act("restore", _backed_up, _done(_restore), overcomes=True),
    Act("ask", _whole, _done(_ask), again=False),
    Act("answer", _asked, _answer),
    Act(
        "delete-talk",
        _whole,
        _done(lambda memory: memory.conversations.delete(ConversationId(1))),
    ),
    Act("repair", _whole, _done(lambda memory: memory.repair()), overcomes=True),
    Act("encrypt", _whole, _encrypted),
    Act("decrypt", _sealed, _done(lambda memory: memory.decrypt())),
    Act("reset", _whole, _done(lambda memory: memory.reset()), destroys=True),
)
"""All of them; `ingest` imports what is known in part, as a stopped import does when it goes on."""


PLAIN_ONLY = ("first", "encrypt", "decrypt")
"""Acts whose beginning says whether there is encryption; migrations come from before there was."""


def encryptable(act: Act) -> bool:
    """Whether an act can begin with an encrypted store."""
    return act.name not in PLAIN_ONLY and not act.name.startswith("migrate")


def fresh(act: Act, folder: Path, *, cipher: bool = False) -> Path:
    """The home from which an act begins."""
    home = folder / "before"
    act.prepare(home)
    if cipher:
        _encrypt(home)
    return home


def copied(home: Path, to: Path) -> Path:
    """A home of its own for one disturbance."""
    if to.exists():
        shutil.rmtree(to)
    shutil.copytree(home, to)
    return to
