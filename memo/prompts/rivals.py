"""Whether two facts exclude each other."""

from __future__ import annotations

from memo.lm import Prompt, Segment, Turn, quoted
from memo.prompts.worked import Example, shots

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
    return (*shots(_COMPETING, _COMPETING_EXAMPLES), Turn("user", asked))
