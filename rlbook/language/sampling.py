"""Sampling from a language model, and scoring what was sampled, as one and the same policy.

The temperature is part of the policy: it divides the logits where a token is drawn and where it is scored. There is no
top-k, no top-p and no other filter, because a token that was drawn under a filter and scored without it was drawn from
another distribution. Left padding is hidden by the attention mask, and positions are counted from a prompt's own first
token. A completion is a prompt's continuation up to its end token, which is part of it, or up to the limit.
"""

from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from rlbook._checks import check_counts, check_number, check_rng, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from torch.utils.checkpoint import checkpoint  # noqa: E402
from transformers import DynamicCache  # noqa: E402
from transformers.modeling_layers import GradientCheckpointingLayer  # noqa: E402

from rlbook._torch import check_same_shape, padding_learns, torch_generator  # noqa: E402
from rlbook.language.captured import captured  # noqa: E402
from rlbook.language.fitting import check_ids, check_model, check_no_dropout, check_numbers, check_pair  # noqa: E402
from rlbook.language.texts import decode, encode  # noqa: E402

LEAST_TEMPERATURE = 1e-6  # logits of a hundred, divided by it, are far from the largest float32


class Samples(NamedTuple):
    """Prompts and their completions, side by side: columns of prompt (padded on the left), then of completion.

    B is the number of prompts times the group size, the completions of one prompt in consecutive rows.
    """

    tokens: torch.Tensor  # (B, L) token ids, padding wherever attention_mask is False
    attention_mask: torch.Tensor  # (B, L) bool: the tokens that are there
    mask: torch.Tensor  # (B, L) bool: the tokens that the policy chose, the end token included
    logprobs: torch.Tensor  # (B, L) log-probability of each token that the policy chose, elsewhere 0
    completions: list[str]  # (B,) their texts, without the end token


def own_tokens(samples):
    """The token ids of each completion, (B,) lists, its end token included: of `Samples`, or of `exact.Language`."""
    return [tokens[mask].tolist() for tokens, mask in zip(samples.tokens.cpu(), samples.mask.cpu())]


def sample(model, tokenizer, prompts, *, max_new_tokens, rng, group_size=1, temperature=1.0):
    """Draw group_size completions of each prompt from the model, at this temperature: `Samples`.

    prompts, a list of strings; max_new_tokens, the most tokens of a completion; rng, a NumPy generator.
    Raises, before the first token and before rng is asked, ValueError for a prompt that cannot be read or leaves the
    model's context too little room, a tokenizer that cannot pad or has tokens that the model has not, a model that
    `check_model` refuses; FloatingPointError where the model's numbers are none.
    """
    check_rng(rng)
    generator = None  # made with the first token, after all checks

    def draw(logp):
        nonlocal generator
        generator = generator or torch_generator(rng, model.device)
        noise = torch.empty_like(logp).exponential_(generator=generator)
        return (logp - noise.log_()).argmax(-1)  # as torch.multinomial draws, without its checks and tiny numbers

    return complete(
        model,
        tokenizer,
        prompts,
        draw,
        max_new_tokens=max_new_tokens,
        group_size=group_size,
        temperature=temperature,
    )


def greedy(model, tokenizer, prompts, *, max_new_tokens):
    """Complete each prompt with the likeliest token at every step: `Samples`, with log-probabilities at temperature 1."""
    return complete(model, tokenizer, prompts, lambda logp: logp.argmax(-1), max_new_tokens=max_new_tokens)


