"""Claims about the gate to the terminal."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo.show import show, show_line

# Drawn by fonts although Unicode files them under "format".
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}

NASTY = st.text(
    st.one_of(
        st.characters(codec=None),
        st.sampled_from("\x00\x07\x1b\r\n\t\x7f\x85\x9b\u200b\u200d\u202e\u2028\ufe0f\ufeff"),
        st.sampled_from("👩🏽❤🔥a[]m;"),
        st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]),
    )
)


def dangers(text: str) -> list[str]:
    """What a terminal obeys or nobody sees; a joiner or selector is judged by its neighbours."""
    return [
        hex(ord(char))
        for char in text
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and char not in "\n\t\u200d"
        and ord(char) not in DRAWN
    ]


def test_every_control_and_format_character_becomes_visible() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert dangers(show(everything)) == []
    for char in "\x00\x1b\x07\r\x7f\x9b\u061c\u200b\u200d\u2066\u2028\ud800\ufe0f\U000e0041\u3164":
        assert char not in show(char)


@given(NASTY)
def test_nothing_dangerous_passes(text: str) -> None:
    shown = show(text)
    assert dangers(shown) == []
    shown.encode("utf-8")


@given(NASTY)
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert show(show(text)) == show(text)
    assert show_line(show_line(text)) == show_line(text)


@given(NASTY)
def test_a_line_is_one_line(text: str) -> None:
    assert len(show_line(text).splitlines()) <= 1
    assert "\t" not in show_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], max_codepoint=0x24F)))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert show(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Zoë wrote: \u201cnaïve café\u201d\n\t\u2013 10 \u20ac, 東京, שלום, العربية, हिन्दी",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467 a family",
        "\U0001f469\U0001f3fd\u200d\U0001f680 with a skin tone",
        "\u2764\ufe0f\u200d\U0001f525 a heart on fire",
        "\u00a9\ufe0e plain",
    ],
)
def test_writing_and_emoji_are_left_alone(text: str) -> None:
    assert show(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x1b[2J\x9b2J", "␛[2J‹U+009B›2J"),  # noqa: RUF001
        ("ab\u202ecd", "ab‹U+202E›cd"),  # noqa: RUF001
        ("a\u200db", "a‹U+200D›b"),  # noqa: RUF001
        ("x\ufe0f\ufe0f", "x\ufe0f‹U+FE0F›"),  # noqa: RUF001
        ("hi\U000e0041", "hi‹U+E0041›"),  # noqa: RUF001
        ("\ud83d", "‹U+D83D›"),  # noqa: RUF001
        ("one\r\ntwo\rthree", "one\ntwo␍three"),
        ("rub\x7fout\x00", "rub␡out␀"),
    ],
)
def test_what_is_hidden_is_shown_by_symbol_or_number(text: str, shown: str) -> None:
    assert show(text) == shown


def test_a_line_folds_its_breaks() -> None:
    assert show_line("one\r\ntwo\n\tthree") == "one⏎two⏎ three"
