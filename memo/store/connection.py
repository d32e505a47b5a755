"""One open store file: statements, transactions, and whose vectors it holds."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import apsw

from memo.errors import EmbedderMismatch, StoreBusy, StoreDamaged, StoreError, StoreReadOnly
from memo.lm import EmbedderIdentity
from memo.settings import private_folder
from memo.store import opening, schema
from memo.store.rows import checked_vectors
from memo.store.snapshot import head_of, snapshot
from memo.trust.cipher import broken_page
from memo.trust.head import read_head, write_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from memo.store.rows import Embed, Row
    from memo.trust.head import Head


_VECTORS = (
    *("fact_vector", "passage_vector", "embedder"),
    *("code_place", "code_slots", "code_segment"),
)
"""What belongs to one embedder."""


_OPEN: Counter[Path] = Counter()
"""How many connections of this process a file has."""


def _now() -> datetime:
    return datetime.now(UTC)


def _keep_former(
    path: Path, key: bytes | None, clock: Callable[[], datetime] | None, db: apsw.Connection
) -> None:
    """Back up what an older memo wrote, before it is brought up to date; not without a clock."""
    if clock is None:
        return
    folder = private_folder(opening.backup_folder(path))
    target = folder / f"memo-{clock():%Y%m%dT%H%M%SZ}-before-migration.db"
    if not target.exists():
        snapshot(db, path, target, key, lambda copy: check_pages(copy, key))


def check_pages(path: Path, key: bytes | None) -> None:
    """Make sure that the pages of a copy hold together, whatever schema they are of.

    Raises:
        StoreDamaged: They do not.
    """
    if problem := broken_page(path, key):
        raise StoreDamaged(f"The copy {path} is not whole: {problem}.")


class Connection:
    """An open file; closed as a context manager."""

    def __init__(
        self,
        db: apsw.Connection,
        path: Path,
        *,
        writable: bool,
        clock: Callable[[], datetime],
        key: bytes | None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self.path = path
        self.wrote = False
        """Whether anything was stored through this connection."""
        self.writable = writable
        """False where the file or its folder may only be read."""
        self._released = True
        secrets = self._all("SELECT value FROM meta WHERE name = 'secret'")
        if not secrets:
            raise StoreDamaged(f"{path} lost its secret: {opening.remedy(path)}.")
        self._secret: bytes = secrets[0][0]
        self._embedder = self._stored_embedder()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        embedder: EmbedderIdentity | None = None,
        key: bytes | None = None,
        read_only: bool = False,
        keep_former: bool = True,
        busy_timeout_ms: int = 5000,
        clock: Callable[[], datetime] = _now,
    ) -> Self:
        """Open the file, making it and its folder where there are none.

        What an older memo wrote is brought up to date, and before that backed up unless
        `keep_former` is false.

        Raises:
            EmbedderMismatch: The stored vectors came from another embedder.
            StoreDamaged: What was stored last is missing.
            StoreError: As in `opening.connect`.
        """
        written = read_head(path)
        db, writable = opening.connect(
            path,
            key=key,
            read_only=read_only,
            busy_timeout_ms=busy_timeout_ms,
            before_migration=partial(_keep_former, path, key, clock if keep_former else None),
        )
        try:
            store = cls(db, path, writable=writable, clock=clock, key=key)
            if written is not None and (problem := store.behind(written)):
                raise StoreDamaged(
                    f"{path} is not whole: {problem}; {opening.remedy(path)}, "
                    "`memo doctor --accept-loss` goes on with what is left."
                )
            if embedder is not None:
                store.adopt(embedder)
            if store._one("SELECT count(*) FROM meta WHERE name = 'underived'")[0]:
                store._catch_up()
        except BaseException:
            db.close()
            raise
        store._released = False
        _OPEN[path] += 1
        return store

    def _catch_up(self) -> None:
        """Derive what a migration left to be derived."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the file; harmless when done twice.

        Raises:
            StoreError: What was done is stored, but the disk fails.
        """
        try:
            if self._release():
                self._merge_log()
        finally:
            self._db.close()

    def _release(self) -> bool:
        """Count this one as closed; whether it was the last of this process that may write."""
        if self._released:
            return False
        self._released = True
        _OPEN[self.path] -= 1
        return self.writable and not _OPEN[self.path]

    def _merge_log(self) -> None:
        """What SQLite does on closing anyhow, but without a word where it fails."""
        try:
            self._db.execute("PRAGMA wal_checkpoint").fetchall()
        except (apsw.BusyError, apsw.LockedError):
            pass  # whoever has it open merges it
        except apsw.Error as error:
            raise StoreError(
                f"What was done is stored, but {self.path} could not take it in ({error}): "
                "make room on its disk, or back up and check it."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self._release()
            self._db.close()

    def _all(self, sql: str, bindings: dict[str, object] | None = None) -> list[Row]:
        try:
            return self._db.execute(sql, bindings).fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise opening.explained(error, self.path) from error

    def _one(self, sql: str, bindings: dict[str, object] | None = None) -> Row:
        """The one row that a sound store has.

        Raises:
            StoreDamaged: It has none.
        """
        rows = self._all(sql, bindings)
        if not rows:
            raise opening.explained(apsw.CorruptError("a row is missing"), self.path)
        return rows[0]

    def _ids(self, sql: str, bindings: dict[str, object] | None = None) -> list[int]:
        return [row[0] for row in self._all(sql, bindings)]

    def _in_order(self, after: int, ids: Sequence[int]) -> bool:
        """Whether there are ids, which lie in order behind one.

        Raises:
            StoreDamaged: They do not: who asks for the next ones by the last would never end.
        """
        if any(one >= other for one, other in pairwise((after, *ids))):
            raise opening.explained(apsw.CorruptError("rows out of order"), self.path)
        return bool(ids)

    def _each(self, sql: str, bindings: dict[str, object] | None = None) -> Iterator[Row]:
        """Rows one at a time, for those that are too many to hold."""
        try:
            yield from self._db.execute(sql, bindings)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise opening.explained(error, self.path) from error

    def _many(self, sql: str, bindings: Iterable[dict[str, object]]) -> None:
        """Run a statement once for each binding."""
        try:
            for _ in self._db.executemany(sql, bindings):
                pass
        except apsw.Error as error:
            raise opening.explained(error, self.path) from error

    @contextmanager
    def _blob(
        self, table: str, column: str, row: int, *, write: bool = False
    ) -> Iterator[apsw.Blob]:
        """A value opened in place: an UPDATE of a byte would write all of it anew."""
        try:
            with self._db.blob_open("main", table, column, row, write) as blob:
                yield blob
        except apsw.Error as error:
            raise opening.explained(error, self.path) from error

    def _script(self, sql: str) -> None:
        with self._explained():
            schema.run_script(self._db, sql)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Tell a failure of SQLite as what it means to the person."""
        try:
            yield
        except apsw.Error as error:
            raise opening.explained(error, self.path) from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One snapshot for several statements."""
        if self._db.in_transaction:
            yield
            return
        self._all("BEGIN")
        try:
            yield
        finally:
            if self._db.in_transaction:
                self._all("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All or nothing, holding the write lock from the first read on."""
        if not self.writable:
            raise StoreReadOnly(f"{self.path} is open for reading only: check its permissions.")
        self._all("BEGIN IMMEDIATE")
        try:
            yield
            self._all("COMMIT")
        finally:
            if self._db.in_transaction:  # a full disk has already rolled back
                self._all("ROLLBACK")
        self.wrote = True
        write_head(self.path, self.head())

    def head(self) -> Head:
        """How far the logs of changes and of events, the documents and the exchanges have come."""
        with self._explained():
            return head_of(self._db)

    def behind(self, written: Head) -> str | None:
        """What is missing of that which had been stored when this head was written."""
        now = self.head()
        if now.changes < written.changes or now.events < written.events:
            return (
                f"it holds {now.changes} changes and {now.events} events, "
                f"{written.changes} and {written.events} were stored"
            )
        if now.documents < written.documents:
            return f"it holds {now.documents} documents, {written.documents} were stored"
        if now.exchanges < written.exchanges:
            return (
                f"it has counted {now.exchanges} exchanges of conversations, "
                f"{written.exchanges} were kept"
            )
        rows = self._all("SELECT hash FROM event WHERE id = :id", {"id": written.events})
        if rows and rows[0][0] != written.hash:
            return f"event {written.events} is not the one that was stored"
        return None

    def be_alone(self) -> None:
        """Merge the write-ahead log, and keep every other process out until this closes.

        Raises:
            StoreBusy: Another connection is open.
        """
        for statement in ("journal_mode = DELETE", "locking_mode = EXCLUSIVE"):
            self._all(f"PRAGMA {statement}")
        self._script("BEGIN EXCLUSIVE; COMMIT;")
        if self._all("PRAGMA journal_mode") != [("delete",)]:
            raise StoreBusy(f"Another memo has {self.path} open: close it, then try again.")

    @property
    def encrypted(self) -> bool:
        """Whether what is stored is encrypted."""
        return self._key is not None

    def embedder_identity(self) -> EmbedderIdentity | None:
        """Whose vectors are stored; None before the first."""
        return self._embedder

    def _stored_embedder(self) -> EmbedderIdentity | None:
        rows = self._all("SELECT name, sha256, dim FROM embedder")
        return EmbedderIdentity(*rows[0]) if rows else None

    def adopt(self, embedder: EmbedderIdentity) -> None:
        """Take the embedder for this store, or refuse another than the stored one."""
        if self._embedder is None and self.writable:
            with self._writing():
                if self._stored_embedder() is None:
                    self._install(embedder)
            self._embedder = self._stored_embedder()
        if self._embedder is not None and self._embedder != embedder:
            raise EmbedderMismatch(
                f"The vectors in {self.path} came from {self._embedder.name} "
                f"({self._embedder.sha256[:12]}), not from {embedder.name} "
                f"({embedder.sha256[:12]}): use that one, or run `memo doctor` to embed anew."
            )

    def _install(self, embedder: EmbedderIdentity) -> None:
        """Begin empty vector tables for an embedder."""
        for table in _VECTORS:
            self._all(f"DELETE FROM {table}")  # noqa: S608 - one of our own table names
        self._all("INSERT INTO embedder VALUES (:name, :sha256, :dim)", asdict(embedder))

    def _embedded(self, texts: Iterable[str], embed: Embed) -> dict[str, bytes]:
        """The vector of each text, checked: with NaN in it one would be near to nothing.

        Raises:
            EmbedderMismatch: The dimension is not the stored embedder's, or there is none.
            ModelError: A vector is not finite.
        """
        wanted = list(dict.fromkeys(texts))
        if not wanted:
            return {}
        if self._embedder is None:
            raise EmbedderMismatch(f"{self.path} has no embedder yet: open it with one.")
        return checked_vectors(wanted, embed(wanted), self._embedder)
