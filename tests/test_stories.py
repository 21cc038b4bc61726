"""Stories: what is told can be read again, what the grammar cannot tell is not grammatical, rewards by hand."""

import re

import numpy as np
import pytest

from rlbook.language import stories
from rlbook.language.stories import (
    BAD,
    END,
    GOOD,
    MOST_TOKENS,
    WORDS,
    Story,
    cheerful,
    distinct,
    draw_story,
    grammatical,
    mood,
    openings,
    positive,
    question,
    read_story,
    tell,
)

TOLD = (
    "once there was a shy fox named tom . one rainy day it went to the river . it lost a blue kite . it was sad . "
    "then it found the kite . it was happy . in the end tom danced ."
)


def test_the_facts_of_a_story_by_hand():
    assert read_story(TOLD) == Story(
        *("shy", "fox", "tom", "rainy", "river", "blue", "kite"), ("lost", "found"), ("sad", "happy"), "danced"
    )


def test_what_is_told_can_be_read_and_told_again():
    rng = np.random.default_rng(0)
    told = [draw_story(rng) for _ in range(2000)]
    assert [tell(read_story(text)) for text in told] == told
    assert set(" ".join(told).split()) == set(WORDS) - {END, "?", "is", "or"}  # which stand in a question


@pytest.mark.parametrize(
    "of, by",
    [
        ("fox", "girl"),  # tom is none, and it would be she
        ("fox", "boy"),  # it would be he
        ("it lost", "he lost"),
        ("then it", "then she"),
        ("found the kite", "found the shell"),
        ("found the kite", "found a kite"),
        ("tom danced", "ben danced"),
        ("tom danced", "tom happy"),
        ("it was happy . ", ""),
        ("danced .", "danced"),
        ("danced .", "danced . in the end tom danced ."),
        ("danced .", "danced . "),
        ("then it found", "it found"),
        ("it lost", "it mended"),  # at first there is nothing to mend
        ("one rainy day", "one day"),
        (" . one", "  . one"),
        ("danced", "danced danced danced"),
    ],
)
def test_what_the_grammar_cannot_tell_is_not_grammatical(of, by):
    assert TOLD.count(of) == 1
    assert read_story(TOLD.replace(of, by)) is None


def test_moods_by_hand():
    assert mood(TOLD) == pytest.approx(1 / 3)  # happy and danced over sad
    completions = [
        "it was sad .",
        "danced danced",
        "it was glad . it was angry .",
        "one day .",
        "danced wept sang sang",
    ]
    assert cheerful([""] * 5, completions) == [-1, 1, 0, 0, 0.5]
    assert positive([""] * 5, completions) == [0, 1, 0, 0, 1]
    assert not GOOD & BAD


def test_rewards_see_prompt_and_completion_as_one_story():
    opening, rest = TOLD[: TOLD.index(" one")], TOLD[TOLD.index("one") :]
    assert grammatical([opening, opening, TOLD], [rest, rest[:-1], ""]) == [1, 0, 0]


def test_openings_are_held_out_with_all_their_words_in_both_parts():
    held_out, others = openings(held_out=True), openings(held_out=False)
    assert len(held_out) == 40 and len(others) == 160
    assert len({*held_out, *others}) == 200
    assert set(" ".join(held_out).split()) == set(" ".join(others).split())
    rng = np.random.default_rng(0)
    begins = {re.match(r"[^.]*\.", draw_story(rng)).group() for _ in range(4000)}
    assert begins == set(others)


def test_a_story_fits_into_the_tokens_that_it_may_have():
    rng = np.random.default_rng(0)
    lengths = [len(re.sub(r"^[^.]*\. ", "", draw_story(rng)).split()) for _ in range(500)]
    assert max(lengths) + 1 == MOST_TOKENS


def test_moods_are_as_probable_as_the_constants_say():
    rng = np.random.default_rng(1)
    facts = [read_story(draw_story(rng)) for _ in range(8000)]
    first = np.mean([story.events[0] in stories.GOOD_EVENTS for story in facts])
    two = np.mean([len(story.events) == 2 for story in facts])
    as_felt = np.mean([(story.ending in GOOD) == (story.feelings[-1] in GOOD) for story in facts])
    error = 5 * 0.5 / np.sqrt(8000)
    assert first == pytest.approx(stories.GOOD_AT_FIRST, abs=error)
    assert two == pytest.approx(stories.TWO_EVENTS, abs=error)
    assert as_felt == pytest.approx(stories.AS_EXPECTED, abs=error)


@pytest.mark.parametrize(
    "texts, n, share",
    [
        (["she sang . she sang ."], 2, 3 / 5),  # she sang, sang ., . she
        (["it danced .", "it danced ."], 2, 1 / 2),
        (["it danced .", "it sang ."], 2, 1),
        (["it danced .", "it sang ."], 1, 4 / 6),
        (["danced danced danced danced"], 3, 1 / 2),
        (["danced", ""], 2, 0),
    ],
)
def test_distinct_is_the_share_of_different_runs_of_words(texts, n, share):
    assert distinct(texts, n) == pytest.approx(share)


def test_a_question_names_the_words_in_order():
    assert question("it sang .", "sad", "happy") == "is it sad or happy ? it sang . it is"


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: mood(None), "text is None, expected a string"),
        (lambda: read_story(3), "text is 3"),
        (lambda: cheerful(["a"], [None]), r"completions\[0\] is None, expected a string"),
        (lambda: distinct(["a", 3]), r"texts\[1\] is 3"),
        (lambda: distinct(["a b"], 0), "n is 0, expected a whole number"),
        (lambda: grammatical(["a"], ["a", "b"]), "prompts has 1 entries, expected 2"),
    ],
)
def test_what_is_no_text_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_draws_need_a_generator():
    with pytest.raises(TypeError, match="rng is 3, expected a numpy Generator"):
        draw_story(3)
