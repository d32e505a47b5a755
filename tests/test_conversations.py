"""Claims about kept conversations: found again, and without a trace once forgotten."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from test_forget import CANARIES, QUOTE, SAID, SECRET, secret, telling, traces
from toy import embed, home, move, note, on, opened, plan

from memo.errors import NotKnown
from memo.records import (
    Add,
    Answer,
    ChangeId,
    CitedFact,
    CitedPassage,
    ConversationId,
    DocumentId,
    ExchangeId,
    FactId,
    PassageId,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memo.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as opened_store:
        yield opened_store


def citing(store: Store, fact: int = 1, passage: int | None = None) -> Answer:
    quoted = store.passages([PassageId(passage)]) if passage else []
    return Answer(
        "?",
        "",
        "",
        facts=tuple(CitedFact(1, one, 0.5) for one in store.facts([FactId(fact)])),
        passages=tuple(CitedPassage(2, one, 0.5) for one in quoted),
    )


def asked(store: Store, said: str, text: str = "", answer: Answer | None = None) -> ExchangeId:
    """An exchange in a conversation of its own."""
    _, exchange = store.begin_exchange(said)
    store.keep_answer(exchange, text, answer)
    return exchange


def said(store: Store) -> list[str]:
    return [exchange.said for one in store.conversations() for exchange in store.exchanges(one.id)]


def test_a_conversation_is_gone_on_with_and_read_as_it_was(store: Store) -> None:
    change = ChangeId(move(store, "Hull", "2024-01-01"))
    first, exchange = store.begin_exchange("I live in Hull now.\nDo I?")
    store.keep_answer(exchange, "Ann lives in Hull [1].", citing(store, 1, 1), "")
    store.keep_outcome(exchange, "", [change, change])
    again, second = store.begin_exchange("And Bob?", first)
    store.keep_answer(second, "That was", None, "stopped")
    assert again == first
    one, other = store.exchanges(first)
    assert (one.said, one.answer) == ("I live in Hull now.\nDo I?", "Ann lives in Hull [1].")
    assert [(cited.n, cited.fact.text) for cited in one.facts] == [(1, "Ann lives in Hull.")]
    assert [(cited.n, cited.passage.id) for cited in one.passages] == [(2, 1)]
    assert [kept.id for kept in one.changes] == [change]
    assert (other.answer, other.note, other.facts) == ("That was", "stopped", ())
    (listed,) = store.conversations()
    assert (listed.title, listed.exchanges) == ("I live in Hull now.", 2)


def test_the_one_spoken_in_last_is_first_within_a_second_too(store: Store) -> None:
    first, _ = store.begin_exchange("One.")
    second, _ = store.begin_exchange("Two.")
    store.begin_exchange("Three.", first)
    assert [one.id for one in store.conversations()] == [first, second]


def test_one_is_found_by_all_words_of_either_side_the_latest_first(store: Store) -> None:
    asked(store, "Where is the Ö-lamp?", "In Hull.")
    asked(store, "Who is Bob?", "Nobody in Hull.")
    titles = [[one.title for one in store.conversations(words)] for words in ("hull", "ö-LAMP hu")]
    assert titles == [["Who is Bob?", "Where is the Ö-lamp?"], ["Where is the Ö-lamp?"]]
    assert store.conversations("hull york") == []


def test_a_deleted_conversation_leaves_no_trace_and_takes_no_fact_along(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    first, _ = store.begin_exchange("The zanzibarite flobbers.")
    asked(store, "Where?", "Ann lives in Hull [1].", citing(store))
    store.delete_conversation(first)
    assert traces(store.path.parent, *CANARIES) == []
    assert said(store) == ["Where?"]
    assert len(store.list_facts()) == 1
    for gone in (store.delete_conversation, store.exchanges):
        with pytest.raises(NotKnown, match="no conversation 1"):
            gone(first)
    assert store.begin_exchange("Again.", first)[0] != first


@pytest.mark.parametrize("way", ["fact", "document", "source"])
def test_forgetting_takes_every_exchange_along_that_speaks_of_it(store: Store, way: str) -> None:
    """Told, cited, quoted, named in an answer that was stopped, asked about in other words."""
    change = store.apply(secret(), telling(), embed)
    told, exchange = store.begin_exchange(SAID)
    store.keep_outcome(exchange, "", [change.id])
    asked(store, "Where is it?", "There [1].", citing(store))
    asked(store, "What did I say?", "This [2].", citing(store, 99, 2))
    asked(store, "Tell me.", "Ann keeps it in Quixotown, under a")
    asked(store, "Do I own any ZANZIBARITE?", "That was never recorded.")
    asked(store, f"Not remembered: {QUOTE}.")
    _, other = store.begin_exchange("Is Bob well?", told)
    store.keep_answer(other, "He is.")
    match way:
        case "fact":
            store.forget_fact(FactId(1))
        case "document":
            store.forget_document(DocumentId(1))
        case _:
            store.forget_source("chat")
    assert traces(store.path.parent, *CANARIES) == []
    assert said(store) == ["Is Bob well?"]
    assert store.check() == []


def test_words_that_others_still_say_stay_where_nothing_forgotten_is_told(store: Store) -> None:
    """Hull is forgotten as Ann's home; that Bob lives there is not."""
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-02-01")
    asked(store, "Where does Ann live?", "Ann lives in York [1].", citing(store, 2))
    asked(store, "Is the weather fine?", "It is [1].", citing(store, 2))
    asked(store, "Hull!")
    store.forget_fact(FactId(1))
    assert said(store) == ["Is the weather fine?", "Where does Ann live?"]


