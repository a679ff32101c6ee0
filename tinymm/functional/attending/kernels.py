r"""Linear attention: a kernel $\varphi(q)^\top\varphi(k)$ for $\exp(q^\top k)$,
so that the sum over keys can be taken first.

Queries (..., T, D), keys (..., S, D), values (..., S, E); under a causal mask their leading axes must be equal. Three
forms of one formula: quadratic (it shows all T·S weights), linear (the purpose of it all), and recurrent (one position
at a time, for decoding).
"""

import numpy as np

from ...autograd import op
from ..reductions import cumsum
from ..reductions import sum as sum_
from ..scaling import power_near
from ..selection import where
from ..shape import flip, tril
from .products import pair_products, selected, weighted_sum

__all__ = ["causal_product", "elu_feature_map", "linear_attention", "linear_attention_step",
           "quadratic_linear_attention"]

CHUNK = 64  # positions at a time: a product of matrices within a chunk, a running sum from chunk to chunk


@op
def elu_feature_map(x):
    r"""A positive feature map, elementwise: $\varphi(x) = \mathrm{elu}(x) + 1$,
    which is $e^x$ below zero and $x + 1$ above.

    Parameters
    ----------
    x : Tensor or array_like

    Returns
    -------
    Tensor
        In the shape of x.

    Notes
    -----
    Not computed as elu + 1, which would round $e^x$ to zero from x = −37 on (float32: −17) and divide by it later.

    References
    ----------
    Katharopoulos et al., "Transformers are RNNs: fast autoregressive transformers with linear attention", 2020,
    equation 7.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.elu_feature_map(np.array([np.log(0.25), 0.0, 2.0]))
    array([0.25, 1.  , 3.  ])
    """
    return np.exp(np.minimum(x, 0)) + np.maximum(x, 0)


@elu_feature_map.vjp
def elu_feature_map_vjp(g, y):      # x̄ = g ⊙ min(y, 1): e^x is y where it is below 1
    return g * np.minimum(y, 1)


@op
def causal_product(query, key, value):
    r"""$(\mathrm{tril}(Q K^\top))\, V$ without the T × T matrix: $y_t = q_t^\top \sum_{s \le t} k_s v_s^\top$.

    Parameters
    ----------
    query, key : Tensor or ndarray, (..., T, D)
    value : Tensor or ndarray, (..., T, E)

    Returns
    -------
    Tensor
        (..., T, E).

    Raises
    ------
    ValueError
        If lengths, widths or leading axes differ.

    Notes
    -----
    Its gradients are three more causal products, two of them from the end to the beginning.

    References
    ----------
    Katharopoulos et al. (2020), equations 9 to 15 and algorithm 1.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> ones = np.ones((3, 1))
    >>> F.causal_product(ones, ones, np.array([[1.0], [10.0], [100.0]])).ravel()
    array([  1.,  11., 111.])
    """
    if query.shape != key.shape or key.shape[:-1] != value.shape[:-1]:
        raise ValueError("causal_product: query and key must share their shape, value all of it but the width; "
                         f"got {query.shape}, {key.shape} and {value.shape}")
    y = np.empty_like(value, shape=(*query.shape[:-1], value.shape[-1]), dtype=np.result_type(query, key, value))
    state = 0                                                   # M = Σ k vᵀ of all earlier chunks, (..., D, E)
    for start in range(0, query.shape[-2], CHUNK):
        chunk = slice(start, start + CHUNK)
        q, k, v = (x[..., chunk, :] for x in (query, key, value))
        # the future is 0 in the triangle, and hidden, be it NaN
        y[..., chunk, :] = (np.matmul if np.isfinite(v).all() else selected)(np.tril(q @ k.mT), v)
        if start:
            y[..., chunk, :] += q @ state
        state = state + k.mT @ v
    return y


@causal_product.vjp
def causal_product_vjp(g, query, key, value):
    # q̄_t = (Σ_{s≤t} k_s v_sᵀ) g_t,  k̄_s = (Σ_{t≥s} q_t g_tᵀ) v_s,  v̄_s = (Σ_{t≥s} g_t q_tᵀ) k_s
    def to_the_end(a, b, c):
        return flip(causal_product(flip(a, -2), flip(b, -2), flip(c, -2)), -2)

    return (lambda: causal_product(g, value, key),
            lambda: to_the_end(value, g, query),
            lambda: to_the_end(key, query, g))


