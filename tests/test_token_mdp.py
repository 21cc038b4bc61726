"""A language as an MDP, by hand and against the enumeration of its completions."""

import math

import numpy as np
import pytest
import torch

from rlbook.language.exact import (
    enumerate_language,
    flat_gradient,
    kl_divergence,
    language_logprobs,
    language_rewards,
    next_token_policy,
    objective,
    optimal_policy,
)
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement, exact_match, is_number, sentiment
from rlbook.language.sampling import sample, token_logprobs
from rlbook.language.token_mdp import all_completions, token_mdp
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.planning import soft_value_iteration, value_iteration

torch.set_num_threads(1)


def length_of(prompts, completions):
    return [len(completion) for completion in completions]


def toy(seed=0, prompts=TOY_PROMPTS):
    """The toy language, its tokenizer, and an untrained model of double precision."""
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(seed)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)  # further from uniform
    return model, tokenizer, enumerate_language(tokenizer, prompts, TOY_LENGTH)


def toy_mdp(model, tokenizer, prompts=TOY_PROMPTS):
    reference = next_token_policy(model, tokenizer, TOY_WORDS)
    return token_mdp(TOY_WORDS, TOY_LENGTH, agreement, end=".", prompts=prompts, reference=reference)


def test_two_letters_and_an_end_by_hand():
    mdp = token_mdp("ab.", 2, length_of, end=".", prompts=("x", "y"), separator="")
    one = ["x", "xa", "xb", "x.", "xaa", "xab", "xa.", "xba", "xbb", "xb."]
    assert mdp.state_names == (*one, *[name.replace("x", "y") for name in one])
    assert mdp.action_names == ("a", "b", ".")
    assert np.flatnonzero(mdp.terminal[:10]).tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert mdp.completions == ["", "aa", "ab", "a", "ba", "bb", "b"]
    assert mdp.start.tolist() == [0.5] + [0] * 9 + [0.5] + [0] * 9
    assert mdp.R[0].tolist() == [0, 0, 0] and mdp.R[1].tolist() == [2, 2, 1] and mdp.R[12].tolist() == [2, 2, 1]
    assert mdp.gamma == 1
    assert mdp.step(10, 1, np.random.default_rng(0)) == (12, 0.0, False)
    assert mdp.step(12, 2, np.random.default_rng(0)) == (19, 1.0, True)
    policy = np.tile([0.5, 0.2, 0.3], (20, 1))
    expected = [0.3, 0.25, 0.1, 0.15, 0.1, 0.04, 0.06]
    assert mdp.completion_probabilities(policy) == pytest.approx(np.array([expected, expected]))
    assert mdp.reference == pytest.approx(np.full((20, 3), 1 / 3))


def test_without_an_end_every_text_has_the_full_length():
    mdp = token_mdp(["to", "be"], 3, length_of)
    assert len(mdp.completions) == 8 and mdp.completions[5] == "be to be"
    assert mdp.state_names[:3] == ("", "to", "be")
    assert value_iteration(mdp).v[0] == len("to to to")


@pytest.mark.parametrize("num_tokens, length", [(2, 3), (5, 4), (3, 1)])
def test_the_number_of_completions(num_tokens, length):
    assert len(all_completions(num_tokens, length)) == num_tokens**length
    ending = all_completions(num_tokens, length, stop=0)
    assert (
        len(set(ending))
        == len(ending)
        == sum((num_tokens - 1) ** t for t in range(length)) + (num_tokens - 1) ** length
    )


def test_sentiment_and_agreement_by_hand():
    said = {
        "good": 1,
        "not bad": 1,
        "very very good": 4,
        "not very bad": 2,
        "good bad": 0,
        "very": 0,
        "not not bad": -1,
    }
    assert {text: sentiment(text) for text in said} == said
    assert sentiment("very good bad") == 1  # the modifiers before "good" are used up
    completions = ["very very good", "bad", "very very very good", ""]
    assert agreement(["good ."] * 4, completions) == [1, -0.25, 0, 0]
    assert agreement(["not very good ."] * 4, completions) == [-1, 0.25, 0, 0]
    assert agreement(["good bad ."], ["good"]) == [0]  # nothing was said that could be agreed with


def test_the_best_replies():
    _, _, language = toy()
    rewards = language_rewards(agreement, language)
    best = [language.completions[i] for i in rewards.argmax(1)]
    assert best == ["very very good", "very very bad", "very very bad"]
    assert (rewards == 1).sum(1).tolist() == [1, 1, 1]  # one of 341


