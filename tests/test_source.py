"""show(): the source that a chapter displays is the source that runs."""

import inspect

import pytest

from rlbook.mdp import FiniteMDP, step
from rlbook.source import show
from rlbook.tabular.control import q_learning, sarsa
from rlbook.tabular.planning import value_iteration


def test_a_function_shows_as_it_is_written_with_its_file():
    text = show(value_iteration).text
    assert text == "# rlbook/tabular/planning.py\n" + inspect.getsource(value_iteration).rstrip()
    assert show(value_iteration)._repr_mimebundle_() == {"text/plain": text, "text/markdown": f"```python\n{text}\n```"}


def test_a_compiled_loop_shows_the_loop():
    assert "target = r if terminated else r + mdp.gamma * max(q[s_next])" in show(q_learning).text
    assert show(step).text.startswith("# rlbook/mdp.py\n@njit(cache=True)\ndef step(")


def test_a_method_shows_without_its_indentation():
    assert show(FiniteMDP.expect).text.splitlines()[1] == "def expect(self, v):"


def test_a_diff_is_the_whole_of_both_less_their_docstrings():
    diff = show(sarsa, q_learning, diff=True)
    lines = diff.text.splitlines()
    assert "+            target = r if terminated else r + mdp.gamma * max(q[s_next])" in lines
    assert "-            target = r if terminated else r + mdp.gamma * q[s_next, a_next]" in lines
    assert '"""' not in diff.text and diff.language == "diff"
    kept = [line[1:] for line in lines if not line.startswith("-")]
    code_of_q_learning = inspect.getsource(q_learning.__wrapped__).rstrip().split('"""')
    assert "\n".join(kept) == code_of_q_learning[0].rstrip() + code_of_q_learning[2]


@pytest.mark.parametrize("arguments", [dict(other=sarsa), dict(diff=True)])
def test_a_diff_needs_two_functions(arguments):
    with pytest.raises(ValueError, match="expected show"):
        show(q_learning, **arguments)
