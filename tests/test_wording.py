"""Claims about what code can tell of words without a model."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memo import wording

TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            "I my Ann Ann's Ben’s he the a not sold works works. at Acme, Hull! 3 three ; \n . Ém"
            .split(" ")
        ),
        max_size=14,
    ).map(" ".join),
)  # fmt: skip


@given(TEXTS, TEXTS)
@example("", "")
@example("'s", "'")
@example("’", "\n;.")
def test_nothing_that_is_said_makes_it_stumble(a: str, b: str) -> None:
    wording.words(a)
    wording.content(a)
    wording.sentences(a)
    wording.ends_something(a)
    wording.asks_about_past(a)
    wording.names(a)
    wording.leading_subjects(a)
    wording.stands_alone(a)
    wording.acting(a)
    wording.occurs(a, b)
    wording.replaced(a, b, "c")
    wording.is_about(a, b, "Ann")
    wording.over(a, b)
    wording.without_endings(a)
    wording.relates_as(a, b)
    wording.whole_list(a)
    wording.marriage(a)
    wording.marriages(a, b)
    wording.claimed(a, "Ann")
    assert wording.resolved(a, "I") == a
    assert "I" not in wording.resolved(a, "Ann").split()
    assert wording.unfolded(a)
    owners = wording.owners(a, b, "Ann", frozenset({"Ann", "Ben"}))
    assert owners <= {None, "", "Ann", "Ben"}
    wording.may_own("Ann", a, b, "Ben", frozenset(wording.names(b)))


@given(TEXTS, TEXTS)
def test_a_quote_is_a_literal_part_that_holds_the_value(value: str, text: str) -> None:
    quote = wording.quote_for(value, text)
    if quote is not None:
        assert quote in text
        assert wording.occurs(value, quote)


@given(TEXTS)
def test_every_word_of_a_text_is_in_its_sentences(text: str) -> None:
    parts = wording.sentences(text)
    assert all(part in text for part in parts)
    assert [w for part in parts for w in wording.words(part)] == wording.words(text)


@given(TEXTS, TEXTS)
def test_sameness_does_not_depend_on_the_order(a: str, b: str) -> None:
    assert wording.same_value(a, b) == wording.same_value(b, a)
    assert wording.same_value(a, a)


@given(TEXTS, TEXTS)
def test_a_replaced_sentence_holds_the_new_value(text: str, new: str) -> None:
    for old in wording.words(text):
        changed = wording.replaced(text, old, new)
        assert changed is None or new.strip() in changed or wording.words(new) == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Hull", "in Hull"),
        ("the 12th", "on the 12th"),
        ("three cats", "3 cats"),
        ("Tuesday", "Tuesdays"),
        ("a green bike", "GREEN BIKE"),
        ("Ann’s mum", "Ann's mum"),
    ],
)
def test_small_differences_leave_a_value_the_same(a: str, b: str) -> None:
    assert wording.same_value(a, b)


@pytest.mark.parametrize(
    ("a", "b"), [("Hull", "York"), ("the 12th", "the 10th"), ("3 cats", "2 cats"), ("", "Hull")]
)
def test_other_values_are_other_values(a: str, b: str) -> None:
    assert not wording.same_value(a, b)


def test_a_quote_is_the_shortest_sentence_with_the_value() -> None:
    text = "I came from Hull to Leeds, where it rained a lot. Now Leeds it is. Bye!"
    assert wording.quote_for("Leeds", text) == "Now Leeds it is."
    assert wording.quote_for("York", text) is None


def test_a_value_may_stand_in_two_sentences() -> None:
    assert wording.quote_for("green Cube", "I bought a Cube! A green one.") is not None


@pytest.mark.parametrize(
    "text",
    [
        "I no longer smoke.",
        "We sold the car.",
        "He quit.",
        "They broke up.",
        "It's over.",
        "I don't work there any more.",
        "She moved out.",
    ],
)
def test_endings_are_seen(text: str) -> None:
    assert wording.ends_something(text)


@pytest.mark.parametrize(
    ("value", "text", "over"),
    [
        ("Acme", "Friday was my last day at Acme.", True),
        ("Acme", "I left Acme for Borealis, no more nights", True),
        ("Borealis", "I left Acme for Borealis, no more nights", False),
        ("nights", "I left Acme for Borealis, no more nights", True),
        ("York", "We moved out of Leeds and into York", False),
        ("Leeds", "We moved out of Leeds into York", True),
        ("York", "We moved out of Leeds into York", False),
        ("York", "She moved from Leeds to York", False),
        ("Leeds", "She moved from Leeds to York", True),
        ("Sicily", "We're going to Sicily instead", False),
        ("Crete", "Sicily instead of Crete", True),
        ("gym", "I stopped going to the gym", True),
        ("bike", "I swapped the van for a bike", False),
        ("van", "I swapped the van for a bike", True),
        ("Hull", "Sold the car, but I still live in Hull", False),
        ("the 10th", "Dentist moved to the 12th, not the 10th", True),
        ("the 12th", "Dentist moved to the 12th, not the 10th", False),
        ("the soap", "The rash does not come from the soap", True),
        ("the rash", "The rash does not come from the soap", False),
        ("Cerys", "Cerys is back from Canada", False),
        ("the flat", "The flat is sold", True),
        ("the shed", "Forget the shed, we've scrapped it, too dear", True),
        ("the shed", "I love the shed, I've left work", False),
        ("chess", "I play chess, Ben doesn't like it at all.", False),
        ("car", "We have a car but Kate doesn't drive it now.", False),
        ("Golf", "Ann has a Golf but she sold it", True),
        ("Acme", "Ben worked at Acme and he left it.", True),
        ("fish", "Rex got ill from the fish so he doesn't get it any more.", True),
        ("Rex", "Rex got ill from the fish so he doesn't get it any more.", False),
        ("Acme", "Busy day at Acme", False),
        ("Oslo", "A busy day", False),
    ],
)
def test_what_ends_is_told_from_what_comes_instead(value: str, text: str, over: bool) -> None:
    assert wording.over(value, text) == over


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("At 7.30 to Dr. Hale. Then home", ["At 7.30 to Dr. Hale.", "Then home"]),
        ("See memo.org. It costs 3.50!", ["See memo.org.", "It costs 3.50!"]),
        ("Yes.No; well... really?", ["Yes.", "No;", "well...", "really?"]),
    ],
)
def test_a_point_within_a_word_or_a_title_ends_no_sentence(text: str, parts: list[str]) -> None:
    assert wording.sentences(text) == parts


def test_an_ordinal_is_its_number() -> None:
    assert wording.occurs("the 14th of March", "on 14 March")


@pytest.mark.parametrize(
    ("said", "addressing"),
    [
        ("Ben is married to you.", "Ben is married to Ann."),
        ("You work at Acme and live in Hull.", "Ann works at Acme and Ann lives in Hull."),
        ("You've sold your van, you're off!", "Ann has sold Ann's van, Ann is off!"),
        ("Her parents are you and Ben.", "Her parents are Ann and Ben."),
        ("You never know. Thank you!", "You never know. Thank you!"),
        ("You can see the sea from here.", "You can see the sea from here."),
        ("Scrap what you knew of me, you were right.", "Scrap what you knew of me, Ann was right."),
    ],
)
def test_who_listens_has_a_name_instead_of_you(said: str, addressing: str) -> None:
    assert wording.addressing(said, "Ann") == addressing


@pytest.mark.parametrize(
    ("sentence", "agreeing"),
    [
        ("Ann smoke ten a day", "Ann smokes ten a day"),
        ("True, Ann never study", "True, Ann never studies"),
        ("Ann left Hull and live in York", "Ann left Hull and Ann lives in York"),
        ("Ann wants to leave and live in York", "Ann wants to leave and live in York"),
        ("Ann has tea and work is fine", "Ann has tea and work is fine"),
        ("Bo saw Ann drive", "Bo saw Ann drive"),
    ],
)
def test_verbs_agree_with_the_name_that_stands_for_i(sentence: str, agreeing: str) -> None:
    assert wording.agreeing(sentence, "Ann") == agreeing


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("I've bought a car, my mum hates it", "Bo has bought a car, Bo's mum hates it"),
        ("I'm fine. We’re back! i was ill", "Bo is fine. Bo is back! Bo was ill"),
        ("We don't know, I do", "Bo doesn't know, Bo does"),
        ("She told me it is mine", "She told Bo it is Bo's"),
        ("In Illinois, US law; Imre and Wes", "In Illinois, US law; Imre and Wes"),
        ("I'll go and I'd stay", "Bo will go and Bo would stay"),
    ],
)
def test_a_speaker_is_named_instead_of_i(text: str, resolved: str) -> None:
    assert wording.resolved(text, "Bo") == resolved


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("Mia and Jo have moved to Hull.", ["Mia has moved to Hull.", "Jo has moved to Hull."]),
        ("Meera and Josh got married.", ["Meera and Josh got married."]),
        ("Meera and Josh are no longer engaged.", ["Meera and Josh are no longer engaged."]),
        ("Ann's sister Mia lives in Hull.", ["Mia lives in Hull.", "Mia is Ann's sister."]),
        ("Ann lives in Hull.", ["Ann lives in Hull."]),
    ],
)  # fmt: skip
def test_a_sentence_unfolds_into_its_facts(sentence: str, facts: list[str]) -> None:
    assert wording.unfolded(sentence) == facts


@pytest.mark.parametrize(
    ("sentence", "text", "there"),
    [
        ("Ann's mother is a nurse.", "Mum is a nurse", True),
        ("Ann's boyfriend left.", "Marek and Zosia broke up", False),
        ("Jonas is Ann's son.", "Jonas passed his test", False),
        ("Ann lives in Hull.", "Hull it is", True),
    ],
)
def test_relations_are_not_made_up(sentence: str, text: str, there: bool) -> None:
    assert wording.relates_as(sentence, text) == there


def test_whose_gran_it_is_goes_without_saying() -> None:
    assert wording.claimed("Gran has a phone.", "Ann") == "Ann's gran has a phone."
    assert wording.claimed("Mum's car is red.", "I") == "My mum's car is red."


def test_somebody_introduced_in_a_sentence_is_whom_it_is_about() -> None:
    text = "We got a second cat, so Miso has company. He's black and he's called Taro."
    people = frozenset({"Ann", "Miso", "Taro"})
    assert wording.owners("black", text, "Ann", people) == {"Taro"}


@pytest.mark.parametrize(
    "text", ["I live in Hull.", "We moved to Hull.", "Ann has a cat.", "He works at Acme."]
)
def test_what_goes_on_is_no_ending(text: str) -> None:
    assert not wording.ends_something(text)


@pytest.mark.parametrize(
    ("text", "value", "subject", "owned"),
    [
        ("I work at Acme.", "Acme", "Ann", True),
        ("My friend works at Acme.", "Acme", "Ann", False),
        ("Ben works at Acme.", "Acme", "Ann", False),
        ("Ben works at Acme.", "Acme", "Ben", True),
        ("I told Ben that he should try Acme.", "Acme", "Ann", False),
        ("Ben and I moved to York.", "York", "Ann", True),
        ("Ben and I moved to York.", "York", "Ben", True),
        ("I told Ben goodbye and live in York now.", "York", "Ann", True),
        ("I told Ben goodbye and live in York now.", "York", "Ben", False),
        ("Ben moved out with Cleo and works at Acme.", "Acme", "Ben", True),
        ("I live at my mum's in Gdynia.", "Gdynia", "Ann", True),
        ("Ben has a room at Cleo's in Gdynia.", "Gdynia", "Ben", True),
        ("Ben has a room at Cleo's in Gdynia.", "Gdynia", "Cleo", False),
        ("Visited Ben Cleo. She works at Acme.", "Acme", "Ben", True),
    ],
)
def test_the_nearest_mention_owns_a_value(text: str, value: str, subject: str, owned: bool) -> None:
    people = frozenset({"Ann", "Ben", "Cleo"})
    assert wording.may_own(subject, value, text, "Ann", people) == owned


@pytest.mark.parametrize(
    ("subject", "text", "speaker", "about"),
    [
        ("Ann", "I live in Hull.", "Ann", True),
        ("Ben", "I live in Hull.", "Ann", False),
        ("Ben", "Ben lives in Hull.", "Ann", True),
        ("I", "I live in Hull.", "I", True),
        ("I", "I live in Hull.", "Ann", False),
    ],
)
def test_a_text_is_about_its_speaker_and_whom_it_names(
    subject: str, text: str, speaker: str, about: bool
) -> None:
    assert wording.is_about(subject, text, speaker) == about


@pytest.mark.parametrize(
    ("sentence", "subject"),
    [
        ("Ann lives in Hull.", "Ann"),
        ("My dentist appointment is on the 12th.", "I"),
        ("I am learning Polish.", "I"),
        ("Enzo's mum has a new hip.", "Enzo's mum"),
        ("Meera and Josh live in Hull.", "Meera"),
    ],
)
def test_a_sentence_leads_with_its_subject(sentence: str, subject: str) -> None:
    assert wording.leading_subjects(sentence)[0] == subject


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("Where did Ann work before?", True),
        ("Where was Ann in 2019?", True),
        ("Where does Ann work?", False),
        ("Who is Ann's boss?", False),
    ],
)
def test_questions_about_the_past_are_known_by_their_words(question: str, past: bool) -> None:
    assert wording.asks_about_past(question) == past


def test_a_replacement_takes_whole_words_only() -> None:
    assert wording.replaced("Ann works at Acme.", "Acme", "Borealis") == "Ann works at Borealis."
    assert wording.replaced("Ann likes Yorkshire.", "York", "Hull") is None


@pytest.mark.parametrize(
    ("sentence", "stated", "several"),
    [
        ("Mia is Ann's sister.", "Mia is Ann's sister.", True),
        ("Ann's new boss is Mr Hale.", "Mr Hale is Ann's boss.", False),
        ("My flatmate is called Dario.", "Dario is my flatmate.", False),
        ("Ann's GP is Dr Moss.", "Dr Moss is Ann's GP.", False),
        ("Ann has a piano teacher named Mr Orr.", "Mr Orr is Ann's piano teacher.", False),
        ("I have a flatmate called Dario.", "Dario is my flatmate.", False),
        ("Zoe Lund is Ann's piano teacher.", "Zoe Lund is Ann's piano teacher.", False),
    ],
)
def test_a_relation_has_one_form(sentence: str, stated: str, several: bool) -> None:
    found = wording.relation(sentence)
    assert found is not None
    assert (found.sentence, found.several) == (stated, several)


@pytest.mark.parametrize(
    "sentence",
    [
        "Mia is a nurse.",
        "Mia is Ann's ex husband.",
        "Ann's phone is a Nokia.",
        "Ann's town is Hull.",
        "Ann has a dog called Bella.",
        "Mia is Ann's friend from work.",
        "Mia was Ann's boss.",
    ],
)
def test_other_sentences_state_no_relation(sentence: str) -> None:
    assert wording.relation(sentence) is None


def test_a_relation_is_theirs_to_whom_the_text_gives_it() -> None:
    text = "Linh: Harvey and Linh are having the wedding. Harvey's uncle Clive does the food."
    assert wording.relates_as("Clive is Harvey's uncle.", text)
    assert not wording.relates_as("Clive is Linh's uncle.", text)
    assert wording.relates_as("Kwame is Ann's uncle.", "Ann: Uncle Kwame drives a bus.")


def test_a_name_that_a_model_would_misspell_is_lent_another() -> None:
    lent = wording.renamed("Solveig and Tom left Hull.", ("Solveig", "Tom"))
    assert lent.text == "Kate and Tom left Hull."
    assert (
        lent.back("Where does Kate live? | Hull | over") == "Where does Solveig live? | Hull | over"
    )


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("I've taken on a second job, besides the call centre.", True),
        ("We got another cat.", True),
        ("The second of May suits us.", False),
        ("I'm at the cinema now.", False),
    ],
)
def test_what_is_added_comes_beside(text: str, beside: bool) -> None:
    assert wording.comes_beside(text) is beside


@pytest.mark.parametrize(
    ("sentence", "subjects"),
    [
        ("Ann's phone number is 417.", ("Ann's phone number", "Ann")),
        ("Ann's mum lives in Hull.", ("Ann's mum", "Ann")),
        ("Ann's mum never eats fish.", ("Ann's mum", "Ann")),
        ("Ann's dog Bella limps.", ("Ann's dog", "Ann")),
        ("The wedding is in June.", ("wedding",)),
        ("The baby's name is Ruth.", ("baby's name", "baby")),
        ("A neighbour of Ann's died.", ("neighbour",)),
        ("The Kingfisher is green.", ("Kingfisher",)),
        ("The", ()),
    ],
)
def test_a_subject_is_all_that_stands_before_the_verb(
    sentence: str, subjects: tuple[str, ...]
) -> None:
    assert wording.leading_subjects(sentence) == subjects


@pytest.mark.parametrize(
    ("text", "former"),
    [
        ("When I lived in Hull I had mussels every week.", True),
        ("Years ago Ann worked at Acme.", True),
        ("As a child I had asthma.", True),
        ("I live in Hull now, when I'm not at sea.", False),
        ("Ann used to go on Mondays, it's Thursdays now.", False),
    ],
)
def test_what_is_recalled_is_told_from_what_ended(text: str, *, former: bool) -> None:
    assert wording.recalls(text) is former


@pytest.mark.parametrize(
    ("value", "text", "denied"),
    [
        ("Mondays", "It is collected on Wednesdays, not on Mondays.", True),
        ("on Mondays", "It is collected on Wednesdays, not on Mondays.", True),
        ("Wednesdays", "It is collected on Wednesdays, not on Mondays.", False),
        ("Corinne", "She isn't Corinne, she's called Coralie!", True),
        ("a whippet", "Turns out she isn't a whippet.", True),
        ("the bank", "Not only the bank knows me, I work at the bank.", False),
        ("Hull", "Not Hull, or rather Hull after all.", False),
        ("", "Not at all.", False),
    ],
)
def test_a_value_may_be_said_only_to_deny_it(value: str, text: str, *, denied: bool) -> None:
    assert wording.denies(value, text) is denied


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        (
            "Ann and Joel have set the date, the wedding is on the 14th of June!",
            ["The wedding is on the 14th of June."],
        ),
        (
            "Very posh. Odhran can't come and help, Odhran has slipped a disc.",
            ["Odhran can't come and help.", "Odhran has slipped a disc."],
        ),
        ("It went to Ann. Five minutes from the beach, the sort with swords", []),
        ("Go and say hi to Ann, which suits Ann fine, and she likes it", []),
        ("Ann would live in Hull if Ben paid, Ann will come if you call", []),
        ("Someone offered Ann a job in Wales, you have a week to think", []),
        ("It was fine except that Ann smokes ten a day", ["Ann smokes ten a day."]),
        ("Ann works somewhere else now", []),
    ],
)
def test_clauses_that_are_facts_as_they_stand(sentence: str, clauses: list[str]) -> None:
    assert wording.stating(sentence) == clauses


def test_an_answer_that_only_repeats_its_question_is_an_echo() -> None:
    assert wording.echoes("Ann's mum", "Where does Ann's mum live?")
    assert not wording.echoes("with Ann", "Where does Ann's mum live?")


@pytest.mark.parametrize(
    ("sentence", "kin"),
    [
        ("Kwame is Ann's uncle.", True),
        ("Ann's mum is Ida.", True),
        ("Kwame is Ann's friend.", False),
        ("Kwame is Ann's husband.", False),
        ("Kwame is a nurse.", False),
    ],
)
def test_kinship_by_birth(sentence: str, kin: bool) -> None:
    assert wording.is_kinship(sentence) == kin


def test_a_thing_is_nobodys_relation() -> None:
    assert wording.relation("The Nokia is Ann's phone.") is None


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("The cat is called Wilson! Wilson, not Nelson.", [("Wilson", "Nelson")]),
        ("She's from Graz, it's not Vienna.", [("Graz", "Vienna")]),
        ("It's on the 21st, not the 12th.", [("21st", "12th")]),
        ("My dentist is Dr Lund, not Dr Moss.", [("Lund", "Moss")]),
        ("I said geography, but it's geology she studies.", [("geology", "geography")]),
        ("Sorry, I told you the 9th - it's the 10th!", [("10th", "9th")]),
        ("I said no, it's too far.", []),
        ("I like tea, not coffee.", []),
        ("I'm not Ann.", []),
        ("Her name isn't Maria, it's Marta!", [("Marta", "Maria")]),
        ("Today isn't Monday, it's Tuesday.", []),
        ("Ann isn't in Hull, she's in York this week", []),
        ("She isn't Kate, she's Ann's sister.", []),
    ],
)
def test_corrections(text: str, pairs: list[tuple[str, str]]) -> None:
    assert wording.corrections(text) == pairs


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("I swim now instead.", True),
        ("I swim instead of running.", False),
        ("He goes to another minder now.", True),
    ],
)
def test_what_comes_instead(text: str, *, instead: bool) -> None:
    assert wording.comes_instead(text) is instead


@pytest.mark.parametrize(
    ("sentence", "relations"),
    [
        ("Meg has a new piano teacher, Mr Brandt.", ["Mr Brandt is Meg's piano teacher."]),
        ("So Max sees another childminder now, Nadia, next door.", ["Nadia is Max's childminder."]),
        ("Ann has a new colleague at work, her name is Mia", ["Mia is Ann's colleague."]),
        ("Ann has a new job, Monday to Friday", []),
        ("Ann has a new cold, Ben has one too", []),
        ("Ann met a doctor, Kate, on the train.", []),
        ("Ann has a new flat in Austin, Texas.", []),
        ("Ann has a sister in Hull, Ben and Tom have none", []),
        ("Mum has a new boss, Mr Hale.", ["Mr Hale is Mum's boss."]),
        ("Nobody has a new boss, Ben.", []),
        ("We has a new boss, Ben.", []),
    ],
)
def test_somebody_named_after_what_they_are_is_introduced(
    sentence: str, relations: list[str]
) -> None:
    assert wording.introduced(sentence) == relations


@pytest.mark.parametrize(
    ("sentence", "text", "told"),
    [
        ("Omar is Fay's husband.", "Fay is married to Omar now.", "Fay is married to Omar."),
        ("Omar is Fay's husband.", "Her husband is Omar.", "Omar is Fay's husband."),
        ("Omar is Fay's husband.", "Fay was married to Omar once.", "Omar is Fay's husband."),
    ],
)
def test_who_is_married_is_nobodys_husband_before_it_is_said(
    sentence: str, text: str, told: str
) -> None:
    assert wording.as_told(sentence, text) == told


@pytest.mark.parametrize(
    ("fact", "text", "only"),
    [
        ("Ann lives in flat 8.", "They offered Ann flat 8, no thanks", True),
        ("I live in flat 8.", "They offered me flat 8, no thanks", True),
        ("Ann has flat 8.", "They offered Ann flat 8, Ann said yes", False),
        ("Ann was offered flat 8.", "They offered Ann flat 8", False),
        (
            "Ann lives in Hull.",
            "Ann's flat in Hull is small but the landlord offers parking",
            False,
        ),
        ("Ann's mum lives in Hull.", "Ben offered Ann a lift to Hull, where her mum lives", False),
    ],
)
def test_what_is_only_offered_is_not_so(fact: str, text: str, *, only: bool) -> None:
    assert wording.is_only_offered(fact, text) == only


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("I like my terrace, so I'm staying in flat 3", True),
        ("I have moved, I'm staying in York now for good.", False),
        ("My son stays in York now", False),
    ],
)
def test_who_stays_where_they_are_keeps_it(text: str, *, keeps: bool) -> None:
    assert wording.keeps(text) == keeps


@pytest.mark.parametrize(
    ("former", "now", "value", "left"),
    [
        ("Ann has left Acme Foods.", "Ann is back at Acme.", "Acme", True),
        ("Ann no longer works at Acme.", "Ann is at Acme.", "at Acme", True),
        ("Ann lost a cat in Hull.", "Ann is in Hull.", "Hull", False),
        ("Ann has left Acme.", "Ann works at Acme.", "Acme", False),
    ],
)
def test_where_somebody_is_that_had_left(former: str, now: str, value: str, *, left: bool) -> None:
    assert wording.leaves_where(former, now, value) == left


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        ("I'm back at Acme", True),
        ("So I cycle to work again", True),
        ("I've moved back to Hull", True),
        ("Ben has returned to Acme", True),
        ("I took it back to the shop", False),
        ("Back in 2010 I lived in Hull", False),
        ("My back is the same as ever", False),
    ],
)
def test_what_is_so_again(text: str, *, returns: bool) -> None:
    assert wording.returns(text) == returns


@pytest.mark.parametrize(
    ("text", "after", "passes"),
    [
        ("I'm in Oslo for three weeks.", "", True),
        ("I'm borrowing Dad's Fiat.", "", True),
        ("I drive a Fiat.", "The garage has lent it to me.", True),
        ("I drive a Fiat.", "Dad lent me the money.", False),
        ("I've been in Oslo for three weeks.", "", False),
        ("I've worked at Acme for a month.", "", False),
        ("I'm at Acme for two weeks now.", "", False),
        ("I live in Oslo.", "", False),
    ],
)
def test_what_is_so_for_a_while(text: str, after: str, *, passes: bool) -> None:
    assert wording.passes(text, after) is passes


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("Ann has twisted her knee badly.", True),
        ("Ann has finished the carpet.", False),
        ("Ann has moved to Hull.", False),
        ("Ann has a broken leg.", False),
        ("Ann has been in Hull since May.", False),
    ],
)
def test_what_has_only_happened(text: str, *, only: bool) -> None:
    assert wording.only_happened(text) is only


@pytest.mark.parametrize(
    ("sentence", "question", "value"),
    [
        ("Ann's coworkers are Bo and Cy.", "Who are Ann's colleagues?", "Bo and Cy"),
        (
            "Ann works with Bo, Cy and Dr Hale now.",
            "Who are Ann's colleagues?",
            "Bo, Cy and Dr Hale",
        ),
        ("My kids are Bo and Cy", "Who are my children?", "Bo and Cy"),
        ("Ann's step-children are now Bo and Cy.", "Who are Ann's step-children?", "Bo and Cy"),
        ("Ann's parents-in-law are Bo and Cy.", "Who are Ann's parents-in-law?", "Bo and Cy"),
    ],
)
def test_a_list_of_all_who_are_something_to_somebody(
    sentence: str, question: str, value: str
) -> None:
    found = wording.whole_list(sentence)
    assert found is not None
    assert (found.question, found.value) == (question, value)


@pytest.mark.parametrize(
    "sentence",
    [
        "Ann works with Bo.",
        "Ann works with wood and metal.",
        "Ann's friends are kind and funny.",
        "Ann's friends are Bo and Cy.",
        "Ann's brothers are in Hull and York.",
        "Bo and Cy are Ann's colleagues.",
        "Ann's boats are Bo and Cy.",
    ],
)
def test_what_is_no_list_of_people(sentence: str) -> None:
    assert wording.whole_list(sentence) is None


@pytest.mark.parametrize(
    ("name", "kin"), [("siblings", True), ("kids", True), ("colleagues", False)]
)
def test_of_which_lists_nobody_is_struck(name: str, kin: bool) -> None:
    found = wording.whole_list(f"Ann's {name} are Bo and Cy.")
    assert found is not None
    assert found.of_kin == kin


def test_lists_are_the_same_if_each_has_what_the_other_has() -> None:
    assert wording.same_value("Bo and Cy", "Cy and Bo")
    assert wording.same_value("Bo", "Bo and Cy")
    assert not wording.same_value("Bo and Cy", "Bo, Cy and Di")


@pytest.mark.parametrize(
    ("text", "asked", "told"),
    [
        ("Because Ann's married to Bo, they get one card.", None, ["Ann is married to Bo."]),
        ("Ann and Bo got married on Saturday!", None, ["Ann is married to Bo."]),
        ("Ann has married Bo.", None, ["Ann is married to Bo."]),
        ("I'm married to Bo.", None, ["I am married to Bo."]),
        ("Yes, to Bo, on Saturday!", "Did Ann get married?", ["Ann is married to Bo."]),
        ("Ann's marriage to Bo is over.", None, ["Ann is no longer married to Bo."]),
        ("Ann divorced Bo.", None, ["Ann is no longer married to Bo."]),
        ("No, that's over.", "Is Ann still married to Bo?", ["Ann is no longer married to Bo."]),
        ("No.", "Is Ann married to Bo?", []),
        ("Ann and Bo split up.", None, []),
        ("Ann left Bo.", None, []),
        ("Today and Monday married well.", None, []),
        ("They got married.", None, []),
        ("Ann is married to Bo Smith.", None, ["Ann is married to Bo Smith."]),
        ("Ann is married to Bo Smith's brother.", None, []),
        ("Ann is married to Bo's brother.", None, []),
    ],
)
def test_who_is_married_is_told_in_many_words(
    text: str, asked: str | None, told: list[str]
) -> None:
    assert [wed.sentence for wed in wording.marriages(text, asked)] == told


def test_a_marriage_has_two_sides() -> None:
    wed = wording.marriage("Ann and Bo are married.")
    assert wed is not None
    assert wed.turned.sentence == "Bo is married to Ann."
    assert wed.turned.question == "Who is Bo married to?"
    assert wording.marriage("Ann is married to Bo and drives a van.") is None


def test_under_whom_somebody_works_is_their_boss() -> None:
    found = wording.relation("Ann works under Mr Hale now.")
    assert found is not None
    assert found.sentence == "Mr Hale is Ann's boss."


@pytest.mark.parametrize(
    ("sentence", "forbids"),
    [
        ("I work till six, don't ring before.", True),
        ("I left, don't work there any more.", False),
        ("Don't live in Hull.", False),
        ("I'm not in, so don't ring.", False),
    ],
)
def test_what_nobody_shall_do_says_nothing_of_what_is(sentence: str, forbids: bool) -> None:
    assert wording.only_forbids(sentence) == forbids
