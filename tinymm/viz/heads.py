"""Every head of an attention at once: a table of shaded cells, words down, and across what they are compared with."""

import numpy as np

from .blocks import header_cell, table
from .elements import element

__all__ = ["heads_table"]


def heads_table(weights, rows, columns, caption=""):
    """Weights of all heads as one table: a block of columns for each head, a cell for each weight, shaded by its size.

    Parameters
    ----------
    weights : (H, T, S) array
        Between 0 and 1.
    rows : sequence of T str
    columns : sequence of S str
    caption : str, optional

    Returns
    -------
    Markup

    Raises
    ------
    ValueError
        If the weights are of another shape, or outside [0, 1].

    Examples
    --------
    >>> "head 2: a" in heads_table(np.full((2, 1, 1), 0.5), ["red"], ["a"])
    True
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 3 or weights.shape[1:] != (len(rows), len(columns)):
        raise ValueError(f"heads: weights must be (H, {len(rows)}, {len(columns)}), a weight for each row and column; "
                         f"got {weights.shape}")
    if not (weights.min(initial=0) >= 0 and weights.max(initial=0) <= 1 + 1e-3):
        raise ValueError(f"heads: weights must lie in [0, 1]; got {weights.min():.3g} to {weights.max():.3g}")
    head = [header_cell("")]
    head += [header_cell(f"head {h}: {name}" if k == 0 else name, class_="number")
             for h in range(1, len(weights) + 1) for k, name in enumerate(columns)]
    body = [[header_cell(name, scope="row"), *map(_cell, own.ravel())]
            for name, own in zip(rows, weights.transpose(1, 0, 2))]
    return table(head, body, caption, class_="confusion")


def _cell(weight):
    shade = f"background: color-mix(in srgb, var(--accent) {round(80 * min(weight, 1))}%, transparent)"
    return element("td", f"{weight:.2f}".removeprefix("0"), class_="number", style=shade)
