r"""From the docstrings' markup to Sphinx's: mathematics stands there as $…$ and $$…$$, code in single backticks."""

import re
from textwrap import indent

from sphinx.ext.napoleon import Config, NumpyDocstring

MARKUP = re.compile(r"""
    (?P<ticks>`+)(?P<code>.+?)(?P=ticks)
    | \$\$(?P<display>.+?)\$\$[ ]*
    | \$(?P<math>.+?)\$
    | (?P<emphasis>(?<![\w*])\*{1,2}[^\s*][^*]*\*{1,2}(?!\w))
    | (?P<special>[\\*|]|(?<=\w)_(?!\w))    # reStructuredText would heed these
    """, re.S | re.X)
EXAMPLE = re.compile(r"^( *>>> .*?(?:\n *\n|\Z))", re.M | re.S)  # up to the next empty line
# Names that share a line in the docstring share it on the page too; attributes are listed as parameters are.
NAPOLEON = Config(napoleon_use_param=False, napoleon_use_rtype=False,
                  napoleon_custom_sections=[("Attributes", "params_style")])


def as_rst(lines, kind):
    """The lines of a docstring as reStructuredText.

    Parameters
    ----------
    lines : list of str
    kind : str
        What is documented, in autodoc's words. The docstring of a property has no sections, only text.

    Returns
    -------
    list of str
    """
    pieces = EXAMPLE.split("\n".join(lines))  # text and examples in turn
    text = "".join(piece if i % 2 else translated(piece) for i, piece in enumerate(pieces))
    if kind in ("property", "attribute", "data"):
        return text.splitlines()
    return re.sub(r"(?<=[*)]) -- ", " – ", str(NumpyDocstring(text, NAPOLEON, what=kind))).splitlines()


def translated(text):
    """A paragraph with its inline markup translated and every other sign that reStructuredText would heed escaped."""
    return MARKUP.sub(lambda match: _translation(match, text), text)


def _translation(match, text):
    if match["code"]:
        return f"``{match['code']}``"
    if match["display"]:
        line = text[text.rfind("\n", 0, match.start()) + 1:]
        margin = " " * (len(line) - len(line.lstrip(" ")))
        return f"\n\n{margin}.. math::\n\n{indent(_flat(match['display']), margin + '   ')}\n\n{margin}"
    if match["math"]:
        return f":math:`{_flat(match['math'])}`"
    return match["emphasis"] or "\\" + match["special"]


def _flat(formula):
    return " ".join(formula.split())
