# %% exercise-1 | wrong | the sample standard deviation
without_std = [0.75, -0.25, -0.25, -0.25]
with_std = [1.5, -0.5, -0.5, -0.5]
others_only = [1.0, -1 / 3, -1 / 3, -1 / 3]
first_loss = -0.15

# %% exercise-1 | wrong | divides by the variance
without_std = [0.75, -0.25, -0.25, -0.25]
with_std = [4.0, -4 / 3, -4 / 3, -4 / 3]
others_only = [1.0, -1 / 3, -1 / 3, -1 / 3]
first_loss = -0.15

# %% exercise-1 | wrong | the self-inclusive mean for the others
without_std = [0.75, -0.25, -0.25, -0.25]
with_std = [1.732, -0.577, -0.577, -0.577]
others_only = [0.75, -0.25, -0.25, -0.25]
first_loss = -0.15

# %% exercise-1 | wrong | the baseline of the first for all
without_std = [0.75, -0.25, -0.25, -0.25]
with_std = [1.732, -0.577, -0.577, -0.577]
others_only = [1.0, 0.0, 0.0, 0.0]
first_loss = -0.15

# %% exercise-1 | wrong | a loss of 0, as in the chapter
without_std = [0.75, -0.25, -0.25, -0.25]
with_std = [1.732, -0.577, -0.577, -0.577]
others_only = [1.0, -1 / 3, -1 / 3, -1 / 3]
first_loss = 0.0

# %% exercise-1 | wrong | the sign of the loss
without_std = [0.75, -0.25, -0.25, -0.25]
with_std = [1.732, -0.577, -0.577, -0.577]
others_only = [1.0, -1 / 3, -1 / 3, -1 / 3]
first_loss = 0.15

# %% exercise-1 | right | computed
given, lengths = np.array([1.0, 0, 0, 0]), np.array([4, 2, 2, 2])
without_std = given - given.mean()
with_std = without_std / given.std()
others_only = without_std * 4 / 3
first_loss = -np.average(without_std, weights=lengths)


# %% exercise-2 | wrong | the advantages
slopes = [0.0, -2.0, 1.0, 0.0, 1.0, -1.0]

# %% exercise-2 | wrong | clips both sides whatever the sign
slopes = [0.0, 0.0, 0.0, 0.0, 1.1, -0.9]

# %% exercise-2 | wrong | clips nothing
slopes = [2.6, -2.6, 0.7, -0.7, 1.1, -0.9]

# %% exercise-2 | wrong | clips the upper side only
slopes = [0.0, 0.0, 0.7, -0.7, 1.1, -0.9]

# %% exercise-2 | wrong | the values, not the slopes
slopes = [2.4, -2.6, 0.7, -0.8, 1.1, -0.9]

# %% exercise-2 | right | by autograd
logp = torch.tensor([[1.3, 1.3, 0.7, 0.7, 1.1, 0.9]]).log().requires_grad_()
value = clipped_surrogate(logp, torch.zeros(1, 6), torch.tensor([[2.0, -2, 1, -1, 1, -1]]))
slopes = torch.autograd.grad(value.sum(), logp)[0][0].tolist()


# %% exercise-3 | wrong | groups are not consecutive
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(group_size, -1)
    groups = groups - groups.mean(axis=0)
    if divide_by_std:
        std = groups.std(axis=0)
        groups = groups / np.where(std > 0, std, 1.0)
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean()


# %% exercise-3 | wrong | leave one out, for the group mean
def advantages_of(rewards, group_size, divide_by_std):
    if divide_by_std:
        return group_relative(rewards, group_size)
    return group_relative(rewards, group_size, divide_by_std=False) * group_size / (group_size - 1)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean()


# %% exercise-3 | wrong | the mean and std of the batch
def advantages_of(rewards, group_size, divide_by_std):
    centred = rewards - rewards.mean()
    return centred / rewards.std() if divide_by_std else centred


def loss_of(logp, old_logp, advantages, mask, clip):
    return -clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean()


# %% exercise-3 | wrong | the sample standard deviation
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    return (groups / (groups.std(axis=1, ddof=1, keepdims=True) if divide_by_std else 1)).reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean()


