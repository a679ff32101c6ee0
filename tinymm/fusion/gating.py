"""Gating: a share for each modality, decided by looking at all of them (article 3.1.2, where it adds)."""

from .. import functional as F
from .. import nn
from .shown import Gates
from .vectors import VectorFusion, joined

__all__ = ["GatingFusion"]


class GatingFusion(VectorFusion):
    r"""A weighted sum of the modalities, with weights that depend on what they say.

    $$g = \operatorname{softmax}_m(W_g [x_1; \dots; x_M] + b_g), \qquad
    z = \mathrm{ReLU}\Big(\sum_m g_m\, (W_m x_m + b_m)\Big)$$

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors; the weights are the gates (B, M). The softmax is over
    the modalities that are there: an absent one has the gate 0, the others share 1. Without any, z = 0.

    References
    ----------
    Jacobs et al. (1991), Adaptive mixtures of local experts; here the experts are modalities.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = GatingFusion({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> inputs = np.ones((2, 8), np.float32), np.ones((2, 6), np.float32)
    >>> fusion(inputs, None, np.array([[True, False], [False, True]])).weights.data.round(4)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    shows = (Gates(-1),)

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width)
        self.maps = nn.ModuleList([nn.Linear(size, width, rng=rng) for size in self.input_widths])
        self.gate = nn.Linear(sum(self.input_widths), len(self.input_widths), rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D), and gates (…, M)."""
        gates = F.attention_weights(self.gate(joined(inputs)), present)              # g (…, M)
        mixed = sum(gates[..., m, None] * W(x) for m, (W, x) in enumerate(zip(self.maps, inputs)))
        return F.relu(mixed), gates
