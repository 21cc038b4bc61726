# %% exercise-1 | wrong | what each adds when it comes first
shapley = [3, 0, 2]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | what each adds when it comes last
shapley = [13, 10, 6]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | all coalitions alike
shapley = [7, 4, 3]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | one order only
shapley = [3, 6, 6]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | the worth of nobody divided too
shapley = [7.667, 4.667, 3.667]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | slopes at the end
shapley = [7.333, 4.333, 3.333]
slopes = [12, 21]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | slopes at the baseline
shapley = [7.333, 4.333, 3.333]
slopes = [0, 12]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | slopes half way
shapley = [7.333, 4.333, 3.333]
slopes = [4.5, 15.75]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | from 0 and not from the baseline
shapley = [7.333, 4.333, 3.333]
slopes = [8, 13]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | mean slopes without the way
shapley = [7.333, 4.333, 3.333]
slopes = [5, 5.333]
freed = [1.25, -0.417]
limit = 0.625

# %% exercise-1 | wrong | rates exchanged
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [1.417, -0.25]
limit = 0.625

# %% exercise-1 | wrong | what a 0 pays has the wrong sign
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [1.25, 0.417]
limit = 0.625

# %% exercise-1 | wrong | not divided
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [0.75, -0.25]
limit = 0.625

# %% exercise-1 | wrong | marks as they are
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [1, 0]
limit = 0.625

# %% exercise-1 | wrong | silence for nothing
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.75

# %% exercise-1 | wrong | cost over one and the cost
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.857

# %% exercise-1 | wrong | the probability of a mistake
shapley = [7.333, 4.333, 3.333]
slopes = [5.0, 16.0]
freed = [1.25, -0.417]
limit = 0.375

# %% exercise-1 | right | computed
worths = {(): 1, (0,): 4, (1,): 1, (2,): 3, (0, 1): 10, (0, 2): 6, (1, 2): 3, (0, 1, 2): 16}
shapley = np.zeros(3)
for order in permutations(range(3)):
    for i, player in enumerate(order):
        shapley[player] += (worths[tuple(sorted(order[: i + 1]))] - worths[tuple(sorted(order[:i]))]) / 6
t = (np.arange(10_000) + 0.5) / 10_000
slopes = (float(np.mean(2 * (1 + t) * 3 * t)), 3 * np.mean((1 + t) ** 2 + 3))
freed = np.linalg.solve([[0.85, 0.15], [0.25, 0.75]], [1, 0])
limit = 5 / 8


# %% exercise-2 | wrong | sums for means
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.sum(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | the population's deviation
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=0) / np.sqrt(count)


# %% exercise-2 | wrong | the deviation, not the error
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1)


# %% exercise-2 | wrong | over M and not its root
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / count


