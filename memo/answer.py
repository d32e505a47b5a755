"""Answer a question from evidence: the value, a cited sentence, what was before; or refuse.

The model writes `value | sentence [n].`; everything else is code's: which notes it may see,
whether the value stands in them, what held before and until when, and which of the three
refusals applies (docs/erase.md, 8).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from memo import prompts, wording
from memo.claims import has_slot
from memo.records import Answer, CitedFact, CitedPassage, Fact, Passage, State
from memo.times import spoken_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from memo.kin import Derived
    from memo.lm import LanguageModel
    from memo.records import FactId

NEVER_RECORDED, RETRACTED, UNCERTAIN = "never recorded", "retracted", "uncertain"
EVIDENCE_TOKENS = 500
"""Budget of the notes shown to the model; the best come first."""
PASSAGE_CHARACTERS = 280
_CITATION = re.compile(r"\[(\d+)\]")


class Found(Protocol):
    """What retrieval found, best first, with scores."""

    @property
    def facts(self) -> Sequence[tuple[Fact, float]]:
        """Facts as they stood at the time asked about."""
        ...

    @property
    def passages(self) -> Sequence[tuple[Passage, float]]:
        """What was said by then."""
        ...

    @property
    def derived(self) -> Derived | None:
        """What follows from some of the facts."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A question with how it is to be answered."""

    text: str
    as_of: datetime | None = None
    """Answer with what was true and known then; None for now."""
    choices: tuple[str, ...] = ()
    """The answer is one of these exactly; with `wants_list`, some of them."""
    wants_list: bool = False
    id: str | None = None


def answer(
    question: Question,
    evidence: Found,
    lm: LanguageModel,
    word: str | None = None,
    zone: tzinfo | None = None,
    me: str | None = None,
) -> Iterator[str | Answer]:
    """Yield the text of an answer piece by piece, and last the `Answer` itself.

    Args:
        question: The person's.
        evidence: What retrieval found for it.
        lm: Writes the answer.
        word: The fence around the notes; a random one if None.
        zone: Of the days that are named; None is this machine's.
        me: Whom `I` means in what was stored before anybody said; None where nobody has.
    """
    started, before = time.monotonic(), lm.usage
    notes = _Notes.of(question, evidence, lm, word or prompts.fence(), zone, me)
    first = 0.0
    text = ""
    draft = _Draft()
    joined = _joined(question, notes, evidence.derived, draft)
    if notes.lines:
        pieces = iter([joined]) if joined else _reply(question, notes, lm, draft)
        for piece in pieces:
            first = first or time.monotonic() - started
            text += piece
            yield piece
    tail = "" if joined else _tail(question, notes, draft, text)
    if tail:
        first = first or time.monotonic() - started
        yield tail
    cited = {*notes.seen(text), *map(int, _CITATION.findall(tail))}
    if not question.choices and not question.wants_list:
        draft.value = _borne_out(draft.value, notes, text)
    yield Answer(
        question.text,
        "" if draft.abstained else draft.value,
        text + tail,
        tuple(draft.items) if question.wants_list else None,
        draft.abstained,
        question.as_of,
        tuple(c for c in notes.facts if c.n in cited),
        tuple(c for c in notes.passages if c.n in cited),
        lm.usage - before,
        first,
        time.monotonic() - started,
    )


@dataclass(slots=True)
class _Draft:
    value: str = ""
    items: tuple[str, ...] = ()
    abstained: str | None = NEVER_RECORDED


