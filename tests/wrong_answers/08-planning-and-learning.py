# %% exercise-1 | wrong | believes the whole of the target of C
values = [0.5, 2.0, 8.0]


# %% exercise-1 | wrong | C is backed up only once
values = [0.5, 2.0, 4.0]


# %% exercise-1 | wrong | B does not see that C has grown
values = [0.5, 1.5, 6.0]


# %% exercise-1 | wrong | B is drawn only once
values = [0.5, 1.0, 6.0]


# %% exercise-1 | wrong | forgets gamma at B
values = [0.5, 4.0, 6.0]


# %% exercise-1 | wrong | A is not drawn
values = [0.0, 2.0, 6.0]


# %% exercise-1 | wrong | forgets gamma at A
values = [1.0, 2.0, 6.0]


# %% exercise-1 | wrong | A sees an old value of B
values = [0.25, 2.0, 6.0]


# %% exercise-1 | right | as a tuple, C a whole number
values = (1 / 2, np.float32(2), 6)


# %% exercise-1 | right | as fractions in an array
values = np.array([1 / 2, 4 / 2, 12 / 2])


# %% exercise-2 | wrong | readings in place of backups
forwards, backwards, swept = 10, 10, 10


# %% exercise-2 | wrong | the last reading forwards changes nothing
forwards, backwards, swept = 110, 10, 10


# %% exercise-2 | wrong | only backups that are needed
forwards, backwards, swept = 55, 10, 10


# %% exercise-2 | wrong | one reading backwards
forwards, backwards, swept = 100, 1, 10


# %% exercise-2 | wrong | the last reading backwards changes nothing
forwards, backwards, swept = 100, 20, 10


# %% exercise-2 | wrong | backwards is no better
forwards, backwards, swept = 100, 100, 10


# %% exercise-2 | wrong | sweeping tries all notes each time
forwards, backwards, swept = 100, 10, 100


# %% exercise-2 | wrong | sweeping needs no backup of the last step
forwards, backwards, swept = 100, 10, 9


# %% exercise-2 | wrong | sweeping backs up the first note twice
forwards, backwards, swept = 100, 10, 11


# %% exercise-2 | right | as floats
forwards, backwards, swept = 100.0, np.float64(10), np.int64(10)


# %% exercise-2 | right | computed
forwards, backwards, swept = 10 * 10, 1 * 10, sum(1 for note in range(10))


