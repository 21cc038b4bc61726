"""The exercises: from solutions to the students' notebooks, and from a folder of submissions to the grades.

    python tools/exercises.py generate [CHAPTER ...]          write exercises/ from solutions/
    python tools/exercises.py generate --check [CHAPTER ...]  write nothing; name what is out of date
    python tools/exercises.py check NOTEBOOK [--exercise N]   for a reader alone: all tests, in words
    python tools/exercises.py pack CHAPTER                    what a class may have, as packed/CHAPTER.zip
    python tools/exercises.py grade CHAPTER --from FOLDER     collect, grade, write feedback/ and grades/CHAPTER.csv
    python tools/exercises.py points CHAPTER STUDENT EXERCISE POINTS [--comment TEXT]    by hand
    python tools/exercises.py grades CHAPTER                  feedback and grades again, after grading by hand
    python tools/exercises.py close CHAPTER                   put a class away; its marks stay

The gradebook is nbgrader's, set up by nbgrader_config.py: its own commands and its Formgrader see the same course.
"""

import argparse
import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import SAWarning
from tqdm import tqdm
from traitlets.config import Config

from grading import Refused, marks
from grading.checking import check
from grading.collecting import collect, fault, submissions
from grading.processes import end_orphans, limits
from grading.reading import read
from grading.released import ROOT, chapters, released, settings
from grading.restoring import restore
from grading.running import run


def course(**folders):
    """nbgrader on this course, quiet; `folders` are of its CourseDirectory."""
    config = settings()
    config.merge(Config(CourseDirectory=folders, NbGraderAPI={"log_level": "ERROR"}))
    return NbGraderAPI(config=config)


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


def grade(chapter, *, jobs, again):
    """Grade who is in submitted/ and was not graded as they are, `jobs` at a time; what stops one stops only that one."""
    end_orphans()
    with tempfile.TemporaryDirectory() as unneeded:
        release(chapter, unneeded, database=True)
    marked, waiting = marks.with_marks(chapter), []
    for student, folder in submissions(chapter).items():
        if why_not := fault(folder / f"{chapter}.ipynb"):
            for top in ("autograded", "feedback"):
                shutil.rmtree(ROOT / top / student / chapter, ignore_errors=True)
            marks.save_nothing(chapter, student)
            print(f"{student}: {why_not}")
        elif again or student not in marked or stamp_of_graded(chapter, student) != stamp(chapter, student):
            waiting.append(student)
        else:
            print(f"{student}: graded before, and the same since")
    cancelled, writing = threading.Event(), threading.Lock()
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(grade_one, chapter, student, writing, cancelled): student for student in waiting}
        try:
            for future in tqdm(as_completed(futures), total=len(futures), unit="student", disable=None):
                failed = future.exception()
                said = f"not graded, {type(failed).__name__}: {failed}" if failed else "graded"
                tqdm.write(f"{futures[future]}: {said}")
        finally:
            cancelled.set()
            pool.shutdown(cancel_futures=True)


def grade_one(chapter, student, writing, cancelled):
    """Run one student's notebook, in a folder of its own; while `writing` is held, put the marks into the gradebook.

    The executed notebook is written last: a submission that has one, with today's stamp, is done.
    """
    nb = read((ROOT / "submitted" / student / chapter / f"{chapter}.ipynb").read_bytes(), collected=True)
    restore(nb, chapter)
    path = marks.autograded(chapter, student)
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir(parents=True)
    run(nb, path.parent, cancelled)
    nb.metadata.rlbook["stamp"] = stamp(chapter, student)
    with writing:
        marks.save(nb, chapter, student)
        marks.replace(path, nbformat.writes(nb).encode())
        feedback(chapter, student)


def stamp(chapter, student):
    """What the grading of a submission depends on, in short."""
    submitted = ROOT / "submitted" / student / chapter / f"{chapter}.ipynb"
    parts = [submitted.read_bytes(), repr(released(chapter)).encode(), repr((limits(), settings().Execute)).encode()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def stamp_of_graded(chapter, student):
    """The stamp of the submission that was graded, if one was."""
    path = marks.autograded(chapter, student)
    return nbformat.read(path, as_version=4).metadata.get("rlbook", {}).get("stamp") if path.exists() else None


def feedback(chapter, student):
    """Write a graded student's notebook, with points and error messages, to feedback/ as a web page, if its marks moved."""
    there = marks.digest(chapter, student)
    note = ROOT / "feedback" / student / chapter / ".marks"
    if note.exists() and note.read_text() == there:
        return None
    result = course().generate_feedback(chapter, student)
    if not result["success"]:
        return print(f"{student}: no feedback\n{result.get('log') or result['error']}", file=sys.stderr)
    note.write_text(there)
    return None


def grades(chapter):
    """Feedback and tables as the gradebook has them now."""
    for student in sorted(marks.with_marks(chapter)):
        if marks.autograded(chapter, student).exists():
            feedback(chapter, student)
    marks.write_grades(chapter)


def pack(chapter, folder):
    """Write folder/CHAPTER.zip: what a class may have, and no solution and no hidden test. Returns its path."""
    path = folder / f"{chapter}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", "--no-deps"]
        subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", temporary, str(ROOT)], check=True)
        (wheel,) = Path(temporary).glob("*.whl")
        packed.write(wheel, f"{chapter}/{wheel.name}")
        packed.write(release(chapter, temporary), f"{chapter}/exercises/{chapter}/{chapter}.ipynb")
        for name in (f"chapters/{chapter}.ipynb", "constraints.txt", "LICENSE"):
            packed.write(ROOT / name, f"{chapter}/{name}")
        packed.writestr(
            f"{chapter}/README.md", LETTER.format(chapter=chapter, wheel=wheel.name, extras=extras(chapter))
        )
    return path


