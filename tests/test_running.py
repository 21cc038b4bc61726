"""Cells that never end, end their kernel, or eat the machine: what it costs, what is lost, what is left behind."""

import os
import threading
import time

import psutil
import pytest

from grading import remarks
from grading.processes import MARK, end_orphans
from grading.released import name
from grading.running import Cancelled, run
from small_course import REFERENCE, notebook

SECONDS = 4
ENDLESS = "    while True:\n        try:\n            pass\n        except BaseException:\n            pass"


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    monkeypatch.setenv("RLBOOK_CELL_SECONDS", str(SECONDS))
    monkeypatch.setenv("RLBOOK_MEMORY_MB", "500")
    monkeypatch.setenv("RLBOOK_PROCESSES", "10")


def executed(folder, **answers):
    """The reference with other answers, run; how long that took, and the tests that failed."""
    nb = notebook(REFERENCE | {key.replace("_", "-"): source for key, source in answers.items()})
    start = time.monotonic()
    run(nb, folder)
    return nb, time.monotonic() - start, failed(nb)


def failed(nb):
    tests = [cell for cell in nb.cells if "test" in name(cell)]
    return {name(cell) for cell in tests if any(output.output_type == "error" for output in cell.outputs)}


def left_running():
    """The processes of submissions that this process has graded."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get(MARK, "").startswith(f"{os.getpid()}-")
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_run_without_events_says_nothing(tmp_path):
    nb, _, lost = executed(tmp_path)
    assert remarks(nb) == [] and lost == set() and left_running() == []


@pytest.mark.slow
def test_an_endless_loop_costs_one_limit_of_a_cell_and_its_own_exercise(tmp_path):
    """Three tests call it: the first has the limit of a cell, the second a tenth of it, the third is not run."""
    nb, seconds, lost = executed(tmp_path, exercise_1=f"def twice(x):\n{ENDLESS}")
    assert lost == {"exercise-1-test", "exercise-1-test-edges", "exercise-1-test-hidden"}
    stopped = [f"exercise-1-test stopped: it ran for more than {SECONDS} seconds"]
    stopped += ["exercise-1-test-edges stopped: it ran for more than 1 seconds"]
    assert remarks(nb)[:2] == stopped
    assert remarks(nb)[2].startswith("exercise-1-test-hidden was not run: two cells of exercise-1 were stopped")
    assert seconds < SECONDS + 1 + 3 * kernel_seconds(tmp_path)


def kernel_seconds(folder):
    """What a new kernel and the notebook's other cells take on this machine, and until a dead one is noticed."""
    return executed(folder)[1] + 3


@pytest.mark.slow
def test_after_two_stopped_cells_the_rest_has_the_limit_of_one_together(tmp_path):
    """The third slow cell, of another exercise, uses up what is left; what comes after it is not run."""
    nb = notebook(REFERENCE)
    for cell in nb.cells:
        if name(cell) in ("setup", "exercise-1-test", "exercise-2-given"):
            cell.source = "import time\ntime.sleep(60)\n" + cell.source
    start = time.monotonic()
    run(nb, tmp_path)
    seconds = time.monotonic() - start
    stopped = [text.split(" stopped")[0] for text in remarks(nb) if "stopped: it ran" in text]
    assert stopped == ["setup", "exercise-1-test", "exercise-2-given"]
    assert [text.split(" was")[0] for text in remarks(nb) if "not run" in text] == [
        "exercise-2-test",
        "exercise-3-test",
    ]
    assert seconds < 3 * SECONDS + 4 * kernel_seconds(tmp_path)


