"""What the classifier of regions learns from: things cut out of the shapes world, or fields of captioned pictures."""

from collections import Counter
from itertools import product

import numpy as np

from ....data import ShapesWorld, crop_regions, object_boxes, single_scenes, split_words
from ....data.shapes.scene import COLOURS, SHAPES
from ..options import require
from ..prediction import over_batches
from .region_classifier import CROP

__all__ = ["Crops", "drawn_crops", "field_crops", "recoloured"]

DRAWN, CHECKED = 4000, 500  # single things to learn from, and to validate with
MOST_WORDS = 32  # classes of a folder
COMMON = 0.5  # a word in more captions than this tells nothing
DARKEST = 0.3  # factor of a channel of a recoloured crop
BATCH = 200


class Crops:
    """Crops to learn from.

    Attributes
    ----------
    names : list of str
        Of the classes: the combinations of answers.
    questions : list of int
        How many answers each question has.
    """

    def __init__(self, names, questions, crops_of, wanted, validation):
        self.names, self.questions = names, questions
        self._crops_of, self._wanted, self._validation = crops_of, wanted, validation

    def __len__(self):
        return len(self._wanted[0]) - self._validation

    def batch(self, rows, rng):
        """Crops, and for each question what is right, as distributions; of a row of zeros nothing is asked."""
        return self._crops_of(rows, rng), [wanted[rows] for wanted in self._wanted]

    def validate(self, eye):
        """The share of validation crops of which the likeliest class is right: one of the right ones, if several."""
        rows = np.arange(len(self), len(self) + self._validation)
        crops = self._crops_of(rows, np.random.default_rng(0))
        right = np.ones(len(rows), bool)
        scores = over_batches(eye, len(rows), BATCH, lambda some: list(zip(*(s.data for s in eye(crops[some])[1]))))
        for own, wanted in zip(zip(*scores), self._wanted):
            right &= wanted[rows, np.argmax(own, 1)] > 0
        return {"accuracy": right.mean()}


class _Things(Crops):
    """Crops of things, of which half of each batch are recoloured, and asked for their shape alone.

    Without that a shape is learned in the colours that it comes in, and mistaken in others.
    """

    def batch(self, rows, rng):
        crops, (colours, shapes) = super().batch(rows, rng)
        half = np.arange(len(rows)) < len(rows) // 2
        return recoloured(crops, half, rng), [np.where(half[:, None], np.float32(0), colours), shapes]


def recoloured(crops, chosen, rng):
    """Some crops with their colour channels exchanged, and each made darker or not: float32 (n, 3, S, S).

    Parameters
    ----------
    crops : float32 array (n, 3, S, S)
    chosen : bool array (n,)
    rng : numpy.random.Generator

    Examples
    --------
    >>> crops = np.ones((2, 3, 1, 1), np.float32)
    >>> found = recoloured(crops, np.array([True, False]), np.random.default_rng(0))
    >>> bool((found[0] < 1).all()), found[1].ravel().tolist()
    (True, [1.0, 1.0, 1.0])
    """
    order = rng.random(crops.shape[:2]).argsort(1)                       # (n, 3): a permutation each
    gain = (DARKEST + (1 - DARKEST) * rng.random(crops.shape[:2])).astype(np.float32)
    changed = np.take_along_axis(crops, order[:, :, None, None], 1) * gain[:, :, None, None]
    return np.where(chosen[:, None, None, None], changed, crops)


def drawn_crops(rng):
    """Single things of the shapes world, of the pairs that training may see; asked are colour and shape, of each one.

    Returns
    -------
    Crops
    """
    world = ShapesWorld()
    scenes = single_scenes(world.seen, DRAWN + CHECKED, rng)
    order = rng.permutation(len(scenes))
    scenes = [scenes[i] for i in order]
    crops = np.concatenate([crop_regions(image, object_boxes(image, 1), CROP) for image in world.render(scenes, rng)])
    wanted = [_one_hot([names.index(getattr(scene.things[0], kind)) for scene in scenes], len(names))
              for names, kind in ((COLOURS, "colour"), (SHAPES, "shape"))]
    return _Things([f"{colour} {shape}" for colour, shape in product(COLOURS, SHAPES)], [len(COLOURS), len(SHAPES)],
                   lambda rows, rng: crops[rows], wanted, CHECKED)


def _one_hot(labels, count):
    return np.eye(count, dtype=np.float32)[labels]


def field_crops(part, boxes_of):
    """Regions of captioned pictures, of which nobody says what they show: asked is which words the captions have.

    Of each picture a region is drawn; right are, in equal shares, those of the 32 commonest words that its captions
    have, words of more than half of all captions left out; with none of them, all words.

    Parameters
    ----------
    part : Captioned
        To train on.
    boxes_of : callable
        ``boxes_of(image)`` → array (n, 4).

    Returns
    -------
    Crops
    """
    said = [{word for caption in own for word in split_words(caption) if word[0].isalnum()} for own in part.captions]
    counts = Counter(word for own in said for word in own)
    words = sorted((word for word in counts if counts[word] <= COMMON * len(part)),
                   key=lambda word: (-counts[word], word))[:MOST_WORDS]
    require(len(words) > 1, "--data", "must have captions of different words", f"{len(words)} of which they differ by")
    wanted = np.array([[word in own for word in words] for own in said], np.float32)
    wanted[wanted.sum(1) == 0] = 1
    wanted /= wanted.sum(1, keepdims=True)

    def crops_of(rows, rng):
        found = []
        for image in part.images(rows):
            boxes = boxes_of(image)
            boxes = boxes if len(boxes) else np.array([[0.0, 0, 1, 1]])
            found.append(crop_regions(image, boxes[[rng.integers(len(boxes))]], CROP))
        return np.concatenate(found)

    return Crops(words, [len(words)], crops_of, [wanted], min(CHECKED, len(part) // 10))
