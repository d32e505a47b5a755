"""Models: the catalogue, what fits this machine, what is here, and which is used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from memo.errors import MemoError
from memo.models import (
    Machine,
    Model,
    catalogue,
    default_models,
    installed,
    locate,
    machine,
    recommend,
    remove,
    scores,
    use,
    verify,
)
from memo.show import show_line
from memo.terminal import size
from memo.tui.certifying import certified
from memo.tui.desk import Stream
from memo.tui.dialogs import Confirm
from memo.tui.place import Place
from memo.tui.pulling import fetch
from memo.tui.rows import Rows
from memo.tui.text import DIM, fitted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

_CPU_BYTES = 2_200_000_000  # as `recommend`: beyond it a processor is slower than a reader


def fit(model: Model, on: Machine) -> str:
    """Whether a machine can run a model, in a word or two."""
    if model.memory_mb * 1_000_000 <= on.vram_bytes:
        return "fits (GPU)"
    if model.memory_mb * 2_000_000 > on.ram_bytes:
        return "does not fit"
    return "fits" if model.bytes <= _CPU_BYTES else "fits, slow"


class ModelRows(Rows[Model]):
    """The list, whose items are used rather than opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Use", id="models.use"),
    ]


class Models(Place):
    """The catalogue, and what is known of each."""

    PLACE = "models"
    HELP = (
        "# Models\nOne chat model reads and answers, one embedding model finds. `Enter` uses the "
        "one under the cursor, `p` fetches it from the network, the only time that memo goes "
        "there; `p` again stops, and the next time goes on from there. `v` reads it whole and "
        "compares its checksum. `c` certifies a chat model as `memo eval model` does: it reads and "
        "answers probes, which takes minutes; `c` again stops, and the next time goes on from "
        "there. `Delete` removes it from this machine, after asking."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pull", "Fetch", id="models.pull"),
        Binding("v", "verify", "Verify", id="models.verify"),
        Binding("c", "certify", "Certify", id="models.certify"),
        Binding("delete", "remove", "Remove", id="models.remove"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._machine: Machine | None = None
        self._pulls: dict[str, Stream] = {}
        self._certifying: Stream | None = None
        self._progress: dict[str, str] = {}

    def body(self) -> Iterable[Widget]:
        """List and particulars."""
        self.rows = ModelRows(self._row, id="models-list")
        self.about = Static(id="about")
        about = VerticalScroll(self.about, classes="side", can_focus=True)
        yield Container(self.rows, about, classes="split")

    def on_mount(self) -> None:
        """List them, then look what fits."""
        self._list()
        self.rows.focus()
        self._look_at_machine()

    @work(group="machine")
    async def _look_at_machine(self) -> None:
        self._machine = await self.memo.desk.read(lambda _: machine())
        self._list()
        self._redraw()

    def _list(self) -> None:
        """First what is used, then what is recommended, what fits, and the rest."""
        models, used = catalogue().models, default_models(self.memo.settings)
        there = self._machine
        best = recommend(there) if there is not None else None

        def rank(number: int) -> tuple[bool, bool, bool]:
            model = models[number]
            recommended = best is not None and model in (best.chat, best.embedding)
            fits = there is None or fit(model, there) != "does not fit"
            return model.name not in used, not recommended, not fits

        order = sorted(range(len(models)), key=rank)
        self.rows.show(order, dict(enumerate(models)))
        if there is None:
            self.rows.action_edge(0)

    def _redraw(self) -> None:
        self.rows.redraw()
        self._about()

    def _row(self, model: Model, width: int) -> Content:
        settings = self.memo.settings
        used = "●" if model.name in default_models(settings) else " "
        here = "here" if installed(model, settings.models) else ""
        if progress := self._progress.get(model.name):
            right = f" {progress.removeprefix(model.name).strip()}"
        else:
            what = fit(model, self._machine) if self._machine else ""
            right = f" {size(model.bytes):>7} {what:>12} {here:>5}"
        left = Content.assemble(
            (f"{used} ", "$text-success"), one_line(model.name), (f"  {model.kind}", DIM)
        )
        right = show_line(right)[: max(width - 16, 0)]
        return Content.assemble(fitted(left, width - len(right)), (right, DIM))

    @on(Rows.Moved)
    def _about(self) -> None:
        model = self.rows.item
        if model is None:
            return
        settings = self.memo.settings
        known = [
            f"{model.kind} model · {size(model.bytes)} · needs {model.memory_mb / 1000:.1f} GB",
            f"licence {show_line(model.licence)}",
            f"context of {model.context_tokens} tokens",
            self._measured(model),
            "comes from the Hugging Face Hub alone" if model.needs_hub else "needs no Hub",
        ]
        if installed(model, settings.models):
            known.append("on this machine")
        if model.name in default_models(settings):
            known.append("● in use")
        if self._machine is not None:
            known.append(fit(model, self._machine))
            best = recommend(self._machine)
            if model in (best.chat, best.embedding):
                known.append("★ recommended for this machine")
        self.about.update(
            Content.assemble(
                one_line(model.name, "bold"),
                "\n",
                one_line(model.description),
                ("\n\n" + "\n".join(known), DIM),
            )
        )

    def _measured(self, model: Model) -> str:
        """What it scored here, else elsewhere."""
        if (own := scores(self.memo.settings.models).get(model.name)) is not None:
            return f"certified here: {own.overall:.2f}, {own.verdict}"
        return "measured: " + ("nobody did yet" if model.score is None else f"{model.score:.2f}")

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        model = self.rows.item
        if model is None:
            return
        settings = self.memo.settings
        try:
            use(model.name, settings)
        except MemoError as error:
            self.memo.complain(error)
            return
        chat = model.kind == "chat"
        self.memo.settle(
            replace(settings, model=model.name) if chat else replace(settings, embedder=model.name)
        )
        self.memo.tell(f"From now on {model.name} is used.")
        self._redraw()

    def action_pull(self) -> None:
        """Fetch it, or stop fetching it."""
        model = self.rows.item
        if model is None:
            return
        if model.name in self._pulls:
            self._pulls[model.name].stop()
        elif installed(model, self.memo.settings.models):
            self.memo.tell(f"{model.name} is on this machine already.")
        else:
            self._pull(model)

    @work(group="pull")
    async def _pull(self, model: Model) -> None:
        self._pulls[model.name] = stream = Stream()

        def tell(line: str) -> None:
            self._progress[model.name] = line
            self.memo.status = line
            self.rows.redraw()

        await fetch(self.memo, model, stream, tell)
        del self._pulls[model.name]
        self._redraw()

    def action_certify(self) -> None:
        """Measure it, or stop measuring."""
        model = self.rows.item
        if model is None:
            return
        if self._certifying is not None:
            self._certifying.stop()
        elif model.kind != "chat":
            self.memo.tell(f"{model.name} is no chat model: it has nothing to certify.")
        elif not installed(model, self.memo.settings.models):
            self.memo.tell(f"{model.name} is not on this machine: p fetches it.")
        else:
            self._certify(model)

    @work(group="certify")
    async def _certify(self, model: Model) -> None:
        self._certifying = stream = Stream()

        def tell(line: str) -> None:
            self.memo.status = line

        tell(f"certifying {model.name}…")
        found = await certified(self.memo, model, stream, tell)
        self._certifying = None
        tell("")
        if found is not None:
            self.memo.tell(f"{model.name}: {found.score.overall:.2f}, {found.score.verdict}.")
        elif stream.stopped:
            self.memo.tell(f"Stopped certifying {model.name}; c goes on where it was.")
        self._redraw()

    @work(group="verify")
    async def action_verify(self) -> None:
        """Compare its checksum."""
        model, settings = self.rows.item, self.memo.settings
        if model is None:
            return
        self.memo.tell(f"Reading {model.name}…")
        try:
            await self.memo.desk.read(lambda _: verify(locate(model.name, settings)))
        except MemoError as error:
            self.memo.complain(error)
            return
        self.memo.tell(f"{model.name} is whole: its checksum is the catalogue's.")

    @work(group="dialog")
    async def action_remove(self) -> None:
        """Delete it from this machine, after asking."""
        model, settings = self.rows.item, self.memo.settings
        if model is None or not installed(model, settings.models):
            return
        question = Content.assemble(
            (f"Delete {show_line(model.name)} from this machine?\n\n", "bold"),
            (f"That frees {size(model.bytes)}; it can be fetched again.", DIM),
        )
        if not await self.app.push_screen_wait(Confirm(question, "Delete it")):
            return
        try:
            freed = remove(model.name, settings.models)
        except MemoError as error:
            self.memo.complain(error)
            return
        self.memo.tell(f"Deleted {model.name}: {size(freed)} freed.")
        self._redraw()
