r"""Intermediate fusion, article 2.4: a stream of layers for each modality, which look at each other between layers."""

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import AttentionBlock
from .fused import Fused, checked_widths
from .sequences import ModalityEmbedding, joined_mask, visible_inputs
from .shown import Attends

__all__ = ["IntermediateFusion"]


class IntermediateFusion(nn.Module):
    r"""Encode each modality by itself; at chosen depths, let every stream attend to all others.

    $$x_m \leftarrow \mathrm{Layer}_{m\ell}(x_m),\quad \ell = 1, \dots, L;\qquad
    \text{after layer } \ell \in E:\quad x_m \leftarrow \mathrm{Exchange}_{m\ell}(x_m, [x_n]_{n \ne m})$$

    A layer is a pre-norm `AttentionBlock` that reads its own stream; an exchange is one that reads the others, as they
    are before the exchange.

    Parameters
    ----------
    widths : dict of str to int
        Of two or more modalities, their names and widths.
    width : int
        D of every stream.
    layers : int
        L.
    exchange_at : tuple of int
        E: 0 is before the first layer, L after the last. Without any there are M separate encoders.
    heads : int
        H.
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
    width : tuple of int
        D for each stream.
    causal : bool
        False: a position sees its whole stream.

    Raises
    ------
    ValueError
        If an exchange is not at one of the depths 0 to L.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = IntermediateFusion({"text": 8, "image": 6}, width=4, heads=2, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> [stream.shape for stream in fused.features], [maps.shape for maps in fused.weights]
    ([(2, 3, 4), (2, 5, 4)], [(2, 2, 3, 5), (2, 2, 5, 3)])
    """

    kind = "sequences"
    causal = False

    def __init__(self, widths, width=256, layers=2, exchange_at=(1,), heads=4, feedforward=None, dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("IntermediateFusion", widths)
        self.exchange_at = tuple(sorted(set(exchange_at)))
        if not set(self.exchange_at) <= set(range(layers + 1)):
            raise ValueError(f"IntermediateFusion: exchange_at must be depths from 0 to {layers}; got {exchange_at}")

        def blocks(count):
            return nn.ModuleList(AttentionBlock(width, heads, feedforward, dropout=dropout, rng=rng)
                                 for _ in range(count))

        self.embedding = ModalityEmbedding(self.input_widths, width, rng=rng)
        self.layers = nn.ModuleList(blocks(len(widths)) for _ in range(layers))
        self.exchanges = nn.ModuleList(blocks(len(widths)) for _ in self.exchange_at)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in widths)
        self.width = (width,) * len(widths)
        everyone = range(len(widths))
        self.shows = tuple(Attends((m,), tuple(n for n in everyone if n != m)) for m in everyone) if exchange_at else ()

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
            A stream (B, N_m, D) for each modality; their masks; of the last exchange what each stream gave to the
            positions of the others, in order, (B, H, N_m, ΣN − N_m); None without an exchange.
        """
        inputs, masks = visible_inputs(self, inputs, masks, present)
        streams, weights = self.embedding(inputs), None
        exchange_after = dict(zip(self.exchange_at, self.exchanges))
        if 0 in exchange_after:
            streams, weights = self._exchanged(exchange_after[0], streams, masks)
        for depth, layers in enumerate(self.layers, 1):
            streams = [layer(x, mask=mask)[0] for layer, x, mask in zip(layers, streams, masks)]
            if depth in exchange_after:
                streams, weights = self._exchanged(exchange_after[depth], streams, masks)
        features = tuple(zero_hidden(norm(x), mask) for norm, x, mask in zip(self.norms, streams, masks))
        return Fused(features, tuple(masks), weights)

    def _exchanged(self, blocks, streams, masks):
        """Each stream after it has looked at all others, and where it looked."""
        found = []
        for m, block in enumerate(blocks):
            others = [*streams[:m], *streams[m + 1:]]
            mask = joined_mask(others, [*masks[:m], *masks[m + 1:]])
            found.append(block(streams[m], F.concatenate(others, 1), mask))
        streams, weights = zip(*found)
        return list(streams), weights
