"""A model is right, by the measure of one text alone, or it is refused before the first token."""

import copy

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    GPT2Model,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from rlbook.language import fitting
from rlbook.language.fitting import check_model, check_no_dropout
from rlbook.language.models import character_tokenizer, tiny_gpt2, word_tokenizer
from rlbook.language.sampling import (
    Samples,
    complete,
    encode,
    greedy,
    group_logprobs,
    next_logits,
    sample,
    token_logprobs,
)

torch.set_num_threads(1)
TOKENIZER = character_tokenizer("0123456789")
PROMPTS = ["12", "3456789"]

# What transformers' configurations call their sizes; each is given those that it knows. A window is shorter than texts.
HIDDEN = ["hidden_size", "d_model", "n_embd", "word_embed_proj_dim", "embedding_size", "lru_width"]
INNER = ["intermediate_size", "ffn_dim", "d_ff", "dff", "n_inner", "ffn_hidden_size", "decoder_ffn_dim", "d_inner"]
INNER += ["encoder_ffn_dim", "moe_intermediate_size", "shared_expert_intermediate_size"]
LAYERS = ["num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "encoder_layers", "num_blocks"]
HEADS = ["num_attention_heads", "n_head", "n_heads", "decoder_attention_heads", "encoder_attention_heads", "num_heads"]
CONTEXT = ["max_position_embeddings", "n_positions", "max_seq_len", "max_target_positions"]
EIGHT = ["head_dim", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim", "state_size", "d_head", "index_topk"]
EIGHT += [
    "linear_key_head_dim",
    "linear_value_head_dim",
    "mamba_d_state",
    "ssm_state_size",
    "hidden_size_per_layer_input",
]
FOUR = ["num_experts", "n_routed_experts", "num_local_experts", "sliding_window", "rotary_dim", "time_step_rank"]
FOUR += ["mamba_n_heads", "mamba_num_heads", "attention_window_size", "mamba_dt_rank", "n_mamba_heads"]
TWO = ["num_key_value_heads", "num_experts_per_tok", "linear_num_key_heads", "linear_num_value_heads", "index_n_heads"]
ONE = ["mamba_n_groups", "n_groups", "n_group", "topk_group", "mamba_ngroups", "num_codebooks", "n_shared_experts"]
SIXTEEN = ["q_lora_rank", "kv_lora_rank", "mamba_d_head", "mamba_head_dim", "mamba_headdim", "index_head_dim"]
SIZES = {"vocab_size": 12, "vocab_size_per_layer_input": 12, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
SIZES |= {"is_decoder": True, "layerdrop": 0.0}
for size, names in [(32, HIDDEN), (48, INNER), (2, LAYERS), (4, HEADS), (64, CONTEXT), (8, EIGHT), (4, FOUR), (2, TWO)]:
    SIZES |= dict.fromkeys(names, size)
SIZES |= dict.fromkeys(ONE, 1) | dict.fromkeys(SIXTEEN, 16)
MLA = {"num_key_value_heads": 4}  # its heads do not share keys

RIGHT = {
    "bert": {},
    "biogpt": {},
    "bloom": {},
    "codegen": {},
    "cohere2": {},
    "deepseek_v3": MLA,
    "electra": {},
    "exaone4": {},
    "falcon": {},
    "gemma": {},
    "gemma2": {},
    "gemma3_text": {},
    "gemma4_text": {},
    "glm4": {},
    "gpt2": {},
    "gpt_bigcode": {},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 4},
    "gpt_neox": {},
    "gpt_oss": {},
    "gptj": {},
    "granite": {},
    "granitemoe": {},
    "llama": {},
    "llama4_text": {},
    "minicpm3": MLA,
    "mistral": {},
    "mixtral": {},
    "modernbert-decoder": {},
    "mpt": {},
    "olmo2": {},
    "olmoe": {},
    "opt": {},
    "phi": {},
    "phi3": {},
    "qwen2": {},
    "qwen2_moe": {},
    "qwen3": {},
    "qwen3_moe": {},
    "smollm3": {},
    "stablelm": {},
    "starcoder2": {},
    "xglm": {},
}
STATE = {
    "axk2": MLA,
    "bailing_hybrid": MLA,
    "bamba": {"attn_layer_indices": [1]},
    "deepseek_v32": MLA,
    "falcon_h1": {"mamba_d_ssm": 64},
    "falcon_mamba": {},
    "glm_moe_dsa": MLA,
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "mamba": {},
    "mamba2": {"num_heads": 4, "head_dim": 16, "chunk_size": 8},
    "minimax": {},
    "nemotron_h": {},
    "olmo_hybrid": {},
    "qwen3_5_text": {},
    "qwen3_next": {},
    "recurrent_gemma": {"num_hidden_layers": 3, "num_key_value_heads": 1},
    "rwkv": {},
}
OTHERWISE = {  # no causal mask, positions counted in their own way, or a memory of their own
    "bart": {},
    "bert": {"is_decoder": False},
    "bigbird_pegasus": {},
    "blenderbot": {},
    "camembert": {},
    "electra": {"is_decoder": False},
    "marian": {},
    "mbart": {},
    "moshi": {},
    "openai-gpt": {},
    "pegasus": {},
    "plbart": {},
    "prophetnet": {},
    "reformer": {"axial_pos_embds_dim": [16, 16], "axial_pos_shape": [8, 8], "hash_seed": 0},
    "roberta": {},
    "roformer": {},
    "trocr": {},
    "whisper": {},
    "xlm": {},
    "xlm-roberta": {},
    "xlnet": {},
    "xlstm": {},
}


def model_of(kind, **own):
    """A tiny random model of this kind, with a layer of each type that it has, far from uniform."""
    given = CONFIG_MAPPING[kind]()
    sizes = {name: size for name, size in SIZES.items() if name in vars(given) or name in given.attribute_map}
    if "layer_types" in vars(given) and given.layer_types and not hasattr(type(given), "layers_block_type"):
        types = list(dict.fromkeys(given.layer_types))
        sizes |= {"layer_types": types * (1 if len(types) > 1 else 2), "num_hidden_layers": max(2, len(types))}
    if getattr(given, "mlp_layer_types", None):
        sizes["mlp_layer_types"] = given.mlp_layer_types[-sizes["num_hidden_layers"] :]
    torch.manual_seed(0)
    return spread(AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes | own)).eval())


