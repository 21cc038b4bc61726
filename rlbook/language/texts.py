"""Texts as tokens and back, with nothing added and nothing lost on the way.

A tokenizer's special tokens are not left to its defaults: what it puts before a text stands once, also before a text
that was written with it, such as a chat template's; what it puts after a text is left away, since the text is to be
continued; and what a policy says is written out whole, for a reward function to see.
"""

from collections.abc import Mapping, Set
from itertools import chain, groupby
from numbers import Integral

from rlbook._checks import require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from tokenizers.models import BPE, WordLevel  # noqa: E402
from transformers import PreTrainedTokenizerBase  # noqa: E402

from rlbook._torch import check_same_shape  # noqa: E402

SPACE = "▁"  # how tokenizers of SentencePiece's kind write the space before a word


def encode(tokenizer, prompts, device):
    """The prompts as token ids (B, L), padded on the left, and which of them are there (B, L) bool.

    prompts, a list of strings, or what else holds strings in an order, such as a column of a table: taken by position.
    Raises ValueError for a prompt without a token, or with a character that the tokenizer does not know: one that has
    an unknown token would put it in the character's place. TypeError for what is no tokenizer.
    """
    check_tokenizer(tokenizer)
    texts = _listed(prompts)
    if tokenizer.pad_token_id is None:
        raise ValueError(
            "the tokenizer has no padding token; expected one, such as tokenizer.pad_token = tokenizer.eos_token"
        )
    rows = _rows(tokenizer, texts)
    if not all(rows):
        i = [len(row) for row in rows].index(0)
        raise ValueError(f"prompt {i} is {shown(texts[i])}, which has no token: expected something to continue")
    width = max(map(len, rows))
    tokens = [[tokenizer.pad_token_id] * (width - len(row)) + row for row in rows]
    there = [[False] * (width - len(row)) + [True] * len(row) for row in rows]
    return torch.tensor(tokens, device=device), torch.tensor(there, device=device)


def encode_completions(tokenizer, prompts, completions, max_new_tokens, device):
    """Prompts and their completions side by side, as `sample` writes them: tokens, attention_mask and mask, (B, L) each.

    completions, texts without the prompt and without the end token, which is put behind one of fewer than
    max_new_tokens tokens. Of a longer one the first max_new_tokens stay: it was cut off, as a sample is at its limit.
    With None for max_new_tokens there is no limit.
    Raises ValueError as `encode` does, and where a text is no completion: one that is to end and has no end token.
    """
    tokens, there = encode(tokenizer, prompts, device)
    texts = _listed(completions, "completion")
    if len(texts) != len(tokens):
        raise ValueError(f"completions has {len(texts)} entries, expected {len(tokens)}: one for each prompt")
    if tokenizer.eos_token_id is None:
        raise ValueError("the tokenizer has no end token, expected one, to end a completion with")
    rows = _read(tokenizer, texts, "completion", add_special_tokens=False).input_ids
    _check_all_is_read(tokenizer, texts, rows, "completion")
    for i, row in enumerate(rows):
        if tokenizer.eos_token_id in row:
            raise ValueError(
                f"completion {i} is {shown(texts[i])}, expected it without the end token {tokenizer.eos_token!r}, which "
                "is put behind it"
            )
    rows = [[*row, tokenizer.eos_token_id][:max_new_tokens] for row in rows]
    width = max(map(len, rows))
    filled = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows], device=device)
    own = torch.tensor([[t < len(row) for t in range(width)] for row in rows], device=device)
    before = torch.zeros_like(there)
    return torch.cat([tokens, filled], 1), torch.cat([there, own], 1), torch.cat([before, own], 1)


def decode(tokenizer, tokens, chosen):
    """The texts of the chosen ones of tokens (B, T), chosen (B, T) bool: a list (B,), as `written` writes them."""
    check_same_shape("(B, T)", tokens=tokens, chosen=chosen)
    rows = zip(tokens.tolist(), chosen.tolist())  # at once: one by one is slow, above all from a GPU
    return written(tokenizer, [[token for token, is_chosen in zip(*row) if is_chosen] for row in rows])


