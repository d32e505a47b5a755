"""Records as styled text: whatever a person, a file or a model wrote passes `show` here.

`Content` is never made from markup, so brackets in it mean nothing. What a colour says, a mark or
a word says too.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from textual.content import Content

from memo.show import show, show_line
from memo.times import day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo

    from memo.records import Answer, ChangeSet, EditRecord, Fact, FactId, StoredDocument

DIM = "$foreground 60%"
MARKS = {
    "add": ("+", "$text-success"),
    "reinforce": ("=", "$text-primary"),
    "make_false": ("✗", "$text-error"),
    "rewrite": ("~", "$text-warning"),
    "uncertain": ("?", "$text-accent"),
    "pin": ("*", "$text-primary"),
    "unpin": ("*", "$text-primary"),
}
STATE_MARKS = {
    "current": ("●", "$text-success"),
    "past": ("○", DIM),
    "uncertain": ("?", "$text-accent"),
}


def plain(text: str, style: str = "") -> Content:
    """Any text, its lines kept."""
    return Content.styled(show(text), style)


def one_line(text: str, style: str = "") -> Content:
    """Any text, on one line."""
    return Content.styled(show_line(text), style)


def fitted(content: Content, width: int) -> Content:
    """Exactly that many columns, with an ellipsis where something is missing."""
    width = max(width, 0)
    return content.truncate(width, ellipsis=True, pad=True)


def fact_row(fact: Fact, width: int, tz: tzinfo | None) -> Content:
    """A fact on one line: state, pin, sentence, since when."""
    mark, colour = STATE_MARKS[fact.state]
    style = {"past": f"{DIM} italic", "uncertain": "italic"}.get(fact.state, "")
    pin = "*" if fact.pinned else " "
    dates = fact_dates(fact, tz) if width >= 64 else day(fact.since, tz)
    right = Content.styled(f" {dates}", DIM) if width >= 40 else Content("")
    text = one_line(fact.text, style)
    return Content.assemble(
        (f"{mark}", colour),
        (pin, "$text-primary bold"),
        " ",
        fitted(text, width - 3 - right.cell_length),
        right,
    )


def fact_dates(fact: Fact, tz: tzinfo | None) -> str:
    """Since when, and until when."""
    since = day(fact.since, tz)
    if fact.until is None:
        return since
    word = "?" if fact.state == "uncertain" else "–"  # noqa: RUF001  # a range
    return f"{since} {word} {day(fact.until, tz)}"


def tally(change: ChangeSet) -> Content:
    """What a change set did, in a few marks: `+2 ~1 ✗1`."""
    counts: dict[str, int] = {}
    for edit in change.edits:
        counts[edit.op] = counts.get(edit.op, 0) + 1
    parts: list[Content] = []
    for op, (mark, colour) in MARKS.items():
        if op in counts:
            parts.append(Content.styled(f"{mark}{counts[op]}", colour))
    if change.held:
        parts.append(Content.styled(f"{len(change.held)} to review", "$text-warning"))
    if not parts and change.kind == "document":
        return Content.styled("nothing to note", DIM)
    return Content(" ").join(parts)


def change_row(change: ChangeSet, width: int, tz: tzinfo | None) -> Content:
    """A change set on one line."""
    named = change.kind in {"document", "undo", "redo"}
    title = change.title if named else f"{change.kind}: {change.title}"
    style = f"{DIM} strike" if change.undone else ""
    right = Content.assemble("  ", ("undone  ", DIM) if change.undone else "", tally(change))
    left = Content.assemble((f"{day(change.at, tz)}  ", DIM), one_line(title, style))
    right = right.truncate(max(width // 2, 8), ellipsis=True)
    return Content.assemble(fitted(left, width - right.cell_length), right)


def document_row(document: StoredDocument, width: int, tz: tzinfo | None) -> Content:
    """A document on one line."""
    facts = "    waits" if document.unread else f"{document.facts:>3} facts"
    right = Content.styled(f"  {document.messages:>3} said {facts}" if width >= 50 else "", DIM)
    left = Content.assemble(
        (f"{day(document.at, tz)}  ", DIM),
        one_line(document.title or document.source),
        (f"  {show_line(document.source)}", DIM),
    )
    return Content.assemble(fitted(left, width - right.cell_length), right)


def edit_content(edit: EditRecord) -> Content:
    """An edit in full: what was, what is, and the words that say so."""
    mark, colour = MARKS.get(edit.op, ("·", ""))
    number = edit.new_fact if edit.new_fact is not None else edit.fact
    lines = [Content.assemble((f"{mark} ", f"{colour} bold"), _edited(edit, colour))]
    lines[0] += Content.styled(f"  #{number}" if number is not None else "", DIM)
    if edit.evidence:
        lines.append(Content.styled(f"  “{show_line(edit.evidence)}”", f"{DIM} italic"))
    return Content("\n").join(lines)


def _edited(edit: EditRecord, colour: str) -> Content:
    if edit.op == "rewrite":
        return word_diff(edit.text, edit.new_text or "")
    text = one_line(edit.text, colour)
    words = {
        "make_false": " is no longer true",
        "uncertain": " may be outdated",
        "reinforce": " was said again",
        "pin": " was pinned",
        "unpin": " was unpinned",
    }
    return text + Content.styled(words.get(edit.op, ""), DIM)


def word_diff(old: str, new: str) -> Content:
    """Two sentences as one: words that went are struck out, words that came are underlined."""
    before, after = show_line(old).split(" "), show_line(new).split(" ")
    parts: list[Content] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for op, i1, i2, j1, j2 in matcher.get_opcodes():
        if op == "equal":
            parts.append(Content(" ".join(before[i1:i2])))
            continue
        if i1 < i2:
            parts.append(Content.styled(" ".join(before[i1:i2]), "$text-error strike"))
        if j1 < j2:
            parts.append(Content.styled(" ".join(after[j1:j2]), "$text-success bold underline"))
    return Content(" ").join(parts)


def change_content(change: ChangeSet, tz: tzinfo | None) -> Content:
    """A change set in full."""
    facts = [f"change {change.id}", change.kind]
    if change.elapsed_s >= 1:
        facts.append(f"{change.elapsed_s:.1f} s, {change.usage.calls} calls")
    if change.undone:
        facts.append("undone")
    lines = [
        one_line(change.title, "bold"),
        Content.styled(f"{day(change.at, tz)} · " + " · ".join(facts), DIM),
        Content(""),
    ]
    lines += [edit_content(edit) for edit in change.edits]
    if change.held:
        lines += [Content("")] if change.edits else []
        lines += [Content.styled("Waiting for your review:", "$text-warning bold")]
        lines += [held_content(edit) for edit in change.held]
    lines += [
        Content.styled(f"! {show_line(problem)}", "$text-warning") for problem in change.problems
    ]
    if not (change.edits or change.held or change.problems) and change.kind == "document":
        lines.append(Content.styled("Nothing to note.", DIM))
    return Content("\n").join(lines)


def held_content(edit: EditRecord) -> Content:
    """An edit that waits, and why."""
    reason = Content.styled(f"\n  held: {show_line(edit.reason or '')}", "$text-warning")
    return edit_content(edit) + reason


def source_content(answer: Answer, tz: tzinfo | None) -> Iterator[tuple[FactId | None, Content]]:
    """What an answer rests on, a line each, with the fact's id where it is a fact."""
    for cited in answer.facts:
        mark, colour = STATE_MARKS[cited.fact.state]
        yield (
            cited.fact.id,
            Content.assemble(
                (f"[{cited.n}] ", "bold"),
                (f"{mark} ", colour),
                one_line(cited.fact.text),
                (f"  {cited.fact.state.value}, {fact_dates(cited.fact, tz)}", DIM),
            ),
        )
    for said in answer.passages:
        speaker = f"{said.passage.speaker}: " if said.passage.speaker else ""
        yield (
            None,
            Content.assemble(
                (f"[{said.n}] ", "bold"),
                (f"{day(said.passage.at, tz)} ", DIM),
                one_line(f"{speaker}{said.passage.text}", "italic"),
            ),
        )


def quoted(text: str, quote: str | None) -> Content:
    """A message with the words that count set off."""
    shown = plain(text)
    if quote and (start := shown.plain.find(show(quote))) >= 0:
        return shown.stylize("bold underline $text-warning", start, start + len(show(quote)))
    return shown


def ago(when: datetime, now: datetime) -> str:
    """How long ago, in one word or two."""
    seconds = (now - when).total_seconds()
    for size, unit in ((31_557_600, "year"), (2_629_800, "month"), (86_400, "day")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "today"


def joined(parts: Sequence[str]) -> str:
    """Words with middle dots between."""
    return " · ".join(part for part in parts if part)
