"""What code can tell about words without a model: same value, whose clause, where it stands.

These are the guards of docs/erase.md. They know English function words, pronouns and words
for people near to somebody; in another language they recognise less, and so hold back more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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
_ELDERS = (
    frozenset("mother mum mom mam mama mummy parents".split()),
    frozenset("father dad papa daddy parents".split()),
    frozenset("gran grandma granny nan nana grandmother".split()),
    frozenset("grandad grandpa grandfather".split()),
)
_SEVERAL_AT_A_TIME = (
    frozenset("brother brothers siblings".split()),
    frozenset("sister sisters siblings".split()),
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
_NEAR_PEOPLE = frozenset().union(*_RELATIONS)
_OWN_KIN = frozenset().union(*_ELDERS) - set(
    "mother father grandmother grandfather parents".split()
)
"""Whom people speak of without saying whose; `Father Brendan` is a priest."""
_MANY = frozenset().union(*_SEVERAL_AT_A_TIME) | {"parents"}
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
    r"passed away|swapped|replaced|switched|changed|moved|fired|laid off|back from|"
    r"(?:stood|stand|standing|stepped|step|stepping) down|"
    r"(?:pull|dropp|back|bail|opt)(?:ed|ing) out|"
    r"(?:got|gone|came|come|went|go) off|(?:jack|chuck)(?:ed|ing) (?:it )?in|part(?:ed|ing) ways|"
    r"(?:wound|wind|winding|folded) up|folded|lapsed|ran out|run out|written off|for scrap|"
    r"given (?:it )?back|gave (?:it )?back|put (?:off|back)|postponed|unsubscribed|rehomed|"
    r"donated|outgr(?:ew|own)|(?:say|said|saying) (?:goodbye|farewell) to|goodbye to)\b|n't\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"no longer|no more|any ?more|not|never|n't|without|wrong|last day", re.IGNORECASE
)
_SINGULAR = {"have": "has", "are": "is", "were": "was", "live": "lives", "work": "works"}
_PAST_FORMS = frozenset("went bought got left sold came took gave made lost found had".split())
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
_BESIDE = re.compile(
    r"\b(?:(?:an?|my|our|his|her|their) second|another|besides|in addition|on top of|alongside|"
    r"as well as|additional|an extra)\b|\b(?:too|as well)(?=\s*(?:[.,;!)]|$))",
    re.IGNORECASE,
)
_RECALLED = re.compile(
    r"\b(?:long|years) ago\b|\bback (?:then|in)\b|\bin those days\b|"
    r"\bwhen (?:I|we|he|she|they|[^\W\d_a-z][\w-]*) (?:was|were|lived|worked|had|studied)\b|"
    r"\bas an? (?:child|kid|boy|girl|student|teenager)\b|\bonce (?:lived|worked|had|was|were)\b",
    re.IGNORECASE,
)
_SMALL = r"(?:(?:on|in|at|from|to|with|for|by|an?|the|my|our|his|her|their) )"
_SUPPOSING = re.compile(r"(?:and |but |so )?(?:if|imagine|suppose)\b", re.IGNORECASE)
_IMAGINED = re.compile(r"\b(?:would|might)\b", re.IGNORECASE)
_LIGHT = frozenset(
    "take have get go do work live use own make keep stay attend class course".split()
)
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
_JOINT = re.compile(
    r"[,;:!?.]+\s|\s(?:-|\u2013|\u2014)\s|"
    r"\s(?:because|so|but|while|though|although|since|which|who|where|when)\s|"
    r"\sand\s(?=(?:the|my|our|[^\W\d_a-z])[\w'’-]*\s[\w'’-]+\s)"
)
"""Where one clause ends and another one with a subject of its own begins."""
_OPENING = re.compile(r"^(?:(?:and|but|so|also|oh|well|then|plus),? )+", re.IGNORECASE)
_RELATIVE = frozenset("which who whose what where when".split())
_VERBS_OF_SEVERAL = frozenset("have are were".split())
_AUXILIARIES = frozenset("is was has had will can ca could does did wo".split())
_SECOND_PERSON = frozenset("you your you're you've you'll yours".split())
_CONDITIONS = frozenset("if unless imagine suppose".split())
_SHORTEST, _LONGEST = 4, 16
"""Words of a clause that can be kept as a fact."""
_ADVERBS = frozenset("never always often usually really only even already not".split())
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
_NOBODY = frozenset(
    "you your her him them what who when where how that there here yes no good great bad sad big "
    "new happy lovely nice funny quick small last next first only just finally today yesterday "
    "tomorrow tonight work life dinner lunch breakfast everything everybody everyone nothing "
    "nobody news thanks sorry guess turns hope someone somebody anyone anybody something anything "
    "people each most some many one another".split()
)
"""Words that may begin a sentence and name nobody."""
_SENTENCE = re.compile(r"[^.!?\n;]+[.!?;]*")
_NAME = re.compile(r"\b[^\W\d_a-z][\w'’-]*", re.UNICODE)


def words(text: str) -> list[str]:
    """The words of a text, folded, without possessive endings, numbers as digits."""
    found = []
    for match in _WORD.finditer(text):
        word = _POSSESSIVE.sub("", match.group().casefold().replace("’", "'"))
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


def telling(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning and are neither a day, a month nor a number."""
    return frozenset(w for w in content(text) - content(" ".join(_DAYS)) if not w[0].isdigit())


