"""Jump mode: a letter on everything that can have the focus; its key goes there."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from memo.tui.place import PlaceTab

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual import events
    from textual.app import ComposeResult
    from textual.screen import Screen
    from textual.widget import Widget

_LETTERS = "asdfghjkl" + "".join(sorted(set(ascii_lowercase) - set("asdfghjkl")))
"""Those under the fingers first."""


def targets(screen: Screen[object]) -> dict[str, Widget]:
    """What there is to go to in sight: places by their numbers, the rest by letters."""
    found: dict[str, Widget] = {str(tab.number): tab for tab in screen.query(PlaceTab)}
    seen = [one for one in screen.focus_chain if screen.region.overlaps(one.region)]
    return found | dict(zip(_LETTERS, seen, strict=False))


class Jump(ModalScreen["Widget | None"]):
    """Letters over the screen beneath; gives the widget whose letter was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Stay", id="jump.stay")
    ]

    def __init__(self, found: Mapping[str, Widget]) -> None:
        super().__init__()
        self.found = found

    def compose(self) -> ComposeResult:
        """Each letter on its widget."""
        for letter, widget in self.found.items():
            label = Static(Content.styled(f" {letter} ", "bold"), classes="jump-label")
            label.styles.offset = (widget.region.x, widget.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go there; any other key stays."""
        if event.key != "escape":
            event.stop()
            self.dismiss(self.found.get(event.key))
