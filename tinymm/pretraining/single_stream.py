r"""One encoder over words and regions laid end to end: the cousin of ViLBERT with a single stream.

Every layer lets every word and every region see all others, with the same weights; what marks a modality is the vector
added to it. It reads and answers as `Vilbert` does, so that the two can be compared at equal parameters.
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import checked_mask, zero_hidden
from ..fusion.sequences import joined_mask
from .bert import EPS, BertEmbeddings, start
from .vilbert import RegionEmbeddings, Streams, pooled_at_first

__all__ = ["SingleStream"]


class SingleStream(nn.Module):
    r"""$[x; y] \to \mathrm{Layer}_L(\dots \mathrm{Layer}_1([x; y]))$, post-norm, and the two parts of the result.

    Parameters
    ----------
    vocabulary, features : int
        V, and F of the regions.
    stream : dict
        width, layers, heads, feedforward, as of each stream of `Vilbert`.
    positions : int
        How long a text may be.
    dropout : float
    rng : numpy.random.Generator

    Attributes
    ----------
    width : tuple of two int
        D, D.
    pooled_width : int
        D.

    References
    ----------
    Li et al. (2019), VisualBERT, §3.2; Chen et al. (2020), UNITER, §3.1.

    Examples
    --------
    >>> stream = {"width": 8, "layers": 2, "heads": 2, "feedforward": 16}
    >>> model = SingleStream(10, 6, stream, rng=np.random.default_rng(0))
    >>> found = model(np.array([[1, 5, 2]]), np.ones((1, 4, 6), np.float32), np.ones((1, 4, 5), np.float32))
    >>> found.text.sequence.shape, found.image.sequence.shape, found.weights
    ((1, 3, 8), (1, 4, 8), [])
    """

    def __init__(self, vocabulary, features, stream, positions=64, dropout=0.0, *, rng):
        width, layers, heads, feedforward = (stream[name] for name in ("width", "layers", "heads", "feedforward"))
        self.width, self.pooled_width = (width, width), width
        self.words = BertEmbeddings(vocabulary, width, positions, dropout=dropout, rng=rng)
        self.regions = RegionEmbeddings(features, width, dropout, rng=rng)
        self.modality = nn.Parameter(np.zeros((2, width), np.float32))
        self.layers = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, feedforward, dropout, "gelu", EPS, rng=rng)
             for _ in range(layers)])
        self.text_pooler = nn.Linear(width, width, rng=rng)
        self.image_pooler = nn.Linear(width, width, rng=rng)
        start(self, rng)

    def forward(self, ids, features, locations, masks=(None, None), segments=None):
        """As of `Vilbert`."""
        text_mask = checked_mask("SingleStream", masks[0], ids.shape)
        image_mask = checked_mask("SingleStream", masks[1], features.shape[:2])
        x = self.words(ids, segments) + self.modality[0]
        y = self.regions(zero_hidden(features, image_mask), locations) + self.modality[1]
        joined = self.layers(F.concatenate([x, y], 1), src_key_padding_mask=joined_mask([x, y], masks))
        x, y = joined[:, :ids.shape[1]], joined[:, ids.shape[1]:]
        return Streams(pooled_at_first(x, self.text_pooler, text_mask),
                       pooled_at_first(y, self.image_pooler, image_mask), [])
