"""Disturb every act of memo at every point, and judge what is left: a report as JSON.

    python tests/faults/inject.py kill|error|power|flip [--act NAME]… [--most N] [--cipher]
        [--keep FOLDER]

`kill` ends the process at each system call that changes a file. `error` lets each fail: a full
disk and a failing one, for once and from then on. `power` cuts the power at each of them: what was
not synced is lost, torn at 512 bytes, or arrives out of order. `flip` changes one bit of what an
act left. `--most` takes that many points of each act, evenly spread. `--keep` writes down in a
folder how far a run is, and goes on there: all points take hours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a fork takes no threads along
if __name__ == "__main__":
    _TESTS = Path(__file__).parents[1]
    sys.path[:0] = [str(_TESTS.parent), str(_TESTS), str(_TESTS / "faults")]

import powerloss
from acts import ACTS, CANARY, copied, encryptable, fresh, stand_still, state
from disturb import READS, WRITES, counted, disturbed
from powerloss import NOT_KEPT

from memo.errors import MemoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from acts import Act
    from disturb import Outcome

ERRORS = {
    "ENOSPC": ("pwrite64", "write", "ftruncate", "fallocate", "openat", "rename"),
    "EIO": (
        *("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename"),
        *("pread64", "read", "openat"),
    ),
}


HARMLESS = {
    ("openat", "urandom"),  # SQLite takes the time and the process id instead
    ("read", "urandom"),
    ("openat", "vec0"),  # the extension's file is looked for by a second name
    ("openat", "memo.db"),  # SQLite opens it for reading instead, and refuses to write
    ("openat", "home"),  # SQLite passes over a folder that cannot be synced
    ("fdatasync", "home"),
    ("unlink", "memo.db-wal"),  # it is merged, and empty of what was forgotten
    ("unlink", "memo.db-shm"),
    ("openat", ".memo.db.restoring"),  # SQLite opens it for reading instead
    ("openat", ".kept.db.unfinished-head"),  # as the next
    ("openat", "memo.db-head"),  # it stays behind the store, which proves nothing
}
"""Failures of which nobody need be told, as the call and the file."""
FLIPS = 650  # of each act
_KEPT_EVERY_S = 10

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What came of the points of one act; each list names the points where it went wrong."""

    act: str
    of: int = 0
    """How many points there are; for `power`, steps."""
    reached: int = 0
    """How many of those that were chosen are done with."""
    finished: bool = False
    points: int = 0
    lost: list[str] = field(default_factory=list)
    """The person was told of something that is gone."""
    half: list[str] = field(default_factory=list)
    """The store is unsound, or holds what neither was nor should be."""
    stuck: list[str] = field(default_factory=list)
    """Doing it again does not lead to where doing it once leads: a duplicate, for one."""
    residue: list[str] = field(default_factory=list)
    """Forgotten words, unfinished files or loose modes are left after doing it again."""
    unexplained: list[str] = field(default_factory=list)
    """Something else than a `MemoError` was raised."""
    unreported: list[str] = field(default_factory=list)
    """It ended well although something failed."""

    logged: int = 0
    """It ended well although something failed, and the log has a warning of it."""
    silent: list[str] = field(default_factory=list)
    """A changed bit changed what is told, and nothing noticed: only encryption rules that out."""

    @property
    def wrong(self) -> int:
        lists = (self.lost, self.half, self.stuck, self.residue, self.unexplained, self.unreported)
        return sum(map(len, lists))


