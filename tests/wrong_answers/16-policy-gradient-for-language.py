# %% exercise-1 | wrong | the scores' mean forgotten
gradient = [1.0, -0.3, 0.8]
third_drawn = [-2.0, -1.2, 3.2]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | rewards less the mean, without the probabilities
gradient = [0.5, -2.5, 2.5]
third_drawn = [-2.0, -1.2, 3.2]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | the mean of the three rewards
gradient = [0.167, -0.8, 0.467]
third_drawn = [-2.0, -1.2, 3.2]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | descends
gradient = [-0.25, 0.75, -0.5]
third_drawn = [-2.0, -1.2, 3.2]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | times how often it is drawn
gradient = [0.25, -0.75, 0.5]
third_drawn = [-0.4, -0.24, 0.64]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | only the logit of the reply
gradient = [0.25, -0.75, 0.5]
third_drawn = [0.0, 0.0, 4.0]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | with the baseline
gradient = [0.25, -0.75, 0.5]
third_drawn = [-1.25, -0.75, 2.0]
noises = [3.255, 1.86]

# %% exercise-1 | wrong | the second moment
gradient = [0.25, -0.75, 0.5]
third_drawn = [-2.0, -1.2, 3.2]
noises = [4.13, 2.735]

# %% exercise-1 | wrong | the same noise twice
gradient = [0.25, -0.75, 0.5]
third_drawn = [-2.0, -1.2, 3.2]
noises = [3.255, 3.255]

# %% exercise-1 | right | computed
p, r = np.array([0.5, 0.3, 0.2]), np.array([2.0, -1.0, 4.0])
gradient = p * (r - p @ r)
third_drawn = r[2] * (np.eye(3)[2] - p)
sizes = ((np.eye(3) - p) ** 2).sum(axis=1)
noises = [p @ ((r - b) ** 2 * sizes) - gradient @ gradient for b in (0, p @ r)]

# %% exercise-1 | right | in PyTorch, and tuples
gradient = torch.tensor([0.25, -0.75, 0.5])
third_drawn = (-2, -1.2, 3.2)
noises = (3.255, 1.86)

# %% exercise-2 | wrong | forgets the sign of the reward
moves = [["up", "down", "down"], ["down", "up", "up"], ["up", "up", "down"]]

# %% exercise-2 | wrong | a constant reward does nothing
moves = [["still"] * 3] * 3

# %% exercise-2 | wrong | the temperature the wrong way round
moves = [["down", "up", "up"], ["up", "down", "down"], ["up", "up", "down"]]

# %% exercise-2 | wrong | the filter leaves the likeliest as it is
moves = [["down", "up", "up"], ["down", "up", "up"], ["still", "still", "down"]]

# %% exercise-2 | wrong | the middle word stays
moves = [["down", "still", "up"], ["down", "still", "up"], ["up", "still", "down"]]

# %% exercise-2 | wrong | numbers
moves = [[-1, 1, 1], [-1, 1, 1], [1, 1, -1]]

# %% exercise-2 | right | computed
z = np.array([2.0, 0.0, -1.0])
p = np.exp(z) / np.exp(z).sum()
drawn = [np.exp(z / 0.5), np.exp(z / 2), np.exp(z) * [1, 1, 0]]
moves = [["up" if push > 0 else "down" for push in sign * (q / q.sum() - p)] for sign, q in zip([-1, 1, 1], drawn)]

# %% exercise-2 | right | in tuples
moves = (("down", "up", "up"), ("down", "up", "up"), ("up", "up", "down"))