def spread(model):
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.normal_(0, 0.3)
    return model


def alone(model, samples, row):
    """The log-probabilities of a row's own tokens, from its text alone, without padding, positions or a cache."""
    there = samples.attention_mask[row]
    tokens, own = samples.tokens[row][there], samples.mask[row][there].nonzero()[:, 0]
    logp = model(input_ids=tokens[None], use_cache=False).logits[0].log_softmax(-1)
    return logp[own - 1, tokens[own]]


@pytest.mark.parametrize("kind", RIGHT)
def test_a_model_that_is_taken_has_the_numbers_of_one_text_alone(kind):
    model = model_of(kind, **RIGHT[kind])
    with torch.no_grad():
        for group_size in (1, 2):
            rng = np.random.default_rng(0)
            samples = sample(model, TOKENIZER, PROMPTS, max_new_tokens=6, rng=rng, group_size=group_size)
            scored = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
            for logp in (samples.logprobs, scored, group_logprobs(model, samples, group_size)):
                for row, own in enumerate(samples.mask):
                    assert torch.allclose(logp[row][own], alone(model, samples, row), atol=1e-3, rtol=0)


def calls(model):
    """Everything that reads with a model."""
    tokens, there = encode(TOKENIZER, PROMPTS, "cpu")
    mask = torch.zeros_like(there)
    mask[:, -1] = True
    rng = np.random.default_rng(0)
    settings = {"max_new_tokens": 4}
    yield lambda: sample(model, TOKENIZER, PROMPTS, rng=rng, **settings)
    yield lambda: sample(model, TOKENIZER, PROMPTS, rng=rng, group_size=2, **settings)
    yield lambda: greedy(model, TOKENIZER, PROMPTS, **settings)
    yield lambda: complete(model, TOKENIZER, ["1"], pytest.fail, **settings)  # no token is chosen
    yield lambda: token_logprobs(model, tokens, mask, attention_mask=there)
    yield lambda: group_logprobs(model, Samples(tokens, there, mask, None, None), 1)
    yield lambda: next_logits(model, tokens, there)


