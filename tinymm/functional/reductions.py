"""Many elements into one: sums, means, variances, products.

`axis` is an int, a tuple, or None for all axes; `keepdims` leaves them with
length 1. Over no elements the sum is 0, the product 1, the mean NaN. Sums of many
numbers are added block by block (see `cores.sums`); float16 is summed in float32.
"""

import math
import warnings

import numpy as np

from ..autograd import Tensor, op, saving
from ..cores.blocks import as_floating
from ..cores.sums import for_sums, running_sum, total
from .axes import axis_of, reduced
from .joining import concatenate
from .scaling import is_in_range, scale_of
from .selection import where
from .shape import broadcast_to, flip, permute

__all__ = ["cumsum", "logsumexp", "mean", "prod", "std", "sum", "var"]


@op
def sum(x, axis=None, keepdims=False):
    r"""Sum along axes: $y = \sum_i x_i$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sum(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    array([3., 7.])
    """
    return saving(total(np.asanyarray(x), axis, keepdims), x_shape=np.shape(x))


@sum.vjp
def sum_vjp(g, axis, x_shape):      # x̄ = g, once for each element summed
    return broadcast_to(spread(g, axis, x_shape), x_shape)


@op
def mean(x, axis=None, keepdims=False):
    r"""Mean along axes: $y = \frac1n \sum_i x_i$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.mean(np.array([[1.0, 2.0], [3.0, 5.0]]), axis=0)
    array([2. , 3.5])
    """
    x = as_floating(x)
    y = total(for_sums(x), axis, keepdims) / count(axis, x.shape)
    return saving(y.astype(x.dtype, copy=False), x_shape=x.shape)


@mean.vjp
def mean_vjp(g, axis, x_shape):     # x̄ = g / n, once for each element summed
    return broadcast_to(spread(g, axis, x_shape) / max(count(axis, x_shape), 1), x_shape)


@op
def var(x, axis=None, correction=1, keepdims=False):
    r"""Variance along axes: $y = \frac{1}{n - c} \sum_i (x_i - \mu)^2$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    correction : int
        c: 1, as in PyTorch, for an unbiased estimate from a sample; 0, as in NumPy, for the whole population.
    keepdims : bool

    Notes
    -----
    NaN where n does not exceed c. Elements are measured from the first of them, so that equal ones, however
    large, have variance 0 and gradient 0. Squares that would leave the range are scaled (see `scaling`).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.var(np.array([1.0, 2.0, 3.0])))
    1.0
    """
    y, scale = _variance(for_sums(x), axis, correction)
    return _result(y * scale * scale, x, axis, keepdims)


@var.vjp
def var_vjp(g, x, axis, correction):  # x̄ = g · 2 (x − μ) / (n − c)
    scale = scale_of(x, axis)
    return spread(g, axis, x.shape) * scale * centred(x / scale, axis) * (2 / _freedom(x, axis, correction))


@op
def std(x, axis=None, correction=1, keepdims=False):
    r"""Standard deviation along axes: $y = \sqrt{\frac{1}{n - c} \sum_i (x_i - \mu)^2}$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    correction : int
        c: 1, as in PyTorch, for an estimate from a sample; 0, as in NumPy, for the whole population.
    keepdims : bool

    Notes
    -----
    NaN where n does not exceed c. The gradient is 0 where y is, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.std(np.array([1.0, 3.0, 5.0])))
    2.0
    """
    y, scale = _variance(for_sums(x), axis, correction)
    return _result(np.sqrt(y) * scale, x, axis, keepdims)


@std.vjp
def std_vjp(g, y, x, axis, correction):  # x̄ = g · (x − μ) / ((n − c) y)
    scale = scale_of(x, axis)
    share = spread(where(y == 0, 0, g), axis, x.shape) / (spread(where(y == 0, 1, y), axis, x.shape) / scale)
    return share * centred(x / scale, axis) * (1 / _freedom(x, axis, correction))


def _variance(x, axis, correction):
    """The variance of x / scale, the reduced axes kept, and the scale: 1 where no square leaves the range."""
    def measured(x):
        d = centred(x, axis)
        return total(d * d, tuple(reduced(axis, x.ndim)), keepdims=True) / _freedom(x, axis, correction)

    if not count(axis, x.shape) > correction:
        warnings.warn("Degrees of freedom <= 0: the variance is NaN", RuntimeWarning, stacklevel=4)
    with np.errstate(over="ignore", invalid="ignore"):
        y = measured(x)
    if is_in_range(y):
        return y, 1
    scale = scale_of(x, axis)
    return measured(x / scale), scale


def _result(y, x, axis, keepdims):
    """What was reduced with the axes kept, in the dtype of x."""
    with np.errstate(over="ignore"):
        y = y.astype(as_floating(x).dtype, copy=False)
    return y if keepdims else dropped(y, axis)


