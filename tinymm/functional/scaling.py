"""Squares that would leave the range of their dtype: in float32 that of 1e20 is infinite, that of 1e-30 is 0.

A formula with squares is first computed as it stands. Where its sums show that a square left the range, x is divided by
a power of two beforehand, which changes no digit, and the result is multiplied by it.
"""

import numpy as np

from ..autograd import Tensor
from .axes import reduced

__all__ = ["is_in_range", "power_near", "scale_of"]


def is_in_range(sums):
    """Whether sums of squares (or other powers) are finite, and no square that counts was rounded towards 0.

    Examples
    --------
    >>> x = np.array([[3e20, 4e20], [1.0, 2.0]], np.float32)
    >>> with np.errstate(over="ignore"):
    ...     is_in_range((x * x).sum(1)), is_in_range((x[1:] * x[1:]).sum(1))
    (False, True)
    """
    limits = np.finfo(sums.dtype)
    size = np.abs(sums)
    return bool(size.min(initial=1) > limits.tiny / limits.eps and size.max(initial=1) < np.inf)


def scale_of(x, axis):
    r"""The power of two next to $\max_i |x_i|$ along axes, as a constant; 1 where sums of squares are in range.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int, tuple of int or None

    Returns
    -------
    ndarray
        The reduced axes have length 1.

    Examples
    --------
    >>> x = np.array([[3e20, 4e20], [1.0, 2.0]], np.float32)
    >>> (x / scale_of(x, 1)).round(4)
    array([[1.0164, 1.3553],
           [1.    , 2.    ]], dtype=float32)
    """
    power = power_near(x, axis)
    limits = np.finfo(power.dtype)
    # 2⁻²⁰: room for a million squares, and for some more digits
    is_ordinary = (power > (limits.tiny / limits.eps) ** 0.5) & (power < limits.max ** 0.5 * 2**-20)
    return np.where(is_ordinary, 1, power)


def power_near(x, axis):
    r"""The power of two next to $\max_i |x_i|$ along axes, as a constant; 1 where that is 0, infinite or NaN.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int, tuple of int or None

    Returns
    -------
    ndarray
        The reduced axes have length 1.

    Examples
    --------
    >>> power_near(np.array([[3.0, -5.0], [0.0, 0.0]]), 1)
    array([[4.],
           [1.]])
    """
    raw = x.data if isinstance(x, Tensor) else np.asarray(x)
    largest = np.max(np.abs(raw), axis=tuple(reduced(axis, raw.ndim)), keepdims=True, initial=0)
    exponent = np.frexp(largest)[1] - 1
    return np.ldexp(np.ones_like(largest), np.where(np.isfinite(largest) & (largest > 0), exponent, 0))
