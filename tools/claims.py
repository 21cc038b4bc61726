"""How much room the book's claims have: every assert of every chapter, measured instead of only checked.

    python tools/claims.py [CHAPTER ...]              each chapter as it stands, under each arithmetic: a line a chapter
    python tools/claims.py --seeds 51 [CHAPTER ...]   with fresh seeds, the arithmetics by turns; writes the table of
                                                      margins, benchmarks/results/claims.csv
    python tools/claims.py --seeds 51 tests/test_*.py the same for unit tests

A claim is an assert. Where it compares numbers, both sides are recorded. An error that is compared with what it may be,
`abs(x - y) < allowed`, has a sign before its abs: over the seeds it has a mean and a standard deviation, and if it is
normal, so many of its values lie outside what is allowed. (Of a unit test's error only the size is seen; its mean is
taken to be 0.) For any other a < b the same is said of b - a. This is the chance of failure in the table: an estimate,
and a poor one far out in the tail, but 51 seeds that all hold say no more by themselves than "less than one in fifteen".
"""

import argparse
import ast
import csv
import io
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout

import nbformat
import numpy as np

from arithmetics import ARITHMETICS, environment
from notebooks import JOBS, ROOT, STEADY, code_cells, find, tree

TABLE = ROOT / "benchmarks" / "results" / "claims.csv"
MARKED = "# NBVAL_CHECK_OUTPUT"
FRESH = 1000  # the first of the fresh seeds
TOLERATED = 1e-4  # the chance of failing that a claim may have
original = np.random.default_rng
LESS = {ast.Lt: 1, ast.LtE: 1, ast.Gt: -1, ast.GtE: -1}


# In a process of its own: one chapter, cell by cell, under some seeds.


class Recorded(ast.NodeTransformer):
    """Turns `assert test` into a call that records what is compared and goes on whether it holds or not."""

    def visit_Assert(self, node):
        sides = ast.Tuple([side for part in parts(node.test) for side in sides_of(part)], ast.Load())
        later = [ast.Lambda(ast.arguments([], [], None, [], [], None, []), body) for body in (node.test, sides)]
        call = ast.Call(ast.Name("_claim", ast.Load()), [ast.Constant(ast.unparse(node.test)), *later], [])
        return ast.copy_location(ast.Expr(call), node)


def parts(test):
    """The comparisons of which a condition consists, as far as they are plain to see."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in parts(value)]
    if isinstance(test, ast.Call):
        called = ast.unparse(test.func)
        if called in ("np.all", "all") and not isinstance(test.args[0], ast.GeneratorExp):
            return parts(test.args[0])
        if called == "all":
            inner = parts(test.args[0].elt)
            return [Each(part, test.args[0].generators) for part in inner]
        if isinstance(test.func, ast.Attribute) and test.func.attr == "all" and not test.args:
            return parts(test.func.value)
    return [test] if isinstance(test, ast.Compare) else []


class Each:
    """A comparison for each turn of a generator expression."""

    def __init__(self, part, generators):
        self.part, self.generators = part, generators


def sides_of(part):
    """Tuples ("error" if it has a sign or "order", smaller side, larger side) for the comparisons of a part."""
    if isinstance(part, Each):
        return [ast.ListComp(side, part.generators) for side in sides_of(part.part)]
    values, found = [part.left, *part.comparators], []
    for left, operator, right in zip(values, part.ops, values[1:]):
        if type(operator) in LESS:
            small, large = (left, right) if LESS[type(operator)] > 0 else (right, left)
            inner = inside_abs(small)
            kind = ast.Constant("order" if inner is None else "error")
            found.append(ast.Tuple([kind, inner or small, large], ast.Load()))
    return found


def inside_abs(node):
    """The x of abs(x), np.abs(x) and np.abs(x).max(); otherwise None."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "max"
        and not node.args
    ):
        node = node.func.value
    called = isinstance(node, ast.Call) and ast.unparse(node.func) in ("abs", "np.abs")
    return node.args[0] if called else None


