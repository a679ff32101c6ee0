"""Videos as regions of frames: an image encoder sees each frame, and what changes before and after it."""

import numpy as np

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask

__all__ = ["VideoRegions", "with_changes"]


def with_changes(video, mask=None):
    """Each frame with what changes before and after it as more channels.

    At the ends, and beside a frame that is not real, nothing changes.

    Parameters
    ----------
    video : array or Tensor (B, T, C, H, W)
    mask : boolean array (B, T), optional
        True for real frames; default: all. What is made of the others has no meaning.

    Returns
    -------
    The same kind (B, T, 3·C, H, W)
        Channels of the frame, of its difference from the one before, and of the difference of the one after from it.

    Examples
    --------
    >>> video = np.array([1.0, 3.0, 4.0]).reshape(1, 3, 1, 1, 1)
    >>> with_changes(video)[0, :, :, 0, 0]
    array([[1., 0., 2.],
           [3., 2., 1.],
           [4., 1., 0.]])
    >>> with_changes(video, np.array([[True, True, False]]))[0, :2, :, 0, 0]
    array([[1., 0., 2.],
           [3., 2., 0.]])
    """
    if mask is not None:
        video = F.where(mask[..., None, None, None], video, 0.0)
    changes = video[:, 1:] - video[:, :-1]
    if mask is not None:
        changes = F.where((mask[:, 1:] & mask[:, :-1])[..., None, None, None], changes, 0.0)
    still = np.zeros(video[:, :1].shape, video.dtype)
    return F.concatenate([video, F.concatenate([still, changes], 1), F.concatenate([changes, still], 1)], 2)


class VideoRegions(nn.Module):
    """All regions of all frames in turn, each of which has seen what moves about it.

    Frames under padding are not shown to the image encoder at all, nor to the frames beside them: what is made of them
    is zero.

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
        If a video is not (B, T, C, H, W) with this T, the mask not boolean (B, T), or no frame is real.

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
        """video (B, T, C, H, W), mask (B, T) to `Encoded`: (B, T·N, D) with a mask (B, T·N), and (B, T·P)."""
        if video.ndim != 5 or video.shape[1] != self.frames:
            raise ValueError(f"VideoRegions: a video must be (B, {self.frames}, C, H, W); got {video.shape}")
        B, T = video.shape[:2]
        mask = checked_mask("VideoRegions", mask, (B, T))
        if mask is not None and not mask.any():
            raise ValueError(f"VideoRegions: the mask must have a real frame; got none in {mask.shape}")
        frames = with_changes(video, mask)
        if mask is None:
            sequence, pooled, _ = self.encoder(frames.reshape(B * T, *frames.shape[2:]))
            return Encoded(sequence.reshape(B, -1, self.width), pooled.reshape(B, -1), None)
        sequence, pooled, _ = self.encoder(frames[mask])                 # (R, N, D), (R, P): the real frames alone
        sequence = F.place(sequence, mask, (B, T, *sequence.shape[1:]))
        pooled = F.place(pooled, mask, (B, T, self.frame_width))
        regions = np.repeat(mask, sequence.shape[2], 1)                  # (B, T·N)
        return Encoded(sequence.reshape(B, -1, self.width), pooled.reshape(B, -1), regions)