def complete(model, tokenizer, prompts, choose, *, max_new_tokens, group_size=1, temperature=1.0):
    """Continue each prompt group_size times, every token chosen by `choose`.

    choose maps log-probabilities (B, V) to tokens (B,) of type torch.int64. A prompt is read once; its completions
    share what the model remembers of it, its keys and values in the cache.
    """
    check_pair(model, tokenizer)
    check_counts(max_new_tokens=max_new_tokens, group_size=group_size)
    temperature = checked_temperature(temperature)
    if model.training:
        raise ValueError("the model is in training mode: expected model.eval(), without dropout")
    check_model(model)
    prompt, prompt_mask = encode(tokenizer, prompts, model.device)
    check_ids(model, prompt, tokenizer)
    check_room(model, prompt_mask, max_new_tokens)
    stops = stop_tokens(model, tokenizer)

    tokens, mask, logprobs = [], [], []  # a column (B, 1) for each new token
    with torch.inference_mode():  # nothing is noted down for gradients
        cache = DynamicCache(config=model.config)
        logits = next_logits(model, prompt, prompt_mask, cache).repeat_interleave(group_size, 0)
        check_numbers(logits)
        going = torch.ones(len(logits), 1, dtype=torch.bool, device=model.device)  # not ended yet
        plain = plain_step(model, cache, prompt_mask, group_size)
        predict = captured(plain, model, cache, prompt_mask, group_size, max_new_tokens)
        for t in range(max_new_tokens):
            if t > 0:
                logits = predict(tokens[-1], mask)
            logp = (at_least_float32(logits) / temperature).log_softmax(-1)
            tokens.append(_checked_choice(choose(logp), logp, t == 0)[:, None])
            logprobs.append(logp.gather(1, tokens[-1]))
            mask.append(going)
            going = going & torch.isin(tokens[-1], stops, invert=True)
            if not going.any():
                break
    tokens, mask, logprobs = (torch.cat(columns, 1) for columns in (tokens, mask, logprobs))
    if logprobs.isnan().any():
        raise FloatingPointError("the model's probabilities are not numbers: expected weights that are all finite")
    tokens, logprobs = tokens.where(mask, tokenizer.pad_token_id), logprobs.where(mask, 0.0)  # what follows an end
    prompt, prompt_mask = (rows.repeat_interleave(group_size, 0) for rows in (prompt, prompt_mask))
    before = torch.zeros_like(prompt)
    return Samples(
        torch.cat([prompt, tokens], 1),
        torch.cat([prompt_mask, mask], 1),
        torch.cat([before.bool(), mask], 1),
        torch.cat([before.to(logprobs.dtype), logprobs], 1),
        decode(tokenizer, tokens, mask & ~torch.isin(tokens, stops)),
    )


def plain_step(model, cache, prompt_mask, group_size):
    """A step from the newest tokens (B, 1) and the mask of all new ones, a list of columns (B, 1), to logits (B, V).

    cache is what the model remembers of the prompts (G, P); the first step repeats it for the rows of each group.
    """
    there = prompt_mask.repeat_interleave(group_size, 0)

    def step(tokens, mask):
        if len(mask) == 1 and group_size > 1:
            cache.batch_repeat_interleave(group_size)
        return next_logits(model, tokens, torch.cat([there, *mask], 1), cache)

    return step


def token_logprobs(model, tokens, mask, *, attention_mask=None, temperature=1.0):
    """The log-probability (B, L) of each token that the policy chose, given those before it.

    tokens (B, L), mask (B, L) bool: the policy's own tokens, elsewhere the answer is 0;
    attention_mask (B, L): the tokens that are there, needed as soon as a row begins with
    padding. Differentiable in the model's parameters; checkpoints activations, if the model
    is told to, in eval mode too, where transformers by itself does not.
    """
    check_model(model)
    check_no_dropout(model)
    temperature = checked_temperature(temperature)
    _check_tokens(tokens, mask=mask)
    attention_mask = torch.ones_like(mask) if attention_mask is None else attention_mask
    _check_own_tokens(tokens, mask, attention_mask)
    check_ids(model, tokens)
    first = max(1, int(mask.any(0).int().argmax()))  # to be scored, by the logits of the one before
    with checkpointed(model), padding_learns(model):
        logits = model(
            input_ids=tokens,
            attention_mask=attention_mask.long(),
            position_ids=positions(attention_mask),
            logits_to_keep=tokens.shape[1] - first + 1,
            use_cache=False,
        ).logits[:, :-1]
    logits = at_least_float32(logits) / temperature
    chosen = logits.gather(2, tokens[:, first:, None].long())[:, :, 0] - logits.logsumexp(2)
    return torch.nn.functional.pad(torch.where(mask[:, first:], chosen, 0.0), (first, 0))


