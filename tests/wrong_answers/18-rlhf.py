# %% exercise-1 | wrong | the sign of the leash
paid = [0.1, -0.2, 3.4]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | the reward at every token
paid = [2.9, 3.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | the last token pays for all
paid = [0.0, 0.0, 2.7]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | log-ratios without beta
paid = [-0.5, 1.0, 1.0]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | no leash
paid = [0, 0, 3]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | TD errors for advantages
paid = [-0.1, 0.2, 2.6]
advantages = [0.9, -0.3, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | lambda one
paid = [-0.1, 0.2, 2.6]
advantages = [1.7, 0.8, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | the last value left in
paid = [-0.1, 0.2, 2.6]
advantages = [1.4, 1.0, 2.6]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | lambda not squared
paid = [-0.1, 0.2, 2.6]
advantages = [1.3, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | advantages for targets
paid = [-0.1, 0.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [1.025, 0.25, 1.1]
next_beta = 0.204

# %% exercise-1 | wrong | returns for targets
paid = [-0.1, 0.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [2.7, 2.8, 2.6]
next_beta = 0.204

# %% exercise-1 | wrong | an error that is not clipped
paid = [-0.1, 0.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.205

# %% exercise-1 | wrong | the controller turned round
paid = [-0.1, 0.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.196

# %% exercise-1 | wrong | a step for the whole horizon
paid = [-0.1, 0.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.24

# %% exercise-1 | wrong | the mean over tokens for the divergence
paid = [-0.1, 0.2, 2.6]
advantages = [1.025, 0.25, 1.1]
targets = [2.025, 2.25, 2.6]
next_beta = 0.196

# %% exercise-1 | right | computed
leash, marks = np.array([0.5, -1.0, 2.0]), np.array([0.0, 0.0, 3.0])
paid = marks - 0.2 * leash
state = np.array([1.0, 2.0, 1.5, 0.0])
errors = paid + state[1:] - state[:-1]
powers = np.triu(0.5 ** np.maximum(np.arange(3)[None, :] - np.arange(3)[:, None], 0))
advantages = powers @ errors
targets = advantages + state[:3]
next_beta = 0.2 * (1 + 0.1 * min(leash.sum() / 1.2 - 1, 0.2))

# %% exercise-1 | right | by the package, in tensors
own = torch.ones(1, 3, dtype=torch.bool)
in_rows = rewards_of_tokens([3.0], 0.2 * torch.tensor([[0.5, -1.0, 2.0]]), own)
paid = in_rows[0]
worth = torch.tensor([[1.0, 2.0, 1.5]])
advantages = token_advantages(in_rows, worth, own, lam=0.5)[0]
targets = (advantages + worth)[0]
next_beta = 0.204

# %% exercise-2 | wrong | k1 in the loss for the leash
in_loss = [0.365, 0.365, 0.45]
in_reward = [0.365, -0.021, -0.085]

# %% exercise-2 | wrong | all three the same in the loss
in_loss = [0.365, 0.365, 0.365]
in_reward = [0.365, -0.021, -0.085]

# %% exercise-2 | wrong | k2 without its half in the loss
in_loss = [0.0, 0.73, 0.45]
in_reward = [0.365, -0.021, -0.085]

# %% exercise-2 | wrong | k3 with the ratio turned round
in_loss = [0.0, 0.365, 0.402]
in_reward = [0.365, -0.021, -0.085]

# %% exercise-2 | wrong | the two places taken for each other
in_loss = [0.0, 0.365, 0.45]
in_reward = [0.0, 0.365, 0.45]

# %% exercise-2 | wrong | all three the same in the reward
in_loss = [0.0, 0.365, 0.45]
in_reward = [0.365, 0.365, 0.365]

# %% exercise-2 | wrong | the sign of k3 in the reward
in_loss = [0.0, 0.365, 0.45]
in_reward = [0.365, -0.021, 0.085]

# %% exercise-2 | wrong | the estimates themselves
in_loss = [0.0, 0.365, 0.45]
in_reward = [0.43, 0.448, 0.43]

# %% exercise-2 | right | by autograd
z = torch.tensor(np.log(3.0), requires_grad=True)
log_pi = torch.stack([torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)])
log_ref, draws = torch.tensor([0.3, 0.7], dtype=torch.float64).log(), torch.tensor([0.75, 0.25], dtype=torch.float64)
estimates = [log_pi - log_ref, (log_pi - log_ref) ** 2 / 2, (log_ref - log_pi).expm1() + log_pi - log_ref]
slope = [torch.autograd.grad(one, z, retain_graph=True)[0] for one in log_pi]
in_loss = [float(torch.autograd.grad(draws @ k, z, retain_graph=True)[0]) for k in estimates]
in_reward = [float(sum(p * k * s for p, k, s in zip(draws, estimate.detach(), slope))) for estimate in estimates]

# %% exercise-2 | right | by the divergence and the other one
leash = 0.75 * 0.25 * (np.log(3) - np.log(3 / 7))
other = 0.75 - 0.3
logs = np.log([0.75 / 0.3, 0.25 / 0.7])
in_loss = (0, leash, other)
in_reward = (leash, 0.75 * 0.25 * (logs[0] ** 2 - logs[1] ** 2) / 2, leash - other)


# %% exercise-3 | wrong | the sign of the leash
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid + beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | beta forgotten
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | no leash
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | the reward at every token
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], rewards[row]
    return advantages


# %% exercise-3 | wrong | lambda one
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | one step only
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | carries the TD error, not the advantage
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], delta, 0.0
    return advantages


# %% exercise-3 | wrong | the next value missing
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | targets for advantages
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after + values[row, t]
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | bootstraps from the padding
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = np.append(values[row], 0)[np.flatnonzero(own)[-1] + 1], 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | goes through the padding too
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in range(mask.shape[1])[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | carries over from row to row (in two lines)
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages, value_after, after = np.zeros(mask.shape), 0.0, 0.0
    for row, own in enumerate(mask):
        paid = rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | an array of the values' type
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros_like(values)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own)[::-1]:
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | wrong | pays the first token
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    advantages = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        value_after, after, paid = 0.0, 0.0, rewards[row]
        for t in np.flatnonzero(own):
            delta = paid - beta * log_ratio[row, t] + value_after - values[row, t]
            advantages[row, t] = delta + lam * after
            value_after, after, paid = values[row, t], advantages[row, t], 0.0
    return advantages


# %% exercise-3 | right | all rows at once
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    mask = np.asarray(mask)
    padded = np.pad(np.where(mask, values, 0.0), ((0, 0), (0, 1)))
    last = mask & ~np.pad(mask, ((0, 0), (0, 1)))[:, 1:]
    paid = np.where(last, np.asarray(rewards)[:, None], 0.0) - beta * np.where(mask, log_ratio, 0.0)
    delta = paid + padded[:, 1:] - padded[:, :-1]
    columns, later = [], np.zeros(len(mask))
    for t in reversed(range(mask.shape[1])):
        later = np.where(mask[:, t], delta[:, t] + lam * later, 0.0)
        columns.append(later)
    return np.stack(columns[::-1], axis=1)


# %% exercise-3 | right | a sum of powers, in lists
def advantages_of(rewards, log_ratio, values, mask, beta, lam):
    rows = []
    for i in range(len(mask)):
        own = [t for t in range(len(mask[i])) if mask[i][t]]
        worth = [float(values[i][t]) for t in own] + [0.0]
        paid = [-beta * float(log_ratio[i][t]) for t in own]
        paid[-1] += float(rewards[i])
        errors = [paid[n] + worth[n + 1] - worth[n] for n in range(len(own))]
        row = [0.0] * len(mask[i])
        for n, t in enumerate(own):
            row[t] = sum(lam ** (m - n) * errors[m] for m in range(n, len(own)))
        rows.append(row)
    return rows


# %% exercise-4 | wrong | the mean left
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = own / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | not divided
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = own - own.mean()
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the sample standard deviation
def white(numbers, mask):
    own = numbers[mask]
    std = own.std(ddof=1)
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the variance
def white(numbers, mask):
    own = numbers[mask]
    std = own.var()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the mean of all places
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - numbers.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | nothing for equal numbers
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the places outside left as they were
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = numbers.astype(float)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | each row by itself (in mean and deviation)
def white(numbers, mask):
    answer = np.zeros(mask.shape)
    for row, own in enumerate(mask):
        std = numbers[row, own].std()
        if std > 1e-8:
            answer[row, own] = (numbers[row, own] - numbers[row, own].mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the controller turned round
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 - error * n / horizon)


# %% exercise-4 | wrong | no clip
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = kl / target - 1
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | clipped from above only
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = min(kl / target - 1, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | an absolute error
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl - target, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the whole step at once
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error)


# %% exercise-4 | wrong | relative to the measured one
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(1 - target / kl, -0.2, 0.2)
    return beta * (1 + error * n / horizon)


# %% exercise-4 | wrong | the horizon over the step
def white(numbers, mask):
    own = numbers[mask]
    std = own.std()
    answer = np.zeros(mask.shape)
    if std > 1e-8:
        answer[mask] = (own - own.mean()) / std
    return answer


def next_beta(beta, kl, target, n, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * (1 + error * horizon / n)


# %% exercise-4 | right | with loops and conditions
def white(numbers, mask):
    chosen = [float(x) for row, own in zip(numbers, mask) for x, there in zip(row, own) if there]
    mean = sum(chosen) / len(chosen)
    deviation = (sum((x - mean) ** 2 for x in chosen) / len(chosen)) ** 0.5
    small = deviation < 1e-9
    return [
        [0.0 if small or not there else (x - mean) / deviation for x, there in zip(row, own)]
        for row, own in zip(numbers, mask)
    ]


def next_beta(beta, kl, target, n, horizon):
    too_far = (kl - target) / target
    if too_far > 0.2:
        too_far = 0.2
    elif too_far < -0.2:
        too_far = -0.2
    return beta + beta * too_far * (n / horizon)


# %% exercise-5 | wrong | as reported
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, logp - reference_logp, 0.0)
    return (np.exp(log_ratio) - 1 - log_ratio).sum(axis=1)


# %% exercise-5 | wrong | k1, which can be negative
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0)
    return (-log_ratio).sum(axis=1)


# %% exercise-5 | wrong | k2, which is not right on average
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0)
    return (log_ratio**2 / 2).sum(axis=1)


# %% exercise-5 | wrong | the absolute log-ratio
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0)
    return np.abs(log_ratio).sum(axis=1)


# %% exercise-5 | wrong | the sign of the last term
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0)
    return (np.exp(log_ratio) - 1 + log_ratio).sum(axis=1)


# %% exercise-5 | wrong | the mean over all places
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0)
    return (np.exp(log_ratio) - 1 - log_ratio).mean(axis=1)


# %% exercise-5 | wrong | the padding counts
def right_kl(logp, reference_logp, mask):
    log_ratio = reference_logp - logp
    return (np.exp(log_ratio) - 1 - log_ratio).sum(axis=1)


# %% exercise-5 | wrong | one number for all
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0)
    return (np.exp(log_ratio) - 1 - log_ratio).sum()


