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


# %% exercise-1 | wrong | a pair for each state
values = [[2.5, 4.25], [3.0, 3.5]]


# %% exercise-1 | wrong | discounted from the beginning
values = [2.5, 4.25, 1.5, 3.5]


# %% exercise-1 | right | as an array of fractions
values = np.array([5 / 2, 17 / 4, 3, 7 / 2])


# %% exercise-1 | right | computed from the returns
after = [1 + 0.5 * (0 + 0.5 * (4 + 0.5 * 4)), 0 + 0.5 * (4 + 0.5 * 4), 4 + 0.5 * 4, 4]
values = (after[0], (after[0] + after[2]) / 2, after[1], np.mean([after[1], after[3]]))


# %% exercise-2 | wrong | the mean, not the second moment
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 1.0 if factor < 1 else np.inf


# %% exercise-2 | wrong | the formula where the series diverges
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) if factor != 1 else np.inf


# %% exercise-2 | wrong | the ratio upside down
def second_moment(left):
    factor = 0.9 * left**3  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) if factor < 1 else np.inf


# %% exercise-2 | wrong | a sum cut off after a hundred steps
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return sum(0.1 / left * factor**k for k in range(100))


# %% exercise-2 | wrong | infinite for the coin only
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) if left > 0.5 else np.inf


# %% exercise-2 | wrong | divides by zero on the border
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) if factor <= 1 else np.inf


# %% exercise-2 | wrong | the variance
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) - 1 if factor < 1 else np.inf


# %% exercise-2 | wrong | forgets the ratio of the last step
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 * left / (1 - factor) if factor < 1 else np.inf


# %% exercise-2 | wrong | nan for infinite
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) if factor < 1 else np.nan


# %% exercise-2 | wrong | none for infinite
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    if factor < 1:
        return 0.1 / left / (1 - factor)


# %% exercise-2 | right | the closed form
def second_moment(left):
    return np.inf if left <= 0.9 else 0.1 / (left - 0.9)


# %% exercise-2 | right | term by term, until they stop mattering
def second_moment(left):
    if 0.9 * left / left**2 > 1 - 1e-12:
        return float("inf")
    term, total = 0.1 * left / left**2, 0.0
    while term > 1e-12:
        total += term
        term *= 0.9 * left / left**2
    return total


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
        g = r + g
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


# %% exercise-3 | wrong | the episode forwards
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(states, rewards):
        g = r + gamma * g
        returns[s] = g
    return returns


# %% exercise-3 | wrong | a discount of one half
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + 0.5 * g
        returns[s] = g
    return returns


# %% exercise-3 | wrong | never below 0
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + gamma * g
        returns[s] = max(0.0, g)
    return returns


# %% exercise-3 | wrong | the best of the visits
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + gamma * g
        returns[s] = max(g, returns.get(s, -np.inf))
    return returns


# %% exercise-3 | wrong | a list of returns
def first_visit_returns(states, rewards, gamma):
    returns, g = {}, 0.0
    for s, r in zip(reversed(states), reversed(rewards)):
        g = r + gamma * g
        returns[s] = g
    return list(returns.values())


# %% exercise-3 | right | by definition
def first_visit_returns(states, rewards, gamma):
    firsts = {s: states.index(s) for s in states}
    return {s: sum(gamma**k * r for k, r in enumerate(rewards[t:])) for s, t in firsts.items()}


# %% exercise-3 | right | forwards, with powers in an array
def first_visit_returns(states, rewards, gamma):
    answer = {}
    for t, s in enumerate(states):
        if s not in answer:
            answer[s] = np.dot(np.power(float(gamma), np.arange(len(states) - t)), rewards[t:])
    return answer


# %% exercise-4 | wrong | divides by the sum of the ratios twice
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return weighted, weighted


# %% exercise-4 | wrong | zero over zero
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = sums / total
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | counts only episodes with a ratio
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.maximum(1, np.cumsum(ratios > 0)), weighted


# %% exercise-4 | wrong | only the last estimates
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums[-1] / len(sums), weighted[-1]


