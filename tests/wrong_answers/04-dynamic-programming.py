# %% exercise-1 | wrong | whoever loses is out of the game
chances = [0.064, 0.16, 0.16, 0.4, 0.4, 0.4, 0.4]
stakes_at_5 = [1, 3]


# %% exercise-1 | wrong | heads with 0.6
chances = [0.216, 0.36, 0.504, 0.6, 0.744, 0.84, 0.936]
stakes_at_5 = [1, 3]


# %% exercise-1 | wrong | proportional to the capital
chances = [s / 8 * 0.8 for s in range(1, 8)]
stakes_at_5 = [1, 3]


# %% exercise-1 | wrong | two digits only
chances = [0.06, 0.16, 0.26, 0.4, 0.5, 0.64, 0.78]
stakes_at_5 = [1, 3]


# %% exercise-1 | wrong | one dollar at a time
chances = [(1.5**s - 1) / (1.5**8 - 1) for s in range(1, 8)]
stakes_at_5 = [1, 3]


# %% exercise-1 | wrong | from 5 to 8 or to 3
chances = [0.4 * 0.16, 0.16, 0.4 * 0.64, 0.4, 0.4 + 0.6 * 0.256, 0.64, 0.4 + 0.6 * 0.64]
stakes_at_5 = [1, 3]


# %% exercise-1 | wrong | one of the best stakes
chances = [0.4 * 0.16, 0.16, 0.4 * 0.64, 0.4, 0.4 + 0.6 * 0.16, 0.64, 0.4 + 0.6 * 0.64]
stakes_at_5 = [3]


# %% exercise-1 | wrong | all stakes
chances = [0.4 * 0.16, 0.16, 0.4 * 0.64, 0.4, 0.4 + 0.6 * 0.16, 0.64, 0.4 + 0.6 * 0.64]
stakes_at_5 = [1, 2, 3]


# %% exercise-1 | wrong | a stake, not a list
chances = [0.4 * 0.16, 0.16, 0.4 * 0.64, 0.4, 0.4 + 0.6 * 0.16, 0.64, 0.4 + 0.6 * 0.64]
stakes_at_5 = 3


# %% exercise-1 | right | by value iteration
chances = value_iteration(gambler(0.4, goal=8), tol=1e-12).v[1:8]
stakes_at_5 = np.array([3, 1])


# %% exercise-1 | right | rounded to three decimals, the stakes as a set in a tuple
chances = (0.064, 0.16, 0.256, 0.4, 0.496, 0.64, 0.784)
stakes_at_5 = tuple({3.0, 1.0})


# %% exercise-2 | wrong | the tail cut off
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars)]
    return np.array([*fewer, math.exp(-mean) * mean**cars / math.factorial(cars)])


# %% exercise-2 | wrong | divided by the sum
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars)]
    p = np.array([*fewer, math.exp(-mean) * mean**cars / math.factorial(cars)])
    return p / p.sum()


# %% exercise-2 | wrong | one case too few
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars)]
    return np.array(fewer)


# %% exercise-2 | wrong | forgets the factorial
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k for k in range(cars)]
    return np.array([*fewer, 1 - sum(fewer)])


# %% exercise-2 | wrong | forgets the exponential
def number_rented(cars, mean):
    fewer = [mean**k / math.factorial(k) for k in range(cars)]
    return np.array([*fewer, 1 - sum(fewer)])


# %% exercise-2 | wrong | the mean number
def number_rented(cars, mean):
    return min(cars, mean)


# %% exercise-2 | wrong | a mean of 3
def number_rented(cars, mean):
    fewer = [math.exp(-3) * 3**k / math.factorial(k) for k in range(cars)]
    return np.array([*fewer, 1 - sum(fewer)])


# %% exercise-2 | wrong | at least one car
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars)]
    return np.array([*fewer, 1 - sum(fewer)] if cars else [0.0, 1.0])


# %% exercise-2 | wrong | forgets to return
def number_rented(cars, mean):
    fewer = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(cars)]
    np.array([*fewer, 1 - sum(fewer)])


# %% exercise-2 | right | one after the other
def number_rented(cars, mean):
    answer, p = [], math.exp(-mean)
    for k in range(cars):
        answer.append(p)
        p *= mean / (k + 1)
    return [*answer, 1 - sum(answer)]


# %% exercise-2 | right | with the factorials as logarithms
def number_rented(cars, mean):
    k = np.arange(cars + 1)
    p = np.exp(k * np.log(mean) - mean - np.array([math.lgamma(n + 1) for n in k]))
    p[-1] = 1 - p[:-1].sum()
    return p


# %% exercise-3 | wrong | one state a sweep
evens_first = 30
odds_first = 15
there_and_back = 1


# %% exercise-3 | wrong | one state a sweep, odds first
evens_first = 16
odds_first = 30
there_and_back = 1


# %% exercise-3 | wrong | the two exchanged
evens_first = 15
odds_first = 16
there_and_back = 1


