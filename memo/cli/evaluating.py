"""`memo eval`: measure on this machine what memo remembers right, beside other methods."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memo.errors import MemoError, Stopped, UsageProblem
from memo.front import Command, Commands, Front, with_front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memo.eval.cases import Case
    from memo.eval.runner import Progress

_METHODS = ("rag", "fact-rag", "erase", "erase-reference", "full")
_DEFAULT = ("rag", "fact-rag", "erase")


@click.group("eval", cls=Commands, no_args_is_help=True)
def eval_() -> None:
    """Measure memo here, beside other methods."""


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What all evaluations of methods share."""
    file = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--resume", is_flag=True, help="Go on with a run that was stopped."),
        click.option("--out", metavar="FILE", type=file, help="The JSON file; others beside it."),
        click.option("--nano", "size", flag_value="nano", help="Ten minutes, to see it work."),
        click.option("--mini", "size", flag_value="mini", help="An hour on two cores."),
        click.option(
            "--method",
            "methods",
            multiple=True,
            type=click.Choice(_METHODS),
            help=f"Repeatable; if not given {', '.join(_DEFAULT)}.",
        ),
    ):
        command = option(command)
    return command


@eval_.command("conversations", cls=Command)
@_run_options
@click.option("--seeds", metavar="A-B", help="Which conversations; from 1000 on for final figures.")
@with_front
def conversations(
    front: Front,
    methods: tuple[str, ...],
    seeds: str | None,
    size: str | None,
    out: Path | None,
    resume: bool,
) -> None:
    """Generated talk of ten people whose lives change.

    Made from seeds, single-hop and multi-hop, with the truth known. Seeds from 1000 on use
    templates that nothing was developed with.
    """
    from memo.eval.conversations import MULTI_HOP, SINGLE_HOP, SIZES, conversation

    size = size or "full"
    chosen = SIZES[size]
    numbers = _seeds(seeds) if seeds is not None else list(range(1, chosen.seeds + 1))
    front.say(f"Drawing {2 * len(numbers)} conversations…")
    cases = [
        conversation(seed, subset, chosen) for seed in numbers for subset in (SINGLE_HOP, MULTI_HOP)
    ]
    asked_for = {"evaluation": "conversations", "size": size, "seeds": numbers}
    _run(front, cases, methods or _DEFAULT, asked_for, out, resume)


_DATA = click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder that holds the data.",
)
_SEED = click.option("--seed", default=1, help="Which part, where not all is used; 1 if not given.")


@eval_.command("news", cls=Command)
@_DATA
@_run_options
@_SEED
@with_front
def news(
    front: Front,
    data: Path,
    methods: tuple[str, ...],
    seed: int,
    size: str | None,
    out: Path | None,
    resume: bool,
) -> None:
    """CLARK-News: dated spans, whose subjects change posts and clubs.

    Of three subjects in ten the last news is withheld (`control`): the old answer stays right.
    """
    from memo.eval import news as found

    cases = found.cases(data, found.SIZES[size or "full"], seed)
    asked_for = {"evaluation": "news", "size": size or "full", "seed": seed}
    _run(front, cases, methods or _DEFAULT, asked_for, out, resume)


@eval_.command("longmemeval", cls=Command)
@_DATA
@_run_options
@click.option("--kind", "kinds", multiple=True, help="Type of question; repeatable.")
@with_front
def longmemeval(
    front: Front,
    data: Path,
    methods: tuple[str, ...],
    kinds: tuple[str, ...],
    size: str | None,
    out: Path | None,
    resume: bool,
) -> None:
    """LongMemEval: questions about chats with an assistant.

    Right is an answer with all words of the expected one; preferences have none and are left out.
    """
    from memo.eval import longmemeval as found

    cases = found.cases(data, found.SIZES[size or "full"], kinds)
    asked_for = {"evaluation": "longmemeval", "size": size or "full", "kinds": list(kinds)}
    _run(front, cases, methods or _DEFAULT, asked_for, out, resume)


@eval_.command("factconsolidation", cls=Command)
@_DATA
@_run_options
@_SEED
@with_front
def factconsolidation(
    front: Front,
    data: Path,
    methods: tuple[str, ...],
    seed: int,
    size: str | None,
    out: Path | None,
    resume: bool,
) -> None:
    """FactConsolidation: numbered facts, the newest wins.

    The smaller sizes keep the facts that compete for an answer, and some others.
    """
    from memo.eval import factconsolidation as found

    cases = found.cases(data, found.SIZES[size or "full"], seed)
    asked_for = {"evaluation": "factconsolidation", "size": size or "full", "seed": seed}
    _run(front, cases, methods or _DEFAULT, asked_for, out, resume)


