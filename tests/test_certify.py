"""Claims about measuring a model: the probes themselves, the scoring, stopping and going on."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import tiny
from fakes import WORK, FakeLM, HashEmbedder, ann

from memo import wording
from memo.certify import Certified, Progress, Rate, Results, certificate, certify
from memo.certify.answering import answered
from memo.certify.extraction import extracted, snippet_result
from memo.certify.injection import withstood
from memo.certify.labelled import figures as language_figures
from memo.certify.labelled import labelled, labelled_result, languages
from memo.certify.matching import matched
from memo.certify.probes import (
    Asked,
    Attack,
    Expected,
    Known,
    Outcome,
    Pair,
    Snippet,
    Told,
    attacks,
    fits,
    pairs,
    questions,
    snippets,
    spread,
)
from memo.certify.running import SECONDS
from memo.certify.throwaway import tell, throwaway
from memo.certify.verdicts import balanced, figures, judge, rewriting
from memo.engines import Engines, installed_language_model
from memo.errors import MemoError, UsageProblem
from memo.models import score_file, score_of, scores
from memo.models.scores import verdict
from memo.records import Message
from memo.settings import asset, load

if TYPE_CHECKING:
    from pathlib import Path

    from memo.certify.figures import Json
    from memo.lm import Embedder
    from memo.settings import Settings

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
ACME = Known("Ann works at Acme.", WORK, "Acme")
BOSS = Known("Ann's boss is Mr Hale.", "Who is Ann's boss?", "Mr Hale")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path / "home", environ={"MEMO_MODELS": str(tmp_path / "models")})


def engines(lm: FakeLM | None = None) -> Engines:
    model, embedder = lm or ann(), HashEmbedder()
    return Engines(lambda _: model, lambda _: embedder)


# ---- the probes ---------------------------------------------------------------------------------


def test_the_labelled_verdicts_are_many_half_of_them_no_change_and_split_in_two() -> None:
    labels = Counter(pair.becomes for pair in pairs())
    splits = Counter(pair.split for pair in pairs())
    assert len(pairs()) >= 240
    assert 2 * labels[Outcome.KEPT] >= len(pairs())
    assert set(labels) == set(Outcome)
    assert abs(splits["dev"] - splits["test"]) < 0.05 * len(pairs())
    assert len({pair.topic for pair in pairs()}) >= 12
    assert len({pair.kind for pair in pairs()}) >= 20
    for label in Outcome:
        halves = Counter(pair.split for pair in pairs() if pair.becomes is label)
        assert abs(halves["dev"] - halves["test"]) <= 1


def test_no_two_verdicts_are_alike() -> None:
    assert len({pair.id for pair in pairs()}) == len(pairs())
    assert len({pair.known.text for pair in pairs()}) == len(pairs())
    said = ["\n".join(message.text for message in pair.said) for pair in pairs()]
    assert len(set(said)) == len(said)


def is_consistent(pair: Pair) -> bool:
    """Whether a label can be what comes of the message, and the fact what answers its question."""
    said = " ".join(message.text for message in pair.said)
    return all(
        (
            (pair.becomes is Outcome.REWRITTEN) == bool(pair.to),
            wording.occurs(pair.known.value, pair.known.text),
            pair.known.claim.subjects,
            not pair.to or not fits(pair.known.text, pair.to),
            not pair.to or fits(said, pair.to),
            pair.kind != "depends" or pair.also,
            pair.kind != "flip" or pair.former,
            pair.former is None or pair.former.question == pair.known.question,
        )
    )


def test_every_labelled_verdict_is_consistent() -> None:
    assert [pair.id for pair in pairs() if not is_consistent(pair)] == []


def test_a_snippets_labels_fit_their_own_words_and_not_each_others() -> None:
    assert len(snippets()) >= 40
    for snippet in snippets():
        assert all(fits(one.text, one.match) for one in (*snippet.facts, *snippet.never))
        for one in snippet.facts:
            assert not any(fits(one.text, wrong.match) for wrong in snippet.never)


def test_what_is_known_before_an_attack_is_nothing_that_it_plants() -> None:
    for attack in attacks():
        assert attack.held
        assert not any(fits(k.text, never) for k in attack.held for never in attack.never)


def test_questions_are_about_now_the_past_and_what_cannot_be_answered() -> None:
    told, asked = questions()
    assert set(Counter(one.kind for one in asked)) == {"current", "past", "refusal"}
    facts = " ".join(one.fact.text for one in told if one.fact)
    for one in asked:
        assert bool(one.match) != bool(one.refuses)
        assert not one.match or fits(facts, one.match)


def test_a_spread_goes_from_first_to_last() -> None:
    assert spread(range(10), 3) == (0, 3, 6)
    assert spread(range(2), 5) == (0, 1)
    assert spread([], 5) == ()


@pytest.mark.parametrize(
    ("text", "word", "does"),
    [("It is room 21.", "21", True), ("It is room 211.", "21", False), ("In HULL", "hull", True)],
)
def test_numbers_fit_as_a_whole(text: str, word: str, does: bool) -> None:
    assert fits(text, ((word,),)) is does


# ---- verdicts -----------------------------------------------------------------------------------


def pair(text: str, becomes: Outcome, *, to: str = "", also: tuple[Known, ...] = ()) -> Pair:
    return Pair(
        "one", "dev", "jobs", "plain", ACME, NOON, (Message(text, NOON, "Ann"),), becomes,
        ((to,),) if to else (), also,
    )  # fmt: skip


def left() -> FakeLM:
    """A model that takes from a message only that Acme is over, or a thing beside it."""
    return FakeLM(
        extracts={
            "left Acme": ["Ann no longer works at Acme."],
            "a dog": ["Ann has a dog."],
            "at York": ["Ann works at York."],
        },
        slots={
            "Ann no longer works at Acme.": f"{WORK} | Acme | over",
            "Ann has a dog.": "What pets does Ann have? | a dog | several",
            "Ann works at York.": f"{WORK} | York | one",
        },
        readings={("at York", WORK): "York"},
        overtaken={"Ann works at Acme.": "left Acme"},
        aspects="Ann's boss is Mr Hale",
    )


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (pair("I have a dog.", Outcome.KEPT), Outcome.KEPT),
        (pair("I left Acme today.", Outcome.ENDED), Outcome.ENDED),
        (pair("I left Acme. I am at York now.", Outcome.REWRITTEN, to="york"), Outcome.REWRITTEN),
    ],
)
def test_a_verdict_is_what_became_of_the_fact(
    settings: Settings, told: Pair, found: Outcome
) -> None:
    with throwaway(settings, engines(left())) as memory:
        verdict = judge(told, memory)
    assert (verdict.found, verdict.right) == (found, True)
    assert not settings.home.exists()


def test_a_wrong_new_value_is_no_right_verdict(settings: Settings) -> None:
    with throwaway(settings, engines(left())) as memory:
        verdict = judge(pair("I am at York now.", Outcome.REWRITTEN, to="hull"), memory)
    assert (verdict.found, verdict.told, verdict.right) == (Outcome.REWRITTEN, False, False)


def test_what_rests_on_a_changed_fact_is_uncertain(settings: Settings) -> None:
    """The pair asks about the boss; the job, held too, is what changes."""
    told = pair("I am at York now.", Outcome.UNCERTAIN, also=(ACME,))
    told = Pair(**{slot: getattr(told, slot) for slot in Pair.__slots__} | {"known": BOSS})
    with throwaway(settings, engines(left())) as memory:
        verdict = judge(told, memory)
    assert verdict.found is Outcome.UNCERTAIN


def test_a_message_too_long_for_the_model_changes_nothing(settings: Settings) -> None:
    with throwaway(settings, engines(ann(context_tokens=5))) as memory:
        verdict = judge(pair("I left Acme. I work at Borealis now.", Outcome.KEPT), memory)
    assert verdict.found is Outcome.KEPT
    assert "too long" in verdict.edits[0]


def result(expected: str, found: str, *, told: bool | None = None, right: bool = False) -> Json:
    return {
        "expected": expected, "found": found, "right": right, "told": told, "held": False,
        "topic": "jobs", "kind": "plain",
    }  # fmt: skip


def test_figures_tell_harm_from_omission() -> None:
    results = [
        result("kept", "kept", right=True),
        result("kept", "ended"),
        result("kept", "uncertain"),
        result("ended", "kept"),
        result("rewritten", "rewritten", told=True, right=True),
        result("rewritten", "kept", told=False),
        result("uncertain", "ended"),
    ]
    found: dict[str, Any] = figures(results)
    assert (found["accuracy"]["hits"], found["accuracy"]["of"]) == (2, 7)
    assert (found["false_retire"]["hits"], found["false_retire"]["of"]) == (1, 3)
    assert found["false_doubt"]["hits"] == 1
    assert (found["missed_change"]["hits"], found["missed_change"]["of"]) == (2, 3)
    assert rewriting(results) == Rate(1, 2)
    assert balanced(results) == (Rate(1, 3), Rate(1, 4))
    assert found["by_label"]["kept"]["of"] == 3


def test_a_rate_has_a_binomial_error_and_none_of_nothing() -> None:
    assert Rate(3, 4).error == pytest.approx(0.2165, abs=1e-4)
    assert (Rate(0, 0).share, Rate(0, 0).error, str(Rate(0, 0))) == (None, None, "none")
    assert str(Rate(1, 2)) == "50.0% ± 35.4 (1 of 2)"


# ---- extraction ---------------------------------------------------------------------------------


def test_a_snippet_counts_what_was_found_and_what_should_not_have_been(settings: Settings) -> None:
    said = (Message("I have a dog. I am at York now.", NOON, "Ann"),)
    snippet = Snippet(
        "s", "dev", said,
        (Expected("Ann has a dog.", (("ann",), ("dog",))), Expected("x", (("cat",),))),
        (Expected("Ann works at York.", (("york",),)),),
    )  # fmt: skip
    with throwaway(settings, engines(left())) as memory:
        found = snippet_result(snippet, extracted("s", said, memory))
    assert (found["found"], found["wrong"]) == ([True, False], [True])
    assert found["facts"] == ["Ann has a dog.", "Ann works at York."]
    assert found["labelled"] == [True, False]


def calibration(embedder: Embedder | None) -> tuple[int, int]:
    """How many pairs are judged as by hand, and how many are wrongly taken for the same."""
    read = asset("certify/matching.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in read]
    taken = [(matched([r["label"]], [r["found"]], embedder)[0][0], r["same"]) for r in rows]
    return sum(a == b for a, b in taken), sum(a and not b for a, b in taken)


def test_words_alone_match_as_the_calibration_says() -> None:
    assert calibration(None) == (40, 0)


@pytest.mark.model
def test_words_and_vectors_match_as_the_calibration_says(real_embedder: Embedder) -> None:
    assert calibration(real_embedder) == (42, 0)


def test_a_label_of_several_parts_is_found_in_several_facts() -> None:
    label = "The shop opens at nine, sells bread on Sundays and is closed all August."
    parts = [
        "The shop opens at nine.",
        "The shop sells bread on Sundays.",
        "The shop is closed all August.",
        "Ann likes bread.",
    ]
    assert matched([label], parts[:1], None) == ([False], [False])
    assert matched([label], parts, None) == ([True], [True, True, True, False])
    assert matched([], parts, None) == ([], [False] * 4)
    assert matched([label], [], None) == ([False], [])


def test_words_that_stick_together_are_compared_by_pairs_of_signs() -> None:
    assert matched(["서버실의 온도는 19도입니다."], ["서버실 온도는 19도이다."], None)[0] == [True]
    assert matched(["서버실의 온도는 19도입니다."], ["고양이가 잔다."], None)[0] == [False]


def data(folder: Path) -> Path:
    """A folder of labelled snippets in two languages."""
    files: dict[str, list[dict[str, Any]]] = {
        "memory_extraction/dataset.jsonl": [{"id": "m1", "text": "I have a dog."}],
        "memory_extraction/dataset.de.jsonl": [{"id": "m1", "text": "Ich habe einen Hund."}],
        "memory_extraction/labels.jsonl": [
            {"id": "m1", "memories": [{"type": "fact", "content": "Ann has a dog."}]}
        ],
        "entity_extraction/dataset.de.jsonl": [{"id": "e1", "text": "Ann wohnt in Hull."}],
        "entity_extraction/labels.jsonl": [
            {"id": "e1", "entities": [{"name": "Ann"}, {"name": "Hull"}, {"name": "Zed"}]}
        ],
    }
    for name, rows in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_labels_count_only_in_their_own_language_and_names_only_where_they_stand(
    tmp_path: Path,
) -> None:
    folder = data(tmp_path)
    assert languages(folder) == ["en", "de"]
    (english,) = labelled(folder)
    assert english.memories == ("Ann has a dog.",)
    note, named = labelled(folder, "de")
    assert note.memories is None
    assert named.entities == ("Ann", "Hull")


def test_the_figures_of_a_language_are_recall_and_precision(
    settings: Settings, tmp_path: Path
) -> None:
    _, named = labelled(data(tmp_path), "de")
    with throwaway(settings, engines()) as memory:
        none = extracted(named.id, named.said, memory)
    found: dict[str, Any] = language_figures([labelled_result(named, none, None)])
    assert found["de"]["entities"]["recall"]["of"] == 2
    assert found["de"]["without_facts"]["hits"] == 1
    assert found["de"]["memories"] is None


@pytest.mark.parametrize("line", ["{", '["m1"]', '{"id": "m1"}'])
def test_a_broken_data_file_is_told(tmp_path: Path, line: str) -> None:
    folder = data(tmp_path)
    (folder / "memory_extraction" / "dataset.jsonl").write_text(line + "\n")
    with pytest.raises(UsageProblem, match="memory_extraction"):
        labelled(folder)


def test_a_language_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="'fr'"):
        labelled(data(tmp_path), "fr")


# ---- answers and attacks ------------------------------------------------------------------------


def test_an_answer_is_right_by_its_words_and_a_refusal_by_its_reason(settings: Settings) -> None:
    now = Asked("a", "current", WORK, None, (("borealis",),), ())
    never = Asked("b", "refusal", "What does Ann sing?", None, (), ("never recorded",))
    with throwaway(settings, engines()) as memory:
        tell(memory, Told(Message("at Borealis now", NOON, "Ann"),
                          Known("Ann works at Borealis.", WORK, "Borealis")))  # fmt: skip
        assert answered(now, memory)["right"]
        assert answered(never, memory)["right"]
        assert not answered(Asked("c", "refusal", WORK, None, (), ("retracted",)), memory)["right"]


def attack(never: str, unsaid: str = "") -> Attack:
    said = (Message("I left Acme. I am at York now.", NOON, "Ann"),)
    return Attack("a", "order", (ACME,), said, (((never,),),), WORK, (unsaid,) if unsaid else ())


def test_an_attack_that_ends_a_fact_or_plants_one_is_not_withstood(settings: Settings) -> None:
    with throwaway(settings, engines(left())) as memory:
        lost = withstood(attack("globex"), memory)
    assert (lost["right"], lost["lost"]) == (False, ["Ann works at Acme."])
    with throwaway(settings, engines(left())) as memory:
        assert withstood(attack("york"), memory)["planted"] == ["Ann works at York."]


def test_an_attack_that_does_nothing_is_withstood_but_for_what_is_said(settings: Settings) -> None:
    quiet = FakeLM(answers={WORK: "Acme | Ann works at Acme, BANANA."})
    with throwaway(settings, engines(quiet)) as memory:
        assert withstood(attack("york"), memory)["right"]
    with throwaway(settings, engines(quiet)) as memory:
        assert withstood(attack("york", "banana"), memory)["leaked"] == ["banana"]


# ---- results that can be resumed ----------------------------------------------------------------


def test_results_go_on_only_with_the_same_run(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    Results(path, {"model": "a"}).add("one", {"right": True})
    assert Results(path, {"model": "a"}, resume=True).done == {"one": {"right": True}}
    with pytest.raises(UsageProblem, match="--resume"):
        Results(path, {"model": "a"})
    with pytest.raises(UsageProblem, match="model 'a', now 'b'"):
        Results(path, {"model": "b"}, resume=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"about": {}, "results": [1]}'])
def test_a_file_that_holds_no_results_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "out.json"
    path.write_text(text)
    with pytest.raises(UsageProblem, match="no results"):
        Results(path, {}, resume=True)
    assert path.read_text() == text


def test_results_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="Cannot write"):
        Results(tmp_path / "gone" / "out.json", {}).add("one", {})


# ---- certificates -------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A person's own model file; what is in it does not matter to fakes."""
    return tiny.write(tmp_path / "mine.gguf")


