"""The gradebook: what was earned, by tests and by hand, and the tables of a class."""

import csv
import datetime
import hashlib
import io
import shutil
import zipfile
from contextlib import suppress

import nbformat
from nbgrader import preprocessors
from nbgrader.api import Gradebook, MissingEntry

from grading import Refused, remarks
from grading.collecting import fault, submissions
from grading.released import ROOT, exercise, is_answer, is_open, is_test, name, number, released, settings

COURSE = "rlbook"
PUT_AWAY = ("submitted", "autograded", "feedback")  # when a class is closed
GRADEBOOK = f"sqlite:///{ROOT / 'gradebook.db'}"


def gradebook():
    return Gradebook(GRADEBOOK, COURSE)


def autograded(chapter, student):
    return ROOT / "autograded" / student / chapter / f"{chapter}.ipynb"


def with_marks(chapter):
    """The students of whom the gradebook has marks for `chapter`."""
    with gradebook() as book:
        return {submission.student.id for submission in book.assignment_submissions(chapter)}


def save(nb, chapter, student):
    """Put what the tests of the executed notebook say into the gradebook."""
    with gradebook() as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(chapter, student)
    where = {"notebook": chapter, "assignment": chapter, "student": student, "db_url": GRADEBOOK}
    preprocessors.SaveAutoGrades(config=settings()).preprocess(nb, {"nbgrader": where})


def save_nothing(chapter, student):
    """Take what tests gave an earlier submission out of the gradebook: what is handed in now cannot be graded.

    Points given by hand stay, to be looked at again.
    """
    with gradebook() as book, suppress(MissingEntry):
        submitted = book.find_submission_notebook(chapter, chapter, student)
        if all(grade.manual_score is None for grade in submitted.grades):
            return book.remove_submission(chapter, student)
        for grade in submitted.grades:
            grade.needs_manual_grade |= grade.auto_score not in (None, 0) and grade.manual_score is not None
            grade.auto_score = 0
        book.db.commit()
    return None


def digest(chapter, student):
    """What a page of feedback depends on, in short: the executed notebook and its marks."""
    with gradebook() as book:
        submitted = book.find_submission_notebook(chapter, chapter, student)
        said = [(grade.name, grade.score, grade.max_score) for grade in submitted.grades]
        said += [(comment.name, comment.comment) for comment in submitted.comments]
    content = autograded(chapter, student).read_bytes() + repr(sorted(said, key=repr)).encode()
    return hashlib.sha256(content).hexdigest()


def give_points(chapter, student, which, points, comment=None):
    """Give the student `points` by hand for an exercise, in the place of what its tests gave.

    Raises Refused for a name that is not there, with those that are, and for points that cannot be given.
    """
    graded = {key: cell for key, cell in released(chapter).items() if is_test(cell) or is_open(cell)}
    exercises = sorted({exercise(key) for key in graded}, key=number)
    which = which if which.startswith("exercise-") else f"exercise-{which.split('.')[-1]}"
    if which not in exercises:
        raise Refused(f"no exercise {which} in {chapter}; there are {', '.join(exercises)}")
    if student not in submissions(chapter):
        known = ", ".join(submissions(chapter)) or "none"
        raise Refused(f"no submission of {student!r} for {chapter}; there are {shortened(known)}")
    cells = [key for key in graded if exercise(key) == which]
    most = sum(graded[key].metadata.nbgrader.points for key in cells)
    if not 0 <= points <= most:
        raise Refused(f"{which} is worth from 0 to {most:g} points; {points:g} were given")
    with gradebook() as book:
        if student not in {submission.student.id for submission in book.assignment_submissions(chapter)}:
            book.update_or_create_student(student)
            book.update_or_create_submission(chapter, student)
            for grade in book.find_submission_notebook(chapter, chapter, student).grades:
                grade.auto_score, grade.needs_manual_grade = 0, False
        for key in cells:
            grade = book.find_grade(key, chapter, chapter, student)
            grade.manual_score = min(points, graded[key].metadata.nbgrader.points)
            grade.needs_manual_grade = False
            points -= grade.manual_score
        if comment is not None:
            (answer,) = [key for key, cell in released(chapter).items() if is_answer(cell) and exercise(key) == which]
            book.find_comment(answer, chapter, chapter, student).manual_comment = comment
        book.db.commit()


def shortened(text, most=350):
    return text if len(text) <= most else text[:most] + " ..."


