"""One thing the person said, what memo answered, and what it made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from memo.show import show
from memo.tui.text import DIM, one_line, plain, source_content, tally, word_diff

if TYPE_CHECKING:
    from datetime import tzinfo

    from textual import events
    from textual.app import ComposeResult

    from memo.records import Answer, ChangeSet, ExchangeId, FactId, KeptExchange
    from memo.tui.desk import Stream


class Source(Static, can_focus=True):
    """A fact or a message that an answer rests on; Enter or a click opens a fact."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", id="source.open")]

    @dataclass
    class Opened(Message):
        """A fact is to be shown."""

        fact: FactId

    def __init__(self, fact: FactId | None, content: Content) -> None:
        super().__init__(content, classes="source")
        self.fact = fact
        self.can_focus = fact is not None

    def action_open(self) -> None:
        """Show the fact."""
        if self.fact is not None:
            self.post_message(self.Opened(self.fact))

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
        self.words = ""
        """What it says besides the change."""
        self.can_focus = False

    def say(self, text: str) -> None:
        """A few words instead."""
        self.change, self.words, self.can_focus = None, text, False
        self.update(Content.styled(show(text), DIM))

    def show(self, change: ChangeSet, words: str = "") -> None:
        """What changed, and what else there is to say."""
        self.change, self.words = change, words
        self.can_focus = True
        keys = f"{' · ' * bool(words)}{show(words)}{'' if change.undone else ' · u undo'}"
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
        from memo.tui.markdown import AnswerText  # noqa: PLC0415  # its parser waits for an answer

        super().__init__(classes="exchange")
        self.said = said
        self.answered = ""
        self.answer: Answer | None = None
        self.kept: ExchangeId | None = None
        """Under which it is kept; None where it is not."""
        self.settled = False
        """Whether nothing more comes of itself."""
        self.reading: Stream | None = None
        """By which the reading of what it tells can be stopped."""
        self.folded = False
        """Whether it is far out of sight, and takes no part in the layout."""
        self._lines = 0
        self.change_line = ChangeLine()
        self.text = AnswerText()
        self._sources = Vertical(classes="sources")

    def compose(self) -> ComposeResult:
        """The message; the rest comes."""
        yield Static(Content.assemble(("▌ ", "bold $primary"), plain(self.said)), classes="said")
        yield self.text
        yield self._sources
        yield self.change_line

    @property
    def busy(self) -> bool:
        """Whether its height is not known yet, or may change, or a key goes to something in it."""
        return not self.settled or not self.lines or self.has_focus_within

    @property
    def lines(self) -> int:
        """Of the talk, with the one below it."""
        if self.folded:
            return self._lines
        return self.size.height + self.styles.margin.height if self.size else 0

    def fold(self, folded: bool) -> None:
        """Be laid out no more, or again."""
        self._lines = self.lines
        self.folded = folded
        self.display = not folded

    def piece(self, text: str) -> str:
        """The next piece of the answer, as Markdown that is shown."""
        self.answered += text
        return show(text)

    async def conclude(self, answer: Answer, tz: tzinfo | None) -> None:
        """Show what the answer rests on."""
        self.answer = answer
        sources = [Source(fact, content) for fact, content in source_content(answer, tz)]
        if self._sources.is_attached:  # not cleared away meanwhile
            await self._sources.mount_all(sources)

    def cited(self, href: str) -> FactId | None:
        """The fact that a link of the answer leads to."""
        from memo.tui.markdown import CITE  # noqa: PLC0415  # as above

        facts = self.answer.facts if self.answer is not None else ()
        return next((one.fact.id for one in facts if href == f"{CITE}{one.n}"), None)

    def reply(self, change: ChangeSet) -> None:
        """Say to somebody who only told something what came of it; no model writes this."""
        if self._sources.is_attached:
            self._sources.mount(Static(noted(change), classes="reply"))

    async def restore(self, kept: KeptExchange, tz: tzinfo | None) -> None:
        """Be what was kept, its sources and changes as they stand today."""
        from memo.records import Answer  # noqa: PLC0415  # as above

        self.kept, self.answered = kept.id, kept.answer
        if kept.answer:
            await self.text.update(show(kept.answer))
            await self.conclude(
                Answer(kept.said, "", kept.answer, facts=kept.facts, passages=kept.passages), tz
            )
        for change in kept.changes:
            if not kept.answer:
                self.reply(change)
            self.change_line.show(change, kept.note)
        if not kept.changes:
            self.change_line.say(kept.note)
        self.settled = True


_REPLIES = {
    "add": "Noted: ",
    "rewrite": "Changed: ",
    "make_false": "No longer so: ",
    "reinforce": "As I knew: ",
    "uncertain": "Perhaps outdated now: ",
}


def noted(change: ChangeSet) -> Content:
    """What memo says to somebody who only told it something."""
    lines = [
        Content.assemble(
            _REPLIES.get(edit.op, ""),
            word_diff(edit.text, edit.new_text) if edit.new_text else one_line(edit.text),
        )
        for edit in change.edits
    ]
    lines += [
        Content.assemble("For your review: ", one_line(held.new_text or held.text))
        for held in change.held
    ]
    return Content("\n").join(lines) if lines else Content("I have kept your words.")
