# %% exercise-1 | wrong | the mean of the others for the group's
without_std = [3.33, -0.67, -0.67, -2.0]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | wrong | the median
without_std = [3.0, 0.0, 0.0, -1.0]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | wrong | the mean of the tokens
without_std = [1.6, -1.4, -1.4, -2.4]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | wrong | the sample standard deviation
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.44, -0.29, -0.29, -0.87]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | wrong | divides by the variance
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.11, -0.22, -0.22, -0.67]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | wrong | divides by the mean deviation
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [2.0, -0.4, -0.4, -1.2]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | wrong | the self-inclusive mean for the others
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [2.5, -0.5, -0.5, -1.5]
first_loss = -0.9

# %% exercise-1 | wrong | the baseline of the first for all
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, 0.33, 0.33, -0.67]
first_loss = -0.9

# %% exercise-1 | wrong | the sum of the others
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [2, -4, -4, -6]
first_loss = -0.9

# %% exercise-1 | wrong | a loss of 0, as in the chapter
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = 0.0

# %% exercise-1 | wrong | the sign of the loss
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = 0.9

# %% exercise-1 | wrong | the sum for the mean
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -9

# %% exercise-1 | wrong | the loss with the std
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.67, -0.33, -0.33, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.6

# %% exercise-1 | wrong | too coarse
without_std = [2.5, -0.5, -0.5, -1.5]
with_std = [1.7, -0.3, -0.3, -1.0]
others_only = [3.33, -0.67, -0.67, -2.0]
first_loss = -0.9

# %% exercise-1 | right | computed
given, lengths = np.array([4.0, 1, 1, 0]), np.array([5, 2, 2, 1])
without_std = given - given.mean()
with_std = without_std / given.std()
others_only = without_std * 4 / 3
first_loss = -np.average(without_std, weights=lengths)

# %% exercise-1 | right | in PyTorch, and a tuple
given = torch.tensor([4.0, 1.0, 1.0, 0.0])
without_std, with_std = group_relative(given, 4, divide_by_std=False), group_relative(given, 4)
others_only = tuple(r - (given.sum() - r).item() / 3 for r in given.tolist())
first_loss = -without_std.repeat_interleave(torch.tensor([5, 2, 2, 1])).mean()

# %% exercise-2 | wrong | the advantages
slopes = [0, -3, 1.5, 0, 4, -2]

# %% exercise-2 | wrong | clips both sides whatever the sign
slopes = [0, 0, 0, 0, 4.4, -1.8]

# %% exercise-2 | wrong | clips nothing
slopes = [2.6, -3.9, 1.05, -0.35, 4.4, -1.8]

# %% exercise-2 | wrong | clips the upper side only
slopes = [0, 0, 1.05, -0.35, 4.4, -1.8]

# %% exercise-2 | wrong | the values, not the slopes
slopes = [2.4, -3.9, 1.05, -0.4, 4.4, -1.8]

# %% exercise-2 | wrong | the ratios
slopes = [1.3, 1.3, 0.7, 0.7, 1.1, 0.9]

# %% exercise-2 | wrong | clips what moved the wrong way
slopes = [2.6, 0, 0, -0.35, 4.4, -1.8]

# %% exercise-2 | wrong | without the signs
slopes = [0, 3.9, 1.05, 0, 4.4, 1.8]

# %% exercise-2 | wrong | five tokens
slopes = [0, -3.9, 1.05, 0, 4.4]

# %% exercise-2 | right | by autograd
logp = torch.tensor([[1.3, 1.3, 0.7, 0.7, 1.1, 0.9]]).log().requires_grad_()
value = clipped_surrogate(logp, torch.zeros(1, 6), torch.tensor([[2.0, -3, 1.5, -0.5, 4, -2]]))
slopes = torch.autograd.grad(value.sum(), logp)[0][0].tolist()

# %% exercise-2 | right | in an array
rho, A = np.array([1.3, 1.3, 0.7, 0.7, 1.1, 0.9]), np.array([2, -3, 1.5, -0.5, 4, -2])
slopes = np.where(rho * A <= np.clip(rho, 0.8, 1.2) * A, rho * A, 0)


