"""Every test of the book, as `make test` runs them: unit tests and notebooks together, on all cores.

python tools/check.py                      under another arithmetic than the one that stored the notebooks
python tools/check.py --chapters "07 15"   only what belongs to these chapters
python tools/check.py -x -k sampling       whatever else pytest understands
"""

import os
import subprocess
import sys

from arithmetics import another, environment
from notebooks import JOBS, ROOT, STEADY

PLACES = ("tests", "chapters", "solutions")


def command(*arguments):
    """The command that runs the tests, with more arguments for pytest."""
    workers = ["--numprocesses", str(JOBS), "--dist", "loadscope", "--no-loadscope-reorder"]
    notebooks = ["--nbval-lax", "--nbval-current-env"]
    return [sys.executable, "-m", "pytest", *workers, *notebooks, *arguments, *PLACES]


def check(*arguments, **variables):
    """Run the tests; pytest's exit status."""
    return subprocess.run(command(*arguments), cwd=ROOT, env=environment(another()) | STEADY | variables).returncode


if __name__ == "__main__":
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    sys.exit(check(*sys.argv[1:]))
