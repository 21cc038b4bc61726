"""Best of n: exact probabilities against all draws written out, and estimates against these."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from scipy import integrate, stats  # noqa: E402

from rlbook.language import exact  # noqa: E402
from rlbook.language.best_of_n import best_of_n, draw_best, expected_best, kl_of_best_of_n  # noqa: E402
from rlbook.language.models import tiny_gpt2, word_tokenizer  # noqa: E402
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement  # noqa: E402

NORMAL = 20_001  # points of a normal distribution, as good as continuous for n up to 16


def log(rows):
    return torch.tensor(np.array(rows), dtype=torch.float64).log()


def by_all_draws(p, scores, n):
    """The probability that each completion is the best of n, the first one of equals: all N^n draws."""
    kept = np.zeros(len(p))
    for draw in itertools.product(range(len(p)), repeat=n):
        kept[max(draw, key=lambda i: scores[i])] += np.prod(p[list(draw)])
    return kept


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("scores", [[0.3, -1.0, 2.0, 0.5], [1.0, 0.0, 1.0, 0.0], [2.0, 2.0, 2.0, 2.0], [-3.0, 0, 0, 5]])
def test_exact_best_of_n_is_the_sum_over_all_draws(n, scores):
    p = np.array([0.1, 0.4, 0.3, 0.2])
    kept = best_of_n(log([p, p[::-1].copy()]), torch.tensor([scores, scores], dtype=torch.float64), n).exp().numpy()
    np.testing.assert_allclose(kept[0], by_all_draws(p, scores, n), atol=1e-12)
    np.testing.assert_allclose(kept[1], by_all_draws(p[::-1], scores, n), atol=1e-12)


def test_what_is_never_drawn_is_never_kept():
    kept = best_of_n(log([[0.5, 0.5, 0.0]]), torch.tensor([[0.0, 1.0, 9.0]]), 3)
    assert kept.exp().tolist() == [pytest.approx([0.125, 0.875, 0.0])] and kept[0, 2] == -math.inf


def test_a_hack_of_probability_e_is_kept_with_one_less_none_in_n():
    """References: P(hack) = 1 - (1 - e)^n is .096, .634, .993 for n = 10, 100, 500 at e = .01."""
    for n, expected in {10: 0.096, 100: 0.634, 500: 0.993}.items():
        kept = best_of_n(log([[0.01, 0.6, 0.39]]), torch.tensor([[5.0, 1.0, 0.0]]), n).exp()
        assert float(kept[0, 0]) == pytest.approx(1 - 0.99**n) == pytest.approx(expected, abs=5e-4)


def test_normal_scores_have_the_known_best_kl_and_win_rate():
    """The expected best of n normals, by an integral; KL = log n - (n - 1)/n; the win rate n/(n + 1)."""
    scores = torch.tensor(stats.norm.ppf((np.arange(NORMAL) + 0.5) / NORMAL))[None]
    logp = torch.full_like(scores, -math.log(NORMAL))
    for n, known in {2: 0.564, 4: 1.029, 8: 1.424, 16: 1.766}.items():
        kept = best_of_n(logp, scores, n)
        best = integrate.quad(lambda x, n=n: n * x * stats.norm.cdf(x) ** (n - 1) * stats.norm.pdf(x), -10, 10)[0]
        assert float((kept.exp() * scores).sum()) == pytest.approx(best, abs=2e-3) == pytest.approx(known, abs=2e-3)
        assert float(exact.kl_divergence(kept, logp)) == pytest.approx(kl_of_best_of_n(n), abs=1e-3)
        below = kept.exp().cumsum(1) - kept.exp() / 2
        assert 1 - float(below.mean()) == pytest.approx(n / (n + 1), abs=1e-3)


def test_equal_scores_make_the_divergence_smaller():
    logp, scores = log([[0.25] * 4]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    for n in (2, 3.5, 10):
        assert 0 < float(exact.kl_divergence(best_of_n(logp, scores, n), logp)) < kl_of_best_of_n(n)


def test_estimate_is_the_mean_over_all_choices():
    rng = np.random.default_rng(3)
    scores, values = rng.integers(0, 4, size=(3, 7)).astype(float), rng.normal(size=(3, 7))
    for n in range(1, 8):
        for row, found in enumerate(expected_best(scores, values, n)):
            best = []
            for choice in itertools.combinations(range(7), n):
                top = max(scores[row, list(choice)])
                equal = [i for i in choice if scores[row, i] == top]
                best.append(values[row, equal].mean())
            # equal scores share what falls to them over all choices, as within each
            assert found == pytest.approx(np.mean(best), abs=1e-12)


def test_estimate_of_marks_is_pass_at_k():
    """1 - C(n - c, k) / C(n, k) for n = 5, c = 2, k = 3: .9."""
    marks = np.array([[0, 1, 0, 1, 0]])
    assert expected_best(marks, marks, 3) == pytest.approx([0.9])


def test_estimate_is_unbiased_for_the_exact_best_of_n():
    """The mean over 4,000 sets of 6 draws is within five standard errors of the sum over all completions."""
    rng, p = np.random.default_rng(5), np.array([0.1, 0.4, 0.3, 0.2])
    scores, values = np.array([3.0, 0.0, 1.0, 1.0]), np.array([-2.0, 0.5, 1.0, 4.0])
    drawn = rng.choice(4, size=(4000, 6), p=p)
    for n in (1, 3, 6):
        estimates = expected_best(scores[drawn], values[drawn], n)
        kept = best_of_n(log([p]), torch.tensor(scores)[None], n).exp()[0].numpy()
        error = estimates.std() / math.sqrt(4000)
        assert abs(estimates.mean() - kept @ values) < 5 * error


@pytest.fixture(scope="module")
def toy():
    words = word_tokenizer(TOY_WORDS, ".")
    return tiny_gpt2(words, layers=1, width=16, rng=np.random.default_rng(0)), words


def test_drawn_best_is_the_best_of_what_was_drawn(toy):
    settings = dict(n=5, max_new_tokens=TOY_LENGTH, rng=np.random.default_rng(1))
    kept = draw_best(*toy, TOY_PROMPTS, agreement, **settings)
    scores = np.array(agreement(np.repeat(TOY_PROMPTS, 5).tolist(), kept.drawn)).reshape(3, 5)
    assert (kept.drawn_scores == scores).all() and (kept.scores == scores.max(1)).all()
    assert kept.completions == [kept.drawn[5 * row + scores[row].argmax()] for row in range(3)]


def test_drawn_best_is_distributed_as_the_exact_one(toy):
    model, words = toy
    language = exact.enumerate_language(words, TOY_PROMPTS, TOY_LENGTH)
    rewards = exact.language_rewards(agreement, language)
    with torch.no_grad():
        logp = exact.language_logprobs(model, language)
    expected = (best_of_n(logp, rewards, 4).exp() * rewards).sum(1).numpy()
    settings = dict(n=4, max_new_tokens=TOY_LENGTH, rng=np.random.default_rng(2))
    drawn = draw_best(model, words, list(TOY_PROMPTS) * 400, agreement, **settings).scores.reshape(400, 3)
    assert (abs(drawn.mean(0) - expected) < 5 * drawn.std(0) / 20).all()


def test_columns_go_with_their_prompts(toy):
    def score(prompts, completions, offset, **columns):
        return [float(o) for o in offset]

    settings = dict(n=2, max_new_tokens=TOY_LENGTH, rng=np.random.default_rng(1), columns={"offset": [1, 2, 3]})
    kept = draw_best(*toy, TOY_PROMPTS, score, **settings)
    assert kept.drawn_scores.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert kept.completions == kept.drawn[::2]  # of equals the one that was drawn first


LOGP, SCORES = log([[0.5, 0.5]]), torch.zeros(1, 2)
WRONG = {
    "n below 1": (lambda: best_of_n(LOGP, SCORES, 0), "n is 0"),
    "n a text": (lambda: best_of_n(LOGP, SCORES, "4"), "n is '4'"),
    "other shapes": (lambda: best_of_n(LOGP, SCORES[:, :1], 2), "scores"),
    "a score that is none": (lambda: best_of_n(LOGP, SCORES * math.nan, 2), r"scores\[0, 0\] is nan"),
    "the divergence of none": (lambda: kl_of_best_of_n(0.5), "n is 0.5"),
    "more than there are": (lambda: expected_best(np.zeros((1, 3)), np.zeros((1, 3)), 4), "n is 4"),
    "none of them": (lambda: expected_best(np.zeros((1, 3)), np.zeros((1, 3)), 0), "n is 0"),
    "half of one": (lambda: expected_best(np.zeros((1, 3)), np.zeros((1, 3)), 1.5), "n is 1.5"),
    "one row": (lambda: expected_best(np.zeros(3), np.zeros(3), 1), r"shape \(3,\)"),
    "unequal": (lambda: expected_best(np.zeros((1, 3)), np.zeros((2, 3)), 1), r"\(2, 3\)"),
    "an infinite value": (
        lambda: expected_best(np.zeros((1, 2)), np.array([[0, math.inf]]), 1),
        r"values\[0, 1\] is inf",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_in_one_sentence(case):
    call, words = WRONG[case]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert len(str(caught.value)) < 500


def test_drawn_best_refuses_before_it_draws(toy):
    good = dict(n=2, max_new_tokens=TOY_LENGTH, rng=np.random.default_rng(1))
    for wrong, words in [({"n": 0}, "n is 0"), ({"columns": {"answer": [1]}}, "answer")]:
        with pytest.raises(ValueError, match=words):
            draw_best(*toy, TOY_PROMPTS, agreement, **good | wrong)
    assert good["rng"].random() == np.random.default_rng(1).random()
