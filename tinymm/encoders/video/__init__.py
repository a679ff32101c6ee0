"""Videos to feature sequences.

Each encoder turns a video (B, T, C, H, W) into `Encoded`: one feature per frame (B, T, D) and a pooled vector (B, P). A
mask (B, T) says which frames are real: what stands under padding changes nothing, and features there are zero.
"""

from .convolutional import VideoConv3d
from .frames import VideoAttention, VideoRecurrent, each_frame

__all__ = ["VideoAttention", "VideoConv3d", "VideoRecurrent", "each_frame"]