def extras(chapter):
    """What the package needs for a chapter: of tables, of networks, or of language models."""
    number = int(chapter.split("-")[0])
    return "lab,gym" if number < 9 else "lab,deep" if number < 15 else "lab,deep,language"


LETTER = """\
# Exercises: {chapter}

With Python 3.11 or newer, in this folder (on Windows, `.venv\\Scripts\\python` for `.venv/bin/python`):

    python3 -m venv .venv
    .venv/bin/python -m pip install -c constraints.txt "./{wheel}[{extras}]"
    .venv/bin/jupyter lab exercises/{chapter}/{chapter}.ipynb

The chapter that the exercises go with is `chapters/{chapter}.ipynb`.

Write your answers where `NotImplementedError` stands, and run the cells below them: they check the answer and say what is
wrong. Some further checks run when your work is graded, so restart the kernel and run all cells before you hand the
notebook in: a right answer passes from top to bottom. Leave the cells with the checks as they are.
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("generate")
    command.add_argument("chapters", nargs="*", metavar="CHAPTER")
    command.add_argument("--check", action="store_true")
    command = commands.add_parser("check")
    command.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    command.add_argument("--exercise", metavar="N")
    on_a_chapter = {name: commands.add_parser(name) for name in ("pack", "grade", "points", "grades", "close")}
    for command in on_a_chapter.values():
        command.add_argument("chapter", metavar="CHAPTER")
    on_a_chapter["pack"].add_argument("--to", type=Path, default=ROOT / "packed", metavar="FOLDER")
    command = on_a_chapter["grade"]
    command.add_argument("--from", dest="folder", required=True, type=Path, metavar="FOLDER")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="students to grade at the same time")
    command.add_argument("--again", action="store_true", help="also those who were graded and have changed nothing")
    command = on_a_chapter["points"]
    command.add_argument("student", metavar="STUDENT")
    command.add_argument("exercise", metavar="EXERCISE")
    command.add_argument("points", type=float, metavar="POINTS")
    command.add_argument("--comment", metavar="TEXT")
    wanted = parser.parse_args()

    named = wanted.chapters if wanted.command == "generate" else [wanted.chapter] if "chapter" in wanted else []
    if unknown := set(named) - set(chapters()):
        parser.error(f"no solutions for {', '.join(sorted(unknown))}; there are {', '.join(chapters())}")
    if wanted.command == "grade" and not wanted.folder.is_dir():
        parser.error(f"{wanted.folder} is no folder")
    if wanted.command == "grade" and wanted.folder.resolve().is_relative_to(ROOT / "submitted"):
        parser.error("submitted/ is where the submissions are copied to: give the folder they come from")
    if wanted.command == "grade" and wanted.jobs < 1:
        parser.error(f"--jobs {wanted.jobs}: at least one student is graded at a time")
    if wanted.command == "check" and not wanted.notebook.is_file():
        parser.error(f"{wanted.notebook} is no file")
    return wanted


def obey(wanted):
    """Carry out the command; returns the exit status."""
    match wanted.command:
        case "generate":
            generate(wanted.chapters, wanted.check)
        case "check":
            lines, right = check(wanted.notebook, wanted.exercise)
            print(*lines, sep="\n")
            return int(not right)
        case "pack":
            print(pack(wanted.chapter, wanted.to))
        case "grade":
            collect(wanted.chapter, wanted.folder)
            grade(wanted.chapter, jobs=wanted.jobs, again=wanted.again)
            grades(wanted.chapter)
        case "points":
            marks.give_points(wanted.chapter, wanted.student, wanted.exercise, wanted.points, wanted.comment)
            grades(wanted.chapter)
        case "grades":
            grades(wanted.chapter)
        case "close":
            print(marks.close(wanted.chapter).relative_to(ROOT))
    return 0


def main():
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's use of its own database
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be told to end is no reason to leave kernels running
    try:
        sys.exit(obey(arguments()))
    except Refused as why:
        sys.exit(f"{why}")
    except KeyboardInterrupt:
        sys.exit("ended before its end: the same command goes on from here")


if __name__ == "__main__":
    main()
