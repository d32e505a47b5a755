"""Changes: every change set, newest first, beside it what it did, in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from memo.records import ChangeId, ChangeSet
from memo.tui.place import Place
from memo.tui.rows import Rows
from memo.tui.text import change_content, change_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget


class Changes(Place):
    """The log, and the diff."""

    PLACE = "changes"
    HELP = (
        "# Changes\nOne change set for each document read and each edit of your own. `+` came, "
        "`~` was replaced, `✗` ended, `=` was said again, `?` became doubtful.\n\n`x` takes the "
        "change under the cursor back, `r` brings it back; nothing else is touched. `u` and `U` do "
        "the same with the newest. `Enter` opens its first fact."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "take_back", "Undo this", id="changes.undo"),
        Binding("r", "bring_back", "Redo this", id="changes.redo"),
        Binding("escape", "back", "Back", show=False, id="changes.back"),
    ]

    def body(self) -> Iterable[Widget]:
        """List and diff."""
        self.rows: Rows[ChangeSet] = Rows(
            lambda change, width: change_row(change, width, self.tz),
            id="changes-list",
            empty="Nothing has changed yet.",
        )
        diff = VerticalScroll(Static(id="diff"), classes="side", can_focus=True)
        yield Container(self.rows, diff, classes="split")

    def on_mount(self) -> None:
        """Follow the store."""
        self.watch(self.memo, "version", self.renew)
        self.rows.focus()

    def renew(self) -> None:
        """Fetch the list anew."""
        self._list()

    @work(exclusive=True, group="list")
    async def _list(self) -> None:
        ids = await self.look(lambda memory: memory.change_ids())
        if ids is not None:
            self.rows.show(ids)

    @on(Rows.Wanted)
    def _wanted(self, event: Rows.Wanted) -> None:
        self._fetch([ChangeId(key) for key in event.keys])

    @work(group="rows")
    async def _fetch(self, ids: list[ChangeId]) -> None:
        found = await self.look(lambda memory: memory.changes_by_id(ids))
        self.rows.fill({change.id: change for change in found or ()})

    @on(Rows.Moved)
    def _moved(self) -> None:
        change = self.rows.item
        content = "" if change is None else change_content(change, self.tz)
        self.query_one("#diff", Static).update(content)

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        change = self.rows.item
        for edit in change.edits if change else ():
            fact = edit.new_fact if edit.new_fact is not None else edit.fact
            if fact is not None:
                self.memo.open_fact(fact)
                return
        self.query_one(".side").focus()

    def action_back(self) -> None:
        """To the list."""
        self.rows.focus()

    @work(group="undo")
    async def action_take_back(self) -> None:
        """Undo the change under the cursor."""
        change = self.rows.item
        if change is not None and await self.change(lambda memory: memory.undo(change.id)):
            self.memo.tell(f"Took back: {change.title}. r brings it back.")

    @work(group="undo")
    async def action_bring_back(self) -> None:
        """Redo the change under the cursor."""
        change = self.rows.item
        if change is not None and await self.change(lambda memory: memory.redo(change.id)):
            self.memo.tell(f"Brought back: {change.title}.")
