"""What a document says and of whom: its words about a fact, and whose they may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from memo import wording
from memo.claims import anchor, is_about, owner
from memo.extract import Spoken, read_aloud
from memo.records import Document, Evidence, Fact

if TYPE_CHECKING:
    from datetime import datetime


def speaks_of(spoken: list[Spoken], fact: Fact) -> bool:
    """Whether any message may speak of a fact's subjects."""
    return any(is_about(fact.claim, turn.told, turn.speaker) for turn in spoken)


@dataclass(frozen=True)
class Told:
    """One document, read."""

    document: Document
    spoken: list[Spoken]
    """Its messages with their speakers."""
    people: frozenset[str]
    """First words of everybody and everything spoken of."""
    word: str
    """The fence around its words in prompts."""

    @cached_property
    def text(self) -> str:
        """The document as a model reads it."""
        return read_aloud(self.spoken)

    @cached_property
    def corrections(self) -> list[tuple[str, str]]:
        """Words that it puts right, new and old."""
        return [
            pair for message in self.document.messages for pair in wording.corrections(message.text)
        ]

    @cached_property
    def present(self) -> frozenset[str]:
        """Who speaks."""
        return frozenset(turn.speaker for turn in self.spoken)

    def at(self, evidence: Evidence) -> datetime:
        """When a quote was said."""
        return self.document.messages[evidence.message].at

    def names(self, fact: Fact, value: str, evidence: Evidence) -> bool:
        """Whether a quote names a fact's subject, or `he` in it can be nobody else.

        As where the message answers a question about them, and names no other.
        """
        turn = self.spoken[evidence.message]
        if is_about(fact.claim, replace(turn, text=evidence.quote).told, turn.speaker):
            return True
        asked = wording.asked_of(turn.context) if turn.context else None
        if asked == owner(fact.claim) and not wording.acting(turn.text):
            return not wording.speaks_of_itself(evidence.quote)
        meant = wording.owners(value, turn.told, turn.speaker, self.people)
        subject = set(wording.words(owner(fact.claim)))
        return bool(meant) and all(set(wording.words(who or "")) & subject for who in meant)

    def contradicts(self, fact: Fact, evidence: Evidence) -> bool:
        """Whether a quote says of a fact's value that it is over: `Wren, not Iris`."""
        value = fact.claim.value
        return wording.occurs(value, evidence.quote) and wording.over(value, evidence.quote)

    def owns(self, fact: Fact, value: str) -> bool:
        """Whether some message may say a value of a fact's subject."""
        subject = owner(fact.claim)
        return any(
            wording.occurs(value, turn.text)
            and wording.may_own(
                subject,
                anchor(value, value, fact.claim.subjects),
                turn.told,
                turn.speaker,
                self.people,
                self.present,
            )
            for turn in self.spoken
        )

    def quote(self, fact: Fact, value: str) -> Evidence | None:
        """Where the document says a value, if it can by the fact's subject; None if nowhere."""
        about = owner(fact.claim)
        found = [
            Evidence(quote, i)
            for i, message in enumerate(self.document.messages)
            if (quote := wording.quote_for(value, message.text))
        ]
        own = [e for e in found if (self.document.messages[e.message].speaker or "I") == about]
        return next(iter(own or found), None)

    def replaces_nothing(self, evidence: Evidence) -> bool:
        """Whether a quote supposes, or tells of former days, a while, what goes on, something more.

        `I've bought a second guitar! It's an electric one.`
        """
        quote = evidence.quote
        before, _, after = self.document.messages[evidence.message].text.partition(quote)
        following = wording.sentences(after)[:1]
        if wording.supposes(quote) or wording.recalls(quote) or wording.keeps(quote):
            return True
        if wording.passes(quote, " ".join(following)):
            return True
        near = [quote, *following]
        if wording.goes_on(quote):
            near = [*wording.sentences(before)[-1:], *near]
        return wording.comes_beside(" ".join(near))

    def around(self, wanted: frozenset[str]) -> str:
        """The sentences with any of some stems, each with its neighbours by the same speaker.

        Of a question, with what answers it, too: `Do you still sell lamps? Not any more.`
        """
        found: list[str] = []
        answers = False
        for _, turns in groupby(self.spoken, key=lambda turn: turn.speaker):
            told = wording.sentences(read_aloud(list(turns)))
            near = [answers, *(bool(wanted & wording.content(sentence)) for sentence in told)]
            found += [sentence for i, sentence in enumerate(told) if any(near[i : i + 3])]
            answers = near[-1] and told[-1].endswith("?")
        return " ".join(found)
