"""Reward models: where the head reads, what preferences can teach it, and what is refused."""

import copy
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, BertConfig, BertModel, Qwen3Config

from rlbook.language.models import character_tokenizer, load, tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs, encode_pairs, rate
from rlbook.language.reward_model import (
    fit_reward_model,
    fit_verifier,
    load_reward_model,
    pair_rewards,
    reward_function,
    text_rewards,
    token_rewards,
    with_reward_head,
)
from rlbook.language.rewards import TOY_WORDS, sentiment
from rlbook.language.sampling import sample
from rlbook.language.stories import MOST_TOKENS, cheerful, grammatical, openings
from rlbook.language.texts import encode_completions

torch.set_num_threads(1)
TOKENIZER = word_tokenizer(TOY_WORDS, end=".")
PAIRS = Pairs(
    ["good .", "bad .", "good .", "bad ."], ["good", "bad", "very good", ""], ["bad", "good", "", "very good"]
)


def headed(seed=0, scale=0.5):
    """A tiny model whose reward head is not 0."""
    model = with_reward_head(tiny_gpt2(TOKENIZER, layers=1, width=16, rng=np.random.default_rng(seed)))
    generator = torch.Generator().manual_seed(seed)
    model.score.weight.data = scale * torch.randn(1, 16, generator=generator)
    return model


def adam(model, lr=1e-2):
    return torch.optim.Adam(model.parameters(), lr=lr)


def test_the_backbone_is_that_of_the_language_model_and_every_reward_is_0():
    language_model = tiny_gpt2(TOKENIZER, layers=1, width=16, rng=np.random.default_rng(0))
    before = copy.deepcopy(language_model.state_dict())
    state, model = torch.random.get_rng_state(), with_reward_head(language_model)
    assert torch.equal(torch.random.get_rng_state(), state) and not model.training
    tokens, there, _ = encode_completions(TOKENIZER, ["good ."], ["very bad"], None, "cpu")
    hidden = language_model.transformer(tokens).last_hidden_state
    assert torch.equal(model.base_model(tokens).last_hidden_state, hidden)
    assert text_rewards(model, tokens, there).tolist() == [0.0] and model.score.bias is None
    with torch.no_grad():
        model.base_model.wte.weight += 1
    assert all(torch.equal(language_model.state_dict()[name], weight) for name, weight in before.items())


