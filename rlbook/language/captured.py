"""The decoding step captured: what a model computes for one more token, written down once, then done by fewer calls.

The plain step walks through all modules of a model for every token, and with a small model or few rows most of its time
is Python's. Here the tensor operations of one step are recorded while the model itself makes it, over keys and values of
fixed length into which a step writes its own. What differs between steps is an input: tokens, positions, masks, and the
place to write. What hangs on the weights alone is computed once for all steps of a batch, from the weights as they are
then, so that an optimizer's step is seen.

A recording holds for one shape of one model as it was, on a CPU. It is used after it has given the plain step's logits
for two tokens; a model that cannot be recorded, or gives other logits then, keeps the plain step.
"""

import weakref
from contextlib import nullcontext
from copy import deepcopy
from operator import getitem
from types import BuiltinFunctionType, MethodDescriptorType

from rlbook._checks import require

torch = require("torch", extra="language")
require("transformers", extra="language")

from torch.fx.node import map_aggregate  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer, DynamicSlidingWindowLayer  # noqa: E402
from transformers.masking_utils import create_masks_for_generate  # noqa: E402

MULTIPLE = 8  # of columns: prompts of about the same length share a recording
PAYS = 16  # tokens asked for in one shape: to record a step takes as long as about ten plain ones
SHAPES = 32  # recordings kept for a model
EMPTY = 2**23  # bytes in a layer that may wait for tokens: to read more of them takes longer than Python's walk

_known = weakref.WeakKeyDictionary()  # {model: `Known`}


class Known:
    """What was learned of a model as it is: whether its step can be captured, and the recordings of its shapes."""

    def __init__(self, signature, config):
        self.signature, self.config = signature, deepcopy(config)
        self.refused = False
        self.asked = {}  # {shape: tokens asked for in it}, the latest shape last
        self.recordings = {}  # {shape: `Recording`}

    def pays(self, shape, num_tokens):
        """Whether enough tokens have been asked for in this shape, with num_tokens more, to record it."""
        self.asked[shape] = self.asked.pop(shape, 0) + num_tokens
        if len(self.asked) > SHAPES:
            oldest = next(iter(self.asked))
            del self.asked[oldest]
            self.recordings.pop(oldest, None)
        return self.asked[shape] >= PAYS


