# %% exercise-1 | wrong | leaves out gamma
new_weights = [[2.4, 1.0], [1.52, 0.12], [1.52, 1.224]]

# %% exercise-1 | wrong | moves along the features of the next state
new_weights = [[2.1, 1.1], [2.1, -0.54], [6.18, 3.54]]

# %% exercise-1 | wrong | forgets that a feature of 2 moves its weight twice as far
new_weights = [[2.1, 1.0], [1.28, 0.18], [1.28, 0.708]]

# %% exercise-1 | wrong | bootstraps through the end
new_weights = [[2.1, 1.0], [1.28, 0.18], [1.28, 2.696]]

# %% exercise-1 | wrong | forgets the step size
new_weights = [[2.5, 1.0], [-1.75, -3.25], [-1.75, 15.75]]

# %% exercise-1 | right | as an array
new_weights = np.array([[2.1, 1.0], [1.28, 0.18], [1.28, 1.236]])

# %% exercise-1 | right | as tuples of fractions
new_weights = ((21 / 10, 1), (32 / 25, 9 / 50), (32 / 25, 309 / 250))

# %% exercise-2 | wrong | the mean of the rewards
settled = [2.0, 6.0, 2.0, 3.0]

# %% exercise-2 | wrong | TD settles where Monte Carlo does
settled = [5.0, 5.0, 3.0833, 3.0833]

# %% exercise-2 | wrong | the other way round
settled = [6.0, 5.0, 3.0, 3.0833]

# %% exercise-2 | wrong | gamma forgotten
settled = [5.0, 6.0, 5.0, 6.0]

# %% exercise-2 | wrong | the last room bootstraps too
settled = [5.0, 6.0, 3.0833, 4.0]

# %% exercise-2 | right | fractions in a tuple
settled = (5, 6, 37 / 12, 3)

# %% exercise-2 | right | an array
settled = np.array([5, 6, 3.08333, 3])


# %% exercise-3 | wrong | no additional tile
def active_tiles(position, low, high, count, tilings):
    i = np.arange(tilings)
    return i * count + np.floor((position - low) / (high - low) * count + i / tilings).astype(int)


# %% exercise-3 | wrong | the tilings are not numbered through
def active_tiles(position, low, high, count, tilings):
    i = np.arange(tilings)
    return np.floor((position - low) / (high - low) * count + i / tilings).astype(int)


# %% exercise-3 | wrong | shifted the other way
def active_tiles(position, low, high, count, tilings):
    i = np.arange(tilings)
    return i * (count + 1) + np.floor((position - low) / (high - low) * count - i / tilings).astype(int)


# %% exercise-3 | wrong | rounds to the nearest
def active_tiles(position, low, high, count, tilings):
    i = np.arange(tilings)
    return i * (count + 1) + np.round((position - low) / (high - low) * count + i / tilings).astype(int)


# %% exercise-3 | wrong | forgets low
def active_tiles(position, low, high, count, tilings):
    i = np.arange(tilings)
    return i * (count + 1) + np.floor(position / (high - low) * count + i / tilings).astype(int)


# %% exercise-3 | wrong | every tiling at the same place
def active_tiles(position, low, high, count, tilings):
    i = np.arange(tilings)
    return i * (count + 1) + int((position - low) / (high - low) * count)


# %% exercise-3 | right | a list, tile by tile
def active_tiles(position, low, high, count, tilings):
    found = []
    for i in range(tilings):
        found.append(i * (count + 1) + int((position - low) * count / (high - low) + i / tilings))
    return found


# %% exercise-4 | wrong | bootstraps through the end
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    w = np.array(w, dtype=float)
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            w += alpha * (r + mdp.gamma * (w @ X[s_next]) - w @ X[s]) * X[s]
            if terminated:
                break
            s = s_next
    return w