# %% exercise-2 | wrong | by place in the order
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[i] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | the worth once it has come
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | always less the worth of nobody
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | nobody is worth nothing
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = 0.0
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | no error for a single order
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.zeros(orders.shape[1])
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | asks twice
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(frozenset(order[: i + 1].tolist())) + 0 * worth(frozenset(order[:i].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | asks with a list
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order):
            after = worth(sorted(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | wrong | the last player forgotten
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    orders = np.asarray(orders)
    added = np.zeros(orders.shape)
    for row, order in zip(added, orders):
        so_far = worth(frozenset())
        for i, player in enumerate(order[:-1]):
            after = worth(frozenset(order[: i + 1].tolist()))
            row[player] = after - so_far
            so_far = after
    count = len(orders)
    if count < 2:
        return added.mean(axis=0), np.full(orders.shape[1], np.nan)
    return added.mean(axis=0), added.std(axis=0, ddof=1) / np.sqrt(count)


# %% exercise-2 | right | worths of each order first
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    rows = []
    for order in orders:
        worths = [worth(frozenset(int(p) for p in order[:i])) for i in range(len(order) + 1)]
        steps = dict(zip((int(p) for p in order), np.diff(worths)))
        rows.append([steps[player] for player in range(len(order))])
    rows = np.array(rows)
    spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.full(rows.shape[1], np.nan)
    return rows.mean(axis=0), spread * len(rows) ** -0.5


# %% exercise-2 | right | lists, with numbers kept
def shapley_by_orders(worth, orders):
    """The mean of what each player adds over these orders, and its standard error, (n,) each."""
    count, n = len(orders), len(orders[0])
    seen = {}
    total, squares = [0.0] * n, [0.0] * n
    for order in orders:
        there = frozenset()
        for player in map(int, order):
            for coalition in (there, there | {player}):
                if coalition not in seen:
                    seen[coalition] = worth(coalition)
            step = seen[there | {player}] - seen[there]
            total[player] += step / count
            squares[player] += step**2
            there = there | {player}
    if count == 1:
        return total, [float("nan")] * n
    errors = [max((q - count * m**2) / (count - 1) / count, 0) ** 0.5 for q, m in zip(squares, total)]
    return total, errors


# %% exercise-3 | wrong | not shifted
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, :-1] = np.where(mask[:, :-1], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | the divergence the other way
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (-np.exp(reference_logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | bits
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2) / np.log(2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | the mask forgotten
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = terms
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | the mask of the place before
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, :-1], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | overflows
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | one largest logit for all
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max()
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | logits not normalised
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers


# %% exercise-3 | wrong | the mean over tokens
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (np.exp(logp) * (logp - reference_logp)).mean(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | wrong | without the policy's probabilities
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    logp, reference_logp = (log_softmax(numbers[:, :-1]) for numbers in (logits, reference_logits))
    terms = (logp - reference_logp).sum(axis=2)
    answer = np.zeros(mask.shape)
    answer[:, 1:] = np.where(mask[:, 1:], terms, 0.0)
    return answer


def log_softmax(numbers):
    """Log-probabilities from logits (..., V)."""
    numbers = numbers - numbers.max(axis=-1, keepdims=True)
    return numbers - np.log(np.exp(numbers).sum(axis=-1, keepdims=True))


# %% exercise-3 | right | in a loop
def token_divergence(logits, reference_logits, mask):
    """KL(pi || pi_ref) (B, L) of the distributions from which each of the policy's own tokens was drawn."""
    answer = [[0.0] * mask.shape[1] for _ in mask]
    for b, t in zip(*np.nonzero(mask)):
        one, other = logits[b, t - 1], reference_logits[b, t - 1]
        logp, reference_logp = (z - z.max() - np.log(np.exp(z - z.max()).sum()) for z in (one, other))
        answer[b][t] = float((np.exp(logp) * (logp - reference_logp)).sum())
    return answer


# %% exercise-4 | wrong | a share of the rows of each text
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return rng.random(len(text)) < count / len(texts)


# %% exercise-4 | wrong | the first texts
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, texts[:count])


# %% exercise-4 | wrong | texts drawn with replacement
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, rng.choice(texts, count))


# %% exercise-4 | wrong | drawn from rows
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, list(dict.fromkeys(rng.permutation(text).tolist()))[:count])


# %% exercise-4 | wrong | cut off, not rounded
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(int(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, rng.choice(texts, count, replace=False))


# %% exercise-4 | wrong | none where the share is small
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(round(share * len(texts)), len(texts) - 1)
    return np.isin(text, rng.choice(texts, count, replace=False))


# %% exercise-4 | wrong | all where the share is large
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = max(round(share * len(texts)), 1)
    return np.isin(text, rng.choice(texts, count, replace=False))


# %% exercise-4 | wrong | the texts to learn from
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return ~np.isin(text, rng.choice(texts, count, replace=False))


# %% exercise-4 | wrong | numbers of texts, not texts
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, rng.choice(len(texts), count, replace=False))


# %% exercise-4 | wrong | NumPy's own generator
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, np.random.choice(texts, count, replace=False))


# %% exercise-4 | wrong | a seed of its own
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    return np.isin(text, np.random.default_rng(0).choice(texts, count, replace=False))


# %% exercise-4 | wrong | a share of the rows
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = np.unique(text)
    count = min(max(round(share * len(text)), 1), len(texts) - 1)
    return np.isin(text, rng.choice(texts, count, replace=False))


# %% exercise-4 | right | by a permutation and a set
def texts_for_the_test(text, share, rng):
    """Which rows the probe is judged on, (N,) bool: all rows of some of the texts."""
    texts = sorted(set(text.tolist()))
    count = int(np.clip(np.round(share * len(texts)), 1, len(texts) - 1))
    chosen = {texts[i] for i in rng.permutation(len(texts))[:count]}
    return [one in chosen for one in text.tolist()]


# %% exercise-5 | wrong | the best for the attacked
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return max(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | never stays
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = []
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | the first place only
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(1):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | not the last place
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words) - 1):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | not the first place
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(1, len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | the first swap that is worse
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return next((swap for swap in swaps if worth(swap) < worth(words)), words)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | the later of equal ones
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps[::-1], key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | words left out
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | a word pushed in
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place:]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | without the first prompt
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way[1:]


# %% exercise-5 | wrong | the last one twice
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return [*way, way[-1]]


# %% exercise-5 | wrong | only the last one
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return [way[-1]]


