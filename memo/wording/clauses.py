"""What a sentence is about, and which of its clauses are facts as they stand."""

from __future__ import annotations

import re

from memo.wording.people import VERB
from memo.wording.relations import relation
from memo.wording.words import DAYS, NOBODY, POSSESSIVE, SECOND_PERSON, STOP, content, words

_SINGULAR = {"have": "has", "are": "is", "were": "was", "live": "lives", "work": "works"}

_PAST_FORMS = frozenset("went bought got left sold came took gave made lost found had".split())

_MUTUAL = re.compile(
    r"\b(together|each other|engaged|married|divorced|separated|met|meet|split|broke|broken|"
    r"siblings|friends|neighbours|neighbors|colleagues|twins|couple|partners|cousins)\b",
    re.IGNORECASE,
)

_OFFERED = re.compile(r"\boffered ([^\W\d_a-z][\w-]{0,30}|me|us) ([^,.;!?]{1,80})")
_TAKEN = re.compile(
    r"\b(?:accept\w*|said yes|took|taken|taking|start\w*|signed|since|now|moved)\b", re.IGNORECASE
)

_IMAGINED = re.compile(
    r"\b(?:would|might)\b|['’]d (?:be|have|like|love|need|never|prefer|rather)\b", re.IGNORECASE
)

_JOINT = re.compile(
    r"[,;:!?.]+\s|\s(?:-|\u2013|\u2014)\s|"
    r"\s(?:except that|because|so|but|while|though|although|since|which|who|where|when)\s|"
    r"\sand\s(?=(?:the|my|our|[^\W\d_a-z])[\w'’-]*\s[\w'’-]+\s)"
)
"""Where one clause ends and another one with a subject of its own begins."""

_OPENING = re.compile(r"^(?:(?:and|but|so|also|oh|well|then|plus),? )+", re.IGNORECASE)

_RELATIVE = frozenset("which who whose what where when".split())

_VERBS_OF_SEVERAL = frozenset("have are were".split())

_AUXILIARIES = frozenset("is was has had will can ca could does did wo".split())


_CONDITIONS = frozenset("if unless imagine suppose".split())

_UNNAMED = frozenset("something somewhere somebody someone".split())

_SHORTEST = 4

_LONGEST = 16
"""Words of a clause that can be kept as a fact."""

_ADVERBS = frozenset("never always often usually really only even already not".split())


def stating(sentence: str) -> list[str]:
    """The clauses of a sentence that are facts as they stand: a named subject and its verb."""
    found = []
    for clause in _JOINT.split(sentence.strip()):
        plain = _OPENING.sub("", clause.strip(" ,.;:!?"))
        if not _SHORTEST <= len(words(plain)) <= _LONGEST:
            continue
        fact = f"{plain[0].upper()}{plain[1:]}."
        told = set(words(fact))
        loose = not stands_alone(fact) or is_imagined(fact) or told & (_CONDITIONS | _UNNAMED)
        if not loose and _has_verb(fact):
            found.append(fact)
    return found


def _has_verb(sentence: str) -> bool:
    """Whether the first subject of a sentence, somebody or `the wedding`, is followed by a verb."""
    first = words(sentence)[0]
    about = leading_subjects(sentence)
    nobody = first in NOBODY | STOP | DAYS | _RELATIVE or first.isdigit()
    if not about or (nobody and first != "the"):
        return False
    found = re.search(rf"{re.escape(about[0].split()[-1])}(?:['’]s)? ([\w'’]+)", sentence)
    verb = re.split(r"n?['’]", found.group(1))[0].casefold() if found else ""
    if verb in _VERBS_OF_SEVERAL:
        return len(about) > 1 or about[0][-1:] == "s"  # else the clause was cut wrongly
    acts = bool(VERB.fullmatch(verb)) and verb not in STOP
    return verb in _AUXILIARIES or (first != "the" and acts)


def is_imagined(fact: str) -> bool:
    """Whether a fact tells of what would be, not of what is."""
    return bool(_IMAGINED.search(fact))


