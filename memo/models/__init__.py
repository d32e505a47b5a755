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
from memo.models.machine import Card, Machine, Recommendation, machine, recommend
from memo.models.pull import Progress, pull

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
    "catalogue",
    "default_models",
    "find",
    "hub_reachable",
    "installed",
    "local",
    "locate",
    "machine",
    "pull",
    "read_gguf",
    "recommend",
    "remove",
    "use",
    "verify",
]
