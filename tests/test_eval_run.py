"""Claims about running evaluations: verdicts, resuming, tables, bad input; over fake models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import ANN, HOME, WORK, FakeLM, HashEmbedder, ann
from test_cli import Memo

from memo.eval.cases import STATED, Ask, Asked, Case, Chunk, Label
from memo.eval.journal import Journal
from memo.eval.methods import Read, Tools, passages
from memo.eval.report import summary
from memo.eval.runner import METHODS, falsely_retired, run
from memo.eval.score import Reply, marked
from memo.records import Message
from memo.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
BEFORE, AFTER = (datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC) for day in ANN)


def asked(text: str, *accepted: str, **more: Any) -> Asked:
    return Asked(text, text, "kind", accepted, **{"updates": 0, **more})


def anns_case(name: str = "ann") -> Case:
    """Ann's story as a case: one answer changes, one does not, one was never told."""
    chunks = tuple(
        Chunk(f"{name}-{day}", (Message(text, at, "Ann"),))
        for (day, text), at in zip(ANN.items(), (BEFORE, AFTER), strict=True)
    )
    still = asked(HOME, "Hull", newest=("Hull",), first=("Hull",), chance=0.5)
    first = asked(WORK, "Acme", newest=("Acme",), first=("Acme",), chance=0.5)
    changed = asked(
        *(WORK, "Borealis"),
        updates=1,
        change=STATED,
        former=("Acme",),
        chance=0.5,
        newest=("Borealis",),
        first=("Acme",),
    )
    never = asked("Which car does Ann drive?")
    return Case(
        name, "group", chunks, (Ask(0, BEFORE, (first,)), Ask(1, AFTER, (changed, still, never)))
    )


def done(folder: Path, methods: Sequence[str], lm: FakeLM | None = None) -> list[dict[str, Any]]:
    """What a run, gone on with where one was stopped, writes down."""
    settings = Settings(home=folder / "nobody", models=folder)
    tools = Tools(lm or ann(), HashEmbedder(), settings, folder / "work")
    journal = Journal(folder / "run.jsonl", {"methods": list(methods)}, resume=True)
    for _ in run([anns_case()], methods, tools, journal):
        pass
    journal.close()
    return journal.records


def timeless(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "elapsed_s"} for record in records]


def right(records: list[dict[str, Any]], method: str) -> dict[tuple[str, int], bool]:
    return {
        (r["question"], r["after"]): r["right"]
        for r in records
        if r["is"] == "answer" and r["method"] == method
    }


def test_memo_as_shipped_is_asked_between_its_documents(tmp_path: Path) -> None:
    """A model that always answers `Borealis` is not believed before anything said so."""
    records = done(tmp_path, ["erase"])
    assert right(records, "erase")[WORK, 1]
    assert right(records, "erase")[WORK, 0]
    assert right(records, "erase")["Which car does Ann drive?", 1]
    retired = [r["retired"] for r in records if r["is"] == "read"]
    assert retired == [[], ["Ann works at Acme."]]


def test_facts_that_are_only_extracted_are_never_retired(tmp_path: Path) -> None:
    records = done(tmp_path, ["fact-rag"])
    reads = [r for r in records if r["is"] == "read"]
    assert [len(r["kept"]) for r in reads] == [2, 1]
    assert all(not r["retired"] for r in reads)
    assert right(records, "fact-rag")[WORK, 1]


@pytest.mark.parametrize("method", ["rag", "full"])
def test_methods_without_facts_ask_over_what_was_said(tmp_path: Path, method: str) -> None:
    lm = FakeLM(answers={WORK: "Borealis | Ann works at Borealis.", HOME: "Hull | [1]"})
    records = done(tmp_path, [method], lm)
    assert right(records, method)[WORK, 1]
    assert right(records, method)[HOME, 1]
    assert any("I left Acme" in prompt and "2024-06-01" in prompt for prompt in lm.asked)
    assert sum(r["calls"] for r in records if r["is"] == "read") == 0


def test_the_published_algorithm_judges_rewrites_and_adds(tmp_path: Path) -> None:
    def replies(prompt: str) -> str:
        if "Close with a last line" in prompt:
            false = "I left Acme" in prompt and prompt.rstrip().endswith("Ann works at Acme.")
            return f"She speaks of it.\n{'make false' if false else 'no change'}"
        if "Write it anew" in prompt:
            return "Ann works at Borealis."
        if "Write down all facts" in prompt:
            return "Ann works at Acme.\n- Ann lives in Hull." if "started" in prompt else ""
        return "Borealis | so" if "Borealis" in prompt else "Acme | so"

    class Published(FakeLM):
        def _reply(self, prompt: Any) -> str:
            return replies("".join(s.text for turn in prompt for s in turn.segments))

    records = done(tmp_path, ["erase-reference"], Published())
    reads = [r for r in records if r["is"] == "read"]
    assert reads[1]["retired"] == ["Ann works at Acme."]
    beliefs = {text: [truth for _, truth in history] for text, history in reads[1]["kept"]}
    assert beliefs == {
        "Ann works at Acme.": [True, False],
        "Ann lives in Hull.": [True],
        "Ann works at Borealis.": [True],
    }
    assert right(records, "erase-reference")[WORK, 1]
    assert [r["calls"] for r in reads] == [1, 4]


