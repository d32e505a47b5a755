"""Comparing claims: whether two are about the same, say the same, or one says more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memo import wording

if TYPE_CHECKING:
    from memo.records import Claim, Fact


def has_slot(claim: Claim) -> bool:
    """Whether a claim answers an open question, rather than a yes-or-no one of last resort."""
    return not claim.question.startswith("Is it true that ")


def anchor(key: str, sentence: str, subjects: tuple[str, ...]) -> str:
    """The words of a claim by which its place in the text is found: all but the subject."""
    about = wording.content(" ".join(subjects))
    kept = [w for w in wording.words(key) if wording.stem(w) not in about]
    return " ".join(kept) or sentence


def principals(subjects: tuple[str, ...]) -> list[str]:
    """The subjects, without whoever only possesses the first: `Ann's mum`, not `Ann`."""
    first = wording.words(subjects[0]) if subjects else []
    named = [(subject, wording.words(subject)) for subject in subjects]
    return [
        subject for subject, name in named if name and (name == first or name != first[: len(name)])
    ]


def whose(claim: Claim) -> list[str]:
    """The subjects, and of a thing whose it is: of `Ann's phone` also `Ann`, of `Ann's mum` not."""
    main = principals(claim.subjects)
    first = wording.words(claim.subjects[0])[-1:] if claim.subjects else []
    if not first or wording.names_a_relation(first[0]):
        return main
    return [*main, *(subject for subject in claim.subjects if subject not in main)]


def is_whole(claim: Claim) -> bool:
    """Whether a claim says all who are something to somebody: `Ann's colleagues are Bo and Cy`."""
    return wording.whole_list(claim.text) is not None


def is_kinship(claim: Claim) -> bool:
    """Whether a claim says who is somebody's kin by birth, which nothing ends."""
    listed = wording.whole_list(claim.text)
    return wording.is_kinship(claim.text) or (listed is not None and listed.of_kin)


def supplants(claim: Claim, fact: Claim) -> bool:
    """Whether a claim ends another answer to its question, as code can tell: no model is asked.

    Who is married to one is to no other; a whole list ends another one, of kin by birth only if it
    has grown. Who is not in a list may still be of them: it ends nobody's place.
    """
    if wording.same_value(claim.value, fact.value):
        return False
    listed = wording.whole_list(claim.text)
    if listed is None or not is_whole(fact):
        both = wording.marriage(claim.text), wording.marriage(fact.text)
        return all(wed is not None and not wed.over for wed in both)
    return not listed.of_kin or wording.content(fact.value) <= wording.content(claim.value)


def owner(claim: Claim) -> str:
    """To whom a claim's value belongs; for who holds a place in a life, whose life that is."""
    if not claim.subjects:
        return ""
    stated = wording.relation(claim.text)
    if stated is None or stated.holder not in claim.subjects:
        return claim.subjects[0]
    return stated.owner


def is_about(claim: Claim, text: str, speaker: str) -> bool:
    """Whether a text by a speaker may speak of a claim's subjects.

    Of a person's things it may speak without naming them: `We're at 14 Wren Close`; of people
    near to a person it speaks by name or by what they are.
    """
    return any(wording.is_about(name, text, speaker) for name in whose(claim))


def same_subject(a: Claim, b: Claim) -> bool:
    """Whether two claims share a subject; `the baby` is `Ann's baby`."""
    return any(
        x == y or (x[-1] == y[-1] and (set(x) <= set(y) or set(y) <= set(x)))
        for x in map(wording.words, principals(a.subjects))
        for y in map(wording.words, principals(b.subjects))
    )


def restates(new: Claim, stored: Claim) -> bool:
    """Whether a claim says all that a stored one says: same subject, value and predicate."""
    return says(stored, new)