@dataclass(frozen=True, slots=True)
class _Notes:
    """The numbered evidence, within the budget."""

    facts: tuple[CitedFact, ...]
    passages: tuple[CitedPassage, ...]
    lines: tuple[str, ...]
    """What the model sees; of a question about now no former fact, which only code cites."""
    word: str
    today: datetime
    zone: tzinfo | None

    @classmethod
    def of(
        cls,
        question: Question,
        evidence: Found,
        lm: LanguageModel,
        word: str,
        zone: tzinfo | None,
        me: str | None,
    ) -> _Notes:
        """Facts first, then passages, each with a number and its dates, while there is room."""
        today = (question.as_of or datetime.now(UTC)).astimezone(zone)
        room = EVIDENCE_TOKENS
        facts: list[CitedFact] = []
        passages: list[CitedPassage] = []
        lines: list[str] = []
        past = wording.asks_about_past(question.text)
        former = [f for f in evidence.facts if f[0].state is State.PAST and not past]
        for fact, score in [f for f in evidence.facts if f not in former]:
            text = fact.text
            if me and "I" in fact.claim.subjects:
                text = wording.agreeing(wording.resolved(text, me), me)
            line = f"[{len(lines) + 1}] {text} ({_interval(fact, zone)})"
            room -= lm.count_tokens(line)
            if room < 0:
                break
            facts.append(CitedFact(len(lines) + 1, fact, score))
            lines.append(line)
        for passage, score in evidence.passages:
            words = passage.text
            if len(words) > PASSAGE_CHARACTERS:
                words = words[:PASSAGE_CHARACTERS].rsplit(maxsplit=1)[0] + " …"
            speaker = passage.speaker or me
            said = f"{speaker}: " if speaker else ""
            line = f'[{len(lines) + 1}] {passage.at.astimezone(zone):%Y-%m-%d} {said}"{words}"'
            room -= lm.count_tokens(line)
            if room < 0:
                break
            passages.append(CitedPassage(len(lines) + 1, passage, score))
            lines.append(line)
        for n, (fact, score) in enumerate(former, len(lines) + 1):
            facts.append(CitedFact(n, fact, score))
        return cls(tuple(facts), tuple(passages), tuple(lines), word, today, zone)

    @property
    def text(self) -> str:
        return "\n".join([f"Today is {self.today:%Y-%m-%d}.", *self.lines])

    def only(self, cited: CitedFact) -> _Notes:
        """One fact of them."""
        lines = (self.lines[cited.n - 1],)
        return replace(self, facts=(replace(cited, n=1),), passages=(), lines=lines)

    def seen(self, text: str) -> list[int]:
        """The numbers that a text cites, of what the model was shown."""
        return [n for n in map(int, _CITATION.findall(text)) if n <= len(self.lines)]

    def said(self, n: int) -> str:
        """The words of a note, without who said them and when."""
        texts = [c.fact.text for c in self.facts if c.n == n]
        return next(iter([*texts, *(c.passage.text for c in self.passages if c.n == n)]))

    def fact(self, n: int) -> Fact | None:
        return next((c.fact for c in self.facts if c.n == n), None)

    def day(self, when: datetime | None) -> str:
        """A date as people say it, in their zone."""
        if when is None:
            return "an unknown day"
        return spoken_day(when, self.zone)

    def number(self, fact: FactId | None) -> int | None:
        return next((c.n for c in self.facts if c.fact.id == fact), None)


def _interval(fact: Fact, zone: tzinfo | None) -> str:
    since = f"{fact.since.astimezone(zone):%Y-%m-%d}"
    until = f"{fact.until.astimezone(zone):%Y-%m-%d}" if fact.until else "an unknown day"
    match fact.state:
        case State.CURRENT:
            return f"since {since}"
        case State.UNCERTAIN:
            return f"since {since}, may be outdated since {until}"
        case State.PAST:
            return f"from {since} until {until}"


def _reply(question: Question, notes: _Notes, lm: LanguageModel, draft: _Draft) -> Iterator[str]:
    """Stream the sentence, once the value before it is known to stand in the notes."""
    if (outright := _outright(question, notes)) is not None:
        draft.value, draft.abstained = outright.fact.claim.value, None
        yield f"{_cited(outright)}."
        if question.wants_list:
            draft.items = _items(question, draft.value, notes, lm)
        return
    value = _choose(question, notes, lm) if question.choices and not question.wants_list else ""
    begun = f"{value} |" if value else ""
    prompt = prompts.answering(notes.text, question.text, notes.word, reply=begun)
    pieces = lm.stream(prompt, max_tokens=prompts.ANSWER_TOKENS, stop=("\n",))
    sentence = ""
    if not value:
        value, sentence = _head(pieces)
        refused = value.casefold().startswith(prompts.NOT_SAID)
        if refused or not _stands(value, question, notes):
            if (read := _read(question, notes, lm)) is None:
                return
            told, draft.value, draft.abstained = *read, None
            yield "; ".join(map(_cited, told)) + "."
            if question.wants_list:
                draft.items = _items(question, draft.value, notes, lm)
            return
    draft.value, draft.abstained = value, None
    if (fresh := _without_stale(value, question, notes)) is not None:
        draft.value = fresh.fact.claim.value
        yield f"{_cited(fresh)}."
        return
    text = ""
    for piece in _rightly_cited(chain([sentence], pieces), value, notes):
        said = piece if text else piece.lstrip()
        text += said
        if said:
            yield said
    if not text:
        text = value
        yield value
    best = _best_note(value, notes)
    if best is not None and not _CITATION.search(text):
        yield f" [{best}]"
    if question.wants_list:
        draft.items = _items(question, value, notes, lm)


