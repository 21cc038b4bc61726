"""A language model as the reward function: which of two answers does it give to a question about a text?

The verdict is the difference of two log-probabilities of the next token, and not a sampled word: it has degrees, and no
noise. A model favours the answer that stands at a certain place of the question, so it is asked in both orders. What was
left out: answers that differ after their first token only, reasons before the answer, and a chat template.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_flag, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook.language.fitting import check_pair  # noqa: E402
from rlbook.language.rewards import by_position, check_pairs  # noqa: E402
from rlbook.language.sampling import check_room, next_logits  # noqa: E402
from rlbook.language.texts import encode  # noqa: E402


class Verdicts(NamedTuple):
    """What a judge says of N completions, in nats: odds + bias with its answer named first, odds - bias otherwise."""

    odds: np.ndarray  # (N,) log pi(first answer) - log pi(second answer), the mean of the two orders
    bias: np.ndarray  # (N,) what being named first adds to an answer


def verdicts(model, tokenizer, prompts, completions, *, question, answers, rows_at_once=256):
    """Ask the model about each completion in both orders: `Verdicts`.

    question    question(prompt, completion, first, second) -> a text, after which one of the answers is the next token
    answers     two strings that begin with different tokens: the one that is worth most, and the other
    rows_at_once    questions in one pass through the model

    Raises ValueError for answers that the next token cannot tell apart, and for questions that cannot be read.
    """
    question, answers = _check_question(model, tokenizer, question, answers)
    asked = _questions(prompts, completions, question, answers)
    named_first = answer_odds(model, tokenizer, asked, answers, rows_at_once=rows_at_once)
    asked = _questions(prompts, completions, question, answers[::-1])
    named_second = answer_odds(model, tokenizer, asked, answers, rows_at_once=rows_at_once)
    return Verdicts((named_first + named_second) / 2, (named_first - named_second) / 2)


def judge(model, tokenizer, *, question, answers, both_orders=True, rows_at_once=256):
    """A model as a reward function: reward(prompts, completions, **columns) -> list of floats, in nats.

    The arguments of `verdicts`; both_orders=False asks once, with the first answer named first, in half the time.
    """
    question, answers = _check_question(model, tokenizer, question, answers)
    both_orders = check_flag("both_orders", both_orders)

    def judged_reward(prompts, completions, **columns):
        if both_orders:
            how = dict(question=question, answers=answers, rows_at_once=rows_at_once)
            return verdicts(model, tokenizer, prompts, completions, **how).odds.tolist()
        asked = _questions(prompts, completions, question, answers)
        return answer_odds(model, tokenizer, asked, answers, rows_at_once=rows_at_once).tolist()

    return judged_reward


@torch.no_grad()
def answer_odds(model, tokenizer, questions, answers, *, rows_at_once=256):
    """log pi(answers[0]) - log pi(answers[1]) of the token after each question: an array (N,)."""
    check_pair(model, tokenizer)
    check_counts(rows_at_once=rows_at_once)
    one, other = _first_tokens(tokenizer, answers)
    tokens, there = encode(tokenizer, questions, model.device)
    check_room(model, there, 1)
    parts = zip(tokens.split(rows_at_once), there.split(rows_at_once))
    logits = torch.cat([next_logits(model, *part)[:, [one, other]].double() for part in parts])
    return (logits[:, 0] - logits[:, 1]).cpu().numpy()  # what makes them log-probabilities is the same in both


def _first_tokens(tokenizer, answers):
    """The first token of each of two answers, if they differ."""
    if isinstance(answers, str) or len(by_position("answers", answers)) != 2:
        raise ValueError(f"answers is {shown(answers)}, expected two strings, such as ('yes', 'no')")
    tokens, there = encode(tokenizer, answers, "cpu")
    rows = [row[is_there].tolist() for row, is_there in zip(tokens, there)]
    added = len(rows[0]) - len(tokenizer(answers[0], add_special_tokens=False).input_ids)  # such as a start token
    firsts = [row[added] for row in rows]
    if firsts[0] == firsts[1]:
        token = tokenizer.convert_ids_to_tokens(firsts[0])
        raise ValueError(
            f"answers {shown(answers[0])} and {shown(answers[1])} both begin with the token {token!r}, expected two that "
            "the next token tells apart"
        )
    return firsts


def _check_question(model, tokenizer, question, answers):
    check_pair(model, tokenizer)
    if not callable(question):
        raise TypeError(
            f"question is {shown(question)}, expected a function: question(prompt, completion, first, second) -> a text"
        )
    _first_tokens(tokenizer, answers)
    return question, tuple(answers)


def _questions(prompts, completions, question, named):
    """The question about each completion, with the answers named in this order."""
    return [question(prompt, completion, *named) for prompt, completion in check_pairs(prompts, completions)]
