"""Two people talking: planned lines become turns, with small talk and what changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memo.eval.phrases import NAME, Mouth, Phrase
from memo.eval.world import NONE, pools
from memo.records import Message

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from memo.eval.phrases import Book
    from memo.eval.world import Atom, Row, World

DISTRACTORS = 0.05
"""Share of lines that speak of the past, of dreams, of refused offers."""
_LINES_A_TURN = (1, 1, 2, 3)
_TOGETHER = 0.6
"""How often the next line goes on about the same person, if one can."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to be said, and what somebody who hears it then knows."""

    phrase: Phrase
    again: bool
    """It holds as before, and may be said in passing."""
    row: Row | None = None
    """The answer that it gives whole, if it does."""
    values: frozenset[str] = NONE
    """That answer."""
    atoms: tuple[Atom, ...] = ()
    parts: tuple[str, ...] = ()
    """Whose marriage it says is over."""


def spoken(
    lines: list[Line], world: World, at: datetime, templates: Book, draw: Random
) -> tuple[Message, ...]:
    """The lines as a talk between two of the people that begins at a time."""
    first, second = draw.sample(world.people, 2)
    mouth = Mouth(first, second, world.women)
    said = [(line, line.again) for line in _mixed(lines, draw)]
    for phrase in _distractors(len(lines), world, draw):
        said.insert(draw.randrange(len(said) + 1), (Line(phrase, again=True), True))
    turns: list[tuple[str, str]] = []
    while said:
        mouth = mouth.turned()
        words: list[str] = []
        named = ""
        for line, again in [said.pop(0) for _ in range(min(draw.choice(_LINES_A_TURN), len(said)))]:
            person = mouth.person(line.phrase.about)
            pronoun = named == line.phrase.about and person == NAME
            *asked, told = templates.said(line.phrase, mouth, draw, pronoun=pronoun, again=again)
            # An answer that only says yes leaves the telling to who asked.
            if asked and len(told.split()) < 6 and line.phrase.about == mouth.listener:
                turns += [(mouth.speaker, " ".join([*words, *asked])), (mouth.listener, told)]
                words, named = [], ""
                continue
            if asked:
                if words:
                    turns.append((mouth.speaker, " ".join(words)))
                turns.append((mouth.listener, asked[0]))
                words = []
            words.append(told)
            named = "" if line.phrase.names_others else line.phrase.about
        if words:
            turns.append((mouth.speaker, " ".join(words)))
    turns = _with_filler(turns, first, second, templates, draw)
    return tuple(
        Message(text, at + timedelta(minutes=minute), speaker)
        for minute, (speaker, text) in enumerate(turns)
    )


def _mixed(lines: list[Line], draw: Random) -> list[Line]:
    """In another order, but what happened in its own; often several about one person in a row."""
    happened = [line for line in lines if line.phrase.section == "changes"]
    left = list(lines)
    draw.shuffle(left)
    order = iter(happened)
    left = [next(order) if line.phrase.section == "changes" else line for line in left]
    mixed: list[Line] = []
    while left:
        mixed.append(left.pop(0))
        about = mixed[-1].phrase.about
        same = [n for n, line in enumerate(left) if line.phrase.about == about and line.again]
        if same and draw.random() < _TOGETHER:
            mixed.append(left.pop(same[0]))
    return mixed


def _distractors(lines: int, world: World, draw: Random) -> list[Phrase]:
    count = sum(draw.random() < DISTRACTORS for _ in range(max(lines, 10)))
    found = []
    for _ in range(count):
        person = draw.choice(world.people)
        relation = draw.choice(("job", "hobby", "city"))
        employer, hobbies = world.one("employer", person), world.base["hobbies", person]
        words = {
            "c": draw.choice([c.name for c in world.companies if c.name != employer]),
            "h": draw.choice([hobby for hobby in pools().hobbies if hobby not in hobbies]),
            "t": draw.choice(sorted({c.city for c in pools().companies})),
        }
        found.append(Phrase("distractors", relation, person, words=words))
    return found


def _with_filler(
    turns: list[tuple[str, str]], first: str, second: str, templates: Book, draw: Random
) -> list[tuple[str, str]]:
    """A third of all turns: a greeting, a farewell, remarks and replies between."""
    filler = templates.sections["filler"]
    count = max(len(turns) // 2 - 2, 0)
    others = {first: second, second: first}
    between: dict[int, int] = {}
    for _ in range(count):
        place = draw.randrange(len(turns))
        between[place] = between.get(place, 0) + 1
    begun = others[turns[0][0]] if turns else first
    talk = [(begun, draw.choice(filler["opening"]).replace("{o}", others[begun]))]
    for place, turn in enumerate(turns):
        talk.append(turn)
        asked = turn[1].endswith("?") and place + 1 < len(turns)
        if asked:  # its answer comes first
            between[place + 1] = between.get(place + 1, 0) + between.pop(place, 0)
        for _ in range(between.get(place, 0)):
            kind = draw.choice(("remark", "reply"))
            talk.append((others[talk[-1][0]], draw.choice(filler[kind])))
    talk.append((others[talk[-1][0]], draw.choice(filler["closing"])))
    return talk
