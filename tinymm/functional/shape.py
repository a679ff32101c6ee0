"""The same elements in another arrangement: shapes, orders of axes, broadcasting, flips, triangles.

Each VJP is the arrangement undone. Forwards return views where NumPy does.
"""

import math

import numpy as np

from ..autograd import op, saving
from .axes import axis_of

__all__ = ["broadcast_to", "expand", "flatten", "flip", "moveaxis", "permute", "reshape", "roll", "squeeze", "swapaxes",
           "transpose", "tril", "triu", "unsqueeze"]


@op
def reshape(x, shape):
    """The elements of x, in C order, in another shape.

    Parameters
    ----------
    x : Tensor or ndarray
    shape : int or tuple of int
        As many elements as x has; one entry may be -1 and is worked out.

    Raises
    ------
    ValueError
        If the number of elements differs.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.reshape(np.arange(6.0), (2, -1)).shape
    (2, 3)
    """
    try:
        return saving(np.reshape(x, shape), x_shape=np.shape(x))
    except ValueError:
        raise ValueError(f"reshape: the new shape must hold as many elements; got {np.shape(x)} to {shape}") from None


@reshape.vjp
def reshape_vjp(g, x_shape):        # x̄ = g, in x's shape
    return g.reshape(x_shape)


@op
def flatten(x, start_dim=0, end_dim=-1):
    """The axes from `start_dim` to `end_dim`, both included, merged into one.

    Parameters
    ----------
    x : Tensor or ndarray
    start_dim, end_dim : int

    Raises
    ------
    ValueError
        If `start_dim` comes after `end_dim`.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.flatten(np.zeros((2, 3, 4, 5)), 1, 2).shape
    (2, 12, 5)
    """
    shape = np.shape(x) or (1,)  # a number becomes one element
    first = axis_of(start_dim, len(shape))
    last = axis_of(end_dim, len(shape))
    if first > last:
        raise ValueError("flatten: start_dim must not come after end_dim; "
                         f"got {start_dim} and {end_dim} for {np.shape(x)}")
    merged = (*shape[:first], math.prod(shape[first:last + 1]), *shape[last + 1:])
    return saving(np.reshape(x, merged), x_shape=np.shape(x))


@flatten.vjp
def flatten_vjp(g, x_shape):        # x̄ = g, in x's shape
    return g.reshape(x_shape)


@op
def squeeze(x, axis=None):
    """Without the axes of length 1.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
        The axes to look at; those that are longer stay, as in PyTorch. Default: all.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.squeeze(np.zeros((1, 3, 1))).shape, F.squeeze(np.zeros((1, 3, 1)), (0, 1)).shape
    ((3,), (3, 1))
    """
    shape = np.shape(x)
    looked_at = range(len(shape)) if axis is None else {axis_of(k, len(shape)) for k in _tuple(axis)}
    return saving(np.reshape(x, [n for k, n in enumerate(shape) if n != 1 or k not in looked_at]), x_shape=shape)


@squeeze.vjp
def squeeze_vjp(g, x_shape):        # x̄ = g, in x's shape
    return g.reshape(x_shape)


@op
def unsqueeze(x, axis):
    """With a new axis of length 1 (or several), at `axis` of the result.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.unsqueeze(np.zeros((2, 3)), -1).shape
    (2, 3, 1)
    """
    return saving(np.expand_dims(x, axis), x_shape=np.shape(x))


@unsqueeze.vjp
def unsqueeze_vjp(g, x_shape):      # x̄ = g, in x's shape
    return g.reshape(x_shape)