# %% exercise-3 | wrong | one distribution for both
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    p = np.exp((logits - logits.max()) / scored_at)
    p[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    p = p / p.sum()
    return (p * rewards - (p @ rewards) * p) / scored_at


# %% exercise-3 | wrong | the filter on the score too
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) / drawn_at), np.exp((logits - logits.max()) / scored_at)
    for weights in (q, p):
        weights[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    return (q * rewards - (q @ rewards) * p) / scored_at


# %% exercise-3 | wrong | the score not divided by its temperature
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) / drawn_at), np.exp((logits - logits.max()) / scored_at)
    q[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    return q * rewards - (q @ rewards) * p


# %% exercise-3 | wrong | multiplies by the temperature
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) * drawn_at), np.exp((logits - logits.max()) * scored_at)
    q[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    return (q * rewards - (q @ rewards) * p) / scored_at


# %% exercise-3 | wrong | cut off, and not shared out again
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) / drawn_at), np.exp((logits - logits.max()) / scored_at)
    q[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / np.exp((logits - logits.max()) / drawn_at).sum(), p / p.sum()
    return (q * rewards - (q @ rewards) * p) / scored_at


# %% exercise-3 | wrong | the mean reward of the scored policy
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) / drawn_at), np.exp((logits - logits.max()) / scored_at)
    q[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    return (q * rewards - (p @ rewards) * p) / scored_at


# %% exercise-3 | wrong | overflows
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp(logits / drawn_at), np.exp(logits / scored_at)
    q[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    return (q * rewards - (q @ rewards) * p) / scored_at


# %% exercise-3 | wrong | keeps the smallest
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) / drawn_at), np.exp((logits - logits.max()) / scored_at)
    q[np.argsort(logits)[top_k:]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    return (q * rewards - (q @ rewards) * p) / scored_at


# %% exercise-3 | wrong | changes its rewards
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    q, p = np.exp((logits - logits.max()) / drawn_at), np.exp((logits - logits.max()) / scored_at)
    q[np.argsort(logits)[: len(logits) - top_k]] = 0.0
    q, p = q / q.sum(), p / p.sum()
    rewards *= q
    return (rewards - rewards.sum() * p) / scored_at


# %% exercise-3 | right | the sum over words, by autograd
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    z = torch.tensor(logits, requires_grad=True)
    cut = torch.tensor(logits).topk(top_k).values.min()
    drawn = torch.where(z.detach() >= cut, z.detach() / drawn_at, -torch.inf).softmax(0)
    (drawn * torch.tensor(rewards) * (z / scored_at).log_softmax(0)).sum().backward()
    return z.grad


# %% exercise-3 | right | word by word
def mean_push(logits, rewards, drawn_at, scored_at, top_k):
    def softmax(z):
        return np.exp(z - np.logaddexp.reduce(z))

    p, total = softmax(logits / scored_at), 0.0
    kept = sorted(range(len(logits)), key=lambda a: -logits[a])[:top_k]
    for a, q in zip(kept, softmax(logits[kept] / drawn_at)):
        total = total + q * rewards[a] * (np.eye(len(p))[a] - p) / scored_at
    return total.tolist()


# %% exercise-4 | wrong | the careless one
def advantages_by_prompt(rewards, prompt_of):
    return careless_advantages(np.asarray(rewards), len(rewards) // len(set(prompt_of.tolist())))


# %% exercise-4 | wrong | the mean with its own
def advantages_by_prompt(rewards, prompt_of):
    advantages = np.zeros(len(rewards))
    for prompt in np.unique(prompt_of):
        own = prompt_of == prompt
        advantages[own] = rewards[own] - rewards[own].mean()
    return advantages


# %% exercise-4 | wrong | as many replies to each
def advantages_by_prompt(rewards, prompt_of):
    advantages = np.zeros(len(rewards))
    for prompt in np.unique(prompt_of):
        own = prompt_of == prompt
        others = (rewards[own].sum() - rewards[own]) / (len(rewards) / len(np.unique(prompt_of)) - 1)
        advantages[own] = rewards[own] - others
    return advantages


# %% exercise-4 | wrong | prompts counted from 0
def advantages_by_prompt(rewards, prompt_of):
    advantages = np.zeros(len(rewards))
    for prompt in range(len(np.unique(prompt_of))):
        own = prompt_of == prompt
        others = (rewards[own].sum() - rewards[own]) / (own.sum() - 1)
        advantages[own] = rewards[own] - others
    return advantages


# %% exercise-4 | wrong | whole numbers stay whole
def advantages_by_prompt(rewards, prompt_of):
    advantages = np.zeros_like(rewards)
    for prompt in np.unique(prompt_of):
        own = prompt_of == prompt
        others = (rewards[own].sum() - rewards[own]) / (own.sum() - 1)
        advantages[own] = rewards[own] - others
    return advantages


# %% exercise-4 | wrong | sorted, and not put back
def advantages_by_prompt(rewards, prompt_of):
    advantages = np.zeros(len(rewards))
    for prompt in np.unique(prompt_of):
        own = prompt_of == prompt
        others = (rewards[own].sum() - rewards[own]) / (own.sum() - 1)
        advantages[own] = rewards[own] - others
    return advantages[np.argsort(prompt_of, kind="stable")]


# %% exercise-4 | wrong | in place
def advantages_by_prompt(rewards, prompt_of):
    advantages = rewards
    for prompt in np.unique(prompt_of):
        own = prompt_of == prompt
        others = (rewards[own].sum() - rewards[own]) / (own.sum() - 1)
        advantages[own] = rewards[own] - others
    return advantages


# %% exercise-4 | right | a matrix of who is another's other
def advantages_by_prompt(rewards, prompt_of):
    others = (prompt_of[:, None] == prompt_of) & ~np.eye(len(rewards), dtype=bool)
    return rewards - (others @ rewards) / others.sum(axis=1)


# %% exercise-4 | right | loops, and a list
def advantages_by_prompt(rewards, prompt_of):
    answer = []
    for i, r in enumerate(rewards):
        others = [rewards[j] for j in range(len(rewards)) if j != i and prompt_of[j] == prompt_of[i]]
        answer.append(r - sum(others) / len(others))
    return answer


# %% exercise-5 | wrong | the sign
def policy_gradient_loss(logp, advantages, mask):
    return (advantages.detach() * torch.where(mask, logp, 0.0).sum(1)).mean()


# %% exercise-5 | wrong | the mean over all tokens
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages.detach()[:, None] * torch.where(mask, logp, 0.0)).sum() / mask.sum()


# %% exercise-5 | wrong | the mean over the tokens of a completion
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages.detach() * torch.where(mask, logp, 0.0).sum(1) / mask.sum(1)).mean()


