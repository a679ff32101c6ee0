r"""Joint tables p(a, b, y) of two symbols, each shown by one modality, and a label; all that follows is in closed form.

Written with $h(p) = -p \log_2 p - (1 - p) \log_2 (1 - p)$. The derivations are in the chapter on claims.
"""

import math
from typing import NamedTuple

import numpy as np

from ...metrics import PartialInformation

__all__ = ["Interaction", "conjunction", "draw_symbols", "hidden_mixture", "mixture", "redundant", "second_is_noise",
           "second_replaced", "synergistic", "table_of", "unique", "unlabelled"]


class Interaction(NamedTuple):
    """How two modalities go with a label.

    Attributes
    ----------
    name : str
    table : (A, B, Y) array
        Probabilities.
    accuracies : (float, float, float)
        Of the best guess from the first modality, from the second, and from both; in closed form.
    information : PartialInformation
        In closed form.
    """

    name: str
    table: np.ndarray
    accuracies: tuple
    information: PartialInformation


def table_of(cases):
    """The table of equally likely cases (a, b, y).

    Parameters
    ----------
    cases : sequence of (int, int, int)

    Returns
    -------
    (A, B, Y) array

    Examples
    --------
    >>> table_of([(0, 0, 0), (1, 1, 1)])[1, 1]
    array([0. , 0.5])
    """
    cases = np.array(cases)
    table = np.zeros(cases.max(0) + 1)
    np.add.at(table, tuple(cases.T), 1 / len(cases))
    return table


def redundant(symbols=4):
    """The second modality is a function of the first: a = y, b = y + 1, all modulo their number."""
    table = table_of([(y, (y + 1) % symbols, y) for y in range(symbols)])
    return Interaction("redundant", table, (1.0, 1.0, 1.0), PartialInformation(math.log2(symbols), 0.0, 0.0, 0.0))


def unique(symbols=2):
    """Each modality tells its half of the label: y = (a, b), independent of each other."""
    table = table_of([(a, b, a * symbols + b) for a in range(symbols) for b in range(symbols)])
    half = math.log2(symbols)
    return Interaction("unique", table, (1 / symbols, 1 / symbols, 1.0), PartialInformation(0.0, half, half, 0.0))


def synergistic(symbols=2):
    """Only both together tell anything: y = a + b modulo their number; with two symbols the exclusive or."""
    table = table_of([(a, b, (a + b) % symbols) for a in range(symbols) for b in range(symbols)])
    information = PartialInformation(0.0, 0.0, 0.0, math.log2(symbols))
    return Interaction("synergistic", table, (1 / symbols, 1 / symbols, 1.0), information)


def conjunction():
    """y = a and b, of two fair coins."""
    table = table_of([(a, b, a & b) for a in (0, 1) for b in (0, 1)])
    information = PartialInformation(0.75 * math.log2(4 / 3), 0.0, 0.0, 0.5)
    return Interaction("conjunction", table, (0.75, 0.75, 1.0), information)


def second_is_noise(flipped=0.2):
    """The second modality tells nothing; the first tells the label but for a share that is flipped.

    Examples
    --------
    >>> second_is_noise(0.2).accuracies
    (0.8, 0.5, 0.8)
    """
    _check_share("second_is_noise", flipped)
    table = np.array([[[1 - flipped, flipped]] * 2, [[flipped, 1 - flipped]] * 2]) / 4
    best = max(flipped, 1 - flipped)
    return Interaction("null", table, (best, 0.5, best), PartialInformation(0.0, 1 - _h(flipped), 0.0, 0.0))


def mixture(redundant, unique, synergistic):
    """One of three cases, which both modalities show, beside a symbol of two values each: y is in both, y is in the
    first while the second is noise, or y is the exclusive or of the two.

    Parameters
    ----------
    redundant, unique, synergistic : float
        The probabilities of the cases; they are also the bits of the decomposition.

    Raises
    ------
    ValueError
        If they are no distribution.

    Examples
    --------
    >>> mixture(0.5, 0.25, 0.25).accuracies
    (0.875, 0.75, 1.0)
    """
    weights = redundant, unique, synergistic
    if min(weights) < 0 or abs(sum(weights) - 1) > 1e-9:
        raise ValueError(f"mixture: the probabilities must be at least 0, of sum 1; got {weights}")
    table = np.zeros((6, 6, 2))
    for a in (0, 1):
        for b in (0, 1):
            table[a, a, a] += redundant / 4
            table[2 + a, 2 + b, a] += unique / 4
            table[4 + a, 4 + b, a ^ b] += synergistic / 4
    first = redundant + unique + synergistic / 2
    second = redundant + (unique + synergistic) / 2
    return Interaction("mixture", table, (first, second, 1.0), PartialInformation(redundant, unique, 0.0, synergistic))


def hidden_mixture(synergistic=0.4):
    """Both modalities show one symbol r, and each one of its own; y is r, or, in a share of cases that nobody can tell,
    the exclusive or of the own symbols. Up to a share of 1/2 both together know more than either, and guess no better.

    Examples
    --------
    >>> hidden_mixture(0.4).accuracies, round(hidden_mixture(0.4).information.synergistic, 3)
    ((0.8, 0.8, 0.8), 0.236)
    """
    share = synergistic
    _check_share("hidden_mixture", share)
    table = np.zeros((4, 4, 2))
    for r in (0, 1):
        for a in (0, 1):
            for b in (0, 1):
                table[2 * r + a, 2 * r + b, r] += (1 - share) / 8
                table[2 * r + a, 2 * r + b, a ^ b] += share / 8
    alone, both = 1 - share / 2, 0.5 + max(share, 1 - share) / 2
    information = PartialInformation(1 - _h(share / 2), 0.0, 0.0, _h(share / 2) - _h(share) / 2)
    return Interaction("hidden mixture", table, (alone, alone, both), information)


def second_replaced(table):
    """The table in which b is drawn by itself, p(a, y) p(b): a control without a second modality."""
    return table.sum(1)[:, None] * table.sum((0, 2))[None, :, None]


def unlabelled(table):
    """The table in which y is drawn by itself, p(a, b) p(y): a control with shuffled labels."""
    return table.sum(2)[..., None] * table.sum((0, 1))


def draw_symbols(table, n, rng):
    """Draw from a table.

    Parameters
    ----------
    table : (A, B, Y) array
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    a, b, y : int64 array (n,)

    Examples
    --------
    >>> a, b, y = draw_symbols(synergistic().table, 100, np.random.default_rng(0))
    >>> bool((a ^ b == y).all())
    True
    """
    drawn = rng.choice(table.size, size=n, p=table.ravel() / table.sum())
    return np.unravel_index(drawn, table.shape)


def _h(p):
    """The entropy of a coin, in bits."""
    return -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)


def _check_share(name, share):
    if not 0 <= share <= 1:
        raise ValueError(f"{name}: a share must be from 0 to 1; got {share}")
