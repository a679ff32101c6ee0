r"""Flamingo's gated cross-attention: a second modality enters a trained model without disturbing it at first."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import CrossAttention, FeedForward
from .fused import Fused, checked_widths
from .sequences import visible_inputs
from .shown import Attends

__all__ = ["GatedCrossAttention"]


class GatedCrossAttention(nn.Module):
    r"""The text attends to the image and passes a feed-forward network, each behind a gate that starts closed.

    $$y = x + \tanh(g_a)\ \mathrm{Attention}(\mathrm{LN}\, x, v),\qquad
    z = y + \tanh(g_f)\ \mathrm{FFN}(\mathrm{LN}\, y),\qquad g_a = g_f = 0 \text{ at first}$$

    Then z = x: between two layers of a language model this one changes nothing until it has learned to. As long as a
    gate is 0, it is the only one of its branch that gets a gradient.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths: the one that looks ($x_t$) first, what is looked at ($v_i$) second.
    width : int
        D, width of the attention.
    heads : int
        H; divides D.
    feedforward : int, optional
        Hidden width of FFN; default: four times the text's.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : int
        The text's, or z could not equal x.
    causal : bool
        True: $z_t$ depends on no text feature but $x_t$.
    attention_gate, feedforward_gate : Parameter (1,)
        $g_a$, $g_f$.

    Notes
    -----
    Linear maps have no bias, as in Flamingo: without an image the attention is 0, and y = x. Flamingo's squared ReLU is
    a GELU here, as in the public code. In Flamingo's interleaved documents a word sees the nearest image before it;
    here a text has one image.

    References
    ----------
    Alayrac et al. (2022), Flamingo, §2.2 and figure 4.

    Examples
    --------
    >>> fusion = GatedCrossAttention({"text": 8, "image": 6}, width=4, heads=2, rng=np.random.default_rng(0))
    >>> text = np.random.default_rng(1).standard_normal((2, 3, 8))
    >>> fused = fusion((text, np.ones((2, 5, 6))))
    >>> bool((fused.features.data == text).all()), fused.weights.shape
    (True, (2, 2, 3, 5))
    """

    kind = "sequences"
    causal = True
    shows = (Attends((0,), (1,)),)

    def __init__(self, widths, width=256, heads=8, feedforward=None, *, rng):
        self.modalities, self.input_widths = checked_widths("GatedCrossAttention", widths, 2)
        text_width, image_width = self.input_widths
        self.attention = CrossAttention(text_width, image_width, width, heads, bias=False, rng=rng)
        self.feedforward = FeedForward(text_width, feedforward, bias=False, rng=rng)
        self.attention_norm = nn.LayerNorm(text_width)
        self.feedforward_norm = nn.LayerNorm(text_width)
        self.attention_gate = nn.Parameter(np.zeros(1, np.float32))
        self.feedforward_gate = nn.Parameter(np.zeros(1, np.float32))
        self.width = text_width

    def forward(self, inputs, masks=None, present=None):
        """Let texts look at images, one image for each text.

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
            Features (B, T, Dt); the mask of the text; weights (B, H, T, N).
        """
        (x, image), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        seen, weights = self.attention(self.attention_norm(x), image, image_mask)
        y = x + F.tanh(self.attention_gate) * seen
        z = y + F.tanh(self.feedforward_gate) * self.feedforward(self.feedforward_norm(y))
        return Fused(zero_hidden(z, text_mask), text_mask, weights)
