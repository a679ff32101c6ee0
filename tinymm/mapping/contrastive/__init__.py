"""Contrastive mapping (3.2.3): two encoders whose outputs for a pair are near, and far for everything else."""

from . import gradient_caching, hard_negatives, losses, momentum, positives, temperature, towers, zero_shot
from .gradient_caching import *
from .hard_negatives import *
from .losses import *
from .momentum import *
from .positives import *
from .temperature import *
from .towers import *
from .zero_shot import *

__all__ = [*gradient_caching.__all__, *hard_negatives.__all__, *losses.__all__, *momentum.__all__, *positives.__all__,
           *temperature.__all__, *towers.__all__, *zero_shot.__all__]