def regular_days(text: str) -> frozenset[str]:
    """The days on which something happens again and again: `Mondays`."""
    return frozenset(word for word in words(text) if word in _DAYS and word.endswith("days"))


def same_value(a: str, b: str) -> bool:
    """Whether two answers name the same thing: the words of one contain those of the other."""
    x, y = content(a), content(b)
    if not x or not y:
        return words(a) == words(b)
    return x <= y or y <= x


def echoes(answer: str, question: str) -> bool:
    """Whether an answer only repeats a question's words; `with Ann` says where Ann's mum lives."""
    return set(words(answer)) - {"a", "an", "the"} <= set(words(question))


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


def denies(value: str, text: str) -> bool:
    """Whether a text says a value only to deny it: `on Wednesdays, not on Mondays`."""
    bare = re.escape(_LEADING.sub("", value.strip()))
    said = len(re.findall(rf"(?<!\w){bare}(?!\w)", text, re.IGNORECASE)) if bare else 0
    denied = rf"(?:\bnot|\bisn['’]t|\baren['’]t|\bnever) {_SMALL}{{0,2}}{bare}(?!\w)"
    return 0 < said == len(re.findall(denied, text, re.IGNORECASE))


def stating(sentence: str) -> list[str]:
    """The clauses of a sentence that are facts as they stand: a named subject and its verb."""
    found = []
    for clause in _JOINT.split(sentence.strip()):
        plain = _OPENING.sub("", clause.strip(" ,.;:!?"))
        if not _SHORTEST <= len(words(plain)) <= _LONGEST:
            continue
        fact = f"{plain[0].upper()}{plain[1:]}."
        told = set(words(fact))
        loose = not stands_alone(fact) or is_imagined(fact) or told & _CONDITIONS
        if not loose and not told & _SECOND_PERSON and _has_verb(fact):
            found.append(fact)
    return found


def _has_verb(sentence: str) -> bool:
    """Whether the first subject of a sentence, somebody or `the wedding`, is followed by a verb."""
    first = words(sentence)[0]
    about = leading_subjects(sentence)
    nobody = first in _NOBODY | _STOP | _DAYS | _RELATIVE or first.isdigit()
    if not about or (nobody and first != "the"):
        return False
    found = re.search(rf"{re.escape(about[0].split()[-1])}(?:['’]s)? ([\w'’]+)", sentence)
    verb = re.split(r"n?['’]", found.group(1))[0].casefold() if found else ""
    if verb in _VERBS_OF_SEVERAL:
        return len(about) > 1 or about[0][-1:] == "s"  # else the clause was cut wrongly
    acts = bool(_VERB.fullmatch(verb)) and verb not in _STOP
    return verb in _AUXILIARIES or (first != "the" and acts)


