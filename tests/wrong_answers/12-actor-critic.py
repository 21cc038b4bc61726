# %% exercise-1 | wrong | forgets the discount
delta = 4.0
push = [-0.54, 0.54]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | the sign of the error
delta = -2.0
push = [-0.54, 0.54]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | without the next value
delta = -1.0
push = [-0.54, 0.54]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | the row of the end counts
delta = 2.0
push = [-0.54, 0.54]
new_value = 4.5
delta_end = 3.2


# %% exercise-1 | wrong | without gamma ** t
delta = 2.0
push = [-1.5, 1.5]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | gamma once
delta = 2.0
push = [-0.9, 0.9]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | the push of the other action
delta = 2.0
push = [0.18, -0.18]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | only the action taken
delta = 2.0
push = [0.0, 0.54]
new_value = 4.5
delta_end = -1.0


# %% exercise-1 | wrong | a whole step
delta = 2.0
push = [-0.54, 0.54]
new_value = 6.0
delta_end = -1.0


# %% exercise-1 | wrong | away from the target
delta = 2.0
push = [-0.54, 0.54]
new_value = 3.5
delta_end = -1.0


# %% exercise-1 | wrong | gamma ** t in the critic
delta = 2.0
push = [-0.54, 0.54]
new_value = 4.18
delta_end = -1.0


# %% exercise-1 | right | as arrays and whole numbers
delta = 2
push = np.array([-0.54, 0.54])
new_value = np.float32(4.5)
delta_end = -1


# %% exercise-1 | right | computed
delta = 3 + 0.6 * 5 - 4
push = 0.6**2 * delta * (np.array([0, 1]) - [0.75, 0.25])
new_value = 4 + 0.25 * delta
delta_end = 3 - 4


# %% exercise-2 | wrong | an exact critic is biased at lambda 0
first, second, third, fourth = "fall", "fall", "rise", "same"


# %% exercise-2 | wrong | lambda adds bias
first, second, third, fourth = "same", "rise", "rise", "same"


# %% exercise-2 | wrong | lambda has no effect on bias
first, second, third, fourth = "same", "same", "rise", "same"


# %% exercise-2 | wrong | lambda takes noise away
first, second, third, fourth = "same", "fall", "fall", "same"


# %% exercise-2 | wrong | an exact critic has no scatter
first, second, third, fourth = "same", "fall", "same", "same"


# %% exercise-2 | wrong | more samples take bias away
first, second, third, fourth = "same", "fall", "rise", "fall"


# %% exercise-2 | wrong | words of their own
first, second, third, fourth = "same", "falls", "rise", "same"


# %% exercise-2 | right | as NumPy's strings
first, second, third, fourth = np.array(["same", "fall", "rise", "same"])


# %% exercise-2 | right | one after the other
first = "same"
second = "fall"
third = "rise"
fourth = first


# %% exercise-3 | wrong | bootstraps through a terminal state
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | a cut does not bootstrap
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~(terminated[t] | truncated[t]) - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the trace crosses ends
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the trace crosses cuts
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~terminated[t]
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the trace crosses terminal states
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~truncated[t]
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the reset is a transition
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages


# %% exercise-3 | wrong | gamma alone
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | lambda alone
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the next value undiscounted
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | from the first row on
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in range(len(rewards)):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the flag of the next row
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~(
            terminated[min(t + 1, len(rewards) - 1)] | truncated[min(t + 1, len(rewards) - 1)]
        )
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | without the value
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages * mask


# %% exercise-3 | wrong | the TD errors
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = delta
    return advantages * mask


# %% exercise-3 | wrong | returns, not advantages
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    advantages, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * values[t + 1] * ~terminated[t] - values[t]
        later = delta + gamma * lam * later * ~(terminated[t] | truncated[t])
        advantages[t] = later + values[t]
    return advantages * mask


# %% exercise-3 | right | environment by environment
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    steps, envs = rewards.shape
    answer = [[0.0] * envs for _ in range(steps)]
    for e in range(envs):
        trace = 0.0
        for t in range(steps - 1, -1, -1):
            if terminated[t, e]:
                trace = rewards[t, e] - values[t, e]
            elif truncated[t, e]:
                trace = rewards[t, e] + gamma * values[t + 1, e] - values[t, e]
            else:
                trace = rewards[t, e] + gamma * values[t + 1, e] - values[t, e] + gamma * lam * trace
            answer[t][e] = trace if mask[t, e] else 0.0
    return answer


