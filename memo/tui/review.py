"""Review: edits that memo did not dare to make by itself, the least sure first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from memo.records import EditRecord, HeldId
from memo.show import show_line
from memo.tui.place import Place
from memo.tui.rows import Rows
from memo.tui.text import DIM, MARKS, fitted, held_content, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from memo.records import ChangeId


class Review(Place):
    """What waits, and why."""

    PLACE = "review"
    HELP = (
        "# Review\nEdits that were too risky to make without you. `a` accepts, `r` rejects the one "
        "under the cursor, or all that are marked: `Space` marks, `*` marks all. `u` takes your "
        "decision back."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide(True)", "Accept", id="review.accept"),
        Binding("r", "decide(False)", "Reject", id="review.reject"),
        Binding("space", "mark", "Mark", id="review.mark"),
        Binding("asterisk", "mark_all", "Mark all", key_display="*", id="review.mark_all"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._changes: dict[int, ChangeId] = {}

    def body(self) -> Iterable[Widget]:
        """List and reason."""
        self.rows: Rows[EditRecord] = Rows(
            _row, id="review-list", empty="Nothing waits for your review."
        )
        why = VerticalScroll(Static(id="why"), classes="side", can_focus=True)
        yield Container(self.rows, why, classes="split")

    def on_mount(self) -> None:
        """Follow the store."""
        self.watch(self.memo, "version", self.renew)
        self.rows.focus()

    def renew(self) -> None:
        """Fetch the list anew."""
        self._list()

    @work(exclusive=True, group="list")
    async def _list(self) -> None:
        found = await self.look(lambda memory: memory.review())
        if found is None:
            return
        waiting = sorted(found, key=lambda pair: pair[1].confidence or 0.0)
        held = {edit.item: edit for _, edit in waiting if edit.item is not None}
        self._changes = {edit.item: change for change, edit in waiting if edit.item is not None}
        self.rows.show(list(held))
        self.rows.fill({int(item): edit for item, edit in held.items()})

    @on(Rows.Moved)
    def _moved(self) -> None:
        edit = self.rows.item
        if edit is None or edit.item is None or edit.item not in self._changes:
            self.query_one("#why", Static).update("")
            return
        sure = "" if edit.confidence is None else f" · {edit.confidence:.0%} sure"
        self.query_one("#why", Static).update(
            Content.assemble(
                held_content(edit),
                (f"\n\nitem {edit.item} of change {self._changes[edit.item]}{sure}", DIM),
            )
        )

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        edit = self.rows.item
        if edit is not None and edit.fact is not None:
            self.memo.open_fact(edit.fact)

    def action_mark(self) -> None:
        """Mark this one and go to the next."""
        self.rows.toggle_mark()
        self.rows.action_move(1)

    def action_mark_all(self) -> None:
        """Mark all, or none."""
        everything = set(self.rows.keys)
        self.rows.marked = set() if self.rows.marked == everything else everything
        self.rows.refresh()

    @work(group="decide")
    async def action_decide(self, accept: bool) -> None:
        """Accept or reject what is marked, else what is under the cursor."""
        chosen = sorted(self.rows.marked) or [key for key in [self.rows.key] if key is not None]
        items = [HeldId(key) for key in chosen]
        if not items:
            return
        done = await self.change(
            lambda memory: memory.accept(items) if accept else memory.reject(items), thinks=True
        )
        if done:
            self.rows.marked.clear()
            word = "Accepted" if accept else "Rejected"
            self.memo.tell(f"{word} {len(items)}. u takes that back.")


def _row(edit: EditRecord, width: int) -> Content:
    mark, colour = MARKS.get(edit.op, ("·", ""))
    arrow = f" → {show_line(edit.new_text)}" if edit.new_text else ""
    right = "" if edit.confidence is None else f" {edit.confidence:>4.0%}"
    left = Content.assemble((f"{mark} ", colour), one_line(edit.text), arrow)
    return Content.assemble(fitted(left, width - len(right)), (right, DIM))
