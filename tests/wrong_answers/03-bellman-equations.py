# %% exercise-1 | wrong | forgets gamma
q_red, q_green = [2.8, 2.2], [2.0, 4.4]
backed_up, best = [2.8, 4.4], ["stop", "go"]


# %% exercise-1 | wrong | discounts the reward too
q_red, q_green = [0.9 * 2.8, 0.9 * 2.2], [0.9 * 2.0, 0.9 * 4.4]
backed_up, best = [0.9 * 2.8, 0.9 * 4.4], ["stop", "go"]


# %% exercise-1 | wrong | leaves out the rewards
q_red, q_green = [3.42, 1.98], [2.7, 3.06]
backed_up, best = [3.42, 3.06], ["stop", "go"]


# %% exercise-1 | wrong | takes red for green
q_red, q_green = [0.98, 3.42], [1.7, 3.34]
backed_up, best = [3.42, 3.34], ["go", "go"]


# %% exercise-1 | wrong | go first, then stop
q_red, q_green = [1.98, 2.42], [4.06, 1.7]
backed_up, best = [2.42, 4.06], ["stop", "go"]


# %% exercise-1 | wrong | averages the actions
q_red, q_green = [2.42, 1.98], [1.7, 4.06]
backed_up, best = [2.2, 2.88], ["stop", "go"]


# %% exercise-1 | wrong | one slip of the pen
q_red, q_green = [2.42, 1.98], [1.9, 4.06]
backed_up, best = [2.42, 4.06], ["stop", "go"]


# %% exercise-1 | wrong | always goes
q_red, q_green = [2.42, 1.98], [1.7, 4.06]
backed_up, best = [1.98, 4.06], ["go", "go"]


# %% exercise-1 | wrong | only one number for red
q_red, q_green = 2.42, [1.7, 4.06]
backed_up, best = [2.42, 4.06], ["stop", "go"]


# %% exercise-1 | wrong | adds the two actions up
q_red = [-1 + 0.9 * (0.1 * 2 + 0.9 * 4), 0 + 0.9 * (0.9 * 2 + 0.1 * 4)]
q_green = [-1 + 0.9 * (0.5 * 2 + 0.5 * 4), 1 + 0.9 * (0.3 * 2 + 0.7 * 4)]
backed_up = [sum(q_red), sum(q_green)]
best = ["stop", "go"]


# %% exercise-1 | wrong | the actions of green and red
q_red = [-1 + 0.9 * (0.1 * 2 + 0.9 * 4), 0 + 0.9 * (0.9 * 2 + 0.1 * 4)]
q_green = [-1 + 0.9 * (0.5 * 2 + 0.5 * 4), 1 + 0.9 * (0.3 * 2 + 0.7 * 4)]
backed_up = [max(q_red), max(q_green)]
best = ["go", "stop"]


# %% exercise-1 | right | decimals worked out
q_red = (2.42, 1.98)
q_green = np.array([1.7, 4.06])
backed_up = (2.42, 4.06)
best = ("stop", "go")


# %% exercise-1 | right | rounded, in other types
q_red = np.array([2.42, 1.98])
q_green = (1.7, 4.06)
backed_up = np.maximum([2.42, 1.7], [1.98, 4.06])
best = np.array(["stop", "go"])


# %% exercise-2 | wrong | forgets gamma
def expectation_backup(P, R, gamma, terminal, v, policy):
    return (policy * (R + P @ np.where(terminal, 0.0, v))).sum(axis=1)


# %% exercise-2 | wrong | discounts the reward too
def expectation_backup(P, R, gamma, terminal, v, policy):
    return (policy * gamma * (R + P @ np.where(terminal, 0.0, v))).sum(axis=1)


# %% exercise-2 | wrong | transposes P
def expectation_backup(P, R, gamma, terminal, v, policy):
    q = R + gamma * np.einsum("tas,t->sa", P, np.where(terminal, 0.0, v))
    return (policy * q).sum(axis=1)