# %% exercise-5 | wrong | one step only
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    if (after := worst_swap(worth, way[-1], vocabulary)) != way[-1]:
        way.append(after)
    return way


# %% exercise-5 | wrong | always from the first
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    swaps = [words]
    for place in range(len(words)):
        swaps += [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
    return min(swaps, key=worth)


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    way = [first]
    while (after := worst_swap(worth, first, vocabulary)) not in way:
        way.append(after)
    return way


# %% exercise-5 | right | by hand, with a loop and no min
def worst_swap(worth, words, vocabulary):
    """The prompt with the least worth of those that differ from words in at most one word."""
    best, least = words, worth(words)
    for place, word in product(range(len(words)), vocabulary):
        swap = list(words)
        swap[place] = word
        if (found := worth(tuple(swap))) < least:
            best, least = tuple(swap), found
    return best


def steepest_search(worth, first, vocabulary):
    """The prompts on the way from first to one that no single swap makes worse: a list of tuples."""
    after = worst_swap(worth, first, vocabulary)
    return [first] if after == first else [first, *steepest_search(worth, after, vocabulary)]


# %% exercise-6 | wrong | above the limit only
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence > limit, paid, 0.0).mean() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | below the limit
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence <= limit, paid, 0.0).mean() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | infinity left out
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [*np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | the lowest of equal limits
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | mistakes for nothing
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, 0.0)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | mistakes pay
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | the sum
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).sum() for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | the mean over the answers given
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [paid[confidence >= limit].mean() if np.isfinite(limit) else 0.0 for limit in limits]
    return limits[int(np.argmax(pays))], max(pays)


# %% exercise-6 | wrong | the place of the limit
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return int(np.argmax(pays)), max(pays)


# %% exercise-6 | wrong | the pay alone
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return max(pays)


# %% exercise-6 | wrong | Chow's limit
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    limits = [np.inf, *np.unique(confidence)[::-1]]
    paid = np.where(right, 1.0, -wrong)
    pays = [np.where(confidence >= limit, paid, 0.0).mean() for limit in limits]
    return wrong / (1 + wrong), max(pays)


# %% exercise-6 | right | sorted, with a running sum
def best_limit(confidence, right, wrong):
    """The limit from which on to answer, and the mean pay that it brings."""
    best, limit, so_far = 0.0, float("inf"), 0.0
    for one in sorted(set(confidence.tolist()), reverse=True):
        for mark in right[confidence == one]:
            so_far += 1 if mark else -wrong
        if so_far / len(right) > best + 1e-12:
            best, limit = so_far / len(right), one
    return [limit, best]


# %% exercise-7 | wrong | how often they differ
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return differ


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | half of that
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return min(differ / 2, 0.5)


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | the larger solution
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 + np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | how often they agree
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) == np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | no limit at a half
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(1 - 2 * differ)) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | a four for the two
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 4 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | the marks as they are
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max(ones, 0.0), 1.0)


# %% exercise-7 | wrong | not divided
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max(ones - e, 0.0), 1.0)


# %% exercise-7 | wrong | one flip taken off below
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - e), 0.0), 1.0)


# %% exercise-7 | wrong | the first marks only
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = np.mean(first)
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | both marks have to be 1
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = np.mean(np.asarray(first) * np.asarray(second))
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | wrong | below 0
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return min((ones - e) / (1 - 2 * e), 1.0)


# %% exercise-7 | wrong | above 1
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return np.nan
    ones = (np.mean(first) + np.mean(second)) / 2
    return max((ones - e) / (1 - 2 * e), 0.0)


# %% exercise-7 | wrong | a half for what cannot be known
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = np.mean(np.asarray(first) != np.asarray(second))
    return (1 - np.sqrt(max(1 - 2 * differ, 0.0))) / 2


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    if e >= 0.5:
        return 0.5
    ones = (np.mean(first) + np.mean(second)) / 2
    return min(max((ones - e) / (1 - 2 * e), 0.0), 1.0)


# %% exercise-7 | right | by the roots of the quadratic
def flip_rate(first, second):
    """With which probability a mark is turned round, from two marks of each answer."""
    differ = sum(bool(a) != bool(b) for a, b in zip(first, second)) / len(first)
    return 0.5 if differ >= 0.5 else float(min(np.roots([2, -2, differ]).real))


def share_right(first, second):
    """The share of answers that are right, from two marks of each."""
    e = flip_rate(first, second)
    marks = np.concatenate([first, second]).astype(float)
    return float("nan") if e == 0.5 else float(np.clip((marks - e).mean() / (1 - 2 * e), 0, 1))
