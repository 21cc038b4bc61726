"""The exercises: from solutions to the students' notebooks, and from a folder of submissions to the grades.

    python tools/exercises.py generate [CHAPTER ...]          write exercises/ from solutions/
    python tools/exercises.py generate --check [CHAPTER ...]  write nothing; name what is out of date
    python tools/exercises.py grade CHAPTER --from FOLDER     collect, grade, write feedback/ and grades/CHAPTER.csv
    python tools/exercises.py grades CHAPTER                  both again, after grading by hand

The work is nbgrader's, set up by nbgrader_config.py: its own commands and its Formgrader see the same course.
"""

import argparse
import contextlib
import csv
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

import grading

ROOT = Path(__file__).resolve().parent.parent


def course(**settings):
    """nbgrader on this course, quiet; `settings` are of its CourseDirectory."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.merge(Config(CourseDirectory=settings, NbGraderAPI={"log_level": "ERROR"}))
    return NbGraderAPI(config=config)


def chapters():
    """The chapters that have exercises."""
    return sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))


def release(chapter, folder, *, database=False):
    """Write the students' notebook of `chapter` below `folder`; grading compares with its database entry."""
    nbgrader = course(release_directory=str(folder))
    if not database:
        nbgrader.config.merge(Config(SaveCells={"enabled": False}, GenerateAssignment={"no_database": True}))
    result = nbgrader.generate_assignment(chapter, force=True)
    if not result["success"]:
        sys.exit(f"{chapter}: nbgrader cannot make the students' version\n{result.get('log') or result['error']}")
    return Path(folder, chapter, f"{chapter}.ipynb")


def out_of_date(chapter):
    """Whether exercises/ holds anything else for `chapter` than what its solutions give."""
    folder = ROOT / "exercises" / chapter
    with tempfile.TemporaryDirectory() as temporary:
        fresh = release(chapter, temporary)
        there = sorted(path.name for path in folder.glob("[!.]*"))
        return there != [fresh.name] or (folder / fresh.name).read_bytes() != fresh.read_bytes()


def collect(chapter, folder):
    """Copy `folder` into submitted/: files STUDENT.ipynb, or folders STUDENT that hold the notebook.

    Where there is no notebook, other files go there, so that the student appears in the grades; beside a
    notebook they stay out: a student's numpy.py would be imported by the tests.
    """
    handed_in = {}
    for path in sorted(Path(folder).glob("[!.]*")):
        student = re.sub(r"[][*?]", "_", path.stem if path.is_file() else path.name)  # nbgrader reads these as patterns
        files = [path] if path.is_file() else sorted(file for file in path.glob("[!.]*") if file.is_file())
        handed_in.setdefault(student, []).extend(files)
    for student, files in handed_in.items():
        target = ROOT / "submitted" / student / chapter
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        notebooks = [file for file in files if file.suffix == ".ipynb"]
        for file in notebooks or files:
            only = notebooks == [file]
            shutil.copy(file, target / (f"{chapter}.ipynb" if only else file.name))


def fault(path):
    """Why the submitted notebook at `path` cannot be graded, or nothing."""
    if not path.exists():
        others = ", ".join(sorted(file.name for file in path.parent.iterdir()))
        return f"no notebook {path.name}" + (f", but {others}" if others else "")
    try:
        nbformat.validate(nbformat.read(path, as_version=4))
    except Exception as error:  # whatever a file that is no notebook makes of its reader
        return f"not a notebook: {type(error).__name__}"
    return ""


def submissions(chapter):
    """The folder of each student's submission, in the order of their names."""
    return {path.parent.name: path for path in sorted((ROOT / "submitted").glob(f"*/{chapter}"))}


def autograde(chapter):
    """Grade everybody in submitted/; what stops one submission stops only that one."""
    nbgrader = course()
    for student, folder in submissions(chapter).items():
        shutil.rmtree(ROOT / "autograded" / student / chapter, ignore_errors=True)
        shutil.rmtree(ROOT / "feedback" / student / chapter, ignore_errors=True)
        why_not = fault(folder / f"{chapter}.ipynb")
        if why_not:
            forget(chapter, student)
        elif not (result := nbgrader.autograde(chapter, student))["success"]:
            lines = (result.get("log", "") + result["error"]).splitlines()
            errors = [line.strip() for line in lines if re.match(r"\s*[\w.]+(Error|Exception): ", line)]
            why_not = f"not graded, {[*errors, lines[-1]][0]}"
        print(f"{student}: {why_not or 'graded'}", flush=True)


def forget(chapter, student):
    """Take an earlier submission out of the gradebook: what is handed in now cannot be graded."""
    with course().gradebook as gradebook, contextlib.suppress(MissingEntry):
        gradebook.remove_submission(chapter, student)


