"""Claims about what is installed with memo."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WANTED = {
    "memo/memo.tcss",
    "memo/py.typed",
    "memo/assets/models.toml",
    "memo/assets/demo/chat.jsonl",
    "memo/assets/eval/people.toml",
    "memo/assets/eval/talk.toml",
    "memo/assets/demo/questions.toml",
}


def test_what_the_wheel_takes_from_beside_the_package_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert taken == {"memo.tcss": "memo/memo.tcss", "assets": "memo/assets"}
    for source in taken:
        assert (ROOT / source).exists()
    assert (ROOT / "LICENSE").read_text("utf-8").strip().startswith("Apache License")
    assert (ROOT / project["project"]["readme"]).is_file()


@pytest.mark.slow
def test_the_wheel_holds_layout_and_assets(tmp_path: Path) -> None:
    for name in ("memo", "assets"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "source" / name, ignore=ignored)
    for name in ("memo.tcss", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"),
            *("--disable-pip-version-check", "--wheel-dir", tmp_path, tmp_path / "source"),
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("memo-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert names >= WANTED
    assert any(name.startswith("memo/assets/demo/notes/") for name in names)
    assert not any(name.startswith("tests/") for name in names)
