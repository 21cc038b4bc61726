# %% exercise-1 | wrong | sums
averages = [2, 6, -1]
recent = [0.5, 1.375, -0.5]
surely_exploring = [2, 7]


# %% exercise-1 | wrong | the initial estimate counts as a reward
averages = [2 / 3, 6 / 5, -1 / 2]
recent = [0.5, 1.375, -0.5]
surely_exploring = [2, 7]


# %% exercise-1 | wrong | divides by all the pulls
averages = [2 / 7, 6 / 7, -1 / 7]
recent = [0.5, 1.375, -0.5]
surely_exploring = [2, 7]


# %% exercise-1 | wrong | the first reward replaces the start
averages = [1, 1.5, -1]
recent = [1, 1.625, -1]
surely_exploring = [2, 7]


# %% exercise-1 | wrong | averages twice
averages = [1, 1.5, -1]
recent = [1, 1.5, -1]
surely_exploring = [2, 7]


# %% exercise-1 | wrong | ties are surely exploring
averages = [1.0, 1.5, -1.0]
recent = [0.5, 1.375, -0.5]
surely_exploring = [2, 6, 7]


# %% exercise-1 | wrong | the first pull too
averages = [1.0, 1.5, -1.0]
recent = [0.5, 1.375, -0.5]
surely_exploring = [1, 2, 7]


# %% exercise-1 | wrong | counted from 0
averages = [1.0, 1.5, -1.0]
recent = [0.5, 1.375, -0.5]
surely_exploring = [1, 6]


# %% exercise-1 | wrong | every change of arm
averages = [1.0, 1.5, -1.0]
recent = [0.5, 1.375, -0.5]
surely_exploring = [2, 5, 7]


# %% exercise-1 | wrong | all that may have been
averages = [1.0, 1.5, -1.0]
recent = [0.5, 1.375, -0.5]
surely_exploring = [2, 3, 7]


# %% exercise-1 | wrong | how many instead of which
averages = [1.0, 1.5, -1.0]
recent = [0.5, 1.375, -0.5]
surely_exploring = 2


# %% exercise-1 | wrong | adds half of each reward
averages = [1.0, 1.5, -1.0]
recent = [1.0, 3.0, -0.5]
surely_exploring = [2, 7]


# %% exercise-1 | wrong | the rewards in the reverse order
averages = [1.0, 1.5, -1.0]
recent = [1.0, 2.1875, -0.5]
surely_exploring = [2, 7]


# %% exercise-1 | right | computed
averages = np.array([np.mean([2, 0]), np.mean([4, 1, -2, 3]), np.mean([-1])])
recent = []
for own in [[2, 0], [4, 1, -2, 3], [-1]]:
    estimate = 0
    for r in own:
        estimate = (estimate + r) / 2
    recent.append(estimate)
surely_exploring = (7, 2)


# %% exercise-1 | right | rounded, and a set
averages = (1, 1.5, -1)
recent = np.array([0.5, 1.375, -0.5])
surely_exploring = {7, 2}


# %% exercise-2 | wrong | exploring pulls never take the best arm
def ceiling(means, epsilon):
    return 1 - epsilon, epsilon * (means.max() - means.mean())


# %% exercise-2 | wrong | only one arm is best
def ceiling(means, epsilon):
    return 1 - epsilon + epsilon / len(means), epsilon * (means.max() - means.mean())


# %% exercise-2 | wrong | the reward instead of the regret
def ceiling(means, epsilon):
    share = 1 - epsilon + epsilon * np.mean(means == means.max())
    return share, (1 - epsilon) * means.max() + epsilon * means.mean()


# %% exercise-2 | wrong | exploring pulls take the other arms
def ceiling(means, epsilon):
    share = 1 - epsilon + epsilon * np.mean(means == means.max())
    return share, epsilon * (means.max() - np.mean(means[means < means.max()]))


# %% exercise-2 | wrong | the range of the means
def ceiling(means, epsilon):
    share = 1 - epsilon + epsilon * np.mean(means == means.max())
    return share, epsilon * (means.max() - means.min()) / 2


# %% exercise-2 | wrong | only the share
def ceiling(means, epsilon):
    return 1 - epsilon + epsilon * np.mean(means == means.max())