def feedback(chapter):
    """Write each graded student's notebook, with points and error messages, to feedback/ as a web page."""
    nbgrader = course()
    for student in submissions(chapter):
        if (ROOT / "autograded" / student / chapter).exists():
            result = nbgrader.generate_feedback(chapter, student)
            if not result["success"]:
                print(f"{student}: no feedback\n{result.get('log') or result['error']}", file=sys.stderr)


def exercise(grade_id):
    """exercise-3-test-hidden belongs to exercise-3."""
    return re.match(r"exercise-\d+|.*", grade_id).group()


def row(student, folder, chapter, gradebook):
    """The line of the grades for the submission in `folder`."""
    released = gradebook.find_notebook(chapter, chapter)
    by_hand = {cell.name for cell in released.solution_cells}
    most = {cell.name: cell.max_score for cell in released.grade_cells}
    earned, to_grade = dict.fromkeys(most, 0.0), []
    graded = ROOT / "autograded" / student / chapter / f"{chapter}.ipynb"
    if graded.exists():
        remarks = grading.remarks(nbformat.read(graded, as_version=4))
        for grade in gradebook.find_submission_notebook(chapter, chapter, student).grades:
            earned[grade.name] = grade.score
            if grade.name in by_hand and grade.needs_manual_grade:
                to_grade.append(exercise(grade.name))
    else:
        remarks = [fault(folder / f"{chapter}.ipynb") or "not graded: nbgrader failed on it"]

    def total(points, wanted):
        return f"{sum(points[name] for name in points if wanted(name)):g}"

    exercises = sorted({exercise(name) for name in most}, key=lambda name: (len(name), name))
    points = {e: "" if e in to_grade else total(earned, lambda name, e=e: exercise(name) == e) for e in exercises}
    return {
        "student": student,
        **points,
        "autograded": total(earned, lambda name: name not in by_hand),
        "autograded_max": total(most, lambda name: name not in by_hand),
        "by_hand": total(earned, lambda name: name in by_hand),
        "by_hand_max": total(most, lambda name: name in by_hand),
        "to_grade": " ".join(to_grade),
        "remark": "; ".join(remarks),
    }


def grades(chapter):
    """Write grades/CHAPTER.csv from the gradebook; `autograded` and `by_hand` add up to a student's score."""
    if not submissions(chapter):
        sys.exit(f"submitted/*/{chapter} holds no submission")
    with course().gradebook as gradebook:
        table = [row(student, folder, chapter, gradebook) for student, folder in submissions(chapter).items()]
    path = ROOT / "grades" / f"{chapter}.csv"
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    print(f"{path.relative_to(ROOT)}: {len(table)} students")


def generate(wanted, check):
    stale = []
    for chapter in wanted or chapters():
        if check:
            stale += [chapter] if out_of_date(chapter) else []
        else:
            shutil.rmtree(ROOT / "exercises" / chapter, ignore_errors=True)
            print(release(chapter, ROOT / "exercises").relative_to(ROOT))
    sourceless = {path.name for path in (ROOT / "exercises").glob("[!.]*")} - set(chapters())
    if check and (stale or sourceless):
        sys.exit(f"exercises/ differs from solutions/ in {', '.join(sorted({*stale, *sourceless}))}: run generate")


def main():
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's use of its own database
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("generate")
    command.add_argument("chapters", nargs="*", metavar="CHAPTER")
    command.add_argument("--check", action="store_true")
    command = commands.add_parser("grade")
    command.add_argument("chapter", metavar="CHAPTER")
    command.add_argument("--from", dest="folder", required=True, type=Path)
    command = commands.add_parser("grades")
    command.add_argument("chapter", metavar="CHAPTER")
    arguments = parser.parse_args()

    wanted = arguments.chapters if arguments.command == "generate" else [arguments.chapter]
    if unknown := set(wanted) - set(chapters()):
        parser.error(f"no solutions for {', '.join(sorted(unknown))}; there are {', '.join(chapters())}")
    if arguments.command == "generate":
        return generate(wanted, arguments.check)
    if arguments.command == "grade":
        if not arguments.folder.is_dir():
            parser.error(f"{arguments.folder} is no folder")
        if arguments.folder.resolve().is_relative_to(ROOT / "submitted"):
            parser.error("submitted/ is where the submissions are copied to: give the folder they come from")
        collect(arguments.chapter, arguments.folder)
        with tempfile.TemporaryDirectory() as unneeded:
            release(arguments.chapter, unneeded, database=True)
        autograde(arguments.chapter)
    feedback(arguments.chapter)
    grades(arguments.chapter)


if __name__ == "__main__":
    main()
