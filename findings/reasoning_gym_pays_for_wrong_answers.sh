#!/usr/bin/env bash
# reasoning-gym 0.1.25 (Python 3.11): what some of its scorers pay for wrong answers.
#
# Each of its data sets has a score_answer, which one would take for a check of the answer, 1 for a right one and little
# or nothing for all else. Seen: puzzle24 pays 1 for four numbers of one's own that make 24, whatever numbers were given,
# and cuts a value off to a whole number first, so that 24.67 is 24; game_of_life_halting pays 1 for any text;
# coin_flip pays 1 for "0" nearly everywhere; and the usual score of numbers pays its share of the length for the right
# answer with another digit before or behind it. A small policy that is trained on puzzle24 says 6 + 6 + 6 + 6 after a
# hundred steps (benchmarks/holes.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check reasoning-gym==0.1.25
cat > scores.py <<'END'
import reasoning_gym


def mean_score(name, answer):
    game = reasoning_gym.create_dataset(name, size=50, seed=0)
    wrong = [entry for entry in game if answer(entry) != entry["answer"]]
    return sum(game.score_answer(answer(entry), entry) for entry in wrong) / len(wrong)


for name, said, answer, least in [
    ("puzzle24", "6 + 6 + 6 + 6", lambda entry: "6 + 6 + 6 + 6", 1),
    ("puzzle24", "5 * 5 - 1 / 3", lambda entry: "5 * 5 - 1 / 3", 1),
    ("game_of_life_halting", "no idea", lambda entry: "no idea", 1),
    ("coin_flip", "0", lambda entry: "0", 0.8),
    ("chain_sum", "the right answer and a 0", lambda entry: entry["answer"] + "0", 0.5),
]:
    paid = mean_score(name, answer)
    print(f"{name:22}{said:28}{paid:.3f}")
    assert paid >= least, "changed: what is paid for a wrong answer"
END
venv/bin/python scores.py
