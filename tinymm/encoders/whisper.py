"""Whisper's encoder of speech: two convolutions over time, sinusoids, a Transformer that sees the whole recording."""

import math

import numpy as np

from .. import functional as F
from .. import nn
from .encoded import Encoded, checked_mask, zero_hidden
from .over_time import mean_over_time

__all__ = ["WhisperEncoder", "WhisperFront"]


class WhisperFront(nn.Module):
    r"""Two convolutions of three frames each, the second of which halves the time:

    $$ y = \mathrm{GELU}(\mathrm{conv}_2^{\text{stride } 2}(\mathrm{GELU}(\mathrm{conv}_1(x)))) $$

    The mel bands are the channels: unlike `ConvSubsampling`, no filter slides over them.

    Parameters
    ----------
    bands : int
        F of the spectrograms.
    width : int
        D of the features.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If spectrograms of another shape come.

    References
    ----------
    Radford et al. (2022), Robust speech recognition via large-scale weak supervision, §2.2.

    Examples
    --------
    >>> front = WhisperFront(40, 16, rng=np.random.default_rng(0))
    >>> features, mask = front(np.zeros((2, 11, 40), np.float32), np.arange(11) < np.array([[11], [6]]))
    >>> features.shape, mask.sum(1)
    ((2, 6, 16), array([6, 3]))
    """

    def __init__(self, bands, width, *, rng):
        self.bands = bands
        self.conv1 = nn.Conv1d(bands, width, 3, padding=1, rng=rng)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1, rng=rng)
        for convolution in (self.conv1, self.conv2):                     # from 1 / (3 fan_in) to He's variance:
            convolution.weight.data *= math.sqrt(6)                      # or the sinusoids would drown what is heard

    def forward(self, spectrograms, mask=None):
        """Spectrograms (B, T, F), mask (B, T) or None to features (B, N, D), mask (B, N); N = ⌈T / 2⌉."""
        if len(spectrograms.shape) != 3 or spectrograms.shape[2] != self.bands:
            raise ValueError(f"WhisperFront: spectrograms must be (B, T, {self.bands}); got {spectrograms.shape}")
        mask = checked_mask("WhisperFront", mask, spectrograms.shape[:2])
        mask = np.ones(spectrograms.shape[:2], bool) if mask is None else mask
        x = F.transpose(zero_hidden(spectrograms, mask), 1, 2)           # (B, F, T)
        x = F.gelu(self.conv1(x))                                        # (B, D, T)
        x = F.gelu(self.conv2(F.where(mask[:, None], x, 0.0)))           # (B, D, N): biases had filled the padding
        return F.transpose(x, 1, 2), mask[:, ::2]                        # place k is centred at frame 2k


class WhisperEncoder(nn.Module):
    """Spectrogram → `WhisperFront` → sinusoids → pre-norm Transformer blocks with GELU → a last norm.

    Parameters
    ----------
    bands : int
        F of the spectrograms.
    width : int
        D of the features.
    layers, heads : int
    places : int
        The longest sequence that it takes, in frames of half the rate; Whisper's 1500 are 30 seconds.
    dropout : float
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If a spectrogram has more than 2 · `places` frames.

    Notes
    -----
    Two things differ from Whisper's code, and neither changes what the network can compute. Its keys have no bias: one
    would add the same number to all scores of a query, which the softmax ignores. Its sines stand all before its
    cosines: the same channels in another order.

    References
    ----------
    Radford et al. (2022), Robust speech recognition via large-scale weak supervision, §2.2.

    Examples
    --------
    >>> encoder = WhisperEncoder(40, 16, layers=1, heads=2, rng=np.random.default_rng(0))
    >>> sequence, pooled, mask = encoder(np.zeros((2, 9, 40), np.float32))
    >>> sequence.shape, pooled.shape, mask.shape
    ((2, 5, 16), (2, 16), (2, 5))
    """

    def __init__(self, bands, width=128, layers=2, heads=4, places=1500, dropout=0.0, *, rng):
        self.front = WhisperFront(bands, width, rng=rng)
        self.places = places
        self.positions = nn.SinusoidalPositionalEncoding(width)
        self.dropout = nn.Dropout(dropout, rng=rng)
        stack = [nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, "gelu", norm_first=True, rng=rng)
                 for _ in range(layers)]
        self.transformer = nn.TransformerEncoder(stack, nn.LayerNorm(width))
        self.width = self.pooled_width = width

    def forward(self, spectrograms, mask=None):
        """Spectrograms (B, T, F), mask (B, T) to `Encoded`: features (B, N, D), their mean (B, D), the mask (B, N)."""
        mask = checked_mask("WhisperEncoder", mask, spectrograms.shape[:2])
        if spectrograms.shape[1] > 2 * self.places:
            raise ValueError(f"WhisperEncoder: a spectrogram must have at most {2 * self.places} frames; "
                             f"got {spectrograms.shape[1]}")
        x, mask = self.front(spectrograms, mask)
        x = self.transformer(self.dropout(self.positions(x)), src_key_padding_mask=mask)
        sequence = zero_hidden(x, mask)
        return Encoded(sequence, mean_over_time(sequence, mask), mask)
