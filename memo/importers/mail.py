"""Mail in mbox files, as Google's Takeout and most mail programs write them.

Python's `mailbox` also splits at sentences that begin with "From "; here a mail begins only where
such a line follows a blank one and goes on as an envelope does.
"""

from __future__ import annotations

import re
from email import policy
from email.errors import MessageError
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime
from typing import TYPE_CHECKING

from memo.importers.base import OneFile, Reading, Skipped, short_hash
from memo.importers.conversations import Conversation, Said, documents
from memo.importers.gemini import text_of
from memo.importers.lines import LONGEST_LINE
from memo.importers.moments import believable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from email.message import EmailMessage

    from memo.importers.files import File
    from memo.records import Document

LARGEST_MAIL = 32 * 2**20
"""Bytes, attachments too; a larger one is passed over, as it would have to be held whole."""
_ENVELOPE = re.compile(rb"From \S+.*\b(?:19|20)\d\d\b[^\n]*\r?\n?")
_ESCAPED = re.compile(rb">+From ")
_WROTE = re.compile(
    r"^(?:On .{5,200} wrote:|Am .{5,200} schrieb.{0,100}:|Le .{5,200} a écrit\s?:"
    r"|El .{5,200} escribió:|-{2,}\s*Original Message\s*-{2,}|-{2,}\s*Forwarded message\s*-{2,}"
    r"|_{10,})\s*$",
    re.MULTILINE | re.DOTALL,
)
_QUOTED = re.compile(r"^>.*\n?", re.MULTILINE)
_SIGNATURE = re.compile(r"^-- \n.*", re.MULTILINE | re.DOTALL)
_UNWANTED = {"spam", "trash", "papierkorb", "corbeille", "drafts"}


class MailImporter(OneFile):
    """What mails say in plain text; quotations, signatures, attachments and spam are left out."""

    name = "mbox"

    def identify(self, file: File) -> bool:
        """Whether it begins with an envelope and headers."""
        first, _, rest = file.head.lstrip(b"\xef\xbb\xbf").partition(b"\n")
        return (
            _ENVELOPE.fullmatch(first + b"\n") is not None
            and re.match(rb"[!-9;-~]+:", rest) is not None
        )

    def read(self, files: Sequence[File], reading: Reading) -> Iterator[Document | Skipped]:
        """One document a mail."""
        for file in files:
            yield from documents(self.name, file, _mails(file), reading)


def _mails(file: File) -> Iterator[Conversation | Skipped]:
    for number, data in enumerate(_split(file), start=1):
        where = f"{file.where}, mail {number}"
        if data is None:
            yield Skipped(where, f"is larger than {LARGEST_MAIL} bytes")
            continue
        try:
            mail = BytesParser(policy=policy.default).parsebytes(data)
            yield _mail(where, mail)
        except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError):
            # The standard library's parser raises all of these on malformed headers.
            yield Skipped(where, "has headers that cannot be understood")
        except RecursionError:
            yield Skipped(where, "is nested too deeply")


def _split(file: File) -> Iterator[bytes | None]:
    """The mails of a file; None for one that is too large."""
    kept: list[bytes] = []
    size = 0
    begun = False
    blank = True
    with file.open() as stream:
        while line := stream.readline(LONGEST_LINE):
            if blank and _ENVELOPE.fullmatch(line):
                if begun:
                    yield b"".join(kept) if size <= LARGEST_MAIL else None
                kept, size, begun = [], 0, True
                blank = False
                continue
            blank = not line.strip()
            if _ESCAPED.match(line):
                line = line[1:]  # the sentence began with "From "
            size += len(line)
            if size <= LARGEST_MAIL:
                kept.append(line)
            else:
                kept = []
    if begun:
        yield b"".join(kept) if size <= LARGEST_MAIL else None


def _mail(where: str, mail: EmailMessage) -> Conversation | Skipped:
    labels = {label.strip().casefold() for label in _header(mail, "X-Gmail-Labels").split(",")}
    if labels & _UNWANTED:
        return Skipped(where, "is in the bin, a draft or spam", routine=True)
    subject = _header(mail, "Subject").strip() or "(no subject)"
    name, address = parseaddr(_header(mail, "From"))
    id_ = _header(mail, "Message-ID").strip()
    text = own_words(_body(mail))
    if not text:
        return Skipped(where, "holds no words of its own", routine=True)
    thread = _header(mail, "X-GM-THRID").strip() or short_hash(
        (_header(mail, "References").split() or [id_ or subject])[0]
    )
    said = Said(
        f"{subject}\n\n{text}",
        _date(mail),
        name.strip() or address or None,
        id_ or short_hash(subject, text),
        mine="sent" in labels,
    )
    return Conversation(thread, subject, [said])


def _header(mail: EmailMessage, name: str) -> str:
    return str(mail.get(name, ""))


def _date(mail: EmailMessage) -> datetime | None:
    try:
        when = parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return believable(when if when.tzinfo else when.astimezone())


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    try:
        text = data.decode(charset, "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    return text_of(text) if part.get_content_subtype() == "html" else text


def own_words(text: str) -> str:
    """What a mail adds to those that it answers."""
    text = text.replace("\r\n", "\n")
    if found := _WROTE.search(text):
        text = text[: found.start()]
    return _SIGNATURE.sub("", _QUOTED.sub("", text)).strip()
