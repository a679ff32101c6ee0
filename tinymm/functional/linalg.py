"""Products of matrices and vectors, and the norm. All of them end in BLAS."""

import math

import numpy as np

from ..autograd import op

__all__ = ["matmul"]


@op
def matmul(a, b):
    r"""Matrix product, over the last two axes: $Y = AB$.

    Parameters
    ----------
    a : Tensor or ndarray, shape (..., M, K) or (K,)
    b : Tensor or ndarray, shape (..., K, N) or (K,)
        The axes in front broadcast. A vector is a row on the left, a column on the right.

    Returns
    -------
    Tensor, shape (..., M, N)
        Without M (N) where a (b) is a vector.

    Raises
    ------
    ValueError
        If the inner dimensions differ, an input is a number, or the axes in front do not broadcast.

    Notes
    -----
    A stack of matrices times one matrix is computed as a single product of all rows, and so is the
    gradient of that matrix.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    array([21., 43.])
    """
    try:
        if np.ndim(b) == 2 and np.ndim(a) > 2 and a.flags.c_contiguous:
            return (rows(a) @ b).reshape((*a.shape[:-1], b.shape[-1]))
        return np.matmul(a, b)
    except ValueError:
        raise ValueError("matmul: the last dimension of a must equal the second to last of b (the only one of a vector), "
                         f"and those in front must broadcast; got {np.shape(a)} and {np.shape(b)}") from None


@matmul.vjp
def matmul_vjp(g, a, b):            # Ā = G Bᵀ,  B̄ = Aᵀ G
    G = g[..., None] if b.ndim == 1 else g
    G = G[..., None, :] if a.ndim == 1 else G
    A = a[None, :] if a.ndim == 1 else a    # (..., M, K)
    B = b[:, None] if b.ndim == 1 else b    # (..., K, N)

    def wrt_a():
        d = matmul(G, B.mT)
        return d[..., 0, :] if a.ndim == 1 else d

    def wrt_b():
        d = rows(A).mT @ rows(G) if B.ndim == 2 else A.mT @ G
        return d[..., 0] if b.ndim == 1 else d

    return wrt_a, wrt_b


def rows(x):
    """All axes but the last as one: a stack of matrices as one matrix."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))
