"""The web pages: `make book` builds them from README.md, chapters/ and exercises/. They need no network to be read."""

import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.images import get_image_size

project = "rlbook"
author = "the rlbook authors"
copyright = "2026 the rlbook authors. Text CC BY 4.0, code MIT"
html_title = "rlbook"

extensions = ["myst_nb", "sphinx_copybutton", "sphinx.ext.mathjax"]
include_patterns = ["index.md", "README.md", "chapters/*.ipynb", "exercises/*/*.ipynb"]

nb_execution_mode = "off"  # the notebooks come executed
nb_merge_streams = True
nb_render_markdown_format = "myst"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 4

html_theme = "sphinx_book_theme"
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the sidebar has the search field
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
}
html_static_path = ["static"]
html_css_files = ["book.css"]
mathjax_path = "equations.js"  # which loads MathJax
html_show_sphinx = False


WIDE = 640  # pixels: a figure of more than one panel
CODE = re.compile(r'(?<=<div class="highlight"><pre>).*?(?=</pre></div>)', re.DOTALL)
TAG = re.compile(r"<[^>]*>")
STILL = "The slider moves in the notebook, which the download button gives you; this is the picture it begins with."
SPACE = r"\goodbreak" + r"\;" * 7  # as wide as \qquad: of one piece, MathJax 4.1 counts it where it breaks a line, too


def leave_equations_alone(app, doctree):
    """Hand a displayed equation to MathJax as it is written: Sphinx would wrap it in a form that knows no \\tag.

    Where it has to be broken over lines, the best place is the wide space between two statements.
    """
    for equation in doctree.findall(nodes.math_block):
        if not equation.get("nowrap") and not equation.get("no-wrap"):
            statements = equation.astext().replace(r"\qquad", SPACE)
            equation.children = [nodes.Text(rf"\[{statements}\]")]
            equation["nowrap"] = equation["no-wrap"] = True


def mark_wide_figures(app, doctree):
    """Let book.css know which figures cannot be read at the width of a phone."""
    for image in doctree.findall(nodes.image):
        width, _ = get_image_size(Path(app.srcdir) / image["uri"]) or (0, 0)
        if width > WIDE:
            image["classes"].append("wide")


def tell_of_sliders(app, doctree):
    """Say under the picture of a cell with a slider that a page shows only the first of its pictures."""
    for cell in list(doctree.findall(nodes.container)):
        if "cell" in cell["classes"] and re.search(r"\binteract\(", cell.astext()):
            cell.parent.insert(cell.parent.index(cell) + 1, nodes.paragraph("", "", nodes.emphasis("", STILL)))


def name_folders(app, doctree):
    """A link to a folder of the project, which has no page, becomes its name."""
    here = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link["reftype"] == "myst" and (here / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def name_neighbours(app, page, template, context, doctree):
    """'Previous' and 'Next' call a page as the sidebar does: the title of README is that of the whole book."""
    contents = app.env.get_doctree(app.config.root_doc).findall(addnodes.toctree)
    names = {app.builder.get_relative_uri(page, entry): name for node in contents for name, entry in node["entries"]}
    for neighbour in filter(None, (context.get("prev"), context.get("next"))):
        neighbour["title"] = names.get(neighbour["link"]) or neighbour["title"]


def put_lines_of_code_apart(app, page, template, context, doctree):
    """Make each line of code an element that knows its indentation, so that book.css can fold a long one."""

    def line(html):
        text = TAG.sub("", html)
        return f'<span class="line" style="--indentation: {len(text) - len(text.lstrip())}ch">{html}</span>'

    if "body" in context:
        context["body"] = CODE.sub(lambda code: "\n".join(map(line, code.group().splitlines())), context["body"])


def setup(app):
    app.connect("doctree-read", leave_equations_alone)
    app.connect("doctree-read", mark_wide_figures)
    app.connect("doctree-read", tell_of_sliders)
    app.connect("doctree-read", name_folders)
    app.connect("html-page-context", name_neighbours)
    app.connect("html-page-context", put_lines_of_code_apart)