def is_only_offered(fact: str, text: str) -> bool:
    """Whether a text only offers somebody what a fact tells as so: `They offered me flat 8`."""
    if "offer" in fact.casefold() or _TAKEN.search(text):
        return False
    about = leading_subjects(fact)
    telling = content(fact) - content(" ".join(about))
    return any(
        about[:1] == (("I",) if whom in {"me", "us"} else (whom,)) and telling & content(what)
        for whom, what in _OFFERED.findall(text)
    )


def unfolded(sentence: str) -> list[str]:
    """The facts that one sentence holds.

    `Ann's sister Mia lives in Hull.` also says who Mia is; `Mia and Josh moved to Hull.` is a
    fact about each of them.
    """
    if (related := relation(sentence)) is not None:
        return [related.sentence]
    match = re.match(
        r"((?:My|[^\W\d_a-z][\w-]*['’]s?) ([a-z][\w-]*)),? "
        r"((?:(?:Mrs|Mr|Ms|Dr)\.? )?[^\W\d_a-z][\w-]*),? (.+)",
        sentence,
    )
    if match is not None and VERB.fullmatch(match.group(4).split()[0].rstrip(",")):
        whose, _, name, rest = match.groups()
        whose = whose if not whose.startswith("My ") else f"m{whose[1:]}"
        return [f"{name} {rest}", f"{name} is {whose}."]
    match = re.match(r"([^\W\d_a-z][\w-]*) and ([^\W\d_a-z][\w-]*) ([a-z]+)( .+)", sentence)
    if match is not None and not _MUTUAL.search(sentence):
        one, other, verb, rest = match.groups()
        if verb in _SINGULAR or verb.endswith("ed") or verb in _PAST_FORMS:
            verb = _SINGULAR.get(verb, verb)
            return [f"{one} {verb}{rest}", f"{other} {verb}{rest}"]
    return [sentence]


_ARTICLES = {"The", "A", "An"}


def leading_subjects(sentence: str) -> tuple[str, ...]:
    """Whom or what a short sentence is about: `Meera and Josh`, `Enzo's mum`, `I`.

    A sentence that begins with "My" or "We" is about the one who speaks, written `I`; of `The
    wedding is in June` the subject is `wedding`.
    """
    first, _, rest = sentence.strip().partition(" ")
    first = first.rstrip(",")
    if first in _ARTICLES and not rest[:1].isupper():
        owner, _, owned = rest.partition(" ")
        if not POSSESSIVE.search(owner):
            return tuple(filter(None, [_noun(rest)]))
        return tuple(filter(None, [f"{owner} {_noun(owned)}".strip(), POSSESSIVE.sub("", owner)]))
    if first.casefold() in {"i", "my", "we", "our", "i'm", "i've"}:
        return ("I",)
    match = re.match(
        r"(?:The\s+)?((?:[^\W\d_a-z][\w'’.-]*\s*)+(?:and\s+(?:[^\W\d_a-z][\w'’-]*\s*)+)?)",
        sentence,
    )
    if match is None:
        return ()
    lead = match.group(1).strip()
    found = [POSSESSIVE.sub("", part.strip()) for part in re.split(r"\band\b", lead)]
    if POSSESSIVE.search(lead) and (noun := _noun(sentence[match.end() :])):
        return (f"{lead} {noun}", *found)
    return tuple(part for part in found if part)


def _noun(text: str) -> str:
    """The words of a text before its verb, the first one alone if no verb is seen soon."""
    found: list[str] = []
    for word in text.split()[:4]:
        plain = re.split(r"['’]|n['’]t", word)[0].casefold()
        if found and (VERB.fullmatch(plain) or plain in _ADVERBS):
            return " ".join(found)
        if not word.strip(".,;:!?").replace("-", "").isalnum() or word[0].isupper():
            break
        found.append(word.strip(".,;:!?"))
    return " ".join(found[:1])


def stands_alone(sentence: str) -> bool:
    """Whether a sentence can be read without the text it came from: no loose pronouns, no `you`."""
    loose = {"he", "she", "it", "they", "him", "them", "this", "that"} | SECOND_PERSON
    return not set(words(sentence)) & loose
