# %% exercise-1 | wrong | log-ratios for implied rewards
implied = [1.5, -1.0]
loss = 0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the sign of the rewards
implied = [-0.6, 0.4]
loss = 0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | rejected first
implied = [-0.4, 0.6]
loss = 0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the policy without its reference
implied = [-2.8, -2.4]
loss = 0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | divided by beta
implied = [3.75, -2.5]
loss = 0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the margin alone
implied = 1.0
loss = 0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the loss of the other way round
implied = [0.6, -0.4]
loss = 1.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | a loss below 0
implied = [0.6, -0.4]
loss = -0.31
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the probability for the loss
implied = [0.6, -0.4]
loss = 0.73
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the loss at beta 1
implied = [0.6, -0.4]
loss = 0.08
pull = 0.11
ipo = 1.56

# %% exercise-1 | wrong | the pull without beta
implied = [0.6, -0.4]
loss = 0.31
pull = 0.27
ipo = 1.56

# %% exercise-1 | wrong | the pull by the probability of this decision
implied = [0.6, -0.4]
loss = 0.31
pull = 0.29
ipo = 1.56

# %% exercise-1 | wrong | the pull at the start
implied = [0.6, -0.4]
loss = 0.31
pull = 0.2
ipo = 1.56

# %% exercise-1 | wrong | IPO with beta before the log-ratios
implied = [0.6, -0.4]
loss = 0.31
pull = 0.11
ipo = 0.06

# %% exercise-1 | wrong | IPO not squared
implied = [0.6, -0.4]
loss = 0.31
pull = 0.11
ipo = 1.25

# %% exercise-1 | wrong | IPO the other way round
implied = [0.6, -0.4]
loss = 0.31
pull = 0.11
ipo = 14.06

# %% exercise-1 | right | more digits, and a tuple
implied = (0.6, -0.4)
loss = 0.31326
pull = 0.10758
ipo = 1.5625

# %% exercise-2 | wrong | the win rate
dpo_first = 0.9
ipo_first = 0.397

# %% exercise-2 | wrong | without the reference
dpo_first = 0.75
ipo_first = 0.397

# %% exercise-2 | wrong | beta 1
dpo_first = 0.829
ipo_first = 0.397

# %% exercise-2 | wrong | the odds
dpo_first = 1.615
ipo_first = 0.397

# %% exercise-2 | wrong | the second answer
dpo_first = 0.382
ipo_first = 0.397

# %% exercise-2 | wrong | IPO always decided alike
dpo_first = 0.618
ipo_first = 0.409

# %% exercise-2 | wrong | IPO over beta, not 2 beta
dpo_first = 0.618
ipo_first = 0.445

# %% exercise-2 | wrong | IPO without the reference
dpo_first = 0.618
ipo_first = 0.55

# %% exercise-2 | wrong | IPO as DPO
dpo_first = 0.618
ipo_first = 0.618

# %% exercise-2 | right | computed
odds = 0.35 / 0.65
dpo_first, ipo_first = (odds * math.exp(d) / (1 + odds * math.exp(d)) for d in (math.log(9) / 2, 0.2))


# %% exercise-3 | wrong | the pairs the other way round
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | the sign of the loss
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | no reference
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * (chosen - rejected)
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | the references exchanged
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_rejected) - (rejected - reference_chosen))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | beta left out
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | divided by beta
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = ((chosen - reference_chosen) - (rejected - reference_rejected)) / beta
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | the sum over pairs
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).sum()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | the loss of the mean margin
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin.mean())


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | the logarithm of the sigmoid, which overflows
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -torch.log(torch.sigmoid(margin)).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | exp, which overflows
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.log(1 + torch.exp(-margin)).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | detached
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * (chosen.detach() - chosen + (chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | a number for the loss
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean().item()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | a loss for each pair
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin)


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | IPO with beta before the difference
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((beta * difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | IPO with 1 / beta
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / beta) ** 2).mean()


# %% exercise-3 | wrong | IPO with beta / 2
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - beta / 2) ** 2).mean()


# %% exercise-3 | wrong | IPO with the sign turned
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference + 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | wrong | IPO not squared
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return (difference - 1 / (2 * beta)).abs().mean()


# %% exercise-3 | wrong | IPO squares the mean
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return (difference - 1 / (2 * beta)).mean() ** 2


