"""Reward models: a language model whose head is one number for a text, fitted to preferences, or to marks.

What was chosen, since papers and libraries differ: the reward is read at the last token of the text, which is the end
token, put after every completion; the head has no bias, which no preference could teach it, and starts at 0, so that
the first loss is log 2; a pair counts the same whatever the lengths of its texts, and a text that stands in several
pairs of a batch is read once; the verifier is asked at every token of a completion, and every token of a batch weighs
the same; the norm of the gradient is limited to 1. What was left out: a margin in the loss, a term that keeps rewards
near 0, chat templates.
"""

import copy
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_counts, check_number, check_rng, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from transformers import AutoModelForSequenceClassification  # noqa: E402

from rlbook._torch import check_optimizer, padding_learns  # noqa: E402
from rlbook.language.fitting import check_ids, check_model, check_no_dropout  # noqa: E402
from rlbook.language.models import load_as  # noqa: E402
from rlbook.language.pairs import encode_pairs  # noqa: E402
from rlbook.language.preferences import bradley_terry_loss  # noqa: E402
from rlbook.language.rewards import by_position  # noqa: E402
from rlbook.language.sampling import check_room, checkpointed, positions  # noqa: E402
from rlbook.language.texts import check_tokenizer, encode_completions  # noqa: E402
from rlbook.language.trainers import take_step  # noqa: E402
from rlbook.training import trainer  # noqa: E402


class Step(NamedTuple):
    """What one step of `fit_reward_model` saw and did, before it moved the model."""

    step: int  # from 1
    loss: float  # in nats; log 2 for a model that says the same of all texts
    accuracy: float  # the share of pairs, by weight, whose chosen text has the higher reward; a tie counts 1/2
    margin: float  # the mean of r(chosen) - r(rejected)
    reward: float  # the mean reward of all texts: it may drift, since only differences are learned
    gradient_norm: float  # before it was limited


class VerifierStep(NamedTuple):
    """What one step of `fit_verifier` saw and did, before it moved the model."""

    step: int  # from 1
    loss: float  # in nats, the mean over tokens; log 2 for a model that says 1/2 everywhere
    verdict: float  # the mean over completions of what it says at their ends, as a probability
    mark: float  # the mean of their marks
    gradient_norm: float  # before it was limited


def with_reward_head(model):
    """A copy of a causal language model with a reward head in the place of its own: a model of transformers.

    Its class is the `...ForSequenceClassification` of the same family, with one label, and its head is `score`. The head
    is 0, and so is the reward of every text. Raises TypeError for what is no language model, ValueError for one that
    `check_model` refuses or that has no such class.
    """
    check_model(model)
    config = copy.deepcopy(model.config)
    config.num_labels = 1
    try:
        with torch.random.fork_rng(devices=[]):  # transformers initialises from PyTorch's global generator
            headed = AutoModelForSequenceClassification.from_config(config)
        headed.base_model.load_state_dict(model.base_model.state_dict())
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{type(model).__name__} has no class with a reward head in transformers, expected a model that has one, "
            "such as GPT-2, Llama or Qwen3"
        ) from error
    check_reward_model(headed)
    torch.nn.init.zeros_(headed.score.weight)
    return headed.to(model.device, model.dtype).eval()


def load_reward_model(name, *, device=None, dtype=None):
    """A reward model and its tokenizer, by the arguments of `models.load`: shipped, a folder, or of a hub.

    Raises OSError if there is none, ValueError for a model without a reward head of one number.
    """
    model, tokenizer = load_as(AutoModelForSequenceClassification, name, device=device, dtype=dtype)
    check_reward_model(model)
    return model, tokenizer


def token_rewards(model, tokens, attention_mask):
    """What the head says at each token (B, L), given those before it; 0 where attention_mask (B, L) is False.

    Differentiable in the model's parameters.
    """
    check_reward_model(model)
    check_no_dropout(model)
    check_ids(model, tokens)
    with checkpointed(model), padding_learns(model):
        hidden = model.base_model(
            input_ids=tokens,
            attention_mask=attention_mask.long(),
            position_ids=positions(attention_mask),
            use_cache=False,
        ).last_hidden_state
    return torch.where(attention_mask, model.score(hidden)[:, :, 0].float(), 0.0)


