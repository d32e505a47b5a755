"""Whether a text says that something is over, denied, added to what there is, or of former days."""

from __future__ import annotations

import re

from memo.wording.words import DAYS, LEADING, STOP, WORD, content, names, sentences, words

_ENDING = re.compile(
    r"\b(no (?:longer|more)|any ?more|not|never|quit|stop(?:ped|s)?|"
    r"(?:give|giving|given|gave) (?:it )?(?:up|away)|sold|lost|left|leaving|to leave|"
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
    r"(?:clear(?:ed|s)|healed) up|recovered|(?:wore|worn) off|paid (?:off|back)|wrapped up|"
    r"(?:pull|pulled|pulling) the plug|call(?:ed|ing)? it (?:a day|quits)|(?:got|gotten) over|"
    r"donated|outgr(?:ew|own)|(?:say|said|saying) (?:goodbye|farewell) to|goodbye to)\b|n't\b",
    re.IGNORECASE,
)

_NEGATION = re.compile(
    r"no longer|no more|any ?more|not|never|n't|without|wrong|last day", re.IGNORECASE
)

_OBJECT = re.compile(
    r"not|never|n't|without|back from|left|leaving|quit|out of|moved|lost|gave up|given up",
    re.IGNORECASE,
)
"""What follows these words is over, not what stands before them."""

