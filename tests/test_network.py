"""The whole journey without a network, and without trying to reach one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from memo.models import default_models, find, installed, pull
from memo.settings import load

ROOT = Path(__file__).parent.parent


@pytest.mark.model
@pytest.mark.slow
def test_the_demo_needs_no_network_and_tries_none(tmp_path: Path) -> None:
    settings = load()
    for model in map(find, default_models(settings)):
        if not installed(model, settings.models):
            for _ in pull(model, settings.models):
                pass
    trace = tmp_path / "trace"
    command = [sys.executable, "-m", "memo", "demo"]
    if shutil.which("strace"):
        watch = ["-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
        command = ["strace", "-f", "-qq", "--seccomp-bpf", *watch, *command]
    if shutil.which("unshare"):
        command = ["unshare", "--map-root-user", "--net", *command]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = trace.read_text() if trace.exists() else ""
    assert re.findall(r"AF_INET6?\b.*", tried) == []
