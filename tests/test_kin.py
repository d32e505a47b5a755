"""Claims about who somebody is to somebody by what is known of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeLM
from toy import on

from memo.answer import RETRACTED, Question, answer
from memo.extract import claim_of
from memo.kin import Derived, Kin
from memo.records import Answer, Fact, FactId, State
from memo.retrieve import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence


def fact(id_: int, text: str, **fields: Any) -> Fact:
    usual: dict[str, Any] = {"state": State.CURRENT, "since": on("2024-01-05"), "until": None}
    return Fact(FactId(id_), claim_of(text, FakeLM()), **(usual | fields))


def derived(question: str, facts: Sequence[Fact]) -> Derived | None:
    return Kin(lambda name: [fact for fact in facts if name in fact.text]).derived(question)


FAMILY = [
    fact(1, "Ann is married to Bo."),
    fact(2, "Bo's parents are Cy and Di."),
    fact(3, "Flo is Ann's daughter."),
    fact(4, "Flo is married to Gus."),
    fact(5, "Hal has adopted Bo."),
    fact(6, "Ann works at Acme."),
    fact(7, "Kim is a clerk at Acme."),
    fact(8, "Lou works for Borealis."),
    fact(9, "Ida is Flo's sister."),
    fact(10, "Mo is a member at Acme."),
    fact(11, "I am married to Lou."),
    fact(12, "Lou was raised by Nan."),
]


@pytest.mark.parametrize(
    ("question", "names", "ids"),
    [
        ("Who are Ann's parents-in-law?", {"Cy", "Di", "Hal"}, {1, 2, 5}),
        ("Who are Ann's children-in-law?", {"Gus"}, {3, 4}),
        ("Who are Cy's grandchildren?", None, None),
        ("Who are Flo's step-parents?", {"Bo"}, {3, 1}),
        ("Who are Bo's step-children?", {"Flo"}, {1, 3}),
        ("Who are Gus's siblings-in-law?", {"Ida"}, {4, 9}),
        ("Who are Ann's coworkers?", {"Kim"}, {6, 7}),
        ("Who are Lou's colleagues?", None, None),
        ("Who are my parents-in-law?", {"Nan"}, {11, 12}),
        ("Who is Ann married to?", None, None),
        ("Where does Ann work?", None, None),
        ("Who are Zoe's parents-in-law?", None, None),
    ],
)
def test_relatives_follow_from_those_between(
    question: str, names: set[str] | None, ids: set[int] | None
) -> None:
    found = derived(question, FAMILY)
    if names is None:
        assert found is None
    else:
        assert found is not None
        assert set(found.names) == names
        assert {fact.id for fact in found.facts} == ids


def asked(question: str, facts: Sequence[Fact]) -> Answer:
    found = Evidence(tuple((fact, 1.0) for fact in facts), (), derived(question, facts))
    lm = FakeLM(answers={question: "not said"})
    *_, said = answer(Question(question, wants_list=True), found, lm)
    assert isinstance(said, Answer)
    return said


def test_what_follows_is_answered_with_every_fact_it_rests_on() -> None:
    said = asked("Who are Flo's step-parents?", FAMILY[:4])
    assert said.items == ("Bo",)
    assert said.text == "Bo: Flo is Ann's daughter [3]; Ann is married to Bo [1]."
    assert {cited.fact.id for cited in said.facts} == {1, 3}
    assert said.usage.calls == 0


def test_a_fact_that_says_it_and_is_as_new_goes_before_what_follows() -> None:
    says_it = fact(20, "Ann's parents-in-law are Cy and Eve.", since=on("2024-02-05"))
    said = asked("Who are Ann's parents-in-law?", [*FAMILY[:2], says_it])
    assert said.items == ("Cy", "Eve")


def test_what_has_changed_since_goes_before_a_fact_that_says_it() -> None:
    says_it = fact(20, "Ann's parents-in-law are Eve and Zoe.", since=on("2023-02-05"))
    said = asked("Who are Ann's parents-in-law?", [*FAMILY[:2], says_it])
    assert said.items == ("Cy", "Di")


def test_in_laws_are_so_no_longer_after_a_divorce() -> None:
    over = fact(1, "Ann is married to Bo.", state=State.PAST, until=on("2024-05-01"))
    says_it = fact(20, "Ann's parents-in-law are Cy and Di.")
    said = asked("Who are Ann's parents-in-law?", [over, FAMILY[1], says_it])
    assert (said.items, said.abstained) == ((), RETRACTED)
    assert "Ann is married to Bo" in said.text
