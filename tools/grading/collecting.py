"""The submissions of a class: from what was handed in to one notebook a student."""

import copy
import io
import re
import shutil
import zipfile
from pathlib import Path

import nbformat

from grading import Refused, remark
from grading.reading import read
from grading.released import ROOT, chapter_of, recognised
from grading.restoring import answered, matched, restore

MOST_BYTES = 100_000_000  # of a notebook in an archive


def submissions(chapter):
    """The folder of each student's submission, in the order of their names."""
    return {path.parent.name: path for path in sorted((ROOT / "submitted").glob(f"*/{chapter}"))}


def fault(path):
    """Why the submitted notebook at `path`, which bears its chapter's name, cannot be graded, or nothing."""
    if not path.exists():
        others = ", ".join(sorted(file.name for file in path.parent.iterdir()))
        return f"no notebook {path.name}" + (f", but {others}" if others else "")
    try:
        notebook = read(path.read_bytes())
    except Refused as error:
        return str(error)
    return other_chapter(notebook, path.stem)


def other_chapter(notebook, chapter):
    """A word if the notebook is not one of `chapter`: another's, or nobody's."""
    if (share := recognised(notebook, chapter)) > 0.5:
        return ""
    best = chapter_of(notebook)
    if best and recognised(notebook, best) > share:
        return f"the notebook of another chapter, {best}"
    if not share and not matched(copy.deepcopy(notebook), chapter):
        return f"no cell of {chapter} is in it"
    return ""


def collect(chapter, folder):
    """Copy `folder` into submitted/: files STUDENT.ipynb, or folders or archives STUDENT that hold the notebook.

    Where there is no notebook, other files go there, so that the student appears in the grades; beside a
    notebook they stay out: a student's numpy.py would be imported by the tests.
    """
    for student, files in handed_in(folder).items():
        target = ROOT / "submitted" / student / chapter
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        notebooks = {where: content for where, content in files.items() if where.endswith(".ipynb")}
        for where, content in ({} if notebooks else files).items():
            (target / Path(where).name).write_bytes(content)
        if notebooks:
            (target / f"{chapter}.ipynb").write_bytes(chosen(notebooks, chapter))


def handed_in(folder):
    """What each student handed in: the contents of files, by their paths."""
    students, spelled = {}, {}
    for path in sorted(Path(folder).glob("[!.]*")):
        own = path.stem if path.is_file() else path.name
        student = re.sub(r"[][*?]", "_", own)  # nbgrader reads these as patterns
        if spelled.setdefault(student, own) != own:
            raise Refused(f"{folder}: {spelled[student]!r} and {own!r} are both the student {student}: rename one")
        base = path.parent if path.is_file() else path
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            where = file.relative_to(base)
            if file.is_file() and is_a_students(where):
                students.setdefault(student, {}).update(unpacked(str(where), file.read_bytes()))
        students.setdefault(student, {})
    return students


def unpacked(where, content):
    """The file, or, of a zip archive with notebooks, these."""
    if not where.endswith(".zip") or not zipfile.is_zipfile(io.BytesIO(content)):
        return {where: content}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inside = [entry for entry in archive.infolist() if entry.filename.endswith(".ipynb")]
        inside = [entry for entry in inside if is_a_students(Path(entry.filename)) and entry.file_size < MOST_BYTES]
        return {f"{where}/{entry.filename}": archive.read(entry) for entry in inside} or {where: content}


def is_a_students(where):
    """Whether the file is a student's own, not what an editor or a system put beside it."""
    return not any(part.startswith((".", "__MACOSX", "__pycache__")) for part in where.parts)


def chosen(notebooks, chapter):
    """The content of the one to be graded: the one with most answers, of these the last; it says which that is."""
    ranked = []
    for where, content in sorted(notebooks.items()):
        notebook, number = opened(content, chapter)
        ranked.append((number, where, notebook, content))
    _, where, notebook, content = max(ranked, key=lambda one: one[:2])
    if notebook is None:
        return content
    if others := [other for other in notebooks if other != where]:
        remark(notebook, f"{len(notebooks)} notebooks: graded is {where}, not {', '.join(others)}")
    return nbformat.writes(notebook).encode()


def opened(content, chapter):
    """The notebook in a file's `content`, and how many exercises it answers: None and -1 if it is none of `chapter`."""
    try:
        notebook = read(content)
    except Refused:
        return None, -1
    if other_chapter(notebook, chapter):
        return None, -1
    return notebook, len(answered(restore(copy.deepcopy(notebook), chapter), chapter))
