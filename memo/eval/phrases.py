"""How people say things: templates of assets/eval/talk.toml, put into somebody's mouth.

Every second template is kept for test seeds, so that nothing can be fitted to what is measured at
the end.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memo.settings import asset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

ME, YOU, NAME = "I", "you", "name"
_IRREGULAR = {
    "be": ("am", "are", "is"),
    "'m": ("'m", "'re", "'s"),
    "'ve": ("'ve", "'ve", "'s"),
    "have": ("have", "have", "has"),
    "do": ("do", "do", "does"),
    "go": ("go", "go", "goes"),
}
_PRONOUNS = {True: ("she", "her", "her"), False: ("he", "his", "him")}
_VERB = re.compile(r"<([^>]+)>")
_SLOT = re.compile(r"\{([^}]+)\}")
_TURN = " || "
_ONE_OF = {
    "parents-in-law": "parent-in-law",
    "children-in-law": "child-in-law",
    "step-parents": "step-parent",
    "step-children": "step-child",
    "siblings": "sibling",
    "coworkers": "coworker",
    "colleagues": "colleague",
    "children": "child",
    "parents": "parent",
    "hobbies": "hobby",
}


@dataclass(frozen=True, slots=True)
class Mouth:
    """Who speaks to whom, and who of those spoken of are women."""

    speaker: str
    listener: str
    women: frozenset[str]

    def turned(self) -> Mouth:
        """The other one speaking."""
        return Mouth(self.listener, self.speaker, self.women)

    def person(self, name: str) -> str:
        """The grammatical person in which the speaker speaks of somebody."""
        return ME if name == self.speaker else YOU if name == self.listener else NAME

    def named(self, name: str, *, subject: bool = False) -> str:
        """A person within a sentence about somebody else."""
        match self.person(name):
            case "I":
                return "I" if subject else "me"
            case "you":
                return "you"
        return name


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to be said: the key of its templates, whom it is about, the words to fill in."""

    section: str
    """states, nobody, things, changes or distractors."""
    relation: str
    about: str = ""
    """A person; "" for a thing, which is named by `words`."""
    people: tuple[str, ...] = ()
    """The value, where it is people: named as the speaker sees them."""
    words: Mapping[str, str] = field(default_factory=dict)

    single: bool = False
    """Of a relation that may have several values, there is one."""

    @property
    def names_others(self) -> bool:
        """Whether a pronoun after it might mean somebody else."""
        return bool(self.people)


