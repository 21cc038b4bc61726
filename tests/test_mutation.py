"""The wrong versions of a solution that `make mutants` tries, on small solutions whose every slip is known."""

import textwrap

import pytest

from mutants import blames
from mutation import mutants


def made(body, signatures=None, arguments=None, head="def f(rewards, v, s, gamma, rng):"):
    """{what stands instead: kind} of the mutants of a function with this body."""
    source = f"{head}\n    ### BEGIN SOLUTION\n{textwrap.indent(body, '    ')}\n    ### END SOLUTION"
    facts = {"f": {"signatures": signatures or {}, "arguments": arguments or {}}}
    return {mutant.change.partition(" => ")[2]: mutant.kind for mutant in mutants(source, facts)}


def test_every_slip_of_a_target():
    assert made("return r + gamma * v[s]") == {
        "return ((r) - (gamma * v[s]))": "sign",
        "return (r)": "sign",
        "return (gamma * v[s])": "sign",
        "return r + (gamma)": "factor",
        "return r + (v[s])": "factor",
        "return r + gamma * v[s + 1]": "index",
    }


@pytest.mark.parametrize(
    "body, slip, kind",
    [
        ("return r if over else r + v", "return r if False else r + v", "condition"),
        ("return r if over else r + v", "return r if not (over) else r + v", "condition"),
        ("while moved > tol:\n    sweep()", "while moved >= tol:", "comparison"),
        ("return v.max()", "return v.min()", "aggregate"),
        ("return np.argmax(v)", "return np.argmin(v)", "aggregate"),
        ("return v.mean(axis=1)", "return np.take(v, 0, axis=1)", "aggregate"),
        ("return v.mean(axis=1)", "return np.take(v, -1, axis=1)", "aggregate"),
        ("return v.mean(axis=1)", "return v.mean(axis=0)", "index"),
        ("return v.std(ddof=1)", "return v.std()", "option"),
        ("return abs(v - w)", "return (v - w)", "option"),
        ("return logp.detach()", "return (logp)", "option"),
        ("for t in range(1, T):\n    pass", "for t in range(1 + 1, T):", "index"),
        ("for t in range(1, T):\n    pass", "for t in range(1, T - 1):", "index"),
        ("return v[t]", "return v[t - 1]", "index"),
        ("return v[1:]", "return v[None:]", "index"),
        ("return gamma**t", "return (gamma)", "factor"),
        ("return (1 - epsilon) * v", "return ((epsilon)) * v", "factor"),
        ("return x / n", "return (x) // (n)", "whole"),
        ("q = np.zeros(n)\nreturn q", "q = np.zeros(n, dtype=int)", "whole"),
        ("v = v.copy()\nreturn v", "v = (v)", "in place"),
        ("q[s] += r", "q[s] = r", "statement"),
        ("q[s] += r", "q[s] -= r", "sign"),
        ("s = s_next", "pass", "statement"),
        ("with torch.no_grad():\n    f()", "with __import__('contextlib').nullcontext():", "option"),
    ],
)
def test_a_slip_is_made(body, slip, kind):
    assert made(body)[slip] == kind


def test_a_name_gives_way_to_another_one_of_its_kind_only():
    kinds = {"v": "array (3,) float64", "v_new": "array (3,) float64", "s": "int", "s_next": "int", "gamma": "float"}
    slips = made("v_new = v * 2\ns_next = s\nreturn v_new[s_next], gamma, s", kinds)
    assert "s_next = s_next" in slips and slips["v_new = v_new * 2"] == "name"
    assert not any("gamma[" in slip or "v, s" in slip.partition("return")[2] for slip in slips)


def test_an_argument_is_fixed_at_the_value_of_the_first_check():
    slips = made("return gamma * rng.random()", {"rng": "generator", "gamma": "float"}, {"gamma": "0.9", "rng": None})
    assert slips["gamma = 0.9"] == "argument"
    assert {"rng = np.random.default_rng(0)", "rng = __import__('copy').deepcopy(rng)"} <= set(slips)


def test_an_array_of_the_caller_is_changed_in_place():
    slips = made("return rewards.sum()", {"rewards": "array (3,) float64"}, {"rewards": None})
    assert slips["answer_ = rewards.sum(); rewards *= 0; return answer_"] == "in place"


def test_an_answer_by_hand_becomes_another_one():
    changes = {mutant.change for mutant in mutants("### BEGIN SOLUTION\nvalues = [2.5, 1]\n### END SOLUTION", {})}
    after = {change.partition(" => ")[2] for change in changes}
    assert after == {"values = " + text for text in ("[3.5, 1]", "[(-2.5), 1]", "[2.5, 2]", "[2.5, (-1)]", "[1, 2.5]")}


def test_nothing_outside_the_solution_is_changed_and_equal_mutants_are_made_once():
    source = "limit = 3 + 4\n### BEGIN SOLUTION\nx = y + y\n### END SOLUTION\nz = x + 1"
    made = mutants(source, {})
    assert [mutant.change for mutant in made] == ["x = y + y => x = ((y) - (y))", "x = y + y => x = (y)"]
    assert all(mutant.source.startswith("limit = 3 + 4") and mutant.source.endswith("z = x + 1") for mutant in made)


def test_equal_lines_have_different_names():
    source = "def f(x):\n    ### BEGIN SOLUTION\n    x += 1\n    x += 1\n    return x\n    ### END SOLUTION"
    changes = [mutant.change for mutant in mutants(source, {})]
    assert "x += 1 => pass" in changes and "x += 1 => pass #2" in changes
    assert len(set(changes)) == len(changes)


def test_a_cause_misleads_if_it_speaks_of_another_subject_and_not_of_its_own():
    place = "AssertionError: exercise 7.4, q_learn(alpha=0.3, gamma=0.8)"
    said = [
        ("gamma", f"{place}: yours is 3, expected 2: without gamma"),
        ("gamma", f"{place}: yours is 3, expected 2: alpha takes a part of the difference"),
        ("alpha", f"{place}: yours is 3, expected 2"),  # the input is no cause
        ("alpha", f"{place}: yours is 3, expected 2: gamma and alpha are exchanged"),
        ("rng|generator", f"{place}: two runs came out the same: draw from `rng` itself"),
        ("rng", f"{place}: with gamma 0.8 an episode takes 3 steps"),
        ("mean", f"{place}: yours is 3, expected 2: without gamma"),
        ("alpha", f"{place}: yours is 3, expected 2: that is the mean"),
        ("gamma", "ValueError: alpha is 3, expected a step size"),  # Python's own words
        ("a", f"{place}: yours is 3, expected 2: that is a sum"),
        ("s", f"{place}: yours is 3, expected 2: an action is taken"),
    ]
    assert blames(said) == (4, 2)
