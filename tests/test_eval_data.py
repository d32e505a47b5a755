"""Claims about data sets of other people, on small ones written for these tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from test_cli import Memo

from memo.eval import factconsolidation, longmemeval, news
from memo.eval.data import DataProblem

if TYPE_CHECKING:
    from pathlib import Path

    from memo.eval.cases import Asked, Case

ONE_CASE = news.Size(pairs=50, cases=None, an_ask=100)


def span(subject: str, date: str, value: str) -> dict[str, str]:
    text = f"{subject} has joined the {value} this week."
    return {"subject": subject, "property": "team", "object": value, "date": date, "text": text}


def known(value: str, since: str | None, until: str | None = None) -> dict[str, str | None]:
    return {"answer": value, "known_from": since, "known_to": until}


def club(subject: str, *answers: dict[str, str | None]) -> dict[str, Any]:
    return {
        "question": f"What team is {subject} with?",
        "type": "team",
        "subject": subject,
        "answers": list(answers),
    }


def news_folder(folder: Path, subjects: int = 20) -> Path:
    """Subjects that move from the Reds to the Blues in 2022; nothing else happens."""
    names = [f"Player {n}" for n in range(subjects)]
    documents = [
        span(name, date, value)
        for name in names
        for date, value in (("2021-05-01", "Reds"), ("2022-05-01", "Blues"))
    ]
    moved = "2022-05-01T00:00:00Z"
    questions = [
        club(name, known("Reds", "2021-05-01 00:00:00", moved), known("Blues", moved))
        for name in names
    ]
    for path, rows in ((news.DOCUMENTS, documents), (news.QUESTIONS, questions)):
        (folder / path).write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


def everything_asked(cases: list[Case]) -> list[tuple[str, Asked]]:
    return [
        (f"{ask.at:%Y-%m-%d}", asked)
        for case in cases
        for ask in case.asks
        for asked in ask.questions
    ]


def test_news_is_judged_by_what_was_known_on_the_day(tmp_path: Path) -> None:
    cases = news.cases(news_folder(tmp_path), ONE_CASE, seed=1)
    asked = [(on, q) for on, q in everything_asked(cases) if q.group == news.NEWS]
    before = [q for on, q in asked if on == "2021-12-22"]
    after = [q for on, q in asked if on == "2022-08-31"]
    assert before
    assert {(q.accepted, q.updates, q.former) for q in before} == {(("Reds",), 0, ())}
    assert {(q.accepted, q.updates, q.former) for q in after} == {(("Blues",), 1, ("Reds",))}
    assert {q.choices for _, q in asked} == {("Blues", "Reds")}


def test_a_third_of_subjects_keep_their_old_answer_as_no_news_came(tmp_path: Path) -> None:
    cases = news.cases(news_folder(tmp_path, 100), ONE_CASE, seed=1)
    control = {q.id: q for _, q in everything_asked(cases) if q.group == news.CONTROLLED}
    assert 15 <= len(control) <= 45
    assert {(q.accepted, q.updates) for q in control.values()} == {(("Reds",), 0)}
    said = "\n".join(chunk.text for case in cases for chunk in case.chunks)
    for name in control:
        subject = name.removeprefix("What team is ").removesuffix(" with?")
        assert f"{subject} has joined the Reds" in said
        assert f"{subject} has joined the Blues" not in said


def test_what_is_read_hides_labels_and_comes_in_order(tmp_path: Path) -> None:
    (case,) = news.cases(news_folder(tmp_path), ONE_CASE, seed=2)
    times = [chunk.at for chunk in case.chunks]
    assert times == sorted(times)
    for ask in case.asks:
        assert case.chunks[ask.after].at <= ask.at.replace(hour=23)
        later = case.chunks[ask.after + 1 :]
        assert all(chunk.at.date() > ask.at.date() for chunk in later)
    assert all("team" not in chunk.text for chunk in case.chunks)


def longmemeval_folder(folder: Path, **changed: Any) -> Path:
    def one(name: str, kind: str, answer: Any) -> dict[str, Any]:
        return {
            "question_id": name,
            "question_type": kind,
            "question": "How long have I lived here?",
            "answer": answer,
            "question_date": "2023/05/27 (Sat) 13:11",
            "haystack_dates": ["2023/05/27 (Sat) 15:00", "2023/05/01 (Mon) 09:30"],
            "haystack_sessions": [
                [{"role": "user", "content": "It's three months here now."}],
                [
                    {"role": "user", "content": "I've moved."},
                    {"role": "assistant", "content": "How nice!"},
                ],
            ],
        } | changed

    questions = [
        one("a", "knowledge-update", "3 months. 4 months (including May) is also acceptable."),
        one("b_abs", "knowledge-update", "The information provided is not enough."),
        one("c", "temporal-reasoning", "21 days. 22 days (including the last day) is acceptable."),
        one("d", "single-session-preference", "They would prefer a quiet street."),
    ]
    (folder / longmemeval.FILE).write_text(json.dumps(questions), "utf-8")
    return folder


def test_sessions_are_read_by_day_and_assistants_are_context(tmp_path: Path) -> None:
    cases = longmemeval.cases(longmemeval_folder(tmp_path), longmemeval.Size(None))
    by_name = {case.id: case for case in cases}
    assert set(by_name) == {"a", "b_abs", "c"}
    chunks = by_name["a"].chunks
    assert [chunk.messages[0].text for chunk in chunks] == [
        "I've moved.",
        "It's three months here now.",
    ]
    assert [message.context for message in chunks[0].messages] == [False, True]
    assert by_name["b_abs"].group == longmemeval.ABSTENTION
    assert not by_name["b_abs"].asks[0].questions[0].answerable
    assert by_name["c"].asks[0].questions[0].accepted == ("21 days",)


def test_only_the_kinds_asked_for(tmp_path: Path) -> None:
    folder = longmemeval_folder(tmp_path)
    found = longmemeval.cases(folder, longmemeval.Size(1), ("temporal-reasoning",))
    assert [case.id for case in found] == ["c"]
    with pytest.raises(DataProblem, match="knowledge-update"):
        longmemeval.cases(folder, longmemeval.Size(1), ("chess",))


def facts_folder(folder: Path) -> Path:
    facts = [
        "Rugby is associated with Cardiff.",
        "The author of Emma is Jane Austen.",
        "Ann is married to Ben.",
        "The author of Emma is Roald Dahl.",
        *(f"Person {n} was born in the city of Town {n}." for n in range(60)),
    ]
    context = "Here is a list of facts:\n" + "\n".join(f"{n}. {f}" for n, f in enumerate(facts))
    single = [
        {"question": "Who is the author of Emma?", "answers": ["Roald Dahl"]},
        {"question": "Who is Ann married to?", "answers": ["Ben"]},
    ]
    multi = [{"question": "Who is married to the sibling of the author?", "answers": ["Cem"]}]
    for group, questions in (("single-hop", single), ("multi-hop", multi)):
        text = json.dumps({"source": group, "context": context, "qa": questions})
        (folder / factconsolidation.FILES[group]).write_text(text, "utf-8")
    return folder


def test_the_newest_of_numbered_facts_wins(tmp_path: Path) -> None:
    """Both files hold the same facts: one memory answers both sets of questions."""
    size = factconsolidation.SIZES["full"]
    (case,) = factconsolidation.cases(facts_folder(tmp_path), size, seed=1)
    assert sum(len(chunk.messages) for chunk in case.chunks) == 64
    asked = {q.text: q for q in case.asks[0].questions}
    emma = asked["Who is the author of Emma?"]
    assert (emma.accepted, emma.updates, emma.former) == (("Roald Dahl",), 1, ("Jane Austen",))
    assert asked["Who is Ann married to?"].updates == 0
    assert {q.group for q in asked.values()} == {"single-hop", "multi-hop"}


def test_a_smaller_list_keeps_all_that_competes_for_an_answer(tmp_path: Path) -> None:
    size = factconsolidation.Size(2, 10, ("single-hop",))
    (case,) = factconsolidation.cases(facts_folder(tmp_path), size, seed=1)
    said = [message.text for chunk in case.chunks for message in chunk.messages]
    assert len(said) == 10
    emma = [text for text in said if "Emma" in text]
    assert emma == ["The author of Emma is Jane Austen.", "The author of Emma is Roald Dahl."]


NAMES = {
    "news": news.DOCUMENTS,
    "longmemeval": longmemeval.FILE,
    "factconsolidation": factconsolidation.FILES["single-hop"],
}
BROKEN = ['[{"a": 1}]', "[1]", "{", '{"context": "", "qa": []}', "null", '"text"', "\xff"]


@pytest.mark.parametrize("name", NAMES)
def test_missing_data_is_one_sentence(tmp_path: Path, name: str) -> None:
    memo = Memo(tmp_path)
    result = memo("eval", name, "--data", tmp_path / "none", "--nano")
    assert result.exit_code == 1
    assert "--data" in result.stderr
    assert memo("eval", name, "--nano").exit_code == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", BROKEN)
def test_data_of_another_shape_is_one_sentence(tmp_path: Path, name: str, text: str) -> None:
    news_folder(tmp_path)
    (tmp_path / NAMES[name]).write_bytes(text.encode("latin-1"))
    result = Memo(tmp_path)("eval", name, "--data", tmp_path, "--nano")
    assert result.exit_code == 1
    assert NAMES[name] in result.stderr
    assert "fault in memo" not in result.stderr


@pytest.mark.parametrize("changed", [{"question_date": "May"}, {"haystack_dates": []}])
def test_a_session_without_a_day_is_one_sentence(tmp_path: Path, changed: dict[str, Any]) -> None:
    folder = longmemeval_folder(tmp_path, **changed)
    result = Memo(tmp_path)("eval", "longmemeval", "--data", folder)
    assert result.exit_code == 1
    assert longmemeval.FILE in result.stderr


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("news", news_folder),
        ("longmemeval", longmemeval_folder),
        ("factconsolidation", facts_folder),
    ],
)
def test_each_data_set_runs_to_its_end(tmp_path: Path, name: str, write: Any) -> None:
    memo, out = Memo(tmp_path), tmp_path / "r.json"
    args = ("eval", name, "--data", write(tmp_path), "--nano", "--out", out)
    assert memo(*args, "--method", "rag", "--method", "erase").exit_code == 0
    assert json.loads(out.read_text("ascii"))["verdicts"]
    assert "<svg" in out.with_suffix(".svg").read_text("utf-8")
