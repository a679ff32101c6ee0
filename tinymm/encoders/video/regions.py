"""Videos as regions of frames: an image encoder sees each frame, and what changes before and after it."""

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import Tensor
from ..encoded import Encoded

__all__ = ["VideoRegions", "with_changes"]


def with_changes(video):
    """Each frame with what changes before and after it as more channels; at the ends nothing does.

    Parameters
    ----------
    video : array or Tensor (B, T, C, H, W)

    Returns
    -------
    The same kind (B, T, 3·C, H, W)
        Channels of the frame, of its difference from the one before, and of the difference of the one after from it.

    Examples
    --------
    >>> with_changes(np.array([1.0, 3.0, 4.0]).reshape(1, 3, 1, 1, 1))[0, :, :, 0, 0]
    array([[1., 0., 2.],
           [3., 2., 1.],
           [4., 1., 0.]])
    """
    join = F.concatenate if isinstance(video, Tensor) else np.concatenate
    changes = video[:, 1:] - video[:, :-1]
    still = video[:, :1] - video[:, :1]
    return join([video, join([still, changes], 1), join([changes, still], 1)], 2)


class VideoRegions(nn.Module):
    """All regions of all frames in turn, each of which has seen what moves about it.

    Parameters
    ----------
    encoder : Module
        Of images with 3·C channels, as `with_changes` gives them.
    frames : int
        T.

    Attributes
    ----------
    width : int
        D of a region.
    frames : int
        T. The sequence (B, T·N, D) has the N regions of the first frame first; the pooled vector (B, T·P) is the
        encoder's of each frame, side by side.
    frame_width : int
        P.
    grid : (int, int)
        Of the regions of a frame, where the encoder has one.

    Raises
    ------
    ValueError
        If a video is not (B, T, C, H, W) with this T.

    Examples
    --------
    >>> from tinymm.encoders import ConvEncoder
    >>> frame = ConvEncoder(((4,), (8,)), 8, channels=9, glance=1, rng=np.random.default_rng(0))
    >>> encoded = VideoRegions(frame, frames=5)(np.zeros((2, 5, 3, 8, 8), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 80, 8), (2, 40))
    """

    def __init__(self, encoder, frames):
        self.encoder, self.frames = encoder, frames
        self.width, self.frame_width = encoder.width, encoder.pooled_width
        self.pooled_width = frames * self.frame_width
        self.grid = getattr(encoder, "grid", None)

    def forward(self, video, mask=None):
        """video (B, T, C, H, W), mask (B, T·N) of the regions to `Encoded`: (B, T·N, D), (B, T·P)."""
        if video.ndim != 5 or video.shape[1] != self.frames:
            raise ValueError(f"VideoRegions: a video must be (B, {self.frames}, C, H, W); got {video.shape}")
        B, T = video.shape[:2]
        frames = with_changes(video)
        frames = frames.reshape(B * T, *frames.shape[2:])
        encoded = self.encoder(frames, None if mask is None else mask.reshape(B * T, -1))
        return Encoded(encoded.sequence.reshape(B, -1, self.width), encoded.pooled.reshape(B, -1), mask)
