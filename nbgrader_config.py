"""The book as an nbgrader course: this folder is the course, each chapter's exercises are one assignment.

RLBOOK_CELL_SECONDS (60) is how long a cell of a submission may run; RLBOOK_MEMORY_MB (4000) and RLBOOK_PROCESSES (64) are
what a submission may use at a time.
"""

import os
import sys
from pathlib import Path

from nbgrader import preprocessors

root = Path(__file__).resolve().parent
sys.path.insert(0, str(root / "tools"))
from grading.restoring import RestoreCells  # noqa: E402
from grading.running import ExecuteEachCell  # noqa: E402

# nbgrader starts `alembic` by its name: find it without an activated environment, too.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "rlbook"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("your answer here")'}
c.ClearSolutions.text_stub = "*Your answer here.*"

c.Autograde.sanitize_preprocessors = [
    RestoreCells,
    preprocessors.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    ExecuteEachCell,
    preprocessors.IgnorePattern,
    preprocessors.LimitOutput,
    preprocessors.SaveAutoGrades,
    preprocessors.CheckCellMetadata,
]

# A cell that runs too long is not interrupted (its code may catch that): its kernel is killed and replaced.
c.Execute.timeout = int(os.environ.get("RLBOOK_CELL_SECONDS", "60"))
c.Execute.interrupt_on_timeout = False
c.Execute.shutdown_kernel = "immediate"
c.Execute.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
# A cell's reply says whether it failed; output that is lost on the way (there was too much) does not matter.
c.Execute.raise_on_iopub_timeout = False

# A warning is no mistake: without this, nbgrader gives a test cell that writes to stderr no points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = ".*"
