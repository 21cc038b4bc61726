"""REINFORCE: whole episodes and nothing else, the exact gradient on average, less variance with a baseline."""

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import log_probabilities, play, reinforce, reinforce_with_baseline
from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import policy_value
from rlbook.worlds import short_corridor

torch.set_num_threads(1)


def rng(seed=0):
    return np.random.default_rng(seed)


def side_by_side(make, num_envs=16):
    return gymnasium.vector.SyncVectorEnv([make] * num_envs)


def cart_poles(num_envs=16):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")


def table(logits):
    """A softmax policy with a row of logits for each state, (S, A)."""
    return nn.Embedding.from_pretrained(torch.tensor(logits, dtype=torch.float64), freeze=False)


def random_mdp(gamma=1.0):
    """Three states, two actions, everything drawn at random; every step ends the episode with probability 0.3."""
    draw = rng(7)
    P = np.concatenate([0.7 * draw.dirichlet(np.ones(3), (4, 2)), np.full((4, 2, 1), 0.3)], axis=2)
    return FiniteMDP(P, draw.normal(size=(4, 2)), gamma, start=[0.5, 0.3, 0.2, 0.0], terminal=np.arange(4) == 3)


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def numerical_gradient(mdp, logits, step=1e-5):
    """d J / d logits by central differences of the linear solve: it knows nothing of the policy gradient theorem."""
    gradient = np.zeros_like(logits)
    for place in np.ndindex(logits.shape):
        change = np.zeros_like(logits)
        change[place] = step
        up, down = (mdp.start @ policy_value(mdp, softmax(logits + sign * change)) for sign in (1, -1))
        gradient[place] = (up - down) / (2 * step)
    return gradient


LOGITS = np.array([[0.3, -0.5], [-0.2, 0.6], [1.0, 0.0], [0.0, 0.0]])


# Playing


@pytest.mark.parametrize(
    "make",
    [lambda: gymnasium.make("CartPole-v1"), short_corridor().to_gymnasium],
    ids=["CartPole", "corridor"],
)
def test_play_is_what_single_environments_do(make):
    """Each environment alone, given the same seed and the same actions, has the same episode and ends where it ends."""
    observations = make().observation_space
    policy = mlp(4, 8, 2, rng=rng()) if observations.shape else nn.Embedding(4, 2)
    episodes = play(side_by_side(make, 6), policy, rng(3))
    replay = rng(3)
    replay.integers(2**63 - 1)  # torch's generator
    seed = int(replay.integers(2**31))
    assert len(set(episodes.lengths.tolist())) > 1  # some ended before others, and were stepped on
    for i in range(6):
        alone, over = make(), False
        observation, _ = alone.reset(seed=seed + i)
        for t in range(int(episodes.lengths[i])):
            assert not over and episodes.mask[t, i]
            assert np.array_equal(episodes.observations[t, i], observation)
            observation, reward, terminated, truncated, _ = alone.step(int(episodes.actions[t, i]))
            assert episodes.rewards[t, i] == reward
            over = terminated or truncated
        assert over and not episodes.mask[t + 1 :, i].any() and not episodes.rewards[t + 1 :, i].any()
        assert episodes.truncated[i] == truncated


def test_play_in_the_vectorised_cart_pole_is_the_single_one():
    """The dynamics are certain: from the same first state the same actions lead the same way, up to float32."""
    episodes = play(cart_poles(5), mlp(4, 8, 2, rng=rng()), rng(1))
    for i in range(5):
        alone = gymnasium.make("CartPole-v1").unwrapped
        alone.reset()
        alone.state = episodes.observations[0, i].numpy().astype(float)
        for t in range(int(episodes.lengths[i])):
            assert np.allclose(alone.state, episodes.observations[t, i], atol=1e-4)
            _, reward, terminated, _, _ = alone.step(int(episodes.actions[t, i]))
            assert episodes.rewards[t, i] == reward == 1
        assert terminated and not episodes.truncated[i]
        assert episodes.returns[i] == episodes.lengths[i]


