"""What an installation without the optional parts says, tried in a Python that does not find them."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "package, use, extra",
    [
        ("gymnasium", "from rlbook.worlds import chain; chain().to_gymnasium()", "gym"),
        ("gymnasium", "from rlbook.mdp import FiniteMDP; FiniteMDP.from_gymnasium(None, 0.9)", "gym"),
        ("matplotlib", "import rlbook.plotting", "plot"),
        ("torch", "import rlbook.deep.networks", "deep"),
        ("torch", "import rlbook.deep.reinforce", "deep"),
        ("gymnasium", "import rlbook.deep.reinforce", "deep"),
        ("torch", "import rlbook.language.grpo", "language"),
        ("torch", "import rlbook.language.exact", "language"),
        ("torch", "import rlbook.language.models", "language"),
        ("transformers", "import rlbook.language.sampling", "language"),
        ("transformers", "import rlbook.language.models", "language"),
    ],
)
def test_a_missing_part_names_the_line_that_installs_it(package, use, extra):
    program = f"import sys; sys.modules['{package}'] = None; {use}"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = run.stderr.strip().splitlines()[-1]
    assert last.endswith(f"needs {package}, which is not installed: pip install 'rlbook[{extra}]'")


def test_everything_else_works_without_them():
    program = (
        "import sys; sys.modules['gymnasium'] = sys.modules['matplotlib'] = sys.modules['torch'] = None;"
        "import rlbook.advantages, rlbook.language.arithmetic, rlbook.language.rewards, rlbook.language.token_mdp;"
        "import rlbook.source, rlbook.statistics, rlbook.tabular.control;"
        "import rlbook.tabular.planning as planning;"
        "from rlbook.worlds import gridworld; print(round(planning.policy_iteration(gridworld()).v[1], 4))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "24.4194\n"
