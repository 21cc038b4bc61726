"""The tools that guard the notebooks: each rule has a notebook that breaks it, each comparison a difference it sees."""

import asyncio
import base64
import io
import json
import os
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import arithmetics
import book
import claims
import exercises
import newest
import notebooks
from grading import collecting
from notebooks import ROOT

GOOD = new_output("stream", name="stdout", text="7\n")


def notebook(*outputs, number=1, **metadata):
    code = new_code_cell("print(7)", outputs=list(outputs), execution_count=number, metadata=metadata)
    return new_notebook(cells=[new_markdown_cell("# Seven"), code])


def stored(nb, path):
    path.write_text(notebooks.normalise(nb), encoding="utf-8")
    return path


def test_text_is_read_at_200_words_a_minute_and_code_at_20_lines_also_where_it_is_shown():
    source = new_output("display_data", {"text/markdown": "\n".join(10 * ["line", ""])})
    cells = [new_markdown_cell("word " * 400), new_code_cell("x = 1\n\n" * 20, outputs=[GOOD, source])]
    assert notebooks.reading_minutes(new_notebook(cells=cells)) == 2 + 1 + 0.5


def test_a_notebook_in_the_normal_form_breaks_no_rule_and_stays_as_it_is(tmp_path):
    path = stored(notebook(GOOD, collapsed=True), tmp_path / "good.ipynb")
    assert notebooks.check(path) == []
    assert notebooks.normalise(nbformat.read(path, as_version=4)) == path.read_text(encoding="utf-8")
    assert "collapsed" not in path.read_text(encoding="utf-8")


def test_a_picture_is_stored_with_a_palette():
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), "orange").save(file, "PNG")
    output = new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()})
    normal = nbformat.reads(notebooks.normalise(notebook(output)), as_version=4)
    png = base64.b64decode(normal.cells[1].outputs[0].data["image/png"])
    assert Image.open(io.BytesIO(png)).mode == "P"


@pytest.mark.parametrize(
    "nb, rule",
    [
        (notebook(GOOD, number=2), "numbered 2, not 1"),
        (notebook(GOOD, number=None), "numbered None, not 1"),
        (notebook(new_output("stream", name="stderr", text="careful\n")), "writes to stderr: careful"),
        (notebook(new_output("error", ename="ValueError", evalue="no", traceback=[])), "ends in an error: ValueError"),
        (notebook(new_output("stream", name="stdout", text="/tmp/here\n")), "shows a path of this machine"),
        (notebook(new_output("stream", name="stdout", text="<A at 0x7f0011223344>\n")), "shows a memory address"),
        (notebook(new_output("stream", name="stdout", text="1\r2\n")), "prints a carriage return"),
        (notebook(new_output("stream", name="stdout", text="a.py:3: FutureWarning: soon\n")), "shows a warning"),
        (notebook(GOOD, collapsed=True), "metadata is"),
    ],
)
def test_each_rule_names_the_cell_that_breaks_it(nb, rule, tmp_path):
    path = tmp_path / "bad.ipynb"
    nbformat.write(nb, path)
    broken = notebooks.check(path)
    assert any("cell 2: " in line and rule in line for line in broken), broken


def test_exercises_out_of_date_are_noticed(tmp_path, monkeypatch):
    chapter = exercises.chapters()[0]
    for folder in ("solutions", "exercises"):
        shutil.copytree(exercises.ROOT / folder / chapter, tmp_path / folder / chapter)
    for path in ("nbgrader_config.py", "tools"):
        (tmp_path / path).symlink_to(exercises.ROOT / path)
    monkeypatch.setattr(exercises, "ROOT", tmp_path)
    assert not exercises.out_of_date(chapter)
    path = tmp_path / "exercises" / chapter / f"{chapter}.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Exercise", "Exorcise", 1), encoding="utf-8")
    assert exercises.out_of_date(chapter)
    path.write_text(text, encoding="utf-8")
    (path.parent / "answers.txt").write_text("left over")
    assert exercises.out_of_date(chapter)


