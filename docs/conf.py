"""Sphinx reads the book with MyST: `python -m sphinx -W docs docs/_build/html` (extra `docs`)."""

project = "tinymm"
copyright = "the tinymm authors"
extensions = ["myst_parser", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"description": "Multimodal learning from scratch, in NumPy", "page_width": "64rem"}
