# %% exercise-1 | wrong | the clip forgotten
counts = [5.0, -2.1, -4.2, 1.8]
slopes = [5.0, -2.1, -4.2, 1.8]


# %% exercise-1 | wrong | the advantages alone
counts = [4.0, -3.5, -3.0, 2.0]
slopes = [0.0, 0.0, -3.0, 2.0]


# %% exercise-1 | wrong | the clip without the minimum
counts = [4.8, -2.8, -3.6, 1.8]
slopes = [0.0, 0.0, 0.0, 1.8]


# %% exercise-1 | wrong | the larger of the two for the bad step that has become rarer
counts = [4.8, -2.1, -4.2, 1.8]
slopes = [0.0, 0.0, -4.2, 1.8]


# %% exercise-1 | wrong | a slope for the clipped part
counts = [4.8, -2.8, -4.2, 1.8]
slopes = [4.8, -2.8, -4.2, 1.8]


# %% exercise-1 | wrong | the slope in the probability and not in its logarithm
counts = [4.8, -2.8, -4.2, 1.8]
slopes = [0.0, 0.0, -15.0, 2.5]


# %% exercise-1 | wrong | three of four
counts = [4.8, -2.8, -4.2]
slopes = [0.0, 0.0, -4.2]


# %% exercise-1 | right | a tuple and an array
counts = (4.8, -2.8, -4.2, 1.8)
slopes = np.array([0, 0, -4.2, 1.8])


# %% exercise-2 | wrong | the entropy of two actions
entropy, clip_fraction, policy_loss, gradient = 0.69, 0.0, 0.0, "not zero"


# %% exercise-2 | wrong | a loss of 0 without a slope
entropy, clip_fraction, policy_loss, gradient = 1.61, 0.0, 0.0, "zero"


# %% exercise-2 | wrong | the clip for the share that is clipped
entropy, clip_fraction, policy_loss, gradient = 1.61, 0.2, 0.0, "not zero"


# %% exercise-2 | wrong | a loss of -1
entropy, clip_fraction, policy_loss, gradient = 1.61, 0.0, -1.0, "not zero"


# %% exercise-2 | wrong | an entropy in bits
entropy, clip_fraction, policy_loss, gradient = 2.32, 0.0, 0.0, "not zero"


# %% exercise-2 | right | computed
entropy, clip_fraction, policy_loss, gradient = np.log(5), 0, 0, "not zero"


# %% exercise-3 | wrong | the visits of the new policy in the promise
def promised(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, new) @ (new * advantages).sum(axis=1)


def truly(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, new) @ (new * advantages).sum(axis=1)


# %% exercise-3 | wrong | the visits of the old policy in the truth
def promised(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, old) @ (new * advantages).sum(axis=1)


def truly(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, old) @ (new * advantages).sum(axis=1)


# %% exercise-3 | wrong | the difference without J of the old policy
def promised(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return visits(mdp, old) @ (new * advantages).sum(axis=1)


def truly(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, new) @ (new * advantages).sum(axis=1)


# %% exercise-3 | wrong | q for the advantage
def promised(mdp, old, new):
    v = policy_value(mdp, old)
    return mdp.start @ v + visits(mdp, old) @ (new * bellman_optimality(mdp, v)).sum(axis=1)


def truly(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, new) @ (new * advantages).sum(axis=1)


# %% exercise-3 | wrong | the advantages of the new policy
def promised(mdp, old, new):
    v = policy_value(mdp, old)
    w = policy_value(mdp, new)
    advantages = bellman_optimality(mdp, w) - w[:, None]
    return mdp.start @ v + visits(mdp, old) @ (new * advantages).sum(axis=1)


def truly(mdp, old, new):
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, new) @ (new * advantages).sum(axis=1)


# %% exercise-3 | wrong | the old policy's probabilities, whose advantages have mean 0
def promised(mdp, old, new):
    """The surrogate (13.2) of the new policy, a number."""
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, old) @ (old * advantages).sum(axis=1)


def truly(mdp, old, new):
    """J of the new policy by (13.1), a number."""
    v = policy_value(mdp, old)
    advantages = bellman_optimality(mdp, v) - v[:, None]
    return mdp.start @ v + visits(mdp, new) @ (new * advantages).sum(axis=1)


