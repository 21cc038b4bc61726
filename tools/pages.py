"""Open every web page in a browser and say what a reader could not read: `make pages`, after `make book`.

    python tools/pages.py            the pages in _build/html
    python tools/pages.py FOLDER     other pages

Each is opened in a headless Chromium as wide as a small laptop and as a phone, and laid out once more as paper. There
may be no cut equation, nothing wider than the page, no TeX, no broken image or link, no warning, no error in a script,
and no request to a network. On the phone, and only there, tables, figures and printed columns may scroll.
"""

import argparse
import re
import shutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from notebooks import ROOT, WARNING

LAPTOP, PHONE = 1300, 400  # pixels
PAPER = 718  # pixels between the margins of a page of A4, as browsers set them
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")  # as systems call it; otherwise playwright's own
UNREADABLE = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
READY = "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready }"
LINKS = "() => [...new Set([...document.querySelectorAll('a[href]')].map(link => link.href))]"


def chromium():
    """The path of the browser, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return next(filter(None, map(shutil.which, (*CHROMIUM, own))), None)


def pages(folder):
    """The pages in `folder` and below it; _static holds pieces of the theme."""
    return sorted(path for path in Path(folder).rglob("*.html") if "_static" not in path.parts)


def lacking():
    """What is missing here to open pages, and how to get it; an empty text if nothing is."""
    if find_spec("playwright") is None:
        return "no playwright: python -m pip install -c constraints.txt -e '.[pages]'"
    if chromium() is None:
        return "no Chromium: apt install chromium, or python -m playwright install chromium"
    return ""


@cache
def anchors(path):
    """The ids that a link can go to in the page at `path`."""
    return set(re.findall(r"""\bid=["']([^"']+)["']""", path.read_text(encoding="utf-8")))


def broken(link):
    """Whether `link` goes to a file that is not there, or to a place that is not in it. Other sites are not asked."""
    address = urlsplit(link)
    if address.scheme != "file":
        return False
    path, place = Path(unquote(address.path)), unquote(address.fragment)
    return not path.is_file() or (path.suffix == ".html" and place not in anchors(path) | {""})


def open_window(browser, width):
    """An empty window of `width` pixels without a network, and the list where it notes what fails to load or to run."""
    said = []
    window = browser.new_page(viewport={"width": width, "height": 900})
    window.on("pageerror", lambda error: said.append(f"a script fails: {str(error)[:200]}"))
    window.on("requestfailed", lambda request: said.append(f"cannot load {request.url[:200]}"))
    window.route(re.compile(r"^(?!file:|data:|blob:)"), lambda route: route.abort())
    return window, said


def look(window, path, width):
    """One sentence for each thing that cannot be read, or followed, on the page at `path`, in `window` and on paper."""
    window.set_viewport_size({"width": width, "height": 900})
    window.goto(path.as_uri())
    window.evaluate(READY)
    yield from window.evaluate(UNREADABLE, {"phone": width == PHONE})
    if width == LAPTOP:
        yield from (f"shows a warning: {line[:80]}" for line in WARNING.findall(window.inner_text("body")))
        yield from (f"has a broken link, to {link}" for link in window.evaluate(LINKS) if broken(link))
        window.emulate_media(media="print")
        window.set_viewport_size({"width": PAPER, "height": 900})
        yield from (f"on paper, {sentence}" for sentence in window.evaluate(UNREADABLE, {"phone": False}))
        window.emulate_media(media="screen")


def complaints(folder):
    """One sentence for each thing that is wrong with a page in `folder`, or below it."""
    from playwright.sync_api import sync_playwright

    place = chromium()
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=place) as browser:
        for width in (LAPTOP, PHONE):
            window, failures = open_window(browser, width)
            for path in pages(folder):
                said = [*look(window, path.resolve(), width), *failures]
                yield from (f"{path.relative_to(folder)} at {width} pixels: {sentence}" for sentence in said)
                failures.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "_build" / "html")
    folder = parser.parse_args().folder
    if missing := lacking():
        sys.exit(missing)
    if not pages(folder):
        sys.exit(f"{folder} holds no page: run `make book` first")
    said = list(complaints(folder))
    print(
        "\n".join(said) or f"{len(pages(folder))} pages, {LAPTOP} and {PHONE} pixels wide and on paper: all is readable"
    )
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
