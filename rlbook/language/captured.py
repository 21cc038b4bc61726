"""The decoding step captured: what a model computes for one more token, written down once, then done by fewer calls.

The plain step walks through all modules of a model for every token, and with a small model or few rows most of its time
is Python's. Here the tensor operations of one step are recorded while the model itself makes it, and done again without
the model for the next ones. What differs between steps is an input: tokens, positions, masks, and where to write the
new keys and values. What is the same in all steps of a batch is computed once, from the weights as they are then, so
that an optimizer's step is seen. The rows of a group read the keys and values of their prompt from one place.

A recording holds for one shape of one model as it was, on a CPU; on a GPU it is a CUDA graph (see cuda_graph.py). It is
used after it has given the plain step's logits for two tokens; a model that cannot be recorded, or gives other logits
then, keeps the plain step.
"""

import weakref
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from itertools import count
from operator import getitem
from types import BuiltinFunctionType, MethodDescriptorType

from rlbook._checks import require

torch = require("torch", extra="language")
require("transformers", extra="language")

from torch.fx.node import map_aggregate  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from transformers import AttentionInterface, PreTrainedConfig  # noqa: E402
from transformers.cache_utils import Cache, DynamicLayer, DynamicSlidingWindowLayer  # noqa: E402
from transformers.masking_utils import create_masks_for_generate  # noqa: E402

from rlbook.language.cuda_graph import StaticStep, fits  # noqa: E402
from rlbook.language.fitting import rounding  # noqa: E402
from rlbook.language.fixed_cache import FixedLayer, one_step  # noqa: E402

MULTIPLE = 8  # of columns: prompts of about the same length share a recording
PAYS = 16  # tokens asked for in one shape: to record a step takes as long as about ten plain ones
SHAPES = 32  # recordings kept for a model
EMPTY = 2**23  # bytes in a layer that may wait for tokens: to read more of them takes longer than Python's walk
SHARED = 2**20  # bytes of a layer's prompts, once for each row, that a processor has at hand: more are read by groups
SMALL = 2**17  # numbers in a weight that is turned round once a batch, since few rows are multiplied faster then
ON_GRAPHS = ("cuda",)  # the kinds of devices where a step is captured as a graph, and then:
WIDE_MULTIPLE = 64  # of columns: to read some in vain costs a GPU less than another graph
GRAPHS = 4  # kept for a model, each with keys and values of its own

_known = weakref.WeakKeyDictionary()  # {model: `Known`}


class Known:
    """What was learned of a model as it is: whether its step can be captured, and the recordings of its shapes."""

    def __init__(self, signature, config, most):
        self.signature, self.config = signature, deepcopy(config)
        self.most = most  # shapes that are remembered
        self.refused = False
        self.asked = {}  # {shape: tokens asked for in it}, the latest shape last
        self.agreed = {}  # {shape: how often a recording of it was seen to say what the plain step says}
        self.recordings = {}  # {shape: `Recording`, on a GPU `StaticStep`}

    def pays(self, shape, num_tokens):
        """Whether enough tokens have been asked for in this shape, with num_tokens more, to record it."""
        self.asked[shape] = self.asked.pop(shape, 0) + num_tokens
        if len(self.asked) > self.most:
            oldest = next(iter(self.asked))
            for kept in (self.asked, self.agreed, self.recordings):
                kept.pop(oldest, None)
        return self.asked[shape] >= PAYS


def captured(plain, model, cache, prompts, group_size, max_new_tokens):
    """A step with the answers of the plain one, by fewer calls; the plain one itself where that cannot be or not pay.

    Either maps the newest tokens (B, 1), and which of all new ones are there, a list of columns (B, 1), to the logits
    (B, V) of the next ones. prompts (G, P) bool says which tokens of the prompts are there, and cache is what the model
    remembers of them; group_size consecutive rows continue each, in at most max_new_tokens - 1 steps.
    """
    known = _what_is_known(model)
    if known is None or known.refused or not _holds_keys(cache, prompts):
        return plain
    decoding = GraphDecoding if model.device.type in ON_GRAPHS else Decoding
    shape = decoding.shape_of(cache, prompts, group_size, max_new_tokens)
    if shape is None or not known.pays(shape, max_new_tokens):
        return plain
    try:
        return decoding(plain, model, known, shape, cache, prompts)
    except Exception:  # of whatever kind: the plain step does without what was tried
        known.refused = True
        return plain


