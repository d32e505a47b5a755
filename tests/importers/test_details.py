"""Small pieces of the importers, each against the quirk it is there for."""

from __future__ import annotations

import re

import pytest

from memo.importers.branches import branch
from memo.importers.gemini import text_of
from memo.importers.mail import own_words
from memo.importers.markdown import daily_pattern
from memo.importers.meta import _text as meta_text
from memo.importers.slack import plain


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("cafÃ©", "café"),
        ("ð\x9f\x99\x82", "🙂"),
        ("café", "café"),
        ("Łódź", "Łódź"),
        ("naïve Łódź", "naïve Łódź"),
        ("plain", "plain"),
    ],
)
def test_mojibake_is_repaired_only_where_it_is_certain(written: str, shown: str) -> None:
    assert meta_text(written) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@U1> and <@U9|zed>", "@Jo and @zed"),
        ("<#C1|kitchen> <!here>", "#kitchen @here"),
        ("<https://x.example|the &lt;letter&gt;>", "the <letter>"),
        ("a &amp; b &lt;3", "a & b <3"),
    ],
)
def test_slack_markup_becomes_words(text: str, shown: str) -> None:
    assert plain(text, {"U1": "Jo"}) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Yes.\n\nOn Fri, 7 Mar 2025, Jo <jo@x> wrote:\n> Lovely.",
        "Yes.\n> Lovely.\n-- \nZoe, 12 Hill Road",
        "Yes.\n\nAm Fr., 7. März 2025 um 08:00 schrieb Jo <jo@x>:\n\n> Schön.",
        "Yes.\n\n-----Original Message-----\nFrom: Jo\nI live in Hull.",
    ],
)
def test_a_mail_says_only_what_it_adds(text: str) -> None:
    assert own_words(text) == "Yes."


def test_scripts_in_html_are_no_words() -> None:
    assert text_of("<p>One &amp; <b>two</b></p><script>x()</script><li>three") == "One & two\nthree"
    assert text_of("<style>p{}" + "<p>" * 10_000) == ""


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("YYYY-MM-DD", "2025-03-06"),
        ("DD.MM.YY dddd", "06.03.25 Thursday"),
        ("YYYY/MM-MMMM/YYYY-MM-DD-dddd", "2025/03-March/2025-03-06-Thursday"),
        ("MMMM Do, YYYY", "March 6th, 2025"),
        ("[day] D.M.YYYY", "day 6.3.2025"),
    ],
)
def test_daily_notes_are_found_by_the_vaults_format(format: str, name: str) -> None:
    pattern = daily_pattern(format)
    assert pattern is not None
    found = re.fullmatch(pattern, name)
    assert found is not None
    assert found["year"] in {"2025", "25"}
    assert int(found["day"]) == 6


def test_a_format_without_a_day_dates_nothing() -> None:
    assert daily_pattern("YYYY-MM") is None
    assert daily_pattern("") is None


def test_a_branch_ends_where_links_run_in_circles() -> None:
    assert branch("c", {"a": "b", "b": "a", "c": "b"}) == ["a", "b", "c"]
    assert branch("a", {"a": "gone"}) == ["a"]