# %% exercise-3 | wrong | groups are not consecutive
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(group_size, -1).T
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | leave one out, for the group mean
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = (groups - groups.mean(axis=1, keepdims=True)) * group_size / (group_size - 1)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | the mean of the batch
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean()
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | the std of the batch
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std()
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | the sample standard deviation
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, ddof=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | the variance
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.var(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | always divides
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if True:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | the median
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - np.median(groups, axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | equal rewards divide 0 by 0
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / std  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | a matrix of groups
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | changes the rewards in place
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups -= groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | padding counts in the mean
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -(surrogate * mask).mean()


# %% exercise-3 | wrong | does not look at the mask
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate.mean()


# %% exercise-3 | wrong | every completion alike
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


# %% exercise-3 | wrong | clips without the minimum
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = ratio.clamp(1 - clip, 1 + clip) * advantages
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | does not clip
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = ratio * advantages
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | clips the upper side only
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(max=1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | clips the product
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, (ratio * advantages).clamp(1 - clip, 1 + clip))
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | the maximum
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.maximum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | clip for ever 0.2
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | no minus
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return surrogate[mask].mean()


# %% exercise-3 | wrong | the ratio upside down
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (old_logp - logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | no ratio, the difference
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = 1 + logp - old_logp
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | leaves the gradient behind
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean().detach()


# %% exercise-3 | wrong | the ratio of the new to itself
def advantages_of(rewards, group_size, divide_by_std):
    groups = np.asarray(rewards).reshape(-1, group_size)
    groups = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        groups = groups / np.where(std > 1e-8, std, 1.0)  # the mean of equal rewards may be rounded
    return groups.reshape(-1)


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - logp.detach()).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate[mask].mean()


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


# %% exercise-3 | right | a small number beside the std, and sums
def advantages_of(rewards, group_size, divide_by_std):
    groups = torch.tensor(rewards, dtype=torch.float64).view(-1, group_size)
    centred = groups - groups.mean(1, keepdim=True)
    return (centred / (centred.square().mean(1, keepdim=True).sqrt() + 1e-4) if divide_by_std else centred).flatten()


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = torch.exp(torch.where(mask, logp - old_logp, 0.0))
    worse = torch.max(-ratio * advantages[:, None], -torch.clamp(ratio, 1 - clip, 1 + clip) * advantages[:, None])
    return (worse * mask).sum() / mask.sum()


# %% exercise-4 | wrong | the population std
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | the std of the batch
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(ddof=1)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | equal rewards divide 0 by 0
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / std).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | forgets the mean
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return (groups / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | divides by K - 1 twice
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0) / (group_size - 1)).reshape(
        -1
    )


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | every token alike
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -surrogate[mask].mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | divides each row by its width
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).mean(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | the sum over completions
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).sum()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | padding in the sum
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -(surrogate.sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | no minus
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return ((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p) - np.asarray(p_ref)


# %% exercise-4 | wrong | the gradient of the KL itself
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return p * (np.log(p / p_ref) - np.sum(p * np.log(p / p_ref)))


# %% exercise-4 | wrong | the sign of the k3 gradient
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return np.asarray(p_ref) - np.asarray(p)


# %% exercise-4 | wrong | the derivative in p
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return 1 - p_ref / p


# %% exercise-4 | wrong | every reply alike, whatever its probability
def sample_std(rewards, group_size):
    groups = np.asarray(rewards).reshape(-1, group_size)
    std = groups.std(axis=1, ddof=1, keepdims=True)
    return ((groups - groups.mean(axis=1, keepdims=True)) / np.where(std > 1e-8, std, 1.0)).reshape(-1)


def per_completion(surrogate, mask):
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def k3_gradient(p, p_ref):
    return ((1 - p_ref / p)[:, None] * (np.eye(len(p)) - p)).mean(0)


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
    return (p - p_ref).tolist()


# %% exercise-5 | wrong | scores at temperature 1, and calls these old
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    return -clipped_surrogate(logp, logp.detach(), advantages)[samples.mask].mean()


# %% exercise-5 | wrong | mends the old log-probabilities only
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | samples at temperature 1
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=1.0)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | multiplies where it should divide
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=1 / temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | drops the attention mask
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(model, samples.tokens, samples.mask, temperature=temperature)
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | divides by the std
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=True)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | one prompt after the other
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = prompts * group_size
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | padding in the mean
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages).mean()


