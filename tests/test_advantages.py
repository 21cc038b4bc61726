"""Advantages: numbers worked by hand, theorems by enumeration, and the same answers for arrays and tensors."""

from itertools import product

import numpy as np
import pytest
import torch

from rlbook.advantages import gae, group_relative, leave_one_out, returns_to_go, td_errors

LATER = dict(gamma=0.9, lam=0.8)


def transitions(steps=7, envs=(3,), seed=0):
    """Rewards, values (T + 1), and two episodes in each column: one ends at step 2, the other goes on."""
    rng = np.random.default_rng(seed)
    terminated, truncated = np.zeros((2, steps, *envs), bool)
    terminated[2] = True
    return rng.normal(size=(steps, *envs)), rng.normal(size=(steps + 1, *envs)), terminated, truncated


def test_returns_by_hand():
    """1 + 0.5 * 0 + 0.25 * 2 = 1.5, and if the second step ends an episode, 1 + 0.5 * 0 = 1."""
    assert returns_to_go([1, 0, 2], gamma=0.5).tolist() == [1.5, 1, 2]
    assert returns_to_go([1, 0, 2], gamma=0.5, ended=[False, True, False]).tolist() == [1, 0, 2]
    assert returns_to_go([1, 0, 2]).tolist() == [3, 2, 2]


def test_td_errors_by_hand():
    """Values 4, 2, 8; rewards 1, 1; gamma 1/2: 1 + 1 - 4 = -2, and 1 + 4 - 2 = 3, or 1 + 0 - 2 = -1 at an end."""
    values = [4, 2, 8]
    assert td_errors([1, 1], values, [False, False], gamma=0.5).tolist() == [-2, 3]
    assert td_errors([1, 1], values, [False, True], gamma=0.5).tolist() == [-2, -1]
    assert td_errors([1, 1], values[:2], [False, False], gamma=0.5, next_values=values[1:]).tolist() == [-2, 3]


def test_gae_by_hand():
    """With the TD errors -2 and 3 above and gamma * lam = 1/4, the first advantage is -2 + 3/4."""
    never = [False, False]
    assert gae([1, 1], [4, 2, 8], never, never, gamma=0.5, lam=0.5).tolist() == [-1.25, 3]


def test_gae_at_lambda_zero_is_the_td_error():
    rewards, values, terminated, truncated = transitions()
    advantages = gae(rewards, values, terminated, truncated, gamma=0.9, lam=0.0)
    assert np.allclose(advantages, td_errors(rewards, values, terminated, gamma=0.9))


def test_gae_at_lambda_one_is_return_minus_value():
    """The last episode has no end in the data: its return goes on with the value of where it stopped."""
    rewards, values, terminated, truncated = transitions()
    advantages = gae(rewards, values, terminated, truncated, gamma=0.9, lam=1.0)
    with_rest = rewards.copy()
    with_rest[-1] += 0.9 * values[-1]
    assert np.allclose(advantages, returns_to_go(with_rest, gamma=0.9, ended=terminated) - values[:-1])


@pytest.mark.parametrize("cut", [False, True], ids=["terminated", "truncated"])
def test_gae_of_two_joined_episodes_is_that_of_each_alone(cut):
    rng = np.random.default_rng(1)
    first, second = [(rng.normal(size=n), rng.normal(size=n + 1)) for n in (4, 6)]
    flags = []
    for rewards, _ in (first, second):
        terminated, truncated = np.zeros((2, len(rewards)), bool)
        (truncated if cut else terminated)[-1] = True
        flags.append((terminated, truncated))
    alone = [gae(*episode, *ends, **LATER) for episode, ends in zip((first, second), flags)]
    rewards, values, next_values = (
        np.concatenate([first[0], second[0]]),
        np.concatenate([first[1][:-1], second[1][:-1]]),
        np.concatenate([first[1][1:], second[1][1:]]),
    )
    terminated, truncated = (np.concatenate(pair) for pair in zip(*flags))
    joined = gae(rewards, values, terminated, truncated, next_values=next_values, **LATER)
    assert np.allclose(joined, np.concatenate(alone))


