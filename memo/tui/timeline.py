"""Everything that happened to one fact, with the words that caused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from memo.show import show_line
from memo.times import day
from memo.tui.text import DIM, STATE_MARKS, fact_dates, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from memo.memory import Memory
    from memo.records import DocumentId, Fact, FactId, HistoryEntry

_MARKS = {
    "added": ("+", "$text-success"),
    "reinforced": ("=", "$text-primary"),
    "confirmed": ("=", "$text-primary"),
    "made_false": ("✗", "$text-error"),
    "rewritten": ("~", "$text-warning"),
    "marked_uncertain": ("?", "$text-accent"),
    "edited": ("✎", "$text-warning"),
    "pinned": ("*", "$text-primary"),
    "unpinned": ("*", "$text-primary"),
    "undone": ("↶", "$foreground 60%"),
    "redone": ("↷", "$foreground 60%"),
}
_WORDS = {
    "added": "first said",
    "reinforced": "said again",
    "confirmed": "confirmed",
    "made_false": "no longer true",
    "rewritten": "replaced",
    "marked_uncertain": "may be outdated",
    "edited": "edited by you",
    "undone": "taken back",
    "redone": "brought back",
}
_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Life:
    """A fact with its history and its neighbours in time."""

    fact: Fact
    entries: list[HistoryEntry]
    before: Fact | None
    after: Fact | None
    titles: dict[DocumentId, str]
    """Of the documents that the entries name."""


def life_of(memory: Memory, fact: FactId, as_of: datetime | None) -> Life | None:
    """The life of a fact up to a day; None where it is not there (any more)."""
    found = memory.facts_by_id([fact], as_of)
    if not found:
        return None
    here = found[0]
    beside = [id_ for id_ in (here.replaces, here.replaced_by) if id_ is not None]
    near = {one.id: one for one in memory.facts_by_id(beside, as_of)}
    entries = [e for e in memory.history(fact) if as_of is None or e.at <= as_of]
    documents = {entry.document for entry in entries if entry.document is not None}
    return Life(
        here,
        entries[-_MOST_SHOWN:],
        near.get(here.replaces) if here.replaces else None,
        near.get(here.replaced_by) if here.replaced_by else None,
        memory.titles(sorted(documents)) if documents else {},
    )


class Timeline(OptionList):
    """A fact's life, the newest event below; Enter opens the document or the other fact."""

    HELP = (
        "**Timeline.** What happened to the fact: when, why, in whose words. "
        "Enter on an event opens its document; on ⟵ or ⟶ the fact before or after it."
    )
    BORDER_TITLE: ClassVar[str] = "timeline"

    @dataclass
    class Document(Message):
        """A document is to be opened, with the words that count."""

        document: DocumentId
        quote: str | None

    @dataclass
    class Other(Message):
        """Another fact is to be shown."""

        fact: FactId

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.life: Life | None = None
        self._opens: dict[str, Message] = {}

    def show(self, life: Life | None, tz: tzinfo | None) -> None:
        """Another fact's life."""
        self.life = life
        self._opens.clear()
        self.clear_options()
        if life is None:
            return
        options = [Option(self._head(life.fact, tz), id="head")]
        if life.before is not None:
            text = Content.assemble(("⟵ replaced ", DIM), one_line(life.before.text))
            options.append(self._opening("before", text, self.Other(life.before.id)))
        for number, entry in enumerate(life.entries):
            name = f"event-{number}"
            content = Content("\n").join(_event(entry, life, tz))
            if entry.document is None:
                options.append(Option(content, id=name))
            else:
                opens = self.Document(entry.document, entry.quote)
                options.append(self._opening(name, content, opens))
        if life.after is not None:
            text = Content.assemble(("⟶ replaced by ", DIM), one_line(life.after.text))
            options.append(self._opening("after", text, self.Other(life.after.id)))
        self.add_options(options)

    def _opening(self, name: str, content: Content, message: Message) -> Option:
        self._opens[name] = message
        return Option(content, id=name)

    def _head(self, fact: Fact, tz: tzinfo | None) -> Content:
        mark, colour = STATE_MARKS[fact.state]
        known = [fact.state.value, f"since {fact_dates(fact, tz)}"]
        if fact.pinned:
            known.append("pinned")
        if fact.by_hand:
            known.append("in your words")
        lines = [
            one_line(fact.text, "bold"),
            Content.assemble(
                (f"{mark} ", colour), (" · ".join(known), DIM), (f" · #{fact.id}", DIM)
            ),
        ]
        if fact.claim.question:
            lines.append(
                Content.assemble(
                    (show_line(fact.claim.question), DIM), " ", one_line(fact.claim.value, "bold")
                )
            )
        return Content("\n").join(lines)

    def on_focus(self) -> None:
        """Begin at the top."""
        if self.highlighted is None and self.option_count:
            self.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open what the event stands on."""
        event.stop()
        if event.option_id in self._opens:
            self.post_message(self._opens[event.option_id])


def _event(entry: HistoryEntry, life: Life, tz: tzinfo | None) -> Iterator[Content]:
    mark, colour = _MARKS.get(entry.event, ("·", ""))
    what = _WORDS.get(entry.event, entry.event.replace("_", " "))
    if entry.undone:
        what += " (undone)"
    title = life.titles.get(entry.document, "") if entry.document is not None else ""
    yield Content.assemble(
        (f"{mark} ", f"{colour} bold"),
        (day(entry.at, tz), "bold"),
        f" {what}",
        (f" · {show_line(title)}" if title else "", DIM),
        (f" · change {entry.change}", DIM),
    )
    if entry.quote:
        yield Content.assemble("  ", one_line(f"“{entry.quote}”", "italic"))
