"""The command that shows the whole job on a bundled sample."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memo import settings as choices
from memo.cli.asking import streamed
from memo.cli.reading import watched
from memo.errors import MemoError, UsageProblem
from memo.front import Command, Front, with_front

if TYPE_CHECKING:
    from memo.answer import Question
    from memo.memory import Memory
    from memo.records import Answer, ChangeSet


@click.command(cls=Command)
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the home that the demo makes.",
)
@with_front
def demo(front: Front, keep: Path | None) -> None:
    """The whole job on a bundled sample.

    In a throw-away home: fetches the models if need be, reads chats and notes, shows every edit,
    and asks three questions.
    """
    import tempfile
    import tomllib

    front.fetch_missing()
    script = tomllib.loads((choices.asset("demo") / "questions.toml").read_text("utf-8"))
    front.settings = replace(front.settings, tz=script["zone"])
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise UsageProblem(f"{keep} is not empty; name a new folder.")
        front.settings = replace(front.settings, home=keep.absolute())
        _demo(front, script)
        front.say(f"`memo --home {keep} ask …` goes on with it.")
        return
    with tempfile.TemporaryDirectory(prefix="memo-demo-") as home:
        front.settings = replace(front.settings, home=Path(home))
        _demo(front, script)


def _demo(front: Front, script: dict[str, Any]) -> None:
    """Import the sample, ask its questions, and judge the answers.

    Raises:
        click.exceptions.Exit: With 1 unless every answer is as expected.
    """
    from memo.answer import Question
    from memo.memory import Imported

    folder = choices.asset("demo")
    memory = front.memory(fence="sample")  # our own words: the same transcript each time
    front.say(f"{script['me']}'s chats and notes of two years, oldest first:")
    changes = []
    sources = [folder / "chat.jsonl", folder / "notes"]
    events = memory.import_paths(sources, tz=front.tz, me=script["me"])
    with closing(watched(front, events)) as narrated:
        for event in narrated:
            if isinstance(event, Imported):
                changes.append(event.change)
                if not front.json:
                    front.line("")
                    front.changed(event.change)
    answers = [
        _demo_question(front, memory, Question(entry["question"]), entry)
        for entry in script["question"]
    ]
    _demo_sums(front, memory, changes, answers)
    if not all(good for _, good in answers):
        raise click.exceptions.Exit(MemoError.exit_code)


def _demo_question(
    front: Front, memory: Memory, question: Question, entry: dict[str, Any]
) -> tuple[Answer, bool]:
    """Ask one question, and tell whether the answer is the one that the sample wants."""
    if not front.json:
        front.line("")
        front.line(click.style(f"» {question.text}", bold=True))
    answer = streamed(front, memory, question)
    wanted = entry.get("abstained")
    good = answer.abstained == wanted and (
        wanted is not None
        or any(accepted.casefold() in answer.answer.casefold() for accepted in entry["accept"])
    )
    if not front.json:
        expected = f"expected {wanted or ' or '.join(entry['accept'])}, not {answer.answer!r}"
        front.line(
            click.style("  ✓ as expected", fg="green")
            if good
            else click.style(f"  ✗ {expected}", fg="red")
        )
    return answer, good


def _demo_sums(
    front: Front, memory: Memory, changes: list[ChangeSet], answers: list[tuple[Answer, bool]]
) -> None:
    """What the demo did, in numbers."""
    from memo import contract, terminal

    counts = memory.counts()
    if front.json:
        front.data(
            {
                "changes": [contract.change_json(change) for change in changes],
                "answers": [
                    {**contract.answer_json(answer), "as_expected": good}
                    for answer, good in answers
                ],
                "counts": counts,
            }
        )
        return
    edits = Counter(edit.op for change in changes for edit in change.edits)
    seconds = sum(change.elapsed_s for change in changes)
    rows = [
        ("documents read", str(counts["documents"])),
        ("facts now true", str(counts["current"])),
        ("facts of the past", str(counts["past"])),
        ("facts in doubt", str(counts["uncertain"])),
        ("edits applied", str(sum(edits.values()))),
        ("edits held for review", str(counts["held"])),
        ("calls of the model", str(sum(change.usage.calls for change in changes))),
        ("seconds of reading", f"{seconds:.0f}"),
        ("answers as expected", f"{sum(good for _, good in answers)} of {len(answers)}"),
    ]
    front.line("")
    for line in terminal.table((), rows):
        front.line(line)
    front.say(
        '\nYour own: `memo add "…"`, `memo import PATH`, `memo ask "…"`, `memo facts`, `memo log`.'
    )
