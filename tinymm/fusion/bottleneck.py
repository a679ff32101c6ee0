r"""Attention bottlenecks: streams that tell each other only what fits into a few shared tokens."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from ..nn import init
from .blocks import AttentionBlock
from .fused import Fused, checked_widths
from .sequences import ModalityEmbedding, joined_mask, visible_inputs
from .shown import Attends

__all__ = ["BottleneckFusion"]


class BottleneckFusion(nn.Module):
    r"""A stream of layers for each modality; from some depth on, each reads and writes R bottleneck tokens too.

    $$[x_m;\ f_m] \leftarrow \mathrm{Layer}_{m\ell}([x_m;\ f]),\qquad f \leftarrow \operatorname{mean}_m f_m$$

    A modality learns of another only by way of f, one layer later: N² scores between modalities become N·R.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, their names and widths.
    width : int
        D of every stream.
    layers : int
        L.
    exchange_from : int
        How many of the L layers come before the tokens; the paper's is 8 of 12.
    bottlenecks : int
        R.
    heads : int
        H.
    dropout : float
        On the result of each sub-layer.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : tuple of int
        D for each stream.
    causal : bool
        False: a position sees its whole stream.
    bottlenecks : Parameter (R, D)
        f before the first exchange, from N(0, 0.02²).

    Raises
    ------
    ValueError
        If `exchange_from` leaves fewer than two layers with the tokens: with one nothing is exchanged.

    Notes
    -----
    The mean is over the modalities that an example has. The paper has no missing ones; one that is absent would dilute
    what the others say. If all are absent, it is over all.

    References
    ----------
    Nagrani et al. (2021), Attention bottlenecks for multimodal fusion, §3.

    Examples
    --------
    >>> fusion = BottleneckFusion({"text": 8, "image": 6}, 4, layers=3, exchange_from=1, heads=2, bottlenecks=2,
    ...                           rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> [stream.shape for stream in fused.features], [maps.shape for maps in fused.weights]
    ([(2, 3, 4), (2, 5, 4)], [(2, 2, 2, 3), (2, 2, 2, 5)])
    """

    kind = "sequences"
    causal = False

    def __init__(self, widths, width=256, layers=4, exchange_from=2, bottlenecks=4, heads=4, dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("BottleneckFusion", widths)
        if not 0 <= exchange_from <= layers - 2:
            raise ValueError("BottleneckFusion: exchange_from must leave two layers or more with bottlenecks, one to "
                             f"write and one to read; got {exchange_from} of {layers}")
        self.embedding = ModalityEmbedding(self.input_widths, width, rng=rng)
        self.layers = nn.ModuleList(
            nn.ModuleList(AttentionBlock(width, heads, dropout=dropout, rng=rng) for _ in widths)
            for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in widths)
        self.bottlenecks = init.normal_(nn.Parameter(np.empty((bottlenecks, width), np.float32)), std=0.02, rng=rng)
        self.exchange_from = exchange_from
        self.width = (width,) * len(widths)
        self.shows = tuple(Attends((), (m,)) for m in range(len(widths)))

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
            A stream (B, N_m, D) for each modality; their masks; for each stream what the bottlenecks took from its
            positions in the last layer but one, the last that is read by others: (B, H, R, N_m).
        """
        inputs, masks = visible_inputs(self, inputs, masks, present)
        shares = _shares(inputs, masks)
        streams = self.embedding(inputs)
        shared = F.broadcast_to(self.bottlenecks, (len(inputs[0]), *self.bottlenecks.shape))     # f (B, R, D)
        weights = None
        for depth, layers in enumerate(self.layers):
            if depth < self.exchange_from:
                streams = [layer(x, mask=mask)[0] for layer, x, mask in zip(layers, streams, masks)]
                continue
            found = [_beside(shared, layer, x, mask) for layer, x, mask in zip(layers, streams, masks)]
            streams = [x for x, _, _ in found]
            if depth < len(self.layers) - 1:
                shared = sum(f * share.astype(f.dtype) for (_, f, _), share in zip(found, shares))
                weights = tuple(maps for _, _, maps in found)
        features = tuple(zero_hidden(norm(x), mask) for norm, x, mask in zip(self.norms, streams, masks))
        return Fused(features, tuple(masks), weights)


def _beside(shared, layer, x, mask):
    """A layer over [x; f]: the new x (B, N, D), the new f (B, R, D), and what f took from x (B, H, R, N)."""
    N = x.shape[1]
    y, weights = layer(F.concatenate([x, shared], 1), mask=joined_mask((x, shared), (mask, None)))
    return y[:, :N], y[:, N:], weights[:, :, N:, :N]


def _shares(inputs, masks):
    """The weight (B, 1, 1) of each modality in the mean: the same for all that an example has, 0 for the others."""
    here = np.stack([np.ones(len(x), bool) if mask is None else mask.any(1) for x, mask in zip(inputs, masks)])
    here |= ~here.any(0)                                                             # (M, B)
    return (here / here.sum(0))[..., None, None]
