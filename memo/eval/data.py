"""Data sets of other people, read from where the person keeps them; nothing of them is ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memo.errors import MemoError

if TYPE_CHECKING:
    from pathlib import Path


class DataProblem(MemoError):
    """A data set that is not where it should be, or not what it should be."""


def read_json(folder: Path, name: str) -> Any:
    """What a file of a data set holds; a list of its lines' values for `.jsonl`.

    Raises:
        DataProblem: It is missing or is not JSON.
    """
    path = folder / name
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except FileNotFoundError as error:
        raise DataProblem(f"{path} is not there: --data should name the folder with it.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataProblem(f"{path} cannot be read ({error}); fetch it anew.") from error


def day(text: str) -> datetime:
    """The noon of a date that begins a text such as 2023-05-01T00:00:00Z or 2023/05/27 (Sat).

    Raises:
        ValueError: It does not begin with a date.
    """
    return datetime.fromisoformat(text[:10].replace("/", "-")).replace(hour=12, tzinfo=UTC)


def malformed(folder: Path, name: str, error: Exception) -> DataProblem:
    """What to say of JSON of another shape."""
    told = f"{type(error).__name__}: {error}"
    return DataProblem(f"{folder / name} has not the layout that is known ({told}).")


MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError)