def group_logprobs(model, samples, group_size, *, temperature=1.0):
    """What `token_logprobs` says of samples (B, L), with the prompt of each group read only once.

    The completions of a group share its keys and values, and the gradient flows back through them. A model
    that checkpoints activations can keep none: each completion reads its prompt for itself, in less memory and more time.
    Raises ValueError if the samples are not in such groups.
    """
    check_model(model)
    check_no_dropout(model)
    temperature = checked_temperature(temperature)
    if not isinstance(samples, Samples):
        raise TypeError(f"samples is a {type(samples).__name__}, expected Samples, as sample makes them")
    check_counts(group_size=group_size)
    _check_tokens(samples.tokens, mask=samples.mask, attention_mask=samples.attention_mask)
    tokens, attention_mask, mask = samples.tokens, samples.attention_mask, samples.mask
    first = int(mask.any(0).int().argmax())  # the column where all completions begin
    cache = DynamicCache(config=model.config)
    prompt, prompt_mask = tokens[::group_size, :first], attention_mask[::group_size, :first]
    if not torch.equal(prompt.repeat_interleave(group_size, 0), tokens[:, :first]):
        raise ValueError(
            f"{len(tokens)} samples are no groups of {group_size} that share a prompt, in consecutive rows"
        )
    if layers_to_checkpoint(model):  # each would write into the cache again when the gradient is computed
        return token_logprobs(model, tokens, mask, attention_mask=attention_mask, temperature=temperature)
    check_ids(model, tokens)
    with padding_learns(model):
        logits = next_logits(model, prompt, prompt_mask, cache).repeat_interleave(group_size, 0)[:, None]
        if tokens.shape[1] > first + 1:
            if group_size > 1:
                cache.batch_repeat_interleave(group_size)
            later = model(
                input_ids=tokens[:, first:-1],
                attention_mask=attention_mask[:, :-1].long(),
                position_ids=positions(attention_mask)[:, first:-1],
                cache=cache,
                use_cache=True,
            ).logits
            logits = torch.cat([logits, later], 1)
    logits = at_least_float32(logits) / temperature
    chosen = logits.gather(2, tokens[:, first:, None].long())[:, :, 0] - logits.logsumexp(2)
    return torch.nn.functional.pad(torch.where(mask[:, first:], chosen, 0.0), (first, 0))


def layers_to_checkpoint(model):
    """The layers that do not keep what they compute, but compute it again for the gradient: none, or those told to."""
    layers = (module for module in model.modules() if isinstance(module, GradientCheckpointingLayer))
    if not torch.is_grad_enabled() or not getattr(next(layers, None), "gradient_checkpointing", False):
        return []  # as a rule all are told, or none
    return [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer) and m.gradient_checkpointing]


@contextmanager
def checkpointed(model):
    """In its context such layers do so in eval mode too, for a pass that writes into no cache."""
    layers = [] if model.training else layers_to_checkpoint(model)
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def positions(attention_mask):
    """The position (B, L) of each token in its own text, counted from 0 whatever padding stands before it."""
    return (attention_mask.long().cumsum(1) - 1).clamp(min=0)


def next_logits(model, tokens, there, cache=None):
    """The logits (B, V) of the token after the newest ones (B, N).

    there (B, L) bool tells padding from text, of those in the cache too. Differentiable. Raises ValueError for a model
    that `check_model` refuses, or a token that it has no row for.
    """
    check_model(model)
    if cache is None:
        check_no_dropout(model)
        _check_tokens(tokens, there=there)
        check_ids(model, tokens)
    return model(
        input_ids=tokens,
        attention_mask=there.long(),
        position_ids=positions(there)[:, -tokens.shape[1] :],
        cache=cache,
        use_cache=cache is not None,
        logits_to_keep=1,
    ).logits[:, -1]