# %% exercise-5 | wrong | the sum over completions
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages.detach() * torch.where(mask, logp, 0.0).sum(1)).sum()


# %% exercise-5 | wrong | nothing detached
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages * torch.where(mask, logp, 0.0).sum(1)).mean()


# %% exercise-5 | wrong | the log-probabilities detached
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages * torch.where(mask, logp, 0.0).sum(1).detach()).mean()


# %% exercise-5 | wrong | a product with the mask
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages.detach() * (logp * mask).sum(1)).mean()


# %% exercise-5 | wrong | the prompt too
def policy_gradient_loss(logp, advantages, mask):
    return -(advantages.detach() * logp.sum(1)).mean()


# %% exercise-5 | right | tokens picked out
def policy_gradient_loss(logp, advantages, mask):
    rows = mask.nonzero()[:, 0]
    return -(advantages.detach()[rows] * logp[mask]).sum() / len(logp)


# %% exercise-5 | right | filled, and a matrix product
def policy_gradient_loss(logp, advantages, mask):
    with torch.no_grad():
        A = advantages * 1.0
    return -(A @ logp.masked_fill(~mask, 0.0).sum(dim=1)) / logp.shape[0]


# %% exercise-6 | wrong | not its own price
def token_advantages(rewards, prices, values, mask):
    prices = np.where(mask, prices, 0.0)
    to_go = rewards[:, None] - prices[:, ::-1].cumsum(axis=1)[:, ::-1] + prices
    return np.where(mask, to_go - values, 0.0)


