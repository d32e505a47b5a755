"""Claims about comparing two runs, and about the plot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from test_cli import Memo

from memo.eval.compare import differences, interval, load, methods, paired
from memo.eval.plot import COLOURS, svg
from memo.eval.report import SPLITS
from memo.eval.runner import METHODS

if TYPE_CHECKING:
    from pathlib import Path


def verdict(case: int, question: int, right: bool, **more: Any) -> dict[str, Any]:
    return {
        "case": f"c{case}",
        "at": "2024-01-01T00:00:00Z",
        "question": f"q{question}",
        "method": "erase",
        "group": "single-hop",
        "updates": 0,
        "change": "unchanged",
        "accepted": ["x"],
        "right": right,
        **more,
    }


def written(path: Path, verdicts: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"verdicts": verdicts}), "ascii")
    return path


def test_only_questions_that_both_answered_count(tmp_path: Path) -> None:
    a = load(written(tmp_path / "a", [verdict(1, 1, True), verdict(1, 2, False)]))
    b = load(written(tmp_path / "b", [verdict(1, 2, True), verdict(1, 3, True)]))
    assert [(x["question"], y["right"]) for x, y in paired(a, b, "erase", "erase")] == [
        ("q2", True)
    ]
    assert methods(a) == ("erase",)


def test_a_difference_is_a_mean_over_cases_with_an_interval() -> None:
    """Case 1 gains everything with one question, case 2 nothing with three: half, not a quarter."""
    pairs = [(verdict(1, 1, False), verdict(1, 1, True))]
    pairs += [(verdict(2, n, True), verdict(2, n, True)) for n in range(3)]
    found = {one.split: one for one in differences(pairs)}
    assert found["0"].difference == pytest.approx(0.5)
    assert found["0"].first == pytest.approx(0.5)
    assert (found["0"].low, found["0"].high) == (0.0, 1.0)
    assert (found["0"].only_first, found["0"].only_second) == (0, 1)
    assert "1" not in found


def test_one_case_has_no_interval() -> None:
    (one, _) = differences([(verdict(1, 1, False), verdict(1, 1, True))])
    assert one.low is None
    assert one.high is None


def test_intervals_narrow_with_cases_and_hold_the_mean() -> None:
    few, many = [0.0, 0.2, 0.1, 0.3], [0.0, 0.2, 0.1, 0.3] * 20
    (low, high), (lower, higher) = interval(few), interval(many)
    assert low <= lower <= 0.15 <= higher <= high
    assert higher - lower < (high - low) / 2
    assert interval(few) == (low, high)


def test_two_runs_are_compared_at_the_command_line(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    a = written(tmp_path / "a.json", [verdict(n, 1, n % 2 == 0) for n in range(6)])
    b = written(tmp_path / "b.json", [verdict(n, 1, True) for n in range(6)])
    result = memo("eval", "compare", a, b)
    assert result.exit_code == 0
    assert "+50.0" in result.stdout
    (found,) = memo.json("eval", "compare", a, b)
    assert [one["case"] for one in found["differing"]] == ["c1", "c3", "c5"]
    assert found["differences"][0]["difference"] == pytest.approx(0.5)


def test_two_methods_of_one_run_are_compared(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    path = written(tmp_path / "a.json", [verdict(1, 1, True), verdict(1, 1, False, method="rag")])
    result = memo("eval", "compare", path, path, "--method", "rag", "--against", "erase")
    assert "+100.0" in result.stdout


@pytest.mark.parametrize(
    ("text", "code"),
    [("{}", 2), ("[]", 2), ("x", 2), ('{"verdicts": [{"case": 1}]}', 2), (None, 1)],
)
def test_what_is_no_run_is_told(tmp_path: Path, text: str | None, code: int) -> None:
    memo, path = Memo(tmp_path), tmp_path / "a.json"
    if text is not None:
        path.write_text(text, "ascii")
    result = memo("eval", "compare", path, path)
    assert result.exit_code == code
    assert str(path) in result.stderr


@pytest.mark.parametrize("more", [(), ("--against", "rag"), ("--method", "full")])
def test_runs_with_nothing_in_common_are_told(tmp_path: Path, more: tuple[str, ...]) -> None:
    a = written(tmp_path / "a.json", [verdict(1, 1, True)])
    b = written(tmp_path / "b.json", [verdict(1, 1, True, method="rag")])
    assert Memo(tmp_path)("eval", "compare", a, b, *more).exit_code == 2


def figures(method: str, group: str, mean: float | None) -> dict[str, Any]:
    share = None if mean is None else {"mean": mean, "error": 0.05, "cases": 2, "answers": 9}
    return {
        "method": method,
        "group": group,
        "accuracy": dict.fromkeys(SPLITS, share),
        "a_document": {"calls": 1.0},
        "tokens_an_answer": 412.0,
    }


def test_the_plot_has_two_panels_a_group_and_every_method() -> None:
    found = [figures(name, group, 0.5) for group in ("<single>", "multi") for name in METHODS]
    root = ElementTree.fromstring(svg(found))
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sum("by updates" in text for text in texts) == 2
    assert sum("by tokens" in text for text in texts) == 2
    assert set(METHODS) <= set(COLOURS)
    assert all(texts.count(name) == 2 for name in METHODS)


def test_a_plot_of_what_was_never_asked_is_a_plot() -> None:
    ElementTree.fromstring(svg([figures("erase", "empty", None)]))
    ElementTree.fromstring(svg([]))
