"""What the model is asked, and how its replies are read.

Each prompt stands beside its worked examples, its grammar and its parser. Stable text comes
first and the varying text last, so that prompts share their evaluation. The examples are
invented; none is taken from an evaluation.

A person's words stand in untrusted segments between two fences that carry a random word,
new for every document (docs/reliability.md, 2.4).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from memo.lm import Prompt, Segment, Turn, quoted

NOT_SAID = "not said"
MAX_FACT_CHARACTERS = 240


def fence() -> str:
    """A word that no document can know beforehand."""
    return secrets.token_hex(3)


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: what the user turn holds, and the reply."""

    asked: str
    reply: str


def _shots(instruction: str, examples: tuple[Example, ...]) -> Prompt:
    turns = [Turn("system", (Segment(instruction),))]
    for example in examples:
        turns.append(Turn("user", (Segment(example.asked),)))
        turns.append(Turn("assistant", (Segment(example.reply),)))
    return tuple(turns)


_Dialogue = tuple[str, tuple[tuple[str, str], ...]]
"""A text, and what is put to it one after another: what is asked, and the reply."""


def _dialogues(samples: tuple[_Dialogue, ...], kind: str = "Message") -> tuple[Example, ...]:
    """Worked examples that put several things to one text, which stands before the first."""
    return tuple(
        Example((f"{kind} <sample>\n{text}\n</sample>\n" if i == 0 else "") + asked, reply)
        for text, pairs in samples
        for i, (asked, reply) in enumerate(pairs)
    )


