"""`memo model`: which models there are, which fit, which are here, and which is used."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import click

from memo.front import Commands, Front, with_front
from memo.show import show_line


@click.group("model", cls=Commands, no_args_is_help=True)
def model_() -> None:
    """The models that read and answer."""


def _names(_context: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    """Completions: the catalogue's names."""
    from memo.models import catalogue

    return [model.name for model in catalogue().models if model.name.startswith(typed)]


@model_.command("list")
@with_front
def model_list(front: Front) -> None:
    """The catalogue: size, licence, memory need and measured score."""
    from memo import terminal
    from memo.models import catalogue, default_models, installed, scores
    from memo.terminal import size

    used = default_models(front.settings)
    models = catalogue().models
    measured = scores(front.settings.models)
    shown = {model.name: model.score for model in models}
    shown |= {name: score.overall for name, score in measured.items()}
    own = [score for name, score in measured.items() if catalogue().find(name) is None]
    here = {model.name: installed(model, front.settings.models) for model in models}
    if front.json:
        entries = [
            {
                "name": model.name,
                "kind": model.kind,
                "licence": model.licence,
                "bytes": model.bytes,
                "memory_mb": model.memory_mb,
                "context_tokens": model.context_tokens,
                "score": shown[model.name],
                "measured": measured[model.name].json() if model.name in measured else None,
                "needs_hub": model.needs_hub,
                "installed": here[model.name],
                "used": model.name in used,
                "description": model.description,
            }
            for model in models
        ]
        front.data({"models": entries, "used": list(used), "own": [score.json() for score in own]})
        return
    rows = [
        (
            "▸" if model.name in used else "",
            model.name,
            model.kind,
            size(model.bytes),
            f"{model.memory_mb / 1000:.1f} GB",
            "" if (score := shown[model.name]) is None else f"{score:.2f}",
            "here" if here[model.name] else "Hub" if model.needs_hub else "pull",
            model.licence,
        )
        for model in models
    ]
    heads = ("", "name", "kind", "size", "memory", "score", "where", "licence")
    for line in terminal.table(heads, rows, front.columns):
        front.line(line)
    lines = {name: "" for name in used if "/" in name}
    lines |= {str(score.path): f"{score.overall:.2f}, {score.verdict}" for score in own}
    for name, score_line in lines.items():
        mark = "▸" if name in used else " "
        front.line(f"{mark} {show_line(name)}  {score_line}".rstrip())


@model_.command()
@with_front
def recommend(front: Front) -> None:
    """What fits this machine; looks at its memory, goes nowhere."""
    from memo.engines import hardware, placement
    from memo.errors import ModelError
    from memo.models import default_models, machine, recommend, scores

    here, measured = machine(), scores(front.settings.models)
    found = hardware(here.card)
    usable = here if found.devices else replace(here, vram_bytes=0)
    best = recommend(usable, measured=measured)
    offline = recommend(usable, hub=False, measured=measured)
    placed = None
    with suppress(ModelError):  # none is on this machine yet
        placed = placement(front.settings, found).reason
    if front.json:
        front.data(
            {
                "chat": best.chat.name,
                "embedding": best.embedding.name,
                "reason": best.reason,
                "without_hub": {
                    "chat": offline.chat.name,
                    "embedding": offline.embedding.name,
                    "reason": offline.reason,
                },
                "ram_bytes": here.ram_bytes,
                "vram_bytes": here.vram_bytes,
                "threads": found.threads,
                "uses": [device.name for device in found.devices],
                "idle": found.idle or None,
                "slowed": found.slowed or None,
                "placement": placed,
            }
        )
        return
    places = " and ".join(device.name for device in found.devices)
    front.line(f"{best.chat.name} with {best.embedding.name}")
    processor = f"the processor, {found.threads} thread{'' if found.threads == 1 else 's'}"
    front.line(f"  {best.reason} It runs on {places or processor}.")
    if offline != best and best.chat.needs_hub:
        front.line(f"Without the Hub: {offline.chat.name} with {offline.embedding.name}")
        front.line(f"  {offline.reason}")
    if placed:
        front.line(f"In use is {default_models(front.settings)[0]}: {placed}.")
    if found.slowed:
        front.line(found.slowed)
    if found.idle:
        front.line(f"{found.idle} Then {recommend(here, measured=measured).chat.name} would fit.")


@model_.command("pull")
@click.argument("name", required=False, shell_complete=_names)
@with_front
def model_pull(front: Front, name: str | None) -> None:
    """Fetch a model; without NAME the two that are needed."""
    from memo.models import catalogue, default_models, find, installed

    names = [name] if name else [n for n in default_models(front.settings) if catalogue().find(n)]
    wanted = [find(one) for one in names]
    missing = [model for model in wanted if not installed(model, front.settings.models)]
    if missing:
        front.pull(missing)
    else:
        front.say(f"{' and '.join(names)}: already on this machine.")
    if front.json:
        front.data(
            {
                "models": names,
                "pulled": [m.name for m in missing],
                "folder": str(front.settings.models),
            }
        )


@model_.command("use")
@click.argument("name", metavar="NAME|PATH", shell_complete=_names)
@with_front
def model_use(front: Front, name: str) -> None:
    """Choose a model for this home from now on: of the catalogue, or a GGUF file."""
    from memo.models import use

    found = use(name, front.settings)
    front.say(f"From now on {found.name} is used.")
    if front.json:
        front.data({"model": found.name, "kind": found.kind, "path": str(found.path)})


@model_.command("remove")
@click.argument("name", shell_complete=_names)
@with_front
def model_remove(front: Front, name: str) -> None:
    """Delete a model from this machine."""
    from memo.models import find, remove
    from memo.terminal import size

    front.confirm(f"Delete the model {find(name).name} from this machine?")
    freed = remove(name, front.settings.models)
    front.say(f"Deleted {name}: {size(freed)} freed.")
    if front.json:
        front.data({"removed": name, "bytes": freed})
