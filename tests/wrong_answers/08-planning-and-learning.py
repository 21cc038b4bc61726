# %% exercise-1 | wrong | believes the whole of each target
values = [2.0, 4.0, 8.0]

# %% exercise-1 | wrong | forgets gamma
values = [1.75, 3.5, 6.0]

# %% exercise-1 | wrong | B does not see that C has grown
values = [0.375, 1.5, 6.0]

# %% exercise-1 | wrong | only the steps of the world
values = [0.0, 0.0, 4.0]

# %% exercise-1 | wrong | B is drawn only once
values = [0.25, 1.0, 6.0]

# %% exercise-1 | right | as fractions in an array
values = np.array([1 / 2, 4 / 2, 12 / 2])

# %% exercise-2 | wrong | readings in place of backups
forwards, backwards, swept = 10, 1, 1

# %% exercise-2 | wrong | the last reading changes nothing
forwards, backwards, swept = 110, 20, 10

# %% exercise-2 | wrong | only backups that change something
forwards, backwards, swept = 10, 10, 10

# %% exercise-2 | wrong | sweeping tries all notes each time
forwards, backwards, swept = 100, 10, 100

# %% exercise-2 | wrong | sweeping needs no backup of the last step
forwards, backwards, swept = 100, 10, 9

# %% exercise-2 | right | computed
forwards, backwards, swept = 10 * 10, 1 * 10, sum(1 for note in range(10))


# %% exercise-3 | wrong | changes the table that was passed in
def plan(q, model, planning_steps, alpha, gamma, rng):
    pairs = list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
    return q


# %% exercise-3 | wrong | bootstraps through the end
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = q.copy(), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        q[s, a] += alpha * (r + gamma * q[s_next].max() - q[s, a])
    return q


# %% exercise-3 | wrong | each pair once in every planning step
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = q.copy()
    for _ in range(planning_steps):
        for (s, a), (r, s_next, over) in model.items():
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
    return q


# %% exercise-3 | wrong | always the latest pair
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = q.copy()
    (s, a), (r, s_next, over) = list(model.items())[-1]
    for _ in range(planning_steps):
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
    return q


# %% exercise-3 | wrong | follows the same action in the next state
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = q.copy(), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        q[s, a] += alpha * (r + gamma * q[s_next, a] * (not over) - q[s, a])
    return q


# %% exercise-3 | wrong | draws a state and then any action
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = q.copy()
    states = [s for s, a in model]
    for _ in range(planning_steps):
        s, a = states[rng.integers(len(states))], rng.integers(q.shape[1])
        r, s_next, over = model.get((s, a), (0.0, s, False))
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
    return q


# %% exercise-3 | right | draws all at once
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = np.array(q)
    for i in rng.choice(len(model), size=planning_steps):
        (s, a), (r, s_next, over) = list(model.items())[i]
        q[s, a] = (1 - alpha) * q[s, a] + alpha * (r + (0 if over else gamma * max(q[s_next])))
    return q


# %% exercise-4 | wrong | as given
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    return jumping_episode(step, start, q, model, planning_steps, rng, alpha, gamma, epsilon)


# %% exercise-4 | wrong | keeps s but not the next state
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        a = rng.integers(q.shape[1]) if rng.random() < epsilon else rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r, s_next, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r + gamma * q[s_next].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | never plans
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        a = rng.integers(q.shape[1])
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | counts from one
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 1
    while not over:
        a = rng.integers(q.shape[1]) if rng.random() < epsilon else rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            x, y = list(model)[rng.integers(len(model))]
            r, z, ended = model[x, y]
            q[x, y] += alpha * (r + gamma * q[z].max() * (not ended) - q[x, y])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | the model holds the walker's next state for the planned pair
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        a = rng.integers(q.shape[1]) if rng.random() < epsilon else rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            x, y = list(model)[rng.integers(len(model))]
            q[x, y] += alpha * (r + gamma * q[s_next].max() * (not over) - q[x, y])
            model[x, y] = r, s_next, over
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | right | the planning in a function of its own
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    def learn_from(s, a, r, s_next, over):
        q[s, a] += alpha * (r + (0.0 if over else gamma * max(q[s_next])) - q[s, a])

    s, steps = start, 0
    while True:
        best = np.flatnonzero(q[s] == q[s].max())
        a = rng.choice(best) if rng.random() > epsilon else rng.integers(q.shape[1])
        r, s_next, over = step(s, a)
        learn_from(s, a, r, s_next, over)
        model[s, a] = (r, s_next, over)
        pairs = list(model.items())
        for i in rng.integers(len(pairs), size=planning_steps):
            learn_from(*pairs[i][0], *pairs[i][1])
        steps += 1
        if over:
            return steps
        s = s_next


