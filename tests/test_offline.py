"""Learning from logged episodes: the log itself, the tables' methods against closed forms, the Decision Transformer."""

import importlib.util
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from rlbook.deep.decision_transformer import (
    CausalAttention,
    DecisionTransformer,
    ask_for,
    attention_weights,
    behaviour_cloning,
    decision_transformer,
)
from rlbook.logged import Logged, from_minari, log_episodes, to_minari
from rlbook.mdp import FiniteMDP
from rlbook.policies import follow, policy_value
from rlbook.tabular.offline import (
    behaviour_cloning as cloned,
)
from rlbook.tabular.offline import (
    conservative_evaluation,
    conservative_q_learning,
    count,
    counted_forever,
    expectile,
    fitted_q_iteration,
    greedy_in_sample,
    implicit_q_learning,
    in_sample_q_iteration,
)
from rlbook.tabular.planning import policy_iteration
from rlbook.worlds import graph, gridworld, small_grid
from rlbook.worlds.graphs import fewest_steps, random_graph

torch.set_num_threads(1)


def rng(seed=0):
    return np.random.default_rng(seed)


def chance_world():
    """Five states, three actions, chance, rewards of both signs; state 4 is terminal."""
    draw = np.random.Generator(np.random.PCG64(3))
    P, R = draw.dirichlet(np.ones(5), (5, 3)), draw.normal(size=(5, 3))
    return FiniteMDP(P, R, 0.9, start=0, terminal=np.arange(5) == 4)


BEHAVIOUR = np.array([[0.2, 0.8, 0], [0.5, 0, 0.5], [0.1, 0.3, 0.6], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]])

TWO = Logged(  # two episodes by hand: 0 -a1-> 2 -a0-> 1, terminal; and 2 -a0-> 2, cut off
    np.array([[0, 2, 1], [2, 2, 0]]),
    np.array([[1, 0], [0, 0]]),
    np.array([[3.0, -1.0], [5.0, 0.0]]),
    np.array([2, 1]),
    np.array([True, False]),
)


# The log


def test_the_rows_of_a_log():
    assert TWO.mask.tolist() == [[True, True], [True, False]]
    assert TWO.returns.tolist() == [2.0, 5.0]
    assert TWO.returns_to_go.tolist() == [[2.0, -1.0], [5.0, 0.0]]
    assert [column.tolist() for column in TWO.transitions] == [
        [0, 2, 2],
        [1, 0, 0],
        [3.0, -1.0, 5.0],
        [2, 1, 2],
        [False, True, False],  # the second episode was cut off, not ended
    ]


def test_logged_episodes_are_those_of_the_mdp():
    mdp = chance_world()
    logged = log_episodes(mdp, BEHAVIOUR, episodes=4000, rng=rng(), max_steps=7)
    s, a, r, s_next, terminated = logged.transitions
    assert (logged.observations[:, 0] == 0).all() and (r == mdp.R[s, a]).all() and (terminated == (s_next == 4)).all()
    assert (logged.lengths[~logged.terminated] == 7).all() and 0 < logged.terminated.mean() < 1
    pairs = np.zeros((5, 3))
    np.add.at(pairs, (s, a), 1)
    assert (pairs[BEHAVIOUR == 0] == 0).all()
    seen = counted_forever(mdp, BEHAVIOUR)
    ours = count(logged, num_states=5, num_actions=3, gamma=0.9)
    error = np.abs(ours.P - seen.P)[ours.seen].max(), np.abs(ours.behaviour - seen.behaviour).max()
    assert max(error) < 0.15 and np.allclose(ours.R, seen.R * ours.seen)


