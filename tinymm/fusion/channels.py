r"""Early fusion of sequences that are aligned: at each position the channels of all modalities side by side."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .fused import Fused, checked_widths
from .sequences import visible_inputs

__all__ = ["JoinedChannels"]


class JoinedChannels(nn.Module):
    r"""At each position by itself: $z_t = W\,[v_{1t}; \dots; v_{Mt}] + b$.

    For inputs whose position t is the same moment or place in all: sound and lips frame by frame, colour and depth.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, their names and widths.
    width : int
        D.
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
        True: $z_t$ depends on position t alone.

    References
    ----------
    Baltrušaitis, Ahuja & Morency (2019), Multimodal machine learning: a survey and taxonomy, §6.1.

    Examples
    --------
    >>> fusion = JoinedChannels({"sound": 8, "lips": 6}, width=4, rng=np.random.default_rng(0))
    >>> fusion((np.ones((2, 5, 8), np.float32), np.ones((2, 5, 6), np.float32))).features.shape
    (2, 5, 4)
    """

    kind = "sequences"
    causal = True
    shows = ()

    def __init__(self, widths, width=256, *, rng):
        self.modalities, self.input_widths = checked_widths("JoinedChannels", widths)
        self.fuse = nn.Linear(sum(self.input_widths), width, rng=rng)
        self.width = width

    def forward(self, inputs, masks=None, present=None):
        """Fuse aligned sequences.

        Parameters
        ----------
        inputs : tuple of M Tensors (B, L, D_m)
            Of one length.
        masks : tuple of M boolean arrays (B, L), each optional
            Channels that are hidden count as zero.
        present : boolean array (B, M), optional
            So do those of an absent modality.

        Returns
        -------
        Fused
            Features (B, L, D); their mask: a position is real where any modality has it; no weights.

        Raises
        ------
        ValueError
            If the lengths differ.
        """
        inputs, masks = visible_inputs(self, inputs, masks, present)
        if len({x.shape[1] for x in inputs}) > 1:
            raise ValueError("JoinedChannels: inputs must be aligned, of one length; "
                             f"got {', '.join(str(x.shape[1]) for x in inputs)}")
        mask = None if any(mask is None for mask in masks) else np.logical_or.reduce(masks)
        z = self.fuse(F.concatenate(inputs, -1))                         # (B, L, D)
        return Fused(zero_hidden(z, mask), mask, None)
