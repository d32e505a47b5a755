"""Who can read the store: encrypt it, change what opens it, write it in plain again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from memo.errors import MemoError
from memo.show import show_line
from memo.trust.keys import SHORT, key_file
from memo.tui.dialogs import Choose, Confirm
from memo.tui.text import DIM
from memo.tui.unlock import Unlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from memo.memory import Memory
    from memo.settings import Settings
    from memo.tui.place import MemoBase

T = TypeVar("T")
WAYS = {
    "passphrase": "Change the passphrase",
    "code": "New recovery code",
    "decrypt": "Turn off",
}
_ELSEWHERE = "Backups and exports that you made elsewhere are as they were: see to them."


def encrypted(settings: Settings) -> bool:
    """Whether a passphrase opens the store."""
    return key_file(settings.store).exists()


class NewPassphrase(ModalScreen[str | None]):
    """A passphrase, written twice; None where the person thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="passphrase.cancel")
    ]

    def __init__(self) -> None:
        super().__init__()
        self._short = ""
        """What was told to be short already: written once more, it is taken."""

    def compose(self) -> ComposeResult:
        """Two lines, whose letters are not shown."""
        with Vertical(classes="dialog secret"):
            yield Static(Content.styled("A passphrase for your memory", "bold $primary"))
            yield Static("It is asked for at every start. Several words are best.")
            yield Input(password=True, placeholder="New passphrase", id="new", compact=True)
            yield Input(password=True, placeholder="The same again", id="again", compact=True)
            yield Static(Content.styled("Enter goes on   Esc cancels", DIM), id="said")

    def on_mount(self) -> None:
        """Begin."""
        self.query_one("#new").focus()

    @on(Input.Submitted, "#new")
    def _written(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value:
            self._say("An empty passphrase protects nothing; give some words.")
        elif len(event.value) < SHORT and event.value != self._short:
            self._short = event.value
            self._say(
                "That is short: whoever has the disk can try many. Give several words, or press "
                "Enter to take it all the same."
            )
        else:
            self.query_one("#again").focus()

    @on(Input.Submitted, "#again")
    def _repeated(self, event: Input.Submitted) -> None:
        event.stop()
        new = self.query_one("#new", Input)
        if event.value != new.value or not event.value:
            self._say("The two differ; write both again.")
            new.value = event.input.value = ""
            new.focus()
        else:
            self.dismiss(event.value)

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Content.styled(text, "$text-error"))

    def action_cancel(self) -> None:
        """None."""
        self.dismiss(None)


class RecoveryCode(ModalScreen[None]):
    """The code, the only time; it goes when the person says that it is written down."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "written", "I have written it down", id="code.written"),
        Binding("escape,enter", "wait", show=False),
    ]

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def compose(self) -> ComposeResult:
        """The code, and what it is good for."""
        with Vertical(classes="dialog secret"):
            yield Static(Content.styled("Your recovery code", "bold $primary"))
            yield Static(
                "It opens your memory when the passphrase is lost. Write it down and keep it away "
                "from this machine: it is shown this once, and kept nowhere."
            )
            yield Static(Content.styled(self._code, "bold $text-warning"), id="code")
            yield Static(Content.styled("y  I have written it down", "bold"), id="said")

    def action_written(self) -> None:
        """Never shown again."""
        self.dismiss(None)

    def action_wait(self) -> None:
        """No other key takes it away."""
        self.query_one("#said", Static).update(
            Content.styled("Write it down first; then press y.", "$text-error")
        )


async def secure(memo: MemoBase) -> None:
    """Lead through encrypting the store, or through what can be changed where it is encrypted."""
    if not encrypted(memo.settings):
        await _encrypt(memo)
        return
    way = await memo.push_screen_wait(Choose("Your memory is encrypted.", WAYS))
    if way is None or not await memo.push_screen_wait(Unlock("What opens it now?", "cancels")):
        return
    if way == "passphrase":
        await _change(memo)
    elif way == "code":
        code = await _done(memo, lambda memory: memory.holder.change_code())
        if code is not None:
            await memo.push_screen_wait(RecoveryCode(code))
            memo.tell("The former recovery code opens nothing but older backups.")
    else:
        await _decrypt(memo)


async def _encrypt(memo: MemoBase) -> None:
    kept = await _done(memo, lambda memory: memory.former_stores())
    if kept is None:
        return
    if kept:
        names = ", ".join(show_line(path.name) for path in kept)
        question = Content(f"Earlier copies in plain would be deleted: {names}. Go on?")
        if not await memo.push_screen_wait(Confirm(question, "Delete them")):
            return
    passphrase = await memo.push_screen_wait(NewPassphrase())
    if passphrase is None:
        return
    memo.status = "encrypting…"
    code = await _done(memo, lambda memory: memory.encrypt(passphrase))
    memo.status = ""
    if code is not None:
        await memo.push_screen_wait(RecoveryCode(code))
        memo.tell(f"Your memory and its automatic backups are encrypted. {_ELSEWHERE}")


async def _change(memo: MemoBase) -> None:
    passphrase = await memo.push_screen_wait(NewPassphrase())
    if passphrase is None:
        return

    def change(memory: Memory) -> bool:
        memory.holder.change_passphrase(passphrase)
        return True

    if await _done(memo, change):
        memo.tell("The passphrase is changed. Older backups keep theirs.")


async def _decrypt(memo: MemoBase) -> None:
    question = Content("Write everything in plain, for whoever has this disk to read?")
    if not await memo.push_screen_wait(Confirm(question, "Turn off")):
        return

    def decrypt(memory: Memory) -> bool:
        memory.decrypt()
        return True

    memo.status = "decrypting…"
    if await _done(memo, decrypt):
        memo.tell("Your memory is not encrypted any more.")
    memo.status = ""


async def _done(memo: MemoBase, call: Callable[[Memory], T]) -> T | None:
    """What a call gives; None where it failed, which is then told."""
    try:
        return await memo.desk.read(call)
    except MemoError as error:
        memo.complain(error)
        return None