def pronoun_for(value: str, name: str, text: str) -> bool:
    """Whether the sentence that says a value can speak of somebody only as `he` or `she`."""
    told = set(words(quote_for(value, text) or ""))
    thing = re.search(rf"\b(?:the|an?) {re.escape(name)}\b", text, re.IGNORECASE)
    return bool({"he", "she", "he's", "she's"} & told) and not set(words(name)) & told and not thing


def has_possessive(text: str) -> bool:
    """Whether a sentence says `his`, `her` or `their`."""
    return bool({"his", "her", "their"} & set(words(text)))


def recalls(text: str) -> bool:
    """Whether a sentence tells of former days: `when I lived in Hull` ends no other home."""
    return bool(_RECALLED.search(text))


def supposes(text: str) -> bool:
    """Whether a sentence begins by supposing something: what it goes on to say is not so."""
    return bool(_SUPPOSING.match(text))


def is_imagined(fact: str) -> bool:
    """Whether a fact tells of what would be, not of what is."""
    return bool(_IMAGINED.search(fact))


def comes_beside(text: str) -> bool:
    """Whether a text says that something is added to what there is: `a second job`."""
    return bool(_BESIDE.search(text))


def goes_on(text: str) -> bool:
    """Whether a sentence speaks of what the one before it has named: `It's an electric one`."""
    return bool(re.match(r"(?:and |but )?(?:it|he|she|they|that|this|these|those)\b", text, re.I))