# %% exercise-3 | wrong | changes the table that was passed in
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = q, list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | bootstraps through the end
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | each pair once in every planning step
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        for s, a in pairs:
            r, s_next, over = model[s, a]
            target = r if over else r + gamma * q[s_next].max()
            q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | always the latest pair
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[-1]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | never the last pair
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(max(1, len(pairs) - 1))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | one after the other
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for step in range(planning_steps):
        s, a = pairs[step % len(pairs)]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | draws once for all steps
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), [list(model)[rng.integers(len(model))]]
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | follows the same action in the next state
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next, a]
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | draws a state and then any action
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))][0], rng.integers(q.shape[1])
        r, s_next, over = model.get((s, a), (0.0, s, False))
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | its own generator
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    rng = np.random.default_rng(0)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | another generator
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[np.random.randint(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | takes drawn pairs out of the model
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model.pop((s, a)) if len(model) > 1 else model[s, a]
        pairs = list(model)
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | alpha fixed at a half
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += 0.5 * (target - q[s, a])
    return q


# %% exercise-3 | wrong | gamma fixed at 0.9
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + 0.9 * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | one step too few
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps - 1):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | never below zero
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * max(0, q[s_next].max())
        q[s, a] += alpha * (target - q[s, a])
    return q


# %% exercise-3 | wrong | returns nothing
def plan(q, model, planning_steps, alpha, gamma, rng):
    q, pairs = np.array(q, dtype=float), list(model)
    for _ in range(planning_steps):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, over = model[s, a]
        target = r if over else r + gamma * q[s_next].max()
        q[s, a] += alpha * (target - q[s, a])
    return None


# %% exercise-3 | right | a list of notes, drawn by choice
def plan(q, model, planning_steps, alpha, gamma, rng):
    table = [list(row) for row in q]
    notes = [(s, a, r, s_next, over) for (s, a), (r, s_next, over) in model.items()]
    for _ in range(planning_steps):
        s, a, r, s_next, over = notes[int(rng.random() * len(notes))]
        later = 0.0 if over else max(table[s_next])
        table[s][a] = table[s][a] * (1 - alpha) + alpha * (r + gamma * later)
    return np.array(table)


# %% exercise-3 | right | draws all at once
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = np.array(q)
    for i in rng.choice(len(model), size=planning_steps):
        (s, a), (r, s_next, over) = list(model.items())[i]
        q[s, a] = (1 - alpha) * q[s, a] + alpha * (r + (0 if over else gamma * max(q[s_next])))
    return q


# %% exercise-4 | wrong | as given (its fault is in three lines)
dyna_episode = jumping_episode


# %% exercise-4 | wrong | keeps s but not the next state (in three lines)
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r, s_next, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r + gamma * q[s_next].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | never plans
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(0):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | plans once
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(min(planning_steps, 1)):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | the number of planning steps fixed
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(10):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | counts from one
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 1
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | counts the planning steps too
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1 + planning_steps
    return steps


# %% exercise-4 | wrong | starts in state 0
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = 0, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | always random
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if True:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | never explores
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if False:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | epsilon fixed at a tenth
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < 0.1:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | the first of equals
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = q[s].argmax()
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | learns from the steps of the world only in planning
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | bootstraps through the end
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | plans through the end
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | plans with the end of the walker's step
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not over) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | plans with the walker's reward
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | plans with the walker's next state
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_next].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | plans with the latest pair only
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = s, a
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | keeps the first outcome of a pair
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model.setdefault((s, a), (r, s_next, over))
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | gamma fixed at 0.9 in planning
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + 0.9 * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | alpha fixed at a half in planning
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += 0.5 * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | its own generator
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    rng = np.random.default_rng(0)
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | a table of its own
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    q = q.copy()
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_past, a_past = list(model)[rng.integers(len(model))]
            r_past, s_then, ended = model[s_past, a_past]
            q[s_past, a_past] += alpha * (r_past + gamma * q[s_then].max() * (not ended) - q[s_past, a_past])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | right | the update in one function, the drawing in another
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    def update(pair):
        r, s_next, over = model[pair]
        target = r if over else r + gamma * np.max(q[s_next])
        q[pair] = (1 - alpha) * q[pair] + alpha * target
        return s_next, over

    def drawn(q_s):
        everything = np.arange(len(q_s))
        best = everything[q_s == max(q_s)]
        return int(rng.choice(everything if rng.uniform() < epsilon else best))

    count, s, over = 0, start, False
    while not over:
        pair = s, drawn(q[s])
        model[pair] = step(*pair)
        s, over = update(pair)
        for position in rng.choice(len(model), size=planning_steps):
            update(list(model)[position])
        count += 1
    return np.int64(count)


# %% exercise-4 | right | the planning in a function of its own
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    def learn_from(s, a, r, s_next, over):
        q[s, a] += alpha * (r + (0.0 if over else gamma * max(q[s_next])) - q[s, a])

    s, steps = start, 0
    while True:
        best = np.flatnonzero(q[s] == q[s].max())
        a = rng.choice(best) if rng.random() > epsilon else rng.integers(q.shape[1])
        r, s_next, over = step(s, a)
        learn_from(s, a, r, s_next, over)
        model[s, a] = (r, s_next, over)
        pairs = list(model.items())
        for i in rng.integers(len(pairs), size=planning_steps):
            learn_from(*pairs[i][0], *pairs[i][1])
        steps += 1
        if over:
            return steps
        s = s_next


