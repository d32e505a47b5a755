"""What a document says is over, where nothing came in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from memo import wording
from memo.claims import (
    core,
    goes_on,
    names_value,
    restates,
    same_subject,
)
from memo.erase.sharing import Sharing, said_together
from memo.records import (
    Claim,
    Edit,
    Evidence,
    Fact,
    Held,
    MakeFalse,
    Reinforce,
    Rewrite,
)

if TYPE_CHECKING:
    from memo.extract import Said


class Ending(Sharing):
    """Make false."""

    def _end(self, gone: dict[str, list[str]]) -> None:
        """Make false what the document says is over, where no new value took its place."""
        for fact in self.live:
            if fact.id in self.draft.settled:
                if not isinstance(self.draft.settled[fact.id], Reinforce):
                    continue
                if not self.draft.settled[fact.id].confirms:  # type: ignore[union-attr]
                    continue
            sentence = next(
                (
                    i
                    for i, s in enumerate(self.said)
                    if (s.ends and self._is_ended_by(fact, s))
                    or (not s.ends and not s.holds and restates(s.claim, fact.claim))
                ),
                None,
            )
            at_end = [
                item
                for item in gone.get(fact.claim.subjects[0] if fact.claim.subjects else "", [])
                if _is_gone(item, fact)
            ]
            if sentence is not None:
                said = self.said[sentence]
                evidence = self._ending(fact, said) or said.evidence
                witnessed = at_end or fact.id in self.overtaken
                if not witnessed and not wording.ends_something(evidence.quote):
                    continue  # only the model's own words say that it is over
            elif fact.id in self.overtaken:
                evidence = self.overtaken[fact.id]
            elif at_end:
                found = self.told.quote(fact, at_end[0])
                if found is None or not wording.over(at_end[0], found.quote):
                    continue
                if not self.told.owns(fact, at_end[0]):
                    continue
                evidence = found
            else:
                continue
            rival = self._rival(fact)
            if rival is not None and rival not in self.draft.used:
                self.draft.used.add(rival)
                new = self.said[rival]
                claim = replace(new.claim, question=fact.claim.question)
                self._supersede(fact, claim, new.at, new.evidence, None, self._objection(fact))
                continue
            self._finish(fact, sentence, evidence)

    def _is_ended_by(self, fact: Fact, said: Said) -> bool:
        """Whether a sentence that something is over means a fact."""
        if same_subject(said.claim, fact.claim):
            return names_value(said.claim, fact)
        if not means(said, fact):
            return False
        others = [f for f in self.live if f.id != fact.id and means(said, f)]
        return all(said_together(fact, other) for other in others)

    def _ending(self, fact: Fact, said: Said) -> Evidence | None:
        """The sentence of the same message that says of a fact, or of a claim, that it is over."""
        i = said.evidence.message
        for value in (core(fact.claim), said.claim.value):
            for sentence in wording.sentences(self.told.document.messages[i].text):
                if wording.occurs(value, sentence) and wording.over(value, sentence):
                    return Evidence(sentence, i)
        return None

    def _finish(self, fact: Fact, sentence: int | None, evidence: Evidence) -> None:
        at = self.told.at(evidence)
        claim = None
        if sentence is not None:
            self.draft.used.add(sentence)
            if self.said[sentence].ends:
                claim = ended(fact, self.said[sentence].claim)
        objection = self._objection(fact)
        if any(when > at for when, id_ in self.assertions if id_ == fact.id):
            if claim is not None:  # said again since: it was over for a while
                self._supersede(fact, claim, at, evidence, None, objection)
            return
        edit: Edit = MakeFalse(fact.id, at, evidence)
        if claim is not None:
            edit = Rewrite(fact.id, at, claim, None, evidence)
        if objection is not None:
            self.draft.held.append(Held(edit, objection))
            return
        self.draft.retired.add(fact.id)
        self._settle(fact, edit)


def means(said: Said, fact: Fact) -> bool:
    """Whether a sentence about a thing that nobody is said to have means what a fact tells.

    `The egg allergy is gone` means `Tim is allergic to eggs`, and `Oslo is off` means `Tim is
    going to Oslo`; of a person's name it could be somebody else that is gone, and who does not do
    something is there still.
    """
    whole = said.claim.subjects[0] if said.claim.subjects else ""
    thing = whole.rpartition("'s ")[2]
    if not thing or not goes_on(fact.claim) or wording.ends_something(fact.text):
        return False
    if thing[0].isupper():
        gone = wording.without_endings(said.claim.text) - wording.content(thing)
        named = whole == thing and wording.stands_at(thing, fact.text) and not gone
    else:
        named = f"the {thing}" in said.evidence.quote.casefold()
    telling = wording.content(fact.text) - wording.content(" ".join(fact.claim.subjects))
    return named and all(
        any(wording.akin(stem, other) for other in telling) for stem in wording.content(thing)
    )


def ended(fact: Fact, said: Claim) -> Claim:
    """A sentence that says a fact is over, as the next value of its slot."""
    return Claim(
        said.text,
        fact.claim.question,
        f"no longer {core(fact.claim)}",
        said.subjects or fact.claim.subjects,
        fact.claim.several,
    )


_COUNTED = re.compile(r"how (?:many|much) (.+?) (?:do|does|is|are|has|have|can|will)\b", re.I)


def _is_gone(item: str, fact: Fact) -> bool:
    """Whether something that somebody no longer has or does is what a fact says.

    Of `uncle Kwame is no longer with Speedlink` not that he is Adwoa's uncle; of `Moira` not the
    house of Moira's mother-in-law.
    """
    value, named = wording.content(core(fact.claim)), wording.content(item)
    counted = _COUNTED.match(fact.claim.question)
    if counted and named and named == wording.content(counted.group(1)):
        return True  # `How many cigarettes does Ann smoke?`
    names = wording.content(" ".join(wording.names(item)))
    telling = wording.content(fact.text) - wording.content(" ".join(fact.claim.subjects))
    if goes_on(fact.claim) and named & names & telling and len(named) > 1 and named <= telling:
        return True  # `driving for Quickpost` of who drives a van for them
    if not value or not named or (value <= names and names - wording.content(fact.text)):
        return False
    return value <= named or (named <= value and 2 * len(named) >= len(value))
