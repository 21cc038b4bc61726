"""The language models of the book: loading a shipped one or any other, and building tiny ones.

Every model here is a transformers model and every tokenizer a transformers tokenizer, so what the book does to a model
of 100,000 parameters it does, by the same lines, to any causal model of a hub that keeps keys and values in its cache.
"""

import sys
import warnings
from contextlib import contextmanager, nullcontext
from importlib.resources import files
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from rlbook._checks import check_counts, check_memory, check_rng, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from huggingface_hub import constants  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers  # noqa: E402
from tokenizers.models import WordLevel  # noqa: E402
from transformers import (  # noqa: E402
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)
from transformers.pytorch_utils import Conv1D  # noqa: E402
from transformers.utils import logging  # noqa: E402

from rlbook._torch import best_device  # noqa: E402
from rlbook.language.texts import check_tokenizer  # noqa: E402
from rlbook.language.token_mdp import check_tokens  # noqa: E402

REWARD_HEAD = "ForSequenceClassification"  # how transformers names what a reward model is
SHIPPED = Path(str(files("rlbook") / "models"))


def shipped_models():
    """The names of the models that come with the package."""
    return sorted(folder.name for folder in SHIPPED.iterdir() if (folder / "config.json").is_file())


def load(name, *, device=None, dtype=None, lora=None):
    """A causal language model and its tokenizer, ready to be sampled, scored and trained.

    name        a model that comes with the package ("arithmetic"), a folder, or the id of one on the Hugging Face Hub
    device      where to put it; by default the accelerator of this machine if it has one
    dtype       of the weights; by default torch.float32, whatever the checkpoint has: small updates
                get lost in the 8 bits of a bfloat16, so train in float32, under torch.autocast on a GPU
    lora        the rank of an adapter of all linear layers (peft, the extra "lora"), which alone is then trained, in
                float32 whatever the dtype; None for the whole model

    The model is in eval mode: its dropout is off, so that the policy that samples is the one that is scored. The
    tokenizer pads on the left, and with the end token where it has no padding token of its own.
    Raises OSError if there is no such model, or none that can be reached, or if it is a reward model; ValueError for a
    dtype of no real numbers, or a device that is not there.
    """
    if lora is not None:
        check_counts(lora=lora)
    model, tokenizer = load_as(AutoModelForCausalLM, name, device=device, dtype=dtype)
    return (model if lora is None else with_adapter(model, lora)), tokenizer


def with_adapter(model, rank):
    """The model with a low-rank adapter beside each of its linear layers, which changes nothing yet: a PeftModel.

    The adapters alone require a gradient: two factors of that rank each, whose product counts twice (lora_alpha).
    Source: Hu et al. (2022), "LoRA".
    """
    peft = require("peft", extra="lora")
    transposed = any(isinstance(module, Conv1D) for module in model.modules())  # GPT-2's linear layers
    sizes = dict(r=rank, lora_alpha=2 * rank, fan_in_fan_out=transposed)
    config = peft.LoraConfig(**sizes, target_modules="all-linear", task_type="CAUSAL_LM")
    with warnings.catch_warnings():  # of peft's own reading of an attribute whose name transformers has changed
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return peft.get_peft_model(model, config).eval()


def has_adapter(model):
    """Whether the model has an adapter of peft's, so that it can stand for itself as it was before it was trained."""
    return bool(_adapted_layers(model))


@contextmanager
def without_adapter(model):
    """Within, the model is the one beside which its adapter was put, bit for bit."""
    layers = [layer for layer in _adapted_layers(model) if not layer.disable_adapters]
    learns = {parameter: parameter.requires_grad for layer in layers for parameter in layer.parameters()}
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield model
    finally:
        for layer in layers:
            layer.enable_adapters(True)
        for parameter, does in learns.items():  # which peft would set for all of the adapter
            parameter.requires_grad_(does)


def _adapted_layers(model):
    peft = sys.modules.get("peft")  # who has an adapter has imported it
    if peft is None:
        return []
    return [module for module in model.modules() if isinstance(module, peft.tuners.tuners_utils.BaseTunerLayer)]


