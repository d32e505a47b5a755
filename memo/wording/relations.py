"""Who is what to whom: words for people near to somebody, and sentences that relate two."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memo.wording.words import DAYS, FIRST_PERSON, NOBODY, PLACING, POSSESSIVE, STOP, content, words

_ELDERS = (
    frozenset("mother mum mom mam mama mamma mummy parent parents".split()),
    frozenset("father dad papa papà daddy parent parents".split()),
    frozenset("gran grandma granny nan nana grandmother".split()),
    frozenset("grandad grandpa grandfather".split()),
)

_SEVERAL_AT_A_TIME = (
    frozenset("brother brothers sibling siblings".split()),
    frozenset("sister sisters sibling siblings".split()),
    frozenset("son kids children child kid".split()),
    frozenset("daughter kids children child kid".split()),
    frozenset({"baby"}),
    frozenset("aunt auntie".split()),
    frozenset({"uncle"}),
    frozenset("cousin cousins".split()),
    frozenset({"nephew"}),
    frozenset({"niece"}),
    frozenset("friend friends mate mates".split()),
    frozenset("neighbour neighbours neighbor neighbors".split()),
    frozenset("colleague colleagues coworker coworkers".split()),
)

_ONE_AT_A_TIME = (
    frozenset({"wife"}),
    frozenset({"husband"}),
    frozenset("fiance fiancee".split()),
    frozenset("girlfriend boyfriend partner".split()),
    frozenset({"ex"}),
    frozenset("flatmate roommate housemate".split()),
    frozenset("boss manager".split()),
    frozenset("landlord landlady".split()),
)

_RELATIONS = (*_ELDERS, *_SEVERAL_AT_A_TIME, *_ONE_AT_A_TIME)
"""Words for people near to somebody; those of one line can mean the same person."""

NEAR_PEOPLE = frozenset().union(*_RELATIONS)

OWN_KIN = frozenset().union(*_ELDERS) - set(
    "mother father grandmother grandfather parent parents".split()
)
"""Whom people speak of without saying whose; `Father Brendan` is a priest."""

_MET = frozenset(
    "friend friends mate mates neighbour neighbours neighbor neighbors colleague colleagues "
    "coworker coworkers".split()
)
MANY = frozenset().union(*_SEVERAL_AT_A_TIME) | {"parent", "parents"}
"""Words for people of whom somebody can have several."""

KIN = frozenset().union(*_ELDERS, *_SEVERAL_AT_A_TIME) - _MET
"""Words for kin by birth."""

ONE_NAME = r"(?:(?:Mrs|Mr|Ms|Miss|Dr)\.? )?[^\W\d_a-z][\w-]*"
"""A name of one word, with a title."""

CALLED = rf"{ONE_NAME}(?: [^\W\d_a-z][\w-]*)*"
"""A name, with a title."""

_WHOSE = rf"[Mm]y|[Oo]ur|{CALLED}['’]s?"

_ROLE = r"(?:[a-z][\w-]*|[A-Z]{2,3}\b)"

_IS_SOMEBODYS = re.compile(rf"({CALLED}) is ({_WHOSE}) ((?:{_ROLE}\s?){{1,3}})\.?")

_SOMEBODYS_IS = re.compile(rf"({_WHOSE}) ((?:{_ROLE}\s){{1,3}})is (?:called |named )?({CALLED})\.?")

_HAS_SOMEBODY = re.compile(
    rf"({CALLED}|I) (?:has|have) (?:an? )?(?:new )?((?:{_ROLE}\s){{1,3}})(?:called|named) "
    rf"({CALLED})\.?"
)

_BY_MARRIAGE = re.compile(r"^step-|-in-law$")

_WORKS_UNDER = re.compile(
    rf"({CALLED}|I) (?:now )?(?:works? under|reports? to) ({CALLED})(?: now)?\.?"
)

_TITLED = re.compile(r"(?:Mrs|Mr|Ms|Miss|Dr)\b")


_OWNER = r"(?<![\w'’-])([^\W\d_a-z][\w-]{0,30}(?: [^\W\d_a-z][\w-]{0,30}){0,2})"
_ROLE_WORDS = r"([a-z][\w-]{0,30}(?: [a-z][\w-]{0,30}){0,2}?)"
_PERSON = r"((?:(?:Mrs|Mr|Ms|Miss|Dr)\.? )?[^\W\d_a-z][\w-]{0,30})(?=\s*(?:[,.;:!?)]|$))"
_INTRODUCING = (
    re.compile(rf"{_OWNER} (?:has|has got|goes to|sees) an? new {_ROLE_WORDS}(?: now)?, {_PERSON}"),
    re.compile(rf"{_OWNER} (?:has|has got|goes to|sees) another {_ROLE_WORDS} now, {_PERSON}"),
    re.compile(
        rf"{_OWNER} (?:has|has got) an? (?:new )?{_ROLE_WORDS}(?: (?:in|at|from) [^,.;]{{1,40}})?, "
        rf"(?:her|his|its) name(?: is|['’]s) {_PERSON}"
    ),
)
"""`Ann has a new teacher, Mr Hale`; `Ann has a colleague at work, her name is Mia`."""


_LINKING = re.compile(r"^(?:(?:So|But|And|Then|Now|Also|Well|Oh|Because|Since|Today) )+")


@dataclass(frozen=True, slots=True)
class Relation:
    """Who somebody is to somebody else."""

    person: str
    whose: str
    """With its possessive ending: `Ann's`, `my`."""
    name: str
    """What the person is: `sister`, `piano teacher`."""

    @property
    def sentence(self) -> str:
        """The relation as a fact."""
        return f"{self.person} is {self.whose} {self.name}."

    @property
    def holder(self) -> str:
        """The place that the person holds: `Ann's piano teacher`."""
        return f"{self.whose} {self.name}"

    @property
    def owner(self) -> str:
        """To whom: `Ann`, or `I`."""
        return "I" if self.whose == "my" else POSSESSIVE.sub("", self.whose)

    @property
    def several(self) -> bool:
        """Whether others can be the same to them."""
        return _BY_MARRIAGE.sub("", self.name.split()[-1]) in MANY


def relation(sentence: str) -> Relation | None:
    """The relation a sentence states: `Mia is Ann's sister`, `Ann has a boss called Mr Hale`."""
    if match := _IS_SOMEBODYS.fullmatch(sentence):
        person, whose, name = match.groups()
    elif match := _SOMEBODYS_IS.fullmatch(sentence):
        whose, name, person = match.groups()
        near = _BY_MARRIAGE.sub("", name.split()[-1])
        if near not in NEAR_PEOPLE and not _TITLED.match(person):
            return None
    elif match := _HAS_SOMEBODY.fullmatch(sentence):
        somebody, name, person = match.groups()
        if not _TITLED.match(person) and name.split()[-1] not in frozenset().union(*_ONE_AT_A_TIME):
            return None  # `Ann has a dog called Max`
        whose = "my" if somebody == "I" else f"{somebody}'s"
    elif match := _WORKS_UNDER.fullmatch(sentence):
        somebody, person = match.groups()
        whose, name = "my" if somebody == "I" else f"{somebody}'s", "boss"
    else:
        return None
    name = name.strip().removeprefix("new ")
    if person.split()[0] in {"The", "A", "An"}:  # `The Nokia is Ann's phone` is about a thing
        return None
    if not name or set(name.split()) & (STOP | {"ex", "former", "old"}):
        return None
    return Relation(
        person, whose if whose[0].isupper() and whose not in {"My", "Our"} else "my", name
    )


def introduced(sentence: str) -> list[str]:
    """Relations that a sentence tells by naming somebody after what they are to somebody."""
    return [
        f"{person} is {_LINKING.sub('', owner)}'s {role}."
        for pattern in _INTRODUCING
        for owner, role, person in pattern.findall(sentence)
        if not set(role.split()) & (STOP | PLACING)
        and person.casefold() not in NOBODY | DAYS
        and _LINKING.sub("", owner).split()[0].casefold() not in NOBODY | STOP | FIRST_PERSON
    ]


def is_kinship(sentence: str) -> bool:
    """Whether a sentence says that somebody is somebody's kin by birth, which nothing ends."""
    related = relation(sentence)
    if related is None:
        return False
    return related.name.split()[-1] in KIN


