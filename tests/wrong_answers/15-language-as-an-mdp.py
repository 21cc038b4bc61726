# %% exercise-1 | wrong | forgets that the prompt complains
worths = [0.5, -1.0, 0.75, 0.0]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | counts the prompt's size
worths = [-1.0, 2.0, -1.5, 0.0]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | does not divide by four
worths = [-2.0, 4.0, -3.0, 0.0]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | very reaches to the end
worths = [-0.5, 1.0, -1.0, 0.0]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | the second very does not count
worths = [-0.5, 0.5, -0.75, 0.0]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | overlooks a not
worths = [0.0, 1.0, -0.75, 0.0]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | pays for a reply that was cut off
worths = [-0.5, 1.0, -0.75, -0.5]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | three rewards
worths = [-0.5, 1.0, -0.75]
finished = 127
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | finished only at full length, by a stop or not
worths = [-0.5, 1.0, -0.75, 0.0]
finished = 96
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | finished only without a stop
worths = [-0.5, 1.0, -0.75, 0.0]
finished = 64
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | finished and unfinished together
worths = [-0.5, 1.0, -0.75, 0.0]
finished = 190
unfinished = 63
sweeps = 7

# %% exercise-1 | wrong | goes on after the stop
worths = [-0.5, 1.0, -0.75, 0.0]
finished = 127
unfinished = 364
sweeps = 7

# %% exercise-1 | wrong | forgets the empty text
worths = [-0.5, 1.0, -0.75, 0.0]
finished = 127
unfinished = 62
sweeps = 7

# %% exercise-1 | wrong | forgets the last sweep
worths = [-0.5, 1.0, -0.75, 0.0]
finished = 127
unfinished = 63
sweeps = 6

# %% exercise-1 | right | by the package
worths = agreement(["not very good ."] * 4, ["good not bad", "very very bad", "very good good", "not not very good"])
own = token_mdp(("x", "y", "."), 6, lambda prompts, completions: [float(len(text)) for text in completions], end=".")
finished, unfinished = own.terminal.sum(), (~own.terminal).sum()
sweeps = value_iteration(own).sweeps

# %% exercise-1 | right | an array and numbers that are not written as whole ones
worths = np.array([-2, 4, -3, 0]) / 4
finished, unfinished, sweeps = 127.0, np.float64(63), np.int64(7)

# %% exercise-2 | wrong | multiplies by the temperature
odds = [np.exp((2 - 1) * temperature) for temperature in (0.5, 1, 2)]

# %% exercise-2 | wrong | the ratio of the logits
odds = [2.0, 2.0, 2.0]

# %% exercise-2 | wrong | the other way round
odds = [np.exp((1 - 2) / temperature) for temperature in (0.5, 1, 2)]

# %% exercise-2 | wrong | the temperature changes nothing
odds = [np.exp((2 - 1)) for temperature in (0.5, 1, 2)]

# %% exercise-2 | wrong | the first and the third
odds = [np.exp((2 - 0) / temperature) for temperature in (0.5, 1, 2)]

# %% exercise-2 | wrong | the probability of the first
odds = [(torch.tensor([2.0, 1.0, 0.0]) / temperature).softmax(0)[0] for temperature in (0.5, 1, 2)]

# %% exercise-2 | wrong | the logarithm of the odds
odds = [(2 - 1) / temperature for temperature in (0.5, 1, 2)]

# %% exercise-2 | wrong | from the highest temperature
odds = [np.exp((2 - 1) / temperature) for temperature in (2, 1, 0.5)]

# %% exercise-2 | right | by the softmax
odds = []
for temperature in (0.5, 1.0, 2.0):
    p = (torch.tensor([2.0, 1.0, 0.0]) / temperature).softmax(0)
    odds.append(float(p[0] / p[1]))

# %% exercise-2 | right | rounded, in a tuple
odds = 7.39, 2.72, 1.65


# %% exercise-3 | wrong | no shift
def own_logprobs(logits, tokens, mask):
    logp = logits[:, 1:].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | raw logits
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1]  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | probabilities
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | one column too far to the left
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([chosen, first], 1) * mask


# %% exercise-3 | wrong | forgets the mask
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1)


# %% exercise-3 | wrong | drops the first column
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return chosen * mask[:, 1:]


# %% exercise-3 | wrong | scores the token before
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, :-1, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | the logarithm of a softmax that has vanished
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].softmax(-1).log()  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | the softmax over the wrong axis
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | minus infinity where the mask is false
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1).where(mask, -torch.inf)


