"""Multimodal factorized bilinear pooling, and its higher orders: products of projections, summed k at a time."""

from ... import functional as F
from ... import nn
from ..vectors import VectorFusion, checked_sizes
from .normalized import root_normalized

__all__ = ["MFBFusion", "MFHFusion"]


class MFBFusion(VectorFusion):
    r"""Sums over k products of projections: each output has a matrix of rank k of its own.

    $$q = (Ux + a) \odot (Vy + b) \in \mathbb R^{Dk}, \qquad s_o = \sum_{i<k} q_{ok+i}, \qquad
    z = \frac{\operatorname{sign}(s)\sqrt{|s|}}{\lVert \operatorname{sign}(s)\sqrt{|s|} \rVert}$$

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        D of the fused features.
    factor : int
        k.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. Without a and b, $s_o = x^\top W_o\, y$ with
    $W_o = \sum_i U_{ok+i} V_{ok+i}^\top$. The root and the length are taken by `F.signed_sqrt` and `F.normalize`, which
    leave zeros at zero.

    References
    ----------
    Yu et al. (2017), Multi-modal factorized bilinear pooling with co-attention learning for visual question answering;
    there D = 1000 and k = 5.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = MFBFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> z = fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32))).features
    >>> z.shape, np.linalg.norm(z.data, axis=-1).round(4).tolist()
    ((2, 4), [1.0, 1.0])
    """

    def __init__(self, widths, width=1000, factor=5, *, rng):
        super().__init__(widths, width, 2)
        checked_sizes("MFBFusion", factor=factor)
        left, right = self.input_widths
        self.left = nn.Linear(left, width * factor, rng=rng)
        self.right = nn.Linear(right, width * factor, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        x, y = inputs
        return root_normalized(_pooled(self.left(x) * self.right(y), self.width)), None


class MFHFusion(VectorFusion):
    r"""Several blocks of MFB, each of which multiplies the product of the one before: higher orders.

    $$q^{(p)} = (U_p x + a_p) \odot (V_p y + b_p) \odot q^{(p-1)}, \qquad q^{(0)} = 1, \qquad
    z = [z^{(1)}; \dots; z^{(P)}]$$

    with $z^{(p)}$ from $q^{(p)}$ as in `MFBFusion`: the sums enter nothing further.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        Of the fused features, P blocks together.
    factor : int
        k, how many products are summed.
    order : int
        P; divides the width.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. Block p is of degree p in x and of degree p in y.

    References
    ----------
    Yu et al. (2018), Beyond bilinear: generalized multimodal factorized high-order pooling for visual question
    answering.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = MFHFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> z = fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32))).features
    >>> z.shape, np.square(z.data).sum(-1).round(4).tolist()
    ((2, 4), [2.0, 2.0])
    """

    def __init__(self, widths, width=2000, factor=5, order=2, *, rng):
        super().__init__(widths, width, 2)
        checked_sizes("MFHFusion", factor=factor, order=order)
        if width % order:
            raise ValueError(f"MFHFusion: order must divide width; got {order} and {width}")
        left, right = self.input_widths
        self.block_width = width // order
        self.left = nn.ModuleList([nn.Linear(left, self.block_width * factor, rng=rng) for _ in range(order)])
        self.right = nn.ModuleList([nn.Linear(right, self.block_width * factor, rng=rng) for _ in range(order)])

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        x, y = inputs
        product, blocks = 1.0, []
        for U, V in zip(self.left, self.right):
            product = U(x) * V(y) * product                              # q (…, D/P·k)
            blocks.append(root_normalized(_pooled(product, self.block_width)))
        return F.concatenate(blocks, -1), None


def _pooled(product, width):
    """(…, width·k) summed over the k neighbours that belong to each output: (…, width)."""
    return F.reshape(product, (*product.shape[:-1], width, -1)).sum(-1)