@op
def permute(x, dims):
    r"""The axes in another order: axis k of the result is axis `dims[k]` of x.

    Parameters
    ----------
    x : Tensor or ndarray
    dims : tuple of int, or int for a single axis
        Each axis of x once.

    Raises
    ------
    ValueError
        If `dims` is not a permutation of the axes.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.permute(np.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    dims = (dims,) if isinstance(dims, (int, np.integer)) else tuple(dims)
    try:
        return saving(np.transpose(x, dims), order=dims)
    except ValueError:
        raise ValueError(f"permute: dims must name each axis of {np.shape(x)} once; got {dims}") from None


@permute.vjp
def permute_vjp(g, order):          # x̄ = g with the axes put back: the inverse permutation
    inverse = [0] * len(order)
    for k, d in enumerate(order):
        inverse[d] = k
    return permute(g, inverse)


@op
def transpose(x, dim0, dim1):
    """Two axes of x exchanged, as `torch.transpose`; any order of axes: `permute`.

    Parameters
    ----------
    x : Tensor or ndarray
    dim0, dim1 : int

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.transpose(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return np.swapaxes(x, dim0, dim1)


@transpose.vjp
def transpose_vjp(g, dim0, dim1):   # x̄ = g with the two exchanged again
    return transpose(g, dim0, dim1)


swapaxes = transpose


@op
def moveaxis(x, source, destination):
    """Some axes moved to new places; the others keep their order.

    Parameters
    ----------
    x : Tensor or ndarray
    source, destination : int or tuple of int

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return np.moveaxis(x, source, destination)


@moveaxis.vjp
def moveaxis_vjp(g, source, destination):  # x̄ = g with the axes moved back
    return moveaxis(g, destination, source)


@op
def broadcast_to(x, shape):
    r"""x repeated along new axes and along those of length 1, without copying.

    Parameters
    ----------
    x : Tensor or ndarray
    shape : tuple of int
        A shape that x broadcasts to.

    Returns
    -------
    Tensor
        A read-only view.

    Raises
    ------
    ValueError
        If x does not broadcast to `shape`.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(f"broadcast_to: {np.shape(x)} does not broadcast to {shape}") from None


@broadcast_to.vjp
def broadcast_to_vjp(g):            # x̄ = g, summed over the repeats by the tape
    return g


@op
def expand(x, shape):
    """`broadcast_to`, where -1 stands for the length x has already.

    Parameters
    ----------
    x : Tensor or ndarray
    shape : tuple of int

    Returns
    -------
    Tensor
        A read-only view.

    Raises
    ------
    ValueError
        If x does not broadcast to `shape`, or -1 stands where x has no axis.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.expand(np.zeros((3, 1)), (-1, 4)).shape
    (3, 4)
    """
    new = len(shape) - np.ndim(x)
    try:
        if -1 in shape[:max(new, 0)]:
            raise ValueError
        return np.broadcast_to(x, [np.shape(x)[k - new] if n == -1 else n for k, n in enumerate(shape)])
    except (ValueError, IndexError):
        raise ValueError(f"expand: {np.shape(x)} does not expand to {tuple(shape)}") from None


@expand.vjp
def expand_vjp(g):                  # x̄ = g, summed over the repeats by the tape
    return g


@op
def flip(x, axis=None):
    """The elements in reverse order along `axis`.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
        Default: all axes.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.flip(np.array([1.0, 2.0, 3.0]), 0)
    array([3., 2., 1.])
    """
    return np.flip(x, axis)


@flip.vjp
def flip_vjp(g, axis):              # x̄ = g reversed again
    return flip(g, axis)


@op
def roll(x, shifts, axis=None):
    r"""The elements shifted along an axis; those shifted out re-enter at the other end: $y_{(i + s) \bmod n} = x_i$.

    Parameters
    ----------
    x : Tensor or ndarray
    shifts : int or tuple of int
    axis : int or tuple of int, optional
        One axis per shift. Default: the flattened array is rolled.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.roll(np.array([1.0, 2.0, 3.0]), 1)
    array([3., 1., 2.])
    """
    return np.roll(x, shifts, axis)


@roll.vjp
def roll_vjp(g, shifts, axis):      # x̄ = g rolled back
    return roll(g, tuple(-s for s in _tuple(shifts)), axis)


@op
def tril(x, diagonal=0):
    r"""Lower triangle of each matrix: $y_{ij} = x_{ij}$ where $j \le i + k$, else 0.

    Parameters
    ----------
    x : Tensor or ndarray, shape (..., M, N)
    diagonal : int
        k: 0 is the main diagonal, above it k > 0.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.tril(np.ones((2, 2)))
    array([[1., 0.],
           [1., 1.]])
    """
    return np.tril(_matrices("tril", x), diagonal)


@tril.vjp
def tril_vjp(g, diagonal):          # x̄ = the same triangle of g
    return tril(g, diagonal)


@op
def triu(x, diagonal=0):
    r"""Upper triangle of each matrix: $y_{ij} = x_{ij}$ where $j \ge i + k$, else 0.

    Parameters
    ----------
    x : Tensor or ndarray, shape (..., M, N)
    diagonal : int
        k: 0 is the main diagonal, above it k > 0.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.triu(np.ones((2, 2)))
    array([[1., 1.],
           [0., 1.]])
    """
    return np.triu(_matrices("triu", x), diagonal)


@triu.vjp
def triu_vjp(g, diagonal):          # x̄ = the same triangle of g
    return triu(g, diagonal)


def _tuple(axis):
    return tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)


def _matrices(who, x):
    if np.ndim(x) < 2:
        raise ValueError(f"{who}: needs at least two axes; got {np.shape(x)}")
    return x
