"""Words and what they mean, as far as code can tell: stems, values, sentences, quotes."""

from __future__ import annotations

import re
from itertools import pairwise

STOP = frozenset(
    "a an the of in at on to for from by with and or as is are was were be been am do does did "
    "has have had his her hers my mine our their its your i we he she they it this that these "
    "those there some now still also again new just".split()
)
"""Words that carry no meaning of their own."""

_NUMBERS = {
    word: str(i)
    for i, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}

FIRST_PERSON = frozenset("i i'm i've i'll i'd we we're we've we'll we'd me us".split())

SECOND_PERSON = frozenset("you your you're you've you'll yours".split())

NOBODY = frozenset(
    "you your her him them what who when where how that there here yes no good great bad sad big "
    "new happy lovely nice funny quick small last next first only just finally today yesterday "
    "tomorrow tonight work life dinner lunch breakfast everything everybody everyone nothing "
    "nobody news thanks sorry guess turns hope someone somebody anyone anybody something anything "
    "people each most some many one another".split()
)
"""Words that may begin a sentence and name nobody."""

PLACING = frozenset("in at to from on of for near via by the into called named".split())
"""Words before a name that is no person's."""

LEADING = re.compile(r"^(?:in|at|on|from|to|with|for)\s+", re.IGNORECASE)
"""A preposition before a value: `in Hull` is `Hull`."""

DAYS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays "
    "thursdays fridays saturdays sundays january february march april may june july august "
    "september october november december christmas easter".split()
)
"""Days and months: capitalised, and nobody's name."""

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word, with what is written together with it: `Ann's`, `don't`."""

POSSESSIVE = re.compile(r"['’]s?$")
"""The ending of `Ann's` and `the boys'`."""

_SENTENCE = re.compile(
    r"(?:[^.!?\n;]+|(?<=\w)\.(?=[a-z\d])|(?<=\bM[rs]|\bDr|\bSt)\.|(?<=\bMrs)\.)+[.!?;]*"
)
"""Not ended by the points of `7.30`, `memo.org` and `Dr. Hale`."""

_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")

_NAME = re.compile(r"\b[^\W\d_a-z][\w'’-]*", re.UNICODE)


def words(text: str) -> list[str]:
    """The words of a text, folded, without possessive endings, numbers as digits."""
    found = []
    for match in WORD.finditer(text):
        word = POSSESSIVE.sub("", match.group().casefold().replace("’", "'"))
        ordinal = _ORDINAL.fullmatch(word) if word[0].isdigit() else None
        found.append(ordinal.group(1) if ordinal else _NUMBERS.get(word, word))
    return found


_IRREGULAR = {
    "going": "go",
    "goes": "go",
    "went": "go",
    "doing": "do",
    "having": "have",
    "children": "child",
}


def stem(word: str) -> str:
    """A crude stem, enough for Tuesday and Tuesdays, moved and moves."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word[0].isdigit():
            base = word[: -len(ending)]
            return base + "y" if ending == "ies" else base.removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def akin(one: str, other: str) -> bool:
    """Whether two stems may be of one word: `allergy` and `allergic`."""
    shared = max(5, len(one) - 3, len(other) - 3)
    return one == other or (min(len(one), len(other)) >= shared and one[:shared] == other[:shared])


def content(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning."""
    return frozenset(stem(word) for word in words(text) if word not in STOP)


def telling(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning and are neither a day, a month nor a number."""
    return frozenset(w for w in content(text) - content(" ".join(DAYS)) if not w[0].isdigit())


def regular_days(text: str) -> frozenset[str]:
    """The days on which something happens again and again: `Mondays`."""
    return frozenset(word for word in words(text) if word in DAYS and word.endswith("days"))


_MARRIED = re.compile(r"\b(?:(?:husband|man) and wife|tied the knot|got hitched)\b", re.IGNORECASE)


def grounds(text: str) -> frozenset[str]:
    """Stems of what a text says, and of the one word by which a model tells a wedding."""
    return content(text) | (content("married") if _MARRIED.search(text) else frozenset())


_AND = re.compile(r",\s*(?:and\s+)?|\s+and\s+")


def items(text: str) -> list[str]:
    """The members of a list: `Ann, Ben and Cem`; the text itself if it is none."""
    return _AND.split(text) if re.search(r"\band\b", text) else [text]


def same_value(a: str, b: str) -> bool:
    """Whether two answers name the same thing: the words of one contain those of the other.

    Of two lists each has what the other has: `Ann and Ben` are not `Ann, Ben and Cem`.
    """
    some, others = items(a), items(b)
    if len(some) > 1 and len(others) > 1:
        return len(some) == len(others) and all(
            any(_holds(one, other) for other in others) for one in some
        )
    return _holds(a, b)


def _holds(a: str, b: str) -> bool:
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


def names(text: str) -> list[str]:
    """Capitalised words, possessive endings cut."""
    return [POSSESSIVE.sub("", m.group()) for m in _NAME.finditer(text)]


def replaced(text: str, old: str, new: str) -> str | None:
    """A sentence with one value put in place of another; None if the old one is not in it."""
    for was, becomes in ((old, new), (LEADING.sub("", old), LEADING.sub("", new))):
        match = re.search(rf"(?<!\w){re.escape(was)}(?!\w)", text, re.IGNORECASE) if was else None
        if match:
            an = "an" if re.match(r"[aei]|o(?!ne)", becomes, re.IGNORECASE) else "a"
            before = re.sub(r"\ban? $", f"{an} ", text[: match.start()])
            return before + becomes + text[match.end() :]
    return None


_ARTICLE = re.compile(r"^(?:an?|the)\s", re.IGNORECASE)

_PLACE = re.compile(r"^(?:in|at|on|from|to|with|for|of|by)\b", re.IGNORECASE)


def cut_after(text: str, value: str) -> str | None:
    """A sentence without the place or company after a value; None if none follows it."""
    before, found, after = text.partition(value)
    return f"{before}{found}." if found and _PLACE.match(after.strip()) else None


def with_article(value: str, like: str, text: str) -> str:
    """A value with its article from a text, if another one has an article, too."""
    if not _ARTICLE.match(like) or _ARTICLE.match(value):
        return value
    found = re.search(rf"\b(?:an?|the) {re.escape(value)}(?!\w)", text, re.IGNORECASE)
    return found.group() if found else value


def stands_at(name: str, text: str) -> bool:
    """Whether a text has a name as a place: `is going to Oslo`; `is at Nell's door` has not."""
    return bool(re.search(rf"\b(?:to|in|at|for|from) (?:the )?{re.escape(name)}(?!['’\w])", text))
