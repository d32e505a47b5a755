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
_SAME = {"coworkers": "colleagues", "kids": "children"}
_NEVER_ALL = frozenset("friends mates neighbours neighbors".split())
"""Of whom people name some."""
_ONE_OF = {"children": "child"}


def asks_for(question: str, slot: str) -> bool:
    """Whether a question asks for what a list or a marriage tells, `coworkers` for `colleagues`."""
    return _plain(question) == _plain(slot)


def _plain(question: str) -> frozenset[str]:
    return content(" ".join(_SAME.get(word, word) for word in words(question)))


@dataclass(frozen=True, slots=True)
class WholeList:
    """All who are something to somebody; two at least."""

    owner: str
    """`I`, or a name."""
    name: str
    """What they are: `colleagues`; one word for those that mean the same."""
    one: str
    """What each of them is."""
    value: str
    """Their names, as they were listed."""

    @property
    def question(self) -> str:
        """What the list answers."""
        return f"Who are {self._whose} {self.name}?"

    @property
    def holder(self) -> str:
        """The place that each of them holds: `Ann's colleague`."""
        return f"{self._whose} {self.one}"

    @property
    def of_kin(self) -> bool:
        """Whether they are kin by birth: nobody is struck from such a list."""
        return self.name in KIN

    @property
    def _whose(self) -> str:
        return "my" if self.owner == "I" else f"{self.owner}'s"


def whole_list(sentence: str) -> WholeList | None:
    """The list of people that a sentence gives as a whole; None if it gives none."""
    match = _THEY_ARE.fullmatch(sentence) or _WORKS_WITH.fullmatch(sentence)
    parts = _NAME.fullmatch(match.groupdict().get("name", "colleagues")) if match else None
    if match is None or parts is None or parts[2] not in MANY - _NEVER_ALL:
        return None
    named = items(match["all"])
    if len(named) < 2 or not all(re.fullmatch(CALLED, one) for one in named):
        return None
    before, after = parts[1] or "", parts[3] or ""
    name = _SAME.get(parts[2], parts[2])
    one = _ONE_OF.get(name, name.removesuffix("s"))
    owner = POSSESSIVE.sub("", match["owner"])
    owner = "I" if owner.casefold() in {"my", "our"} else owner
    return WholeList(owner, before + name + after, before + one + after, match["all"])
