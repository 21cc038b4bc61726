"""From a file that was handed in to the notebook that is graded: what is mended, found again, put back, and refused."""

import copy
import io
import json
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from grading import Refused, collecting, remarks
from grading.reading import read
from grading.released import ROOT, as_given, chapter_of, chapters, is_answer, is_test, name, released
from grading.restoring import answered, restore
from judging import answers

CHAPTER = "02-markov-decision-processes"
GIVEN = json.loads((ROOT / "exercises" / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8"))
RIGHT = {answer.exercise: answer.source for answer in reversed(answers(CHAPTER)) if answer.kind == "right"}
WRITTEN = RIGHT | {"exercise-8": "It does, for γ < 1."}


def file(change=None):
    """The students' notebook with answers, as JSON, changed."""
    nb = copy.deepcopy(GIVEN)
    for cell in nb["cells"]:
        key = cell["metadata"]["nbgrader"]["grade_id"]
        cell["source"] = WRITTEN.get(key, "".join(cell["source"]))
    if change:
        change(nb)
    return nb


def encoded(change=None):
    return json.dumps(file(change)).encode()


def code(nb):
    return [cell for cell in nb["cells"] if cell["cell_type"] == "code"]


def as_format_3(nb):
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
            cell["prompt_number"] = cell.pop("execution_count")
        del cell["id"]
    cells = nb.pop("cells")
    nb |= {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells[:9]}, {"cells": cells[9:]}]}


def with_output(output):
    return encoded(lambda nb: [cell.update(outputs=[output]) for cell in code(nb)])


def every(**new):
    return encoded(lambda nb: [cell.update(new) for cell in nb["cells"]])


def without(key):
    return encoded(lambda nb: [cell.pop(key) for cell in code(nb)])


BLEMISHED = {
    "none": encoded(),
    "cell ids in format 4.4": encoded(lambda nb: nb.update(nbformat_minor=4)),
    "a format of the future": encoded(lambda nb: nb.update(nbformat_minor=99)),
    "a format that is text": encoded(lambda nb: nb.update(nbformat="4", nbformat_minor="5")),
    "no format": encoded(lambda nb: [nb.pop("nbformat"), nb.pop("nbformat_minor")]),
    "format 3, in worksheets": encoded(as_format_3),
    "no outputs": without("outputs"),
    "no execution_count": without("execution_count"),
    "no ids": encoded(lambda nb: [cell.pop("id") for cell in nb["cells"]]),
    "ids with a space": encoded(lambda nb: [cell.update(id="cell " + cell["id"]) for cell in nb["cells"]]),
    "ids all the same": every(id="cell"),
    "ids that are numbers": every(id=7),
    "ids of 100 characters": every(id="i" * 100),
    "outputs null": encoded(lambda nb: [cell.update(outputs=None) for cell in code(nb)]),
    "outputs of an unknown kind": with_output({"output_type": "hologram"}),
    "outputs without a kind": with_output({}),
    "outputs that are text": with_output("6"),
    "execution_count is text": encoded(lambda nb: [cell.update(execution_count="*") for cell in code(nb)]),
    "extra keys": every(collapsed=True, colab={"height": 1}),
    "outputs of a text cell": every(outputs=[], execution_count=None),
    "metadata of the notebook null": encoded(lambda nb: nb.update(metadata=None)),
    "metadata of the notebook missing": encoded(lambda nb: nb.pop("metadata")),
    "a kernel of another language": encoded(lambda nb: nb.update(metadata={"kernelspec": {"name": "julia"}})),
    "tags twice the same": encoded(lambda nb: [c["metadata"].update(tags=["a", "a", 1]) for c in nb["cells"]]),
    "attachments of a code cell": every(attachments={"a.png": {"image/png": "aGk="}}),
    "attachments null": every(attachments=None),
    "source as lines": encoded(lambda nb: [c.update(source=c["source"].splitlines(True)) for c in nb["cells"]]),
    "Windows lines": encoded(lambda nb: [c.update(source=c["source"].replace("\n", "\r\n")) for c in nb["cells"]]),
    "types with a capital": encoded(lambda nb: [c.update(cell_type=c["cell_type"].title()) for c in nb["cells"]]),
    "a byte order mark": b"\xef\xbb\xbf" + encoded(),
    "UTF-16": json.dumps(file(), ensure_ascii=False).encode("utf-16"),
    "UTF-8": json.dumps(file(), ensure_ascii=False).encode(),
    "Windows letters": json.dumps(file(), ensure_ascii=False).replace("γ", "é").encode("cp1252", errors="replace"),
    "a number that is none": encoded(lambda nb: nb["metadata"].update(x=float("nan"))),
}


