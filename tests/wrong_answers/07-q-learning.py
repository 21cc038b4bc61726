# %% exercise-1 | wrong | the targets, not the new values
new_values = [3.0, 0.25, 2.0]

# %% exercise-1 | wrong | the second step uses the old table
new_values = [2.5, 2.0, 1.0]

# %% exercise-1 | wrong | bootstraps through the end
new_values = [2.5, 2.125, 2.5]

# %% exercise-1 | wrong | forgets gamma
new_values = [3.5, 2.75, 1.0]

# %% exercise-1 | wrong | the last step bootstraps from the row of B
new_values = [2.5, 2.125, 1.53]

# %% exercise-1 | wrong | the last target, not the new value
new_values = [2.5, 2.125, 2.0]

# %% exercise-1 | right | as an array of fractions
new_values = np.array([5 / 2, 17 / 8, 1])


# %% exercise-2 | wrong | forgets that the episode may be over
def q_learning_target(r, q_next, gamma, terminated):
    return r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    return r + gamma * (epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next))


# %% exercise-2 | wrong | an ended step is worth nothing at all
def q_learning_target(r, q_next, gamma, terminated):
    return (1 - terminated) * (r + gamma * np.max(q_next))


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return (1 - terminated) * (r + gamma * q_next[a_next])


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    return (1 - terminated) * (r + gamma * (epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)))


# %% exercise-2 | wrong | exploring never takes the best action
def q_learning_target(r, q_next, gamma, terminated):
    return r + gamma * np.max(q_next) * (1 - terminated)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r + gamma * q_next[a_next] * (1 - terminated)


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    best = np.argmax(q_next)
    others = np.delete(q_next, best)
    return r + gamma * ((1 - epsilon) * q_next[best] + epsilon * others.mean()) * (1 - terminated)


# %% exercise-2 | wrong | forgets gamma
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    return r if terminated else r + epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)


# %% exercise-2 | wrong | every action that is best gets the whole of 1 - epsilon
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    pi = np.full(len(q_next), epsilon / len(q_next)) + (1 - epsilon) * (q_next == np.max(q_next))
    return r if terminated else r + gamma * pi @ q_next


# %% exercise-2 | wrong | the action instead of its value
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.argmax(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * a_next


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    return r if terminated else r + gamma * np.argmax(q_next)


# %% exercise-2 | wrong | only Q-learning discounts
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    return r if terminated else r + epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)


# %% exercise-2 | right | a sum over the policy
def q_learning_target(r, q_next, gamma, terminated):
    return r + (0 if terminated else gamma * max(q_next))


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r + gamma * (1 - terminated) * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    pi = np.full(len(q_next), epsilon / len(q_next))
    pi[np.argmax(q_next)] += 1 - epsilon
    return r + gamma * (1 - terminated) * float(pi @ q_next)


# %% exercise-3 | wrong | the first of equals
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(np.argmax(q))


# %% exercise-3 | wrong | explores among the other actions only
def choose(q, epsilon, rng):
    best = int(rng.choice(np.flatnonzero(q == q.max())))
    if rng.random() < epsilon:
        return int(rng.choice([a for a in range(len(q)) if a != best]))
    return best


# %% exercise-3 | wrong | epsilon the wrong way round
def choose(q, epsilon, rng):
    if rng.random() > epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == q.max())))


# %% exercise-3 | wrong | its own seed
def choose(q, epsilon, rng):
    rng = np.random.default_rng(0)
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == q.max())))


# %% exercise-3 | wrong | never the last action
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q) - 1))
    return int(rng.choice(np.flatnonzero(q == q.max())))


# %% exercise-3 | wrong | draws in proportion to the values
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(len(q), p=q / q.sum()))


# %% exercise-3 | wrong | another generator than the one given
def choose(q, epsilon, rng):
    if np.random.random() < epsilon:
        return int(np.random.randint(len(q)))
    return int(np.random.choice(np.flatnonzero(q == q.max())))


# %% exercise-3 | right | draws from the probabilities
def choose(q, epsilon, rng):
    best = q == q.max()
    pi = epsilon / len(q) + (1 - epsilon) * best / best.sum()
    return rng.choice(len(q), p=pi / pi.sum())


# %% exercise-3 | right | greedy after a shuffle
def choose(q, epsilon, rng):
    order = rng.permutation(len(q))
    return order[0] if rng.random() < epsilon else order[np.argmax(q[order])]


# %% exercise-4 | wrong | bootstraps through the end
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), initial_q)
    for _ in range(episodes):
        s, terminated, steps = mdp.reset(rng), False, 0
        while not terminated and steps < max_steps:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            q[s, a] += alpha * (r + mdp.gamma * q[s_next].max() - q[s, a])
            s, steps = s_next, steps + 1
    return q


# %% exercise-4 | wrong | takes a cut for an end
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), initial_q)
    for _ in range(episodes):
        s, done, steps = mdp.reset(rng), False, 0
        while not done:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            steps += 1
            done = terminated or steps == max_steps
            target = r if done else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            s = s_next
    return q


# %% exercise-4 | wrong | forgets gamma
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), initial_q)
    for _ in range(episodes):
        s, terminated, steps = mdp.reset(rng), False, 0
        while not terminated and steps < max_steps:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            s, steps = s_next, steps + 1
    return q