@dataclass(frozen=True, slots=True)
class Book:
    """The templates of one half."""

    sections: Mapping[str, Mapping[str, tuple[str, ...]]]
    ask: Mapping[str, str]
    nouns: Mapping[str, str]
    """What somebody has none of, for each relation that can be empty."""

    def said(
        self, phrase: Phrase, mouth: Mouth, draw: Random, *, pronoun: bool = False, again: bool
    ) -> tuple[str, ...]:
        """One turn, or a question of the other's and its answer.

        Args:
            phrase: What is to be said.
            mouth: Who says it; who asks, where it becomes a question, is the other one.
            draw: Chooses the template.
            pronoun: Whom it is about has just been named.
            again: It holds as before; else it is new, which may be announced or corrected.
        """
        templates = self.sections[phrase.section][phrase.relation]
        person = mouth.person(phrase.about) if phrase.about else NAME
        clauses = [t for t in templates if is_clause(t)]
        if phrase.section in {"states", "nobody"} and not again:
            frame = draw.choice(self._frames("announce", "correct"))
            return (self._framed(frame, draw.choice(clauses), phrase, mouth, pronoun),)
        if person == YOU and clauses:
            templates = tuple(t for t in templates if _TURN not in t)
            if draw.random() < 1 / 6:
                question, answer = draw.choice(self._frames("check")).split(_TURN)
                framed = self._framed(question, draw.choice(clauses), phrase, mouth, pronoun)
                return framed, answer
        template = draw.choice(templates)
        if _TURN in template and phrase.section != "distractors":
            question, answer = template.split(_TURN)
            asked = _sentence(self._filled(question, phrase, mouth.turned(), False))
            told = person == NAME and bool(phrase.about)
            return asked, _sentence(self._filled(answer, phrase, mouth, told))
        return (_sentence(self._filled(template, phrase, mouth, pronoun)),)

    def _frames(self, *kinds: str) -> list[str]:
        return [frame for kind in kinds for frame in self.sections["frames"][kind]]

    def _framed(self, frame: str, clause: str, phrase: Phrase, mouth: Mouth, pronoun: bool) -> str:
        said = self._filled(clause, phrase, mouth, pronoun)
        return _sentence(frame.replace("{c}", said).replace("{C}", _capital(said)))

    def _filled(self, template: str, phrase: Phrase, mouth: Mouth, pronoun: bool) -> str:
        person = mouth.person(phrase.about) if phrase.about else NAME
        words = _subject(phrase.about, person, mouth.women, pronoun) | dict(phrase.words)
        if phrase.people:
            words["v"] = listed([mouth.named(name) for name in phrase.people])
            words["V"] = listed([mouth.named(name, subject=True) for name in phrase.people])
        words.setdefault("V", words.get("v", ""))
        if phrase.single and not template.endswith("?"):
            template = _of_one(template)
        text = _VERB.sub(lambda verb: _agreeing(verb[1], person), template)
        if person == NAME and phrase.about:  # a name once, then she or he
            named = re.search(r"\{(?:S|S's|O)\}", text)
            if named is not None:
                once = words[named[0][1:-1]]
                words |= _subject(phrase.about, person, mouth.women, pronoun=True)
                text = text[: named.start()] + once + text[named.end() :]
        return _SLOT.sub(lambda slot: words[slot[1]], text)


def is_clause(template: str) -> bool:
    """Whether it also stands within another sentence."""
    return _TURN not in template and template[-1] not in ".!?"


def listed(items: Sequence[str]) -> str:
    """`Ann, Ben and Cem`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def with_article(noun: str) -> str:
    """`a vet`, `an archivist`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _subject(name: str, person: str, women: frozenset[str], pronoun: bool) -> dict[str, str]:
    if person == ME:
        return {"S": "I", "S's": "my", "O": "me"}
    if person == YOU:
        return {"S": "you", "S's": "your", "O": "you"}
    if pronoun:
        return dict(zip(("S", "S's", "O"), _PRONOUNS[name in women], strict=True))
    return {"S": name, "S's": f"{name}'s", "O": name}


def _of_one(template: str) -> str:
    """A template that speaks of siblings, hobbies and the like, for just one."""
    text = template.replace("those who work at", "the one who works at")
    for several, one in _ONE_OF.items():
        text = re.sub(rf"\b(as|for) {several}\b", rf"\1 a {one}", text)
        text = re.sub(rf"(\{{S's\}}|^the) {several}\b", rf"\1 {one}", text)
        text = re.sub(rf"\b({one}(?: in \{{S's\}} life)?) are\b", r"\1 is", text)
    return re.sub(r"\bare \{v\}", "is {v}", text)


def _agreeing(verb: str, person: str) -> str:
    base, you, third = _IRREGULAR.get(verb, (verb, verb, f"{verb}s"))
    return base if person == ME else you if person == YOU else third


def _sentence(text: str) -> str:
    return _capital(text if text[-1] in ".!?" else f"{text}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@functools.cache
def book(*, test: bool) -> Book:
    """The half of the templates that a seed may use."""
    found = tomllib.loads((asset("eval") / "talk.toml").read_text("utf-8"))
    nobody = found["nobody"]
    nouns = {relation: noun for relation, noun in nobody.items() if relation != "says"}
    sections = {
        section: {key: _half(text, test) for key, text in found[section].items()}
        for section in ("states", "things", "changes", "frames", "distractors", "filler")
    }
    sections["nobody"] = dict.fromkeys(nouns, _half(nobody["says"], test))
    return Book(sections, found["ask"], nouns)


def _half(text: Any, test: bool) -> tuple[str, ...]:
    return tuple(text.strip().splitlines()[test::2])
