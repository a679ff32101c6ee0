"""Long chains of NumPy steps, done a stretch at a time, so that every step finds its numbers in the cache.

One core does all of it: a step takes 5 to 30 µs, after which a thread needs the interpreter again. Two threads that
wait for each other that often were measured to take 0.8 to 1.2 times as long as one.
"""

import math

import numpy as np

__all__ = ["as_floating", "as_rows", "in_blocks", "over_rows"]

# elements in a stretch: two of float32 fit a core's second-level cache, and the calls cost little beside the work
BLOCK = 131072


def in_blocks(f, *arrays, results=1):
    """The arrays that `f(*results, *stretches)` fills, stretch by stretch.

    Parameters
    ----------
    f : callable
        Elementwise; writes into its first arguments.
    *arrays : ndarray
        Of one shape and dtype.
    results : int
        How many arrays are to be filled.

    Returns
    -------
    ndarray, or list of ndarray for more than one
        In that shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> in_blocks(lambda out, x: np.exp(x, out=out), np.zeros(3))
    array([1., 1., 1.])
    """
    filled = [np.empty_like(arrays[0], order="C") for _ in range(results)]
    over_rows(f, *(np.ascontiguousarray(a).reshape(-1) for a in (*filled, *arrays)))
    return filled if results > 1 else filled[0]


def over_rows(f, *arrays):
    """What `f(*stretches)` returns for stretches of rows that make up the arrays, in order.

    Parameters
    ----------
    f : callable
        Takes some rows of each array; writes only into these.
    *arrays : ndarray, (R, ...)
        All with R rows; the first tells how large a row is.

    Returns
    -------
    list

    Examples
    --------
    >>> import numpy as np
    >>> sum(over_rows(lambda x: x.sum(), np.ones((40000, 2))))
    np.float64(80000.0)
    """
    rows = len(arrays[0])
    step = max(1, BLOCK * rows // max(1, arrays[0].size))
    return [f(*(a[i:i + step] for a in arrays)) for i in range(0, rows, step)]


def as_rows(x):
    """x as a matrix whose rows run along the last axis; no copy where they lie one after the other."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def as_floating(x):
    """x as an array of a floating dtype: integers get the dtype of `x + 0.0`; a floating x is not copied.

    Examples
    --------
    >>> as_floating([1, 2])
    array([1., 2.])
    """
    x = np.asanyarray(x)
    return x.astype(np.result_type(x, 0.0), copy=False)
