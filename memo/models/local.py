"""What of the catalogue is on this machine, and a person's own GGUF files."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memo.errors import ModelDamaged, ModelNotFound
from memo.models.catalogue import Kind, Model, ModelFile, catalogue, find
from memo.models.files import hashed_once, lock, recorded, remember, sha256_of
from memo.models.gguf import read_gguf
from memo.settings import save

if TYPE_CHECKING:
    from memo.settings import Settings


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be loaded."""

    name: str
    """As in the catalogue, or the file's stem."""
    kind: Kind
    path: Path
    """The GGUF file of a chat model, the folder of an embedding model."""
    family: str
    """One of FAMILIES; "" for an embedding model."""
    context_tokens: int
    """What the model was made for; more than a machine may have memory for."""
    sha256: str = ""
    """Of the file with the weights; "" for a person's own GGUF, which is not hashed."""
    fastembed: str = ""
    dim: int = 0
    model: Model | None = None
    """Its entry in the catalogue; None for a person's own GGUF."""


def default_models(settings: Settings) -> tuple[str, str]:
    """Names (or paths) of the chat and the embedding model in use, whether installed or not.

    Where no chat model is chosen, an installed default goes before the best installed other. An
    embedding model is never guessed: another one could not read the store's vectors.
    """
    known = catalogue()
    default = find(known.default["chat"])
    candidates = (default, *known.of("chat"))
    found = next((m for m in candidates if installed(m, settings.models)), default)
    return settings.model or found.name, settings.embedder or known.default["embedding"]


def locate(name_or_path: str | Path, settings: Settings) -> LocalModel:
    """A catalogue model that was pulled, or a person's own GGUF, used where it lies.

    Raises:
        ModelNotFound: Not pulled yet, or there is no such file.
        ModelDamaged: The file is not whole.
        UnknownFamily: It speaks a chat format that we have no template for.
    """
    model = catalogue().find(str(name_or_path))
    if model is not None:
        return local(model, settings.models)
    path = Path(name_or_path).expanduser().absolute()
    if not path.is_file():
        raise ModelNotFound(
            f"{str(name_or_path)!r} is neither a model of the catalogue (`memo model list`) "
            "nor a GGUF file."
        )
    header = read_gguf(path)
    return LocalModel(
        name=path.stem,
        kind="chat",
        path=path,
        family=header.family(path),
        context_tokens=header.context_tokens,
    )


def local(model: Model, folder: Path) -> LocalModel:
    """A pulled model of the catalogue; files not seen before are hashed once, then trusted.

    Raises:
        ModelNotFound: It is not there, or only in part.
        ModelDamaged: A file is not the one that the catalogue means.
    """
    home = folder / model.name
    checksums = []
    for file in model.files:
        path = home / file.name
        if not path.is_file():
            raise ModelNotFound(
                f"The model {model.name} is not on this machine; `memo model pull {model.name}` "
                "fetches it."
            )
        checksums.append(recorded(path) or _accept(model, file, path))
    return LocalModel(
        name=model.name,
        kind=model.kind,
        path=home / model.files[0].name if model.kind == "chat" else home,
        family=model.family,
        context_tokens=model.context_tokens,
        sha256=checksums[0],
        fastembed=model.fastembed,
        dim=model.dim,
        model=model,
    )


def installed(model: Model, folder: Path) -> bool:
    """Whether every file is there and as it was when its checksum was taken; instant."""
    return all(recorded(folder / model.name / file.name) is not None for file in model.files)


def use(name_or_path: str | Path, settings: Settings) -> LocalModel:
    """Choose a model for this home from now on.

    Raises:
        ModelError: As `locate`; nothing is chosen then.
    """
    found = locate(name_or_path, settings)
    key = "model" if found.kind == "chat" else "embedder"
    save(settings, key, found.name if found.model else str(found.path))
    return found


def verify(found: LocalModel) -> None:
    """Read the whole model and compare its checksums; seconds per gigabyte.

    Raises:
        ModelDamaged: It changed since it was pulled, or a GGUF is not whole.
    """
    if found.model is None:
        read_gguf(found.path)
        return
    home = found.path.parent if found.kind == "chat" else found.path
    for file in found.model.files:
        path = home / file.name
        expected = file.sha256 or hashed_once(path)
        actual = sha256_of(path)
        if actual != expected:
            raise _damaged(path, found.name, actual, expected)


def remove(name: str, folder: Path) -> int:
    """Delete a pulled model, or what an interrupted pull left of it; bytes freed.

    Raises:
        ModelNotFound: There is nothing of it.
        ModelError: It is being pulled right now.
    """
    home = folder / find(name).name
    if not home.is_dir():
        raise ModelNotFound(f"The model {name} is not on this machine; nothing to remove.")
    with lock(home, name):
        freed = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
        shutil.rmtree(home)
    return freed


def _accept(model: Model, file: ModelFile, path: Path) -> str:
    """The SHA-256 of a file that has no valid record: put there by hand, or touched since."""
    actual = sha256_of(path)
    expected = file.sha256 or hashed_once(path)
    if expected and actual != expected:
        raise _damaged(path, model.name, actual, expected)
    with suppress(OSError):  # a folder that others look after: hashed at every start then
        remember(path, actual)
    return actual


def _damaged(path: Path, name: str, actual: str, expected: str) -> ModelDamaged:
    return ModelDamaged(
        f"{path} is damaged: its SHA-256 is {actual}, not {expected}. "
        f"`memo model remove {name}` and `memo model pull {name}` fetch it anew."
    )
