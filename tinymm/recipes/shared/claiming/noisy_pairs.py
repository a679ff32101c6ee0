"""Pictures of one thing with a partial caption, and all that can happen to either: what the claim on noise is about."""

from typing import NamedTuple

import numpy as np

from ....data import (
    COLOURS, SHAPES, WordTokenizer, blurred, noisy, occluded, partial_caption, single_scenes, with_words_exchanged,
    with_words_missing,
)
from ....data.shapes.language import VOCABULARY
from ....data.shapes.render import render
from .contenders import Examples

__all__ = [
    "CLASSES", "MODALITIES", "SEVERITIES", "SIDE", "SWEEPS", "TOKENS", "Pairs", "corrupted", "draw_pairs",
    "told_accuracy", "varied",
]

MODALITIES = ("picture", "text")
CLASSES = [(colour, shape) for colour in COLOURS for shape in SHAPES]
SIDE = 16  # pixels
RADII = {"small": (0.20, 0.25), "large": (0.29, 0.35)}  # of the frame
TOLD = 0.8  # how often a caption tells the colour, and how often the shape
SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
NOISE = 0.4  # standard deviation of additive noise at severity 1
TOKENS = WordTokenizer([*VOCABULARY, "thing"])
OWN = (*COLOURS, *SHAPES, "small", "large", "thing")  # words that take others' places
FOREIGN = ("rouge", "vert", "bleu", "jaune", "violet", "cercle", "carré", "croix", "losange", "petit", "grand")
WORDS = 7  # words of a caption


class Pairs(NamedTuple):
    """Pictures (N, 3, SIDE, SIDE), captions, and labels (N,), numbers of `CLASSES`."""

    pictures: np.ndarray
    captions: list
    labels: np.ndarray

    def examples(self, missing=None):
        """What the contenders take: pictures, ids (N, WORDS), and who is there (N, 2); one modality may be missing.

        A caption without a word is a missing one.
        """
        ids = np.zeros((len(self.labels), WORDS), int)
        for row, caption in zip(ids, self.captions):
            words = TOKENS.encode(caption)[1:-1]
            row[:len(words)] = words
        present = np.stack([np.ones(len(ids), bool), ids.any(1)], 1)
        if missing is not None:
            present[:, MODALITIES.index(missing)] = False
        return Examples((self.pictures, ids, present), self.labels)


def draw_pairs(n, rng):
    """Draw things of any colour, shape, size and place, paint and describe them: Pairs.

    Given the class, what a caption tells and how the picture looks are drawn independently.

    Examples
    --------
    >>> pairs = draw_pairs(2, np.random.default_rng(0))
    >>> pairs.pictures.shape, pairs.captions
    ((2, 3, 16, 16), ['large thing on the left', 'yellow diamond in the middle'])
    """
    labels = rng.integers(len(CLASSES), size=n)
    scenes = single_scenes([CLASSES[label] for label in labels], n, rng, RADII)
    captions = [partial_caption(scene, rng, TOLD) for scene in scenes]
    return Pairs(render(scenes, rng, SIDE), captions, labels)


# What can happen --------------------------------------------------------------------------------------------------


def _blur(pairs, severity, rng):
    return pairs._replace(pictures=blurred(pairs.pictures, severity))


def _noise(pairs, severity, rng):
    return pairs._replace(pictures=noisy(pairs.pictures, severity * NOISE, rng))


def _occlusion(pairs, severity, rng):
    return pairs._replace(pictures=occluded(pairs.pictures, severity, rng))


def _words_missing(pairs, severity, rng):
    return pairs._replace(captions=with_words_missing(pairs.captions, severity, rng))


def _words_exchanged(pairs, severity, rng):
    return pairs._replace(captions=with_words_exchanged(pairs.captions, severity, rng, OWN))


def _words_foreign(pairs, severity, rng):
    return pairs._replace(captions=with_words_exchanged(pairs.captions, severity, rng, FOREIGN))


SWEEPS = {  # by name what happens, one after the other
    "blur": (_blur,), "noise": (_noise,), "occlusion": (_occlusion,),
    "words missing": (_words_missing,), "words exchanged": (_words_exchanged,), "words foreign": (_words_foreign,),
    "both seen": (_blur, _words_missing), "both new": (_noise, _words_exchanged),
}
SEEN = ("blur", "words missing")


def corrupted(pairs, sweep, severity, rng):
    """The pairs after what a sweep does, at a severity in [0, 1]: Pairs; at 0 they are as they were."""
    for change in SWEEPS[sweep]:
        pairs = change(pairs, severity, rng)
    return pairs


def varied(pairs, rng):
    """The pairs as a training that knows of noise sees them: half of the pictures are blurred, and words are missing
    from half of the captions, each at a severity of its own."""
    for sweep in SEEN:
        severity = np.where(rng.random(len(pairs.labels)) < 0.5, rng.random(len(pairs.labels)), 0.0)
        pairs = corrupted(pairs, sweep, severity, rng)
    return pairs


def told_accuracy(severity=0.0):
    r"""How often a caption gives away colour and shape, to Bayes' rule, when so many of its words are missing:

    $$ \left(c + \frac{1 - c}{6}\right)\left(c + \frac{1 - c}{5}\right), \qquad
       c = \mathrm{TOLD} \cdot (1 - \mathrm{severity}) . $$

    c is the probability that the word for the colour is there, and that the word for the shape is, independently. What
    is not there must be guessed, among 6 and among 5, each as likely. Size and place say nothing about either.

    Examples
    --------
    >>> round(told_accuracy(), 4), round(told_accuracy(1.0) * 30, 4)
    (0.7, 1.0)
    """
    c = TOLD * (1 - severity)
    return (c + (1 - c) / len(COLOURS)) * (c + (1 - c) / len(SHAPES))
