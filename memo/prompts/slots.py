"""Which question a fact answers, and how."""

from __future__ import annotations

from dataclasses import dataclass

from memo.lm import Prompt, Turn, quoted
from memo.prompts.worked import Example, shots

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
    return (*shots(_SLOT, _SLOT_EXAMPLES), Turn("user", (quoted(sentence),)))


def parse_slot(reply: str, *, finished: bool) -> Slot | None:
    """The slot of a reply; None if it is cut off or not of the form asked for."""
    fields = [part.strip() for part in reply.split("|")]
    if not finished or len(fields) != 3 or not all(fields):
        return None
    question, value, kind = fields
    if not question.endswith("?") or kind not in {"one", "several", "over"}:
        return None
    return Slot(question, value, kind)
