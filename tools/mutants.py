"""What the checks of the exercises are worth: how many plausible wrong versions of each solution they reject.

    python tools/mutants.py [CHAPTER ...]                   a line an exercise, the survivors with what was changed;
                                                            writes their lines of benchmarks/results/mutants.csv;
                                                            of several chapters, the table of README
    python tools/mutants.py 07 --exercise 4 [--messages]    one exercise, with the message that met each mutant
    python tools/mutants.py --seeds 50 [CHAPTER ...]        whether the verdicts on the solutions and on the answers of
                                                            tests/wrong_answers stay the same under fresh seeds

A mutant is killed by the visible checks if one of them fails, otherwise by the hidden ones. One that no input which the
text allows can tell from the solution is equivalent: it is a line of tests/equivalents/CHAPTER.txt,
`exercise-4 | the change, as it is printed here | the reason`. Those that die of an unknown name are slips of the pen, no
wrong answers. "named": of the mutants of which one can know what a message should speak of (the argument that is ignored,
the factor that is missing, the array that was changed), the share whose message holds that word. "blamed": how many of
these messages hold one of the exercise's known words in what follows their last colon, where the cause stands if one is
stated; "misled": how many of them another mutant's word, and not their own. A word there need not be a blame (`steps` in
"60% of the steps"), so misled counts too many rather than too few.
"""

import argparse
import csv
import multiprocessing
import os
import re
import subprocess
import sys
from collections import Counter
from functools import partial

import numpy as np

from claims import FRESH, moved
from grading.released import ROOT, chapters
from judging import SLIPS, Answer, Chapter, answers, silence

TABLE = ROOT / "benchmarks" / "results" / "mutants.csv"
COLUMNS = ["chapter", "exercise", "mutants", "slips", "visible", "hidden", "equivalent", "survive"]
COLUMNS += ["named", "blamed", "misled"]  # of the messages
JOBS = os.cpu_count() or 1
SECONDS = 12  # of the processor that a mutant may take: many never end


def equivalents(chapter):
    """{(exercise, change): reason} of the listed equivalents."""
    path = ROOT / "tests" / "equivalents" / f"{chapter}.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    split = [line.split(" | ") for line in lines if line.strip() and not line.startswith("#")]
    return {(number, " | ".join(change)): reason for number, *change, reason in split}


def first_failure(said):
    return next((text for text in said.values() if text), None)


def judge(chapter, part, mutants):
    """[(mutant, who killed it: "visible", "hidden", "slip" or "", the message)]."""
    tried = [Answer(part[0].metadata.nbgrader.grade_id, "mutant", mutant.change, mutant.source) for mutant in mutants]
    seen = chapter.judge(part, tried, JOBS, visible_only=True, first_only=True, seconds=SECONDS)
    left = [answer for answer, said in zip(tried, seen) if not first_failure(said)]
    later = iter(chapter.judge(part, left, JOBS, first_only=True, seconds=SECONDS))
    verdicts = []
    for mutant, said in zip(mutants, seen):
        killer = "visible"
        if not (text := first_failure(said)):
            killer, text = "hidden", first_failure(next(later))
        slip = text and text.startswith(SLIPS)
        verdicts.append((mutant, "slip" if slip else killer if text else "", text or ""))
    return verdicts


def row(chapter, number, verdicts, listed):
    """The exercise's line of the table."""
    killed = Counter(killer for _, killer, _ in verdicts)
    survivors = [mutant for mutant, killer, _ in verdicts if not killer]
    excused = sum((number, mutant.change) in listed for mutant in survivors)
    known = [(mutant.about, text) for mutant, killer, text in verdicts if mutant.about and killer == "visible"]
    named = [re.search(about, text) for about, text in known]
    right, wrong = blames(known)
    return {
        "chapter": chapter,
        "exercise": number,
        "mutants": len(verdicts),
        "slips": killed["slip"],
        "visible": killed["visible"],
        "hidden": killed["hidden"],
        "equivalent": excused,
        "survive": len(survivors) - excused,
        "named": f"{sum(map(bool, named)) / len(named):.2f}" if named else "",
        "blamed": right + wrong,
        "misled": wrong,
    }


def blames(known):
    """Of pairs (what it should speak of, message): how many causes speak of that, and how many of another's instead."""
    words = {about for about, _ in known if len(about) > 2} - {"mean"}  # "a" and "the mean" stand in every sentence
    right = wrong = 0
    for about, text in known:
        if not text.startswith("AssertionError"):
            continue  # Python's own words, of the student's own line
        cause = text.rpartition(": ")[2]
        if re.search(spoken(about), cause):
            right += 1
        elif any(re.search(spoken(word) + r"(?! -?\d)", cause) for word in words):  # "gamma 0.8" is the input
            wrong += 1
    return right, wrong


def spoken(word):
    return rf"\b({word})(d|s)?\b"  # "changed", "rewards"


