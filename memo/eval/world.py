"""Small worlds of people, jobs and families that change: the ground truth of a conversation.

A world is a set of base facts, `(attribute, thing) -> values`; everything asked about is derived
from it anew each time. Less than a whole world can be derived from as well, which tells what
follows from the part that has been said (CLARK-Conversations, Li et al. 2024; docs/evaluation.md).
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.settings import asset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

Base = dict[tuple[str, str], frozenset[str]]
"""What holds of people (title, employer, spouse, parents, hobbies), of jobs (`TITLE at COMPANY`:
salary, hours, full_time), companies (head, city, industry, workplace), hobbies (equipment)."""
Row = tuple[str, str]
"""A relation and a person: what one question asks for."""
Table = dict[Row, frozenset[str]]
Atom = tuple[str, str, str]
"""One value of a base fact: attribute, thing, value."""

LISTS = (
    *("hobbies", "coworkers", "parents", "children", "siblings", "parents_in_law"),
    *("children_in_law", "step_parents", "step_children", "equipment"),
)
"""Relations with any number of values; the others have one or none."""
SINGLES = (
    *("spouse", "job", "company", "city", "boss", "salary", "industry", "full_time", "hours"),
    "workplace",
)
RELATIONS = SINGLES + LISTS
OF_PEOPLE = frozenset(
    "spouse coworkers parents children siblings parents_in_law children_in_law step_parents "
    "step_children".split()
)
"""Relations whose values are among the ten."""
OF_COMPANIES = ("head", "city", "industry", "workplace")
OF_JOBS = ("salary", "hours", "full_time")
TRANSITIONS = ("job", "spouse", "adopt", "hobby", "salary", "hours")
SEVERAL = ("parents", "hobbies", "equipment")
"""Attributes to which a value is added; a value of another takes the former's place."""
NONE: frozenset[str] = frozenset()
_GENERATIONS = ((3, 4, 3), (4, 3, 3), (4, 4, 2))
_COMPANIES = 5


@dataclass(frozen=True, slots=True)
class Company:
    """A firm with what never changes about it."""

    name: str
    head: str
    city: str
    industry: str
    workplace: str
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pools:
    """From what worlds are drawn."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    companies: tuple[Company, ...]
    salaries: tuple[str, ...]
    full: tuple[str, ...]
    """Hours of full-time jobs."""
    part: tuple[str, ...]
    hobbies: Mapping[str, tuple[str, ...]]


@functools.cache
def pools() -> Pools:
    """The pools of assets/eval/people.toml."""
    found = tomllib.loads((asset("eval") / "people.toml").read_text("utf-8"))
    return Pools(
        tuple(found["women"].split()),
        tuple(found["men"].split()),
        tuple(
            Company(name, head, city, industry, workplace, tuple(titles))
            for name, (head, city, industry, workplace, titles) in found["companies"].items()
        ),
        tuple(found["salaries"]),
        tuple(found["hours"]["full"]),
        tuple(found["hours"]["part"]),
        {hobby: tuple(items) for hobby, items in found["hobbies"].items()},
    )


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing that happens."""

    kind: str
    """Of `TRANSITIONS`."""
    who: str
    """A person, or the job whose salary or hours change."""
    value: str
    former: str = ""
    """The spouse from whom the person is divorced by it."""


@dataclass(frozen=True, slots=True)
class World:
    """Ten people at one moment."""

    people: tuple[str, ...]
    generation: Mapping[str, int]
    women: frozenset[str]
    companies: tuple[Company, ...]
    base: Base

    def one(self, attribute: str, thing: str) -> str:
        """The value of an attribute that has at most one; "" for none."""
        return next(iter(self.base.get((attribute, thing), NONE)), "")

    def job(self, person: str) -> str:
        """A person's job, `TITLE at COMPANY`."""
        return job_name(self.one("title", person), self.one("employer", person))

    @property
    def jobs(self) -> tuple[str, ...]:
        """All jobs of the companies."""
        return tuple(job_name(title, c.name) for c in self.companies for title in c.titles)

    @property
    def table(self) -> Table:
        """Every answer."""
        return derived(self.base, self.people)

    def kin(self, one: str, other: str) -> bool:
        """Whether two people have an ancestor in common, or one is the other's."""
        return bool(_ancestors(self.base, one) & _ancestors(self.base, other))

    @property
    def is_sound(self) -> bool:
        """Whether families are as families are: generations in order, no marriage within one."""
        for person in self.people:
            parents = self.base.get(("parents", person), NONE)
            spouse = self.one("spouse", person)
            above = all(self.generation[p] == self.generation[person] - 1 for p in parents)
            if len(parents) > 2 or not above:
                return False
            if spouse and (
                self.one("spouse", spouse) != person
                or self.generation[spouse] != self.generation[person]
                or self.kin(person, spouse)
            ):
                return False
        return True


