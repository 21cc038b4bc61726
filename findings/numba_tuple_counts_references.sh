#!/usr/bin/env bash
# Numba 0.68.1 (NumPy 2.4.6, Python 3.11): a method of a NamedTuple of arrays costs far more when it is called than when it
# is written in place, although the compiler knows both.
#
# Who gives compiled code a NamedTuple of arrays for its model may add a method by numba.extending.overload_method, and
# then guess, as in C, that LLVM's inlining makes a small method as cheap as its lines. Seen: where the method holds a
# loop, so that LLVM leaves the call standing, the tuple is handed over with a count of references for each of its arrays,
# up and down again at every call; in an inner loop that is many times the work itself. inline="always" writes the
# method's lines into the caller before types are known, and the counting is gone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check numba==0.68.1 numpy==2.4.6
cat > measure.py <<'END'
import timeit
from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload_method


class Tiles(NamedTuple):
    low: np.ndarray
    width: np.ndarray
    shape: np.ndarray
    offsets: np.ndarray


def nanoseconds(name, inline):
    def look_up(tiles, s, i):
        def tile_of(tiles, s, i):
            tile = i
            for k in range(len(tiles.shape)):
                place = int((s[k] - tiles.low[k]) / tiles.width[k] + tiles.offsets[i, k])
                tile = tile * tiles.shape[k] + min(max(place, 0), tiles.shape[k] - 1)
            return tile, 1.0

        return tile_of

    overload_method(types.NamedTuple, name, inline=inline)(look_up)
    found = {"np": np}
    exec(
        f"""
def walk(w, tiles, n):
    s, total = np.zeros(2), 0.0
    for t in range(n):
        s[0] = 1e-6 * t
        for i in range(len(tiles.offsets)):
            number, x = tiles.{name}(s, i)
            total += w[number] * x
    return total
""",
        found,
    )
    walk = njit(found["walk"])
    offsets = np.arange(16.0).reshape(8, 2) / 8
    tiles = Tiles(np.zeros(2), np.full(2, 0.1), np.full(2, 12), offsets)
    w = np.ones(8 * 144)
    walk(w, tiles, 10)
    return min(timeit.repeat(lambda: walk(w, tiles, 20_000), number=1, repeat=9)) / 20_000 / 8 * 1e9


called, written = nanoseconds("called", "never"), nanoseconds("written", "always")
print(f"a step of the loop takes {called:.0f} ns with the method called, {written:.0f} ns with it written in place")
assert called > 4 * written, "changed"
END
venv/bin/python measure.py
