"""Markdown notes, as Obsidian and its like keep them: one file, one note.

The date is looked for in the front matter, then in the file's name, as the vault's settings for
daily notes write it or as digits, then it is `at`, and last the time of the file's last change.
Links become their words; code stays as it is; quotations are not the writer's claims.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from memo.errors import UsageProblem
from memo.importers.base import LAST_CHANGE, OneFile, Reading, Skipped, decoded, note_documents
from memo.importers.files import DAILY_NOTES
from memo.importers.jsonfiles import obj, string
from memo.importers.jsonstream import BadValue, parsed
from memo.records import Document, Message
from memo.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memo.importers.files import File


class MarkdownImporter(OneFile):
    """A Markdown file as one note, a message for each paragraph."""

    name = "markdown"

    def identify(self, file: File) -> bool:
        """Whether it is called a Markdown file: any text is Markdown."""
        return file.suffix in {".md", ".markdown"}

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document a note, or several where it exceeds the budget."""
        for file in files:
            fields, body = front_matter(decoded(file.bytes()))
            at = _written(file, fields, body, reading)
            if at is None:
                yield Skipped(file.where, "its time of change makes no sense; give one with --at")
                continue
            messages = (
                Message(text, at, reading.me, context=_is_quotation(text))
                for text in paragraphs(body)
            )
            title = fields.get("title") or file.stem
            yield from note_documents(self.name, file, title, messages, reading)


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


def _written(file: File, fields: dict[str, str], body: str, reading: Reading) -> datetime | None:
    """When the note was written, as far as anything says."""
    for field in ("date", "created"):
        if value := fields.get(field):
            try:
                when = parse_time(value.strip("[]"), reading.tz)
            except UsageProblem as problem:
                reading.warn(f"{file.where}: {field} in the front matter passed over: {problem}")
                continue
            if _plausible(when):
                return when
            reading.warn(f"{file.where}: {field} in the front matter passed over: {when.date()}")
    found = _in_name(file, reading.tz) or _in_properties(body, reading.tz)
    if found and _plausible(found):
        return found
    if reading.at is not None:
        return reading.at
    if body.strip():
        reading.guessed(file.where, LAST_CHANGE)
    return file.modified


def _plausible(when: datetime) -> bool:
    """Whether a note can be of then: old diaries are, what is planned was written down before."""
    return _OLDEST <= when <= datetime.now(UTC) + timedelta(days=1)


_OLDEST = datetime(1900, 1, 1, tzinfo=UTC)


def _in_name(file: File, tz: tzinfo | None) -> datetime | None:
    """The day in a file's name."""
    if (settings := file.above(DAILY_NOTES)) and (found := _daily(file, settings, tz)):
        return found
    for match in _DAY_IN_NAME.finditer(file.stem):
        if found := _day(int(match[1]), int(match[3]), int(match[4]), tz):
            return found
    return None


_CREATED = re.compile(r"^Created(?: time)?: *(\d{4}-\d\d-\d\d\S*) *$", re.MULTILINE)


def _in_properties(body: str, tz: tzinfo | None) -> datetime | None:
    """The day in the lines that Notion puts under a note's title."""
    if found := _CREATED.search(body, 0, 2000):
        try:
            return parse_time(found[1], tz)
        except UsageProblem:
            return None
    return None


def _day(year: int, month: int, day: int, tz: tzinfo | None) -> datetime | None:
    try:
        return parse_time(date(year, month, day).isoformat(), tz)
    except (ValueError, UsageProblem):
        return None


def _daily(file: File, settings: File, tz: tzinfo | None) -> datetime | None:
    """The day of a daily note, by the format that the vault's settings name."""
    try:
        chosen = obj(parsed(decoded(settings.bytes())))
    except (BadValue, OSError):
        return None
    pattern = daily_pattern(string(chosen.get("format")))
    name = file.path.with_suffix("").as_posix()
    found = pattern and re.search(rf"(?:^|/){pattern}$", name)
    if not found:
        return None
    parts = found.groupdict()
    month = parts.get("month") or str(_MONTHS.index(parts["name"][:3].casefold()) + 1)
    year = parts["year"] if len(parts["year"]) == 4 else f"20{parts['year']}"
    return _day(int(year), int(month), int(parts["day"]), tz)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = "(?P<name>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)"
_PLACES = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<year>\d\d)",
    "MMMM": _NAMED,
    "MMM": _NAMED,
    "MM": r"(?P<month>\d\d)",
    "M": r"(?P<month>\d\d?)",
    "DD": r"(?P<day>\d\d)",
    "Do": r"(?P<day>\d\d?)(?:st|nd|rd|th)",
    "D": r"(?P<day>\d\d?)",
    "dddd": r"[^\W\d_]+",
    "ddd": r"[^\W\d_]+",
}
_TOKEN = re.compile(r"\[([^\]]*)\]|(YYYY|YY|MMMM|MMM|MM|M|DD|Do|D|dddd|ddd)|(.)")


def daily_pattern(format: str) -> str | None:
    """A pattern for what Moment.js writes in a format; None where a part of the day is missing."""
    used: set[str] = set()
    out: list[str] = []
    for literal, token, other in _TOKEN.findall(format):
        if not token:
            out.append(re.escape(literal or other))
            continue
        place = _PLACES[token]
        named = place[4 : place.find(">")] if place.startswith("(?P<") else ""
        if named in used:  # a part that is written twice
            place = re.sub(r"\?P<\w+>", "?:", place)
        used.add(named)
        out.append(place)
    whole = {"year", "day"} <= used and used & {"month", "name"}
    return "".join(out) if whole else None


_QUOTED = re.compile(r" {0,3}>(?! ?\[!)")


def _is_quotation(text: str) -> bool:
    """Whether every line is quoted; a callout is the writer's own."""
    return all(_QUOTED.match(line) for line in text.splitlines() if line.strip())


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
