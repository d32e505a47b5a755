"""A memory as Markdown that a person can read, or keep among other notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.records import State
from memo.show import show_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    from memo.records import Fact


def markdown(facts: Iterable[Fact], tz: tzinfo | None) -> Iterator[str]:
    """Lines: a heading for each subject, what holds now, then what held, newest first."""
    by_subject: dict[str, list[Fact]] = {}
    for fact in facts:
        subject = fact.claim.subjects[0] if fact.claim.subjects else "Everything else"
        by_subject.setdefault(subject, []).append(fact)
    yield "# Memory"
    for subject in sorted(by_subject, key=str.casefold):
        yield ""
        yield f"## {show_line(subject)}"
        yield ""
        order = sorted(by_subject[subject], key=lambda fact: fact.state is State.PAST)
        for fact in order:
            yield f"- {show_line(fact.text)} ({_held(fact, tz)})"


def _held(fact: Fact, tz: tzinfo | None) -> str:
    since = f"since {fact.since.astimezone(tz).date()}"
    if fact.until is None:
        return since
    word = "may be outdated since" if fact.state is State.UNCERTAIN else "until"
    return f"{since}, {word} {fact.until.astimezone(tz).date()}"
