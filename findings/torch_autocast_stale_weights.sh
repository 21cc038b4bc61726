#!/usr/bin/env bash
# torch 2.13.0 (CPU, Python 3.11): inside one autocast context, a layer goes on with the weights it had at its first call.
#
# Autocast keeps the half-precision copy of a weight that requires a gradient until the outermost context ends, so that a
# forward pass casts each weight once. Whoever samples from a policy, makes a step of the optimizer, and samples again
# within one `with torch.autocast(...)`, as a loop of reinforcement learning well may, reads the old weights the second
# time: no error, no warning, and a ratio of exactly 1 for ever. A good guess: a layer computes with the weights it has.
# Seen: with gradients and under torch.no_grad() the second call gives the first answer; under torch.inference_mode(),
# which looks like a faster no_grad, it gives the right one, and so it does after torch.clear_autocast_cache(). So
# whether such a loop is right depends on which of the two its author took.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$folder/stale.py" <<'END'
import contextlib

import torch


def stale(context, between=lambda: None):
    """Whether a layer whose weight went from 1 to 2 still answers as with 1."""
    layer = torch.nn.Linear(1, 1, bias=False)
    x = torch.ones(1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        torch.nn.init.ones_(layer.weight)
        with context():
            assert layer(x).item() == 1
        with torch.no_grad():
            layer.weight.add_(1)  # what an optimizer's step does
        between()
        with context():
            return layer(x).item() == 1


found = {
    "with gradients": stale(contextlib.nullcontext),
    "no_grad": stale(torch.no_grad),
    "inference_mode": stale(torch.inference_mode),
    "no_grad, cache cleared": stale(torch.no_grad, torch.clear_autocast_cache),
}
for name, old in found.items():
    print(f"{name:24} {'old weights' if old else 'new weights'}")
assert list(found.values()) == [True, True, False, False], "changed"
END
"$folder/venv/bin/python" "$folder/stale.py"
