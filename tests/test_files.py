"""Claims about files that must be whole, and locks that must be let go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from memo.errors import StoreBusy
from memo.files import alone, passing_folder, write_whole

FULL = """
import resource, signal, sys
from pathlib import Path
from memo.files import write_whole

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))  # a disk with room for ten bytes more
write_whole(Path(sys.argv[1]), b"x" * 100)
"""


def test_a_file_that_finds_too_little_room_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_whole(path, b"before")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "File too large" in done.stderr
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("folder", [True, False])
def test_one_at_a_time(tmp_path: Path, folder: bool) -> None:
    path = tmp_path if folder else tmp_path / "lock"
    with alone(path, StoreBusy("busy")), pytest.raises(StoreBusy), alone(path, StoreBusy("busy")):
        pass
    with alone(path, StoreBusy("busy")):
        pass


def test_what_blocks_within_is_no_second_process(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), alone(tmp_path / "lock", StoreBusy("busy")):
        raise BlockingIOError("another file")


def test_a_passing_folder_is_its_owners_alone_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with passing_folder() as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "text.md").write_text("private")
        (folder / "of the editor").mkdir()
        (folder / "of the editor" / "text.md~").write_text("private")
        other_name = tmp_path / "other name"
        other_name.hardlink_to(folder / "text.md")
        (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert list(tmp_path.iterdir()) == [other_name]
    assert other_name.read_bytes() == bytes(len("private")), "it was overwritten"


def test_without_a_place_in_memory_it_is_where_other_passing_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memo.files.IN_MEMORY", ("/nowhere",))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with passing_folder() as folder:
        assert folder.parent == tmp_path
