"""What the model is asked, and how its replies are read.

Each prompt stands beside its worked examples, its grammar and its parser. Stable text comes
first and the varying text last, so that prompts share their evaluation. The examples are
invented; none is taken from an evaluation.

A person's words stand in untrusted segments between two fences that carry a random word,
new for every document (docs/reliability.md, 2.4).
"""

from memo.prompts.answers import ANSWER_TOKENS, answering
from memo.prompts.dependents import ASPECT_TOKENS, aspects, parse_list
from memo.prompts.endings import (
    HOLDS,
    NOTHING,
    OVER,
    OVERTAKING_GRAMMAR,
    OVERTAKING_TOKENS,
    overtaking,
    parse_overtaken,
)
from memo.prompts.readings import READING_TOKENS, RIGHT, WRONG, checking, gone_question, reading
from memo.prompts.rivals import BESIDE, INSTEAD, competing
from memo.prompts.sentences import (
    EXTRACTION_GRAMMAR,
    EXTRACTION_TOKENS,
    extraction,
    parse_sentences,
)
from memo.prompts.slots import SLOT_GRAMMAR, SLOT_TOKENS, Slot, parse_slot, slot
from memo.prompts.worked import MAX_FACT_CHARACTERS, NOT_SAID, Example, fence

__all__ = [
    "ANSWER_TOKENS",
    "ASPECT_TOKENS",
    "BESIDE",
    "EXTRACTION_GRAMMAR",
    "EXTRACTION_TOKENS",
    "HOLDS",
    "INSTEAD",
    "MAX_FACT_CHARACTERS",
    "NOTHING",
    "NOT_SAID",
    "OVER",
    "OVERTAKING_GRAMMAR",
    "OVERTAKING_TOKENS",
    "READING_TOKENS",
    "RIGHT",
    "SLOT_GRAMMAR",
    "SLOT_TOKENS",
    "WRONG",
    "Example",
    "Slot",
    "answering",
    "aspects",
    "checking",
    "competing",
    "extraction",
    "fence",
    "gone_question",
    "overtaking",
    "parse_list",
    "parse_overtaken",
    "parse_sentences",
    "parse_slot",
    "reading",
    "slot",
]
