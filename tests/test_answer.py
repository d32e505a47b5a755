"""Claims about answers: cited values, what was before, three refusals, choices and lists."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from fakes import FakeLM, HashEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import on

from memo.answer import NEVER_RECORDED, RETRACTED, UNCERTAIN, Question, answer
from memo.records import (
    Add,
    Answer,
    Claim,
    Document,
    DocumentId,
    Fact,
    FactId,
    Message,
    Passage,
    PassageId,
    Plan,
    Rewrite,
    State,
)
from memo.retrieve import Evidence, evidence
from memo.store import Store

if TYPE_CHECKING:
    from pathlib import Path

WORK = "Where does Ann work?"
BEFORE = "Where did Ann work before?"


def job(firm: str, id_: int = 1, **fields: Any) -> Fact:
    usual: dict[str, Any] = {"state": State.CURRENT, "since": on("2024-01-05"), "until": None}
    said = Claim(f"Ann works at {firm}.", WORK, firm, ("Ann",))
    return Fact(FactId(id_), said, **(usual | fields))


def former(firm: str, id_: int = 1, until: str = "2024-06-01") -> Fact:
    return job(firm, id_, state=State.PAST, until=on(until))


def pet(text: str, id_: int) -> Fact:
    said = Claim(f"Ann has {text}.", "What pets does Ann have?", text, ("Ann",), several=True)
    return Fact(FactId(id_), said, State.CURRENT, on("2024-01-05"), None)


def passage(text: str, id_: int = 1) -> Passage:
    return Passage(PassageId(id_), DocumentId(1), text, on("2024-01-05"), "Ann")


def found(*notes: Fact | Passage) -> Evidence:
    return Evidence(
        tuple((note, 1.0) for note in notes if isinstance(note, Fact)),
        tuple((note, 1.0) for note in notes if isinstance(note, Passage)),
    )


def asked(
    question: Question | str, notes: Evidence, replies: dict[str, str] | None = None
) -> Answer:
    """The answer of a model with these replies; what was streamed is its text."""
    if isinstance(question, str):
        question = Question(question)
    *pieces, last = answer(question, notes, FakeLM(answers=replies or {}))
    assert isinstance(last, Answer)
    assert "".join(map(str, pieces)) == last.text
    return last


# -- values and citations ------------------------------------------------------------


def test_the_value_stands_alone_and_the_sentence_is_cited() -> None:
    said = asked(WORK, found(job("Acme")), {WORK: "Acme | Ann works at Acme [1]."})
    assert said.answer == "Acme"
    assert said.text == "Ann works at Acme [1]."
    assert [(c.n, c.fact.id) for c in said.facts] == [(1, 1)]
    assert said.abstained is None
    assert said.items is None


def test_a_sentence_without_a_citation_is_given_one() -> None:
    notes = found(pet("a dog", 1), job("Acme", 2))
    said = asked(WORK, notes, {WORK: "Acme | Ann works at Acme."})
    assert [c.fact.id for c in said.facts] == [2]
    assert "[2]" in said.text


def test_a_bare_value_is_cited_too() -> None:
    said = asked(WORK, found(job("Acme")), {WORK: "Acme |"})
    assert (said.answer, said.text) == ("Acme", "Acme [1]")


def test_a_passage_may_answer() -> None:
    notes = found(passage("I started at Acme."))
    said = asked(WORK, notes, {WORK: "Acme | Ann works at Acme [1]."})
    assert [c.passage.id for c in said.passages] == [1]
    assert said.facts == ()


def test_the_former_value_is_told_with_its_last_day() -> None:
    now = job("Borealis", 2, since=on("2024-06-01"), replaces=FactId(1))
    notes = found(now, former("Acme"))
    said = asked(WORK, notes, {WORK: "Borealis | Ann works at Borealis [1]."})
    assert said.answer == "Borealis"
    assert "ntil 1 June 2024" in said.text
    assert {c.fact.id for c in said.facts} == {1, 2}


def test_a_question_about_the_past_is_answered_with_what_was() -> None:
    now = job("Borealis", 2, since=on("2024-06-01"), replaces=FactId(1))
    notes = found(now, former("Acme"))
    said = asked(BEFORE, notes, {BEFORE: "Acme | Ann worked at Acme [2]."})
    assert (said.answer, said.abstained) == ("Acme", None)
    assert "until 1 June 2024" in said.text


def test_notes_fit_their_budget_and_the_best_come_first() -> None:
    lm = FakeLM()
    many = found(*(job(f"Firm number {n} of the very many", n) for n in range(1, 200)))
    *_, last = answer(Question(WORK), many, lm)
    assert "[1] Ann works at Firm number 1 " in lm.asked[0]
    assert lm.count_tokens(lm.asked[0]) < 900
    assert isinstance(last, Answer)


def test_a_long_passage_is_shortened_and_not_left_out() -> None:
    lm = FakeLM()
    list(answer(Question(WORK), found(passage("I started at Acme. " + "Rain fell. " * 200)), lm))
    assert "started at Acme" in lm.asked[0]


def test_the_answer_tells_what_it_cost() -> None:
    said = asked(WORK, found(job("Acme")), {WORK: "Acme | Ann works at Acme [1]."})
    assert said.usage.calls == 1
    assert said.usage.prompt_tokens > 0


# -- refusals ------------------------------------------------------------------------


def test_nothing_found_was_never_recorded_and_no_model_is_asked() -> None:
    said = asked(WORK, found())
    assert (said.answer, said.abstained) == ("", NEVER_RECORDED)
    assert said.text
    assert said.usage.calls == 0


@pytest.mark.parametrize("reply", ["not said", "Not said.", "", "\n", " | ", "|||"])
def test_what_the_notes_do_not_say_was_never_recorded(reply: str) -> None:
    said = asked("Which car does Ann drive?", found(job("Acme")), {"Which car": reply})
    assert (said.answer, said.abstained, said.facts) == ("", NEVER_RECORDED, ())


def test_a_value_that_stands_in_no_note_is_not_given() -> None:
    notes = found(pet("a dog", 1))
    said = asked(WORK, notes, {WORK: "Zanzibar | Ann works at Zanzibar [1]."})
    assert said.abstained == NEVER_RECORDED
    assert "Zanzibar" not in said.text


@pytest.mark.parametrize("reply", ["not said", "Zanzibar | Ann works at Zanzibar [1]."])
def test_what_the_model_overlooks_is_read_in_the_fact_that_answers_it(reply: str) -> None:
    notes = found(pet("a dog", 1), job("Acme", 2), job("Borealis", 3, since=on("2024-03-01")))
    said = asked(WORK, notes, {WORK: reply})
    assert (said.answer, said.text) == ("Borealis", "Ann works at Borealis [3].")


def test_of_several_that_the_model_overlooks_all_are_given() -> None:
    question = "What pets does Ann have?"
    said = asked(question, found(pet("a dog", 1), pet("a cat", 2)), {question: "not said"})
    assert said.text == "Ann has a dog [1]; Ann has a cat [2]."


def test_where_there_is_known_to_be_none_nothing_else_is_read() -> None:
    question = "Who is Ann married to?"
    none = Claim("Ann has no husband.", question, "no husband", ("Ann",))
    other = Claim("Bo is married to Ann's boss.", "Who is Bo married to?", "Ann's boss", ("Bo",))
    facts = [
        Fact(FactId(i), claim, State.CURRENT, on("2024-01-05"), None)
        for i, claim in enumerate((none, other), 1)
    ]
    lm = FakeLM(answers={question: "not said"}, readings={("Bo is", question): "Ann's boss"})
    *_, said = answer(Question(question), found(*facts), lm)
    assert isinstance(said, Answer)
    assert said.abstained is not None


def test_what_is_worded_otherwise_is_read_fact_by_fact() -> None:
    question = "Which pet does Ann keep?"
    lm = FakeLM(answers={question: "not said"}, readings={("Ann has a dog", question): "a dog"})
    *_, said = answer(Question(question), found(job("Acme", 1), pet("a dog", 2)), lm)
    assert isinstance(said, Answer)
    assert (said.answer, said.text) == ("a dog", "Ann has a dog [2].")


@pytest.mark.parametrize("asked_for", ["colleagues", "coworkers"])
def test_a_whole_list_is_answered_without_a_model(asked_for: str) -> None:
    text = "Ann works with Bo and Cy."
    listed = Claim(text, "Who are Ann's colleagues?", "Bo and Cy", ("Ann", "Ann's colleague"))
    notes = found(Fact(FactId(1), listed, State.CURRENT, on("2024-01-05"), None))
    said = asked(Question(f"Who are Ann's {asked_for}?", wants_list=True), notes)
    assert (said.items, said.usage.calls) == (("Bo", "Cy"), 0)
    assert said.text == "Ann works with Bo and Cy [1]."


def test_somebody_of_whom_no_note_speaks_has_no_answer() -> None:
    question = "Where does Priya work?"
    said = asked(question, found(job("Acme")), {question: "Acme | Priya works at Acme [1]."})
    assert said.abstained == NEVER_RECORDED


@pytest.mark.parametrize("reply", ["not said", "Acme | Ann works at Acme [1]."])
def test_what_has_ended_is_retracted_and_not_unknown(reply: str) -> None:
    said = asked(WORK, found(former("Acme")), {WORK: reply})
    assert (said.answer, said.abstained) == ("", RETRACTED)
    assert "until 1 June 2024" in said.text
    assert [c.fact.id for c in said.facts] == [1]


@pytest.mark.parametrize("reply", ["not said", "Acme | Ann works at Acme [1]."])
def test_what_is_doubted_is_said_to_be_uncertain(reply: str) -> None:
    doubted = job("Acme", state=State.UNCERTAIN, until=on("2024-06-01"))
    said = asked(WORK, found(doubted), {WORK: reply})
    assert (said.answer, said.abstained) == ("", UNCERTAIN)
    assert "outdated since 1 June 2024" in said.text


# -- choices and lists ---------------------------------------------------------------


@pytest.mark.parametrize("likeliest", ["Acme", "Borealis & Sons", "none of these"])
def test_a_choice_is_given_exactly(likeliest: str) -> None:
    choices = ("Acme", "Borealis & Sons", "none of these")
    replies = {"(Acme / ": f"{likeliest} |", f"{likeliest} |": " Ann works there [1]."}
    said = asked(Question(WORK, choices=choices), found(job("Acme")), replies)
    assert said.answer == likeliest


def test_a_list_has_an_item_for_every_part_that_a_note_bears_out() -> None:
    question = "What pets does Ann have?"
    notes = found(pet("a dog", 1), pet("two cats", 2))
    said = asked(
        Question(question, wants_list=True),
        notes,
        {question: "a dog, two cats | Ann has a dog [1] and two cats [2]."},
    )
    assert said.items == ("a dog", "two cats")
    assert [c.fact.id for c in said.facts] == [1, 2]


def test_a_list_of_choices_holds_nothing_but_choices() -> None:
    question = "What pets does Ann have?"
    said = asked(
        Question(question, choices=("dog", "cats", "horse"), wants_list=True),
        found(pet("a dog", 1), pet("two cats", 2)),
        {question: "a dog, two cats | Ann has a dog [1] and two cats [2]."},
    )
    assert said.items == ("dog", "cats")


def test_a_refused_list_is_empty() -> None:
    said = asked(Question("What pets does Ann have?", wants_list=True), found())
    assert (said.items, said.abstained) == ((), NEVER_RECORDED)


# -- over a real store ---------------------------------------------------------------


def test_as_of_answers_with_what_was_true_and_known_then(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    replies = {
        "Ann works at Borealis. (since": "Borealis | Ann works at Borealis [1].",
        "Ann works at Acme. (since": "Acme | Ann works at Acme [1].",
    }
    with Store.open(tmp_path / "memo.db", embedder=embedder.identity) as store:
        for text, date, edit in (
            ("I started at Acme.", "2024-01-05", Add(job("Acme").claim, on("2024-01-05"))),
            (
                "Borealis it is.",
                "2024-06-01",
                Rewrite(FactId(1), on("2024-06-01"), job("Borealis").claim),
            ),
        ):
            said = Document("note", text, (Message(text, on(date), "Ann"),))
            store.apply(said, Plan((edit,)), embedder.embed)
        then, now = (
            asked(
                Question(WORK, as_of=on(date)),
                evidence(store, embedder, WORK, on(date)),
                replies,
            )
            for date in ("2024-03-01", "2024-07-01")
        )
        early = asked(
            Question(WORK, as_of=on("2023-01-01")),
            evidence(store, embedder, WORK, on("2023-01-01")),
        )
    assert (then.answer, then.as_of) == ("Acme", on("2024-03-01"))
    assert now.answer == "Borealis"
    assert "ntil 1 June 2024" in now.text
    assert early.abstained == NEVER_RECORDED


# -- whatever the model replies ------------------------------------------------------

REPLIES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            "Acme Borealis Zanzibar | [1] [2] [9] [99999] . , and not said Ann".split()
        ),
        max_size=10,
    ).map(" ".join),
)


@settings(max_examples=150)
@given(reply=REPLIES, wants_list=st.booleans(), state=st.sampled_from(State))
def test_no_reply_whatever_cites_what_was_not_shown(
    reply: str, wants_list: bool, state: State
) -> None:
    until = None if state is State.CURRENT else on("2024-06-01")
    notes = found(job("Acme", state=state, until=until), passage("Borealis called me."))
    said = asked(Question(WORK, wants_list=wants_list), notes, {WORK: reply})
    former = state is State.PAST  # of which the model sees nothing when it is asked about now
    assert {c.n for c in said.facts} <= {2 if former else 1}
    assert {c.n for c in said.passages} <= {1 if former else 2}
    assert (said.answer == "") or said.abstained is None
    assert said.abstained in {None, NEVER_RECORDED, RETRACTED, UNCERTAIN}
    assert said.text
    assert (said.items is not None) == wants_list
    assert "Zanzibar" not in said.answer


def test_a_question_about_now_is_not_answered_from_what_was() -> None:
    was = job("Acme", state=State.PAST, until=on("2024-06-01"))
    notes = found(was, replace(job("Borealis"), id=FactId(2), replaces=was.id))
    lm = FakeLM(answers={WORK: "Borealis | Ann works at Borealis [1]."})
    *_, said = answer(Question(WORK), notes, lm)
    assert isinstance(said, Answer)
    assert "Acme" not in "".join(lm.asked)
    assert said.text.endswith("Until 1 June 2024: Ann works at Acme. [2]")
    assert [cited.fact.text for cited in said.facts] == [
        "Ann works at Borealis.",
        "Ann works at Acme.",
    ]


def test_a_bare_number_is_completed_from_the_fact_that_is_cited() -> None:
    home = Claim("Ann lives at 41 Hay Lane.", "Where does Ann live?", "41 Hay Lane", ("Ann",))
    notes = found(replace(job("Acme"), claim=home))
    reply = {"Where does Ann live?": "41 | Ann lives at 41 Hay Lane [1]."}
    assert asked("Where does Ann live?", notes, reply).answer == "41 Hay Lane"


def test_a_value_that_the_cited_note_does_not_hold_gives_way_to_that_of_the_note() -> None:
    notes = found(job("Borealis"), passage("I work at Acme."))
    said = asked(WORK, notes, {WORK: "Acme | Ann works at Borealis [1]."})
    assert (said.answer, said.text) == ("Borealis", "Ann works at Borealis [1].")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Ann worked at Acme [1].", "Ann worked at Acme [2]."),
        ("Ann worked at Acme [2].", "Ann worked at Acme [2]."),
        ("Ann worked at Acme [9].", "Ann worked at Acme [2]."),
        ("Ann lives in Hull [1].", "Ann lives in Hull [1]."),
    ],
    ids=["of another note", "right", "of none", "of what it says"],
)
def test_a_citation_is_of_the_note_that_holds_what_is_said(sentence: str, told: str) -> None:
    home = Fact(
        FactId(7),
        Claim("Ann lives in Hull.", "Where does Ann live?", "Hull", ("Ann",)),
        State.CURRENT,
        on("2024-01-05"),
        None,
    )
    given = asked(BEFORE, found(home, former("Acme")), {BEFORE: f"Acme | {sentence}"})
    assert given.text.startswith(told)
    assert given.answer == ("Hull" if "Hull" in told else "Acme")


def test_a_number_that_the_cited_note_does_not_hold_is_cited_elsewhere() -> None:
    said = Claim("Ann lives at 41 Hay Lane.", "Where does Ann live?", "41 Hay Lane", ("Ann",))
    home = Fact(FactId(7), said, State.CURRENT, on("2024-02-05"), None)
    old = passage("I live at 14 Hay Lane.")
    where = "Where does Ann live?"
    given = asked(where, found(home, old), {where: "41 Hay Lane | Ann lives at 41 Hay Lane [2]."})
    assert given.text.startswith("Ann lives at 41 Hay Lane [1].")


def test_a_former_value_beside_the_one_of_now_is_not_told() -> None:
    now = job("Borealis", 2, replaces=FactId(1))
    notes = found(now, former("Acme"), passage("I left Acme. I work at Borealis now."))
    given = asked(WORK, notes, {WORK: "Borealis, Acme | Ann works at Borealis [1] and Acme [2]."})
    assert given.answer == "Borealis"
    assert given.text.startswith("Ann works at Borealis [1].")
    assert "Acme [2]" not in given.text


@pytest.mark.parametrize(
    ("kin", "said", "abstained"),
    [
        ("brother", "Ann has a dog called Tom.", NEVER_RECORDED),
        ("brother", "Ann is married to Tom.", NEVER_RECORDED),
        ("brother", "Tom is Ann's brother.", None),
        ("husband", "Ann is married to Tom.", None),
        ("siblings", "Tom is Ann's sibling.", None),
        ("colleague", "Ann works with Tom.", None),
        ("colleague", "Ann lives with Tom.", NEVER_RECORDED),
        ("boss", "Ann works under Tom.", None),
    ],
)
def test_nothing_is_known_of_kin_whom_nobody_mentioned(
    kin: str, said: str, abstained: str | None
) -> None:
    who = f"Who is Ann's {kin}?"
    replies = {who: f"Tom | Tom is Ann's {kin} [1]."}
    assert asked(who, found(passage(said)), replies).abstained == abstained


def test_a_relation_of_others_answers_nothing_of_hers() -> None:
    who = "Who is Ann's brother?"
    replies = {who: "Tom | Tom is Ann's brother [1]."}
    assert asked(who, found(passage("Tom is Eve's brother.")), replies).abstained == NEVER_RECORDED
    assert asked(who, found(passage("Tom is my brother.")), replies).abstained is None


def test_nobody_is_their_own_brother() -> None:
    who = "Who are Ann's brothers?"
    replies = {who: "Tom, Ann | Tom is Ann's brother [1]."}
    evidence = found(passage("Tom and Ann are Ann's brothers."))
    *_, given = answer(Question(who, wants_list=True), evidence, FakeLM(answers=replies))
    assert isinstance(given, Answer)
    assert given.items == ("Tom",)


def test_what_was_noted_before_anybody_had_a_name_is_the_persons() -> None:
    said = Claim("I work at Acme.", "Where do I work?", "Acme", ("I",))
    note = Fact(FactId(1), said, State.CURRENT, on("2024-01-05"), None)
    lm = FakeLM(answers={WORK: "Acme | Ann works at Acme [1]."})
    *_, given = answer(Question(WORK), found(note), lm, me="Ann")
    assert isinstance(given, Answer)
    assert given.answer == "Acme"
    assert "[1] Ann works at Acme." in "".join(lm.asked)


def test_days_are_those_of_the_persons_zone() -> None:
    # Midnight in London's summer is an hour earlier by universal time.
    until = datetime(2024, 4, 27, 23, tzinfo=UTC)
    notes = found(job("Acme", state=State.PAST, until=until))
    lm = FakeLM(answers={"Where did Ann work?": "Acme | Ann worked at Acme [1]."})
    *_, said = answer(Question("Where did Ann work?"), notes, lm, zone=ZoneInfo("Europe/London"))
    assert isinstance(said, Answer)
    assert said.text.endswith("That was so until 28 April 2024.")
    assert "until 2024-04-28" in "".join(lm.asked)


def test_notes_are_fenced_anew_for_every_question() -> None:
    lm = FakeLM()
    for _ in range(2):
        list(answer(Question(WORK), found(job("Acme")), lm))
    fences = set(re.findall(r"Notes <(\w+)>", "".join(lm.asked)))
    assert len(fences) == 2


def test_a_pinned_fact_is_shown_like_any_other() -> None:
    notes = found(replace(job("Acme"), pinned=True))
    assert asked(WORK, notes, {WORK: "Acme | Ann works at Acme [1]."}).answer == "Acme"