# %% exercise-4 | wrong | takes a cut for an end (in the count of the steps and in the target)
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    w = np.array(w, dtype=float)
    for _ in range(episodes):
        s = mdp.reset(rng)
        for t in range(max_steps):
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            over = terminated or t == max_steps - 1
            w += alpha * (r + (0 if over else mdp.gamma * (w @ X[s_next])) - w @ X[s]) * X[s]
            if terminated:
                break
            s = s_next
    return w


# %% exercise-4 | wrong | the full gradient: the slope of the target too
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    w = np.array(w, dtype=float)
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            x_next = 0 * X[s] if terminated else X[s_next]
            w += alpha * (r + mdp.gamma * (w @ x_next) - w @ X[s]) * (X[s] - mdp.gamma * x_next)
            if terminated:
                break
            s = s_next
    return w


# %% exercise-4 | wrong | moves along the features of the next state
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    w = np.array(w, dtype=float)
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * (w @ X[s_next])
            w += alpha * (target - w @ X[s]) * X[s_next]
            if terminated:
                break
            s = s_next
    return w


# %% exercise-4 | wrong | changes the weights that were given
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * (w @ X[s_next])
            w += alpha * (target - w @ X[s]) * X[s]
            if terminated:
                break
            s = s_next
    return w


# %% exercise-4 | wrong | starts from zeros
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    w = np.zeros(X.shape[1])
    for _ in range(episodes):
        s = mdp.reset(rng)
        for _ in range(max_steps):
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            target = r if terminated else r + mdp.gamma * (w @ X[s_next])
            w += alpha * (target - w @ X[s]) * X[s]
            if terminated:
                break
            s = s_next
    return w


# %% exercise-4 | right | features of the end set to 0 in a copy
def learn_weights(mdp, policy, X, episodes, alpha, rng, w, max_steps=100):
    X = np.where(mdp.terminal[:, None], 0.0, X)
    w = np.asarray(w, dtype=float).copy()
    for _ in range(episodes):
        s, terminated, t = mdp.reset(rng), False, 0
        while not terminated and t < max_steps:
            a = rng.choice(mdp.num_actions, p=policy[s])
            s_next, r, terminated = mdp.step(s, a, rng)
            delta = r + mdp.gamma * np.dot(X[s_next], w) - np.dot(X[s], w)
            w = w + alpha * delta * X[s]
            s, t = s_next, t + 1
    return w


# %% exercise-5 | wrong | still leaks
def mended_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps=100):
    return leaky_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps)


# %% exercise-5 | wrong | no update at the end at all (in the order of two lines, and so in the target)
def mended_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps=100):
    w = np.zeros((mdp.num_actions, X.shape[1]))
    for _ in range(episodes):
        s = mdp.reset(rng)
        a = epsilon_greedy(w @ X[s], epsilon, rng)
        for _ in range(max_steps):
            s_next, r, terminated = mdp.step(s, a, rng)
            a_next = epsilon_greedy(w @ X[s_next], epsilon, rng)
            if terminated:
                break
            w[a] += alpha * (r + mdp.gamma * w[a_next] @ X[s_next] - w[a] @ X[s]) * X[s]
            s, a = s_next, a_next
    return w


# %% exercise-5 | wrong | a cut counts as an end (in the count of the steps and in the target)
def mended_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps=100):
    w = np.zeros((mdp.num_actions, X.shape[1]))
    for _ in range(episodes):
        s = mdp.reset(rng)
        a = epsilon_greedy(w @ X[s], epsilon, rng)
        for t in range(max_steps):
            s_next, r, terminated = mdp.step(s, a, rng)
            a_next = epsilon_greedy(w @ X[s_next], epsilon, rng)
            over = terminated or t == max_steps - 1
            target = r if over else r + mdp.gamma * w[a_next] @ X[s_next]
            w[a] += alpha * (target - w[a] @ X[s]) * X[s]
            if terminated:
                break
            s, a = s_next, a_next
    return w