KILLED = """
import os, signal, sys
from pathlib import Path
from fakes import ann
from test_eval_run import done
left = [int(sys.argv[2])]
def before(prompt):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
done(Path(sys.argv[1]), sys.argv[3:], ann(before))
"""


@pytest.mark.parametrize("method", ["rag", "fact-rag", "erase", "full"])
def test_a_killed_run_goes_on_to_the_same_verdicts(tmp_path: Path, method: str) -> None:
    calm = tmp_path / "calm"
    calm.mkdir()
    wanted = timeless(done(calm, [method]))
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    kills = 0
    for calls in range(0, 40, 3):
        code = subprocess.run(
            [sys.executable, "-c", KILLED, tmp_path, str(calls), method],
            env=os.environ | {"PYTHONPATH": path},
            check=False,
        ).returncode
        kills += code == -9
        if code == 0:
            break
    assert code == 0
    assert kills >= 1
    assert timeless(done(tmp_path, [method])) == wanted


def test_a_line_that_a_stop_cut_off_is_done_again(tmp_path: Path) -> None:
    wanted = timeless(done(tmp_path, ["rag"]))
    path = tmp_path / "run.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    assert timeless(done(tmp_path, ["rag"])) == wanted


def test_where_everything_does_not_fit_there_is_no_answer(tmp_path: Path) -> None:
    lm = FakeLM(answers={WORK: "Acme | so"}, context_tokens=45)
    records = done(tmp_path, ["full"], lm)
    fits = {(r["question"], r["after"]): r["fits"] for r in records if r["is"] == "answer"}
    assert fits[WORK, 0]
    assert not fits[WORK, 1]
    (full, *_) = summary(records, [anns_case()])["figures"]
    assert full["accuracy"]["0"]["mean"] == 1.0
    assert full["accuracy"]["1"] is None
    assert full["did_not_fit"] == 3


@pytest.mark.parametrize(
    ("question", "reply", "wanted", "stale"),
    [
        (asked("q", "paralegal"), Reply("A paralegal."), True, False),
        (asked("q", "9 am to 5 pm"), Reply("from 9 am to 5 pm"), True, False),
        (asked("q", "31,000"), Reply("31000 a year"), True, False),
        (asked("q", "Zoë"), Reply("zoe"), True, False),
        (asked("q", "Hull"), Reply("Hullbridge"), False, False),
        (asked("q", "Hull", former=("York",)), Reply("in York"), False, True),
        (asked("q", "Hull"), Reply(abstained=True), False, False),
        (asked("q"), Reply(abstained=True), True, False),
        (asked("q"), Reply("nobody"), True, False),
        (asked("q", former=("Tom",)), Reply("Tom"), False, True),
        (asked("q", "Ida", "Tom", wants_list=True), Reply("x", ("tom", "Ida")), True, False),
        (asked("q", "Ida", "Tom", wants_list=True), Reply("x", ("Ida",)), False, False),
        (asked("q", "3 months", by_words=True), Reply("for about 3 months now"), True, False),
        (asked("q", "3 months", by_words=True), Reply("13 months"), False, False),
    ],
)
def test_an_answer_is_judged_by_what_it_says(
    question: Asked, reply: Reply, wanted: bool, stale: bool
) -> None:
    mark = marked(question, reply)
    assert (mark.right, mark.stale) == (wanted, stale)


def test_lists_count_in_part() -> None:
    mark = marked(asked("q", "Ida", "Tom", wants_list=True), Reply("x", ("Ida", "Ben")))
    assert mark.overlap == pytest.approx(1 / 3)


def test_a_fact_is_falsely_retired_only_where_all_it_can_mean_still_holds() -> None:
    labels = (Label("Ann", "Hull", True), Label("Ann", "Acme", False), Label("Ben", "Acme", True))
    chunk = Chunk("c", (Message("x", BEFORE),), labels)
    told = ("Ann lives in Hull.", "Ann works at Acme.", "Ben works at Acme.", "It rains.")
    assert falsely_retired(chunk, Read(believed=told, retired=told)) == (
        2,
        ["Ann lives in Hull.", "Ben works at Acme."],
    )
    assert falsely_retired(chunk, Read(believed=told, retired=told[1:2])) == (2, [])