# %% exercise-2 | wrong | forgets to return
def ceiling(means, epsilon):
    share = 1 - epsilon + epsilon * np.mean(means == means.max())
    regret = epsilon * (means.max() - means.mean())


# %% exercise-2 | wrong | the first arm is the best
def ceiling(means, epsilon):
    best = means[0]
    share = 1 - epsilon + epsilon * np.mean(means == best)
    return share, epsilon * (best - np.mean(means))


# %% exercise-2 | wrong | the regret of a greedy step too
def ceiling(means, epsilon):
    best = np.max(means)
    share = 1 - epsilon + epsilon * np.mean(means == best)
    return share, best - np.mean(means)


# %% exercise-2 | wrong | an epsilon of its own
def ceiling(means, epsilon):
    best = np.max(means)
    epsilon = 0.1
    share = 1 - epsilon + epsilon * np.mean(means == best)
    return share, epsilon * (best - np.mean(means))


# %% exercise-2 | wrong | arms above the mean are best
def ceiling(means, epsilon):
    best = np.max(means)
    share = 1 - epsilon + epsilon * np.mean(means > np.mean(means))
    return share, epsilon * (best - np.mean(means))


# %% exercise-2 | right | from the policy
def ceiling(means, epsilon):
    best = [mean == max(means) for mean in means]
    policy = [epsilon / len(means) + (1 - epsilon) * is_best / sum(best) for is_best in best]
    share = sum(p for p, is_best in zip(policy, best) if is_best)
    return [share, sum(p * (max(means) - mean) for p, mean in zip(policy, means))]


# %% exercise-2 | right | sorted, pull by pull
def ceiling(means, epsilon):
    ordered = sorted(means, reverse=True)
    chances = [epsilon / len(ordered)] * len(ordered)
    chances[0] += 1 - epsilon
    share = sum(chance for chance, mean in zip(chances, ordered) if mean == ordered[0])
    return np.array([share, ordered[0] - np.dot(chances, ordered)])


# %% exercise-3 | wrong | no weight of the start
def weights(alphas):
    w = np.array(alphas, dtype=float)
    for k in range(len(w)):
        w[:k] *= 1 - alphas[k]
    return w


# %% exercise-3 | wrong | in the reverse order
def weights(alphas):
    w = np.ones(1)
    for alpha in alphas:
        w = np.append(w * (1 - alpha), alpha)
    return np.append(w[0], w[:0:-1])


# %% exercise-3 | wrong | discounts by the step sizes before
def weights(alphas):
    alphas = np.asarray(alphas)
    return np.append(np.prod(1 - alphas), alphas * np.cumprod(np.append(1.0, 1 - alphas[:-1])))


# %% exercise-3 | wrong | takes the step size for constant
def weights(alphas):
    n = len(alphas)
    alpha = alphas[0] if n else 0.0
    return np.array([(1 - alpha) ** n] + [alpha * (1 - alpha) ** (n - k) for k in range(1, n + 1)])


# %% exercise-3 | wrong | a reward is discounted by its own step size too
def weights(alphas):
    alphas = np.asarray(alphas)
    later = np.cumprod((1 - alphas)[::-1])[::-1]
    return np.append(np.prod(1 - alphas), alphas * later)


# %% exercise-3 | wrong | equal weights
def weights(alphas):
    return np.ones(len(alphas) + 1) / (len(alphas) + 1)


# %% exercise-3 | wrong | spoils the step sizes
def weights(alphas):
    w = np.ones(len(alphas) + 1)
    for k in range(len(alphas)):
        w[: k + 1] *= 1 - alphas[k]
        w[k + 1] = alphas[k]
        alphas[k] = 0
    return w


# %% exercise-3 | wrong | forgets to return
def weights(alphas):
    w = np.ones(1)
    for alpha in alphas:
        w = np.append(w * (1 - alpha), alpha)


# %% exercise-3 | wrong | the start loses its weight at once
def weights(alphas):
    w = np.zeros(len(alphas) + 1)
    w[0] = 0.0
    for k, alpha in enumerate(alphas, start=1):
        w *= 1 - alpha
        w[k] = alpha
    return w


# %% exercise-3 | wrong | takes alpha for 1 - alpha
def weights(alphas):
    w = np.zeros(len(alphas) + 1)
    w[0] = 1.0
    for k, alpha in enumerate(alphas, start=1):
        w *= alpha
        w[k] = alpha
    return w


