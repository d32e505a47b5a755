"""What real exports did to other programs' parsers, each with where it was met."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from importing import parted, reading, said

from memo.importers import read_all

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2025, 1, 1, tzinfo=UTC)
WRITTEN = "👩\u200d🏭 می\u200cخواهم ﬁ"  # noqa: RUF001  # joiners, a ligature


def texts(folder: Path, name: str, content: object, **told: Any) -> list[str]:
    """What is read of one file, as words."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return [text for _, _, text in said(read_all([folder], reading(at=AT, **told)))]


def node(text: str, parent: str | None = None, **more: object) -> dict[str, object]:
    content = {"content_type": "text", "parts": [text]}
    message = {"author": {"role": "user"}, "create_time": 1741284131.5, "content": content}
    return {"parent": parent, "children": [], "message": message | more}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        # Children are not linked (nowledge #261), or only children are (mempalace #330).
        ({"current_node": "b", "mapping": {"a": node("A"), "b": node("B", "a")}}, ["A", "B"]),
        (
            {
                "current_node": "b",
                "mapping": {"a": node("A") | {"children": ["b"]}, "b": node("B")},
            },
            ["A", "B"],
        ),
        # No current node: the newest leaf; links in a circle.
        (
            {
                "mapping": {
                    "a": node("A"),
                    "b": node("B", "a"),
                    "c": node("C", "a", create_time=9e8),
                }
            },
            ["A", "B"],
        ),
        ({"current_node": "b", "mapping": {"a": node("A", "b"), "b": node("B", "a")}}, ["A", "B"]),
        # A profile dump (LibreChat #15388), a tool, and words to a tool are no conversation.
        (
            {
                "current_node": "c",
                "mapping": {
                    "a": node("A", content={"content_type": "user_editable_context", "x": "Me"}),
                    "b": node("B", "a", author={"role": "tool"}),
                    "c": node("C", "b", recipient="python"),
                },
            },
            [],
        ),
        # Neither a time nor a name (basic-memory #1276), content that is null or a bare string.
        ({"current_node": "a", "mapping": {"a": node("A", create_time=None)}}, ["A"]),
        ({"current_node": "a", "mapping": {"a": node("A", content=None)}}, []),
        ({"current_node": "a", "mapping": {"a": node("A", content="bare")}}, ["bare"]),
    ],
)
def test_chatgpts_trees(tmp_path: Path, tree: dict[str, object], expected: list[str]) -> None:
    assert texts(tmp_path, "conversations.json", [{"title": "T", **tree}]) == expected


UNSUPPORTED = "This block is not supported on your current device yet."


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"text": UNSUPPORTED, "content": [{"type": "text", "text": "Hm."}]}, ["Hm."]),
        ({"text": "Hm.", "content": [{"type": "text", "text": None}]}, ["Hm."]),
        ({"text": "", "content": []}, []),
        ({"text": "Hm.", "content": None, "attachments": [{"extracted_content": "x"}]}, ["Hm."]),
    ],
)
def test_claudes_blocks(tmp_path: Path, message: dict[str, object], expected: list[str]) -> None:
    message = {"uuid": "m", "sender": "human", "created_at": "2026-01-02T03:04:05Z", **message}
    talk = {"uuid": "c", "name": "", "chat_messages": [message]}
    empty = {"uuid": "d", "name": "", "chat_messages": []}
    assert texts(tmp_path, "conversations.json", [talk, empty]) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # A system line glued on (chat-miner #42); system lines with an author (#258).
        (
            "[06.03.25, 19:02:11] Ada: hm\n\u200e[06.03.25, 19:03:11] Ada: \u200eimage omitted\n",
            ["hm"],
        ),
        ("[06.03.25, 19:02:11] Mill: \u200eAda added you\n[06.03.25, 19:03:11] Ada: hm\n", ["hm"]),
        ("06.03.25, 19:02 - Ada created group “a: b”\n06.03.25, 19:03 - Ada: hm\n", ["hm"]),
        # Emoji with joiners, Persian with a non-joiner, compatibility forms: as they were written.
        (f"06.03.25, 19:02 - Ada: {WRITTEN}\n", [WRITTEN]),
        ("06.03.25, 19:02 - Ada: 0\n", ["0"]),
        ("06.03.25, 19:02 - Ada: one\n\ntwo: three\n", ["one\n\ntwo: three"]),
    ],
)
def test_whatsapps_lines(tmp_path: Path, lines: str, expected: list[str]) -> None:
    assert texts(tmp_path, "_chat.txt", lines) == expected


