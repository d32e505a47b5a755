"""The talk: what was said, one exchange below the other, and only those near sight laid out.

Every piece of an answer lays the screen out anew, which takes its time for every widget there is.
"""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from memo.tui.exchange import Exchange

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.await_remove import AwaitRemove
    from textual.content import Content

MOST_EXCHANGES = 60
"""Older ones leave the screen; their conversation is kept."""


class Gap(Widget):
    """Stands for the exchanges that are folded."""

    def stand_for(self, lines: int) -> None:
        """Be as high as they are."""
        self.styles.height = lines
        self.display = bool(lines)


class Talk(VerticalScroll, can_focus=True):
    """Follows what is being written, unless the person scrolls back."""

    def __init__(self, welcome: Content) -> None:
        """Begin with a few words."""
        super().__init__(id="talk")
        self._welcome = welcome
        self._above, self._below = Gap(), Gap()
        self._width = 0

    def compose(self) -> ComposeResult:
        """The words, until there is something else to show."""
        self._above.stand_for(0)
        self._below.stand_for(0)
        yield self._above
        yield Static(self._welcome, id="welcome")
        yield self._below

    def on_mount(self) -> None:
        """Stay at the end."""
        self.anchor()
        # Layouts and scrolling overtake one another on a busy machine: look again, which is cheap.
        self.set_interval(0.5, self.fold)

    def begin(self) -> None:
        """Show the first words again."""
        self.empty()
        if not self.query("#welcome"):
            self.mount(Static(self._welcome, id="welcome"), before=self._below)

    def empty(self) -> AwaitRemove:
        """Show no exchange."""
        self._above.stand_for(0)
        self._below.stand_for(0)
        return self.query(Exchange).remove()

    async def add(self, *exchanges: Exchange) -> None:
        """Put these below the others; the oldest go where there are too many."""
        await self.query("#welcome").remove()
        for one in list(self.query(Exchange))[: len(exchanges) - MOST_EXCHANGES or None]:
            await one.remove()
        await self.mount_all(exchanges, before=self._below)
        self.anchor()

    async def add_above(self, *exchanges: Exchange) -> None:
        """Put these above the others."""
        await self.query("#welcome").remove()
        await self.mount_all(exchanges, after=self._above)

    def fold(self, looks: int = 4) -> None:
        """Lay out what is seen and a page before and after it.

        Args:
            looks: How often it is looked at, after each change: what was just laid out, in another
                width too, may have another height than was thought.
        """
        all_ = list(self.query(Exchange))
        ends = list(accumulate(one.lines for one in all_))
        page, top = self.size.height, self.scroll_offset.y
        far = [one for one, end in zip(all_, ends, strict=True) if end < top - page]
        above = list(takewhile(lambda one: not one.busy, far))
        far = [one for one, end in zip(all_, ends, strict=True) if end - one.lines > top + 2 * page]
        below = list(takewhile(lambda one: not one.busy, reversed(far)))
        hidden = {*above, *below}
        changes = any(one.folded is not (one in hidden) for one in all_)
        for one in all_:
            one.fold(one in hidden)
        if changes and looks > 1:
            self.call_after_refresh(self.fold, looks - 1)
        self._above.stand_for(sum(one.lines for one in above))
        self._below.stand_for(sum(one.lines for one in below))

    def watch_virtual_size(self) -> None:
        """Fold after what has grown, or was put here."""
        self.call_later(self.fold)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Unfold what comes into sight."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.fold()

    def on_resize(self, event: events.Resize) -> None:
        """In another width all have another height."""
        if event.size.width != self._width:
            self._width = event.size.width
            for one in self.query(Exchange):
                one.fold(False)
            self._above.stand_for(0)
            self._below.stand_for(0)
            self.call_after_refresh(self.fold)
