r"""What a text alone says of a picture, before there is any: features of places, and the mean of its pictures."""

from ... import functional as F
from ... import nn
from ...encoders.image.convolutional import grid_positions

__all__ = ["Sketch"]


class Sketch(nn.Module):
    r"""Learned vectors of the places of a grid look at one another and at the words; a linear map of each is its patch
    of the mean picture.

    At σ = 1 a picture in noise is noise alone, and the best field is $\varepsilon - E[x \mid c]$. The only thing to be
    learned there is the mean of all pictures of a text, $\bar x(c) = E[x \mid c]$; it needs no noise, and the field's
    loss buries it in noise. So the sketch learns it by itself, by $\lVert x - \bar x(c) \rVert^2$.

    Parameters
    ----------
    channels : int
        C.
    words : int
        Width of the word features.
    heads, layers : int
    side : int
        Of the grid.
    patch : int
        Pixels of a place, in each direction.
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np
    >>> sketch = Sketch(8, 6, 2, 1, side=4, patch=4, rng=np.random.default_rng(0))
    >>> places = sketch(np.zeros((2, 5, 6), np.float32))
    >>> places.shape, sketch.mean_picture(places).shape
    ((2, 8, 4, 4), (2, 3, 16, 16))
    """

    def __init__(self, channels, words, heads, layers, side, patch, *, rng):
        self.side = side
        self.positions = nn.Parameter(grid_positions(side, side, channels))
        self.words = nn.Linear(words, channels, rng=rng)
        self.layers = nn.TransformerDecoder(
            [nn.TransformerDecoderLayer(channels, heads, 2 * channels, 0.0, "gelu", norm_first=True, rng=rng)
             for _ in range(layers)],
            nn.LayerNorm(channels))
        self.mean_picture = nn.ConvTranspose2d(channels, 3, patch, patch, rng=rng)
        for p in self.mean_picture.parameters():
            p.data[...] = 0                                              # untrained, it is the mean of all pictures

    def forward(self, words, mask=None):
        """words (B, T, D), mask (B, T) to features of the places (B, C, h, w)."""
        places = F.broadcast_to(self.positions, (len(words), *self.positions.shape))     # (B, h·w, C)
        places = self.layers(places, self.words(words), memory_key_padding_mask=mask)
        return F.transpose(places, 1, 2).reshape(len(words), -1, self.side, self.side)
