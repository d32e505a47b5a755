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

_SUPPOSED = (
    "Ben: If Ben ever left the harbour office Ben would go to sea, you know Ben. We rehearsed in "
    "the church hall today, because ours is being painted. Eva sold her flute, but she is staying "
    "with the brass band. When Ben lived in Kiel he kept bees."
)
_BESIDES = (
    "Lena: Lena has taken up rowing, so that is rowing on Mondays and pottery on Thursdays. Lena's "
    "brother had to give back his company car, Lena may keep hers. Gran took the bus for once, she "
    "was that tired. The heating is mended at last. Oh, and Lena has stopped eating meat."
)
_ENDED = (
    "Anna: Handed in the keys of the old surgery today, that's that. Jan isn't at Miller's, he's "
    "at Mills, sorry! The choir starts at eight from now on. The search for a flat is over, Anna "
    "signed on Friday. Anna's neighbour has lost his job."
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
        (
            "Ben works at the harbour office.",
            f"If Ben ever left the harbour office Ben would go to sea | {HOLDS}",
        ),
        (
            "The band rehearses at the school.",
            f"We rehearsed in the church hall today, because ours is being painted | {HOLDS}",
        ),
        ("Eva has a flute.", f"Eva sold her flute | {OVER}"),
        ("Eva plays in the brass band.", f"she is staying with the brass band | {HOLDS}"),
        ("Ben lives in Husum.", f"When Ben lived in Kiel he kept bees | {HOLDS}"),
    ),
    (
        ("Lena does pottery.", f"rowing on Mondays and pottery on Thursdays | {HOLDS}"),
        ("Lena has a company car.", f"Lena may keep hers | {HOLDS}"),
        ("Lena's grandmother drives.", f"Gran took the bus for once | {HOLDS}"),
        ("Lena's heating is broken.", f"The heating is mended at last | {OVER}"),
        ("Lena eats meat.", f"Lena has stopped eating meat | {OVER}"),
    ),
    (
        (
            "Anna works at the old surgery.",
            f"Handed in the keys of the old surgery today | {OVER}",
        ),
        ("Anna works at the library.", f"Anna's neighbour has lost his job | {HOLDS}"),
        ("Jan works at Miller's.", f"Jan isn't at Miller's, he's at Mills | {OVER}"),
        ("The choir starts at seven.", f"The choir starts at eight from now on | {OVER}"),
        ("Anna is looking for a flat.", f"The search for a flat is over | {OVER}"),
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
"""Facts known before the texts of `_MESSAGES`, and what these make of them."""

_MESSAGES = (*(text for text, _ in READINGS), _SUPPOSED, _BESIDES, _ENDED, _CORRECTIONS)

_OVERTAKING_EXAMPLES = tuple(
    (text, labelled("Fact", known)) for text, known in zip(_MESSAGES, _OVERTAKEN, strict=True)
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
