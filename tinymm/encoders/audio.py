"""Sounds to feature sequences: convolutions that shorten a spectrogram,
then a recurrent network or a Transformer over time.

Spectrograms of different lengths are padded to one, and a boolean mask says which frames are real. What stands in the
padding never matters: it is cleared before every layer that looks around.
"""

import numpy as np

from .. import functional as F
from .. import nn
from .encoded import Encoded, checked_mask, zero_hidden

__all__ = ["AudioRecurrent", "AudioTransformer", "ConvSubsampling", "subsampled"]


def subsampled(lengths, halvings):
    r"""How many frames are left of `lengths`: $n \to \lceil n / 2 \rceil$, so many times.

    A convolution over 3 frames with stride 2 and one frame of padding at either end sees that many places.

    Parameters
    ----------
    lengths : int or int array
    halvings : int

    Returns
    -------
    int or int array

    Examples
    --------
    >>> subsampled(np.array([1, 4, 5, 9]), 2)
    array([1, 1, 2, 3])
    """
    return -(-lengths // 2**halvings)


class ConvSubsampling(nn.Module):
    r"""A spectrogram as a picture: convolutions 3×3 and ReLU, each halving the bands, the first ones the time as well.

    Then each frame, all its channels and bands side by side, is brought to the width D and normalised. A filter that
    slides over the bands finds the same pattern a little higher or lower: the same vowel from a shorter vocal tract.

    Parameters
    ----------
    bands : int
        F of the spectrograms.
    width : int
        D of the features.
    channels : sequence of int
        Of the convolutions.
    halvings : int
        How many of the convolutions halve the time; at most as many as there are.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If time is to be halved more often than there are convolutions, or spectrograms of another shape come.

    Examples
    --------
    >>> front = ConvSubsampling(40, 16, channels=(4, 8), halvings=1, rng=np.random.default_rng(0))
    >>> features, mask = front(np.zeros((2, 11, 40), np.float32), np.arange(11) < np.array([[11], [6]]))
    >>> features.shape, mask.sum(1)
    ((2, 6, 16), array([6, 3]))
    """

    def __init__(self, bands, width=128, channels=(32, 64, 64), halvings=2, *, rng):
        if not 0 <= halvings <= len(channels):
            raise ValueError(f"ConvSubsampling: halvings must be 0 to {len(channels)}, one per convolution; "
                             f"got {halvings}")
        self.bands, self.width, self.halvings = bands, width, halvings
        before = (1, *channels[:-1])
        self.convolutions = nn.ModuleList([
            nn.Conv2d(inside, outside, 3, stride=(2 if i < halvings else 1, 2), padding=1, rng=rng)
            for i, (inside, outside) in enumerate(zip(before, channels))])
        self.linear = nn.Linear(channels[-1] * subsampled(bands, len(channels)), width, rng=rng)
        self.norm = nn.LayerNorm(width)

    def forward(self, spectrograms, mask=None):
        """Spectrograms (B, T, F), mask (B, T) or None to features (B, N, D), mask (B, N)."""
        if len(spectrograms.shape) != 3 or spectrograms.shape[2] != self.bands:
            raise ValueError(f"ConvSubsampling: spectrograms must be (B, T, {self.bands}); got {spectrograms.shape}")
        mask = checked_mask("ConvSubsampling", mask, spectrograms.shape[:2])
        mask = np.ones(spectrograms.shape[:2], bool) if mask is None else mask
        x = F.unsqueeze(spectrograms, 1)                                 # (B, 1, T, F)
        for i, convolution in enumerate(self.convolutions):
            x = F.relu(convolution(F.where(mask[:, None, :, None], x, 0.0)))
            mask = mask[:, ::2] if i < self.halvings else mask           # place k is centred at frame 2k
        x = F.flatten(F.transpose(x, 1, 2), 2)                           # (B, N, C·F′)
        return self.norm(self.linear(x)), mask


class AudioRecurrent(nn.Module):
    """Spectrogram → convolutions → LSTM or GRU in both directions.

    Parameters
    ----------
    bands : int
        F of the spectrograms.
    width : int
        D of the features, half of them from each direction; even.
    channels : sequence of int
    halvings : int
        As of `ConvSubsampling`.
    layers : int
    kind : {"gru", "lstm"}
    dropout : float
        On what enters the recurrent layers, between them, and on what leaves.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the width is odd or the kind unknown.

    Examples
    --------
    >>> encoder = AudioRecurrent(40, 16, channels=(4, 8), layers=1, rng=np.random.default_rng(0))
    >>> sequence, pooled, mask = encoder(np.zeros((2, 9, 40), np.float32))
    >>> sequence.shape, pooled.shape, mask.shape
    ((2, 3, 16), (2, 16), (2, 3))
    """

    def __init__(self, bands, width=256, channels=(32, 64, 64), halvings=2, layers=1, kind="gru", dropout=0.0, *, rng):
        if width % 2 or kind not in ("gru", "lstm"):
            raise ValueError(f"AudioRecurrent: width must be even and kind 'gru' or 'lstm'; got {width} and {kind!r}")
        self.front = ConvSubsampling(bands, width, channels, halvings, rng=rng)
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.recurrent = layer(width, width // 2, layers, dropout=dropout, bidirectional=True, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.width = self.pooled_width = width

    def forward(self, spectrograms, mask=None):
        """Spectrograms (B, T, F), mask (B, T) to `Encoded`: features (B, N, D), their mean (B, D), the mask (B, N)."""
        x, mask = self.front(spectrograms, checked_mask("AudioRecurrent", mask, spectrograms.shape[:2]))
        sequence = self.dropout(self.recurrent(self.dropout(x), mask=mask)[0])
        return Encoded(sequence, _masked_mean(sequence, mask), mask)


class AudioTransformer(nn.Module):
    """Spectrogram → convolutions → positions → self-attention over all frames.

    Parameters
    ----------
    bands : int
        F of the spectrograms.
    width : int
        D of the features.
    channels : sequence of int
    halvings : int
        As of `ConvSubsampling`.
    layers, heads : int
    dropout : float
    rng : numpy.random.Generator

    Examples
    --------
    >>> encoder = AudioTransformer(40, 16, channels=(4, 8), layers=1, heads=2, rng=np.random.default_rng(0))
    >>> sequence, pooled, mask = encoder(np.zeros((2, 9, 40), np.float32))
    >>> sequence.shape, pooled.shape, mask.shape
    ((2, 3, 16), (2, 16), (2, 3))
    """

    def __init__(self, bands, width=128, channels=(32, 64, 64), halvings=2, layers=2, heads=4, dropout=0.0, *, rng):
        self.front = ConvSubsampling(bands, width, channels, halvings, rng=rng)
        self.positions = nn.SinusoidalPositionalEncoding(width)
        self.dropout = nn.Dropout(dropout, rng=rng)
        stack = [nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, norm_first=True, rng=rng)
                 for _ in range(layers)]
        self.transformer = nn.TransformerEncoder(stack, nn.LayerNorm(width))
        self.width = self.pooled_width = width

    def forward(self, spectrograms, mask=None):
        """Spectrograms (B, T, F), mask (B, T) to `Encoded`: features (B, N, D), their mean (B, D), the mask (B, N)."""
        x, mask = self.front(spectrograms, checked_mask("AudioTransformer", mask, spectrograms.shape[:2]))
        x = self.transformer(self.dropout(self.positions(x)), src_key_padding_mask=mask)
        sequence = zero_hidden(x, mask)
        return Encoded(sequence, _masked_mean(sequence, mask), mask)


def _masked_mean(sequence, mask):
    """The mean of the real positions of a sequence (B, N, D) whose padding is 0: (B, D); 0 where there is none."""
    count = np.maximum(mask.sum(1, keepdims=True), 1).astype(sequence.dtype)
    return F.sum(sequence, 1) / count