def _cited(note: CitedFact) -> str:
    return f"{note.fact.text.rstrip('.')} [{note.n}]"


def _joined(
    question: Question, notes: _Notes, derived: Derived | None, draft: _Draft
) -> str | None:
    """What follows from some facts, each cited; None where a fact that is as new says it itself."""
    if derived is None or question.choices:
        return None
    told = [
        cited.fact.since
        for cited in notes.facts
        if cited.fact.state is State.CURRENT
        and wording.asks_for(question.text, cited.fact.claim.question)
    ]
    if told and max(told) >= derived.since:
        return None
    noted = {cited.fact.id: cited for cited in notes.facts}
    if not all(fact.id in noted for fact in derived.facts):
        return None
    because = "; ".join(_cited(noted[fact.id]) for fact in derived.facts)
    if not derived.names:
        if not told:
            return None
        draft.abstained = RETRACTED
        return f"Not any more: {because}."
    draft.value, draft.abstained = " and ".join(derived.names), None
    draft.items = derived.names
    return f"{draft.value}: {because}."


def _outright(question: Question, notes: _Notes) -> CitedFact | None:
    """The newest current fact that says who all are, or who is married, as it is asked.

    Its question was made by code, not by a model, so that it is what the fact answers.
    """
    if question.choices or wording.asks_about_past(question.text):
        return None
    found = [
        cited
        for cited in notes.facts
        if cited.fact.state is State.CURRENT
        and (wording.whole_list(cited.fact.text) or wording.marriage(cited.fact.text))
        and wording.asks_for(question.text, cited.fact.claim.question)
        and not wording.ends_something(cited.fact.text)
    ]
    return max(found, key=lambda cited: cited.fact.since, default=None)


_NOBODY = re.compile(r"(?:no|none|nobody|no longer|not)\b", re.IGNORECASE)
MAX_READ = 6
"""Facts that are put to the question one by one where the model found no answer in all of them."""


def _read(
    question: Question, notes: _Notes, lm: LanguageModel
) -> tuple[list[CitedFact], str] | None:
    """The newest of the best current facts that answers a question, read by itself; its answer.

    Where several may hold, all of those whose question it is. A small model overlooks in ten notes
    what it reads in one of them.
    """
    if question.choices or wording.asks_about_past(question.text):
        return None
    known = [c for c in notes.facts if c.fact.state is State.CURRENT and has_slot(c.fact.claim)]
    same = [c for c in known if wording.asks_for(question.text, c.fact.claim.question)]
    if any(_NOBODY.match(c.fact.claim.value) or "no longer" in c.fact.text for c in same):
        return None  # it is known that there is none
    if same and all(c.fact.claim.several for c in same):
        return same, " and ".join(c.fact.claim.value for c in same)
    if same:
        newest = max(same, key=lambda cited: cited.fact.since)
        return [newest], newest.fact.claim.value
    known = [c for c in known if _stands(c.fact.claim.value, question, notes.only(c))][:MAX_READ]
    if not known:
        return None
    replies = lm.complete(
        [prompts.reading(c.fact.text, question.text, notes.word) for c in known],
        max_tokens=prompts.READING_TOKENS,
        stop=("\n",),
    )
    found = [
        ([cited], answer)
        for cited, reply in zip(known, replies, strict=True)
        if reply.finished
        and (answer := reply.text.strip().rstrip("."))
        and answer.casefold() != prompts.NOT_SAID
        and wording.same_value(answer, cited.fact.claim.value)
        and not wording.echoes(answer, question.text)
    ]
    return max(found, key=lambda pair: pair[0][0].fact.since, default=None)


