r"""The perceiver resampler: as many features as one likes from inputs of any length."""

import numpy as np

from .. import functional as F
from .. import nn
from ..nn import init
from .blocks import CrossAttention, FeedForward
from .fused import Fused, checked_widths
from .sequences import ModalityEmbedding, joined_mask, visible_inputs
from .shown import Attends

__all__ = ["PerceiverResampler"]


class PerceiverResampler(nn.Module):
    r"""R learned latents ask, layer by layer, all inputs and each other.

    $$\ell \leftarrow \ell + \mathrm{Attention}\big(\mathrm{LN}\,\ell,\ [\mathrm{LN}'\,x,\ \mathrm{LN}\,\ell]\big),
    \qquad \ell \leftarrow \ell + \mathrm{FFN}(\mathrm{LN}''\,\ell),\qquad z = \mathrm{LN}(\ell)$$

    x are the inputs, each with a projection and an embedding of its modality, laid end to end. The cost is R·(N + R)
    scores a layer, where a layer of `EarlyFusion` has N².

    Parameters
    ----------
    widths : dict of str to int
        Of one or more modalities, their names and widths. With one it does not fuse: it shortens.
    width : int
        D.
    latents : int
        R.
    layers, heads : int
    feedforward : int, optional
        Hidden width of FFN; default: 4 D.
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
        False: a latent sees everything.
    latents : Parameter (R, D)
        $\ell$ before the first layer, from N(0, 1) as in the public code.

    Notes
    -----
    Linear maps of the layers have no bias. Flamingo resamples one modality, of the model's width, and adds an embedding
    of the time to a video's frames; here an order that counts must be in the inputs. Its squared ReLU is a GELU.

    References
    ----------
    Alayrac et al. (2022), Flamingo, §2.1 and figure 5; Jaegle et al. (2021), Perceiver.

    Examples
    --------
    >>> fusion = PerceiverResampler({"text": 8, "image": 6}, 4, latents=2, heads=2, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((3, 7, 8), np.float32), np.ones((3, 5, 6), np.float32)))
    >>> fused.features.shape, fused.mask, fused.weights.shape
    ((3, 2, 4), None, (3, 2, 2, 12))
    """

    kind = "sequences"
    causal = False

    def __init__(self, widths, width=256, latents=64, layers=2, heads=8, feedforward=None, *, rng):
        self.modalities, self.input_widths = checked_widths("PerceiverResampler", widths, least=1)
        if layers < 1:
            raise ValueError(f"PerceiverResampler: needs one layer or more; got {layers}")
        self.embedding = ModalityEmbedding(self.input_widths, width, rng=rng)
        self.latents = init.normal_(nn.Parameter(np.empty((latents, width), np.float32)), rng=rng)
        self.layers = nn.ModuleList(_Layer(width, heads, feedforward, rng=rng) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.width = width
        self.shows = (Attends((), tuple(range(len(widths)))),)

    def forward(self, inputs, masks=None, present=None):
        """Resample sequences of any number of modalities.

        Parameters
        ----------
        inputs : tuple of M Tensors (B, N_m, D_m)
        masks : tuple of M boolean arrays (B, N_m), each optional
        present : boolean array (B, M), optional
            The positions of an absent modality are hidden.

        Returns
        -------
        Fused
            Features (B, R, D); no mask, all are real; what the latents took from the positions of the inputs in the
            last layer, (B, H, R, ΣN): what is left to 1 they took from each other.
        """
        inputs, masks = visible_inputs(self, inputs, masks, present)
        x = F.concatenate(self.embedding(inputs), 1)                                 # (B, ΣN, D)
        latents = F.broadcast_to(self.latents, (len(x), *self.latents.shape))        # (B, R, D)
        mask = joined_mask((*inputs, latents), (*masks, None))
        for layer in self.layers:
            latents, weights = layer(latents, x, mask)
        return Fused(self.norm(latents), None, weights[..., :x.shape[1]])


class _Layer(nn.Module):
    """Latents ask [inputs; latents], then pass a feed-forward network."""

    def __init__(self, width, heads, feedforward, *, rng):
        self.attention = CrossAttention(width, width, width, heads, bias=False, rng=rng)
        self.feedforward = FeedForward(width, feedforward, bias=False, rng=rng)
        self.input_norm = nn.LayerNorm(width)
        self.latent_norm = nn.LayerNorm(width)
        self.feedforward_norm = nn.LayerNorm(width)

    def forward(self, latents, x, mask):
        """latents (B, R, D), x (B, N, D), mask (B, N + R) or None, to latents and weights (B, H, R, N + R)."""
        query = self.latent_norm(latents)
        y, weights = self.attention(query, F.concatenate([self.input_norm(x), query], 1), mask)
        latents = latents + y
        return latents + self.feedforward(self.feedforward_norm(latents)), weights
