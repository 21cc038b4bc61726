"""Texts as tokens and back: special tokens stand once, and nothing that a policy says is lost."""

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram, WordLevel
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from rlbook.language.models import character_tokenizer, tiny_gpt2, word_tokenizer
from rlbook.language.rewards import exact_match
from rlbook.language.sampling import complete, greedy, sample
from rlbook.language.texts import decode, encode, encode_completions, written

torch.set_num_threads(1)
WORDS = ["<pad>", "<s>", "</s>", "<unk>", "hi", "there", "U:", "A:", "<bot>"]


def words(template, **special):
    """A tokenizer of words that puts around a text what the template says."""
    backend = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(["<pad>", "<s>", "</s>", "<bot>"])
    ids = [(token, WORDS.index(token)) for token in ("<s>", "</s>", "<bot>")]
    backend.post_processor = processors.TemplateProcessing(single=template, special_tokens=ids)
    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"} | special
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def ids(tokenizer, *prompts):
    tokens, there = encode(tokenizer, list(prompts), "cpu")
    return [row[here].tolist() for row, here in zip(tokens, there)]


# Special tokens stand once


@pytest.mark.parametrize(
    "template, text, expected",
    [
        ("$A", "hi there", [4, 5]),
        ("<s> $A", "hi there", [1, 4, 5]),
        ("<s> $A", "<s> hi", [1, 4]),
        ("<s> $A", "<s>", [1]),
        ("<s> $A", "", [1]),
        ("<s> $A", "hi <s>", [1, 4, 1]),  # in the middle it is the writer's own
        ("<s> <bot> $A", "<s> <bot> hi", [1, 8, 4]),
        ("<s> <bot> $A", "hi", [1, 8, 4]),
        ("$A </s>", "hi there", [4, 5]),
        ("$A </s>", "hi </s>", [4, 2]),  # the writer's own, too
        ("<s> $A </s>", "hi there", [1, 4, 5]),
        ("<s> $A </s>", "<s> hi", [1, 4]),
        ("<s> $A </s>", "</s>", [1, 2]),
    ],
)
def test_what_a_tokenizer_puts_around_a_text_stands_once_before_and_never_after(template, text, expected):
    assert ids(words(template), text) == [expected]
    assert ids(words(template), "there", text)[1] == expected  # beside another


def test_the_text_of_a_chat_template_is_read_as_the_template_tokenizes_it():
    tokenizer = words("<s> $A")
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %} U: {{ m['content'] }}{% endfor %}"
        "{% if add_generation_prompt %} A:{% endif %}"
    )
    chat = {"conversation": [{"role": "user", "content": "hi there"}], "add_generation_prompt": True}
    expected = tokenizer.apply_chat_template(**chat, tokenize=True, return_dict=True)["input_ids"]
    assert ids(tokenizer, tokenizer.apply_chat_template(**chat, tokenize=False)) == [expected]


def test_a_slow_tokenizer_that_closes_its_texts_is_continued_before_the_end():
    assert ids(ByT5Tokenizer(), "ab") == [[ord("a") + 3, ord("b") + 3]]


def test_a_text_without_a_token_is_refused_by_its_number():
    with pytest.raises(ValueError, match="prompt 1 is '', which has no token"):
        ids(words("$A </s>"), "hi", "")


# What is there is what the mask says


def test_shorter_prompts_are_padded_on_the_left_with_any_token_whatever():
    tokens, there = encode(word_tokenizer(["a", "b", "."], end="."), ["a . b .", "."], "cpu")
    assert tokens.tolist() == [[0, 2, 1, 2], [2, 2, 2, 2]]
    assert there.tolist() == [[True] * 4, [False, False, False, True]]


class Strings:
    """A sequence of strings that has labels, as a column of a table has after a shuffle."""

    def __init__(self, *texts):
        self.texts = texts

    def __len__(self):
        return len(self.texts)

    def __iter__(self):
        return iter(self.texts)

    def __getitem__(self, label):
        return self.texts[-1 - label]


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda texts: Strings(*texts)])
def test_prompts_are_taken_by_position(kind):
    tokenizer = word_tokenizer(["a", "b", "."], end=".")
    assert ids(tokenizer, *kind(["a", "b b"])) == encode_rows(tokenizer, kind(["a", "b b"])) == [[0], [1, 1]]


def encode_rows(tokenizer, prompts):
    tokens, there = encode(tokenizer, prompts, "cpu")
    return [row[here].tolist() for row, here in zip(tokens, there)]


class Table(Strings):
    """Strings that are the names of its columns."""

    ndim = 2


