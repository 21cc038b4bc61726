"""What the cells of one submission may take of the machine: a kernel and all that it starts, seen as one family.

A limit of the operating system does not serve: on the number of processes it counts all of a user's, on memory each
process alone, and address space is no measure (Numba and PyTorch reserve much more than they use).
"""

import contextlib
import os
import signal
import threading
import time
import uuid
from typing import NamedTuple

import psutil

MARK = "RLBOOK_SUBMISSION"  # in the environment of a kernel and of what it starts: which submission it belongs to
SECONDS = 0.1  # between two looks at a family


class Limits(NamedTuple):
    """For one submission: megabytes of memory, and processes at the same time."""

    megabytes: int
    processes: int


def limits():
    """The limits that the environment sets."""
    return Limits(int(os.environ.get("RLBOOK_MEMORY_MB", "4000")), int(os.environ.get("RLBOOK_PROCESSES", "64")))


class Family:
    """The processes of one kernel: those that carry its mark, those of its session, and the children of either.

    So it finds a process that was sent into the background, one in a session of its own, and one whose environment
    was emptied.
    """

    def __init__(self):
        self.mark = f"{os.getpid()}-{uuid.uuid4().hex}"
        self.members = {}
        self.strangers = set()

    def environment(self):
        """What the kernel is started with: the mark, and, unless it is set, what gives the same digits on every run."""
        return {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"} | os.environ | {MARK: self.mark}

    def look(self):
        """Find who has come and who has gone."""
        there = set(psutil.pids())
        self.strangers &= there
        self.members = {pid: process for pid, process in self.members.items() if process.is_running()}
        for pid in sorted(there - self.strangers - set(self.members)):
            try:
                process = psutil.Process(pid)
                member = self.is_member(process)
            except psutil.Error:  # gone already, or not ours to see
                member = False
            if member:
                self.members[pid] = process
            else:
                self.strangers.add(pid)

    def is_member(self, process):
        if process.ppid() in self.members or process.environ().get(MARK) == self.mark:
            return True
        return hasattr(os, "getsid") and os.getsid(process.pid) in self.members

    def megabytes(self):
        total = 0
        for process in self.members.values():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total / 1e6

    def end(self):
        """Kill them all: whole groups at once, then one by one, each stopped first, so that it starts no other meanwhile."""
        for _ in range(100):
            self.look()
            alive = [process for process in self.members.values() if is_alive(process)]
            if not alive:
                return
            for group in groups(alive):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.suspend()
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.01)


def groups(processes):
    """The process groups of these, but our own; none where a system has no groups."""
    found = set()
    for process in processes if hasattr(os, "getpgid") else []:
        with contextlib.suppress(ProcessLookupError):
            found.add(os.getpgid(process.pid))
    return found - {os.getpgid(0)} if found else found


def is_alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class Watch(threading.Thread):
    """Looks at a family ten times a second, and ends it when it goes over the limits; `broken` says which and how.

    It also ends it when the event `cancelled` is set.
    """

    def __init__(self, family, limits, cancelled):
        super().__init__(daemon=True)
        self.family, self.limits, self.cancelled = family, limits, cancelled
        self.broken = ""
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(SECONDS):
            self.family.look()
            if len(self.family.members) > self.limits.processes:
                self.broken = f"it started more than {self.limits.processes} processes"
            elif self.family.megabytes() > self.limits.megabytes:
                self.broken = f"it used more than {self.limits.megabytes} MB of memory"
            if self.broken or self.cancelled.is_set():
                return self.family.end()

    def stop(self):
        """Look no longer; nothing of the family is left."""
        self.over.set()
        self.join()
        self.family.end()


def end_orphans():
    """Kill what submissions have left running whose grading was itself killed."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            grader = process.environ().get(MARK, "").split("-")[0]
            if grader.isdecimal() and not psutil.pid_exists(int(grader)):
                process.kill()
