"""Extraction against a folder of labelled snippets: memories and entities, in many languages.

The layout is `memory_extraction/` and `entity_extraction/`, each with `dataset.jsonl` and
`labels.jsonl` in English and `dataset.LANGUAGE.jsonl` in others. Memories are compared where there
are labels in the snippet's own language (`labels.LANGUAGE.jsonl`); names are compared in every
language where they stand in the text as they are labelled.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memo import wording
from memo.certify.figures import Json, Rate
from memo.certify.matching import matched
from memo.errors import UsageProblem
from memo.records import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from memo.certify.extraction import Extracted
    from memo.lm import Embedder

ENGLISH = "en"
_MEMORIES, _ENTITIES = "memory_extraction", "entity_extraction"
_WHEN = datetime(2026, 5, 10, 12, tzinfo=UTC)  # the snippets carry no dates; memo needs one
_LANGUAGE = re.compile(r"dataset\.([\w-]+)\.jsonl")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A snippet with what a person would note of it."""

    id: str
    """`LANGUAGE/memories/…` or `LANGUAGE/entities/…`."""
    language: str
    text: str
    memories: tuple[str, ...] | None
    """None where there are no labels in its language."""
    entities: tuple[str, ...]
    """Names, those that stand in the text."""

    @property
    def said(self) -> tuple[Message, ...]:
        """As an unsigned note."""
        return (Message(self.text, _WHEN),)


def languages(folder: Path) -> list[str]:
    """English, then the others that there are snippets in."""
    names = [path.name for part in (_MEMORIES, _ENTITIES) for path in (folder / part).glob("*")]
    others = {match[1] for name in names if (match := _LANGUAGE.fullmatch(name))}
    return [ENGLISH, *sorted(others)]


def labelled(folder: Path, language: str = ENGLISH) -> list[Labelled]:
    """The labelled snippets of one language.

    Raises:
        UsageProblem: There are none, or a file is not as it should be.
    """
    suffix = "" if language == ENGLISH else f".{language}"
    found: list[Labelled] = []
    for part, short in ((_MEMORIES, "memories"), (_ENTITIES, "entities")):
        texts = folder / part / f"dataset{suffix}.jsonl"
        if not texts.is_file():
            continue
        own = folder / part / f"labels{suffix}.jsonl"
        labels = {str(one["id"]): one for one in _lines(own)} if own.is_file() else {}
        shared = {str(one["id"]): one for one in _lines(folder / part / "labels.jsonl")}
        for one in _lines(texts):
            try:
                id, text = str(one["id"]), str(one["text"])
                contents = labels[id].get("memories", ()) if id in labels else ()
                names = shared.get(id, {}).get("entities", ())
                found.append(
                    Labelled(
                        f"{language}/{short}/{id}",
                        language,
                        text,
                        tuple(str(m["content"]) for m in contents) or None,
                        tuple(str(e["name"]) for e in names if str(e["name"]) in text),
                    )
                )
            except (KeyError, TypeError, AttributeError) as error:
                raise UsageProblem(f"{texts} or its labels lack a field: {error!r}.") from error
    if not found:
        raise UsageProblem(
            f"{folder} holds no snippets in {language!r}: {_MEMORIES}/dataset{suffix}.jsonl is "
            "not there; give the folder with --data."
        )
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise UsageProblem(f"Cannot read {path} as JSON lines: {error}.") from error


def labelled_result(one: Labelled, found: Extracted, embedder: Embedder | None) -> Json:
    """What was found of a labelled snippet, and what of that is labelled."""
    result: Json = {"language": one.language, "memories": None, "entities": None}
    if one.memories is not None:
        wanted, right = matched(one.memories, found.facts, embedder)
        result["memories"] = {"found": wanted, "right": right}
    if one.entities:
        named = sorted({name for fact in found.facts for name in _named_subjects(fact)})
        result["entities"] = {
            "found": [
                any(wording.occurs(name, fact) for fact in found.facts) for name in one.entities
            ],
            "right": [
                any(wording.occurs(entity, name) for entity in one.entities) for name in named
            ],
        }
    return result | found.json()


def _named_subjects(fact: str) -> list[str]:
    """Whom or what a fact is about, where that has a name."""
    return [one for one in wording.leading_subjects(fact) if one[:1].isupper() and one != "I"]


def figures(results: Sequence[Json]) -> Json:
    """Recall and precision by language, of memories and of entities."""
    spoken = dict.fromkeys(str(one["language"]) for one in results)
    return {
        language: {
            "snippets": len(own := [one for one in results if one["language"] == language]),
            "without_facts": Rate.among(not one["facts"] for one in own).json(),
            "memories": _of("memories", own),
            "entities": _of("entities", own),
        }
        for language in spoken
    }


def _of(kind: str, results: Iterable[Json]) -> Json | None:
    marks = [one[kind] for one in results if isinstance(one[kind], dict)]
    if not marks:
        return None
    return {
        name: Rate.among(mark for one in marks for mark in one[key]).json()  # type: ignore[index]
        for name, key in (("recall", "found"), ("precision", "right"))
    }
