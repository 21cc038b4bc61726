"""Linear probes: what can be read off a model's hidden states by one linear map, and how well on texts not seen.

A probe shows what is there to be read. Whether the model itself reads it is another question: `edited` changes what it
has after a layer, such as by `without`, which takes a direction away, and then the model can be asked again.
"""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_count, check_number, require

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_same_shape  # noqa: E402
from rlbook.language.fitting import check_ids, check_model, check_no_dropout  # noqa: E402
from rlbook.language.sampling import check_room, positions  # noqa: E402


class Probe(NamedTuple):
    """A linear map from features (N, D) to numbers (N,)."""

    weights: np.ndarray  # (D,)
    bias: float

    def read(self, features):
        return check_array("features", features) @ self.weights + self.bias


def fit_probe(features, targets, *, ridge=1e-3):
    """The `Probe` with the least squared error on features (N, D) and targets (N,), and short weights.

    ridge is the weight of |weights|^2 beside the mean squared error, in units of the mean variance of a feature, so that
    the scale of the features changes nothing. Raises ValueError for shapes that do not fit.
    Source: Alain and Bengio (2016); Hoerl and Kennard (1970) for the ridge.
    """
    features, targets = _checked(features, targets)
    ridge = check_number("ridge", ridge, above=0, because=": without it more features than texts have no single answer")
    centre, mean = features.mean(axis=0), targets.mean()
    centred = features - centre
    covariance = centred.T @ centred / len(features)
    unit = np.trace(covariance) / len(covariance) or 1.0
    moments = centred.T @ (targets - mean) / len(features)
    weights = np.linalg.solve(covariance + ridge * unit * np.eye(len(covariance)), moments)
    return Probe(weights, float(mean - centre @ weights))


def explained(probe, features, targets):
    """R^2: which share of the variance of targets (N,) the probe explains; 0 for who says the mean, and less for worse.

    Of the texts on which the probe was fitted it says little. Raises ValueError for targets that are all equal.
    """
    features, targets = _checked(features, targets)
    spread = ((targets - targets.mean()) ** 2).sum()
    if not spread:
        raise ValueError(f"targets are all {targets[0]:g}, expected some that differ: there is nothing to explain")
    return float(1 - ((targets - probe.read(features)) ** 2).sum() / spread)


def without(features, direction):
    """Features (..., D) less what they have along a direction (D,): arrays, or tensors."""
    unit = direction / (direction @ direction) ** 0.5
    return features - (features @ unit)[..., None] * unit


@torch.no_grad()
def hidden_states(model, tokens, attention_mask, layer):
    """What the model has at each token (B, L, D), after so many layers: 0 for the embeddings; padding included.

    After the last layer the norm that precedes the head is applied too, as transformers does.
    Raises ValueError for a layer that the model has not, or tokens that it cannot read.
    """
    check_model(model)
    check_no_dropout(model)
    check_same_shape("(B, L)", tokens=tokens, attention_mask=attention_mask)
    check_ids(model, tokens)
    check_room(model, attention_mask, 0)
    layer = check_count("layer", layer, least=0, most=model.config.get_text_config().num_hidden_layers)
    return model(
        input_ids=tokens,
        attention_mask=attention_mask.long(),
        position_ids=positions(attention_mask),
        output_hidden_states=True,
        use_cache=False,
    ).hidden_states[layer]


@contextmanager
def edited(model, layer, edit):
    """In its context the model goes on, after so many layers, with edit(hidden states (B, L, D)) in their place.

    layer is from 1, the first layer, to the last, before the norm that precedes the head. Raises ValueError for a model
    whose layers cannot be told.
    """
    check_model(model)
    layer = check_count("layer", layer, most=model.config.get_text_config().num_hidden_layers)
    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList)]
    if not lists:
        raise ValueError(f"{type(model).__name__} has no list of layers, expected a transformer of transformers")

    def exchange(module, given, output):
        return (edit(output[0]), *output[1:]) if isinstance(output, tuple) else edit(output)

    handle = lists[0][layer - 1].register_forward_hook(exchange)
    try:
        yield model
    finally:
        handle.remove()


def _checked(features, targets):
    features, targets = check_array("features", features).astype(float), check_array("targets", targets).astype(float)
    if features.ndim != 2 or targets.shape != features.shape[:1]:
        raise ValueError(
            f"features have shape {features.shape} and targets {targets.shape}, expected (N, D) and (N,): a row and a "
            "number for each text"
        )
    if len(features) < 2 or not (np.isfinite(features).all() and np.isfinite(targets).all()):
        raise ValueError(
            "features and targets hold fewer than two texts, or nan or inf: expected finite numbers of several"
        )
    return features, targets
