# %% exercise-1 | wrong | the table of the beginning throughout
deltas = [1.0, -4.0, 1.0]
v_a, v_b = 3.0, 2.0

# %% exercise-1 | wrong | bootstraps through the end
deltas = [1.0, -3.75, 3.5]
v_a, v_b = 4.25, 2.125

# %% exercise-1 | wrong | the targets, not the errors
deltas = [3.0, 0.25, 3.0]
v_a, v_b = 2.75, 2.125

# %% exercise-1 | wrong | forgets gamma
deltas = [3.0, -1.5, -0.5]
v_a, v_b = 3.25, 3.25

# %% exercise-1 | wrong | the value of A after its first update
deltas = [1.0, -3.75, 0.5]
v_a, v_b = 2.5, 2.125

# %% exercise-1 | right | as fractions
deltas = np.array([1, -15 / 4, 1 / 2])
v_a, v_b = 11 / 4, 17 / 8


# %% exercise-2 | wrong | the same for both methods
monte_carlo = [0.5, 2.0]
td = [0.5, 2.0]

# %% exercise-2 | wrong | A always leads to B
monte_carlo = [0.5, 2.0]
td = [3.0, 2.0]

# %% exercise-2 | wrong | forgets the reward on the way from A
monte_carlo = [0.5, 2.0]
td = [1.0, 2.0]

# %% exercise-2 | wrong | the two exchanged
monte_carlo = [1.5, 2.0]
td = [0.5, 2.0]

# %% exercise-2 | wrong | the episode from A does not count for B
monte_carlo = [0.5, 3.0]
td = [2.0, 3.0]

# %% exercise-2 | right | computed by the package
from rlbook.tabular.temporal_difference import Steps, batch_monte_carlo, batch_td

four = Steps([0, 1, 0, 1, 1], [1, 0, 0, 4, 2], [1, 2, 2, 2, 2], [False, True, True, True, True], [False] * 5)
monte_carlo = batch_monte_carlo(four, num_states=3)[-1, :2]
td = batch_td(four, num_states=3)[-1, :2]


# %% exercise-3 | wrong | bootstraps through the end
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v = np.array(v, dtype=float)
    for t in range(len(s)):
        v[s[t]] += alpha * (r[t] + gamma * v[s_next[t]] - v[s[t]])
    return v


# %% exercise-3 | wrong | a cut is taken for an end
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v = np.array(v, dtype=float)
    for t in range(len(s)):
        target = r[t] if t == len(s) - 1 else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | no step bootstraps in an episode that terminated
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v = np.array(v, dtype=float)
    for t in range(len(s)):
        target = r[t] if terminated else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | forgets gamma
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v = np.array(v, dtype=float)
    for t in range(len(s)):
        target = r[t] if terminated and t == len(s) - 1 else r[t] + v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | all targets with the old table
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    old, v = np.array(v, dtype=float), np.array(v, dtype=float)
    for t in range(len(s)):
        target = r[t] if terminated and t == len(s) - 1 else r[t] + gamma * old[s_next[t]]
        v[s[t]] += alpha * (target - old[s[t]])
    return v


# %% exercise-3 | wrong | changes the values that it was given
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    for t in range(len(s)):
        target = r[t] if terminated and t == len(s) - 1 else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | leaves out the last step
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v = np.array(v, dtype=float)
    for t in range(len(s) - 1):
        v[s[t]] += alpha * (r[t] + gamma * v[s_next[t]] - v[s[t]])
    return v


# %% exercise-3 | wrong | Monte Carlo instead of TD
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, g = np.array(v, dtype=float), 0.0
    for t in reversed(range(len(s))):
        g = r[t] + gamma * g
        v[s[t]] += alpha * (g - v[s[t]])
    return v


# %% exercise-3 | wrong | forgets to return
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v = np.array(v, dtype=float)
    for t in range(len(s)):
        target = r[t] if terminated and t == len(s) - 1 else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])


# %% exercise-3 | right | with a flag for each step
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    values = [float(value) for value in v]
    goes_on = [True] * (len(s) - 1) + [not terminated]
    for here, reward, there, more in zip(s, r, s_next, goes_on):
        values[here] = (1 - alpha) * values[here] + alpha * (reward + gamma * values[there] * more)
    return np.array(values)


# %% exercise-4 | wrong | bootstraps through the end
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    return sum(gamma ** (t - tau) * r[t] for t in range(tau, last)) + gamma ** (last - tau) * v[s[last]]


# %% exercise-4 | wrong | a cut is taken for an end
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    bootstrap = 0.0 if last == len(r) else gamma**n * v[s[last]]
    return sum(gamma ** (t - tau) * r[t] for t in range(tau, last)) + bootstrap


# %% exercise-4 | wrong | always discounts the bootstrap n times
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    bootstrap = 0.0 if terminated and last == len(r) else gamma**n * v[s[last]]
    return sum(gamma ** (t - tau) * r[t] for t in range(tau, last)) + bootstrap


# %% exercise-4 | wrong | does not discount the bootstrap
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    bootstrap = 0.0 if terminated and last == len(r) else v[s[last]]
    return sum(gamma ** (t - tau) * r[t] for t in range(tau, last)) + bootstrap


# %% exercise-4 | wrong | discounts from the beginning of the episode
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    bootstrap = 0.0 if terminated and last == len(r) else gamma**last * v[s[last]]
    return sum(gamma**t * r[t] for t in range(tau, last)) + bootstrap


