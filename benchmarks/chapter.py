"""What a chapter defines, for an experiment that is too long for it: the chapter's own cells are read and not copied."""

import ast
from pathlib import Path

import nbformat

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"


def of_the_chapter(chapter, wanted, **given):
    """{name: value} of the names that the chapter's statements define first under `wanted`, and of its imports.

    given are names that they need and that the chapter would have made differently, such as its generator.
    """
    path, made = CHAPTERS / f"{chapter}.ipynb", dict(given)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            for statement in ast.parse(cell.source).body:
                if isinstance(statement, (ast.Import, ast.ImportFrom)) or names(statement) & (wanted - made.keys()):
                    exec(compile(ast.Module([statement], []), str(path), "exec"), made)
    return made


def names(statement):
    """The names that a statement defines."""
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return {getattr(statement, "name", None)}
