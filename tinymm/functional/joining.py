"""Several arrays joined into one, one split into several, a border added: concatenate, stack, split, pad."""

from itertools import accumulate

import numpy as np

from ..autograd import op, saving
from .axes import axis_of

__all__ = ["cat", "concatenate", "pad", "split", "stack"]


@op
def concatenate(tensors, axis=0):
    """Arrays end to end along an axis they all have.

    Parameters
    ----------
    tensors : sequence of Tensor or ndarray
        Equal in shape except along `axis`.
    axis : int

    Raises
    ------
    ValueError
        If there is nothing to join or the shapes disagree.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.concatenate([np.zeros((2, 3)), np.ones((1, 3))]).shape
    (3, 3)
    """
    try:
        y = np.concatenate(tensors, axis)
    except ValueError:
        raise ValueError(f"concatenate: the shapes must agree except along axis {axis}; "
                         f"got {_shapes(tensors)}") from None
    return saving(y, ends=list(accumulate(a.shape[axis] for a in tensors)))


@concatenate.vjp
def concatenate_vjp(g, axis, ends):  # x̄ₖ = its own stretch of g
    lead = (slice(None),) * (axis % g.ndim)
    return tuple(g[(*lead, slice(a, b))] for a, b in zip([0, *ends], ends))


cat = concatenate


@op
def stack(tensors, axis=0):
    """Arrays of one shape side by side along a new axis.

    Parameters
    ----------
    tensors : sequence of Tensor or ndarray
    axis : int
        Position of the new axis in the result.

    Raises
    ------
    ValueError
        If there is nothing to stack or the shapes differ.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.stack([np.zeros(3), np.ones(3)], axis=1).shape
    (3, 2)
    """
    try:
        return saving(np.stack(tensors, axis), n=len(tensors))
    except ValueError:
        raise ValueError(f"stack: needs arrays of one shape and an axis of the result; got {_shapes(tensors)}, "
                         f"axis {axis}") from None


@stack.vjp
def stack_vjp(g, axis, n):          # x̄ₖ = slice k of g
    lead = (slice(None),) * (axis % g.ndim)
    return tuple(g[(*lead, k)] for k in range(n))


def _shapes(tensors):
    return ", ".join(str(a.shape) for a in tensors) or "no arrays"


@op
def split(x, split_size_or_sections, axis=0):
    """Pieces of x along an axis, as views; the inverse of `concatenate`.

    Parameters
    ----------
    x : Tensor or ndarray
    split_size_or_sections : int or sequence of int
        The length of every piece (the last may be shorter), or the length of each.
    axis : int

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ValueError
        If the lengths do not add up to the axis.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.split(np.arange(5.0), 2)
    (array([0., 1.]), array([2., 3.]), array([4.]))
    >>> F.split(np.arange(5.0), [1, 4])
    (array([0.]), array([1., 2., 3., 4.]))
    """
    axis = axis_of(axis, np.ndim(x))
    n = x.shape[axis]
    sizes = split_size_or_sections
    if isinstance(sizes, int):
        if sizes < 1:
            raise ValueError(f"split: the length of a piece must be positive; got {sizes}")
        sizes = [min(sizes, n - at) for at in range(0, max(n, 1), sizes)]
    if sum(sizes) != n or min(sizes) < 0:
        raise ValueError(f"split: the lengths must add up to {n}, the length of axis {axis}; got {list(sizes)}")
    lead = (slice(None),) * axis
    return tuple(x[(*lead, slice(end - size, end))] for size, end in zip(sizes, accumulate(sizes)))


@split.vjp
def split_vjp(g, axis):             # x̄ = the cotangents of the pieces, end to end
    return concatenate(g, axis)


@op
def pad(x, pad, mode="constant", value=0):
    r"""A constant border around x; negative widths crop.

    Parameters
    ----------
    x : Tensor or ndarray
    pad : sequence of int
        Pairs (before, after), the last axis first, as in PyTorch: (left, right, top, bottom, ...).
    mode : str
        Only "constant".
    value : float
        What the border holds.

    Raises
    ------
    ValueError
        If the widths are not in pairs, are too many, or crop more than there is.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.pad(np.array([1.0, 2.0, 3.0]), (1, -1))
    array([0., 1., 2.])
    """
    if mode != "constant":
        raise ValueError(f"pad: the border is constant; got mode {mode!r}")
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad: needs one pair (before, after) for each of the last axes of {x.shape}; "
                         f"got {tuple(pad)}")
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[k], pad[k + 1]) for k in range(len(pad) - 2, -1, -2)]
    if any(n + min(before, 0) + min(after, 0) < 0 for n, (before, after) in zip(x.shape, pairs)):
        raise ValueError(f"pad: cannot crop more than there is; got {tuple(pad)} for {x.shape}")
    kept = tuple(slice(max(-before, 0), n + min(after, 0)) for n, (before, after) in zip(x.shape, pairs))
    return np.pad(x[kept], [(max(before, 0), max(after, 0)) for before, after in pairs], constant_values=value)


@pad.vjp
def pad_vjp(g, pad):                # x̄ = g with what was padded cropped, and what was cropped padded with 0
    return _pad(g, [-width for width in pad])


_pad = pad  # inside pad_vjp, `pad` is the argument
