"""A submission's cells, put back to what was released, except for the answers.

The released cells that are locked come back whole, hidden tests included, in the place where the submission has them,
or, where it has lost them, before the next one that it has. Answers and a student's own cells stay as they are.
"""

import copy
import re
from difflib import SequenceMatcher

from nbformat import from_dict
from nbgrader.preprocessors import NbGraderPreprocessor

from grading import reading, remark, remarks
from grading.released import as_given, content, contents, exercise, is_answer, is_open, is_test, name, released

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class RestoreCells(NbGraderPreprocessor):
    """`restore`, as a step of nbgrader's own autograde."""

    def preprocess(self, nb, resources):
        nb.cells = [reading.cell(position, cell) for position, cell in enumerate(nb.cells)]
        return restore(nb, resources["nbgrader"]["assignment"]), resources


def restore(nb, chapter):
    """The notebook `nb`, changed: the released cells of `chapter` as they were released, the answers as submitted."""
    cells = released(chapter)
    names = matched(nb, chapter)
    nb.nbformat, nb.nbformat_minor = 4, 5
    nb.metadata = from_dict({"kernelspec": KERNEL, "rlbook": {"remarks": remarks(nb)}})
    nb.cells = [restored(nb, cell, cells[names[i]]) if i in names else own(cell) for i, cell in enumerate(nb.cells)]
    for lost in [key for key in cells if key not in names.values()]:
        put_back(nb, list(cells), cells[lost])
    return nb


def matched(nb, chapter):
    """Which released cell each cell of `nb` is: its name, for its position. By metadata, else by content, else by place."""
    names = by_metadata(nb, released(chapter))
    kept = len(names)
    by_content(nb, contents(chapter), names)
    for key, cell in released(chapter).items():
        if is_answer(cell) and key not in names.values():
            by_place(nb, list(released(chapter)), cell, names)
    if len(names) > kept:
        remark(nb, f"{len(names) - kept} cells had lost their nbgrader metadata: found by their content and place")
    return names


def by_metadata(nb, cells):
    """Of cells with the same name the last one counts; of answers, the last one that is not the untouched stub."""
    found = {}
    for i, cell in enumerate(nb.cells):
        if name(cell) in cells:
            found.setdefault(name(cell), []).append(i)
    names = {}
    for key, places in found.items():
        stub = content(cells[key].cell_type, cells[key].source)
        written = [i for i in places if content(nb.cells[i].cell_type, nb.cells[i].source) != stub]
        names[(written if is_answer(cells[key]) and written else places)[-1]] = key
        if len(places) > 1:
            remark(nb, f"{key} occurs twice: the last one counts")
    return names


def by_content(nb, texts, names):
    """Add to `names` the cells without a name that say what a locked cell says that is not there, in the same order."""
    ours = [key if key in names.values() else text for key, text in texts.items()]
    theirs = [names.get(i) or content(cell.cell_type, cell.source) for i, cell in enumerate(nb.cells)]
    keys = list(texts)
    for a, b, size in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        names |= {b + k: keys[a + k] for k in range(size)}


def by_place(nb, order, answer, names):
    """Add to `names` the cell without a name that is the answer: between its neighbours, or with what it defines."""
    rank = order.index(name(answer))
    before = max((i for i, key in names.items() if order.index(key) < rank), default=-1)
    after = min((i for i, key in names.items() if order.index(key) > rank and i > before), default=len(nb.cells))
    sort = answer.cell_type

    def free(places):
        return [i for i in places if i not in names and (nb.cells[i].cell_type == "code") == (sort == "code")]

    near = exercise(name(answer)) in [exercise(names[i]) for i in (before, after) if i in names]
    between = [i for i in free(range(before + 1, after)) if nb.cells[i].source.strip()]
    if sort == "code":
        here, anywhere = ([i for i in s if defines(nb.cells[i], answer)] for s in (between, free(range(len(nb.cells)))))
        places = here or anywhere or (between if near else [])
    else:
        places = sorted(between, key=lambda i: len(nb.cells[i].source)) if near else []
    if places:
        names[places[-1]] = name(answer)


def defines(cell, answer):
    """Whether `cell` gives a value to one of the names that the stub of the answer has."""
    wanted = re.findall(r"^(?:# *)?(?:def|class) +(\w+)|^(?:# *)?(\w+) *=", as_given(answer), re.MULTILINE)
    given = r"^(?:(?:def|class) +({0})\b|(?:\w[\w, ]*)?\b({0})\b[\w, :]*=(?!=))"
    return any(re.search(given.format(a or b), cell.source, re.MULTILINE) for a, b in wanted)


def restored(nb, cell, released_cell):
    """The released cell, with the source of `cell` if it is an answer; a word about what is changed thereby."""
    new = copy.deepcopy(released_cell)
    new.id = cell.id
    given = content(new.cell_type, as_given(new)), content(new.cell_type, new.source)
    if cell.cell_type != new.cell_type:
        remark(nb, f"{name(new)} was turned into {cell.cell_type}: restored")
    elif new.cell_type == "code" and not is_answer(new) and content("code", cell.source) not in given:
        remark(nb, f"{name(new)} was changed: restored")
    if is_answer(new):
        new.source = cell.source
        if "attachments" in cell and new.cell_type == "markdown":
            new.attachments = cell.attachments
    return new


def own(cell):
    """A cell that the student added: not nbgrader's business."""
    cell.metadata.pop("nbgrader", None)
    return cell


def put_back(nb, order, lost):
    """Put a released cell that is not in `nb` where it belongs; a lost answer in code is lost, and its tests tell."""
    key = name(lost)
    if is_answer(lost) and not is_open(lost):
        return remark(nb, f"{key} was deleted: what needs it fails")
    places = {i: order.index(name(cell)) for i, cell in enumerate(nb.cells) if name(cell)}
    rank = order.index(key)
    earliest = max((i + 1 for i, other in places.items() if other < rank), default=0)
    place = next((i for i, other in places.items() if i >= earliest and other > rank), len(nb.cells))
    new = copy.deepcopy(lost)
    new.id = f"lost-{rank}"
    nb.cells.insert(place, new)
    if is_open(lost):
        remark(nb, f"{key} was deleted: no answer")
    elif is_test(lost) or lost.cell_type == "code":
        remark(nb, f"{key} was deleted: put back")
    return None


def answered(nb, chapter):
    """The exercises of which a restored notebook has an answer that is not the untouched stub."""
    stubs = {key: cell.source.split() for key, cell in released(chapter).items() if is_answer(cell)}
    return [exercise(name(cell)) for cell in nb.cells if is_answer(cell) and cell.source.split() != stubs[name(cell)]]