def without_endings(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning, those left out that only say that it is over."""
    return content(_ENDING.sub(" ", text)) - content("longer more")


def told(text: str) -> frozenset[str]:
    """Stems of what a fact tells: neither how something ends nor verbs that go with anything."""
    return without_endings(text) - content(" ".join(_LIGHT))


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
    if _POSSESSIVE.sub("", first).casefold() in _OWN_KIN:
        return f"{whose} {first[0].lower()}{first[1:]} {rest}"
    return re.sub(r"^(?:The|A|An|His|Her|Their|Our|My)\s+(?=[a-z])", f"{whose} ", sentence, count=1)


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
    if match is not None and _VERB.fullmatch(match.group(4).split()[0].rstrip(",")):
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


_COMMON = ("Tom", "Kate", "Paul", "Anna", "Emma", "Jack", "Ann", "Ben")
"""Names that a small model never misspells; of `Solveig` it makes `Solwig`."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A sentence whose subjects have common names, and the way back."""

    text: str
    names: tuple[tuple[str, str], ...]
    """Each name with the one that stands for it."""

    def back(self, text: str) -> str:
        """A text about the sentence with the names as they were."""
        for name, common in self.names:
            text = re.sub(rf"\b{common}\b", lambda _, name=name: name, text)  # type: ignore[misc]
        return text


def renamed(sentence: str, subjects: tuple[str, ...]) -> Renamed:
    """A sentence whose subjects' names a model cannot misspell."""
    swaps: list[tuple[str, str]] = []
    there = set(words(sentence))
    free = iter(name for name in _COMMON if name.casefold() not in there)
    for subject in subjects:
        called = re.match(r"[^\W\d_a-z][\w-]*(?: [^\W\d_a-z][\w-]*)*", subject)
        if called is None or called.group() in {"I", *_COMMON, *dict(swaps)}:
            continue
        if (common := next(free, None)) is None:
            break
        swaps.append((called.group(), common))
        sentence = re.sub(rf"\b{re.escape(called.group())}\b", common, sentence)
    return Renamed(sentence, tuple(swaps))


_CALLED = r"(?:(?:Mrs|Mr|Ms|Miss|Dr)\.? )?[^\W\d_a-z][\w-]*(?: [^\W\d_a-z][\w-]*)*"
_WHOSE = rf"[Mm]y|[Oo]ur|{_CALLED}['’]s?"
_IS_SOMEBODYS = re.compile(rf"({_CALLED}) is ({_WHOSE}) ((?:[a-z][\w-]*\s?){{1,3}})\.?")
_SOMEBODYS_IS = re.compile(
    rf"({_WHOSE}) ((?:[a-z][\w-]*\s){{1,3}})is (?:called |named )?({_CALLED})\.?"
)


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
    def several(self) -> bool:
        """Whether others can be the same to them."""
        return self.name.split()[-1] in _MANY


def relation(sentence: str) -> Relation | None:
    """The relation that a sentence states: `Mia is Ann's sister`, `Ann's new boss is Mr Hale`."""
    if match := _IS_SOMEBODYS.fullmatch(sentence):
        person, whose, name = match.groups()
    elif match := _SOMEBODYS_IS.fullmatch(sentence):
        whose, name, person = match.groups()
        if name.split()[-1] not in _NEAR_PEOPLE:
            return None
    else:
        return None
    name = name.strip().removeprefix("new ")
    if not name or set(name.split()) & (_STOP | {"ex", "former", "old"}):
        return None
    return Relation(
        person, whose if whose[0].isupper() and whose not in {"My", "Our"} else "my", name
    )


def names_a_relation(value: str) -> bool:
    """Whether a value says only what somebody is to somebody: `uncle`."""
    return bool(content(value)) and set(words(value)) - _STOP <= _NEAR_PEOPLE


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
        if not _POSSESSIVE.search(owner):
            return tuple(filter(None, [_noun(rest)]))
        return tuple(filter(None, [f"{owner} {_noun(owned)}".strip(), _POSSESSIVE.sub("", owner)]))
    if first.casefold() in {"i", "my", "we", "our", "i'm", "i've"}:
        return ("I",)
    match = re.match(
        r"(?:The\s+)?((?:[^\W\d_a-z][\w'’.-]*\s*)+(?:and\s+(?:[^\W\d_a-z][\w'’-]*\s*)+)?)",
        sentence,
    )
    if match is None:
        return ()
    lead = match.group(1).strip()
    found = [_POSSESSIVE.sub("", part.strip()) for part in re.split(r"\band\b", lead)]
    if _POSSESSIVE.search(lead) and (noun := _noun(sentence[match.end() :])):
        return (f"{lead} {noun}", *found)
    return tuple(part for part in found if part)


def _noun(text: str) -> str:
    """The words of a text before its verb, the first one alone if no verb is seen soon."""
    found: list[str] = []
    for word in text.split()[:4]:
        plain = re.split(r"['’]|n['’]t", word)[0].casefold()
        if found and (_VERB.fullmatch(plain) or plain in _ADVERBS):
            return " ".join(found)
        if not word.strip(".,;:!?").replace("-", "").isalnum() or word[0].isupper():
            break
        found.append(word.strip(".,;:!?"))
    return " ".join(found[:1])


def relates_as(sentence: str, text: str) -> bool:
    """Whether a text whose speakers are named relates people as a sentence does.

    Each word for a relation must stand there, or one that means it, and where the text says
    whose it is, it must be theirs: `Harvey's uncle Clive` makes nobody else's uncle of Clive.
    """
    there = set(words(text))
    if not all(
        any(word in alike and alike & there for alike in _RELATIONS)
        for word in words(sentence)
        if word in _NEAR_PEOPLE
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
            an = "an" if re.match(r"[aei]|o(?!ne)", becomes, re.IGNORECASE) else "a"
            before = re.sub(r"\ban? $", f"{an} ", text[: match.start()])
            return before + becomes + text[match.end() :]
    return None