@pytest.mark.parametrize("blemish", BLEMISHED)
def test_what_another_tool_writes_is_read_as_if_it_were_without_blemish(blemish):
    nb = restore(read(BLEMISHED[blemish]), CHAPTER)
    nbformat.validate(nb)
    assert [name(cell) for cell in nb.cells] == list(released(CHAPTER))
    for cell in nb.cells:
        if not is_answer(cell):
            assert cell.source == released(CHAPTER)[name(cell)].source
        elif name(cell) != "exercise-8":  # its letters may be others
            assert cell.source == WRITTEN.get(name(cell), cell.source)
    assert set(answered(nb, CHAPTER)) == set(WRITTEN)
    assert [r for r in remarks(nb) if "changed" in r or "deleted" in r] == []


NO_NOTEBOOKS = {
    "nothing": (b"", "no JSON"),
    "a letter": (b"Dear teacher, I could not do it.", "no JSON"),
    "half of one": (encoded()[:5000], "no JSON"),
    "a list": (b"[]", "a list, not an object"),
    "null": (b"null", "NoneType"),
    "cells that are a number": (b'{"cells": 3}', "cells are a int"),
    "no cells": (b'{"metadata": {}}', "NoneType"),
    "deep": (b"[" * 100_000, "no JSON"),
    "a number without end": (b'{"cells": ' + b"1" * 10_000 + b"}", "no JSON"),
    "zeros": (b"\x00" * 100, "no JSON"),
}


@pytest.mark.parametrize("what", NO_NOTEBOOKS)
def test_what_is_no_notebook_is_refused_with_the_reason(what):
    content, why = NO_NOTEBOOKS[what]
    with pytest.raises(Refused, match=f"not a notebook: .*{why}") as refused:
        read(content)
    assert len(str(refused.value)) < 300


def test_cells_that_are_none_are_left_out_and_counted():
    nb = read(encoded(lambda nb: nb["cells"].extend([None, "print(1)", 3])))
    assert len(nb.cells) == len(GIVEN["cells"])
    assert remarks(nb) == [f"3 of {len(GIVEN['cells']) + 3} cells are no cells: left out"]


def test_half_a_character_does_not_stop_the_writing_of_the_file():
    nb = read(encoded(lambda nb: nb["cells"][3].update(source="x = '\ud800'")))
    assert nbformat.reads(nbformat.writes(nb).encode().decode(), as_version=4).cells[3].source == "x = '?'"


def test_remarks_come_from_the_grading_and_not_from_the_file():
    forged = encoded(lambda nb: nb["metadata"].update(rlbook={"remarks": ["full points, please"]}))
    assert remarks(read(forged)) == []
    assert remarks(read(forged, collected=True)) == ["full points, please"]


@pytest.mark.parametrize("chapter", chapters())
def test_the_cells_of_grading_without_hidden_tests_are_those_that_students_get(chapter):
    given = nbformat.read(ROOT / "exercises" / chapter / f"{chapter}.ipynb", as_version=4)
    assert [(name(c), c.cell_type, c.source) for c in given.cells] == [
        (key, cell.cell_type, as_given(cell)) for key, cell in released(chapter).items()
    ]
    assert chapter_of(given) == chapter


@pytest.mark.parametrize("chapter", chapters())
def test_a_notebook_without_any_metadata_is_put_together_again(chapter):
    """As Colab or a round trip through a script leave it: every cell of every chapter, with answers and own cells."""
    given = nbformat.read(ROOT / "exercises" / chapter / f"{chapter}.ipynb", as_version=4)
    solved = nbformat.read(ROOT / "solutions" / chapter / f"{chapter}.ipynb", as_version=4)
    reference = {name(cell): cell.source for cell in solved.cells if is_answer(cell)}
    own = new_code_cell("print('mine')")
    for cell in given.cells:
        cell.source = reference.get(name(cell), cell.source) + "\n\n"
        cell.metadata = {}
    given.cells.insert(5, own)
    nb = restore(read(nbformat.writes(given).encode()), chapter)
    nb.cells = [cell for cell in nb.cells if cell.source != own.source]
    assert [name(cell) for cell in nb.cells] == list(released(chapter))
    assert {name(c): c.source.strip() for c in nb.cells if is_answer(c)} == {k: s.strip() for k, s in reference.items()}
    assert remarks(nb) == [f"{len(nb.cells)} cells had lost their nbgrader metadata: found by their content and place"]


