"""Reward functions of one library in the other: those of trl 1.16 here, ours there, with and without None and weights."""

import numpy as np
import pytest
import torch

from rlbook.language.exact import enumerate_language, language_rewards
from rlbook.language.grpo import grpo
from rlbook.language.marks import allowing_silence, freed_of_flips
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement, ask, exact_match, verified, weighted

trl = pytest.importorskip("trl")
datasets = pytest.importorskip("datasets")

from trl.rewards import get_repetition_penalty_reward, get_soft_overlong_punishment  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default::FutureWarning")  # trl asks transformers for names on their way out
torch.set_num_threads(1)
COLUMNS = {"answer": ["good", "bad", "not very good"]}


def toy():
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    return tiny_gpt2(tokenizer, rng=np.random.default_rng(0), layers=1, width=8), tokenizer


def told_by_trl(rewards, tmp_path, **settings):
    """What trl's GRPO was told in one step: (prompts, completions, completion_ids, columns), and what it logged."""
    seen = []

    def watch(prompts, completions, completion_ids, answer, **more):
        seen.append((prompts, completions, completion_ids, {"answer": answer}))
        return [0.0] * len(completions)

    model, tokenizer = toy()
    config = trl.GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=12,
        num_generations=4,
        max_completion_length=TOY_LENGTH,
        top_k=0,
        learning_rate=0.0,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        report_to="none",
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        **settings,
    )
    data = datasets.Dataset.from_dict({"prompt": list(TOY_PROMPTS), **COLUMNS})
    trainer = trl.GRPOTrainer(
        model=model, processing_class=tokenizer, reward_funcs=[watch, *rewards], args=config, train_dataset=data
    )
    trainer.train()
    return *seen[0], trainer.state.log_history[0]


def right(prompts, completions, answer, **columns):
    """Whether a completion is its answer; of one that begins with "not" it says nothing."""
    return [None if c.startswith("not") else float(c == a) for c, a in zip(completions, answer)]


OURS = {
    "agreement": agreement,
    "exact_match": verified(lambda completion, answer: float(completion == answer)),
    "with None": right,
    "free of flips": freed_of_flips(exact_match, false_positive=0.1, false_negative=0.2),
    "silence": allowing_silence(exact_match, wrong=2.0),
    "several": weighted([agreement, right, get_repetition_penalty_reward(ngram_size=1)], [1.0, 2.0, 0.5]),
}


@pytest.mark.parametrize("name", OURS)
def test_our_rewards_say_the_same_in_trl(name, tmp_path):
    *asked, logged = told_by_trl([OURS[name]], tmp_path, reward_weights=[0.0, 1.0])
    prompts, completions, ids, columns = asked
    rewards = ask(OURS[name], prompts, completions, columns, {"completion_ids": ids}, none_allowed=True)
    label = OURS[name].__name__
    assert logged[f"rewards/{label}/mean"] == pytest.approx(np.nanmean(rewards), abs=1e-6)


def test_several_of_ours_are_what_trl_makes_of_them_apart(tmp_path):
    parts, weights = [agreement, right], [0.5, 2.0]
    prompts, completions, _, columns, logged = told_by_trl(parts, tmp_path, reward_weights=[0.0, *weights])
    together = ask(weighted(parts, weights), prompts, completions, columns, none_allowed=True)
    assert logged["reward"] == pytest.approx(np.nanmean(together), abs=1e-6)


THEIRS = {
    "get_soft_overlong_punishment": get_soft_overlong_punishment(max_completion_len=4, soft_punish_cache=2),
    "get_repetition_penalty_reward": get_repetition_penalty_reward(ngram_size=1),
}


@pytest.mark.parametrize("name", THEIRS)
def test_their_rewards_run_here(name):
    model, tokenizer = toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    settings = {"steps": 1, "max_new_tokens": TOY_LENGTH, "rng": np.random.default_rng(1), "prompts_per_step": 3}
    record = next(grpo(model, tokenizer, TOY_PROMPTS, THEIRS[name], optimizer, **settings))
    assert record.rewards.min() < 0 == record.rewards.max()
    language = enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    paid = dict(zip(language.completions, language_rewards(THEIRS[name], language)[0].tolist()))
    assert record.rewards.tolist() == pytest.approx([paid[completion] for completion in record.completions])


def test_a_reward_that_needs_what_only_trl_has_is_refused_by_name():
    def scheduled(completions, trainer_state, **columns):
        return [trainer_state.global_step] * len(completions)

    with pytest.raises(TypeError, match=r"reward function scheduled.*trainer_state"):
        ask(scheduled, ["x"], ["y"])