# %% exercise-4 | wrong | one reward too many
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n + 1, len(r))
    bootstrap = 0.0 if terminated and last == len(r) else gamma ** (last - tau) * v[s[last]]
    return sum(gamma ** (t - tau) * r[t] for t in range(tau, last)) + bootstrap


# %% exercise-4 | wrong | never bootstraps
def n_step_target(v, s, r, terminated, tau, n, gamma):
    return sum(gamma ** (t - tau) * r[t] for t in range(tau, min(tau + n, len(r))))


# %% exercise-4 | right | by definition, with slices
def n_step_target(v, s, r, terminated, tau, n, gamma):
    rewards = np.asarray(r)[tau : tau + n]
    target = float(rewards @ gamma ** np.arange(len(rewards)))
    over = tau + n >= len(r)
    if over and terminated:
        return target
    return target + gamma ** len(rewards) * v[s[tau + len(rewards)]]


# %% exercise-5 | wrong | the full return gets no more than its share
def lambda_weights(lam, steps):
    return (1 - lam) * lam ** np.arange(steps, dtype=float)


# %% exercise-5 | wrong | forgets 1 - lambda
def lambda_weights(lam, steps):
    return lam ** np.arange(steps, dtype=float)


# %% exercise-5 | wrong | normalised by force
def lambda_weights(lam, steps):
    weights = lam ** np.arange(steps, dtype=float)
    return weights / weights.sum()


# %% exercise-5 | wrong | one power of lambda too many
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(1.0, steps + 1)
    weights[-1] = 1 - weights[:-1].sum()
    return weights


# %% exercise-5 | wrong | the long returns first
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps, dtype=float)
    weights[-1] = lam ** (steps - 1)
    return weights[::-1]


# %% exercise-5 | right | what is left goes to the full return
def lambda_weights(lam, steps):
    weights, left = [], 1.0
    for _ in range(steps - 1):
        weights.append((1 - lam) * left)
        left *= lam
    return [*weights, left]


# %% exercise-6 | wrong | stores the same array every time
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z *= gamma * lam
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        history.append(z)
    return np.array(history)


# %% exercise-6 | wrong | fades after the visit
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        z *= gamma * lam
        history.append(z.copy())
    return np.array(history)


# %% exercise-6 | wrong | replacing traces
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = gamma * lam * z
        z[state] = 1.0
        history.append(z.copy())
    return np.array(history)


# %% exercise-6 | wrong | forgets gamma
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = lam * z
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        history.append(z.copy())
    return np.array(history)


# %% exercise-6 | wrong | ignores alpha
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = gamma * lam * z
        z[state] += 1.0
        history.append(z.copy())
    return np.array(history)


# %% exercise-6 | wrong | fades twice in the dutch term
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = gamma * lam * z
        z[state] += 1.0 if alpha is None else 1.0 - alpha * gamma * lam * z[state]
        history.append(z.copy())
    return np.array(history)


# %% exercise-6 | right | the formula as it stands
def traces(s, num_states, gamma, lam, alpha=None):
    history = np.zeros((len(s), num_states))
    for t, state in enumerate(s):
        before = history[t - 1] if t else np.zeros(num_states)
        gained = 1 - (alpha or 0) * gamma * lam * before[state]
        history[t] = gamma * lam * before + gained * (np.arange(num_states) == state)
    return history


# %% exercise-7 | wrong | left as it was
mended_td_lambda = broken_td_lambda


# %% exercise-7 | wrong | resets the values as well
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    for _ in range(episodes):
        v, z = np.zeros(mdp.num_states), np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | resets the traces in every step
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        s, terminated = mdp.reset(rng), False
        while not terminated:
            z = np.zeros(mdp.num_states)
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | replaces the traces instead
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v, z = np.zeros(mdp.num_states), np.zeros(mdp.num_states)
    for _ in range(episodes):
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] = 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | updates before the visit counts
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            v = v + alpha * delta * z
            z[s] += 1
            s = s_next
    return v


# %% exercise-7 | right | clears the traces at the end
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v, z = np.zeros(mdp.num_states), np.zeros(mdp.num_states)
    for _ in range(episodes):
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            target = r if terminated else r + mdp.gamma * v[s_next]
            z *= mdp.gamma * lam
            z[s] += 1
            v += alpha * (target - v[s]) * z
            s = s_next
        z[:] = 0
    return v


# %% exercise-8 | wrong | counts the table before the first episode
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, :, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | averages over the two ends too
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | averages over the runs
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean()


# %% exercise-8 | wrong | leaves out the root
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return (errors**2).mean(axis=2).mean(axis=1)


# %% exercise-8 | wrong | the root last
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=(1, 2)))


# %% exercise-8 | wrong | the error after the tenth episode only
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    return np.sqrt(((runs.v - policy_value(walk, coin))[:, 1:-1] ** 2).mean(axis=1))


# %% exercise-8 | right | run by run, with the values written out
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    truth = np.linspace(-1, 1, num_states + 2)[1:-1]
    runs = n_step_td(walk, np.full((num_states + 2, 2), 0.5), n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    answer = []
    for history in runs.history:
        episodes = [np.linalg.norm(v[1:-1] - truth) / np.sqrt(num_states) for v in history[1:]]
        answer.append(np.mean(episodes))
    return np.array(answer)
