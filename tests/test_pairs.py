"""Pairs of answers: as tokens, drawn by a rater, and what is refused."""

import numpy as np
import pytest
import torch

from rlbook.language.models import character_tokenizer, tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs, completions_of, encode_pairs, rate
from rlbook.language.rewards import TOY_WORDS
from rlbook.language.sampling import sample
from rlbook.language.texts import encode_completions

torch.set_num_threads(1)
WORDS = word_tokenizer(TOY_WORDS, end=".")
DIGITS = character_tokenizer("0123456789+=")


def tokens_of(tokenizer, tokens, mask):
    return [tokenizer.convert_ids_to_tokens(row[own].tolist()) for row, own in zip(tokens, mask)]


def test_what_was_sampled_is_read_as_it_was_written():
    model = tiny_gpt2(DIGITS, rng=np.random.default_rng(0), layers=1, width=16)
    prompts = ["1+2=", "10+20=", "7+8="]
    samples = sample(model, DIGITS, prompts, max_new_tokens=6, group_size=20, rng=np.random.default_rng(1))
    kept = [i for i, text in enumerate(samples.completions) if "<" not in text]
    asked = [prompts[i // 20] for i in kept]
    assert len(kept) > 5
    tokens, _, own = encode_completions(DIGITS, asked, [samples.completions[i] for i in kept], 6, "cpu")
    wrote = [samples.tokens[i][samples.mask[i]].tolist() for i in kept]
    assert [row[mask].tolist() for row, mask in zip(tokens, own)] == wrote


def test_pairs_become_rows_chosen_before_rejected():
    encoded = encode_pairs(WORDS, Pairs(["good .", "bad ."], ["good", "bad bad"], ["bad", ""], [1, 3]), "cpu")
    texts = tokens_of(WORDS, encoded.tokens, encoded.attention_mask)
    assert [" ".join(text) for text in texts] == ["good . good .", "bad . bad bad .", "good . bad .", "bad . ."]
    assert encoded.weights.tolist() == [1.0, 3.0]
    second = encoded.rows(torch.tensor([1]))
    assert torch.equal(second.tokens, encoded.tokens[[1, 3]]) and second.weights.tolist() == [3.0]
    assert encode_pairs(WORDS, Pairs(["bad ."], ["bad"], ["good"]), "cpu").weights.tolist() == [1.0]


def test_columns_of_a_table_are_taken_by_position():
    columns = [np.array(["good .", "bad ."]), ("good", "bad"), np.array(["bad", "good"], dtype=object)]
    one = encode_pairs(WORDS, Pairs(*columns), "cpu")
    two = encode_pairs(WORDS, Pairs(*map(list, columns)), "cpu")
    assert torch.equal(one.tokens, two.tokens)


def test_a_rater_chooses_with_the_probability_of_bradley_and_terry():
    count, gap = 40_000, np.log(4)
    pairs = rate(["p"] * count, ["a"] * count, ["b"] * count, np.full(count, gap), rng=np.random.default_rng(3))
    assert np.mean([text == "a" for text in pairs.chosen]) == pytest.approx(0.8, abs=6 * 0.002)
    pairs = rate(["p"] * count, ["a"] * count, ["b"] * count, [gap] * count, rng=np.random.default_rng(4), flipped=0.1)
    assert np.mean([text == "a" for text in pairs.chosen]) == pytest.approx(0.74, abs=6 * 0.0022)
    assert all({a, b} == {"a", "b"} for a, b in zip(pairs.chosen, pairs.rejected))


def test_a_rater_is_sure_of_a_large_gap_and_asks_the_generator():
    sure = rate(["p"] * 2, ["a", "b"], ["b", "a"], [5000.0, -5000.0], rng=np.random.default_rng(0))
    assert sure.chosen == ["a", "a"]
    draws = [rate(["p"] * 50, ["a"] * 50, ["b"] * 50, [0] * 50, rng=np.random.default_rng(s)).chosen for s in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_completions_of_whole_texts():
    assert completions_of(["1+2=", "3+4="], ["1+2=3", "3+4="]) == ["3", ""]


GOOD = Pairs(["good .", "bad ."], ["good", "bad"], ["bad", "good"])
BAD_PAIRS = [
    (list(GOOD), TypeError, r"pairs is .*, expected Pairs\(prompts, chosen, rejected\)"),
    (Pairs([], [], []), ValueError, "at least one"),
    (GOOD._replace(rejected=["bad"]), ValueError, "pairs.rejected has 1 entries, expected 2"),
    (GOOD._replace(chosen="good"), ValueError, "pairs.chosen is 'good', expected a list"),
    (GOOD._replace(chosen=["good", None]), ValueError, "completion 1 .* is None, expected a list of strings"),
    (
        GOOD._replace(rejected=["bad", "bad"]),
        ValueError,
        r"chosen\[1\] 'bad' and rejected\[1\] 'bad' are the same, expected",
    ),
    (GOOD._replace(chosen=["good", "fine"]), ValueError, "completion 1 is 'fine', expected one that the tokenizer can"),
    (GOOD._replace(chosen=["good", "bad ."]), ValueError, "completion 1 is 'bad .', expected it without the end token"),
    (GOOD._replace(weights=[1.0, np.nan]), ValueError, r"pairs.weights\[1\] is nan, expected finite numbers"),
    (
        GOOD._replace(weights=[1.0, -1.0]),
        ValueError,
        r"pairs.weights\[1\] is -1.0, expected finite numbers, at least 0",
    ),
    (GOOD._replace(weights=[0.0, 0.0]), ValueError, "pairs.weights are all 0"),
    (GOOD._replace(weights=[1.0]), ValueError, r"pairs.weights has shape \(1,\), expected \(2,\)"),
    (GOOD._replace(weights=["a", "b"]), ValueError, "pairs.weights is .*, expected real numbers"),
]


@pytest.mark.parametrize("pairs, error, message", BAD_PAIRS, ids=range(len(BAD_PAIRS)))
def test_what_are_no_pairs_is_refused(pairs, error, message):
    with pytest.raises(error, match=message) as caught:
        encode_pairs(WORDS, pairs, "cpu")
    assert len(str(caught.value)) < 500


def test_pairs_that_are_equal_once_they_are_cut_off_are_refused():
    pairs = Pairs(["good ."], ["very good"], ["very bad"])
    encode_pairs(WORDS, pairs, "cpu", max_new_tokens=2)
    with pytest.raises(
        ValueError, match=r"'very good' and .* 'very bad' are the same in their first 1 tokens, expected"
    ):
        encode_pairs(WORDS, pairs, "cpu", max_new_tokens=1)


BAD_RATINGS = [
    (dict(flipped=0.6), r"flipped is 0.6, expected a number in \[0, 0.5\]"),
    (dict(gaps=[0.0]), r"gaps has shape \(1,\), expected \(2,\)"),
    (dict(gaps=[[0.0], [1.0]]), r"gaps has shape \(2, 1\)"),
    (dict(second=["b"]), "second has 1 entries, expected 2"),
    (dict(gaps=["x", "y"]), "gaps is .*, expected real numbers"),
    (dict(gaps=[0.0, np.nan]), r"gaps\[1\] is nan, expected finite numbers"),
]


@pytest.mark.parametrize("changed, message", BAD_RATINGS, ids=range(len(BAD_RATINGS)))
def test_what_cannot_be_rated_is_refused(changed, message):
    given = dict(prompts=["p", "q"], first=["a", "a"], second=["b", "b"], gaps=[0.0, 1.0], rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        rate(**(given | dict(rng=rng) | changed))
    assert rng.random() == np.random.default_rng(0).random()  # nothing was drawn


def test_a_text_that_does_not_begin_with_its_prompt_is_refused():
    with pytest.raises(ValueError, match="text 1 is '9\\+4=13', expected one that begins with its prompt, '3\\+4='"):
        completions_of(["1+2=", "3+4="], ["1+2=3", "9+4=13"])
    with pytest.raises(ValueError, match="texts has 1 entries, expected 2"):
        completions_of(["1+2=", "3+4="], ["1+2=3"])