def _without_stale(value: str, question: Question, notes: _Notes) -> CitedFact | None:
    """The fact that alone answers a question about now, where the model has named its former value.

    Of `I left Acme. I work at Borealis now.` a small model says that Ann works at both.
    """
    parts = [part for part in re.split(r",| and ", value) if wording.content(part)]
    if len(parts) < 2 or question.wants_list or wording.asks_about_past(question.text):
        return None
    former = {c.fact.id: c.fact for c in notes.facts if c.fact.state is State.PAST}
    for cited in notes.facts:
        fact = cited.fact
        before = former.get(fact.replaces) if fact.replaces is not None else None
        if fact.state is State.CURRENT and before is not None:
            gone = [part for part in parts if wording.occurs(part, before.text)]
            stays = [part for part in parts if wording.occurs(part, fact.text)]
            if gone and stays and not any(wording.occurs(part, fact.text) for part in gone):
                return cited
    return None


def _rightly_cited(pieces: Iterable[str], value: str, notes: _Notes) -> Iterator[str]:
    """A sentence in which each citation is of a note that holds what it says.

    A small model says rightly where Ann worked, and then cites where she lives.
    """
    said = held = ""
    for piece in pieces:
        held += piece
        while held:
            start, end = held.find("["), held.find("]")
            ready = held if start < 0 else held[: end + 1] if end >= 0 else held[:start]
            if not ready:
                break  # a citation whose end has not come yet
            held = held.removeprefix(ready)
            said += ready
            mark = _CITATION.search(ready)
            if mark is not None:
                right = _right_note(int(mark.group(1)), value, said, notes)
                ready = f"{ready[: mark.start()]}[{right}]{ready[mark.end() :]}"
            yield ready
    if held:
        yield held


def _right_note(cited: int, value: str, said: str, notes: _Notes) -> int:
    """The note most like a sentence with the value in it, where the one cited holds another.

    A value of several words may stand in it in part, but for its numbers: `14 Hay Lane` is not
    `41 Hay Lane`.
    """
    line = notes.lines[cited - 1] if 0 < cited <= len(notes.lines) else ""
    holding = [n for n, other in enumerate(notes.lines, 1) if wording.occurs(value, other)]
    if not holding or not wording.occurs(value, said):
        return cited
    missing = wording.content(value) - wording.content(line)
    if missing < wording.content(value) and not any(word[0].isdigit() for word in missing):
        return cited
    words = wording.content(_CITATION.sub("", said))
    return max(holding, key=lambda n: len(words & wording.content(notes.lines[n - 1])))


def _head(pieces: Iterator[str]) -> tuple[str, str]:
    """The value before the bar, and what has come after it; all of a reply without a bar."""
    head = ""
    for piece in pieces:
        head += piece
        if "|" in head:
            value, _, rest = head.partition("|")
            return value.strip(), rest
    return _CITATION.sub("", head).strip(" ."), head


def _choose(question: Question, notes: _Notes, lm: LanguageModel) -> str:
    """The choice that the notes make likeliest as the beginning of the reply."""
    listed = f"{question.text} ({' / '.join(question.choices)})"
    prompt = prompts.answering(notes.text, listed, notes.word)
    chances = lm.choose([prompt], [f"{choice} |" for choice in question.choices])
    return question.choices[int(chances[0].argmax())]


