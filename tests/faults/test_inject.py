"""Claims about being cut short at any system call: nothing is lost, nothing half there, all told.

The reduced form disturbs every act at a few points; `pytest -m full tests/faults` at all of them,
and `python tests/faults/inject.py kill|error|power|flip` prints what came of them as a report.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from acts import ACTS
from disturb import why_not
from powerloss import steps

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
FEW: dict[str, tuple[int, tuple[str, ...]]] = {
    "kill": (2, ()),
    "error": (4, ("ingest", "forget-document", "backup")),
    "power": (5, ("first", "ingest", "encrypt", "restore")),
    "flip": (25, ("undo", "backup")),
}
"""How many points of which acts; of all where none is named."""
NAMES = [act.name for act in ACTS]


def reports(*arguments: str) -> list[dict[str, Any]]:
    """What `inject.py` reports; in a process of its own, as it forks."""
    command = [sys.executable, str(Path(__file__).parent / "inject.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("fault", FEW)
def test_a_few_points_of_some_acts(fault: str) -> None:
    most, acts = FEW[fault]
    named = [word for act in acts for word in ("--act", act)]
    found = reports(fault, "--most", str(most), *named)
    assert {one["act"] for one in found} == set(acts or NAMES)
    assert all(one["points"] for one in found)
    assert [one for one in found if one["wrong"]] == []


def test_more_points_of_what_puts_another_file_in_the_stores_place() -> None:
    """A kill while SQLite's journal was needed made a sound backup, and a sound store, refused."""
    acts = ("restore", "encrypt", "decrypt", "forget-fact", "forget-document")
    named = [word for act in acts for word in ("--act", act)]
    found = reports("kill", "--most", "12", *named)
    found += reports("kill", "--most", "12", "--act", "restore", "--cipher")
    assert [one["points"] for one in found] == [12] * 6
    assert [one for one in found if one["wrong"]] == []


def test_a_few_points_of_an_encrypted_store() -> None:
    for fault in ("kill", "flip"):
        (found,) = reports(fault, "--most", "10", "--act", "undo-import", "--cipher")
        assert found["points"] == 10
        assert not found["wrong"], found
        assert not found["silent"], found


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    first = reports("kill", "--act", "pin", "--most", "2", "--keep", str(tmp_path))
    (kept,) = tmp_path.glob("*.json")
    told = json.loads(kept.read_text("utf-8"))
    assert told["report"]["finished"]
    assert reports("kill", "--act", "pin", "--most", "2", "--keep", str(tmp_path)) == first
    told["report"] |= {"finished": False, "reached": 1, "points": 1}
    kept.write_text(json.dumps(told), "utf-8")
    assert reports("kill", "--act", "pin", "--most", "2", "--keep", str(tmp_path)) == first
    kept.write_text(json.dumps({**told, "sources": "others"}), "utf-8")
    assert reports("kill", "--act", "pin", "--most", "2", "--keep", str(tmp_path)) == first


def test_what_a_trace_shows_in_part_is_refused() -> None:
    """It made `restore` look as if it lost a store."""
    line = r'7 write(6</tmp/home/memo.db>, "\x41\x42"..., 9) = 9'
    with pytest.raises(ValueError, match="cut short"):
        steps([line], Path("/tmp/home"))


@pytest.mark.full
@pytest.mark.parametrize("cipher", [False, True])
@pytest.mark.parametrize("act", NAMES)
@pytest.mark.parametrize("fault", FEW)
def test_every_point_of_an_act(
    fault: str, act: str, cipher: bool, request: pytest.FixtureRequest
) -> None:
    """For hours; what was found is kept in pytest's cache, and a stopped run goes on there."""
    keep = str(request.config.cache.mkdir("faults"))
    for found in reports(fault, "--act", act, "--keep", keep, *["--cipher"] * cipher):
        assert found["points"] > FEW[fault][0]
        assert found["wrong"] == 0, found
        assert not (cipher and found["silent"]), found