# %% exercise-5 | wrong | divides by all steps from the state
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=(1, 2)), 1)[:, None] * np.ones(np.shape(sums))
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | sums of rewards in place of means
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | counts in place of frequencies
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * counts @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | the most frequent outcome only
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (
            np.eye(len(counts))[counts.argmax(axis=2)] * (counts.sum(axis=2) > 0)[:, :, None]
        ) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | the mean of the next values, not the best
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.mean(axis=1)
    return q


# %% exercise-5 | wrong | the first action's value, not the best
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q[:, 0]
    return q


# %% exercise-5 | wrong | never below zero
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ np.maximum(q.max(axis=1), 0)
    return q


# %% exercise-5 | wrong | divides by zero
def expected_backups(counts, sums, gamma, sweeps):
    tried = counts.sum(axis=2)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | one imagined step of each pair
def expected_backups(counts, sums, gamma, sweeps):
    tried = counts.sum(axis=2) + 1
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | at least two steps of each pair
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 2)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | one sweep too many
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps + 1):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | gamma fixed at a half
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + 0.5 * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | forgets gamma
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | state by state, in place
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        for s in range(len(q)):
            q[s] = sums[s] / tried[s] + gamma * (counts[s] / tried[s][:, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | writes into the sums
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        sums /= 1.0 * tried if _ == 0 else 1.0
        q = sums + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q


# %% exercise-5 | wrong | the values of the states
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    q = np.zeros(np.shape(sums))
    for _ in range(sweeps):
        q = sums / tried + gamma * (counts / tried[:, :, None]) @ q.max(axis=1)
    return q.max(axis=1)


# %% exercise-5 | right | by einsum, over pairs that were tried
def expected_backups(counts, sums, gamma, sweeps):
    n = np.asarray(counts).sum(axis=-1, dtype=float)
    tried = n > 0
    r = np.divide(sums, n, out=np.zeros_like(n), where=tried)
    p = np.divide(counts, n[..., None], out=np.zeros(np.shape(counts)), where=tried[..., None])
    q = np.zeros_like(r)
    for _ in range(sweeps):
        q = np.where(tried, r + gamma * np.einsum("sat,t->sa", p, np.max(q, axis=1)), 0.0)
    return q.tolist() if sweeps == 0 else q


# %% exercise-5 | right | pair by pair
def expected_backups(counts, sums, gamma, sweeps):
    num_states, num_actions, _ = counts.shape
    q = np.zeros((num_states, num_actions))
    for _ in range(sweeps):
        v = q.max(axis=1)
        for s in range(num_states):
            for a in range(num_actions):
                n = counts[s, a].sum()
                if n > 0:
                    q[s, a] = sums[s, a] / n + gamma * sum(counts[s, a, t] / n * v[t] for t in range(num_states))
    return q


# %% exercise-6 | wrong | ignores the policy
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | the share that leave
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 1 for _ in range(200)])


# %% exercise-6 | wrong | a count in place of a share
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.sum([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | the same search two hundred times
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=np.random.default_rng(0), **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | fewer searches
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(20)])


# %% exercise-6 | wrong | fewer simulations
def share_going_on(policy, rng):
    searches = dict(simulations=30, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | not deep enough
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=5, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | explores more
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=1.0, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | the package's own c
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | from the second state
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 1, rng=rng, **searches).action == 0 for _ in range(200)])


# %% exercise-6 | wrong | the action with the largest q
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).q.argmax() == 0 for _ in range(200)])


# %% exercise-6 | wrong | the share of visits
def share_going_on(policy, rng):
    searches = dict(simulations=300, depth=30, c=0.3, policy=policy)
    return np.mean([uct(temptation, 0, rng=rng, **searches).visits[0] / 300 for _ in range(200)])


# %% exercise-6 | right | counts by a sum of booleans
def share_going_on(policy, rng):
    wanted = dict(simulations=300, depth=30, c=0.3, policy=policy, rng=rng)
    actions = np.array([uct(temptation, 0, **wanted).action for _ in range(200)])
    return float((actions == 0).sum()) / len(actions)


