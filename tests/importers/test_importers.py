"""Importers read what is good, name what is not, and give the same keys every time."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importing import DATA, WARSAW, one, parted, reading, words, written

from memo.errors import AmbiguousFormat, ImporterError, UnknownFormat, UsageProblem
from memo.importers import Skipped, cut, identify, read_all, split_text
from memo.importers.base import LAST_CHANGE
from memo.importers.markdown import front_matter, paragraphs, without_links
from memo.importers.native import NativeImporter
from memo.records import Message, utc_text
from memo.times import parse_time, parse_zone

DEMO = Path(__file__).parent.parent.parent / "assets" / "demo"


def told(minute: int, text: str = "Hm.", **fields: object) -> dict[str, object]:
    at = datetime(2024, 6, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return {"conversation": "attic", "speaker": "Ann", "text": text, "at": utc_text(at), **fields}


def test_documents_and_skipped_lines_add_up_to_the_lines() -> None:
    sample = DATA / "native" / "sample.jsonl"
    lines = sum(1 for line in sample.read_text(encoding="utf-8").splitlines() if line.strip())
    for budget in (1, 3, 1000):
        documents, skipped = parted(read_all([sample], reading(budget)))
        assert sum(document.records for document in documents) + len(skipped) == lines


def test_a_malformed_line_among_good_ones_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "chat.jsonl", told(0, "Before."), told(1, "After."))
    before, after = path.read_text().splitlines()
    path.write_text(f"{before}\n{{oops\n{after}\n")
    documents, skipped = parted(read_all([path], reading()))
    assert [m.text for m in documents[0].messages] == ["Before.", "After."]
    assert [left.where for left in skipped] == [f"{path}:2"]


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 200_000,
        b'{"text": "x", "at": "2024-06-01", "id": ' + b"9" * 5000 + b"}",
        b'{"text": "x", "at": "' + b"2" * 5000 + b'"}',
        b'{"text": "x", "at": "2024-06-01T00:00:00+99:00"}',
        b'{"text": "x", "at": "0001-01-01T00:00:00+14:00"}',
        b'{"text": "x", "at": ""}',
        b'{"text": "x", "at": "2024-06-01", "speaker": true}',
        b"\x00\xff\xfe",
    ],
)
def test_a_hostile_line_is_skipped_with_a_short_reason(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_bytes(line + b"\n" + json.dumps(told(0)).encode())
    documents, skipped = parted(NativeImporter().read([one(path)], reading()))
    assert len(documents) == len(skipped) == 1
    assert 0 < len(skipped[0].reason) < 200


def test_a_line_too_long_to_hold_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memo.importers.native.LONGEST_LINE", 300)
    path = written(tmp_path / "chat.jsonl", told(0), told(1, "ha " * 500), told(2, "Bye."))
    documents, skipped = parted(NativeImporter().read([one(path)], reading()))
    assert [m.text for m in documents[0].messages] == ["Hm.", "Bye."]
    assert [left.where for left in skipped] == [f"{path}:2"]


def test_invalid_utf8_becomes_replacement_characters(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_bytes(b'{"text": "caf\xe9", "at": "2024-06-01T12:00:00Z"}\n')
    documents, skipped = parted(read_all([path], reading()))
    assert documents[0].messages[0].text == "caf\ufffd"
    assert not skipped


def test_eight_hours_of_silence_end_a_document(tmp_path: Path) -> None:
    path = written(tmp_path / "chat.jsonl", told(0), told(479), told(479 + 480), told(2000))
    documents, _ = parted(read_all([path], reading()))
    assert [len(document.messages) for document in documents] == [2, 1, 1]


def test_a_document_has_the_time_of_its_last_message_whatever_the_order(tmp_path: Path) -> None:
    path = written(tmp_path / "chat.jsonl", told(5, "b"), told(9, "c"), told(1, "a"))
    documents, _ = parted(read_all([path], reading()))
    assert [m.text for m in documents[0].messages] == ["a", "b", "c"]
    assert documents[0].at == datetime(2024, 6, 1, 0, 9, tzinfo=UTC)


def test_documents_of_several_conversations_come_in_time_order(tmp_path: Path) -> None:
    path = written(
        tmp_path / "chat.jsonl",
        told(3000, conversation="b"),
        told(0, conversation="b"),
        told(1500, conversation="a"),
    )
    documents, _ = parted(read_all([path], reading()))
    assert [document.title for document in documents] == ["b", "a", "b"]


@pytest.mark.parametrize("budget", [4, 1000])
def test_a_grown_file_repeats_its_complete_documents(tmp_path: Path, budget: int) -> None:
    messages = [told(minute, f"This is minute {minute}.") for minute in (0, 1, 2, 3, 900, 901)]
    path = written(tmp_path / "chat.jsonl", *messages)
    before, _ = parted(read_all([path], reading(budget)))
    written(path, *messages, told(2000, "News."), told(2001, "More news."))
    after, _ = parted(read_all([path], reading(budget)))
    grown = [(document.key, document.digest) for document in after]
    assert grown[: len(before)] == [(document.key, document.digest) for document in before]
    assert len(set(grown)) == len(after) > len(before)


def test_a_key_is_the_conversation_and_the_first_id(tmp_path: Path) -> None:
    path = written(tmp_path / "chat.jsonl", told(0, id="m7"), told(1, id="m8"))
    assert parted(read_all([path], reading()))[0][0].key == "attic/m7"


def test_lines_without_a_time_take_the_given_one(tmp_path: Path) -> None:
    path = written(tmp_path / "chat.jsonl", {"text": "Hello."})
    at = datetime(2024, 1, 2, tzinfo=UTC)
    assert parted(read_all([path], reading(at=at)))[0][0].at == at
    assert "--at" in parted(read_all([path], reading()))[1][0].reason


def test_an_unnamed_speaker_is_me(tmp_path: Path) -> None:
    path = written(tmp_path / "chat.jsonl", told(0, speaker=None), told(1, speaker="Bo"))
    documents, _ = parted(read_all([path], reading(me="Jo")))
    assert [m.speaker for m in documents[0].messages] == ["Jo", "Bo"]


good_line = st.fixed_dictionaries(
    {"text": st.text(max_size=20)},
    optional={
        "at": st.one_of(st.datetimes().map(datetime.isoformat), st.text(max_size=8), st.integers()),
        "id": st.one_of(st.integers(), st.sampled_from(["a", "b"]), st.none(), st.booleans()),
        "conversation": st.text(max_size=2),
        "speaker": st.one_of(st.text(max_size=3), st.floats()),
    },
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=150)
@given(lines=st.lists(st.one_of(st.binary(max_size=40), good_line), max_size=12))
def test_any_bytes_at_all_are_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "chat.jsonl"
    data = b"\n".join(lines)
    path.write_bytes(data)
    documents, skipped = parted(NativeImporter().read([one(path)], reading(budget=3)))
    records = [line for line in data.split(b"\n") if line.removeprefix(b"\xef\xbb\xbf").strip()]
    assert sum(document.records for document in documents) + len(skipped) == len(records)
    for document in documents:
        assert document.text.encode("utf-8")
        assert utc_text(document.at)


@settings(max_examples=150)
@given(text=st.text(alphabet="ab .!?\n\u200d字", max_size=200), budget=st.integers(0, 12))
def test_split_text_loses_no_character_and_keeps_the_budget(text: str, budget: int) -> None:
    parts = list(split_text(text, len, budget))
    assert "".join(parts) == text
    assert all(0 < len(part) <= max(budget, 1) for part in parts)


def test_a_long_message_is_split_where_sentences_end() -> None:
    text = "One two three four. Five six seven eight. Nine ten."
    assert next(split_text(text, words, 6)).endswith(". ")


def test_only_the_first_piece_of_a_long_message_counts_as_a_record() -> None:
    message = Message("word " * 50, datetime(2024, 6, 1, tzinfo=UTC), "Ann")
    chunks = list(cut([message, message], words, 11))
    assert "".join(m.text for chunk in chunks for m in chunk.messages) == "word " * 100
    assert sum(chunk.records for chunk in chunks) == 2
    assert all(sum(words(f"Ann: {m.text}") for m in c.messages) <= 11 for c in chunks)


def test_ten_megabytes_of_text_are_cut_to_the_budget(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("It rained again and nobody came. " * 310_000)
    documents, skipped = parted(read_all([path], reading(400)))
    assert sum(words(document.text) for document in documents) == 6 * 310_000
    assert all(words(document.text) <= 400 for document in documents)
    assert sum(document.records for document in documents) == 1
    assert len({document.key for document in documents}) == len(documents)
    assert not skipped


@pytest.mark.parametrize("content", ["", " \n\t\n", "\ufeff"])
def test_an_empty_text_is_skipped_not_imported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "blank.txt"
    path.write_text(content, encoding="utf-8")
    documents, skipped = parted(read_all([path], reading()))
    assert not documents
    assert skipped == [Skipped(str(path), "holds no text", routine=True)]


def test_utf16_text_is_read_by_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("Zażółć", encoding="utf-16")
    assert parted(read_all([path], reading()))[0][0].messages[0].text == "Zażółć"


def test_a_note_dated_by_its_last_change_comes_with_a_warning(tmp_path: Path) -> None:
    heard: list[str] = []
    for name in ("note.txt", "note.md"):
        path = tmp_path / name
        path.write_text("Hello.")
        os.utime(path, (0, 0))
        document = parted(read_all([path], reading(warn=heard.append)))[0][0]
        assert document.at == datetime(1970, 1, 1, tzinfo=UTC)
    assert len(heard) == 2
    assert all("last change" in sentence for sentence in heard)


def test_what_is_guessed_of_many_notes_is_told_once(tmp_path: Path) -> None:
    heard: list[str] = []
    for name in ("a.md", "b.txt", "c.md", "empty.md", "2025-03-06.md"):
        (tmp_path / name).write_text("Hello." if name != "empty.md" else "\n")
    parted(read_all([tmp_path], reading(warn=heard.append)))
    assert heard == [f"{tmp_path / 'a.md'} and 2 more: {LAST_CHANGE}"]


@pytest.mark.parametrize("packed", [False, True])
def test_daily_notes_have_the_day_that_the_vaults_settings_read(
    tmp_path: Path, packed: bool
) -> None:
    vault = tmp_path / "mine" / "vault"
    (vault / ".obsidian").mkdir(parents=True)
    (vault / "Daily").mkdir()
    (vault / ".obsidian" / "daily-notes.json").write_text('{"format": "DD.MM.YY"}')
    (vault / "Daily" / "06.03.25.md").write_text("I live in Hull.")
    (vault / "Other 2025.md").write_text("Hm.")
    path = tmp_path / "mine"
    if packed:
        path = Path(shutil.make_archive(str(tmp_path / "mine"), "zip", path))
    documents, skipped = parted(read_all([path], reading(at=datetime(2026, 1, 1, tzinfo=UTC))))
    assert [(one.title, one.at.year) for one in documents] == [
        ("06.03.25", 2025),
        ("Other 2025", 2026),
    ]
    assert not skipped


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("[[T|alias]]", "alias"),
        ("[[T#h]]", "T"),
        ("[[T#h|alias]]", "alias"),
        ("[[#h]]", "h"),
        ("a ![[T.png|200]] b", "a  b"),
        ("`[[T]]` [[T]]", "`[[T]]` T"),
        ("`` ` [[T]] `` [[T]]", "`` ` [[T]] `` T"),
        ("` [[T]]", "` T"),
        ("[[]] [[a]b]]", " [[a]b]]"),
    ],
)
def test_links_become_their_words_and_code_stays(line: str, shown: str) -> None:
    assert without_links(line) == shown


def test_malformed_front_matter_stays_in_the_body() -> None:
    for text in ("---\nno colon\n---\nBody", '---\na: "open\n---\nBody', "---\ndate: 2024-01-01\n"):
        assert front_matter(text) == ({}, text)


def test_fenced_code_is_one_paragraph_even_unclosed() -> None:
    assert list(paragraphs("a\n\n~~~\nx\n\n[[y]]\n~~~\n\nb")) == [
        "a",
        "~~~\nx\n\n[[y]]\n~~~",
        "b",
    ]
    assert list(paragraphs("```\nx\n\n[[y]]")) == ["```\nx\n\n[[y]]"]


def test_folders_are_walked_in_order_without_links_and_hidden_names(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", ".obsidian/x.md", ".trash/y.md", "Templates/t.md", "c.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("Hello.")
    (tmp_path / "link.md").symlink_to(tmp_path / "b.md")
    (tmp_path / "loop").symlink_to(tmp_path)
    documents, skipped = parted(read_all([tmp_path], reading()))
    assert [document.title for document in documents] == ["z", "b"]
    assert [left.where for left in skipped] == [str(tmp_path / "c.bin")]


def test_a_file_of_two_formats_is_refused_by_naming_both(tmp_path: Path) -> None:
    path = tmp_path / "chats.json"
    path.write_text('[{"mapping": {}, "chat_messages": [{"sender": "human", "text": "Hm."}]}]')
    with pytest.raises(AmbiguousFormat, match="chatgpt and claude"):
        list(read_all([path], reading()))
    assert identify(one(path), "claude").name == "claude"


def test_a_file_of_no_format_is_refused_with_the_list(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UnknownFormat, match=r"native, chatgpt, .*, markdown, text"):
        list(read_all([path], reading()))
    with pytest.raises(UnknownFormat, match="'pdf'"):
        identify(one(path), "pdf")


def test_a_path_that_does_not_exist_is_named_before_anything_is_read(tmp_path: Path) -> None:
    good = written(tmp_path / "chat.jsonl", told(0))
    with pytest.raises(ImporterError, match=r"gone\.txt does not exist"):
        next(read_all([good, tmp_path / "gone.txt"], reading()))


def test_json_lines_in_a_text_file_are_native(tmp_path: Path) -> None:
    assert identify(one(written(tmp_path / "chat.txt", told(0)))).name == "native"


def test_the_demo_sample_is_read_whole() -> None:
    documents, skipped = parted(
        read_all([DEMO / "chat.jsonl", DEMO / "notes"], reading(400, me="Nell"))
    )
    assert not skipped
    assert 14 <= len(documents) <= 18
    assert all(words(m.text) <= 60 for document in documents for m in document.messages)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-06-01", "2024-05-31T22:00:00Z"),
        ("2024-06-01T18:30", "2024-06-01T16:30:00Z"),
        (" 2024-06-01 18:30:00Z ", "2024-06-01T18:30:00Z"),
        ("2024-10-27T02:30", "2024-10-27T00:30:00Z"),
        ("2024-10-27T02:30+01:00", "2024-10-27T01:30:00Z"),
    ],
)
def test_times_without_a_zone_are_local(text: str, utc: str) -> None:
    assert utc_text(parse_time(text, WARSAW)) == utc


def test_a_bare_date_can_mean_the_end_of_its_day() -> None:
    assert utc_text(parse_time("2024-07-01", UTC, end_of_day=True)) == "2024-07-01T23:59:59Z"
    assert utc_text(parse_time("2024-07-01T08:00", UTC, end_of_day=True)) == "2024-07-01T08:00:00Z"


@pytest.mark.parametrize(
    "text", ["", "soon", "0000-01-01", "9999-01-01", "2024-02-30", "1717259400000", "12-31-2024"]
)
def test_a_time_that_cannot_be_meant_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        parse_time(text)
    assert repr(text) in str(problem.value)


def test_the_first_and_last_days_can_be_shown_in_every_zone() -> None:
    east, west = timezone(timedelta(hours=23)), timezone(timedelta(hours=-23))
    with pytest.raises(UsageProblem):
        parse_time("0001-01-01", east)
    assert parse_time("0001-01-03", east).astimezone(west).day == 1
    assert parse_time("9998-12-31", east).astimezone(west).year == 9998


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc", "Europe", "x\0y"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(UsageProblem, match="time zone"):
        parse_zone(name)
