"""Extract what a document states: sentences, each with the slot that it fills.

Speakers are resolved by the prompt's examples and checked by code: a claim is kept only if its
words stand in the message and were said of its subject (ERASE, section 3.3; docs/erase.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from memo import prompts, wording
from memo.claims import anchor, has_slot, is_whole, principals, same_subject
from memo.records import Claim, Document, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memo.lm import LanguageModel

MIN_WORDS = 4
"""A shorter sentence means nothing by itself."""


SELF_CONTAINED = 12
"""Words from which a first sentence is read without the question that it answers."""


@dataclass(frozen=True)
class Spoken:
    """One message with its speaker."""

    speaker: str
    """`I` where the source does not say."""
    text: str
    message: int
    """Index into `Document.messages`."""
    context: str | None = None
    """The question that somebody else has just asked."""
    listener: str | None = None
    """Whom `you` means; None where that cannot be told."""

    @cached_property
    def told(self) -> str:
        """The text with whom it is said to named."""
        return wording.addressing(self.text, self.listener) if self.listener else self.text


@dataclass(frozen=True, slots=True)
class Said:
    """A claim that a document makes, and where."""

    claim: Claim
    evidence: Evidence
    at: datetime
    ends: bool
    """It says that something is over."""

    @property
    def holds(self) -> bool:
        """Whether neither the claim nor the words it was taken from say that it is over."""
        return not self.ends and not wording.over(_stated(self.claim), self.evidence.quote)


def claim_of(text: str, lm: LanguageModel) -> Claim:
    """A sentence that a person typed, with the slot it fills."""
    return _claims([text], lm)[0]


def spoken_in(document: Document) -> list[Spoken]:
    """The messages of a document, each with the question that it answers, and who listens.

    Where two people talk, each speaks to the other; what a model says to a person is context.
    """
    spoken: list[Spoken] = []
    names = {message.speaker for message in document.messages}
    talk = len(names) == 2 and not any(message.context for message in document.messages)
    for i, message in enumerate(document.messages):
        speaker = message.speaker or "I"
        context = None
        short = len(wording.words(_first(message.text))) < SELF_CONTAINED
        asked = spoken and spoken[-1].speaker != speaker and spoken[-1].text.rstrip().endswith("?")
        if short and asked:
            context = wording.sentences(spoken[-1].text)[-1]
        listener = next(iter(names - {message.speaker})) if talk and message.speaker else None
        spoken.append(Spoken(speaker, message.text, i, context, listener))
    return spoken


def _first(text: str) -> str:
    return next(iter(wording.sentences(text)), "")


_SALUTATION = re.compile(
    r"(?:(?:[Mm]y )?[Dd]ear(?:est)?(?: (?:[^\W\d_a-z][\w'’-]{0,30}|all|aunt|brother|cousin|dad|"
    r"diary|everyone|family|friends?|mum|old|sister|uncle)){1,2}|"
    r"(?:[Hh]i|[Hh]ello|[Hh]ey)(?: (?!I\b)[^\W\d_a-z][\w'’-]{0,30})?)[,!]\s+"
)
"""`Dear cousin,` tells nothing of anybody."""


_LEAVE = (
    r"(?:^|(?<=[.!?] ))(?:(?:sorry|anyway|ok|right),? )?(?:(?:I|we)(?:['’]ve)? )?"
    r"(?:really |just )?(?:got to|have to|need to|gotta|must) (?:run|go|dash|fly|be off|be going)"
)
_BYE = (
    r"(?:talk|speak|chat|see you|catch you|bye(?:[- ]bye)?|goodbye|good ?night|take care)"
    r"(?: (?:soon|later|then|now|for now|tomorrow|tonight|to you|you))*"
)
_FAREWELL = re.compile(
    rf"(?:{_LEAVE}(?:[\s,.!;]+{_BYE})?|(?:^|(?<=[.!?] )|[,;] ){_BYE})[\s.!]*$", re.IGNORECASE
)
"""`I have to run, talk soon!` is no news either."""


def _parts(turn: Spoken) -> list[str]:
    """The sentences of a message, the shortest joined to a neighbour, with its speaker named."""
    parts: list[str] = []
    text = wording.resolved(_FAREWELL.sub("", turn.told, count=1), turn.speaker)
    addressed = _SALUTATION.match(text)
    for sentence in wording.sentences(text[addressed.end() :] if addressed else text):
        if parts and len(wording.words(sentence)) < MIN_WORDS:
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts.append(sentence)
    if len(parts) > 1 and len(wording.words(parts[0])) < MIN_WORDS:
        parts[:2] = [f"{parts[0]} {parts[1]}"]
    return parts


def read_aloud(spoken: list[Spoken]) -> str:
    """A document as a model reads it: signed, with speakers named instead of `I`."""
    return "\n".join(map(_signed, spoken))


def _signed(turn: Spoken) -> str:
    if turn.speaker == "I":
        return turn.text
    return f"{turn.speaker}: {wording.resolved(turn.told, turn.speaker)}"


def extract(
    document: Document, spoken: list[Spoken], lm: LanguageModel, word: str
) -> tuple[list[Said], list[str]]:
    """The grounded claims of a document in its order, and what was wrong with the replies."""
    problems: list[str] = []
    parts = [
        (turn, part, turn.context if n == 0 else None)
        for turn in spoken
        for n, part in enumerate(_parts(turn))
        if not (part.endswith("?") or wording.supposes(part))
    ]
    if not parts:
        return [], []
    replies = lm.complete(
        [prompts.extraction(_signed(turn), part, asked, word) for turn, part, asked in parts],
        max_tokens=prompts.EXTRACTION_TOKENS,
        grammar=prompts.EXTRACTION_GRAMMAR,
    )
    told = read_aloud(spoken)
    stated: dict[tuple[int, frozenset[str]], tuple[Spoken, str]] = {}
    worth: list[tuple[Spoken, str]] = []
    """Parts in which the model has found something to note."""
    for (turn, part, _), reply in zip(parts, replies, strict=True):
        if not reply.text.strip():
            problems.append("The model wrote nothing where facts were asked for.")
        sentences, faults = prompts.parse_sentences(reply.text, finished=reply.finished)
        problems += faults
        if sentences:
            worth.append((turn, part))
        for sentence in [*sentences, *wording.introduced(part)]:
            sentence = wording.as_told(wording.claimed(sentence, turn.speaker), told)
            for fact in wording.unfolded(sentence):
                if (
                    wording.stands_alone(fact)
                    and not wording.is_imagined(fact)
                    and not wording.is_only_offered(fact, part)
                    and wording.relates_as(fact, told)
                    and _is_grounded(fact, turn, document)
                ):
                    stated.setdefault((turn.message, wording.content(fact)), (turn, fact))
    said = _admitted(list(stated.values()), document, spoken, lm)
    by_code = _wed(parts) + _missed(worth, said)
    said += _admitted(by_code, document, spoken, lm, literal=True)
    said = [s for i, s in enumerate(said) if not any(_repeats(s, t) for t in said[:i])]
    said.sort(key=lambda s: s.evidence.message)
    return [
        s for s in said if s.ends or not any(_denies(e, s) or _corrects(e, s) for e in said)
    ], problems


def _repeats(one: Said, other: Said) -> bool:
    alike = wording.content(one.claim.text) == wording.content(other.claim.text)
    return alike and one.claim.subjects[:1] == other.claim.subjects[:1]


def _wed(parts: Iterable[tuple[Spoken, str, str | None]]) -> list[tuple[Spoken, str]]:
    """Marriages and divorces, each as a sentence about the one and about the other."""
    found: list[tuple[Spoken, str]] = []
    for turn, part, asked in parts:
        if asked and turn.listener:
            asked = wording.resolved(wording.addressing(asked, turn.speaker), turn.listener)
        for wed in wording.marriages(part, asked):
            sides = [wed] if "I" in {wed.one, wed.other} else [wed, wed.turned]
            found += [(turn, side.sentence) for side in sides]
    return found


_SLIGHT = wording.content(
    "back once more again already yet finally actually really very quite all good ever even only"
)


def _missed(parts: list[tuple[Spoken, str]], said: list[Said]) -> list[tuple[Spoken, str]]:
    """Clauses that are facts as they stand, and of which the model has told less than half.

    In playful text a small model tells what is beside the point: of `The wedding has been put
    back to June because Ben's ship is late`, where the ship is.
    """
    known = [wording.content(s.claim.text) for s in said]
    missed = []
    for turn, part in parts:
        for clause in wording.stating(wording.agreeing(part, turn.speaker)):
            about = wording.content(" ".join(wording.leading_subjects(clause)))
            telling = wording.content(clause) - about - _SLIGHT
            if telling and all(2 * len(telling & told) < len(telling) for told in known):
                missed.append((turn, clause))
    return missed


def _admitted(
    stated: list[tuple[Spoken, str]],
    document: Document,
    spoken: list[Spoken],
    lm: LanguageModel,
    *,
    literal: bool = False,
) -> list[Said]:
    """Sentences with their slots and evidence; without those that were said of somebody else.

    Args:
        stated: Each with the message that it was taken from.
        document: That holds the messages.
        spoken: The same, with speakers.
        lm: Finds the slots.
        literal: They are the message's own words, so that their subject is right.
    """
    if not stated:
        return []
    claims = _claims([sentence for _, sentence in stated], lm)
    people = people_in(spoken, [claim.subjects for claim in claims])
    present = frozenset(turn.speaker for turn in spoken)
    said: list[Said] = []
    for (turn, _), given in zip(stated, claims, strict=True):
        claim = given if literal else _attributed(given, turn, people, present)
        if claim is None or not claim.subjects:
            continue
        evidence = _evidence(claim, turn)
        ends = (
            wording.over(claim.value, claim.text)
            if has_slot(claim)
            else wording.ends_something(claim.text)
        )
        if not ends and wording.denies(claim.value, evidence.quote):
            continue
        if wording.is_negative(claim.text) and wording.only_forbids(evidence.quote):
            continue  # of `I work till six, don't ring` it wrote that Ann does not ring
        if ends and wording.partly(evidence.quote) and not wording.ends_something(evidence.quote):
            continue  # of a carpet that is `a third done` it wrote that it is finished
        said.append(Said(claim, evidence, document.messages[evidence.message].at, ends))
    return said


def _attributed(
    claim: Claim, turn: Spoken, people: frozenset[str], present: frozenset[str]
) -> Claim | None:
    """A claim of whom its words were said; None if that cannot be told.

    Of `He lives in Hull` a small model says that the one who wrote it does: where the words can
    be of one other person only, the claim becomes theirs.
    """
    if not claim.subjects:
        return None
    if turn.context and turn.speaker == claim.subjects[0] and _answers(claim, turn):
        asked = wording.asked_of(turn.context) or turn.speaker
        return claim if asked == turn.speaker else _renamed(claim, turn.speaker, asked)
    related = wording.relation(claim.text)
    if related is not None and any(  # whose it is has been looked at: `relates_as`
        wording.occurs(f"{related.person} {related.name}", sentence)
        for sentence in wording.sentences(turn.text)
    ):
        return claim
    about = " ".join(claim.subjects)
    others = set(wording.names(claim.text)) - set(wording.names(about))
    value = anchor(claim.value if has_slot(claim) else claim.text, claim.text, claim.subjects)
    known = people - others  # of `Ann owes Hedda money` the money need not be Hedda's
    whom = claim.subjects[-1 if is_whole(claim) else 0]  # `Ann's colleague`: it lists what is hers
    if wording.may_own(whom, value, turn.told, turn.speaker, known, present):
        return claim
    owners = wording.owners(value, turn.told, turn.speaker, known)
    (owner,) = owners if len(owners) == 1 else (None,)
    if (
        not owner
        or turn.speaker not in claim.subjects
        or wording.has_possessive(claim.text)
        or not wording.pronoun_for(value, owner, turn.told)
    ):
        return None
    return _renamed(claim, turn.speaker, owner)


def _answers(claim: Claim, turn: Spoken) -> bool:
    """Whether a claim is of an answer's first words, which name nobody: `A van`."""
    first = _first(turn.text)
    value = claim.value if has_slot(claim) else anchor(claim.text, claim.text, claim.subjects)
    return (
        wording.occurs(value, first)
        and not wording.speaks_of_itself(first)
        and not wording.acting(first)
    )


