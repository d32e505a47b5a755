"""Whose words count: claims are taken from people, not from what was said to them or passed on.

An assistant's answer, another person's message, a quotation stays in the document, searchable and
citable, and lends the question that is answered; it makes no claim of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memo import wording
from memo.records import (
    Add,
    Document,
    Edit,
    Evidence,
    Held,
    MarkUncertain,
    Message,
    Plan,
    Reinforce,
    Rewrite,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memo.records import Fact


def claiming(document: Document) -> tuple[Document, tuple[int, ...]]:
    """The document as claims are taken from it, and where its messages stand in the whole one.

    Of a message that is context only a question at its end is left, as what comes next may answer.
    """
    kept: list[Message] = []
    places: list[int] = []
    for place, message in enumerate(document.messages):
        words = _asked(message.text) if message.context else message.text
        if words:
            kept.append(message if words == message.text else replace(message, text=words))
            places.append(place)
    if len(kept) == len(document.messages) and tuple(kept) == document.messages:
        return document, tuple(places)
    return replace(document, messages=tuple(kept)), tuple(places)


def _asked(text: str) -> str:
    """The question with which a text ends, or ""."""
    sentences = wording.sentences(text) if text.rstrip().endswith("?") else []
    last = sentences[-1].strip() if sentences else ""
    return last if last.endswith("?") else ""


def stated(document: Document, find: Callable[[str], Sequence[Fact]]) -> Plan:
    """The plan for a document that brings its claims along, made without a model.

    Args:
        document: With `claims`, one a message.
        find: The stored facts that answer a question.
    """
    edits: list[Edit] = []
    held: list[Held] = []
    for place, (claim, message) in enumerate(zip(document.claims, document.messages, strict=True)):
        evidence = Evidence(message.text, place)
        facts = find(claim.question)
        same = next((fact for fact in facts if fact.claim.value == claim.value), None)
        rival = next((fact for fact in facts if fact.state is not State.PAST), None)
        if same is not None:
            edits.append(Reinforce(same.id, message.at, evidence))
        elif rival is None or claim.several:
            edits.append(Add(claim, message.at, evidence))
        elif rival.pinned or rival.by_hand or rival.since > message.at:
            reason = "another value stands there, by your own hand or of a later day"
            held.append(Held(Rewrite(rival.id, message.at, claim, evidence=evidence), reason))
        else:
            edits.append(Rewrite(rival.id, message.at, claim, evidence=evidence))
    return Plan(tuple(edits), tuple(held))


def moved(plan: Plan, places: Sequence[int]) -> Plan:
    """The plan with its evidence in the whole document."""
    return replace(
        plan,
        edits=tuple(_moved(edit, places) for edit in plan.edits),
        held=tuple(Held(_moved(held.edit, places), held.reason) for held in plan.held),
    )


def _moved(edit: Edit, places: Sequence[int]) -> Edit:
    if isinstance(edit, MarkUncertain) or edit.evidence is None:
        return edit
    evidence = replace(edit.evidence, message=places[edit.evidence.message])
    return replace(edit, evidence=evidence)