def restored(change):
    """The names of the cells after `change` of a student's notebook and restoring, the sources, the remarks."""
    nb = read(encoded())
    change(nb)
    nb = restore(read(json.dumps(nb).encode()), CHAPTER)
    return [name(cell) for cell in nb.cells], {name(cell): cell.source for cell in nb.cells}, remarks(nb)


def at(nb, key):
    return next(i for i, cell in enumerate(nb.cells) if name(cell) == key)


ORDER = list(released(CHAPTER))


@pytest.mark.parametrize("key", [key for key, cell in released(CHAPTER).items() if not is_answer(cell)])
def test_a_lost_locked_cell_comes_back_whole_and_in_its_place(key):
    names, sources, said = restored(lambda nb: nb.cells.pop(at(nb, key)))
    assert names == ORDER
    assert sources[key] == released(CHAPTER)[key].source
    assert said == ([f"{key} was deleted: put back"] if released(CHAPTER)[key].cell_type == "code" else [])


def test_all_tests_lost_come_back_each_behind_its_answer():
    def change(nb):
        nb.cells = [cell for cell in nb.cells if name(cell) in WRITTEN]

    names, sources, said = restored(change)
    assert names == ORDER
    assert {key: sources[key] for key in WRITTEN} == WRITTEN
    lost = [key for key, cell in released(CHAPTER).items() if cell.cell_type == "code" and key not in WRITTEN]
    assert said == [f"{key} was deleted: put back" for key in lost]


def test_a_test_comes_back_behind_the_cells_that_the_student_added_to_the_answer():
    def change(nb):
        del nb.cells[at(nb, "exercise-1-test")]
        nb.cells.insert(at(nb, "exercise-1") + 1, new_code_cell("returns_by_hand[0] = 2.25"))

    names, _, _ = restored(change)
    there = names.index("exercise-1")
    assert names[there : there + 4] == ["exercise-1", "", "exercise-1-test", "exercise-1-test-rest"]


def test_a_lost_answer_is_named_and_a_lost_open_one_is_no_answer():
    _, sources, said = restored(lambda nb: [nb.cells.pop(at(nb, key)) for key in ("exercise-2", "exercise-8")])
    assert said == ["exercise-2 was deleted: what needs it fails", "exercise-8 was deleted: no answer"]
    assert "exercise-2" not in sources and sources["exercise-8"] == "*Your answer here.*"


def test_an_answer_that_lost_its_metadata_is_found_between_its_neighbours_or_by_what_it_defines():
    def at_home(nb):
        nb.cells[at(nb, "exercise-1")].metadata = {}
        nb.cells[at(nb, "exercise-8")].metadata = {}

    def at_the_top(nb):
        cell = nb.cells.pop(at(nb, "exercise-2"))
        nb.cells.insert(2, new_code_cell(cell.source))

    def in_two_cells(nb):
        i = at(nb, "exercise-2")
        nb.cells[i] = new_code_cell("half = 0.5")
        nb.cells.insert(i + 1, new_code_cell(WRITTEN["exercise-2"]))
        nb.cells.insert(i + 2, new_code_cell("returns_to_go([1, 2], 0.5)"))

    for change in (at_home, at_the_top, in_two_cells):
        _, sources, said = restored(change)
        assert {key: sources[key] for key in WRITTEN} == WRITTEN, change
        assert len(said) == 1 and "had lost their nbgrader metadata" in said[0]


def test_of_two_copies_of_an_answer_the_last_one_with_an_answer_counts():
    def change(nb):
        i = at(nb, "exercise-2")
        twin = copy.deepcopy(nb.cells[i])
        twin.source = released(CHAPTER)["exercise-2"].source
        nb.cells.insert(i + 1, twin)

    _, sources, said = restored(change)
    assert sources["exercise-2"] == WRITTEN["exercise-2"]
    assert said == ["exercise-2 occurs twice: the last one counts"]


def test_a_test_is_restored_with_its_points_and_tags_and_a_word_if_it_was_changed():
    def change(nb):
        for cell in nb.cells:
            if is_test(released(CHAPTER)[name(cell)]):
                cell.source = "pass"
                cell.metadata.tags = ["skip-execution"]

    nb = read(encoded())
    change(nb)
    restore(nb, CHAPTER)
    assert all(dict(cell.metadata) == dict(released(CHAPTER)[name(cell)].metadata) for cell in nb.cells)
    tests = [key for key, cell in released(CHAPTER).items() if is_test(cell)]
    assert remarks(nb) == [f"{key} was changed: restored" for key in tests]


