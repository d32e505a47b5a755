"""Who is married to whom, in any of the words for it: both are, until they part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memo.wording.relations import ONE_NAME
from memo.wording.words import DAYS, NOBODY, POSSESSIVE, STOP, words

_MORE = r"(?: [^\W\d_a-z][\w-]*){0,2}"
_ENDS = r"(?!['’\w-]| [^\W\d_a-z][\w-]*['’])"
"""Not before an ending: of `married to Bo Smith's brother` neither Bo nor Smith is."""
_PAIR = rf"(?<![\w'’])(?P<one>{ONE_NAME})", rf"(?P<other>{ONE_NAME}{_MORE}){_ENDS}"
_BOTH = rf"{_PAIR[0]} and {_PAIR[1]}"
_WITH = r"(?:\b(?:all|both|finally|happily|just|newly|now|still) )*"
_BE = r"(?:['’]s|['’]m|['’]re|['’]ve| is| am| are| has| have| got| has got| have got) ?"
_MARRIED = (
    re.compile(rf"{_PAIR[0]}{_BE}{_WITH}(?:got )?married to {_PAIR[1]}"),
    re.compile(rf"{_PAIR[0]}(?:['’]s|['’]ve| has| have)? {_WITH}married {_PAIR[1]}"),
    re.compile(rf"{_BOTH}{_BE}{_WITH}(?:got )?married\b(?! to\b)"),
    re.compile(rf"{_BOTH} {_WITH}(?:married\b(?! to\b)|tied the knot)"),
)
_PARTED = (
    re.compile(rf"{_PAIR[0]}['’]s marriage (?:to|with) {_PAIR[1]} (?:is|was|has|came|ended|broke)"),
    re.compile(rf"{_BOTH}(?:{_BE}| ){_WITH}divorced"),
    re.compile(rf"{_PAIR[0]}(?:['’]s|['’]ve| has| have| is)? {_WITH}divorced {_PAIR[1]}"),
    re.compile(rf"{_PAIR[0]}{_BE}no longer married to {_PAIR[1]}"),
    re.compile(rf"{_PAIR[0]} (?:isn|aren)['’]t married to {_PAIR[1]} any ?more\b"),
)
_IS_STILL = re.compile(rf"\b(?:Is|Are) {_PAIR[0]} still married to {_PAIR[1]}")
_DID = re.compile(rf"\bDid (?P<one>{ONE_NAME}) (?:get married|marry)\b")
_NO = re.compile(r"(?:No|Nope|Not any ?more)\b")
_YES_TO = re.compile(rf"(?:Yes|Yeah|Yep|Oh yes)\b[,.!]? to (?P<other>{ONE_NAME}{_MORE}){_ENDS}")
_LATER = re.compile(r"(?:,? (?:since|in|on|at|for|again|now|last|this|to each other)\b.*)?[.!]*")


@dataclass(frozen=True, slots=True)
class Marriage:
    """One side of a marriage."""

    one: str
    other: str
    over: bool = False

    @property
    def sentence(self) -> str:
        """The marriage, or that it is over, as a fact about the first of the two."""
        is_ = "am" if self.one == "I" else "is"
        return f"{self.one} {is_}{' no longer' if self.over else ''} married to {self.other}."

    @property
    def question(self) -> str:
        """What it answers."""
        return "Who am I married to?" if self.one == "I" else f"Who is {self.one} married to?"

    @property
    def turned(self) -> Marriage:
        """The other side."""
        return Marriage(self.other, self.one, self.over)


def marriages(text: str, asked: str | None = None) -> list[Marriage]:
    """The marriages of which a text tells by the names of both, and those that it says are over.

    Args:
        text: A sentence; whoever it calls by a pronoun is left out.
        asked: The question that it answers, with names for `you` and `I`.
    """
    found = [
        Marriage(match["one"], match["other"], over=over)
        for patterns, over in ((_MARRIED, False), (_PARTED, True))
        for pattern in patterns
        for match in pattern.finditer(text)
    ]
    if asked and (still := _IS_STILL.search(asked)) and _NO.match(text):
        found.append(Marriage(still["one"], still["other"], over=True))
    if asked and (did := _DID.search(asked)) and (to := _YES_TO.match(text)):
        found.append(Marriage(did["one"], to["other"]))
    return [wed for wed in dict.fromkeys(found) if _is_name(wed.one) and _is_name(wed.other)]


def marriage(sentence: str) -> Marriage | None:
    """The marriage that a sentence states and nothing else; None if it states none."""
    for patterns, over in ((_MARRIED, False), (_PARTED, True)):
        for pattern in patterns:
            match = pattern.match(sentence)
            if match is not None and _LATER.fullmatch(sentence, match.end()):
                return Marriage(match["one"], match["other"], over=over)
    return None


def _is_name(word: str) -> bool:
    nobody = set(words(word)[:1]) & (NOBODY | STOP | DAYS)
    return word == "I" or not (nobody or POSSESSIVE.search(word))
