"""What one conversation costs, beside the published algorithm: `run.py cost`.

The yardstick is ERASE's flow (Li et al. 2024) as `memo.eval.published` has it: for each fact a
reasoned verdict over document and fact, a rewrite of each that was made false, one extraction.
It runs on the same engine, document and facts. The published code evaluates every prompt whole;
what our engine's prefix reuse would save it, with the document placed before the fact, is counted
beside.
"""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memo.erase import plan_edits
from memo.eval.published import read_as_published
from memo.records import Candidates, Claim, Document, Fact, FactId, Message, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.lm import Embedder, LanguageModel
    from memo.records import Plan, Usage

REPLY_TOKENS = 64
"""Most tokens the yardstick may generate a call: its reasoning is longer, so this favours it."""

CONVERSATION = """
Marta: Finally a free evening! How have you been, Jonas?
Jonas: Busy. I handed in my notice at Brandt Printing, last day was Friday. On Monday I start at\
 the Harbour Museum, in the archive.
Marta: What! You were at Brandt for nine years. Congratulations! Full time?
Jonas: Four days a week, Fridays off. The pay is a bit less but I cycle there in ten minutes.
Marta: Then you can sell that old Passat at last.
Jonas: Already done, a student from Lehrte bought it on Saturday. I use the blue cargo bike for \
everything now.
Marta: I'm impressed. And how is Lotte?
Jonas: Good, she turned six in March and has lost two teeth. She has given up ballet, judo is \
the thing now, Tuesdays and Thursdays. Her teacher is called Mr Okafor.
Marta: Judo suits her. My Emil still plays the trombone, the neighbours love us for it.
Jonas: Does he still play in the school band?
Marta: Yes, and since the summer in the city youth orchestra as well. They go to Bergen in May.
Jonas: And the shop, how is that going?
Marta: I've taken on a second person, Selin, she does the mornings. So I open at eight now \
instead of ten. The bakery upstairs moved out and I rent their room as a store.
Jonas: So you are expanding! Do you still sell the Danish lamps?
Marta: Not any more, the maker closed. I have candles from a workshop in Visby instead, they go \
very well before Christmas.
Jonas: I should come by. Is the flat finished?
Marta: Almost. The kitchen is in, dark green, and the floor upstairs was oiled last week. We \
moved back in on the first, so no more sleeping at my sister's.
Jonas: Lovely. And your knee?
Marta: The operation was in September, by Dr Halvorsen. I walk without the stick now and I swim \
on Wednesdays. Running is over for good, she says.
Jonas: Sorry about the running. You did the half marathon every year.
Marta: Six of them! Well. I have started bouldering with Selin, only the easy walls.
Jonas: I'd fall off at once. My back is the same as ever, I still do the exercises every morning.
Marta: And your mother, is she still in the house in Peine?
Jonas: No, she moved in August, to a small flat in Celle near my brother. She kept the cat, of \
course. The house is let to a couple with twins.
Marta: And what does your brother do nowadays?
Jonas: Arne still teaches chemistry, but he is deputy head of the school now. He and Ines got \
married in June, a tiny wedding on a boat.
Marta: Oh how nice. We were in Lisbon in June, Henrik and I, for our twentieth anniversary.
Jonas: Twenty years! Is Henrik still with the railway?
Marta: Yes, but he drives a desk now, planning. No more night shifts, it has changed our whole \
life. He has taken up baking, there is sourdough everywhere.
Jonas: Send some over. I am learning Portuguese by the way, Monday evenings at the adult \
college, after two years of Swedish.
Marta: Why Portuguese?
Jonas: Because of Clara. We have been together since April. She is from Porto and works as a \
sound engineer at the theatre.
Marta: And you tell me that at the very end! I want to meet her.
Jonas: Come for dinner on the 14th, both of you. She is a vegetarian, and so am I these days, so\
 no sausages.
Marta: We'll bring bread. And Emil's dog may come? Pixel is old and doesn't like to be alone.
Jonas: Of course. Lotte has wanted a dog for years, she will be in heaven. She has her two \
guinea pigs but they don't fetch.
Marta: Then on the 14th. I must go, the alarm rings at six, I take the tram at half past.
Jonas: Good night, and say hello to Henrik!
"""
"""Invented; about 900 tokens."""