def says(little: Claim, much: Claim) -> bool:
    """Whether the first claim says nothing that the second does not."""
    if not same_subject(little, much):
        return False
    if wording.ends_something(little.text) != wording.ends_something(much.text):
        return False
    if is_whole(little) and is_whole(much) and _is_asked_alike(little, much):
        return wording.same_value(little.value, much.value)
    named = little.subjects[0] if little.subjects[:1] == much.subjects[:1] else ""
    if _without_first(named, little.text) <= _without_first(named, much.text):
        return True
    value = wording.content(little.value)
    alike = has_slot(little) and _is_asked_alike(little, much)
    return alike and value <= wording.content(much.value)


def _is_asked_alike(one: Claim, other: Claim) -> bool:
    return wording.content(one.question) == wording.content(other.question)


def _without_first(name: str, text: str) -> frozenset[str]:
    """Stems of a text after its subject, who may come up in it again: `lives with Ann`."""
    _, found, rest = text.partition(name) if name else ("", "", "")
    return wording.content(rest if found else text)


def repeats(new: Claim, written: Claim) -> bool:
    """Whether a claim only says again what a rewrite has just said."""
    return same_subject(new, written) and (
        wording.content(new.text) == wording.content(written.text)
        or (has_slot(new) and wording.same_value(new.value, written.value))
    )


def core(claim: Claim) -> str:
    """The value, or for a fact without a slot all that it says of its subject."""
    return claim.value if has_slot(claim) else without(claim.text, claim.subjects)


def names_value(claim: Claim, fact: Fact) -> bool:
    """Whether a sentence that ends something names what the fact says.

    `has given up the bus` ends `takes the number 9 bus`, `stopped going to the gym` ends `goes to
    the gym on Mondays`; `left the museum` does not end `met Ann at the museum`.
    """
    if wording.regular_days(claim.text) - wording.regular_days(fact.text):
        return False  # `no more gym on Mondays` may mean another day
    about = wording.content(" ".join(fact.claim.subjects))
    value = wording.content(core(fact.claim)) - about
    own = wording.content(" ".join(claim.subjects))
    # `Nell has given up the bus` does not end that João is at the door of Nell.
    whole = not value <= own or wording.parts(fact.text, claim.text)
    if value and whole and value <= wording.content(claim.text):
        return True
    if has_slot(claim) and (over := wording.content(claim.value) - about) and over <= value:
        return has_slot(fact.claim) or 2 * len(over) >= len(value)
    about |= wording.content(" ".join(claim.subjects))
    gone = wording.without_endings(claim.text) - about
    whom = wording.content(" ".join(wording.names(claim.text))) - about
    if whom and gone - _BEING == whom and goes_on(fact.claim):
        return whom <= wording.content(fact.text)  # `no longer with Acme` ends `drives for Acme`
    said = value if len(gone) == 1 and has_slot(fact.claim) else wording.content(fact.text)
    return bool(gone) and gone <= said and (len(gone) > 1 or has_slot(fact.claim))


_BEING = wording.content("work live be stay belong go")
_PAST = re.compile(
    r"\w+ed|was|were|had|met|went|got|took|bought|came|saw|gave|made|told|said|did|found|lost|left|"
    r"sold|won|fell|felt|broke|drove|ate|wrote|ran|began|brought|built|caught|chose|drank|flew|"
    r"forgot|grew|heard|hid|led|lent|paid|rang|rode|sang|sat|sent|slept|spent|spoke|stood|stole|"
    r"swam|taught|thought|threw|woke|wore"
)


def goes_on(claim: Claim) -> bool:
    """Whether a sentence tells of something lasting rather than of something that happened."""
    rest = without(claim.text, claim.subjects).split()
    return bool(rest) and not _PAST.fullmatch(rest[0].casefold())


def bare(claim: Claim) -> str:
    """A question without its subject, so that names do not make questions alike."""
    rest = without(claim.question, claim.subjects)
    if wording.content(rest):
        return rest
    return without(claim.question, tuple(wording.names(" ".join(claim.subjects))))


def without(text: str, subjects: tuple[str, ...]) -> str:
    """A text without the names of its subjects; the text itself if nothing would be left."""
    gone = {word for subject in subjects for word in wording.words(subject)}
    kept = [w for w in text.split() if not set(wording.words(w)) & gone or not wording.words(w)]
    return " ".join(kept) or text