def test_a_folder_of_submissions_is_collected_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "ROOT", tmp_path / "course")
    handed_in = tmp_path / "handed-in"
    (handed_in / "bob").mkdir(parents=True)
    for name in ("amy.ipynb", "amy.txt", "bob/any name.ipynb", "bob/numpy.py", "carl [2].txt"):
        (handed_in / name).write_text(name)
    collecting.collect("07", handed_in)
    found = {str(path.relative_to(collecting.ROOT)): path.read_text() for path in collecting.ROOT.rglob("*.*")}
    assert found == {
        "submitted/amy/07/07.ipynb": "amy.ipynb",
        "submitted/bob/07/07.ipynb": "bob/any name.ipynb",
        "submitted/carl _2_/07/carl [2].txt": "carl [2].txt",
    }


@pytest.mark.parametrize(
    "source, what",
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def (:", "SyntaxError"),
        ("import os; os._exit(1)", "DeadKernelError"),
        ("import warnings; warnings.warn('soon', FutureWarning)", "writes to stderr"),
        ("print('/tmp/here')", "shows a path of this machine"),
    ],
)
def test_a_chapter_that_fails_is_reported_and_does_not_stop_the_others(source, what, tmp_path, monkeypatch, capsys):
    for name, code in [("01-bad", source), ("02-good", "assert 1 + 1 == 2")]:
        (tmp_path / "chapters").mkdir(exist_ok=True)
        cells = [new_markdown_cell("30 seconds to run"), new_code_cell(code)]
        nbformat.write(new_notebook(cells=cells), tmp_path / "chapters" / f"{name}.ipynb")
    monkeypatch.setattr(book, "SOURCE", tmp_path)
    paths = sorted((tmp_path / "chapters").glob("*.ipynb"))
    bar = book.tqdm(disable=True)
    bad, good = notebooks.run_all(lambda path: book.run(path, bar), paths)
    assert what in bad.error and good.error == "" and good.checks == 1
    assert "passed" in book.table([bad, good]).splitlines()[2]


def test_two_notebooks_run_at_a_time_and_answer_in_order(monkeypatch):
    """Each waits until the other has begun, so one after the other would wait for ever."""
    monkeypatch.setattr(notebooks, "JOBS", 2)
    begun = {"a": asyncio.Event(), "b": asyncio.Event()}

    async def run(name):
        begun[name].set()
        await asyncio.wait_for(begun["b" if name == "a" else "a"].wait(), timeout=10)
        await asyncio.sleep(0.05 if name == "a" else 0)
        return name

    assert notebooks.run_all(run, ["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("seconds, marked", [(45.0, False), (46.0, True)])
def test_a_chapter_that_takes_half_as_long_again_is_marked(seconds, marked):
    said = book.table([book.Run("01-slow", seconds, 100.0, 3, promised=30, error="")])
    assert ("its head says 30 s" in said) == marked


def test_a_page_with_a_warning_or_a_path_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "HTML", tmp_path)
    pages = {"a": "<p>FutureWarnings are errors</p>", "b": "<pre>x.py:1: FutureWarning: soon</pre>", "c": "in /tmp/x"}
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text)
    b, c = book.blemishes()
    assert b.startswith("b.html shows a warning") and c.startswith("c.html shows a path of this machine: /tmp/x")


PICTURE = new_output("display_data", {"image/png": "", "text/plain": "<Figure>"})
SLIDER = new_output("display_data", {notebooks.WIDGET_VIEW: {}, "text/plain": "interactive"})
SAID = new_output("stream", name="stdout", text="8\n")
NOISE = new_output("stream", name="stderr", text="x.py:1: FutureWarning: soon\n")


@pytest.mark.parametrize(
    "stored, now, complaint",
    [
        ([GOOD, PICTURE], [SAID, PICTURE], None),
        ([PICTURE], [SLIDER, PICTURE], None),
        ([GOOD, PICTURE, GOOD], [PICTURE, GOOD], None),
        ([GOOD], [GOOD, PICTURE], "shows image/png and text/plain, which is not stored"),
        ([PICTURE, PICTURE], [PICTURE], "stores image/png and text/plain, which is no longer shown"),
        ([GOOD], [], "stores text on stdout"),
        ([], [NOISE], "writes to stderr: x.py:1: FutureWarning: soon"),
    ],
)
def test_a_new_run_shows_the_kinds_of_things_that_are_stored(stored, now, complaint):
    said = "; ".join(notebooks.unexpected_outputs(stored, now))
    assert complaint in said if complaint else said == ""


