"""Which facts a sentence states."""

from __future__ import annotations

from memo.lm import Prompt, Segment, Turn, quoted
from memo.prompts.worked import (
    MAX_FACT_CHARACTERS,
    Dialogue,
    dialogues,
    labelled,
    message,
    shots,
)

# Extraction (ERASE, section 3.3): sentence by sentence, all in parallel over one message, then
# the slot that each fact fills. One prompt for all of it made a small model loop, forget the
# second half of a message and mistake whom a thing is about.

EXTRACTION_TOKENS = 96
"""Most tokens one sentence's facts may take; a cut-off last line is dropped."""

_EXTRACTION = (
    "You keep notes about people's lives. Of each sentence of a message, write down what it "
    "states as true and lasting: who people are to each other, where they live and work, what "
    "they own, do regularly, like, suffer from, have planned or decided, and what has ended. One "
    "short sentence a line, one fact and one person a line, with names instead of pronouns, in "
    "the words of the message. Take care whom each thing is about. Leave out small talk, "
    'questions, wishes, guesses and refused offers. Write "none" if nothing is left.'
)

_EXTRACTIONS: tuple[Dialogue, ...] = (
    (
        "Tom: Hey! Finally got the keys, so Tom is in Leeds now, out of that awful flat. Tom's "
        "sister Kate carried boxes all day lol, she's a nurse and has a new van. Mum sang along. "
        "Tom's Spanish course is on again. It begins in March. Tom helps at the library on "
        "Tuesdays now, he stamps the books. How was your weekend?",
        (
            (
                "Finally got the keys, so Tom is in Leeds now, out of that awful flat.",
                "Tom lives in Leeds.",
            ),
            (
                "Tom's sister Kate carried boxes all day lol, she's a nurse and has a new van.",
                "Kate is Tom's sister.\nKate is a nurse.\nKate has a new van.",
            ),
            ("Mum sang along.", "none"),
            ("It begins in March.", "Tom's Spanish course begins in March."),
            (
                "Tom helps at the library on Tuesdays now, he stamps the books.",
                "Tom helps at the library on Tuesdays.\nTom stamps the books at the library.",
            ),
            ("How was your weekend?", "none"),
        ),
    ),
    (
        "Nils: Nils has given up the violin, no time since Nils left the bakery. Nils started at "
        "Bodley's on Monday, as a driver, from 6 to 2. They offered Nils nights but Nils said no. "
        "Nils's parents have sold their house and live with Nils. If Nils won the lottery Nils "
        "would buy a boat!",
        (
            (
                "Nils has given up the violin, no time since Nils left the bakery.",
                "Nils no longer plays the violin.\nNils no longer works at the bakery.",
            ),
            (
                "Nils started at Bodley's on Monday, as a driver, from 6 to 2.",
                "Nils works at Bodley's as a driver.\nNils works from 6 to 2.",
            ),
            ("They offered Nils nights but Nils said no.", "none"),
            (
                "Nils's parents have sold their house and live with Nils.",
                "Nils's parents have sold their house.\nNils's parents live with Nils.",
            ),
            ("If Nils won the lottery Nils would buy a boat!", "none"),
        ),
    ),
    (
        "Ida: The vet says Ida's dog Bella has a bad hip, tablets twice a day. It's from the "
        "stairs. Ida's friend Paul got a Volvo and swims on Mondays. He sold the old Seat. Ida "
        "bought a bike, a green Cube. Paul and Zora have moved to Lyon!!",
        (
            (
                "The vet says Ida's dog Bella has a bad hip, tablets twice a day.",
                "Ida has a dog called Bella.\nBella has a bad hip.\n"
                "Bella takes tablets twice a day.",
            ),
            ("It's from the stairs.", "Bella's bad hip is from the stairs."),
            (
                "Ida's friend Paul got a Volvo and swims on Mondays.",
                "Paul is Ida's friend.\nPaul has a Volvo.\nPaul swims on Mondays.",
            ),
            ("He sold the old Seat.", "Paul no longer has the Seat."),
            ("Ida bought a bike, a green Cube.", "Ida has a green Cube bike."),
            ("Paul and Zora have moved to Lyon!!", "Paul lives in Lyon.\nZora lives in Lyon."),
        ),
    ),
    (
        "Dentist moved to the 12th, not the 10th. Learning Polish on Mondays with Eva. The trip "
        "to Oslo is off, too expensive.",
        (
            ("Dentist moved to the 12th, not the 10th.", "My dentist appointment is on the 12th."),
            (
                "Learning Polish on Mondays with Eva.",
                "I am learning Polish on Mondays with Eva.",
            ),
            ("The trip to Oslo is off, too expensive.", "I am no longer going to Oslo."),
        ),
    ),
    (
        "Omar: sorry, Omar mixed that up: the exam is on Friday, not Thursday. Lena and Omar are "
        "engaged, and she's a cook at the Old Mill now. Bruno and Ines have split up, he told "
        "Omar on Sunday. Dad plays the organ at church. Omar used to live in Ulm as a student. "
        "Friday was Omar's last day at the depot, from tomorrow Omar is at the town library. "
        "Omar moved out of Mill Road and into a flat at 7 Hay Lane.",
        (
            (
                "sorry, Omar mixed that up: the exam is on Friday, not Thursday.",
                "Omar's exam is on Friday.",
            ),
            (
                "Lena and Omar are engaged, and she's a cook at the Old Mill now.",
                "Omar is engaged to Lena.\nLena is a cook at the Old Mill.",
            ),
            (
                "Bruno and Ines have split up, he told Omar on Sunday.",
                "Bruno is no longer with Ines.",
            ),
            ("Dad plays the organ at church.", "Omar's dad plays the organ at church."),
            ("Omar used to live in Ulm as a student.", "none"),
            (
                "Friday was Omar's last day at the depot, from tomorrow Omar is at the town "
                "library.",
                "Omar no longer works at the depot.\nOmar works at the town library.",
            ),
            (
                "Omar moved out of Mill Road and into a flat at 7 Hay Lane.",
                "Omar no longer lives in Mill Road.\nOmar lives at 7 Hay Lane.",
            ),
        ),
    ),
)