# %% exercise-5 | wrong | sets the features of the end to 0 in the caller's array
def mended_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps=100):
    answer = leaky_sarsa(mdp, np.where(mdp.terminal[:, None], 0.0, X), episodes, alpha, epsilon, rng, max_steps)
    X[mdp.terminal] = 0.0
    return answer


# %% exercise-5 | wrong | the best next action in place of the one taken
def mended_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps=100):
    w = np.zeros((mdp.num_actions, X.shape[1]))
    for _ in range(episodes):
        s = mdp.reset(rng)
        a = epsilon_greedy(w @ X[s], epsilon, rng)
        for _ in range(max_steps):
            s_next, r, terminated = mdp.step(s, a, rng)
            a_next = epsilon_greedy(w @ X[s_next], epsilon, rng)
            target = r if terminated else r + mdp.gamma * (w @ X[s_next]).max()
            w[a] += alpha * (target - w[a] @ X[s]) * X[s]
            if terminated:
                break
            s, a = s_next, a_next
    return w


# %% exercise-5 | right | a factor
def mended_sarsa(mdp, X, episodes, alpha, epsilon, rng, max_steps=100):
    w = np.zeros((mdp.num_actions, X.shape[1]))
    for _ in range(episodes):
        s, terminated, t = mdp.reset(rng), False, 0
        a = epsilon_greedy(w @ X[s], epsilon, rng)
        while not terminated and t < max_steps:
            s_next, r, terminated = mdp.step(s, a, rng)
            a_next = epsilon_greedy(w @ X[s_next], epsilon, rng)
            delta = r + mdp.gamma * (1 - terminated) * (w[a_next] @ X[s_next]) - w[a] @ X[s]
            w[a] = w[a] + alpha * delta * X[s]
            s, a, t = s_next, a_next, t + 1
    return w


# %% exercise-6 | wrong | bootstraps through the end
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    A = ridge * np.eye(X.shape[1]) + X[s].T @ (X[s] - gamma * X[s_next])
    return np.linalg.solve(A, X[s].T @ r)


# %% exercise-6 | wrong | gamma forgotten
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    there = X[s_next] * (1 - terminated)[:, None] if terminated.dtype != bool else X[s_next] * ~terminated[:, None]
    return np.linalg.solve(ridge * np.eye(X.shape[1]) + X[s].T @ (X[s] - there), X[s].T @ r)


# %% exercise-6 | wrong | transposed
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    there = X[s_next] * ~terminated[:, None]
    A = ridge * np.eye(X.shape[1]) + (X[s] - gamma * there).T @ X[s]
    return np.linalg.solve(A, X[s].T @ r)


# %% exercise-6 | wrong | no ridge
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    there = X[s_next] * ~terminated[:, None]
    return np.linalg.solve(X[s].T @ (X[s] - gamma * there), X[s].T @ r)


# %% exercise-6 | wrong | the residual: least squares of the TD errors
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    change = X[s] - gamma * X[s_next] * ~terminated[:, None]
    return np.linalg.solve(ridge * np.eye(X.shape[1]) + change.T @ change, change.T @ r)


# %% exercise-6 | wrong | clears the features of the end for good
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    X[s_next[terminated]] = 0.0
    A = ridge * np.eye(X.shape[1]) + X[s].T @ (X[s] - gamma * X[s_next])
    return np.linalg.solve(A, X[s].T @ r)


# %% exercise-6 | right | step by step
def least_squares_td(X, s, r, s_next, terminated, gamma, ridge):
    d = X.shape[1]
    A, b = ridge * np.eye(d), np.zeros(d)
    for t in range(len(s)):
        x, x_next = X[s[t]], np.zeros(d) if terminated[t] else X[s_next[t]]
        A += np.outer(x, x - gamma * x_next)
        b += r[t] * x
    return np.linalg.inv(A) @ b


