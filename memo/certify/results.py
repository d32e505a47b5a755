"""A file of results that is whole after every probe, so that a run can be stopped and resumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from memo.errors import UsageProblem
from memo.models.files import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from memo.certify.figures import Json


class Results:
    """What a run has found so far: in memory, and in a file where one is named."""

    def __init__(
        self, path: Path | None, about: Mapping[str, object], *, resume: bool = False
    ) -> None:
        """Begin, or go on.

        Args:
            path: None to keep no file.
            about: What is measured with what; a run is only resumed where all of it agrees.
            resume: Go on with what the file holds, if there is one.

        Raises:
            UsageProblem: The file exists and `resume` is not set, or is of another run.
        """
        self.path, self.about = path, dict(about)
        self.done: dict[str, Json] = {}
        """Each probe's result by its id."""
        self.figures: Json | None = None
        """None until all is measured."""
        if path is not None and path.exists():
            if not resume:
                raise UsageProblem(
                    f"{path} exists; give --resume to go on with it, or another name."
                )
            self._load(path)

    def add(self, id: str, result: Json) -> None:
        """Keep one probe's result."""
        self.done[id] = result
        self._save()

    def finish(self, figures: Json) -> None:
        """Keep what all of them amount to."""
        self.figures = figures
        self._save()

    def json(self) -> Json:
        """The whole file."""
        results = [{"id": id, **result} for id, result in self.done.items()]
        return {"about": self.about, "figures": self.figures, "results": results}

    def _save(self) -> None:
        if self.path is not None:
            try:
                write(self.path, json.dumps(self.json(), ensure_ascii=False, indent=1) + "\n")
            except OSError as error:
                raise UsageProblem(
                    f"Cannot write {self.path}: {error.strerror}; name another file."
                ) from error

    def _load(self, path: Path) -> None:
        try:
            kept = json.loads(path.read_text("utf-8"))
            about, results = kept["about"], kept["results"]
            done = {
                result["id"]: {k: v for k, v in result.items() if k != "id"} for result in results
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageProblem(f"{path} holds no results of memo; name another file.") from error
        other = [key for key in self.about if about.get(key) != self.about[key]]
        if other:
            key = other[0]
            raise UsageProblem(
                f"{path} is of another run ({key} {about.get(key)!r}, now {self.about[key]!r}); "
                "name another file."
            )
        self.done = done
