"""Where the person writes: several lines, what was written before, commands, long pastes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from memo.show import show

if TYPE_CHECKING:
    from textual import events

LONG_PASTE = 1500
"""Characters from which on a pasted text is offered as a document."""
_OURS = ("send", "line")
"""Actions on keys that a text area would write."""
COMMANDS = {
    "/private": "remember nothing of what is said, or remember again",
    "/asof DAY": "ask about a day: /asof last March; alone for today",
    "/facts WORDS": "search the facts",
    "/import PATH": "read files and folders",
    "/undo": "take the last change back",
    "/new": "begin a new conversation; this one is kept",
    "/resume": "go on with an earlier conversation, search them, delete one",
    "/help": "keys and commands",
    "/quit": "leave memo",
}


class Composer(TextArea):
    """Enter sends; Shift+Enter, Alt+Enter or Ctrl+J begin a line; ↑ brings back what was sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="ask.send"),
        Binding(
            "ctrl+j,shift+enter,alt+enter",
            "line",
            "New line",
            key_display="^j",
            id="ask.line",
        ),
    ]
    HELP = (
        "# Ask\nWrite what is so, or ask: memo answers, and remembers what you tell it.\n\n"
        "`Enter` sends, `Ctrl+J` or `Shift+Enter` begins a new line, `↑` brings back what you "
        "sent, `Ctrl+E` opens your $EDITOR, `Esc` stops an answer, keeping what was said, or the "
        "reading of what you told, "
        "which then is not remembered; a second `Esc` leaves the line, so that `1` to `7` go to "
        "the other places.\n\nConversations are kept, but for private ones and what is asked "
        "as of another day. What is forgotten goes out of them, too.\n\n"
        + "\n".join(f"- `{name}` {does}" for name, does in COMMANDS.items())
    )

    @dataclass
    class Sent(Message):
        """The person said something."""

        text: str

    @dataclass
    class LongPaste(Message):
        """A text was pasted that may rather be a document."""

        text: str

    def __init__(self) -> None:
        super().__init__(
            id="composer",
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            placeholder="Tell memo something, or ask.  / for commands",
        )
        self.sent: list[str] = []
        self._at: int | None = None
        self._draft = ""

    async def _on_key(self, event: events.Key) -> None:
        # Not by priority: that would send before the keys typed just before have arrived here.
        bound = self.screen.active_bindings.get(event.key)
        if bound is not None and bound.node is self and bound.binding.action in _OURS:
            event.prevent_default()
            event.stop()
            await self.run_action(bound.binding.action)
        elif event.key == "up" and self.cursor_location[0] == 0:
            event.prevent_default()
            self._recall(-1)
        elif event.key == "down" and self.cursor_location[0] == self.document.line_count - 1:
            event.prevent_default()
            self._recall(1)

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if len(event.text) >= LONG_PASTE:
            self.post_message(self.LongPaste(event.text))
        else:
            self.insert(show(event.text))  # a text area draws control characters as they are

    def action_send(self) -> None:
        """Say it."""
        text = self.text.strip()
        if text:
            if self.sent[-1:] != [text]:
                self.sent.append(text)
            self.put("")
            self.post_message(self.Sent(text))

    def action_line(self) -> None:
        """Begin a line."""
        self.insert("\n")

    def put(self, text: str) -> None:
        """Have this to go on with."""
        self._at = None
        self.text = show(text)
        self.move_cursor(self.document.end)

    def _recall(self, by: int) -> None:
        at = len(self.sent) if self._at is None else self._at
        to = at + by
        if not 0 <= to <= len(self.sent):
            return
        if self._at is None:
            self._draft = self.text
        text = self._draft if to == len(self.sent) else self.sent[to]
        self.put(text)
        self._at = None if to == len(self.sent) else to
