"""The step that a GPU captures as a graph is the plain one: same draws, same numbers, after every kind of change.

Without a GPU the same step is made over the same memory, by a call in the place of the graph.
"""

import gc
import weakref

import pytest
import test_captured
import torch
from test_captured import (
    CHANGES,
    EVERY,
    LONG,
    TOKENIZER,
    Moody,
    assert_same,
    draw,
    gemma2,
    gpt2,
    llama,
    mixtral,
    model_of,
    qwen2,
    recordings,
)
from torch import nn
from transformers import MambaConfig, MambaForCausalLM

from rlbook.language import captured as module
from rlbook.language import cuda_graph
from rlbook.language.captured import GRAPHS, WIDE_MULTIPLE
from rlbook.language.cuda_graph import SHARE, Repeatable, fits
from rlbook.language.sampling import complete, token_logprobs

torch.set_num_threads(1)
plainly = test_captured.plainly
ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


class Call:
    """What a graph does, by doing it: what the function gives is written into the same tensor again."""

    def __init__(self, compute, result):
        self.compute, self.result = compute, result

    def replay(self):
        self.result.copy_(self.compute())

    def pool(self):
        """There is no memory to share."""


def call_of(compute, device, pool):
    result = compute().clone()
    return Call(compute, result), result


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=ON_GPU)])
def device(request, monkeypatch):
    """Where the models of a test are: on a GPU, and steps are graphs; or on a CPU, and they are calls."""
    if request.param == "cpu":
        monkeypatch.setattr(module, "ON_GRAPHS", ("cpu",))
        monkeypatch.setattr(cuda_graph, "graph_of", call_of)
    return request.param


def full_pass(model, samples, **settings):
    with torch.no_grad():
        return token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, **settings)


# The same numbers


@EVERY
def test_static_plain_and_full_pass_are_one_policy(family, plainly, device):
    model = family().to(device)
    atol = 5e-6 if device == "cpu" else 2e-5
    for seed in range(4):  # the first captures, the others run the graph
        ours = draw(model, seed=seed, temperature=0.8)
        assert_same(ours, plainly(model, seed=seed, temperature=0.8), atol=atol)
        lengths = ours.mask.sum(1)
        assert lengths.min() < lengths.max()  # some rows end long before others
        assert torch.allclose(ours.logprobs, full_pass(model, ours, temperature=0.8), atol=atol, rtol=0)
    assert len(recordings(model)) == 1


@pytest.mark.parametrize("family", [gpt2, llama, qwen2])
def test_half_precision_is_as_near_to_the_truth_as_the_plain_step(family, plainly, device):
    model = family().to(device, torch.bfloat16)
    exact = family().to(device, torch.bfloat16).double()
    for seed in range(2):
        errors = []
        for samples in (draw(model, seed=seed), plainly(model, seed=seed)):
            errors.append((samples.logprobs - full_pass(exact, samples)).abs()[samples.mask].mean())
        assert errors[0] < 1.5 * errors[1] + 1e-3
    assert len(recordings(model)) == 1


@pytest.mark.parametrize("family", [gpt2, llama])
def test_under_autocast_the_weights_are_those_of_now(family, plainly, device):
    model = family().to(device)
    for seed in range(3):
        with torch.autocast(device, torch.bfloat16):
            ours, theirs = draw(model, seed=seed), plainly(model, seed=seed)
            torch.clear_autocast_cache()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter), alpha=0.02)
        same = (ours.tokens == theirs.tokens).all(1)
        assert same.float().mean() > 0.5  # a rounded probability may turn a draw
        assert torch.allclose(ours.logprobs[same], theirs.logprobs[same], atol=0.15)
    assert len(recordings(model)) == 1
    assert_same(draw(model), plainly(model), atol=2e-5)  # without autocast it is another graph


def test_what_an_earlier_batch_has_left_behind_is_not_seen(plainly, device):
    model = llama().to(device)
    draw(model, [prompt * 2 for prompt in LONG], max_new_tokens=30)
    with torch.inference_mode():
        for layer in recordings(model)[0].layers:
            for rows in layer.own:
                rows.fill_(torch.nan)
    for seed in range(2):
        assert_same(draw(model, seed=seed), plainly(model, seed=seed), atol=2e-5)
    assert len(recordings(model)) == 1


# What changes


