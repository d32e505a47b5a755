"""Sign codes: the small, packed shape of all vectors that a search looks through first.

A code is the signs of a vector, a bit a dimension. Codes lie in segments of `SLOTS`, each
segment of one part: the facts of one state, or the passages, so that past facts cost a search
of current ones nothing. Within a part all segments but the last are full, as the last code
takes the place of one that goes. A slot is a row of 64-bit words: id, begin, code.

Everything here is derived from `fact_state`, `passage` and the stored vectors.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from memo.events import FORGOTTEN
from memo.records import State, from_utc_text
from memo.store.reading import Reading
from memo.store.rows import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Sequence
    from datetime import datetime

    from memo.lm import Vectors

Words = npt.NDArray[np.uint64]
"""(slots, words) of `SLOTS` rows at most."""

SLOTS = 4096
"""Codes in a segment: 256 KiB at 384 dimensions, which a processor's own cache holds."""
FACTS = (State.CURRENT.value, State.UNCERTAIN.value, State.PAST.value)
"""The parts that hold facts."""
PASSAGES = "passage"
"""The part that holds passages."""
_LIKE = 4096
"""How many codes, at least, are taken by the number of signs that differ."""
_LIKE_EACH = 4
"""Or how many for each vector that will be compared exactly, if that is more."""
_BYTES = 8
_HEAD = 2  # id and begin


def signs(vectors: Vectors) -> Words:
    """(n, words): the sign of each dimension, in whole words."""
    bits = np.packbits(vectors > 0, axis=1, bitorder="little")
    spare = -bits.shape[1] % _BYTES
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, spare)))).view("<u8")


def slots_of(ids: Iterable[int], begins: Iterable[str], vectors: Vectors) -> Words:
    """(n, 2 + words): what is stored for each vector."""
    seconds = [int(from_utc_text(begin).timestamp()) for begin in begins]
    head = np.array([list(ids), seconds], "<i8").T.view("<u8")
    return np.ascontiguousarray(np.hstack([head, signs(vectors)]))


def nearest(
    segments: Iterable[Words], vector: Vectors, count: int, until: datetime | None
) -> Words:
    """The slots, at least `count` where there are as many, whose signs differ least.

    Args:
        segments: Where to look.
        vector: (1, dim), what to be near to.
        count: How many are wanted; all that are as near as the last of them come along.
        until: Only what had begun by then; None for everything.
    """
    code = signs(vector)[0]
    wanted = np.tile(np.concatenate([np.zeros(_HEAD, "<u8"), code]), (SLOTS, 1))
    latest = None if until is None else int(until.timestamp())
    found, far = [np.empty((0, wanted.shape[1]), "<u8")], np.empty(0, np.uint16)
    limit = np.iinfo(np.uint16).max
    for slots in segments:
        bits = np.bitwise_count(slots ^ wanted[: len(slots)])
        differing = np.ascontiguousarray(bits.T[_HEAD:]).sum(axis=0, dtype=np.uint16)
        fits = differing <= limit
        if latest is not None:
            fits &= slots[:, 1].view("<i8") <= latest
        found.append(slots[fits])
        far = np.concatenate([far, differing[fits]])
        if len(far) > count + SLOTS:
            limit = np.partition(far, count - 1)[count - 1]
            found, far = [np.concatenate(found)[far <= limit]], far[far <= limit]
    whole = np.concatenate(found)
    if len(far) > count:
        whole = whole[far <= np.partition(far, count - 1)[count - 1]]
    return whole


def likeliest(slots: Words, vector: Vectors, count: int) -> list[int]:
    """The ids of the slots whose signs, as a vector of ones, have the greatest product with one.

    It tells more than how many signs differ: a dimension counts as much as it does in `vector`.
    """
    padded = np.zeros((slots.shape[1] - _HEAD) * _BYTES * 8, np.float32)
    padded[: vector.shape[1]] = vector[0]
    each = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    table = (padded.reshape(-1, 1, 8) * each).sum(axis=2)  # what each byte of a code adds
    codes = np.ascontiguousarray(slots[:, _HEAD:]).view(np.uint8)
    product = table[np.arange(len(table)), codes].sum(axis=1)
    if len(product) > count:
        slots = slots[np.argpartition(product, -count)[-count:]]
    return [int(id_) for id_ in slots[:, 0]]