@pytest.mark.slow
def test_every_cell_is_held_to_what_is_stored(tmp_path):
    """As `make test` runs notebooks: words may differ in a cell without a mark, kinds may not; all share a kernel."""
    sources = ["x = 8\nprint(x)", "# NBVAL_CHECK_OUTPUT\nprint(x)"]
    sources += ["import warnings; warnings.warn('soon', FutureWarning)", "# NBVAL_CHECK_OUTPUT\nx;"]
    cells = [
        new_code_cell(source, outputs=stored, execution_count=i + 1)
        for i, (source, stored) in enumerate(zip(sources, [[GOOD], [GOOD], [], []]))
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "four.ipynb")
    options = "-p conftest -p no:cacheprovider --nbval-lax --nbval-current-env --numprocesses 2 --dist loadscope"
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tools")])}
    command += [*options.split(), "four.ipynb"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert "2 failed, 2 passed" in run.stdout, run.stdout[-2000:]
    assert "Cell outputs differ" in run.stdout and "writes to stderr" in run.stdout


def test_the_tests_of_one_chapter_are_its_notebooks_and_those_of_what_it_imports():
    notebooks = [f"{name}.ipynb" for name in ("03-bellman-equations", "07-q-learning")]
    places = [f"chapters/{name}" for name in notebooks] + [f"solutions/{name[:-6]}/{name}" for name in notebooks]
    places += [f"tests/test_{name}.py" for name in ("dyna", "notebooks", "planning")]
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--chapters", "3 03", "--collect-only", "-q", *places]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert "--chapters: no chapter 3; there are 01-bandits, 02-" in refused.stderr
    command[command.index("3 03")] = "03"
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    collected = [line for line in run.stdout.splitlines() if "::" in line]
    assert {line.split("::")[0] for line in collected} == {
        "chapters/03-bellman-equations.ipynb",
        "solutions/03-bellman-equations/03-bellman-equations.ipynb",
        "tests/test_notebooks.py",
        "tests/test_planning.py",
    }
    assert not [line for line in collected if "07-q-learning" in line]


@pytest.mark.parametrize("arithmetic", arithmetics.SWITCHES)
def test_under_another_arithmetic_the_libraries_use_other_loops(arithmetic):
    program = (
        "import torch; import numpy._core._multiarray_umath as loops;"
        "print(torch.backends.cpu.get_cpu_capability(), [name for name, on in loops.__cpu_features__.items() if on])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], env=arithmetics.environment(arithmetic), capture_output=True, text=True
    )
    torch_loops, features = run.stdout.split(" ", 1)
    assert run.stderr == "" and "X86_V4" not in features
    assert torch_loops == {"plain": "DEFAULT", "avx2": "AVX2"}[arithmetic] or "X86" not in features
    assert arithmetic == "avx2" or "X86_V3" not in features


@pytest.mark.parametrize("own, chosen", [("AVX512", "avx2"), ("AVX2", "plain"), ("DEFAULT", "plain")])
def test_the_tests_run_under_another_arithmetic_or_the_one_that_was_asked_for(own, chosen, monkeypatch):
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: own)
    monkeypatch.delenv(arithmetics.ASKED, raising=False)
    assert arithmetics.another() == chosen
    monkeypatch.setattr(os, "environ", arithmetics.environment("own"))
    assert arithmetics.another() == "own"


def test_an_unknown_arithmetic_is_refused():
    with pytest.raises(ValueError, match="expected one of own, plain"):
        arithmetics.environment("exact")


