"""Data: embedded synthetic worlds, readers of public formats, tokenizers, splits and batches.

NumPy and SciPy only; nothing here has gradients.
"""

from . import (
    batching, digit_pairs, images, masking, questions, region_boxes, regions, shapes, similar, splits, tables, texts,
)
from .batching import *
from .digit_pairs import *
from .images import *
from .masking import *
from .questions import *
from .region_boxes import *
from .regions import *
from .shapes import *
from .similar import *
from .speech import digits, waves
from .speech.digits import *
from .speech.waves import *
from .splits import *
from .tables import *
from .texts import *

__all__ = [
    *batching.__all__, *digit_pairs.__all__, *digits.__all__, *images.__all__, *masking.__all__, *questions.__all__,
    *region_boxes.__all__, *regions.__all__, *shapes.__all__, *similar.__all__, *splits.__all__, *tables.__all__,
    *texts.__all__, *waves.__all__,
]
