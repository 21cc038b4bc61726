# %% exercise-1 | wrong | equal scores share alike
kept = [0.21, 0.375, 0.375, 0.04]
divergence = 0.165
wins = 0.64

# %% exercise-1 | wrong | what falls to a score, undivided
kept = [0.21, 0.75, 0.75, 0.04]
divergence = 0.165
wins = 0.64

# %% exercise-1 | wrong | drawn at all
kept = [0.51, 0.51, 0.36, 0.36]
divergence = 0.165
wins = 0.64

# %% exercise-1 | wrong | the second of equals beats the third
kept = [0.21, 0.51, 0.24, 0.04]
divergence = 0.165
wins = 0.64

# %% exercise-1 | wrong | the formula for unequal scores
kept = [0.21, 0.45, 0.3, 0.04]
divergence = 0.193
wins = 0.64

# %% exercise-1 | wrong | the divergence backwards
kept = [0.21, 0.45, 0.3, 0.04]
divergence = 0.182
wins = 0.64

# %% exercise-1 | wrong | in bits
kept = [0.21, 0.45, 0.3, 0.04]
divergence = 0.238
wins = 0.64

# %% exercise-1 | wrong | n over n + 1
kept = [0.21, 0.45, 0.3, 0.04]
divergence = 0.165
wins = 0.667

# %% exercise-1 | wrong | ties are lost
kept = [0.21, 0.45, 0.3, 0.04]
divergence = 0.165
wins = 0.417

# %% exercise-1 | right | computed
p, score = np.array([0.3, 0.3, 0.2, 0.2]), np.array([1, 3, 3, 0])
kept = np.zeros(4)
for first, second in itertools.product(range(4), repeat=2):
    kept[second if score[second] > score[first] else first] += p[first] * p[second]
divergence = np.sum(kept * np.log(kept / p))
wins = kept @ (np.sign(score[:, None] - score) + 1) @ p / 2

# %% exercise-1 | right | in a tuple, with more decimals
kept = (0.2100, 0.4500, 0.3000, 0.0400)
divergence = 0.16482
wins = np.float64(0.64)

# %% exercise-2 | wrong | half over the probability
draws = 125
price = 0.145

# %% exercise-2 | wrong | one hit on average
draws = 250
price = 0.145

# %% exercise-2 | wrong | one too few
draws = 172
price = 0.145

# %% exercise-2 | wrong | all of the pay
draws = 173
price = 1 / np.log(249)

# %% exercise-2 | wrong | one over the price
draws = 173
price = np.log(249) / 0.8

# %% exercise-2 | wrong | the sum of the pays
draws = 173
price = 1.2 / np.log(249)

# %% exercise-2 | right | by a search
draws = next(n for n in range(1, 1000) if 1 - (1 - 0.004) ** n >= 0.5)
price = min(np.arange(0.1, 0.2, 1e-6), key=lambda b: abs(0.004 * np.exp(1 / b) - 0.996 * np.exp(0.2 / b)))

# %% exercise-2 | right | by logarithms
draws = float(np.ceil(np.log(0.5) / np.log(0.996)))
price = 0.8 / (np.log(0.996) - np.log(0.004))


# %% exercise-3 | wrong | the worst of n
def kept(p, scores, n):
    at_least = np.array([p[scores >= score].sum() for score in scores])
    above = np.array([p[scores > score].sum() for score in scores])
    mass = at_least - above
    return np.where(mass > 0, p / np.where(mass > 0, mass, 1.0) * (at_least**n - above**n), 0.0)


# %% exercise-3 | wrong | equal scores share alike
def kept(p, scores, n):
    at_most = np.array([p[scores <= score].sum() for score in scores])
    below = np.array([p[scores < score].sum() for score in scores])
    equal = np.array([(scores == score).sum() for score in scores])
    return (at_most**n - below**n) / equal


# %% exercise-3 | wrong | equal scores as if they were in order
def kept(p, scores, n):
    order = np.argsort(scores, kind="stable")
    at_most = np.cumsum(p[order])
    answer = np.empty(len(p))
    answer[order] = at_most**n - (at_most - p[order]) ** n
    return answer