def job_name(title: str, company: str) -> str:
    """How a job is called among the things of a world; "" unless both are known."""
    return f"{title} at {company}" if title and company else ""


def derived(base: Base, people: tuple[str, ...]) -> Table:
    """Every answer that follows from base facts."""
    table: Table = {}
    get = functools.partial(_values, base)
    for person in people:
        parents, spouse = get("parents", person), get("spouse", person)
        children = frozenset(p for p in people if person in get("parents", p))
        employer, hobbies = get("employer", person), get("hobbies", person)
        job = job_name(*(next(iter(get(a, person)), "") for a in ("title", "employer")))
        firm = next(iter(employer), "")
        rows = {
            "spouse": spouse,
            "job": get("title", person),
            "company": employer,
            "city": get("city", firm),
            "boss": get("head", firm),
            "industry": get("industry", firm),
            "workplace": get("workplace", firm),
            "salary": get("salary", job),
            "hours": get("hours", job),
            "full_time": get("full_time", job),
            "hobbies": hobbies,
            "equipment": _union(get("equipment", hobby) for hobby in hobbies),
            "coworkers": frozenset(
                p for p in people if p != person and employer and get("employer", p) == employer
            ),
            "parents": parents,
            "children": children,
            "siblings": frozenset(p for p in people if p != person and parents & get("parents", p)),
            "parents_in_law": _union(get("parents", s) for s in spouse),
            "children_in_law": _union(get("spouse", c) for c in children),
            "step_parents": _union(get("spouse", p) for p in parents) - parents,
            "step_children": frozenset(
                p for p in people if spouse & get("parents", p) and p not in children
            ),
        }
        table |= {(relation, person): values for relation, values in rows.items()}
    return table


def _values(base: Base, attribute: str, thing: str) -> frozenset[str]:
    return base.get((attribute, thing), NONE)


def _union(sets: Iterator[frozenset[str]]) -> frozenset[str]:
    return NONE.union(*sets)


def _ancestors(base: Base, person: str) -> frozenset[str]:
    found = {person}
    for parent in base.get(("parents", person), NONE):
        found |= _ancestors(base, parent)
    return frozenset(found)


def told(base: Base, atom: Atom) -> None:
    """Add what was just said to base facts; whatever excludes it ends."""
    attribute, thing, value = atom
    if attribute == "spouse":
        parted(base, thing)
        parted(base, value)
        base["spouse", value] = frozenset({thing})
    if attribute in SEVERAL:
        base[attribute, thing] = base.get((attribute, thing), NONE) | {value}
    else:
        base[attribute, thing] = frozenset({value})


def parted(base: Base, person: str) -> None:
    """End a marriage on both sides."""
    for spouse in base.pop(("spouse", person), NONE):
        base.pop(("spouse", spouse), None)


def after(world: World, step: Transition) -> World:
    """The world once something has happened."""
    base = dict(world.base)
    for atom in atoms(world, step):
        told(base, atom)
    return World(world.people, world.generation, world.women, world.companies, base)


def atoms(world: World, step: Transition) -> tuple[Atom, ...]:
    """What somebody who hears of it knows."""
    match step.kind:
        case "job":
            title, _, company = step.value.partition(" at ")
            return ("title", step.who, title), ("employer", step.who, company)
        case "adopt":
            return (("parents", step.value, step.who),)
        case "hobby":
            return (("hobbies", step.who, step.value),)
    return ((step.kind, step.who, step.value),)


