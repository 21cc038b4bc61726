# %% exercise-1 | wrong | forgets the discount (in two returns)
returns_by_hand = [6.0, 6.0, 4.0]
sample = [-2.0, 2.0]


# %% exercise-1 | wrong | the rewards for the returns (in three places)
returns_by_hand = [0.0, 2.0, 4.0]
sample = [-2.0, 2.0]


# %% exercise-1 | wrong | the last reward discounted once too few
returns_by_hand = [3.0, 4.0, 4.0]
sample = [-2.0, 2.0]


# %% exercise-1 | wrong | only the next reward
returns_by_hand = [1.0, 4.0, 4.0]
sample = [-2.0, 2.0]


# %% exercise-1 | wrong | nothing after the last step
returns_by_hand = [2.0, 4.0, 0.0]
sample = [-2.0, 2.0]


# %% exercise-1 | wrong | the signs turned round
returns_by_hand = [2.0, 4.0, 4.0]
sample = [2.0, -2.0]


# %% exercise-1 | wrong | keeps gamma ** t
returns_by_hand = [2.0, 4.0, 4.0]
sample = [-1.0, 1.0]


# %% exercise-1 | wrong | counts returns for actions
returns_by_hand = [2.0, 4.0, 4.0]
sample = [6.0, 4.0]


# %% exercise-1 | wrong | weighs with the rewards
returns_by_hand = [2.0, 4.0, 4.0]
sample = [-0.8, 0.8]


# %% exercise-1 | wrong | weighs without the discount
returns_by_hand = [2.0, 4.0, 4.0]
sample = [-2.8, 2.8]


# %% exercise-1 | wrong | only the action that was taken
returns_by_hand = [2.0, 4.0, 4.0]
sample = [1.2, 3.2]


# %% exercise-1 | right | whole numbers in a tuple
returns_by_hand = (2, 4, 4)
sample = (-2, 2)


# %% exercise-1 | right | as arrays
returns_by_hand = returns_to_go([0, 2, 4], gamma=0.5)
sample = (returns_by_hand[:, None] * (np.eye(2)[[0, 1, 0]] - [0.8, 0.2])).sum(axis=0)


# %% exercise-2 | wrong | a reward is always good
first, second, third, fourth = "up", "up", "same", "up"


# %% exercise-2 | wrong | one sample changes nothing
first, second, third, fourth = "same", "up", "same", "up"


# %% exercise-2 | wrong | the sign of the baseline
first, second, third, fourth = "down", "down", "same", "up"


# %% exercise-2 | wrong | a baseline changes nothing
first, second, third, fourth = "down", "same", "same", "up"


# %% exercise-2 | wrong | rewards in the place of returns
first, second, third, fourth = "down", "up", "down", "up"


# %% exercise-2 | wrong | only the first action counts
first, second, third, fourth = "down", "up", "up", "up"


# %% exercise-2 | wrong | the whole return for every step
first, second, third, fourth = "down", "up", "same", "same"


# %% exercise-2 | wrong | the last action counts
first, second, third, fourth = "down", "up", "same", "down"


# %% exercise-2 | wrong | words of their own
first, second, third, fourth = "down", "up", "equal", "up"


# %% exercise-2 | right | as NumPy's strings
first, second, third, fourth = np.array(["down", "up", "same", "up"])


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
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = going[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | the start in the place of the visits
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = mdp.start[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | without the probabilities
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | the visits undiscounted
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | gamma fixed at 0.8
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - (0.8 if mdp.gamma < 1 else 1) * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | P not transposed
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going]
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | every episode starts in state 0
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, np.eye(going.sum())[0])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | downhill
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (v[:, None] - q)
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | q in the place of the advantage
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * q
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | less the plain mean
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - q.mean(axis=1, keepdims=True))
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | the gradient of each logit
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return slope


# %% exercise-3 | wrong | the mean over states and actions
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return (slope[..., None] * features).mean(axis=(0, 1))


# %% exercise-3 | wrong | at the policy with all knobs 0
def exact_gradient(mdp, features, theta):
    pi = softmax(0 * (features @ theta))
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | the values of the best policy
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, bellman_optimality(mdp, policy_value(mdp, pi)).argmax(axis=1))
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | wrong | centres the features in place
def exact_gradient(mdp, features, theta):
    features -= features.mean(axis=1, keepdims=True)
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    going = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    system = np.eye(going.sum()) - mdp.gamma * P[going][:, going].T
    d[going] = np.linalg.solve(system, mdp.start[going])
    slope = d[:, None] * pi * (q - v[:, None])
    return np.tensordot(slope, features, axes=2)