# %% exercise-3 | wrong | IPO without the reference
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = chosen - rejected
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | right | logsigmoid, and the ratios of the two policies
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    policy, reference = chosen - rejected, reference_chosen - reference_rejected
    return -torch.nn.functional.logsigmoid(beta * (policy - reference)).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return ((difference - 1 / (2 * beta)) ** 2).mean()


# %% exercise-3 | right | the square by the library
def my_dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.nn.functional.softplus(-margin).mean()


def my_ipo(chosen, rejected, reference_chosen, reference_rejected, beta):
    difference = (chosen - reference_chosen) - (rejected - reference_rejected)
    return torch.nn.functional.mse_loss(difference, torch.full_like(difference, 0.5 / beta))


# %% exercise-4 | wrong | good and bad exchanged
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach().clamp(min=0))
    return (1 - torch.where(good, -ratio, ratio).sigmoid()).mean()


# %% exercise-4 | wrong | no kl
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp)
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | wrong | kl added
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp + kl.detach().clamp(min=0))
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | wrong | a gradient through kl
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.clamp(min=0))
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | wrong | a negative kl
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach())
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | wrong | beta left out
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = logp - reference_logp - kl.detach().clamp(min=0)
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | wrong | the bad ones not turned round
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach().clamp(min=0))
    return (1 - ratio.sigmoid()).mean()


# %% exercise-4 | wrong | minus the logarithm
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach().clamp(min=0))
    return -torch.nn.functional.logsigmoid(torch.where(good, ratio, -ratio)).mean()


# %% exercise-4 | wrong | the sum
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach().clamp(min=0))
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).sum()


# %% exercise-4 | wrong | the sigmoid for the loss
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach().clamp(min=0))
    return torch.where(good, ratio, -ratio).sigmoid().mean()


# %% exercise-4 | wrong | kl outside of beta
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp) - kl.detach().clamp(min=0)
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | wrong | detached
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp.detach() - reference_logp - kl.detach().clamp(min=0))
    return (1 - torch.where(good, ratio, -ratio).sigmoid()).mean()


# %% exercise-4 | right | the sigmoid of the opposite
def my_kto(logp, reference_logp, good, kl, beta):
    ratio = beta * (logp - reference_logp - kl.detach().clamp(min=0))
    return torch.where(good, torch.sigmoid(-ratio), torch.sigmoid(ratio)).mean()


# %% exercise-4 | right | a sign for each thumb
def my_kto(logp, reference_logp, good, kl, beta):
    sign, z = 2.0 * good - 1, max(float(kl), 0.0)
    return torch.sigmoid(-beta * sign * (logp - reference_logp - z)).mean()


# %% exercise-5 | wrong | the reference is still the policy
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        reference_logp = policy.log_softmax(0).detach()
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | no reference at all
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0)
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | changes the logits that it was given
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | the loss after the step
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        after = policy.detach().log_softmax(0) - reference_logp
        losses.append(torch.nn.functional.softplus(-beta * (after[chosen] - after[rejected])).mean().item())
    return policy.detach(), losses


# %% exercise-5 | wrong | beta left out
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = ratio[chosen] - ratio[rejected]
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | up the loss
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy += step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | the sum over pairs
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).sum()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | one step too few
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps - 1):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | wrong | a policy with its history
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy, losses


# %% exercise-5 | wrong | only the logits
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= step_size * gradient
        losses.append(loss.item())
    return policy.detach()


# %% exercise-5 | wrong | the step size left out
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, losses = logits.clone().requires_grad_(), []
    reference_logp = logits.log_softmax(0)
    for _ in range(steps):
        ratio = policy.log_softmax(0) - reference_logp
        margin = beta * (ratio[chosen] - ratio[rejected])
        loss = torch.nn.functional.softplus(-margin).mean()
        (gradient,) = torch.autograd.grad(loss, policy)
        with torch.no_grad():
            policy -= gradient
        losses.append(loss.item())
    return policy.detach(), losses


# %% exercise-5 | right | a copy as the reference, and an optimizer
def careful(logits, chosen, rejected, beta, steps, step_size):
    policy, reference = logits.clone().requires_grad_(), logits.clone()
    optimizer, losses = torch.optim.SGD([policy], lr=step_size), []
    for _ in range(steps):
        now, before = policy.log_softmax(0), reference.log_softmax(0)
        margin = beta * ((now[chosen] - before[chosen]) - (now[rejected] - before[rejected]))
        loss = -torch.nn.functional.logsigmoid(margin).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return policy.detach(), losses


