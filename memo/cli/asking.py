"""The command that answers questions, one or a pipe full of them."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from memo.cli.options import PARTLY
from memo.errors import ContextOverflow, ModelCrashed, UsageProblem
from memo.front import Command, Front, missing, piped, typing, with_front
from memo.show import show

if TYPE_CHECKING:
    from memo.answer import Question
    from memo.memory import Memory
    from memo.records import Answer


@click.command(cls=Command)
@click.argument("question", required=False)
@click.option("--as-of", metavar="WHEN", help="Answer as it would have been then.")
@click.option("--choice", "choice", multiple=True, metavar="TEXT", help="A possible answer.")
@click.option("--list", "wants_list", is_flag=True, help="The answer is a list.")
@with_front
def ask(
    front: Front,
    question: str | None,
    as_of: str | None,
    choice: tuple[str, ...],
    wants_list: bool,
) -> None:
    """Answer a question, with sources.

    `-` reads a question a line from a pipe: plain text, or JSON.
    """
    from memo.answer import Question

    when = front.at(as_of, end_of_day=True)
    memory = front.memory()
    if sys.stdin is not None and (question == "-" or (question is None and not typing())):
        asked = _ask_lines(front, memory, Question("", when, choice, wants_list))
        if question is None and not asked:
            raise missing("question")
        return
    text = piped(question, "question").strip()
    if not text:
        raise UsageProblem("The question is blank; write one in quotes.")
    _answer(front, memory, Question(text, when, choice, wants_list))


def _ask_lines(front: Front, memory: Memory, pattern: Question) -> int:
    """A question a line, plain or JSON; one that is neither is passed over. How many there were."""
    wrong, asked = False, 0
    for number, line in enumerate(sys.stdin.buffer, start=1):
        text = line.decode("utf-8", "replace").strip().removeprefix("\ufeff")
        if not text:
            continue
        asked += 1
        try:
            _answer(front, memory, _question(front, text, pattern))
        except (ValueError, UsageProblem, ContextOverflow, ModelCrashed) as error:
            wrong = True
            front.say(f"Skipped line {number}: {error}")
    if wrong:
        raise click.exceptions.Exit(PARTLY)
    return asked


def _question(front: Front, line: str, pattern: Question) -> Question:
    """A line of `memo ask -`.

    Raises:
        ValueError: It begins as JSON and is not a question.
        UsageProblem: Its time makes no sense.
    """
    if not line.startswith("{"):
        return replace(pattern, text=line)
    try:
        fields = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    text, wanted, choice = fields.get("question"), fields.get("list"), fields.get("choices")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it has no question")
    if choice is not None and not (
        isinstance(choice, list) and all(isinstance(one, str) for one in choice)
    ):
        raise ValueError("its choices are not a list of texts")
    as_of = fields.get("as_of")
    if as_of is not None and not isinstance(as_of, str):
        raise ValueError("its as_of is not a text such as 2024-03-01")
    return replace(
        pattern,
        text=text,
        id=fields.get("id"),
        as_of=pattern.as_of if as_of is None else front.at(as_of, end_of_day=True),
        choices=pattern.choices if choice is None else tuple(choice),
        wants_list=pattern.wants_list if wanted is None else bool(wanted),
    )


def _answer(front: Front, memory: Memory, question: Question) -> None:
    from memo import contract

    answer = streamed(front, memory, question)
    if front.json:
        front.data(contract.answer_json(answer, question.id))


def streamed(front: Front, memory: Memory, question: Question) -> Answer:
    """Ask; for a person, print the text as it comes, then what it rests on."""
    from memo import terminal
    from memo.records import Answer

    with closing(memory.ask(question)) as pieces:
        for piece in pieces:
            if isinstance(piece, Answer):
                answer = piece
            elif not front.json:
                click.echo(show(piece), nl=False)
    if not front.json:
        front.line("")
        for line in terminal.source_lines(answer, front.tz):
            front.line(line)
    return answer