ENDS = {
    "a dead kernel": ("import os\nos._exit(0)", "ended the Python kernel"),
    "a quiet exit": ("exit()", "ended the Python kernel"),
    "memory": ("hoard = []\nwhile True:\n    hoard.append(bytearray(b'x' * 10_000_000))", "more than 500 MB"),
    "memory of children": (
        "import subprocess, sys, time\n"
        "hog = 'import time; x = b\"x\" * 300_000_000; time.sleep(30)'\n"
        "hogs = [subprocess.Popen([sys.executable, '-c', hog]) for _ in range(3)]\ntime.sleep(30)",
        "more than 500 MB",
    ),
    "processes": (
        "import subprocess, time\nchildren = [subprocess.Popen(['sleep', '77']) for _ in range(20)]\ntime.sleep(30)",
        "more than 10 processes",
    ),
    "processes that start processes": (
        "import os, time\n"
        "tokens, filled = os.pipe()\n"
        "os.write(filled, b'x' * 60)\n"  # 60 forks, and no more if nobody stops them
        "while os.read(tokens, 1):\n"
        "    os.fork()\n    time.sleep(0.02)",
        "more than 10 processes",
    ),
    "processes that leave home": (
        "import subprocess, time\n"
        "for _ in range(20):\n"
        "    subprocess.Popen(['sleep', '77'], start_new_session=True, env={})\ntime.sleep(30)",
        "more than 10 processes",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ENDS)
def test_what_eats_the_machine_or_its_kernel_is_stopped_and_the_rest_goes_on(case, tmp_path, monkeypatch):
    monkeypatch.setenv("RLBOOK_CELL_SECONDS", "30")
    source, why = ENDS[case]
    nb, seconds, lost = executed(tmp_path, exercise_2=source)
    assert lost == {"exercise-2-test"}
    assert [text for text in remarks(nb) if text.startswith("exercise-2 ") and why in text] == remarks(nb) != []
    assert seconds < 25, "it was stopped by its time, not by its size"
    assert left_running() == []


@pytest.mark.slow
def test_what_a_student_left_running_is_gone_afterwards(tmp_path):
    seconds = str(10**6 + os.getpid())  # nobody else sleeps so long
    start = f"import subprocess\ntotal = 6\nsubprocess.Popen(['sleep', '{seconds}'])\n"
    start += f"subprocess.Popen(['sh', '-c', 'sleep {seconds} &'], env={{}})\n"
    start += f"subprocess.Popen(['sleep', '{seconds}'], start_new_session=True)"
    nb, _, lost = executed(tmp_path, exercise_2=start)
    assert lost == set() and remarks(nb) == []
    assert [p for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [""])[-1] == seconds] == []


@pytest.mark.slow
def test_a_cancelled_run_ends_at_once_and_leaves_nothing(tmp_path):
    cancelled = threading.Event()
    threading.Timer(3, cancelled.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        run(notebook(REFERENCE | {"exercise-2": "import time\ntime.sleep(60)"}), tmp_path, cancelled)
    assert time.monotonic() - start < 30 and left_running() == []


def test_orphans_of_a_grading_that_was_killed_are_ended(monkeypatch):
    gone = max(psutil.pids()) + 10_000_000
    orphan = psutil.Popen(["sleep", "81"], env={MARK: f"{gone}-x"})
    ours = psutil.Popen(["sleep", "82"], env={MARK: f"{psutil.Process().pid}-x"})
    try:
        end_orphans()
        assert orphan.wait(5) != 0 and ours.is_running()
    finally:
        ours.kill()
        ours.wait()


@pytest.mark.slow
def test_the_line_of_the_students_own_code_is_noted_also_after_a_new_kernel(tmp_path):
    killer = "import os\nos._exit(0)"
    nb, _, lost = executed(tmp_path, exercise_2=killer, exercise_3="def four_times(x):\n    y = x\n    return y / 0")
    where = {name(cell): cell.metadata["rlbook"]["where"] for cell in nb.cells if "rlbook" in cell.metadata}
    assert lost == {"exercise-2-test", "exercise-3-test"}
    assert where == {"exercise-3-test": {"cell": "exercise-3", "line": 3, "code": "return y / 0"}}
