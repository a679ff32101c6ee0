"""Whole numbers divided and rounded up: how many blocks, batches or rows it takes."""

__all__ = ["ceil_div"]


def ceil_div(a, b):
    r"""The quotient rounded up: $\lceil a / b \rceil$.

    Parameters
    ----------
    a, b : int, or ndarray of a signed integer dtype
        The dividend, and the divisor, which is not 0.

    Returns
    -------
    int or ndarray
        Exact, for Python integers of any size.

    Notes
    -----
    `//` rounds down, and the negative of a number rounded down is its negative rounded up:
    $\lceil a / b \rceil = -\lfloor -a / b \rfloor$.

    Examples
    --------
    >>> ceil_div(7, 2)
    4
    >>> import numpy as np
    >>> ceil_div(np.array([6, 7, 8]), 3)
    array([2, 3, 3])
    """
    return -(-a // b)
