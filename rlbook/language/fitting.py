"""Which models and tokenizers fit: what sampling and scoring take for granted is seen once for each model, or refused.

A model that fits reads a text from left to right, counts positions as it is told, keeps the keys and values of every
token, and has a row for every token id. Nothing of that is known by a model's name. The kinds of its layers are looked
at, and then it is rehearsed: one made-up text is read at once, and again padded, in two pieces and as a group.
"""

import math
import weakref

from rlbook._checks import require

torch = require("torch", extra="language")
require("transformers", extra="language")

from transformers import DynamicCache, PreTrainedTokenizerBase  # noqa: E402
from transformers.cache_utils import DummyLayer, DynamicLayer, DynamicSlidingWindowLayer  # noqa: E402

KEYS_AND_VALUES = (DynamicLayer, DynamicSlidingWindowLayer, DummyLayer)  # a dummy reads those of another layer
REHEARSED = 16  # tokens of the made-up text, where the model's context has room for them
EXPECTED = (
    "expected a causal language model with keys and values of all tokens in its cache, such as GPT-2, Llama or Qwen3"
)
TF32 = 2**-10  # a GPU may round products of float32 to so many bits

_rehearsed = weakref.WeakKeyDictionary()  # {model: the attention it was rehearsed with}


def check_pair(model, tokenizer):
    """Raise TypeError unless these are a model and a tokenizer, in this order."""
    if not isinstance(model, torch.nn.Module) or not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise TypeError(
            f"model is a {type(model).__name__} and tokenizer a {type(tokenizer).__name__}, "
            "expected a model and a tokenizer of transformers, in this order"
        )
    check_is_language_model(model)


def check_is_language_model(model):
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "config"):
        raise TypeError(f"model is a {type(model).__name__}, expected a causal language model of transformers")


def check_model(model):
    """Raise ValueError if sampling and scoring would not be right for this model, TypeError for what is no model.

    A model is rehearsed when it is first met in eval mode, and again with another kind of attention.
    """
    check_is_language_model(model)
    attention = model.config._attn_implementation
    if _rehearsed.get(model) == attention:
        return
    name = type(model).__name__
    if model.config.is_encoder_decoder:
        raise ValueError(f"{name} has an encoder beside its decoder: {EXPECTED}")
    try:
        layers = DynamicCache(config=model.config).layers
        others = sorted({type(layer).__name__ for layer in layers if type(layer) not in KEYS_AND_VALUES})
        agrees = bool(others) or model.training or _rehearse(model)  # dropout would make a difference
    except FloatingPointError:
        raise
    except Exception as error:  # of whatever kind: it is the model's own code that fails
        first = (str(error).splitlines() or [""])[0]
        raise ValueError(
            f"{name} cannot read a padded text in two pieces ({type(error).__name__}: {first[:150]}): {EXPECTED}"
        ) from error
    if others or getattr(model, "_is_stateful", False):
        kept = f" ({', '.join(others)})" if others else ""
        raise ValueError(f"{name} keeps a state{kept}, not only keys and values: {EXPECTED}")
    if not agrees:
        raise ValueError(
            f"{name} reads a padded text in two pieces otherwise than alone and at once: it sees tokens to come, "
            f"keeps a state, or counts positions in its own way. {EXPECTED.capitalize()}"
        )
    if not model.training:
        _rehearsed[model] = attention


@torch.no_grad()
def _rehearse(model):
    """Whether a text has the logits of one plain pass when it is padded, read in two pieces, and continued twice."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    length = REHEARSED if context is None or context < 2 else min(REHEARSED, context // 2 * 2)
    rows, half = num_rows(model), length // 2
    text = (rows // 2 + torch.arange(length, device=model.device)) % rows  # from the middle, where words are
    alone = model(input_ids=text[None], use_cache=False).logits[0]
    check_numbers(alone)

    tokens = torch.cat([text[:2], text])[None]  # padding is what the mask says, not a certain token
    positions = (torch.arange(length + 2, device=model.device) - 2).clamp(min=0)[None]
    there = (torch.arange(length + 2, device=model.device) >= 2).long()[None]
    cache = DynamicCache(config=model.config)

    def read(begin, end):
        given = {"input_ids": tokens[:, begin:end], "position_ids": positions[:, begin:end]}
        return model(**given, attention_mask=there[:, :end], cache=cache, use_cache=True, logits_to_keep=half).logits

    first = read(0, half + 2).repeat(2, 1, 1)
    cache.batch_repeat_interleave(2)
    tokens, positions, there = (rows.repeat(2, 1) for rows in (tokens, positions, there))
    again = torch.cat([first, read(half + 2, length + 2)], 1)
    if again.shape[1:] != alone.shape:
        return False
    scale = alone[alone.isfinite()].abs().max()
    return torch.allclose(again, alone.expand_as(again), rtol=0, atol=float(rounding(model, alone) * scale))


def rounding(model, logits):
    """How much two passes through the model may differ by rounding, as a share of the largest logit.

    What is wrong (a position, a mask, a memory) makes a much greater difference: 20,000 times as much as rounding in
    float32, twice as much in bfloat16 where experts are chosen by rounded numbers.
    """
    types = {logits.dtype, model.dtype}
    if torch.is_autocast_enabled(logits.device.type):
        types.add(torch.get_autocast_dtype(logits.device.type))
    eps = max(torch.finfo(dtype).eps for dtype in types)
    return 1.5 * max(eps, TF32 if logits.is_cuda and logits.dtype == torch.float32 else 0) ** 0.5


def check_no_dropout(model):
    """Raise ValueError if dropout is at work in the model: what it says would change from pass to pass."""
    for name, module in model.named_modules():
        if module.training and _dropout(module) > 0:
            raise ValueError(
                f"the model is in training mode, and {name or 'it'} drops a share of {_dropout(module):g}: expected "
                "model.eval(), without dropout, so that the policy that is scored is the one that samples"
            )


def _dropout(module):
    """The share that a module drops in training mode, by itself or as its attribute says, such as attention_dropout."""
    if isinstance(module, torch.nn.modules.dropout._DropoutNd):
        return module.p
    return max((p for name, p in vars(module).items() if "drop" in name and isinstance(p, float)), default=0.0)


def num_rows(model):
    """The number of token ids for which the model has a row in its embedding."""
    return model.get_input_embeddings().weight.shape[0]


def check_ids(model, tokens, tokenizer=None):
    """Raise ValueError if the model has no row for one of the tokens, or for the tokenizer's padding or end token."""
    rows = num_rows(model)
    if int(tokens.min()) < 0:
        raise ValueError(f"tokens has {int(tokens.min())}, expected ids from 0 to {rows - 1}, the model's")
    special = () if tokenizer is None else (tokenizer.pad_token_id, tokenizer.eos_token_id)
    worst = max(int(tokens.max()), *(i for i in special if i is not None), 0)
    if worst >= rows:
        name = "" if tokenizer is None else f", {tokenizer.convert_ids_to_tokens(worst)!r} of the tokenizer"
        raise ValueError(
            f"token {worst}{name}, has no row in the model's embedding of {rows} rows: expected a token below {rows}, "
            "or more rows, as model.resize_token_embeddings(len(tokenizer)) makes them"
        )


def check_numbers(logits):
    """Raise FloatingPointError unless logits (..., V) are those of probabilities."""
    if not math.isfinite(logits.logsumexp(-1).sum()):
        raise FloatingPointError("the model's probabilities are not numbers: expected weights that are all finite")