def test_exact_match_and_number_format():
    assert exact_match(["1+1="] * 3, ["2", "02", "2 "], answer=["2"] * 3) == [1, 0, 0]
    texts = ["0", "12", "012", "", "1+2", "-1", "1.5", "٣"]
    assert is_number([""] * 8, texts) == [1, 1, 0, 0, 0, 0, 0, 0]


def test_values_are_found_in_length_plus_one_sweeps():
    model, tokenizer, _ = toy()
    solution = value_iteration(toy_mdp(model, tokenizer))
    assert solution.sweeps == TOY_LENGTH + 1  # one for each token, and one that finds nothing left to move
    assert solution.v[0] == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_model_is_one_policy_in_the_mdp_and_in_the_enumeration(seed):
    model, tokenizer, language = toy(seed)
    mdp = toy_mdp(model, tokenizer)
    logp = language_logprobs(model, language).detach()
    assert language.completions == mdp.completions
    assert logp.exp().sum(1).numpy() == pytest.approx(1, abs=1e-12)
    assert mdp.completion_probabilities(mdp.reference) == pytest.approx(logp.exp().numpy(), abs=1e-12)
    rewards = language_rewards(agreement, language)
    assert mdp.start @ policy_value(mdp, mdp.reference) == pytest.approx(float(objective(logp, rewards)), abs=1e-12)


@pytest.mark.parametrize("beta", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_the_tilted_policy_is_the_soft_bellman_solution(seed, beta):
    model, tokenizer, language = toy(seed)
    mdp = toy_mdp(model, tokenizer)
    reference = language_logprobs(model, language).detach()
    rewards = language_rewards(agreement, language)
    best, value = optimal_policy(reference, rewards, beta)
    solution = soft_value_iteration(mdp, mdp.reference, beta)
    assert mdp.start @ solution.v == pytest.approx(float(value), abs=1e-9)
    assert mdp.completion_probabilities(solution.policy) == pytest.approx(best.exp().numpy(), abs=1e-9)
    assert float(objective(best, rewards, reference, beta)) == pytest.approx(float(value), abs=1e-12)
    log_z = (reference.exp() * (rewards / beta).exp()).sum(1).log()
    assert float(value) == pytest.approx(float(beta * log_z.mean()), abs=1e-12)
    rng = np.random.default_rng(seed)
    for _ in range(20):  # nothing near it is better, nothing far from it either
        noise = torch.tensor(rng.normal(size=best.shape) * rng.choice([0.01, 1.0]))
        assert objective((best + noise).log_softmax(1), rewards, reference, beta) < value


def test_at_the_tilted_policy_every_completion_is_worth_the_same():
    model, _, language = toy()
    reference, beta = language_logprobs(model, language).detach(), 0.1
    rewards = language_rewards(agreement, language)
    best, _ = optimal_policy(reference, rewards, beta)
    penalised = rewards - beta * (best - reference)
    assert (penalised.max(1).values - penalised.min(1).values).max() < 1e-9


def test_kl_divergence_by_hand():
    p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    expected = 0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    assert kl_divergence(p.log(), q.log()).tolist() == pytest.approx([expected])


def test_the_exact_gradient_is_the_slope_of_the_objective():
    model, _, language = toy()
    reference, rewards = language_logprobs(model, language).detach(), language_rewards(agreement, language)
    model.transformer.wpe.weight.data.add_(0.1)  # away from the reference

    def value():
        return objective(language_logprobs(model, language), rewards, reference, 0.1)

    gradient = flat_gradient(value(), model)
    parameters = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    direction, step = gradient / gradient.norm(), 1e-5
    slopes = []
    for sign in (1, -1):
        torch.nn.utils.vector_to_parameters(parameters + sign * step * direction, model.parameters())
        slopes.append(value().item())
    assert (slopes[0] - slopes[1]) / (2 * step) == pytest.approx(float(gradient.norm()), rel=1e-6)


def test_the_token_view_and_the_sequence_view_give_the_same_gradient():
    """The policy gradient theorem over prefixes, sum of d(s) pi(a|s) q(s, a) grad log pi, is that over whole texts."""
    model, tokenizer, language = toy(prompts=("good .", "bad ."))
    mdp = toy_mdp(model, tokenizer, prompts=("good .", "bad ."))
    rewards = language_rewards(agreement, language)
    by_texts = flat_gradient(objective(language_logprobs(model, language), rewards), model)

    v = policy_value(mdp, mdp.reference)
    q = mdp.R + mdp.expect(v)
    visits = np.zeros(mdp.num_states)  # the probability that an episode passes through each text
    for prompt in range(2):
        first = prompt * mdp.num_states // 2
        visits[first] = 0.5
        for s in range(1, mdp.num_states // 2):
            visits[first + s] = visits[first + mdp.parent[s]] * mdp.reference[first + mdp.parent[s], mdp.token[s]]
    tokens, there, weights = [], [], []
    for s in np.flatnonzero(~mdp.terminal):
        ids = tokenizer(mdp.state_names[s]).input_ids
        for a in range(5):
            tokens.append([4] * (8 - len(ids)) + [*ids, a])
            there.append([0] * (8 - len(ids)) + [1] * (len(ids) + 1))
            weights.append(visits[s] * mdp.reference[s, a] * q[s, a])
    tokens, there = torch.tensor(tokens), torch.tensor(there)
    last = torch.zeros_like(there, dtype=torch.bool)
    last[:, -1] = True
    logp = token_logprobs(model, tokens, last, attention_mask=there)[:, -1]
    by_tokens = flat_gradient((torch.tensor(weights) * logp).sum(), model)
    assert torch.allclose(by_texts, by_tokens, atol=1e-10)
    assert by_texts.norm() > 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_sampled_gradients_approach_the_exact_one(seed):
    model, tokenizer, language = toy(seed)
    model = model.float()
    rewards = language_rewards(agreement, language)
    exact = flat_gradient(objective(language_logprobs(model, language), rewards), model)
    cosines = []
    for size in (10, 700):
        rng = np.random.default_rng(seed)
        samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, rng=rng, group_size=size)
        prompts = [prompt for prompt in TOY_PROMPTS for _ in range(size)]
        scores = torch.tensor(agreement(prompts, samples.completions))
        logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
        sampled = flat_gradient((logp.sum(1) * scores).mean(), model)
        cosines.append(float(torch.cosine_similarity(sampled, exact, dim=0)))
    assert cosines[1] > 0.8 and cosines[1] > cosines[0]


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"length": 0}, "length is 0"),
        ({"length": 20}, "make .* texts: expected at most"),
        ({"end": "!"}, "end is '!'"),
        ({"prompts": ()}, "prompts is empty"),
        ({"prompts": "ab"}, "prompts is 'ab', expected a list"),
        ({"vocabulary": "aab."}, "vocabulary is .*expected different tokens"),
        ({"length": 2.0}, "length is 2.0"),
        ({"vocabulary": []}, "vocabulary is .*expected different tokens, at least one"),
        ({"vocabulary": 3}, "vocabulary is 3"),
        ({"vocabulary": ["a", "", "."]}, r"vocabulary\[1\] is '', expected a string that is not empty"),
        ({"vocabulary": ["a", 7, "."]}, r"vocabulary\[1\] is 7"),
        ({"vocabulary": [["a"], "."]}, r"vocabulary\[0\] is \['a'\]"),
        ({"prompts": ["a", None]}, "prompt 1 is None, expected a string"),
        ({"separator": None}, "separator is None"),
        (
            {"reference": lambda texts: np.full((len(texts), 3), 0.5)},
            "reference gives .* after '', expected probabilities",
        ),
        ({"reward": lambda prompts, completions: [0.0]}, "returned 1 of them, expected a list of 7 floats"),
        ({"reference": lambda texts: np.ones((2, 3))}, r"reference gives probabilities of shape \(2, 3\)"),
    ],
)
def test_bad_input_is_refused_by_name(changed, message):
    arguments = {"vocabulary": "ab.", "length": 2, "reward": length_of, "end": "."} | changed
    with pytest.raises(ValueError, match=message):
        token_mdp(**arguments)