@pytest.mark.parametrize(
    "prompts",
    [
        "a",
        b"a",
        None,
        3,
        {"a": "b"},
        {"a", "b"},
        (text for text in ["a"]),
        iter(["a"]),
        np.array([["a"]]),
        np.array("a"),
        Table("a", "b"),
        [],
        np.array([]),
    ],
    ids=lambda prompts: type(prompts).__name__,
)
def test_what_is_no_list_of_strings_is_refused(prompts):
    with pytest.raises(ValueError, match=r"prompts is .*expected a list of strings, at least one") as error:
        encode(character_tokenizer("ab"), prompts, "cpu")
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("entry", [float("nan"), None, 7, b"a", ["a"]])
def test_an_entry_that_is_no_string_is_named_among_many(entry):
    with pytest.raises(ValueError, match=r"prompt 4000 of prompts is .*, expected a list of strings") as error:
        encode(character_tokenizer("ab"), ["ab"] * 4000 + [entry] + ["a" * 99] * 4000, "cpu")
    assert len(str(error.value)) < 300


# What the tokenizer does not know


def pairs():
    """Byte-pair encoding over characters: what it does not know it passes over."""
    backend = Tokenizer(BPE({"a": 0, "b": 1, "ab": 2, " ": 3}, [("a", "b")]))
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="a")


def bytewise():
    """Byte-pair encoding over bytes, which knows every character."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(BPE({byte: i for i, byte in enumerate(alphabet)}, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token=alphabet[0])


def pieces(unk_id=0):
    backend = Tokenizer(Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -1.0), (" ", -1.0)], unk_id=unk_id))
    special = {} if unk_id is None else {"unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="a", **special)


@pytest.mark.parametrize(
    "tokenizer, text, unknown",
    [
        (character_tokenizer("0123456789+="), "12 + 34 =", "' '"),
        (character_tokenizer("0123456789+="), "34-12=", "'-'"),
        (character_tokenizer("0123456789+="), "<eos>1x=", "'x'"),
        (word_tokenizer(["a", "awful", "."], end="."), "a awesome .", "'awesome'"),
        (words("<s> $A"), "hi you", "'you'"),
        (words("<s> $A", unk_token="<unk>"), "hi you", "'you'"),
        (pairs(), "ab xab", "'x'"),
        (pieces(), "a xb", "'x'"),
        (pieces(unk_id=None), "a xb", "'x'"),
    ],
)
def test_an_unknown_word_or_character_is_named_with_its_prompt(tokenizer, text, unknown):
    known = "ab" if tokenizer.backend_tokenizer.model.__class__ in (BPE, Unigram) else None
    known = known or next(token for token in tokenizer.get_vocab() if len(token) < 3)
    with pytest.raises(ValueError) as error:
        encode(tokenizer, [known, text, text], "cpu")
    message = str(error.value)
    assert message.startswith(f"prompt 1 is {text!r}, ") and f"has no token for {unknown}" in message


def test_an_unknown_token_that_stands_in_the_text_and_bytes_of_any_character_are_known():
    assert ids(words("<s> $A", unk_token="<unk>"), "hi <unk>") == [[1, 4, 3]]
    tokenizer = bytewise()
    assert tokenizer.decode(ids(tokenizer, "é 汉\n x")[0]) == "é 汉\n x"


def test_what_is_no_tokenizer_is_refused():
    tokenizer = character_tokenizer("ab")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="tokenizer is a GPT2LMHeadModel, expected a tokenizer of transformers"):
        encode(model, ["a"], "cpu")


# What a policy says


def say(tokenizer, prompt, tokens, rows=0):
    """The completion of a policy that says these tokens, of a model with so many rows more than the tokenizer has."""
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(0))
    if rows:
        model.resize_token_embeddings(len(tokenizer) + rows)
    script = iter(tokens)
    choose = lambda logp: torch.full((len(logp),), next(script))  # noqa: E731
    return complete(model, tokenizer, [prompt], choose, max_new_tokens=len(tokens)).completions[0]


def thinking():
    """Characters, with a special token to think and one to call a tool, and a plain added one."""
    tokenizer = character_tokenizer("46+=")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<think>", "<tool>"]})
    tokenizer.add_tokens([AddedToken("<answer>")])
    return tokenizer


CHARACTERS = character_tokenizer("46+=")


@pytest.mark.parametrize(
    "tokenizer, tokens, text, rows",
    [
        (CHARACTERS, [2, 0, 3, 1], "4<pad>6", 0),
        (CHARACTERS, [0, 2, 3, 1], "<pad>46", 0),
        (CHARACTERS, [2, 3, 0], "46<pad>", 0),
        (CHARACTERS, [2, 3, 1], "46", 0),
        (CHARACTERS, [1], "", 0),
        (thinking(), [6, 2, 7, 3, 8, 1], "<think>4<tool>6<answer>", 0),
        (CHARACTERS, [2, 6, 3, 1], "4<id 6>6", 3),
        (CHARACTERS, [8, 7, 2], "<id 8><id 7>4", 3),
        (word_tokenizer(["a", "b", "."], end="."), [0, 1, 0, 2], "a b a", 0),
        (words("$A", pad_token="hi"), [4, 5, 4, 2], "hi there hi", 0),  # it pads with an ordinary word
        (words("$A", pad_token="hi"), [1, 0, 4, 3], "<s> <pad> hi <unk>", 0),
    ],
)
def test_all_that_was_chosen_but_the_end_is_in_the_text(tokenizer, tokens, text, rows):
    prompt = "hi" if "hi" in tokenizer.get_vocab() else "a" if "a" in tokenizer.get_vocab() else "4+6="
    said = say(tokenizer, prompt, tokens, rows)
    assert said == text
    assert exact_match([prompt], [said], ["46"]) == [float(text == "46")]


def test_padding_after_an_end_is_not_in_the_text_and_an_end_that_pads_is_not_either():
    tokenizer = word_tokenizer(["a", "b", "."], end=".")
    script = iter([torch.tensor([0, 2]), torch.tensor([1, 1]), torch.tensor([2, 1])])
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(0))
    samples = complete(model, tokenizer, ["a", "b"], lambda logp: next(script), max_new_tokens=3)
    assert samples.completions == ["a b", ""]


def metaspace():
    """A tokenizer of SentencePiece's kind: a token holds the space before its word, and a text loses its first one."""
    vocabulary = [("<unk>", 0.0), ("▁4", -1.0), ("4", -1.0), ("▁6", -1.0), (".", -1.0), ("▁", -1.0), ("<e>", -9.0)]
    backend = Tokenizer(Unigram(vocabulary, unk_id=0))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", pad_token="<e>", eos_token="<e>")


