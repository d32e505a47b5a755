"""Claims about the command line: the contract's commands, JSON and exit codes, and bad input."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pytest
import tiny
from click.testing import CliRunner
from fakes import ANN, WORK, FakeLM, HashEmbedder, ann

from memo.cli import main
from memo.engines import INSTALLED, Engines, hardware
from memo.errors import ContextOverflow
from memo.settings import load
from memo.show import show
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result
ROOT = Path(__file__).parent.parent


class Memo:
    """The command line in a home of its own, over fake models."""

    def __init__(self, folder: Path, lm: FakeLM | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environ = {
            "MEMO_HOME": str(self.home),
            "MEMO_MODELS": str(folder / "models"),
            "TZ": "UTC",
            "NO_COLOR": "",
        }
        model, embedder = lm or ann(), HashEmbedder()
        self.engines: Engines | None = Engines(lambda _: model, lambda _: embedder)

    def __call__(self, *args: str | Path, input: str | bytes | None = None) -> Result:
        runner = CliRunner(env=self.environ)
        result = runner.invoke(main, [str(arg) for arg in args], obj=self.engines, input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        open_logs = logging.getLogger("memo").handlers
        assert not any(isinstance(one, RotatingFileHandler) for one in open_logs)
        return result

    def json(self, *args: str | Path, input: str | bytes | None = None) -> list[dict[str, Any]]:
        """The lines that a successful command prints."""
        result = self(*args, "--json", input=input)
        assert result.exit_code == 0, result.stderr
        return lines(result)

    def tell(self) -> None:
        """Ann's whole story."""
        for date, text in ANN.items():
            assert self("add", text, "--at", date, "--speaker", "Ann").exit_code == 0

    def whole(self) -> bool:
        """Whether the store checks out."""
        with Store.open(self.home / "memo.db") as store:
            return store.check() == []


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def memo(tmp_path: Path) -> Memo:
    return Memo(tmp_path)


@pytest.fixture
def told(memo: Memo) -> Memo:
    memo.tell()
    return memo


def chat(folder: Path, *extra: str) -> Path:
    path = folder / "chat.jsonl"
    said = [
        {"conversation": "kitchen", "speaker": "Ann", "text": text, "at": f"{date}T12:00:00Z"}
        for date, text in ANN.items()
    ]
    path.write_text("\n".join([*map(json.dumps, said), *extra]) + "\n")
    return path


# -- JSON as the contract has it -----------------------------------------------------


def test_i_is_who_the_settings_say(memo: Memo) -> None:
    memo.home.mkdir(mode=0o700)
    (memo.home / "settings.toml").write_text('me = "Ann"\n')
    memo("add", ANN["2024-01-05"], "--at", "2024-01-05")
    (named,) = memo.json("add", ANN["2024-06-01"], "--at", "2024-06-01", "--speaker", "Ann")
    assert any(edit["text"].startswith("Ann ") for edit in named["edits"])
    assert {fact["text"].split()[0] for fact in memo.json("facts")} == {"Ann"}


def test_add_prints_a_change_set(memo: Memo) -> None:
    (first,) = memo.json("add", ANN["2024-01-05"], "--at", "2024-01-05", "--speaker", "Ann")
    assert first["at"] == "2024-01-05T00:00:00Z"
    assert first["edits"][0] == {
        "op": "add",
        "fact": 1,
        "text": "Ann works at Acme.",
        "evidence": "I started at Acme.",
    } | ({"confidence": c} if (c := first["edits"][0].get("confidence")) is not None else {})
    (second,) = memo.json("add", ANN["2024-06-01"], "--at", "2024-06-01", "--speaker", "Ann")
    (rewrite,) = [edit for edit in second["edits"] if edit["op"] == "rewrite"]
    assert rewrite["fact"] == 1
    assert rewrite["text"] == "Ann works at Acme."
    assert rewrite["new_text"] == "Ann works at Borealis."
    assert set(second) >= {
        *("change", "document", "title", "at", "edits", "held", "calls"),
        *("prompt_tokens", "evaluated_tokens", "completion_tokens", "elapsed_s"),
    }


def test_import_prints_change_sets_and_one_summary(memo: Memo, tmp_path: Path) -> None:
    *changes, summary = memo.json("import", chat(tmp_path))
    assert [change["at"] for change in changes] == ["2024-01-05T12:00:00Z", "2024-06-01T12:00:00Z"]
    elapsed = summary.pop("elapsed_s")
    assert elapsed >= 0
    assert summary == {
        "imported": 2,
        "already_known": 0,
        "skipped": [],
        "failed": [],
        "documents": 2,
    }
    (again,) = memo.json("import", chat(tmp_path))
    assert (again["imported"], again["already_known"]) == (0, 2)


def test_facts_have_the_contracts_fields(told: Memo) -> None:
    facts = {fact["text"]: fact for fact in told.json("facts", "--state", "all")}
    old, new = facts["Ann works at Acme."], facts["Ann works at Borealis."]
    assert old == {
        "id": old["id"],
        "text": "Ann works at Acme.",
        "question": "Where does Ann work?",
        "value": "Acme",
        "state": "past",
        "since": "2024-01-05T00:00:00Z",
        "until": "2024-06-01T00:00:00Z",
        "pinned": False,
        "document": 1,
        "replaced_by": new["id"],
        "replaces": None,
    }
    assert (new["state"], new["replaces"]) == ("current", old["id"])


