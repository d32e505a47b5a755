"""Claims about encrypting from the application: who does not know the words reads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from driver import drive, hides, lines, memory_of, rows, shows, told, typed, until
from test_encryption import in_the_open
from test_unlock import encrypted

from memo.errors import WrongPassphrase
from memo.trust.keys import key_file, recovery_code
from memo.trust.unlocking import Keyholder
from memo.tui.app import MemoApp

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

WORDS = "correct horse battery"


async def settings_row(pilot: Pilot[int]) -> None:
    """Open the choice of encryption."""
    await pilot.press("alt+7")
    await until(pilot, lambda: rows(pilot).item is not None)
    await shows(pilot, "encryption")
    await pilot.press("enter")


async def written_twice(pilot: Pilot[int], words: str) -> None:
    """Give a new passphrase."""
    await shows(pilot, "A passphrase for your memory")
    for _ in range(2):
        await typed(pilot, words)
        await pilot.press("enter")


def code_on(pilot: Pilot[int]) -> str:
    """The recovery code that is shown."""
    found = [word for word in lines(pilot).split() if recovery_code(word.strip("│┃"))]
    assert len(found) == 1
    return found[0]


def test_settings_encrypt_and_the_code_goes_only_when_it_is_written_down(tmp_path: Path) -> None:
    memory = told(memory_of(tmp_path))
    codes: list[str] = []

    async def story(pilot: Pilot[int]) -> None:
        await settings_row(pilot)
        await written_twice(pilot, WORDS)
        await shows(pilot, "Your recovery code")
        codes.append(code_on(pilot))
        await pilot.press("escape", "enter", "q")
        await shows(pilot, "Write it down first")
        await pilot.press("y")
        await hides(pilot, codes[0])
        await until(pilot, lambda: [one.value for one in rows(pilot).items([0])] == ["on"])
        await pilot.press("alt+2")
        await shows(pilot, "Ann works at Borealis.")

    drive(memory, story)
    assert in_the_open(tmp_path, b"Borealis") == []
    for secret in (WORDS, codes[0]):
        Keyholder(memory.settings.store).unlock(secret)


def test_the_first_run_encrypts_too(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MemoApp)
        app.action_welcome()
        await shows(pilot, "Not encrypted")
        app.screen.query_one("#encrypt").focus()
        await pilot.press("enter")
        await written_twice(pilot, WORDS)
        await shows(pilot, "Your recovery code")
        await pilot.press("y")
        await shows(pilot, "Welcome to memo", "✓ Encrypted")

    drive(memory, story, (80, 24))
    assert memory_of(tmp_path).holder.locked


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [("", "", "protects nothing"), ("short", "", "That is short"), (WORDS, "other", "two differ")],
)
def test_a_passphrase_that_will_not_do_encrypts_nothing(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    memory = told(memory_of(tmp_path))

    async def story(pilot: Pilot[int]) -> None:
        await settings_row(pilot)
        await shows(pilot, "A passphrase for your memory")
        await typed(pilot, first)
        await pilot.press("enter")
        await typed(pilot, second)
        await pilot.press("enter") if second else None
        await shows(pilot, said)
        await pilot.press("escape")
        await hides(pilot, "A passphrase for your memory")

    drive(memory, story)
    assert not key_file(memory.settings.store).exists()


async def unlocked(pilot: Pilot[int]) -> None:
    """Into the application, then to what can be changed."""
    await shows(pilot, "Your memory is encrypted")
    await typed(pilot, "some words")
    await pilot.press("enter")
    await hides(pilot, "Your memory is encrypted")
    await settings_row(pilot)
    await shows(pilot, "Change the passphrase", "Turn off")


def test_another_passphrase_takes_the_place_of_the_first(tmp_path: Path) -> None:
    memory = encrypted(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await unlocked(pilot)
        await pilot.press("enter")
        await shows(pilot, "What opens it now?")
        await typed(pilot, "not this")
        await pilot.press("enter")
        await shows(pilot, "neither the passphrase")
        await typed(pilot, "some words")
        await pilot.press("enter")
        await written_twice(pilot, WORDS)
        await shows(pilot, "The passphrase is changed")

    drive(memory, story)
    Keyholder(memory.settings.store).unlock(WORDS)
    with pytest.raises(WrongPassphrase):
        Keyholder(memory.settings.store).unlock("some words")


def test_turned_off_it_is_plain_again_and_only_after_a_yes(tmp_path: Path) -> None:
    memory = encrypted(tmp_path)

    async def story(pilot: Pilot[int]) -> None:
        await unlocked(pilot)
        await pilot.press("down", "down", "enter")
        await shows(pilot, "What opens it now?")
        await typed(pilot, "some words")
        await pilot.press("enter")
        await shows(pilot, "Write everything in plain")
        await pilot.press("enter")  # stays safe
        await hides(pilot, "Write everything in plain")
        assert key_file(memory.settings.store).exists()
        await pilot.press("enter")
        await shows(pilot, "Turn off")
        await pilot.press("down", "down", "enter")
        await shows(pilot, "What opens it now?")
        await typed(pilot, "some words")
        await pilot.press("enter")
        await shows(pilot, "Write everything in plain")
        await pilot.press("y")
        await shows(pilot, "not encrypted any more")

    drive(memory, story)
    assert not memory_of(tmp_path).holder.locked
    assert in_the_open(tmp_path, b"Borealis")
