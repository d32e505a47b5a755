"""What a model has scored here: kept in the models folder, and lost when its file changes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memo.models.catalogue import catalogue
from memo.models.files import recorded, write
from memo.records import from_utc_text, utc_text
from memo.settings import private_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memo.models.local import LocalModel

FIT, TRIAL, UNFIT = "fit for daily use", "only for trying out", "not fit"
"""What a certificate says in the end."""

FIT_OVERALL, FIT_PART = 0.70, 0.50
"""Least mean, and least part, of a model that is fit for daily use."""
TRIAL_OVERALL, TRIAL_PART = 0.50, 0.20
"""The same of one for trying out; one that says nothing at all scores 0 in extraction."""


@dataclass(frozen=True, slots=True)
class Score:
    """A certificate: what `memo eval model` measured."""

    model: str
    overall: float
    """The mean of the parts, 0 to 1."""
    parts: Mapping[str, float]
    """extraction, verdicts, rewriting, answering and injection, each 0 to 1."""
    at: datetime
    seconds: float
    """What measuring took, of the model's own time."""
    probes: str
    """Which probes it was measured on; scores on others do not compare."""
    path: Path
    """The GGUF file."""

    @property
    def verdict(self) -> str:
        """FIT, TRIAL or UNFIT."""
        return verdict(self.overall, self.parts)

    def json(self) -> dict[str, object]:
        """For scripts, and as it is kept."""
        return {
            "model": self.model,
            "path": str(self.path),
            "score": self.overall,
            "verdict": self.verdict,
            "parts": dict(self.parts),
            "at": utc_text(self.at),
            "seconds": self.seconds,
            "probes": self.probes,
        }


def verdict(overall: float, parts: Mapping[str, float]) -> str:
    """The plain words for a score."""
    least = min(parts.values(), default=0.0)
    if overall >= FIT_OVERALL and least >= FIT_PART:
        return FIT
    return TRIAL if overall >= TRIAL_OVERALL and least >= TRIAL_PART else UNFIT


def keep_score(score: Score, found: LocalModel, folder: Path) -> None:
    """Keep what a model scored, with what tells its file from any other."""
    place = score_file(found.path, folder)
    private_folder(place.parent)
    kept = {**score.json(), "file": file_marks(found.path)}
    write(place, json.dumps(kept, indent=1) + "\n")


def score_of(path: Path, folder: Path) -> Score | None:
    """What a GGUF file has scored; None if nobody measured it, or it changed since. Instant."""
    return _read(score_file(path, folder))


def scores(folder: Path) -> dict[str, Score]:
    """Every score that still holds: by the catalogue's name, else by the file's path."""
    known = {str(folder / m.name / m.files[0].name): m.name for m in catalogue().of("chat")}
    found = [score for path in sorted(_folder(folder).glob("*.json")) if (score := _read(path))]
    return {known.get(str(score.path), str(score.path)): score for score in found}


def score_file(path: Path, folder: Path) -> Path:
    """Where the score of a GGUF file is kept."""
    return _folder(folder) / f"{_key(path)}.json"


def _folder(folder: Path) -> Path:
    return folder / ".scores"


def _key(path: Path) -> str:
    """A file name for a path: readable, and no other path's."""
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    stem = path.parent.name if path.name == "model.gguf" else path.stem
    return f"{stem}-{digest}"


def file_marks(path: Path) -> dict[str, object]:
    """What a changed file does not share: its checksum where one was taken, else size and time.

    Raises:
        OSError: There is no such file.
    """
    sha256 = recorded(path)
    if sha256 is not None:
        return {"sha256": sha256}
    found = path.stat()
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def _read(place: Path) -> Score | None:
    try:
        kept = json.loads(place.read_text("utf-8"))
        score = Score(
            str(kept["model"]),
            float(kept["score"]),
            {str(name): float(part) for name, part in kept["parts"].items()},
            from_utc_text(kept["at"]),
            float(kept["seconds"]),
            str(kept["probes"]),
            Path(kept["path"]),
        )
        return score if kept["file"] == file_marks(score.path) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # never measured, or nothing that can be relied on
