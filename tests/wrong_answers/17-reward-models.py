# %% exercise-1 | wrong | shares for gaps
gap_ab = 0.75
a_over_c = 0.86
honest_gap = 0.85
best_accuracy = 0.76

# %% exercise-1 | wrong | odds for gaps
gap_ab = 3.0
a_over_c = 0.86
honest_gap = 0.85
best_accuracy = 0.76

# %% exercise-1 | wrong | the product of win rates
gap_ab = 1.10
a_over_c = 0.50
honest_gap = 0.85
best_accuracy = 0.76

# %% exercise-1 | wrong | the mean of win rates
gap_ab = 1.10
a_over_c = 0.71
honest_gap = 0.85
best_accuracy = 0.76

# %% exercise-1 | wrong | the gap of what was written down
gap_ab = 1.10
a_over_c = 0.86
honest_gap = 0.49
best_accuracy = 0.76

# %% exercise-1 | wrong | flipped once more
gap_ab = 1.10
a_over_c = 0.86
honest_gap = 0.29
best_accuracy = 0.76

# %% exercise-1 | wrong | the mean of two pairs
gap_ab = 1.10
a_over_c = 0.86
honest_gap = 0.85
best_accuracy = 0.71

# %% exercise-1 | right | computed
gap_ab = math.log(12 / 4)
gap_bc = math.log(20 / 10)
a_over_c = float(sigmoid(gap_ab + gap_bc))
honest = (0.62 - 0.2) / 0.6
honest_gap = math.log(honest / (1 - honest))
best_accuracy = np.mean([0.75, 2 / 3, a_over_c])


# %% exercise-2 | wrong | no weights
def preference_loss(chosen, rejected, weights):
    return -torch.nn.functional.logsigmoid(chosen - rejected).mean()


# %% exercise-2 | wrong | divided by the number of pairs
def preference_loss(chosen, rejected, weights):
    return -(weights * torch.nn.functional.logsigmoid(chosen - rejected)).mean()


# %% exercise-2 | wrong | a sigmoid that vanishes
def preference_loss(chosen, rejected, weights):
    return -(weights * torch.sigmoid(chosen - rejected).log()).sum() / weights.sum()


# %% exercise-2 | wrong | the sign of the gap
def preference_loss(chosen, rejected, weights):
    return -(weights * torch.nn.functional.logsigmoid(rejected - chosen)).sum() / weights.sum()


# %% exercise-2 | wrong | the sign of the loss
def preference_loss(chosen, rejected, weights):
    return (weights * torch.nn.functional.logsigmoid(chosen - rejected)).sum() / weights.sum()


# %% exercise-2 | wrong | no gradient
def preference_loss(chosen, rejected, weights):
    losses = torch.nn.functional.softplus(rejected - chosen).detach()
    return (weights * losses).sum() / weights.sum()


# %% exercise-2 | wrong | no logarithm
def preference_loss(chosen, rejected, weights):
    return (weights * torch.sigmoid(rejected - chosen)).sum() / weights.sum()


# %% exercise-2 | right | softplus
def preference_loss(chosen, rejected, weights):
    share = weights / weights.sum()
    return share @ torch.nn.functional.softplus(rejected - chosen)


# %% exercise-2 | right | logaddexp
def preference_loss(chosen, rejected, weights):
    losses = torch.logaddexp(chosen, rejected) - chosen
    return torch.dot(losses, weights) / torch.sum(weights)


# %% exercise-3 | wrong | whole gaps in the exponents
def davidson(d, nu):
    first, second = np.exp(d), np.exp(-np.asarray(d))
    total = first + nu + second
    return first / total, nu / total, second / total


def gap_from(first, equal, second, half):
    counted = equal / 2 if half else 0.0
    return np.log((first + counted) / (second + counted))


# %% exercise-3 | wrong | not divided by the sum
def davidson(d, nu):
    d = np.asarray(d)
    return np.exp(d / 2), nu + 0 * d, np.exp(-d / 2)


def gap_from(first, equal, second, half):
    counted = equal / 2 if half else 0.0
    return np.log((first + counted) / (second + counted))


# %% exercise-3 | wrong | all of the ties to either side
def davidson(d, nu):
    first, second = np.exp(np.asarray(d) / 2), np.exp(-np.asarray(d) / 2)
    total = first + nu + second
    return first / total, nu / total, second / total


