"""Exact answers for a language small enough to enumerate: every completion, its probability, and all that follows.

Policies are log-probabilities (P, N) of N completions after each of P prompts, under any causal model of transformers;
rewards are (P, N). Values and divergences are sums over all completions: nothing is sampled. The functions are
differentiable, so that the exact policy gradient is the gradient of `objective`.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import require

torch = require("torch", extra="language")


from rlbook.language.rewards import ask  # noqa: E402
from rlbook.language.sampling import check_room, encode, next_logits, token_logprobs  # noqa: E402
from rlbook.language.token_mdp import all_completions  # noqa: E402


class Language(NamedTuple):
    """Every completion of every prompt: P prompts, N completions, in rows prompt by prompt."""

    prompts: list[str]  # (P,)
    completions: list[str]  # (N,) without the end token
    tokens: torch.Tensor  # (P * N, L)
    attention_mask: torch.Tensor  # (P * N, L) bool
    mask: torch.Tensor  # (P * N, L) bool: the tokens of the completion, the end token included


def enumerate_language(tokenizer, prompts, max_new_tokens):
    """Every completion of the prompts by at most max_new_tokens tokens of the tokenizer: a `Language`.

    They stand in the order of `token_mdp`'s, if its vocabulary is that of the tokenizer, in the same order. Raises
    ValueError if there are more than can be enumerated.
    """
    prompt, there = encode(tokenizer, prompts, "cpu")
    ids = all_completions(len(tokenizer), max_new_tokens, tokenizer.eos_token_id)
    padded = [[*text, *[tokenizer.pad_token_id] * (max_new_tokens - len(text))] for text in ids]
    own = [[t < len(text) for t in range(max_new_tokens)] for text in ids]
    completion, own = (torch.tensor(rows).repeat(len(prompts), 1) for rows in (padded, own))
    prompt, there = (rows.repeat_interleave(len(ids), 0) for rows in (prompt, there))
    return Language(
        list(prompts),
        tokenizer.batch_decode([list(text) for text in ids], skip_special_tokens=True),
        torch.cat([prompt, completion], 1),
        torch.cat([there, own], 1),
        torch.cat([torch.zeros_like(there), own], 1),
    )


def language_logprobs(model, language):
    """The log-probability (P, N) of every completion after every prompt, at temperature 1. Differentiable."""
    tokens, attention_mask, mask = (
        field.to(model.device) for field in (language.tokens, language.attention_mask, language.mask)
    )
    check_room(model, attention_mask, 0)
    logp = token_logprobs(model, tokens, mask, attention_mask=attention_mask).sum(1)
    logp = logp.reshape(len(language.prompts), -1)
    total = logp.detach().exp().sum(1).min().item()
    if total < 1 - 1e-3:
        raise ValueError(
            f"the completions have a probability of {total:.4f} together, expected 1: "
            "the model knows tokens that the tokenizer does not"
        )
    return logp


def language_rewards(reward, language, columns=None):
    """The reward (P, N) of every completion after every prompt; columns {name: list (P,)} as in `grpo.grpo`."""
    count = len(language.completions)
    rewards = [
        ask(
            reward,
            [prompt] * count,
            language.completions,
            {name: [column[i]] * count for name, column in (columns or {}).items()},
        )
        for i, prompt in enumerate(language.prompts)
    ]
    return torch.tensor(np.array(rewards))


def objective(logp, rewards, reference_logp=None, beta=0.0):
    """J, a scalar: the mean reward less beta times the KL divergence, over prompts alike.

    Its gradient in the model's parameters is the exact policy gradient.
    """
    values = (logp.exp() * rewards.to(logp.device)).sum(1)
    if beta and reference_logp is None:
        raise ValueError(f"beta is {beta}, expected reference_logp beside it")
    if beta:
        values = values - beta * kl_divergence(logp, reference_logp)
    return values.mean()


def kl_divergence(logp, reference_logp):
    """KL(pi || pi_ref) (P,) after each prompt, in nats."""
    return (logp.exp() * (logp - reference_logp)).sum(1)


def optimal_policy(reference_logp, rewards, beta):
    """The best log-probabilities (P, N) where leaving the reference costs beta per nat, and their J.

    pi*(y|x) = pi_ref(y|x) exp(r / beta) / Z(x), and J* is the mean of beta log Z over prompts.
    Source: Rafailov et al. (2023), eq. 4.
    """
    if not beta > 0:
        raise ValueError(f"beta is {beta}, expected a number above 0: it divides the rewards")
    tilted = reference_logp + rewards.to(reference_logp.device) / beta
    log_z = tilted.logsumexp(1, keepdim=True)
    return tilted - log_z, beta * log_z.mean()


def flat_gradient(value, model):
    """The gradient of a scalar in all parameters of the model, as one vector."""
    gradients = torch.autograd.grad(value, list(model.parameters()))
    return torch.cat([gradient.flatten() for gradient in gradients])


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
        tokens, there = encode(tokenizer, list(texts), model.device)
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