# %% exercise-3 | right | by einsum, with a pseudo-inverse
def exact_gradient(mdp, features, theta):
    pi = softmax(np.einsum("saf,f->sa", features, theta))
    v = policy_value(mdp, pi)
    advantage = pi * (bellman_optimality(mdp, v) - v[:, None])
    alive = np.flatnonzero(~mdp.terminal)
    transitions = np.einsum("sat,sa->st", mdp.P, pi)[np.ix_(alive, alive)]
    visits = mdp.start[alive] @ np.linalg.pinv(np.eye(len(alive)) - mdp.gamma * transitions)
    return list(np.einsum("s,sa,saf->f", visits, advantage[alive], features[alive]))


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


# %% exercise-4 | wrong | nothing masked (in two places)
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


# %% exercise-4 | wrong | the mean over all entries
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.numel()


# %% exercise-4 | wrong | the mean over the first axis
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[0]


# %% exercise-4 | wrong | no mean
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum()


# %% exercise-4 | wrong | each action its own reward
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = rewards * mask
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the whole return for every step
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns[0] * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | keeps the theorem's gamma ** t
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * gamma ** torch.arange(len(mask))[:, None] * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | gamma fixed at a half
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=0.5)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | forgets the discount
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the history is lost
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.detach().log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | a number of Python's
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return (-(logp * returns * mask).sum() / mask.shape[1]).item()


# %% exercise-4 | wrong | probabilities without the logarithm
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | the logits themselves
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | a softmax over the episodes
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | all actions, not those taken
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1).mean(dim=-1)
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | always action 0
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    logp = logits.log_softmax(dim=-1)[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | masks the caller's rewards in place
def reinforce_loss(logits, actions, rewards, mask, gamma):
    rewards *= mask
    returns = returns_to_go(rewards, gamma=gamma)
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | wrong | less the mean return
def reinforce_loss(logits, actions, rewards, mask, gamma):
    returns = returns_to_go(rewards * mask, gamma=gamma)
    returns = returns - returns[mask].mean()
    logp = logits.log_softmax(dim=-1).gather(-1, actions[..., None])[..., 0]
    return -(logp * returns * mask).sum() / mask.shape[1]


# %% exercise-4 | right | a Categorical, and rewards set to zero
def reinforce_loss(logits, actions, rewards, mask, gamma):
    T, E = mask.shape
    logp = torch.distributions.Categorical(logits=logits).log_prob(actions)
    paid = torch.where(mask, rewards, torch.zeros_like(rewards))
    later, total = torch.zeros(E), torch.zeros(E)
    for t in range(T - 1, -1, -1):
        later = paid[t] + gamma * later
        total = total + torch.where(mask[t], later * logp[t], 0.0)
    return -total.mean()


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


# %% exercise-5 | wrong | the bug itself (its faults are in two lines)
mended_gradient = hot_and_cold_gradient


# %% exercise-5 | wrong | forgets the factor
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = np.eye(len(acting))[taken] - acting
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | acts at temperature 1
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta))
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | multiplies by the temperature
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) * temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | multiplies the logits by the temperature
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) * temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | draws evenly
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | ignores the number of samples
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=200_000, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | its own generator
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = np.random.default_rng(0).choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | another generator
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = np.random.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | the sum
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).sum(axis=0)


# %% exercise-5 | wrong | the scores of a policy at temperature 1
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - softmax(np.asarray(theta))) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | the scores uncentred
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = np.eye(len(acting))[taken] / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | the sign
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] * -1 + acting) / temperature
    return (np.asarray(rewards)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | whole rewards
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return (np.asarray(rewards).astype(int)[taken][:, None] * score).mean(axis=0)


# %% exercise-5 | wrong | the exact gradient
def mended_gradient(theta, temperature, rewards, samples, rng):
    acting = softmax(np.asarray(theta) / temperature)
    taken = rng.choice(len(acting), size=samples, p=acting)
    score = (np.eye(len(acting))[taken] - acting) / temperature
    return acting * (np.asarray(rewards) - acting @ np.asarray(rewards)) / temperature


# %% exercise-5 | right | by counting the actions
def mended_gradient(theta, temperature, rewards, samples, rng):
    weights = np.exp(np.array(theta) / temperature)
    pi = weights / weights.sum()
    counts = np.bincount(rng.choice(len(pi), size=samples, p=pi), minlength=len(pi))
    earned = counts * np.array(rewards) / samples
    return (earned - pi * earned.sum()) / temperature


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
    weights = np.asarray(scores, dtype=float) ** 2
    return np.mean(returns)


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | weights not squared
def best_baseline(scores, returns):
    weights = np.abs(np.asarray(scores, dtype=float))
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | the scores for weights
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) + 1e-9
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | the weights not normed
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / len(weights)


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | the returns squared too
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns) ** 2).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | the median
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return np.median(returns)


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | the ratio upside down
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return (returns * scores).var() / max(samples.var(), 1e-300)