def text_rewards(model, tokens, attention_mask):
    """The reward (B,) of texts: what the head says at the last token of each. Differentiable."""
    last = attention_mask.long().cumsum(1).argmax(1)  # the first place at which all have been counted
    return token_rewards(model, tokens, attention_mask).gather(1, last[:, None])[:, 0]


def pair_rewards(model, batch):
    """The rewards of the chosen and of the rejected texts of `EncodedPairs`, (B,) each; a text in several is read once."""
    width = batch.tokens.shape[1]
    texts, place = torch.cat([batch.tokens, batch.attention_mask], 1).unique(dim=0, return_inverse=True)
    return text_rewards(model, texts[:, :width], texts[:, width:].bool())[place].chunk(2)


def reward_function(model, tokenizer, *, rows_at_once=256, max_new_tokens=None):
    """A reward model as a reward function: reward(prompts, completions, **columns) -> list of floats.

    max_new_tokens cuts off longer completions, without an end token, as they were in the pairs that the model has learned
    from, if they were.
    """
    check_reward_model(model)
    check_tokenizer(tokenizer)
    check_counts(rows_at_once=rows_at_once)

    @torch.no_grad()
    def learned_reward(prompts, completions, **columns):
        tokens, there, _ = encode_completions(tokenizer, prompts, completions, max_new_tokens, model.device)
        check_room(model, there, 0)
        parts = zip(tokens.split(rows_at_once), there.split(rows_at_once))
        return torch.cat([text_rewards(model, *part) for part in parts]).tolist()

    return learned_reward


@trainer
def fit_reward_model(
    model,
    tokenizer,
    pairs,
    optimizer,
    *,
    steps,
    rng,
    batch_size=64,
    max_new_tokens=None,
    max_gradient_norm=1.0,
    memory,
):
    """Make the rewards of chosen texts higher than those of the rejected ones, by `bradley_terry_loss`.

    model       with a reward head, as `with_reward_head` makes it
    pairs       `Pairs` of completions; each step draws batch_size of them, all different
    optimizer   any PyTorch optimizer of the model's parameters whose step takes no closure
    max_new_tokens  where longer completions are cut off, without an end token; by default nowhere

    Trains the model in place, its dropout off; yields a `Step` after each step. Raises ValueError or TypeError before
    the first for what cannot be learned from, FloatingPointError for a gradient that is not finite.
    Source: Ouyang et al. (2022), eq. 1.
    """
    max_gradient_norm = _check_numbers(rng, max_gradient_norm, steps=steps, batch_size=batch_size)
    _check_models(model, tokenizer, optimizer)
    encoded = encode_pairs(tokenizer, pairs, model.device, max_new_tokens=max_new_tokens)
    _check_texts(model, encoded, batch_size, len(encoded.weights), "pairs")
    memory.begin(step=0)
    while memory.step < steps:
        memory.step += 1
        drawn = rng.choice(len(encoded.weights), batch_size, replace=False)
        batch = encoded.rows(torch.from_numpy(drawn).to(model.device))
        chosen, rejected = pair_rewards(model, batch)
        loss = bradley_terry_loss(chosen, rejected, weights=batch.weights)
        norm = _descend(model, optimizer, loss, max_gradient_norm)
        right = 0.5 * (1 + (chosen - rejected).detach().sign())
        yield Step(
            step=memory.step,
            loss=loss.item(),
            accuracy=float((right * batch.weights).sum() / batch.weights.sum()),
            margin=float((chosen - rejected).detach().mean()),
            reward=float((chosen + rejected).detach().mean() / 2),
            gradient_norm=norm,
        )