# %% exercise-3 | right | all at once
def weights(alphas):
    kept = np.cumprod(np.append(1.0, 1 - alphas[::-1]))[::-1]
    return kept * np.append(1.0, alphas)


# %% exercise-3 | right | by products, as a list
def weights(alphas):
    alphas = [1.0, *alphas]
    return [alpha * float(np.prod([1 - later for later in alphas[k + 1 :]])) for k, alpha in enumerate(alphas)]


# %% exercise-4 | wrong | no bonus
def ucb_choice(q, counts, t, c, rng):
    return int(rng.choice(np.flatnonzero(q == q.max())))


# %% exercise-4 | wrong | forgets the root
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q + c * np.log(t) / counts
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | the logarithm to base 10
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q + c * np.sqrt(np.log10(t) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | c under the root
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q + np.sqrt(c * np.log(t) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | takes the bonus off
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q - c * np.sqrt(np.log(t) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | first of equals
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q + c * np.sqrt(np.log(t) / counts)
    return int(upper.argmax())


# %% exercise-4 | wrong | untried arms in their order
def ucb_choice(q, counts, t, c, rng):
    if counts.min() == 0:
        return int(np.argmin(counts))
    upper = q + c * np.sqrt(np.log(t) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | counts begin at one
def ucb_choice(q, counts, t, c, rng):
    upper = q + c * np.sqrt(np.log(t) / (counts + 1))
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | a small number in the denominator
def ucb_choice(q, counts, t, c, rng):
    upper = q + c * np.sqrt(np.log(t) / (counts + 1e-8))
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | divides by zero and hopes
def ucb_choice(q, counts, t, c, rng):
    with np.errstate(all="ignore"):
        upper = q + c * np.sqrt(np.log(t) / counts)
    return int(np.argmax(upper))


# %% exercise-4 | wrong | writes into the counts
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried):
        a = int(rng.choice(untried))
    else:
        upper = q + c * np.sqrt(np.log(t) / counts)
        a = int(rng.choice(np.flatnonzero(upper == upper.max())))
    counts[a] += 1
    return a


# %% exercise-4 | wrong | the bound instead of the arm
def ucb_choice(q, counts, t, c, rng):
    return (q + c * np.sqrt(np.log(t) / np.maximum(counts, 1e-9))).max()


# %% exercise-4 | wrong | another source of randomness (in both draws)
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(np.random.choice(untried))
    upper = q + c * np.sqrt(np.log(t) / counts)
    return int(np.random.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | the step before
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q + c * np.sqrt(np.log(t - 1) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | a generator of its own for the untried
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(np.random.default_rng().choice(untried))
    upper = q + c * np.sqrt(np.log(t) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | the total of the counts for t
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(rng.choice(untried))
    upper = q + c * np.sqrt(np.log(counts.sum() + 1e-9) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | wrong | the best of the untried
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return int(untried[q[untried].argmax()])
    upper = q + c * np.sqrt(np.log(t) / counts)
    return int(rng.choice(np.flatnonzero(upper == upper.max())))


# %% exercise-4 | right | infinite bounds and a shuffled order
def ucb_choice(q, counts, t, c, rng):
    bounds = [np.inf if n == 0 else mean + c * np.sqrt(np.log(t) / n) for mean, n in zip(q, counts)]
    order = rng.permutation(len(q))
    return max(order, key=lambda a: bounds[a])


# %% exercise-4 | right | a loop, and one draw at the end
def ucb_choice(q, counts, t, c, rng):
    best, ties = -np.inf, []
    for a in range(len(q)):
        bound = np.inf if counts[a] == 0 else q[a] + c * np.log(t) ** 0.5 * counts[a] ** -0.5
        if not ties or (bound > best and not np.isclose(bound, best)):
            best, ties = bound, [a]
        elif np.isclose(bound, best):
            ties.append(a)
    return ties[rng.integers(len(ties))]


# %% exercise-5 | wrong | the sluggish function itself
mended_bandit = sluggish_bandit


# %% exercise-5 | wrong | one too many
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / (counts[a] + 1)
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | divides before it counts (in the wrong order)
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        q[a] += np.float64(r - q[a]) / np.float64(counts[a])
        counts[a] += 1
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | a constant step
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += 0.1 * (r - q[a])
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | counts all the pulls by another name
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts.sum()
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: first of equals
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = q.argmax()
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: initial_q is lost
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.zeros(len(means))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: explores the other way round
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() > epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | returns only the estimates
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return q


# %% exercise-5 | wrong | mended, with a new bug: never pulls the last arm to explore
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means) - 1)
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: a generator of its own
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    rng = np.random.default_rng()
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: rewards without noise
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = means[a]
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: explores one time in ten
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < 0.1:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: never explores
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if False:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: whole numbers stay whole
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), initial_q)
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | wrong | mended, with a new bug: the sums for the averages
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += r
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-5 | right | keeps the sums
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    own = [[] for _ in means]
    actions, rewards = [], []
    for _ in range(steps):
        q = np.array([sum(paid) / len(paid) if paid else initial_q for paid in own])
        a = rng.integers(len(means)) if rng.random() < epsilon else rng.choice(np.flatnonzero(q == q.max()))
        own[a].append(means[a] + rng.normal())
        actions.append(a)
        rewards.append(own[a][-1])
    q = np.array([sum(paid) / len(paid) if paid else initial_q for paid in own])
    return np.array(actions), np.array(rewards), q


# %% exercise-5 | right | weighs the old average by its pulls
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    q, pulls = [float(initial_q)] * len(means), [0] * len(means)
    actions, rewards = [], []
    while len(rewards) < steps:
        explore = rng.random() < epsilon
        a = rng.integers(len(means)) if explore else rng.choice([b for b in range(len(q)) if q[b] == max(q)])
        r = rng.normal(means[a], 1.0)
        q[a] = (pulls[a] * q[a] + r) / (pulls[a] + 1)
        pulls[a] += 1
        actions.append(a)
        rewards.append(r)
    return actions, rewards, q


# %% exercise-6 | wrong | replies are not weighed
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | only the shown reply moves
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * np.eye(len(pi))[a] * (1 - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | the sign
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (pi - np.eye(len(pi))[a])
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | forgets the case without a thumb
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | the baseline in place of the mean
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return alpha * pi * (means - baseline)


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | forgets alpha
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | one random move
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    a = np.random.default_rng(0).choice(len(pi), p=pi)
    return alpha * (means[a] - baseline) * (np.eye(len(pi))[a] - pi)


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | forgets to return
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    print(move)


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | spoils the preferences
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    theta -= theta.max()
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | the mean reward as the baseline
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | the plain mean as the baseline
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = np.ones(len(pi))
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | weighed by the squared lengths alone
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | weighed by the lengths, not squared
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * np.sqrt(((np.eye(len(pi)) - pi) ** 2).sum(axis=1))
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | weighed by pi (1 - pi)
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * (1 - pi)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | weighed by the own preference's move alone
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * (1 - pi) ** 2
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | weights that do not sum to one
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means


# %% exercise-6 | wrong | a baseline of each reply's own
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies * means / weights_of_replies.sum()


# %% exercise-6 | wrong | equal probabilities
def expected_move(theta, means, alpha, baseline):
    pi = np.ones(len(theta)) / len(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | wrong | preferences for probabilities
def expected_move(theta, means, alpha, baseline):
    pi = np.exp(theta)
    move = np.zeros(len(pi))
    for a in range(len(pi)):
        for r, probability in [(1, means[a]), (0, 1 - means[a])]:
            move += pi[a] * probability * alpha * (r - baseline) * (np.eye(len(pi))[a] - pi)
    return move


def quietest_baseline(theta, means):
    pi = softmax(theta)
    weights_of_replies = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights_of_replies @ means / weights_of_replies.sum()


# %% exercise-6 | right | in closed form, and by two loops
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    return [alpha * p * (mean - float(pi @ means)) for p, mean in zip(pi, means)]


def quietest_baseline(theta, means):
    pi = softmax(theta)
    total = weight = 0.0
    for a in range(len(pi)):
        for r, chance in [(1, pi[a] * means[a]), (0, pi[a] * (1 - means[a]))]:
            square = np.linalg.norm(np.eye(len(pi))[a] - pi) ** 2
            total, weight = total + chance * square * r, weight + chance * square
    return total / weight


# %% exercise-6 | right | all at once, with arrays
def expected_move(theta, means, alpha, baseline):
    pi = softmax(theta)
    moves = np.eye(len(pi)) - pi  # a row for each reply
    return alpha * (pi * (np.asarray(means) - baseline)) @ moves


def quietest_baseline(theta, means):
    pi = softmax(theta)
    return np.average(means, weights=pi * (1 - 2 * pi + pi @ pi))


# %% exercise-7 | wrong | the players exchanged
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return average, constant


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | two testbeds
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(testbed(rng, runs=runs, drift=drift), steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | the drift is not passed on
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | more exploration
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.2, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | no exploration
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.0, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | the same player twice
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | rewards only
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant.rewards, average.rewards


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | ignores runs and steps
def play_both(drift, rng, runs=500, steps=3000):
    runs, steps = 50, 500
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | all the steps
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average).mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | the first steps
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, :last].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | every step counts as independent
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    gains = (constant - average)[:, -last:].ravel()
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | two errors added
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    parts = [rewards[:, -last:].mean(axis=1) for rewards in (constant, average)]
    return gains.mean(), np.sqrt((parts[0].var(ddof=1) + parts[1].var(ddof=1)) / len(gains))


# %% exercise-7 | wrong | the spread of single runs
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1)


# %% exercise-7 | wrong | the wrong sign
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (average - constant)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | a drift of its own
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=0.01)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | a seed of its own
def play_both(drift, rng, runs=500, steps=3000):
    rng = np.random.default_rng(0)
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | always the last thousand
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -1000:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | a step size of its own
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.2, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | averages over the runs first
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=0)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


# %% exercise-7 | wrong | the spread over all runs, divided by n
def play_both(drift, rng, runs=500, steps=3000):
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std() / np.sqrt(len(gains))


# %% exercise-7 | right | run by run, with step sizes spelled out
def play_both(drift, rng, runs=500, steps=3000):
    bandits = Bandits(rng.normal(size=(runs, 10)), drift=drift)
    sizes = [np.full(steps, 0.1), 1 / np.arange(1, steps + 1)]
    return [epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=alpha, rng=rng) for alpha in sizes]


