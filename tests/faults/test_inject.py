"""Claims about being cut short at any system call: nothing is lost, nothing half there, all told.

The reduced form disturbs every act at a few points; `pytest -m slow tests/faults` at all of them,
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

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
FEW = {"kill": 4, "error": 4, "power": 5, "flip": 12}
NAMES = [act.name for act in ACTS]


def reports(*arguments: str) -> list[dict[str, Any]]:
    """What `inject.py` reports; in a process of its own, as it forks."""
    command = [sys.executable, str(Path(__file__).parent / "inject.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("fault", FEW)
def test_a_few_points_of_every_act(fault: str) -> None:
    found = reports(fault, "--most", str(FEW[fault]))
    assert [one["act"] for one in found] == NAMES
    assert all(one["points"] for one in found)
    assert [one for one in found if one["wrong"]] == []


@pytest.mark.slow
@pytest.mark.parametrize("act", NAMES)
@pytest.mark.parametrize("fault", FEW)
def test_every_point_of_an_act(fault: str, act: str) -> None:
    (found,) = reports(fault, "--act", act)
    assert found["points"] > FEW[fault]
    assert found["wrong"] == 0, found
