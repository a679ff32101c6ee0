"""Videos frame by frame: an image encoder sees each frame by itself,
then attention or recurrence over time joins them."""

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import mean_over_time

__all__ = ["VideoAttention", "VideoRecurrent", "each_frame"]

CELLS = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


def each_frame(encoder, video, mask=None):
    """The pooled vector of each frame.

    Frames under padding are not shown to the encoder at all, so that not even the batch statistics of its
    normalisation depend on them.

    Parameters
    ----------
    encoder : callable
        Images (R, C, H, W) to `Encoded`, of which the pooled vectors (R, P) are taken.
    video : Tensor or array (B, T, C, H, W)
    mask : boolean array (B, T), optional
        True for real frames; default: all.

    Returns
    -------
    Tensor (B, T, P)
        Zero under padding.

    Raises
    ------
    ValueError
        If the video is not (B, T, C, H, W), the mask not boolean (B, T), or no frame is real.

    Examples
    --------
    >>> import numpy as np
    >>> mean = lambda images: Encoded(None, F.mean(images, (2, 3)), None)
    >>> each_frame(mean, np.ones((1, 2, 1, 4, 4)), np.array([[True, False]])).ravel()
    array([1., 0.])
    """
    if video.ndim != 5 or mask is not None and (mask.dtype != bool or mask.shape != video.shape[:2] or not mask.any()):
        came = "no mask" if mask is None else f"a mask {mask.dtype} {mask.shape}"
        raise ValueError("each_frame: video must be (B, T, C, H, W), the mask boolean (B, T) with a real frame; "
                         f"got {video.shape} and {came}")
    batch, time = video.shape[:2]
    if mask is None:
        return encoder(video.reshape(batch * time, *video.shape[2:])).pooled.reshape(batch, time, -1)
    pooled = encoder(video[mask]).pooled                                 # (R, P): the real frames alone
    return F.place(pooled, mask, (batch, time, pooled.shape[-1]))


class VideoAttention(nn.Module):
    r"""Each frame a vector, then pre-norm Transformer layers over time; the pooled vector is the mean over time.

    $$ z_t = W\, \mathrm{enc}(x_t) + b + \mathrm{PE}_t, \qquad h = \mathrm{LN}(\mathrm{Transformer}(z)), \qquad
       y = \tfrac1T \textstyle\sum_t h_t $$

    Parameters
    ----------
    encoder : Module
        Of images, with `pooled_width`.
    width : int
        D = P.
    layers, heads : int
    dropout : float
    rng : numpy.random.Generator

    References
    ----------
    Arnab et al. (2021), ViViT: a video vision transformer, §3.3, model 2 (factorised encoder), with the mean over time
    in place of a class token.

    Examples
    --------
    >>> import numpy as np
    >>> from tinymm.encoders import ConvEncoder
    >>> rng = np.random.default_rng(0)
    >>> encoder = VideoAttention(ConvEncoder(((4,), (8,)), 8, glance=1, rng=rng), width=12, layers=1, heads=2, rng=rng)
    >>> encoded = encoder(np.zeros((2, 5, 3, 8, 8), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 5, 12), (2, 12))
    """

    def __init__(self, encoder, width=128, layers=2, heads=4, dropout=0.0, *, rng):
        self.encoder = encoder
        self.width = self.pooled_width = width
        self.projection = nn.Linear(encoder.pooled_width, width, rng=rng)
        self.positions = nn.SinusoidalPositionalEncoding(width)
        self.layers = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, norm_first=True, rng=rng)
             for _ in range(layers)],
            nn.LayerNorm(width))

    def forward(self, video, mask=None):
        """video (B, T, C, H, W), mask (B, T) to `Encoded`: (B, T, D) and its mean over time, (B, D)."""
        mask = checked_mask("VideoAttention", mask, video.shape[:2])
        x = self.positions(self.projection(each_frame(self.encoder, video, mask)))
        features = zero_hidden(self.layers(x, src_key_padding_mask=mask), mask)
        return Encoded(features, mean_over_time(features, mask), mask)


class VideoRecurrent(nn.Module):
    r"""Each frame a vector, then a recurrent network over time;
    the pooled vector is its state after the last real frame.

    $$ h_t = f(\mathrm{enc}(x_t), h_{t-1}), \qquad y = h_T $$

    Parameters
    ----------
    encoder : Module
        Of images, with `pooled_width`.
    width : int
        D = P.
    cell : {"gru", "lstm", "rnn"}
        f.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If there is no such cell.

    References
    ----------
    Donahue et al. (2015), Long-term recurrent convolutional networks, §3.

    Examples
    --------
    >>> import numpy as np
    >>> from tinymm.encoders import ConvEncoder
    >>> rng = np.random.default_rng(0)
    >>> encoder = VideoRecurrent(ConvEncoder(((4,), (8,)), 8, glance=1, rng=rng), width=12, rng=rng)
    >>> encoded = encoder(np.zeros((2, 5, 3, 8, 8), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 5, 12), (2, 12))
    """

    def __init__(self, encoder, width=128, cell="gru", *, rng):
        if cell not in CELLS:
            raise ValueError(f"VideoRecurrent: cell must be one of {', '.join(CELLS)}; got {cell!r}")
        self.encoder = encoder
        self.width = self.pooled_width = width
        self.recurrence = CELLS[cell](encoder.pooled_width, width, rng=rng)

    def forward(self, video, mask=None):
        """video (B, T, C, H, W), mask (B, T) to `Encoded`: (B, T, D) and the last state, (B, D)."""
        mask = checked_mask("VideoRecurrent", mask, video.shape[:2])
        features, state = self.recurrence(each_frame(self.encoder, video, mask), mask=mask)
        last = state[0] if isinstance(state, tuple) else state           # h of an LSTM's (h, c)
        return Encoded(features, last[-1], mask)
