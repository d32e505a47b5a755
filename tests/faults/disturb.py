"""Run an act in a process of its own, with strace at its throat.

The process is forked, so that a disturbance costs milliseconds and not an import of memo, and waits
until strace has hold of it. What it has told the person is counted in shared memory, without a
system call that would be one more point to disturb.
"""

from __future__ import annotations

import ctypes
import logging
import mmap
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memo.errors import MemoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from acts import Act

WRITES = (
    *("pwrite64", "write", "writev", "ftruncate", "fallocate", "fdatasync", "fsync", "sendfile"),
    *("unlink", "rename", "mkdir", "rmdir", "chmod", "fchmod", "link", "copy_file_range"),
)
"""The system calls that change files, or make changes last."""
READS = ("pread64", "read", "openat")
MARK = "/memo-told-the-person"
"""A name that is looked for where something was told, for a trace to show it."""
_ANY_TRACER = (0x59616D61, ctypes.c_ulong(-1))  # PR_SET_PTRACER, for Yama's restricted ptrace
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a disturbed act ended."""

    told: int
    """What the person was told is done."""
    ended: str
    """`done`, `killed`, `explained` (what the command line tells in a sentence), or the name of
    any other exception."""
    detail: str
    trace: list[str]
    """The lines of strace."""
    warned: bool = False
    """Whether a warning went to the log."""


def why_not() -> str | None:
    """Why processes cannot be disturbed here; None where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    done = subprocess.run(
        ["strace", "-qq", "-o", os.devnull, "-e", "trace=fsync", "true"],
        capture_output=True,
        check=False,
    )
    return "strace may not trace here (ptrace is forbidden)" if done.returncode else None


def disturbed(act: Act, home: Path, *options: str) -> Outcome:
    """Run an act on a home under strace with these options."""
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        _be_disturbed(act, home, ready, shared)
    trace = home.parent / "trace"
    try:
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-y", "-p", str(child), "-o", str(trace), *options],
            stderr=subprocess.DEVNULL,
        )
        _until(lambda: _tracer_of(child) == tracer.pid or tracer.poll() is not None)
    finally:
        os.write(go, b"!")
        os.close(go)
        os.close(ready)
        os.waitpid(child, 0)
    tracer.wait(_PATIENCE_S)
    ended, _, detail = shared[8:].rstrip(b"\0").decode("utf-8", "replace").partition(" ")
    told, warned = shared[0], bool(shared[1])
    shared.close()
    lines = trace.read_text("ascii", "replace").splitlines()
    return Outcome(told, ended or "killed", detail, lines, warned)


def _be_disturbed(act: Act, home: Path, ready: int, shared: mmap.mmap) -> None:
    """What the forked process does; it never returns."""
    ended = "done"
    try:
        ctypes.CDLL(None).prctl(*_ANY_TRACER, 0, 0, 0)
        os.read(ready, 1)

        class Warned(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                shared[1] = 1

        logging.getLogger("memo").addHandler(Warned(logging.WARNING))

        def told() -> None:
            shared[0] += 1
            os.access(MARK, os.F_OK)

        act.run(home, told)
    except (MemoError, OSError) as error:
        ended = f"explained {type(error).__name__}: {error}"
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is what is looked for
        ended = f"{type(error).__name__} {error}"
    finally:
        line = ended.encode("utf-8", "replace")[: mmap.PAGESIZE - 8]
        shared[8 : 8 + len(line)] = line
        os._exit(0)


def _tracer_of(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    found = re.search(r"^TracerPid:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("strace did not take hold")
        time.sleep(0.001)


def counted(trace: list[str]) -> Counter[str]:
    """How often each system call was made."""
    calls = (re.match(r"\d+\s+(\w+)\(", line) for line in trace)
    return Counter(call[1] for call in calls if call)