# %% exercise-3 | wrong | masks the token before
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask.roll(-1, 1)


# %% exercise-3 | wrong | the likeliest token's
def own_logprobs(logits, tokens, mask):
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.max(2).values  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | wrong | masks the logits in place
def own_logprobs(logits, tokens, mask):
    logits *= mask[:, :, None]
    logp = logits[:, :-1].log_softmax(-1)  # (B, L - 1, V)
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]  # (B, L - 1)
    first = torch.zeros_like(chosen[:, :1])
    return torch.cat([first, chosen], 1) * mask


# %% exercise-3 | right | entry by entry
def own_logprobs(logits, tokens, mask):
    answer = torch.zeros(tokens.shape, dtype=logits.dtype)
    for b in range(tokens.shape[0]):
        for t in range(1, tokens.shape[1]):
            if mask[b, t]:
                answer[b, t] = logits[b, t - 1, tokens[b, t]] - logits[b, t - 1].logsumexp(0)
    return answer


# %% exercise-3 | right | by the cross-entropy
def own_logprobs(logits, tokens, mask):
    scored = -torch.nn.functional.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    return torch.nn.functional.pad(scored, (1, 0)).where(mask, torch.tensor(0.0))


# %% exercise-3 | right | rolled, and one token of many
def own_logprobs(logits, tokens, mask):
    before = torch.log_softmax(logits.roll(1, dims=1), dim=2)
    one_hot = torch.nn.functional.one_hot(tokens, logits.shape[2])
    return torch.where(mask, (before * one_hot).sum(2), 0.0)


# %% exercise-4 | wrong | counts letters, not different ones
def variety(prompts, completions, **columns):
    return [len(text.split()) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | takes off half a point for each different letter
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(set(text.split())) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | takes off a whole point
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | counts the spaces too
def variety(prompts, completions, **columns):
    return [len(set(text)) - 0.5 * len(text) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | never less than nothing
def variety(prompts, completions, **columns):
    return [max(0, len(set(text.split())) - 0.5 * len(text.split())) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | the prompt's letters too
def variety(prompts, completions, **columns):
    return [len(set((prompts[0] + text).split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | of the first completion only
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions[:1]]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | keeps the end token in the text
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words), solved.v[start]


# %% exercise-4 | wrong | takes the action of the largest immediate reward
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = int(mdp.R[s].argmax())
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | the value of the finished text
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[s]


# %% exercise-4 | wrong | the value of the best state
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v.max()


# %% exercise-4 | wrong | length for ever 4
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, 4, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | the end is always called stop
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end="stop")
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | no end
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | letters without spaces
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return "".join(word for word in words if word != end), solved.v[start]


# %% exercise-4 | wrong | takes the end's letters out of the text
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(words).replace(end, "").strip(), solved.v[start]


# %% exercise-4 | wrong | takes the last word for the end
def variety(prompts, completions, **columns):
    return [len(set(text.split())) - 0.5 * len(text.split()) for text in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    solved = value_iteration(mdp)
    start = s = int(mdp.start.argmax())
    words, rng = [], np.random.default_rng(0)
    while not mdp.terminal[s]:
        a = solved.policy[s]
        words.append(vocabulary[a])
        s, _, _ = mdp.step(s, a, rng)
    return " ".join(word for word in words[:-1]), solved.v[start]


# %% exercise-4 | right | looks at every completion
def variety(prompts, completions, **columns):
    letters = [text.replace(" ", "") for text in completions]
    return [float(len(set(text))) - len(text) / 2 for text in letters]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    worth = reward(prompts=[""] * len(mdp.completions), completions=mdp.completions)
    return mdp.completions[int(np.argmax(worth))], float(max(worth))


# %% exercise-4 | right | the last of the best, in a list; an array of rewards
def variety(prompts, completions, **columns):
    different = np.array([len({*text.split()}) for text in completions])
    return different - np.array([len(text.split()) for text in completions]) / 2


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    worth = np.array(reward([""] * len(mdp.completions), mdp.completions))
    best = np.flatnonzero(worth == worth.max())[-1]
    return [mdp.completions[best], worth[best]]


# %% exercise-5 | wrong | the buggy one
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=attention_mask.long()).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions from 0 at the padding
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = torch.arange(tokens.shape[1]).expand_as(tokens)
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions that begin at 1
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = attention_mask.long().cumsum(1).clamp(min=0)  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions of the policy's own tokens
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (mask.long().cumsum(1) - 1).clamp(min=0)  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions right, padding visible
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=torch.ones_like(tokens), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | positions of the first row for all
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (
        (attention_mask[:1].long().cumsum(1) - 1).expand_as(tokens).clamp(min=0)
    )  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | forgets the mask
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0))


# %% exercise-5 | wrong | the model of the setup
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)  # counted from the first token that is there
    logits = globals()["model"](input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[
        :, :-1
    ]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)) * mask