_KEEPING = re.compile(
    r"\b(?:keep(?:s|ing)?|kept|stay(?:s|ing)? (?:put|with|on)|stick(?:s|ing)? (?:with|to))\b",
    re.IGNORECASE,
)
_STAYING = re.compile(r"\bstay(?:s|ing)? (?:in|at)\b", re.IGNORECASE)
_AWAY = re.compile(
    r"\b(?:moved?|moving|left|leaving|now|from now on|until|till|tonight|with|gone)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"\b(?:(?:an?|my|our|his|her|their) second|another(?! \w+ now\b)|besides|in addition|"
    r"on top of|alongside|as well as|additional|an extra)\b|\b(?:too|as well)(?=\s*(?:[.,;!)]|$))",
    re.IGNORECASE,
)

_RECALLED = re.compile(
    r"\b(?:long|years) ago\b|\bback (?:then|in)\b|\bin those days\b|"
    r"\bwhen (?:I|we|he|she|they|[^\W\d_a-z][\w-]*) (?:was|were|lived|worked|had|studied)\b|"
    r"\bas an? (?:child|kid|boy|girl|student|teenager)\b|\bonce (?:lived|worked|had|was|were)\b",
    re.IGNORECASE,
)

_PASSING = re.compile(
    r"\b(?:lent|lend|lending|borrow(?:ed|ing|s)?|on loan|for now|for the (?:moment|time being)|"
    r"temporar\w+|(?:in the )?meantime|meanwhile|visiting|house-?sitting|on (?:holiday|vacation)|"
    r"(?<!been )for (?:just |only |about )?(?:an?|the|this|another|a few|a couple of|\w+) "
    r"(?:days?|nights?|weeks?|weekend|fortnight|months?|summer|winter|term|holidays)(?! now))\b",
    re.IGNORECASE,
)

_LENT = re.compile(r"\b(?:lent|loaned) (?:it|them|one)\b|\bon loan\b", re.IGNORECASE)

_LASTING = re.compile(r"\b(?:been|lived|worked|had|since)\b", re.IGNORECASE)

_HAPPENED = re.compile(
    r"\b(?:has|have) (?:\w+ly )?(?!been\b|become\b|begun\b|taken\b|bought\b|got\w*|chosen\b|"
    r"(?:mov|chang|switch|start|join|decid|adopt|open|settl|transferr|return|swapp|turn)ed\b)"
    r"\w+(?:ed|en|wn|ught)\b",
    re.IGNORECASE,
)
"""`has twisted her knee`, not `has moved to Hull`: after that something is so."""

_SMALL = r"(?:(?:on|in|at|from|to|with|for|by|an?|the|my|our|his|her|their) )"

_LIGHT = frozenset(
    "take have get go do work live use own make keep stay attend class course".split()
)

_ARRIVING = re.compile(r"\b(?:moved|switched|changed) (?:in ?)?to\b", re.IGNORECASE)

_AFFIRMING = re.compile(
    r"\b(?:can(?:no|['’])t|couldn['’]t|could not) (?:\w+ ){0,4}enough\b|\bcan['’]t wait\b|"
    r"\b(?:couldn['’]t|could not) be (?:\w+er|more \w+)\b|\bnot (?:only|just|to mention)\b|"
    r"\bnot (?:\w+ )?any(?:body|one|thing|where) else\b",
    re.IGNORECASE,
)
"""Negations that deny nothing: `I can't praise the flat enough`."""

_FORBIDDING = re.compile(
    r"(?<=[,;:]) (?:so |please |and )?(?:don['’]t|do not) (?![^,.;]*\b(?:any ?more|longer|now)\b)",
    re.IGNORECASE,
)
"""`I work till six, don't ring before`."""

_IT = re.compile(r"\b(?:it|them)(?: (?:any ?more|at all|now|either))?\s*[.!?]*$", re.IGNORECASE)

_TOWARDS = re.compile(r"(?<!ing )\b(?:to|into|for|(?<=it )with|by)\b", re.IGNORECASE)

_CLAUSE = re.compile(
    r"[,;:]|\s(?:-|\u2013|\u2014)\s|\b(?:and|but|so|then|though|while|because|since)\b"
)

_CORRECTING = re.compile(
    r"(?<![\w'’])([\w'’-]+),? (?:and |it['’]s |was )?not "
    r"(?:(?:the|an?|in|on|at|from|to|for|Mrs?|Ms|Dr) )*([\w'’-]+)"
)

_ISNT = re.compile(
    r"\b(?:isn['’]t|is not|wasn['’]t) (?:(?:the|an?|Mrs?|Ms|Dr) )*([\w'’-]+)[,;]? (?:but )?"
    r"(?:it['’]s|it is|it was) (?:(?:the|an?|Mrs?|Ms|Dr) )*([\w-]+)(?!['’]s)(?![\w-])"
)
"""`Her name isn't Maria, it's Marta`; of `Today isn't Monday` nothing is put right."""

_MISSPOKEN = re.compile(
    r"\bI (?:said|wrote|told you|put|meant) (?:that )?(?:(?:it['’]s|it was|the|an?|in|on|at|to) )*"
    r"(?!no\b|yes\b|so\b)([\w'’-]+)[^\w.!?]+(?:(?:but|no|sorry|actually|the|an?|in|on|at|to) )*"
    r"(?:it['’]s|it is|it was|meant|should be) "
    r"(?:(?:the|an?|in|on|at|to) )*([\w'’-]+)"
)
"""`I said geography, but it's geology she studies`."""

_INSTEAD = re.compile(r"\binstead\b(?! of\b)|\banother \w+ now\b", re.IGNORECASE)

_RETURNING = re.compile(
    r"\b(?:again|once more|as before|rejoin(?:ed|ing)?|return(?:ed|ing)? to)\b|"
    r"(?:\b(?:am|is|are|be|been|was|were|gone?|goes|went|going|mov(?:es?|ed|ing)|came|come|"
    r"switched)|['’](?:m|re|s)) (?:\w+ )?back (?:at|to|in|with|on|into|home)\b",
    re.IGNORECASE,
)

_PARTLY = re.compile(
    r"\b(?:half|(?:a|one|two)[ -](?:thirds?|quarter)|three quarters|nearly|almost|partly|mostly|"
    r"not (?:quite|yet)|per ?cent|as good as)\b|%",
    re.IGNORECASE,
)

_SUPPOSING = re.compile(r"(?:and |but |so )?(?:if|imagine|suppose)\b", re.IGNORECASE)

_PAST = re.compile(
    r"\b(did|was|were|had|used to|before|previous(?:ly)?|former(?:ly)?|earlier|once|"
    r"back (?:in|then)|ago|last|until|first|old|originally|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)


def ends_something(text: str) -> bool:
    """Whether a sentence has a word that ends, negates or replaces."""
    return bool(_ENDING.search(_undenied(_ARRIVING.sub(" ", text))))


def supposes(text: str) -> bool:
    """Whether a sentence begins by supposing something: what it goes on to say is not so."""
    return bool(_SUPPOSING.match(text))


def _undenied(text: str) -> str:
    """A text without negations that deny nothing."""
    return _FORBIDDING.sub(" ", _AFFIRMING.sub(" ", text))


def only_forbids(sentence: str) -> bool:
    """Whether a sentence says `don't` to somebody, and nothing else that is not so."""
    return _FORBIDDING.search(sentence) is not None and not is_negative(_undenied(sentence))


def is_negative(sentence: str) -> bool:
    """Whether a sentence says what is not so: `João can't have pets on the boat`."""
    return re.search(r"\b(?:not|never|no longer|cannot)\b|n['’]t\b", sentence) is not None


def over(value: str, text: str) -> bool:
    """Whether a text says of a value that it is over, rather than of another in its sentence.

    `I left Acme for Borealis, no more nights` says it of Acme and of the nights, and `if I ever
    left Acme` of nothing.
    """
    wanted = content(value)
    if ends_something(value):
        return True
    stated = [_undenied(one) for one in sentences(text) if not supposes(one)]
    clauses = [clause for sentence in stated for clause in _CLAUSE.split(sentence)]
    named = [i for i, clause in enumerate(clauses) if wanted <= content(clause)]
    if not wanted or not named:
        return ends_something(" ".join(stated))
    return any(
        _is_over(wanted, clauses[i]) or _it_ends(value, clauses[i], clauses[i + 1 : i + 2])
        for i in named
    )


def _it_ends(value: str, clause: str, following: list[str]) -> bool:
    """Whether a clause says that what the one before it has named is over: `we've scrapped it`.

    Not where another is named who does it: `I play chess, Ben doesn't like it`. Of `Rex got ill
    from fish, so he never eats it` the fish is over, and not Rex.
    """
    acts = words(clause)[:1] == words(value)[:1]
    return any(
        _IT.search(after)
        and ends_something(after)
        and not (acts and {"he", "she", "he's", "she's"} & set(words(after)))
        and not any(name.casefold() not in {*STOP, "so"} for name in names(after))
        for after in following
    )


def _is_over(wanted: frozenset[str], clause: str) -> bool:
    if "still" in words(clause):
        return False
    start = next(m.start() for m in WORD.finditer(clause) if content(m.group()) & wanted)
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
    bare = re.escape(LEADING.sub("", value.strip()))
    said = len(re.findall(rf"(?<!\w){bare}(?!\w)", text, re.IGNORECASE)) if bare else 0
    denied = rf"(?:\bnot|\bisn['’]t|\baren['’]t|\bnever) {_SMALL}{{0,2}}{bare}(?!\w)"
    return 0 < said == len(re.findall(denied, text, re.IGNORECASE))


def corrections(text: str) -> list[tuple[str, str]]:
    """Words that a text puts right, new and old: `It's Wilson, not Nelson`."""
    misspoken = [
        (new, old) for old, new in _MISSPOKEN.findall(text) if content(old) and content(new)
    ]
    isnt = [(new, old) for old, new in _ISNT.findall(text) if old.casefold() not in DAYS]
    pairs = _CORRECTING.findall(text) + isnt
    return misspoken + [
        (new, old)
        for new, old in pairs
        if new.casefold() != old.casefold()
        and (
            (new[0].isupper() and old[0].isupper() and not re.match(r"(?:I|It|No)\b", new))
            or (new[0].isdigit() and old[0].isdigit())
        )
    ]


def comes_instead(text: str) -> bool:
    """Whether a sentence says that something takes another's place: `I swim now instead`."""
    return bool(_INSTEAD.search(text))


def returns(text: str) -> bool:
    """Whether a sentence says that something is as it was before: `I'm back at Acme`."""
    return bool(_RETURNING.search(text))


def leaves_where(former: str, now: str, value: str) -> bool:
    """Whether one sentence says that somebody left where another says that they are.

    `Ann has left Acme` and `Ann is at Acme`; not `Ann lost a cat in Hull`.
    """
    place = rf"(?:the )?{re.escape(LEADING.sub('', value.strip()))}(?!\w)"
    left = rf"\b(?:left|quit|no longer (?:at|with|in|works? (?:at|for)|lives? in)) {place}"
    here = rf"\b(?:is|am|are) (?:back )?(?:at|in|with) {place}"
    return bool(re.search(left, former, re.I) and re.search(here, now, re.I))


def partly(text: str) -> bool:
    """Whether a sentence says of something only that it is done in part: `a third done`."""
    return bool(_PARTLY.search(text))


def recalls(text: str) -> bool:
    """Whether a sentence tells of former days: `when I lived in Hull` ends no other home."""
    return bool(_RECALLED.search(text))


def passes(text: str, after: str = "") -> bool:
    """Whether a sentence tells of what is so for a while: `I'm in Oslo for three weeks`.

    Args:
        text: The sentence.
        after: The one that follows it: `I drive a Fiat. They've lent it to me.`
    """
    passing = _PASSING.search(text) is not None and not _LASTING.search(text)
    return passing or _LENT.search(after) is not None


def only_happened(text: str) -> bool:
    """Whether a sentence tells of what has happened, rather than of what is so since."""
    return _HAPPENED.search(text) is not None and not ends_something(text)


def keeps(text: str) -> bool:
    """Whether a sentence tells of what goes on as it was: `We're keeping the boat`."""
    stays = _STAYING.search(text) and not _AWAY.search(text)
    return bool(_KEEPING.search(text) or stays)


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