def run(path, seed):
    """The claims of the chapter at `path`: a list of [cell, claim, holds, sides]; seed 0 leaves its own seeds."""
    import matplotlib.pyplot as plt
    from IPython.core.interactiveshell import InteractiveShell

    plt.switch_backend("agg")
    shell, claims = InteractiveShell.instance(), []
    shell.reset(new_session=False)
    shell.user_ns["_claim"] = lambda text, test, sides: claims.append([number, text, *measured(test, sides)])
    for number, cell in enumerate(code_cells(nbformat.read(path, as_version=4)), start=1):
        source = ast.unparse(ast.fix_missing_locations(Recorded().visit(tree(cell.source))))
        with redirect_stdout(io.StringIO()) as said:
            error = shell.run_cell(source).error_in_exec
        plt.close("all")
        if error is not None:
            claims.append([number, f"runs: {type(error).__name__}", False, []])
        stored = [output.text for output in cell.outputs if output.output_type == "stream"]
        if MARKED in cell.source and stored and not seed:
            claims.append([number, "prints what is stored", said.getvalue() == "".join(stored), []])
    return claims


def measured(test, sides):
    """Whether it holds, and [kind, smaller side, larger side] for each number that is compared."""
    holds, found = bool(test()), []
    for side in sides():
        for kind, small, large in side if isinstance(side, list) else [side]:
            if isinstance(small, (set, frozenset, str)):  # they have an order, too, but no distance
                continue
            small, large = np.broadcast_arrays(np.asarray(small, dtype=float), np.asarray(large, dtype=float))
            found += [[kind, *pair] for pair in zip(small.ravel().tolist(), large.ravel().tolist())]
    return holds, found


def prepare(seed):
    """Let every generator of the process start from elsewhere, and draw no animation."""
    import rlbook.plotting

    rlbook.plotting.animation = lambda *arguments, **keywords: None
    np.random.default_rng = moved(seed) if seed else original


def moved(seed):
    """`default_rng` as it is, but that the numbers that it is given lead to another generator for each seed."""
    return lambda own=None: original([seed, *np.atleast_1d(own)] if isinstance(own, (int, list, np.integer)) else own)


def work(path, seeds):
    """What a process of its own prints: a JSON line a seed."""
    for seed in seeds:
        prepare(seed)
        print(json.dumps([seed, run(path, seed)]), flush=True)


# In the process that was started: processes for all, and what they say together.


def ask(path, arithmetic, seeds):
    """[seed, claims] of each seed, computed in a process under the arithmetic."""
    command = [sys.executable, __file__, "--work", str(path), "--seeds", ",".join(map(str, seeds))]
    process = subprocess.run(
        command, cwd=path.parent, env=environment(arithmetic) | STEADY, stdout=subprocess.PIPE, text=True
    )
    answers = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("[")]
    missing = [[seed, [[0, "runs to its end", False, []]]] for seed in seeds[len(answers) :]]
    return [[seed, arithmetic, claims] for seed, claims in answers + missing]


def ask_tests(path, arithmetic, seeds):
    """The same of the unit tests in the file at `path`, from pytest; after the first seed of those that draw at random."""
    answers, tests = [], [str(path)]
    for seed in seeds:
        lines = run_tests(tests, arithmetic, seed)
        claims = [[line[0].partition("::")[2], "passes", False, []] for line in lines if len(line) == 1]
        for _, number, claim, small, large in (line for line in lines if len(line) > 2):
            claims.append([number, claim, True, [["size" if "abs(" in claim else "order", small, large]]])
        answers.append([seed, arithmetic, claims])
        drawing = [line[0] for line in lines if len(line) == 2]
        if not drawing:
            break
        if seed == seeds[0] and "" not in drawing:
            tests = [f"{path}::{test.partition('::')[2]}" for test in drawing]
    return answers


def run_tests(tests, arithmetic, seed):
    """The lines that margins.py writes of one run of the tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "margins", "-p", "no:cacheprovider", *tests]
    command += ["-o", "enable_assertion_pass_hook=true"]
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        moved = {"RLBOOK_SEED": str(seed), "RLBOOK_MARGINS": file.name, "PYTHONPATH": str(ROOT / "tools")}
        subprocess.run(command, cwd=ROOT, env=environment(arithmetic) | STEADY | moved, stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in file]


def ask_all(jobs):
    with ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(lambda job: (ask if job[0].suffix == ".ipynb" else ask_tests)(*job), jobs))


def line(path, by_arithmetic):
    """The chapter's line: under each arithmetic how many claims hold, or which do not."""
    said = []
    for [[_, arithmetic, claims]] in by_arithmetic:
        failed = [f"cell {cell}: {claim[:60]}" for cell, claim, holds, _ in claims if not holds]
        said.append(f"{arithmetic} " + ("FAILS " + ", ".join(failed) if failed else f"{len(claims)} hold"))
    return f"{path.stem:32}" + "   ".join(said)


