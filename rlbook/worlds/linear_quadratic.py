"""A linear world whose cost is quadratic: the one with continuous actions whose best policy is known exactly."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_discrete_are

from rlbook._checks import check_array, check_counts, check_number, require

gymnasium = require("gymnasium", extra="gym")


class Best(NamedTuple):
    """What `riccati` finds: the best action in s is -K s, and s is then worth -(s P s)."""

    K: np.ndarray  # (D, N)
    P: np.ndarray  # (N, N), symmetric


def riccati(A, B, Q, R, *, gamma):
    """The best gain and its cost, for s' = A s + B a and the cost s Q s + a R a of a step, discounted.

    A, Q (N, N), B (N, D), R (D, D), Q and R symmetric, R positive definite. Raises ValueError where shapes do not fit,
    and what SciPy raises where no gain keeps the cost finite. With noise on top of s' or a, of mean 0 and independent of
    both, the gain stays the best one, and every state costs a constant more.
    Source: Bertsekas, *Dynamic Programming and Optimal Control*, volume 1, section 3.1; with a discount, the equation
    for sqrt(gamma) A and sqrt(gamma) B.
    """
    A, B, Q, R = _matrices(A, B, Q, R)
    gamma = check_number("gamma", gamma, above=0, most=1)
    P = solve_discrete_are(gamma**0.5 * A, gamma**0.5 * B, Q, R)
    return Best(gamma * np.linalg.solve(R + gamma * B.T @ P @ B, B.T @ P @ A), P)


class LinearQuadratic(gymnasium.vector.VectorEnv):
    """E copies of s' = A s + B a, each step of which pays -(s Q s + a R a), side by side in float64.

    An episode starts evenly in [-1, 1] in each of the N numbers of a state, and is cut off after max_steps: it is
    truncated, and never terminates. The step after that resets, as Gymnasium's own vectorised environments do.
    """

    metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs, A, B, Q, R, *, max_steps=50):
        check_counts(num_envs=num_envs, max_steps=max_steps)
        self.A, self.B, self.Q, self.R = _matrices(A, B, Q, R)
        self.num_envs, self.max_steps = num_envs, max_steps
        self.single_observation_space = _everywhere(len(self.A))
        self.single_action_space = _everywhere(self.B.shape[1])
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.states = self._starts()
        self.taken = np.zeros(self.num_envs, int)
        return self.states.copy(), {}

    def step(self, actions):
        s, a, over = self.states, np.asarray(actions, float), self.taken == self.max_steps
        rewards = -np.einsum("ei,ij,ej->e", s, self.Q, s) - np.einsum("ei,ij,ej->e", a, self.R, a)
        moved = s @ self.A.T + a @ self.B.T
        self.states = np.where(over[:, None], self._starts(), moved) if over.any() else moved
        self.taken = np.where(over, 0, self.taken + 1)
        truncated = self.taken == self.max_steps
        return self.states.copy(), np.where(over, 0.0, rewards), np.zeros_like(over), truncated, {}

    def _starts(self):
        return self.np_random.uniform(-1, 1, (self.num_envs, len(self.A)))


def _everywhere(size):
    return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float64)


def _matrices(A, B, Q, R):
    A, B, Q, R = (check_array(name, matrix).astype(float) for name, matrix in dict(A=A, B=B, Q=Q, R=R).items())
    N, D = len(A) if A.ndim else 0, B.shape[-1] if B.ndim else 0
    shapes = {"A": (A, (N, N)), "B": (B, (N, D)), "Q": (Q, (N, N)), "R": (R, (D, D))}
    for name, (matrix, shape) in shapes.items():
        if matrix.shape != shape or matrix.size == 0:
            raise ValueError(
                f"{name} has shape {matrix.shape}, expected {shape}: A (N, N), B (N, D), Q (N, N), R (D, D)"
            )
        if not np.isfinite(matrix).all():
            raise ValueError(f"{name} holds nan or inf, expected finite numbers")
    for name, matrix in {"Q": Q, "R": R}.items():
        if not np.allclose(matrix, matrix.T):
            raise ValueError(f"{name} is not symmetric, expected {name}[i, j] = {name}[j, i]")
    if np.linalg.eigvalsh(R).min() <= 0:
        raise ValueError("R has an eigenvalue that is not above 0, expected one for which every action costs something")
    return A, B, Q, R