def _renamed(claim: Claim, speaker: str, owner: str) -> Claim:
    """A claim about a speaker, or somebody of theirs, as one about somebody else."""

    def put(text: str) -> str:
        # Once: of `she beat me` the model has made that Ann beat Ann.
        return re.sub(rf"\b{re.escape(claim.subjects[0])}\b", lambda _: owner, text, count=1)

    text = wording.claimed(put(claim.text), speaker)
    subjects = wording.leading_subjects(text)
    question = put(claim.question).replace(owner, subjects[0]) if subjects else claim.question
    return Claim(text, question, claim.value, subjects, claim.several)


def _claims(sentences: list[str], lm: LanguageModel) -> list[Claim]:
    """Sentences with their slots: who is what to whom by code, the others by the model, at once."""
    by_code = {sentence: _of_people(sentence) for sentence in sentences}
    asked = {
        sentence: wording.renamed(sentence, wording.leading_subjects(sentence))
        for sentence, known in by_code.items()
        if known is None
    }
    replies = (
        lm.complete(
            [prompts.slot(lent.text) for lent in asked.values()],
            max_tokens=prompts.SLOT_TOKENS,
            grammar=prompts.SLOT_GRAMMAR,
        )
        if asked
        else []
    )
    slots = {
        sentence: prompts.parse_slot(lent.back(reply.text), finished=reply.finished)
        for (sentence, lent), reply in zip(asked.items(), replies, strict=True)
    }
    return [
        by_code[sentence] or _claim(sentence, slots[sentence], wording.leading_subjects(sentence))
        for sentence in sentences
    ]


