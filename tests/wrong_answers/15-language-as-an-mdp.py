# %% exercise-1 | wrong | forgets that the prompt complains
worths = [0.25, -1.0, 0.25, 0.0]
finished, unfinished, sweeps = 40, 13, 4

# %% exercise-1 | wrong | counts the prompt's size
worths = [-0.5, 2.0, -0.5, 0.0]
finished, unfinished, sweeps = 40, 13, 4

# %% exercise-1 | wrong | very reaches to the end
worths = [-0.25, 1.0, 0.0, 0.0]
finished, unfinished, sweeps = 40, 13, 4

# %% exercise-1 | wrong | pays for a reply that was cut off
worths = [-0.25, 1.0, -0.25, -0.5]
finished, unfinished, sweeps = 40, 13, 4

# %% exercise-1 | wrong | finished only at full length
worths = [-0.25, 1.0, -0.25, 0.0]
finished, unfinished, sweeps = 27, 13, 4

# %% exercise-1 | wrong | goes on after the stop
worths = [-0.25, 1.0, -0.25, 0.0]
finished, unfinished, sweeps = 64, 21, 4

# %% exercise-1 | wrong | forgets the last sweep
worths = [-0.25, 1.0, -0.25, 0.0]
finished, unfinished, sweeps = 40, 13, 3

# %% exercise-1 | right | by the package
worths = agreement(["not very good ."] * 4, ["not bad", "very very bad", "very good bad", "not not very good"])
own = token_mdp(("x", "y", "z", "."), 3, lambda prompts, completions: [1.0] * len(completions), end=".")
finished, unfinished = int(own.terminal.sum()), int((~own.terminal).sum())
sweeps = unfinished // 3


# %% exercise-2 | wrong | multiplies by the temperature
odds = [np.exp(0.5), np.exp(1), np.exp(2)]

# %% exercise-2 | wrong | the ratio of the logits
odds = [2.0, 2.0, 2.0]

# %% exercise-2 | wrong | the other way round
odds = [np.exp(-2), np.exp(-1), np.exp(-0.5)]

# %% exercise-2 | wrong | the temperature changes nothing
odds = [2.72, 2.72, 2.72]

# %% exercise-2 | right | by the softmax
odds = []
for temperature in (0.5, 1.0, 2.0):
    p = (torch.tensor([2.0, 1.0, 0.0]) / temperature).softmax(0)
    odds.append(float(p[0] / p[1]))


# %% exercise-3 | wrong | no shift
def own_logprobs(logits, tokens, mask):
    return logits.log_softmax(-1).gather(2, tokens[:, :, None])[:, :, 0] * mask


# %% exercise-3 | wrong | raw logits
def own_logprobs(logits, tokens, mask):
    chosen = logits[:, :-1].gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(chosen, (1, 0)) * mask


# %% exercise-3 | wrong | one column too far to the left
def own_logprobs(logits, tokens, mask):
    chosen = logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(chosen, (0, 1))


# %% exercise-3 | wrong | forgets the mask
def own_logprobs(logits, tokens, mask):
    chosen = logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(chosen, (1, 0))


# %% exercise-3 | wrong | drops the first column
def own_logprobs(logits, tokens, mask):
    return logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0] * mask[:, 1:]


# %% exercise-3 | wrong | shifts the wrong way
def own_logprobs(logits, tokens, mask):
    chosen = logits[:, 1:].log_softmax(-1).gather(2, tokens[:, :-1, None])[:, :, 0]
    return torch.nn.functional.pad(chosen, (1, 0)) * mask


# %% exercise-3 | wrong | the logarithm of a softmax that has vanished
def own_logprobs(logits, tokens, mask):
    chosen = logits[:, :-1].softmax(-1).log().gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.where(mask, torch.nn.functional.pad(chosen, (1, 0)), 0.0)


