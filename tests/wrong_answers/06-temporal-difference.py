# %% exercise-1 | wrong | the table of the beginning throughout
deltas = [1.5, -5.0, 1.0]
v_a, v_b = 2.44, 4.03


# %% exercise-1 | wrong | bootstraps through the end
deltas = [1.5, -4.85, 3.7]
v_a, v_b = 2.44, 4.03


# %% exercise-1 | wrong | the targets, not the errors
deltas = [3.5, 0.15, 3.0]
v_a, v_b = 2.44, 4.03


# %% exercise-1 | wrong | forgets gamma
deltas = [4.0, -3.2, 0.2]
v_a, v_b = 2.44, 4.03


# %% exercise-1 | wrong | alpha and gamma exchanged
deltas = [0.0, -5.6, 1.0]
v_a, v_b = 2.44, 4.03


# %% exercise-1 | wrong | the errors times alpha
deltas = [0.3, -0.97, 0.14]
v_a, v_b = 2.44, 4.03


# %% exercise-1 | wrong | the value of A after its first update
deltas = [1.5, -4.85, 0.7]
v_a, v_b = 2.3, 4.03


# %% exercise-1 | wrong | B as if A had not moved
deltas = [1.5, -4.85, 0.7]
v_a, v_b = 2.44, 4.0


# %% exercise-1 | wrong | a step of one for B
deltas = [1.5, -4.85, 0.7]
v_a, v_b = 2.44, 0.15


# %% exercise-1 | wrong | the last error only
deltas = 0.7
v_a, v_b = 2.44, 4.03


# %% exercise-1 | right | as fractions
deltas = np.array([3 / 2, -97 / 20, 7 / 10])
v_a, v_b = 61 / 25, np.float64(403 / 100)


# %% exercise-1 | right | step by step
v_a, v_b = 2, 5
deltas = (1 + 0.5 * v_b - v_a,)
v_a += 0.2 * deltas[0]
deltas += (-1 + 0.5 * v_a - v_b,)
v_b += 0.2 * deltas[1]
deltas += (3 - v_a,)
v_a += 0.2 * deltas[2]


# %% exercise-2 | wrong | the same for both methods
monte_carlo = [0.5, 2.0]
td = [0.5, 2.0]


# %% exercise-2 | wrong | A always leads to B
monte_carlo = [0.5, 2.0]
td = [3.0, 2.0]


# %% exercise-2 | wrong | forgets the reward on the way from A
monte_carlo = [0.5, 2.0]
td = [1.0, 2.0]


# %% exercise-2 | wrong | TD's values for Monte Carlo's
monte_carlo = [1.5, 2.0]
td = [1.5, 2.0]


# %% exercise-2 | wrong | the episode from A does not count for B
monte_carlo = [0.5, 3.0]
td = [1.5, 2.0]


# %% exercise-2 | wrong | the episode from A does not count for B in TD
monte_carlo = [0.5, 2.0]
td = [2.0, 3.0]


# %% exercise-2 | wrong | the reward of episode 2 left out
monte_carlo = [1.0, 2.0]
td = [1.5, 2.0]


# %% exercise-2 | wrong | B before A
monte_carlo = [0.5, 2.0]
td = [2.0, 1.5]


# %% exercise-2 | wrong | the sum of the returns
monte_carlo = [1.0, 6.0]
td = [1.5, 2.0]


# %% exercise-2 | right | computed by the package
from rlbook.tabular.temporal_difference import Steps, batch_monte_carlo, batch_td

four = Steps([0, 1, 0, 1, 1], [1, 0, 0, 4, 2], [1, 2, 2, 2, 2], [False, True, True, True, True], [False] * 5)
monte_carlo = batch_monte_carlo(four, num_states=3)[-1, :2]
td = batch_td(four, num_states=3)[-1, :2]


# %% exercise-2 | right | as a linear system
of_b = np.mean([0, 4, 2])
monte_carlo = np.array([np.mean([1 + 0, 0]), of_b])
td = tuple(np.linalg.solve([[1, -1 / 2], [0, 1]], [1 / 2, of_b]))


# %% exercise-3 | wrong | bootstraps through the end
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | a cut is taken for an end
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | no step bootstraps in an episode that terminated
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | forgets gamma
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | all targets with the old table (in two lines)
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    old = v.copy()
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * old[s_next[t]]
        v[s[t]] += alpha * (target - old[s[t]])
    return v


# %% exercise-3 | wrong | changes the values that it was given
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = v, len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | leaves out the last step
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s) - 1):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
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
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])


# %% exercise-3 | wrong | alpha and gamma exchanged
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + alpha * v[s_next[t]]
        v[s[t]] += gamma * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | whole numbers stay whole
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | the next time for the next state
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[t + 1]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | a step of one half
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += 0.5 * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | the last state is terminal, whatever the flag
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    v[s_next[last]] = 0.0
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | wrong | backwards through the episode
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in reversed(range(len(s))):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    return v


