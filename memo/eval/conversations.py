"""CLARK-like conversations drawn from a seed (docs/evaluation.md; Li et al. 2024, section 4.2).

A world changes before every second chunk; what people say of it is planned, then checked: a reader
who misses nothing must end with the truth for every question asked, else the conversation is drawn
again. In `single-hop` every changed answer is said; in `multi-hop` only what happened is, and
before it what its consequences follow from.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from memo.errors import MemoError
from memo.eval.cases import DOWNSTREAM, STATED, UNCHANGED, Ask, Asked, Case, Chunk, Label
from memo.eval.dialogue import Line, spoken
from memo.eval.phrases import Phrase, book, listed, with_article
from memo.eval.world import (
    LISTS,
    NONE,
    OF_COMPANIES,
    OF_JOBS,
    OF_PEOPLE,
    RELATIONS,
    after,
    atoms,
    derived,
    drawn,
    happens,
    parted,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.eval.phrases import Book
    from memo.eval.world import Atom, Base, Row, Table, Transition, World

SINGLE_HOP, MULTI_HOP = "single-hop", "multi-hop"
CHUNKS = 12
CHANGING = (2, 4, 6, 8, 10)
"""Chunks before which two things happen."""
ASKED_AFTER = (0, 2, 4, 7, 9, 11)
TEST_SEEDS = 1000
"""Seeds from this on use the half of the templates that is kept for final figures."""
_DRAWS = 60
_BEGIN = datetime(2023, 1, 9, 18, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything a conversation has."""

    rows: int
    """Questions that are asked at one time or another."""
    an_ask: int
    """Most questions asked after one chunk."""
    chunk_tokens: int
    """To about how much a chunk is filled up; what must be said makes it longer."""
    seeds: int
    """How many conversations of each subset make a run where nobody says which."""


FULL = Size(140, 140, 920, 10)
MINI = Size(16, 8, 300, 1)
NANO = Size(4, 2, 40, 1)
SIZES = {"full": FULL, "mini": MINI, "nano": NANO}


class Undrawable(MemoError):
    """No conversation of this seed passes the gate."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A planned chunk: what is said in it, and how the world is after it."""

    world: World
    before: Table
    table: Table
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Reader:
    """What somebody knows who misses nothing of what is said."""

    people: tuple[str, ...]
    base: Base = field(default_factory=dict)
    known: Table = field(default_factory=dict)

    def hear(self, lines: Sequence[Line]) -> None:
        """Draw all conclusions from what one chunk says."""
        before = derived(self.base, self.people)
        for line in lines:
            for person in line.parts:
                parted(self.base, person)
            for atom in line.atoms:
                told(self.base, atom)
        for row, follows in derived(self.base, self.people).items():
            gained, lost = follows - before[row], before[row] - follows
            if not (gained or lost):
                continue
            kept = self.known.get(row, NONE) - lost
            self.known[row] = kept | gained if row[0] in LISTS else gained or kept
        for line in lines:
            if line.row is not None:
                self.known[line.row] = line.values

    def copy(self) -> Reader:
        """Another who knows the same."""
        return Reader(self.people, dict(self.base), dict(self.known))


def conversation(seed: int, subset: str, size: Size = FULL) -> Case:
    """The conversation of a seed.

    Args:
        seed: Of `TEST_SEEDS` and above for final figures only.
        subset: `SINGLE_HOP` or `MULTI_HOP`.
        size: How much of everything.

    Raises:
        Undrawable: No draw passed the gate.
    """
    templates = book(test=seed >= TEST_SEEDS)
    for attempt in range(_DRAWS):
        draw = Random(f"{seed} {subset} {size.rows} {attempt}")
        worlds, happened = _history(draw)
        rows = _asked_rows([world.table for world in worlds], size.rows, draw)
        plan = _planned(worlds, happened, rows, subset, size, draw)
        if plan is not None:
            return _case(f"{subset}-{seed}", subset, plan, rows, size, templates, draw)
    raise Undrawable(f"No conversation of seed {seed} says all that it should; take another seed.")