def _labelled(label: str, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((f"{label}: {asked}", reply) for asked, reply in pairs)


def _message(text: str, word: str) -> tuple[Segment, ...]:
    return (Segment(f"Message <{word}>\n"), quoted(text), Segment(f"\n</{word}>"))


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

_EXTRACTIONS: tuple[_Dialogue, ...] = (
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

_EXTRACTION_EXAMPLES = tuple((text, _labelled("Sentence", pairs)) for text, pairs in _EXTRACTIONS)

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
    asked = (*before, *_message(text, word), Segment("\nSentence: "), quoted(sentence))
    return (*_shots(_EXTRACTION, _dialogues(_EXTRACTION_EXAMPLES)), Turn("user", asked))


def parse_sentences(reply: str, *, finished: bool) -> tuple[list[str], list[str]]:
    """The sentences of a reply, and what was wrong with the rest."""
    rows = [row.strip() for row in reply.strip().split("\n")]
    problems = []
    if not finished:
        rows.pop()
        problems.append("The list of facts was longer than allowed; its end was left out.")
    sentences = [row for row in dict.fromkeys(rows) if row and row != "none"]
    if overlong := [row for row in sentences if len(row) > MAX_FACT_CHARACTERS]:
        problems.append(f"{len(overlong)} facts were longer than {MAX_FACT_CHARACTERS} characters.")
    return [row for row in sentences if len(row) <= MAX_FACT_CHARACTERS], problems


SLOT_TOKENS = 48

_SLOT = (
    "For each fact, give the question about its person or thing that it answers, in the "
    "present and naming that person or thing; then the answer in a few words of the fact, "
    "never the person itself; then one (only one answer can hold at a time), several "
    "(others can hold as well) or over (it has ended)."
)

_SLOT_EXAMPLES = (
    Example("Tom lives in Leeds.", "Where does Tom live? | Leeds | one"),
    Example("Kate is Tom's sister.", "Who is Kate? | Tom's sister | one"),
    Example(
        "Nils no longer plays the violin.", "What instruments does Nils play? | the violin | over"
    ),
    Example(
        "Ida has a dog called Bella.", "What pets does Ida have? | a dog called Bella | several"
    ),
    Example("Paul has a new Volvo.", "What car does Paul have? | a Volvo | one"),
    Example("Anna moved from Bonn to Graz.", "Where does Anna live? | Graz | one"),
    Example("Zora has moved to Lyon.", "Where does Zora live? | Lyon | one"),
    Example("Nils works from 6 to 2.", "What hours does Nils work? | from 6 to 2 | one"),
    Example("Omar left the bank in May.", "Where does Omar work? | the bank | over"),
    Example(
        "My dentist appointment is on the 12th.", "When is my dentist appointment? | the 12th | one"
    ),
    Example("Ida is allergic to nuts.", "What is Ida allergic to? | nuts | several"),
    Example(
        "I am learning Polish on Mondays with Eva.",
        "What languages am I learning? | Polish | several",
    ),
    Example("Omar and Lena have broken up.", "Who is Omar together with? | Lena | over"),
    Example("Bella has a bad hip.", "What illness does Bella have? | a bad hip | several"),
    Example("Lena is going to Rome in May.", "Where is Lena going in May? | Rome | one"),
    Example("Tim started at Bodley's as a driver.", "Where does Tim work? | Bodley's | one"),
    Example("Ida bought a laptop, a Lenovo.", "What laptop does Ida have? | a Lenovo | one"),
    Example("Paul sold the motorbike.", "What vehicle does Paul have? | the motorbike | over"),
    Example("Paul's yoga class is on Tuesdays.", "When is Paul's yoga class? | Tuesdays | one"),
    Example("Kate is training to be a vet.", "What is Kate training to be? | a vet | one"),
    Example(
        "Tom's mum has retired from the school.", "Where does Tom's mum work? | the school | over"
    ),
    Example("Lena is engaged to Finn.", "Who is Lena engaged to? | Finn | one"),
    Example(
        "Kate goes to the gym twice a week.",
        "How often does Kate go to the gym? | twice a week | one",
    ),
    Example("Jan is Dutch.", "What nationality is Jan? | Dutch | one"),
    Example("Ida's boss is Mr Hale.", "Who is Ida's boss? | Mr Hale | one"),
    Example("Tom's party is at the Old Mill.", "Where is Tom's party? | the Old Mill | one"),
    Example("Rosa is an accountant at Hill & Co.", "Where does Rosa work? | Hill & Co | one"),
    Example("Paul is a plumber.", "What is Paul's job? | a plumber | one"),
    Example(
        "Ida helps at the library on Tuesdays.",
        "On which day does Ida help at the library? | on Tuesdays | one",
    ),
    Example("Nils has cancelled the Herald.", "What does Nils subscribe to? | the Herald | over"),
    Example("Finn bought a motorbike.", "What vehicle does Finn have? | a motorbike | one"),
    Example("Eva wants to go to Malta.", "Where does Eva want to go? | Malta | one"),
)

SLOT_GRAMMAR = r"""root ::= question " | " answer " | " kind
question ::= [^|\n?]+ "?"
answer ::= [^|\n]+
kind ::= "one" | "several" | "over"
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """The question that a fact answers and its answer."""

    question: str
    value: str
    kind: str
    """one, several or over."""


def slot(sentence: str) -> Prompt:
    """Ask which question a sentence answers."""
    return (*_shots(_SLOT, _SLOT_EXAMPLES), Turn("user", (quoted(sentence),)))


def parse_slot(reply: str, *, finished: bool) -> Slot | None:
    """The slot of a reply; None if it is cut off or not of the form asked for."""
    fields = [part.strip() for part in reply.split("|")]
    if not finished or len(fields) != 3 or not all(fields):
        return None
    question, value, kind = fields
    if not question.endswith("?") or kind not in {"one", "several", "over"}:
        return None
    return Slot(question, value, kind)


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

_READINGS: tuple[_Dialogue, ...] = (
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
"""Statements about the texts of `_READINGS`."""

_READING_EXAMPLES = tuple(
    (text, _labelled("Question", asked) + _labelled("Statement", stated))
    for (text, asked), stated in zip(_READINGS, _CHECKS, strict=True)
)


def reading(text: str, question: str, word: str) -> Prompt:
    """Put one question to a document; the reply is a few words of it, or `NOT_SAID`."""
    return _put_to(text, "Question", question, word)


def checking(text: str, statement: str, word: str) -> Prompt:
    """Ask whether a document says a statement; to be continued by `RIGHT` or `WRONG`."""
    return _put_to(text, "Statement", statement, word)


def _put_to(text: str, label: str, asked: str, word: str) -> Prompt:
    return (
        *_shots(_READING, _dialogues(_READING_EXAMPLES)),
        Turn("user", (*_message(text, word), Segment(f"\n{label}: "), quoted(asked))),
    )


def gone_question(subject: str) -> str:
    """The question that collects what ended for somebody."""
    if subject == "I":
        return "What do I no longer have or do?"
    return f"What does {subject} no longer have or do?"


# What a document makes of a known fact, in a prompt of its own: asked along with the questions
# above, a small model answers one kind as if it were the other.

OVERTAKING_TOKENS = 48
OVER, HOLDS, NOTHING = "over", "holds", "nothing"

_OVERTAKING = (
    "Each fact was true before the message. First copy the words of the message that bear on the "
    f"very person and thing of the fact, or write {NOTHING}; then say {OVER} if they tell that the "
    "fact no longer holds, or that it was wrong, because it ended or something else has come in "
    f"its place; otherwise say {HOLDS}."
)

_CORRECTIONS = (
    "Ida: Ida's new dentist is Dr Lund, lovely hands. Ida's brother Paul wanted to swap cars "
    "but Ida is keeping the Skoda. Paul has taken a second job at the cinema, on top of the "
    "school. Turns out Zora is from Graz, not Vienna. She does yoga on Fridays these days."
)

_OVERTAKEN: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        (
            "Tom lives in Bradford.",
            f"Tom is in Leeds now, out of that awful Bradford flat | {OVER}",
        ),
        ("Kate is Tom's sister.", f"Tom's sister Kate carried boxes all day | {HOLDS}"),
        ("Tom works at the bank.", f"{NOTHING} | {HOLDS}"),
        ("Tom has a van.", f"Sold Tom's van too | {OVER}"),
        ("Kate has a dog called Bella.", f"{NOTHING} | {HOLDS}"),
    ),
    (
        (
            "Omar works at the shipyard.",
            f"Someone offered him a job in Wales, he said no | {HOLDS}",
        ),
        ("Rosa plays the violin.", f"Rosa gave up the violin | {OVER}"),
        ("Rosa is learning French.", f"{NOTHING} | {HOLDS}"),
        ("Rosa works nights.", f"the school, 8 to 2 | {OVER}"),
        ("Rosa works at the bakery.", f"Rosa left the bakery for the school | {OVER}"),
    ),
    (
        ("Nils's concert is on the 8th.", f"It's definitely the 9th | {OVER}"),
        ("Anna lives in Mill Road.", f"{NOTHING} | {HOLDS}"),
        ("Nils has a bad knee.", f"Nils's knee is fine again | {OVER}"),
        ("Nils is a teacher.", f"{NOTHING} | {HOLDS}"),
        ("Anna is together with Finn.", f"Anna broke up with Finn | {OVER}"),
    ),
    (
        ("Dr Moss is Ida's dentist.", f"Ida's new dentist is Dr Lund | {OVER}"),
        ("Ida has a Skoda.", f"Ida is keeping the Skoda | {HOLDS}"),
        (
            "Paul works at the school.",
            f"a second job at the cinema, on top of the school | {HOLDS}",
        ),
        ("Zora is from Vienna.", f"Zora is from Graz, not Vienna | {OVER}"),
        ("Zora's yoga class is on Mondays.", f"She does yoga on Fridays these days | {OVER}"),
        ("Paul has three children.", f"{NOTHING} | {HOLDS}"),
    ),
)
"""Facts known before the texts of `_READINGS` and `_CORRECTIONS`, and what these make of them."""

_OVERTAKING_EXAMPLES = tuple(
    (text, _labelled("Fact", known))
    for text, known in zip(
        [*(text for text, _ in _READINGS), _CORRECTIONS], _OVERTAKEN, strict=True
    )
)

OVERTAKING_GRAMMAR = rf"""root ::= [^|\n]+ " | " ("{OVER}" | "{HOLDS}")
"""


def overtaking(text: str, fact: str, word: str) -> Prompt:
    """Ask what a text makes of a known fact; the reply is `words | over` or `words | holds`."""
    asked = (*_message(text, word), Segment("\nFact: "), quoted(fact))
    return (*_shots(_OVERTAKING, _dialogues(_OVERTAKING_EXAMPLES)), Turn("user", asked))


def parse_overtaken(reply: str, *, finished: bool) -> str | None:
    """The words by which a document ends a fact; None if it does not."""
    quote, _, verdict = reply.rpartition("|")
    quote = quote.strip().rstrip(".!")
    return quote if finished and verdict.strip() == OVER and quote != NOTHING else None


# Whether two facts exclude each other. Too weak to decide by itself (it ranks 162 replacements of
# development runs almost without fault, yet 60 invented pairs with an AUC of 0.83), it keeps two
# facts apart that answer alike questions: `has asthma`, `has twisted her knee`.

INSTEAD, BESIDE = "instead", "beside"

_COMPETING = (
    f'Two facts about the same person or thing, the second one newer. Say "{INSTEAD}" if the newer '
    "fact can only be true when the older one no longer is, because one thing has come in the "
    f'place of another of its kind. Say "{BESIDE}" if both can well be true at the same time.'
)

_COMPETITORS = (
    ("Tom lives in Bradford.", "Tom lives in Leeds.", INSTEAD),
    ("Kate has a headache.", "Kate has broken an arm.", BESIDE),
    ("Rosa works at the bakery.", "Rosa works at the school.", INSTEAD),
    ("Rosa works at the school.", "Rosa sings in a choir.", BESIDE),
    ("Omar has a boat.", "Omar has a motorbike.", BESIDE),
    ("Nils's concert is on the 8th.", "Nils's concert is on the 9th.", INSTEAD),
    ("Ida plays the violin.", "Ida plays tennis.", BESIDE),
    ("Ida is a student.", "Ida is a vet.", INSTEAD),
    ("Ben is taking an evening course.", "Ben teaches maths.", BESIDE),
    ("Paul drives a Volvo to work.", "Paul goes to work by tram.", INSTEAD),
    ("Jan is planning a trip to Oslo.", "Jan is planning a surprise for Eva.", BESIDE),
    ("Eva's exam is in the town hall.", "Eva's exam is in room 4.", INSTEAD),
    ("Eva is allergic to nuts.", "Eva is allergic to cats.", BESIDE),
    ("Lena is fifteen weeks pregnant.", "Lena has a daughter.", INSTEAD),
)

_COMPETING_EXAMPLES = tuple(
    Example(f"Older: {older}\nNewer: {newer}", reply) for older, newer, reply in _COMPETITORS
)


def competing(older: str, newer: str) -> Prompt:
    """Ask whether a newer fact excludes an older one; to be continued by `INSTEAD` or `BESIDE`."""
    asked = (Segment("Older: "), quoted(older), Segment("\nNewer: "), quoted(newer))
    return (*_shots(_COMPETING, _COMPETING_EXAMPLES), Turn("user", asked))


# What else changes with a fact (docs/erase.md, propagation).

ASPECT_TOKENS = 60

_ASPECTS = (
    "When one thing in a life changes, other things usually change with it. List what usually "
    "changes with it, in a few words each, nothing else."
)

_ASPECT_EXAMPLES = (
    Example(
        "Where does Tom go to school?",
        "Tom's teachers, Tom's classmates, Tom's way to school, Tom's timetable",
    ),
    Example(
        "What car does Kate drive?",
        "Kate's car insurance, where Kate parks the car, the car's repairs",
    ),
    Example(
        "Which team does Ali play for?",
        "Ali's coach, Ali's teammates, when Ali trains, where Ali trains",
    ),
)


def aspects(question: str) -> Prompt:
    """Ask what depends on the answer to a question; the reply is a list with commas."""
    return (*_shots(_ASPECTS, _ASPECT_EXAMPLES), Turn("user", (quoted(question),)))


def parse_list(reply: str) -> list[str]:
    """The items of a reply with commas."""
    return [item.strip() for item in reply.split(",") if item.strip()]


# Answering

ANSWER_TOKENS = 72

_ANSWERING = (
    "Answer the question from the numbered notes alone: first the answer in a few words copied "
    "from the notes, then one sentence that says it and cites the number of the note in square "
    "brackets. A note with an end date is about the past. If the notes do not answer it: "
    f"{NOT_SAID}"
)

_ANSWERS: tuple[_Dialogue, ...] = (
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


_ANSWER_EXAMPLES = tuple((notes, _labelled("Question", pairs)) for notes, pairs in _ANSWERS)


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
    return (*_shots(_ANSWERING, _dialogues(_ANSWER_EXAMPLES, "Notes")), asked_turn, *begun)