def names_a_relation(value: str) -> bool:
    """Whether a value says only what somebody is to somebody: `uncle`."""
    return bool(content(value)) and set(words(value)) - STOP <= NEAR_PEOPLE


def as_told(sentence: str, text: str) -> str:
    """A sentence that calls somebody a husband or wife of whom a text says only `married to`."""
    related = relation(sentence)
    if related is None or related.name not in {"husband", "wife"} or related.owner == "I":
        return sentence
    first = re.escape(related.person.split()[-1])
    married = rf"(?:\b(?:is|are|am|got)|['’]s) (?:now |newly )?married to (?:\w+ ){{0,2}}?{first}\b"
    if related.name in words(text) or not re.search(married, text):
        return sentence
    return f"{related.owner} is married to {related.person}."


def relates_as(sentence: str, text: str) -> bool:
    """Whether a text whose speakers are named relates people as a sentence does.

    Each word for a relation must stand there, or one that means it, and where the text says
    whose it is, it must be theirs: `Harvey's uncle Clive` makes nobody else's uncle of Clive.
    """
    there = set(words(text))
    if not all(
        any(word in alike and alike & there for alike in _RELATIONS)
        for word in words(sentence)
        if word in NEAR_PEOPLE
    ):
        return False
    stated = relation(sentence)
    if stated is None:
        return True
    owned = re.findall(
        rf"([\w-]+['’]s|\b(?:my|our|his|her|their)) (?:[\w-]+ ){{0,2}}?{re.escape(stated.name)}\b",
        text,
        re.IGNORECASE,
    )
    loose = {"my", "our", "his", "her", "their"}
    return not owned or any(
        whose.casefold() in loose or words(whose) == words(stated.whose)[-1:] for whose in owned
    )


