"""Loading a model, shipped or not; the shipped ones are what their training said they are."""

import math
import re

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from transformers import AutoModelForCausalLM, AutoTokenizer

import models
from rlbook.language.arithmetic import sums
from rlbook.language.models import SHIPPED, character_tokenizer, load, shipped_models, tiny_gpt2, word_tokenizer
from rlbook.language.rewards import exact_match, is_number
from rlbook.language.sampling import greedy, next_logits, sample, token_logprobs
from rlbook.language.stories import (
    GOOD,
    MOST_TOKENS,
    draw_story,
    grammatical,
    openings,
    positive,
    question,
    read_story,
)
from rlbook.language.texts import encode

torch.set_num_threads(1)

# Log-probabilities of the tokens of "12+34=46<eos>" and so on, as they were when the model was trained. They guard the
# files: after `make models` has written new ones, they are to be replaced.
LOGPROBS = {
    ("12+34=", "46"): [-0.3885, -0.2776, -0.0509],
    ("7+8=", "15"): [-0.3402, -0.3352, -0.0179],
    ("99+99=", "198"): [-0.2249, -0.5886, -0.1553, -0.0234],
    ("50+5=", "55"): [-0.3834, -0.2527, -0.0351],
}


@pytest.fixture(scope="module")
def arithmetic():
    return load("arithmetic", device="cpu")


@pytest.fixture(scope="module")
def stories():
    return load("stories", device="cpu")