# %% exercise-2 | wrong | bootstraps through a terminal state
def expectation_backup(P, R, gamma, terminal, v, policy):
    return (policy * (R + gamma * P @ v)).sum(axis=1)


# %% exercise-2 | wrong | plain mean over the actions
def expectation_backup(P, R, gamma, terminal, v, policy):
    return (R + gamma * P @ np.where(terminal, 0.0, v)).mean(axis=1)


# %% exercise-2 | wrong | the best action
def expectation_backup(P, R, gamma, terminal, v, policy):
    return (R + gamma * P @ np.where(terminal, 0.0, v)).max(axis=1)


# %% exercise-2 | wrong | sums over the states
def expectation_backup(P, R, gamma, terminal, v, policy):
    return (policy * (R + gamma * P @ np.where(terminal, 0.0, v))).sum(axis=0)


# %% exercise-2 | wrong | returns the table
def expectation_backup(P, R, gamma, terminal, v, policy):
    return policy * (R + gamma * P @ np.where(terminal, 0.0, v))


# %% exercise-2 | wrong | forgets to return
def expectation_backup(P, R, gamma, terminal, v, policy):
    q = R + gamma * P @ np.where(terminal, 0.0, v)
    (policy * q).sum(axis=1)


# %% exercise-2 | wrong | forgets the reward of the step into the end
def expectation_backup(P, R, gamma, terminal, v, policy):
    q = R * (1 - P @ terminal) + gamma * P @ np.where(terminal, 0.0, v)
    return (policy * q).sum(axis=1)


# %% exercise-2 | wrong | a discount of its own
def expectation_backup(P, R, gamma, terminal, v, policy):
    q = R + 0.9 * (P @ np.where(terminal, 0.0, v))
    return (policy * q).sum(axis=1)


# %% exercise-2 | wrong | changes v in place
def expectation_backup(P, R, gamma, terminal, v, policy):
    v[terminal] = 0.0
    q = R + gamma * (P @ v)
    return (policy * q).sum(axis=1)


# %% exercise-2 | wrong | terminal states alone are worth something
def expectation_backup(P, R, gamma, terminal, v, policy):
    q = R + gamma * (P @ np.where(terminal, v, 0.0))
    return (policy * q).sum(axis=1)


# %% exercise-2 | wrong | nothing below zero
def expectation_backup(P, R, gamma, terminal, v, policy):
    q = R + gamma * (P @ np.where(terminal, 0.0, v))
    return np.maximum(0.0, (policy * q).sum(axis=1))


# %% exercise-2 | right | plain loops
def expectation_backup(P, R, gamma, terminal, v, policy):
    backed_up = []
    for s in range(len(v)):
        total = 0.0
        for a in range(R.shape[1]):
            later = sum(P[s, a, s_next] * v[s_next] for s_next in range(len(v)) if not terminal[s_next])
            total += policy[s, a] * (R[s, a] + gamma * later)
        backed_up.append(total)
    return backed_up


# %% exercise-2 | right | by the matrix of the policy
def expectation_backup(P, R, gamma, terminal, v, policy):
    return np.einsum("sa,sa->s", policy, R) + gamma * np.einsum("sa,sat->st", policy, P) @ (v * ~terminal)


# %% exercise-2 | right | one sum of Einstein
def expectation_backup(P, R, gamma, terminal, v, policy):
    return np.einsum("sa,sa->s", policy, R) + gamma * np.einsum("sa,sat,t->s", policy, P, v * ~terminal)


# %% exercise-3 | wrong | stops when little moves
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | factor upside down
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * mdp.gamma / (1 - mdp.gamma):
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | returns the values before the last sweep
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return value_iteration(mdp).values[sweeps - 1], sweeps


# %% exercise-3 | wrong | counts one sweep too few
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps - 1