def written(tokenizer, rows):
    """The text of each list of token ids, every one of them in it: special tokens too, and <id 12> where 12 has no text.

    No space is cleaned away, before a full stop or before the first word, where a tokenizer of Llama's kind leaves out
    the one that its token has: a completion stands after a prompt.
    """
    _check_rows(rows)
    names = _names(tokenizer, sorted(set(chain.from_iterable(rows))))
    if None in names.values():
        return ["".join(_runs(tokenizer, row, names)) for row in rows]
    texts = tokenizer.batch_decode(rows, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    if not any(name.startswith(SPACE) for name in names.values()):
        return texts
    begins = [
        row and names[row[0]].startswith(SPACE) and not text.startswith((SPACE, " ")) for row, text in zip(rows, texts)
    ]
    return [" " + text if lost else text for text, lost in zip(texts, begins)]


def _check_rows(rows):
    """Raise unless each row is a list of token ids."""
    for i, row in enumerate(rows):
        if not isinstance(row, (list, tuple)):
            raise TypeError(f"row {i} of rows is {shown(row)}, expected a list of token ids")
    for token in set(chain.from_iterable(rows)):
        if not isinstance(token, Integral) or isinstance(token, bool) or token < 0:
            i = next(i for i, row in enumerate(rows) if token in row)
            raise ValueError(f"row {i} of rows has {shown(token)}, expected token ids: whole numbers from 0")


def _runs(tokenizer, row, names):
    """The pieces of a text that tokens without a name stand between, and these."""
    for nameless, run in groupby(row, lambda i: names[i] is None):
        ids = list(run)
        yield "".join(f"<id {i}>" for i in ids) if nameless else written(tokenizer, [ids])[0]


def _names(tokenizer, ids):
    """{id: its token}; None where the tokenizer has none, as a model can have more rows than its tokenizer has tokens."""
    known = ids if tokenizer.is_fast else [i for i in ids if i < len(tokenizer)]  # a slow one may fail or make one up
    return dict.fromkeys(ids) | dict(zip(known, tokenizer.convert_ids_to_tokens(known)))


def check_tokenizer(tokenizer):
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise TypeError(f"tokenizer is a {type(tokenizer).__name__}, expected a tokenizer of transformers")


def _listed(prompts, what="prompt"):
    """The prompts, or whatever they are called, as a list, if they are strings in an order."""
    unordered = isinstance(prompts, (str, bytes, Mapping, Set)) or not hasattr(prompts, "__len__")
    if unordered or getattr(prompts, "ndim", 1) != 1 or not len(prompts):
        raise ValueError(f"{what}s is {shown(prompts)}, expected a list of strings, at least one")
    texts = list(prompts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{what} {i} of {what}s is {shown(text)}, expected a list of strings")
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(f"{what} {i} is {shown(text)}, expected characters: half of a surrogate pair is none")
    return texts


def _rows(tokenizer, texts):
    """The token ids of each text, after what the tokenizer puts before a text that does not begin with it already."""
    adds = tokenizer.num_special_tokens_to_add() > 0
    batch = _read(tokenizer, texts, "prompt", return_special_tokens_mask=adds)
    if not adds:
        _check_all_is_read(tokenizer, texts, batch.input_ids)
        return batch.input_ids
    around = list(zip(batch.input_ids, batch.special_tokens_mask))
    own = [[token for token, is_added in zip(*pair) if not is_added] for pair in around]
    _check_all_is_read(tokenizer, texts, own)
    rows = []
    for text, (row, added) in zip(own, around):
        before = row[: added.index(0)] if text else [token for token in row[:1] if token == tokenizer.bos_token_id]
        rows.append(text if before and text[:1] == before[:1] else [*before, *text])
    return rows


def _read(tokenizer, texts, what, **how):
    """What the tokenizer makes of the texts; a ValueError names the first one for which it has no token."""
    try:
        return tokenizer(texts, return_attention_mask=False, **how)
    except Exception as error:  # the tokenizers library raises no narrower class
        for i, text in enumerate(texts):
            if piece := _unknown_piece(tokenizer, text):
                raise ValueError(_unread(i, text, piece, what)) from error
        raise


def _check_all_is_read(tokenizer, texts, rows, what="prompt"):
    """Raise ValueError where a tokenizer puts its unknown token in a character's place, or passes over a character."""
    token = tokenizer.unk_token
    if token is None and tokenizer.is_fast:
        token = getattr(tokenizer.backend_tokenizer.model, "unk_token", None)
    unknown = None if token is None else tokenizer.convert_tokens_to_ids(token)
    if unknown is not None:
        for i, (text, row) in enumerate(zip(texts, rows)):
            if row.count(unknown) > text.count(token):
                raise ValueError(
                    _unread(i, text, _unknown_piece(tokenizer, text), what)
                    + f". The model would read {token!r} instead"
                )
    elif tokenizer.is_fast and _passes_over(tokenizer.backend_tokenizer):
        batch = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        for i, (text, spans) in enumerate(zip(texts, batch.offset_mapping)):
            read = set(chain.from_iterable(range(*span) for span in spans))
            left = next((text[t] for t in range(len(text)) if t not in read and not text[t].isspace()), None)
            if left is not None:
                raise ValueError(_unread(i, text, left, what) + ". The model would not see it")


def _passes_over(backend):
    """Whether this tokenizer may leave out what it does not know: byte-pair encoding does so without a word."""
    return isinstance(backend.model, BPE) and backend.normalizer is None  # a normalizer leaves out what it means to


def _unknown_piece(tokenizer, text):
    """The first word or character of a text that is no token by itself, None if all are."""
    for token in tokenizer.all_special_tokens:
        text = text.replace(token, "")
    pieces, vocabulary = text, tokenizer.get_vocab()
    if tokenizer.is_fast and isinstance(tokenizer.backend_tokenizer.model, WordLevel):
        cut = tokenizer.backend_tokenizer.pre_tokenizer
        pieces = [piece for piece, _ in cut.pre_tokenize_str(text)] if cut else [text]
    return next((piece for piece in pieces if piece not in vocabulary), None)


def _unread(i, text, piece, what="prompt"):
    found = "something" if piece is None else shown(piece)
    return f"{what} {i} is {shown(text)}, expected one that the tokenizer can read: it has no token for {found}"