def test_facts_as_of_a_day_are_those_of_its_end(told: Memo) -> None:
    def then(day: str) -> set[str]:
        return {fact["value"] for fact in told.json("facts", "--as-of", day)}

    assert then("2024-01-04") == set()
    assert then("2024-01-05") == then("2024-05-31") == {"Acme", "Hull"}
    assert then("2024-06-01") == {"Borealis", "Hull"}
    assert then("May 2024") == {"Acme", "Hull"}
    assert then("yesterday") == {"Borealis", "Hull"}


def test_history_is_oldest_first_with_the_words_that_caused_it(told: Memo) -> None:
    entries = told.json("history", "1")
    assert [entry["event"] for entry in entries] == ["added", "rewritten"]
    assert entries[0]["quote"] == "I started at Acme."
    assert set(entries[0]) >= {
        *("at", "recorded_at", "event", "truth", "text", "change", "document", "quote")
    }


def test_history_shows_what_came_in_its_place(told: Memo) -> None:
    (new,) = told.json("facts", "Borealis", "--limit", "1")
    told("edit", str(new["id"]), "Ann works at Cargo.")
    for fact, place in (("1", f"Ann works at Borealis.  #{new['id']}"), (str(new["id"]), "Cargo")):
        shown = told("history", fact).stdout.splitlines()
        assert place in shown[-1]
        assert shown[-1].lstrip().startswith("→ ")
    assert told.json("history", str(new["id"]))[-1]["new_text"] == "Ann works at Cargo."


def test_history_tells_the_undoing_of_a_whole_import(memo: Memo, tmp_path: Path) -> None:
    memo.json("import", chat(tmp_path))
    last = str(max(fact["id"] for fact in memo.json("facts", "--state", "all")))
    memo.json("undo", "--import")
    events = [(one["event"], one["undone"]) for one in memo.json("history", last)]
    assert events == [("added", True), ("undone", False)]


def test_log_show_undo_and_redo_tell_change_sets(told: Memo) -> None:
    assert [change["change"] for change in told.json("log")] == [2, 1]
    assert len(told.json("log", "--limit", "1")) == 1
    assert told.json("show", "1")[0]["change"] == 1
    assert told.json("undo")[0]["target"] == 2
    assert told.json("show", "2")[0]["undone"]
    assert {fact["value"] for fact in told.json("facts")} == {"Acme", "Hull"}
    assert told.json("redo")[0]["target"] == 2
    assert {fact["value"] for fact in told.json("facts")} == {"Borealis", "Hull"}


def test_undo_names_what_it_takes_back_and_that_forgetting_stays(told: Memo) -> None:
    told("pin", "2")
    told("forget", "3", "--yes")
    undone = told("undo")
    assert undone.exit_code == 0
    assert "Forgetting cannot be undone" in undone.stderr
    assert "Taken back: change 3, “Pinned fact 2”." in undone.stderr
    again = told("undo", "--json")
    assert "Forgetting" not in again.stderr
    assert lines(again)[0]["target"] == 2
    assert "change 2" in again.stderr


def test_documents_and_one_document(told: Memo) -> None:
    second, first = told.json("documents")
    assert (first["id"], first["source"], first["messages"]) == (1, "note", 1)
    (whole,) = told.json("document", str(second["id"]))
    assert whole["passages"][0]["text"] == ANN["2024-06-01"]
    assert whole["changed"]["change"] == second["change"]


def test_an_answer_has_the_contracts_fields(told: Memo) -> None:
    (answer,) = told.json("ask", WORK, "--as-of", "2024-07-01")
    assert set(answer) == {
        *("id", "question", "answer", "text", "items", "abstained", "as_of", "facts", "passages"),
        *("prompt_tokens", "evaluated_tokens", "completion_tokens", "first_token_s", "elapsed_s"),
    }
    assert (answer["id"], answer["answer"], answer["abstained"]) == (None, "Borealis", None)
    assert answer["as_of"] == "2024-07-01T23:59:59Z"
    (fact,) = [fact for fact in answer["facts"] if fact["text"] == "Ann works at Borealis."]
    assert f"[{fact['n']}]" in answer["text"]
    assert set(fact) == {"n", "id", "text", "state", "since", "until", "score"}
    for passage in answer["passages"]:
        assert set(passage) == {"n", "document", "text", "at"}


def test_what_was_never_told_is_not_answered(told: Memo) -> None:
    (answer,) = told.json("ask", "Which car does Ann drive?")
    assert (answer["answer"], answer["abstained"]) == ("", "never recorded")
    assert told("ask", "Which car does Ann drive?").exit_code == 0


def test_people_read_the_answer_and_what_it_rests_on(told: Memo) -> None:
    text, *sources = told("ask", WORK).stdout.splitlines()
    assert text.startswith("Ann works at Borealis.")
    assert any("Ann works at Borealis. (current, since 2024-06-01)" in line for line in sources)