@pytest.fixture
def chosen(settings: Settings, model: Path) -> Settings:
    return replace(settings, model=str(model))


SHORT = replace(
    certificate.selection(),
    pairs=spread(certificate.selection().pairs, 6),
    snippets=snippets()[:2],
    asked=spread(questions()[1], 3),
    attacks=attacks()[:2],
)
"""Enough to see how a certificate comes about."""


def finished(chosen: Settings, *, again: bool = False) -> tuple[list[Progress], Certified]:
    *steps, last = certify(chosen, engines(FakeLM()), again=again, probes=SHORT)
    assert isinstance(last, Certified)
    assert all(isinstance(step, Progress) for step in steps)
    return [step for step in steps if isinstance(step, Progress)], last


def test_a_model_that_says_nothing_is_not_fit(chosen: Settings, model: Path) -> None:
    steps, done = finished(chosen)
    score = done.score
    assert tuple(score.parts) == certificate.PARTS
    assert all(0 <= part <= 1 for part in score.parts.values())
    assert score.parts["extraction"] == score.parts["rewriting"] == 0
    assert score.parts["verdicts"] == pytest.approx(0.5)  # all that stays is kept, nothing else is
    assert score.parts["injection"] == 1
    assert score.verdict == "not fit"
    assert [step.done for step in steps] == list(range(steps[0].total))
    assert not chosen.home.exists()
    assert score_of(model, chosen.models) == score
    assert done.results is not None
    assert len(json.loads(done.results.read_text())["results"]) == steps[0].total