def gap_from(first, equal, second, half):
    counted = equal if half else 0.0
    return np.log((first + counted) / (second + counted))


# %% exercise-3 | wrong | left out and half the other way round
def davidson(d, nu):
    first, second = np.exp(np.asarray(d) / 2), np.exp(-np.asarray(d) / 2)
    total = first + nu + second
    return first / total, nu / total, second / total


def gap_from(first, equal, second, half):
    counted = 0.0 if half else equal / 2
    return np.log((first + counted) / (second + counted))


# %% exercise-3 | wrong | first against all else
def davidson(d, nu):
    first, second = np.exp(np.asarray(d) / 2), np.exp(-np.asarray(d) / 2)
    total = first + nu + second
    return first / total, nu / total, second / total


def gap_from(first, equal, second, half):
    p = first + equal / 2 if half else first
    return np.log(p / (1 - p))


# %% exercise-3 | wrong | first and second exchanged
def davidson(d, nu):
    first, second = np.exp(-np.asarray(d) / 2), np.exp(np.asarray(d) / 2)
    total = first + nu + second
    return first / total, nu / total, second / total


def gap_from(first, equal, second, half):
    counted = equal / 2 if half else 0.0
    return np.log((first + counted) / (second + counted))


# %% exercise-3 | right | by hyperbolic functions, and an array
def davidson(d, nu):
    d = np.asarray(d, dtype=float)
    total = 2 * np.cosh(d / 2) + nu
    return np.stack([np.exp(d / 2) / total, np.full(d.shape, float(nu)) / total, np.exp(-d / 2) / total])


def gap_from(first, equal, second, half):
    return np.log(first + half * equal / 2) - np.log(second + half * equal / 2)


# %% exercise-4 | wrong | the logit of all wins
def fit_rewards(wins):
    share = wins.sum(1) / (wins + wins.T).sum(1)
    r = np.log(share / (1 - share))
    return r - r.mean()


# %% exercise-4 | wrong | rows and columns exchanged
def fit_rewards(wins):
    wins = np.asarray(wins, dtype=float).T
    compared, strengths = wins + wins.T, np.ones(len(wins))
    for _ in range(2000):
        strengths = wins.sum(axis=1) / (compared / (strengths[:, None] + strengths)).sum(axis=1)
        strengths = strengths / np.exp(np.log(strengths).mean())
    return np.log(strengths)


# %% exercise-4 | wrong | ten rounds
def fit_rewards(wins):
    compared, strengths = wins + wins.T, np.ones(len(wins))
    for _ in range(10):
        strengths = wins.sum(axis=1) / (compared / (strengths[:, None] + strengths)).sum(axis=1)
        strengths = strengths / np.exp(np.log(strengths).mean())
    return np.log(strengths)


# %% exercise-4 | wrong | no logarithm
def fit_rewards(wins):
    compared, strengths = wins + wins.T, np.ones(len(wins))
    for _ in range(2000):
        strengths = wins.sum(axis=1) / (compared / (strengths[:, None] + strengths)).sum(axis=1)
        strengths = strengths / np.exp(np.log(strengths).mean())
    return strengths


# %% exercise-4 | wrong | the first reward is 0
def fit_rewards(wins):
    compared, strengths = wins + wins.T, np.ones(len(wins))
    for _ in range(2000):
        strengths = wins.sum(axis=1) / (compared / (strengths[:, None] + strengths)).sum(axis=1)
        strengths = strengths / strengths[0]
    return np.log(strengths)


