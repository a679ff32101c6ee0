r"""Rotary embeddings: queries and keys turned by their position, so that their product depends on the distance only.

Pairs of features are points of a plane, and each plane turns at its own speed. There are two conventions of which
features make a pair; both are in use, and each has a function here.
"""

import math

import numpy as np

from ...autograd import op
from ...cores.blocks import as_floating

__all__ = ["rotary_half_split", "rotary_interleaved"]


@op
def rotary_interleaved(x, positions=None, base=10000.0):
    r"""Rotary embedding of neighbouring pairs:
    $(x_{2i}, x_{2i+1})$ turned by the angle $t\,\theta_i$, $\theta_i = b^{-2i/D}$.

    Parameters
    ----------
    x : Tensor or ndarray, (..., T, D)
        Queries or keys; D even.
    positions : int or float array, (T,), optional
        t of each row; default 0 to T − 1.
    base : float
        b: the slowest pair makes a turn in about 2πb positions.

    Returns
    -------
    Tensor
        (..., T, D); every row keeps its length.

    Raises
    ------
    ValueError
        If D is odd, or there are not T positions.

    Notes
    -----
    $R_t^\top R_s = R_{s-t}$: the product of a query turned by t and a key turned by s depends on s − t only. The
    gradient is turned back. This is the pairing of the paper, of GPT-J and of LLaMA as Meta published it; for the
    LLaMA weights of the library transformers, whose rows were permuted, it is `rotary_half_split`.

    References
    ----------
    Su et al., "RoFormer: enhanced Transformer with rotary position embedding", 2021, equations 14, 15 and 34.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rotary_interleaved(np.array([[1.0, 0.0]]), [np.pi / 2]).round(6)
    array([[0., 1.]])
    """
    x = as_floating(x)
    cos, sin = _rotation("rotary_interleaved", x, positions, base)
    even = x[..., 0::2]
    odd = x[..., 1::2]
    y = np.empty_like(x)
    y[..., 0::2] = even * cos - odd * sin
    y[..., 1::2] = even * sin + odd * cos
    return y


@rotary_interleaved.vjp
def rotary_interleaved_vjp(g, positions, base):     # x̄ = Rᵀ g: turned back
    return rotary_interleaved(g, _backwards(g, positions), base)


@op
def rotary_half_split(x, positions=None, base=10000.0):
    r"""Rotary embedding of distant pairs: $(x_i, x_{i+D/2})$ turned by the angle $t\,\theta_i$, $\theta_i = b^{-2i/D}$.

    Parameters
    ----------
    x, positions, base
        As for `rotary_interleaved`.

    Returns
    -------
    Tensor
        (..., T, D); every row keeps its length.

    Raises
    ------
    ValueError
        If D is odd, or there are not T positions.

    Notes
    -----
    The pairing of GPT-NeoX and of the library transformers, whose LLaMA weights are Meta's with the rows of the query
    and key projections permuted to fit. It is `rotary_interleaved` on another order of the features: the first halves
    of the pairs, then the second. A model must be run with the one that its weights are made for.

    References
    ----------
    Su et al., "RoFormer: enhanced Transformer with rotary position embedding", 2021;
    Black et al., "GPT-NeoX-20B", 2022.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.rotary_half_split(np.array([[1.0, 0.0, 0.0, 0.0]]), [np.pi / 2]).round(6)
    array([[0., 0., 1., 0.]])
    """
    x = as_floating(x)
    cos, sin = _rotation("rotary_half_split", x, positions, base)
    half = x.shape[-1] // 2
    first = x[..., :half]
    second = x[..., half:]
    y = np.empty_like(x)
    y[..., :half] = first * cos - second * sin
    y[..., half:] = first * sin + second * cos
    return y


@rotary_half_split.vjp
def rotary_half_split_vjp(g, positions, base):      # x̄ = Rᵀ g: turned back
    return rotary_half_split(g, _backwards(g, positions), base)


def _rotation(who, x, positions, base):
    """cos tθ and sin tθ, (T, D / 2), in the dtype of x; the angles in float64, since t θ₀ may be large."""
    T, D = x.shape[-2:]
    t = np.arange(T) if positions is None else np.asarray(positions)
    if D % 2 or t.shape != (T,):
        raise ValueError(f"{who}: needs an even width and one position per row; got {x.shape} and {t.shape} positions")
    angle = np.outer(t, np.exp(np.arange(0, D, 2) * (-math.log(base) / max(D, 1))))
    return np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)


def _backwards(g, positions):
    """−t of each row: the same angles, turned the other way."""
    return -(np.arange(g.shape[-2]) if positions is None else np.asarray(positions))
