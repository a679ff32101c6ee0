"""Pictures: reading files and public layouts, and changing training images."""

from . import animation, augmentation, coco, folder, idx, labelled, picture
from .animation import *
from .augmentation import *
from .coco import *
from .folder import *
from .idx import *
from .labelled import *
from .picture import *

__all__ = [
    *animation.__all__, *augmentation.__all__, *coco.__all__, *folder.__all__, *idx.__all__, *labelled.__all__,
    *picture.__all__,
]
