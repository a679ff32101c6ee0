r"""Score functions that attention can ask: dot product, concatenation, a small network (article 4.1, step 1).

Each compares every query (..., T, D) with every key (..., S, E) and gives scores (..., T, S). Scaled dot product,
general and additive scores stand in `steps`, beside the two steps that follow.
"""

import numpy as np

from ..activations import relu
from ..elementwise import tanh
from ..joining import concatenate
from ..shape import broadcast_to

__all__ = ["concat_scores", "dot_scores", "mlp_scores"]


def dot_scores(query, key):
    r"""Dot-product scores: $e_{ts} = q_t^\top k_s$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, D)

    Returns
    -------
    Tensor
        (..., T, S).

    Raises
    ------
    ValueError
        If the widths differ.

    References
    ----------
    Luong, Pham, Manning, "Effective approaches to attention-based neural machine translation", 2015, equation 8.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.dot_scores(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 0.0]]))
    array([[11.,  5.]])
    """
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"dot_scores: query and key must share the last dimension; got {query.shape} and {key.shape}")
    # e = q kᵀ
    return query @ key.mT                                       # (..., T, S)


def concat_scores(query, key, weight, weight_v):
    r"""Concat scores: $e_{ts} = v^\top \tanh(W [q_t; k_s])$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, E)
    weight : Tensor or ndarray, (A, D + E)
        W.
    weight_v : Tensor or ndarray, (A,)
        v.

    Returns
    -------
    Tensor
        (..., T, S).

    Raises
    ------
    ValueError
        If W does not take a query and a key end to end.

    Notes
    -----
    This is the form in which it was published, with T·S vectors of width D + E. W falls into two halves,
    $W [q; k] = W_q q + W_k k$, and `additive_scores` computes each half once per query and once per key.

    References
    ----------
    Luong, Pham, Manning, "Effective approaches to attention-based neural machine translation", 2015, equation 8.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.concat_scores(np.array([[1.0]]), np.array([[-1.0], [1.0]]), np.array([[1.0, 1.0]]), np.array([2.0])).round(3)
    array([[0.   , 1.928]])
    """
    # e = vᵀ tanh(W [q; k])
    return tanh(pairs("concat_scores", query, key, weight) @ weight.mT) @ weight_v                  # (..., T, S)


def mlp_scores(query, key, weight, bias, weight_v, activation=relu):
    r"""Scores of a network with one hidden layer: $e_{ts} = v^\top f(W [q_t; k_s] + b)$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, E)
    weight : Tensor or ndarray, (A, D + E)
        W.
    bias : Tensor or ndarray, (A,)
        b.
    weight_v : Tensor or ndarray, (A,)
        v.
    activation : callable
        f, elementwise and not linear.

    Returns
    -------
    Tensor
        (..., T, S).

    Raises
    ------
    ValueError
        If W does not take a query and a key end to end.

    Notes
    -----
    With `tanh` and b = 0 this is `concat_scores`. A bias behind v would add the same number to every score of a
    query: the softmax does not see it, so there is none.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> W, b, v = np.array([[1.0, 1.0]]), np.array([0.5]), np.array([2.0])
    >>> F.mlp_scores(np.array([[1.0]]), np.array([[-3.0], [1.0]]), W, b, v)
    array([[0., 5.]])
    """
    # e = vᵀ f(W [q; k] + b)
    return activation(pairs("mlp_scores", query, key, weight) @ weight.mT + bias) @ weight_v        # (..., T, S)


def pairs(who, query, key, weight):
    """[q; k] of every query and every key, (..., T, S, D + E)."""
    (*q_lead, T, D), (*k_lead, S, E) = query.shape, key.shape
    if weight.shape[-1] != D + E:
        raise ValueError(f"{who}: weight must be (A, {D + E}), for a query and a key end to end; got {weight.shape} "
                         f"for {query.shape} and {key.shape}")
    lead = np.broadcast_shapes(q_lead, k_lead)
    q = broadcast_to(query[..., :, None, :], (*lead, T, S, D))
    k = broadcast_to(key[..., None, :, :], (*lead, T, S, E))
    return concatenate([q, k], -1)
