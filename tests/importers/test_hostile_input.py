"""What an import survives: each attack by its name, with a short reason and the rest read."""

from __future__ import annotations

import json
import stat
import zipfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from importing import one, parted, reading, said

from memo.errors import ImporterError
from memo.importers import Skipped, read_all
from memo.importers.files import LARGEST_TEXT, files_in
from memo.importers.jsonstream import LONGEST_VALUE, BadValue, BrokenOff, JsonStream, shape
from memo.importers.moments import moment

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "conversation_id": "good",
    "title": "Good",
    "current_node": "a",
    "mapping": {
        "a": {
            "message": {
                "author": {"role": "user"},
                "create_time": 1741000001.5,
                "content": {"content_type": "text", "parts": ["I live in Hull."]},
            }
        }
    },
}
HULL = [("2025-03-03T11:06:41Z", None, "I live in Hull.")]


def conversations(path: Path, *raw: str) -> Path:
    """A ChatGPT export with a good conversation after the ones given as JSON."""
    path.write_text(f"[{','.join([*raw, json.dumps(GOOD)])}]", encoding="utf-8")
    return path


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def hull() -> bytes:
    return json.dumps([GOOD]).encode()


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    path = archive(tmp_path / "export.zip", {"notes.txt": bytes(64 * 2**20)})
    assert path.stat().st_size < 2**17
    documents, skipped = parted(read_all([path], reading()))
    assert not documents
    assert [one.reason.partition(" from")[0] for one in skipped] == ["would grow"]


def test_a_bomb_among_good_members_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    noise = bytes(range(256)) * 4096
    members = {"bomb.txt": bytes(2 * 2**20), "conversations.json": hull(), "photo.raw": noise}
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for name, data in members.items():
            kind = zipfile.ZIP_STORED if name == "photo.raw" else zipfile.ZIP_DEFLATED
            packed.writestr(name, data, kind)
    found = list(read_all([tmp_path / "x.zip"], reading()))
    assert said(found) == HULL
    assert [(left.where.rpartition("/")[2], left.routine) for left in parted(found)[1]] == [
        ("bomb.txt", False),
        ("photo.raw", True),
    ]


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.txt", "/etc/x.txt", "a/../../x.txt", "..\\x.txt"]
)
def test_path_traversal_in_a_zip_is_refused_and_writes_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = archive(folder / "x.zip", {name: b"Hello.", "conversations.json": hull()})
    before = sorted(tmp_path.rglob("*"))
    found = list(read_all([path], reading()))
    assert said(found) == HULL
    assert [left.reason for left in parted(found)[1]] == ["its name leads out of the archive"]
    assert sorted(tmp_path.rglob("*")) == before


def test_symlinks_are_followed_neither_in_folders_nor_in_zips(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("The key is under the third pot.")
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "x.zip", "w") as packed:
        packed.writestr(link, str(secret))
    documents, skipped = parted(read_all([folder], reading()))
    assert not documents
    assert [left.reason for left in skipped] == ["is a link"]


def test_a_locked_member_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a.txt": b"Hello."})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    assert "password" in parted(read_all([path], reading()))[1][0].reason


@pytest.mark.parametrize("cut", [10, 60, 150])
def test_a_damaged_zip_is_skipped_with_a_reason(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path / "x.zip", {"conversations.json": hull(), "a.txt": b"Hello."})
    data = bytearray(path.read_bytes())
    data[cut : cut + 8] = bytes(8)
    path.write_bytes(data)
    found = list(read_all([tmp_path], reading()))
    assert all(0 < len(left.reason) < 300 for left in parted(found)[1])
    assert parted(found)[1] or said(found)