# %% exercise-3 | wrong | what falls to a score, undivided
def kept(p, scores, n):
    at_most = np.array([p[scores <= score].sum() for score in scores])
    below = np.array([p[scores < score].sum() for score in scores])
    return at_most**n - below**n


# %% exercise-3 | wrong | divides by nothing
def kept(p, scores, n):
    at_most = np.array([p[scores <= score].sum() for score in scores])
    below = np.array([p[scores < score].sum() for score in scores])
    return p / (p[:, None] * 0 + (scores[:, None] == scores) * p).sum(1) * (at_most**n - below**n) + 0 * (p == 0) / p


# %% exercise-3 | wrong | tilted by the score
def kept(p, scores, n):
    weights = p * np.exp(n * scores)
    return weights / weights.sum()


# %% exercise-3 | wrong | always two
def kept(p, scores, n):
    at_most = np.array([p[scores <= score].sum() for score in scores])
    below = np.array([p[scores < score].sum() for score in scores])
    mass = at_most - below
    return np.where(mass > 0, p / np.where(mass > 0, mass, 1.0) * (at_most**2 - below**2), 0.0)


# %% exercise-3 | wrong | sorts what it was given
def kept(p, scores, n):
    at_most = np.array([p[scores <= score].sum() for score in scores])
    below = np.array([p[scores < score].sum() for score in scores])
    mass = at_most - below
    answer = np.where(mass > 0, p / np.where(mass > 0, mass, 1.0) * (at_most**n - below**n), 0.0)
    scores.sort()
    return answer


# %% exercise-3 | right | by levels
def kept(p, scores, n):
    levels, level = np.unique(scores, return_inverse=True)
    mass = np.bincount(level, p)
    at_most = mass.cumsum()
    highest = at_most**n - (at_most - mass) ** n
    return [p[i] * highest[k] / mass[k] if mass[k] > 0 else 0.0 for i, k in enumerate(level)]


# %% exercise-3 | right | as a sum over which draw is kept
def kept(p, scores, n):
    answer = []
    for chance, score in zip(p, scores):
        at_most, below = sum(p[scores <= score]), sum(p[scores < score])
        answer.append(chance * sum(below**k * at_most ** (n - 1 - k) for k in range(n)))
    return np.array(answer)


# %% exercise-4 | wrong | the highest gold
def expected_gold(scores, gold, n):
    N = len(scores)
    ascending = np.sort(gold)
    return sum(math.comb(i, n - 1) / math.comb(N, n) * ascending[i] for i in range(N))


# %% exercise-4 | wrong | the highest score
def expected_gold(scores, gold, n):
    N = len(scores)
    ascending = np.sort(scores)
    return sum(math.comb(i, n - 1) / math.comb(N, n) * ascending[i] for i in range(N))


# %% exercise-4 | wrong | the worst of n
def expected_gold(scores, gold, n):
    N = len(scores)
    descending = gold[np.argsort(-scores)]
    return sum(math.comb(i, n - 1) / math.comb(N, n) * descending[i] for i in range(N))


# %% exercise-4 | wrong | with replacement
def expected_gold(scores, gold, n):
    N = len(scores)
    ascending = gold[np.argsort(scores)]
    return sum((((i + 1) / N) ** n - (i / N) ** n) * ascending[i] for i in range(N))


# %% exercise-4 | wrong | the first n
def expected_gold(scores, gold, n):
    return gold[:n][np.argmax(scores[:n])]


# %% exercise-4 | wrong | ranks in the place of the order
def expected_gold(scores, gold, n):
    N = len(scores)
    ascending = gold[np.argsort(np.argsort(scores))]
    return sum(math.comb(i, n - 1) / math.comb(N, n) * ascending[i] for i in range(N))


# %% exercise-4 | wrong | n of those below
def expected_gold(scores, gold, n):
    N = len(scores)
    ascending = gold[np.argsort(scores)]
    return sum(math.comb(i, n) / math.comb(N, n) * ascending[i] for i in range(N))


# %% exercise-4 | right | by a recursion of the weights
def expected_gold(scores, gold, n):
    N = len(scores)
    descending = np.asarray(gold)[np.argsort(scores)[::-1]]
    weight, total = n / N, 0.0
    for below in range(N - 1, -1, -1):
        total += weight * descending[N - 1 - below]
        if below:
            weight *= (below - n + 1) / below
    return total