def test_a_vocabulary_that_is_not_the_models_is_refused():
    model, tokenizer, _ = toy()
    with pytest.raises(ValueError, match="a token of the model is missing"):
        next_token_policy(model, tokenizer, TOY_WORDS[:4])(["good ."])
    with pytest.raises(ValueError, match="vocabulary has 'awful'"):
        next_token_policy(model, tokenizer, ["awful"])


def test_a_model_that_knows_more_than_the_tokenizer_is_refused():
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(word_tokenizer([*TOY_WORDS, "awful"], "."), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="expected 1: the model knows tokens"):
        language_logprobs(model, enumerate_language(tokenizer, ["good ."], 2))


def test_rewards_and_beta_of_the_exact_answers_are_checked():
    model, _, language = toy()
    with pytest.raises(ValueError, match="returned 1 of them"):
        language_rewards(lambda prompts, completions: [1.0], language)
    logp, rewards = language_logprobs(model, language).detach(), language_rewards(agreement, language)
    with pytest.raises(ValueError, match="beta is 0, expected a finite number above 0"):
        optimal_policy(logp, rewards, 0)
    with pytest.raises(ValueError, match="expected reference_logp beside it"):
        objective(logp, rewards, beta=0.1)


ONE, TWO, FLAT = torch.zeros(1, 5), torch.zeros(2, 5), torch.zeros(5)