def test_a_certificate_takes_every_label_of_the_development_split_within_the_time() -> None:
    chosen = certificate.selection()
    assert Counter(pair.becomes for pair in chosen.pairs) == certificate.PAIRS
    assert {pair.split for pair in chosen.pairs} == {"dev"}
    assert {snippet.split for snippet in chosen.snippets} == {"dev"}
    seconds = {
        "verdicts": len(chosen.pairs),
        "extraction": len(chosen.snippets),
        "answering": len(chosen.asked),
        "injection": len(chosen.attacks),
    }
    assert sum(SECONDS[part] * count for part, count in seconds.items()) < 60 * certificate.MINUTES


def test_a_stopped_certificate_goes_on_and_a_whole_one_is_looked_up(chosen: Settings) -> None:
    with closing(certify(chosen, engines(FakeLM()), probes=SHORT)) as steps:
        begun = [step for step in islice(steps, 5) if isinstance(step, Progress)]
    rest, done = finished(chosen)
    assert rest[0].done == begun[-1].done
    assert finished(chosen) == ([], replace(done, detail={}, results=None))
    with closing(certify(chosen, engines(FakeLM()), again=True, probes=SHORT)) as steps:
        anew = [step for step in islice(steps, 3) if isinstance(step, Progress)]
    assert [step.done for step in anew] == [0, 1, 2]
    rest, once_more = finished(chosen, again=True)
    assert rest[0].done == 2
    assert once_more.score.parts == done.score.parts


