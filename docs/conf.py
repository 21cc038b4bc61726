"""The web pages: `make book` builds them from README.md, chapters/ and exercises/. They need no network to be read."""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes

project = "rlbook"
author = "the rlbook authors"
copyright = "2026 the rlbook authors. Text CC BY 4.0, code MIT"
html_title = "rlbook"

extensions = ["myst_nb", "sphinx_copybutton", "sphinx-mathjax-offline"]
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
html_show_sphinx = False


def leave_equations_alone(app, doctree):
    """Hand a displayed equation to MathJax as it is written: Sphinx would wrap it in a form that knows no \\tag."""
    for equation in doctree.findall(nodes.math_block):
        if not equation.get("nowrap") and not equation.get("no-wrap"):
            text = rf"\[{equation.astext()}\]"
            equation.children = [nodes.Text(text)]
            equation["nowrap"] = equation["no-wrap"] = True


def name_folders(app, doctree):
    """A link to a folder of the project, which has no page, becomes its name."""
    here = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link["reftype"] == "myst" and (here / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def setup(app):
    app.connect("doctree-read", leave_equations_alone)
    app.connect("doctree-read", name_folders)