_EXTRACTION_EXAMPLES = tuple((text, labelled("Sentence", pairs)) for text, pairs in _EXTRACTIONS)

EXTRACTION_GRAMMAR = r"""root ::= "none" | line ("\n" line)*
line ::= [^\n|]+
"""


def extraction(text: str, sentence: str, context: str | None, word: str) -> Prompt:
    """Ask for the facts of one sentence of a message; the reply is one a line, or "none".

    Args:
        text: `Speaker: words`, or just the words of an unsigned note.
        sentence: The sentence asked about; the rest of the text tells who is meant.
        context: The question that the message answers, if any.
        word: The fence of this document.
    """
    before = (Segment("Asked before: "), quoted(context), Segment("\n")) if context else ()
    asked = (*before, *message(text, word), Segment("\nSentence: "), quoted(sentence))
    return (*shots(_EXTRACTION, dialogues(_EXTRACTION_EXAMPLES)), Turn("user", asked))


def parse_sentences(reply: str, *, finished: bool) -> tuple[list[str], list[str]]:
    """The sentences of a reply, and what was wrong with the rest."""
    rows = [row.strip() for row in reply.strip().split("\n")]
    problems = []
    if not finished:
        rows.pop()
        problems.append("The list of facts was longer than allowed; its end was left out.")
    sentences = [row for row in dict.fromkeys(rows) if row and row != "none"]
    if confused := [row for row in sentences if "|" in row]:  # a reply of another prompt's form
        problems.append(f"{len(confused)} lines were no sentences.")
        sentences = [row for row in sentences if "|" not in row]
    if overlong := [row for row in sentences if len(row) > MAX_FACT_CHARACTERS]:
        problems.append(f"{len(overlong)} facts were longer than {MAX_FACT_CHARACTERS} characters.")
    return [row for row in sentences if len(row) <= MAX_FACT_CHARACTERS], problems