def _items(question: Question, value: str, notes: _Notes, lm: LanguageModel) -> tuple[str, ...]:
    """The parts of a list; of the choices, those that the notes bear out."""
    if question.choices:
        chances = lm.choose(
            [
                prompts.checking(notes.text, f"{question.text} {choice}", notes.word)
                for choice in question.choices
            ],
            [prompts.RIGHT, prompts.WRONG],
        )
        named = [c for c in question.choices if wording.occurs(c, value)]
        right = [c for c, p in zip(question.choices, chances, strict=True) if p[0] > p[1]]
        return tuple(named or right)
    who = question.text.casefold().startswith("who")
    asked = wording.names(question.text) if who else ()  # nobody is their own brother
    items = (part.strip() for part in re.split(r",| and ", value))
    return tuple(
        item
        for item in dict.fromkeys(items)
        if item
        and item not in asked
        and not wording.content(item) <= wording.content(question.text)
        and any(wording.occurs(item, line) for line in notes.lines)
    )


def _stands(value: str, question: Question, notes: _Notes) -> bool:
    """Whether the notes hold the value, in one that speaks of what was asked about."""
    parts = [part for part in re.split(r",| and ", _CITATION.sub("", value)) if wording.words(part)]
    asked = {word for name in wording.names(question.text) for word in wording.words(name)}
    asked -= {"what", "where", "who", "when", "which", "how", "does", "did", "is", "was", "do", "i"}
    about = " ".join(notes.lines)
    if asked and not asked & set(wording.words(about)):
        return False
    if not wording.answers_of_people(question.text, about):
        return False
    lines = [
        line
        for n, line in enumerate(notes.lines, 1)
        if not wording.is_of_others(question.text, notes.said(n))
    ]
    return bool(parts) and all(
        any(wording.occurs(part, line) or not wording.content(part) for line in lines)
        for part in parts
    )


def _borne_out(value: str, notes: _Notes, text: str) -> str:
    """The value if a note that the sentence cites holds it, else that of a fact cited.

    A small model may begin with what somebody said long ago and then cite how it is now; and it
    may cut `41 Hay Lane` to `41`.
    """
    cited = notes.seen(text)
    parts = [part for part in re.split(r",| and ", value) if wording.content(part)]
    lines = [notes.lines[n - 1] for n in cited]
    whole = any(c.isalpha() for c in value)
    if whole and all(any(wording.occurs(part, line) for line in lines) for part in parts):
        return value
    facts = [fact for n in cited if (fact := notes.fact(n)) is not None]
    return next((fact.claim.value for fact in facts if has_slot(fact.claim)), value)


def _best_note(value: str, notes: _Notes) -> int | None:
    words = wording.content(value)
    if not words:
        return None
    overlap = [len(words & wording.content(line)) for line in notes.lines]
    best = max(overlap, default=0)
    return overlap.index(best) + 1 if best else None


def _tail(question: Question, notes: _Notes, draft: _Draft, text: str) -> str:
    """What code adds: the former value, a doubt, or one of the refusals."""
    if draft.abstained is not None:
        return _refusal(question, notes, draft)
    past = wording.asks_about_past(question.text)
    for n in notes.seen(text):
        fact = notes.fact(n)
        if fact is None:
            continue
        if fact.state is State.UNCERTAIN:
            draft.abstained = UNCERTAIN
            return f" That may be outdated since {notes.day(fact.until)}."
        if fact.state is State.PAST:
            if not past:
                draft.abstained = RETRACTED
            return f" That was so until {notes.day(fact.until)}."
        former = notes.number(fact.replaces)
        before = notes.fact(former) if former is not None else None
        if before is not None and before.state is State.PAST:
            return f" Until {notes.day(before.until)}: {before.text} [{former}]"
    return ""


def _refusal(question: Question, notes: _Notes, draft: _Draft) -> str:
    """Why there is no answer: it was doubted, it has ended, or it was never told."""
    asked = wording.content(question.text)
    for cited in notes.facts:
        fact = cited.fact
        slot = wording.content(fact.claim.question) or wording.content(fact.text)
        if fact.state is State.CURRENT or not slot or len(asked & slot) < 0.75 * len(slot):
            continue
        if fact.state is State.UNCERTAIN:
            draft.abstained = UNCERTAIN
            since = notes.day(fact.until)
            return f"I am not sure: {fact.text} [{cited.n}] may be outdated since {since}."
        draft.abstained = RETRACTED
        return f"Not any more: {fact.text} [{cited.n}] That was so until {notes.day(fact.until)}."
    draft.abstained = NEVER_RECORDED
    return "That was never recorded."
