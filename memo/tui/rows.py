"""A list of any length with one line an item: only what is seen is fetched and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual import events

T = TypeVar("T")
_MOST_KEPT = 2000
"""Items in memory; beyond it those out of sight are dropped."""


class Rows(ScrollView, Generic[T], can_focus=True):
    """Keys in order, and the items that were fetched for some of them.

    It asks for what it wants to show with `Wanted`; the owner answers with `fill`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--marked", "rows--hover"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="rows.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="rows.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="rows.page_up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="rows.page_down"),
        Binding("home,g", "edge(0)", "First", show=False, id="rows.first"),
        Binding("end,G", "edge(-1)", "Last", show=False, id="rows.last"),
        Binding("enter", "choose", "Open", id="rows.open"),
    ]

    cursor: reactive[int] = reactive(0, init=False)

    @dataclass
    class Wanted(Message):
        """Items that are to be shown and not here yet."""

        rows: Rows[object]
        keys: list[int]

        @property
        def control(self) -> Rows[object]:
            """Who sends it."""
            return self.rows

    @dataclass
    class Moved(Message):
        """The cursor stands on another item, or the item under it arrived or changed."""

        rows: Rows[object]
        key: int | None

        @property
        def control(self) -> Rows[object]:
            """Who sends it."""
            return self.rows

    @dataclass
    class Chosen(Message):
        """An item was opened."""

        rows: Rows[object]
        key: int

        @property
        def control(self) -> Rows[object]:
            """Who sends it."""
            return self.rows

    def __init__(
        self,
        draw: Callable[[T, int], Content],
        *,
        id: str,
        empty: str = "Nothing here.",
    ) -> None:
        """Make an empty list.

        Args:
            draw: An item as one line of that many columns.
            id: Of the widget.
            empty: What is said where there is nothing to list.
        """
        super().__init__(id=id)
        self._draw = draw
        self.empty = empty
        self.keys: Sequence[int] = ()
        self.marked: set[int] = set()
        self._items: dict[int, T] = {}
        self._fresh: set[int] = set()
        self._hovered: int | None = None
        self._drawn: dict[tuple[int, int, str, tuple[str, ...]], Strip] = {}
        """Finished lines by key, width, mark and style."""

    # -- what is listed --------------------------------------------------------------

    def show(self, keys: Sequence[int], items: Mapping[int, T] | None = None) -> None:
        """List these; the cursor stays on its item where that is still there.

        Args:
            keys: All of them.
            items: Some of theirs, at best those that come into sight.
        """
        before = self.key
        self.keys = keys
        self._fresh = set(items or ())
        self._keep(items or {})
        self.marked &= set(keys) if self.marked else set()
        self.virtual_size = Size(0, len(keys))
        at = min(self.cursor, max(len(keys) - 1, 0))
        if before is not None and (not keys or keys[at] != before):
            at = keys.index(before) if before in keys else 0
        self.set_reactive(Rows.cursor, at)
        self._keep_in_sight()
        self.refresh()
        self.post_message(self.Moved(self, self.key))  # type: ignore[arg-type]
        self._want()

    def fill(self, items: Mapping[int, T]) -> None:
        """Items that were wanted."""
        changed = self._keep(items)
        self._fresh.update(items)
        if changed:
            self.refresh()
        if self.key in changed:
            self.post_message(self.Moved(self, self.key))  # type: ignore[arg-type]

    def _keep(self, items: Mapping[int, T]) -> set[int]:
        """Take items; the keys of those that are not as they were."""
        changed = {key for key, item in items.items() if self._items.get(key) != item}
        if changed:
            self._drawn = {at: line for at, line in self._drawn.items() if at[0] not in changed}
        self._items.update(items)
        if len(self._items) > _MOST_KEPT:
            seen = {*self._seen(), *items}
            self._items = {key: item for key, item in self._items.items() if key in seen}
            self._fresh &= seen
            self._drawn.clear()
        return changed

    def redraw(self) -> None:
        """Draw all lines anew: what they say depends on more than their items."""
        self._drawn.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Other colours."""
        super().notify_style_update()
        self._drawn.clear()

    @property
    def key(self) -> int | None:
        """The key under the cursor."""
        return self.keys[self.cursor] if 0 <= self.cursor < len(self.keys) else None

    @property
    def item(self) -> T | None:
        """The item under the cursor, if it is here."""
        return None if self.key is None else self._items.get(self.key)

    def items(self, keys: Sequence[int]) -> list[T]:
        """Those of the items that are here."""
        return [self._items[key] for key in keys if key in self._items]

    def go(self, key: int) -> None:
        """Put the cursor on an item."""
        if key in self.keys:
            self.cursor = self.keys.index(key)

    def _seen(self) -> Sequence[int]:
        """The keys in sight and a page around them."""
        height = max(self.scrollable_content_region.height, 1)
        top = self.scroll_offset.y
        return self.keys[max(top - height, 0) : top + 2 * height]

    def _want(self) -> None:
        missing = [key for key in self._seen() if key not in self._fresh]
        if missing:
            self._fresh.update(missing)
            self.post_message(self.Wanted(self, missing))  # type: ignore[arg-type]

    # -- moving ----------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        """Within the list."""
        return max(0, min(cursor, len(self.keys) - 1))

    def watch_cursor(self) -> None:
        """Follow the cursor with the view."""
        self._keep_in_sight()
        self.refresh()
        self.post_message(self.Moved(self, self.key))  # type: ignore[arg-type]

    def _keep_in_sight(self) -> None:
        region = Region(0, self.cursor, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Fetch what comes into sight."""
        super().watch_scroll_y(old_value, new_value)
        self._want()

    def on_resize(self) -> None:
        """Fetch what comes into sight."""
        self._want()
        self._keep_in_sight()

    def action_move(self, by: int) -> None:
        """Up or down."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self.cursor += by * max(self.scrollable_content_region.height - 1, 1)

    def action_edge(self, index: int) -> None:
        """To the first or the last."""
        self.cursor = index if index >= 0 else len(self.keys) - 1

    def action_choose(self) -> None:
        """Open the item under the cursor."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))  # type: ignore[arg-type]

    def toggle_mark(self) -> None:
        """Mark the item under the cursor, or no longer."""
        if self.key is not None:
            self.marked ^= {self.key}
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        index = self.scroll_offset.y + event.y
        if 0 <= index < len(self.keys):
            self.cursor = index
            if event.chain == 2:
                self.action_choose()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show where a click would go."""
        hovered = self.scroll_offset.y + event.y
        if hovered != self._hovered:
            self._hovered = hovered
            self.refresh()

    def on_leave(self) -> None:
        """No longer."""
        self._hovered = None
        self.refresh()

    # -- drawing ---------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One item, or what is said where there is none."""
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        if not self.keys and y == 0:
            return self._strip(Content.styled(f" {self.empty}", "$foreground 60% italic"), width)
        if not 0 <= index < len(self.keys):
            return Strip.blank(width, self.visual_style.rich_style)
        key = self.keys[index]
        mark = "▸" if index == self.cursor else "✓" if key in self.marked else " "
        if index == self.cursor and key in self.marked:
            mark = "✔"
        names = [
            name
            for name, applies in (
                ("rows--marked", key in self.marked),
                ("rows--hover", index == self._hovered),
                ("rows--cursor", index == self.cursor),
            )
            if applies
        ]
        at = (key, width, mark, tuple(names))
        if (drawn := self._drawn.get(at)) is not None:
            return drawn
        item = self._items.get(key)
        line = Content("…") if item is None else self._draw(item, width - 2)
        strip = self._strip(Content.assemble(mark, " ", line), width, *names)
        if item is not None:
            self._drawn[at] = strip
        return strip

    def _strip(self, line: Content, width: int, *names: str) -> Strip:
        style = self.get_visual_style(*names) if names else self.visual_style
        fitted = line.truncate(width, ellipsis=True, pad=True)
        strips = Visual.to_strips(self, fitted, width, 1, style, apply_selection=False)
        return strips[0].adjust_cell_length(width, style.rich_style)