def telegram(**more: object) -> dict[str, object]:
    message = {"id": 7, "type": "message", "date": "2025-10-26T02:30:00", "from": "Ada"}
    return message | {"from_id": "user1", "date_unixtime": "1761438600", "text": "hm"} | more


def test_telegrams_hour_that_comes_twice_keeps_its_order(tmp_path: Path) -> None:
    """Local times repeat when a clock goes back (chat-analytics #79)."""
    messages = [
        telegram(id=1, date="2025-10-26T02:30:00", date_unixtime="1761438600", text="first"),
        telegram(id=2, date="2025-10-26T02:10:00", date_unixtime="1761441000", text="second"),
    ]
    chat = {"name": "Ada", "type": "personal_chat", "id": 1, "messages": messages}
    assert texts(tmp_path, "result.json", chat) == ["first", "second"]


@pytest.mark.parametrize(
    "message",
    [
        telegram(forwarded_from="Ben", text="I live in Oslo."),
        telegram(type="service", actor="Ada", action="pin_message", text=""),
        telegram(text=""),
        telegram(text=[{"type": "custom_emoji"}]),
    ],
)
def test_what_telegram_has_besides_messages(tmp_path: Path, message: dict[str, object]) -> None:
    chat = {"name": "Ada", "id": 1, "messages": [message, telegram(id=8, text="hm")]}
    found = list(read_all([written(tmp_path / "result.json", chat)], reading()))
    assert [text for _, _, text in said(found)] == ["hm"]
    assert [left.routine for left in parted(found)[1]] == [True]


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        # `content` is null beside tool calls, or parts.
        (
            "x.jsonl",
            '{"messages":[{"role":"assistant","content":null,"tool_calls":[{}]},'
            '{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url"}]}]}\n',
            ["hi"],
        ),
        # A verb in a language that is not known is not guessed at (agentsview #1330).
        (
            "MyActivity.json",
            [{"header": "Gemini Apps", "title": "Kysyi hm", "time": "2026-02-11T08:05:00Z"}],
            [],
        ),
        # Never edited is not 1970; a list without a text.
        (
            "note.json",
            {
                "title": "",
                "textContent": "",
                "listContent": [{"text": "tea", "isChecked": True}],
                "createdTimestampUsec": 1741284131000000,
                "userEditedTimestampUsec": 0,
                "isTrashed": False,
            },
            ["- done: tea"],
        ),
        # Escaped Markdown and pictures (jrnl #409).
        (
            "Journal.json",
            {
                "entries": [
                    {
                        "uuid": "A1",
                        "creationDate": "2025-03-06T19:02:11Z",
                        "text": "Ran 5 km\\.\n\n![](dayone-moment://AB)",
                    }
                ]
            },
            ["Ran 5 km."],
        ),
        # No sender, a time of 0 (signal-export's create.py), a comma in old headers.
        (
            "Ada/chat.md",
            "[2025-03-06, 19:02] Me: hm\n[2025-03-06, 19:03] No-Sender: x\n(- Ada: 👍 -)\n",
            ["hm"],
        ),
        # "From " begins a sentence, not a mail (xerj #949); headers are encoded; HTML alone.
        (
            "all.mbox",
            "From a@b Thu Mar 06 19:02:11 2025\nFrom: =?utf-8?q?Zo=C3=AB?= <a@b>\n"
            "Subject: =?utf-8?b?w4dh?=\nDate: Thu, 06 Mar 2025 19:02:11 +0000\n"
            "Content-Type: text/html\n\n<p>One.</p>\n\nFrom here on it rained.\n",
            ["Ça\n\nOne.\n\nFrom here on it rained."],
        ),
        (
            "c.log",
            "--- Log opened Thu Mar 06 19:00:00 2025\n19:02 <@ada> hi\n19:02 -!- x\n",
            ["hi"],
        ),
        (
            "Ada.txt",
            "May 17, 2022  5:29:42 PM (Read by you after 3 seconds)\nAda\nHello\n\n"
            "    May 17, 2022  5:30:42 PM\n    Me\n    quoted\n\n",
            ["Hello"],
        ),
    ],
)
def test_quirks_of_other_programs(
    tmp_path: Path, name: str, content: object, expected: list[str]
) -> None:
    assert texts(tmp_path, name, content) == expected


