"""Address books and calendars: birthdays and appointments, which need no model to be understood."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from memo.errors import UsageProblem
from memo.importers.base import OneFile, Reading, Skipped, decoded, short_hash, storable
from memo.importers.moments import believable
from memo.records import Claim, Document, Message
from memo.times import parse_time, parse_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File

_LINE = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;[^:;\"]*(?:\"[^\"]*\")?)*):(.*)", re.DOTALL)
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_BIRTHDAY = re.compile(r"(?:(\d{4})|--)-?(\d\d)-?(\d\d)(?:T.*)?")
_DAY = rf"\d{{1,2}} (?:{'|'.join(_MONTHS)})"
_BORN = re.compile(rf"'s birthday is ({_DAY}(?: \d{{4}})?)\.")
_MEETS = re.compile(
    rf" (?:is|begins) on ({_DAY} \d{{1,4}}(?: at \d\d:\d\d)?)(?: and repeats,?)?(?: at .+)?\.",
    re.DOTALL,
)
Card = list[tuple[str, str, str]]
"""Name, parameters and value of each line."""


class VCardImporter(OneFile):
    """Birthdays; addresses and numbers stay in the address book."""

    name = "vcard"

    def identify(self, file: File) -> bool:
        """Whether it begins as a card does."""
        return file.text.lstrip("\ufeff\r\n ").upper().startswith("BEGIN:VCARD")

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document a card with a birthday."""
        for file in files:
            for number, card in enumerate(_cards(file, "VCARD"), start=1):
                yield _birthday(self.name, f"{file.where}, card {number}", card, file, reading)


class CalendarImporter(OneFile):
    """Appointments: what and when, and where if it says so."""

    name = "ics"

    def identify(self, file: File) -> bool:
        """Whether it begins as a calendar does."""
        return file.text.lstrip("\ufeff\r\n ").upper().startswith("BEGIN:VCALENDAR")

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document an appointment."""
        for file in files:
            for number, card in enumerate(_cards(file, "VEVENT"), start=1):
                yield _appointment(self.name, f"{file.where}, event {number}", card, file, reading)


def _cards(file: File, kind: str) -> Iterator[Card]:
    """The parts of a file between BEGIN and END, long lines put together again."""
    text = re.sub(r"\r?\n[ \t]", "", decoded(file.bytes()))
    card: Card | None = None
    for line in text.splitlines():
        bare = line.strip().upper()
        if bare == f"BEGIN:{kind}":
            card = []
        elif bare == f"END:{kind}" and card is not None:
            yield card
            card = None
        elif card is not None and (found := _LINE.fullmatch(line)):
            card.append((found[1].upper(), found[2], _plain(found[3])))


def _plain(value: str) -> str:
    """A value without its escapes."""
    return re.sub(r"\\([\\;,nN])", lambda m: "\n" if m[1] in "nN" else m[1], value).strip()


def _first(card: Card, name: str) -> tuple[str, str]:
    """Parameters and value of the first line of that name; "" where there is none."""
    return next(((params, value) for found, params, value in card if found == name), ("", ""))


def _birthday(
    source: str, where: str, card: Card, file: File, reading: Reading
) -> Document | Skipped:
    name = storable(_first(card, "FN")[1]).replace("\n", " ").strip()
    found = _BIRTHDAY.fullmatch(_first(card, "BDAY")[1])
    if not name or found is None:
        return Skipped(where, "says no birthday", routine=True)
    try:
        date(int(found[1] or 2000), int(found[2]), int(found[3]))
    except ValueError:
        return Skipped(where, f"has a birthday that is no day: {found[0]}")
    at = reading.at or file.modified
    if at is None:
        return Skipped(where, "has no time; give one with --at")
    day = f"{int(found[3])} {_MONTHS[int(found[2]) - 1]}" + (f" {found[1]}" if found[1] else "")
    text = f"{name}'s birthday is {day}."
    key = storable(_first(card, "UID")[1]) or short_hash(name)
    document = Document(source, key, (Message(text, at),), name)
    return replace(document, claims=stated(document))


def _appointment(
    source: str, where: str, card: Card, file: File, reading: Reading
) -> Document | Skipped:
    title = storable(_first(card, "SUMMARY")[1]).replace("\n", " ").strip()
    if _first(card, "STATUS")[1].upper() == "CANCELLED":
        return Skipped(where, "was cancelled", routine=True)
    if not title:
        return Skipped(where, "has no title", routine=True)
    params, value = _first(card, "DTSTART")
    found = _start(params, value, reading)
    if found is None:
        return Skipped(where, f"begins at no time that can be: {value[:40]!r}")
    when, day = found
    shown = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    if isinstance(day, datetime):
        shown += f" at {day:%H:%M}"
    place = storable(_first(card, "LOCATION")[1]).replace("\n", ", ").strip()
    text = f"{title} is on {shown}" + (f" at {place}." if place else ".")
    if _first(card, "RRULE")[1]:
        text = f"{title} begins on {shown} and repeats" + (f", at {place}." if place else ".")
    # What is planned was known when it was written down, at the latest when it began.
    stamped = _start(*_first(card, "DTSTAMP"), reading)
    noted = believable(stamped[0]) if stamped else None
    at = min(when, noted) if noted else believable(when) or reading.at or file.modified
    if at is None:
        return Skipped(where, "has no time; give one with --at")
    key = storable(_first(card, "UID")[1]) or short_hash(title, shown)
    document = Document(source, key, (Message(text, at),), title)
    return replace(document, claims=stated(document))


def stated(document: Document) -> tuple[Claim, ...]:
    """What a document made here states, one claim a message, wherever it was since.

    Nothing where it is of another source, or where not all of it is in the words given here.
    """
    if document.source not in (VCardImporter.name, CalendarImporter.name):
        return ()
    title = document.title
    claims: list[Claim] = []
    for message in document.messages:
        said = message.text.removeprefix(title)
        if title and said != message.text and (found := _BORN.fullmatch(said)):
            claims.append(Claim(message.text, f"When is {title}'s birthday?", found[1], (title,)))
        elif title and said != message.text and (found := _MEETS.fullmatch(said)):
            question = f"When is {title}?"
            claims.append(Claim(message.text, question, found[1], (title,), several=True))
        else:
            return ()
    return tuple(claims)


def _start(params: str, value: str, reading: Reading) -> tuple[datetime, date] | None:
    """When an appointment begins: the moment, and the day or time as it is written."""
    zone = re.search(r"TZID=\"?([^;:\"]+)", params)
    tz = reading.tz
    try:
        if zone:
            tz = parse_zone(zone[1])
    except UsageProblem:
        tz = reading.tz
    try:
        when = parse_time(value, tz)
    except UsageProblem:
        return None
    if re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", value.strip()):
        return when, when.date()
    local = when.astimezone(reading.tz) if value.endswith("Z") else when
    return when, local + timedelta(0)