def test_a_truncated_step_bootstraps_and_a_terminated_one_does_not():
    """One step, reward 1, from a state worth 2 to one worth 10: 1 + 0.9 * 10 - 2 = 8, or 1 - 2 = -1."""
    assert gae([1.0], [2.0, 10.0], [False], [True], **LATER).tolist() == [8.0]
    assert gae([1.0], [2.0, 10.0], [True], [False], **LATER).tolist() == [-1.0]


def test_the_value_of_a_terminal_state_is_not_used_even_if_it_is_no_number():
    assert gae([1.0], [2.0, np.nan], [True], [False], **LATER).tolist() == [-1.0]


HALF = [np.float16, torch.float16, torch.bfloat16]


def filled(value, shape, kind):
    return np.full(shape, value, kind) if isinstance(kind, type) else torch.full((shape,), value, dtype=kind)


def test_a_cut_before_the_last_row_needs_next_values():
    """Row 0 is cut off in a state worth 1, row 1 starts another episode in a state worth 98: 0 + 0.9 * 1 - 0.5 = 0.4.

    With values of T + 1 the cut would be worth 0.9 * 98. The last row may be cut: values[T] is what it reached.
    """
    rewards, values, reached, no, first = [0.0, 0.0], [0.5, 98.0], [1.0, 2.0], [False, False], [True, False]
    known = gae(rewards, values, no, first, gamma=0.9, lam=0.5, next_values=reached)
    assert known.tolist() == pytest.approx([0.4, 0.9 * 2 - 98])
    for kind in (list, torch.tensor):
        arguments = (kind(rewards), kind([*values, 2.0]), kind(no))
        with pytest.raises(ValueError, match=r"truncated\[0\] is True, and row 1 starts another.*next_values"):
            gae(*arguments, kind(first), gamma=0.9, lam=0.5)
        with pytest.raises(ValueError, match=r"truncated\[0\] is True"):
            td_errors(*arguments, truncated=kind(first), gamma=0.9)
        for truncated in (no, [False, True]):
            allowed = gae(*arguments, kind(truncated), gamma=0.9, lam=0.0)
            assert np.allclose(allowed, td_errors(*arguments, truncated=kind(truncated), gamma=0.9))
            assert np.allclose(allowed, td_errors(*arguments, gamma=0.9))


def test_a_cut_in_one_of_many_environments_is_found():
    rewards, values, terminated, truncated = transitions(envs=(2, 3))
    truncated[4, 1, 2] = True
    with pytest.raises(ValueError, match=r"truncated\[4, 1, 2\] is True, and row 5 starts"):
        gae(rewards, values, terminated, truncated, **LATER)


def test_a_step_that_is_both_has_terminated():
    """TimeLimit and the world may end an episode in the same step: 1 - 2 = -1 whatever follows, and no next value."""
    assert gae([1.0, 1.0], [2.0, 10.0, 3.0], [True, True], [True, True], **LATER).tolist() == [-1.0, -9.0]


@pytest.mark.parametrize("flags", [[1, 0], [1.0, 0.0], np.array([1, 0], np.uint8), torch.tensor([1.0, 0.0])])
def test_flags_may_be_ones_and_zeros(flags):
    assert returns_to_go([1.0, 1.0], ended=flags).tolist() == [1, 1]
    assert returns_to_go(torch.ones(2), ended=flags).tolist() == [1, 1]
    assert gae([1.0, 1.0], [2.0, 3.0, 5.0], flags, [0, 0], gamma=1, lam=0).tolist() == [-1, 3]


@pytest.mark.parametrize("kind", HALF)
def test_half_precision_is_computed_in_float32(kind):
    """600 rewards of 1 are 600, which a running sum in bfloat16, 8 bits, never reaches; 300 squared is no float16."""
    assert float(returns_to_go(filled(1.0, 600, kind))[0]) == 600
    never = [False] * 600
    zeros = filled(0.0, 601, kind)
    assert float(gae(filled(1.0, 600, kind), zeros, never, never, gamma=1, lam=1)[0]) == 600
    rewards = filled(-300.0, 4, kind)
    rewards[:2] = 300.0
    assert group_relative(rewards, 4).tolist() == [1, 1, -1, -1]
    assert leave_one_out(rewards, 4).tolist() == [400, 400, -400, -400]
    tiny = filled(0.0, 4, kind)
    tiny[0] = 1e-4  # whose square is 0 in float16
    assert np.allclose(np.asarray(group_relative(tiny, 4).tolist()), [3**0.5, *[-(3**-0.5)] * 3], rtol=1e-2)


