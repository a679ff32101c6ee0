"""The gated multimodal unit: a gate for every coordinate of every modality."""

from .. import functional as F
from .. import nn
from .shown import Gates
from .vectors import VectorFusion, joined

__all__ = ["GatedMultimodalUnit"]


class GatedMultimodalUnit(VectorFusion):
    r"""Each coordinate of the result chooses between the modalities, as a gated recurrent unit between old and new.

    Of two modalities, with one gate between them,

    $$h_m = \tanh(W_m x_m), \qquad g = \sigma(W_g [x_1; x_2]), \qquad z = g \odot h_1 + (1 - g) \odot h_2,$$

    and of M, with a gate each,

    $$g_m = \sigma(W_{g,m} [x_1; \dots; x_M]), \qquad z = \sum_m g_m \odot h_m .$$

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors; the weights are the gates (B, M, D), of two
    modalities g and 1 − g. An absent modality has gates of 0. Of two, the one that is left has gates of 1.

    References
    ----------
    Arevalo et al. (2017), Gated multimodal units for information fusion: the bimodal unit and that of any number of
    modalities; there as here the maps have no bias.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = GatedMultimodalUnit({"text": 8, "image": 6}, 4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 8), np.float32), np.ones((2, 6), np.float32)))
    >>> fused.weights.shape, fused.weights.data.sum(1).round(4).tolist()
    ((2, 2, 4), [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    """

    shows = (Gates(-2),)

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width)
        together = sum(self.input_widths)
        gates = 1 if len(self.input_widths) == 2 else len(self.input_widths)
        self.maps = nn.ModuleList([nn.Linear(size, width, bias=False, rng=rng) for size in self.input_widths])
        self.gates = nn.ModuleList([nn.Linear(together, width, bias=False, rng=rng) for _ in range(gates)])

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D), and gates (…, M, D)."""
        h = [F.tanh(W(x)) for W, x in zip(self.maps, inputs)]
        together = joined(inputs)
        gates = [F.sigmoid(W(together)) for W in self.gates]
        if len(h) == 2:
            gates = _one_gate(gates[0], present)
        elif present is not None:
            gates = [F.where(present[..., m, None], g, 0.0) for m, g in enumerate(gates)]
        return sum(g * v for g, v in zip(gates, h)), F.stack(gates, -2)


def _one_gate(g, present):
    """g and 1 − g, or 1 and 0 where only one of the two is there, or 0 and 0."""
    if present is None:
        return [g, 1 - g]
    first, second = present[..., :1], present[..., 1:]
    return [F.where(first, F.where(second, g, 1.0), 0.0), F.where(second, F.where(first, 1 - g, 1.0), 0.0)]