# %% exercise-3 | wrong | mean instead of maximum
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).mean(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | always 15 sweeps
def solve(mdp, tol):
    v = np.zeros(mdp.num_states)
    for _ in range(15):
        v = bellman_optimality(mdp, v).max(axis=1)
    return v, 15


# %% exercise-3 | wrong | gamma of the example
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * 0.1 / 0.9:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | smallest change, not the largest
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).min()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | far too careful
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > 1e-6 * tol:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | returns only the values
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v


# %% exercise-3 | wrong | overwrites v during the sweep
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        moved, sweeps = np.abs(v - old).max(), sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | the signed move, not its size
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = (backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | nothing below zero
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = np.maximum(0.0, bellman_optimality(mdp, v).max(axis=1))
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | the bound without its gamma
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma):
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | less than the rule, not at most
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved >= tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | a tolerance of its own
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > 1.0 * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | wrong | the mean move, not the largest
def solve(mdp, tol):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved > tol * (1 - mdp.gamma) / mdp.gamma:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).mean()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-3 | right | the bound itself
def solve(mdp, tol):
    history = [np.zeros(mdp.num_states)]
    promised = np.inf
    while promised > tol:
        history.append(np.max(bellman_optimality(mdp, history[-1]), axis=1))
        promised = mdp.gamma / (1 - mdp.gamma) * np.max(np.abs(history[-1] - history[-2]))
    return history[-1], len(history) - 1


# %% exercise-3 | right | asks the package
def solve(mdp, tol):
    record = value_iteration(mdp, tol=tol)
    return record.v, record.sweeps


# %% exercise-3 | right | a list, and sweeps as a float
def solve(mdp, tol):
    record = value_iteration(mdp, tol=tol)
    return [record.v, float(record.sweeps)]


# %% exercise-3 | right | recursion
def solve(mdp, tol):
    def onwards(v, sweeps):
        new = np.max(mdp.R + mdp.gamma * mdp.expect(np.where(mdp.terminal, 0.0, v)), axis=1)
        enough = max(abs(new - v)) * mdp.gamma <= tol * (1 - mdp.gamma)
        return (new.tolist(), sweeps) if enough else onwards(new, sweeps + 1)

    return onwards(np.zeros(mdp.num_states), 1)


# %% exercise-4 | wrong | counts states
first_news, value_then, reported = 30, 0.9**29, 31
left_to_right, right_to_left = 30, 1


# %% exercise-4 | wrong | discounts once too often
first_news, value_then, reported = 29, 0.9**29, 30
left_to_right, right_to_left = 29, 1


# %% exercise-4 | wrong | forgets the last sweep
first_news, value_then, reported = 29, 0.9**28, 29
left_to_right, right_to_left = 29, 1


# %% exercise-4 | wrong | in place makes no difference
first_news, value_then, reported = 29, 0.9**28, 30
left_to_right, right_to_left = 29, 29


# %% exercise-4 | wrong | the two orders exchanged
first_news, value_then, reported = 29, 0.9**28, 30
left_to_right, right_to_left = 1, 29


# %% exercise-4 | wrong | one too few
first_news, value_then, reported = 28, 0.9**28, 29
left_to_right, right_to_left = 28, 1


# %% exercise-4 | wrong | two digits
first_news, value_then, reported = 29, 0.052, 30
left_to_right, right_to_left = 29, 1


# %% exercise-4 | wrong | numbers as text
first_news, value_then, reported = "29", "0.0523", "30"
left_to_right, right_to_left = "29", "1"


# %% exercise-4 | wrong | no discount
first_news = 29
value_then = 1.0
reported = 30
left_to_right = 29
right_to_left = 1


# %% exercise-4 | wrong | two sweeps from right to left
first_news = 29
value_then = 0.9**28
reported = 30
left_to_right = 29
right_to_left = 2


