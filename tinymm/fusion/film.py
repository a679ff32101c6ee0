"""Feature-wise linear modulation: one modality scales and shifts the features of another."""

from .. import nn
from .shown import Scales
from .vectors import VectorFusion

__all__ = ["FiLMFusion"]


class FiLMFusion(VectorFusion):
    r"""The second modality scales and shifts each feature of the first.

    $$z = \gamma(x_2) \odot W x_1 + \beta(x_2), \qquad \gamma(x_2) = 1 + W_\gamma x_2 + b_\gamma, \qquad
    \beta(x_2) = W_\beta x_2 + b_\beta$$

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities: what is modulated first, what modulates it second, such as {"image": 64, "text": 192}.
    width : int
        D of the fused features.
    rng : numpy.random.Generator

    Notes
    -----
    Attributes and `forward` are those of every fusion of vectors; the weights are the scales γ (B, D). W stands for the
    last layer before the modulation, so that features of any width can be modulated. Without a second modality γ and β
    are constants; without a first, z = β(x₂).

    References
    ----------
    Perez et al. (2018), FiLM: visual reasoning with a general conditioning layer, eq. 1 and 2; γ
    around 1 as there.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = FiLMFusion({"image": 6, "text": 8}, 4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 6), np.float32), np.ones((2, 8), np.float32)))
    >>> fused.features.shape, fused.weights.shape
    ((2, 4), (2, 4))
    """

    shows = (Scales(of=0, by=1),)

    def __init__(self, widths, width=256, *, rng):
        super().__init__(widths, width, 2)
        modulated, modulating = self.input_widths
        self.features = nn.Linear(modulated, width, bias=False, rng=rng)
        self.scale = nn.Linear(modulating, width, rng=rng)
        self.shift = nn.Linear(modulating, width, rng=rng)

    def fuse(self, inputs, present=None):
        """Vectors (…, D_m) to (…, D), and scales."""
        x, by = inputs
        gamma = 1 + self.scale(by)
        return gamma * self.features(x) + self.shift(by), gamma
