#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0 (Python 3.11): the mark xdist_group, and with it --dist loadgroup, has no effect.
#
# Tests that share something a process has only once (a notebook's kernel, a port, a database) are kept on one worker by
# @pytest.mark.xdist_group("name") and --dist loadgroup, as xdist's documentation says. A good guess: on versions that
# install together without a complaint, a group runs on one worker. Seen: its tests alternate between the workers. xdist
# hands the group on by a suffix that it writes into a private attribute of each test, Node._nodeid, which pytest 9.2 no
# longer reads; no error and no warning. (--dist loadfile and loadscope work: they look at the name alone.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 pytest-xdist==3.8.0
cat > test_group.py <<'END'
import time

import pytest


@pytest.mark.xdist_group("one kernel")
@pytest.mark.parametrize("i", range(8))
def test_of_one_group(i, worker_id):
    with open("workers.txt", "a") as file:
        print(worker_id, file=file)
    time.sleep(0.2)
END
venv/bin/python -m pytest -q -n 2 --dist loadgroup test_group.py
workers=$(sort -u workers.txt | wc -l)
echo "workers that ran tests of the one group: $workers"
[ "$workers" = 2 ] || { echo "changed: the group stays together"; exit 1; }
