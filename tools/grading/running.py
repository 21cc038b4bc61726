"""A submission's cells, run so that one that never ends, or kills its kernel, loses its own points only."""

import re
import threading
import time
from copy import deepcopy

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader import preprocessors

from grading import remark
from grading.processes import Family, Watch, limits
from grading.released import exercise, is_answer, is_test, name, settings

MOST_CHARACTERS = 2_000_000  # of output that is kept of one cell
STOPS = (DeadKernelError, CellTimeoutError)


class Cancelled(Exception):
    """The grading itself is being ended."""


def run(nb, folder, cancelled=None):
    """Run the restored notebook `nb` in `folder`, in place; `cancelled`, an Event, ends it early with Cancelled."""
    execute = ExecuteEachCell(config=settings())
    execute.cancelled = cancelled or threading.Event()
    resources = {"metadata": {"path": str(folder)}}
    for step in (execute, preprocessors.IgnorePattern(config=settings()), preprocessors.LimitOutput(config=settings())):
        nb, _ = step.preprocess(nb, resources)


class ExecuteEachCell(preprocessors.Execute):
    """Run a submission to its end, even if a cell ends its kernel, never ends itself, or eats the machine.

    Such a cell gets an error; the others go on in a new kernel, in which the cells before it, without those
    that were stopped, are run again. What an endless loop costs is bounded: once it has cost a cell's limit, the other
    cells of its exercise have a tenth of that, and after two of them no further one is run; once two cells of the
    notebook have been stopped, all that is left has the limit of one cell together.
    """

    cancelled = threading.Event()

    def preprocess(self, nb, resources):
        self.stopped = {}  # the exercise of each cell that was stopped, by the cell's position
        self.took = {}  # the seconds of each cell that was not
        self.numbers = {}  # which cell the running kernel calls In[n]
        self.printed = 0
        self.deadline = None
        self.again = None  # the position of the cell that is run a second time
        self.timeout_func = self.seconds_for
        return super().preprocess(nb, resources)

    def start_new_kernel(self, **kwargs):
        self.family = Family()
        super().start_new_kernel(env=self.family.environment(), **kwargs)
        self.watch = Watch(self.family, limits(), self.cancelled)
        self.numbers = {}

    def _cleanup_kernel(self):
        self.watch.stop()
        super()._cleanup_kernel()

    def seconds_for(self, cell):
        """How long the cell may run."""
        seconds = self.timeout
        if self.again is not None:
            seconds = min(seconds, 3 * self.took.get(self.again, seconds) + 5)
        elif exercise(name(cell)) in self.stopped.values():
            seconds = max(1, seconds / 10)
        return seconds if self.deadline is None else min(seconds, max(1, self.deadline - time.monotonic()))

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code" or not cell.source.strip():
            return cell, resources
        if why_not := self.not_run(cell):
            fail(cell, "NotRun", f"This cell was not run: {why_not}.")
            if is_test(cell):
                remark(self.nb, f"{name(cell)} was not run: {why_not}")
            return cell, resources
        self.printed = 0
        start = time.monotonic()
        try:
            super().preprocess_cell(cell, resources, index)
        except STOPS as stop:
            self.stop(cell, index, stop, time.monotonic() - start)
        else:
            self.took[index] = time.monotonic() - start
            self.numbers[cell.execution_count] = index
            self.blame(cell)
        return cell, resources

    def not_run(self, cell):
        """Why the cell is not run: its exercise or the notebook has had its time."""
        this = exercise(name(cell))
        if is_test(cell) and list(self.stopped.values()).count(this) >= 2:
            return f"two cells of {this} were stopped before it"
        if self.deadline is not None and time.monotonic() > self.deadline:
            return f"after two stopped cells, the rest took more than {self.timeout} seconds"
        return ""

    def stop(self, cell, index, stop, seconds):
        """Mark the cell as stopped, and go on in a new kernel."""
        if self.cancelled.is_set():
            raise Cancelled from stop
        if self.watch.broken:
            what = f"stopped: {self.watch.broken}"
        elif isinstance(stop, CellTimeoutError):
            what = f"stopped: it ran for more than {seconds:.0f} seconds"
        else:
            what = "ended the Python kernel"
        remark(self.nb, f"{label(cell, index)} {what}")
        fail(cell, type(stop).__name__, f"This cell {what}. The cells after it were run without it.")
        self.count(index)
        self.run_again(index)

    def count(self, index):
        """Count the cell among the stopped ones; the second one sets a limit to all that is left."""
        self.stopped[index] = exercise(name(self.nb.cells[index])) or f"cell {index + 1}"
        if len(self.stopped) >= 2 and self.deadline is None:
            self.deadline = time.monotonic() + self.timeout

    def run_again(self, end):
        """A new kernel, in the state in which the cells before `end` leave it."""
        self._cleanup_kernel()
        self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:end]):
            if index not in self.took or index in self.stopped:
                continue
            self.printed = 0
            self.again = index
            second = deepcopy(cell)
            try:
                self.execute_cell(second, index)
                self.numbers[second.execution_count] = index
            except STOPS as stop:
                if self.cancelled.is_set():
                    raise Cancelled from stop
                remark(self.nb, f"{label(cell, index)} was stopped when it was run again")
                self.count(index)
                return self.run_again(end)
            finally:
                self.again = None
                self.nb.cells[index] = cell
        return None

    def blame(self, cell):
        """Note the line of the student's own code, if there is one, in which the cell's error arose."""
        for error in [output for output in cell.outputs if output.output_type == "error"]:
            text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
            places = [
                (self.numbers.get(int(n)), int(line)) for n, line in re.findall(r"Cell In\[(\d+)\], line (\d+)", text)
            ]
            own = [(i, line) for i, line in places if i is not None and not is_locked(self.nb.cells[i])]
            if own:
                index, line = own[-1]
                lines = self.nb.cells[index].source.splitlines()
                code = lines[line - 1].strip() if line <= len(lines) else ""
                where = {"cell": label(self.nb.cells[index], index), "line": line, "code": code}
                cell.metadata["rlbook"] = {"where": where}

    def on_cell_executed(self, **kwargs):
        """`exit()` answers first and ends the kernel afterwards: blame this cell, not the next one."""
        super().on_cell_executed(**kwargs)
        if any(payload["source"] == "ask_exit" for payload in kwargs["execute_reply"]["content"].get("payload", [])):
            raise DeadKernelError("exit")

    def output(self, outs, msg, display_id, cell_index):
        """Keep a cell's output within bounds (an endless loop prints gigabytes), its error in any case."""
        if msg["msg_type"] != "error":
            self.printed += len(str(msg["content"]))
            if self.printed > MOST_CHARACTERS:
                return None
        return super().output(outs, msg, display_id, cell_index)


def fail(cell, kind, text):
    cell.outputs.append(new_output("error", ename=kind, evalue=text, traceback=[text]))


def label(cell, index):
    return name(cell) or f"cell {index + 1}"


def is_locked(cell):
    return bool(name(cell)) and not is_answer(cell)