# %% exercise-3 | wrong | two sweeps for the round trip
evens_first = 16
odds_first = 15
there_and_back = 2


# %% exercise-3 | wrong | half of the states for the round trip
evens_first = 16
odds_first = 15
there_and_back = 15


# %% exercise-3 | wrong | sweeps counted from 0
evens_first = 16
odds_first = 15
there_and_back = 0


# %% exercise-3 | wrong | the orders in a list
evens_first = 16
odds_first = [15]
there_and_back = 1


# %% exercise-3 | right | by running it
halves = np.arange(0, 31, 2), np.arange(1, 31, 2)
orders = [np.r_[halves[0], halves[1]], np.r_[halves[1], halves[0]], np.r_[0:31, 30:-1:-1]]
evens_first, odds_first, there_and_back = (
    int(np.argmax(gauss_seidel_value_iteration(chain(31), order=order).values[:, 0] > 0)) for order in orders
)


# %% exercise-3 | right | as floats and NumPy's numbers
evens_first, odds_first, there_and_back = 16.0, np.int64(15), np.array(1)


# %% exercise-4 | wrong | synchronous (in two lines)
def sweep(P, R, gamma, v, order):
    old, v = v, v.copy()
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ old).max()
    return v


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


# %% exercise-4 | wrong | returns after the first state
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ v).max()
        return v


# %% exercise-4 | wrong | starts at 0
def sweep(P, R, gamma, v, order):
    v = np.zeros(len(v))
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ v).max()
    return v


# %% exercise-4 | wrong | never below 0
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = max(0, (R[s] + gamma * P[s] @ v).max())
    return v


# %% exercise-4 | wrong | the mean over the actions
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ v).mean()
    return v


# %% exercise-4 | wrong | a discount of 0.9
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = (R[s] + 0.9 * P[s] @ v).max()
    return v


# %% exercise-4 | wrong | the worst action
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = (R[s] + gamma * P[s] @ v).min()
    return v


# %% exercise-4 | right | sums written out
def sweep(P, R, gamma, v, order):
    new = list(v)
    for s in order:
        new[s] = max(R[s, a] + gamma * sum(p * worth for p, worth in zip(P[s, a], new)) for a in range(R.shape[1]))
    return np.array(new)


# %% exercise-4 | right | all backups, of which one is taken
def sweep(P, R, gamma, v, order):
    new = np.array(v, dtype=float)
    for s in order:
        new[s] = np.max(R + gamma * np.einsum("sat,t->sa", P, new), axis=1)[s]
    return new


# %% exercise-5 | wrong | as given
def patient_value_iteration(mdp, tol=1e-6):
    return hasty_value_iteration(mdp, tol)


# %% exercise-5 | wrong | a fixed number of sweeps (in two lines)
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    for _ in range(10):
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, abs(v[s] - old))
    return v


# %% exercise-5 | wrong | the smallest move (in two lines)
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


# %% exercise-5 | wrong | only falls count
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


# %% exercise-5 | wrong | only rises count
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, v[s] - old)
        if moved < tol:
            return v


# %% exercise-5 | wrong | the move of the last state
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = abs(v[s] - old)
        if moved < tol:
            return v


# %% exercise-5 | wrong | stops at a move of tol
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, abs(v[s] - old))
        if moved <= tol:
            return v


# %% exercise-5 | wrong | a tolerance of its own
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, abs(v[s] - old))
        if moved < 1e-6:
            return v


# %% exercise-5 | wrong | synchronous sweeps (in two lines)
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved, before = 0.0, v.copy()
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, before)[s].max()
            moved = max(moved, abs(v[s] - old))
        if moved < tol:
            return v


# %% exercise-5 | wrong | the sum of the moves
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    while True:
        moved = 0.0
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = moved + abs(v[s] - old)
        if moved < tol:
            return v


# %% exercise-5 | wrong | the largest move of all sweeps
def patient_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    moved = 0.0
    for _ in range(1000):
        for s in range(mdp.num_states):
            old = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, abs(v[s] - old))
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


# %% exercise-5 | right | a flag in the place of the largest move
def patient_value_iteration(mdp, tol=1e-6):
    v, settled = np.zeros(mdp.num_states), False
    while not settled:
        settled = True
        for s in range(mdp.num_states):
            best = max(
                mdp.R[s, a] + mdp.gamma * mdp.P[s, a] @ np.where(mdp.terminal, 0, v) for a in range(mdp.num_actions)
            )
            settled &= bool(abs(best - v[s]) < tol)
            v[s] = best
    return v