# %% exercise-4 | wrong | the ratio upside down
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= behaviour[s, a] / target[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | adds the ratios of the actions (in two lines)
def importance_ratio(episode, target, behaviour):
    rho = 0.0
    for s, a in episode:
        rho += target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | the ratio of the first action
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode[:1]:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | leaves out the last action
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode[:-1]:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | each action once
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in set(episode):
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | the mean of the ratios
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho ** (1 / len(episode))


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | the weighted estimate without the ratios
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    weighted = np.divide(np.cumsum(returns), total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | weighs the ratios in place
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    total = np.cumsum(ratios)
    ratios *= returns
    sums = np.cumsum(ratios)
    weighted = np.divide(sums, total, out=np.zeros(len(sums)), where=total > 0)
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-4 | wrong | a behaviour that tosses a coin
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / 0.5
    return rho


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


# %% exercise-5 | wrong | its own choice counts (in two lines)
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        rho /= behaviour[s, a]
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break


# %% exercise-5 | wrong | compares with the values before the update (in two lines)
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
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break


# %% exercise-5 | wrong | skips the action and walks on
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            continue
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | walks forwards
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in episode:
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | forgets gamma
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | the last of equals is greedy
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if q[s, a] < q[s].max():
            break
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | weighs the step, not the mean
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += 1 / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break
        rho /= behaviour[s, a]


# %% exercise-5 | wrong | a behaviour that tosses a coin
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break
        rho /= 0.5


# %% exercise-5 | wrong | works on a copy
def update(episode, q, weights, behaviour, gamma):
    g, rho, q, weights = 0.0, 1.0, q.copy(), weights.copy()
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho / weights[s, a] * (g - q[s, a])
        if a != q[s].argmax():
            break
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


# %% exercise-5 | right | the return computed anew for each step
def update(episode, q, weights, behaviour, gamma):
    rho = 1.0
    for t in range(len(episode) - 1, -1, -1):
        s, a, _ = episode[t]
        g = sum(gamma**k * r for k, (_, _, r) in enumerate(episode[t:]))
        weights[s, a] += rho
        q[s, a] += (g - q[s, a]) * rho / weights[s, a]
        if list(q[s]).index(max(q[s])) != a:
            return
        rho = rho / behaviour[s, a]


# %% exercise-6 | wrong | what is collected while exploring
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = learned.returns.mean(axis=1)
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | the deviation for the standard error
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | the deviation of a population
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std() / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | divided by the number, not its root
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / 8


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | the optimum as the limit
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
v = np.zeros(213)
for _ in range(50):
    v = bellman_optimality(game, v).max(axis=1)
limit = game.start @ v


# %% exercise-6 | wrong | the random policy itself as the limit
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, np.full((213, 2), 0.5))


# %% exercise-6 | wrong | the limit from hands
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = greedy_worth(1.0, np.random.default_rng(0))[0]


# %% exercise-6 | wrong | the largest values of the random table as the limit
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ random_q.max(axis=1)


# %% exercise-6 | wrong | epsilon stays at one half
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=0.5, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | the largest value of the table, not of the policy
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = learned.q.max(axis=2) @ game.start
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | a generator of its own
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=np.random.default_rng(0), runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | fewer hands
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=10_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | four runs
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=4)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | the best of the runs
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([game.start @ policy_value(game, policy) for policy in learned.policy])
    return worths.max(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


# %% exercise-6 | wrong | every state alike at the start
game = blackjack()


def greedy_worth(epsilon, rng):
    learned = monte_carlo_control(game, episodes=100_000, epsilon=epsilon, rng=rng, runs=8)
    worths = np.array([policy_value(game, policy)[:200].mean() for policy in learned.policy])
    return worths.mean(), worths.std(ddof=1) / np.sqrt(8)


random_q = bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5)))
limit = game.start @ policy_value(game, random_q.argmax(axis=1))


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


# %% exercise-6 | right | the policies from q, the means by hand
game = blackjack()


