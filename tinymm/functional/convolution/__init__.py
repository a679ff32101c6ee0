"""What slides a window over an image or a video: convolutions, by columns of windows, and pooling."""

from . import conv, pooling, video
from .conv import *
from .pooling import *
from .video import *

__all__ = [*conv.__all__, *pooling.__all__, *video.__all__]
