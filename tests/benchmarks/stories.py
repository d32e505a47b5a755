"""How many two-document stories end with the right facts: `run.py stories`."""

from __future__ import annotations

import tempfile
import time
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memo import erase, retrieve, wording
from memo.claims import goes_on
from memo.records import Document, Fact, Message, State
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memo.lm import Embedder, LanguageModel

STORIES = Path(__file__).parent.parent / "stories"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one story."""

    name: str
    category: str
    current: bool
    """Every expected current fact is there and current."""
    past: bool
    """Every fact that should have ended is in the history, and none like it is current."""
    kept: bool
    """No bystander fact was retired."""
    learned: bool
    """Every fact that should have ended was known after the first document."""
    changes: tuple[str, ...]
    """The second document's edits, one line each."""

    @property
    def right(self) -> bool:
        """All three."""
        return self.current and self.past and self.kept


def load(name: str) -> list[dict[str, Any]]:
    """The stories of one file."""
    with (STORIES / f"{name}.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["story"]
    return found


def document(story: str, part: str, messages: Sequence[dict[str, str]]) -> Document:
    """One half of a story as a document."""
    said = [
        Message(m["text"], datetime.fromisoformat(m["at"].replace("Z", "+00:00")), m["speaker"])
        for m in messages
    ]
    return Document("story", f"{story} {part}", tuple(sorted(said, key=lambda m: m.at)))


def tell(story: dict[str, Any], lm: LanguageModel, embedder: Embedder, folder: Path) -> Verdict:
    """Put both documents through ERASE into a fresh store and judge the outcome."""
    lines: list[str] = []
    known: list[Fact] = []
    with Store.open(folder / "memo.db", embedder=embedder.identity) as store:
        for part in ("first", "second"):
            text = document(story["name"], part, story[part])
            plan = erase.plan_edits(
                text,
                lambda d, claims: retrieve.candidates(store, embedder, d, claims),
                lm,
                embedder,
            )
            change = store.apply(text, plan, embedder.embed)
            lines += [
                f"{part:6} {e.op:10} {e.text}" + (f" -> {e.new_text}" if e.new_text else "")
                for e in change.edits
            ]
            lines += [f"{part:6} held {e.op:8} {e.text} ({e.reason})" for e in change.held]
            if part == "first":
                known = store.list_facts(None)
        facts = store.list_facts(None)
    past = [fact for fact in facts if fact.state is State.PAST]
    due = [e["match"] for e in story.get("past", ())]
    bystanders = [f for f in past if not any(_fits(f.text, match) for match in due)]
    live = [fact for fact in facts if fact.state is not State.PAST]
    held = [fact for fact in facts if fact.state is State.CURRENT]
    return Verdict(
        story["name"],
        story["category"],
        all(_matches(live, e["match"]) for e in story.get("current", ())),
        all(
            _matches(past, e["match"]) and not _stale(held, e["match"], story)
            for e in story.get("past", ())
        ),
        not any(_matches(bystanders, e["match"]) for e in story.get("keep", ())),
        all(_matches(known, e["match"]) for e in story.get("past", ())),
        tuple(lines),
    )


def _matches(facts: Iterable[Fact], groups: Sequence[Sequence[str]]) -> bool:
    return any(_fits(fact.text, groups) for fact in facts)


def _fits(text: str, groups: Sequence[Sequence[str]]) -> bool:
    folded = text.casefold()
    return all(any(word.casefold() in folded for word in group) for group in groups)


def _stale(live: Iterable[Fact], groups: Sequence[Sequence[str]], story: dict[str, Any]) -> bool:
    """Whether a fact still holds that matches what should have ended and nothing expected.

    What happened once (`took the Corolla away`) holds for ever and says nothing of today.
    """
    expected = [e["match"] for e in story.get("current", ())]
    return any(
        _fits(f.text, groups)
        and goes_on(f.claim)
        and not any(_fits(f.text, e) for e in expected)
        and not wording.ends_something(f.text)
        for f in live
    )


def measure(
    name: str, lm: LanguageModel, embedder: Embedder, only: Sequence[str] = ()
) -> list[Verdict]:
    """Tell every story of a file."""
    verdicts = []
    for story in load(name):
        if only and story["name"] not in only:
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            verdict = tell(story, lm, embedder, Path(folder))
        verdicts.append(verdict)
        marks = "".join("+" if ok else "-" for ok in (verdict.current, verdict.past, verdict.kept))
        marks += "" if verdict.learned else " (not learned)"
        print(f"{marks} {verdict.name} ({verdict.category}) {time.monotonic() - started:.0f} s")
        for line in verdict.changes:
            print(f"      {line}", flush=True)
    return verdicts
