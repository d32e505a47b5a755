"""Settings: every choice with what it means, searched as one types, kept in settings.toml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from memo.errors import MemoError
from memo.settings import save_key
from memo.times import parse_zone
from memo.tui import themes
from memo.tui.dialogs import Ask, Choose, Line
from memo.tui.place import Place
from memo.tui.rows import Rows
from memo.tui.securing import encrypted, secure
from memo.tui.text import DIM, fitted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.widget import Widget

    from memo.settings import Settings

_ABOUT = {
    "me": "Your name: to it “I” is resolved in what you write",
    "theme": f"Colours: {', '.join(themes.NAMES)}",
    "tz": "Zone of times without one, such as Europe/London",
    "model": "The chat model; Models lists them",
    "embedder": "The embedding model; Models lists them",
}
_ENCRYPTION = "encryption"
"""Not in settings.toml: the store itself is encrypted, or is not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen."""

    name: str
    value: str
    about: str
    key: bool = False
    """Whether it is a key of the application."""


def bindings() -> Iterator[Binding]:
    """All keys that can be given to something else, by what they do."""
    from memo.tui.app import MemoApp  # noqa: PLC0415  # it imports the screens, and they this
    from memo.tui.ask import Ask as AskPlace  # noqa: PLC0415
    from memo.tui.changes import Changes  # noqa: PLC0415
    from memo.tui.composer import Composer  # noqa: PLC0415
    from memo.tui.facts import Facts  # noqa: PLC0415
    from memo.tui.models import ModelRows, Models  # noqa: PLC0415
    from memo.tui.review import Review  # noqa: PLC0415
    from memo.tui.sources import Sources  # noqa: PLC0415

    places = (AskPlace, Composer, Facts, Changes, Review, Sources, Models, Choices)
    for owner in (MemoApp, *places, Rows, ModelRows, ChoiceRows):
        for binding in owner.BINDINGS:
            if isinstance(binding, Binding) and binding.id:
                yield binding


def all_choices(settings: Settings) -> list[Choice]:
    """Settings first, then keys."""
    secured = "on" if encrypted(settings) else "off"
    found = [
        Choice(_ENCRYPTION, secured, "Whether it takes a passphrase to read your memory"),
    ]
    found += [
        Choice(name, str(getattr(settings, name) or ""), about) for name, about in _ABOUT.items()
    ]
    found += [
        Choice(b.id or "", settings.keys.get(b.id or "", b.key), f"Key: {b.description}", key=True)
        for b in bindings()
    ]
    return found


class ChoiceRows(Rows[Choice]):
    """The list, whose items are changed rather than opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Change", id="settings.change"),
    ]


class Choices(Place):
    """The list of choices."""

    PLACE = "settings"
    AUTO_FOCUS = "#choices"
    HELP = (
        "# Settings\nEvery choice, with its value. Type `/` to search, `Enter` to change, `Delete` "
        "to go back to what memo chooses. Keys take effect at the next start. All of it lies in "
        "settings.toml, whose comments are kept."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="settings.search"),
        Binding("delete", "clear", "Default", id="settings.clear"),
        Binding("escape", "back", "Back", show=False, id="settings.back"),
    ]

    def body(self) -> Iterable[Widget]:
        """Search, list, where it is kept."""
        self.rows = ChoiceRows(_row, id="choices", empty="No such setting.")
        yield Vertical(
            Line(placeholder="Search", id="query", compact=True),
            self.rows,
            Static(id="where"),
        )

    def on_mount(self) -> None:
        """List all."""
        self.renew()
        self.rows.focus()

    @on(Input.Changed, "#query")
    def renew(self) -> None:
        """List what fits the search."""
        words = self.query_one("#query", Input).value.casefold().split()
        found = {
            number: choice
            for number, choice in enumerate(all_choices(self.memo.settings))
            if all(word in f"{choice.name} {choice.about}".casefold() for word in words)
        }
        self.rows.show(list(found))
        self.rows.fill(found)

    @on(Input.Submitted, "#query")
    def _entered(self) -> None:
        self.rows.focus()

    def action_search(self) -> None:
        """Into the search line, and at once: the next key may be on its way."""
        self.set_focus(self.query_one("#query"))

    def action_back(self) -> None:
        """Out of the search."""
        if self.rows.has_focus:
            self.query_one("#query", Input).value = ""
        self.rows.focus()

    @on(Rows.Moved)
    def _explain(self) -> None:
        """In full what the list has no room for."""
        about = one_line(self.rows.item.about if self.rows.item else "")
        where = one_line(str(self.memo.settings.file), DIM)
        self.query_one("#where", Static).update(Content("\n").join([about, where]))

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self._change()

    @work(group="dialog")
    async def _change(self) -> None:
        choice = self.rows.item
        if choice is None:
            return
        if choice.name == _ENCRYPTION:
            await secure(self.memo)
            self.renew()
            return
        if choice.name in {"model", "embedder"}:
            await self.app.run_action("app.place('models')")
            return
        if choice.name == "theme":
            text = await self.app.push_screen_wait(
                Choose("Colours", {name: name.removeprefix("memo-") for name in themes.NAMES})
            )
        else:
            text = await self.app.push_screen_wait(Ask(choice.about, choice.value))
        if text is not None:
            self._set(choice, text)

    def action_clear(self) -> None:
        """Go back to what memo chooses."""
        if self.rows.item is not None and self.rows.item.name != _ENCRYPTION:
            self._set(self.rows.item, "")

    def _set(self, choice: Choice, text: str) -> None:
        try:
            if choice.name == "tz" and text:
                parse_zone(text)
            if choice.key:
                save_key(self.memo.settings, choice.name, text)
                keys = {**self.memo.settings.keys, choice.name: text}
                keys = {name: key for name, key in keys.items() if key}
                self.memo.settle(replace(self.memo.settings, keys=keys))
                self.app.set_keymap(keys)
                self.renew()
                return
        except MemoError as error:
            self.memo.complain(error)
            return
        if self.memo.choose(choice.name, text):
            if choice.name == "theme":
                self.app.theme = text or themes.DARK.name
            self.memo.changed()
            self.renew()


def _row(choice: Choice, width: int) -> Content:
    name = Content.styled(choice.name, "bold")
    value = one_line(choice.value or "–", "" if choice.value else DIM)  # noqa: RUF001  # none
    values = 24 if width >= 76 else 16
    left = Content.assemble(fitted(name, 22), " ", fitted(value, values), " ")
    return left + fitted(Content.styled(choice.about, DIM), width - values - 24)
