"""What has moved since the lock, and what it breaks: `make newest`, which installs the newest into .venv-newest first.

Compares what is installed beside this Python with constraints.txt, runs every test, and prints one table. Exits with 1
if a test fails: then the bounds in pyproject.toml, or the book, have to change before the next `make lock`.
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from xml.etree import ElementTree

from packaging.requirements import Requirement

from check import check
from notebooks import ROOT

REPORT = ROOT / "_build" / "newest.xml"


def locked():
    """The versions of constraints.txt that hold for this Python on this machine: {name in its normal form: version}."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {r.name: next(iter(r.specifier)).version for r in requirements if r.marker is None or r.marker.evaluate()}


def installed(name):
    """The version that is installed, without the part that names a build (2.13.0+cpu), or None."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


def moved():
    """(name, locked version, installed version) of each package that differs."""
    pairs = [(name, then, installed(name)) for name, then in locked().items()]
    return [(name, then, now) for name, then, now in pairs if now not in (then, None)]


def broken(report):
    """(test, first line of its failure) of each test that failed, from pytest's JUnit file."""
    for case in ElementTree.parse(report).iter("testcase"):
        for failure in (*case.iter("failure"), *case.iter("error")):
            yield f"{case.get('classname')}::{case.get('name')}", failure.get("message", "").partition("\n")[0]


if __name__ == "__main__":
    status = check(f"--junitxml={REPORT}", RLBOOK_UNLOCKED="1")
    print(f"\n{'package':30}{'locked':>16}{'newest':>16}")
    for row in moved() or [("nothing moved", "", "")]:
        print("{:30}{:>16}{:>16}".format(*row))
    print("\nwhat broke")
    for test, message in list(broken(REPORT)) or [("nothing", "")]:
        print(f"  {test}  {message[:100]}")
    sys.exit(status)
