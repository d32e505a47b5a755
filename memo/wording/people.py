"""Whom a text speaks of: speakers and pronouns, of whom a question asks, whose a value is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memo.wording.relations import NEAR_PEOPLE, OWN_KIN, answers_of_people
from memo.wording.words import (
    DAYS,
    FIRST_PERSON,
    NOBODY,
    PLACING,
    POSSESSIVE,
    SECOND_PERSON,
    STOP,
    WORD,
    content,
    quote_for,
    sentences,
    stem,
    words,
)

_THIRD_PERSON = frozenset("he she they he's she's they're they've they'll his her their".split())

_INTRODUCED = re.compile(
    r"\b(?:[Hh]e|[Ss]he|[Ii]t)(?:['’]s| is) (?:called|named) ([^\W\d_a-z][\w'’-]*)"
)

VERB = re.compile(
    r"(?:is|has|was|had|are|were|have|got|will|can|could|would|does|did|says|said|went|came|took|"
    r"bought|made|found|met|wants|lives|works|plays|goes|just|also|still|now|and|finally|\w{3,}ed|[a-z]{2,}[^s\W]s)"
)
"""Words by which it is seen that a name before them does something."""

HABITS = (
    "bake collect commute cook cycle dance drink drive eat grow help jog keep live make paint play "
    "rent ride rise run sell share sing sleep smoke speak study swim take teach train use "
    "volunteer wake walk wear work write"
).split()
"""Verbs, as `I` has them, of what somebody does for a time."""

_WHERE = frozenset("at in into near from".split())
"""Prepositions after which a name is where something is: `at Mum's in Hull`."""

_POSSESSIVES = frozenset("my our his her their".split())

_CONTRACTED = re.compile(r"['’]\w+$")


def pronoun_for(value: str, name: str, text: str) -> bool:
    """Whether the sentence that says a value can speak of somebody only as `he` or `she`."""
    told = set(words(quote_for(value, text) or ""))
    thing = re.search(rf"\b(?:the|an?) {re.escape(name)}\b", text, re.IGNORECASE)
    return bool({"he", "she", "he's", "she's"} & told) and not set(words(name)) & told and not thing


def has_possessive(text: str) -> bool:
    """Whether a sentence says `his`, `her` or `their`; `on her own` is nobody's."""
    return re.search(r"\b(?:his|her|their)\b(?! own\b)", text, re.IGNORECASE) is not None


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


_IDIOM = "".join(rf"(?<!\b{verb} )" for verb in "thank bless see keep tell told".split())
_GENERAL = (
    r"(?! (?:never |always |already |also )?(?:know|knew|see|saw|hear|heard|think|thought|remember|"
    r"said|told|ask|asked|mean|meant|can|can['’]t|could|couldn['’]t|have to|need to|get)\b)"
)
"""`You never know` is said to nobody, and `as you know` tells nothing of whom it is said to."""
_LISTENER_FORMS = tuple(
    (re.compile(rf"{_IDIOM}\b{form}\b{_GENERAL}", re.IGNORECASE), becomes)
    for form, becomes in (
        (r"(?:you['’]re|you are)", "{} is"),
        (r"you(?:['’]ve| have)(?! to\b)", "{} has"),
        (r"you['’]ll", "{} will"),
        (r"you['’]d", "{} would"),
        (r"you were", "{} was"),
        (r"you do", "{} does"),
        (r"you don['’]t", "{} doesn't"),
        (r"are you(?! and\b)", "is {}"),
        (r"yours?", "{}'s"),
        (r"(?:you|yourself)(?!['’])", "{}"),
    )
)


def addressing(text: str, listener: str) -> str:
    """A text in which whom it is said to has a name instead of `you`: `Ben's married to Ann`."""
    for form, becomes in _LISTENER_FORMS:
        text = form.sub(lambda _, to=becomes: to.format(listener), text)  # type: ignore[misc]
    return agreeing(text, listener)


_ADVERB = r"(?:(?:also|always|never|now|often|only|really|still|usually) )?"
_HABIT = rf"({'|'.join(HABITS)})\b(?! (?:is|was|are|were|has|had|will|and)\b)"
_WISHED = re.compile(r"\b(?:to|will|would|can|could|might|should|must|if|when|let|not|n['’]t)\b")


def agreeing(sentence: str, speaker: str) -> str:
    """A resolved sentence in which verbs agree with the speaker's name: `Ann smokes`.

    Where it goes on with what the speaker does it says who does: of `Ann left Hull and live in
    York` it makes `Ann left Hull and Ann lives in York`.
    """
    if speaker == "I":
        return sentence
    name = re.escape(speaker)
    joined = re.search(rf" and (?={_ADVERB}{_HABIT})", sentence)
    before = sentence[: joined.start()] if joined else ""
    if joined and re.match(rf"{name} (?!and\b)", before) and not _WISHED.search(before):
        sentence = f"{before} and {speaker} {sentence[joined.end() :]}"
    return re.sub(
        rf"(^|[,:] |\b(?:and|but|so|that) )({name} {_ADVERB}){_HABIT}",
        lambda m: f"{m[1]}{m[2]}{_third(m[3])}",
        sentence,
    )


