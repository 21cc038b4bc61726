"""The plausible wrong versions of a solution: one change at a time, made from its syntax tree.

`mutants(source, facts)` changes what stands between `### BEGIN SOLUTION` and `### END SOLUTION`. A change replaces one
piece of the source by another text, so that the rest stays as it was written. What is tried, by kind:

    argument     a parameter has always the value that it had in the first check
    generator    one of the answer's own; a copy, so that the caller's does not move; two draws from one state
    statement    left out
    condition    always true, always false, the other way round, half of it
    comparison   < for <=, and so on
    number       of an answer by hand: another one, another sign, its neighbour's; of a computation: one more
    aggregate    max for min, the first or the last for the mean, the sum for the mean, abs left out
    index        one too far or too short, an axis for the other
    name         another one of the same kind: the next state for the state, a time for a state, truncated for terminated
    factor       a factor, a divisor or an exponent dropped, 1 - x for x
    sign         + for -, and a term dropped
    in place     the caller's array changed, or the array that is still read
    whole        numbers left or cut to whole ones
    option       a keyword argument left out, a detach, a no_grad
"""

import ast
import re
from typing import NamedTuple

MOST_NAMES = 2  # that are tried in the place of one
COMPARED = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
OTHER_END = {
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "argmin": "argmax",
    "maximum": "minimum",
    "minimum": "maximum",
    "sum": "mean",
    "cumsum": "cumprod",
}
FRESH = ("zeros", "zeros_like", "empty", "empty_like", "ones", "full", "full_like")
COPIES = ("copy", "clone", "deepcopy")
LEFT_OUT = ("detach", "abs", "log", "exp", "sqrt", "astype", "float", "reversed", "sorted")
AXES = ("axis", "dim")
TIMES = ("t", "k", "n", "i", "step")


class Mutant(NamedTuple):
    kind: str
    about: str  # the word that a message about this mistake should hold; "" where nobody can know
    change: str  # "old line => new line"
    source: str


class Piece(NamedTuple):
    """The bytes from `start` to `end` of the source give way to `text`."""

    kind: str
    about: str
    start: int
    end: int
    text: str


def mutants(source, facts):
    """Every mutant of the answer cell `source`, each once, in the order of the source.

    facts: what a run of the answer has shown, {function: {"arguments": {parameter: how to write its value},
    "signatures": {name: its kind}}}; "" stands for the cell itself.
    """
    lines = Lines(source)
    seen, changes, found = {ast.dump(lines.tree)}, {}, []
    for piece in sorted(pieces(lines, facts), key=lambda piece: piece.start):
        changed = lines.with_piece(piece)
        try:
            tree = ast.dump(ast.parse(changed))
        except SyntaxError:
            continue
        if tree not in seen:
            seen.add(tree)
            change = lines.function_at(piece.start) + difference(source, changed)
            changes[change] = changes.get(change, 0) + 1
            again = f" #{changes[change]}" if changes[change] > 1 else ""
            found.append(Mutant(piece.kind, piece.about, change + again, changed))
    return found


class Lines:
    """A source, its tree, and where in its bytes each node stands."""

    def __init__(self, source):
        self.source, self.tree = source, ast.parse(source)
        self.bytes = source.encode()
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        marks = [
            i for i, line in enumerate(source.splitlines(), start=1) if re.match(r"\s*### (BEGIN|END) SOLUTION", line)
        ]
        self.solution = list(zip(marks[::2], marks[1::2]))

    def start(self, node):
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node):
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node):
        return self.bytes[self.start(node) : self.end(node)].decode()

    def is_solution(self, node):
        return any(begin < node.lineno < end for begin, end in self.solution)

    def function_at(self, position):
        """The name of the function there, "name: ", where the cell has several."""
        functions = [node for node in self.tree.body if isinstance(node, ast.FunctionDef)]
        around = [f"{node.name}: " for node in functions if self.start(node) <= position < self.end(node)]
        return around[0] if around and len(functions) > 1 else ""

    def with_piece(self, piece):
        return (self.bytes[: piece.start] + piece.text.encode() + self.bytes[piece.end :]).decode()