def test_messengers_files_go_by_number_and_end_to_end_ones_are_flat(tmp_path: Path) -> None:
    """`message_10.json` comes after `message_2.json`; flat files since 2024 (chatalysis #104)."""
    people = [{"name": "Ada"}, {"name": "Jo"}]
    inbox = tmp_path / "your_facebook_activity" / "messages" / "inbox" / "ada_1"
    for number in (1, 2, 10):
        message = {"sender_name": "Ada", "timestamp_ms": 1741284131000, "content": f"{number}"}
        inbox.mkdir(parents=True, exist_ok=True)
        chat = {"participants": people, "messages": [message], "title": "Ada"}
        written(inbox / f"message_{number}.json", chat)
    flat = {"senderName": "Ben", "text": "flat", "timestamp": 1741284131000, "isUnsent": False}
    gone = flat | {"text": "gone", "isUnsent": True}
    chat = {"participants": ["Ben", "Jo"], "threadName": "Ben_1", "messages": [flat, gone]}
    written(tmp_path / "Ben_1.json", chat)
    found = [text for _, _, text in said(read_all([tmp_path], reading()))]
    assert sorted(found) == ["1", "10", "2", "flat"]
    assert [one for one in found if one != "flat"] == ["10", "2", "1"]


def test_slacks_replies_join_their_thread_and_unknown_users_keep_their_id(tmp_path: Path) -> None:
    channel = tmp_path / "general"
    channel.mkdir()
    first = {"type": "message", "user": "U1", "text": "who?", "ts": "1741284131.000200"}
    reply = first | {"user": "U2", "text": "me", "ts": "1741370531.000200"}
    bot = first | {"user": None, "bot_id": "B1", "ts": "1741284132.000200"}
    written(channel / "2025-03-06.json", [first | {"thread_ts": first["ts"]}, bot])
    written(channel / "2025-03-07.json", [reply | {"thread_ts": first["ts"]}])
    found = list(read_all([tmp_path], reading()))
    assert [(who, text) for _, who, text in said(found)] == [("U1", "who?"), ("U2", "me")]
    assert {one.thread for one in parted(found)[0]} == {"general/"}
    assert ["bot" in left.reason for left in parted(found)[1]] == [True]


def test_discords_thread_starter_without_words_is_counted(tmp_path: Path) -> None:
    """Its words stand in the channel (DiscordChatExporter #1265)."""
    author = {"id": "1", "name": "ada", "nickname": "", "isBot": False}
    message = {"id": "9", "timestamp": "2025-03-06T19:02:11+00:00", "author": author}
    messages = [
        message | {"type": "ThreadStarterMessage", "content": ""},
        message | {"id": "10", "type": "Reply", "content": "hi", "reference": {"messageId": "9"}},
    ]
    channel = {"guild": {"name": "g"}, "channel": {"id": "1", "name": "c"}, "messages": messages}
    found = list(read_all([written(tmp_path / "c.json", channel)], reading()))
    assert said(found) == [("2025-03-06T19:02:11Z", "ada", "hi")]
    assert len(parted(found)[1]) == 1
