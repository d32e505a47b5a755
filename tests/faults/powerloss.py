"""What a disk may hold after the power was cut: every write since its last sync is in doubt.

A trace of system calls is played back up to a point. What was synced by then is there. A write that
was not synced is there, is missing, or is torn at 512 bytes, whatever became of the others; of the
changes of names since the folder was last synced the first few are there. That is stricter than
common file systems, which sync a new file's name with its first words.
"""

from __future__ import annotations

import hashlib
import random
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from disturb import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    Disk = dict[str, bytes]

_CALLS = (
    *("openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync"),
    *("unlink", "rename", "link", "linkat", "access", "sendfile", "copy_file_range"),
)
RECORD = ("-xx", "-s", "100000000", "-e", f"trace={','.join(_CALLS)}")
"""Options of strace: all that is written, in full."""
SECTOR = 512
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
NOT_KEPT = ("-shm", "lock", "memo.log")
"""Memory that happens to have a name; and what holds nothing."""
_GAMBLES = 5
"""How many of the countless ways in which the writes of one moment may mix are tried."""


@dataclass(frozen=True, slots=True)
class Step:
    """One system call that bears on what lasts."""

    call: str
    handle: int = -1
    names: tuple[str, ...] = ()
    data: bytes = b""
    number: int = 0
    """An offset or a size; for `openat`, whether it cuts the file to nothing."""


def steps(trace: Sequence[str], home: Path) -> list[Step]:
    """The calls that succeeded, of files in a folder by their bare names; the folder is ""."""
    return [step for line in trace if (step := _step(line, f"{home}/"))]


def _step(line: str, home: str) -> Step | None:
    _, _, rest = line.partition(" ")
    call, _, arguments = rest.strip().partition("(")
    result = re.match(r"-?\d+", arguments.rpartition(" = ")[2])
    if call not in _CALLS or result is None:
        return None
    if '"...' in arguments:
        raise ValueError(f"strace cut short what was written: {call}")
    texts = [bytes.fromhex(found.replace("\\x", "")) for found in _TEXT.findall(arguments)]
    if call == "access":
        return Step("told") if texts[0] == MARK.encode() else None
    if int(result[0]) < 0:
        return None
    handle = re.match(r"(\d+)<", arguments)
    if handle:
        last = re.search(r", (\d+)\) += ", arguments)
        data = texts[0][: int(result[0])] if texts else b""
        number = int(last[1]) if last else 0
        return Step(call, int(handle[1]), data=data, number=number)
    names = tuple((text.decode() + "/").removeprefix(home).rstrip("/") for text in texts)
    if any("/" in name for name in names):  # not of this folder
        return Step("forgotten", int(result[0])) if call == "openat" else None
    if call == "openat":
        flags = ("O_CREAT" in arguments) * 2 + ("O_TRUNC" in arguments)
        return Step(call, int(result[0]), names, number=flags)
    return Step(call, names=names)


