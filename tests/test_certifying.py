"""Claims about `memo eval verdicts`, `extraction` and `model`, and where scores are shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import tiny
from fakes import FakeLM
from test_certify import data
from test_cli import Memo
from test_models import GB

from memo.certify import certificate
from memo.models import Machine, Score, find, keep_score, locate, recommend
from memo.models.files import remember
from memo.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from memo.settings import Settings

HUB, SMALL = "qwen2.5-1.5b-instruct", "smollm2-135m-instruct"


@pytest.fixture
def memo(tmp_path: Path) -> Memo:
    return Memo(tmp_path, FakeLM())


def score(path: Path, share: float, name: str = "mine") -> Score:
    parts = dict.fromkeys(certificate.PARTS, share)
    return Score(name, share, parts, datetime(2024, 6, 1, tzinfo=UTC), 600.0, "0" * 8, path)


def scored(memo: Memo, path: Path, share: float) -> Settings:
    """Say that a person's own model was measured."""
    settings = load(home=memo.home, environ=memo.environ)
    keep_score(score(path, share), locate(path, settings), settings.models)
    return settings


def test_verdicts_are_printed_as_rates_and_kept_one_by_one(memo: Memo, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = memo("eval", "verdicts", "--limit", "4", "--out", out)
    assert result.exit_code == 0
    assert "false retire" in result.stdout
    assert "±" in result.stdout
    kept = json.loads(out.read_text())
    assert len(kept["results"]) == 4
    assert kept["about"]["split"] == "dev"
    assert kept["figures"]["accuracy"]["of"] == 4


def test_a_run_is_resumed_and_never_written_over(memo: Memo, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    (first,) = memo.json("eval", "verdicts", "--limit", "3", "--out", out)
    assert memo("eval", "verdicts", "--limit", "3", "--out", out).exit_code == 2
    again = memo("eval", "verdicts", "--limit", "3", "--out", out, "--resume", "--json")
    assert json.loads(again.stdout) == first
    assert " of 3" not in again.stderr
    other = memo("eval", "verdicts", "--split", "test", "--out", out, "--resume")
    assert other.exit_code == 2
    assert "another run" in other.stderr


def test_extraction_is_measured_on_memos_own_set_or_a_folder(memo: Memo, tmp_path: Path) -> None:
    (own,) = memo.json("eval", "extraction", "--limit", "2")
    assert own["figures"]["recall"]["hits"] == 0
    assert len(own["results"]) == 2
    folder = data(tmp_path / "data")
    (english,) = memo.json("eval", "extraction", "--data", folder)
    assert list(english["figures"]) == ["en"]
    everything = memo("eval", "extraction", "--data", folder, "--language", "all")
    assert everything.stdout.splitlines()[0].startswith("language")
    assert [line.split()[0] for line in everything.stdout.splitlines()[1:]] == ["en", "de"]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["verdicts", "--split", "all of them"], 2),
        (["verdicts", "--limit", "0"], 2),
        (["extraction", "--data", "/nowhere"], 2),
        (["extraction", "--data", ".", "--language", "xx"], 2),
        (["model", "no-such-model"], 4),
        (["model", SMALL], 4),
    ],
)
def test_what_cannot_be_measured_is_told(
    memo: Memo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, args: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    result = memo("eval", *args)
    assert result.exit_code == code
    assert result.stdout == ""


def test_a_score_that_was_measured_is_shown_at_once(memo: Memo, tmp_path: Path) -> None:
    path = tiny.write(tmp_path / "mine.gguf")
    settings = load(home=memo.home, environ=memo.environ)
    measured = Score(
        "mine", 0.8, dict.fromkeys(certificate.PARTS, 0.8), datetime(2024, 6, 1, tzinfo=UTC),
        600.0, certificate.selection().digest, path,
    )  # fmt: skip
    keep_score(measured, locate(path, settings), settings.models)
    result = memo("eval", "model", path)
    assert result.stdout.splitlines()[0] == "mine: 0.80, fit for daily use"
    assert "2024-06-01" in result.stderr
    (found,) = memo.json("eval", "model", path)
    assert found["results"] is None
    assert found["parts"]["injection"] == 0.8


def test_the_list_shows_the_scores_of_the_catalogue_and_of_ones_own(
    memo: Memo, tmp_path: Path
) -> None:
    own = tiny.write(tmp_path / "mine.gguf")
    settings = scored(memo, own, 0.61)
    here = settings.models / SMALL / "model.gguf"
    here.parent.mkdir(parents=True)
    tiny.write(here)
    remember(here, find(SMALL).files[0].sha256)
    keep_score(score(here, 0.2, SMALL), locate(SMALL, settings), settings.models)
    (found,) = memo.json("model", "list")
    small = next(model for model in found["models"] if model["name"] == SMALL)
    assert (small["score"], small["measured"]["verdict"]) == (0.2, "not fit")
    assert [(one["path"], one["score"]) for one in found["own"]] == [(str(own), 0.61)]
    unmeasured = next(model for model in found["models"] if model["name"] == HUB)
    assert (unmeasured["score"], unmeasured["measured"]) == (None, None)
    listed = memo("model", "list").stdout
    assert f"{own}  0.61, only for trying out" in listed
    assert next(line for line in listed.splitlines() if SMALL in line).split()[-3] == "0.20"


def test_what_was_measured_decides_among_what_fits(tmp_path: Path) -> None:
    small = Machine(6 * GB, 0)
    first = recommend(small).chat
    path = tmp_path / "model.gguf"
    assert recommend(small, measured={first.name: score(path, 0.1)}).chat != first
    second = recommend(small, measured={first.name: score(path, 0.1)}).chat
    better = {first.name: score(path, 0.6), second.name: score(path, 0.8)}
    found = recommend(small, measured=better)
    assert found.chat == second
    assert "measured here: 0.80, fit for daily use" in found.reason
    assert recommend(small, measured={second.name: score(path, 0.9)}).chat == first
    every = {model: score(path, 0.1) for model in (first.name, second.name)}
    assert recommend(small, measured=every).chat not in {first, second}