def test_short_episodes_are_not_favoured():
    """The mean return over the environments is the value of the policy, which the linear solve knows."""
    mdp = random_mdp()
    episodes = play(mdp.to_gymnasium(num_envs=2000), table(LOGITS), rng(2))
    exact = mdp.start @ policy_value(mdp, softmax(LOGITS))
    error = episodes.returns.std() / 2000**0.5
    assert abs(episodes.returns.mean() - exact) < 4.5 * error
    assert abs(episodes.lengths.double().mean() - 1 / 0.3) < 4.5 * episodes.lengths.double().std() / 2000**0.5


def test_actions_are_drawn_from_the_policy():
    """The frequency of each action in the first state, within 4.5 standard errors."""
    episodes = play(short_corridor().to_gymnasium(num_envs=2000), table(LOGITS), rng(4), max_steps=1)
    p = softmax(LOGITS)[0, 1]
    assert abs(episodes.actions[0].double().mean() - p) < 4.5 * (p * (1 - p) / 2000) ** 0.5


def test_a_cut_is_reported_and_an_end_is_not_a_cut():
    """Always right in the corridor goes 0, 1, 0, 1 for ever; right, left, right ends at the third step."""
    always_right = table([[50.0, -50.0]] * 4)
    knows_the_way = table([[50.0, -50.0], [-50.0, 50.0], [50.0, -50.0], [0.0, 0.0]])
    corridor = short_corridor()

    def limited():
        return gymnasium.wrappers.TimeLimit(corridor.to_gymnasium(), 3)

    for env, limit in [(side_by_side(corridor.to_gymnasium, 3), 3), (side_by_side(limited, 3), 10)]:
        lost, home = (play(env, policy, rng(), max_steps=limit) for policy in (always_right, knows_the_way))
        assert lost.truncated.all() and lost.returns.tolist() == [-3] * 3 and lost.lengths.tolist() == [3] * 3
        assert not home.truncated.any() and home.returns.tolist() == [-3] * 3


def test_play_depends_on_rng_alone():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    policy = mlp(4, 8, 2, rng=rng(5))
    first = play(cart_poles(), policy, rng(6))
    assert torch.equal(torch.get_rng_state(), state)  # the global generator is not touched
    torch.manual_seed(2)
    again = play(cart_poles(), mlp(4, 8, 2, rng=rng(5)), rng(6))
    other = play(cart_poles(), policy, rng(7))
    assert torch.equal(first.observations, again.observations) and torch.equal(first.actions, again.actions)
    assert not torch.equal(first.observations[0], other.observations[0])


def test_what_acts_is_what_is_scored():
    """Dropout is switched off: else the probabilities of acting and of scoring would be those of two policies."""
    policy = nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.9), nn.Linear(64, 2))
    episodes = play(cart_poles(2), policy, rng())
    scores = [log_probabilities(policy, episodes.observations[0], episodes.actions[0]) for _ in range(2)]
    assert torch.equal(*scores)


# Learning


def gradients(learn, mdp, networks, updates, gamma=1.0):
    """The gradient of the policy in each of many updates that change nothing, since the step size is 0: (updates, ...)"""
    optimizer = torch.optim.SGD([p for network in networks for p in network.parameters()], lr=0.0)
    env = mdp.to_gymnasium(num_envs=32)
    return np.array(
        [
            -networks[0].weight.grad.numpy()
            for _ in learn(env, *networks, optimizer, updates=updates, rng=rng(11), gamma=gamma)
        ]
    )


def test_the_mean_gradient_is_the_exact_one_and_a_baseline_makes_it_less_noisy():
    mdp = random_mdp()
    exact = numerical_gradient(mdp, LOGITS)
    v = policy_value(mdp, softmax(LOGITS))
    plain = gradients(reinforce, mdp, [table(LOGITS)], 200)
    baseline = gradients(reinforce_with_baseline, mdp, [table(LOGITS), table(v[:, None])], 200)
    for estimates in (plain, baseline):
        error = estimates[:, :3].std(axis=0, ddof=1) / len(estimates) ** 0.5
        assert (np.abs(estimates.mean(axis=0) - exact)[:3] < 4.5 * error).all()
        assert not estimates[:, 3].any()  # nobody acts in the terminal state
    assert baseline.var(axis=0).sum() < 0.8 * plain.var(axis=0).sum()


