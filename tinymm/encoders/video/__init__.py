"""Videos to feature sequences.

Each encoder turns a video (B, T, C, H, W) into `Encoded`: one feature per frame (B, T, D) and a pooled vector (B, P). A
mask (B, T) says which frames are real: what stands under padding changes nothing, and features there are zero. Only
`VideoRegions` has a feature for each region of each frame, and takes videos of one length.
"""

from .convolutional import VideoConv3d
from .frames import VideoAttention, VideoRecurrent, each_frame
from .regions import VideoRegions, with_changes

__all__ = ["VideoAttention", "VideoConv3d", "VideoRecurrent", "VideoRegions", "each_frame", "with_changes"]