def test_passages_keep_every_word_within_their_budget() -> None:
    lm = FakeLM()
    texts = ("one two three", "word " * 60, "four")
    chunk = Chunk("c", tuple(Message(text, BEFORE, "Ann") for text in texts))
    notes = passages(chunk, lm, 20)
    assert all(lm.count_tokens(note.text) <= 20 for note in notes)
    said = " ".join(note.text for note in notes).replace("Ann:", "").split()
    assert said == " ".join(texts).split()


def test_means_are_over_cases_and_baselines_are_free(tmp_path: Path) -> None:
    records = done(tmp_path, ["rag"], FakeLM(answers={HOME: "Hull | so", WORK: "Acme | so"}))
    figures = {one["method"]: one for one in summary(records, [anns_case()])["figures"]}
    assert set(figures) == {"rag", "chance", "newest", "first"}
    rag = figures["rag"]
    assert rag["accuracy"]["1"] == {"mean": 0.0, "error": None, "cases": 1, "answers": 1}
    assert rag["accuracy"]["all"]["mean"] == pytest.approx(2 / 3, abs=1e-4)  # never told: apart
    assert rag["stale_leak"]["mean"] == 1.0
    assert rag["refused_unanswerable"]["mean"] == 1.0
    assert rag["refused_answerable"]["mean"] == 0.0
    assert figures["newest"]["accuracy"]["1"]["mean"] == 1.0
    assert figures["first"]["accuracy"]["1"]["mean"] == 0.0
    assert figures["chance"]["accuracy"]["0"]["mean"] == 0.5


# The command


@pytest.fixture
def memo(tmp_path: Path) -> Memo:
    return Memo(tmp_path)


def test_a_nano_run_ends_with_tables_and_every_verdict(memo: Memo, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    result = memo("eval", "conversations", "--nano", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "single-hop" in result.stdout
    assert "multi-hop" in result.stdout
    assert "left" in result.stderr
    found = json.loads(out.read_text("ascii"))
    assert {one["method"] for one in found["verdicts"]} == {"rag", "fact-rag", "erase"}
    assert found["run"]["model"] == "fake"
    assert len(out.with_suffix(".jsonl").read_text("ascii").splitlines()) == (
        1 + len(found["verdicts"]) + len(found["readings"])
    )
    assert not out.with_suffix(".work").exists()
    assert not (memo.home / "memo.db").exists()


def test_an_earlier_run_is_not_overwritten_but_gone_on_with(memo: Memo, tmp_path: Path) -> None:
    args = ("eval", "conversations", "--nano", "--seeds", "3", "--out", tmp_path / "r.json")
    assert memo(*args, "--method", "rag").exit_code == 0
    again = memo(*args, "--method", "rag")
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    other = memo(*args, "--method", "full", "--resume")
    assert other.exit_code == 2
    assert "methods" in other.stderr
    before = (tmp_path / "r.jsonl").read_bytes()
    assert memo(*args, "--method", "rag", "--resume").exit_code == 0
    assert (tmp_path / "r.jsonl").read_bytes() == before


def test_figures_are_for_scripts_too(memo: Memo, tmp_path: Path) -> None:
    args = ("eval", "conversations", "--nano", "--method", "rag", "--out", tmp_path / "r.json")
    (printed,) = memo.json(*args)
    assert {"run", "figures"} == set(printed)


@pytest.mark.parametrize("seeds", ["", "x", "1-", "5-1", "1-99999", "-3", "1,,2"])
def test_seeds_that_mean_nothing_are_told(memo: Memo, tmp_path: Path, seeds: str) -> None:
    out = tmp_path / "r.json"
    result = memo("eval", "conversations", "--nano", "--seeds", seeds, "--out", out)
    assert result.exit_code == 2
    assert "--seeds" in result.stderr
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_told_at_once(memo: Memo, tmp_path: Path) -> None:
    result = memo("eval", "conversations", "--nano", "--out", tmp_path / "none" / "r.json")
    assert result.exit_code == 1
    assert "--out" in result.stderr


@pytest.mark.parametrize("name", ["r.jsonl", "r", "r.svg"])
def test_a_file_of_another_kind_is_not_written(memo: Memo, tmp_path: Path, name: str) -> None:
    result = memo("eval", "conversations", "--nano", "--out", tmp_path / name)
    assert result.exit_code == 2
    assert ".json" in result.stderr
    assert not (tmp_path / name).exists()


def test_who_stops_a_run_learns_how_it_goes_on(tmp_path: Path) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    args = ("eval", "conversations", "--nano", "--method", "rag", "--out", tmp_path / "r.json")
    stopped = Memo(tmp_path, FakeLM(before=stop))(*args)
    assert stopped.exit_code == 130
    assert "--resume" in stopped.stderr
    assert Memo(tmp_path)(*args, "--resume").exit_code == 0


def test_every_method_of_the_command_can_be_run() -> None:
    from memo.cli import evaluating  # noqa: PLC0415

    assert set(evaluating._METHODS) == set(METHODS)