def test_half_a_zip_is_named_and_no_programmers_words_are(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"conversations.json": hull(), "a.txt": b"Hello."})
    data = path.read_bytes()
    (tmp_path / "half.zip").write_bytes(data[: len(data) // 2])
    path.write_bytes(data.replace(b"conversations", b"conversatioms", 1))
    skipped = parted(read_all([tmp_path], reading()))[1]
    assert [(left.where.rpartition("/")[2], left.reason, left.routine) for left in skipped] == [
        ("half.zip", "is a damaged zip: its end is missing", False),
        ("conversations.json", "cannot be read: it is damaged", False),
    ]


def test_a_file_in_which_nothing_is_found_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text('{"about": "", "personal_information": {"user_id": 1}, "chats": {"list": []}}')
    documents, skipped = parted(read_all([path], reading()))
    assert (documents, [left.reason for left in skipped]) == ([], ["holds nothing to read"])


def test_a_member_without_a_name_is_skipped(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as packed:
        nameless = zipfile.ZipInfo("x")
        nameless.filename = ""
        packed.writestr(nameless, b"Hello.")
        packed.writestr("conversations.json", hull())
    found = list(read_all([tmp_path / "y.zip"], reading()))
    assert said(found) == HULL
    assert [left.reason for left in parted(found)[1]] == ["has no name"]


def test_zips_in_zips_are_left_alone(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", {"a.txt": b"Hello."}).read_bytes()
    path = archive(tmp_path / "x.zip", {"inner.zip": inner})
    documents, skipped = parted(read_all([path], reading()))
    assert (documents, [left.routine for left in skipped]) == ([], [True])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"mapping":' * 5_000 + "1" + "}" * 5_000, "nested too deeply"),
        ('{"title": "x", "mapping": {"a": oops}}', "not JSON"),
        ("7", "not a JSON object"),
        ('{"x": "' + "y" * (LONGEST_VALUE + 1) + '"}', "longer than"),
    ],
    ids=["deep list", "deep object", "malformed", "number", "endless text"],
)
def test_deep_or_broken_json_costs_one_conversation_only(
    tmp_path: Path, raw: str, reason: str
) -> None:
    path = conversations(tmp_path / "conversations.json", json.dumps(GOOD | {"id": "x"}), raw)
    found = list(read_all([path], reading()))
    assert said(found) == HULL * 2
    assert [reason in left.reason for left in parted(found)[1]] == [True]


def test_huge_numbers_are_no_times_and_stop_nothing(tmp_path: Path) -> None:
    huge = json.loads(json.dumps(GOOD))
    huge["mapping"]["a"]["message"]["create_time"] = 0
    raw = json.dumps(huge | {"conversation_id": "huge"}).replace(": 0", ": " + "9" * 5000)
    path = conversations(tmp_path / "conversations.json", raw)
    at = datetime(2025, 3, 3, 11, 6, 41, tzinfo=UTC)
    assert said(read_all([path], reading(at=at))) == HULL * 2


def test_lone_surrogates_and_nul_become_replacement_characters(tmp_path: Path) -> None:
    raw = json.dumps(GOOD).replace("I live in Hull.", "Hull \\ud800 \\u0000 \\ud83d\\ude00")
    path = tmp_path / "conversations.json"
    path.write_text(f"[{raw}]", encoding="utf-8")
    assert [text for _, _, text in said(read_all([path], reading()))] == ["Hull \ufffd \ufffd 😀"]


@pytest.mark.parametrize(
    "value",
    [
        *(True, 0, -1, 1e300, float("nan"), float("inf"), 10**25, [], {}, "9" * 5000, "1e999"),
        *("55840-01-01", "0000-00-00", "2999-01-01", "soon", "٣"),
    ],
)
def test_absurd_dates_are_no_dates(value: object) -> None:
    assert moment(value) is None


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_the_unit_of_a_number_is_told_by_its_size(unit: int) -> None:
    assert moment(1741284131 * unit) == datetime(2025, 3, 6, 18, 2, 11, tzinfo=UTC)
    assert moment(str(1741284131 * unit)) == datetime(2025, 3, 6, 18, 2, 11, tzinfo=UTC)


def test_a_time_ahead_is_believed_for_a_day() -> None:
    now = datetime.now(UTC)
    assert moment((now + timedelta(hours=20)).isoformat()) is not None
    assert moment((now + timedelta(hours=30)).isoformat()) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_chat_is_read_in_any_marked_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "chat.txt"
    text = "06.03.2025, 19:02 - Zoë: Zażółć\n07.03.2025, 19:03 - Jo: Hm.\n"
    path.write_text(text, encoding=encoding)
    assert [(who, what) for _, who, what in said(read_all([path], reading()))] == [
        ("Zoë", "Zażółć"),
        ("Jo", "Hm."),
    ]


def test_mixed_encodings_are_told_apart_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(
        "06.03.2025, 19:02 - Zoë: ça va\n".encode()
        + "06.03.2025, 19:03 - Zoë: été\n".encode("cp1252")
    )
    assert [text for _, _, text in said(read_all([path], reading()))] == ["ça va", "été"]


def test_invalid_utf8_in_json_costs_a_character(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(hull().replace(b"Hull", b"H\xfcll"))
    assert [text for _, _, text in said(read_all([path], reading()))] == ["I live in H\ufffdll."]


def test_a_file_broken_off_keeps_what_came_before(tmp_path: Path) -> None:
    path = conversations(tmp_path / "conversations.json", json.dumps(GOOD))
    path.write_bytes(path.read_bytes()[:-30])
    found = list(read_all([path], reading()))
    assert said(found) == HULL
    assert all("damaged" in left.reason or "not JSON" in left.reason for left in parted(found)[1])
    assert parted(found)[1]


def test_a_note_too_large_to_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.md"
    with path.open("wb") as file:
        file.truncate(LARGEST_TEXT + 1)
    assert "split it" in parted(read_all([path], reading()))[1][0].reason


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memo.importers.files.MOST_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text("Hello.")
    with pytest.raises(ImporterError, match="over 3 files"):
        list(files_in(tmp_path, ExitStack()))


def test_json_quoted_in_a_message_is_not_the_format() -> None:
    text = json.dumps({"messages": [{"text": '{"mapping": {"a": 1}}', "date_unixtime": "1"}]})
    assert shape(text) == {"messages", "messages[].text", "messages[].date_unixtime"}


def test_a_stream_enters_what_is_asked_for_and_passes_over_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": [[1, "]"], {"b": "}"}], "list": [1, 2.5e3, "x", null], "c": {}}')
    taken = []
    with one(path).open() as file:
        stream = JsonStream(file)
        for name in stream.members():
            if name == "list":
                taken = [stream.value() for _ in stream.elements()]
    assert taken == [1, 2500.0, "x", None]


def test_a_stream_tells_a_bad_value_from_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(f'[{{"a": b}}, {" " * 100} 2, [')
    kinds: list[object] = []
    with one(path).open() as file:
        stream = JsonStream(file)
        with pytest.raises(BrokenOff):
            for _ in stream.elements():
                try:
                    kinds.append(stream.value())
                except BadValue as problem:
                    kinds.append(type(problem))
    assert kinds == [BadValue, 2]


def test_skipped_files_in_a_folder_do_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello.")
    (tmp_path / "b.txt").write_text("Hidden.")
    (tmp_path / "b.txt").chmod(0)
    found = list(read_all([tmp_path], reading()))
    assert [document.title for document in parted(found)[0]][:1] == ["a"]
    assert all(isinstance(left, Skipped) for left in parted(found)[1])