def _history(draw: Random) -> tuple[list[World], list[tuple[Transition, ...]]]:
    """The world during each chunk, and what happened before it."""
    world = drawn(draw)
    worlds, happened = [], []
    for chunk in range(CHUNKS):
        before = world
        now: tuple[Transition, ...] = ()
        if chunk in CHANGING:
            first = happens(world, draw)
            between = after(world, first)
            second = happens(between, draw)
            while _touched(first) & _touched(second):
                second = happens(between, draw)
            world, now = after(between, second), (first, second)
            assert world.is_sound, (before, now)
        worlds.append(world)
        happened.append(now)
    return worlds, happened


def _touched(step: Transition) -> set[str]:
    return {step.who, step.value, step.former} - {""}


def _asked_rows(tables: Sequence[Table], count: int, draw: Random) -> list[Row]:
    """What is asked about: of few questions two thirds change; a twentieth is never answerable."""
    rows = sorted(tables[0])
    draw.shuffle(rows)
    changes = {row: sum(a[row] != b[row] for a, b in _pairs(tables)) for row in rows}
    empty = [row for row in rows if not any(table[row] for table in tables)]
    rows = [row for row in rows if row not in set(empty)]
    unanswerable = empty[: max(count // 20, 1)]
    room = count - len(unanswerable)
    changing = _varied([row for row in rows if changes[row]], changes, tables[0])
    still = _varied([row for row in rows if not changes[row]], changes, tables[0])
    most = room if count >= len(rows) else 2 * room // 3
    chosen = changing[:most] + still[: room - min(most, len(changing))]
    return sorted(chosen + changing[most:][: room - len(chosen)] + unanswerable)


def _varied(rows: list[Row], changes: dict[Row, int], first: Table) -> list[Row]:
    """Relations in turn: what is told from the beginning first, then what changes twice."""
    chosen: list[Row] = []
    used: dict[str, int] = {}
    left = list(rows)
    while left:
        best = min(
            left,
            key=lambda row: (not first[row], used.get(row[0], 0) - 1.5 * (changes[row] > 1)),
        )
        left.remove(best)
        chosen.append(best)
        used[best[0]] = used.get(best[0], 0) + 1
    return chosen


def _pairs(tables: Sequence[Table]) -> Iterator[tuple[Table, Table]]:
    return itertools.pairwise(tables)


def _planned(
    worlds: Sequence[World],
    happened: Sequence[tuple[Transition, ...]],
    rows: Sequence[Row],
    subset: str,
    size: Size,
    draw: Random,
) -> list[_Chunk] | None:
    """What each chunk says; None where a reader would not know the truth."""
    reader = Reader(worlds[0].people)
    changed: set[Row] = set()
    never = {row for row in rows if not any(world.table[row] for world in worlds)}
    """Nothing is ever said of these: they cannot be answered."""
    plan = []
    before = worlds[0].table
    for number, world in enumerate(worlds):
        table = world.table
        changed |= {row for row in rows if table[row] != before[row]}
        restated = [
            _row_line(row, table, world, again=True)
            for row in rows
            if row not in changed and row not in never
        ]
        lines: list[Line] = []
        if number == 0:
            lines, restated = restated, []
        for step in happened[number]:
            lines += _step_lines(step, world)
        if subset == SINGLE_HOP:
            lines += [
                _row_line(row, table, world, again=False)
                for row in rows
                if table[row] != before[row]
            ]
        elif number + 1 < len(worlds) and happened[number + 1]:
            lines += _needed(reader, worlds[number + 1], world, happened[number + 1], rows)
        reader.hear(lines)
        if any(reader.known.get(row, NONE) != table[row] for row in rows):
            return None
        draw.shuffle(restated)
        plan.append(_Chunk(world, before, table, (*lines, *_as_room(restated, lines, size))))
        before = table
    return plan


def _as_room(restated: list[Line], lines: list[Line], size: Size) -> list[Line]:
    """So many restatements that two thirds of a chunk say something: about 15 tokens a line."""
    return restated[: max(int(size.chunk_tokens / 22) - len(lines), 1)]


def _needed(
    reader: Reader,
    coming: World,
    world: World,
    steps: tuple[Transition, ...],
    rows: Sequence[Row],
) -> list[Line]:
    """The least that must be said now so that what happens next has its consequences known."""
    hints = [
        line
        for line in _hints(world, coming, steps)
        if any(not _knows(reader.base, atom) for atom in line.atoms)
    ]
    next_lines = [line for step in steps for line in _step_lines(step, coming)]
    table = coming.table

    def suffices(said: Sequence[Line]) -> bool:
        trial = reader.copy()
        trial.hear(said)
        trial.hear(next_lines)
        return all(trial.known.get(row, NONE) == table[row] for row in rows)

    if not suffices(hints):
        return hints  # the gate will tell
    for line in list(hints):
        fewer = [one for one in hints if one is not line]
        if suffices(fewer):
            hints = fewer
    return hints


def _knows(base: Base, atom: Atom) -> bool:
    attribute, thing, value = atom
    return value in base.get((attribute, thing), NONE)


def _hints(world: World, coming: World, steps: tuple[Transition, ...]) -> list[Line]:
    """Everything true that consequences of what happens next may follow from."""
    table = world.table
    lines = [
        _row_line((relation, person), table, world, again=True)
        for person in world.people
        for relation in ("job", "company", "spouse", "parents")
        if table[relation, person]
    ]
    for step in steps:
        if step.kind == "hobby":
            lines.append(_thing_line("equipment", step.value, world))
        if step.kind == "job":
            company = step.value.partition(" at ")[2]
            lines += [_thing_line(kind, company, world) for kind in OF_COMPANIES]
            lines += [_thing_line(kind, step.value, coming) for kind in OF_JOBS]
    return lines


def _row_line(row: Row, table: Table, world: World, *, again: bool) -> Line:
    """One answer in words."""
    relation, person = row
    values = tuple(sorted(table[row]))
    people = values if relation in OF_PEOPLE else ()
    told_atoms: tuple[Atom, ...] = ()
    attribute = _ATTRIBUTES.get(relation)
    if relation == "children":
        told_atoms = tuple(("parents", child, person) for child in values)
    elif attribute:
        told_atoms = tuple((attribute, person, value) for value in values)
    if not values:
        noun = book(test=False).nouns.get(relation, "")
        phrase = Phrase("nobody", relation, person, words={"n": noun})
    else:
        words = {} if people else {"v": _in_words(relation, values)}
        single = relation in LISTS and len(values) == 1
        phrase = Phrase("states", relation, person, people, words, single)
    return Line(phrase, again, row, table[row], told_atoms)


_ATTRIBUTES = {
    "spouse": "spouse",
    "job": "title",
    "company": "employer",
    "parents": "parents",
    "hobbies": "hobbies",
}
"""Relations that are base facts themselves."""


def _in_words(relation: str, values: Sequence[str]) -> str:
    match relation:
        case "job" | "workplace":
            return with_article(values[0])
        case "full_time":
            return "full-time" if values[0] == "yes" else "part-time"
    return listed(values)


def _thing_line(attribute: str, thing: str, world: World) -> Line:
    """What never changes about a company or a hobby, or holds for a job."""
    values = tuple(sorted(world.base[attribute, thing]))
    words = {"t": _thing(thing), "v": _in_words(attribute, values)}
    found = tuple((attribute, thing, value) for value in values)
    return Line(Phrase("things", attribute, words=words), True, None, NONE, found)


def _thing(thing: str) -> str:
    return with_article(thing) if " at " in thing else thing


def _step_lines(step: Transition, world: World) -> list[Line]:
    """What happened, in words."""
    heard = atoms(world, step)
    match step.kind:
        case "job":
            words = {"j": with_article(step.value)}
            return [Line(Phrase("changes", "job", step.who, words=words), False, None, NONE, heard)]
        case "spouse" | "adopt":
            wedding = Phrase("changes", step.kind, step.who, (step.value,))
            lines = [Line(wedding, False, None, NONE, heard)]
            if step.former:
                divorce = Phrase("changes", "divorce", step.who, (step.former,))
                parts = (step.who, step.former)
                lines.insert(0, Line(divorce, False, None, NONE, (), parts))
            return lines
        case "hobby":
            phrase = Phrase("changes", "hobby", step.who, words={"v": step.value})
            return [Line(phrase, False, None, NONE, heard)]
    words = {"t": _thing(step.who), "v": step.value}
    return [Line(Phrase("changes", step.kind, words=words), False, None, NONE, heard)]


def _case(
    name: str,
    subset: str,
    plan: Sequence[_Chunk],
    rows: Sequence[Row],
    size: Size,
    templates: Book,
    draw: Random,
) -> Case:
    """The planned chunks in words, and the questions between them."""
    chunks, asks = [], []
    at = _BEGIN + timedelta(days=draw.randrange(365))
    history: dict[Row, list[frozenset[str]]] = {row: [plan[0].table[row]] for row in rows}
    how = dict.fromkeys(rows, UNCHANGED)
    stated = {row: plan[0].table[row] for row in rows}
    asked: dict[Row, frozenset[str]] = {}
    seen = _values_seen(plan)
    for number, part in enumerate(plan):
        at += timedelta(days=draw.randint(7, 20)) if number else timedelta()
        messages = spoken(list(part.lines), part.world, at, templates, draw)
        chunks.append(Chunk(f"{name}-{number}", messages, _labels(part)))
        said = _rows_said(part.lines)
        for row in rows:
            if part.table[row] != part.before[row]:
                history[row].append(part.table[row])
                how[row] = STATED if row in said else DOWNSTREAM
            if row in said:
                stated[row] = part.table[row]
        if number in ASKED_AFTER:
            chosen = _chosen(rows, part.table, asked, size.an_ask, draw)
            questions = tuple(
                _question(row, history[row], stated[row], how[row], seen, templates)
                for row in chosen
            )
            asks.append(Ask(number, messages[-1].at, questions))
            asked |= {row: part.table[row] for row in rows}
    return Case(name, subset, tuple(chunks), tuple(asks))


def _rows_said(lines: Sequence[Line]) -> set[Row]:
    """Answers that a chunk gives in so many words."""
    relations = {attribute: relation for relation, attribute in _ATTRIBUTES.items()}
    said = {line.row for line in lines if line.row is not None}
    for line in lines:
        said |= {("spouse", person) for person in line.parts}
        for attribute, thing, value in line.atoms:
            if attribute in relations:
                said.add((relations[attribute], thing))
            if attribute == "spouse":
                said.add(("spouse", value))
            if attribute == "parents":
                said.add(("children", value))
    return said


def _labels(part: _Chunk) -> tuple[Label, ...]:
    """All that was true before a chunk, and whether it still is."""
    return tuple(
        Label(person, _in_words(relation, [value]), value in part.table[relation, person])
        for (relation, person), values in sorted(part.before.items())
        for value in sorted(values)
    )


def _chosen(rows: Sequence[Row], table: Table, asked: Table, most: int, draw: Random) -> list[Row]:
    """All questions whose answer changed since all were last looked at, and as many others."""
    changed = [row for row in rows if asked and asked[row] != table[row]]
    others = [row for row in rows if row not in changed]
    draw.shuffle(changed)
    draw.shuffle(others)
    if not asked:
        return others[:most]
    changed = changed[: most - most // 4]
    return changed + others[: min(max(len(changed), most // 2), most - len(changed))]


def _question(
    row: Row,
    history: Sequence[frozenset[str]],
    stated: frozenset[str],
    change: str,
    seen: dict[str, set[frozenset[str]]],
    templates: Book,
) -> Asked:
    relation, person = row
    now = history[-1]
    former = NONE.union(*history[:-1]) - now
    return Asked(
        id=f"{relation}/{person}",
        text=templates.ask[relation].replace("{p}", person),
        kind=relation,
        accepted=tuple(sorted(now)),
        updates=len(history) - 1,
        change=change,
        wants_list=relation in LISTS,
        choices=("yes", "no") if relation == "full_time" else (),
        former=tuple(sorted(former)),
        newest=tuple(sorted(stated)),
        first=tuple(sorted(history[0])),
        chance=1 / max(len(seen[relation]), 1),
    )


def _values_seen(plan: Sequence[_Chunk]) -> dict[str, set[frozenset[str]]]:
    """Every answer that anybody ever had, by relation: what a guess would be drawn from."""
    return {
        relation: {
            values
            for part in plan
            for (kind, _), values in part.table.items()
            if kind == relation and values
        }
        for relation in RELATIONS
    }
