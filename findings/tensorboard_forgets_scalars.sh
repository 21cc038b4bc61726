#!/usr/bin/env bash
# tensorboard 2.21.0 (torch 2.13.0, Python 3.11): read back in Python, a long curve has lost most of its points.
#
# A run that logs a number at each of 25,000 updates has 25,000 of them in its file. A good guess: EventAccumulator, with
# which notebooks read such files, gives them all, or says that it does not. Seen: Scalars(tag) has 10,000, drawn at random
# by a reservoir (the last one always among them), so that gaps of over ten updates come up, and a single update in which
# something went wrong is as a rule not there: of ten such in this run six are missing. No warning, and len(), max() and
# means over it run. size_guidance={"scalars": 0} gives all of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 tensorboard==2.21.0
cat > forgets.py <<'END'
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

UPDATES, SPIKES = 25_000, range(1_234, 25_000, 2_468)
writer = SummaryWriter("run")
for update in range(1, UPDATES + 1):
    writer.add_scalar("gradient_norm", 1e6 if update in SPIKES else 1.0, update)
writer.close()


def read(**options):
    events = EventAccumulator("run", **options).Reload().Scalars("gradient_norm")
    gap = max(later.step - event.step for event, later in zip(events, events[1:]))
    return len(events), gap, sum(event.value > 1 for event in events)


for name, options in {"as it is": {}, "size_guidance={'scalars': 0}": {"size_guidance": {"scalars": 0}}}.items():
    points, gap, spikes = read(**options)
    print(f"{name}: {points:,} of {UPDATES:,} points, largest gap {gap}, {spikes} of {len(SPIKES)} spikes")
assert read()[0] == 10_000 and read()[1] > 10, "changed: how many points are kept"
assert read(size_guidance={"scalars": 0}) == (UPDATES, 1, len(SPIKES)), "changed: what the option gives"
END
venv/bin/python forgets.py
