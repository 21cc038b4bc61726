# %% exercise-1 | wrong | gets up at once
crossing, middle = 1.5, 0.75


# %% exercise-1 | wrong | the bound
crossing, middle = 3.0, 0.75


# %% exercise-1 | wrong | the step of the fall is free
crossing, middle = 1.25, 0.75


# %% exercise-1 | wrong | the probability to be down at the end
crossing, middle = 0.875, 0.75


# %% exercise-1 | wrong | the mean
crossing, middle = 2.125, 0.25


# %% exercise-1 | wrong | a quantile
crossing, middle = 2.125, 1


# %% exercise-1 | wrong | the weights the other way round
crossing, middle = 2.125, 0.1 * 0.25 / (0.1 * 0.25 + 0.9 * 0.75)


# %% exercise-1 | wrong | not divided
crossing, middle = 2.125, 0.225


# %% exercise-1 | right | by a sum, and as a fraction
crossing, middle = sum(1 - 0.5**t for t in (1, 2, 3)), np.float64(3) / 4


# %% exercise-2 | wrong | the maximum is always dangerous
first, second, third, fourth = "yes", "no", "no", "no"


# %% exercise-2 | wrong | CQL is always pessimistic
first, second, third, fourth = "no", "yes", "no", "no"


# %% exercise-2 | wrong | it plans
first, second, third, fourth = "no", "no", "yes", "no"


# %% exercise-2 | wrong | certain is better
first, second, third, fourth = "no", "no", "no", "yes"


# %% exercise-2 | wrong | truths
first, second, third, fourth = False, False, False, False


# %% exercise-2 | right | one by one
first = second = "no"
third = fourth = "no"


# %% exercise-3 | wrong | forgets alpha
def conservative_gap(mdp, policy, behaviour, alpha):
    """How far CQL's values of a policy lie below the true ones, (S,)."""
    P, _ = follow(mdp, policy)
    D = (policy * (policy / behaviour - 1)).sum(axis=1)
    going, gap = ~mdp.terminal, np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going]
    gap[going] = np.linalg.solve(system, D[going])
    return gap


# %% exercise-3 | wrong | only the present state
def conservative_gap(mdp, policy, behaviour, alpha):
    return alpha * (policy * (policy / behaviour - 1)).sum(axis=1) * ~mdp.terminal


# %% exercise-3 | wrong | transposed
def conservative_gap(mdp, policy, behaviour, alpha):
    """How far CQL's values of a policy lie below the true ones, (S,)."""
    P, _ = follow(mdp, policy)
    D = (policy * (policy / behaviour - 1)).sum(axis=1)
    going, gap = ~mdp.terminal, np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    gap[going] = alpha * np.linalg.solve(system, D[going])
    return gap


# %% exercise-3 | wrong | terminal states lose too
def conservative_gap(mdp, policy, behaviour, alpha):
    P, _ = follow(mdp, policy)
    D = (policy * (policy / behaviour - 1)).sum(axis=1)
    return alpha * np.linalg.solve(np.eye(mdp.num_states) - mdp.gamma * P, D)


# %% exercise-3 | wrong | follows the behaviour
def conservative_gap(mdp, policy, behaviour, alpha):
    """How far CQL's values of a policy lie below the true ones, (S,)."""
    P, _ = follow(mdp, behaviour)
    D = (policy * (policy / behaviour - 1)).sum(axis=1)
    going, gap = ~mdp.terminal, np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going]
    gap[going] = alpha * np.linalg.solve(system, D[going])
    return gap


# %% exercise-3 | right | by sweeps
def conservative_gap(mdp, policy, behaviour, alpha):
    P, _ = follow(mdp, policy)
    lost = alpha * (policy**2 / behaviour).sum(axis=1) - alpha
    gap = np.zeros(mdp.num_states)
    for _ in range(500):
        gap = np.where(mdp.terminal, 0.0, lost + mdp.gamma * P @ gap)
    return gap


# %% exercise-4 | wrong | the quantile
def expectile(samples, tau):
    return np.quantile(samples, tau)


# %% exercise-4 | wrong | the mean
def expectile(samples, tau):
    return np.mean(samples)


# %% exercise-4 | wrong | the weights the other way round
def expectile(samples, tau):
    """The tau-expectile of samples (N,)."""
    samples = np.asarray(samples)
    m = samples.mean()
    for _ in samples:
        weights = np.where(samples > m, 1 - tau, tau)
        m = (weights * samples).sum() / weights.sum()
    return m


# %% exercise-4 | wrong | one round
def expectile(samples, tau):
    """The tau-expectile of samples (N,)."""
    samples = np.asarray(samples)
    m = samples.mean()
    for _ in samples[:1]:
        weights = np.where(samples > m, tau, 1 - tau)
        m = (weights * samples).sum() / weights.sum()
    return m


# %% exercise-4 | right | by bisection
def expectile(samples, tau):
    low, high = min(samples), max(samples)
    for _ in range(80):
        m = (low + high) / 2
        above, below = sum(max(x - m, 0) for x in samples), sum(max(m - x, 0) for x in samples)
        low, high = (m, high) if tau * above > (1 - tau) * below else (low, m)
    return m


# %% exercise-5 | wrong | the bug itself
def mended_pairs(observations, actions, lengths):
    return shifted_pairs(observations, actions, lengths)


# %% exercise-5 | wrong | the next observations
def mended_pairs(observations, actions, lengths):
    """For each step the observation that it was taken in, and the action."""
    kept, position = [], 0
    for length in lengths:
        kept.extend(range(position + 1, position + length + 1))
        position += length + 1
    return np.asarray(observations)[kept], np.asarray(actions)