def test_what_does_not_fit_its_type_is_an_error():
    with pytest.raises(ValueError, match=r"too large for torch\.float16"):
        leave_one_out(torch.tensor([6e4, -6e4], dtype=torch.float16), 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-170, 1.0, 1e200, 1.7e308])
def test_the_standard_deviation_takes_out_the_size_of_the_rewards(size):
    """(1, 0, 0) less its mean is (2, -1, -1) / 3, its standard deviation sqrt(2) / 3; and (1, -1) stays what it is."""
    by_hand = np.array([2, -1, -1]) / 2**0.5
    for rewards in (np.array([size, 0, 0]), torch.tensor([size, 0, 0], dtype=torch.float64)):
        assert np.allclose(group_relative(rewards, 3), by_hand, rtol=1e-15)
        assert np.array_equal(group_relative(rewards[[0, 1, 0, 1]] * 0, 2), np.zeros(4))
    assert group_relative([size, -size, 1.0, 1.0], 2).tolist() == [1, -1, 0, 0]


def test_single_precision_takes_out_the_size_of_the_rewards_too():
    for size in (1e-45, 1e-25, 1e30):
        assert group_relative(np.float32([size, 0]), 2).tolist() == [1, -1]
        assert group_relative(torch.tensor([size, 0.0]), 2).tolist() == [1, -1]


def test_epsilon_is_in_the_units_of_the_rewards():
    """(3, -1) has the standard deviation 2: with 2 more, 2 / 4. Of rewards a hundred times as large it is 200 / 202."""
    assert group_relative([3.0, -1.0], 2, epsilon=2).tolist() == [0.5, -0.5]
    assert np.allclose(group_relative([300.0, -100.0], 2, epsilon=2), [200 / 202, -200 / 202])