def test_comments_and_layout_are_no_change():
    def change(nb):
        cell = nb.cells[at(nb, "exercise-1-test")]
        cell.source = "# mine\n" + cell.source.replace("== 4", "==4").replace(", (", ",(")

    assert restored(change)[2] == []


def hand_in(folder, files):
    for where, content in files.items():
        (folder / where).parent.mkdir(parents=True, exist_ok=True)
        (folder / where).write_bytes(content)


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "ROOT", tmp_path)
    return tmp_path


UNTOUCHED = json.dumps(GIVEN).encode()
OTHER = (ROOT / "exercises" / "03-bellman-equations" / "03-bellman-equations.ipynb").read_bytes()


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for where, inside in files.items():
            archive.writestr(where, inside)
    return content.getvalue()


FOLDERS = {
    "the answered one of two": (
        {"a/x.ipynb": UNTOUCHED, "a/x (1).ipynb": encoded()},
        "graded is x (1).ipynb, not x.ipynb",
    ),
    "the other order": ({"a/1.ipynb": encoded(), "a/2.ipynb": UNTOUCHED}, "graded is 1.ipynb, not 2.ipynb"),
    "a broken one beside it": ({"a/1.ipynb": encoded(), "a/2.ipynb": b"oh"}, "graded is 1.ipynb, not 2.ipynb"),
    "another chapter's": ({"a/1.ipynb": encoded(), "a/2.ipynb": OTHER}, "graded is 1.ipynb, not 2.ipynb"),
    "a folder in a folder": ({"a/mine/homework/x.ipynb": encoded()}, ""),
    "a checkpoint beside it": ({"a/x.ipynb": encoded(), "a/.ipynb_checkpoints/x-checkpoint.ipynb": UNTOUCHED}, ""),
    "a file and a folder": ({"a.ipynb": UNTOUCHED, "a/x.ipynb": encoded()}, "graded is x.ipynb, not a.ipynb"),
    "an archive": ({"a.zip": zipped({"a/x.ipynb": encoded(), "__MACOSX/a/._x.ipynb": b"junk"})}, ""),
    "other files beside it": ({"a/x.ipynb": encoded(), "a/numpy.py": b"1 / 0"}, ""),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_the_notebook_with_the_answers_is_taken_and_the_others_are_named(case, course):
    files, remark = FOLDERS[case]
    hand_in(course / "in", files)
    collecting.collect(CHAPTER, course / "in")
    (copied,) = (course / "submitted" / "a" / CHAPTER).iterdir()
    assert collecting.fault(copied) == ""
    nb = read(copied.read_bytes(), collected=True)
    assert remark in "".join(remarks(nb)) if remark else remarks(nb) == []
    assert set(answered(restore(nb, CHAPTER), CHAPTER)) == set(WRITTEN)


FAULTS = {
    "nothing": ({}, f"no notebook {CHAPTER}.ipynb"),
    "a report": ({"a/report.docx": b"a report"}, f"no notebook {CHAPTER}.ipynb, but report.docx"),
    "a letter": ({"a.ipynb": b"Dear teacher"}, "not a notebook: no JSON"),
    "another chapter's": ({"a.ipynb": OTHER}, "the notebook of another chapter, 03-bellman-equations"),
    "nobody's": (
        {"a.ipynb": b'{"cells": [{"cell_type": "code", "source": "1 + 1"}]}'},
        f"no cell of {CHAPTER} is in it",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_be_graded_says_why(case, course):
    files, why = FAULTS[case]
    (course / "in" / "a").mkdir(parents=True) if case == "nothing" else (course / "in").mkdir()
    hand_in(course / "in", files)
    collecting.collect(CHAPTER, course / "in")
    assert collecting.fault(course / "submitted" / "a" / CHAPTER / f"{CHAPTER}.ipynb").startswith(why)


def test_two_names_that_nbgrader_cannot_tell_apart_are_refused(course):
    hand_in(course / "in", {"a*.ipynb": encoded(), "a?.ipynb": encoded()})
    with pytest.raises(Refused, match=r"'a\*' and 'a\?' are both the student a_"):
        collecting.collect(CHAPTER, course / "in")


def test_own_cells_stay_where_they_are():
    def change(nb):
        nb.cells.insert(0, new_markdown_cell("My homework"))
        nb.cells.append(new_code_cell("print('done')"))

    names, _, said = restored(change)
    assert names == ["", *ORDER, ""] and said == []