# %% exercise-5 | wrong | leaves out the last step of each episode
def mended_pairs(observations, actions, lengths):
    """For each step the observation that it was taken in, and the action."""
    kept, position = [], 0
    for length in lengths:
        kept.extend(range(position, position + length - 1))
        position += length + 1
    return np.asarray(observations)[kept], np.asarray(actions)


# %% exercise-5 | wrong | the last observations too
def mended_pairs(observations, actions, lengths):
    return observations, actions


# %% exercise-5 | right | the last ones deleted
def mended_pairs(observations, actions, lengths):
    ends = np.cumsum(np.array(lengths) + 1) - 1
    return np.delete(observations, ends), list(actions)


# %% exercise-6 | wrong | looks ahead
def attend(queries, keys, values):
    scores = queries @ keys.T / np.sqrt(queries.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ values


# %% exercise-6 | wrong | not scaled
def attend(queries, keys, values):
    """Causal attention of one head, (L, m)."""
    scores = queries @ keys.T
    scores = np.where(np.tri(len(scores), dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ values


# %% exercise-6 | wrong | masked with 0 before the softmax
def attend(queries, keys, values):
    """Causal attention of one head, (L, m)."""
    scores = queries @ keys.T / np.sqrt(queries.shape[1])
    scores = np.where(np.tri(len(scores), dtype=bool), scores, 0)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ values


# %% exercise-6 | wrong | masked after the softmax (in two lines)
def attend(queries, keys, values):
    scores = queries @ keys.T / np.sqrt(queries.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.tril(weights / weights.sum(axis=1, keepdims=True)) @ values


# %% exercise-6 | wrong | not its own place
def attend(queries, keys, values):
    """Causal attention of one head, (L, m)."""
    scores = queries @ keys.T / np.sqrt(queries.shape[1])
    scores = np.where(np.tri(len(scores), k=-1, dtype=bool), scores, -1e9)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ values


# %% exercise-6 | right | place by place
def attend(queries, keys, values):
    rows = []
    for t, q in enumerate(queries):
        scores = keys[: t + 1] @ q / len(q) ** 0.5
        rates = np.exp(scores - scores.max())
        rows.append(rates @ values[: t + 1] / rates.sum())
    return np.array(rows)


# %% exercise-7 | wrong | one gets what one asks for
def worth_of_asking(shares, chances, rewards):
    return rewards


# %% exercise-7 | wrong | equal shares
def worth_of_asking(shares, chances, rewards):
    policy = chances / chances.sum(axis=0)
    return (chances @ rewards) @ policy


# %% exercise-7 | wrong | the log's own mean
def worth_of_asking(shares, chances, rewards):
    return np.full(len(rewards), shares @ chances @ rewards)


# %% exercise-7 | wrong | not divided
def worth_of_asking(shares, chances, rewards):
    return (chances @ rewards) @ (shares[:, None] * chances)


# %% exercise-7 | right | action by action
def worth_of_asking(shares, chances, rewards):
    worth = []
    for k in range(len(rewards)):
        joint = [shares[a] * chances[a][k] for a in range(len(shares))]
        worth.append(sum(p / sum(joint) * (chances[a] @ rewards) for a, p in enumerate(joint)))
    return worth


# %% exercise-3 | wrong | the other way round
def conservative_gap(mdp, policy, behaviour, alpha):
    """How far CQL's values of a policy lie below the true ones, (S,)."""
    P, _ = follow(mdp, policy)
    D = (policy * (behaviour / policy - 1)).sum(axis=1)
    going, gap = ~mdp.terminal, np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going]
    gap[going] = alpha * np.linalg.solve(system, D[going])
    return gap


# %% exercise-3 | wrong | forgets the discount
def conservative_gap(mdp, policy, behaviour, alpha):
    """How far CQL's values of a policy lie below the true ones, (S,)."""
    P, _ = follow(mdp, policy)
    D = (policy * (policy / behaviour - 1)).sum(axis=1)
    going, gap = ~mdp.terminal, np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - P[going][:, going]
    gap[going] = alpha * np.linalg.solve(system, D[going])
    return gap


# %% exercise-3 | wrong | not a mean over the policy
def conservative_gap(mdp, policy, behaviour, alpha):
    """How far CQL's values of a policy lie below the true ones, (S,)."""
    P, _ = follow(mdp, policy)
    D = (policy / behaviour - 1).sum(axis=1)
    going, gap = ~mdp.terminal, np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going]
    gap[going] = alpha * np.linalg.solve(system, D[going])
    return gap


# %% exercise-5 | wrong | two too far
def mended_pairs(observations, actions, lengths):
    """For each step the observation that it was taken in, and the action."""
    kept, position = [], 0
    for length in lengths:
        kept.extend(range(position, position + length))
        position += length + 2
    return np.asarray(observations)[kept], np.asarray(actions)


# %% exercise-7 | wrong | normalised over the rewards
def worth_of_asking(shares, chances, rewards):
    """The mean reward of the policy that is asked for each of the rewards, (K,)."""
    joint = shares[:, None] * chances
    policy = joint / joint.sum(axis=1, keepdims=True)
    return (chances @ rewards) @ policy


# %% exercise-7 | wrong | each action alike
def worth_of_asking(shares, chances, rewards):
    """The mean reward of the policy that is asked for each of the rewards, (K,)."""
    joint = shares[:, None] * chances
    policy = joint / joint.sum(axis=0)
    return (chances @ rewards).mean() * policy.sum(axis=0)