@trainer
def fit_verifier(
    model,
    tokenizer,
    prompts,
    completions,
    marks,
    optimizer,
    *,
    steps,
    rng,
    batch_size=64,
    max_new_tokens=None,
    max_gradient_norm=1.0,
    memory,
):
    """Let the head say, at every token of a completion, with which probability the whole will be marked as right.

    prompts, completions    (B,), samples of a policy: what is learned, sigmoid(head), is the value of each prefix
                            under this policy, the probability of ending well
    marks                   (B,) numbers in [0, 1]: 1 for right, 0 for wrong, or the share of raters who say so
    The other arguments are those of `fit_reward_model`. Yields a `VerifierStep` after each step.
    Source: Cobbe et al. (2021), section 4.2; the binary cross-entropy of the mark, at each token.
    """
    max_gradient_norm = _check_numbers(rng, max_gradient_norm, steps=steps, batch_size=batch_size)
    _check_models(model, tokenizer, optimizer)
    marks = torch.from_numpy(_checked_marks(marks, len(by_position("completions", completions)))).to(model.device)
    tokens, there, own = encode_completions(tokenizer, prompts, completions, max_new_tokens, model.device)
    encoded = Marked(tokens, there, own, marks)
    _check_texts(model, encoded, batch_size, len(marks), "completions")
    memory.begin(step=0)
    while memory.step < steps:
        memory.step += 1
        drawn = rng.choice(len(marks), batch_size, replace=False)
        batch = encoded.rows(torch.from_numpy(drawn).to(model.device))
        logits = token_rewards(model, batch.tokens, batch.attention_mask)
        target = batch.marks[:, None].expand_as(logits)
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss = (losses * batch.mask).sum() / batch.mask.sum()
        norm = _descend(model, optimizer, loss, max_gradient_norm)
        last = batch.attention_mask.long().cumsum(1).argmax(1)
        verdicts = logits.detach().gather(1, last[:, None]).sigmoid()
        yield VerifierStep(memory.step, loss.item(), float(verdicts.mean()), float(batch.marks.mean()), norm)


class Marked(NamedTuple):
    """Texts as token ids, in columns as `sample` writes them, with their marks."""

    tokens: torch.Tensor  # (B, L)
    attention_mask: torch.Tensor  # (B, L) bool
    mask: torch.Tensor  # (B, L) bool: the tokens of the completions
    marks: torch.Tensor  # (B,)

    def rows(self, chosen):
        """The texts at the chosen places (N,) alone."""
        return Marked(*(tensor[chosen] for tensor in self))


def check_reward_model(model):
    """Raise unless the model is one of transformers with a reward head: a linear layer `score` to one number."""
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "config") or not hasattr(model, "base_model"):
        raise TypeError(f"model is a {type(model).__name__}, expected a model of transformers with a reward head")
    head = getattr(model, "score", None)
    if not isinstance(head, torch.nn.Linear) or head.out_features != 1:
        found = f"the head {shown(head)}" if head is not None else "no head `score`"
        raise ValueError(
            f"{type(model).__name__} has {found}, expected a linear layer `score` with one output: a reward head, as "
            "with_reward_head(model) makes it"
        )


def _check_numbers(rng, max_gradient_norm, **counts):
    check_rng(rng)
    check_counts(**counts)
    return check_number("max_gradient_norm", max_gradient_norm, above=0)


def _check_models(model, tokenizer, optimizer):
    check_reward_model(model)
    check_tokenizer(tokenizer)
    check_optimizer(optimizer, model=model)
    model.eval()


def _check_texts(model, encoded, batch_size, count, what):
    """Raise ValueError for a text that the model cannot read, and for more in a batch than there are."""
    check_ids(model, encoded.tokens)
    check_room(model, encoded.attention_mask, 0)
    if batch_size > count:
        raise ValueError(f"batch_size is {batch_size}, expected at most {count}: all {what} there are")


def _checked_marks(marks, count):
    """The marks as float32 (B,), if each is a number in [0, 1]."""
    marks = check_array("marks", marks).astype(np.float32)
    if marks.shape != (count,):
        raise ValueError(f"marks has shape {marks.shape}, expected ({count},): one for each completion")
    wrong = np.flatnonzero(~((marks >= 0) & (marks <= 1)))
    if len(wrong):
        raise ValueError(f"marks[{wrong[0]}] is {marks[wrong[0]]}, expected numbers in [0, 1]")
    return marks


def _descend(model, optimizer, loss, max_gradient_norm):
    """One step of the optimizer down the loss; the norm of its gradient, before it was limited."""
    model.zero_grad()
    loss.backward()
    return take_step(optimizer, max_gradient_norm, "reward model")
