"""What a document makes of a known fact."""

from __future__ import annotations

from memo.lm import Prompt, Segment, Turn, quoted
from memo.prompts.readings import READINGS
from memo.prompts.worked import dialogues, labelled, message, shots

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
"""Facts known before the texts of `READINGS` and `_CORRECTIONS`, and what these make of them."""

_OVERTAKING_EXAMPLES = tuple(
    (text, labelled("Fact", known))
    for text, known in zip([*(text for text, _ in READINGS), _CORRECTIONS], _OVERTAKEN, strict=True)
)

OVERTAKING_GRAMMAR = rf"""root ::= [^|\n]+ " | " ("{OVER}" | "{HOLDS}")
"""


def overtaking(text: str, fact: str, word: str) -> Prompt:
    """Ask what a text makes of a known fact; the reply is `words | over` or `words | holds`."""
    asked = (*message(text, word), Segment("\nFact: "), quoted(fact))
    return (*shots(_OVERTAKING, dialogues(_OVERTAKING_EXAMPLES)), Turn("user", asked))


def parse_overtaken(reply: str, *, finished: bool) -> str | None:
    """The words by which a document ends a fact; None if it does not."""
    quote, _, verdict = reply.rpartition("|")
    quote = quote.strip().rstrip(".!")
    return quote if finished and verdict.strip() == OVER and quote != NOTHING else None