# %% exercise-5 | wrong | the whole completion's ratio
def right_kl(logp, reference_logp, mask):
    log_ratio = np.where(mask, reference_logp - logp, 0.0).sum(axis=1, keepdims=True)
    return (np.exp(log_ratio) - 1 - log_ratio).sum(axis=1)


# %% exercise-5 | right | with expm1, row by row
def right_kl(logp, reference_logp, mask):
    answers = []
    for ours, theirs, own in zip(logp, reference_logp, mask):
        nats = np.asarray(ours)[own] - np.asarray(theirs)[own]
        answers.append(float(np.sum(np.expm1(-nats) + nats)))
    return answers


# %% exercise-5 | right | by the package
def right_kl(logp, reference_logp, mask):
    from rlbook.surrogate import k3

    estimate = k3(torch.tensor(logp), torch.tensor(reference_logp))
    return torch.where(torch.tensor(mask), estimate, 0.0).sum(1)


# %% exercise-6 | wrong | beta times the rewards
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards * beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward - beta * kl


# %% exercise-6 | wrong | no reference in the optimum
def optimum(reference, rewards, beta):
    tilted = rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward - beta * kl


# %% exercise-6 | wrong | the other divergence
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = reference @ (np.log(reference) - logp), p @ rewards
    return kl, reward, reward - beta * kl


