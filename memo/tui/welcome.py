"""The first run: a model, a name, and something to begin with; each can be left for later."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from memo.models import Model, Recommendation, catalogue, default_models, installed, recommend
from memo.models import machine as this_machine
from memo.show import show, show_line
from memo.terminal import size
from memo.tui.desk import Stream
from memo.tui.dialogs import Line
from memo.tui.pulling import fetch
from memo.tui.securing import encrypted, secure
from memo.tui.text import DIM

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from memo.settings import Settings
    from memo.tui.place import MemoBase


def missing(settings: Settings) -> list[Model]:
    """The two models in use, as far as they are not on this machine."""
    named = map(catalogue().find, default_models(settings))
    return [one for one in named if one and not installed(one, settings.models)]


class Welcome(ModalScreen[str]):
    """What to begin with: `import`, `demo` or `empty`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "begin('empty')", "Later", id="welcome.later")
    ]

    def __init__(self) -> None:
        super().__init__()
        self._stream: Stream | None = None

    @property
    def memo(self) -> MemoBase:
        """The application."""
        return cast("MemoBase", self.app)

    def compose(self) -> ComposeResult:
        """Short steps, none of which must be taken."""
        models = missing(self.memo.settings)
        with VerticalScroll(classes="dialog welcome"):
            yield Static(
                Content.assemble(
                    ("Welcome to memo\n", "bold $primary"),
                    "Everything stays on this machine. Each step can wait; Esc skips them all.",
                )
            )
            yield Static(_step(1, "A model that reads and answers"), classes="step")
            self.model_line = Static(_models_line(models), id="model-line")
            yield self.model_line
            if models:
                yield Button(Content("Fetch"), id="fetch", compact=True)
            yield Static(_step(2, "Who you are, for “I” in what you write"), classes="step")
            yield Line(self.memo.settings.me or "", placeholder="Your name", id="me", compact=True)
            yield Static(_step(3, "A passphrase, if you like"), classes="step")
            self.secured = Static(_secured_line(self.memo.settings), id="secured")
            yield self.secured
            yield Button(Content("Encrypt"), id="encrypt", compact=True)
            yield Static(_step(4, "Something to begin with"), classes="step")
            with Vertical(), Horizontal(classes="answers"):
                yield Button(Content("Import files"), id="import", compact=True)
                yield Button(Content("Try demo data"), id="demo", compact=True)
                yield Button(Content("Start empty"), id="empty", compact=True)

    def on_mount(self) -> None:
        """The name is the first thing to write."""
        self.query_one("#me").focus()
        self._recommend()

    @work(group="recommend")
    async def _recommend(self) -> None:
        found: Recommendation = await self.memo.desk.read(lambda _: recommend(this_machine()))
        if missing(self.memo.settings):
            models = missing(self.memo.settings)
            better = f"\nThis machine could run more: {found.reason}"
            note = "" if found.chat in models else better
            self.model_line.update(_models_line(models) + Content.styled(show(note), DIM))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "encrypt":
            self._secure()
        elif event.button.id != "fetch":
            self.action_begin(event.button.id or "empty")
        elif self._stream is not None:
            self._stream.stop()
        else:
            self.memo.run_worker(self._fetch(), group="pull")  # goes on when this screen is left

    @work(group="secure")
    async def _secure(self) -> None:
        await secure(self.memo)
        self.secured.update(_secured_line(self.memo.settings))
        changes = "Change" if encrypted(self.memo.settings) else "Encrypt"
        self.query_one("#encrypt", Button).label = Content(changes)

    async def _fetch(self) -> None:
        """Fetch what is missing; the screen can be left meanwhile."""
        self._stream = stream = Stream()

        def tell(line: str) -> None:
            self.memo.status = line
            self.model_line.update(Content(show_line(line)))

        if button := self.query("#fetch"):
            button.only_one(Button).label = Content("Stop")
        for model in missing(self.memo.settings):
            if not await fetch(self.memo, model, stream, tell):
                break
        self._stream = None
        if self.is_attached and self.query("#fetch"):
            self.query_one("#fetch", Button).label = Content("Fetch")
            self.model_line.update(_models_line(missing(self.memo.settings)))

    def action_begin(self, way: str) -> None:
        """Keep the name, and go on."""
        name = self.query_one("#me", Input).value.strip()
        if name and name != self.memo.settings.me:
            self.memo.choose("me", name)
        self.dismiss(way)


def _step(number: int, text: str) -> Content:
    return Content.assemble((f"{number} ", "bold $primary"), (text, "bold"))


def _secured_line(settings: Settings) -> Content:
    if encrypted(settings):
        return Content.styled(
            "✓ Encrypted: a passphrase is asked for at each start.", "$text-success"
        )
    return Content("Not encrypted: whoever has this disk can read it.")


def _models_line(models: list[Model]) -> Content:
    if not models:
        return Content.styled("✓ The models are on this machine.", "$text-success")
    names = " and ".join(f"{show_line(one.name)} ({size(one.bytes)})" for one in models)
    return Content(f"{names}; fetched once, then offline. Browsing needs none.")