# %% exercise-4 | wrong | the gap of every pair alike, however often it was asked
def fit_rewards(wins):
    wins = np.asarray(wins, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = np.log(wins / wins.T)
    gaps[~np.isfinite(gaps)] = 0.0
    return gaps.mean(axis=1)


# %% exercise-4 | right | by Newton's method
def fit_rewards(wins):
    compared, r = wins + wins.T, np.zeros(len(wins))
    for _ in range(50):
        p = sigmoid(r[:, None] - r)
        slope = (wins - compared * p).sum(1)
        curvature = compared * p * (1 - p)
        r = r + np.linalg.pinv(np.diag(curvature.sum(1)) - curvature) @ slope
    return r - r.mean()


# %% exercise-4 | right | by the package's loss and gradient descent
def fit_rewards(wins):
    wins = np.asarray(wins, dtype=float)
    i, j = np.nonzero(wins)
    r = torch.zeros(len(wins), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([r], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = bradley_terry_loss(r[i], r[j], weights=torch.tensor(wins[i, j]))
        loss.backward()
        return loss

    optimizer.step(closure)
    return (r - r.mean()).detach().numpy()


# %% exercise-5 | wrong | the careless program
def end_rewards(said, there):
    return careless_rewards(said, tokens, END)


# %% exercise-5 | wrong | the last column
def end_rewards(said, there):
    return said[:, -1]


# %% exercise-5 | wrong | as many tokens as there are, from the left
def end_rewards(said, there):
    return said[np.arange(len(said)), there.sum(1) - 1]


# %% exercise-5 | wrong | the first token
def end_rewards(said, there):
    return said[np.arange(len(said)), there.argmax(1)]


# %% exercise-5 | wrong | the mean over the text
def end_rewards(said, there):
    return (said * there).sum(1) / there.sum(1)


# %% exercise-5 | wrong | one before the last
def end_rewards(said, there):
    last = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    return said[np.arange(len(said)), np.maximum(last - 1, 0)]


# %% exercise-5 | right | by places
def end_rewards(said, there):
    last = np.where(there, np.arange(there.shape[1]), -1).max(axis=1)
    return np.take_along_axis(said, last[:, None], axis=1)[:, 0]


# %% exercise-5 | right | a loop
def end_rewards(said, there):
    return [float(row[np.flatnonzero(mask)[-1]]) for row, mask in zip(said, there)]


# %% exercise-6 | wrong | both are odds of y_a
def unbiased(ab, ba):
    return (ab + ba) / 2, (ab - ba) / 2


def same_answer(ab, ba):
    return np.mean(np.sign(ab) * np.sign(ba) < 0)


# %% exercise-6 | wrong | not halved
def unbiased(ab, ba):
    return ab - ba, (ab + ba) / 2


def same_answer(ab, ba):
    return np.mean(np.sign(ab) * np.sign(ba) < 0)


# %% exercise-6 | wrong | the bias of the second place
def unbiased(ab, ba):
    return (ab - ba) / 2, -(ab + ba) / 2


def same_answer(ab, ba):
    return np.mean(np.sign(ab) * np.sign(ba) < 0)


# %% exercise-6 | wrong | the same place, not the same completion
def unbiased(ab, ba):
    return (ab - ba) / 2, (ab + ba) / 2


def same_answer(ab, ba):
    return np.mean((ab > 0) == (ba > 0))


# %% exercise-6 | wrong | odds of 0 name the second
def unbiased(ab, ba):
    return (ab - ba) / 2, (ab + ba) / 2


def same_answer(ab, ba):
    return np.mean((ab > 0) != (ba > 0))


# %% exercise-6 | wrong | a count
def unbiased(ab, ba):
    return (ab - ba) / 2, (ab + ba) / 2


def same_answer(ab, ba):
    return np.sum(np.sign(ab) * np.sign(ba) < 0)


# %% exercise-6 | right | word by word
def unbiased(ab, ba):
    better = [(x - y) / 2 for x, y in zip(ab, ba)]
    return better, [x - d for x, d in zip(ab, better)]


def same_answer(ab, ba):
    return float(((ab > 0) & (ba < 0) | (ab < 0) & (ba > 0)).mean())


# %% exercise-7 | wrong | every bin counts the same
def calibration_error(said, came_true, bins):
    places = np.minimum((said * bins).astype(int), bins - 1)
    return np.mean([abs(said[places == b].mean() - came_true[places == b].mean()) for b in np.unique(places)])


# %% exercise-7 | wrong | one bin
def calibration_error(said, came_true, bins):
    return abs(np.mean(said) - np.mean(came_true))


# %% exercise-7 | wrong | single predictions
def calibration_error(said, came_true, bins):
    return np.mean(np.abs(np.asarray(said) - np.asarray(came_true)))


# %% exercise-7 | wrong | a bin of its own for 1
def calibration_error(said, came_true, bins):
    places, error = (said * bins).astype(int), 0.0
    for place in np.unique(places):
        inside = places == place
        error += inside.sum() * abs(said[inside].mean() - came_true[inside].mean())
    return error / len(said)


# %% exercise-7 | wrong | without absolute values
def calibration_error(said, came_true, bins):
    places, error = np.minimum((said * bins).astype(int), bins - 1), 0.0
    for place in np.unique(places):
        inside = places == place
        error += inside.sum() * (said[inside].mean() - came_true[inside].mean())
    return error / len(said)


# %% exercise-7 | wrong | upper limits in the bins
def calibration_error(said, came_true, bins):
    places, error = np.maximum(np.ceil(said * bins).astype(int) - 1, 0), 0.0
    for place in np.unique(places):
        inside = places == place
        error += inside.sum() * abs(said[inside].mean() - came_true[inside].mean())
    return error / len(said)


# %% exercise-7 | right | by sums
def calibration_error(said, came_true, bins):
    places = np.minimum(np.floor(np.asarray(said) * bins).astype(int), bins - 1)
    said_sums, true_sums = (np.bincount(places, weights=column, minlength=bins) for column in (said, came_true))
    return np.abs(said_sums - true_sums).sum() / len(said)


# %% exercise-8 | wrong | next words not weighed
def value(text, policy, reward, length):
    if len(text) == length or text[-1:] == (".",):
        return reward(text)
    nexts = policy(text)
    return sum(value((*text, word), policy, reward, length) for word in nexts) / len(nexts)


def credits(text, policy, reward, length):
    values = [value(text[:t], policy, reward, length) for t in range(len(text) + 1)]
    return [values[t + 1] - values[t] for t in range(len(text))]


# %% exercise-8 | wrong | goes on after the stop
def value(text, policy, reward, length):
    if len(text) == length:
        return reward(text)
    return sum(p * value((*text, word), policy, reward, length) for word, p in policy(text).items())


def credits(text, policy, reward, length):
    values = [value(text[:t], policy, reward, length) for t in range(len(text) + 1)]
    return [values[t + 1] - values[t] for t in range(len(text))]


# %% exercise-8 | wrong | the best next word
def value(text, policy, reward, length):
    if len(text) == length or text[-1:] == (".",):
        return reward(text)
    return max(value((*text, word), policy, reward, length) for word in policy(text))


def credits(text, policy, reward, length):
    values = [value(text[:t], policy, reward, length) for t in range(len(text) + 1)]
    return [values[t + 1] - values[t] for t in range(len(text))]


# %% exercise-8 | wrong | one word too long
def value(text, policy, reward, length):
    if len(text) > length or text[-1:] == (".",):
        return reward(text)
    return sum(p * value((*text, word), policy, reward, length) for word, p in policy(text).items())


def credits(text, policy, reward, length):
    values = [value(text[:t], policy, reward, length) for t in range(len(text) + 1)]
    return [values[t + 1] - values[t] for t in range(len(text))]


# %% exercise-8 | wrong | values for credits
def value(text, policy, reward, length):
    if len(text) == length or text[-1:] == (".",):
        return reward(text)
    return sum(p * value((*text, word), policy, reward, length) for word, p in policy(text).items())


def credits(text, policy, reward, length):
    return [value(text[: t + 1], policy, reward, length) for t in range(len(text))]


# %% exercise-8 | wrong | the last word is forgotten
def value(text, policy, reward, length):
    if len(text) == length or text[-1:] == (".",):
        return reward(text)
    return sum(p * value((*text, word), policy, reward, length) for word, p in policy(text).items())


def credits(text, policy, reward, length):
    values = [value(text[:t], policy, reward, length) for t in range(len(text) + 1)]
    return [values[t + 1] - values[t] for t in range(len(text) - 1)]


# %% exercise-8 | right | without a recursion
def value(text, policy, reward, length):
    total, waiting = 0.0, [(text, 1.0)]
    while waiting:
        some, chance = waiting.pop()
        if len(some) == length or "." in some:
            total += chance * reward(some)
        else:
            waiting += [(some + (word,), chance * p) for word, p in policy(some).items()]
    return total


def credits(text, policy, reward, length):
    return list(np.diff([value(text[:t], policy, reward, length) for t in range(len(text) + 1)]))
