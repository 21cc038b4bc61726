"""A notebook from any file that still holds one.

Other tools write what nbformat's schema does not allow, and nbgrader stops at some of it: cell ids in an old format,
twice the same or with a space in them, a missing or null key, a byte order mark. Grading needs of a cell its type, its
source and what nbgrader noted about it, so that much is read, and a notebook without blemish is made of it. Outputs
are left: grading makes its own.
"""

import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading import Refused, remark

NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def read(content, *, collected=False):
    """The notebook in `content`, the bytes of a file, as a valid one of today's format.

    Of one that `collected` says is our own copy, the remarks stay. Raises Refused, saying why, where there is none.
    """
    try:
        file = json.loads(decoded(content))
    except (ValueError, RecursionError) as error:
        raise Refused(f"not a notebook: no JSON, {error}") from error
    written = cells(file)
    notebook = new_notebook(cells=[cell(i, one) for i, one in enumerate(written) if isinstance(one, dict)])
    for said in file["metadata"].get("rlbook", {}).get("remarks", []) if collected else []:
        remark(notebook, said)
    if strange := sum(not isinstance(one, dict) for one in written):
        remark(notebook, f"{strange} of {len(written)} cells are no cells: left out")
    nbformat.validate(notebook)
    return notebook


def decoded(content):
    """The text of a file: UTF-8, or what a Windows editor makes of it."""
    for encoding in ("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", errors="replace")


def cells(file):
    """The cells of a notebook of any format; up to format 3 they stand in worksheets."""
    if not isinstance(file, dict):
        raise Refused(f"not a notebook: its JSON is a {type(file).__name__}, not an object with cells")
    found = file.get("cells")
    if isinstance(file.get("worksheets"), list) and not found:
        sheets = [sheet for sheet in file["worksheets"] if isinstance(sheet, dict)]
        found = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(found, list):
        raise Refused(f"not a notebook: its cells are a {type(found).__name__}, not a list")
    return found


def cell(position, written):
    """A valid cell from one that need not be."""
    sort = str(written.get("cell_type", "")).lower()
    source = text(written.get("source", written.get("input", "")))
    if sort == "heading":  # of format 3
        level = written.get("level")
        source = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1) + f" {source}"
    if sort not in NEW:
        sort = "code" if {"outputs", "execution_count", "input"} & set(written) else "markdown"
    new = NEW[sort](source, id=f"cell-{position}", metadata=metadata(written.get("metadata")))
    if sort != "code" and (pictures := attachments(written.get("attachments"))):
        new.attachments = pictures
    return new


def text(value):
    if isinstance(value, list):
        return "".join(text(part) for part in value)
    whole = "" if value is None else str(value).replace("\r\n", "\n")
    return whole.encode("utf-8", errors="replace").decode()  # half a character cannot be written to a file


def metadata(value):
    """The name that nbgrader gave the cell, and the tags."""
    value = value if isinstance(value, dict) else {}
    kept = {}
    if isinstance(value.get("nbgrader"), dict) and "grade_id" in value["nbgrader"]:
        kept["nbgrader"] = {"grade_id": text(value["nbgrader"]["grade_id"])}
    if isinstance(value.get("tags"), list):
        kept["tags"] = sorted({text(tag) for tag in value["tags"] if isinstance(tag, str) and tag and "," not in tag})
    return kept


def attachments(value):
    """The pictures pasted into a cell: a bundle of contents, by type, for each name."""
    if not isinstance(value, dict):
        return {}
    bundles = {name: bundle for name, bundle in value.items() if isinstance(bundle, dict)}
    return {
        name: {kind: text(content) for kind, content in bundle.items() if isinstance(content, (str, list))}
        for name, bundle in bundles.items()
    }
