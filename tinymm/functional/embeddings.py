"""Embedding: a vector for each symbol, looked up by number."""

import numpy as np

from ..autograd import op, saving
from .indexing import place
from .selection import where

__all__ = ["embedding"]


@op
def embedding(x, weight, padding_idx=None):
    r"""Rows of a table: $y_n = W_{x_n}$.

    Parameters
    ----------
    x : int array or Tensor, any shape
        Which rows.
    weight : Tensor or ndarray, (V, D)
        The table W.
    padding_idx : int, optional
        A row that receives no gradient; negative counts from the end.

    Returns
    -------
    Tensor
        (..., D), in the dtype of the table.

    Raises
    ------
    ValueError
        If the indices are not integers, or lie outside the table.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.embedding(np.array([2, 0]), np.array([[1.0, 1.5], [2.0, 2.5], [3.0, 3.5]]))
    array([[3. , 3.5],
           [1. , 1.5]])
    """
    index = np.asarray(x)
    rows = len(weight)
    if index.dtype.kind not in "iu":
        raise ValueError(f"embedding: the indices must be integers; got {index.dtype}")
    if weight.ndim != 2:
        raise ValueError(f"embedding: the table must be a matrix (V, D); got shape {weight.shape}")
    if index.size and not 0 <= index.min() <= index.max() < rows:
        wrong = index[(index < 0) | (index >= rows)].flat[0]
        raise ValueError(f"embedding: an index must lie in [0, {rows}), the rows of the table; got {wrong}")
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise ValueError(f"embedding: padding_idx must lie in [-{rows}, {rows}); got {padding_idx}")
    return saving(weight[index], index=index, shape=weight.shape)


@embedding.vjp
def embedding_vjp(g, padding_idx, index, shape):    # W̄_v = Σ_n g_n 1{x_n = v}
    if padding_idx is not None:
        g = where((index != padding_idx % shape[0])[..., None], g, 0)
    return None, place(g, index, shape)