def test_counts_by_hand():
    seen = count(TWO, num_states=3, num_actions=2, gamma=0.5)
    assert seen.counts.tolist() == [[0, 1], [0, 0], [2, 0]]
    assert seen.behaviour.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert seen.R.tolist() == [[0, 3], [0, 0], [2, 0]]
    assert seen.P[2, 0].tolist() == [0, 0, 0.5]  # the other half ended the episode
    assert seen.backed_up(np.array([10, 100, 4])).tolist() == [[0, 5], [0, 0], [3, 0]]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"actions": np.zeros(3, int)}, "actions have shape (3,), expected (N, T)"),
        ({"rewards": np.zeros((2, 3))}, "rewards have shape (2, 3), expected (2, 2)"),
        ({"observations": np.zeros((2, 2), int)}, "observations have shape (2, 2), expected (2, 3)"),
        ({"lengths": np.array([2, 3])}, "expected whole numbers from 1 to 2"),
        ({"lengths": np.array([2, 0])}, "expected whole numbers from 1 to 2"),
        ({"terminated": np.array([True])}, "terminated have shape (1,)"),
        ({"rewards": np.array([[1, np.nan], [0, 0]])}, "rewards[0, 1] is nan, expected a finite number"),
        ({"rewards": np.array([[1, 1.0], [0, 2]])}, "rewards[1, 1] is 2.0, expected 0: episode 1 has 1 steps"),
        ({"actions": np.array([[1, 2], [0, 0]])}, "actions[0, 1] is 2, expected one in 0..1"),
        ({"actions": np.array([[1, 0.5], [0, 0]])}, "expected one whole number each"),
        ({"observations": np.array([[0, -1, 1], [2, 2, 0]])}, "observations[0, 1] is -1, expected one in 0..2"),
    ],
)
def test_a_log_that_is_none_is_refused(changes, message):
    with pytest.raises(ValueError) as error:
        count(TWO._replace(**changes), num_states=3, num_actions=2, gamma=0.9)
    assert message in str(error.value)


def test_a_log_is_a_logged():
    with pytest.raises(TypeError, match="expected a Logged"):
        count([(0, 1, 2.0, 1)], num_states=3, num_actions=2, gamma=0.9)


@pytest.mark.skipif(importlib.util.find_spec("minari") is None, reason="minari is not installed: rlbook[minari]")
def test_minari_gives_back_what_was_written(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    logged = log_episodes(chance_world(), BEHAVIOUR, episodes=20, rng=rng(), max_steps=7)
    back = from_minari(to_minari(logged, "rlbook/chance-v0", num_states=5, num_actions=3))
    longest = logged.lengths.max()
    assert all(np.array_equal(*pair) for pair in zip(back[3:], logged[3:]))
    for column, extra in (("observations", 1), ("actions", 0), ("rewards", 0)):
        rows = np.arange(longest + extra) < logged.lengths[:, None] + extra
        assert np.array_equal(getattr(back, column), np.where(rows, getattr(logged, column)[:, : longest + extra], 0))


def test_without_minari_the_error_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "minari", None)
    with pytest.raises(ModuleNotFoundError, match=r"rlbook\[minari\]"):
        to_minari(TWO, "a/b-v0", num_states=3, num_actions=2)


# Tables


def test_with_every_action_logged_for_ever_a_table_comes_to_the_optimum():
    mdp = chance_world()
    seen = counted_forever(mdp, np.full((5, 3), 1 / 3))
    for method in (fitted_q_iteration, in_sample_q_iteration):
        *_, q = method(seen, np.eye(5), sweeps=300)
        assert np.allclose(q[:4].max(axis=1), policy_iteration(mdp).v[:4], atol=1e-9)


def test_in_sample_iteration_is_the_best_policy_among_the_logged_actions():
    mdp = chance_world()
    *_, q = in_sample_q_iteration(counted_forever(mdp, BEHAVIOUR), np.eye(5), sweeps=300)
    choices = [np.flatnonzero(row) for row in BEHAVIOUR[:4]]
    policies = np.stack(np.meshgrid(*choices, indexing="ij"), -1).reshape(-1, 4)
    best = np.max([policy_value(mdp, np.append(policy, 0)) for policy in policies], axis=0)
    assert np.allclose(np.where(BEHAVIOUR > 0, q, -np.inf)[:4].max(axis=1), best[:4], atol=1e-9)


