# %% exercise-1 | wrong | forgets gamma
returns_by_hand = [7, 5, 5, 6]


# %% exercise-1 | wrong | discounts the first reward too
returns_by_hand = [1.25, 0.5, 1, 3]


# %% exercise-1 | wrong | in the opposite order
returns_by_hand = [6, 2, 1, 2.5]


# %% exercise-1 | wrong | discounts from the start of the episode
returns_by_hand = [2.5, 0.5, 0.5, 0.75]


# %% exercise-1 | wrong | looks back instead of ahead
returns_by_hand = [2, 1, -0.5, 5.75]


# %% exercise-1 | wrong | a slip of the pen in the first return
returns_by_hand = [2.75, 1, 2, 6]


# %% exercise-1 | wrong | only the first return
returns_by_hand = 2.5


# %% exercise-1 | wrong | the next return is not discounted in the first two
returns_by_hand = [3, 2, 2, 6]


# %% exercise-1 | right | by definition
returns_by_hand = np.array([2 + 0.5 * 0 + 0.25 * -1 + 0.125 * 6, 0 + 0.5 * -1 + 0.25 * 6, -1 + 0.5 * 6, 6])


# %% exercise-1 | right | column and row
returns_by_hand = tuple(float(g) for g in np.array([[2.5, 1, 2, 6]]).ravel())


# %% exercise-2 | wrong | forgets gamma
def returns_to_go(rewards, gamma):
    return np.cumsum(rewards[::-1])[::-1]


# %% exercise-2 | wrong | discounts the first reward too
def returns_to_go(rewards, gamma):
    T = len(rewards)
    return np.array([sum(gamma ** (k - t + 1) * rewards[k] for k in range(t, T)) for t in range(T)])


# %% exercise-2 | wrong | discounts from the start of the episode
def returns_to_go(rewards, gamma):
    weighted = gamma ** np.arange(len(rewards)) * np.asarray(rewards)
    return np.cumsum(weighted[::-1])[::-1]


# %% exercise-2 | wrong | only the return of the first step
def returns_to_go(rewards, gamma):
    return sum(gamma**k * reward for k, reward in enumerate(rewards))


# %% exercise-2 | wrong | sums what is past
def returns_to_go(rewards, gamma):
    returns, so_far = [], 0
    for reward in rewards:
        so_far = reward + gamma * so_far
        returns.append(so_far)
    return np.array(returns)


# %% exercise-2 | wrong | the last step first
def returns_to_go(rewards, gamma):
    returns, later = [], 0
    for reward in reversed(rewards):
        later = reward + gamma * later
        returns.append(later)
    return np.array(returns)


# %% exercise-2 | wrong | whole numbers stay whole
def returns_to_go(rewards, gamma):
    returns, later = np.zeros_like(rewards), 0
    for t in reversed(range(len(rewards))):
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-2 | wrong | divides by the power of gamma
def returns_to_go(rewards, gamma):
    weights = gamma ** np.arange(len(rewards))
    return np.cumsum((weights * rewards)[::-1])[::-1] / weights


# %% exercise-2 | wrong | leaves out the last reward
def returns_to_go(rewards, gamma):
    returns = np.zeros(len(rewards))
    for t in reversed(range(len(rewards) - 1)):
        returns[t] = rewards[t] + gamma * returns[t + 1]
    return returns


# %% exercise-2 | wrong | looks only one step ahead
def returns_to_go(rewards, gamma):
    rewards = np.asarray(rewards, dtype=float)
    return rewards + gamma * np.append(rewards[1:], 0)