def _stated(claim: Claim) -> str:
    return claim.value if has_slot(claim) else anchor(claim.text, claim.text, claim.subjects)


def _denies(ending: Said, other: Said) -> bool:
    """Whether a document says of the same value both that it is over and that it holds."""
    value = wording.content(other.claim.value)
    return (
        ending.ends
        and has_slot(other.claim)
        and same_subject(ending.claim, other.claim)
        and ending.evidence.quote == other.evidence.quote
        and value <= wording.content(ending.claim.text) - wording.content(ending.claim.subjects[0])
    )


def _corrects(one: Said, other: Said) -> bool:
    """Whether a claim holds in whose place a document names another as over: `never the 12th`."""
    return (
        one.holds
        and not other.holds
        and has_slot(one.claim)
        and has_slot(other.claim)
        and not one.claim.several
        and same_subject(one.claim, other.claim)
        and wording.content(one.claim.question) == wording.content(other.claim.question)
        and not wording.same_value(one.claim.value, other.claim.value)
    )


def people_in(spoken: list[Spoken], subjects: Iterable[tuple[str, ...]]) -> frozenset[str]:
    """First words of everybody and everything that is spoken of."""
    found = {turn.speaker for turn in spoken} - {"I"}
    for turn in spoken:
        found |= wording.acting(turn.told)
    for named in subjects:
        found |= {word for name in named if name != "I" for word in wording.names(name)}
    return frozenset(found)


