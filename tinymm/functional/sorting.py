"""Elements in order, and the indices that put them there. Indices are integers: constants to the tape."""

import numpy as np

from ..autograd import Tensor, op, saving
from .axes import axis_of
from .indexing import along, place, take_along_axis

__all__ = ["argmax", "argmin", "argsort", "sort", "topk"]


@op
def sort(x, axis=-1, descending=False):
    """The elements in order along an axis, and where each came from; ties keep their order.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int
    descending : bool

    Returns
    -------
    values : Tensor
    indices : Tensor of int
        Both in the shape of x.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sort(np.array([3.0, 1.0, 2.0]))
    (array([1., 2., 3.]), array([1, 2, 0]))
    """
    axis = axis_of(axis, np.ndim(x))
    index = argsort(x, axis, descending)
    return saving((np.take_along_axis(x, index, axis), index), index=index)


@sort.vjp
def sort_vjp(g, axis, index):       # x̄ = g put back: read with the inverse permutation
    return take_along_axis(g[0], np.argsort(index, axis=axis), axis)


@op
def topk(x, k, axis=-1, largest=True):
    """The k largest (or smallest) elements along an axis, in order, and their indices.

    Parameters
    ----------
    x : Tensor or ndarray
    k : int
    axis : int
    largest : bool

    Returns
    -------
    values : Tensor
    indices : Tensor of int
        Both k long along `axis`.

    Raises
    ------
    ValueError
        If k exceeds the length of the axis.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.topk(np.array([3.0, 1.0, 2.0]), 2)
    (array([3., 2.]), array([0, 2]))
    """
    n = np.shape(x)[axis_of(axis, np.ndim(x))]
    if not 0 <= k <= n:
        raise ValueError(f"topk: k must lie in [0, {n}], the length of axis {axis}; got {k}")
    # separating the k wanted from the rest, then sorting them, is cheaper than sorting all
    if n == 0:
        order = np.argsort(x, axis=axis)
    elif largest:
        order = np.argpartition(x, min(n - k, n - 1), axis=axis)
    else:
        order = np.argpartition(x, max(k - 1, 0), axis=axis)
    index = np.take(order, np.arange(n - k, n) if largest else np.arange(k), axis=axis)
    values = np.take_along_axis(x, index, axis)
    within = argsort(values, axis, largest)
    index = np.take_along_axis(index, within, axis)
    return saving((np.take_along_axis(values, within, axis), index), where=along(index, axis), x_shape=x.shape)


@topk.vjp
def topk_vjp(g, where, x_shape):    # x̄ = zeros, with g put where its element came from
    return place(g[0], where, x_shape)


def argsort(x, axis=-1, descending=False):
    """The indices that put the elements in order along an axis; ties keep their order.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int
    descending : bool

    Returns
    -------
    Tensor (ndarray, for an ndarray) of int
        In the shape of x.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.argsort(np.array([3.0, 1.0, 2.0]), descending=True)
    array([0, 2, 1])
    """
    if isinstance(x, Tensor):
        return Tensor(argsort(x.data, axis, descending))
    _require_axis("argsort", axis, np.ndim(x))
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)


def argmax(x, axis=None, keepdims=False):
    """The index of the largest element along an axis, the first in a tie.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int, optional
        Default: the index into the flattened array.
    keepdims : bool

    Returns
    -------
    Tensor (ndarray or number, for an ndarray) of int

    Raises
    ------
    ValueError
        If there are no elements to choose from.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.argmax(np.array([[1.0, 2.0], [5.0, 3.0]]), axis=1)
    array([1, 0])
    """
    return _place_of(np.argmax, x, axis, keepdims)


def argmin(x, axis=None, keepdims=False):
    """The index of the smallest element along an axis, the first in a tie.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int, optional
        Default: the index into the flattened array.
    keepdims : bool

    Returns
    -------
    Tensor (ndarray or number, for an ndarray) of int

    Raises
    ------
    ValueError
        If there are no elements to choose from.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.argmin(np.array([[1.0, 2.0], [5.0, 3.0]]), axis=1)
    array([0, 1])
    """
    return _place_of(np.argmin, x, axis, keepdims)


def _place_of(find, x, axis, keepdims):
    if isinstance(x, Tensor):
        return Tensor(np.asarray(_place_of(find, x.data, axis, keepdims)))
    if axis is not None:
        _require_axis(find.__name__, axis, np.ndim(x) or 1)
    try:
        return find(x, axis=axis, keepdims=keepdims)
    except ValueError:
        raise ValueError(f"{find.__name__}: needs at least one element along axis {axis}; got {np.shape(x)}") from None


def _require_axis(who, axis, ndim):
    """Check an axis; these functions are not ops, so they put their own name in front of the error."""
    try:
        axis_of(axis, ndim)
    except np.exceptions.AxisError as error:
        raise np.exceptions.AxisError(f"{who}: {error}") from None