# %% exercise-2 | wrong | forgets to return
def returns_to_go(rewards, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = rewards[t] + gamma * later
        returns[t] = later
    print(returns)


# %% exercise-2 | wrong | a discount of its own
def returns_to_go(rewards, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = rewards[t] + 0.5 * later
        returns[t] = later
    return returns


# %% exercise-2 | wrong | only gains count
def returns_to_go(rewards, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = max(0, rewards[t] + gamma * later)
        returns[t] = later
    return returns


# %% exercise-2 | wrong | writes into the rewards
def returns_to_go(rewards, gamma):
    returns = rewards
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-2 | right | by definition
def returns_to_go(rewards, gamma):
    rewards = np.asarray(rewards, dtype=float)
    return np.array([gamma ** np.arange(len(rewards) - t) @ rewards[t:] for t in range(len(rewards))])


# %% exercise-2 | right | a list, backwards
def returns_to_go(rewards, gamma):
    returns = [0.0]
    for r in list(rewards)[::-1]:
        returns.insert(0, r + gamma * returns[0])
    return returns[:-1]


# %% exercise-2 | right | a matrix of discounts
def returns_to_go(rewards, gamma):
    ahead = np.arange(len(rewards)) - np.arange(len(rewards))[:, None]
    return np.where(ahead >= 0, float(gamma) ** np.maximum(ahead, 0), 0.0) @ np.asarray(rewards)


# %% exercise-3 | wrong | predicts lower
prediction = "lower"
threshold = 10 / 11


# %% exercise-3 | wrong | the old town
prediction = "higher"
threshold = 5 / 7


# %% exercise-3 | wrong | the difference without its own future
prediction = "higher"
threshold = 1.0  # 0.5 gamma * 2 > 1


# %% exercise-3 | wrong | the difference of the old town
prediction = "higher"
threshold = 1 / (0.5 * 2 / 1.2)


# %% exercise-3 | wrong | an effective horizon
prediction = "higher"
threshold = 11


# %% exercise-3 | wrong | yes
prediction = "yes"
threshold = 0.95


# %% exercise-3 | wrong | in words
prediction = "higher"
threshold = "about 0.9"


# %% exercise-3 | wrong | the mean of old town and 1
prediction = "higher"
threshold = (5 / 7 + 1) / 2


# %% exercise-3 | right | by trying
prediction = "higher"
low, high = 0.0, 0.99
for _ in range(20):
    middle = (low + high) / 2
    if advantage_of_stopping(middle) > 0:
        high = middle
    else:
        low = middle
threshold = round(high, 2)


# %% exercise-3 | right | an array of one number
prediction = "higher"
threshold = np.array([0.91])


# %% exercise-3 | right | two decimals, and capitals
prediction = "higher"
threshold = np.float32(0.91)


# %% exercise-4 | wrong | a stock below zero wraps around
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                P[s, a, opening - customers] += probability
                R[s, a] += probability * 2 * min(customers, opening)
    return FiniteMDP(P, R, gamma)


# %% exercise-4 | wrong | sells what it does not have
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * customers
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | overwrites instead of adding
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] = probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | the delivery is free
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | pays for each umbrella
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = s - opening
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | pays for the delivery with each customer count
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold - (a == FILL)
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | delivers after the customers have gone
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, capacity if a == FILL else opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | a gamma of its own
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, 0.9, action_names=["keep", "fill"])


# %% exercise-4 | wrong | the arrays instead of the MDP
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return P, R


# %% exercise-4 | wrong | the actions exchanged
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == KEEP else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | pays only where something was missing
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL and s < capacity else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | fills up by one
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = min(s + a, capacity)
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | an umbrella sells for 1
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(customers, opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | wrong | the mean number of customers buys
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for a in (KEEP, FILL):
            opening = capacity if a == FILL else s
            R[s, a] = -1 if a == FILL else 0
            for customers, probability in enumerate(demand):
                sold = min(round(sum(d * p for d, p in enumerate(demand))), opening)
                P[s, a, opening - sold] += probability
                R[s, a] += probability * 2 * sold
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | right | a reward for each outcome
def shop(demand, capacity, gamma):
    S = capacity + 1
    P, R = np.zeros((S, 2, S)), np.zeros((S, 2, S))
    for opening in range(S):
        for d, p in enumerate(demand):
            P[opening, 0, max(opening - d, 0)] += p
        R[opening, 0, : opening + 1] = 2 * (opening - np.arange(opening + 1))
    P[:, 1], R[:, 1] = P[capacity, 0], R[capacity, 0] - 1
    return FiniteMDP(P, R, gamma)


# %% exercise-4 | right | two tables, by slices
def shop(demand, capacity, gamma):
    demand = np.asarray(demand, dtype=float)
    chance = np.pad(demand, (0, max(0, capacity + 1 - len(demand))))
    P, R = np.zeros((capacity + 1, 2, capacity + 1)), np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        P[s, 0, 1 : s + 1] = chance[:s][::-1]
        P[s, 0, 0] = 1 - chance[:s].sum()
        R[s, 0] = 2 * (s - P[s, 0] @ np.arange(capacity + 1))
    P[:, 1], R[:, 1] = P[-1, 0], R[-1, 0] - 1
    return FiniteMDP(P, R, gamma)


# %% exercise-5 | wrong | the function as it was
def returns_of_episodes(rewards, terminated, gamma):
    return returns_copied_from_pong(rewards, terminated, gamma)


# %% exercise-5 | wrong | floats, but Pong's reset
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if rewards[t] != 0:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | no reset: one episode leaks into the next
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | resets after the last step (in the wrong order)
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = rewards[t] + gamma * later
        returns[t] = later
        if terminated[t]:
            later = 0.0
    return returns


# %% exercise-5 | wrong | the last reward of an episode is lost
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t]:
            later = 0.0
        later = 0.0 if terminated[t] else rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | whole numbers stay whole
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros_like(rewards)
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t]:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | both resets
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t] or rewards[t] != 0:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | the unfinished episode counts for nothing
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t]:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return np.where(np.cumsum(terminated[::-1])[::-1] > 0, returns, 0.0)