def write(table):
    """Put the lines in the place of those of the same chapters."""
    kept, new = [], {line["chapter"] for line in table}
    if TABLE.exists():
        with TABLE.open(newline="", encoding="utf-8") as file:
            kept = [line for line in csv.DictReader(file) if line["chapter"] not in new]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            sorted(kept + table, key=lambda line: (line["chapter"], int(line["exercise"].partition("-")[2])))
        )


def summary():
    """The table by chapters, and how often a message blames the right thing, as they stand in README."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    yield "| chapter | wrong versions | rejected by the visible checks | by the hidden ones | equivalent |"
    yield "| --- | --- | --- | --- | --- |"
    for chapter in sorted({line["chapter"] for line in lines}):
        made, slips, visible, hidden, equal = (
            sum(int(line[column]) for line in lines if line["chapter"] == chapter)
            for column in ("mutants", "slips", "visible", "hidden", "equivalent")
        )
        yield f"| {chapter[:2]} | {made - slips} | {visible} | {hidden} | {equal} |"
    blamed, misled = (sum(int(line[column] or 0) for line in lines) for column in ("blamed", "misled"))
    yield ""
    yield f"Of {blamed} messages whose cause names what the tool can tell, {blamed - misled} name the right thing."


def kill(name, only, messages, out):
    """Run the mutants of a chapter; its lines of the table."""
    chapter, listed, table = Chapter(name), equivalents(name), []
    print("  ".join(COLUMNS), file=out)
    for number, part in chapter:
        if only and number != f"exercise-{only}":
            continue
        verdicts = judge(chapter, part, chapter.mutants(part))
        table.append(line := row(name, number, verdicts, listed))
        print("  ".join(f"{line[column]:>{len(column)}}" for column in COLUMNS), file=out)
        for mutant, killer, text in verdicts:
            if messages or not killer:
                excused = listed.get((number, mutant.change))
                said = f"{killer}: {text[:300]}" if killer else f"EQUIVALENT: {excused}" if excused else "SURVIVES"
                print(f"    {mutant.kind:10} {mutant.change}\n               {said}", file=out)
            elif killer == "hidden":
                print(f"    {mutant.kind:10} {mutant.change}\n               only hidden: {text[:120]}", file=out)
        out.flush()
    return table


# Fresh seeds.


def under_seeds(name, seeds, out):
    """Judge the solutions and the listed answers under each seed; the number of verdicts that differ from what is right.

    Those that ask for no generator under the first seed have the same verdict under all.
    """
    chapter, others, wrong = Chapter(name), answers(name), 0
    for number, part in chapter:
        tried = [Answer(number, "right", "the solution", part[0].source)]
        tried += [answer for answer in others if answer.exercise == number]
        failures, drawing = Counter(), tried
        for seed in range(FRESH, FRESH + seeds):
            asked = multiprocessing.RawArray("b", len(drawing))  # the children write in it, too
            verdicts = chapter.judge(part, drawing, JOBS, first_only=True, before=partial(ask_in, asked, seed))
            for answer, said in zip(drawing, verdicts):
                failures[answer] += (answer.kind == "right") == bool(first_failure(said))
            drawing = [answer for answer, once in zip(drawing, asked) if once]
        wrong += sum(map(bool, failures.values()))
        print(f"{name} {number}: {len(tried)} answers, {seeds} seeds, {len(drawing)} of them draw", file=out)
        for answer, count in failures.items():
            if count:
                print(f"    {answer.kind} {answer.name!r}: another verdict under {count} seeds", file=out)
        out.flush()
    return wrong


def ask_in(asked, seed, i):
    """In a child: generators start elsewhere, and `asked` keeps whether there was one."""
    fresh = moved(seed)

    def default_rng(own=None):
        asked[i] = True
        return fresh(own)

    np.random.default_rng = default_rng


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    parser.add_argument("--exercise", default="")
    parser.add_argument("--messages", action="store_true")
    parser.add_argument("--seeds", type=int, default=0)
    arguments = parser.parse_args()
    wanted = arguments.chapters or chapters()
    names = [name for name in chapters() if any(name.startswith(start) for start in wanted)]
    if not names:
        parser.error(f"no solutions for {', '.join(wanted)}; there are {', '.join(chapters())}")
    if len(names) > 1:  # the solutions of each chapter in a process of its own
        options = [word for word in sys.argv[1:] if word not in arguments.chapters]
        codes = [subprocess.run([sys.executable, __file__, name, *options]).returncode for name in names]
        if not arguments.seeds:
            print(*summary(), sep="\n")
        return max(codes)
    os.environ |= {variable: "1" for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    os.environ["MPLBACKEND"] = "agg"
    os.chdir(ROOT / "solutions" / names[0])
    out = silence()
    if arguments.seeds:
        return bool(under_seeds(names[0], arguments.seeds, out))
    table = kill(names[0], arguments.exercise, arguments.messages, out)
    if not arguments.exercise:
        write(table)
    return any(line["survive"] for line in table)


if __name__ == "__main__":
    sys.exit(main())