FACTS = """
Jonas works at Brandt Printing. | Where does Jonas work? | Brandt Printing
Jonas works five days a week. | How many days a week does Jonas work? | five
Jonas drives a Passat. | What car does Jonas have? | a Passat
Jonas has a daughter called Lotte. | Who is Jonas's daughter? | Lotte
Lotte does ballet. | What does Lotte do as a sport? | ballet
Lotte is five years old. | How old is Lotte? | five
Jonas goes to work by car. | How does Jonas go to work? | by car
Jonas has a bad back. | What illness does Jonas have? | a bad back
Jonas's mother lives in Peine. | Where does Jonas's mother live? | Peine
Jonas's mother has a cat. | What pet does Jonas's mother have? | a cat
Jonas's brother is Arne. | Who is Jonas's brother? | Arne
Arne teaches chemistry. | What does Arne teach? | chemistry
Arne is engaged to Ines. | Who is Arne engaged to? | Ines
Jonas is single. | Who is Jonas together with? | single
Jonas is learning Swedish. | What language is Jonas learning? | Swedish
Jonas eats meat. | What does Jonas eat? | meat
Jonas lives in Hanover. | Where does Jonas live? | Hanover
Jonas's boss is Mr Brandt. | Who is Jonas's boss? | Mr Brandt
Lotte has two guinea pigs. | What pets does Lotte have? | two guinea pigs
Marta has a lamp shop. | What shop does Marta have? | a lamp shop
Marta's shop opens at ten. | When does Marta's shop open? | at ten
Marta sells Danish lamps. | What does Marta sell? | Danish lamps
Marta works alone in the shop. | Who works in Marta's shop? | alone
Marta lives at her sister's. | Where does Marta live? | at her sister's
Marta has a son called Emil. | Who is Marta's son? | Emil
Emil plays the trombone. | What instrument does Emil play? | the trombone
Emil plays in the school band. | Where does Emil play? | the school band
Marta walks with a stick. | How does Marta walk? | with a stick
Marta runs half marathons. | What sport does Marta do? | half marathons
Marta's husband is Henrik. | Who is Marta's husband? | Henrik
Henrik works for the railway. | Where does Henrik work? | the railway
Henrik works night shifts. | When does Henrik work? | night shifts
Emil has a dog called Pixel. | What pet does Emil have? | a dog called Pixel
Marta's kitchen is white. | What colour is Marta's kitchen? | white
Marta's doctor is Dr Halvorsen. | Who is Marta's doctor? | Dr Halvorsen
"""
"""Thirty-five: a third ended or changed by the conversation, a third confirmed, a third neither."""


def conversation(text: str) -> Document:
    """A text of `Speaker: words` lines as one document."""
    at = datetime(2024, 11, 2, 20, tzinfo=UTC)
    said = [line.split(": ", 1) for line in text.strip().splitlines()]
    return Document("cost", text, tuple(Message(words, at, speaker) for speaker, words in said))


def facts() -> tuple[Fact, ...]:
    """What is known beforehand of the two speakers."""
    since = datetime(2023, 5, 1, tzinfo=UTC)
    found = []
    for i, line in enumerate(FACTS.strip().splitlines()):
        text, question, value = line.split(" | ")
        subject = re.sub(r"'s? (\w+) .*", r"'s \1", text) if "'s " in text else text.split()[0]
        subjects = (subject, text.split("'")[0]) if subject != text.split()[0] else (subject,)
        claim = Claim(text, question, value, subjects)
        found.append(Fact(FactId(i + 1), claim, State.CURRENT, since, None))
    return tuple(found)


def published(document: Document, known: tuple[Fact, ...], lm: LanguageModel) -> None:
    """One document through the published flow: a call a fact, a call a rewrite, an extraction."""
    read_as_published(document.text, [fact.text for fact in known], lm, REPLY_TOKENS)


# memo


def planned(
    document: Document, known: tuple[Fact, ...], lm: LanguageModel, embedder: Embedder
) -> Plan:
    """One document through memo, with the same facts as candidates."""
    found = Candidates(known, tuple((fact.since, fact.id) for fact in known))
    return plan_edits(document, lambda _, __: found, lm, embedder)


@dataclass(frozen=True, slots=True)
class Cost:
    """The sums of one run; all measured, none computed."""

    memo_first: Usage
    """The very first document of a model: instructions and worked examples are evaluated too."""
    memo: Usage
    """A new process after that: what does not vary is read from disk."""
    reference: Usage
    edits: int
    held: int
    document_tokens: int

    @property
    def ratio(self) -> float:
        """How many times as many tokens the published flow evaluates as memo."""
        return self.reference.prompt_tokens / max(self.memo.evaluated_tokens, 1)

    @property
    def detail(self) -> dict[str, Any]:
        """Everything behind the ratio."""
        first = max(self.memo_first.evaluated_tokens, 1)
        later = max(self.memo.evaluated_tokens, 1)
        reused = self.reference.evaluated_tokens
        return {
            "document_tokens": self.document_tokens,
            "facts": len(facts()),
            "edits": self.edits,
            "held": self.held,
            "memo_first_document_of_a_model": asdict(self.memo_first),
            "memo": asdict(self.memo),
            "reference": asdict(self.reference),
            "reference_reply_tokens_at_most": REPLY_TOKENS,
            "ratio_first_document_of_a_model": round(self.reference.prompt_tokens / first, 2),
            "ratio_with_generated_tokens": round(
                (self.reference.prompt_tokens + self.reference.completion_tokens)
                / (later + self.memo.completion_tokens),
                2,
            ),
            "ratio_with_our_prefix_reuse_for_the_reference": round(reused / later, 2),
        }


def measure(load: Callable[[], LanguageModel], embedder: Embedder) -> Cost:
    """Run both on the same conversation and facts.

    Args:
        load: A fresh engine; the first keeps prompts' beginnings on disk for those after it.
        embedder: As memo uses it.
    """
    document, known = conversation(CONVERSATION), facts()
    first = planned(document, known, load(), embedder)
    print(f"memo, the first time: {first.usage}, {first.elapsed_s:.0f} s", file=sys.stderr)
    lm = load()
    later = planned(document, known, lm, embedder)
    print(f"memo: {later.usage}, {later.elapsed_s:.0f} s", file=sys.stderr)
    before = lm.usage
    published(document, known, lm)
    print(f"published: {lm.usage - before}", file=sys.stderr)
    return Cost(
        first.usage,
        later.usage,
        lm.usage - before,
        len(later.edits),
        len(later.held),
        lm.count_tokens(document.text),
    )
