"""Scaled dot-product attention as one op whose memory grows with T, not with T²: no T × S matrix, forward or backward.

The work is done in `tiles`; the op is what the tape sees of it.
"""

import numpy as np

from ...autograd import op, saving
from .heads import checked
from .steps import explicit_attention
from .tiles import Tiles

__all__ = ["tiled_attention"]


@op
def tiled_attention(query, key, value, attn_mask=None, is_causal=False, scale=None):
    r"""Attention without its T × S matrix: $Y = P V$, $P = \operatorname{softmax}(\sigma Q K^\top + M)$.

    Parameters
    ----------
    query, key, value : Tensor or ndarray, (..., T, D), (..., S, D) and (..., S, E)
    attn_mask : ndarray, optional
        Broadcasts to (..., T, S). Boolean: True = may attend. Floating: added to the scores; a constant.
    is_causal : bool
        Query t attends to keys 0 to t; excludes `attn_mask`. Tiles above the diagonal are skipped.
    scale : float, optional
        $\sigma$; default $1/\sqrt{D}$.

    Returns
    -------
    Tensor
        (..., T, E).

    Raises
    ------
    ValueError
        If shapes disagree, the mask has the wrong dtype, or two masks are given.

    Notes
    -----
    4TSD operations per head forward, 10TSD backward, 2TSD of them to make the scores again (D = E). With $\bar Y$
    given, $\bar S = P \odot (\bar Y V^\top - \operatorname{rowsum}(\bar Y \odot Y))$: the sum over keys in the gradient
    of a softmax is one over the width.

    The maximum of a row is subtracted only where it matters: by Cauchy–Schwarz no score is larger than
    $\max_t \lVert \sigma q_t \rVert \, \max_s \lVert k_s \rVert$, and the exponentials of scores up to 30 are safe.

    References
    ----------
    Dao et al., "FlashAttention", 2022, algorithms 1 and 4. Milakov, Gimelshein, "Online normalizer calculation for
    softmax", 2018, algorithm 3.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([[[2.0], [4.0]]])
    >>> F.tiled_attention(0 * x, x, x, is_causal=True)
    array([[[2.],
            [3.]]])
    """
    leading = checked("tiled_attention", query, key, value, attn_mask, is_causal)
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, leading)
    y, lse = tiles.forward()
    if not np.isfinite(y).all():                                        # does something hidden show?
        tiles.careful = True
        y, lse = tiles.forward()
    return saving(y, lse=lse)


@tiled_attention.vjp
def tiled_attention_vjp(g, y, query, key, value, attn_mask, is_causal, scale, lse):
    leading = y.shape[:-2]
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, leading)
    gradients = tiles.backward(g, y, lse)
    if not all(np.isfinite(d).all() for d in gradients):
        tiles.careful = True
        gradients = tiles.backward(g, y, lse)
    return gradients


@tiled_attention.composite
def tiled_attention_composite(query, key, value, attn_mask, is_causal, scale):
    return explicit_attention(query, key, value, attn_mask, is_causal, scale)
