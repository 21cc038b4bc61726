# %% exercise-1 | wrong | the first target, not the new value
new_values = [3.0, 2.125, 1.0]


# %% exercise-1 | wrong | forgets what follows the first step
new_values = [1.5, 2.125, 1.0]


# %% exercise-1 | wrong | forgets gamma in the first step
new_values = [3.5, 2.125, 1.0]


# %% exercise-1 | wrong | the second target, not the new value
new_values = [2.5, 0.25, 1.0]


# %% exercise-1 | wrong | the second step uses the old table
new_values = [2.5, 2.0, 1.0]


# %% exercise-1 | wrong | the second step bootstraps from the state it leaves
new_values = [2.5, 2.5, 1.0]


# %% exercise-1 | wrong | a loss taken for a gain
new_values = [2.5, 3.125, 1.0]


# %% exercise-1 | wrong | bootstraps through the end
new_values = [2.5, 2.125, 2.5]


# %% exercise-1 | wrong | the last step bootstraps from the row of B
new_values = [2.5, 2.125, 1.53125]


# %% exercise-1 | wrong | the last target, not the new value
new_values = [2.5, 2.125, 2.0]


# %% exercise-1 | wrong | a list of two
new_values = [2.5, 2.125]


# %% exercise-1 | right | as a tuple of NumPy's numbers
new_values = (np.float64(2.5), np.float32(2.125), np.int64(1))


# %% exercise-1 | right | as an array of fractions
new_values = np.array([5 / 2, 17 / 8, 1])


# %% exercise-2 | wrong | Q-learning forgets that the episode may be over
def q_learning_target(r, q_next, gamma, terminated):
    return r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | SARSA forgets that the episode may be over
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | Expected SARSA forgets that the episode may be over
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r + gamma * mean


# %% exercise-2 | wrong | Q-learning: an ended step is worth nothing at all
def q_learning_target(r, q_next, gamma, terminated):
    return 0 if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | SARSA: an ended step is worth nothing at all
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return (1 - terminated) * (r + gamma * q_next[a_next])


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | exploring never takes the best action
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(np.delete(q_next, np.argmax(q_next))) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | every action that is best gets the whole of 1 - epsilon
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = (epsilon / len(q_next) + (1 - epsilon) * (q_next == np.max(q_next))) @ q_next
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | Q-learning forgets gamma
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | SARSA forgets gamma
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | Expected SARSA forgets gamma
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + mean


# %% exercise-2 | wrong | the action instead of its value
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.argmax(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | the next action instead of its value
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * a_next


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | never below zero
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * max(0, np.max(q_next))


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | gamma fixed at the first example's
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + 1.0 * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | gamma fixed at a half
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + 0.5 * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | epsilon fixed at a tenth
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = 0.1 * np.mean(q_next) + 0.9 * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | epsilon the wrong way round
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = (1 - epsilon) * np.mean(q_next) + epsilon * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | SARSA takes the best action
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else r + gamma * np.max(q_next)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * max(q_next)


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | discounts the reward too
def q_learning_target(r, q_next, gamma, terminated):
    return r if terminated else gamma * (r + np.max(q_next))


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | wrong | sorts the values in place
def q_learning_target(r, q_next, gamma, terminated):
    q_next.sort()
    return r if terminated else r + gamma * q_next[-1]


def sarsa_target(r, q_next, a_next, gamma, terminated):
    return r if terminated else r + gamma * q_next[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    mean = epsilon * np.mean(q_next) + (1 - epsilon) * np.max(q_next)
    return r if terminated else r + gamma * mean


# %% exercise-2 | right | in two lines, by indices
def q_learning_target(r, q_next, gamma, terminated):
    best = sorted(q_next)[-1]
    return r + gamma * best * (not terminated)


def sarsa_target(r, q_next, a_next, gamma, terminated):
    if terminated:
        return r
    return r + gamma * list(q_next)[a_next]


def expected_sarsa_target(r, q_next, epsilon, gamma, terminated):
    greedy = (1 - epsilon) * q_next[np.argmax(q_next)]
    explored = sum(epsilon / len(q_next) * value for value in q_next)
    return np.array(r + (0 if terminated else gamma) * (greedy + explored))


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


# %% exercise-3 | wrong | the last of equals
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(np.flatnonzero(q == np.max(q))[-1])


# %% exercise-3 | wrong | explores among the other actions only
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.choice(np.flatnonzero(q < np.max(q)))) if np.ptp(q) else int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | epsilon the wrong way round
def choose(q, epsilon, rng):
    if rng.random() > epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | epsilon fixed at the example's
def choose(q, epsilon, rng):
    if rng.random() < 0.2:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | its own seed
def choose(q, epsilon, rng):
    rng = np.random.default_rng(0)
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | never the last action
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q) - 1) if len(q) > 1 else 0)
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | draws in proportion to the values
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(len(q), p=np.exp(q) / np.exp(q).sum()))


