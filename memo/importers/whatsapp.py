"""WhatsApp's exported chats: a text file, alone or in the zip, in any of the phone's languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.lines import lines
from memo.importers.stamps import (
    MARKS,
    Begin,
    Order,
    Stamp,
    Stamps,
    order_of,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memo.importers.files import File
    from memo.records import Document

_LOOKED_AT = 40  # lines; an export begins with one that is stamped
_ONE_LAYOUT = 0.6  # of the stamped lines; others stand in pasted text
_M = f"[{MARKS}]{{0,4}}"  # more would take a square of a long run
_AUTHOR = re.compile(rf"(?:{_M}~[ \u00a0\u202f]?)?{_M}([^\n]{{1,80}}?){_M}:[ \u00a0]")
_QUOTES = re.compile('["“”«»„]')  # in the names of groups, where a system line has a colon
_PLACEHOLDER = re.compile(rf"{_M}<[^<>:/@]{{4,60}}>")
_ATTACHED = re.compile(
    rf"[{MARKS}]<[^<>]{{1,30}}: ?[^<>]{{1,300}}>|^{_M}\S.{{0,120}}\.\w{{2,5}} \([^()\n]{{6,40}}\)$",
    re.MULTILINE,
)
_EDITED = re.compile(rf"(?:[{MARKS}]<[^<>]{{4,60}}>| <This message was edited>)\Z")
_DELETED = re.compile(
    r"(?:This message was deleted|You deleted this message|Diese Nachricht wurde gelöscht"
    r"|Du hast diese Nachricht gelöscht|Se eliminó este mensaje|Eliminaste este mensaje"
    r"|Ce message a été supprimé|Vous avez supprimé ce message|Esta mensagem foi apagada"
    r"|Mensagem apagada|Questo messaggio è stato eliminato|Hai eliminato questo messaggio"
    r"|Dit bericht is verwijderd|Je hebt dit bericht verwijderd|Usunięto tę wiadomość"
    r"|Данное сообщение удалено|Вы удалили это сообщение"
    r"|Bu mesaj silindi|Bu mesajı sildiniz"  # noqa: RUF001
    r"|Denne besked blev slettet|Det här meddelandet raderades|Poistettu viesti"
    r"|null|Waiting for this message\b.*|Missed (?:voice|video) call)\.?",
    re.IGNORECASE,
)
_ENCRYPTED = re.compile(
    r"end-to-end|Ende-zu-Ende|extremo a extremo|bout en bout|ponta a ponta|end-to-end-versl"
    r"|сквозным шифрованием|uçtan uca|kompleksowo|端到端|端對端|エンドツーエンド|종단간",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r".*WhatsApp.*?(?: - | with | mit | con | avec | com | met | z | с контактом | ile )(.+)",  # noqa: RUF001
    re.IGNORECASE,
)
_COPY = re.compile(r"\s*\(\d+\)$")


class WhatsAppImporter(OneFile):
    """What people wrote; system lines, calls, media and deleted messages are left out."""

    name = "whatsapp"

    def identify(self, file: File) -> bool:
        """Whether its first lines are stamped, and somebody says something in one."""
        if file.suffix not in {".txt", ".text", ""}:
            return False
        first = [line for line in file.text.split("\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
        if not first or (opening := stamp(first[0])) is None:
            return False
        if _like_signal(first[0], opening):
            return False
        named = file.path.name == "_chat.txt" or "whatsapp" in file.path.name.casefold()
        return named or any((one := stamp(line)) and _AUTHOR.match(line, one.end) for line in first)

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """The chat of each file."""
        for file in files:
            yield from documents(self.name, file, _chat(file, reading), reading)


def _like_signal(line: str, one: Stamp) -> bool:
    """An ISO date in brackets without seconds is signal-export's, not a phone's."""
    return one.layout[0] == "[" and one.layout[2] == "-" and one.layout[4] == "2"


def _chat(file: File, reading: Reading) -> Iterator[Conversation | Skipped]:
    """First all stamps, for the layout and the order of the dates; then the messages."""
    stamps = Stamps()
    with file.open() as stream:
        for line in lines(stream):
            if line.text and (found := stamp(line.text)):
                stamps.add(line.number, found)
    if not stamps:
        yield Skipped(file.where, "holds no line that begins with a date and a time")
        return
    layout, share = stamps.layout()
    if share < _ONE_LAYOUT:
        yield Skipped(
            file.where,
            f"its lines are stamped in several ways, the commonest in {share:.0%}; one chat "
            "has one: split the file",
        )
        return
    days = stamps.days(layout)
    order = order_of(days)
    if reading.date_order:
        order = Order(reading.date_order, True)
    if order is None:
        yield Skipped(file.where, "no order of day, month and year makes dates of its stamps")
        return
    if not order.sure:
        a, b, c = days[0].date
        reading.warn(
            f"{file.where}: {a}/{b}/{c} is read as {' '.join(_SPELT[part] for part in order.name)};"
            " if that is wrong, give --date-order."
        )
    timed = stamps.timed(layout, order.name, reading.tz)
    if not timed.lines:
        yield Skipped(file.where, f"its stamps are no dates in the order {order.name}")
        return
    del stamps
    title = _title(file)
    yield Conversation(title, title, _messages(file, timed.belonging()))


_SPELT = {"d": "day", "m": "month", "y": "year"}


def _messages(file: File, begins: Iterator[Begin]) -> Iterator[Said | Skipped]:
    """The messages, with the lines that go on one."""
    said: list[str] = []
    begun, coming = Begin(0, 0.0, 0), next(begins, None)
    with file.open() as stream:
        for line in lines(stream, blank=True):
            if coming and line.number == coming.line:
                if said:
                    yield _said(file, begun, said)
                said, begun, coming = [line.text or ""], coming, next(begins, None)
            elif line.text is None:
                yield Skipped(f"{file.where}:{line.number}", "is too long")
            elif said:
                said.append(line.text)
            elif line.text.strip():
                yield Skipped(f"{file.where}:{line.number}", "stands before the first message")
    if said:
        yield _said(file, begun, said)


def _said(file: File, begun: Begin, said: list[str]) -> Said | Skipped:
    where = f"{file.where}:{begun.line}"
    author = _AUTHOR.match(said[0], begun.end)
    if author is None or _QUOTES.search(author[1]):
        return Skipped(where, "is a system line", routine=True)
    said[0] = said[0][author.end() :]
    body = "\n".join(said).rstrip()
    return _kept(where, author[1].strip(), body, begun.at)


def _kept(where: str, author: str, body: str, at: float) -> Said | Skipped:
    """A message's own words, without what WhatsApp put around them."""
    text = body.strip()
    if "<" in body and not _PLACEHOLDER.fullmatch(body):
        text = _EDITED.sub("", text).strip()
    if "<" in body or " (" in body:
        text = _ATTACHED.sub("", text).strip()
    bare = text.strip(_DIRECTIONS)
    if not bare or _PLACEHOLDER.fullmatch(text):
        return Skipped(where, "is a picture, a file or the like", routine=True)
    if len(bare) < _LONGEST_NOTICE and _DELETED.fullmatch(bare):
        return Skipped(where, "was deleted, or was a call", routine=True)
    if text[0] == _LEFT_TO_RIGHT or ("WhatsApp" in bare and _ENCRYPTED.search(bare)):
        return Skipped(where, "is a system line", routine=True)
    return Said(text, datetime.fromtimestamp(at, UTC), author)


_LEFT_TO_RIGHT = "\u200e"
_DIRECTIONS = "\u200e\u200f\u202a\u202c\ufeff"
_LONGEST_NOTICE = 80


def _title(file: File) -> str:
    """Whom the chat is with, as the name of the file or of the archive says."""
    for name in (file.stem, file.folder):
        bare = _COPY.sub("", name)
        if found := _TITLE.fullmatch(bare):
            return found[1].strip()
    return _COPY.sub("", file.stem if file.stem != "_chat" else file.folder)