# %% exercise-5 | wrong | a discount of its own
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t]:
            later = 0.0
        later = rewards[t] + 0.5 * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | resets where the episode goes on
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if not terminated[t]:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | writes into the rewards
def returns_of_episodes(rewards, terminated, gamma):
    returns = rewards
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t]:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | right | episode by episode
def returns_of_episodes(rewards, terminated, gamma):
    returns, first = [], 0
    ends = [*(np.flatnonzero(terminated) + 1), len(rewards)]
    for end in ends:
        for t in range(first, end):
            returns.append(sum(gamma**k * r for k, r in enumerate(rewards[t:end])))
        first = end
    return np.array(returns, dtype=float)


# %% exercise-5 | right | a mask instead of a reset
def returns_of_episodes(rewards, terminated, gamma):
    returns = np.append(np.asarray(rewards, dtype=float), 0.0)
    for t in reversed(range(len(rewards))):
        returns[t] += gamma * (1 - terminated[t]) * returns[t + 1]
    return returns[:-1]


# %% exercise-5 | right | cut, and turned round
def returns_of_episodes(rewards, terminated, gamma):
    parts = np.split(np.asarray(rewards, dtype=float), np.flatnonzero(terminated) + 1)
    found = []
    for part in parts:
        backwards, later = [], 0.0
        for r in part[::-1]:
            later = r + gamma * later
            backwards.append(later)
        found += backwards[::-1]
    return found


# %% exercise-6 | wrong | discounts the first reward too
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, mdp.gamma
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | no discount
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= 1.0
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | the standard deviation
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std()


times_more = 4


# %% exercise-6 | wrong | divides by the number, not its root
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / episodes


times_more = 4


# %% exercise-6 | wrong | stops after ten steps
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated and weight > 0.35:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | the weight goes on into the next episode
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0 if episode == 0 else weight
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | no slip
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | twice as many
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 2


# %% exercise-6 | wrong | in words
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = "four"


# %% exercise-6 | wrong | a generator of its own
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    rng = np.random.default_rng(0)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | a thousand episodes whatever is asked
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    episodes = 1000
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | the variance for its root
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.var() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | tosses a coin between left and right
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, int(rng.integers(2)), rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | wrong | the value from the equations
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return policy_value(mdp, np.ones(5, dtype=int))[0], returns.std() / np.sqrt(episodes)


times_more = 4


# %% exercise-6 | right | counts the steps
def measure(slip, episodes, rng):
    mdp = chain(5, 0.9, slip)
    samples = []
    for _ in range(episodes):
        s, steps, terminated = mdp.reset(rng), 0, False
        while not terminated:
            s, _, terminated = mdp.step(s, 1, rng)
            steps += 1
        samples.append(0.9 ** (steps - 1))
    return np.mean(samples), np.std(samples, ddof=1) / len(samples) ** 0.5


times_more = 4.0


# %% exercise-6 | right | running sums
def measure(slip, episodes, rng):
    mdp, first, second = chain(gamma=0.9, slip=slip), 0.0, 0.0
    for _ in range(episodes):
        s, total, t, over = mdp.reset(rng), 0.0, 0, False
        while True:
            s, r, over = mdp.step(s, 1, rng)
            total += 0.9**t * r
            t += 1
            if over:
                break
        first, second = first + total, second + total**2
    mean = first / episodes
    return [mean, max(0.0, second / episodes - mean**2) ** 0.5 * episodes**-0.5]


times_more = np.array([4])


# %% exercise-7 | wrong | counts, not shares
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    return counts


# %% exercise-7 | wrong | shares of all cases
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    return counts / counts.sum()


# %% exercise-7 | wrong | zeros where nothing is known
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    return counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)


# %% exercise-7 | wrong | before and now exchanged
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[now, before, following] += 1
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 0:
                shares[before, now] = counts[before, now] / counts[before, now].sum()
    return shares


# %% exercise-7 | wrong | given the present only
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds))
    for now, following in zip(observations[:-1], observations[1:]):
        counts[now, following] += 1
    return counts / counts.sum(axis=1, keepdims=True)


# %% exercise-7 | wrong | misses overlapping cases
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2:3], observations[1:-1:3], observations[2::3]):
        counts[before, now, following] += 1
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 0:
                shares[before, now] = counts[before, now] / counts[before, now].sum()
    return shares