@eval_.command("compare", cls=Command)
@click.argument("a", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("b", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--method", type=click.Choice(_METHODS), help="Of A; if not given, all of both.")
@click.option("--against", type=click.Choice(_METHODS), help="Of B; if not given, the same.")
@with_front
def compare(front: Front, a: Path, b: Path, method: str | None, against: str | None) -> None:
    """Differences question by question, with confidence intervals.

    A and B are JSON files of runs; they may be the same file for two of its methods. The interval
    is a bootstrap over conversations.
    """
    from dataclasses import asdict

    from memo import terminal
    from memo.eval import compare as comparing

    one, other = comparing.load(a), comparing.load(b)
    if against is not None and method is None:
        raise UsageProblem("--against needs --method, which says what of A it is put against.")
    both = [name for name in comparing.methods(one) if name in comparing.methods(other)]
    chosen = [(method, against or method)] if method else [(name, name) for name in both]
    if not chosen:
        raise UsageProblem(f"{a} and {b} have no method in common; name two with --method.")
    for first, second in chosen:
        pairs = comparing.paired(one, other, first, second)
        found = list(comparing.differences(pairs))
        if front.json:
            differing = [
                {"case": r["case"], "at": r["at"], "question": r["question"]}
                | {"a": r["right"], "b": s["right"]}
                for r, s in pairs
                if r["right"] != s["right"]
            ]
            figures = [asdict(difference) for difference in found]
            front.data({"a": first, "b": second, "differences": figures, "differing": differing})
            continue
        front.line(f"A: {first}   B: {second}")
        for line in terminal.table(comparing.HEADINGS, comparing.rows(found), front.columns):
            front.line(line)
        front.line("")


def _seeds(text: str) -> list[int]:
    """`3`, `1-5` or `1,4,9-12`.

    Raises:
        UsageProblem: It is nothing of the kind.
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageProblem(f"--seeds {text} should be like 3, 1-5 or 1,4,9-12.")
        numbers += range(int(first), int(last or first) + 1)
    if not numbers or len(numbers) > _MOST_SEEDS:
        raise UsageProblem(f"--seeds {text} gives {len(numbers)}; give 1 to {_MOST_SEEDS}.")
    return list(dict.fromkeys(numbers))


_MOST_SEEDS = 1000


def _run(
    front: Front,
    cases: Sequence[Case],
    methods: Sequence[str],
    asked_for: dict[str, Any],
    out: Path | None,
    resume: bool,
) -> None:
    """Run the methods over the cases, then write the result and show it."""
    from memo.eval.journal import Journal
    from memo.eval.methods import Tools
    from memo.eval.report import summary
    from memo.eval.runner import run

    memory = front.memory()
    lm, embedder = memory.language_model(), memory.embedder()
    asked_for |= {"methods": list(methods), "model": lm.name, "embedder": embedder.identity.name}
    out = out or Path(f"memo-eval-{asked_for['evaluation']}-{asked_for['size']}-{lm.name}.json")
    if out.suffix != ".json":
        raise UsageProblem(f"--out {out} should end in .json; others are made beside it.")
    journal = Journal(out.with_suffix(".jsonl"), asked_for, resume=resume)
    work = out.with_suffix(".work").absolute()
    tools = Tools(lm, embedder, front.settings, work)
    told = -1
    with (
        closing(journal),
        closing(run(cases, methods, tools, journal)) as steps,
        front.status() as status,
    ):
        for step in _resumable(front, steps, out):
            line = f"{step.method} on {step.case}: {step.done} of {step.total}{_left(step.eta_s)}"
            status.update(line)
            if not status.live and 20 * step.done // step.total > told:
                told = 20 * step.done // step.total
                front.say(line)
    shutil.rmtree(work, ignore_errors=True)
    _finish(front, summary(journal.records, cases), out)


def _resumable(front: Front, steps: Iterator[Progress], out: Path) -> Iterator[Progress]:
    """The steps of a run; whoever stops it learns how it goes on."""
    try:
        yield from steps
    except (KeyboardInterrupt, Stopped):
        front.say(f"What was judged is in {out.with_suffix('.jsonl')}: --resume goes on.")
        raise


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f", {seconds:.0f} s left"
    return f", {seconds / 60:.0f} min left"


def _finish(front: Front, result: dict[str, Any], out: Path) -> None:
    """Write the JSON file and the plot, and show the tables.

    Raises:
        MemoError: They cannot be written.
    """
    from memo import terminal
    from memo.eval import report
    from memo.eval.plot import svg

    picture = out.with_suffix(".svg")
    try:
        out.write_text(json.dumps(result, indent=1) + "\n", "ascii")
        picture.write_text(svg(result["figures"]), "utf-8")
    except OSError as error:
        raise MemoError(
            f"Cannot write {out}: {error.strerror}; name another with --out."
        ) from error
    if front.json:
        front.data({key: result[key] for key in ("run", "figures")})
    else:
        for headings, rows in report.tables(result["figures"]):
            for line in terminal.table(headings, rows, front.columns):
                front.line(line)
            front.line("")
    front.say(f"Every verdict is in {out}, a plot in {picture}.")
