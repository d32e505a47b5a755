"""Claims about the generated worlds and conversations: their truth, and that it was said."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memo.eval import conversations
from memo.eval.cases import DOWNSTREAM, STATED, UNCHANGED
from memo.eval.conversations import (
    ASKED_AFTER,
    CHUNKS,
    FULL,
    MINI,
    MULTI_HOP,
    NANO,
    SINGLE_HOP,
    TEST_SEEDS,
    Reader,
    conversation,
)
from memo.eval.dialogue import Line
from memo.eval.phrases import Mouth, Phrase, book, is_clause
from memo.eval.world import LISTS, RELATIONS, TRANSITIONS, World, after, drawn, happens, steps

ROOT = Path(__file__).parent.parent
SEEDS = st.integers(0, 10_000)
CASES = [(seed, subset) for seed in (1, 2, TEST_SEEDS) for subset in (SINGLE_HOP, MULTI_HOP)]


def lived(seed: int, changes: int) -> list[World]:
    draw = Random(seed)
    worlds = [drawn(draw)]
    for _ in range(changes):
        worlds.append(after(worlds[-1], happens(worlds[-1], draw)))
    return worlds


@settings(max_examples=40)
@given(SEEDS)
def test_families_stay_families_whatever_happens(seed: int) -> None:
    for world in lived(seed, 12):
        table = world.table
        for one in world.people:
            parents = table["parents", one]
            assert len(parents) <= 2
            assert all(one in table["children", parent] for parent in parents)
            assert all(world.generation[p] + 1 == world.generation[one] for p in parents)
            for spouse in table["spouse", one]:
                assert table["spouse", spouse] == {one}
                assert world.generation[spouse] == world.generation[one]
                assert not world.kin(one, spouse)
            for sibling in table["siblings", one]:
                assert sibling != one
                assert table["parents", sibling] & parents
            for step in table["step_parents", one]:
                assert step not in parents
                assert table["spouse", step] & parents
                assert one in table["step_children", step]
            for elder in table["parents_in_law", one]:
                assert one in table["children_in_law", elder]


@settings(max_examples=40)
@given(SEEDS)
def test_what_follows_from_a_job_follows_for_everybody(seed: int) -> None:
    for world in lived(seed, 6):
        table = world.table
        for one in world.people:
            company = next(c for c in world.companies if {c.name} == table["company", one])
            assert table["job", one] <= set(company.titles)
            assert table["boss", one] == {company.head}
            assert table["city", one] == {company.city}
            assert table["salary", one] == {world.one("salary", world.job(one))}
            for other in table["coworkers", one]:
                assert one in table["coworkers", other]
                assert table["company", other] == {company.name}


def test_a_new_spouse_leaves_the_former_one_single() -> None:
    seen = 0
    for seed in range(40):
        world = drawn(Random(seed))
        for step in steps(world, "spouse"):
            if step.former:
                seen += 1
                table = after(world, step).table
                assert table["spouse", step.who] == {step.value}
                assert table["spouse", step.former] == set()
    assert seen > 10


@pytest.mark.parametrize("kind", TRANSITIONS)
def test_everything_that_can_happen_changes_an_answer_and_is_drawn(kind: str) -> None:
    drawn_kinds = set()
    for seed in range(30):
        draw = Random(seed)
        world = drawn(draw)
        drawn_kinds.add(happens(world, draw).kind)
        for step in steps(world, kind)[:20]:
            assert after(world, step).table != world.table
    assert kind in drawn_kinds


@pytest.mark.parametrize(("seed", "subset"), CASES)
def test_a_conversation_has_the_shape_of_the_published_ones(seed: int, subset: str) -> None:
    case = conversation(seed, subset, MINI)
    assert len(case.chunks) == CHUNKS
    assert [ask.after for ask in case.asks] == list(ASKED_AFTER)
    times = [chunk.messages[0].at for chunk in case.chunks]
    assert all(7 <= (b - a).days <= 20 for a, b in itertools.pairwise(times))
    for chunk in case.chunks:
        assert len({message.speaker for message in chunk.messages}) == 2
    assert all(len(ask.questions) <= MINI.an_ask for ask in case.asks)
    assert {q.updates for q in case.asks[0].questions} == {0}


@pytest.mark.parametrize(("seed", "subset"), CASES)
def test_updates_count_how_often_the_answer_changed(seed: int, subset: str) -> None:
    case = conversation(seed, subset, FULL)
    answers: dict[str, tuple[tuple[str, ...], int]] = {}
    for ask in case.asks:
        for asked in ask.questions:
            before, updates = answers.get(asked.id, (asked.first, 0))
            assert asked.updates >= updates + (asked.accepted != before)
            assert (asked.updates == 0) == (asked.change == UNCHANGED)
            if asked.updates == 0:
                assert asked.accepted == asked.first
                assert not asked.former
            assert not set(asked.former) & set(asked.accepted)
            answers[asked.id] = asked.accepted, asked.updates


@pytest.mark.parametrize("seed", [1, 2, 3, TEST_SEEDS])
def test_single_hop_says_every_change_and_multi_hop_leaves_some_to_be_inferred(seed: int) -> None:
    single, multi = (
        [q for ask in conversation(seed, subset, FULL).asks for q in ask.questions if q.updates]
        for subset in (SINGLE_HOP, MULTI_HOP)
    )
    assert {q.change for q in single} == {STATED}
    assert all(q.newest == q.accepted for q in single)
    assert {q.change for q in multi} == {STATED, DOWNSTREAM}
    assert any(q.newest != q.accepted for q in multi if q.change == DOWNSTREAM)


@pytest.mark.parametrize("subset", [SINGLE_HOP, MULTI_HOP])
@pytest.mark.parametrize("seed", [1, TEST_SEEDS])
def test_every_answer_was_heard_before_it_is_asked_for(seed: int, subset: str) -> None:
    """In its own words, if only in what it follows from; no gate is asked."""
    case = conversation(seed, subset, FULL)
    for ask in case.asks:
        heard = "\n".join(chunk.text for chunk in case.chunks[: ask.after + 1]).casefold()
        for asked in ask.questions:
            if asked.kind == "full_time":
                continue
            assert all(value.casefold() in heard for value in asked.accepted), asked


def test_a_reader_draws_conclusions() -> None:
    """Who runs the place is known before Ann changes to it: so her new boss is."""
    reader = Reader(("Ann", "Ben", "Cem"))

    def hear(*atoms: tuple[str, str, str], parts: tuple[str, ...] = ()) -> None:
        reader.hear([Line(Phrase("states", "x"), True, atoms=atoms, parts=parts)])

    hear(("title", "Ann", "vet"), ("employer", "Ann", "Acme"), ("employer", "Ben", "Acme"))
    hear(("head", "Borealis", "Ms Lund"), ("salary", "cook at Borealis", "20"))
    assert reader.known["coworkers", "Ben"] == {"Ann"}
    assert not reader.known.get(("boss", "Ann"))
    hear(("title", "Ann", "cook"), ("employer", "Ann", "Borealis"))
    assert reader.known["boss", "Ann"] == {"Ms Lund"}
    assert reader.known["salary", "Ann"] == {"20"}
    assert reader.known["coworkers", "Ben"] == set()
    hear(("spouse", "Ann", "Ben"))
    hear(("spouse", "Ann", "Cem"), parts=("Ann", "Ben"))
    assert reader.known["spouse", "Ben"] == set()
    assert reader.known["spouse", "Cem"] == {"Ann"}


def test_what_could_not_be_inferred_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_needed", lambda *_: [])
    monkeypatch.setattr(conversations, "_DRAWS", 3)
    with pytest.raises(conversations.Undrawable, match="seed 1 "):
        conversation(1, MULTI_HOP, FULL)


def test_a_third_of_the_turns_is_small_talk_and_little_of_the_rest_misleads() -> None:
    lines = {
        line
        for test in (False, True)
        for kind in book(test=test).sections["filler"].values()
        for line in kind
    }
    small = re.compile("|".join(re.escape(line).replace(r"\{o\}", r"\w+") for line in lines))
    talks = [c for seed in (1, 2, TEST_SEEDS) for c in conversation(seed, SINGLE_HOP, FULL).chunks]
    turns = [message.text for chunk in talks for message in chunk.messages]
    filler = [turn for turn in turns if small.fullmatch(turn)]
    assert 0.3 <= len(filler) / len(turns) <= 0.4
    misleading = re.compile("|".join(_DISTRACTING))
    sentences = [s for turn in turns if turn not in filler for s in re.split(r"(?<=[.!?]) ", turn)]
    assert 0.02 <= sum(bool(misleading.search(s)) for s in sentences) / len(sentences) <= 0.09


_DISTRACTING = (
    *("Years ago", "ever paid better", "said no", "As a student", "what a thought", "turned"),
    *("for one summer", "more hours in", "hated it", "another life", "nearly moved"),
    *("rents weren't", "refused", "A long time ago", "What if", "declined"),
)


def test_labels_tell_what_stays_true() -> None:
    case = conversation(1, MULTI_HOP, MINI)
    assert all(label.kept for label in case.chunks[1].labels)
    assert any(not label.kept for chunk in case.chunks[2::2] for label in chunk.labels)


def test_a_seed_gives_the_same_conversation_in_every_process() -> None:
    code = (
        "from memo.eval.conversations import *; from memo.records import utc_text\n"
        "case = conversation(7, MULTI_HOP, MINI)\n"
        "print([c.text for c in case.chunks], [utc_text(c.at) for c in case.chunks])\n"
        "print([a.questions for a in case.asks])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1


def test_sizes_are_what_they_promise() -> None:
    for size, mean, most in ((MINI, 240, 480), (NANO, 80, 200)):
        for subset in (SINGLE_HOP, MULTI_HOP):
            words = [len(c.text.split()) for c in conversation(3, subset, size).chunks]
            assert 0.5 * mean < sum(words) / len(words) < mean
            assert max(words) < most
    rows = {q.id for ask in conversation(3, SINGLE_HOP, FULL).asks for q in ask.questions}
    assert len(rows) == FULL.rows


def test_test_seeds_use_templates_that_development_never_saw() -> None:
    dev, test = book(test=False), book(test=True)
    for section, kinds in dev.sections.items():
        if section == "nobody":
            kinds = {"spouse": kinds["spouse"]}
        for kind, templates in kinds.items():
            other = test.sections[section][kind]
            assert not set(templates) & set(other), (section, kind)
            if section in {"states", "things", "changes", "nobody"}:
                assert len(templates) + len(other) >= 12
                assert any(is_clause(t) for t in templates)
                assert any(is_clause(t) for t in other)


@pytest.mark.parametrize("test", [False, True])
def test_every_template_tells_whom_or_what_it_is_about(test: bool) -> None:
    """In a question already, unless the answer does; else nobody could know."""
    for section in ("states", "changes", "nobody", "distractors", "things"):
        for kind, templates in book(test=test).sections[section].items():
            for template in templates:
                asked = template.split(" || ")[0]
                named = "{S}" in asked or "{S's}" in asked or "{O}" in asked
                assert named or "{t}" in template, (section, kind, template)


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("relation", RELATIONS)
def test_every_template_can_be_said_by_and_of_anybody(relation: str, test: bool) -> None:
    """I, you, a name: no slot stays open, and every value is said."""
    templates = book(test=test)
    several = relation in LISTS
    for about in ("Ann", "Ben", "Cem"):
        mouth = Mouth("Ann", "Ben", frozenset({"Ann"}))
        for seed in range(25):
            for words in ({"v": "chess and go"}, {"v": "chess"}):
                single = several and words["v"] == "chess"
                phrase = Phrase("states", relation, about, words=words, single=single)
                draw = Random(seed)
                for again in (True, False):
                    said = " ".join(templates.said(phrase, mouth, draw, again=again))
                    assert "chess" in said.casefold()
                    assert not set("{}<>|") & set(said), said


def test_speakers_say_i_and_you_and_name_others_once() -> None:
    mouth = Mouth("Ann", "Ben", frozenset({"Ann", "Dora"}))
    templates = book(test=False)

    def said(about: str, pronoun: bool = False) -> set[str]:
        phrase = Phrase("states", "hobbies", about, words={"v": "chess"}, single=True)
        return {
            " / ".join(templates.said(phrase, mouth, Random(n), pronoun=pronoun, again=True))
            for n in range(60)
        }

    assert "My hobby is chess." in said("Ann")
    assert "Your hobby is chess." in said("Ben")
    assert "Dora's hobby is chess." in said("Dora")
    assert "Her hobby is chess." in said("Dora", pronoun=True)
    assert "Cem spends his weekends on chess." in said("Cem")