class Judge:
    """What an act does when nothing disturbs it, and how to tell it from what disturbance left."""

    def __init__(
        self,
        act: Act,
        folder: Path,
        *,
        cipher: bool = False,
        report: Report | None = None,
        kept: Path | None = None,
    ) -> None:
        self.act = act
        self.folder = folder
        self.cipher = cipher
        self.before = fresh(act, folder, cipher=cipher)
        self._states = [self._state_of(self.before)]
        calm = copied(self.before, folder / "calm")
        act.run(calm, lambda: self._states.append(self._state_of(calm)))
        self.report = report or Report(act.name)
        self._kept, self._kept_at = kept, time.monotonic()
        self._judged: set[tuple[int, bool, str]] = set()

    def _state_of(self, home: Path) -> str:
        """Looked at in a copy: opening a store would tidy it up."""
        return state(copied(home, self.folder / "looked"))

    def home(self) -> Path:
        return copied(self.before, self.folder / "home")

    def trace(self, *options: str) -> list[str]:
        """The system calls of an act that nothing disturbs."""
        outcome = disturbed(self.act, self.home(), *options)
        assert outcome.ended == "done", outcome
        return outcome.trace

    def left(self, chosen: Iterable[T], of: int) -> Iterator[T]:
        """Those of so many points that no earlier run got to; the report of them is kept."""
        self.report.of = of
        for number, point in enumerate(chosen):
            if number >= self.report.reached:
                yield point
                self.report.reached = number + 1
                if time.monotonic() - self._kept_at > _KEPT_EVERY_S:
                    self._keep()
        self.report.finished = True
        self._keep()

    def _keep(self) -> None:
        if self._kept is not None:
            self._kept_at = time.monotonic()
            unfinished = self._kept.with_suffix(".unfinished")
            told = {"sources": sources(), "report": asdict(self.report)}
            unfinished.write_text(json.dumps(told), "utf-8")
            unfinished.replace(self._kept)

    def judge(self, point: str, home: Path, told: int, *, done: bool = False) -> None:
        """Look at what is left, do it again, and look at that."""
        report = self.report
        report.points += 1
        mark = (told, done, contents(home))
        if mark in self._judged:  # the same bytes, of which the same was told
            return
        self._judged.add(mark)
        try:
            found = state(home)
        except (AssertionError, MemoError) as error:
            if not self.act.destroys:
                report.half.append(f"{point}: {error}")
                return
            found = self._states[0]
        places = [number for number, one in enumerate(self._states) if one == found]
        if not places:
            report.half.append(f"{point}: a state that never was")
        elif places[-1] < told or (done and places[-1] < len(self._states) - 1):
            report.lost.append(f"{point}: told {told}, kept {places[-1]}")
        if self.act.again or found != self._states[-1]:
            with suppress(MemoError):  # such as: it is undone already
                self.act.run(home, lambda: None)
        if state(home) != self._states[-1]:
            report.stuck.append(point)
        report.residue += [f"{point}: {what}" for what in residue(home, self.act)]


def residue(home: Path, act: Act) -> Iterator[str]:
    """What should not be in a home after an act was done again."""
    for path in files_in(home):
        if path.name.startswith(".") and path.parent == home:
            yield f"{path.name} was left"
        if act.name == "encrypt" and b"SQLite format 3" in path.read_bytes()[:16]:
            yield f"{path.relative_to(home)} is not encrypted"
        if path.stat().st_mode & 0o077:
            yield f"others may read {path.name}"
        if act.forgets and CANARY.casefold().encode() in path.read_bytes().lower():
            yield f"{path.name} still holds what was forgotten"


def files_in(home: Path) -> list[Path]:
    """All files in a home and its folders."""
    return [path for path in sorted(home.rglob("*")) if path.is_file()]


def contents(home: Path) -> str:
    """A mark of all that a home holds and that lasts."""
    mark = hashlib.sha256()
    for path in files_in(home):
        if not path.name.endswith(NOT_KEPT):
            mark.update(f"{path.name} {path.stat().st_mode} {path.stat().st_size} ".encode())
            mark.update(path.read_bytes())
    return mark.hexdigest()


