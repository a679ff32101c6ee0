r"""Early fusion, article 2.4: the inputs are joined before the first layer, and one Transformer reads them all."""

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import AttentionStack
from .fused import Fused, checked_widths
from .sequences import ModalityEmbedding, joined_mask, visible_inputs
from .shown import Attends

__all__ = ["EarlyFusion"]


class EarlyFusion(nn.Module):
    r"""Lay the sequences end to end and let a Transformer encoder read them as one.

    $$x_{mi} = W_m v_{mi} + e_m,\qquad
    z = \mathrm{LN}\big(\mathrm{Layers}([x_{11}, \dots, x_{1N_1}, \dots, x_{M1}, \dots, x_{MN_M}])\big)$$

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, their names and widths.
    width : int
        D.
    layers, heads : int
        Pre-norm layers, and H heads in each.
    feedforward : int, optional
        Hidden width of the feed-forward networks; default: 4 D.
    dropout : float
        On the result of each sub-layer.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : int
        D.
    causal : bool
        False: every position sees all others.

    Notes
    -----
    No positions are added: an order that counts must be in the inputs.

    References
    ----------
    Li et al. (2019), VisualBERT; Kim et al. (2021), ViLT, §3.1.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = EarlyFusion({"text": 8, "image": 6}, width=4, heads=2, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, fused.weights.shape
    ((2, 8, 4), (2, 2, 8, 8))
    """

    kind = "sequences"
    causal = False

    def __init__(self, widths, width=256, layers=2, heads=4, feedforward=None, dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("EarlyFusion", widths)
        self.embedding = ModalityEmbedding(self.input_widths, width, rng=rng)
        self.stack = AttentionStack(layers, width, heads, feedforward, dropout=dropout, rng=rng)
        everyone = tuple(range(len(widths)))
        self.shows = (Attends(everyone, everyone),)
        self.width = width

    def forward(self, inputs, masks=None, present=None):
        """Fuse sequences of any number of modalities.

        Parameters
        ----------
        inputs : tuple of M Tensors (B, N_m, D_m)
        masks : tuple of M boolean arrays (B, N_m), each optional
        present : boolean array (B, M), optional
            The positions of an absent modality are hidden.

        Returns
        -------
        Fused
            Features (B, ΣN, D), the modalities in order; their mask; weights of the last layer (B, H, ΣN, ΣN).
        """
        inputs, masks = visible_inputs(self, inputs, masks, present)
        mask = joined_mask(inputs, masks)
        x = F.concatenate(self.embedding(inputs), 1)                     # (B, ΣN, D)
        z, weights = self.stack(x, mask=mask)
        return Fused(zero_hidden(z, mask), mask, weights)
