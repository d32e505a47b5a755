"""`memo eval verdicts`, `extraction` and `model`: what a model by itself is worth."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memo.front import Command, Front, with_front
from memo.show import show_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memo.certify import Certified, Progress, labelled
    from memo.certify.figures import Json
    from memo.certify.probes import Pair, Snippet
    from memo.engines import Engines

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_OUT = click.option("--out", type=FILE, help="Keep every single result here, as JSON.")
_RESUME = click.option("--resume", is_flag=True, help="Go on with what --out holds already.")
_LIMIT = click.option("--limit", type=click.IntRange(min=1), help="Take so many, evenly chosen.")


@click.command(cls=Command)
@click.option(
    "--split",
    type=click.Choice(["dev", "test", "all"]),
    default="dev",
    help="Which half; test is for final figures.",
)
@_LIMIT
@_OUT
@_RESUME
@with_front
def verdicts(front: Front, split: str, limit: int | None, out: Path | None, resume: bool) -> None:
    """What becomes of known facts when a document is read, against labels."""
    from memo.certify import Probe, Results, measure
    from memo.certify.probes import digest, pairs, spread
    from memo.certify.throwaway import throwaway
    from memo.certify.verdicts import figures, judge

    chosen = [pair for pair in pairs() if split in {"all", pair.split}]
    chosen = list(spread(chosen, limit or len(chosen)))
    engines, about = _engines(front)
    about |= {"kind": "verdicts", "probes": digest("verdicts.jsonl"), "split": split}
    results = Results(out, about, resume=resume)

    def run(pair: Pair) -> Json:
        with throwaway(front.settings, engines) as memory:
            return judge(pair, memory).json()

    probes = [Probe("verdicts", pair.id, partial(run, pair)) for pair in chosen]
    _watched(front, measure(probes, results))
    found = figures([results.done[pair.id] for pair in chosen])
    results.finish(found)
    if front.json:
        front.data(results.json())
        return
    for line in _rates(found, [name for name in found if not name.startswith("by_")]):
        front.line(line)
    for name in ("by_label", "by_topic", "by_kind"):
        front.line("")
        front.line(f"right, {name.replace('_', ' ')}")
        for line in _rates(found[name]):
            front.line(f"  {line}")


@click.command(cls=Command)
@click.option(
    "--data", type=FOLDER, help="A folder of labelled snippets; without it memo's own set."
)
@click.option(
    "--language",
    metavar="CODE|all",
    default="en",
    help="Of the snippets in --data, such as de; all for each there is.",
)
@click.option(
    "--split", type=click.Choice(["dev", "test", "all"]), default="dev", help="Of memo's own set."
)
@_LIMIT
@_OUT
@_RESUME
@with_front
def extraction(
    front: Front,
    data: Path | None,
    language: str,
    split: str,
    limit: int | None,
    out: Path | None,
    resume: bool,
) -> None:
    """Which facts are taken from messages, against labels: recall and precision."""
    from memo.certify import Probe, Results, labelled, measure
    from memo.certify import extraction as own
    from memo.certify.probes import digest, snippets, spread
    from memo.certify.throwaway import throwaway

    engines, about = _engines(front)
    about |= {"kind": "extraction"}

    def mine(snippet: Snippet) -> Json:
        with throwaway(front.settings, engines) as memory:
            taken = own.extracted(snippet.id, snippet.said, memory)
            return own.snippet_result(snippet, taken)

    def theirs(one: labelled.Labelled) -> Json:
        with throwaway(front.settings, engines) as memory:
            taken = own.extracted(one.id, one.said, memory)
            return labelled.labelled_result(one, taken, memory.embedder())

    if data is None:
        set_ = [one for one in snippets() if split in {"all", one.split}]
        probes = [
            Probe("extraction", one.id, partial(mine, one))
            for one in spread(set_, limit or len(set_))
        ]
        about |= {"probes": digest("extraction.jsonl"), "split": split}
    else:
        spoken = labelled.languages(data) if language == "all" else [language]
        probes = [
            Probe("extraction", one.id, partial(theirs, one))
            for some in (labelled.labelled(data, code) for code in spoken)
            for one in spread(some, limit or len(some))
        ]
        about |= {"data": str(data.absolute()), "language": language}
    results = Results(out, about, resume=resume)
    _watched(front, measure(probes, results))
    listed = [results.done[probe.id] for probe in probes]
    found = own.figures(listed) if data is None else labelled.figures(listed)
    results.finish(found)
    if front.json:
        front.data(results.json())
    elif data is None:
        for line in _rates(found):
            front.line(line)
    else:
        for line in _by_language(found, front.columns):
            front.line(line)


@click.command("model", cls=Command)
@click.argument("name", metavar="[NAME|PATH]", required=False)
@click.option("--again", is_flag=True, help="Measure anew what was measured before.")
@with_front
def eval_model(front: Front, name: str | None, again: bool) -> None:
    """Certify a model: five scores and a plain verdict, in a quarter of an hour.

    Stopped, the same command goes on. The score then stands in `memo model list`.
    """
    from memo.certify import certify, sharing

    if name is not None:
        front.settings = replace(front.settings, model=name)
    with closing(certify(front.settings, sharing(front.memory()), again=again)) as steps:
        done = _watched(front, steps)
    assert done is not None, "the last event is the certificate"
    _certificate(front, done)


def _certificate(front: Front, done: Certified) -> None:
    """Print a certificate."""
    score = done.score
    if front.json:
        detail = {
            part: {name: rate.json() for name, rate in rates.items()}
            for part, rates in done.detail.items()
        }
        every = None if done.results is None else str(done.results)
        front.data({**score.json(), "detail": detail, "results": every})
        return
    front.line(f"{show_line(score.model)}: {score.overall:.2f}, {score.verdict}")
    for part, share in score.parts.items():
        told = ", ".join(f"{name} {rate}" for name, rate in done.detail.get(part, {}).items())
        front.line(f"  {part:<11} {share:.2f}" + (f"  {told}" if told else ""))
    if done.results is None:
        front.say(f"Measured on {score.at:%Y-%m-%d}; --again measures anew.")
    else:
        front.say(f"Every single result is in {done.results}.")


def _engines(front: Front) -> tuple[Engines, dict[str, object]]:
    """The chosen models, loaded once, and what they are."""
    from memo.certify import sharing

    memory = front.memory()
    about: dict[str, object] = {
        "model": memory.language_model().name,
        "embedder": memory.embedder().identity.name,
    }
    return sharing(memory), about


def _watched(front: Front, steps: Iterable[Progress | Certified]) -> Certified | None:
    """Show how far a run is, and give what comes last."""
    from memo.certify import Progress

    told: tuple[str, int] | None = None
    with front.status() as status:
        for step in steps:
            if not isinstance(step, Progress):
                return step
            line = f"{step.part}  {step.done} of {step.total}, {_left(step.eta_s)}"
            status.update(line)
            now = (step.part, 10 * step.done // step.total)
            if not status.live and now != told:  # a log: a line each tenth
                told = now
                front.say(line)
    return None


def _left(seconds: float) -> str:
    """The time left, in words."""
    return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def _rate(rate: Any) -> str:
    """A rate of results as a person reads it."""
    from memo.certify import Rate

    return str(Rate(rate["hits"], rate["of"]))


def _rates(figures: Any, names: Iterable[str] = ()) -> list[str]:
    """Lines of names with their rates."""
    chosen = list(names) or list(figures)
    size = max(map(len, chosen), default=0)
    return [f"{name.replace('_', ' '):<{size}}  {_rate(figures[name])}" for name in chosen]


def _by_language(figures: Any, columns: int | None) -> Iterable[str]:
    """A table, one language a line."""
    from memo import terminal

    def cell(found: Any, kind: str, what: str) -> str:
        return "" if found[kind] is None else _rate(found[kind][what])

    kinds = [(k, w) for k in ("memories", "entities") for w in ("recall", "precision")]
    heads = ("language", "snippets", *(f"{kind}: {what}" for kind, what in kinds), "no facts")
    rows = [
        (
            language,
            str(found["snippets"]),
            *(cell(found, kind, what) for kind, what in kinds),
            _rate(found["without_facts"]),
        )
        for language, found in figures.items()
    ]
    return terminal.table(heads, rows, columns)
