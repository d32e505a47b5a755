"""Claims about what a document does to the facts, with a scripted reader over a real store.

The published implementation's flaws (docs/erase.md) each have a claim here. The docstring of a
test that takes `story` is what was said, in the order in which it is read.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeLM, HashEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import on

from memo import wording
from memo.claims import names_value
from memo.erase import MAX_CHANGED, MAX_RETIRED, plan_edits
from memo.errors import ContextOverflow
from memo.extract import claim_of, people_in, spoken_in
from memo.prompts import NOT_SAID, gone_question
from memo.records import (
    Add,
    Candidates,
    Claim,
    Document,
    Evidence,
    Fact,
    FactId,
    MakeFalse,
    MarkUncertain,
    Message,
    Plan,
    Reinforce,
    Rewrite,
    State,
)
from memo.retrieve import candidates
from memo.store import Store
from memo.told import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from memo.lm import Embedder, Vectors
    from memo.records import Edit

PEOPLE = ("Ann", "Ben")
FIRMS = ("Acme", "Borealis", "Cobalt", "Dorado")
PLACES = ("Acme", "York", "Leeds")
TOWNS = ("Hull", "York", "Leeds", "Derby")
WORK = "Where does Ann work?"
SLOTS = (
    {f"{p} works at {f}.": f"Where does {p} work? | {f} | one" for p in PEOPLE for f in FIRMS}
    | {
        f"{p} no longer works at {f}.": f"Where does {p} work? | {f} | over"
        for p in PEOPLE
        for f in FIRMS
    }
    | {f"{p} lives in {t}.": f"Where does {p} live? | {t} | one" for p in PEOPLE for t in TOWNS}
    | {
        "Ann has a dog called Bella.": "What pets does Ann have? | a dog called Bella | several",
        "Ann has a cat called Tom.": "What pets does Ann have? | a cat called Tom | several",
        "Ann plays chess.": "What games does Ann play? | chess | several",
    }
)
"""What every scripted reader makes of a sentence."""
EXTRACTS = (
    {f"at {firm}": [f"Ann works at {firm}."] for firm in FIRMS}
    | {f"no longer work for {firm}": [f"Ann no longer works at {firm}."] for firm in FIRMS}
    | {f"in {town}": [f"Ann lives in {town}."] for town in TOWNS}
    | {
        "called Bella": ["Ann has a dog called Bella."],
        "called Tom": ["Ann has a cat called Tom."],
        "boss": ["Ann's boss is Raj."],
        "play chess": ["Ann plays chess."],
    }
)
READINGS = (
    {(f"at {firm}", WORK): firm for firm in FIRMS}
    | {(f"in {town}", "Where does Ann live?"): town for town in TOWNS}
    | {(f"left {firm}", gone_question("Ann")): firm for firm in FIRMS}
)


def reader(**tables: Any) -> FakeLM:
    """A model that understands Ann, except where a table says otherwise."""
    usual: dict[str, Any] = {"extracts": EXTRACTS, "readings": READINGS}
    return FakeLM(**({"slots": SLOTS} | usual | tables))


def document(text: str, at: str, speaker: str = "Ann") -> Document:
    when = datetime.fromisoformat(at) if "+" in at else on(at)
    return Document("story", f"{at} {text}", (Message(text, when, speaker),))


class Life:
    """A store and the plans by which it came to be."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.embedder = HashEmbedder()
        self.plans: list[Plan] = []

    def tell(self, said: Document, lm: FakeLM) -> Plan:
        plan = plan_edits(
            said, lambda d, claims: candidates(self.store, self.embedder, d, claims), lm,
            self.embedder,
        )  # fmt: skip
        self.store.apply(said, plan, self.embedder.embed)
        assert self.store.check() == []
        self.plans.append(plan)
        return plan

    def true_on(self, date: str | None = None) -> list[str]:
        return sorted(fact.text for fact in self.store.list_facts(as_of=on(date) if date else None))

    def texts(self, state: State) -> list[str]:
        return sorted(fact.text for fact in self.store.list_facts(state))

    def fact(self, text: str) -> Fact:
        (found,) = [fact for fact in self.store.list_facts(None) if fact.text == text]
        return found


def empty_store(folder: Path) -> Store:
    folder.mkdir(exist_ok=True)
    return Store.open(folder / "memo.db", embedder=HashEmbedder().identity)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with empty_store(tmp_path) as store:
        yield Life(store)


@pytest.fixture
def story(life: Life, request: pytest.FixtureRequest) -> Callable[..., Life]:
    """Reads the docstring of the test, a document a line, with a scripted model."""

    def tell(**tables: Any) -> Life:
        lines = re.findall(r"^\s*(\d{4}-\S+) (\w+): (.+)$", request.function.__doc__, re.MULTILINE)
        for at, speaker, text in lines:
            life.tell(document(text, at, speaker), reader(**tables))
        return life

    return tell


def claim(text: str) -> Claim:
    return claim_of(text, reader())


def fact(id_: int, text: str, **fields: Any) -> Fact:
    begun: dict[str, Any] = {"state": State.CURRENT, "since": on("2024-01-05"), "until": None}
    return Fact(FactId(id_), claim(text), **(begun | fields))


def planned(
    said: Document, facts: Sequence[Fact], lm: FakeLM, embedder: Embedder | None = None
) -> Plan:
    """A plan against facts that some store might hold."""
    found = Candidates(tuple(facts), tuple((f.since, f.id) for f in facts))
    return plan_edits(said, lambda _, __: found, lm, embedder or HashEmbedder())


def retired(edits: Sequence[Edit]) -> list[FactId]:
    return [edit.fact for edit in edits if isinstance(edit, MakeFalse | Rewrite)]


# -- update, then add ----------------------------------------------------------------