# %% exercise-3 | right | with a flag for each step
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    values = [float(value) for value in v]
    goes_on = [True] * (len(s) - 1) + [not terminated]
    for here, reward, there, more in zip(s, r, s_next, goes_on):
        values[here] = (1 - alpha) * values[here] + alpha * (reward + gamma * values[there] * more)
    return np.array(values)


# %% exercise-3 | right | a list of values, and the last step apart
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    new = list(map(float, v))
    for t, here in enumerate(s[:-1]):
        new[here] += alpha * (r[t] + gamma * new[s_next[t]] - new[here])
    following = 0.0 if terminated else gamma * new[s_next[-1]]
    new[s[-1]] += alpha * (r[-1] + following - new[s[-1]])
    return new


# %% exercise-4 | wrong | bootstraps through the end
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | a cut is taken for an end
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if last == len(r) else v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | always discounts the bootstrap n times
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated and last == len(r) else v[s[last]]
    target *= gamma ** (n - (last - tau))
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | does not discount the bootstrap
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated and last == len(r) else v[s[last]]
    target /= gamma ** (last - tau)
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | discounts from the beginning of the episode
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated and last == len(r) else v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return gamma**tau * target


# %% exercise-4 | wrong | one reward too many
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n + 1, len(r))
    target = 0.0 if terminated and last == len(r) else v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | never bootstraps
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | the value of a time for that of its state
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated and last == len(r) else v[last]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | the value of the state left
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated and last == len(r) else v[s[tau]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | no bootstrap in an episode that terminated
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated else v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | beyond the end of a cut nothing follows
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if tau + n >= len(r) and (terminated or tau + n > len(r)) else v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + gamma * target
    return target


# %% exercise-4 | wrong | a discount of one half
def n_step_target(v, s, r, terminated, tau, n, gamma):
    last = min(tau + n, len(r))
    target = 0.0 if terminated and last == len(r) else v[s[last]]
    for t in range(last - 1, tau - 1, -1):
        target = r[t] + 0.5 * target
    return target


# %% exercise-4 | right | by definition, with slices
def n_step_target(v, s, r, terminated, tau, n, gamma):
    rewards = np.asarray(r)[tau : tau + n]
    target = float(rewards @ gamma ** np.arange(len(rewards)))
    over = tau + n >= len(r)
    if over and terminated:
        return target
    return target + gamma ** len(rewards) * v[s[tau + len(rewards)]]


# %% exercise-4 | right | recursive
def n_step_target(v, s, r, terminated, tau, n, gamma):
    if tau == len(r):
        return 0.0 if terminated else v[s[tau]]
    if n == 0:
        return v[s[tau]]
    return r[tau] + gamma * n_step_target(v, s, r, terminated, tau + 1, n - 1, gamma)


# %% exercise-5 | wrong | the full return gets no more than its share
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps)

    return weights


# %% exercise-5 | wrong | forgets 1 - lambda
def lambda_weights(lam, steps):
    weights = lam ** np.arange(steps)
    weights[-1] = lam ** (steps - 1)
    return weights


# %% exercise-5 | wrong | normalised by force
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps)
    weights /= weights.sum() if lam < 1 else 1
    return weights


# %% exercise-5 | wrong | one power of lambda too many
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(1, steps + 1)
    weights[-1] = lam ** (steps - 1)
    return weights


# %% exercise-5 | wrong | the long returns first
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps)
    weights[-1] = lam ** (steps - 1)
    return weights[::-1]


# %% exercise-5 | wrong | lambda and 1 - lambda exchanged
def lambda_weights(lam, steps):
    lam = 1 - lam
    weights = (1 - lam) * lam ** np.arange(steps)
    weights[-1] = lam ** (steps - 1)
    return weights


# %% exercise-5 | wrong | the last power for the full return
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps)
    weights[-1] = lam**steps
    return weights


# %% exercise-5 | wrong | the rest put on top
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps)
    weights[-1] += lam ** (steps - 1)
    return weights


# %% exercise-5 | wrong | a lambda of one half
def lambda_weights(lam, steps):
    weights = (1 - lam) * 0.5 ** np.arange(steps)
    weights[-1] = lam ** (steps - 1)
    return weights


# %% exercise-5 | wrong | one weight more
def lambda_weights(lam, steps):
    weights = (1 - lam) * lam ** np.arange(steps)
    weights[-1] = lam ** (steps - 1)
    return np.append(weights, 0.0)


# %% exercise-5 | right | what is left goes to the full return
def lambda_weights(lam, steps):
    weights, left = [], 1.0
    for _ in range(steps - 1):
        weights.append((1 - lam) * left)
        left *= lam
    return [*weights, left]


# %% exercise-5 | right | differences of what is left
def lambda_weights(lam, steps):
    left = np.concatenate([[1.0], np.cumprod(np.full(steps - 1, lam)), [0.0]])
    return left[:-1] - left[1:]


# %% exercise-6 | wrong | stores the same array every time (in two lines)
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z *= gamma * lam
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        history.append(z)
    return np.array(history)