def load_as(kind, name, *, device=None, dtype=None):
    """What `load` does, for one of transformers' AutoModel classes: AutoModelForCausalLM, or the one of reward models."""
    if not isinstance(name, (str, Path)):
        raise TypeError(f"name is {shown(name)}, expected a model's name as a string, or a folder")
    if isinstance(name, Path) and not name.is_dir():
        raise OSError(
            f"no folder {str(name)!r}: a Path is a folder, expected one that is there, or a string for a shipped model "
            f"({', '.join(shipped_models())}) or one of a hub"
        )
    device = best_device() if device is None else _device(device)
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ValueError(f"dtype is {shown(dtype)}, expected one of real numbers, such as torch.float32")
    source = SHIPPED / name if name in shipped_models() else name
    here = Path(source).is_dir()
    try:
        with _without_progress_bars() if here else nullcontext():
            online = not here and _hub_answers()
            tokenizer = AutoTokenizer.from_pretrained(source, padding_side="left", local_files_only=not online)
            _check_kind(kind, name, AutoConfig.from_pretrained(source, local_files_only=not online))
            model = kind.from_pretrained(source, dtype=dtype or torch.float32, local_files_only=not online)
    except OtherKind:
        raise
    except (OSError, ValueError) as error:
        raise OSError(
            f"no model {str(name)!r}: expected a shipped one ({', '.join(shipped_models())}), a folder that holds "
            "config.json, tokenizer.json and weights, or the id of a causal model on a hub that can be reached from here"
        ) from error
    if not len(tokenizer):
        raise OSError(
            f"{str(name)!r} has no tokenizer: expected tokenizer.json, or what else transformers reads, in it"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.to(device).eval(), tokenizer


class OtherKind(OSError):
    """A model that is there, with another head: transformers would put a random one in its place, and only log it."""


def _check_kind(kind, name, config):
    rewards = any(architecture.endswith(REWARD_HEAD) for architecture in config.architectures or ())
    if rewards and kind is AutoModelForCausalLM:
        raise OtherKind(
            f"{str(name)!r} is a reward model, expected a causal language model: use reward_model.load_reward_model"
        )
    if not rewards and kind is not AutoModelForCausalLM:
        raise OtherKind(
            f"{str(name)!r} is {shown(config.architectures)}, expected a reward model, a {REWARD_HEAD}: load(...) and "
            "with_reward_head make one, to be trained"
        )


def _device(device):
    """The device, if this machine has it."""
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (TypeError, ValueError, RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device is {shown(device)}, expected one that this machine has: 'cpu', or None for the best, {best_device()}"
        ) from error
    return place


def _hub_answers():
    """Whether a model hub can be reached. One question: from_pretrained would go on asking for most of a minute."""
    try:
        urlopen(constants.ENDPOINT, timeout=10).close()
    except HTTPError:
        return True  # it answers, if not to this question
    except OSError:
        return False
    return True


@contextmanager
def _without_progress_bars():
    """A bar for reading a file of this machine is noise in a notebook; one for a download is not."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def word_tokenizer(words, end):
    """A tokenizer whose tokens are whole words, parted by spaces; `end`, one of them, both ends a text and pads.

    Raises ValueError unless the words are different, without spaces, and `end` is one of them.
    """
    words = check_tokens("words", words)
    if end not in words or any(word.split() != [word] for word in words):
        raise ValueError(f"words is {shown(words)}, expected words without spaces, the end {shown(end)} among them")
    return _tokenizer(words, pre_tokenizers.WhitespaceSplit(), None, eos_token=end, pad_token=end)


def character_tokenizer(characters, *, end="<eos>", pad="<pad>"):
    """A tokenizer whose tokens are single characters, and two more: one that ends a text and one that pads.

    Raises ValueError unless they are different characters, and `end` and `pad` two tokens more.
    """
    characters = check_tokens("characters", characters)
    for character in characters:
        if len(character) != 1:
            raise ValueError(f"characters has {shown(character)}, expected single characters")
    each = pre_tokenizers.Split(Regex("."), "isolated")
    tokens = check_tokens("pad, end and characters", [pad, end, *characters])
    return _tokenizer(tokens, each, decoders.Fuse(), eos_token=end, pad_token=pad)


def _tokenizer(vocabulary, pre_tokenizer, decoder, **special):
    tokenizer = Tokenizer(WordLevel({token: i for i, token in enumerate(vocabulary)}))
    tokenizer.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        tokenizer.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **special)


def tiny_gpt2(tokenizer, *, rng, layers=2, width=64, heads=2, context=32):
    """An untrained GPT-2 for the tokenizer: 0.1 million parameters, not far from uniform, inclined to repeat itself.

    context is the most tokens that prompt and completion may have together. Raises ValueError for sizes that are no
    whole numbers above 0, or a width that the heads do not divide. Source: Radford et al. (2019).
    """
    check_tokenizer(tokenizer)
    check_rng(rng)
    check_counts(layers=layers, width=width, heads=heads, context=context)
    if width % heads:
        raise ValueError(f"width is {width}, expected a multiple of heads, {heads}: each head reads an equal part")
    layers, width, heads, context = (int(size) for size in (layers, width, heads, context))
    size = (len(tokenizer) + context + 2) * width + layers * (12 * width + 13) * width  # GPT-2's parameters
    check_memory(f"a model of {size:,} parameters", 4 * size, "expected fewer layers, or a smaller width or context")
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=context,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):  # transformers initialises from PyTorch's global generator
        torch.manual_seed(int(rng.integers(2**63 - 1)))
        return GPT2LMHeadModel(config).eval()