# %% exercise-3 | wrong | equal rewards divide 0 by 0
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        with np.errstate(invalid="ignore"):
            groups = groups / groups.std(axis=1, keepdims=True)
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean()


# %% exercise-3 | wrong | padding counts in the mean
def advantages_of(rewards, group_size, divide_by_std):
    return group_relative(rewards, group_size, divide_by_std=divide_by_std)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -(clipped_surrogate(logp, old_logp, advantages, clip=clip) * mask).mean()


# %% exercise-3 | wrong | clips without the minimum
def advantages_of(rewards, group_size, divide_by_std):
    return group_relative(rewards, group_size, divide_by_std=divide_by_std)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp().clamp(1 - clip, 1 + clip)
    return -(ratio * advantages[:, None])[mask].mean()


# %% exercise-3 | wrong | does not clip
def advantages_of(rewards, group_size, divide_by_std):
    return group_relative(rewards, group_size, divide_by_std=divide_by_std)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -((logp - old_logp).exp() * advantages[:, None])[mask].mean()


# %% exercise-3 | wrong | the maximum, and no minus
def advantages_of(rewards, group_size, divide_by_std):
    return group_relative(rewards, group_size, divide_by_std=divide_by_std)


def loss_of(logp, old_logp, advantages, mask, clip):
    return clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean()


# %% exercise-3 | wrong | leaves PyTorch, and the gradient behind
def advantages_of(rewards, group_size, divide_by_std):
    return group_relative(rewards, group_size, divide_by_std=divide_by_std)


def loss_of(logp, old_logp, advantages, mask, clip):
    return -clipped_surrogate(logp, old_logp, advantages, clip=clip)[mask].mean().detach()


# %% exercise-3 | right | loops
def advantages_of(rewards, group_size, divide_by_std):
    answer = []
    for first in range(0, len(rewards), group_size):
        group = rewards[first : first + group_size]
        std = np.std(group)
        answer += [(r - np.mean(group)) / (std if divide_by_std and std else 1.0) for r in group]
    return answer


def loss_of(logp, old_logp, advantages, mask, clip):
    total = 0.0
    for row, column in mask.nonzero().tolist():
        A, ratio = advantages[row], (logp[row, column] - old_logp[row, column]).exp()
        clipped = ratio.clamp(max=1 + clip) if A > 0 else ratio.clamp(min=1 - clip)
        total = total - clipped * A
    return total / mask.sum()


# %% exercise-4 | wrong | the population std
def sample_std(rewards, group_size):
    return group_relative(rewards, group_size)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return p - p_ref


# %% exercise-4 | wrong | every token alike
def sample_std(rewards, group_size):
    return group_relative(rewards, group_size) * np.sqrt((group_size - 1) / group_size)


def per_completion(surrogate, mask):
    return -surrogate[mask].mean()


def k3_gradient(p, p_ref):
    return p - p_ref


# %% exercise-4 | wrong | divides each row by its width
def sample_std(rewards, group_size):
    return group_relative(rewards, group_size) * np.sqrt((group_size - 1) / group_size)


def per_completion(surrogate, mask):
    return -(surrogate * mask).mean(1).mean()


def k3_gradient(p, p_ref):
    return p - p_ref


# %% exercise-4 | wrong | the gradient of the KL itself
def sample_std(rewards, group_size):
    return group_relative(rewards, group_size) * np.sqrt((group_size - 1) / group_size)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return p * (np.log(p / p_ref) - np.sum(p * np.log(p / p_ref)))


# %% exercise-4 | wrong | the sign of the k3 gradient
def sample_std(rewards, group_size):
    return group_relative(rewards, group_size) * np.sqrt((group_size - 1) / group_size)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return p_ref - p


# %% exercise-4 | right | by sums and autograd
def sample_std(rewards, group_size):
    return group_relative(rewards, group_size) * np.sqrt((group_size - 1) / group_size)


def per_completion(surrogate, mask):
    return -sum(row[own].mean() for row, own in zip(surrogate, mask)) / len(mask)


def k3_gradient(p, p_ref):
    one = np.eye(len(p))
    return sum(p[y] * (1 - p_ref[y] / p[y]) * (one[y] - p) for y in range(len(p)))


