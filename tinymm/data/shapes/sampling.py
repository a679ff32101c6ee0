"""Drawing from a list: one of equally likely options, or several indices by weight."""

import numpy as np

__all__ = ["one_of", "systematic"]


def one_of(options, rng):
    """One of the options, all equally likely.

    Examples
    --------
    >>> one_of(["red"], np.random.default_rng(0))
    'red'
    """
    return options[rng.integers(len(options))]


def systematic(weights, number, rng):
    r"""Systematic sampling: so many indices, each by itself with the probability $p_i = w_i / \sum_j w_j$.

    The interval [0, 1) is cut into pieces of lengths p_i, and a comb with so many teeth, equally far apart, is laid
    over it at random: index i is met by ⌊number·p_i⌋ or ⌈number·p_i⌉ teeth. So there are fewer repetitions than among
    independent draws. In random order.

    Parameters
    ----------
    weights : float array (N,)
        Not negative, of positive sum.
    number : int
    rng : numpy.random.Generator

    Returns
    -------
    int array (number,)

    References
    ----------
    Madow (1949), On the theory of systematic sampling II.

    Examples
    --------
    >>> sorted(systematic(np.array([0.5, 0.0, 0.5]), 4, np.random.default_rng(0)).tolist())
    [0, 0, 2, 2]
    """
    ends = np.cumsum(weights)
    teeth = (rng.random() + np.arange(number)) / number * ends[-1]
    teeth = np.minimum(teeth, np.nextafter(ends[-1], 0))                 # rounding may reach the end
    return rng.permutation(np.searchsorted(ends, teeth, side="right"))