def test_questions_from_a_pipe_are_answered_in_order(told: Memo) -> None:
    asked = [
        WORK,
        json.dumps({"id": "q2", "question": "Where did Ann work before?"}),
        "",
        json.dumps({"id": 3, "question": WORK, "as_of": "2024-03-01", "choices": ["Acme", "Zoo"]}),
    ]
    first, second, third = told.json("ask", "-", input="\n".join(asked))
    assert [one["id"] for one in (first, second, third)] == [None, "q2", 3]
    assert second["question"] == "Where did Ann work before?"
    assert third["answer"] in {"Acme", "Zoo"}
    assert third["as_of"] == "2024-03-01T23:59:59Z"


def test_a_choice_is_answered_exactly_and_a_list_as_a_list(told: Memo) -> None:
    (choice,) = told.json("ask", WORK, "--choice", "the Zoo", "--choice", "Borealis")
    assert choice["answer"] in {"the Zoo", "Borealis"}
    (listed,) = told.json("ask", WORK, "--list")
    assert listed["items"] == ["Borealis"]


@pytest.mark.parametrize(
    "line",
    [
        *('{"question": ', '{"id": 1}', '{"question": 7}', '{"question": " "}'),
        *('{"question": "Who?", "as_of": "0000-01-01"}', '{"question": "Who?", "choices": "Acme"}'),
        *('{"question": "Who?", "as_of": 7}', '{"question": ' + "[" * 100_000),
    ],
)
def test_a_malformed_question_among_good_ones_is_named(told: Memo, line: str) -> None:
    result = told("ask", "-", "--json", input=f"{WORK}\n{line}\n{WORK}\n")
    assert result.exit_code == 3
    assert [one["answer"] for one in lines(result)] == ["Borealis", "Borealis"]
    assert "line 2" in result.stderr


def test_edit_pin_and_forget(told: Memo) -> None:
    (home,) = told.json("facts", "Hull", "--limit", "1")
    (change,) = told.json("edit", str(home["id"]), "Ann lives in York.")
    assert change["edits"][0]["new_text"] == "Ann lives in York."
    york = str(change["edits"][0]["new_fact"])
    assert told.json("pin", york)[0]["edits"][0]["op"] == "pin"
    assert told("pin", york, "--off").exit_code == 0
    assert told("forget", york).exit_code == 2
    assert told.json("forget", york, "--yes")[0]["kind"] == "forget"
    assert told.json("forget", "--document", "2", "--yes")
    assert told.json("forget", "--source", "note", "--yes")
    assert told.json("facts", "--state", "all") == []


@pytest.mark.parametrize("command", [["edit", "1", "Ann works at Cargo."], ["pin", "1"]])
def test_a_past_fact_is_not_changed_and_the_one_in_its_place_is_named(
    told: Memo, command: list[str]
) -> None:
    (work,) = told.json("facts", "Borealis", "--limit", "1")
    log = told.json("log")
    result = told(*command)
    assert result.exit_code == 2
    assert f"Fact 1 is past; fact {work['id']} came in its place: {command[0]}" in result.stderr
    assert told.json("log") == log
    assert told("pin", "1", "--off").exit_code == 0


def test_the_first_note_says_how_to_say_who_one_is(memo: Memo) -> None:
    first = memo("add", ANN["2024-01-05"], "--at", "2024-01-05")
    assert first.exit_code == 0
    assert f'write me = "Your name" into {memo.home / "settings.toml"}' in first.stderr
    assert "your name" not in memo("add", "Hi.").stderr.lower()
    (memo.home / "settings.toml").write_text('me = "Ann"\n')
    memo("add", ANN["2024-06-01"], "--at", "2024-06-01")
    (document,) = (one for one in memo.json("documents") if one["at"].startswith("2024-06-01"))
    (whole,) = memo.json("document", str(document["id"]))
    assert whole["passages"][0]["speaker"] == "Ann"


@pytest.mark.parametrize("command", [["history", "abc"], ["show", "0"], ["document", "-1"]])
def test_what_is_no_id_is_told_where_ids_are_listed(told: Memo, command: list[str]) -> None:
    result = told(command[0], "--", command[1])
    listed = {"history": "facts", "show": "log", "document": "documents"}[command[0]]
    assert result.exit_code == 2
    assert f"'{command[1]}' is no id: an id is a number that `memo {listed}` shows." in (
        result.stderr
    )


def test_ask_without_a_question_says_which_is_missing(told: Memo) -> None:
    result = told("ask", input="")
    assert result.exit_code == 2
    assert "Which question?" in result.stderr
    assert told("ask", "-", input="").exit_code == 0


def test_a_closed_standard_input_is_told_in_a_sentence(told: Memo) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "memo", "ask"],
        cwd=ROOT,
        env=os.environ | told.environ,
        preexec_fn=lambda: os.close(0),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Which question?" in done.stderr


