"""Choose what to import, and see beforehand what it would read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, DirectoryTree, Input, Static

from memo.errors import MemoError
from memo.importers import Skipped
from memo.settings import save
from memo.show import counted, show_line
from memo.times import day
from memo.tui.dialogs import Choose, Line
from memo.tui.reader import Job
from memo.tui.text import DIM, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from textual.app import ComposeResult

    from memo.memory import Memory
    from memo.records import Document
    from memo.settings import Settings
    from memo.tui.desk import Desk

_MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would read."""

    paths: tuple[Path, ...]
    new: tuple[Document, ...]
    known: int
    skipped: tuple[Skipped, ...]
    guesses: tuple[str, ...]
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Who speaks in each source of which nobody said yet who the person is there."""

    @property
    def job(self) -> Job:
        """The same, to be read."""
        name = self.paths[0].name if len(self.paths) == 1 else f"{len(self.paths)} paths"
        return Job(name, deque(self.new), skipped=self.skipped)


def preview(memory: Memory, paths: Sequence[Path], settings: Settings) -> Preview:
    """Read the files, and look which of their documents are not known yet.

    Raises:
        MemoError: A path does not exist or is in no known format.
    """
    guesses: list[str] = []
    asked: dict[str, Sequence[str]] = {}

    def who(source: str, speakers: Sequence[str]) -> str | None:
        if source not in settings.speakers:
            asked.setdefault(source, speakers)
        return settings.speakers.get(source) or None

    found = list(
        memory.read_paths(paths, tz=settings.zone, me=settings.me, who=who, warn=guesses.append)
    )
    skipped = tuple(one for one in found if isinstance(one, Skipped))
    documents = sorted(
        (one for one in found if not isinstance(one, Skipped)), key=lambda document: document.at
    )
    known = memory.known(documents)
    new = tuple(one for one, before in zip(documents, known, strict=True) if not before)
    return Preview(tuple(paths), new, sum(known), skipped, tuple(guesses), asked)


def preview_content(seen: Preview, tz: tzinfo | None) -> Content:
    """A preview as a person reads it."""
    head = (
        f"{counted(len(seen.new), 'new document')}, {seen.known} stored already, "
        f"{len(seen.skipped)} skipped"
    )
    lines = [Content.styled(head, "bold")]
    for document in seen.new[:_MOST_LISTED]:
        said = f"  {len(document.messages)} said"
        title = one_line(document.title or document.source)
        lines.append(Content.assemble((f"{day(document.at, tz)}  ", DIM), title, (said, DIM)))
    if len(seen.new) > _MOST_LISTED:
        lines.append(Content.styled(f"… and {len(seen.new) - _MOST_LISTED} more", DIM))
    lines += [Content.styled(show_line(guess), DIM) for guess in seen.guesses[:_MOST_LISTED]]
    lines += [skipped_content(one) for one in seen.skipped[:_MOST_LISTED]]
    return Content("\n").join(lines)


def skipped_content(skipped: Skipped) -> Content:
    """A record that could not be read."""
    return Content.assemble(
        ("! ", "$text-warning bold"),
        one_line(skipped.where, "bold"),
        f" {show_line(skipped.reason)}",
    )


class Files(DirectoryTree):
    """Folders and files, whatever their names hold."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Without what is hidden."""
        return (path for path in paths if not path.name.startswith("."))

    def process_label(self, label: object) -> Text:
        """A name on one line, its control characters visible."""
        return Text(show_line(str(label)), no_wrap=True, overflow="ellipsis")