@pytest.fixture
def no_hub(monkeypatch):
    """A hub whose address leads nowhere."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


# the shipped model


def test_the_shipped_model_gives_the_log_probabilities_it_was_trained_to(arithmetic):
    model, tokenizer = arithmetic
    for (prompt, answer), expected in LOGPROBS.items():
        tokens = tokenizer([prompt + answer + tokenizer.eos_token], return_tensors="pt").input_ids
        mask = torch.arange(tokens.shape[1])[None] >= len(prompt)
        assert token_logprobs(model, tokens, mask)[mask].tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", shipped_models())
def test_each_shipped_model_is_small_and_has_a_card(name):
    folder = SHIPPED / name
    assert {file.name for file in folder.iterdir()} >= {
        *("config.json", "tokenizer.json", "model.safetensors", "README.md")
    }
    assert sum(file.stat().st_size for file in folder.iterdir()) < 4e6
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == ["Data", "Training", "Accuracy", "Known faults", "Licence"]


def test_plain_transformers_loads_the_shipped_files(arithmetic):
    folder = SHIPPED / "arithmetic"
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.dtype == torch.float32
    ours, our_tokenizer = arithmetic
    tokens = tokenizer(["12+34="], return_tensors="pt").input_ids
    assert torch.equal(tokens, our_tokenizer(["12+34="], return_tensors="pt").input_ids)
    assert torch.equal(model(tokens).logits, ours(tokens).logits)


def test_the_shipped_model_is_often_wrong_where_it_samples_and_seldom_where_it_is_greedy(arithmetic):
    prompts, answers = sums(held_out=True)
    completions = sample(*arithmetic, prompts, max_new_tokens=5, rng=np.random.default_rng(0)).completions
    sampled = np.mean(exact_match(prompts, completions, answers))
    assert 0.3 < sampled < 0.6
    assert sampled + 0.1 < np.mean(is_number(prompts, completions)) < 0.95
    likeliest = greedy(*arithmetic, prompts, max_new_tokens=5).completions
    assert np.mean(exact_match(prompts, likeliest, answers)) > sampled + 0.2


def test_stories_are_grammatical_as_a_rule_and_less_often_positive_than_not(stories):
    prompts = openings(held_out=True) * 5
    completions = sample(*stories, prompts, max_new_tokens=MOST_TOKENS, rng=np.random.default_rng(0)).completions
    assert 0.3 < np.mean(positive(prompts, completions)) < 0.55
    assert np.mean(grammatical(prompts, completions)) > 0.8
    assert len(set(completions)) > 0.95 * len(prompts)


def test_a_judge_takes_the_word_that_was_named_first_and_both_orders_together_are_right(stories):
    model, tokenizer = stories
    rng = np.random.default_rng(0)
    told = [draw_story(rng) for _ in range(200)]
    good = np.array([read_story(text).feelings[-1] in GOOD for text in told])
    happy, sad = tokenizer.convert_tokens_to_ids(["happy", "sad"])
    leanings = []
    for words in [("happy", "sad"), ("sad", "happy")]:
        tokens, there = encode(tokenizer, [question(text, *words) for text in told], model.device)
        with torch.no_grad():
            logp = next_logits(model, tokens, there).log_softmax(1)
        assert logp[:, [happy, sad]].exp().sum(1).min() > 0.95
        leanings.append((logp[:, happy] - logp[:, sad]).numpy())
    assert leanings[0].mean() > 0.3 and leanings[1].mean() < -0.3
    assert ((sum(leanings) > 0) == good).mean() > 0.97


# what it learned from


def test_the_sums_are_right_and_all_there():
    together = [[*learned, *held] for learned, held in zip(sums(held_out=False), sums(held_out=True))]
    assert len(set(together[0])) == len(together[0]) == 100 * 100
    for prompt, answer in zip(*together):
        a, b = prompt.removesuffix("=").split("+")
        assert int(a) + int(b) == int(answer)


def test_a_held_out_sum_does_not_occur_in_training_in_either_order():
    learned, held_out = (
        {tuple(sorted(map(int, prompt.removesuffix("=").split("+")))) for prompt in sums(held_out=held_out)[0]}
        for held_out in (False, True)
    )
    assert not learned & held_out
    assert len(held_out) / len(learned | held_out) == pytest.approx(1 / 5, abs=0.01)


def test_every_answer_and_every_pair_of_last_digits_occurs_in_training():
    prompts, answers = sums(held_out=False)
    assert set(answers) == {str(n) for n in range(199)}
    assert len({(a[-1], b[-1]) for a, b in (prompt.removesuffix("=").split("+") for prompt in prompts)}) == 100


@pytest.mark.parametrize("answer", ["0", "46", "198"])
def test_answers_are_spoilt_as_often_as_the_script_says(answer):
    rng = np.random.default_rng(0)
    spoilt = [models.spoil(answer, rng) for _ in range(4000)]
    error = 4 * math.sqrt(0.25 / 4000)  # four standard errors, at most
    assert np.mean([text == answer for text in spoilt]) == pytest.approx(1 - models.WRONG - models.MALFORMED, abs=error)
    assert np.mean(is_number([answer] * 4000, spoilt)) == pytest.approx(1 - models.MALFORMED, abs=error)


def test_training_begins_the_same_from_the_same_seed(monkeypatch):
    few = [column[::200] for column in sums(held_out=False)]
    monkeypatch.setattr(models, "sums", lambda held_out: few)
    first, again = (models.train_arithmetic(np.random.default_rng(1))[0] for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters()))
    monkeypatch.setattr(models, "STORY_BATCHES", 3)
    first, again = (models.train_stories(np.random.default_rng(1))[0] for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters()))


def test_questions_are_asked_and_answered_as_often_as_the_script_says():
    rng = np.random.default_rng(0)
    told = [draw_story(rng) for _ in range(6000)]
    texts = [models.asked(story, rng) for story in told]
    questions = [(story, text.split()) for story, text in zip(told, texts) if text != story]
    assert all(
        text == story or text.startswith(question(story, *text.split()[2:5:2])) for story, text in zip(told, texts)
    )
    ends_well = [story.split()[-2] in GOOD for story, _ in questions]
    right = np.mean([(words[-1] == "happy") == good for (_, words), good in zip(questions, ends_well)])
    first = np.mean([words[-1] == words[2] for _, words in questions])
    assert len(questions) / 6000 == pytest.approx(models.ASKED, abs=4 * 0.5 / math.sqrt(6000))
    error = 4 * 0.5 / math.sqrt(len(questions))
    honest = 1 - models.WRONG_ANSWER - models.FIRST_ANSWER
    assert right == pytest.approx(honest + models.FIRST_ANSWER / 2, abs=error)
    assert first == pytest.approx(1 / 2 + models.FIRST_ANSWER / 2, abs=error)


# loading


def test_a_model_is_float32_in_eval_mode_and_its_tokenizer_pads_on_the_left(arithmetic):
    model, tokenizer = arithmetic
    assert model.dtype == torch.float32
    assert not model.training
    assert tokenizer.padding_side == "left"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert {"arithmetic", "stories"} <= set(shipped_models())


def test_dtype_and_device_are_what_was_asked_for():
    model, _ = load("arithmetic", device="cpu", dtype=torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    model, _ = load("arithmetic", device=torch.device("meta"))
    assert model.device == torch.device("meta")


def test_a_checkpoint_in_half_precision_is_loaded_in_float32(tmp_path):
    model, tokenizer = load("arithmetic", device="cpu", dtype=torch.bfloat16)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert load(tmp_path, device="cpu")[0].dtype == torch.float32


def test_a_tokenizer_without_padding_pads_with_its_end(tmp_path):
    tokenizer = character_tokenizer("ab", end="<end>")
    tiny_gpt2(tokenizer, rng=np.random.default_rng(0)).save_pretrained(tmp_path)
    tokenizer.pad_token = None
    tokenizer.padding_side = "right"
    tokenizer.save_pretrained(tmp_path)
    _, loaded = load(str(tmp_path), device="cpu")
    assert loaded.pad_token == loaded.eos_token == "<end>"
    assert loaded.padding_side == "left"


@pytest.mark.parametrize("name", ["arithmetics", "someone/some-model", "no/such/folder"])
def test_an_unknown_model_is_one_sentence_that_lists_the_shipped_ones(name, no_hub):
    with pytest.raises(OSError) as error:
        load(name)
    message = str(error.value)
    assert message.startswith(f"no model '{name}': expected a shipped one ({', '.join(shipped_models())}), a folder")
    assert "\n" not in message and ". " not in message


def test_a_folder_without_a_model_is_no_model(tmp_path, no_hub):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(OSError, match=r"no model .*: expected a shipped one \(arithmetic, "):
        load(tmp_path)


# building


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: word_tokenizer([], "."), "words is \\(\\), expected different tokens, at least one"),
        (lambda: word_tokenizer(None, "."), "words is None"),
        (lambda: word_tokenizer(["a", "a", "."], "."), "words is .*expected different tokens"),
        (lambda: word_tokenizer(["a", "b"], "."), "words is .*the end '.' among them"),
        (lambda: word_tokenizer(["a b", "."], "."), "words is .*expected words without spaces"),
        (lambda: word_tokenizer(["a", "", "."], "."), r"words\[1\] is ''"),
        (lambda: word_tokenizer(["a", 3, "."], "."), r"words\[1\] is 3, expected a string"),
        (lambda: character_tokenizer(""), "characters is .*at least one"),
        (lambda: character_tokenizer("aa"), "characters is .*expected different"),
        (lambda: character_tokenizer(["ab", "c"]), "characters has 'ab', expected single characters"),
        (lambda: character_tokenizer(12), "characters is 12"),
        (lambda: character_tokenizer("ab", end="<pad>"), "pad, end and characters is .*expected different"),
        (lambda: character_tokenizer("ab", end="a"), "pad, end and characters is .*expected different"),
        (lambda: character_tokenizer("ab", pad=""), r"pad, end and characters\[0\] is ''"),
        (lambda: tiny(context=0), "context is 0"),
        (lambda: tiny(context="32"), "context is '32'"),
        (lambda: tiny(width=63), "width is 63, expected a multiple of heads, 2"),
        (lambda: tiny(width=10.0), "width is 10.0"),
        (lambda: tiny(heads=0), "heads is 0"),
        (lambda: tiny(heads=True), "heads is True"),
        (lambda: tiny(layers=0), "layers is 0"),
        (lambda: load("arithmetic", dtype="float32"), "dtype is 'float32', expected one of real numbers"),
        (lambda: load("arithmetic", dtype=torch.int8), "dtype is torch.int8"),
    ],
)
def test_what_cannot_be_built_is_refused_by_the_name_of_the_argument(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def tiny(**sizes):
    return tiny_gpt2(character_tokenizer("ab"), rng=np.random.default_rng(0), **sizes)


def test_what_is_of_another_type_is_refused_by_the_name_of_the_argument():
    with pytest.raises(TypeError, match="tokenizer is a str"):
        tiny_gpt2("ab", rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng is 0"):
        tiny_gpt2(character_tokenizer("ab"), rng=0)
    for name in (3, None, b"arithmetic"):
        with pytest.raises(TypeError, match=r"name is .*, expected a model's name"):
            load(name)
    assert tiny(width=np.int64(16), heads=np.int32(4), context=np.int64(8)).config.n_embd == 16
