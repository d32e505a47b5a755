"""The whole journey, watched for two minutes: nothing is reached, nothing written elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from disturb import why_not

from memo.models import default_models, find, installed, pull
from memo.settings import load

ROOT = Path(__file__).parents[2]
WATCH_S = 120
MODEL = "smollm2-135m-instruct"
JOURNEY = """
import subprocess, sys, time
memo = [sys.executable, "-m", "memo", "--yes"]
chat = '{"text": "I live in Hull. I started at Acme.", "speaker": "Ann", "at": "2024-01-05"}'
end = time.monotonic() + float(sys.argv[1])
number = 0
while number == 0 or time.monotonic() < end:
    number += 1
    with open(f"chat{number}.jsonl", "w") as file:
        file.write(chat.replace("Hull", f"Hull {number}"))
    for command in (
        ["where"],
        ["add", f"Bo lives in York {number}.", "--at", "2024-02-01"],
        ["import", f"chat{number}.jsonl"],
        ["facts", "Hull"],
        ["ask", "Where does Ann live?"],
        ["undo"],
        ["backup", f"kept{number}.db"],
        ["doctor"],
    ):
        done = subprocess.run([*memo, *command], capture_output=True, text=True)
        if done.returncode not in (0, 1, 3) or "Traceback" in done.stderr:
            sys.exit(f"{command}: {done.returncode} {done.stderr}")
"""


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_the_journey_connects_to_nothing_and_writes_nowhere_else(tmp_path: Path) -> None:
    settings = load(model=MODEL)
    for model in (find(MODEL), find(default_models(settings)[1])):
        if not installed(model, settings.models):
            list(pull(model, settings.models))
    here = tmp_path / "here"
    here.mkdir()
    trace = tmp_path / "trace"
    environ = {
        "HOME": str(tmp_path / "person"),
        "MEMO_HOME": str(tmp_path / "home"),
        "MEMO_MODELS": str(settings.models),
        "MEMO_MODEL": MODEL,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    (tmp_path / "person").mkdir()
    command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", str(trace), "-e"]
    command += ["trace=%network,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,symlink"]
    command += [sys.executable, "-c", JOURNEY, str(WATCH_S)]
    if shutil.which("unshare"):
        command = ["unshare", "--map-root-user", "--net", *command]
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=here, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started >= WATCH_S
    lines = trace.read_text("utf-8", "replace").splitlines()
    assert len(lines) > 1000
    reached = [line for line in lines if re.search(r"(connect|sendto|sendmsg)\(.*AF_INET", line)]
    assert reached == []
    assert {
        path
        for line in lines
        if (path := _written(line)) and _elsewhere(path, tmp_path, settings.models)
    } == set()
    assert list((tmp_path / "person").rglob("*")) == []


def _written(line: str) -> str | None:
    """The absolute path of a file that a call makes or opens for writing."""
    makes = re.search(r"\b(mkdir|rename|creat|symlink)", line)
    opens = "openat(" in line and re.search(r"O_WRONLY|O_RDWR|O_CREAT", line)
    paths = re.findall(r'"(/[^"]*)"', line)
    return paths[-1] if paths and (makes or opens) and " = -1 " not in line else None


def _elsewhere(path: str, ours: Path, models: Path) -> bool:
    return not path.startswith((str(ours), str(models), "/dev/", "/proc/", "/tmp/"))
