"""DPO: the trainer against the exact gradient and the exact optimum, its records, what it refuses."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch

from rlbook.language.exact import enumerate_language, flat_gradient, language_logprobs
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs, encode_pairs
from rlbook.language.preferences import add_gradient, dpo, dpo_loss, ipo_loss, normalised_dpo_loss, score_pairs
from rlbook.language.rewards import TOY_LENGTH, TOY_WORDS
from rlbook.training import resume, save

torch.set_num_threads(1)
PAIRS = Pairs(  # of unequal lengths, after prompts of unequal lengths; the last is cut off
    ["good .", "not very good .", "bad .", "good ."],
    ["very good", "bad", "", "good good good good"],
    ["bad", "very very good", "good", "not"],
)


def toy(seed=0):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    return tiny_gpt2(tokenizer, rng=np.random.default_rng(seed)), tokenizer


def run(seed=0, model=None, pairs=PAIRS, **changed):
    """A training of few steps on the pairs, not started, and its model."""
    own, tokenizer = toy(seed)
    model = own if model is None else model
    settings = {
        "steps": 3,
        "max_new_tokens": TOY_LENGTH,
        "pairs_per_step": 2,
        "rng": np.random.default_rng(0),
    } | changed
    optimizer = settings.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.5)
    return dpo(model, settings.pop("tokenizer", tokenizer), pairs, optimizer, **settings), model


def enumerated(model, tokenizer, pairs=PAIRS):
    """The log-probabilities (N, 2) of both completions of each pair, looked up among all completions."""
    prompts = list(dict.fromkeys(pairs.prompts))
    language = enumerate_language(tokenizer, prompts, TOY_LENGTH)
    place = {text: i for i, text in enumerate(language.completions)}
    logp = language_logprobs(model, language)
    return torch.stack(
        [
            torch.stack([logp[prompts.index(x), place[c]], logp[prompts.index(x), place[r]]])
            for x, c, r in zip(*pairs[:3])
        ]
    )


# The step


@pytest.mark.parametrize("loss", [dpo_loss, ipo_loss])
@pytest.mark.parametrize("rows_at_once", [None, 2, 6])
def test_the_gradient_of_a_step_is_that_of_the_loss_of_enumerated_probabilities(loss, rows_at_once):
    model, tokenizer = toy()
    weights = [1.0, 0.5, 2.0, 0.25]
    pairs = encode_pairs(tokenizer, PAIRS._replace(weights=weights), "cpu", max_new_tokens=TOY_LENGTH)
    reference = enumerated(*toy(1)).detach()
    how = dict(loss=partial(loss, beta=0.7), rows_at_once=rows_at_once)
    total, log_ratios = add_gradient(model, pairs, reference, **how)
    found = torch.cat([p.grad.flatten() for p in model.parameters()])
    logp = enumerated(model, tokenizer)
    expected = loss(*logp.T, *reference.T, beta=0.7, weights=torch.tensor(weights))
    assert total == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(found, flat_gradient(expected, model), atol=1e-5)
    assert np.allclose(log_ratios, (logp.detach() - reference).numpy(), atol=1e-5)


def test_per_token_is_the_normalised_loss():
    model, tokenizer = toy()
    pairs = encode_pairs(tokenizer, PAIRS, "cpu", max_new_tokens=TOY_LENGTH)
    reference = enumerated(*toy(1)).detach()
    total, _ = add_gradient(model, pairs, reference, loss=partial(dpo_loss, beta=0.7), per_token=True)
    found = torch.cat([p.grad.flatten() for p in model.parameters()])
    logp, lengths = enumerated(model, tokenizer), torch.tensor([[3, 2], [2, 4], [1, 2], [4, 2]])
    expected = normalised_dpo_loss(
        *logp.T, *reference.T, chosen_length=lengths[:, 0], rejected_length=lengths[:, 1], beta=0.7
    )
    assert total == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(found, flat_gradient(expected, model), atol=1e-5)


def test_pairs_are_scored_as_enumerated():
    model, tokenizer = toy()
    pairs = encode_pairs(tokenizer, PAIRS, "cpu", max_new_tokens=TOY_LENGTH)
    for rows_at_once in (None, 2, 6):
        found = score_pairs(model, pairs, rows_at_once=rows_at_once)
        assert torch.allclose(found, enumerated(model, tokenizer).detach(), atol=1e-5)


# The training


def test_the_first_record_is_that_of_the_reference():
    training, _ = run()
    record = next(training)
    assert record.step == 1 and record.loss == pytest.approx(math.log(2), abs=1e-6)
    assert record.margins.tolist() == [0, 0] and record.accuracy == 0
    assert record.chosen_log_ratio == record.rejected_log_ratio == 0 and record.gradient_norm > 0.001


def test_a_record_says_what_its_pairs_were_worth_before_the_step():
    reference = enumerated(*toy()).detach()
    training, model = run(steps=4, beta=0.3)
    for _ in range(3):
        next(training)
    ratios = (enumerated(model, toy()[1]).detach() - reference).double().numpy()
    record = next(training)
    ratios = ratios[record.pairs]
    margins = 0.3 * (ratios[:, 0] - ratios[:, 1])
    assert np.allclose(record.margins, margins, atol=1e-5) and len(set(record.pairs)) == 2
    assert record.accuracy == (margins > 0).mean()
    assert record.loss == pytest.approx(np.log1p(np.exp(-margins)).mean(), abs=1e-5)
    assert [record.chosen_log_ratio, record.rejected_log_ratio] == pytest.approx(ratios.mean(0).tolist(), abs=1e-5)


def test_another_reference_counts_and_stays_as_it_is():
    other, tokenizer = toy(5)
    before = copy.deepcopy(other.state_dict())
    training, model = run(reference=other.train(), beta=1.0, pairs_per_step=4)
    ratios = (enumerated(model, tokenizer) - enumerated(other.eval(), tokenizer)).detach().numpy()
    record = next(training)
    assert np.allclose(record.margins, (ratios[:, 0] - ratios[:, 1])[record.pairs], atol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


def test_a_pair_of_weight_0_is_never_drawn():
    training, _ = run(steps=10, pairs=PAIRS._replace(weights=[1, 0, 2, 0.5]), pairs_per_step=2)
    assert {int(pair) for record in training for pair in record.pairs} == {0, 2, 3}


def test_the_reference_is_asked_in_pieces_as_at_once():
    one, two = (next(run(reference=toy(3)[0], pairs_per_step=4, rows_at_once=rows)[0]) for rows in (None, 2))
    assert np.allclose(one.margins, two.margins, atol=1e-6) and one.gradient_norm == pytest.approx(
        two.gradient_norm, rel=1e-4
    )


def test_the_rng_decides_which_pairs_and_no_global_generator_does():
    torch.manual_seed(1)
    one = [record.pairs.tolist() for record in run()[0]]
    torch.manual_seed(2)
    assert one == [record.pairs.tolist() for record in run()[0]]
    assert one != [record.pairs.tolist() for record in run(rng=np.random.default_rng(5), steps=3)[0]]


def test_a_resumed_training_keeps_its_reference(tmp_path):
    """The model of the new training has moved; its reference is the one that was saved."""
    training, _ = run(steps=6)
    for _ in range(3):
        next(training)
    save(training, tmp_path / "file")
    expected = [record.margins.tolist() for record in training]
    again, _ = run(seed=8, steps=6)
    assert [record.margins.tolist() for record in resume(again, tmp_path / "file")] == expected


# What is refused


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"beta": 0}, "beta is 0, expected a finite number above 0"),
        ({"beta": float("inf")}, "beta is inf"),
        ({"steps": 0}, "steps is 0"),
        ({"pairs_per_step": 5}, "pairs_per_step is 5, expected at most 4: all pairs that count"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"max_gradient_norm": 0}, "max_gradient_norm is 0"),
        ({"rows_at_once": 3}, "rows_at_once is 3, expected an even number"),
        ({"per_token": 1}, "per_token is 1"),
        (
            {"pairs_per_step": 4, "pairs": PAIRS._replace(weights=[1, 0, 1, 1])},
            "pairs_per_step is 4, expected at most 3",
        ),
        ({"pairs": PAIRS._replace(weights=[1, float("nan"), 1, 1])}, r"weights\[1\] is nan, expected finite numbers"),
        ({"pairs": PAIRS._replace(chosen=PAIRS.rejected)}, "the same, expected two completions that differ"),
        (
            {"pairs": PAIRS._replace(chosen=["bad good", *PAIRS.chosen[1:3], "good"]), "max_new_tokens": 1},
            "the same in their first 1 tokens",
        ),
        ({"pairs": PAIRS._replace(chosen=PAIRS.chosen[1:])}, "chosen has 3 entries, expected 4"),
    ],
)
def test_bad_input_is_refused_before_anything_is_learned(changed, message):
    training, model = run(**changed)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=message):
        next(training)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"loss": "ipo"}, "loss is 'ipo', expected a function"),
        ({"rng": 0}, "rng is 0"),
        ({"optimizer": 3}, "optimizer is a int"),
        ({"tokenizer": 3}, "tokenizer is a int"),
        ({"pairs": PAIRS._asdict()}, "pairs is {.*expected Pairs"),
        ({"reference": 3}, "reference is a int"),
    ],
)
def test_what_is_of_another_kind_is_refused(changed, message):
    with pytest.raises(TypeError, match=message):
        next(run(**changed)[0])


def test_a_reference_that_would_learn_with_the_model_is_refused():
    model, _ = toy()
    with pytest.raises(ValueError, match="reference shares the parameter"):
        next(run(model=model, reference=model)[0])


def test_completions_that_do_not_fit_into_the_context_are_refused():
    _, tokenizer = toy()
    short = tiny_gpt2(tokenizer, context=5, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="context holds no more"):
        next(run(model=short)[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_training_on_a_gpu_in_mixed_precision():
    model, _ = toy()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        records = list(run(model=model.cuda(), steps=5)[0])
    assert records[0].loss == pytest.approx(math.log(2), abs=1e-3)
    assert all(np.isfinite(record.margins).all() for record in records)
