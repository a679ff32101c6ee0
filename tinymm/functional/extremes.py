"""The largest and the smallest element along axes, with and without its index.

Over no elements there is no largest: that is an error. As in NumPy, a NaN counts as
the largest and as the smallest. Gradients there are PyTorch's.
"""

import numpy as np

from ..autograd import op, saving
from .axes import reduced
from .reductions import count, dropped, spread
from .selection import where

__all__ = ["amax", "amin", "max", "min"]


@op
def amax(x, axis=None, keepdims=False):
    r"""Largest element along axes: $y = \max_i x_i$. Ties share the gradient evenly.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Raises
    ------
    ValueError
        If there are no elements to choose from.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.amax(np.array([[1.0, 2.0], [5.0, 3.0]]), axis=1)
    array([2., 5.])
    """
    y, chosen = _extreme("amax", np.max, x, axis)
    return saving(y if keepdims else dropped(y, axis), chosen=chosen)


@amax.vjp
def amax_vjp(g, axis, chosen):      # x̄ᵢ = g · 1{xᵢ = y} / #{j: xⱼ = y}, which is 0/0 where y is NaN
    return to_chosen(g, axis, chosen)


@op
def amin(x, axis=None, keepdims=False):
    r"""Smallest element along axes: $y = \min_i x_i$. Ties share the gradient evenly.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Raises
    ------
    ValueError
        If there are no elements to choose from.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.amin(np.array([[1.0, 2.0], [5.0, 3.0]]), axis=1)
    array([1., 3.])
    """
    y, chosen = _extreme("amin", np.min, x, axis)
    return saving(y if keepdims else dropped(y, axis), chosen=chosen)


@amin.vjp
def amin_vjp(g, axis, chosen):      # x̄ᵢ = g · 1{xᵢ = y} / #{j: xⱼ = y}, which is 0/0 where y is NaN
    return to_chosen(g, axis, chosen)


def _extreme(who, f, x, axis):
    """The extreme with its axes kept, and where x equals it."""
    reduced(axis, np.ndim(x))  # an axis that does not exist is an error of its own
    try:
        y = np.asarray(f(x, axis=axis, keepdims=True))
    except ValueError:
        raise ValueError(f"{who}: needs at least one element along axis {axis}; got {np.shape(x)}") from None
    return y, np.asarray(x == y)


def to_chosen(g, axis, chosen):
    """The cotangent of a result, divided equally among the chosen elements; NaN for all where none is chosen."""
    axes = tuple(reduced(axis, chosen.ndim))
    n = np.sum(chosen, axis=axes, keepdims=True, dtype=g.dtype)
    none = n == 0
    return where(chosen | none, spread(g, axes, chosen.shape) / np.where(none, np.nan, n), 0)


@op
def max(x, axis=None, keepdims=False):
    r"""Largest element, and along an axis also its index, as `torch.max`.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int, optional
    keepdims : bool

    Returns
    -------
    Tensor or (Tensor, Tensor)
        Without `axis` the value, as from `amax`. With it the values and their indices (of the first, in a tie),
        and the gradient goes to the element of that index alone.

    Raises
    ------
    ValueError
        If there are no elements to choose from.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.max(np.array([[1.0, 2.0], [5.0, 3.0]]), axis=1)
    (array([2., 5.]), array([1, 0]))
    """
    return _with_index("max", np.max, np.argmax, x, axis, keepdims)


@max.vjp
def max_vjp(g, axis, chosen):       # x̄ᵢ = g · 1{i is the index}; without an axis as amax, NaN counting as equal
    return to_chosen(g if axis is None else g[0], axis, chosen)


@op
def min(x, axis=None, keepdims=False):
    r"""Smallest element, and along an axis also its index, as `torch.min`.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int, optional
    keepdims : bool

    Returns
    -------
    Tensor or (Tensor, Tensor)
        Without `axis` the value, as from `amin`. With it the values and their indices (of the first, in a tie),
        and the gradient goes to the element of that index alone.

    Raises
    ------
    ValueError
        If there are no elements to choose from.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.min(np.array([[1.0, 2.0], [5.0, 3.0]]), axis=1)
    (array([1., 3.]), array([0, 1]))
    """
    return _with_index("min", np.min, np.argmin, x, axis, keepdims)


@min.vjp
def min_vjp(g, axis, chosen):       # x̄ᵢ = g · 1{i is the index}; without an axis as amin, NaN counting as equal
    return to_chosen(g if axis is None else g[0], axis, chosen)


def _with_index(who, f, find, x, axis, keepdims):
    """The extreme and, along an axis, its index; `find` is argmax or argmin."""
    if isinstance(axis, (tuple, list)):
        raise ValueError(f"{who}: an index needs a single axis; got {axis}; a{who} takes several")
    y, chosen = _extreme(who, f, x, axis)
    if axis is None:
        chosen |= np.isnan(x) & np.isnan(y)
        return saving(y if keepdims else dropped(y, axis), chosen=chosen)
    index = np.asarray(find(x, axis=axis, keepdims=True))
    shape = np.shape(x)
    axes = reduced(axis, np.ndim(x))
    position = np.arange(count(axis, shape)).reshape([n if k in axes else 1 for k, n in enumerate(shape)])
    chosen = np.asarray(index == position)
    return saving((y, index) if keepdims else (dropped(y, axis), dropped(index, axis)), chosen=chosen)