# %% exercise-6 | right | from the module
def share_going_on(policy, rng):
    from rlbook.tabular import search

    found = [search.uct(temptation, 0, simulations=300, depth=30, c=0.3, policy=policy, rng=rng) for _ in range(200)]
    return sum(f.action == 0 for f in found) / 200


# %% exercise-6 | right | counts, then divides
def share_going_on(policy, rng):
    count = 0
    for _ in range(200):
        found = uct(temptation, 0, simulations=300, depth=30, c=0.3, policy=policy, rng=rng)
        count += found.visits[0] >= found.visits[1]
    return count / 200


# %% exercise-7 | wrong | discounts the first reward
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, mdp.gamma
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | one step too deep
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth + 1):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | one step too few
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth - 1):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | ignores the depth
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(1000):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | follows the policy from the first step on
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, policy[s], rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | takes the same action throughout
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
    return g


# %% exercise-7 | wrong | the action of the state just left (in two lines)
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        left = s
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[left]
    return g


# %% exercise-7 | wrong | no discount
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | gamma fixed at a half
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= 0.5
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | the same discount for every later reward
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight = mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | discounts what is summed already
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g = mdp.gamma * g + r
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | leaves out the last reward (in two lines)
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        if terminated:
            break
        g += weight * r
        weight *= mdp.gamma
        a = policy[s]
    return g


# %% exercise-7 | wrong | goes on after the end
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        a = policy[s]
    return g


# %% exercise-7 | wrong | its own generator
def rollout_return(mdp, s, a, policy, depth, rng):
    rng = np.random.default_rng(0)
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | the last reward only
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g = weight * r
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | wrong | losses do not count
def rollout_return(mdp, s, a, policy, depth, rng):
    g, weight = 0.0, 1.0
    for _ in range(depth):
        s, r, terminated = mdp.step(s, a, rng)
        g += weight * max(r, 0)
        weight *= mdp.gamma
        if terminated:
            break
        a = policy[s]
    return g


# %% exercise-7 | right | by recursion
def rollout_return(mdp, s, a, policy, depth, rng):
    if depth == 0:
        return 0.0
    s_next, r, terminated = mdp.step(s, a, rng)
    return r if terminated else r + mdp.gamma * rollout_return(mdp, s_next, policy[s_next], policy, depth - 1, rng)


# %% exercise-7 | right | backwards from the list of rewards
def rollout_return(mdp, s, a, policy, depth, rng):
    rewards, terminated = [], False
    while len(rewards) < depth and not terminated:
        s, r, terminated = mdp.step(s, a if not rewards else policy[s], rng)
        rewards.append(r)
    g = 0.0
    for r in reversed(rewards):
        g = r + mdp.gamma * g
    return g


# %% exercise-3 | right | a list of lists is returned
def plan(q, model, planning_steps, alpha, gamma, rng):
    table = [[float(x) for x in row] for row in q]
    items = list(model.items())
    for _ in range(planning_steps):
        (s, a), (r, s2, over) = items[int(rng.random() * len(items))]
        follow = 0.0 if over else max(table[s2])
        table[s][a] += alpha * (r + gamma * follow - table[s][a])
    return table


# %% exercise-3 | wrong | first a state, then an action (in several places)
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = q.copy()
    states = sorted({s for s, _ in model})
    for _ in range(planning_steps):
        s = states[rng.integers(len(states))]
        acts = [a for s1, a in model if s1 == s]
        a = acts[rng.integers(len(acts))]
        r, s2, over = model[s, a]
        q[s, a] += alpha * (r + gamma * q[s2].max() * (not over) - q[s, a])
    return q


# %% exercise-3 | wrong | a pair comes again only after all others (in several places)
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = q.copy()
    pairs = []
    for _ in range(planning_steps):
        if not pairs:
            pairs = list(model)
            rng.shuffle(pairs)
        s, a = pairs.pop()
        r, s2, over = model[s, a]
        q[s, a] += alpha * (r + gamma * q[s2].max() * (not over) - q[s, a])
    return q