_COUPLE = re.compile(
    r"\b(?:married|engaged|divorced|together with|dating|going out|lives? with|friends? with)\b",
    re.IGNORECASE,
)


_PARTING = re.compile(
    r"\b(?:moved out|left|divorced|separated|split|(?:broke|broken) (?:up|off)|died|passed away)\b",
    re.IGNORECASE,
)


def parts(couple: str, sentence: str) -> bool:
    """Whether what one sentence tells of two people ends when, as another says, one leaves."""
    return _COUPLE.search(couple) is not None and _PARTING.search(sentence) is not None


_SAID_OTHERWISE = (
    (re.compile(r"\b(?:married|engaged)\b", re.IGNORECASE), "wife husband fiance partner"),
    (re.compile(r"\bsibling\b", re.IGNORECASE), "brother sister siblings"),
    (re.compile(r"\bparent\b", re.IGNORECASE), "mother father parents"),
    (re.compile(r"\bwork(?:s|ed)? (?:together )?with\b", re.IGNORECASE), "colleagues"),
    (re.compile(r"\b(?:work(?:s|ed)? under|reports? to)\b", re.IGNORECASE), "boss"),
)
"""Phrases that tell of a relation without its word."""


def answers_of_people(question: str, notes: str) -> bool:
    """Whether notes tell of the relation that a question asks for, if it asks for one.

    Of notes that tell of nobody's brother a small model still names one.
    """
    said = [words for phrase, words in _SAID_OTHERWISE if phrase.search(notes)]
    return relates_as(question, " ".join([notes, *said]))