def late_gain(constant, average, last=1000):
    gains = [np.mean(one[-last:]) - np.mean(other[-last:]) for one, other in zip(constant, average)]
    return float(np.mean(gains)), float(np.std(gains) / np.sqrt(len(gains) - 1))


# %% exercise-7 | right | cut first, and the error by hand
def play_both(drift, rng, runs=500, steps=3000):
    arguments = dict(steps=steps, epsilon=0.1, rng=rng)
    bandits = testbed(rng, runs=runs, arms=10, drift=drift)
    constant = epsilon_greedy(bandits, alpha=np.full(steps, 0.1), **arguments)
    return [constant, epsilon_greedy(bandits, alpha=None, **arguments)]


def late_gain(constant, average, last=1000):
    runs, steps = np.shape(constant)
    gains = (constant[:, steps - last :].sum(axis=1) - average[:, steps - last :].sum(axis=1)) / last
    gain = gains.sum() / runs
    return [gain, np.sqrt(((gains - gain) ** 2).sum() / (runs - 1) / runs)]


# %% exercise-4 | wrong | bounds rounded before they are compared
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return rng.choice(untried)
    bound = q + c * np.sqrt(np.log(t) / counts)
    return rng.choice(np.flatnonzero(bound.round(2) == bound.round(2).max()))