def test_a_new_employer_ends_the_old_fact(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-06-01 Ann: I work at Borealis now.
    """
    life = story()
    assert life.true_on("2024-03-01") == ["Ann works at Acme."]
    assert life.true_on("2024-07-01") == ["Ann works at Borealis."]
    assert life.fact("Ann works at Acme.").replaced_by == life.fact("Ann works at Borealis.").id


def test_a_restated_fact_survives_a_wrong_rewrite(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-06-01 Ann: Yes, I am still at Acme. Borealis only called.
    """
    life = story(readings={("Borealis", WORK): "Borealis"})
    assert life.texts(State.CURRENT) == ["Ann works at Acme."]
    assert life.texts(State.PAST) == []
    assert [type(edit) for edit in life.plans[1].edits] == [Reinforce]


def test_what_is_said_again_is_reinforced_and_not_added(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-06-01 Ann: Long day at Acme.
    """
    life = story()
    assert [type(edit) for edit in life.plans[1].edits] == [Reinforce]
    (only,) = life.store.list_facts(None)
    assert [entry.event for entry in life.store.history(only.id)] == ["added", "reinforced"]


def test_a_flip_back_makes_the_old_fact_current_with_its_history(
    story: Callable[..., Life],
) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-06-01 Ann: I work at Borealis now.
    2024-09-01 Ann: I am back at Acme.
    """
    life = story()
    assert life.texts(State.CURRENT) == ["Ann works at Acme."]
    assert life.texts(State.PAST) == ["Ann works at Borealis."]
    back = life.fact("Ann works at Acme.")
    assert back.since == on("2024-09-01")
    assert [entry.truth for entry in life.store.history(back.id)] == [True, False, True]
    assert life.true_on("2024-02-01") == ["Ann works at Acme."]
    assert life.true_on("2024-07-01") == ["Ann works at Borealis."]


def test_a_world_may_flip_many_times(story: Callable[..., Life]) -> None:
    """
    2024-01-01 Ann: I started at Acme.
    2024-02-01 Ann: I work at Borealis now.
    2024-03-01 Ann: I am back at Acme.
    2024-04-01 Ann: I am at Borealis once more.
    2024-05-01 Ann: I am at Acme for good.
    """
    life = story()
    held = [life.true_on(f"2024-0{month}-15") for month in range(1, 6)]
    acme, borealis = ["Ann works at Acme."], ["Ann works at Borealis."]
    assert held == [acme, borealis, acme, borealis, acme]
    assert len(life.store.list_facts(None)) == 2


def test_what_is_over_without_a_successor_is_past(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-06-01 Ann: I left Acme yesterday.
    """
    life = story()
    assert life.true_on() == []
    assert life.true_on("2024-03-01") == ["Ann works at Acme."]


@pytest.mark.parametrize("heard", ["Ann worked at Acme.", "Ann works at Acme."])
def test_a_last_day_does_not_say_the_old_fact_again(life: Life, heard: str) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    slots = SLOTS | {"Ann worked at Acme.": f"{WORK} | Acme | one"}
    last_day = reader(extracts={"last day at Acme": [heard]}, slots=slots)
    plan = life.tell(document("Friday was my last day at Acme.", "2024-06-01"), last_day)
    assert not [edit for edit in plan.edits if isinstance(edit, Reinforce)]


def test_a_last_day_and_a_first_one_are_a_change(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    heard = reader(
        extracts={
            "last day at Acme": ["Ann works at Acme."],
            "Borealis": ["Ann works at Borealis."],
        }
    )
    text = "Friday was my last day at Acme. From tomorrow I'm at Borealis."
    life.tell(document(text, "2024-06-01"), heard)
    assert life.true_on() == ["Ann works at Borealis."]
    assert life.true_on("2024-03-01") == ["Ann works at Acme."]


def test_an_ending_names_part_of_what_it_ends(life: Life) -> None:
    lm = reader(
        extracts={
            "bus to work": ["Ann takes the number 9 bus to work."],
            "given up": ["Ann has given up the bus."],
        },
        slots={
            "Ann takes the number 9 bus to work.": "How does Ann travel? | the number 9 bus | one"
        },
    )
    life.tell(document("I take the number 9 bus to work.", "2024-01-05"), lm)
    life.tell(document("I've given up the bus!", "2024-06-01"), lm)
    assert life.true_on() == ["Ann has given up the bus."]


def test_leaving_a_firm_ends_what_is_done_for_it(life: Life) -> None:
    lm = reader(
        extracts={
            "a bus for": ["Ann drives a bus for Speedlink."],
            "met Raj": ["Ann met Raj at Speedlink."],
            "no longer with": ["Ann is no longer with Speedlink."],
        },
        slots={"Ann drives a bus for Speedlink.": "What vehicle does Ann drive? | a bus | one"},
    )
    life.tell(document("I drive a bus for Speedlink. I met Raj at Speedlink.", "2024-01-05"), lm)
    life.tell(document("I'm no longer with Speedlink.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann is no longer with Speedlink.", "Ann met Raj at Speedlink."]


def test_what_somebody_did_once_is_not_ended_by_what_they_did_next(life: Life) -> None:
    question = "What did Ann receive?"
    lm = reader(
        extracts={"atlas": ["Ann received an atlas."], "map": ["Ann received a map."]},
        slots={
            "Ann received an atlas.": f"{question} | an atlas | one",
            "Ann received a map.": f"{question} | a map | one",
        },
        readings={("map", question): "a map"},
    )
    life.tell(document("I received an atlas.", "2024-01-05"), lm)
    life.tell(document("I received a map.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann received a map.", "Ann received an atlas."]


def test_whoever_takes_a_place_in_a_life_replaces_who_held_it(life: Life) -> None:
    lm = reader(
        extracts={
            "flatmate now": ["Dario is Ann's flatmate."],
            "moved out": [],
            "called Ximena": ["Ann's new flatmate is Ximena."],
        }
    )
    life.tell(document("I've got a flatmate now, Dario.", "2024-01-05"), lm)
    life.tell(document("Dario moved out. My new flatmate is called Ximena.", "2024-06-01"), lm)
    assert life.true_on("2024-03-01") == ["Dario is Ann's flatmate."]
    assert life.true_on() == ["Ximena is Ann's flatmate."]


def test_questions_worded_differently_ask_the_same_if_each_answers_the_other(life: Life) -> None:
    job = "What job does Ann have?"
    acme, borealis = "Ann has a job at Acme.", "Ann has a job at Borealis."
    lm = reader(
        extracts={"desk": [acme], "started": [borealis]},
        slots={acme: f"{WORK} | Acme | one", borealis: f"{job} | Borealis | one"},
        readings={(borealis, WORK): "Borealis", (acme, job): "Acme"},
    )
    life.tell(document("I have a desk and a job at Acme.", "2024-01-05"), lm)
    life.tell(document("I've started a job at Borealis.", "2024-06-01"), lm)
    assert life.true_on() == [borealis]


def test_what_has_happened_takes_the_place_of_no_state(life: Life) -> None:
    ill, hurt = "Ann has asthma.", "Ann has twisted her knee."
    slots = {
        ill: "What illness does Ann have? | asthma | one",
        hurt: "What injury does Ann have? | twisted her knee | one",
    }
    readings = {
        (ill, "What injury does Ann have?"): "asthma",
        (hurt, "What illness does Ann have?"): "twisted her knee",
    }
    lm = reader(extracts={"asthma": [ill], "knee": [hurt]}, slots=slots, readings=readings)
    life.tell(document("I have asthma.", "2024-01-05"), lm)
    life.tell(document("I've twisted my knee.", "2024-06-01"), lm)
    assert life.true_on() == [ill, hurt]


@pytest.mark.parametrize(
    "text",
    [
        "I've taken a second job, I'm at Borealis in the evenings.",
        "I've taken a second job! It's at Borealis in the evenings.",
    ],
)
def test_what_comes_beside_ends_nothing(life: Life, text: str) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    life.tell(document(text, "2024-06-01"), reader())
    assert {"Ann works at Acme.", "Ann works at Borealis."} <= set(life.true_on())


def test_a_word_that_begins_a_sentence_is_nobody_who_could_own_the_rest(life: Life) -> None:
    lm = reader(
        extracts={"shingles": ["Ann has shingles."]},
        slots={"Ann has shingles.": "What illness does Ann have? | shingles | several"},
        overtaken={"Ann has shingles.": "the shingles have cleared up"},
    )
    life.tell(document("I have shingles.", "2024-01-05"), lm)
    text = "Good news from here, the shingles have cleared up."
    life.tell(document(text, "2024-06-01"), reader(overtaken={"Ann has shingles.": text[21:-1]}))
    assert life.texts(State.PAST) == ["Ann has shingles."]


@pytest.mark.parametrize(
    ("said", "quote", "ends"),
    [
        ("Booked! Ben and I are off to Oslo.", "Booked! Ben and Ann are off to Oslo", False),
        ("Lantern Books is history for me.", "Lantern Books is history for Ann", True),
    ],
)
def test_a_name_is_not_spoken_of_by_a_word_with_its_stem(
    life: Life, said: str, quote: str, ends: bool
) -> None:
    job = "Ann works at Lantern Books."
    lm = reader(
        extracts={"work at Lantern": [job]},
        slots={job: "Where does Ann work? | Lantern Books | one"},
    )
    life.tell(document("I work at Lantern Books.", "2024-01-05"), lm)
    life.tell(document(said, "2024-06-01"), reader(overtaken={job: quote}))
    assert life.texts(State.PAST) == ([job] if ends else [])


@pytest.mark.parametrize(
    ("said", "quote", "ends"),
    [
        ("If I left Acme at last it'd be for the sea.", "If Ann left Acme at last it'd be", False),
        ("Sure, I would give up Acme for the sea.", "Ann would give up Acme for the sea", False),
        ("So, I am still at Acme every day.", "Ann is still at Acme every day", False),
        ("So, I gave up Acme for the sea.", "Ann gave up Acme for the sea", True),
    ],
)
def test_what_is_only_supposed_or_still_so_ends_nothing(
    life: Life, said: str, quote: str, ends: bool
) -> None:
    job = "Ann works at Acme."
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    life.tell(document(said, "2024-06-01"), reader(overtaken={job: quote}))
    assert life.texts(State.PAST) == ([job] if ends else [])


@pytest.mark.parametrize(
    ("known", "gone", "ends"),
    [
        ("Ben is at the door of Ann.", "Ann has given up the bus.", False),
        ("Ben lives with Ann.", "Ann has given up the bus.", False),
        ("Ben lives with Ann.", "Ann has moved out.", True),
    ],
)
def test_who_gives_up_something_is_not_what_is_given_up(known: str, gone: str, ends: bool) -> None:
    said = Claim(gone, "Is it true that Ann is gone?", "yes", ("Ann",))
    kept = replace(fact(1, known), claim=Claim(known, "Who is Ben near?", "Ann", ("Ben",)))
    assert names_value(said, kept) == ends


def test_what_is_not_so_becomes_nothing_else_by_reading_alone(life: Life) -> None:
    pets, where = "Ann can't have pets.", "What can't Ann have?"
    lm = reader(
        extracts={"landlord": [pets]},
        slots={pets: f"{where} | pets | one"},
        readings={("film", where): "bad films"},
    )
    life.tell(document("The landlord says I can't have pets.", "2024-01-05"), lm)
    life.tell(document("I can't stand bad films at the film club.", "2024-06-01"), lm)
    assert pets in life.true_on()


def test_a_fact_about_you_is_about_nobody(life: Life) -> None:
    lm = reader(extracts={"walk": ["Ann's flat only lets you walk.", "Ann walks to work."]})
    life.tell(document("My flat only lets you walk to work.", "2024-01-05"), lm)
    assert life.true_on() == ["Ann walks to work."]


def test_what_is_said_only_to_be_denied_is_no_fact(life: Life) -> None:
    when = "When is Ann's recycling collected?"
    days = {f"Ann's recycling is collected on {day}.": day for day in ("Wednesdays", "Mondays")}
    lm = reader(
        extracts={"recycling": list(days)},
        slots={text: f"{when} | {day} | one" for text, day in days.items()},
    )
    text = "My recycling is collected on Wednesdays, not on Mondays."
    life.tell(document(text, "2024-01-05"), lm)
    assert life.true_on() == ["Ann's recycling is collected on Wednesdays."]


def test_former_days_replace_nothing(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    life.tell(document("When I worked at Borealis we had mussels.", "2024-06-01"), reader())
    assert "Ann works at Acme." in life.true_on()


def test_what_is_said_of_somebodys_things_need_not_name_them(life: Life) -> None:
    number = "What is Ann's phone number?"
    lm = reader(
        extracts={"phone number": ["Ann's phone number is 417."], "this one": []},
        slots={"Ann's phone number is 417.": f"{number} | 417 | one"},
        readings={("886", number): "886"},
    )
    life.tell(document("My phone number is 417.", "2024-01-05"), lm)
    life.tell(document("I'm on 886 now, put this one in your book.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann's phone number is 886."]


def test_to_live_with_somebody_says_more_than_to_live_somewhere(life: Life) -> None:
    before, after = "Ann's nan lives in Hull.", "Ann's nan lives with Ann."
    lm = reader(extracts={"Hull": [before], "now": [after]})
    life.tell(document("My nan lives in Hull.", "2024-01-05"), lm)
    life.tell(document("My nan lives with us now.", "2024-06-01"), lm)
    assert life.true_on() == [before, after]


def test_a_claim_that_says_more_than_is_known_is_added(life: Life) -> None:
    much = "Ann has internet from Beamline."
    lm = reader(
        extracts={"internet at": ["Ann has internet."], "Beamline": [much]},
        slots={much: "Who does Ann get internet from? | Beamline | one"},
    )
    life.tell(document("I have internet at last.", "2024-01-05"), lm)
    plan = life.tell(document("We have internet from Beamline.", "2024-06-01"), lm)
    assert [type(edit) for edit in plan.edits] == [Reinforce, Add]
    assert life.true_on() == ["Ann has internet from Beamline.", "Ann has internet."]


def test_what_held_beside_it_until_now_does_not_end_a_fact(life: Life) -> None:
    home = "Where does Ann live?"
    flat = "Ann lives in an old house."
    lm = reader(
        extracts={"old house": ["Ann lives in Hull.", flat]},
        slots=SLOTS | {flat: f"{home} | an old house | one"},
        readings={("kettle", home): "Hull"},
    )
    life.tell(document("I live in Hull, in an old house.", "2024-01-05"), lm)
    life.tell(document("So here I am in Hull with the kettle on.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann lives in Hull.", "Ann lives in an old house."]


def test_what_is_only_supposed_is_no_fact(life: Life) -> None:
    lm = reader(extracts={"lottery": ["Ann won the lottery.", "Ann lives in Hull."]})
    life.tell(document("If I won the lottery I'd be in Hull tomorrow.", "2024-01-05"), lm)
    assert life.true_on() == []


@pytest.mark.parametrize("excludes", [True, False])
def test_a_claim_in_another_slot_bears_out_a_reading_if_both_cannot_be_true(
    life: Life, excludes: bool
) -> None:
    before, after = "Ann and Ben marry at the Hall.", "Ann's wedding is at the Mill."
    where = "Where do Ann and Ben marry?"
    lm = reader(
        extracts={"Hall": [before], "Mill": [after]},
        slots={
            before: f"{where} | the Hall | one",
            after: "Which place has Ann's wedding? | the Mill | one",
        },
        readings={("Hall", where): "the Hall", ("Mill", where): "the Mill"},
        wrong=["Ann and Ben marry at the Mill."],
        beside=[] if excludes else [after],
    )
    life.tell(document("Ben and I marry at the Hall.", "2024-01-05"), lm)
    life.tell(document("The wedding is at the Mill instead.", "2024-06-01"), lm)
    assert life.texts(State.PAST) == ([before] if excludes else [])
    assert life.true_on() == ([after] if excludes else [before, after])


ILL = "What illness does Ann have?"


@pytest.mark.parametrize("witnessed", [True, False])
def test_what_can_be_true_together_is_kept_together(life: Life, witnessed: bool) -> None:
    lm = reader(
        extracts={"asthma": ["Ann has asthma."]}
        | ({"hay": ["Ann has hay fever."]} if witnessed else {}),
        slots={
            "Ann has asthma.": f"{ILL} | asthma | one",
            "Ann has hay fever.": f"{ILL} | hay fever | one",
        },
        readings={("asthma", ILL): "asthma", ("hay", ILL): "hay fever"},
        beside=["Ann has hay fever."],
    )
    life.tell(document("I have asthma.", "2024-01-05"), lm)
    plan = life.tell(document("And now hay fever.", "2024-06-01"), lm)
    assert life.texts(State.PAST) == [] and not plan.held
    assert life.true_on() == ["Ann has asthma.", "Ann has hay fever."][: 1 + witnessed]


def test_what_an_unsigned_note_says_has_its_slot() -> None:
    question = "Where do I work?"
    lm = FakeLM(slots={"I work at Acme.": f"{question} | Acme | one"})
    found = claim_of("I work at Acme.", lm)
    assert (found.question, found.value, found.subjects) == (question, "Acme", ("I",))


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("Ann and Ben left Hull.", "Who is Ann together with? | Ben | over"),
        ("Ann runs.", "Who runs? | Ann | one"),
    ],
)
def test_nobody_is_the_value_of_their_own_slot(text: str, slot: str) -> None:
    assert claim_of(text, FakeLM(slots={text: slot})).value == "yes"


def test_whose_somebody_is_can_be_a_value() -> None:
    text = "Jodie's nan lives with Jodie."
    found = claim_of(text, FakeLM(slots={text: "Who does the nan live with? | Jodie | one"}))
    assert found.value == "Jodie"


PIANO = "Ann has a piano."


@pytest.mark.parametrize(
    ("text", "quote", "excludes", "left"),
    [
        ("The piano went to the school, for free.", "The piano went to the school", True, []),
        ("The piano went to the school, for free.", "The piano went to the school", False, [PIANO]),
        ("The piano was sold.", "Ann sold the piano", True, [PIANO]),
        ("Off to the school, with the piano on my mind.", "Off to the school", True, [PIANO]),
        ("I have a second piano now.", "Ann has a second piano now", True, [PIANO]),
        ("Ben plays, his piano went to Leeds.", "his piano went to Leeds", True, [PIANO]),
    ],
    ids=["excluded", "alone", "not its words", "another thing", "a second", "another's"],
)
def test_an_ending_in_any_words_needs_the_words_and_a_second_witness(
    life: Life, text: str, quote: str, *, excludes: bool, left: list[str]
) -> None:
    lm = reader(
        extracts={"a piano": [PIANO]},
        slots={PIANO: "What instrument does Ann have? | a piano | one"},
        overtaken={PIANO: quote},
        wrong=[PIANO],
        beside=[] if excludes else [quote],
    )
    life.tell(document("I have a piano.", "2024-01-05"), lm)
    life.tell(document(text, "2024-06-01"), lm)
    assert life.true_on() == left


TESTER = "Ann is a tester at Acme."


@pytest.mark.parametrize(
    ("fact", "says", "falls"),
    [
        (TESTER, "Acme", True),
        (TESTER, NOT_SAID, False),
        ("Ann met Ben at Acme.", "Acme", False),
    ],
    ids=["implied", "not read in it", "happened once"],
)
def test_what_implied_a_replaced_fact_falls_with_it(
    life: Life, fact: str, says: str, *, falls: bool
) -> None:
    lm = reader(
        extracts=EXTRACTS | {"day at Acme": ["Ann works at Acme.", fact]},
        slots=SLOTS | {fact: "What is Ann there? | a tester | one"},
        readings={(fact, WORK): says} | READINGS,
    )
    life.tell(document("My first day at Acme.", "2024-01-05"), lm)
    life.tell(document("I started at Borealis.", "2024-06-01"), lm)
    assert (fact in life.texts(State.PAST)) is falls


OSLO, ROME = "{} is going to Oslo.", "{} is going to Rome."
WHERE = "Where is {} travelling?"


@pytest.mark.parametrize(
    ("second", "ben", "where"),
    [
        ("We've booked Rome instead.", "Rome", "Rome"),
        ("I've booked Rome instead.", "Rome", "Oslo"),
        ("We've booked Rome instead.", NOT_SAID, "Oslo"),
    ],
    ids=["both", "one of them", "not read of the other"],
)
def test_what_was_said_of_two_changes_for_both(
    life: Life, second: str, ben: str, where: str
) -> None:
    going = [text.format(who) for text in (OSLO, ROME) for who in PEOPLE]
    lm = reader(
        extracts={"Oslo": going[:2], "Rome": [ROME.format("Ann")]},
        slots={
            text: f"{WHERE.format(text.split()[0])} | {text.split()[-1][:-1]} | one"
            for text in going
        },
        readings={("Rome", WHERE.format("Ann")): "Rome", ("Rome", WHERE.format("Ben")): ben},
    )
    life.tell(document("Ben and I are going to Oslo.", "2024-01-05"), lm)
    life.tell(document(f"Ben says hello. {second}", "2024-06-01"), lm)
    going = [text for text in life.true_on() if "going" in text]
    assert going == [ROME.format("Ann"), f"Ben is going to {where}."]


@pytest.mark.parametrize("where", ["Nell's door", "Nell"])
def test_who_is_with_somebody_is_so_whatever_they_give_up(life: Life, where: str) -> None:
    """As the demo had it: what Nell gives up is not that somebody is at her door."""
    at = f"Ben is at {where}."
    lm = reader(
        extracts={"at Nell": [at], "given up": ["Nell has given up the bus."]},
        slots={
            at: f"Where is Ben? | {where} | one",
            "Nell has given up the bus.": "What has Nell given up? | the bus | over",
        },
        readings={},
    )
    life.tell(document(f"I'm at {where} now.", "2024-01-05", "Ben"), lm)
    life.tell(document("Nell has given up the bus.", "2024-06-01", "Ben"), lm)
    assert at in life.true_on()


@pytest.mark.parametrize(
    ("said", "over"),
    [
        ("The egg allergy is gone.", ["Ann is allergic to eggs."]),
        ("The egg shop is gone.", []),
        ("The allergy is gone.", []),
        ("Leeds is off.", ["Ann is going to Leeds."]),
        ("Ben is gone.", []),
        ("Ben's egg allergy is gone.", []),
    ],
    ids=["one", "another", "two that may be meant", "a place", "a person", "somebody else's"],
)
def test_a_thing_that_is_gone_is_whose_it_was(life: Life, said: str, over: list[str]) -> None:
    known = {
        "Ann is allergic to eggs.": "What is Ann allergic to? | eggs | several",
        "Ann is allergic to nuts.": "What is Ann allergic to? | nuts | several",
        "Ann is going to Leeds.": "What is Ann planning? | going to Leeds | several",
        "Ann plays chess with Ben.": "What does Ann play? | chess with Ben | several",
    }
    lm = reader(extracts={text.split()[-1][:-1]: [text] for text in [*known, said]}, slots=known)
    for day, text in enumerate(known, start=1):
        life.tell(document(text.replace("Ann is", "I'm"), f"2024-01-0{day}"), lm)
    life.tell(document(f"Good to be home. {said}", "2024-06-01"), lm)
    assert life.texts(State.PAST) == over


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Good news, I'm back at Acme!", ["Ann is at Acme."]),
        ("Good news, I'm at Acme again!", ["Ann is at Acme."]),
        ("Good news, I'm at Acme!", ["Ann has left Acme.", "Ann is at Acme.", "Ann is at York."]),
        (
            "Good news, I'm back at Leeds!",
            ["Ann has left Acme.", "Ann is at Leeds.", "Ann is at York."],
        ),
    ],
    ids=["back", "again", "only there", "not where it was left"],
)
def test_what_is_so_again_ends_what_came_between(life: Life, said: str, left: list[str]) -> None:
    slots = {f"Ann is at {place}.": f"Where is Ann? | {place} | several" for place in PLACES}
    slots["Ann has left Acme."] = f"{WORK} | Acme | over"
    extracts = {f" at {place}": [f"Ann is at {place}."] for place in PLACES}
    lm = reader(slots=slots, extracts=extracts | {"left Acme": ["Ann has left Acme."]})
    life.tell(document("Ann has left Acme. Now it is days at York.", "2024-01-05"), lm)
    life.tell(document(said, "2024-06-01"), lm)
    assert life.true_on() == left


@pytest.mark.parametrize(
    ("known", "slot", "said", "claims", "asks"),
    [
        (
            "Ann split up with Ben.",
            "Who did Ann split up with? | Ben | several",
            "I saw Ben again at the party.",
            "Ann saw Ben at the party.",
            "Who did Ann see? | Ben | several",
        ),
        (
            "Ann lost a cat in Hull.",
            "Where did Ann lose a cat? | Hull | one",
            "I'm in Hull again for work.",
            "Ann is in Hull.",
            "Where is Ann? | Hull | several",
        ),
        (
            "Ann no longer eats meat.",
            "What does Ann eat? | meat | over",
            "I cooked meat again for the kids.",
            "Ann cooked meat.",
            "What did Ann cook? | meat | several",
        ),
    ],
)
def test_a_word_said_again_brings_back_nothing_else(
    life: Life, known: str, slot: str, said: str, claims: str, asks: str
) -> None:
    lm = reader(
        extracts={known[4:-1]: [known], said[2:-1]: [claims]}, slots={known: slot, claims: asks}
    )
    life.tell(document(known, "2024-01-05", "Ben"), lm)
    assert life.true_on() == [known]
    life.tell(document(said, "2024-06-01"), lm)
    assert known in life.true_on()


def test_what_happened_where_something_ended_still_happened(life: Life) -> None:
    met = "Ann met Ben while working at Acme."
    lm = reader(
        extracts={"met Ben": [met]},
        slots={met: "Who did Ann meet? | Ben | several"},
        readings={("stopped", gone_question("Ann")): "working at Acme"},
    )
    life.tell(document("I met Ben while working at Acme.", "2024-01-05"), lm)
    life.tell(document("I've left Acme, I stopped working at Acme.", "2024-06-01"), lm)
    assert met in life.true_on()


@pytest.mark.parametrize(
    "said",
    [
        "They sold it, so Ann works at Acme.",
        "Near Delhi, near Kate, Ann works at Acme.",
        "Hi Mum died, Ann works at Acme.",
    ],
)
def test_what_is_no_salutation_is_read(life: Life, said: str) -> None:
    """The whole of it is asked for facts."""
    life.tell(document(said, "2024-01-05", "Ben"), reader(extracts={said: ["Ann works at Acme."]}))
    assert life.true_on() == ["Ann works at Acme."]


@pytest.mark.parametrize(
    ("gone", "over"), [("cigarettes", True), ("cigars", False)], ids=["counted", "another thing"]
)
def test_who_has_no_more_of_what_is_counted_has_not_so_many(
    life: Life, gone: str, *, over: bool
) -> None:
    smokes = "Ann smokes ten a day."
    lm = reader(
        extracts={"smoke ten": [smokes]},
        slots={smokes: "How many cigarettes does Ann smoke? | ten a day | one"},
        readings={("since Easter", gone_question("Ann")): gone},
    )
    life.tell(document("I smoke ten a day.", "2024-01-05"), lm)
    life.tell(document("I haven't touched a cigarette or cigars since Easter!", "2024-06-01"), lm)
    assert life.true_on() == ([] if over else [smokes])


def test_what_is_done_in_part_is_not_over(life: Life) -> None:
    carpet = "Ann is weaving a carpet."
    lm = reader(
        extracts={"weaving": [carpet], "third done": ["Ann has finished the carpet."]},
        slots={carpet: "What is Ann weaving? | a carpet | one"},
        overtaken={carpet: "The carpet is a third done."},
    )
    life.tell(document("I am weaving a carpet.", "2024-01-05"), lm)
    life.tell(document("The carpet is a third done.", "2024-06-01"), lm)
    assert life.true_on() == [carpet, "The carpet is a third done."]


def test_a_salutation_tells_nothing_of_anybody(life: Life) -> None:
    lm = reader(extracts={"cousin": ["Ann is a cousin."], "at Acme": ["Ann works at Acme."]})
    life.tell(document("Dear cousin, I work at Acme now.", "2024-01-05"), lm)
    assert life.true_on() == ["Ann works at Acme."]


def test_evidence_is_the_sentence_that_is_most_like_the_claim(life: Life) -> None:
    bank = "Ann does the food bank on Thursdays."
    lm = reader(
        extracts={"food bank": [bank]},
        slots={bank: "When does Ann do the food bank? | Thursdays | one"},
    )
    said = "Don't ring me on Thursdays! I do the food bank on Thursdays now, from nine to one."
    plan = life.tell(document(said, "2024-01-05"), lm)
    (added,) = plan.edits
    assert isinstance(added, Add)
    assert added.evidence == Evidence("I do the food bank on Thursdays now, from nine to one.", 0)


def test_who_is_husband_and_wife_is_married(life: Life) -> None:
    lm = reader(extracts={"wife": ["Kim and Ben are married."]})
    life.tell(document("Kim and Ben are husband and wife since Saturday!", "2024-01-05"), lm)
    assert life.true_on() == ["Kim and Ben are married."]


def test_all_facts_of_one_slot_are_one_change(life: Life) -> None:
    """Who moves has left the city, the quarter and the floor."""
    homes = [f"Ann lives in {town}." for town in ("Hull", "Leeds", "Derby")]
    stored = [fact(i, text) for i, text in enumerate(homes, start=1)]
    works = fact(4, "Ann works at Acme.")
    text = "I live in York. I work at Borealis."
    lm = reader(
        extracts={"in York": ["Ann lives in York."], "at Borealis": ["Ann works at Borealis."]}
    )
    plan = planned(document(text, "2024-06-01"), [*stored, works], lm)
    assert sorted(retired(plan.edits)) == [1, 2, 3, 4]
    assert plan.held == ()


def test_a_correction_in_so_many_words_needs_no_question(life: Life) -> None:
    cat, dog = "Ben has a cat called Nelson.", "Ben has a dog called Rex."
    lm = reader(
        extracts={"Nelson is": [cat], "Rex is": [dog]},
        slots={
            cat: "What pets does Ben have? | a cat called Nelson | several",
            dog: "What pets does Ben have? | a dog called Rex | several",
        },
    )
    life.tell(document("Rex is a dog that Ben has called so.", "2024-01-04", "Ben"), lm)
    life.tell(document("Nelson is a cat that Ben has called so.", "2024-01-05", "Ben"), lm)
    life.tell(document("It's Wilson, not Nelson. Ben never said.", "2024-06-01"), lm)
    assert life.true_on() == ["Ben has a cat called Wilson.", dog]


@pytest.mark.parametrize(("right", "day"), [(0.8, "Wednesdays"), (0.2, "Mondays")])
def test_a_correction_needs_to_be_of_the_fact(life: Life, right: float, day: str) -> None:
    yoga = "Ann does yoga on Mondays."
    lm = reader(
        extracts={"yoga": [yoga]},
        slots={yoga: "What sport does Ann do? | yoga | one"},
        right={"Ann does yoga on Wednesdays.": right, yoga: 0.1},
    )
    life.tell(document("I do yoga on Mondays.", "2024-01-05"), lm)
    life.tell(document("The bins go out on Wednesdays, not on Mondays.", "2024-06-01"), lm)
    assert life.true_on() == [f"Ann does yoga on {day}."]


def test_what_somebody_never_does_does_not_deny_who_they_are(life: Life) -> None:
    facts = ["Dr Moss is Ann's GP.", "Dr Moss never looks up."]
    life.tell(
        document("My GP is Dr Moss, she never looks up.", "2024-01-05"),
        reader(
            extracts={"GP": facts}, slots={facts[1]: "What does Dr Moss do? | never looks up | one"}
        ),
    )
    assert facts[0] in life.true_on()


def test_a_new_holder_of_a_place_in_a_life_is_read_of_whose_life_it_is(life: Life) -> None:
    who = "Who is Ann's childminder?"
    lm = reader(
        extracts={"Rosa": ["Rosa is Ann's childminder."]},
        readings={("Nadine", who): "Nadine"},
    )
    life.tell(document("Rosa is my childminder.", "2024-01-05"), lm)
    life.tell(document("I go to another childminder now, Nadine.", "2024-06-01"), lm)
    assert life.true_on() == ["Nadine is Ann's childminder."]


def test_who_has_become_something_else_need_not_be_it_in_the_same_place(life: Life) -> None:
    clerk, job = "Ann is a clerk at Acme.", "What is Ann's job?"
    lm = reader(
        extracts={"clerk": [clerk]},
        slots={clerk: f"{job} | a clerk | one"},
        readings={("pensioner", job): "pensioner"},
        right={"Ann is a pensioner at Acme.": 0.2, "Ann is a pensioner.": 0.9},
    )
    life.tell(document("I'm a clerk at Acme.", "2024-01-05"), lm)
    life.tell(document("I've been a pensioner since Monday.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann is a pensioner."]


def test_a_second_friend_replaces_nobody(life: Life) -> None:
    lm = reader(
        extracts={"Mia": ["Mia is Ann's friend."], "Zoe": ["Zoe is Ann's friend."]},
        readings={("Zoe", "Who is Ann's friend?"): "Zoe"},
    )
    life.tell(document("My friend Mia came by.", "2024-01-05"), lm)
    life.tell(document("My friend Zoe came by.", "2024-06-01"), lm)
    assert life.true_on() == ["Mia is Ann's friend.", "Zoe is Ann's friend."]


def test_what_ends_on_one_day_may_go_on_on_another(life: Life) -> None:
    lm = reader(
        extracts={
            "help out": ["Ann helps out at the food bank."],
            "used to": ["Ann used to do the food bank on Mondays."],
        },
        slots={
            "Ann helps out at the food bank.": "Where does Ann help out? | the food bank | one",
            "Ann used to do the food bank on Mondays.": (
                "Where does Ann help out? | the food bank | over"
            ),
        },
    )
    life.tell(document("I help out at the food bank.", "2024-01-05"), lm)
    text = "I used to do the food bank on Mondays but it's Thursdays now."
    life.tell(document(text, "2024-06-01"), lm)
    assert "Ann helps out at the food bank." in life.true_on()


def test_what_is_called_somebodys_uncle_is_not_their_trade(life: Life) -> None:
    trade = "What does Ben do for a living?"
    lm = reader(
        extracts={"mends": ["Ben is a clock mender."]},
        slots={"Ben is a clock mender.": f"{trade} | a clock mender | one"},
        readings={("uncle", trade): "uncle"},
    )
    life.tell(document("Ben mends clocks, he is a clock mender.", "2024-01-05"), lm)
    life.tell(document("Ben's uncle has a caravan.", "2024-06-01"), lm)
    assert life.true_on() == ["Ben is a clock mender."]


def test_what_is_told_of_the_same_thing_rests_on_it(life: Life) -> None:
    lm = reader(
        extracts={
            "drive a bus": ["Ann drives a bus."],
            "number": ["Ann's bus number is 9."],
            "Leeds": ["Ann drives a taxi."],
        },
        slots={
            "Ann drives a bus.": "What does Ann drive? | a bus | one",
            "Ann's bus number is 9.": "What is Ann's bus number? | 9 | one",
            "Ann drives a taxi.": "What does Ann drive? | a taxi | one",
        },
        readings={("taxi", "What does Ann drive?"): "a taxi"},
    )
    life.tell(document("I drive a bus. Its number is 9, the bus.", "2024-01-05"), lm)
    life.tell(document("I drive a taxi in Leeds.", "2024-06-01"), lm)
    assert life.texts(State.UNCERTAIN) == ["Ann's bus number is 9."]


def test_a_word_that_goes_with_anything_casts_no_doubt(life: Life) -> None:
    """How Ann comes to work says nothing of where she works."""
    bus = "Ann takes the bus to work."
    lm = reader(
        extracts={
            "take the bus": [bus],
            "at Acme": ["Ann works at Acme."],
            "given": ["Ann walks."],
        },
        slots=SLOTS
        | {
            bus: "Where does Ann take the bus? | work | one",
            "Ann walks.": "What does Ann do? | walks | several",
        },
        readings={
            ("at Acme", WORK): "Acme",
            ("given up", gone_question("Ann")): "the bus to work",
        },
    )
    life.tell(document("I work at Acme.", "2024-01-04"), lm)
    life.tell(document("I take the bus to work.", "2024-01-05"), lm)
    life.tell(document("I've given up the bus to work.", "2024-06-01"), lm)
    assert life.texts(State.PAST) == [bus]
    assert "Ann works at Acme." in life.texts(State.CURRENT)


def test_nothing_casts_doubt_on_kinship(life: Life) -> None:
    lm = reader(
        extracts={
            "started": ["Ann works at Acme.", "Ann is Ben's cousin.", "Ann is Ben's flatmate."],
            "Borealis": ["Ann works at Borealis."],
        },
        aspects="is",  # what is left of such sentences without their names
    )
    text = "I started work at Acme, says Ben's flatmate Ann, who is also Ben's cousin."
    life.tell(document(text, "2024-01-05"), lm)
    life.tell(document("I work at Borealis now.", "2024-06-01"), lm)
    assert life.texts(State.UNCERTAIN) == ["Ann is Ben's flatmate."]


def test_an_ending_needs_none_of_the_words_by_which_the_model_says_it(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    lm = reader(extracts={"left Acme": ["Ann no longer works at Acme."]}, readings={})
    life.tell(document("I left Acme yesterday.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann no longer works at Acme."]


def test_an_ending_that_the_document_does_not_speak_of_ends_nothing(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    lm = reader(extracts={"Busy": ["Ann no longer works at Acme."]}, readings={})
    life.tell(document("Busy day at Acme.", "2024-06-01"), lm)
    assert "Ann works at Acme." in life.true_on()


def test_what_was_over_may_begin_again(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-02-01 Ann: I no longer work for Acme.
    2024-06-01 Ann: I am back at Acme.
    """
    life = story()
    assert life.true_on("2024-01-15") == ["Ann works at Acme."]
    assert life.true_on("2024-03-01") == ["Ann no longer works at Acme."]
    assert life.true_on() == ["Ann works at Acme."]


def test_several_values_of_one_question_live_together(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: We have a dog called Bella.
    2024-06-01 Ann: We have a cat called Tom.
    """
    life = story(readings={("Tom", "What pets does Ann have?"): "a cat called Tom"})
    assert life.true_on() == ["Ann has a cat called Tom.", "Ann has a dog called Bella."]


# -- replies that mean nothing -------------------------------------------------------

USELESS = [
    "",
    " \n ",
    "not said",
    "Not said.",
    "I neither confirm nor make false",
    "make false",
    "no change",
    "Zanzibar Bank",
    "Borealis\nMake false: 1, 2, 3",
    "\x00\x1b[2J�",
    "word " * 300,
    "Borealis, of which the message says so very much that the reply is cut off " * 3,
]


@pytest.mark.parametrize("reply", USELESS)
def test_a_useless_reading_changes_nothing(life: Life, reply: str) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    before = life.true_on()
    lm = reader(extracts={}, readings={("", WORK): reply}, wrong=["Ann works at Borealis."])
    plan = life.tell(document("Ann has seen the Borealis play.", "2024-06-01"), lm)
    assert retired(plan.edits) == []
    assert life.true_on() == before


@pytest.mark.parametrize("reply", USELESS)
def test_a_useless_extraction_adds_nothing(life: Life, reply: str) -> None:
    lm = reader(extracts={"": [reply]}, readings={})
    plan = life.tell(document("Lovely weather in the north today.", "2024-01-05"), lm)
    assert plan.edits == ()
    assert life.true_on() == []


@pytest.mark.parametrize("reply", USELESS)
def test_a_useless_slot_leaves_the_sentence_and_contests_nothing(life: Life, reply: str) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    lm = reader(slots={"Ann plays chess.": reply})
    life.tell(document("I play chess.", "2024-06-01"), lm)
    assert life.true_on() == ["Ann plays chess.", "Ann works at Acme."]


def test_an_empty_extraction_is_reported(life: Life) -> None:
    plan = life.tell(document("I started at Acme.", "2024-01-05"), reader(extracts={"": ["", ""]}))
    assert plan.edits == ()
    assert len(plan.problems) == 1


@pytest.mark.parametrize("reply", ["", " ".join(["Borealis"] * 40)])
def test_a_reading_that_is_empty_or_cut_off_is_reported(life: Life, reply: str) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    lm = reader(readings={("at Borealis", WORK): reply})
    plan = life.tell(document("I'm at Borealis.", "2024-06-01"), lm)
    assert [problem for problem in plan.problems if "1 question" in problem]


def test_a_list_that_was_cut_off_loses_its_last_line_and_is_reported(life: Life) -> None:
    cut = ["Ann works at Acme.", "Ann lives in a house by the sea " + "and " * 200]
    plan = life.tell(document("I started at Acme.", "2024-01-05"), reader(extracts={"": cut}))
    assert life.true_on() == ["Ann works at Acme."]
    assert len(plan.problems) == 1


def test_a_document_too_long_for_the_model_says_so(life: Life) -> None:
    lm = reader(context_tokens=8)
    lm.context_tokens = 8
    with pytest.raises(ContextOverflow):
        life.tell(document("I started at Acme.", "2024-01-05"), lm)
    assert life.true_on() == []


# -- ids, times, long documents ------------------------------------------------------


def test_edits_carry_ids_even_where_two_facts_read_the_same() -> None:
    first, second = fact(7, "Ann works at Acme."), fact(99, "Ann works at Acme.")
    plan = planned(document("I work at Borealis now.", "2024-06-01"), [first, second], reader())
    assert retired(plan.edits)
    assert set(retired(plan.edits)) <= {7, 99}


def test_a_reworded_fact_is_still_found_by_its_id(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    said = fact(1, "Ann works at Acme.")
    odd = replace(said, claim=replace(said.claim, text="At ACME*===*  Ann earns her bread"))
    plan = planned(document("I work at Borealis now.", "2024-06-01"), [odd], reader())
    assert retired(plan.edits) == [odd.id]


@pytest.mark.parametrize("second", ["2024-01-05T18:00+00:00", "2024-01-05T09:00+00:00"])
def test_updates_of_one_day_keep_both_events(life: Life, second: str) -> None:
    life.tell(document("I started at Acme.", "2024-01-05T09:00+00:00"), reader())
    life.tell(document("No, I work at Borealis now.", second), reader())
    assert life.true_on() == ["Ann works at Borealis."]
    ended = life.store.history(life.fact("Ann works at Acme.").id)
    assert [entry.truth for entry in ended] == [True, False]
    assert ended[1].at == datetime.fromisoformat(second)


def test_the_end_of_a_long_paragraph_is_read(life: Life) -> None:
    text = "It rained again and nothing happened here. " * 150 + "I started at Acme."
    lm = reader(context_tokens=8000)
    life.tell(document(text, "2024-01-05"), lm)
    assert life.true_on() == ["Ann works at Acme."]
    found = life.store.search_passages_by_words("started Acme", 3)
    assert found


def test_a_document_tells_what_it_cost(life: Life) -> None:
    plan = life.tell(document("I started at Acme.", "2024-01-05"), reader())
    assert 0 < plan.usage.calls <= 3
    assert plan.usage.prompt_tokens > 0


# -- guards --------------------------------------------------------------------------

HOMES = [f"Where does {name} live?" for name in ("Ada", "Bo", "Cy", "Di", "Ed", "Flo")]


def test_one_document_ends_at_most_so_many_facts_and_holds_the_rest() -> None:
    names = ("Ada", "Bo", "Cy", "Di", "Ed", "Flo")
    slots = {
        f"{n} lives in {t}.": f"Where does {n} live? | {t} | one" for n in names for t in TOWNS
    }
    text = " ".join(f"{name} lives in York." for name in names)
    lm = FakeLM(
        slots=slots,
        extracts={f"{name} lives": [f"{name} lives in York."] for name in names},
        readings={("York", home): "York" for home in HOMES},
    )
    facts = [
        Fact(
            FactId(i + 1), claim_of(f"{name} lives in Hull.", lm), State.CURRENT,
            on("2024-01-05"), None,
        )
        for i, name in enumerate(names)
    ]  # fmt: skip
    plan = planned(document(text, "2024-06-01", "Zoe"), facts, lm)
    held = [item.edit for item in plan.held]
    assert len(retired(plan.edits)) == MAX_CHANGED
    assert sorted(retired(plan.edits) + retired(held)) == [f.id for f in facts]
    assert all(item.reason for item in plan.held)


@pytest.mark.parametrize("guard", ["pinned", "by_hand"])
@pytest.mark.parametrize("text", ["I work at Borealis now.", "I left Acme yesterday."])
def test_what_a_person_vouched_for_is_held_and_never_retired(guard: str, text: str) -> None:
    kept = fact(1, "Ann works at Acme.", **{guard: True})
    plan = planned(document(text, "2024-06-01"), [kept], reader())
    assert retired(plan.edits) == []
    assert retired([item.edit for item in plan.held]) == [kept.id]


@pytest.mark.parametrize("guard", ["pinned", "by_hand"])
def test_what_a_person_vouched_for_is_not_doubted(guard: str) -> None:
    facts = [fact(1, "Ann works at Acme."), fact(2, "Ann's boss is Raj.", **{guard: True})]
    plan = planned(
        document("I work at Borealis now.", "2024-06-01"), facts, reader(aspects="boss is Raj")
    )
    assert retired(plan.edits) == [1]
    assert not [edit for edit in plan.edits if isinstance(edit, MarkUncertain)]


def test_a_rewrite_names_only_what_the_document_names(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    lm = reader(extracts={"": ["Ann works at Dorado."]}, readings={("", WORK): "Dorado"})
    life.tell(document("I work somewhere else now.", "2024-06-01"), lm)
    assert life.texts(State.CURRENT) == ["Ann works at Acme."]


def test_an_extracted_name_or_number_must_stand_in_the_document(life: Life) -> None:
    lm = reader(extracts={"": ["Ann started at Cobalt.", "Ann started at Acme in 2019."]})
    life.tell(document("I started at Acme in 2021.", "2024-01-05"), lm)
    assert life.true_on() == ["Ann started at Acme in 2021."]  # the clause as it stands


@pytest.mark.parametrize(
    ("known", "gone", "ended"),
    [
        ("Kwame is Ann's uncle.", "uncle Kwame is no longer with Acme", []),
        ("Kwame is at Moira's mother-in-law's house.", "Moira", []),
        ("Kwame has a veg box from Acme.", "veg box", [1]),
        ("Kwame has a flat.", "Bradford flat", [1]),
    ],
)
def test_what_is_gone_ends_only_what_it_names(known: str, gone: str, ended: list[int]) -> None:
    question = "What is Kwame's?"
    value = known.removesuffix(".").removeprefix("Kwame ").split(" ", 1)[1]
    lm = reader(
        extracts={},
        slots={known: f"{question} | {value} | several"},
        readings={("", "What does Kwame no longer have or do?"): gone},
    )
    text = (
        "Kwame has given up the veg box. Kwame has given up the Bradford flat. "
        "Kwame has left Moira. Uncle Kwame is no longer with Acme."
    )
    held = Fact(FactId(1), claim_of(known, lm), State.CURRENT, on("2024-01-05"), None)
    assert retired(planned(document(text, "2024-06-01"), [held], lm).edits) == ended


def test_a_clause_beside_which_the_model_told_something_else_is_kept_as_it_stands(
    life: Life,
) -> None:
    text = "The wedding has been put back to the 4th of June because Ben's ship is late."
    lm = reader(extracts={"wedding": ["Ben's ship is late."]})
    life.tell(document(text, "2024-01-05"), lm)
    wedding = "The wedding has been put back to the 4th of June."
    assert sorted(life.true_on()) == ["Ben's ship is late.", wedding]


def test_a_sentence_with_nothing_to_note_gives_no_clause(life: Life) -> None:
    life.tell(document("The rain has gone on all day.", "2024-01-05"), reader(extracts={}))
    assert life.true_on() == []


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Kim called. He lives in Hull now!", ["Kim lives in Hull."]),
        ("I saw Ben and Kim. He lives in Hull now!", []),  # who is he?
        ("I saw the Fiesta and Kim. He lives in Hull now!", ["Kim lives in Hull."]),
    ],
)
def test_what_is_said_of_him_is_not_the_writers(life: Life, text: str, stated: list[str]) -> None:
    lm = reader(extracts={"Hull": ["Ann lives in Hull."]})
    life.tell(document(text, "2024-01-05"), lm)
    assert [fact for fact in life.true_on() if "lives" in fact] == stated


def test_someone_elses_value_does_not_replace_mine(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-06-01 Ann: I met Ben today. He is at Borealis now.
    """
    life = story(
        extracts={"started": ["Ann works at Acme."], "Borealis": ["Ben works at Borealis."]}
    )
    assert "Ann works at Acme." in life.true_on()
    assert life.texts(State.PAST) == []


@pytest.mark.parametrize(
    "text",
    [
        "My friend Ben works at Borealis.",
        "Ben told me that he is at Borealis now.",
        "I had lunch with Ben, and Ben works at Borealis.",
        "Ben and his wife are both at Borealis.",
    ],
)
def test_the_nearest_mention_owns_the_value(text: str) -> None:
    lm = reader(extracts={}, readings={("Borealis", WORK): "Borealis"})
    plan = planned(
        document(text, "2024-06-01"),
        [fact(1, "Ann works at Acme."), fact(2, "Ben lives in Hull.")],
        lm,
    )
    assert retired(plan.edits) == []


def test_a_document_that_never_mentions_somebody_cannot_answer_for_them() -> None:
    lm = reader(readings={("Borealis", "Where does Ben work?"): "Borealis"})
    plan = planned(
        document("I work at Borealis now.", "2024-06-01"), [fact(1, "Ben works at Acme.")], lm
    )
    assert retired(plan.edits) == []


def test_what_only_the_reading_says_and_the_check_denies_changes_nothing() -> None:
    lm = reader(extracts={}, wrong=["Ann works at Borealis."])
    plan = planned(
        document("I was offered work at Borealis.", "2024-06-01"),
        [fact(1, "Ann works at Acme.")],
        lm,
    )
    assert retired(plan.edits) == []


@pytest.mark.parametrize(
    ("old", "new", "ended"),
    [
        (0.05, 0.25, [1]),  # five times as likely: only the works are not named
        (0.20, 0.25, []),
        (0.01, 0.10, []),
    ],
)
def test_a_sentence_that_says_more_than_the_document_needs_to_be_far_likelier_than_the_old_one(
    old: float, new: float, ended: list[int]
) -> None:
    nights, earlies = "Ann is on nights at the works.", "Ann is on earlies at the works."
    shift = "What shift does Ann work?"
    lm = reader(
        extracts={},
        slots={nights: f"{shift} | nights | one"},
        readings={("", shift): "earlies"},
        right={nights: old, earlies: new, earlies.replace(" at the works", ""): new},
    )
    held = Fact(FactId(1), claim_of(nights, lm), State.CURRENT, on("2024-01-05"), None)
    plan = planned(document("They've put me on earlies.", "2024-06-01"), [held], lm)
    assert retired(plan.edits) == ended


def test_what_is_kept_replaces_nothing(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    lm = reader(extracts={}, readings={("", WORK): "the Borealis desk"})
    plan = life.tell(document("I said no thanks, I'm keeping the Borealis desk.", "2024-06-01"), lm)
    assert retired(plan.edits) == []
    assert plan.held == ()


def test_evidence_is_a_quote_of_its_message(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: Hello! I started at Acme. I live in Hull; it rains.
    2024-06-01 Ann: Guess what? I work at Borealis now. We have a dog called Bella.
    """
    life = story()
    for plan, text in zip(life.plans, (
        "Hello! I started at Acme. I live in Hull; it rains.",
        "Guess what? I work at Borealis now. We have a dog called Bella.",
    ), strict=True):  # fmt: skip
        quotes = [e.evidence for e in plan.edits if not isinstance(e, MarkUncertain)]
        assert quotes
        assert all(quote is not None and quote.quote in text for quote in quotes)


# -- time decides --------------------------------------------------------------------


def test_late_old_news_never_wins(story: Callable[..., Life]) -> None:
    """
    2024-06-01 Ann: I work at Borealis now.
    2024-01-05 Ann: I started at Acme.
    """
    life = story()
    assert life.texts(State.CURRENT) == ["Ann works at Borealis."]
    assert life.true_on("2024-03-01") == ["Ann works at Acme."]


def test_late_old_news_about_a_pinned_fact_is_held(life: Life) -> None:
    life.tell(document("I started at Acme.", "2024-01-05"), reader())
    life.store.pin(life.fact("Ann works at Acme.").id)
    life.tell(document("I work at Borealis now.", "2024-06-01"), reader())
    ((item, _, _),) = life.store.held()
    life.store.accept_held([item], life.embedder.embed)
    assert life.texts(State.CURRENT) == ["Ann works at Borealis."]
    plan = life.tell(document("I work at Cobalt now.", "2024-03-01"), reader())
    assert plan.edits == ()
    assert plan.held
    assert life.texts(State.CURRENT) == ["Ann works at Borealis."]


def test_a_late_ending_does_not_end_what_was_said_since(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme.
    2024-09-01 Ann: Busy day at Acme.
    2024-06-01 Ann: I left Acme yesterday.
    """
    assert "Ann works at Acme." in story().true_on()


NEWS = (
    ("2024-01-05", "I started at Acme. I live in Hull."),
    ("2024-03-01", "I work at Borealis now."),
    ("2024-05-01", "I live in York these days."),
    ("2024-08-01", "I am back at Acme."),
)
MONTHS = [f"2024-{month:02}-15" for month in range(1, 13)]


ENDED = (
    ("2024-01-05", "I started at Acme."),
    ("2024-05-01", "I no longer work for Acme."),
)


REPLACED = (*ENDED, ("2024-08-01", "I work at Borealis now."))
RESUMED = (*ENDED, ("2024-09-01", "Busy day at Acme."))


@pytest.mark.parametrize(("news", "states"), [(NEWS, 4), (ENDED, 2), (REPLACED, 3), (RESUMED, 2)])
def test_a_shuffled_import_converges(
    tmp_path: Path, news: Sequence[tuple[str, str]], states: int
) -> None:
    outcomes = []
    for number, order in enumerate(itertools.permutations(news)):
        with empty_store(tmp_path / str(number)) as store:
            life = Life(store)
            for at, text in order:
                life.tell(document(text, at), reader())
            outcomes.append(
                [life.true_on(month) for month in MONTHS]
                + [[f"{f.text} {f.since} {f.until}" for f in life.store.list_facts(None)]]
            )
            outcomes[-1][-1].sort()
    assert len({tuple(month) for month in outcomes[0][:12]}) == states
    assert [outcome for outcome in outcomes if outcome != outcomes[0]] == []


# -- what rested on a changed fact ---------------------------------------------------


def test_dependents_become_uncertain_and_a_restatement_confirms_them(
    story: Callable[..., Life],
) -> None:
    """
    2024-01-05 Ann: I started at Acme. Raj is my boss. I play chess.
    2024-06-01 Ann: I work at Borealis now.
    2024-07-01 Ann: Raj came along, he is my boss again.
    """
    life = story(aspects="boss is Raj")
    assert "Raj is Ann's boss." in life.true_on("2024-03-01")
    doubts = [edit for edit in life.plans[1].edits if isinstance(edit, MarkUncertain)]
    boss = life.fact("Raj is Ann's boss.")
    assert [(edit.fact, edit.because) for edit in doubts] == [
        (boss.id, life.fact("Ann works at Acme.").id)
    ]
    assert life.store.fact(boss.id, on("2024-06-15")).state is State.UNCERTAIN
    assert boss.state is State.CURRENT
    assert "confirmed" in [entry.event for entry in life.store.history(boss.id)]
    assert "Ann plays chess." in life.true_on()


def test_a_doubt_by_a_mere_mention_is_no_less_than_none() -> None:
    """Vectors that point apart once failed the whole document."""

    class Opposed(HashEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            return super().embed(texts) * (-1 if list(texts) == ["tulips"] else 1)

    facts = [fact(1, "Ann works at Acme."), fact(2, "Ann parks behind Acme.")]
    lm = reader(aspects="tulips")
    plan = planned(document("I work at Borealis now.", "2024-06-01"), facts, lm, Opposed())
    (doubt,) = [edit for edit in plan.edits if isinstance(edit, MarkUncertain)]
    assert (doubt.fact, doubt.confidence) == (2, 0.0)


def test_what_the_same_document_says_again_is_not_doubted(story: Callable[..., Life]) -> None:
    """
    2024-01-05 Ann: I started at Acme. Raj is my boss.
    2024-06-01 Ann: I work at Borealis now. Raj is my boss still.
    """
    life = story(aspects="boss is Raj")
    assert life.true_on() == ["Ann works at Borealis.", "Raj is Ann's boss."]


def test_other_peoples_facts_are_not_doubted() -> None:
    facts = [fact(1, "Ann works at Acme."), fact(2, "Ben lives in Hull.")]
    plan = planned(
        document("I work at Borealis now.", "2024-06-01"), facts, reader(aspects="lives in Hull")
    )
    assert [edit for edit in plan.edits if isinstance(edit, MarkUncertain)] == []


def test_an_empty_list_of_aspects_doubts_nothing_and_is_reported() -> None:
    facts = [fact(1, "Ann works at Acme."), fact(2, "Ann plays chess.")]
    plan = planned(document("I work at Borealis now.", "2024-06-01"), facts, reader(aspects=""))
    assert retired(plan.edits) == [1]
    assert [edit for edit in plan.edits if isinstance(edit, MarkUncertain)] == []
    assert len(plan.problems) == 1


# -- injection -----------------------------------------------------------------------


def test_a_short_message_is_read_with_the_question_that_it_answers() -> None:
    said = [
        ("Ben", "Hello! Do you still live in Hull?"),
        ("Ann", "Yes, I do."),
        ("Ben", "And the job?"),
        ("Ann", "I have left Acme, and since Monday I work at Borealis, in the harbour office."),
    ]
    messages = tuple(Message(text, on("2024-06-01"), speaker) for speaker, text in said)
    spoken = spoken_in(Document("story", "talk", messages))
    assert [turn.context for turn in spoken] == [None, "Do you still live in Hull?", None, None]


def test_a_question_is_not_asked_for_facts(life: Life) -> None:
    lm = reader()
    life.tell(document("Are you at Acme? I live in Hull.", "2024-06-01"), lm)
    asked = [prompt for prompt in lm.asked if "Sentence: " in prompt]
    assert [prompt.rpartition("Sentence: ")[2] for prompt in asked] == ["Ann live in Hull."]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("I live in Hull. I have to run, talk soon!", ["Ann live in Hull."]),
        ("My bus to Hull is here, bye for now!", ["Ann's bus to Hull is here"]),
        ("Got to go. Bye!", []),
        ("I have to run a shop in Hull.", ["Ann has to run a shop in Hull."]),
        ("See you in Hull on Friday!", ["See you in Hull on Friday!"]),
    ],
)
def test_a_farewell_is_not_asked_for_facts(life: Life, said: str, read: list[str]) -> None:
    lm = reader()
    life.tell(document(said, "2024-06-01"), lm)
    asked = [prompt for prompt in lm.asked if "Sentence: " in prompt]
    assert [prompt.rpartition("Sentence: ")[2] for prompt in asked] == read


def test_every_document_has_its_own_fence(life: Life) -> None:
    lm = reader()
    for day in ("2024-01-05", "2024-01-06"):
        life.tell(document("I started at Acme.", day), lm)
    first = re.findall(r"<(\w+)>\n", "".join(lm.asked))
    assert len(set(first)) == 2


# -- who listens ---------------------------------------------------------------------


def test_where_two_talk_you_is_the_other_one(life: Life) -> None:
    at = on("2024-01-05")
    told = (Message("I play chess.", at, "Ben"), Message("You work at Acme.", at, "Ben"))
    heard = Message("True.", at, "Ann")
    lm = reader(extracts={"works at Acme": ["Ann works at Acme."]})
    life.tell(Document("chat", "two", (*told, heard)), lm)
    assert "Ann works at Acme." in life.true_on()
    assert "You work" not in "".join(lm.asked)


@pytest.mark.parametrize(
    "others",
    [
        (Message("True.", on("2024-01-05"), "Ann"), Message("Yes!", on("2024-01-05"), "Cy")),
        (Message("True.", on("2024-01-05"), "Assistant", context=True),),
        (),
    ],
)
def test_else_you_is_nobody_in_particular(others: tuple[Message, ...]) -> None:
    said = Message("You work at Acme.", on("2024-01-05"), "Ben")
    (first, *_) = spoken_in(Document("chat", "talk", (said, *others)))
    assert first.told == said.text


@pytest.mark.parametrize(
    ("question", "answer", "whose"),
    [
        ("What does Ben drive?", "A van, of all things.", "Ben has a van."),
        ("What's new at Ben's place?", "A van!", "Ben has a van."),
        ("What does Ben drive?", "I have a van.", "Ann has a van."),
        ("What do you drive?", "A van, of all things.", "Ann has a van."),
    ],
)
def test_what_is_answered_is_of_whom_was_asked(
    life: Life, question: str, answer: str, whose: str
) -> None:
    at = on("2024-01-05")
    talk = (Message(question, at, "Cy"), Message(answer, at, "Ann"), Message("Ha.", at, "Bo"))
    slots = {f"{who} has a van.": f"What vehicle does {who} have? | van | one" for who in PEOPLE}
    life.tell(
        Document("chat", "q", talk), reader(extracts={"van": ["Ann has a van."]}, slots=slots)
    )
    assert life.true_on() == [whose]


@pytest.mark.parametrize(
    ("question", "answer", "named"),
    [
        ("What's new at Ben's work?", "Lots! And he works nights now.", True),
        ("What's new at your work?", "Lots! And he works nights now.", False),
        ("What's new at Ben's work?", "Lots! And Cy said he works nights now.", False),
        ("What's new at Ben's work?", "Lots! And I work nights now.", False),
    ],
)
def test_he_in_an_answer_is_of_whom_was_asked(question: str, answer: str, named: bool) -> None:
    at = on("2024-01-05")
    talk = (Message(question, at, "Cy"), Message(answer, at, "Ann"), Message("Ha.", at, "Bo"))
    said = Document("chat", "q", talk)
    spoken = spoken_in(said)
    told = Told(said, spoken, people_in(spoken, []), "fence")
    quote = Evidence(answer.partition("! ")[2], 1)
    assert told.names(fact(1, "Ben works days."), "nights", quote) == named


# -- whatever the model replies ------------------------------------------------------

TEXT = (
    "I work at Borealis now. Ben moved to York, and my boss Raj left Acme. We sold the dog Bella."
)
WORDS = st.sampled_from(
    TEXT.split()
    + "Ann works lives in no longer | ? one over several yes Zanzibar 1987 , <|im_end|>".split()
    + ["not said", "Where does Ann work?", "\n", ""]
)
REPLIES = st.one_of(
    st.lists(WORDS, max_size=12).map(" ".join),
    st.text(max_size=60),
    st.sampled_from(sorted(SLOTS)),
    st.sampled_from(sorted(SLOTS.values())),
)


class Babbler(FakeLM):
    """A model whose replies are drawn at random."""

    def __init__(self, draw: Callable[[], str]) -> None:
        super().__init__()
        self._draw = draw

    def _reply(self, _: object) -> str:
        return self._draw()


STORED = (
    fact(1, "Ann works at Acme."),
    fact(2, "Ann lives in Hull.", pinned=True),
    fact(3, "Ben lives in Leeds."),
    fact(4, "Raj is Ann's boss.", by_hand=True),
    fact(5, "Ann has a dog called Bella."),
    fact(6, "Ben works at Cobalt.", state=State.PAST, until=on("2024-02-01")),
    fact(7, "Ann plays chess.", state=State.UNCERTAIN, until=on("2024-02-01")),
)


@settings(max_examples=150)
@given(st.data())
def test_no_reply_whatever_passes_the_guards(data: st.DataObject) -> None:
    lm = Babbler(lambda: data.draw(REPLIES))
    said = document(TEXT, "2024-06-01")
    plan = planned(said, STORED, lm)
    ids = {f.id for f in STORED}
    ended = retired(plan.edits)
    assert len(set(ended)) <= MAX_RETIRED
    assert len(ended) == len(set(ended))
    assert not set(ended) & {2, 4, 6}
    known = wording.content(" ".join([said.text, "Ann", "no longer", *(f.text for f in STORED)]))
    for edit in [*plan.edits, *(item.edit for item in plan.held)]:
        assert edit.at == said.at
        if isinstance(edit, Add | Rewrite) and edit.claim is not None:
            named = wording.content(" ".join(wording.names(edit.claim.text)))
            assert named <= known
        if not isinstance(edit, Add):
            assert edit.fact in ids
        if not isinstance(edit, MarkUncertain):
            assert edit.evidence is not None
            assert edit.evidence.quote in said.messages[edit.evidence.message].text


@settings(max_examples=30)
@given(st.data())
def test_a_babbling_model_cannot_harm_a_store(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    with empty_store(tmp_path_factory.mktemp("babble")) as store:
        life = Life(store)
        life.tell(
            document("I started at Acme. I live in Hull. I play chess.", "2024-01-05"), reader()
        )
        store.pin(life.fact("Ann lives in Hull.").id)
        lm = Babbler(lambda: data.draw(REPLIES))
        for day in range(2):
            said = document(TEXT, "2024-06-01")
            life.tell(replace(said, key=f"{day}", messages=(
                replace(said.messages[0], at=said.at + timedelta(days=day)),
            )), lm)  # fmt: skip
        assert "Ann lives in Hull." in life.true_on()
        assert len(life.store.list_facts(None)) >= 3


@pytest.mark.parametrize(
    ("left", "current"),
    [
        (["Ann left Acme."], {"Ann is a nurse at Borealis.", "Ann left Acme."}),
        ([], {"Ann is a nurse at Acme."}),
    ],
)
def test_the_same_work_elsewhere_takes_the_place_of_what_was_left(
    life: Life, left: list[str], current: set[str]
) -> None:
    """Who has left Acme and is a nurse at Borealis does not say again that she is one at Acme."""
    job = "What is Ann's job?"
    slots = SLOTS | {
        "Ann is a nurse at Acme.": f"{job} | a nurse | one",
        "Ann is a nurse at Borealis.": f"{job} | a nurse | one",
        "Ann left Acme.": "Where did Ann go? | Acme | several",
    }
    life.tell(
        document("I'm a nurse at Acme.", "2024-01-05"),
        reader(slots=slots, extracts={"": ["Ann is a nurse at Acme."]}, readings={}),
    )
    text = f"{'I left Acme. ' if left else ''}I am a nurse at Borealis."
    extracts = {"at Borealis": ["Ann is a nurse at Borealis."], "left": left}
    life.tell(
        document(text, "2024-06-01"),
        reader(slots=slots, extracts=extracts, readings={("", job): "a nurse"}),
    )
    assert set(life.texts(State.CURRENT)) == current


# -- lists and couples -------------------------------------------------------------------

BOTH, THREE = "Ann's colleagues are Bo and Cy.", "Ann's colleagues are Bo, Di and Ed."


def test_a_whole_list_takes_the_place_of_the_one_before(life: Life) -> None:
    lm = reader(extracts={"Bo and Cy": [BOTH], "Di and Ed": [THREE]})
    life.tell(document("My colleagues are Bo and Cy.", "2024-01-05"), lm)
    life.tell(document("My colleagues are Bo, Di and Ed now.", "2024-06-01"), lm)
    assert life.true_on("2024-03-01") == [BOTH]
    assert life.true_on() == [THREE]
    (old,) = life.texts(State.PAST)
    assert old == BOTH


def test_one_more_name_makes_another_list(life: Life) -> None:
    more = "Ann's colleagues are Bo, Cy and Di."
    lm = reader(extracts={"Bo and Cy": [BOTH], "Cy and Di": [more]})
    life.tell(document("My colleagues are Bo and Cy.", "2024-01-05"), lm)
    life.tell(document("My colleagues are Bo, Cy and Di.", "2024-06-01"), lm)
    assert life.true_on() == [more]


def test_that_somebody_is_one_of_them_takes_no_lists_place(life: Life) -> None:
    lm = reader(
        extracts={"Bo and Cy": [BOTH], "colleague Di": ["Di is Ann's colleague."]},
        readings={("colleague Di", "Who are Ann's colleagues?"): "Di"},
    )
    life.tell(document("My colleagues are Bo and Cy.", "2024-01-05"), lm)
    life.tell(document("My colleague Di says hello.", "2024-06-01"), lm)
    assert BOTH in life.true_on()


def test_who_is_not_in_a_list_may_still_be_one_of_them(life: Life) -> None:
    lm = reader(extracts={"colleague Zoe": ["Zoe is Ann's colleague."], "Bo and Cy": [BOTH]})
    life.tell(document("My colleague Zoe says hello.", "2024-01-05"), lm)
    life.tell(document("My colleagues are Bo and Cy.", "2024-06-01"), lm)
    assert life.true_on() == [BOTH, "Zoe is Ann's colleague."]


def test_kin_is_struck_from_no_list_but_may_join_one(life: Life) -> None:
    two, other, three = (
        f"Ann's children are {who}." for who in ("Bo and Cy", "Bo and Di", "Bo, Cy and Di")
    )
    lm = reader(extracts={"Bo and Cy.": [two], "Bo and Di.": [other], "Bo, Cy and Di.": [three]})
    life.tell(document("My children are Bo and Cy.", "2024-01-05"), lm)
    life.tell(document("My children are Bo and Di.", "2024-02-05"), lm)
    assert two in life.true_on()
    life.tell(document("My children are Bo, Cy and Di.", "2024-06-01"), lm)
    assert three in life.true_on()
    assert two not in life.true_on()


def test_a_marriage_ends_on_both_sides(life: Life) -> None:
    lm = reader(extracts={"Kim": ["Kim is married to Ben."]})
    life.tell(document("Kim is married to Ben.", "2024-01-05", "Ann"), lm)
    assert life.true_on() == ["Ben is married to Kim.", "Kim is married to Ben."]
    life.tell(document("Kim and Zoe got married!", "2024-06-01", "Ann"), lm)
    assert life.true_on() == ["Kim is married to Zoe.", "Zoe is married to Kim."]


def test_a_divorce_leaves_nobody_married(life: Life) -> None:
    lm = reader(extracts={"married to Ben": ["Kim is married to Ben."]})
    life.tell(document("Kim is married to Ben.", "2024-01-05", "Ann"), lm)
    life.tell(document("Kim's marriage to Ben is over.", "2024-06-01", "Ann"), lm)
    assert not [text for text in life.true_on() if "no longer" not in text]


def test_a_year_is_not_what_somebody_earns(life: Life) -> None:
    pay = "Ann earns 33,000 a year."
    lm = reader(
        extracts={"33,000": [pay]},
        slots={**SLOTS, pay: "What does Ann earn? | 33,000 a year | several"},
        overtaken={pay: "pays 22,000 a year"},
    )
    life.tell(document("I earn 33,000 a year.", "2024-01-05"), lm)
    life.tell(document("The mill pays 22,000 a year now, I hear.", "2024-06-01"), lm)
    assert life.true_on() == [pay]


def test_what_is_forbidden_is_no_fact(life: Life) -> None:
    lm = reader(extracts={"till six": ["Ann does not ring before six."]})
    life.tell(document("I work till six, don't ring before six.", "2024-01-05"), lm)
    assert life.true_on() == ["Ann works till six."]
