r"""How much two modalities tell of a label, alone and together, when the joint table p(a, b, y) is known.

The best accuracy is Bayes': guess the likeliest label given what is seen. Information says more, and can be divided:
what either modality tells (redundant), what only one tells (unique), what only both together tell (synergistic).
"""

from typing import NamedTuple

import numpy as np

__all__ = ["PartialInformation", "bayes_accuracy", "mutual_information", "partial_information"]

NONE = 1e-12  # a smaller probability counts as 0
GAP = 1e-9  # nats: how far from the least information the decomposition may stop
SHRINK = 0.2  # of the barrier's weight, from one stage to the next


class PartialInformation(NamedTuple):
    """What two modalities tell of a label, in bits; the four add up to the mutual information of both with it."""

    redundant: float
    unique_first: float
    unique_second: float
    synergistic: float


def bayes_accuracy(table, shown=(0, 1)):
    r"""The accuracy of the best guess of y from some modalities: $\sum_x \max_y p(x, y)$.

    Parameters
    ----------
    table : (..., Y) array
        Probabilities: an axis for each modality, the last for the label.
    shown : sequence of int
        The axes that are seen; of none, the likeliest label is guessed always.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the table is no distribution, or an axis is none of its modalities.

    Examples
    --------
    >>> xor = np.array([[[0.25, 0], [0, 0.25]], [[0, 0.25], [0.25, 0]]])
    >>> bayes_accuracy(xor, [0]), bayes_accuracy(xor, [1]), bayes_accuracy(xor)
    (0.5, 0.5, 1.0)
    """
    return float(_seen("bayes_accuracy", table, shown).max(-1).sum())


def mutual_information(table, shown=(0, 1)):
    r"""What some modalities tell of y, in bits: $I(X; Y) = \sum_{x, y} p(x, y) \log_2 \frac{p(x, y)}{p(x)\,p(y)}$.

    Parameters
    ----------
    table, shown
        As for `bayes_accuracy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `bayes_accuracy`.

    Examples
    --------
    >>> xor = np.array([[[0.25, 0], [0, 0.25]], [[0, 0.25], [0.25, 0]]])
    >>> mutual_information(xor, [0]), mutual_information(xor)
    (0.0, 1.0)
    """
    p = _seen("mutual_information", table, shown)
    independent = p.sum(-1, keepdims=True) * p.sum(0, keepdims=True)
    some = p > 0
    return float(max(0.0, (p[some] * np.log2(p[some] / independent[some])).sum()))


def partial_information(table):
    r"""The partial information decomposition of Bertschinger and others (BROJA).

    Whoever knows only how each modality goes with the label, p(a, y) and p(b, y), cannot know more of both together
    than all tables Q with these marginals have in common. So the least information among them is not synergistic:

    $$ I^\ast = \min_Q I_Q(A, B; Y), \qquad
       \text{synergistic} = I(A, B; Y) - I^\ast, \qquad
       \text{unique}_A = I^\ast - I(B; Y), \qquad
       \text{unique}_B = I^\ast - I(A; Y), \qquad
       \text{redundant} = I(A; Y) + I(B; Y) - I^\ast . $$

    Parameters
    ----------
    table : (A, B, Y) array
        Probabilities.

    Returns
    -------
    PartialInformation
        In bits, to about 1e-8.

    Raises
    ------
    ValueError
        If the table has not three axes, or is no distribution.

    Notes
    -----
    The problem is convex: $I_Q$ is, since Q's marginal of y is fixed, and the tables are a polytope. It is solved by
    Newton's method with a logarithmic barrier that keeps Q positive; on the central path the distance from the minimum
    is at most the weight of the barrier times the number of entries.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost and Ay (2014), Quantifying unique information, Entropy 16(4), eqs. 4 to 7.

    Examples
    --------
    >>> xor = np.array([[[0.25, 0], [0, 0.25]], [[0, 0.25], [0.25, 0]]])
    >>> [round(value, 6) for value in partial_information(xor)]
    [0.0, 0.0, 0.0, 1.0]
    """
    p = _checked("partial_information", table)
    if p.ndim != 3:
        raise ValueError(f"partial_information: the table must be (A, B, Y); got shape {p.shape}")
    p = np.where(p < NONE, 0.0, p)
    p = p / p.sum()
    both, first, second = (mutual_information(p, shown) for shown in ((0, 1), (0,), (1,)))
    least = min(both, max(first, second, mutual_information(_least_informative(p))))
    return PartialInformation(max(0.0, first + second - least), least - second, least - first, both - least)


