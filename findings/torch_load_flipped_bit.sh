#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU build, Python 3.11): a checkpoint in which one bit has flipped loads without a word, with another
# weight.
#
# torch.save writes a zip archive, and a zip archive holds a checksum of each of its members. A good guess: torch.load
# compares them, as Python's zipfile does, so that a disk's or a transfer's fault is an error. Seen: it does not, with
# weights_only=True as without; the flipped weight is loaded. zipfile.ZipFile(path).testzip() names the broken member, and
# costs one pass over the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > flip.py <<'END'
import zipfile

import torch

weights = torch.arange(1.0, 9.0)
torch.save({"weights": weights}, "model.pt")
contents = bytearray(open("model.pt", "rb").read())
at = contents.index(weights.numpy().tobytes())
contents[at + 3] ^= 0x01  # a bit of the exponent of the first weight, 1.0
open("model.pt", "wb").write(contents)

loaded = torch.load("model.pt", weights_only=True)["weights"]
print("saved ", weights.tolist())
print("loaded", loaded.tolist())
print("zipfile calls broken:", zipfile.ZipFile("model.pt").testzip())
assert loaded[0] != weights[0] and torch.equal(loaded[1:], weights[1:]), "changed: the bit is not loaded"
assert zipfile.ZipFile("model.pt").testzip() is not None
END
venv/bin/python flip.py