# %% exercise-4 | wrong | never goes on to the next state
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), initial_q)
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
    return q


# %% exercise-4 | wrong | SARSA
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    return sarsa(
        mdp, episodes=episodes, alpha=alpha, epsilon=epsilon, rng=rng, initial_q=initial_q, max_steps=max_steps
    ).q


# %% exercise-4 | wrong | a step of the wrong sign
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=20):
    q = np.full((mdp.num_states, mdp.num_actions), initial_q)
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(min(max_steps, 20)):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (q[s, a] - target)
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | the terminal row is set to the first values only after each episode
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.zeros((mdp.num_states, mdp.num_actions))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            q[s, a] += alpha * (r + mdp.gamma * q[s_next].max() - q[s, a])
            s = s_next
            if terminated:
                q[s] = initial_q
                break
    return q


# %% exercise-4 | wrong | walks on from the terminal state
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            s = s_next
    return q


# %% exercise-4 | wrong | ignores initial_q
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.zeros((mdp.num_states, mdp.num_actions))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | ignores max_steps
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        while True:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | right | a while loop and a weighted mean
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.ones((mdp.num_states, mdp.num_actions)) * initial_q
    for _ in range(episodes):
        s, terminated, steps = mdp.reset(rng), False, 0
        while not terminated and steps < max_steps:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            best = (1 - terminated) * max(q[s_next])
            q[s, a] = (1 - alpha) * q[s, a] + alpha * (r + mdp.gamma * best)
            s, steps = s_next, steps + 1
    return q


# %% exercise-5 | wrong | the leaky function itself
mended_q_learning = leaky_q_learning


# %% exercise-5 | wrong | never leaves out the bootstrap
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        done = False
        while not done:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            done = terminated or truncated
            q[s, a] += alpha * (r + gamma * q[s_next].max() - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | the other flag
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        done = False
        while not done:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            done = terminated or truncated
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - truncated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | skips the update of a cut step and of an ended one
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        while True:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            if terminated or truncated:
                break
            q[s, a] += alpha * (r + gamma * q[s_next].max() - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | goes on after the time limit
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        done = False
        while not done:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            done = terminated
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - done) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | right | a target apart
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = initial_q + np.zeros((env.observation_space.n, env.action_space.n))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        while True:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            target = r if terminated else r + gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated or truncated:
                break
            s = s_next
    return q


# %% exercise-6 | wrong | the spread of single runs
def online_return(method, alpha, rng):
    levels = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns
    levels = levels[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1)


# %% exercise-6 | wrong | all the episodes
def online_return(method, alpha, rng):
    levels = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns.mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / 10


# %% exercise-6 | wrong | the first hundred episodes
def online_return(method, alpha, rng):
    levels = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns
    levels = levels[:, :100].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / 10


# %% exercise-6 | wrong | the last hundred runs
def online_return(method, alpha, rng):
    returns = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns
    levels = returns[-100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | alpha is not passed on
def online_return(method, alpha, rng):
    levels = method(cliff_walking(), episodes=500, alpha=0.5, epsilon=0.1, rng=rng, runs=100).returns
    levels = levels[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / 10


# %% exercise-6 | wrong | no exploration
def online_return(method, alpha, rng):
    levels = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.0, rng=rng, runs=100).returns
    levels = levels[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / 10


# %% exercise-6 | wrong | divides by the number of runs, not by its root
def online_return(method, alpha, rng):
    levels = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns
    levels = levels[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / 100


# %% exercise-6 | wrong | all episodes as if independent
def online_return(method, alpha, rng):
    returns = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns[:, -100:]
    return returns.mean(), returns.std(ddof=1) / np.sqrt(returns.size)


# %% exercise-6 | wrong | the deviation of the episodes' means
def online_return(method, alpha, rng):
    returns = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100).returns[:, -100:]
    levels = returns.mean(axis=0)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | right | run by run
def online_return(method, alpha, rng):
    cliff = cliff_walking()
    levels = [np.mean(method(cliff, episodes=500, alpha=alpha, epsilon=0.1, rng=rng).returns[400:]) for _ in range(100)]
    return np.mean(levels), np.std(levels) / np.sqrt(99)


# %% exercise-7 | wrong | one table names and judges
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning = q1 if heads else q2
    target = r if terminated else r + gamma * learning[s_next].max()
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | the other table names and judges
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next].max()
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | updates both tables
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    for learning, judging in [(q1, q2), (q2, q1)]:
        target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
        learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | works on copies
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1.copy(), q2) if heads else (q2.copy(), q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])
    return learning


# %% exercise-7 | wrong | ignores the coin
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = q1, q2
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | bootstraps through the end
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | heads and tails exchanged
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q2, q1) if heads else (q1, q2)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | the other table names, the learning one judges
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * learning[s_next, judging[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | adds alpha times the target
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * target


# %% exercise-7 | right | two branches
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    if heads:
        after = 0 if terminated else q2[s_next, np.argmax(q1[s_next])]
        q1[s, a] = (1 - alpha) * q1[s, a] + alpha * (r + gamma * after)
    else:
        after = 0 if terminated else q1[s_next, np.argmax(q2[s_next])]
        q2[s, a] = (1 - alpha) * q2[s, a] + alpha * (r + gamma * after)
