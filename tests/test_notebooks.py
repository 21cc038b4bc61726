"""What every committed notebook keeps: normal form, size, the chapter's parts, live links, and today's source."""

import ast
import re
from functools import cache
from urllib.parse import unquote

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter

import notebooks
from notebooks import ROOT, code_cells, tree

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
EXERCISES = sorted((ROOT / "exercises").glob("*/*.ipynb"))
README = ROOT / "README.md"

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
executed = pytest.mark.parametrize("path", CHAPTERS + SOLUTIONS, ids=notebooks.name)
linking = pytest.mark.parametrize("path", [README, *CHAPTERS, *SOLUTIONS, *EXERCISES], ids=notebooks.name)


@cache
def read(path):
    return nbformat.read(path, as_version=4)


def text_of(path):
    """The Markdown text of a file, or of a notebook's Markdown cells."""
    if path.suffix == ".ipynb":
        return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    return path.read_text(encoding="utf-8")


def prose(path):
    """The text without what stands in fences and backticks."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text_of(path), flags=re.DOTALL)


def headings(path):
    """The headings of a file, as written."""
    return re.findall(r"^#{1,6} +(.+?) *$", re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL), re.MULTILINE)


def anchors(path):
    """The names that a link can have behind #, as Jupyter (case and hyphens) and GitHub (lower case) make them."""
    plain = [re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings(path)]
    return {*plain, *(anchor.lower() for anchor in plain)}


def test_there_are_chapters_and_each_has_its_solutions():
    assert CHAPTERS
    assert [path.stem for path in SOLUTIONS] == [path.stem for path in CHAPTERS]


@executed
def test_notebook_is_executed_and_in_the_normal_form(path):
    assert notebooks.check(path) == [], "run `make notebooks`"


@executed
def test_notebook_is_small(path):
    assert path.stat().st_size < 700_000


@chapters
def test_chapter_has_25_to_40_code_cells_of_at_most_20_lines(path):
    cells = code_cells(read(path))
    assert 25 <= len(cells) <= 40
    assert {cell.source.splitlines()[0]: n for cell in cells if (n := len(cell.source.splitlines())) > 20} == {}


@chapters
def test_chapter_says_how_long_it_takes_and_ends_in_a_summary(path):
    opening = read(path).cells[0].source
    assert opening.startswith("# ")
    assert notebooks.promised_seconds(read(path)) > 0
    assert any("summary" in heading.lower() for heading in headings(path))


@chapters
def test_chapter_takes_as_long_to_read_as_its_head_says(path):
    assert notebooks.promised_minutes(read(path)) == pytest.approx(notebooks.reading_minutes(read(path)), rel=1 / 4)


@chapters
def test_chapter_asserts_its_result_against_the_right_answer(path):
    cells = iter(read(path).cells)
    section = r"^#+ .*against the right answer"
    assert any(re.search(section, cell.source, re.IGNORECASE | re.MULTILINE) for cell in cells), "no such heading"
    checks = []
    for cell in cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.MULTILINE):
            break
        if cell.cell_type == "code":
            checks += [node for node in ast.walk(tree(cell.source)) if isinstance(node, ast.Assert)]
    assert checks, "the section compares nothing by assert"


@chapters
def test_every_picture_says_in_words_what_it_shows(path):
    """The alt text stands in the metadata of its cell, where the web page takes it from."""
    silent = [
        cell.source.splitlines()[0]
        for cell in code_cells(read(path))
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
        and len(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")) < 30
    ]
    assert silent == []


@executed
def test_displayed_source_is_todays(path):
    """Each cell that ends in show(...) stores what show(...) gives now."""
    namespace = {}
    for cell in code_cells(read(path)):
        statements = tree(cell.source).body
        for statement in statements:
            if isinstance(statement, ast.ImportFrom) and statement.module.split(".")[0] == "rlbook":
                exec(compile(ast.Module([statement], []), str(path), "exec"), namespace)
        last = statements[-1] if statements else None
        if isinstance(last, ast.Expr) and ast.unparse(last).startswith("show("):
            today, _ = DisplayFormatter().format(eval(ast.unparse(last), namespace))
            assert cell.outputs[-1].data["text/markdown"] == today["text/markdown"], ast.unparse(last)


@linking
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"", prose(path))
    dead = []
    for target in (unquote(first or second) for first, second in targets):
        if re.match(r"(https?|mailto):", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(target)
    assert dead == []


@executed
def test_a_symbol_in_a_formula_has_one_backslash(path):
    """Of text that passed through a string literal once too often a page shows the name in place of the symbol."""
    formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", prose(path), re.DOTALL)
    assert [formula for formula in formulas if re.search(r"\\\\[A-Za-z,;!]", formula)] == []


def test_readme_links_each_chapter_and_no_other():
    linked = set(re.findall(r"\]\(chapters/([\w-]+)\.ipynb\)", README.read_text(encoding="utf-8")))
    assert linked == {path.stem for path in CHAPTERS}
