# %% exercise-1 | wrong | forgets the discount
returns_by_hand = [6.0, 6.0, 4.0]
sample = [-2.8, 2.8]


# %% exercise-1 | wrong | the rewards for the returns
returns_by_hand = [0.0, 2.0, 4.0]
sample = [-0.8, 0.8]


# %% exercise-1 | wrong | the signs turned round
returns_by_hand = [2.0, 4.0, 4.0]
sample = [2.0, -2.0]


# %% exercise-1 | wrong | keeps gamma ** t
returns_by_hand = [2.0, 4.0, 4.0]
sample = [-1.0, 1.0]


# %% exercise-1 | wrong | counts returns for actions
returns_by_hand = [2.0, 4.0, 4.0]
sample = [6.0, 4.0]


# %% exercise-1 | right | as arrays
returns_by_hand = returns_to_go([0, 2, 4], gamma=0.5)
sample = (returns_by_hand[:, None] * (np.eye(2)[[0, 1, 0]] - [0.8, 0.2])).sum(axis=0)


# %% exercise-2 | wrong | a reward is always good
first, second, third, fourth = "up", "up", "same", "up"


# %% exercise-2 | wrong | the sign of the baseline
first, second, third, fourth = "down", "down", "same", "up"


# %% exercise-2 | wrong | rewards in the place of returns
first, second, third, fourth = "down", "up", "down", "up"


# %% exercise-2 | wrong | the whole return for every step
first, second, third, fourth = "down", "up", "same", "same"


# %% exercise-2 | right | computed
def _push(actions, weights):
    total = sum(w * (0.5 if a == 0 else -0.5) for a, w in zip(actions, weights))
    return "same" if total == 0 else ("up" if total > 0 else "down")


first, second = _push([0], [-3]), _push([0], [-3 + 5])
third, fourth = _push([0, 1], [1, 1]), _push([0, 1], [1, 0])