# %% exercise-3 | right | with ratios, and the value of the new policy itself
def promised(mdp, old, new):
    v = policy_value(mdp, old)
    q = bellman_optimality(mdp, v)
    total = float(mdp.start @ v)
    for s, often in enumerate(visits(mdp, old)):
        for a in range(mdp.num_actions):
            total += often * old[s, a] * (new[s, a] / old[s, a]) * (q[s, a] - v[s])
    return total


def truly(mdp, old, new):
    return mdp.start @ policy_value(mdp, new)


# %% exercise-4 | wrong | both sides stopped whatever the advantage
def clipped_slope(logp, old_logp, advantages, clip):
    """The gradient of the mean clipped surrogate with respect to logp, (N,)."""
    ratio = np.exp(logp - old_logp)
    stopped = (ratio > 1 + clip) | (ratio < 1 - clip)
    return np.where(stopped, 0.0, ratio * advantages) / len(logp)


def clip_fraction(logp, old_logp, advantages, clip):
    """The share of steps whose slope the clip has taken away, a number."""
    ratio = np.exp(logp - old_logp)
    risen = (advantages > 0) & (ratio > 1 + clip)
    fallen = (advantages < 0) & (ratio < 1 - clip)
    return (risen | fallen).mean()


# %% exercise-4 | wrong | nothing stopped
def clipped_slope(logp, old_logp, advantages, clip):
    """The gradient of the mean clipped surrogate with respect to logp, (N,)."""
    ratio = np.exp(logp - old_logp)
    stopped = np.where(advantages > 0, ratio > 1 + clip, ratio < 1 - clip)
    return ratio * advantages / len(logp)


def clip_fraction(logp, old_logp, advantages, clip):
    """The share of steps whose slope the clip has taken away, a number."""
    ratio = np.exp(logp - old_logp)
    risen = (advantages > 0) & (ratio > 1 + clip)
    fallen = (advantages < 0) & (ratio < 1 - clip)
    return (risen | fallen).mean()


# %% exercise-4 | wrong | the sum for the mean
def clipped_slope(logp, old_logp, advantages, clip):
    """The gradient of the mean clipped surrogate with respect to logp, (N,)."""
    ratio = np.exp(logp - old_logp)
    stopped = np.where(advantages > 0, ratio > 1 + clip, ratio < 1 - clip)
    return np.where(stopped, 0.0, ratio * advantages)


def clip_fraction(logp, old_logp, advantages, clip):
    """The share of steps whose slope the clip has taken away, a number."""
    ratio = np.exp(logp - old_logp)
    risen = (advantages > 0) & (ratio > 1 + clip)
    fallen = (advantages < 0) & (ratio < 1 - clip)
    return (risen | fallen).mean()


# %% exercise-4 | wrong | the advantage without the ratio
def clipped_slope(logp, old_logp, advantages, clip):
    """The gradient of the mean clipped surrogate with respect to logp, (N,)."""
    ratio = np.exp(logp - old_logp)
    stopped = np.where(advantages > 0, ratio > 1 + clip, ratio < 1 - clip)
    return np.where(stopped, 0.0, advantages) / len(logp)


def clip_fraction(logp, old_logp, advantages, clip):
    """The share of steps whose slope the clip has taken away, a number."""
    ratio = np.exp(logp - old_logp)
    risen = (advantages > 0) & (ratio > 1 + clip)
    fallen = (advantages < 0) & (ratio < 1 - clip)
    return (risen | fallen).mean()


# %% exercise-4 | wrong | the share of ratios out of the range
def clipped_slope(logp, old_logp, advantages, clip):
    """The gradient of the mean clipped surrogate with respect to logp, (N,)."""
    ratio = np.exp(logp - old_logp)
    stopped = np.where(advantages > 0, ratio > 1 + clip, ratio < 1 - clip)
    return np.where(stopped, 0.0, ratio * advantages) / len(logp)


def clip_fraction(logp, old_logp, advantages, clip):
    """The share of steps whose slope the clip has taken away, a number."""
    ratio = np.exp(logp - old_logp)
    risen = (advantages > 0) & (ratio > 1 + clip)
    fallen = (advantages < 0) & (ratio < 1 - clip)
    return (np.abs(ratio - 1) > clip).mean()