def _is_grounded(sentence: str, turn: Spoken, document: Document) -> bool:
    """Whether names, numbers and most words of a sentence stand in what was said."""
    everything = document.text
    there = wording.grounds(everything) | wording.content(f"{turn.speaker} {turn.listener or ''}")
    for name in wording.names(sentence):
        folded = wording.content(name)
        if name not in {"I", "My", "The", "We", "Our"} and not folded <= there:
            return False
    said = wording.told(sentence)  # the text may say it in other words: "I quit"
    if any(any(c.isdigit() for c in word) and word not in there for word in said):
        return False
    if not len(said & there) >= 0.6 * len(said) > 0:
        return False
    # Names alone are no ground: of a divorce it wrote that both are married.
    telling = said - wording.content(" ".join(wording.leading_subjects(sentence)))
    predicate = {word for word in telling if not wording.names_a_relation(word)}
    return len(predicate & there) >= 0.5 * len(predicate)


def _of_people(sentence: str) -> Claim | None:
    """Who holds a place in somebody's life, or all who do; None for any other sentence.

    Whoever comes next takes a place that one holds; the next whole list takes that of a list.
    """
    if (related := wording.relation(sentence)) is not None:
        subjects = (related.person, related.holder)
        question = f"Who is {related.holder}?"
        return Claim(sentence, question, related.person, subjects, related.several)
    if (wed := wording.marriage(sentence)) is not None:
        return Claim(sentence, wed.question, wed.other, (wed.one,))
    if (listed := wording.whole_list(sentence)) is not None:
        return Claim(sentence, listed.question, listed.value, (listed.owner, listed.holder))
    return None