# %% exercise-3 | wrong | without the visits
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    slope = pi * (bellman_optimality(mdp, v) - v[:, None]) * ~mdp.terminal[:, None]
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | without the probabilities
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    d[going] = np.linalg.solve(np.eye(going.sum()) - mdp.gamma * P[going][:, going].T, mdp.start[going])
    slope = d[:, None] * (bellman_optimality(mdp, v) - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | the visits undiscounted
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    d[going] = np.linalg.solve(np.eye(going.sum()) - P[going][:, going].T, mdp.start[going])
    slope = d[:, None] * pi * (bellman_optimality(mdp, v) - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | P not transposed
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    d[going] = np.linalg.solve(np.eye(going.sum()) - mdp.gamma * P[going][:, going], mdp.start[going])
    slope = d[:, None] * pi * (bellman_optimality(mdp, v) - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | downhill
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    d[going] = np.linalg.solve(np.eye(going.sum()) - mdp.gamma * P[going][:, going].T, mdp.start[going])
    slope = d[:, None] * pi * (v[:, None] - bellman_optimality(mdp, v))
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | q in the place of the advantage
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    d[going] = np.linalg.solve(np.eye(going.sum()) - mdp.gamma * P[going][:, going].T, mdp.start[going])
    slope = d[:, None] * pi * bellman_optimality(mdp, v)
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | the gradient of each logit
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    d[going] = np.linalg.solve(np.eye(going.sum()) - mdp.gamma * P[going][:, going].T, mdp.start[going])
    return d[:, None] * pi * (bellman_optimality(mdp, v) - v[:, None])


# %% exercise-3 | right | the visits by adding up steps
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    P, _ = follow(mdp, pi)
    here, d = mdp.start.copy(), np.zeros(mdp.num_states)
    for _ in range(5000):
        here = np.where(mdp.terminal, 0, here)
        d += here
        here = mdp.gamma * here @ P
    slope = d[:, None] * pi * (bellman_optimality(mdp, v) - v[:, None])
    return (slope[..., None] * features).sum(axis=(0, 1))


# %% exercise-3 | right | q and centred features
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    q = bellman_optimality(mdp, policy_value(mdp, pi))
    P = np.where(mdp.terminal[:, None], 0, follow(mdp, pi)[0])
    d = np.linalg.inv(np.eye(mdp.num_states) - mdp.gamma * P.T) @ mdp.start * ~mdp.terminal
    score = features - np.einsum("sa,saf->sf", pi, features)[:, None]  # the gradient of ln pi(a|s), (S, A, F)
    return np.einsum("s,sa,sa,saf->f", d, pi, q, score)


# %% exercise-4 | wrong | uphill
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return (logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the terms not masked
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns).sum() / mask.shape[1]


# %% exercise-4 | wrong | rewards after the end reach the return
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the mean over steps
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.sum()


# %% exercise-4 | wrong | each action its own reward
def reinforce_loss(logits, actions, rewards, mask, gamma):
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * rewards * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the whole return for every step
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns[0] * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the history is lost
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.detach().log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | masks the caller's rewards in place
def reinforce_loss(logits, actions, rewards, mask, gamma):
    rewards *= mask
    returns = returns_to_go(rewards, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | right | the cross entropy of torch, step by step
def reinforce_loss(logits, actions, rewards, mask, gamma):
    T, E = mask.shape
    loss = 0.0
    for e in range(E):
        later = 0.0
        for t in reversed(range(int(mask[:, e].sum()))):
            later = rewards[t, e].item() + gamma * later
            loss = loss + later * torch.nn.functional.cross_entropy(logits[t, e], actions[t, e])
    return loss / E


# %% exercise-5 | wrong | the bug itself
def mended_gradient(theta, temperature, rewards, samples, rng):
    return hot_and_cold_gradient(theta, temperature, rewards, samples, rng)


# %% exercise-5 | wrong | forgets the factor
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = np.eye(len(acting))[taken] - acting
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | acts at temperature 1
def mended_gradient(theta, temperature, rewards, samples, rng):
    pi = softmax(np.asarray(theta, dtype=float))
    taken = rng.choice(len(pi), size=samples, p=pi)
    score = np.eye(len(pi))[taken] - pi
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | multiplies by the temperature
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) * temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | right | with a baseline
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    rewards = np.asarray(rewards, dtype=float)
    taken = rng.choice(len(acting), size=samples, p=acting)
    weight = rewards[taken] - acting @ rewards
    return weight @ (np.eye(len(acting))[taken] - acting) / samples / temperature


# %% exercise-5 | right | by torch
def mended_gradient(theta, temperature, rewards, samples, rng):
    logits = torch.tensor(np.asarray(theta, dtype=float), requires_grad=True)
    logp = (logits / temperature).log_softmax(dim=0)
    taken = rng.choice(len(logp), size=samples, p=logp.detach().exp().numpy())
    (torch.tensor(np.asarray(rewards)[taken]) * logp[taken]).mean().backward()
    return logits.grad.numpy()


# %% exercise-6 | wrong | the plain mean
def best_baseline(scores, returns):
    return np.mean(returns)


def variance_ratio(scores, returns):
    return np.var((returns - np.mean(returns)) * scores) / np.var(returns * scores)


# %% exercise-6 | wrong | weights not squared
def best_baseline(scores, returns):
    return np.average(returns, weights=np.abs(scores))


def variance_ratio(scores, returns):
    return np.var((returns - best_baseline(scores, returns)) * scores) / np.var(returns * scores)


# %% exercise-6 | wrong | the ratio upside down
def best_baseline(scores, returns):
    return np.average(returns, weights=scores**2)


def variance_ratio(scores, returns):
    return np.var(returns * scores) / max(np.var((returns - best_baseline(scores, returns)) * scores), 1e-300)


# %% exercise-6 | wrong | the ratio of standard deviations
def best_baseline(scores, returns):
    return np.average(returns, weights=scores**2)


def variance_ratio(scores, returns):
    return np.std((returns - best_baseline(scores, returns)) * scores) / np.std(returns * scores)


# %% exercise-6 | wrong | no return
def best_baseline(scores, returns):
    np.average(returns, weights=scores**2)


def variance_ratio(scores, returns):
    return 0.5


# %% exercise-6 | right | by least squares
def best_baseline(scores, returns):
    return np.linalg.lstsq(scores[:, None], scores * returns, rcond=None)[0][0]


def variance_ratio(scores, returns):
    b = best_baseline(scores, returns)
    return np.var(scores * (returns - b), ddof=1) / np.var(scores * returns, ddof=1)


# %% exercise-7 | wrong | not a cosine
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    return right @ gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()


# %% exercise-7 | wrong | always the same direction
def direction_without_discount(gamma):
    return 1.0


# %% exercise-7 | wrong | drops the discount of the values too
def direction_without_discount(gamma):
    right = gradient_with_visits(short_corridor(gamma=gamma), np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(short_corridor(), np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | forgets the world's discount
def direction_without_discount(gamma):
    right = gradient_with_visits(short_corridor(), np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(short_corridor(), np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | right | written with sums
def direction_without_discount(gamma):
    world = short_corridor(gamma)
    x, y = (gradient_with_visits(world, np.zeros((4, 2)), discount) for discount in (1, gamma))
    return np.sum(x * y) / np.sqrt(np.sum(x**2) * np.sum(y**2))
