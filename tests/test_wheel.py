"""The package as others get it: a wheel, in a folder of its own, out of reach of the checkout it was built from."""

import subprocess
import sys

import pytest

from notebooks import ROOT

PROGRAM = """
import sys
sys.path = [where] + [path for path in sys.path if path not in ("", here) and not path.startswith(here + "/rlbook")]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
import numpy as np, torch
import rlbook
from rlbook.language.arithmetic import sums
from rlbook.language.grpo import grpo
from rlbook.language.models import load
from rlbook.language.rewards import exact_match

model, tokenizer = load("arithmetic", device="cpu")
prompts, answers = sums(held_out=False)
before = [p.clone() for p in model.parameters()]
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
settings = dict(steps=1, max_new_tokens=4, columns={"answer": answers}, rng=np.random.default_rng(0))
(step,) = grpo(model, tokenizer, prompts, exact_match, optimizer, **settings)
assert any((p != q).any() for p, q in zip(model.parameters(), before)), "nothing was learned"
print(rlbook.__file__, step.step, len(step.completions))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that holds the wheel, unpacked, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("rlbook-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "there"), str(wheel)], check=True
    )
    return folder / "there"


def test_the_wheel_works_alone(installed, tmp_path):
    program = f"where, here = {str(installed)!r}, {str(ROOT)!r}\n{PROGRAM}"
    run = subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    file, step, completions = run.stdout.split()
    assert file == str(installed / "rlbook" / "__init__.py")
    assert (step, completions) == ("1", "64")


def test_the_wheel_holds_the_package_and_no_more(installed):
    top = {path.name for path in installed.iterdir()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"rlbook"}
    packed = {str(path.relative_to(installed)) for path in (installed / "rlbook").rglob("*") if path.is_file()}
    committed = {str(path.relative_to(ROOT)) for path in (ROOT / "rlbook").rglob("*") if path.is_file()}
    passing = ("__pycache__", ".nbi", ".nbc", ".pyc")
    assert {p for p in packed if not any(x in p for x in passing)} == {
        p for p in committed if not any(x in p for x in passing)
    }
