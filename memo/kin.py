"""Who somebody is to somebody by what is known of others: `Ann's parents-in-law`.

That the parents of whom Ann is married to are her parents-in-law is no fact of anybody's life, so
it is not stored: it changes when she marries, and nobody says so. It is found when it is asked
for, over the facts as they stand, each of which is cited. English words for kin are few; a small
model asked to take such a question apart gets 4 of 25 right (tests/benchmarks/ABLATIONS.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo import wording
from memo.records import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from memo.records import Fact

_ONE = rf"({wording.ONE_NAME})"
_RAISES = re.compile(
    rf"{_ONE} (?:is (?:a|the) (?:parent|mother|father) (?:to|of)|has adopted|adopted|raised) "
    rf"{_ONE}\.?"
)
_RAISED = re.compile(rf"{_ONE} (?:is|was) raised by {_ONE}\.?")
_WORKS = re.compile(
    rf"{_ONE} (?:(?:now )?(?:works? (?:for|at)|is employed (?:by|at))|"
    r"is (?:now )?(?:an? |the )?[a-z][a-z -]* (?:at|with)) "
    r"([^\W\d_a-z][\w&.'’-]*(?: (?:(?:and|of|&|the) )?[^\W\d_a-z][\w&.'’-]*)*?)(?: now)?\.?"
)
_IDLE = frozenset(
    "customer fan guest member patient pupil regular resident student visitor volunteer".split()
)
"""What one can be somewhere without working there."""
_SPOUSES = frozenset("wife husband spouse".split())
_PARENTS = frozenset("mother mum mom father dad parent".split())
_CHILDREN = frozenset("son daughter child".split())
_SIBLINGS = frozenset("brother sister sibling".split())

_OVER = {
    "parent-in-law": (("spouse", "parent"),),
    "child-in-law": (("child", "spouse"),),
    "sibling-in-law": (("spouse", "sibling"), ("sibling", "spouse")),
    "step-parent": (("parent", "spouse"),),
    "step-child": (("spouse", "child"),),
    "sibling": (("parent", "child"),),
    "grandparent": (("parent", "parent"),),
    "grandchild": (("child", "child"),),
    "cousin": (("parent", "sibling", "child"),),
    "colleague": (("employer", "employee"),),
}
"""What leads from somebody to each kind of relative."""
_NEARER = {"step-parent": "parent", "step-child": "child"}
"""Whoever is this is not the other."""
_ASKED = re.compile(
    r"who(?:['’]s| is| are) (?:my|our|(?P<owner>[^\W\d_][\w .-]*?)['’]s?) "
    r"(?P<name>[a-z]+(?:-[a-z]+)*)\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Tie:
    """One person's relative, by a fact."""

    one: str
    kind: str
    """What the other is to the one: spouse, parent, child, sibling, employer, employee."""
    other: str


@dataclass(frozen=True, slots=True)
class Derived:
    """The answer to a question that no fact gives by itself."""

    names: tuple[str, ...]
    """In the order of the facts; none where the way to them has ended."""
    facts: tuple[Fact, ...]
    """The facts from which it follows."""

    @property
    def since(self) -> datetime:
        """When it last changed."""
        return max(
            fact.until if fact.state is State.PAST and fact.until else fact.since
            for fact in self.facts
        )


def ties(text: str) -> list[Tie]:
    """What a sentence says of who is what to whom, from both sides."""
    if (wed := wording.marriage(text)) is not None:
        return [] if wed.over else _both(wed.one, "spouse", "spouse", wed.other)
    if (found := _RAISES.fullmatch(text)) is not None:
        return _both(found[2], "parent", "child", found[1])
    if (found := _RAISED.fullmatch(text)) is not None:
        return _both(found[1], "parent", "child", found[2])
    if (found := _WORKS.fullmatch(text)) is not None and not _IDLE & set(text.split()):
        return _both(found[1], "employer", "employee", found[2])
    if (listed := wording.whole_list(text)) is not None:
        people = wording.items(listed.value)
        return [tie for one in people for tie in _named(listed.owner, listed.name, one)]
    if (related := wording.relation(text)) is not None:
        return _named(related.owner, related.name, related.person)
    return []


def _named(owner: str, name: str, person: str) -> list[Tie]:
    if name in _SPOUSES:
        return _both(owner, "spouse", "spouse", person)
    if name in _PARENTS:
        return _both(owner, "parent", "child", person)
    if name in _CHILDREN:
        return _both(owner, "child", "parent", person)
    return _both(owner, "sibling", "sibling", person) if name in _SIBLINGS else []


def _both(one: str, kind: str, back: str, other: str) -> list[Tie]:
    return [Tie(one, kind, other), Tie(other, back, one)]


class Kin:
    """Who is what to whom, by the facts that name them."""

    def __init__(self, naming: Callable[[str], Iterable[Fact]]) -> None:
        """Keep where to look.

        Args:
            naming: Facts in any state whose words have a name.
        """
        self._naming = naming
        self._known: dict[str, list[tuple[Tie, Fact]]] = {}

    def derived(self, question: str) -> Derived | None:
        """What `Who are Ann's parents-in-law?` has as its answer; None if nothing tells."""
        asked = _ASKED.fullmatch(question.strip())
        if asked is None or (name := wording.one_of(asked["name"].casefold())) not in _OVER:
            return None
        owner = asked["owner"] or "I"
        reached: dict[str, tuple[Fact, ...]] = {}
        ended: list[Fact] = []
        for way in _OVER[name]:
            on_way, over = self._along(owner, way)
            reached |= on_way
            ended += over
        nearer = self._direct(owner, _NEARER[name]) if name in _NEARER else {}
        people = [one for one in reached if one != owner and one not in nearer]
        facts = dict.fromkeys(fact for one in people for fact in reached[one])
        if people:
            return Derived(tuple(people), tuple(facts))
        return Derived((), tuple(ended)) if ended else None

    def _along(
        self, owner: str, way: tuple[str, ...]
    ) -> tuple[dict[str, tuple[Fact, ...]], list[Fact]]:
        """Whom a way leads to, each with the facts on it; and former facts where it breaks off."""
        here: dict[str, tuple[Fact, ...]] = {owner: ()}
        ended: list[Fact] = []
        for kind in way:
            there: dict[str, tuple[Fact, ...]] = {}
            for one, path in here.items():
                for other, fact in self._direct(one, kind).items():
                    if other != owner or kind in {"employer", "employee"}:
                        there.setdefault(other, (*path, fact))
                ended += [
                    fact
                    for tie, fact in self._ties(one)
                    if tie.kind == kind and fact.state is State.PAST
                ]
            here = there
        return here, ended

    def _direct(self, one: str, kind: str) -> dict[str, Fact]:
        """Somebody's relatives of a kind, as facts that hold say."""
        return {
            tie.other: fact
            for tie, fact in self._ties(one)
            if tie.kind == kind and fact.state is State.CURRENT
        }

    def _ties(self, one: str) -> list[tuple[Tie, Fact]]:
        if one not in self._known:
            self._known[one] = [
                (tie, fact)
                for fact in self._naming(one)
                for tie in ties(fact.text)
                if tie.one == one
            ]
        return self._known[one]