# %% exercise-4 | wrong | the range in logarithms
def clipped_slope(logp, old_logp, advantages, clip):
    """The gradient of the mean clipped surrogate with respect to logp, (N,)."""
    ratio = np.exp(logp - old_logp)
    stopped = np.where(advantages > 0, logp - old_logp > clip, logp - old_logp < -clip)
    return np.where(stopped, 0.0, ratio * advantages) / len(logp)


def clip_fraction(logp, old_logp, advantages, clip):
    """The share of steps whose slope the clip has taken away, a number."""
    ratio = np.exp(logp - old_logp)
    risen = (advantages > 0) & (ratio > 1 + clip)
    fallen = (advantages < 0) & (ratio < 1 - clip)
    return (risen | fallen).mean()


# %% exercise-4 | right | a loop, and the slope compared with 0
def clipped_slope(logp, old_logp, advantages, clip):
    slopes = []
    for new, old, A in zip(logp, old_logp, advantages):
        ratio = np.exp(new - old)
        inside = ratio * A <= np.clip(ratio, 1 - clip, 1 + clip) * A
        slopes.append(ratio * A if inside else 0.0)
    return [slope / len(logp) for slope in slopes]


def clip_fraction(logp, old_logp, advantages, clip):
    slopes = np.array(clipped_slope(logp, old_logp, advantages, clip))
    return np.mean((slopes == 0) & (advantages != 0))


# %% exercise-5 | wrong | the bug
def mended_gradient(mean, std, low, high, reward, samples, rng):
    return cut_and_scored_gradient(mean, std, low, high, reward, samples, rng)


# %% exercise-5 | wrong | nothing is cut
def mended_gradient(mean, std, low, high, reward, samples, rng):
    """The policy gradient with respect to the mean of the policy that acts, a number."""
    actions = rng.normal(mean, std, size=samples)
    score = (actions - mean) / std**2
    return (reward(actions) * score).mean()


# %% exercise-5 | wrong | divided by the deviation, not by its square
def mended_gradient(mean, std, low, high, reward, samples, rng):
    actions = rng.normal(mean, std, size=samples)
    return (reward(np.clip(actions, low, high)) * (actions - mean) / std).mean()


# %% exercise-5 | wrong | actions beyond the bounds are thrown away
def mended_gradient(mean, std, low, high, reward, samples, rng):
    actions = rng.normal(mean, std, size=samples)
    kept = actions[(actions > low) & (actions < high)]
    return (reward(kept) * (kept - mean) / std**2).mean()


# %% exercise-5 | wrong | the mean is cut too
def mended_gradient(mean, std, low, high, reward, samples, rng):
    """The policy gradient with respect to the mean of the policy that acts, a number."""
    mean = np.clip(mean, low, high)
    actions = rng.normal(mean, std, size=samples)
    score = (actions - mean) / std**2
    return (reward(np.clip(actions, low, high)) * score).mean()


# %% exercise-5 | wrong | a generator of one's own
def mended_gradient(mean, std, low, high, reward, samples, rng):
    actions = np.random.default_rng(3).normal(mean, std, size=samples)
    return (reward(np.clip(actions, low, high)) * (actions - mean) / std**2).mean()


# %% exercise-5 | right | standard noise, and the mean reward as a baseline
def mended_gradient(mean, std, low, high, reward, samples, rng):
    noise = rng.standard_normal(samples)
    rewards = reward(np.minimum(np.maximum(mean + std * noise, low), high))
    return float(np.mean((rewards - rewards.mean()) * noise / std))


# %% exercise-6 | wrong | the smaller square
def clipped_value_loss(values, old_values, targets, clip):
    near = np.clip(values, old_values - clip, old_values + clip)
    return np.minimum((targets - values) ** 2, (targets - near) ** 2).mean() / 2


# %% exercise-6 | wrong | only the clipped error
def clipped_value_loss(values, old_values, targets, clip):
    near = np.clip(values, old_values - clip, old_values + clip)
    return ((targets - near) ** 2).mean() / 2


