"""Text generation as a Markov decision process: a state is the text so far, an action the next token.

For a small vocabulary and short texts the whole process fits into the arrays of a `FiniteMDP`, and everything that
solves a gridworld solves a language.
"""

from collections.abc import Iterable

import numpy as np
import scipy.sparse

from rlbook._checks import check_array, check_counts, shown
from rlbook.language.rewards import ask
from rlbook.mdp import FiniteMDP

MOST_TEXTS = 1_000_000  # more than can be enumerated in comfort


def token_mdp(vocabulary, length, reward, *, prompts=("",), end=None, reference=None, separator=" "):
    """A small language as a `TokenMDP`: every way to continue each prompt by at most `length` tokens.

    vocabulary  the tokens (A,), strings; the actions of every state
    reward      reward(prompts, completions) -> a list of floats; paid when the text is finished,
                nothing before; completions are given without the end token
    prompts     the texts that episodes start with, each alike; by default none
    end         the token that finishes a text; at the latest the text is finished at its length
    reference   a function from texts (S,) to next-token probabilities (S, A), such as
                `exact.next_token_policy` makes of a model; by default every token alike
    separator   what stands between two tokens of a text

    Raises ValueError if the language is too large, or the reward function does not return one
    number for each completion.
    """
    if isinstance(prompts, str):
        raise ValueError(f"prompts is {shown(prompts)}, expected a list of strings")
    vocabulary, prompts = check_tokens("vocabulary", vocabulary), tuple(prompts)
    for i, prompt in enumerate(prompts):
        if not isinstance(prompt, str):
            raise ValueError(f"prompt {i} is {shown(prompt)}, expected a string")
    if not isinstance(separator, str):
        raise ValueError(f"separator is {shown(separator)}, expected a string")
    if end is not None and end not in vocabulary:
        raise ValueError(f"end is {shown(end)}, expected one of the vocabulary: {shown(vocabulary)}")
    if reference is not None and not callable(reference):
        raise TypeError(
            f"reference is {shown(reference)}, expected a function from texts (S,) to next-token probabilities (S, A)"
        )
    if not prompts:
        raise ValueError("prompts is empty, expected at least one text to start with")
    return TokenMDP(vocabulary, length, reward, prompts, end, reference, separator)


def check_tokens(name, tokens):
    """The tokens as a tuple, if they are different strings, at least one, and none is empty: it could not be seen."""
    if not isinstance(tokens, Iterable):
        raise ValueError(f"{name} is {shown(tokens)}, expected different tokens, at least one")
    tokens = tuple(tokens)
    for i, token in enumerate(tokens):
        if not isinstance(token, str) or not token:
            raise ValueError(f"{name}[{i}] is {shown(token)}, expected a string that is not empty")
    if not tokens or len(set(tokens)) < len(tokens):
        raise ValueError(f"{name} is {shown(tokens)}, expected different tokens, at least one")
    return tokens


class TokenMDP(FiniteMDP):
    """A language as a `FiniteMDP`, with what it is made of.

    The states of one prompt follow those of another; within one the prompt itself is first, then all texts of one more
    token, then of two. state_names are the texts, action_names the tokens; finished texts are terminal; gamma is 1.
    """

    def __init__(self, vocabulary, length, reward, prompts, end, reference, separator):
        num_tokens = len(vocabulary)
        self.prompts, self.vocabulary, self.length = prompts, vocabulary, length
        stop = None if end is None else vocabulary.index(end)
        texts, self.parent, self.token, finished = _tree(num_tokens, length, stop)
        self.completions = [
            separator.join(vocabulary[a] for a in text if a != stop) for text, is_end in zip(texts, finished) if is_end
        ]  # (N,) in the order of the terminal states of each prompt

        size, rows = len(texts), len(texts) * num_tokens
        paid = np.array([ask(reward, [prompt] * len(self.completions), self.completions) for prompt in prompts])
        R = np.zeros((len(prompts), size, num_tokens))
        ends = np.flatnonzero(finished)
        R[:, self.parent[ends], self.token[ends]] = paid

        children = np.arange(1, size)
        s_next = np.repeat(np.arange(size), num_tokens)  # a finished text stays as it is
        s_next[self.parent[children] * num_tokens + self.token[children]] = children
        columns = np.concatenate([s_next + i * size for i in range(len(prompts))])
        P = scipy.sparse.csr_array(
            (np.ones(len(columns)), columns, np.arange(len(columns) + 1)),
            shape=(len(prompts) * rows, len(prompts) * size),
        )
        start = np.zeros((len(prompts), size))
        start[:, 0] = 1 / len(prompts)
        super().__init__(
            P,
            R.reshape(-1, num_tokens),
            gamma=1.0,
            start=start.reshape(-1),
            terminal=np.tile(finished, len(prompts)),
            state_names=[
                separator.join(filter(None, [prompt, *(vocabulary[a] for a in text)]))
                for prompt in prompts
                for text in texts
            ],
            action_names=vocabulary,
        )
        uniform = np.full((self.num_states, num_tokens), 1 / num_tokens)
        self.reference = uniform if reference is None else np.asarray(reference(self.state_names), dtype=float)
        if self.reference.shape != uniform.shape:
            raise ValueError(f"reference gives probabilities of shape {self.reference.shape}, expected {uniform.shape}")
        wrong = np.flatnonzero(~((self.reference >= 0).all(axis=1) & (np.abs(self.reference.sum(axis=1) - 1) < 1e-5)))
        if wrong.size:
            text = self.state_names[wrong[0]]
            raise ValueError(f"reference gives {self.reference[wrong[0]]} after {text!r}, expected probabilities")

    def completion_probabilities(self, policy):
        """The probability (prompts, N) of each completion after each prompt, under a policy (S, A): a product of its own."""
        policy = check_array("policy", policy)
        if policy.shape != (self.num_states, self.num_actions):
            raise ValueError(
                f"policy has shape {policy.shape}, expected {(self.num_states, self.num_actions)}: the probabilities of "
                "all tokens in each state"
            )
        policy = policy.reshape(len(self.prompts), -1, self.num_actions)
        reached = np.ones(policy.shape[:2])
        for s in range(1, reached.shape[1]):  # a text stands after the one that it continues
            reached[:, s] = reached[:, self.parent[s]] * policy[:, self.parent[s], self.token[s]]
        return reached[:, self.terminal[: reached.shape[1]]]


def all_completions(num_tokens, length, stop=None):
    """Every completion as a tuple of token ids, shorter ones first: those that end in `stop`, and those of full length."""
    texts, _, _, finished = _tree(num_tokens, length, stop)
    return [text for text, is_end in zip(texts, finished) if is_end]


def _tree(num_tokens, length, stop):
    """All texts (tuples of token ids), shorter first; the text that each continues, by which token; which are finished."""
    check_counts(length=length)
    open_tokens = num_tokens - (stop is not None)  # those after which a text goes on
    count = sum(num_tokens * open_tokens**t for t in range(min(length, 100)))
    if count > MOST_TEXTS:
        raise ValueError(
            f"{num_tokens} tokens and length {length} make {count:,} texts: expected at most {MOST_TEXTS:,}, to enumerate"
        )
    texts, parent, token, finished = [()], [-1], [-1], [False]
    for s, text in enumerate(texts):  # grows as it is read, until only finished texts are left
        for a in range(num_tokens) if not finished[s] else ():
            texts.append((*text, a))
            parent.append(s)
            token.append(a)
            finished.append(a == stop or len(text) + 1 == length)
    return texts, np.array(parent), np.array(token), np.array(finished)