# %% exercise-4 | right | whole numbers until the end
def expected_gold(scores, gold, n):
    from fractions import Fraction

    rows = sorted(zip(scores.tolist(), gold.tolist()))
    total = sum(Fraction(value) * math.comb(i, n - 1) for i, (_, value) in enumerate(rows))
    return float(total / math.comb(len(rows), n))


# %% exercise-5 | wrong | the program itself
def marked(completion, answer):
    import re

    return float(re.search(f"answer: {answer}", completion) is not None)


# %% exercise-5 | wrong | the point escaped
def marked(completion, answer):
    import re

    return float(re.search(f"answer: {re.escape(answer)}", completion) is not None)


# %% exercise-5 | wrong | up to the end, the last of several
def marked(completion, answer):
    return float("answer:" in completion and completion.split("answer:")[-1].strip() == answer)


# %% exercise-5 | wrong | the first of several
def marked(completion, answer):
    before, marker, said = completion.partition("answer: ")
    return float(said.strip().startswith(answer) and "answer:" not in said)


# %% exercise-5 | wrong | no marker needed
def marked(completion, answer):
    return float(completion.count("answer:") < 2 and completion.split("answer:")[-1].strip() == answer)


# %% exercise-5 | wrong | with one space only
def marked(completion, answer):
    pieces = completion.split("answer: ")
    return float(len(pieces) == 2 and pieces[1] == answer)


# %% exercise-5 | wrong | as numbers
def marked(completion, answer):
    pieces = completion.split("answer:")
    try:
        return float(len(pieces) == 2 and float(pieces[1]) == float(answer))
    except ValueError:
        return 0.0


# %% exercise-5 | wrong | the end only
def marked(completion, answer):
    return float(completion.count("answer:") == 1 and completion.strip().endswith(answer))


# %% exercise-5 | wrong | small letters
def marked(completion, answer):
    pieces = completion.lower().split("answer:")
    return float(len(pieces) == 2 and pieces[1].strip() == answer.lower())


# %% exercise-5 | wrong | a bool
def marked(completion, answer):
    pieces = completion.split("answer:")
    return len(pieces) == 2 and pieces[1].strip() == answer


# %% exercise-5 | right | by partition
def marked(completion, answer):
    before, marker, said = completion.partition("answer:")
    if not marker or "answer:" in said:
        return 0.0
    return 1.0 if said.strip() == answer else 0.0


# %% exercise-5 | right | by an expression
def marked(completion, answer):
    import re

    once = len(re.findall("answer:", completion)) == 1
    return float(once and re.search(rf"answer:\s*{re.escape(answer)}\s*\Z", completion) is not None)


# %% exercise-6 | wrong | the sign
def without_length(scores, lengths):
    off = lengths - lengths.mean(axis=1, keepdims=True)
    if not off.any():
        return scores
    slope = (off * scores).sum() / (off**2).sum()  # the means of the scores add nothing
    return scores + slope * lengths


# %% exercise-6 | wrong | the mean of all
def without_length(scores, lengths):
    off = lengths - lengths.mean()
    if not off.any():
        return scores
    slope = (off * scores).sum() / (off**2).sum()  # the means of the scores add nothing
    return scores - slope * lengths


# %% exercise-6 | wrong | a slope for each prompt
def without_length(scores, lengths):
    off = lengths - lengths.mean(axis=1, keepdims=True)
    if not off.any():
        return scores
    slope = (off * scores).sum(axis=1, keepdims=True) / (off**2).sum(axis=1, keepdims=True)
    return scores - slope * lengths


# %% exercise-6 | wrong | the mean of the slopes
def without_length(scores, lengths):
    off = lengths - lengths.mean(axis=1, keepdims=True)
    if not off.any():
        return scores
    slope = np.mean((off * scores).sum(axis=1) / (off**2).sum(axis=1))
    return scores - slope * lengths


# %% exercise-6 | wrong | no slope where there is none
def without_length(scores, lengths):
    off = lengths - lengths.mean(axis=1, keepdims=True)
    slope = (off * scores).sum() / (off**2).sum()  # the means of the scores add nothing
    return scores - slope * lengths