# %% exercise-5 | wrong | divides by all steps from the state
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=(1, 2)), 1)[:, None]
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | sums of rewards in place of means
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | the most frequent outcome only
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = (sums / tried + gamma * q.max(axis=1)[counts.argmax(axis=2)]) * (counts.sum(axis=2) > 0)
    return q


# %% exercise-5 | wrong | the mean of the next values, not the best
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.mean(axis=1)
    return q


# %% exercise-5 | wrong | divides by zero
def expected_backups(counts, sums, gamma, sweeps):
    with np.errstate(all="ignore"):
        tried = counts.sum(axis=2)
        q = np.zeros(np.shape(sums))
        for _ in range(sweeps):
            q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | one sweep too many
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps + 1):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | right | pair by pair
def expected_backups(counts, sums, gamma, sweeps):
    num_states, num_actions, _ = counts.shape
    q = np.zeros((num_states, num_actions))
    for _ in range(sweeps):
        v = q.max(axis=1)
        for s in range(num_states):
            for a in range(num_actions):
                n = counts[s, a].sum()
                if n > 0:
                    q[s, a] = sums[s, a] / n + gamma * sum(counts[s, a, t] / n * v[t] for t in range(num_states))
    return q


# %% exercise-6 | wrong | ignores the policy
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | the share that leave
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 1 for _ in range(200)])


# %% exercise-6 | wrong | a count in place of a share
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return sum(uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200))


# %% exercise-6 | wrong | the same search two hundred times
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=np.random.default_rng(0), **searches).action == 0 for _ in range(200)])


# %% exercise-6 | right | counts, then divides
def share_going_on(policy, rng):
    count = 0
    for _ in range(200):
        found = uct(temptation, 0, simulations=300, depth=30, c=0.3, policy=policy, rng=rng)
        count += found.visits[0] >= found.visits[1]
    return count / 200


# %% exercise-7 | wrong | discounts the first reward
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, mdp.gamma
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | one step too deep
def rollout_return(mdp, s, a, policy, depth, rng):
    s, g, terminated = mdp.step(s, a, rng)
    weight = mdp.gamma
    for _ in range(depth):
        if terminated:
            break
        s, r, terminated = mdp.step(s, policy[s], rng)
        g += weight * r
        weight *= mdp.gamma
    return g


# %% exercise-7 | wrong | follows the policy from the first step on
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, policy[s], rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
    return g


# %% exercise-7 | wrong | takes the same action throughout
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
    return g


# %% exercise-7 | wrong | no discount
def rollout_return(mdp, s, a, policy, depth, rng):
    g = 0.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += r
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | leaves out the last reward
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        if terminated:
            break
        g += weight * r
        weight *= mdp.gamma
        a = policy[s]
    return g


# %% exercise-7 | right | backwards from the list of rewards
def rollout_return(mdp, s, a, policy, depth, rng):
    rewards, terminated = [], False
    while len(rewards) < depth and not terminated:
        s, r, terminated = mdp.step(s, a if not rewards else policy[s], rng)
        rewards.append(r)
    g = 0.0
    for r in reversed(rewards):
        g = r + mdp.gamma * g
    return g
