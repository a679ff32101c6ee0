"""Long chains of elementwise steps, done a stretch at a time so that every step finds its numbers in the cache."""

import numpy as np

__all__ = ["in_blocks"]

BLOCK = 65536  # elements: a few such float32 stretches fit a core's second-level cache


def in_blocks(f, *arrays):
    """The array that `f(out, *stretches)` fills, stretch by stretch.

    Parameters
    ----------
    f : callable
        Elementwise; writes into its first argument.
    *arrays : ndarray
        Of one shape and dtype.

    Returns
    -------
    ndarray
        In that shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> in_blocks(lambda out, x: np.exp(x, out=out), np.zeros(3))
    array([1., 1., 1.])
    """
    out = np.empty(arrays[0].shape, arrays[0].dtype)
    flat = [out.reshape(-1), *(np.ascontiguousarray(a).reshape(-1) for a in arrays)]
    for start in range(0, out.size, BLOCK):
        f(*(a[start:start + BLOCK] for a in flat))
    return out
