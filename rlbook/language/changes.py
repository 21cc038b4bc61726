"""What training has changed in a model: in what it says, token by token, and in its weights, part by part."""

import copy

from rlbook._checks import require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_weights  # noqa: E402
from rlbook.language.fitting import check_no_dropout  # noqa: E402
from rlbook.language.sampling import Samples, at_least_float32, check_room, checked_temperature, positions  # noqa: E402


@torch.no_grad()
def token_kl(model, reference, samples, *, temperature=1.0):
    """KL(pi || pi_ref) (B, L) of the next token at each place where the policy chose one, in nats; elsewhere 0.

    It is that of the two whole distributions after the text so far, whichever token was drawn: never negative. Summed over
    a completion, and averaged over completions that the model drew, it is the KL divergence of completions: the chain
    rule. Raises ValueError where the two models do not know as many tokens.
    """
    if not isinstance(samples, Samples):
        raise TypeError(f"samples is {shown(samples)}, expected Samples, as sample makes them")
    temperature = checked_temperature(temperature)
    first = max(1, int(samples.mask.any(0).int().argmax()))  # the column where all completions begin
    logp, reference_logp = (_next_logp(one, samples, first, temperature) for one in (model, reference))
    if logp.shape != reference_logp.shape:
        known = logp.shape[2], reference_logp.shape[2]
        raise ValueError(f"reference knows {known[1]} tokens, expected {known[0]}, as many as the model")
    terms = torch.where(logp == -torch.inf, 0.0, logp.exp() * (logp - reference_logp)).sum(2)
    return torch.nn.functional.pad(terms, (first, 0)).where(samples.mask, 0.0)


def _next_logp(model, samples, first, temperature):
    """The log-probabilities (B, L - first, V) of all tokens at each place from the first on, given those before it."""
    check_weights(model=model)
    check_no_dropout(model)
    there = samples.attention_mask
    check_room(model, there, 0)
    logits = model(
        input_ids=samples.tokens,
        attention_mask=there.long(),
        position_ids=positions(there),
        logits_to_keep=there.shape[1] - first + 1,
        use_cache=False,
    ).logits
    return (at_least_float32(logits[:, :-1]) / temperature).log_softmax(2)


def parts(model):
    """The names of a model's parameters by part, in the model's order: {part: names}.

    The parts are "embeddings", "layer 0", "layer 1", ... and "output", what comes after the last layer. A head whose
    weights are the embeddings' belongs to these. Raises ValueError for a model without numbered layers.
    """
    check_weights(model=model)
    found = {}
    for name, _ in model.named_parameters():
        number = next((piece for piece in name.split(".") if piece.isdigit()), None)
        seen = any(part.startswith("layer") for part in found)
        part = f"layer {number}" if number is not None else "output" if seen else "embeddings"
        found.setdefault(part, []).append(name)
    if not any(part.startswith("layer") for part in found):
        raise ValueError(f"{type(model).__name__} has no numbered layers, expected a transformer of transformers")
    return found


def moved(model, reference):
    """How far each part has moved, {part: |theta - theta_ref| / |theta_ref|}, Euclidean norms; 0 for one that stayed."""
    new, old = _both(model, reference)
    changes = {}
    for part, names in parts(reference).items():
        change, size = (
            torch.stack([tensor.norm() for tensor in tensors]).norm().item()
            for tensors in ([new[name] - old[name] for name in names], [old[name] for name in names])
        )
        changes[part] = change / size if size else change
    return changes


def grafted(model, reference, chosen):
    """A copy of the reference in which the chosen parts, such as ["layer 0"], are the model's."""
    new, _ = _both(model, reference)
    known = parts(reference)
    for part in chosen:
        if part not in known:
            raise ValueError(f"chosen has {shown(part)}, expected parts of the model: {', '.join(known)}")
    graft = copy.deepcopy(reference)
    with torch.no_grad():
        for name, parameter in graft.named_parameters():
            if any(name in known[part] for part in chosen):
                parameter.copy_(new[name])
    return graft


def _both(model, reference):
    """The parameters of both, {name: tensor}, if they are those of one architecture."""
    check_weights(model=model, reference=reference)
    new, old = ({name: p.detach().double() for name, p in m.named_parameters()} for m in (model, reference))
    differ = [
        name for name in {**old, **new} if name not in new or name not in old or new[name].shape != old[name].shape
    ]
    if differ:
        raise ValueError(f"model and reference differ in the parameter {differ[0]}, expected one architecture")
    return new, old
