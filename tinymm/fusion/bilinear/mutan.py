"""MUTAN: a Tucker decomposition whose core has a low rank in each of its slices."""

from ... import functional as F
from ... import nn
from ..vectors import VectorFusion, checked_sizes

__all__ = ["MUTANFusion"]


class MUTANFusion(VectorFusion):
    r"""Project both, multiply them by a core of rank R, project: Tucker's form of the tensor of weights.

    $$\tilde x = Ux + a, \qquad \tilde y = Vy + b, \qquad
    s = \sum_{r=1}^R (M_r \tilde x + m_r) \odot (N_r \tilde y + n_r), \qquad z = W_o s + c$$

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        D of the fused features.
    hidden : int
        d of $\tilde x, \tilde y$ and s.
    rank : int
        R.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. Without biases it is bilinear pooling with

    $$W_{kij} = \sum_{opq} (W_o)_{ko}\, T_{opq}\, U_{pi} V_{qj}, \qquad T_{opq} = \sum_r (M_r)_{op} (N_r)_{oq},$$

    a core of d³ numbers in 2Rd². Published models for visual questions have d = 1600 and R = 15, 77 million numbers in
    the core.

    References
    ----------
    Ben-younes et al. (2017), MUTAN: multimodal Tucker fusion for visual question answering.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = MUTANFusion({"text": 8, "image": 6}, 4, hidden=5, rank=3, rng=np.random.default_rng(0))
    >>> fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32))).features.shape
    (2, 4)
    """

    def __init__(self, widths, width=256, hidden=320, rank=10, *, rng):
        super().__init__(widths, width, 2)
        checked_sizes("MUTANFusion", hidden=hidden, rank=rank)
        left, right = self.input_widths
        self.rank = rank
        self.left = nn.Linear(left, hidden, rng=rng)
        self.right = nn.Linear(right, hidden, rng=rng)
        self.left_core = nn.Linear(hidden, rank * hidden, rng=rng)
        self.right_core = nn.Linear(hidden, rank * hidden, rng=rng)
        self.out = nn.Linear(hidden, width, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        x, y = inputs
        product = self.left_core(self.left(x)) * self.right_core(self.right(y))      # (…, R·d)
        product = F.reshape(product, (*product.shape[:-1], self.rank, -1))           # (…, R, d)
        return self.out(product.sum(-2)), None