def check_refused(model, reason):
    for call in calls(model):
        with pytest.raises(ValueError, match=f"^{type(model).__name__} .*{reason}.*xpected a causal language") as error:
            call()
        assert len(str(error.value)) < 500


@pytest.mark.parametrize("kind", STATE)
def test_a_model_with_a_state_is_refused_by_its_class(kind):
    check_refused(model_of(kind, **STATE[kind]), "keeps a state.*not only keys and values")


@pytest.mark.parametrize("kind", OTHERWISE)
def test_a_model_that_reads_otherwise_is_refused_by_its_class(kind):
    check_refused(model_of(kind, **OTHERWISE[kind]), "padded text in two pieces")


def test_an_encoder_beside_the_decoder_a_head_for_blanks_and_no_head_at_all_are_refused():
    small = {"d_model": 32, "vocab_size": 12, "num_layers": 2, "num_heads": 2, "d_kv": 8, "d_ff": 32}
    check_refused(T5ForConditionalGeneration(T5Config(**small)).eval(), "has an encoder")
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    check_refused(
        BartForConditionalGeneration(BartConfig(vocab_size=12, d_model=32, **layers)).eval(), "has an encoder"
    )
    bert = BertConfig(vocab_size=12, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    check_refused(spread(BertForMaskedLM(bert).eval()), "padded text in two pieces")
    check_refused(
        GPT2Model(tiny_gpt2(TOKENIZER, rng=np.random.default_rng(0)).config).eval(), "padded text in two pieces"
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("kind", ["llama", "gpt_oss", "roberta", "bart"])
def test_a_model_in_any_precision_is_told_apart(kind, dtype):
    if kind == "gpt_oss" and dtype == torch.float64:
        pytest.skip("the products of its experts are not made for it")
    model = model_of(kind).to(dtype)
    if kind in RIGHT:
        check_model(model)
    else:
        check_refused(model, "padded text in two pieces")


@pytest.mark.parametrize("context", [2, 3, 7, 40])
def test_a_model_with_a_short_context_is_taken(context):
    check_model(spread(tiny_gpt2(TOKENIZER, rng=np.random.default_rng(0), context=context)))


def test_a_model_is_rehearsed_once_until_its_attention_is_another():
    model, seen = model_of("llama"), []
    model.register_forward_hook(lambda *given: seen.append(1))
    for _ in range(3):
        check_model(model)
    assert len(seen) == 3
    model.set_attn_implementation("eager")
    check_model(model)
    assert len(seen) == 6
    check_model(copy.deepcopy(model))
    assert len(seen) == 9


def test_dropout_makes_no_difference_to_what_is_taken():
    model = model_of("gpt2", resid_pdrop=0.5).train()
    check_model(model)
    assert model not in fitting._rehearsed
    with pytest.raises(ValueError, match="keeps a state"):
        check_model(model_of("mamba").train())


def test_dropout_is_seen_wherever_it_stands_and_only_where_it_is_on():
    for model in (
        model_of("gpt2", resid_pdrop=0.5, embd_pdrop=0.0, attn_pdrop=0.0),
        model_of("llama", attention_dropout=0.1),
    ):
        check_no_dropout(model)
        with pytest.raises(ValueError, match=r"training mode, and .* drops a share of 0\.[15]: expected model\.eval"):
            check_no_dropout(model.train())
    check_no_dropout(model_of("llama", attention_dropout=0.0).train())


# Tokens without a row, and what is no model


def test_a_token_that_the_model_has_no_row_for_is_named_with_its_id_the_rows_and_the_remedy():
    tokenizer = word_tokenizer(["a", "b", "."], end=".")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(0))
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    settings = {"max_new_tokens": 4, "rng": np.random.default_rng(0)}
    for prompts in (["a", "a b a"], ["a", "b"]):
        with pytest.raises(ValueError, match=r"token 3, '<pad>' .* 3 rows.*model.resize_token_embeddings"):
            sample(model, tokenizer, prompts, **settings)
    tokenizer.pad_token = "."
    sample(model, tokenizer, ["a", "b"], **settings)  # a token that nobody uses does no harm
    tokenizer.add_tokens(["c"])
    with pytest.raises(ValueError, match=r"token 4, 'c' .* 3 rows"):
        sample(model, tokenizer, ["a", "c"], **settings)
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    with pytest.raises(ValueError, match=r"token 5, '<end>' .* 3 rows"):
        sample(model, tokenizer, ["a", "b"], **settings)
    model.resize_token_embeddings(len(tokenizer))
    assert sample(model, tokenizer, ["a", "c"], **settings).completions


def test_tokens_to_score_that_the_model_has_no_row_for_are_refused():
    model = tiny_gpt2(TOKENIZER, rng=np.random.default_rng(0))
    tokens, there = torch.tensor([[2, 12, 3]]), torch.ones(1, 3, dtype=torch.bool)
    own = torch.tensor([[False, True, True]])
    for call in (
        lambda: token_logprobs(model, tokens, own),
        lambda: group_logprobs(model, Samples(tokens, there, own, None, None), 1),
        lambda: next_logits(model, tokens, there),
    ):
        with pytest.raises(ValueError, match="token 12, has no row in the model's embedding of 12 rows"):
            call()


def test_a_model_and_a_tokenizer_that_have_changed_places_are_both_named():
    model = tiny_gpt2(TOKENIZER, rng=np.random.default_rng(0))
    message = "model is a TokenizersBackend and tokenizer a GPT2LMHeadModel, expected a model and a tokenizer"
    with pytest.raises(TypeError, match=message):
        sample(TOKENIZER, model, PROMPTS, max_new_tokens=4, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match=message):
        greedy(TOKENIZER, model, PROMPTS, max_new_tokens=4)
    with pytest.raises(TypeError, match="model is a str and tokenizer a TokenizersBackend"):
        greedy("gpt2", TOKENIZER, PROMPTS, max_new_tokens=4)
    with pytest.raises(TypeError, match="model is a Linear, expected a causal language model"):
        next_logits(torch.nn.Linear(1, 1), *encode(TOKENIZER, PROMPTS, "cpu"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("known", [False, True], ids=["at first", "later"])
def test_weights_that_are_no_numbers_are_refused_before_the_first_token(value, known):
    model = spread(tiny_gpt2(TOKENIZER, rng=np.random.default_rng(0)))
    if known:
        check_model(model)
    model.transformer.h[0].mlp.c_fc.weight.data[0, 0] = value
    with pytest.raises(FloatingPointError, match="expected weights that are all finite"):
        complete(model, TOKENIZER, PROMPTS, pytest.fail, max_new_tokens=4)


def test_a_model_that_rules_a_token_out_is_taken():
    model = spread(tiny_gpt2(TOKENIZER, rng=np.random.default_rng(0)))
    model.lm_head.register_forward_hook(lambda head, given, logits: logits.index_fill(-1, torch.tensor(5), -torch.inf))
    samples = sample(model, TOKENIZER, PROMPTS, max_new_tokens=6, rng=np.random.default_rng(0), group_size=50)
    assert 5 not in samples.tokens[samples.mask] and samples.logprobs.isfinite().all()
