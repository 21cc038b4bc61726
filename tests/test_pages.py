"""The look at the web pages in a browser: each thing that a reader cannot read has a page that shows it."""

import re
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebooks
import pages
from notebooks import ROOT

if missing := pages.lacking():
    pytest.skip(missing, allow_module_level=True)

from playwright.sync_api import sync_playwright

TEXT = "the quick brown fox jumps over the lazy dog " * 3
WIDE = "<svg width='{0}' height='9'><rect width='{0}' height='9'/></svg>"
PICTURE = f"<img alt='a' src=\"data:image/svg+xml,{WIDE.format(5).replace('<svg', '<svg xmlns=%27http://www.w3.org/2000/svg%27')}\">"


def equation(inside, style="", number=""):
    """A displayed equation as MathJax leaves it, its width made by hand."""
    labels = (
        f"<mjx-labels style='position: absolute; left: {number}px'><mjx-mtd>(1)</mjx-mtd></mjx-labels>"
        if number
        else ""
    )
    return (
        f"<div style='{style}'><mjx-container display='true' style='position: relative; display: block'>"
        f"<mjx-table>{inside}</mjx-table>{labels}</mjx-container></div>"
    )


def glyph(left, width=20, top=0):
    return f"<mjx-c style='position: absolute; left: {left}px; top: {top}px; width: {width}px; height: 9px'></mjx-c>"


