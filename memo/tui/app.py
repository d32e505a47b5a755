"""The application: places as modes, keys that work everywhere, themes, and how it ends."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, work
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.keys import Keys

from memo.errors import MemoError
from memo.settings import asset, save
from memo.trust.keys import key_file, pending_file
from memo.tui import themes
from memo.tui.desk import Desk, Hand
from memo.tui.place import PLACES, MemoBase, PlaceTab
from memo.tui.reader import Job, Reader
from memo.tui.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.screen import Screen

    from memo.memory import Memory
    from memo.records import ChangeSet, FactId
    from memo.settings import Settings
    from memo.tui.place import Place
    from memo.tui.reader import Told

log = logging.getLogger(__name__)
_COLLECTING = (2_000, 20, 100)
"""When Python looks for garbage: seldom among all there is, which would hold a key for 0.15 s."""
_MUCH = 5
"""Looks among what is recent since the last among all, after which one among all is worth it."""
_REST_S = 2.0
"""How long nobody has touched anything when that is done."""
_SWITCH_S = 0.0005
"""How long another thread may keep this one from drawing; Python's own 5 ms add up to a stall."""


def _ask() -> Place:
    from memo.tui.ask import Ask  # noqa: PLC0415  # a screen is imported when first shown

    return Ask()


def _facts() -> Place:
    from memo.tui.facts import Facts  # noqa: PLC0415  # a screen is imported when first shown

    return Facts()


def _changes() -> Place:
    from memo.tui.changes import Changes  # noqa: PLC0415  # as above

    return Changes()


def _review() -> Place:
    from memo.tui.review import Review  # noqa: PLC0415  # as above

    return Review()


def _sources() -> Place:
    from memo.tui.sources import Sources  # noqa: PLC0415  # as above

    return Sources()


def _models() -> Place:
    from memo.tui.models import Models  # noqa: PLC0415  # as above

    return Models()


def _settings() -> Place:
    from memo.tui.choices import Choices  # noqa: PLC0415  # as above

    return Choices()


def _mend_alt() -> None:
    """Let Alt with a digit be the function key that goes to the same place.

    Terminals send Esc and the digit, which Textual takes for what a Mac's Option key types.
    """
    known = cast("dict[str, tuple[Keys, ...]]", ANSI_SEQUENCES_KEYS)
    for number in range(1, len(PLACES) + 1):
        known[f"\x1b{number}"] = (Keys(f"f{number + 1}"),)


def _layout() -> Path:
    """memo.tcss, in the installed wheel or in the checkout."""
    package = Path(__file__).parent.parent
    beside = package / "memo.tcss"
    return beside if beside.exists() else package.parent / "memo.tcss"


