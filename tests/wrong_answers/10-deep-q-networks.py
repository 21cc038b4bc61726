# %% exercise-1 | wrong | no discount
dqn_by_hand = [10.0, 2.5, 3.0, 3.5]
double_by_hand = [3.0, 0.0, 3.0, 1.0]


# %% exercise-1 | wrong | the network's own maximum
dqn_by_hand = [5.0, 2.5, 3.0, 3.5]
double_by_hand = [3.0, 0.0, 3.0, 1.0]


# %% exercise-1 | wrong | a cut is an end
dqn_by_hand = [6.0, 2.5, 3.0, 0.0]
double_by_hand = [3.0, 0.0, 3.0, 1.0]


# %% exercise-1 | wrong | an end bootstraps
dqn_by_hand = [6.0, 2.5, 7.0, 3.5]
double_by_hand = [3.0, 0.0, 3.0, 1.0]


# %% exercise-1 | wrong | DQN's targets for Double DQN (in three places)
dqn_by_hand = [6.0, 2.5, 3.0, 3.5]
double_by_hand = [6.0, 2.5, 3.0, 3.5]


# %% exercise-1 | wrong | chosen by the target network, judged by the network
dqn_by_hand = [6.0, 2.5, 3.0, 3.5]
double_by_hand = [4.5, 0.0, 3.0, 1.0]


# %% exercise-1 | wrong | Double DQN judged by the network
dqn_by_hand = [6.0, 2.5, 3.0, 3.5]
double_by_hand = [3.0, 0.0, 3.0, 2.0]


# %% exercise-1 | right | as arrays and whole numbers
dqn_by_hand = np.array([2, -1, 3, 0]) + 0.5 * np.array([8, 7, 0, 7])
double_by_hand = (3, 0, 3, 1)


# %% exercise-1 | right | computed
_network, _target = np.array([[1, 4, 2], [5, 0, 6]]), np.array([[3, 2, 7], [8, 1, 2]])
_r, _s, _on = np.array([2, -1, 3, 0]), np.array([1, 0, 1, 0]), np.array([1, 1, 0, 1])
dqn_by_hand = (_r + 0.5 * _on * _target[_s].max(axis=1)).tolist()
double_by_hand = (_r + 0.5 * _on * _target[_s, _network[_s].argmax(axis=1)]).tolist()


# %% exercise-2 | wrong | rewards of at most 1
ceiling, within_limit = 20.0, 5.85
luck, compounded = 1.0, 4.0
merged = 2.5


# %% exercise-2 | wrong | the first reward discounted
ceiling, within_limit = 57.0, 5.85
luck, compounded = 1.0, 4.0
merged = 2.5


# %% exercise-2 | wrong | the second reward in full
ceiling, within_limit = 60.0, 6.0
luck, compounded = 1.0, 4.0
merged = 2.5


# %% exercise-2 | wrong | errors on [-1, 1]
ceiling, within_limit = 60.0, 5.85
luck, compounded = 0.5, 4.0
merged = 2.5


# %% exercise-2 | wrong | no luck
ceiling, within_limit = 60.0, 5.85
luck, compounded = 0.0, 4.0
merged = 2.5


# %% exercise-2 | wrong | the bias outside of the discount
ceiling, within_limit = 60.0, 5.85
luck, compounded = 1.0, 5.0
merged = 2.5


# %% exercise-2 | wrong | one sweep
ceiling, within_limit = 60.0, 5.85
luck, compounded = 1.0, 0.8
merged = 2.5


# %% exercise-2 | wrong | the ceiling for the merged value
ceiling, within_limit = 60.0, 5.85
luck, compounded = 1.0, 4.0
merged = 5.0


# %% exercise-2 | wrong | the clock is seen
ceiling, within_limit = 60.0, 5.85
luck, compounded = 1.0, 4.0
merged = 2.952


# %% exercise-2 | right | as whole numbers and fractions
ceiling, within_limit = 60, 3 + 3 * 0.95
luck, compounded = np.float64(1), 0.8 / 0.2
merged = 1 / (1 - 0.8 * 3 / 4)


# %% exercise-2 | right | computed
ceiling, within_limit = 3 / (1 - 0.95), 3 * (1 - 0.95**2) / (1 - 0.95)
luck = 2 * (3 - 1) / (3 + 1)
compounded = 0.8 * luck / (1 - 0.8)
merged = 0.0
for _ in range(200):
    merged = 1 + 0.8 * 0.75 * merged


# %% exercise-3 | wrong | runs over cuts
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not terminated[k]:
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | runs over ends
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not truncated[k]:
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | a cut is an end
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not (terminated[k] or truncated[k]):
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | an end bootstraps
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if True:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | one step too few
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n - 1, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | one step too many
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n + 1, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | rewards undiscounted
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | wrong | the value discounted once
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += gamma * next_values[k]
    return targets


