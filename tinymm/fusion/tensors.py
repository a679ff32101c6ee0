r"""Tensor fusion: the products of all features of all modalities, with a 1 beside each so that fewer count too.

$$\mathcal Z = \bigotimes_{m=1}^M \begin{bmatrix} 1 \\ x_m \end{bmatrix}$$

has the features of each modality, all products of two, of three, … of M. `TensorFusion` reads it with one large matrix,
`LowRankFusion` with a sum of R products of small ones, without ever making it.
"""

import functools
import math

import numpy as np

from .. import functional as F
from .. import nn
from .vectors import VectorFusion, checked_sizes, outer

__all__ = ["LowRankFusion", "TensorFusion"]


class TensorFusion(VectorFusion):
    r"""A linear map of the tensor: $z = W \operatorname{vec}\mathcal Z$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities: D₁, …, D_M.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. W has D · Π(D_m + 1) numbers: 2.3 million from 32,
    32 and 32 features to 64. It needs no bias, which is its column of the product of all ones. An absent modality
    counts as $[1; 0]$, so that all products with it vanish and the others stay.

    References
    ----------
    Zadeh et al. (2017), Tensor fusion network for multimodal sentiment analysis: the tensor fusion
    layer, of three modalities.

    Examples
    --------
    >>> fusion = TensorFusion({"text": 3, "image": 4, "speech": 1}, 2, rng=np.random.default_rng(0))
    >>> fusion.linear.weight.shape
    (2, 40)
    """

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width)
        size = math.prod(1 + n for n in self.input_widths)
        self.linear = nn.Linear(size, width, bias=False, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        return self.linear(functools.reduce(outer, map(_with_one, inputs))), None


class LowRankFusion(VectorFusion):
    r"""Tensor fusion with a W of rank R: $z = \sum_{r=1}^R w_r \bigodot_m W_m^{(r)} [1; x_m] + b$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities: D₁, …, D_M.
    width : int
        D of the fused features.
    rank : int
        R.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. It is `TensorFusion` with
    $\mathcal W_k = \sum_r w_r \bigotimes_m W_{m,k}^{(r)}$, plus b, in R · D · Σ(D_m + 1) numbers: linear in the number
    of modalities, not exponential. The factor of a modality is one layer, whose bias is the column of the 1.

    References
    ----------
    Liu et al. (2018), Efficient low-rank multimodal fusion with modality-specific factors.

    Examples
    --------
    >>> widths, rng = {"text": 32, "image": 32, "speech": 32}, np.random.default_rng(0)
    >>> [fusion(widths, 64, rng=rng).num_parameters() for fusion in (TensorFusion, LowRankFusion)]
    [2299968, 25412]
    """

    def __init__(self, widths, width=256, rank=4, *, rng):
        super().__init__(widths, width)
        checked_sizes("LowRankFusion", rank=rank)
        self.factors = nn.ModuleList([nn.Linear(size, rank * width, rng=rng) for size in self.input_widths])
        self.ranks = nn.Parameter(np.full(rank, 1 / math.sqrt(rank), np.float32))
        self.bias = nn.Parameter(np.zeros(width, np.float32))

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        product = math.prod(factor(x) for factor, x in zip(self.factors, inputs))   # (…, R·D)
        product = F.reshape(product, (*product.shape[:-1], -1, self.width))          # (…, R, D)
        return F.matmul(self.ranks, product) + self.bias, None


def _with_one(x):
    """[1; x]."""
    return F.concatenate([np.ones((*x.shape[:-1], 1), x.dtype), x], -1)
