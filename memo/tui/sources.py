"""Sources: what was read, what each document changed, and imports on their way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from memo.records import DocumentId, StoredDocument
from memo.show import counted, show_line
from memo.times import moment
from memo.tui.dialogs import Confirm, Page
from memo.tui.importing import Import, skipped_content
from memo.tui.place import Place
from memo.tui.reader import spoken
from memo.tui.rows import Rows
from memo.tui.text import DIM, change_content, document_row, one_line, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.widget import Widget

    from memo.records import ChangeSet, Passage
    from memo.tui.reader import Job


class Sources(Place):
    """Documents, beside each its words and its doings; below, the imports."""

    PLACE = "sources"
    HELP = (
        "# Sources\nEvery document that was read, with what it changed. `i` imports files and "
        "folders: you see what would be read before anything is. An import runs in the background; "
        "`p` pauses it, `x` ends it, `o` shows its report. First everything is stored, and can be "
        "found and cited; then it is read. What waits when memo is closed is offered when it is "
        "opened again: `p` begins.\n\n`Delete` forgets a document for good, after asking."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "import", "Import", id="sources.import"),
        Binding("p", "pause", "Pause", id="sources.pause"),
        Binding("x", "stop", "End import", id="sources.stop"),
        Binding("o", "report", "Report", id="sources.report"),
        Binding("delete", "forget", "Forget", id="sources.forget"),
    ]

    def body(self) -> Iterable[Widget]:
        """List, words, imports."""
        self.rows: Rows[StoredDocument] = Rows(
            lambda document, width: document_row(document, width, self.tz),
            id="sources-list",
            empty="Nothing was read yet: i imports.",
        )
        self.said, self.jobs = Static(id="said"), Static(id="jobs")
        said = VerticalScroll(self.said, classes="side", can_focus=True)
        yield Container(self.rows, said, classes="split")
        yield self.jobs

    def on_mount(self) -> None:
        """Follow the store and the imports."""
        self.watch(self.memo, "version", self.renew)
        self.watch(self.memo, "status", self._jobs)
        self.rows.focus()

    def renew(self) -> None:
        """Fetch the list anew."""
        self._list()
        self._jobs()

    @work(exclusive=True, group="list")
    async def _list(self) -> None:
        found = await self.look(lambda memory: memory.documents())
        if found is not None:
            self._documents = {one.id: one for one in found}
            self.rows.show([one.id for one in found])

    @on(Rows.Wanted)
    def _wanted(self, event: Rows.Wanted) -> None:
        here = {key: self._documents[DocumentId(key)] for key in event.keys}
        self.rows.fill(here)

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        self._words(event.key)

    @work(exclusive=True, group="words")
    async def _words(self, key: int | None) -> None:
        if key is None:
            self.said.update("")
            return
        found = await self.look(lambda memory: memory.document(DocumentId(key)))
        if found is not None:
            self.said.update(self._whole(*found))

    def _whole(
        self, document: StoredDocument, passages: Sequence[Passage], change: ChangeSet
    ) -> Content:
        head = change_content(change, self.tz)
        if document.unread:
            head = Content.styled("Waits to be read.", "$text-warning")
        lines = [
            head,
            Content.styled(f"\n{show_line(document.source)} · document {document.id}", DIM),
        ]
        for one in passages:
            speaker = one_line(f"{one.speaker}: " if one.speaker else "", "bold")
            lines.append(Content.assemble((f"{moment(one.at, self.tz)}  ", DIM), speaker))
            lines.append(plain(one.text))
        return Content("\n").join(lines)

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self.query_one(".side").focus()

    # -- imports ---------------------------------------------------------------------

    def _jobs(self) -> None:
        jobs = self.memo.reader.jobs
        self.jobs.display = bool(jobs)
        self.jobs.update(Content("\n").join([job_line(job) for job in jobs[-3:]]))

    def on_paste(self, event: events.Paste) -> None:
        """A path that is dropped on the terminal is typed into it."""
        text = event.text.strip().strip("'\"")
        if text and "\n" not in text:
            self.memo.open_import([Path(text).expanduser()])

    @work(group="dialog")
    async def action_import(self) -> None:
        """Choose what to read."""
        self.open_import([])

    @work(group="dialog")
    async def open_import(self, paths: Sequence[Path]) -> None:
        """Show what these would give, and read them if the person wants."""
        screen = Import(self.memo.desk, self.memo.settings, paths)
        job = await self.app.push_screen_wait(screen)
        if screen.settings is not self.memo.settings:
            self.memo.settle(screen.settings)
        if job is not None:
            self.memo.reader.add(job)

    def action_pause(self) -> None:
        """Pause the import that runs, or go on with it."""
        if (job := self.memo.reader.job) is not None:
            self.memo.reader.pause(job)

    def action_stop(self) -> None:
        """End the import that runs; what was read stays."""
        if (job := self.memo.reader.job) is not None:
            self.memo.reader.stop(job)
            rest = ", the others are stored and wait" if job.unread else ""
            self.memo.tell(f"{job.name} ended: {job.done} of {job.total} are read{rest}.")

    def action_report(self) -> None:
        """What the last import did, and what it could not read."""
        if not self.memo.reader.jobs:
            self.memo.tell("Nothing was imported since memo was opened.")
            return
        job = self.memo.reader.jobs[-1]
        new = job.total - job.known - len(job.failed)
        took = f", {spoken(job.elapsed_s)}" if job.imported or job.failed else ""
        lines = [
            Content(f"{new} new, {job.known} known already, {len(job.failed)} failed,"),
            Content(f"{counted(len(job.skipped), 'record')} skipped; {job.line}{took}."),
        ]
        lines += [skipped_content(one) for one in job.skipped]
        lines += [
            Content.assemble(("✗ ", "$text-error"), one_line(f"{one.document.key}: {one.reason}"))
            for one in job.failed
        ]
        self.app.push_screen(Page(job.name, Content("\n").join(lines)))

    @work(group="dialog")
    async def action_forget(self) -> None:
        """Leave no trace of a document, after asking."""
        document = self.rows.item
        if document is None:
            return
        question = Content.assemble(
            ("Forget this document for good?\n\n", "bold"),
            one_line(document.title or document.source),
            ("\n\nAll that it alone says goes too. ", DIM),
            ("This cannot be undone.", "$text-error"),
        )
        if await self.app.push_screen_wait(Confirm(question, "Forget it")) and await self.change(
            lambda memory: memory.forget_document(document.id)
        ):
            self.memo.tell("Forgotten.")


def job_line(job: Job) -> Content:
    """An import on one line: bar, sums, rate, time left."""
    share = job.done / job.total if job.total else 1.0
    bar = "█" * round(share * 12) + "░" * (12 - round(share * 12))
    read = job.imported + len(job.failed)
    rate = f" · {60 * read / job.elapsed_s:.1f} a minute" if job.elapsed_s else ""
    missed = len(job.failed) + len(job.skipped)
    return Content.assemble(
        (f" {bar} ", "$primary"),
        one_line(job.name, "bold"),
        f"  {job.line}{rate}",
        (f" · {missed} not read (o)" if missed else "", "$text-warning"),
    )