def test_a_value_that_tells_nothing_by_itself_takes_nothing_along(store: Store) -> None:
    store.apply(secret(), plan(Add(home("6"), on("2024-02-02"))), embed)
    store.apply(note("Dinner is at 6.", "2024-01-01"), plan(), embed)
    asked(store, "Wake me at 6.")
    store.forget_fact(FactId(1))
    assert said(store) == ["Wake me at 6."]


def test_an_answer_that_comes_after_its_fact_was_forgotten_is_not_kept(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    answer = citing(store)
    assert answer.facts[0].fact.text == SECRET.text
    _, exchange = store.begin_exchange("Where is it?")
    store.forget_fact(FactId(1))
    store.keep_answer(exchange, "Ann keeps it in Quixotown [1].", answer)
    store.keep_outcome(exchange, "", [ChangeId(1)])
    assert said(store) == []
    assert traces(store.path.parent, *CANARIES) == []


def test_nothing_is_kept_of_an_exchange_that_has_gone(store: Store) -> None:
    conversation, exchange = store.begin_exchange("Hello.")
    store.delete_conversation(conversation)
    store.keep_answer(exchange, "Good day.")
    store.keep_outcome(exchange, "said before", [ChangeId(1)])
    assert store.conversations() == []
    with pytest.raises(NotKnown):
        store.exchanges(ConversationId(1))


def test_what_cannot_be_stored_is_replaced(store: Store) -> None:
    asked(store, "lone \ud800 and \x00", "lone \ud800")
    assert said(store) == ["lone ? and \ufffd"]


@pytest.mark.parametrize("seed", range(8))
def test_no_word_of_a_deleted_conversation_is_left_between_the_others(
    tmp_path: Path, seed: int
) -> None:
    """SQLite copies cells between pages when it balances them, and zeroes only what it deletes."""
    chance = random.Random(seed)
    with opened(tmp_path) as store:
        kept = []
        for number in range(60):
            said = " ".join(f"q{number}x{n}z" for n in range(chance.choice((3, 20, 60, 150))))
            conversation, exchange = store.begin_exchange(said)
            store.keep_answer(exchange, said.replace("q", "w"), note="n")
            kept.append((conversation, number))
        chance.shuffle(kept)
        gone = [kept.pop() for _ in range(30)]
        for conversation, _ in gone:
            store.delete_conversation(conversation)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert [number for _, number in gone if re.search(rb"[qw]%dx\d" % number, left)] == []
    assert all(re.search(rb"q%dx\d" % number, left) for _, number in kept)
