"""Markdown notes, as Obsidian and its like keep them: one file, one note.

The date is looked for in the front matter, then in the file's name, then it is `at`, and last
the time of the file's last change. Links become their words; code stays as it is.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

from memo.errors import UsageProblem
from memo.importers.base import Reading, Skipped, decoded, file_documents, modified
from memo.records import Document, Message
from memo.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MarkdownImporter:
    """A Markdown file as one note, a message for each paragraph."""

    name = "markdown"

    def identify(self, path: Path) -> bool:
        """Whether it is called a Markdown file: any text is Markdown."""
        return path.suffix.lower() in {".md", ".markdown"}

    def read(self, path: Path, reading: Reading) -> Iterator[Document | Skipped]:
        """One document, or several where the note exceeds the budget."""
        fields, body = front_matter(decoded(path.read_bytes()))
        at = _written(path, fields, reading)
        if at is None:
            yield Skipped(str(path), "its time of change makes no sense; give one with --at")
            return
        messages = (Message(text, at, reading.me) for text in paragraphs(body))
        title = fields.get("title") or path.stem
        yield from file_documents(self.name, path, title, messages, reading)


_FIELD = re.compile(r"([\w-]+)[ \t]*:(?:[ \t]+(.*))?")


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """The simple `key: value` lines between two `---` at the top, and what follows.

    Where the block is not such lines, nested ones and lists aside, all of it is body.
    """
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        return {}, text
    fields: dict[str, str] = {}
    for index, line in enumerate(lines[1:], start=1):
        bare = line.rstrip()
        if bare in {"---", "..."}:
            return fields, "".join(lines[index + 1 :])
        if not bare or bare.startswith(("#", " ", "\t", "- ")):
            continue
        match = _FIELD.fullmatch(bare)
        value = (match[2] or "").strip() if match else ""
        if match is None or _unclosed(value):
            return {}, text
        fields[match[1].lower()] = value.strip("\"'")
    return {}, text


def _unclosed(value: str) -> bool:
    """Whether a quoted or bracketed value does not end on its line."""
    ends = {'"': '"', "'": "'", "[": "]", "{": "}"}
    return bool(value) and value[0] in ends and (len(value) < 2 or value[-1] != ends[value[0]])


_DAY_IN_NAME = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d\d)\2(\d\d)(?!\d)")


def _written(path: Path, fields: dict[str, str], reading: Reading) -> datetime | None:
    """When the note was written, as far as anything says."""
    for field in ("date", "created"):
        if value := fields.get(field):
            try:
                return parse_time(value.strip("[]"), reading.tz)
            except UsageProblem as problem:
                reading.warn(f"{path}: {field} in the front matter passed over: {problem}")
    for match in _DAY_IN_NAME.finditer(path.stem):
        try:
            day = date(int(match[1]), int(match[3]), int(match[4]))
            return parse_time(day.isoformat(), reading.tz)
        except (ValueError, UsageProblem):
            continue
    if reading.at is not None:
        return reading.at
    reading.warn(f"{path}: dated by its last change; --at gives another time.")
    return modified(path)


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")


def paragraphs(body: str) -> Iterator[str]:
    """What blank lines part, code blocks whole, headings with what they head."""
    block: list[str] = []
    fence = ""
    for line in re.split(r"\r\n|\n|\r", body):
        mark = _FENCE.match(line)
        if fence:
            block.append(line)
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
            continue
        if mark:
            fence = mark[1]
            block.append(line)
            continue
        if line.strip():
            block.append(without_links(line))
        elif block and not all(_HEADING.match(entry) or not entry for entry in block):
            yield from _paragraph(block)
            block = []
        elif block:
            block.append("")
    yield from _paragraph(block)


def _paragraph(block: list[str]) -> Iterator[str]:
    """The block as one text, unless dropped embeds leave nothing of it."""
    text = "\n".join(block).strip("\n").rstrip()
    if text.strip():
        yield text


_LINK = re.compile(r"(!?)\[\[([^\[\]]*)\]\]")


def without_links(line: str) -> str:
    """The line with links as their words and embeds dropped, except within `code`."""
    pieces = re.split(r"(`+)", line)
    closing: dict[str, int] = {}
    partner: dict[int, int] = {}
    for index in range(len(pieces) - 2, 0, -2):
        if pieces[index] in closing:
            partner[index] = closing[pieces[index]]
        closing[pieces[index]] = index
    out: list[str] = []
    index = 0
    while index < len(pieces):
        if index in partner:
            out += pieces[index : partner[index] + 1]
            index = partner[index] + 1
            continue
        out.append(pieces[index] if index % 2 else _LINK.sub(_words, pieces[index]))
        index += 1
    return "".join(out)


def _words(link: re.Match[str]) -> str:
    """What a link shows."""
    if link[1]:
        return ""
    target, _, alias = link[2].partition("|")
    page, _, heading = target.partition("#")
    return alias.strip() or page.strip() or heading.strip()
