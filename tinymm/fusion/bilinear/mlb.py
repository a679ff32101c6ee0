"""Multimodal low-rank bilinear pooling: project both, multiply, project."""

from ... import functional as F
from ... import nn
from ..vectors import VectorFusion, checked_sizes

__all__ = ["MLBFusion"]


class MLBFusion(VectorFusion):
    r"""Low-rank bilinear pooling: $z = P\,(\tanh(Ux + a) \odot \tanh(Vy + b)) + c$.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        D of the fused features.
    hidden : int
        d, the rows of U and V.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. Without the tanh,
    $W_k = \sum_{r=1}^d P_{kr}\, U_r V_r^\top$: bilinear pooling in which all $W_k$ share d matrices of rank one. The
    tanh bounds the factors, so that products stay as small as they are.

    References
    ----------
    Kim et al. (2017), Hadamard product for low-rank bilinear pooling.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = MLBFusion({"text": 8, "image": 6}, 4, hidden=16, rng=np.random.default_rng(0))
    >>> fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32))).features.shape
    (2, 4)
    """

    def __init__(self, widths, width=256, hidden=1200, *, rng):
        super().__init__(widths, width, 2)
        checked_sizes("MLBFusion", hidden=hidden)
        left, right = self.input_widths
        self.left = nn.Linear(left, hidden, rng=rng)
        self.right = nn.Linear(right, hidden, rng=rng)
        self.out = nn.Linear(hidden, width, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        x, y = inputs
        return self.out(F.tanh(self.left(x)) * F.tanh(self.right(y))), None
