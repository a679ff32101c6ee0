"""Products of matrices and vectors, and the norm. All of them end in BLAS."""

import math

import numpy as np

from ..autograd import op, saving
from ..cores.blocks import as_floating
from ..cores.sums import column_sum, for_sums, total
from .axes import reduced
from .elementwise import abs, sign
from .extremes import to_chosen
from .reductions import dropped, spread
from .scaling import is_in_range, scale_of
from .selection import clip, where

__all__ = ["linear", "matmul", "norm", "normalize", "outer"]

FEW = 8  # rows of which BLAS makes W xᵀ faster than x Wᵀ, up to 1.5 times


@op
def matmul(a, b):
    r"""Matrix product, over the last two axes: $Y = AB$.

    Parameters
    ----------
    a : Tensor or ndarray, shape (..., M, K) or (K,)
    b : Tensor or ndarray, shape (..., K, N) or (K,)
        The leading axes broadcast. A vector is a row on the left, a column on the right.

    Returns
    -------
    Tensor, shape (..., M, N)
        Without M (N) where a (b) is a vector.

    Raises
    ------
    ValueError
        If the inner dimensions differ, an input is a number, or the leading axes do not broadcast.

    Notes
    -----
    A stack of matrices times one matrix is computed as a single product of all rows, and so is the
    gradient of that matrix. Layouts that BLAS cannot read (reversed, repeated) are copied by NumPy 2.3 and later;
    earlier versions multiply them without BLAS, slowly.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    array([21., 43.])
    """
    try:
        if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:
            return (_rows(a) @ b).reshape((*a.shape[:-1], b.shape[-1]))
        return np.matmul(a, b)
    except (AttributeError, ValueError):  # a number has no shape
        raise ValueError("matmul: the last dimension of a must equal the second to last of b "
                         "(the only one of a vector), "
                         f"and those in front must broadcast; got {np.shape(a)} and {np.shape(b)}") from None


@matmul.vjp
def matmul_vjp(g, a, b):            # Ā = G Bᵀ,  B̄ = Aᵀ G
    if a.ndim == b.ndim == 2:
        return lambda: g @ b.mT, lambda: a.mT @ g
    G = g[..., None] if b.ndim == 1 else g
    G = G[..., None, :] if a.ndim == 1 else G
    A = a[None, :] if a.ndim == 1 else a    # (..., M, K)
    B = b[:, None] if b.ndim == 1 else b    # (..., K, N)

    def wrt_a():
        d = matmul(G, B.mT)
        return d[..., 0, :] if a.ndim == 1 else d

    def wrt_b():
        d = matmul(_rows(A).mT, _rows(G)) if B.ndim == 2 else matmul(A.mT, G)
        return d[..., 0] if b.ndim == 1 else d

    return wrt_a, wrt_b


def _rows(x):
    """All axes but the last as one: a stack of matrices as one matrix."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


@op
def linear(input, weight, bias=None):
    r"""Affine map of the last axis: $y = x W^\top + b$.

    Parameters
    ----------
    input : Tensor or ndarray, shape (..., K)
    weight : Tensor or ndarray, shape (N, K)
    bias : Tensor or ndarray, shape (N,), optional

    Returns
    -------
    Tensor, shape (..., N)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.linear(np.array([1.0, 2.0]), np.array([[1.0, 1.0]]), np.array([0.5]))
    array([3.5])
    """
    if weight.ndim != 2 or input.shape[-1:] != weight.shape[1:] or bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError("linear: needs input (..., K), weight (N, K) and bias (N,); got "
                         f"{input.shape}, {weight.shape} and {None if bias is None else bias.shape}")
    rows = _rows(input)
    y = np.ascontiguousarray((weight @ rows.T).T) if 1 < len(rows) <= FEW else rows @ weight.T
    if bias is not None:
        y += bias
    return y.reshape((*input.shape[:-1], weight.shape[0]))


@linear.vjp
def linear_vjp(g, input, weight):   # x̄ = G W,  W̄ = Gᵀ X,  b̄ = Gᵀ 1, over all rows
    G = _rows(g)
    return (lambda: (G @ weight).reshape(input.shape),
            lambda: G.T @ _rows(input),
            lambda: column_sum(G))


@linear.composite
def linear_composite(input, weight, bias=None):
    y = matmul(input, weight.mT)
    return y if bias is None else y + bias


@op
def outer(a, b):
    r"""Outer product of two vectors: $Y = a b^\top$.

    Parameters
    ----------
    a : Tensor or ndarray, shape (M,)
    b : Tensor or ndarray, shape (N,)

    Returns
    -------
    Tensor, shape (M, N)

    Raises
    ------
    ValueError
        If an input is not a vector.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError(f"outer: needs two vectors; got shapes {np.shape(a)} and {np.shape(b)}")
    return np.outer(a, b)


