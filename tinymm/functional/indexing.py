"""Reading and writing elements by their index: getitem, gather, and the scatters that are their transposes.

An index may be anything NumPy takes, or a Tensor of integers or booleans. An
element read twice receives both gradients.
"""

import math

import numpy as np
import scipy.sparse

from ..autograd import Tensor, op, saving
from ..cores.sums import accumulator
from .axes import axis_of

__all__ = ["gather", "getitem", "index_add", "place", "scatter_add", "take_along_axis"]


@op
def getitem(x, index):
    r"""Elements of x: $y = x[\text{index}]$, with NumPy's rules.

    Parameters
    ----------
    x : Tensor or ndarray
    index : int, slice, None, Ellipsis, array or Tensor of int or bool, or a tuple of these

    Returns
    -------
    Tensor
        A view where NumPy gives one.

    Raises
    ------
    IndexError
        If the index does not fit.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.getitem(np.array([5.0, 6.0, 7.0]), [2, 2, 0])
    array([7., 7., 5.])
    """
    index = _plain_index(index)
    try:
        return saving(x[index], index=index, x_shape=x.shape)
    except IndexError as error:
        raise IndexError(f"getitem: {error}; the shape is {x.shape}") from None


@getitem.vjp
def getitem_vjp(g, index, x_shape):  # x̄ = zeros, with g added at the index
    return place(g, index, x_shape)


@op
def place(x, index, shape):
    r"""Zeros, with x added at an index; the transpose of `getitem`: $y_p = \sum_{k:\, \text{index}_k = p} x_k$.

    Parameters
    ----------
    x : Tensor or ndarray
        In the shape that `getitem` gives.
    index : as for `getitem`
    shape : tuple of int

    Returns
    -------
    Tensor
        Of that shape.

    Raises
    ------
    IndexError
        If the index does not fit.
    ValueError
        If x does not have the shape that the index reads.

    Notes
    -----
    An index without integer arrays names no element twice, so x is simply assigned. Rows of a matrix
    are added up as a product with a sparse matrix of ones; anything else is added element by element. Where
    an element receives many numbers of float32, all are added in float64.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.place(np.array([1.0, 2.0, 3.0]), [0, 2, 0], (4,))
    array([4., 0., 2., 0.])
    """
    index = _plain_index(index)
    parts = index if type(index) is tuple else (index,)
    arrays = [part for part in parts if isinstance(part, np.ndarray) and part.dtype != bool]
    if len(parts) == 1 and arrays and len(shape) > 1:
        return _place_rows(x, arrays[0], shape)
    if arrays:
        positions = np.arange(math.prod(shape)).reshape(shape)[index]
        _require_shape(x, positions.shape, shape)
        positions = positions.reshape(-1)
        dtype = accumulator(x.dtype, _most_repeated(positions))
        y = np.zeros(math.prod(shape), dtype)
        np.add.at(y, positions, x.reshape(-1).astype(dtype, copy=False))
        return y.reshape(shape).astype(x.dtype, copy=False)
    y = np.zeros(shape, x.dtype)
    _require_shape(x, y[index].shape, shape)
    y[index] = x
    return y


@place.vjp
def place_vjp(g, index):            # x̄ = g at the index
    return getitem(g, index)


def _require_shape(x, read, shape):
    if x.shape != read:
        raise ValueError(f"place: x must have the shape that the index reads from {tuple(shape)}, {read}; "
                         f"got {x.shape}")


def _place_rows(x, rows, shape):
    """Rows of x added to zeros at `rows` of the first axis: Sᵀ x, with S one-hot."""
    _require_shape(x, (*rows.shape, *shape[1:]), shape)
    n = shape[0]
    rows = rows.reshape(-1)
    if rows.size and not -n <= rows.min() <= rows.max() < n:
        raise IndexError(f"place: an index must lie in [{-n}, {n}); got {rows[(rows < -n) | (rows >= n)][0]}")
    rows = rows % max(n, 1)
    dtype = accumulator(x.dtype, _most_repeated(rows))
    one_hot = scipy.sparse.csr_array((np.ones(rows.size, dtype), rows, np.arange(rows.size + 1)), shape=(rows.size, n))
    y = one_hot.T @ x.reshape(rows.size, math.prod(shape[1:])).astype(dtype, copy=False)
    return y.reshape(shape).astype(x.dtype, copy=False)


def _most_repeated(positions):
    """How many numbers the place that receives most of them receives."""
    return int(np.bincount(positions).max(initial=0))


def _plain_index(index):
    """The index, its Tensors and lists turned into arrays of int or bool."""
    if type(index) is tuple:
        return tuple(map(_plain_index, index))
    if isinstance(index, Tensor):
        return index.data
    if isinstance(index, list):
        array = np.asarray([part.data if isinstance(part, Tensor) else part for part in index])
        return array if array.size else array.astype(np.intp)
    return index


