"""How pytest runs the whole book: notebooks beside unit tests, each in one process from its first cell to its last.

`make test` gives every group of tests that belong together to one of the workers of pytest-xdist, the longest first.
nbval runs the notebooks and compares the cells marked `# NBVAL_CHECK_OUTPUT`; here the rest of what a second run must
not do is asked of every cell: show other kinds of things than the stored run did, or write to stderr.

    pytest --chapters 15          what belongs to chapter 15: its notebooks, their tests, the tests of what it imports
"""

import re
from collections import Counter

import nbformat
import pytest
from nbval.plugin import IPyNbCell
from xdist.scheduler import LoadScopeScheduling

from notebooks import ROOT, modules, promised_seconds, unexpected_outputs

CHAPTERS = {path.stem: path for path in sorted((ROOT / "chapters").glob("*.ipynb"))}


def pytest_addoption(parser):
    parser.addoption("--chapters", default="", metavar="NUMBERS", help='only what belongs to these, such as "07 15"')


def pytest_configure(config):
    chosen(config.getoption("--chapters"))  # an unknown one is refused before anything is read


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if wanted := chosen(config.getoption("--chapters")):
        keep_what_belongs(wanted, config, items)
    seconds = seconds_of_groups(items)
    items.sort(key=lambda item: -seconds[group(item.nodeid)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """xdist's own groups, by marks, are without effect with pytest 9.2: its scheduler is told of ours by name."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = group
    return scheduler


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    compare = item.compare_outputs
    item.compare_outputs = lambda outputs, stored: compare(shown(item, outputs), stored)
    yield
    if complaints := list(unexpected_outputs(item.cell.outputs, shown(item, item.test_outputs))):
        item.raise_cell_error("; ".join(complaints))


def shown(item, outputs):
    """The outputs of a cell's run. nbval keeps no history, and without one IPython overlooks the semicolon at the end."""
    quiet = item.cell.source.rstrip().endswith(";")
    return [output for output in outputs if not (quiet and output.output_type == "execute_result")]


def read(chapter):
    return nbformat.read(CHAPTERS[chapter], as_version=4)


def chosen(numbers):
    """The chapters that the option names."""
    wanted = re.findall(r"\d+", numbers)
    if unknown := {number for number in wanted if not any(c.startswith(f"{number}-") for c in CHAPTERS)}:
        raise pytest.UsageError(f"--chapters: no chapter {', '.join(sorted(unknown))}; there are {', '.join(CHAPTERS)}")
    return [chapter for chapter in CHAPTERS if chapter.split("-")[0] in wanted]


def keep_what_belongs(wanted, config, items):
    """Deselect what neither names one of the wanted chapters nor tests a module that one of them imports."""
    words = {word for chapter in wanted for module in modules(read(chapter)) for word in module.split(".")}
    kept, left = [], []
    for item in items:
        belongs = item.path.stem.removeprefix("test_") in words or any(chapter in item.nodeid for chapter in wanted)
        (kept if belongs else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def group(nodeid):
    """What has to run in one process: a file, or its tests of one chapter."""
    file, _, test = nodeid.partition("::")
    return file + "".join(f"[{chapter}]" for chapter in CHAPTERS if f"[{chapter}" in test)


def seconds_of_groups(items):
    """About how long each group takes: what its chapter says at its head, and ten seconds for a test marked as slow."""
    seconds = Counter()
    for item in items:
        seconds[group(item.nodeid)] += 10 * ("slow" in item.keywords)
    promised = {chapter: promised_seconds(read(chapter)) for chapter in CHAPTERS}
    for name in seconds:
        seconds[name] += sum(promised[chapter] for chapter in CHAPTERS if chapter in name)
    return seconds
