"""The JSON that scripts read: one function for each shape that the contract names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.records import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memo.records import (
        Answer,
        ChangeId,
        ChangeSet,
        EditRecord,
        Fact,
        HistoryEntry,
        Passage,
        StoredDocument,
    )

Json = dict[str, object]


def change_json(change: ChangeSet) -> Json:
    """A change set."""
    return {
        "change": change.id,
        "kind": change.kind,
        "document": change.document,
        "title": change.title,
        "at": utc_text(change.at),
        "recorded_at": utc_text(change.recorded_at),
        "target": change.target,
        "undone": change.undone,
        "edits": [edit_json(edit) for edit in change.edits],
        "held": [edit_json(edit) for edit in change.held],
        "problems": list(change.problems),
        "calls": change.usage.calls,
        "prompt_tokens": change.usage.prompt_tokens,
        "evaluated_tokens": change.usage.evaluated_tokens,
        "completion_tokens": change.usage.completion_tokens,
        "elapsed_s": round(change.elapsed_s, 3),
    }


def edit_json(edit: EditRecord) -> Json:
    """An edit, applied or held; only the fields that it has."""
    fields: Json = {
        "item": edit.item,
        "op": edit.op,
        "fact": edit.fact,
        "text": edit.text,
        "new_fact": edit.new_fact,
        "new_text": edit.new_text,
        "because": edit.because,
        "confidence": None if edit.confidence is None else round(edit.confidence, 3),
        "evidence": edit.evidence,
        "reason": edit.reason,
    }
    return {name: value for name, value in fields.items() if value is not None}


def held_json(change: ChangeId, edit: EditRecord) -> Json:
    """An edit that waits for review, with the change set that it came with."""
    return {**edit_json(edit), "change": change}


def fact_json(fact: Fact) -> Json:
    """A fact."""
    return {
        "id": fact.id,
        "text": fact.text,
        "question": fact.claim.question,
        "value": fact.claim.value,
        "state": fact.state.value,
        "since": utc_text(fact.since),
        "until": _time(fact.until),
        "pinned": fact.pinned,
        "document": fact.document,
        "replaced_by": fact.replaced_by,
        "replaces": fact.replaces,
    }


def history_json(entry: HistoryEntry) -> Json:
    """One thing that happened to a fact."""
    return {
        "at": utc_text(entry.at),
        "recorded_at": utc_text(entry.recorded_at),
        "event": entry.event,
        "truth": entry.truth,
        "text": entry.text,
        "change": entry.change,
        "document": entry.document,
        "quote": entry.quote,
        "undone": entry.undone,
        "new_fact": entry.new_fact,
        "new_text": entry.new_text,
    }


def document_json(document: StoredDocument) -> Json:
    """A document as listed."""
    return {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "at": utc_text(document.at),
        "recorded_at": utc_text(document.recorded_at),
        "change": None if document.unread else document.change,
        "unread": document.unread,
        "messages": document.messages,
        "facts": document.facts,
    }


def whole_document_json(
    document: StoredDocument, passages: Iterable[Passage], change: ChangeSet
) -> Json:
    """A document with its messages and what it changed."""
    said = [
        {"id": one.id, "speaker": one.speaker, "at": utc_text(one.at), "text": one.text}
        for one in passages
    ]
    return {
        **document_json(document),
        "passages": said,
        "changed": None if document.unread else change_json(change),
    }


def answer_json(answer: Answer, id: str | int | None = None) -> Json:
    """An answer, under the id of its question."""
    return {
        "id": id,
        "question": answer.question,
        "answer": answer.answer,
        "text": answer.text,
        "items": None if answer.items is None else list(answer.items),
        "abstained": answer.abstained,
        "as_of": _time(answer.as_of),
        "facts": [
            {
                "n": cited.n,
                "id": cited.fact.id,
                "text": cited.fact.text,
                "state": cited.fact.state.value,
                "since": utc_text(cited.fact.since),
                "until": _time(cited.fact.until),
                "score": round(cited.score, 3),
            }
            for cited in answer.facts
        ],
        "passages": [
            {
                "n": cited.n,
                "document": cited.passage.document,
                "text": cited.passage.text,
                "at": utc_text(cited.passage.at),
            }
            for cited in answer.passages
        ],
        "prompt_tokens": answer.usage.prompt_tokens,
        "evaluated_tokens": answer.usage.evaluated_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "first_token_s": round(answer.first_token_s, 3),
        "elapsed_s": round(answer.elapsed_s, 3),
    }


def _time(when: datetime | None) -> str | None:
    return None if when is None else utc_text(when)
