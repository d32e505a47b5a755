"""Questions put in front of a screen: consent, a line of text, something to read."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from memo.files import passing_folder
from memo.show import show, show_line
from memo.tui.text import one_line, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult


class Confirm(ModalScreen[bool]):
    """A yes or no question about something that cannot be taken back.

    The key that opened it never answers it: staying safe has the focus, going on is `y`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: Content, yes: str) -> None:
        super().__init__()
        self.question, self.yes = question, yes

    def compose(self) -> ComposeResult:
        """The question and the two answers."""
        with Vertical(classes="dialog"):
            yield Static(self.question)
            with Horizontal(classes="answers"):
                yield Button(Content("No, keep it (n)"), id="no", variant="primary")
                yield Button(Content(f"{self.yes} (y)"), id="yes", variant="error")

    def on_mount(self) -> None:
        """Enter keeps it."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse answers too."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """A key was the answer."""
        self.dismiss(yes)


class Line(Input):
    """One line to write on; what it begins with, and what is pasted, is as it is shown."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str, compact: bool) -> None:
        super().__init__(show_line(value), placeholder=placeholder, id=id, compact=compact)

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(show_line(event.text.strip()))


class Lines(TextArea):
    """Text to edit, as it is shown, where Enter is the end of it."""

    def __init__(self, text: str, *, id: str | None = None) -> None:
        super().__init__(show(text), id=id, soft_wrap=True, tab_behavior="focus", compact=True)

    async def _on_key(self, event: events.Key) -> None:
        if event.key in {"shift+enter", "ctrl+j", "alt+enter"}:
            event.prevent_default()
            event.stop()
            self.insert("\n")
        elif event.key == "enter":
            event.prevent_default()  # the dialog takes it, in its turn after the keys before it

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert(show(event.text))


class Ask(ModalScreen[str | None]):
    """A line of text, or None where the person thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "save", "Done", id="dialog.done"),
        Binding("escape", "cancel", "Cancel", id="dialog.cancel"),
        Binding("ctrl+e", "editor", "$EDITOR", priority=True, id="dialog.editor"),
    ]

    def __init__(self, title: str, text: str = "", hint: str = "") -> None:
        super().__init__()
        self.heading, self.text, self.hint = title, text, hint

    def compose(self) -> ComposeResult:
        """What is asked, the text, and which keys there are."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self.heading, "bold"))
            yield Lines(self.text, id="line")
            keys = "Enter done   Esc cancel   Ctrl+E $EDITOR"
            yield Static(Content.styled(f"{self.hint}\n{keys}".strip(), "$foreground 60%"))

    def on_mount(self) -> None:
        """The text is there: begin with it."""
        self.begin()

    def begin(self) -> None:
        """Write at the end."""
        line = self.query_one(Lines)
        line.focus()
        line.move_cursor(line.document.end)

    def action_save(self) -> None:
        """This is it."""
        self.dismiss(self.query_one(Lines).text.strip())

    def action_cancel(self) -> None:
        """Nothing."""
        self.dismiss(None)

    def action_editor(self) -> None:
        """Go on in the editor of the person's choice."""
        line = self.query_one(Lines)
        edited = in_editor(self, line.text)
        if edited is not None:
            line.text = show(edited.strip())
            line.move_cursor(line.document.end)


class Merge(Ask):
    """One sentence for several: one of theirs, or the person's own."""

    def __init__(self, sentences: Sequence[str]) -> None:
        hint = "Enter takes the sentence under the cursor; Tab, and write your own."
        super().__init__(f"Merge {len(sentences)} facts into one sentence", sentences[0], hint)
        self.sentences = sentences

    def compose(self) -> ComposeResult:
        """The sentences above the line."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self.heading, "bold"))
            yield OptionList(*map(one_line, self.sentences), id="sentences", markup=False)
            yield Lines(self.text, id="line")
            keys = "Esc cancel   Ctrl+E $EDITOR"
            yield Static(Content.styled(f"{self.hint}\n{keys}", "$foreground 60%"))

    def begin(self) -> None:
        """Choose first."""
        self.query_one(OptionList).focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """It is what one's own sentence begins from."""
        self.query_one(Lines).text = show(self.sentences[event.option_index])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """This one, letter by letter."""
        self.dismiss(self.sentences[event.option_index])


def in_editor(screen: Screen[Any], text: str) -> str | None:
    """The text as the person left it in $EDITOR; None where there is none or it failed."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    if not command:
        screen.app.notify("Set EDITOR to the editor that you like.", markup=False)
        return None
    with passing_folder() as folder:
        path = folder / "text.md"
        path.touch(0o600)
        path.write_text(text, "utf-8")
        try:
            with screen.app.suspend():
                subprocess.run([*command, str(path)], check=True)
        except (OSError, subprocess.SubprocessError, SuspendNotSupported) as error:
            screen.app.notify(f"{command[0]} failed: {error}", markup=False, severity="error")
            return None
        return path.read_text("utf-8", "replace")


class Choose(ModalScreen[str | None]):
    """One of several ways to go on, or None where the person thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="choose.cancel"),
    ]

    def __init__(self, question: str, ways: Mapping[str, str]) -> None:
        super().__init__()
        self.question, self.ways = question, ways

    def compose(self) -> ComposeResult:
        """The question, and a line for each way: any number fits any width."""
        with Vertical(classes="dialog"):
            yield Static(plain(self.question, "bold"))
            options = [Option(Content(label), id=name) for name, label in self.ways.items()]
            yield OptionList(*options, id="ways", markup=False)
            yield Static(Content.styled("Enter chooses   Esc cancels", "$foreground 60%"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """This way."""
        self.dismiss(event.option_id)

    def action_cancel(self) -> None:
        """No way."""
        self.dismiss(None)


class Page(ModalScreen[None]):
    """Something to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", id="page.close"),
        Binding("c", "copy", "Copy", id="page.copy"),
    ]

    def __init__(self, title: str, content: Content) -> None:
        super().__init__()
        self.heading, self.content = title, content

    def compose(self) -> ComposeResult:
        """The text, to scroll in."""
        with Vertical(classes="dialog page"):
            yield Static(plain(self.heading, "bold"), classes="heading")
            with VerticalScroll():
                yield Static(self.content)
            yield Static(Content.styled("Esc close   c copy", "$foreground 60%"))

    def on_mount(self) -> None:
        """Arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Into the clipboard, as shown."""
        self.app.copy_to_clipboard(self.content.plain)
        self.app.notify("Copied.", markup=False)