# %% exercise-4 | right | reads the history
history = value_iteration(chain(num_states=30)).values
first_news = int(np.flatnonzero(history[:, 0])[0])
value_then = history[first_news, 0]
reported = len(history) - 1
left_to_right, right_to_left = 30 - 1, 1


# %% exercise-4 | right | value rounded
first_news, value_then, reported = 29, 0.0523, 30
left_to_right, right_to_left = 29, 1


# %% exercise-4 | right | floats, and arrays of one number
first_news, value_then, reported = np.array(29.0), np.float32(0.052335), 30.0
left_to_right, right_to_left = np.int64(29), True


# %% exercise-5 | wrong | the careless version
careful_value_iteration = careless_value_iteration


# %% exercise-5 | wrong | a slice is no copy
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v[:]
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old).max() < tol:
            return v, sweeps


# %% exercise-5 | wrong | copies after the sweep (in another place)
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        v_old = v.copy()
        sweeps += 1
        if np.abs(v - v_old).max() < tol:
            return v, sweeps


# %% exercise-5 | wrong | watches only the last state
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old)[-1] < tol:
            return v, sweeps


# %% exercise-5 | wrong | largest signed move, not largest size
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if (v - v_old).max() < tol:
            return v, sweeps


# %% exercise-5 | wrong | a fixed number of sweeps
def careful_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    for _ in range(100):
        v = bellman_optimality(mdp, v).max(axis=1)
    return v, 100


# %% exercise-5 | wrong | ignores tol
def careful_value_iteration(mdp, tol=1e-6):
    v = np.zeros(mdp.num_states)
    for _ in range(3000):
        v = bellman_optimality(mdp, v).max(axis=1)
    return v, 3000


# %% exercise-5 | wrong | always stops at a thousandth
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
        if moved < 1e-3:
            return v, sweeps


# %% exercise-5 | wrong | the mean move
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old).mean() < tol:
            return v, sweeps


# %% exercise-5 | wrong | stops at a move of tol
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old).max() <= tol:
            return v, sweeps


# %% exercise-5 | wrong | nothing below zero
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = max(0.0, bellman_optimality(mdp, v)[s].max())
        sweeps += 1
        if np.abs(v - v_old).max() < tol:
            return v, sweeps


# %% exercise-5 | wrong | the rule of 3.3 for tol
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old).max() * mdp.gamma / (1 - mdp.gamma) < tol:
            return v, sweeps


# %% exercise-5 | wrong | the moves added up
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old).sum() < tol:
            return v, sweeps


# %% exercise-5 | right | two arrays
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved >= tol:
        backed_up = bellman_optimality(mdp, v).max(axis=1)
        moved = np.abs(backed_up - v).max()
        v, sweeps = backed_up, sweeps + 1
    return v, sweeps


# %% exercise-5 | right | moves measured state by state
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps, moved = np.zeros(mdp.num_states), 0, np.inf
    while moved >= tol:
        moved = 0.0
        for s in range(mdp.num_states):
            before = v[s]
            v[s] = bellman_optimality(mdp, v)[s].max()
            moved = max(moved, abs(v[s] - before))
        sweeps += 1
    return v, sweeps


# %% exercise-5 | right | from the last state on, with lists
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = [0.0] * mdp.num_states, 0
    while True:
        before = list(v)
        for s in reversed(range(mdp.num_states)):
            v[s] = float(max(bellman_optimality(mdp, np.array(v))[s]))
        sweeps += 1
        if all(abs(new - old) < tol for new, old in zip(v, before)):
            return v, sweeps


# %% exercise-6 | wrong | where the solver stops
def sweeps_measured(gamma, tol):
    return value_iteration(gridworld(gamma), tol=tol).sweeps


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | the residual for the error
def sweeps_measured(gamma, tol):
    return int(np.argmax(value_iteration(gridworld(gamma), tol=tol).residuals <= tol)) + 1


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | loses the first row
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values[1:] - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | rounds down
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma))