# %% exercise-3 | wrong | another generator than the one given
def choose(q, epsilon, rng):
    if np.random.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | ties broken by another generator
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(np.random.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | wrong | only positive values can be best
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == max(q.max(), 0))))


# %% exercise-3 | wrong | equal up to a tolerance
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(np.isclose(q, np.max(q), atol=1))))


# %% exercise-3 | wrong | changes q to break ties
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    q += 1e-6 * rng.random(len(q))
    return int(np.argmax(q))


# %% exercise-3 | wrong | a probability instead of an action
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return rng.random()
    return int(rng.choice(np.flatnonzero(q == np.max(q))))


# %% exercise-3 | right | Python's own lists
def choose(q, epsilon, rng):
    if rng.uniform() >= epsilon:
        candidates = [a for a, value in enumerate(q) if value == max(q)]
    else:
        candidates = list(range(len(q)))
    return candidates[int(rng.random() * len(candidates))]


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
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | takes a cut for an end (in the loop and in the step)
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for t in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            terminated = terminated or t == max_steps - 1
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | forgets gamma
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | gamma fixed at the chain's
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + 0.9 * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | alpha fixed at a half
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += 0.5 * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | ignores alpha
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] = target
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | epsilon fixed at a half
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], 0.5, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | always random
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], 1.0, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | its own generator
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    rng = np.random.default_rng(0)
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
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


# %% exercise-4 | wrong | the actions from another generator
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, np.random.default_rng())
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | never goes on to the next state
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
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
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next, epsilon_greedy(q[s_next], epsilon, rng)]
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | the mean of the next values
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].mean()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | the best of the whole table
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q.max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | the best of the state just left
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | never below zero
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * max(0, q[s_next].max())
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | a step of the wrong sign
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (q[s, a] - target)
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | updates the next state's value
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s_next, a] += alpha * (target - q[s_next, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | sets the terminal row to 0
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                q[s_next] = 0
                break
            s = s_next
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
    q = np.full((mdp.num_states, mdp.num_actions), 0.0)
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


# %% exercise-4 | wrong | a table of whole numbers
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), initial_q, dtype=int)
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
        for _ in range(200):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | one step too many
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps + 1):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | one episode too few
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes - 1):
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


# %% exercise-4 | wrong | every episode starts in state 0
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = 0
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | wrong | learns at the end of an episode only
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = np.full((mdp.num_states, mdp.num_actions), float(initial_q))
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * q[s_next].max()
            if terminated:
                q[s, a] += alpha * (target - q[s, a])
            if terminated:
                break
            s = s_next
    return q


# %% exercise-4 | right | the update from a function of its own
def q_learn(mdp, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=200):
    q = [[float(initial_q)] * mdp.num_actions for _ in range(mdp.num_states)]

    def learn(s, a, r, s_next, terminated):
        later = 0.0 if terminated else mdp.gamma * max(q[s_next])
        q[s][a] = q[s][a] - alpha * (q[s][a] - r - later)

    for _ in range(episodes):
        s, left, terminated = mdp.reset(rng), max_steps, False
        while left > 0 and not terminated:
            a = epsilon_greedy(np.array(q[s]), epsilon, rng)
            s_next, r, terminated = mdp.step(s, a, rng)
            learn(s, a, r, s_next, terminated)
            s, left = s_next, left - 1
    return np.array(q)


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


# %% exercise-5 | wrong | the leaky function itself (its fault is in two lines)
mended_q_learning = leaky_q_learning