def test_any_baseline_leaves_the_mean_unchanged():
    mdp = random_mdp()
    estimates = gradients(reinforce_with_baseline, mdp, [table(LOGITS), table([[3.0], [-2.0], [5.0], [0.0]])], 200)
    error = estimates[:, :3].std(axis=0, ddof=1) / len(estimates) ** 0.5
    assert (np.abs(estimates.mean(axis=0) - numerical_gradient(mdp, LOGITS))[:3] < 4.5 * error).all()


def test_one_update_by_hand():
    """The corridor, always the right way: 3 steps with returns -3, -2, -1; d log pi(a) = (1 - p, -p) with p = 1/2 each.

    A step of SGD with size 1 adds the mean over episodes; every environment has one of its own.
    """

    class Guided(nn.Module):
        """The first action of each state is the right way, with the probability e^20 / (1 + e^20), almost 1."""

        def __init__(self):
            super().__init__()
            self.theta = nn.Parameter(torch.zeros(4, 2, dtype=torch.float64))

        def forward(self, s):
            way = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
            return self.theta[s] + 10 * way[s]

    policy = Guided()
    (record,) = reinforce(
        short_corridor().to_gymnasium(num_envs=2),
        policy,
        torch.optim.SGD(policy.parameters(), lr=1e8),
        updates=1,
        rng=rng(),
    )
    assert record.returns.tolist() == [-3, -3] and record.lengths.tolist() == [3, 3] and record.steps == 6
    other = 1 / (1 + np.exp(20))
    step = 1e8 * other * np.array([-3, 2, -1])  # (1 - p) G for the action called right, which state 1 does not take
    assert np.allclose(policy.theta.detach()[:3, 0], step) and np.allclose(policy.theta.detach()[:3, 1], -step)
    assert np.isclose(record.gradient_norm, np.sqrt(2 * (9 + 4 + 1)) * other)
    assert np.isclose(record.loss, -6 * np.log(1 - other) * -1)


def test_the_discount_reaches_the_returns():
    """gamma 0: each action is judged by its own reward, -1 everywhere: the gradient is the one of returns -1."""
    mdp = short_corridor()
    estimates = gradients(reinforce, mdp, [table(np.zeros((4, 2)))], 1, gamma=0.0)[0]
    replay = rng(11)
    episodes = play(mdp.to_gymnasium(num_envs=32), table(np.zeros((4, 2))), replay)
    for s in range(3):
        taken = episodes.actions[episodes.mask & (episodes.observations == s)]
        more_right = (taken == 0).sum() - (taken == 1).sum()
        assert np.isclose(estimates[s, 0], -1 * 0.5 * float(more_right) / 32)


@pytest.mark.parametrize("learn", [reinforce, reinforce_with_baseline])
def test_records(learn):
    networks = [mlp(4, 8, 2, rng=rng()), mlp(4, 8, 1, rng=rng())][: 1 + (learn is reinforce_with_baseline)]
    optimizer = torch.optim.Adam([p for network in networks for p in network.parameters()])
    records = list(learn(cart_poles(4), *networks, optimizer, updates=3, rng=rng(), max_steps=9))
    assert [record.update for record in records] == [1, 2, 3]
    steps = np.cumsum([record.lengths.sum() for record in records])
    assert [record.steps for record in records] == steps.tolist()
    assert all((record.truncated == (record.lengths == 9)).all() for record in records[:1])
    assert all(record.returns.shape == (4,) and record.gradient_norm > 0 for record in records)