# %% exercise-3 | right | all errors first
def rollout_advantages(rewards, values, terminated, truncated, mask, gamma, lam):
    deltas = np.where(mask, rewards + gamma * np.where(terminated, 0, values[1:]) - values[:-1], 0)
    fade = np.where(terminated | truncated | ~mask, 0, gamma * lam)
    advantages = deltas.copy()
    for t in range(len(deltas) - 2, -1, -1):
        advantages[t] += fade[t] * advantages[t + 1]
    return advantages


# %% exercise-4 | wrong | the sign of the actor
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = (advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | advantages with a history
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | a target with a history
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values) - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | the value loses its history
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values.detach()) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | the advantage for a target
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = ((advantages - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | not half
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean()
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | entropy added
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value + entropy_weight * entropy


# %% exercise-4 | wrong | sums over the transitions
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).sum()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | the entropy of a mean action
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).mean(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | logits for log-probabilities
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | probabilities
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | a softmax over the batch
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=0)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | without the weight of the value
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value - entropy_weight * entropy


# %% exercise-4 | wrong | whitens the advantages
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach() - advantages.detach().mean()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = (((advantages + values).detach() - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | wrong | the value moved the wrong way
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    logp = logits.log_softmax(dim=-1)
    advantages = advantages.detach()
    policy = -(advantages * logp.gather(-1, actions[:, None])[:, 0]).mean()
    value = ((values.detach() - advantages - values) ** 2).mean() / 2
    entropy = -(logp.exp() * logp).sum(dim=-1).mean()
    return policy + value_weight * value - entropy_weight * entropy


# %% exercise-4 | right | with a distribution
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    pi = torch.distributions.Categorical(logits=logits)
    weights = advantages.detach()
    targets = weights + values.detach()
    losses = (
        -weights * pi.log_prob(actions) + value_weight * (values - targets).square() / 2 - entropy_weight * pi.entropy()
    )
    return losses.mean()


# %% exercise-4 | right | with mse_loss
def actor_critic_loss(logits, values, actions, advantages, value_weight, entropy_weight):
    with torch.no_grad():
        fixed, targets = advantages + 0, advantages + values
    logp = torch.log_softmax(logits, 1)
    policy = (torch.nn.functional.nll_loss(logp, actions, reduction="none") * fixed).mean()
    entropy = torch.special.entr(logp.exp()).sum(1).mean()
    return policy + value_weight * 0.5 * torch.nn.functional.mse_loss(values, targets) - entropy * entropy_weight


# %% exercise-5 | wrong | untouched
def mended_critic_loss(values, targets):
    return ((targets.detach() - values) ** 2).mean()


# %% exercise-5 | wrong | the targets move
def mended_critic_loss(values, targets):
    return ((targets - values.reshape(targets.shape)) ** 2).mean()


# %% exercise-5 | wrong | a column for both
def mended_critic_loss(values, targets):
    return ((targets.detach()[:, None] - values) ** 2).mean()


# %% exercise-5 | wrong | half
def mended_critic_loss(values, targets):
    return ((targets.detach() - values.reshape(targets.shape)) ** 2).mean() / 2


# %% exercise-5 | wrong | a sum
def mended_critic_loss(values, targets):
    return ((targets.detach() - values.reshape(targets.shape)) ** 2).sum()


# %% exercise-5 | wrong | a row for a column
def mended_critic_loss(values, targets):
    return ((targets.detach() - values.reshape(1, -1).T) ** 2).mean()


# %% exercise-5 | wrong | the values are frozen
def mended_critic_loss(values, targets):
    return ((targets.detach() - values.reshape(targets.shape).detach()) ** 2).mean()


# %% exercise-5 | wrong | the mean of the values
def mended_critic_loss(values, targets):
    return ((targets.detach() - values.mean()) ** 2).mean()


# %% exercise-5 | wrong | squeezes the wrong one
def mended_critic_loss(values, targets):
    return ((targets.detach().squeeze() - values) ** 2).mean()


# %% exercise-5 | right | squeezed
def mended_critic_loss(values, targets):
    return (values.squeeze(-1) if values.ndim == 2 else values).sub(targets.detach()).pow(2).mean()


# %% exercise-5 | right | with mse_loss
def mended_critic_loss(values, targets):
    return torch.nn.functional.mse_loss(values.flatten(), targets.detach())


# %% exercise-6 | wrong | without the delay
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * c * path[k])
    return np.array(path)


# %% exercise-6 | wrong | one update too late
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * c * path[max(k - delay - 1, 0)])
    return np.array(path)