# %% exercise-3 | wrong | walks in the model (in several places)
def plan(q, model, planning_steps, alpha, gamma, rng):
    q = q.copy()
    pairs = list(model)
    s, a = pairs[rng.integers(len(pairs))]
    for _ in range(planning_steps):
        r, s2, over = model[s, a]
        q[s, a] += alpha * (r + gamma * q[s2].max() * (not over) - q[s, a])
        known = [p for p in pairs if p[0] == s2]
        s, a = pairs[rng.integers(len(pairs))] if over or not known else known[rng.integers(len(known))]
    return q


# %% exercise-4 | wrong | plans with a state, then one of its actions
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_p = rng.choice(sorted({p for p, _ in model}))
            a_p = rng.choice([b for p, b in model if p == s_p])
            r_p, n_p, ended = model[s_p, a_p]
            q[s_p, a_p] += alpha * (r_p + gamma * q[n_p].max() * (not ended) - q[s_p, a_p])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-4 | wrong | forgets the model of the episodes before (in several places)
def dyna_episode(step, start, q, model, planning_steps, rng, alpha=0.5, gamma=0.9, epsilon=0.1):
    model.clear()
    s, over, steps = start, False, 0
    while not over:
        if rng.random() < epsilon:
            a = rng.integers(q.shape[1])
        else:
            a = rng.choice(np.flatnonzero(q[s] == q[s].max()))
        r, s_next, over = step(s, a)
        q[s, a] += alpha * (r + gamma * q[s_next].max() * (not over) - q[s, a])
        model[s, a] = r, s_next, over
        for _ in range(planning_steps):
            s_p, a_p = list(model)[rng.integers(len(model))]
            r_p, n_p, ended = model[s_p, a_p]
            q[s_p, a_p] += alpha * (r_p + gamma * q[n_p].max() * (not ended) - q[s_p, a_p])
        s, steps = s_next, steps + 1
    return steps


# %% exercise-5 | right | lists and loops
def expected_backups(counts, sums, gamma, sweeps):
    S, A = sums.shape
    q = [[0.0] * A for _ in range(S)]
    for _ in range(sweeps):
        v = [max(row) for row in q]
        new = [[0.0] * A for _ in range(S)]
        for s in range(S):
            for a in range(A):
                n = sum(counts[s][a])
                if n == 0:
                    continue
                new[s][a] = sums[s][a] / n + gamma * sum(c / n * x for c, x in zip(counts[s][a], v))
        q = new
    return q


# %% exercise-5 | wrong | actions never tried are left out of the maximum (in several places)
def expected_backups(counts, sums, gamma, sweeps):
    tried = np.maximum(counts.sum(axis=2), 1)
    p = counts / tried[:, :, None]
    r = sums / tried
    q = np.zeros(sums.shape)
    for _ in range(sweeps):
        q = r + gamma * p @ np.where(counts.sum(2).any(1), np.where(counts.sum(2) > 0, q, -np.inf).max(axis=1), 0)
    return q


# %% exercise-7 | right | polynomial of the list of rewards
def rollout_return(mdp, s, a, policy, depth, rng):
    rewards = []
    over = False
    while len(rewards) < depth and not over:
        s, r, over = mdp.step(s, a, rng)
        rewards.append(r)
        a = policy[s].item()
    return np.polyval(rewards[::-1], mdp.gamma)


# %% exercise-7 | right | the policy as integers, rewards in an array
def rollout_return(mdp, s, a, policy, depth, rng):
    actions = policy.astype(int)
    rewards = np.zeros(depth)
    for t in range(depth):
        s, rewards[t], terminated = mdp.step(s, a, rng)
        if mdp.terminal[s]:
            break
        a = actions[s]
    return rewards @ mdp.gamma ** np.arange(depth)