def test_reinforce_climbs_the_corridor():
    """From right with probability 0.9, worth -24.4, to within 1 of the best, -11.657: in every one of three runs.

    What counts is the exact value of the policy, in the mean over the last 15 updates: a constant step size trembles.
    """

    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.theta = nn.Parameter(torch.tensor([np.log(9.0), 0.0]))

        def forward(self, s):
            return self.theta.expand(len(s), 2)

    env = short_corridor().to_gymnasium(num_envs=32)
    for seed in range(3):
        policy, worth = Blind(), []
        for _ in reinforce(env, policy, torch.optim.Adam(policy.parameters(), lr=0.1), updates=40, rng=rng(seed)):
            p = policy.theta.softmax(0)[0].item()
            worth.append(-2 * (2 - p) / (p * (1 - p)))
        assert np.mean(worth[-15:]) > -12.657


@pytest.mark.parametrize("learn", [reinforce, reinforce_with_baseline])
def test_cart_pole_is_learned(learn):
    """A random policy holds the pole for about 22 steps; after 20 updates each of two runs does three times as well."""
    for seed in range(2):
        draw = rng(seed)
        networks = [mlp(4, 32, 2, rng=draw, last_gain=0.01), mlp(4, 32, 1, rng=draw)]
        networks = networks[: 1 + (learn is reinforce_with_baseline)]
        optimizer = torch.optim.Adam([p for network in networks for p in network.parameters()], lr=0.03)
        records = list(learn(cart_poles(), *networks, optimizer, updates=20, rng=draw))
        assert records[0].returns.mean() < 40
        assert np.mean([record.returns.mean() for record in records[-3:]]) > 66


class Scripted(gymnasium.vector.VectorEnv):
    """Two environments: the first terminates at once and its next episode is cut off; the second lasts three steps."""

    num_envs = 2
    metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}
    single_observation_space = gymnasium.spaces.Discrete(1)
    single_action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(2, int), {}

    def step(self, actions):
        self.t += 1
        terminated, truncated = [(1, 0), (0, 0), (0, 1)][self.t - 1], [(0, 0), (0, 0), (1, 0)][self.t - 1]
        return np.zeros(2, int), np.ones(2), np.array(terminated, bool), np.array(truncated, bool), {}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_happens_after_an_episode_does_not_count(dtype):
    episodes = play(Scripted(), nn.Embedding(1, 2, dtype=dtype), np.random.default_rng(0))
    assert episodes.lengths.tolist() == [1, 3] and episodes.returns.tolist() == [1, 3]
    assert episodes.truncated.tolist() == [False, False]
    assert episodes.rewards.dtype == torch.float32  # in which 600 rewards of 1 are 600


def test_a_step_that_cannot_be_computed_is_refused():
    policy = nn.Linear(4, 2)
    env = gymnasium.wrappers.vector.TransformReward(cart_poles(2), lambda reward: reward * np.nan)
    with pytest.raises(FloatingPointError, match="update 1: the norm of the gradient is"):
        next(reinforce(env, policy, torch.optim.Adam(policy.parameters()), updates=1, rng=rng()))
    assert all(p.isfinite().all() for p in policy.parameters())


# Networks and errors


def test_mlp_starts_orthogonal_with_zero_biases():
    network = mlp(4, 16, 2, rng=rng(), last_gain=0.01)
    assert [type(layer) for layer in network] == [nn.Linear, nn.Tanh, nn.Linear]
    first, last = network[0].weight.detach(), network[2].weight.detach()
    assert torch.allclose(first.T @ first, 2 * torch.eye(4), atol=1e-5)
    assert torch.allclose(last @ last.T, 1e-4 * torch.eye(2), atol=1e-8)
    assert not network[0].bias.any() and not network[2].bias.any()
    assert (network(torch.randn(50, 4)).softmax(1) - 0.5).abs().max() < 0.05


