"""Claims about the talk while an answer is written, and when it is long, over a real store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from driver import drive, lines, memory_of, shows, told, typed, until
from fakes import FakeLM

from memo.records import Answer
from memo.tui.ask import Ask
from memo.tui.composer import Composer
from memo.tui.exchange import Exchange
from memo.tui.talk import MOST_EXCHANGES, Gap, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from memo.lm import Prompt
    from memo.memory import Memory
    from memo.records import ConversationId


class Writer(FakeLM):
    """Writes an answer word by word, until there is enough."""

    def __init__(self) -> None:
        super().__init__()
        self.enough = False
        self.words: list[str] = []

    def stream(self, prompt: Prompt, *, max_tokens: int, stop: object = ()) -> Iterator[str]:
        yield "Borealis |"
        while not self.enough:
            time.sleep(0.01)
            self.words.append(f"word{len(self.words)}")
            yield f" {self.words[-1]}"


def last(pilot: Pilot[int]) -> Exchange:
    return pilot.app.screen.query(Exchange).last()


def talked(memory: Memory, count: int) -> ConversationId:
    conversation = None
    for number in range(count):
        said = f"Question {number}?"
        conversation, exchange = memory.conversations.begin(said, conversation)
        text = f"Reply {number} begins, " + "and goes on for more than one line, " * 5 + "and ends."
        memory.conversations.answered(exchange, text, Answer(said, "", text), "a question")
    assert conversation is not None
    return conversation


async def resumed(pilot: Pilot[int], conversation: ConversationId, count: int) -> Talk:
    ask = pilot.app.screen
    assert isinstance(ask, Ask)
    ask.resume(conversation)
    await until(pilot, lambda: len(ask.query(Exchange)) == count)
    await until(pilot, lambda: all(one.settled for one in ask.query(Exchange)))
    return ask.query_one(Talk)


@pytest.mark.parametrize("before", [0, 20])
def test_a_terminal_is_resized_and_written_in_while_an_answer_is_written(
    tmp_path: Path, before: int
) -> None:
    told(memory_of(tmp_path))
    writer = Writer()
    memory = memory_of(tmp_path, writer)
    conversation = talked(memory, before) if before else None

    async def story(pilot: Pilot[int]) -> None:
        if conversation is not None:
            await resumed(pilot, conversation, before)
        composer = pilot.app.screen.query_one(Composer)
        composer.put("Where does Ann work?")
        await pilot.press("enter")
        await until(pilot, lambda: "word3" in last(pilot).text.source)
        for size in ((60, 20), (140, 40), (61, 24), (100, 30)):
            await pilot.resize_terminal(*size)
            await typed(pilot, "ab")
            now = writer.words[-1]
            await until(pilot, lambda: now in last(pilot).text.source)  # noqa: B023  # at once
            await until(pilot, lambda: last(pilot).text.source.split()[-1] in lines(pilot))
        assert composer.text == "abababab"
        writer.enough = True
        await shows(pilot, writer.words[-1], "nothing to remember")
        assert last(pilot).text.source.split()[: len(writer.words)] == writer.words

    drive(memory, story)


def test_of_a_long_talk_only_what_is_near_is_laid_out_and_all_of_it_is_there(
    tmp_path: Path,
) -> None:
    memory = memory_of(tmp_path)
    conversation = talked(memory, MOST_EXCHANGES + 5)

    async def story(pilot: Pilot[int]) -> None:
        talk = await resumed(pilot, conversation, MOST_EXCHANGES)
        final = MOST_EXCHANGES + 4
        await shows(pilot, f"Question {final}?", f"Reply {final}")
        await until(pilot, lambda: folded(talk) > MOST_EXCHANGES / 2)
        seen: set[int] = set()
        while True:
            seen |= {n for n in range(final + 1) if f"Question {n}?" in lines(pilot)}
            if talk.scroll_offset.y == 0:
                break
            await pilot.press("pageup")
            await pilot.pause()
            await until(pilot, lambda: "Question" in lines(pilot) and unfolded_in_sight(talk))
        assert seen == set(range(5, final + 1))
        await until(pilot, lambda: talk.query(Exchange).first().region.y < 4)
        await pilot.resize_terminal(60, 40)
        await until(pilot, lambda: folded(talk) > MOST_EXCHANGES / 2)
        talk.scroll_end(animate=False)
        await shows(pilot, f"Question {final}?", "and ends.")

    drive(memory, story)


def unfolded_in_sight(talk: Talk) -> bool:
    """Whether nothing that is in sight is only stood for."""
    gaps = [gap for gap in talk.query(Gap) if gap.display]
    return not any(gap.region.overlaps(talk.content_region) for gap in gaps)


def folded(talk: Talk) -> int:
    return sum(one.folded for one in talk.query(Exchange))
