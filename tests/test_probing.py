"""Linear probes: planted directions are found, labels without meaning are not, and an edit reaches what follows."""

import numpy as np
import pytest
import torch

from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.probing import Probe, edited, explained, fit_probe, hidden_states, without
from rlbook.language.rewards import TOY_WORDS
from rlbook.language.texts import encode

torch.set_num_threads(1)
TOKENIZER = word_tokenizer(TOY_WORDS, end=".")
MODEL = tiny_gpt2(TOKENIZER, layers=2, width=16, rng=np.random.default_rng(0)).double()
TOKENS, THERE = encode(TOKENIZER, ["good .", "not very bad ."], "cpu")


def cloud(seed, count, width=6):
    return np.random.default_rng(seed).normal(size=(count, width)) * [1, 2, 3, 0.1, 10, 1]


def test_a_planted_direction_is_found():
    features = cloud(0, 400)
    weights = np.array([0.5, -1, 0, 7, 0.2, 0])
    probe = fit_probe(features, features @ weights + 3, ridge=1e-9)
    np.testing.assert_allclose(probe.weights, weights, rtol=1e-3, atol=1e-4)
    assert probe.bias == pytest.approx(3, abs=1e-3) and explained(probe, features, features @ weights + 3) > 1 - 1e-6


def test_the_share_explained_is_that_of_signal_and_noise():
    """A target of variance 1 with noise of variance 3: a quarter can be explained, of texts not seen too."""
    features, noise = cloud(1, 40_000), np.random.default_rng(2).normal(size=40_000) * np.sqrt(3)
    targets = features[:, 0] + noise
    probe = fit_probe(features[:20_000], targets[:20_000])
    assert explained(probe, features[20_000:], targets[20_000:]) == pytest.approx(0.25, abs=0.03)


def test_labels_without_meaning_are_explained_only_where_they_were_fitted():
    """Of N labels and D features, least squares explains D / (N - 1) of what it was fitted to, on average."""
    rng = np.random.default_rng(3)
    seen, unseen = [], []
    for _ in range(200):
        features, targets = rng.normal(size=(60, 20)), rng.normal(size=60)
        probe = fit_probe(features[:40], targets[:40], ridge=1e-9)
        seen.append(explained(probe, features[:40], targets[:40]))
        unseen.append(explained(probe, features[40:], targets[40:]))
    assert np.mean(seen) == pytest.approx(20 / 39, abs=0.03) and np.mean(unseen) < 0


def test_the_ridge_is_in_units_of_the_features():
    features, targets = cloud(4, 50), np.random.default_rng(5).normal(size=50)
    first, scaled = fit_probe(features, targets, ridge=0.3), fit_probe(1000 * features, targets, ridge=0.3)
    np.testing.assert_allclose(first.weights, 1000 * scaled.weights)
    assert np.abs(fit_probe(features, targets, ridge=1e6).weights).max() < 1e-4


def test_more_features_than_texts_have_an_answer():
    features = np.random.default_rng(6).normal(size=(5, 30))
    assert np.isfinite(fit_probe(features, np.arange(5.0)).weights).all()


def test_a_direction_is_taken_away_and_nothing_else():
    direction, features = np.array([0.0, 3, 0, 0, 4, 0]), cloud(7, 10)
    left = without(features, direction)
    np.testing.assert_allclose(left @ direction, 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.matrix_rank(features - left), 1)
    np.testing.assert_allclose(without(torch.tensor(features), torch.tensor(direction)), left)


def test_hidden_states_are_the_models_and_padding_changes_none():
    for layer in range(3):
        states = hidden_states(MODEL, TOKENS, THERE, layer)
        assert states.shape == (2, 4, 16)
        alone = hidden_states(MODEL, *encode(TOKENIZER, ["good ."], "cpu"), layer)
        np.testing.assert_allclose(states[0, 2:], alone[0], atol=1e-9)
    last = hidden_states(MODEL, TOKENS, THERE, 2)
    logits = MODEL(TOKENS, attention_mask=THERE.long(), position_ids=torch.tensor([[0, 0, 0, 1], [0, 1, 2, 3]])).logits
    np.testing.assert_allclose((last @ MODEL.lm_head.weight.T).detach(), logits.detach(), atol=1e-9)


def test_an_edit_reaches_what_follows_and_is_gone_afterwards():
    before = [hidden_states(MODEL, TOKENS, THERE, layer) for layer in range(3)]
    with edited(MODEL, 1, lambda hidden: -hidden):  # to add a constant would change nothing: LayerNorm takes it away
        inside = [hidden_states(MODEL, TOKENS, THERE, layer) for layer in range(3)]
    assert torch.equal(inside[0], before[0]) and not torch.allclose(inside[2], before[2])
    with edited(MODEL, 2, lambda hidden: hidden):
        assert torch.equal(hidden_states(MODEL, TOKENS, THERE, 2), before[2])
    assert torch.equal(hidden_states(MODEL, TOKENS, THERE, 2), before[2])


def test_an_edit_is_taken_back_where_something_fails():
    before = hidden_states(MODEL, TOKENS, THERE, 2)
    with pytest.raises(KeyError), edited(MODEL, 1, lambda hidden: -hidden):
        raise KeyError
    assert torch.equal(hidden_states(MODEL, TOKENS, THERE, 2), before)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_probe(np.zeros(3), np.zeros(3)), r"features have shape \(3,\)"),
        (lambda: fit_probe(np.zeros((3, 2)), np.zeros(2)), r"targets \(2,\), expected \(N, D\) and \(N,\)"),
        (lambda: fit_probe(np.zeros((1, 2)), np.zeros(1)), "fewer than two texts"),
        (lambda: fit_probe(np.full((3, 2), np.nan), np.zeros(3)), "nan or inf"),
        (lambda: fit_probe(np.zeros((3, 2)), np.zeros(3), ridge=0.0), "ridge is 0.0, expected a finite number above 0"),
        (lambda: explained(Probe(np.ones(2), 0.0), np.ones((3, 2)), np.ones(3)), "targets are all 1"),
        (
            lambda: hidden_states(MODEL, TOKENS, THERE, 3),
            "layer is 3, expected a whole number, at least 0 and at most 2",
        ),
        (lambda: hidden_states(MODEL, TOKENS, THERE[:1], 1), r"attention_mask has shape \(1, 4\)"),
        (lambda: edited(MODEL, 0, abs).__enter__(), "layer is 0, expected a whole number, at least 1"),
    ],
)
def test_what_cannot_be_probed_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
