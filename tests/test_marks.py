"""Marks that are flipped, freed of flips, or may be withheld: their means by hand and by counting."""

import numpy as np
import pytest

from rlbook.language.marks import allowing_silence, flipped, freed_of_flips, risk_coverage
from rlbook.language.rewards import exact_match

RATES = dict(false_positive=0.1, false_negative=0.2)


def right(prompts, completions, **columns):
    return [float(text == "yes") for text in completions]


def test_marks_are_flipped_as_often_as_told_and_anew_each_time():
    noisy = flipped(right, **RATES, rng=np.random.default_rng(0))
    texts = ["yes", "no"] * 20_000
    first, second = (np.array(noisy([""] * len(texts), texts)) for _ in range(2))
    for marks in (first, second):
        assert marks[::2].mean() == pytest.approx(0.8, abs=0.015)
        assert marks[1::2].mean() == pytest.approx(0.1, abs=0.012)
        assert set(marks) == {0.0, 1.0}
    assert (first != second).any()
    again = flipped(right, **RATES, rng=np.random.default_rng(0))
    assert again([""] * len(texts), texts) == first.tolist()


def test_the_surrogates_of_the_paper_and_their_mean():
    """False positives .1, false negatives .2: .9/.7 for a 1 and -.1/.7 for a 0, and unbiased for both truths."""
    surrogate = freed_of_flips(right, **RATES)
    one, zero = surrogate(["", ""], ["yes", "no"])
    assert one == pytest.approx(1.2857, abs=1e-4) and zero == pytest.approx(-0.1429, abs=1e-4)
    assert 0.8 * one + 0.2 * zero == pytest.approx(1) and 0.1 * one + 0.9 * zero == pytest.approx(0, abs=1e-12)


def test_without_flips_nothing_changes():
    none = dict(false_positive=0, false_negative=0)
    for wrapped in (flipped(right, **none, rng=np.random.default_rng(1)), freed_of_flips(right, **none)):
        assert wrapped(["", ""], ["yes", "no"]) == [1.0, 0.0]


def test_the_columns_reach_the_reward_function():
    given = dict(prompts=["1+1=", "1+2="], completions=["2", "4"], answer=["2", "3"])
    assert freed_of_flips(exact_match, **RATES)(**given)[0] > 1
    assert allowing_silence(exact_match, wrong=2.0)(**given) == [1.0, -2.0]
    assert sorted(flipped(exact_match, false_positive=1, false_negative=1, rng=np.random.default_rng(0))(**given)) == [
        0,
        1,
    ]


def test_silence_is_worth_0_whatever_the_marks_say():
    reward = allowing_silence(right, wrong=3, silence="pass")
    assert reward([""] * 3, ["yes", "no", "pass"]) == [1.0, -3.0, 0.0]
    assert allowing_silence(lambda prompts, completions: [1.0], wrong=3)([""], [""]) == [0.0]


def test_risk_and_coverage_by_hand():
    """Sure of .9 and right; twice .6, right and wrong; .2 and wrong."""
    found = risk_coverage([0.6, 0.9, 0.2, 0.6], [True, True, False, False])
    np.testing.assert_allclose(found.limit, [0.9, 0.6, 0.2])
    np.testing.assert_allclose(found.coverage, [0.25, 0.75, 1.0])
    np.testing.assert_allclose(found.risk, [0, 1 / 3, 1 / 2])


def test_who_knows_what_is_known_never_risks_more_by_answering_less():
    rng = np.random.default_rng(4)
    chance = rng.random(20_000)
    found = risk_coverage(chance, rng.random(20_000) < chance)
    some = found.risk[::2000][1:]
    assert (np.diff(some) > -0.02).all() and found.risk[-1] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: flipped(right, false_positive=1.1, false_negative=0, rng=np.random.default_rng(0)), ValueError, "1.1"),
        (lambda: flipped(right, **RATES, rng=0), TypeError, "rng is 0"),
        (
            lambda: flipped(None, **RATES, rng=np.random.default_rng(0)),
            TypeError,
            "reward is None, expected a function",
        ),
        (lambda: freed_of_flips(right, false_positive=0.5, false_negative=0.5), ValueError, "is 0.0, expected"),
        (lambda: freed_of_flips(right, false_positive=-0.1, false_negative=0), ValueError, "false_positive is -0.1"),
        (
            lambda: freed_of_flips(lambda prompts, completions: [0.5], **RATES)([""], [""]),
            ValueError,
            "0.5, expected 0 or 1",
        ),
        (lambda: allowing_silence(right, wrong=-1), ValueError, "wrong is -1"),
        (lambda: allowing_silence(right, wrong=1, silence=None), ValueError, "silence is None"),
        (lambda: risk_coverage([0.1], [True, False]), ValueError, r"right \(2,\), expected \(N,\)"),
        (lambda: risk_coverage([], []), ValueError, "at least one answer"),
    ],
)
def test_what_cannot_be_marked_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
