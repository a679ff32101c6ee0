"""The confusion matrix as a table: what each class was taken for, cells shaded by their share of the row."""

import numpy as np

from .blocks import header_cell, table
from .elements import Markup, element

__all__ = ["check_matrix", "confusion_table", "confused_pairs"]


def check_matrix(matrix, names):
    """Check that the matrix holds a count for each pair of classes.

    Examples
    --------
    >>> check_matrix([[3, 1], [0, 2]], ["cat", "dog"]).sum()
    np.int64(6)
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(names), len(names)) or matrix.dtype.kind not in "iu" or matrix.min(initial=0) < 0:
        raise ValueError(f"confusion: the matrix must be counts, one row and column for each of {len(names)} classes; "
                         f"got {matrix.dtype} {matrix.shape}")
    return matrix


def confusion_table(matrix, names, caption=""):
    """The matrix as a table: rows are true classes, columns predicted ones; zeros are left blank.

    Examples
    --------
    >>> "color-mix(in srgb, var(--right) 60%, transparent)" in confusion_table(
    ...     np.array([[3, 1], [0, 2]]), ["cat", "dog"])
    True
    """
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    rows = []
    for i, name in enumerate(names):
        cells = (_cell(matrix[i, j], shares[i, j], i == j) for j in range(len(names)))
        rows.append([header_cell(name, scope="row"), *cells])
    head = [header_cell("true \\ predicted"), *(header_cell(name, class_="number") for name in names)]
    return table(head, rows, caption, class_="confusion")


def _cell(count, share, right):
    """A count, shaded by its share: right answers in one colour, wrong ones in another; a single mistake shows too."""
    if not count:
        return element("td", Markup())
    colour = "right" if right else "wrong"
    strength = round(8 + 70 * share) if right else round(12 + 70 * share)
    shade = f"background: color-mix(in srgb, var(--{colour}) {strength}%, transparent)"
    return element("td", str(count), class_="number", style=shade)


def confused_pairs(matrix, names, most=10):
    """The pairs of classes confused most often: rows (true, predicted, count, share of the true class).

    Examples
    --------
    >>> confused_pairs(np.array([[3, 1], [0, 2]]), ["cat", "dog"])
    [('cat', 'dog', 1, 0.25)]
    """
    wrong = matrix - np.diag(np.diag(matrix))                   # the diagonal is zero
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(cell), len(names)) for cell in order if wrong.flat[cell]]
    return [(names[i], names[j], int(matrix[i, j]), float(matrix[i, j] / matrix[i].sum())) for i, j in pairs]
