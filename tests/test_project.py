"""The project around the book: declared dependencies, light imports, rooms, paths, make targets."""

import ast
import os
import re
import subprocess
import sys
import tomllib

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import newest
from notebooks import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
MODULES = sorted((ROOT / "rlbook").rglob("*.py"))
ROOMS = ("tabular", "approximation", "deep", "language")


def requirements():
    """Everything pyproject.toml asks for from outside."""
    lists = [PROJECT["dependencies"], *EXTRAS.values()]
    return [r for some in lists for r in map(Requirement, some) if r.name != PROJECT["name"]]


def imported(path):
    """The dotted names that a module of the package imports, wherever in it; relative ones made absolute."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def tracked_files():
    """The project's text files: those git knows, and those it would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files are the project's is not known")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("requirement", sorted(set(map(str, requirements()))))
def test_requirement_has_a_lower_and_an_upper_bound(requirement):
    operators = {specifier.operator for specifier in Requirement(requirement).specifier}
    assert operators == {"=="} or (operators & {">=", ">"} and operators & {"<", "<="})


@pytest.mark.parametrize("requirement", sorted(set(map(str, requirements()))))
def test_requirement_is_locked_within_its_bounds(requirement):
    requirement = Requirement(requirement)
    assert requirement.specifier.contains(newest.locked()[canonicalize_name(requirement.name)]), "run `make lock`"


def test_the_lock_holds_one_version_of_each_package_for_any_python():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    locked = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert len(locked) > 150
    assert all([specifier.operator for specifier in r.specifier] == ["=="] and not r.url for r in locked)
    for minor in range(11, 15):
        python = {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"}
        names = [r.name for r in locked if r.marker is None or r.marker.evaluate(python)]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.skipif("RLBOOK_UNLOCKED" in os.environ, reason="run by `make newest`, beside the lock")
def test_what_is_installed_is_what_is_locked():
    moved = [f"{name} is {now}, locked is {then}" for name, then, now in newest.moved()]
    assert moved == [], "run `make setup`; python -m pip install -c constraints.txt -e '.[all]'"


def test_all_is_every_extra_but_those_of_the_authors():
    (everything,) = map(Requirement, EXTRAS["all"])
    assert everything.extras | {"all", "bench", "lock", "minari", "pages"} == set(EXTRAS)


def test_a_package_has_the_same_bounds_in_every_extra():
    bounds = {}
    for requirement in requirements():
        assert bounds.setdefault(requirement.name, requirement.specifier) == requirement.specifier


def test_conda_environment_is_python_pip_and_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    specs = {spec.name.normalized: spec for spec in map(rattler.MatchSpec, conda)}
    assert set(specs) == {"python", "pip"}
    assert str(specs["python"].version) == PROJECT["requires-python"]
    constraints, line = pip["pip"]
    assert constraints == "-c constraints.txt"
    option, project = line.split(maxsplit=1)
    assert option == "-e"
    named = Requirement(project.replace(".", PROJECT["name"], 1))
    assert named.extras == {"all"}


def test_import_takes_under_300_ms_and_loads_nothing_heavy():
    program = (
        "import time; start = time.perf_counter(); import rlbook; seconds = time.perf_counter() - start; import sys;"
        "print(seconds, *{'torch', 'transformers', 'numba', 'matplotlib'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT) for _ in range(3)]
    lines = [run.stdout.split() for run in runs]
    assert min(float(seconds) for seconds, *_ in lines) < 0.3
    assert all(heavy == [] for _, *heavy in lines)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_declared_packages(path):
    runtime = ("plot", "gym", "deep", "language")
    lists = [PROJECT["dependencies"], *(EXTRAS[extra] for extra in runtime)]
    declared = {Requirement(line).name for some in lists for line in some}
    declared = {{"pillow": "PIL"}.get(name, name) for name in declared}  # by the name under which it is imported
    assert {name.split(".")[0] for name in imported(path)} <= declared | sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_from_its_own_room_and_the_ground_floor(path):
    own = path.relative_to(ROOT / "rlbook").parts[0]
    others = {f"rlbook.{room}" for room in ROOMS if room != own}
    assert {".".join(name.split(".")[:2]) for name in imported(path)} & others == set()


def test_no_file_names_a_folder_of_one_machine():
    place = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/[\w.]")
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in place.finditer(text)]
    assert found == []


def test_readme_names_the_make_targets_there_are():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {
        "help",
        "setup",
    }
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named >= {"book", "test", "lab", "notebooks", "exercises", "bench"}
    assert named <= targets | {"help", "setup"}


def test_no_file_holds_the_marks_of_a_merge_that_was_left_half_done():
    mark = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in tracked_files() if mark.search(path.read_bytes())] == []