class Import(ModalScreen[Job | None]):
    """A path typed, dropped or picked; its preview; and the word to begin."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="import.cancel"),
        Binding("ctrl+s", "begin", "Import", id="import.begin"),
    ]

    def __init__(self, desk: Desk, settings: Settings, paths: Sequence[Path] = ()) -> None:
        super().__init__()
        self.desk, self.settings = desk, settings
        self.paths = tuple(paths)
        self.seen: Preview | None = None
        self._unnamed: set[str] = set()
        """Sources of which the person did not say who they are there."""

    def compose(self) -> ComposeResult:
        """Path, tree, preview, buttons."""
        with Vertical(classes="dialog page"):
            yield Static(Content.styled("Import files and folders", "bold"))
            yield Line(placeholder="Path; Enter shows what it would read", id="path", compact=True)
            with Horizontal(id="choosing"):
                yield Files(Path.home(), id="files")
                with VerticalScroll():
                    yield Static(
                        Content.styled(
                            "Exports of chats and assistants, Markdown notes, mail, calendars, "
                            "plain text: a file, a folder or a zip. Pick one beside, type a path "
                            "above, or drop one on it.",
                            DIM,
                        ),
                        id="preview",
                    )
            with Horizontal(classes="answers"):
                yield Button(Content("Import (^s)"), id="begin", variant="primary", disabled=True)
                yield Button(Content("Cancel (esc)"), id="cancel")

    def on_mount(self) -> None:
        """Show what was given already."""
        path = self.query_one("#path", Input)
        path.focus()
        if self.paths:
            path.value = (
                show_line(str(self.paths[0]))
                if len(self.paths) == 1
                else f"{len(self.paths)} paths"
            )
            self.look()

    @on(Input.Submitted, "#path")
    def _typed(self, event: Input.Submitted) -> None:
        text = event.value.strip().strip("'\"")
        if text:
            self.paths = (Path(text).expanduser(),)
            self.look()

    @on(DirectoryTree.FileSelected)
    @on(DirectoryTree.DirectorySelected)
    def _picked(self, event: DirectoryTree.FileSelected | DirectoryTree.DirectorySelected) -> None:
        self.query_one("#path", Input).value = show_line(str(event.path))
        self.paths = (event.path,)
        if isinstance(event, DirectoryTree.FileSelected):
            self.look()

    @work(exclusive=True, group="preview")
    async def look(self) -> None:
        """Read the files and show what is in them; nothing is stored."""
        shown, begin = self.query_one("#preview", Static), self.query_one("#begin", Button)
        begin.disabled = True
        shown.update(Content.styled("Looking…", DIM))
        paths = self.paths
        try:
            self.seen = await self.desk.read(lambda memory: preview(memory, paths, self.settings))
            if await self._ask_who(self.seen.asked):
                self.seen = await self.desk.read(
                    lambda memory: preview(memory, paths, self.settings)
                )
        except (MemoError, OSError) as error:
            self.seen = None
            shown.update(Content.styled(show_line(str(error)), "$text-error"))
            return
        shown.update(preview_content(self.seen, self.settings.zone))
        begin.disabled = not self.seen.new
        if self.seen.new:
            begin.focus()

    async def _ask_who(self, asked: Mapping[str, Sequence[str]]) -> bool:
        """Ask once a source who the person is in it; whether anything was answered.

        Raises:
            MemoError: The settings cannot be written.
        """
        answered = False
        for source, speakers in asked.items():
            if source in self._unnamed:
                continue
            ways = {str(n): show_line(name) for n, name in enumerate(speakers, start=1)}
            way = await self.app.push_screen_wait(
                Choose(
                    f"Who are you in {show_line(source)}? Only your words become facts then.",
                    {**ways, "0": "None of them: what everybody says of themselves counts"},
                )
            )
            if way is None:
                self._unnamed.add(source)
                continue
            name = speakers[int(way) - 1] if int(way) else ""
            save(self.settings, f"speakers.{source}", name)
            self.settings = replace(
                self.settings, speakers={**self.settings.speakers, source: name}
            )
            answered = True
        return answered

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Begin, or not."""
        self.action_begin() if event.button.id == "begin" else self.action_cancel()

    def action_begin(self) -> None:
        """Read them in the background."""
        if self.seen is not None and self.seen.new:
            self.dismiss(self.seen.job)

    def action_cancel(self) -> None:
        """Read nothing."""
        self.dismiss(None)
