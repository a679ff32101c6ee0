"""Sphinx reads the book with MyST: `python -m sphinx -W docs docs/_build/html` (extra `docs`).

Pages of the API are written into `docs/api/` on the way, from the docstrings.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from docstrings import as_rst  # noqa: E402
from generate_api import write_pages  # noqa: E402
from links import LinkCode  # noqa: E402

project = "tinymm"
copyright = "the tinymm authors"
extensions = ["myst_parser", "sphinx.ext.mathjax", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
smartquotes = False  # which would make one dash of the two in --data
add_module_names = False
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True  # np.float32, not <class 'numpy.float32'>
html_theme = "alabaster"
html_theme_options = {"description": "Multimodal learning from scratch, in NumPy", "page_width": "64rem"}
html_sidebars = {"api/*": ["about.html", "searchfield.html", "localtoc.html", "navigation.html"]}


def setup(app):
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "api"))
    app.connect("autodoc-process-docstring", translate)
    app.connect("autodoc-skip-member", skip_fields)
    app.add_transform(LinkCode)


def translate(app, kind, name, thing, options, lines):
    lines[:] = as_rst(lines, kind)


def skip_fields(app, kind, name, thing, skip, options):
    """The fields of a named tuple stand in the text of its class."""
    return True if (getattr(thing, "__doc__", None) or "").startswith("Alias for field number") else None