# %% exercise-6 | wrong | the half left out
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + step_size * beta * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | wrong | beta left out
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + step_size / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | wrong | the step size left out
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + beta / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | wrong | up the loss
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta - step_size * beta / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | wrong | the changes of the logits
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + step_size * beta / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - before


# %% exercise-6 | wrong | the changes of the probabilities
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + step_size * beta / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return np.exp(after) / np.exp(after).sum() - np.exp(before) / np.exp(before).sum()


# %% exercise-6 | wrong | after the step only
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + step_size * beta / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - np.log(np.exp(after).sum())


# %% exercise-6 | wrong | from theta 0
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = 0 * theta + step_size * beta / 2 * (features[chosen] - features[rejected])
    before, after = features @ theta, features @ moved
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | wrong | moves theta in place
def first_step(features, theta, chosen, rejected, beta, step_size):
    before = features @ theta
    theta += step_size * beta / 2 * (features[chosen] - features[rejected])
    after = features @ theta
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | wrong | only the chosen is pulled
def first_step(features, theta, chosen, rejected, beta, step_size):
    moved = theta + step_size * beta / 2 * features[chosen]
    before, after = features @ theta, features @ moved
    return after - before - np.log(np.exp(after).sum() / np.exp(before).sum())


# %% exercise-6 | right | by autograd
def first_step(features, theta, chosen, rejected, beta, step_size):
    moving = torch.tensor(theta, requires_grad=True)
    logp = (torch.tensor(features) @ moving).log_softmax(0)
    ratio = logp - logp.detach()
    loss = -torch.nn.functional.logsigmoid(beta * (ratio[chosen] - ratio[rejected]))
    (gradient,) = torch.autograd.grad(loss, moving)
    return ((torch.tensor(features) @ (moving - step_size * gradient)).log_softmax(0) - logp).detach().numpy()


# %% exercise-7 | wrong | multiplies by the mask
def ledger(logp, reference_logp, mask, beta):
    rewards = mask * beta * (logp - reference_logp)
    return rewards, rewards.sum(1)


# %% exercise-7 | wrong | no mask
def ledger(logp, reference_logp, mask, beta):
    rewards = beta * (logp - reference_logp)
    return rewards, rewards.sum(1)


# %% exercise-7 | wrong | the sign
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, beta * (reference_logp - logp), 0.0)
    return rewards, rewards.sum(1)


# %% exercise-7 | wrong | beta left out
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, (logp - reference_logp), 0.0)
    return rewards, rewards.sum(1)


# %% exercise-7 | wrong | divided by beta
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, (logp - reference_logp) / beta, 0.0)
    return rewards, rewards.sum(1)


# %% exercise-7 | wrong | the mean over all places
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, beta * (logp - reference_logp), 0.0)
    return rewards, rewards.mean(1)


# %% exercise-7 | wrong | the mean over own tokens
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, beta * (logp - reference_logp), 0.0)
    return rewards, rewards.sum(1) / mask.sum(1)


# %% exercise-7 | wrong | the sum over the batch
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, beta * (logp - reference_logp), 0.0)
    return rewards, rewards.sum(0)


# %% exercise-7 | wrong | no reference
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, beta * logp, 0.0)
    return rewards, rewards.sum(1)


# %% exercise-7 | wrong | only the completions
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask, beta * (logp - reference_logp), 0.0)
    return rewards.sum(1)


# %% exercise-7 | wrong | up to the last own token
def ledger(logp, reference_logp, mask, beta):
    rewards = torch.where(mask.cumsum(1) > 0, beta * (logp - reference_logp), 0.0)
    return rewards, rewards.sum(1)


# %% exercise-7 | right | masked_fill
def ledger(logp, reference_logp, mask, beta):
    rewards = (beta * (logp - reference_logp)).masked_fill(~mask, 0)
    return rewards, rewards.sum(1)


# %% exercise-7 | right | the sum of the two apart
def ledger(logp, reference_logp, mask, beta):
    policy, reference = (torch.where(mask, numbers, 0.0) for numbers in (logp, reference_logp))
    return beta * (policy - reference), beta * (policy.sum(1) - reference.sum(1))