def test_the_size_of_the_rewards_spoils_no_gradient():
    """Of (x, 0) the advantages are sign(x), which is flat; less the mean alone they are x / 2 and -x / 2."""
    for size in (1e-150, 1.0, 1e150):
        x = torch.tensor([size, 0.0], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(group_relative(x, 2)[0], x)
        assert abs(slope[0] * size) < 1e-12
        (slope,) = torch.autograd.grad(group_relative(x, 2, divide_by_std=False)[0], x)
        assert slope.tolist() == [0.5, -0.5]


def test_a_reward_that_is_no_number_spoils_the_returns_up_to_it_and_no_other_episode():
    found = returns_to_go([1.0, 1.0, np.nan, 1.0, 1.0], ended=[False, True, False, True, True])
    assert found.tolist()[:2] == [2, 1] and np.isnan(found[2]) and found.tolist()[3:] == [1, 1]


def test_environments_side_by_side_are_independent():
    rewards, values, terminated, truncated = transitions(envs=(2, 3))
    together = gae(rewards, values, terminated, truncated, **LATER)
    for column in np.ndindex(2, 3):
        one = (slice(None), *column)
        assert np.allclose(together[one], gae(rewards[one], values[one], terminated[one], truncated[one], **LATER))


def test_arrays_and_tensors_agree():
    rewards, values, terminated, truncated = transitions()
    tensors = [torch.tensor(array) for array in (rewards, values, terminated, truncated)]
    pairs = [
        (gae(rewards, values, terminated, truncated, **LATER), gae(*tensors, **LATER)),
        (td_errors(rewards, values, terminated, gamma=0.9), td_errors(*tensors[:3], gamma=0.9)),
        (returns_to_go(rewards, ended=terminated), returns_to_go(tensors[0], ended=tensors[2])),
        (leave_one_out(rewards[:4, 0], 2), leave_one_out(tensors[0][:4, 0], 2)),
        (group_relative(rewards[:, 0], 7), group_relative(tensors[0][:, 0], 7)),
        (gae(rewards, values, terminated, truncated, **LATER), gae(rewards, *tensors[1:], **LATER)),
    ]
    for array, tensor in pairs:
        assert isinstance(array, np.ndarray) and isinstance(tensor, torch.Tensor)
        assert tensor.dtype == torch.float64 and np.allclose(array, tensor)


@pytest.mark.parametrize("kind", [np.float32, torch.float32, torch.bfloat16])
def test_the_type_of_floats_stays(kind):
    rewards = np.ones(4, kind) if kind is np.float32 else torch.ones(4, dtype=kind)
    values = np.ones(5, kind) if kind is np.float32 else torch.ones(5, dtype=kind)
    never = [False] * 4
    for advantages in (
        returns_to_go(rewards, ended=never),
        gae(rewards, values, never, never, **LATER),
        leave_one_out(rewards, 2),
        group_relative(rewards, 4),
    ):
        assert advantages.dtype == kind


def test_whole_numbers_become_floats():
    assert returns_to_go(np.array([1, 2]), gamma=0.5).dtype == np.float64
    assert group_relative(torch.tensor([1, 1, 0, 0]), 4).tolist() == [1, 1, -1, -1]
    assert leave_one_out([True, False], 2).tolist() == [1, -1]


def test_gradients_flow_through_values_and_rewards():
    """The advantage of one step, r + gamma * v' - v, has the derivatives 1, 0.9 and -1."""
    rewards = torch.tensor([1.0], requires_grad=True)
    values = torch.tensor([2.0, 10.0], requires_grad=True)
    gae(rewards, values, [False], [False], **LATER).sum().backward()
    assert rewards.grad.tolist() == [1] and np.allclose(values.grad, [-1, 0.9])


def test_gradients_of_equal_groups_are_zero_and_not_undefined():
    rewards = torch.tensor([0.5, 0.5, 1.0, 0.0], requires_grad=True)
    group_relative(rewards, 2).square().sum().backward()
    assert rewards.grad.isfinite().all()


def test_four_completions_by_hand():
    """Rewards 1, 1, 0, 0: mean 1/2, population std 1/2; the others of a 1 have mean 1/3."""
    assert group_relative([1, 1, 0, 0], 4).tolist() == [1, 1, -1, -1]
    assert group_relative([1, 1, 0, 0], 4, divide_by_std=False).tolist() == [0.5, 0.5, -0.5, -0.5]
    assert np.allclose(leave_one_out([1, 1, 0, 0], 4), [2 / 3, 2 / 3, -2 / 3, -2 / 3])
    assert leave_one_out([3, 1, 5, 5], 2).tolist() == [2, -2, 0, 0]  # groups do not see each other


@pytest.mark.parametrize("reward", [0.1, 1 / 3, 1e10 / 7, -0.7])
@pytest.mark.parametrize("group_size", [2, 3, 7, 10])
def test_equal_rewards_have_exactly_no_advantage(reward, group_size):
    """0.1 + 0.1 + 0.1 is not 0.3: a mean may miss equal rewards by rounding, which a tiny std would blow up."""
    rewards = [reward] * group_size
    for equal in (rewards, torch.tensor(rewards), torch.tensor(rewards, dtype=torch.float64)):
        assert not np.any(np.asarray(group_relative(equal, group_size)))
        assert not np.any(np.asarray(leave_one_out(equal, group_size)))


def expected_gradient(advantages, group_size, p):
    """By enumeration: the mean over groups of K independent 0/1 samples of (1/K) sum of A_i d log pi(y_i) / d logit.

    The probability of a 1 is p, the reward is the sample itself, and d log pi(y) / d logit = y - p. The true gradient
    of the expected reward p is p (1 - p).
    """
    total = 0.0
    for outcome in product([0.0, 1.0], repeat=group_size):
        y = np.array(outcome)
        probability = np.prod(np.where(y == 1, p, 1 - p))
        total += probability * np.mean(advantages(y) * (y - p))
    return total


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("group_size", [2, 3, 4, 8])
def test_leave_one_out_is_unbiased(group_size, p):
    gradient = expected_gradient(lambda rewards: leave_one_out(rewards, group_size), group_size, p)
    assert np.isclose(gradient, p * (1 - p))


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("group_size", [2, 3, 4, 8])
def test_the_mean_that_includes_the_sample_shrinks_the_gradient(group_size, p):
    def advantages(rewards):
        return group_relative(rewards, group_size, divide_by_std=False)

    shrunk = p * (1 - p) * (group_size - 1) / group_size
    assert np.isclose(expected_gradient(advantages, group_size, p), shrunk)


@pytest.mark.parametrize(
    "group_size, p, inflation",
    [(2, 0.05, 1.0), (2, 0.5, 1.0), (4, 0.05, 1.710), (4, 0.5, 1.616), (8, 0.05, 2.473), (8, 0.5, 1.856)],
)
def test_the_std_inflates_the_gradient(group_size, p, inflation):
    gradient = expected_gradient(lambda rewards: group_relative(rewards, group_size), group_size, p)
    assert np.isclose(gradient / (p * (1 - p)), inflation, atol=5e-4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: returns_to_go([]), r"rewards have shape \(0,\), expected at least one step"),
        (lambda: returns_to_go(1.0), r"rewards have shape \(\), expected at least one step"),
        (lambda: returns_to_go([1, 2], gamma=1.1), "gamma is 1.1"),
        (
            lambda: returns_to_go([1, 2, 3], ended=[False]),
            r"ended have shape \(1,\), expected \(3,\): there are 3 rewards",
        ),
        (lambda: td_errors([1, 2], [1, 2], [False] * 2, gamma=1), r"values have shape \(2,\), expected \(3,\)"),
        (
            lambda: td_errors([1, 2], [1, 2, 3], [False] * 2, gamma=1, next_values=[2, 3]),
            r"values have shape \(3,\), expected \(2,\): there are 2 rewards, and next_values beside",
        ),
        (
            lambda: td_errors([1, 2], [1, 2], [False] * 2, gamma=1, next_values=[2]),
            r"next_values have shape \(1,\), expected \(2,\)",
        ),
        (lambda: gae([1], [1, 2], [False], [False, False], **LATER), r"truncated have shape \(2,\), expected \(1,\)"),
        (lambda: gae([1], [1, 2], [False], [False], gamma=1, lam=-0.1), "lam is -0.1"),
        (lambda: leave_one_out([1, 2, 3], 2), "3 rewards do not divide into groups of 2"),
        (lambda: leave_one_out([1, 2], 1), "group_size is 1, expected a whole number, at least 2"),
        (lambda: group_relative([1, 2], 2.0), "group_size is 2.0"),
        (lambda: leave_one_out([1, np.nan], 2), r"rewards\[1\] is nan, expected a finite number"),
        (lambda: group_relative([0, -np.inf], 2), r"rewards\[1\] is -inf"),
        (lambda: group_relative(torch.tensor([np.inf, 1.0]), 2), r"rewards\[0\] is inf"),
        (lambda: group_relative([0, 1], 2, epsilon=-1), "epsilon is -1"),
        (lambda: td_errors([np.nan], [1, 1], [False], gamma=1), r"rewards\[0\] is nan"),
        (lambda: td_errors([1], [np.nan, 1], [True], gamma=1), r"values\[0\] is nan"),
        (lambda: td_errors([1], [1, np.nan], [False], gamma=1), r"values\[1:\]\[0\] is nan"),
        (lambda: gae([1], [1], [0], [0], next_values=[np.inf], **LATER), r"next_values\[0\] is inf"),
        (lambda: gae([[1, 2]], [[1, 2]] * 2, [[0, 2]], [[0, 0]], **LATER), r"terminated\[0, 1\] is .*2.*True or False"),
        (lambda: gae([1], [1, 2], [0], [np.nan], **LATER), r"truncated\[0\] is .*nan"),
        (lambda: returns_to_go([1, 2], ended=[0, -1]), r"ended\[1\] is .*-1"),
        (lambda: returns_to_go([1, 2], ended=["no", "yes"]), "ended are .*expected True or False"),
        (lambda: returns_to_go(torch.ones(2), ended=torch.tensor([0.0, 0.5])), r"ended\[1\] is 0.5,"),
        (lambda: returns_to_go(["1", "2"]), r"rewards are \['1', '2'\], expected numbers"),
        (lambda: returns_to_go([[1, 2], [3]]), "rewards are .*as many in each row"),
        (lambda: returns_to_go([1j]), "rewards are .*expected numbers"),
        (lambda: returns_to_go([1, 2], gamma="1"), "gamma is '1'"),
        (lambda: returns_to_go([1, 2], gamma=np.nan), "gamma is nan"),
        (lambda: group_relative([[1, 2]], 2), r"rewards have shape \(1, 2\), expected \(B,\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
