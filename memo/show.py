r"""The one gate through which untrusted text reaches a terminal.

Notes, file names and model output can hold escape sequences that set the window's title or write
the clipboard, marks that turn text around, and characters that nobody sees. Here they become
visible symbols: `\x1b` is shown as ␛, others by number. What a person can read stays as it is.
"""

from __future__ import annotations

import re

_OBEYED = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but \t and \n, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction
    r"\u2028\u2029"  # line and paragraph separator
    r"\ud800-\udfff"  # lone surrogates cannot be encoded
)

# Joiners, fillers, soft hyphens, annotations, musical and shorthand controls, tags. Marks that
# Unicode also calls "format" but fonts draw (Arabic number signs and the like) are not among them.
_UNSEEN = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    r"\u3164\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)

_SELECTORS = r"\ufe00-\ufe0f"
"""Choose between the text and the emoji shape of what stands before."""

_EMOJI = r"\u00a9\u00ae\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
"""Blocks that hold all emoji, skin tones too; a joiner between two of them draws one picture."""

_HIDDEN = re.compile(
    rf"(?P<line>\r\n)"
    rf"|(?P<joiner>(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}]))"
    rf"|(?P<selector>(?<=[^{_OBEYED}{_UNSEEN}{_SELECTORS}\s])[{_SELECTORS}])"
    rf"|[{_OBEYED}{_UNSEEN}{_SELECTORS}]"
)


def show(text: str) -> str:
    """The text with everything that a terminal would obey, or hide, made visible.

    Newlines and tabs stay, a Windows line end becomes a newline; idempotent.
    """
    return _HIDDEN.sub(_symbol, text)


def show_line(text: str) -> str:
    """As `show`, on one line: newlines as ⏎, tabs as spaces."""
    return show(text).replace("\n", "⏎").replace("\t", " ")


def counted(count: int, noun: str) -> str:
    """`1 record`, `2 records`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _symbol(hidden: re.Match[str]) -> str:
    """What stands on the screen for one character."""
    if hidden.lastgroup == "line":
        return "\n"
    char = hidden.group()
    if hidden.lastgroup in {"joiner", "selector"}:
        return char
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # the block of Control Pictures
    return "␡" if code == 0x7F else f"‹U+{code:04X}›"  # noqa: RUF001