def at_least_float32(logits):
    """Logits of half precision as float32, in which probabilities are computed; others as they are."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def check_room(model, there, max_new_tokens):
    """Raise ValueError if a prompt, tokens there (B, L), and its completion do not fit into the model's context."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    lengths = there.sum(1)
    full = context is not None and context > 0 and lengths.max() + max_new_tokens > context
    if full and max_new_tokens == 0:
        raise ValueError(
            f"text {int(lengths.argmax())} has {int(lengths.max())} tokens, expected at most {context}: the model's "
            "context holds no more"
        )
    if full:
        raise ValueError(
            f"prompt {int(lengths.argmax())} has {int(lengths.max())} tokens: with max_new_tokens={max_new_tokens} "
            f"expected at most {context - max_new_tokens}, since the model's context holds {context}"
        )


def stop_tokens(model, tokenizer):
    """The tokens that end a completion (N,): the tokenizer's end token, and those of the model's generation settings."""
    return stop_tokens_with(model, tokenizer.eos_token_id)


def stop_tokens_with(model, end):
    """The tokens that end a completion (N,) where the end token of its tokenizer is `end`, None for none."""
    listed = model.generation_config.eos_token_id if model.generation_config is not None else None
    stops = {end, *(listed if isinstance(listed, list) else [listed])} - {None}
    return torch.tensor(sorted(stops), dtype=torch.long, device=model.device)


def checked_temperature(temperature):
    """The temperature as a float, if logits can be divided by it: by one nearer to 0 they would become infinite."""
    because = "; for the likeliest token use greedy"
    temperature = check_number("temperature", temperature, above=0, because=because)
    return check_number("temperature", temperature, least=LEAST_TEMPERATURE, because=because)


def _checked_choice(chosen, logp, first):
    """What `choose` gave for log-probabilities (B, V), if these are tokens (B,)."""
    if not isinstance(chosen, torch.Tensor):
        raise TypeError(f"choose gives {shown(chosen)}, expected a tensor ({len(logp)},) of tokens: one for each row")
    if chosen.shape != logp.shape[:1] or chosen.dtype != torch.int64:
        raise ValueError(
            f"choose gives a tensor {tuple(chosen.shape)} of {chosen.dtype}, expected ({len(logp)},) of torch.int64: "
            "a token for each row"
        )
    if not (first or logp.is_cpu):
        return chosen  # an accelerator would have to be waited for at every token
    least, most = (int(token) for token in chosen.aminmax())
    if least < 0 or most >= logp.shape[1]:
        raise ValueError(
            f"choose gives token {least if least < 0 else most}, expected tokens from 0 to {logp.shape[1] - 1}"
        )
    return chosen


def _check_tokens(tokens, **masks):
    """Raise unless tokens are ids (B, L), at least one, and the masks of their shape say what is to be scored or there."""
    check_same_shape("(B, L)", tokens=tokens, **masks)
    if tokens.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"tokens has type {tokens.dtype}, expected token ids of torch.int64")
    if not tokens.numel():
        raise ValueError(f"tokens has shape {tuple(tokens.shape)}, expected (B, L), at least one token")


def _check_own_tokens(tokens, mask, attention_mask):
    """Raise ValueError unless every token to score is there and has one before it."""
    _check_tokens(tokens, mask=mask, attention_mask=attention_mask)
    if mask.dtype != torch.bool:
        raise ValueError(f"mask has type {mask.dtype}, expected torch.bool")
    there = attention_mask.bool()
    before = torch.nn.functional.pad(there, (1, 0))[:, :-1]
    wrong = (mask & ~(there & before)).nonzero()
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ValueError(
            f"mask[{row}, {column}] is True, but the token or the one before it is padding or missing: a token is scored "
            "given those before it"
        )
