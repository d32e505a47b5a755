"""What a document answers to a question, and whether it says a statement."""

from __future__ import annotations

from memo.lm import Prompt, Segment, Turn, quoted
from memo.prompts.worked import NOT_SAID, Dialogue, dialogues, labelled, message, shots

# Reading (docs/erase.md: read, do not judge), and checking a proposed fact. Both are put to the
# same document after the same examples, so that it is evaluated once for all of them.

READING_TOKENS = 16
RIGHT, WRONG = "right", "wrong"

_READING = (
    "Answer the question from the message alone, as things stand after it, in a few words "
    "copied from it. If the message does not answer it for the very person or thing asked "
    f"about, say: {NOT_SAID}\n"
    f"Of a statement say {RIGHT} if the message says so of this very person or thing, and {WRONG} "
    "if it says otherwise, says it of another one, or does not say it."
)

READINGS: tuple[Dialogue, ...] = (
    (
        "Tom: Hey! Finally got the keys, so Tom is in Leeds now, out of that awful Bradford "
        "flat. Sold Tom's van too. Tom's sister Kate carried boxes all day lol, she's renting in "
        "York. "
        "How was your weekend?",
        (
            ("Where does Tom live?", "Leeds"),
            ("Where does Tom work?", NOT_SAID),
            ("Where does Kate live?", "York"),
            ("What does Tom no longer have or do?", "Bradford flat, van"),
            ("What does Kate no longer have or do?", NOT_SAID),
            ("Who is Tom's sister?", "Kate"),
        ),
    ),
    (
        "Rosa: Rosa gave up the violin, no time since Rosa left the bakery for the school, 8 to "
        "2. Rosa's cousin Omar just got a new boat. Someone offered him a job in Wales, he said "
        "no.",
        (
            ("What hours does Rosa work?", "8 to 2"),
            ("Where does Rosa work?", "the school"),
            ("What does Rosa no longer have or do?", "violin, the bakery"),
            ("What vehicle does Rosa have?", NOT_SAID),
            ("What languages does Rosa speak?", NOT_SAID),
            ("What boat does Omar have?", "new boat"),
            ("What does Omar no longer have or do?", NOT_SAID),
            ("What hours does Omar work?", NOT_SAID),
            ("Where does Omar work?", NOT_SAID),
        ),
    ),
    (
        "Nils: It's definitely the 9th, Nils mixed it up with Anna's party. And the doctor was "
        "happy, Nils's knee is fine again, no more crutches. Anna broke up with Finn. "
        "Nils moved out of Mill Road and into 7 Hay Lane.",
        (
            ("Where does Nils live?", "7 Hay Lane"),
            ("When is Nils's concert?", "the 9th"),
            ("What is Nils allergic to?", NOT_SAID),
            ("How is Nils's knee?", "fine again"),
            ("What does Nils no longer have or do?", "bad knee, crutches, Mill Road"),
            ("What does Anna no longer have or do?", "Finn"),
            ("Who is Nils's girlfriend?", NOT_SAID),
            ("Where does Anna live?", NOT_SAID),
        ),
    ),
)


_CHECKS: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        ("Tom lives in Leeds.", RIGHT),
        ("Tom lives in York.", WRONG),
        ("Kate lives in York.", RIGHT),
        ("Kate lives in Leeds.", WRONG),
        ("Tom works in Leeds.", WRONG),
        ("Tom has a van.", WRONG),
        ("Kate is Tom's sister.", RIGHT),
    ),
    (
        ("Omar has a boat.", RIGHT),
        ("Rosa has a boat.", WRONG),
        ("Omar works in Wales.", WRONG),
        ("Rosa works at the school.", RIGHT),
        ("Rosa works at the bakery.", WRONG),
        ("Omar works from 8 to 2.", WRONG),
        ("Rosa plays the violin.", WRONG),
        ("Rosa works from 8 to 2.", RIGHT),
    ),
    (),
)
"""Statements about the texts of `READINGS`."""

_READING_EXAMPLES = tuple(
    (text, labelled("Question", asked) + labelled("Statement", stated))
    for (text, asked), stated in zip(READINGS, _CHECKS, strict=True)
)


def reading(text: str, question: str, word: str) -> Prompt:
    """Put one question to a document; the reply is a few words of it, or `NOT_SAID`."""
    return _put_to(text, "Question", question, word)


def checking(text: str, statement: str, word: str) -> Prompt:
    """Ask whether a document says a statement; to be continued by `RIGHT` or `WRONG`."""
    return _put_to(text, "Statement", statement, word)


def _put_to(text: str, label: str, asked: str, word: str) -> Prompt:
    return (
        *shots(_READING, dialogues(_READING_EXAMPLES)),
        Turn("user", (*message(text, word), Segment(f"\n{label}: "), quoted(asked))),
    )


def gone_question(subject: str) -> str:
    """The question that collects what ended for somebody."""
    if subject == "I":
        return "What do I no longer have or do?"
    return f"What does {subject} no longer have or do?"