# %% exercise-4 | wrong | only two of three equal arms
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return rng.choice(untried)
    bound = q + c * np.sqrt(np.log(t) / counts)
    return rng.choice(np.flatnonzero(bound == bound.max())[:2])


# %% exercise-4 | wrong | ties broken by noise
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return rng.choice(untried)
    bound = q + c * np.sqrt(np.log(t) / counts)
    return np.argmax(bound + rng.normal(size=len(q)) * 0.01)


# %% exercise-4 | wrong | a bonus at c = 0
def ucb_choice(q, counts, t, c, rng):
    untried = np.flatnonzero(counts == 0)
    if len(untried) > 0:
        return rng.choice(untried)
    bound = q + max(c, 0.1) * np.sqrt(np.log(t) / counts)
    return rng.choice(np.flatnonzero(bound == bound.max()))


# %% exercise-5 | wrong | mended only at the end (in what is returned, not in the choices)
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    """Epsilon-greedy with sample averages: actions (steps,), rewards (steps,), estimates (A,)."""
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)  # each arm has a count of its own: t + 1 counts the pulls of all arms
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / (t + 1)
        actions[t], rewards[t] = a, r
    for a in np.unique(actions):
        q[a] = rewards[actions == a].mean()
    return actions, rewards, q


# %% exercise-5 | wrong | greedy by rounded estimates
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    """Epsilon-greedy with sample averages: actions (steps,), rewards (steps,), estimates (A,)."""
    q = np.full(len(means), float(initial_q))
    counts = np.zeros(len(means), dtype=int)  # each arm has a count of its own: t + 1 counts the pulls of all arms
    actions, rewards = np.zeros(steps, dtype=int), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(len(means))
        else:
            a = rng.choice(np.flatnonzero(q.round() == q.round().max()))
        r = rng.normal(means[a])
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-7 | wrong | sizes of the gains
def play_both(drift, rng, runs=500, steps=3000):
    """The records of a constant step size and of the sample average on the same bandits."""
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    """How much more per step the first earns in the last steps, and the standard error over runs."""
    gains = np.abs(constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))
    # With 3,000 runs: at drift 0 the constant step loses 0.014 a step, since it goes on following the noise of the last
    # ten rewards or so; at 0.01 it gains 0.05, at 0.03 0.31, at 0.1 1.15: old rewards tell of arms of long ago.