# %% exercise-6 | wrong | forgets the first error
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol) / np.log(gamma)))


# %% exercise-6 | wrong | wrong sign
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(10 / (tol * (1 - gamma**5))) / np.log(gamma)))


# %% exercise-6 | wrong | gamma fixed
def sweeps_measured(gamma, tol):
    mdp = gridworld()
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | does not round
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)


# %% exercise-6 | wrong | tol fixed
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= 0.01))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | the mean error
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).mean(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | the value of A at gamma 0.9
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - 0.9**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | rounds to the nearest
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol))


def sweeps_predicted(gamma, tol):
    return int(np.round(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | wrong | the last sweep that is not near enough
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    error = np.abs(value_iteration(mdp, tol=tol).values - policy_iteration(mdp).v).max(axis=1)
    return int(np.argmax(error <= tol)) - 1


def sweeps_predicted(gamma, tol):
    return int(np.ceil(np.log(tol * (1 - gamma**5) / 10) / np.log(gamma)))


# %% exercise-6 | right | counts by loops
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    exact, v, sweeps = policy_iteration(mdp).v, np.zeros(mdp.num_states), 0
    while np.abs(v - exact).max() > tol:
        v, sweeps = bellman_optimality(mdp, v).max(axis=1), sweeps + 1
    return sweeps


def sweeps_predicted(gamma, tol):
    error, sweeps = 10 / (1 - gamma**5), 0
    while error > tol:
        error, sweeps = gamma * error, sweeps + 1
    return sweeps


# %% exercise-6 | right | counts what is too far, and logarithms to base 2
def sweeps_measured(gamma, tol):
    mdp = gridworld(gamma)
    history, exact = value_iteration(mdp).values, policy_value(mdp, policy_iteration(mdp).policy)
    return (np.abs(history - exact).max(axis=1) > tol).sum()


def sweeps_predicted(gamma, tol):
    return float(np.ceil((np.log2(10 / tol) - np.log2(1 - gamma**5)) / -np.log2(gamma)))


# %% exercise-7 | wrong | argmax everywhere
def improve(mdp, policy):
    new_policy = bellman_optimality(mdp, policy_value(mdp, policy)).argmax(axis=1)
    return new_policy, bool((new_policy != policy).any())


# %% exercise-7 | wrong | better by rounding is better
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy]
    return np.where(better, q.argmax(axis=1), policy), bool(better.any())


# %% exercise-7 | wrong | changes the array passed in
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy] + 1e-9
    policy[better] = q.argmax(axis=1)[better]
    return policy, bool(better.any())


# %% exercise-7 | wrong | greedy for the rewards only
def improve(mdp, policy):
    q = mdp.R
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy] + 1e-9
    return np.where(better, q.argmax(axis=1), policy), bool(better.any())


# %% exercise-7 | wrong | improves one state at a time
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    new_policy = policy.copy()
    for s in range(mdp.num_states):
        if q[s].max() > q[s, policy[s]] + 1e-9:
            new_policy[s] = q[s].argmax()
            return new_policy, True
    return new_policy, False


# %% exercise-7 | wrong | says stable, not changed
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy] + 1e-9
    return np.where(better, q.argmax(axis=1), policy), not better.any()


# %% exercise-7 | wrong | the worst action
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy] + 1e-9
    return np.where(better, q.argmin(axis=1), policy), bool(better.any())


# %% exercise-7 | wrong | goes straight to the optimum
def improve(mdp, policy):
    best = policy_iteration(mdp, policy=policy).policy
    return best, bool((best != policy).any())


# %% exercise-7 | wrong | returns only the policy
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy] + 1e-9
    return np.where(better, q.argmax(axis=1), policy)


# %% exercise-7 | wrong | actions as floats
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    better = q.max(axis=1) > q[np.arange(mdp.num_states), policy] + 1e-9
    return np.where(better, q.argmax(axis=1), policy).astype(float), bool(better.any())


