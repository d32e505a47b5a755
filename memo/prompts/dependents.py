"""What else changes with a fact (docs/erase.md, propagation)."""

from __future__ import annotations

from memo.lm import Prompt, Turn, quoted
from memo.prompts.worked import Example, shots

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
    return (*shots(_ASPECTS, _ASPECT_EXAMPLES), Turn("user", (quoted(question),)))


def parse_list(reply: str) -> list[str]:
    """The items of a reply with commas."""
    return [item.strip() for item in reply.split(",") if item.strip()]