def test_a_step_of_the_optimizer_is_seen(plainly, device):
    model = llama().to(device)
    draw(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for seed in range(3):
        before = draw(model, seed=seed)
        logp = token_logprobs(model, before.tokens, before.mask, attention_mask=before.attention_mask)
        logp.sum().backward()
        optimizer.step()
        after = draw(model, seed=seed)
        assert_same(after, plainly(model, seed=seed), atol=2e-5)
        assert not torch.equal(before.logprobs, after.logprobs)
    assert len(recordings(model)) == 1


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_model_is_sampled_as_it_is(change, plainly, device):
    model = llama().to(device)
    for _ in range(2):
        draw(model)
    change(model)
    model.to(device)  # where a new part of it is not yet
    for _ in range(2):
        assert_same(draw(model), plainly(model), atol=2e-5)


def test_weights_that_lie_elsewhere_are_read_there(plainly, device):
    model = llama().to(device)
    draw(model), draw(model)
    captured = recordings(model)
    for parameter in model.parameters():
        parameter.data = parameter.data * 1.1
    for _ in range(2):
        assert_same(draw(model), plainly(model), atol=2e-5)
    assert len(recordings(model)) == 1 and recordings(model) != captured


def test_who_samples_while_sampling_does_not_write_over_it(device):
    model = llama().to(device)

    def drawn(inner):
        """What is likeliest, while the same is asked within, for other prompts, at every token."""

        def choose(logp):
            if inner:
                answers.append(drawn(inner=False))
            return logp.argmax(-1)

        prompts = LONG[:2] if inner else LONG[1:]
        return complete(model, TOKENIZER, prompts, choose, max_new_tokens=16, group_size=2)

    answers = []
    likeliest = {"choose": lambda logp: logp.argmax(-1), "max_new_tokens": 16, "group_size": 2}
    alone = [complete(model, TOKENIZER, prompts, **likeliest) for prompts in (LONG[:2], LONG[1:])]
    for _ in range(2):
        assert_same(drawn(inner=True), alone[0], atol=2e-5)
    assert len(answers) > 16
    for answer in answers:
        assert_same(answer, alone[1], atol=2e-5)


# When it is done


def test_prompts_of_about_the_same_length_share_a_graph(device):
    model = llama(max_position_embeddings=512).to(device)
    long = " ".join(["bad"] * (WIDE_MULTIPLE - 1)) + " ."
    for prompts, steps, graphs in [(LONG, 8, 0), (LONG, 8, 1), ([long] * 3, 16, 1), ([long + " good"] * 3, 16, 2)]:
        draw(model, prompts, max_new_tokens=steps)
        assert len(module._known[model].recordings) == graphs


def test_as_many_rows_in_other_groups_have_a_graph_of_their_own(plainly, device):
    model = llama().to(device)
    for prompts, group_size in [(LONG[:1], 6), (LONG, 2), (LONG[:2], 3), (LONG[1:], 3), (LONG[1:2], 6)]:
        settings = {"group_size": group_size, "max_new_tokens": 16}
        assert_same(draw(model, prompts, **settings), plainly(model, prompts, **settings), atol=2e-5)
    assert len(recordings(model)) == 3


def test_few_graphs_are_kept_and_none_keeps_a_model_alive(device, monkeypatch):
    model = llama().to(device)
    for group_size in range(2, GRAPHS + 4):
        draw(model, ["good ."], group_size=group_size, max_new_tokens=16)
    known = module._known[model]
    assert [shape[0] for shape in known.recordings] == list(range(4, GRAPHS + 4))  # the latest
    if device == "cpu":  # a call, unlike a graph, holds the model
        for static in known.recordings.values():
            static.graph = None
    watched = [weakref.ref(each) for each in (model, model.lm_head.weight, *known.recordings.values())]
    del model, known
    if device == "cpu":
        del static
    gc.collect()
    assert all(reference() is None for reference in watched)


def test_where_keys_and_values_would_fill_the_memory_the_plain_step_is_kept(device, monkeypatch):
    monkeypatch.setattr(module, "fits", lambda num_bytes, device: num_bytes < 12 * 128 * 2 * 2 * 2 * 8 * 4)
    model = llama().to(device)  # 12 rows, 128 columns, 2 layers, keys and values, 2 heads, 8 numbers of 4 bytes
    draw(model), draw(model)
    assert not module._known[model].recordings


def test_the_oldest_graph_makes_room_for_the_keys_and_values_of_another(device, monkeypatch):
    model = llama().to(device)
    column = 2 * 2 * 2 * 8 * 4  # bytes of one in a row: 2 layers, keys and values, 2 heads, 8 numbers of 4 bytes
    monkeypatch.setattr(module, "fits", lambda num_bytes, device: num_bytes <= 7 * 128 * column)
    for group_size, kept in [(2, {2}), (3, {2, 3}), (4, {3, 4}), (7, {7}), (8, {7}), (3, {3})]:
        for _ in range(2):
            draw(model, ["good ."], group_size=group_size, max_new_tokens=16)
        assert {shape[0] for shape in module._known[model].recordings} == kept


@ON_GPU
def test_a_share_of_the_card_is_what_fits():
    device = torch.device("cuda")
    total = torch.cuda.get_device_properties(device).total_memory
    assert fits(SHARE * total, device) and not fits(SHARE * total + 1, device)


# What cannot be captured


class Reading(nn.Module):
    """An activation that hangs on a number read off a tensor."""

    def forward(self, rows):
        return rows * min(2.0, float(rows.abs().max()))


class Fetching(nn.Module):
    """An activation that brings a number from the processor's memory at each call, which a GPU's graph cannot."""

    def forward(self, rows):
        return rows * torch.tensor([2.0], device=rows.device)


def with_activation(activation):
    model = llama()
    model.model.layers[1].mlp.act_fn = activation
    return model


CANNOT = [gemma2, mixtral, lambda: with_activation(Reading()), lambda: with_activation(Fetching())]


@pytest.mark.parametrize("family", CANNOT, ids=["gemma2", "mixtral", "reading", "fetching"])
def test_a_model_that_cannot_be_captured_keeps_the_plain_step(family, plainly, device):
    model = family().to(device)
    for seed in range(3):
        assert_same(draw(model, seed=seed), plainly(model, seed=seed), atol=2e-5)
    assert module._known[model].refused or recordings(model)
    other = llama().to(device)  # and what failed has spoilt nothing
    for seed in range(2):
        assert_same(draw(other, seed=seed), plainly(other, seed=seed), atol=2e-5)
    assert len(recordings(other)) == 1
    assert torch.rand(3, device=device).isfinite().all()


def test_a_graph_that_is_wrong_the_next_time_is_not_used(plainly, device):
    model, other = llama().to(device), llama().to(device)
    for each in (model, other):
        draw(each, max_new_tokens=1)  # it is rehearsed
        each.model.layers[0].mlp.act_fn = Moody()
    draw(model, max_new_tokens=16)
    assert module._known[model].refused
    model.model.layers[0].mlp.act_fn.calls = other.model.layers[0].mlp.act_fn.calls = 0
    assert_same(draw(model), plainly(other), atol=2e-5)


def test_a_model_with_a_state_is_left_to_the_plain_step(device):
    model = model_of(MambaForCausalLM, MambaConfig, state_size=4, intermediate_size=64).to(device)
    with pytest.raises((TypeError, ValueError)):
        draw(model, group_size=1)
    assert model not in module._known


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * float(x.sum()),
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.unique(),
        lambda x: x if torch.equal(x, x) else -x,
    ],
    ids=["number", "branch", "mask", "indices", "unique", "equal"],
)
def test_what_hangs_on_numbers_is_not_captured(function):
    with pytest.raises(NotImplementedError, match="cannot be captured"), Repeatable():
        function(torch.randn(3))


# The graph itself


@ON_GPU
def test_graphs_of_a_model_share_their_memory():
    model = llama().cuda()
    for group_size in (2, 3):
        draw(model, group_size=group_size, max_new_tokens=16)
    graphs = [static.graph for static in recordings(model)]
    assert all(isinstance(graph, torch.cuda.CUDAGraph) for graph in graphs) and len(graphs) == 2
    assert graphs[0].pool() == graphs[1].pool()


@ON_GPU
@pytest.mark.parametrize("dtype, atol", [(torch.float32, 2e-5), (torch.bfloat16, 0.1)], ids=str)
def test_samples_are_scored_as_by_a_processor_in_double_precision(dtype, atol):
    model, exact = gpt2().to("cuda", dtype), gpt2().to(dtype).double()
    for seed in range(2):
        samples = draw(model, seed=seed)
    on_cpu = samples._replace(tokens=samples.tokens.cpu(), mask=samples.mask.cpu())
    on_cpu = on_cpu._replace(attention_mask=samples.attention_mask.cpu())
    assert torch.allclose(samples.logprobs.cpu().double(), full_pass(exact, on_cpu), atol=atol, rtol=0)
    assert recordings(model)
