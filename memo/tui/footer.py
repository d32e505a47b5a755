"""The keys that do something here, on one line: those that lead on are there at every width."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.widget import Widget

from memo.show import show_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.screen import Screen

_ALWAYS = ("app.help", "app.palette", "app.quit")
"""By which everything else is found; they keep their place on the right."""
_LAST = "rows.open"
"""Enter on a list: nobody needs to be told first."""
_KEY = "$footer-key-foreground bold"


class Shown(NamedTuple):
    """A key and what it does."""

    key: str
    """As Textual names it."""
    content: Content
    last: bool = False
    """Whether it gives way to the others."""


class Keys(Widget):
    """Textual's Footer cuts its last keys off where they do not fit; this one the least useful.

    Bindings are shown in the order of the focused widget's, the screen's, the application's.
    """

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """What fits, a mark where something does not, and the keys that are always there."""
        here, always = self._shown()
        drawn = Content("").join(one.content for one in here)
        last = Content("").join(one.content for one in always)
        gap = self.size.width - drawn.cell_length - last.cell_length - 1
        return Content.assemble(drawn, " " * max(gap, 0), last, " ")

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        event.stop()
        if key := self._key_at(event.x):
            self.app.simulate_key(key)

    def _key_at(self, x: int) -> str:
        """The key drawn there; "" where there is none."""
        here, always = self._shown()
        for shown, start in (
            (here, 0),
            (always, self.size.width - _width(always) - 1),
        ):
            for one in shown:
                if start <= x < start + one.content.cell_length:
                    return one.key
                start += one.content.cell_length
        return ""

    def _shown(self) -> tuple[list[Shown], list[Shown]]:
        """What is drawn on the left and on the right; close together where room is scarce."""
        for gap in (2, 1):
            here, always = self._keys(" " * gap)
            room = self.size.width - _width(always) - 2
            if _width(here) <= room:
                break
        return _fitting(here, room, always[0].key if always else ""), always

    def _keys(self, before: str) -> tuple[list[Shown], list[Shown]]:
        """What belongs on the left and on the right."""
        here: list[Shown] = []
        lasting: dict[str, Shown] = {}
        done: set[str] = set()
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if not binding.show or not binding.description or binding.action in done:
                continue
            done.add(binding.action)
            style = "$footer-description-foreground" if enabled else "$foreground 40%"
            content = Content.assemble(
                (f"{before}{show_line(self.app.get_key_display(binding))} ", _KEY),
                (binding.description, style),
            )
            if binding.id in _ALWAYS:
                lasting[binding.id] = Shown(binding.key, content)
            else:
                here.append(Shown(binding.key, content, last=binding.id == _LAST))
        here.sort(key=lambda one: one.last)
        return here, [lasting[name] for name in _ALWAYS if name in lasting]


def _width(shown: Iterable[Shown]) -> int:
    return sum(one.content.cell_length for one in shown)


def _fitting(shown: Iterable[Shown], room: int, lead: str) -> list[Shown]:
    """As many as there is room for, and a mark where some are left out.

    Args:
        shown: In the order in which they are kept.
        room: Columns.
        lead: The key that a click on the mark presses, which leads to all of them.
    """
    left = list(shown)
    if _width(left) <= room:
        return left
    more = Shown(lead, Content.styled(" …", "$footer-description-foreground"))
    kept: list[Shown] = []
    room -= more.content.cell_length
    for one in left:
        room -= one.content.cell_length
        if room < 0:
            break
        kept.append(one)
    return [*kept, more]