# %% exercise-6 | wrong | the ratio of standard deviations
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.std() / (returns * scores).std()


# %% exercise-6 | wrong | the ratio of second moments
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return (samples**2).mean() / ((returns * scores) ** 2).mean()


# %% exercise-6 | wrong | the variance alone
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var()


# %% exercise-6 | wrong | the plain mean as the baseline
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - returns.mean()) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | the variance of the returns
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / returns.var()


# %% exercise-6 | wrong | the baseline added
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns + best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | no return
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    samples = (returns - best_baseline(scores, returns)) * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | wrong | centres the returns in place
def best_baseline(scores, returns):
    weights = np.asarray(scores, dtype=float) ** 2
    return (weights * np.asarray(returns)).sum() / weights.sum()


def variance_ratio(scores, returns):
    scores, returns = np.asarray(scores, dtype=float), np.asarray(returns, dtype=float)
    returns -= best_baseline(scores, returns)
    samples = returns * scores
    return samples.var() / (returns * scores).var()


# %% exercise-6 | right | with sums in Python
def best_baseline(scores, returns):
    return sum(s * s * g for s, g in zip(scores, returns)) / sum(s * s for s in scores)


def variance_ratio(scores, returns):
    def variance(samples):
        middle = sum(samples) / len(samples)
        return sum((x - middle) ** 2 for x in samples)

    b = best_baseline(scores, returns)
    return variance([(g - b) * s for s, g in zip(scores, returns)]) / variance(list(scores * returns))


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
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual


# %% exercise-7 | wrong | divided by one length
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right)


# %% exercise-7 | wrong | divided by the squares of the lengths
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) ** 2 / np.linalg.norm(usual) ** 2


# %% exercise-7 | wrong | always the same direction
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = right
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | drops the discount of the values too
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(short_corridor(), np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | forgets the world's discount
def direction_without_discount(gamma):
    mdp = short_corridor()
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | gamma fixed at 0.9
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=0.9)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | the visits discounted by 0.9
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), 0.9).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | at another policy
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.ones((4, 2)) * [1, 0], gamma).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)


# %% exercise-7 | wrong | the angle, not its cosine
def direction_without_discount(gamma):
    mdp = short_corridor(gamma=gamma)
    right = gradient_with_visits(mdp, np.zeros((4, 2)), gamma).ravel()
    usual = gradient_with_visits(mdp, np.zeros((4, 2)), 1.0).ravel()
    return np.arccos(min(1, right @ usual / np.linalg.norm(right) / np.linalg.norm(usual)))


# %% exercise-7 | right | unit vectors first
def direction_without_discount(gamma):
    world, logits = short_corridor(gamma=gamma), np.zeros((4, 2))
    units = []
    for discount in (gamma, 1.0):
        x = gradient_with_visits(world, logits, discount)
        units.append(x / np.sqrt((x**2).sum()))
    return float(np.sum(units[0] * units[1]))


# %% exercise-7 | right | written with sums
def direction_without_discount(gamma):
    world = short_corridor(gamma)
    x, y = (gradient_with_visits(world, np.zeros((4, 2)), discount) for discount in (1, gamma))
    return np.sum(x * y) / np.sqrt(np.sum(x**2) * np.sum(y**2))


# %% exercise-2 | wrong | an array of two answers
first, second, third, fourth = np.array(["down", "up"]), "up", "same", "up"


# %% exercise-3 | wrong | the mean over states (in several places)
def exact_gradient(mdp, features, theta):
    pi = softmax(features @ theta)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, r = follow(mdp, pi)
    live = ~mdp.terminal
    d = np.zeros(mdp.num_states)
    d[live] = np.linalg.solve(np.eye(live.sum()) - mdp.gamma * P[np.ix_(live, live)].T, mdp.start[live])
    dh = d[:, None] * pi * (q - v[:, None])
    return np.einsum("sa,saf->f", dh, features) / mdp.num_states


# %% exercise-3 | right | visits step by step, with scores
def exact_gradient(mdp, features, theta):
    S, A, F = features.shape
    logits = np.zeros((S, A))
    for s in range(S):
        for a in range(A):
            logits[s, a] = sum(theta[f] * features[s, a, f] for f in range(F))
    pi = softmax(logits)
    v = policy_value(mdp, pi)
    q = bellman_optimality(mdp, v)
    P, _ = follow(mdp, pi)
    d, now = np.zeros(S), mdp.start * ~mdp.terminal
    for t in range(5000):
        d += now
        now = mdp.gamma * (now @ P) * ~mdp.terminal
    g = [0.0] * F
    for s in range(S):
        mean = sum(pi[s, b] * features[s, b] for b in range(A))
        for a in range(A):
            for f in range(F):
                g[f] += d[s] * pi[s, a] * q[s, a] * (features[s, a, f] - mean[f])
    return g
