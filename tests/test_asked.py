"""Claims about what a question asks: whom, and as of which day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from toy import on

from memo.answer import NEVER_RECORDED, Question
from memo.asked import asked, day_in, in_present, named, readings
from memo.records import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("question", "bare", "day"),
    [
        ("Where did I work in March 2024?", "Where did I work?", date(2024, 3, 31)),
        ("Where did Ann live last March?", "Where did Ann live?", date(2026, 3, 31)),
        ("Who was my boss in 2023?", "Who was my boss?", date(2023, 12, 31)),
        ("Where was I on the 3rd of May 2024?", "Where was I?", date(2024, 5, 3)),
        ("Where did I live two years ago?", "Where did I live?", date(2024, 11, 22)),
        ("Where was I on 2024-03-01?", "Where was I?", date(2024, 3, 1)),
    ],
)
def test_a_question_may_name_its_day(question: str, bare: str, day: date) -> None:
    assert day_in(question, TODAY) == (bare, day)


@pytest.mark.parametrize(
    "question",
    [
        "When did I move in March?",
        "Where have I lived since 2023?",
        "Where did Ann work before May?",
        "May I ask where I live?",
        "Where did Ann work before the museum?",
        "What do 2024 notes say?",
        "Where was I on 31 February 2024?",
    ],
)
def test_other_questions_name_none(question: str) -> None:
    assert day_in(question, TODAY) is None


@pytest.mark.parametrize(
    ("question", "present"),
    [
        ("Where did I work?", "Where do I work?"),
        ("Where did Ann live then?", "Where does Ann live?"),
        ("Where did Ann and Bo live?", "Where do Ann and Bo live?"),
        ("What did I do for a living?", "What do I do for a living?"),
        ("Who was my boss at that time?", "Who is my boss?"),
        ("Where was I?", "Where am I?"),
        ("What did I do?", None),
        ("Where does Ann live?", None),
    ],
)
def test_how_things_were_is_asked_of_a_day_in_the_present(
    question: str, present: str | None
) -> None:
    assert in_present(question) == present


@pytest.mark.parametrize(
    ("question", "of_ann"),
    [
        ("Where do I live?", "Where does Ann live?"),
        ("What pets have I?", "What pets has Ann?"),
        ("Where am I and who is my boss?", "Where is Ann and who is Ann's boss?"),
    ],
)
def test_i_am_who_i_said_i_am(question: str, of_ann: str) -> None:
    assert named(question, "Ann") == of_ann


def test_the_end_of_the_day_named_counts_in_the_persons_zone() -> None:
    first, then = readings(Question("Where did I work in March 2024?"), None, UTC)
    assert first.as_of == datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC)
    assert first.text == "Where do I work?"
    assert then == Question("Where did I work in March 2024?")


def test_a_day_that_is_given_is_the_one_asked_about() -> None:
    question = Question("Where did I work in March?", on("2024-03-31"))
    first, then = readings(question, "Ann", UTC)
    assert first == Question("Where does Ann work?", on("2024-03-31"))
    assert then.text == "Where did Ann work in March?"


def test_where_one_reading_has_no_answer_the_next_is_tried() -> None:
    tried = []

    def put(reading: Question) -> Iterator[str | Answer]:
        tried.append(reading.text)
        known = reading.as_of is None
        yield "At Acme." if known else "That was never recorded."
        yield Answer(reading.text, "", "At Acme.", abstained=None if known else NEVER_RECORDED)

    question = Question("Where did I work in March 2024?")
    piece, said = asked(question, None, UTC, put)
    assert tried == ["Where do I work?", question.text]
    assert piece == "At Acme."
    assert isinstance(said, Answer)
    assert said.question == question.text


def test_an_answer_is_told_piece_by_piece_in_any_reading() -> None:
    done = []

    def put(reading: Question) -> Iterator[str | Answer]:
        for piece in ("At ", "Acme", " [1]."):
            yield piece
            done.append(piece)
        yield Answer(reading.text, "Acme", "At Acme [1].")

    pieces = asked(Question("Where did I work in March 2024?"), None, UTC, put)
    assert next(pieces) == "At "
    assert done == ["At "]  # a stop would be heard here
    assert [*pieces][:-1] == ["Acme", " [1]. That was so on 31 March 2024."]


def test_an_answer_as_of_a_day_that_was_only_named_tells_the_day() -> None:
    def put(reading: Question) -> Iterator[str | Answer]:
        yield "At Acme [1]."
        yield Answer(reading.text, "Acme", "At Acme [1].", as_of=reading.as_of)

    question = Question("Where did I work in March 2024?")
    *pieces, said = asked(question, None, UTC, put)
    assert isinstance(said, Answer)
    assert "".join(map(str, pieces)) == said.text == "At Acme [1]. That was so on 31 March 2024."
    assert (said.question, said.as_of) == (question.text, None)