def centred(x, axis):
    """x − μ, exactly 0 for equal elements: a mean of large numbers is rounded, one of zeros is not."""
    d = _from_first(x, axis)
    return d - mean(d, axis, True)


def _from_first(x, axis):
    """x − its first element along the axes, taken as a constant: subtracting the mean cancels it."""
    raw = x.data if isinstance(x, Tensor) else np.asarray(x)
    axes = reduced(axis, raw.ndim)
    return x - raw[tuple(slice(1) if k in axes else slice(None) for k in range(raw.ndim))]


def _freedom(x, axis, correction):
    """n − c, or NaN where that is not positive."""
    n = count(axis, x.shape)
    return n - correction if n > correction else math.nan


@op
def prod(x, axis=None, keepdims=False):
    r"""Product along axes: $y = \prod_i x_i$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Notes
    -----
    The gradient is the product of all the others, found from products of those before and those
    after; y / x would fail at a zero.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.prod(np.array([2.0, 3.0, 4.0])))
    24.0
    """
    return np.prod(x, axis=axis if axis is None else tuple(reduced(axis, np.ndim(x))), keepdims=keepdims)


@prod.vjp
def prod_vjp(g, x, axis):           # x̄ᵢ = g · Π_{j<i} xⱼ · Π_{j>i} xⱼ
    line, order, shape = _in_line(x, axis)
    before = np.ones_like(line)
    after = np.ones_like(line)
    before[..., 1:] = np.cumprod(line[..., :-1], axis=-1)
    after[..., :-1] = np.cumprod(line[..., :0:-1], axis=-1)[..., ::-1]
    others = np.transpose((before * after).reshape(shape), np.argsort(order))
    return spread(g, axis, x.shape) * others


@prod.composite
def prod_composite(x, axis=None, keepdims=False):
    """Halves are multiplied with each other until one element is left."""
    line, _, _ = _in_line(x, axis)
    while (n := line.shape[-1]) > 1:
        rest = line[..., n - n % 2:]
        line = concatenate([line[..., :n // 2] * line[..., n // 2:n - n % 2], rest], -1)
    y = line[..., 0] if line.shape[-1] else sum(line, -1) + 1
    return spread(y, axis, x.shape) if keepdims else y


@op
def cumsum(x, axis):
    r"""Running sum along an axis: $y_i = \sum_{j \le i} x_j$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.cumsum(np.array([1.0, 2.0, 3.0]), 0)
    array([1., 3., 6.])
    """
    x = np.asanyarray(x)
    return running_sum(x, axis_of(axis, x.ndim))


@cumsum.vjp
def cumsum_vjp(g, axis):            # x̄ᵢ = Σ_{j≥i} gⱼ
    return flip(cumsum(flip(g, axis), axis), axis)


@op
def logsumexp(x, axis=None, keepdims=False):
    r"""Logarithm of a sum of exponentials along axes: $y = \ln \sum_i e^{x_i}$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Notes
    -----
    Computed as $m + \ln \sum_i e^{x_i - m}$ with $m = \max_i x_i$, so that nothing overflows. Where all elements
    are $-\infty$, or there are none, y is $-\infty$ and the gradient 0.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.logsumexp(np.array([1000.0, 1000.0])).round(4))
    1000.6931
    """
    wide = for_sums(x)
    m = np.max(wide, axis=axis, keepdims=True, initial=-math.inf)
    m = np.where(np.isfinite(m), m, 0)
    with np.errstate(divide="ignore"):  # ln 0 is meant
        y = np.log(total(np.exp(wide - m), axis, keepdims=True)) + m
    return _result(y, x, axis, keepdims)


@logsumexp.vjp
def logsumexp_vjp(g, y, x, axis):   # x̄ᵢ = g · e^(xᵢ − y)
    finite = spread(where(y == -math.inf, 0, y), axis, x.shape)
    return spread(g, axis, x.shape) * np.exp(x - finite)


def spread(y, axis, x_shape):
    """A result, or its cotangent, in the shape that `keepdims` gives: the reduced axes with length 1."""
    axes = reduced(axis, len(x_shape))
    return y.reshape(tuple(1 if k in axes else n for k, n in enumerate(x_shape)))


def count(axis, x_shape):
    """n: how many elements went into each result."""
    return math.prod(x_shape[k] for k in reduced(axis, len(x_shape)))


def dropped(y, axis):
    """A result without the axes that were kept with length 1."""
    return y.reshape([n for k, n in enumerate(y.shape) if k not in reduced(axis, y.ndim)])


def _in_line(x, axis):
    """x with the reduced axes merged into one, the last; and what undoes that:
    the order of the axes, and the shape before they were merged."""
    axes = sorted(reduced(axis, x.ndim))
    order = [k for k in range(x.ndim) if k not in axes] + axes
    moved = permute(x, order)
    lead = moved.shape[:x.ndim - len(axes)]
    return moved.reshape((*lead, count(axis, x.shape))), order, moved.shape
