"""Sentences that say all who are something to somebody: `Ann's colleagues are Bo and Cy`.

The next such sentence takes the place of the one before; that somebody is one of them takes
nobody's place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memo.wording.relations import CALLED, KIN, MANY
from memo.wording.words import POSSESSIVE, content, items, words

_NOW = r"(?: (?:now|nowadays|these days|at the moment|from now on))?"
_THEY_ARE = re.compile(
    rf"(?P<owner>[Mm]y|[Oo]ur|{CALLED}['’]s?) (?:(?:only|new) )?(?P<name>[a-z][\w-]*){_NOW} are "
    rf"(?:(?:now|just|only) )?(?P<all>.+?){_NOW}[.!]?"
)
_WORKS_WITH = re.compile(
    rf"(?P<owner>I|{CALLED}) (?:(?:now|only|currently) )?works? with (?P<all>.+?){_NOW}[.!]?"
)
_NAME = re.compile(r"(step-?)?([a-z]+)(-in-law)?")
_SAME = {"coworker": "colleague", "kid": "child"}
_NEVER_ALL = frozenset("friends mates neighbours neighbors".split())
"""Of whom people name some."""


def asks_for(question: str, slot: str) -> bool:
    """Whether a question asks what a slot does; `coworkers` are `colleagues`."""
    return _plain(question) == _plain(slot)


def _plain(question: str) -> frozenset[str]:
    return content(" ".join(map(one_of, words(question))))


@dataclass(frozen=True, slots=True)
class WholeList:
    """All who are something to somebody; two at least."""

    owner: str
    """`I`, or a name."""
    name: str
    """What each of them is: `colleague`."""
    value: str
    """Their names, as they were listed."""

    @property
    def question(self) -> str:
        """What the list answers."""
        before, joined, after = self.name.partition("-in-law")
        several = f"{before[:-5]}children" if before.endswith("child") else f"{before}s"
        return f"Who are {self._whose} {several}{joined}{after}?"

    @property
    def holder(self) -> str:
        """The place that each of them holds: `Ann's colleague`."""
        return f"{self._whose} {self.name}"

    @property
    def of_kin(self) -> bool:
        """Whether they are kin by birth: nobody is struck from such a list."""
        return self.name in KIN

    @property
    def _whose(self) -> str:
        return "my" if self.owner == "I" else f"{self.owner}'s"


def one_of(name: str) -> str:
    """What each of several is, `coworkers` and `colleagues` by the same word: `colleague`."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        return name
    before, several, after = parts[1] or "", parts[2], parts[3] or ""
    one = "child" if several == "children" else several.removesuffix("s")
    return before + _SAME.get(one, one) + after


def whole_list(sentence: str) -> WholeList | None:
    """The list of people that a sentence gives as a whole; None if it gives none."""
    match = _THEY_ARE.fullmatch(sentence) or _WORKS_WITH.fullmatch(sentence)
    parts = _NAME.fullmatch(match.groupdict().get("name", "colleagues")) if match else None
    if match is None or parts is None or parts[2] not in MANY - _NEVER_ALL:
        return None
    named = items(match["all"])
    if len(named) < 2 or not all(re.fullmatch(CALLED, one) for one in named):
        return None
    owner = POSSESSIVE.sub("", match["owner"])
    owner = "I" if owner.casefold() in {"my", "our"} else owner
    return WholeList(owner, one_of(parts[0]), match["all"])