# %% exercise-4 | right | with the small number that programs add to the std
def sample_std(rewards, group_size):
    groups = torch.tensor(rewards).reshape(-1, group_size)
    centred = groups - groups.mean(1, keepdim=True)
    return (centred / (groups.std(1, keepdim=True) + 1e-4)).flatten().numpy()


def per_completion(surrogate, mask):
    return -torch.where(mask, surrogate / mask.sum(1, keepdim=True), 0.0).sum(1).mean()


def k3_gradient(p, p_ref):
    return p - p_ref


# %% exercise-5 | wrong | as it was
def careful_loss(model, tokenizer, prompts, reward, **settings):
    return careless_loss(model, tokenizer, prompts, reward, **settings)


# %% exercise-5 | wrong | mends the old log-probabilities only
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    advantages = group_relative(torch.tensor(reward(asked, samples.completions)), group_size, divide_by_std=False)
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | samples at temperature 1
def careful_loss(model, tokenizer, prompts, reward, *, temperature, **settings):
    return careless_loss(model, tokenizer, prompts, reward, temperature=1.0, **settings)


# %% exercise-5 | wrong | multiplies where it should divide
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    advantages = group_relative(torch.tensor(reward(asked, samples.completions)), group_size, divide_by_std=False)
    scoring = dict(attention_mask=samples.attention_mask, temperature=1 / temperature)
    logp = token_logprobs(model, samples.tokens, samples.mask, **scoring)
    return -clipped_surrogate(logp, logp.detach(), advantages)[samples.mask].mean()


# %% exercise-5 | wrong | drops the attention mask
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    advantages = group_relative(torch.tensor(reward(asked, samples.completions)), group_size, divide_by_std=False)
    logp = token_logprobs(model, samples.tokens, samples.mask, temperature=temperature)
    return -clipped_surrogate(logp, logp.detach(), advantages)[samples.mask].mean()


# %% exercise-5 | right | REINFORCE at the temperature
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    advantages = group_relative(torch.tensor(reward(asked, samples.completions)), group_size, divide_by_std=False)
    scoring = dict(attention_mask=samples.attention_mask, temperature=temperature)
    logp = token_logprobs(model, samples.tokens, samples.mask, **scoring)
    return -(logp.sum(1) * advantages).sum() / samples.mask.sum()


# %% exercise-6 | wrong | never learns to stop
def own_tokens(tokens, prompt_length, end):
    return careless_mask(tokens, prompt_length, end)


# %% exercise-6 | wrong | no mask at all
def own_tokens(tokens, prompt_length, end):
    mask = torch.ones_like(tokens, dtype=torch.bool)
    mask[:, :prompt_length] = False
    return mask


# %% exercise-6 | wrong | ends in the prompt count
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    mask = ends.cumsum(1) - ends.long() == ends[:, :prompt_length].sum(1, keepdim=True)
    mask[:, :prompt_length] = False
    return mask & (ends.cumsum(1) <= 2)


# %% exercise-6 | wrong | counts the prompt too
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    return ends.cumsum(1) - ends.long() == 0


# %% exercise-6 | wrong | one token too many after the end
def own_tokens(tokens, prompt_length, end):
    ends = (tokens == end).long()
    ends[:, :prompt_length] = 0
    mask = ends.cumsum(1) <= 2
    mask[:, :prompt_length] = False
    return mask


# %% exercise-6 | right | row by row
def own_tokens(tokens, prompt_length, end):
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    for row, text in enumerate(tokens.tolist()):
        for column in range(prompt_length, len(text)):
            mask[row, column] = True
            if text[column] == end:
                break
    return mask


# %% exercise-7 | wrong | with replacement
def pass_at_k(n, c, k):
    return 1 - (1 - c / n) ** k


# %% exercise-7 | wrong | the chance that all are wrong
def pass_at_k(n, c, k):
    return math.comb(n - c, k) / math.comb(n, k)


# %% exercise-7 | wrong | k times the share
def pass_at_k(n, c, k):
    return min(1.0, k * c / n)


# %% exercise-7 | wrong | all k are right
def pass_at_k(n, c, k):
    return math.comb(c, k) / math.comb(n, k)


# %% exercise-7 | right | one draw after the other
def pass_at_k(n, c, k):
    return 1 - math.prod(max(n - c - i, 0) / (n - i) for i in range(k))
