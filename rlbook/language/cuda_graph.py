"""A decoding step as a CUDA graph: all kernels of a step launched by one call, over memory that stays where it is.

On a GPU a decoding step takes as long as Python needs to launch a thousand small kernels, whatever these compute. Here
they are captured once for a shape, while the model itself makes a step, and launched again together for the next ones.
Tokens, the number of the step, masks, keys and values lie in memory of the graph's own, into which each batch is
written; the weights are read where they lie, so that an optimizer's step is seen.
"""

from functools import partial

from rlbook._checks import require

torch = require("torch", extra="language")
require("transformers", extra="language")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from rlbook.language.fixed_cache import FixedLayer, one_step  # noqa: E402

SHARE = 0.25  # of the memory of a card, the most that keys and values of graphs may take


class StaticStep:
    """One decoding step of a shape, with memory of its own: `begin` a batch, then call with tokens and their step.

    Prompts have at most `width` columns of it, after which there are `steps` for the tokens to come. Under autocast to
    `dtype` keys and values are kept in it, as attention casts them; otherwise, with None, as the model made them.
    """

    def __init__(self, model, cache, num_rows, width, steps, dtype):
        self.width, self.dtype = width, dtype
        self.layers = [StaticLayer(layer, num_rows, width, steps, dtype) for layer in cache.layers]
        self.tokens, self.lengths = torch.zeros(2, num_rows, 1, dtype=torch.long, device=model.device)
        self.step = torch.zeros(1, dtype=torch.long, device=model.device)
        self.masks = {}  # {kind of layer: what is added to scores (T, G, 1, 1, L)}
        self.graph = None
        self.user = None  # a weak reference to whom it serves

    @property
    def num_bytes(self):
        """Of its keys and values."""
        return sum(rows.nbytes for layer in self.layers for rows in layer.own)

    def begin(self, prompts, masks):
        """Let the rows go on from prompts (G, P) bool whose keys the layers hold; masks {kind: (T, G, 1, 1, L)}."""
        self.lengths.copy_(prompts.sum(1).repeat_interleave(len(self.lengths) // len(prompts))[:, None])
        for kind, mask in masks.items():
            if kind not in self.masks:
                self.masks[kind] = torch.empty_like(mask, dtype=self.layers[0].own[0].dtype)
            self.masks[kind].copy_(mask)

    def capture(self, model, beside=()):
        """Make the graph, of one step of the model; the memory for what is made on the way is shared with those beside it.

        What it writes into the column of the step is written again by the first call. Raises NotImplementedError for a
        model of which a graph would not do the same again.
        """
        compute = partial(self._logits, model)
        with Repeatable():
            compute()
        pool = next((other.graph.pool() for other in beside), None)
        self.graph, self.logits = graph_of(compute, self.tokens.device, pool)

    def __call__(self, tokens, step):
        """The logits (B, V) after tokens (B, 1), number `step` of the completions from 0; the next call overwrites them."""
        self.tokens.copy_(tokens)
        self.step.fill_(step)
        self.graph.replay()
        return self.logits

    def _logits(self, model):
        for layer in self.layers:
            layer.column = self.width + self.step
        masks = {kind: self._for_rows(mask.index_select(0, self.step)[0]) for kind, mask in self.masks.items()}
        device, dtype = self.tokens.device.type, self.dtype
        with torch.autocast(device, dtype, enabled=dtype is not None, cache_enabled=False):  # weights are cast anew
            return one_step(model, self.layers, self.tokens, self.lengths + self.step, masks)

    def _for_rows(self, mask):
        """The mask (B, 1, 1, L) of all rows, given that of each group (G, 1, 1, L)."""
        return mask.repeat_interleave(len(self.tokens) // len(mask), 0, output_size=len(self.tokens))


class StaticLayer(FixedLayer):
    """Keys and values (B, H, L, D) of one layer; an update writes them into the column (1,) that a tensor says."""

    def __init__(self, layer, num_rows, width, steps, dtype):
        super().__init__(width, steps)
        self.own = [
            rows.new_zeros(num_rows, rows.shape[1], width + steps, rows.shape[3], dtype=dtype or rows.dtype)
            for rows in (layer.keys, layer.values)
        ]

    def begin(self, layer, num_columns):
        """Hold the prompts of `layer` (G, H, P, D), each for the rows of its group; of a window only the last P columns."""
        self.num_columns = num_columns
        for own, rows in zip(self.own, (layer.keys, layer.values)):
            own.zero_()
            columns = own[:, :, num_columns - rows.shape[2] : num_columns]
            columns.unflatten(0, (len(rows), -1)).copy_(rows[:, None])

    def update(self, key_states, value_states, *args, **kwargs):
        for own, states in zip(self.own, (key_states, value_states)):
            own.index_copy_(2, self.column, states.to(own.dtype))
        return self.own


class Repeatable(TorchDispatchMode):
    """In its context NotImplementedError is raised for what a graph would not do again: what hangs on numbers of tensors."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if torch.Tag.dynamic_output_shape in func.tags or isinstance(result, (bool, int, float)):
            raise NotImplementedError(f"{func} cannot be captured")
        return result


def graph_of(compute, device, pool):
    """The CUDA graph of a function without arguments, and the tensor that it gives, which a replay writes again."""
    with torch.cuda.device(device):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            compute()  # libraries prepare themselves at the first call on a stream
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            result = compute()
    return graph, result


def fits(num_bytes, device):
    """Whether so much may be kept on the device for graphs."""
    return device.type != "cuda" or num_bytes <= SHARE * torch.cuda.get_device_properties(device).total_memory
