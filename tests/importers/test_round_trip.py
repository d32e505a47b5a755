"""What is exported imports again as it was; imports that grow, are undone, or were forgotten."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from fakes import FakeLM, HashEmbedder, ann
from importing import DATA

from memo.cli import main
from memo.engines import Engines
from memo.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


class Memo:
    """The command line in a home of its own, over fake models."""

    def __init__(self, home: Path, lm: FakeLM | None = None) -> None:
        self.home = home
        self.lm = lm or ann()
        self.engines = Engines(lambda _: self.lm, lambda _: HashEmbedder())

    def __call__(self, *args: str | Path) -> Result:
        environ = {"MEMO_HOME": str(self.home), "MEMO_MODELS": str(self.home), "TZ": "UTC"}
        result = CliRunner(env=environ).invoke(main, [str(arg) for arg in args], obj=self.engines)
        assert "Traceback" not in result.output
        return result

    def json(self, *args: str | Path, code: int = 0) -> list[dict[str, Any]]:
        result = self(*args, "--json")
        assert result.exit_code == code, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def facts(self) -> list[tuple[str, str, str]]:
        found = self.json("facts", "--state", "all")
        return sorted((fact["text"], fact["state"], fact["since"]) for fact in found)


@pytest.fixture
def memo(tmp_path: Path) -> Memo:
    return Memo(tmp_path / "home")


def chat(folder: Path, *lines: str) -> Path:
    path = folder / "WhatsApp Chat with Bo.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


FIRST = (
    "05/01/2024, 09:00 - Ann: I started at Acme.",
    "05/01/2024, 09:01 - Bo: I live in Hull.",
    "05/01/2024, 09:02 - Bo: <Media omitted>",
)
LATER = (
    "05/01/2024, 09:03 - Ann: I live in Hull.",
    "01/06/2024, 09:00 - Ann: I work at Borealis now.",
)


def stored(home: Path) -> list[tuple[str, str, str, list[tuple[str, str | None, str, bool]]]]:
    """Every document as it stands in a store, the order of reading aside."""
    with Store.open(home / "memo.db") as store:
        return sorted(
            (
                one.source,
                one.key,
                one.title,
                [(str(p.at), p.speaker, p.text, p.context) for p in store.passages_of(one.id)],
            )
            for one in store.documents()
        )


def test_an_export_imports_to_an_equal_store(memo: Memo, tmp_path: Path) -> None:
    memo.json("import", chat(tmp_path, *FIRST), "--me", "Ann")
    memo.json("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    memo("import", DATA / "chatgpt", DATA / "markdown" / "vault", "--at", "2024-05-01", "--quiet")
    memo.json("export", tmp_path / "out.jsonl")
    other = Memo(tmp_path / "other")
    *_, summary = other.json("import", tmp_path / "out.jsonl")
    assert stored(other.home) == stored(memo.home)
    assert other.facts() == memo.facts() != []
    assert summary["imported"] == sum(len(messages) for *_, messages in stored(memo.home))
    (again,) = other.json("import", tmp_path / "out.jsonl")
    assert (again["imported"], again["documents"]) == (0, 0)


def test_a_grown_chat_adds_only_what_is_new(memo: Memo, tmp_path: Path) -> None:
    *_, first = memo.json("import", chat(tmp_path, *FIRST), "--me", "Ann")
    assert (first["imported"], len(first["skipped"])) == (2, 1)
    *_, grown = memo.json("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    assert (grown["imported"], grown["already_known"], len(grown["skipped"])) == (2, 2, 1)
    texts = [text for *_, messages in stored(memo.home) for _, _, text, _ in messages]
    assert sorted(texts) == sorted(line.partition(": ")[2] for line in (*FIRST[:2], *LATER))
    (known,) = memo.json("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    assert (known["imported"], known["already_known"]) == (0, 4)


def test_one_undo_removes_a_whole_import_and_redo_brings_it_back(
    memo: Memo, tmp_path: Path
) -> None:
    memo.json("add", "I live in Hull.", "--speaker", "Ann", "--at", "2023-01-01")
    before = memo.facts()
    memo.json("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    after = memo.facts()
    assert after != before
    memo.json("undo", "--import")
    assert memo.facts() == before
    memo.json("redo")
    assert memo.facts() == after
    with Store.open(memo.home / "memo.db") as store:
        assert store.check() == []
    memo.json("undo", "2", "--import")
    assert memo.facts() == before
    assert memo("undo", "2", "--import").exit_code == 1


def test_what_was_forgotten_does_not_come_back(memo: Memo, tmp_path: Path) -> None:
    memo.json("import", chat(tmp_path, *FIRST), "--me", "Ann")
    (fact,) = [f for f in memo.json("facts") if "Acme" in f["text"]]
    memo.json("forget", str(fact["id"]), "--yes")
    memo.json("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    assert not any("Acme" in text for text, _, _ in memo.facts())
    assert "Acme" not in str(stored(memo.home))


def test_others_words_are_context_once_it_is_known_who_the_person_is(tmp_path: Path) -> None:
    alone, all_ = Memo(tmp_path / "a"), Memo(tmp_path / "b")
    alone.json("import", chat(tmp_path, *FIRST), "--me", "Ann")
    assert [text for text, _, _ in alone.facts()] == ["Ann works at Acme."]
    assert not any("Hull" in asked for asked in alone.lm.asked)
    all_.json("import", chat(tmp_path, *FIRST), "--me", "Ann", "--everyone")
    assert any("Hull" in asked for asked in all_.lm.asked)


def test_an_assistants_words_never_become_facts(memo: Memo, tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "I live in Hull."}]
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({"messages": talk}))
    memo.json("import", path, "--at", "2024-01-01", "--me", "Ann")
    assert memo.facts() == []
    assert not any("Hull" in asked for asked in memo.lm.asked)
    assert "I live in Hull." in str(stored(memo.home))


def test_the_last_line_adds_up(memo: Memo, tmp_path: Path) -> None:
    result = memo("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    last = result.stderr.splitlines()[-1]
    assert "4 imported + 0 already known + 1 skipped + 0 failed = 5 records" in last


def test_a_dry_run_previews_and_changes_nothing(memo: Memo, tmp_path: Path) -> None:
    path = chat(tmp_path, *FIRST, *LATER)
    *documents, summary = memo.json("import", path, "--dry-run", "--me", "Ann")
    assert [one["messages"] for one in documents] == [3, 1]
    assert (summary["from"], summary["to"]) == ("2024-01-05T09:00:00Z", "2024-06-01T09:00:00Z")
    assert summary["speakers"] == {"Ann": 3, "Bo": 1}
    assert summary["examples"][0]["text"] == "I started at Acme."
    assert summary["estimated_s"] > 0
    assert memo.json("documents") == []
    shown = memo("import", path, "--dry-run", "--me", "Ann").stdout
    assert "4 new + 0 already known + 1 skipped = 5 records" in shown


def test_who_the_person_is_is_remembered(memo: Memo, tmp_path: Path) -> None:
    asked = memo("import", chat(tmp_path, *FIRST), "--dry-run")
    assert "Who are you in whatsapp? Bo" in asked.stderr or "Ann, Bo speak" in asked.stderr
    (memo.home / "settings.toml").write_text('[speakers]\nwhatsapp = "Ann"\n')
    assert "Who are you" not in memo("import", chat(tmp_path, *FIRST), "--dry-run").stderr


def test_who_the_person_is_elsewhere_is_offered(
    memo: Memo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memo.front.Front.asks", True)
    memo.home.mkdir()
    (memo.home / "settings.toml").write_text('[speakers]\ntelegram = "Bo"\n')
    runner = CliRunner(env={"MEMO_HOME": str(memo.home), "TZ": "UTC"})
    args = ["import", str(chat(tmp_path, *FIRST)), "--dry-run"]
    result = runner.invoke(main, args, obj=memo.engines, input="\n")
    assert "0 for none of them; Enter for Bo" in result.stderr
    assert 'whatsapp = "Bo"' in (memo.home / "settings.toml").read_text()


def test_birthdays_need_no_model(tmp_path: Path) -> None:
    def unloadable(_: object) -> FakeLM:
        raise AssertionError

    memo = Memo(tmp_path / "home")
    memo.engines = Engines(unloadable, lambda _: HashEmbedder())
    path = tmp_path / "people.vcf"
    card = "BEGIN:VCARD\nUID:1\nFN:Ada Quill\nBDAY:{}\nEND:VCARD\n"
    for day in ("1990-01-02", "1990-01-02", "1990-02-01"):
        path.write_text(card.format(day))
        memo.json("import", path, "--at", "2024-01-01")
    facts = {(text, state) for text, state, _ in memo.facts()}
    assert facts == {
        ("Ada Quill's birthday is 2 January 1990.", "past"),
        ("Ada Quill's birthday is 1 February 1990.", "current"),
    }


def test_a_vault_is_written_that_links_facts_to_documents(memo: Memo, tmp_path: Path) -> None:
    memo.json("import", chat(tmp_path, *FIRST, *LATER), "--me", "Ann")
    july = datetime(2024, 7, 1, tzinfo=UTC)
    with Store.open(memo.home / "memo.db", clock=lambda: july) as store:
        _, exchange = store.begin_exchange("Where is Bo?\nIn Hull?")
        store.keep_answer(exchange, "In Hull [1].")
    folder = tmp_path / "vault"
    memo.json("export", folder, "--format", "markdown")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    assert names == {
        *("Documents/2024-01-05 Bo.md", "Documents/2024-06-01 Bo.md", "Facts/Ann.md"),
        "Conversations/2024-07-01 Where is Bo.md",
    }
    talk = (folder / "Conversations" / "2024-07-01 Where is Bo.md").read_text()
    assert talk.endswith("Where is Bo?\nIn Hull?\n\n**memo**\n\nIn Hull [1].\n")
    facts = (folder / "Facts" / "Ann.md").read_text()
    assert "Ann works at Borealis. (since 2024-06-01) — [[2024-06-01 Bo]]" in facts
    first = (folder / "Documents" / "2024-01-05 Bo.md").read_text()
    assert first.startswith('---\ntitle: "Bo"\ndate: 2024-01-05T09:03:00+00:00\n')
    assert "**Bo** 2024-01-05 09:01\n\nI live in Hull." in first
    assert memo("export", folder, "--format", "markdown").exit_code == 1


def test_the_same_words_twice_in_a_minute_are_two_messages(memo: Memo, tmp_path: Path) -> None:
    ok = "05/01/2024, 09:03 - {}: ok"
    memo.json("import", chat(tmp_path, FIRST[0], ok.format("Bo")), "--me", "Ann")
    grown = chat(tmp_path, FIRST[0], ok.format("Bo"), ok.format("Ann"), ok.format("Bo"))
    *_, summary = memo.json("import", grown, "--me", "Ann")
    assert (summary["imported"], summary["already_known"]) == (2, 2)
    *_, again = memo.json("import", grown, "--me", "Ann")
    assert (again["imported"], again["already_known"]) == (0, 4)


def test_an_import_of_nothing_is_no_success(memo: Memo, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    assert memo("import", folder).exit_code == 1
    (folder / "photo.jpg").write_bytes(b"jpg")
    assert "Nothing was imported" in memo("import", folder).stderr
    (folder / "MyActivity.html").write_text("<html>")
    result = memo("import", folder / "MyActivity.html")
    assert (result.exit_code, "as JSON" in result.stderr) == (1, True)


@pytest.mark.parametrize("name", ["messages", "conversations-000"])
def test_shards_and_zips_read_as_the_single_file(memo: Memo, tmp_path: Path, name: str) -> None:
    whole = json.loads((DATA / "chatgpt" / "conversations.json").read_text("utf-8"))
    folder = tmp_path / "export"
    folder.mkdir()
    for number, conversation in enumerate(whole[:3]):
        (folder / f"{name}{number}.json").write_text(json.dumps([conversation]))
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, f"export/{path.name}")
    *_, shards = memo.json("import", folder, "--me", "Jo")
    assert shards["imported"] == 7
    (again,) = memo.json("import", tmp_path / "export.zip", "--me", "Jo")
    assert (again["imported"], again["already_known"]) == (0, 7)


def test_a_slack_message_that_gets_a_reply_later_is_not_read_again(
    memo: Memo, tmp_path: Path
) -> None:
    folder = tmp_path / "export" / "kitchen"
    folder.mkdir(parents=True)
    first = {"type": "message", "user": "Ann", "text": "I started at Acme.", "ts": "1741284131.01"}
    reply = first | {"text": "Well done.", "user": "Bo", "ts": "1741370531.01"}
    day = folder / "2025-03-06.json"
    day.write_text(json.dumps([first]))
    memo.json("import", tmp_path / "export", "--me", "Ann")
    day.write_text(json.dumps([first | {"thread_ts": first["ts"]}]))
    replies = [reply | {"thread_ts": first["ts"]}]
    (folder / "2025-03-07.json").write_text(json.dumps(replies))
    *_, summary = memo.json("import", tmp_path / "export", "--me", "Ann")
    assert (summary["imported"], summary["already_known"]) == (1, 1)