class Codes(Reading):
    """Where each code lies; all of it within a transaction of the caller's."""

    def _near(
        self,
        parts: Collection[str],
        vector: Vectors,
        count: int,
        until: datetime | None = None,
    ) -> list[int]:
        """Ids of the `count` facts or passages likeliest to be near to a (1, dim) vector."""
        with closing(self._segments(parts)) as segments:
            slots = nearest(segments, vector, max(_LIKE, _LIKE_EACH * count), until)
        return likeliest(slots, vector, count)

    def _segments(self, parts: Collection[str]) -> Generator[Words, None, None]:
        """The used slots of each segment; each is overwritten by the next."""
        content = bytearray(SLOTS * self._width)
        buffer = np.frombuffer(content, "<u8").reshape(SLOTS, -1)
        where = self._segment_sizes(parts)
        if not where:
            return
        with self._blob("code_slots", "slots", where[0][1]) as blob:
            for _, segment, used in where:
                blob.reopen(segment)
                blob.read_into(content, 0, used * self._width)
                yield buffer[:used]

    def _segment_sizes(self, parts: Collection[str]) -> list[tuple[str, int, int]]:
        """Part and number of each segment of these parts, and how many of its slots are used."""
        rows = self._all(
            """
            SELECT s.part, s.segment, s.used FROM json_each(:parts) w
            CROSS JOIN code_segment s ON s.part = w.value ORDER BY s.segment
            """,
            {"parts": json.dumps(list(parts))},
        )
        return [(part, segment, used) for part, segment, used in rows]

    @property
    def _words(self) -> int:
        """Words in a slot."""
        if self._embedder is None:
            return _HEAD
        return _HEAD + -(-self._embedder.dim // (8 * _BYTES))

    @property
    def _width(self) -> int:
        """Bytes in a slot."""
        return self._words * _BYTES

    def _place_code(self, part: str, id_: int, begin: str, vector: bytes) -> None:
        """Add a code behind the last one of a part."""
        self._place_codes(part, [(id_, begin, vector)])

    def _place_codes(self, part: str, rows: Sequence[tuple[int, str, bytes]]) -> None:
        """Add codes, given by id, begin and vector, behind the last one of a part."""
        if not rows:
            return
        ids, begins, vectors = zip(*rows, strict=True)
        joined = np.frombuffer(b"".join(vectors), "<f4").reshape(len(rows), -1)
        slots = slots_of(ids, begins, joined)
        done = 0
        while done < len(rows):
            last = self._all(
                """
                SELECT segment, used FROM code_segment WHERE part = :part
                ORDER BY segment DESC LIMIT 1
                """,
                {"part": part},
            )
            segment, used = last[0] if last and last[0][1] < SLOTS else (self._new_segment(part), 0)
            some = range(done, min(done + SLOTS - used, len(rows)))
            self._write_slot(segment, used, slots[some.start : some.stop].tobytes())
            self._many(
                "INSERT INTO code_place VALUES (:kind, :id, :segment, :slot)",
                (
                    {"kind": _kind(part), "id": ids[n], "segment": segment, "slot": used + n - done}
                    for n in some
                ),
            )
            self._count_used(segment, used + len(some))
            done = some.stop

    def _new_segment(self, part: str) -> int:
        (segment,) = self._one(
            "INSERT INTO code_segment (part, used) VALUES (:part, 0) RETURNING segment",
            {"part": part},
        )
        self._all(
            "INSERT INTO code_slots VALUES (:segment, zeroblob(:size))",
            {"segment": segment, "size": SLOTS * self._width},
        )
        return int(segment)

    def _remove_code(self, kind: str, id_: int) -> None:
        """Take a code out, without a trace; the last of its part takes its place."""
        rows = self._all(
            """
            SELECT p.segment, p.slot, s.part FROM code_place p
            JOIN code_segment s ON s.segment = p.segment WHERE p.kind = :kind AND p.id = :id
            """,
            {"kind": kind, "id": id_},
        )
        if not rows:
            return
        segment, slot, part = rows[0]
        last, used = self._one(
            """
            SELECT segment, used FROM code_segment WHERE part = :part
            ORDER BY segment DESC LIMIT 1
            """,
            {"part": part},
        )
        self._all(
            "DELETE FROM code_place WHERE kind = :kind AND id = :id", {"kind": kind, "id": id_}
        )
        if (segment, slot) != (last, used - 1):
            with self._blob("code_slots", "slots", last) as blob:
                blob.seek((used - 1) * self._width)
                moved = blob.read(self._width)
            self._write_slot(segment, slot, moved)
            self._all(
                """
                UPDATE code_place SET segment = :segment, slot = :slot
                WHERE kind = :kind AND id = :id
                """,
                {
                    "segment": segment,
                    "slot": slot,
                    "kind": kind,
                    "id": int.from_bytes(moved[:_BYTES], "little"),
                },
            )
        self._write_slot(last, used - 1, bytes(self._width))
        self._count_used(last, used - 1)

    def _write_slot(self, segment: int, slot: int, content: bytes) -> None:
        with self._blob("code_slots", "slots", segment, write=True) as blob:
            blob.seek(slot * self._width)
            blob.write(content)

    def _count_used(self, segment: int, used: int) -> None:
        if used:
            self._all(
                "UPDATE code_segment SET used = :used WHERE segment = :segment",
                {"used": used, "segment": segment},
            )
            return
        for table in ("code_slots", "code_segment"):
            self._all(f"DELETE FROM {table} WHERE segment = :segment", {"segment": segment})  # noqa: S608 - our own table names

    # -- all of them -----------------------------------------------------------------

    def _pack_codes(self) -> None:
        """Write all codes anew, a segment at a time."""
        self._empty_codes()
        if self._embedder is None:
            return
        for part in (*FACTS, PASSAGES):
            after = 0
            while self._in_order(after, ids := self._coded_ids(part, after)):
                segment = self._new_segment(part)
                self._write_slot(segment, 0, self._expected_slots(part, ids).tobytes())
                self._count_used(segment, len(ids))
                self._many(
                    "INSERT INTO code_place VALUES (:kind, :id, :segment, :slot)",
                    (
                        {"kind": _kind(part), "id": id_, "segment": segment, "slot": slot}
                        for slot, id_ in enumerate(ids)
                    ),
                )
                after = ids[-1]

    def _empty_codes(self) -> None:
        self._script("DELETE FROM code_place; DELETE FROM code_slots; DELETE FROM code_segment;")

    def _coded_ids(self, part: str, after: int) -> list[int]:
        """What belongs to a part: a segment's worth of ids behind one."""
        statement = (
            """
            SELECT v.passage_id FROM passage_vector v JOIN passage p ON p.id = v.passage_id
            JOIN document d ON d.id = p.document_id AND NOT d.forgotten
            JOIN change_set c ON c.id = d.change_id AND c.undone_by IS NULL
            WHERE v.passage_id > :after AND p.text <> :forgotten
            ORDER BY v.passage_id LIMIT :count
            """
            if part == PASSAGES
            else """
            SELECT s.fact_id FROM fact_state s
            WHERE s.fact_id > :after AND s.state = :part
              AND EXISTS (SELECT 1 FROM fact_vector WHERE fact_id = s.fact_id)
            ORDER BY s.fact_id LIMIT :count
            """
        )
        return self._ids(
            statement, {"after": after, "part": part, "count": SLOTS, "forgotten": FORGOTTEN}
        )

    def _expected_slots(self, part: str, ids: Collection[int]) -> Words:
        """The slots that these facts or passages should have, in the order of their ids."""
        statement = (
            """
            SELECT p.id, p.at, v.vector FROM json_each(:ids) w
            CROSS JOIN passage p ON p.id = w.value JOIN passage_vector v ON v.passage_id = p.id
            ORDER BY p.id
            """
            if part == PASSAGES
            else """
            SELECT s.fact_id, s.begins, v.vector FROM json_each(:ids) w
            CROSS JOIN fact_state s ON s.fact_id = w.value AND s.state = :part
            JOIN fact_vector v ON v.fact_id = s.fact_id ORDER BY s.fact_id
            """
        )
        rows = self._all(statement, {"ids": listed(ids), "part": part})
        if not rows:
            return np.empty((0, self._words), "<u8")
        vectors = np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(len(rows), -1)
        return slots_of([row[0] for row in rows], [row[1] for row in rows], vectors)

    def _check_codes(self, kind: str, parts: Collection[str]) -> bool:
        """Whether the codes are those of the vectors, each where it is looked up."""
        sizes = self._segment_sizes(parts)
        with closing(self._segments(parts)) as segments:
            whole = all(
                self._check_segment(kind, part, segment, slots)
                for (part, segment, _), slots in zip(sizes, segments, strict=True)
            )
        wanted = 0
        for part in parts:
            after = 0
            while self._in_order(after, ids := self._coded_ids(part, after)):
                wanted, after = wanted + len(ids), ids[-1]
        (placed,) = self._one("SELECT count(*) FROM code_place WHERE kind = :kind", {"kind": kind})
        return whole and wanted == placed == sum(used for _, _, used in sizes)

    def _check_segment(self, kind: str, part: str, segment: int, slots: Words) -> bool:
        ids = slots[:, 0].tolist()
        places = self._all(
            """
            SELECT p.segment, p.slot FROM json_each(:ids) w
            CROSS JOIN code_place p ON p.kind = :kind AND p.id = w.value
            """,
            {"ids": listed(ids), "kind": kind},
        )
        return places == [(segment, slot) for slot in range(len(ids))] and np.array_equal(
            slots[np.argsort(slots[:, 0])], self._expected_slots(part, ids)
        )


def _kind(part: str) -> str:
    return PASSAGES if part == PASSAGES else "fact"
