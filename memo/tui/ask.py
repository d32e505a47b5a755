"""Ask: the conversation. What is asked is answered, what is told is remembered."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static, TextArea

from memo.answer import Question
from memo.errors import MemoError
from memo.memory import AlreadyKnown, Failed, note
from memo.records import Answer, ChangeSet
from memo.terminal import day
from memo.tui.composer import COMMANDS, Composer
from memo.tui.desk import Stream
from memo.tui.dialogs import Choose, Page
from memo.tui.exchange import ChangeLine, Exchange, Source
from memo.tui.place import Place
from memo.tui.text import DIM, change_content, one_line, word_diff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from memo.tui.reader import Outcome

_MOST_EXCHANGES = 60
"""Older ones leave the screen, so that a long day stays quick."""
_QUESTION = re.compile(
    r"\?\s*$|^(who|whose|whom|what|which|when|where|why|how|is|are|was|were|am|do|does|did|has|have|"
    r"had|can|could|will|would|should|may|might|list|show me|tell me)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def asked_and_told(text: str) -> tuple[str, str]:
    """The last question of a message, "" where it only tells; and what it tells, without them."""
    sentences = [one for one in _SENTENCE.split(text.strip()) if one.strip()]
    questions = [one for one in sentences if _QUESTION.search(one.strip())]
    told = [one for one in sentences if one not in questions]
    return (" ".join(questions), " ".join(told))


class Ask(Place):
    """The talk, and the line to write on."""

    PLACE = "ask"
    HELP = Composer.HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", key_display="esc", id="ask.stop"),
        Binding("ctrl+r", "private", "Private", key_display="^r", id="ask.private"),
        Binding("i,slash", "write", "Write", show=False, id="ask.write"),
        Binding("pageup", "scroll(-1)", "Page up", show=False, priority=True, id="ask.up"),
        Binding("pagedown", "scroll(1)", "Page down", show=False, priority=True, id="ask.down"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.private = False
        self._stream: Stream | None = None
        self._exchange: Exchange | None = None

    def body(self) -> Iterable[Widget]:
        """Talk above, composer below."""
        yield VerticalScroll(Static(_welcome(), id="welcome"), id="talk", can_focus=True)
        yield Vertical(Static(id="note"), Composer(), id="writing")

    def on_mount(self) -> None:
        """Begin to write."""
        self.query_one("#talk", VerticalScroll).anchor()
        self.watch(self.memo, "as_of", self._note)
        self.query_one(Composer).focus()

    def _note(self) -> None:
        """Say above the line what holds for it."""
        text = ""
        if self.private:
            text = "◌ PRIVATE: nothing you write here is remembered (ctrl+r ends it)"
        elif self.memo.as_of is not None:
            when = day(self.memo.as_of, self.tz)
            text = f"◷ asked as of {when}: nothing is remembered (/asof for today)"
        written = self.query_one(Composer).text
        if written.startswith("/"):
            fits = [n for n in COMMANDS if n.split()[0].startswith(written.split()[0])]
            text = "   ".join(f"{n}: {COMMANDS[n]}" for n in fits[:1]) or "no such command"
            if len(fits) > 1:
                text = "  ".join(name.split()[0] for name in fits)
        note = self.query_one("#note", Static)
        note.display = bool(text)
        note.update(Content(text))
        self.set_class(self.private, "-private")

    @on(TextArea.Changed, "#composer")
    def _written(self) -> None:
        self._note()

    # -- a message -------------------------------------------------------------------

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        if event.text.startswith("/"):
            self._command(event.text)
        else:
            self.say(event.text)

    @work(exclusive=True, group="say")
    async def say(self, text: str) -> None:
        """Answer what is asked, remember what is told."""
        question, told = asked_and_told(text)
        private = self.private or self.memo.as_of is not None
        exchange = Exchange(text)
        self._exchange = exchange
        await self._mount(exchange)
        if question and not await self._answer(exchange, question):
            self._return(text)
            return
        if not told:
            stopped = question and exchange.answer is None
            exchange.change_line.say("stopped" if stopped else "a question · nothing to remember")
        elif private:
            exchange.change_line.say("private · not remembered")
        else:
            self._remember(exchange, told, alone=not question)

    async def _mount(self, exchange: Exchange) -> None:
        talk = self.query_one("#talk", VerticalScroll)
        await talk.query("#welcome").remove()
        old = list(talk.query(Exchange))[: -_MOST_EXCHANGES + 1]
        for one in old:
            await one.remove()
        await talk.mount(exchange)
        talk.anchor()

    async def _answer(self, exchange: Exchange, question: str) -> bool:
        """Write the answer as it comes; False where there was none."""
        self._stream = stream = Stream()
        asked = Question(question, self.memo.as_of)
        writing = Markdown.get_stream(exchange.markdown)
        exchange.change_line.say("thinking… · esc stops")
        try:
            async for piece in self.memo.desk.stream(lambda memory: memory.ask(asked), stream):
                if isinstance(piece, Answer):
                    exchange.answer = piece
                else:
                    await writing.write(exchange.piece(piece))
        except MemoError as error:
            self.memo.complain(error)
            exchange.change_line.say("not answered")
            return bool(exchange.answered)
        finally:
            self._stream = None
            await writing.write(exchange.rest())
            await writing.stop()
        exchange.change_line.say("")
        if exchange.answer is not None:
            await exchange.conclude(exchange.answer, self.tz)
        elif stream.stopped:
            exchange.change_line.say("stopped")
            return bool(exchange.answered)
        return True

    def _return(self, text: str) -> None:
        """Give a message back that was not answered."""
        composer = self.query_one(Composer)
        if not composer.text.strip():
            composer.put(text)

    def _remember(self, exchange: Exchange, text: str, *, alone: bool) -> None:
        exchange.change_line.say("remembering…")
        self._keep(exchange, text, alone)

    @work(group="remember")
    async def _keep(self, exchange: Exchange, text: str, alone: bool) -> None:
        """Have it read, and show what came of it."""
        for document in note(text, speaker=self.memo.settings.me):
            outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            self.memo.reader.remember(document, outcome)
            try:
                result = await outcome
            except MemoError as error:
                self.memo.complain(error)
                exchange.change_line.say("not remembered")
                self._return(text)
                return
            if isinstance(result, Failed):
                self.memo.tell(result.reason, severity="error")
                exchange.change_line.say("not remembered")
            elif isinstance(result, AlreadyKnown):
                exchange.change_line.say("said before")
            else:
                exchange.change_line.show(result.change)
                if alone:
                    exchange.reply(_noted(result.change))
                self.memo.changed(result.change)

    # -- what is under a message -----------------------------------------------------

    @on(ChangeLine.Undone)
    def _undone(self, event: ChangeLine.Undone) -> None:
        self._take_back(event.line, event.change)

    @work(group="undo")
    async def _take_back(self, line: ChangeLine, change: ChangeSet) -> None:
        if await self.change(lambda memory: memory.undo(change.id)):
            found = await self.look(lambda memory: memory.change(change.id))
            if found is not None:
                line.show(found)

    @on(ChangeLine.Opened)
    def _details(self, event: ChangeLine.Opened) -> None:
        self.app.push_screen(Page("What changed", change_content(event.change, self.tz)))

    @on(Source.Opened)
    def _source(self, event: Source.Opened) -> None:
        self.memo.open_fact(event.fact)

    @on(Markdown.LinkClicked)
    def _cited(self, event: Markdown.LinkClicked) -> None:
        """A citation opens its fact; no other link does anything."""
        event.stop()
        number = event.href.removeprefix("cite:")
        for exchange in event.markdown.ancestors:
            if isinstance(exchange, Exchange) and exchange.answer is not None:
                for cited in exchange.answer.facts:
                    if event.href == f"cite:{cited.n}" and str(cited.n) == number:
                        self.memo.open_fact(cited.fact.id)

    # -- keys and commands -----------------------------------------------------------

    def action_stop(self) -> None:
        """Stop the answer; where there is none, leave the line."""
        if self._stream is not None:
            self._stream.stop()
        elif self.query_one(Composer).has_focus:
            self.query_one("#talk").focus()
        else:
            self.query_one(Composer).focus()

    def action_write(self) -> None:
        """Back to the line."""
        self.query_one(Composer).focus()

    def action_scroll(self, by: int) -> None:
        """The talk, whatever has the focus."""
        talk = self.query_one("#talk", VerticalScroll)
        talk.release_anchor() if by < 0 else None
        talk.scroll_relative(y=by * max(talk.size.height - 1, 1), animate=False)

    def action_private(self) -> None:
        """Remember nothing, or again."""
        self.private = not self.private
        self._note()

    @on(Composer.LongPaste)
    def _pasted(self, event: Composer.LongPaste) -> None:
        self._offer(event.text)

    @work(group="dialog")
    async def _offer(self, text: str) -> None:
        """A long text is rather a document than a message."""
        kilo = f"{len(text):,} characters were pasted."
        answer = await self.app.push_screen_wait(
            Choose(kilo, {"document": "Read as a document", "text": "Put into the message"})
        )
        if answer == "text":
            self.query_one(Composer).insert(text)
        elif answer == "document":
            self.memo.read_note(text)

    def _command(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        rest = rest.strip()
        match name:
            case "/private":
                self.action_private()
            case "/asof":
                self.memo.as_of = self.memo.day_of(rest)
            case "/facts":
                self.memo.seek_facts(rest)
            case "/import":
                self._import(rest)
            case "/undo":
                self.memo.action_undo()
            case "/clear":
                self.query(Exchange).remove()
            case "/help":
                self.memo.action_help()
            case "/quit":
                self.app.exit(0)
            case _:
                self.memo.tell(
                    f"{name} is no command; there are {', '.join(map(_name, COMMANDS))}."
                )
                self._return(text)

    def _import(self, rest: str) -> None:
        try:
            paths = [Path(one).expanduser() for one in shlex.split(rest)]
        except ValueError as error:
            self.memo.tell(f"{rest}: {error}.", severity="error")
            return
        if paths:
            self.memo.open_import(paths)
        else:
            self.memo.tell("Name what to read: /import PATH.")


def _name(command: str) -> str:
    return command.split()[0]


_REPLIES = {
    "add": "Noted: ",
    "rewrite": "Changed: ",
    "make_false": "No longer so: ",
    "reinforce": "As I knew: ",
    "uncertain": "Perhaps outdated now: ",
}


def _noted(change: ChangeSet) -> Content:
    """What memo says to somebody who only told it something."""
    lines = [
        Content.assemble(
            _REPLIES.get(edit.op, ""),
            word_diff(edit.text, edit.new_text) if edit.new_text else one_line(edit.text),
        )
        for edit in change.edits
    ]
    lines += [
        Content.assemble("For your review: ", one_line(held.new_text or held.text))
        for held in change.held
    ]
    return Content("\n").join(lines) if lines else Content("I have kept your words.")


def _welcome() -> Content:
    return Content.assemble(
        ("memo\n\n", "bold $primary"),
        "Tell me what happens in your life; I keep it true as it changes.\n",
        "Ask me, and I answer with what you told me.\n\n",
        ("Enter sends · Esc then 2 shows the facts · F1 help · ctrl+p all commands", DIM),
    )
