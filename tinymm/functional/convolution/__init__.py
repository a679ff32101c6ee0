"""What slides a window over an image: convolutions, by columns or by Winograd's algorithm, and pooling."""

from . import conv, pooling
from .conv import *
from .pooling import *

__all__ = [*conv.__all__, *pooling.__all__]
