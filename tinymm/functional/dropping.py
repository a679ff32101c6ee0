"""Dropout: switch inputs off at random while training, so that no unit can rely on another."""

import numpy as np

from ..autograd import op, saving
from ..cores import ceil_div
from .selection import where

__all__ = ["dropout"]


@op
def dropout(x, p=0.5, training=True, rng=None):
    r"""Zero each element with probability p, scale the rest:
    $y = x \odot m / (1 - p)$, $m \sim \mathrm{Bernoulli}(1 - p)$.

    Parameters
    ----------
    x : Tensor or ndarray
    p : float
        Probability of a zero, in [0, 1].
    training : bool
        If False, y is x.
    rng : numpy.random.Generator, optional
        Draws the mask; required where one is drawn.

    Returns
    -------
    Tensor
        In the shape of x; its expectation is x.

    Raises
    ------
    ValueError
        If p is not a probability, or a mask is needed and `rng` is missing.

    Notes
    -----
    What is dropped has no influence, be it NaN, and the same mask selects the gradient. p is rounded to a multiple of
    2⁻¹⁶: each random word of 64 bits decides for four elements.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> sorted(set(F.dropout(np.ones(100), p=0.5, rng=np.random.default_rng(0)).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must lie in [0, 1]; got {p}")
    if not training or p == 0:
        return saving(x, mask=True, scale=1)
    if rng is None:
        raise ValueError("dropout: training draws a mask; pass rng, a numpy.random.Generator")
    mask = _kept(x.shape, p, rng)
    scale = 1 / (1 - p) if p < 1 else 0.0
    y = where(mask, x, 0)
    y *= scale
    return saving(y, mask=mask, scale=scale)


@dropout.vjp
def dropout_vjp(g, mask, scale):    # x̄ = g ⊙ m / (1 − p)
    return g if mask is True else where(mask, g, 0) * scale


def _kept(shape, p, rng):
    """Booleans, False with probability p."""
    size = int(np.prod(shape))
    words = rng.integers(0, 2**64, ceil_div(size, 4), dtype=np.uint64)
    return words.view(np.uint16)[:size].reshape(shape) >= round(p * 2**16)
