"""Videos by convolution over time and space at once: a filter is a short film, and finds its motion anywhere."""

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import mean_over_time

__all__ = ["VideoConv3d"]

GROUPS = 4  # of channels, normalised together


class VideoConv3d(nn.Module):
    r"""Stages of 3×3×3 convolution, group norm of each frame, ReLU; between stages, 2×2 max pooling of each frame.

    Time keeps its length, so that there is a feature for each frame: the mean of the last grid over space. The pooled
    vector is their mean over time. Frames under padding are zeros to every convolution, as those beyond the ends are,
    and normalisation looks at one frame at a time; so a video gives the same alone and among longer ones.

    Parameters
    ----------
    widths : sequence of int
        Channels of the stages, multiples of 4.
    channels : int
        Channels of the frames.
    rng : numpy.random.Generator

    Attributes
    ----------
    width, pooled_width : int
        D = P, the channels of the last stage.

    Raises
    ------
    ValueError
        If a width is no multiple of 4, the video is not (B, T, C, H, W) or its sides cannot be halved that often.

    References
    ----------
    Tran et al. (2015), Learning spatiotemporal features with 3D convolutional networks, §3.1-3.3.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = VideoConv3d((4, 8), rng=np.random.default_rng(0))
    >>> encoded = encoder(np.zeros((2, 5, 3, 8, 8), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 5, 8), (2, 8))
    """

    def __init__(self, widths=(16, 32, 64), channels=3, *, rng):
        if any(width % GROUPS for width in widths):
            raise ValueError(f"VideoConv3d: widths must be multiples of {GROUPS}; got {tuple(widths)}")
        self.channels = channels
        self.width = self.pooled_width = widths[-1]
        pairs = zip((channels, *widths), widths)
        self.convolutions = nn.ModuleList(
            [nn.Conv3d(before, width, 3, padding=1, bias=False, rng=rng) for before, width in pairs])
        self.norms = nn.ModuleList([nn.GroupNorm(GROUPS, width) for width in widths])

    def forward(self, video, mask=None):
        """video (B, T, C, H, W), mask (B, T) to `Encoded`: (B, T, D) and its mean over time, (B, D)."""
        halvings = len(self.convolutions) - 1
        if video.ndim != 5 or video.shape[2] != self.channels or min(video.shape[3:]) < 2**halvings:
            raise ValueError(f"VideoConv3d: a video must be (B, T, {self.channels}, H, W), "
                             f"sides at least {2**halvings}; got {video.shape}")
        mask = checked_mask("VideoConv3d", mask, video.shape[:2])
        x = video
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            if mask is not None:
                x = F.where(mask[..., None, None, None], x, 0.0)
            y = F.permute(convolution(F.permute(x, (0, 2, 1, 3, 4))), (0, 2, 1, 3, 4))     # (B, T, D, H, W)
            frames = F.relu(norm(y.reshape(-1, *y.shape[2:])))                             # (B·T, D, H, W)
            if i < halvings:
                frames = F.max_pool2d(frames, 2)
            x = frames.reshape(*y.shape[:2], *frames.shape[1:])
        features = zero_hidden(F.mean(x, (3, 4)), mask)                                    # (B, T, D)
        return Encoded(features, mean_over_time(features, mask), mask)
