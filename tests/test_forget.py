"""Claims about forgetting: no trace of the words in any file, and none comes back."""

from __future__ import annotations

import resource
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from toy import TOY, embed, fact_of, home, move, moves, note, on, opened, plan, towns

from memo.errors import NotKnown, StoreBusy, StoreError
from memo.records import (
    Add,
    ChangeId,
    Claim,
    Document,
    DocumentId,
    Evidence,
    FactId,
    Held,
    MakeFalse,
    MarkUncertain,
    Message,
    PassageId,
    Plan,
    Reinforce,
    Rewrite,
    State,
)
from memo.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = Claim(
    "Ann keeps her zanzibarite in Quixotown.",
    "Where does Ann keep her zanzibarite?",
    "Quixotown",
    ("Ann", "zanzibarite"),
)
QUOTE = "the zanzibarite lies in Quixotown under a flobberstone"
SAID = f"Hello there. Between us, {QUOTE}. The weather is marvellous."
CANARIES = ("zanzibar", "quixo", "flobber", "between us")
"""Parts of words, as an index keeps stems."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as opened_store:
        yield opened_store


def secret(source: str = "chat", key: str = "1") -> Document:
    return Document(
        source,
        key,
        (
            Message("We met at the harbour.", on("2024-02-01"), "Bob"),
            Message(SAID, on("2024-02-02"), "Ann"),
        ),
        title="Hello there. Between us, the zanzibarite…",
    )


def telling(*more: Held) -> Plan:
    added = Add(SECRET, on("2024-02-02"), Evidence(QUOTE, 1))
    return Plan((added,), held=more, problems=("Refused: zanzibarite is no colour.",))


def traces(folder: Path, *needles: str | bytes) -> list[str]:
    """Which needles stand in which files, whatever their case."""
    return [
        f"{needle!r} in {place.name}"
        for place in sorted(folder.iterdir())
        for needle in needles
        if (needle.casefold().encode() if isinstance(needle, str) else needle)
        in (place.read_bytes().lower() if isinstance(needle, str) else place.read_bytes())
    ]


def filled(store: Store) -> None:
    """Enough of other things that the words lie among them, on many pages."""
    for number in range(60):
        move(store, f"Town{number:02d}", f"2023-{number % 12 + 1:02d}-{number // 12 + 1:02d}")
    work = plan(Add(Claim("Bob is tall.", "How is Bob?", "tall", ("Bob",)), on("2024-01-01")))
    store.apply(note("Bob is tall.", "2024-01-01"), work, embed)


def vectors(store: Store) -> list[bytes]:
    """The raw vectors of everything that holds the secret."""
    texts = [f"Ann: {SAID}", f"{SECRET.question} {SECRET.text}"]
    return [row.astype("<f4").tobytes() for row in embed(texts)]


def test_a_forgotten_fact_leaves_no_trace_in_any_file(store: Store) -> None:
    filled(store)
    held = Held(
        Add(replace(SECRET, text="The zanzibarite is red."), on("2024-02-02"), Evidence(QUOTE, 1)),
        "too many",
    )
    change = store.apply(secret(), telling(held), embed)
    fact = change.edits[0].fact
    assert fact is not None
    move(store, "Later", "2024-03-01")
    assert set(traces(store.path.parent, *CANARIES)) != set()
    assert len(traces(store.path.parent, *vectors(store))) >= 2
    store.forget_fact(fact)
    assert traces(store.path.parent, *CANARIES, *vectors(store)) == []
    assert store.check() == []
    with pytest.raises(NotKnown, match="no fact"):
        store.fact(fact)
    with pytest.raises(NotKnown, match="no fact"):
        store.history(fact)
    (edit,) = store.change(change.id).edits
    assert (edit.text, edit.evidence) == ("[forgotten]", None)
    assert store.change(change.id).title == "[forgotten]"
    assert store.held() == []


def test_no_word_stays_behind_in_a_keyword_index(store: Store) -> None:
    """A long message fills whole pages of an index, which keeps apart where a page begins."""
    long = " ".join(f"zanzibar{number:04d}q" for number in range(1000))
    store.apply(note(long, "2024-01-01"), plan(), embed)
    store.apply(note(long.replace("anzibar", "z"), "2024-01-02"), plan(), embed)
    filled(store)  # merges the two
    store.forget_document(DocumentId(1))
    assert traces(store.path.parent, *CANARIES) == []


def test_only_the_sentences_of_a_forgotten_fact_go(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    store.forget_fact(FactId(1))
    first, second = store.passages([PassageId(1), PassageId(2)])
    assert first.text == "We met at the harbour."
    assert second.text == "Hello there. [forgotten] The weather is marvellous."
    assert [id_ for id_, _ in store.search_passages_by_words("marvellous", 3)] == [2]
    assert store.embed_missing(embed) == 1
    nearest = store.search_passages_by_vector(embed([f"Ann: {second.text}"])[0], 1)
    assert nearest[0][0] == 2
    assert store.check() == []


def test_a_sentence_said_twice_is_forgotten_twice(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    store.apply(note(f"As I said: {SAID}", "2024-05-01"), plan(), embed)
    store.forget_fact(FactId(1))
    assert store.passages([PassageId(3)])[0].text == (
        "As I said: Hello there. [forgotten] The weather is marvellous."
    )
    assert traces(store.path.parent, *CANARIES) == []


def test_other_facts_lose_the_quote_but_not_their_words(store: Store) -> None:
    rock = Claim("Ann owns a rock.", "What does Ann own?", "a rock", ("Ann",))
    both = plan(
        Add(SECRET, on("2024-02-02"), Evidence(QUOTE, 1)),
        Add(rock, on("2024-02-02"), Evidence("under a flobberstone", 1)),
        Add(home("Hull"), on("2024-02-02"), Evidence("met at the harbour", 0)),
    )
    store.apply(secret(), both, embed)
    store.forget_fact(FactId(1))
    assert [fact.claim.value for fact in store.list_facts()] == ["Hull", "a rock"]
    quotes = [store.history(FactId(id_))[0].quote for id_ in (2, 3)]
    assert quotes == [None, "met at the harbour"]


def test_a_fact_without_a_quote_takes_the_sentences_that_mention_it(store: Store) -> None:
    store.apply(secret(), plan(Add(SECRET, on("2024-02-02"))), embed)
    store.forget_fact(FactId(1))
    assert traces(store.path.parent, *CANARIES) == []


def test_a_short_value_does_not_take_longer_words_along(store: Store) -> None:
    nickname = Claim("Ann is called Al.", "What is Ann called?", "Al", ("Ann",))
    said = "I am Al. Always glad to meet you."
    store.apply(note(said, "2024-01-01"), plan(Add(nickname, on("2024-01-01"))), embed)
    store.forget_fact(FactId(1))
    assert store.passages([PassageId(1)])[0].text == "[forgotten] Always glad to meet you."


def test_forgetting_an_edited_fact_takes_its_earlier_wordings_along(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    clearer = Claim("Ann's zanzibarite is here.", "Where?", "here", ("Ann",))
    store.edit_fact(FactId(1), clearer, on("2024-02-03"), embed)
    store.forget_fact(FactId(2))
    assert traces(store.path.parent, *CANARIES) == []
    assert store.list_facts(None) == []


def test_a_forgotten_fact_does_not_come_back(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    store.forget_fact(FactId(1))
    assert store.is_forgotten_claim(SECRET)
    assert store.is_forgotten_claim(replace(SECRET, text="Quixotown holds it."))
    assert store.is_forgotten_message("chat", secret().messages[1])
    assert not store.is_forgotten_message("chat", secret().messages[0])
    assert not store.is_forgotten_claim(home("Hull"))
    assert store.known(secret()) == 1
    grown = replace(
        secret(), messages=(*secret().messages, Message("Bye.", on("2024-02-03"), "Bob")), title=""
    )
    move(store, "Hull", "2024-01-01")
    again = plan(
        Add(SECRET, on("2024-02-02"), Evidence(QUOTE, 1)),
        Rewrite(FactId(2), on("2024-02-02"), SECRET, evidence=Evidence(QUOTE, 1)),
    )
    change = store.apply(grown, again, embed)
    assert [edit.op for edit in change.edits] == ["make_false"]
    assert change.document is not None
    _, passages, _ = store.document(change.document)
    assert [one.text for one in passages] == ["We met at the harbour.", "[forgotten]", "Bye."]
    store._wipe()
    assert traces(store.path.parent, *CANARIES) == []
    assert store.check() == []


def test_a_forgotten_document_leaves_no_trace_in_any_file(store: Store) -> None:
    filled(store)
    change = store.apply(secret(), telling(), embed)
    assert change.document is not None
    store.forget_document(change.document)
    others = ("harbour", "marvellous", "met at")
    assert traces(store.path.parent, *CANARIES, *others, *vectors(store)) == []
    assert store.check() == []
    assert change.document not in [one.id for one in store.documents()]
    with pytest.raises(NotKnown, match="no document"):
        store.document(change.document)
    assert store.search_passages_by_words("harbour", 3) == []


def test_a_forgotten_document_does_not_come_back(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    store.forget_document(DocumentId(1))
    assert store.known(secret()) is None
    assert store.is_forgotten_document(secret())
    assert store.is_forgotten_document(replace(secret(), messages=secret().messages[1:]))
    with pytest.raises(NotKnown, match="was forgotten"):
        store.apply(secret(), telling(), embed)
    assert store.documents() == []
    assert not store.is_forgotten_document(secret(source="note"))


def test_a_few_words_may_be_said_again(store: Store) -> None:
    """Forgetting a document must not make every later "Yes." unwelcome."""
    store.apply(note("Yes.", "2024-01-01"), plan(), embed)
    store.forget_document(DocumentId(1))
    assert store.is_forgotten_message("note", Message("yes.", on("2024-01-01"), "Ann"))
    assert not store.is_forgotten_message("note", Message("Yes.", on("2024-01-02"), "Ann"))


def test_forgetting_a_document_keeps_what_others_support_and_what_it_ended(store: Store) -> None:
    """2024-01-01 Hull; 2024-02-01 York, and Hull ends; 2024-03-01 York again."""
    move(store, "Hull", "2024-01-01")
    move(store, "York", "2024-02-01")
    again = plan(Reinforce(FactId(2), on("2024-03-01"), Evidence("live in York", 0)))
    store.apply(moves("York", "2024-03-01"), again, embed)
    store.forget_document(DocumentId(2))
    assert towns(store) == ["York"]
    assert store.fact(FactId(2)).document == 3
    hull = store.fact(FactId(1))
    assert (hull.state, hull.until) == (State.PAST, on("2024-02-01"))
    assert [entry.quote for entry in store.history(FactId(2))] == [None, "live in York"]
    store.forget_document(DocumentId(3))
    assert towns(store) == []
    assert store.fact(FactId(1)).replaced_by is None
    assert traces(store.path.parent, "York") == []
    assert store.check() == []


def test_forgetting_a_source_takes_all_its_documents(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    for key in ("1", "2"):
        document = secret(source="gossip", key=key)
        store.apply(replace(document, messages=document.messages[int(key) - 1 :]), plan(), embed)
    store.forget_source("gossip")
    assert [one.source for one in store.documents()] == ["note"]
    assert traces(store.path.parent, *CANARIES, "harbour", "gossip") == []
    with pytest.raises(NotKnown, match="'gossip'"):
        store.forget_source("gossip")


def test_an_undone_document_can_be_forgotten(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    store.undo()
    store.forget_document(DocumentId(1))
    assert traces(store.path.parent, *CANARIES) == []
    store.redo()
    assert store.list_facts(None) == []
    assert store.check() == []


def test_held_edits_about_a_forgotten_fact_go_too(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    when = on("2024-02-02")
    kept = Held(MakeFalse(FactId(1), when), "sure?")
    gone = (
        Held(MakeFalse(FactId(2), when), "about the zanzibarite"),
        Held(MarkUncertain(FactId(1), when, FactId(2)), "about Quixotown"),
        Held(Rewrite(FactId(1), when, SECRET), "about Quixotown"),
    )
    store.apply(secret(), telling(), embed)
    store.apply(note("Hm.", "2024-03-01"), Plan(held=(*gone, kept)), embed)
    store.forget_fact(FactId(2))
    assert [held for _, _, held in store.held()] == [kept]
    assert traces(store.path.parent, *CANARIES) == []


def test_the_chain_of_events_still_verifies(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    before = store._all("SELECT id, quote_digest, hash FROM event")
    store.forget_fact(FactId(1))
    assert store._all("SELECT id, quote_digest, hash FROM event") == before
    assert store.check() == []


def test_undo_still_works_around_what_was_forgotten(store: Store) -> None:
    move(store, "Hull", "2024-01-01")
    change = ChangeId(move(store, "York", "2024-02-01"))
    store.forget_fact(FactId(2))
    assert towns(store) == []
    store.undo(change)
    assert towns(store) == ["Hull"]
    store.redo()
    assert towns(store) == []
    assert store.check() == []


def test_a_reader_that_keeps_the_words_on_disk_is_reported(store: Store) -> None:
    store.apply(secret(), telling(), embed)
    with Store.open(store.path, embedder=TOY, busy_timeout_ms=20) as impatient:
        with Store.open(store.path, embedder=TOY) as reader, reader._reading():
            reader.documents()
            with pytest.raises(StoreBusy, match="close every other memo"):
                impatient.forget_fact(FactId(1))
        assert impatient.list_facts(None) == []
    move(store, "Hull", "2024-01-01")
    store.forget_fact(FactId(2))
    assert traces(store.path.parent, *CANARIES) == []


def test_where_the_file_cannot_be_written_anew_it_is_said(store: Store) -> None:
    """The words are gone from memory, but may lie in free room: nobody is told less."""
    filled(store)
    long = note("The harbour is calm. " * 100_000, "2024-03-01", "diary")
    change = store.apply(long, plan(), embed)
    store.apply(secret(), telling(), embed)
    assert change.document is not None
    store._all("PRAGMA wal_checkpoint(TRUNCATE)")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size, before[1]))
    try:
        with pytest.raises(StoreError, match=r"It is gone, but .* make room"):
            store.forget_fact(fact_of(store, "Quixotown").id)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.check() == []
    store._wipe()
    assert traces(store.path.parent, *CANARIES) == []
