"""One thing the person said, what memo answered, and what it made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown, Static

from memo.records import FactId
from memo.tui.text import DIM, as_markdown, plain, source_content, tally

if TYPE_CHECKING:
    from datetime import tzinfo

    from textual import events
    from textual.app import ComposeResult

    from memo.records import Answer, ChangeSet

_UNFINISHED = re.compile(r"\[\d*$")
_CITATION = re.compile(r"\[(\d{1,4})\]")


class Source(Static, can_focus=True):
    """A fact or a message that an answer rests on; Enter or a click opens a fact."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", id="source.open")]

    @dataclass
    class Opened(Message):
        """A fact is to be shown."""

        fact: FactId

    def __init__(self, fact: int | None, content: Content) -> None:
        super().__init__(content, classes="source")
        self.fact = fact
        self.can_focus = fact is not None

    def action_open(self) -> None:
        """Show the fact."""
        if self.fact is not None:
            self.post_message(self.Opened(FactId(self.fact)))

    def on_click(self, event: events.Click) -> None:
        """As Enter."""
        event.stop()
        self.action_open()


class ChangeLine(Static, can_focus=True):
    """What memo made of a message, in one quiet line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "Undo this", id="change.undo"),
        Binding("enter", "open", "Details", id="change.open"),
    ]

    @dataclass
    class Opened(Message):
        """The change set is to be shown."""

        change: ChangeSet

    @dataclass
    class Undone(Message):
        """The change set is to be taken back."""

        line: ChangeLine
        change: ChangeSet

    def __init__(self) -> None:
        super().__init__(classes="change")
        self.change: ChangeSet | None = None
        self.can_focus = False

    def say(self, text: str) -> None:
        """A few words instead."""
        self.change, self.can_focus = None, False
        self.update(Content.styled(text, DIM))

    def show(self, change: ChangeSet) -> None:
        """What changed."""
        self.change = change
        self.can_focus = True
        keys = "" if change.undone else " · u undo"
        done = "taken back" if change.undone else tally(change)
        self.update(Content.assemble(done, (f"{keys} · enter details", DIM)))

    def action_undo(self) -> None:
        """Take it back."""
        if self.change is not None and not self.change.undone:
            self.post_message(self.Undone(self, self.change))

    def action_open(self) -> None:
        """Show it in full."""
        if self.change is not None:
            self.post_message(self.Opened(self.change))

    def on_click(self, event: events.Click) -> None:
        """As Enter."""
        event.stop()
        self.action_open()


class Exchange(Vertical):
    """The message, the answer as it is written, its sources, and the line of changes."""

    def __init__(self, said: str) -> None:
        super().__init__(classes="exchange")
        self.said = said
        self.answered = ""
        self.answer: Answer | None = None
        self.change_line = ChangeLine()
        self._held_back = ""
        self._sources = Vertical(classes="sources")
        self.markdown = Markdown("", classes="answer", open_links=False)

    def compose(self) -> ComposeResult:
        """The message; the rest comes."""
        yield Static(Content.assemble(("▌ ", "bold $primary"), plain(self.said)), classes="said")
        yield self.markdown
        yield self._sources
        yield self.change_line

    def piece(self, text: str) -> str:
        """The next piece as Markdown; an unfinished citation waits for its rest."""
        self.answered += text
        text = self._held_back + text
        match = _UNFINISHED.search(text)
        self._held_back = text[match.start() :] if match else ""
        return _cited(text[: match.start()] if match else text)

    def rest(self) -> str:
        """What waited for more that never came."""
        rest, self._held_back = self._held_back, ""
        return as_markdown(rest)

    async def conclude(self, answer: Answer, tz: tzinfo | None) -> None:
        """Show what the answer rests on."""
        sources = [Source(fact, content) for fact, content in source_content(answer, tz)]
        if self._sources.is_attached:  # not cleared away meanwhile
            await self._sources.mount_all(sources)

    def reply(self, content: Content) -> None:
        """Say something that no model wrote."""
        if self._sources.is_attached:
            self._sources.mount(Static(content, classes="reply"))


def _cited(text: str) -> str:
    """Markdown in which only our own citations are links."""
    parts = _CITATION.split(text)
    return "".join(
        f"[\\[{part}\\]](cite:{part})" if number % 2 else as_markdown(part)
        for number, part in enumerate(parts)
    )