@dataclass(slots=True)
class _File:
    lasting: bytes
    doubtful: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes since the last sync, (offset, data), and changes of size, (size, None)."""

    def after(self, kept: Sequence[tuple[int, bytes | None]]) -> bytes:
        """What it holds once some of the doubtful writes have reached the disk."""
        now = bytearray(self.lasting)
        for place, data in kept:
            if data is None:
                del now[place:]
                now.extend(bytes(place - len(now)))
            else:
                now.extend(bytes(max(0, place - len(now))))
                now[place : place + len(data)] = data
        return bytes(now)


@dataclass(frozen=True, slots=True)
class _Change:
    """Of a name in the folder."""

    call: str
    names: tuple[str, ...]
    made: _File = field(default_factory=lambda: _File(b""))

    def apply(self, files: dict[str, _File]) -> None:
        """Change the names as this does, where the old one is there."""
        name = self.names[0]
        match self.call:
            case "make":
                files[name] = self.made
            case "unlink":
                files.pop(name, None)
            case "rename" if name in files:
                files[self.names[1]] = files.pop(name)
            case "link" if name in files:
                files[self.names[1]] = files[name]


class _Cache:
    """A folder as processes see it, and what of it the disk is sure to hold."""

    def __init__(self, folder: Path) -> None:
        self.told = 0
        self._files = {
            path.name: _File(path.read_bytes()) for path in folder.iterdir() if path.is_file()
        }
        self._lasting = dict(self._files)
        self._doubtful: list[_Change] = []
        """Changes of names since the folder was last synced."""
        self._open: dict[int, tuple[_File | None, list[int]]] = {}
        """By handle: the file, None for the folder; and where `write` goes on."""

    def play(self, step: Step) -> None:
        """What one system call does."""
        file, place = self._open.get(step.handle, (_File(b""), [0]))
        match step.call:
            case "told":
                self.told += 1
            case "forgotten":
                self._open.pop(step.handle, None)
            case "openat":
                self._play_open(step)
            case "write" if file:
                file.doubtful.append((place[0], step.data))
                place[0] += len(step.data)
            case "pwrite64" if file:
                file.doubtful.append((step.number, step.data))
            case "ftruncate" if file:
                file.doubtful.append((step.number, None))
            case "fsync" | "fdatasync":
                if file is None:
                    self._lasting = dict(self._files)
                    self._doubtful.clear()
                else:
                    file.lasting = file.after(file.doubtful)
                    file.doubtful.clear()
            case "unlink" | "rename" | "link":
                self._change(_Change(step.call, step.names))
            case _:
                raise NotImplementedError(step.call)

    def _play_open(self, step: Step) -> None:
        (name,) = step.names
        if not name:
            self._open[step.handle] = (None, [0])
            return
        if name not in self._files and not step.number & 2:  # a folder in this one
            self._open[step.handle] = (_File(b""), [0])
            return
        if name not in self._files and step.number & 2:
            self._change(_Change("make", (name,), _File(b"")))
        file = self._files[name]
        if step.number & 1:
            file.doubtful.append((0, None))
        self._open[step.handle] = (file, [len(file.after(file.doubtful))])

    def _change(self, change: _Change) -> None:
        self._doubtful.append(change)
        change.apply(self._files)

    def left(self, chance: random.Random | None, *, all_of_it: bool = False) -> Disk:
        """What the disk holds if the power goes now."""
        changes = self._doubtful if all_of_it else []
        if chance is not None:
            changes = self._doubtful[: chance.randint(0, len(self._doubtful))]
        names = dict(self._lasting)
        for change in changes:
            change.apply(names)
        return {
            name: file.after(_gambled(file.doubtful, chance) if chance else file.doubtful)
            if chance or all_of_it
            else file.lasting
            for name, file in sorted(names.items())
            if not name.endswith(NOT_KEPT)
        }


def _gambled(
    writes: Sequence[tuple[int, bytes | None]], chance: random.Random
) -> list[tuple[int, bytes | None]]:
    """Some of the writes, some of them in part."""
    kept: list[tuple[int, bytes | None]] = []
    for place, data in writes:
        fate = chance.choice(("kept", "lost", "torn"))
        if data is None or fate != "torn":
            kept += [(place, data)] * (fate != "lost")
            continue
        kept += [
            (place + start, data[start : start + SECTOR])
            for start in range(0, len(data), SECTOR)
            if chance.random() < 0.5
        ]
    return kept


def cuts(
    trace: Sequence[Step], before: Path, most: int | None = None
) -> Iterator[tuple[str, int, Disk]]:
    """Every moment at which the power may go, and what may be left: no disk twice.

    Yields a name of the cut, how often something had been told by then, and the disk.
    """
    chosen = set(range(len(trace) + 1))
    if most is not None:
        chance = random.Random(most)
        chosen = set(chance.sample(sorted(chosen), min(len(chosen), max(1, most // _GAMBLES))))
    cache, seen, last = _Cache(before), set(), 0
    for number in range(len(trace) + 1):
        if number:
            cache.play(trace[number - 1])
        if number not in chosen:
            continue
        disks = [("nothing unsynced", cache.left(None))]
        disks.append(("all", cache.left(None, all_of_it=True)))
        for gamble in range(_GAMBLES):
            chance = random.Random(f"{number} {gamble}")
            disks.append((f"gamble {gamble}", cache.left(chance)))
        for name, disk in disks:
            mark = hashlib.sha256(repr((cache.told, sorted(disk.items()))).encode()).digest()
            if mark not in seen:
                seen.add(mark)
                last += 1
                yield f"step {number}, {name}", cache.told, disk


def disk_of(folder: Path) -> Disk:
    """What a folder holds that lasts."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.endswith(NOT_KEPT)
    }


def at_last(trace: Sequence[Step], before: Path) -> Disk:
    """What the disk holds after all of it, where no power was cut."""
    cache = _Cache(before)
    for step in trace:
        cache.play(step)
    return cache.left(None, all_of_it=True)


def lay(disk: Disk, folder: Path) -> None:
    """Make a folder hold it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    for name, data in disk.items():
        path = folder / name
        path.touch(0o600)
        path.write_bytes(data)