# %% exercise-5 | wrong | forgets the shift
def mended_logprobs(model, tokens, attention_mask, mask):
    positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)  # counted from the first token that is there
    logits = model(input_ids=tokens, attention_mask=attention_mask.long(), position_ids=positions).logits[:, 1:]
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


# %% exercise-5 | right | moved to the left
def mended_logprobs(model, tokens, attention_mask, mask):
    order = (~attention_mask).long().argsort(dim=1, stable=True)  # the text first, then the padding
    logits = model(input_ids=tokens.gather(1, order), attention_mask=attention_mask.gather(1, order).long()).logits
    back = order.argsort(1)
    logits = logits.gather(1, back[:, :, None].expand_as(logits))[:, :-1]
    logp = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(logp, (1, 0)).where(mask, torch.tensor(0.0))


# %% exercise-6 | wrong | forgets the reference
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = (reference > 0) * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | multiplies by beta
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) * beta)
    return weights / weights.sum(), largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | overflows
def tilt(reference, rewards, beta):
    largest = 0.0
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | does not divide by Z
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights, largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | log Z without beta
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), largest / beta + np.log(weights.sum())


# %% exercise-6 | wrong | the mean reward as value
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), weights @ rewards / weights.sum()


# %% exercise-6 | wrong | forgets to add the largest reward again
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), beta * np.log(weights.sum())


# %% exercise-6 | wrong | takes off the reward of a reply that cannot be said
def tilt(reference, rewards, beta):
    largest = rewards.max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | beta for ever one half
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / 0.5)
    return weights / weights.sum(), largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | value and policy exchanged
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return largest + beta * np.log(weights.sum()), weights / weights.sum()


# %% exercise-6 | wrong | only the policy
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum()


# %% exercise-6 | wrong | the likeliest reward for the largest
def tilt(reference, rewards, beta):
    largest = rewards[reference.argmax()]
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), largest + beta * np.log(weights.sum())


# %% exercise-6 | wrong | the logarithm to the base 2
def tilt(reference, rewards, beta):
    largest = rewards[reference > 0].max()
    allowed = np.where(reference > 0, rewards, largest)
    weights = reference * np.exp((allowed - largest) / beta)
    return weights / weights.sum(), largest + beta * np.log2(weights.sum())


# %% exercise-6 | right | with logarithms
def tilt(reference, rewards, beta):
    with np.errstate(divide="ignore"):
        weights = np.log(reference) + rewards / beta
    log_z = np.logaddexp.reduce(weights)
    return np.exp(weights - log_z), beta * log_z


# %% exercise-6 | right | only what can be said, in a list
def tilt(reference, rewards, beta):
    said = [(p, r) for p, r in zip(reference, rewards) if p > 0]
    top = max(r for _, r in said)
    total = sum(p * np.exp((r - top) / beta) for p, r in said)
    best = [p * np.exp((r - top) / beta) / total if p > 0 else 0.0 for p, r in zip(reference, rewards)]
    return [best, top + beta * np.log(total)]


# %% exercise-7 | wrong | where the divergence is one half
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[1] > 0.5 else (loose, middle)
beta_half = middle
kl_half = reward_and_kl(middle)[1]

# %% exercise-7 | wrong | a coarse guess
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = 0.2
kl_half = reward_and_kl(middle)[1]

# %% exercise-7 | wrong | too loose
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = 0.1
kl_half = reward_and_kl(middle)[1]

# %% exercise-7 | wrong | stops after six halvings
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(6):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = middle
kl_half = reward_and_kl(middle)[1]

# %% exercise-7 | wrong | in bits
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = middle
kl_half = reward_and_kl(middle)[1] / np.log(2)

# %% exercise-7 | wrong | the price instead of the divergence
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = middle
kl_half = middle * reward_and_kl(middle)[1]

# %% exercise-7 | wrong | the reward instead of the divergence
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = middle
kl_half = reward_and_kl(middle)[0]