def _claim(sentence: str, slot: prompts.Slot | None, subjects: tuple[str, ...]) -> Claim:
    """The sentence in its slot, or with a yes-or-no question if the slot does not fit."""
    if slot is not None and _fits(slot, sentence, subjects):
        several = (
            slot.kind == "several"
            or _is_vague(slot.question, subjects)
            or _EVENT.match(slot.question) is not None
        )
        return Claim(sentence, slot.question, slot.value, subjects, several)
    statement = sentence.rstrip(".!")
    return Claim(sentence, f"Is it true that {statement}?", "yes", subjects, several=True)


def _fits(slot: prompts.Slot, sentence: str, subjects: tuple[str, ...]) -> bool:
    """Whether a question names the subject and its answer is a quote that is not the subject."""
    if not subjects:
        return False
    subject = set(wording.words(subjects[0]))
    asked = set(wording.words(slot.question))
    named = bool(subject & asked) or (subjects[0] == "I" and bool(asked & {"i", "my", "we", "our"}))
    value = wording.content(slot.value)
    about = re.split(rf"{re.escape(subjects[0])}\W", sentence, maxsplit=1)
    return (
        named
        and bool(value)
        and wording.occurs(slot.value, about[-1])
        and not any(value == wording.content(subject) for subject in principals(subjects))
        and not wording.echoes(slot.value, slot.question)
    )


_VAGUE = wording.content(
    "what who where when which how do doing happen have has like feel make say go going thing new "
    "condition status"
)


_EVENT = re.compile(
    r"(?:\w+ ){1,4}?(?:did|was|were)\b|.*\b(?:has|have) .*\w(?:ed|ought|een|one)\b", re.IGNORECASE
)
"""What somebody did once is not ended by what they did next."""


def _is_vague(question: str, subjects: tuple[str, ...]) -> bool:
    """Whether a question asks for nothing in particular: its answers do not compete."""
    named = " ".join(wording.names(" ".join(subjects)))  # `What phone is Ann's phone?` asks a phone
    return not wording.content(question) - wording.content(named) - _VAGUE


def _evidence(claim: Claim, turn: Spoken) -> Evidence:
    """The sentence with the claim's value that is most like the claim, else two of them."""
    words = wording.content(claim.text)
    sentences = sorted(wording.sentences(turn.text), key=len)
    for wanted in (claim.value, anchor(claim.text, claim.text, claim.subjects)):
        if found := [sentence for sentence in sentences if wording.occurs(wanted, sentence)]:
            sentences = found
            break
        if quote := wording.quote_for(wanted, turn.text):
            return Evidence(quote, turn.message)
    quote = max(sentences, key=lambda s: len(words & wording.content(s)), default="")
    return Evidence(quote, turn.message)
