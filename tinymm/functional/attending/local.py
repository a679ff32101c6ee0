r"""Local attention with a predicted centre (Luong's local-p): a place in the source, and a Gaussian around it.

Local-m, whose centre is the query's own position, needs no formula of its own: `sliding_window_mask` and
`attention_weights`.
"""

import numpy as np

from ..elementwise import exp, sigmoid, tanh
from .steps import attention_weights

__all__ = ["local_weights", "predicted_positions"]


def predicted_positions(query, weight, weight_v, length):
    r"""Where in the source to look: $p_t = S\,\sigma(v^\top \tanh(W q_t))$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    weight : Tensor or ndarray, (A, D)
        W.
    weight_v : Tensor or ndarray, (A,)
        v.
    length : int or array that broadcasts to (..., T)
        S, length of the source.

    Returns
    -------
    Tensor
        (..., T), between 0 and S.

    References
    ----------
    Luong, Pham, Manning, "Effective approaches to attention-based neural machine translation", 2015, equation 9.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.predicted_positions(np.zeros((1, 2)), np.ones((3, 2)), np.ones(3), 10)
    array([5.])
    """
    # p = S σ(vᵀ tanh(W q))
    p = sigmoid(tanh(query @ weight.mT) @ weight_v)                             # (..., T)
    return p * np.asarray(length, p.dtype)


def local_weights(scores, positions, reach, mask=None, places=None):
    r"""Softmax over the keys near a position, times a Gaussian around it.

    $$\alpha_{ts} = \operatorname{softmax}_s(e_{ts})\, \exp\Big(-\frac{(s - p_t)^2}{2\sigma^2}\Big), \qquad
    \sigma = D / 2$$

    Parameters
    ----------
    scores : Tensor or ndarray, (..., T, S)
    positions : Tensor or ndarray, (..., T)
        $p_t$.
    reach : float
        D: keys with $|s - p_t| > D$ are hidden.
    mask : boolean ndarray, optional
        As for `attention_weights`; hides more.
    places : int array that broadcasts to (..., T, S), optional
        The s of the formula, where each key stands; default: 0, 1, 2, ...

    Returns
    -------
    Tensor
        (..., T, S). Rows sum to less than 1: the Gaussian comes after the softmax.

    Raises
    ------
    ValueError
        If D is not positive.

    Notes
    -----
    The window's edges give $p_t$ no gradient; the Gaussian is there to give it one. At the edges it has fallen to
    $e^{-2} = 0.14$, so a key that comes into view makes a jump of at most that share.

    References
    ----------
    Luong, Pham, Manning (2015), equation 10.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.local_weights(np.zeros((1, 4)), np.array([1.0]), 1).round(4)
    array([[0.0451, 0.3333, 0.0451, 0.    ]])
    """
    if not reach > 0:
        raise ValueError(f"local_weights: reach must be positive; got {reach}")
    places = np.arange(scores.shape[-1]) if places is None else places
    distance = places.astype(scores.dtype) - positions[..., None]                                   # (..., T, S)
    near = (-reach <= distance) & (distance <= reach)
    near = near if mask is None else near & mask
    # α = softmax(e) exp(−(s − p)² / 2σ²)
    sigma = reach / 2
    return attention_weights(scores, near) * exp(distance * distance * (-0.5 / sigma**2))
