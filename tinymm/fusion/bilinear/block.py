"""BLOCK: the tensor of weights as small blocks along its diagonal, each of low rank."""

from ... import functional as F
from ... import nn
from ...cores import ceil_div
from ..vectors import VectorFusion, checked_sizes
from .normalized import root_normalized

__all__ = ["BLOCKFusion"]


class BLOCKFusion(VectorFusion):
    r"""Project both, cut them into chunks, multiply chunk by chunk with a core of rank R each, project.

    $$\tilde x = Ux + a, \quad \tilde y = Vy + b, \qquad
    s_c = \sum_{r=1}^R (M_{cr} \tilde x_c + m_{cr}) \odot (N_{cr} \tilde y_c + n_{cr}), \qquad
    z = W_o\,[\hat s_1; \dots; \hat s_C] + e$$

    with $\hat s_c$ the signed root of $s_c$, brought to length 1.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, of x and of y.
    width : int
        D of the fused features.
    hidden : int
        d of $\tilde x$ and $\tilde y$.
    chunks : int
        C. Each has ⌈d/C⌉ numbers; the last one has what is left.
    rank : int
        R.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors. One chunk is MUTAN with a root; C of them have
    C cores of 2R(d/C)² numbers in place of one of 2Rd². The root and the length are taken in each chunk for itself, so
    that no chunk drowns the others. (Of a chunk of one number only the sign is left, which cannot learn.) Published
    models for visual questions have d = 1600, C = 20, R = 15.

    References
    ----------
    Ben-younes et al. (2019), BLOCK: bilinear superdiagonal fusion for visual question answering and visual relationship
    detection.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = BLOCKFusion({"text": 8, "image": 6}, 4, hidden=11, chunks=4, rank=3, rng=np.random.default_rng(0))
    >>> fusion.sizes, fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32))).features.shape
    ([3, 3, 3, 2], (2, 4))
    """

    def __init__(self, widths, width=256, hidden=320, chunks=20, rank=10, *, rng):
        super().__init__(widths, width, 2)
        checked_sizes("BLOCKFusion", hidden=hidden, chunks=chunks, rank=rank)
        size = ceil_div(hidden, chunks)
        last = hidden - (chunks - 1) * size
        if last < 1:
            raise ValueError(f"BLOCKFusion: {chunks} chunks of {size} leave nothing of hidden = {hidden} for the last")
        left, right = self.input_widths
        self.rank, self.sizes = rank, [size] * (chunks - 1) + [last]
        self.left = nn.Linear(left, hidden, rng=rng)
        self.right = nn.Linear(right, hidden, rng=rng)
        self.left_cores = nn.ModuleList([nn.Linear(n, rank * n, rng=rng) for n in self.sizes])
        self.right_cores = nn.ModuleList([nn.Linear(n, rank * n, rng=rng) for n in self.sizes])
        self.out = nn.Linear(hidden, width, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D)."""
        x, y = self.left(inputs[0]), self.right(inputs[1])
        blocks, start = [], 0
        for size, M, N in zip(self.sizes, self.left_cores, self.right_cores):
            chunk = slice(start, start + size)
            product = M(x[..., chunk]) * N(y[..., chunk])                            # (…, R·size)
            product = F.reshape(product, (*product.shape[:-1], self.rank, size))     # (…, R, size)
            blocks.append(root_normalized(product.sum(-2)))
            start += size
        return self.out(F.concatenate(blocks, -1)), None
