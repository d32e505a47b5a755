"""The catalogue of models, what of it is on this machine, and the one place that downloads.

Nothing here loads a model; `pull` and `hub_reachable` alone go online.
"""

from memo.models.catalogue import FAMILIES, Catalogue, Kind, Model, catalogue, find
from memo.models.gguf import GgufHeader, read_gguf
from memo.models.hub import hub_reachable
from memo.models.local import (
    LocalModel,
    default_models,
    installed,
    local,
    locate,
    remove,
    use,
    verify,
)
from memo.models.machine import Card, Machine, Recommendation, built_with, machine, recommend
from memo.models.pull import Progress, pull
from memo.models.scores import Score, file_marks, keep_score, score_file, score_of, scores

__all__ = [
    "FAMILIES",
    "Card",
    "Catalogue",
    "GgufHeader",
    "Kind",
    "LocalModel",
    "Machine",
    "Model",
    "Progress",
    "Recommendation",
    "Score",
    "built_with",
    "catalogue",
    "default_models",
    "file_marks",
    "find",
    "hub_reachable",
    "installed",
    "keep_score",
    "local",
    "locate",
    "machine",
    "pull",
    "read_gguf",
    "recommend",
    "remove",
    "score_file",
    "score_of",
    "scores",
    "use",
    "verify",
]