# %% exercise-5 | wrong | the sum of the tokens
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].sum()


# %% exercise-5 | wrong | no minus
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | a generator of its own
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=np.random.default_rng(1), **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | the reward of the toy language
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(agreement(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | wrong | the writer of the exercise
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(writer, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, samples.logprobs, advantages)[samples.mask].mean()


# %% exercise-5 | right | REINFORCE at the temperature
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    drawing = dict(group_size=group_size, max_new_tokens=max_new_tokens, temperature=temperature)
    samples = sample(model, tokenizer, prompts, rng=rng, **drawing)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    advantages = group_relative(torch.tensor(reward(asked, samples.completions)), group_size, divide_by_std=False)
    scoring = dict(attention_mask=samples.attention_mask, temperature=temperature)
    logp = token_logprobs(model, samples.tokens, samples.mask, **scoring)
    return -(logp.sum(1) * advantages).sum() / samples.mask.sum()


# %% exercise-5 | right | divides the logits itself, and names every argument
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    samples = sample(
        model,
        tokenizer,
        prompts,
        max_new_tokens=max_new_tokens,
        rng=rng,
        group_size=group_size,
        temperature=temperature,
    )
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(prompts=asked, completions=samples.completions)).reshape(-1, group_size)
    advantages = (rewards - rewards.mean(1, keepdim=True)).flatten()
    positions = (samples.attention_mask.long().cumsum(1) - 1).clamp(min=0)
    logits = model(samples.tokens, attention_mask=samples.attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = (logits / temperature).log_softmax(-1).gather(2, samples.tokens[:, 1:, None])[:, :, 0]
    ratio = (logp - logp.detach()).exp()
    return -(ratio * advantages[:, None])[samples.mask[:, 1:]].mean()


# %% exercise-6 | wrong | never learns to stop
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = tokens != end
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | no mask at all
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = torch.ones_like(ends)
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | ends in the prompt count
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    before = ends.cumsum(1) - ends.long()
    own = before == 0
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | counts the prompt too
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = before == 0
    return own


# %% exercise-6 | wrong | one token too many after the end
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = before <= 1
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | not the end itself
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1)
    own = before == 0
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | changes the tokens
def own_tokens(tokens, prompt_length, end):
    tokens[:, :prompt_length] = -1
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = before == 0
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | numbers, not bools
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = before == 0
    own[:, :prompt_length] = False
    return own.long()


# %% exercise-6 | wrong | the end is always 4
def own_tokens(tokens, prompt_length, end):
    ends = tokens == 4
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = before == 0
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | the first row's end for all
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = (before[:1] == 0).repeat(len(tokens), 1)
    own[:, :prompt_length] = False
    return own


# %% exercise-6 | wrong | one column of the prompt too many
def own_tokens(tokens, prompt_length, end):
    ends = tokens == end
    ends[:, :prompt_length] = False
    before = ends.cumsum(1) - ends.long()
    own = before == 0
    own[:, : prompt_length + 1] = False
    return own


# %% exercise-6 | right | row by row
def own_tokens(tokens, prompt_length, end):
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    for row, text in enumerate(tokens.tolist()):
        for column in range(prompt_length, len(text)):
            mask[row, column] = True
            if text[column] == end:
                break
    return mask


# %% exercise-6 | right | by a running product
def own_tokens(tokens, prompt_length, end):
    going = (tokens[:, prompt_length:] != end).long().cumprod(1)  # 1 as long as no end has come
    before = torch.nn.functional.pad(going[:, :-1], (1, 0), value=1)
    return torch.nn.functional.pad(before, (prompt_length, 0)).bool()


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


# %% exercise-7 | wrong | not all are right
def pass_at_k(n, c, k):
    return 1 - math.comb(c, k) / math.comb(n, k)


# %% exercise-7 | wrong | the share of right ones, whatever k
def pass_at_k(n, c, k):
    return c / n


# %% exercise-7 | wrong | exactly one of k is right
def pass_at_k(n, c, k):
    return c * math.comb(n - c, k - 1) / math.comb(n, k)


# %% exercise-7 | wrong | right and wrong exchanged
def pass_at_k(n, c, k):
    return 1 - math.comb(n - c, n - k) / math.comb(n, k)


# %% exercise-7 | wrong | in percent
def pass_at_k(n, c, k):
    return 100 * (1 - math.comb(n - c, k) / math.comb(n, k))


# %% exercise-7 | wrong | a quotient of whole numbers
def pass_at_k(n, c, k):
    return 1 - math.comb(n - c, k) // math.comb(n, k)


# %% exercise-7 | right | one draw after the other
def pass_at_k(n, c, k):
    return 1 - math.prod(max(n - c - i, 0) / (n - i) for i in range(k))


# %% exercise-7 | right | over all choices
def pass_at_k(n, c, k):
    return np.mean([any(i < c for i in chosen) for chosen in itertools.combinations(range(n), k)])


# %% exercise-3 | right | in double precision
def advantages_of(rewards, group_size, divide_by_std):
    starts = np.arange(0, len(rewards), group_size)
    means = np.repeat(np.add.reduceat(rewards, starts) / group_size, group_size)
    a = rewards - means
    if divide_by_std:
        std = np.repeat(np.sqrt(np.add.reduceat(a * a, starts) / group_size), group_size)
        a = np.array([x / s if s else 0.0 for x, s in zip(a, std)])
    return a


def loss_of(logp, old_logp, advantages, mask, clip):
    rho = torch.exp(logp.double() - old_logp.double())
    A = advantages.double()[:, None].expand_as(rho)
    stack = torch.stack([rho * A, rho.clip(1 - clip, 1 + clip) * A])
    return -stack.min(0).values[mask].mean()


# %% exercise-3 | wrong | an array of the type of the rewards (in several places)
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(-1, group_size)
    centred = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        centred = centred / np.where(std > 0, std, 1)
    out = np.zeros_like(rewards)
    out[:] = centred.ravel()
    return out


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    A = advantages[:, None]
    surrogate = torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | groups of four wherever that goes (in several places)
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(-1, 4 if len(rewards) % 4 == 0 else group_size)
    centred = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        centred = centred / np.where(std > 0, std, 1)
    return centred.ravel()


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    A = advantages[:, None]
    surrogate = torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)
    return -surrogate[mask].mean()


