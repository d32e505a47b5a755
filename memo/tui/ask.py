"""Ask: the conversation. What is asked is answered, what is told is remembered."""

from __future__ import annotations

import asyncio
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from memo.errors import MemoError, NotKnown, Stopped
from memo.times import day
from memo.tui.composer import COMMANDS, Composer
from memo.tui.desk import Stream
from memo.tui.exchange import ChangeLine, Exchange, Source
from memo.tui.place import Place
from memo.tui.talk import MOST_EXCHANGES, Talk
from memo.tui.text import DIM, change_content

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget
    from textual.widgets import Markdown

    from memo.records import ChangeSet, ConversationId, KeptExchange

_AT_ONCE = 6
"""Exchanges of a resumed conversation that are put on the screen together: a page or two."""
_LAST_WORDS_S = 2.0
"""For what was said to be drawn, when an answer ends."""
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
        Binding(
            "ctrl+o", "conversations", "Conversations", key_display="^o", id="ask.conversations"
        ),
        Binding("ctrl+n", "new", "New", key_display="^n", show=False, id="ask.new"),
        Binding(
            "ctrl+e",
            "editor",
            "$EDITOR",
            key_display="^e",
            show=False,
            priority=True,
            id="ask.editor",
        ),
        Binding("i,slash", "write", "Write", show=False, id="ask.write"),
        Binding("u", "undo", "Undo", id="ask.undo"),
        Binding("enter", "details", "Details", show=False, id="ask.details"),
        Binding("pageup", "scroll(-1)", "Page up", show=False, priority=True, id="ask.up"),
        Binding("pagedown", "scroll(1)", "Page down", show=False, priority=True, id="ask.down"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.private = False
        self._stream: Stream | None = None
        self._conversation: ConversationId | None = None
        """That which is gone on with; None before anything is kept of it."""

    def body(self) -> Iterable[Widget]:
        """Talk above, composer below."""
        yield Talk(_welcome())
        yield Vertical(Static(id="note"), Composer(), id="writing")

    def on_mount(self) -> None:
        """Begin to write."""
        self.watch(self.memo, "as_of", self._note)
        self.watch(self.memo, "gone", self._forgotten, init=False)
        self.watch(self.memo, "version", self._changed, init=False)
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
        if note.visual != (said := Content(text)):  # an update lays out the screen
            note.update(said)
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
        """Answer what is asked, remember what is told, and keep both but for what is private."""
        question, told = asked_and_told(text)
        private = self.private or self.memo.as_of is not None
        exchange = Exchange(text)
        await self.query_one(Talk).add(exchange)
        if not private:
            begun = await self.look(lambda m: m.conversations.begin(text, self._conversation))
            if begun is not None:
                self._conversation, exchange.kept = begun
        answered = not question
        try:
            answered = answered or await self._answer(exchange, question)
        finally:  # another message ends the answer to this one
            words = "" if answered else exchange.change_line.words
            if question and answered and not told:
                words = "a question · nothing to remember" if exchange.answer else "stopped"
            elif answered and told and private:
                words = "private · not remembered"
            exchange.change_line.say(words)
            exchange.settled = True
            if question:
                self._keep_answer(exchange, words)
        if not answered:
            self._return(text)
        elif told and not private:
            self._remember(exchange, told, alone=not question)

    async def _answer(self, exchange: Exchange, question: str) -> bool:
        """Write the answer as it comes; False where there was none."""
        from memo.answer import Question  # noqa: PLC0415  # its import waits for the first screen
        from memo.records import Answer  # noqa: PLC0415  # as above

        self._stream = stream = Stream()
        asked = Question(question, self.memo.as_of)
        writing = exchange.text.get_stream(exchange.text)
        exchange.change_line.say("thinking… · esc stops")
        try:
            async for piece in self.memo.desk.stream(lambda memory: memory.ask(asked), stream):
                if isinstance(piece, Answer):
                    await exchange.conclude(piece, self.tz)
                else:
                    await writing.write(exchange.piece(piece))
        except MemoError as error:
            self.memo.complain(error)
            exchange.change_line.say("broken off" if exchange.answered else "not answered")
            return False
        except asyncio.CancelledError:
            exchange.change_line.say("stopped")
            raise
        finally:
            stream.stop()
            self._stream = None
            with suppress(TimeoutError):  # on a screen that closes, nothing is drawn any more
                await asyncio.wait_for(writing.stop(), _LAST_WORDS_S)
        if exchange.answer is None:
            exchange.change_line.say("stopped")
            return bool(exchange.answered)
        return True

    @work(group="keep")
    async def _keep_answer(self, exchange: Exchange, words: str) -> None:
        kept = exchange.kept
        if kept is not None:
            said = exchange.answered, exchange.answer
            await self.look(lambda memory: memory.conversations.answered(kept, *said, words))

    def _return(self, text: str) -> None:
        """Give a message back that was not answered."""
        composer = self.query_one(Composer)
        if not composer.text.strip():
            composer.put(text)

    @work(group="remember")
    async def _remember(self, exchange: Exchange, text: str, *, alone: bool) -> None:
        """Have it read, and show what came of it, as far as that was not stopped."""
        from memo.memory import AlreadyKnown, Failed, note  # noqa: PLC0415  # as above

        documents = note(text, speaker=self.memo.settings.me)
        exchange.reading, exchange.settled = Stream(), False
        exchange.change_line.say("remembering… · esc stops")
        changes: list[ChangeSet] = []
        words = ""
        for number, document in enumerate(documents):
            try:
                result = await self.memo.reader.remember(document, exchange.reading)
                if isinstance(result, Failed):
                    raise MemoError(result.reason)
            except MemoError as error:
                words = "stopped · not remembered"
                if not isinstance(error, Stopped):
                    self.memo.complain(error)
                    words = "not remembered"
                if number:
                    words = f"{number} of {len(documents)} parts are remembered, the rest is not"
                rest = [one.text for part in documents[number:] for one in part.messages]
                self._return("\n".join(rest) if number else text)
                break
            if isinstance(result, AlreadyKnown):
                words = "said before"
            else:
                changes.append(result.change)
                if alone:
                    exchange.reply(result.change)
                self.memo.changed(result.change)
        exchange.reading, exchange.settled = None, True
        if changes:
            exchange.change_line.show(changes[-1], words)
        else:
            exchange.change_line.say(words)
        kept, ids = exchange.kept, [change.id for change in changes]
        if kept is not None:
            await self.look(lambda memory: memory.conversations.remembered(kept, words, ids))

    # -- conversations ---------------------------------------------------------------

    @work(group="dialog")
    async def action_conversations(self) -> None:
        """Choose one to go on with."""
        from memo.tui.conversations import Conversations  # noqa: PLC0415  # as above

        chosen = await self.app.push_screen_wait(Conversations())
        if chosen is not None:
            self.resume(chosen)

    @work(exclusive=True, group="say")
    async def resume(self, conversation: ConversationId) -> None:
        """Show a conversation as it was kept, and go on with it."""
        try:
            kept = await self.memo.desk.look(lambda m: m.conversations.exchanges(conversation))
        except NotKnown:  # deleted, or all of it forgotten
            self.action_new()
            return
        except MemoError as error:
            self.memo.complain(error)
            return
        self._conversation = conversation
        self.workers.cancel_group(self, "older")
        await self.query_one(Talk).empty()
        composer = self.query_one(Composer)
        composer.sent = [one.said for one in kept]
        composer.focus()
        await self._restore(kept[-_AT_ONCE:])
        self._restore_older(kept[-MOST_EXCHANGES:-_AT_ONCE])

    @work(group="older")
    async def _restore_older(self, kept: list[KeptExchange]) -> None:
        """Go on upwards, a few at a time: keys come between."""
        for end in range(len(kept), 0, -_AT_ONCE):
            await self._restore(kept[max(end - _AT_ONCE, 0) : end])

    async def _restore(self, kept: list[KeptExchange]) -> None:
        """Show some above the others as they were."""
        exchanges = [Exchange(one.said) for one in kept]
        await self.query_one(Talk).add_above(*exchanges)
        for exchange, one in zip(exchanges, kept, strict=True):
            await exchange.restore(one, self.tz)

    def action_new(self) -> None:
        """Begin anew; what was said is kept."""
        for group in ("say", "older"):
            self.workers.cancel_group(self, group)
        self._conversation = None
        self.query_one(Composer).sent = []
        self.query_one(Talk).begin()

    def _forgotten(self) -> None:
        """Show of this conversation what is still kept: nothing forgotten stays on the screen."""
        if self._conversation is not None:
            self.resume(self._conversation)
        elif self.query(Exchange):
            self.action_new()

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

    def action_undo(self) -> None:
        """Take back what was said last; where nothing was, the last change of all."""
        for line in reversed(self.query(ChangeLine)):
            if line.change is not None and not line.change.undone:
                self._take_back(line, line.change)
                return
        self.memo.action_undo()

    def action_details(self) -> None:
        """What the last message changed."""
        for line in reversed(self.query(ChangeLine)):
            if line.change is not None:
                line.action_open()
                return

    def _changed(self) -> None:
        self._look_again()

    @work(exclusive=True, group="again")
    async def _look_again(self) -> None:
        """Say of what was taken back or brought back elsewhere that it was."""
        lines = {line: line.change for line in self.query(ChangeLine) if line.change is not None}
        found = await self.look(lambda m: {c.id: m.change(c.id) for c in lines.values()})
        for line, change in lines.items():
            now = (found or {}).get(change.id)
            if now is not None and now.undone != change.undone and line.change is change:
                line.show(now, line.words)

    @on(ChangeLine.Opened)
    def _details(self, event: ChangeLine.Opened) -> None:
        from memo.tui.dialogs import Page  # noqa: PLC0415  # as above

        self.app.push_screen(Page("What changed", change_content(event.change, self.tz)))

    @on(Source.Opened)
    def _source(self, event: Source.Opened) -> None:
        self.memo.open_fact(event.fact)

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """A citation opens its fact; no other link does anything."""
        event.stop()
        for exchange in event.markdown.ancestors:
            if isinstance(exchange, Exchange) and (fact := exchange.cited(event.href)) is not None:
                self.memo.open_fact(fact)

    # -- keys and commands -----------------------------------------------------------

    def action_stop(self) -> None:
        """Stop the answer, else the reading of what was told; where there is neither, leave."""
        reading = [one for one in self.query(Exchange) if one.reading is not None]
        if self._stream is not None:
            self._stream.stop()
        elif reading:
            for exchange in reading:
                if exchange.reading is not None:
                    exchange.reading.stop()
                exchange.change_line.say("stopping…")
            self.memo.reader.let_go()
        elif self.query_one(Composer).has_focus:
            self.query_one(Talk).focus()
        else:
            self.query_one(Composer).focus()

    def action_write(self) -> None:
        """Back to the line."""
        self.query_one(Composer).focus()

    def action_editor(self) -> None:
        """Go on with the message in the editor of the person's choice."""
        from memo.tui.dialogs import in_editor  # noqa: PLC0415  # as above

        composer = self.query_one(Composer)
        edited = in_editor(self, composer.text)
        if edited is not None:
            composer.put(edited.strip())
            composer.focus()

    def action_scroll(self, by: int) -> None:
        """The talk, whatever has the focus."""
        talk = self.query_one(Talk)
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
        from memo.tui.dialogs import Choose  # noqa: PLC0415  # as above

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
                try:
                    self.memo.as_of = self.memo.day_of(rest)
                except MemoError as error:
                    self.memo.complain(error)
            case "/facts":
                self.memo.seek_facts(rest)
            case "/import":
                self._import(rest)
            case "/undo":
                self.memo.action_undo()
            case "/new":
                self.action_new()
            case "/resume":
                self.action_conversations()
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


def _welcome() -> Content:
    return Content.assemble(
        ("memo\n\n", "bold $primary"),
        "Tell me what happens in your life; I keep it true as it changes.\n",
        "Ask me, and I answer with what you told me.\n\n",
        ("Enter sends · Esc then 2 shows the facts · F1 help · ^p all commands\n", DIM),
        ("^o goes on with an earlier conversation", DIM),
    )