# %% exercise-3 | wrong | the first step's value
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = np.zeros(len(rewards))
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[t]
    return targets


# %% exercise-3 | wrong | in place
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    """The targets of up to n steps within one episode, (T,)."""
    targets = rewards
    for t in range(len(rewards)):
        k, discount = t, gamma
        targets[t] = rewards[t]
        while k + 1 < min(t + n, len(rewards)) and not (terminated[k] or truncated[k]):
            k += 1
            targets[t] += discount * rewards[k]
            discount *= gamma
        if not terminated[k]:
            targets[t] += discount * next_values[k]
    return targets


# %% exercise-3 | right | from the back, one step at a time
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    ended = np.asarray(terminated) | np.asarray(truncated)
    targets = rewards + gamma * np.where(terminated, 0.0, next_values)
    one = targets.copy()
    for _ in range(n - 1):
        after = np.append(targets[1:], 0.0)
        last = np.append(np.zeros(len(rewards) - 1, bool), True)
        targets = np.where(ended | last, one, rewards + gamma * after)
    return targets


# %% exercise-3 | right | by slices, as a list
def n_step_targets(rewards, terminated, truncated, next_values, n, gamma):
    answer = []
    for t in range(len(rewards)):
        stops = [k for k in range(t, len(rewards)) if terminated[k] or truncated[k]]
        last = min([t + n - 1, len(rewards) - 1, *stops[:1]])
        value = 0.0 if terminated[last] else next_values[last]
        for k in range(last, t - 1, -1):
            value = rewards[k] + gamma * value
        answer.append(float(value))
    return answer


# %% exercise-4 | wrong | DQN
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = target_q.argmax(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0].detach()
    return rewards + gamma * torch.where(terminated, 0.0, judged)


# %% exercise-4 | wrong | judged by the network
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmax(dim=1, keepdim=True)
    judged = network_q.gather(1, chosen)[:, 0].detach()
    return rewards + gamma * torch.where(terminated, 0.0, judged)


# %% exercise-4 | wrong | keeps the history
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmax(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0]
    return rewards + gamma * torch.where(terminated, 0.0, judged)


# %% exercise-4 | wrong | an end bootstraps
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmax(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0].detach()
    return rewards + gamma * judged


# %% exercise-4 | wrong | ends turned round
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmax(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0].detach()
    return rewards + gamma * torch.where(terminated, judged, 0.0)


# %% exercise-4 | wrong | without the discount
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmax(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0].detach()
    return rewards + torch.where(terminated, 0.0, judged)


# %% exercise-4 | wrong | the worst action
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmin(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0].detach()
    return rewards + gamma * torch.where(terminated, 0.0, judged)


# %% exercise-4 | wrong | adds to the rewards in place
def double_targets(rewards, terminated, network_q, target_q, gamma):
    """r + gamma times the target network's value of the action that the network prefers, (B,)."""
    chosen = network_q.argmax(dim=1, keepdim=True)
    judged = target_q.gather(1, chosen)[:, 0].detach()
    rewards += gamma * torch.where(terminated, 0.0, judged)
    return rewards


# %% exercise-4 | right | without a gradient, by one-hot rows
def double_targets(rewards, terminated, network_q, target_q, gamma):
    with torch.no_grad():
        best = torch.nn.functional.one_hot(network_q.argmax(dim=1), network_q.shape[1])
        return rewards + gamma * (best * target_q).sum(dim=1) * (~terminated)


# %% exercise-4 | right | by index
def double_targets(rewards, terminated, network_q, target_q, gamma):
    rows = torch.arange(len(rewards))
    judged = target_q.detach()[rows, network_q.detach().max(dim=1).indices].clone()
    judged[terminated] = 0
    return rewards + judged * gamma


# %% exercise-5 | wrong | the bug itself
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 2."""
    taken = q.gather(1, actions.unsqueeze(1))
    return ((targets - taken) ** 2).mean() / 2


# %% exercise-5 | wrong | squares that are not halved
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 2."""
    taken = q.gather(1, actions.unsqueeze(1)).squeeze(1)
    return ((targets - taken) ** 2).mean()


# %% exercise-5 | wrong | the sum
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 2."""
    taken = q.gather(1, actions.unsqueeze(1)).squeeze(1)
    return ((targets - taken) ** 2).sum() / 2


# %% exercise-5 | wrong | without the square
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 1."""
    taken = q.gather(1, actions.unsqueeze(1)).squeeze(1)
    return ((targets - taken) ** 1).mean() / 2


# %% exercise-5 | wrong | the best action for the one taken
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 2."""
    taken = q.max(dim=1).values
    return ((targets - taken) ** 2).mean() / 2


# %% exercise-5 | wrong | without a history
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 2."""
    taken = q.detach().gather(1, actions.unsqueeze(1)).squeeze(1)
    return ((targets - taken) ** 2).mean() / 2