def difference(before, after):
    """The lines that differ, as "old => new"."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return " => ".join("; ".join(line.strip() for line in side) for side in (old, new))


def pieces(lines, facts):
    """Every change, some of them to no effect or to a source that cannot be read."""
    functions = [node for node in lines.tree.body if isinstance(node, ast.FunctionDef)]
    inside = {id(node): function for function in functions for node in ast.walk(function)}
    for function in functions:
        yield from of_function(lines, function, facts.get(function.name, {}))
    parents = {id(child): node for node in ast.walk(lines.tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(lines.tree):
        if not hasattr(node, "lineno") or not lines.is_solution(node):
            continue
        function = inside.get(id(node))
        known = facts.get(function.name if function else "", {}).get("signatures", {})
        for kind, about, target, text in of_node(lines, node, parents, function, known):
            yield Piece(kind, about, lines.start(target), lines.end(target), text)


# A whole function: its parameters.


def of_function(lines, function, facts):
    body = [statement for statement in function.body if lines.is_solution(statement)]
    if not body:
        return
    for name, value in facts.get("arguments", {}).items():
        if facts["signatures"].get(name) == "generator":
            yield at_the_start(lines, body, "generator", name, f"{name} = np.random.default_rng(0)")
            yield at_the_start(lines, body, "generator", name, f"{name} = __import__('copy').deepcopy({name})")
            drawn = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
            if len(drawn) > 1 and lines.is_solution(drawn[0]):
                start, end = lines.start(drawn[0]), lines.end(drawn[0])
                yield Piece("generator", name, start, end, f"__import__('copy').deepcopy({name})")
        elif value is not None:
            yield at_the_start(lines, body, "argument", name, f"{name} = {value}")
        if facts["signatures"].get(name, "").startswith("array") and isinstance(body[-1], ast.Return):
            indent = " " * body[-1].col_offset
            spoilt = f"answer_ = {lines.text(body[-1].value)}\n{indent}{name} *= 0\n{indent}return answer_"
            yield Piece("in place", "change|in place|copy|copies", lines.start(body[-1]), lines.end(body[-1]), spoilt)


def at_the_start(lines, body, kind, about, statement):
    start = lines.start(body[0])
    return Piece(kind, about, start, start, f"{statement}\n{' ' * body[0].col_offset}")


# A node of the tree: tuples (kind, about, the node that gives way, the text in its place).


def of_node(lines, node, parents, function, known):
    parent = parents[id(node)]
    if isinstance(node, ast.stmt):
        yield from of_statement(lines, node, function, known)
    elif isinstance(node, ast.Compare):
        yield from of_comparison(lines, node)
    elif isinstance(node, ast.BoolOp):
        yield from (("condition", "", node, f"({lines.text(value)})") for value in node.values)
    elif isinstance(node, ast.IfExp):
        yield from conditions(lines, node)
    elif isinstance(node, ast.UnaryOp):
        kind = "condition" if isinstance(node.op, ast.Not) else "sign"
        yield kind, "", node, f"({lines.text(node.operand)})"
    elif isinstance(node, ast.BinOp):
        yield from of_operation(lines, node)
    elif isinstance(node, ast.Call):
        yield from of_call(lines, node)
    elif isinstance(node, ast.Subscript):
        yield from of_subscript(lines, node)
    elif isinstance(node, ast.Constant):
        yield from of_constant(lines, node, parent, function)
    elif isinstance(node, ast.List | ast.Tuple) and function is None and isinstance(node.ctx, ast.Load):
        yield from exchanged(lines, node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from of_name(node, parent, function, known)


def of_statement(lines, node, function, known):
    again = isinstance(node, ast.Assign) and function and assigned_before(node, function)
    if again or isinstance(node, ast.AugAssign | ast.Break | ast.Continue | ast.If):
        yield "statement", "", node, "pass"
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        yield "statement", "", node, "pass"
    if isinstance(node, ast.If | ast.While):
        yield from conditions(lines, node)
    if isinstance(node, ast.With) and "no_grad" in lines.text(node.items[0].context_expr):
        yield "option", "grad", node.items[0].context_expr, "__import__('contextlib').nullcontext()"
    if isinstance(node, ast.AugAssign):
        target, value = lines.text(node.target), lines.text(node.value)
        yield "statement", "", node, f"{target} = {value}"
        if isinstance(node.op, ast.Add | ast.Sub):
            yield "sign", "", node, f"{target} {'-' if isinstance(node.op, ast.Add) else '+'}= {value}"
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value) in FRESH:
        own = known.get(getattr(node.targets[0], "id", ""))
        same = [name for name, kind in known.items() if kind == own and name != node.targets[0].id] if own else []
        yield from (("in place", "", node.value, name) for name in same[:MOST_NAMES])


def assigned_before(node, function):
    """Whether what the statement assigns has a value already, so that the program runs without it."""
    earlier = {argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]}
    for other in ast.walk(function):
        if isinstance(other, ast.Name) and isinstance(other.ctx, ast.Store) and other.lineno < node.lineno:
            earlier.add(other.id)
    targets = [part for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return all(part.id in earlier or isinstance(part.ctx, ast.Load) for part in targets)


def conditions(lines, node):
    yield "condition", "", node.test, "False"
    if not isinstance(node, ast.While):
        yield "condition", "", node.test, "True"
        yield "condition", "", node.test, f"not ({lines.text(node.test)})"


def of_comparison(lines, node):
    sides = [node.left, *node.comparators]
    for position, operator in enumerate(node.ops):
        if type(operator) in COMPARED and "random(" not in lines.text(
            node
        ):  # a draw equals a number with probability 0
            texts = [lines.text(side) for side in sides]
            signs = [sign(other) for other in node.ops]
            signs[position] = COMPARED[type(operator)]
            yield "comparison", "", node, texts[0] + "".join(f" {s} {t}" for s, t in zip(signs, texts[1:]))


def sign(operator):
    return ast.unparse(ast.Compare(ast.Name("x"), [operator], [ast.Name("x")]))[2:-2]


def of_operation(lines, node):
    left, right = (f"({lines.text(side)})" for side in (node.left, node.right))
    if isinstance(node.op, ast.Mult | ast.MatMult):
        yield "factor", word(node.right), node, left
        yield "factor", word(node.left), node, right
    elif isinstance(node.op, ast.Div):
        yield "factor", word(node.right), node, left
        yield "whole", "", node, f"{left} // {right}"
    elif isinstance(node.op, ast.Pow):
        yield "factor", word(node.right), node, left
    elif isinstance(node.op, ast.Add):
        yield "sign", "", node, f"({left} - {right})"
        yield "sign", word(node.right), node, left
        yield "sign", word(node.left), node, right
    elif isinstance(node.op, ast.Sub):
        yield "sign", "", node, f"({left} + {right})"
        yield "sign", word(node.right), node, left
        if lines.text(node.left) in ("1", "1.0"):
            yield "factor", "", node, right


def word(node):
    """The name that a message would call this part of the formula by."""
    return node.id if isinstance(node, ast.Name) and len(node.id) > 2 else getattr(node, "attr", "")


def called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def of_call(lines, node):
    name = called(node)
    method = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) not in (
        "np",
        "torch",
        "math",
        "copy",
    )
    receiver = lines.text(node.func.value) if method else lines.text(node.args[0]) if node.args else ""
    if name in OTHER_END:
        yield "aggregate", "", node.func, lines.text(node.func)[: -len(name)] + OTHER_END[name]
    if name == "mean" and receiver:
        axis = next((f", axis={ast.unparse(option.value)}" for option in node.keywords if option.arg in AXES), "")
        yield "aggregate", "mean", node, f"np.take({receiver}, 0{axis})"
        yield "aggregate", "mean", node, f"np.take({receiver}, -1{axis})"
        yield "aggregate", "", node.func, lines.text(node.func)[: -len(name)] + "sum"
    if name in LEFT_OUT and receiver:
        yield "option", "", node, f"({receiver})"
    if name in COPIES and receiver:
        yield "in place", "change|in place|copy|copies", node, f"({receiver})"
    if name in ("array", "asarray") and node.args:
        yield "in place", "change|in place|copy|copies", node, f"np.asarray({lines.text(node.args[0])})"
    if name in ("zeros", "full", "array", "asarray") and "dtype" not in {option.arg for option in node.keywords}:
        yield "whole", "", node, f"{lines.text(node)[:-1]}, dtype=int)"
    if name == "range" and len(node.args) == 1:
        yield "index", "", node.args[0], f"{lines.text(node.args[0])} - 1"
    if name == "range" and len(node.args) > 1:
        yield "index", "", node.args[0], f"{lines.text(node.args[0])} + 1"
        yield "index", "", node.args[0], f"{lines.text(node.args[0])} - 1"
        yield "index", "", node.args[1], f"{lines.text(node.args[1])} - 1"
    for option in node.keywords:
        if option.arg is not None:
            yield "option", option.arg, node, without(lines, node, option)
        if option.arg in AXES and isinstance(option.value, ast.Constant):
            yield "index", "", option.value, str(1 - option.value.value if option.value.value in (0, 1) else 0)


def without(lines, call, option):
    arguments = [lines.text(part) for part in call.args]
    arguments += [
        f"{other.arg}={lines.text(other.value)}" for other in call.keywords if other is not option and other.arg
    ]
    return f"{lines.text(call.func)}({', '.join(arguments)})"


def of_subscript(lines, node):
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for part in parts:
        if isinstance(part, ast.Name | ast.BinOp | ast.Constant) and ast.unparse(part) not in ("None", "..."):
            yield "index", "", part, f"{lines.text(part)} + 1"
            if not isinstance(part, ast.Name) or part.id in TIMES:
                yield "index", "", part, f"{lines.text(part)} - 1"
        elif isinstance(part, ast.Slice):
            yield from (("index", "", end, "None") for end in (part.lower, part.upper) if end is not None)


def of_constant(lines, node, parent, function):
    value = node.value
    if isinstance(value, bool):
        yield "number", "", node, str(not value)
    elif isinstance(value, int | float) and not isinstance(parent, ast.Subscript | ast.keyword | ast.Slice):
        yield "number", "", node, f"({value} + 1)" if function else str(value + 1)
        if function is None and value:
            yield "number", "", node, f"(-{value})"
    elif isinstance(value, str) and function is None and not isinstance(parent, ast.Expr):
        others = {other.value for other in ast.walk(lines.tree) if isinstance(other, ast.Constant)}
        yield from (
            ("number", "", node, repr(o)) for o in sorted(o for o in others if isinstance(o, str) and o != value)
        )


def exchanged(lines, node):
    """The entries of an answer by hand: each two neighbours the other way round."""
    texts = [lines.text(part) for part in node.elts]
    for first, second in zip(node.elts, node.elts[1:]):
        if lines.text(first) != lines.text(second):
            i = node.elts.index(first)
            yield "number", "", node, f"[{', '.join([*texts[:i], texts[i + 1], texts[i], *texts[i + 2 :]])}]"


def of_name(node, parent, function, known):
    if isinstance(parent, ast.Call) and parent.func is node or node.id not in known:
        return
    kind = known[node.id]
    if kind in ("function", "generator", "module"):
        return
    roles = roles_of(function) if function else {}
    others = [name for name, other in known.items() if other == kind and may_be_taken(node.id, name, roles)]
    others.sort(key=lambda name: stem(name) != stem(node.id))
    yield from (("name", "", node, name) for name in others[:MOST_NAMES])
    if kind == "flag" and others:
        yield "name", "", node, f"({node.id} or {others[0]})"


def may_be_taken(name, other, roles):
    """Whether `other` could stand where `name` does by a slip: v_new for v, one parameter or index for another."""
    same = stem(name) == stem(other) or roles.get(name) and roles.get(name) == roles.get(other)
    return name != other and "_" not in (name, other) and same


def stem(name):
    """What v, v_new and new_v, or q1 and q2, have in common."""
    return re.sub(r"\d+$|^(old|new|next|first|second)_|_(old|new|next|then|past|before|after)$", "", name)


def roles_of(function):
    """Of each name of the function whether it is an index of something, or a parameter."""
    roles = {argument.arg: "parameter" for argument in [*function.args.args, *function.args.kwonlyargs]}
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            roles |= {part.id: "index" for part in parts if isinstance(part, ast.Name)}
    return roles