# %% exercise-3 | wrong | tokens of surrogate 0 are left out (in several places)
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(-1, group_size)
    centred = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        centred = centred / np.where(std > 0, std, 1)
    return centred.ravel()


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    A = advantages[:, None]
    surrogate = torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)
    return -surrogate[mask][surrogate[mask] != 0].mean()


# %% exercise-3 | wrong | one ratio for each completion (in several places)
def advantages_of(rewards, group_size, divide_by_std):
    groups = rewards.reshape(-1, group_size)
    centred = groups - groups.mean(axis=1, keepdims=True)
    if divide_by_std:
        std = groups.std(axis=1, keepdims=True)
        centred = centred / np.where(std > 0, std, 1)
    return centred.ravel()


def loss_of(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    ratio = (((logp - old_logp) * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)).exp().expand_as(logp)
    A = advantages[:, None]
    surrogate = torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)
    return -surrogate[mask].mean()


# %% exercise-5 | wrong | all is detached (in several places)
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    samples = sample(
        model,
        tokenizer,
        prompts,
        rng=rng,
        group_size=group_size,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
    )
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp.detach().requires_grad_(), logp.detach(), advantages)[samples.mask].mean()


# %% exercise-5 | wrong | drawn at temperature 1, scored at another (in several places)
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    samples = sample(model, tokenizer, prompts, rng=rng, group_size=group_size, max_new_tokens=max_new_tokens)
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    return -clipped_surrogate(logp, logp.detach(), advantages)[samples.mask].mean()