def greedy_worth(epsilon, rng):
    q = monte_carlo_control(game, rng=rng, epsilon=epsilon, runs=8, episodes=100_000).q
    worths = [float((policy_value(game, table.argmax(axis=1)) * game.start).sum()) for table in q]
    mean = sum(worths) / 8
    return np.array([mean, (sum((worth - mean) ** 2 for worth in worths) / 7 / 8) ** 0.5])


limit = float(
    policy_value(game, bellman_optimality(game, policy_value(game, np.full((213, 2), 0.5))).argmax(1)) @ game.start
)


# %% exercise-7 | wrong | the ordinary way
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(len(rewards)) * np.prod(ratios) * rewards))


# %% exercise-7 | wrong | lags a step
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(len(rewards)) * np.concatenate([[1.0], np.cumprod(ratios)[:-1]]) * rewards))


# %% exercise-7 | wrong | each reward with its own ratio only
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(len(rewards)) * ratios * rewards))


# %% exercise-7 | wrong | forgets gamma
def per_decision(ratios, rewards, gamma):
    return float(np.sum(np.cumprod(ratios) * rewards))


# %% exercise-7 | wrong | discounts the first reward
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(1, len(rewards) + 1) * np.cumprod(ratios) * rewards))


# %% exercise-7 | wrong | the ratios added up
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(len(rewards)) * np.cumsum(ratios) * rewards))


# %% exercise-7 | wrong | the ratios of the actions to come
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(len(rewards)) * np.cumprod(ratios[::-1])[::-1] * rewards))


# %% exercise-7 | wrong | the mean for the sum
def per_decision(ratios, rewards, gamma):
    return float(np.mean(gamma ** np.arange(len(rewards)) * np.cumprod(ratios) * rewards))


# %% exercise-7 | wrong | divided by the sum of the ratios
def per_decision(ratios, rewards, gamma):
    return float(np.sum(gamma ** np.arange(len(rewards)) * np.cumprod(ratios) * rewards) / np.sum(ratios))


# %% exercise-7 | wrong | all the terms
def per_decision(ratios, rewards, gamma):
    return gamma ** np.arange(len(rewards)) * np.cumprod(ratios) * rewards


# %% exercise-7 | right | backwards, like the Bellman equation
def per_decision(ratios, rewards, gamma):
    g = 0.0
    for rho, r in zip(ratios[::-1], rewards[::-1]):
        g = rho * (r + gamma * g)
    return g


# %% exercise-7 | right | forwards, in an array of shape ()
def per_decision(ratios, rewards, gamma):
    total, weight = np.array(0.0), 1.0
    for rho, r in zip(ratios, rewards):
        total, weight = total + weight * rho * r, weight * rho * gamma
    return total


# %% exercise-2 | wrong | nan for infinity
def second_moment(left):
    factor = 0.9 / left  # 0.9 left / left^2: what one more step to the left multiplies
    return 0.1 / left / (1 - factor) if factor < 1 else np.nan


# %% exercise-3 | wrong | a return of 0 counts as not visited
def first_visit_returns(states, rewards, gamma):
    returns = {}
    for t, s in enumerate(states):
        if not returns.get(s):
            returns[s] = sum(gamma**k * r for k, r in enumerate(rewards[t:]))
    return returns


# %% exercise-4 | wrong | only the first estimate is saved from nan
def importance_ratio(episode, target, behaviour):
    rho = 1.0
    for s, a in episode:
        rho *= target[s, a] / behaviour[s, a]
    return rho


def estimates(ratios, returns):
    sums, total = np.cumsum(ratios * returns), np.cumsum(ratios)
    with np.errstate(invalid="ignore"):
        weighted = sums / total
    weighted[0] = weighted[0] if total[0] else 0.0
    return sums / np.arange(1, len(sums) + 1), weighted


# %% exercise-5 | wrong | moves by the whole ratio
def update(episode, q, weights, behaviour, gamma):
    g, rho = 0.0, 1.0
    for s, a, r in reversed(episode):
        g = r + gamma * g
        weights[s, a] += rho
        q[s, a] += rho * (g - q[s, a])
        if a != q[s].argmax():
            break
        rho /= behaviour[s, a]
