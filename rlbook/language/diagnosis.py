"""What the records of a trainer of language models show of the usual failures, each with the step at which it set in.

A failure is looked for in the means over the last records, since a single step may look like anything. The limits are
rules of thumb, and arguments; nothing here replaces a look at some of the texts.
"""

import math
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, shown

NO_GRADIENT = 1e-8  # rounding makes less than this of a gradient that is 0


class Finding(NamedTuple):
    """A failure that was there until the end: its name, the step at which it set in, and what was seen, in words."""

    failure: str
    step: int
    seen: str


def diagnose(
    records,
    *,
    recent=5,
    most_silent=0.5,
    most_kl=20.0,
    least_entropy=0.1,
    most_unfinished=0.5,
    most_ratio=10.0,
    most_fallen=3.0,
):
    """The failures that the last records of a training show: a list of `Finding`, empty if there are none.

    records         of any trainer of `rlbook.language`, in their order, at least `recent`; a rule whose
                    field they do not have, or that is nan, says nothing
    recent          over how many records, one after another, means are taken
    most_silent     share of groups whose rewards are all equal
    most_kl         KL divergence from the reference, in nats of a completion
    least_entropy   of a token, as a share of what it was in the first records
    most_unfinished share of completions without an end
    most_ratio      of a token's probability to that when it was drawn, or its inverse
    most_fallen     how far what was chosen may become less likely, in nats of a completion, while margins grow
    Raises ValueError for too few records or another limit, TypeError for what are no records.
    """
    check_counts(recent=recent)
    limits = {"most_silent": most_silent, "least_entropy": least_entropy, "most_unfinished": most_unfinished}
    for name, limit in limits.items():
        check_number(name, limit, least=0, most=1)
    check_number("most_kl", most_kl, above=0)
    check_number("most_ratio", most_ratio, above=1)
    check_number("most_fallen", most_fallen, least=0)
    records = _checked_records(records, recent)
    fields = "zero_std kl entropy unfinished gradient_norm largest_ratio chosen_log_ratio margins".split()
    mean = {field: _means([getattr(record, field, math.nan) for record in records], recent) for field in fields}
    equal = _means([_are_equal(record) for record in records], recent) > 1 - 1e-9
    first = mean["entropy"][0]
    rules = {
        "all rewards are equal": (equal, "no completion was better than another: there is nothing to learn from"),
        "most groups are silent": (
            (mean["zero_std"] > most_silent) & ~equal,
            "in {zero_std:.0%} of the groups all rewards are equal: prompts too easy or too hard, or groups too small",
        ),
        "the KL divergence runs away": (
            mean["kl"] > most_kl,
            "{kl:.1f} nats from the reference: no leash, or too long a one; look at the texts",
        ),
        "the entropy has collapsed": (
            mean["entropy"] < least_entropy * first,
            f"{{entropy:.3f}} nats a token, of {first:.3f} at first: nearly always the same text",
        ),
        "completions are cut off": (
            mean["unfinished"] > most_unfinished,
            "{unfinished:.0%} have no end: max_new_tokens is too small, or never to end is what pays",
        ),
        "the gradient is zero": (
            mean["gradient_norm"] < NO_GRADIENT,
            "its norm is {gradient_norm:.1g}: all advantages are 0, or the loss does not depend on the model",
        ),
        "a ratio explodes": (
            mean["largest_ratio"] > most_ratio,
            "a token became {largest_ratio:.0f} times likelier, or less likely, within a step: step size, or epochs",
        ),
        "what was chosen becomes less likely": (
            (mean["chosen_log_ratio"] < -most_fallen) & (mean["margins"] > 0),
            "log pi / pi_ref of what was chosen is {chosen_log_ratio:.2f} nats, although the margins have grown: some of "
            "that has to be, but look at texts, since the probability may have gone to what stands in no pair",
        ),
    }
    last = {field: means[-1] for field, means in mean.items()}
    return [
        Finding(failure, _since(shows, records[recent - 1 :]), words.format(**last))
        for failure, (shows, words) in rules.items()
        if shows[-1]
    ]


def _means(values, recent):
    """The mean of each `recent` consecutive values, of which arrays count by their means."""
    return np.convolve([float(np.mean(value)) for value in values], np.full(recent, 1 / recent), "valid")


def _are_equal(record):
    """Whether all rewards of a record are equal, within each of its groups where it has such."""
    rewards = getattr(record, "rewards", None)
    if rewards is None:
        return False
    zero_std = getattr(record, "zero_std", math.nan)
    return bool((np.asarray(rewards) == rewards[0]).all()) if math.isnan(zero_std) else zero_std == 1


def _since(shows, records):
    """The step of the first record (N,) from which on all of them show it."""
    others = np.flatnonzero(~shows)
    return int(records[others[-1] + 1 if len(others) else 0][0])


def _checked_records(records, recent):
    records = list(records)
    for i, record in enumerate(records):
        if not (isinstance(record, tuple) and hasattr(record, "_fields") and record._fields[:1] == ("step",)):
            raise TypeError(
                f"record {i} is {shown(record)}, expected one of a trainer, with the step as its first field"
            )
    if len(records) < recent:
        raise ValueError(f"records are {len(records)}, expected at least {recent}: as many as have to agree")
    return records