# %% exercise-6 | wrong | minus the entropy for the divergence
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ logp, p @ rewards
    return kl, reward, reward - beta * kl


# %% exercise-6 | wrong | the reward of the reference
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), reference @ rewards
    return kl, reward, reward - beta * kl


# %% exercise-6 | wrong | the leash earned
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward + beta * kl


# %% exercise-6 | wrong | beta missing from the price
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward - kl


# %% exercise-6 | wrong | log Z without beta
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward / beta - kl


# %% exercise-6 | wrong | overflows
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward - beta * kl


# %% exercise-6 | wrong | the reward for J
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward, reward


# %% exercise-6 | wrong | the leash off the reward
def optimum(reference, rewards, beta):
    tilted = np.log(reference) + rewards / beta
    tilted = tilted - tilted.max()
    logp = tilted - np.log(np.exp(tilted).sum())
    p = np.exp(logp)
    kl, reward = p @ (logp - np.log(reference)), p @ rewards
    return kl, reward - beta * kl, reward - beta * kl


# %% exercise-6 | right | by log Z
def optimum(reference, rewards, beta):
    reference, rewards = np.asarray(reference), np.asarray(rewards)
    most = np.max(rewards)
    weight = reference * np.exp((rewards - most) / beta)
    J = most + beta * np.log(np.sum(weight))
    reward = np.sum(weight / weight.sum() * rewards)
    return [(reward - J) / beta, reward, J]


