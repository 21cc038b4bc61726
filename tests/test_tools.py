"""The tools that guard the notebooks: each rule has a notebook that breaks it, each comparison a difference it sees."""

import base64
import io
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import book
import exercises
import notebooks

GOOD = new_output("stream", name="stdout", text="7\n")


def notebook(*outputs, number=1, **metadata):
    code = new_code_cell("print(7)", outputs=list(outputs), execution_count=number, metadata=metadata)
    return new_notebook(cells=[new_markdown_cell("# Seven"), code])


def stored(nb, path):
    path.write_text(notebooks.normalise(nb), encoding="utf-8")
    return path


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
    monkeypatch.setattr(exercises, "ROOT", tmp_path / "course")
    handed_in = tmp_path / "handed-in"
    (handed_in / "bob").mkdir(parents=True)
    for name in ("amy.ipynb", "amy.txt", "bob/any name.ipynb", "bob/numpy.py", "carl [2].txt"):
        (handed_in / name).write_text(name)
    exercises.collect("07", handed_in)
    found = {str(path.relative_to(exercises.ROOT)): path.read_text() for path in exercises.ROOT.rglob("*.*")}
    assert found == {
        "submitted/amy/07/07.ipynb": "amy.ipynb",
        "submitted/bob/07/07.ipynb": "bob/any name.ipynb",
        "submitted/carl _2_/07/carl [2].txt": "carl [2].txt",
    }


@pytest.mark.parametrize(
    "source, what",
    [("1 / 0", "ZeroDivisionError"), ("def (:", "SyntaxError"), ("import os; os._exit(1)", "DeadKernelError")],
)
def test_a_chapter_that_fails_is_reported_and_does_not_stop_the_others(source, what, tmp_path, monkeypatch, capsys):
    for name, code in [("01-bad", source), ("02-good", "assert 1 + 1 == 2")]:
        (tmp_path / "chapters").mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=[new_code_cell(code)]), tmp_path / "chapters" / f"{name}.ipynb")
    monkeypatch.setattr(book, "SOURCE", tmp_path)
    paths = sorted((tmp_path / "chapters").glob("*.ipynb"))
    bar = book.tqdm(disable=True)
    bad, good = (book.run(path, bar) for path in paths)
    assert what in bad.error and good.error == "" and good.checks == 1
    assert "passed" in book.table([bad, good]).splitlines()[2]