def test_mlp_draws_from_rng_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one, same, other = (mlp(3, 5, 2, rng=rng(seed))[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("sizes", [(), (4,), (4, 0), (4, 2.0)])
def test_mlp_refuses(sizes):
    with pytest.raises(ValueError, match="expected at least two whole numbers above 0"):
        mlp(*sizes, rng=rng())


def spoilt(*sizes):
    """A linear layer whose bias is no number: where its logits are compared, some action is still the largest."""
    layer = nn.Linear(*sizes)
    layer.bias.data[-1] = float("nan")
    return layer


def test_mlp_takes_the_whole_numbers_of_numpy():
    env = cart_poles(2)
    assert mlp(4, np.int32(3), env.single_action_space.n, rng=rng())(torch.zeros(5, 4)).shape == (5, 2)
    with pytest.raises(ValueError, match="last_gain is nan"):
        mlp(4, 2, rng=rng(), last_gain=np.nan)


def test_an_action_for_each_observation():
    policy = nn.Linear(4, 2)
    for actions in (torch.zeros(3, dtype=int), torch.zeros(5, 1, dtype=int)):  # gather would take the first 3 of 5
        with pytest.raises(ValueError, match=r"actions have shape .*, expected \(5,\): one for each observation"):
            log_probabilities(policy, torch.zeros(5, 4), actions)
    assert log_probabilities(policy, torch.zeros(5, 4), torch.zeros(5, dtype=int)).shape == (5,)


def test_a_policy_that_is_no_number_does_not_play():
    with pytest.raises(ValueError, match="the parameter bias of policy holds nan or inf"):
        play(cart_poles(2), spoilt(4, 2), rng())


def learn_with(env=None, policy=None, optimizer=None, value=None, **more):
    env, policy = env or cart_poles(2), policy or nn.Linear(4, 2)
    networks = [policy] if value is None else [policy, value]
    parameters = [p for network in networks if isinstance(network, nn.Module) for p in network.parameters()]
    optimizer = optimizer or torch.optim.Adam(parameters or nn.Linear(1, 1).parameters())
    learn = reinforce if value is None else reinforce_with_baseline
    return next(learn(env, *networks, optimizer, **{"updates": 1, "rng": rng()} | more))


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"env": gymnasium.make("CartPole-v1")}, TypeError, "env is a TimeLimit, expected a gymnasium VectorEnv"),
        (
            {"env": gymnasium.make_vec("Pendulum-v1", num_envs=2)},
            TypeError,
            r"the actions of env are Box.*expected Discrete\(n\)",
        ),
        (
            {"env": gymnasium.make_vec("Blackjack-v1", num_envs=2)},
            TypeError,
            "the observations of env are Tuple.*expected Discrete or Box",
        ),
        (
            {"env": gymnasium.vector.SyncVectorEnv([short_corridor().to_gymnasium] * 2, autoreset_mode="Disabled")},
            ValueError,
            "autoreset disabled",
        ),
        (
            {"policy": nn.Linear(4, 3)},
            ValueError,
            r"maps observations \(2, 4\) to \(2, 3\), expected logits \(2, 2\)",
        ),
        ({"value": nn.Linear(4, 2)}, ValueError, r"value network maps observations .* to \(\d+, 2\), expected"),
        ({"policy": lambda s: s}, TypeError, "policy is a function, expected a torch.nn.Module"),
        (
            {"optimizer": torch.optim.Adam(nn.Linear(4, 2).parameters())},
            ValueError,
            "the optimizer does not hold the parameter weight of policy",
        ),
        ({"updates": 0}, ValueError, "updates is 0, expected a whole number, at least 1"),
        ({"max_steps": 0}, ValueError, "max_steps is 0"),
        ({"rng": 0}, TypeError, "rng is 0, expected a numpy Generator"),
        ({"gamma": 2}, ValueError, "gamma is 2"),
        ({"gamma": "1"}, ValueError, "gamma is '1'"),
        (
            {"policy": nn.Linear(4, 2).requires_grad_(False)},
            ValueError,
            "no parameter of policy has requires_grad=True",
        ),
        ({"policy": spoilt(4, 2)}, ValueError, "the parameter bias of policy holds nan or inf"),
        ({"value": spoilt(4, 1)}, ValueError, "the parameter bias of value holds nan or inf"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        learn_with(**arguments)
