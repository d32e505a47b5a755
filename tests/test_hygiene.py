"""Claims about what is imported when: help stays quick, and each library has one room."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {
    *("textual", "llama_cpp", "fastembed", "onnxruntime", "huggingface_hub", "httpx"),
    *("numpy", "apsw", "psutil", "memo.memory", "memo.store"),
}
ROOMS = {
    "llama_cpp": {"llama/engine.py", "llama/grammar.py"},
    "fastembed": {"embed.py"},
    "apsw": {"store/connection.py", "schema.py"},
    "sqlite_vec": {"schema.py"},
    "httpx": {"models/hub.py"},
    "huggingface_hub": {"models/hub.py"},
}

LOADED = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
from memo.cli import main
main()
"""


@pytest.mark.parametrize(
    ("args", "environ"),
    [
        (["--help"], {}),
        (["import", "--help"], {}),
        (["where"], {}),
        ([], {"_MEMO_COMPLETE": "bash_complete", "COMP_WORDS": "memo f", "COMP_CWORD": "1"}),
    ],
)
def test_help_and_completion_load_nothing_heavy(
    tmp_path: Path, args: list[str], environ: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *args],
        env=os.environ | {"MEMO_HOME": str(tmp_path)} | environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def imports(path: Path) -> set[str]:
    """The outermost names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def within(path: Path) -> str:
    return path.relative_to(ROOT / "memo").as_posix()


def test_each_library_is_known_to_its_room_alone() -> None:
    rooms = {
        library: {within(path) for path in ROOT.glob("memo/**/*.py") if library in imports(path)}
        for library in ROOMS
    }
    assert rooms == ROOMS


def test_only_a_pull_goes_online() -> None:
    online = {"socket", "ssl", "urllib", "http", "requests", "httpx", "huggingface_hub"}
    found = {within(path) for path in ROOT.glob("memo/**/*.py") if online & imports(path)}
    assert found == {"models/hub.py"}