def test_what_moved_and_what_broke_since_the_lock(tmp_path, monkeypatch):
    locked = {"numpy": "1.0", "pytest": newest.installed("pytest"), "not-installed-at-all": "1.0"}
    monkeypatch.setattr(newest, "locked", lambda: locked)
    assert newest.moved() == [("numpy", "1.0", np.__version__)]
    (tmp_path / "test_it.py").write_text("def test_good():\n    pass\ndef test_bad():\n    assert 1 == 2, 'moved'\n")
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider", str(tmp_path)]
    subprocess.run(command, capture_output=True, cwd=tmp_path)
    [(test, message)] = newest.broken(report)
    assert test == "test_it::test_bad" and "moved" in message


CLAIMS = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=400)
assert abs(x.mean()) < 4 / 20
assert np.all(np.abs(x[:2]) < 8) and x.max() > 1
assert all(len(word) <= limit for word, limit in [("a", 1), ("bb", 3)])
assert {1} <= {1, 2}
assert x[0] < -100
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Three runs of a notebook with five claims, of which one is wrong."""
    path = tmp_path_factory.mktemp("claims") / "01-claims.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(CLAIMS)]), path)
    run = subprocess.run(
        [sys.executable, claims.__file__, "--work", str(path), "--seeds", "0,1,2"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_both_sides_of_a_claim_are_recorded_under_each_seed(measured):
    x = np.random.default_rng(0).normal(size=400)
    [_, first], *others = measured
    assert [holds for _, _, holds, _ in first] == [True, True, True, True, False]
    assert first[0][3] == [["error", pytest.approx(x.mean()), 0.2]]
    assert first[1][3] == [["error", pytest.approx(v), 8] for v in x[:2]] + [["order", 1, pytest.approx(x.max())]]
    assert first[2][3] == [["order", 1, 1], ["order", 2, 3]]
    assert first[3][3] == []
    assert all(said[0][3][0][1] != first[0][3][0][1] for _, said in others)


def test_the_table_counts_failures_and_estimates_their_chance(measured, tmp_path):
    path = tmp_path / "01-claims.ipynb"
    table = list(claims.rows(path, [[seed, "own", said] for seed, said in measured]))
    assert [row["failed"] for row in table] == [0, 0, 0, 0, 3]
    assert [row["runs"] for row in table] == [3] * 5
    assert float(table[4]["chance_of_failure"]) > 0.999 and table[3]["chance_of_failure"] == ""
    assert "FAILS cell 1: x[0] < -100" in claims.line(path, [[[0, "own", measured[0][1]]]])


def test_the_chance_of_an_error_beyond_four_deviations():
    """Two-sided for an error with a sign: twice the tail of a normal variable beyond 4, 6.3e-5."""
    errors = np.random.default_rng(0).normal(size=4000)
    signed = claims.chance_of_failure([[["error", error, 4.0]] for error in errors])
    unsigned = claims.chance_of_failure([[["size", abs(error), 4.0]] for error in errors])
    assert 3e-5 < signed < 1.2e-4 and 3e-5 < unsigned < 1.2e-4
    assert claims.chance_of_failure([[["order", 1.0, 2.0]]] * 5) == 0


def test_unit_tests_are_measured_too(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import numpy as np\n"
        "def test_mean():\n"
        "    x = np.random.default_rng(0).normal(size=400)\n"
        "    assert abs(x.mean()) < 0.3\n"
        "    assert x.max() > 1.5 and len(x) == 400\n"
        "    assert x.std() > 0.5\n"
        "def test_wrong():\n"
        "    assert np.random.default_rng(0).random() > 2\n"
        "def test_sum():\n"
        "    x = 1 + 1\n"
        "    assert x < 3\n"
    )
    answers = claims.ask_tests(tmp_path / "test_it.py", "own", [1, 2])
    wrong, mean, spread, exact = answers[0][2]
    assert wrong == ["test_wrong", "passes", False, []]
    x = np.random.default_rng([1, 0]).normal(size=400)
    assert mean[:3] == [4, "abs(x.mean()) < 0.3", True] and mean[3] == [["size", pytest.approx(abs(x.mean())), 0.3]]
    assert spread[3] == [["order", 0.5, pytest.approx(x.std())]]
    assert exact == [11, "x < 3", True, [["order", 2.0, 3.0]]]
    assert exact not in answers[1][2], "a test that draws nothing is asked once"
    assert answers[1][2][1][3][0][1] != mean[3][0][1]