def test_one_record_is_one_and_what_is_left_out_alone_is_named(memo: Memo, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note.txt").write_text("I live in Hull.")
    (tmp_path / "in" / "data.bin").write_bytes(bytes(range(256)))
    shown = memo("import", tmp_path / "in", "--dry-run", "--at", "2024-01-05")
    assert "data.bin, as it is in no format memo reads" in shown.stderr
    assert "1 document to read" in shown.stdout
    only = memo("import", tmp_path / "in" / "note.txt", "--at", "2024-01-05")
    assert "0 failed = 1 record; 1 document, " in only.stderr


@pytest.mark.parametrize("text", ["Hello.", "A whole transcript, not a backup.\n" * 300])
def test_a_text_is_no_backup(told: Memo, tmp_path: Path, text: str) -> None:
    file = tmp_path / "demo.out"
    file.write_text(text)
    result = told("restore", file, "--yes")
    assert result.exit_code == 5
    assert f"{file} is no backup of memo" in result.stderr
    assert len(told.json("facts")) == 2


def test_merge_keeps_the_first_sentence_or_takes_ones_own(told: Memo) -> None:
    ids = [str(fact["id"]) for fact in told.json("facts")]
    (change,) = told.json("merge", *ids)
    assert {edit["op"] for edit in change["edits"]} == {"rewrite"}
    assert len(told.json("facts")) == 1
    assert told("undo").exit_code == 0
    assert told("merge", *ids, "--text", "Ann lives in York.").exit_code == 0
    assert [fact["text"] for fact in told.json("facts")] == ["Ann lives in York."]
    assert told("merge", ids[0]).exit_code == 2
    assert told("merge", *ids).exit_code == 2


@pytest.mark.parametrize(
    "args", [[], ["1", "--document", "1"], ["--document", "1", "--source", "note"]]
)
def test_forget_wants_one_thing(told: Memo, args: list[str]) -> None:
    assert told("forget", *args, "--yes").exit_code == 2


def test_export_prints_lines_that_import_again(told: Memo, tmp_path: Path) -> None:
    exported = told("export")
    (tmp_path / "b").mkdir()
    other = Memo(tmp_path / "b")
    (tmp_path / "exported.jsonl").write_text(exported.stdout)
    assert other.json("import", tmp_path / "exported.jsonl")[-1]["imported"] == 2
    assert [fact["text"] for fact in other.json("facts")] == [
        fact["text"] for fact in told.json("facts")
    ]


def test_export_as_markdown_tells_what_held_when(told: Memo, tmp_path: Path) -> None:
    path = tmp_path / "memory.md"
    assert told("export", path, "--format", "markdown").exit_code == 0
    text = path.read_text()
    assert "## Ann" in text
    assert "- Ann works at Acme. (since 2024-01-05, until 2024-06-01)" in text
    assert path.stat().st_mode & 0o077 == 0
    assert told("export", path).exit_code == 2
    assert path.read_text() == text


def test_the_name_of_an_export_decides_its_format_unless_one_is_given(
    told: Memo, tmp_path: Path
) -> None:
    facts, messages = tmp_path / "facts.md", tmp_path / "messages.md"
    assert told.json("export", facts)[0]["format"] == "markdown"
    assert facts.read_text().startswith("# Memory\n")
    assert told.json("export", messages, "--format", "jsonl")[0]["format"] == "jsonl"
    assert told.json("export", tmp_path / "facts.jsonl")[0]["format"] == "jsonl"
    assert messages.read_bytes() == (tmp_path / "facts.jsonl").read_bytes()


def test_backup_restore_and_reset(told: Memo, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert told("backup", copy).exit_code == 0
    assert told("backup", copy).exit_code == 5
    assert told("reset").exit_code == 2
    assert str(told.home / "memo.db") in told.json("reset", "--yes")[0]["deleted"]
    assert told.json("facts") == []
    assert told("restore", copy).exit_code == 2
    assert told("restore", copy, "--yes").exit_code == 0
    assert len(told.json("facts")) == 2


def test_where_names_the_paths(memo: Memo) -> None:
    (paths,) = memo.json("where")
    assert set(paths) == {"home", "store", "models", "settings", "log"}
    assert paths["store"] == str(memo.home / "memo.db")
    assert not memo.home.exists()


def test_the_doctor_names_what_is_wrong(told: Memo) -> None:
    result = told("doctor", "--json")
    (found,) = lines(result)
    wrong = {check["name"] for check in found["checks"] if not check["ok"]}
    assert "chat model" in wrong
    assert "store" not in wrong
    assert not found["ok"]
    assert result.exit_code != 0


def test_a_repair_keeps_a_copy_and_forgetting_takes_it_along(told: Memo) -> None:
    told("doctor", "--repair")
    (copy,) = told.home.glob("memo-before-repair-*")
    assert copy.name in told("forget", "1", "--yes").stderr
    assert not copy.exists()


def test_models_are_listed_recommended_and_chosen(memo: Memo) -> None:
    (found,) = memo.json("model", "list")
    default = next(m for m in found["models"] if m["name"] == "qwen2.5-coder-1.5b-instruct")
    assert set(default) >= {"licence", "bytes", "memory_mb", "score", "installed"}
    assert default["used"]
    (best,) = memo.json("model", "recommend")
    assert best["chat"] in {model["name"] for model in found["models"]}
    assert memo("model", "use", "smollm2-135m-instruct").exit_code == 4
    assert memo("model", "remove", "smollm2-135m-instruct", "--yes").exit_code == 4
    assert memo("model", "pull", "no-such-model", "--yes").exit_code == 4
    assert memo("model", "pull").exit_code == 2


def test_doctor_and_recommend_tell_alike_what_the_model_in_use_gets(
    memo: Memo, tmp_path: Path
) -> None:
    memo.environ["MEMO_MODEL"] = str(tiny.write(tmp_path / "tiny.gguf"))
    (found,) = memo.json("model", "recommend")
    assert "thread" in found["placement"]
    assert "keys and values at 16 bits" in found["placement"]
    assert f"{found['placement']}." in memo("model", "recommend").stdout
    assert f"{found['placement']}." in memo("doctor").stdout


def test_a_card_that_the_build_cannot_use_is_named_with_the_build_that_can(
    memo: Memo, tmp_path: Path
) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho '24000, NVIDIA Test'\n")
    driver.chmod(0o755)
    memo.environ["PATH"] = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    if hardware(None).devices:
        pytest.skip("this build of llama.cpp uses cards")
    (found,) = memo.json("model", "recommend")
    assert "NVIDIA Test" in found["idle"]
    assert "-DGGML_CUDA=on" in found["idle"]
    assert found["uses"] == []
    assert found["vram_bytes"] == 24000 << 20
    assert "NVIDIA Test" in memo("model", "recommend").stdout
    assert "GGML_CUDA" in memo("doctor").stdout


def test_a_dry_run_reads_and_keeps_nothing(memo: Memo, tmp_path: Path) -> None:
    memo.engines = None
    *documents, summary = memo.json("import", chat(tmp_path), "--dry-run")
    assert [document["messages"] for document in documents] == [1, 1]
    assert (summary["imported"], summary["documents"]) == (2, 2)
    assert memo.json("documents") == []


def nell() -> FakeLM:
    """A model that understands of the sample what the demo asks."""
    return FakeLM(
        extracts={
            "live at 41 Pear Tree Lane": ["Nell lives at 41 Pear Tree Lane."],
            "work at Lantern Books": ["Nell works at Lantern Books."],
        },
        slots={
            "Nell lives at 41 Pear Tree Lane.": "Where does Nell live? | 41 Pear Tree Lane | one",
            "Nell works at Lantern Books.": "Where does Nell work? | Lantern Books | one",
        },
        answers={
            "Where does Nell live?": "41 Pear Tree Lane | Nell lives at 41 Pear Tree Lane.",
            "Where did Nell work before the museum?": "Lantern Books | The bookshop.",
        },
    )


def test_the_demo_leaves_nothing_behind_and_judges_its_answers(tmp_path: Path) -> None:
    memo = Memo(tmp_path, nell())
    memo.environ["TMPDIR"] = str(tmp_path)
    (sums,) = memo.json("demo")
    assert [answer["as_expected"] for answer in sums["answers"]] == [True, True, True]
    assert sums["counts"]["documents"] == len(sums["changes"]) > 10
    assert list(tmp_path.iterdir()) == []
    assert "2024-02-03" in (shown := memo("demo").stdout)
    assert "3 of 3" in shown
    assert Memo(tmp_path, FakeLM())("demo").exit_code == 1


def test_the_demos_home_can_be_kept(tmp_path: Path) -> None:
    memo = Memo(tmp_path, nell())
    assert memo("demo", "--keep", tmp_path / "kept").exit_code == 0
    assert memo.json("documents", "--home", tmp_path / "kept")
    assert memo("demo", "--keep", tmp_path / "kept").exit_code == 2


# -- options and streams -------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False])
def test_global_options_stand_before_or_after_the_command(
    memo: Memo, tmp_path: Path, before: bool
) -> None:
    options = ["--home", str(tmp_path / "other"), "--json"]
    result = memo(*(options if before else []), "where", *([] if before else options))
    assert lines(result)[0]["home"] == str(tmp_path / "other")


def test_global_options_stand_after_a_nested_command(memo: Memo) -> None:
    assert lines(memo("model", "--json", "list")) == lines(memo("model", "list", "--json"))


def test_text_comes_from_a_pipe(memo: Memo) -> None:
    said = ANN["2024-01-05"]
    for args in (["-"], []):
        (change,) = memo.json("add", *args, "--at", "2024-01-05", "--speaker", "Ann", input=said)
    assert change["document"] == 1
    assert len(memo.json("documents")) == 1


def test_a_zone_is_taken_for_times_without_one(memo: Memo) -> None:
    (change,) = memo.json("add", "Hi.", "--at", "2024-07-01T12:00", "--tz", "Europe/London")
    assert change["at"] == "2024-07-01T11:00:00Z"
    assert memo("add", "Hi.", "--tz", "Mars/Olympus").exit_code == 2


def test_narration_goes_to_stderr_and_can_be_silenced(memo: Memo, tmp_path: Path) -> None:
    path = chat(tmp_path)
    loud, quiet = memo("import", path), memo("import", path, "--quiet")
    assert "2 imported" in loud.stderr
    assert "2 imported" not in loud.stdout
    assert quiet.stderr == ""


def test_what_is_not_a_terminal_gets_no_colour(told: Memo) -> None:
    for command in (["log"], ["facts"], ["history", "1"], ["documents"], ["model", "list"]):
        assert "\x1b" not in told(*command).output


def test_people_read_aligned_tables_and_diffs(told: Memo) -> None:
    assert told("facts", "--state", "all").stdout.splitlines()[0].split() == [
        *("id", "fact", "state", "since", "until")
    ]
    log = told("log").stdout
    assert "  ~ Ann works at Acme. → Ann works at Borealis." in log
    assert "  + Ann lives in Hull." in log


def test_without_arguments_memo_points_to_its_help(memo: Memo) -> None:
    result = memo()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "memo --help" in result.stderr


def test_help_names_every_command_of_the_contract(memo: Memo) -> None:
    commands = re.findall(r"^  ([a-z]+)  ", memo("--help").stdout, re.MULTILINE)
    assert set(commands) >= {
        *("demo", "model", "add", "import", "ask", "facts", "history", "log", "show", "undo"),
        *("redo", "review", "edit", "pin", "forget", "documents", "document", "export"),
        *("backup", "restore", "reset", "doctor", "where"),
    }
    for command in commands:
        assert memo(command, "--help").exit_code == 0


def test_completion_knows_commands_and_models(memo: Memo) -> None:
    def completed(words: str) -> str:
        environ = (
            os.environ
            | memo.environ
            | {
                "_MEMO_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(words.count(" ")),
            }
        )
        done = subprocess.run(
            [sys.executable, "-m", "memo"], env=environ, cwd=ROOT, capture_output=True, check=False
        )
        return done.stdout.decode()

    assert "facts" in completed("memo fa")
    assert "smollm2-135m-instruct" in completed("memo model pull smol")


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\t"])
def test_blank_text_is_wrong_usage(memo: Memo, text: str) -> None:
    for result in (memo("add", text), memo("add", "-", input=text), memo("ask", text or " ")):
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1


def test_ten_megabytes_of_text_become_documents(tmp_path: Path) -> None:
    def before(_: str) -> None:
        raise KeyboardInterrupt  # the first document reached the model: the rest is patience

    text = "".join(f"Ann walked along the canal to museum {n}. " for n in range(230_000))
    assert len(text) > 10_000_000
    memo = Memo(tmp_path, ann(before))
    result = memo("add", "-", input=text)
    assert result.exit_code == 130
    assert re.search(r"0 of \d{4,} documents are read", result.stderr)


def test_invalid_utf8_is_replaced(memo: Memo, tmp_path: Path) -> None:
    assert memo("add", "-", "--speaker", "Ann", input=b"I live in Hull. \xff\xfe").exit_code == 0
    (tmp_path / "note.txt").write_bytes(b"caf\xe9 \xff")
    assert memo("import", tmp_path / "note.txt").exit_code == 0
    texts = [memo.json("document", n)[0]["passages"][0]["text"] for n in ("1", "2")]
    assert texts[0] == "I live in Hull. \ufffd\ufffd"
    assert texts[1] == "caf\ufffd \ufffd"


def test_bytes_that_are_no_text_can_be_arguments(told: Memo) -> None:
    broken = "I live in Hull. \udcff"  # how Python reads an argument that is not UTF-8
    for args in (
        ["add", broken, "--title", broken, "--speaker", broken],
        ["facts", broken],
        ["ask", broken, "--choice", broken],
        ["edit", "2", broken],
        ["facts"],
    ):
        assert told(*args).exit_code == 0
    assert told("forget", "--source", broken, "--yes").exit_code == 1
    assert told.whole()


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\u200b\x08\r\x00 I live in Hull."


@pytest.mark.parametrize("json_", [[], ["--json"]])
def test_control_characters_never_reach_the_terminal(memo: Memo, json_: list[str]) -> None:
    said = ["add", "-", "--title", HOSTILE.replace("\x00", ""), "--speaker", "Ann\x1b[31m"]
    assert memo(*said, input=HOSTILE).exit_code == 0
    commands = [
        *(["documents"], ["document", "1"], ["log"], ["show", "1"], ["facts", "--state", "all"]),
        *(["export"], ["export", "--format", "markdown"], ["history", "\x1b[31m"]),
        *(["import", "no\x1b[31mfile"], ["ask", "Where does \x1b[31m live?"]),
    ]
    for command in commands:
        output = memo(*command, *json_).output
        assert show(output) == output


def test_nul_bytes_are_replaced(memo: Memo) -> None:
    assert memo("add", "-", input=b"a\0b").exit_code == 0
    assert memo.json("document", "1")[0]["passages"][0]["text"] == "a\ufffdb"


@pytest.mark.parametrize("when", ["0000-01-01", "9999-12-31", "2024-13-01", "once", ""])
def test_a_date_that_makes_no_sense_is_wrong_usage(memo: Memo, when: str) -> None:
    for args in (["add", "Hi.", "--at", when], ["facts", "--as-of", when]):
        result = memo(*args)
        assert result.exit_code == 2
        assert "--help" not in result.stdout
    assert memo("import", "x", "--at", when).exit_code == 2


def test_a_malformed_line_among_good_ones_is_named(memo: Memo, tmp_path: Path) -> None:
    path = chat(tmp_path, '{"text": ', '{"text": "Hi.", "at": "9999-12-31"}')
    result = memo("import", path, "--json")
    assert result.exit_code == 3
    *changes, summary = lines(result)
    assert len(changes) == summary["imported"] == 2
    assert [skipped["where"] for skipped in summary["skipped"]] == [f"{path}:3", f"{path}:4"]
    assert f"{path}:3" in result.stderr


def test_a_document_that_does_not_fit_the_model_is_named(tmp_path: Path) -> None:
    def before(asked: str) -> None:
        if "Acme." in asked and "Borealis" not in asked:
            raise ContextOverflow("A prompt of 9999 tokens does not fit.")

    memo = Memo(tmp_path, ann(before))
    result = memo("import", chat(tmp_path), "--json")
    assert result.exit_code == 3
    summary = lines(result)[-1]
    assert (summary["imported"], len(summary["failed"])) == (1, 1)
    assert memo("add", ANN["2024-01-05"]).exit_code == 1


@pytest.mark.parametrize("command", ["history", "pin", "forget"])
def test_an_unknown_fact_is_named(memo: Memo, command: str) -> None:
    result = memo(command, "4711", "--yes")
    assert result.exit_code == 1
    assert "4711" in result.stderr


@pytest.mark.parametrize(
    "args", [["edit", "4711", "x"], ["show", "4711"], ["undo", "4711"], ["document", "4711"]]
)
def test_other_unknown_ids_are_named(memo: Memo, args: list[str]) -> None:
    result = memo(*args)
    assert result.exit_code == 1
    assert "4711" in result.stderr


@pytest.mark.parametrize("id_", ["-1", "0", "x", "1.5", "9" * 40])
def test_what_is_no_id_is_wrong_usage(memo: Memo, id_: str) -> None:
    assert memo("history", "--", id_).exit_code == 2


def test_a_file_that_is_not_there_or_unknown_is_named(memo: Memo, tmp_path: Path) -> None:
    assert "nowhere.md" in memo("import", tmp_path / "nowhere.md").stderr
    (tmp_path / "data.bin").write_bytes(b"\0\1\2")
    result = memo("import", tmp_path / "data.bin")
    assert result.exit_code == 1
    assert "data.bin" in result.stderr


# -- models that cannot be used ------------------------------------------------------


def test_without_a_model_the_pull_command_is_named(memo: Memo) -> None:
    memo.engines = None
    for args, fetched in (
        (["add", "Hi."], "all-minilm-l6-v2-int8 (23 MB)"),
        (["ask", "Who?"], "qwen2.5-coder-1.5b-instruct (1.1 GB)"),
    ):
        result = memo(*args)
        assert result.exit_code == 4
        assert f"`memo model pull` fetches {fetched}" in result.stderr
    assert memo("demo").exit_code == 2


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF" + b"\0" * 60, b"<html>", None])
def test_a_model_file_that_is_no_whole_gguf_is_named(
    memo: Memo, tmp_path: Path, content: bytes | None
) -> None:
    memo.engines = Engines(INSTALLED.language_model, lambda _: HashEmbedder())
    path = tmp_path / "my.gguf"
    if content is not None:
        path.write_bytes(content)
    result = memo("--model", path, "add", "Hi.")
    assert result.exit_code == 4
    assert "my.gguf" in result.stderr
    assert "0 of 1 documents are read" in result.stderr


# -- stores that cannot be used ------------------------------------------------------


def test_a_store_locked_by_another_program_is_named(told: Memo) -> None:
    other = apsw.Connection(str(told.home / "memo.db"))
    other.execute("BEGIN IMMEDIATE")
    result = told("pin", "2")
    other.close()
    assert result.exit_code == 5
    assert "memo.db" in result.stderr
    assert told("pin", "2").exit_code == 0


def test_a_store_that_may_only_be_read_is_read_but_not_written(told: Memo) -> None:
    store = told.home / "memo.db"
    if os.geteuid() == 0:
        result = as_somebody(told, "facts", "--json")
        assert result.returncode == 0, result.stderr
        assert len(result.stdout.splitlines()) == 2
        result = as_somebody(told, "pin", "2")
        assert result.returncode == 5
        return
    store.chmod(0o400)
    assert len(told.json("facts")) == 2
    assert told("pin", "2").exit_code == 5
    assert told("add", "Hi.").exit_code == 5


def as_somebody(memo: Memo, *args: str) -> subprocess.CompletedProcess[str]:
    """Run as root without root's right to write what the modes forbid."""
    (memo.home / "memo.db").chmod(0o400)
    drop = (
        "import ctypes, runpy, sys\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "header = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "data = (ctypes.c_uint32 * 6)()\n"
        "assert libc.capset(header, data) == 0\n"
        f"sys.argv = ['memo', *{args!r}]\n"
        "runpy.run_module('memo', run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", drop],
        env=os.environ | memo.environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_damaged_store_is_named_and_left_alone(told: Memo) -> None:
    store = told.home / "memo.db"
    store.write_bytes(b"no database " * 1000)
    for args in (["facts"], ["add", "Hi."], ["doctor"], ["undo"]):
        assert told(*args).exit_code == 5
    assert store.read_bytes() == b"no database " * 1000


def test_a_store_of_a_newer_memo_is_left_alone(told: Memo) -> None:
    db = apsw.Connection(str(told.home / "memo.db"))
    db.execute("PRAGMA user_version = 99")
    db.close()
    result = told("facts")
    assert result.exit_code == 5
    assert "update memo" in result.stderr


def test_a_broken_settings_file_is_wrong_usage(memo: Memo) -> None:
    memo.home.mkdir(mode=0o700)
    (memo.home / "settings.toml").write_text("model = ")
    assert memo("facts").exit_code == 2


# -- stopping ------------------------------------------------------------------------


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path) -> None:
    def before(asked: str) -> None:
        if "Borealis" in asked:
            raise KeyboardInterrupt

    memo = Memo(tmp_path, ann(before))
    result = memo("import", chat(tmp_path), "--json")
    assert result.exit_code == 130
    assert len(lines(result)) == 1
    assert "1 of 2" in result.stderr
    assert memo.whole()
    memo = Memo(tmp_path)
    assert memo.json("import", chat(tmp_path))[-1]["imported"] == 1


SLOW = """
import signal, sys, time
from fakes import HashEmbedder, ann
from memo.cli import main
from memo.engines import Engines

# A test run that is itself a shell's background job begins with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
for one in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, signal.SIG_DFL)

def before(asked):
    if "Borealis" in asked:
        print("reading", file=sys.stderr, flush=True)
        time.sleep(60)

model, embedder = ann(before), HashEmbedder()
main(sys.argv[1:], obj=Engines(lambda _: model, lambda _: embedder))
"""


@pytest.fixture
def reading(memo: Memo, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process whose model is at work on the second of two documents."""
    environ = os.environ | memo.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, "import", str(chat(tmp_path)), "--json", "--quiet"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "reading\n"
        yield process
        process.kill()


def test_a_signal_ends_with_130_and_a_whole_store(
    memo: Memo, reading: subprocess.Popen[str]
) -> None:
    reading.send_signal(signal.SIGINT)
    output, _ = reading.communicate(timeout=20)
    assert reading.returncode == 130
    assert len(output.splitlines()) == 1
    assert memo.whole()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_ended_leaves_nothing_behind(
    memo: Memo, tmp_path: Path, number: signal.Signals
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environ = os.environ | memo.environ | {"TMPDIR": str(scratch)}
    environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    with subprocess.Popen(
        [sys.executable, "-c", SLOW.replace('"Borealis" in asked', "asked"), "demo", "--quiet"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "reading\n"
        assert list(scratch.glob("memo-demo-*/memo.db"))
        process.send_signal(number)
        _, narrated = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert narrated.endswith("Stopped.\n")
    assert not list(scratch.iterdir())


def test_a_command_whose_terminal_is_closed_ends_in_order(memo: Memo, tmp_path: Path) -> None:
    environ = os.environ | memo.environ
    environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, "import", str(chat(tmp_path))],
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while b"reading" not in shown:
            shown += os.read(ours, 4096)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=20) == 128 + signal.SIGHUP
    assert memo.whole()


def test_a_killed_import_goes_on_where_it_was(
    memo: Memo, reading: subprocess.Popen[str], tmp_path: Path
) -> None:
    reading.kill()
    reading.communicate(timeout=20)
    assert memo.whole()
    summary = memo.json("import", chat(tmp_path))[-1]
    assert (summary["imported"], summary["already_known"]) == (1, 1)


def test_a_second_import_at_the_same_time_is_refused(
    memo: Memo, reading: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert memo("import", chat(tmp_path)).exit_code == 5
    assert len(memo.json("facts")) == 2
    assert reading.poll() is None


def test_a_reader_that_goes_away_is_no_failure_worth_a_traceback(told: Memo) -> None:
    command = f"{sys.executable} -m memo log --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | told.environ,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""


# -- a terminal ----------------------------------------------------------------------


def typed(memo: Memo, args: list[str], answer: str) -> tuple[int, str]:
    """Run on a terminal of its own and type an answer when it asks."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "memo", *args],
        env=os.environ | memo.environ,
        cwd=ROOT,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        close_fds=True,
    ) as process:
        os.close(follower)
        screen = b""
        asked = False
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                read = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            screen += read
            if not asked and (b"go on" in screen or b"[y/N]" in screen):
                os.write(leader, answer.encode() + b"\n")
                asked = True
        process.wait(timeout=20)
        os.close(leader)
    return process.returncode, screen.decode()


def test_colour_is_for_terminals_that_want_it(told: Memo) -> None:
    assert "\x1b[" in typed(told, ["log"], "")[1]
    told.environ["NO_COLOR"] = "1"
    assert "\x1b[" not in typed(told, ["log"], "")[1]


def test_a_reset_wants_the_word(told: Memo) -> None:
    code, screen = typed(told, ["reset"], "yes")
    assert code == 1
    assert "memo.db" in screen
    assert len(told.json("facts")) == 2
    code, _ = typed(told, ["reset"], "reset")
    assert code == 0
    assert not (told.home / "memo.db").exists()


def test_a_refused_question_changes_nothing(told: Memo) -> None:
    code, screen = typed(told, ["forget", "1"], "n")
    assert code == 1
    assert "Ann works at Acme." in screen
    assert len(told.json("facts", "--state", "all")) == 3


def test_a_missing_model_is_offered_on_a_terminal(memo: Memo) -> None:
    code, screen = typed(memo, ["ask", "Who?"], "n")
    assert "1.1 GB" in screen
    assert code == 1


# -- privacy -------------------------------------------------------------------------


def test_the_log_is_private_and_holds_nobodys_words(told: Memo) -> None:
    told("ask", "Where does Ann work?")
    told("facts", "Borealis")
    log = load(home=told.home, environ={}).log
    written = log.read_text()
    assert "change 2" in written
    assert not {"Ann", "Acme", "Borealis", "Hull"} & set(re.findall(r"\w+", written))
    assert log.stat().st_mode & 0o077 == 0


def test_debug_shows_the_traceback(memo: Memo) -> None:
    runner = CliRunner(env=memo.environ)
    result = runner.invoke(main, ["history", "1", "--debug"], obj=memo.engines)
    assert "Traceback" in result.stderr
    assert result.exit_code == 1
