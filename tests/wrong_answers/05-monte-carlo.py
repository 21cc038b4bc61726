# %% exercise-1 | wrong | no discount
values = [9.0, 8.5, 8.0, 6.0]

# %% exercise-1 | wrong | last visits for first ones
values = [6.0, 4.25, 4.0, 3.5]

# %% exercise-1 | wrong | discounts the first reward too
values = [1.25, 2.125, 1.5, 1.75]

# %% exercise-1 | wrong | leaves out the reward of the step itself
values = [3.0, 3.5, 6.0, 3.0]

# %% exercise-1 | wrong | every visit as a sum
values = [2.5, 8.5, 3.0, 7.0]

# %% exercise-1 | wrong | first visits of both, then every visit
values = [2.5, 3.0, 4.25, 3.5]

# %% exercise-1 | wrong | first visits only
values = [2.5, 2.5, 3.0, 3.0]

# %% exercise-1 | right | as an array of fractions
values = np.array([5 / 2, 17 / 4, 3, 7 / 2])


# %% exercise-2 | wrong | the mean, not the second moment
def second_moment(left):
    return 1.0


# %% exercise-2 | wrong | the formula where the series diverges
def second_moment(left):
    return 0.1 / (left - 0.9) if left != 0.9 else np.inf


# %% exercise-2 | wrong | the ratio upside down
def second_moment(left):
    return sum((0.9 * left) ** (T - 1) * 0.1 * left * left ** (2 * T) for T in range(1, 1000))


# %% exercise-2 | wrong | a sum cut off after a hundred steps
def second_moment(left):
    return sum((0.9 * left) ** (T - 1) * 0.1 * left / left ** (2 * T) for T in range(1, 101))


# %% exercise-2 | wrong | infinite for the coin only
def second_moment(left):
    return np.inf if left <= 0.5 else abs(0.1 / (left - 0.9))


# %% exercise-2 | wrong | divides by zero on the border
def second_moment(left):
    factor = 0.9 / left
    return 0.1 / left / (1 - factor) if factor <= 1 else np.inf


# %% exercise-2 | right | the closed form
def second_moment(left):
    return np.inf if left <= 0.9 else 0.1 / (left - 0.9)


# %% exercise-3 | wrong | the last visit
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + gamma * g
        returns.setdefault(s, g)
    return returns


# %% exercise-3 | wrong | the mean over every visit
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + gamma * g
        returns.setdefault(s, []).append(g)
    return {s: np.mean(found) for s, found in returns.items()}


# %% exercise-3 | wrong | forgets gamma
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g += r
        returns[s] = g
    return returns


# %% exercise-3 | wrong | discounts from the start of the episode
def first_visit_returns(states, rewards, gamma):
    discounted = [gamma**t * r for t, r in enumerate(rewards)]
    return {s: sum(discounted[states.index(s) :]) for s in states}


# %% exercise-3 | wrong | discounts the reward of the step itself
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = gamma * (r + g)
        returns[s] = g
    return returns


# %% exercise-3 | wrong | turns the given lists round
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    states.reverse()
    rewards.reverse()
    for s, r in zip(states, rewards):
        g = r + gamma * g
        returns[s] = g
    return returns


# %% exercise-3 | wrong | forgets to return
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + gamma * g
        returns[s] = g


# %% exercise-3 | right | by definition
def first_visit_returns(states, rewards, gamma):
    firsts = {s: states.index(s) for s in states}
    return {s: sum(gamma**k * r for k, r in enumerate(rewards[t:])) for s, t in firsts.items()}


# %% exercise-4 | wrong | divides by the sum of the ratios twice
def importance_ratio(episode, target, behaviour):
    return np.prod([target[s, a] / behaviour[s, a] for s, a in episode])


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return weighted, weighted


# %% exercise-4 | wrong | zero over zero
def importance_ratio(episode, target, behaviour):
    return np.prod([target[s, a] / behaviour[s, a] for s, a in episode])


def estimates(ratios, returns):
    sums = np.cumsum(ratios * returns)
    with np.errstate(invalid="ignore"):
        return sums / np.arange(1, len(sums) + 1), sums / np.cumsum(ratios)


# %% exercise-4 | wrong | counts only episodes with a ratio
def importance_ratio(episode, target, behaviour):
    return np.prod([target[s, a] / behaviour[s, a] for s, a in episode])


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    n = np.cumsum(ratios > 0)
    zeros = np.zeros(len(sums))
    ordinary = np.divide(sums, n, out=zeros.copy(), where=n > 0)
    return ordinary, np.divide(sums, total, out=zeros, where=total > 0)


# %% exercise-4 | wrong | only the last estimates
def importance_ratio(episode, target, behaviour):
    return np.prod([target[s, a] / behaviour[s, a] for s, a in episode])


def estimates(ratios, returns):
    return np.mean(ratios * returns), np.sum(ratios * returns) / np.sum(ratios)