def row(student, folder, chapter, book):
    """The line of the grades for the submission in `folder`. An empty cell was not graded yet; 0 is a mark."""
    most = {key: c.metadata.nbgrader.points for key, c in released(chapter).items() if is_test(c) or is_open(c)}
    by_hand = {key for key, cell in released(chapter).items() if is_open(cell)}
    why_not = fault(folder / f"{chapter}.ipynb")
    earned, waiting, again = marks_of(student, chapter, book, most)
    if earned and autograded(chapter, student).exists():
        said = remarks(nbformat.read(autograded(chapter, student), as_version=4))
    else:
        said = [why_not or "not graded yet: grade again"]
        if not why_not:
            waiting |= set(most) - set(earned)
    exercises = sorted({exercise(key) for key in most}, key=number)

    def total(wanted):
        cells = [key for key in most if wanted(key)]
        return "" if waiting & set(cells) else f"{sum(earned.get(key, 0) for key in cells):g}"

    def maximum(wanted):
        return f"{sum(points for key, points in most.items() if wanted(key)):g}"

    sums = {each: lambda key, each=each: exercise(key) == each for each in exercises}
    sums |= {"total": lambda key: True, "autograded": lambda key: key not in by_hand, "by_hand": by_hand.__contains__}
    columns = {}
    for column, wanted in sums.items():
        columns |= {column: total(wanted), f"{column}_max": maximum(wanted)}
    to_grade = sorted({exercise(key) for key in (waiting & by_hand) | again}, key=number)
    return {"student": student, **columns, "to_grade": " ".join(to_grade), "remark": "; ".join(said)}


def marks_of(student, chapter, book, cells):
    """A student's marks for each of the cells, those that wait for a first one by hand, and those to look at again."""
    try:
        grades = book.find_submission_notebook(chapter, chapter, student).grades
    except MissingEntry:
        return {}, set(), set()
    asked = {grade.name for grade in grades if grade.needs_manual_grade}
    by_hand = {grade.name for grade in grades if grade.manual_score is not None}
    return {grade.name: grade.score for grade in grades if grade.name in cells}, asked - by_hand, asked & by_hand


def write_grades(chapter):
    """Write grades/CHAPTER.csv, a line a student, and grades/CHAPTER-by-hand.csv, the open answers by exercise."""
    if not submissions(chapter):
        raise Refused(f"submitted/*/{chapter} holds no submission")
    with gradebook() as book:
        table = [row(student, folder, chapter, book) for student, folder in submissions(chapter).items()]
        answers = [
            line
            for key, cell in released(chapter).items()
            if is_open(cell)
            for line in open_answers(key, chapter, book)
        ]
    for path, lines in {f"{chapter}.csv": table, f"{chapter}-by-hand.csv": answers}.items():
        if lines:
            write_table(ROOT / "grades" / path, lines)
    print(f"grades/{chapter}.csv: {len(table)} students")


def write_table(path, lines):
    path.parent.mkdir(exist_ok=True)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, fieldnames=list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    replace(path, file.getvalue().encode())


def replace(path, content):
    """Write a file as a whole or not at all."""
    half = path.with_name(f".{path.name}.part")
    half.write_bytes(content)
    half.replace(path)


def open_answers(key, chapter, book):
    """What each student wrote to the open question `key`, and what it was worth."""
    marked = {submission.student.id for submission in book.assignment_submissions(chapter)}
    for student in submissions(chapter):
        if student in marked and autograded(chapter, student).exists():
            grade = book.find_grade(key, chapter, chapter, student)
            comment = book.find_comment(key, chapter, chapter, student)
            nb = nbformat.read(autograded(chapter, student), as_version=4)
            given = "" if grade.needs_manual_grade and grade.manual_score is None else f"{grade.score:g}"
            yield {
                "exercise": exercise(key),
                "student": student,
                "points": given,
                "max": f"{grade.max_score:g}",
                "comment": comment.comment or "",
                "answer": next(cell.source for cell in nb.cells if name(cell) == key),
            }


def close(chapter):
    """Put a class away: its files into an archive, its marks under another name in the gradebook; returns the archive.

    grades/CHAPTER.csv stays. The next class of the chapter starts with nothing, whatever its students are called.
    """
    folders = [ROOT / top / student / chapter for top in PUT_AWAY for student in submissions(chapter)]
    if not folders:
        raise Refused(f"submitted/*/{chapter} holds no submission: nothing to close")
    write_grades(chapter)
    when = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    archive = ROOT / "closed" / f"{chapter}-{when}.zip"
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    files += [*sorted((ROOT / "grades").glob(f"{chapter}*.csv")), ROOT / "gradebook.db"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, file.relative_to(ROOT))
    archive.parent.mkdir(exist_ok=True)
    replace(archive, content.getvalue())
    with gradebook() as book:
        book.find_assignment(chapter).name = f"{chapter}-closed-{when}"
        book.db.commit()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another chapter's is there
            folder.parent.rmdir()
    return archive
