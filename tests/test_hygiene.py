"""Claims about what is imported when: help stays quick, and each library has one room."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from toy import move, opened

from memo.cli import main

ROOT = Path(__file__).parent.parent
HEAVY = {
    *("textual", "llama_cpp", "fastembed", "onnxruntime", "huggingface_hub", "httpx"),
    *("numpy", "apsw", "psutil", "memo.memory", "memo.store"),
}
ROOMS = {
    "llama_cpp": {
        f"llama/{name}.py" for name in ("backend", "engine", "grammar", "kernels", "tokens")
    },
    "fastembed": {"embed.py"},
    "apsw": {
        "trust/cipher.py",
        "store/connection.py",
        "store/opening.py",
        "store/schema.py",
        "store/snapshot.py",
    },
    "argon2": {"trust/keys.py"},
    "keyring": {"trust/keys.py"},
    "sqlite_vec": {"store/opening.py"},
    "httpx": {"models/hub.py"},
    "huggingface_hub": {"models/hub.py"},
}

QUICK = {"memo.models", "memo.contract", "memo.terminal", "memo.records", "logging.handlers"}
CHAT = {"llama_cpp", "memo.llama.engine", "textual"}
EMBEDDER = {"fastembed", "onnxruntime", "memo.embed"}

LOADED = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
from memo.__main__ import main
main()
"""


def loaded(home: Path, args: list[str], environ: dict[str, str]) -> tuple[str, set[str]]:
    """What a command prints, and the modules that are then in memory."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *args],
        env=os.environ | {"MEMO_HOME": str(home)} | environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, set(done.stderr.split())


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
    printed, modules = loaded(tmp_path, args, environ)
    assert printed
    assert (HEAVY | QUICK) & modules == set()


def test_the_outermost_help_loads_no_command(tmp_path: Path) -> None:
    printed, modules = loaded(tmp_path, ["--help"], {"COLUMNS": ""})
    assert "Usage: memo" in printed
    assert {"click", "json", "pathlib", "memo.cli"} & modules == set()


def test_the_help_that_is_kept_is_that_of_the_commands() -> None:
    drawn = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert (ROOT / "assets" / "help.txt").read_text("ascii") == drawn, (
        "renew it: python -c 'from memo.cli import main; main()' --help > assets/help.txt"
    )


def test_a_narrow_terminal_gets_help_drawn_for_it(tmp_path: Path) -> None:
    printed, modules = loaded(tmp_path, ["--help"], {"COLUMNS": "60"})
    assert max(map(len, printed.splitlines())) < 60
    assert "click" in modules


def test_listing_facts_loads_no_model(tmp_path: Path) -> None:
    _, modules = loaded(tmp_path, ["facts"], {})
    assert (CHAT | EMBEDDER) & modules == set()


def test_looking_for_facts_loads_the_embedder_only_where_there_are_vectors(tmp_path: Path) -> None:
    _, modules = loaded(tmp_path, ["facts", "Hull"], {})
    assert (CHAT | EMBEDDER) & modules == set()
    with opened(tmp_path) as store:
        move(store, "Hull", "2024-01-01")
    printed, modules = loaded(tmp_path, ["facts", "Hull"], {"MEMO_MODELS": str(tmp_path)})
    assert "Ann lives in Hull." in printed
    assert CHAT & modules == set()


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