def spread(points: Sequence[str], most: int | None) -> Sequence[str]:
    """At most so many of them, evenly spread, the last among them."""
    if most is None or len(points) <= most:
        return points
    return [points[(number + 1) * len(points) // most - 1] for number in range(most)]


def kill(judge: Judge, most: int | None) -> None:
    """Kill the act at each system call that changes a file."""
    calls = counted(judge.trace("-e", f"trace={','.join(WRITES)}"))
    points = [f"{call} {number + 1}" for call in WRITES for number in range(calls[call])]
    for point in judge.left(spread(points, most), len(points)):
        call, number = point.split()
        home = judge.home()
        inject = f"inject={call}:signal=KILL:when={number}"
        outcome = disturbed(judge.act, home, "-e", f"trace={call}", "-e", inject)
        assert outcome.ended == "killed", (point, outcome)
        judge.judge(point, home, outcome.told)


def error(judge: Judge, most: int | None) -> None:
    """Let each system call fail: once, or from there on."""
    calls = counted(judge.trace("-e", f"trace={','.join((*WRITES, *READS))}"))
    points = [
        f"{call} {errno} {number + 1}{lasting}"
        for errno, failing in ERRORS.items()
        for call in failing
        for number in range(calls[call])
        for lasting in ("", "+")
    ]
    for point in judge.left(spread(points, most), len(points)):
        call, errno, when = point.split()
        home = judge.home()
        inject = f"inject={call}:error={errno}:when={when}"
        outcome = disturbed(judge.act, home, "-e", f"trace={call}", "-e", inject)
        _judge_error(judge, point, home, outcome)


def _judge_error(judge: Judge, point: str, home: Path, outcome: Outcome) -> None:
    failed = [line for line in outcome.trace if line.endswith("(INJECTED)")]
    files = set(_files_named(failed))
    point = f"{point} {sorted(files)}"
    harmless = all((point.split()[0], file) in HARMLESS for file in files)
    harmless |= judge.act.overcomes
    if outcome.ended == "done" and outcome.warned:
        judge.report.logged += 1
    elif outcome.ended == "done" and not harmless:
        judge.report.unreported.append(point)
    elif outcome.ended not in ("done", "explained"):
        judge.report.unexplained.append(f"{point}: {outcome.ended} {outcome.detail}")
    judge.judge(point, home, outcome.told, done=outcome.ended == "done")


def _files_named(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        paths = re.findall(r"[<\"](/[^>\"]*)[>\"]", line.rpartition(" = ")[0])
        yield paths[-1].rpartition("/")[2] if paths else line


def power(judge: Judge, most: int | None) -> None:
    """Cut the power at each system call that changes a file."""
    home = judge.home()
    outcome = disturbed(judge.act, home, *powerloss.RECORD)
    steps = powerloss.steps(outcome.trace, home)
    there = powerloss.disk_of(home)
    assert powerloss.at_last(steps, judge.before) == there, "the model of the disk is wrong"
    left = judge.folder / "left"
    cuts = powerloss.cuts(steps, judge.before, most)
    for point, told, disk in judge.left(cuts, len(steps)):
        powerloss.lay(disk, left)
        judge.judge(point, left, told)


def flip(judge: Judge, most: int | None) -> None:
    """Change one bit of the store that an act left, or of a backup; not of empty space."""
    home = judge.home()
    judge.act.run(home, lambda: None)
    whole = state(home)  # merges the log
    files = {path: path.read_bytes() for path in sorted(home.glob("*.db"))}
    places = [(path, at) for path, data in files.items() for at, byte in enumerate(data) if byte]
    chance = random.Random(judge.act.name)
    flips = (
        (*chance.choice(places), 1 << chance.randrange(8))
        for _ in range((most or FLIPS) if places else 0)
    )
    for path, at, bit in judge.left(flips, 8 * len(places)):
        changed = bytearray(files[path])
        changed[at] ^= bit
        for other in files_in(home):
            if other not in files and not other.name.endswith("-key"):
                other.unlink()
        for other, data in files.items():
            other.write_bytes(changed if other == path else data)
        point = f"{path.name} byte {at}"
        judge.report.points += 1
        try:
            found = state(home)
        except (MemoError, AssertionError):
            continue
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
            judge.report.unexplained.append(f"{point}: {type(error).__name__} {error}")
            continue
        if found != whole:
            judge.report.silent.append(point)


FAULTS = {"kill": kill, "error": error, "power": power, "flip": flip}


def inject(
    fault: str,
    acts: Iterable[Act] = ACTS,
    most: int | None = None,
    *,
    cipher: bool = False,
    keep: Path | None = None,
) -> list[Report]:
    """Disturb acts by one kind of fault, with plain stores or encrypted ones.

    Args:
        fault: One of `FAULTS`.
        acts: What is disturbed.
        most: How many points of each; None for all.
        cipher: Whether the stores are encrypted; acts that cannot be are passed over.
        keep: A folder with what an earlier run of the same sources has reported.
    """
    stand_still()
    reports = []
    for act in acts:
        if cipher and not encryptable(act):
            continue
        kept = None
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            kept = keep / f"{fault}-{act.name}{'-encrypted' * cipher}-{most or 'all'}.json"
        report = _kept_report(kept) or Report(act.name)
        if not report.finished:
            with tempfile.TemporaryDirectory(prefix="memo-fault-") as folder:
                judge = Judge(act, Path(folder), cipher=cipher, report=report, kept=kept)
                FAULTS[fault](judge, most)
        sys.stderr.write(f"{fault} {act.name}: {report.points}, {report.wrong}\n")
        reports.append(report)
    return reports


def _kept_report(path: Path | None) -> Report | None:
    """What was found so far, unless memo or its faults are others now."""
    if path is None or not path.exists():
        return None
    told = json.loads(path.read_text("utf-8"))
    return Report(**told["report"]) if told["sources"] == sources() else None


@cache
def sources() -> str:
    """A mark of memo and of these faults: what one version did proves nothing of another."""
    root = Path(__file__).parents[2]
    mark = hashlib.sha256()
    for path in sorted([*root.glob("memo/**/*.py"), *root.glob("tests/faults/*.py")]):
        mark.update(path.read_bytes())
    return mark.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--act", action="append", choices=[act.name for act in ACTS])
    parser.add_argument("--most", type=int)
    parser.add_argument("--cipher", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    acts = [act for act in ACTS if not given.act or act.name in given.act]
    reports = inject(given.fault, acts, given.most, cipher=given.cipher, keep=given.keep)
    json.dump([{**asdict(one), "wrong": one.wrong} for one in reports], sys.stdout, indent=1)
    sys.stdout.write("\n")
    sys.exit(any(one.wrong for one in reports))


if __name__ == "__main__":
    main()
