"""What code can tell about words without a model: same value, whose clause, where it stands.

These are the guards of docs/erase.md. They know English function words, pronouns and words
for people near to somebody; in another language they recognise less, and so hold back more.
"""

from __future__ import annotations

import re
from itertools import pairwise

_STOP = frozenset(
    "a an the of in at on to for from by with and or as is are was were be been am do does did "
    "has have had his her hers my mine our their its your i we he she they it this that these "
    "those there some now still also again new just".split()
)
_NUMBERS = {
    word: str(i)
    for i, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_FIRST_PERSON = frozenset("i i'm i've i'll i'd we we're we've we'll we'd me us".split())
_THIRD_PERSON = frozenset("he she they he's she's they're they've they'll his her their".split())
_NEAR_PEOPLE = frozenset(
    "mother mum mom mam mama father dad papa parents sister brother siblings son daughter kids "
    "children child wife husband partner girlfriend boyfriend fiance fiancee ex friend friends "
    "mate mates neighbour neighbours neighbor neighbors boss manager colleague colleagues coworker "
    "coworkers cousin cousins aunt auntie uncle nephew niece gran grandma granny nan grandmother "
    "grandad grandpa grandfather flatmate roommate landlord landlady baby".split()
)
_OWN_KIN = frozenset(
    "mum mom mam mama mummy dad papa daddy gran grandma granny nan nana grandad grandpa".split()
)
"""Whom people speak of without saying whose."""
_KIN = {
    name: set(names.split())
    for names in (
        "mother mum mom mam mama mummy",
        "father dad papa daddy",
        "gran grandma granny nan nana grandmother",
        "grandad grandpa grandfather",
        "neighbour neighbours neighbor neighbors",
        "brother brothers",
        "sister sisters",
        "friend friends mate mates",
        "kids children child kid",
        "aunt auntie",
        "flatmate roommate",
        "boss manager",
        "colleague colleagues coworker coworkers",
        "girlfriend boyfriend partner",
    )
    for name in names.split()
}
"""Words for one and the same relation."""
_ENDING = re.compile(
    r"\b(no (?:longer|more)|any ?more|not|never|quit|stop(?:ped|s)?|"
    r"(?:give|giving|given|gave) (?:it )?(?:up|away)|sold|lost|left|leaving|"
    r"selling (?:the|my|our|his|her|their)|"
    r"ended|ends|(?:is|are|was|be|all|['’]s) over|cancel(?:led|ed)?|"
    r"called off|last day|(?:is|are|was|come|came|take|took|taken) (?:\w+ )?off|broke|broken|"
    r"split|divorced|separated|died|dead|gone|finished|without|used to|former|"
    r"formerly|ex|dropped|done with|retired|resigned|notice|clos(?:ed|es)|threw|thrown|"
    r"returned|expired|out of|wrong|instead|"
    r"scrapped|ditched|binned|dumped|abandoned|axed|(?:got|get|getting) rid of|rid of|"
    r"(?:took|take|taken|taking|gave|given|sent|handed|brought) (?:\w+ ){1,2}back|let go|"
    r"(?:go|gone|went) (?:bust|under)|shut(?:ting)? down|packed (?:it )?in|"
    r"fell (?:through|out)|over with|traded in|handed in|turned down|"
    r"passed away|swapped|replaced|switched|changed|moved|fired|laid off|back from)\b|n't\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"no longer|no more|any ?more|not|never|n't|without|wrong|last day", re.IGNORECASE
)
_SINGULAR = {"have": "has", "are": "is", "were": "was", "live": "lives", "work": "works"}
_MUTUAL = re.compile(
    r"\b(together|each other|engaged|married|divorced|separated|met|meet|split|broke|broken|"
    r"siblings|friends|neighbours|neighbors|colleagues|twins|couple|partners|cousins)\b",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"not|never|n't|without|back from|left|leaving|quit|out of|moved|lost|gave up|given up",
    re.IGNORECASE,
)
"""What follows these words is over, not what stands before them."""
_ARRIVING = re.compile(r"\b(?:moved|switched|changed) (?:in ?)?to\b", re.IGNORECASE)
_INTRODUCED = re.compile(
    r"\b(?:[Hh]e|[Ss]he|[Ii]t)(?:['’]s| is) (?:called|named) ([^\W\d_a-z][\w'’-]*)"
)
_TOWARDS = re.compile(r"(?<!ing )\b(?:to|into|for|(?<=it )with|by)\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[,;:]|\s(?:-|\u2013|\u2014)\s|\b(?:and|but|so|then|though|while|because|since)\b"
)
_VERB = re.compile(
    r"(?:is|has|was|had|are|were|have|got|will|can|could|would|does|did|says|said|went|came|took|"
    r"bought|made|found|met|wants|lives|works|plays|goes|just|also|still|now|and|finally|\w{3,}ed|[a-z]{2,}[^s\W]s)"
)
_LEADING = re.compile(r"^(?:in|at|on|from|to|with|for)\s+", re.IGNORECASE)
_DAYS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays "
    "thursdays fridays saturdays sundays january february march april may june july august "
    "september october november december christmas easter".split()
)
_PLACING = frozenset("in at to from on of for near via by the into called named".split())
_PAST = re.compile(
    r"\b(did|was|were|had|used to|before|previous(?:ly)?|former(?:ly)?|earlier|once|"
    r"back (?:in|then)|ago|last|until|first|old|originally|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_CONTRACTED = re.compile(r"['’]\w+$")
_NOBODY = frozenset("you your her him them what who when where how that there here yes no".split())
_SENTENCE = re.compile(r"[^.!?\n;]+[.!?;]*")
_NAME = re.compile(r"\b[^\W\d_a-z][\w'’-]*", re.UNICODE)


def words(text: str) -> list[str]:
    """The words of a text, folded, without possessive endings, numbers as digits."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group().casefold().replace("’", "'")
        word = re.sub(r"'s$|'$", "", word)
        found.append(_NUMBERS.get(word, word))
    return found


_IRREGULAR = {"going": "go", "goes": "go", "went": "go", "doing": "do", "having": "have"}


def stem(word: str) -> str:
    """A crude stem, enough for Tuesday and Tuesdays, moved and moves."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word[0].isdigit():
            base = word[: -len(ending)]
            return base + "y" if ending == "ies" else base.removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def content(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in _STOP)


def same_value(a: str, b: str) -> bool:
    """Whether two answers name the same thing: the words of one contain those of the other."""
    x, y = content(a), content(b)
    if not x or not y:
        return words(a) == words(b)
    return x <= y or y <= x


def occurs(value: str, text: str) -> bool:
    """Whether all that matters of a value stands in a text."""
    return bool(wanted := content(value)) and wanted <= content(text)


def sentences(text: str) -> list[str]:
    """A text cut at sentence ends and line breaks; together they are all of its words."""
    return [match.group().strip() for match in _SENTENCE.finditer(text) if match.group().strip()]


def quote_for(value: str, text: str) -> str | None:
    """The shortest sentence of a text, or two in a row, with the words of a value; literal."""
    spans = [match.span() for match in _SENTENCE.finditer(text)]
    pairs = [(a[0], b[1]) for a, b in pairwise(spans)]
    for start, end in [*sorted(spans, key=lambda s: s[1] - s[0]), *pairs]:
        if occurs(value, text[start:end]):
            return text[start:end].strip()
    return None


def ends_something(text: str) -> bool:
    """Whether a sentence has a word that ends, negates or replaces."""
    return bool(_ENDING.search(_ARRIVING.sub(" ", text)))


def over(value: str, text: str) -> bool:
    """Whether a text says of a value that it is over, rather than of another in its sentence.

    `I left Acme for Borealis, no more nights` says it of Acme and of the nights.
    """
    wanted = content(value)
    if ends_something(value):
        return True
    clauses = [c for s in sentences(text) for c in _CLAUSE.split(s) if wanted <= content(c)]
    if not wanted or not clauses:
        return ends_something(text)
    return any(_is_over(wanted, clause) for clause in clauses)


def _is_over(wanted: frozenset[str], clause: str) -> bool:
    if "still" in words(clause):
        return False
    start = next(m.start() for m in _WORD.finditer(clause) if content(m.group()) & wanted)
    for match in _ENDING.finditer(clause):
        word, between = match.group().casefold(), clause[match.end() : max(start, match.end())]
        if not _NEGATION.fullmatch(word) and _TOWARDS.search(between):
            continue  # the one that comes instead
        if _OBJECT.fullmatch(word) and match.end() > start:
            continue  # `the rash is not from the soap` denies the soap
        if word == "instead" and not clause[match.end() :].startswith(" of"):
            continue
        return True
    return False


def without_endings(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning, those left out that only say that it is over."""
    return content(_ENDING.sub(" ", text)) - content("longer more")


def asks_about_past(question: str) -> bool:
    """Whether a question is about how things were, by its verbs and time words."""
    return bool(_PAST.search(question))


def names(text: str) -> list[str]:
    """Capitalised words, possessive endings cut."""
    return [_POSSESSIVE.sub("", m.group()) for m in _NAME.finditer(text)]


_SPEAKER_FORMS = tuple(
    (re.compile(rf"\b{form}\b"), becomes)
    for form, becomes in (
        (r"(?:[Ii]['’]m|[Ii] am|[Ww]e['’]re|[Ww]e are)", "{} is"),
        (r"(?:[Ii]|[Ww]e)(?:['’]ve| have)", "{} has"),
        (r"(?:[Ii]|[Ww]e)['’]ll", "{} will"),
        (r"(?:[Ii]|[Ww]e)['’]d", "{} would"),
        (r"[Ww]e were", "{} was"),
        (r"(?:[Ii]|[Ww]e) do", "{} does"),
        (r"(?:[Ii]|[Ww]e) don['’]t", "{} doesn't"),
        (r"am I", "is {}"),
        (r"(?:[Mm]y|[Oo]ur|[Mm]ine|[Oo]urs)", "{}'s"),
        (r"(?:[Ii]|[Ww]e|[Mm]e|us|[Mm]yself|ourselves)(?!['’])", "{}"),
    )
)


def resolved(text: str, speaker: str) -> str:
    """A text in which its speaker has a name instead of pronouns; unchanged if none is known.

    A small model otherwise gives what a message says of others to whoever signed it.
    """
    if speaker == "I":
        return text
    for form, becomes in _SPEAKER_FORMS:
        text = form.sub(lambda _, to=becomes: to.format(speaker), text)  # type: ignore[misc]
    return text


def claimed(sentence: str, speaker: str) -> str:
    """A sentence about "the baby" as one about whose it is: the speaker's, as far as is known."""
    whose = "My" if speaker == "I" else f"{speaker}'s"
    first, _, rest = sentence.partition(" ")
    if re.sub(r"['’]s$", "", first).casefold() in _OWN_KIN:
        return f"{whose} {first[0].lower()}{first[1:]} {rest}"
    return re.sub(r"^(?:The|A|An|His|Her|Their|Our|My)\s+(?=[a-z])", f"{whose} ", sentence, count=1)


def unfolded(sentence: str) -> list[str]:
    """The facts that one sentence holds.

    `Ann's sister Mia lives in Hull.` also says who Mia is; `Mia and Josh moved to Hull.` is a
    fact about each of them.
    """
    match = re.match(
        r"((?:My|[^\W\d_a-z][\w-]*['’]s?) ([a-z][\w-]*)),? "
        r"((?:(?:Mrs|Mr|Ms|Dr)\.? )?[^\W\d_a-z][\w-]*),? (.+)",
        sentence,
    )
    if match is not None and _VERB.fullmatch(match.group(4).split()[0].rstrip(",")):
        whose, _, name, rest = match.groups()
        whose = whose if not whose.startswith("My ") else f"m{whose[1:]}"
        return [f"{name} {rest}", f"{name} is {whose}."]
    match = re.match(r"([^\W\d_a-z][\w-]*) and ([^\W\d_a-z][\w-]*) ([a-z]+)( .+)", sentence)
    if match is not None and not _MUTUAL.search(sentence):
        one, other, verb, rest = match.groups()
        if verb in _SINGULAR or verb.endswith("ed") or verb in {"went", "bought", "got"}:
            verb = _SINGULAR.get(verb, verb)
            return [f"{one} {verb}{rest}", f"{other} {verb}{rest}"]
    return [sentence]


def leading_subjects(sentence: str) -> tuple[str, ...]:
    """Whom or what a short sentence is about: `Meera and Josh`, `Enzo's mum`, `I`.

    A sentence that begins with "My" or "We" is about the one who speaks, written `I`.
    """
    first = sentence.split(maxsplit=1)[0].rstrip(",") if sentence.split() else ""
    if first.casefold() in {"i", "my", "we", "our", "i'm", "i've"}:
        return ("I",)
    match = re.match(
        r"(?:The\s+)?((?:[^\W\d_a-z][\w'’.-]*\s*)+(?:and\s+(?:[^\W\d_a-z][\w'’-]*\s*)+)?)(\w+)?",
        sentence,
    )
    if match is None:
        return ()
    lead = match.group(1).strip()
    found = [_POSSESSIVE.sub("", part.strip()) for part in re.split(r"\band\b", lead)]
    if _POSSESSIVE.search(lead) and match.group(2):
        return (f"{lead} {match.group(2)}", *found)
    return tuple(part for part in found if part)


def relates_as(sentence: str, text: str) -> bool:
    """Whether a text has each word for a relation that a sentence has, or one that means it."""
    there = set(words(text))
    return all(_KIN.get(word, {word}) & there for word in words(sentence) if word in _NEAR_PEOPLE)


def stands_alone(sentence: str) -> bool:
    """Whether a sentence can be read without the text it came from: no loose pronouns."""
    return not set(words(sentence)) & {"he", "she", "it", "they", "him", "them", "this", "that"}


def is_about(subject: str, text: str, speaker: str) -> bool:
    """Whether a text by a speaker mentions a subject, or the subject is the speaker."""
    if subject in {speaker, "I"}:
        return subject == speaker
    wanted = set(words(subject)) - set(words(speaker))
    return wanted <= set(words(text)) if wanted else False


def acting(text: str) -> frozenset[str]:
    """Capitalised words that can be somebody who does something, rather than a place.

    Within a sentence all that follow no preposition; at its start those before a verb form.
    """
    found = set()
    for sentence in sentences(text):
        tokens = _WORD.findall(sentence)
        placed = False
        for i, token in enumerate(tokens):
            bare = _CONTRACTED.sub("", token).casefold()
            if not token[0].isupper() or bare in _FIRST_PERSON | _STOP | _DAYS | _NOBODY:
                continue
            following = tokens[i + 1].casefold() if i + 1 < len(tokens) else ""
            if i == 0:
                possessive = token.casefold().endswith(("'s", "’s"))
                placed = not (possessive or _VERB.fullmatch(following))
            elif not tokens[i - 1][0].isupper():  # else it goes with the word before it
                placed = tokens[i - 1].casefold() in _PLACING
            if not placed:
                found.add(_POSSESSIVE.sub("", token))
    return frozenset(found)


def owners(value: str, text: str, speaker: str, people: frozenset[str]) -> set[str | None]:
    """Whom a text says a value of, by the mention nearest before it in its sentence.

    Args:
        value: Words that stand in the text.
        text: What the speaker said.
        speaker: `I` where no name is known.
        people: Names that can be meant; other capitalised words are places and the like.

    Returns:
        Speaker, names, or "" for somebody else who has no name here; None where a sentence
        mentions nobody before the value. Empty when the value does not stand in one sentence.
    """
    found: set[str | None] = set()
    wanted = content(value)
    known = {stem(name.casefold()): name for name in people}
    named: set[str | None] = {""}
    for sentence in sentences(text):
        tokens = words(sentence)
        introduced = _INTRODUCED.search(sentence)
        if introduced is not None:  # `He's black and he's called Taro`
            somebody = known.get(stem(introduced.group(1).casefold()))
            named = {somebody} if somebody else named
        nearest: set[str | None] = {None}
        here: set[str | None] = set()
        last = -9
        holds = wanted <= content(sentence)
        for i, token in enumerate(tokens):
            if holds and stem(token) in wanted:
                found |= nearest
                holds = False
            owner: set[str | None] | None = None
            if stem(token) in known:
                owner = {known[stem(token)]}
                here |= owner - {speaker}
            elif token in _FIRST_PERSON:
                owner = {speaker}
            elif token in _THIRD_PERSON:
                owner = here or named  # any of those just named
            elif token in _NEAR_PEOPLE:
                owner = {""}
            elif i > 0 and tokens[i - 1] in {"my", "our"}:
                owner = {speaker}
            if owner is not None:
                joined = last == i - 2 and tokens[i - 1] in {"and", "with"}
                nearest = nearest | owner if joined else owner
                last = i
        named = here or named
    return found


def may_own(
    subject: str,
    value: str,
    text: str,
    speaker: str,
    people: frozenset[str],
    present: frozenset[str] = frozenset(),
) -> bool:
    """Whether a value can have been said of a subject, by the nearest mention before it.

    Of somebody else who takes part in the conversation (`present`) only what names or
    addresses them can be said.
    """
    if subject in present and subject != speaker:
        addressed = {"you", "your", "you're", "you've", "you'll", *words(subject)}
        if not addressed & set(words(text)):
            return False
    marked = owners(value, text, speaker, people)
    if not marked or None in marked:
        return True
    about = set(words(subject))
    near = bool(about & _NEAR_PEOPLE)
    for owner in marked:
        if owner == "" or (near and owner != speaker):
            if subject != speaker:
                return True
        elif owner is not None and (owner == subject or set(words(owner)) & about):
            return True
    return False


def replaced(text: str, old: str, new: str) -> str | None:
    """A sentence with one value put in place of another; None if the old one is not in it."""
    for was, becomes in ((old, new), (_LEADING.sub("", old), _LEADING.sub("", new))):
        match = re.search(rf"(?<!\w){re.escape(was)}(?!\w)", text, re.IGNORECASE) if was else None
        if match:
            return text[: match.start()] + becomes + text[match.end() :]
    return None
