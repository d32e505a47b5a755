"""How fast exports are read, and in how much memory: generated files, each in a process of its own.

`python tests/benchmarks/parse.py` prints messages a second and the peak of memory for 100,000 and
400,000 WhatsApp lines, and for ChatGPT exports of 30 and of 300 MB.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from memo.importers import Reading, Skipped, read_all
from memo.memory import DOCUMENT_TOKENS, estimated_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

WHATSAPP_LINES, MANY_LINES = 100_000, 400_000
SMALL, LARGE = 30 * 10**6, 300 * 10**6
_WORDS = "the mill was shut again so we walked home along the canal and talked about the boat "


@dataclass(frozen=True, slots=True)
class Parsed:
    """One file, read once."""

    name: str
    megabytes: float
    messages: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


def whatsapp(path: Path, lines: int = WHATSAPP_LINES) -> None:
    """A chat of two, a line every four minutes."""
    at = datetime(2022, 1, 1, tzinfo=UTC)
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            when = at + timedelta(minutes=4 * number)
            who = ("Ada Quill", "Jo")[number % 2]
            words = _WORDS[number % 40 : number % 40 + 45]
            file.write(f"{when:%d/%m/%Y, %H:%M} - {who}: {number} {words}\n")


def chatgpt(path: Path, size: int) -> None:
    """Conversations of forty messages with what ChatGPT writes around each."""
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        number = 0
        while file.tell() < size:
            file.write(("," if number else "") + json.dumps(_conversation(number)))
            number += 1
        file.write("]")


def _conversation(number: int) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for place in range(40):
        id_ = f"{number:06}-{place:02}-0000-4000-8000-000000000000"
        mapping[id_] = {
            "id": id_,
            "parent": f"{number:06}-{place - 1:02}-0000-4000-8000-000000000000" if place else None,
            "children": [],
            "message": {
                "id": id_,
                "author": {"role": ("user", "assistant")[place % 2], "name": None, "metadata": {}},
                "create_time": 1.6e9 + number * 9000 + place * 60.5,
                "update_time": None,
                "content": {
                    "content_type": "text",
                    "parts": [f"{place} {_WORDS * (1 + place % 5)}"],
                },
                "status": "finished_successfully",
                "end_turn": True,
                "weight": 1.0,
                "metadata": {"model_slug": "x", "citations": [], "request_id": id_},
                "recipient": "all",
            },
        }
    return {
        "title": f"Talk {number}",
        "create_time": 1.6e9 + number * 9000,
        "mapping": mapping,
        "current_node": id_,
        "conversation_id": f"c-{number}",
    }


def read(path: Path) -> tuple[int, float]:
    """Messages, and seconds of the processor: other work on the machine does not count."""
    started = time.process_time()
    reading = Reading(estimated_tokens, DOCUMENT_TOKENS, tz=UTC)
    messages = sum(
        len(one.messages) for one in read_all([path], reading) if not isinstance(one, Skipped)
    )
    return messages, time.process_time() - started


def peak_mib() -> float:
    """The most memory that this process has held.

    Linux's `ru_maxrss` of a child begins with that of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def measure() -> list[Parsed]:
    """Generate the files and read each in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        chat = Path(folder) / "WhatsApp Chat with Ada.txt"
        long_chat = Path(folder) / "WhatsApp Chat with Bo.txt"
        small, large = Path(folder) / "small.json", Path(folder) / "large.json"
        whatsapp(chat)
        whatsapp(long_chat, MANY_LINES)
        chatgpt(small, SMALL)
        chatgpt(large, LARGE)
        names = {
            "whatsapp, small": chat,
            "whatsapp, large": long_chat,
            "chatgpt, small": small,
            "chatgpt, large": large,
        }
        return [_apart(name, path) for name, path in names.items()]


def growth(found: Sequence[Parsed]) -> float:
    """How much more memory the large file of a format took than the small one, at most."""
    pairs = zip(found[::2], found[1::2], strict=True)
    return max(large.peak_mib / small.peak_mib for small, large in pairs)


def _apart(name: str, path: Path) -> Parsed:
    told = subprocess.run(
        [sys.executable, __file__, str(path)], capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(told)
    return Parsed(name, path.stat().st_size / 1e6, **found)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        count, seconds = read(Path(sys.argv[1]))
        print(json.dumps({"messages": count, "seconds": seconds, "peak_mib": peak_mib()}))
    else:
        print(f"{'file':16} {'MB':>7} {'messages':>9} {'a second':>9} {'peak MiB':>9}")
        for one in measure():
            print(
                f"{one.name:16} {one.megabytes:7.0f} {one.messages:9} {one.rate:9.0f} "
                f"{one.peak_mib:9.0f}"
            )