# %% exercise-6 | wrong | another evening
def evening(**change):
    return policy_iteration(car_rental(**change)).v[10 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening(parking_fee=4)


# %% exercise-6 | wrong | the employee's sign
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening() - evening(free_moves=1)
parking = evening() - evening(parking_fee=4)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening(parking_fee=4)


# %% exercise-6 | wrong | the sign of the parking
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening(parking_fee=4) - evening()
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening(parking_fee=4)


# %% exercise-6 | wrong | effects added
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = evening() + employee - parking
helps_with_parking = evening(free_moves=1, parking_fee=4) - evening(parking_fee=4)


# %% exercise-6 | wrong | helps as without parking
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = employee


# %% exercise-6 | wrong | compared with the original problem
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening()


# %% exercise-6 | wrong | a fee of 2
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=2)
together = evening(free_moves=1, parking_fee=4)
helps_with_parking = together - evening(parking_fee=4)


# %% exercise-6 | wrong | rounded to dollars
def evening(**change):
    return policy_iteration(car_rental(**change)).v[21 * 10 + 10]


employee = evening(free_moves=1) - evening()
parking = evening() - evening(parking_fee=4)
together = round(evening(free_moves=1, parking_fee=4))
helps_with_parking = evening(free_moves=1, parking_fee=4) - evening(parking_fee=4)


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


# %% exercise-6 | right | as floats of Python, in another order
base, help, fee, both = (
    float(policy_iteration(car_rental(free_moves=f, parking_fee=p)).v.reshape(21, 21)[10, 10])
    for f, p in [(0, 0), (1, 0), (0, 4), (1, 4)]
)
together, parking = both, base - fee
helps_with_parking, employee = both - fee, help - base


# %% exercise-7 | wrong | greedy for the same row
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k] = q.max(axis=1)
        policy[k] = bellman_optimality(mdp, v[k]).argmax(axis=1)
    return v, policy


# %% exercise-7 | wrong | in the order of time
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v[::-1], policy[::-1]


# %% exercise-7 | wrong | one policy for all times
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v, np.tile(policy[-1], (steps + 1, 1))


# %% exercise-7 | wrong | only the last row
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v[-1], policy[-1]


# %% exercise-7 | wrong | the policy first
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return policy, v


# %% exercise-7 | wrong | the values alone
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v


# %% exercise-7 | wrong | never below 0
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = np.maximum(0, q.max(axis=1)), q.argmax(axis=1)
    return v, policy


# %% exercise-7 | wrong | the policy in floats
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states))
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v, policy


# %% exercise-7 | wrong | begins with the rewards
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    v[0] = mdp.R.max(axis=1)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v, policy


# %% exercise-7 | wrong | stops when the values settle
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return value_iteration(mdp).values[: steps + 1], policy


# %% exercise-7 | wrong | one step too many
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q.argmax(axis=1)
    return v[1:], policy[1:]


# %% exercise-7 | right | lists that grow
def with_limit(mdp, steps):
    v, policy = [np.zeros(mdp.num_states)], [np.zeros(mdp.num_states, dtype=int)]
    while len(v) <= steps:
        q = mdp.R + mdp.expect(np.where(mdp.terminal, 0, v[-1]))
        policy.append(q.argmax(axis=1))
        v.append(q[np.arange(len(q)), policy[-1]])
    return np.array(v), np.array(policy)


# %% exercise-7 | right | recursive, with the last of equal actions
def with_limit(mdp, steps):
    if steps == 0:
        return np.zeros((1, mdp.num_states)), np.zeros((1, mdp.num_states), dtype=int)
    v, policy = with_limit(mdp, steps - 1)
    q = bellman_optimality(mdp, v[-1])
    best = mdp.num_actions - 1 - q[:, ::-1].argmax(axis=1)
    return np.vstack([v, q.max(axis=1)]), np.vstack([policy, best])


# %% exercise-2 | wrong | integer factorials that overflow
def number_rented(cars, mean):
    factorials = np.concatenate([[1], np.cumprod(np.arange(1, max(cars, 1)))])
    fewer = [math.exp(-mean) * mean**k / factorials[k] for k in range(cars)]
    return np.array([*fewer, 1 - sum(fewer)])


# %% exercise-2 | wrong | the tail is cut at 20 customers
def number_rented(cars, mean):
    rented = np.zeros(cars + 1)
    for k in range(20):
        rented[min(k, cars)] += math.exp(-mean) * mean**k / math.factorial(k)
    return rented


# %% exercise-4 | wrong | knows only two actions
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = max(R[s, a] + gamma * P[s, a] @ v for a in (0, 1))
    return v


# %% exercise-4 | wrong | counts the actions by the states
def sweep(P, R, gamma, v, order):
    v = v.copy()
    for s in order:
        v[s] = max(R[s, a] + gamma * P[s, a] @ v for a in range(min(len(P), R.shape[1])))
    return v


# %% exercise-7 | wrong | the policy knows only two actions
def with_limit(mdp, steps):
    v = np.zeros((steps + 1, mdp.num_states))
    policy = np.zeros((steps + 1, mdp.num_states), dtype=int)
    for k in range(1, steps + 1):
        q = bellman_optimality(mdp, v[k - 1])
        v[k], policy[k] = q.max(axis=1), q[:, 1] > q[:, 0]
    return v, policy
