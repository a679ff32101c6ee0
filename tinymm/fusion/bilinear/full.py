"""Bilinear pooling in full: a matrix of weights for each output."""

from ... import nn
from ..vectors import VectorFusion, outer

__all__ = ["BilinearFusion"]


class BilinearFusion(VectorFusion):
    r"""Every product of a feature of x and a feature of y, weighed: $z_k = x^\top W_k\, y + b_k$.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. It is a layer on the outer product,
    $z = W \operatorname{vec}(x y^\top) + b$: row k of `linear.weight` is $W_k$, row by row. Without one of the two,
    z = b: a product with nothing is nothing (`MissingTokens` puts something in its place).

    References
    ----------
    Tenenbaum and Freeman (2000), Separating style and content with bilinear models, eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = BilinearFusion({"text": 3, "image": 2}, 4, rng=np.random.default_rng(0))
    >>> x, y = np.array([[1.0, 0.0, 2.0]], np.float32), np.array([[3.0, 1.0]], np.float32)
    >>> W = fusion.linear.weight.data.reshape(4, 3, 2)
    >>> bool(np.allclose(fusion((x, y)).features.data[0], [x[0] @ W_k @ y[0] for W_k in W] + fusion.linear.bias.data))
    True
    """

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width, 2)
        left, right = self.input_widths
        self.linear = nn.Linear(left * right, width, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        return self.linear(outer(*inputs)), None