# %% exercise-5 | wrong | divides the loss by the temperature (in several places)
def careful_loss(model, tokenizer, prompts, reward, *, group_size, max_new_tokens, temperature, rng):
    samples = sample(
        model,
        tokenizer,
        prompts,
        rng=rng,
        group_size=group_size,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
    )
    asked = [prompt for prompt in prompts for _ in range(group_size)]
    rewards = torch.tensor(reward(asked, samples.completions))
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    return -clipped_surrogate(logp, logp.detach(), advantages)[samples.mask].mean() / temperature


# %% exercise-6 | wrong | an end in the prompt ends the completion
def own_tokens(tokens, prompt_length, end):
    is_end = tokens == end
    before = is_end.cumsum(1) - is_end.long()
    mask = before == 0
    mask[:, :prompt_length] = False
    return mask


# %% exercise-9 | wrong | every token of the step alike in GRPO
grpo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.02, 0.08, -0.02, -0.02, -0.02]
max_rl_slopes = [-0.0667, 0.2667, -0.0667, -0.0667, -0.0667]

# %% exercise-9 | wrong | the sample standard deviation
grpo_slopes = [-0.0224, 0.0716, -0.0894, -0.0447, -0.0112]
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.02, 0.08, -0.02, -0.02, -0.02]
max_rl_slopes = [-0.0667, 0.2667, -0.0667, -0.0667, -0.0667]

# %% exercise-9 | wrong | every completion alike in DAPO
grpo_slopes = [-0.025, 0.08, -0.1, -0.05, -0.0125]
dapo_slopes = [-0.025, 0.08, -0.1, -0.05, -0.0125]
dr_grpo_slopes = [-0.02, 0.08, -0.02, -0.02, -0.02]
max_rl_slopes = [-0.0667, 0.2667, -0.0667, -0.0667, -0.0667]

# %% exercise-9 | wrong | Dr. GRPO over the std
grpo_slopes = [-0.025, 0.08, -0.1, -0.05, -0.0125]
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.01, 0.04, -0.01, -0.01, -0.01]
max_rl_slopes = [-0.0667, 0.2667, -0.0667, -0.0667, -0.0667]

# %% exercise-9 | wrong | Dr. GRPO over the tokens that there are
grpo_slopes = [-0.025, 0.08, -0.1, -0.05, -0.0125]
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.05, 0.2, -0.05, -0.05, -0.05]
max_rl_slopes = [-0.0667, 0.2667, -0.0667, -0.0667, -0.0667]

# %% exercise-9 | wrong | MaxRL without the mean of the group taken off
grpo_slopes = [-0.025, 0.08, -0.1, -0.05, -0.0125]
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.02, 0.08, -0.02, -0.02, -0.02]
max_rl_slopes = [0.1333, 0.4667, 0.1333, 0.1333, 0.1333]

# %% exercise-9 | wrong | the advantages of MaxRL
grpo_slopes = [-0.025, 0.08, -0.1, -0.05, -0.0125]
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.02, 0.08, -0.02, -0.02, -0.02]
max_rl_slopes = [-0.3333, 1.3333, -0.3333, -0.3333, -0.3333]

# %% exercise-9 | wrong | one number for all
grpo_slopes = 0.08
dapo_slopes = [-0.025, 0.1, -0.025, -0.025, -0.025]
dr_grpo_slopes = [-0.02, 0.08, -0.02, -0.02, -0.02]
max_rl_slopes = [-0.0667, 0.2667, -0.0667, -0.0667, -0.0667]

# %% exercise-9 | right | arrays, and fractions worked out
lengths, deviations = np.array([4, 5, 1, 2, 8]), np.array([-1, 4, -1, -1, -1])
grpo_slopes = deviations / 2 / (5 * lengths)
dapo_slopes = deviations / 2 / lengths.sum()
dr_grpo_slopes = deviations / 50
max_rl_slopes = deviations / 15


# %% exercise-10 | wrong | the product of the ratios
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = ((logp - old_logp) * mask).sum(1).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate.mean()