# %% exercise-6 | wrong | the prices until here
def token_advantages(rewards, prices, values, mask):
    prices = np.where(mask, prices, 0.0)
    return np.where(mask, rewards[:, None] - prices.cumsum(axis=1) - values, 0.0)


# %% exercise-6 | wrong | the prices of the whole reply
def token_advantages(rewards, prices, values, mask):
    prices = np.where(mask, prices, 0.0)
    return np.where(mask, rewards[:, None] - prices.sum(axis=1, keepdims=True) - values, 0.0)


# %% exercise-6 | wrong | pays for the padding
def token_advantages(rewards, prices, values, mask):
    to_go = rewards[:, None] - prices[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.where(mask, to_go - values, 0.0)


# %% exercise-6 | wrong | without the values
def token_advantages(rewards, prices, values, mask):
    prices = np.where(mask, prices, 0.0)
    return np.where(mask, rewards[:, None] - prices[:, ::-1].cumsum(axis=1)[:, ::-1], 0.0)


# %% exercise-6 | wrong | something at other places
def token_advantages(rewards, prices, values, mask):
    prices = np.where(mask, prices, 0.0)
    return rewards[:, None] - prices[:, ::-1].cumsum(axis=1)[:, ::-1] - values


# %% exercise-6 | wrong | each token its own price only
def token_advantages(rewards, prices, values, mask):
    return np.where(mask, rewards[:, None] - prices - values, 0.0)


# %% exercise-6 | wrong | the prices added
def token_advantages(rewards, prices, values, mask):
    prices = np.where(mask, prices, 0.0)
    return np.where(mask, rewards[:, None] + prices[:, ::-1].cumsum(axis=1)[:, ::-1] - values, 0.0)


# %% exercise-6 | right | backwards in a loop
def token_advantages(rewards, prices, values, mask):
    advantages = np.zeros(mask.shape)
    for row in range(len(rewards)):
        to_go = rewards[row]
        for t in reversed(range(mask.shape[1])):
            if mask[row, t]:
                to_go = to_go - prices[row, t]
                advantages[row, t] = to_go - values[row, t]
    return advantages


# %% exercise-6 | right | by the sums before
def token_advantages(rewards, prices, values, mask):
    own = prices * mask
    before = own.cumsum(axis=1) - own
    return (rewards[:, None] - (own.sum(axis=1, keepdims=True) - before) - values) * mask


# %% exercise-7 | wrong | the mean reward
def best_baseline(p, rewards):
    return p @ rewards


# %% exercise-7 | wrong | the length, not its square
def best_baseline(p, rewards):
    weights = p * np.sqrt(1 - 2 * p + (p**2).sum())
    return weights @ rewards / weights.sum()


# %% exercise-7 | wrong | only the reply's own logit
def best_baseline(p, rewards):
    weights = p * (1 - p) ** 2
    return weights @ rewards / weights.sum()


# %% exercise-7 | wrong | without the probabilities
def best_baseline(p, rewards):
    weights = 1 - 2 * p + (p**2).sum()
    return weights @ rewards / weights.sum()


# %% exercise-7 | wrong | not divided
def best_baseline(p, rewards):
    return (p * (1 - 2 * p + (p**2).sum())) @ rewards


# %% exercise-7 | right | the scores written out
def best_baseline(p, rewards):
    sizes = ((np.eye(len(p)) - p) ** 2).sum(axis=1)
    return np.average(rewards, weights=p * sizes)


# %% exercise-7 | right | reply by reply
def best_baseline(p, rewards):
    above = below = 0.0
    for y in range(len(p)):
        size = sum(((y == k) - p[k]) ** 2 for k in range(len(p)))
        above, below = above + p[y] * size * rewards[y], below + p[y] * size
    return above / below