def _third(verb: str) -> str:
    if re.search(r"[^aeo]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith("ch") else f"{verb}s"


def claimed(sentence: str, speaker: str) -> str:
    """A sentence about "the baby" as one about whose it is: the speaker's, as far as is known."""
    whose = "My" if speaker == "I" else f"{speaker}'s"
    first, _, rest = sentence.partition(" ")
    if POSSESSIVE.sub("", first).casefold() in OWN_KIN:
        return f"{whose} {first[0].lower()}{first[1:]} {rest}"
    return re.sub(r"^(?:The|A|An|His|Her|Their|Our|My)\s+(?=[a-z])", f"{whose} ", sentence, count=1)


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


_ASKED_OF = re.compile(
    r"\b(?:[Dd]oes|[Dd]id|[Ii]s|[Ww]as|[Hh]as|[Ww]ill|about|with) ([^\W\d_a-z][\w-]*)\b|"
    r"\b([^\W\d_a-z][\w-]*)(?:['’]s\b| (?:is|was|has|works|lives)\b)"
)


def asked_of(question: str) -> str | None:
    """The one person by name whom a question is about; None where `you` are, or several."""
    if SECOND_PERSON & set(words(question)):
        return None
    named = {one or other for one, other in _ASKED_OF.findall(question)}
    named = {name for name in named if name.casefold() not in NOBODY | STOP | DAYS}
    return named.pop() if len(named) == 1 else None


def speaks_of_itself(text: str) -> bool:
    """Whether a text says `I` or `my`."""
    return bool((FIRST_PERSON | {"my", "our", "mine", "ours"}) & set(words(text)))


_WHO_IS_WHOSE = re.compile(
    r"who(?:['’]s| is| are| was| were) (?P<owner>[^\W\d_][\w .-]*)['’]s? (?P<name>\w+)\W*",
    re.IGNORECASE,
)


def is_of_others(question: str, note: str) -> bool:
    """Whether a note tells of others what is asked of one: `Who is Ann's boss?`, `Bo's boss is Al`.

    Not where it says `my` or `your`: that could be anybody's.
    """
    asked = _WHO_IS_WHOSE.fullmatch(question.strip())
    if asked is None or asked["name"].casefold() not in NEAR_PEOPLE:
        return False
    if (FIRST_PERSON | SECOND_PERSON | _POSSESSIVES) & set(words(note)):
        return False
    named = re.search(rf"(?<!\w){re.escape(asked['owner'])}(?!\w)", note, re.IGNORECASE)
    return named is None and answers_of_people(question, note)


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
        tokens = WORD.findall(sentence)
        if tokens and VERB.fullmatch(tokens[0].casefold()):  # `Visited Ann`: a verb, not a name
            tokens[0] = tokens[0].casefold()
        placed = False
        for i, token in enumerate(tokens):
            bare = _CONTRACTED.sub("", token).casefold()
            if not token[0].isupper() or bare in FIRST_PERSON | STOP | DAYS | NOBODY:
                continue
            following = tokens[i + 1].casefold() if i + 1 < len(tokens) else ""
            if i == 0:
                possessive = token.casefold().endswith(("'s", "’s"))
                placed = not (possessive or VERB.fullmatch(following))
            elif not tokens[i - 1][0].isupper():  # else it goes with the word before it
                placed = tokens[i - 1].casefold() in PLACING
            if not placed:
                found.add(POSSESSIVE.sub("", token))
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
        whose = [POSSESSIVE.search(word) is not None for word in WORD.findall(sentence)]
        introduced = _INTRODUCED.search(sentence)
        if introduced is not None:  # `He's black and he's called Taro`
            somebody = known.get(stem(introduced.group(1).casefold()))
            named = {somebody} if somebody else named
        nearest: set[str | None] = {None}
        doing: set[str | None] = set()
        here: set[str | None] = set()
        last = -9
        holds = wanted <= content(sentence)
        for i, token in enumerate(tokens):
            if holds and stem(token) in wanted:
                found |= nearest
                holds = False
            if last == i - 1 and (_does(token) or tokens[last] in {"i", "we"}):
                doing = nearest
            elif token in {"and", "but"} and _goes_on(tokens[i + 1 :]):
                nearest = doing or nearest  # of `I left Hull and live in York`, both
            owner: set[str | None] | None = None
            before = [word for word in tokens[max(0, i - 2) : i] if word not in _POSSESSIVES]
            if before and before[-1] in _WHERE:
                continue  # a place: `at Ann's`, `at my mum's`
            if stem(token) in known:
                if last == i - 1 and stem(tokens[last]) in known and not whose[last]:
                    last = i
                    continue  # the rest of a name
                owner = {known[stem(token)]}
                here |= owner - {speaker}
            elif token in FIRST_PERSON:
                owner = {speaker}
            elif token in _THIRD_PERSON:
                owner = here or named  # any of those just named
            elif token in NEAR_PEOPLE:
                owner = {""}
            elif i > 0 and tokens[i - 1] in {"my", "our"}:
                owner = {speaker}
            if owner is not None:
                joined = last == i - 2 and tokens[i - 1] in {"and", "with"}
                nearest = nearest | owner if joined else owner
                last = i
        named = here or named
    return found


def _goes_on(tokens: list[str]) -> bool:
    """Whether what follows an `and` is another thing that the same person does."""
    return bool(tokens) and (tokens[0] in HABITS or _does(tokens[0]))


def _does(token: str) -> bool:
    return VERB.fullmatch(token) is not None and token not in STOP


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
    addressed = SECOND_PERSON | set(words(subject))
    if subject in present and subject != speaker and not addressed & set(words(text)):
        return False
    marked = owners(value, text, speaker, people)
    if not marked or None in marked:
        return True
    about = set(words(subject))
    near = bool(about & NEAR_PEOPLE)
    for owner in marked:
        if owner == "" or (near and owner != speaker):
            if subject != speaker:
                return True
        elif owner is not None and (owner == subject or set(words(owner)) & about):
            return True
    return False