READABLE = {
    "text": f"<p>{TEXT * 9}</p>",
    "an equation": equation(glyph(0) + glyph(300), number=350),
    "an equation in a frame that hides": equation(glyph(0) + glyph(300), style="overflow: hidden; height: 20px"),
    "folded code": f"<pre style='white-space: pre-wrap'>{TEXT}</pre>",
    "TeX in code": r"<p>Write <code>\alpha</code> and <code>$x$</code> for that.</p>",
    "dollars": "<p>It costs 25 dollars, or $5 and 3% of it.</p>",
    "a picture": PICTURE,
    "a link to a place": "<p id='here'><a href='#here'>here</a> <a href='page.html#here'>here</a></p>",
    "a link to another site": "<a href='https://example.org/no'>elsewhere</a>",
    "hidden things": f"<div style='visibility: hidden'>{WIDE.format(3000)}</div><div hidden>{TEXT}</div>",
    "words for other readers than eyes": r"<mjx-assistive-mml style='position: absolute; left: -99px'>x</mjx-assistive-mml>",
    "a table that scrolls on a phone": f"<div style='overflow-x: auto'><table><td>{WIDE.format(600)}</table></div>",
    "a figure that scrolls on a phone": f"<div style='overflow-x: auto'>{WIDE.format(600)}</div>",
    "print in columns": f"<div class='output stream'><pre style='overflow: auto'>{'x' * 60}</pre></div>",
}
UNREADABLE = {
    "equation without its beginning": (
        equation(glyph(-30), style="overflow: auto"),
        "equation",
        "is cut at the left by 30",
    ),
    "equation without its end": (equation(glyph(1300), style="overflow: hidden"), "equation", "is cut at the right"),
    "equation that scrolls": (equation(glyph(1300), style="overflow: auto"), "equation", "or scrolls"),
    "equation in a low frame": (
        equation(glyph(0, top=40), style="overflow: hidden; height: 20px"),
        "equation",
        "is cut above or below by 29 pixels",
    ),
    "equation beyond the page": (equation(glyph(1300)), "equation", "is wider than the page"),
    "equation before the page": (equation(glyph(-30)), "equation", "begins left of the page"),
    "equation over its number": (equation(glyph(0, width=300), number=200), "equation", "meets its number"),
    "equation that is wrong": (
        equation("<mjx-merror data-mjx-error='Missing }'></mjx-merror>"),
        "equation",
        "Missing }",
    ),
    "TeX": (r"<p>where \alpha is</p>", "p", r"shows TeX: \alpha"),
    "TeX in an equation": (
        equation(r"<mjx-assistive-mml><mtext>\nosuch</mtext></mjx-assistive-mml>"),
        "equation",
        r"shows TeX: \nosuch",
    ),
    "TeX between dollars": ("<p>where $x$ is</p>", "p", "shows TeX: $x$"),
    "TeX that nothing has set": (r"<p>where \(x\) is</p>", "p", r"shows TeX: \("),
    "wide figure": (WIDE.format(1500), "svg", "is wider than the page"),
    "wide table": (f"<table><td>{WIDE.format(1500)}</table>", "table", "is wider than the page"),
    "long word": (f"<p>{'x' * 400}</p>", "p", "is wider than the page"),
    "code that scrolls": (f"<pre style='overflow: auto'>{TEXT * 3}</pre>", "pre", "or scrolls"),
    "code that is cut": (f"<pre style='overflow: hidden'>{TEXT * 3}</pre>", "pre", "is cut at the right"),
    "missing picture": ("<img src='no.png'>", "img", "is a broken image"),
    "broken picture": ("<img alt='a curve' src='data:image/png;base64,AAAA'>", 'img "a curve"', "is a broken image"),
    "missing page": ("<a href='no.html'>there</a>", "broken link", "no.html"),
    "missing place": ("<a href='page.html#nowhere'>there</a>", "broken link", "page.html#nowhere"),
    "script from a network": (
        "<script src='https://example.org/a.js'></script>",
        "cannot load",
        "https://example.org/a.js",
    ),
    "missing style": ("<link rel='stylesheet' href='no.css'>", "cannot load", "no.css"),
    "script that fails": ("<script>nothing.there()</script>", "a script fails", "nothing is not defined"),
    "warning": ("<pre>x.py:1: FutureWarning: soon</pre>", "shows a warning", "FutureWarning: soon"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What is said of each of the pages above, of all in one browser: {name: sentences}."""
    folder, found = tmp_path_factory.mktemp("pages"), {}
    bodies = READABLE | {name: body for name, (body, _, _) in UNREADABLE.items()}
    for name, body in bodies.items():
        (folder / name).mkdir()
        text = f"<!doctype html><body style='margin: 0'><article>{body}</article>"
        (folder / name / "page.html").write_text(text, encoding="utf-8")
        found[name] = []
    for sentence in pages.complaints(folder):
        found[sentence.partition("/")[0]].append(sentence)
    return found


@pytest.mark.parametrize("name", READABLE)
def test_what_can_be_read_is_left_alone(found, name):
    assert found[name] == []


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_named(found, name):
    _, what, says = UNREADABLE[name]
    assert [sentence for sentence in found[name] if what in sentence and says in sentence], found[name]
    assert all(len(sentence) < 500 for sentence in found[name])


LONG = r"$$a_t = b, \qquad " + "x + " * 60 + r"y = z, \qquad c = \mathbb{1}[d = e]. \tag{1.1}$$"
CODE = "def f(x):\n\n    return [" + ", ".join(f"x + {i}" for i in range(40)) + "]\n\n\nf(1)"
SLIDER = "from ipywidgets import interact\n\ninteract(f, x=(0, 9));"
PRINTED = new_output("stream", name="stdout", text="0123456789" * 9 + "\n")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of the pages of a small book, built as `make book` builds them."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "chapters").mkdir()
    (folder / "index.md").write_text(
        "# rlbook\n\n```{toctree}\nAbout <README>\nchapters/01-one\n```\n", encoding="utf-8"
    )
    (folder / "README.md").write_text(f"# rlbook\n\nSee `{'a-long-name/' * 20}`.\n", encoding="utf-8")
    code = [new_code_cell(CODE, outputs=[PRINTED]), new_code_cell(SLIDER)]
    chapter = new_notebook(cells=[new_markdown_cell(f"# One\n\n{LONG}"), *code])
    (folder / "chapters" / "01-one.ipynb").write_text(notebooks.normalise(chapter), encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", str(ROOT / "docs"), str(folder), str(folder / "html")]
    subprocess.run(command, check=True)
    return folder / "html"


def test_the_pages_of_a_small_book_can_be_read(book):
    assert list(pages.complaints(book)) == []


def test_without_its_style_the_small_book_cannot_be_read(book):
    style = book / "_static" / "book.css"
    text = style.read_text(encoding="utf-8")
    style.write_text("", encoding="utf-8")
    said = "\n".join(pages.complaints(book))
    style.write_text(text, encoding="utf-8")
    assert 'README.html at 400 pixels: span "a-long-name' in said
    assert 'chapters/01-one.html at 1300 pixels: pre "def f(x)' in said
    assert 'chapters/01-one.html at 1300 pixels: on paper, pre "def f(x)' in said


def test_a_page_folds_code_and_loses_nothing_of_it(book):
    page = (book / "chapters" / "01-one.html").read_text(encoding="utf-8")
    assert page.count('<span class="line"') == len([*CODE.splitlines(), *SLIDER.splitlines(), PRINTED])
    assert page.count('style="--indentation: 4ch"') == 1
    [first, *_] = page.split("<pre>")[1:]
    code = re.sub("<[^>]*>", "", first.partition("</pre>")[0])
    assert code == CODE


def test_a_page_says_where_its_slider_is_and_names_its_neighbours_as_the_sidebar_does(book):
    page = (book / "chapters" / "01-one.html").read_text(encoding="utf-8")
    assert page.count("The slider moves in the notebook") == 1
    assert '<p class="prev-next-title">About</p>' in page


def test_equations_are_broken_anew_when_the_window_narrows(book):
    place, lines = pages.chromium(), "document.querySelectorAll('mjx-linebox').length"
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=place) as browser:
        window, failures = pages.open_window(browser, pages.LAPTOP)
        assert list(pages.look(window, book / "chapters" / "01-one.html", 1100)) == failures == []
        wide = window.evaluate(lines)
        window.set_viewport_size({"width": pages.PHONE, "height": 900})
        window.wait_for_function(f"{lines} > {wide}", timeout=9000)
        assert window.evaluate(pages.UNREADABLE, {"phone": True}) == []