def test_an_action_that_was_never_logged_keeps_its_value_on_a_table_and_is_believed():
    """Every step costs 1; the unlogged action of state 0 stays at 0, looks best, and is worth nothing of the kind."""
    mdp = FiniteMDP(np.tile(np.eye(2), (2, 1, 1)), [[-1, -1], [0, 0]], 0.5, start=0, terminal=[False, True])
    seen = counted_forever(mdp, np.array([[1.0, 0], [1, 0]]))  # action 0 stays in state 0
    *_, q = fitted_q_iteration(seen, np.eye(2), sweeps=60)
    assert q[0].tolist() == [-1, 0]
    *_, q = in_sample_q_iteration(seen, np.eye(2), sweeps=60)
    assert np.isclose(q[0, 0], -2)


def test_features_carry_values_past_what_is_possible_where_actions_were_not_logged():
    """w x with x = 1, 3: one step from 0 to 1 pays nothing and is all that was logged of action 0 there: w = .9 * 3 w."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1] = P[1, :, 2] = P[2, :, 2] = 1
    mdp = FiniteMDP(P, [[1, 1], [0, 0], [0, 0]], 0.9, start=0, terminal=[False, False, True])
    seen = counted_forever(mdp, np.array([[1.0, 0], [0, 1], [1, 0]]))
    values = [q[1, 0] for q in fitted_q_iteration(seen, np.array([[1.0], [3.0], [0.0]]), sweeps=40)]
    assert np.allclose(values[:2], [3, 3 * (1 + 2.7)]) and values[-1] > 1e15  # w = 1 + 2.7 w, of steps that pay 1 once
    *_, q = in_sample_q_iteration(seen, np.array([[1.0], [3.0], [0.0]]), sweeps=40)
    assert np.allclose(q[0], [1, 0])


def test_cqls_evaluation_lies_below_the_values_by_the_closed_form():
    mdp, alpha = chance_world(), 0.3
    draw = rng(1)
    pi, b = draw.dirichlet(np.ones(3), 5), draw.dirichlet(np.ones(3) * 2, 5)
    *_, q = conservative_evaluation(counted_forever(mdp, b), pi, alpha=alpha, sweeps=400)
    P, _ = follow(mdp, pi)
    D = (pi * (pi / b - 1)).sum(axis=1)[:4]
    gap = alpha * np.linalg.solve(np.eye(4) - mdp.gamma * P[:4, :4], D)
    assert (D >= 0).all()
    assert np.allclose(policy_value(mdp, pi)[:4] - (pi * q).sum(axis=1)[:4], gap, atol=1e-8, rtol=0)


def test_cqls_evaluation_refuses_what_was_never_logged():
    with pytest.raises(ValueError, match="the policy takes action 2 in state 0, which was never logged"):
        list(conservative_evaluation(counted_forever(chance_world(), BEHAVIOUR), np.eye(3)[[2] * 5], alpha=1, sweeps=2))


def test_conservative_q_learning_rests_where_the_gradient_of_its_loss_is_0():
    mdp, alpha = chance_world(), 0.2
    seen = counted_forever(mdp, np.tile([0.5, 0.3, 0.2], (5, 1)))
    *_, q = conservative_q_learning(seen, alpha=alpha, sweeps=5000)
    targets = torch.tensor(seen.backed_up(q.max(axis=1) * ~mdp.terminal)[:4])
    values, b = torch.tensor(q[:4], requires_grad=True), torch.tensor(seen.behaviour[:4])
    loss = (b * (targets - values) ** 2).sum() / 2 + alpha * (values.logsumexp(1) - (b * values).sum(1)).sum()
    loss.backward()
    assert values.grad.abs().max() < 1e-9


def test_conservative_q_learning_without_alpha_is_q_learning():
    mdp = chance_world()
    *_, q = conservative_q_learning(counted_forever(mdp, np.full((5, 3), 1 / 3)), alpha=0, sweeps=3000)
    assert np.allclose(q[:4].max(axis=1), policy_iteration(mdp).v[:4], atol=1e-6)


def test_the_expectile_of_a_coin_in_closed_form():
    for p, tau in [(0.2, 0.7), (0.2, 0.9), (0.6, 0.1), (0.5, 0.5)]:
        exact = tau * p / (tau * p + (1 - tau) * (1 - p))
        assert np.isclose(expectile([0.0, 1.0], [1 - p, p], tau), exact, rtol=1e-14)
    assert np.isclose(expectile([0.0, 1.0], [0.8, 0.2], 0.7), 0.3684, atol=5e-5)
    assert np.isclose(expectile([0.0, 1.0], [0.8, 0.2], 0.9), 0.6923, atol=5e-5)


def test_an_expectile_balances_what_is_above_and_below():
    draw = rng(2)
    values, weights = draw.normal(size=(50, 7)), draw.dirichlet(np.ones(7), 50) * (draw.random((50, 7)) < 0.7)
    for tau in (0.02, 0.5, 0.8, 0.999):
        e = expectile(values, weights, tau)[:, None]
        above, below = np.maximum(values - e, 0), np.maximum(e - values, 0)
        assert np.abs((weights * (tau * above - (1 - tau) * below)).sum(axis=1)).max() < 1e-12
    assert expectile([1.0, 5.0], [0, 0], 0.9) == 0


def test_iql_goes_from_the_behaviours_value_to_the_best_among_the_logged_actions():
    mdp = chance_world()
    seen = counted_forever(mdp, BEHAVIOUR)
    values = {}
    for tau in (0.5, 0.7, 0.9, 1 - 1e-9):
        *_, q = implicit_q_learning(seen, tau=tau, sweeps=400)
        values[tau] = expectile(q, seen.behaviour, tau)[:4]
    *_, q = in_sample_q_iteration(seen, np.eye(5), sweeps=400)
    assert np.allclose(values[0.5], policy_value(mdp, BEHAVIOUR)[:4], atol=1e-9)
    assert np.allclose(values[1 - 1e-9], np.where(seen.seen, q, -np.inf)[:4].max(axis=1), atol=1e-6)
    order = list(values.values())
    assert all((a < b + 1e-12).all() for a, b in itertools.pairwise(order))
    assert (greedy_in_sample(seen, q)[:4] >= 0).all()


def test_a_clone_does_what_was_done_and_anything_where_nobody_was():
    policy = cloned(count(TWO, num_states=3, num_actions=2, gamma=0.5))
    assert policy.tolist() == [[0, 1], [0.5, 0.5], [1, 0]]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda seen: list(fitted_q_iteration(seen, np.eye(3), sweeps=2)), "X has shape (3, 3), expected (5, F)"),
        (lambda seen: list(fitted_q_iteration(seen, np.eye(5), sweeps=0)), "sweeps is 0"),
        (lambda seen: list(conservative_q_learning(seen, alpha=-1, sweeps=2)), "alpha is -1"),
        (lambda seen: list(conservative_q_learning(seen, alpha=1, sweeps=2, step=0)), "step is 0"),
        (lambda seen: list(implicit_q_learning(seen, tau=1, sweeps=2)), "tau is 1"),
        (lambda seen: list(conservative_evaluation(seen, np.eye(3), alpha=1, sweeps=2)), "policy has shape (3, 3)"),
        (lambda seen: expectile([1, 2], [1], 0.5), "expected numbers from 0 on in the shape (2,)"),
        (lambda seen: expectile([1, 2], [1, -1], 0.5), "expected numbers from 0 on in the shape (2,)"),
    ],
)
def test_bad_numbers_are_named(call, message):
    with pytest.raises(ValueError) as error:
        call(counted_forever(chance_world(), BEHAVIOUR))
    assert message in str(error.value)


# Graphs


def test_the_fewest_steps_are_the_values_of_the_graph():
    neighbours = random_graph(9, 0.25, rng(4))
    steps, solved = fewest_steps(neighbours), policy_iteration(graph(neighbours, prize=10.0)).v
    assert np.allclose(solved[1:], 10 - steps[1:]) and steps[0] == 0 and (neighbours == neighbours.T).all()
    assert np.isinf(fewest_steps(np.zeros((3, 3), bool))[1:]).all()


# Attention and the model


def test_attention_by_hand():
    """One head, two numbers: scores q . k / sqrt 2, softmax over the places so far."""
    q, k = torch.tensor([[1.0, 0], [0, 2], [1, 1]]), torch.tensor([[3.0, 1], [1, 1], [0, 2]])
    weights = attention_weights(q, k)
    second = torch.tensor([2.0, 2.0, 0]) / 2**0.5
    third = torch.tensor([4.0, 2, 2]) / 2**0.5
    assert torch.allclose(weights[0], torch.tensor([1.0, 0, 0]))
    assert torch.allclose(weights[1], torch.tensor([0.5, 0.5, 0])) and second[0] == second[1]
    assert torch.allclose(weights[2], third.exp() / third.exp().sum())


def test_attention_is_torchs():
    draw = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, 6, 5, generator=draw)
    exact = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert torch.allclose(attention_weights(q, k) @ v, exact, atol=1e-6)
    layer = CausalAttention(8, 2)
    x = torch.randn(1, 6, 8, generator=draw)
    assert layer(x).shape == x.shape


def small_model(**settings):
    return DecisionTransformer(6, 3, max_steps=5, rng=rng(), **settings)


def test_what_comes_later_changes_nothing_before():
    """Change each place in turn: returns, states and actions of step t. Logits of step t know its return and its state."""
    model, draw = small_model(layers=2), torch.Generator().manual_seed(0)
    returns = torch.randn(1, 5, generator=draw)
    states, actions = (torch.randint(n, (1, 5), generator=draw) for n in (6, 3))
    before = model(returns, states, actions)
    for t in range(5):
        for k, columns in enumerate((returns, states, actions)):
            changed = [returns.clone(), states.clone(), actions.clone()]
            changed[k][0, t] = (columns[0, t] + 1) % (9, 6, 3)[k]
            moved = (model(*changed) - before).abs().amax(dim=(0, 2)) > 1e-7
            assert moved.tolist() == [step >= t + (k == 2) for step in range(5)]


REPEAT = FiniteMDP(np.full((4, 4, 4), 0.25), np.eye(4), 1.0 - 1e-9, start=np.full(4, 0.25))


def trained(updates=200, seed=0):
    """A model of "repeat the observation": each step pays 1 for the action that has the number of the state."""
    logged = log_episodes(REPEAT, np.full((4, 4), 0.25), episodes=1000, rng=rng(seed), max_steps=2)
    model = DecisionTransformer(4, 4, max_steps=2, rng=rng(seed), layers=1, return_scale=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = [record.loss for record in decision_transformer(model, logged, optimizer, updates=updates, rng=rng(seed))]
    return model, losses


def test_it_learns_to_repeat_the_observation_if_it_is_asked_to_and_not_to_if_not():
    model, losses = trained()
    assert abs(losses[0] - np.log(4)) < 0.1
    env = REPEAT.to_gymnasium(num_envs=200)
    earned = {wanted: ask_for(env, model, wanted, rng=rng(1), greedy=True).returns.mean() for wanted in (0, 2)}
    assert earned[2] > 1.8 and earned[0] < 0.2  # at random: 0.5


def test_what_is_asked_for_may_depend_on_the_first_state_and_is_less_by_what_was_earned():
    model, _ = trained(updates=3)
    asked, place = [], REPEAT.to_gymnasium(num_envs=5)
    model.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[0].numpy().copy()))
    played = ask_for(place, model, lambda first: 2.0 + first, rng=rng(1), greedy=True)
    assert played.actions.shape == (5, 2) and not played.terminated.any() and (played.lengths == 2).all()
    exact = 2.0 + played.observations[:, :1] - np.cumsum(played.rewards, axis=1)[:, :-1]
    assert np.allclose(asked[-1][:, 1:], exact) and np.allclose(asked[-1][:, 0], 2 + played.observations[:, 0])
    s, a, r, *_ = played.transitions
    assert (r == (s == a)).all()


def test_an_episode_that_ended_is_over_though_its_environment_goes_on():
    mdp = graph(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool))
    model = DecisionTransformer(3, 3, max_steps=9, rng=rng())
    played = ask_for(mdp.to_gymnasium(num_envs=40), model, 9.0, rng=rng(2))
    assert (played.returns == 10 * played.terminated - played.lengths).all() and played.terminated.any()
    assert (played.rewards[~played.mask] == 0).all() and len(set(played.lengths)) > 2


def test_cloning_a_network_comes_to_the_shares_of_the_log():
    logged = log_episodes(chance_world(), BEHAVIOUR, episodes=2000, rng=rng(), max_steps=7)
    policy = nn.Embedding.from_pretrained(torch.zeros(5, 3), freeze=False)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    records = [*behaviour_cloning(policy, logged, optimizer, updates=300, rng=rng(), batch_size=500)]
    shares = cloned(count(logged, num_states=5, num_actions=3, gamma=0.9))
    assert np.abs(policy.weight.softmax(1).detach().numpy() - shares)[:4].max() < 0.06
    assert records[-1].steps == 150_000 and abs(records[0].loss - np.log(3)) < 1e-6


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"model": nn.Linear(2, 2)}, TypeError, "expected a DecisionTransformer"),
        ({"logged": TWO._replace(actions=TWO.actions + 2)}, ValueError, "expected one in 0..2"),
        ({"logged": TWO._replace(observations=TWO.observations + 5)}, ValueError, "expected one in 0..5"),
        ({"updates": 0}, ValueError, "updates is 0"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"max_norm": 0}, ValueError, "max_norm is 0"),
        ({"rng": 3}, TypeError, "rng is 3"),
        ({"optimizer": torch.optim.SGD(nn.Linear(2, 2).parameters())}, ValueError, "the optimizer does not hold"),
    ],
)
def test_the_trainer_refuses_what_cannot_work_before_any_step(change, error, message):
    model = small_model()
    before = [p.clone() for p in model.parameters()]
    given = {
        "model": model,
        "logged": TWO,
        "optimizer": torch.optim.SGD(model.parameters()),
        "updates": 1,
        "rng": rng(),
    }
    with pytest.raises(error) as raised:
        next(decision_transformer(**(given | change)))
    assert message in str(raised.value)
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters()))


def test_episodes_longer_than_the_model_are_refused():
    logged = log_episodes(small_grid(), np.full((16, 4), 0.25), episodes=3, rng=rng(), max_steps=9)
    model = DecisionTransformer(16, 4, max_steps=8, rng=rng())
    with pytest.raises(ValueError, match="have up to 9 steps, expected at most 8"):
        next(decision_transformer(model, logged, torch.optim.SGD(model.parameters()), updates=1, rng=rng()))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"width": 10, "heads": 3}, "width is 10, expected a multiple of heads, 3"),
        ({"layers": -1}, "layers is -1"),
        ({"return_scale": 0}, "return_scale is 0"),
    ],
)
def test_a_model_that_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        small_model(**settings)


def test_an_environment_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="expected a gymnasium VectorEnv"):
        ask_for(REPEAT.to_gymnasium(), small_model(), 1.0, rng=rng())
    with pytest.raises(ValueError, match="expected Discrete"):
        ask_for(gridworld().to_gymnasium(num_envs=2), small_model(), 1.0, rng=rng())


def test_an_optimizer_with_a_scheduler_is_one_whose_step_needs_no_closure():
    model = small_model()
    optimizer = torch.optim.AdamW(model.parameters())
    torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, 5)
    assert next(decision_transformer(model, TWO, optimizer, updates=1, rng=rng())).update == 1
