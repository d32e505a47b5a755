"""WhatsApp's layouts and languages, the order of its dates, and text that looks like a stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from importing import parted, reading, said

from memo.importers import read_all
from memo.importers.stamps import in_sequence, order_of, stamp

if TYPE_CHECKING:
    from pathlib import Path


def chat(folder: Path, *lines: str, name: str = "_chat.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("start", "minute"),
    [
        ("25/03/2025, 19:02 - ", "2025-03-25T18:02:00Z"),
        ("3/25/25, 7:02\u202fPM - ", "2025-03-25T18:02:00Z"),
        ("3/25/25, 7:02 p.\u00a0m. - ", "2025-03-25T18:02:00Z"),
        ("25.03.25, 19:02 - ", "2025-03-25T18:02:00Z"),
        ("25-03-2025 19:02 - ", "2025-03-25T18:02:00Z"),
        ("25.3.2025 klo 19.02 - ", "2025-03-25T18:02:00Z"),
        ("25. 3. 2025. 19:02:11 ", "2025-03-25T18:02:11Z"),
        ("[25/03/2025, 19:02:11] ", "2025-03-25T18:02:11Z"),
        ("\u200e[25.03.25, 19:02:11] ", "2025-03-25T18:02:11Z"),
        ("[2025/03/25, 19:02:11] ", "2025-03-25T18:02:11Z"),
        ("2025/3/25 下午7:02 - ", "2025-03-25T18:02:00Z"),
        ("[2025. 3. 25. 오후 7:02:11] ", "2025-03-25T18:02:11Z"),
        ("٢٥\u200f/٣\u200f/٢٠٢٥، ٧:٠٢ م - ", "2025-03-25T18:02:00Z"),  # noqa: RUF001
        ("3/25/25, 12:02 AM - ", "2025-03-24T23:02:00Z"),
        ("3/25/25, 12:02 PM - ", "2025-03-25T11:02:00Z"),
    ],
)
def test_every_layout_says_when_and_who(tmp_path: Path, start: str, minute: str) -> None:
    path = chat(tmp_path, f"{start}~ Ada Quill: new job: at the mill")
    assert said(read_all([path], reading())) == [(minute, "Ada Quill", "new job: at the mill")]


@pytest.mark.parametrize(
    ("dates", "order", "sure"),
    [
        (["25/03/25"], "dmy", True),
        (["03/25/25"], "mdy", True),
        (["03/04/25", "04/04/25", "05/04/25", "06/04/25"], "dmy", True),
        (["04/03/25", "04/04/25", "04/05/25", "04/06/25"], "mdy", True),
        (["12/01/25", "01/02/25"], "dmy", True),
        (["2025-03-04", "2025-03-05"], "ymd", True),
        (["3/6/25"], "dmy", False),
    ],
)
def test_the_order_of_dates_is_the_one_that_goes_forward(
    dates: list[str], order: str, sure: bool
) -> None:
    found = order_of([one for date in dates if (one := stamp(f"{date}, 19:02 - a: m"))])
    assert found is not None
    assert (found.name, found.sure) == (order, sure)


def test_a_date_that_could_be_two_days_is_warned_of_and_can_be_decided(tmp_path: Path) -> None:
    heard: list[str] = []
    path = chat(tmp_path, "3/6/25, 19:02 - Ada: hm")
    assert said(read_all([path], reading(warn=heard.append)))[0][0] == "2025-06-03T17:02:00Z"
    assert "--date-order" in heard[0]
    decided = said(read_all([path], reading(date_order="mdy", warn=heard.append)))
    assert decided[0][0] == "2025-03-06T18:02:00Z"
    assert len(heard) == 1


def test_pasted_lines_belong_to_the_message_they_were_pasted_into(tmp_path: Path) -> None:
    path = chat(
        tmp_path,
        "25/03/2025, 19:02 - Ada: look:",
        "11/01/2019, 08:00 - Ben: I live in Oslo",
        "[11/01/19, 08:01:00] Ben: still",
        "26/03/2025, 19:02 - Jo: old news",
    )
    assert [text for _, _, text in said(read_all([path], reading()))] == [
        "look:\n11/01/2019, 08:00 - Ben: I live in Oslo\n[11/01/19, 08:01:00] Ben: still",
        "old news",
    ]


def test_a_clock_set_back_for_winter_loses_nothing() -> None:
    hour = 3600.0
    assert list(in_sequence([0, hour, 0.5 * hour, 2 * hour])) == [True] * 4
    assert list(in_sequence([9e6, 1.0, 9e6 + 1])) == [True, False, True]


@pytest.mark.parametrize(
    "body",
    [
        *("<Media omitted>", "<Medien ausgeschlossen>", "<Multimedia omitido>"),
        *(
            "\u200eimage omitted",
            "\u200e<attached: 00042-PHOTO.jpg>",
            "Diese Nachricht wurde gelöscht.",
        ),
        *("This message was deleted", "null", "IMG-20250306-WA0001.jpg (file attached)"),
        "\u200eMessages and calls are end-to-end encrypted. Only people in WhatsApp can read them.",
    ],
)
def test_what_nobody_wrote_is_left_out_and_counted(tmp_path: Path, body: str) -> None:
    path = chat(tmp_path, f"25/03/2025, 19:02 - Ada: {body}", "25/03/2025, 19:03 - Jo: hm")
    documents, skipped = parted(read_all([path], reading()))
    assert [len(document.messages) for document in documents] == [1]
    assert [left.routine for left in skipped] == [True]


@pytest.mark.parametrize(
    "body",
    ["<3 you", "a < b > c", "see <https://x.example/a>", "I moved (again)", "می\u200cخواهم"],  # noqa: RUF001
)
def test_what_somebody_wrote_stays_as_it_is(tmp_path: Path, body: str) -> None:
    path = chat(tmp_path, f"25/03/2025, 19:02 - Ada: {body}")
    assert [text for _, _, text in said(read_all([path], reading()))] == [body]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("WhatsApp Chat with Ada Quill.txt", "Ada Quill"),
        ("WhatsApp Chat with Ada Quill (2).txt", "Ada Quill"),
        ("WhatsApp-Chat mit Ada.txt", "Ada"),
        ("Conversación de WhatsApp con Ada.txt", "Ada"),
        ("mill.txt", "mill"),
    ],
)
def test_a_chat_is_called_after_whom_it_is_with(tmp_path: Path, name: str, title: str) -> None:
    path = chat(tmp_path, "25/03/2025, 19:02 - Ada: hm", name=name)
    assert [document.title for document in parted(read_all([path], reading()))[0]] == [title]


def test_lines_in_many_layouts_are_refused_with_one_sentence(tmp_path: Path) -> None:
    path = chat(
        tmp_path, "25/03/2025, 19:02 - a: m", "[25/03/25 19:02:11] a: m", "25.3.2025 19:02 - a: m"
    )
    documents, (left,) = parted(read_all([path], reading()))
    assert not documents
    assert "several ways" in left.reason
