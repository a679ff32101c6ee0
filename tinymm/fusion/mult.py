r"""MulT: every modality is told by every other what it has, position by position, without alignment."""

import math

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import AttentionStack
from .fused import Fused, checked_widths
from .sequences import visible_inputs
from .shown import Attends

__all__ = ["MulTFusion"]


class MulTFusion(nn.Module):
    r"""A cross-modal Transformer for each ordered pair of modalities, then one that reads the results.

    $$x_m = \sqrt d\, W_m v_m + p,\qquad
    y_{n \to m} = \mathrm{Layers}_{nm}(x_m;\ \text{keys and values from } x_n),\qquad
    z_m = \mathrm{Layers}_m\big(\sqrt{D}\, [y_{n \to m}]_{n \ne m} + p\big)$$

    with $D = (M - 1)\, d$. Every layer of a pair reads the source $x_n$ as it came ("level 0"), not what another layer
    made of it. The positions p are sinusoids that start at 1.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, their names and widths; the paper has three.
    width : int
        d.
    heads : int
        H; divides d.
    layers : int
        In each of the M(M − 1) cross-modal Transformers and each of the M that read the results.
    dropout : float
        On the result of each sub-layer.
    positions : bool
        Whether p is added.
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
        False: a position sees its whole stream and all of the others.

    Notes
    -----
    The paper takes the last step of each stream, joins them, and adds W₂ relu(W₁ x) before the answer: that is the
    task's. As in the public code, a sub-layer's result is added to x and not to LN(x), a norm follows each stack, and
    √d and p come before the reader too. Two things of that code are left out, which the paper does not have either: it
    lets position t see the other modality only up to a distance that grows with the difference of the lengths, and
    takes a step whose first feature is exactly 0 for padding.

    References
    ----------
    Tsai et al. (2019), Multimodal Transformer for unaligned multimodal language sequences, §3.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = MulTFusion({"text": 8, "image": 6, "speech": 7}, 4, 2, 1, rng=np.random.default_rng(0))
    >>> fused = fusion([np.ones((2, length, d), np.float32) for length, d in ((3, 8), (5, 6), (9, 7))])
    >>> [stream.shape for stream in fused.features], len(fused.weights)
    ([(2, 3, 8), (2, 5, 8), (2, 9, 8)], 6)
    """

    kind = "sequences"
    causal = False

    def __init__(self, widths, width=30, heads=5, layers=5, dropout=0.0, positions=True, *, rng):
        self.modalities, self.input_widths = checked_widths("MulTFusion", widths)
        count = len(widths)
        joined = (count - 1) * width

        def stack(d):
            return AttentionStack(layers, d, heads, activation="relu", dropout=dropout, rng=rng)

        self.projections = nn.ModuleList(nn.Linear(d, width, bias=False, rng=rng) for d in self.input_widths)
        self.crossings = nn.ModuleList(nn.ModuleList(stack(width) for _ in range(count - 1)) for _ in range(count))
        self.readers = nn.ModuleList(stack(joined) for _ in range(count))
        self.input_places = nn.SinusoidalPositionalEncoding(width)
        self.reader_places = nn.SinusoidalPositionalEncoding(joined)
        self.positions = positions
        self.width = (joined,) * count
        self.shows = tuple(Attends((m,), (n,)) for m in range(count) for n in range(count) if n != m)

    def forward(self, inputs, masks=None, present=None):
        """Fuse sequences of several modalities.

        Parameters
        ----------
        inputs : tuple of M Tensors (B, N_m, D_m)
        masks : tuple of M boolean arrays (B, N_m), each optional
        present : boolean array (B, M), optional
            The positions of an absent modality are hidden: its $y_{n \\to m}$ are $x_m$ after layers that find nothing.

        Returns
        -------
        Fused
            A stream (B, N_m, D) for each modality; their masks; the last layer's weights of each pair, those that ask
            in order, and for each the others in order: (B, H, N_m, N_n).
        """
        inputs, masks = visible_inputs(self, inputs, masks, present)
        x = [self._placed(project(v), self.input_places) for project, v in zip(self.projections, inputs)]    # level 0
        streams, weights = [], []
        for m, (crossings, reader) in enumerate(zip(self.crossings, self.readers)):
            others = [n for n in range(len(x)) if n != m]
            told = [crossing(x[m], x[n], masks[n]) for crossing, n in zip(crossings, others)]
            joined = self._placed(F.concatenate([y for y, _ in told], -1), self.reader_places)       # (B, N_m, D)
            z, _ = reader(joined, mask=masks[m])
            streams.append(zero_hidden(z, masks[m]))
            weights.extend(maps for _, maps in told)
        return Fused(tuple(streams), tuple(masks), tuple(weights))

    def _placed(self, x, places):
        """√d x + p."""
        x = x * math.sqrt(x.shape[-1])
        return places(x, offset=1) if self.positions else x