@outer.vjp
def outer_vjp(g, a, b):             # ā = G b,  b̄ = Gᵀ a
    return lambda: matmul(g, b), lambda: matmul(a, g)


@op
def norm(x, ord=2, axis=None, keepdims=False):
    r"""Length of a vector along axes: $y = \left(\sum_i |x_i|^p\right)^{1/p}$, as `torch.linalg.vector_norm`.

    Parameters
    ----------
    x : Tensor or ndarray
    ord : float
        p > 0; `math.inf` for $\max_i |x_i|$.
    axis : int or tuple of int, optional
    keepdims : bool

    Raises
    ------
    ValueError
        If p is not positive.

    Notes
    -----
    The gradient at x = 0 is 0, one of the subgradients, as in PyTorch. The second derivative does not exist there;
    it is given as 0 (PyTorch: NaN for p = 2). For 0 < p < 2 the same holds for a single element that is 0.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> float(F.norm(np.array([3.0, 4.0])))
    5.0
    """
    if not ord > 0:
        raise ValueError(f"norm: ord must be positive; got {ord}")
    x = np.asanyarray(x)
    axes = tuple(reduced(axis, x.ndim))
    size = np.abs(x)
    if ord == math.inf:
        y = np.max(size, axis=axes, keepdims=True)
    else:
        y = _length(for_sums(x), ord, axes).astype(as_floating(x).dtype, copy=False)
    return saving(y if keepdims else dropped(y, axis), largest=size == y if ord == math.inf else None)


def _length(x, ord, axes):
    """(Σ |xᵢ|ᵖ)^(1/p); of x / scale, times scale, where a power leaves the range."""
    def powers(x):
        return total(x * x if ord == 2 else np.abs(x) ** ord, axes, keepdims=True)

    def root(sums):
        return np.sqrt(sums) if ord == 2 else sums ** (1 / ord)

    with np.errstate(over="ignore"):
        sums = powers(x)
        if is_in_range(sums):
            return root(sums)
        scale = scale_of(x, axes)
        return scale * root(powers(x / scale))


@norm.vjp
def norm_vjp(g, y, x, ord, axis, largest):  # x̄ᵢ = g · sign(xᵢ) (|xᵢ| / y)^(p−1)
    if ord == math.inf:
        return sign(x) * to_chosen(g, axis, largest)
    if ord == 1:
        return sign(x) * spread(g, axis, x.shape)
    zero = y == 0
    g = spread(where(zero, 0, g), axis, x.shape)
    y = spread(where(zero, 1, y), axis, x.shape)
    if ord == 2:
        return g * (x / y)
    return g * sign(x) * (where(x == 0, y, abs(x)) / y) ** (ord - 1)


def normalize(x, p=2, dim=1, eps=1e-12):
    r"""Vectors along an axis, brought to length 1: $y = x / \max(\lVert x\rVert_p, \epsilon)$.

    Parameters
    ----------
    x : Tensor or ndarray
    p : float
        Of the length, as `ord` of `norm`.
    dim : int
        The axis of the vectors.
    eps : float
        A shorter vector is divided by this instead: zeros stay zeros, and their gradient is finite.

    Returns
    -------
    Tensor
        In the shape of x.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    return x / clip(norm(x, p, dim, keepdims=True), min=eps)
