"""Exact answers for a language small enough to enumerate: every completion, its probability, and all that follows.

Policies are log-probabilities (P, N) of N completions after each of P prompts, under any causal model of transformers;
rewards are (P, N). Values and divergences are sums over all completions: nothing is sampled. The functions are
differentiable, so that the exact policy gradient is the gradient of `objective`.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, require, shown

torch = require("torch", extra="language")


from rlbook._torch import check_same_shape, check_weights  # noqa: E402
from rlbook.language.rewards import ask, by_position, columns_by_position  # noqa: E402
from rlbook.language.sampling import check_room, next_logits, own_tokens, stop_tokens_with, token_logprobs  # noqa: E402
from rlbook.language.texts import encode, written  # noqa: E402
from rlbook.language.token_mdp import all_completions  # noqa: E402


class Language(NamedTuple):
    """Every completion of every prompt: P prompts, N completions, in rows prompt by prompt."""

    prompts: list[str]  # (P,)
    completions: list[str]  # (N,) without the end token
    tokens: torch.Tensor  # (P * N, L)
    attention_mask: torch.Tensor  # (P * N, L) bool
    mask: torch.Tensor  # (P * N, L) bool: the tokens of the completion, the end token included
    end: int | None  # the token that ends a completion before its limit


def enumerate_language(tokenizer, prompts, max_new_tokens):
    """Every completion of the prompts by at most max_new_tokens tokens of the tokenizer: a `Language`.

    They stand in the order of `token_mdp`'s, if its vocabulary is that of the tokenizer, in the same order. Raises
    ValueError if there are more than can be enumerated.
    """
    prompts = by_position("prompts", prompts)
    check_counts(max_new_tokens=max_new_tokens)
    prompt, there = encode(tokenizer, prompts, "cpu")
    ids = all_completions(len(tokenizer), max_new_tokens, tokenizer.eos_token_id)
    padded = [[*text, *[tokenizer.pad_token_id] * (max_new_tokens - len(text))] for text in ids]
    own = [[t < len(text) for t in range(max_new_tokens)] for text in ids]
    completion, own = (torch.tensor(rows).repeat(len(prompts), 1) for rows in (padded, own))
    prompt, there = (rows.repeat_interleave(len(ids), 0) for rows in (prompt, there))
    return Language(
        prompts,
        written(tokenizer, [[token for token in text if token != tokenizer.eos_token_id] for text in ids]),
        torch.cat([prompt, completion], 1),
        torch.cat([there, own], 1),
        torch.cat([torch.zeros_like(there), own], 1),
        tokenizer.eos_token_id,
    )


def language_logprobs(model, language):
    """The log-probability (P, N) of every completion after every prompt, at temperature 1. Differentiable.

    Raises ValueError if the completions are not all that the model can say, since it knows more tokens or ends at
    others, if its dropout is on, or if its weights are not finite.
    """
    check_weights(model=model)
    if not isinstance(language, Language):
        raise TypeError(f"language is a {type(language).__name__}, expected a Language, as enumerate_language makes it")
    tokens, attention_mask, mask = (
        field.to(model.device) for field in (language.tokens, language.attention_mask, language.mask)
    )
    check_room(model, attention_mask, 0)
    _check_end(model, language.end, tokens[mask])
    logp = token_logprobs(model, tokens, mask, attention_mask=attention_mask).sum(1)
    logp = logp.reshape(len(language.prompts), -1)
    total = logp.detach().exp().sum(1).min().item()
    if total < 1 - 1e-3:
        raise ValueError(
            f"the completions have a probability of {total:.4f} together, expected 1: "
            "the model knows tokens that the tokenizer does not"
        )
    return logp


def _check_end(model, end, tokens):
    """Raise ValueError if a sample would end at one of the tokens of the completions that does not end these."""
    stops = stop_tokens_with(model, end)
    others = [token for token in stops.tolist() if token != end and token in tokens]
    if others:
        raise ValueError(
            f"the model's generation settings end a completion at token {others[0]} too, expected only {end}, the end "
            "token with which the language was enumerated: set model.generation_config.eos_token_id to it"
        )


def language_rewards(reward, language, columns=None):
    """The reward (P, N) of every completion after every prompt; columns {name: (P,)} as in `grpo.grpo`."""
    columns = columns_by_position(columns, len(language.prompts), "prompt")
    count = len(language.completions)
    told = {"completion_ids": own_tokens(language)[:count]}  # the same after every prompt
    rewards = [
        ask(
            reward,
            [prompt] * count,
            language.completions,
            {name: [column[i]] * count for name, column in columns.items()},
            told,
        )
        for i, prompt in enumerate(language.prompts)
    ]
    return torch.tensor(np.array(rewards))


def objective(logp, rewards, reference_logp=None, beta=0.0):
    """J, a scalar: the mean reward less beta times the KL divergence, over prompts alike.

    logp, rewards and reference_logp are (P, N). Its gradient in the model's parameters is the exact policy gradient.
    """
    check_same_shape("(P, N)", logp=logp, rewards=rewards)
    _check_rewards(rewards)
    beta = check_number("beta", beta, least=0)
    values = (logp.exp() * rewards.to(logp.device)).sum(1)
    if beta and reference_logp is None:
        raise ValueError(f"beta is {beta}, expected reference_logp beside it")
    if beta:
        values = values - beta * kl_divergence(logp, reference_logp)
    return values.mean()


def kl_divergence(logp, reference_logp):
    """KL(pi || pi_ref) (P,) after each prompt, in nats, of log-probabilities (P, N).

    A completion that pi never says adds 0; one that pi says and pi_ref never does makes it infinite.
    """
    check_same_shape("(P, N)", logp=logp, reference_logp=reference_logp)
    log_ratio = torch.where(logp == -torch.inf, 0.0, logp - reference_logp)
    return (logp.exp() * log_ratio).sum(1)


def optimal_policy(reference_logp, rewards, beta):
    """The best log-probabilities (P, N) where leaving the reference costs beta per nat, and their J.

    pi*(y|x) = pi_ref(y|x) exp(r / beta) / Z(x), and J* is the mean of beta log Z over prompts.
    Both are float64: beta times the rounding of float32 could be more than the rewards.
    Source: Rafailov et al. (2023), eq. 4.
    """
    check_same_shape("(P, N)", reference_logp=reference_logp, rewards=rewards)
    beta = check_number("beta", beta, above=0, because=": it divides the rewards")
    rewards = rewards.to(reference_logp.device).double()
    _check_rewards(rewards, beta)
    most = rewards.amax(1, keepdim=True)  # subtracted, so that no reward hides the reference
    tilted = reference_logp.double().log_softmax(1) + (rewards - most) / beta
    log_z = tilted.logsumexp(1, keepdim=True)
    return tilted - log_z, (most + beta * log_z).mean()


def _check_rewards(rewards, beta=1.0):
    """Raise ValueError unless all rewards are finite, and still are when divided by beta."""
    wrong = (~rewards.isfinite()).nonzero()
    if len(wrong):
        i, j = wrong[0].tolist()
        raise ValueError(f"rewards[{i}, {j}] is {float(rewards[i, j])}, expected finite numbers")
    if not (rewards / beta).isfinite().all():
        raise ValueError(f"beta is {beta}, expected a number that can divide the rewards: they overflow")


def flat_gradient(value, model):
    """The gradient of a scalar in all parameters of the model, as one vector.

    It is 0 for parameters that are frozen, or on which the value does not depend. Raises ValueError if these are all.
    """
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        raise ValueError(f"value is {shown(value)}, expected a tensor that holds one number: a gradient is of a scalar")
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    known = value.requires_grad and len(weights) > 0
    gradients = torch.autograd.grad(value, weights, allow_unused=True) if known else []
    if all(gradient is None for gradient in gradients):
        raise ValueError(
            "value does not depend on any parameter of the model that has requires_grad=True: expected one that was "
            "computed with this model, and not under torch.no_grad()"
        )
    found = {id(weight): gradient for weight, gradient in zip(weights, gradients) if gradient is not None}
    return torch.cat([found.get(id(p), torch.zeros_like(p)).flatten() for p in model.parameters()])


def next_token_policy(model, tokenizer, vocabulary):
    """The model as a policy of `token_mdp`: a function from texts (S,) to probabilities (S, A) of the next token.

    vocabulary (A,) are tokens of the tokenizer. Raises ValueError, when called, if the model gives others probability.
    """
    known = tokenizer.get_vocab()
    missing = [token for token in vocabulary if token not in known]
    if missing:
        raise ValueError(f"vocabulary has {missing[0]!r}, which is no token of the tokenizer")
    ids = torch.tensor([known[token] for token in vocabulary])

    @torch.no_grad()
    def policy(texts):
        texts = by_position("texts", texts)
        tokens, there = encode(tokenizer, texts, model.device)
        check_room(model, there, 0)
        probabilities = next_logits(model, tokens, there).cpu().double().softmax(1)
        given = probabilities[:, ids]
        if (given.sum(1) < 1 - 1e-6).any():
            s = int(given.sum(1).argmin())
            raise ValueError(
                f"after {texts[s]!r} the model gives the vocabulary {tuple(vocabulary)} a probability of "
                f"{float(given[s].sum()):.6f}, expected 1: a token of the model is missing from it"
            )
        return given.numpy()

    return policy
