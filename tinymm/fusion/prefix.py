r"""Early fusion for a text that is still being written: the image is a prefix, the words after it are read causally."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import AttentionStack
from .fused import Fused, checked_widths
from .sequences import ModalityEmbedding, joined_mask, visible_inputs
from .shown import Attends

__all__ = ["PrefixFusion"]


class PrefixFusion(nn.Module):
    r"""One Transformer over [image; text]: regions see regions, word t sees the regions and the words up to t.

    $$z = \mathrm{LN}\big(\mathrm{Layers}([W_v v_i + e_v;\; W_h h_t + e_h])\big),\qquad
    \text{p may look at s} \iff s \text{ is a region, or } p \text{ a word and } s \le p$$

    The features are those of the words. Regions must not see words: by way of a region word t would see the words after
    it.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities: what is read causally first, the prefix second, such as {"text": 192, "image": 64}.
    width, layers, heads, feedforward, dropout, rng
        As for `EarlyFusion`.

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : int
        D.
    causal : bool
        True: $z_t$ depends on words up to t.

    Notes
    -----
    No positions are added. Even so the order of the words counts, since each sees another part of the text.

    References
    ----------
    Wang et al. (2022), GIT: a generative image-to-text transformer (its mask); Raffel et al. (2020), Exploring
    the limits of transfer learning, §3.2.1 ("prefix language model").

    Examples
    --------
    >>> fusion = PrefixFusion({"text": 8, "image": 6}, width=4, heads=2, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, fused.weights.shape
    ((2, 3, 4), (2, 2, 3, 5))
    """

    kind = "sequences"
    causal = True
    shows = (Attends((0,), (1,)),)

    def __init__(self, widths, width=256, layers=2, heads=4, feedforward=None, dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("PrefixFusion", widths, 2)
        self.embedding = ModalityEmbedding(self.input_widths, width, rng=rng)
        self.stack = AttentionStack(layers, width, heads, feedforward, dropout=dropout, rng=rng)
        self.width = width

    def forward(self, inputs, masks=None, present=None):
        """Fuse texts and images.

        Parameters
        ----------
        inputs : tuple of two Tensors
            The text (B, T, Dt) and the image (B, N, Di).
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
        present : boolean array (B, 2), optional
            The positions of an absent modality are hidden.

        Returns
        -------
        Fused
            Features (B, T, D); the mask of the text; the part of the last layer's weights that words give to regions,
            (B, H, T, N): what is left to 1 they give to words.
        """
        (text, image), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        text, image = self.embedding((text, image))
        x = F.concatenate([image, text], 1)                              # (B, N + T, D)
        N = image.shape[1]
        seen = np.tri(x.shape[1], dtype=bool)
        seen[:, :N] = True                                               # everybody sees the regions
        seen = seen[None]
        hidden = joined_mask((image, text), (image_mask, text_mask))
        if hidden is not None:
            seen = seen & hidden[:, None]                                # (B, N + T, N + T)
        z, weights = self.stack(x, mask=seen)
        return Fused(zero_hidden(z[:, N:], text_mask), text_mask, weights[:, :, N:, :N])
