"""The passphrase of an encrypted store, asked for before anything is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from memo.errors import MemoError
from memo.tui.text import DIM, plain

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from memo.tui.place import MemoBase


class Unlock(ModalScreen[bool]):
    """True once the store is open, False where the person leaves instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="unlock.leave"),
    ]

    def __init__(self, heading: str = "Your memory is encrypted", leave: str = "leaves") -> None:
        """Ask.

        Args:
            heading: What it is asked for.
            leave: What Esc does.
        """
        super().__init__()
        self._heading, self._leave = heading, leave

    @property
    def memo(self) -> MemoBase:
        """The application."""
        return cast("MemoBase", self.app)

    def compose(self) -> ComposeResult:
        """One line, whose letters are not shown."""
        with Vertical(classes="dialog secret"):
            yield Static(Content.styled(self._heading, "bold $primary"))
            yield Input(password=True, placeholder="Passphrase or recovery code", compact=True)
            yield Static(Content.styled(f"Enter opens   Esc {self._leave}", DIM), id="said")

    def on_mount(self) -> None:
        """There is only this to do."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value and not event.input.disabled:
            event.input.disabled = True
            self._open(event.value)

    @work(group="unlock")
    async def _open(self, secret: str) -> None:
        said, line = self.query_one("#said", Static), self.query_one(Input)
        said.update(Content.styled("Opening…", DIM))
        try:
            await self.memo.desk.read(lambda memory: memory.holder.unlock(secret))
        except MemoError as error:
            said.update(plain(str(error), "$text-error"))
            line.disabled, line.value = False, ""
            line.focus()
        else:
            self.dismiss(True)

    def action_leave(self) -> None:
        """Without it nothing goes on."""
        self.dismiss(False)
