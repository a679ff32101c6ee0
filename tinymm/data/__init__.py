"""Data: embedded synthetic worlds, readers of public formats, tokenizers, splits and batches.

NumPy and SciPy only; nothing here knows of gradients.
"""

from .batching import batches
from .coco import CaptionData, read_coco_captions
from .images import read_image
from .shapes_world import Scene, ShapesWorld, Thing, judge, references, truth_accuracy
from .splits import group_split, held_out_compositions, random_split
from .tokenizer import WordTokenizer, normalise, pad_batch

__all__ = [
    "CaptionData",
    "Scene",
    "ShapesWorld",
    "Thing",
    "WordTokenizer",
    "batches",
    "group_split",
    "held_out_compositions",
    "judge",
    "normalise",
    "pad_batch",
    "random_split",
    "read_coco_captions",
    "read_image",
    "references",
    "truth_accuracy",
]