# %% exercise-5 | wrong | never leaves out the bootstrap
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | the other flag
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - truncated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | both flags
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - (terminated or truncated)) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | skips the update of a step that ends or is cut
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            if not (terminated or truncated):
                q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | skips the update of a step that is cut
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            if not truncated:
                q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | goes on after the time limit
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not terminated:
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | alpha fixed at a half
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += 0.5 * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | gamma fixed at a half
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + 0.5 * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | always greedy
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], 0.0, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | its own generator
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    rng = np.random.default_rng(0)
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | the same chance in each episode
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=0)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | ignores initial_q
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), 0.0)
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | a table of whole numbers
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), int(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
            s = s_next
    return q


# %% exercise-5 | wrong | never goes on to the next state
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.full((env.observation_space.n, env.action_space.n), float(initial_q))
    for episode in range(episodes):
        s, _ = env.reset(seed=episode)
        terminated = truncated = False
        while not (terminated or truncated):
            a = epsilon_greedy(q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] += alpha * (r + gamma * q[s_next].max() * (1 - terminated) - q[s, a])
    return q


# %% exercise-5 | right | resets without seeds, and leaves in the middle
def mended_q_learning(env, gamma, episodes, alpha, epsilon, rng, initial_q=0.0):
    q = np.ones((int(env.observation_space.n), int(env.action_space.n))) * initial_q
    for _ in range(episodes):
        s = env.reset()[0]
        while True:
            a = int(epsilon_greedy(q[s], epsilon, rng))
            s_next, r, terminated, truncated, _ = env.step(a)
            q[s, a] = (1 - alpha) * q[s, a] + alpha * (r if terminated else r + gamma * np.max(q[s_next]))
            if truncated or terminated:
                break
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
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1)


# %% exercise-6 | wrong | all the episodes
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, :].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | the first hundred episodes
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, :100].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | the last hundred runs
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[-100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | the last ten episodes
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -10:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | alpha is not passed on
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=0.5, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | no exploration
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.0, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | more exploration
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.2, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | another world
def online_return(method, alpha, rng):
    learned = method(chain(5), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | always SARSA
def online_return(method, alpha, rng):
    learned = sarsa(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | fewer runs
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=50)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | fewer episodes
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=200, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | its own generator
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=np.random.default_rng(0), runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | divides by the number of runs, not by its root
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / len(levels)


# %% exercise-6 | wrong | divides by the root of all episodes
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(500)


# %% exercise-6 | wrong | all episodes as if independent
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].ravel()
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | the deviation of the episodes' means
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=0)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | the variance
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean(), levels.var(ddof=1) / np.sqrt(len(levels))


# %% exercise-6 | wrong | the error first
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.std(ddof=1) / np.sqrt(len(levels)), levels.mean()


# %% exercise-6 | wrong | the mean alone
def online_return(method, alpha, rng):
    learned = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100)
    levels = learned.returns[:, -100:].mean(axis=1)
    return levels.mean()


# %% exercise-6 | right | two batches of fifty runs, as a list
def online_return(method, alpha, rng):
    settings = dict(episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=50)
    batches = [method(cliff_walking(), **settings).returns for _ in range(2)]
    levels = np.concatenate(batches)[:, 400:].sum(axis=1) / 100
    return [float(np.mean(levels)), float(np.sqrt(np.var(levels, ddof=1) / 100))]


# %% exercise-6 | right | run by run
def online_return(method, alpha, rng):
    cliff = cliff_walking()
    levels = [np.mean(method(cliff, episodes=500, alpha=alpha, epsilon=0.1, rng=rng).returns[400:]) for _ in range(100)]
    return np.mean(levels), np.std(levels) / np.sqrt(99)


# %% exercise-7 | wrong | one table names and judges
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * learning[s_next].max()
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | the other table names and judges
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next].max()
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | the parts exchanged
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * learning[s_next, judging[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | updates both tables
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    for table in (q1, q2):
        table[s, a] += alpha * (target - table[s, a])


# %% exercise-7 | wrong | the coin the wrong way round
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q2, q1) if heads else (q1, q2)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | ignores the coin
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | forgets the end
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | forgets gamma
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | gamma fixed at 1
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + 1.0 * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | alpha fixed at a half
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += 0.5 * (target - learning[s, a])


# %% exercise-7 | wrong | works on copies
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1.copy(), q2.copy()) if heads else (q2.copy(), q1.copy())
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | the best action of the state just left
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s].argmax()]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | judges the action that was taken
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, a]
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | the last of equals
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = (
        r if terminated else r + gamma * judging[s_next, np.flatnonzero(learning[s_next] == learning[s_next].max())[-1]]
    )
    learning[s, a] += alpha * (target - learning[s, a])


