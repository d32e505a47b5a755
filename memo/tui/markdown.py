"""An answer as formatted text: emphasis, lists, code and tables; the only links are citations.

What could lead elsewhere is switched off in the parser rather than escaped in the text: links,
pictures, HTML, and entities, by which a text could smuggle in characters that `show` makes visible.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from textual.await_complete import AwaitComplete
from textual.widgets import Markdown

from memo.show import show

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

_BETWEEN_S = 1 / 15
"""From one piece to the next: each lays out the screen, which keeps a key waiting."""
CITE = "cite:"
"""What the link of a citation begins with."""
_CITATION = re.compile(r"\[([0-9]{1,4})\]")
_OFF = ("link", "image", "autolink", "html_inline", "html_block", "reference", "entity")


def _citation(state: StateInline, silent: bool) -> bool:
    """A rule of markdown-it: `[12]` is a link to source 12, whatever follows it."""
    found = _CITATION.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("link_open", "a", 1).attrs = {"href": f"{CITE}{found[1]}"}
        state.push("text", "", 0).content = found[0]
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def parser() -> MarkdownIt:
    """Markdown without anything that leads out of it."""
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.disable(_OFF)
    made.inline.ruler.before("emphasis", "citation", _citation)
    return made


class AnswerText(Markdown):
    """What memo says, as it comes. What is appended passes `show`."""

    def __init__(self, text: str = "") -> None:
        super().__init__(show(text), classes="answer", open_links=False, parser_factory=parser)

    def append(self, markdown: str) -> AwaitComplete:
        """Add a piece. A stream waits for it, and gathers meanwhile what else is written."""
        return AwaitComplete(super().append(markdown), asyncio.sleep(_BETWEEN_S))


__all__ = ["CITE", "AnswerText", "parser"]
