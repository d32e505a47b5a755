"""The application's own themes; the terminal's own colours are Textual's `ansi-dark` and -light."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="memo-dark",
    primary="#8ab4f8",
    secondary="#c58af9",
    accent="#f2b8d5",
    success="#81c995",
    warning="#fdd663",
    error="#f28b82",
    foreground="#e3e5e8",
    background="#15171c",
    surface="#1b1e25",
    panel="#252934",
    dark=True,
)
LIGHT = Theme(
    name="memo-light",
    primary="#1a56b0",
    secondary="#7627bb",
    accent="#a8186b",
    success="#12703a",
    warning="#8a5a00",
    error="#b3261e",
    foreground="#1d2025",
    background="#f7f6f2",
    surface="#fffefa",
    panel="#e7e5dd",
    dark=False,
)
CONTRAST = Theme(
    name="memo-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#ff9cff",
    success="#00ff66",
    warning="#ffd000",
    error="#ff6b6b",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    dark=True,
    variables={"text-muted": "#e0e0e0", "border": "#ffffff", "footer-key-foreground": "#ffff00"},
)
OWN = (DARK, LIGHT, CONTRAST)
NAMES = (*(theme.name for theme in OWN), "ansi-dark", "ansi-light")
"""What the settings offer; the command palette lists Textual's others too."""