def test_no_space_is_lost():
    tokenizer = metaspace()
    rows = [[1, 3], [2, 3], [2, 4], [5], [], [1, 5, 4], [2, 99, 1, 4]]
    assert written(tokenizer, rows) == [" 4 6", "4 6", "4.", " ", "", " 4 .", "4<id 99> 4."]
    spaced = character_tokenizer("4 .")
    spaced.clean_up_tokenization_spaces = True
    assert written(spaced, [[2, 3, 4]]) == ["4 ."]
    assert written(bytewise(), [bytewise()(" é .").input_ids]) == [" é ."]


def test_a_slow_tokenizer_writes_all_too():
    assert written(ByT5Tokenizer(), [[107, 0, 108, 500]]) == ["h<pad>i<id 500>"]


def test_only_what_is_marked_as_chosen_is_written():
    tokens, chosen = torch.tensor([[2, 0, 3], [2, 2, 3]]), torch.tensor([[True, True, False], [False, True, True]])
    assert decode(character_tokenizer("46"), tokens, chosen) == ["4<pad>", "46"]


def test_an_id_without_a_text_is_drawn_as_often_as_the_policy_says_and_seen():
    tokenizer = character_tokenizer("a")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(0))
    model.resize_token_embeddings(6)
    samples = sample(model, tokenizer, ["a"], max_new_tokens=1, rng=np.random.default_rng(0), group_size=200)
    assert {"<id 3>", "<id 4>", "<id 5>"} <= set(samples.completions)
    assert greedy(model, tokenizer, ["a"], max_new_tokens=1).completions


def test_completions_stand_beside_their_prompts_as_sample_writes_them():
    words = word_tokenizer(["good", "bad", "very", "."], ".")
    prompts, completions = ["good", "bad very good"], ["very bad", "good good good"]
    tokens, there, own = encode_completions(words, prompts, completions, 3, "cpu")
    assert tokens.tolist() == [[3, 3, 0, 2, 1, 3], [1, 2, 0, 0, 0, 0]]
    assert there.int().tolist() == [[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]
    assert own.int().tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]]  # the second was cut off: it has no end
    tokens, there, own = encode_completions(words, prompts, ["", "very bad good"], 2, "cpu")
    assert tokens[:, 3:].tolist() == [[3, 3], [2, 1]] and own[:, 3:].int().tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    "completions, message",
    [
        (["good"], "completions has 1 entries, expected 2"),
        ("good", "completions is 'good', expected a list of strings"),
        (["good", None], "completion 1 of completions is None"),
        (["good", "fine"], "completion 1 is 'fine', expected one that the tokenizer can read"),
    ],
)
def test_completions_that_cannot_be_read_are_refused(completions, message):
    words = word_tokenizer(["good", "bad", "very", "."], ".")
    with pytest.raises(ValueError, match=message):
        encode_completions(words, ["good", "bad"], completions, 3, "cpu")