# %% exercise-4 | wrong | the ratio upside down
def importance_ratio(episode, target, behaviour):
    return np.prod([behaviour[s, a] / max(target[s, a], 1e-12) for s, a in episode])


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | adds the ratios of the actions
def importance_ratio(episode, target, behaviour):
    return sum(target[s, a] / behaviour[s, a] for s, a in episode)


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | the ratio of the first action
def importance_ratio(episode, target, behaviour):
    s, a = episode[0]
    return target[s, a] / behaviour[s, a]


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | right | one episode at a time
def importance_ratio(episode, target, behaviour):
    states, actions = np.transpose(episode)
    return np.exp(np.sum(np.log(target[states, actions] + 1e-300) - np.log(behaviour[states, actions])))


def estimates(ratios, returns):
    ordinary, weighted, total = [0.0], [0.0], 0.0
    for n, (rho, g) in enumerate(zip(ratios, returns), start=1):
        total += rho
        ordinary.append(ordinary[-1] + (rho * g - ordinary[-1]) / n)
        weighted.append(weighted[-1] + (rho / total * (g - weighted[-1]) if total > 0 else 0.0))
    return ordinary[1:], weighted[1:]


# %% exercise-4 | right | both in one array
def importance_ratio(episode, target, behaviour):
    return np.prod([target[pair] / behaviour[pair] for pair in episode])


def estimates(ratios, returns):
    n, total = np.arange(1, len(ratios) + 1), np.cumsum(ratios)
    sums = np.cumsum(np.multiply(ratios, returns))
    return np.array([sums / n, np.where(total > 0, sums / np.maximum(total, 1e-300), 0)])


# %% exercise-5 | wrong | the bug as it is
def update(episode, q, weights, behaviour, gamma):
    forgetful_update(episode, q, weights, behaviour, gamma)


# %% exercise-5 | wrong | never stops
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | its own choice counts
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        rho /= behaviour[s, a]
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break


# %% exercise-5 | wrong | compares with the values before the update
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        greedy = q[s].argmax()
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != greedy:
            break
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | no ratio at all
def update(episode, q, weights, behaviour, gamma):
    g = 0.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += 1
        q[s, a] += (g - q[s, a]) / weights[s, a]
        if a != q[s].argmax():
            break


# %% exercise-5 | wrong | skips the action and walks on
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a == q[s].argmax():
            rho /= behaviour[s, a]


# %% exercise-5 | right | a ratio of zero ends the walk
def update(episode, q, weights, behaviour, gamma):
    g, rho, t = 0.0, 1.0, len(episode) - 1
    while t >= 0 and rho > 0:
        s, a, r = episode[t]
        g = r + gamma * g
        before = weights[s, a]
        weights[s, a] = before + rho
        q[s, a] = (before * q[s, a] + rho * g) / (before + rho)
        rho = rho / behaviour[s, a] if a == np.argmax(q[s]) else 0.0
        t -= 1


# %% exercise-6 | wrong | what is collected while exploring
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = learned.returns.mean(axis=1)
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


limit = game.start @ policy_value(game, np.full((213, 2), 0.5))

# %% exercise-6 | wrong | the deviation for the standard error, and the optimum
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1)


v = np.zeros(213)
for _ in range(50):
    v = bellman_optimality(game, v).max(axis=1)
limit = game.start @ v

# %% exercise-6 | wrong | epsilon stays at one half
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=0.5, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


limit = greedy_worth(1.0, np.random.default_rng(0))[0]

# %% exercise-6 | wrong | the largest value of the table, not of the policy
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = learned.q.max(axis=2) @ game.start
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


limit = game.start @ bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5))).max(axis=1)

# %% exercise-6 | right | run by run
game = blackjack()


def greedy_worth(epsilon, rng):
    worths = []
    for child in rng.spawn(8):
        q = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=child).q
        worths.append(policy_value(game, q.argmax(axis=1)) @ game.start)
    return [np.mean(worths), np.sqrt(np.var(worths, ddof=1) / 8)]


table = bellman_optimality(game, policy_value(game, np.full((213, 2), 1 / 2)))
limit = policy_value(game, np.where(table[:, 1] > table[:, 0], 1, 0)) @ game.start


# %% exercise-7 | wrong | the ordinary way
def per_decision(ratios, rewards, gamma):
    return np.prod(ratios) * np.sum(gamma ** np.arange(len(rewards)) * rewards)


# %% exercise-7 | wrong | lags a step
def per_decision(ratios, rewards, gamma):
    before = np.concatenate([[1.0], np.cumprod(ratios)[:-1]])
    return np.sum(gamma ** np.arange(len(rewards)) * before * rewards)


# %% exercise-7 | wrong | each reward with its own ratio only
def per_decision(ratios, rewards, gamma):
    return np.sum(gamma ** np.arange(len(rewards)) * ratios * rewards)


# %% exercise-7 | wrong | forgets gamma
def per_decision(ratios, rewards, gamma):
    return np.sum(np.cumprod(ratios) * rewards)


# %% exercise-7 | wrong | discounts the first reward
def per_decision(ratios, rewards, gamma):
    return np.sum(gamma ** np.arange(1, len(rewards) + 1) * np.cumprod(ratios) * rewards)


# %% exercise-7 | right | backwards, like the Bellman equation
def per_decision(ratios, rewards, gamma):
    g = 0.0
    for rho, r in zip(ratios[::-1], rewards[::-1]):
        g = rho * (r + gamma * g)
    return g
