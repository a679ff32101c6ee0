r"""Dual-stream fusion, article 3.1.2: each modality is encoded on its own, and the two vectors are joined or added.

$$W\,[x_1; \dots; x_M] = \sum_m W_m x_m \qquad\text{for}\qquad W = (W_1 \mid \dots \mid W_M),$$

so that after a linear map the two are the same functions. They differ in what the numbers are: where training starts,
and what weight decay or a low rank of each $W_m$ would mean.
"""

import numpy as np

from .. import functional as F
from .. import nn
from .vectors import VectorFusion, joined

__all__ = ["AdditionFusion", "ConcatenationFusion"]


class ConcatenationFusion(VectorFusion):
    r"""Join the vectors of all modalities, then one layer: $z = \mathrm{ReLU}(W [x_1; \dots; x_M] + b)$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. An absent modality counts as zero: its columns of W
    have no part in z.

    References
    ----------
    Ngiam et al. (2011), Multimodal deep learning.

    Examples
    --------
    >>> fusion = ConcatenationFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32))).features.shape
    (2, 4)
    """

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width)
        self.linear = nn.Linear(sum(self.input_widths), width, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        return F.relu(self.linear(joined(inputs))), None


class AdditionFusion(VectorFusion):
    r"""Bring the vectors to one width and add them: $z = \mathrm{ReLU}(\sum_m W_m x_m + b)$.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. With the columns of `ConcatenationFusion`'s W for the
    $W_m$ it is the same function.

    Examples
    --------
    >>> widths, inputs = {"text": 2, "image": 1}, (np.ones((1, 2), np.float32), np.ones((1, 1), np.float32))
    >>> concatenated = ConcatenationFusion(widths, 4, rng=np.random.default_rng(0))
    >>> added = AdditionFusion(widths, 4, rng=np.random.default_rng(0))
    >>> added.maps[0].weight.data[...] = concatenated.linear.weight.data[:, :2]
    >>> added.maps[1].weight.data[...] = concatenated.linear.weight.data[:, 2:]
    >>> added.bias.data[...] = concatenated.linear.bias.data
    >>> bool(np.allclose(added(inputs).features.data, concatenated(inputs).features.data))
    True
    """

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width)
        self.maps = nn.ModuleList([nn.Linear(size, width, bias=False, rng=rng) for size in self.input_widths])
        self.bias = nn.Parameter(np.zeros(width, np.float32))

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        return F.relu(sum(W(x) for W, x in zip(self.maps, inputs)) + self.bias), None