# %% exercise-6 | wrong | the error clipped and not the move
def clipped_value_loss(values, old_values, targets, clip):
    errors = targets - values
    return np.maximum(errors**2, np.clip(errors, -clip, clip) ** 2).mean() / 2


# %% exercise-6 | wrong | half forgotten
def clipped_value_loss(values, old_values, targets, clip):
    near = np.clip(values, old_values - clip, old_values + clip)
    return np.maximum((targets - values) ** 2, (targets - near) ** 2).mean()


# %% exercise-6 | wrong | as the ratio is clipped
def clipped_value_loss(values, old_values, targets, clip):
    near = np.clip(values, old_values * (1 - clip), old_values * (1 + clip))
    return np.maximum((targets - values) ** 2, (targets - near) ** 2).mean() / 2


# %% exercise-6 | right | a loop
def clipped_value_loss(values, old_values, targets, clip):
    total = 0.0
    for v, old, target in zip(values, old_values, targets):
        near = old + max(-clip, min(clip, v - old))
        total += max(abs(target - v), abs(target - near)) ** 2
    return total / (2 * len(values))


# %% exercise-7 | wrong | the gain from the new P
def gains(A, B, Q, R, gamma, sweeps):
    P, found = Q.astype(float), []
    for _ in range(sweeps):
        K = gamma * np.linalg.solve(R + gamma * B.T @ P @ B, B.T @ P @ A)
        P = Q + gamma * A.T @ P @ A - gamma * A.T @ P @ B @ K
        found.append(K)
    return np.stack(found), P


# %% exercise-7 | wrong | no discount in the gain's denominator
def gains(A, B, Q, R, gamma, sweeps):
    P, found = np.zeros_like(A, dtype=float), []
    for _ in range(sweeps):
        K = gamma * np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)
        P = Q + gamma * A.T @ P @ A - gamma * A.T @ P @ B @ K
        found.append(K)
    return np.stack(found), P


# %% exercise-7 | wrong | no discount before the gain
def gains(A, B, Q, R, gamma, sweeps):
    P, found = np.zeros_like(A, dtype=float), []
    for _ in range(sweeps):
        K = np.linalg.solve(R + gamma * B.T @ P @ B, B.T @ P @ A)
        P = Q + gamma * A.T @ P @ A - gamma * A.T @ P @ B @ K
        found.append(K)
    return np.stack(found), P


# %% exercise-7 | wrong | the last term added
def gains(A, B, Q, R, gamma, sweeps):
    P, found = np.zeros_like(A, dtype=float), []
    for _ in range(sweeps):
        K = gamma * np.linalg.solve(R + gamma * B.T @ P @ B, B.T @ P @ A)
        P = Q + gamma * A.T @ P @ A + gamma * A.T @ P @ B @ K
        found.append(K)
    return np.stack(found), P


# %% exercise-7 | wrong | the last gain only
def gains(A, B, Q, R, gamma, sweeps):
    """The gain of each sweep, (sweeps, D, N), and the last P, (N, N)."""
    P, found = np.zeros_like(A, dtype=float), []
    for _ in range(sweeps):
        K = gamma * np.linalg.solve(R + gamma * B.T @ P @ B, B.T @ P @ A)
        P = Q + gamma * A.T @ P @ A - gamma * A.T @ P @ B @ K
        found.append(K)
    return K, P


# %% exercise-7 | wrong | Q changed in place
def gains(A, B, Q, R, gamma, sweeps):
    P, found = np.zeros_like(A, dtype=float), []
    for _ in range(sweeps):
        K = gamma * np.linalg.solve(R + gamma * B.T @ P @ B, B.T @ P @ A)
        step = gamma * A.T @ P @ A - gamma * A.T @ P @ B @ K
        P = Q
        P += step
        found.append(K)
    return np.stack(found), P


# %% exercise-7 | right | by the closed loop, in a list
def gains(A, B, Q, R, gamma, sweeps):
    P, found = 0.0 * A, []
    for _ in range(sweeps):
        K = gamma * np.linalg.inv(R + gamma * B.T @ P @ B) @ B.T @ P @ A
        closed = A - B @ K
        P = Q + K.T @ R @ K + gamma * closed.T @ P @ closed
        found.append(K.tolist())
    return found, P