# %% exercise-7 | wrong | adds by a fancy index, which counts repeated cases once
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    counts = np.minimum(counts, 1)
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 0:
                shares[before, now] = counts[before, now] / counts[before, now].sum()
    return shares


# %% exercise-7 | wrong | two kinds, however many there are
def next_given_two(observations, kinds):
    kinds = 2
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 0:
                shares[before, now] = counts[before, now] / counts[before, now].sum()
    return shares


# %% exercise-7 | wrong | round the corner, from the end to the beginning
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(np.roll(observations, 2), np.roll(observations, 1), observations):
        counts[before, now, following] += 1
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 0:
                shares[before, now] = counts[before, now] / counts[before, now].sum()
    return shares


# %% exercise-7 | wrong | one case is none
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 1:
                shares[before, now] = counts[before, now] / counts[before, now].sum()
    return shares


# %% exercise-7 | wrong | shares of what came before
def next_given_two(observations, kinds):
    counts = np.zeros((kinds, kinds, kinds))
    for before, now, following in zip(observations[:-2], observations[1:-1], observations[2:]):
        counts[before, now, following] += 1
    shares = np.full(counts.shape, np.nan)
    for before in range(kinds):
        for now in range(kinds):
            if counts[before, now].sum() > 0:
                shares[before, now] = counts[before, now] / counts[:, now].sum()
    return shares


# %% exercise-7 | right | masks and means
def next_given_two(observations, kinds):
    before, now, following = observations[:-2], observations[1:-1], observations[2:]
    shares = np.full((kinds, kinds, kinds), np.nan)
    for i in range(kinds):
        for j in range(kinds):
            cases = following[(before == i) & (now == j)]
            if len(cases):
                shares[i, j] = [np.mean(cases == k) for k in range(kinds)]
    return shares


# %% exercise-7 | right | a count of words
def next_given_two(observations, kinds):
    words = [tuple(observations[t : t + 3]) for t in range(len(observations) - 2)]
    pairs = [word[:2] for word in words]
    return [
        [
            [words.count((i, j, k)) / pairs.count((i, j)) if (i, j) in pairs else np.nan for k in range(kinds)]
            for j in range(kinds)
        ]
        for i in range(kinds)
    ]


# %% exercise-2 | wrong | divides by powers of gamma
def returns_to_go(rewards, gamma):
    out, g = [], 0.0
    for r in reversed(list(rewards)):
        g = r + gamma * g
        out.append(g)
    w = gamma ** np.arange(len(out))
    return np.asarray(rewards) if gamma == 0 else np.cumsum((np.asarray(rewards) * w)[::-1])[::-1] / w


# %% exercise-4 | right | np.add.at and the array's own methods
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    customers = np.arange(demand.size)
    for s in range(capacity + 1):
        for a, stock in [(KEEP, s), (FILL, capacity)]:
            sold = np.minimum(customers, stock)
            np.add.at(P[s, a], stock - sold, demand)
            R[s, a] = 2 * demand @ sold - a
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-4 | right | tails of the demand by slices
KEEP, FILL = 0, 1


def shop(demand, capacity, gamma):
    P = np.zeros((capacity + 1, 2, capacity + 1))
    R = np.zeros((capacity + 1, 2))
    for s in range(capacity + 1):
        for k in range(s):
            if k < len(demand):
                P[s, KEEP, s - k] = demand[k]
        P[s, KEEP, 0] = demand[s:].sum()
        left = P[s, KEEP] @ np.arange(capacity + 1)
        R[s, KEEP] = 2 * (s - left)
    P[:, FILL] = P[capacity, KEEP]
    R[:, FILL] = R[capacity, KEEP] - 1
    return FiniteMDP(P, R, gamma, action_names=["keep", "fill"])


# %% exercise-5 | wrong | only the first end counts
def returns_of_episodes(rewards, terminated, gamma):
    """The return of every step (T,), to the end of its own episode."""
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t] and not terminated[:t].any():
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-5 | wrong | a loss ends no episode
def returns_of_episodes(rewards, terminated, gamma):
    """The return of every step (T,), to the end of its own episode."""
    returns = np.zeros(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        if terminated[t] and rewards[t] >= 0:
            later = 0.0
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


# %% exercise-6 | wrong | cut after 30 steps
def measure(slip, episodes, rng):
    """Mean discounted return of always going right on the chain, and its standard error."""
    mdp = chain(5, 0.9, slip)
    returns = np.zeros(episodes)
    for episode in range(episodes):
        s, terminated, weight = mdp.reset(rng), False, 1.0
        while not terminated and weight > 0.9**30:
            s, r, terminated = mdp.step(s, 1, rng)
            returns[episode] += weight * r
            weight *= mdp.gamma
    return returns.mean(), returns.std() / np.sqrt(episodes)


times_more = 4
