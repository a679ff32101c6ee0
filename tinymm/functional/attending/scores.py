r"""How well a key fits a query: score functions of attention (article 4.1, step 1), from a product to a network.

Each compares every query (..., T, D) with every key (..., S, E) and gives scores (..., T, S).
"""

import math

import numpy as np

from ..activations import relu
from ..elementwise import tanh
from ..joining import concatenate
from ..shape import broadcast_to
from .products import pair_products

__all__ = ["additive_scores", "attention_scores", "concat_scores", "dot_scores", "general_scores", "mlp_scores"]


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
    return pair_products(query, key)                            # (..., T, S)


def attention_scores(query, key, scale=None):
    r"""Scaled dot-product scores: $e_{ts} = q_t^\top k_s / \sqrt{D}$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, D)
    scale : float, optional
        In place of $1/\sqrt{D}$; 1 gives the plain dot product.

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
    Vaswani et al., "Attention is all you need", 2017, equation 1.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.attention_scores(np.array([[2.0, 0.0, 0.0, 0.0]]), np.array([[3.0, 0, 0, 0], [0, 3.0, 0, 0]]))
    array([[3., 0.]])
    """
    if query.shape[-1] != key.shape[-1]:
        raise ValueError("attention_scores: query and key must share the last dimension; "
                         f"got {query.shape} and {key.shape}")
    scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
    # e = (q / √D) kᵀ: scaling T·D numbers instead of T·S
    return pair_products(query * scale, key)                    # (..., T, S)


def general_scores(query, key, weight):
    r"""Bilinear scores, for queries and keys of different width: $e_{ts} = q_t^\top W k_s$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, E)
    weight : Tensor or ndarray, (D, E)

    Returns
    -------
    Tensor
        (..., T, S).

    References
    ----------
    Luong, Pham, Manning, "Effective approaches to attention-based neural machine translation", 2015, equation 8.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.general_scores(np.array([[1.0]]), np.array([[2.0, 3.0]]), np.array([[1.0, 10.0]]))
    array([[32.]])
    """
    # e = (q W) kᵀ
    return pair_products(query @ weight, key)                   # (..., T, S)


def additive_scores(query, key, weight_q, weight_k, weight_v):
    r"""Additive scores: $e_{ts} = w^\top \tanh(W_q q_t + W_k k_s)$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, E)
    weight_q : Tensor or ndarray, (A, D)
    weight_k : Tensor or ndarray, (A, E)
    weight_v : Tensor or ndarray, (A,)
        The w of the formula.

    Returns
    -------
    Tensor
        (..., T, S).

    Notes
    -----
    The "concat" score $w^\top \tanh(W [k; q])$ is this one, W being $[W_k, W_q]$. The tanh is what
    makes it work: in a linear score $w_k^\top k_s + w_q^\top q_t$ the second term is the same for all s and cancels in
    the softmax, so that the weights would not depend on the query at all.

    References
    ----------
    Bahdanau, Cho, Bengio, "Neural machine translation by jointly learning to align and translate",
    2015, appendix A.1.2.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> one = np.array([[1.0]])
    >>> F.additive_scores(one, np.array([[-1.0], [1.0]]), one, one, np.array([2.0])).round(3)
    array([[0.   , 1.928]])
    """
    q = (query @ weight_q.mT)[..., :, None, :]                  # (..., T, 1, A)
    k = (key @ weight_k.mT)[..., None, :, :]                    # (..., 1, S, A)
    # e = wᵀ tanh(W_q q + W_k k)
    return tanh(q + k) @ weight_v                               # (..., T, S)


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
        If W does not have the width of a query and a key end to end.

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
    return tanh(_pairs("concat_scores", query, key, weight) @ weight.mT) @ weight_v                  # (..., T, S)


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
        If W does not have the width of a query and a key end to end.

    Notes
    -----
    With `tanh` and b = 0 this is `concat_scores`. A bias after v would add the same number to every score of a
    query, which cancels in the softmax; so there is none.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> W, b, v = np.array([[1.0, 1.0]]), np.array([0.5]), np.array([2.0])
    >>> F.mlp_scores(np.array([[1.0]]), np.array([[-3.0], [1.0]]), W, b, v)
    array([[0., 5.]])
    """
    # e = vᵀ f(W [q; k] + b)
    return activation(_pairs("mlp_scores", query, key, weight) @ weight.mT + bias) @ weight_v        # (..., T, S)


def _pairs(who, query, key, weight):
    """[q; k] of every query and every key, (..., T, S, D + E)."""
    *q_lead, T, D = query.shape
    *k_lead, S, E = key.shape
    if weight.shape[-1] != D + E:
        raise ValueError(f"{who}: weight must be (A, {D + E}), for a query and a key end to end; got {weight.shape} "
                         f"for {query.shape} and {key.shape}")
    lead = np.broadcast_shapes(q_lead, k_lead)
    q = broadcast_to(query[..., :, None, :], (*lead, T, S, D))
    k = broadcast_to(key[..., None, :, :], (*lead, T, S, E))
    return concatenate([q, k], -1)
