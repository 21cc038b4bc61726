"""Write constraints.txt, the exact version of everything that pip installs: `make lock`, or python tools/lock.py [FILE].

uv resolves the bounds of pyproject.toml for every extra, every platform and every Python from the lowest that the book
supports; a line with a marker (`; python_full_version >= '3.12'`) holds where the marker does. pip reads the file as
constraints: it installs nothing by itself, and says of what is installed which version.
"""

import subprocess
import sys
import tomllib

from notebooks import ROOT

HEADER = "# The exact versions that `make` installs, written by `make lock`. Bounds stand in pyproject.toml."


def resolve():
    """The lines NAME==VERSION of the newest versions that the bounds allow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = project["requires-python"].removeprefix(">=")
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal"]
    command += ["--python-version", lowest, "--no-annotate", "--no-header", "--quiet", "--upgrade", "--no-cache"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    target = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "constraints.txt")
    target.write_text(f"{HEADER}\n{resolve()}", encoding="utf-8")
    print(f"{target.relative_to(ROOT)}: {len(target.read_text().splitlines()) - 1} lines")