# %% exercise-6 | right | by the package
def optimum(reference, rewards, beta):
    from rlbook.language.exact import kl_divergence, optimal_policy

    start, marks = torch.tensor(reference).log()[None], torch.tensor(rewards)[None]
    logp, J = optimal_policy(start, marks, beta)
    return float(kl_divergence(logp, start)), float((logp.exp() * marks).sum()), float(J)


# %% exercise-7 | wrong | the others' share
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | the old rewards
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(rewards / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | the mark added
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, rewards + mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | the mark for the ended ones
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, mark, rewards) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | beta times the rewards
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) * beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | no reference
def cut_share(reference, rewards, ended, beta, mark):
    weight = np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | cut off over not cut off
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight[ended].sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | the mark over beta
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | wrong | the share, not its odds
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share * finished / reference[~ended].sum())


# %% exercise-7 | wrong | the odds turned round
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log((1 - share) / share * finished / reference[~ended].sum())


# %% exercise-7 | wrong | how often the reference is cut off left out
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[ended].sum()
    return beta * np.log(share / (1 - share) * finished)


# %% exercise-7 | wrong | the rewards of the cut off ones in the sum
def cut_share(reference, rewards, ended, beta, mark):
    weight = reference * np.exp(np.where(ended, rewards, mark) / beta)
    return weight[~ended].sum() / weight.sum()


def mark_for(reference, rewards, ended, beta, share):
    finished = (reference * np.exp(rewards / beta))[~ended].sum()
    return beta * np.log(share / (1 - share) * finished / reference[~ended].sum())


# %% exercise-7 | right | by halving
def cut_share(reference, rewards, ended, beta, mark):
    odds = [p * np.exp((r if done else mark) / beta) for p, r, done in zip(reference, rewards, ended)]
    cut = [weight for weight, done in zip(odds, ended) if not done]
    return sum(cut) / sum(odds)


def mark_for(reference, rewards, ended, beta, share):
    low, high = -100 * beta, 100 * beta
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if cut_share(reference, rewards, ended, beta, middle) > share else (middle, high)
    return middle