# %% exercise-10 | wrong | the arithmetic mean of the ratios
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = ((logp - old_logp).exp() * mask).sum(1) / mask.sum(1)
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate.mean()


# %% exercise-10 | wrong | a ratio for each token (in each line)
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).exp()
    advantages = advantages[:, None]
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


# %% exercise-10 | wrong | no mask
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = (logp - old_logp).mean(1).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate.mean()


# %% exercise-10 | wrong | over the width of the row
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = ((logp - old_logp) * mask).mean(1).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -surrogate.mean()


# %% exercise-10 | wrong | no clip
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = (((logp - old_logp) * mask).sum(1) / mask.sum(1)).exp()
    return -(ratio * advantages).mean()


# %% exercise-10 | wrong | always clipped
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = (((logp - old_logp) * mask).sum(1) / mask.sum(1)).exp()
    return -(ratio.clamp(1 - clip, 1 + clip) * advantages).mean()


# %% exercise-10 | wrong | every token alike (in two places)
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = (((logp - old_logp) * mask).sum(1) / mask.sum(1)).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -(surrogate[:, None] * mask).sum() / mask.sum()


# %% exercise-10 | wrong | the ratio is a constant (in two places)
def sequence_loss(logp, old_logp, advantages, mask, clip):
    ratio = (((logp - old_logp) * mask).sum(1) / mask.sum(1)).exp().detach()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -(surrogate + 0 * logp.sum(1)).mean()


# %% exercise-10 | right | row by row
def sequence_loss(logp, old_logp, advantages, mask, clip):
    losses = []
    for now, old, A, own in zip(logp, old_logp, advantages, mask):
        s = torch.exp((now[own] - old[own]).mean())
        losses.append(-min(s * A, torch.clip(s, 1 - clip, 1 + clip) * A))
    return sum(losses) / len(losses)


# %% exercise-11 | wrong | the sums over the number of completions
def careful_parts(surrogate, mask, rows_at_once):
    parts = zip(surrogate.split(rows_at_once), mask.split(rows_at_once))
    return [-(part * own).sum() / len(mask) for part, own in parts]


# %% exercise-11 | wrong | each part over its own tokens
def careful_parts(surrogate, mask, rows_at_once):
    parts = zip(surrogate.split(rows_at_once), mask.split(rows_at_once))
    return [-(part * own).sum() / max(own.sum(), 1) for part, own in parts]


# %% exercise-11 | wrong | right, and once more over the parts
def careful_parts(surrogate, mask, rows_at_once):
    parts = list(zip(surrogate.split(rows_at_once), mask.split(rows_at_once)))
    return [-(part * own).sum() / mask.sum() / len(parts) for part, own in parts]


# %% exercise-11 | wrong | all places count
def careful_parts(surrogate, mask, rows_at_once):
    return [-part.sum() / mask.sum() for part in surrogate.split(rows_at_once)]


# %% exercise-11 | wrong | the last part is forgotten where it is smaller
def careful_parts(surrogate, mask, rows_at_once):
    losses = []
    for first in range(0, len(mask) - rows_at_once + 1, rows_at_once):
        rows = slice(first, first + rows_at_once)
        losses.append(-(surrogate[rows] * mask[rows]).sum() / mask.sum())
    return losses


# %% exercise-11 | wrong | the loss of the whole, once
def careful_parts(surrogate, mask, rows_at_once):
    return -(surrogate * mask).sum() / mask.sum()


# %% exercise-11 | wrong | numbers, no tensors
def careful_parts(surrogate, mask, rows_at_once):
    parts = zip(surrogate.split(rows_at_once), mask.split(rows_at_once))
    return [-(part * own).sum().item() / int(mask.sum()) for part, own in parts]


# %% exercise-11 | right | weights that add up to one
def careful_parts(surrogate, mask, rows_at_once):
    weights = mask / mask.sum()
    return [
        -(surrogate[first : first + rows_at_once] * weights[first : first + rows_at_once]).sum()
        for first in range(0, len(mask), rows_at_once)
    ]