# %% exercise-7 | wrong | adds a part of the target
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * target


# %% exercise-7 | wrong | compares with the judge's value
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    learning, judging = (q1, q2) if heads else (q2, q1)
    target = r if terminated else r + gamma * judging[s_next, learning[s_next].argmax()]
    learning[s, a] += alpha * (target - judging[s, a])


# %% exercise-7 | right | two branches and weighted means
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    if heads:
        later = 0 if terminated else q2[s_next][np.argmax(q1[s_next])]
        q1[s, a] = (1 - alpha) * q1[s, a] + alpha * (r + gamma * later)
    else:
        later = 0 if terminated else q1[s_next][np.argmax(q2[s_next])]
        q2[s, a] = (1 - alpha) * q2[s, a] + alpha * (r + gamma * later)


# %% exercise-7 | right | the first of equals by a list
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    tables = [q1, q2] if heads else [q2, q1]
    row = tables[0][s_next].tolist()
    error = r - tables[0][s, a]
    if not terminated:
        error += gamma * tables[1][s_next, row.index(max(row))]
    tables[0][s, a] += alpha * error


# %% exercise-7 | right | two branches
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    if heads:
        after = 0 if terminated else q2[s_next, np.argmax(q1[s_next])]
        q1[s, a] = (1 - alpha) * q1[s, a] + alpha * (r + gamma * after)
    else:
        after = 0 if terminated else q1[s_next, np.argmax(q2[s_next])]
        q2[s, a] = (1 - alpha) * q2[s, a] + alpha * (r + gamma * after)


# %% exercise-3 | wrong | ties among rounded values
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = [a for a in range(len(q)) if round(q[a]) == round(max(q))]
    return best[rng.integers(len(best))]


# %% exercise-3 | wrong | ties among values within 0.5
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = [a for a in range(len(q)) if q[a] > max(q) - 0.5]
    return best[rng.integers(len(best))]


# %% exercise-3 | wrong | ties broken by noise
def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = [a for a in range(len(q)) if q[a] == max(q)]
    return int(np.argmax(q + rng.normal(size=len(q)) * 0.1))


# %% exercise-6 | wrong | episodes of 50 steps
def online_return(method, alpha, rng):
    result = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100, max_steps=50)
    x = result.returns[:, -100:].mean(axis=1)
    return x.mean(), x.std() / 10


# %% exercise-6 | wrong | another initial_q
def online_return(method, alpha, rng):
    result = method(cliff_walking(), episodes=500, alpha=alpha, epsilon=0.1, rng=rng, runs=100, initial_q=1.0)
    x = result.returns[:, -100:].mean(axis=1)
    return x.mean(), x.std() / 10


# %% exercise-7 | wrong | the last of equals on tails
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    if heads:
        best = int(np.argmax(q1[s_next]))
        later = 0.0 if terminated else q2[s_next, best]
        q1[s, a] += alpha * (r + gamma * later - q1[s, a])
    else:
        best = len(q2[s_next]) - 1 - int(np.argmax(q2[s_next][::-1]))
        later = 0.0 if terminated else q1[s_next, best]
        q2[s, a] += alpha * (r + gamma * later - q2[s, a])


# %% exercise-7 | wrong | the smaller of both tables judges
def double_update(q1, q2, s, a, r, s_next, terminated, alpha, gamma, heads):
    if heads:
        best = int(np.argmax(q1[s_next]))
        later = 0.0 if terminated else min(q1[s_next, best], q2[s_next, best])
        q1[s, a] += alpha * (r + gamma * later - q1[s, a])
    else:
        best = int(np.argmax(q2[s_next]))
        later = 0.0 if terminated else q1[s_next, best]
        q2[s, a] += alpha * (r + gamma * later - q2[s, a])