# %% exercise-7 | wrong | of A instead of -A
def growth_rate(P, X, mu, gamma):
    return np.linalg.eigvals(X.T @ np.diag(mu) @ (X - gamma * P @ X)).real.max()


# %% exercise-7 | wrong | the size of the eigenvalues
def growth_rate(P, X, mu, gamma):
    return np.abs(np.linalg.eigvals(-X.T @ np.diag(mu) @ (X - gamma * P @ X))).max()


# %% exercise-7 | wrong | mu left out
def growth_rate(P, X, mu, gamma):
    return np.linalg.eigvals(-X.T @ (X - gamma * P @ X)).real.max()


# %% exercise-7 | wrong | mu scaled to sum to 1
def growth_rate(P, X, mu, gamma):
    return np.linalg.eigvals(-X.T @ np.diag(mu / mu.sum()) @ (X - gamma * P @ X)).real.max()


# %% exercise-7 | wrong | P the wrong way round
def growth_rate(P, X, mu, gamma):
    return np.linalg.eigvals(-X.T @ np.diag(mu) @ (X - gamma * P.T @ X)).real.max()


# %% exercise-7 | right | with diagonal matrices
def growth_rate(P, X, mu, gamma):
    A = X.T @ np.diag(mu) @ (np.eye(len(P)) - gamma * P) @ X
    return -min(np.real(np.linalg.eigvals(A)))


# %% exercise-8 | wrong | alpha not divided
def late_steps(tilings, rng):
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, tilings)
    learned = semi_gradient_sarsa(car, coder, episodes=300, alpha=0.5, epsilon=0, rng=rng, runs=20)
    levels = learned.lengths[:, -50:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-8 | wrong | divided by 8 whatever the tilings
def late_steps(tilings, rng):
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, tilings)
    learned = semi_gradient_sarsa(car, coder, episodes=300, alpha=0.5 / 8, epsilon=0, rng=rng, runs=20)
    levels = learned.lengths[:, -50:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-8 | wrong | counts episodes as independent
def late_steps(tilings, rng):
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, tilings)
    learned = semi_gradient_sarsa(car, coder, episodes=300, alpha=0.5 / tilings, epsilon=0, rng=rng, runs=20)
    late = learned.lengths[:, -50:]
    return late.mean(), late.std(ddof=1) / np.sqrt(late.size)


# %% exercise-8 | wrong | the deviation of single runs
def late_steps(tilings, rng):
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, tilings)
    learned = semi_gradient_sarsa(car, coder, episodes=300, alpha=0.5 / tilings, epsilon=0, rng=rng, runs=20)
    levels = learned.lengths[:, -50:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1)


# %% exercise-8 | wrong | the last runs instead of the last episodes
def late_steps(tilings, rng):
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, tilings)
    learned = semi_gradient_sarsa(car, coder, episodes=300, alpha=0.5 / tilings, epsilon=0, rng=rng, runs=20)
    levels = learned.lengths[-50:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-8 | wrong | its own seed
def late_steps(tilings, rng):
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, tilings)
    rng = np.random.default_rng(0)
    learned = semi_gradient_sarsa(car, coder, episodes=300, alpha=0.5 / tilings, epsilon=0, rng=rng, runs=20)
    levels = learned.lengths[:, -50:].mean(axis=1)
    return levels.mean(), levels.std(ddof=1) / np.sqrt(len(levels))


# %% exercise-8 | right | as a list, with the variance
def late_steps(tilings, rng):
    car = mountain_car(gamma=1.0)
    features = tiles((-1.2, -0.07), (0.5, 0.07), (8, 8), tilings)
    settings = {"episodes": 300, "alpha": 0.5 / tilings, "epsilon": 0, "runs": 20}
    late = semi_gradient_sarsa(car, features, rng=rng, **settings).lengths[:, 250:300].mean(axis=1)
    return [late.sum() / 20, (late.var(ddof=1) / 20) ** 0.5]
