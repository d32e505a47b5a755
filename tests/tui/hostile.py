"""Text that tries to drive the terminal, the application, or the reader's eye."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fakes import HashEmbedder

from memo.records import (
    Add,
    Claim,
    Document,
    Evidence,
    FactId,
    Held,
    MakeFalse,
    Message,
    Plan,
    Rewrite,
)
from memo.store import Store

if TYPE_CHECKING:
    from memo.memory import Memory

PAYLOADS = (
    "\x1b]0;stolen title\x07",
    "\x1b]52;c;c3RvbGVu\x07",
    "\x1b[2J\x1b[H",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[?1049l\x1b[?1000h",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=100;AAAA\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bc",
    "\x9b31m",
    "\x9d52;c;eA==\x9c",
    "\x90\x91\x98\x9e\x9f",
    "\x07\x07\x07",
    "back\x08\x08space",
    "carriage\rreturn",
    "form\x0cfeed\x0bvertical",
    "nul\x00byte",
    "\x7fdelete",
    "\x0e\x0fshift",
    "[/red]",
    "[red]not red[/]",
    "[/]",
    "[@click=app.quit]leave[/]",
    '[@click="app.undo"]undo[/]',
    "[@click=screen.dismiss]x[/]",
    "[link=http://evil.example]x[/link]",
    "[b",
    "\\[bold]",
    "[$primary on $error 50%]x[/]",
    "[x](http://evil.example) ![p](http://evil.example/p.png)",
    "<script>alert(1)</script> <http://evil.example>",
    "# heading\n- list\n```\ncode\n```\n| a | b |\n|---|---|",
    "\u202eright to left\u202c",
    "\u2066isolate\u2069 \u200fmark",
    "zero\u200bwidth\u200djoiner\ufeff",
    "tag\U000e0041\U000e007f",
    "line\u2028separator\u2029paragraph",
    "lone \ud800 surrogate",
    "x" * 5000,
    "wide 漢字かなカナ한글 " * 40,
    "👩\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 👍🏽 🇬🇧",
    "e" + "\u0301" * 200,
    "{0} %s ${HOME} `id` $(id)",
    "tab\tand\nnewline\r\nwindows",
    "&#x202e;turned &#27;[31m &ZeroWidthSpace; &lt;b&gt; &#0;",
    "[x][y] [y]: http://evil.example\n\n[y]: http://evil.example 'title'",
    "# [red]h[/] \x1b[31m {#id}\n```[@click=app.quit]\x1b\ncode\n```\n| [a](b:c) |\n|---|\n| \x07",
    "> " * 60 + "deep " + "- " * 60 + "**" * 200 + "`" * 99,
    "[1](http://evil.example) [2][3] [99999999] [-1] [\uff11] javascript:alert(1)",
    "' OR 1=1 -- \" ) * NEAR(",
)
"""Forty and more."""


def haunted(memory: Memory) -> Memory:
    """A store that holds each of them wherever a text can be."""
    embedder = HashEmbedder()
    begin = datetime(2024, 1, 1, 12, tzinfo=UTC)
    with Store.open(memory.settings.store, embedder=embedder.identity) as store:
        for number, payload in enumerate(PAYLOADS):
            text = payload.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
            when = begin + timedelta(days=number)
            message = Message(text, when, text[:40].replace("\n", " ") or None)
            document = Document("no[/te]\x1b", f"key {number}", (message,), title=text[:300])
            quote = Evidence(text, 0)
            claim = Claim(f"{text} {number}", f"What {text}?", text, (text[:50],))
            edits: list[Add | Rewrite | MakeFalse] = [Add(claim, when, quote, 0.9)]
            held: list[Held] = []
            if number > 2:
                other = Claim(f"{text} again {number}", f"What {text}?", text, (text[:50],))
                held = [Held(Rewrite(FactId(number - 1), when, other, None, quote, 0.5), text)]
            plan = Plan(tuple(edits), tuple(held), problems=(text,))
            store.apply(document, plan, embedder.embed)
    return memory
