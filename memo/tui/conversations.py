"""The list of kept conversations: one is gone on with, searched for, or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from memo.errors import MemoError
from memo.records import Conversation, ConversationId
from memo.times import day
from memo.tui.dialogs import Confirm, Line
from memo.tui.rows import Rows
from memo.tui.text import DIM, fitted, one_line

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from memo.tui.place import MemoBase


class Conversations(ModalScreen[ConversationId | None]):
    """Gives the one to go on with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="conversations.back"),
        Binding("slash", "search", "Search", key_display="/", id="conversations.search"),
        Binding("delete", "delete", "Delete", id="conversations.delete"),
    ]

    def compose(self) -> ComposeResult:
        """Search, list, keys."""
        self.rows: Rows[Conversation] = Rows(
            self._row, id="conversations-list", empty="No conversation is kept yet."
        )
        with Vertical(classes="dialog page"):
            yield Static(Content.styled("Conversations", "bold"), classes="heading")
            yield Line(placeholder="Search", id="query", compact=True)
            yield self.rows
            keys = "Enter go on with it   / search   Del delete   Esc close"
            yield Static(Content.styled(keys, DIM))

    @property
    def memo(self) -> MemoBase:
        """The application."""
        return cast("MemoBase", self.app)

    def on_mount(self) -> None:
        """List all."""
        self.renew()
        self.rows.focus()

    def _row(self, one: Conversation, width: int) -> Content:
        count = f" {one.exchanges:>4}"
        left = Content.assemble((f"{day(one.last, self.memo.tz)}  ", DIM), one_line(one.title))
        return Content.assemble(fitted(left, width - len(count)), (count, DIM))

    @on(Input.Changed, "#query")
    def renew(self) -> None:
        """List what holds the words."""
        self._list(self.query_one("#query", Input).value)

    @work(exclusive=True, group="list")
    async def _list(self, words: str) -> None:
        try:
            found = await self.memo.desk.look(lambda memory: memory.conversations.listed(words))
        except MemoError as error:
            self.memo.complain(error)
            return
        self.rows.empty = "No conversation has these words." if words else "None is kept yet."
        self.rows.show([one.id for one in found], {one.id: one for one in found})

    @on(Input.Submitted, "#query")
    def _entered(self) -> None:
        self.rows.focus()

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        self.dismiss(ConversationId(event.key))

    def action_search(self) -> None:
        """Into the search line, and at once: the next key may be on its way."""
        self.set_focus(self.query_one("#query"))

    def action_back(self) -> None:
        """Out of the search, then away."""
        query = self.query_one("#query", Input)
        if query.has_focus or query.value:
            query.value = ""
            self.rows.focus()
        else:
            self.dismiss(None)

    @work(group="dialog")
    async def action_delete(self) -> None:
        """Leave no trace of the one under the cursor, after asking."""
        if (one := self.rows.item) is None:
            return
        question = Content.assemble(
            ("Delete this conversation for good?\n\n", "bold"),
            one_line(one.title),
            ("\n\nWhat you told in it stays remembered; forget that in Facts or Sources.", DIM),
        )
        if not await self.app.push_screen_wait(Confirm(question, "Delete it")):
            return
        try:
            await self.memo.desk.look(lambda memory: memory.conversations.delete(one.id))
        except MemoError as error:
            self.memo.complain(error)
        self.memo.gone += 1
        self.renew()
