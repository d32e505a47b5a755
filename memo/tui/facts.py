"""Facts: what is known, searched as one types, beside it the life of each, on any day."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from memo.errors import MemoError
from memo.records import Fact, FactId, State
from memo.show import show_line
from memo.tui.dialogs import Ask, Confirm, Line, Merge, Page
from memo.tui.place import Place
from memo.tui.rows import Rows
from memo.tui.text import DIM, fact_row, one_line, plain, quoted
from memo.tui.timeline import Timeline, life_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from memo.memory import Memory
    from memo.records import DocumentId

_STATES: tuple[State | None, ...] = (State.CURRENT, State.PAST, State.UNCERTAIN, None)
_ORDERS = ("newest", "oldest", "a to z")
_ALIKE = 8
"""How many facts of like meaning are added at most."""
_FIRST = 60
"""How many facts come with the ids: what a screen shows."""
_TOGETHER_S = 0.03
"""Keys that are as close as this make one search."""
_SETTLED_S = 0.06
"""How long the cursor must rest before the life of its fact is fetched."""
_MEANING_AFTER_S = 0.35
"""How long a person must pause before facts of like meaning are sought too."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the list is asked for."""

    words: str = ""
    state: int = 0
    order: int = 0


class Facts(Place):
    """The list, the search above it, the timeline beside it."""

    PLACE = "facts"
    AUTO_FOCUS = "#facts-list"
    """Not the search: a key that comes early is a command."""
    HELP = (
        "# Facts\nWhat memo holds true, held true, or doubts. `/` searches, `f` goes from current "
        "to past, uncertain and all, `s` sorts.\n\n`[` and `]` go to the day before or after at "
        "which anything changed, `t` to any day; everything then shows what was known that day."
        "\n\n`e` puts your own words in a fact's place, `p` keeps it from being changed. `Space` "
        "marks facts that say the same, `m` merges them into one sentence. `u` takes the last "
        "change back. `Delete` forgets for good, after asking."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", priority=True, id="facts.search"),
        Binding("f", "filter", "Filter", id="facts.filter"),
        Binding("left_square_bracket", "step(-1)", "Earlier", key_display="[", id="facts.earlier"),
        Binding("right_square_bracket", "step(1)", "Later", key_display="]", id="facts.later"),
        Binding("t", "day", "Day", id="facts.day"),
        Binding("e", "edit", "Edit", id="facts.edit"),
        Binding("delete", "forget", "Forget", id="facts.forget"),
        Binding("p", "pin", "Pin", id="facts.pin"),
        Binding("space", "mark", "Mark", show=False, id="facts.mark"),
        Binding("m", "merge", "Merge", id="facts.merge"),
        Binding("s", "sort", "Sort", id="facts.sort"),
        Binding("c", "copy", "Copy", show=False, id="facts.copy"),
        Binding("escape", "back", "Back", show=False, id="facts.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown = _Shown()
        self._days: list[datetime] | None = None
        """The ends of those at which anything changed; None where they are not known."""
        self._ready = asyncio.Event()

    def body(self) -> Iterable[Widget]:
        """Search, list, timeline."""
        self.filter, self.timeline = Static(id="filter"), Timeline(id="timeline")
        yield Horizontal(
            Line(placeholder="Search", id="query", compact=True),
            self.filter,
            id="facts-top",
        )
        self.rows: Rows[Fact] = Rows(
            lambda fact, width: fact_row(fact, width, self.tz), id="facts-list", empty="No facts."
        )
        yield Container(self.rows, self.timeline, id="facts-body")

    def on_mount(self) -> None:
        """Follow the store and the day."""
        self.watch(self.memo, "version", self._renew)
        self.watch(self.memo, "as_of", self._other_day)
        self.rows.focus()
        self._ready.set()

    def _renew(self) -> None:
        self._days = None
        self.refresh_list()

    def _other_day(self) -> None:
        self.refresh_list()

    # -- the list --------------------------------------------------------------------

    @work(group="open")
    async def seek(self, words: str) -> None:
        """Search for these."""
        await self._ready.wait()
        self.query_one("#query", Input).value = show_line(words)

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        self._shown = _Shown(event.value, self._shown.state, self._shown.order)
        self.refresh_list()

    @on(Input.Submitted, "#query")
    def _entered(self) -> None:
        self.rows.focus()

    @work(exclusive=True, group="facts")
    async def refresh_list(self) -> None:
        """Fetch the list anew, in place of any fetch on its way."""
        await self._list()

    async def _list(self) -> None:
        """Fetch ids and the first facts; after a pause in typing, those of like meaning too."""
        shown, when = self._shown, self.memo.as_of
        state, order = _STATES[shown.state], _ORDERS[shown.order]
        await asyncio.sleep(_TOGETHER_S)

        def found(memory: Memory) -> tuple[list[FactId], list[Fact]]:
            ids = memory.fact_ids(shown.words, state=state, as_of=when, order=order)
            return ids, memory.facts_by_id(ids[:_FIRST], when)

        both = await self.look(found)
        if both is None:
            return
        ids, first = both
        self.rows.empty = self._empty()
        self.rows.show(ids, {fact.id: fact for fact in first})
        self._head(len(ids))
        if shown.words.strip():
            await asyncio.sleep(_MEANING_AFTER_S)
            near = await self.look(
                lambda m: m.facts(shown.words, state=state, as_of=when, limit=_ALIKE)
            )
            here = set(ids)
            more = [fact.id for fact in near or () if fact.id not in here]
            if more:
                self.rows.show([*ids, *more])
                self._head(len(ids), len(more))

    def _head(self, count: int, near: int = 0) -> None:
        state = _STATES[self._shown.state]
        names = [one.value if one else "all" for one in _STATES]
        parts = [
            Content.styled(f" {name} ", "reverse bold" if one is state else DIM)
            for one, name in zip(_STATES, names, strict=True)
        ]
        if self.size.width < 76:
            parts = [Content.styled(f" {state.value if state else 'all'} ", "reverse bold")]
        number = f"{count:,}" + (f" +{near} alike" if near else "")
        order = _ORDERS[self._shown.order]
        self.filter.update(Content.assemble(*parts, (f"  {order} · {number}", DIM)))

    @on(Rows.Wanted)
    def _wanted(self, event: Rows.Wanted) -> None:
        self._fetch([FactId(key) for key in event.keys])

    @work(group="rows")
    async def _fetch(self, ids: list[FactId]) -> None:
        when = self.memo.as_of
        found = await self.look(lambda memory: memory.facts_by_id(ids, when))
        if found is not None and when == self.memo.as_of:
            self.rows.fill({fact.id: fact for fact in found})

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        self._show_life(event.key)

    @work(exclusive=True, group="life")
    async def _show_life(self, key: int | None) -> None:
        if key is None:
            self.timeline.show(None, self.tz)
            return
        await asyncio.sleep(_SETTLED_S)
        when = self.memo.as_of
        life = await self.look(lambda memory: life_of(memory, FactId(key), when))
        if life is not None:
            self.timeline.show(life, self.tz)

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self.timeline.focus()

    @on(Timeline.Other)
    def _other(self, event: Timeline.Other) -> None:
        self.open_fact(event.fact)

    @work(group="open")
    async def open_fact(self, fact: FactId) -> None:
        """Put the cursor on a fact, in whatever state it is."""
        await self._ready.wait()
        if fact not in self.rows.keys:
            self._shown = _Shown("", len(_STATES) - 1, self._shown.order)
            with self.prevent(Input.Changed):
                self.query_one("#query", Input).value = ""
            self.workers.cancel_group(self, "facts")
            await self._list()
        self.rows.go(fact)
        self.rows.focus()

    @on(Timeline.Document)
    def _document(self, event: Timeline.Document) -> None:
        self.open_document(event.document, event.quote)

    @work(group="open")
    async def open_document(self, document: DocumentId, quote: str | None = None) -> None:
        """A document with the words that count set off."""
        found = await self.look(lambda memory: memory.document(document))
        if found is None:
            return
        stored, passages, _ = found
        lines = []
        for one in passages:
            speaker = one_line(f"{one.speaker}: " if one.speaker else "", "bold")
            lines.append(speaker + quoted(one.text, quote))
        self.app.push_screen(Page(stored.title or stored.source, Content("\n").join(lines)))

    def _empty(self) -> str:
        """What is said where there is nothing to list, and what to do about it."""
        state = _STATES[self._shown.state]
        if self._shown.words:
            return "No fact fits. Esc ends the search, f looks among others."
        if self.memo.as_of is not None:
            return "No such fact was known that day. ] goes on, Esc returns to today."
        if state is None or state is State.CURRENT:
            return "No facts yet: tell memo something."
        return f"No fact is {state.value}. f shows others."

    # -- keys ------------------------------------------------------------------------

    def action_search(self) -> None:
        """Into the search line, and at once: the next key may be on its way."""
        self.set_focus(self.query_one("#query"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the search line a slash is written."""
        return action != "search" or not isinstance(self.focused, Input)

    def action_filter(self) -> None:
        """The next state."""
        self._shown = _Shown(
            self._shown.words, (self._shown.state + 1) % len(_STATES), self._shown.order
        )
        self.refresh_list()

    def action_sort(self) -> None:
        """The next order."""
        self._shown = _Shown(
            self._shown.words, self._shown.state, (self._shown.order + 1) % len(_ORDERS)
        )
        self.refresh_list()

    def on_click(self, event: object) -> None:
        """A click on the filter is the next state."""
        if getattr(event, "widget", None) is self.filter:
            self.action_filter()

    def action_back(self) -> None:
        """From timeline to list, out of the search, back to today: the nearest of them."""
        query = self.query_one("#query", Input)
        if self.focused is not self.rows:
            self.rows.focus()
        elif query.value:
            query.value = ""
        elif self.rows.marked:
            self.rows.marked.clear()
            self.rows.refresh()
        elif self.memo.as_of is not None:
            self.memo.as_of = None

    @work(group="step")
    async def action_step(self, by: int) -> None:
        """The day before or after at which anything changed."""
        if self._days is None:
            self._days = await self.look(
                lambda memory: sorted({self._end_of(when) for when in memory.event_times()})
            )
        now, ends = self.memo.as_of, self._days or []
        if by < 0:
            before = [end for end in ends if end < (now or self._end_of(datetime.now(UTC)))]
            if now is None and before:
                before = before[:-1] or before  # the last state is the one of today
            if before:
                self.memo.as_of = before[-1]
            else:
                self.memo.tell("Nothing was known before that day.")
        elif now is not None:
            self.memo.as_of = next((end for end in ends[:-1] if end > now), None)

    def _end_of(self, when: datetime) -> datetime:
        here = when.astimezone(self.tz)
        return datetime.combine(here.date(), time(23, 59, 59), here.tzinfo).astimezone(UTC)

    @work(group="dialog")
    async def action_day(self) -> None:
        """Any day; asked again for what is none."""
        text, hint = "", "2024-03-01, March 2024, last March, 2 weeks ago"
        while True:
            given = await self.app.push_screen_wait(Ask("Show what was known on", text, hint))
            if given is None:
                return
            try:
                self.memo.as_of = self.memo.day_of(given)
            except MemoError as error:
                text, hint = given, show_line(str(error))
            else:
                return

    def _fact(self) -> Fact | None:
        """The fact under the cursor, where it may be changed: not in the past."""
        if self.memo.as_of is not None:
            self.memo.tell("The past cannot be changed: Esc goes back to today.")
            return None
        return self.rows.item

    @work(group="dialog")
    async def action_edit(self) -> None:
        """The person's own words in its place."""
        if (fact := self._fact()) is None:
            return
        text = await self.app.push_screen_wait(Ask("In your words", fact.text))
        if (
            text
            and text != fact.text
            and await self.change(lambda memory: memory.edit(fact.id, text), thinks=True)
        ):
            self.memo.tell("Your words stand in its place now; u takes that back.")

    def action_mark(self) -> None:
        """Mark this one and go to the next."""
        self.rows.toggle_mark()
        self.rows.action_move(1)

    @work(group="dialog")
    async def action_merge(self) -> None:
        """One sentence in the place of those that are marked."""
        if self._fact() is None:
            return
        marked = [FactId(key) for key in self.rows.keys if key in self.rows.marked]
        if len(marked) < 2:
            self.memo.tell("Mark two facts or more with Space, then m merges them.")
            return
        facts = await self.look(lambda memory: memory.facts_by_id(marked))
        if not facts:
            return
        text = await self.app.push_screen_wait(Merge([fact.text for fact in facts]))
        if text and await self.change(lambda memory: memory.merge(marked, text), thinks=True):
            self.rows.marked.clear()
            self.memo.tell(f"One sentence stands for {len(facts)} now; u takes that back.")

    @work(group="dialog")
    async def action_pin(self) -> None:
        """Keep it from being changed, or let it go again."""
        if (fact := self._fact()) is None:
            return
        if await self.change(lambda memory: memory.pin(fact.id, not fact.pinned)):
            self.memo.tell("Unpinned." if fact.pinned else "Pinned: nothing read changes it.")

    @work(group="dialog")
    async def action_forget(self) -> None:
        """Leave no trace of it, after asking."""
        if (fact := self._fact()) is None:
            return
        question = Content.assemble(
            ("Forget this for good?\n\n", "bold"),
            plain(fact.text),
            ("\n\nIts sentences go too, and an import does not bring it back. ", DIM),
            ("This cannot be undone.", "$text-error"),
        )
        if await self.app.push_screen_wait(Confirm(question, "Forget it")) and await self.change(
            lambda memory: memory.forget_fact(fact.id), thinks=True
        ):
            self.memo.tell("Forgotten.")

    def action_copy(self) -> None:
        """The sentence, into the clipboard."""
        if self.rows.item is not None:
            self.app.copy_to_clipboard(self.rows.item.text)
            self.memo.tell("Copied.")
