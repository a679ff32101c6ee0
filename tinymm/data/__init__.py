"""Data: embedded synthetic worlds, readers of public formats, tokenizers, splits and batches.

NumPy and SciPy only; nothing here knows of gradients.
"""

from .augmentation import cropped, flipped, noisy, shifted, turned
from .batching import batches, batches_by_length
from .byte_pairs import BytePairTokenizer
from .characters import CharTokenizer
from .coco import CaptionData, read_coco_captions
from .idx import read_idx, read_mnist
from .image_folder import read_image_folder
from .images import read_image
from .labelled_images import LabelledImages
from .labelled_texts import LabelledTexts, read_labelled_texts, read_text_folder
from .ngram_model import NgramModel
from .opinions import Opinion, bag_limit, bag_of, draw_opinions
from .shapes_single import draw_shapes
from .shapes_world import Scene, ShapesWorld, Thing, judge, references, truth_accuracy
from .speech import read_spoken_digits, read_wave
from .splits import group_split, held_out_compositions, random_split, stratified_split
from .subwords import SubwordTokenizer, pad_pieces
from .tables import Row, read_rows
from .tfidf import TfIdf, letter_ngrams
from .tokenizer import WordTokenizer, normalise, pad_batch

__all__ = [
    "BytePairTokenizer",
    "CaptionData",
    "CharTokenizer",
    "LabelledImages",
    "LabelledTexts",
    "NgramModel",
    "Opinion",
    "Row",
    "Scene",
    "ShapesWorld",
    "SubwordTokenizer",
    "TfIdf",
    "Thing",
    "WordTokenizer",
    "bag_limit",
    "bag_of",
    "batches",
    "batches_by_length",
    "cropped",
    "draw_opinions",
    "draw_shapes",
    "flipped",
    "group_split",
    "held_out_compositions",
    "judge",
    "letter_ngrams",
    "noisy",
    "normalise",
    "pad_batch",
    "pad_pieces",
    "random_split",
    "read_coco_captions",
    "read_idx",
    "read_image",
    "read_image_folder",
    "read_labelled_texts",
    "read_mnist",
    "read_rows",
    "read_spoken_digits",
    "read_text_folder",
    "read_wave",
    "references",
    "shifted",
    "stratified_split",
    "truth_accuracy",
    "turned",
]