def _least_informative(p):
    """The table with p's marginals of (a, y) and (b, y) that tells least: (A, B, Y)."""
    y = p.sum((0, 1))
    product = p.sum(1)[:, None] * p.sum(0)[None] / np.where(y > 0, y, 1)  # a and b independent given y
    cells = np.argwhere(product > 0)                                     # all others are 0 in every such table
    q, moves = product[tuple(cells.T)], _moves(cells)
    if not moves.size:
        return product
    same = (cells[:, None, :2] == cells[None, :, :2]).all(-1).astype(float)  # (n, n): cells of one a and b
    weight = 1.0
    while True:
        q = _centred(q, moves, same, weight)
        if weight * len(q) < GAP:
            break
        weight *= SHRINK
    least = np.zeros_like(p)
    least[tuple(cells.T)] = q
    return least


def _moves(cells):
    """A basis (n, k) of the changes of a table that leave both marginals as they are.

    For each label: from one row and column of what may be positive to each other row and column, around a rectangle.
    """
    index = {tuple(cell): i for i, cell in enumerate(cells)}
    moves = []
    for label in np.unique(cells[:, 2]):
        rows, columns = (np.unique(cells[cells[:, 2] == label, axis]) for axis in (0, 1))
        for a in rows[1:]:
            for b in columns[1:]:
                move = np.zeros(len(cells))
                for row, column, sign in ((rows[0], columns[0], 1), (a, b, 1), (rows[0], b, -1), (a, columns[0], -1)):
                    move[index[row, column, label]] = sign
                moves.append(move)
    return np.array(moves).T


def _centred(q, moves, same, weight):
    r"""The q (n,) on the central path, from a positive one: the least $\sum q \log(q / q_{ab}) - w \sum \log q$."""
    def value(q):
        return (q * np.log(q / (same @ q))).sum() - weight * np.log(q).sum()

    for _ in range(100):
        q_ab = same @ q
        gradient = moves.T @ (np.log(q / q_ab) - weight / q)
        curvature = moves.T @ ((1 / q + weight / q**2)[:, None] * moves - same / q_ab[:, None] @ moves)
        scale = 1 / np.sqrt(np.diag(curvature))                          # q may differ by many orders of magnitude
        step = -scale * np.linalg.lstsq(scale[:, None] * curvature * scale, scale * gradient, rcond=None)[0]
        decrement = -(gradient @ step)
        if decrement < GAP * min(1.0, weight * len(q)):
            break
        change = moves @ step
        falling = change < 0
        size = min(1.0, 0.95 * (-q[falling] / change[falling]).min()) if falling.any() else 1.0
        before = value(q)
        while value(q + size * change) > before - 0.1 * size * decrement and size > 1e-12:
            size /= 2
        q = q + size * change
    return q


def _seen(name, table, shown):
    """p(x, y) of the axes that are seen, as (X, Y)."""
    p = _checked(name, table)
    modalities = p.ndim - 1
    if not {*shown} <= {*range(modalities)}:
        raise ValueError(f"{name}: shown must be among the modalities 0 to {modalities - 1}; got {tuple(shown)}")
    p = p.sum(tuple(axis for axis in range(modalities) if axis not in shown))
    return p.reshape(-1, p.shape[-1])


def _checked(name, table):
    p = np.asarray(table, dtype=np.float64)
    if p.ndim < 2 or not (p >= 0).all() or abs(p.sum() - 1) > 1e-9:
        raise ValueError(f"{name}: the table must be probabilities of sum 1, with an axis for each modality and the "
                         f"label's last; got shape {p.shape}, sum {p.sum():g}")
    return p
