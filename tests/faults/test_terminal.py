"""Claims about what reaches a terminal, a log or a file that others may read: nobody's commands.

Every command, on data and arguments that hold each payload wherever a text can be.
"""

from __future__ import annotations

import json
import logging
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from fakes import FakeLM, HashEmbedder, ann
from hostile import PAYLOADS, haunted

from memo.cli import main
from memo.engines import Engines
from memo.memory import Memory
from memo.settings import load
from memo.show import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from click.testing import Result

    from memo.lm import Prompt

ROOT = Path(__file__).parents[2]
CANARY = "Zanzibarquixote"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TEXTS = [payload.replace("\x00", "") for payload in PAYLOADS]
"""As arguments: those have no NUL."""
EACH = [
    text if n % 6 == 0 else pytest.param(text, marks=pytest.mark.slow)
    for n, text in enumerate(TEXTS)
]
"""Some of them in every run, all in a slow one."""


class Parrot(FakeLM):
    """Answers with a payload."""

    payload = ""

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Iterator[str]:
        yield f"Borealis | {self.payload}"


class Commands:
    """The command line in a home of its own, over fake models."""

    def __init__(self, folder: Path, lm: FakeLM | None = None) -> None:
        self.home = folder / "home"
        self.environ = {"MEMO_HOME": str(self.home), "MEMO_MODELS": str(folder / "models")}
        model, embedder = lm or ann(), HashEmbedder()
        self.engines = Engines(lambda _: model, lambda _: embedder)

    def __call__(self, *args: str, input: str | bytes | None = None) -> Result:
        runner = CliRunner(env=self.environ)
        result = runner.invoke(main, [*args, "--yes"], obj=self.engines, input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit), args
        for stream in (result.stdout, result.stderr):
            sent = _COLOURS.sub("", stream)
            assert show(sent) == sent, (args, sent)
        assert "Traceback" not in result.output
        return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose home holds every payload wherever a text can be."""
    folder = tmp_path_factory.mktemp("haunted")
    one = Commands(folder)
    settings = load(home=one.home, environ=one.environ)
    haunted(Memory(settings, one.engines))
    return folder


LOOKING = (
    *(("facts",), ("facts", "--state", "all"), ("facts", "link"), ("documents",), ("log",)),
    *(("review",), ("export",), ("export", "--format", "markdown"), ("doctor",), ("where",)),
    *(("model", "list"), ("model", "recommend"), ("undo", "99999"), ("show", "99999")),
)


@pytest.mark.parametrize("command", LOOKING)
def test_what_is_listed_drives_nothing(folder: Path, command: tuple[str, ...]) -> None:
    run = Commands(folder)
    run(*command)
    run(*command, "--json")


def test_what_is_shown_one_by_one_drives_nothing(folder: Path) -> None:
    run = Commands(folder)
    for command in ("history", "show", "document"):
        for number in range(1, len(PAYLOADS) + 1):
            assert run(command, str(number)).exit_code == 0


@pytest.mark.parametrize("text", EACH)
def test_arguments_and_errors_drive_nothing(tmp_path: Path, text: str) -> None:
    run = Commands(tmp_path)
    run("add", text, "--at", "2024-01-05", "--title", text[:200], "--speaker", text[:50] or "x")
    run("add", "-", input=text.encode("utf-8", "surrogatepass"))
    run("ask", f"Where {text}?", "--choice", text, "--choice", "b")
    run("ask", "-", input=json.dumps({"question": f"Where {text}?", "id": text}))
    run("facts", text)
    run("edit", "1", text)
    run("forget", "--source", text)
    for wrong in (
        ("add", "x", "--at", text),
        ("facts", "--state", text),
        ("history", text),
        ("import", text),
        ("restore", text),
        ("import", ".", "--format", text),
        ("model", "use", text),
        ("model", "pull", text),
        ("facts", "--tz", text),
        (text,),
    ):
        assert run(*wrong).exit_code != 0 or wrong[0] == "import" or not text.strip(), wrong


@pytest.mark.parametrize("text", EACH)
def test_files_with_hostile_names_and_words_drive_nothing(tmp_path: Path, text: str) -> None:
    name = text.replace("/", "_").encode("utf-8", "replace")[:80].decode("utf-8", "ignore")
    inbox = tmp_path / f"in {name}"
    inbox.mkdir()
    (inbox / f"2024-01-01 {name}.md").write_bytes(text.encode("utf-8", "surrogatepass"))
    (inbox / f"{name}.jsonl").write_text(
        json.dumps({"text": text, "speaker": text, "conversation": text, "at": text}) + "\n{bad\n",
    )
    run = Commands(tmp_path)
    run("import", str(inbox), "--dry-run")
    run("import", str(inbox))
    run("backup", str(inbox / "kept.db"))
    run("backup", str(inbox / "kept.db"))  # it is there already
    run("export", str(inbox / "out"))


@pytest.mark.parametrize("text", EACH)
def test_what_a_model_answers_drives_nothing(tmp_path: Path, text: str) -> None:
    parrot = Parrot()
    parrot.payload = text
    run = Commands(tmp_path, parrot)
    run("ask", "Where does Ann work?")
    run("ask", "Where does Ann work?", "--json")


def test_nobodys_words_are_in_logs_errors_or_files_that_others_may_read(tmp_path: Path) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("a fault within")

    run = Commands(tmp_path)
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler = Keep()
    logging.getLogger("memo").addHandler(handler)
    try:
        run("add", f"I live in {CANARY}. I started at Acme.", "--at", "2024-01-05")
        run("ask", f"Who lives in {CANARY}?")
        run("facts", CANARY)
        run("undo")
        run("backup", str(tmp_path / "home" / "kept.db"))
        fails = Commands(tmp_path, ann(before=broken))
        result = fails("add", f"{CANARY} is where I live now, I started at Acme.")
        assert result.exit_code != 0
        assert CANARY not in result.output
    finally:
        logging.getLogger("memo").removeHandler(handler)
    assert not any(CANARY in line for line in records)
    for path in run.home.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, (path, oct(mode))
        if path.is_file() and ".log" in path.name:
            assert CANARY not in path.read_text("utf-8")
    assert stat.S_IMODE(run.home.stat().st_mode) == 0o700


def test_no_command_can_dump_a_core(tmp_path: Path) -> None:
    """Where the limit may be raised before, as root may; elsewhere it is 0 from the tests above."""
    code = (
        "import sys, resource, atexit, contextlib\n"
        "with contextlib.suppress(ValueError, OSError):\n"
        "    resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))\n"
        "atexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_CORE)))\n"
        "sys.argv = ['memo', 'where']\n"
        "from memo.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"MEMO_HOME": str(tmp_path), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "(0, 0)"