# %% exercise-6 | wrong | one update too soon
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * c * path[max(k - delay + 1, 0) if delay else k])
    return np.array(path)


# %% exercise-6 | wrong | uphill
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] + alpha * c * path[max(k - delay, 0)])
    return np.array(path)


# %% exercise-6 | wrong | without c
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * path[max(k - delay, 0)])
    return np.array(path)


# %% exercise-6 | wrong | always the first gradient
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * c * path[0])
    return np.array(path)


# %% exercise-6 | wrong | the old theta moves
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[max(k - delay, 0)] - alpha * c * path[max(k - delay, 0)])
    return np.array(path)


# %% exercise-6 | wrong | waits first
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - (alpha * c * path[k - delay] if k >= delay else 0))
    return np.array(path)


# %% exercise-6 | wrong | without the start
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * c * path[max(k - delay, 0)])
    return np.array(path[1:])


# %% exercise-6 | wrong | only the end
def late_descent(theta, c, alpha, delay, steps):
    path = [theta]
    for k in range(steps):
        path.append(path[k] - alpha * c * path[max(k - delay, 0)])
    return np.array(path[-1])


# %% exercise-6 | right | with a queue
def late_descent(theta, c, alpha, delay, steps):
    from collections import deque

    waiting, path = deque([c * theta] * delay), [float(theta)]
    for _ in range(steps):
        waiting.append(c * path[-1])
        path.append(path[-1] - alpha * waiting.popleft())
    return path


# %% exercise-6 | right | into an array
def late_descent(theta, c, alpha, delay, steps):
    path = np.empty(steps + 1)
    path[0] = theta
    for k in range(1, steps + 1):
        old = path[k - 1 - delay] if k - 1 >= delay else theta
        path[k] = path[k - 1] - alpha * (c * old)
    return path


# %% exercise-7 | wrong | without the weights
def compatible_weights(scores, often, advantages):
    root = np.ones(len(often))
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (often * advantages), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | weights without the root
def compatible_weights(scores, often, advantages):
    root = often
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (often * advantages), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | the targets without the root
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (often * advantages), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | the rows without the root
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (often * advantages), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | the gradient without how often
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ advantages, compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | the gradient with the root
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (np.sqrt(often) * advantages), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | the plain gradient twice
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (often * advantages), scores.T @ (often * advantages)


# %% exercise-7 | wrong | the other way round
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return compatible_weights(scores, often, advantages), scores.T @ (often * advantages)


# %% exercise-7 | wrong | downhill
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return -scores.T @ (often * advantages), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | a mean over the pairs
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return scores.T @ (often * advantages) / len(often), compatible_weights(scores, often, advantages)


# %% exercise-7 | wrong | the scores forgotten
def compatible_weights(scores, often, advantages):
    root = np.sqrt(often)
    return np.linalg.lstsq(root[:, None] * scores, root * advantages)[0]


def gradient_and_natural(scores, often, advantages):
    return often * advantages, compatible_weights(scores, often, advantages)


# %% exercise-7 | right | with the Fisher matrix
def compatible_weights(scores, often, advantages):
    fisher = (scores.T * often) @ scores
    return np.linalg.pinv(fisher, rcond=1e-10) @ (scores.T @ (often * advantages))


def gradient_and_natural(scores, often, advantages):
    gradient = sum(n * a * row for n, a, row in zip(often, advantages, scores))
    return [gradient, compatible_weights(scores, often, advantages)]


# %% exercise-7 | right | with a pseudo-inverse of the rows
def compatible_weights(scores, often, advantages):
    W = np.diag(np.sqrt(often))
    return np.linalg.pinv(W @ scores) @ W @ advantages


def gradient_and_natural(scores, often, advantages):
    return np.einsum("n,n,nf->f", often, advantages, scores), compatible_weights(scores, often, advantages)
