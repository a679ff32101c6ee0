"""Tables for the terminal: aligned columns, numbers to the right."""

import re

from ..letters import display_width
from .cells import format_column

__all__ = ["format_table"]

NUMERIC = re.compile(r"[\s\d.,+\-–%*\[\]]+|[+-]?nan\s*|[+-]?inf\s*")


def format_table(rows, headers):
    """Format a table as text.

    Parameters
    ----------
    rows : sequence of sequence of number, str or None
        As many cells in each as there are headers.
    headers : sequence of str

    Returns
    -------
    str
        Lines without a final newline.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are headers.

    Notes
    -----
    East Asian wide characters and emoji count as two columns, combining marks and vowel signs as none, as terminals
    show them.

    Examples
    --------
    >>> print(format_table([["ours", 0.9612], ["nearest neighbour", 0.5]], ["system", "accuracy"]))
    system             accuracy
    -----------------  --------
    ours                  0.961
    nearest neighbour     0.500
    """
    for row in rows:
        if len(row) != len(headers):
            raise ValueError(f"format_table: each row needs {len(headers)} cells, as the headers; "
                             f"got {len(row)}: {row!r}")
    columns = []
    for i, header in enumerate(headers):
        cells = format_column([row[i] for row in rows])
        columns.append(_aligned([str(header), *cells], right=all(NUMERIC.fullmatch(cell) for cell in cells)))
    lines = [list(line) for line in zip(*columns, strict=True)]
    lines.insert(1, ["-" * display_width(cell) for cell in lines[0]])
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _aligned(cells, right):
    """The cells of one column, brought to one width."""
    width = max(map(display_width, cells))
    padding = [" " * (width - display_width(cell)) for cell in cells]
    return [space + cell if right else cell + space for space, cell in zip(padding, cells, strict=True)]