# %% exercise-6 | wrong | fades after the visit (in two lines)
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        z = gamma * lam * z
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


# %% exercise-6 | wrong | forgets lambda
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = gamma * z
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


# %% exercise-6 | wrong | dutch traces are replacing ones
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = gamma * lam * z
        z[state] += 1.0 if alpha is None else 1.0 - z[state]
        history.append(z.copy())
    return np.array(history)


# %% exercise-6 | wrong | before the visit (in two lines)
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        history.append(z.copy())
        z = gamma * lam * z
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
    return np.array(history)


# %% exercise-6 | wrong | the last row only
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z = gamma * lam * z
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        history.append(z.copy())
    return z


# %% exercise-6 | wrong | only the visited state fades
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(num_states), []
    for state in s:
        z[state] *= gamma * lam
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
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


# %% exercise-6 | right | lists, with the step of size 0 for None
def traces(s, num_states, gamma, lam, alpha=None):
    z, rows, step = [0.0] * num_states, [], 0.0 if alpha is None else alpha
    for here in s:
        z = [gamma * lam * trace for trace in z]
        z[here] = (1 - step) * z[here] + 1
        rows.append(list(z))
    return rows


# %% exercise-7 | wrong | left as it was
mended_td_lambda = broken_td_lambda


# %% exercise-7 | wrong | resets the values as well
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
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
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            z = np.zeros(mdp.num_states)
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | replaces the traces
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] = 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | updates before the visit counts (in two lines)
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


# %% exercise-7 | wrong | always walks to the right
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, 1, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | a generator of its own
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v, rng = np.zeros(mdp.num_states), np.random.default_rng(0)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | one episode too few
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(1, episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | starts in state 0
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = 0, False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | traces that do not fade
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]

            z[s] += 1
            v = v + alpha * delta * z
            s = s_next
    return v


# %% exercise-7 | wrong | the visit of the next state
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        z = np.zeros(mdp.num_states)
        s, terminated = mdp.reset(rng), False
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + mdp.gamma * v[s_next] * (not terminated) - v[s]
            z = mdp.gamma * lam * z
            z[s_next] += 1
            v = v + alpha * delta * z
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


# %% exercise-7 | right | the traces in a dictionary
def mended_td_lambda(mdp, action, *, episodes, alpha, lam, rng):
    v = np.zeros(mdp.num_states)
    for _ in range(episodes):
        s, terminated, z = mdp.reset(rng), False, {}
        while not terminated:
            s_next, r, terminated = mdp.step(s, action, rng)
            delta = r + (0 if terminated else mdp.gamma * v[s_next]) - v[s]
            z = {state: mdp.gamma * lam * trace for state, trace in z.items()}
            z[s] = z.get(s, 0.0) + 1
            for state, trace in z.items():
                v[state] += alpha * delta * trace
            s = s_next
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
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2))[:, -1]


# %% exercise-8 | wrong | the absolute errors
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.abs(errors).mean(axis=2).mean(axis=1)


# %% exercise-8 | wrong | always four steps
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=4, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | a step size of its own
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=0.4, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | a generator of its own
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=np.random.default_rng(0), runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | a walk whose left end pays nothing
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=0, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | twenty episodes
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=20, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


# %% exercise-8 | wrong | the ends of the episodes but the last
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, left=-1, right=1)
    coin = np.full((walk.num_states, 2), 0.5)
    runs = n_step_td(walk, coin, n=n, episodes=10, alpha=alpha, rng=rng, runs=100)
    errors = (runs.history - policy_value(walk, coin))[:, 1:-1, 1:-1]
    return np.sqrt((errors**2).mean(axis=2)).mean(axis=1)


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


# %% exercise-8 | right | the deviation of the errors, in a list
def early_error(num_states, n, alpha, rng):
    walk = random_walk(num_states, -1, 1)
    policy = np.array([[0.5, 0.5]] * walk.num_states)
    history = n_step_td(walk, policy, n=n, episodes=10, alpha=alpha, rng=rng, runs=100).history
    between = np.flatnonzero(~walk.terminal)
    off = history[:, :, between] - policy_value(walk, policy)[between]
    squares = np.einsum("res,res->re", off, off) / num_states
    return [float(np.mean(run[-10:] ** 0.5)) for run in squares]


# %% exercise-3 | wrong | empties the terminal state
def td_episode(v, s, r, s_next, terminated, alpha, gamma):
    v, last = np.array(v, dtype=float), len(s) - 1
    for t in range(len(s)):
        target = r[t] if terminated and t == last else r[t] + gamma * v[s_next[t]]
        v[s[t]] += alpha * (target - v[s[t]])
    v[s_next[-1]] *= not terminated
    return v


# %% exercise-6 | wrong | as many states as were visited
def traces(s, num_states, gamma, lam, alpha=None):
    z, history = np.zeros(max(s) + 1), []
    for state in s:
        z = gamma * lam * z
        z[state] += 1.0 if alpha is None else 1.0 - alpha * z[state]
        history.append(z.copy())
    return np.array(history)
