"""Keys and values that stay where they are, and one step of a model over them: what captured steps have in common."""

from rlbook._checks import require

require("transformers", extra="language")

from transformers.cache_utils import Cache, CacheLayerMixin  # noqa: E402


class FixedLayer(CacheLayerMixin):
    """A layer of a cache that has all of its columns from the start: those of the prompts (P), then of steps to come.

    What it holds, and how an update writes into it, is said by those who inherit from it.
    """

    is_compileable = True  # so that transformers makes a mask where a growing cache could do without

    def __init__(self, num_columns, steps):
        super().__init__()
        self.is_initialized, self.num_columns, self.steps = True, num_columns, steps

    def lazy_initialization(self, key_states, value_states):
        """Nothing is left to do."""

    def get_mask_sizes(self, query_length):
        return self.get_max_length(), 0

    def get_seq_length(self):
        return self.num_columns

    def get_max_length(self):
        return self.num_columns + self.steps


def one_step(model, layers, tokens, positions, masks):
    """The logits (B, V) after one more token (B, 1) in each row, which also goes into the layers.

    positions (B, 1); masks {kind of layer, None where all are of one: mask}, as the model's attention reads them.
    """
    return model(
        input_ids=tokens,
        attention_mask=masks.get(None, masks),
        position_ids=positions,
        cache=Cache(layers=layers),
        use_cache=True,
        logits_to_keep=1,
    ).logits[:, -1]
