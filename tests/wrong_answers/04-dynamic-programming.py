# %% exercise-1 | wrong | six dollars staked at once
chances = [0.064, 0.16, 0.16, 0.4, 0.4, 0.4, 0.4]
stakes_at_5 = [3]


# %% exercise-1 | wrong | heads with 0.6
chances = list(value_iteration(gambler(0.6, goal=8), tol=1e-12).v[1:8])
stakes_at_5 = [1]


# %% exercise-1 | wrong | proportional to the capital
chances = [s / 8 * 0.8 for s in range(1, 8)]
stakes_at_5 = [1, 2, 3]


# %% exercise-1 | wrong | two digits only and one stake
chances = [0.06, 0.16, 0.26, 0.4, 0.5, 0.64, 0.78]
stakes_at_5 = 3


# %% exercise-1 | right | by value iteration
chances = value_iteration(gambler(0.4, goal=8), tol=1e-12).v[1:8]
stakes_at_5 = np.array([3, 1])


# %% exercise-2 | wrong | the tail cut off
def number_rented(cars, mean):
    return np.array([math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars + 1)])


# %% exercise-2 | wrong | divided by the sum
def number_rented(cars, mean):
    p = np.array([math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars + 1)])
    return p / p.sum()


# %% exercise-2 | wrong | one case too few
def number_rented(cars, mean):
    return np.array([math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars)])


# %% exercise-2 | wrong | forgets the factorial
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k for k in range(cars)]
    return np.array([*fewer, 1 - sum(fewer)])


# %% exercise-2 | wrong | the mean number
def number_rented(cars, mean):
    return min(cars, mean)


# %% exercise-2 | right | one after the other
def number_rented(cars, mean):
    answer, p = [], math.exp(-mean)
    for k in range(cars):
        answer.append(p)
        p *= mean / (k + 1)
    return [*answer, 1 - sum(answer)]


# %% exercise-3 | wrong | one state a sweep
evens_first, odds_first, there_and_back = 30, 30, 30


# %% exercise-3 | wrong | the two exchanged
evens_first, odds_first, there_and_back = 15, 16, 15


# %% exercise-3 | wrong | two sweeps for the round trip
evens_first, odds_first, there_and_back = 15, 15, 2


# %% exercise-3 | right | by running it
halves = np.arange(0, 31, 2), np.arange(1, 31, 2)
orders = [np.r_[halves[0], halves[1]], np.r_[halves[1], halves[0]], np.r_[0:31, 30:-1:-1]]
evens_first, odds_first, there_and_back = (
    int(np.argmax(gauss_seidel_value_iteration(chain(31), order=order).values[:, 0] > 0)) for order in orders
)


# %% exercise-4 | wrong | synchronous
def sweep(P, R, gamma, v, order):
    backed_up = (R + gamma * P @ v).max(axis=1)
    answer = v.copy()
    for s in order:
        answer[s] = backed_up[s]
    return answer


# %% exercise-4 | wrong | changes the caller's v
def sweep(P, R, gamma, v, order):
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ v).max()
    return v


# %% exercise-4 | wrong | its own order
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in range(len(v)):
        v[s] = (R[s] + gamma * P[s] @ v).max()
    return v


# %% exercise-4 | wrong | forgets gamma
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = (R[s] + P[s] @ v).max()
    return v


# %% exercise-4 | wrong | each state once, sorted
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in sorted(set(order), reverse=True):
        v[s] = (R[s] + gamma * P[s] @ v).max()
    return v


# %% exercise-4 | wrong | forgets to return
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ v).max()


# %% exercise-4 | right | sums written out
def sweep(P, R, gamma, v, order):
    new = list(v)
    for s in order:
        new[s] = max(R[s, a] + gamma * sum(p * worth for p, worth in zip(P[s, a], new)) for a in range(R.shape[1]))
    return np.array(new)


# %% exercise-5 | wrong | as given
def patient_value_iteration(mdp, tol=1e-6):
    return hasty_value_iteration(mdp, tol)


# %% exercise-5 | wrong | a fixed number of sweeps
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    for _ in range(10):
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
    return v


# %% exercise-5 | wrong | the smallest move
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = np.inf
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = min(moved, abs(v[s] - old))
        if moved < tol:
            return v


# %% exercise-5 | wrong | moves that cancel
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, old - v[s])
        if moved < tol:
            return v


# %% exercise-5 | right | compared with a copy
def patient_value_iteration(mdp, tol=1e-6):
    v, before = np.zeros(mdp.num_states), np.full(mdp.num_states, np.inf)
    while not np.abs(v - before).max() < tol:
        before = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
    return v


# %% exercise-6 | wrong | another evening
def evening(**change):
    return policy_iteration(car_rental(**change)).v[10 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening(parking_fee=4)


# %% exercise-6 | wrong | signs exchanged, effects added
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening() - evening(free_moves=1)
parking = evening(parking_fee=4) - evening()
together = evening() - employee + parking
helps_with_parking = -employee


# %% exercise-6 | wrong | the old policy kept
def evening(**change):
    from rlbook.tabular.bellman import policy_value

    return policy_value(car_rental(**change), policy_iteration(car_rental()).policy)[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening(parking_fee=4)


# %% exercise-6 | right | by value iteration
worth = {
    (help, fee): value_iteration(car_rental(free_moves=help, parking_fee=fee), tol=1e-4).v[220]
    for help in (0, 1)
    for fee in (0, 4)
}
employee, parking = worth[1, 0] - worth[0, 0], worth[0, 0] - worth[0, 4]
together, helps_with_parking = worth[1, 4], worth[1, 4] - worth[0, 4]


# %% exercise-7 | wrong | greedy for the same row
def with_limit(mdp, steps):
    v = value_iteration(mdp, tol=1e-12).values
    while len(v) <= steps:
        v = np.vstack([v, v[-1]])
    v = v[: steps + 1]
    return v, np.array([bellman_optimality(mdp, row).argmax(axis=1) for row in v])


# %% exercise-7 | wrong | in the order of time
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in reversed(range(steps)):
        q = bellman_optimality(mdp, v[k + 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v, policy


# %% exercise-7 | wrong | one policy for all times
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    for k in range(1, steps + 1):
        v[k] = bellman_optimality(mdp, v[k - 1]).max(axis=1)
    return v, np.tile(value_iteration(mdp).policy, (steps + 1, 1))


# %% exercise-7 | wrong | only the last row
def with_limit(mdp, steps):
    v = np.zeros(mdp.num_states)
    for _ in range(steps):
        q = bellman_optimality(mdp, v)
        v = q.max(axis=1)
    return v, q.argmax(axis=1)


# %% exercise-7 | right | lists that grow
def with_limit(mdp, steps):
    v, policy = [np.zeros(mdp.num_states)], [np.zeros(mdp.num_states, dtype=int)]
    while len(v) <= steps:
        q = mdp.R + mdp.expect(np.where(mdp.terminal, 0, v[-1]))
        policy.append(q.argmax(axis=1))
        v.append(q[np.arange(len(q)), policy[-1]])
    return np.array(v), np.array(policy)