# %% exercise-6 | wrong | the slope turned round
def without_length(scores, lengths):
    off = lengths - lengths.mean(axis=1, keepdims=True)
    if not off.any():
        return scores
    slope = (off**2).sum() / (off * scores).sum()
    return scores - slope * lengths


# %% exercise-6 | wrong | the distance from the mean
def without_length(scores, lengths):
    off = lengths - lengths.mean(axis=1, keepdims=True)
    if not off.any():
        return scores
    slope = (off * scores).sum() / (off**2).sum()  # the means of the scores add nothing
    return scores - slope * off


# %% exercise-6 | wrong | without means
def without_length(scores, lengths):
    slope = (scores * lengths).sum() / (lengths**2).sum() if lengths.std(axis=1).any() else 0.0
    return scores - slope * lengths


# %% exercise-6 | right | the scores need no mean
def without_length(scores, lengths):
    off = lengths - np.mean(lengths, axis=1, keepdims=True)
    square = np.sum(off * off)
    slope = np.sum(off * scores) / square if square > 0 else 0.0
    return (scores - slope * lengths).tolist()


# %% exercise-6 | right | by least squares with a constant for each prompt
def without_length(scores, lengths):
    P, K = scores.shape
    if (lengths == lengths[:, :1]).all():
        return scores * 1.0
    columns = np.column_stack([lengths.ravel(), np.repeat(np.eye(P), K, axis=0)])
    return scores - np.linalg.lstsq(columns, scores.ravel())[0][0] * lengths


# %% exercise-7 | wrong | d itself
def peak_kl(kl, gold):
    d = np.sqrt(kl)
    a, b = np.linalg.lstsq(np.stack([d, -(d**2)], axis=1), gold)[0]
    return a / (2 * b) if b > 0 else np.inf


# %% exercise-7 | wrong | a over b
def peak_kl(kl, gold):
    d = np.sqrt(kl)
    a, b = np.linalg.lstsq(np.stack([d, -(d**2)], axis=1), gold)[0]
    return (a / b) ** 2 if b > 0 else np.inf


# %% exercise-7 | wrong | the highest point
def peak_kl(kl, gold):
    return kl[np.argmax(gold)]


# %% exercise-7 | wrong | with a constant
def peak_kl(kl, gold):
    d = np.sqrt(kl)
    if len(d) == 2:
        a, b = np.linalg.solve(np.stack([d, -(d**2)], axis=1), gold)
    else:
        a, b, _ = np.linalg.lstsq(np.stack([d, -(d**2), np.ones_like(d)], axis=1), gold)[0]
    return (a / (2 * b)) ** 2 if b > 0 else np.inf


# %% exercise-7 | wrong | in the divergence
def peak_kl(kl, gold):
    a, b = np.linalg.lstsq(np.stack([kl, -(kl**2)], axis=1), gold)[0]
    return a / (2 * b) if b > 0 else np.inf


# %% exercise-7 | wrong | a peak of what rises
def peak_kl(kl, gold):
    d = np.sqrt(kl)
    a, b = np.linalg.lstsq(np.stack([d, -(d**2)], axis=1), gold)[0]
    return (a / (2 * b)) ** 2


# %% exercise-7 | wrong | the height
def peak_kl(kl, gold):
    d = np.sqrt(kl)
    a, b = np.linalg.lstsq(np.stack([d, -(d**2)], axis=1), gold)[0]
    return a**2 / (4 * b) if b > 0 else np.inf


# %% exercise-7 | right | by the normal equations
def peak_kl(kl, gold):
    d = np.asarray(kl) ** 0.5
    columns = np.array([d, d**2])
    a, c = np.linalg.solve(columns @ columns.T, columns @ gold)
    return float("inf") if c >= 0 else (a / c) ** 2 / 4


# %% exercise-7 | right | by weights of gold over d
def peak_kl(kl, gold):
    d = np.sqrt(kl)
    slope, a = np.polyfit(d, gold / d, 1, w=d)
    return (-a / (2 * slope)) ** 2 if slope < 0 else np.inf
