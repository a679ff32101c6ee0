"""Sums of many numbers that keep their digits.

Added one after another, n numbers collect up to n roundings: a million times 0.1 is 100958 in float32. NumPy adds in
pairs along the last axis only, and BLAS keeps a few dozen running sums. Here a long axis is cut into blocks, and the
sums of the blocks are summed in the same way.
"""

import math

import numpy as np

from .blocks import as_floating

__all__ = ["accumulator", "column_sum", "for_sums", "inner", "running_sum", "total", "wide"]

BLOCK = 64  # numbers that are added one after another
SHORT = 1024  # as few are left to NumPy
RUN = 256  # numbers side by side that keep NumPy's inner loop busy
STRETCH = 4096  # numbers that are left to BLAS: it adds them up in some 32 sums of 128


def total(a, axis=None, keepdims=False):
    r"""The sum along axes, $y = \sum_i a_i$, with about $\log n$ roundings instead of n.

    Parameters
    ----------
    a : ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Returns
    -------
    ndarray or NumPy scalar
        In the dtype of `np.sum`. Float16 is summed in float32.

    Notes
    -----
    NumPy's `sum` for short arrays, whole numbers, and along the innermost axes in memory. The other axes are reduced
    one by one, the outermost first: its slices are the longest runs in memory.

    References
    ----------
    Higham, "The accuracy of floating point summation", 1993, section 3.

    Examples
    --------
    >>> float(total(np.full((2**20, 1), 0.1, np.float32), axis=0)[0] / 2**20)
    0.10000001639127731
    """
    if a.dtype.char == "e":
        return total(a.astype(np.float32), axis, keepdims).astype(np.float16)
    if a.size <= SHORT or a.dtype.kind not in "fc":
        return np.add.reduce(a, axis, keepdims=keepdims)
    axes = np.lib.array_utils.normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    order = sorted(range(a.ndim), key=lambda k: -abs(a.strides[k]))
    in_memory = a.transpose(order)
    in_front = _in_front(in_memory, sorted(order.index(k) for k in axes))
    if math.prod(in_memory.shape[k] for k in in_front) > BLOCK:
        for k in in_front:
            in_memory = _reduced(in_memory, k)
    return np.add.reduce(in_memory.transpose(np.argsort(order)), axes, keepdims=keepdims)


def _in_front(a, axes):
    """Those of the axes that are not the innermost in memory: along these NumPy adds in pairs."""
    in_front = [k for k in axes if a.shape[k] > 1]
    step = a.itemsize
    while in_front and a.strides[in_front[-1]] == step:
        step *= a.shape[in_front.pop()]
    return in_front


def _reduced(a, k):
    """Σ along axis k, which is kept with length 1: of blocks, of their sums, and so on."""
    front, behind = a.shape[:k], a.shape[k + 1:]
    while (n := a.shape[k]) > BLOCK:
        # `width` sums side by side, each of every width-th slice, where a slice is short
        width = min(max(1, RUN // math.prod(behind)), n // BLOCK)
        head, rest = np.split(a, [n - n % (BLOCK * width)], k)
        head = head.reshape(*front, -1, BLOCK, width, *behind).sum(k + 1).reshape(*front, -1, *behind)
        a = np.concatenate([head, rest], k) if rest.size else head
    return a.sum(k, keepdims=True)


def inner(a, b):
    r"""The inner product along the last axis, $y = \sum_i a_i b_i$, in BLAS; long rows stretch by stretch.

    Parameters
    ----------
    a, b : ndarray, (..., n)
        The axes in front broadcast.

    Returns
    -------
    ndarray, (...,)

    Examples
    --------
    >>> inner(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2))
    array([3., 7.])
    """
    n = a.shape[-1]
    if n <= STRETCH:
        return np.vecdot(a, b)
    whole = n - n % STRETCH
    stretches = (x[..., :whole].reshape(*x.shape[:-1], -1, STRETCH) for x in (a, b))
    return np.vecdot(*stretches).sum(-1) + np.vecdot(a[..., whole:], b[..., whole:])


def column_sum(a):
    r"""The sum of the rows of a matrix, $y_j = \sum_i a_{ij}$, in BLAS; many rows block by block.

    Parameters
    ----------
    a : ndarray, (R, C)

    Returns
    -------
    ndarray, (C,)

    Examples
    --------
    >>> column_sum(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    rows = len(a)
    if a.dtype.char == "e":
        return total(a, 0)
    if rows <= SHORT:
        return np.ones(rows, a.dtype) @ a
    whole = rows - rows % SHORT
    blocks = np.ones(SHORT, a.dtype) @ a[:whole].reshape(-1, SHORT, a.shape[1])
    return total(blocks, 0) + np.ones(rows - whole, a.dtype) @ a[whole:]


def running_sum(a, axis):
    r"""The running sum along an axis, $y_i = \sum_{j \le i} a_j$; a long one of float32 is summed in float64.

    Parameters
    ----------
    a : ndarray
    axis : int

    Returns
    -------
    ndarray
        In the dtype of `np.cumsum`.

    Examples
    --------
    >>> running_sum(np.array([1.0, 2.0, 3.0]), 0)
    array([1., 3., 6.])
    """
    if a.dtype.kind not in "fc":
        return np.cumsum(a, axis)
    return np.cumsum(a, axis, dtype=accumulator(a.dtype, a.shape[axis])).astype(a.dtype, copy=False)


def accumulator(dtype, n):
    """The dtype in which up to n numbers of a floating dtype are added one after another.

    Examples
    --------
    >>> [str(accumulator(np.dtype(name), 10)) for name in ("float16", "float32", "float64")]
    ['float32', 'float32', 'float64']
    >>> str(accumulator(np.dtype("float32"), 10**6))
    'float64'
    """
    if dtype.char == "e":
        return np.dtype(np.float32)
    return np.promote_types(dtype, np.float64) if n > SHORT else dtype


def for_sums(x):
    """x as a floating array whose sums stay in range as PyTorch's do: float16 becomes float32.

    Examples
    --------
    >>> str(for_sums(np.ones(2, np.float16)).dtype), str(for_sums(np.ones(2, np.float32)).dtype)
    ('float32', 'float32')
    """
    x = as_floating(x)
    return x.astype(np.float32) if x.dtype.char == "e" else x
