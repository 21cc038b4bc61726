"""Run a command under another arithmetic: the same program, its sums rounded as on another processor.

    python tools/arithmetics.py plain make test
    python tools/arithmetics.py avx2 python -m pytest chapters/15-language-as-an-mdp.ipynb --nbval-lax

Rounding is a seed like any other: a sum of many numbers ends in other digits where a processor adds eight at once than
where it adds two, and a network trained for a hundred updates makes another network of that. The libraries choose their
inner loops when they start, and each has a switch for it: PyTorch's own loops, MKL and oneDNN below it, OpenBLAS below
NumPy and SciPy, NumPy's own loops. Compiled Numba loops add one number after the other and need no switch.
"""

import os
import platform
import sys

OWN = "own"  # whatever this machine does by itself; the stored notebooks come from it
X86 = {
    "plain": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    },
}
OTHERS = {"plain": {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "ARMV8"}}  # not tried
SWITCHES = X86 if platform.machine().lower() in ("x86_64", "amd64") else OTHERS
ARITHMETICS = (OWN, *SWITCHES)
ASKED = "RLBOOK_ARITHMETIC"


def another():
    """The arithmetic that was asked for by this script; else one that is not this machine's own, and not the slowest."""
    from torch.backends import cpu

    return os.environ.get(ASKED) or ("avx2" if cpu.get_cpu_capability() == "AVX512" else "plain")


def environment(arithmetic):
    """The environment in which a new process computes under `arithmetic`, one of ARITHMETICS."""
    if arithmetic not in ARITHMETICS:
        raise ValueError(f"arithmetic is {arithmetic!r}, expected one of {', '.join(ARITHMETICS)}")
    return os.environ | SWITCHES.get(arithmetic, {}) | {ASKED: arithmetic}


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ARITHMETICS:
        sys.exit(f"usage: python tools/arithmetics.py {'|'.join(ARITHMETICS)} COMMAND ...")
    os.execvpe(sys.argv[2], sys.argv[2:], environment(sys.argv[1]))
