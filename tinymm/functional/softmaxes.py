"""Softmax and its logarithm: scores in, probabilities out. Attention and every classification loss end here.

A row that is -inf throughout (nothing may be attended to) gives probabilities
zero and gradient zero; PyTorch gives NaN there.
"""

import math

import numpy as np

from ..autograd import Tensor, op
from ..cores.blocks import as_floating, as_rows, over_rows
from ..cores.sums import for_sums, inner, total
from .axes import axis_of

__all__ = ["log_softmax", "softmax"]


@op
def softmax(x, dim):
    r"""Softmax along one axis: $y_i = e^{x_i} / \sum_j e^{x_j}$.

    Parameters
    ----------
    x : Tensor or array_like
        Scores; -inf means "never".
    dim : int
        The axis along which the result sums to 1.

    Returns
    -------
    Tensor
        Probabilities, in the shape of x.

    Notes
    -----
    A constant subtracted from a row cancels in the quotient. Where a sum comes near overflow or underflow, each row's
    maximum is subtracted, so that no exponent is positive. A row of -inf gives zeros and receives zero gradient.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.softmax(np.array([[0.0, np.log(3.0)], [-np.inf, -np.inf]]), dim=-1)
    array([[0.25, 0.75],
           [0.  , 0.  ]])
    """
    def fill(y, x, dim):
        with np.errstate(over="ignore"):
            np.exp(x, out=y)                                            # y = e^x
            sums = _sum(y, dim)
        if not _is_safe(sums):
            sums, _ = _exponentiate(y, x, dim)                          # y = e^(x − max)
        y *= 1 / sums                                                   # y = y / Σ_j y_j

    x = as_floating(x)
    wide = for_sums(x)
    y = np.empty_like(wide, order="C")
    along(fill, dim, y, wide)
    return y.astype(x.dtype, copy=False)


@softmax.vjp
def softmax_vjp(g, y, dim):         # x̄ = y ⊙ (g − Σ_j g_j y_j)
    def fill(x, g, y, dim):
        np.subtract(g, _inner(g, y, dim), out=x)
        x *= y

    x = np.empty_like(y, order="C")
    along(fill, dim, x, g, y)
    return x


@softmax.composite
def softmax_composite(x, dim):
    e = np.exp(x - ceiling(x, dim))
    total = e.sum(dim, keepdims=True)
    return e / (total + (total == 0))


@op
def log_softmax(x, dim):
    r"""Logarithm of the softmax along one axis: $y_i = x_i - \ln \sum_j e^{x_j}$.

    Parameters
    ----------
    x : Tensor or array_like
        Scores; -inf means "never".
    dim : int
        The axis along which the exponential of the result sums to 1.

    Returns
    -------
    Tensor
        Log-probabilities, in the shape of x.

    Notes
    -----
    Never the logarithm of a computed softmax, which underflows. A row of -inf gives -inf, as the softmax of that
    row is zero, and passes the cotangent on unchanged.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.log_softmax(np.array([0.0, 1e4]), dim=-1)
    array([-10000.,      0.])
    """
    def fill(y, x, dim):
        np.subtract(x, ceiling(x, dim), out=y)
        sums = _sum(np.exp(y), dim)
        y -= np.log(sums + (sums == 0))

    x = as_floating(x)
    wide = for_sums(x)
    y = np.empty_like(wide, order="C")
    along(fill, dim, y, wide)
    return y.astype(x.dtype, copy=False)


@log_softmax.vjp
def log_softmax_vjp(g, y, dim):     # x̄ = g − softmax(x) Σ_j g_j
    x = np.exp(y)
    x *= _sum(g, dim)
    return np.subtract(g, x, out=x)


@log_softmax.composite
def log_softmax_composite(x, dim):
    shifted = x - ceiling(x, dim)
    total = np.exp(shifted).sum(dim, keepdims=True)
    return shifted - np.log(total + (total == 0))


def ceiling(x, dim):
    """The maximum along `dim`, as a constant; 0 for a row that is -inf throughout."""
    x = x.data if isinstance(x, Tensor) else np.asarray(x)
    dim = axis_of(dim, x.ndim)
    if x.size and _is_last(dim, x):
        rows = as_rows(x)                                               # on short rows three times as fast as max
        top = rows[np.arange(len(rows)), rows.argmax(1)].reshape(*x.shape[:-1], 1)
    else:
        top = x.max(dim, keepdims=True, initial=-np.inf)
    top[top == -np.inf] = 0
    return top


def exponentials(x, dim, about):
    """e = exp(x − c), a new array; its sum along `dim`; and c: `about`, or the maxima where the sums are not safe."""
    def fill(e, sums, c, x, about, dim):
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(x, about, out=e)
            np.exp(e, out=e)
            sums[...] = _sum(e, dim)
        c[...] = about
        if not _is_safe(sums):
            sums[...], c[...] = _exponentiate(e, x, dim)

    e = np.empty_like(x, order="C")
    sums = np.empty_like(about, order="C")
    c = np.empty_like(about, order="C")
    along(fill, dim, e, sums, c, x, about)
    return e, sums, c


def _exponentiate(e, x, dim):
    """e ← exp(x − max); its sum along `dim`, 1 for a row that is -inf throughout; the maximum."""
    top = ceiling(x, dim)
    np.subtract(x, top, out=e)
    np.exp(e, out=e)
    sums = _sum(e, dim)
    sums += sums == 0
    return sums, top


def _is_safe(sums):
    """Whether these sums of exponentials lie well inside the range of their dtype, between 1/√max and √max:
    no term overflowed, and none that counts was rounded towards 0."""
    size = np.abs(sums)
    safe = math.sqrt(np.finfo(sums.dtype).max)
    return size.min(initial=1) > 1 / safe and size.max(initial=1) < safe


def along(f, dim, *arrays):
    """f(*arrays, dim), which fills the first of them: a block of rows at a time if `dim` is the last axis, else all."""
    if _is_last(axis_of(dim, arrays[0].ndim), arrays[0]):
        over_rows(lambda *rows: f(*rows, -1), *map(as_rows, arrays))
    else:
        f(*arrays, dim)


def _inner(a, b, dim):
    """Σ a ⊙ b along `dim`, which is kept; in BLAS along the last axis."""
    return inner(a, b)[..., None] if _is_last(dim, a) else total(a * b, dim, keepdims=True)


def _sum(a, dim):
    """Σ a along `dim`, which is kept; in BLAS along the last axis."""
    return inner(a, np.ones(a.shape[dim], a.dtype))[..., None] if _is_last(dim, a) else total(a, dim, keepdims=True)


def _is_last(dim, x):
    return dim in (-1, x.ndim - 1)