def _rounded(columns, multiple=MULTIPLE):
    return -(-columns // multiple) * multiple


def _what_is_known(model):
    """What was learned of the model, nothing yet where it has changed since; None where its step is not captured."""
    modules = list(model.modules())
    weights = _weights(modules)
    watched = torch.nn.modules.module._has_any_global_hook() or any(
        module._forward_hooks or module._forward_pre_hooks for module in modules
    )
    device, on_graphs = model.device, model.device.type in ON_GRAPHS
    common = all(type(weight) in (torch.Tensor, torch.nn.Parameter) and weight.device == device for weight in weights)
    if (
        watched
        or not common
        or not (device.type == "cpu" or on_graphs)
        or model.config._attn_implementation not in ("sdpa", "eager")
    ):
        return None
    signature = (
        [(id(module), module.training, id(vars(module).get("forward", type(module).forward))) for module in modules],
        [(id(weight), weight.dtype, weight.shape, weight.data_ptr() if on_graphs else None) for weight in weights],
    )
    known = _known.get(model)
    settings = _settings(model.config)
    if known is None or known.signature != signature or known.config != settings:
        known = _known[model] = Known(signature, settings, most=GRAPHS if on_graphs else SHAPES)
    return known


def _settings(config):
    """What a configuration and those within it say, as dictionaries; some will not be compared as they are (Gemma 4's)."""
    return {
        name: _settings(said) if isinstance(said, PreTrainedConfig) else said for name, said in vars(config).items()
    }


def _weights(modules):
    """All parameters and buffers of modules, as often as they stand in them; `model.parameters` takes longer than a step."""
    kept = (tensors for module in modules for tensors in (module._parameters, module._buffers))
    return [tensor for tensors in kept for tensor in tensors.values() if tensor is not None]


def _column(layer):
    """The bytes of one column of keys and values (G, H, P, D)."""
    return sum(rows[:, :, 0].nbytes for rows in (layer.keys, layer.values))


def _autocast(device):
    """The type of numbers of the autocast that is on, None where none is."""
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else None


def _holds_keys(cache, prompts):
    """Whether all that the cache remembers is the keys and values of the prompts (G, P)."""
    return len(cache) > 0 and all(
        type(layer) in (DynamicLayer, DynamicSlidingWindowLayer)
        and layer.is_initialized
        and layer.get_seq_length() == prompts.shape[1]
        for layer in cache.layers
    )


class Decoding:
    """The steps of one batch: what is the same in all of them, and what each will be given besides tokens."""

    @staticmethod
    def shape_of(cache, prompts, group_size, max_new_tokens):
        """What a recording holds for: rows, rows of a group, columns, steps, autocast; None where too many stay empty."""
        to_come = group_size * max_new_tokens
        if any(_column(layer) * to_come > EMPTY for layer in cache.layers):
            return None
        num_rows = len(prompts) * group_size
        if group_size * _column(cache.layers[0]) * prompts.shape[1] <= SHARED:
            group_size = 1  # every row is a group of its own
        return num_rows, group_size, _rounded(prompts.shape[1]), _rounded(max_new_tokens), _autocast(prompts.device)

    def __init__(self, plain, model, known, shape, cache, prompts):
        self.plain, self.model, self.known, self.shape = plain, model, known, shape
        num_rows, group_size, width, steps, _ = shape
        prompts = prompts.repeat_interleave(num_rows // (len(prompts) * group_size), 0)
        self.layers = [
            GroupLayer(layer, num_rows, group_size, prompts.shape[1], width, steps) for layer in cache.layers
        ]
        self.masks = masks_of_steps(model, self.layers, prompts, width, steps)
        lengths = prompts.sum(1).repeat_interleave(group_size)[:, None]
        positions = (lengths + torch.arange(steps)[:, None, None]).unbind()
        masks = zip(*(mask.unbind() for mask in self.masks.values()))
        places = zip(*(rows[:, :, -steps:].split(1, 2) for layer in self.layers for rows in layer.own))
        self.steps = zip(positions, masks, places)
        self.recording = known.recordings.get(shape)
        self.constants = None

    def __call__(self, tokens, mask):
        inputs = self._inputs(tokens)
        agreed = self.known.agreed.get(self.shape, 0)
        if self.recording is not None and agreed == 2:
            return self._again(inputs)
        if self.known.refused:
            return self.plain(tokens, mask)
        logits, going = self.plain(tokens, mask), mask[-1][:, 0]
        try:
            ours = self._record(inputs) if self.recording is None else self._again(inputs)
            if not _close(self.model, ours[going], logits[going]):
                raise ValueError("what was recorded gives other logits")
            if agreed == 2:  # before what is known was saved, and then taken by `Decodings`
                return ours
            self.known.agreed[self.shape] = agreed + 1
        except Exception:  # of whatever kind: the plain step has just worked, and goes on to
            self.known.refused = True
        return logits

    def _inputs(self, tokens):
        """What this step is given: tokens, their positions, masks, and where to write their keys and values."""
        positions, masks, places = next(self.steps)
        return [tokens, positions, *masks, *places]

    def _again(self, inputs):
        with torch.autocast("cpu", enabled=False) if self.shape[-1] else nullcontext():  # casts are in the recording
            if self.constants is None:
                self.constants = self.recording.once(*self._same())
            return self.recording.step(*inputs, *self.constants)

    def _same(self):
        """The tensors that are the same ones in all steps."""
        return [
            *_weights(self.model.modules()),
            *(rows for layer in self.layers for rows in (*layer.prompt, *layer.own)),
        ]

    def _record(self, inputs):
        """The logits of this step, by the model itself; what it does for them becomes the recording of this shape."""
        tokens, positions, *others = inputs
        masks, places = dict(zip(self.masks, others)), iter(others[len(self.masks) :])
        for layer in self.layers:
            layer.places = next(places), next(places)
        tape = Tape(inputs, self._same(), changing=[rows for layer in self.layers for rows in layer.own])
        with _in_groups(self.model.config.get_text_config()), tape:
            logits = one_step(self.model, self.layers, tokens, positions, masks)
        self.recording = self.known.recordings[self.shape] = Recording(tape, logits)
        return logits


class GraphDecoding(Decoding):
    """The same on a GPU, by the `StaticStep` of the shape, in which every row has its prompt for itself."""

    @staticmethod
    def shape_of(cache, prompts, group_size, max_new_tokens):
        num_rows = len(prompts) * group_size
        width, steps = _rounded(prompts.shape[1], WIDE_MULTIPLE), _rounded(max_new_tokens, WIDE_MULTIPLE)
        num_bytes = sum(_column(layer) for layer in cache.layers) * group_size * (width + steps)
        if not fits(num_bytes, prompts.device):
            return None
        return num_rows, group_size, width, steps, _autocast(prompts.device)

    def __init__(self, plain, model, known, shape, cache, prompts):
        self.plain, self.model, self.known, self.shape = plain, model, known, shape
        num_rows, _, width, steps, autocast = shape
        self.recording = known.recordings.get(shape)
        if self.recording is not None and self.recording.user() is not None:  # sampling within sampling, or a thread
            self.recording = None
        self.static = self.recording or StaticStep(model, cache, num_rows, width, steps, autocast)
        self.static.user = weakref.ref(self)
        for static, layer in zip(self.static.layers, cache.layers):
            static.begin(layer, prompts.shape[1])
        self.static.begin(prompts, masks_of_steps(model, self.static.layers, prompts, width, steps))
        self.steps = count()

    def _inputs(self, tokens):
        return tokens, next(self.steps)

    def _again(self, inputs):
        return self.static(*inputs)

    def _record(self, inputs):
        """The logits of this step, by the graph that is captured now; the oldest make room for its keys and values."""
        for shape in [shape for shape in self.known.asked if shape in self.known.recordings]:
            kept = [self.static, *self.known.recordings.values()]
            if not fits(sum(static.num_bytes for static in kept), self.model.device):
                del self.known.recordings[shape]
        self.static.capture(self.model, beside=self.known.recordings.values())
        self.recording = self.known.recordings[self.shape] = self.static
        return self.static(*inputs)


def masks_of_steps(model, layers, prompts, width, steps):
    """{kind of layer: mask (T, G, 1, 1, L)} of the steps to come, to be added to scores: 0, or very low.

    prompts (G, P) bool are in the first P of width columns; then come those of the steps. A row that has ended goes on
    seeing all of its own: what it would say is not looked at.
    """
    there = torch.nn.functional.pad(prompts, (0, steps), value=True)
    queries = torch.empty(len(prompts), steps, 0, dtype=model.dtype, device=prompts.device)
    masks = create_masks_for_generate(model.config, queries, there, Cache(layers=layers))
    low = torch.finfo(torch.float32).min
    added = {}
    for kind, mask in (masks if isinstance(masks, dict) else {None: masks}).items():
        mask = mask.float() if mask.is_floating_point() else torch.where(mask, 0.0, low)
        prompt, own = mask.split([prompts.shape[1], steps], 3)
        prompt = torch.nn.functional.pad(prompt, (0, width - prompts.shape[1]), value=low)
        added[kind] = torch.cat([prompt, own], 3).permute(2, 0, 1, 3)[:, :, :, None].contiguous()
    return added


@contextmanager
def _in_groups(config):
    """In its context the model of this configuration attends by `attend`."""
    attention = config._attn_implementation
    config._attn_implementation = GROUPS
    try:
        yield
    finally:
        config._attn_implementation = attention


def _close(model, ours, logits):
    """Whether two steps of the model differ by rounding only. What is wrong (a position, a mask) differs by much more."""
    return bool((ours - logits).abs().max() <= rounding(model, logits) * logits.abs().max().clamp(min=1))


class Decodings:
    """Which steps of a model are recorded by now, as a state that can be saved: a recording rounds otherwise.

    A model that takes the state records these steps when they come again, and decodes with the same rounding from then on.
    """

    def __init__(self, model):
        self.model = model

    def state_dict(self):
        known = _what_is_known(self.model)
        if known is None:
            return {"refused": True, "shapes": []}
        shapes = [(shape, asked, known.agreed.get(shape, 0)) for shape, asked in known.asked.items()]
        return {"refused": known.refused, "shapes": shapes}

    def load_state_dict(self, state):
        known = _what_is_known(self.model)
        if known is None:
            return
        known.refused = state["refused"]
        known.asked = {shape: asked for shape, asked, _ in state["shapes"]}
        known.agreed = {shape: agreed for shape, _, agreed in state["shapes"]}
        known.recordings = {}


class GroupLayer(FixedLayer):
    """Keys and values of one layer: those of the prompts (G, H, P, D), and those of their completions (B, H, T, D).

    Where every row is a group of its own, both are one: (B, H, P + T, D). All columns are there from the start, at
    first empty; an update writes into the places of this step. Half precision is kept as float32, for the softmax.
    """

    def __init__(self, layer, num_rows, group_size, num_columns, width, steps):
        super().__init__(num_columns, steps)
        self.prompt, self.own = [], []
        for rows, empty in ((layer.keys, _empty_keys), (layer.values, _empty_values)):
            rows = rows.float() if rows.dtype.itemsize < 4 else rows
            N = rows.shape[2]  # a sliding window keeps the last N columns of the prompts
            if group_size == 1:
                prompt = own = empty(rows, num_rows, width + steps)
            else:
                prompt, own = empty(rows, num_rows // group_size, width), empty(rows, num_rows, steps)
                own.prompt = prompt  # for `attend`
                self.prompt.append(prompt)
            filled = prompt[:, :, num_columns - N : num_columns].unflatten(0, (len(rows), -1))
            filled.copy_(rows[:, None])
            self.own.append(own)

    def update(self, key_states, value_states, *args, **kwargs):
        for place, states in zip(self.places, (key_states, value_states)):
            place.copy_(states)
        return self.own


def _empty_values(like, num_rows, num_columns):
    """Columns (B, H, T, D) for tokens to come, the numbers of a token side by side."""
    return like.new_zeros(num_rows, like.shape[1], num_columns, like.shape[3])


def _empty_keys(like, num_rows, num_columns):
    """The same with one number of all tokens side by side: a query is multiplied by such keys in half of the time."""
    return like.new_zeros(num_rows, like.shape[1], like.shape[3], num_columns).mT


@torch.autocast("cpu", enabled=False)
def attend(module, query, key, value, attention_mask, scaling=None, dropout=0.0, **others):
    """Attention (B, 1, heads, D) of one token in each row to the prompt of its group and to its own completion.

    query (B, heads, 1, D); key and value (B, H, T, D), with those of the prompts (G, H, P, D) if they stand apart;
    attention_mask (G, 1, 1, P + T). A softmax is over both; all queries of a group are multiplied by its prompt at once.
    """
    unknown = {name for name, given in others.items() if given is not None} - HARMLESS
    if unknown or dropout:
        raise NotImplementedError(f"attention with {unknown or 'dropout'}")
    B, H, T, D = key.shape
    n = query.shape[1] // H  # heads of a query that share a key
    queries = query.to(key.dtype).reshape(B * H, n, D)
    scores = torch.bmm(queries, key.view(B * H, T, D).mT).view(B, H, n, T)
    if not hasattr(key, "prompt"):
        weights = torch.add(attention_mask, scores, alpha=scaling or D**-0.5).softmax(-1)
        output = torch.bmm(weights.view(B * H, n, T), value.view(B * H, T, D))
        return output.view(B, 1, H * n, D).to(query.dtype), None
    G, _, P, _ = key.prompt.shape
    K = B // G  # rows of a group
    grouped = queries.view(G, K, H, n, D).transpose(1, 2).reshape(G * H, K * n, D)
    to_prompt = torch.bmm(grouped, key.prompt.view(G * H, P, D).mT).view(G, H, K, n, P)
    scores = torch.cat([to_prompt, scores.view(G, K, H, n, T).transpose(1, 2)], -1)
    weights = torch.add(attention_mask[:, :, None], scores, alpha=scaling or D**-0.5).softmax(-1)
    to_prompt, to_own = weights.split([P, T], -1)
    from_prompt = torch.bmm(to_prompt.view(G * H, K * n, P), value.prompt.view(G * H, P, D))
    from_own = torch.bmm(to_own.transpose(1, 2).reshape(B * H, n, T), value.view(B * H, T, D))
    output = from_own.view(G, K, H, n, D) + from_prompt.view(G, H, K, n, D).transpose(1, 2)
    return output.reshape(B, 1, H * n, D).to(query.dtype), None


GROUPS = "rlbook_groups"  # the name of `attend` for transformers
HARMLESS = {"position_ids", "use_cache", "is_causal", "sliding_window"}  # arguments that say what the masks say
AttentionInterface.register(GROUPS, attend)


class Recording:
    """What a tape says, as two functions: `once` of what is the same in all steps, `step` of inputs and what it gives."""

    def __init__(self, tape, logits):
        tape.step.output(tape.node(logits, tape.step))
        tape.once.output(tuple(tape.constants))
        tape.step.eliminate_dead_code()
        for node in (*tape.step.nodes, *tape.once.nodes):
            node.target = _binding(node.target)
        root = torch.nn.Module()
        for name, number in tape.numbers.items():
            root.register_buffer(name, number)
        self.once, self.step = (torch.fx.GraphModule(root, graph).forward for graph in (tape.once, tape.step))


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

    inputs      tensors that will be others the next time; they may be written into
    same        tensors that will be the same ones; changing are those of them into which inputs are windows

    A view of what the step makes is written as one view of it, however many led there. Raises NotImplementedError for
    what would be wrong the next time: a number read off a tensor, a shape that hangs on numbers, a tensor of unknown
    origin, any other writing into a tensor.
    """

    def __init__(self, inputs, same, changing):
        super().__init__()
        self.step, self.once = torch.fx.Graph(), torch.fx.Graph()
        self.nodes = {}  # {id of a tensor: its node}
        self.places = {}  # {where a tensor of the step lies and how: its node}
        self.owners = {}  # {memory: the tensor of the step that was made in it}
        self.constants = {}  # {node of once: its placeholder in step}
        self.numbers = {}  # {name: tensor made of a number in the model's code}
        self.kept = []  # so that no other tensor gets the id or the memory of one
        self.changing = {_memory(tensor) for tensor in changing}
        self.writable = {id(tensor) for tensor in inputs}
        for i, tensor in enumerate(same):
            self._know(tensor, self.once.placeholder(f"same_{i}"))
        for i, tensor in enumerate(inputs):
            self.last = self.step.placeholder(f"input_{i}")
            self._know(tensor, self.last)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.linear.default and args[1].numel() <= SMALL:
            with self:
                return _linear(*args)
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.lift_fresh.default:
            name = f"number_{len(self.numbers)}"
            self.numbers[name] = result
            self._know(result, self.once.get_attr(name))
        else:
            self._write(func, args, kwargs or {}, result)
        return result

    def _write(self, func, args, kwargs, result):
        given = []
        map_aggregate((args, kwargs), lambda a: given.append(a) if isinstance(a, torch.Tensor) else None)
        results, writes = result if isinstance(result, (tuple, list)) else [result], func._schema.is_mutable
        if not writes and any(result is tensor for tensor in given):
            return  # nothing was done: dropout in eval mode, a cast to the same type
        if (
            (writes and id(args[0]) not in self.writable)
            or torch.Tag.dynamic_output_shape in func.tags
            or not all(isinstance(tensor, torch.Tensor) for tensor in results)
            or not all(id(tensor) in self.nodes for tensor in given)
        ):
            raise NotImplementedError(f"{func} cannot be recorded")
        graph = self.step if any(self._moves(tensor, results) for tensor in given) else self.once
        args, kwargs = map_aggregate(
            (args, kwargs), lambda a: self.node(a, graph) if isinstance(a, torch.Tensor) else a
        )
        call = graph.call_function(func, args, kwargs)
        for i, tensor in enumerate(results):
            view = self._view(tensor, given) if graph is self.step and not writes else None
            self._know(tensor, view or (call if tensor is result else graph.call_function(getitem, (call, i))))

    def _moves(self, tensor, results):
        """Whether what is made of a tensor is another thing in each step; a window into changing memory is the same."""
        if self.nodes[id(tensor)].graph is self.step:
            return True
        return _memory(tensor) in self.changing and any(_memory(made) != _memory(tensor) for made in results)

    def _know(self, tensor, node):
        self.nodes[id(tensor)] = node
        if node.graph is self.step:
            self.places[_place(tensor)] = node
        self.kept.append(tensor)

    def node(self, tensor, graph):
        """The node of a tensor in a graph; to the step, what was made once is given."""
        node = self.nodes[id(tensor)]
        if node.graph is graph:
            return node
        if node not in self.constants:
            with self.step.inserting_after(self.last):
                self.last = self.constants[node] = self.step.placeholder(f"constant_{len(self.constants)}")
        return self.constants[node]

    def _view(self, tensor, given):
        """A node with the content of a tensor that shares its memory with another; None for one with its own."""
        if _place(tensor) in self.places:
            return self.places[_place(tensor)]
        if all(_memory(tensor) != _memory(other) for other in given):
            self.owners[_memory(tensor)] = tensor
        owner = self.owners.get(_memory(tensor))
        if owner is None or owner is tensor or owner.dtype != tensor.dtype:
            return None
        whole = owner.is_contiguous() and tensor.is_contiguous() and owner.numel() == tensor.numel()
        owner, shape = self.nodes[id(owner)], list(tensor.shape)
        if whole:  # the quicker one
            return self.step.call_method("view", (owner, *shape))
        return self.step.call_function(torch.as_strided, (owner, shape, list(tensor.stride()), tensor.storage_offset()))


def _memory(tensor):
    return tensor.untyped_storage().data_ptr()


def _place(tensor):
    return tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()


def _linear(rows, weight, bias=None):
    """rows (..., N) times weight (M, N) transposed, plus bias: (..., M); the weight is turned round once and for all."""
    turned, flat = weight.t().contiguous(), rows.flatten(0, -2)
    product = torch.mm(flat, turned) if bias is None else torch.addmm(bias, flat, turned)
    return product.unflatten(0, rows.shape[:-1])