def linear_attention(query, key, value, mask=None, is_causal=False, feature_map=elu_feature_map):
    r"""Linear attention, in time proportional to T + S.

    $$c_t^\top = \frac{\varphi(q_t)^\top \sum_s \varphi(k_s)\, v_s^\top}{\varphi(q_t)^\top \sum_s \varphi(k_s)}$$

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, D)
    value : Tensor or ndarray, (..., S, E)
    mask : boolean ndarray, (..., S), optional
        True = real key, False = padding, the same for all queries: a mask for each query would need the T × S weights.
    is_causal : bool
        Query t attends to keys 0 to t; T = S.
    feature_map : callable
        $\varphi$, with no negative values.

    Returns
    -------
    Tensor
        (..., T, E). Zero where a query may attend to nothing.

    References
    ----------
    Katharopoulos et al., "Transformers are RNNs:
    fast autoregressive transformers with linear attention", 2020, equations 5, 9.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.linear_attention(np.zeros((2, 1)), np.zeros((2, 1)), np.array([[2.0], [4.0]]), is_causal=True)
    array([[2.],
           [3.]])
    """
    query = _levelled(feature_map(query))
    key, value = _visible(feature_map(_visible(key, mask)), mask), _visible(value, mask)
    if is_causal:
        # n_t = Σ_{s≤t} φ(k_s)
        return _shares(query, causal_product(query, key, value), cumsum(key, -2))
    # c = φ(Q) (φ(K)ᵀ V): the product in brackets has D·E numbers, whatever T and S are
    return _shares(query, query @ (key.mT @ value), sum_(key, -2, keepdims=True))


def quadratic_linear_attention(query, key, value, mask=None, is_causal=False, feature_map=elu_feature_map):
    r"""The same with its weights written out: $\alpha_{ts} \propto \varphi(q_t)^\top\varphi(k_s)$.

    Parameters
    ----------
    query, key, value, mask, is_causal, feature_map
        As for `linear_attention`.

    Returns
    -------
    output : Tensor, (..., T, E)
    weights : Tensor, (..., T, S)
        Rows sum to 1, or to 0 where a query may attend to nothing.

    References
    ----------
    Katharopoulos et al. (2020), equation 4.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.quadratic_linear_attention(np.zeros((1, 1)), np.array([[0.0], [2.0]]), np.array([[4.0], [8.0]]))
    (array([[7.]]), array([[0.25, 0.75]]))
    """
    key = _visible(feature_map(_visible(key, mask)), mask)
    similarity = pair_products(_levelled(feature_map(query)), key)                                   # (..., T, S)
    if is_causal:
        similarity = tril(similarity)
    total = sum_(similarity, -1, keepdims=True)
    weights = similarity / (total + (total == 0))
    return weighted_sum(weights, value), weights


def linear_attention_step(query, key, value, state=None, feature_map=elu_feature_map):
    r"""One position of causal linear attention, as a step of a recurrent network.

    $$M \leftarrow M + \varphi(k)\, v^\top, \qquad n \leftarrow n + \varphi(k), \qquad
    c = \frac{M^\top \varphi(q)}{n^\top \varphi(q)}$$

    Parameters
    ----------
    query, key : Tensor or ndarray, (..., D)
    value : Tensor or ndarray, (..., E)
    state : pair of Tensor, (..., D, E) and (..., D), optional
        M and n of the positions before; None at the first.
    feature_map : callable
        $\varphi$.

    Returns
    -------
    output : Tensor, (..., E)
        c.
    state : pair of Tensor
        M and n, whose size does not depend on how many positions have been read.

    References
    ----------
    Katharopoulos et al. (2020), equations 16 to 20.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> one, state = np.zeros(1), None
    >>> for v in (2.0, 4.0):
    ...     output, state = F.linear_attention_step(one, one, np.array([v]), state)
    >>> output
    array([3.])
    """
    query = _levelled(feature_map(query))
    key = feature_map(key)
    memory = key[..., :, None] * value[..., None, :]                                                 # (..., D, E)
    norm = key
    if state is not None:
        memory = state[0] + memory
        norm = state[1] + norm
    output = _shares(query[..., None, :], query[..., None, :] @ memory, norm[..., None, :])          # (..., 1, E)
    return output[..., 0, :], (memory, norm)


def _levelled(query):
    """φ(q) over a power of two near its largest: it cancels in the quotient, and small φ(q) times small φ(k) stays in
    the range of float32."""
    return query / power_near(query, -1)


def _visible(x, mask):
    """Keys, φ(k) or values, zero where they are hidden."""
    return x if mask is None else where(np.asarray(mask)[..., None], x, 0.0)


def _shares(query, mixed, norm):
    """φ(q)ᵀ(…) over φ(q)ᵀn; zero over zero, where nothing was visible, is zero."""
    total = sum_(query * norm, -1, keepdims=True)
    return mixed / (total + (total == 0))
