"""Claims about candidates for a document and evidence for a question, over a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st
from toy import HOME, home, on

from memo.records import (
    Add,
    Claim,
    Document,
    FactId,
    MakeFalse,
    MarkUncertain,
    Message,
    Plan,
    Rewrite,
    State,
)
from memo.records import Evidence as Quote
from memo.retrieve import MAX_FACTS, MAX_PASSAGES, candidates, evidence, fuse
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memo.records import Edit, Fact

EMBEDDER = HashEmbedder()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memo.db", embedder=EMBEDDER.identity) as opened:
        yield opened


def note(text: str, date: str, speaker: str = "Ann") -> Document:
    return Document("note", f"{date} {text}", (Message(text, on(date), speaker),))


def learn(store: Store, date: str, *edits: Edit, text: str = "Hello there.") -> None:
    store.apply(note(text, date), Plan(edits), EMBEDDER.embed)


def moved(store: Store) -> None:
    """Ann lives in Hull, then in York."""
    learn(store, "2024-01-05", Add(home("Hull"), on("2024-01-05")), text="I live in Hull.")
    learn(
        store, "2024-06-01", Rewrite(FactId(1), on("2024-06-01"), home("York")), text="York it is!"
    )


def texts(found: tuple[tuple[Fact, float], ...]) -> list[str]:
    return [fact.text for fact, _ in found]


# -- fusion --------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 20), unique=True)))
def test_fusion_keeps_everything_and_ranks_by_score(rankings: list[list[int]]) -> None:
    scores = fuse(rankings)
    assert set(scores) == {id_ for ranking in rankings for id_ in ranking}
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_what_both_searches_find_comes_before_what_one_finds() -> None:
    assert next(iter(fuse([[1, 2], [3, 2]]))) == 2


# -- candidates ----------------------------------------------------------------------


def test_facts_about_the_speaker_are_found_though_nothing_else_is_alike(store: Store) -> None:
    learn(store, "2024-01-05", Add(home("Hull"), on("2024-01-05")))
    found = candidates(store, EMBEDDER, note("Zzz qqq.", "2024-06-01"), [])
    assert [fact.text for fact in found.facts] == ["Ann lives in Hull."]


def test_facts_about_whom_a_claim_is_about_are_found(store: Store) -> None:
    learn(store, "2024-01-05", Add(home("Hull"), on("2024-01-05")))
    said = Claim("She plays chess.", "What games does she play?", "chess", ("Ann",))
    found = candidates(store, EMBEDDER, note("Zzz qqq.", "2024-06-01", "Ben"), [said])
    assert [fact.text for fact in found.facts] == ["Ann lives in Hull."]


def test_past_values_of_a_slot_come_with_the_current_one(store: Store) -> None:
    moved(store)
    found = candidates(store, EMBEDDER, note("Zzz qqq.", "2024-09-01"), [])
    assert {fact.state for fact in found.facts} == {State.CURRENT, State.PAST}


def test_candidates_come_with_when_each_was_said_to_hold(store: Store) -> None:
    moved(store)
    found = candidates(store, EMBEDDER, note("Anything.", "2024-09-01"), [])
    assert found.said == ((on("2024-01-05"), FactId(1)), (on("2024-06-01"), FactId(2)))


def test_no_candidate_comes_twice(store: Store) -> None:
    moved(store)
    said = note("Ann lives in York. Ann lives in York.", "2024-09-01")
    found = candidates(store, EMBEDDER, said, [home("York"), home("Hull")])
    ids = [fact.id for fact in found.facts]
    assert len(ids) == len(set(ids))


def test_an_empty_store_has_no_candidates(store: Store) -> None:
    found = candidates(store, EMBEDDER, note("I live in Hull.", "2024-01-05"), [home("Hull")])
    assert (found.facts, found.said) == ((), ())


# -- evidence ------------------------------------------------------------------------


def test_the_current_value_comes_first_and_the_one_it_replaced_is_there(store: Store) -> None:
    moved(store)
    found = evidence(store, EMBEDDER, HOME)
    assert texts(found.facts) == ["Ann lives in York.", "Ann lives in Hull."]


def test_a_question_about_the_past_finds_what_was(store: Store) -> None:
    moved(store)
    assert "Ann lives in Hull." in texts(evidence(store, EMBEDDER, "Where did Ann live?").facts)


def test_evidence_is_as_it_stood_and_was_known_then(store: Store) -> None:
    moved(store)
    then = evidence(store, EMBEDDER, HOME, on("2024-03-01"))
    assert [(f.text, f.state) for f, _ in then.facts] == [("Ann lives in Hull.", State.CURRENT)]
    assert [p.text for p, _ in then.passages] == ["I live in Hull."]
    before = evidence(store, EMBEDDER, HOME, on("2023-01-01"))
    assert (before.facts, before.passages) == ((), ())


def test_what_only_ended_is_found_so_that_it_can_be_told_from_never(store: Store) -> None:
    learn(store, "2024-01-05", Add(home("Hull"), on("2024-01-05")))
    learn(store, "2024-06-01", MakeFalse(FactId(1), on("2024-06-01")), text="I left.")
    found = evidence(store, EMBEDDER, HOME)
    assert [(f.text, f.state) for f, _ in found.facts] == [("Ann lives in Hull.", State.PAST)]


def test_what_is_doubted_is_found_with_its_doubt(store: Store) -> None:
    learn(store, "2024-01-05", Add(home("Hull"), on("2024-01-05")))
    learn(store, "2024-06-01", MarkUncertain(FactId(1), on("2024-06-01"), FactId(1)), text="Hm.")
    ((found, _),) = evidence(store, EMBEDDER, HOME).facts
    assert found.state is State.UNCERTAIN


def test_words_alone_find_without_an_embedder(store: Store) -> None:
    moved(store)
    found = evidence(store, None, HOME)
    assert texts(found.facts)[0] == "Ann lives in York."


def test_evidence_is_bounded(store: Store) -> None:
    for n in range(3 * MAX_FACTS):
        said = Claim(
            f"Ann likes song {n}.", "What songs does Ann like?", f"song {n}", ("Ann",), True
        )
        learn(store, "2024-01-05", Add(said, on("2024-01-05")), text=f"I like song {n}.")
    found = evidence(store, EMBEDDER, "What songs does Ann like?")
    assert 0 < len(found.facts) <= MAX_FACTS
    assert 0 < len(found.passages) <= MAX_PASSAGES


@pytest.mark.parametrize("question", ["", "?", "it's", "(", 'foo AND "', "NEAR(", "*", "-", "\x00"])
def test_no_question_stumbles_the_search(store: Store, question: str) -> None:
    moved(store)
    evidence(store, EMBEDDER, question)
    candidates(store, EMBEDDER, note(question or " ", "2024-09-01"), [])


def knows(store: Store, *told: str) -> None:
    """Facts about whoever begins them."""
    claims = [Claim(text, f"{text}?", "yes", (text.split()[0],), True) for text in told]
    learn(store, "2024-01-05", *(Add(claim, on("2024-01-05")) for claim in claims))


def test_what_the_facts_about_somebody_name_is_looked_up_too(store: Store) -> None:
    """One fact names where Ann works, another who leads that."""
    crowd = [f"Ben painted boss number {n}." for n in range(3 * MAX_FACTS)]
    knows(store, "Ann works at Acme.", "Acme has Raj at its head.", *crowd)
    found = texts(evidence(store, EMBEDDER, "Who is the boss of Ann?").facts)
    assert {"Ann works at Acme.", "Acme has Raj at its head."} <= set(found)


def test_facts_of_people_whom_nothing_connects_with_those_asked_about_stay_away(
    store: Store,
) -> None:
    knows(store, "Ann lives with Cy.", "Cy works at Acme.", "Ben works at Borealis.")
    found = texts(evidence(store, EMBEDDER, "Where does Ann work?").facts)
    assert set(found) == {"Ann lives with Cy.", "Cy works at Acme."}
    assert "Ben works at Borealis." in texts(
        evidence(store, EMBEDDER, "Where does Eve work?").facts
    )


def test_a_passage_that_no_fact_took_up_is_still_found(store: Store) -> None:
    said = "The kettle was left in the greenhouse."
    store.apply(note(said, "2024-01-05"), Plan(), EMBEDDER.embed)
    found = evidence(store, EMBEDDER, "Where is the kettle?")
    assert [p.text for p, _ in found.passages] == [said]


def test_words_all_of_whose_facts_are_over_answer_nothing_about_today(store: Store) -> None:
    """`I take the bus to work now`, said before Ann gave up the bus."""
    hull, york = "I live in Hull now.", "I live in York now."
    said = (hull, "2024-01-05", Add(home("Hull"), on("2024-01-05"), Quote(hull, 0)))
    then = (
        york,
        "2024-06-01",
        Rewrite(FactId(1), on("2024-06-01"), home("York"), None, Quote(york, 0)),
    )
    for text, date, edit in (said, then):
        learn(store, date, edit, text=text)
    learn(store, "2024-07-01", text="Everybody asks where I live.")

    def passages(question: str, as_of: str | None = None) -> set[str]:
        when = on(as_of) if as_of else None
        return {one.text for one, _ in evidence(store, EMBEDDER, question, when).passages}

    untold = "Everybody asks where I live."
    assert passages("Where does Ann live?") == {york, untold}
    assert passages("Where did Ann live before York?") == {hull, york, untold}
    assert passages("Where does Ann live?", "2024-03-01") == {hull}


def test_a_sentence_that_is_over_is_cut_from_words_that_are_not(store: Store) -> None:
    hull, cat = "I live in Hull.", "My cat is Tom."
    pet = Claim("Ann's cat is Tom.", "Who is Ann's cat?", "Tom", ("Ann",))
    learn(
        store,
        "2024-01-05",
        Add(home("Hull"), on("2024-01-05"), Quote(hull, 0)),
        Add(pet, on("2024-01-05"), Quote(cat, 0)),
        text=f"{hull} {cat}",
    )
    learn(store, "2024-06-01", MakeFalse(FactId(1), on("2024-06-01")), text="I'm off!")

    def passages(as_of: str | None) -> list[str]:
        when = on(as_of) if as_of else None
        return [p.text for p, _ in evidence(store, EMBEDDER, "Who lives, Tom?", when).passages]

    assert f"\u2026 {cat}" in passages(None)
    assert f"{hull} {cat}" in passages("2024-03-01")


def test_words_about_what_begins_later_are_found_before_it_does(store: Store) -> None:
    said = "From next week I live in York."
    later = Add(home("York"), on("2024-01-12"), Quote(said, 0))
    learn(store, "2024-01-05", later, text=said)
    found = evidence(store, EMBEDDER, "Where does Ann live?", on("2024-01-06"))
    assert [one.text for one, _ in found.passages] == [said]


@pytest.mark.parametrize("owner", ["I", "Ann"])
def test_who_follows_from_others_comes_with_the_facts_between(store: Store, owner: str) -> None:
    wed = Claim(f"{owner} {'am' if owner == 'I' else 'is'} married to Bo.", "Who?", "Bo", (owner,))
    parents = Claim("Bo's parents are Cy and Di.", "Who are Bo's parents?", "Cy and Di", ("Bo",))
    cousin = Claim("Eve is Bo's cousin.", "Who is Bo's cousin?", "Eve", ("Eve", "Bo's cousin"))
    for claim in (wed, parents, cousin):
        learn(store, "2024-01-05", Add(claim, on("2024-01-05")), text=claim.text)
    whose = "my" if owner == "I" else "Ann's"
    found = evidence(store, EMBEDDER, f"Who are {whose} parents-in-law?")
    assert found.derived is not None
    assert found.derived.names == ("Cy", "Di")
    assert [fact.text for fact, _ in found.facts[:2]] == [wed.text, parents.text]
    learn(store, "2024-06-01", MakeFalse(FactId(1), on("2024-06-01")), text="It is over.")
    over = evidence(store, EMBEDDER, f"Who are {whose} parents-in-law?").derived
    assert over is None or over.names == ()