def captured(plain, model, cache, there, max_new_tokens):
    """A step with the answers of the plain one, by fewer calls; the plain one itself where that cannot be or not pay.

    Either maps the newest tokens (B, 1), and which tokens are there (B, L), to the logits (B, V) of the next ones.
    cache is what the model remembers of the prompts (B, L) there now; at most max_new_tokens - 1 steps will follow.
    """
    known = _what_is_known(model)
    if known is None or known.refused or not _holds_keys(cache, there, max_new_tokens):
        return plain
    length = -(-(there.shape[1] + max_new_tokens) // MULTIPLE) * MULTIPLE
    autocast = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
    shape = len(there), length, autocast
    return Decoding(plain, model, known, shape, cache, there) if known.pays(shape, max_new_tokens) else plain


def _what_is_known(model):
    """What was learned of the model, nothing yet where it has changed since; None where its step is not captured."""
    modules, weights = list(model.modules()), [*model.parameters(), *model.buffers()]
    watched = torch.nn.modules.module._has_any_global_hook() or any(
        m._forward_hooks or m._forward_pre_hooks for m in modules
    )
    common = all(type(w) in (torch.Tensor, torch.nn.Parameter) and w.device.type == "cpu" for w in weights)
    if watched or not common or model.config._attn_implementation not in ("sdpa", "eager"):
        return None
    signature = (
        [(id(m), type(m), m.training, id(vars(m).get("forward"))) for m in modules],
        [(id(w), w.dtype, w.shape) for w in weights],
    )
    known = _known.get(model)
    if known is None or known.signature != signature or known.config != model.config:
        known = _known[model] = Known(signature, model.config)
    return known


def _holds_keys(cache, there, max_new_tokens):
    """Whether all that the cache remembers is the keys and values of the tokens there, and few more are to come."""
    return len(cache) > 0 and all(
        type(layer) in (DynamicLayer, DynamicSlidingWindowLayer)
        and layer.is_initialized
        and layer.get_seq_length() == there.shape[1]
        and (layer.keys[:, :, 0].nbytes + layer.values[:, :, 0].nbytes) * max_new_tokens <= EMPTY
        for layer in cache.layers
    )


class Decoding:
    """The steps of one batch: its keys and values (B, H, L, D), and what each step will be given besides tokens."""

    @torch.inference_mode()
    def __init__(self, plain, model, known, shape, cache, there):
        self.plain, self.model, self.known, self.shape = plain, model, known, shape
        first, length = there.shape[1], shape[1]
        self.keys = [_widened(layer.keys, first, length) for layer in cache.layers]
        self.values = [_widened(layer.values, first, length) for layer in cache.layers]
        slots = zip(*(rows[:, :, first:].split(1, 2) for rows in self.keys + self.values))
        positions = there.sum(1)[:, None] + torch.arange(length - first)[:, None, None]
        self.masks = self._masks(there, first, length)
        masks = zip(*(mask.unbind() for mask in self.masks.values()))
        self.steps = zip(range(first, length), positions.unbind(), masks, slots)
        self.recording = known.recordings.get(shape)
        self.constants = None

    def _masks(self, there, first, length):
        """{kind of layer: mask (T, B, 1, 1, L)} of the steps to come, to be added to scores: 0, or very low.

        A row that has ended goes on seeing all columns: what it would say is not looked at.
        """
        dtype = self.model.dtype
        queries = torch.empty(len(there), length - first, 0, dtype=dtype)
        there = torch.nn.functional.pad(there, (0, length - first), value=True)
        cache = Cache(layers=[FixedLayer(rows, rows, None, None, first) for rows in self.keys])
        masks = create_masks_for_generate(self.model.config, queries, there, cache)
        low = torch.finfo(dtype).min
        return {
            kind: (mask if mask.is_floating_point() else torch.where(mask, 0.0, low).to(dtype))
            .permute(2, 0, 1, 3)[:, :, :, None]
            .contiguous()
            for kind, mask in (masks if isinstance(masks, dict) else {None: masks}).items()
        }

    @torch.inference_mode()
    def __call__(self, tokens, there):
        if self.known.refused:
            return self.plain(tokens, there)
        column, positions, masks, slots = next(self.steps)
        inputs = [tokens, positions, *masks, *self.keys, *self.values, *slots]
        if self.recording is not None and self.recording.agreed == 2:
            return self._again(inputs)
        logits = self.plain(tokens, there)
        try:
            ours = self._record(inputs, column) if self.recording is None else self._again(inputs)
            self.known.refused = not _close(ours[there[:, -1]], logits[there[:, -1]])  # what has ended is not looked at
            self.recording.agreed += 1
        except Exception:  # of whatever kind: the plain step has just worked, and goes on to
            self.known.refused = True
        return logits

    def _again(self, inputs):
        with torch.autocast("cpu", enabled=False) if self.shape[2] else nullcontext():  # every cast is in the recording
            if self.constants is None:
                self.constants = self.recording.once(*self.recording.weights)
            return self.recording.step(*inputs, *self.constants)

    def _record(self, inputs, column):
        """The logits of this step, by the model itself; what it does for them becomes the recording of this shape."""
        n, m = len(self.keys), 2 + len(self.masks)
        tokens, positions, *masks = inputs[:m]
        layers = zip(self.keys, self.values, inputs[-2 * n : -n], inputs[-n:], [column] * n)
        cache = Cache(layers=[FixedLayer(*layer) for layer in layers])
        masks = dict(zip(self.masks, masks))
        tape = Tape(inputs, [*self.model.parameters(), *self.model.buffers()], writable=inputs[-2 * n :])
        caching, drawn = torch.is_autocast_cache_enabled(), torch.get_rng_state()
        torch.set_autocast_cache_enabled(False)  # a weight that was cast before would be a tensor of unknown origin
        try:
            with tape:
                logits = self.model(
                    input_ids=tokens,
                    attention_mask=masks.get(None, masks),
                    position_ids=positions,
                    cache=cache,
                    use_cache=True,
                    logits_to_keep=1,
                ).logits[:, -1]
        finally:
            torch.set_autocast_cache_enabled(caching)
        if not torch.equal(drawn, torch.get_rng_state()):
            raise NotImplementedError("the step draws random numbers")
        self.recording = self.known.recordings[self.shape] = Recording(tape, logits)
        return logits


def _widened(rows, first, length):
    """Keys or values (B, H, N, D), the last of the first columns, at their place among length columns: (B, H, L, D)."""
    wide = rows.new_zeros(*rows.shape[:2], length, rows.shape[3])
    wide[:, :, first - rows.shape[2] : first] = rows
    return wide


def _close(ours, logits):
    """Whether two steps differ by rounding only. What is wrong (a position, a mask, a memory) differs by much more."""
    scale = logits.abs().max().clamp(min=1)
    return bool((ours - logits).abs().max() <= torch.finfo(logits.dtype).eps ** 0.5 * scale)


class FixedLayer(CacheLayerMixin):
    """The keys and values (B, H, L, D) of a layer, all columns there from the start; an update writes into one of them."""

    is_compileable = True  # so that transformers makes a mask where a growing cache could do without

    def __init__(self, keys, values, key, value, column):
        super().__init__()
        self.keys, self.values, self.key, self.value, self.column = keys, values, key, value, column
        self.is_initialized = True

    def lazy_initialization(self, key_states, value_states):
        """Nothing is left to do."""

    def update(self, key_states, value_states, *args, **kwargs):
        self.key.copy_(key_states)
        self.value.copy_(value_states)
        return self.keys, self.values

    def get_mask_sizes(self, query_length):
        return self.get_max_length(), 0

    def get_seq_length(self):
        return self.column

    def get_max_length(self):
        return self.keys.shape[2]


class Recording:
    """What a tape says, as two functions: `once` of the weights, and `step` of a step's inputs and what once gives."""

    def __init__(self, tape, logits):
        tape.step.output(tape.node(logits, tape.step))
        tape.once.output(tuple(tape.constants))
        tape.step.eliminate_dead_code()
        for node in tape.step.nodes:
            node.target = _binding(node.target)
        self.weights = tape.weights
        self.once, self.step = (torch.fx.GraphModule({}, graph).forward for graph in (tape.once, tape.step))
        self.agreed = 0  # how often it was seen to say what the plain step says


def _binding(target):
    """Python's own binding of an operation, where it has one: a call of it takes a microsecond less."""
    if isinstance(target, torch._ops.OpOverload):
        name = target._schema.name.removeprefix("aten::")
        for place in (torch, torch._C._nn, torch.Tensor):
            found = getattr(place, name, None)
            if isinstance(found, (BuiltinFunctionType, MethodDescriptorType)):
                return found
    return target


class Tape(TorchDispatchMode):
    """Writes down the tensor operations done in its context as two graphs: those that hang on inputs, and the others.

    inputs      tensors that will be others the next time
    weights     tensors that will be the same, with other numbers in them
    writable    those of the inputs that may be written into

    Views of what the step makes are written as one view of it, however many led there, and left out where they show
    the same. Raises NotImplementedError for what would be wrong the next time: a number read off a tensor, a shape
    that hangs on numbers, a tensor of unknown origin, any other writing into a tensor.
    """

    def __init__(self, inputs, weights, writable):
        super().__init__()
        self.step, self.once, self.weights = torch.fx.Graph(), torch.fx.Graph(), list(weights)
        self.nodes = {id(tensor): self.step.placeholder(f"input_{i}") for i, tensor in enumerate(inputs)}
        self.nodes |= {id(tensor): self.once.placeholder(f"weight_{i}") for i, tensor in enumerate(weights)}
        self.last = self.nodes[id(inputs[-1])]  # placeholder of the step
        self.constants = {}  # {node of once: its placeholder in step}
        self.made = {}  # {start of its memory: tensor made in the step that owns it}
        self.writable = {id(tensor) for tensor in writable}
        self.kept = [*inputs, *weights]  # so that no other tensor gets their id or their memory

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self._write(func, args, kwargs or {}, result)
        return result

    def _write(self, func, args, kwargs, result):
        if func is torch.ops.aten.lift_fresh.default:  # a number of the model's code becomes a tensor
            self._know(result, self.once.placeholder(f"weight_{len(self.weights)}"))
            self.weights.append(result)
            return
        given = []
        map_aggregate((args, kwargs), lambda a: given.append(a) if isinstance(a, torch.Tensor) else None)
        if any(result is tensor for tensor in given) and not func._schema.is_mutable:
            return  # dropout in eval mode, a cast to the type that it has
        results, writes = result if isinstance(result, (tuple, list)) else [result], func._schema.is_mutable
        if (
            (writes and id(args[0]) not in self.writable)
            or torch.Tag.dynamic_output_shape in func.tags
            or not all(isinstance(tensor, torch.Tensor) for tensor in results)
            or not all(id(tensor) in self.nodes for tensor in given)
        ):
            raise NotImplementedError(f"{func} cannot be recorded")
        graph = self.step if any(self.nodes[id(tensor)].graph is self.step for tensor in given) else self.once
        args, kwargs = map_aggregate(
            (args, kwargs), lambda a: self.node(a, graph) if isinstance(a, torch.Tensor) else a
        )
        call = graph.call_function(func, args, kwargs)
        for i, tensor in enumerate(results):
            view = self._view(tensor, given) if graph is self.step and not writes else None
            self._know(tensor, view or (call if tensor is result else graph.call_function(getitem, (call, i))))

    def _know(self, tensor, node):
        self.nodes[id(tensor)] = node
        self.kept.append(tensor)

    def node(self, tensor, graph):
        """The node of a tensor in a graph; in that of the step, constants are given."""
        node = self.nodes[id(tensor)]
        if node.graph is graph:
            return node
        if node not in self.constants:
            with self.step.inserting_after(self.last):
                self.last = self.constants[node] = self.step.placeholder(f"constant_{len(self.constants)}")
        return self.constants[node]

    def _view(self, tensor, given):
        """The node of a tensor of the same content, or of one view of it; None for what has memory of its own."""
        for other in given:
            if _place(other) == _place(tensor):
                return self.node(other, self.step)
        memory = tensor.untyped_storage().data_ptr()
        if memory in (other.untyped_storage().data_ptr() for other in given):
            owner = self.made.get(memory)
            if owner is None or owner.dtype != tensor.dtype:
                return None
            strides = list(tensor.shape), list(tensor.stride()), tensor.storage_offset()
            return self.step.call_function(torch.as_strided, (self.nodes[id(owner)], *strides))
        self.made[memory] = tensor
        return None


def _place(tensor):
    return tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()