def rows(path, answers):
    """The chapter's lines of the table: what was seen of each claim, over all its turns, seeds and arithmetics."""
    seen = defaultdict(lambda: defaultdict(list))  # a claim in a loop has a turn for each time that it is asked
    asked = Counter()
    for _, _, claims in answers:
        asked.update({(cell, claim) for cell, claim, *_ in claims})
        turns = Counter()
        for cell, claim, holds, sides in claims:
            turns[cell, claim] += 1
            seen[cell, claim][turns[cell, claim]].append((holds, sides))
    for (cell, claim), turns in seen.items():
        found = [run for runs in turns.values() for run in runs]
        worst = min((side for _, sides in found for side in sides), key=lambda side: room(*side), default=None)
        chances = [chance_of_failure([sides for _, sides in runs]) for runs in turns.values()]
        yield {
            "chapter": path.stem,
            "cell": cell,
            "claim": claim,
            "runs": asked[cell, claim],
            "failed": sum(not holds for holds, _ in found),
            "worst_seen": f"{worst[1] if worst[0] == 'order' else abs(worst[1]):.4g}" if worst else "",
            "bound": f"{worst[2]:.4g}" if worst else "",
            "chance_of_failure": "" if None in chances else f"{min(sum(chances), 1):.0e}",
        }


def room(kind, small, large):
    return large - (small if kind == "order" else abs(small))


def chance_of_failure(runs):
    """The sum over the numbers compared of the chance that each is beyond its bound, if it is normal; None if unknown."""
    if not runs[0] or len({len(sides) for sides in runs}) > 1:
        return None
    total = 0.0
    for sides in zip(*runs):
        kind = sides[0][0]
        if kind == "order":
            total += beyond(np.array([large - small for _, small, large in sides]))
        else:
            errors = np.array([small / large for _, small, large in sides])
            errors = np.concatenate([errors, -errors]) if kind == "size" else errors
            total += beyond(1 - errors) + beyond(1 + errors)
    return min(total, 1.0)


def beyond(rooms):
    """The chance that a normal variable with the mean and deviation of `rooms` is below 0."""
    spread = rooms.std(ddof=1) if len(rooms) > 1 else 0.0
    if spread <= 1e-9 * abs(rooms.mean()):
        return float(rooms.mean() < 0)
    return 0.5 * math.erfc(rooms.mean() / spread / math.sqrt(2))


def write(table):
    """Put the table's lines in the place of those of the same chapters."""
    kept = []
    if TABLE.exists():
        with TABLE.open(newline="", encoding="utf-8") as file:
            kept = [row for row in csv.DictReader(file) if row["chapter"] not in {new["chapter"] for new in table}]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(kept + table, key=lambda row: row["chapter"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", metavar="CHAPTER")
    parser.add_argument("--seeds", default="")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        return work(arguments.paths[0], map(int, arguments.seeds.split(",")))
    paths = find(arguments.paths or sorted((ROOT / "chapters").glob("*.ipynb")))
    if not arguments.seeds:
        failed = False
        for path in paths:
            by_arithmetic = ask_all([(path, arithmetic, [0]) for arithmetic in ARITHMETICS])
            print(said := line(path, by_arithmetic), flush=True)
            failed = failed or "FAILS" in said
        return failed
    seeds = range(FRESH, FRESH + int(arguments.seeds))
    turns = [(arithmetic, list(seeds[i :: len(ARITHMETICS)])) for i, arithmetic in enumerate(ARITHMETICS)]
    shares = [(arithmetic, share) for arithmetic, share in turns if share]  # with few seeds not each has its turn
    narrow = False
    for path in paths:
        answers = [answer for answers in ask_all([(path, *share) for share in shares]) for answer in answers]
        table = list(rows(path, answers))
        write(table)
        for row in table:
            tight = row["failed"] or float(row["chance_of_failure"] or 0) > TOLERATED
            narrow = narrow or tight
            print(f"{'NARROW' if tight else '':7}{row['chapter'][:12]:12} {row['cell']:>3}", end=" ")
            print(f"{row['worst_seen']:>10} of {row['bound']:>10} {row['chance_of_failure']:>8}  {row['claim'][:70]}")
    return narrow


if __name__ == "__main__":
    sys.exit(main())