@pytest.mark.parametrize(
    "other", [FLAT, ONE, TWO[:, :1], TWO.T, TWO[None]], ids=lambda tensor: str(tuple(tensor.shape))
)
def test_what_does_not_belong_together_is_not_broadcast(other):
    for call in (
        lambda: objective(TWO, other),
        lambda: objective(TWO, TWO, other, 0.1),
        lambda: kl_divergence(TWO, other),
        lambda: optimal_policy(TWO, other, 0.1),
    ):
        with pytest.raises(ValueError, match=r"has shape .*, expected \(2, 5\), that of"):
            call()
    for call in (
        lambda: objective(FLAT, FLAT),
        lambda: optimal_policy(FLAT, FLAT, 1),
        lambda: kl_divergence(FLAT, FLAT),
    ):
        with pytest.raises(ValueError, match=r"has shape \(5,\), expected \(P, N\)"):
            call()
    with pytest.raises(TypeError, match=r"rewards is \[1.0\], expected a torch.Tensor \(P, N\)"):
        objective(TWO, [1.0])


def test_the_flat_gradient_has_a_place_for_every_parameter():
    """d (2 a + b) = (2, 1), and 0 for what is frozen or not used, where `parameters_to_vector` has it."""
    model = torch.nn.Module()
    for name in ("a", "b", "unused", "frozen"):
        model.register_parameter(name, torch.nn.Parameter(torch.ones(1), requires_grad=name != "frozen"))
    model.tied = model.a
    value = (2 * model.a + model.b * model.frozen).sum()
    assert flat_gradient(value, model).tolist() == [2, 1, 0, 0]
    for nothing in (torch.tensor(1.0), torch.nn.Parameter(torch.ones(())) * 2, value.detach()):
        with pytest.raises(ValueError, match="value does not depend on any parameter of the model"):
            flat_gradient(nothing, model)
    for many in (torch.ones(2), 1.0, None):
        with pytest.raises(ValueError, match=r"value is .*expected a tensor that holds one number"):
            flat_gradient(many, model)


def test_answers_are_texts_and_belong_to_their_completions():
    assert exact_match(["1+1="] * 2, np.array(["2", "3"]), answer=np.array(["2", "2"])) == [1, 0]
    for answer, message in [
        ([2, 2], r"answer\[0\] is 2 of type int, expected a string"),
        (np.array([2, 2]), r"answer\[0\] is np.int64\(2\) of type int64"),
        (["2", None], r"answer\[1\] is None"),
        ("22", "answer is '22', expected a list"),
        (["2"], "answer has 1 entries, expected 2: one for each completion"),
    ]:
        with pytest.raises(ValueError, match=message):
            exact_match(["1+1="] * 2, ["2", "2"], answer=answer)
    with pytest.raises(ValueError, match="completions is '12'"):
        is_number([""], "12")
    with pytest.raises(ValueError, match=r"completions\[0\] is 12"):
        is_number([""], [12])


def test_a_language_too_large_to_enumerate_is_refused():
    _, tokenizer, _ = toy()
    with pytest.raises(ValueError, match="expected at most 1,000,000"):
        enumerate_language(tokenizer, ["good ."], 12)


def test_a_completion_that_is_never_said_adds_nothing_and_one_that_only_the_policy_says_is_infinitely_far():
    never = torch.tensor([[0.25, 0.75, 0.0]]).log().requires_grad_()
    always = torch.tensor([[0.5, 0.25, 0.25]]).log()
    expected = 0.25 * math.log(0.5) + 0.75 * math.log(3)
    assert kl_divergence(never, always).tolist() == pytest.approx([expected])
    assert kl_divergence(never, never).tolist() == [0]
    assert kl_divergence(always, never).tolist() == [math.inf]
    rewards = torch.tensor([[1.0, 2.0, 3.0]])
    value = objective(never, rewards, always, 0.1)
    assert value.item() == pytest.approx(1.75 - 0.1 * expected)
    assert torch.autograd.grad(value, never)[0].isfinite().all()


def test_a_reference_in_float32_does_not_shift_the_optimum_under_a_strong_leash():
    """J* of rewards that are all 1 is 1, whatever the leash; float32 alone would be off by beta * 1e-7."""
    reference = torch.randn(4, 300, generator=torch.Generator().manual_seed(0)).log_softmax(1)
    for beta in (1e-300, 1e-3, 1.0, 1e6):
        best, value = optimal_policy(reference, torch.ones(4, 300), beta)
        assert value.item() == pytest.approx(1, abs=1e-8)
        assert best.exp().sum(1).tolist() == pytest.approx([1] * 4)