# %% exercise-3 | wrong | the softmax over the wrong axis
def own_logprobs(logits, tokens, mask):
    chosen = logits[:, :-1].log_softmax(1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(chosen, (1, 0)) * mask


# %% exercise-3 | right | entry by entry
def own_logprobs(logits, tokens, mask):
    answer = torch.zeros(tokens.shape, dtype=logits.dtype)
    for b in range(tokens.shape[0]):
        for t in range(1, tokens.shape[1]):
            if mask[b, t]:
                answer[b, t] = logits[b, t - 1, tokens[b, t]] - logits[b, t - 1].logsumexp(0)
    return answer


# %% exercise-4 | wrong | keeps the end token in the text
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    s = int(mdp.start.argmax())
    value = solved.v[s]
    while not mdp.terminal[s]:
        s, _, _ = mdp.step(s, solved.policy[s], np.random.default_rng(0))
    return mdp.state_names[s], float(value)


# %% exercise-4 | wrong | takes the action of the largest immediate reward
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    s = int(mdp.start.argmax())
    words, total = [], 0.0
    while not mdp.terminal[s]:
        a = int(mdp.R[s].argmax())
        words.append(vocabulary[a])
        s, r, _ = mdp.step(s, a, np.random.default_rng(0))
        total += r
    return " ".join(word for word in words if word != end), total


# %% exercise-4 | wrong | the value of the finished text
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    s, words = int(mdp.start.argmax()), []
    while not mdp.terminal[s]:
        words.append(vocabulary[solved.policy[s]])
        s, _, _ = mdp.step(s, solved.policy[s], np.random.default_rng(0))
    return " ".join(word for word in words if word != end), float(solved.v[s])


# %% exercise-4 | wrong | counts letters, not different ones
def variety(prompts, completions, **columns):
    return [0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    worth = reward(prompts=[""] * len(mdp.completions), completions=mdp.completions)
    return mdp.completions[int(np.argmax(worth))], float(max(worth))


# %% exercise-4 | wrong | takes off half a point for each different letter
def variety(prompts, completions, **columns):
    return [0.5 * len(set(text.split())) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    worth = reward(prompts=[""] * len(mdp.completions), completions=mdp.completions)
    return mdp.completions[int(np.argmax(worth))], float(max(worth))


# %% exercise-4 | right | looks at every completion
def variety(prompts, completions, **columns):
    letters = [text.replace(" ", "") for text in completions]
    return [float(len(set(text))) - len(text) / 2 for text in letters]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    worth = reward(prompts=[""] * len(mdp.completions), completions=mdp.completions)
    return mdp.completions[int(np.argmax(worth))], float(max(worth))


# %% exercise-5 | wrong | the buggy one
mended_logprobs = alone_logprobs


# %% exercise-5 | wrong | positions from 0 at the padding
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = torch.arange(tokens.shape[1]).expand_as(tokens)
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions that begin at 1
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = attention_mask.long().cumsum(1)
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions of the policy's own tokens
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (mask.long().cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions right, padding visible
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)
    visible = torch.ones_like(tokens)
    logits = model(input_ids=tokens, attention_mask=visible, position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | right | every text by itself
def mended_logprobs(model, tokens, attention_mask, mask):
    answer = torch.zeros(tokens.shape)
    for b in range(len(tokens)):
        there = attention_mask[b]
        text = tokens[b, there][None]
        logp = model(input_ids=text, attention_mask=torch.ones_like(text)).logits[0, :-1].log_softmax(-1)
        scored = torch.cat([torch.zeros(1), logp[torch.arange(text.shape[1] - 1), text[0, 1:]]])
        answer[b, there] = scored * mask[b, there]
    return answer


# %% exercise-6 | wrong | forgets the reference
def tilt(reference, rewards, beta):
    weights = np.exp(rewards / beta)
    return weights / weights.sum(), beta * np.log(weights.sum())


# %% exercise-6 | wrong | multiplies by beta
def tilt(reference, rewards, beta):
    weights = reference * np.exp(rewards * beta)
    return weights / weights.sum(), beta * np.log(weights.sum())


# %% exercise-6 | wrong | overflows
def tilt(reference, rewards, beta):
    weights = reference * np.exp(rewards / beta)
    return weights / weights.sum(), beta * np.log(weights.sum())


# %% exercise-6 | wrong | does not divide by Z
def tilt(reference, rewards, beta):
    weights = reference * np.exp(rewards / beta)
    return weights, beta * np.log(weights.sum())


# %% exercise-6 | wrong | log Z without beta
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    weights = np.where(reference > 0, reference * np.exp(np.minimum(rewards - largest, 0) / beta), 0)
    return weights / weights.sum(), largest / beta + np.log(weights.sum())


# %% exercise-6 | wrong | the mean reward as value
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    weights = np.where(reference > 0, reference * np.exp(np.minimum(rewards - largest, 0) / beta), 0)
    best = weights / weights.sum()
    return best, best @ rewards


# %% exercise-6 | wrong | forgets to add the largest reward again
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    weights = np.where(reference > 0, reference * np.exp(np.minimum(rewards - largest, 0) / beta), 0)
    return weights / weights.sum(), beta * np.log(weights.sum())


# %% exercise-6 | wrong | takes off the reward of a reply that cannot be said
def tilt(reference, rewards, beta):
    weights = reference * np.exp((rewards - rewards.max()) / beta)
    return weights / weights.sum(), rewards.max() + beta * np.log(weights.sum())


# %% exercise-6 | right | with logarithms
def tilt(reference, rewards, beta):
    with np.errstate(divide="ignore"):
        weights = np.log(reference) + rewards / beta
    log_z = np.logaddexp.reduce(weights)
    return np.exp(weights - log_z), beta * log_z


# %% exercise-7 | wrong | where the divergence is one half
betas = np.linspace(0.05, 1, 2000)
beta_half = betas[np.argmin([abs(reward_and_kl(beta)[1] - 0.5) for beta in betas])]
kl_half = reward_and_kl(beta_half)[1]

# %% exercise-7 | wrong | a coarse guess
beta_half = 0.2
kl_half = reward_and_kl(beta_half)[1]

# %% exercise-7 | wrong | too loose
beta_half = 0.1
kl_half = reward_and_kl(beta_half)[1]

# %% exercise-7 | wrong | in bits
betas = np.linspace(0.05, 1, 4000)
beta_half = betas[np.argmin([abs(reward_and_kl(beta)[0] - 0.5) for beta in betas])]
kl_half = reward_and_kl(beta_half)[1] / np.log(2)

# %% exercise-7 | wrong | the price instead of the divergence
betas = np.linspace(0.05, 1, 4000)
beta_half = betas[np.argmin([abs(reward_and_kl(beta)[0] - 0.5) for beta in betas])]
kl_half = beta_half * reward_and_kl(beta_half)[1]

# %% exercise-7 | right | the nearest of many
betas = np.linspace(0.05, 1, 4000)
beta_half = betas[np.argmin([abs(reward_and_kl(beta)[0] - 0.5) for beta in betas])]
kl_half = reward_and_kl(beta_half)[1]