def steps(world: World, kind: str) -> list[Transition]:
    """Everything of one kind that can happen in a world."""
    people, held = world.people, {world.job(person) for person in world.people}
    match kind:
        case "job":
            found = [
                Transition(kind, p, j) for p in people for j in world.jobs if j != world.job(p)
            ]
        case "spouse":
            found = [
                Transition(kind, p, q, former=world.one("spouse", p))
                for p in people
                for q in people
                if p != q
                and not world.one("spouse", q)
                and world.generation[p] == world.generation[q]
                and not world.kin(p, q)
            ]
        case "adopt":
            found = [
                Transition(kind, p, c)
                for p in people
                for c in people
                if world.generation[c] == world.generation[p] + 1
                and p not in (parents := world.base.get(("parents", c), NONE))
                and len(parents) < 2
            ]
            found = [step for step in found if after(world, step).is_sound]
        case "hobby":
            found = [
                Transition(kind, p, h)
                for p in people
                for h in pools().hobbies
                if h not in world.base.get(("hobbies", p), NONE)
                and len(world.base.get(("hobbies", p), NONE)) < 4
            ]
        case "salary":
            found = [
                Transition(kind, j, s)
                for j in world.jobs
                if j in held
                for s in pools().salaries
                if s != world.one("salary", j)
            ]
        case "hours":
            found = [
                Transition(kind, j, h)
                for j in world.jobs
                if j in held
                for h in _hours(world.one("full_time", j) == "yes")
                if h != world.one("hours", j)
            ]
        case _:
            raise ValueError(kind)
    return found


def happens(world: World, draw: Random) -> Transition:
    """Draw what happens next: its kind, then which."""
    kinds = list(TRANSITIONS)
    draw.shuffle(kinds)
    found: list[Transition] = []
    while not found:
        found = steps(world, kinds.pop())
    return draw.choice(found)


def _hours(full_time: bool) -> tuple[str, ...]:
    return pools().full if full_time else pools().part


def drawn(draw: Random) -> World:
    """A new world: people of three generations with families, jobs and hobbies."""
    pool = pools()
    women, men = draw.sample(pool.women, 5), draw.sample(pool.men, 5)
    people = tuple(draw.sample(women + men, 10))
    sizes = draw.choice(_GENERATIONS)
    levels = [level for level, size in enumerate(sizes) for _ in range(size)]
    generation = dict(zip(people, levels, strict=True))
    companies = tuple(draw.sample(pool.companies, _COMPANIES))
    world = World(people, generation, frozenset(women), companies, {})
    base = world.base
    for company in companies:
        for attribute in OF_COMPANIES:
            base[attribute, company.name] = frozenset({getattr(company, attribute)})
    for job in world.jobs:
        full = draw.random() < 0.7
        base["full_time", job] = frozenset({"yes" if full else "no"})
        base["salary", job] = frozenset({draw.choice(pool.salaries)})
        base["hours", job] = frozenset({draw.choice(_hours(full))})
    base |= {("equipment", hobby): frozenset(items) for hobby, items in pool.hobbies.items()}
    for person in people:
        title, _, company_name = draw.choice(world.jobs).partition(" at ")
        told(base, ("title", person, title))
        told(base, ("employer", person, company_name))
        for hobby in draw.sample(sorted(pool.hobbies), draw.choice((1, 1, 2))):
            told(base, ("hobbies", person, hobby))
    _related(world, draw)
    return world


def _related(world: World, draw: Random) -> None:
    """Marry some of each generation, then give most of the next their parents."""
    for level in range(3):
        here = [p for p in world.people if world.generation[p] == level]
        for person in here:
            if draw.random() < 0.85:
                _born(world, person, draw)
        single = list(here)
        while len(single) > 1 and draw.random() < 0.8:
            person = single.pop()
            fitting = [q for q in single if not world.kin(person, q)]
            if fitting:
                single.remove(spouse := draw.choice(fitting))
                told(world.base, ("spouse", person, spouse))


def _born(world: World, person: str, draw: Random) -> None:
    above = [p for p in world.people if world.generation[p] == world.generation[person] - 1]
    if not above:
        return
    parent = draw.choice(above)
    told(world.base, ("parents", person, parent))
    spouse = world.one("spouse", parent)
    if spouse and draw.random() < 0.6:
        told(world.base, ("parents", person, spouse))