# %% exercise-7 | wrong | reward and divergence together
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] > 0.5 else (loose, middle)
beta_half = middle
kl_half = reward_and_kl(middle)

# %% exercise-7 | wrong | keeps the wrong half
loose, tight = 0.01, 1.0  # the mean reward is above one half at the first, below at the second
for _ in range(30):
    middle = (loose + tight) / 2
    loose, tight = (middle, tight) if reward_and_kl(middle)[0] < 0.5 else (loose, middle)
beta_half = middle
kl_half = reward_and_kl(middle)[1]

# %% exercise-7 | right | the nearest of many
betas = np.linspace(0.05, 1, 4000)
beta_half = betas[np.argmin([abs(reward_and_kl(beta)[0] - 0.5) for beta in betas])]
kl_half = reward_and_kl(beta_half)[1]

# %% exercise-7 | right | rounded
beta_half, kl_half = np.array(0.163), np.float32(2.0)


# %% exercise-3 | right | in double precision
def own_logprobs(logits, tokens, mask):
    logp = logits.double().log_softmax(-1)
    out = torch.zeros(tokens.shape, dtype=torch.float64)
    for t in range(1, tokens.shape[1]):
        out[:, t] = logp[torch.arange(len(tokens)), t - 1, tokens[:, t]]
    return out.masked_fill(~mask, 0.0)


# %% exercise-3 | wrong | cut off at -10 (in several places)
def own_logprobs(logits, tokens, mask):
    logp = logits.log_softmax(-1)[:, :-1]
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]
    return (torch.nn.functional.pad(chosen, (1, 0)) * mask).clamp(min=-10)


# %% exercise-3 | wrong | an epsilon in the logarithm (in several places)
def own_logprobs(logits, tokens, mask):
    logp = (logits.softmax(-1) + 1e-8).log()[:, :-1]
    chosen = logp.gather(2, tokens[:, 1:, None])[:, :, 0]
    return torch.nn.functional.pad(chosen, (1, 0)) * mask


# %% exercise-4 | wrong | looks at the prompts (in several places)
def variety(prompts, completions, **columns):
    return [len(set(c.split())) - 0.5 * len(c.split()) for c in prompts]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    s = int(mdp.start.argmax())
    solved = value_iteration(mdp)
    policy, v = solved.policy, solved.v
    words, first = [], float(v[s])
    while not mdp.terminal[s]:
        a = int(policy[s])
        name = mdp.action_names[a]
        s = mdp.step(s, a, np.random.default_rng(0))[0]
        if name != end:
            words.append(name)
    return " ".join(words), first


# %% exercise-4 | wrong | divides by 2 without remainder (in several places)
def variety(prompts, completions, **columns):
    return [len(set(c.split())) - len(c.split()) // 2 for c in completions]


def best_text(vocabulary, length, reward, end):
    mdp = token_mdp(vocabulary, length, reward, end=end)
    s = int(mdp.start.argmax())
    solved = value_iteration(mdp)
    policy, v = solved.policy, solved.v
    words, first = [], float(v[s])
    while not mdp.terminal[s]:
        a = int(policy[s])
        name = mdp.action_names[a]
        s = mdp.step(s, a, np.random.default_rng(0))[0]
        if name != end:
            words.append(name)
    return " ".join(words), first


# %% exercise-5 | right | in double precision
def mended_logprobs(model, tokens, attention_mask, mask):
    pos = (attention_mask.cumsum(1) - 1) * attention_mask
    logp = model(input_ids=tokens, attention_mask=attention_mask, position_ids=pos).logits.double().log_softmax(-1)
    picked = torch.zeros(tokens.shape, dtype=torch.float64)
    picked[:, 1:] = logp[:, :-1].gather(2, tokens[:, 1:].unsqueeze(2)).squeeze(2)
    return torch.where(mask, picked, 0.0)


# %% exercise-5 | right | padded on the right instead
def mended_logprobs(model, tokens, attention_mask, mask):
    n = (~attention_mask).sum(1).tolist()
    left = torch.stack([row.roll(-k) for row, k in zip(tokens, n)])
    there = torch.stack([row.roll(-k) for row, k in zip(attention_mask, n)])
    logits = model(input_ids=left, attention_mask=there.long()).logits
    logits = torch.stack([row.roll(k, 0) for row, k in zip(logits, n)])
    logp = logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None]).squeeze(2)
    return torch.nn.functional.pad(logp, (1, 0)) * mask.float()