class MemoApp(MemoBase):
    """memo in a terminal."""

    TITLE = "memo"
    CSS_PATH = _layout()
    DEFAULT_MODE = "ask"
    MODES = {  # noqa: RUF012  # as Textual declares it
        "ask": _ask,
        "facts": _facts,
        "changes": _changes,
        "review": _review,
        "sources": _sources,
        "models": _models,
        "settings": _settings,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                f"{number},alt+{number},f{number + 1}",
                f"place('{name}')",
                f"Go to {title}",
                show=False,
                id=f"go.{name}",
            )
            for number, (name, title) in enumerate(PLACES.items(), 1)
        ),
        Binding("f1,question_mark", "help", "Help", key_display="F1", id="app.help"),
        Binding("ctrl+p", "command_palette", "Commands", key_display="^p", id="app.palette"),
        Binding("ctrl+g", "jump", "Jump", show=False, key_display="^g", id="app.jump"),
        Binding("u", "undo", "Undo", id="app.undo"),
        Binding("U,ctrl+y", "redo", "Redo", show=False, id="app.redo"),
        Binding("ctrl+q", "quit", "Quit", key_display="^q", priority=True, id="app.quit"),
    ]

    def __init__(
        self, settings: Settings, opened: Callable[[], Memory], *, welcome: bool = False
    ) -> None:
        """Prepare; the store is first opened when the first screen is drawn.

        Args:
            settings: The person's.
            opened: Gives the memory, once, in a thread: to import it takes longer than to draw.
            welcome: Begin with the choices of a first run.
        """
        _mend_alt()
        super().__init__()
        self._welcome = welcome
        self.settings = settings
        self.desk = Desk(opened)
        for theme in themes.OWN:
            self.register_theme(theme)
        self.theme = self._wanted_theme()
        self.stylesheet = Sheet(self.get_css_variables())
        self.set_keymap(dict(self.settings.keys))
        self._crash: str | None = None
        self._hand = Hand("read")
        self._collecting = gc.get_threshold()
        self._touched = 0.0
        """When the person last did something."""

    def _wanted_theme(self) -> str:
        wanted = self.settings.theme
        return wanted if wanted in self.available_themes else themes.DARK.name

    def on_mount(self) -> None:
        """Begin, after the passphrase of an encrypted store was given."""
        sys.setswitchinterval(_SWITCH_S)
        gc.set_threshold(*_COLLECTING)
        self.set_interval(_REST_S, self._collect)
        store = self.settings.store
        encrypted = key_file(store).exists() or pending_file(store).exists()
        if encrypted and self.desk.memory.holder.locked:
            self._unlock()
        else:
            self._begin()

    def on_unmount(self) -> None:
        """Leave Python as it was found."""
        gc.set_threshold(*self._collecting)

    async def on_event(self, event: events.Event) -> None:
        """Know when the person last did something."""
        if isinstance(event, events.InputEvent):
            self._touched = time.monotonic()
        await super().on_event(event)

    def _collect(self) -> None:
        """Look for garbage while nobody waits for a key."""
        if gc.get_count()[2] >= _MUCH and time.monotonic() - self._touched > _REST_S:
            gc.collect()

    @work(group="dialog")
    async def _unlock(self) -> None:
        from memo.tui.unlock import Unlock  # noqa: PLC0415  # as above

        if await self.push_screen_wait(Unlock()):
            self._begin()
        else:
            self.exit()

    def _begin(self) -> None:
        """Open the first place, and begin to read what is given."""
        self.reader = Reader(self.desk, self._hand, self._told)
        self._read_on()
        self.watch(self, "version", self.count_waiting, init=False)
        for look in (self.count_waiting, self._find_unread, self._hear):
            self.screen.call_after_refresh(look)  # what they tell needs a screen that is there
        self.watch(self, "theme", self._keep_theme, init=False)
        if self._welcome:
            self.screen.call_after_refresh(self.action_welcome)

    @work(group="dialog")
    async def action_welcome(self) -> None:
        """Ask what a first run asks."""
        from memo.tui.welcome import Welcome  # noqa: PLC0415  # as above

        way = await self.push_screen_wait(Welcome())
        if way == "import":
            self.open_import([])
        elif way == "demo":
            self._read_demo()

    @work(group="demo")
    async def _read_demo(self) -> None:
        """Read the bundled sample as its person."""
        from memo.tui.importing import preview  # noqa: PLC0415  # as above

        folder = asset("demo")
        settings = replace(self.settings, me="Nell", tz="Europe/London")
        paths = [folder / "chat.jsonl", folder / "notes"]
        try:
            seen = await self.desk.read(lambda memory: preview(memory, paths, settings))
        except MemoError as error:
            self.complain(error)
            return
        job = seen.job
        job.name = "Nell's chats and notes"
        self.reader.add(job)
        self.switch_mode("sources")

    @work(group="reader")
    async def _read_on(self) -> None:
        await self.reader.run()

    @work(group="unread")
    async def _find_unread(self) -> None:
        """Offer to read what was stored before and waits."""
        try:
            unread = await self.desk.look(lambda memory: memory.unread())
        except MemoError as error:
            self.complain(error)
            return
        if unread:
            from memo.memory import Run  # noqa: PLC0415  # its import waits for the first screen

            waiting = Job("Stored before", deque(), Run(unread), deque(unread), paused=True)
            self.reader.add(waiting)
            count = "1 document waits" if len(unread) == 1 else f"{len(unread)} documents wait"
            self.tell(f"{count} to be read: p in Sources begins.")

    @work(group="hear")
    async def _hear(self) -> None:
        """Tell what goes wrong beside what was asked for, such as a backup; any thread may warn."""

        def warn(text: str) -> None:
            with suppress(RuntimeError):  # the application has ended
                self.call_from_thread(self.tell, text, severity="warning")

        await self.desk.look(lambda memory: memory.backups.hear(warn))

    def _told(self, job: Job, outcome: Told) -> None:
        self.status = job.line if job.running else ""
        if outcome is not None or job.documents:
            self.changed()
        if isinstance(outcome, MemoError):
            self.tell(f"{outcome} The import waits.", severity="error")
        elif outcome is not None and not job.running:
            self.tell(f"{job.name}: {job.line}, {job.imported} new.")

    def count_waiting(self) -> None:
        """Look how many edits wait for review."""
        self._count()

    @work(exclusive=True, group="count")
    async def _count(self) -> None:
        try:
            self.waiting = await self.desk.look(lambda memory: memory.waiting())
        except MemoError as error:
            self.complain(error)

    def _keep_theme(self, theme: str) -> None:
        if theme != self._wanted_theme():
            self.choose("theme", theme)

    def choose(self, key: str, value: str) -> bool:
        """Write a setting; whether that was done."""
        try:
            save(self.settings, key, value)
        except MemoError as error:
            self.complain(error)
            return False
        chosen: dict[str, Any] = {key: value or None}
        self.settle(replace(self.settings, **chosen))
        return True

    # -- keys that work everywhere ---------------------------------------------------

    async def action_place(self, name: str) -> None:
        """Go to a place; who comes to the talk comes to write."""
        if len(self.screen_stack) == 1:
            await self.switch_mode(name)
            if name == "ask":
                await self.screen.run_action("write")

    def action_help(self) -> None:
        """Help for what has the focus, or away with it."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    @work(group="dialog")
    async def action_jump(self) -> None:
        """Put a letter on everything in sight; its key goes there."""
        from memo.tui.jump import Jump, targets  # noqa: PLC0415  # as above

        widget = await self.push_screen_wait(Jump(targets(self.screen)))
        if isinstance(widget, PlaceTab):
            await self.action_place(widget.place)
        elif widget is not None:
            widget.focus()

    @work(group="dialog")
    async def action_secure(self) -> None:
        """Encrypt the store, or change what opens it."""
        from memo.tui.securing import secure  # noqa: PLC0415  # as above

        await secure(self)

    def action_undo(self) -> None:
        """Take the last change back."""
        self._revert(lambda memory: memory.undo(), "U brings it back.")

    def action_redo(self) -> None:
        """Bring back what was taken back last."""
        self._revert(lambda memory: memory.redo(), "u takes it back.")

    @work(group="undo")
    async def _revert(self, call: Callable[[Memory], ChangeSet], then: str) -> None:
        try:
            change = await self.desk.look(call)
        except MemoError as error:
            self.complain(error)
            return
        self.changed(change)
        self.tell(f"{change.title}. {then}")

    @work(group="open")
    async def open_fact(self, fact: FactId) -> None:
        """Show a fact with its life."""
        from memo.tui.facts import Facts  # noqa: PLC0415  # as above

        await self.switch_mode("facts")
        if isinstance(self.screen, Facts):
            self.screen.open_fact(fact)

    @work(group="open")
    async def seek_facts(self, words: str) -> None:
        """Show the facts that hold these words."""
        from memo.tui.facts import Facts  # noqa: PLC0415  # as above

        await self.switch_mode("facts")
        if isinstance(self.screen, Facts):
            self.screen.seek(words)

    @work(group="open")
    async def open_import(self, paths: Sequence[Path]) -> None:
        """Show what an import of these would read."""
        from memo.tui.sources import Sources  # noqa: PLC0415  # as above

        await self.switch_mode("sources")
        if isinstance(self.screen, Sources):
            self.screen.open_import(paths)

    def read_note(self, text: str) -> None:
        """Read a text as a document, in the background."""
        from memo.memory import note  # noqa: PLC0415  # its import waits for the first screen

        documents = note(text, speaker=self.settings.me)
        self.reader.add(Job(documents[0].title, deque(documents)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything, for the command palette."""
        for name, title in PLACES.items():
            go = f"app.place('{name}')"
            yield SystemCommand(f"Go to {title}", f"The {title} screen", self._runs(go))
        done = {"app.palette"}
        for _, binding, enabled, _ in screen.active_bindings.values():
            own = binding.id and not binding.id.startswith(("go.", "rows."))
            if enabled and own and binding.id not in done:
                done.add(binding.id or "")
                key = self.get_key_display(binding)
                yield SystemCommand(binding.description, f"Key {key}", self._presses(binding.key))
        yield SystemCommand("Encryption", "Who can read your memory", self.action_secure)
        yield SystemCommand(
            "Theme", "Dark, light, high contrast, the terminal's own", self.action_change_theme
        )

    def _runs(self, action: str) -> Callable[[], Any]:
        return lambda: self.run_action(action)

    def _presses(self, key: str) -> Callable[[], Any]:
        return lambda: self.call_later(self.simulate_key, key)

    # -- the end ---------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """End without Textual's traceback, which prints local variables: a person's words."""
        kind, error, trace = sys.exc_info()
        frames = traceback.extract_tb(trace) if trace else []
        places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[-8:]]
        name = kind.__name__ if kind else "An unknown error"
        log.error("the application failed: %s at %s", name, places[-1].strip() if places else "?")
        self._crash = "\n".join([f"memo stopped at a fault of its own: {name}.", *places])
        del error
        self._exit_renderables.clear()
        self._close_messages_no_wait()

    @property
    def busy(self) -> bool:
        """Whether a thread is still at something that may run native code."""
        return self.desk.busy or self._hand.busy

    @property
    def crash(self) -> str | None:
        """What to say after a crash: where, and nothing of what was at hand."""
        return self._crash


def run(settings: Settings, opened: Callable[[], Memory]) -> int:
    """Open the application; the exit code."""
    app = MemoApp(settings, opened, welcome=not settings.store.exists())
    code = app.run()
    if app.crash is not None:
        sys.stderr.write(
            f"{app.crash}\nEverything that was stored is kept; `memo doctor` checks it.\n"
        )
        return MemoError.exit_code
    if app.busy:
        # A thread in native code would bring the interpreter down while it ends. What it was at
        # is not stored yet, or whole: the store outlasts any end.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code or 0)
    return code or 0


__all__ = ["MemoApp", "run"]
