"""What nbgrader needs added to grade every submission, whatever is in it.

reading.py     a notebook from any file that still holds one
released.py    the exercises of a chapter as grading knows them, their hidden tests included
restoring.py   a submission's cells, put back to what was released, except for the answers
running.py     its cells, run so that one that never ends, or kills its kernel, loses its own points only
processes.py   what those cells may take of the machine's memory and processes
marks.py       the gradebook: what was earned, by tests and by hand, the table of a class
checking.py    the same for a reader alone, in words

`restoring` and `running` note what they did, for the instructor, in the notebook's metadata (`remarks`).
"""


class Refused(ValueError):
    """What cannot be done, in a sentence for the one who asked."""


def remark(nb, text):
    nb.metadata.setdefault("rlbook", {}).setdefault("remarks", []).append(text)


def remarks(nb):
    """What the grading of this notebook has to tell the instructor."""
    return nb.metadata.get("rlbook", {}).get("remarks", [])
