"""Dropout: random zeros in training, nothing in evaluation."""

from .. import functional as F
from .init import checked
from .module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    r"""Zero each element with probability p and scale the rest:
    $y = x \odot m / (1 - p)$ in training, $y = x$ in `eval()`.

    Parameters
    ----------
    p : float
        In [0, 1].
    rng : numpy.random.Generator
        Kept, and drawn from at each call in training. Layers may share one.

    References
    ----------
    Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.Dropout(0.5, rng=np.random.default_rng(0))
    >>> sorted(set(layer(tm.tensor(np.ones(100))).tolist()))
    [0.0, 2.0]
    >>> layer.eval()(tm.tensor([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    def __init__(self, p=0.5, *, rng):
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability in [0, 1]; got {p}")
        self.p = p
        self.rng = checked(rng)

    def forward(self, x):
        """x of any shape to the same shape."""
        return F.dropout(x, self.p, self.training, self.rng)

    def extra_repr(self):
        return f"p={self.p}"
