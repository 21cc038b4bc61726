"""A language model as judge: what its odds are, the bias of places, and what is refused."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from rlbook.language.judge import Verdicts, answer_odds, judge, verdicts
from rlbook.language.models import character_tokenizer, load, tiny_gpt2, word_tokenizer
from rlbook.language.sampling import token_logprobs
from rlbook.language.stories import MOST_TOKENS, mood, openings
from rlbook.language.stories import question as story_question
from rlbook.language.texts import encode

torch.set_num_threads(1)
WORDS = ("is", "it", "yes", "or", "no", "?", "good", "bad", "<end>")
TOKENIZER = word_tokenizer(WORDS, end="<end>")
ANSWERS = ("yes", "no")


def question(prompt, completion, first, second):
    return f"is {prompt} {completion} {first} or {second} ?"


@pytest.fixture(scope="module")
def model():
    return tiny_gpt2(TOKENIZER, layers=1, width=32, rng=np.random.default_rng(0))


def test_the_odds_are_the_difference_of_two_log_probabilities(model):
    questions = ["is it good yes or no ?", "bad"]
    found = answer_odds(model, TOKENIZER, questions, ANSWERS)
    for asked, odds in zip(questions, found):
        logps = []
        for answer in ANSWERS:
            tokens, _ = encode(TOKENIZER, [f"{asked} {answer}"], "cpu")
            mask = torch.zeros_like(tokens, dtype=torch.bool)
            mask[0, -1] = True
            logps.append(token_logprobs(model, tokens, mask).sum().item())
        assert odds == pytest.approx(logps[0] - logps[1], abs=1e-5)


def test_the_odds_are_a_reward_head_whose_weight_is_the_difference_of_two_rows(model):
    tokens, _ = encode(TOKENIZER, ["is it good yes or no ?"], "cpu")
    hidden = model.transformer(tokens).last_hidden_state[0, -1]
    yes, no = TOKENIZER.convert_tokens_to_ids(list(ANSWERS))
    head = model.lm_head.weight[yes] - model.lm_head.weight[no]
    found = answer_odds(model, TOKENIZER, ["is it good yes or no ?"], ANSWERS)[0]
    assert found == pytest.approx((head @ hidden).item(), abs=1e-5)


def test_both_orders_are_odds_plus_and_minus_bias(model):
    prompts, completions = ["it", "good"], ["bad", "it"]
    found = verdicts(model, TOKENIZER, prompts, completions, question=question, answers=ANSWERS)
    forward = answer_odds(
        model, TOKENIZER, [question(*pair, "yes", "no") for pair in zip(prompts, completions)], ANSWERS
    )
    backward = answer_odds(
        model, TOKENIZER, [question(*pair, "no", "yes") for pair in zip(prompts, completions)], ANSWERS
    )
    assert isinstance(found, Verdicts)
    assert found.odds + found.bias == pytest.approx(forward) and found.odds - found.bias == pytest.approx(backward)


def test_answers_the_other_way_round_turn_the_odds_round_and_leave_the_bias(model):
    asked = (["it", "good"], ["bad", "it"])
    one = verdicts(model, TOKENIZER, *asked, question=question, answers=ANSWERS)
    other = verdicts(model, TOKENIZER, *asked, question=question, answers=ANSWERS[::-1])
    assert other.odds == pytest.approx(-one.odds) and other.bias == pytest.approx(one.bias)


def test_a_bias_for_the_first_place_leaves_the_mean_of_both_orders_as_it_was(model, monkeypatch):
    plain = verdicts(model, TOKENIZER, ["it"], ["bad"], question=question, answers=ANSWERS)
    from rlbook.language import judge as module

    yes, no = TOKENIZER.convert_tokens_to_ids(list(ANSWERS))
    true_logits = module.next_logits

    def biased(model, tokens, there):
        logits = true_logits(model, tokens, there).clone()
        for row, text in enumerate(tokens.tolist()):
            logits[row, min([yes, no], key=text.index)] += 1.7
        return logits

    monkeypatch.setattr(module, "next_logits", biased)
    found = verdicts(model, TOKENIZER, ["it"], ["bad"], question=question, answers=ANSWERS)
    assert found.odds == pytest.approx(plain.odds, abs=1e-5) and found.bias == pytest.approx(plain.bias + 1.7, abs=1e-5)


def test_a_judge_is_a_reward_function(model):
    asked = (["it"] * 5, ["bad", "good", "it", "is it", "or"])
    expected = verdicts(model, TOKENIZER, *asked, question=question, answers=ANSWERS)
    reward = judge(model, TOKENIZER, question=question, answers=ANSWERS, rows_at_once=2)
    found = reward(prompts=asked[0], completions=asked[1], answer=[1] * 5)
    assert isinstance(found, list) and found == pytest.approx(expected.odds.tolist(), abs=1e-5)
    once = judge(model, TOKENIZER, question=question, answers=ANSWERS, both_orders=False)(*asked)
    assert once == pytest.approx((expected.odds + expected.bias).tolist(), abs=1e-5)


def test_a_start_token_of_the_tokenizer_is_no_answer():
    backend = Tokenizer(WordLevel({word: i for i, word in enumerate(("<s>", *WORDS))}))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    starting = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="<end>", pad_token="<end>")
    model = tiny_gpt2(starting, layers=1, width=16, rng=np.random.default_rng(0))
    logits = model(starting(["is it"], return_tensors="pt").input_ids).logits[0, -1]
    yes, no = starting.convert_tokens_to_ids(list(ANSWERS))
    assert answer_odds(model, starting, ["is it"], ANSWERS)[0] == pytest.approx(
        (logits[yes] - logits[no]).item(), abs=1e-5
    )


def test_the_shipped_model_judges_stories_by_the_mean_of_both_orders():
    teller, words = load("stories", device="cpu")
    prompts = openings(held_out=True)[:2]
    sad = "one cold day it went to the lake . it lost a red ball . it was sad . in the end tom wept ."
    merry = "one cold day it went to the lake . it found a red ball . it was merry . in the end tom sang ."
    assert mood(sad) < mood(merry) and len(sad.split()) < MOST_TOKENS

    def fits(prompt, completion, first, second):
        return story_question(f"{prompt} {completion}", first, second)

    found = verdicts(teller, words, prompts, [sad, merry], question=fits, answers=("happy", "sad"))
    assert found.odds[0] < 0 < found.odds[1] and (found.bias > 0.5).all()


DIGITS = character_tokenizer("0123456789+=")
GOOD = dict(question=question, answers=ANSWERS)
BAD = [
    (dict(answers=("yes", "yes no")), ValueError, "both begin with the token 'yes', expected two that the next token"),
    (dict(answers=("yes", "yes")), ValueError, "both begin with the token 'yes'"),
    (dict(answers="yes"), ValueError, "answers is 'yes', expected two strings"),
    (dict(answers=("yes", "no", "or")), ValueError, "answers is .*, expected two strings"),
    (dict(answers=("yes", "perhaps")), ValueError, "no token for 'perhaps'"),
    (dict(answers=("yes", "")), ValueError, "which has no token"),
    (dict(question="is it {}?"), TypeError, "question is 'is it {}.', expected a function"),
    (dict(rows_at_once=0), ValueError, "rows_at_once is 0"),
    (dict(completions=["good", "bad"]), ValueError, "prompts has 1 entries, expected 2"),
    (dict(question=lambda *parts: None), ValueError, "prompt 0 .* is None, expected a list of strings"),
    (dict(question=lambda *parts: "is " * 40), ValueError, "the model's context holds 32"),
]


@pytest.mark.parametrize("changed, error, message", BAD, ids=range(len(BAD)))
def test_what_cannot_be_judged_is_refused(model, changed, error, message):
    given = dict(prompts=["it"], completions=["bad"]) | GOOD | changed
    with pytest.raises(error, match=message) as caught:
        verdicts(model, TOKENIZER, **given)
    assert len(str(caught.value)) < 500


def test_a_judge_is_refused_before_it_is_asked(model):
    with pytest.raises(ValueError, match="both begin with"):
        judge(model, TOKENIZER, question=question, answers=("yes", "yes no"))
    with pytest.raises(TypeError, match="expected a model and a tokenizer"):
        judge(TOKENIZER, model, question=question, answers=ANSWERS)
    with pytest.raises(ValueError, match="both_orders is 'no', expected True or False"):
        judge(model, TOKENIZER, question=question, answers=ANSWERS, both_orders="no")
    with pytest.raises(ValueError, match="no token for"):
        judge(tiny_gpt2(DIGITS, rng=np.random.default_rng(0)), DIGITS, question=question, answers=ANSWERS)
