"""What all screens stand on: the application's state, the bar of places, errors told in a line."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Static

from memo.days import typed_day
from memo.errors import MemoError
from memo.show import show_line
from memo.times import day
from memo.tui.footer import Keys
from memo.tui.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult
    from textual.widget import Widget

    from memo.memory import Memory
    from memo.records import ChangeSet, FactId
    from memo.settings import Settings
    from memo.tui.desk import Desk
    from memo.tui.reader import Reader

T = TypeVar("T")

PLACES = {
    "ask": "Ask",
    "facts": "Facts",
    "changes": "Changes",
    "review": "Review",
    "sources": "Sources",
    "models": "Models",
    "settings": "Settings",
}
"""The screens by name, in the order of their numbers."""
_ROOMY = 76
"""Columns from which on nothing is shortened."""
_NARROWEST = 56
"""Columns below which there is no room for names."""


class MemoBase(App[int]):
    """The state that screens share."""

    as_of: reactive[datetime | None] = reactive(None, init=False)
    """The day that is looked at; None is now."""
    version: reactive[int] = reactive(0, init=False)
    """Counts changes of the store, so that lists know when they are old."""
    gone: reactive[int] = reactive(0, init=False)
    """Counts what was forgotten or deleted, so that no screen goes on showing it."""
    waiting: reactive[int] = reactive(0, init=False)
    """How many edits wait for review."""
    status: reactive[str] = reactive("", init=False)
    """What goes on in the background, in a few words."""

    desk: Desk
    reader: Reader
    settings: Settings

    @property
    def tz(self) -> tzinfo | None:
        """The person's zone; None is this machine's."""
        return self.settings.zone

    def complain(self, error: Exception) -> None:
        """Tell what failed."""
        self.tell(str(error), severity="error")

    def tell(self, text: str, *, severity: str = "information") -> None:
        """A sentence in the corner for some seconds."""
        if any(one.message == show_line(text) for one in self._notifications):
            return  # it is being said
        self.notify(show_line(text), severity=cast("Any", severity), markup=False, timeout=6)

    def day_of(self, text: str) -> datetime | None:
        """The end of a typed day; None for today.

        Raises:
            MemoError: It is no day.
        """
        now = datetime.now(UTC).astimezone(self.tz)
        found = typed_day(text, now.date()) if text else now.date()
        if found >= now.date():
            return None
        return datetime.combine(found, time(23, 59, 59), now.tzinfo).astimezone(UTC)

    def open_fact(self, fact: FactId) -> object:
        """Show a fact with its life."""
        raise NotImplementedError

    def seek_facts(self, words: str) -> object:
        """Show the facts that hold these words."""
        raise NotImplementedError

    def open_import(self, paths: Sequence[Path]) -> object:
        """Show what an import of these would read."""
        raise NotImplementedError

    def read_note(self, text: str) -> None:
        """Read a text as a document, in the background."""
        raise NotImplementedError

    def action_undo(self) -> None:
        """Take the last change back."""
        raise NotImplementedError

    def action_help(self) -> None:
        """Help for what has the focus."""
        raise NotImplementedError

    def choose(self, key: str, value: str) -> bool:
        """Write a setting; whether that was done."""
        raise NotImplementedError

    def settle(self, settings: Settings) -> None:
        """Go on with other settings."""
        self.settings = settings
        self.desk.memory.choose(settings)

    def changed(self, change: ChangeSet | None = None) -> None:
        """The store is another now: lists are fetched anew."""
        self.version += 1
        if change is not None and change.kind == "forget":
            self.gone += 1


class PlaceTab(Static):
    """One name in the bar."""

    def __init__(self, place: str, number: int) -> None:
        super().__init__(id=f"tab-{place}", classes="tab")
        self.place, self.number = place, number

    def label(self, waiting: int, width: int, status: int) -> Content:
        """The number that goes there, and the name as far as there is room.

        Args:
            waiting: How many edits wait for review.
            width: Columns of the bar.
            status: Columns that what goes on would take; it is cut rather than the last of a name.
        """
        name = PLACES[self.place]
        if width - status < _ROOMY:
            name = name[:3] if width >= _NARROWEST else ""
        if self.place == "review" and waiting:
            name = f"{name} {waiting}"
        return Content.assemble((f"{self.number}", "bold"), f" {name}" if name else "")

    async def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        await self.app.run_action(f"app.place('{self.place}')")


class Bar(Horizontal):
    """The places by number, and what goes on in the background."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here

    def compose(self) -> ComposeResult:
        """A tab for each place."""
        yield Static(Content.styled("memo", "bold"), id="name")
        for number, place in enumerate(PLACES, 1):
            tab = PlaceTab(place, number)
            tab.set_class(place == self.here, "-here")
            yield tab
        yield Static(id="status")

    def on_mount(self) -> None:
        """Follow the application's state."""
        self.watch(self.app, "waiting", self.draw)
        self.watch(self.app, "status", self.draw)

    def on_resize(self) -> None:
        """Longer or shorter names."""
        self.draw()

    def draw(self) -> None:
        """The labels as they are now."""
        app = cast("MemoBase", self.app)
        status = one_line(app.status)
        taken = status.cell_length + 2 if app.status else 0
        for tab in self.query(PlaceTab):
            tab.update(tab.label(app.waiting, self.size.width, taken))
        self.query_one("#status", Static).update(status)


class Banner(Static):
    """Says that another day than today is shown."""

    def on_mount(self) -> None:
        """Follow the application's day."""
        self.watch(self.app, "as_of", self.draw)

    def on_resize(self) -> None:
        """More or fewer words."""
        self.draw()

    def draw(self) -> None:
        """The day, and the way back."""
        app = cast("MemoBase", self.app)
        self.display = app.as_of is not None
        self.screen.set_class(app.as_of is not None, "-past")
        if app.as_of is not None:
            words = "  what was known then " if app.size.width >= _ROOMY else ""
            self.update(
                Content.assemble(
                    (f" ◷ AS OF {day(app.as_of, app.tz)} ", "bold reverse"),
                    f"{words}  [ earlier   ] later   Esc today",
                )
            )


class Place(Screen[None]):
    """A screen with the bar above and the keys below."""

    PLACE: ClassVar[str] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (96, "-wide")]  # noqa: RUF012  # as Textual declares

    def compose(self) -> ComposeResult:
        """The bar, the body, the keys."""
        yield Bar(self.PLACE)
        if self.PLACE in {"ask", "facts"}:
            yield Banner()
        with Vertical(id="body"):
            yield from self.body()
        yield Keys()

    def body(self) -> Iterable[Widget]:
        """What stands between."""
        raise NotImplementedError

    @property
    def memo(self) -> MemoBase:
        """The application."""
        return cast("MemoBase", self.app)

    @property
    def tz(self) -> tzinfo | None:
        """The person's zone."""
        return self.memo.tz

    async def look(self, call: Callable[[Memory], T]) -> T | None:
        """What a short call gives; None where it failed, which is then told."""
        try:
            return await self.memo.desk.look(call)
        except MemoError as error:
            self.memo.complain(error)
            return None

    async def change(self, call: Callable[[Memory], ChangeSet], *, thinks: bool = False) -> bool:
        """Change the store; whether that was done. A failure is told."""
        try:
            done = await (self.memo.desk.think(call) if thinks else self.memo.desk.look(call))
        except MemoError as error:
            self.memo.complain(error)
            return False
        self.memo.changed(done)
        return True