# %% exercise-7 | wrong | the median of the runs
def play_both(drift, rng, runs=500, steps=3000):
    """The records of a constant step size and of the sample average on the same bandits."""
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=1000):
    """How much more per step the first earns in the last steps, and the standard error over runs."""
    gains = (constant - average)[:, -last:].mean(axis=1)
    return np.median(gains), gains.std(ddof=1) / np.sqrt(len(gains))
    # With 3,000 runs: at drift 0 the constant step loses 0.014 a step, since it goes on following the noise of the last
    # ten rewards or so; at 0.01 it gains 0.05, at 0.03 0.31, at 0.1 1.15: old rewards tell of arms of long ago.


# %% exercise-7 | wrong | another default of last
def play_both(drift, rng, runs=500, steps=3000):
    """The records of a constant step size and of the sample average on the same bandits."""
    bandits = testbed(rng, runs=runs, drift=drift)
    constant = epsilon_greedy(bandits, steps=steps, epsilon=0.1, alpha=0.1, rng=rng)
    average = epsilon_greedy(bandits, steps=steps, epsilon=0.1, rng=rng)
    return constant, average


def late_gain(constant, average, last=100):
    """How much more per step the first earns in the last steps, and the standard error over runs."""
    gains = (constant - average)[:, -last:].mean(axis=1)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))
    # With 3,000 runs: at drift 0 the constant step loses 0.014 a step, since it goes on following the noise of the last
    # ten rewards or so; at 0.01 it gains 0.05, at 0.03 0.31, at 0.1 1.15: old rewards tell of arms of long ago.


# %% exercise-5 | right | actions as floats
def mended_bandit(means, steps, epsilon, rng, initial_q=0.0):
    A = len(means)
    q, n = np.full(A, float(initial_q)), np.zeros(A)
    actions, rewards = np.zeros(steps, dtype=float), np.zeros(steps)
    for t in range(steps):
        if rng.random() < epsilon:
            a = rng.integers(A)
        else:
            a = rng.choice(np.flatnonzero(q == q.max()))
        r = rng.normal(means[a])
        n[a] += 1
        q[a] += (r - q[a]) / n[a]
        actions[t], rewards[t] = a, r
    return actions, rewards, q


# %% exercise-3 | right | by recursion, a list
def weights(alphas):
    if len(alphas) == 0:
        return [1]
    *head, last = list(alphas)
    return [w * (1 - last) for w in weights(head)] + [last]


# %% exercise-4 | right | the first of a shuffled order
def ucb_choice(q, counts, t, c, rng):
    order = rng.permutation(len(q))

    def key(a):
        if counts[a] == 0:
            return float("inf")
        return float(q[a]) + c * (np.log(t) / int(counts[a])) ** 0.5

    return int(max(order, key=key))