def test_a_certificate_goes_through_the_engine_itself(chosen: Settings) -> None:
    """A model of random weights, in a process of its own: what it says is nonsense."""
    embedder = HashEmbedder()
    real = Engines(installed_language_model, lambda _: embedder)
    *_, done = certify(chosen, real, probes=SHORT)
    assert isinstance(done, Certified)
    assert done.score.verdict == "not fit"
    assert done.results is not None
    results = json.loads(done.results.read_text())["results"]
    assert sum(one["evaluated_tokens"] for one in results) > 0


def test_only_one_certifies_a_model_at_a_time(chosen: Settings) -> None:
    with closing(certify(chosen, engines(FakeLM()), probes=SHORT)) as steps:
        assert isinstance(next(steps), Progress)
        with pytest.raises(MemoError, match="Another memo is certifying mine"):
            next(certify(chosen, engines(FakeLM()), probes=SHORT))
    assert finished(chosen)[1].score.model == "mine"


def test_a_changed_file_loses_its_score_and_what_was_begun(chosen: Settings, model: Path) -> None:
    with closing(certify(chosen, engines(FakeLM()), probes=SHORT)) as steps:
        assert len(list(islice(steps, 3))) == 3
    tiny.write(model, width=32)
    anew, _ = finished(chosen)
    assert anew[0].done == 0
    assert score_of(model, chosen.models) is not None
    tiny.write(model, width=64)
    assert score_of(model, chosen.models) is None
    assert scores(chosen.models) == {}
    model.unlink()
    assert score_of(model, chosen.models) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"score": 1}', '{"score": "x", "parts": []}'])
def test_a_score_that_cannot_be_read_is_none(chosen: Settings, model: Path, text: str) -> None:
    place = score_file(model, chosen.models)
    place.parent.mkdir(parents=True)
    place.write_text(text)
    assert score_of(model, chosen.models) is None


@pytest.mark.parametrize(
    ("least", "rest", "says"),
    [
        (0.5, 0.75, "fit for daily use"),
        (0.49, 0.9, "only for trying out"),
        (0.6, 0.65, "only for trying out"),
        (0.2, 0.6, "only for trying out"),
        (0.1, 0.9, "not fit"),
        (0.4, 0.45, "not fit"),
    ],
)
def test_the_verdict_needs_a_mean_and_a_least_part(least: float, rest: float, says: str) -> None:
    parts = dict.fromkeys(certificate.PARTS, rest) | {"answering": least}
    assert verdict(sum(parts.values()) / 5, parts) == says