# %% exercise-5 | wrong | absolute errors
def mended_loss(q, actions, targets):
    """Half the mean over the batch of (target - q(s, a)) ** 2."""
    taken = q.gather(1, actions.unsqueeze(1)).squeeze(1)
    return ((targets - taken).abs()).mean() / 2


# %% exercise-5 | right | targets as a column
def mended_loss(q, actions, targets):
    taken = q.gather(1, actions[:, None])
    return torch.nn.functional.mse_loss(taken, targets[:, None]) / 2


# %% exercise-5 | right | by index
def mended_loss(q, actions, targets):
    delta = targets - q[torch.arange(len(q)), actions]
    return 0.5 * (delta @ delta) / len(delta)


# %% exercise-6 | wrong | signs kept
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.maximum(errors, 0) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | without the hundredth
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 1e-12) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | alpha left out
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** 1
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | weights turned round
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** beta
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | weights not divided
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights


# %% exercise-6 | wrong | divided by the mean
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.mean()


# %% exercise-6 | wrong | divided by the largest of all
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / ((len(p) * p) ** -beta).max()


# %% exercise-6 | wrong | beta left out
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -1.0
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | even draws
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | a generator of its own
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = np.random.default_rng(0).choice(len(p), size=count, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.max()


# %% exercise-6 | wrong | fewer draws
def priority_draw(errors, alpha, beta, count, rng):
    """Indices drawn by priority, and their importance weights, (count,) each."""
    powers = (np.abs(errors) + 0.01) ** alpha
    p = powers / powers.sum()
    drawn = rng.choice(len(p), size=count // 2, p=p)
    weights = (len(p) * p[drawn]) ** -beta
    return drawn, weights / weights.max()


# %% exercise-6 | right | weights by the least probability
def priority_draw(errors, alpha, beta, count, rng):
    priorities = [(abs(delta) + 0.01) ** alpha for delta in errors]
    chances = np.array(priorities) / sum(priorities)
    drawn = rng.choice(len(errors), p=chances, size=count, replace=True)
    return [drawn, (chances[drawn].min() / chances[drawn]) ** beta]


# %% exercise-6 | right | by logarithms
def priority_draw(errors, alpha, beta, count, rng):
    logits = alpha * np.log(np.abs(errors) + 0.01)
    p = np.exp(logits - logits.max())
    p = p / p.sum()
    drawn = rng.choice(np.arange(len(errors)), size=count, p=p)
    log_weights = -beta * np.log(p[drawn])
    return drawn, np.exp(log_weights - log_weights.max())


# %% exercise-7 | wrong | always the mean
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if True:
        return mean
    return (1 - kappa * p / (1 - p)) / (1 - gamma)


# %% exercise-7 | wrong | never the mean
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if False:
        return mean
    return (1 - kappa * p / (1 - p)) / (1 - gamma)


# %% exercise-7 | wrong | the bend of 1
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if mean - 1 <= kappa:
        return mean
    return (1 - p / (1 - p)) / (1 - gamma)


# %% exercise-7 | wrong | the median
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if mean - 1 <= kappa:
        return mean
    return 1 / (1 - gamma)


# %% exercise-7 | wrong | odds turned round
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if mean - 1 <= kappa:
        return mean
    return (1 - kappa * (1 - p) / p) / (1 - gamma)


# %% exercise-7 | wrong | the case by the value
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if mean <= kappa:
        return mean
    return (1 - kappa * p / (1 - p)) / (1 - gamma)


# %% exercise-7 | wrong | p for the odds
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma * (1 - p))
    if mean - 1 <= kappa:
        return mean
    return (1 - kappa * p) / (1 - gamma)


# %% exercise-7 | wrong | the mean without the end
def resting_value(p, kappa, gamma):
    """Where the value rests with a loss whose slope is cut to [-kappa, kappa]."""
    mean = 1 / (1 - gamma)
    if mean - 1 <= kappa:
        return mean
    return (1 - kappa * p / (1 - p)) / (1 - gamma)


# %% exercise-7 | right | by bisection
def resting_value(p, kappa, gamma):
    low, high = 0.0, 1 / (1 - gamma)
    for _ in range(200):
        v = (low + high) / 2
        pull = p * np.clip(1 - v, -kappa, kappa) + (1 - p) * np.clip(1 + gamma * v - v, -kappa, kappa)
        low, high = (v, high) if pull > 0 else (low, v)
    return v


# %% exercise-7 | right | the larger of the two
def resting_value(p, kappa, gamma):
    return max(1 / (1 - gamma + gamma * p), (1 - kappa * p / (1 - p)) / (1 - gamma))