def test_other_families_get_a_head_too():
    sizes = dict(vocab_size=5, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    config = Qwen3Config(**sizes, num_key_value_heads=1, head_dim=8, pad_token_id=4, eos_token_id=4)
    model = with_reward_head(AutoModelForCausalLM.from_config(config).eval())
    model.score.weight.data.normal_()
    tokens, there, _ = encode_completions(TOKENIZER, ["good .", "not bad ."], ["bad", "good very"], None, "cpu")
    together = text_rewards(model, tokens, there)
    for i in range(2):
        alone = text_rewards(model, tokens[i][there[i]][None], there[i][there[i]][None])
        assert together[i].item() == pytest.approx(alone.item(), abs=1e-5)


def test_the_reward_is_read_at_the_end_token_whatever_the_padding():
    """Padding is the end token here: whoever looks for the last token that is none reads one too early."""
    model = headed()
    prompts, completions = ["good .", "not very bad ."], ["very very bad", ""]
    tokens, there, _ = encode_completions(TOKENIZER, prompts, completions, None, "cpu")
    found = text_rewards(model, tokens, there)
    for prompt, completion, reward in zip(prompts, completions, found):
        ids = TOKENIZER(f"{prompt} {completion} .", return_tensors="pt").input_ids
        at_each = model.score(model.base_model(ids).last_hidden_state)[0, :, 0]
        assert reward.item() == pytest.approx(at_each[-1].item(), abs=1e-5)
        assert abs(reward.item() - at_each[-2].item()) > 1e-3
        assert text_rewards(model, ids, torch.ones_like(ids).bool()).item() == pytest.approx(reward.item(), abs=1e-5)


def test_token_rewards_are_those_of_the_prefixes():
    model = headed()
    tokens, there, _ = encode_completions(TOKENIZER, ["good ."], ["not bad"], None, "cpu")
    found = token_rewards(model, tokens, there)[0]
    for t in range(1, tokens.shape[1] + 1):
        assert found[t - 1].item() == pytest.approx(text_rewards(model, tokens[:, :t], there[:, :t]).item(), abs=1e-5)
    padded = torch.nn.functional.pad(tokens, (2, 1), value=4), torch.nn.functional.pad(there, (2, 1))
    assert token_rewards(model, *padded)[0].tolist() == pytest.approx([0, 0, *found.tolist(), 0], abs=1e-5)


def test_a_text_in_several_pairs_is_read_once_and_counts_in_each():
    pairs = Pairs(["good ."] * 4, ["good", "good", "", "good"], ["bad", "", "bad", "very"])
    model, encoded = headed(), encode_pairs(TOKENIZER, pairs, "cpu")
    rows = []
    model.base_model.register_forward_pre_hook(
        lambda _, args, given: rows.append(len(given["input_ids"])), with_kwargs=True
    )
    chosen, rejected = pair_rewards(model, encoded)
    assert rows == [4]  # of eight texts
    every = text_rewards(model, encoded.tokens, encoded.attention_mask)
    assert torch.allclose(torch.cat([chosen, rejected]), every, atol=1e-6)


def test_the_first_loss_is_log_2_and_the_first_gradient_is_that_of_the_head():
    model = with_reward_head(tiny_gpt2(TOKENIZER, layers=1, width=16, rng=np.random.default_rng(0)))
    encoded = encode_pairs(TOKENIZER, PAIRS, "cpu")
    with torch.no_grad():
        hidden = model.base_model(encoded.tokens, attention_mask=encoded.attention_mask.long()).last_hidden_state
        last = hidden[torch.arange(8), encoded.attention_mask.long().cumsum(1).argmax(1)]
        expected = 0.5 * (last[4:] - last[:4]).mean(0).norm().item()
    step = next(
        fit_reward_model(model, TOKENIZER, PAIRS, adam(model), steps=1, batch_size=4, rng=np.random.default_rng(0))
    )
    assert (step.step, step.accuracy, step.margin, step.reward) == (1, 0.5, 0, 0)
    assert step.loss == pytest.approx(math.log(2)) and step.gradient_norm == pytest.approx(expected, rel=0.02)


def test_a_reward_that_no_pair_compares_with_is_not_moved_by_a_constant():
    """A bias of the head would add the same number to both texts of every pair: its gradient is 0."""
    model, encoded = headed(), encode_pairs(TOKENIZER, PAIRS, "cpu")
    bias = torch.zeros((), requires_grad=True)
    chosen, rejected = pair_rewards(model, encoded)
    from rlbook.language.preferences import bradley_terry_loss

    (slope,) = torch.autograd.grad(bradley_terry_loss(chosen + bias, rejected + bias), bias)
    assert abs(slope.item()) < 1e-7


def test_preferences_are_learned():
    rng = np.random.default_rng(1)
    texts = ["good", "very good", "bad", "very bad", "not good", "not bad", ""]
    worth = np.array([sentiment(text) for text in texts])
    i, j = rng.integers(7, size=(2, 4000))
    i, j = i[i != j], j[i != j]
    pairs = rate(["good ."] * len(i), np.array(texts)[i], np.array(texts)[j], worth[i] - worth[j], rng=rng)
    model = with_reward_head(tiny_gpt2(TOKENIZER, layers=1, width=32, rng=rng))
    run = list(
        fit_reward_model(
            model, TOKENIZER, pairs, adam(model, 5e-3), steps=120, batch_size=1000, rng=np.random.default_rng(0)
        )
    )
    learned = np.array(reward_function(model, TOKENIZER)(["good ."] * 7, texts))
    assert [record.step for record in run] == list(range(1, 121)) and run[-1].loss < 0.6
    assert abs(learned - learned.mean() - (worth - worth.mean())).max() < 0.6


def test_a_verifier_learns_the_share_that_ends_well_from_each_prefix():
    rng = np.random.default_rng(2)
    completions = ["good good", "good bad", "bad"]
    drawn = rng.choice(3, size=3000, p=[0.3, 0.2, 0.5])
    marks = np.array([1.0, 0.0, 0.0])[drawn]
    model = with_reward_head(tiny_gpt2(TOKENIZER, layers=1, width=32, rng=rng))
    given = ["good ."] * 3000, [completions[i] for i in drawn], marks
    for record in fit_verifier(model, TOKENIZER, *given, adam(model, 5e-3), steps=150, batch_size=300, rng=rng):
        assert 0 <= record.verdict <= 1 and record.loss < 0.8
    tokens, there, own = encode_completions(TOKENIZER, ["good ."] * 3, completions, None, "cpu")
    with torch.no_grad():
        said = token_rewards(model, tokens, there).sigmoid()
    for text, row, mask in zip([[0.6, 1.0, 1.0], [0.6, 0, 0], [0, 0]], said, own):
        assert row[mask].tolist() == pytest.approx(text, abs=0.12)


def test_the_verifiers_loss_is_a_mean_over_the_tokens_of_completions():
    model = headed()
    completions, marks = ["very very bad", ""], [1.0, 0.25]
    tokens, there, own = encode_completions(TOKENIZER, ["good .", "bad ."], completions, None, "cpu")
    with torch.no_grad():
        p = token_rewards(model, tokens, there).sigmoid()
    by_hand = [-math.log(x) for x in p[0][own[0]].tolist()]
    by_hand += [-(0.25 * math.log(x) + 0.75 * math.log(1 - x)) for x in p[1][own[1]].tolist()]
    run = fit_verifier(
        model, TOKENIZER, ["good .", "bad ."], completions, marks, adam(model), steps=1, batch_size=2,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert next(run).loss == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_weights_of_pairs_count():
    model, weights = headed(), np.array([1.0, 0.0, 0.0, 3.0])
    only = Pairs(*([column[i] for i in (0, 3, 3, 3)] for column in PAIRS[:3]))
    steps = []
    for pairs in (PAIRS._replace(weights=weights), only):
        policy = copy.deepcopy(model)
        run = fit_reward_model(
            policy, TOKENIZER, pairs, adam(policy), steps=1, batch_size=4, rng=np.random.default_rng(0)
        )
        steps.append(next(run))
    assert steps[0].loss == pytest.approx(steps[1].loss) and steps[0].accuracy == pytest.approx(steps[1].accuracy)
    assert steps[0].gradient_norm == pytest.approx(steps[1].gradient_norm, rel=1e-5)


def test_a_reward_function_has_the_signature_of_the_ecosystem_and_reads_in_parts():
    model = headed()
    prompts, completions = ["good ."] * 5, ["good", "bad", "", "very", "not bad"]
    whole = reward_function(model, TOKENIZER)(prompts=prompts, completions=completions, answer=[1] * 5)
    parts = reward_function(model, TOKENIZER, rows_at_once=2)(prompts, completions)
    assert isinstance(whole, list) and whole == pytest.approx(parts, abs=1e-6)
    cut = reward_function(model, TOKENIZER, max_new_tokens=1)(prompts, completions)
    assert cut[2] == pytest.approx(whole[2], abs=1e-6) and abs(cut[0] - whole[0]) > 1e-4


def test_a_reward_model_is_saved_and_loaded(tmp_path):
    model = headed()
    model.save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    again, tokenizer = load_reward_model(tmp_path, device="cpu")
    asked = ["good ."] * 2, ["very good", "bad"]
    assert reward_function(again, tokenizer)(*asked) == reward_function(model, TOKENIZER)(*asked)


def test_reward_models_and_language_models_are_not_loaded_as_one_another(tmp_path, capsys):
    headed().save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    capsys.readouterr()
    with pytest.raises(
        OSError, match=r"is a reward model, expected a causal language model: use reward_model.load_rew"
    ):
        load(tmp_path, device="cpu")
    with pytest.raises(OSError, match=r"'arithmetic' is \['GPT2LMHeadModel'\], expected a reward model"):
        load_reward_model("arithmetic", device="cpu")
    with pytest.raises(OSError, match="no model 'nothing'"):
        load_reward_model("nothing", device="cpu")
    assert capsys.readouterr().err == ""


LANGUAGE_MODEL = tiny_gpt2(TOKENIZER, layers=1, width=16, rng=np.random.default_rng(0))
THREE = AutoModelForSequenceClassification.from_config(
    type(LANGUAGE_MODEL.config)(vocab_size=5, n_positions=32, n_embd=16, n_layer=1, n_head=2, num_labels=3)
).eval()
DIGITS = character_tokenizer("0123456789+=")
BAD_MODELS = [
    (
        LANGUAGE_MODEL,
        ValueError,
        "GPT2LMHeadModel has no head `score`, expected a linear layer `score` with one output",
    ),
    (THREE, ValueError, "has the head Linear.*out_features=3.*expected a linear layer `score` with one output"),
    (torch.nn.Linear(2, 1), TypeError, "model is a Linear, expected a model of transformers with a reward head"),
    (None, TypeError, "model is a NoneType"),
]


@pytest.mark.parametrize("model, error, message", BAD_MODELS, ids=range(len(BAD_MODELS)))
def test_what_has_no_reward_head_is_refused(model, error, message):
    optimizer = adam(LANGUAGE_MODEL)
    with pytest.raises(error, match=message):
        reward_function(model, TOKENIZER)
    with pytest.raises(error, match=message):
        next(fit_reward_model(model, TOKENIZER, PAIRS, optimizer, steps=1, rng=np.random.default_rng(0)))


def test_what_can_have_no_reward_head_is_refused():
    with pytest.raises(TypeError, match="model is a Linear, expected a causal language model"):
        with_reward_head(torch.nn.Linear(2, 1))
    sizes = dict(vocab_size=5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    with pytest.raises(ValueError, match="expected a causal language model"):
        with_reward_head(BertModel(BertConfig(**sizes)).eval())


BAD_TRAINING = [
    (
        dict(pairs=PAIRS._replace(rejected=PAIRS.chosen)),
        ValueError,
        "are the same, expected two completions that differ",
    ),
    (dict(pairs=list(PAIRS)), TypeError, "expected Pairs"),
    (dict(pairs=PAIRS._replace(weights=[1, 1, 1, math.nan])), ValueError, r"weights\[3\] is nan"),
    (
        dict(pairs=PAIRS._replace(chosen=["good " * 40, "bad", "bad", "bad"])),
        ValueError,
        "text 0 has .* tokens, expected",
    ),
    (dict(batch_size=5), ValueError, "batch_size is 5, expected at most 4: all pairs there are"),
    (dict(batch_size=0), ValueError, "batch_size is 0"),
    (dict(steps=0), ValueError, "steps is 0"),
    (dict(max_new_tokens=1), ValueError, "the same in their first 1 tokens|no text"),
    (dict(max_gradient_norm=0), ValueError, "max_gradient_norm is 0"),
    (dict(rng=0), TypeError, "rng is 0, expected a numpy Generator"),
    (dict(tokenizer=None), TypeError, "tokenizer is a NoneType"),
    (
        dict(tokenizer=DIGITS, pairs=Pairs(["1+1="], ["2"], ["3"]), batch_size=1),
        ValueError,
        "has no row in the model's",
    ),
    (dict(optimizer=torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])), ValueError, "does not hold the parameter"),
]


@pytest.mark.parametrize("changed, error, message", BAD_TRAINING, ids=range(len(BAD_TRAINING)))
def test_what_cannot_be_fitted_is_refused_before_any_step(changed, error, message):
    model = headed()
    given = dict(tokenizer=TOKENIZER, pairs=PAIRS._replace(rejected=["very good", "very bad", "very", "very"]))
    given |= dict(optimizer=adam(model), steps=1, batch_size=2, rng=np.random.default_rng(0)) | changed
    if "max_new_tokens" in changed:
        given["pairs"] = Pairs(["good ."] * 2, ["very good", "bad"], ["very bad", "good"])
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(error, match=message) as caught:
        next(fit_reward_model(model, **given))
    assert len(str(caught.value)) < 500
    assert all(torch.equal(model.state_dict()[name], weight) for name, weight in before.items())


BAD_MARKS = [
    (dict(marks=[1.0]), r"marks has shape \(1,\), expected \(2,\): one for each completion"),
    (dict(marks=[1.0, 1.5]), r"marks\[1\] is 1.5, expected numbers in \[0, 1\]"),
    (dict(marks=[math.nan, 0]), r"marks\[0\] is nan, expected numbers in \[0, 1\]"),
    (dict(marks=["right", "wrong"]), "marks is .*, expected real numbers"),
    (dict(completions=["good"]), "marks has shape|completions has 1 entries"),
    (dict(batch_size=3), "batch_size is 3, expected at most 2: all completions there are"),
]


@pytest.mark.parametrize("changed, message", BAD_MARKS, ids=range(len(BAD_MARKS)))
def test_what_cannot_be_verified_is_refused(changed, message):
    model = headed()
    given = dict(prompts=["good .", "bad ."], completions=["good", "bad"], marks=[1.0, 0.0], optimizer=adam(model))
    with pytest.raises(ValueError, match=message):
        next(
            fit_verifier(
                model, TOKENIZER, **(given | dict(steps=1, batch_size=2, rng=np.random.default_rng(0)) | changed)
            )
        )


def test_dropout_is_off_while_a_reward_model_learns():
    config = copy.deepcopy(LANGUAGE_MODEL.config)
    config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0.9
    model = with_reward_head(AutoModelForCausalLM.from_config(config).eval())
    model.score.weight.data.normal_()
    model.train()
    losses = [
        next(fit_reward_model(model, TOKENIZER, PAIRS, torch.optim.SGD(model.parameters(), lr=1e-12), steps=1,
                              batch_size=4, rng=np.random.default_rng(0))).loss
        for _ in range(2)
    ]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], abs=1e-6) and not model.training
    model.train()
    with pytest.raises(ValueError, match="the model is in training mode"):
        text_rewards(model, torch.tensor([[0, 4]]), torch.tensor([[True, True]]))


def test_the_shipped_reward_model_ranks_stories_as_its_rater_does():
    model, tokenizer = load_reward_model("stories-reward", device="cpu")
    prompts = openings(held_out=True) * 4
    told = sample(*load("stories", device="cpu"), prompts, max_new_tokens=MOST_TOKENS, rng=np.random.default_rng(0))
    rewards = reward_function(model, tokenizer)(prompts, told.completions)
    worth = 3 * np.array(cheerful(prompts, told.completions)) + np.array(grammatical(prompts, told.completions))
    assert np.corrcoef(rewards, worth)[0, 1] > 0.9
    story = "one cold day she went to the lake . she found a red cup . she was merry . in the end anna sang ."
    sad = story.replace("found", "lost").replace("merry", "sad").replace("sang", "wept")
    good, bad = reward_function(model, tokenizer)(prompts[:1] * 2, [story, sad])
    assert good == pytest.approx(1.9, abs=0.15) and bad == pytest.approx(-1.8, abs=0.15)  # as the card says