@op
def take_along_axis(x, indices, axis=-1):
    """One element of x along an axis for each element of `indices`; the other axes broadcast, as in NumPy.

    Parameters
    ----------
    x : Tensor or ndarray
    indices : ndarray or Tensor of int
        As many axes as x.
    axis : int

    Returns
    -------
    Tensor
        In the shape of `indices`, broadcast.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), 1)
    array([[2.],
           [3.]])
    """
    indices = np.asarray(indices)
    axis = axis_of(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(f"take_along_axis: indices needs as many axes as x; got {indices.shape} for {x.shape}")
    others = np.broadcast_shapes(_without(x.shape, axis), _without(indices.shape, axis))
    index = list(np.ogrid[tuple(map(slice, others))])
    index = [0 if n == 1 else k for n, k in zip(x.shape, index)]    # an axis of x of length 1 broadcasts
    index[axis] = indices
    return saving(x[tuple(index)], index=tuple(index), x_shape=x.shape)


@take_along_axis.vjp
def take_along_axis_vjp(g, index, x_shape):  # x̄ = zeros, with g added at the index
    return place(g, index, x_shape)


def _without(shape, axis):
    """The shape with 1 in place of the axis."""
    return tuple(1 if k == axis_of(axis, len(shape)) else n for k, n in enumerate(shape))


@op
def gather(x, axis, index):
    r"""One element along an axis for each index: $y_{ij} = x_{\text{index}_{ij}\, j}$ (axis 0).

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int
    index : ndarray or Tensor of int
        As many axes as x, and none but `axis` longer than x's.

    Returns
    -------
    Tensor
        In the shape of `index`.

    Raises
    ------
    ValueError
        If `index` does not fit.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.gather(np.array([[1.0, 2.0], [3.0, 4.0]]), 1, np.array([[1, 1, 0]]))
    array([[2., 2., 1.]])
    """
    where = _grid("gather", x.shape, axis, index)
    return saving(x[where], where=where, x_shape=x.shape)


@gather.vjp
def gather_vjp(g, where, x_shape):  # x̄ = zeros, with g added at the index
    return place(g, where, x_shape)


@op
def scatter_add(x, axis, index, source):
    r"""x, with `source` added at one index along an axis per element:
    $y_{\text{index}_{ij}\, j} \mathrel{+}= s_{ij}$ (axis 0).

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int
    index : ndarray or Tensor of int
        As many axes as x, and none but `axis` longer than x's.
    source : Tensor or ndarray
        In the shape of `index`.

    Returns
    -------
    Tensor
        In the shape of x.

    Raises
    ------
    ValueError
        If `index` does not fit, or `source` differs from it in shape.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.scatter_add(np.zeros(3), 0, np.array([2, 2, 0]), np.array([1.0, 2.0, 3.0]))
    array([3., 0., 3.])
    """
    where = _grid("scatter_add", x.shape, axis, index)
    if np.shape(source) != np.shape(index):
        raise ValueError("scatter_add: index and source must have one shape; "
                         f"got {np.shape(index)} and {np.shape(source)}")
    return saving(x + place(source, where, x.shape), where=where)


@scatter_add.vjp
def scatter_add_vjp(g, where):      # x̄ = g,  s̄ = g at the index
    return g, None, None, lambda: getitem(g, where)


def _grid(who, shape, axis, index):
    """`along`, after the shapes have been checked."""
    index = np.asarray(index)
    axis = axis_of(axis, len(shape))
    if index.ndim != len(shape) or any(m > n for m, n in zip(_without(index.shape, axis), shape)):
        raise ValueError(f"{who}: index needs as many axes as x, none but axis {axis} longer than x's; "
                         f"got {index.shape} for {shape}")
    return along(index, axis)


def along(index, axis):
    """An index for `getitem`: `index` along one axis, along the others each element's own position."""
    where = list(np.ogrid[tuple(map(slice, index.shape))])
    where[axis] = index
    return tuple(where)


@op
def index_add(x, axis, index, source):
    r"""x, with slices of `source` added at places along an axis: $y_{\text{index}_i} \mathrel{+}= s_i$ (axis 0).

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int
    index : ndarray or Tensor of int, shape (N,)
    source : Tensor or ndarray
        In the shape of x, except that `axis` is N long.

    Returns
    -------
    Tensor
        In the shape of x.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.index_add(np.zeros((2, 2)), 0, np.array([1, 1]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[0., 0.],
           [4., 6.]])
    """
    index = np.asarray(index)
    axis = axis_of(axis, x.ndim)
    where = (*(slice(None),) * axis, index)
    expected = (*x.shape[:axis], index.size, *x.shape[axis + 1:])
    if index.ndim != 1 or np.shape(source) != expected:
        raise ValueError(f"index_add: needs index (N,) and source {expected}; got {index.shape} and {np.shape(source)}")
    return saving(x + place(source, where, x.shape), where=where)


@index_add.vjp
def index_add_vjp(g, where):        # x̄ = g,  s̄ = g at the index
    return g, None, None, lambda: getitem(g, where)