# %% exercise-7 | wrong | by the values of value iteration
def improve(mdp, policy):
    q = bellman_optimality(mdp, value_iteration(mdp).v)
    own = q[np.arange(mdp.num_states), policy]
    better = q.max(axis=1) > own + 1e-9
    return np.where(better, q.argmax(axis=1), policy), bool(better.any())


# %% exercise-7 | wrong | better by a hundredth
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    own = q[np.arange(mdp.num_states), policy]
    better = q.max(axis=1) > own + 1e-2
    return np.where(better, q.argmax(axis=1), policy), bool(better.any())


# %% exercise-7 | wrong | changed only if every state is
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    own = q[np.arange(mdp.num_states), policy]
    better = q.max(axis=1) > own + 1e-9
    return np.where(better, q.argmax(axis=1), policy), bool(better.all())


# %% exercise-7 | wrong | changed is the array
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    own = q[np.arange(mdp.num_states), policy]
    better = q.max(axis=1) > own + 1e-9
    return np.where(better, q.argmax(axis=1), policy), better


# %% exercise-7 | wrong | writes into the policy
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    own = q[np.arange(mdp.num_states), policy]
    better = q.max(axis=1) > own + 1e-9
    policy[better] = q.argmax(axis=1)[better]
    return policy, bool(better.any())


# %% exercise-7 | right | state by state
def improve(mdp, policy):
    v = policy_value(mdp, policy)
    q = bellman_optimality(mdp, v)
    new_policy, changed = list(policy), False
    for s in range(mdp.num_states):
        if max(q[s]) - v[s] > 1e-9:
            new_policy[s], changed = int(np.argmax(q[s])), True
    return [new_policy, changed]


# %% exercise-7 | right | a copy, with a mask
def improve(mdp, policy):
    new = np.array(policy)
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    gain = q.max(axis=1) - np.take_along_axis(q, new[:, None], axis=1)[:, 0]
    new[gain > 1e-9] = q.argmax(axis=1)[gain > 1e-9]
    return new, not np.array_equal(new, policy)


# %% exercise-3 | wrong | at most 500 sweeps
def solve(mdp, tol):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        new = bellman_optimality(mdp, v).max(axis=1)
        sweeps += 1
        if np.abs(new - v).max() * mdp.gamma / (1 - mdp.gamma) <= tol or sweeps == 500:
            return new, sweeps
        v = new


# %% exercise-5 | wrong | at least two sweeps
def careful_value_iteration(mdp, tol=1e-6):
    v, sweeps = np.zeros(mdp.num_states), 0
    while True:
        v_old = v.copy()
        for s in range(mdp.num_states):
            v[s] = bellman_optimality(mdp, v)[s].max()
        sweeps += 1
        if np.abs(v - v_old).max() < tol and sweeps > 1:
            return v, sweeps


# %% exercise-7 | wrong | a margin of 1e-8
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    new, changed = policy.copy(), False
    for s in range(mdp.num_states):
        if q[s].max() > q[s, policy[s]] + 1e-8:
            new[s] = q[s].argmax()
            changed = True
    return new, changed


# %% exercise-7 | wrong | the first better action
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    new, changed = policy.copy(), False
    for s in range(mdp.num_states):
        if q[s].max() > q[s, policy[s]] + 1e-9:
            new[s] = int(np.argmax(q[s] > q[s, policy[s]] + 1e-9))
            changed = True
    return new, changed


# %% exercise-7 | wrong | evaluates anew after each state
def improve(mdp, policy):
    q = bellman_optimality(mdp, policy_value(mdp, policy))
    new, changed = policy.copy(), False
    for s in range(mdp.num_states):
        if q[s].max() > q[s, policy[s]] + 1e-9:
            new[s] = q[s].argmax()
            changed = True
            q = bellman_optimality(mdp, policy_value(mdp, new))
    return new, changed
