"""Answering from numbered notes."""

from __future__ import annotations

from memo.lm import Prompt, Segment, Turn, quoted
from memo.prompts.worked import NOT_SAID, Dialogue, dialogues, labelled, shots

# Answering

ANSWER_TOKENS = 72

_ANSWERING = (
    "Answer the question from the numbered notes alone: first the answer in a few words copied "
    "from the notes, then one sentence that says it and cites the number of the note in square "
    "brackets. A note with an end date is about the past. If the notes do not answer it: "
    f"{NOT_SAID}"
)

_ANSWERS: tuple[Dialogue, ...] = (
    (
        "Today is 2024-09-02.\n"
        "[1] Tom lives in Leeds. (since 2024-05-03)\n"
        "[2] Tom lives in Bradford. (from 2021-02-10 until 2024-05-03)\n"
        "[3] Kate is a nurse. (since 2023-11-20)\n"
        '[4] 2024-08-01 Tom: "Kate is teaching me to swim, on Fridays after work"',
        (
            ("Where does Tom live?", "Leeds | Tom lives in Leeds [1]."),
            ("Where did Tom live before Leeds?", "Bradford | Tom lived in Bradford before [2]."),
            ("Where does Kate live?", NOT_SAID),
            ("What does Kate do for a living?", "nurse | Kate is a nurse [3]."),
            ("Which car does Tom drive?", NOT_SAID),
            ("Who teaches Tom to swim?", "Kate | Kate is teaching Tom to swim [4]."),
            ("What did Tom study?", NOT_SAID),
        ),
    ),
    (
        "Today is 2023-04-18.\n"
        "[1] Rosa is learning Polish. (since 2023-01-09)\n"
        "[2] Rosa is learning Greek. (since 2022-06-30)\n"
        "[3] Rosa's boss is Mr Hale. (since 2022-02-02, may be outdated since 2023-03-01)\n"
        "[4] My dentist appointment is on the 12th. (since 2023-04-01)",
        (
            (
                "Which languages is Rosa learning?",
                "Polish, Greek | Rosa is learning Polish [1] and Greek [2].",
            ),
            (
                "When is my dentist appointment?",
                "the 12th | Your dentist appointment is on the 12th [4].",
            ),
            ("What is Rosa's favourite film?", NOT_SAID),
            ("Who is Rosa's boss?", "Mr Hale | Rosa's boss is Mr Hale [3]."),
            ("Where does Rosa's boss live?", NOT_SAID),
        ),
    ),
)


_ANSWER_EXAMPLES = tuple((notes, labelled("Question", pairs)) for notes, pairs in _ANSWERS)


def answering(notes: str, question: str, word: str, *, reply: str = "") -> Prompt:
    """Put a question to numbered notes; the reply is `value | sentence [n].` or `NOT_SAID`.

    Args:
        notes: One note a line, with the date of today as the first.
        question: The person's.
        word: The fence of this call.
        reply: What the reply is already known to begin with.
    """
    asked_turn = Turn(
        "user",
        (
            Segment(f"Notes <{word}>\n"),
            quoted(notes),
            Segment(f"\n</{word}>\nQuestion: "),
            quoted(question),
        ),
    )
    begun = (Turn("assistant", (quoted(reply),)),) if reply else ()
    return (*shots(_ANSWERING, dialogues(_ANSWER_EXAMPLES, "Notes")), asked_turn, *begun)
