"""Pictures: reading files and public layouts, and changing images."""

from . import animation, augmentation, coco, components, corruption, digits, folder, histograms, idx, labelled, picture
from .animation import *
from .augmentation import *
from .coco import *
from .components import *
from .corruption import *
from .digits import *
from .folder import *
from .histograms import *
from .idx import *
from .labelled import *
from .picture import *

__all__ = [
    *animation.__all__, *augmentation.__all__, *coco.__all__, *components.__all__, *corruption.__all__, *digits.__all__,
    *folder.__all__, *histograms.__all__, *idx.__all__, *labelled.__all__, *picture.__all__,
]
