"""What nbgrader needs added to grade every submission, whatever is in it (named in nbgrader_config.py).

`RestoreCells` puts a submission's cells back to what was released, except for the answers. `ExecuteEachCell`
runs them so that a cell which kills its kernel or never ends loses its own points only. Both note what they
did, for the instructor, in the graded notebook's metadata (`remarks`).
"""

from copy import deepcopy

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader import preprocessors
from nbgrader.api import Gradebook

MOST_CHARACTERS = 2_000_000  # of output that is kept of one cell


def remark(nb, text):
    nb.metadata.setdefault("rlbook", {}).setdefault("remarks", []).append(text)


def remarks(nb):
    """What the grading of this notebook has to tell the instructor."""
    return nb.metadata.get("rlbook", {}).get("remarks", [])


class RestoreCells(preprocessors.OverwriteCells):
    """The released cells as they were released, the answers as they were submitted.

    nbgrader's own step restores the source of a locked cell and the type of any. Here in addition: its
    metadata (a tag can keep a test from being run); of a cell that occurs twice the last one counts; a graded
    cell that was deleted comes back, at the end, as one that earns nothing.
    """

    hide = preprocessors.ClearHiddenTests()

    def preprocess(self, nb, resources):
        nb.metadata.pop("rlbook", None)
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as gradebook:
            released = self.released(gradebook.find_notebook(where["notebook"], where["assignment"]))
        found = []
        for cell in reversed(nb.cells):
            name = cell.metadata.pop("nbgrader", {}).get("grade_id")
            if name in found:
                remark(nb, f"{name} occurs twice: the last one counts")
            elif name in released:
                found.append(name)
                self.restore(cell, released[name], nb)
        graded = [name for name, cell in released.items() if cell.metadata.nbgrader.grade]
        deleted = [self.nothing_for(released[name], nb) for name in graded if name not in found]
        for name, cell in released.items():
            if name not in {*graded, *found} and cell.cell_type == "code":
                remark(nb, f"{name} was deleted: what needs it fails")
        nb, resources = super().preprocess(nb, resources)
        nb.cells += deleted
        return nb, resources

    def released(self, notebook):
        """The cells as released, by their names; a hidden test is not in them."""
        points = {cell.name: cell.max_score for cell in notebook.grade_cells}
        answers = {cell.name for cell in notebook.solution_cells}
        cells = {}
        for cell in notebook.source_cells:
            new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
            flags = {"grade": cell.name in points, "solution": cell.name in answers, "locked": cell.locked}
            flags |= {"points": points[cell.name]} if flags["grade"] else {}
            identity = {"grade_id": cell.name, "checksum": cell.checksum, "cell_type": cell.cell_type}
            metadata = {"nbgrader": {"schema_version": 3, "task": False} | identity | flags}
            cells[cell.name], _ = self.hide.preprocess_cell(new(cell.source, metadata=metadata), {}, 0)
        return cells

    @staticmethod
    def restore(cell, released, nb):
        """What nbgrader leaves as it was submitted; a word about what it restores."""
        flags = released.metadata.nbgrader
        if cell.cell_type != released.cell_type:
            remark(nb, f"{flags.grade_id} was turned into {cell.cell_type}: restored")
        elif released.cell_type == "code" and flags.locked and cell.source != released.source:
            remark(nb, f"{flags.grade_id} was changed: restored")
        cell.metadata = released.metadata
        cell.pop("attachments", None)

    @staticmethod
    def nothing_for(released, nb):
        """A cell for a deleted one, worth 0: a test that fails, an open answer that was not given."""
        name = released.metadata.nbgrader.grade_id
        remark(nb, f"{name} was deleted: 0 points")
        if released.cell_type == "code":
            released.source = f'raise RuntimeError("the test cell {name} was deleted from this notebook: no points")'
        return released


class ExecuteEachCell(preprocessors.Execute):
    """Run a submission to its end, even if a cell ends its kernel or never ends itself.

    Such a cell gets an error; the others go on in a new kernel, in which the cells before it, without those
    that were stopped, are run again.
    """

    STOPS = (DeadKernelError, CellTimeoutError)

    def preprocess(self, nb, resources):
        self.stopped = set()
        self.printed = 0
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        self.printed = 0
        try:
            return super().preprocess_cell(cell, resources, index)
        except self.STOPS as stop:
            if isinstance(stop, CellTimeoutError):
                what = f"stopped: it ran for more than {self.timeout} seconds"
            else:
                what = "ended the Python kernel"
            name = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell {index + 1}")
            remark(self.nb, f"{name} {what}")
            text = f"This cell {what}. The cells after it were run without it."
            cell.outputs.append(new_output("error", ename=type(stop).__name__, evalue=text, traceback=[text]))
            self.stopped.add(index)
            self.run_again(index)
            return cell, resources

    def run_again(self, end):
        """A new kernel, in the state in which the cells before `end` leave it."""
        self._cleanup_kernel()
        self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:end]):
            if index in self.stopped:
                continue
            self.printed = 0
            try:
                self.execute_cell(deepcopy(cell), index)
            except self.STOPS:
                self.stopped.add(index)
                return self.run_again(end)
            finally:
                self.nb.cells[index] = cell

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
